//! The door: every request passes here first. Who is at the door matters, not only what they carry: a page
//! of another site, or a name that was re-bound to this machine, is turned away before anything is read.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::auth::{Auth, Proof};
use super::error::ApiError;

const CSRF: HeaderName = HeaderName::from_static("x-codex-csrf");

/// What a page of the desk may do: only what comes from the desk itself, and no text becomes script or style.
const CSP: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types svelte-trusted-html dompurify codex 'allow-duplicates'";

/// The policy of one answer with the page: style elements that carry this nonce count. The editor makes one.
pub fn policy_of_page(nonce: &str) -> String {
    CSP.replace("style-src 'self'", &format!("style-src 'self' 'nonce-{nonce}'"))
}

/// The policy of the frame in which diagrams are drawn: inline styles, and nobody else shows it.
pub fn policy_of_diagrams() -> String {
    CSP.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
        .replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        .replace("trusted-types svelte-trusted-html", "trusted-types default")
}

/// Checks and then lets through; adds the headers that every answer carries.
pub async fn guard(State(auth): State<Arc<Auth>>, request: Request, next: Next) -> Response {
    let mut response = match admit(&auth, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    let fixed = [
        ("content-security-policy", CSP),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ];
    for (name, value) in fixed {
        // What serves the user's files sets a stricter policy of its own.
        let entry = response.headers_mut().entry(HeaderName::from_static(name));
        entry.or_insert(HeaderValue::from_static(value));
    }
    response
}

fn admit(auth: &Arc<Auth>, request: &Request) -> Result<(), ApiError> {
    let host = check_host(request.headers(), request.uri())?;
    check_origin(request.headers(), &host)?;
    let path = request.uri().path();
    if !path.starts_with("/api/") || path == "/api/v1/health" {
        return Ok(());
    }
    match auth.check(request.headers())? {
        Some(Proof::Bearer) => Ok(()),
        Some(Proof::Session) => check_csrf(request.method(), request.headers()),
        None => Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this needs `Authorization: Bearer TOKEN` with the token of HOME/run/daemon.json, or a signed-in \
             browser: run `codexd open`",
        )),
    }
}

fn check_host(headers: &HeaderMap, uri: &Uri) -> Result<String, ApiError> {
    let named = headers.get(HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let host = named.or_else(|| uri.authority().map(ToString::to_string)).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host.as_str(),
    };
    if matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        return Ok(host);
    }
    let shown: String = host.chars().take(80).collect();
    let message = format!("the desk answers only as 127.0.0.1, localhost or [::1], not as `{shown}`");
    Err(ApiError::new(StatusCode::FORBIDDEN, "bad_host", message))
}

fn check_origin(headers: &HeaderMap, host: &str) -> Result<(), ApiError> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    if origin.to_str().is_ok_and(|origin| origin == format!("http://{host}")) {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::FORBIDDEN, "bad_origin", "pages of other sites may not talk to the desk"))
}

fn check_csrf(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    // Another site's page cannot set this header without asking first, and is never told yes.
    if method.is_safe() || headers.get(CSRF).is_some_and(|value| !value.is_empty()) {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::FORBIDDEN, "csrf", "a change from a browser needs the header x-codex-csrf"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::Body;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower::ServiceExt;

    use super::*;
    use crate::system::System;

    struct Door {
        router: Router,
        auth: Arc<Auth>,
        _temp: tempfile::TempDir,
    }

    fn door() -> Door {
        let temp = tempfile::tempdir().unwrap();
        let system = System::open(&temp.path().join("system.db")).unwrap();
        let auth = Arc::new(Auth::new("secret", system, "http://127.0.0.1:7420"));
        let router = Router::new()
            .route("/", get(|| async { "page" }))
            .route("/api/v1/health", get(|| async { "ok" }))
            .route("/api/v1/status", get(|| async { "status" }).post(|| async { "changed" }))
            .layer(middleware::from_fn_with_state(Arc::clone(&auth), guard));
        Door { router, auth, _temp: temp }
    }

    async fn ask(door: &Door, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = axum::http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        door.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn only_local_names_and_the_own_origin_pass() {
        let door = door();
        let cases = [
            ("127.0.0.1:7420", None, 200),
            ("localhost", None, 200),
            ("[::1]:80", None, 200),
            ("evil.example:7420", None, 403),
            ("127.0.0.1.evil.example", None, 403),
            ("localhost:evil", None, 403),
            ("", None, 403),
            ("localhost:1", Some("http://localhost:1"), 200),
            ("localhost:1", Some("http://localhost:2"), 403),
            ("localhost:1", Some("https://localhost:1"), 403),
            ("localhost:1", Some("null"), 403),
            ("localhost:1", Some("http://evil.example"), 403),
        ];
        for (host, origin, expect) in cases {
            let mut headers = vec![("host", host)];
            headers.extend(origin.map(|origin| ("origin", origin)));
            let response = ask(&door, "GET", "/api/v1/health", &headers).await;
            assert_eq!(response.status().as_u16(), expect, "{host} {origin:?}");
        }
    }

    #[tokio::test]
    async fn the_api_wants_a_token_and_a_browsers_change_a_header() {
        let door = door();
        let host = ("host", "localhost");
        let bare = ask(&door, "GET", "/api/v1/status", &[host]).await;
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
        let wrong = ask(&door, "GET", "/api/v1/status", &[host, ("authorization", "Bearer no")]).await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
        let right = [host, ("authorization", "Bearer secret")];
        assert_eq!(ask(&door, "POST", "/api/v1/status", &right).await.status(), StatusCode::OK);

        let link = door.auth.link();
        let token = link.split_once("token=").unwrap().1;
        let cookie = door.auth.redeem(token).unwrap().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
        assert_eq!(door.auth.redeem(token).unwrap(), None, "a link works once");
        let cookie = ("cookie", cookie.split(';').next().unwrap());
        assert_eq!(ask(&door, "GET", "/api/v1/status", &[host, cookie]).await.status(), StatusCode::OK);
        let change = ask(&door, "POST", "/api/v1/status", &[host, cookie]).await;
        assert_eq!(change.status(), StatusCode::FORBIDDEN);
        let csrf = ("x-codex-csrf", "1");
        assert_eq!(
            ask(&door, "POST", "/api/v1/status", &[host, cookie, csrf]).await.status(),
            StatusCode::OK
        );
    }

    #[tokio::test]
    async fn every_answer_carries_the_strict_headers_and_errors_one_shape() {
        let door = door();
        for (path, host) in [("/", "localhost"), ("/api/v1/status", "localhost"), ("/", "evil.example")] {
            let response = ask(&door, "GET", path, &[("host", host)]).await;
            let headers = response.headers();
            assert!(headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["referrer-policy"], "no-referrer");
            assert!(!headers.contains_key("access-control-allow-origin"));
        }
        let response = ask(&door, "GET", "/api/v1/status", &[("host", "localhost")]).await;
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "unauthorized");
        assert!(body["error"]["message"].is_string() && body["error"]["details"].is_object());
    }
}
