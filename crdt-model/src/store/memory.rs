//! A store in memory: the simulator's disk-backed database, and what unit tests run on.
//!
//! It answers every call of [`Source`] as the database does; a test in the daemon holds the two together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    BaseRow, BirthAt, CommentRow, ConflictRow, DocumentWrite, EntryRow, FetchPolicy, ForkRow, HistoryRow,
    MemberRow, Meta, MissingBlob, Quarantined, RecordWrite, SealRow, Source, StoreError, WriteSet,
};
use crate::ids::{ChangeHash, ContentHash, DeviceId, EntryId, RecordHash, Volume};
use crate::journal::record::{Item, Payload, Record};
use crate::journal::{Fork, ForkedAt, Receipt, Tip};
use crate::membership::{Knows, Statement};

/// Entries by folder and name. A set, not a map: within one step two entries may have one name.
type ByName = BTreeSet<(EntryId, String, EntryId)>;

/// Everything a notebook has written, in maps. Clone it to have what was on disk at some moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryStore {
    meta: Option<Meta>,
    entries: BTreeMap<EntryId, EntryRow>,
    children: BTreeSet<(EntryId, EntryId)>,
    namesakes: ByName,
    places: ByName,
    alive: u64,
    documents: BTreeMap<EntryId, Vec<Vec<u8>>>,
    bases: BTreeMap<EntryId, BaseRow>,
    base_places: ByName,
    pending: BTreeSet<EntryId>,
    records: BTreeMap<u64, Arc<RecordWrite>>,
    /// What the records of kind 1 carry, decoded once.
    items: BTreeMap<u64, Arc<[Item]>>,
    positions: BTreeMap<(DeviceId, Volume, u64), u64>,
    tips: BTreeMap<(DeviceId, Volume), Tip>,
    history: BTreeMap<(EntryId, u64, u32), Option<ChangeHash>>,
    members: BTreeMap<DeviceId, MemberRow>,
    statements: BTreeMap<u64, Statement>,
    knows: BTreeMap<(DeviceId, Volume), Knows>,
    quarantined: BTreeMap<u64, Quarantined>,
    receipts: BTreeMap<DeviceId, Receipt>,
    blobs_missing: BTreeMap<ContentHash, MissingBlob>,
    blob_needs: BTreeSet<(ContentHash, EntryId)>,
    blobs_named: BTreeSet<ContentHash>,
    fetch_policy: FetchPolicy,
    conflicts: BTreeMap<u64, ConflictRow>,
    conflicts_by_entry: BTreeSet<(EntryId, u64)>,
    last_conflict: u64,
    seals: BTreeMap<u64, SealRow>,
    comments: BTreeMap<u64, CommentRow>,
    timestamps: BTreeSet<(RecordHash, u64)>,
    forks: BTreeMap<ForkedAt, ForkRow>,
    acknowledged: BTreeMap<Volume, u64>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes what one step wants written.
    pub fn apply(&mut self, writes: &WriteSet) {
        if let Some(meta) = &writes.meta {
            self.meta = Some(meta.clone());
        }
        for (id, row) in &writes.entries {
            self.put_entry(*id, row);
        }
        for (id, write) in &writes.documents {
            let chunks = self.documents.entry(*id).or_default();
            match write {
                DocumentWrite::Append(bytes) => chunks.push(bytes.clone()),
                DocumentWrite::Replace(bytes) => *chunks = vec![bytes.clone()],
            }
        }
        for (id, row) in &writes.bases {
            self.put_base(*id, row.as_ref());
        }
        for (id, pending) in &writes.pending {
            if *pending {
                self.pending.insert(*id);
            } else {
                self.pending.remove(id);
            }
        }
        self.take_back(writes);
        for record in &writes.records {
            self.put_record(record);
        }
        for (position, items) in &writes.items {
            self.put_items(*position, items);
        }
        for (device, row) in &writes.members {
            match row {
                Some(row) => self.members.insert(*device, row.clone()),
                None => self.members.remove(device),
            };
        }
        self.statements.extend(writes.statements.iter().cloned());
        self.knows.extend(writes.knows.iter().map(|(journal, knows)| (*journal, knows.clone())));
        for (position, row) in &writes.quarantined {
            match row {
                Some(row) => self.quarantined.insert(*position, row.clone()),
                None => self.quarantined.remove(position),
            };
        }
        self.receipts.extend(writes.receipts.iter().map(|(device, receipt)| (*device, receipt.clone())));
        for (hash, missing) in &writes.blobs_missing {
            match missing {
                Some(missing) => self.blobs_missing.insert(*hash, *missing),
                None => self.blobs_missing.remove(hash),
            };
        }
        for (need, needed) in &writes.blob_needs {
            match needed {
                true => self.blob_needs.insert(*need),
                false => self.blob_needs.remove(need),
            };
        }
        if !writes.blobs_missing.is_empty() {
            self.blob_needs.retain(|(hash, _)| !matches!(writes.blobs_missing.get(hash), Some(None)));
        }
        self.blobs_named.extend(&writes.blobs_named);
        self.fetch_policy = writes.fetch_policy.unwrap_or(self.fetch_policy);
        self.put_conflicts(writes);
        self.seals.extend(writes.seals.iter().cloned());
        self.comments.extend(writes.comments.iter().cloned());
        for (position, seals) in &writes.timestamps {
            self.timestamps.extend(seals.iter().map(|seal| (*seal, *position)));
        }
        for row in &writes.forks {
            let Some(at) = row.fork.at() else { continue };
            self.forks.entry(at).or_insert_with(|| row.clone());
        }
        self.acknowledged.extend(&writes.acknowledged);
    }

    /// All entries, alive or not, by id.
    pub fn entries(&self) -> impl Iterator<Item = (&EntryId, &EntryRow)> {
        self.entries.iter()
    }

    /// All records, by position.
    pub fn records(&self) -> impl Iterator<Item = &RecordWrite> {
        self.records.values().map(AsRef::as_ref)
    }

    /// Everything that is on disk, by entry.
    pub fn bases(&self) -> impl Iterator<Item = (&EntryId, &BaseRow)> {
        self.bases.iter()
    }

    /// Whether anything that counts ever named this blob here.
    pub fn names_blob(&self, hash: &ContentHash) -> bool {
        self.blobs_named.contains(hash)
    }

    /// Proofs of forked journals.
    pub fn forks(&self) -> impl Iterator<Item = &ForkRow> {
        self.forks.values()
    }

    fn put_entry(&mut self, id: EntryId, row: &EntryRow) {
        if let Some(old) = self.entries.insert(id, row.clone()) {
            self.children.remove(&(old.place_parent, id));
            self.namesakes.remove(&(old.place_parent, old.name, id));
            if old.alive {
                self.places.remove(&(old.place_parent, old.place_name, id));
                self.alive -= 1;
            }
        }
        self.children.insert((row.place_parent, id));
        self.namesakes.insert((row.place_parent, row.name.clone(), id));
        if row.alive {
            self.places.insert((row.place_parent, row.place_name.clone(), id));
            self.alive += 1;
        }
    }

    fn put_base(&mut self, id: EntryId, row: Option<&BaseRow>) {
        if let Some(old) = self.bases.remove(&id) {
            self.base_places.remove(&(old.parent, old.name, id));
        }
        if let Some(row) = row {
            self.base_places.insert((row.parent, row.name.clone(), id));
            self.bases.insert(id, row.clone());
        }
    }

    fn take_back(&mut self, writes: &WriteSet) {
        for position in &writes.taken_back {
            if let Some(write) = self.records.remove(position) {
                self.positions.remove(&(write.tip.device, write.tip.volume, write.tip.seq));
            }
            self.items.remove(position);
            self.history.retain(|(_, at, _), _| at != position);
            self.statements.remove(position);
            self.quarantined.remove(position);
            self.seals.remove(position);
            self.comments.remove(position);
            self.timestamps.retain(|(_, at)| at != position);
        }
        for (journal, end) in &writes.ends {
            match end {
                Some(tip) => self.tips.insert(*journal, *tip),
                None => self.tips.remove(journal),
            };
        }
    }

    fn put_record(&mut self, write: &RecordWrite) {
        let RecordWrite { position, tip, record, items, .. } = write;
        self.positions.insert((tip.device, tip.volume, tip.seq), *position);
        let last = self.tips.entry((tip.device, tip.volume)).or_insert(*tip);
        if tip.seq >= last.seq {
            *last = *tip;
        }
        for (item, entry, change) in items {
            self.history.insert((*entry, *position, *item), *change);
        }
        if let Some(header) = record.header()
            && let Some(Payload::Edit(items)) = Payload::decode(header.kind, &record.payload)
        {
            self.items.insert(*position, items.into());
        }
        self.records.insert(*position, Arc::new(write.clone()));
    }

    fn put_items(&mut self, position: u64, items: &[(u32, EntryId, Option<ChangeHash>)]) {
        self.history.retain(|(_, at, _), _| *at != position);
        for (item, entry, change) in items {
            self.history.insert((*entry, position, *item), *change);
        }
    }

    fn put_conflicts(&mut self, writes: &WriteSet) {
        for row in &writes.conflicts {
            self.last_conflict += 1;
            self.conflicts_by_entry.insert((row.entry, self.last_conflict));
            self.conflicts.insert(self.last_conflict, row.clone());
        }
        for number in &writes.settled {
            if let Some(row) = self.conflicts.remove(number) {
                self.conflicts_by_entry.remove(&(row.entry, *number));
            }
        }
    }
}

