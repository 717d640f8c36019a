//! `NOTEBOOK/.codex/mirror.db`: entries, properties, tags, links, full text. A cache: always rebuildable.
#![allow(unused_variables)]

use std::path::Path;

/// Cloneable handle.
#[derive(Debug, Clone)]
pub struct Mirror {}

impl Mirror {
    /// Opens (or rebuilds, if it cannot be read) the mirror of the notebook at `root`; follows the store in a
    /// thread of its own, pulling entry rows by revision.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        unimplemented!()
    }

    /// The store has committed rows up to this revision.
    pub fn nudge(&self, revision: u64) {
        unimplemented!()
    }

    /// Waits until the mirror shows everything up to a revision.
    pub async fn caught_up(&self, revision: u64) {
        unimplemented!()
    }

    /// Drops everything and reads the store again.
    pub fn rebuild(&self) {
        unimplemented!()
    }

    /// Stops following.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}
