//! Plugins on this device: what there is, what is enabled, with which permissions and settings.

pub mod appearance;
pub mod calls;
pub mod endpoints;
pub mod exports;
pub mod frames;
pub mod imports;
pub mod transforms;
pub mod views;

use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::dto::{Done, time};
use super::error::ApiError;
use super::input::{Input, Params, Place};
use super::reading::blocking;
use crate::plugins::manifest::{BlockKind, Code, Property, Theme, ViewKind};
use crate::plugins::permission::Permission;
use crate::plugins::{
    Granted, INTERFACE, Plugin, PluginError, Plugins, Problem, Scope, State as PluginState,
};

impl From<PluginError> for ApiError {
    fn from(error: PluginError) -> Self {
        let (status, code) = match &error {
            PluginError::Unknown(_) => (StatusCode::NOT_FOUND, "not_found"),
            PluginError::NotOn { .. } => (StatusCode::CONFLICT, "plugin_not_on"),
            PluginError::NotPermitted { .. } => (StatusCode::FORBIDDEN, "not_permitted"),
            PluginError::Changed(_) => (StatusCode::CONFLICT, "plugin_changed"),
            PluginError::Refused(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            PluginError::Io { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            PluginError::System(_) => {
                let PluginError::System(source) = error else { unreachable!("it was matched") };
                return source.into();
            }
        };
        Self::new(status, code, error.to_string())
    }
}

/// For whom.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichScope {
    /// Workspace slug; if not given, the notebook's.
    pub workspace: Option<String>,
    /// A notebook by id, slug or name: as it is there.
    pub notebook: Option<String>,
}

/// The scope that a request means.
pub fn scope(desk: &Desk, workspace: Option<&str>, notebook: Option<&str>) -> Result<Scope, ApiError> {
    let filled = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let Some(notebook) = filled(notebook) else {
        let workspace = filled(workspace).unwrap_or_else(|| "default".to_owned());
        return Ok(Scope { workspace, notebook: None });
    };
    let id = desk.notebook(&notebook)?.id.to_string();
    let all = desk.daemon().list();
    let own = all.iter().find(|one| one.id == id).map(|one| one.workspace.clone());
    let workspace = filled(workspace).or(own).unwrap_or_else(|| "default".to_owned());
    Ok(Scope { workspace, notebook: Some(id) })
}

/// A template that a plugin brings.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginTemplate {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// A request that a plugin can have made.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginEndpoint {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How it is asked.
    pub method: String,
    /// What it answers.
    pub description: String,
}

/// Code of a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginCode {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it makes.
    pub description: String,
    /// What names of its files end with. An exporter takes any; so does a transformer that has none.
    pub extensions: Vec<String>,
}

impl PluginCode {
    fn all(code: &[Code]) -> Vec<Self> {
        let one = |one: &Code| Self {
            id: one.id.clone(),
            name: one.name.clone(),
            description: one.description.clone(),
            extensions: one.extensions.clone(),
        };
        code.iter().map(one).collect()
    }
}

/// The script of one of a plugin's code; `kind` names that in words.
fn script(plugin: &Plugin, kind: &str, code: &[Code], id: &str) -> Result<String, ApiError> {
    let found = code.iter().find(|one| one.id == id);
    let found = found
        .ok_or_else(|| ApiError::not_found(format!("the plugin `{}` has no {kind} `{id}`", plugin.id())))?;
    Ok(plugin.files.text(&found.script).map_err(PluginError::Refused)?)
}

/// Something that a plugin was not let do.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginRefusal {
    /// When.
    pub at: String,
    /// What it tried.
    pub call: String,
    /// Why not.
    pub reason: String,
}

/// What a notebook says otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginNotebook {
    /// Notebook id.
    pub notebook: String,
    /// Whether the plugin is on there.
    pub enabled: bool,
}

