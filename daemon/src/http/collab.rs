//! The socket of an entry that is being edited: who else has it open, where they stand, and what they have typed and not
//! saved yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use codex_crdt_model::ids::{DeviceId, EntryId};
use codex_crdt_model::journal::Role;
use codex_crdt_model::membership::Membership;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::desk::Desk;
use super::error::ApiError;
use super::input::Place;
use super::people::membership;
use super::reading::{self, read};
use crate::driver::Notebook;
use crate::live::{MESSAGE_BYTES, Word};

/// Pages of this run.
static PAGES: AtomicU64 = AtomicU64::new(1);

/// What a page says of itself. Each word says it all: nothing refers to the one before. What a later version says besides is
/// not heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Presence {
    /// The version that the page's text was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What was typed since and is not saved: a CodeMirror change set on that version's text, in UTF-16 code units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>)]
    pub changes: Option<Value>,
    /// Anchor and head of the selection, in the text with those changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<(u32, u32)>,
}

/// What a page hears of another one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heard {
    /// Which page: the same for as long as it is open.
    pub page: String,
    /// On which device.
    pub device: String,
    /// Whose it is.
    pub name: String,
    /// That person's colour, as `#rrggbb`.
    pub colour: String,
    /// What it says; nothing once it is closed.
    pub says: Option<Presence>,
}

/// The socket: a page sends `Presence` and hears `Heard`.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/collab", tag = "content",
    params(("nb" = String, Path), ("e" = String, Path)),
    responses((status = 101, description = "A WebSocket: `Presence` in, `Heard` out", body = Heard), (status = 404)))]
pub async fn socket(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let entry: EntryId = e.parse()?;
    read(&notebook, move |reader| reading::alive(reader, &entry).map(|_| ())).await?;
    Ok(upgrade.max_message_size(MESSAGE_BYTES).on_upgrade(move |socket| talk(socket, desk, notebook, entry)))
}

async fn talk(mut socket: WebSocket, desk: Desk, notebook: Notebook, entry: EntryId) {
    let page = PAGES.fetch_add(1, Ordering::Relaxed);
    let mut words = desk.daemon().talk().hear();
    let mut members = Members { notebook: notebook.clone(), known: None };
    let own = |says: Option<String>| Word {
        notebook: notebook.id,
        entry,
        device: desk.daemon().device(),
        page,
        says,
    };
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let Ok(presence) = serde_json::from_str::<Presence>(&text) else { break };
                    let Some(membership) = members.now().await else { break };
                    let Some(says) = allowed(presence, &membership, &desk.daemon().device()) else { continue };
                    desk.daemon().say(own(serde_json::to_string(&says).ok()));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            word = words.recv() => {
                let word = match word {
                    Ok(word) => word,
                    // The next word says it all.
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => break,
                };
                let is_own = word.device == desk.daemon().device() && word.page == page;
                if is_own || (word.notebook, word.entry) != (notebook.id, entry) {
                    continue;
                }
                let Some(membership) = members.now().await else { break };
                let Some(heard) = heard(&membership, word) else { continue };
                let Ok(text) = serde_json::to_string(&heard) else { continue };
                if socket.send(Message::text(text)).await.is_err() {
                    break;
                }
            }
        }
    }
    desk.daemon().say(own(None));
}

/// What of a presence whoever says it may say: a text is changed by those who may change it.
fn allowed(presence: Presence, membership: &Membership, device: &DeviceId) -> Option<Presence> {
    let role = membership.role(device)?;
    let changes = presence.changes.filter(|changes| changes.is_array() && role.is_at_least(Role::Editor));
    Some(Presence { changes, ..presence })
}

/// Who belongs, looked up again after a second.
struct Members {
    notebook: Notebook,
    known: Option<(Instant, Arc<Membership>)>,
}

impl Members {
    async fn now(&mut self) -> Option<Arc<Membership>> {
        if let Some((at, known)) = &self.known
            && at.elapsed() < Duration::from_secs(1)
        {
            return Some(Arc::clone(known));
        }
        let membership = Arc::new(membership(self.notebook.clone()).await.ok()?);
        self.known = Some((Instant::now(), Arc::clone(&membership)));
        Some(membership)
    }
}

/// A word of somebody who belongs here, for a page; `None` if it is none.
fn heard(membership: &Membership, word: Word) -> Option<Heard> {
    let says = match word.says {
        Some(text) => Some(allowed(serde_json::from_str(&text).ok()?, membership, &word.device)?),
        None => None,
    };
    let person = membership.person_of(&word.device);
    let person = membership.people().into_iter().find(|one| Some(one.id) == person)?;
    let [red, green, blue] = person.colour.unwrap_or([0x6b, 0x72, 0x80]);
    Some(Heard {
        page: format!("{}-{}", word.device.short(), word.page),
        device: word.device.to_string(),
        name: person.name,
        colour: format!("#{red:02x}{green:02x}{blue:02x}"),
        says,
    })
}
