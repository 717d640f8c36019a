//! One entry's Automerge document. The only module that knows Automerge.

use crate::entry::birth::{Birth, Content, Kind};
use crate::ids::{ChangeHash, DeviceId, EntryId, Heads, Volume};

/// A loaded document.
#[derive(Debug, Clone)]
pub struct Document {
    id: EntryId,
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
    /// Bytes: the versions that do not show.
    Blob {
        /// They were concurrent with the one that shows.
        others: Vec<Content>,
    },
    /// Text that was edited while the entry became bytes; the text as that side had it.
    Text {
        /// The text.
        text: String,
    },
    /// The frontmatter, written and split again, is not what was merged.
    Frontmatter,
}

/// Our own stored document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("document of entry {entry} cannot be read: {reason}")]
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

#[allow(unused_variables)]
impl Document {
    /// The document of an entry that was only born.
    pub fn from_birth(id: EntryId, birth: &Birth) -> Self {
        unimplemented!()
    }

    /// From what the store holds: the saved whole first, then appended changes.
    pub fn load(id: EntryId, birth: &Birth, chunks: &[Vec<u8>]) -> Result<Self, DocumentError> {
        unimplemented!()
    }

    /// The whole, for the store.
    pub fn save(&self) -> Vec<u8> {
        unimplemented!()
    }

    /// Current heads, sorted; empty if there is only the birth.
    pub fn heads(&self) -> Heads {
        unimplemented!()
    }

    /// Whether these heads name a version of this document (empty: the birth).
    pub fn knows(&self, heads: &Heads) -> bool {
        unimplemented!()
    }

    /// What it says now.
    pub fn view(&self) -> View {
        unimplemented!()
    }

    /// What it said at a version; `None` if there is no such version.
    pub fn view_at(&self, heads: &Heads) -> Option<View> {
        unimplemented!()
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
        unimplemented!()
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
        unimplemented!()
    }

    /// What is in conflict now.
    pub fn clashes(&self) -> Vec<Clash> {
        unimplemented!()
    }

    /// All change hashes, in causal order, the birth's first.
    pub fn changes(&self) -> Vec<ChangeHash> {
        unimplemented!()
    }
}
