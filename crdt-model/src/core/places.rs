//! Whether a file may go where it shall: its folder is there and stands still, and nobody else's file is in the way.

use super::observe::SWAP_MARK;
use super::txn::Txn;
use super::writeout::{plan_entry, start};
use super::{Core, InFlight};
use crate::effect::{DiskAction, DiskOp};
use crate::ids::EntryId;
use crate::limits;
use crate::store::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// Whether neither a folder nor one above it is being moved; else the waiter waits: a path that leads through it may lead
/// nowhere by the time it is used.
pub(super) fn stands_still(core: &mut Core, txn: &Txn<'_>, folder: EntryId, waiter: EntryId) -> Result<bool> {
    let mut at = folder;
    for _ in 0..limits::DEPTH {
        if matches!(core.in_flight.get(&at), Some(InFlight::Move { .. })) {
            core.waiting.entry(at).or_default().insert(waiter);
            return Ok(false);
        }
        match txn.base(&at)? {
            Some(base) => at = base.parent,
            None => break,
        }
    }
    Ok(true)
}

/// Whether the folder is on disk, or about to be, and stays where it is.
pub(super) fn folder_ready(
    core: &mut Core,
    txn: &mut Txn<'_>,
    folder: EntryId,
    waiter: EntryId,
    ops: &mut Vec<DiskOp>,
    depth: usize,
) -> Result<bool> {
    if folder == EntryId::ROOT {
        return Ok(true);
    }
    if txn.base(&folder)?.is_none() {
        core.todo.remove(&folder);
        plan_entry(core, txn, folder, ops, depth + 1)?;
    }
    let leaves = matches!(core.in_flight.get(&folder), Some(InFlight::Removal));
    let ready = !leaves && txn.base(&folder)?.is_some() && txn.disk_path(&folder)?.is_some();
    if !ready {
        core.waiting.entry(folder).or_default().insert(waiter);
    }
    Ok(ready && stands_still(core, txn, folder, waiter)?)
}

/// Whether another entry's file is in the way at a place; it is then moved first if it may.
pub(super) fn place_free(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    place: (EntryId, &str),
    ops: &mut Vec<DiskOp>,
    depth: usize,
) -> Result<bool> {
    let arrives = |what: &InFlight| matches!(what, InFlight::Move { parent, name } if (*parent, name.as_str()) == place);
    if let Some(other) = core.in_flight.iter().find(|(_, what)| arrives(what)).map(|(other, _)| *other) {
        core.waiting.entry(other).or_default().insert(id);
        return Ok(false);
    }
    let Some(other) = txn.base_at(&place.0, place.1)?.filter(|other| *other != id) else { return Ok(true) };
    core.waiting.entry(other).or_default().insert(id);
    core.todo.remove(&other);
    if blocks(txn, other, id)? {
        park(core, txn, other, ops)?;
    } else {
        plan_entry(core, txn, other, ops, depth + 1)?;
        if std::mem::take(&mut core.in_circle) {
            // It waits for something that waits for it, however many are in between.
            park(core, txn, other, ops)?;
        }
    }
    Ok(false)
}

/// Whether `top` is this folder or one above it in the tree.
fn is_above(txn: &Txn<'_>, top: EntryId, folder: EntryId) -> Result<bool> {
    let mut at = folder;
    for _ in 0..limits::DEPTH {
        if at == top {
            return Ok(true);
        }
        match txn.entry(&at)? {
            Some(row) => at = row.place_parent,
            None => break,
        }
    }
    Ok(false)
}

/// Whether `other` in turn waits for the place that `id` has now, or goes into it: they trade places.
fn blocks(txn: &Txn<'_>, other: EntryId, id: EntryId) -> Result<bool> {
    let mut at = other;
    for _ in 0..64 {
        let Some(row) = txn.entry(&at)?.filter(|row| row.alive) else { return Ok(false) };
        if is_above(txn, id, row.place_parent)? {
            return Ok(true);
        }
        match txn.base_at(&row.place_parent, &row.place_name)? {
            Some(next) if next == id => return Ok(true),
            Some(next) if next == at => return Ok(false),
            Some(next) => at = next,
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// Renames a file out of the way, so that two can trade places.
fn park(core: &mut Core, txn: &mut Txn<'_>, id: EntryId, ops: &mut Vec<DiskOp>) -> Result<()> {
    // What could not be moved just now is not moved at once again: it may have vanished, and the scan will say.
    if core.in_flight.contains_key(&id) || core.retries.contains_key(&id) {
        return Ok(());
    }
    let (Some(base), Some(from)) = (txn.base(&id)?, txn.disk_path(&id)?) else { return Ok(()) };
    let name = format!("{SWAP_MARK}{}", id.short());
    let Some(folder) = txn.disk_path_of_folder(&base.parent)? else { return Ok(()) };
    let to = folder.join(&name);
    let moving = InFlight::Move { parent: base.parent, name };
    start(core, txn, id, from, DiskAction::Move { to }, moving, ops);
    Ok(())
}
