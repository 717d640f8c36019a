//! What the core asks the store for, and what it wants written. Plain rows; no database is known here.
//!
//! The core reads through [`Source`] and hands back one [`WriteSet`] per step. The driver applies it in one
//! transaction, synced to disk, before it carries out any effect of that step (law 3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::entry::birth::Kind;
use crate::ids::{ChangeHash, ContentHash, DeviceId, EntryId, Heads, NotebookId, RecordHash, UnixMs, Volume};
use crate::journal::record::Record;
use crate::journal::{Comment, Fork, Receipt, Role, Seal, Tip};
use crate::membership::{Knows, Statement, Why};

pub mod memory;

/// Reading or writing the store failed. The step that met it has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store failed while {doing}: {reason}")]
pub struct StoreError {
    /// What was being done.
    pub doing: &'static str,
    /// What the store said.
    pub reason: String,
}

/// Where an entry's birth lies: inside a stored record's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BirthAt {
    /// Position of the record in the store.
    pub position: u64,
    /// Number of the item in the record.
    pub item: u32,
}

/// One entry as the records make it: a cache of the fold, and its place in the derived tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    /// The document's kind.
    pub kind: Kind,
    /// The document's parent.
    pub parent: EntryId,
    /// The document's name.
    pub name: String,
    /// The (counter, actor) of the move that set `parent`; `None` for the birth's.
    pub moved_by: Option<(u64, [u8; 16])>,
    /// Whether all heads are deletions.
    pub deleted: bool,
    /// The document's heads; empty for "only born".
    pub heads: Heads,
    /// Hash of the content as it is written to disk.
    pub hash: ContentHash,
    /// Its size in bytes.
    pub size: u64,
    /// Where its birth lies.
    pub birth: BirthAt,
    /// The folder it was born in: where a cycle falls back to.
    pub birth_parent: EntryId,
    /// Whether it is in the tree: not deleted, or a folder with something alive in it.
    pub alive: bool,
    /// Children in the derived tree that are alive.
    pub live_children: u32,
    /// Its folder in the derived tree.
    pub place_parent: EntryId,
    /// Its name in the derived tree: `name`, or with a suffix if another entry has that name.
    pub place_name: String,
    /// Who made the last change, and when (claimed).
    pub author: DeviceId,
    /// Claimed time of the birth.
    pub created: UnixMs,
    /// Claimed time of the last change.
    pub modified: UnixMs,
    /// Local counter, set at every write of this row: the mirror pulls by it.
    pub revision: u64,
}

impl EntryRow {
    /// Whether nothing that made the entry counts any more: then it is as if it had never been. Nothing else is deleted
    /// without a change.
    pub fn is_void(&self) -> bool {
        self.deleted && self.heads.is_empty()
    }
}

/// What identifies a file on disk without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Inode number.
    pub inode: u64,
    /// Birth time, nanoseconds since 1970; 0 where the file system has none.
    pub born_ns: i64,
}

/// Bytes that are, or shall be, on disk, and the document version that they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Document heads whose rendering these bytes are; empty for the birth.
    pub heads: Heads,
    /// Their hash.
    pub hash: ContentHash,
    /// File, folder or link.
    pub kind: Kind,
}

/// What the store knows about one entry on disk. Keyed by entry; found by (folder, name).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseRow {
    /// The entry whose folder on disk holds it.
    pub parent: EntryId,
    /// Its name on disk.
    pub name: String,
    /// What is on disk for certain; `None` while the first write has not been confirmed.
    pub confirmed: Option<Image>,
    /// What a write under way will put there.
    pub intended: Option<Image>,
    /// The file as it was when last confirmed.
    pub stat: Stat,
    /// When this device last saw it change on disk.
    pub seen_at: UnixMs,
}

/// Something the user should see and may settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictRow {
    /// The entry it concerns.
    pub entry: EntryId,
    /// What happened.
    pub kind: ConflictKind,
    /// When it was noticed, by this device's clock.
    pub noticed: UnixMs,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ConflictKind {
    /// One property was set twice.
    Property {
        /// Which.
        key: String,
        /// Source text that shows.
        shown: String,
        /// The other source texts.
        others: Vec<String>,
    },
    /// An attachment was changed twice; the other version lies beside it.
    Attachment {
        /// The entry that holds the other version.
        copy: EntryId,
    },
    /// Two entries have one name; `other` keeps it.
    Name {
        /// The entry that keeps the name.
        other: EntryId,
    },
    /// After a merge the frontmatter no longer reads as it was written.
    Frontmatter,
    /// Bytes found after a crash that matched no known version; taken as an edit of the last known one.
    AfterCrash,
    /// Text that was edited while the entry became an attachment: the text stays, the attachment lies beside it.
    TextBecameBlob {
        /// The entry that holds the attachment.
        copy: EntryId,
    },
    /// Joining found other bytes here; they lie beside the entry.
    Joined {
        /// The entry that holds what was here.
        copy: EntryId,
    },
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// What it may do.
    pub role: Role,
    /// What it calls itself.
    pub name: String,
}

