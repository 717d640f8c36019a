//! losses.md L5: a home is an old copy, and nobody said so.

use codex_tests::workload::put_back;

use codex_crdt_model::event::Version;
use codex_crdt_model::journal::{Payload, Timestamp};

use super::*;

fn entry(world: &World, n: usize, name: &str) -> codex_crdt_model::ids::EntryId {
    let root = codex_crdt_model::ids::EntryId::ROOT;
    world.machines[n].store.at(&root, name).unwrap().unwrap()
}

fn volume(world: &World, n: usize) -> codex_crdt_model::ids::Volume {
    world.machines[n].store.meta().unwrap().unwrap().volume
}

/// losses.md L5: the first peer notices.
#[test]
fn an_old_copy_is_noticed_by_its_journal() {
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    let (old, since) = (backup(&world.machines[0]), world.time);
    write(&mut world, 0, "b.md", POEM);
    world.settle();
    let before = volume(&world, 0);
    put_back(&mut world, 0, old, since, false);
    together(&mut world);
    let token = word(&mut world, 0);
    write(&mut world, 0, "c.md", &token);
    together(&mut world);
    assert_ne!(volume(&world, 0), before);
    assert_eq!(files(&world, 0), ["a.md", "b.md", "c.md"]);
}

/// losses.md L5: it was written to before the first peer could notice. What others have of the old journal comes back, and what was
/// written since is neither lost nor doubled.
#[test]
fn an_old_copy_that_was_written_to_loses_nothing() {
    for (longer, rename) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut world = friends(3);
        write(&mut world, 0, "a.md", POEM);
        world.settle();
        let (old, since) = (backup(&world.machines[0]), world.time);
        let (kept, lost) = (word(&mut world, 0), word(&mut world, 0));
        write(&mut world, 0, "a.md", &format!("{POEM}{kept}\n"));
        world.settle();
        if longer {
            for _ in 0..8 {
                let text = format!("{lost} {}\n", world.time);
                write(&mut world, 0, "b.md", &text);
                world.settle();
            }
        } else {
            write(&mut world, 0, "b.md", &lost);
        }
        world.settle();
        let b = read(&world, 1, "b.md");
        world.part();
        put_back(&mut world, 0, old, since, false);
        world.settle();
        let words: Vec<String> = (0..3).map(|_| word(&mut world, 0)).collect();
        write(&mut world, 0, "a.md", &format!("{}\n{POEM}", words[0]));
        world.settle();
        write(&mut world, 0, "a.md", &format!("{}\n{}\n{POEM}", words[0], words[1]));
        write(&mut world, 0, "c.md", &words[2]);
        world.settle();
        if rename {
            let entry = entry(&world, 0, "c.md");
            ask(&mut world, 0, Request::Move { entry, to: path("notes/d.md") });
            world.settle();
        }
        together(&mut world);
        let moved = if rename { "notes/d.md" } else { "c.md" };
        for n in 0..3 {
            assert_eq!(files(&world, n), ["a.md", "b.md", moved]);
            assert_eq!(read(&world, n, "a.md"), format!("{}\n{}\n{POEM}{kept}\n", words[0], words[1]));
            assert_eq!(read(&world, n, "b.md"), b);
            assert_eq!(read(&world, n, moved), words[2]);
            assert_eq!(inbox(&world, n), []);
        }
        assert_eq!(records(&world, 0), records(&world, 1));
    }
}

/// losses.md L5: what was said at an old copy is said anew, and answers still answer it.
#[test]
fn what_was_said_at_an_old_copy_is_said_anew() {
    use codex_crdt_model::comments::of_entry;
    use codex_crdt_model::event::{Saying, Version};
    use codex_crdt_model::membership::Membership;
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    let (old, since) = (backup(&world.machines[0]), world.time);
    write(&mut world, 0, "b.md", POEM);
    world.settle();
    world.part();
    put_back(&mut world, 0, old, since, false);
    world.settle();
    let more = format!("{}\n{POEM}", word(&mut world, 0));
    write(&mut world, 0, "a.md", &more);
    world.settle();
    let id = entry(&world, 0, "a.md");
    let version = Version(world.machines[0].store.entry(&id).unwrap().unwrap().heads);
    let begin = Saying::Begin { at: Some((version, 0..4)), text: "which word?".into() };
    ask(&mut world, 0, Request::Say { entry: id, saying: begin });
    world.settle();
    let thread = world.machines[0].store.comments(&id).unwrap()[0].1.tip.hash;
    let reply = Saying::Reply { thread, text: "the first".into() };
    ask(&mut world, 0, Request::Say { entry: id, saying: reply });
    world.settle();
    together(&mut world);
    let said = |n: usize| {
        let store = &world.machines[n].store;
        let membership =
            Membership::of(&store.meta().unwrap().unwrap().notebook, store.statements().unwrap());
        of_entry(store, &membership, &id).unwrap()
    };
    let all = said(1);
    assert_eq!(all, said(0));
    let texts: Vec<Option<&str>> = all[0].said.iter().map(|said| said.text.as_deref()).collect();
    assert_eq!(texts, [Some("which word?"), Some("the first")]);
    assert_eq!(all.len(), 1);
    let row = world.machines[1].store.entry(&id).unwrap().unwrap();
    let document = codex_crdt_model::view::document(&world.machines[1].store, &id, row.birth).unwrap();
    let anchor = all[0].anchor.as_ref().unwrap();
    assert!(document.knows(&anchor.version), "its version has its new name");
}

/// losses.md L5: what an authority said of seals on the old copy is said anew as it was, and is found by the names that the seals
/// had: the token is over these.
#[test]
fn what_an_authority_said_to_an_old_copy_stays() {
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    let (old, since) = (backup(&world.machines[0]), world.time);
    write(&mut world, 0, "b.md", POEM);
    world.settle();
    world.part();
    put_back(&mut world, 0, old, since, false);
    world.settle();
    let entry = entry(&world, 0, "a.md");
    let version = Version(world.machines[0].store.entry(&entry).unwrap().unwrap().heads);
    let request = Request::Seal { entry, version, parts: vec![], meaning: "recorded".into(), locks: false };
    let Reply::Signed(seal) = ask(&mut world, 0, request) else { panic!("a seal") };
    let stamp = Timestamp { seals: vec![seal], tips: vec![], token: vec![7] };
    ask(&mut world, 0, Request::Timestamp(stamp.clone()));
    together(&mut world);
    for machine in &world.machines {
        let [position] = machine.store.timestamps(&seal).unwrap()[..] else { panic!("one timestamp") };
        let record = machine.store.record(position).unwrap().unwrap();
        let kind = record.header().unwrap().kind;
        assert_eq!(Payload::decode(kind, &record.payload), Some(Payload::Timestamp(stamp.clone())));
        let seals = machine.store.seals(&entry).unwrap();
        assert!(seals.len() == 1 && seals[0].1.tip.hash != seal, "it was said anew: {seals:?}");
    }
}
