//! Two devices with the simplest of disks and a perfect link: the main job in small. Faults are the
//! simulator's business (`tests/sim`).
#![allow(clippy::unwrap_used)]

mod bounds;
mod comments;
mod device;
mod seals;
mod trust;

use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{Event, Request, Version};
use codex_crdt_model::store::Source;

use crate::device::{Node, Pair, joined, path};

#[test]
fn a_folder_fills_and_follows() {
    let mut pair = joined(&[("a.md", "one\n"), ("d/b.md", "two\n")]);
    pair.same(&[("a.md", "one\n"), ("d/b.md", "two\n")]);
    pair.a.put("a.md", "one\nmore\n");
    pair.b.rename("d/b.md", "d/c.md");
    pair.settle();
    pair.same(&[("a.md", "one\nmore\n"), ("d/c.md", "two\n")]);
    pair.b.rename("d", "e");
    pair.a.remove("a.md");
    pair.settle();
    pair.same(&[("e/c.md", "two\n")]);
}

#[test]
fn edits_on_both_sides_merge_by_character() {
    let mut pair = joined(&[("a.md", "one\ntwo\nthree\n")]);
    pair.cut();
    pair.a.put("a.md", "one A\ntwo\nthree\n");
    pair.b.put("a.md", "one\ntwo\nthree B\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one A\ntwo\nthree B\n")]);
}

/// losses.md L9: edit beats delete.
#[test]
fn an_edit_beats_a_deletion() {
    let mut pair = joined(&[("a.md", "one\n")]);
    pair.cut();
    pair.a.remove("a.md");
    pair.b.put("a.md", "one\nkept\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one\nkept\n")]);
}

/// losses.md L2: one path, two offline machines, different bytes.
#[test]
fn one_path_made_twice_is_two_files() {
    let mut pair = joined(&[("x.md", "x\n")]);
    pair.cut();
    pair.a.put("n.md", "from a\n");
    pair.b.put("n.md", "from b\n");
    pair.settle();
    pair.connect();
    pair.settle();
    assert_eq!(pair.a.files(), pair.b.files());
    let texts: Vec<Node> = pair.a.files().into_values().collect();
    assert!(texts.contains(&Node::File("from a\n".into())), "{texts:?}");
    assert!(texts.contains(&Node::File("from b\n".into())), "{texts:?}");
    assert_eq!(texts.len(), 3);
}

