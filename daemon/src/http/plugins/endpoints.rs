//! A plugin's requests to its service, made by the daemon.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{WhichScope, scope};
use crate::http::desk::Desk;
use crate::http::dto::{Done, time};
use crate::http::error::ApiError;
use crate::http::input::{Input, Params, Place};
use crate::plugins::endpoints::EndpointError;

impl From<EndpointError> for ApiError {
    fn from(error: EndpointError) -> Self {
        let message = error.to_string();
        let (status, code) = match error {
            EndpointError::Plugin(error) => return error.into(),
            EndpointError::Unknown { .. } => (StatusCode::NOT_FOUND, "not_found"),
            EndpointError::Input { .. } => (StatusCode::BAD_REQUEST, "bad_request"),
            EndpointError::Unreachable { .. } => (StatusCode::FORBIDDEN, "not_permitted"),
            EndpointError::Wait { .. } => (StatusCode::TOO_MANY_REQUESTS, "asked_too_often"),
            // Not one of the 500s of this program: it did what it should.
            EndpointError::Service { .. } => (StatusCode::FAILED_DEPENDENCY, "service_failed"),
        };
        Self::new(status, code, message)
    }
}

/// What is asked of a service.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointCall {
    /// The notebook in which the plugin is shown.
    pub notebook: Option<String>,
    /// For which workspace; if not given, the notebook's.
    pub workspace: Option<String>,
    /// By name.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// Ask the service now, whatever it said before.
    pub fresh: bool,
}

/// What the service said.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointAnswer {
    /// JSON, a text, or base64 of bytes, as the endpoint declares.
    #[schema(value_type = Object)]
    pub data: Value,
    /// What the service called it.
    pub media_type: String,
    /// When it said so.
    pub as_of: String,
    /// It is older than it should be: the service does not answer now.
    pub stale: bool,
}

/// Asks an endpoint that a plugin declares, or answers with what it said before.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/endpoints/{endpoint}", tag = "plugins",
    params(("id" = String, Path), ("endpoint" = String, Path)), request_body = EndpointCall,
    responses((status = 200, body = EndpointAnswer), (status = 403, description = "`not_permitted`"),
        (status = 424, description = "`service_failed`"), (status = 429, description = "`asked_too_often`")))]
pub async fn ask(
    State(desk): State<Desk>,
    Place((id, endpoint)): Place<(String, String)>,
    Input(call): Input<EndpointCall>,
) -> Result<Json<EndpointAnswer>, ApiError> {
    let scope = scope(&desk, call.workspace.as_deref(), call.notebook.as_deref())?;
    let answer = desk.daemon().plugins().ask(&id, &scope, &endpoint, &call.parameters, call.fresh).await?;
    Ok(Json(EndpointAnswer {
        data: answer.data,
        media_type: answer.media_type,
        as_of: time(answer.as_of),
        stale: answer.stale,
    }))
}

/// A sign-in that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInAnswer {
    /// What to open in a browser on this machine.
    pub url: String,
    /// Until when it is waited for.
    pub until: String,
}

/// Begins a sign-in at a plugin's service (OAuth 2.0 with PKCE). The browser comes back to a port of this machine; `plugins.changed`
/// tells when `signed_in` has changed.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/sign-in", tag = "plugins", params(("id" = String, Path), WhichScope),
    responses((status = 200, body = SignInAnswer), (status = 400, description = "`client_id` is not set, or there is no sign-in"),
        (status = 403, description = "`not_permitted`"), (status = 409, description = "`plugin_not_on`")))]
pub async fn sign_in(
    State(desk): State<Desk>,
    Place(id): Place<String>,
    Params(which): Params<WhichScope>,
) -> Result<Json<SignInAnswer>, ApiError> {
    let scope = scope(&desk, which.workspace.as_deref(), which.notebook.as_deref())?;
    let begun = desk.daemon().plugins().sign_in(&id, &scope).await?;
    Ok(Json(SignInAnswer { url: begun.url, until: time(begun.until) }))
}

/// Forgets the tokens of a sign-in and what was asked with them, and tells the service if it says where.
#[utoipa::path(delete, path = "/api/v1/plugins/{id}/sign-in", tag = "plugins", params(("id" = String, Path), WhichScope),
    responses((status = 200, body = Done), (status = 404)))]
pub async fn sign_out(
    State(desk): State<Desk>,
    Place(id): Place<String>,
    Params(which): Params<WhichScope>,
) -> Result<Json<Done>, ApiError> {
    let scope = scope(&desk, which.workspace.as_deref(), which.notebook.as_deref())?;
    desk.daemon().plugins().sign_out(&id, &scope).await?;
    Ok(Json(Done { done: true }))
}
