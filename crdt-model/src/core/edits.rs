//! The one merge path: births and changes, made here or received, into documents, rows and the tree.

use std::collections::BTreeSet;

use super::people;
use super::tree;
use super::txn::Txn;
use crate::effect::{Effect, Notice};
use crate::entry::birth::Kind;
use crate::entry::{Birth, Clash, Content, Document, Edit, View};
use crate::ids::{ChangeHash, ContentHash, DeviceId, EntryId, Heads, UnixMs, Volume};
use crate::journal::Item;
use crate::store::{BirthAt, ConflictKind, EntryRow, MissingBlob, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// Who made something, and when by their own clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    pub device: DeviceId,
    pub time: UnixMs,
}

/// Enters a birth into rows and tree. `held` says that a blob's bytes are here already.
pub(super) fn enter_birth(
    txn: &mut Txn<'_>,
    id: EntryId,
    birth: &Birth,
    at: BirthAt,
    by: By,
    held: bool,
) -> Result<()> {
    if let Content::Blob { hash, .. } = &birth.content {
        txn.writes.blobs_named.insert(*hash);
    }
    need_blob(txn, id, &birth.content, held)?;
    txn.births.insert(id, birth.clone());
    let row = EntryRow {
        kind: birth.content.kind(),
        parent: birth.parent,
        name: birth.name.clone(),
        moved_by: None,
        deleted: false,
        heads: Heads::new(),
        hash: birth.content.hash(),
        size: birth.content.size(),
        birth: at,
        birth_parent: birth.parent,
        alive: false,
        live_children: 0,
        place_parent: EntryId::ROOT,
        place_name: birth.name.clone(),
        author: by.device,
        created: by.time,
        modified: by.time,
        revision: 0,
    };
    tree::place(txn, id, row, None)
}

/// Makes an entry here, in the record of this step.
pub(super) fn give_birth(txn: &mut Txn<'_>, birth: &Birth, held: bool) -> Result<EntryId> {
    let bytes = birth.encode();
    let id = Birth::id_of(&bytes);
    if txn.row(&id)?.is_some() && !txn.history(&id)?.is_empty() {
        txn.fold_again.insert(id);
    }
    let at = txn.push_item(Item::Birth(bytes), id, None);
    let by = By { device: txn.meta.device, time: txn.now };
    enter_birth(txn, id, birth, at, by, held)?;
    Ok(id)
}

/// An edit of a version that does not count any more. Of a text, first what was found takes the place of what counts, so
/// that it is a version, with all that comes of it; then only what somebody changed stays of it. Anything else goes
/// beside what counts.
fn edit_what_was(
    txn: &mut Txn<'_>,
    id: EntryId,
    row: &EntryRow,
    base: &Heads,
    edits: &[Edit],
    held: bool,
) -> Result<Edited> {
    let was = people::version_that_was(txn, id, base)?;
    let view = txn.document(&id, row)?.view();
    let made = edits.iter().find_map(|edit| match edit {
        Edit::Content(content) => Some(content),
        _ => None,
    });
    match (was, &view.content, made) {
        (Some(Content::Text(was)), Content::Text(now), Some(Content::Text(made))) => {
            let draft = |edit: &Edit| match edit {
                Edit::Content(content) => Edit::Draft(content.clone()),
                other => other.clone(),
            };
            let drafts: Vec<Edit> = edits.iter().map(draft).collect();
            let found = edit(txn, id, &row.heads, &drafts, held)?;
            if let Edited::Made(heads) = &found {
                let kept = Edit::Content(Content::Text(merged(&was, now, made)));
                edit(txn, id, heads, &[kept], held)?;
            }
            Ok(found)
        }
        (_, now, Some(made)) if now != made => {
            if let Content::Blob { hash, .. } = made
                && held
            {
                hold_blob(txn, *hash);
            }
            show_clash(txn, id, &view, Clash::Blob { others: vec![made.clone()] })?;
            let rest: Vec<Edit> =
                edits.iter().filter(|edit| !matches!(edit, Edit::Content(_))).cloned().collect();
            match rest.is_empty() {
                true => Ok(Edited::Made(row.heads.clone())),
                false => edit(txn, id, &row.heads, &rest, held),
            }
        }
        _ => edit(txn, id, &row.heads, edits, held),
    }
}

/// Whoever edits what nobody may have made makes it.
fn bear_again(txn: &mut Txn<'_>, id: EntryId) -> Result<Option<EntryRow>> {
    let Some(row) = txn.row(&id)? else { return Ok(None) };
    let birth = txn.birth(&id, &row)?;
    give_birth(txn, &birth, false)?;
    txn.entry(&id)
}

