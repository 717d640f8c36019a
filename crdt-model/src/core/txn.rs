//! One step's view of the store: what is stored, overlaid with what the step has written so far.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;

use crate::effect::{Effect, Notice};
use crate::entry::{Birth, Document};
use crate::ids::{ContentHash, DeviceId, EntryId, RecordHash, UnixMs, Volume};
use crate::journal::record::{Header, RECORD_FORMAT};
use crate::journal::{Fork, Frontier, Item, Payload, Record, Tip};
use crate::limits;
use crate::membership::Knows;
use crate::path::EntryPath;
use crate::store::{
    BaseRow, BirthAt, ConflictKind, ConflictRow, DocumentWrite, EntryRow, FetchPolicy, HistoryRow, Meta,
    MissingBlob, RecordWrite, Source, StoreError, WriteSet,
};
use crate::view;

use super::people::People;

type Result<T> = std::result::Result<T, StoreError>;

/// A document in memory, and how it lies in the store.
#[derive(Debug)]
pub(super) struct Loaded {
    document: Document,
    /// Pieces in the store: the whole and the changes appended to it; 0 if it is not saved.
    pieces: u32,
}

/// Reads through to the source; gathers writes, effects and the items of the record being made.
pub(super) struct Txn<'a> {
    pub source: &'a dyn Source,
    pub now: UnixMs,
    pub meta: Meta,
    pub frontier: Frontier,
    pub fetch_policy: FetchPolicy,
    /// Blobs that this step knows to be held.
    pub blobs_held: BTreeSet<ContentHash>,
    pub writes: WriteSet,
    pub effects: Vec<Effect>,
    /// Who belongs, and what does not count.
    pub people: People,
    /// How far others have this device's journals.
    pub acknowledged: BTreeMap<Volume, u64>,
    /// What this device may do has changed.
    pub role_changed: bool,
    /// Files have to be looked at before anything is written.
    pub look_again: bool,
    /// Entries to be made anew of all that counts: something came of which other changes, taken in before, are in need.
    pub fold_again: BTreeSet<EntryId>,
    /// The volume that begins if this device's journal cannot be continued.
    pub spare_volume: Volume,
    /// Entries that the planner should look at.
    pub todo: BTreeSet<EntryId>,
    /// Entries that came to disk, left it, or changed their place there: whoever waits for that can go on.
    pub moved: BTreeSet<EntryId>,
    /// Documents in use; a few are kept from step to step.
    pub documents: BTreeMap<EntryId, Loaded>,
    /// Births entered in this step.
    pub births: BTreeMap<EntryId, Birth>,
    items: Vec<(Item, EntryId, Option<crate::ids::ChangeHash>)>,
    items_bytes: usize,
    by_parent: BTreeMap<EntryId, BTreeSet<EntryId>>,
    by_name: BTreeMap<(EntryId, String), BTreeSet<EntryId>>,
    by_place: BTreeMap<(EntryId, String), BTreeSet<EntryId>>,
    bases_by_place: BTreeMap<(EntryId, String), EntryId>,
    bases_by_parent: BTreeMap<EntryId, BTreeSet<EntryId>>,
    alive_change: i64,
    key: &'a SigningKey,
}

impl<'a> Txn<'a> {
    pub fn new(
        source: &'a dyn Source,
        key: &'a SigningKey,
        now: UnixMs,
        meta: Meta,
        frontier: Frontier,
    ) -> Self {
        Self {
            source,
            now,
            meta,
            frontier,
            fetch_policy: FetchPolicy::default(),
            blobs_held: BTreeSet::new(),
            writes: WriteSet::default(),
            effects: Vec::new(),
            people: People::default(),
            acknowledged: BTreeMap::new(),
            role_changed: false,
            look_again: false,
            fold_again: BTreeSet::new(),
            spare_volume: Volume(0),
            todo: BTreeSet::new(),
            moved: BTreeSet::new(),
            documents: BTreeMap::new(),
            births: BTreeMap::new(),
            items: Vec::new(),
            items_bytes: 0,
            by_parent: BTreeMap::new(),
            by_name: BTreeMap::new(),
            by_place: BTreeMap::new(),
            bases_by_place: BTreeMap::new(),
            bases_by_parent: BTreeMap::new(),
            alive_change: 0,
            key,
        }
    }

    // ---- entries

    /// An entry, if anything that made it counts.
    pub fn entry(&self, id: &EntryId) -> Result<Option<EntryRow>> {
        Ok(self.row(id)?.filter(|row| !row.is_void()))
    }

