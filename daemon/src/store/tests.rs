//! Both stores answer alike; what does not open is left alone; what was not committed is not there.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId, NotebookId, RecordHash, Volume};
use codex_crdt_model::journal::Tip;
use codex_crdt_model::journal::record::{Header, Item, Payload, RECORD_FORMAT, Record};
use codex_crdt_model::store::{
    BaseRow, BirthAt, EntryRow, Image, Meta, Mode, RecordWrite, Source, Stat, WriteSet,
};
use ed25519_dalek::SigningKey;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{OpenError, Reader, Store, open};

mod keeping;
mod model;
mod naming;
mod speed;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

fn id(number: u32) -> EntryId {
    let mut bytes = *blake3::hash(&number.to_le_bytes()).as_bytes();
    bytes[28..].copy_from_slice(&number.to_be_bytes());
    EntryId(bytes)
}

fn entry_row(name: &str, revision: u64) -> EntryRow {
    EntryRow {
        kind: Kind::Text,
        parent: EntryId::ROOT,
        name: name.to_owned(),
        moved_by: Some((revision, [7; 16])),
        deleted: false,
        heads: Vec::new(),
        hash: ContentHash::of(name.as_bytes()),
        size: 12,
        birth: BirthAt { position: 1, item: 0 },
        birth_parent: EntryId::ROOT,
        alive: true,
        live_children: 0,
        place_parent: EntryId::ROOT,
        place_name: name.to_owned(),
        author: DeviceId([1; 32]),
        created: 5,
        modified: -6,
        revision,
    }
}

fn base_row(name: &str) -> BaseRow {
    let image = Image { heads: Vec::new(), hash: ContentHash::of(name.as_bytes()), kind: Kind::Text };
    BaseRow {
        parent: EntryId::ROOT,
        name: name.to_owned(),
        confirmed: Some(image),
        intended: None,
        stat: Stat { size: 12, mtime_ns: -1, inode: u64::MAX, born_ns: 0 },
        seen_at: 77,
    }
}

fn meta(revision: u64) -> Meta {
    Meta {
        notebook: NotebookId([9; 32]),
        name: "lab".to_owned(),
        device: DeviceId([1; 32]),
        volume: Volume(u64::MAX),
        mode: Mode::Live,
        paused: false,
        held: true,
        revision,
        position: 3,
        receipt: 4,
        seen: vec![tip(1, 2, 3)],
        deletions: vec![1, 2],
        fallbacks: Vec::new(),
    }
}

fn tip(device: u8, volume: u64, seq: u64) -> Tip {
    Tip { device: DeviceId([device; 32]), volume: Volume(volume), seq, hash: RecordHash([seq as u8; 32]) }
}

fn record_write(position: u64, tip: Tip, items: Vec<(EntryId, Item)>) -> RecordWrite {
    let header = Header {
        format: RECORD_FORMAT,
        notebook: NotebookId([9; 32]),
        device: tip.device,
        volume: tip.volume,
        seq: tip.seq,
        previous: RecordHash([0; 32]),
        seen: Vec::new(),
        membership: Vec::new(),
        time: 1000,
        kind: 0,
        payload_hash: ContentHash([0; 32]),
        payload_size: 0,
    };
    let index = items.iter().enumerate().map(|(n, (entry, item))| {
        let change = match item {
            Item::Birth(_) => None,
            Item::Change { change, .. } => {
                Some(codex_crdt_model::ids::ChangeHash(*blake3::hash(change).as_bytes()))
            }
        };
        (n as u32, *entry, change)
    });
    let index = index.collect();
    let payload = Payload::Edit(items.into_iter().map(|(_, item)| item).collect());
    let record = Record::sign(&SigningKey::from_bytes(&[3; 32]), header, &payload);
    RecordWrite { position, tip: Tip { hash: record.hash(), ..tip }, time: 1000, record, items: index }
}

fn named(number: u32, name: &str) -> WriteSet {
    let entries = [(id(number), entry_row(name, u64::from(number)))].into();
    WriteSet { entries, meta: Some(meta(u64::from(number))), ..WriteSet::default() }
}

fn filled(path: &Path) {
    let mut store = Store::open(path).unwrap();
    store.apply(&named(1, "a.md")).unwrap();
    store.commit().unwrap();
}

