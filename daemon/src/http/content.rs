//! The bytes of an entry: by id and by path, whole or in part, and the way back in.

use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::{Request, Version};
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::limits;
use codex_crdt_model::path::EntryPath;
use n0_future::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::desk::{Desk, ask};
use super::entries::details;
use super::error::ApiError;
use super::input::{Params, Place};
use super::locks::{Amends, refuse_if_locked, refuse_new_if_locked};
use super::ranges::{Wanted, wanted};
use super::reading::{self, Found, read};
use super::spool::Spool;
use crate::blobs::Blobs;
use crate::driver::Notebook;
use crate::mirror::text::media_type;

/// Read from the blob store and sent at a time.
const CHUNK_BYTES: u64 = 256 << 10;

/// How content is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContentParams {
    /// Exactly this version; may then be cached for ever.
    pub v: Option<String>,
    /// `1`: to be saved, not shown.
    pub download: Option<String>,
}

/// One version's content, ready to be sent.
#[derive(Debug)]
pub struct Outgoing {
    /// Where it is, for its media type and file name.
    pub path: EntryPath,
    /// Text, blob or link.
    pub content: Content,
    /// Which version it is.
    pub version: Version,
    /// Whether the request named the version.
    pub pinned: bool,
    /// To be saved, not shown.
    pub download: bool,
}

/// The bytes of an entry.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/content", tag = "content",
    params(("nb" = String, Path), ("e" = String, Path), ContentParams),
    responses((status = 200, description = "The bytes; the ETag is the version"), (status = 206), (status = 304),
        (status = 503, description = "`not_available`: the bytes have not arrived yet")))]
pub async fn get(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Params(params): Params<ContentParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    let outgoing = load(&notebook, id, &params).await?;
    ask_for_bytes(&desk, &notebook, &outgoing).await?;
    send(desk.daemon().blobs(), outgoing, &headers).await
}

/// The bytes at a path.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/files/{path}", tag = "content",
    params(("nb" = String, Path), ("path" = String, Path), ContentParams),
    responses((status = 200, description = "The bytes; the ETag is the version")))]
pub async fn get_file(
    State(desk): State<Desk>,
    Place((nb, path)): Place<(String, String)>,
    Params(params): Params<ContentParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let path = EntryPath::parse(&path)?;
    let shown = path.clone();
    let id = read(&notebook, move |reader| reading::at(reader, &path)).await?;
    let id =
        id.ok_or_else(|| ApiError::not_found(format!("there is nothing at `{shown}` in this notebook")))?;
    let outgoing = load(&notebook, id, &params).await?;
    ask_for_bytes(&desk, &notebook, &outgoing).await?;
    let mut headers = headers;
    if outgoing.version.0.is_empty() {
        // `birth` names a version of one entry only, and another entry may have come to this path since.
        headers.remove(IF_NONE_MATCH);
        if headers.remove(IF_RANGE).is_some() {
            headers.remove(RANGE);
        }
    }
    send(desk.daemon().blobs(), outgoing, &headers).await
}

async fn load(notebook: &Notebook, id: EntryId, params: &ContentParams) -> Result<Outgoing, ApiError> {
    let version: Option<Version> = params.v.as_deref().map(str::parse).transpose()?;
    let root = notebook.root.clone();
    let download = params.download.is_some();
    read(notebook, move |reader| {
        if let Some(version) = version {
            let found = reading::any(reader, &id)?;
            let content = reading::view_at(reader, &id, &version)?.content;
            return Ok(Outgoing { path: found.path, content, version, pinned: true, download });
        }
        let found = reading::alive(reader, &id)?;
        let content = match from_disk(&root, &found) {
            Some(text) => Content::Text(text),
            None => reading::content(reader, &found)?,
        };
        let version = found.version();
        Ok(Outgoing { path: found.path, content, version, pinned: false, download })
    })
    .await
}

/// Asks the connected devices for the bytes of a version that somebody names and that are not here: it may have been
/// replaced before this device joined. What is current comes as the fetch policy says.
pub async fn ask_for_bytes(desk: &Desk, notebook: &Notebook, outgoing: &Outgoing) -> Result<(), ApiError> {
    if let Content::Blob { hash, size } = outgoing.content
        && outgoing.pinned
        && !desk.daemon().blobs().has(&hash).await?
    {
        notebook.fetch(hash, size);
    }
    Ok(())
}

