//! Two devices with the simplest of disks and a perfect link: the main job in small. Faults are the
//! simulator's business (`tests/sim`).
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, VecDeque};

use codex_crdt_model::Core;
use codex_crdt_model::bundle::Fault;
use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::{DiskAction, DiskOutcome, Effect, Reply};
use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{
    Carried, DiskResult, Event, MembershipRequest, Observation, Request, Seen, Version,
};
use codex_crdt_model::ids::{ContentHash, DeviceId, RecordHash, Volume};
use codex_crdt_model::journal::record::{Header, Payload, Record};
use codex_crdt_model::journal::{Role, Tip};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::memory::MemoryStore;
use codex_crdt_model::store::{MemberRow, Source, Stat};
use ed25519_dalek::SigningKey;

#[derive(Clone, PartialEq, Debug)]
enum Node {
    Folder,
    File(String),
}

struct Device {
    id: DeviceId,
    core: Core,
    store: MemoryStore,
    disk: BTreeMap<EntryPath, (Node, Stat)>,
    queue: VecDeque<Event>,
    outbox: Vec<(DeviceId, Vec<u8>)>,
    replies: Vec<Result<Reply, codex_crdt_model::effect::Refusal>>,
    inode: u64,
    now: i64,
}

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text).unwrap()
}