/// Two texts that were made of one, made one.
fn merged(was: &str, one: &str, other: &str) -> String {
    let birth = Birth {
        format: crate::entry::birth::BIRTH_FORMAT,
        notebook: crate::ids::NotebookId([0; 32]),
        parent: EntryId::ROOT,
        name: String::new(),
        content: Content::Text(was.to_owned()),
        nonce: 0,
    };
    let mut document = Document::from_birth(birth.id(), &birth);
    for (device, text) in [(1, one), (2, other)] {
        let content = Edit::Content(Content::Text(text.to_owned()));
        if document.edit(&Heads::new(), &DeviceId([device; 32]), Volume(0), 0, &[content]).is_err() {
            return other.to_owned();
        }
    }
    match document.view().content {
        Content::Text(text) => text,
        _ => other.to_owned(),
    }
}

/// What an edit made here came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edited {
    /// It changed nothing at its base.
    Nothing,
    /// The version that was edited, with the edit and nothing else.
    Made(Heads),
    /// It cannot be done; the reason is for the user.
    Refused(String),
}

/// Edits an entry at a version of it, as this device.
pub(super) fn edit(
    txn: &mut Txn<'_>,
    id: EntryId,
    base: &Heads,
    edits: &[Edit],
    held: bool,
) -> Result<Edited> {
    if !people::may_write(txn) {
        return Ok(Edited::Refused("you may only read here".into()));
    }
    let Some(row) = txn.entry(&id)?.map_or_else(|| bear_again(txn, id), |row| Ok(Some(row)))? else {
        return Ok(Edited::Refused("there is no such entry".into()));
    };
    let (device, volume, now) = (txn.meta.device, txn.meta.volume, txn.now);
    if !txn.document(&id, &row)?.knows(base) {
        return edit_what_was(txn, id, &row, base, edits, held);
    }
    let document = txn.document(&id, &row)?;
    let made = match document.edit(base, &device, volume, now, edits) {
        Ok(Some(made)) => made,
        Ok(None) => return Ok(Edited::Nothing),
        Err(error) => return Ok(Edited::Refused(error.reason)),
    };
    let concurrent = document.heads().len() > 1 || *base != row.heads;
    txn.save_change(&id, &made.change);
    txn.push_item(Item::Change { entry: id, branch: made.branch, change: made.change }, id, Some(made.hash));
    undouble(txn, id, &made.hash, device)?;
    refresh(txn, id, By { device, time: now }, concurrent, held)?;
    Ok(Edited::Made(vec![made.hash]))
}

/// Takes out what a device inserted twice, under two volumes: with this change, just taken in or made, and with one
/// beside it. Whoever has both does it, before anything is made of the doubled text.
pub(super) fn undouble(txn: &mut Txn<'_>, id: EntryId, change: &ChangeHash, of: DeviceId) -> Result<()> {
    let (device, volume, now) = (txn.meta.device, txn.meta.volume, txn.now);
    let mut volumes: BTreeSet<Volume> =
        txn.frontier.tips().filter(|tip| tip.device == of).map(|tip| tip.volume).collect();
    if of == device {
        volumes.insert(volume);
    }
    let may = volumes.len() > 1 && people::may_write(txn);
    let Some(row) = txn.entry(&id)?.filter(|_| may) else { return Ok(()) };
    let document = txn.document(&id, &row)?;
    if document.heads().len() < 2 {
        return Ok(());
    }
    match document.undouble(change, (&of, &volumes), (&device, volume), now) {
        Ok(None) => {}
        Ok(Some(made)) => {
            txn.save_change(&id, &made.change);
            let item = Item::Change { entry: id, branch: made.branch, change: made.change };
            txn.push_item(item, id, Some(made.hash));
        }
        Err(error) => txn.notify(Notice::Standing(error.to_string())),
    }
    Ok(())
}

/// Recomputes an entry's row from its document, which has just changed.
pub(super) fn refresh(txn: &mut Txn<'_>, id: EntryId, by: By, concurrent: bool, held: bool) -> Result<()> {
    let Some(old) = txn.entry(&id)? else { return Ok(()) };
    let document = txn.document(&id, &old)?;
    let (view, heads) = (document.view(), document.heads());
    let named = document.blobs();
    let clashes = if concurrent { document.clashes() } else { Vec::new() };
    txn.writes.blobs_named.extend(named);
    let blob = |kind: Kind, deleted: bool, hash| (kind == Kind::Blob && !deleted).then_some(hash);
    let before = blob(old.kind, old.deleted, old.hash);
    if before != blob(view.kind, view.deleted, view.content.hash()) {
        if let Some(hash) = before {
            need_no_more(txn, id, hash)?;
        }
        if !view.deleted {
            need_blob(txn, id, &view.content, held)?;
        }
    }
    let row = EntryRow {
        kind: view.kind,
        parent: view.parent,
        name: view.name.clone(),
        moved_by: view.moved_by,
        deleted: view.deleted,
        heads,
        hash: view.content.hash(),
        size: view.content.size(),
        author: by.device,
        modified: by.time,
        ..old.clone()
    };
    tree::place(txn, id, row, Some(&old))?;
    for clash in clashes {
        show_clash(txn, id, &view, clash)?;
    }
    Ok(())
}

