//! The first half of carrying out operations: everything that shall be written is written aside and synced, before
//! any name changes.

use std::os::fd::{AsFd as _, OwnedFd};

use codex_crdt_model::effect::{DiskAction, DiskOp, DiskOutcome};
use codex_crdt_model::entry::birth::Content;
use codex_crdt_model::ids::ContentHash;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::Stat;
use n0_future::{BufferedStreamExt as _, StreamExt as _};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::super::aside::new_name;
use super::super::look;
use super::super::root::Root;
use super::super::worker::Worker;
use super::{FEW, failed};

/// Blobs copied out of the blob store at once.
const EXPORTS: usize = 8;

/// A file written aside, ready to be put in place.
pub(super) struct Ready {
    pub name: String,
    pub stat: Stat,
}

impl Worker {
    /// Writes aside what shall be written.
    pub(super) fn prepare(
        &mut self,
        root: &Root,
        tmp: &OwnedFd,
        ops: &[DiskOp],
    ) -> Vec<Option<Result<Ready, DiskOutcome>>> {
        let mut prepared: Vec<Option<Result<Ready, DiskOutcome>>> = Vec::with_capacity(ops.len());
        let mut exports = Vec::new();
        for (number, op) in ops.iter().enumerate() {
            let DiskAction::Write { content, .. } = &op.action else {
                prepared.push(None);
                continue;
            };
            let name = new_name(&op.entry, self.next_number());
            let made = match content {
                Content::Text(text) => look::create(tmp.as_fd(), &name, text.as_bytes()).map(drop),
                Content::Symlink(target) => rustix::fs::symlinkat(target.as_str(), tmp, name.as_str()),
                Content::Blob { hash, .. } => {
                    exports.push((number, *hash, name));
                    prepared.push(None);
                    continue;
                }
                Content::Folder => {
                    prepared.push(None);
                    continue;
                }
            };
            prepared.push(Some(ready(tmp, name, made, &op.path)));
        }
        for (number, name, exported) in self.export(root, exports) {
            let path = &ops[number].path;
            prepared[number] = Some(match exported {
                Ok(()) => ready(tmp, name, Ok(()), path),
                Err(outcome) => {
                    let _ = rustix::fs::unlinkat(tmp, &name, AtFlags::empty());
                    Err(outcome)
                }
            });
        }
        prepared
    }

    fn export(
        &self,
        root: &Root,
        exports: Vec<(usize, ContentHash, String)>,
    ) -> Vec<(usize, String, Result<(), DiskOutcome>)> {
        if exports.is_empty() {
            return Vec::new();
        }
        let blobs = &self.port.blobs;
        let one = |(number, hash, name): (usize, ContentHash, String)| async move {
            let done = match blobs.has(&hash).await {
                Ok(true) => blobs.export(&hash, &root.absolute_tmp(&name)).await,
                Ok(false) => return (number, name, Err(DiskOutcome::BlobNotHeld)),
                Err(error) => Err(error),
            };
            (number, name, done.map_err(|error| DiskOutcome::Failed(error.to_string())))
        };
        let all = n0_future::stream::iter(exports).map(one).buffered_ordered(EXPORTS).collect();
        self.port.runtime.block_on(all)
    }
}

fn ready(
    tmp: &OwnedFd,
    name: String,
    made: Result<(), Errno>,
    path: &EntryPath,
) -> Result<Ready, DiskOutcome> {
    let lying = made.and_then(|()| look::lying(tmp.as_fd(), &name)?.ok_or(Errno::NOENT));
    match lying {
        Ok(lying) => Ok(Ready { name, stat: lying.stat }),
        Err(errno) => {
            let _ = rustix::fs::unlinkat(tmp, &name, AtFlags::empty());
            Err(failed("write", path, errno))
        }
    }
}

/// Syncs what was written aside. What cannot be synced is not put in place.
pub(super) fn sync_ready(root: &Root, tmp: &OwnedFd, prepared: &mut [Option<Result<Ready, DiskOutcome>>]) {
    let written = prepared.iter().filter(|ready| matches!(ready, Some(Ok(_)))).count();
    let all = if written > FEW { root.sync_all() } else { Ok(()) };
    for slot in prepared.iter_mut() {
        let Some(Ok(ready)) = slot else { continue };
        let synced = match all {
            Ok(()) if written <= FEW => match look::open(tmp.as_fd(), &ready.name) {
                Ok(file) => file.sync_all().map_err(look::errno_of),
                // A link has no bytes of its own to sync.
                Err(Errno::LOOP) => Ok(()),
                Err(errno) => Err(errno),
            },
            all => all,
        };
        if let Err(errno) = synced {
            let _ = rustix::fs::unlinkat(tmp, &ready.name, AtFlags::empty());
            *slot = Some(Err(failed("make durable", format!(".codex/tmp/{}", ready.name), errno)));
        }
    }
}
