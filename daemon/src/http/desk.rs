//! What the handlers are given.

use std::sync::Arc;

use axum::http::StatusCode;
use codex_crdt_model::event::Request;

use super::auth::Auth;
use super::error::ApiError;
use super::events::Feed;
use crate::daemon::Daemon;
use crate::driver::Notebook;

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

    /// A running notebook by id, slug or name.
    pub fn notebook(&self, key: &str) -> Result<Notebook, ApiError> {
        if let Some(notebook) = self.daemon.find(key) {
            return Ok(notebook);
        }
        let known = self.daemon.list();
        let stopped = known.iter().find(|one| one.id == key || one.slug == key || one.name == key);
        Err(match stopped.and_then(|one| one.failed.as_ref().map(|why| (one, why))) {
            Some((one, why)) => ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_running",
                format!("the notebook {} at {} does not run: {why}", one.name, one.path),
            ),
            None => {
                ApiError::not_found(format!("there is no notebook `{key}` here; see `codexd notebook list`"))
            }
        })
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
