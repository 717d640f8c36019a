//! Bundles: a notebook in a file, and back. Paths are the daemon's own; a browser sends and gets the bytes.

use std::path::PathBuf;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use n0_future::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

use super::auth::new_token;
use super::desk::Desk;
use super::error::{ApiError, of_daemon};
use super::input::{Input, Params, Place};
use crate::bundle::ReadError;
use crate::daemon::{DamagedBlob, Export, Exported, ImportError, Imported, Refused};
use crate::driver::AskError;

/// What to export, and where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBundle {
    /// The file to make; absolute. Nothing may be there yet.
    pub path: String,
    /// Leave out what this device holds by its last receipt: its id, or its name.
    pub reader: Option<String>,
    /// Older versions of attachments too.
    #[serde(default)]
    pub whole: bool,
}

/// What was exported.
#[derive(Debug, Serialize, ToSchema)]
pub struct BundleMade {
    /// The file.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Records in it.
    pub records: u64,
    /// Records left out, because the reader holds them.
    pub left_out: u64,
    /// Attachments in it.
    pub attachments: u64,
    /// Attachments that belong into it and are not on this device.
    pub attachments_not_here: u64,
    /// Attachments that belong into it and were left out: the bytes that this device stored are damaged, and the file in the
    /// folder has others. `codexd verify` says what to do.
    pub attachments_damaged: Vec<DamagedAttachment>,
}

/// An attachment whose stored bytes are damaged.
#[derive(Debug, Serialize, ToSchema)]
pub struct DamagedAttachment {
    /// BLAKE3 of the bytes that it should have.
    pub hash: String,
    /// Where entries are, or were, that are it.
    pub paths: Vec<String>,
}

impl From<DamagedBlob> for DamagedAttachment {
    fn from(one: DamagedBlob) -> Self {
        Self { hash: one.hash.to_string(), paths: one.paths }
    }
}

/// A bundle to take in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleToImport {
    /// The file; absolute.
    pub path: String,
}

/// What was taken in.
#[derive(Debug, Serialize, ToSchema)]
pub struct BundleImported {
    /// Notebook id.
    pub notebook: String,
    /// Its name here.
    pub name: String,
    /// Records in the bundle.
    pub records: u64,
    /// Those that were not here before.
    pub new_records: u64,
    /// Records that were left: they do not count, and there is too much of that already.
    pub left_records: u64,
    /// Attachments in the bundle.
    pub attachments: u64,
    /// Those that were not here before.
    pub new_attachments: u64,
    /// Attachments that were left: no version of an entry refers to them.
    pub left_attachments: u64,
}

impl From<Exported> for BundleMade {
    fn from(made: Exported) -> Self {
        Self {
            path: made.path,
            size: made.size,
            records: made.records,
            left_out: made.left_out,
            attachments: made.blobs,
            attachments_not_here: made.blobs_not_here,
            attachments_damaged: made.blobs_damaged.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Imported> for BundleImported {
    fn from(taken: Imported) -> Self {
        Self {
            notebook: taken.notebook,
            name: taken.name,
            records: taken.records,
            new_records: taken.new_records,
            left_records: taken.left_records,
            attachments: taken.blobs,
            new_attachments: taken.new_blobs,
            left_attachments: taken.left_blobs,
        }
    }
}

/// How many attachments a bundle lacks because the bytes that are stored here are damaged.
const DAMAGED: HeaderName = HeaderName::from_static("codex-attachments-damaged");

fn absolute(path: &str) -> Result<PathBuf, ApiError> {
    let given = PathBuf::from(path);
    if given.is_absolute() && !path.contains('\0') {
        return Ok(given);
    }
    let message = format!("cannot use `{}`: give the file's absolute path", path.escape_debug());
    Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_path", message))
}

/// Writes a notebook's records, receipts and attachments to a file.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/bundle", tag = "bundles", params(("nb" = String, Path)),
    request_body = NewBundle, responses((status = 201, body = BundleMade), (status = 422, description = "`cannot_export`")))]
pub async fn export(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Input(new): Input<NewBundle>,
) -> Result<(StatusCode, Json<BundleMade>), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let export = Export { reader: new.reader, whole: new.whole };
    let made = desk.daemon().export_bundle(notebook, absolute(&new.path)?, export).await;
    let made = made.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_export"))?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// What of a notebook goes into a bundle that is downloaded.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichBundle {
    /// Leave out what this device holds by its last receipt: its id, or its name.
    pub reader: Option<String>,
    /// Older versions of attachments too.
    #[serde(default)]
    pub whole: bool,
}

