//! Files of entries, made by plugins' code.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use codex_crdt_model::entry::birth::Content;
use codex_crdt_model::ids::EntryId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calls::{Caller, MOST};
use super::{scope, script};
use crate::http::desk::Desk;
use crate::http::error::ApiError;
use crate::http::input::{Input, Place};
use crate::http::reading::{self, blocking, read};
use crate::http::search::FileRow;
use crate::mirror::Query;
use crate::plugins::code::{self, Exported, GivenEntry};

/// What is exported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// In which notebook.
    pub notebook: String,
    /// Which entries: as POST `/query` has it, without `limit` and `offset`. Without `notebook_ids` it is put to the notebook.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub query: Box<Query>,
}

/// What was made of entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportAnswer {
    /// Files, to be saved by whoever asked.
    pub files: Vec<Exported>,
    /// Of how many entries.
    pub entries: usize,
}

/// Makes files of entries with a plugin's code: of those that the plugin may read. Nothing is written.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/exporters/{exporter}", tag = "plugins",
    params(("id" = String, Path), ("exporter" = String, Path)), request_body = Export,
    responses((status = 200, body = ExportAnswer), (status = 400, description = "Why not: the code's own words too"),
        (status = 403, description = "`not_permitted`"), (status = 409, description = "`plugin_not_on`")))]
pub async fn export(
    State(desk): State<Desk>,
    Place((id, exporter)): Place<(String, String)>,
    Input(export): Input<Export>,
) -> Result<Json<ExportAnswer>, ApiError> {
    let caller = Caller::new(&desk, &id, &export.notebook)?;
    let mut query = *export.query;
    (query.limit, query.offset, query.group_by) = (Some(MOST), 0, None);
    let seen = caller.query(query).await?;
    if seen.is_cut {
        let say = format!("more than {MOST} entries fit, the most of one export: choose fewer");
        return Err(ApiError::bad_request(say));
    }
    let scope = scope(&desk, None, Some(&export.notebook))?;
    let plugins = desk.daemon().plugins().clone();
    let call = format!("exporter {exporter}");
    let (id, script) = blocking(move || {
        let plugin = plugins.running(&id, &scope)?;
        let script = script(&plugin, "exporter", &plugin.manifest.exporters, &exporter)?;
        Ok((id, script))
    })
    .await?;
    let entries = with_texts(&desk, seen.page.files).await?;
    let answer = blocking(move || {
        let files = code::export(&script, &entries).map_err(|why| {
            desk.daemon().plugins().code_failed(&id, &call, &why);
            let number = entries.len();
            let noun = if number == 1 { "entry" } else { "entries" };
            let message = format!("cannot export {number} {noun} with `{id}`: {why}");
            ApiError::new(StatusCode::BAD_REQUEST, "bad_request", message)
        })?;
        Ok(Json(ExportAnswer { files, entries: entries.len() }))
    });
    answer.await
}

/// Entries as code is given them, in the order of the answer. Those that are texts have theirs.
async fn with_texts(desk: &Desk, files: Vec<FileRow>) -> Result<Vec<GivenEntry>, ApiError> {
    let mut of_notebook: BTreeMap<String, Vec<EntryId>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.kind == "text") {
        of_notebook.entry(file.notebook.clone()).or_default().push(file.id.parse()?);
    }
    let mut texts: BTreeMap<(String, String), String> = BTreeMap::new();
    for (key, ids) in of_notebook {
        let notebook = desk.notebook(&key)?;
        let found = read(&notebook, move |reader| {
            let mut found = Vec::new();
            let mut bytes = 0;
            for id in ids {
                let entry = reading::alive(reader, &id)?;
                if let Content::Text(text) = reading::content(reader, &entry)? {
                    bytes += text.len();
                    if bytes > code::FILE_BYTES {
                        let most = code::FILE_BYTES >> 20;
                        let say =
                            format!("the texts are more than {most} MiB together; choose fewer entries");
                        return Err(ApiError::bad_request(say));
                    }
                    found.push((id.to_string(), text));
                }
            }
            Ok(found)
        });
        texts.extend(found.await?.into_iter().map(|(id, text)| ((key.clone(), id), text)));
    }
    let given = |file: FileRow| GivenEntry {
        text: texts.remove(&(file.notebook, file.id)),
        path: file.path,
        name: file.name,
        title: file.title,
        kind: file.kind,
        media_type: file.media_type,
        properties: file.properties,
        tags: file.tags,
        created: file.created,
        modified: file.modified,
    };
    Ok(files.into_iter().map(given).collect())
}
