//! Files → documents: what the disk worker saw, compared with the bases, becomes moves, edits, births and
//! deletions. An observation fed twice has no effect the second time.

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use super::appear::appeared;
use super::drafts;
use super::edits::{self, Edited};
use super::hold;
use super::moves::{
    alike, edited_version, gone_by_print, has_grown, is_another, moved_here, same_or_alike, shared, very_file,
};
use super::peers;
use super::people;
use super::txn::Txn;
use crate::effect::Notice;
use crate::entry::birth::Kind;
use crate::entry::{Content, Edit};
use crate::event::{Observation, Seen};
use crate::ids::{EntryId, Heads};
use crate::limits;
use crate::path::EntryPath;
use crate::store::{BaseRow, ConflictKind, Image, Mode, Stat, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// Content and stat of something that was seen, if it is something that an entry can be.
pub(super) fn content_of(seen: &Seen) -> Option<(Content, Stat)> {
    match seen {
        Seen::Folder(stat) => Some((Content::Folder, *stat)),
        Seen::Text(stat, text) => Some((Content::Text(text.clone()), *stat)),
        Seen::Blob(stat, hash) => Some((Content::Blob { hash: *hash, size: stat.size }, *stat)),
        Seen::Symlink(stat, target) => Some((Content::Symlink(target.clone()), *stat)),
        Seen::Missing | Seen::Unreadable(_) | Seen::Special => None,
    }
}

/// What lies at a path on disk, as far as the bases know.
pub(super) enum Place {
    /// This entry.
    Known(EntryId),
    /// Nothing, in this entry's folder.
    Free(EntryId),
    /// The folder itself is not known.
    Nowhere,
}

pub(super) fn locate(txn: &Txn<'_>, path: &EntryPath) -> Result<Place> {
    let mut at = EntryId::ROOT;
    let mut names = path.names().peekable();
    while let Some(name) = names.next() {
        match txn.base_at(&at, name)? {
            Some(id) if names.peek().is_none() => return Ok(Place::Known(id)),
            Some(id) if is_folder(txn, &id)? => at = id,
            // A file became a folder: it has to be seen as that first.
            Some(_) => return Ok(Place::Nowhere),
            None if names.peek().is_none() => return Ok(Place::Free(at)),
            None => return Ok(Place::Nowhere),
        }
    }
    Ok(Place::Known(at))
}

fn is_folder(txn: &Txn<'_>, id: &EntryId) -> Result<bool> {
    let base = txn.base(id)?;
    let image = base.as_ref().and_then(|base| base.confirmed.as_ref().or(base.intended.as_ref()));
    Ok(image.is_some_and(|image| image.kind == Kind::Folder))
}

/// Names that the planner uses while two files trade places; they never enter documents.
pub(super) const SWAP_MARK: &str = ".codex-swap-";

pub(super) fn observed(core: &mut Core, txn: &mut Txn<'_>, mut batch: Vec<Observation>) -> Result<()> {
    if txn.meta.mode == Mode::Joining || txn.meta.paused || core.root_lost {
        return Ok(());
    }
    batch.sort_by(|a, b| a.path.cmp(&b.path));
    if !people::may_write(txn) {
        return drafts::observed(core, txn, batch);
    }
    let mut missing: BTreeSet<EntryId> = BTreeSet::new();
    for observation in batch.iter().filter(|o| o.seen == Seen::Missing) {
        let Place::Known(id) = locate(txn, &observation.path)? else { continue };
        // What is missing from under an operation is expected, or a surprise that is noticed below.
        if id != EntryId::ROOT && !core.in_flight.contains_key(&id) {
            missing.insert(id);
        }
    }
    // What came or went may be an end of a move whose other end is under an operation. The operation's result comes
    // first, then a scan tells both again.
    let unclear = has_surprise_under_operation(core, txn, &batch)?;
    if unclear {
        core.rescan = true;
    }
    let gone = gone_by_print(txn, &missing)?;
    let mut found = Vec::new();
    for observation in &batch {
        let Some((content, stat)) = content_of(&observation.seen) else { continue };
        if observation.path.is_root() || observation.path.name().contains(SWAP_MARK) {
            continue;
        }
        if let Content::Blob { hash, .. } = &content
            && core.blobs_missing.contains(hash)
        {
            peers::blob_held(core, txn, *hash)?;
        }
        found.push((observation.path.clone(), content, stat));
    }
    // What is in a folder that moved is not missing.
    let (folders, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, content, stat)| {
        *content == Content::Folder && gone.contains_key(&(stat.inode, stat.born_ns))
    });
    let mut rest = Vec::new();
    for (path, content, stat) in folders {
        match (locate(txn, &path)?, very_file(txn, &gone, &missing, (&content, stat))?) {
            (Place::Free(folder), Some(id)) => {
                missing.remove(&id);
                moved_here(core, txn, id, folder, path.name(), content, stat)?;
            }
            _ => rest.push((path, content, stat)),
        }
    }
    rest.extend(found);
    rest.sort_by(|a, b| a.0.cmp(&b.0));
    // The very file goes before the same bytes, and these before what is alike.
    let mut lookalikes = missing.clone();
    for (path, content, stat) in &rest {
        if let Place::Known(id) = locate(txn, path)? {
            missing.remove(&id);
            lookalikes.remove(&id);
        } else if let Some(id) = very_file(txn, &gone, &missing, (content, *stat))? {
            lookalikes.remove(&id);
        }
    }
    let alike = alike(txn, &lookalikes, &new_texts(txn, &gone, &batch)?)?;
    for (path, content, stat) in rest {
        match forget_cut_off(core, txn, locate(txn, &path)?, &content)? {
            Place::Known(id) => {
                // Missing from where it was, and here all the same: its folder moved.
                missing.remove(&id);
                lookalikes.remove(&id);
                match very_file(txn, &gone, &missing, (&content, stat))? {
                    Some(from) if from != id && is_another(txn, id, &content)? => {
                        if !unclear && let Some((folder, name)) = give_way(core, txn, id)? {
                            missing.remove(&from);
                            lookalikes.remove(&from);
                            moved_here(core, txn, from, folder, &name, content, stat)?;
                        }
                    }
                    _ => seen_known(core, txn, id, content, stat)?,
                }
            }
            Place::Nowhere => core.rescan = true,
            Place::Free(folder) => {
                let id = match very_file(txn, &gone, &missing, (&content, stat))? {
                    Some(id) => Some(id),
                    None => same_or_alike(txn, &alike, &lookalikes, (&path, &content))?,
                };
                match id {
                    Some(id) => {
                        missing.remove(&id);
                        lookalikes.remove(&id);
                        moved_here(core, txn, id, folder, path.name(), content, stat)?;
                    }
                    None if unclear => {}
                    None => appeared(core, txn, folder, path.name(), content, stat)?,
                };
            }
        }
    }
    if unclear {
        return Ok(());
    }
    // A folder that moved took its children along: their old paths lead nowhere any more.
    let mut still = BTreeSet::new();
    for observation in batch.iter().filter(|o| o.seen == Seen::Missing) {
        if let Place::Known(id) = locate(txn, &observation.path)?
            && missing.contains(&id)
        {
            still.insert(id);
        }
    }
    let mut gone = BTreeSet::new();
    for id in still {
        gone.extend(within(txn, id)?);
    }
    spare_busy(core, txn, &mut gone)?;
    vanished(core, txn, gone)
}

