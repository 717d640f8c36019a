//! The blob store: attachments by BLAKE3, one `iroh-blobs` store per home.
#![allow(unused_variables)]

use std::path::{Path, PathBuf};

use codex_crdt_model::ids::ContentHash;

/// Cloneable handle. All blobs of all notebooks of this home.
#[derive(Debug, Clone)]
pub struct Blobs {}

/// What was being done with which blob, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} blob {what}: {reason}")]
pub struct BlobError {
    /// A verb.
    pub doing: &'static str,
    /// Hash or path.
    pub what: String,
    /// Why.
    pub reason: String,
}

impl Blobs {
    /// Opens (or makes) the store in a folder.
    pub async fn open(dir: PathBuf) -> Result<Self, BlobError> {
        unimplemented!()
    }

    /// Takes in a file; returns its hash and size. Small files (up to 64 MiB) are copied, larger ones referenced.
    pub async fn import(&self, path: &Path) -> Result<(ContentHash, u64), BlobError> {
        unimplemented!()
    }

    /// Takes in many files at once; results in the same order.
    pub async fn import_many(&self, paths: Vec<PathBuf>) -> Vec<Result<(ContentHash, u64), BlobError>> {
        unimplemented!()
    }

    /// Takes in bytes.
    pub async fn import_bytes(&self, bytes: bytes::Bytes) -> Result<ContentHash, BlobError> {
        unimplemented!()
    }

    /// Whether the blob is held whole.
    pub async fn has(&self, hash: &ContentHash) -> Result<bool, BlobError> {
        unimplemented!()
    }

    /// Writes it to a new file (by copy, or by reflink where the file system can). Not synced.
    pub async fn export(&self, hash: &ContentHash, target: &Path) -> Result<(), BlobError> {
        unimplemented!()
    }

    /// Part of a held blob: at most `len` bytes from `offset`.
    pub async fn read(&self, hash: &ContentHash, offset: u64, len: u64) -> Result<bytes::Bytes, BlobError> {
        unimplemented!()
    }

    /// Makes what was imported survive power loss.
    pub async fn sync(&self) -> Result<(), BlobError> {
        unimplemented!()
    }

    /// Closes the store.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}
