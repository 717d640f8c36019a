//! A whole notebook that hears from members and strangers whose programs were changed: frames of any bytes, and records
//! that are well signed and say anything, in any order, between edits of its own user and crashes.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use codex_crdt_model::comments::{self, Thread};
use codex_crdt_model::core::Origin;
use codex_crdt_model::entry::birth::BIRTH_FORMAT;
use codex_crdt_model::entry::{Birth, Content, Document, Edit};
use codex_crdt_model::event::{
    Carried, Event, MembershipRequest, Observation, PropertyEdit, Request, Seen, Version,
};
use codex_crdt_model::ids::{ChangeHash, ContentHash, EntryId, NotebookId, PersonId, RecordHash, Volume};
use codex_crdt_model::journal::comment::{Anchor, Comment};
use codex_crdt_model::journal::record::RECORD_FORMAT;
use codex_crdt_model::journal::{Fork, Header, Item, MembershipChange, Payload, Record, Role, Tip};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::memory::MemoryStore;
use codex_crdt_model::store::{EntryRow, Source, Stat};
use codex_crdt_model::sync::Message;

#[path = "machine.rs"]
mod machine;
use super::draw::Draw;
use super::envelope;
use machine::{Machine, device, key};

/// The notebook's own device, an owner.
const OWN: u8 = 1;
/// Another honest device, which joins in the end.
const JOINER: u8 = 2;
/// Who talks to it.
const EDITOR: u8 = 3;
const OWNER: u8 = 4;
const VIEWER: u8 = 5;
const COMMENTER: u8 = 6;
const STRANGER: u8 = 7;

/// No panic and no failed step; what may not write changes nothing; and whoever joins afterwards sees the same.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw(bytes);
    let choice = draw.byte();
    let only_readers = choice & 1 == 1;
    let mut machine = Machine::open(OWN, prepared().clone());
    for n in [EDITOR, VIEWER] {
        machine.happen(Event::PeerConnected(device(n)));
    }
    let before = rows(&machine);
    machine.touched = false;
    for _ in 0..24 {
        if draw.is_empty() {
            break;
        }
        act(&mut draw, &mut machine, only_readers);
    }
    if only_readers {
        assert_eq!(rows(&machine), before, "readers change nothing");
        assert!(!machine.touched, "readers touch no file");
    }
    machine.reopen();
    if choice & 2 == 0 {
        join(machine);
    }
}

/// The notebook as it is before anybody talks to it.
fn prepared() -> &'static MemoryStore {
    static PREPARED: OnceLock<MemoryStore> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let origin = Origin::Found { name: "n".into(), device_name: "a".into() };
        let mut machine = Machine::new(OWN, origin, None);
        let stat = |inode| Stat { size: 9, mtime_ns: 1, inode, born_ns: 1 };
        let observed = [
            ("a.md", Seen::Text(stat(1), "---\n# c\ntags: [a, b]\ndone: 1\n---\nOne line.\nTwo.\n".into())),
            ("d", Seen::Folder(stat(2))),
            ("d/b.txt", Seen::Text(stat(3), "one\ntwo\nthree\n".into())),
            ("d/e", Seen::Folder(stat(4))),
            ("p.png", Seen::Blob(stat(5), ContentHash([7; 32]))),
            ("l", Seen::Symlink(stat(6), "d/b.txt".into())),
        ];
        for (path, seen) in observed {
            machine.observe(path, seen);
        }
        for (n, role) in [
            (JOINER, Role::Editor),
            (EDITOR, Role::Editor),
            (OWNER, Role::Owner),
            (VIEWER, Role::Viewer),
            (COMMENTER, Role::Commenter),
        ] {
            let admit = MembershipRequest::Admit { device: device(n), role, name: "m".into() };
            machine.ask(Request::People(admit));
        }
        machine.store
    })
}

type Shown = (Content, EntryId, String, bool, bool, Vec<ChangeHash>, Option<(EntryId, String)>);

