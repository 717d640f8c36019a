//! Entries: the tree, one entry, making, changing, moving, deleting.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::Request;
use codex_crdt_model::ids::{DeviceId, EntryId};
use codex_crdt_model::limits;
use codex_crdt_model::membership::Membership;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::Source;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::content::no_entry_in_reply;
use super::desk::{Desk, ask};
use super::dto::{Done, EntryDetails, Page, TreeItem, time};
use super::error::ApiError;
use super::input::{Input, Params, Place};
use super::links::{self, LinkChanges, MoveLinks};
use super::reading::{self, Found, mirror_is_fresh, read};
use super::{locks, properties, seals, search, sidecar, templates};
use crate::daemon::Names;
use crate::driver::Notebook;
use crate::mirror::text::{has_frontmatter, media_type};

const TREE_PAGE: usize = 500;

/// Which part of the tree.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichEntries {
    /// Entries in this folder; absent: at the top.
    pub parent: Option<String>,
    /// Only what is at this path.
    pub path: Option<String>,
    /// With `path`: also what was there and is deleted. Without: all that is deleted, the latest first.
    #[serde(default)]
    pub deleted: bool,
    /// At most so many.
    pub limit: Option<usize>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// One level of the tree, folders first, or the entry at one path.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries", tag = "entries", params(("nb" = String, Path), WhichEntries),
    responses((status = 200, body = Page<TreeItem>)))]
pub async fn list(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Params(which): Params<WhichEntries>,
) -> Result<Json<Page<TreeItem>>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    if let Some(path) = which.path {
        let path = EntryPath::parse(&path)?;
        let deleted = which.deleted;
        let found = read(&notebook, move |reader| match reading::at(reader, &path)? {
            Some(id) => Ok(Some(reading::alive(reader, &id)?)),
            None if deleted => reading::was_at(reader, &path),
            None => Ok(None),
        })
        .await?;
        return Ok(Json(Page::whole(found.iter().map(tree_item).collect())));
    }
    if which.deleted {
        return deleted(&notebook, which.cursor.as_deref(), which.limit).await.map(Json);
    }
    mirror_is_fresh(&notebook).await?;
    let parent = which.parent.as_deref().map(str::parse::<EntryId>).transpose()?.unwrap_or(EntryId::ROOT);
    if parent != EntryId::ROOT {
        read(&notebook, move |reader| reading::alive(reader, &parent)).await?;
    }
    let limit = which.limit.unwrap_or(TREE_PAGE).clamp(1, 5000);
    search::level(&notebook, parent, which.cursor, limit).await.map(Json)
}

async fn deleted(
    notebook: &Notebook,
    cursor: Option<&str>,
    limit: Option<usize>,
) -> Result<Page<TreeItem>, ApiError> {
    let skip = reading::offset(cursor)?;
    let limit = limit.unwrap_or(TREE_PAGE).clamp(1, 5000);
    let mut items = read(notebook, move |reader| {
        let rows = reader.deleted(skip, limit + 1)?;
        let found = rows.into_iter().map(|(id, row)| {
            let path = reading::path_of(reader, &row)?;
            Ok(tree_item(&Found { id, row, path }))
        });
        found.collect::<Result<Vec<TreeItem>, ApiError>>()
    })
    .await?;
    let more = items.len() > limit;
    items.truncate(limit);
    Ok(Page { items, cursor: more.then(|| (skip + limit).to_string()) })
}

/// One entry.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}", tag = "entries",
    params(("nb" = String, Path), ("e" = String, Path)),
    responses((status = 200, body = EntryDetails), (status = 404)))]
pub async fn show(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<Json<EntryDetails>, ApiError> {
    Ok(Json(details(&desk.notebook(&nb)?, e.parse()?).await?))
}

/// A new entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// Where. A taken name gets `-1`, `-2` … before its extension.
    pub path: String,
    /// Its text.
    pub content: Option<String>,
    /// Instead of `content`: the template that it is made of. A path that ends with `/`, or is empty, is then the folder for the
    /// template's own name.
    pub template: Option<String>,
    /// With `template`: what it is called; if not given, by its path.
    pub title: Option<String>,
    /// `text` (default) or `folder`.
    pub kind: Option<String>,
    /// Its properties.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Value>)]
    pub properties: Map<String, Value>,
}

