//! The running daemon: registry of notebooks, wiring of the shells, what pages and commands ask for.
#![allow(unused_variables)]

use std::path::Path;
use std::sync::Arc;

use codex_crdt_model::ids::{DeviceId, NotebookId};
use tokio::sync::broadcast;

use crate::blobs::Blobs;
use crate::driver::{Notebook, NotebookNotice};
use crate::home::Home;
use crate::net::RelayChoice;

/// Everything that runs in one home.
#[derive(Debug)]
pub struct Daemon {}

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where iroh listens; `None` for any.
    pub p2p_listen: Option<std::net::SocketAddr>,
    /// Relays.
    pub relay: RelayChoice,
    /// mDNS.
    pub discovery: bool,
}

/// One registered notebook, running or not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Registered {
    /// Its id, hex.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its slug, unique in this home.
    pub slug: String,
    /// Its folder.
    pub path: String,
    /// Workspace slug.
    pub workspace: String,
    /// Why it could not be started, if it could not.
    pub failed: Option<String>,
}

impl Daemon {
    /// Opens the home, starts the shells and every registered notebook.
    pub async fn start(home: Home, options: Options) -> anyhow::Result<Arc<Self>> {
        unimplemented!()
    }

    /// Registers a folder: begins a notebook there, or takes up the one whose marker it has.
    pub async fn add(
        &self,
        path: &Path,
        name: Option<String>,
        workspace: Option<String>,
    ) -> anyhow::Result<Registered> {
        unimplemented!()
    }

    /// Unregisters; never deletes files.
    pub async fn remove(&self, notebook: &NotebookId) -> anyhow::Result<()> {
        unimplemented!()
    }

    /// Another name for a notebook on this device.
    pub fn rename(&self, notebook: &NotebookId, name: &str) -> anyhow::Result<()> {
        unimplemented!()
    }

    /// The blob store of this home.
    pub fn blobs(&self) -> &Blobs {
        unimplemented!()
    }

    /// All registered notebooks.
    pub fn list(&self) -> Vec<Registered> {
        unimplemented!()
    }

    /// A running notebook by id (hex), slug or name.
    pub fn find(&self, key: &str) -> Option<Notebook> {
        unimplemented!()
    }

    /// A ticket to a notebook; `hours` until it is void.
    pub fn invite(&self, notebook: &NotebookId, hours: u32) -> anyhow::Result<String> {
        unimplemented!()
    }

    /// Joins by ticket into a folder (default: a folder of the notebook's name in the current home's
    /// `notebooks/`). Refuses a folder inside another notebook.
    pub async fn join(&self, ticket: &str, path: Option<&Path>) -> anyhow::Result<Registered> {
        unimplemented!()
    }

    /// Notices of all notebooks.
    pub fn notices(&self) -> broadcast::Receiver<NotebookNotice> {
        unimplemented!()
    }

    /// This device.
    pub fn device(&self) -> DeviceId {
        unimplemented!()
    }

    /// What this device calls itself.
    pub fn device_name(&self) -> String {
        unimplemented!()
    }

    /// Where iroh listens.
    pub fn p2p_addresses(&self) -> Vec<String> {
        unimplemented!()
    }

    /// The home.
    pub fn home(&self) -> &Home {
        unimplemented!()
    }

    /// Stops everything in order; the stores are closed cleanly.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}
