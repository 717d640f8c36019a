//! Time, machines and links. One queue ordered by time and sequence; everything that happens is drawn from one
//! seed and hashed into one trace.

use std::collections::BTreeMap;

use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::{Effect, Notice, Reply};
use codex_crdt_model::event::{Event, MembershipRequest, Request};
use codex_crdt_model::ids::UnixMs;
use codex_crdt_model::journal::Role;
use codex_crdt_model::store::Source;
use codex_crdt_model::{Core, Stepped};

use crate::faulty::Fault;
use crate::machine::{Crash, Draft, Job, Machine};
use crate::mallory::Mallory;
use crate::oracle::Ledger;
use crate::rng::Rng;
use crate::workload::Edition;

mod links;
mod work;

/// A real beginning: clocks that are years wrong must not matter.
const EPOCH_MS: i64 = 1_750_000_000_000;
/// A world that is still busy after this many events will never be quiet.
const EVENTS: u64 = 20_000;
/// A tick that a core wants later than this is as good as never.
const LONG_MS: i64 = 3 * 3_600_000;

/// Something that will happen.
#[derive(Debug, Clone)]
enum Item {
    Step { machine: usize, epoch: u64, event: Event },
    Work { machine: usize, epoch: u64, job: Job },
    Frame { from: usize, to: usize, cut: u64, frame: Vec<u8> },
    Tick { machine: usize, epoch: u64 },
    Blobs { machine: usize, epoch: u64 },
    Open { a: usize, b: usize },
    Start { machine: usize },
}

/// The connection between two machines.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    /// The network lets them.
    possible: bool,
    /// A stream is open.
    open: bool,
    /// How often it has been cut.
    cuts: u64,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    /// Milliseconds of true time.
    pub time: i64,
    /// The machines; the first founded the notebook.
    pub machines: Vec<Machine>,
    /// The one source of chance.
    pub rng: Rng,
    /// Every word that was made.
    pub ledger: Ledger,
    /// What went wrong by itself.
    pub problems: Vec<String>,
    /// What tabs have loaded.
    pub drafts: Vec<Draft>,
    /// Replies by machine and number.
    pub replies: BTreeMap<(usize, u64), Result<Reply, codex_crdt_model::effect::Refusal>>,
    /// A member who lies.
    pub mallory: Option<Mallory>,
    /// Print everything that happens.
    pub verbose: bool,
    /// What may happen.
    pub edition: Edition,
    fault: Fault,
    links: BTreeMap<(usize, usize), Link>,
    sent_until: BTreeMap<(usize, usize), i64>,
    queue: BTreeMap<(i64, u64), Item>,
    sequence: u64,
    handled: u64,
    trace: blake3::Hasher,
}

impl World {
    /// A notebook founded on machine 0 and joined by `count - 1` others, none running yet.
    pub fn new(seed: u64, count: usize, fault: Fault) -> Self {
        let mut rng = Rng::new(seed);
        let found = Origin::Found { name: "lab".into(), device_name: "machine 0".into() };
        let mut machines = vec![Machine::new(rng.bytes(), found, rng.bytes(), EPOCH_MS)];
        let meta = machines[0].store.meta().ok().flatten().expect("it was just founded");
        for _ in 1..count {
            let join = Origin::Join { notebook: meta.notebook, name: "lab".into() };
            machines.push(Machine::new(rng.bytes(), join, rng.bytes(), EPOCH_MS));
        }
        let mut links = BTreeMap::new();
        for a in 0..count {
            for b in a + 1..count {
                links.insert((a, b), Link::default());
            }
        }
        Self {
            time: EPOCH_MS,
            machines,
            rng,
            ledger: Ledger::default(),
            problems: Vec::new(),
            drafts: Vec::new(),
            replies: BTreeMap::new(),
            mallory: None,
            verbose: false,
            edition: Edition::Second,
            fault,
            links,
            sent_until: BTreeMap::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            handled: 0,
            trace: blake3::Hasher::new(),
        }
    }

    /// Starts everybody, admits everybody, and waits until all have joined.
    pub fn meet(&mut self) {
        self.start_all();
        self.admit_all();
        self.heal();
        self.settle();
    }

    /// Starts everybody.
    pub fn start_all(&mut self) {
        for machine in 0..self.machines.len() {
            self.start(machine);
        }
    }

    /// The founder admits everybody.
    pub fn admit_all(&mut self) {
        for n in 1..self.machines.len() {
            let (device, name) = (self.machines[n].device, format!("machine {n}"));
            self.ask(0, Request::People(MembershipRequest::Admit { device, role: Role::Editor, name }));
        }
        self.run_for(100);
    }

    // ---- time

    /// The time by a machine's own clock.
    pub fn now(&self, machine: usize) -> UnixMs {
        self.time + self.machines[machine].skew
    }

