//! Files → documents: what the disk worker saw, compared with the bases, becomes moves, edits, births and
//! deletions. An observation fed twice has no effect the second time.

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use super::edits::{self, Edited};
use super::peers;
use super::txn::Txn;
use crate::effect::Notice;
use crate::entry::birth::{BIRTH_FORMAT, Kind};
use crate::entry::{Birth, Content, Edit};
use crate::event::{Observation, Seen};
use crate::ids::{EntryId, Heads};
use crate::limits;
use crate::path::EntryPath;
use crate::store::{BaseRow, ConflictKind, EntryRow, Image, Mode, Stat, StoreError};

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
enum Place {
    /// This entry.
    Known(EntryId),
    /// Nothing, in this entry's folder.
    Free(EntryId),
    /// The folder itself is not known.
    Nowhere,
}

fn locate(txn: &Txn<'_>, path: &EntryPath) -> Result<Place> {
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

/// Versions of one entry that found bytes are compared with, newest first.
const VERSIONS: usize = 1000;

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
    let mut missing: BTreeSet<EntryId> = BTreeSet::new();
    for observation in batch.iter().filter(|o| o.seen == Seen::Missing) {
        let Place::Known(id) = locate(txn, &observation.path)? else { continue };
        if core.in_flight.contains_key(&id) {
            // The operation's result comes first; then the path is looked at again.
            core.rescan = true;
        } else if id != EntryId::ROOT {
            missing.insert(id);
        }
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
    for (path, content, stat) in found {
        match locate(txn, &path)? {
            Place::Known(id) if !missing.contains(&id) => seen_known(core, txn, id, content, stat)?,
            Place::Known(_) | Place::Nowhere => core.rescan = true,
            Place::Free(folder) => {
                match moved_from(txn, &gone, &missing, &content, stat)? {
                    Some(id) => {
                        missing.remove(&id);
                        moved_here(core, txn, id, folder, path.name(), content, stat)?;
                    }
                    None => appeared(core, txn, folder, path.name(), content, stat)?,
                };
            }
        }
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

/// Fingerprints of what is missing: inode and birth time, for recognising a move.
fn gone_by_print(txn: &Txn<'_>, missing: &BTreeSet<EntryId>) -> Result<BTreeMap<(u64, i64), EntryId>> {
    let mut gone = BTreeMap::new();
    for id in missing {
        // An inode number alone proves nothing: it is reused at once.
        if let Some(base) = txn.base(id)?.filter(|base| base.stat.born_ns != 0) {
            gone.insert((base.stat.inode, base.stat.born_ns), *id);
        }
    }
    Ok(gone)
}

fn moved_from(
    txn: &mut Txn<'_>,
    gone: &BTreeMap<(u64, i64), EntryId>,
    missing: &BTreeSet<EntryId>,
    content: &Content,
    stat: Stat,
) -> Result<Option<EntryId>> {
    let is_folder = |kind: Kind| kind == Kind::Folder;
    if let Some(id) = gone.get(&(stat.inode, stat.born_ns)).filter(|id| missing.contains(id))
        && let Some(image) = txn.base(id)?.and_then(|b| b.confirmed)
        && is_folder(image.kind) == is_folder(content.kind())
    {
        return Ok(Some(*id));
    }
    if content.kind() == Kind::Folder || content.size() == 0 {
        return Ok(None);
    }
    let (hash, kind) = (content.hash(), content.kind());
    let mut same = Vec::new();
    let mut alike = Vec::new();
    for id in missing {
        let Some(BaseRow { confirmed: Some(confirmed), intended, .. }) = txn.base(id)? else { continue };
        if std::iter::once(&confirmed).chain(&intended).any(|image| image.hash == hash && image.kind == kind)
        {
            same.push(*id);
        } else if let Some(intended) = intended {
            // A crash cut a write off after the new file was in place: nobody noted its inode, and it may have been
            // edited since.
            let shared = shared_lines(txn, *id, &intended.heads, content)?;
            if shared.of > 0 && shared.lines * 2 > shared.of {
                alike.push((shared.lines, *id));
            }
        }
    }
    alike.sort_unstable();
    Ok(match same.len() {
        0 => alike.pop().map(|(_, id)| id),
        1 => same.pop(),
        _ => None,
    })
}

/// A path that is known shows something.
fn seen_known(core: &mut Core, txn: &mut Txn<'_>, id: EntryId, content: Content, stat: Stat) -> Result<()> {
    if id == EntryId::ROOT {
        return Ok(());
    }
    let Some(mut base) = txn.base(&id)? else { return Ok(()) };
    if core.in_flight.contains_key(&id) {
        let hash = content.hash();
        core.rescan |= !base.confirmed.iter().chain(&base.intended).any(|image| image.hash == hash);
        return Ok(());
    }
    let known = base.confirmed.clone().or_else(|| base.intended.clone());
    let Some(known) = known else { return Ok(()) };
    if (known.kind == Kind::Folder) != (content.kind() == Kind::Folder) {
        // A file became a folder, or the other way round: the old entry is gone, another is here.
        let (folder, name) = (base.parent, base.name.clone());
        let mut gone = within(txn, id)?;
        spare_busy(core, txn, &mut gone)?;
        vanished(core, txn, gone)?;
        if txn.base(&id)?.is_none() {
            appeared(core, txn, folder, &name, content, stat)?;
        }
        return Ok(());
    }
    let hash = content.hash();
    if let Some(confirmed) = &base.confirmed
        && confirmed.hash == hash
        && confirmed.kind == content.kind()
    {
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
    if base.confirmed.is_none() {
        // A first write that a crash cut off, and something else is there now.
        let (folder, name) = (base.parent, base.name.clone());
        txn.set_base(id, None)?;
        txn.mark(id);
        return appeared(core, txn, folder, &name, content, stat);
    }
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

/// How many lines of a text a version of the entry has too. After a crash that cut a write off, somebody may have
/// edited the file as it was or as it became; diffed against the wrong one of the two, the other's words double.
fn shared_lines(txn: &mut Txn<'_>, id: EntryId, heads: &Heads, content: &Content) -> Result<Shared> {
    let Content::Text(text) = content else { return Ok(Shared::default()) };
    let Some(row) = txn.entry(&id)? else { return Ok(Shared::default()) };
    let Some(view) = txn.document(&id, &row)?.view_at(heads) else { return Ok(Shared::default()) };
    let Content::Text(version) = view.content else { return Ok(Shared::default()) };
    let there: BTreeSet<&str> = version.lines().collect();
    let lines = text.lines().filter(|line| there.contains(line)).count();
    Ok(Shared { lines, of: version.lines().count() })
}

/// How much of a version a text has.
#[derive(Debug, Default)]
struct Shared {
    /// Lines of the text that the version has too.
    lines: usize,
    /// Lines of the version.
    of: usize,
}

/// The version that found bytes are an edit of: what was there for certain, or what a write that a crash cut off put
/// there.
fn edited_version(txn: &mut Txn<'_>, id: EntryId, base: &BaseRow, content: &Content) -> Result<Heads> {
    let confirmed = base.confirmed.as_ref().map(|image| image.heads.clone()).unwrap_or_default();
    let Some(intended) = &base.intended else { return Ok(confirmed) };
    let is_intended = intended.hash == content.hash() && intended.kind == content.kind();
    let closer = is_intended
        || shared_lines(txn, id, &intended.heads, content)?.lines
            > shared_lines(txn, id, &confirmed, content)?.lines;
    Ok(if closer { intended.heads.clone() } else { confirmed })
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

/// An entry's file was found at another place.
fn moved_here(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    folder: EntryId,
    name: &str,
    content: Content,
    stat: Stat,
) -> Result<()> {
    let Some(base) = txn.base(&id)? else { return Ok(()) };
    let Some(confirmed) = base.confirmed.clone() else { return Ok(()) };
    let at = edited_version(txn, id, &base, &content)?;
    let mut changes = Vec::new();
    let as_written = base.intended.iter().find(|image| image.heads == at).unwrap_or(&confirmed);
    if as_written.hash != content.hash() || as_written.kind != content.kind() {
        changes.push(Edit::Content(content.clone()));
    }
    // A swap's parking place is not a name that anybody gave.
    let parked = base.name.contains(SWAP_MARK);
    let planned = txn.entry(&id)?.is_some_and(|row| row.place_parent == folder && row.place_name == name);
    if !(parked && planned) {
        changes.push(Edit::Place { parent: folder, name: name.to_owned() });
    }
    let image = Image { heads: at.clone(), hash: content.hash(), kind: content.kind() };
    let made = edits::edit(txn, id, &at, &changes, true)?;
    let heads = match made {
        Edited::Made(heads) => heads,
        Edited::Nothing | Edited::Refused(_) => at,
    };
    txn.set_base(
        id,
        Some(BaseRow {
            parent: folder,
            name: name.to_owned(),
            confirmed: Some(Image { heads, ..image }),
            intended: None,
            stat,
            seen_at: core.now,
        }),
    )?;
    core.retries.remove(&id);
    core.wake(&id);
    txn.mark(id);
    Ok(())
}

/// Something is at a path where nothing was known.
pub(super) fn appeared(
    core: &mut Core,
    txn: &mut Txn<'_>,
    folder: EntryId,
    name: &str,
    content: Content,
    stat: Stat,
) -> Result<()> {
    let now = core.now;
    let base = |heads: Heads| BaseRow {
        parent: folder,
        name: name.to_owned(),
        confirmed: Some(Image { heads, hash: content.hash(), kind: content.kind() }),
        intended: None,
        stat,
        seen_at: now,
    };
    if let Some((id, heads)) = adoptable(txn, folder, name, &content)? {
        txn.set_base(id, Some(base(heads)))?;
        txn.mark(id);
        return Ok(());
    }
    let mut birth = Birth {
        format: BIRTH_FORMAT,
        notebook: txn.meta.notebook,
        parent: folder,
        name: name.to_owned(),
        content: content.clone(),
        nonce: 0,
    };
    let id = birth.id();
    let Some(row) = txn.entry(&id)? else {
        let taken = txn.at(&folder, name)?;
        edits::give_birth(txn, &birth, true)?;
        txn.set_base(id, Some(base(Heads::new())))?;
        if let Some(other) = taken.filter(|_| core.joining_scan) {
            txn.conflict(other, ConflictKind::Joined { copy: id })?;
        }
        return Ok(());
    };
    if txn.base(&id)?.is_some() || core.in_flight.contains_key(&id) {
        // A copy of something that is elsewhere: an entry of its own.
        number_copy(txn, &mut birth)?;
        let id = edits::give_birth(txn, &birth, true)?;
        return txn.set_base(id, Some(base(Heads::new())));
    }
    if row.alive || core.joining_scan {
        // Known among peers, at another version or place, or deleted there: this is its first version.
        txn.set_base(id, Some(base(Heads::new())))?;
        txn.mark(id);
        return Ok(());
    }
    revive(txn, id, &row, folder, name, content.clone())?;
    let heads = txn.entry(&id)?.map(|r| r.heads).unwrap_or_default();
    txn.set_base(id, Some(base(heads)))?;
    txn.mark(id);
    Ok(())
}

/// Gives a copy of something that is elsewhere a nonce of its own: by number, so that a machine restored from a backup
/// makes of the same copy the same entry.
fn number_copy(txn: &Txn<'_>, birth: &mut Birth) -> Result<()> {
    let first = birth.id();
    for number in 1_u64.. {
        let bytes = [txn.meta.device.0, *first.as_bytes()].concat();
        let key = blake3::derive_key("codex 2026 copy", &[bytes, number.to_be_bytes().to_vec()].concat());
        birth.nonce = u64::from_be_bytes(key[..8].try_into().expect("8 of 32 bytes")).max(1);
        if txn.entry(&birth.id())?.is_none() {
            break;
        }
    }
    Ok(())
}

/// The live entry that the tree has at this place, if what was found is one of its versions.
fn adoptable(
    txn: &mut Txn<'_>,
    folder: EntryId,
    name: &str,
    content: &Content,
) -> Result<Option<(EntryId, Heads)>> {
    let Some(id) = txn.at(&folder, name)? else { return Ok(None) };
    let Some(row) = txn.entry(&id)? else { return Ok(None) };
    if txn.base(&id)?.is_some() || (row.kind == Kind::Folder) != (content.kind() == Kind::Folder) {
        return Ok(None);
    }
    if row.hash == content.hash() && row.kind == content.kind() {
        return Ok(Some((id, row.heads)));
    }
    Ok(version_where(txn, &id, &row, |version| version == content)?.map(|heads| (id, heads)))
}

/// The latest version of an entry whose content is what is looked for.
pub(super) fn version_where(
    txn: &mut Txn<'_>,
    id: &EntryId,
    row: &EntryRow,
    wanted: impl Fn(&Content) -> bool,
) -> Result<Option<Heads>> {
    let document = txn.document(id, row)?;
    let mut changes = document.changes();
    let mut versions: Vec<Heads> = changes.iter().map(|change| vec![*change]).collect();
    if let Some(first) = versions.first_mut() {
        first.clear();
    }
    versions.push(document.heads());
    let same = |heads: &Heads| document.view_at(heads).is_some_and(|view| wanted(&view.content));
    if let Some(heads) = versions.into_iter().rev().take(VERSIONS).find(same) {
        return Ok(Some(heads));
    }
    // What lay on disk between two merges is no single change's version, but the first few changes together, in
    // the order in which they came here.
    for _ in 0..VERSIONS.min(changes.len()) {
        let mut heads = changes.clone();
        heads.sort();
        if same(&heads) {
            return Ok(Some(heads));
        }
        changes.pop();
    }
    Ok(None)
}

/// An entry that is deleted is wanted again, here and so.
pub(super) fn revive(
    txn: &mut Txn<'_>,
    id: EntryId,
    row: &EntryRow,
    folder: EntryId,
    name: &str,
    content: Content,
) -> Result<()> {
    let mut changes = Vec::new();
    if row.parent != folder || row.name != name {
        changes.push(Edit::Place { parent: folder, name: name.to_owned() });
    }
    if row.hash != content.hash() || row.kind != content.kind() {
        changes.push(Edit::Content(content));
    }
    if changes.is_empty() {
        changes.push(Edit::Revive);
    }
    edits::edit(txn, id, &row.heads.clone(), &changes, true)?;
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
    if deleted.is_empty() || (txn.meta.held && !core.accept_deletions) {
        return Ok(());
    }
    if !core.accept_deletions && brake(txn, deleted.len())? {
        txn.meta.held = true;
        let reason = format!("{} files vanished at once; nothing was deleted elsewhere", deleted.len());
        txn.notify(Notice::Standing(reason));
        return Ok(());
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
