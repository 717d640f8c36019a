//! Carrying out operations: all new files are first written aside and synced, then put in place one by one in the
//! order asked for, then everything is synced once more, then the core is told. Nothing is ever overwritten:
//! what was there comes out in exchange and is looked at ([`super::aside`]).
// An outcome is what these functions are for: it is made once per operation and never passed far.
#![allow(clippy::result_large_err)]

use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use codex_crdt_model::effect::{DiskAction, DiskOp, DiskOutcome};
use codex_crdt_model::entry::birth::Content;
use codex_crdt_model::event::{DiskResult, Event, Seen};
use codex_crdt_model::ids::ContentHash;
use codex_crdt_model::path::EntryPath;
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::aside::{aside_name, parse_aside};
use super::ignore::is_forbidden;
use super::known::Known;
use super::look::{self, Lying, What};
use super::root::{Root, Spot};
use super::worker::{Why, Worker};

use self::prepare::{Ready, sync_ready};

mod prepare;

/// Up to so many files or folders are synced one by one. Beyond that, one sync of the file system is cheaper, but it
/// waits for everybody else's writing too.
const FEW: usize = 8;

/// Under which name a folder that cannot be made durable is shown.
const SYNC: &str = "(sync)";

/// What is at hand while operations are carried out.
struct Act<'a> {
    root: &'a Root,
    tmp: &'a OwnedFd,
    /// Folders in which something changed.
    touched: BTreeSet<EntryPath>,
}

impl Worker {
    /// Carries out operations and tells the core.
    pub(super) fn run_ops(&mut self, ops: Vec<DiskOp>) {
        if let Err(error) = self.know() {
            tracing::warn!("operations in {} go on without the index: {error:#}", self.path.display());
        }
        let carried_out = self.with_root(|worker, root| match root.tmp() {
            Ok(tmp) => worker.carry_out(root, &tmp, &ops),
            Err(errno) => {
                let outcome = failed("write into", "`.codex/tmp`", errno);
                vec![outcome; ops.len()]
            }
        });
        let outcomes = carried_out.unwrap_or_else(|| {
            let gone = format!("the notebook's folder {} is not there; bring it back", self.path.display());
            vec![DiskOutcome::Failed(gone); ops.len()]
        });
        let results = ops.iter().zip(outcomes);
        let results = results.map(|(op, outcome)| DiskResult { entry: op.entry, outcome }).collect();
        self.tell(Event::DiskDone(results));
    }

    fn carry_out(&mut self, root: &Root, tmp: &OwnedFd, ops: &[DiskOp]) -> Vec<DiskOutcome> {
        let mut prepared = self.prepare(root, tmp, ops);
        sync_ready(root, tmp, &mut prepared);
        let mut act = Act { root, tmp, touched: BTreeSet::new() };
        let mut outcomes = Vec::with_capacity(ops.len());
        for (op, ready) in ops.iter().zip(prepared) {
            outcomes.push(self.one(&mut act, op, ready));
        }
        let synced = sync_touched(&act);
        match synced {
            Ok(()) => self.problems.well(SYNC),
            Err(errno) => {
                let reason =
                    format!("changes of files may not survive a power loss: {errno}; check the disk");
                tracing::error!("{reason}");
                self.problems.failing(SYNC, reason);
            }
        }
        outcomes
    }

