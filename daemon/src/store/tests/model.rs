//! The store in memory and the one in SQLite answer every call alike, whatever is written.

use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId, NotebookId, RecordHash, Volume};
use codex_crdt_model::journal::{Fork, Frontier, Header, Item, Receipt, Record, Role};
use codex_crdt_model::store::memory::MemoryStore;
use codex_crdt_model::store::{
    BirthAt, ConflictKind, ConflictRow, DocumentWrite, EntryRow, FetchPolicy, ForkRow, MemberRow,
    MissingBlob, Source, WriteSet,
};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::{Reader, Store, base_row, entry_row, folder, id, meta, record_write, tip};

const IDS: u32 = 6;
const NAMES: [&str; 4] = ["a.md", "A.md", "ä", "a"];
const VOLUMES: [u64; 3] = [1, 2, u64::MAX];

#[derive(Debug, Clone)]
enum Write {
    Meta(u64),
    Entry { id: u32, parent: u32, name: usize, place_name: usize, alive: bool, revision: u64 },
    Document { id: u32, replace: bool, bytes: Vec<u8> },
    Base { id: u32, place: Option<(u32, usize)> },
    Pending(u32, bool),
    Record { device: u8, volume: usize, items: Vec<(u32, bool)> },
    Member(u8, String),
    Receipt(u8, u64),
    Blob(u8, Option<u64>),
    Policy(u8),
    Conflict(u32, usize),
    Settle(u64),
    Fork(u8, u64),
    Acknowledged(usize, u64),
    Timestamp(u8),
    TakeBack(u8, usize),
}

#[derive(Debug, Clone, Copy)]
enum Then {
    GoOn,
    Commit,
    Rollback,
}

