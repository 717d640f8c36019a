//! How much room everything takes, and what of it can be made again.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::Desk;
use super::error::ApiError;
use super::reading::blocking;

/// One notebook's share, in bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotebookStorage {
    /// Notebook id.
    pub notebook: String,
    /// Its history: records and documents. Never removed.
    pub history: u64,
    /// Its mirror: what is searched and listed. It is made again when it is missing.
    pub mirror: u64,
    /// Copies of the history from before the program was brought up to date.
    pub backups: u64,
    /// Text history in Git, if Codex keeps it.
    pub git: u64,
}

/// How much room everything takes, in bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Storage {
    /// Attachments of all notebooks, older versions too. Nothing of it is ever removed.
    pub attachments: u64,
    /// The home folder in all, notebooks in it left out.
    pub home: u64,
    /// What is free on the home's disk.
    pub free: Option<u64>,
    /// Each notebook; its own files, which are the user's, are not counted.
    pub notebooks: Vec<NotebookStorage>,
}

/// How much room everything takes.
#[utoipa::path(get, path = "/api/v1/storage", tag = "status", responses((status = 200, body = Storage)))]
pub async fn storage(State(desk): State<Desk>) -> Result<Json<Storage>, ApiError> {
    let home = desk.daemon().home();
    let (dir, blobs, own) = (home.dir.clone(), home.blobs_dir(), home.notebooks_dir());
    let list = desk.daemon().list();
    let measured = blocking(move || {
        let notebooks = list.into_iter().map(|one| measured(one.id, Path::new(&one.path))).collect();
        let home = bytes_in(&dir, &|path| path != own);
        let attachments = bytes_in(&blobs, &|_| true) + bytes_in(&dir.join("uploads"), &|_| true);
        let free = rustix::fs::statvfs(&dir).ok().map(|stat| stat.f_bavail * stat.f_frsize);
        Ok(Storage { attachments, home, free, notebooks })
    });
    Ok(Json(measured.await?))
}

fn measured(notebook: String, root: &Path) -> NotebookStorage {
    let own = root.join(".codex");
    let named = |start: &'static str, not: &'static str| {
        bytes_in(&own, &move |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(start) && (not.is_empty() || !name.starts_with(not))
        })
    };
    NotebookStorage {
        notebook,
        history: named("store.db", "store.db.before-"),
        mirror: named("mirror.db", ""),
        backups: named("store.db.before-", ""),
        git: bytes_in(&root.join(".git"), &|_| true),
    }
}

/// Bytes of the files in a folder and the folders in it, as far as they can be seen and `counts` says yes.
fn bytes_in(folder: &Path, counts: &dyn Fn(&Path) -> bool) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let mut sum = 0;
    for entry in entries.flatten() {
        let (path, Ok(stat)) = (entry.path(), entry.metadata()) else { continue };
        if !counts(&path) {
            continue;
        }
        sum += if stat.is_dir() { bytes_in(&path, counts) } else { stat.len() };
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_file_counts_where_it_belongs() {
        let temp = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: usize| {
            let path = temp.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![0; bytes]).unwrap();
        };
        write(".codex/store.db", 7);
        write(".codex/store.db-wal", 2);
        write(".codex/store.db.before-3", 40);
        write(".codex/mirror.db", 100);
        write(".git/objects/ab/cd", 1000);
        write("note.md", 9999);
        let found = measured("n".into(), temp.path());
        assert_eq!((found.history, found.backups, found.mirror, found.git), (9, 40, 100, 1000));
        assert_eq!(bytes_in(&temp.path().join("none"), &|_| true), 0);
    }
}
