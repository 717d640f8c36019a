//! What was: versions of an entry, bringing one back, and the inbox of conflicts.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::Deed;
use codex_crdt_model::event::{Request, Version};
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::store::Source;
use serde::Deserialize;
use utoipa::ToSchema;

use super::content::{Outgoing, ask_for_bytes, no_entry_in_reply, send};
use super::desk::{Desk, ask};
use super::dto::{Conflict, ConflictKind, Done, EntryDetails, Page, Paging, VersionRow, time};
use super::entries::details;
use super::error::ApiError;
use super::input::{Input, Params, Place};
use super::locks::refuse_if_locked;
use super::reading::{self, read};
use super::sidecar;
use crate::driver::Notebook;

const HISTORY_PAGE: usize = 200;

/// The versions of an entry, the newest first.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/history", tag = "history",
    params(("nb" = String, Path), ("e" = String, Path), Paging), responses((status = 200, body = Page<VersionRow>)))]
pub async fn history(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<VersionRow>>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    let skip = reading::offset(paging.cursor.as_deref())?;
    let limit = paging.limit.unwrap_or(HISTORY_PAGE).clamp(1, 1000);
    let of = notebook.id;
    let (items, more) = read(&notebook, move |reader| {
        let found = reading::any(reader, &id)?;
        let names = reading::names(reader)?;
        let people = reading::people(reader, &of)?;
        let mut rows = reader.history(&id)?;
        rows.reverse();
        // A birth that came from several devices is one version.
        let mut births = 0;
        rows.retain(|row| row.change.is_some() || std::mem::replace(&mut births, 1) == 0);
        let more = rows.len() > skip + limit;
        let document = reading::document(reader, &id, &found.row)?;
        let items = rows.into_iter().skip(skip).take(limit).map(|row| VersionRow {
            version: Version(row.change.into_iter().collect()).to_string(),
            device: row.device.to_string(),
            device_name: names.get(&row.device).cloned(),
            who: people.who_has(&row.device),
            time: time(row.time),
            did: match row.change {
                None => vec![Deed::Created.word()],
                Some(change) => document.deeds(&change).into_iter().map(Deed::word).collect(),
            },
        });
        Ok((items.collect(), more))
    })
    .await?;
    Ok(Json(Page { items, cursor: more.then(|| (skip + limit).to_string()) }))
}

/// The bytes of a version.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/versions/{v}/content", tag = "history",
    params(("nb" = String, Path), ("e" = String, Path), ("v" = String, Path)), responses((status = 200)))]
pub async fn version_content(
    State(desk): State<Desk>,
    Place((nb, e, v)): Place<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    let version: Version = v.parse()?;
    let outgoing = read(&notebook, move |reader| {
        let path = reading::any(reader, &id)?.path;
        let content = reading::view_at(reader, &id, &version)?.content;
        Ok(Outgoing { path, content, version, pinned: true, download: false })
    })
    .await?;
    ask_for_bytes(&desk, &notebook, &outgoing).await?;
    send(desk.daemon().blobs(), outgoing, &headers).await
}

/// Which version to bring back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Restore {
    /// The version. Absent: what is deleted comes back as it was, and in a folder, also in one that lives again, all that was
    /// deleted together with it.
    #[serde(alias = "at")]
    pub version: Option<String>,
    /// The entry is sealed and locked, and this is to amend it.
    #[serde(default)]
    pub amend: bool,
}

/// Brings a version back, as a new version; or what is deleted, a folder with all that was deleted with it, also if the
/// folder is there again.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/restore", tag = "history",
    params(("nb" = String, Path), ("e" = String, Path)), request_body = Restore,
    responses((status = 200, body = EntryDetails), (status = 400), (status = 404)))]
pub async fn restore(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Input(restore): Input<Restore>,
) -> Result<Json<EntryDetails>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    let at = restore.version.map(|version| version.trim_matches('"').parse()).transpose()?;
    if at.is_some() {
        refuse_if_locked(&notebook, id, restore.amend).await?;
    }
    let is_back = at.is_none();
    let went = read(&notebook, move |reader| Ok(reading::any(reader, &id)?.row)).await?;
    let reply = ask(&notebook, Request::Restore { entry: id, at }).await?;
    let Reply::Entry { entry, .. } = reply else { return Err(no_entry_in_reply()) };
    if is_back && !went.alive {
        for one in
            read(&notebook, move |reader| sidecar::that_went_with(reader, &entry, went.modified)).await?
        {
            ask(&notebook, Request::Restore { entry: one, at: None }).await?;
        }
    }
    Ok(Json(details(&notebook, entry).await?))
}

