//! Finds what two sides changed at once and what could not be merged.

use super::Clash;
use super::front::Front;
use super::schema::Reader;
use crate::entry::birth::{Content, Kind};
use crate::entry::frontmatter::{carries, split};

/// All clashes of a version.
pub(super) fn find(reader: &Reader<'_>) -> Vec<Clash> {
    let shown = reader.content();
    let mut clashes = if shown.kind() == Kind::Text { in_text(reader) } else { Vec::new() };
    let mut others: Vec<Content> = Vec::new();
    for value in reader.blobs() {
        let content = value.target.content();
        if content != shown && !others.contains(&content) {
            others.push(content);
        }
    }
    if !others.is_empty() {
        clashes.push(Clash::Blob { others });
    }
    clashes
}

fn in_text(reader: &Reader<'_>) -> Vec<Clash> {
    let front = Front::read(reader);
    let properties = front.properties_in_conflict(reader).into_iter();
    let mut clashes: Vec<Clash> = properties.map(|(key, sources)| Clash::Property { key, sources }).collect();
    let name = reader.name();
    let reads_as_written = || !carries(&name) || split(&front.parts.join()) == front.parts;
    if front.frame_in_conflict(reader) || front.parts.has_front() && !reads_as_written() {
        clashes.push(Clash::Frontmatter);
    }
    clashes
}