    fn one(
        &mut self,
        act: &mut Act<'_>,
        op: &DiskOp,
        ready: Option<Result<Ready, DiskOutcome>>,
    ) -> DiskOutcome {
        let path = &op.path;
        let target = match &op.action {
            DiskAction::Move { to } => Some(to),
            _ => None,
        };
        let outcome = if let DiskAction::Discard { aside, taken } = &op.action {
            self.discard_op(act, aside, taken)
        } else if let Some(bad) = [Some(path), target].into_iter().flatten().find(|path| !may_touch(path)) {
            DiskOutcome::Failed(format!(
                "`{bad}` belongs to Codex or Git itself and is never written; rename it"
            ))
        } else {
            match (&op.action, &ready) {
                (_, Some(Err(outcome))) => outcome.clone(),
                (DiskAction::MakeFolder, _) | (DiskAction::Write { content: Content::Folder, .. }, _) => {
                    self.make_folder(act, path)
                }
                (DiskAction::Write { content, expect }, Some(Ok(ready))) => {
                    self.write(act, op, content, expect.as_ref(), ready)
                }
                (DiskAction::Write { .. }, None) | (DiskAction::Discard { .. }, _) => {
                    DiskOutcome::Failed(format!("`{path}` could not be prepared"))
                }
                (DiskAction::Move { to }, _) => self.rename(act, path, to),
                (DiskAction::Remove { expect }, _) => self.remove(act, op, expect),
                (DiskAction::RemoveFolder, _) => self.remove_folder(act, path),
            }
        };
        if let Some(Ok(ready)) = ready {
            // Still there unless it was put in place.
            let _ = rustix::fs::unlinkat(act.tmp, &ready.name, AtFlags::empty());
        }
        outcome
    }

