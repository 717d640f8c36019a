//! The disk worker: one thread per notebook, the only one that reads or writes the user's files. Whatever it
//! saw and did reaches the core in the order in which it happened; that order is what makes a stale
//! look harmless.
#![allow(unused_variables)]

use std::path::PathBuf;

use codex_crdt_model::effect::DiskOp;
use codex_crdt_model::event::Event;
use tokio::sync::{mpsc, watch};

use crate::blobs::Blobs;

/// Cloneable handle to one notebook's worker.
#[derive(Debug, Clone)]
pub struct Disk {}

/// How far a scan is; for progress bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct ScanProgress {
    /// A scan is under way, or hints or operations are waiting.
    pub busy: bool,
    /// Files looked at so far in this scan.
    pub looked_at: u64,
    /// Files that had to be read.
    pub read: u64,
}

impl Disk {
    /// Starts the worker for the notebook folder `root`, whose store is `root/.codex/store.db` (read through
    /// `crate::store::Reader` to know what is on disk already). Nothing is scanned yet.
    pub fn start(root: PathBuf, blobs: Blobs, events: mpsc::UnboundedSender<Event>) -> anyhow::Result<Self> {
        unimplemented!()
    }

    /// Carry out these operations; answered by one `Event::DiskDone`.
    pub fn run(&self, ops: Vec<DiskOp>) {
        unimplemented!()
    }

    /// Look at everything; `Event::Observed` batches with differences, then `Event::Scanned`.
    pub fn scan(&self) {
        unimplemented!()
    }

    /// Paths (absolute) that may have changed; `finished` when the writer has closed or renamed into place.
    pub fn hint(&self, paths: Vec<PathBuf>, finished: bool) {
        unimplemented!()
    }

    /// Progress, for whoever wants to show it.
    pub fn progress(&self) -> watch::Receiver<ScanProgress> {
        unimplemented!()
    }

    /// Stops after the operation under way.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}
