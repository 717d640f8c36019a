#![allow(clippy::unwrap_used)]

use super::*;
use crate::ids::{ContentHash, NotebookId};

mod front;
mod merge;
mod places;

const A: DeviceId = DeviceId([1; 32]);
const B: DeviceId = DeviceId([2; 32]);
const V: Volume = Volume(7);

fn birth(name: &str, content: Content) -> Birth {
    Birth {
        format: 1,
        notebook: NotebookId([9; 32]),
        parent: EntryId::ROOT,
        name: name.to_owned(),
        content,
        nonce: 0,
    }
}

fn text(text: &str) -> Content {
    Content::Text(text.to_owned())
}

fn born(name: &str, content: Content) -> Document {
    let birth = birth(name, content);
    Document::from_birth(birth.id(), &birth)
}

fn edit(doc: &mut Document, base: &Heads, device: &DeviceId, edits: &[Edit]) -> Option<NewChange> {
    doc.edit(base, device, V, 1_000, edits).unwrap()
}

fn write(doc: &mut Document, base: &Heads, device: &DeviceId, new: &str) -> NewChange {
    edit(doc, base, device, &[Edit::Content(text(new))]).unwrap()
}

fn shown(doc: &Document) -> String {
    match doc.view().content {
        Content::Text(text) => text,
        other => panic!("not a text: {other:?}"),
    }
}

#[test]
fn a_birth_has_no_heads_and_says_what_was_born() {
    let doc = born("a.txt", text("hello\n"));
    assert!(doc.heads().is_empty());
    let view = doc.view();
    assert_eq!((view.name.as_str(), view.moved_by, view.deleted), ("a.txt", None, false));
    assert_eq!(shown(&doc), "hello\n");
    assert_eq!(doc.changes().len(), 1);
}

#[test]
fn edits_travel_and_converge() {
    let mut a = born("a.txt", text("one two three\n"));
    let mut b = a.clone();
    let ca = write(&mut a, &vec![], &A, "one TWO three\n");
    let cb = write(&mut b, &vec![], &B, "one two three four\n");
    assert_eq!(a.apply(&B, V, cb.branch, &cb.change), Ok(Some(cb.hash)));
    assert_eq!(b.apply(&A, V, ca.branch, &ca.change), Ok(Some(ca.hash)));
    assert_eq!(a.apply(&B, V, cb.branch, &cb.change), Ok(None));
    assert_eq!(a.heads(), b.heads());
    assert_eq!(a.heads().len(), 2);
    assert_eq!(shown(&a), "one TWO three four\n");
    assert_eq!(a.view(), b.view());
    assert_eq!(a.view_at(&vec![]).unwrap().content, text("one two three\n"));
    assert_eq!(a.view_at(&vec![ca.hash]).unwrap().content, text("one TWO three\n"));
}

#[test]
fn what_is_saved_and_appended_loads() {
    let birth = birth("a.txt", text("x\n"));
    let mut doc = Document::from_birth(birth.id(), &birth);
    write(&mut doc, &vec![], &A, "x y\n");
    let saved = doc.save();
    let heads = doc.heads();
    let more = write(&mut doc, &heads, &A, "x y z\n");
    let loaded = Document::load(birth.id(), &birth, &[saved, more.change]).unwrap();
    assert_eq!(loaded.heads(), doc.heads());
    assert_eq!(loaded.view(), doc.view());
    assert!(Document::load(birth.id(), &birth, &[b"nonsense".to_vec()]).is_err());
}

#[test]
fn three_edits_of_one_base_have_three_branches() {
    let mut doc = born("a.txt", text("base\n"));
    let first = write(&mut doc, &vec![], &A, "1 base\n");
    let second = write(&mut doc, &vec![], &A, "base 2\n");
    let third = write(&mut doc, &vec![], &A, "base\n3\n");
    assert_eq!([first.branch, second.branch, third.branch], [0, 1, 2]);
    assert_eq!(shown(&doc), "1 base 2\n3\n");
    let heads = doc.heads();
    assert_eq!(write(&mut doc, &heads, &A, "merged\n").branch, 0);
    assert_eq!(write(&mut doc, &vec![second.hash], &A, "base 2 again\n").branch, 1);
}