    /// An entry, also if nothing that made it counts.
    pub fn row(&self, id: &EntryId) -> Result<Option<EntryRow>> {
        match self.writes.entries.get(id) {
            Some(row) => Ok(Some(row.clone())),
            None => self.source.entry(id),
        }
    }

    pub fn set_entry(&mut self, id: EntryId, mut row: EntryRow) -> Result<()> {
        let old = self.row(&id)?;
        if let Some(old) = &old {
            forget(&mut self.by_parent, &old.place_parent, &id);
            forget(&mut self.by_name, &(old.place_parent, old.name.clone()), &id);
            forget(&mut self.by_place, &(old.place_parent, old.place_name.clone()), &id);
        }
        self.alive_change += i64::from(row.alive) - i64::from(old.as_ref().is_some_and(|o| o.alive));
        self.meta.revision += 1;
        row.revision = self.meta.revision;
        self.by_parent.entry(row.place_parent).or_default().insert(id);
        self.by_name.entry((row.place_parent, row.name.clone())).or_default().insert(id);
        if row.alive {
            self.by_place.entry((row.place_parent, row.place_name.clone())).or_default().insert(id);
        }
        self.writes.entries.insert(id, row);
        Ok(())
    }

    pub fn children(&self, parent: &EntryId) -> Result<BTreeSet<EntryId>> {
        let stored = self.source.children(parent)?;
        Ok(self.overlaid(stored, self.by_parent.get(parent)))
    }

    pub fn namesakes(&self, parent: &EntryId, name: &str) -> Result<BTreeSet<EntryId>> {
        let stored = self.source.namesakes(parent, name)?;
        Ok(self.overlaid(stored, self.by_name.get(&(*parent, name.to_owned()))))
    }

    /// The live entry at a place of the derived tree.
    pub fn at(&self, parent: &EntryId, name: &str) -> Result<Option<EntryId>> {
        if let Some(ids) = self.by_place.get(&(*parent, name.to_owned()))
            && let Some(id) = ids.iter().next()
        {
            return Ok(Some(*id));
        }
        let stored = self.source.at(parent, name)?;
        Ok(stored.filter(|id| !self.writes.entries.contains_key(id)))
    }

    pub fn alive_count(&self) -> Result<u64> {
        Ok(self.source.alive_count()?.saturating_add_signed(self.alive_change))
    }

    fn overlaid(&self, stored: Vec<EntryId>, written: Option<&BTreeSet<EntryId>>) -> BTreeSet<EntryId> {
        let mut ids: BTreeSet<EntryId> =
            stored.into_iter().filter(|id| !self.writes.entries.contains_key(id)).collect();
        ids.extend(written.into_iter().flatten());
        ids
    }

    // ---- bases

    pub fn base(&self, id: &EntryId) -> Result<Option<BaseRow>> {
        match self.writes.bases.get(id) {
            Some(row) => Ok(row.clone()),
            None => self.source.base(id),
        }
    }

    pub fn set_base(&mut self, id: EntryId, row: Option<BaseRow>) -> Result<()> {
        let old = self.base(&id)?;
        let place = |row: &Option<BaseRow>| row.as_ref().map(|row| (row.parent, row.name.clone()));
        if place(&old) != place(&row) {
            self.moved.insert(id);
        }
        if let Some(old) = old {
            let place = (old.parent, old.name);
            if self.bases_by_place.get(&place) == Some(&id) {
                self.bases_by_place.remove(&place);
            }
            forget(&mut self.bases_by_parent, &old.parent, &id);
        }
        if let Some(row) = &row {
            self.bases_by_place.insert((row.parent, row.name.clone()), id);
            self.bases_by_parent.entry(row.parent).or_default().insert(id);
        }
        self.writes.bases.insert(id, row);
        Ok(())
    }

    pub fn base_at(&self, parent: &EntryId, name: &str) -> Result<Option<EntryId>> {
        if let Some(id) = self.bases_by_place.get(&(*parent, name.to_owned())) {
            return Ok(Some(*id));
        }
        let stored = self.source.base_at(parent, name)?;
        Ok(stored.filter(|id| !self.writes.bases.contains_key(id)))
    }

    pub fn bases_in(&self, parent: &EntryId) -> Result<BTreeSet<EntryId>> {
        let mut ids: BTreeSet<EntryId> = self
            .source
            .bases_in(parent)?
            .into_iter()
            .filter(|id| !self.writes.bases.contains_key(id))
            .collect();
        ids.extend(self.bases_by_parent.get(parent).into_iter().flatten());
        Ok(ids)
    }

