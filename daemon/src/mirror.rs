//! `NOTEBOOK/.codex/mirror.db`: entries, properties, tags, links, full text. A cache: always rebuildable.
//!
//! A follower thread pulls entry rows from the store by revision and writes them; everybody else reads, on
//! connections of their own, each answer from one state. The mirror knows the store only through [`Feed`]
//! and never changes a file.

use std::path::Path;
use std::sync::Arc;

use codex_crdt_model::store::StoreError;

pub mod base;
mod condition;
pub mod dates;
mod extracts;
pub mod feed;
mod filter;
mod follow;
pub mod image;
mod index;
pub mod keys;
pub mod links;
mod notices;
pub mod occurrences;
mod order;
pub mod properties;
pub mod query;
pub mod read;
pub mod rename;
pub mod search;
pub mod sidecar;
mod snippet;
pub mod tasks;
pub mod text;
pub mod words;

#[cfg(test)]
mod tests;

pub use base::MirrorError;
pub use feed::Feed;
pub use links::{Backlink, Link};
pub use notices::nearest;
pub use query::{KEYS as QUERY_KEYS, Query, QueryAnswer};
pub use read::{EntryInfo, Listed, Page, TagCount};
pub use search::{Hit, Part, SearchAnswer};

use crate::progress::Progress;
use follow::{Follower, OpenFeed, Shared};

/// Cloneable handle.
#[derive(Clone)]
pub struct Mirror {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    thread: std::sync::Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").field("path", &self.inner.shared.path).finish_non_exhaustive()
    }
}

impl Mirror {
    /// Opens (or rebuilds, if it cannot be read) the mirror of the notebook at `root`; follows the store in a
    /// thread of its own, pulling entry rows by revision.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        let store = root.join(".codex/store.db");
        Self::open_with(
            root,
            Arc::new(move || {
                let reader = crate::store::Reader::open(&store)
                    .map_err(|e| StoreError { doing: "opening it for the mirror", reason: e.to_string() })?;
                Ok(Box::new(reader) as Box<dyn Feed>)
            }),
        )
    }

    /// The same with another source of rows.
    pub fn open_with(root: &Path, open_feed: OpenFeed) -> anyhow::Result<Self> {
        let path = root.join(".codex/mirror.db");
        let db = base::open_writer(&path)?;
        let shared = Arc::new(Shared::new(path, root.to_owned(), open_feed));
        let follower = Follower::new(Arc::clone(&shared), db);
        let thread = std::thread::Builder::new().name("codex-mirror".into()).spawn(move || follower.run())?;
        Ok(Self { inner: Arc::new(Inner { shared, thread: std::sync::Mutex::new(Some(thread)) }) })
    }

    /// The store has committed rows up to this revision.
    pub fn nudge(&self, revision: u64) {
        self.inner.shared.nudge(revision);
    }

    /// Waits until the mirror shows everything up to a revision, or stops following.
    pub async fn caught_up(&self, revision: u64) {
        let mut reached = self.inner.shared.reached.subscribe();
        // The sender lives as long as this handle.
        let _ = reached.wait_for(|reached| *reached >= revision).await;
    }

    /// The revision up to which the mirror shows everything.
    pub fn revision(&self) -> u64 {
        *self.inner.shared.reached.borrow()
    }

    /// Changes whenever the mirror, having been late, shows everything again: answers given meanwhile may be old.
    pub fn late(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.shared.late.subscribe()
    }

    /// How far the mirror is behind the store; `None` if it is level.
    pub fn progress(&self) -> Option<Progress> {
        self.inner.shared.progress()
    }

    /// Drops everything and reads the store again.
    pub fn rebuild(&self) {
        self.inner.shared.rebuild();
    }

    /// Stops following.
    pub async fn shutdown(&self) {
        self.inner.shared.stop();
        let thread = self.inner.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A follower that panicked has said so already.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        // Whoever still waits would wait for ever.
        self.inner.shared.reached.send_replace(u64::MAX);
    }

    /// Rows that the follower has written since it opened the file.
    #[cfg(test)]
    fn changes_for_test(&self) -> u64 {
        self.inner.shared.written.load(std::sync::atomic::Ordering::Acquire)
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(&rusqlite::Connection) -> Result<T, MirrorError>,
    ) -> Result<T, MirrorError> {
        let answer = self.inner.shared.pool.read(question);
        if answer.as_ref().is_err_and(MirrorError::is_damage) {
            self.inner.shared.damaged();
        }
        answer
    }
}