#[test]
fn an_edit_beats_a_concurrent_delete_and_a_second_delete_wins() {
    let mut doc = born("a.txt", text("x\n"));
    let gone = edit(&mut doc, &vec![], &A, &[Edit::Delete]).unwrap();
    assert!(doc.view().deleted);
    assert!(edit(&mut doc, &vec![gone.hash], &A, &[Edit::Delete]).is_none());
    write(&mut doc, &vec![], &B, "x y\n");
    assert!(!doc.view().deleted);
    let heads = doc.heads();
    edit(&mut doc, &heads, &A, &[Edit::Delete]).unwrap();
    assert!(doc.view().deleted);
    let heads = doc.heads();
    edit(&mut doc, &heads, &B, &[Edit::Revive]).unwrap();
    assert!(!doc.view().deleted);
    assert!(doc.view_at(&heads).unwrap().deleted);
}

#[test]
fn a_move_says_who_made_it() {
    let mut doc = born("a.txt", text("x\n"));
    let to = EntryId([5; 32]);
    let moved = edit(&mut doc, &vec![], &A, &[Edit::Place { parent: to, name: "a.txt".into() }]).unwrap();
    edit(&mut doc, &vec![], &B, &[Edit::Place { parent: EntryId::ROOT, name: "b.txt".into() }]).unwrap();
    let view = doc.view();
    assert_eq!((view.parent, view.name.as_str()), (to, "b.txt"));
    assert_eq!(view.moved_by.unwrap().1, actor(&A, V, moved.branch));
    let same = Edit::Place { parent: to, name: "b.txt".into() };
    let heads = doc.heads();
    assert_eq!(edit(&mut doc, &heads, &A, &[same]), None);
}

fn blob(byte: u8) -> Content {
    Content::Blob { hash: ContentHash([byte; 32]), size: u64::from(byte) }
}

#[test]
fn bytes_are_not_merged() {
    let mut doc = born("a.bin", blob(1));
    edit(&mut doc, &vec![], &A, &[Edit::Content(blob(2))]).unwrap();
    assert!(doc.clashes().is_empty());
    edit(&mut doc, &vec![], &B, &[Edit::Content(blob(3))]).unwrap();
    let shown = doc.view().content;
    let other = if shown == blob(2) { blob(3) } else { blob(2) };
    assert_eq!(doc.clashes(), [Clash::Blob { others: vec![other] }]);
    let heads = doc.heads();
    edit(&mut doc, &heads, &B, &[Edit::Content(blob(4))]).unwrap();
    assert!(doc.clashes().is_empty());
}

#[test]
fn text_edited_while_it_became_bytes_is_a_clash() {
    let mut doc = born("a.txt", text("x\n"));
    let flip = edit(&mut doc, &vec![], &A, &[Edit::Content(blob(2))]).unwrap();
    assert_eq!(doc.view().kind, Kind::Blob);
    assert!(doc.clashes().is_empty());
    write(&mut doc, &vec![], &B, "x typed\n");
    assert_eq!(doc.view().content, text("x typed\n"));
    assert_eq!(doc.clashes(), [Clash::Blob { others: vec![blob(2)] }]);
    write(&mut doc, &vec![flip.hash], &A, "x back\n");
    assert_eq!(doc.view().kind, Kind::Text);
    let link = Content::Symlink("../elsewhere".into());
    let heads = doc.heads();
    edit(&mut doc, &heads, &A, &[Edit::Content(link.clone())]).unwrap();
    assert_eq!(doc.view().content, link);
}

#[test]
fn a_change_says_what_it_did() {
    let mut doc = born("a.md", text("---\na: 1\n---\nx\n"));
    let folder = EntryId([9; 32]);
    let place = |parent, name: &str| Edit::Place { parent, name: name.into() };
    for (edit_, deeds) in [
        (Edit::Content(text("---\na: 1\n---\ny\n")), vec![Deed::Edited]),
        (Edit::Content(text("---\na: 2\n---\nz\n")), vec![Deed::Edited, Deed::Properties]),
        (Edit::Properties(vec![("a".into(), Some("a: 3\n".into()))]), vec![Deed::Properties]),
        (place(EntryId::ROOT, "b.md"), vec![Deed::Renamed]),
        (place(folder, "b.md"), vec![Deed::Moved]),
        (Edit::Delete, vec![Deed::Deleted]),
        (Edit::Revive, vec![Deed::Restored]),
        (Edit::Content(blob(1)), vec![Deed::Edited]),
    ] {
        let heads = doc.heads();
        let change = edit(&mut doc, &heads, &A, std::slice::from_ref(&edit_)).unwrap();
        assert_eq!(doc.deeds(&change.hash).into_iter().collect::<Vec<_>>(), deeds, "{edit_:?}");
    }
}

