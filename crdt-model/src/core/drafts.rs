//! What somebody changes here who may not write: it stays on this disk, is shown as not shared, and goes into no journal.
//! Nothing is written over it. When the role changes, a scan takes it in like any other edit.

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use super::appear;
use super::observe::{self, Place};
use super::txn::Txn;
use crate::event::{Observation, Seen};
use crate::ids::EntryId;
use crate::path::EntryPath;
use crate::store::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// Files that differ from what is shared, by path.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    paths: BTreeMap<EntryPath, Draft>,
    /// Counts scans: what a whole scan did not find any more is gone.
    scan: u64,
}

#[derive(Debug)]
struct Draft {
    /// The entry whose file it is; `None` for a new file.
    entry: Option<EntryId>,
    scan: u64,
}

impl Drafts {
    /// Where they are.
    pub fn paths(&self) -> impl Iterator<Item = &EntryPath> {
        self.paths.keys()
    }

    /// Whether an entry's file was changed here and must stay as it is.
    pub fn has(&self, entry: &EntryId) -> bool {
        self.paths.values().any(|draft| draft.entry == Some(*entry))
    }

    /// Whether something that must stay as it is lies at a path, or has gone from above it.
    pub fn is_in_the_way(&self, path: &EntryPath) -> bool {
        !self.paths.is_empty() && self.paths.keys().any(|draft| path.is_within(draft))
    }

    /// A whole scan has ended.
    pub fn scanned(&mut self) {
        self.paths.retain(|_, draft| draft.scan == self.scan);
        self.scan += 1;
    }

    /// What was held back may be shared now. The entries whose files it is.
    pub fn take(&mut self) -> BTreeSet<EntryId> {
        std::mem::take(&mut self.paths).into_values().filter_map(|draft| draft.entry).collect()
    }
}

/// Notes what differs; takes in what is as the others have it.
pub(super) fn observed(core: &mut Core, txn: &mut Txn<'_>, batch: Vec<Observation>) -> Result<()> {
    for Observation { path, seen } in batch {
        let place = observe::locate(txn, &path)?;
        let is_shared = match (&place, observe::content_of(&seen)) {
            (Place::Known(EntryId::ROOT), _) => continue,
            (Place::Known(id), Some((content, stat))) => {
                observe::is_as_written(core, txn, *id, &content, stat)?
            }
            (Place::Known(_), None) => seen != Seen::Missing,
            (Place::Free(folder), Some((content, stat))) => {
                appear::adopt(core, txn, *folder, path.name(), &content, stat)?
            }
            (Place::Nowhere, Some(_)) => false,
            (Place::Free(_) | Place::Nowhere, None) => true,
        };
        if is_shared {
            core.drafts.paths.remove(&path);
            continue;
        }
        let entry = match place {
            Place::Known(id) if core.in_flight.contains_key(&id) => continue,
            Place::Known(id) => Some(id),
            Place::Free(_) | Place::Nowhere => None,
        };
        core.drafts.paths.insert(path, Draft { entry, scan: core.drafts.scan });
    }
    Ok(())
}
