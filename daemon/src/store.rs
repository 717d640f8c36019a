//! `NOTEBOOK/.codex/store.db`: records, documents, bases, receipts. Precious.
#![allow(unused_variables)]

use std::path::Path;

use codex_crdt_model::store::{Source, StoreError, WriteSet};

/// The writing connection of the notebook's driver. Reads see what was applied in the open transaction.
#[derive(Debug)]
pub struct Store {}

/// A reading connection, for the disk worker, HTTP and the mirror. Sees what was committed.
#[derive(Debug)]
pub struct Reader {}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was written by a newer version.
    #[error("the store {path} has version {found}, this program knows up to {known}; use a newer codexd")]
    Newer {
        /// Where.
        path: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// SQLite says it is damaged or no database.
    #[error(
        "the store {path} cannot be read: {reason}; it was left as it is. Restore a backup, or move it away to rebuild from files and peers"
    )]
    Damaged {
        /// Where.
        path: String,
        /// What SQLite said.
        reason: String,
    },
    /// The file system refuses.
    #[error("cannot open the store {path}: {reason}")]
    Io {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
}

impl Store {
    /// Opens or makes it; migrates (after a backup) if it is older.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        unimplemented!()
    }

    /// Writes one step's writes into the open transaction (begun if none is).
    pub fn apply(&mut self, writes: &WriteSet) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Commits and syncs. Nothing to do if nothing was applied.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Drops what was applied and not committed.
    pub fn rollback(&mut self) {
        unimplemented!()
    }
}