/// A plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Three numbers.
    pub version: String,
    /// What it mainly is: `view`, `theme`, `integration`, `importer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is for.
    pub description: String,
    /// Who made it.
    pub author: String,
    /// Its licence.
    pub license: String,
    /// Whether it is part of the program.
    pub bundled: bool,
    /// Its folder, if it has one.
    pub path: Option<String>,
    /// Whether it runs.
    pub state: PluginState,
    /// Why not.
    pub reason: Option<String>,
    /// Over all of its files: what is given back to enable just this.
    pub hash: String,
    /// What it may do.
    pub permissions: Vec<Granted>,
    /// Views.
    pub views: Vec<ViewKind>,
    /// Blocks.
    pub blocks: Vec<BlockKind>,
    /// A theme.
    pub theme: Option<Theme>,
    /// Templates.
    pub templates: Vec<PluginTemplate>,
    /// Requests.
    pub endpoints: Vec<PluginEndpoint>,
    /// The one of them that shows whether the settings work.
    pub test_endpoint: Option<String>,
    /// What makes entries of files.
    pub importers: Vec<PluginCode>,
    /// What makes files of entries.
    pub exporters: Vec<PluginCode>,
    /// What changes entries.
    pub transformers: Vec<PluginCode>,
    /// Settings that there are.
    pub properties: Vec<Property>,
    /// Settings as they are; secrets are not among them.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    /// Secrets that are set, by name.
    pub secrets: Vec<String>,
    /// Secrets that were given for other hosts than it asks now, or for the plugin in whose place it is: they are not used, and asked for again.
    pub secrets_again: Vec<String>,
    /// Whether the user is signed in at its service; none: there is nothing to sign in to.
    pub signed_in: Option<bool>,
    /// Calls that were carried out since the program was started.
    pub calls: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// The last refusals, the newest first.
    pub refusals: Vec<PluginRefusal>,
    /// What is left out of its theme.
    pub warnings: Vec<String>,
    /// Notebooks that say otherwise.
    pub notebooks: Vec<PluginNotebook>,
}

/// All plugins of this device.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginPage {
    /// The version of the interface.
    pub interface: String,
    /// The folder of this device's own plugins.
    pub folder: String,
    /// In the order in which they are loaded.
    pub plugins: Vec<PluginRow>,
    /// Those whose id another one has that counts; see `problems`.
    pub waiting: Vec<PluginRow>,
    /// Files that are no plugins, with what is wrong.
    pub problems: Vec<Problem>,
}

fn row(plugins: &Plugins, plugin: &Plugin, scope: &Scope) -> Result<PluginRow, PluginError> {
    let manifest = &plugin.manifest;
    let (state, reason) = plugins.state(plugin, scope)?;
    let (calls, refused, refusals) = plugins.tally(plugin.id());
    let (secrets, secrets_again) = plugins.secrets(plugin, &scope.workspace)?;
    let path = match &plugin.files {
        crate::plugins::files::Files::Folder(folder) => Some(folder.display().to_string()),
        crate::plugins::files::Files::Bundled(_) => None,
    };
    Ok(PluginRow {
        id: manifest.id.clone(),
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        kind: manifest.kind.clone(),
        description: manifest.description.clone(),
        author: manifest.author.clone(),
        license: manifest.license.clone(),
        bundled: plugin.is_bundled(),
        path,
        state,
        reason,
        hash: plugin.hash.clone(),
        permissions: plugins.permissions(plugin, &scope.workspace)?,
        views: manifest.views.clone(),
        blocks: manifest.blocks.clone(),
        theme: manifest.theme.clone(),
        templates: manifest
            .templates
            .iter()
            .map(|one| PluginTemplate {
                id: one.id.clone(),
                name: one.name.clone(),
                description: one.description.clone(),
            })
            .collect(),
        endpoints: manifest
            .endpoints
            .iter()
            .map(|one| PluginEndpoint {
                id: one.id.clone(),
                name: one.name.clone(),
                method: one.method.clone().unwrap_or_else(|| "GET".to_owned()),
                description: one.description.clone(),
            })
            .collect(),
        test_endpoint: manifest.integration.as_ref().and_then(|one| one.test_endpoint.clone()),
        importers: PluginCode::all(&manifest.importers),
        exporters: PluginCode::all(&manifest.exporters),
        transformers: PluginCode::all(&manifest.transformers),
        properties: manifest.properties.clone(),
        config: plugins.config(plugin, &scope.workspace)?,
        secrets,
        secrets_again,
        signed_in: plugins.is_signed_in(plugin, &scope.workspace)?,
        calls,
        refused,
        refusals: refusals
            .into_iter()
            .map(|one| PluginRefusal { at: time(one.at), call: one.call, reason: one.reason })
            .collect(),
        warnings: frames::warnings(plugin),
        notebooks: plugins
            .notebooks(plugin.id())?
            .into_iter()
            .map(|(notebook, enabled)| PluginNotebook { notebook, enabled })
            .collect(),
    })
}

