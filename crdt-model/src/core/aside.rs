//! What operations set aside: bytes that a program wrote in between, or that an earlier run left behind. The only copy
//! of something that somebody typed, so it is let go only once it was taken in.

use std::collections::BTreeSet;

use super::appear;
use super::edits::{self, Edited};
use super::observe;
use super::txn::Txn;
use crate::effect::{DiskAction, DiskOp, DiskOutcome, Notice};
use crate::entry::{Content, Edit};
use crate::event::Seen;
use crate::ids::{ContentHash, EntryId, Heads};
use crate::path::EntryPath;
use crate::store::{ConflictKind, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// Bytes came out in exchange that nobody had seen: an edit of what was there before.
pub(super) fn displaced(
    txn: &mut Txn<'_>,
    id: EntryId,
    before: &Heads,
    seen: Seen,
    aside: String,
    discards: &mut Vec<DiskOp>,
) -> Result<()> {
    if let Some((content, _)) = observe::content_of(&seen) {
        take_aside(txn, id, before, content, aside, discards)?;
    }
    txn.mark(id);
    Ok(())
}

/// Takes in what was set aside, and lets it go only then.
fn take_aside(
    txn: &mut Txn<'_>,
    id: EntryId,
    at: &Heads,
    content: Content,
    aside: String,
    discards: &mut Vec<DiskOp>,
) -> Result<()> {
    let taken = content.hash();
    match edits::edit(txn, id, at, &[Edit::Content(content)], true)? {
        Edited::Made(_) | Edited::Nothing => discards.push(discard(id, aside, taken)),
        Edited::Refused(reason) => {
            let path = txn.path(&id)?;
            txn.notify(Notice::Standing(format!(
                "what a program wrote to `{path}` is kept as .codex/tmp/{aside} and could not be taken in: {reason}"
            )));
        }
    }
    Ok(())
}

fn discard(entry: EntryId, aside: String, taken: ContentHash) -> DiskOp {
    DiskOp { entry, path: EntryPath::root(), action: DiskAction::Discard { aside, taken } }
}

/// The result of an operation that is not known of: its start was lost with a step that failed. What it displaced
/// must not be lost too.
pub(super) fn unexpected(
    txn: &mut Txn<'_>,
    id: EntryId,
    outcome: DiskOutcome,
    discards: &mut Vec<DiskOp>,
) -> Result<()> {
    if let DiskOutcome::Written { displaced: Some((seen, aside)), .. }
    | DiskOutcome::Removed { displaced: Some((seen, aside)) } = outcome
        && let Some(confirmed) = txn.base(&id)?.and_then(|base| base.confirmed)
    {
        leftover(txn, id, (seen, confirmed.hash), aside, discards)?;
    }
    Ok(())
}

/// Bytes set aside by an operation that a crash cut off, or that an open handle changed afterwards.
pub(super) fn leftover(
    txn: &mut Txn<'_>,
    id: EntryId,
    (seen, was): (Seen, ContentHash),
    aside: String,
    discards: &mut Vec<DiskOp>,
) -> Result<()> {
    let (Some(row), Some((content, _))) = (txn.entry(&id)?, observe::content_of(&seen)) else {
        // It stays where it is until it can be read, or its entry is known.
        return Ok(());
    };
    let base = txn.base(&id)?;
    let known: BTreeSet<_> = base
        .iter()
        .flat_map(|b| b.confirmed.iter().chain(&b.intended))
        .map(|image| image.hash)
        .chain([row.hash])
        .collect();
    let is_new = !known.contains(&content.hash())
        && appear::version_where(txn, &id, &row, |version| *version == content)?.is_none();
    if is_new {
        // Compared with what is there by now, all that was merged since would look deleted.
        let version = appear::version_where(txn, &id, &row, |version| version.hash() == was)?;
        let is_guess = version.is_none();
        let heads =
            version.unwrap_or_else(|| base.and_then(|b| b.confirmed).map_or(row.heads, |image| image.heads));
        take_aside(txn, id, &heads, content, aside, discards)?;
        if is_guess {
            txn.conflict(id, ConflictKind::AfterCrash)?;
        }
    } else {
        discards.push(discard(id, aside, content.hash()));
    }
    txn.mark(id);
    Ok(())
}
