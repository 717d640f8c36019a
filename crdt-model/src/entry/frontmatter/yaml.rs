//! Asks the YAML parser where keys and items lie. Whatever is unusual, or makes the parser err or panic, is
//! answered by `None`, and the caller keeps the source whole.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::catch_unwind;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{FRONT_BYTES, is_silent};

/// Events with byte ranges.
type Events = Vec<(Owned, Range<usize>)>;

/// What is needed of an event.
#[derive(Debug)]
enum Owned {
    Scalar { value: String, style: ScalarStyle, anchor: usize, tagged: bool },
    Alias(usize),
    Sequence { anchor: usize, tagged: bool },
    Mapping { anchor: usize, tagged: bool },
    End,
}

/// Where each key of a block mapping starts, and its name. Empty for comments only.
pub(super) fn keys(inner: &str) -> Option<Vec<(usize, String)>> {
    if inner.split_inclusive('\n').all(is_silent) {
        return Some(Vec::new());
    }
    let document_mark = |line: &str| line.starts_with("---") || line.starts_with("...");
    if inner.split('\n').any(document_mark) || inner.contains('\0') {
        return None;
    }
    let found = walk(inner, &events(inner)?)?;
    let first = found.first().map_or(0, |(start, _)| *start);
    let mut seen = BTreeSet::new();
    let distinct = found.iter().all(|(_, name)| seen.insert(name));
    (distinct && inner[..first].split_inclusive('\n').all(is_silent)).then_some(found)
}

/// Follows the events of one top-level mapping.
fn walk(inner: &str, events: &Events) -> Option<Vec<(usize, String)>> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut anchors: BTreeMap<usize, usize> = BTreeMap::new();
    let mut depth = 0_usize;
    let mut key_next = false;
    for (at, (event, range)) in events.iter().enumerate() {
        match (depth, event) {
            (0, Owned::Mapping { anchor: 0, tagged: false }) if at == 0 => {
                (depth, key_next) = (1, true);
                continue;
            }
            (0, _) => return None,
            (1, Owned::Scalar { value, style, anchor: 0, tagged: false }) if key_next => {
                found.push((range.start, key_at(inner, range.start, value, *style)?));
                key_next = false;
                continue;
            }
            (1, Owned::End) if key_next => {
                depth = 0;
                continue;
            }
            (1, _) if key_next => return None,
            // An alias may only refer to the same key: the other may be changed or gone.
            (_, Owned::Alias(anchor)) if anchors.get(anchor) != Some(&found.len()) => return None,
            (_, Owned::Alias(_)) => {}
            (_, Owned::Scalar { anchor, .. }) => {
                anchors.insert(*anchor, found.len());
            }
            (_, Owned::Sequence { anchor, .. } | Owned::Mapping { anchor, .. }) => {
                anchors.insert(*anchor, found.len());
                depth += 1;
            }
            (_, Owned::End) => depth -= 1,
        }
        key_next = depth == 1;
    }
    (depth == 0 && !found.is_empty()).then_some(found)
}

/// The key's name, if it stands at the start of a line and can name a property.
fn key_at(inner: &str, start: usize, value: &str, style: ScalarStyle) -> Option<String> {
    let line_start = start == 0 || inner.get(..start)?.ends_with('\n');
    let rest = inner.get(start..)?;
    let as_found = match style {
        ScalarStyle::Plain => rest.starts_with(value),
        ScalarStyle::SingleQuoted => rest.starts_with('\''),
        ScalarStyle::DoubleQuoted => rest.starts_with('"'),
        ScalarStyle::Literal | ScalarStyle::Folded => false,
    };
    let usable = !value.is_empty() && !value.chars().any(char::is_control);
    (line_start && as_found && usable).then(|| value.to_owned())
}

/// A list of scalars as the value of one key: the range of the list's first character (`[`, or the first
/// item's dash), and the items' ranges and values.
pub(super) struct Scalars {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) items: Vec<(Range<usize>, String)>,
}

/// Finds a list of plain or quoted one-line scalars in the source of one key.
pub(super) fn scalars(source: &str) -> Option<Scalars> {
    let looks_like_one =
        source.contains('[') || source.lines().any(|line| line.trim_start().starts_with('-'));
    if !looks_like_one || source.contains('\0') {
        return None;
    }
    let events = events(source)?;
    let mut events = events.iter();
    let Some((Owned::Mapping { anchor: 0, tagged: false }, _)) = events.next() else { return None };
    let Some((Owned::Scalar { anchor: 0, tagged: false, .. }, _)) = events.next() else { return None };
    let Some((Owned::Sequence { anchor: 0, tagged: false }, first)) = events.next() else { return None };
    let mut items = Vec::new();
    let last = loop {
        match events.next()? {
            (Owned::Scalar { value, style, anchor: 0, tagged: false }, range) => {
                // The parser counts spaces behind a quoted scalar in.
                let written = source.get(range.clone())?.trim_end_matches([' ', '\t']);
                let as_found = match style {
                    ScalarStyle::Plain => written == value,
                    ScalarStyle::SingleQuoted => is_quoted(written, '\''),
                    ScalarStyle::DoubleQuoted => is_quoted(written, '"'),
                    ScalarStyle::Literal | ScalarStyle::Folded => false,
                };
                if !as_found || written.is_empty() || written.contains(['\n', '\r']) {
                    return None;
                }
                items.push((range.start..range.start + written.len(), value.clone()));
            }
            (Owned::End, range) => break range,
            _ => return None,
        }
    };
    let ended = matches!((events.next(), events.next()), (Some((Owned::End, _)), None));
    ended.then_some(Scalars { start: first.start, end: last.start, items })
}

fn is_quoted(written: &str, quote: char) -> bool {
    written.len() >= 2 && written.starts_with(quote) && written.ends_with(quote)
}

/// All events of a source that is one document, or `None` for anything the parser does not like.
fn events(source: &str) -> Option<Events> {
    if source.len() > FRONT_BYTES {
        return None;
    }
    // Its limits are not all checked; what it panics on is no YAML for us either.
    catch_unwind(|| parse(source)).ok().flatten()
}

fn parse(source: &str) -> Option<Events> {
    let mut offsets: Vec<usize> = source.char_indices().map(|(at, _)| at).collect();
    offsets.push(source.len());
    let bytes = |span: &Span| Some(*offsets.get(span.start.index())?..*offsets.get(span.end.index())?);
    let mut events = Events::new();
    let mut documents = 0;
    for next in Parser::new_from_str(source) {
        let (event, span) = next.ok()?;
        let owned = match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            Event::DocumentStart(explicit) => {
                documents += 1;
                if explicit || documents > 1 {
                    return None;
                }
                continue;
            }
            Event::Alias(anchor) => Owned::Alias(anchor),
            Event::Scalar(value, style, anchor, tag) => {
                Owned::Scalar { value: value.into_owned(), style, anchor, tagged: tag.is_some() }
            }
            Event::SequenceStart(anchor, tag) => Owned::Sequence { anchor, tagged: tag.is_some() },
            Event::MappingStart(anchor, tag) => Owned::Mapping { anchor, tagged: tag.is_some() },
            Event::SequenceEnd | Event::MappingEnd => Owned::End,
        };
        events.push((owned, bytes(&span)?));
    }
    Some(events)
}