/// Makes an entry.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries", tag = "entries", params(("nb" = String, Path)),
    request_body = NewEntry, responses((status = 201, body = EntryDetails), (status = 400)))]
pub async fn create(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Input(new): Input<NewEntry>,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let details = made(&desk, &notebook, new).await?;
    let place = format!("/api/v1/notebooks/{}/entries/{}", notebook.id, details.id);
    let tag = format!("\"{}\"", details.version);
    Ok((StatusCode::CREATED, [(LOCATION, place), (ETAG, tag)], Json(details)).into_response())
}

/// Makes an entry.
pub async fn made(desk: &Desk, notebook: &Notebook, new: NewEntry) -> Result<EntryDetails, ApiError> {
    let made = match &new.template {
        Some(_) if new.content.is_some() || new.kind.as_deref().is_some_and(|kind| kind != "text") => {
            return Err(ApiError::bad_request(
                "an entry is made of a template or of content, and is a text then",
            ));
        }
        Some(template) => {
            Some(templates::made(desk, notebook, template, &new.path, new.title.as_deref()).await?)
        }
        None => None,
    };
    let (path, text) = match made {
        Some(made) => (made.path, made.text),
        None => (EntryPath::parse(new.path.trim_end_matches('/'))?, new.content.unwrap_or_default()),
    };
    if path.is_root() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_path", "a new entry needs a name"));
    }
    let mut later = new.properties;
    let content = match new.kind.as_deref().unwrap_or("text") {
        "folder" if !text.is_empty() => return Err(ApiError::bad_request("a folder has no content")),
        "folder" => Content::Folder,
        "text" => {
            let begins_with_them = has_frontmatter(path.name()) && !text.starts_with("---");
            let text = if begins_with_them && !later.is_empty() {
                properties::new_text(path.name(), &text, &std::mem::take(&mut later))?
            } else {
                text
            };
            if !later.is_empty() {
                properties::refuse_for_new(&path, &text, &later)?;
            }
            text_content(desk, text).await?
        }
        other => return Err(ApiError::bad_request(format!("`{other}` is no kind: give `text` or `folder`"))),
    };
    locks::refuse_new_if_locked(notebook, path.clone(), false).await?;
    let reply = ask(notebook, Request::Create { path, content }).await?;
    let Reply::Entry { entry, .. } = reply else { return Err(no_entry_in_reply()) };
    properties::set(notebook, entry, properties::edits(later.into_iter().collect(), Vec::new())).await?;
    details(notebook, entry).await
}

/// A text, or bytes where it is too large for one.
pub async fn text_content(desk: &Desk, text: String) -> Result<Content, ApiError> {
    if text.len() <= limits::TEXT_BYTES && !text.contains('\0') {
        return Ok(Content::Text(text));
    }
    let blobs = desk.daemon().blobs();
    let size = text.len() as u64;
    let hash = blobs.import_bytes(text.into_bytes().into()).await?;
    blobs.sync().await?;
    Ok(Content::Blob { hash, size })
}

/// What shall change about an entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryChange {
    /// Its new path; missing folders are made.
    pub path: Option<String>,
    /// Properties to set.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// Properties to remove.
    #[serde(default)]
    pub remove_properties: Vec<String>,
    /// The entry is sealed and locked, and its properties are to be amended.
    #[serde(default)]
    pub amend: bool,
    /// With `path`: what becomes of links to it, and out of it. Absent: they stay as they are written.
    pub links: Option<MoveLinks>,
}

/// An entry that was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedEntry {
    /// The entry as it is now.
    #[serde(flatten)]
    pub entry: EntryDetails,
    /// What was, or would be, done to links, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<LinkChanges>,
}

/// Moves an entry or sets its properties; never touches other keys or the body.
#[utoipa::path(patch, path = "/api/v1/notebooks/{nb}/entries/{e}", tag = "entries",
    params(("nb" = String, Path), ("e" = String, Path)), request_body = EntryChange,
    responses((status = 200, body = ChangedEntry), (status = 404), (status = 422)))]