const FIRST: EntryId = EntryId([0; 32]);
const LAST: EntryId = EntryId([0xff; 32]);

fn named<'a>(set: &'a ByName, parent: &EntryId, name: &str) -> impl Iterator<Item = EntryId> + 'a {
    set.range((*parent, name.to_owned(), FIRST)..=(*parent, name.to_owned(), LAST)).map(|row| row.2)
}

impl Source for MemoryStore {
    fn meta(&self) -> Result<Option<Meta>, StoreError> {
        Ok(self.meta.clone())
    }

    fn entry(&self, id: &EntryId) -> Result<Option<EntryRow>, StoreError> {
        Ok(self.entries.get(id).cloned())
    }

    fn children(&self, parent: &EntryId) -> Result<Vec<EntryId>, StoreError> {
        Ok(self.children.range((*parent, FIRST)..=(*parent, LAST)).map(|row| row.1).collect())
    }

    fn namesakes(&self, place_parent: &EntryId, name: &str) -> Result<Vec<EntryId>, StoreError> {
        Ok(named(&self.namesakes, place_parent, name).collect())
    }

    fn at(&self, place_parent: &EntryId, place_name: &str) -> Result<Option<EntryId>, StoreError> {
        Ok(named(&self.places, place_parent, place_name).next())
    }

