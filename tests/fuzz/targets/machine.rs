//! A core with its store in memory, on a machine whose disk says yes to everything.

use std::collections::VecDeque;

use codex_crdt_model::Core;
use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::{DiskAction, DiskOp, DiskOutcome, Effect};
use codex_crdt_model::event::{DiskResult, Event, Observation, Request, Seen};
use codex_crdt_model::ids::DeviceId;
use codex_crdt_model::journal::Role;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::memory::MemoryStore;
use codex_crdt_model::store::{MemberRow, Stat};
use ed25519_dalek::SigningKey;

/// Somebody's key.
pub fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// Somebody's device.
pub fn device(n: u8) -> DeviceId {
    DeviceId(key(n).verifying_key().to_bytes())
}

/// One device with one notebook.
pub struct Machine {
    /// Whose.
    pub device: DeviceId,
    /// The notebook.
    pub core: Core,
    /// What it has written.
    pub store: MemoryStore,
    /// Its clock.
    pub now: i64,
    /// Whether a file was to be written, moved or removed.
    pub touched: bool,
    n: u8,
    opened: u8,
    inode: u64,
    sent: Vec<(DeviceId, Vec<u8>)>,
}

impl Machine {
    /// A notebook that is new here.
    pub fn new(n: u8, origin: Origin, inviter: Option<u8>) -> Self {
        let mut writes = Core::create(&key(n), origin, [n; 32], 1);
        if let Some(inviter) = inviter {
            let row = MemberRow { role: Role::Owner, name: String::new() };
            writes.members.insert(device(inviter), Some(row));
        }
        let mut store = MemoryStore::new();
        store.apply(&writes);
        Self::open(n, store)
    }

    /// A notebook that was here before.
    pub fn open(n: u8, mut store: MemoryStore) -> Self {
        let core = opened(n, 0, &mut store);
        let scans = core.scans();
        let mut machine = Self {
            device: device(n),
            core,
            store,
            now: 1_000,
            touched: false,
            n,
            opened: 0,
            inode: 1 << 32,
            sent: Vec::new(),
        };
        machine.happen(Event::Scanned(scans));
        machine
    }

    /// The program dies and starts again.
    pub fn reopen(&mut self) {
        self.opened = self.opened.wrapping_add(1);
        self.core = opened(self.n, self.opened, &mut self.store);
        self.sent.clear();
        self.happen(Event::Scanned(self.core.scans()));
    }

    /// The user's watcher saw something.
    pub fn observe(&mut self, path: &str, seen: Seen) {
        let path = EntryPath::parse(path).expect("a plain path");
        self.happen(Event::Observed(vec![Observation { path, seen }]));
    }

    /// The desk asks.
    pub fn ask(&mut self, request: Request) {
        self.happen(Event::Asked { number: 1, request });
    }

    /// Steps until nothing follows any more.
    pub fn happen(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        for steps in 0.. {
            let Some(event) = queue.pop_front() else { return };
            assert!(steps < 10_000, "it never comes to rest: {event:?}");
            self.now += 1;
            let stepped = self.core.step(self.now, event, &self.store);
            let stepped = stepped.expect("nothing that others say makes a step fail");
            self.store.apply(&stepped.writes);
            for effect in stepped.effects {
                match effect {
                    Effect::Disk(ops) => {
                        self.touched = true;
                        let results = ops.into_iter().filter_map(|op| self.operate(op)).collect();
                        queue.push_back(Event::DiskDone(results));
                    }
                    Effect::Send { peer, frame } => {
                        self.sent.push((peer, frame));
                        queue.push_back(Event::Drained(peer));
                    }
                    Effect::Disconnect { peer, .. } => {
                        queue.extend([Event::PeerGone(peer), Event::PeerConnected(peer)]);
                    }
                    Effect::Fetch { hash, .. } if hash.0[0] & 1 == 1 => {
                        queue.push_back(Event::BlobHeld(hash))
                    }
                    Effect::Scan(scan) => queue.push_back(Event::Scanned(scan)),
                    Effect::Fetch { .. }
                    | Effect::Reply { .. }
                    | Effect::Leave(_)
                    | Effect::Look(_)
                    | Effect::Notify(_)
                    | Effect::Changed { .. } => {}
                }
            }
        }
    }

    /// What it sent to a peer since this was last asked.
    pub fn sent_to(&mut self, peer: DeviceId) -> Vec<Vec<u8>> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter().filter(|(to, _)| *to == peer).map(|(_, frame)| frame).collect()
    }

    fn operate(&mut self, op: DiskOp) -> Option<DiskResult> {
        self.inode += 1;
        let stat = Stat { size: 1, mtime_ns: self.now, inode: self.inode, born_ns: 1 };
        let outcome = match op.action {
            DiskAction::MakeFolder => DiskOutcome::FolderMade(stat),
            DiskAction::Write { .. } => DiskOutcome::Written { stat, displaced: None },
            DiskAction::Move { .. } => DiskOutcome::Moved(stat),
            DiskAction::Remove { .. } | DiskAction::RemoveFolder => DiskOutcome::Removed { displaced: None },
            DiskAction::Discard { .. } => return None,
        };
        Some(DiskResult { entry: op.entry, outcome })
    }
}

fn opened(n: u8, times: u8, store: &mut MemoryStore) -> Core {
    let (core, stepped) = Core::open(key(n), [times.wrapping_add(100); 32], false, store)
        .expect("what was written can be opened");
    store.apply(&stepped.writes);
    core
}