#[test]
fn hostile_bytes_are_refused() {
    let mut doc = born("a.txt", text("x\n"));
    let before = doc.clone();
    let good = write(&mut doc, &vec![], &A, "x y\n");
    let mut fresh = before.clone();
    assert_eq!(fresh.apply(&B, V, 0, &good.change), Err(ChangeRefused::OtherActor));
    assert_eq!(fresh.apply(&A, V, 1, &good.change), Err(ChangeRefused::OtherActor));
    assert_eq!(fresh.apply(&A, V, 0, &before.save()), Err(ChangeRefused::Malformed));
    assert_eq!(fresh.apply(&A, V, 0, b""), Err(ChangeRefused::Malformed));
    let next = write(&mut doc, &vec![good.hash], &A, "x y z\n");
    assert_eq!(fresh.apply(&A, V, 0, &next.change), Err(ChangeRefused::MissingDependency));
    for at in 0..good.change.len() {
        let mut bad = good.change.clone();
        bad[at] ^= 0x55;
        assert!(fresh.apply(&A, V, 0, &bad).is_err());
        assert!(fresh.apply(&A, V, 0, &good.change[..at]).is_err());
    }
    assert!(fresh.heads().is_empty());
    refuses_or_stays_sound(&fresh, &good.change);
    assert_eq!(fresh.apply(&A, V, 0, &good.change), Ok(Some(good.hash)));
}

/// Every byte of the change damaged in several ways, with the checksum put right again.
fn refuses_or_stays_sound(doc: &Document, good: &[u8]) {
    let birth = birth("a.txt", text("x\n"));
    for at in 10..good.len() {
        for flip in [1, 2, 0x7f, 0x80, 0xff] {
            let mut bad = good.to_vec();
            bad[at] ^= flip;
            let Ok(Ok(parsed)) = contained(|| automerge::Change::from_bytes(bad.clone())) else { continue };
            bad[4..8].copy_from_slice(&parsed.hash().0[..4]);
            let mut fresh = doc.clone();
            if fresh.apply(&A, V, 0, &bad).is_ok() {
                let loaded = Document::load(doc.id, &birth, &[fresh.save()]).unwrap();
                assert_eq!(loaded.view(), fresh.view());
                let heads = fresh.heads();
                fresh.edit(&heads, &B, V, 0, &[Edit::Content(text("over it\n"))]).unwrap();
                fresh.clashes();
            }
        }
    }
}

#[test]
fn a_schema_that_a_peer_abuses_still_reads() {
    use automerge::transaction::Transactable;
    use automerge::{ObjType, ROOT};
    let mut doc = born("n.md", text("---\nstatus: open\n---\nBody\n"));
    let mut theirs = doc.doc.clone();
    theirs.set_actor(ActorId::from(actor(&B, V, 0).as_slice()));
    let schema = doc.schema.clone();
    let made = theirs.transact::<_, _, automerge::AutomergeError>(|tx| {
        tx.put(ROOT, "name", "../../etc/passwd")?;
        tx.put(ROOT, "parent", "nowhere")?;
        tx.put(ROOT, "kind", 7)?;
        tx.put(ROOT, "blob", vec![1_u8, 2, 3])?;
        tx.put_object(ROOT, "body", ObjType::Map)?;
        tx.delete(ROOT, "front")?;
        tx.put_object(&schema.front, "status", ObjType::List)?;
        tx.put(&schema.front, "due", 7)?;
        tx.put(&schema.front, "tags", "\u{7f}\0tags: [a]")?;
        tx.put(&schema.front, "\u{1}close", "no line")?;
        tx.put(&schema.items, "no item", true)?;
        tx.put(&schema.items, "tags\0x\n- y: [", true)?;
        tx.put_object(&schema.items, "tags\0b", ObjType::Map)?;
        tx.splice_text(&schema.front_raw, 0, 0, "raw\0")?;
        Ok(())
    });
    let change = theirs.get_change_by_hash(&made.unwrap().hash.unwrap()).unwrap();
    doc.apply(&B, V, 0, change.raw_bytes()).unwrap();
    let view = doc.view();
    assert_eq!((view.name.as_str(), view.parent, view.moved_by), ("n.md", EntryId::ROOT, None));
    assert_eq!(shown(&doc), "---\ntags: [b]\nraw\0\nno line\nBody\n");
    assert_eq!(doc.clashes(), [Clash::Frontmatter]);
    let heads = doc.heads();
    write(&mut doc, &heads, &A, "---\nstatus: [a, b]\n---\nBody\n");
    assert_eq!(shown(&doc), "---\nstatus: [a, b]\n---\nBody\n");
}

