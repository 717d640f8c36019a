#![allow(clippy::unwrap_used)]
use codex_crdt_model::Core;
use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::{Effect, Reply};
use codex_crdt_model::entry::{Birth, Content};
use codex_crdt_model::event::{Carried, Event, MembershipRequest, Request};
use codex_crdt_model::ids::{DeviceId, EntryId, RecordHash, Volume};
use codex_crdt_model::journal::record::{Header, Record};
use codex_crdt_model::journal::{Item, Payload, Role, Tip};
use ed25519_dalek::SigningKey;

use super::*;
use crate::store::Store;

/// A notebook in a folder, of which one device is the owner and another writes records.
struct World {
    dir: tempfile::TempDir,
    other: SigningKey,
    written: Vec<Record>,
}

fn tip(record: &Record) -> Tip {
    record.header().unwrap().tip(record.hash())
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".codex")).unwrap();
        let world = Self { dir, other: SigningKey::from_bytes(&[5; 32]), written: Vec::new() };
        let origin = Origin::Found { name: "lab".into(), device_name: "a".into() };
        let writes = Core::create(&SigningKey::from_bytes(&[3; 32]), origin, [4; 32], 1000);
        let notebook = writes.meta.as_ref().unwrap().notebook;
        std::fs::write(world.dir.path().join(".codex/notebook"), format!("{notebook}\n")).unwrap();
        let mut store = world.store();
        store.apply(&writes).unwrap();
        store.commit().unwrap();
        world
    }

    fn store(&self) -> Store {
        Store::open(&self.dir.path().join(".codex/store.db")).unwrap()
    }

    fn ask(&self, request: Request) -> Reply {
        let mut store = self.store();
        let key = SigningKey::from_bytes(&[3; 32]);
        let (mut core, opened) = Core::open(key, [9; 32], false, &store).unwrap();
        store.apply(&opened.writes).unwrap();
        let stepped = core.step(2000, Event::Asked { number: 1, request }, &store).unwrap();
        store.apply(&stepped.writes).unwrap();
        store.commit().unwrap();
        let reply = stepped.effects.into_iter().find_map(|effect| match effect {
            Effect::Reply { reply, .. } => Some(reply),
            _ => None,
        });
        reply.unwrap().unwrap()
    }

    fn other(&self) -> DeviceId {
        DeviceId(self.other.verifying_key().to_bytes())
    }

    fn admit(&self, role: Role) {
        let admit = MembershipRequest::Admit { device: self.other(), role, name: "b".into() };
        self.ask(Request::People(admit));
    }

    /// The other device's next record: the birth of a note.
    fn write(&mut self, name: &str) -> Record {
        let tips = self.store().tips().unwrap();
        let notebook = self.store().meta().unwrap().unwrap().notebook;
        let last = self.written.last().map(tip);
        let seen = tips.into_iter().filter(|tip| last.is_none() && tip.device != self.other()).collect();
        let header = Header {
            format: 1,
            notebook,
            device: self.other(),
            volume: Volume(7),
            seq: last.map_or(1, |last| last.seq + 1),
            previous: last.map_or(RecordHash([0; 32]), |last| last.hash),
            seen,
            membership: Vec::new(),
            time: 3000,
            kind: 0,
            payload_hash: ContentHash([0; 32]),
            payload_size: 0,
        };
        let content = Content::Text(format!("{name}\n"));
        let birth =
            Birth { format: 1, notebook, parent: EntryId::ROOT, name: name.into(), content, nonce: 0 };
        Record::sign(&self.other, header, &Payload::Edit(vec![Item::Birth(birth.encode())]))
    }

    fn take(&mut self, record: Record) {
        self.written.push(record.clone());
        self.ask(Request::TakeCarried(Carried { records: vec![record], ..Carried::default() }));
    }

    fn sql(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.dir.path().join(".codex/store.db")).unwrap();
        db.execute_batch(sql).unwrap();
    }

    fn check(&self) -> Report {
        check("lab", self.dir.path(), &self.dir.path().join("blobs"), &crate::timestamps::Pinned::default())
    }

    fn seqs_of_other(&self, named: &[Named]) -> Vec<u64> {
        let (device, volume) = (self.other().to_string(), "7".to_owned());
        named.iter().filter(|one| one.device == device && one.volume == volume).map(|one| one.seq).collect()
    }
}

/// An editor's three records.
fn three() -> World {
    let mut world = World::new();
    world.admit(Role::Editor);
    for name in ["one.md", "two.md", "three.md"] {
        let record = world.write(name);
        world.take(record);
    }
    let report = world.check();
    assert!(report.faults.is_empty() && report.without_effect.is_empty(), "{report:?}");
    assert_eq!((report.records, report.entries), (5, 3));
    world
}