/// Notes that a blob is needed and, unless its bytes are here or the policy leaves it, fetches it.
fn need_blob(txn: &mut Txn<'_>, id: EntryId, content: &Content, held: bool) -> Result<()> {
    let Content::Blob { hash, size } = content else { return Ok(()) };
    if held {
        hold_blob(txn, *hash);
    } else if !txn.blobs_held.contains(hash) {
        txn.writes.blob_needs.insert((*hash, id), true);
        let asked = txn.blob_missing(hash)?.is_some_and(|missing| missing.wanted);
        miss_blob(txn, *hash, *size, asked || txn.fetch_policy.wants(*size));
    }
    Ok(())
}

/// Notes that an entry is there no more.
pub(super) fn need_nothing(txn: &mut Txn<'_>, id: EntryId, row: &EntryRow) -> Result<()> {
    if row.kind == Kind::Blob && !row.deleted { need_no_more(txn, id, row.hash) } else { Ok(()) }
}

/// Notes that an entry has other content now, or is deleted. What nobody needs is not missing.
fn need_no_more(txn: &mut Txn<'_>, id: EntryId, hash: ContentHash) -> Result<()> {
    if txn.blob_missing(&hash)?.is_none() {
        return Ok(());
    }
    txn.writes.blob_needs.insert((hash, id), false);
    if !txn.is_blob_needed(&hash)? {
        txn.writes.blobs_missing.insert(hash, None);
        txn.effects.push(Effect::Leave(hash));
    }
    Ok(())
}

/// Notes that a blob is held here.
pub(super) fn hold_blob(txn: &mut Txn<'_>, hash: ContentHash) {
    txn.blobs_held.insert(hash);
    txn.writes.blobs_missing.insert(hash, None);
}

/// Notes that a blob is not held here, as far as is known, and gets it if it is wanted.
pub(super) fn miss_blob(txn: &mut Txn<'_>, hash: ContentHash, size: u64, wanted: bool) {
    txn.writes.blobs_missing.insert(hash, Some(MissingBlob { size, wanted }));
    txn.effects.push(match wanted {
        true => Effect::Fetch { hash, size, from: Vec::new() },
        false => Effect::Look(hash),
    });
}

fn show_clash(txn: &mut Txn<'_>, id: EntryId, view: &View, clash: Clash) -> Result<()> {
    match clash {
        Clash::Property { key, sources } => {
            let mut sources = sources.into_iter();
            let shown = sources.next().unwrap_or_default();
            txn.conflict(id, ConflictKind::Property { key, shown, others: sources.collect() })
        }
        Clash::Frontmatter => txn.conflict(id, ConflictKind::Frontmatter),
        Clash::Blob { others } => {
            for content in others {
                if let Some(copy) = beside(txn, id, view, content)? {
                    let kind = match view.kind {
                        Kind::Text => ConflictKind::TextBecameBlob { copy },
                        _ => ConflictKind::Attachment { copy },
                    };
                    txn.conflict(id, kind)?;
                }
            }
            Ok(())
        }
    }
}

/// Puts the other version of an attachment beside it. Every device makes the same entry, wherever it sees the first
/// one: born where that was born, then moved. `None` if that was done before.
fn beside(txn: &mut Txn<'_>, id: EntryId, view: &View, content: Content) -> Result<Option<EntryId>> {
    let Some(row) = txn.entry(&id)?.filter(|_| people::may_write(txn)) else { return Ok(None) };
    let mark = format!("conflict from {}", content.hash().short());
    let birth = Birth {
        format: crate::entry::birth::BIRTH_FORMAT,
        notebook: txn.meta.notebook,
        parent: row.birth_parent,
        name: tree::suffixed(&txn.birth(&id, &row)?.name, &mark),
        content,
        nonce: 0,
    };
    if txn.entry(&birth.id())?.is_some() {
        return Ok(None);
    }
    let copy = give_birth(txn, &birth, false)?;
    let place = Edit::Place { parent: view.parent, name: tree::suffixed(&view.name, &mark) };
    edit(txn, copy, &Heads::new(), &[place], false)?;
    Ok(Some(copy))
}
