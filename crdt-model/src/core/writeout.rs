//! Documents → files: the planner. Compares where the tree shows an entry, and with which bytes, with what is
//! on disk, and asks for one disk operation per entry at a time.

use super::aside;
use super::edits;
use super::hold;
use super::moves;
use super::observe;
use super::places::{folder_ready, place_free, stands_still};
use super::txn::Txn;
use super::{Core, InFlight};
use crate::effect::{DiskAction, DiskOp, DiskOutcome, Effect, Notice};
use crate::entry::Content;
use crate::entry::birth::Kind;
use crate::event::DiskResult;
use crate::ids::{EntryId, Heads, UnixMs};
use crate::limits;
use crate::path::EntryPath;
use crate::store::{BaseRow, EntryRow, Image, Mode, Stat, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// What waits for what waits for something is planned so deep at once.
const PLAN_DEPTH: usize = 64;

/// How long after a failed write it is tried again.
pub(super) const RETRY_MS: i64 = 5_000;

/// Plans as much as the bounds allow.
pub(super) fn plan(core: &mut Core, txn: &mut Txn<'_>) -> Result<()> {
    core.gather(txn);
    if txn.meta.mode == Mode::Joining || txn.meta.paused || core.root_lost || !core.looked {
        return Ok(());
    }
    let mut ops = Vec::new();
    while core.in_flight.len() < limits::DISK_OPS && core.in_flight_bytes < limits::DISK_OP_BYTES {
        let Some(id) = core.todo.pop_first() else { break };
        plan_entry(core, txn, id, &mut ops, 0)?;
        core.in_circle = false;
        core.gather(txn);
    }
    if !ops.is_empty() {
        txn.effects.push(Effect::Disk(ops));
    }
    Ok(())
}

pub(super) fn plan_entry(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    ops: &mut Vec<DiskOp>,
    depth: usize,
) -> Result<()> {
    if core.in_flight.contains_key(&id) || core.retries.contains_key(&id) || core.drafts.has(&id) {
        return Ok(());
    }
    if txn.people.own_held().contains(&id) {
        return Ok(());
    }
    if depth > PLAN_DEPTH {
        // It is planned by itself, before what waits for it.
        core.todo.insert(id);
        return Ok(());
    }
    if core.planning.contains(&id) {
        core.in_circle = true;
        return Ok(());
    }
    core.planning.push(id);
    let planned = plan_one(core, txn, id, ops, depth);
    core.planning.pop();
    planned
}

fn plan_one(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    ops: &mut Vec<DiskOp>,
    depth: usize,
) -> Result<()> {
    let (row, base) = (txn.entry(&id)?, txn.base(&id)?);
    if let Some(base) = &base
        && !stands_still(core, txn, base.parent, id)?
    {
        return Ok(());
    }
    let Some(row) = row else {
        // What is void has no place on disk.
        return base.map_or(Ok(()), |base| plan_removal(core, txn, id, &base, ops, depth));
    };
    if row.alive {
        // Asked for once, and wanted again since.
        core.asked_removals.remove(&id);
    }
    match base {
        None if !row.alive => {
            txn.writes.pending.insert(id, false);
            Ok(())
        }
        Some(base) if !row.alive => plan_removal(core, txn, id, &base, ops, depth),
        None => plan_new(core, txn, id, &row, ops, depth),
        Some(base) => plan_change(core, txn, id, &row, base, ops, depth),
    }
}

pub(super) fn start(
    core: &mut Core,
    txn: &mut Txn<'_>,
    entry: EntryId,
    path: EntryPath,
    action: DiskAction,
    what: InFlight,
    ops: &mut Vec<DiskOp>,
) {
    let target = match &action {
        DiskAction::Move { to } => to,
        _ => &path,
    };
    if core.drafts.is_in_the_way(target) {
        core.retries.insert(entry, UnixMs::MAX);
        return;
    }
    if let InFlight::Write { bytes } = &what {
        core.in_flight_bytes += bytes;
    }
    core.in_flight.insert(entry, what);
    txn.writes.pending.insert(entry, true);
    ops.push(DiskOp { entry, path, action });
}

fn plan_new(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    row: &EntryRow,
    ops: &mut Vec<DiskOp>,
    depth: usize,
) -> Result<()> {
    if !folder_ready(core, txn, row.place_parent, id, ops, depth)?
        || !place_free(core, txn, id, (row.place_parent, &row.place_name), ops, depth)?
    {
        return Ok(());
    }
    let Some(content) = content(core, txn, id, row)? else { return Ok(()) };
    let Some(folder) = txn.disk_path_of_folder(&row.place_parent)? else { return Ok(()) };
    let path = folder.join(&row.place_name);
    if let Some(reason) = path.unwritable() {
        cannot_write(core, txn, id, reason);
        return Ok(());
    }
    if core.drafts.is_in_the_way(&path) {
        core.retries.insert(id, UnixMs::MAX);
        return Ok(());
    }
    let image = Image { heads: row.heads.clone(), hash: row.hash, kind: row.kind };
    txn.set_base(
        id,
        Some(BaseRow {
            parent: row.place_parent,
            name: row.place_name.clone(),
            confirmed: None,
            intended: Some(image),
            stat: Stat::default(),
            seen_at: core.now,
        }),
    )?;
    let (action, what) = match content {
        Content::Folder => (DiskAction::MakeFolder, InFlight::Folder),
        content => {
            let bytes = content_bytes(&content);
            (DiskAction::Write { content, expect: None }, InFlight::Write { bytes })
        }
    };
    start(core, txn, id, path, action, what, ops);
    Ok(())
}

/// The entry stays in the records and on other devices; it is tried again after the next scan.
fn cannot_write(core: &mut Core, txn: &mut Txn<'_>, id: EntryId, reason: &str) {
    core.retries.insert(id, UnixMs::MAX);
    txn.notify(Notice::WriteFailed { entry: id, reason: format!("{reason}; rename it") });
}

fn content_bytes(content: &Content) -> usize {
    match content {
        Content::Text(text) => text.len(),
        _ => 0,
    }
}

/// The content to write, or `None` while its bytes are not here: they are fetched and the entry waits.
fn content(core: &mut Core, txn: &mut Txn<'_>, id: EntryId, row: &EntryRow) -> Result<Option<Content>> {
    let content = match (row.kind, row.heads.is_empty()) {
        (Kind::Folder, _) => Content::Folder,
        (_, true) => txn.birth_content(&id, row)?,
        (_, false) => txn.document(&id, row)?.view().content,
    };
    if let Content::Blob { hash, size } = &content {
        let missing = match txn.writes.blobs_missing.get(hash) {
            Some(state) => state.is_some(),
            None => core.blobs_missing.contains(hash),
        };
        if missing {
            core.awaiting.entry(*hash).or_default().insert(id);
            if txn.blob_missing(hash)?.is_none_or(|missing| missing.wanted) {
                txn.effects.push(Effect::Fetch { hash: *hash, size: *size, from: Vec::new() });
            }
            return Ok(None);
        }
    }
    Ok(Some(content))
}

fn plan_removal(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    base: &BaseRow,
    ops: &mut Vec<DiskOp>,
    depth: usize,
) -> Result<()> {
    let (Some(path), Some(confirmed)) = (txn.disk_path(&id)?, base.confirmed.clone()) else {
        txn.set_base(id, None)?;
        txn.writes.pending.insert(id, false);
        return Ok(());
    };
    if confirmed.kind == Kind::Folder {
        let inside = txn.bases_in(&id)?;
        if !inside.is_empty() {
            for child in inside {
                core.waiting.entry(child).or_default().insert(id);
                core.todo.remove(&child);
                plan_entry(core, txn, child, ops, depth + 1)?;
            }
            return Ok(());
        }
        start(core, txn, id, path, DiskAction::RemoveFolder, InFlight::Removal, ops);
        return Ok(());
    }
    if core.held_vanished.remove(&id) {
        // It is gone here already, and now it may.
        txn.set_base(id, None)?;
        txn.writes.pending.insert(id, false);
        return Ok(());
    }
    if txn.meta.held {
        core.held_removals.insert(id);
        return Ok(());
    }
    let asked = core.asked_removals.remove(&id);
    if !asked && !core.accept_deletions && core.counted.insert(id) {
        if observe::brake(txn, 1)? {
            txn.meta.held = true;
            core.held_removals.insert(id);
            txn.notify(Notice::Standing("many deletions arrived at once; they wait for your yes".into()));
            return Ok(());
        }
        observe::let_pass(core, txn, id);
    }
    start(core, txn, id, path, DiskAction::Remove { expect: confirmed.hash }, InFlight::Removal, ops);
    Ok(())
}

fn plan_change(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    row: &EntryRow,
    mut base: BaseRow,
    ops: &mut Vec<DiskOp>,
    depth: usize,
) -> Result<()> {
    let Some(confirmed) = base.confirmed.clone() else {
        // A first write whose end was never seen (a crash): ask again; what is there decides.
        txn.set_base(id, None)?;
        return plan_new(core, txn, id, row, ops, depth);
    };
    let Some(path) = txn.disk_path(&id)? else { return Ok(()) };
    if (base.parent, &base.name) != (row.place_parent, &row.place_name) {
        if !folder_ready(core, txn, row.place_parent, id, ops, depth)?
            || !place_free(core, txn, id, (row.place_parent, &row.place_name), ops, depth)?
        {
            return Ok(());
        }
        let Some(folder) = txn.disk_path_of_folder(&row.place_parent)? else { return Ok(()) };
        if folder.is_within(&path) && row.kind == Kind::Folder {
            // Into itself: the folder inside has to come out first.
            let mut at = row.place_parent;
            while at != id && at != EntryId::ROOT {
                core.waiting.entry(at).or_default().insert(id);
                let Some(above) = txn.base(&at)? else { break };
                at = above.parent;
            }
            return Ok(());
        }
        let to = folder.join(&row.place_name);
        if let Some(reason) = to.unwritable() {
            cannot_write(core, txn, id, reason);
            return Ok(());
        }
        let moving = InFlight::Move { parent: row.place_parent, name: row.place_name.clone() };
        start(core, txn, id, path, DiskAction::Move { to }, moving, ops);
        return Ok(());
    }
    if confirmed.hash == row.hash && confirmed.kind == row.kind {
        if confirmed.heads != row.heads || base.intended.is_some() {
            base.confirmed = Some(Image { heads: row.heads.clone(), ..confirmed });
            base.intended = None;
            txn.set_base(id, Some(base))?;
        }
        txn.writes.pending.insert(id, false);
        return Ok(());
    }
    let Some(content) = content(core, txn, id, row)? else { return Ok(()) };
    base.intended = Some(Image { heads: row.heads.clone(), hash: row.hash, kind: row.kind });
    txn.set_base(id, Some(base))?;
    let bytes = content_bytes(&content);
    let action = DiskAction::Write { content, expect: Some(confirmed.hash) };
    start(core, txn, id, path, action, InFlight::Write { bytes }, ops);
    Ok(())
}

/// Results of disk operations, in order.
pub(super) fn done(core: &mut Core, txn: &mut Txn<'_>, results: Vec<DiskResult>) -> Result<()> {
    let mut discards = Vec::new();
    for DiskResult { entry, outcome } in results {
        if let DiskOutcome::Leftover { seen, was, aside } = outcome {
            aside::leftover(txn, entry, (seen, was), aside, &mut discards)?;
            continue;
        }
        if outcome == DiskOutcome::Discarded {
            continue;
        }
        let Some(what) = core.in_flight.remove(&entry) else {
            aside::unexpected(txn, entry, outcome, &mut discards)?;
            continue;
        };
        if let InFlight::Write { bytes } = &what {
            core.in_flight_bytes = core.in_flight_bytes.saturating_sub(*bytes);
        }
        if !matches!(outcome, DiskOutcome::Occupied | DiskOutcome::NotEmpty) {
            core.surprised.remove(&entry);
        }
        one_done(core, txn, entry, what, outcome, &mut discards)?;
        core.wake(&entry);
    }
    if !discards.is_empty() {
        txn.effects.push(Effect::Disk(discards));
    }
    Ok(())
}

fn one_done(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    what: InFlight,
    outcome: DiskOutcome,
    discards: &mut Vec<DiskOp>,
) -> Result<()> {
    let Some(mut base) = txn.base(&id)? else {
        txn.mark(id);
        return Ok(());
    };
    match outcome {
        DiskOutcome::FolderMade(stat) | DiskOutcome::Written { stat, displaced: None } => {
            base.confirmed = base.intended.take().or(base.confirmed);
            base.stat = stat;
            base.seen_at = core.now;
            txn.set_base(id, Some(base))?;
            txn.mark(id);
        }
        DiskOutcome::Written { stat, displaced: Some((seen, aside)) } => {
            let before = match observe::content_of(&seen) {
                Some((content, _)) => moves::edited_version(txn, id, &base, &content)?,
                None => Heads::default(),
            };
            base.confirmed = base.intended.take().or(base.confirmed);
            base.stat = stat;
            base.seen_at = core.now;
            txn.set_base(id, Some(base))?;
            aside::displaced(txn, id, &before, seen, aside, discards)?;
        }
        DiskOutcome::Moved(_) => {
            if let InFlight::Move { parent, name } = what {
                base.parent = parent;
                base.name = name;
            }
            // The stat stays the one that was read: if somebody wrote meanwhile, the difference must show.
            txn.set_base(id, Some(base))?;
            hold::is_there(core, txn, id)?;
            txn.mark(id);
        }
        DiskOutcome::Removed { displaced: aside } => {
            let before = base.confirmed.map(|i| i.heads).unwrap_or_default();
            txn.set_base(id, None)?;
            txn.mark(id);
            if let Some((seen, aside)) = aside {
                aside::displaced(txn, id, &before, seen, aside, discards)?;
            }
            wake_folder(core, &base.parent);
        }
        DiskOutcome::Occupied => {
            // What lies there may be a file that somebody moved: only a scan shows both ends of that.
            withdraw(txn, id, base)?;
            if core.await_surprise(id) {
                cannot_write(core, txn, id, "something that is left out of the notebook has its name");
            }
        }
        DiskOutcome::Vanished => {
            base.intended = None;
            let gone = base.confirmed.is_none();
            txn.set_base(id, (!gone).then_some(base))?;
            core.retry_at(id);
            core.rescan = true;
        }
        // What is in it is heard of from a scan, and moved or removed first; or it is left out, and the folder stays.
        DiskOutcome::NotEmpty => {
            core.await_surprise(id);
        }
        DiskOutcome::BlobNotHeld => {
            if let Some(Image { hash, .. }) = base.intended.clone() {
                let size = txn.entry(&id)?.map_or(0, |row| row.size);
                core.blobs_missing.insert(hash);
                core.awaiting.entry(hash).or_default().insert(id);
                txn.writes.blob_needs.insert((hash, id), true);
                edits::miss_blob(txn, hash, size, true);
            }
            withdraw(txn, id, base)?;
        }
        DiskOutcome::Failed(reason) => {
            withdraw(txn, id, base)?;
            core.retry_at(id);
            txn.notify(Notice::WriteFailed { entry: id, reason });
        }
        DiskOutcome::Leftover { .. } | DiskOutcome::Discarded => {}
    }
    Ok(())
}

fn wake_folder(core: &mut Core, folder: &EntryId) {
    core.todo.insert(*folder);
}

/// The write did not happen: forget the intention.
fn withdraw(txn: &mut Txn<'_>, id: EntryId, mut base: BaseRow) -> Result<()> {
    base.intended = None;
    let never = base.confirmed.is_none();
    txn.set_base(id, (!never).then_some(base))?;
    txn.writes.pending.insert(id, true);
    Ok(())
}

impl Core {
    /// Takes over what the step says should be planned.
    fn gather(&mut self, txn: &mut Txn<'_>) {
        self.todo.append(&mut txn.todo);
        for id in std::mem::take(&mut txn.moved) {
            self.wake(&id);
        }
    }

    /// Plans whatever waited for this entry again.
    pub(super) fn wake(&mut self, id: &EntryId) {
        self.todo.extend(self.waiting.remove(id).into_iter().flatten());
    }

    /// An operation met something that the bases do not know of: a scan shows what, then it is tried again. True if
    /// such a scan has shown nothing: then it waits for the next one that comes by itself.
    fn await_surprise(&mut self, id: EntryId) -> bool {
        self.retries.insert(id, UnixMs::MAX);
        if self.surprised.get(&id).is_some_and(|scan| self.scanned >= *scan) {
            self.surprised.remove(&id);
            return true;
        }
        self.surprised.insert(id, self.scans + 1);
        self.rescan = true;
        false
    }

    fn retry_at(&mut self, id: EntryId) {
        self.retries.insert(id, self.now + RETRY_MS);
    }
}