/// What the entries say and where they are.
fn rows(machine: &Machine) -> BTreeMap<EntryId, Shown> {
    let shown = |row: &EntryRow| {
        let content = Content::Blob { hash: row.hash, size: row.size };
        let place = row.alive.then(|| (row.place_parent, row.place_name.clone()));
        (content, row.parent, row.name.clone(), row.deleted, row.alive, row.heads.clone(), place)
    };
    machine.store.entries().filter(|(_, row)| !row.is_void()).map(|(id, row)| (*id, shown(row))).collect()
}

/// What is said about the entries.
fn threads(machine: &Machine) -> Vec<Thread> {
    let people = machine.core.membership();
    let of = |(entry, _)| comments::of_entry(&machine.store, people, entry).expect("memory can be read");
    machine.store.entries().flat_map(of).collect()
}

fn act(draw: &mut Draw<'_>, machine: &mut Machine, only_readers: bool) {
    let what = draw.below(12);
    let peer = device([EDITOR, VIEWER][draw.below(2)]);
    let received = |frame| Event::Received { peer, frame };
    match what {
        0 => machine.happen(received(draw.piece().to_vec())),
        1 => {
            machine.now += i64::from(draw.byte()) << 10;
            machine.happen(Event::Tick);
        }
        2 => machine.reopen(),
        3 => {
            machine.happen(Event::PeerGone(peer));
            machine.happen(Event::PeerConnected(peer));
        }
        4 if !only_readers => own_edit(draw, machine),
        5 => {
            let notebook = machine.core.meta().notebook;
            let tips = tips(draw, machine);
            machine.happen(received(Message::Hello { notebook, tips, receipts: Vec::new() }.encode()));
        }
        6 => {
            let (one, other) = (record(draw, machine, only_readers), record(draw, machine, only_readers));
            machine.happen(received(Message::Fork(Fork { one, other }).encode()));
        }
        7 => {
            let records = vec![record(draw, machine, only_readers), record(draw, machine, only_readers)];
            let complete = tips(draw, machine);
            machine.ask(Request::TakeCarried(Carried { records, complete, ..Carried::default() }));
        }
        _ => {
            let records = (0..=draw.below(2)).map(|_| record(draw, machine, only_readers)).collect();
            machine.happen(received(Message::Records(records).encode()));
        }
    }
}

/// What the notebook's own user does.
fn own_edit(draw: &mut Draw<'_>, machine: &mut Machine) {
    let (choice, entry) = (draw.below(8), entry(draw, machine));
    let path = EntryPath::parse(&draw.text()).unwrap_or_else(|_| EntryPath::root().join("a.md"));
    let stat = Stat { size: 1, mtime_ns: machine.now, inode: u64::from(draw.byte()), born_ns: 1 };
    let request = match choice {
        0 => {
            let seen = Seen::Text(stat, draw.text().replace('\0', ""));
            return machine.happen(Event::Observed(vec![Observation { path, seen }]));
        }
        1 => return machine.happen(Event::Observed(vec![Observation { path, seen: Seen::Missing }])),
        2 => Request::Create { path, content: Content::Text(draw.text().replace('\0', "")) },
        3 => Request::Move { entry, to: path },
        4 => Request::Delete { entry },
        5 => Request::Restore { entry, at: (draw.byte() & 1 == 1).then(|| Version(Vec::new())) },
        6 => {
            let edit = PropertyEdit { key: "tags".into(), source: Some("tags: [x]\n".into()) };
            Request::SetProperties { entry, edits: vec![edit] }
        }
        _ => {
            let content = Content::Text(draw.text().replace('\0', ""));
            Request::Write { entry, base: Version(Vec::new()), content }
        }
    };
    machine.ask(request);
}

fn entry(draw: &mut Draw<'_>, machine: &Machine) -> EntryId {
    let all: Vec<EntryId> = machine.store.entries().map(|(id, _)| *id).collect();
    match draw.below(16) {
        15 => EntryId::ROOT,
        _ => all[draw.below(all.len().min(255))],
    }
}

