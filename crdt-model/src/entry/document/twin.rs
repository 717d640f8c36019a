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
use automerge::{ActorId, Automerge, AutomergeError, ChangeMetadata, Cursor, ObjId, ReadDoc};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::schema::DRAFT;
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
        let mut places = [Places::default(), Places::default()];
        let Some(this) = self.doc.get_change_meta_by_hash(change) else { return found };
        let actors = self.actors_of(device, volumes);
        let volume_of = |meta: &ChangeMetadata<'_>| actors.get(meta.actor.as_ref()).copied();
        // Nothing follows on a change that is new, so all that it does not follow on is concurrent.
        for other in self.doc.get_changes_meta(&[*change]) {
            // A draft repeats what was there before on purpose, and takes it away again itself.
            let is_draft = |meta: &ChangeMetadata<'_>| meta.message.as_deref() == Some(DRAFT);
            if volume_of(&other).is_none()
                || volume_of(&other) == volume_of(&this)
                || is_draft(&this)
                || is_draft(&other)
            {
                continue;
            }
            let (stays, goes) = if this.hash < other.hash { (&this, &other) } else { (&other, &this) };
            for ((object, cuts), places) in found.iter_mut().zip(&mut places) {
                let tries = [
                    repeats(&self.doc, (object, places), stays, goes),
                    repeated_lines(&self.doc, (object, places), stays, goes),
                    repeated_lines(&self.doc, (object, places), goes, stays),
                ];
                // Decided by what was repeated, not by what of it is still there: doing it twice must not take the
                // other copy.
                let repeated = tries.into_iter().flatten().next().unwrap_or_default();
                cuts.extend(repeated);
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

/// What two concurrent changes made of one text.
struct Rival {
    base: String,
    kept: String,
    gone: String,
}

impl Rival {
    /// `None` if they did not begin at the same text.
    fn of(
        doc: &Automerge,
        object: &ObjId,
        stays: &ChangeMetadata<'_>,
        goes: &ChangeMetadata<'_>,
    ) -> Option<Self> {
        let text = |heads: &[automerge::ChangeHash]| doc.text_at(object, heads).unwrap_or_default();
        let base = text(&stays.deps);
        (base == text(&goes.deps)).then(|| Self { base, kept: text(&[stays.hash]), gone: text(&[goes.hash]) })
    }

    /// What the change that goes inserted: where in the base, where in its own text (UTF-16 code units), and what.
    fn inserted(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        let (mut inserted, mut deleted) = (0, 0);
        text::diff(&self.base, &self.gone).into_iter().map(move |edit| {
            let start = edit.at - deleted + inserted;
            inserted += edit.insert.encode_utf16().count();
            deleted += edit.delete;
            (edit.at, start, edit.insert)
        })
    }
}

/// The characters of `goes` in one text that `stays` inserted too, and that are still there. `None` if there never were
/// any.
fn repeats(
    doc: &Automerge,
    (object, places): (&ObjId, &mut Places),
    stays: &ChangeMetadata<'_>,
    goes: &ChangeMetadata<'_>,
) -> Option<Cuts> {
    let rival = Rival::of(doc, object, stays, goes)?;
    let kept: BTreeMap<usize, &str> =
        text::diff(&rival.base, &rival.kept).into_iter().map(|edit| (edit.at, edit.insert)).collect();
    let mut cuts = None;
    for (at, start, insert) in rival.inserted() {
        for range in kept.get(&at).map(|kept| common(kept, insert)).unwrap_or_default() {
            let before = insert[..range.start].encode_utf16().count();
            let alive = alive(doc, (object, places), goes.hash, start + before, &insert[range]);
            cuts.get_or_insert_with(Cuts::new).extend(alive);
        }
    }
    cuts
}

/// Whole lines that `goes` put into one text, and that the text of `stays` has and their common base had not: where a
/// change also did something else nearby, what it inserted may begin and end in the middle of lines. `None` if there
/// never were any.
fn repeated_lines(
    doc: &Automerge,
    (object, places): (&ObjId, &mut Places),
    stays: &ChangeMetadata<'_>,
    goes: &ChangeMetadata<'_>,
) -> Option<Cuts> {
    let rival = Rival::of(doc, object, stays, goes)?;
    let old: BTreeSet<&str> = rival.base.lines().collect();
    let new: BTreeSet<&str> = rival.kept.lines().filter(|line| !old.contains(line)).collect();
    let mut cuts = None;
    for (at, start, insert) in rival.inserted() {
        if at > 0 && !rival.base[..byte_at(&rival.base, at)].ends_with('\n') {
            continue;
        }
        let mut at = start;
        for line in insert.split_inclusive('\n') {
            let says_something = line.split_whitespace().nth(1).is_some();
            if line.ends_with('\n') && says_something && new.contains(line.trim_end_matches(['\n', '\r'])) {
                let alive = alive(doc, (object, places), goes.hash, at, line);
                cuts.get_or_insert_with(Cuts::new).extend(alive);
            }
            at += line.encode_utf16().count();
        }
    }
    cuts
}

/// The byte where so many UTF-16 code units end.
fn byte_at(text: &str, units: usize) -> usize {
    let mut left = units;
    let end = text.char_indices().find(|(_, c)| match left.checked_sub(c.len_utf16()) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    end.map_or(text.len(), |(at, _)| at)
}

/// Where the characters of one text are now, worked out when it is first asked for. A cursor's own position would be
/// cheaper, but Automerge 0.12 fails an assertion of its own on what is deleted at the end.
#[derive(Default)]
struct Places(Option<BTreeMap<Vec<u8>, usize>>);

impl Places {
    fn of(&mut self, doc: &Automerge, object: &ObjId, cursor: &Cursor) -> Option<usize> {
        let places = self.0.get_or_insert_with(|| {
            let all = (0..doc.length(object))
                .filter_map(|at| Some((doc.get_cursor(object, at, None).ok()?.to_bytes(), at)));
            all.collect()
        });
        places.get(&cursor.to_bytes()).copied()
    }
}

/// Where these characters, which a change put there, are now; without those that somebody deleted.
fn alive(
    doc: &Automerge,
    (object, places): (&ObjId, &mut Places),
    change: automerge::ChangeHash,
    start: usize,
    text: &str,
) -> Cuts {
    let mut at = start;
    let mut cuts = Cuts::new();
    for c in text.chars() {
        let cursor = doc.get_cursor(object, at, Some(&[change])).ok();
        if let Some(now) = cursor.and_then(|cursor| places.of(doc, object, &cursor)) {
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
