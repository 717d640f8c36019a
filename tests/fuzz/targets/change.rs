//! Automerge changes, in an entry's document: as they are, and with an envelope that is in order (dependencies, actor,
//! numbers, checksum), so that what stands in it gets as far as Automerge.

use std::sync::OnceLock;

use codex_crdt_model::entry::birth::BIRTH_FORMAT;
use codex_crdt_model::entry::{Birth, Content, Document, Edit, change_hash};
use codex_crdt_model::ids::{ChangeHash, ContentHash, DeviceId, EntryId, Heads, NotebookId, Volume};

use super::draw::Draw;
use super::envelope;

/// What the entries of this target are born as.
pub fn births() -> [Birth; 3] {
    let birth = |name: &str, content| Birth {
        format: BIRTH_FORMAT,
        notebook: NotebookId([9; 32]),
        parent: EntryId::ROOT,
        name: name.to_owned(),
        content,
        nonce: 0,
    };
    [
        birth("a.md", Content::Text("---\n# c\ntags: [a, b]\ndone: 1\n---\nOne line.\nTwo.\n".to_owned())),
        birth("b.png", Content::Blob { hash: ContentHash([7; 32]), size: 70_000 }),
        birth("d", Content::Folder),
    ]
}

fn born() -> &'static [(Birth, Document); 3] {
    static BORN: OnceLock<[(Birth, Document); 3]> = OnceLock::new();
    BORN.get_or_init(|| births().map(|birth| (birth.clone(), Document::from_birth(birth.id(), &birth))))
}

/// Whose changes they are.
pub const AUTHOR: (DeviceId, Volume) = (DeviceId([5; 32]), Volume(3));

/// No panic gets out, a refused change leaves the document as it was, and what was taken in can be saved, loaded, read
/// at every version and edited.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw(bytes);
    let (birth, mut document) = born()[draw.below(3)].clone();
    let id = birth.id();
    let mut chunks = vec![document.save()];
    let mut versions: Vec<Heads> = vec![Heads::new()];
    for _ in 0..8 {
        if draw.is_empty() {
            break;
        }
        let choice = draw.byte();
        let bytes = draw.piece();
        let change = if choice & 1 == 0 {
            let version = &versions[usize::from(choice >> 1) % versions.len()];
            envelope::change(&document, version, AUTHOR, bytes)
        } else {
            Some((u32::from(choice >> 1), bytes.to_vec()))
        };
        let Some((branch, change)) = change else { continue };
        let before = (document.heads(), document.view());
        match document.apply(&AUTHOR.0, AUTHOR.1, branch, &change) {
            Ok(Some(hash)) => {
                assert_eq!(change_hash(&change), Some(hash));
                chunks.push(change);
                versions.push(document.heads());
                taken_in(&document, hash);
            }
            Ok(None) | Err(_) => assert_eq!((document.heads(), document.view()), before),
        }
    }
    for version in &versions {
        assert!(document.view_at(version).is_some(), "a version stays");
    }
    if let [_, .., last] = &versions[..] {
        loads(&document, id, &birth, &chunks);
        let version = if last.len() > 1 { last } else { &versions[versions.len() / 2] };
        edit(document, version);
    }
}

/// Everything that is asked of a document with such a change in it.
fn taken_in(document: &Document, hash: ChangeHash) {
    let _ = (document.clashes(), document.deeds(&hash));
    let content = document.view().content;
    document.has_made(&vec![hash], &AUTHOR.0, AUTHOR.1, &content);
    assert!(document.changes().contains(&hash) && document.knows(&vec![hash]));
    assert!(document.view_at(&vec![hash]).is_some());
}

/// The store's two ways of keeping a document come to the same.
fn loads(document: &Document, id: EntryId, birth: &Birth, chunks: &[Vec<u8>]) {
    for chunks in [chunks, &[document.save()]] {
        let loaded = Document::load(id, birth, chunks).expect("what was taken in can be loaded");
        assert_eq!((loaded.heads(), loaded.view()), (document.heads(), document.view()));
    }
}

/// Whoever is honest goes on, by an edit of some version.
fn edit(mut document: Document, version: &Heads) {
    let edits = [Edit::Content(Content::Text("---\ntags: [b, c]\n---\nOne.\nTwo lines.\n".to_owned()))];
    if let Ok(Some(made)) = document.edit(version, &DeviceId([6; 32]), Volume(1), 0, &edits) {
        assert!(document.knows(&vec![made.hash]));
    }
    let _ = document.view();
}
