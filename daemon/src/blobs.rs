//! The blob store: attachments by BLAKE3, one `iroh-blobs` store per home.
//!
//! Nothing is ever collected: every blob has a named tag, and no garbage collection is configured. A blob
//! is durable after [`Blobs::sync`], not before. This module knows no network; [`crate::net`] serves it.

use std::path::{Path, PathBuf};

use codex_crdt_model::ids::ContentHash;
use iroh_blobs::api::blobs::{
    AddPathOptions, AddProgressItem, BlobStatus, ExportMode, ExportOptions, ImportMode,
};
use iroh_blobs::store::fs::FsStore;
use iroh_blobs::{BlobFormat, Hash, HashAndFormat};
use n0_future::{BufferedStreamExt, StreamExt};

/// From this size on an attachment is large: a few of them at once fill a line.
pub const LARGE_BYTES: u64 = 64 << 20;

/// Files taken in at once by [`Blobs::import_many`]: hashing is bound by two or four cores, not by more.
const IMPORTS: usize = 16;

/// Cloneable handle. All blobs of all notebooks of this home.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: FsStore,
    dir: PathBuf,
}

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

/// Makes the error of one act on one thing.
fn failed<E: std::fmt::Display>(doing: &'static str, what: impl ToString) -> impl FnOnce(E) -> BlobError {
    let what = what.to_string();
    move |reason| BlobError { doing, what, reason: format!("{reason:#}") }
}

fn raw(hash: &ContentHash) -> HashAndFormat {
    HashAndFormat::raw(Hash::from_bytes(hash.0))
}

fn tag(hash: &ContentHash) -> String {
    format!("b/{hash}")
}

impl Blobs {
    /// Opens (or makes) the store in a folder.
    pub async fn open(dir: PathBuf) -> Result<Self, BlobError> {
        let dir = std::path::absolute(&dir).map_err(failed("open the store of", dir.display()))?;
        std::fs::create_dir_all(&dir).map_err(failed("open the store of", dir.display()))?;
        let store = FsStore::load(&dir).await.map_err(failed("open the store of", dir.display()))?;
        Ok(Self { store, dir })
    }

    /// Takes in a file by copy (or by reflink where the file system can); returns its hash and size. Never by reference:
    /// the file is the user's, who moves, changes and removes it.
    pub async fn import(&self, path: &Path) -> Result<(ContentHash, u64), BlobError> {
        const DOING: &str = "take in as";
        let path = std::path::absolute(path).map_err(failed(DOING, path.display()))?;
        let stat = tokio::fs::metadata(&path).await.map_err(failed(DOING, path.display()))?;
        let options = AddPathOptions { path: path.clone(), mode: ImportMode::Copy, format: BlobFormat::Raw };
        let mut progress = std::pin::pin!(self.store.blobs().add_path_with_opts(options).stream().await);
        let mut size = stat.len();
        while let Some(item) = progress.next().await {
            match item {
                AddProgressItem::Size(bytes) => size = bytes,
                AddProgressItem::Done(temporary) => {
                    let hash = ContentHash(*temporary.hash().as_bytes());
                    self.keep(&hash).await?;
                    return Ok((hash, size));
                }
                AddProgressItem::Error(reason) => return Err(failed(DOING, path.display())(reason)),
                AddProgressItem::CopyProgress(_)
                | AddProgressItem::CopyDone
                | AddProgressItem::OutboardProgress(_) => {}
            }
        }
        Err(failed(DOING, path.display())("the blob store stopped"))
    }

    /// Takes in many files at once; results in the same order.
    pub async fn import_many(&self, paths: Vec<PathBuf>) -> Vec<Result<(ContentHash, u64), BlobError>> {
        n0_future::stream::iter(paths.iter().map(|path| self.import(path)))
            .buffered_ordered(IMPORTS)
            .collect()
            .await
    }