#[test]
fn what_is_committed_is_there_after_reopening() {
    let (_folder, path) = folder();
    filled(&path);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.entry(&id(1)).unwrap(), Some(entry_row("a.md", 1)));
    assert_eq!(store.meta().unwrap(), Some(meta(1)));

    let reader = Reader::open(&path).unwrap();
    store.apply(&named(2, "b.md")).unwrap();
    assert_eq!(store.alive_count().unwrap(), 2, "the writer sees its open transaction");
    assert_eq!(reader.alive_count().unwrap(), 1, "nobody else does");
    reader
        .at_once(|reader| {
            assert_eq!(reader.alive_count()?, 1);
            store.commit()?;
            assert_eq!(reader.alive_count()?, 1, "one state for the whole read");
            Ok(())
        })
        .unwrap();
    assert_eq!(reader.alive_count().unwrap(), 2);
}

#[test]
fn a_closed_store_can_be_read() {
    let (_folder, path) = folder();
    filled(&path);
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.at(&EntryId::ROOT, "a.md").unwrap(), Some(id(1)));
    assert!(reader.connection().execute("DELETE FROM entries", []).is_err());
    let counts = reader.counts().unwrap();
    assert_eq!((counts.entries, counts.alive, counts.records), (1, 1, 0));
}

#[test]
fn rollback_drops_everything_since_the_last_commit() {
    let (_folder, path) = folder();
    filled(&path);
    let mut store = Store::open(&path).unwrap();
    let birth = |bytes: &[u8]| {
        let items = vec![(id(5), Item::Birth(bytes.to_vec()))];
        WriteSet { records: vec![record_write(1, tip(1, 1, 1), items)], ..named(5, "e.md") }
    };
    let at = BirthAt { position: 1, item: 0 };
    store.apply(&birth(b"first")).unwrap();
    assert_eq!(store.birth(at).unwrap(), Some(b"first".to_vec()));
    store.rollback();
    assert_eq!(store.birth(at).unwrap(), None);
    assert_eq!(store.entry(&id(5)).unwrap(), None);
    assert_eq!(store.meta().unwrap(), Some(meta(1)));
    assert_eq!(store.alive_count().unwrap(), 1);
    store.apply(&birth(b"second")).unwrap();
    store.commit().unwrap();
    assert_eq!(store.birth(at).unwrap(), Some(b"second".to_vec()));
}

#[test]
fn a_step_that_failed_half_way_cannot_be_committed() {
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    let record = record_write(1, tip(1, 1, 1), Vec::new());
    store.apply(&WriteSet { records: vec![record.clone()], ..WriteSet::default() }).unwrap();
    store.commit().unwrap();
    let again = WriteSet { records: vec![record], ..named(1, "a.md") };
    assert_eq!(store.apply(&again).unwrap_err().doing, "writing a record");
    assert!(store.commit().is_err());
    assert!(store.apply(&named(2, "b.md")).is_err());
    store.rollback();
    assert_eq!(store.alive_count().unwrap(), 0);
    store.apply(&named(2, "b.md")).unwrap();
    store.commit().unwrap();
}