/// A notebook's records, receipts and attachments as a file to keep or carry.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/bundle", tag = "bundles", params(("nb" = String, Path), WhichBundle),
    responses((status = 200, description = "The bundle",
        headers(("Codex-Attachments-Damaged" = u64, description = "Attachments left out because the bytes stored here are damaged"))),
        (status = 422, description = "`cannot_export`")))]
pub async fn download(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Params(which): Params<WhichBundle>,
) -> Result<Response, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let slug = desk.daemon().list().into_iter().find(|one| one.id == notebook.id.to_string());
    let slug = slug.map_or_else(|| "notebook".to_owned(), |one| one.slug);
    let part = Part::new(&desk);
    let export = Export { reader: which.reader.filter(|reader| !reader.is_empty()), whole: which.whole };
    let made = desk.daemon().export_bundle(notebook, part.0.clone(), export).await;
    let made = made.map_err(|error| of_daemon(error, StatusCode::UNPROCESSABLE_ENTITY, "cannot_export"))?;
    // Open, it lasts until it is sent; its name goes now.
    let file = tokio::fs::File::open(&part.0).await?;
    drop(part);
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, made.size.to_string()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{slug}.codexbundle\"")),
        (CACHE_CONTROL, "no-store".to_owned()),
        (DAMAGED, made.blobs_damaged.len().to_string()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

/// Takes in a bundle that is sent, as if a peer had sent what it holds.
#[utoipa::path(post, path = "/api/v1/bundles/upload", tag = "bundles",
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, body = BundleImported), (status = 422, description = "`bad_bundle`, `cannot_import`")))]
pub async fn upload(State(desk): State<Desk>, body: Body) -> Result<Json<BundleImported>, ApiError> {
    let part = Part::new(&desk);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part.0).await?;
    let mut bytes = body.into_data_stream();
    while let Some(some) = bytes.next().await {
        let some = some.map_err(|error| ApiError::bad_request(format!("cannot read the bundle: {error}")))?;
        file.write_all(&some).await?;
    }
    file.flush().await?;
    drop(file);
    let taken = desk.daemon().import_bundle(part.0.clone()).await;
    taken.map(|taken| Json(taken.into())).map_err(refused)
}

/// A file that lives as long as one request.
struct Part(PathBuf);

impl Part {
    fn new(desk: &Desk) -> Self {
        Self(desk.daemon().home().tmp_dir().join(new_token()))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // What is left is swept at the next start in any case.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Takes in what a file holds, as if a peer had sent it. What was good before something that is not stays.
#[utoipa::path(post, path = "/api/v1/bundles", tag = "bundles", request_body = BundleToImport,
    responses((status = 200, body = BundleImported), (status = 422, description = "`bad_bundle`, `cannot_import`")))]
pub async fn import(
    State(desk): State<Desk>,
    Input(given): Input<BundleToImport>,
) -> Result<Json<BundleImported>, ApiError> {
    let path = absolute(&given.path)?;
    let taken = desk.daemon().import_bundle(path).await;
    taken.map(|taken| Json(taken.into())).map_err(refused)
}

/// Says at which record it stopped.
fn refused(failed: ImportError) -> ApiError {
    let message = failed.to_string();
    let fault = match (failed.error.downcast_ref::<ReadError>(), failed.error.downcast_ref::<Refused>()) {
        (Some(read), _) => Some(&read.fault),
        (None, Some(Refused(fault))) => Some(fault),
        (None, None) => None,
    };
    let details = serde_json::json!({
        "device": fault.and_then(|fault| fault.at).map(|at| at.device.to_string()),
        "volume": fault.and_then(|fault| fault.at).map(|at| at.volume.0.to_string()),
        "seq": fault.and_then(|fault| fault.at).map(|at| at.seq),
        "reason": fault.map(|fault| fault.reason.clone()),
        "new_records": failed.so_far.new_records,
        "new_attachments": failed.so_far.new_blobs,
    });
    let code = if fault.is_some() { "bad_bundle" } else { "cannot_import" };
    match failed.error.downcast::<AskError>() {
        Ok(ask) => ApiError { message, ..ApiError::from(ask) },
        Err(_) => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message).with(details),
    }
}
