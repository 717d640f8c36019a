//! What somebody here says about an entry.

use super::{Answer, people};
use crate::comments::{self, By, Thread};
use crate::core::noted;
use crate::core::txn::Txn;
use crate::effect::{Refusal, Reply};
use crate::entry::Content;
use crate::event::{Saying, Version};
use crate::ids::{EntryId, RecordHash};
use crate::journal::comment::{Anchor, can_be_said};
use crate::journal::{Comment, Payload, Role};
use crate::limits;
use crate::store::{EntryRow, StoreError};

type Found<T> = std::result::Result<std::result::Result<T, Refusal>, StoreError>;

/// Says it.
pub(super) fn say(txn: &mut Txn<'_>, entry: EntryId, saying: Saying) -> Answer {
    if let Some(refusal) = people::refused(txn, "comment on something", Role::Commenter) {
        return Ok(Err(refusal));
    }
    let Some(row) = txn.entry(&entry)?.filter(|row| row.alive) else {
        return Ok(Err(Refusal::NoEntry(entry)));
    };
    let path = txn.path(&entry)?.to_string();
    let refuse = |reason: String| Ok(Err(Refusal::Comment { path: path.clone(), reason }));
    let (Saying::Begin { text: said, .. } | Saying::Reply { text: said, .. }) = &saying else {
        return change(txn, entry, &path, saying);
    };
    if let Some(reason) = unsayable(said) {
        return refuse(reason);
    }
    let comment = match saying {
        Saying::Begin { at, text } => {
            let anchor = match at {
                Some((version, range)) => match anchor(txn, entry, &row, &path, &version, range)? {
                    Ok(anchor) => Some(anchor),
                    Err(refusal) => return Ok(Err(refusal)),
                },
                None => None,
            };
            Comment::Thread { entry, anchor, text }
        }
        Saying::Reply { thread, text } => match find(txn, entry, &path, thread)? {
            Ok(_) => Comment::Reply { entry, thread, text },
            Err(refusal) => return Ok(Err(refusal)),
        },
        Saying::Resolve { .. } | Saying::Edit { .. } => return change(txn, entry, &path, saying),
    };
    sign(txn, &path, comment)
}

/// What becomes of something that was said.
fn change(txn: &mut Txn<'_>, entry: EntryId, path: &str, saying: Saying) -> Answer {
    let refuse = |reason: String| Ok(Err(Refusal::Comment { path: path.to_owned(), reason }));
    let comment = match saying {
        Saying::Resolve { thread, resolved } => {
            let found = match find(txn, entry, path, thread)? {
                Ok(found) => found,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if found.resolved.is_some() == resolved {
                return Ok(Ok(Reply::Signed(thread)));
            }
            Comment::Resolve { entry, thread, resolved, turn: found.turn.saturating_add(1) }
        }
        Saying::Edit { comment, text } => {
            if let Some(reason) = text.as_deref().and_then(unsayable) {
                return refuse(reason);
            }
            let all = comments::of_entry(txn.source, &txn.people.membership, &entry)?;
            let said = all.into_iter().flat_map(|thread| thread.said).find(|said| said.id == comment);
            let Some(said) = said else { return refuse(format!("it has no comment {comment}")) };
            let device = txn.meta.device;
            let person = txn.people.membership.person_of(&device);
            if !comments::is_own(&said.by, &By { device, person, time: txn.now }) {
                return refuse("only whoever said something can change it or take it back".to_owned());
            }
            if said.text == text {
                return Ok(Ok(Reply::Signed(comment)));
            }
            Comment::Edit { entry, comment, text, turn: said.turn.saturating_add(1) }
        }
        Saying::Begin { .. } | Saying::Reply { .. } => return refuse("nothing was said".to_owned()),
    };
    sign(txn, path, comment)
}

fn unsayable(text: &str) -> Option<String> {
    if can_be_said(text) {
        return None;
    }
    Some(match text.trim().is_empty() {
        true => "a comment says something".to_owned(),
        false if text.len() > limits::COMMENT_BYTES => {
            format!("a comment has at most {} bytes; write a note and link to it", limits::COMMENT_BYTES)
        }
        false => "a comment has no control characters".to_owned(),
    })
}

fn find(txn: &Txn<'_>, entry: EntryId, path: &str, thread: RecordHash) -> Found<Thread> {
    let all = comments::of_entry(txn.source, &txn.people.membership, &entry)?;
    let none = || Refusal::Comment { path: path.to_owned(), reason: format!("it has no thread {thread}") };
    Ok(all.into_iter().find(|one| one.id == thread).ok_or_else(none))
}

fn anchor(
    txn: &mut Txn<'_>,
    entry: EntryId,
    row: &EntryRow,
    path: &str,
    version: &Version,
    range: std::ops::Range<usize>,
) -> Found<Anchor> {
    let Some(view) = txn.document(&entry, row)?.view_at(&version.0) else {
        return Ok(Err(Refusal::NoVersion(entry, version.clone())));
    };
    let Content::Text(text) = view.content else {
        let reason =
            "it was no text in that version, so a comment on it has no place; leave the place out".to_owned();
        return Ok(Err(Refusal::Comment { path: path.to_owned(), reason }));
    };
    let length = text.encode_utf16().count();
    let shown = format!("{} to {}", range.start, range.end);
    Ok(comments::anchor(version.0.clone(), &text, range).ok_or_else(|| {
        let reason =
            format!("from {shown} is no passage of that version, which has {length} UTF-16 code units");
        Refusal::Comment { path: path.to_owned(), reason }
    }))
}

fn sign(txn: &mut Txn<'_>, path: &str, comment: Comment) -> Answer {
    if !comment.is_sound() {
        let reason = "it is out of bounds".to_owned();
        return Ok(Err(Refusal::Comment { path: path.to_owned(), reason }));
    }
    Ok(Ok(Reply::Signed(noted::sign(txn, Payload::Comment(comment)).hash)))
}
