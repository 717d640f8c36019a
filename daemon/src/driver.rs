//! The driver: the only owner of a [`codex_crdt_model::Core`]. Select, step, write, act, and again.
#![allow(unused_variables)]

use std::path::PathBuf;
use std::sync::Arc;

use codex_crdt_model::effect::{Notice, Refusal, Reply};
use codex_crdt_model::event::Request;
use codex_crdt_model::ids::NotebookId;
use tokio::sync::watch;

use crate::disk::ScanProgress;
use crate::mirror::Mirror;
use crate::store::Reader;

/// Cloneable handle to a running notebook.
#[derive(Debug, Clone)]
pub struct Notebook {
    /// Which.
    pub id: NotebookId,
    /// Its folder.
    pub root: PathBuf,
    /// Its mirror.
    pub mirror: Mirror,
    inner: Arc<()>,
}

/// How a notebook stands, for status and pages.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Standing {
    /// `ready`, `scanning`, `paused`, `held`, `joining` or `failed`.
    pub state: &'static str,
    /// Why, in words, when it is not ready.
    pub reason: Option<String>,
    /// Entries in the tree.
    pub entries: u64,
    /// Files still to be written out or looked at.
    pub pending: u64,
    /// Own records that no other device has acknowledged.
    pub unsynced_records: u64,
    /// Blobs of live entries that are not here.
    pub blobs_missing: u64,
    /// The other members.
    pub peers: Vec<PeerStanding>,
    /// Devices that hold everything this one holds, this one included; and members in all.
    pub held_by: (u64, u64),
    /// The scan under way.
    pub scan: ScanProgress,
}

/// How one peer stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct PeerStanding {
    /// Its id, hex.
    pub device: String,
    /// Its name.
    pub name: String,
    /// Whether a stream is open.
    pub connected: bool,
    /// Records that we have and it has not acknowledged.
    pub records_behind: u64,
    /// Blobs it says it misses.
    pub blobs_missing: u64,
}

/// Why an ask got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The core refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The notebook has failed or is shutting down.
    #[error("notebook {0} is not running: {1}")]
    NotRunning(NotebookId, String),
}

impl Notebook {
    /// Asks the core for something and waits until it is durable.
    pub async fn ask(&self, request: Request) -> Result<Reply, AskError> {
        unimplemented!()
    }

    /// How it stands now and from now on.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        unimplemented!()
    }

    /// A reading connection to its store.
    pub fn reader(&self) -> anyhow::Result<Reader> {
        unimplemented!()
    }

    /// Scans the folder now.
    pub fn scan(&self) {
        unimplemented!()
    }
}

/// A notice and where it came from.
#[derive(Debug, Clone)]
pub struct NotebookNotice {
    /// Which notebook.
    pub notebook: NotebookId,
    /// What.
    pub notice: Notice,
}