    fn push(&mut self, at: i64, item: Item) {
        self.sequence += 1;
        self.queue.insert((at.max(self.time), self.sequence), item);
    }

    /// Lets this much time go by.
    pub fn run_for(&mut self, ms: i64) {
        let until = self.time + ms;
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > until || self.handled > EVENTS {
                break;
            }
            let ((at, _), item) = entry.remove_entry();
            self.time = at;
            self.handle(item);
        }
        self.time = until;
    }

    /// Runs until nothing is left to happen.
    pub fn run_until_quiet(&mut self) {
        while let Some(((at, _), item)) = self.queue.pop_first() {
            if self.handled > EVENTS {
                self.problems.push(format!("not quiet after {EVENTS} events"));
                self.queue.clear();
                return;
            }
            self.time = at;
            self.handle(item);
        }
    }

    /// Runs until quiet, with scans, as an hour does; releases brakes.
    pub fn settle(&mut self) {
        for _ in 0..8 {
            self.run_until_quiet();
            let before = self.positions();
            for machine in 0..self.machines.len() {
                self.machines[machine].disk.forget_expected();
                if self.machines[machine].core.as_ref().is_some_and(|core| core.meta().held) {
                    self.ask(machine, Request::Resume { accept_deletions: true });
                }
                self.work(machine, Job::Scan, 0);
            }
            self.run_until_quiet();
            if self.positions() == before {
                return;
            }
        }
        self.problems.push("eight scans in a row all changed something".into());
    }

    fn positions(&self) -> Vec<u64> {
        self.machines.iter().map(|m| m.store.records().count() as u64).collect()
    }

    /// The run's fingerprint: equal for equal seeds (law 8).
    pub fn trace_hash(&self) -> String {
        self.trace.finalize().to_hex().to_string()
    }

    /// Notes something in the trace.
    pub fn note(&mut self, what: &dyn Fn() -> String) {
        let line = format!("{:>8} {}", self.time - EPOCH_MS, what());
        self.trace.update(line.as_bytes());
        if self.verbose {
            println!("{}", line.chars().take(1500).collect::<String>());
        }
    }

    fn handle(&mut self, item: Item) {
        self.handled += 1;
        match item {
            Item::Step { machine, epoch, event } if self.machines[machine].epoch == epoch => {
                self.step(machine, event);
            }
            Item::Work { machine, epoch, job } if self.machines[machine].epoch == epoch => {
                self.do_job(machine, job);
            }
            Item::Tick { machine, epoch } if self.machines[machine].epoch == epoch => {
                self.machines[machine].tick_at = None;
                self.step(machine, Event::Tick);
            }
            Item::Blobs { machine, epoch } if self.machines[machine].epoch == epoch => {
                self.look_for_blobs(machine);
            }
            Item::Step { .. } | Item::Work { .. } | Item::Tick { .. } | Item::Blobs { .. } => {}
            Item::Frame { from, to, cut, frame } => {
                let link = self.links[&pair(from, to)];
                if link.open && link.cuts == cut {
                    let peer = self.machines[from].device;
                    self.step(to, Event::Received { peer, frame });
                }
            }
            Item::Open { a, b } => self.open(a, b),
            Item::Start { machine } => self.start(machine),
        }
    }

    /// An event will reach a machine's core.
    pub fn tell(&mut self, machine: usize, event: Event, delay: i64) {
        let epoch = self.machines[machine].epoch;
        self.push(self.time + delay, Item::Step { machine, epoch, event });
    }

    /// Somebody on a machine asks for something; its number.
    pub fn ask(&mut self, machine: usize, request: Request) -> u64 {
        self.machines[machine].asked += 1;
        let number = self.machines[machine].asked;
        self.tell(machine, Event::Asked { number, request }, 0);
        number
    }

    // ---- the driver

    fn step(&mut self, n: usize, event: Event) {
        let now = self.now(n);
        let (fault, forger) = (self.fault, self.forger().clone());
        let machine = &mut self.machines[n];
        if machine.core.is_none() {
            return;
        }
        let event = fault.tamper(event, machine, &forger);
        self.note(&|| format!("m{n} ← {event:?}"));
        let machine = &mut self.machines[n];
        let Some(core) = &mut machine.core else { return };
        match core.step(now, event, &machine.store) {
            Ok(stepped) => self.carry_out(n, stepped),
            Err(error) => {
                self.problems.push(format!("machine {n}: {error}"));
                self.crash(n, Crash::Kill);
            }
        }
        self.schedule_tick(n);
    }

    fn carry_out(&mut self, n: usize, mut stepped: Stepped) {
        let fault = self.fault;
        let epoch = self.machines[n].epoch;
        let (early, late): (Vec<Effect>, Vec<Effect>) =
            stepped.effects.into_iter().partition(|effect| fault.too_early(effect));
        for effect in early {
            self.effect(n, effect);
            if self.boundary(n) {
                return;
            }
        }
        if self.machines[n].epoch != epoch || self.boundary(n) {
            return;
        }
        if fault.tears(&stepped.writes)
            && let Some((_, crash)) = self.machines[n].crash_in
        {
            stepped.writes.bases.clear();
            self.machines[n].apply(&stepped.writes);
            self.crash(n, crash);
            return;
        }
        self.machines[n].apply(&stepped.writes);
        if !stepped.writes.members.is_empty() {
            self.members_changed(n);
        }
        if !stepped.writes.blobs_named.is_empty() {
            self.blobs_everywhere();
        }
        for effect in late {
            if self.boundary(n) {
                return;
            }
            self.effect(n, effect);
            if self.machines[n].epoch != epoch {
                return;
            }
        }
    }

    /// Whether the machine crashes just here.
    fn boundary(&mut self, n: usize) -> bool {
        match &mut self.machines[n].crash_in {
            Some((0, crash)) => {
                let crash = *crash;
                self.crash(n, crash);
                true
            }
            Some((left, _)) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    fn effect(&mut self, n: usize, effect: Effect) {
        self.note(&|| format!("m{n} → {effect:?}"));
        match effect {
            Effect::Disk(ops) => {
                let delay = self.rng.between(0, 30);
                self.work(n, Job::Ops(ops), delay);
            }
            Effect::Scan(number) => self.work(n, Job::ScanAsked(number), 1),
            Effect::Send { peer, frame } => self.send(n, peer, frame),
            Effect::Disconnect { peer, .. } => {
                if let Some(other) = self.index_of(peer) {
                    self.cut(n, other);
                    self.reopen_later(n, other);
                }
            }
            Effect::Reply { number, reply } => {
                if reply.is_ok() {
                    self.ledger.acknowledged(n, number);
                }
                self.replies.insert((n, number), reply);
            }
            Effect::Fetch { hash, .. } => {
                self.machines[n].wanted.insert(hash);
                self.blobs_later(n);
            }
            Effect::Leave(hash) => {
                self.machines[n].wanted.remove(&hash);
            }
            Effect::Look(hash) => {
                if self.machines[n].blobs.contains_key(&hash) {
                    self.tell(n, Event::BlobHeld(hash), 1);
                }
            }
            Effect::Notify(Notice::Standing(what)) => self.machines[n].standings.push(what),
            Effect::Notify(Notice::Fork { device, .. }) => {
                self.machines[n].forks.insert(device);
            }
            Effect::Notify(Notice::Conflict(entry)) => {
                self.machines[n].told_of_conflict.insert(entry);
            }
            Effect::Notify(_) | Effect::Changed { .. } => {}
        }
    }

    fn schedule_tick(&mut self, n: usize) {
        let skew = self.machines[n].skew;
        let Some(at) = self.machines[n].core.as_ref().and_then(Core::deadline) else { return };
        let at = (at - skew).max(self.time + 1);
        if at > self.time + LONG_MS || self.machines[n].tick_at.is_some_and(|t| t <= at && t > self.time) {
            return;
        }
        self.machines[n].tick_at = Some(at);
        let epoch = self.machines[n].epoch;
        self.push(at, Item::Tick { machine: n, epoch });
    }

    /// The program starts on a machine.
    pub fn start(&mut self, n: usize) {
        let seed = self.rng.bytes();
        let machine = &mut self.machines[n];
        if machine.core.is_some() {
            return;
        }
        let fresh = std::mem::take(&mut machine.fresh_volume);
        match Core::open(machine.key.clone(), seed, fresh, &machine.store) {
            Ok((core, stepped)) => {
                machine.core = Some(core);
                machine.disk_free_at = self.time;
                machine.disk_told_at = self.time;
                self.note(&|| format!("m{n} starts"));
                self.work(n, Job::Leftovers, 0);
                self.carry_out(n, stepped);
                self.schedule_tick(n);
            }
            Err(error) => self.problems.push(format!("machine {n} does not start: {error}")),
        }
        for other in 0..self.machines.len() {
            if other != n {
                self.reopen_later(n, other);
            }
        }
    }

    /// The program, or the whole machine, dies and comes back a little later.
    pub fn crash(&mut self, n: usize, crash: Crash) {
        self.note(&|| format!("m{n} dies: {crash:?}"));
        self.stop(n);
        let delay = self.rng.between(50, 3000);
        self.push(self.time + delay, Item::Start { machine: n });
    }

    /// The program dies and stays dead until it is started.
    pub fn stop(&mut self, n: usize) {
        let machine = &mut self.machines[n];
        machine.core = None;
        machine.epoch += 1;
        machine.crash_in = None;
        machine.tick_at = None;
        machine.wanted.clear();
        machine.missing.clear();
        for other in 0..self.machines.len() {
            if other != n {
                self.deliver_some(n, other);
                self.cut(n, other);
            }
        }
    }
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}
