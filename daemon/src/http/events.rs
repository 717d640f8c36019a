//! What happened, told to every open page: a ring of numbered events, and a socket that replays them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use codex_crdt_model::effect::Notice;
use codex_crdt_model::ids::EntryId;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::error::ApiError;
use super::input::Params;
use super::reading::{self, read};
use crate::clock::now_ms;
use crate::daemon::Daemon;
use crate::driver::{News, NotebookNotice};

/// Events kept for those who reconnect: an hour of lively work.
const RING: usize = 8192;
/// Looked up in the store together.
const BATCH: usize = 256;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeskEvent {
    /// Grows by one with every event; give the last one back as `since` to miss nothing.
    pub number: u64,
    /// `entry.created`, `entry.modified`, `entry.moved`, `entry.deleted`, `conflict`, `peer`, `standing`,
    /// `write_failed`, `fork`, `plugins.changed`, or `reload`: read everything again.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Notebook id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notebook: Option<String>,
    /// Entry id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Where it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it was, if it moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_path: Option<String>,
    /// Its version now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The device that made the last change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Cloneable: what has happened lately.
#[derive(Debug, Clone)]
pub struct Feed {
    ring: Arc<Mutex<Ring>>,
    last: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Ring {
    events: VecDeque<DeskEvent>,
    // The number before the first event in the ring.
    before: u64,
}

impl Feed {
    /// Empty. Numbers begin at the time of start, so that those of an earlier run are not taken for ours.
    fn new(start: u64) -> Self {
        let ring = Ring { events: VecDeque::new(), before: start };
        Self { ring: Arc::new(Mutex::new(ring)), last: Arc::new(watch::Sender::new(start)) }
    }

    /// Follows the daemon's notices for as long as it gives any.
    pub fn follow(daemon: Arc<Daemon>) -> Self {
        let start = u64::try_from(now_ms()).unwrap_or_default().saturating_mul(1000);
        let feed = Self::new(start);
        let notices = daemon.notices();
        let mut plugins = daemon.plugins().changes();
        tokio::spawn(pump(daemon, notices, feed.clone()));
        let of_plugins = feed.clone();
        tokio::spawn(async move {
            while plugins.changed().await.is_ok() {
                of_plugins.plugins_changed();
            }
        });
        feed
    }

    /// Something about plugins is otherwise.
    pub fn plugins_changed(&self) {
        self.push(DeskEvent { kind: "plugins.changed", ..DeskEvent::default() });
    }

    /// Adds an event and wakes the sockets.
    pub fn push(&self, mut event: DeskEvent) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let number = ring.before + ring.events.len() as u64 + 1;
        event.number = number;
        ring.events.push_back(event);
        if ring.events.len() > RING {
            ring.events.pop_front();
            ring.before += 1;
        }
        drop(ring);
        self.last.send_replace(number);
    }

    /// Events after a number, or one that says to reload if they are not all here.
    pub fn after(&self, since: u64) -> Vec<DeskEvent> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let last = ring.before + ring.events.len() as u64;
        if since < ring.before || since > last {
            return vec![DeskEvent { number: last, kind: "reload", ..DeskEvent::default() }];
        }
        let skip = usize::try_from(since - ring.before).unwrap_or(usize::MAX);
        ring.events.iter().skip(skip).cloned().collect()
    }

    /// The last number given out.
    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }
}

async fn pump(daemon: Arc<Daemon>, mut notices: broadcast::Receiver<NotebookNotice>, feed: Feed) {
    loop {
        let mut batch = Vec::new();
        match notices.recv().await {
            Ok(notice) => batch.push(notice),
            Err(broadcast::error::RecvError::Lagged(_)) => {
                feed.push(DeskEvent { kind: "reload", ..DeskEvent::default() });
                continue;
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
        while batch.len() < BATCH {
            match notices.try_recv() {
                Ok(notice) => batch.push(notice),
                Err(_) => break,
            }
        }
        let mut rest = batch.as_slice();
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|one| one.notebook == first.notebook).count();
            let (mine, others) = rest.split_at(same);
            for event in look_up(&daemon, mine).await {
                feed.push(event);
            }
            rest = others;
        }
    }
}

