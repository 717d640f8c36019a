//! `run/daemon.json`: how commands find the running daemon. Written when it is ready, removed at exit.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{HomeError, Place, write_private};

/// How to talk to the daemon of a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// Where the desk is served.
    pub url: String,
    /// The bearer token.
    pub token: String,
    /// Process id.
    pub pid: u32,
    /// Device id, hex.
    pub device: String,
    /// Where iroh listens.
    pub p2p_addrs: Vec<String>,
}

/// Removes the run file when dropped.
#[derive(Debug)]
pub struct RunFileGuard(PathBuf);

impl RunFile {
    /// Puts it in place, readable by the user alone.
    pub fn publish(&self, path: &Path) -> Result<RunFileGuard, HomeError> {
        let text = serde_json::to_string_pretty(self).expect("plain strings and numbers always serialise");
        write_private(path, text.as_bytes())?;
        Ok(RunFileGuard(path.to_owned()))
    }

    /// Of the daemon that runs at a place; `None` if none does.
    pub fn read(place: &Place) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(place.run_file()).ok()?).ok()
    }
}

impl Drop for RunFileGuard {
    fn drop(&mut self) {
        // A stale run file only makes the next command say that the daemon does not answer.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_run_file_is_private_and_goes_with_its_guard() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::at(temp.path().to_owned());
        fs::create_dir(temp.path().join("run")).unwrap();
        let run = RunFile {
            url: "http://127.0.0.1:7420".into(),
            token: "t".into(),
            pid: 7,
            device: "d".into(),
            p2p_addrs: vec!["127.0.0.1:1".into()],
        };
        let guard = run.publish(&place.run_file()).unwrap();
        assert_eq!(fs::metadata(place.run_file()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(RunFile::read(&place), Some(run));
        drop(guard);
        assert_eq!(RunFile::read(&place), None);
    }
}