/// The file on disk, if it is exactly the version that the store names: cheaper than loading a document.
fn from_disk(root: &std::path::Path, found: &Found) -> Option<String> {
    if found.row.kind != Kind::Text || found.row.size > limits::TEXT_BYTES as u64 {
        return None;
    }
    let path = root.join(found.path.as_str());
    let meta = std::fs::symlink_metadata(&path).ok()?;
    if !meta.is_file() || meta.len() != found.row.size {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    if ContentHash::of(&bytes) != found.row.hash {
        return None;
    }
    String::from_utf8(bytes).ok()
}

/// Sends a version's bytes, or the part that is wanted, or says that they are known already.
pub async fn send(blobs: &Blobs, outgoing: Outgoing, headers: &HeaderMap) -> Result<Response, ApiError> {
    let etag = etag(&outgoing.version);
    let fixed = fixed_headers(&outgoing, &etag);
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if header(IF_NONE_MATCH).is_some_and(|tags| names(tags, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let (len, source) = match outgoing.content {
        Content::Folder => {
            let message = format!("`{}` is a folder and has no bytes", outgoing.path);
            return Err(ApiError::new(StatusCode::CONFLICT, "is_folder", message));
        }
        Content::Text(text) | Content::Symlink(text) => (text.len() as u64, Bytes::Memory(text.into())),
        Content::Blob { hash, size } => {
            if !blobs.has(&hash).await? {
                let soon = match outgoing.pinned {
                    true => "are not here; the other devices are asked for them, try again soon",
                    false => "have not arrived from the other devices yet",
                };
                let message = format!("the bytes of `{}` {soon}", outgoing.path);
                let details = serde_json::json!({"hash": hash.to_string(), "size": size});
                return Err(
                    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_available", message).with(details)
                );
            }
            (size, Bytes::Blob(hash))
        }
    };
    // A range of an older version must not be glued to a newer one.
    let same = header(IF_RANGE).is_none_or(|tag| tag == etag);
    let (status, first, end) = match wanted(header(RANGE).filter(|_| same), len) {
        Wanted::Whole => (StatusCode::OK, 0, len),
        Wanted::Part(first, end) => (StatusCode::PARTIAL_CONTENT, first, end),
        Wanted::Beyond => {
            let error = ApiError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "bad_range",
                format!("there are only {len} bytes"),
            );
            return Ok(([(CONTENT_RANGE, format!("bytes */{len}"))], error).into_response());
        }
    };
    let mut response = (status, fixed, source.body(blobs, first, end)).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(end - first));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{len}", end - 1);
        response.headers_mut().insert(CONTENT_RANGE, ascii(&range));
    }
    Ok(response)
}

enum Bytes {
    Memory(axum::body::Bytes),
    Blob(ContentHash),
}

impl Bytes {
    fn body(self, blobs: &Blobs, first: u64, end: u64) -> Body {
        match self {
            Bytes::Memory(bytes) => {
                let index = |at: u64| usize::try_from(at).expect("what lies in memory has indices that fit");
                Body::from(bytes.slice(index(first)..index(end)))
            }
            Bytes::Blob(hash) => {
                let blobs = blobs.clone();
                Body::from_stream(n0_future::stream::try_unfold(first, move |at| {
                    let blobs = blobs.clone();
                    async move {
                        if at >= end {
                            return Ok::<_, crate::blobs::BlobError>(None);
                        }
                        let bytes = blobs.read(&hash, at, CHUNK_BYTES.min(end - at)).await?;
                        let next = if bytes.is_empty() { end } else { at + bytes.len() as u64 };
                        Ok(Some((bytes, next)))
                    }
                }))
            }
        }
    }
}

fn fixed_headers(outgoing: &Outgoing, etag: &str) -> HeaderMap {
    let kind = outgoing.content.kind();
    let name = outgoing.path.name();
    let media_type = media_type(name, kind);
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, ascii(etag));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let age = if outgoing.pinned { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(age));
    // Whatever a colleague put into a file runs nowhere and reaches nothing.
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    let attach = outgoing.download || can_carry_scripts(&media_type);
    let manner = if attach { "attachment" } else { "inline" };
    headers.insert(CONTENT_DISPOSITION, ascii(&format!("{manner}; filename*=UTF-8''{}", escape(name))));
    let charset = kind == Kind::Text;
    let media_type = if charset { format!("{media_type}; charset=utf-8") } else { media_type };
    headers.insert(CONTENT_TYPE, ascii(&media_type));
    headers
}

fn can_carry_scripts(media_type: &str) -> bool {
    let xml = media_type.ends_with("+xml") || media_type.ends_with("/xml");
    xml || matches!(media_type, "text/html" | "text/xsl" | "application/xslt+xml" | "multipart/related")
}

/// New bytes for an entry, made from the version that `If-Match` names.
#[utoipa::path(put, path = "/api/v1/notebooks/{nb}/entries/{e}/content", tag = "content",
    params(("nb" = String, Path), ("e" = String, Path), ("If-Match" = String, Header), Amends),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, description = "Saved; the merged text and its ETag"),
        (status = 412, description = "`outdated`: the attachment has moved on"),
        (status = 423, description = "`locked`: it is sealed and only amended"), (status = 428)))]
pub async fn put(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Params(Amends { amend }): Params<Amends>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = e.parse()?;
    refuse_if_locked(&notebook, id, amend).await?;
    write(&desk, &notebook, id, &headers, body).await
}

/// New bytes at a path; a new entry if nothing is there.
#[utoipa::path(put, path = "/api/v1/notebooks/{nb}/files/{path}", tag = "content",
    params(("nb" = String, Path), ("path" = String, Path), Amends),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200), (status = 201, description = "A new entry"), (status = 412),
        (status = 423, description = "`locked`: it is sealed and only amended"), (status = 428)))]