pub async fn change(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Input(change): Input<EntryChange>,
) -> Result<(HeaderMap, Json<ChangedEntry>), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    // Checked before anything is changed: a request is carried out as a whole or refused.
    let to = change.path.as_deref().map(EntryPath::parse).transpose()?;
    read(&notebook, move |reader| reading::alive(reader, &id)).await?;
    let edits = properties::edits(change.properties, change.remove_properties);
    if change.links == Some(MoveLinks::Preview) && !edits.is_empty() {
        return Err(ApiError::bad_request("a preview changes nothing: leave the properties out"));
    }
    if !edits.is_empty() {
        let written = read(&notebook, move |reader| properties::written(reader, &id)).await?;
        for entry in written.into_iter().chain([id]) {
            locks::refuse_if_locked(&notebook, entry, change.amend).await?;
        }
    }
    properties::set(&notebook, id, edits).await?;
    let links = match to {
        Some(to) => links::moved(&notebook, id, to, change.links.unwrap_or(MoveLinks::Keep)).await?,
        None => None,
    };
    let entry = details(&notebook, id).await?;
    let mut headers = HeaderMap::new();
    if let Ok(tag) = format!("\"{}\"", entry.version).parse() {
        headers.insert(ETAG, tag);
    }
    Ok((headers, Json(ChangedEntry { entry, links })))
}

/// Moves an entry and the sidecars that it has.
pub async fn move_with_sidecars(notebook: &Notebook, id: EntryId, to: EntryPath) -> Result<(), ApiError> {
    let (from, sidecars) = with_sidecars(notebook, id).await?;
    let reply = ask(notebook, Request::Move { entry: id, to }).await?;
    // A taken name may have been changed: the sidecars follow where the file really went.
    let Reply::Entry { path: went, .. } = reply else { return Err(no_entry_in_reply()) };
    let folder = went.parent().unwrap_or_default();
    for sidecar in sidecars {
        let Some(name) = sidecar::renamed(&sidecar.name, &from, went.name()) else { continue };
        codex_crdt_model::path::check_name(&name)?;
        ask(notebook, Request::Move { entry: sidecar.entry, to: folder.join(&name) }).await?;
    }
    Ok(())
}

async fn with_sidecars(
    notebook: &Notebook,
    id: EntryId,
) -> Result<(String, Vec<sidecar::Sidecar>), ApiError> {
    read(notebook, move |reader| {
        let found = reading::alive(reader, &id)?;
        let sidecars = sidecar::of(reader, &found)?;
        Ok((found.row.place_name, sidecars))
    })
    .await
}

/// Deletes an entry, all that is in it, and its sidecars. It stays in history and can be restored.
#[utoipa::path(delete, path = "/api/v1/notebooks/{nb}/entries/{e}", tag = "entries",
    params(("nb" = String, Path), ("e" = String, Path)), responses((status = 200, body = Done), (status = 404)))]
pub async fn remove(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<Json<Done>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    // A sidecar too: its main file's properties go with it.
    locks::refuse_if_locked(&notebook, id, false).await?;
    locks::refuse_if_locked_within(&notebook, id).await?;
    let (_, sidecars) = with_sidecars(&notebook, id).await?;
    ask(&notebook, Request::Delete { entry: id }).await?;
    for sidecar in sidecars {
        ask(&notebook, Request::Delete { entry: sidecar.entry }).await?;
    }
    Ok(Json(Done { done: true }))
}

/// Fetches an attachment that the notebook's fetch policy leaves with the others, or all in a folder. It arrives
/// when a device that holds it is connected; the event `entry.modified` tells.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/fetch", tag = "entries",
    params(("nb" = String, Path), ("e" = String, Path)),
    responses((status = 202, body = Fetching, description = "What is missing is wanted now"),
        (status = 200, body = Fetching, description = "Nothing is missing"), (status = 404)))]
pub async fn fetch(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<(StatusCode, Json<Fetching>), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let entry: EntryId = e.parse()?;
    ask(&notebook, Request::Fetch { entry }).await?;
    let missing = read(&notebook, move |reader| reading::missing_within(reader, entry)).await?;
    let status = if missing == 0 { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(Fetching { done: true, missing })))
}

