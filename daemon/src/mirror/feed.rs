//! Where the mirror gets its rows from: the store, behind a small border so that tests can feed it.

use codex_crdt_model::entry::Content;
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::store::{EntryRow, Source, StoreError};
use codex_crdt_model::view;

use crate::store::Reader;

/// What the mirror reads of the store.
pub trait Feed: Send {
    /// Which store this is: another answer than last time means that nothing in the mirror can be trusted.
    /// `None` while the store is empty.
    fn identity(&self) -> Result<Option<String>, StoreError>;
    /// Last revision given to an entry row.
    fn revision(&self) -> Result<u64, StoreError>;
    /// Entry rows with a greater revision, by revision, at most `limit`.
    fn entries_since(&self, revision: u64, limit: usize) -> Result<Vec<(EntryId, EntryRow)>, StoreError>;
    /// What an entry's row describes; `None` if the store does not hold it.
    fn content(&self, id: &EntryId, row: &Located) -> Result<Option<Content>, StoreError>;
}

/// What of an [`EntryRow`] is needed to find its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Whether the entry is more than its birth.
    pub changed: bool,
    /// Where its birth lies.
    pub birth: codex_crdt_model::store::BirthAt,
}

impl Located {
    /// The part of a row that says where the content is.
    pub fn of(row: &EntryRow) -> Self {
        Self { changed: !row.heads.is_empty(), birth: row.birth }
    }
}

impl Feed for Reader {
    fn identity(&self) -> Result<Option<String>, StoreError> {
        Ok(self.meta()?.map(|meta| format!("{} {:016x}", meta.notebook, meta.volume.0)))
    }

    fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.meta()?.map_or(0, |meta| meta.revision))
    }

    fn entries_since(&self, revision: u64, limit: usize) -> Result<Vec<(EntryId, EntryRow)>, StoreError> {
        Reader::entries_since(self, revision, limit)
    }

    fn content(&self, id: &EntryId, row: &Located) -> Result<Option<Content>, StoreError> {
        if self.birth(row.birth)?.is_none() {
            return Ok(None);
        }
        view::content(self, id, row.birth, row.changed).map(Some)
    }
}