/// A record without effect, because its author might not write it. It is carried on, so that journals stay whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Its place.
    pub tip: Tip,
    /// What its author had seen of journals with membership records.
    pub knows: Knows,
    /// Its bytes.
    pub size: u64,
    /// Why it has none.
    pub why: Why,
}

/// A blob of a live entry that is not held here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingBlob {
    /// Bytes.
    pub size: u64,
    /// Whether it is being fetched: the policy says so, or somebody asked for it.
    pub wanted: bool,
}

/// Which attachments this device fetches by itself. Those it leaves are shown as such and can be asked for one
/// by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FetchPolicy {
    /// All of them.
    #[default]
    All,
    /// Those of at most so many bytes.
    Below(u64),
    /// None until somebody asks.
    OnDemand,
}

impl FetchPolicy {
    /// Whether a blob of this many bytes is fetched unasked.
    pub fn wants(self, size: u64) -> bool {
        match self {
            Self::All => true,
            Self::Below(bytes) => size <= bytes,
            Self::OnDemand => false,
        }
    }
}

/// `all`, `below:BYTES` or `on-demand`.
impl std::fmt::Display for FetchPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Below(bytes) => write!(f, "below:{bytes}"),
            Self::OnDemand => f.write_str("on-demand"),
        }
    }
}

/// A fetch policy that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` says nothing about which attachments to fetch; give `all`, `below:10MB` or `on-demand`")]
pub struct BadFetchPolicy(String);

/// As it is shown; the size may also have a unit: kB, MB, GB (powers of 1,000), KiB, MiB, GiB (of 1,024).
impl std::str::FromStr for FetchPolicy {
    type Err = BadFetchPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadFetchPolicy(text.to_owned());
        let size = match text {
            "all" => return Ok(Self::All),
            "on-demand" => return Ok(Self::OnDemand),
            _ => text.strip_prefix("below:").ok_or_else(bad)?,
        };
        let digits = size.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(size.len());
        let (number, unit) = size.split_at(digits);
        let unit: u64 = match unit.trim() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(bad()),
        };
        let number: u64 = number.parse().map_err(|_| bad())?;
        number.checked_mul(unit).map(Self::Below).ok_or_else(bad)
    }
}

/// How the notebook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Waiting for the peers' tree before anything found on disk is born.
    Joining,
    /// Normal.
    Live,
}

/// The notebook's own few values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Which notebook.
    pub notebook: NotebookId,
    /// Its name.
    pub name: String,
    /// This device.
    pub device: DeviceId,
    /// This device's journal here.
    pub volume: Volume,
    /// Joining or live.
    pub mode: Mode,
    /// The user paused it.
    pub paused: bool,
    /// The brake is on: deletions are held until the user decides.
    pub held: bool,
    /// Last revision given to an entry row.
    pub revision: u64,
    /// Last position given to a record.
    pub position: u64,
    /// Number of the last receipt.
    pub receipt: u64,
    /// Frontier that the last own record had seen.
    pub seen: Vec<Tip>,
    /// Times of recent deletions, for the brake.
    pub deletions: Vec<UnixMs>,
    /// Entries that the tree shows elsewhere than their documents say, because of a cycle.
    pub fallbacks: Vec<EntryId>,
}

/// One line of an entry's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The change; `None` for the birth.
    pub change: Option<ChangeHash>,
    /// Record that carried it.
    pub position: u64,
    /// Which item of the record.
    pub item: u32,
    /// Who.
    pub device: DeviceId,
    /// When (claimed).
    pub time: UnixMs,
}

/// The proof that a journal was continued twice, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkRow {
    /// The last position when it came: records behind it may stand on it.
    pub after: u64,
    /// The proof: the branch that is here, if one is, and the other.
    pub fork: Fork,
}

