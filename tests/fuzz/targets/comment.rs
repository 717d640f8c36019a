//! Places of comments: what one device marked, in a text that others go on writing, and what a changed program claims.

use codex_crdt_model::comments::{anchor, locate};
use codex_crdt_model::entry::{Content, Document, Edit};
use codex_crdt_model::ids::{DeviceId, Heads};
use codex_crdt_model::journal::comment::{Anchor, Comment};

use super::change::{AUTHOR, births};
use super::draw::Draw;

/// A place that was marked is there in its own version, and in every other it is some whole characters of the text or
/// gone; so is any place that keeps the bounds, whatever it says.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw(bytes);
    let birth = births()[0].clone();
    let mut document = Document::from_birth(birth.id(), &birth);
    let mut versions: Vec<Heads> = vec![Heads::new()];
    let mut places: Vec<Anchor> = Vec::new();
    for _ in 0..12 {
        if draw.is_empty() {
            break;
        }
        let choice = draw.below(4);
        let version = versions[draw.below(versions.len())].clone();
        match choice {
            0 => claimed(&mut draw, version, &mut places),
            1 => places.extend(marked(&mut draw, &document, version)),
            _ => versions.extend(written(&mut draw, &mut document, &version)),
        }
    }
    versions.push(document.heads());
    for version in &versions {
        let Some(text) = text(&document, version) else { continue };
        for place in &places {
            is_of_text(&document, place, version, &text);
        }
    }
}

fn text(document: &Document, version: &Heads) -> Option<String> {
    match document.view_at(version)?.content {
        Content::Text(text) => Some(text),
        _ => None,
    }
}

/// What a changed program may send: anything that decodes and keeps the bounds.
fn claimed(draw: &mut Draw<'_>, version: Heads, places: &mut Vec<Anchor>) {
    let start = u32::from(draw.byte());
    let end = if draw.byte() & 1 == 1 { u32::MAX } else { start.saturating_add(draw.byte().into()) };
    let mut place =
        Anchor { version, start, end, quote: draw.text(), before: draw.text(), after: draw.text() };
    if draw.byte() & 1 == 1 {
        place.version = vec![codex_crdt_model::ids::ChangeHash([draw.byte(); 32])];
    }
    let thread = Comment::Thread { entry: births()[0].id(), anchor: Some(place.clone()), text: "?".into() };
    if thread.is_sound() {
        places.push(place);
    }
}

fn marked(draw: &mut Draw<'_>, document: &Document, version: Heads) -> Option<Anchor> {
    let text = text(document, &version)?;
    let (start, length) = (usize::from(draw.byte()), usize::from(draw.byte()));
    let place = anchor(version.clone(), &text, start..start + length)?;
    let found = locate(document, &place, &version, &text);
    assert_eq!(found, Some(start..start + length), "a place is where it was marked");
    Some(place)
}

fn written(draw: &mut Draw<'_>, document: &mut Document, version: &Heads) -> Option<Heads> {
    let text = draw.text().replace('\0', "");
    // Two devices, so that texts are also written at once.
    let (device, volume) = if draw.byte() & 1 == 1 { AUTHOR } else { (DeviceId([6; 32]), AUTHOR.1) };
    let edit = [Edit::Content(Content::Text(text))];
    let made = document.edit(version, &device, volume, 0, &edit).ok()??;
    Some(vec![made.hash])
}

fn is_of_text(document: &Document, place: &Anchor, version: &Heads, text: &str) {
    let Some(found) = locate(document, place, version, text) else { return };
    let again = anchor(version.clone(), text, found.clone());
    assert!(again.is_some(), "{found:?} is a place of {text:?}");
}