/// Events of one notebook. What cannot be looked up is told all the same.
async fn look_up(daemon: &Arc<Daemon>, notices: &[NotebookNotice]) -> Vec<DeskEvent> {
    let mut events: Vec<_> = notices.iter().map(plain).collect();
    let Some(notebook) = notices.first().and_then(|one| daemon.find(&one.notebook.to_string())) else {
        return events;
    };
    let ids: Vec<Option<EntryId>> = notices.iter().map(|one| subject(&one.news)).collect();
    let found = read(&notebook, move |reader| {
        Ok(ids.into_iter().map(|id| reading::any(reader, &id?).ok()).collect::<Vec<_>>())
    });
    for (event, found) in events.iter_mut().zip(found.await.unwrap_or_default()) {
        if let Some(found) = found {
            event.path = Some(found.path.to_string());
            event.version = Some(found.version().to_string());
            event.by = Some(found.row.author.to_string());
        }
    }
    events
}

fn subject(news: &News) -> Option<EntryId> {
    let News::Notice(notice) = news else { return None };
    match notice {
        Notice::Created(entry)
        | Notice::Modified(entry)
        | Notice::Moved { entry, .. }
        | Notice::Deleted(entry)
        | Notice::Conflict(entry)
        | Notice::Sealed(entry)
        | Notice::Commented(entry)
        | Notice::WriteFailed { entry, .. } => Some(*entry),
        Notice::Standing(_) | Notice::Peer(_) | Notice::Timestamped | Notice::Fork { .. } => None,
    }
}

fn plain(notice: &NotebookNotice) -> DeskEvent {
    let mut event = DeskEvent {
        notebook: Some(notice.notebook.to_string()),
        entry: subject(&notice.news).map(|entry| entry.to_string()),
        ..DeskEvent::default()
    };
    let News::Notice(notice) = &notice.news else {
        event.kind = "reload";
        return event;
    };
    event.kind = match notice {
        Notice::Created(_) => "entry.created",
        Notice::Modified(_) => "entry.modified",
        Notice::Moved { from, .. } => {
            event.old_path = Some(from.to_string());
            "entry.moved"
        }
        Notice::Deleted(_) => "entry.deleted",
        Notice::Conflict(_) => "conflict",
        Notice::Sealed(_) => "entry.sealed",
        Notice::Commented(_) => "comment",
        Notice::Timestamped => "timestamped",
        Notice::Standing(words) => {
            event.message = Some(words.clone());
            "standing"
        }
        Notice::Peer(device) => {
            event.by = Some(device.to_string());
            "peer"
        }
        Notice::WriteFailed { reason, .. } => {
            event.message = Some(reason.clone());
            "write_failed"
        }
        Notice::Fork { device, seq } => {
            event.by = Some(device.to_string());
            event.message = Some(format!("two records claim place {seq} in the journal of device {device}"));
            "fork"
        }
    };
    event
}

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// The last number that was seen.
    pub since: Option<u64>,
}

/// The socket of events.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(Since),
    responses((status = 101, description = "A WebSocket of `DeskEvent`s", body = DeskEvent)))]
pub async fn socket(
    State(desk): State<Desk>,
    Params(since): Params<Since>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let feed = desk.feed().clone();
    let since = since.since.unwrap_or_else(|| feed.last());
    Ok(upgrade.max_message_size(1024).on_upgrade(move |socket| tell(socket, feed, since)))
}

async fn tell(mut socket: WebSocket, feed: Feed, mut since: u64) {
    let mut last = feed.last.subscribe();
    loop {
        for event in feed.after(since) {
            since = event.number;
            let Ok(text) = serde_json::to_string(&event) else { return };
            if socket.send(Message::text(text)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            changed = last.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                // Nothing is asked for on this socket; pings are answered below us.
                Some(Ok(_)) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(events: &[DeskEvent]) -> Vec<u64> {
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn who_reconnects_misses_nothing_or_is_told_to_reload() {
        let feed = Feed::new(100);
        let push = |count: usize| {
            for _ in 0..count {
                feed.push(DeskEvent { kind: "entry.modified", ..DeskEvent::default() });
            }
        };
        push(3);
        assert_eq!(numbers(&feed.after(100)), [101, 102, 103]);
        assert_eq!(numbers(&feed.after(102)), [103]);
        assert_eq!(feed.after(103), []);
        for unknown in [0, 99, 104, u64::MAX] {
            let answer = feed.after(unknown);
            assert_eq!((answer[0].kind, answer[0].number), ("reload", 103), "{unknown}");
        }
        push(RING);
        assert_eq!(feed.after(102)[0].kind, "reload", "what fell out of the ring is not skipped silently");
        assert_eq!(feed.after(103).len(), RING);
    }
}
