//! What is stored stays: through torn logs, full disks, and everything that makes documents shorter.

use super::*;

/// One record per transaction, `count` of them, and the bytes of the log after each.
fn journal(path: &Path, count: u64) -> Store {
    let mut store = Store::open(path).unwrap();
    for seq in 1..=count {
        append(&mut store, seq);
    }
    store
}

fn append(store: &mut Store, seq: u64) {
    let items = vec![(id(seq as u32), Item::Birth(vec![seq as u8; 700]))];
    let writes = WriteSet {
        records: vec![record_write(seq, tip(1, 1, seq), items)],
        ..named(seq as u32, &format!("{seq}.md"))
    };
    store.apply(&writes).unwrap();
    store.commit().unwrap();
}

/// The numbers of the records that are there; each with its whole payload and its entry.
fn held(store: &Store) -> Vec<u64> {
    let page = store.reader().records_page(0, 100).unwrap();
    for (position, record) in &page {
        let header = record.header().unwrap();
        assert_eq!((header.seq, header.payload_hash), (*position, ContentHash::of(&record.payload)));
        assert!(store.entry(&id(*position as u32)).unwrap().is_some());
    }
    page.into_iter().map(|(position, _)| position).collect()
}

/// losses.md L26: the log is cut anywhere, or its tail is noise: what was whole is there, the rest is as if it had
/// never been, and the next record is good.
#[test]
fn a_torn_tail_is_dropped_and_the_journal_goes_on() {
    const RECORDS: u64 = 12;
    let (_folder, path) = folder();
    let store = journal(&path, RECORDS);
    let (database, log) = (fs::read(&path).unwrap(), fs::read(path.with_file_name("store.db-wal")).unwrap());
    drop(store);
    let mut lengths = std::collections::BTreeSet::new();
    for cut in (0..=log.len()).step_by(3989).chain([log.len()]) {
        for noise in [0, 1, 5000] {
            let (_other, copy) = folder();
            let torn = [&log[..cut], &vec![0x5a; noise][..]].concat();
            fs::write(&copy, &database).unwrap();
            fs::write(copy.with_file_name("store.db-wal"), torn).unwrap();
            // A log cut off before its first transaction may leave no store at all, which is said, not made up for.
            let Ok(mut store) = Store::open(&copy) else {
                assert!(cut < log.len() / 4, "cut at {cut}");
                continue;
            };
            let there = held(&store);
            let next = there.len() as u64 + 1;
            assert_eq!(there, (1..next).collect::<Vec<_>>(), "cut at {cut}: a beginning, without holes");
            lengths.insert(next - 1);
            append(&mut store, next);
            drop(store);
            let store = Store::open(&copy).unwrap();
            assert_eq!(held(&store), (1..=next).collect::<Vec<_>>(), "cut at {cut}");
        }
    }
    assert!(lengths.contains(&RECORDS) && lengths.len() > 6, "{lengths:?}");
}

/// losses.md L25: no room for a step: it is refused as a whole and says so; what was there stays, and when there is
/// room again, work goes on.
#[test]
fn a_full_disk_refuses_a_step_whole_and_says_so() {
    let (_folder, path) = folder();
    let mut store = journal(&path, 3);
    let connection = store.reader().connection();
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", pages + 2).unwrap();
    let large = vec![(id(4), Item::Birth(vec![4; 200_000]))];
    let writes = WriteSet { records: vec![record_write(4, tip(1, 1, 4), large)], ..named(4, "4.md") };
    let refused = store.apply(&writes).and_then(|()| store.commit()).unwrap_err();
    assert!(refused.reason.contains(crate::store::FULL), "{refused}");
    store.rollback();
    assert_eq!(held(&store), [1, 2, 3]);
    assert_eq!(store.entry(&id(4)).unwrap(), None);
    assert_eq!(store.meta().unwrap(), Some(meta(3)), "the values that belong to the last whole step");
    store.reader().connection().pragma_update(None, "max_page_count", i64::from(u32::MAX >> 1)).unwrap();
    store.apply(&writes).unwrap();
    store.commit().unwrap();
    assert_eq!(held(&store), [1, 2, 3, 4]);
}

/// losses.md L12: a document that is saved whole replaces its own pieces and nothing else: what another device has
/// not seen lies in the records, and no statement of the store takes one away.
#[test]
fn compaction_takes_no_record_away() {
    use codex_crdt_model::store::DocumentWrite;
    let (_folder, path) = folder();
    let mut store = journal(&path, 5);
    let saved = |write| WriteSet { documents: vec![(id(1), write)], ..WriteSet::default() };
    for n in 0..10 {
        store.apply(&saved(DocumentWrite::Append(vec![n; 100]))).unwrap();
    }
    store.apply(&saved(DocumentWrite::Replace(vec![9; 50]))).unwrap();
    store.commit().unwrap();
    assert_eq!(store.document(&id(1)).unwrap(), [vec![9; 50]]);
    assert_eq!(held(&store), [1, 2, 3, 4, 5]);
    let source = [include_str!("../write.rs"), include_str!("../payload.rs")].concat();
    for table in ["records", "payloads"] {
        for verb in ["DELETE FROM ", "REPLACE INTO ", "UPDATE "] {
            assert!(!source.contains(&format!("{verb}{table}")), "{verb}{table}");
        }
    }
}
