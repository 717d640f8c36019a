//! Upload of several files and whole folders, streamed to disk as they come.

use axum::Json;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request as HttpRequest, State};
use axum::http::StatusCode;
use codex_crdt_model::effect::Reply;
use codex_crdt_model::event::Request;
use codex_crdt_model::path::EntryPath;

use super::content::no_entry_in_reply;
use super::desk::{Desk, ask};
use super::dto::{EntryDetails, Page};
use super::entries::details;
use super::error::ApiError;
use super::input::Place;
use super::spool::Spool;

/// Takes files in. Fields in order: `folder` (where the files after it go), and files, whose file name may be
/// a relative path.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/upload", tag = "entries", params(("nb" = String, Path)),
    request_body(content = String, content_type = "multipart/form-data"),
    responses((status = 201, body = Page<EntryDetails>), (status = 400)))]
pub async fn upload(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    request: HttpRequest,
) -> Result<(StatusCode, Json<Page<EntryDetails>>), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let mut parts = Multipart::from_request(request, &desk)
        .await
        .map_err(|error| ApiError::bad_request(format!("cannot read the upload: {}", error.body_text())))?;
    let mut folder = EntryPath::root();
    let mut made = Vec::new();
    while let Some(mut part) = parts.next_field().await.map_err(|error| broken(&error))? {
        let Some(name) = part.file_name().map(str::to_owned) else {
            match part.name() {
                Some("folder" | "parent" | "path") => {
                    let text = part.text().await.map_err(|error| broken(&error))?;
                    folder = EntryPath::parse(text.trim_matches('/'))?;
                }
                _ => return Err(ApiError::bad_request("every part of an upload is a file or `folder`")),
            }
            continue;
        };
        let path = target(&folder, &name)?;
        let content = spool(&desk, &mut part).await?.finish(desk.daemon().blobs()).await?;
        let reply = ask(&notebook, Request::Create { path, content }).await?;
        let Reply::Entry { entry, .. } = reply else { return Err(no_entry_in_reply()) };
        made.push(entry);
    }
    let mut items = Vec::new();
    for entry in made {
        items.push(details(&notebook, entry).await?);
    }
    Ok((StatusCode::CREATED, Json(Page::whole(items))))
}

async fn spool(desk: &Desk, part: &mut Field<'_>) -> Result<Spool, ApiError> {
    let mut spool = Spool::new(desk);
    while let Some(bytes) = part.chunk().await.map_err(|error| broken(&error))? {
        spool.push(&bytes).await?;
    }
    Ok(spool)
}

fn target(folder: &EntryPath, name: &str) -> Result<EntryPath, ApiError> {
    let inside = EntryPath::parse(name)?;
    if inside.is_root() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_path", "an uploaded file needs a name"));
    }
    let whole = if folder.is_root() { name.to_owned() } else { format!("{folder}/{name}") };
    Ok(EntryPath::parse(&whole)?)
}

fn broken(error: &MultipartError) -> ApiError {
    let message = format!("cannot read the upload: {}; files before this one are kept", error.body_text());
    ApiError::new(error.status(), "bad_request", message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_upload_stays_in_its_folder() {
        let folder = EntryPath::parse("data/raw").unwrap();
        assert_eq!(target(&folder, "a/b.png").unwrap().as_str(), "data/raw/a/b.png");
        for name in ["../x", "/etc/passwd", "a/../../x", "", "a//b", "a\0b"] {
            assert_eq!(target(&folder, name).unwrap_err().code, "bad_path", "{name:?}");
        }
    }
}
