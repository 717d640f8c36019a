//! What somebody on this machine asks for: the same merge path as edits found on disk.

use super::appear;
use super::edits::{self, By, Edited};
use super::txn::Txn;
use super::{Core, carried, peers};
use crate::effect::{Effect, Refusal, Reply};
use crate::entry::birth::{BIRTH_FORMAT, Kind};
use crate::entry::{Birth, Content, Deed, Edit};
use crate::event::{PropertyEdit, Request, Version};
use crate::ids::{ChangeHash, EntryId, Heads};
use crate::journal::Role;
use crate::limits;
use crate::path::EntryPath;
use crate::store::{EntryRow, FetchPolicy, MissingBlob, Mode, StoreError};

mod comments;
mod people;
mod seals;

type Answer = std::result::Result<std::result::Result<Reply, Refusal>, StoreError>;

/// Answers one request.
pub(super) fn asked(core: &mut Core, txn: &mut Txn<'_>, request: Request) -> Answer {
    // A paused notebook takes nothing in: what would be kept here is neither on disk nor at a colleague's.
    if txn.meta.paused && changes_records(&request) {
        return Ok(Err(Refusal::Standing("paused".into())));
    }
    if changes_entries(&request)
        && let Some(refusal) = people::refused(txn, "change something", Role::Editor)
    {
        return Ok(Err(refusal));
    }
    match request {
        Request::Create { path, content } => create(core, txn, &path, content),
        Request::Write { entry, base, content } => write(txn, entry, &base, content),
        Request::SetProperties { entry, edits } => set_properties(txn, entry, edits),
        Request::Move { entry, to } => move_to(core, txn, entry, &to),
        Request::Delete { entry } => delete(core, txn, entry),
        Request::Restore { entry, at } => restore(txn, entry, at.as_ref()),
        Request::Settle { conflict } => settle(txn, conflict),
        Request::Seal { entry, version, parts, meaning, locks } => {
            seals::seal(core, txn, entry, &version, parts, seals::Said { meaning, locks })
        }
        Request::Witness { entry, seal, meaning } => seals::witness(core, txn, entry, seal, meaning),
        Request::Unlock { entry, seal, meaning } => seals::unlock(txn, entry, seal, meaning),
        Request::Say { entry, saying } => comments::say(txn, entry, saying),
        Request::Timestamp(stamp) => seals::timestamp(txn, stamp),
        Request::People(request) => people::asked(txn, request),
        Request::SetFetchPolicy(policy) => set_fetch_policy(txn, policy),
        Request::Fetch { entry } => fetch(txn, entry),
        Request::Pause => {
            txn.meta.paused = true;
            Ok(Ok(Reply::Done))
        }
        Request::Resume { accept_deletions } => resume(core, txn, accept_deletions),
        Request::StartAlone => {
            core.go_live(txn);
            Ok(Ok(Reply::Done))
        }
        Request::StateReceipt => Ok(Ok(Reply::Receipt(peers::own_receipt(core, txn)?))),
        Request::TakeCarried(part) => carried::take(core, txn, part).map(Ok),
    }
}

/// Whether carrying it out would make a record.
fn changes_records(request: &Request) -> bool {
    changes_entries(request)
        || matches!(
            request,
            Request::People(_)
                | Request::TakeCarried(_)
                | Request::Seal { .. }
                | Request::Witness { .. }
                | Request::Unlock { .. }
                | Request::Say { .. }
                | Request::Timestamp(_)
        )
}

/// Whether carrying it out would change an entry.
fn changes_entries(request: &Request) -> bool {
    matches!(
        request,
        Request::Create { .. }
            | Request::Write { .. }
            | Request::SetProperties { .. }
            | Request::Move { .. }
            | Request::Delete { .. }
            | Request::Restore { .. }
    )
}

fn reply(txn: &Txn<'_>, entry: EntryId) -> Answer {
    let version = Version(txn.entry(&entry)?.map(|row| row.heads).unwrap_or_default());
    Ok(Ok(Reply::Entry { entry, version, path: txn.path(&entry)? }))
}

fn live(txn: &Txn<'_>, id: EntryId) -> std::result::Result<Option<EntryRow>, StoreError> {
    Ok(txn.entry(&id)?.filter(|row| row.alive))
}