/// Texts that lie where nothing is known, and that are not recognised as what is gone by their print.
fn new_texts<'a>(
    txn: &Txn<'_>,
    gone: &BTreeMap<(u64, i64), EntryId>,
    batch: &'a [Observation],
) -> Result<Vec<(&'a EntryPath, &'a str)>> {
    let mut texts = Vec::new();
    for observation in batch {
        let Seen::Text(stat, text) = &observation.seen else { continue };
        let is_known = matches!(locate(txn, &observation.path)?, Place::Known(_));
        if !is_known && !gone.contains_key(&(stat.inode, stat.born_ns)) {
            texts.push((&observation.path, text.as_str()));
        }
    }
    Ok(texts)
}

/// Whether something is not as an operation under way left it.
fn has_surprise_under_operation(core: &Core, txn: &Txn<'_>, batch: &[Observation]) -> Result<bool> {
    for observation in batch {
        let Place::Known(id) = locate(txn, &observation.path)? else { continue };
        if !core.in_flight.contains_key(&id) {
            continue;
        }
        let base = txn.base(&id)?;
        let Some((content, _)) = content_of(&observation.seen) else {
            if base.is_some_and(|base| base.confirmed.is_some()) {
                return Ok(true);
            }
            continue;
        };
        let hash = content.hash();
        let images = base.iter().flat_map(|base| base.confirmed.iter().chain(&base.intended));
        if !images.into_iter().any(|image| image.hash == hash && image.kind == content.kind()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A first write that a crash cut off, and something else is there now: an edit of it that takes nothing away, or as if
/// nothing had been known there.
fn forget_cut_off(core: &Core, txn: &mut Txn<'_>, place: Place, content: &Content) -> Result<Place> {
    let Place::Known(id) = place else { return Ok(place) };
    let Some(mut base) = txn.base(&id)?.filter(|base| base.confirmed.is_none()) else { return Ok(place) };
    let hash = content.hash();
    let is_intended = base.intended.iter().any(|image| image.hash == hash && image.kind == content.kind());
    if is_intended || core.in_flight.contains_key(&id) {
        return Ok(place);
    }
    txn.mark(id);
    if let Some(intended) = base.intended.take_if(|image| image.kind == Kind::Text)
        && shared(txn, id, &intended.heads, content)?.is_most()
        && has_grown(txn, id, &intended.heads, content)?
    {
        base.confirmed = Some(intended);
        txn.set_base(id, Some(base))?;
        return Ok(place);
    }
    let folder = base.parent;
    txn.set_base(id, None)?;
    Ok(Place::Free(folder))
}

/// An entry and all that lies in it on disk, as far as the bases know.
fn within(txn: &Txn<'_>, id: EntryId) -> Result<BTreeSet<EntryId>> {
    let mut all = BTreeSet::from([id]);
    let mut folders = vec![id];
    while let Some(folder) = folders.pop() {
        for child in txn.bases_in(&folder)? {
            if all.insert(child) {
                folders.push(child);
            }
        }
    }
    Ok(all)
}

/// Takes out what has an operation under way, and the folders above it: the operation's result comes first, then
/// they are looked at again.
fn spare_busy(core: &mut Core, txn: &Txn<'_>, gone: &mut BTreeSet<EntryId>) -> Result<()> {
    for id in core.in_flight.keys() {
        let mut at = *id;
        while gone.remove(&at) {
            core.rescan = true;
            let Some(base) = txn.base(&at)? else { break };
            at = base.parent;
        }
    }
    Ok(())
}

/// A path that is known shows something.
fn seen_known(core: &mut Core, txn: &mut Txn<'_>, id: EntryId, content: Content, stat: Stat) -> Result<()> {
    if id == EntryId::ROOT {
        return Ok(());
    }
    let Some(mut base) = txn.base(&id)? else { return Ok(()) };
    if core.in_flight.contains_key(&id) {
        return Ok(());
    }
    let known = base.confirmed.clone().or_else(|| base.intended.clone());
    let Some(known) = known else { return Ok(()) };
    if (known.kind == Kind::Folder) != (content.kind() == Kind::Folder) {
        // A file became a folder, or the other way round: the old entry is gone, another is here.
        if let Some((folder, name)) = give_way(core, txn, id)? {
            appeared(core, txn, folder, &name, content, stat)?;
        }
        return Ok(());
    }
    let hash = content.hash();
    if let Some(confirmed) = &base.confirmed
        && confirmed.hash == hash
        && confirmed.kind == content.kind()
    {
        hold::is_there(core, txn, id)?;
        let interrupted = base.intended.take().is_some();
        let same_folder = content.kind() == Kind::Folder && base.stat.inode == stat.inode;
        if (base.stat != stat && !same_folder) || interrupted {
            base.stat = stat;
            txn.set_base(id, Some(base))?;
            txn.mark(id);
        }
        return Ok(());
    }
    if let Some(intended) = base.intended.clone()
        && intended.hash == hash
        && intended.kind == content.kind()
    {
        base.confirmed = Some(intended);
        base.intended = None;
        base.stat = stat;
        txn.set_base(id, Some(base))?;
        txn.mark(id);
        return Ok(());
    }
    let interrupted = base.intended.is_some();
    let now = core.now;
    let at = edited_version(txn, id, &base, &content)?;
    take_in(txn, id, &at, content, |image| BaseRow {
        confirmed: Some(image),
        intended: None,
        stat,
        seen_at: now,
        ..base.clone()
    })?;
    if interrupted {
        txn.conflict(id, ConflictKind::AfterCrash)?;
    }
    Ok(())
}

/// Whether an entry's file is as it was written, or as it will be; notes its stat then.
pub(super) fn is_as_written(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    content: &Content,
    stat: Stat,
) -> Result<bool> {
    let base = txn.base(&id)?;
    let mut images = base.iter().flat_map(|base| base.confirmed.iter().chain(&base.intended));
    let is_same = images.any(|image| image.hash == content.hash() && image.kind == content.kind());
    if is_same {
        seen_known(core, txn, id, content.clone(), stat)?;
    }
    Ok(is_same)
}

/// What lay at a place, and all in it, is gone: the place, if it is free now.
fn give_way(core: &mut Core, txn: &mut Txn<'_>, id: EntryId) -> Result<Option<(EntryId, String)>> {
    let Some(base) = txn.base(&id)? else { return Ok(None) };
    let mut gone = within(txn, id)?;
    spare_busy(core, txn, &mut gone)?;
    vanished(core, txn, gone)?;
    Ok(txn.base(&id)?.is_none().then_some((base.parent, base.name)))
}

/// Takes bytes from disk as an edit of the version that was there, and notes what is there now.
pub(super) fn take_in(
    txn: &mut Txn<'_>,
    id: EntryId,
    at: &Heads,
    content: Content,
    base: impl FnOnce(Image) -> BaseRow,
) -> Result<()> {
    let image = Image { heads: at.clone(), hash: content.hash(), kind: content.kind() };
    let heads = match edits::edit(txn, id, at, &[Edit::Content(content)], true)? {
        Edited::Made(heads) => heads,
        Edited::Nothing => at.clone(),
        Edited::Refused(reason) => {
            return Err(StoreError { doing: "taking in an outside edit", reason });
        }
    };
    txn.set_base(id, Some(base(Image { heads, ..image })))?;
    txn.mark(id);
    Ok(())
}

/// Files that are gone, and that nothing else explains.
fn vanished(core: &mut Core, txn: &mut Txn<'_>, gone: BTreeSet<EntryId>) -> Result<()> {
    let mut deleted = Vec::new();
    for id in gone {
        let Some(base) = txn.base(&id)? else { continue };
        core.retries.remove(&id);
        if base.confirmed.is_none() || core.restore_deletions {
            // Never written for certain, or the user wants it back: write it again.
            txn.set_base(id, None)?;
            txn.mark(id);
            continue;
        }
        if !txn.entry(&id)?.is_some_and(|row| row.alive) {
            txn.set_base(id, None)?;
            txn.mark(id);
            continue;
        }
        deleted.push((id, base));
    }
    if deleted.is_empty() {
        return Ok(());
    }
    if txn.meta.held && !core.accept_deletions {
        return hold::hold_vanished(core, txn, deleted);
    }
    if !core.accept_deletions && brake(txn, deleted.len())? {
        txn.meta.held = true;
        let reason = format!("{} files vanished at once; nothing was deleted elsewhere", deleted.len());
        txn.notify(Notice::Standing(reason));
        return hold::hold_vanished(core, txn, deleted);
    }
    for (id, base) in deleted {
        core.wake(&id);
        if !core.accept_deletions {
            let_pass(core, txn, id);
        }
        let heads = base.confirmed.map(|image| image.heads).unwrap_or_default();
        edits::edit(txn, id, &heads, &[Edit::Delete], true)?;
        txn.set_base(id, None)?;
        txn.mark(id);
    }
    Ok(())
}

/// Remembers a deletion that the brake let pass, for as long as it counts.
pub(super) fn let_pass(core: &mut Core, txn: &Txn<'_>, id: EntryId) {
    let since = txn.now - limits::BRAKE_WINDOW_MS;
    core.let_pass.retain(|(time, _)| *time > since && *time <= txn.now);
    core.let_pass.push((txn.now, id));
}

/// Whether so many more deletions are too many to believe without asking; counts them if not.
pub(super) fn brake(txn: &mut Txn<'_>, more: usize) -> Result<bool> {
    let since = txn.now - limits::BRAKE_WINDOW_MS;
    let now = txn.now;
    txn.meta.deletions.retain(|time| *time > since && *time <= now);
    let total = txn.meta.deletions.len() + more;
    let alive = usize::try_from(txn.alive_count()?).unwrap_or(usize::MAX);
    let before = alive + txn.meta.deletions.len();
    if total > limits::BRAKE_DELETIONS && (total >= limits::BRAKE_MANY || total * 3 >= before) {
        return Ok(true);
    }
    txn.meta.deletions.extend(std::iter::repeat_n(now, more));
    Ok(false)
}
