//! The disk worker of a machine: one queue of jobs, whose results reach the core late but in order.

use std::collections::BTreeMap;

use codex_crdt_model::effect::{DiskAction, DiskOp, DiskOutcome};
use codex_crdt_model::event::{DiskResult, Event};
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;

use super::{Item, World};
use crate::disk::MemoryDisk;
use crate::faulty::Fault;
use crate::machine::{Crash, Job, Missing};
use crate::workload::Edition;

/// What is missing is believed when it has stayed away so long, as in the real worker.
const MISSING_MS: i64 = 100;

impl World {
    /// Asks a machine's disk worker for something.
    pub fn work(&mut self, n: usize, job: Job, delay: i64) {
        let machine = &mut self.machines[n];
        let at = (self.time + delay).max(machine.disk_free_at);
        machine.disk_free_at = at;
        let epoch = machine.epoch;
        self.push(at, Item::Work { machine: n, epoch, job });
    }

    pub(super) fn do_job(&mut self, n: usize, job: Job) {
        let root = EntryPath::root();
        let machine = &mut self.machines[n];
        if machine.core.is_none() {
            return;
        }
        let is_look = !matches!(job, Job::Ops(_) | Job::Leftovers);
        if is_look && machine.disk_told_at > self.time {
            // Compared is with what the core knows when it has taken in all that was told before, as in the real worker.
            let (at, epoch) = (machine.disk_told_at, machine.epoch);
            return self.push(at, Item::Work { machine: n, epoch, job });
        }
        match job {
            Job::Scan | Job::ScanAsked(_) => {
                if let Job::ScanAsked(number) = job {
                    machine.scan = number;
                }
                let number = machine.scan;
                let is_third = self.edition == Edition::Third;
                let left = if is_third { machine.disk.leftovers(&mut machine.blobs) } else { Vec::new() };
                machine.untold.clear();
                let seen = machine.disk.differences(&[root], &machine.store, &mut machine.blobs, false);
                self.tell_leftovers(n, left);
                if !seen.is_empty() {
                    self.disk_tells(n, Event::Observed(seen));
                }
                self.disk_tells(n, Event::Scanned(number));
            }
            Job::Look(paths) => {
                if self.fault == Fault::HalfMoves {
                    let seen = machine.disk.differences(&paths, &machine.store, &mut machine.blobs, false);
                    return seen.into_iter().for_each(|one| self.disk_tells(n, Event::Observed(vec![one])));
                }
                let is_some_missing = !machine.missing.is_empty();
                let (seen, missing) =
                    machine.disk.look_at(&paths, &machine.store, &mut machine.blobs, is_some_missing);
                if !seen.is_empty() {
                    self.disk_tells(n, Event::Observed(seen));
                }
                if !missing.is_empty() {
                    self.await_missing(n, missing);
                }
            }
            Job::LookForMissing => self.look_for_missing(n),
            Job::Leftovers => {
                let left = machine.disk.leftovers(&mut machine.blobs);
                self.tell_leftovers(n, left);
            }
            Job::Ops(ops) => self.do_ops(n, ops),
        }
    }

    fn tell_leftovers(&mut self, n: usize, left: Vec<(EntryId, DiskOutcome)>) {
        let results: Vec<DiskResult> =
            left.into_iter().map(|(entry, outcome)| DiskResult { entry, outcome }).collect();
        if !results.is_empty() {
            self.disk_tells(n, Event::DiskDone(results));
        }
    }

    fn do_ops(&mut self, n: usize, ops: Vec<DiskOp>) {
        let (mut results, mut moved_changed) = (Vec::new(), Vec::new());
        let before = self.machines[n].disk.clone();
        for op in &ops {
            let dying = self.machines[n].crash_in;
            if self.boundary(n) {
                if matches!(dying, Some((_, Crash::Power))) {
                    self.lose_some(n, before, &ops);
                }
                return;
            }
            let machine = &mut self.machines[n];
            let outcome: DiskOutcome = machine.disk.run(op, &mut machine.blobs);
            self.note(&|| format!("m{n} disk {op:?} = {outcome:?}"));
            if let (DiskAction::Move { to }, DiskOutcome::Moved(stat)) = (&op.action, &outcome) {
                self.take_hints_along(n, &op.path, to);
                if self.machines[n].disk.read(to).is_some()
                    && self.machines[n].base_of(&op.entry).is_some_and(|base| base.stat != *stat)
                {
                    // It was changed before it was moved.
                    moved_changed.push(to.clone());
                }
            }
            results.push(DiskResult { entry: op.entry, outcome });
        }
        self.disk_tells(n, Event::DiskDone(results));
        if !moved_changed.is_empty() {
            self.work(n, Job::Look(moved_changed), 1);
        }
    }