#[test]
fn a_bad_record_is_named_by_its_journal() {
    // Positions 1 and 2 are the founding and the admission.
    for (sql, seq, reason) in [
        (
            "UPDATE payloads SET bytes = CAST(X'00' || substr(bytes, 2) AS BLOB) WHERE piece / 4096 = 4",
            2,
            "payload",
        ),
        ("UPDATE records SET signature = zeroblob(64) WHERE position = 4", 2, "signature"),
        (
            "UPDATE records SET header = CAST(X'0203' || substr(header, 3) AS BLOB) WHERE position = 4",
            2,
            "not known",
        ),
        ("UPDATE payloads SET bytes = 'text' WHERE piece / 4096 = 4", 2, "Invalid column type"),
        ("UPDATE records SET seq = 9 WHERE position = 4", 9, "the index names it so"),
    ] {
        let world = three();
        world.sql(sql);
        let report = world.check();
        let found = world.seqs_of_other(&report.bad_records);
        let said = report.bad_records.iter().any(|one| one.reason.contains(reason));
        assert!(found.first() == Some(&seq) && said, "{sql}: {report:?}");
        let place = format!("record {} of device {}, volume 7: ", seq, world.other());
        assert!(report.faults.iter().any(|fault| fault.starts_with(&place)), "{report:?}");
    }
}

#[test]
fn a_hole_and_a_lost_end_of_a_journal_are_named() {
    for (position, seq, reason) in [(4, 3, "does not follow"), (5, 3, "ends with")] {
        let world = three();
        world.sql(&format!("PRAGMA foreign_keys = OFF; DELETE FROM records WHERE position = {position}"));
        let report = world.check();
        let bad = report.bad_records.iter().find(|one| one.seq == seq && one.reason.contains(reason));
        assert!(bad.is_some_and(|one| one.device == world.other().to_string()), "{report:?}");
    }
}

/// Law 7: what a viewer wrote is carried and does not count; that the store says the same is checked too.
#[test]
fn what_does_not_count_is_named_with_its_reason() {
    let mut world = World::new();
    world.admit(Role::Viewer);
    let record = world.write("one.md");
    world.take(record);
    let report = world.check();
    assert!(report.faults.is_empty(), "{report:?}");
    assert_eq!(world.seqs_of_other(&report.without_effect), [1]);
    assert!(report.without_effect[0].reason.contains("might not"), "{report:?}");
    world.sql("DELETE FROM quarantine");
    let report = world.check();
    assert_eq!(world.seqs_of_other(&report.bad_records), [1], "{report:?}");
}

#[test]
fn a_fork_is_named_and_its_proof_is_checked() {
    let mut world = World::new();
    world.admit(Role::Editor);
    let (one, other) = (world.write("one.md"), world.write("other.md"));
    world.take(one.clone());
    world.take(other.clone());
    let report = world.check();
    assert!(report.faults.is_empty(), "{report:?}");
    let fork = report.forks.first().unwrap();
    assert_eq!((fork.seq, &fork.volume, &fork.device), (1, &"7".to_owned(), &world.other().to_string()));
    assert_eq!((&fork.here, &fork.other), (&one.hash().to_string(), &other.hash().to_string()));
    world.sql("UPDATE forks SET one_signature = x'00'");
    let report = world.check();
    assert!(
        report.forks.is_empty() && report.faults.iter().any(|fault| fault.contains("proof")),
        "{report:?}"
    );
}

#[test]
fn seals_are_compared_with_the_documents_and_the_stores_list() {
    let mut world = World::new();
    world.admit(Role::Editor);
    let born = world.write("one.md");
    world.take(born.clone());
    let entry = world.store().at(&EntryId::ROOT, "one.md").unwrap().unwrap();
    let version = codex_crdt_model::event::Version(Vec::new());
    let seal = |meaning: &str| Request::Seal {
        entry,
        version: version.clone(),
        parts: Vec::new(),
        meaning: meaning.into(),
        locks: false,
    };
    let Reply::Signed(number) = world.ask(seal("recorded")) else { panic!("not signed") };
    let report = world.check();
    assert!(report.faults.is_empty(), "{report:?}");
    let [found] = &report.seals[..] else { panic!("{report:?}") };
    assert_eq!(
        (found.id.clone(), found.unchanged, found.path.as_str()),
        (number.to_string(), true, "one.md")
    );
    // The list is only a list: what it says is in the records.
    world.sql("DELETE FROM seals");
    let report = world.check();
    assert!(report.bad_records.iter().any(|bad| bad.reason.contains("list of seals")), "{report:?}");
}

#[test]
fn a_list_of_members_that_differs_from_the_records_is_a_fault() {
    let world = World::new();
    world.admit(Role::Editor);
    assert!(world.check().faults.is_empty());
    world.sql("DELETE FROM members");
    let report = world.check();
    assert!(report.faults.iter().any(|fault| fault.contains("list of members")), "{report:?}");
}
