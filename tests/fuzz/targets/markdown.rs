//! Texts of notes: frontmatter taken apart and put together, properties set, headings and links found.

use codex_crdt_model::entry::birth::BIRTH_FORMAT;
use codex_crdt_model::entry::frontmatter::{self, Parts};
use codex_crdt_model::entry::text::diff;
use codex_crdt_model::entry::{Birth, Content, Document, Edit};
use codex_crdt_model::ids::{DeviceId, EntryId, Heads, NotebookId, Volume};
use codexd::mirror::{tasks, text};

use super::draw::Draw;

/// A text goes into a document and comes out byte for byte, also as an edit of another; setting a property touches that
/// property alone.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw(bytes);
    let choice = draw.byte();
    let (key, source) = (draw.text(), draw.text());
    let first = draw.text();
    let second = String::from_utf8_lossy(draw.0).into_owned();
    for text in [&first, &second] {
        parts(text, &key, &source);
        let (front, body) = text::split(text);
        assert!(front.unwrap_or_default().len() + body.len() <= text.len());
        let read = text::markdown(body);
        read.links.iter().for_each(|link| assert!(!link.key().contains('/')));
        let units: Vec<u16> = text.encode_utf16().collect();
        tasks::in_text(text).iter().for_each(|task| assert_eq!(units[task.at], u16::from(b'[')));
    }
    splices(&first, &second);
    // It takes ten times as long as all the rest.
    if choice & 7 == 0 && !first.contains('\0') && !second.contains('\0') {
        document(first, &second);
    }
}

fn parts(text: &str, key: &str, source: &str) {
    let parts = frontmatter::split(text);
    assert_eq!(parts.join(), text);
    assert_eq!(parts.clone().completed(), parts, "nothing is missing in what was taken apart");
    for source in [Some(source), None] {
        let mut edited = parts.clone();
        if frontmatter::set(&mut edited, key, source).is_ok() {
            // A byte order mark goes before frontmatter that is new.
            assert!(edited.body == parts.body || parts.body.strip_prefix('\u{feff}') == Some(&edited.body));
            assert_eq!(frontmatter::split(&edited.join()), edited);
            let others = |parts: &Parts| {
                let names = parts.keys.iter().map(|other| other.name.clone());
                names.filter(|name| name != key).collect::<Vec<_>>()
            };
            assert_eq!(others(&edited), others(&parts));
            assert_eq!(edited.keys.iter().any(|other| other.name == key), source.is_some());
        } else {
            assert_eq!(edited, parts, "a refusal changes nothing");
        }
    }
}

/// The splices that lead from one text to another do.
fn splices(old: &str, new: &str) {
    let mut units: Vec<u16> = old.encode_utf16().collect();
    for splice in diff(old, new).into_iter().rev() {
        units.splice(splice.at..splice.at + splice.delete, splice.insert.encode_utf16());
    }
    assert_eq!(String::from_utf16(&units).as_deref().ok(), Some(new));
}

fn document(first: String, second: &str) {
    let birth = Birth {
        format: BIRTH_FORMAT,
        notebook: NotebookId([9; 32]),
        parent: EntryId::ROOT,
        name: "a.md".to_owned(),
        content: Content::Text(first),
        nonce: 0,
    };
    let mut document = Document::from_birth(birth.id(), &birth);
    assert_eq!(document.view().content, birth.content);
    let edits = [Edit::Content(Content::Text(second.to_owned()))];
    let made = document.edit(&Heads::new(), &DeviceId([5; 32]), Volume(1), 0, &edits);
    made.expect("any text can be written");
    assert_eq!(document.view().content, Content::Text(second.to_owned()));
}
