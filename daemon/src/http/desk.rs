//! What the handlers are given.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::StatusCode;
use codex_crdt_model::event::Request;

use super::auth::Auth;
use super::error::ApiError;
use super::events::Feed;
use crate::daemon::{Daemon, Registered};
use crate::driver::Notebook;
use crate::system::Meant;

/// Cloneable: the daemon, the keys, and what has happened lately.
#[derive(Debug, Clone)]
pub struct Desk {
    daemon: Arc<Daemon>,
    auth: Arc<Auth>,
    feed: Feed,
}

impl Desk {
    /// Starts to follow the daemon's notices.
    pub fn new(daemon: Arc<Daemon>, auth: Arc<Auth>) -> Self {
        let feed = Feed::follow(Arc::clone(&daemon));
        Self { daemon, auth, feed }
    }

    /// The daemon.
    pub fn daemon(&self) -> &Arc<Daemon> {
        &self.daemon
    }

    /// The keys.
    pub fn auth(&self) -> &Arc<Auth> {
        &self.auth
    }

    /// What has happened lately.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The notebook that a key means: an id, a slug, a folder, or a name that only one has.
    pub fn registered(&self, key: &str) -> Result<Registered, ApiError> {
        let unknown =
            || ApiError::not_found(format!("there is no notebook `{key}` here; see `codexd notebook list`"));
        match self.daemon.meant(key) {
            Meant::One(id) => self.daemon.registered(&id).ok_or_else(unknown),
            Meant::Nothing => Err(unknown()),
            Meant::Several => {
                let all = self.daemon.list().into_iter().filter(|one| one.name == key);
                let slugs = all.map(|one| format!("`{}`", one.slug)).collect::<Vec<_>>().join(", ");
                let say = format!("several notebooks are called `{key}`; say which: {slugs}");
                Err(ApiError::new(StatusCode::CONFLICT, "ambiguous", say))
            }
        }
    }

    /// That notebook, if it runs.
    pub fn notebook(&self, key: &str) -> Result<Notebook, ApiError> {
        if let Some(notebook) = self.daemon.find(key) {
            return Ok(notebook);
        }
        let one = self.registered(key)?;
        let why = one.failed.unwrap_or_else(|| "it is just being opened or closed".to_owned());
        Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_running",
            format!("the notebook {} at {} does not run: {why}", one.name, one.path),
        ))
    }

    /// The running notebooks that keys mean, each once.
    pub fn each(&self, keys: &[String]) -> Result<Vec<Notebook>, ApiError> {
        let mut found: Vec<Notebook> = Vec::new();
        for key in keys.iter().collect::<BTreeSet<_>>() {
            let notebook = self.notebook(key)?;
            if found.iter().all(|other| other.id != notebook.id) {
                found.push(notebook);
            }
        }
        Ok(found)
    }

    /// Every running notebook, or the one that is named.
    pub fn notebooks(&self, key: Option<&str>) -> Result<Vec<Notebook>, ApiError> {
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            return Ok(vec![self.notebook(key)?]);
        }
        Ok(self.daemon.list().iter().filter_map(|one| self.daemon.find(&one.id)).collect())
    }
}

/// Asks the core and waits until it is durable.
pub async fn ask(notebook: &Notebook, request: Request) -> Result<codex_crdt_model::effect::Reply, ApiError> {
    Ok(notebook.ask(request).await?)
}
