//! Entries that plugins' code changes: looked at first, then written through the same ways as any other change.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::calls::Caller;
use super::{scope, script};
use crate::http::desk::Desk;
use crate::http::diff::{self, PropertyDifference, TextDifference};
use crate::http::error::ApiError;
use crate::http::input::{Input, Place};
use crate::http::reading::blocking;
use crate::plugins::code::{self, GivenEntry, Transformed};
use crate::plugins::permission::Permission;

/// What is transformed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// In which notebook.
    pub notebook: String,
    /// Which entry.
    pub entry: String,
    /// Only say what would change.
    #[serde(default)]
    pub preview: bool,
    /// The version that was looked at: of another one nothing is changed.
    pub version: Option<String>,
}

/// What was changed of an entry, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransformAnswer {
    /// Its path.
    pub path: String,
    /// The version that is there now.
    pub version: String,
    /// Whether anything is changed, or would be.
    pub changed: bool,
    /// The lines that differ; nothing if its text stays.
    pub text: Option<TextDifference>,
    /// The properties that differ.
    pub properties: Vec<PropertyDifference>,
}

/// Changes an entry with a plugin's code, if the plugin may: read it, and write what is new of it.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/transformers/{transformer}", tag = "plugins",
    params(("id" = String, Path), ("transformer" = String, Path)), request_body = Transform,
    responses((status = 200, body = TransformAnswer), (status = 400, description = "Why not: the code's own words too"),
        (status = 403, description = "`not_permitted`"),
        (status = 409, description = "`plugin_not_on`; `entry_changed` if it is another version")))]
pub async fn transform(
    State(desk): State<Desk>,
    Place((id, transformer)): Place<(String, String)>,
    Input(asked): Input<Transform>,
) -> Result<Json<TransformAnswer>, ApiError> {
    let caller = Caller::new(&desk, &id, &asked.notebook)?;
    let call = format!("transformer {transformer}");
    let entry = caller.may_touch(&call, Permission::ReadFiles, &asked.entry).await?;
    let (text, version) = caller.text(entry).await?;
    let details = caller.details(entry).await?;
    let is_other = asked.version.is_some_and(|looked_at| looked_at != version.to_string());
    if is_other || details.version != version.to_string() {
        let say = format!("`{}` changed since it was looked at: look at it again", details.path);
        return Err(ApiError::new(StatusCode::CONFLICT, "entry_changed", say));
    }
    let scope = scope(&desk, None, Some(&asked.notebook))?;
    let plugins = desk.daemon().plugins().clone();
    let given = GivenEntry {
        path: details.path.clone(),
        name: details.name,
        title: details.title.unwrap_or_default(),
        kind: "text".to_owned(),
        media_type: details.media_type,
        properties: details.properties.clone(),
        tags: details.tags,
        created: details.created,
        modified: details.modified,
        text: Some(text.clone()),
    };
    let (of, running) = (id.clone(), call.clone());
    let change = blocking(move || {
        let plugin = plugins.running(&of, &scope)?;
        let script = script(&plugin, "transformer", &plugin.manifest.transformers, &transformer)?;
        code::transform(&script, &given).map_err(|why| {
            plugins.code_failed(&of, &running, &why);
            ApiError::bad_request(format!("cannot transform `{}` with `{of}`: {why}", given.path))
        })
    })
    .await?;
    let Transformed { text: new, properties } = change;
    let new = new.filter(|new| *new != text);
    let before = details.properties.as_object().cloned().unwrap_or_default();
    let properties: Vec<PropertyDifference> = properties
        .into_iter()
        .map(|(key, to)| (before.get(&key).cloned(), key, Some(to).filter(|to| *to != Value::Null)))
        .filter(|(from, _, to)| from != to)
        .map(|(from, key, to)| PropertyDifference { key, from, to })
        .collect();
    // All that it would do is asked before the first of it is done, and where the entry is now: the code took its time.
    if new.is_some() {
        caller.may_touch(&call, Permission::WriteFiles, &asked.entry).await?;
    }
    if !properties.is_empty() {
        caller.may_touch(&call, Permission::ModifyMetadata, &asked.entry).await?;
    }
    let difference = new.as_ref().map(|new| diff::lines(&text, new, diff::CONTEXT));
    let mut answer = TransformAnswer {
        path: details.path,
        version: version.to_string(),
        changed: new.is_some() || !properties.is_empty(),
        text: difference,
        properties,
    };
    if asked.preview {
        return Ok(Json(answer));
    }
    let is_written = new.is_some();
    if let Some(new) = new {
        answer.version = caller.write(entry, new, version).await?.to_string();
    }
    if !answer.properties.is_empty() {
        let (mut set, mut remove) = (BTreeMap::new(), Vec::new());
        for PropertyDifference { key, to, .. } in &answer.properties {
            match to {
                Some(value) => drop(set.insert(key.clone(), value.clone())),
                None => remove.push(key.clone()),
            }
        }
        let changed = caller.set(asked.entry, set, remove).await.map_err(|why| match is_written {
            true => why
                .after("the text is changed, its properties are not: ")
                .with(json!({"version": answer.version})),
            false => why,
        })?;
        answer.version = changed.entry.version;
    }
    Ok(Json(answer))
}