/// The folder of a path in the derived tree; missing ones are made.
fn folder_for(
    core: &mut Core,
    txn: &mut Txn<'_>,
    path: &EntryPath,
) -> std::result::Result<std::result::Result<EntryId, Refusal>, StoreError> {
    let mut at = EntryId::ROOT;
    let parent = path.parent().unwrap_or_default();
    for name in parent.names() {
        at = match txn.at(&at, name)? {
            Some(id) if txn.entry(&id)?.is_some_and(|row| row.kind == Kind::Folder) => id,
            Some(_) => {
                return Ok(Err(Refusal::Path {
                    path: path.to_string(),
                    reason: format!("`{name}` is a file, not a folder"),
                }));
            }
            None => born(core, txn, at, name, Content::Folder)?,
        };
    }
    Ok(Ok(at))
}

/// Makes an entry, or revives the one that it once was.
fn born(
    core: &mut Core,
    txn: &mut Txn<'_>,
    parent: EntryId,
    name: &str,
    content: Content,
) -> std::result::Result<EntryId, StoreError> {
    let notebook = txn.meta.notebook;
    let mut birth = Birth {
        format: BIRTH_FORMAT,
        notebook,
        parent,
        name: name.to_owned(),
        content: content.clone(),
        nonce: 0,
    };
    let empty_note = matches!(&content, Content::Text(text) if text.is_empty());
    let id = birth.id();
    match txn.entry(&id)? {
        None if !empty_note => {}
        Some(row) if !row.alive && !empty_note => {
            appear::revive(txn, id, &row, parent, name, content)?;
            return Ok(id);
        }
        _ => birth.nonce = core.random(&id),
    }
    edits::give_birth(txn, &birth, true)
}

fn usable(path: &EntryPath) -> std::result::Result<(), Refusal> {
    let refuse = |reason: &str| Err(Refusal::Path { path: path.to_string(), reason: reason.into() });
    match path.names().next() {
        None => refuse("it is the notebook itself"),
        Some(_) => match path.unwritable() {
            Some(reason) => refuse(reason),
            None => Ok(()),
        },
    }
}

