//! Entries that are sealed and locked: the desk changes them, and what carries their properties, only as an amendment.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use codex_crdt_model::ids::{EntryId, NotebookId};
use codex_crdt_model::journal::Seal;
use codex_crdt_model::membership::Membership;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::seals;
use codex_crdt_model::store::Source;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::error::ApiError;
use super::reading::{self, read};
use super::sidecar;
use crate::driver::Notebook;
use crate::mirror::sidecar::{self as rule, FOLDER_FILE};

/// Whether a change amends a locked entry.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Amends {
    /// The entry is sealed and locked, and this is meant to amend it.
    #[serde(default)]
    pub amend: bool,
}

/// What an entry carries the properties of, if it is a sidecar or a folder's file; all that could be meant.
fn mains(source: &dyn Source, folder: &EntryId, name: &str) -> Result<Vec<EntryId>, ApiError> {
    if name == FOLDER_FILE {
        return Ok(vec![*folder]);
    }
    let mut mains = Vec::new();
    for main in rule::mains(name) {
        let Some(id) = source.at(folder, main)? else { continue };
        if source.entry(&id)?.is_some_and(|row| sidecar::can_have(main, row.kind)) {
            mains.push(id);
        }
    }
    Ok(mains)
}

/// The path of what is locked among some entries.
fn locked_of(
    source: &dyn Source,
    notebook: &NotebookId,
    entries: &[EntryId],
) -> Result<Option<EntryPath>, ApiError> {
    let mut people = None;
    for entry in entries {
        if source.seals(entry)?.is_empty() {
            continue;
        }
        let statements = source.statements()?;
        let people = people.get_or_insert_with(|| Membership::of(notebook, statements));
        if seals::of_entry(source, people, entry)?.iter().any(|sealed| sealed.locks) {
            return Ok(Some(reading::any(source, entry)?.path));
        }
    }
    Ok(None)
}

/// Refuses what would change a locked entry, or the sidecar of one, as if it were not, unless it says that it amends it.
pub async fn refuse_if_locked(notebook: &Notebook, id: EntryId, amends: bool) -> Result<(), ApiError> {
    if amends {
        return Ok(());
    }
    let of = notebook.id;
    let locked = read(notebook, move |reader| {
        let Some(row) = reader.entry(&id)? else { return Ok(None) };
        let mut concerned = vec![id];
        concerned.extend(mains(reader, &row.place_parent, &row.place_name)?);
        locked_of(reader, &of, &concerned)
    })
    .await?;
    locked.map_or(Ok(()), |path| Err(locked_error(&path)))
}

/// The same for a new entry: it may be the sidecar of one that is locked.
pub async fn refuse_new_if_locked(
    notebook: &Notebook,
    path: EntryPath,
    amends: bool,
) -> Result<(), ApiError> {
    if amends {
        return Ok(());
    }
    let of = notebook.id;
    let locked = read(notebook, move |reader| {
        let parent = path.parent().unwrap_or_default();
        let folder = if parent.is_root() { Some(EntryId::ROOT) } else { reading::at(reader, &parent)? };
        let Some(folder) = folder else { return Ok(None) };
        locked_of(reader, &of, &mains(reader, &folder, path.name())?)
    })
    .await?;
    locked.map_or(Ok(()), |path| Err(locked_error(&path)))
}

fn locked_error(path: &EntryPath) -> ApiError {
    let message = format!(
        "`{path}` is sealed and locked, so nothing was changed; to amend it, which shows beside the sealed version, say so \
         (`--amend`, in the API `amend=true`)"
    );
    ApiError::new(StatusCode::LOCKED, "locked", message).with(json!({"path": path.to_string()}))
}

/// Refuses to delete what is locked, or what holds something that is.
pub async fn refuse_if_locked_within(notebook: &Notebook, id: EntryId) -> Result<(), ApiError> {
    let of = notebook.id;
    let locked = read(notebook, move |reader| {
        let locks = |seal: &Seal| matches!(seal, Seal::Entry(what) if what.locks);
        let rows = reader.all_seals()?.into_iter().filter(|(_, row)| locks(&row.seal));
        let entries: BTreeSet<EntryId> = rows.map(|(_, row)| row.seal.entry()).collect();
        let mut within = Vec::new();
        for entry in entries {
            let mut at = entry;
            while let Some(row) = reader.entry(&at)?.filter(|row| row.alive) {
                if at == id {
                    within.push(entry);
                    break;
                }
                at = row.place_parent;
            }
        }
        locked_of(reader, &of, &within)
    })
    .await?;
    let Some(path) = locked else { return Ok(()) };
    let message = format!(
        "`{path}` is sealed and locked, so nothing was deleted; an owner can lift the lock first (`codexd unlock`)"
    );
    Err(ApiError::new(StatusCode::LOCKED, "locked", message).with(json!({"path": path.to_string()})))
}
