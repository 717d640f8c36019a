//! Large numbers. Times are printed, not judged: the machine may be busy with something else.

use std::time::{Duration, Instant};

use codex_crdt_model::journal::record::Item;
use codex_crdt_model::store::{BirthAt, Source, WriteSet};

use super::{Reader, Store, base_row, entry_row, folder, id, record_write, tip};

const ENTRIES: u32 = 10_000;
const PER_RECORD: u32 = 256;

fn timed<T>(what: &str, rows: u32, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    let took = begun.elapsed().max(Duration::from_nanos(1));
    println!("{what}: {took:?}, {:.0} rows/s", f64::from(rows) / took.as_secs_f64());
    result
}

#[test]
fn ten_thousand_entries() {
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    let mut steps = Vec::new();
    for first in (0..ENTRIES).step_by(PER_RECORD as usize) {
        let mut writes = WriteSet::default();
        let mut items = Vec::new();
        let position = u64::from(first / PER_RECORD) + 1;
        for number in first..(first + PER_RECORD).min(ENTRIES) {
            let name = format!("note {number}.md");
            let mut row = entry_row(&name, u64::from(number) + 1);
            row.birth = BirthAt { position, item: number - first };
            writes.entries.insert(id(number), row);
            writes.bases.insert(id(number), Some(base_row(&name)));
            items.push((id(number), Item::Birth(name.repeat(100).into_bytes())));
        }
        writes.records.push(record_write(position, tip(1, 1, position), items));
        steps.push(writes);
    }
    timed("entries, bases and items written", 3 * ENTRIES, || {
        for writes in &steps {
            store.apply(writes).unwrap();
        }
        store.commit().unwrap();
    });
    let reader = Reader::open(&path).unwrap();
    let rows = timed("entries by revision", ENTRIES, || reader.entries_since(0, usize::MAX).unwrap());
    assert_eq!(rows.len(), ENTRIES as usize);
    timed("births in order", ENTRIES, || {
        for (_, row) in &rows {
            let birth = reader.birth(row.birth).unwrap().unwrap();
            assert_eq!(birth, row.name.repeat(100).into_bytes());
        }
    });
    timed("births in no order", ENTRIES / 10, || {
        for number in 0..u64::from(ENTRIES) / 10 {
            let (_, row) = &rows[(number * 7919 % u64::from(ENTRIES)) as usize];
            assert!(reader.birth(row.birth).unwrap().is_some());
        }
    });
    let bases = timed("all bases", ENTRIES, || reader.bases_for_scan().unwrap());
    assert_eq!(bases.len(), ENTRIES as usize);
    timed("look-ups", 2 * ENTRIES, || {
        for (id, row) in &rows {
            assert_eq!(reader.at(&row.place_parent, &row.place_name).unwrap(), Some(*id));
            assert_eq!(reader.base_at(&row.place_parent, &row.place_name).unwrap(), Some(*id));
        }
    });
}
