//! What comments come to: threads, who said what, what is settled, and where in the text a thread stands now. A pure function of
//! the records that count, the same in whatever order they came.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::entry::Document;
use crate::ids::{DeviceId, EntryId, Heads, PersonId, RecordHash, UnixMs};
use crate::journal::Tip;
use crate::journal::comment::{Anchor, Comment};
use crate::limits;
use crate::membership::Membership;
use crate::store::{CommentRow, Source, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// One thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its name.
    pub id: RecordHash,
    /// About which entry.
    pub entry: EntryId,
    /// About which place.
    pub anchor: Option<Anchor>,
    /// What was said, the first first.
    pub said: Vec<Said>,
    /// Who settled it, and when; `None` while it is open.
    pub resolved: Option<By>,
    /// The greatest number of those that settled it or opened it again.
    pub turn: u32,
}

/// Who, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// With which device.
    pub device: DeviceId,
    /// Who; `None` for somebody who never belonged.
    pub person: Option<PersonId>,
    /// When, by that device's clock. Claimed.
    pub time: UnixMs,
}

/// One comment of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its name.
    pub id: RecordHash,
    /// Who, and when.
    pub by: By,
    /// What; `None` if it was taken back.
    pub text: Option<String>,
    /// When it was changed the last time.
    pub edited: Option<UnixMs>,
    /// The greatest number of its changes.
    pub turn: u32,
}

/// The threads of an entry that count.
pub fn of_entry(source: &dyn Source, membership: &Membership, entry: &EntryId) -> Result<Vec<Thread>> {
    of_rows(source, membership, source.comments(entry)?)
}

/// Those among some rows, all of each entry concerned.
pub fn of_rows(
    source: &dyn Source,
    membership: &Membership,
    rows: Vec<(u64, CommentRow)>,
) -> Result<Vec<Thread>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let quarantined = source.quarantined()?;
    let (aside, rows): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|(position, _)| quarantined.contains_key(position));
    let bare = |rows: Vec<(u64, CommentRow)>| rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
    Ok(fold(membership, bare(rows), &bare(aside)))
}

/// What these rows come to, in whatever order they are; those aside do not count.
pub fn fold(membership: &Membership, mut rows: Vec<CommentRow>, aside: &[CommentRow]) -> Vec<Thread> {
    // A word whose turn is greater than there are words about the same was not said by somebody who had seen the others.
    // It waits until there are so many: nobody has the last word for ever.
    let mut words: BTreeMap<RecordHash, u32> = BTreeMap::new();
    for row in rows.iter().chain(aside) {
        if let Comment::Resolve { thread: about, .. } | Comment::Edit { comment: about, .. } = &row.comment {
            *words.entry(*about).or_default() += 1;
        }
    }
    let is_turn = |about: &RecordHash, turn: u32| words.get(about).is_some_and(|words| turn <= *words);
    // By the claimed times, and then by the places in the journals: the same everywhere.
    rows.sort_by_key(|row| (row.time, row.tip));
    let mut threads: BTreeMap<RecordHash, Thread> = BTreeMap::new();
    let mut order = Vec::new();
    // Comment → its thread, and which of it.
    let mut places: BTreeMap<RecordHash, (RecordHash, usize)> = BTreeMap::new();
    for row in &rows {
        if let Comment::Thread { entry, anchor, text } = &row.comment {
            let comments = vec![told(membership, row, text)];
            let id = row.tip.hash;
            let thread =
                Thread { id, entry: *entry, anchor: anchor.clone(), said: comments, resolved: None, turn: 0 };
            threads.insert(id, thread);
            places.insert(id, (id, 0));
            order.push(id);
        }
    }
    for row in &rows {
        if let Comment::Reply { entry, thread, text } = &row.comment
            && let Some(thread) = threads.get_mut(thread).filter(|thread| thread.entry == *entry)
        {
            places.insert(row.tip.hash, (thread.id, thread.said.len()));
            thread.said.push(told(membership, row, text));
        }
    }
    let mut resolutions: BTreeMap<RecordHash, (u32, UnixMs, Tip)> = BTreeMap::new();
    let mut edits: BTreeMap<RecordHash, (u32, UnixMs, Tip)> = BTreeMap::new();
    for row in &rows {
        match &row.comment {
            Comment::Resolve { entry, thread, resolved, turn } if is_turn(thread, *turn) => {
                let Some(thread) = threads.get_mut(thread).filter(|thread| thread.entry == *entry) else {
                    continue;
                };
                let word = (*turn, row.time, row.tip);
                if resolutions.get(&thread.id).is_none_or(|last| *last < word) {
                    resolutions.insert(thread.id, word);
                    thread.turn = *turn;
                    thread.resolved = resolved.then(|| by(membership, row));
                }
            }
            Comment::Edit { entry, comment, text, turn } if is_turn(comment, *turn) => {
                let place = places.get(comment).copied();
                let thread = place.and_then(|(thread, _)| threads.get_mut(&thread));
                let thread = thread.filter(|thread| thread.entry == *entry);
                let one = thread.zip(place).map(|(thread, (_, at))| &mut thread.said[at]);
                let Some(one) = one.filter(|one| is_own(&one.by, &by(membership, row))) else { continue };
                let word = (*turn, row.time, row.tip);
                if edits.get(&one.id).is_none_or(|last| *last < word) {
                    edits.insert(one.id, word);
                    (one.text, one.edited, one.turn) = (text.clone(), Some(row.time), *turn);
                }
            }
            _ => {}
        }
    }
    order.into_iter().filter_map(|id| threads.remove(&id)).collect()
}

