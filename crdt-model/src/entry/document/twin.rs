//! One edit made twice by one device. A machine that was restored from a backup finds edits on its disk that its store
//! does not know, and takes them in; but before the backup was put back it had taken them in already, under its
//! former volume, and others have them from there. Merged, the words would be there twice.
//!
//! Two changes of one device, by different volumes, at once, of the same text: what both inserted at the same place is
//! the same, and the copy of the change with the greater hash goes. Only insertions are taken away, by their
//! identity, so doing this twice, or on two machines, does no more than doing it once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, AutomergeError, ChangeMetadata, ObjId, ReadDoc};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Document, DocumentError, NewChange, actor, contained};
use crate::entry::text;
use crate::ids::{ChangeHash, DeviceId, Volume};
use crate::limits;

/// More lines or words than this in one insertion are compared only as a whole.
const PIECES: usize = 2_000;

/// Characters to take out of one text: places now, with their widths in UTF-16 code units.
type Cuts = BTreeMap<usize, usize>;

impl Document {
    /// Takes out what `change`, just taken in or made, repeats of a concurrent one of its author under another of these
    /// volumes, or the other way round. `None` if it repeats nothing. The last pair makes the change.
    pub fn undouble(
        &mut self,
        change: &ChangeHash,
        author: (&DeviceId, &BTreeSet<Volume>),
        (device, volume): (&DeviceId, Volume),
        time_ms: i64,
    ) -> Result<Option<NewChange>, DocumentError> {
        let entry = self.id;
        let refuse = |reason: String| DocumentError { entry, reason };
        let heads = self.doc.get_heads();
        let branch = self
            .free_branch(&heads, device, volume)
            .ok_or_else(|| refuse("this device has too many concurrent branches in it".to_owned()))?;
        let actor = ActorId::from(actor(device, volume, branch).as_slice());
        let made = contained(|| {
            let cuts = self.repeated(&automerge::ChangeHash(change.0), author);
            if cuts.iter().all(|(_, cuts)| cuts.is_empty()) {
                return Ok(None);
            }
            let mut doc = self.doc.clone();
            doc.set_actor(actor);
            let options = CommitOptions::default().with_time(time_ms.div_euclid(1000));
            let done = doc.transact_with::<_, _, AutomergeError, _>(
                |()| options,
                |tx| {
                    for (object, cuts) in &cuts {
                        for (at, width) in cuts.iter().rev() {
                            tx.splice_text(object, *at, isize::try_from(*width).unwrap_or(1), "")?;
                        }
                    }
                    Ok(())
                },
            );
            let hash = done.map_err(|failure| failure.error.to_string())?.hash;
            let change = hash.and_then(|hash| doc.get_change_by_hash(&hash));
            Ok(change.map(|change| (doc, change)))
        });
        let Some((doc, change)) = made.and_then(|made| made).map_err(refuse)? else { return Ok(None) };
        self.doc = doc;
        self.now = None;
        let raw = change.raw_bytes().to_vec();
        Ok(Some(NewChange { branch, hash: ChangeHash(change.hash().0), change: raw }))
    }

    /// What to take out of each text.
    fn repeated(
        &self,
        change: &automerge::ChangeHash,
        (device, volumes): (&DeviceId, &BTreeSet<Volume>),
    ) -> Vec<(ObjId, Cuts)> {
        let mut found: Vec<(ObjId, Cuts)> =
            [&self.schema.front_raw, &self.schema.body].map(|object| (object.clone(), Cuts::new())).into();
        let Some(this) = self.doc.get_change_meta_by_hash(change) else { return found };
        let actors = self.actors_of(device, volumes);
        let volume_of = |meta: &ChangeMetadata<'_>| actors.get(meta.actor.as_ref()).copied();
        // Nothing follows on a change that is new, so all that it does not follow on is concurrent.
        for other in self.doc.get_changes_meta(&[*change]) {
            if volume_of(&other).is_none() || volume_of(&other) == volume_of(&this) {
                continue;
            }
            let (stays, goes) = if this.hash < other.hash { (&this, &other) } else { (&other, &this) };
            for (object, cuts) in &mut found {
                cuts.extend(repeats(&self.doc, object, stays, goes));
            }
        }
        found
    }