/// Read access to the store. Sees everything written before the current step.
pub trait Source {
    /// The notebook's values; `None` in a store that was just made.
    fn meta(&self) -> Result<Option<Meta>, StoreError>;
    /// One entry.
    fn entry(&self, id: &EntryId) -> Result<Option<EntryRow>, StoreError>;
    /// Entries whose derived folder is `parent`, alive or not, by id.
    fn children(&self, parent: &EntryId) -> Result<Vec<EntryId>, StoreError>;
    /// Entries that the *document* calls `name` and the tree puts into `place_parent`, alive or not, by id.
    fn namesakes(&self, place_parent: &EntryId, name: &str) -> Result<Vec<EntryId>, StoreError>;
    /// The entry at a place of the derived tree that is alive.
    fn at(&self, place_parent: &EntryId, place_name: &str) -> Result<Option<EntryId>, StoreError>;
    /// Number of entries that are alive.
    fn alive_count(&self) -> Result<u64, StoreError>;
    /// Saved document: the whole, then appended changes; empty if the entry was only born.
    fn document(&self, id: &EntryId) -> Result<Vec<Vec<u8>>, StoreError>;
    /// The birth's bytes.
    fn birth(&self, at: BirthAt) -> Result<Option<Vec<u8>>, StoreError>;
    /// What is on disk for an entry.
    fn base(&self, id: &EntryId) -> Result<Option<BaseRow>, StoreError>;
    /// Which entry lies on disk under that name in that entry's folder.
    fn base_at(&self, parent: &EntryId, name: &str) -> Result<Option<EntryId>, StoreError>;
    /// All entries on disk in that entry's folder.
    fn bases_in(&self, parent: &EntryId) -> Result<Vec<EntryId>, StoreError>;
    /// Entries whose files may differ from the documents, at most `limit`, by id, greater than `after`.
    fn pending(&self, after: Option<EntryId>, limit: usize) -> Result<Vec<EntryId>, StoreError>;
    /// All journals' last records.
    fn tips(&self) -> Result<Vec<Tip>, StoreError>;
    /// The record at a position.
    fn record(&self, position: u64) -> Result<Option<Record>, StoreError>;
    /// Position of a record.
    fn position_of(&self, device: DeviceId, volume: Volume, seq: u64) -> Result<Option<u64>, StoreError>;
    /// Every item that made an entry, in the order of positions.
    fn history(&self, id: &EntryId) -> Result<Vec<HistoryRow>, StoreError>;
    /// Members.
    fn members(&self) -> Result<BTreeMap<DeviceId, MemberRow>, StoreError>;
    /// All membership records, in the order of positions.
    fn statements(&self) -> Result<Vec<Statement>, StoreError>;
    /// What the last record of each journal had seen of journals with membership records.
    fn knows(&self) -> Result<BTreeMap<(DeviceId, Volume), Knows>, StoreError>;
    /// Records without effect, by position.
    fn quarantined(&self) -> Result<BTreeMap<u64, Quarantined>, StoreError>;
    /// Places and header bytes of at most `limit` records after a position.
    fn headers(&self, after: u64, limit: usize) -> Result<Vec<(u64, Tip, Vec<u8>)>, StoreError>;
    /// Seals of an entry and their positions, in the order of these; also those without effect.
    fn seals(&self, entry: &EntryId) -> Result<Vec<(u64, SealRow)>, StoreError>;
    /// Comments on an entry and their positions, in the order of these; also those without effect.
    fn comments(&self, entry: &EntryId) -> Result<Vec<(u64, CommentRow)>, StoreError>;
    /// Positions of the timestamps that name a seal, ascending; also of those without effect.
    fn timestamps(&self, seal: &RecordHash) -> Result<Vec<u64>, StoreError>;
    /// Journals that were continued twice, and after which position that was known.
    fn forked(&self) -> Result<BTreeMap<(DeviceId, Volume), u64>, StoreError>;
    /// The proof that a journal was continued twice.
    fn fork(&self, device: &DeviceId, volume: Volume) -> Result<Option<Fork>, StoreError>;
    /// How far others said that they have this device's journals as they are here.
    fn acknowledged(&self) -> Result<BTreeMap<Volume, u64>, StoreError>;
    /// Latest receipt of every other device.
    fn receipts(&self) -> Result<Vec<Receipt>, StoreError>;
    /// Blobs of live entries that are not held here.
    fn blobs_missing(&self) -> Result<BTreeMap<ContentHash, MissingBlob>, StoreError>;
    /// One of them; `None` if it is held, or no entry needs it.
    fn blob_missing(&self, hash: &ContentHash) -> Result<Option<MissingBlob>, StoreError>;
    /// Live entries that need a missing blob, by id.
    fn blob_needed_by(&self, hash: &ContentHash) -> Result<Vec<EntryId>, StoreError>;
    /// Which attachments this device fetches by itself.
    fn fetch_policy(&self) -> Result<FetchPolicy, StoreError>;
    /// Open conflicts by number.
    fn conflicts(&self, entry: Option<&EntryId>) -> Result<Vec<(u64, ConflictRow)>, StoreError>;
}

/// A seal, or its confirmation, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealRow {
    /// Its record.
    pub tip: Tip,
    /// When, by its author's clock. Claimed.
    pub time: UnixMs,
    /// What it says; a sealed text lies in the record.
    pub seal: Seal,
    /// Whether a text is sealed.
    pub is_text: bool,
    /// What its author had seen of journals with membership records.
    pub knows: Knows,
}