fn create(core: &mut Core, txn: &mut Txn<'_>, path: &EntryPath, content: Content) -> Answer {
    if let Err(refusal) = usable(path) {
        return Ok(Err(refusal));
    }
    let folder = match folder_for(core, txn, path)? {
        Ok(folder) => folder,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let name = match free_name(txn, &folder, path.name())? {
        Some(name) => name,
        None => {
            let reason = "every numbered name is taken or too long".into();
            return Ok(Err(Refusal::Path { path: path.to_string(), reason }));
        }
    };
    let id = born(core, txn, folder, &name, content)?;
    reply(txn, id)
}

/// `name`, or `name-1`, `name-2` … before the last extension.
fn free_name(txn: &Txn<'_>, folder: &EntryId, name: &str) -> std::result::Result<Option<String>, StoreError> {
    if txn.at(folder, name)?.is_none() {
        return Ok(Some(name.to_owned()));
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    for n in 1..10_000 {
        let name = format!("{stem}-{n}{extension}");
        if name.len() > limits::NAME_BYTES {
            return Ok(None);
        }
        if txn.at(folder, &name)?.is_none() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn edited(txn: &mut Txn<'_>, id: EntryId, base: &Heads, changes: &[Edit]) -> Answer {
    match edits::edit(txn, id, base, changes, true)? {
        Edited::Made(_) | Edited::Nothing => reply(txn, id),
        Edited::Refused(reason) => Ok(Err(Refusal::Properties { path: txn.path(&id)?.to_string(), reason })),
    }
}

fn write(txn: &mut Txn<'_>, id: EntryId, base: &Version, content: Content) -> Answer {
    let Some(row) = txn.entry(&id)? else { return Ok(Err(Refusal::NoEntry(id))) };
    let newest = base.0 == row.heads;
    if !row.alive && newest {
        return Ok(Err(Refusal::NoEntry(id)));
    }
    if row.kind == Kind::Folder || content.kind() == Kind::Folder {
        let what = txn.path(&id)?.to_string();
        return Ok(Err(Refusal::Kind { what, reason: "a folder has no content".into() }));
    }
    if !txn.document(&id, &row)?.knows(&base.0)
        && super::people::version_that_was(txn, id, &base.0)?.is_none()
    {
        return Ok(Err(Refusal::NoVersion(id, base.clone())));
    }
    if (row.kind != Kind::Text || content.kind() != Kind::Text) && !newest {
        return Ok(Err(Refusal::Outdated(base.clone())));
    }
    let (device, volume) = (txn.meta.device, txn.meta.volume);
    let again = !newest && txn.document(&id, &row)?.has_made(&base.0, &device, volume, &content);
    // Whoever saves an older version has not seen a deletion: the edit lives (law 4).
    let answer = if again { reply(txn, id)? } else { edited(txn, id, &base.0, &[Edit::Content(content)])? };
    if live(txn, id)?.is_some() { Ok(answer) } else { Ok(Err(Refusal::NoEntry(id))) }
}

fn set_properties(txn: &mut Txn<'_>, id: EntryId, changes: Vec<PropertyEdit>) -> Answer {
    let Some(row) = live(txn, id)? else { return Ok(Err(Refusal::NoEntry(id))) };
    if row.kind != Kind::Text {
        let what = txn.path(&id)?.to_string();
        return Ok(Err(Refusal::Kind { what, reason: "only a text can hold properties itself".into() }));
    }
    let changes = changes.into_iter().map(|edit| (edit.key, edit.source)).collect();
    edited(txn, id, &row.heads, &[Edit::Properties(changes)])
}

fn move_to(core: &mut Core, txn: &mut Txn<'_>, id: EntryId, to: &EntryPath) -> Answer {
    let Some(row) = live(txn, id)? else { return Ok(Err(Refusal::NoEntry(id))) };
    if let Err(refusal) = usable(to) {
        return Ok(Err(refusal));
    }
    let here = txn.path(&id)?;
    if here == *to {
        return reply(txn, id);
    }
    let refuse = |reason: String| Ok(Err(Refusal::Path { path: to.to_string(), reason }));
    if to.is_within(&here) {
        return refuse(format!("`{here}` cannot be moved into itself"));
    }
    let folder = match folder_for(core, txn, to)? {
        Ok(folder) => folder,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if txn.at(&folder, to.name())?.is_some() {
        return refuse("something has that name already".into());
    }
    edited(txn, id, &row.heads, &[Edit::Place { parent: folder, name: to.name().to_owned() }])
}

fn delete(core: &mut Core, txn: &mut Txn<'_>, id: EntryId) -> Answer {
    if live(txn, id)?.is_none() {
        return Ok(Err(Refusal::NoEntry(id)));
    }
    for id in live_within(txn, id)?.into_iter().rev() {
        if let Some(row) = txn.entry(&id)?.filter(|row| !row.deleted) {
            edits::edit(txn, id, &row.heads, &[Edit::Delete], true)?;
            core.asked_removals.insert(id);
        }
    }
    Ok(Ok(Reply::Done))
}

/// An entry and everything alive in it, folders before what is in them.
fn live_within(txn: &Txn<'_>, id: EntryId) -> std::result::Result<Vec<EntryId>, StoreError> {
    let mut all = vec![id];
    let mut next = 0;
    while next < all.len() {
        for child in txn.children(&all[next])? {
            if live(txn, child)?.is_some() {
                all.push(child);
            }
        }
        next += 1;
    }
    Ok(all)
}

fn restore(txn: &mut Txn<'_>, id: EntryId, at: Option<&Version>) -> Answer {
    let Some(row) = txn.entry(&id)? else { return Ok(Err(Refusal::NoEntry(id))) };
    let Some(at) = at else { return restore_deleted(txn, id, &row) };
    let Some(view) = txn.document(&id, &row)?.view_at(&at.0) else {
        return Ok(Err(Refusal::NoVersion(id, at.clone())));
    };
    let mut changes = Vec::new();
    if view.kind != Kind::Folder && (view.content.hash() != row.hash || view.kind != row.kind) {
        changes.push(Edit::Content(view.content));
    }
    if changes.is_empty() {
        let back = if row.deleted { restore_deleted(txn, id, &row)? } else { reply(txn, id)? };
        return if matches!(back, Err(Refusal::NotDeleted { .. })) { reply(txn, id) } else { Ok(back) };
    }
    match edits::edit(txn, id, &row.heads, &changes, false)? {
        Edited::Refused(reason) => Ok(Err(Refusal::Kind { what: txn.path(&id)?.to_string(), reason })),
        Edited::Made(_) | Edited::Nothing => reply(txn, id),
    }
}

/// Brings back what is deleted as it was; with a folder, which may live again, what was deleted together with it.
fn restore_deleted(txn: &mut Txn<'_>, id: EntryId, row: &EntryRow) -> Answer {
    let was = deletion(txn, id, row)?.filter(|_| row.kind == Kind::Folder);
    let revived = was.map_or(Ok(0), |was| revive_within(txn, id, was))?;
    if row.alive && revived == 0 {
        let path = txn.path(&id)?.to_string();
        return Ok(Err(Refusal::NotDeleted { path, folder: row.kind == Kind::Folder }));
    }
    match edits::edit(txn, id, &row.heads, &[Edit::Revive], false)? {
        Edited::Refused(reason) => Ok(Err(Refusal::Kind { what: txn.path(&id)?.to_string(), reason })),
        Edited::Made(_) | Edited::Nothing => reply(txn, id),
    }
}

/// Who deleted an entry the last time, and when by their own clock.
fn deletion(txn: &mut Txn<'_>, id: EntryId, row: &EntryRow) -> std::result::Result<Option<By>, StoreError> {
    if row.deleted {
        return Ok(Some(By { device: row.author, time: row.modified }));
    }
    let history = txn.source.history(&id)?;
    let document = txn.document(&id, row)?;
    let deletes = |change: &ChangeHash| document.deeds(change).contains(&Deed::Deleted);
    let last = history.iter().rev().find(|line| line.change.as_ref().is_some_and(deletes));
    Ok(last.map(|line| By { device: line.device, time: line.time }))
}

/// What was deleted together with a folder comes back; what somebody had deleted in it before stays deleted. How much
/// came back.
fn revive_within(txn: &mut Txn<'_>, folder: EntryId, was: By) -> std::result::Result<u64, StoreError> {
    let together = |row: &EntryRow| {
        row.author == was.device && (row.modified - was.time).abs() <= limits::DELETED_TOGETHER_MS
    };
    let mut revived = 0;
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for child in txn.children(&folder)? {
            let Some(row) = txn.entry(&child)? else { continue };
            if row.deleted && !together(&row) {
                continue;
            }
            if row.deleted {
                edits::edit(txn, child, &row.heads, &[Edit::Revive], false)?;
                revived += 1;
            }
            if row.kind == Kind::Folder {
                folders.push(child);
            }
        }
    }
    Ok(revived)
}

fn set_fetch_policy(txn: &mut Txn<'_>, policy: FetchPolicy) -> Answer {
    txn.fetch_policy = policy;
    txn.writes.fetch_policy = Some(policy);
    for (hash, missing) in txn.blobs_missing()? {
        match (missing.wanted, policy.wants(missing.size)) {
            (false, true) => edits::miss_blob(txn, hash, missing.size, true),
            (true, false) => {
                txn.writes.blobs_missing.insert(hash, Some(MissingBlob { wanted: false, ..missing }));
                txn.effects.push(Effect::Leave(hash));
            }
            _ => {}
        }
    }
    Ok(Ok(Reply::Done))
}

/// Wants what is missing of an entry, or of everything in a folder.
fn fetch(txn: &mut Txn<'_>, id: EntryId) -> Answer {
    if live(txn, id)?.is_none() {
        return Ok(Err(Refusal::NoEntry(id)));
    }
    for id in live_within(txn, id)? {
        let Some(row) = txn.entry(&id)?.filter(|row| row.kind == Kind::Blob) else { continue };
        if let Some(missing) = txn.blob_missing(&row.hash)? {
            edits::miss_blob(txn, row.hash, missing.size, true);
        }
    }
    Ok(Ok(Reply::Done))
}

fn settle(txn: &mut Txn<'_>, conflict: u64) -> Answer {
    if !txn.source.conflicts(None)?.iter().any(|(number, _)| *number == conflict) {
        return Ok(Err(Refusal::NoConflict(conflict)));
    }
    txn.writes.settled.push(conflict);
    Ok(Ok(Reply::Done))
}

fn resume(core: &mut Core, txn: &mut Txn<'_>, accept_deletions: bool) -> Answer {
    txn.meta.paused = false;
    core.looked = false;
    if txn.meta.mode == Mode::Joining {
        core.go_live(txn);
    }
    if txn.meta.held {
        txn.meta.held = false;
        txn.meta.deletions.clear();
        core.held_vanished.clear();
        core.folders_gone.clear();
        let held = std::mem::take(&mut core.held_removals);
        let let_pass = std::mem::take(&mut core.let_pass);
        if accept_deletions {
            core.accept_deletions = true;
            core.asked_removals.extend(&held);
            core.todo.extend(held);
        } else {
            core.restore_deletions = true;
            // Those that had gone before the rest was held are brought back too.
            for id in held.into_iter().chain(let_pass.into_iter().map(|(_, id)| id)) {
                if let Some(row) = txn.entry(&id)?.filter(|row| !row.alive) {
                    edits::edit(txn, id, &row.heads, &[Edit::Revive], false)?;
                }
            }
        }
    }
    txn.effects.push(core.await_scan());
    Ok(Ok(Reply::Done))
}
