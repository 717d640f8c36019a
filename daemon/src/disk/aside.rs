//! Files that operations put aside, in `.codex/tmp/`. A name there tells what may be done with the file after a crash:
//!
//! - `new.ENTRY.NUMBER`: made by us and never put in place. Its bytes are in the store; it is removed.
//! - `ENTRY.NUMBER.HASH`: came out of the folder, or was about to change places with what did. If its bytes have that
//!   hash they are what was expected to come out, which the store holds; it is removed. Else they are bytes
//!   that nobody has seen, and the core is told.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use codex_crdt_model::effect::DiskOutcome;
use codex_crdt_model::event::{DiskResult, Event, Seen};
use codex_crdt_model::ids::{ContentHash, EntryId};
use rustix::fs::{AtFlags, Dir};
use rustix::io::Errno;

use super::known::Known;
use super::look::{self, What};
use super::root::Root;
use super::worker::Worker;

/// How long what came out is kept: a program that had it open may still write to it.
const KEEP: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(60) };
/// Kept files looked at in one go, so that operations need not wait.
const KEPT_AT_ONCE: usize = 64;

/// A file that came out as expected and is looked at once more.
#[derive(Debug)]
pub(super) struct Kept {
    name: String,
    pub due: Instant,
}

/// A name that tells of an entry, and the hash of the bytes that are expected to be under it.
pub(super) fn aside_name(entry: &EntryId, number: u64, expect: &ContentHash) -> String {
    format!("{entry}.{number}.{expect}")
}

/// A name for what is not in place yet.
pub(super) fn new_name(entry: &EntryId, number: u64) -> String {
    format!("new.{entry}.{number}")
}

/// Reads a name made by [`aside_name`].
pub(super) fn parse_aside(name: &str) -> Option<(EntryId, u64, ContentHash)> {
    let mut parts = name.split('.');
    let parsed = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(parsed)
}

fn parse_new(name: &str) -> Option<u64> {
    let (entry, number) = name.strip_prefix("new.")?.split_once('.')?;
    entry.parse::<EntryId>().ok()?;
    number.parse().ok()
}

impl Worker {
    /// A number that no file put aside has.
    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Looks at what has just come out. `None` if it is what was expected: then it is kept a while and removed.
    pub(super) fn examine(
        &mut self,
        root: &Root,
        tmp: &OwnedFd,
        aside: String,
        was: Option<&Known>,
    ) -> Option<(Seen, String)> {
        let expect = parse_aside(&aside).map(|(_, _, expect)| expect);
        let as_known = was.is_some_and(|was| {
            let lying = look::lying(tmp.as_fd(), &aside).ok().flatten();
            Some(was.hash) == expect && !was.fresh && lying.is_some_and(|lying| was.is(&lying))
        });
        if as_known || is_expected(tmp, &aside, expect) {
            self.kept.push_back(Kept { name: aside, due: Instant::now() + KEEP });
            return None;
        }
        let seen = self.seen_at(tmp, &aside, root.absolute_tmp(&aside));
        self.look_again_if_unreadable(&seen, &aside);
        Some((seen, aside))
    }

    /// The only copy of something: it stays until it has been read.
    fn look_again_if_unreadable(&mut self, seen: &Seen, aside: &str) {
        if let Seen::Unreadable(reason) = seen {
            tracing::warn!("{aside}, set aside in {}, cannot be read: {reason}", self.path.display());
            self.kept.push_back(Kept { name: aside.to_owned(), due: Instant::now() + KEEP });
        }
    }

    /// Looks once more at what was kept long enough.
    pub(super) fn look_at_kept(&mut self) {
        let now = Instant::now();
        if self.kept.front().is_none_or(|kept| kept.due > now) {
            return;
        }
        self.with_root(|worker, root| {
            let Ok(tmp) = root.tmp() else { return };
            let mut changed = Vec::new();
            for _ in 0..KEPT_AT_ONCE {
                let Some(kept) = worker.kept.pop_front_if(|kept| kept.due <= now) else { break };
                changed.extend(worker.settle_aside(root, &tmp, kept.name));
            }
            if !changed.is_empty() {
                worker.tell(Event::DiskDone(changed));
            }
        });
    }

    /// Removes a file put aside if its bytes are as expected; else it is to be told.
    fn settle_aside(&mut self, root: &Root, tmp: &OwnedFd, name: String) -> Option<DiskResult> {
        let (entry, _, expect) = parse_aside(&name)?;
        look::lying(tmp.as_fd(), &name).ok().flatten()?;
        if is_expected(tmp, &name, Some(expect)) {
            let _ = rustix::fs::unlinkat(tmp, &name, AtFlags::empty());
            return None;
        }
        let seen = self.seen_at(tmp, &name, root.absolute_tmp(&name));
        self.look_again_if_unreadable(&seen, &name);
        Some(DiskResult { entry, outcome: DiskOutcome::Leftover { seen, was: expect, aside: name } })
    }

    /// Tells the core what earlier runs left aside, and what it was told of and has not dealt with.
    pub(super) fn tell_leftovers(&mut self, root: &Root) {
        let listed = root.tmp().and_then(|tmp| Ok((names(&tmp)?, tmp)));
        let (names, tmp) = match listed {
            Ok(listed) => listed,
            Err(errno) => {
                tracing::error!("the folder for temporary files in {} fails: {errno}", self.path.display());
                return;
            }
        };
        let mut results = Vec::new();
        for name in names {
            if let Some(number) = parse_new(&name) {
                self.counter = self.counter.max(number);
                let _ = rustix::fs::unlinkat(&tmp, &name, AtFlags::empty());
            } else if let Some((_, number, _)) = parse_aside(&name) {
                self.counter = self.counter.max(number);
                if self.kept.iter().any(|kept| kept.name == name) {
                    continue;
                }
                results.extend(self.settle_aside(root, &tmp, name));
            } else {
                tracing::warn!("{} is not ours and left alone", root.absolute_tmp(&name).display());
            }
        }
        if !results.is_empty() {
            self.tell(Event::DiskDone(results));
        }
    }

    /// The core has taken it in. A program may still have it open, so it goes later, if its bytes are those by then.
    pub(super) fn discard(&mut self, tmp: &OwnedFd, aside: &str, taken: &ContentHash) -> Result<(), Errno> {
        let Some((entry, number, _)) = parse_aside(aside) else { return Ok(()) };
        self.kept.retain(|kept| kept.name != aside);
        let name = aside_name(&entry, number, taken);
        match rustix::fs::renameat(tmp, aside, tmp, &name) {
            Err(Errno::NOENT) => return Ok(()),
            done => done?,
        }
        self.kept.push_back(Kept { name, due: Instant::now() + KEEP });
        Ok(())
    }
}

fn is_expected(tmp: &OwnedFd, name: &str, expect: Option<ContentHash>) -> bool {
    matches!(look::hash(tmp.as_fd(), name), Ok(Some((_, hash))) if Some(hash) == expect)
}

fn names(dir: &OwnedFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_entry = name != "." && name != "..";
        let is_file = look::lying(dir.as_fd(), &name)?.is_some_and(|lying| lying.what != What::Folder);
        if is_entry && is_file {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
