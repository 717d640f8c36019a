//! The file watcher: one for all notebooks. Its events are hints; the scan is the truth.
#![allow(unused_variables)]

use std::path::Path;

use crate::disk::Disk;

/// The one watcher.
#[derive(Debug)]
pub struct Watcher {}

impl Watcher {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        unimplemented!()
    }

    /// Watches a notebook folder and all below; hints go to its worker.
    pub fn add(&self, root: &Path, disk: Disk) -> anyhow::Result<()> {
        unimplemented!()
    }

    /// Stops watching it.
    pub fn remove(&self, root: &Path) {
        unimplemented!()
    }
}