    /// The actors that these volumes of a device have in this document.
    fn actors_of(&self, device: &DeviceId, volumes: &BTreeSet<Volume>) -> BTreeMap<ActorId, Volume> {
        let here: BTreeSet<ActorId> =
            self.doc.get_changes_meta(&[]).iter().map(|change| change.actor.as_ref().clone()).collect();
        let mut actors = BTreeMap::new();
        for volume in volumes {
            // Branches are taken in order, so the first that is not here is the last.
            let branches = (0..limits::BRANCHES).map(|n| ActorId::from(actor(device, *volume, n).as_slice()));
            actors.extend(branches.take_while(|actor| here.contains(actor)).map(|actor| (actor, *volume)));
        }
        actors
    }
}

/// The characters of `goes` in one text that `stays` inserted too, and that are still there.
fn repeats(doc: &Automerge, object: &ObjId, stays: &ChangeMetadata<'_>, goes: &ChangeMetadata<'_>) -> Cuts {
    let text = |heads: &[automerge::ChangeHash]| doc.text_at(object, heads).unwrap_or_default();
    let base = text(&stays.deps);
    if base != text(&goes.deps) {
        return Cuts::new();
    }
    let (kept, gone) = (text(&[stays.hash]), text(&[goes.hash]));
    let kept: BTreeMap<usize, &str> =
        text::diff(&base, &kept).into_iter().map(|edit| (edit.at, edit.insert)).collect();
    let mut cuts = Cuts::new();
    let (mut inserted, mut deleted) = (0, 0);
    for edit in text::diff(&base, &gone) {
        let start = edit.at - deleted + inserted;
        inserted += edit.insert.encode_utf16().count();
        deleted += edit.delete;
        for range in kept.get(&edit.at).map(|kept| common(kept, edit.insert)).unwrap_or_default() {
            let before = edit.insert[..range.start].encode_utf16().count();
            cuts.extend(alive(doc, object, goes.hash, start + before, &edit.insert[range]));
        }
    }
    cuts
}

/// Where these characters, which a change put there, are now; without those that somebody deleted.
fn alive(doc: &Automerge, object: &ObjId, change: automerge::ChangeHash, start: usize, text: &str) -> Cuts {
    let mut at = start;
    let mut cuts = Cuts::new();
    for c in text.chars() {
        let cursor = doc.get_cursor(object, at, Some(&[change])).ok();
        let now = cursor.as_ref().and_then(|cursor| doc.get_cursor_position(object, cursor, None).ok());
        if let Some(now) = now.filter(|now| doc.get_cursor(object, *now, None).ok() == cursor) {
            cuts.insert(now, c.len_utf16());
        }
        at += c.len_utf16();
    }
    cuts
}

/// Byte ranges of `gone` that `kept` has too: all of it, or whole lines, or the words of one if they are all in the
/// other (somebody typed on). Never single words of two different insertions: they may well be two.
fn common(kept: &str, gone: &str) -> Vec<Range<usize>> {
    if kept == gone {
        return std::iter::once(0..gone.len()).collect();
    }
    let (kept_words, gone_words) = (words(kept), words(gone));
    let matched = equal(&kept_words, &gone_words);
    if matched.len() == kept_words.len().min(gone_words.len()) {
        return matched;
    }
    let lines =
        |text| str::split_inclusive(text, '\n').filter(|line| line.ends_with('\n')).collect::<Vec<_>>();
    equal(&lines(kept), &lines(gone))
}

/// Byte ranges of `gone` that are equal to something in `kept`, in order.
fn equal(kept: &[&str], gone: &[&str]) -> Vec<Range<usize>> {
    if kept.len().max(gone.len()) > PIECES {
        return Vec::new();
    }
    let mut ends = vec![0];
    ends.extend(gone.iter().scan(0, |end, piece| {
        *end += piece.len();
        Some(*end)
    }));
    let ops = capture_diff_slices(Algorithm::Myers, kept, gone);
    let same = ops.iter().filter(|op| matches!(op, DiffOp::Equal { .. }));
    same.flat_map(DiffOp::new_range).map(|n| ends[n]..ends[n + 1]).collect()
}

/// Words, each with the space at that side of it where the text has one: what goes leaves no two words stuck together.
fn words(text: &str) -> Vec<&str> {
    let leading = text.starts_with(char::is_whitespace);
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = leading;
    for (at, c) in text.char_indices() {
        let space = c.is_whitespace();
        let begins = if leading { space && !last } else { !space && last };
        if at > 0 && begins {
            words.push(&text[start..at]);
            start = at;
        }
        last = space;
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}