fn by(membership: &Membership, row: &CommentRow) -> By {
    let device = row.tip.device;
    By { device, person: membership.person_of(&device), time: row.time }
}

fn told(membership: &Membership, row: &CommentRow, text: &str) -> Said {
    let text = Some(text.to_owned());
    Said { id: row.tip.hash, by: by(membership, row), text, edited: None, turn: 0 }
}

/// Whether somebody may change what was said: only whoever said it.
pub fn is_own(said: &By, by: &By) -> bool {
    said.device == by.device || (said.person.is_some() && said.person == by.person)
}

/// A place of a version as it is kept, with what stands there and around it. `None` if nothing stands there.
pub fn anchor(version: Heads, text: &str, range: Range<usize>) -> Option<Anchor> {
    let (start, end) = (byte_at(text, range.start)?, byte_at(text, range.end)?);
    let quote = beginning(text.get(start..end)?, limits::QUOTE_BYTES);
    let before = &text[..start];
    let from = before.len().saturating_sub(limits::AROUND_BYTES);
    let from = (from..=before.len()).find(|at| before.is_char_boundary(*at))?;
    Some(Anchor {
        version,
        start: range.start.try_into().ok()?,
        end: range.end.try_into().ok()?,
        quote: quote.to_owned(),
        before: before[from..].to_owned(),
        after: beginning(&text[end..], limits::AROUND_BYTES).to_owned(),
    })
    .filter(|anchor| !anchor.quote.is_empty())
}

fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or_default()]
}

/// The byte of a place in UTF-16 code units; `None` inside a character or behind the end.
fn byte_at(text: &str, unit: usize) -> Option<usize> {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units == unit {
            return Some(at);
        }
        units += c.len_utf16();
    }
    (units == unit).then_some(text.len())
}

/// Where a place is in the text of another version: followed character by character, else found by what stood there. `None` if it
/// is gone.
pub fn locate(document: &Document, anchor: &Anchor, now: &Heads, text: &str) -> Option<Range<usize>> {
    let was = anchor.start as usize..anchor.end as usize;
    document.follow_range(&anchor.version, was, now).or_else(|| found_again(anchor, text))
}

/// The passage with the same words that fits best: with the same words around it, then nearest to where it was. What is
/// short, and nothing around it the same, is not taken for it.
fn found_again(anchor: &Anchor, text: &str) -> Option<Range<usize>> {
    let start = anchor.start as usize;
    let length = anchor.quote.encode_utf16().count();
    let (mut byte, mut unit) = (0, 0);
    let mut best: Option<(usize, usize, usize)> = None;
    for (at, _) in text.match_indices(&anchor.quote) {
        unit += text[byte..at].encode_utf16().count();
        byte = at;
        let shared = shared_end(&text[..at], &anchor.before)
            + shared_start(&text[at + anchor.quote.len()..], &anchor.after);
        let is_sure = anchor.quote.chars().count() >= SURE || shared > 0;
        let rank = (usize::MAX - shared, unit.abs_diff(start), unit);
        if is_sure && best.is_none_or(|best| rank < best) {
            best = Some(rank);
        }
    }
    best.map(|(.., unit)| unit..unit + length)
}

/// So many characters are known again without anything around them.
const SURE: usize = 8;

fn shared_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

fn shared_end(a: &str, b: &str) -> usize {
    a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn units(text: &str, what: &str) -> Range<usize> {
        let start = text[..text.find(what).unwrap()].encode_utf16().count();
        start..start + what.encode_utf16().count()
    }

    #[test]
    fn a_place_is_found_again_by_its_words_and_those_around() {
        let text = "🧪 the red fox, the red hen\n";
        let kept = anchor(Vec::new(), text, units(text, "red hen")).unwrap();
        assert_eq!((kept.quote.as_str(), kept.after.as_str()), ("red hen", "\n"));
        let now = "a red hen elsewhere. Intro.\n🧪 the red fox, the red hen\n";
        let found = found_again(&kept, now).unwrap();
        assert_eq!(found, units(now, "red fox").start + 13..units(now, "red fox").start + 20);
        assert_eq!(found_again(&kept, "nothing of it"), None);
        let short = anchor(Vec::new(), text, units(text, "fox")).unwrap();
        assert_eq!(found_again(&short, "(fox)"), None, "a short word alone is not the same place");
        assert_eq!(anchor(Vec::new(), text, 1..4), None, "not inside a character");
        assert_eq!(anchor(Vec::new(), text, 3..300), None);
    }
}