/// Last records of journals: true, or invented.
fn tips(draw: &mut Draw<'_>, machine: &Machine) -> Vec<Tip> {
    let mut tips: Vec<Tip> = machine.core.frontier().tips().collect();
    let choice = draw.byte();
    if choice & 1 == 1 {
        tips.truncate(draw.below(8));
    }
    if choice & 2 == 2
        && let Some(tip) = tips.first_mut()
    {
        tip.seq = draw.number();
    }
    if choice & 4 == 4 {
        let device = device(u8::try_from(draw.below(9)).unwrap_or_default());
        tips.push(Tip {
            device,
            volume: Volume(draw.number()),
            seq: draw.number(),
            hash: RecordHash([1; 32]),
        });
    }
    tips
}

/// A record, well signed unless it says otherwise.
fn record(draw: &mut Draw<'_>, machine: &Machine, only_readers: bool) -> Record {
    let authors: &[u8] =
        if only_readers { &[VIEWER, COMMENTER, STRANGER] } else { &[EDITOR, OWNER, VIEWER, STRANGER] };
    let author = authors[draw.below(authors.len())];
    let odd = draw.byte();
    let volume = Volume(u64::from(odd & 1));
    let payload = payload(draw, machine, author, volume);
    let (mut seq, mut previous) =
        machine.core.frontier().tip(device(author), volume).unwrap_or((0, RecordHash([0; 32])));
    seq += 1;
    if odd & 2 == 2 {
        seq = seq.wrapping_add(draw.number());
    }
    if odd & 4 == 4 {
        previous = RecordHash([draw.byte(); 32]);
    }
    let mut seen = if odd & 8 == 8 { tips(draw, machine) } else { Vec::new() };
    seen.retain(|tip| (tip.device, tip.volume) != (device(author), volume) || odd & 16 == 16);
    let header = Header {
        format: RECORD_FORMAT,
        notebook: machine.core.meta().notebook,
        device: device(author),
        volume,
        seq,
        previous,
        seen,
        membership: Vec::new(),
        time: if odd & 32 == 32 { draw.number().cast_signed() } else { 1_000 },
        kind: 0,
        payload_hash: ContentHash([0; 32]),
        payload_size: 0,
    };
    let mut record = Record::sign(&key(author), header, &payload);
    if odd & 192 == 192 {
        record.payload = draw.piece().to_vec();
    }
    record
}

fn payload(draw: &mut Draw<'_>, machine: &Machine, author: u8, volume: Volume) -> Payload {
    match draw.below(8) {
        0 => Payload::Unknown(u16::from(draw.byte()), draw.piece().to_vec()),
        1 => Payload::decode(2, draw.piece()).unwrap_or(Payload::Unknown(9, Vec::new())),
        2 => Payload::Membership(statement(draw, machine)),
        7 => Payload::Comment(comment(draw, machine)),
        _ => {
            let items = (0..=draw.below(3)).filter_map(|_| item(draw, machine, author, volume));
            Payload::Edit(items.collect())
        }
    }
}

fn comment(draw: &mut Draw<'_>, machine: &Machine) -> Comment {
    let (choice, entry) = (draw.below(5), entry(draw, machine));
    let said = machine.store.comments(&entry).unwrap_or_default();
    let before = match said.len() {
        0 => RecordHash([draw.byte(); 32]),
        some => said[draw.below(some.min(255))].1.tip.hash,
    };
    let turn = u32::from(draw.byte());
    match choice {
        0 => Comment::Thread { entry, anchor: None, text: draw.text() },
        1 => {
            let start = u32::from(draw.byte());
            let end = start + u32::from(draw.byte());
            let (quote, before, after) = (draw.text(), draw.text(), draw.text());
            let anchor = Anchor { version: Vec::new(), start, end, quote, before, after };
            Comment::Thread { entry, anchor: Some(anchor), text: draw.text() }
        }
        2 => Comment::Reply { entry, thread: before, text: draw.text() },
        3 => Comment::Resolve { entry, thread: before, resolved: turn & 1 == 1, turn },
        _ => Comment::Edit { entry, comment: before, text: Some(draw.text()), turn },
    }
}

