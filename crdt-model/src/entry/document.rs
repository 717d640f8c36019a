//! One entry's Automerge document. The only module (with what lies below it) that knows Automerge.
//!
//! ```text
//! ROOT  kind str   parent bytes   name str   front map   items map   front_raw Text   body Text   blob bytes
//! ```
//!
//! The birth makes all containers; nobody makes one later, because two made at once would hide one another.
//! `schema` reads and encodes, `front` does so for texts, `change` makes changes, `places` follows characters from version to version, `deeds` says what one
//! did, `operations` how many of which a change holds, `clash` finds what could not be merged.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{ActorId, Automerge, LoadOptions, ReadDoc, TextEncoding};

use crate::entry::birth::{Birth, Content, Kind};
use crate::ids::{ChangeHash, ContentHash, DeviceId, EntryId, Heads, Volume};
use crate::limits;

mod change;
mod clash;
mod deeds;
mod front;
mod operations;
mod places;
mod schema;
mod twin;

pub use deeds::{Deed, blobs_of, deeds_of};
use operations::Count;
pub use places::{MadeBy, Place};
use schema::{Reader, Schema};

/// A loaded document.
#[derive(Debug, Clone)]
pub struct Document {
    id: EntryId,
    birth: automerge::ChangeHash,
    schema: Schema,
    doc: Automerge,
    /// What it says now, where that was worked out already.
    now: Option<View>,
}

/// What a document says at some heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Folder.
    pub parent: EntryId,
    /// Name.
    pub name: String,
    /// The (counter, actor) of the operation that set `parent`; `None` while it is the birth's.
    pub moved_by: Option<(u64, [u8; 16])>,
    /// Whether every head is a deletion.
    pub deleted: bool,
    /// Kind.
    pub kind: Kind,
    /// The content as it is written to disk.
    pub content: Content,
}

/// One thing to change. Several make one Automerge change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The whole new content as found on disk or sent by the browser; diffed against the base.
    Content(Content),
    /// The whole content as found on disk, made of a version that does not count any more: what was there before is in it
    /// and is none of this change's own.
    Draft(Content),
    /// Properties: key and source text (one YAML block-mapping entry) or `None` to remove.
    Properties(Vec<(String, Option<String>)>),
    /// Another folder and/or name.
    Place {
        /// Folder.
        parent: EntryId,
        /// Name.
        name: String,
    },
    /// Delete: alone in its change.
    Delete,
    /// Undo deletions: an edit of a deleted entry revives it by itself; this is for "nothing else".
    Revive,
}

/// A change made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// Branch number that its actor is derived from.
    pub branch: u32,
    /// Its hash.
    pub hash: ChangeHash,
    /// Its raw bytes.
    pub change: Vec<u8>,
}

/// Something that two sides changed at once and that cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    /// One property, several sources (the first shows).
    Property {
        /// Which.
        key: String,
        /// Sources, the shown one first.
        sources: Vec<String>,
    },
    /// Bytes that do not show: other versions of what shows, or what somebody put in place of a text that another edited.
    Blob {
        /// They were concurrent with the one that shows.
        others: Vec<Content>,
    },
    /// The frontmatter, written and split again, is not what was merged.
    Frontmatter,
}

/// Our own stored document cannot be read, or not be edited as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("document of entry {entry}: {reason}")]
pub struct DocumentError {
    /// Whose.
    pub entry: EntryId,
    /// Why.
    pub reason: String,
}

/// Why a change from a record is not applied. Its record stays, and the reason is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// Not a plain change, or larger than the limits.
    #[error("not a plain Automerge change within the limits")]
    Malformed,
    /// Its actor is not the one that device, volume and branch make.
    #[error("the change carries another actor than its record's author")]
    OtherActor,
    /// It depends on changes that are not here.
    #[error("the change depends on one that is not known")]
    MissingDependency,
    /// Automerge refused it, or panicked and was contained.
    #[error("the change cannot be applied: {0}")]
    Failed(String),
}

/// The actor of a device's changes: BLAKE3 derive-key over device, volume (8 bytes big-endian) and branch
/// (4 bytes big-endian), cut to 16 bytes.
pub fn actor(device: &DeviceId, volume: Volume, branch: u32) -> [u8; 16] {
    let bytes = [device.0.as_slice(), &volume.0.to_be_bytes(), &branch.to_be_bytes()].concat();
    let key = blake3::derive_key("codex 2026 actor", &bytes);
    let mut actor = [0; 16];
    actor.copy_from_slice(&key[..16]);
    actor
}