    fn alive_count(&self) -> Result<u64, StoreError> {
        Ok(self.alive)
    }

    fn document(&self, id: &EntryId) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.documents.get(id).cloned().unwrap_or_default())
    }

    fn birth(&self, at: BirthAt) -> Result<Option<Vec<u8>>, StoreError> {
        let item = self.items.get(&at.position).and_then(|items| items.get(at.item as usize));
        Ok(match item {
            Some(Item::Birth(bytes)) => Some(bytes.clone()),
            Some(Item::Change { .. }) | None => None,
        })
    }

    fn base(&self, id: &EntryId) -> Result<Option<BaseRow>, StoreError> {
        Ok(self.bases.get(id).cloned())
    }

    fn base_at(&self, parent: &EntryId, name: &str) -> Result<Option<EntryId>, StoreError> {
        Ok(named(&self.base_places, parent, name).next())
    }

    fn bases_in(&self, parent: &EntryId) -> Result<Vec<EntryId>, StoreError> {
        let from = (*parent, String::new(), FIRST);
        let mut found: Vec<EntryId> =
            self.base_places.range(from..).take_while(|row| row.0 == *parent).map(|row| row.2).collect();
        found.sort_unstable();
        Ok(found)
    }

    fn pending(&self, after: Option<EntryId>, limit: usize) -> Result<Vec<EntryId>, StoreError> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        Ok(self.pending.range((from, Unbounded)).take(limit).copied().collect())
    }

    fn tips(&self) -> Result<Vec<Tip>, StoreError> {
        Ok(self.tips.values().copied().collect())
    }

    fn record(&self, position: u64) -> Result<Option<Record>, StoreError> {
        Ok(self.records.get(&position).map(|write| write.record.clone()))
    }

    fn position_of(&self, device: DeviceId, volume: Volume, seq: u64) -> Result<Option<u64>, StoreError> {
        Ok(self.positions.get(&(device, volume, seq)).copied())
    }

    fn history(&self, id: &EntryId) -> Result<Vec<HistoryRow>, StoreError> {
        let rows = self.history.range((*id, 0, 0)..=(*id, u64::MAX, u32::MAX));
        Ok(rows
            .filter_map(|((_, position, item), change)| {
                let write = self.records.get(position)?;
                Some(HistoryRow {
                    change: *change,
                    position: *position,
                    item: *item,
                    device: write.tip.device,
                    time: write.time,
                })
            })
            .collect())
    }

    fn members(&self) -> Result<BTreeMap<DeviceId, MemberRow>, StoreError> {
        Ok(self.members.clone())
    }

    fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        Ok(self.statements.values().cloned().collect())
    }

    fn knows(&self) -> Result<BTreeMap<(DeviceId, Volume), Knows>, StoreError> {
        Ok(self.knows.clone())
    }

    fn quarantined(&self) -> Result<BTreeMap<u64, Quarantined>, StoreError> {
        Ok(self.quarantined.clone())
    }

    fn comments(&self, entry: &EntryId) -> Result<Vec<(u64, CommentRow)>, StoreError> {
        let of_entry = self.comments.iter().filter(|(_, row)| row.comment.entry() == *entry);
        Ok(of_entry.map(|(position, row)| (*position, row.clone())).collect())
    }

    fn seals(&self, entry: &EntryId) -> Result<Vec<(u64, SealRow)>, StoreError> {
        let of_entry = self.seals.iter().filter(|(_, row)| row.seal.entry() == *entry);
        Ok(of_entry.map(|(position, row)| (*position, row.clone())).collect())
    }

    fn timestamps(&self, seal: &RecordHash) -> Result<Vec<u64>, StoreError> {
        let of_seal = self.timestamps.range((*seal, 0)..=(*seal, u64::MAX));
        Ok(of_seal.map(|(_, position)| *position).collect())
    }

    fn forked(&self) -> Result<BTreeMap<(DeviceId, Volume), u64>, StoreError> {
        Ok(self.forks.iter().map(|(at, row)| ((at.device, at.volume), row.after)).collect())
    }

    fn fork(&self, device: &DeviceId, volume: Volume) -> Result<Option<Fork>, StoreError> {
        let mut all = self.forks.iter();
        let found = all.find(|(at, _)| (at.device, at.volume) == (*device, volume));
        Ok(found.map(|(_, row)| row.fork.clone()))
    }

    fn acknowledged(&self) -> Result<BTreeMap<Volume, u64>, StoreError> {
        Ok(self.acknowledged.clone())
    }

    fn headers(&self, after: u64, limit: usize) -> Result<Vec<(u64, Tip, Vec<u8>)>, StoreError> {
        let rows = self.records.range(after + 1..).take(limit);
        Ok(rows.map(|(position, write)| (*position, write.tip, write.record.header.clone())).collect())
    }

    fn receipts(&self) -> Result<Vec<Receipt>, StoreError> {
        Ok(self.receipts.values().cloned().collect())
    }

    fn blobs_missing(&self) -> Result<BTreeMap<ContentHash, MissingBlob>, StoreError> {
        Ok(self.blobs_missing.clone())
    }

    fn blob_missing(&self, hash: &ContentHash) -> Result<Option<MissingBlob>, StoreError> {
        Ok(self.blobs_missing.get(hash).copied())
    }

    fn blob_needed_by(&self, hash: &ContentHash) -> Result<Vec<EntryId>, StoreError> {
        let from = (*hash, EntryId([0; 32]));
        let to = (*hash, EntryId([0xff; 32]));
        Ok(self.blob_needs.range(from..=to).map(|(_, id)| *id).collect())
    }

    fn fetch_policy(&self) -> Result<FetchPolicy, StoreError> {
        Ok(self.fetch_policy)
    }

    fn conflicts(&self, entry: Option<&EntryId>) -> Result<Vec<(u64, ConflictRow)>, StoreError> {
        let row = |number: &u64| Some((*number, self.conflicts.get(number)?.clone()));
        Ok(match entry {
            None => self.conflicts.iter().map(|(number, row)| (*number, row.clone())).collect(),
            Some(id) => self
                .conflicts_by_entry
                .range((*id, 0)..=(*id, u64::MAX))
                .filter_map(|(_, number)| row(number))
                .collect(),
        })
    }
}
