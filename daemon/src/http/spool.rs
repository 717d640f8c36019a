//! A body of any size becomes content: a text stays in memory, anything else goes to disk as it comes.

use std::path::PathBuf;

use axum::body::Bytes;
use codex_crdt_model::entry::birth::Content;
use codex_crdt_model::limits;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::auth::new_token;
use super::desk::Desk;
use super::error::ApiError;
use crate::blobs::Blobs;

/// Larger files are referenced by the blob store where they lie, so they are not taken away again.
const REFERENCED_BYTES: u64 = 64 << 20;

/// Bytes on their way in. What is on disk goes away with it, unless it was handed over.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    kept: PathBuf,
    memory: Vec<u8>,
    file: Option<(Part, File)>,
    size: u64,
}

impl Spool {
    /// Empty.
    pub fn new(desk: &Desk) -> Self {
        let home = desk.daemon().home();
        Self { dir: home.tmp_dir(), kept: home.dir.join("uploads"), memory: Vec::new(), file: None, size: 0 }
    }

    /// Takes more bytes.
    pub async fn push(&mut self, bytes: &Bytes) -> Result<(), ApiError> {
        self.size += bytes.len() as u64;
        if self.file.is_none() && self.memory.len() + bytes.len() <= limits::TEXT_BYTES {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        if self.file.is_none() {
            // From here on it goes away by itself, also if the disk is full at the first byte.
            let part = Part { path: self.dir.join(new_token()), stays: false };
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part.path).await?;
            file.write_all(&std::mem::take(&mut self.memory)).await?;
            self.file = Some((part, file));
        }
        if let Some((_, file)) = &mut self.file {
            file.write_all(bytes).await?;
        }
        Ok(())
    }

    /// Everything has come. A blob is in the store, durable, when this returns. Goes on to its end when nobody waits for
    /// it any more: half-way, the store would refer to a file that is taken away.
    pub async fn finish(self, blobs: &Blobs) -> Result<Content, ApiError> {
        let blobs = blobs.clone();
        let ended = tokio::spawn(async move { self.taken_in(&blobs).await }).await;
        ended.map_err(|error| ApiError::internal(format!("cannot keep what was sent: {error}")))?
    }

    async fn taken_in(mut self, blobs: &Blobs) -> Result<Content, ApiError> {
        let Some((mut part, mut file)) = self.file.take() else {
            return match text_of(std::mem::take(&mut self.memory)) {
                Ok(text) => Ok(Content::Text(text)),
                Err(bytes) => {
                    let hash = blobs.import_bytes(bytes.into()).await?;
                    blobs.sync().await?;
                    Ok(Content::Blob { hash, size: self.size })
                }
            };
        };
        file.flush().await?;
        drop(file);
        let stays = self.size > REFERENCED_BYTES;
        if stays {
            tokio::fs::create_dir_all(&self.kept).await?;
            let place = self.kept.join(part.path.file_name().unwrap_or_default());
            tokio::fs::rename(&part.path, &place).await?;
            part.path = place;
        }
        let (hash, size) = blobs.import(&part.path).await?;
        part.stays = stays;
        blobs.sync().await?;
        Ok(Content::Blob { hash, size })
    }
}

/// A file in the making, gone with this value unless it stays.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    stays: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.stays {
            // What is left is swept at the next start in any case.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The text, if the bytes are one; else the bytes.
fn text_of(bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    if bytes.contains(&0) {
        return Err(bytes);
    }
    String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_part_goes_away_unless_it_stays() {
        let temp = tempfile::tempdir().unwrap();
        for stays in [false, true] {
            let path = temp.path().join("part");
            std::fs::write(&path, "x").unwrap();
            drop(Part { path: path.clone(), stays });
            assert_eq!(path.exists(), stays);
        }
    }

    /// losses.md L38
    #[test]
    fn text_is_utf_8_without_nul() {
        assert_eq!(text_of("\u{feff}a\r\nü".into()), Ok("\u{feff}a\r\nü".into()));
        assert_eq!(text_of(Vec::new()), Ok(String::new()));
        for bytes in [b"a\0b".to_vec(), b"\xff\xfe".to_vec(), b"ab\xc3".to_vec()] {
            assert_eq!(text_of(bytes.clone()), Err(bytes));
        }
    }
}