/// All plugins, as they are for a workspace, or for a notebook.
#[utoipa::path(get, path = "/api/v1/plugins", tag = "plugins", params(WhichScope), responses((status = 200, body = PluginPage)))]
pub async fn list(
    State(desk): State<Desk>,
    Params(which): Params<WhichScope>,
) -> Result<Json<PluginPage>, ApiError> {
    let scope = scope(&desk, which.workspace.as_deref(), which.notebook.as_deref())?;
    let plugins = desk.daemon().plugins().clone();
    let page = blocking(move || {
        let catalogue = plugins.catalogue();
        let rows = catalogue.plugins.iter().map(|plugin| row(&plugins, plugin, &scope));
        Ok(PluginPage {
            interface: INTERFACE.to_string(),
            folder: plugins.folder().display().to_string(),
            plugins: rows.collect::<Result<_, _>>()?,
            waiting: catalogue
                .waiting
                .iter()
                // What is said of the id is said of the other one.
                .map(|plugin| {
                    Ok(PluginRow {
                        state: crate::plugins::State::Off,
                        reason: None,
                        ..row(&plugins, plugin, &scope)?
                    })
                })
                .collect::<Result<_, PluginError>>()?,
            problems: catalogue.problems.clone(),
        })
    });
    Ok(Json(page.await?))
}

/// What shall be otherwise about a plugin.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginChange {
    /// For which workspace; if not given, the notebook's.
    pub workspace: Option<String>,
    /// Only for this notebook.
    pub notebook: Option<String>,
    /// On or off. With `notebook`, `null` is: as its workspace.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    pub enabled: Option<Option<bool>>,
    /// What was shown to whoever says so. What is not bundled is enabled only with it, and only if it still is that.
    pub hash: Option<String>,
    /// The permissions that it is given, of those that it wants.
    pub permissions: Option<Vec<Permission>>,
    /// Settings; `null` takes one away.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    /// Secrets; `null` takes one away. They are never read again.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub secrets: Map<String, Value>,
}

/// A key that is there, even as `null`.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<bool>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Enables, disables or sets up a plugin on this device.
#[utoipa::path(put, path = "/api/v1/plugins/{id}", tag = "plugins", params(("id" = String, Path)), request_body = PluginChange,
    responses((status = 200, body = PluginRow), (status = 404), (status = 409, description = "`plugin_changed`: it is not what was shown")))]
pub async fn change(
    State(desk): State<Desk>,
    Place(id): Place<String>,
    Input(change): Input<PluginChange>,
) -> Result<Json<PluginRow>, ApiError> {
    let scope = scope(&desk, change.workspace.as_deref(), change.notebook.as_deref())?;
    let plugins = desk.daemon().plugins().clone();
    let changed = blocking(move || {
        let plugin = plugins.find(&id)?;
        if change.enabled.is_some() || change.permissions.is_some() {
            let given = change.permissions.as_deref();
            plugins.enable(&id, &scope, change.enabled, change.hash.as_deref(), given)?;
        }
        if !change.config.is_empty() {
            plugins.set_config(&plugin, &scope.workspace, &change.config)?;
        }
        for (name, value) in &change.secrets {
            let value = match value {
                Value::Null => None,
                Value::String(value) => Some(value.as_str()),
                _ => {
                    return Err(ApiError::bad_request(format!(
                        "the secret `{name}` must be a text, or `null`"
                    )));
                }
            };
            plugins.set_secret(&plugin, &scope.workspace, name, value)?;
        }
        // Which of several with one id counts may be another one now.
        Ok(row(&plugins, &*plugins.find(&id)?, &scope)?)
    });
    Ok(Json(changed.await?))
}

/// A folder with a plugin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlugin {
    /// Its path on this device.
    pub path: String,
}

/// Copies a plugin into the plugin folder. It is not enabled.
#[utoipa::path(post, path = "/api/v1/plugins", tag = "plugins", request_body = NewPlugin,
    responses((status = 201, body = PluginRow), (status = 400, description = "What is wrong with it, with file, key and line")))]
pub async fn add(
    State(desk): State<Desk>,
    Input(new): Input<NewPlugin>,
) -> Result<(StatusCode, Json<PluginRow>), ApiError> {
    let plugins = desk.daemon().plugins().clone();
    let scope = scope(&desk, None, None)?;
    let added = blocking(move || {
        let plugin = plugins.add(Path::new(&new.path))?;
        Ok(row(&plugins, &plugin, &scope)?)
    });
    Ok((StatusCode::CREATED, Json(added.await?)))
}

/// Removes a plugin that is not bundled, with its settings and secrets.
#[utoipa::path(delete, path = "/api/v1/plugins/{id}", tag = "plugins", params(("id" = String, Path)),
    responses((status = 200, body = Done), (status = 400), (status = 404)))]
pub async fn remove(State(desk): State<Desk>, Place(id): Place<String>) -> Result<Json<Done>, ApiError> {
    let plugins = desk.daemon().plugins().clone();
    blocking(move || Ok(plugins.remove(&id)?)).await?;
    Ok(Json(Done { done: true }))
}
