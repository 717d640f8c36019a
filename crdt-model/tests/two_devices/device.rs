//! A device with the simplest of disks, and two of them joined by a perfect link.

use std::collections::{BTreeMap, VecDeque};

use codex_crdt_model::Core;
use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::{DiskAction, DiskOutcome, Effect, Reply};
use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{DiskResult, Event, MembershipRequest, Observation, Request, Seen};
use codex_crdt_model::ids::{ContentHash, DeviceId};
use codex_crdt_model::journal::Role;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::memory::MemoryStore;
use codex_crdt_model::store::{MemberRow, Stat};
use ed25519_dalek::SigningKey;

#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    Folder,
    File(String),
}

pub struct Device {
    pub id: DeviceId,
    pub core: Core,
    pub store: MemoryStore,
    pub disk: BTreeMap<EntryPath, (Node, Stat)>,
    pub queue: VecDeque<Event>,
    pub outbox: Vec<(DeviceId, Vec<u8>)>,
    pub replies: Vec<Result<Reply, codex_crdt_model::effect::Refusal>>,
    pub inode: u64,
    pub now: i64,
}

pub fn path(text: &str) -> EntryPath {
    EntryPath::parse(text).unwrap()
}

impl Device {
    pub fn new(n: u8, origin: Origin, inviter: Option<DeviceId>) -> Self {
        let key = SigningKey::from_bytes(&[n; 32]);
        let mut writes = Core::create(&key, origin, [n; 32], 1);
        if let Some(inviter) = inviter {
            writes.members.insert(inviter, Some(MemberRow { role: Role::Editor, name: String::new() }));
        }
        let mut store = MemoryStore::default();
        store.apply(&writes);
        let (core, opened) = Core::open(key.clone(), [n + 100; 32], false, &store).unwrap();
        store.apply(&opened.writes);
        let id = DeviceId(key.verifying_key().to_bytes());
        // The scan that opening asks for: the folder is empty.
        let queue = VecDeque::from([Event::Scanned(core.scans())]);
        Self {
            id,
            core,
            store,
            disk: BTreeMap::new(),
            queue,
            outbox: vec![],
            replies: vec![],
            inode: u64::from(n) << 32,
            now: 1_000,
        }
    }

    pub fn put(&mut self, at: &str, text: &str) {
        self.inode += 1;
        let inode = self.disk.get(&path(at)).map_or(self.inode, |(_, s)| s.inode);
        self.now += 1;
        let stat = Stat { size: text.len() as u64, mtime_ns: self.now, inode, born_ns: inode as i64 };
        self.disk.insert(path(at), (Node::File(text.into()), stat));
        self.look(&[at]);
    }

    pub fn mkdir(&mut self, at: &str) {
        self.inode += 1;
        let stat = Stat { size: 0, mtime_ns: 0, inode: self.inode, born_ns: self.inode as i64 };
        self.disk.insert(path(at), (Node::Folder, stat));
        self.look(&[at]);
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        let moved: Vec<EntryPath> = self.disk.keys().filter(|p| p.is_within(&path(from))).cloned().collect();
        let mut touched = vec![];
        for old in moved {
            let node = self.disk.remove(&old).unwrap();
            let new = path(&format!("{to}{}", &old.as_str()[from.len()..]));
            touched.push(old.to_string());
            touched.push(new.to_string());
            self.disk.insert(new, node);
        }
        let touched: Vec<&str> = touched.iter().map(String::as_str).collect();
        self.look(&touched);
    }

    pub fn remove(&mut self, at: &str) {
        self.disk.remove(&path(at));
        self.look(&[at]);
    }

    pub fn seen(&self, at: &EntryPath) -> Seen {
        match self.disk.get(at) {
            None => Seen::Missing,
            Some((Node::Folder, stat)) => Seen::Folder(*stat),
            Some((Node::File(text), stat)) => Seen::Text(*stat, text.clone()),
        }
    }

    pub fn look(&mut self, paths: &[&str]) {
        let batch = paths.iter().map(|p| Observation { path: path(p), seen: self.seen(&path(p)) }).collect();
        self.queue.push_back(Event::Observed(batch));
    }

    pub fn ask(&mut self, request: Request) {
        self.queue.push_back(Event::Asked { number: 1, request });
    }

