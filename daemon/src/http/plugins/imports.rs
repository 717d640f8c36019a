//! Files of other programs, made into entries by plugins' code.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use codex_crdt_model::path::EntryPath;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::calls::names;
use super::{scope, script};
use crate::http::desk::Desk;
use crate::http::entries::{self, NewEntry};
use crate::http::error::ApiError;
use crate::http::input::{Params, Place};
use crate::http::reading::blocking;
use crate::plugins::PluginError;
use crate::plugins::code::{self, Imported};
use crate::plugins::permission::{Permission, Wish};

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
    /// Where they are, or would be, in the same order: a taken name got a number.
    pub paths: Vec<String>,
    /// Their ids, in the same order; none for a preview.
    pub made: Vec<String>,
}

/// Makes entries of a file with a plugin's code. What is there stays: a taken name gets a number.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/importers/{importer}", tag = "plugins",
    params(("id" = String, Path), ("importer" = String, Path), Import),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, body = ImportAnswer),
        (status = 400, description = "Why not: the code's own words too"), (status = 403, description = "`not_permitted`"),
        (status = 409, description = "`plugin_not_on`"), (status = 413, description = "`too_large`")))]
pub async fn import(
    State(desk): State<Desk>,
    Place((id, importer)): Place<(String, String)>,
    Params(import): Params<Import>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<ImportAnswer>, ApiError> {
    let bytes = bytes.map_err(|why| {
        let most = code::FILE_BYTES >> 20;
        match why.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let say = format!("`{}` is larger than {most} MiB; split it", import.name);
                ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", say)
            }
            _ => ApiError::bad_request(format!("cannot read `{}`: {why}", import.name)),
        }
    })?;
    let scope = scope(&desk, None, Some(&import.notebook))?;
    let notebook = desk.notebook(&import.notebook)?;
    let names = names(&desk, &notebook);
    let folder = EntryPath::parse(import.folder.as_deref().unwrap_or_default().trim_matches('/'))?;
    let plugins = desk.daemon().plugins().clone();
    let name = import.name;
    let (entries, paths) = blocking(move || {
        let call = format!("importer {importer}");
        let plugin =
            plugins.may(&id, &scope, &call, Permission::WriteFiles, |wish| wish.fits(&names, None))?;
        let script = script(&plugin, "importer", &plugin.manifest.importers, &importer)?;
        let failed = |code: &'static str, why: String| {
            let message = format!("cannot import `{name}` with `{id}`: {why}");
            ApiError::new(StatusCode::BAD_REQUEST, code, message)
        };
        let entries = code::import(&script, &name, &bytes).map_err(|why| {
            plugins.code_failed(&id, &call, &why);
            failed("bad_request", why.to_string())
        })?;
        // All of them are looked at before the first is made.
        let paths = entries.iter().map(|entry| place(&folder, &entry.path)).collect::<Result<Vec<_>, _>>();
        let paths = paths.map_err(|why| {
            plugins.refuse(&id, &call, &why);
            failed("bad_path", why)
        })?;
        // What it may is asked once more: the code took its time.
        let wishes = plugins.permissions(&plugin, &scope.workspace)?;
        let wishes = wishes.into_iter().filter(|one| one.granted).map(|one| one.wish);
        may_make(&wishes.collect::<Vec<_>>(), &names, &paths).map_err(|reason| {
            plugins.refuse(&id, &call, &reason);
            let what = format!("{call} ({})", Permission::WriteFiles.name());
            PluginError::NotPermitted { plugin: id.clone(), what, reason }
        })?;
        Ok((entries, paths))
    })
    .await?;
    let mut made = Vec::new();
    let mut places: Vec<String> = paths.iter().map(ToString::to_string).collect();
    if !import.preview {
        for (number, (entry, path)) in entries.iter().zip(paths).enumerate() {
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
            match entries::made(&desk, &notebook, new).await {
                Ok(details) => {
                    places[number] = details.path;
                    made.push(details.id);
                }
                Err(why) => {
                    let so_far = format!(
                        "{} of {} entries are made; the next one is not: ",
                        made.len(),
                        entries.len()
                    );
                    return Err(why.after(&so_far).with(json!({"made": made})));
                }
            }
        }
    }
    Ok(Json(ImportAnswer { entries, paths: places, made }))
}

/// Says no unless one of the permissions reaches each path.
fn may_make(wishes: &[Wish], names: &[String], paths: &[EntryPath]) -> Result<(), String> {
    let wishes: Vec<&Wish> = wishes.iter().filter(|one| one.permission == Permission::WriteFiles).collect();
    for path in paths {
        let mut why = Err(format!("{} was not given to it", Permission::WriteFiles.name()));
        for wish in &wishes {
            why = wish.fits(names, Some(path.as_str()));
            if why.is_ok() {
                break;
            }
        }
        why?;
    }
    Ok(())
}

/// Where an entry is made: below the folder that the user chose, and where nothing of a program lies.
fn place(folder: &EntryPath, path: &str) -> Result<EntryPath, String> {
    let below = EntryPath::parse(path).map_err(|why| why.to_string())?;
    let place = below.names().fold(folder.clone(), |at, name| at.join(name));
    match place.unwritable().or(below.is_root().then_some("an entry needs a name")) {
        Some(reason) => Err(format!("it makes `{path}`, which cannot be: {reason}")),
        None => Ok(place),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::plugins::permission::wish;

    #[test]
    fn plugins_import_where_they_may_write_and_nowhere_else() {
        let names = ["0123".to_owned(), "lab".to_owned()];
        let paths = |all: &[&str]| all.iter().map(|one| EntryPath::parse(one).unwrap()).collect::<Vec<_>>();
        let may = |wishes: &[Value], made: &[&str]| {
            let wishes: Vec<Wish> = wishes.iter().filter_map(wish).collect();
            may_make(&wishes, &names, &paths(made))
        };
        let runs = json!({"write_files": {"paths": ["runs/**"]}});
        let notes = json!({"write_files": {"paths": ["notes/*.md"], "notebooks": ["lab"]}});
        let both = [runs.clone(), notes.clone(), json!("read_files")];
        assert_eq!(may(&both, &["runs/a/b.md", "notes/a.md"]), Ok(()));
        assert!(may(&[runs], &["runs/a.md", "other/b.md"]).unwrap_err().contains("`other/b.md` is outside"));
        let other = json!({"write_files": {"notebooks": ["other"]}});
        assert!(may(&[other], &["a.md"]).unwrap_err().contains("limited to the notebooks other"));
        assert!(may(&[json!("read_files")], &["a.md"]).unwrap_err().contains("was not given"));
    }
}
