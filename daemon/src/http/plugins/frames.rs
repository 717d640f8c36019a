//! What the page shows of plugins: the documents that their scripts run in, and their themes' style sheets.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::scope;
use crate::http::desk::Desk;
use crate::http::error::ApiError;
use crate::http::input::{Params, Place};
use crate::http::reading::blocking;
use crate::plugins::permission::Permission;
use crate::plugins::{Plugin, frame, theme};

/// Which script.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichFrame {
    /// That of this view.
    pub view: Option<String>,
    /// That of this block.
    pub block: Option<String>,
    /// The notebook in which it is shown.
    pub notebook: Option<String>,
    /// The workspace, if it is in no notebook.
    pub workspace: Option<String>,
}

/// The document of a view or a block, for a frame without an origin. Its policy lets it reach nothing.
#[utoipa::path(get, path = "/api/v1/plugins/{id}/frame", tag = "plugins", params(("id" = String, Path), WhichFrame),
    responses((status = 200, description = "An HTML document"), (status = 404), (status = 409)))]
pub async fn frame(
    State(desk): State<Desk>,
    Place(id): Place<String>,
    Params(which): Params<WhichFrame>,
) -> Result<Response, ApiError> {
    let scope = scope(&desk, which.workspace.as_deref(), which.notebook.as_deref())?;
    let plugins = desk.daemon().plugins().clone();
    let document = blocking(move || {
        let plugin = match &which.block {
            Some(block) => {
                plugins.may(&id, &scope, &format!("block {block}"), Permission::RenderBlocks, |_| Ok(()))?
            }
            None => plugins.running(&id, &scope)?,
        };
        let manifest = &plugin.manifest;
        let named = match (&which.view, &which.block) {
            (Some(view), None) => {
                let found = manifest.views.iter().find(|one| one.id == *view);
                found.map(|one| (one.name.clone(), one.script.clone(), one.style.clone()))
            }
            (None, Some(block)) => {
                let found = manifest.blocks.iter().find(|one| one.id == *block);
                found.map(|one| (one.name.clone(), one.script.clone(), one.style.clone()))
            }
            _ => return Err(ApiError::bad_request("say which: `view` or `block`")),
        };
        let Some((title, Some(script), style)) = named else {
            return Err(ApiError::not_found(format!("the plugin `{id}` has no script for that")));
        };
        let text = |name: &str| plugin.files.text(name).map_err(ApiError::internal);
        let style = style.as_deref().map(text).transpose()?.unwrap_or_default();
        frame::document(&title, &text(&script)?, &style).map_err(ApiError::internal)
    })
    .await?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, document.policy),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, [("x-dns-prefetch-control", "off")], document.html).into_response())
}

/// A theme's style sheet: what is left of it after it was read rule by rule.
#[utoipa::path(get, path = "/api/v1/plugins/{id}/theme.css", tag = "plugins", params(("id" = String, Path), super::WhichScope),
    responses((status = 200, description = "A style sheet"), (status = 404), (status = 409)))]
pub async fn theme_css(
    State(desk): State<Desk>,
    Place(id): Place<String>,
    Params(which): Params<super::WhichScope>,
) -> Result<Response, ApiError> {
    let scope = scope(&desk, which.workspace.as_deref(), which.notebook.as_deref())?;
    let plugins = desk.daemon().plugins().clone();
    let css = blocking(move || {
        let plugin = plugins.running(&id, &scope)?;
        match cleaned(&plugin) {
            Some(clean) => clean.map(|clean| clean.css).map_err(ApiError::bad_request),
            None => Err(ApiError::not_found(format!("the plugin `{id}` has no theme"))),
        }
    });
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    Ok((headers, css.await?).into_response())
}

fn cleaned(plugin: &Plugin) -> Option<Result<theme::Clean, String>> {
    let theme = plugin.manifest.theme.as_ref()?;
    Some(plugin.files.text(&theme.stylesheet).and_then(|css| theme::clean(&css, &theme.class_name)))
}

/// What is left out of a plugin's theme, and what of its manifest will hardly do what was meant, with lines.
pub fn warnings(plugin: &Plugin) -> Vec<String> {
    let name = plugin.manifest.theme.as_ref().map(|theme| theme.stylesheet.clone()).unwrap_or_default();
    let mut found: Vec<String> = plugin.manifest.advice.iter().map(crate::plugins::in_a_line).collect();
    match cleaned(plugin) {
        Some(Ok(clean)) => {
            found.extend(clean.warnings.iter().map(|(line, why)| format!("{name}:{line}: {why}")))
        }
        Some(Err(why)) => found.push(format!("{name}: {why}")),
        None => {}
    }
    found
}
