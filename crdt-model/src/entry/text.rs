//! Turns an outside rewrite of a text into small edits: lines first, then words inside changed lines.
//!
//! Deterministic: what bounds the work is size, never a clock. Positions count UTF-16 code units, as the
//! documents do.

use std::ops::Range;

use std::convert::Infallible;

use similar::algorithms::{Capture, Compact, Replace, myers, patience};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// More changed lines than this on one side are replaced as one block: the line diff would cost too much.
const LINES: usize = 20_000;
/// Up to this many tokens on one side the least edits are sought; beyond, few edits are good enough.
const EXACT: usize = 3_000;
/// Longer replaced blocks, in bytes, are not compared word by word.
const BLOCK_BYTES: usize = 20 << 10;
/// What an edit costs Automerge (a tenth of a millisecond), counted in deleted characters (14 µs each): one block
/// is replaced where many small edits would cost more.
const EDIT_COST: usize = 7;
/// Up to this many edits (a fifth of a second) cost is no matter: small edits merge best.
const EDITS: usize = 2_000;

/// One edit: at a place of the old text, delete and insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splice<'a> {
    /// Where in the old text, UTF-16 code units.
    pub at: usize,
    /// How many UTF-16 code units go.
    pub delete: usize,
    /// What comes.
    pub insert: &'a str,
}

/// The same, as byte ranges of both texts.
#[derive(Debug, Clone)]
struct Hunk {
    old: Range<usize>,
    new: Range<usize>,
}

/// The edits that make `new` of `old`, ascending and apart from each other. Apply them from the last to the
/// first.
pub fn diff<'a>(old: &str, new: &'a str) -> Vec<Splice<'a>> {
    if old == new {
        return Vec::new();
    }
    if old.is_empty() {
        return vec![Splice { at: 0, delete: 0, insert: new }];
    }
    let lines = line_hunks(old, new);
    let words: Vec<Hunk> = lines.iter().flat_map(|hunk| word_hunks(old, new, hunk)).collect();
    if words.len() <= EDITS {
        return splices(old, new, &words);
    }
    let whole = vec![trim(old, new, &Hunk { old: 0..old.len(), new: 0..new.len() })];
    let cost = |hunks: &Vec<Hunk>| hunks.iter().map(|hunk| EDIT_COST + hunk.old.len()).sum::<usize>();
    // The finest wins a tie.
    let cheapest = [words, lines, whole].into_iter().min_by_key(cost).unwrap_or_default();
    splices(old, new, &cheapest)
}

fn line_hunks(old: &str, new: &str) -> Vec<Hunk> {
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let prefix = old_lines.iter().zip(&new_lines).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old_lines[prefix..], &new_lines[prefix..]);
    let suffix = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let old_rest = &old_rest[..old_rest.len() - suffix];
    let new_rest = &new_rest[..new_rest.len() - suffix];
    let start: usize = old_lines[..prefix].iter().map(|line| line.len()).sum();
    hunks(
        old_rest,
        new_rest,
        start,
        start,
        if old_rest.len().max(new_rest.len()) > LINES { None } else { Some(Algorithm::Patience) },
    )
}

/// The differing ranges of two lists of tokens that begin at these bytes; one range of all without `algorithm`.
fn hunks(
    old: &[&str],
    new: &[&str],
    old_start: usize,
    new_start: usize,
    algorithm: Option<Algorithm>,
) -> Vec<Hunk> {
    let offsets = |tokens: &[&str], start: usize| {
        let mut offsets = vec![start];
        let mut at = start;
        offsets.extend(tokens.iter().map(|token| {
            at += token.len();
            at
        }));
        offsets
    };
    let (old_at, new_at) = (offsets(old, old_start), offsets(new, new_start));
    let range = |at: &[usize], range: Range<usize>| at[range.start]..at[range.end];
    let Some(algorithm) = algorithm else {
        return vec![Hunk { old: range(&old_at, 0..old.len()), new: range(&new_at, 0..new.len()) }];
    };
    let differs = |op: &DiffOp| !matches!(op, DiffOp::Equal { .. });
    let ops = compare(algorithm, old, new);
    let found = ops.iter().filter(|op| differs(op));
    found
        .map(|op| Hunk { old: range(&old_at, op.old_range()), new: range(&new_at, op.new_range()) })
        .collect()
}