    // ---- paths

    /// Where the derived tree shows an entry.
    pub fn path(&self, id: &EntryId) -> Result<EntryPath> {
        let mut names = Vec::new();
        let mut at = *id;
        while at != EntryId::ROOT && names.len() < limits::DEPTH {
            let Some(row) = self.entry(&at)? else { break };
            names.push(row.place_name);
            at = row.place_parent;
        }
        Ok(joined(names))
    }

    /// Where an entry lies on disk; `None` if it, or a folder above it, does not.
    pub fn disk_path(&self, id: &EntryId) -> Result<Option<EntryPath>> {
        let mut names = Vec::new();
        let mut at = *id;
        while at != EntryId::ROOT {
            let Some(base) = self.base(&at)? else { return Ok(None) };
            names.push(base.name);
            at = base.parent;
            if names.len() > limits::DEPTH {
                return Ok(None);
            }
        }
        Ok(Some(joined(names)))
    }

    /// Like [`Txn::disk_path`], for the folder of an entry: the notebook's own is always there.
    pub fn disk_path_of_folder(&self, folder: &EntryId) -> Result<Option<EntryPath>> {
        if *folder == EntryId::ROOT { Ok(Some(EntryPath::root())) } else { self.disk_path(folder) }
    }

    // ---- pending

    /// The planner should look at this entry.
    pub fn mark(&mut self, id: EntryId) {
        self.writes.pending.insert(id, true);
        self.todo.insert(id);
    }

    pub fn notify(&mut self, notice: Notice) {
        self.effects.push(Effect::Notify(notice));
    }

    pub fn conflict(&mut self, entry: EntryId, kind: ConflictKind) -> Result<()> {
        let known = self.source.conflicts(Some(&entry))?.iter().any(|(_, row)| row.kind == kind)
            || self.writes.conflicts.iter().any(|row| row.entry == entry && row.kind == kind);
        if !known {
            self.writes.conflicts.push(ConflictRow { entry, kind, noticed: self.now });
            self.notify(Notice::Conflict(entry));
        }
        Ok(())
    }

    /// Settles what the inbox says of an entry's name: no other entry has it any more, or the entry is gone.
    pub fn name_is_its_own(&mut self, entry: EntryId) -> Result<()> {
        let is_name = |row: &ConflictRow| matches!(row.kind, ConflictKind::Name { .. });
        self.writes.conflicts.retain(|row| row.entry != entry || !is_name(row));
        for (number, row) in self.source.conflicts(Some(&entry))? {
            if is_name(&row) && !self.writes.settled.contains(&number) {
                self.writes.settled.push(number);
            }
        }
        Ok(())
    }

    // ---- blobs

    /// What is known of a blob that is not held here.
    pub fn blob_missing(&self, hash: &ContentHash) -> Result<Option<MissingBlob>> {
        match self.writes.blobs_missing.get(hash) {
            Some(missing) => Ok(*missing),
            None => self.source.blob_missing(hash),
        }
    }

    /// Whether any live entry needs a missing blob.
    pub fn is_blob_needed(&self, hash: &ContentHash) -> Result<bool> {
        let written = (*hash, EntryId([0; 32]))..=(*hash, EntryId([0xff; 32]));
        let mut ids: BTreeSet<EntryId> = self.source.blob_needed_by(hash)?.into_iter().collect();
        for ((_, id), needed) in self.writes.blob_needs.range(written) {
            if *needed {
                ids.insert(*id)
            } else {
                ids.remove(id)
            };
        }
        Ok(!ids.is_empty())
    }

    /// All blobs that are not held here.
    pub fn blobs_missing(&self) -> Result<BTreeMap<ContentHash, MissingBlob>> {
        let mut all = self.source.blobs_missing()?;
        for (hash, missing) in &self.writes.blobs_missing {
            match missing {
                Some(missing) => all.insert(*hash, *missing),
                None => all.remove(hash),
            };
        }
        Ok(all)
    }

    // ---- documents

    /// What an entry was before any change.
    pub fn birth(&self, id: &EntryId, row: &EntryRow) -> Result<Birth> {
        if let Some(birth) = self.births.get(id) {
            return Ok(birth.clone());
        }
        view::birth(self.source, id, row.birth)
    }

