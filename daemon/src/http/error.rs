//! The one error shape, and the one place where kinds of failure become statuses.

use axum::Json;
use axum::extract::OriginalUri;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use codex_crdt_model::effect::Refusal;
use codex_crdt_model::entry::DocumentError;
use codex_crdt_model::ids::BadId;
use codex_crdt_model::path::BadPath;
use codex_crdt_model::store::StoreError;
use serde_json::{Value, json};

use crate::blobs::BlobError;
use crate::driver::AskError;
use crate::system::SystemError;

/// What a request that was not carried out is answered with:
/// `{"error": {"code": "not_found", "message": "…", "details": {…}}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// For programs.
    pub code: &'static str,
    /// For people: what was tried, on what, why not.
    pub message: String,
    /// For programs that want to know more.
    pub details: Value,
}

impl ApiError {
    /// Any error.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: json!({}) }
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// 500: a fault of this machine or of Codex, not of the request.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// 507: no room.
    pub fn full(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", message)
    }

    /// With words before its own.
    pub fn after(mut self, words: &str) -> Self {
        self.message.insert_str(0, words);
        self
    }

    /// With details.
    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(code = self.code, "{}", self.message);
        }
        let body = json!({"error": {"code": self.code, "message": self.message, "details": self.details}});
        (self.status, Json(body)).into_response()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (status, code, details) = match &refusal {
            Refusal::NoEntry(entry) => {
                (StatusCode::NOT_FOUND, "not_found", json!({"entry": entry.to_string()}))
            }
            Refusal::NoVersion(entry, version) => (
                StatusCode::NOT_FOUND,
                "no_version",
                json!({"entry": entry.to_string(), "version": version.to_string()}),
            ),
            Refusal::NotDeleted { path, .. } => {
                (StatusCode::BAD_REQUEST, "bad_request", json!({"path": path}))
            }
            Refusal::Outdated(version) => {
                (StatusCode::PRECONDITION_FAILED, "outdated", json!({"version": version.to_string()}))
            }
            Refusal::Path { path, .. } => (StatusCode::BAD_REQUEST, "bad_path", json!({"path": path})),
            Refusal::Kind { .. } => (StatusCode::CONFLICT, "wrong_kind", json!({})),
            Refusal::Standing(standing) => (StatusCode::LOCKED, "not_ready", json!({"standing": standing})),
            Refusal::NoConflict(number) => (StatusCode::NOT_FOUND, "no_conflict", json!({"number": number})),
            Refusal::Properties { path, .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "bad_properties", json!({"path": path}))
            }
            Refusal::Seal { path, .. } => (StatusCode::CONFLICT, "not_sealed", json!({"path": path})),
            Refusal::Comment { path, .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "bad_comment", json!({"path": path}))
            }
            Refusal::Timestamp(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad_timestamp", json!({})),
            Refusal::NotAllowed(_) => (StatusCode::FORBIDDEN, "not_allowed", json!({})),
        };
        Self::new(status, code, refusal.to_string()).with(details)
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Refused(refusal) => refusal.into(),
            AskError::NotRunning(..) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_running", error.to_string())
            }
            AskError::Full(..) => Self::full(error.to_string()),
        }
    }
}

impl From<BadPath> for ApiError {
    fn from(bad: BadPath) -> Self {
        let details = json!({"path": bad.text()});
        Self::new(StatusCode::BAD_REQUEST, "bad_path", bad.to_string()).with(details)
    }
}

impl From<BadId> for ApiError {
    fn from(bad: BadId) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_id", bad.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<SystemError> for ApiError {
    fn from(error: SystemError) -> Self {
        match error {
            SystemError::Taken { .. } => {
                Self::new(StatusCode::CONFLICT, "already_registered", error.to_string())
            }
            SystemError::Sqlite { ref source, .. }
                if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) =>
            {
                Self::full(error.to_string())
            }
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::full(format!("cannot keep what was sent: {error}; nothing was changed"))
            }
            _ => Self::internal(format!("cannot keep what was sent: {error}; nothing was changed")),
        }
    }
}

/// What the daemon says in words: its kind is looked up where it has one; the rest is `otherwise`.
pub fn of_daemon(error: anyhow::Error, otherwise: StatusCode, code: &'static str) -> ApiError {
    let error = match error.downcast::<AskError>() {
        Ok(ask) => return ask.into(),
        Err(error) => error,
    };
    let error = match error.downcast::<Refusal>() {
        Ok(refusal) => return refusal.into(),
        Err(error) => error,
    };
    match error.downcast::<SystemError>() {
        Ok(system) => system.into(),
        Err(error) => ApiError::new(otherwise, code, format!("{error:#}")),
    }
}

/// Any path of the API that does not exist.
pub async fn no_such_route(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::not_found(format!("there is nothing at {}; see /api/v1/openapi.json", uri.path()))
}

/// A path that exists, asked with a method that does not.
pub async fn no_such_method(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    let message = format!("{method} is not known at {}; see /api/v1/openapi.json", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use codex_crdt_model::event::Version;
    use codex_crdt_model::ids::EntryId;

    use super::*;

    #[test]
    fn every_refusal_has_its_status() {
        let entry = EntryId([1; 32]);
        let version = Version(Vec::new());
        let text = String::new;
        let cases = [
            (Refusal::NoEntry(entry), 404, "not_found"),
            (Refusal::NoVersion(entry, version.clone()), 404, "no_version"),
            (Refusal::NotDeleted { path: text(), folder: true }, 400, "bad_request"),
            (Refusal::Outdated(version), 412, "outdated"),
            (Refusal::Path { path: text(), reason: text() }, 400, "bad_path"),
            (Refusal::Kind { what: text(), reason: text() }, 409, "wrong_kind"),
            (Refusal::Standing("paused".into()), 423, "not_ready"),
            (Refusal::NoConflict(3), 404, "no_conflict"),
            (Refusal::Properties { path: text(), reason: text() }, 422, "bad_properties"),
            (Refusal::Seal { path: text(), reason: text() }, 409, "not_sealed"),
            (Refusal::Comment { path: text(), reason: text() }, 422, "bad_comment"),
            (Refusal::NotAllowed(text()), 403, "not_allowed"),
        ];
        for (refusal, status, code) in cases {
            let error = ApiError::from(refusal);
            assert_eq!((error.status.as_u16(), error.code), (status, code));
        }
    }

    #[test]
    fn the_daemons_words_keep_their_kind() {
        let missing = anyhow::Error::from(AskError::Refused(Refusal::NoConflict(1)));
        assert_eq!(of_daemon(missing, StatusCode::BAD_REQUEST, "x").status.as_u16(), 404);
        let words = anyhow::anyhow!("the folder lies inside another notebook").context("cannot add /a/b");
        let error = of_daemon(words, StatusCode::UNPROCESSABLE_ENTITY, "cannot_add");
        assert_eq!(error.message, "cannot add /a/b: the folder lies inside another notebook");
        assert_eq!((error.status.as_u16(), error.code), (422, "cannot_add"));
    }
}
