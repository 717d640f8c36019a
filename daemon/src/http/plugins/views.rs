//! Views: what a `.cdx` says, held against what the plugins here can show.

use axum::Json;
use axum::extract::State;
use codex_crdt_model::entry::birth::Content;
use codex_crdt_model::ids::EntryId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{WhichScope, scope};
use crate::http::desk::Desk;
use crate::http::error::ApiError;
use crate::http::input::{Input, Params, Place};
use crate::http::reading::{self, blocking, read};
use crate::plugins::examples::ExampleView;
use crate::plugins::view::{self, ViewFile};
use crate::plugins::{Plugin, State as PluginState};

/// What a `.cdx` says, and what is wrong with it, line by line.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/view", tag = "views",
    params(("nb" = String, Path), ("e" = String, Path)), responses((status = 200, body = ViewFile), (status = 404)))]
pub async fn show(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<Json<ViewFile>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    let content = read(&notebook, move |reader| {
        let found = reading::alive(reader, &id)?;
        Ok((reading::content(reader, &found)?, found.path))
    });
    let (content, path) = content.await?;
    let Content::Text(text) = content else {
        return Err(ApiError::bad_request(format!("`{path}` is no text, so it is no view")));
    };
    said(&desk, text, Some(notebook.id.to_string())).await
}

/// Views to start from.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExampleViews {
    /// Those of the plugins that are on, in the order in which these are loaded.
    pub examples: Vec<ExampleView>,
}

/// Views to start from, of the plugins that are on there.
#[utoipa::path(get, path = "/api/v1/views/examples", tag = "views", params(WhichScope),
    responses((status = 200, body = ExampleViews)))]
pub async fn examples(
    State(desk): State<Desk>,
    Params(which): Params<WhichScope>,
) -> Result<Json<ExampleViews>, ApiError> {
    let scope = scope(&desk, which.workspace.as_deref(), which.notebook.as_deref())?;
    let plugins = desk.daemon().plugins().clone();
    let said = blocking(move || Ok(Json(ExampleViews { examples: plugins.examples(&scope)? })));
    said.await
}

/// A text that may become a view.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewText {
    /// What a `.cdx` would hold.
    pub text: String,
    /// The notebook in which it would be: which plugins are on there.
    pub notebook: Option<String>,
}

/// What a text would say as a `.cdx`.
#[utoipa::path(post, path = "/api/v1/views/check", tag = "views", request_body = ViewText,
    responses((status = 200, body = ViewFile)))]
pub async fn check(
    State(desk): State<Desk>,
    Input(ViewText { text, notebook }): Input<ViewText>,
) -> Result<Json<ViewFile>, ApiError> {
    said(&desk, text, notebook).await
}

async fn said(desk: &Desk, text: String, notebook: Option<String>) -> Result<Json<ViewFile>, ApiError> {
    let scope = scope(desk, None, notebook.as_deref())?;
    let plugins = desk.daemon().plugins().clone();
    let said = blocking(move || {
        let is_on =
            |plugin: &Plugin| plugins.state(plugin, &scope).is_ok_and(|(state, _)| state == PluginState::On);
        Ok(Json(view::read(&text, &plugins.catalogue(), &is_on)))
    });
    said.await
}
