//! Long histories, giant pastes, deep folders, late writes, and names that one disk refuses: the core alone, with a
//! perfect link.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::{DiskAction, DiskOutcome, Effect, Refusal, Reply};
use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{DiskResult, Event, MembershipRequest, Observation, Request, Seen, Version};
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId};
use codex_crdt_model::journal::Role;
use codex_crdt_model::limits;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::memory::MemoryStore;
use codex_crdt_model::store::{MemberRow, Source, Stat};
use codex_crdt_model::{Core, view};
use ed25519_dalek::SigningKey;

/// A device whose disk says yes to everything but some names.
struct Device {
    id: DeviceId,
    core: Core,
    store: MemoryStore,
    now: i64,
    refuses: &'static str,
    files: BTreeMap<EntryPath, Content>,
    replies: Vec<Result<Reply, Refusal>>,
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
        let (files, replies) = (BTreeMap::new(), Vec::new());
        Self { id, core, store, now: 1_000, refuses: "\0", files, replies }
    }

    fn founder() -> Self {
        let mut device = Self::new(1, Origin::Found { name: "n".into(), device_name: "a".into() }, None);
        let scans = device.core.scans();
        device.happen(Event::Scanned(scans));
        device
    }

    /// Steps until nothing follows any more; gives the frames that are to be sent.
    fn happen(&mut self, event: Event) -> Vec<Vec<u8>> {
        let mut queue = std::collections::VecDeque::from([event]);
        let mut frames = Vec::new();
        while let Some(event) = queue.pop_front() {
            self.now += 1;
            let stepped = self.core.step(self.now, event, &self.store).unwrap();
            self.store.apply(&stepped.writes);
            for effect in stepped.effects {
                match effect {
                    Effect::Disk(ops) => {
                        let results = ops.into_iter().map(|op| DiskResult {
                            entry: op.entry,
                            outcome: self.operate(op.path, op.action),
                        });
                        queue.push_back(Event::DiskDone(results.collect()));
                    }
                    Effect::Send { peer, frame } => {
                        frames.push(frame);
                        queue.push_back(Event::Drained(peer));
                    }
                    Effect::Scan(number) => queue.push_back(Event::Scanned(number)),
                    Effect::Reply { reply, .. } => self.replies.push(reply),
                    Effect::Disconnect { reason, .. } => panic!("disconnected: {reason}"),
                    Effect::Fetch { hash, .. } => queue.push_back(Event::BlobHeld(hash)),
                    Effect::Notify(_) | Effect::Changed { .. } | Effect::Leave(_) | Effect::Look(_) => {}
                }
            }
        }
        frames
    }

    fn operate(&mut self, path: EntryPath, action: DiskAction) -> DiskOutcome {
        if path.as_str().contains(self.refuses) {
            return DiskOutcome::Failed("this disk cannot hold that name; give the entry another one".into());
        }
        let stat = Stat { inode: self.now.unsigned_abs() << 16 | self.files.len() as u64, ..Stat::default() };
        match action {
            DiskAction::MakeFolder => DiskOutcome::FolderMade(stat),
            DiskAction::Write { content, .. } => {
                self.files.insert(path, content);
                DiskOutcome::Written { stat, displaced: None }
            }
            DiskAction::Move { to } => {
                let content = self.files.remove(&path).unwrap_or(Content::Folder);
                self.files.insert(to, content);
                DiskOutcome::Moved(stat)
            }
            DiskAction::Remove { .. } | DiskAction::RemoveFolder => {
                self.files.remove(&path);
                DiskOutcome::Removed { displaced: None }
            }
            DiskAction::Discard { .. } => DiskOutcome::Discarded,
        }
    }

    fn ask(&mut self, request: Request) -> (EntryId, Version) {
        self.happen(Event::Asked { number: 1, request });
        match self.replies.pop() {
            Some(Ok(Reply::Entry { entry, version, .. })) => (entry, version),
            other => panic!("{other:?}"),
        }
    }

    fn create(&mut self, path: &str, text: &str) -> (EntryId, Version) {
        self.ask(Request::Create { path: path.parse().unwrap(), content: Content::Text(text.into()) })
    }

    fn write(&mut self, entry: EntryId, base: Version, text: String) -> Version {
        self.ask(Request::Write { entry, base, content: Content::Text(text) }).1
    }

    /// Bytes of the entry's saved document.
    fn saved(&self, id: &EntryId) -> usize {
        self.store.document(id).unwrap().iter().map(Vec::len).sum()
    }

    fn text_at(&self, id: &EntryId, version: &Version) -> String {
        let row = self.store.entry(id).unwrap().unwrap();
        let document = view::document(&self.store, id, row.birth).unwrap();
        match document.view_at(&version.0).unwrap().content {
            Content::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }
}

