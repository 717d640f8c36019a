//! The derived tree: where an entry shows, from the documents' own `parent` and `name`. A pure function of the
//! set of documents, kept up to date entry by entry.

use std::collections::BTreeSet;

use super::txn::Txn;
use crate::effect::Notice;
use crate::entry::birth::Kind;
use crate::ids::EntryId;
use crate::limits;
use crate::store::{ConflictKind, EntryRow, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// Puts an entry's new row into the tree: its folder, its name among namesakes, and who lives because of it.
/// `row` carries the document's new values; its derived fields are computed here.
pub(super) fn place(txn: &mut Txn<'_>, id: EntryId, mut row: EntryRow, old: Option<&EntryRow>) -> Result<()> {
    let from = match old {
        Some(old) if old.alive => Some((txn.path(&id)?, old.clone())),
        _ => None,
    };
    row.live_children = old.map_or(0, |o| o.live_children);
    row.place_parent = old.map_or(EntryId::ROOT, |o| o.place_parent);
    row.place_name = old.map_or_else(|| row.name.clone(), |o| o.place_name.clone());
    row.alive = old.is_some_and(|o| o.alive);
    let moved = old.is_none_or(|o| (o.parent, &o.moved_by) != (row.parent, &row.moved_by));
    let folder = row.kind == Kind::Folder;
    let renamed = old.is_some_and(|o| (o.parent, &o.name) != (row.parent, &row.name));
    txn.set_entry(id, row)?;
    if moved {
        let mut check: BTreeSet<EntryId> = BTreeSet::from([id]);
        if folder {
            check.extend(txn.meta.fallbacks.iter().copied());
        }
        if folder && old.is_some() {
            check.extend(chain(txn, &id)?);
        }
        for other in check {
            settle_parent(txn, other)?;
        }
    }
    settle_life(txn, id)?;
    if let Some(old) = old {
        if renamed {
            txn.name_is_its_own(id)?;
        }
        settle_names(txn, &old.place_parent, &old.name)?;
    }
    let now = txn.entry(&id)?.expect("it was set just now");
    settle_names(txn, &now.place_parent, &now.name)?;
    txn.mark(id);
    tell(txn, id, from)
}

fn tell(txn: &mut Txn<'_>, id: EntryId, from: Option<(crate::path::EntryPath, EntryRow)>) -> Result<()> {
    let now = txn.entry(&id)?.expect("the entry was placed");
    match from {
        None if now.alive => txn.notify(Notice::Created(id)),
        Some(_) if !now.alive => txn.notify(Notice::Deleted(id)),
        Some((path, old)) => {
            if txn.path(&id)? != path {
                txn.notify(Notice::Moved { entry: id, from: path });
            }
            if old.hash != now.hash || old.heads != now.heads {
                txn.notify(Notice::Modified(id));
            }
        }
        None => {}
    }
    Ok(())
}

/// The folders above an entry by the documents' own word, until the root, an unknown one, or a repetition.
fn chain(txn: &Txn<'_>, id: &EntryId) -> Result<Vec<EntryId>> {
    let mut seen = Vec::new();
    let mut at = *id;
    while at != EntryId::ROOT && seen.len() < limits::DEPTH && !seen.contains(&at) {
        seen.push(at);
        match txn.entry(&at)? {
            Some(row) => at = row.parent,
            None => break,
        }
    }
    Ok(seen)
}

fn reaches_root(txn: &Txn<'_>, id: &EntryId) -> Result<bool> {
    let above = chain(txn, id)?;
    Ok(match above.last() {
        None => true,
        Some(last) => {
            above.len() < limits::DEPTH && txn.entry(last)?.is_some_and(|row| row.parent == EntryId::ROOT)
        }
    })
}

/// Settles anew where entries show that are elsewhere than they say, and what is in these folders.
pub(super) fn settle_again(txn: &mut Txn<'_>, folders: &BTreeSet<EntryId>) -> Result<()> {
    let mut check: BTreeSet<EntryId> = txn.meta.fallbacks.iter().copied().collect();
    for folder in folders {
        check.extend(txn.children(folder)?);
    }
    for id in check {
        settle_parent(txn, id)?;
    }
    Ok(())
}

/// The folder that shows an entry. In a cycle, the member with the greatest move falls back to where it was
/// born, if that hangs from the root, else to the root.
fn settle_parent(txn: &mut Txn<'_>, id: EntryId) -> Result<()> {
    let Some(row) = txn.entry(&id)? else { return Ok(()) };
    let is_folder = |txn: &Txn<'_>, at: &EntryId| -> Result<bool> {
        Ok(*at == EntryId::ROOT || txn.entry(at)?.is_some_and(|row| row.kind == Kind::Folder))
    };
    let above = chain(txn, &row.parent)?;
    let parent = if row.parent != EntryId::ROOT && above.contains(&id) {
        let mut loser = (row.moved_by, id);
        for member in above.iter().take_while(|member| **member != id) {
            let other = txn.entry(member)?.map(|r| r.moved_by).unwrap_or_default();
            loser = loser.max((other, *member));
        }
        match loser.1 == id {
            true if reaches_root(txn, &row.birth_parent)? => row.birth_parent,
            true => EntryId::ROOT,
            false => row.parent,
        }
    } else if is_folder(txn, &row.parent)? && above.len() < limits::DEPTH {
        row.parent
    } else {
        EntryId::ROOT
    };
    let listed = txn.meta.fallbacks.contains(&id);
    if (parent != row.parent) != listed {
        match listed {
            true => txn.meta.fallbacks.retain(|other| *other != id),
            false => txn.meta.fallbacks.push(id),
        }
    }
    if parent != row.place_parent {
        let old_parent = row.place_parent;
        let (alive, name) = (row.alive, row.name.clone());
        let mut row = row;
        row.place_parent = parent;
        txn.set_entry(id, row)?;
        txn.mark(id);
        if alive {
            count_child(txn, old_parent, -1)?;
            count_child(txn, parent, 1)?;
        }
        settle_names(txn, &old_parent, &name)?;
        settle_names(txn, &parent, &name)?;
    }
    Ok(())
}

