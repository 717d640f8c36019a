//! Recognising moves: which missing entry's file something found is, and which of its versions the bytes are an edit of.

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use super::edits::{self, Edited};
use super::observe::SWAP_MARK;
use super::txn::Txn;
use crate::entry::birth::Kind;
use crate::entry::{Content, Edit};
use crate::ids::{EntryId, Heads};
use crate::path::EntryPath;
use crate::store::{BaseRow, Image, Stat, StoreError};

/// Texts are compared line by line only with so few missing entries: each comparison loads a document.
const ALIKE_AMONG: usize = 16;

type Result<T> = std::result::Result<T, StoreError>;

/// Fingerprints of what is missing: inode and birth time, for recognising a move.
pub(super) fn gone_by_print(
    txn: &Txn<'_>,
    missing: &BTreeSet<EntryId>,
) -> Result<BTreeMap<(u64, i64), EntryId>> {
    let mut gone = BTreeMap::new();
    for id in missing {
        // An inode number alone proves nothing: it is reused at once.
        if let Some(base) = txn.base(id)?.filter(|base| base.stat.born_ns != 0) {
            gone.insert((base.stat.inode, base.stat.born_ns), *id);
        }
    }
    Ok(gone)
}

/// Which new texts have at least half of the text of which missing entries, or all of it, each the other's best match: for
/// files that were saved anew and then renamed before anybody looked, and for writes that a crash cut off after the
/// new file was in place.
pub(super) fn alike(
    txn: &mut Txn<'_>,
    missing: &BTreeSet<EntryId>,
    new: &[(&EntryPath, &str)],
) -> Result<BTreeMap<EntryPath, EntryId>> {
    let mut pairs = Vec::new();
    if missing.len() > ALIKE_AMONG {
        return Ok(BTreeMap::new());
    }
    for id in missing {
        let Some(BaseRow { confirmed, intended, .. }) = txn.base(id)? else { continue };
        for (path, text) in new {
            let content = Content::Text((*text).to_owned());
            for image in confirmed.iter().chain(&intended) {
                let shared = shared(txn, *id, &image.heads, &content)?;
                // Of what was perhaps never there nothing may be missing: its own words would look deleted.
                if shared.is_most() && (confirmed.is_some() || shared.whole) {
                    pairs.push((image.hash == content.hash(), shared.lines, (*path).clone(), *id));
                }
            }
        }
    }
    pairs.sort_unstable();
    let mut found = BTreeMap::new();
    while let Some((_, _, path, id)) = pairs.pop() {
        pairs.retain(|(_, _, other_path, other)| *other_path != path && *other != id);
        found.insert(path, id);
    }
    Ok(found)
}

/// The missing entry whose very file was found, by inode and birth time.
pub(super) fn very_file(
    txn: &Txn<'_>,
    gone: &BTreeMap<(u64, i64), EntryId>,
    missing: &BTreeSet<EntryId>,
    (content, stat): (&Content, Stat),
) -> Result<Option<EntryId>> {
    let is_folder = |kind: Kind| kind == Kind::Folder;
    let Some(id) = gone.get(&(stat.inode, stat.born_ns)).filter(|id| missing.contains(id)) else {
        return Ok(None);
    };
    let image = txn.base(id)?.and_then(|base| base.confirmed);
    Ok(image.is_some_and(|image| is_folder(image.kind) == is_folder(content.kind())).then_some(*id))
}

/// Whether a text that was renamed to where an entry's file lay is another one: an edit of it, saved by way of a temporary
/// file, has most of it.
pub(super) fn is_another(txn: &mut Txn<'_>, id: EntryId, content: &Content) -> Result<bool> {
    let confirmed = txn.base(&id)?.and_then(|base| base.confirmed);
    let (Content::Text(_), Some(Image { heads, .. })) = (content, confirmed) else { return Ok(false) };
    Ok(content.size() > 0 && !shared(txn, id, &heads, content)?.is_most())
}

/// The missing entry that something found is: the same bytes, or what is [`alike`].
pub(super) fn same_or_alike(
    txn: &Txn<'_>,
    alike: &BTreeMap<EntryPath, EntryId>,
    missing: &BTreeSet<EntryId>,
    (path, content): (&EntryPath, &Content),
) -> Result<Option<EntryId>> {
    if content.kind() == Kind::Folder || content.size() == 0 {
        return Ok(None);
    }
    let (hash, kind) = (content.hash(), content.kind());
    let mut same = Vec::new();
    for id in missing {
        let Some(BaseRow { confirmed, intended, .. }) = txn.base(id)? else { continue };
        if confirmed.iter().chain(&intended).any(|image| image.hash == hash && image.kind == kind) {
            same.push(*id);
        }
    }
    Ok(match same.len() {
        0 => alike.get(path).filter(|id| missing.contains(id)).copied(),
        1 => same.pop(),
        _ => None,
    })
}

/// The text of a version of an entry.
fn text_at(txn: &mut Txn<'_>, id: EntryId, heads: &Heads) -> Result<Option<String>> {
    let Some(row) = txn.entry(&id)? else { return Ok(None) };
    let view = txn.document(&id, &row)?.view_at(heads);
    Ok(view.and_then(|view| match view.content {
        Content::Text(text) => Some(text),
        _ => None,
    }))
}

