//! What must hold once all is healed and quiet: the laws, as checks over the whole world.

use std::collections::{BTreeMap, BTreeSet};

use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::event::Event;
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::{EntryRow, Mode, Source};

use crate::disk::Data;
use crate::machine::Machine;
use crate::world::World;

/// What is known about one unique word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Somebody really wrote it: on disk, or acknowledged by the desk.
    pub written: bool,
    /// Somebody took it out, or may have.
    pub deleted: bool,
    /// The file it is in was saved anew and moved, and the watcher did not tell of one of both: nothing connects the
    /// old file and the new one.
    pub loose: bool,
    /// The new file it is in was born twice: a backup held it, the backup's store had not seen it, and it had grown
    /// when it was first seen. What a new file is, its first bytes say: put back, it is another one. While the two have one
    /// name, they are in the inbox; after a move nothing connects them (docs/decisions/0006).
    pub twice_born: bool,
    /// Where and when another file was put where its own had been, and the program still knows the old one there: it takes
    /// the new one for an edit, unless it hears of the move first.
    pub covered: Option<(usize, i64)>,
    /// Where it was made, and when.
    pub made: (usize, i64),
    /// Where a program last moved the file it is in, and when.
    pub moved: Option<(usize, i64)>,
}

/// Every word that the workload ever made.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    tokens: BTreeMap<String, Token>,
    by_request: BTreeMap<(usize, u64), Vec<String>>,
    /// Words that must never appear: forged.
    pub forged: BTreeSet<String>,
}

/// The unique words in some bytes, with repetitions.
pub fn tokens_in(bytes: &[u8]) -> Vec<String> {
    let word = |w: &&[u8]| w.starts_with(b"tok") && w[3..].iter().all(u8::is_ascii_digit);
    (0..bytes.len().saturating_sub(8))
        .filter_map(|at| bytes.get(at..at + 9))
        .filter(word)
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect()
}

impl Ledger {
    /// A new word.
    pub fn make(&mut self, machine: usize, time: i64) -> String {
        let name = format!("tok{:06}", self.tokens.len());
        let token = Token {
            written: false,
            deleted: false,
            loose: false,
            twice_born: false,
            covered: None,
            made: (machine, time),
            moved: None,
        };
        self.tokens.insert(name.clone(), token);
        name
    }

    /// A program replaced some bytes on disk.
    pub fn edited(&mut self, old: &[u8], new: &[u8]) {
        let kept: BTreeSet<String> = tokens_in(new).into_iter().collect();
        for token in &kept {
            self.with(token, |t| t.written = true);
        }
        for token in tokens_in(old).iter().filter(|token| !kept.contains(*token)) {
            self.with(token, |t| t.deleted = true);
        }
    }

    /// A tab sent a text that was made from another: deletions count at once, new words when acknowledged.
    pub fn asked(&mut self, machine: usize, number: u64, old: &str, new: &str) {
        let kept: BTreeSet<String> = tokens_in(new.as_bytes()).into_iter().collect();
        for token in tokens_in(old.as_bytes()).iter().filter(|token| !kept.contains(*token)) {
            self.with(token, |t| t.deleted = true);
        }
        self.by_request.insert((machine, number), kept.into_iter().collect());
    }

    /// The desk acknowledged a request.
    pub fn acknowledged(&mut self, machine: usize, number: u64) {
        for token in self.by_request.remove(&(machine, number)).into_iter().flatten() {
            self.with(&token, |t| t.written = true);
        }
    }

    /// A program moved the file with these bytes, and the watcher told of it or not.
    pub fn moved(&mut self, machine: usize, time: i64, bytes: &[u8], told: bool) {
        for token in tokens_in(bytes) {
            self.with(&token, |t| (t.loose, t.moved) = (t.loose || !told, Some((machine, time))));
        }
    }

    /// Another file was put where the program knows these bytes.
    pub fn covered(&mut self, machine: usize, time: i64, known: &[u8]) {
        for token in tokens_in(known) {
            self.with(&token, |t| t.covered = Some((machine, time)));
        }
    }