    fn spot(&mut self, act: &Act<'_>, doing: &str, path: &EntryPath) -> Result<Spot, DiskOutcome> {
        act.root.spot(path).map_err(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => self.vanished(path),
            errno => failed(doing, path, errno),
        })
    }

    /// It is not there although it should be: whoever took it away is heard of soon.
    fn vanished(&mut self, path: &EntryPath) -> DiskOutcome {
        self.look_soon(path);
        DiskOutcome::Vanished
    }

    fn occupied(&mut self, path: &EntryPath) -> DiskOutcome {
        self.look_soon(path);
        DiskOutcome::Occupied
    }

    fn look_soon(&mut self, path: &EntryPath) {
        if !path.names().any(super::ignore::is_ignored_name) {
            self.wait(path.clone(), Duration::ZERO, Why::Finished);
        }
    }

    fn known(&self, path: &EntryPath) -> Option<Known> {
        self.index.as_ref().and_then(|index| index.at(path)).cloned()
    }

    /// The core is about to be told that this lies there.
    fn now_known(&mut self, path: &EntryPath, seen: &Seen) {
        if let (Some(index), Some(known)) = (&mut self.index, Known::of(seen)) {
            index.set(path, known);
        }
    }

    fn make_folder(&mut self, act: &mut Act<'_>, path: &EntryPath) -> DiskOutcome {
        let spot = match self.spot(act, "make the folder", path) {
            Ok(spot) => spot,
            Err(outcome) => return outcome,
        };
        let made = rustix::fs::mkdirat(&spot.dir, &spot.name, Mode::from_raw_mode(0o777));
        match made {
            Ok(()) => touch(act, path),
            Err(Errno::EXIST) => {
                if let Some(twin) = twin_at(act, &spot) {
                    return no_twin("make the folder", path, &twin);
                }
            }
            Err(Errno::NOENT) => return self.vanished(path),
            Err(errno) => return failed("make the folder", path, errno),
        }
        match look::lying(spot.dir.as_fd(), &spot.name) {
            Ok(Some(Lying { what: What::Folder, stat, .. })) => {
                if self.known(path).is_none_or(|known| known.stat.inode != stat.inode) {
                    self.now_known(path, &Seen::Folder(stat));
                }
                // What is in a folder that was there before us is found by the same look as any.
                if made.is_err() {
                    self.look_soon(path);
                }
                DiskOutcome::FolderMade(stat)
            }
            Ok(Some(_)) => self.occupied(path),
            Ok(None) => self.vanished(path),
            Err(errno) => failed("make the folder", path, errno),
        }
    }

    fn write(
        &mut self,
        act: &mut Act<'_>,
        op: &DiskOp,
        content: &Content,
        expect: Option<&ContentHash>,
        ready: &Ready,
    ) -> DiskOutcome {
        let path = &op.path;
        let spot = match self.spot(act, "write", path) {
            Ok(spot) => spot,
            Err(outcome) => return outcome,
        };
        let outcome = match expect {
            None => self.write_new(act, path, &spot, content, ready),
            Some(expect) => self.write_over(act, op, &spot, content, expect, ready),
        };
        if let DiskOutcome::Written { stat, .. } = outcome {
            let seen = match content {
                Content::Text(text) => Seen::Text(stat, text.clone()),
                Content::Blob { hash, .. } => Seen::Blob(stat, *hash),
                Content::Symlink(target) => Seen::Symlink(stat, target.clone()),
                Content::Folder => Seen::Folder(stat),
            };
            self.now_known(path, &seen);
        }
        outcome
    }

    fn write_new(
        &mut self,
        act: &mut Act<'_>,
        path: &EntryPath,
        spot: &Spot,
        content: &Content,
        ready: &Ready,
    ) -> DiskOutcome {
        match act.root.rename_new((act.tmp, &ready.name), (&spot.dir, &spot.name)) {
            Ok(()) => {
                touch(act, path);
                DiskOutcome::Written { stat: ready.stat, displaced: None }
            }
            Err(Errno::EXIST) => {
                if let Some(twin) = twin_at(act, spot) {
                    return no_twin("write", path, &twin);
                }
                let is_link = matches!(content, Content::Symlink(_));
                match look::hash(spot.dir.as_fd(), &spot.name) {
                    Ok(Some((lying, hash)))
                        if hash == content.hash() && is_link == (lying.what == What::Symlink) =>
                    {
                        DiskOutcome::Written { stat: lying.stat, displaced: None }
                    }
                    _ => self.occupied(path),
                }
            }
            Err(Errno::NOENT | Errno::NOTDIR) => self.vanished(path),
            Err(errno) => failed("write", path, errno),
        }
    }

    fn write_over(
        &mut self,
        act: &mut Act<'_>,
        op: &DiskOp,
        spot: &Spot,
        content: &Content,
        expect: &ContentHash,
        ready: &Ready,
    ) -> DiskOutcome {
        let path = &op.path;
        let there = match look::lying(spot.dir.as_fd(), &spot.name) {
            Ok(Some(lying)) => lying,
            Ok(None) => return self.vanished(path),
            Err(errno) => return failed("look at", path, errno),
        };
        if matches!(there.what, What::Folder | What::Special) {
            return self.occupied(path);
        }
        let was = self.known(path);
        if let Some(was) = &was
            && was.hash == content.hash()
            && was.kind == content.kind()
            && was.is(&there)
            && !was.fresh
        {
            return DiskOutcome::Written { stat: there.stat, displaced: None };
        }
        if there.what == What::File && !matches!(content, Content::Symlink(_)) {
            let mode = Mode::from_raw_mode(there.mode & 0o777);
            if let Err(errno) = rustix::fs::chmodat(act.tmp, &ready.name, mode, AtFlags::empty()) {
                tracing::debug!("the mode of `{path}` is not kept: {errno}");
            }
        }
        let aside = aside_name(&op.entry, self.next_number(), expect);
        match act.root.exchange(act.tmp, &ready.name, &aside, spot) {
            Ok(()) => touch(act, path),
            Err(Errno::NOENT | Errno::NOTDIR) => return self.vanished(path),
            Err(errno) => return failed("write", path, errno),
        }
        let came_out = look::lying(act.tmp.as_fd(), &aside).ok().flatten();
        if came_out.is_some_and(|lying| matches!(lying.what, What::Folder | What::Special)) {
            // Somebody put a folder there a moment ago: it goes back at once.
            if act.root.exchange(act.tmp, &aside, &ready.name, spot).is_ok() {
                return self.occupied(path);
            }
        }
        let displaced = self.examine(act.root, act.tmp, aside, was.as_ref());
        DiskOutcome::Written { stat: ready.stat, displaced }
    }

    fn rename(&mut self, act: &mut Act<'_>, path: &EntryPath, to: &EntryPath) -> DiskOutcome {
        let spots = self.spot(act, "move", path).and_then(|from| Ok((from, self.spot(act, "move to", to)?)));
        let (from, target) = match spots {
            Ok(spots) => spots,
            Err(outcome) => return outcome,
        };
        let lying = match look::lying(from.dir.as_fd(), &from.name) {
            Ok(Some(lying)) => lying,
            Ok(None) => return self.vanished(path),
            Err(errno) => return failed("move", path, errno),
        };
        let renamed = act.root.rename_new((&from.dir, &from.name), (&target.dir, &target.name));
        let renamed = match renamed {
            Err(Errno::EXIST | Errno::NOTEMPTY) => match twin_at(act, &target) {
                // Its own old name is in the way of the new one: a rename by case alone.
                Some(twin) if twin == from.name && is_same(&lying, &target) => {
                    rustix::fs::renameat(&from.dir, &from.name, &target.dir, &target.name)
                }
                Some(twin) => return no_twin("move", to, &twin),
                None => renamed,
            },
            renamed => renamed,
        };
        match renamed {
            Ok(()) => {}
            Err(Errno::EXIST | Errno::NOTEMPTY) => return self.occupied(to),
            Err(Errno::NOENT | Errno::NOTDIR) => return self.vanished(path),
            Err(errno) => return failed("move", path, errno),
        }
        touch(act, path);
        touch(act, to);
        let known = self.known(path).filter(|known| !known.unconfirmed);
        if let Some(index) = &mut self.index {
            index.rename(path, to);
        }
        self.take_hints_along(path, to);
        match known {
            Some(known) if known.is(&lying) => DiskOutcome::Moved(lying.stat),
            // It was changed before it was moved. The stat that the core has must not cover that up.
            Some(known) => {
                self.look_soon(to);
                DiskOutcome::Moved(known.stat)
            }
            None => {
                self.look_soon(to);
                DiskOutcome::Moved(lying.stat)
            }
        }
    }

    /// Hints about what has just been moved are about the new place.
    fn take_hints_along(&mut self, from: &EntryPath, to: &EntryPath) {
        let (inside, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<std::collections::BTreeMap<_, _>, _>(|(path, _)| path.is_within(from));
        self.waiting = rest;
        for (old, waiting) in inside {
            let moved = format!("{to}{}", &old.as_str()[from.as_str().len()..]);
            if let Ok(moved) = EntryPath::parse(&moved) {
                self.waiting.insert(moved, waiting);
            }
            // And something new may be at the old place.
            self.waiting.insert(old, waiting);
        }
    }

    fn remove(&mut self, act: &mut Act<'_>, op: &DiskOp, expect: &ContentHash) -> DiskOutcome {
        let path = &op.path;
        let spot = match act.root.spot(path) {
            Ok(spot) => spot,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return self.removed(path, None),
            Err(errno) => return failed("remove", path, errno),
        };
        match look::lying(spot.dir.as_fd(), &spot.name) {
            Ok(Some(lying)) if matches!(lying.what, What::Folder | What::Special) => {
                return self.occupied(path);
            }
            Ok(Some(_)) => {}
            Ok(None) => return self.removed(path, None),
            Err(errno) => return failed("remove", path, errno),
        }
        let was = self.known(path);
        let aside = aside_name(&op.entry, self.next_number(), expect);
        match act.root.rename_new((&spot.dir, &spot.name), (act.tmp, &aside)) {
            Ok(()) => touch(act, path),
            Err(Errno::NOENT) => return self.removed(path, None),
            Err(errno) => return failed("remove", path, errno),
        }
        let displaced = self.examine(act.root, act.tmp, aside, was.as_ref());
        self.removed(path, displaced)
    }

    fn removed(&mut self, path: &EntryPath, displaced: Option<(Seen, String)>) -> DiskOutcome {
        if let Some(index) = &mut self.index {
            index.remove(path);
        }
        DiskOutcome::Removed { displaced }
    }

    fn remove_folder(&mut self, act: &mut Act<'_>, path: &EntryPath) -> DiskOutcome {
        let spot = match act.root.spot(path) {
            Ok(spot) => spot,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return self.removed(path, None),
            Err(errno) => return failed("remove the folder", path, errno),
        };
        match rustix::fs::unlinkat(&spot.dir, &spot.name, AtFlags::REMOVEDIR) {
            Ok(()) => {
                touch(act, path);
                self.removed(path, None)
            }
            Err(Errno::NOENT) => self.removed(path, None),
            Err(Errno::NOTEMPTY | Errno::EXIST) => DiskOutcome::NotEmpty,
            Err(Errno::NOTDIR) => self.occupied(path),
            Err(errno) => failed("remove the folder", path, errno),
        }
    }

    fn discard_op(&mut self, act: &mut Act<'_>, aside: &str, taken: &ContentHash) -> DiskOutcome {
        if parse_aside(aside).is_none() {
            return DiskOutcome::Failed(format!("`{aside}` is not the name of anything set aside"));
        }
        match self.discard(act.tmp, aside, taken) {
            Ok(()) => DiskOutcome::Discarded,
            Err(errno) => failed("let go", format!(".codex/tmp/{aside}"), errno),
        }
    }
}