/// The least edits where that is affordable: what one side only inserted must not be taken for a replacement,
/// which would meet the other side's edits.
fn compare(algorithm: Algorithm, old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    if old.len().max(new.len()) > EXACT {
        return capture_diff_slices(algorithm, old, new);
    }
    let mut hook = Compact::new(Replace::new(Capture::new()), old, new);
    let (all_old, all_new) = (0..old.len(), 0..new.len());
    let done: Result<(), Infallible> = match algorithm {
        Algorithm::Patience => patience::diff_deadline_raw(&mut hook, old, all_old, new, all_new, None),
        _ => myers::diff_deadline_raw(&mut hook, old, all_old, new, all_new, None),
    };
    let Ok(()) = done;
    hook.into_inner().into_inner().into_ops()
}

/// Cuts a replaced block of lines into replaced words.
fn word_hunks(old: &str, new: &str, hunk: &Hunk) -> Vec<Hunk> {
    let (before, after) = (&old[hunk.old.clone()], &new[hunk.new.clone()]);
    if before.is_empty() || after.is_empty() {
        return vec![hunk.clone()];
    }
    if before.len() + after.len() > BLOCK_BYTES {
        return line_by_line(old, new, hunk);
    }
    let found = hunks(&words(before), &words(after), hunk.old.start, hunk.new.start, Some(Algorithm::Myers));
    found.iter().map(|word| insertion_or_whole(old, new, word)).collect()
}

/// Compares a long block line by line if it has as many lines as before, as after "replace everywhere".
fn line_by_line(old: &str, new: &str, hunk: &Hunk) -> Vec<Hunk> {
    let before: Vec<&str> = old[hunk.old.clone()].split_inclusive('\n').collect();
    let after: Vec<&str> = new[hunk.new.clone()].split_inclusive('\n').collect();
    if before.len() != after.len() || before.len() < 2 {
        return vec![trim(old, new, hunk)];
    }
    let (mut old_at, mut new_at) = (hunk.old.start, hunk.new.start);
    let mut found = Vec::new();
    for (before, after) in before.iter().zip(&after) {
        let line = Hunk { old: old_at..old_at + before.len(), new: new_at..new_at + after.len() };
        (old_at, new_at) = (line.old.end, line.new.end);
        if before != after {
            found.extend(word_hunks(old, new, &line));
        }
    }
    found
}

/// Letters and digits together, spaces together, a line break's two characters together, everything else by
/// itself.
fn words(text: &str) -> Vec<&str> {
    let class = |c: char| match c {
        '\n' | '\r' => 0,
        c if c.is_whitespace() => 1,
        c if c.is_alphanumeric() || c == '_' => 2,
        _ => 0,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in text.char_indices() {
        let this = class(c);
        let in_line_break = c == '\n' && text[..at].ends_with('\r');
        if at > start && !in_line_break && (last != Some(this) || this == 0) {
            words.push(&text[start..at]);
            start = at;
        }
        last = Some(this);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// A word that only grew or only shrank is edited inside (somebody is typing); any other is replaced whole, so
/// that two people who replace one value leave two values and not a mixture.
fn insertion_or_whole(old: &str, new: &str, hunk: &Hunk) -> Hunk {
    let inner = trim(old, new, hunk);
    if inner.old.is_empty() || inner.new.is_empty() { inner } else { hunk.clone() }
}

/// Leaves out what both sides begin and end with.
fn trim(old: &str, new: &str, hunk: &Hunk) -> Hunk {
    let (before, after) = (&old[hunk.old.clone()], &new[hunk.new.clone()]);
    let same = |(a, b): &(char, char)| a == b;
    let bytes = |(c, _): (char, char)| c.len_utf8();
    let prefix: usize = before.chars().zip(after.chars()).take_while(same).map(bytes).sum();
    let (before, after) = (&before[prefix..], &after[prefix..]);
    let suffix: usize = before.chars().rev().zip(after.chars().rev()).take_while(same).map(bytes).sum();
    Hunk {
        old: hunk.old.start + prefix..hunk.old.end - suffix,
        new: hunk.new.start + prefix..hunk.new.end - suffix,
    }
}

fn splices<'a>(old: &str, new: &'a str, hunks: &[Hunk]) -> Vec<Splice<'a>> {
    let units = |range: Range<usize>| old[range].encode_utf16().count();
    let mut result = Vec::with_capacity(hunks.len());
    let (mut byte, mut unit) = (0, 0);
    for hunk in hunks {
        unit += units(byte..hunk.old.start);
        let delete = units(hunk.old.clone());
        result.push(Splice { at: unit, delete, insert: &new[hunk.new.clone()] });
        unit += delete;
        byte = hunk.old.end;
    }
    result
}

#[cfg(test)]
mod tests;
