//! One simulated machine: key, store, disk, blobs, and a core while it runs.

use std::collections::{BTreeMap, BTreeSet};

use codex_crdt_model::Core;
use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::DiskOp;
use codex_crdt_model::entry::Document;
use codex_crdt_model::entry::birth::{Birth, Content, Kind};
use codex_crdt_model::event::Version;
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId, UnixMs};
use codex_crdt_model::journal::Role;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::memory::MemoryStore;
use codex_crdt_model::store::{BaseRow, ConflictKind, Source, WriteSet};
use ed25519_dalek::SigningKey;

use crate::disk::{Blobs, MemoryDisk};

/// What the disk worker has been asked to do. One queue, as in the real worker.
#[derive(Debug, Clone)]
pub enum Job {
    /// Change files.
    Ops(Vec<DiskOp>),
    /// Look at everything, as every hour.
    Scan,
    /// Look at everything: the core asked, with this number.
    ScanAsked(u64),
    /// Look at these paths: hints of the watcher.
    Look(Vec<EntryPath>),
    /// What was missing a moment ago and still is, is gone; what may be the same files is told with it.
    LookForMissing,
    /// Tell what an earlier run set aside.
    Leftovers,
}

/// What is told together with what is missing, or is missing itself.
#[derive(Debug, Clone, Copy)]
pub struct Missing {
    /// When it is looked for again.
    pub due: i64,
    /// It has waited for what was heard of before.
    pub has_waited: bool,
}

/// How a machine stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The program dies: what it did stays done.
    Kill,
    /// Also loses disk operations that have not been synced.
    Power,
}

/// One machine.
#[derive(Debug)]
pub struct Machine {
    /// Its key.
    pub key: SigningKey,
    /// Its id.
    pub device: DeviceId,
    /// What is durable.
    pub store: MemoryStore,
    /// Its files.
    pub disk: MemoryDisk,
    /// Its attachments.
    pub blobs: Blobs,
    /// The program, while it runs.
    pub core: Option<Core>,
    /// How often it has been started; what an earlier run asked for no longer counts.
    pub epoch: u64,
    /// How wrong its clock is.
    pub skew: i64,
    /// Blobs asked for.
    pub wanted: BTreeSet<ContentHash>,
    /// Crash after this many more boundaries between effects.
    pub crash_in: Option<(u32, Crash)>,
    /// The next disk job starts no earlier.
    pub disk_free_at: i64,
    /// Entries that the inbox here has shown as the other version of something.
    pub second_versions: BTreeSet<EntryId>,
    /// Entries of which somebody here was told that they are in conflict.
    pub told_of_conflict: BTreeSet<EntryId>,
    /// Paths whose last change nobody heard of, for the watcher did not tell or the program was not there: only a scan
    /// finds it.
    pub untold: BTreeSet<EntryPath>,
    /// What is missing for now, and new files that may be it.
    pub missing: BTreeMap<EntryPath, Missing>,
    /// The next result arrives no earlier: results come in order.
    pub disk_told_at: i64,
    /// Number of the last scan that the disk worker was asked for.
    pub scan: u64,
    /// The next start must begin a new journal.
    pub fresh_volume: bool,
    /// Requests sent to the core so far.
    pub asked: u64,
    /// The tick that is scheduled.
    pub tick_at: Option<i64>,
    /// Standing notices, for scenarios.
    pub standings: Vec<String>,
    /// It was put back once from a backup, and nobody said so.
    pub unknowing: bool,
    /// Devices whose journals it saw forked.
    pub forks: BTreeSet<DeviceId>,
}

/// What a browser tab has loaded.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where.
    pub machine: usize,
    /// Which entry.
    pub entry: EntryId,
    /// Its version then.
    pub version: Version,
    /// Its text then.
    pub text: String,
}

