//! `NOTEBOOK/.codex/store.db`: records, documents, bases, receipts. Precious.
//!
//! One process writes a store: [`Store`] holds a lock on `store.lock` beside it. Any number of [`Reader`]s
//! see what was committed. What does not open is left as it is, byte for byte.

use std::fs::File;
use std::path::Path;

use codex_crdt_model::store::{StoreError, WriteSet};

mod happened;
mod open;
mod payload;
mod read;
mod source;
mod takeback;
#[cfg(test)]
mod tests;
mod write;

pub use happened::Happened;
pub use read::{ChangeRow, Counts, FULL, Reader};

/// The writing connection of the notebook's driver. Reads see what was applied in the open transaction.
#[derive(Debug)]
pub struct Store {
    reader: Reader,
    /// A transaction was begun and neither committed nor dropped.
    open: bool,
    /// A write failed: what is applied is not whole, so it can only be dropped.
    failed: bool,
    /// Holds the lock for as long as the store is open.
    _lock: File,
}

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
        let (connection, lock) = open::writer(path, open::MIGRATIONS)?;
        Ok(Self { reader: Reader::over(connection), open: false, failed: false, _lock: lock })
    }

    /// Makes one as an earlier version of the program did.
    #[cfg(test)]
    pub(crate) fn of_version(path: &Path, version: usize) {
        drop(open::writer(path, &open::MIGRATIONS[..version]).expect("a store is made"));
    }

    /// Writes one step's writes into the open transaction (begun if none is). After an error nothing more
    /// can be applied or committed until [`Store::rollback`].
    pub fn apply(&mut self, writes: &WriteSet) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.check_whole("writing a step")?;
        let connection = self.reader.connection();
        if !self.open {
            connection.execute_batch("BEGIN IMMEDIATE").map_err(read::failed("beginning to write"))?;
            self.open = true;
        }
        let result = write::apply(connection, writes);
        self.failed = result.is_err();
        result
    }

    /// Commits and syncs. Nothing to do if nothing was applied. After an error everything since the last
    /// commit is to be dropped by [`Store::rollback`].
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.check_whole("committing")?;
        if !self.open {
            return Ok(());
        }
        let result = self.reader.connection().execute_batch("COMMIT").map_err(read::failed("committing"));
        match result {
            Ok(()) => self.open = false,
            Err(_) => self.failed = true,
        }
        result
    }

    /// Drops what was applied and not committed.
    pub fn rollback(&mut self) {
        let connection = self.reader.connection();
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the store's transaction could not be dropped");
        }
        self.open = false;
        self.failed = !self.reader.connection().is_autocommit();
    }

    /// Gives back the memory that only makes the next statement faster.
    pub fn rest(&self) {
        let connection = self.reader.connection();
        connection.flush_prepared_statement_cache();
        if let Err(error) = connection.execute_batch("PRAGMA shrink_memory") {
            tracing::debug!(%error, "the store's memory was not given back");
        }
    }

    /// All that can be read, the open transaction included.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// SQLite drops a transaction by itself after some errors (a full disk); going on would write a half.
    fn check_whole(&self, doing: &'static str) -> Result<(), StoreError> {
        let lost = self.open && self.reader.connection().is_autocommit();
        if self.failed || lost {
            let reason = "an earlier write of this transaction failed; it must be dropped first".to_owned();
            return Err(StoreError { doing, reason });
        }
        Ok(())
    }
}
