//! Reading a notebook's store for a page: places, documents, names. Blocking; run by [`read`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::entry::{Document, View};
use codex_crdt_model::event::Version;
use codex_crdt_model::ids::{DeviceId, EntryId, NotebookId};
use codex_crdt_model::membership::Membership;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::{EntryRow, Source};

use super::error::ApiError;
use crate::daemon::Names;
use crate::driver::Notebook;
use crate::store::Reader;

/// How long an answer may wait for the mirror to show what the store already holds.
const MIRROR_WAIT: Duration = Duration::from_millis(300);

/// How long something waits that must not go by less.
const MIRROR_SHOWS_ALL: Duration = Duration::from_secs(5);

/// An entry and where it is.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub id: EntryId,
    /// Its row.
    pub row: EntryRow,
    /// Its path in the derived tree.
    pub path: EntryPath,
}

impl Found {
    /// The version that the row names.
    pub fn version(&self) -> Version {
        Version(self.row.heads.clone())
    }
}

/// Runs `work` with a reading connection, on a thread that may block.
pub async fn read<T, W>(notebook: &Notebook, work: W) -> Result<T, ApiError>
where
    T: Send + 'static,
    W: FnOnce(&Reader) -> Result<T, ApiError> + Send + 'static,
{
    let notebook = notebook.clone();
    blocking(move || {
        notebook.read(work).map_err(|error| {
            ApiError::internal(format!("cannot read the notebook at {}: {error:#}", notebook.root.display()))
        })?
    })
    .await
}

/// Runs `work` on a thread that may block.
pub async fn blocking<T, W>(work: W) -> Result<T, ApiError>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, ApiError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ApiError::internal(format!("the request broke off: {error}"))),
    }
}

/// Waits, for a moment at most, until the mirror shows what the store holds.
pub async fn mirror_is_fresh(notebook: &Notebook) -> Result<(), ApiError> {
    let revision = read(notebook, |reader| Ok(reader.meta()?.map_or(0, |meta| meta.revision))).await?;
    // Late is better than never: a large import must not stop the pages.
    let _ = tokio::time::timeout(MIRROR_WAIT, notebook.mirror.caught_up(revision)).await;
    Ok(())
}

/// Waits until the mirror shows what the store holds, or says that it does not.
pub async fn mirror_shows_all(notebook: &Notebook) -> Result<(), ApiError> {
    let revision = read(notebook, |reader| Ok(reader.meta()?.map_or(0, |meta| meta.revision))).await?;
    let shown = tokio::time::timeout(MIRROR_SHOWS_ALL, notebook.mirror.caught_up(revision)).await;
    shown.map(drop).map_err(|_| {
        let message = "the links of this notebook are still being read; try again in a moment";
        ApiError::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "not_ready", message)
    })
}

/// How many items of a list were on the pages before, as its cursor says.
pub fn offset(cursor: Option<&str>) -> Result<usize, ApiError> {
    let parsed = cursor
        .map(|cursor| cursor.parse().map_err(|_| ApiError::bad_request("the cursor is not from this list")));
    parsed.unwrap_or(Ok(0))
}

/// An entry that is in the tree.
pub fn alive(source: &dyn Source, id: &EntryId) -> Result<Found, ApiError> {
    let found = any(source, id)?;
    if found.row.alive {
        return Ok(found);
    }
    Err(ApiError::not_found(format!("the entry {id} (`{}`) is deleted", found.path)).with(
        serde_json::json!({"entry": id.to_string(), "deleted": true, "version": found.version().to_string()}),
    ))
}

/// An entry, deleted or not.
pub fn any(source: &dyn Source, id: &EntryId) -> Result<Found, ApiError> {
    let Some(row) = source.entry(id)? else {
        return Err(ApiError::not_found(format!("there is no entry {id}")));
    };
    let path = path_of(source, &row)?;
    Ok(Found { id: *id, row, path })
}

/// The path of an entry in the derived tree.
pub fn path_of(source: &dyn Source, row: &EntryRow) -> Result<EntryPath, ApiError> {
    Ok(EntryPath::parse(&codex_crdt_model::view::path(source, row)?)?)
}

/// How many attachments of an entry, or in a folder, are not here.
pub fn missing_within(source: &dyn Source, id: EntryId) -> Result<u64, ApiError> {
    let mut missing = BTreeSet::new();
    let mut all = vec![id];
    while let Some(id) = all.pop() {
        let Some(row) = source.entry(&id)?.filter(|row| row.alive) else { continue };
        match row.kind {
            Kind::Folder => all.extend(source.children(&id)?),
            Kind::Blob if source.blob_missing(&row.hash)?.is_some() => drop(missing.insert(id)),
            _ => {}
        }
    }
    Ok(missing.len() as u64)
}

/// What is at a path; `None` if nothing is.
pub fn at(source: &dyn Source, path: &EntryPath) -> Result<Option<EntryId>, ApiError> {
    let mut here = EntryId::ROOT;
    for name in path.names() {
        match source.at(&here, name)? {
            Some(next) => here = next,
            None => return Ok(None),
        }
    }
    Ok((here != EntryId::ROOT).then_some(here))
}

/// What was at a path and is deleted: of several, the one that changed last.
pub fn was_at(source: &dyn Source, path: &EntryPath) -> Result<Option<Found>, ApiError> {
    let mut here = EntryId::ROOT;
    for name in path.names() {
        let mut latest: Option<(bool, i64, EntryId)> = None;
        for id in source.namesakes(&here, name)? {
            let Some(row) = source.entry(&id)? else { continue };
            latest = latest.max(Some((row.alive, row.modified, id)));
        }
        let Some((_, _, next)) = latest else { return Ok(None) };
        here = next;
    }
    if here == EntryId::ROOT { Ok(None) } else { any(source, &here).map(Some) }
}

/// The document of an entry.
pub fn document(source: &dyn Source, id: &EntryId, row: &EntryRow) -> Result<Document, ApiError> {
    Ok(codex_crdt_model::view::document(source, id, row.birth)?)
}

/// What an entry said at a version.
pub fn view_at(source: &dyn Source, id: &EntryId, version: &Version) -> Result<View, ApiError> {
    let found = any(source, id)?;
    let view = document(source, id, &found.row)?.view_at(&version.0);
    view.ok_or_else(|| codex_crdt_model::effect::Refusal::NoVersion(*id, version.clone()).into())
}

/// The content of an entry now. Only a text's document is loaded.
pub fn content(source: &dyn Source, found: &Found) -> Result<Content, ApiError> {
    match found.row.kind {
        Kind::Blob => Ok(Content::Blob { hash: found.row.hash, size: found.row.size }),
        Kind::Folder => Ok(Content::Folder),
        Kind::Text | Kind::Symlink => {
            let document = document(source, &found.id, &found.row)?;
            let view = document.view_at(&found.row.heads).unwrap_or_else(|| document.view());
            Ok(view.content)
        }
    }
}

/// Who everybody is that ever belonged.
pub fn people(source: &dyn Source, notebook: &NotebookId) -> Result<Names, ApiError> {
    Ok(Names::of(&Membership::of(notebook, source.statements()?)))
}

/// What the members' devices call themselves.
pub fn names(source: &dyn Source) -> Result<BTreeMap<DeviceId, String>, ApiError> {
    Ok(source.members()?.into_iter().map(|(device, member)| (device, member.name)).collect())
}