impl Document {
    /// The document of an entry that was only born.
    pub fn from_birth(id: EntryId, birth: &Birth) -> Self {
        let (doc, hash) = schema::first_change(id, birth);
        Self { id, birth: hash, schema: Schema::new(id, birth), doc, now: None }
    }

    /// From what the store holds: the saved whole first, then appended changes.
    pub fn load(id: EntryId, birth: &Birth, chunks: &[Vec<u8>]) -> Result<Self, DocumentError> {
        if chunks.is_empty() {
            return Ok(Self::from_birth(id, birth));
        }
        let bytes = chunks.concat();
        let options = LoadOptions::new().text_encoding(TextEncoding::Utf16CodeUnit);
        let doc = contained(|| Automerge::load_with_options(&bytes, options))
            .and_then(|loaded| loaded.map_err(|e| e.to_string()))
            .map_err(|reason| DocumentError { entry: id, reason: format!("cannot be read: {reason}") })?;
        let own_actor = ActorId::from(id.0.as_slice());
        let first =
            doc.get_changes_meta(&[]).first().filter(|c| *c.actor == own_actor && c.seq == 1).map(|c| c.hash);
        let reason = || "what is saved does not begin with the birth of this entry".to_owned();
        let birth_hash = first.ok_or_else(|| DocumentError { entry: id, reason: reason() })?;
        Ok(Self { id, birth: birth_hash, schema: Schema::new(id, birth), doc, now: None })
    }

    /// The whole, for the store.
    pub fn save(&self) -> Vec<u8> {
        self.doc.save()
    }

    /// Current heads, sorted; empty if there is only the birth.
    pub fn heads(&self) -> Heads {
        let heads = self.doc.get_heads();
        if heads == [self.birth] {
            return Heads::new();
        }
        let mut heads: Heads = heads.into_iter().map(|hash| ChangeHash(hash.0)).collect();
        heads.sort();
        heads
    }

    /// Whether these heads name a version of this document (empty: the birth).
    pub fn knows(&self, heads: &Heads) -> bool {
        self.resolve(heads).is_some()
    }

    /// What it says now.
    pub fn view(&self) -> View {
        self.now.clone().unwrap_or_else(|| self.reader(None).view())
    }

    /// What it said at a version; `None` if there is no such version.
    pub fn view_at(&self, heads: &Heads) -> Option<View> {
        let heads = self.resolve(heads)?;
        if heads == self.doc.get_heads() {
            return Some(self.view());
        }
        Some(self.reader(Some(&heads)).view())
    }

    /// The version right before one: what its last changes were made of. `None` if there is no such version; of the birth,
    /// itself.
    pub fn before(&self, heads: &Heads) -> Option<Heads> {
        let heads = self.resolve(heads)?;
        let deps = heads.iter().filter_map(|head| self.doc.get_change_meta_by_hash(head));
        let deps: std::collections::BTreeSet<automerge::ChangeHash> =
            deps.flat_map(|change| change.deps.to_vec()).collect();
        // What another of them was made of is not right before.
        let outer =
            deps.iter().filter(|dep| !deps.iter().any(|other| other != *dep && self.is_before(dep, other)));
        let mut before: Heads =
            outer.filter(|dep| **dep != self.birth).map(|dep| ChangeHash(dep.0)).collect();
        before.sort();
        Some(before)
    }

    fn is_before(&self, one: &automerge::ChangeHash, other: &automerge::ChangeHash) -> bool {
        self.doc.get_changes_meta(&[*other]).iter().all(|change| change.hash != *one)
    }

