//! Where a place in one version's text is in another version's, and who put there what is there. Places count UTF-16 code
//! units of the text as it is written; what stands in the frontmatter has no place, as its keys are merged, not its characters.

use std::ops::Range;

use automerge::{PatchAction, ReadDoc};

use super::front::Front;
use super::{Document, contained};
use crate::ids::{ChangeHash, Heads};

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

/// A passage of one version that is in another as well.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stays {
    was: Range<usize>,
    /// Where it begins now.
    is: usize,
}

impl Stays {
    /// The part of it in a passage.
    fn within(&self, passage: &Range<usize>) -> Option<Self> {
        let was = self.was.start.max(passage.start)..self.was.end.min(passage.end);
        (was.start < was.end).then(|| Self { is: self.is + (was.start - self.was.start), was })
    }
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
        // Not from within a character, or into one.
        let is_within = |at: usize| units.get(at).is_some_and(|unit| (0xdc00..0xe000).contains(unit));
        if is_within(in_body.start) || is_within(in_body.end) {
            return None;
        }
        let has_letters = passage.iter().any(|unit| is_letter(*unit));
        let stays = if from == to {
            vec![Stays { was: 0..units.len(), is: 0 }]
        } else {
            contained(|| self.what_stays(&from, &to, units.len())).ok().flatten()?
        };
        let says = |at: &usize| !has_letters || is_letter(units[*at]);
        let parts = stays.iter().filter_map(|part| part.within(&in_body));
        let mut of_letters = parts.filter(|part| part.was.clone().any(|at| says(&at)));
        // Brackets and the like beside a letter that stays have stayed with it.
        let first = of_letters.next()?;
        let last = of_letters.next_back().unwrap_or_else(|| first.clone());
        Some(first.is + to_start..last.is + last.was.len() + to_start)
    }

    /// Which passages of the body of one version are in another, in order. `None` if that cannot be told.
    fn what_stays(
        &self,
        from: &[automerge::ChangeHash],
        to: &[automerge::ChangeHash],
        length: usize,
    ) -> Option<Vec<Stays>> {
        let mut stays = Vec::new();
        let (mut was, mut is) = (0, 0);
        // From the left to the right: what is before a patch's place is as it will be.
        for patch in self.doc.diff_obj(&self.schema.body, from, to, false).ok()? {
            let (at, gone, come) = match &patch.action {
                PatchAction::SpliceText { index, value, .. } => {
                    (*index, 0, value.make_string().encode_utf16().count())
                }
                PatchAction::DeleteSeq { index, length } => (*index, *length, 0),
                PatchAction::Mark { .. } => continue,
                _ => return None,
            };
            let kept = at.checked_sub(is)?;
            stays.push(Stays { was: was..was + kept, is });
            (was, is) = (was + kept + gone, at + come);
        }
        stays.push(Stays { was: was..length.max(was), is });
        (was <= length).then_some(stays)
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
