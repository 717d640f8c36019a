//! Where a place in one version's text is in another version's, and who put there what is there. Places count UTF-16 code
//! units of the text as it is written; what stands in the frontmatter has no place, as its keys are merged, not its characters.

use std::ops::Range;

use automerge::ReadDoc;

use super::front::Front;
use super::{Document, contained};
use crate::ids::{ChangeHash, Heads};
use crate::limits;

/// Where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Where; of what is gone, where it was.
    pub at: usize,
    /// Whether it is still there.
    pub is_there: bool,
}

/// Which change it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeBy {
    /// The entry was born with it.
    Birth,
    /// A change.
    Change(ChangeHash),
}

/// Whether a UTF-16 code unit is, or is part of, a letter, a digit or a sign of more than one unit.
fn is_letter(unit: u16) -> bool {
    char::from_u32(u32::from(unit)).is_none_or(char::is_alphanumeric)
}

impl Document {
    /// Where the character at a place of one version is in another; `None` if one of them is not known, or nothing is at
    /// that place.
    pub fn follow(&self, from: &Heads, at: usize, to: &Heads) -> Option<Place> {
        let (from, to) = (self.resolve(from)?, self.resolve(to)?);
        let in_body = at.checked_sub(self.body_start(&from))?;
        let body = &self.schema.body;
        // Automerge runs contained here as everywhere.
        contained(|| {
            let cursor = self.doc.get_cursor(body, in_body, Some(&from)).ok()?;
            let found = self.doc.get_cursor_position(body, &cursor, Some(&to)).ok()?;
            let is_there = self.doc.get_cursor(body, found, Some(&to)).is_ok_and(|other| other == cursor);
            Some(Place { at: found + self.body_start(&to), is_there })
        })
        .ok()
        .flatten()
    }

    /// Where what is left of a passage of one version is in another: from the first to the last of its letters that are still
    /// there, with what stands beside them. `None` if none is (a space or a comma says nothing), or if one of the versions is not
    /// known.
    pub fn follow_range(&self, from: &Heads, range: Range<usize>, to: &Heads) -> Option<Range<usize>> {
        let (from, to) = (self.resolve(from)?, self.resolve(to)?);
        let parts = Front::read(&self.reader(Some(&from))).parts;
        let from_start = parts.join().encode_utf16().count() - parts.body.encode_utf16().count();
        let to_start = self.body_start(&to);
        let in_body = range.start.checked_sub(from_start)?..range.end.checked_sub(from_start)?;
        let units: Vec<u16> = parts.body.encode_utf16().collect();
        let passage = units.get(in_body.clone())?;
        let has_letters = passage.iter().any(|unit| is_letter(*unit));
        let body = &self.schema.body;
        let place = |at: usize| {
            let cursor = self.doc.get_cursor(body, at, Some(&from)).ok()?;
            let found = self.doc.get_cursor_position(body, &cursor, Some(&to)).ok()?;
            let is_there = self.doc.get_cursor(body, found, Some(&to)).is_ok_and(|other| other == cursor);
            is_there.then_some(found + to_start)
        };
        contained(|| {
            let says = |at: &usize| !has_letters || is_letter(units[*at]);
            let found = |at: usize| place(at).map(|there| (at, there));
            let (mut from, mut first) =
                in_body.clone().filter(says).take(limits::FOLLOWED).find_map(found)?;
            let (mut until, mut last) =
                in_body.clone().rev().filter(says).take(limits::FOLLOWED).find_map(found)?;
            // Brackets and the like that still stand beside them.
            for _ in 0..limits::FOLLOWED {
                if from == in_body.start || first == 0 || place(from - 1) != Some(first - 1) {
                    break;
                }
                (from, first) = (from - 1, first - 1);
            }
            for _ in 0..limits::FOLLOWED {
                if until + 1 == in_body.end || place(until + 1) != Some(last + 1) {
                    break;
                }
                (until, last) = (until + 1, last + 1);
            }
            Some(first..last.max(first) + 1)
        })
        .ok()
        .flatten()
    }

    /// Which change put the character at a place of a version there.
    pub fn typed_by(&self, version: &Heads, at: usize) -> Option<MadeBy> {
        let heads = self.resolve(version)?;
        let in_body = at.checked_sub(self.body_start(&heads))?;
        let found = contained(|| self.doc.get_at(&self.schema.body, in_body, &heads).ok().flatten());
        self.made_by(&found.ok().flatten()?.1)
    }

    /// Which change gave a key of the frontmatter the value that it has in a version.
    pub fn set_by(&self, version: &Heads, key: &str) -> Option<MadeBy> {
        let heads = self.resolve(version)?;
        let found = contained(|| self.doc.get_at(&self.schema.front, key, &heads).ok().flatten());
        self.made_by(&found.ok().flatten()?.1)
    }

    fn made_by(&self, operation: &automerge::ObjId) -> Option<MadeBy> {
        let hash = self.doc.hash_for_opid(operation)?;
        Some(if hash == self.birth { MadeBy::Birth } else { MadeBy::Change(ChangeHash(hash.0)) })
    }

    /// Where what is behind the frontmatter begins.
    fn body_start(&self, heads: &[automerge::ChangeHash]) -> usize {
        let parts = Front::read(&self.reader(Some(heads))).parts;
        let units = |text: &str| text.encode_utf16().count();
        units(&parts.join()) - units(&parts.body)
    }
}