    fn await_missing(&mut self, n: usize, paths: Vec<EntryPath>) {
        let due = self.time + MISSING_MS;
        let machine = &mut self.machines[n];
        let last = machine.missing.values().map(|missing| missing.due).max();
        for path in paths {
            let is_there = machine.disk.get(&path).is_some();
            let due = if is_there { last.unwrap_or(due) } else { due };
            machine.missing.entry(path).or_insert(Missing { due, has_waited: false });
        }
        self.look_for_missing_at(n, due);
    }

    fn look_for_missing_at(&mut self, n: usize, at: i64) {
        let epoch = self.machines[n].epoch;
        self.push(at, Item::Work { machine: n, epoch, job: Job::LookForMissing });
    }

    /// What is still missing is believed, once all that was heard of before has been looked at: it may be there.
    fn look_for_missing(&mut self, n: usize) {
        let heard_of = self.queue.iter().filter_map(|((at, _), item)| match item {
            Item::Work { machine, job: Job::Look(_), .. } if *machine == n => Some(*at),
            _ => None,
        });
        let heard_of = heard_of.max();
        let machine = &mut self.machines[n];
        let is_due = |missing: &Missing| missing.due <= self.time;
        if let Some(due) = heard_of
            && machine.missing.values().any(|missing| is_due(missing) && !missing.has_waited)
        {
            for missing in machine.missing.values_mut().filter(|missing| is_due(missing)) {
                *missing = Missing { due, has_waited: true };
            }
            return self.look_for_missing_at(n, due);
        }
        let (due, later) = std::mem::take(&mut machine.missing).into_iter().partition(|(_, m)| is_due(m));
        machine.missing = later;
        let due: BTreeMap<EntryPath, Missing> = due;
        let mut seen = Vec::new();
        for path in due.into_keys() {
            seen.extend(machine.disk.differences(&[path], &machine.store, &mut machine.blobs, false));
        }
        if !seen.is_empty() {
            self.disk_tells(n, Event::Observed(seen));
        }
    }

    /// Hints about what has just been moved are about the new place; and something new may be at the old one.
    fn take_hints_along(&mut self, n: usize, from: &EntryPath, to: &EntryPath) {
        let moved = |path: &EntryPath| {
            // A hint is about all below.
            let rest = path.is_within(from).then(|| &path.as_str()[from.as_str().len()..]);
            let rest = rest.or(from.is_within(path).then_some(""));
            rest.and_then(|rest| EntryPath::parse(&format!("{to}{rest}")).ok())
        };
        let machine = &mut self.machines[n];
        let missing: Vec<_> =
            machine.missing.iter().filter_map(|(path, missing)| Some((moved(path)?, *missing))).collect();
        machine.missing.extend(missing);
        for item in self.queue.values_mut() {
            if let Item::Work { machine, job: Job::Look(paths), .. } = item
                && *machine == n
            {
                let more: Vec<EntryPath> = paths.iter().filter_map(moved).collect();
                paths.extend(more);
            }
        }
    }

    /// Power fails before the sync: each operation may have reached the disk or not.
    fn lose_some(&mut self, n: usize, mut disk: MemoryDisk, ops: &[DiskOp]) {
        for op in ops {
            if self.rng.percent(50) {
                disk.run(op, &mut self.machines[n].blobs);
            }
        }
        self.machines[n].disk = disk;
    }

    /// Late, but in order.
    fn disk_tells(&mut self, n: usize, event: Event) {
        let delay = self.rng.between(0, 20);
        let machine = &mut self.machines[n];
        let at = (self.time + delay).max(machine.disk_told_at);
        machine.disk_told_at = at;
        let epoch = machine.epoch;
        self.push(at, Item::Step { machine: n, epoch, event });
        self.blobs_everywhere();
    }
}