/// What a text shares with a version of the entry. After a crash that cut a write off, somebody may have edited the file
/// as it was or as it became; diffed against the wrong one of the two, the other's words double.
pub(super) fn shared(txn: &mut Txn<'_>, id: EntryId, heads: &Heads, content: &Content) -> Result<Shared> {
    let Content::Text(text) = content else { return Ok(Shared::default()) };
    let version = text_at(txn, id, heads)?;
    Ok(version.map(|version| Shared::of(text, &version)).unwrap_or_default())
}

/// Whether a text is a version of the entry with words added and none taken away.
pub(super) fn has_grown(txn: &mut Txn<'_>, id: EntryId, heads: &Heads, content: &Content) -> Result<bool> {
    let (Content::Text(text), Some(version)) = (content, text_at(txn, id, heads)?) else { return Ok(false) };
    Ok(grown(text, &version))
}

/// Whether a text has most of what one version says and the other does not.
fn shows_what_is_new(
    txn: &mut Txn<'_>,
    id: EntryId,
    (new, old): (&Heads, &Heads),
    content: &Content,
) -> Result<bool> {
    let Content::Text(text) = content else { return Ok(false) };
    let (Some(new), Some(old)) = (text_at(txn, id, new)?, text_at(txn, id, old)?) else { return Ok(false) };
    let (old, there): (BTreeSet<&str>, BTreeSet<&str>) = (old.lines().collect(), text.lines().collect());
    let (mut shown, mut all) = (0, 0);
    for line in new.lines().filter(|line| !old.contains(line)) {
        all += line.len();
        shown += if there.contains(line) { line.len() } else { 0 };
    }
    Ok(shown * 2 > all)
}

/// How much of a version a text has, in bytes of whole lines: what is long says more than what is short.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Of lines of the text that the version has too.
    lines: usize,
    /// Of the longer of the two.
    of: usize,
    /// Every word of the version is in the text, in their order.
    whole: bool,
}

impl Shared {
    fn of(text: &str, version: &str) -> Self {
        let lines_of = |text| str::lines(text).filter(|line| !line.trim().is_empty());
        let there: BTreeSet<&str> = lines_of(version).collect();
        let bytes = |text| lines_of(text).map(str::len).sum::<usize>();
        Self {
            lines: lines_of(text).filter(|line| there.contains(line)).map(str::len).sum(),
            of: bytes(version).max(bytes(text)),
            whole: !there.is_empty() && grown(text, version),
        }
    }

    /// Half of the longer of the two, or all that the version says.
    pub(super) fn is_most(&self) -> bool {
        self.whole || self.lines > 0 && self.lines * 2 >= self.of
    }
}

fn grown(text: &str, version: &str) -> bool {
    let mut words = text.split_whitespace();
    version.split_whitespace().all(|one| words.any(|other| other == one))
}

/// The version that found bytes are an edit of: what was there for certain, or what a write that a crash cut off put
/// there.
pub(super) fn edited_version(
    txn: &mut Txn<'_>,
    id: EntryId,
    base: &BaseRow,
    content: &Content,
) -> Result<Heads> {
    let Some(intended) = &base.intended else {
        return Ok(base.confirmed.as_ref().map(|image| image.heads.clone()).unwrap_or_default());
    };
    let Some(confirmed) = base.confirmed.as_ref().map(|image| image.heads.clone()) else {
        return Ok(intended.heads.clone());
    };
    let is_intended = intended.hash == content.hash() && intended.kind == content.kind();
    let was_written = is_intended
        || has_grown(txn, id, &intended.heads, content)?
        || shows_what_is_new(txn, id, (&intended.heads, &confirmed), content)?;
    // In doubt, what was there for certain: the words of the write cannot look deleted then.
    Ok(if was_written { intended.heads.clone() } else { confirmed })
}

/// An entry's file was found at another place.
pub(super) fn moved_here(
    core: &mut Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    folder: EntryId,
    name: &str,
    content: Content,
    stat: Stat,
) -> Result<()> {
    let Some(base) = txn.base(&id)? else { return Ok(()) };
    let at = edited_version(txn, id, &base, &content)?;
    let mut changes = Vec::new();
    let as_written = base.intended.iter().chain(&base.confirmed).find(|image| image.heads == at);
    if as_written.is_none_or(|image| image.hash != content.hash() || image.kind != content.kind()) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_recognised_by_half_of_the_longer_or_all_that_was_said() {
        let old = "what was measured on the first day\nblue\n\nred\n";
        assert!(Shared::of(old, old).is_most());
        // One long line weighs more than two short ones.
        assert!(Shared::of("what was measured on the first day\ngreen\nblack\n", old).is_most());
        assert!(!Shared::of("what was seen on another day\nblue\n\nred\n", old).is_most());
        // However much was added.
        assert!(Shared::of(&format!("{}{old}", "and yet another line of text\n".repeat(9)), old).is_most());
        assert!(Shared::of("blue and red\n", "blue red\n").is_most());
        assert!(!Shared::of("\n", "\n").is_most() && !Shared::of(old, "").is_most());
    }
}
