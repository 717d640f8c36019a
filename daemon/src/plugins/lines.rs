//! YAML with the lines where its keys stand, so that whatever is wrong can be shown where it is written.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};
use serde_json::Value;

use crate::mirror::properties;

/// A mapping that was read, and where in its source each of its values stands.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// The values.
    pub value: Value,
    /// Lines, counted from 1, by JSON pointer (RFC 6901): `/views/0/id`.
    lines: BTreeMap<String, usize>,
}

impl Read {
    /// The line of a value; of what is around it, if it has none.
    pub fn line(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.lines.get(pointer) {
                return Some(*line);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// Reads a mapping. A source of a billion laughs is refused by the parser, which counts what aliases repeat.
pub fn read(source: &str) -> Result<Read, (String, Option<usize>)> {
    let value = properties::yaml(source).map_err(|reason| {
        if let Some((key, first, again)) = twice(source) {
            return (format!("the key `{key}` is there twice: in line {first} too"), Some(again));
        }
        let line = reason.split("at line ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        (reason, line)
    })?;
    Ok(Read { value: Value::Object(value), lines: lines(source).by })
}

/// Bytes of pointers that are kept: of a mapping of more, what comes late has the line of what is around it.
const POINTER_BYTES: usize = 1 << 20;

/// The lines by pointer, as far as they are kept.
#[derive(Default)]
struct Lines {
    by: BTreeMap<String, usize>,
    bytes: usize,
    /// The first key that is there a second time, and both lines.
    twice: Option<(String, usize, usize)>,
}

impl Lines {
    /// A key, once more or for the first time.
    fn key(&mut self, path: &[String], line: usize) {
        if self.twice.is_none()
            && let Some(first) = self.by.get(&pointer(path))
        {
            let key = path.last().cloned().unwrap_or_default();
            self.twice = Some((key, *first, line));
        }
        self.insert(path, line);
    }

    fn insert(&mut self, path: &[String], line: usize) {
        let bytes = path.iter().map(|step| step.len() + 1).sum::<usize>();
        if self.bytes + bytes <= POINTER_BYTES {
            self.bytes += bytes;
            self.by.insert(pointer(path), line);
        }
    }
}

fn pointer(path: &[String]) -> String {
    path.iter().flat_map(|step| ["/", step]).collect()
}

/// A step into a list or a mapping that is open.
enum Open {
    List(usize),
    /// The key that comes next, or the one whose value comes next.
    Map(Option<String>),
}

/// A key that one mapping has twice, which no parser takes: which, where first, and where again.
fn twice(source: &str) -> Option<(String, usize, usize)> {
    lines(source).twice
}

fn lines(source: &str) -> Lines {
    let mut lines = Lines::default();
    let mut open: Vec<Open> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    for event in Parser::new_from_str(source) {
        let Ok((event, span)) = event else { break };
        let line = span.start.line();
        match event {
            Event::Scalar(text, ..) => match open.last_mut() {
                Some(Open::Map(key @ None)) => {
                    path.push(escaped(&text));
                    lines.key(&path, line);
                    *key = Some(text.into_owned());
                }
                _ => value(&mut open, &mut path, &mut lines, line, None),
            },
            Event::Alias(_) => value(&mut open, &mut path, &mut lines, line, None),
            Event::SequenceStart(..) => value(&mut open, &mut path, &mut lines, line, Some(Open::List(0))),
            Event::MappingStart(..) => value(&mut open, &mut path, &mut lines, line, Some(Open::Map(None))),
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                closed(&mut open, &mut path);
            }
            _ => {}
        }
    }
    lines
}

/// A value begins; one without an inside ends too.
fn value(open: &mut Vec<Open>, path: &mut Vec<String>, lines: &mut Lines, line: usize, inside: Option<Open>) {
    if let Some(Open::List(at)) = open.last() {
        path.push(at.to_string());
        lines.insert(path, line);
    }
    match inside {
        Some(inside) => open.push(inside),
        None => closed(open, path),
    }
}

fn closed(open: &mut [Open], path: &mut Vec<String>) {
    match open.last_mut() {
        Some(Open::List(at)) => *at += 1,
        Some(Open::Map(key)) => *key = None,
        None => return,
    }
    path.pop();
}

/// A key as a step of a JSON pointer.
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_value_has_the_line_where_it_stands() {
        let read = read("a: 1\nlist:\n  - x: 1\n    y: [p, q]\n  - z\n\"odd/key\":\n  deep: |\n    two\n    lines\nend: 2\n").unwrap();
        for (pointer, line) in [
            ("/a", 1),
            ("/list/0/x", 3),
            ("/list/0/y/1", 4),
            ("/list/1", 5),
            ("/odd~1key/deep", 7),
            ("/end", 10),
            ("/list/0/missing", 3),
            ("/nothing", 0),
        ] {
            assert_eq!(read.line(pointer).unwrap_or(0), line, "{pointer}");
        }
    }

    #[test]
    fn long_keys_with_many_values_keep_no_more_than_is_bounded() {
        let source = format!("? \"{}\"\n: [{}]\nlast: 1\n", "k".repeat(20_000), "0,".repeat(10_000));
        let read = read(&source).unwrap();
        assert!(read.lines.keys().map(String::len).sum::<usize>() <= POINTER_BYTES);
        assert_eq!(read.line("/last"), Some(3));
    }

    #[test]
    fn a_key_that_is_there_twice_has_both_lines() {
        let (say, line) = read("a: 1\nlist:\n  - x: 1\n    x: 2\n").unwrap_err();
        assert_eq!((say.as_str(), line), ("the key `x` is there twice: in line 3 too", Some(4)));
        assert!(read("list:\n  - x: 1\n  - x: 2\n").is_ok());
    }

    #[test]
    fn what_is_no_mapping_is_refused_with_its_line() {
        assert!(read("a: 1\nb: [1\nc: 2\n").unwrap_err().1.is_some());
        assert!(read("- a\n").is_err());
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..12 {
            let item = format!("*a{}", at - 1);
            bomb.push_str(&format!("a{at}: &a{at} [{}]\n", [item.as_str(); 9].join(", ")));
        }
        assert!(read(&bomb).is_err());
    }
}