    /// Makes one change at `base` (empty: the birth) and merges it. `None` if the edits change nothing there.
    /// The actor is `actor(device, volume, branch)` with the smallest branch whose last change lies in the
    /// past of `base`.
    pub fn edit(
        &mut self,
        base: &Heads,
        device: &DeviceId,
        volume: Volume,
        time_ms: i64,
        edits: &[Edit],
    ) -> Result<Option<NewChange>, DocumentError> {
        let entry = self.id;
        let refuse = |reason: String| DocumentError { entry, reason };
        let heads =
            self.resolve(base).ok_or_else(|| refuse("it has no version to edit by that name".to_owned()))?;
        let branch = self
            .free_branch(&heads, device, volume)
            .ok_or_else(|| refuse("this device has too many concurrent branches in it".to_owned()))?;
        let actor = ActorId::from(actor(device, volume, branch).as_slice());
        let made = contained(|| {
            let current = heads == self.doc.get_heads();
            let work = if current {
                self.doc.clone()
            } else {
                self.doc.fork_at(&heads).map_err(|e| e.to_string())?
            };
            let Some((edited, change)) = change::make(work, &self.schema, actor, time_ms, edits)? else {
                return Ok(None);
            };
            let merged = if current { edited } else { with_change(&self.doc, change.clone())? };
            Ok(Some((merged, change)))
        });
        let Some((doc, change)) = made.and_then(|made| made).map_err(refuse)? else {
            return Ok(None);
        };
        self.doc = doc;
        self.now = None;
        let raw = change.raw_bytes().to_vec();
        Ok(Some(NewChange { branch, hash: ChangeHash(change.hash().0), change: raw }))
    }

    /// Takes in a change from a record. `Ok(None)` if it was known already. Contained: panics become refusals
    /// and leave the document as it was.
    pub fn apply(
        &mut self,
        device: &DeviceId,
        volume: Volume,
        branch: u32,
        change: &[u8],
    ) -> Result<Option<ChangeHash>, ChangeRefused> {
        let count = plain(change).ok_or(ChangeRefused::Malformed)?;
        let parsed = contained(|| automerge::Change::from_bytes(change.to_vec()))
            .map_err(ChangeRefused::Failed)?
            .map_err(|_| ChangeRefused::Malformed)?;
        // Without dependencies it would not know the birth, and its version would show nothing.
        // `from_bytes` leaves the checksum (bytes 4 to 7) unchecked, but loading it from the store would not.
        let whole = parsed.raw_bytes() == change && change.get(4..8) == parsed.hash().0.get(..4);
        if parsed.len() > limits::CHANGE_OPS || !whole || parsed.deps().is_empty() {
            return Err(ChangeRefused::Malformed);
        }
        if branch >= limits::BRANCHES || parsed.actor_id().to_bytes() != actor(device, volume, branch) {
            return Err(ChangeRefused::OtherActor);
        }
        let hash = parsed.hash();
        if self.has(&hash) {
            return Ok(None);
        }
        if !parsed.deps().iter().all(|dep| self.has(dep)) {
            return Err(ChangeRefused::MissingDependency);
        }
        if count.deletions > self.doc.stats().num_ops.saturating_add(count.others) {
            return Err(ChangeRefused::Malformed);
        }
        let taken = contained(|| {
            let doc = with_change(&self.doc, parsed)?;
            // Reading it here keeps a change that makes reading panic out of the document.
            let view = Reader { doc: &doc, schema: &self.schema, at: None }.view();
            Ok((doc, view))
        });
        let (doc, view) = taken.and_then(|taken| taken).map_err(ChangeRefused::Failed)?;
        self.doc = doc;
        self.now = Some(view);
        Ok(Some(ChangeHash(hash.0)))
    }

    /// Whether this device, since it has this volume, has made `content` of `base` already: a save whose answer
    /// was lost and that is sent again. Merging it twice would double what was typed.
    pub fn has_made(&self, base: &Heads, device: &DeviceId, volume: Volume, content: &Content) -> bool {
        let Some(base) = self.resolve(base) else { return false };
        let after = self.doc.get_changes_meta(&base);
        let mut candidates = after.iter().filter(|change| {
            let mut deps = change.deps.to_vec();
            deps.sort_unstable();
            deps == base
        });
        candidates.any(|change| {
            let said = self.reader(Some(&[change.hash])).view().content == *content;
            let own = |branch| actor(device, volume, branch) == change.actor.to_bytes();
            said && (0..limits::BRANCHES).any(own)
        })
    }

    /// What is in conflict now.
    pub fn clashes(&self) -> Vec<Clash> {
        clash::find(&self.reader(None))
    }