    /// The machine went back to how it was at a time: what it wrote or moved since may be gone. So may be what had been
    /// moved unheard before and was covered since: to everybody else the cover is an edit of it, and what comes back is
    /// its move alone.
    pub fn restored(&mut self, machine: usize, since: i64) {
        let undone = |(on, at): (usize, i64)| on == machine && at >= since;
        for token in self.tokens.values_mut().filter(|t| undone(t.made) || t.moved.is_some_and(undone)) {
            token.deleted = true;
        }
        let before = |(on, at): (usize, i64)| on == machine && at < since;
        let covered = |t: &&mut Token| t.moved.is_some_and(before) && t.covered.is_some_and(undone);
        for token in self.tokens.values_mut().filter(|t| t.loose).filter(covered) {
            token.deleted = true;
        }
    }

    /// A backup that is being put back holds a new file, which was born otherwise since.
    pub fn born_again(&mut self, put_back: &[u8], born: &[u8]) {
        let born = tokens_in(born);
        for token in tokens_in(put_back).iter().filter(|token| born.contains(token)) {
            self.with(token, |t| t.twice_born = true);
        }
    }

    fn with(&mut self, token: &str, change: impl FnOnce(&mut Token)) {
        if let Some(token) = self.tokens.get_mut(token) {
            change(token);
        }
    }
}

/// Everything that is wrong with a quiet world.
pub fn problems(world: &mut World) -> Vec<String> {
    let mut problems = std::mem::take(&mut world.problems);
    words(world, &mut problems);
    same_everywhere(world, &mut problems);
    forked(world, &mut problems);
    if problems.is_empty() {
        crate::signing::problems(world, &mut problems);
    }
    for (n, machine) in world.machines.iter().enumerate() {
        if machine.disk.asides() > 0 {
            problems.push(format!("machine {n}: bytes that were set aside were never dealt with (law 1)"));
        }
        if machine.core.as_ref().is_some_and(|core| core.meta().mode == Mode::Joining) {
            problems.push(format!("machine {n} never ended joining"));
        }
        let unwritten = machine.core.as_ref().map_or(0, codex_crdt_model::Core::unwritten);
        if unwritten > 0 {
            problems.push(format!("machine {n}: {unwritten} files still wait to be written"));
        }
    }
    if problems.is_empty() {
        fed_twice(world, &mut problems);
    }
    problems
}

/// Law 1: every word that was written and not deleted is there, exactly once. Law 7: nothing forged is.
fn words(world: &World, problems: &mut Vec<String>) {
    for (n, machine) in world.machines.iter().enumerate() {
        // On other machines than the one that made it, a copy says what it is by its name.
        let in_inbox = |path: &str| {
            path.contains(" (conflict from ")
                || machine.entry_at(path).is_some_and(|entry| is_known_as_second(world, machine, &entry))
        };
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (path, data) in machine.disk.tree() {
            let Data::File(bytes) = data else { continue };
            for token in tokens_in(&bytes) {
                places.entry(token).or_default().push(path.to_string());
            }
        }
        for (name, token) in &world.ledger.tokens {
            let at = places.get(name).map_or(&[][..], Vec::as_slice);
            let files: BTreeSet<&String> = at.iter().collect();
            if token.written && !token.deleted && at.is_empty() {
                problems.push(format!("machine {n}: {name} is lost (law 1)"));
            }
            if files.len() != at.len() {
                problems.push(format!("machine {n}: {name} is doubled in {at:?} (law 1)"));
            }
            let plain = files.iter().filter(|path| !in_inbox(path)).count();
            if plain > 1 + usize::from(token.twice_born) && !token.loose && !token.deleted {
                problems.push(format!("machine {n}: {name} is in several files {at:?} (law 1)"));
            }
        }
        for forged in world.ledger.forged.iter().filter(|token| places.contains_key(*token)) {
            problems.push(format!("machine {n}: {forged}, which was forged, is in the notebook (law 7)"));
        }
    }
}

/// Whether an inbox shows or showed an entry as the other version of something. What a colleague has dealt with before the
/// news of both came here is only told.
fn is_known_as_second(world: &World, machine: &Machine, entry: &EntryId) -> bool {
    let elsewhere = || world.machines.iter().any(|other| other.second_versions.contains(entry));
    machine.second_versions.contains(entry) || (machine.told_of_conflict.contains(entry) && elsewhere())
}

