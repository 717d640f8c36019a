//! Registering, naming, pausing and forgetting notebooks.

use std::path::Path as FsPath;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use codex_crdt_model::event::Request;
use codex_crdt_model::ids::NotebookId;
use codex_crdt_model::store::{BadFetchPolicy, FetchPolicy};
use serde::Deserialize;
use utoipa::ToSchema;

use super::desk::{Desk, ask};
use super::dto::{Done, Page};
use super::error::{ApiError, of_daemon};
use super::input::{Input, Place};
use super::reading::blocking;
use super::status::{NotebookStatus, of_notebook};
use crate::home::example;

/// All registered notebooks.
#[utoipa::path(get, path = "/api/v1/notebooks", tag = "notebooks", responses((status = 200, body = Page<NotebookStatus>)))]
pub async fn list(State(desk): State<Desk>) -> Json<Page<NotebookStatus>> {
    let all = desk.daemon().list().into_iter().map(|one| of_notebook(&desk, one)).collect();
    Json(Page::whole(all))
}

/// A folder to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotebook {
    /// Its absolute path; made if it is not there.
    pub path: String,
    /// The notebook's name; default: the folder's.
    pub name: Option<String>,
    /// Workspace slug.
    pub workspace: Option<String>,
}

/// Registers a folder.
#[utoipa::path(post, path = "/api/v1/notebooks", tag = "notebooks", request_body = NewNotebook,
    responses((status = 201, body = NotebookStatus), (status = 422, description = "`cannot_add`")))]
pub async fn add(
    State(desk): State<Desk>,
    Input(new): Input<NewNotebook>,
) -> Result<(StatusCode, Json<NotebookStatus>), ApiError> {
    let path = FsPath::new(&new.path);
    if !path.is_absolute() || new.path.contains('\0') {
        let message = format!("cannot add `{}`: give the folder's absolute path", new.path.escape_debug());
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_path", message));
    }
    let name = new.name.filter(|name| !name.trim().is_empty());
    let added = desk.daemon().add(path, name, new.workspace).await;
    let added = added.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_add"))?;
    Ok((StatusCode::CREATED, Json(of_notebook(&desk, added))))
}

/// Makes an example notebook to look around in, in the home.
#[utoipa::path(post, path = "/api/v1/examples", tag = "notebooks",
    responses((status = 201, body = NotebookStatus), (status = 422, description = "`cannot_add`")))]
pub async fn add_example(State(desk): State<Desk>) -> Result<(StatusCode, Json<NotebookStatus>), ApiError> {
    let dir = desk.daemon().home().notebooks_dir();
    let path = blocking(move || {
        let names = std::iter::once(example::NAME.to_owned())
            .chain((1..).map(|number| format!("{}-{number}", example::NAME)));
        let mut free = names.map(|name| dir.join(name)).filter(|path| !path.exists());
        let path = free.next().ok_or_else(|| ApiError::internal("every name for an example is taken"))?;
        example::write(&path)?;
        Ok(path)
    })
    .await?;
    let added = desk.daemon().add(&path, Some(example::NAME.to_owned()), None).await;
    let added = added.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_add"))?;
    Ok((StatusCode::CREATED, Json(of_notebook(&desk, added))))
}

/// One notebook.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}", tag = "notebooks", params(("nb" = String, Path)),
    responses((status = 200, body = NotebookStatus), (status = 404)))]
pub async fn show(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
) -> Result<Json<NotebookStatus>, ApiError> {
    Ok(Json(of_notebook(&desk, desk.registered(&nb)?)))
}

/// What shall change about a notebook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotebookChange {
    /// Its name on this device.
    pub name: Option<String>,
    /// Which attachments this device fetches: `all`, `below:SIZE` (as in `below:10MB`) or `on-demand`.
    pub fetch: Option<String>,
    /// `true`: touch neither files nor records; `false`: go on.
    pub paused: Option<bool>,
    /// With `paused: false`: carry held deletions out, instead of restoring what was deleted.
    #[serde(default)]
    pub accept_deletions: bool,
    /// `true`, while joining: stop waiting for peers and take what is on disk as it is.
    #[serde(default)]
    pub start_alone: bool,
}

/// Names, pauses or resumes a notebook, or says which attachments it fetches.
#[utoipa::path(patch, path = "/api/v1/notebooks/{nb}", tag = "notebooks", params(("nb" = String, Path)),
    request_body = NotebookChange, responses((status = 200, body = NotebookStatus), (status = 404)))]
pub async fn change(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Input(change): Input<NotebookChange>,
) -> Result<Json<NotebookStatus>, ApiError> {
    let one = desk.registered(&nb)?;
    if let Some(name) = change.name {
        if name.trim().is_empty() {
            return Err(ApiError::bad_request("a notebook needs a name"));
        }
        let renamed = desk.daemon().rename(&one.id.parse()?, name.trim());
        renamed.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_rename"))?;
    }
    if let Some(fetch) = change.fetch {
        let policy: FetchPolicy =
            fetch.parse().map_err(|error: BadFetchPolicy| ApiError::bad_request(error.to_string()))?;
        ask(&desk.notebook(&one.id)?, Request::SetFetchPolicy(policy)).await?;
    }
    let request = match change.paused {
        Some(true) => Some(Request::Pause),
        Some(false) => Some(Request::Resume { accept_deletions: change.accept_deletions }),
        None => change.start_alone.then_some(Request::StartAlone),
    };
    if let Some(request) = request {
        ask(&desk.notebook(&one.id)?, request).await?;
    }
    Ok(Json(of_notebook(&desk, desk.registered(&one.id)?)))
}

/// Forgets a notebook on this device. No file is touched.
#[utoipa::path(delete, path = "/api/v1/notebooks/{nb}", tag = "notebooks", params(("nb" = String, Path)),
    responses((status = 200, body = Done), (status = 404)))]
pub async fn remove(State(desk): State<Desk>, Place(nb): Place<String>) -> Result<Json<Done>, ApiError> {
    let id: NotebookId = desk.registered(&nb)?.id.parse()?;
    let removed = desk.daemon().remove(&id).await;
    removed.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_remove"))?;
    Ok(Json(Done { done: true }))
}

/// Drops the mirror and reads the store again.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/mirror/rebuild", tag = "notebooks", params(("nb" = String, Path)),
    responses((status = 200, body = Done)))]
pub async fn rebuild_mirror(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
) -> Result<Json<Done>, ApiError> {
    desk.notebook(&nb)?.mirror.rebuild();
    Ok(Json(Done { done: true }))
}
