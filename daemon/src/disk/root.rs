//! The notebook's folder as the worker may touch it. Every path is an [`EntryPath`], resolved below one open
//! folder without following any link: nothing here can lead outside, whatever is swapped in between.

use std::cell::Cell;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use codex_crdt_model::path::EntryPath;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;

use super::look::{self, Lying, What};

/// Codex's own folder in a notebook.
pub(super) const OWN: &str = ".codex";
/// Its file that says which notebook this is.
pub(super) const MARKER: &str = "notebook";
/// Where files wait before they are put in place and after they were taken out.
pub(super) const TMP: &str = "tmp";

/// An open notebook folder whose marker is there.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    dir: OwnedFd,
    /// Whether this kernel (and its sandbox) resolves paths beneath a folder for us.
    beneath: Cell<bool>,
    /// Whether this file system can exchange two names.
    exchange: Cell<bool>,
}

/// A name in an open folder.
#[derive(Debug)]
pub(super) struct Spot {
    /// The folder, for resolving only.
    pub dir: OwnedFd,
    /// The name.
    pub name: String,
}

impl Root {
    /// Opens the folder and looks for the marker; the error says what is missing.
    pub fn open(path: &Path) -> Result<Self, String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|errno| format!("the notebook's folder {} cannot be opened: {errno}", path.display()))?;
        let root = Self { path: path.to_owned(), dir, beneath: Cell::new(true), exchange: Cell::new(true) };
        if root.has_marker(&EntryPath::root()) {
            return Ok(root);
        }
        Err(format!(
            "the folder {} has no {OWN}/{MARKER}: it is not the notebook that was there (another disk, or emptied?)",
            path.display()
        ))
    }

    /// Whether the path still leads to this very folder and its marker.
    pub fn still_there(&self) -> Result<(), String> {
        let now = Self::open(&self.path)?;
        let same = match (rustix::fs::fstat(&self.dir), rustix::fs::fstat(&now.dir)) {
            (Ok(old), Ok(new)) => old.st_dev == new.st_dev && old.st_ino == new.st_ino,
            _ => false,
        };
        if same { Ok(()) } else { Err(format!("the folder {} was just replaced", self.path.display())) }
    }

    /// Whether that folder is a notebook of its own.
    pub fn has_marker(&self, folder: &EntryPath) -> bool {
        self.spot(&folder.join(OWN).join(MARKER))
            .and_then(|spot| look::lying(spot.dir.as_fd(), &spot.name))
            .is_ok_and(|found| found.is_some_and(|lying| lying.what == What::File))
    }

    /// The path for those who need one (the blob store).
    pub fn absolute(&self, path: &EntryPath) -> PathBuf {
        if path.is_root() { self.path.clone() } else { self.path.join(path.as_str()) }
    }

    /// The same for a name in the own folder for temporary files.
    pub fn absolute_tmp(&self, name: &str) -> PathBuf {
        self.path.join(OWN).join(TMP).join(name)
    }

    fn open_below(&self, path: &EntryPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if path.is_root() {
            return rustix::fs::openat(&self.dir, ".", flags, Mode::empty());
        }
        if self.beneath.get() {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            match rustix::fs::openat2(&self.dir, path.as_str(), flags, Mode::empty(), resolve) {
                Err(Errno::NOSYS | Errno::PERM) => self.beneath.set(false),
                opened => return opened,
            }
        }
        let last = path.names().count() - 1;
        let mut dir = rustix::fs::openat(&self.dir, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        for (depth, name) in path.names().enumerate() {
            let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let flags = if depth == last { flags } else { step };
            dir = rustix::fs::openat(&dir, name, flags, Mode::empty())?;
        }
        Ok(dir)
    }

    /// Opens a folder for listing and syncing.
    pub fn folder(&self, path: &EntryPath) -> Result<OwnedFd, Errno> {
        self.open_below(path, OFlags::RDONLY)
    }

    /// Where a path's last name lies.
    pub fn spot(&self, path: &EntryPath) -> Result<Spot, Errno> {
        let parent = path.parent().ok_or(Errno::INVAL)?;
        Ok(Spot { dir: self.open_below(&parent, OFlags::PATH)?, name: path.name().to_owned() })
    }

    /// What lies at a path; `None` for nothing, also where a folder on the way is gone or is none any more.
    pub fn lying(&self, path: &EntryPath) -> Result<Option<Lying>, Errno> {
        match self.spot(path) {
            Ok(spot) => look::lying(spot.dir.as_fd(), &spot.name),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// The name by which a folder lists what answers to a spot's name: another one on a file system that does not
    /// tell `a.md` from `A.md`, or the two ways to write `é`. `None` if nothing answers.
    pub fn listed_as(&self, spot: &Spot) -> Result<Option<String>, Errno> {
        let Some(there) = look::lying(spot.dir.as_fd(), &spot.name)? else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&spot.dir, ".", flags, Mode::empty())?;
        let mut twin = None;
        for entry in Dir::read_from(&dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == spot.name {
                return Ok(Some(spot.name.clone()));
            }
            if entry.ino() == there.stat.inode && name != "." && name != ".." {
                twin = Some(name.to_owned());
            }
        }
        Ok(twin)
    }

    /// Whether a path's folder lists it by exactly this name.
    pub fn lists(&self, path: &EntryPath) -> bool {
        self.spot(path).and_then(|spot| Ok(self.listed_as(&spot)? == Some(spot.name))).unwrap_or(true)
    }

    /// Reads a small file for the worker itself, such as `.codexignore`.
    pub fn read_small(&self, path: &EntryPath, limit: u64) -> Option<Vec<u8>> {
        use std::io::Read as _;
        let spot = self.spot(path).ok()?;
        let file = look::open(spot.dir.as_fd(), &spot.name).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The own folder for temporary files; made if need be.
    pub fn tmp(&self) -> Result<OwnedFd, Errno> {
        let path = EntryPath::root().join(OWN).join(TMP);
        match self.folder(&path) {
            Err(Errno::NOENT) => {
                let spot = self.spot(&path)?;
                match rustix::fs::mkdirat(&spot.dir, &spot.name, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => self.folder(&path),
                    Err(errno) => Err(errno),
                }
            }
            opened => opened,
        }
    }

    /// Makes everything on the file system survive power loss.
    pub fn sync_all(&self) -> Result<(), Errno> {
        rustix::fs::syncfs(&self.dir)
    }

    /// Gives a file a name where nothing is yet; [`Errno::EXIST`] if something is.
    pub fn rename_new(&self, from: (&OwnedFd, &str), to: (&OwnedFd, &str)) -> Result<(), Errno> {
        match rustix::fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
            // This file system cannot: look first. A link also refuses what exists, and is made at once.
            Err(Errno::INVAL | Errno::NOSYS) => {}
            done => return done,
        }
        match rustix::fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty()) {
            Ok(()) => return rustix::fs::unlinkat(from.0, from.1, AtFlags::empty()),
            Err(Errno::EXIST) => return Err(Errno::EXIST),
            Err(_) => {}
        }
        if look::lying(to.0.as_fd(), to.1)?.is_some() {
            return Err(Errno::EXIST);
        }
        rustix::fs::renameat(from.0, from.1, to.0, to.1)
    }

    /// Puts the file `ours` (in the folder for temporary files) where something lies, which is then found under
    /// the name `aside` beside it. At no moment is nothing there. If it fails, `ours` is as it was.
    pub fn exchange(&self, tmp: &OwnedFd, ours: &str, aside: &str, there: &Spot) -> Result<(), Errno> {
        let to = (&there.dir, there.name.as_str());
        if self.exchange.get() {
            rustix::fs::renameat(tmp, ours, tmp, aside)?;
            match rustix::fs::renameat_with(tmp, aside, to.0, to.1, RenameFlags::EXCHANGE) {
                Ok(()) => return Ok(()),
                Err(errno) => {
                    rustix::fs::renameat(tmp, aside, tmp, ours)?;
                    if !matches!(errno, Errno::INVAL | Errno::NOSYS) {
                        return Err(errno);
                    }
                    self.exchange.set(false);
                }
            }
        }
        // A link (or else a copy) keeps what is there; then it is replaced in one step.
        if rustix::fs::linkat(to.0, to.1, tmp, aside, AtFlags::empty()).is_err() {
            look::copy((to.0.as_fd(), to.1), (tmp.as_fd(), aside))?;
        }
        rustix::fs::renameat(tmp, ours, to.0, to.1).inspect_err(|_| {
            let _ = rustix::fs::unlinkat(tmp, aside, AtFlags::empty());
        })
    }

    /// Makes this root act as if its file system could not exchange names.
    #[cfg(test)]
    pub fn without_exchange(self) -> Self {
        self.exchange.set(false);
        self
    }
}

/// Opens for reading what has just been listed.
pub(super) fn as_file(fd: OwnedFd) -> File {
    File::from(fd)
}