/// A new device joins and takes in everything.
fn joins(a: &mut Device, n: u8, refuses: &'static str) -> Device {
    let notebook = a.core.meta().notebook;
    let mut b = Device::new(n, Origin::Join { notebook, name: "n".into() }, Some(a.id));
    b.refuses = refuses;
    a.happen(Event::Asked {
        number: 1,
        request: Request::People(MembershipRequest::Admit {
            device: b.id,
            role: Role::Editor,
            name: "b".into(),
        }),
    });
    a.replies.clear();
    let to_b = a.happen(Event::PeerConnected(b.id));
    let to_a = b.happen(Event::PeerConnected(a.id));
    exchange(a, &mut b, to_b, to_a);
    b
}

fn exchange(a: &mut Device, b: &mut Device, mut to_b: Vec<Vec<u8>>, mut to_a: Vec<Vec<u8>>) {
    while !(to_a.is_empty() && to_b.is_empty()) {
        let from_b = std::mem::take(&mut to_a);
        for frame in std::mem::take(&mut to_b) {
            to_a.extend(b.happen(Event::Received { peer: a.id, frame }));
        }
        for frame in from_b {
            to_b.extend(a.happen(Event::Received { peer: b.id, frame }));
        }
    }
}

/// losses.md L12: A has saved the document whole several times; a device that never saw a step of it gets them all.
#[test]
fn compaction_keeps_what_others_have_not_seen() {
    let mut a = Device::founder();
    let (id, mut version) = a.create("a.md", "start\n");
    let mut text = String::from("start\n");
    let mut versions = vec![(version.clone(), text.clone())];
    for n in 0..3 * limits::DOCUMENT_CHUNKS {
        text.insert_str(0, &format!("{n}\n"));
        version = a.write(id, version, text.clone());
        versions.push((version.clone(), text.clone()));
    }
    assert!(a.store.document(&id).unwrap().len() < versions.len() / 2, "it was saved whole in between");
    let b = joins(&mut a, 2, "\0");
    assert_eq!(b.store.history(&id).unwrap().len(), versions.len());
    for (version, text) in &versions {
        assert_eq!(&b.text_at(&id, version), text);
    }
}

/// losses.md L19: a name that B's disk cannot hold. It stays in the tree, is tried again, and no scan of B makes a
/// deletion of it; under another name it arrives.
#[test]
fn what_one_disk_refuses_is_deleted_nowhere() {
    let mut a = Device::founder();
    let (odd, version) = a.create("lab/odd:name.md", "text\n");
    a.create("lab/plain.md", "plain\n");
    let mut b = joins(&mut a, 2, ":");
    let at = |path: &str| -> EntryPath { path.parse().unwrap() };
    assert!(b.files.contains_key(&at("lab/plain.md")) && !b.files.contains_key(&at("lab/odd:name.md")));
    for _ in 0..3 {
        let missing = Observation { path: at("lab/odd:name.md"), seen: Seen::Missing };
        let mut to_a = b.happen(Event::Observed(vec![missing]));
        let scans = b.core.scans();
        to_a.extend(b.happen(Event::Scanned(scans)));
        b.now += 60_000;
        to_a.extend(b.happen(Event::Tick));
        exchange(&mut a, &mut b, Vec::new(), to_a);
        for device in [&a, &b] {
            let row = device.store.entry(&odd).unwrap().unwrap();
            assert!(row.alive && row.heads == version.0, "{row:?}");
        }
    }
    let request = Request::Move { entry: odd, to: at("lab/odd name.md") };
    let to_b = a.happen(Event::Asked { number: 1, request });
    exchange(&mut a, &mut b, to_b, Vec::new());
    b.now += 60_000;
    b.happen(Event::Tick);
    assert_eq!(b.files.get(&at("lab/odd name.md")), Some(&Content::Text("text\n".into())));
}

/// losses.md L22, L36: a program that held the old file open writes to it after a newer version was put in its place: its
/// words come in, and what was merged meanwhile stays.
#[test]
fn what_an_open_handle_writes_late_takes_nothing_away() {
    let mut a = Device::founder();
    let path: EntryPath = "a.md".parse().unwrap();
    let stat = Stat { inode: 7, size: 4, ..Stat::default() };
    a.happen(Event::Observed(vec![Observation {
        path: path.clone(),
        seen: Seen::Text(stat, "one\n".into()),
    }]));
    let (id, _) = a.store.entries().next().map(|(id, row)| (*id, row.alive)).unwrap();
    a.write(id, Version(Vec::new()), "one\nfrom the desk\n".into());
    assert_eq!(a.files[&path], Content::Text("one\nfrom the desk\n".into()));
    let late = DiskOutcome::Leftover {
        seen: Seen::Text(stat, "one\nlate\n".into()),
        was: ContentHash::of(b"one\n"),
        aside: "aside".into(),
    };
    a.happen(Event::DiskDone(vec![DiskResult { entry: id, outcome: late }]));
    let Content::Text(text) = &a.files[&path] else { panic!("a text") };
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["from the desk", "late", "one"]);
}