fn write() -> impl Strategy<Value = Write> {
    let (entry, name) = (0..IDS, 0..NAMES.len());
    prop_oneof![
        1 => (0..9_u64).prop_map(Write::Meta),
        6 => (entry.clone(), entry.clone(), name.clone(), name.clone(), any::<bool>(), 0..9_u64).prop_map(
            |(id, parent, name, place_name, alive, revision)| {
                Write::Entry { id, parent, name, place_name, alive, revision }
            }
        ),
        3 => (entry.clone(), any::<bool>(), any::<Vec<u8>>())
            .prop_map(|(id, replace, bytes)| Write::Document { id, replace, bytes }),
        4 => (entry.clone(), proptest::option::of((entry.clone(), name.clone())))
            .prop_map(|(id, place)| Write::Base { id, place }),
        2 => (entry.clone(), any::<bool>()).prop_map(|(id, pending)| Write::Pending(id, pending)),
        4 => (0..2_u8, 0..VOLUMES.len(), proptest::collection::vec((entry.clone(), any::<bool>()), 0..4))
            .prop_map(|(device, volume, items)| Write::Record { device, volume, items }),
        1 => (0..3_u8, ".{0,4}").prop_map(|(device, name)| Write::Member(device, name)),
        1 => (0..3_u8, any::<u64>()).prop_map(|(device, number)| Write::Receipt(device, number)),
        1 => (0..3_u8, any::<Option<u64>>()).prop_map(|(hash, size)| Write::Blob(hash, size)),
        1 => any::<u8>().prop_map(Write::Policy),
        2 => (entry, 0..7_usize).prop_map(|(id, kind)| Write::Conflict(id, kind)),
        1 => (1..5_u64).prop_map(Write::Settle),
        1 => (0..2_u8, 1..3_u64).prop_map(|(device, seq)| Write::Fork(device, seq)),
        1 => (0..VOLUMES.len(), 1..9_u64).prop_map(|(volume, seq)| Write::Acknowledged(volume, seq)),
        1 => (0..4_u8).prop_map(Write::Timestamp),
        1 => (0..2_u8, 0..VOLUMES.len()).prop_map(|(device, volume)| Write::TakeBack(device, volume)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(Vec<Write>, Then)>> {
    let then = prop_oneof![4 => Just(Then::GoOn), 2 => Just(Then::Commit), 1 => Just(Then::Rollback)];
    proptest::collection::vec((proptest::collection::vec(write(), 0..8), then), 1..10)
}

fn conflict(entry: u32, kind: usize) -> ConflictRow {
    let copy = id(entry + 1);
    let kind = match kind {
        0 => ConflictKind::Property {
            key: "date".to_owned(),
            shown: "date: 1\n".to_owned(),
            others: vec!["date: \"2\"\n".to_owned()],
        },
        1 => ConflictKind::Attachment { copy },
        2 => ConflictKind::Name { other: copy },
        3 => ConflictKind::Frontmatter,
        4 => ConflictKind::AfterCrash,
        5 => ConflictKind::TextBecameBlob { copy },
        _ => ConflictKind::Joined { copy },
    };
    ConflictRow { entry: id(entry), kind, noticed: -4 }
}

/// `memory` says where the journals stand, so that positions and numbers go on from there.
fn put(writes: &mut WriteSet, write: &Write, memory: &MemoryStore) {
    match write {
        Write::Meta(revision) => writes.meta = Some(meta(*revision)),
        Write::Entry { id: entry, parent, name, place_name, alive, revision } => {
            let row = EntryRow {
                alive: *alive,
                place_parent: id(*parent),
                place_name: NAMES[*place_name].to_owned(),
                ..entry_row(NAMES[*name], *revision)
            };
            writes.entries.insert(id(*entry), row);
        }
        Write::Document { id: entry, replace, bytes } => {
            let write = if *replace { DocumentWrite::Replace } else { DocumentWrite::Append };
            writes.documents.push((id(*entry), write(bytes.clone())));
        }
        Write::Base { id: entry, place } => {
            let row = place.map(|(parent, name)| {
                let mut row = base_row(NAMES[name]);
                row.parent = id(parent);
                row
            });
            writes.bases.insert(id(*entry), row);
        }
        Write::Pending(entry, pending) => drop(writes.pending.insert(id(*entry), *pending)),
        Write::Record { device, volume, items } => {
            let last = memory.records().chain(&writes.records).map(|record| record.position).max();
            let position = last.unwrap_or(0).max(writes.taken_back.last().copied().unwrap_or(0)) + 1;
            let volume = VOLUMES[*volume];
            let same = |t: &&codex_crdt_model::journal::Tip| {
                t.device == DeviceId([*device; 32]) && t.volume == Volume(volume)
            };
            let kept = memory.records().filter(|record| !writes.taken_back.contains(&record.position));
            let stored = kept.map(|record| &record.tip).filter(same).count();
            let here = writes.records.iter().map(|record| &record.tip).filter(same).count();
            let items = items.iter().enumerate().map(|(n, (entry, birth))| {
                let bytes = vec![*entry as u8, position as u8, n as u8];
                let change = Item::Change { entry: id(*entry), branch: 0, change: bytes.clone() };
                (id(*entry), if *birth { Item::Birth(bytes) } else { change })
            });
            let tip = tip(*device, volume, (stored + here) as u64 + 1);
            let mut write = record_write(position, tip, items.collect());
            // An item without effect: its entry was born before.
            write.items.retain(|(item, ..)| *item != 2);
            writes.records.push(write);
        }
        Write::Member(device, name) => {
            let row = MemberRow { role: Role::Commenter, name: name.clone() };
            writes.members.insert(DeviceId([*device; 32]), (!name.is_empty()).then_some(row));
        }
        Write::Receipt(device, number) => {
            let key = SigningKey::from_bytes(&[*device; 32]);
            let frontier = Frontier::from_tips([tip(*device, 1, 1)]);
            let missing = MissingBlob { size: 1, wanted: *number % 2 == 0 };
            let missing = [(ContentHash([*device; 32]), missing)].into();
            let receipt = Receipt::sign(&key, NotebookId([9; 32]), *number, &frontier, &missing);
            writes.receipts.insert(receipt.device, receipt);
        }
        Write::Blob(hash, size) => {
            let missing = size.map(|size| MissingBlob { size, wanted: size % 2 == 0 });
            writes.blobs_missing.insert(ContentHash([*hash; 32]), missing);
            let need = (ContentHash([*hash; 32]), id(u32::from(*hash)));
            writes.blob_needs.insert(need, size.is_none_or(|size| size % 3 > 0));
        }
        Write::Policy(below) => {
            writes.fetch_policy = Some(match below {
                0 => FetchPolicy::All,
                1 => FetchPolicy::OnDemand,
                bytes => FetchPolicy::Below(u64::from(*bytes)),
            });
        }
        Write::Conflict(entry, kind) => writes.conflicts.push(conflict(*entry, *kind)),
        Write::Settle(number) => writes.settled.push(*number),
        Write::Fork(device, seq) => {
            let side = |time| {
                let record = record_write(1, tip(*device, 1, *seq), Vec::new()).record;
                let header = Header { time, ..record.header().unwrap() };
                Record { header: postcard::to_stdvec(&header).unwrap(), ..record }
            };
            writes.forks.push(ForkRow { after: *seq, fork: Fork { one: side(0).bare(), other: side(1) } });
        }
        Write::Acknowledged(volume, seq) => drop(writes.acknowledged.insert(Volume(VOLUMES[*volume]), *seq)),
        // All but the first record of a journal.
        Write::Timestamp(seal) => {
            let last = memory
                .records()
                .map(|record| record.position)
                .max()
                .filter(|at| !writes.taken_back.contains(at));
            let seals = [*seal, 1].map(|n| RecordHash([n; 32])).to_vec();
            writes.timestamps.extend(last.map(|position| (position, seals)));
        }
        Write::TakeBack(device, volume) => {
            let journal = (DeviceId([*device; 32]), Volume(VOLUMES[*volume]));
            let of_journal = |record: &&codex_crdt_model::store::RecordWrite| {
                (record.tip.device, record.tip.volume) == journal
            };
            let mut stored = memory.records().filter(of_journal);
            let first = stored.next().map(|record| record.tip);
            writes.taken_back.extend(stored.map(|record| record.position));
            writes.records.retain(|record| !of_journal(&record));
            writes.timestamps.retain(|(position, _)| !writes.taken_back.contains(position));
            if first.is_some() {
                writes.ends.insert(journal, first);
            }
        }
    }
}

/// Every call of `Source`, with every argument that can matter.
fn assert_alike(a: &dyn Source, b: &dyn Source) {
    let ids: Vec<EntryId> = (0..=IDS).map(id).chain([EntryId::ROOT, EntryId([0xff; 32])]).collect();
    assert_eq!(a.meta(), b.meta());
    assert_eq!(a.alive_count(), b.alive_count());
    assert_eq!(a.tips(), b.tips());
    assert_eq!(a.members(), b.members());
    assert_eq!(a.forked(), b.forked());
    assert_eq!(a.acknowledged(), b.acknowledged());
    assert_eq!(a.receipts(), b.receipts());
    assert_eq!(a.blobs_missing(), b.blobs_missing());
    assert_eq!(a.fetch_policy(), b.fetch_policy());
    for hash in a.blobs_missing().unwrap().keys().chain([&ContentHash([0xff; 32])]) {
        assert_eq!(a.blob_missing(hash), b.blob_missing(hash));
        assert_eq!(a.blob_needed_by(hash), b.blob_needed_by(hash));
    }
    assert_eq!(a.conflicts(None), b.conflicts(None));
    for seal in (0..4).map(|n| RecordHash([n; 32])) {
        assert_eq!(a.timestamps(&seal), b.timestamps(&seal));
    }
    for limit in [0, 2, usize::MAX] {
        assert_eq!(a.pending(None, limit), b.pending(None, limit));
        for id in &ids {
            assert_eq!(a.pending(Some(*id), limit), b.pending(Some(*id), limit));
        }
    }
    for id in &ids {
        assert_eq!(a.entry(id), b.entry(id));
        assert_eq!(a.children(id), b.children(id));
        assert_eq!(a.document(id), b.document(id));
        assert_eq!(a.base(id), b.base(id));
        assert_eq!(a.bases_in(id), b.bases_in(id));
        assert_eq!(a.history(id), b.history(id));
        assert_eq!(a.conflicts(Some(id)), b.conflicts(Some(id)));
        for name in NAMES.into_iter().chain(["", "A", "a.MD"]) {
            assert_eq!(a.namesakes(id, name), b.namesakes(id, name));
            assert_eq!(a.at(id, name), b.at(id, name));
            assert_eq!(a.base_at(id, name), b.base_at(id, name));
        }
    }
    for position in (0..60).chain([u64::MAX]) {
        assert_eq!(a.record(position), b.record(position));
        for item in (0..5).chain([u32::MAX]) {
            let at = BirthAt { position, item };
            assert_eq!(a.birth(at), b.birth(at));
        }
    }
    for device in 0..3 {
        for volume in VOLUMES {
            for seq in (0..9).chain([u64::MAX]) {
                let of = |s: &dyn Source| s.position_of(DeviceId([device; 32]), Volume(volume), seq);
                assert_eq!(of(a), of(b));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_answer_alike(steps in steps()) {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let reader = Reader::open(&path).unwrap();
        let mut memory = MemoryStore::default();
        let mut committed = memory.clone();
        for (step, then) in steps {
            let mut writes = WriteSet::default();
            for write in &step {
                put(&mut writes, write, &memory);
            }
            store.apply(&writes).unwrap();
            memory.apply(&writes);
            match then {
                Then::GoOn => {}
                Then::Commit => {
                    store.commit().unwrap();
                    committed = memory.clone();
                }
                Then::Rollback => {
                    store.rollback();
                    memory = committed.clone();
                }
            }
            assert_alike(&memory, &store);
        }
        assert_alike(&committed, &reader);
        let forks: Vec<_> = committed.forks().cloned().collect();
        prop_assert_eq!(reader.forks().unwrap(), forks);
        let bases: Vec<_> = committed.bases().map(|(id, row)| (*id, row.clone())).collect();
        prop_assert_eq!(reader.bases_for_scan().unwrap(), bases);
    }
}
