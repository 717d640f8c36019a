//! Where a Markdown text holds its links: exactly the bytes that name a target, so that another target can be put there and
//! nothing else changes.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

use super::properties;
use super::text::{self, OPTIONS, RawLink, link};

/// How a link is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `[[target]]`
    Wiki,
    /// The same in a property, where YAML gives some letters a meaning of their own.
    Property,
    /// `[text](target)`, `[text]: target`
    Plain,
    /// The same with `<target>`.
    Angled,
}

/// A link where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// What it says.
    pub link: RawLink,
    /// How.
    pub style: Style,
    /// The bytes of its target, without fragment and query.
    pub target: Range<usize>,
}

/// A link that has begun.
struct Begun {
    range: Range<usize>,
    link_type: LinkType,
    dest: String,
    is_image: bool,
    /// Where its text ends, as far as it is known.
    inside: usize,
}

/// All links of a whole text that stay in the notebook, in its order: wikilinks of its frontmatter, and those of its body.
pub fn of(whole: &str) -> Vec<Occurrence> {
    let (front, body) = text::split(whole);
    let before = whole.len() - body.len();
    let mut found = Vec::new();
    if let Some(front) = front {
        let closing = whole[..before].trim_end().len() - "---".len();
        found = moved(of_properties(front), closing - front.len());
    }
    found.extend(moved(of_body(body), before));
    found
}

fn moved(found: Vec<Occurrence>, by: usize) -> Vec<Occurrence> {
    let there = |one: Occurrence| Occurrence { target: one.target.start + by..one.target.end + by, ..one };
    found.into_iter().map(there).collect()
}

/// Wikilinks that are texts of a frontmatter, or in one.
pub fn of_properties(front: &str) -> Vec<Occurrence> {
    if !front.contains("[[") {
        return Vec::new();
    }
    let Ok(read) = properties::yaml(front) else { return Vec::new() };
    let texts = properties::flatten(&read).flat;
    let meant: BTreeSet<&str> =
        texts.iter().flat_map(|flat| in_brackets(&flat.text)).map(|(_, inner)| inner).collect();
    let occurrence = |(open, inner): (usize, &str)| {
        let path = inner.split(['|', '#', '?']).next().unwrap_or_default();
        let start = open + (path.len() - path.trim_start().len());
        let link = link(inner.split('|').next().unwrap_or_default(), "wiki")?;
        Some(Occurrence { link, style: Style::Property, target: start..start + path.trim().len() })
    };
    in_brackets(front).into_iter().filter(|(_, inner)| meant.contains(inner)).filter_map(occurrence).collect()
}

/// What stands in double brackets within a line, and where it begins.
fn in_brackets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("[[").map(|open| at + open + 2) {
        at = open;
        let end = text[open..].find(['[', ']', '\n']).map_or(text.len(), |length| open + length);
        let inner = &text[open..end];
        if !inner.is_empty() && text[end..].starts_with("]]") {
            found.push((open, inner));
        }
    }
    found
}

fn of_body(body: &str) -> Vec<Occurrence> {
    let parser = Parser::new_ext(body, OPTIONS);
    let mut found = Vec::new();
    for (_, definition) in parser.reference_definitions().iter() {
        let span = definition.span.clone();
        let Some(colon) = body.get(span.clone()).and_then(|text| text.find("]:")) else { continue };
        found.extend(plain(body, span.start + colon + 2, span.end, &definition.dest, "link"));
    }
    let mut begun: Vec<Begun> = Vec::new();
    for (event, range) in parser.into_offset_iter() {
        if let Some(outer) = begun.last_mut()
            && !matches!(event, Event::End(TagEnd::Link | TagEnd::Image))
        {
            outer.inside = outer.inside.max(range.end);
        }
        match event {
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                begun.push(Begun::new(range, link_type, dest_url.into_string(), false));
            }
            Event::Start(Tag::Image { link_type, dest_url, .. }) => {
                begun.push(Begun::new(range, link_type, dest_url.into_string(), true));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                let Some(ended) = begun.pop() else { continue };
                if let Some(outer) = begun.last_mut() {
                    outer.inside = outer.inside.max(ended.range.end);
                }
                found.extend(ended.occurrence(body));
            }
            _ => {}
        }
    }
    found.sort_by_key(|one| one.target.start);
    found.dedup_by_key(|one| one.target.start);
    found
}

impl Begun {
    fn new(range: Range<usize>, link_type: LinkType, dest: String, is_image: bool) -> Self {
        let inside = range.start + if is_image { 2 } else { 1 };
        Self { range, link_type, dest, is_image, inside }
    }