/// Law 7. Automerge takes in marks that it does not load again.
#[test]
fn a_change_with_marks_is_refused() {
    use automerge::marks::{ExpandMark, Mark};
    use automerge::transaction::Transactable;
    let mut doc = born("n.md", text("Body\n"));
    let mut theirs = doc.doc.clone();
    theirs.set_actor(ActorId::from(actor(&B, V, 0).as_slice()));
    let body = doc.schema.body.clone();
    let made = theirs.transact::<_, _, automerge::AutomergeError>(|tx| {
        tx.mark(&body, Mark::new("bold".to_owned(), true, 0, 2), ExpandMark::Both)
    });
    let change = theirs.get_change_by_hash(&made.unwrap().hash.unwrap()).unwrap();
    assert_eq!(doc.apply(&B, V, 0, change.raw_bytes()), Err(ChangeRefused::Malformed));
    assert!(doc.heads().is_empty());
}

/// losses.md L45: a hundred bytes that say a hundred thousand operations.
#[test]
fn a_change_costs_no_more_than_its_bytes_and_its_document() {
    let mut doc = born("a.txt", text("x\n"));
    let good = write(&mut doc.clone(), &vec![], &A, "x y\n");
    let counted = operations::count(&good.change).unwrap();
    assert_eq!((counted.deletions, counted.others), (0, 2));
    let many = |action: u8| {
        // 100,000 in the columns of key, insert, action, value and predecessors, as runs.
        let run = [0xa0, 0x8d, 0x06];
        let columns: [(u8, Vec<u8>); 5] = [
            (0x15, [&run[..], &[1, b'x']].concat()),
            (0x34, run.to_vec()),
            (0x42, [&run[..], &[action]].concat()),
            (0x56, [&run[..], &[0]].concat()),
            (0x70, [&run[..], &[0]].concat()),
        ];
        // Behind dependencies, actor, number and first operation: time, no message, no other actors, five columns.
        let mut rest = vec![0, 0, 0, 5];
        rest.extend(columns.iter().flat_map(|(number, bytes)| [*number, bytes.len() as u8]));
        rest.extend(columns.iter().flat_map(|(_, bytes)| bytes.clone()));
        let dependency = [&[1][..], &doc.birth.0].concat();
        let by = [&[16][..], &actor(&A, V, 0), &[1, 20]].concat();
        let contents = [dependency, by, rest].concat();
        let mut change = [&MAGIC[..], &[0; 4], &[1, contents.len() as u8], &contents].concat();
        let parsed = automerge::Change::from_bytes(change.clone()).unwrap();
        change[4..8].copy_from_slice(&parsed.hash().0[..4]);
        assert_eq!(parsed.len(), 100_000);
        change
    };
    for action in [0, 1, 3] {
        assert_eq!(doc.clone().apply(&A, V, 0, &many(action)), Err(ChangeRefused::Malformed), "{action}");
    }
    assert!(doc.apply(&A, V, 0, &good.change).is_ok());
}

/// losses.md L5: an edit taken in before a backup was put back, and again after it, where the first time something else
/// had been typed nearby: what was inserted then begins and ends in the middle of lines.
#[test]
fn an_edit_under_two_volumes_is_one_also_when_more_was_typed_nearby() {
    const W: Volume = Volume(8);
    let start = "step one at the end\n";
    for (first, again) in [
        ("step one at noon the end\nstep two at the end\n", "step one at the end\nstep two at the end\n"),
        (
            "step one at the end\nstep two at the end\n",
            "step one at the end\nstep two at the end\nstep three at the end\n",
        ),
    ] {
        let mut before = born("a.txt", text(start));
        let mut after = before.clone();
        let one = before.edit(&vec![], &A, V, 1, &[Edit::Content(text(first))]).unwrap().unwrap();
        after.edit(&vec![], &A, W, 2, &[Edit::Content(text(again))]).unwrap().unwrap();
        after.apply(&A, V, one.branch, &one.change).unwrap();
        let volumes = [V, W].into();
        assert!(after.undouble(&one.hash, (&A, &volumes), (&A, W), 3).unwrap().is_some());
        let merged = shown(&after);
        for word in ["one", "two", "noon", "three"] {
            let said = first.contains(word) || again.contains(word);
            assert_eq!(merged.matches(word).count(), usize::from(said), "{word} in {merged}");
        }
        assert!(after.undouble(&one.hash, (&A, &volumes), (&A, W), 4).unwrap().is_none(), "once is enough");
    }
}
