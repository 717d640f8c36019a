//! Which theme the desk has: for this device, and for workspaces that say otherwise.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::desk::Desk;
use crate::http::error::ApiError;
use crate::http::input::Input;
use crate::http::reading::blocking;
use crate::system::System;

const KEY: &str = "appearance";

/// Themes that were chosen, each by the id of its plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Appearance {
    /// On this device; nothing: the program's own.
    pub theme: Option<String>,
    /// In workspaces that say otherwise.
    pub workspaces: BTreeMap<String, String>,
}

/// Another choice.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppearance {
    /// Only in this workspace.
    pub workspace: Option<String>,
    /// The plugin whose theme it is; nothing: the device's, or the program's own.
    pub theme: Option<String>,
}

fn chosen(system: &System) -> Result<Appearance, ApiError> {
    let written = system.value(KEY)?;
    Ok(written.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

/// The themes that were chosen.
#[utoipa::path(get, path = "/api/v1/appearance", tag = "appearance", responses((status = 200, body = Appearance)))]
pub async fn show(State(desk): State<Desk>) -> Result<Json<Appearance>, ApiError> {
    let system = desk.daemon().home().system().clone();
    blocking(move || chosen(&system).map(Json)).await
}

/// Chooses a theme.
#[utoipa::path(put, path = "/api/v1/appearance", tag = "appearance", request_body = NewAppearance,
    responses((status = 200, body = Appearance), (status = 404, description = "There is no such theme")))]
pub async fn choose(
    State(desk): State<Desk>,
    Input(new): Input<NewAppearance>,
) -> Result<Json<Appearance>, ApiError> {
    let system = desk.daemon().home().system().clone();
    let plugins = desk.daemon().plugins().clone();
    let chosen = blocking(move || {
        if let Some(id) = &new.theme
            && plugins.find(id)?.manifest.theme.is_none()
        {
            return Err(ApiError::not_found(format!("the plugin `{id}` has no theme")));
        }
        let mut now = chosen(&system)?;
        match (new.workspace, new.theme) {
            (None, theme) => now.theme = theme,
            (Some(workspace), Some(theme)) => drop(now.workspaces.insert(workspace, theme)),
            (Some(workspace), None) => drop(now.workspaces.remove(&workspace)),
        }
        let written = serde_json::to_string(&now).map_err(|why| ApiError::internal(why.to_string()))?;
        system.set_value(KEY, &written)?;
        Ok(now)
    })
    .await?;
    desk.feed().plugins_changed();
    Ok(Json(chosen))
}