    fn occurrence(&self, body: &str) -> Option<Occurrence> {
        let source = body.get(self.range.clone())?;
        match self.link_type {
            LinkType::WikiLink { .. } => {
                let open = self.range.start + source.find("[[")? + 2;
                let inner = body.get(open..self.range.end)?;
                let path = &inner[..inner.find(['|', '#', '?', ']'])?];
                let start = open + (path.len() - path.trim_start().len());
                let link = link(&self.dest, if self.is_image { "embed" } else { "wiki" })?;
                Some(Occurrence { link, style: Style::Wiki, target: start..start + path.trim().len() })
            }
            LinkType::Inline => {
                let close = body.get(self.inside..self.range.end)?.find("](")?;
                let start = self.inside + close + 2;
                plain(body, start, self.range.end, &self.dest, if self.is_image { "image" } else { "link" })
            }
            _ => None,
        }
    }
}

/// The target that begins at or behind a place.
fn plain(body: &str, from: usize, end: usize, dest: &str, kind: &'static str) -> Option<Occurrence> {
    let text = body.get(from..end)?;
    let start = from + (text.len() - text.trim_start().len());
    let rest = body.get(start..end)?;
    let (style, start, rest) = match rest.strip_prefix('<') {
        Some(inner) => (Style::Angled, start + 1, inner),
        None => (Style::Plain, start, rest),
    };
    let mut depth = 0_usize;
    let mut escaped = false;
    let ends = rest.char_indices().find(|(_, c)| {
        let was_escaped = escaped;
        escaped = *c == '\\' && !was_escaped;
        match c {
            '>' if style == Style::Angled => !was_escaped,
            '#' | '?' => true,
            _ if style == Style::Angled || was_escaped => false,
            '(' => {
                depth += 1;
                false
            }
            ')' if depth == 0 => true,
            ')' => {
                depth -= 1;
                false
            }
            c => c.is_whitespace(),
        }
    });
    let length = ends.map_or(rest.len(), |(at, _)| at);
    Some(Occurrence { link: link(dest, kind)?, style, target: start..start + length })
}

/// A path as the target of a link that is no wikilink.
pub fn encoded(path: &str, style: Style) -> String {
    let mut encoded = String::with_capacity(path.len());
    for c in path.chars() {
        let is_plain = match c {
            '%' | '#' | '?' | '\\' | '&' | '<' | '>' => false,
            ' ' | '(' | ')' => style == Style::Angled,
            c => !c.is_control() && !c.is_whitespace(),
        };
        if is_plain {
            encoded.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    // Else it would read as the name of a scheme.
    let first = encoded.split('/').next().unwrap_or_default();
    if first.contains(':') { format!("./{encoded}") } else { encoded }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[[ Note #H|alias]] ![[a.png]] [t *x*](b%20c.md#h \"t\") ![](<d e.png>) [![i](i(1).png)](j.md?q)\n\
        [r][r] [web](https://x.y/z) `[[code]]` [s] [m](mailto:a@b) [`]`](k.md) [n](#here)\n\n[r]: ../f.md 'x'\n[s]: <g h.md>\n";

    #[test]
    fn every_target_is_exactly_where_it_stands() {
        let found = of(TEXT);
        let shown: Vec<(&str, &str)> =
            found.iter().map(|one| (&TEXT[one.target.clone()], one.link.target.as_str())).collect();
        let expect = [
            ("Note", "Note"),
            ("a.png", "a.png"),
            ("b%20c.md", "b c.md"),
            ("d e.png", "d e.png"),
            ("i(1).png", "i(1).png"),
            ("j.md", "j.md"),
            ("k.md", "k.md"),
            ("../f.md", "../f.md"),
            ("g h.md", "g h.md"),
        ];
        assert_eq!(shown, expect);
    }

    #[test]
    fn wikilinks_of_properties_are_links() {
        let text = "\u{feff}---\r\nof: \"[[ Note #H|x]]\"\r\nall: ['[[b/c.md]]', x]\r\nm: [[e], [f]]\r\n# [[g]]\r\n---\r\n[[h]]\n";
        let found = of(text);
        let shown: Vec<(&str, &str)> =
            found.iter().map(|one| (&text[one.target.clone()], one.link.target.as_str())).collect();
        assert_eq!(shown, [("Note", "Note"), ("b/c.md", "b/c.md"), ("h", "h")]);
        assert_eq!(of("---\na: see [[D]] [[]]\n---\n")[0].target, 13..14);
        assert_eq!(of("---\na: [[D]\n---\n"), []);
        assert_eq!(of(&format!("---\na: [{}]\n---\n", "'[[x]]', ".repeat(5000))).len(), 5000);
    }

    #[test]
    fn a_path_that_is_written_reads_as_it_was() {
        for path in
            ["a b/ü (1).md", "100%.md", "a#b?c.md", "x:y.md", "a&amp;b.md", "a<b>.md", "back\\slash.md"]
        {
            for (style, text) in [
                (Style::Plain, format!("[t]({})", encoded(path, Style::Plain))),
                (Style::Angled, format!("[t](<{}>)", encoded(path, Style::Angled))),
            ] {
                let found = of(&text);
                let target = found.first().map(|one| one.link.target.trim_start_matches("./"));
                assert_eq!(target, Some(path), "{style:?} {text}");
            }
        }
    }
}
