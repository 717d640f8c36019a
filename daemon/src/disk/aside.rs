//! Files that operations put aside, in `.codex/tmp/`. A name there tells what may be done with the file after a crash:
//!
//! - `new.ENTRY.NUMBER`: made by us and never put in place. Its bytes are in the store; it is removed.
//! - `ENTRY.NUMBER.HASH`: came out of the folder, or was about to change places with what did. If its bytes have that
//!   hash they are what was expected to come out, which the store holds; it is removed. Else they are bytes
//!   that nobody has seen, and the core is told.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use codex_crdt_model::effect::DiskOutcome;
use codex_crdt_model::event::{DiskResult, Event, Seen};
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::store::Stat;
use rustix::fs::{AtFlags, Dir};
use rustix::io::Errno;

use super::known::Known;
use super::look::{self, What};
use super::root::Root;
use super::worker::{EMPTIED, Worker};

/// How long after it came out a file is looked at again: a program that had it open may still write to it. Most who do are
/// saving in place at that moment. After the last look it goes.
const LOOKS: [Duration; 3] = if cfg!(test) {
    [Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(300)]
} else {
    [EMPTIED, Duration::from_secs(5), Duration::from_secs(60)]
};
/// Kept files looked at in one go, so that operations need not wait.
const KEPT_AT_ONCE: usize = 64;

/// Files that came out and are looked at again, by when. The number sets apart what is due at once.
#[derive(Debug, Default)]
pub(super) struct KeptFiles(BTreeMap<(Instant, u64), Kept>);

/// A file that came out.
#[derive(Debug)]
struct Kept {
    name: String,
    since: Instant,
    /// Looks that it had.
    looks: usize,
    /// How it lay when its bytes were as expected; `None`: they were not yet looked at.
    good: Option<Stat>,
}

impl KeptFiles {
    /// When the next is due.
    pub fn due(&self) -> Option<Instant> {
        self.0.keys().next().map(|(due, _)| *due)
    }

    fn is_empty_at(&self, now: Instant) -> bool {
        self.due().is_none_or(|due| due > now)
    }

    fn holds(&self, name: &str) -> bool {
        self.0.values().any(|kept| kept.name == name)
    }

    fn forget(&mut self, name: &str) {
        self.0.retain(|_, kept| kept.name != name);
    }

    fn put(&mut self, number: u64, kept: Kept) {
        let look = LOOKS[kept.looks.min(LOOKS.len() - 1)];
        self.0.insert((kept.since + look, number), kept);
    }

    fn pop(&mut self, now: Instant) -> Option<Kept> {
        self.0.first_entry().filter(|first| first.key().0 <= now).map(|first| first.remove())
    }
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

    fn keep(&mut self, name: String, good: Option<Stat>) {
        let number = self.next_number();
        self.kept.put(number, Kept { name, since: Instant::now(), looks: 0, good });
    }

    /// Looks at what has just come out. `None` if it is what was expected: then it is kept a while and removed. Also if it is
    /// empty and was not: somebody may be saving it in place, so it is looked at when they may be done.
    pub(super) fn examine(
        &mut self,
        root: &Root,
        tmp: &OwnedFd,
        aside: String,
        was: Option<&Known>,
    ) -> Option<(Seen, String)> {
        let expect = parse_aside(&aside).map(|(_, _, expect)| expect);
        let lying = look::lying(tmp.as_fd(), &aside).ok().flatten();
        let as_known = was.is_some_and(|was| {
            Some(was.hash) == expect && !was.fresh && lying.is_some_and(|lying| was.is(&lying))
        });
        if as_known || is_expected(tmp, &aside, expect) {
            self.keep(aside, lying.map(|lying| lying.stat));
            return None;
        }
        let is_emptied = lying.is_some_and(|lying| lying.what == What::File && lying.stat.size == 0);
        if is_emptied {
            self.keep(aside, None);
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
            self.keep(aside.to_owned(), None);
        }
    }

    /// Looks once more at what is due.
    pub(super) fn look_at_kept(&mut self) {
        let now = Instant::now();
        if self.kept.is_empty_at(now) {
            return;
        }
        self.with_root(|worker, root| {
            let Ok(tmp) = root.tmp() else { return };
            let mut changed = Vec::new();
            for _ in 0..KEPT_AT_ONCE {
                let Some(kept) = worker.kept.pop(now) else { break };
                changed.extend(worker.look_again(root, &tmp, kept));
            }
            if !changed.is_empty() {
                worker.tell(Event::DiskDone(changed));
            }
        });
    }

    /// Keeps it on while nothing changed and there are looks left; else it goes, or is to be told.
    fn look_again(&mut self, root: &Root, tmp: &OwnedFd, kept: Kept) -> Option<DiskResult> {
        let looks = kept.looks + 1;
        let lying = look::lying(tmp.as_fd(), &kept.name).ok().flatten()?;
        let is_good = kept.good == Some(lying.stat) || {
            let expect = parse_aside(&kept.name).map(|(_, _, expect)| expect);
            is_expected(tmp, &kept.name, expect)
        };
        if is_good && looks < LOOKS.len() {
            let number = self.next_number();
            self.kept.put(number, Kept { looks, good: Some(lying.stat), ..kept });
            return None;
        }
        self.settle_aside(root, tmp, kept.name)
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
                if self.kept.holds(&name) {
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
        self.kept.forget(aside);
        let name = aside_name(&entry, number, taken);
        match rustix::fs::renameat(tmp, aside, tmp, &name) {
            Err(Errno::NOENT) => return Ok(()),
            done => done?,
        }
        self.keep(name, None);
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