/// Which conflicts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichConflicts {
    /// Only of this notebook.
    pub notebook: Option<String>,
}

/// The inbox of all notebooks.
#[utoipa::path(get, path = "/api/v1/conflicts", tag = "conflicts", params(WhichConflicts),
    responses((status = 200, body = Page<Conflict>)))]
pub async fn conflicts(
    State(desk): State<Desk>,
    Params(which): Params<WhichConflicts>,
) -> Result<Json<Page<Conflict>>, ApiError> {
    let mut items = Vec::new();
    for notebook in desk.notebooks(which.notebook.as_deref())? {
        items.extend(open_conflicts(&notebook, None).await?);
    }
    Ok(Json(Page::whole(items)))
}

/// The inbox of a notebook.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/conflicts", tag = "conflicts", params(("nb" = String, Path)),
    responses((status = 200, body = Page<Conflict>)))]
pub async fn notebook_conflicts(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
) -> Result<Json<Page<Conflict>>, ApiError> {
    Ok(Json(Page::whole(open_conflicts(&desk.notebook(&nb)?, None).await?)))
}

/// The open conflicts of an entry.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/conflicts", tag = "conflicts",
    params(("nb" = String, Path), ("e" = String, Path)), responses((status = 200, body = Page<Conflict>)))]
pub async fn entry_conflicts(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<Json<Page<Conflict>>, ApiError> {
    let id: EntryId = e.parse()?;
    Ok(Json(Page::whole(open_conflicts(&desk.notebook(&nb)?, Some(id)).await?)))
}

/// Takes a conflict out of the inbox.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/conflicts/{number}", tag = "conflicts",
    params(("nb" = String, Path), ("number" = u64, Path)), responses((status = 200, body = Done), (status = 404)))]
pub async fn settle(
    State(desk): State<Desk>,
    Place((nb, number)): Place<(String, u64)>,
) -> Result<Json<Done>, ApiError> {
    ask(&desk.notebook(&nb)?, Request::Settle { conflict: number }).await?;
    Ok(Json(Done { done: true }))
}

async fn open_conflicts(notebook: &Notebook, entry: Option<EntryId>) -> Result<Vec<Conflict>, ApiError> {
    let id = notebook.id.to_string();
    read(notebook, move |reader| {
        let mut items = Vec::new();
        for (number, row) in reader.conflicts(entry.as_ref())? {
            let path = |id: &EntryId| reading::any(reader, id).map(|found| found.path.to_string());
            items.push(Conflict {
                notebook: id.clone(),
                number,
                entry: row.entry.to_string(),
                path: path(&row.entry).unwrap_or_default(),
                kind: readable(&row.kind),
                other_path: other(&row.kind).and_then(|id| path(&id).ok()),
                noticed: time(row.noticed),
            });
        }
        Ok(items)
    })
    .await
}

/// The other entry that a conflict is about.
fn other(kind: &codex_crdt_model::store::ConflictKind) -> Option<EntryId> {
    use codex_crdt_model::store::ConflictKind as Kind;
    match kind {
        Kind::Attachment { copy } | Kind::TextBecameBlob { copy } | Kind::Joined { copy } => Some(*copy),
        Kind::Name { other } => Some(*other),
        Kind::Property { .. } | Kind::Frontmatter | Kind::AfterCrash => None,
    }
}

/// The kind with ids as hex: the stored form has them as bytes.
fn readable(kind: &codex_crdt_model::store::ConflictKind) -> ConflictKind {
    use codex_crdt_model::store::ConflictKind as Kind;
    match kind {
        Kind::Property { key, shown, others } => {
            ConflictKind::Property { key: key.clone(), shown: shown.clone(), others: others.clone() }
        }
        Kind::Attachment { copy } => ConflictKind::Attachment { copy: copy.to_string() },
        Kind::Name { other } => ConflictKind::Name { other: other.to_string() },
        Kind::Frontmatter => ConflictKind::Frontmatter,
        Kind::AfterCrash => ConflictKind::AfterCrash,
        Kind::TextBecameBlob { copy } => ConflictKind::TextBecameBlob { copy: copy.to_string() },
        Kind::Joined { copy } => ConflictKind::Joined { copy: copy.to_string() },
    }
}