/// Alive: not deleted, or a folder with something alive in it.
fn settle_life(txn: &mut Txn<'_>, id: EntryId) -> Result<()> {
    let Some(mut row) = txn.entry(&id)? else { return Ok(()) };
    let alive = !row.deleted || row.live_children > 0;
    if alive == row.alive {
        return Ok(());
    }
    if !alive {
        txn.name_is_its_own(id)?;
    }
    let (parent, name) = (row.place_parent, row.name.clone());
    row.alive = alive;
    txn.set_entry(id, row)?;
    txn.mark(id);
    count_child(txn, parent, if alive { 1 } else { -1 })?;
    settle_names(txn, &parent, &name)
}

fn count_child(txn: &mut Txn<'_>, parent: EntryId, change: i32) -> Result<()> {
    if parent == EntryId::ROOT {
        return Ok(());
    }
    let Some(mut row) = txn.entry(&parent)? else { return Ok(()) };
    row.live_children = row.live_children.saturating_add_signed(change);
    txn.set_entry(parent, row)?;
    settle_life(txn, parent)
}

/// Among live entries of one folder and one name, the smallest id keeps the name; the others show a suffix made
/// from their id.
fn settle_names(txn: &mut Txn<'_>, parent: &EntryId, name: &str) -> Result<()> {
    settle_names_to(txn, parent, name, SUFFIXES)
}

/// Names made of names made of names are settled this deep: somebody may have given names that go in a circle.
const SUFFIXES: usize = 8;

fn settle_names_to(txn: &mut Txn<'_>, parent: &EntryId, name: &str, depth: usize) -> Result<()> {
    let mut keeper = None;
    for id in txn.namesakes(parent, name)? {
        let Some(mut row) = txn.entry(&id)? else { continue };
        if !row.alive {
            continue;
        }
        let shown = match keeper {
            None => name.to_owned(),
            Some(_) => {
                let short = suffixed(name, &id.short());
                let taken = txn.namesakes(parent, &short)?.iter().any(|other| *other != id);
                if taken { suffixed(name, &id.to_string()[..32]) } else { short }
            }
        };
        let other = keeper;
        keeper.get_or_insert(id);
        if row.place_name != shown {
            // Told when it begins, and not again at every change that follows.
            match other {
                Some(other) => txn.conflict(id, ConflictKind::Name { other })?,
                None => txn.name_is_its_own(id)?,
            }
            row.place_name = shown;
            txn.set_entry(id, row)?;
            txn.mark(id);
        }
    }
    if let Some(depth) = depth.checked_sub(1) {
        for suffixed in shown_there(txn, parent, name)? {
            settle_names_to(txn, parent, &suffixed, depth)?;
        }
    }
    Ok(())
}

/// Names whose suffixed form may be `name`: who has that name by itself goes before who only shows it.
fn shown_there(txn: &Txn<'_>, parent: &EntryId, name: &str) -> Result<BTreeSet<String>> {
    let mut names: BTreeSet<String> = unsuffixed(name).into_iter().collect();
    if name.len() + 4 > limits::NAME_BYTES {
        // It may have been cut.
        for id in txn.children(parent)? {
            let row = txn.entry(&id)?;
            names.extend(row.filter(|row| row.place_name == name && row.name != name).map(|row| row.name));
        }
    }
    Ok(names)
}

/// What [`suffixed`] made this of, if it made it of an id.
fn unsuffixed(name: &str) -> Option<String> {
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    let (stem, mark) = stem.strip_suffix(')')?.rsplit_once(" (")?;
    let is_id = [8, 32].contains(&mark.len()) && mark.bytes().all(|b| b.is_ascii_hexdigit());
    (is_id && !stem.is_empty()).then(|| format!("{stem}{extension}"))
}

/// `name` with ` (mark)` before its last extension, cut so that it fits a file name.
pub(super) fn suffixed(name: &str, mark: &str) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    let room = limits::NAME_BYTES.saturating_sub(extension.len() + mark.len() + 3);
    let mut end = stem.len().min(room);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    if room == 0 { format!("({mark})") } else { format!("{} ({mark}){extension}", &stem[..end]) }
}