/// Laws 1 and 6, losses.md L24: power fails after a merged version was put in place and before that was noted; before
/// the next start somebody renames the file and adds to it. It is one file still, and no word is in it twice.
#[test]
fn a_file_renamed_after_a_write_was_cut_off_is_the_same_file() {
    for added in ["", "added\n"] {
        let mut a = Device::founder();
        let stat = |inode| Stat { inode, born_ns: 1, ..Stat::default() };
        let seen = |path: &str, seen| Observation { path: path.parse().unwrap(), seen };
        let first = Seen::Text(stat(7), "one\ntwo\n".into());
        a.happen(Event::Observed(vec![seen("a.md", first)]));
        let id = *a.store.entries().next().unwrap().0;
        let content = Content::Text("one\ntwo\nfrom afar\n".into());
        let request = Request::Write { entry: id, base: Version(Vec::new()), content };
        let cut_off = a.core.step(a.now, Event::Asked { number: 1, request }, &a.store).unwrap();
        a.store.apply(&cut_off.writes);
        let (core, opened) = Core::open(SigningKey::from_bytes(&[1; 32]), [9; 32], false, &a.store).unwrap();
        a.core = core;
        a.store.apply(&opened.writes);
        let text = format!("one\ntwo\nfrom afar\n{added}");
        let renamed = Seen::Text(stat(8), text.clone());
        a.happen(Event::Observed(vec![seen("a.md", Seen::Missing), seen("b.md", renamed)]));
        let scans = a.core.scans();
        a.happen(Event::Scanned(scans));
        let alive: Vec<_> = a.store.entries().filter(|(_, row)| row.alive).collect();
        assert_eq!(alive.len(), 1, "{alive:?}");
        assert_eq!((*alive[0].0, alive[0].1.place_name.as_str()), (id, "b.md"));
        let version = Version(alive[0].1.heads.clone());
        assert_eq!(a.text_at(&id, &version), text);
    }
}

/// losses.md L50: a hundred thousand keystrokes in five hundred saves. What is kept is bounded by what was typed.
#[test]
fn a_hundred_thousand_keystrokes_stay_small() {
    const SAVES: usize = 500;
    let mut a = Device::founder();
    let (id, mut version) = a.create("a.md", "");
    let mut text = String::new();
    for n in 0..SAVES {
        let at = (n * 7919) % (text.len() + 1);
        text.insert_str(at, &format!("{n:0199}\n"));
        version = a.write(id, version, text.clone());
    }
    assert_eq!(text.len(), 200 * SAVES);
    let bound = 8 * text.len() + 400 * SAVES;
    assert!(a.saved(&id) < bound, "{} bytes saved, at most {bound}", a.saved(&id));
    let b = joins(&mut a, 2, "\0");
    assert_eq!(b.text_at(&id, &version), text);
    assert!(b.saved(&id) < bound);
}

/// losses.md L50: a megabyte pasted and deleted, a quarter at a time: as much as was pasted, and not a multiple of it.
#[test]
fn a_megabyte_pasted_and_deleted_is_kept_once() {
    const ROUNDS: usize = 4;
    let mut a = Device::founder();
    let (id, mut version) = a.create("a.md", "kept\n");
    let size = limits::TEXT_BYTES / ROUNDS;
    for round in 0..ROUNDS {
        let pasted: String = (0..size / 16).map(|n| format!("{:015}\n", n * (round + 3))).collect();
        version = a.write(id, version, format!("kept\n{pasted}"));
        version = a.write(id, version, "kept\n".into());
    }
    let bound = 2 * limits::TEXT_BYTES;
    assert!(a.saved(&id) < bound, "{} bytes saved, at most {bound}", a.saved(&id));
    let b = joins(&mut a, 2, "\0");
    assert_eq!(b.text_at(&id, &version), "kept\n");
}

/// losses.md L50: folders deeper than the tree shows, and frontmatter nested without end: neither runs away, and both
/// devices show the same.
#[test]
fn depth_without_end_is_bounded_and_the_same_everywhere() {
    let mut a = Device::founder();
    let deep = "d/".repeat(limits::DEPTH + 100) + "x.md";
    let (leaf, _) = a.create(&deep, "deep\n");
    let nested = format!("---\nx: {}\ny: {}\n---\nbody\n", "[".repeat(20_000), "{a: ".repeat(5_000));
    let (note, version) = a.create("n.md", &nested);
    let b = joins(&mut a, 2, "\0");
    assert_eq!(b.text_at(&note, &version), nested);
    for (id, row) in a.store.entries() {
        let there = b.store.entry(id).unwrap().unwrap();
        let place =
            |row: &codex_crdt_model::store::EntryRow| (row.place_parent, row.place_name.clone(), row.alive);
        assert_eq!(place(row), place(&there));
        let shown: EntryPath = view::path(&a.store, row).unwrap().parse().unwrap();
        assert!(shown.names().count() <= limits::DEPTH + 1);
    }
    assert_eq!(b.text_at(&leaf, &Version(Vec::new())), "deep\n");
}