/// Law 3: what a machine sent it has. Only one that is an old copy and does not know so writes anything else into a place.
fn forked(world: &World, problems: &mut Vec<String>) {
    for (n, machine) in world.machines.iter().enumerate() {
        let others = world.machines.iter().filter(|other| !other.unknowing);
        for other in others.filter(|other| machine.forks.contains(&other.device)) {
            problems.push(format!("machine {n}: {} wrote twice into one place (law 3)", other.device));
        }
    }
}

/// Law 2: same records, same bytes.
fn same_everywhere(world: &World, problems: &mut Vec<String>) {
    let Some((first, others)) = world.machines.split_first() else { return };
    for (n, other) in others.iter().enumerate().map(|(n, other)| (n + 1, other)) {
        // Of a liar's journal some have one branch and some another; neither counts.
        let is_honest = |((device, ..), _): &((DeviceId, u64, u64), String)| {
            world.machines.iter().any(|machine| machine.device == *device)
        };
        let honest = |machine: &Machine| -> BTreeMap<_, _> {
            machine.records().into_iter().filter(is_honest).collect()
        };
        let (a, b) = (honest(first), honest(other));
        if a != b {
            let differing = a.iter().filter(|(k, v)| b.get(*k) != Some(v)).count()
                + b.keys().filter(|k| !a.contains_key(*k)).count();
            problems.push(format!("machines 0 and {n} differ in {differing} records (law 2)"));
        }
        for (id, row) in first.store.entries() {
            let place = |row: &EntryRow| row.alive.then(|| (row.place_parent, row.place_name.clone()));
            let (here, there) = (place(row), other.store.entry(id).ok().flatten().as_ref().and_then(place));
            if a == b && here != there {
                problems.push(format!("machines 0 and {n} show {id:?} at {here:?} and {there:?} (law 2)"));
            }
        }
        let (a, b) = (first.disk.tree(), other.disk.tree());
        if a != b {
            let mut paths: BTreeSet<_> =
                a.keys().chain(b.keys()).filter(|p| a.get(*p) != b.get(*p)).collect();
            let gone = gone_everywhere(world, first);
            paths.retain(|path| !gone.contains(*path));
            if paths.is_empty() {
                continue;
            }
            problems.push(format!("machines 0 and {n} differ at {paths:?} (law 2)"));
        }
    }
    for (n, machine) in world.machines.iter().enumerate() {
        for hash in machine.store.blobs_missing().unwrap_or_default().keys() {
            if world.machines.iter().any(|other| other.blobs.contains_key(hash)) {
                problems.push(format!("machine {n}: attachment {hash} never arrived (losses.md L40)"));
            }
        }
    }
}

/// Where attachments should be whose bytes nobody holds any more: the only machine that did was restored from a
/// backup made before. Until somebody has them again, what lies there is what each machine had before.
fn gone_everywhere(world: &World, machine: &Machine) -> BTreeSet<EntryPath> {
    let held = |hash: &ContentHash| world.machines.iter().any(|m| m.blobs.contains_key(hash));
    let lost =
        machine.store.entries().filter(|(_, row)| row.alive && row.kind == Kind::Blob && !held(&row.hash));
    lost.filter_map(|(id, _)| machine.path_of(id)).collect()
}

/// An observation fed twice has no effect.
fn fed_twice(world: &mut World, problems: &mut Vec<String>) {
    for n in 0..world.machines.len() {
        let now = world.now(n);
        let machine = &mut world.machines[n];
        let root = [codex_crdt_model::path::EntryPath::root()];
        let all = machine.disk.differences(&root, &machine.store, &mut machine.blobs, true);
        let Some(core) = &mut machine.core else { continue };
        for _ in 0..2 {
            match core.step(now, Event::Observed(all.clone()), &machine.store) {
                Ok(stepped) if stepped.writes.records.is_empty() && stepped.effects.is_empty() => {
                    machine.store.apply(&stepped.writes);
                }
                Ok(stepped) => problems.push(format!(
                    "machine {n}: looking again at an unchanged folder made {} records and {:?}",
                    stepped.writes.records.len(),
                    stepped.effects
                )),
                Err(error) => problems.push(format!("machine {n}: {error}")),
            }
        }
    }
}