impl Machine {
    /// A machine whose store was just made.
    pub fn new(key_seed: [u8; 32], origin: Origin, seed: [u8; 32], now: UnixMs) -> Self {
        let key = SigningKey::from_bytes(&key_seed);
        let mut store = MemoryStore::new();
        store.apply(&Core::create(&key, origin, seed, now));
        Self {
            device: DeviceId(key.verifying_key().to_bytes()),
            key,
            store,
            disk: MemoryDisk::default(),
            blobs: Blobs::new(),
            core: None,
            epoch: 0,
            skew: 0,
            wanted: BTreeSet::new(),
            crash_in: None,
            disk_free_at: 0,
            disk_told_at: 0,
            second_versions: BTreeSet::new(),
            told_of_conflict: BTreeSet::new(),
            untold: BTreeSet::new(),
            missing: BTreeMap::new(),
            scan: 0,
            fresh_volume: false,
            asked: 0,
            tick_at: None,
            standings: Vec::new(),
            unknowing: false,
            forks: BTreeSet::new(),
        }
    }

    /// Takes over what a step wrote.
    pub fn apply(&mut self, writes: &WriteSet) {
        self.store.apply(writes);
        let second = writes.conflicts.iter().filter_map(|row| match row.kind {
            ConflictKind::Attachment { copy }
            | ConflictKind::TextBecameBlob { copy }
            | ConflictKind::Joined { copy } => Some(copy),
            ConflictKind::Name { .. } => Some(row.entry),
            ConflictKind::Property { .. } | ConflictKind::Frontmatter | ConflictKind::AfterCrash => None,
        });
        self.second_versions.extend(second);
    }

    /// Live entries of some kind, by id.
    pub fn live(&self, kind: Kind) -> Vec<EntryId> {
        self.store.entries().filter(|(_, row)| row.alive && row.kind == kind).map(|(id, _)| *id).collect()
    }

    /// Whether what is written here is shared, as far as the machine knows.
    pub fn may_write(&self) -> bool {
        let rows = self.store.members().unwrap_or_default();
        rows.get(&self.device).is_some_and(|row| row.role.is_at_least(Role::Editor))
    }

    /// What is believed to lie on disk of an entry.
    pub fn base_of(&self, id: &EntryId) -> Option<BaseRow> {
        self.store.base(id).ok().flatten()
    }

    /// The version and text of an entry as the desk would load it.
    pub fn load(&self, id: &EntryId) -> Option<(Version, String)> {
        let row = self.store.entry(id).ok()??;
        let birth = Birth::decode(&self.store.birth(row.birth).ok()??)?;
        if row.heads.is_empty() {
            let Content::Text(text) = birth.content else { return None };
            return Some((Version(Vec::new()), text));
        }
        let document = Document::load(*id, &birth, &self.store.document(id).ok()?).ok()?;
        match document.view().content {
            Content::Text(text) => Some((Version(row.heads), text)),
            _ => None,
        }
    }

    /// The live entry at a path of the derived tree.
    pub fn entry_at(&self, path: &str) -> Option<EntryId> {
        let mut at = EntryId::ROOT;
        for name in path.split('/') {
            at = self.store.at(&at, name).ok()??;
        }
        Some(at)
    }

    /// Where the derived tree shows an entry.
    pub fn path_of(&self, id: &EntryId) -> Option<EntryPath> {
        let mut names = Vec::new();
        let mut at = *id;
        while at != EntryId::ROOT && names.len() < 64 {
            let row = self.store.entry(&at).ok()??;
            names.push(row.place_name);
            at = row.place_parent;
        }
        Some(names.iter().rev().fold(EntryPath::root(), |path, name| path.join(name)))
    }

    /// Hashes of all records, by journal place.
    pub fn records(&self) -> BTreeMap<(DeviceId, u64, u64), String> {
        let key = |tip: &codex_crdt_model::journal::Tip| (tip.device, tip.volume.0, tip.seq);
        self.store.records().map(|write| (key(&write.tip), write.tip.hash.to_string())).collect()
    }
}