/// The name of something else that answers to a spot's name.
fn twin_at(act: &Act<'_>, spot: &Spot) -> Option<String> {
    act.root.listed_as(spot).ok().flatten().filter(|name| *name != spot.name)
}

fn is_same(lying: &Lying, target: &Spot) -> bool {
    let there = look::lying(target.dir.as_fd(), &target.name).ok().flatten();
    there.is_some_and(|there| there.stat.inode == lying.stat.inode && there.what == lying.what)
}

/// Two names that this file system takes for one. The entry stays in the records and on the other devices.
fn no_twin(doing: &str, path: &EntryPath, twin: &str) -> DiskOutcome {
    DiskOutcome::Failed(format!(
        "cannot {doing} {path}: this file system does not tell it from `{twin}`, which is there; rename one of the two"
    ))
}

fn may_touch(path: &EntryPath) -> bool {
    !path.is_root() && !is_forbidden(path)
}

fn touch(act: &mut Act<'_>, path: &EntryPath) {
    act.touched.extend(path.parent());
}

/// Syncs the folders in which names changed.
fn sync_touched(act: &Act<'_>) -> Result<(), Errno> {
    if act.touched.is_empty() {
        return Ok(());
    }
    if act.touched.len() > FEW {
        return act.root.sync_all();
    }
    let folders = act.touched.iter().map(|folder| match act.root.folder(folder) {
        Ok(dir) => rustix::fs::fsync(dir),
        // Removed since, by a later operation; its own folder is touched too.
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    });
    let synced: Result<(), Errno> = folders.chain([rustix::fs::fsync(act.tmp)]).collect();
    synced.or_else(|_| act.root.sync_all())
}

/// An outcome that says what was tried, on what, why not, and what to do.
fn failed(doing: &str, what: impl std::fmt::Display, errno: Errno) -> DiskOutcome {
    let advice = match errno {
        Errno::NOSPC | Errno::DQUOT => "free some space; it is tried again then",
        Errno::ROFS => "make the file system writable; it is tried again then",
        Errno::ACCESS | Errno::PERM => "give yourself permission to write there; it is tried again then",
        Errno::NAMETOOLONG | Errno::ILSEQ | Errno::INVAL => {
            "this file system cannot hold that name; give the entry another one"
        }
        Errno::XDEV => "another file system is mounted inside the notebook; move the notebook or unmount it",
        Errno::IO => "check the disk; it is tried again then",
        _ => "it is tried again later",
    };
    DiskOutcome::Failed(format!("cannot {doing} {what}: {errno}; {advice}"))
}
