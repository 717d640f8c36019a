//! What the brake holds. A hold names exactly what still needs an answer: what came back, or was answered otherwise, leaves
//! it, and with the last of it the hold ends. Only what was seen to be there has come back; what nobody could look at has not.

use std::collections::BTreeSet;

use super::Core;
use super::txn::Txn;
use crate::effect::Notice;
use crate::entry::birth::Kind;
use crate::ids::EntryId;
use crate::store::{BaseRow, Mode, Source, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// The modification time that a base has while the deletion of its file is held: no file has it, so whatever lies there
/// again is a difference and is told; and after a restart it says what was held.
const GONE_NS: i64 = i64::MIN;

fn is_gone(base: &BaseRow) -> bool {
    base.stat.mtime_ns == GONE_NS
}

fn is_folder(base: &BaseRow) -> bool {
    base.confirmed.as_ref().is_some_and(|image| image.kind == Kind::Folder)
}

/// Holds the deletion of files that vanished.
pub(super) fn hold_vanished(core: &mut Core, txn: &mut Txn<'_>, gone: Vec<(EntryId, BaseRow)>) -> Result<()> {
    for (id, mut base) in gone {
        core.held_vanished.insert(id);
        if is_folder(&base) {
            // A folder's time says nothing: that it is back is seen by what is in it, or by a scan that does not miss it.
            core.folders_gone.insert(id);
        } else if !is_gone(&base) {
            base.stat.mtime_ns = GONE_NS;
            txn.set_base(id, Some(base))?;
        }
    }
    Ok(())
}

/// What an earlier run held: files that had vanished. Removals are held again when they are planned.
pub(super) fn of_earlier_run(source: &dyn Source) -> Result<BTreeSet<EntryId>> {
    let mut held = BTreeSet::new();
    let mut folders = vec![EntryId::ROOT];
    while let Some(folder) = folders.pop() {
        for id in source.bases_in(&folder)? {
            match source.base(&id)? {
                Some(base) if is_folder(&base) => folders.push(id),
                Some(base) if is_gone(&base) => drop(held.insert(id)),
                _ => {}
            }
        }
    }
    Ok(held)
}

/// Something lies where it should: it has not vanished, nor has any folder above it.
pub(super) fn is_there(core: &mut Core, txn: &Txn<'_>, id: EntryId) -> Result<()> {
    let mut at = id;
    while !core.held_vanished.is_empty() && at != EntryId::ROOT {
        core.held_vanished.remove(&at);
        let Some(base) = txn.base(&at)? else { break };
        at = base.parent;
    }
    Ok(())
}

/// A scan is over: folders that it did not miss are back.
pub(super) fn scan_ended(core: &mut Core, txn: &Txn<'_>) -> Result<()> {
    let missed = std::mem::take(&mut core.folders_gone);
    let others: Vec<EntryId> = core.held_vanished.difference(&missed).copied().collect();
    for id in others {
        if txn.base(&id)?.is_some_and(|base| is_folder(&base)) {
            core.held_vanished.remove(&id);
        }
    }
    Ok(())
}

/// Lets go of what this step has shown to need no answer, and ends the hold when nothing is left of it.
pub(super) fn let_go(core: &mut Core, txn: &mut Txn<'_>) -> Result<()> {
    if !txn.meta.held {
        return Ok(());
    }
    let is_held = |id: &&EntryId| core.held_vanished.contains(id) || core.held_removals.contains(id);
    let touched = txn.writes.bases.keys().chain(txn.writes.entries.keys());
    let touched: BTreeSet<EntryId> = touched.filter(is_held).copied().collect();
    for id in touched {
        let is_alive = txn.entry(&id)?.is_some_and(|row| row.alive);
        let base = txn.base(&id)?;
        if is_alive || base.is_none() {
            core.held_removals.remove(&id);
        }
        match base {
            Some(base) if is_alive && (is_folder(&base) || is_gone(&base)) => {}
            Some(_) if is_alive => is_there(core, txn, id)?,
            _ => drop(core.held_vanished.remove(&id)),
        }
    }
    if core.held().next().is_none() && core.knows_what_is_held(txn) {
        txn.meta.held = false;
        let words = "what was held came back or was answered otherwise; nothing waits for an answer any more";
        txn.notify(Notice::Standing(words.into()));
    }
    Ok(())
}

impl Core {
    /// Whether everything was looked at and planned: what is not held now needs no answer.
    fn knows_what_is_held(&self, txn: &Txn<'_>) -> bool {
        let stands = txn.meta.mode == Mode::Joining || txn.meta.paused || self.root_lost;
        let scans = self.rescan || self.scanned < self.scans;
        self.looked && !stands && !scans && self.todo.is_empty()
    }
}