    pub fn scan(&mut self) {
        let paths: Vec<String> = self.disk.keys().map(ToString::to_string).collect();
        self.look(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        self.queue.push_back(Event::Scanned(self.core.scans()));
    }

    pub fn run(&mut self) -> bool {
        let Some(event) = self.queue.pop_front() else { return false };
        self.now += 1;
        let stepped = self.core.step(self.now, event, &self.store).unwrap();
        self.store.apply(&stepped.writes);
        for effect in stepped.effects {
            match effect {
                Effect::Disk(ops) => {
                    let results = ops.into_iter().filter_map(|op| self.operate(op)).collect();
                    self.queue.push_back(Event::DiskDone(results));
                }
                Effect::Send { peer, frame } => {
                    self.outbox.push((peer, frame));
                    self.queue.push_back(Event::Drained(peer));
                }
                Effect::Reply { reply, .. } => self.replies.push(reply),
                Effect::Scan(_) => self.scan(),
                Effect::Disconnect { reason, .. } => panic!("disconnected: {reason}"),
                Effect::Fetch { hash, .. } => self.queue.push_back(Event::BlobHeld(hash)),
                Effect::Leave(_) | Effect::Look(_) | Effect::Notify(_) | Effect::Changed { .. } => {}
            }
        }
        true
    }

    pub fn operate(&mut self, op: codex_crdt_model::effect::DiskOp) -> Option<DiskResult> {
        self.inode += 1;
        let mut stat = Stat { size: 0, mtime_ns: self.now, inode: self.inode, born_ns: self.inode as i64 };
        let parent_there = op.path.parent().is_none_or(|p| p.is_root() || self.disk.contains_key(&p));
        let outcome = match op.action {
            _ if !parent_there => DiskOutcome::Vanished,
            DiskAction::MakeFolder => {
                let (_, stat) = self.disk.entry(op.path).or_insert((Node::Folder, stat));
                DiskOutcome::FolderMade(*stat)
            }
            DiskAction::Write { content, expect } => {
                let Content::Text(text) = content else { panic!("only texts here") };
                stat.size = text.len() as u64;
                match (self.seen(&op.path), expect) {
                    (Seen::Missing, Some(_)) => DiskOutcome::Vanished,
                    (Seen::Missing, None) => {
                        self.disk.insert(op.path, (Node::File(text), stat));
                        DiskOutcome::Written { stat, displaced: None }
                    }
                    (_, None) => DiskOutcome::Occupied,
                    (seen, Some(hash)) => {
                        self.disk.insert(op.path, (Node::File(text), stat));
                        let same = matches!(&seen, Seen::Text(_, t) if ContentHash::of(t.as_bytes()) == hash);
                        DiskOutcome::Written { stat, displaced: (!same).then(|| (seen, "aside".into())) }
                    }
                }
            }
            DiskAction::Move { to } => match (self.disk.contains_key(&op.path), self.seen(&to)) {
                (false, _) => DiskOutcome::Vanished,
                (true, Seen::Missing) => {
                    let moved: Vec<EntryPath> =
                        self.disk.keys().filter(|p| p.is_within(&op.path)).cloned().collect();
                    for old in moved {
                        let node = self.disk.remove(&old).unwrap();
                        let rest = &old.as_str()[op.path.as_str().len()..];
                        self.disk.insert(path(&format!("{to}{rest}")), node);
                    }
                    DiskOutcome::Moved(self.disk[&to].1)
                }
                (true, _) => DiskOutcome::Occupied,
            },
            DiskAction::Remove { .. } | DiskAction::RemoveFolder => {
                self.disk.remove(&op.path);
                DiskOutcome::Removed { displaced: None }
            }
            DiskAction::Discard { .. } => return None,
        };
        Some(DiskResult { entry: op.entry, outcome })
    }

    pub fn files(&self) -> BTreeMap<String, Node> {
        self.disk.iter().map(|(p, (node, _))| (p.to_string(), node.clone())).collect()
    }
}

pub struct Pair {
    pub a: Device,
    pub b: Device,
}

impl Pair {
    pub fn new() -> Self {
        let a = Device::new(1, Origin::Found { name: "n".into(), device_name: "a".into() }, None);
        let notebook = a.core.meta().notebook;
        let b = Device::new(2, Origin::Join { notebook, name: "n".into() }, Some(a.id));
        let mut pair = Self { a, b };
        let b = pair.b.id;
        pair.a.ask(Request::People(MembershipRequest::Admit {
            device: b,
            role: Role::Editor,
            name: "b".into(),
        }));
        pair
    }

    pub fn connect(&mut self) {
        let (a, b) = (self.a.id, self.b.id);
        self.a.queue.push_back(Event::PeerConnected(b));
        self.b.queue.push_back(Event::PeerConnected(a));
    }

    pub fn cut(&mut self) {
        let (a, b) = (self.a.id, self.b.id);
        self.a.queue.push_back(Event::PeerGone(b));
        self.b.queue.push_back(Event::PeerGone(a));
        self.settle();
    }

    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            let (a, b) = (self.a.run(), self.b.run());
            for (_, frame) in self.a.outbox.drain(..) {
                self.b.queue.push_back(Event::Received { peer: self.a.id, frame });
            }
            for (_, frame) in self.b.outbox.drain(..) {
                self.a.queue.push_back(Event::Received { peer: self.b.id, frame });
            }
            if !a && !b && self.a.queue.is_empty() && self.b.queue.is_empty() {
                return;
            }
        }
        panic!("the two never come to rest");
    }

    pub fn same(&self, expect: &[(&str, &str)]) {
        let expect: BTreeMap<String, Node> =
            expect.iter().map(|(p, t)| ((*p).into(), Node::File((*t).into()))).collect();
        let files = |device: &Device| -> BTreeMap<String, Node> {
            device.files().into_iter().filter(|(_, node)| *node != Node::Folder).collect()
        };
        assert_eq!(files(&self.a), expect, "on A");
        assert_eq!(self.b.files(), self.a.files(), "on B, compared with A");
    }
}

pub fn joined(files: &[(&str, &str)]) -> Pair {
    let mut pair = Pair::new();
    for (at, text) in files {
        if let Some(parent) = path(at).parent().filter(|p| !p.is_root() && !pair.a.disk.contains_key(p)) {
            pair.a.mkdir(parent.as_str());
        }
        pair.a.put(at, text);
    }
    pair.settle();
    pair.connect();
    pair.settle();
    pair
}
