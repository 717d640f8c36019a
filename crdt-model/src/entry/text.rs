//! Turns an outside rewrite of a text into small edits: lines first, then words inside changed lines.
//!
//! Deterministic: what bounds the work is size, never a clock. Positions count UTF-16 code units, as the
//! documents do.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// More changed lines than this on one side are replaced as one block: the line diff would cost too much.
const LINES: usize = 20_000;
/// Longer replaced blocks, in bytes, are not compared word by word.
const BLOCK_BYTES: usize = 20 << 10;
/// With more edits than this the diff is made coarser: each costs Automerge a tenth of a millisecond.
const SPLICES: usize = 4_000;

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
    let mut hunks: Vec<Hunk> = lines.iter().flat_map(|hunk| word_hunks(old, new, hunk)).collect();
    if hunks.len() > SPLICES {
        hunks = lines;
    }
    if hunks.len() > SPLICES {
        hunks = vec![trim(old, new, &Hunk { old: 0..old.len(), new: 0..new.len() })];
    }
    splices(old, new, &hunks)
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
    let ops = capture_diff_slices(algorithm, old, new);
    let found = ops.iter().filter(|op| differs(op));
    found
        .map(|op| Hunk { old: range(&old_at, op.old_range()), new: range(&new_at, op.new_range()) })
        .collect()
}

/// Cuts a replaced block of lines into replaced words.
fn word_hunks(old: &str, new: &str, hunk: &Hunk) -> Vec<Hunk> {
    let (before, after) = (&old[hunk.old.clone()], &new[hunk.new.clone()]);
    if before.is_empty() || after.is_empty() {
        return vec![hunk.clone()];
    }
    if before.len() + after.len() > BLOCK_BYTES {
        return vec![trim(old, new, hunk)];
    }
    let found = hunks(&words(before), &words(after), hunk.old.start, hunk.new.start, Some(Algorithm::Myers));
    found.iter().map(|word| insertion_or_whole(old, new, word)).collect()
}

/// Letters and digits together, spaces together, everything else by itself.
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
        if at > start && (last != Some(this) || this == 0) {
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