impl Device {
    fn new(n: u8, origin: Origin, inviter: Option<DeviceId>) -> Self {
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

    fn put(&mut self, at: &str, text: &str) {
        self.inode += 1;
        let inode = self.disk.get(&path(at)).map_or(self.inode, |(_, s)| s.inode);
        self.now += 1;
        let stat = Stat { size: text.len() as u64, mtime_ns: self.now, inode, born_ns: inode as i64 };
        self.disk.insert(path(at), (Node::File(text.into()), stat));
        self.look(&[at]);
    }

    fn mkdir(&mut self, at: &str) {
        self.inode += 1;
        let stat = Stat { size: 0, mtime_ns: 0, inode: self.inode, born_ns: self.inode as i64 };
        self.disk.insert(path(at), (Node::Folder, stat));
        self.look(&[at]);
    }

    fn rename(&mut self, from: &str, to: &str) {
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

    fn remove(&mut self, at: &str) {
        self.disk.remove(&path(at));
        self.look(&[at]);
    }

    fn seen(&self, at: &EntryPath) -> Seen {
        match self.disk.get(at) {
            None => Seen::Missing,
            Some((Node::Folder, stat)) => Seen::Folder(*stat),
            Some((Node::File(text), stat)) => Seen::Text(*stat, text.clone()),
        }
    }

    fn look(&mut self, paths: &[&str]) {
        let batch = paths.iter().map(|p| Observation { path: path(p), seen: self.seen(&path(p)) }).collect();
        self.queue.push_back(Event::Observed(batch));
    }

    fn ask(&mut self, request: Request) {
        self.queue.push_back(Event::Asked { number: 1, request });
    }

    fn scan(&mut self) {
        let paths: Vec<String> = self.disk.keys().map(ToString::to_string).collect();
        self.look(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        self.queue.push_back(Event::Scanned(self.core.scans()));
    }

    fn run(&mut self) -> bool {
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

    fn operate(&mut self, op: codex_crdt_model::effect::DiskOp) -> Option<DiskResult> {
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

    fn files(&self) -> BTreeMap<String, Node> {
        self.disk.iter().map(|(p, (node, _))| (p.to_string(), node.clone())).collect()
    }
}

struct Pair {
    a: Device,
    b: Device,
}

impl Pair {
    fn new() -> Self {
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

    fn connect(&mut self) {
        let (a, b) = (self.a.id, self.b.id);
        self.a.queue.push_back(Event::PeerConnected(b));
        self.b.queue.push_back(Event::PeerConnected(a));
    }

    fn cut(&mut self) {
        let (a, b) = (self.a.id, self.b.id);
        self.a.queue.push_back(Event::PeerGone(b));
        self.b.queue.push_back(Event::PeerGone(a));
        self.settle();
    }

    fn settle(&mut self) {
        for _ in 0..100_000 {
            let (a, b) = (self.a.run(), self.b.run());
            for (_, frame) in self.a.outbox.drain(..) {
                self.b.queue.push_back(Event::Received { peer: self.a.id, frame });
            }
            for (_, frame) in self.b.outbox.drain(..) {
                self.a.queue.push_back(Event::Received { peer: self.b.id, frame });
            }
            if !a && !b {
                return;
            }
        }
        panic!("the two never come to rest");
    }

    fn same(&self, expect: &[(&str, &str)]) {
        let expect: BTreeMap<String, Node> =
            expect.iter().map(|(p, t)| ((*p).into(), Node::File((*t).into()))).collect();
        let files = |device: &Device| -> BTreeMap<String, Node> {
            device.files().into_iter().filter(|(_, node)| *node != Node::Folder).collect()
        };
        assert_eq!(files(&self.a), expect, "on A");
        assert_eq!(self.b.files(), self.a.files(), "on B, compared with A");
    }
}

fn joined(files: &[(&str, &str)]) -> Pair {
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

#[test]
fn a_folder_fills_and_follows() {
    let mut pair = joined(&[("a.md", "one\n"), ("d/b.md", "two\n")]);
    pair.same(&[("a.md", "one\n"), ("d/b.md", "two\n")]);
    pair.a.put("a.md", "one\nmore\n");
    pair.b.rename("d/b.md", "d/c.md");
    pair.settle();
    pair.same(&[("a.md", "one\nmore\n"), ("d/c.md", "two\n")]);
    pair.b.rename("d", "e");
    pair.a.remove("a.md");
    pair.settle();
    pair.same(&[("e/c.md", "two\n")]);
}

#[test]
fn edits_on_both_sides_merge_by_character() {
    let mut pair = joined(&[("a.md", "one\ntwo\nthree\n")]);
    pair.cut();
    pair.a.put("a.md", "one A\ntwo\nthree\n");
    pair.b.put("a.md", "one\ntwo\nthree B\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one A\ntwo\nthree B\n")]);
}

/// losses.md L9: edit beats delete.
#[test]
fn an_edit_beats_a_deletion() {
    let mut pair = joined(&[("a.md", "one\n")]);
    pair.cut();
    pair.a.remove("a.md");
    pair.b.put("a.md", "one\nkept\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one\nkept\n")]);
}

/// losses.md L2: one path, two offline machines, different bytes.
#[test]
fn one_path_made_twice_is_two_files() {
    let mut pair = joined(&[("x.md", "x\n")]);
    pair.cut();
    pair.a.put("n.md", "from a\n");
    pair.b.put("n.md", "from b\n");
    pair.settle();
    pair.connect();
    pair.settle();
    assert_eq!(pair.a.files(), pair.b.files());
    let texts: Vec<Node> = pair.a.files().into_values().collect();
    assert!(texts.contains(&Node::File("from a\n".into())), "{texts:?}");
    assert!(texts.contains(&Node::File("from b\n".into())), "{texts:?}");
    assert_eq!(texts.len(), 3);
}

/// losses.md L1, L3: the same file imported twice is one file.
#[test]
fn one_file_imported_twice_is_one_file() {
    let mut pair = Pair::new();
    pair.a.put("a.md", "same\n");
    pair.settle();
    pair.b.put("a.md", "same\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "same\n")]);
    pair.cut();
    pair.a.put("b.md", "also same\n");
    pair.b.put("b.md", "also same\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "same\n"), ("b.md", "also same\n")]);
}

/// losses.md L4: joining a folder with files is a union.
#[test]
fn joining_a_folder_with_files_loses_nothing() {
    let mut pair = Pair::new();
    pair.a.put("a.md", "from a\n");
    pair.a.put("both.md", "version a\n");
    pair.settle();
    pair.b.put("b.md", "from b\n");
    pair.b.put("both.md", "version b\n");
    pair.settle();
    pair.connect();
    pair.settle();
    assert_eq!(pair.a.files(), pair.b.files());
    let texts: Vec<Node> = pair.a.files().into_values().collect();
    for text in ["from a\n", "from b\n", "version a\n", "version b\n"] {
        assert!(texts.contains(&Node::File(text.into())), "{text:?} is not in {texts:?}");
    }
}

#[test]
fn names_that_trade_places_do_so_everywhere() {
    let mut pair = joined(&[("a.md", "a\n"), ("b.md", "b\n")]);
    pair.a.rename("a.md", "t.md");
    pair.a.rename("b.md", "a.md");
    pair.a.rename("t.md", "b.md");
    pair.settle();
    pair.same(&[("a.md", "b\n"), ("b.md", "a\n")]);
}

/// A stale browser's save is merged at the version it was made from (losses.md L30).
#[test]
fn a_stale_save_is_merged_at_its_version() {
    let mut pair = joined(&[("a.md", "one\ntwo\n")]);
    pair.a.put("a.md", "zero\none\ntwo\n");
    pair.settle();
    let id = *pair.a.store.entries().next().unwrap().0;
    let content = Content::Text("one\ntwo\nthree\n".into());
    pair.b.ask(Request::Write { entry: id, base: Version(vec![]), content });
    pair.settle();
    pair.same(&[("a.md", "zero\none\ntwo\nthree\n")]);
}

/// losses.md L9 in the browser: the text was typed before its page heard of the deletion.
#[test]
fn a_save_of_an_older_version_beats_a_deletion() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = *pair.b.store.entries().next().unwrap().0;
    pair.a.remove("a.md");
    pair.settle();
    pair.same(&[]);
    let save = |pair: &mut Pair, base: Version, text: &str| {
        let content = Content::Text(text.into());
        pair.b.ask(Request::Write { entry: id, base, content });
        pair.settle();
    };
    let deleted = pair.b.store.entry(&id).unwrap().unwrap().heads;
    save(&mut pair, Version(deleted), "who saw the deletion\n");
    pair.same(&[]);
    save(&mut pair, Version(vec![]), "one\ntwo\n");
    pair.same(&[("a.md", "one\ntwo\n")]);
}

/// losses.md L16: a third of a notebook vanishing is held until the user says yes.
/// losses.md L34: the daemon was killed between saving and saying so, and the page sends its text again.
#[test]
fn a_save_that_is_sent_again_is_not_doubled() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = *pair.b.store.entries().next().unwrap().0;
    let save = |pair: &mut Pair, text: &str| {
        let content = Content::Text(text.into());
        pair.b.ask(Request::Write { entry: id, base: Version(vec![]), content });
        pair.settle();
    };
    save(&mut pair, "one\nmine\n");
    pair.a.put("a.md", "zero\none\nmine\n");
    pair.settle();
    save(&mut pair, "one\nmine\n");
    pair.same(&[("a.md", "zero\none\nmine\n")]);
    // Other bytes from the same version are another save.
    save(&mut pair, "one\nmore\n");
    let after = pair.b.files()["a.md"].clone();
    assert!(matches!(after, Node::File(text) if text.matches("mine").count() == 1 && text.contains("more")));
}

#[test]
fn many_deletions_at_once_are_held() {
    let names: Vec<String> = (0..30).map(|n| format!("{n}.md")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), n.as_str())).collect();
    let mut pair = joined(&files);
    for name in &names[..25] {
        pair.a.disk.remove(&path(name));
    }
    let gone: Vec<&str> = names[..25].iter().map(String::as_str).collect();
    pair.a.look(&gone);
    pair.settle();
    assert!(pair.a.core.meta().held);
    assert_eq!(pair.b.files().len(), 30);
    pair.a.ask(Request::Resume { accept_deletions: false });
    pair.a.look(&gone);
    let scans = pair.a.core.scans();
    pair.a.queue.push_back(Event::Scanned(scans));
    pair.settle();
    assert_eq!(pair.a.files().len(), 30, "what vanished is written again");
    assert_eq!(pair.b.files().len(), 30);
}

/// losses.md L50: however often a note is saved, its document lies in a bounded number of pieces.
#[test]
fn a_document_is_saved_whole_now_and_then() {
    use codex_crdt_model::store::Source;
    let mut pair = joined(&[("a.md", "start\n")]);
    let id = *pair.a.store.entries().next().unwrap().0;
    let mut text = String::from("start\n");
    for n in 0..3 * codex_crdt_model::limits::DOCUMENT_CHUNKS {
        text.push_str(&format!("line {n}\n"));
        pair.a.put("a.md", &text);
        pair.settle();
        for device in [&pair.a, &pair.b] {
            let pieces = device.store.document(&id).unwrap().len();
            assert!(pieces <= codex_crdt_model::limits::DOCUMENT_CHUNKS as usize + 1, "{pieces} pieces");
        }
    }
    pair.same(&[("a.md", &text)]);
}

/// What a device has, as it stands in a bundle.
fn carried(device: &Device) -> Carried {
    let records = (1..=device.core.meta().position).map(|at| device.store.record(at).unwrap().unwrap());
    let complete = device.store.tips().unwrap();
    Carried { records: records.collect(), receipts: Vec::new(), complete }
}

fn take(device: &mut Device, part: Carried) -> Result<u64, Fault> {
    device.ask(Request::TakeCarried(part));
    while device.run() {}
    match device.replies.pop() {
        Some(Ok(Reply::Carried { new, refused: None, .. })) => Ok(new),
        Some(Ok(Reply::Carried { refused: Some(fault), .. })) => Err(fault),
        other => panic!("{other:?}"),
    }
}

/// Laws 1 and 2 without any connection.
#[test]
fn bundles_alone_bring_a_joiner_in_and_carry_both_sides_edits() {
    let mut pair = Pair::new();
    pair.a.put("poem.md", "roses\nviolets\n");
    pair.settle();
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(3));
    pair.same(&[("poem.md", "roses\nviolets\n")]);
    pair.a.put("poem.md", "red roses\nviolets\n");
    pair.b.put("poem.md", "roses\nblue violets\n");
    pair.settle();
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(1));
    assert_eq!(take(&mut pair.a, carried(&pair.b)), Ok(1));
    pair.same(&[("poem.md", "red roses\nblue violets\n")]);
    for _ in 0..2 {
        assert_eq!(take(&mut pair.a, carried(&pair.b)), Ok(0));
        assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(0));
    }
    pair.same(&[("poem.md", "red roses\nblue violets\n")]);
    // The receipt that goes back says that B holds all of it.
    pair.b.ask(Request::StateReceipt);
    while pair.b.run() {}
    let Some(Ok(Reply::Receipt(receipt))) = pair.b.replies.pop() else { panic!("no receipt") };
    assert!(receipt.verify() && receipt.frontier().covers(pair.a.core.frontier()));
    take(&mut pair.a, Carried { receipts: vec![receipt.clone()], ..Carried::default() }).unwrap();
    assert_eq!(pair.a.store.receipts().unwrap(), [receipt]);
}