fn statement(draw: &mut Draw<'_>, machine: &Machine) -> MembershipChange {
    let about = device(u8::try_from(draw.below(9)).unwrap_or_default());
    let person = PersonId::of_first(about);
    let role = [Role::Owner, Role::Editor, Role::Commenter, Role::Viewer][draw.below(4)];
    match draw.below(6) {
        0 => MembershipChange::Admit { device: about, role, name: "x".into() },
        1 => MembershipChange::Role { person, role: Some(role), accepted: tips(draw, machine) },
        2 => MembershipChange::Role { person, role: None, accepted: tips(draw, machine) },
        3 => MembershipChange::Revoke { device: about, accepted: tips(draw, machine) },
        4 => MembershipChange::Release { accepted: tips(draw, machine) },
        _ => MembershipChange::Found { nonce: [1; 16], name: "n".into(), device_name: "d".into() },
    }
}

fn item(draw: &mut Draw<'_>, machine: &Machine, author: u8, volume: Volume) -> Option<Item> {
    let choice = draw.below(10);
    if choice < 3 {
        return Some(Item::Birth(birth(draw, machine, machine.core.meta().notebook)));
    }
    let entry = entry(draw, machine);
    if choice == 3 {
        return Some(Item::Change { entry, branch: draw.byte().into(), change: draw.piece().to_vec() });
    }
    let row = machine.store.entry(&entry).ok()??;
    let birth = Birth::decode(&machine.store.birth(row.birth).ok()??)?;
    let mut document = Document::load(entry, &birth, &machine.store.document(&entry).ok()?).ok()?;
    let version = if draw.byte() & 1 == 1 { Vec::new() } else { document.heads() };
    let author = (device(author), volume);
    if choice < 7 {
        let (branch, change) = envelope::change(&document, &version, author, draw.piece())?;
        return Some(Item::Change { entry, branch, change });
    }
    let edit = match draw.below(6) {
        0 => Edit::Content(Content::Text(draw.text().replace('\0', ""))),
        1 => Edit::Content(Content::Symlink("elsewhere".into())),
        2 => Edit::Content(Content::Blob { hash: ContentHash([draw.byte(); 32]), size: draw.number() }),
        3 => Edit::Delete,
        4 => Edit::Revive,
        _ => Edit::Place { parent: self::entry(draw, machine), name: draw.text() },
    };
    let made = document.edit(&version, &author.0, author.1, 0, &[edit]).ok()??;
    Some(Item::Change { entry, branch: made.branch, change: made.change })
}

fn birth(draw: &mut Draw<'_>, machine: &Machine, notebook: NotebookId) -> Vec<u8> {
    let content = match draw.below(5) {
        0 => Content::Folder,
        1 => Content::Blob { hash: ContentHash([draw.byte(); 32]), size: draw.number() },
        2 => Content::Symlink(draw.text()),
        3 => return draw.piece().to_vec(),
        _ => Content::Text(draw.text()),
    };
    let parent = entry(draw, machine);
    let name = if draw.byte() & 1 == 1 { "a.md".to_owned() } else { draw.text() };
    Birth { format: BIRTH_FORMAT, notebook, parent, name, content, nonce: draw.byte().into() }.encode()
}

/// Another honest device joins, and shows the same.
fn join(mut own: Machine) {
    let notebook = own.core.meta().notebook;
    let origin = Origin::Join { notebook, name: "n".into() };
    let mut joiner = Machine::new(JOINER, origin, Some(OWN));
    own.happen(Event::PeerConnected(joiner.device));
    joiner.happen(Event::PeerConnected(own.device));
    for round in 0.. {
        assert!(round < 1_000, "the two never come to rest");
        let (to_joiner, to_own) = (own.sent_to(joiner.device), joiner.sent_to(own.device));
        if to_joiner.is_empty() && to_own.is_empty() {
            break;
        }
        for frame in to_joiner {
            joiner.happen(Event::Received { peer: own.device, frame });
        }
        for frame in to_own {
            own.happen(Event::Received { peer: joiner.device, frame });
        }
    }
    let is_out = own.store.members().is_ok_and(|members| !members.contains_key(&joiner.device));
    if !is_out {
        assert_eq!(joiner.core.frontier(), own.core.frontier(), "both have the same records");
        assert_eq!(rows(&joiner), rows(&own), "same records, same entries");
        assert_eq!(threads(&joiner), threads(&own), "same records, same comments");
    }
}