pub async fn put_file(
    State(desk): State<Desk>,
    Place((nb, path)): Place<(String, String)>,
    Params(Amends { amend }): Params<Amends>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let path = EntryPath::parse(&path)?;
    let wanted = path.clone();
    let there = read(&notebook, move |reader| reading::at(reader, &wanted)).await?;
    let only_new = headers.get(IF_NONE_MATCH).is_some_and(|value| value == "*");
    match there {
        Some(_) if only_new => {
            let message = format!("`{path}` is taken");
            Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "exists", message))
        }
        Some(id) => {
            refuse_if_locked(&notebook, id, amend).await?;
            write(&desk, &notebook, id, &headers, body).await
        }
        None => {
            refuse_new_if_locked(&notebook, path.clone(), amend).await?;
            let content = take_in(&desk, body.into_data_stream()).await?;
            let reply = ask(&notebook, Request::Create { path, content }).await?;
            let Reply::Entry { entry, version, .. } = reply else { return Err(no_entry_in_reply()) };
            let body = axum::Json(details(&notebook, entry).await?);
            Ok((StatusCode::CREATED, [(ETAG, etag(&version))], body).into_response())
        }
    }
}

/// The core answered something else than was asked for.
pub fn no_entry_in_reply() -> ApiError {
    ApiError::internal("the notebook did not say which entry it made")
}

async fn write(
    desk: &Desk,
    notebook: &Notebook,
    id: EntryId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    // A deleted entry too: who saves an older version of it brings it back.
    let found = read(notebook, move |reader| reading::any(reader, &id)).await?;
    let base = base_version(headers, &found)?;
    let content = take_in(desk, body.into_data_stream()).await?;
    let is_text = matches!(content, Content::Text(_));
    let reply = ask(notebook, Request::Write { entry: id, base, content }).await?;
    let Reply::Entry { version, .. } = reply else { return Err(no_entry_in_reply()) };
    if !is_text {
        let body = axum::Json(details(notebook, id).await?);
        return Ok(([(ETAG, etag(&version))], body).into_response());
    }
    let now = version.clone();
    let merged = read(notebook, move |reader| Ok(reading::view_at(reader, &id, &now)?.content)).await?;
    let outgoing = Outgoing { path: found.path, content: merged, version, pinned: false, download: false };
    send(desk.daemon().blobs(), outgoing, &HeaderMap::new()).await
}

async fn take_in(desk: &Desk, mut body: BodyDataStream) -> Result<Content, ApiError> {
    let mut spool = Spool::new(desk);
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| {
            ApiError::bad_request(format!("the request's body broke off: {error}; nothing was changed"))
        })?;
        spool.push(&bytes).await?;
    }
    spool.finish(desk.daemon().blobs()).await
}

fn base_version(headers: &HeaderMap, found: &Found) -> Result<Version, ApiError> {
    let Some(value) = headers.get(IF_MATCH).and_then(|value| value.to_str().ok()) else {
        return Err(ApiError::new(
            StatusCode::PRECONDITION_REQUIRED,
            "base_needed",
            format!(
                "saving `{}` needs `If-Match` with the ETag of the version that it was made from; else \
                 somebody's work could be overwritten",
                found.path
            ),
        ));
    };
    if value.trim() == "*" {
        return Ok(found.version());
    }
    let tag = value.trim().trim_start_matches("W/").trim_matches('"');
    tag.parse().map_err(|_| {
        let shown: String = tag.chars().take(80).collect();
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad_version",
            format!("`{shown}` in `If-Match` is no ETag of an entry"),
        )
    })
}

/// The ETag of a version.
pub fn etag(version: &Version) -> String {
    format!("\"{version}\"")
}

fn names(tags: &str, etag: &str) -> bool {
    tags.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == "*" || tag == etag)
}

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// RFC 5987: everything but letters, digits and a few signs as `%XX`.
fn escape(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sent(name: &str, content: Content) -> HeaderMap {
        let path = EntryPath::parse(name).unwrap();
        let outgoing =
            Outgoing { path, content, version: Version(Vec::new()), pinned: false, download: false };
        fixed_headers(&outgoing, "\"birth\"")
    }

    #[test]
    fn users_files_run_nowhere() {
        for name in ["a.html", "a.svg", "a.xhtml", "a.xml", "a.HTM"] {
            let headers = sent(name, Content::Text(String::new()));
            assert_eq!(headers[CONTENT_SECURITY_POLICY], "sandbox");
            let manner = headers[CONTENT_DISPOSITION].to_str().unwrap();
            assert!(manner.starts_with("attachment"), "{name}: {manner}");
        }
        let png = sent("a b\"ü.png", Content::Blob { hash: ContentHash([0; 32]), size: 1 });
        assert_eq!(png[CONTENT_DISPOSITION], "inline; filename*=UTF-8''a%20b%22%C3%BC.png");
        assert_eq!(png[CONTENT_TYPE], "image/png");
    }

    #[test]
    fn etags_are_compared_weakly_and_in_lists() {
        assert!(names("\"a\", W/\"b\"", "\"b\"") && names("*", "\"b\""));
        assert!(!names("\"a\"", "\"b\"") && !names("", "\"b\""));
    }
}