    /// Takes in bytes.
    pub async fn import_bytes(&self, bytes: bytes::Bytes) -> Result<ContentHash, BlobError> {
        let what = format!("{} bytes", bytes.len());
        let added =
            self.store.blobs().add_bytes(bytes).temp_tag().await.map_err(failed("take in as", what))?;
        let hash = ContentHash(*added.hash().as_bytes());
        self.keep(&hash).await?;
        Ok(hash)
    }

    /// Whether the blob is held whole.
    pub async fn has(&self, hash: &ContentHash) -> Result<bool, BlobError> {
        Ok(self.size(hash).await?.is_some())
    }

    /// Its bytes, counted; `None` if it is not held whole.
    pub async fn size(&self, hash: &ContentHash) -> Result<Option<u64>, BlobError> {
        let status = self.store.blobs().status(Hash::from_bytes(hash.0)).await;
        match status.map_err(failed("look for", hash))? {
            BlobStatus::Complete { size } => Ok(Some(size)),
            BlobStatus::Partial { .. } | BlobStatus::NotFound => Ok(None),
        }
    }

    /// Writes it to a new file (by copy, or by reflink where the file system can). Not synced.
    pub async fn export(&self, hash: &ContentHash, target: &Path) -> Result<(), BlobError> {
        const DOING: &str = "write out";
        let target = std::path::absolute(target).map_err(failed(DOING, hash))?;
        if hash.0 == *Hash::EMPTY.as_bytes() {
            return tokio::fs::write(&target, b"").await.map_err(failed(DOING, hash));
        }
        let options =
            ExportOptions { hash: Hash::from_bytes(hash.0), mode: ExportMode::Copy, target: target.clone() };
        self.store.blobs().export_with_opts(options).finish().await.map_err(failed(DOING, hash))?;
        Ok(())
    }

    /// Part of a held blob: at most `len` bytes from `offset`. Nothing beyond its end.
    pub async fn read(&self, hash: &ContentHash, offset: u64, len: u64) -> Result<bytes::Bytes, BlobError> {
        const DOING: &str = "read";
        let name = Hash::from_bytes(hash.0);
        let size = match self.store.blobs().status(name).await.map_err(failed(DOING, hash))? {
            BlobStatus::Complete { size } => size,
            BlobStatus::Partial { .. } => return Err(failed(DOING, hash)("only a part of it is here")),
            BlobStatus::NotFound => return Err(failed(DOING, hash)("it is not here")),
        };
        let end = offset.saturating_add(len).min(size);
        if offset >= end {
            return Ok(bytes::Bytes::new());
        }
        let bytes = self
            .store
            .blobs()
            .export_ranges(name, offset..end)
            .concatenate()
            .await
            .map_err(failed(DOING, hash))?;
        Ok(bytes.into())
    }

    /// Makes what was imported survive power loss.
    pub async fn sync(&self) -> Result<(), BlobError> {
        const DOING: &str = "make durable every";
        // The files of the blobs first: the database must never promise a file that a power loss takes back.
        let dir = self.dir.clone();
        tokio::task::spawn_blocking(move || {
            rustix::fs::syncfs(std::fs::File::open(dir)?).map_err(Into::into)
        })
        .await
        .map_err(failed(DOING, "in the store"))?
        .map_err(failed::<std::io::Error>(DOING, "in the store"))?;
        self.store.sync_db().await.map_err(failed(DOING, "in the store"))
    }

    /// Closes the store.
    pub async fn shutdown(&self) {
        if let Err(reason) = self.store.shutdown().await {
            tracing::warn!("the blob store did not close cleanly: {reason:#}");
        }
    }

    /// Names the blob, so that it is never collected.
    pub(crate) async fn keep(&self, hash: &ContentHash) -> Result<(), BlobError> {
        self.store.tags().set(tag(hash), raw(hash)).await.map_err(failed("keep", hash))
    }

    /// The store itself, for the network shell that serves and fetches.
    pub(crate) fn store(&self) -> &FsStore {
        &self.store
    }
}

#[cfg(test)]
mod tests;