/// A device, and whether it holds what an entry says now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Holder {
    /// Device id.
    pub device: String,
    /// What it calls itself.
    pub name: String,
    /// Whether it is this device.
    pub this_device: bool,
    /// By its last receipt. Nothing where that says neither yes nor no: it is older than the entry's last change.
    pub holds: Option<bool>,
}

/// Where an entry is held: on which members' devices.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/holders", tag = "entries",
    params(("nb" = String, Path), ("e" = String, Path)), responses((status = 200, body = Page<Holder>), (status = 404)))]
pub async fn holders(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<Json<Page<Holder>>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    let own = desk.daemon().device();
    let behind: BTreeMap<String, u64> = notebook
        .standing()
        .borrow()
        .peers
        .iter()
        .map(|peer| (peer.device.clone(), peer.records_behind))
        .collect();
    let items = read(&notebook, move |reader| {
        let row = reading::alive(reader, &id)?.row;
        let receipts = reader.receipts()?;
        let here = row.kind != Kind::Blob || reader.blob_missing(&row.hash)?.is_none();
        let holder = |(device, name): (DeviceId, String)| {
            let receipt = receipts.iter().find(|receipt| receipt.device == device);
            let is_new = behind.get(&device.to_string()).is_none_or(|&records| records > 0);
            let holds = match receipt {
                _ if device == own => Some(here),
                Some(receipt) if !is_new => match receipt.blobs_missing.contains(&row.hash) {
                    true => Some(false),
                    // A list that was cut short says nothing of what is not in it.
                    false => {
                        (receipt.blobs_missing.len() as u64 == receipt.blobs_missing_count).then_some(true)
                    }
                },
                _ => None,
            };
            Holder { device: device.to_string(), name, this_device: device == own, holds }
        };
        Ok(reading::names(reader)?.into_iter().map(holder).collect())
    })
    .await?;
    Ok(Json(Page::whole(items)))
}

/// How far a fetch is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fetching {
    /// Always true: what is missing is wanted now.
    pub done: bool,
    /// Attachments that are still to come.
    pub missing: u64,
}

/// Everything about one entry, from the store and the mirror.
pub async fn details(notebook: &Notebook, id: EntryId) -> Result<EntryDetails, ApiError> {
    mirror_is_fresh(notebook).await?;
    let of = notebook.id;
    let (found, author_name, available, seal) = read(notebook, move |reader| {
        let found = reading::alive(reader, &id)?;
        let missing = found.row.kind == Kind::Blob && reader.blob_missing(&found.row.hash)?.is_some();
        let membership = Membership::of(&of, reader.statements()?);
        let seal = seals::mark(reader, &id, &membership)?;
        let author_name = Names::of(&membership).who_has(&found.row.author);
        Ok((found, author_name, !missing, seal))
    })
    .await?;
    let facts = search::facts(notebook, id).await?;
    let row = &found.row;
    Ok(EntryDetails {
        id: id.to_string(),
        name: row.place_name.clone(),
        path: found.path.to_string(),
        parent: (row.place_parent != EntryId::ROOT).then(|| row.place_parent.to_string()),
        kind: row.kind.into(),
        media_type: media_type(&row.place_name, row.kind),
        size: row.size,
        hash: row.hash.to_string(),
        version: found.version().to_string(),
        properties: facts.properties,
        tags: facts.tags,
        title: facts.title,
        created: time(row.created),
        modified: time(row.modified),
        author: row.author.to_string(),
        author_name,
        available,
        warnings: facts.warnings,
        seal,
    })
}

/// One row of the tree, from the store.
pub fn tree_item(found: &Found) -> TreeItem {
    let row = &found.row;
    TreeItem {
        id: found.id.to_string(),
        name: row.place_name.clone(),
        path: found.path.to_string(),
        kind: row.kind.into(),
        media_type: media_type(&row.place_name, row.kind),
        size: row.size,
        hash: row.hash.to_string(),
        title: None,
        version: Some(found.version().to_string()),
        children: (row.kind == Kind::Folder).then_some(u64::from(row.live_children)),
        modified: time(row.modified),
    }
}
