//! Extractors whose refusals have the one error shape.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// A JSON body.
#[derive(Debug)]
pub struct Input<T>(pub T);

/// Values after the `?`.
#[derive(Debug)]
pub struct Params<T>(pub T);

/// Values in the path.
#[derive(Debug)]
pub struct Place<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Input<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let refused = |error: JsonRejection| {
            let code = match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                _ => "bad_request",
            };
            ApiError::new(error.status(), code, format!("cannot read the request: {}", error.body_text()))
        };
        Json::from_request(request, state).await.map(|Json(value)| Self(value)).map_err(refused)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refused = |error: QueryRejection| ApiError::bad_request(error.body_text());
        Query::from_request_parts(parts, state).await.map(|Query(value)| Self(value)).map_err(refused)
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refused = |error: PathRejection| ApiError::bad_request(error.body_text());
        Path::from_request_parts(parts, state).await.map(|Path(value)| Self(value)).map_err(refused)
    }
}