    /// Loads a document into `self.documents`.
    pub fn document(&mut self, id: &EntryId, row: &EntryRow) -> Result<&mut Document> {
        if !self.documents.contains_key(id) {
            let birth = self.birth(id, row)?;
            let saved = if row.heads.is_empty() { Vec::new() } else { self.source.document(id)? };
            let document = Document::load(*id, &birth, &saved)
                .map_err(|e| StoreError { doing: "loading a document", reason: e.to_string() })?;
            let pieces = u32::try_from(saved.len()).unwrap_or(u32::MAX);
            self.documents.insert(*id, Loaded { document, pieces });
        }
        Ok(&mut self.documents.get_mut(id).expect("it was inserted just now").document)
    }

    /// The content of an entry that was only born.
    pub fn birth_content(&self, id: &EntryId, row: &EntryRow) -> Result<crate::entry::Content> {
        Ok(self.birth(id, row)?.content)
    }

    /// Notes a change to a loaded document for the store: the first one, and one now and then, saves the whole.
    pub fn save_change(&mut self, id: &EntryId, change: &[u8]) {
        let loaded = self.documents.get_mut(id).expect("a document that changed is loaded");
        let write = if loaded.pieces == 0 || loaded.pieces > limits::DOCUMENT_CHUNKS {
            loaded.pieces = 1;
            DocumentWrite::Replace(loaded.document.save())
        } else {
            loaded.pieces += 1;
            DocumentWrite::Append(change.to_vec())
        };
        self.writes.documents.push((*id, write));
    }

    // ---- records

    /// Adds an item to the record that this step makes.
    pub fn push_item(
        &mut self,
        item: Item,
        entry: EntryId,
        change: Option<crate::ids::ChangeHash>,
    ) -> BirthAt {
        let size = match &item {
            Item::Birth(bytes) => bytes.len(),
            Item::Change { change, .. } => change.len() + 40,
        };
        if self.items.len() >= limits::RECORD_ITEMS
            || (self.items_bytes + size > limits::RECORD_SOFT_BYTES && !self.items.is_empty())
        {
            self.close();
        }
        self.items_bytes += size;
        self.items.push((item, entry, change));
        let item = u32::try_from(self.items.len() - 1).expect("bounded by RECORD_ITEMS");
        BirthAt { position: self.meta.position + 1, item }
    }

    /// Closes the record that is being gathered, and signs it.
    pub fn close(&mut self) {
        if self.items.is_empty() {
            return;
        }
        self.items_bytes = 0;
        let mut index = Vec::new();
        let mut items = Vec::new();
        for (n, (item, entry, change)) in std::mem::take(&mut self.items).into_iter().enumerate() {
            index.push((u32::try_from(n).expect("bounded by RECORD_ITEMS"), entry, change));
            items.push(item);
        }
        self.sign(&Payload::Edit(items), index);
    }

    /// This device's journal here is not continued: another one begins.
    pub fn begin_volume(&mut self) {
        self.close();
        self.meta.volume = self.spare_volume;
        self.meta.seen = Vec::new();
    }

    /// Signs one record at the end of this device's journal.
    pub fn sign(
        &mut self,
        payload: &Payload,
        items: Vec<(u32, EntryId, Option<crate::ids::ChangeHash>)>,
    ) -> (Tip, Knows) {
        let (device, volume) = (self.meta.device, self.meta.volume);
        let (seq, previous) =
            self.frontier.tip(device, volume).map_or((1, RecordHash([0; 32])), |(seq, hash)| (seq + 1, hash));
        let own = |tip: &Tip| tip.device == device && tip.volume == volume;
        let old = Frontier::from_tips(self.meta.seen.iter().copied());
        let seen: Vec<Tip> = self
            .frontier
            .tips()
            .filter(|tip| !own(tip) && (seq == 1 || tip.seq > old.seq(tip.device, tip.volume)))
            .collect();
        let header = Header {
            format: RECORD_FORMAT,
            notebook: self.meta.notebook,
            device,
            volume,
            seq,
            previous,
            seen: seen.clone(),
            membership: Vec::new(),
            time: self.now,
            kind: 0,
            payload_hash: crate::ids::ContentHash([0; 32]),
            payload_size: 0,
        };
        let record = Record::sign(self.key, header, payload);
        let tip = Tip { device, volume, seq, hash: record.hash() };
        self.meta.seen = self.frontier.tips().filter(|t| !own(t)).collect();
        (tip, self.add_record(tip, &seen, self.now, record, items))
    }

