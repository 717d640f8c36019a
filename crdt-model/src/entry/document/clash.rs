//! Finds what two sides changed at once and what could not be merged.

use super::Clash;
use super::change::text_hash;
use super::schema::Reader;
use crate::entry::birth::{Content, Kind};

/// All clashes of a version.
pub(super) fn find(reader: &Reader<'_>) -> Vec<Clash> {
    let mut clashes = Vec::new();
    let shown = reader.content();
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
    let is_bytes = matches!(shown.kind(), Kind::Blob | Kind::Symlink);
    let remembered = reader.blob().and_then(|value| value.instead_of);
    if is_bytes && text_hash(reader) != remembered {
        clashes.push(Clash::Text { text: reader.text() });
    }
    clashes
}
