//! Files of other programs, made into entries by plugins' code.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use codex_crdt_model::path::EntryPath;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::scope;
use crate::http::desk::Desk;
use crate::http::entries::{self, NewEntry};
use crate::http::error::ApiError;
use crate::http::input::{Params, Place};
use crate::http::reading::blocking;
use crate::plugins::PluginError;
use crate::plugins::code::{self, Imported};

/// How a file is imported.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Import {
    /// The notebook.
    pub notebook: String,
    /// What the file is called.
    pub name: String,
    /// The folder in which the entries are made; not given: at the top.
    pub folder: Option<String>,
    /// Only say what would be made.
    #[serde(default)]
    pub preview: bool,
}

/// What was made of a file, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportAnswer {
    /// Entries, as the code gave them.
    pub entries: Vec<Imported>,
    /// Their ids, in the same order; none for a preview.
    pub made: Vec<String>,
}

/// Makes entries of a file with a plugin's code. What is there stays: a taken name gets a number.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/importers/{importer}", tag = "plugins",
    params(("id" = String, Path), ("importer" = String, Path), Import),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, body = ImportAnswer), (status = 400, description = "Why not: the code's own words too")))]
pub async fn import(
    State(desk): State<Desk>,
    Place((id, importer)): Place<(String, String)>,
    Params(import): Params<Import>,
    bytes: Bytes,
) -> Result<Json<ImportAnswer>, ApiError> {
    let scope = scope(&desk, None, Some(&import.notebook))?;
    let notebook = desk.notebook(&import.notebook)?;
    let folder = EntryPath::parse(import.folder.as_deref().unwrap_or_default().trim_matches('/'))?;
    let plugins = desk.daemon().plugins().clone();
    let name = import.name.clone();
    let entries = blocking(move || {
        let plugin = plugins.running(&id, &scope)?;
        let found = plugin.manifest.importers.iter().find(|one| one.id == importer);
        let found = found
            .ok_or_else(|| ApiError::not_found(format!("the plugin `{id}` has no importer `{importer}`")))?;
        let script = plugin.files.text(&found.script).map_err(PluginError::Refused)?;
        code::import(&script, &name, &bytes).map_err(|why| {
            plugins.refuse(&id, &format!("importer {importer}"), &why);
            ApiError::bad_request(format!("cannot import `{name}` with `{id}`: {why}"))
        })
    })
    .await?;
    // All of them are looked at before the first is made.
    let mut paths = Vec::new();
    for entry in &entries {
        let mut path = folder.clone();
        for step in EntryPath::parse(&entry.path)?.names() {
            path = path.join(step);
        }
        paths.push(path);
    }
    let mut made = Vec::new();
    if !import.preview {
        for (entry, path) in entries.iter().zip(paths) {
            let new = NewEntry {
                path: path.to_string(),
                content: Some(entry.text.clone()),
                template: None,
                title: None,
                kind: None,
                properties: entry
                    .properties
                    .clone()
                    .into_iter()
                    .filter(|(_, value)| *value != Value::Null)
                    .collect(),
            };
            made.push(entries::made(&desk, &notebook, new).await?.id);
        }
    }
    Ok(Json(ImportAnswer { entries, made }))
}
