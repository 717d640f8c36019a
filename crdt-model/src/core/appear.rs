//! What lies where nothing was known: a version of an entry that belongs there, one that comes back, a copy, or a new one.

use super::Core;
use super::edits;
use super::tree;
use super::txn::Txn;
use crate::entry::birth::{BIRTH_FORMAT, Kind};
use crate::entry::{Birth, Content, Edit};
use crate::ids::{EntryId, Heads};
use crate::store::{BaseRow, ConflictKind, EntryRow, Image, Stat, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// Versions of one entry that found bytes are compared with, newest first.
const VERSIONS: usize = 1000;

/// Whether something that lies where nothing was known is a version of the entry that belongs there; notes it then.
pub(super) fn adopt(
    core: &Core,
    txn: &mut Txn<'_>,
    folder: EntryId,
    name: &str,
    content: &Content,
    stat: Stat,
) -> Result<bool> {
    let Some((id, heads)) = adoptable(txn, folder, name, content)? else { return Ok(false) };
    let image = Image { heads, hash: content.hash(), kind: content.kind() };
    let base = BaseRow {
        parent: folder,
        name: name.to_owned(),
        confirmed: Some(image),
        intended: None,
        stat,
        seen_at: core.now,
    };
    txn.set_base(id, Some(base))?;
    txn.mark(id);
    Ok(true)
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
    if adopt(core, txn, folder, name, &content, stat)? {
        return Ok(());
    }
    let now = core.now;
    let base = |heads: Heads| BaseRow {
        parent: folder,
        name: name.to_owned(),
        confirmed: Some(Image { heads, hash: content.hash(), kind: content.kind() }),
        intended: None,
        stat,
        seen_at: now,
    };
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
            // Whoever joins steps aside: the name stays with what the others know by it.
            let aside = Edit::Place { parent: folder, name: tree::suffixed(name, &id.short()) };
            edits::edit(txn, id, &Heads::new(), &[aside], true)?;
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
/// makes of the same copy the same entry. A folder is the same whoever makes it again.
fn number_copy(txn: &Txn<'_>, birth: &mut Birth) -> Result<()> {
    let first = birth.id();
    for number in 1_u64.. {
        let maker = if birth.content == Content::Folder { [0; 32] } else { txn.meta.device.0 };
        let bytes = [maker, *first.as_bytes()].concat();
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
