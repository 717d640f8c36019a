//! Splits a text into frontmatter and body, and the frontmatter into one source text per key; joins them
//! again to the same bytes.
//!
//! ```text
//! ---            open
//! # a comment    head
//! status: done   keys[0]
//! tags:          keys[1]
//!   - a
//! ---            close
//! Text.          body
//! ```
//!
//! A block that is not plain block-style YAML with distinct keys stays whole, in `raw`.

use std::borrow::Cow;

pub mod edit;
pub mod list;
pub mod order;
mod yaml;

pub use edit::{PropertyRefused, set};

/// A longer frontmatter is kept whole: parsing it at every edit would cost too much.
const FRONT_BYTES: usize = 64 << 10;

/// One key of the frontmatter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name, unquoted.
    pub name: String,
    /// Its lines, up to the next key; they end with a line break.
    pub source: String,
}

/// A text in its parts. Written one after the other they are the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The opening line with what precedes it (a byte order mark); empty if there is no frontmatter.
    pub open: String,
    /// What precedes the first key: comments and empty lines.
    pub head: String,
    /// The keys as they follow each other.
    pub keys: Vec<Key>,
    /// The block's inner text if it is not split into keys.
    pub raw: String,
    /// The closing line.
    pub close: String,
    /// Everything after it.
    pub body: String,
}

/// Whether files of this name carry frontmatter.
pub fn carries(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("md" | "cdx"))
}

/// Whether properties can be set in the text of a file of this name. A folder's `.metadata` is frontmatter too, but its
/// document holds it as one text: how a document begins never changes.
pub fn takes_properties(name: &str) -> bool {
    carries(name) || name == ".metadata"
}

impl Parts {
    /// A text that is body only.
    pub fn plain(text: &str) -> Self {
        Self { body: text.to_owned(), ..Self::default() }
    }

    /// The parts of a file's text.
    pub fn of(name: &str, text: &str) -> Self {
        if carries(name) { split(text) } else { Self::plain(text) }
    }

    /// Whether there is frontmatter, be it empty.
    pub fn has_front(&self) -> bool {
        !(self.open.is_empty() && self.head.is_empty() && self.keys.is_empty() && self.raw.is_empty())
    }

    /// The text.
    pub fn join(&self) -> String {
        let sources = self.keys.iter().map(|key| key.source.as_str());
        let before = [self.open.as_str(), self.head.as_str()].into_iter();
        let after = [self.raw.as_str(), self.close.as_str(), self.body.as_str()];
        before.chain(sources).chain(after).collect()
    }

    /// Gives parts that came from two sides what they need to follow each other: delimiters if there is
    /// frontmatter, and a line break at the end of every part that something follows. Changes nothing that
    /// [`split`] made.
    pub fn completed(mut self) -> Self {
        if !self.has_front() {
            self.close.clear();
            return self;
        }
        for line in [&mut self.open, &mut self.close] {
            if line.is_empty() {
                "---\n".clone_into(line);
            }
        }
        let inner = self.keys.iter_mut().map(|key| &mut key.source);
        for part in [&mut self.open, &mut self.head, &mut self.raw].into_iter().chain(inner) {
            if !part.is_empty() && !part.ends_with('\n') {
                part.push('\n');
            }
        }
        if !self.body.is_empty() && !self.close.ends_with('\n') {
            self.close.push('\n');
        }
        self
    }

    /// The line break that the frontmatter uses.
    fn eol(&self) -> &'static str {
        let first = if self.open.is_empty() { &self.body } else { &self.open };
        let line = first.split_inclusive('\n').next().unwrap_or_default();
        if line.ends_with("\r\n") { "\r\n" } else { "\n" }
    }
}

/// Splits a text. `split(text).join() == text` for every text.
pub fn split(text: &str) -> Parts {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = text[mark..].split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.ends_with('\n') && is_delimiter(line)) else {
        return Parts::plain(text);
    };
    let start = mark + first.len();
    let mut end = start;
    for line in lines {
        if is_delimiter(line) {
            let (inner, close_end) = (&text[start..end], end + line.len());
            let open = text[..start].to_owned();
            let close = text[end..close_end].to_owned();
            return Parts { open, close, body: text[close_end..].to_owned(), ..split_inner(inner) };
        }
        end += line.len();
    }
    Parts::plain(text)
}

/// The head and keys of a block's inner text, or its raw text.
fn split_inner(inner: &str) -> Parts {
    let Some(found) = yaml::keys(inner) else {
        return Parts { raw: inner.to_owned(), ..Parts::default() };
    };
    let ends = found.iter().skip(1).map(|(start, _)| *start).chain([inner.len()]);
    let head = inner[..found.first().map_or(inner.len(), |(start, _)| *start)].to_owned();
    let key = |((start, name), end): (&(usize, String), usize)| Key {
        name: name.clone(),
        source: inner[*start..end].to_owned(),
    };
    let keys = found.iter().zip(ends).map(key).collect();
    Parts { head, keys, ..Parts::default() }
}

fn is_delimiter(line: &str) -> bool {
    line.trim_end_matches(['\n', '\r', ' ', '\t']) == "---"
}

/// Whether a line says nothing: empty or a comment.
fn is_silent(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// `text` with its line breaks written as `eol`.
fn with_eol<'a>(text: &'a str, eol: &str) -> Cow<'a, str> {
    if eol == "\n" || text.contains("\r\n") {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.replace('\n', eol))
    }
}

#[cfg(test)]
pub(crate) mod tests;
