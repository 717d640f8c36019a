//! Comments: every device shows the same threads, at the same places, whatever order the records came in; nobody speaks for
//! somebody else.

use std::ops::Range;

use codex_crdt_model::comments::{self, Thread, fold, locate};
use codex_crdt_model::effect::{Refusal, Reply};
use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{MembershipRequest, Request, Saying, Version};
use codex_crdt_model::ids::{DeviceId, EntryId, RecordHash, Volume};
use codex_crdt_model::journal::{Comment, Role, Tip};
use codex_crdt_model::membership::Membership;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::{CommentRow, Source};
use codex_crdt_model::view;
use proptest::prelude::*;

use crate::device::{Device, joined};
use crate::trust::{carried, take};

fn entry(device: &Device, name: &str) -> EntryId {
    device.store.at(&EntryId::ROOT, name).unwrap().unwrap()
}

fn say(device: &mut Device, id: EntryId, saying: Saying) -> Result<RecordHash, Refusal> {
    device.ask(Request::Say { entry: id, saying });
    while device.run() {}
    match device.replies.pop() {
        Some(Ok(Reply::Signed(hash))) => Ok(hash),
        Some(Err(refusal)) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn units(text: &str, what: &str) -> Range<usize> {
    let start = text[..text.find(what).unwrap()].encode_utf16().count();
    start..start + what.encode_utf16().count()
}

fn text_of(device: &Device, id: &EntryId) -> String {
    let row = device.store.entry(id).unwrap().unwrap();
    match view::document(&device.store, id, row.birth).unwrap().view().content {
        Content::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

/// A thread about the first place where some words stand.
fn begin(device: &mut Device, id: EntryId, about: &str, text: &str) -> RecordHash {
    // What was just written is taken in first.
    while device.run() {}
    let version = Version(device.store.entry(&id).unwrap().unwrap().heads);
    let at = Some((version, units(&text_of(device, &id), about)));
    say(device, id, Saying::Begin { at, text: text.into() }).unwrap()
}

fn threads(device: &Device, id: &EntryId) -> Vec<Thread> {
    let membership = Membership::of(&device.core.meta().notebook, device.store.statements().unwrap());
    comments::of_entry(&device.store, &membership, id).unwrap()
}

/// The words that a thread stands at now.
fn stands_at(device: &Device, thread: &Thread) -> Option<String> {
    let row = device.store.entry(&thread.entry).unwrap().unwrap();
    let document = view::document(&device.store, &thread.entry, row.birth).unwrap();
    let text = text_of(device, &thread.entry);
    let range = locate(&document, thread.anchor.as_ref().unwrap(), &row.heads, &text)?;
    let units: Vec<u16> = text.encode_utf16().collect();
    Some(String::from_utf16(&units[range]).unwrap())
}

#[test]
fn a_thread_is_the_same_on_every_device_and_stays_at_its_words() {
    let mut pair = joined(&[("a.md", "---\nk: 1\n---\nA 🧪 red fox.\nA red hen.\n")]);
    let id = entry(&pair.a, "a.md");
    let first = begin(&mut pair.a, id, "red hen", "which one?");
    pair.settle();
    pair.cut();
    // Both go on alone: an answer, edits before, in and behind the passage, another name, another thread.
    say(&mut pair.b, id, Saying::Reply { thread: first, text: "@A the old one".into() }).unwrap();
    pair.b.put("a.md", "---\nk: 1\nmore: 2\n---\nNew line.\nA 🧪 red fox.\nA red old hen.\n");
    let second = begin(&mut pair.b, id, "New line", "why?");
    pair.a.rename("a.md", "b.md");
    pair.a.put("b.md", "---\nk: 1\n---\nA 🧪 red fox jumps.\nA red hen.\nEnd.\n");
    say(&mut pair.a, id, Saying::Resolve { thread: first, resolved: true }).unwrap();
    pair.connect();
    pair.settle();
    let of_a = threads(&pair.a, &id);
    assert_eq!(of_a, threads(&pair.b, &id));
    let said: Vec<Vec<Option<&str>>> =
        of_a.iter().map(|thread| thread.said.iter().map(|said| said.text.as_deref()).collect()).collect();
    assert_eq!(said, [vec![Some("which one?"), Some("@A the old one")], vec![Some("why?")]]);
    assert_eq!((of_a[0].id, of_a[1].id), (first, second));
    assert!(of_a[0].resolved.is_some() && of_a[1].resolved.is_none());
    for device in [&pair.a, &pair.b] {
        assert_eq!(stands_at(device, &of_a[0]).as_deref(), Some("red old hen"));
        assert_eq!(stands_at(device, &of_a[1]).as_deref(), Some("New line"));
    }
    // What it was about goes, and comes back elsewhere by cut and paste.
    pair.a.put("b.md", "---\nk: 1\n---\nA 🧪 red fox jumps.\nEnd.\n");
    pair.settle();
    assert_eq!(stands_at(&pair.b, &of_a[0]), None, "it is said what it was about, at no place");
    assert_eq!(of_a[0].anchor.as_ref().unwrap().quote, "red hen");
}

#[test]
fn whoever_has_seen_more_has_the_last_word_whatever_the_clocks_say() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = entry(&pair.a, "a.md");
    let thread = say(&mut pair.a, id, Saying::Begin { at: None, text: "about all".into() }).unwrap();
    say(&mut pair.a, id, Saying::Resolve { thread, resolved: true }).unwrap();
    pair.settle();
    // B's clock stands years behind.
    pair.b.now = 5;
    say(&mut pair.b, id, Saying::Resolve { thread, resolved: false }).unwrap();
    pair.settle();
    for device in [&pair.a, &pair.b] {
        assert!(threads(device, &id)[0].resolved.is_none());
    }
}

/// A turn that nobody can have seen does not count: a changed program does not close a thread for ever.
#[test]
fn nobody_has_the_last_word_for_ever() {
    let entry = EntryId([1; 32]);
    let row = |tip: Tip, time, comment| CommentRow { tip, time, comment };
    let thread = tip(1, 1).hash;
    let resolve = |resolved, turn| Comment::Resolve { entry, thread, resolved, turn };
    let begun = row(tip(1, 1), 1, Comment::Thread { entry, anchor: None, text: "open".into() });
    let lie = row(tip(2, 1), i64::MAX, resolve(true, u32::MAX));
    let said = [row(tip(1, 2), 2, resolve(true, 1)), row(tip(3, 1), 1, resolve(false, 2))];
    let is_settled = |words: &[CommentRow], aside: &[CommentRow]| {
        let rows = [std::slice::from_ref(&begun), words].concat();
        fold(&Membership::default(), rows, aside)[0].resolved.is_some()
    };
    assert!(!is_settled(std::slice::from_ref(&lie), &[]));
    assert!(is_settled(&[lie.clone(), said[0].clone()], &[]));
    assert!(!is_settled(&[lie.clone(), said[0].clone(), said[1].clone()], &[]));
    assert!(!is_settled(&said[1..], &said[..1]), "what one had seen may count no more");
}

#[test]
fn only_whoever_said_something_changes_it_or_takes_it_back() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = entry(&pair.a, "a.md");
    let thread = begin(&mut pair.a, id, "one", "first");
    pair.settle();
    let change = |comment, text: Option<&str>| Saying::Edit { comment, text: text.map(str::to_owned) };
    let refused = say(&mut pair.b, id, change(thread, Some("mine"))).unwrap_err();
    assert!(refused.to_string().contains("only whoever said"), "{refused}");
    say(&mut pair.a, id, change(thread, Some("second"))).unwrap();
    pair.settle();
    assert_eq!(threads(&pair.b, &id)[0].said[0].text.as_deref(), Some("second"));
    say(&mut pair.a, id, change(thread, None)).unwrap();
    pair.settle();
    assert_eq!(threads(&pair.b, &id)[0].said[0].text, None);
    for empty in ["", " \n", "\u{7}"] {
        assert!(say(&mut pair.a, id, Saying::Begin { at: None, text: empty.into() }).is_err());
    }
    let nowhere = Some((Version(vec![]), 2..900));
    let refused = say(&mut pair.a, id, Saying::Begin { at: nowhere, text: "x".into() }).unwrap_err();
    assert!(refused.to_string().contains("4 UTF-16"), "{refused}");
}

#[test]
fn viewers_do_not_comment_and_commenters_do_also_by_bundles() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = entry(&pair.a, "a.md");
    let person = pair.a.core.membership().person_of(&pair.b.id).unwrap();
    let role = |role| Request::People(MembershipRequest::SetRole { person, role: Some(role) });
    pair.a.ask(role(Role::Viewer));
    pair.settle();
    let said = Saying::Begin { at: None, text: "hello".into() };
    assert!(say(&mut pair.b, id, said.clone()).unwrap_err().to_string().contains("commenter"));
    pair.a.ask(role(Role::Commenter));
    pair.settle();
    pair.cut();
    say(&mut pair.b, id, said).unwrap();
    assert_eq!(take(&mut pair.a, carried(&pair.b)), Ok(1));
    assert_eq!(threads(&pair.a, &id), threads(&pair.b, &id));
    assert_eq!(threads(&pair.a, &id)[0].said[0].text.as_deref(), Some("hello"));
    assert!(pair.a.store.at(&EntryId::ROOT, "a.md").unwrap().is_some() && EntryPath::parse("a.md").is_ok());
}

fn tip(device: u8, seq: u64) -> Tip {
    let mut hash = [device; 32];
    hash[0] = u8::try_from(seq).unwrap();
    Tip { device: DeviceId([device; 32]), volume: Volume(1), seq, hash: RecordHash(hash) }
}

/// Comments of three devices on two entries; names that are none, times and turns that are equal, words for others.
fn rows() -> impl Strategy<Value = Vec<CommentRow>> {
    let one = (1_u8..4, 0_i64..3, 0_u8..6, 1_u8..3, 1_u8..4, 1_u64..6, 1_u32..3);
    proptest::collection::vec(one, 1..24).prop_map(|all| {
        let mut seqs = [0_u64; 4];
        all.into_iter()
            .map(|(device, time, kind, entry, other, seq, turn)| {
                seqs[device as usize] += 1;
                let tip_of_row = tip(device, seqs[device as usize]);
                let entry = EntryId([entry; 32]);
                let named = tip(other, seq).hash;
                let text = format!("{device}-{}", tip_of_row.seq);
                let comment = match kind {
                    0 | 1 => Comment::Thread { entry, anchor: None, text },
                    2 => Comment::Reply { entry, thread: named, text },
                    3 => Comment::Resolve { entry, thread: named, resolved: turn == 1, turn },
                    4 => Comment::Edit { entry, comment: named, text: Some(text), turn },
                    _ => Comment::Edit { entry, comment: named, text: None, turn },
                };
                CommentRow { tip: tip_of_row, time, comment }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn comments_come_to_the_same_in_any_order((rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))) {
        let membership = Membership::default();
        let all = fold(&membership, rows.clone(), &[]);
        prop_assert_eq!(&all, &fold(&membership, shuffled, &[]));
        let begun = rows.iter().filter(|row| matches!(row.comment, Comment::Thread { .. })).count();
        prop_assert_eq!(all.len(), begun, "no thread is lost");
        for said in all.iter().flat_map(|thread| &thread.said) {
            let text = said.text.clone().unwrap_or(format!("{}-", said.by.device.0[0]));
            prop_assert!(text.starts_with(&format!("{}-", said.by.device.0[0])), "nobody speaks for another");
        }
    }
}
