//! The notebook's own properties, and the keys that its entries have.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use codex_crdt_model::ids::EntryId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::desk::Desk;
use super::dto::Page;
use super::error::ApiError;
use super::input::{Input, Place};
use super::reading::{mirror_is_fresh, read};
use super::search::mirror;
use super::{locks, properties};
use crate::driver::Notebook;
use crate::mirror::Mirror;
use crate::mirror::keys::PropertyType;

/// What `.metadata` at the notebook's top says.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotebookProperties {
    /// Its properties.
    #[schema(value_type = Object)]
    pub properties: Value,
    /// What is wrong with them, in words.
    pub warnings: Vec<String>,
}

/// Properties to set and to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PropertyChange {
    /// Properties to set.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// Properties to remove.
    #[serde(default)]
    pub remove_properties: Vec<String>,
    /// The file that has them is sealed and locked, and is to be amended.
    #[serde(default)]
    pub amend: bool,
}

async fn own(notebook: &Notebook) -> Result<Json<NotebookProperties>, ApiError> {
    mirror_is_fresh(notebook).await?;
    let (properties, warnings) = mirror(notebook, Mirror::own_properties).await?;
    Ok(Json(NotebookProperties { properties: Value::Object(properties), warnings }))
}

/// The notebook's own properties: how it shows itself, and of which types the keys of its entries are.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/properties", tag = "properties", params(("nb" = String, Path)),
    responses((status = 200, body = NotebookProperties), (status = 404)))]
pub async fn show(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
) -> Result<Json<NotebookProperties>, ApiError> {
    own(&desk.notebook(&nb)?).await
}

/// Sets the notebook's own properties, in `.metadata` at its top.
#[utoipa::path(patch, path = "/api/v1/notebooks/{nb}/properties", tag = "properties", params(("nb" = String, Path)),
    request_body = PropertyChange, responses((status = 200, body = NotebookProperties), (status = 404), (status = 422)))]
pub async fn change(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Input(change): Input<PropertyChange>,
) -> Result<Json<NotebookProperties>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let edits = properties::edits(change.properties, change.remove_properties);
    if !edits.is_empty() {
        let written = read(&notebook, |reader| properties::written(reader, &EntryId::ROOT)).await?;
        if let Some(file) = written {
            locks::refuse_if_locked(&notebook, file, change.amend).await?;
        }
    }
    properties::set(&notebook, EntryId::ROOT, edits).await?;
    own(&notebook).await
}

/// A value of a property, and how often it is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyValue {
    /// The value; of a list, one of its items.
    pub value: Value,
    /// How often.
    pub count: u64,
}

/// A key that entries have.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyRow {
    /// The key.
    pub key: String,
    /// What its values are: as the notebook says (`property_types`), else as they mostly are.
    #[serde(rename = "type")]
    pub kind: PropertyType,
    /// Whether the notebook says so.
    pub fixed: bool,
    /// Entries that have it.
    pub entries: u64,
    /// The most used values, at most 20, the most used first.
    pub values: Vec<KeyValue>,
}

/// The keys that the notebook's entries have, the most used first.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/keys", tag = "properties", params(("nb" = String, Path)),
    responses((status = 200, body = Page<KeyRow>), (status = 404)))]
pub async fn list(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
) -> Result<Json<Page<KeyRow>>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    mirror_is_fresh(&notebook).await?;
    let keys = mirror(&notebook, Mirror::keys).await?;
    let values = |of: Vec<crate::mirror::keys::ValueCount>| {
        of.into_iter().map(|one| KeyValue { value: one.value, count: one.count }).collect()
    };
    let rows = keys.into_iter().map(|one| KeyRow {
        key: one.key,
        kind: one.fixed.unwrap_or(one.learnt),
        fixed: one.fixed.is_some(),
        entries: one.entries,
        values: values(one.values),
    });
    Ok(Json(Page::whole(rows.collect())))
}