    /// The blobs that it names now, the ones that do not show too.
    pub fn blobs(&self) -> Vec<ContentHash> {
        self.reader(None).blobs().iter().filter_map(schema::BlobValue::hash).collect()
    }

    /// What a change did; empty for one that is not known.
    pub fn deeds(&self, change: &ChangeHash) -> std::collections::BTreeSet<Deed> {
        deeds::of(&self.doc, &self.schema, &automerge::ChangeHash(change.0))
    }

    /// The version that a change was made at; `None` if the change is not known.
    pub fn made_at(&self, change: &ChangeHash) -> Option<Heads> {
        let meta = self.doc.get_change_meta_by_hash(&automerge::ChangeHash(change.0))?;
        Some(meta.deps.iter().filter(|dep| **dep != self.birth).map(|dep| ChangeHash(dep.0)).collect())
    }

    /// All change hashes, in causal order, the birth's first.
    pub fn changes(&self) -> Vec<ChangeHash> {
        self.doc.get_changes_meta(&[]).iter().map(|change| ChangeHash(change.hash.0)).collect()
    }

    fn reader<'a>(&'a self, at: Option<&'a [automerge::ChangeHash]>) -> Reader<'a> {
        Reader { doc: &self.doc, schema: &self.schema, at }
    }

    fn has(&self, hash: &automerge::ChangeHash) -> bool {
        self.doc.get_change_meta_by_hash(hash).is_some()
    }

    /// Automerge's heads for ours, sorted; `None` if one is not known.
    fn resolve(&self, heads: &Heads) -> Option<Vec<automerge::ChangeHash>> {
        if heads.is_empty() {
            return Some(vec![self.birth]);
        }
        let mut resolved: Vec<_> = heads.iter().map(|hash| automerge::ChangeHash(hash.0)).collect();
        resolved.sort_unstable();
        resolved.dedup();
        resolved.iter().all(|hash| self.has(hash)).then_some(resolved)
    }

    /// The smallest branch that has no change outside the past of `heads`.
    fn free_branch(&self, heads: &[automerge::ChangeHash], device: &DeviceId, volume: Volume) -> Option<u32> {
        let outside: std::collections::BTreeSet<Vec<u8>> =
            self.doc.get_changes_meta(heads).iter().map(|change| change.actor.to_bytes().to_vec()).collect();
        (0..limits::BRANCHES).find(|branch| !outside.contains(actor(device, volume, *branch).as_slice()))
    }
}

/// First bytes of every Automerge chunk.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// A copy of the document with one more change, which must have been taken in at once, and which must come out
/// again as the same bytes: otherwise the document could be saved but not loaded.
fn with_change(doc: &Automerge, change: automerge::Change) -> Result<Automerge, String> {
    let hash = change.hash();
    let mut doc = doc.clone();
    doc.apply_changes([change.clone()]).map_err(|e| e.to_string())?;
    match doc.get_change_by_hash(&hash) {
        None => Err("it does not follow from the changes before it".to_owned()),
        Some(kept) if kept.raw_bytes() != change.raw_bytes() => {
            Err("it is not encoded as Automerge does".to_owned())
        }
        Some(_) => Ok(doc),
    }
}

/// Runs `work`, turning a panic inside Automerge into an error. The caller gives up whatever `work` touched.
fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let said = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("Automerge panicked: {}", said.unwrap_or_else(|| "no message".to_owned()))
    })
}

/// The operations of a plain change, which costs about what its size says; `None` if it is none. Looked at before Automerge
/// reads it.
fn plain(change: &[u8]) -> Option<Count> {
    // Byte 8 is the chunk's type.
    if change.len() > limits::CHANGE_BYTES || !change.starts_with(&MAGIC) || change.get(8) != Some(&1) {
        return None;
    }
    operations::count(change)
        .filter(|count| count.others <= change.len() as u64 && count.deletions <= limits::CHANGE_OPS as u64)
}

/// The hash of a change's bytes; `None` if they are none.
pub fn change_hash(change: &[u8]) -> Option<ChangeHash> {
    plain(change)?;
    let parsed = contained(|| automerge::Change::from_bytes(change.to_vec())).ok()?.ok()?;
    Some(ChangeHash(parsed.hash().0))
}

#[cfg(test)]
mod tests;