/// losses.md L1, L3: the same file imported twice is one file.
#[test]
fn one_file_imported_twice_is_one_file() {
    let mut pair = Pair::new();
    pair.a.put("a.md", "same\n");
    pair.settle();
    pair.b.put("a.md", "same\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "same\n")]);
    pair.cut();
    pair.a.put("b.md", "also same\n");
    pair.b.put("b.md", "also same\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "same\n"), ("b.md", "also same\n")]);
}

/// losses.md L4: joining a folder with files is a union.
#[test]
fn joining_a_folder_with_files_loses_nothing() {
    let mut pair = Pair::new();
    pair.a.put("a.md", "from a\n");
    pair.a.put("both.md", "version a\n");
    pair.settle();
    pair.b.put("b.md", "from b\n");
    pair.b.put("both.md", "version b\n");
    pair.settle();
    pair.connect();
    pair.settle();
    assert_eq!(pair.a.files(), pair.b.files());
    let texts: Vec<Node> = pair.a.files().into_values().collect();
    for text in ["from a\n", "from b\n", "version a\n", "version b\n"] {
        assert!(texts.contains(&Node::File(text.into())), "{text:?} is not in {texts:?}");
    }
}

#[test]
fn names_that_trade_places_do_so_everywhere() {
    let mut pair = joined(&[("a.md", "a\n"), ("b.md", "b\n")]);
    pair.a.rename("a.md", "t.md");
    pair.a.rename("b.md", "a.md");
    pair.a.rename("t.md", "b.md");
    pair.settle();
    pair.same(&[("a.md", "b\n"), ("b.md", "a\n")]);
}

/// A stale browser's save is merged at the version it was made from (losses.md L30).
#[test]
fn a_stale_save_is_merged_at_its_version() {
    let mut pair = joined(&[("a.md", "one\ntwo\n")]);
    pair.a.put("a.md", "zero\none\ntwo\n");
    pair.settle();
    let id = *pair.a.store.entries().next().unwrap().0;
    let content = Content::Text("one\ntwo\nthree\n".into());
    pair.b.ask(Request::Write { entry: id, base: Version(vec![]), content });
    pair.settle();
    pair.same(&[("a.md", "zero\none\ntwo\nthree\n")]);
}

/// losses.md L9 in the browser: the text was typed before its page heard of the deletion.
#[test]
fn a_save_of_an_older_version_beats_a_deletion() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = *pair.b.store.entries().next().unwrap().0;
    pair.a.remove("a.md");
    pair.settle();
    pair.same(&[]);
    let save = |pair: &mut Pair, base: Version, text: &str| {
        let content = Content::Text(text.into());
        pair.b.ask(Request::Write { entry: id, base, content });
        pair.settle();
    };
    let deleted = pair.b.store.entry(&id).unwrap().unwrap().heads;
    save(&mut pair, Version(deleted), "who saw the deletion\n");
    pair.same(&[]);
    save(&mut pair, Version(vec![]), "one\ntwo\n");
    pair.same(&[("a.md", "one\ntwo\n")]);
}

/// losses.md L34: the daemon was killed between saving and saying so, and the page sends its text again.
#[test]
fn a_save_that_is_sent_again_is_not_doubled() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = *pair.b.store.entries().next().unwrap().0;
    let save = |pair: &mut Pair, text: &str| {
        let content = Content::Text(text.into());
        pair.b.ask(Request::Write { entry: id, base: Version(vec![]), content });
        pair.settle();
    };
    save(&mut pair, "one\nmine\n");
    pair.a.put("a.md", "zero\none\nmine\n");
    pair.settle();
    save(&mut pair, "one\nmine\n");
    pair.same(&[("a.md", "zero\none\nmine\n")]);
    // Other bytes from the same version are another save.
    save(&mut pair, "one\nmore\n");
    let after = pair.b.files()["a.md"].clone();
    assert!(matches!(after, Node::File(text) if text.matches("mine").count() == 1 && text.contains("more")));
}

/// losses.md L16: a third of a notebook vanishing is held until the user says yes.
#[test]
fn many_deletions_at_once_are_held() {
    let names: Vec<String> = (0..30).map(|n| format!("{n}.md")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), n.as_str())).collect();
    let mut pair = joined(&files);
    for name in &names[..25] {
        pair.a.disk.remove(&path(name));
    }
    let gone: Vec<&str> = names[..25].iter().map(String::as_str).collect();
    pair.a.look(&gone);
    pair.settle();
    assert!(pair.a.core.meta().held);
    assert_eq!(pair.b.files().len(), 30);
    pair.a.ask(Request::Resume { accept_deletions: false });
    pair.a.look(&gone);
    let scans = pair.a.core.scans();
    pair.a.queue.push_back(Event::Scanned(scans));
    pair.settle();
    assert_eq!(pair.a.files().len(), 30, "what vanished is written again");
    assert_eq!(pair.b.files().len(), 30);
}

/// losses.md L50: however often a note is saved, its document lies in a bounded number of pieces.
#[test]
fn a_document_is_saved_whole_now_and_then() {
    use codex_crdt_model::store::Source;
    let mut pair = joined(&[("a.md", "start\n")]);
    let id = *pair.a.store.entries().next().unwrap().0;
    let mut text = String::from("start\n");
    for n in 0..3 * codex_crdt_model::limits::DOCUMENT_CHUNKS {
        text.push_str(&format!("line {n}\n"));
        pair.a.put("a.md", &text);
        pair.settle();
        for device in [&pair.a, &pair.b] {
            let pieces = device.store.document(&id).unwrap().len();
            assert!(pieces <= codex_crdt_model::limits::DOCUMENT_CHUNKS as usize + 1, "{pieces} pieces");
        }
    }
    pair.same(&[("a.md", &text)]);
}