/// A comment, or what becomes of one, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentRow {
    /// Its record.
    pub tip: Tip,
    /// When, by its author's clock. Claimed.
    pub time: UnixMs,
    /// What it says.
    pub comment: Comment,
}

/// Index data of a record, so that the store need not look inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordWrite {
    /// Where it goes: positions grow by one and are never reused.
    pub position: u64,
    /// Its place in its journal.
    pub tip: Tip,
    /// Claimed time.
    pub time: UnixMs,
    /// The record.
    pub record: Record,
    /// For each item that took effect: number in the record, entry, change (`None` for a birth).
    pub items: Vec<(u32, EntryId, Option<ChangeHash>)>,
}

/// How a saved document changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentWrite {
    /// One more change after what is saved.
    Append(Vec<u8>),
    /// The whole, instead of what is saved.
    Replace(Vec<u8>),
}

/// Everything one step wants written, as one transaction. Later writes of a row replace earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteSet {
    /// The notebook's values.
    pub meta: Option<Meta>,
    /// Entries.
    pub entries: BTreeMap<EntryId, EntryRow>,
    /// Documents, in order.
    pub documents: Vec<(EntryId, DocumentWrite)>,
    /// Bases; `None` removes.
    pub bases: BTreeMap<EntryId, Option<BaseRow>>,
    /// Entries that may differ from disk (`true`) or surely do not (`false`).
    pub pending: BTreeMap<EntryId, bool>,
    /// New records, in order of position.
    pub records: Vec<RecordWrite>,
    /// Members; `None` for whoever is one no longer.
    pub members: BTreeMap<DeviceId, Option<MemberRow>>,
    /// Membership records and their positions.
    pub statements: Vec<(u64, Statement)>,
    /// What the last record of a journal had seen.
    pub knows: BTreeMap<(DeviceId, Volume), Knows>,
    /// Records without effect, by position; `None` for what has one now.
    pub quarantined: BTreeMap<u64, Option<Quarantined>>,
    /// Items that take effect of records written before, instead of those noted then.
    pub items: BTreeMap<u64, Vec<(u32, EntryId, Option<ChangeHash>)>>,
    /// Receipts.
    pub receipts: BTreeMap<DeviceId, Receipt>,
    /// Blobs needed by live entries and not held, or no longer so (`None`).
    pub blobs_missing: BTreeMap<ContentHash, Option<MissingBlob>>,
    /// Which live entries need a missing blob (`true`), or no longer (`false`). Nobody needs one that is not missing.
    pub blob_needs: BTreeMap<(ContentHash, EntryId), bool>,
    /// Blobs that anything that counts named here, now or in an older version: members may have them. None is ever taken out.
    pub blobs_named: BTreeSet<ContentHash>,
    /// Which attachments this device fetches from now on.
    pub fetch_policy: Option<FetchPolicy>,
    /// New conflicts.
    pub conflicts: Vec<ConflictRow>,
    /// Conflicts settled, by number.
    pub settled: Vec<u64>,
    /// Seals and their positions.
    pub seals: Vec<(u64, SealRow)>,
    /// Comments and their positions.
    pub comments: Vec<(u64, CommentRow)>,
    /// Positions of timestamps, and the seals that each names.
    pub timestamps: Vec<(u64, Vec<RecordHash>)>,
    /// Journals that were continued twice.
    pub forks: Vec<ForkRow>,
    /// How far others have this device's journals.
    pub acknowledged: BTreeMap<Volume, u64>,
    /// Positions of records that are taken back, with all that was noted of them. Done before new records are added.
    pub taken_back: BTreeSet<u64>,
    /// Where the journals of these end now; `None` for one of which nothing is left.
    pub ends: BTreeMap<(DeviceId, Volume), Option<Tip>>,
}

impl WriteSet {
    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::FetchPolicy::{self, All, Below, OnDemand};

    #[test]
    fn fetch_policies_are_read_as_they_are_shown() {
        for (text, policy) in [
            ("all", Some(All)),
            ("on-demand", Some(OnDemand)),
            ("below:0", Some(Below(0))),
            ("below:10MB", Some(Below(10_000_000))),
            ("below:2 MiB", Some(Below(2 << 20))),
            ("below:", None),
            ("below:10XB", None),
            ("below:99999999999GB", None),
            ("some", None),
        ] {
            let read = text.parse::<FetchPolicy>().ok();
            assert_eq!(read, policy, "{text}");
            if let Some(policy) = read {
                assert_eq!(policy.to_string().parse(), Ok(policy));
            }
        }
    }
}