/// What is held back is bounded by its bytes, so it must be counted with them: also what had counted before.
#[test]
fn what_no_longer_counts_is_held_back_with_its_size() {
    let mut pair = joined(&[("a.md", "one\n")]);
    pair.cut();
    pair.b.put("a.md", "one\ntwo\n");
    pair.a.ask(Request::People(MembershipRequest::Revoke { device: pair.b.id }));
    pair.settle();
    assert!(pair.b.store.quarantined().unwrap().is_empty());
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(1));
    let held = pair.b.store.quarantined().unwrap();
    let size = |position| pair.b.store.record(position).unwrap().unwrap().size() as u64;
    assert_eq!(held.len(), 1);
    assert!(held.iter().all(|(position, row)| row.size == size(*position)), "{held:?}");
    assert_eq!(pair.b.files()["a.md"], Node::File("one\ntwo\n".into()), "what B wrote stays on its disk");
}

/// Law 7: a file is believed no more than a peer; what stood before what is wrong was taken in.
#[test]
fn a_record_that_cannot_be_taken_from_a_bundle_is_named() {
    let prepared = || {
        let mut pair = Pair::new();
        for n in 0..3 {
            pair.a.put(&format!("{n}.md"), "text\n");
            pair.settle();
        }
        pair
    };
    let whole = carried(&prepared().a);
    let refused = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut pair = prepared();
        let mut part = whole.clone();
        change(&mut part.records);
        let fault = take(&mut pair.b, part).unwrap_err();
        (fault.at.unwrap().seq, pair.b.core.meta().position, fault.reason)
    };
    let expect = |found: (u64, u64, String), seq: u64, taken: u64, reason: &str| {
        assert!(found.0 == seq && found.1 == taken && found.2.contains(reason), "{found:?}");
    };
    expect(refused(&|records| records[2].payload[3] ^= 1), 3, 2, "payload");
    expect(refused(&|records| records[3].signature[3] ^= 1), 4, 3, "signature");
    expect(refused(&|records| drop(records.remove(2))), 4, 2, "only 2 records");
    expect(refused(&|records| records.swap(2, 3)), 4, 2, "only 2 records");
    let forger = SigningKey::from_bytes(&[99; 32]);
    let header = |records: &[Record]| Header {
        device: DeviceId(forger.verifying_key().to_bytes()),
        seq: 1,
        previous: RecordHash([0; 32]),
        ..records[2].header().unwrap()
    };
    let forged =
        refused(&|records| records[2] = Record::sign(&forger, header(records), &Payload::Edit(Vec::new())));
    expect(forged, 1, 2, "nobody admitted");
    let unseen = refused(&|records| {
        let seen =
            vec![Tip { device: DeviceId([7; 32]), volume: Volume(1), seq: 5, hash: RecordHash([1; 32]) }];
        let key = SigningKey::from_bytes(&[1; 32]);
        let header = Header { seen, ..records[2].header().unwrap() };
        records[2] = Record::sign(&key, header, &Payload::Edit(Vec::new()));
    });
    expect(unseen, 3, 2, "had seen");
}
