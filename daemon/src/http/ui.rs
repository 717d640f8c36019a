//! The page itself, embedded in the binary.

use axum::extract::{OriginalUri, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Deserialize;

use super::desk::Desk;
use super::error::{ApiError, no_such_method, no_such_route};
use super::guard::{policy_of_diagrams, policy_of_page};
use super::input::Params;

#[derive(RustEmbed)]
#[folder = "../web-ui/dist"]
struct Dist;

/// The document in which the page draws diagrams.
const DIAGRAMS: &str = "diagram.html";

/// A one-time link's token.
#[derive(Debug, Deserialize)]
pub struct Entrance {
    token: Option<String>,
}

/// The page; with a one-time token, the door: a cookie for the token, and off to the page without it.
pub async fn root(
    State(desk): State<Desk>,
    Params(entrance): Params<Entrance>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Some(token) = entrance.token else { return Ok(page()) };
    if let Some(cookie) = desk.auth().redeem(&token)? {
        let no_store = (CACHE_CONTROL, "no-store".to_owned());
        return Ok(([(SET_COOKIE, cookie), no_store], Redirect::to("/")).into_response());
    }
    if desk.auth().check(&headers)?.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let words = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Codex</title>\
        <p>This link has been used already, or is too old. Run <code>codexd open</code> for a new one.</p></html>";
    Ok((StatusCode::UNAUTHORIZED, [(CACHE_CONTROL, "no-store")], Html(words)).into_response())
}

/// A file of the page, or the page itself for whatever place in it a link names.
pub async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return no_such_method(method, OriginalUri(uri)).await.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = Dist::get(path).filter(|_| !path.is_empty()) {
        let mut answer = serve(path, file, &headers);
        if path == DIAGRAMS
            && let Ok(policy) = HeaderValue::from_str(&policy_of_diagrams())
        {
            answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
        return answer;
    }
    // A missing file of the build must not be answered with the page: the browser would run HTML as script.
    if path.starts_with("assets/") || path.starts_with("api/") {
        return no_such_route(OriginalUri(uri)).await.into_response();
    }
    page()
}

/// What stands in the page as its nonce until it is served.
const NONCE: &str = "a-new-one-each-time";

/// Never from a cache: each answer has a nonce of its own, in the page and in its policy.
fn page() -> Response {
    let Some(file) = Dist::get("index.html") else {
        return ApiError::not_found("this codexd was built without its web UI; its API is at /api/v1")
            .into_response();
    };
    let mut nonce = [0; 16];
    if let Err(error) = getrandom::fill(&mut nonce) {
        return ApiError::internal(format!("cannot draw a nonce for the page: {error}")).into_response();
    }
    let nonce = data_encoding::HEXLOWER.encode(&nonce);
    let html = String::from_utf8_lossy(&file.data).replace(NONCE, &nonce);
    let headers = [(CACHE_CONTROL, "no-store".to_owned()), (CONTENT_SECURITY_POLICY, policy_of_page(&nonce))];
    (headers, Html(html)).into_response()
}

fn serve(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..16]));
    // Names below assets/ carry a hash of their content.
    let hashed = path.starts_with("assets/");
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let fixed = [(ETAG, etag.clone()), (CACHE_CONTROL, cache.to_owned())];
    if headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    let media_type = file.metadata.mimetype().to_owned();
    let media_type = if media_type.starts_with("text/") && !media_type.contains("charset") {
        format!("{media_type}; charset=utf-8")
    } else {
        media_type
    };
    (fixed, [(CONTENT_TYPE, media_type)], file.data.into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn places_in_the_page_get_the_page_and_missing_files_do_not() {
        let ask = async |path: &str| asset(Method::GET, path.parse().unwrap(), HeaderMap::new()).await;
        assert_eq!(ask("/n/lab/entry").await.status(), StatusCode::OK);
        assert_eq!(ask("/assets/none-1234.js").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(ask("/api/v2/x").await.status(), StatusCode::NOT_FOUND);
        let post = asset(Method::POST, "/n/lab".parse().unwrap(), HeaderMap::new()).await;
        assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn each_answer_with_the_page_lets_styles_of_its_own_nonce_through() {
        let mut seen = Vec::new();
        for _ in 0..2 {
            let answer = asset(Method::GET, "/n/lab".parse().unwrap(), HeaderMap::new()).await;
            let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
            assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
            let html = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            let html = String::from_utf8(html.to_vec()).unwrap();
            let nonce = html
                .split("property=\"csp-nonce\" nonce=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .to_owned();
            assert!(policy.contains(&format!("style-src 'self' 'nonce-{nonce}';")), "{policy}");
            assert!(!policy.contains("unsafe") && nonce != NONCE && !seen.contains(&nonce), "{policy}");
            seen.push(nonce);
        }
    }
}