    /// Adds a record at the end of a journal. Gives what its author knew of journals with membership records.
    pub fn add_record(
        &mut self,
        tip: Tip,
        seen: &[Tip],
        time: UnixMs,
        record: Record,
        items: Vec<(u32, EntryId, Option<crate::ids::ChangeHash>)>,
    ) -> Knows {
        self.meta.position += 1;
        self.frontier.advance(tip);
        if tip.seq == 1 {
            self.people.journals.begun(tip.device);
            if self.people.has_enough_of(&tip.device) {
                let device = tip.device;
                let text = match device == self.meta.device {
                    true => "this device has begun as many journals as others take in of one person: what it begins from now on is taken by nobody; join anew, with a new home".to_owned(),
                    false => format!(
                        "device {device} and those of the same person have begun as many journals as are taken in of one: what they begin from now on is left out; ask whose they are, or revoke them"
                    ),
                };
                self.notify(Notice::Standing(text));
            }
        }
        self.writes.records.push(RecordWrite { position: self.meta.position, tip, time, record, items });
        let knows = self.people.see(&tip, seen);
        if !seen.is_empty() {
            self.writes.knows.insert((tip.device, tip.volume), knows.clone());
        }
        knows
    }

    /// Every item that made an entry and counts, in the order of positions.
    pub fn history(&self, id: &EntryId) -> Result<Vec<HistoryRow>> {
        let mut rows = self.source.history(id)?;
        let taken_back = &self.writes.taken_back;
        rows.retain(|row| {
            !self.writes.items.contains_key(&row.position) && !taken_back.contains(&row.position)
        });
        let written = self.writes.records.iter().map(|write| (write.position, &write.items));
        let written = written.filter(|(position, _)| !self.writes.items.contains_key(position));
        let all = written.chain(self.writes.items.iter().map(|(position, items)| (*position, items)));
        for (position, items) in all {
            for (item, _, change) in items.iter().filter(|(_, entry, _)| entry == id) {
                // Who and when is in the record.
                let device = self.meta.device;
                rows.push(HistoryRow { change: *change, position, item: *item, device, time: 0 });
            }
        }
        rows.sort_by_key(|row| (row.position, row.item));
        Ok(rows)
    }

    /// A document that was made anew takes the place of the one that there was.
    pub fn replace_document(&mut self, id: EntryId, document: Document) {
        let saved = document.save();
        self.documents.insert(id, Loaded { document, pieces: 1 });
        self.writes.documents.push((id, DocumentWrite::Replace(saved)));
    }

    /// Says which items of a record written in this step took effect.
    pub fn index_record(
        &mut self,
        position: u64,
        items: Vec<(u32, EntryId, Option<crate::ids::ChangeHash>)>,
    ) {
        if let Some(write) = self.writes.records.iter_mut().find(|write| write.position == position) {
            write.items = items;
        }
    }

    /// The record at a position, stored or written in this step.
    pub fn record(&self, position: u64) -> Result<Option<Record>> {
        match self.writes.records.iter().find(|r| r.position == position) {
            Some(write) => Ok(Some(write.record.clone())),
            None if self.writes.taken_back.contains(&position) => Ok(None),
            None => self.source.record(position),
        }
    }

    pub fn fork(&self, device: &DeviceId, volume: Volume) -> Result<Option<Fork>> {
        let written = self
            .writes
            .forks
            .iter()
            .find(|row| row.fork.at().is_some_and(|at| (at.device, at.volume) == (*device, volume)));
        match written {
            Some(row) => Ok(Some(row.fork.clone())),
            None => self.source.fork(device, volume),
        }
    }

    pub fn position_of(&self, device: DeviceId, volume: Volume, seq: u64) -> Result<Option<u64>> {
        let written = self
            .writes
            .records
            .iter()
            .find(|r| r.tip.device == device && r.tip.volume == volume && r.tip.seq == seq);
        match written {
            Some(write) => Ok(Some(write.position)),
            None => {
                let stored = self.source.position_of(device, volume, seq)?;
                Ok(stored.filter(|position| !self.writes.taken_back.contains(position)))
            }
        }
    }
}

fn joined(names: Vec<String>) -> EntryPath {
    names.into_iter().rev().fold(EntryPath::root(), |path, name| path.join(&name))
}

fn forget<K: Ord>(index: &mut BTreeMap<K, BTreeSet<EntryId>>, key: &K, id: &EntryId) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