/// losses.md L49
#[test]
fn a_second_writer_is_refused_and_told_of_the_lock() {
    let (_folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let Err(OpenError::Io { reason, .. }) = Store::open(&path) else { panic!("opened twice") };
    assert!(reason.contains("store.lock"), "{reason}");
    drop(store);
    Store::open(&path).unwrap();
}

/// losses.md L49
#[test]
fn another_process_is_held_off() {
    let (folder, path) = folder();
    let store = Store::open(&path).unwrap();
    let flock = || Command::new("flock").arg("-n").arg(folder.path().join("store.lock")).arg("true").status();
    let Ok(status) = flock() else { return };
    assert!(!status.success());
    drop(store);
    assert!(flock().unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
fn opening_a_reader_leaves_the_writers_locks() {
    use std::os::unix::fs::MetadataExt;
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    store.apply(&named(1, "a.md")).unwrap();
    store.commit().unwrap();
    let inode = format!(":{} ", fs::metadata(&path).unwrap().ino());
    // Of this process alone: the list of the whole system is read in pieces, and changes between them.
    let locks = || {
        let files = fs::read_dir("/proc/self/fdinfo").unwrap();
        let told = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default());
        told.map(|text| text.matches(&inode).count()).sum::<usize>()
    };
    let before = locks();
    drop(Reader::open(&path).unwrap());
    assert_eq!(locks(), before);
    assert!(before > 0, "SQLite locks a file in use");
}

/// losses.md L29
#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    filled(&path);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(OpenError::Newer { found: 99, .. })));
    assert!(matches!(Reader::open(&path), Err(OpenError::Newer { found: 99, .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// losses.md L27: what cannot be read is neither repaired nor replaced by an empty one.
#[test]
fn what_is_no_store_is_refused_and_left_byte_identical() {
    let (_folder, good) = folder();
    filled(&good);
    let good = fs::read(&good).unwrap();
    let mut schema_gone = good.clone();
    schema_gone[100..400].fill(0xaa);
    let mut other_program = good.clone();
    other_program[68..72].fill(0);
    let cases: [(&str, &[u8]); 7] = [
        ("empty", b""),
        ("short", b"SQLite"),
        ("text", b"# A note, and surely no database\n"),
        ("zeros", &[0; 8192]),
        ("schema gone", &schema_gone),
        ("other program", &other_program),
        ("cut short", &good[..good.len() / 2 / 4096 * 4096]),
    ];
    for (name, bytes) in cases {
        let (_folder, path) = folder();
        fs::write(&path, bytes).unwrap();
        assert!(matches!(Store::open(&path), Err(OpenError::Damaged { .. })), "{name}");
        assert!(matches!(Reader::open(&path), Err(OpenError::Damaged { .. })), "{name}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
    }
}

#[test]
fn a_copy_is_a_store_of_its_own() {
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    let copy = path.with_file_name("copy.db");
    for number in [1, 2] {
        store.apply(&named(number, "a.md")).unwrap();
        store.commit().unwrap();
        Reader::open(&path).unwrap().copy_to(&copy).unwrap();
        assert_eq!(Reader::open(&copy).unwrap().meta().unwrap(), Some(meta(u64::from(number))));
    }
}

#[test]
fn a_missing_store_is_not_made_by_reading() {
    let (folder, path) = folder();
    assert!(matches!(Reader::open(&path), Err(OpenError::Io { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// losses.md L29
#[test]
fn a_migration_leaves_a_backup_and_happens_once() {
    let (_folder, path) = folder();
    filled(&path);
    let mut newer = open::MIGRATIONS.to_vec();
    newer.push("CREATE TABLE extra (a INTEGER); DROP TABLE forks;");
    let (version, known) = (newer.len(), newer.len() as i64 - 1);
    for _ in 0..2 {
        let (connection, _lock) = open::writer(&path, &newer).unwrap();
        connection.execute("INSERT INTO extra VALUES (1)", []).unwrap();
    }
    let backup = path.with_file_name(format!("store.db.before-{version}"));
    let reader = Reader::open(&backup).unwrap();
    assert_eq!(reader.entry(&id(1)).unwrap(), Some(entry_row("a.md", 1)));
    let refused = Store::open(&path);
    assert!(
        matches!(refused, Err(OpenError::Newer { found, known: k, .. }) if (found, k) == (known + 1, known))
    );

    let mut failing = newer.clone();
    failing.push("CREATE TABLE more (a INTEGER); SELECT nonsense;");
    assert!(open::writer(&path, &failing).is_err());
    let (connection, _lock) = open::writer(&path, &newer).unwrap();
    let kept: i64 = connection.query_row("SELECT count(*) FROM extra", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 2, "a migration that fails changes nothing");
}

#[test]
fn a_log_whose_store_was_moved_away_is_not_played_into_a_new_one() {
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    store.apply(&named(1, "a.md")).unwrap();
    store.commit().unwrap();
    let log = path.with_file_name("store.db-wal");
    let bytes = fs::read(&log).unwrap();
    drop(store);
    fs::remove_file(&path).unwrap();
    fs::write(&log, &bytes).unwrap();

    let store = Store::open(&path).unwrap();
    assert_eq!(store.meta().unwrap(), None);
    assert_eq!(fs::read(path.with_file_name("store.db-wal.orphan")).unwrap(), bytes);
}

#[test]
fn a_crash_keeps_what_was_committed_and_nothing_else() {
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    store.apply(&named(1, "a.md")).unwrap();
    store.commit().unwrap();
    store.apply(&named(2, "b.md")).unwrap();
    // What is on disk at this moment is what a crash leaves.
    let (_other, copy) = folder_copy(&path);
    let found = Store::open(&copy).unwrap();
    assert_eq!(found.entry(&id(1)).unwrap(), Some(entry_row("a.md", 1)));
    assert_eq!(found.entry(&id(2)).unwrap(), None);
}

fn folder_copy(path: &Path) -> (TempDir, PathBuf) {
    let (other, copy) = folder();
    for name in ["store.db", "store.db-wal"] {
        fs::copy(path.with_file_name(name), other.path().join(name)).unwrap();
    }
    (other, copy)
}

#[test]
fn entries_come_by_revision_and_never_part_of_one() {
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    let mut writes = WriteSet::default();
    for number in 0..10 {
        let name = format!("{number}.md");
        writes.entries.insert(id(number), entry_row(&name, u64::from(number / 4) + 1));
    }
    store.apply(&writes).unwrap();
    let revisions = |after, limit| -> Vec<u64> {
        let rows = store.reader().entries_since(after, limit).unwrap();
        rows.iter().map(|(_, row)| row.revision).collect()
    };
    assert_eq!(revisions(0, 3), [1, 1, 1, 1]);
    assert_eq!(revisions(0, 5), [1, 1, 1, 1, 2, 2, 2, 2]);
    assert_eq!(revisions(2, 5), [3, 3]);
    assert_eq!(revisions(3, 5), [0; 0]);
    assert_eq!(revisions(u64::MAX, 5), [0; 0]);

    let whole = id(3).to_string();
    assert_eq!(store.reader().entry_by_prefix(&whole).unwrap(), [id(3)]);
    assert_eq!(store.reader().entry_by_prefix(&whole[..13]).unwrap(), [id(3)]);
    assert_eq!(store.reader().entry_by_prefix("").unwrap().len(), 2);
    for nothing in ["zz", "é", &format!("{whole}0"), "a' OR 1"] {
        assert_eq!(store.reader().entry_by_prefix(nothing).unwrap(), []);
    }
    let names: Vec<String> =
        store.reader().folder(&EntryId::ROOT).unwrap().into_iter().map(|(_, row)| row.place_name).collect();
    assert!(names.is_sorted() && names.len() == 10);
}

#[test]
fn changes_come_in_whole_records_from_both_ends() {
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    let change = |n: u32| Item::Change { entry: id(n), branch: 0, change: vec![n as u8] };
    let records = vec![
        record_write(1, tip(1, 1, 1), vec![(id(1), Item::Birth(vec![1])), (id(2), Item::Birth(vec![2]))]),
        record_write(2, tip(2, 1, 1), vec![]),
        record_write(3, tip(1, 1, 2), vec![(id(1), change(1))]),
        record_write(4, tip(2, u64::MAX, 9), vec![(id(2), change(2)), (id(1), change(1))]),
    ];
    store.apply(&WriteSet { records: records.clone(), ..WriteSet::default() }).unwrap();
    let reader = store.reader();
    let places = |rows: Vec<super::ChangeRow>| -> Vec<(u64, u32)> {
        rows.into_iter().map(|row| (row.position, row.item)).collect()
    };
    assert_eq!(places(reader.recent_changes(0, 2).unwrap()), [(1, 0), (1, 1), (3, 0)]);
    assert_eq!(places(reader.recent_changes(3, 2).unwrap()), [(4, 0), (4, 1)]);
    assert_eq!(places(reader.changes_before(None, 1).unwrap()), [(4, 1), (4, 0)]);
    assert_eq!(places(reader.changes_before(Some(4), 9).unwrap()), [(3, 0), (1, 1), (1, 0)]);
    let last = reader.changes_before(None, 1).unwrap().remove(1);
    assert_eq!((last.entry, last.volume, last.seq, last.time), (id(2), Volume(u64::MAX), 9, 1000));
    let page = reader.records_page(1, 2).unwrap();
    assert_eq!(page, [(2, records[1].record.clone()), (3, records[2].record.clone())]);
}
