//! Looking at one name: what lies there, and, for a file, whether it is text. A file that changes while it is
//! read is not reported at all; it is looked at again.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;

use codex_crdt_model::event::Seen;
use codex_crdt_model::ids::ContentHash;
use codex_crdt_model::limits;
use codex_crdt_model::store::Stat;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Statx, StatxFlags};
use rustix::io::Errno;

use super::root::as_file;

/// What kind of thing lies at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A FIFO, socket or device.
    Special,
}

/// Something lies at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lying {
    /// Its stat.
    pub stat: Stat,
    /// What it is.
    pub what: What,
    /// Its permission bits.
    pub mode: u32,
}

/// What reading brought.
#[derive(Debug)]
pub(super) enum Reading {
    /// This.
    Is(Seen),
    /// A file that is no text; its bytes must go to the blob store by path.
    Bytes(Stat),
    /// It changed under our eyes.
    Changing,
}

fn lying_of(found: &Statx) -> Lying {
    let nanoseconds = |time: rustix::fs::StatxTimestamp| {
        time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec))
    };
    let born = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
    let what = match FileType::from_raw_mode(found.stx_mode.into()) {
        FileType::RegularFile => What::File,
        FileType::Directory => What::Folder,
        FileType::Symlink => What::Symlink,
        _ => What::Special,
    };
    Lying {
        stat: Stat {
            size: if what == What::Folder { 0 } else { found.stx_size },
            mtime_ns: nanoseconds(found.stx_mtime),
            inode: found.stx_ino,
            born_ns: if born { nanoseconds(found.stx_btime) } else { 0 },
        },
        what,
        mode: u32::from(found.stx_mode) & 0o7777,
    }
}

/// What lies at a name in a folder; never follows a link.
pub(super) fn lying(dir: BorrowedFd<'_>, name: &str) -> Result<Option<Lying>, Errno> {
    let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    match rustix::fs::statx(dir, name, AtFlags::SYMLINK_NOFOLLOW, mask) {
        Ok(found) => Ok(Some(lying_of(&found))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The stat of an open file.
pub(super) fn lying_open(file: &File) -> Result<Lying, Errno> {
    let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    Ok(lying_of(&rustix::fs::statx(file.as_fd(), "", AtFlags::EMPTY_PATH, mask)?))
}

/// Opens a file for reading: never a link's target, never waiting for a FIFO's writer.
pub(super) fn open(dir: BorrowedFd<'_>, name: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty()).map(as_file)
}

/// Looks at a name and reads it if it may be text.
pub(super) fn read(dir: BorrowedFd<'_>, name: &str) -> Reading {
    let lying = match lying(dir, name) {
        Ok(Some(lying)) => lying,
        Ok(None) => return Reading::Is(Seen::Missing),
        Err(errno) => return Reading::Is(Seen::Unreadable(errno.to_string())),
    };
    match lying.what {
        What::Folder => Reading::Is(Seen::Folder(lying.stat)),
        What::Special => Reading::Is(Seen::Special),
        What::Symlink => read_link(dir, name, lying.stat),
        What::File => match read_file(dir, name) {
            Ok(reading) => reading,
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => Reading::Changing,
            Err(errno) => Reading::Is(Seen::Unreadable(errno.to_string())),
        },
    }
}

fn read_link(dir: BorrowedFd<'_>, name: &str, stat: Stat) -> Reading {
    match rustix::fs::readlinkat(dir, name, Vec::new()) {
        Ok(target) => match target.into_string() {
            Ok(target) => Reading::Is(Seen::Symlink(stat, target)),
            Err(_) => Reading::Is(Seen::Unreadable("the link's target is not UTF-8".to_owned())),
        },
        Err(Errno::INVAL | Errno::NOENT) => Reading::Changing,
        Err(errno) => Reading::Is(Seen::Unreadable(errno.to_string())),
    }
}

fn read_file(dir: BorrowedFd<'_>, name: &str) -> Result<Reading, Errno> {
    let mut file = open(dir, name)?;
    let before = lying_open(&file)?;
    if before.what != What::File {
        return Ok(Reading::Changing);
    }
    if before.stat.size > limits::TEXT_BYTES as u64 {
        return Ok(Reading::Bytes(before.stat));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(before.stat.size).unwrap_or(0) + 1);
    (&mut file).take(limits::TEXT_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(errno_of)?;
    if lying_open(&file)?.stat != before.stat || bytes.len() as u64 != before.stat.size {
        return Ok(Reading::Changing);
    }
    if bytes.contains(&0) {
        return Ok(Reading::Bytes(before.stat));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Reading::Is(Seen::Text(before.stat, text)),
        Err(_) => Reading::Bytes(before.stat),
    })
}

/// The hash of what lies at a name, with its stat; `None` if it is no file or link, or changes.
pub(super) fn hash(dir: BorrowedFd<'_>, name: &str) -> Result<Option<(Lying, ContentHash)>, Errno> {
    let Some(found) = lying(dir, name)? else { return Ok(None) };
    if found.what == What::Symlink {
        let target = rustix::fs::readlinkat(dir, name, Vec::new())?;
        let target = OsStr::from_bytes(target.as_bytes());
        return Ok(Some((found, ContentHash::of(target.as_bytes()))));
    }
    if found.what != What::File {
        return Ok(None);
    }
    let file = open(dir, name)?;
    let before = lying_open(&file)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&file).map_err(errno_of)?;
    let after = lying_open(&file)?;
    let steady = before.stat == after.stat && before.what == What::File;
    Ok(steady.then(|| (after, ContentHash(*hasher.finalize().as_bytes()))))
}

/// Makes a new file and fills it.
pub(super) fn create(dir: BorrowedFd<'_>, name: &str, bytes: &[u8]) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
    let mut file = as_file(rustix::fs::openat(dir, name, flags, mode)?);
    file.write_all(bytes).map_err(errno_of)?;
    Ok(file)
}

/// Copies a file's bytes to a new file.
pub(super) fn copy(from: (BorrowedFd<'_>, &str), to: (BorrowedFd<'_>, &str)) -> Result<(), Errno> {
    let mut source = open(from.0, from.1)?;
    let mut target = create(to.0, to.1, b"")?;
    std::io::copy(&mut source, &mut target).map_err(errno_of)?;
    Ok(())
}

/// The system's code of an error of `std::io`.
pub(super) fn errno_of(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}
