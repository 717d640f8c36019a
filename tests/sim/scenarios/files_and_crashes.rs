//! Folders that vanish, files that change their kind, crashes, attachments, receipts.

use codex_crdt_model::event::{Event, Request, Version};
use codex_crdt_model::store::{ConflictKind, Source};
use codex_tests::disk::Data;
use codex_tests::machine::{Crash, Draft, Job};
use codex_tests::workload::{ask_write, look, remove, save};

use super::{POEM, alone, ask, files, friends, inbox, path, read, together, word, write};

/// losses.md L14.
#[test]
fn a_lost_root_deletes_nothing() {
    let mut world = friends(2);
    for at in ["a.md", "b.md", "c/d.md"] {
        write(&mut world, 0, at, POEM);
    }
    world.settle();
    let mounted = world.machines[0].disk.clone();
    world.tell(0, Event::RootLost("it is not mounted".into()), 0);
    for at in world.machines[0].disk.paths(false) {
        world.machines[0].disk.remove(&at);
    }
    let token = word(&mut world, 1);
    write(&mut world, 1, "a.md", &format!("{POEM}{token}\n"));
    world.run_until_quiet();
    assert_eq!(files(&world, 1).len(), 3);
    world.machines[0].disk = mounted;
    world.tell(0, Event::RootFound, 0);
    together(&mut world);
    assert_eq!(files(&world, 0).len(), 3);
}

/// losses.md L16: a cleaner removes half of the files; the user says no.
#[test]
fn many_deletions_are_held() {
    let mut world = friends(2);
    for n in 0..60 {
        write(&mut world, 0, &format!("n{n}.md"), &format!("{n}\n"));
    }
    world.settle();
    for n in 0..30 {
        world.machines[0].disk.remove(&path(&format!("n{n}.md")));
    }
    world.work(0, Job::Scan, 0);
    world.run_until_quiet();
    assert!(world.machines[0].core.as_ref().unwrap().meta().held);
    assert_eq!(files(&world, 1).len(), 60);
    world.ask(0, Request::Resume { accept_deletions: false });
    world.run_until_quiet();
    together(&mut world);
    assert_eq!(files(&world, 0).len(), 60);
}

/// losses.md L16: some of the deletions are seen, and pass, before there are too many. "No" brings these back as well.
#[test]
fn a_no_brings_back_what_had_gone_before_the_rest_was_held() {
    let mut world = friends(2);
    for n in 0..104 {
        write(&mut world, 0, &format!("n{n}.md"), &format!("{n}\n"));
    }
    world.settle();
    for part in [0..30, 30..60] {
        for n in part {
            world.machines[0].disk.remove(&path(&format!("n{n}.md")));
        }
        world.work(0, Job::Scan, 0);
        world.run_until_quiet();
    }
    assert!(world.machines[0].core.as_ref().unwrap().meta().held);
    world.ask(0, Request::Resume { accept_deletions: false });
    world.run_until_quiet();
    together(&mut world);
    assert_eq!((files(&world, 0).len(), files(&world, 1).len()), (104, 104));
}

/// losses.md L16: what somebody asked for at the desk is no surprise on that machine.
#[test]
fn a_folder_deleted_at_the_desk_goes_whole() {
    let mut world = friends(2);
    for n in 0..60 {
        write(&mut world, 0, &format!("old/n{n}.md"), &format!("{n}\n"));
    }
    world.settle();
    let root = codex_crdt_model::ids::EntryId::ROOT;
    let entry = world.machines[0].store.at(&root, "old").unwrap().unwrap();
    world.ask(0, Request::Delete { entry });
    world.run_until_quiet();
    assert!(!world.machines[0].core.as_ref().unwrap().meta().held);
    assert!(files(&world, 0).is_empty());
    assert!(world.machines[1].core.as_ref().unwrap().meta().held, "on the other machine it is one");
    // There the yes is given once, before the scan after a restart, and holds for all of it.
    world.stop(1);
    world.start(1);
    world.ask(1, Request::Resume { accept_deletions: true });
    world.run_until_quiet();
    assert!(files(&world, 1).is_empty() && !world.machines[1].core.as_ref().unwrap().meta().held);
    together(&mut world);
    assert!(files(&world, 1).is_empty());
}

/// losses.md L13: a folder comes back with what was deleted together with it, and without what had gone before.
#[test]
fn a_restored_folder_is_not_empty() {
    let mut world = friends(2);
    for at in ["old/a.md", "old/deep/b.md", "old/long gone.md"] {
        write(&mut world, 0, at, at);
    }
    world.settle();
    remove(&mut world, 0, &path("old/long gone.md"));
    world.settle();
    world.run_for(3_600_000);
    let entry = world.machines[0].entry_at("old").unwrap();
    remove(&mut world, 0, &path("old"));
    together(&mut world);
    assert!(files(&world, 1).is_empty());
    let at = Version(world.machines[1].store.entry(&entry).unwrap().unwrap().heads);
    ask(&mut world, 1, Request::Restore { entry, at: Some(at) });
    together(&mut world);
    assert_eq!(files(&world, 0), ["old/a.md", "old/deep/b.md"]);
}

/// losses.md L13: one file of a deleted folder came back first, or somebody made the folder anew: the rest can come back
/// all the same, and what had gone before, or was deleted again since, stays deleted.
#[test]
fn a_folder_that_lives_again_gets_back_what_was_deleted_with_it() {
    for made_anew in [false, true] {
        let mut world = friends(2);
        for at in ["old/a.md", "old/b.md", "old/deep/c.md", "old/deep/d.md", "old/long gone.md"] {
            write(&mut world, 0, at, at);
        }
        world.settle();
        let at = |world: &codex_tests::World, path: &str| world.machines[0].entry_at(path).unwrap();
        let (old, a, c) = (at(&world, "old"), at(&world, "old/a.md"), at(&world, "old/deep/c.md"));
        ask(&mut world, 0, Request::Restore { entry: a, at: Some(Version(Vec::new())) });
        refuses(&mut world, old);
        remove(&mut world, 0, &path("old/long gone.md"));
        world.settle();
        world.run_for(3_600_000);
        remove(&mut world, 0, &path("old"));
        together(&mut world);
        world.run_for(3_600_000);
        if made_anew {
            write(&mut world, 1, "old/deep/new.md", "new\n");
            world.settle();
        }
        for entry in [a, c] {
            ask(&mut world, 1, Request::Restore { entry, at: None });
        }
        world.settle();
        world.run_for(3_600_000);
        remove(&mut world, 1, &path("old/deep/c.md"));
        together(&mut world);
        ask(&mut world, 1, Request::Restore { entry: old, at: None });
        together(&mut world);
        let mut expected = vec!["old/a.md", "old/b.md", "old/deep/d.md"];
        expected.extend(made_anew.then_some("old/deep/new.md"));
        assert_eq!(files(&world, 0), expected);
        let before = world.machines[1].store.records().count();
        refuses(&mut world, old);
        assert_eq!(world.machines[1].store.records().count(), before, "a refusal changes nothing");
    }
}

/// There is nothing to bring back.
fn refuses(world: &mut codex_tests::World, entry: codex_crdt_model::ids::EntryId) {
    let number = world.ask(1, Request::Restore { entry, at: None });
    world.settle();
    let refused = world.replies[&(1, number)].clone().unwrap_err();
    assert!(refused.to_string().contains("`old` is not deleted, nor is anything"), "{refused}");
}

/// losses.md L16: ordinary deletions pass, and reach the others.
#[test]
fn a_few_deletions_pass() {
    let mut world = friends(2);
    for n in 0..12 {
        write(&mut world, 0, &format!("n{n}.md"), &format!("{n}\n"));
    }
    world.settle();
    for n in 0..4 {
        remove(&mut world, 1, &path(&format!("n{n}.md")));
    }
    together(&mut world);
    assert_eq!(files(&world, 0).len(), 8);
}

/// losses.md L20.
#[test]
fn a_file_becomes_a_folder_and_a_link() {
    let mut world = friends(2);
    write(&mut world, 0, "a", POEM);
    write(&mut world, 0, "b", POEM);
    world.settle();
    remove(&mut world, 0, &path("a"));
    let token = word(&mut world, 0);
    write(&mut world, 0, "a/inside.md", &token);
    assert!(world.machines[0].disk.link(&path("b"), "../outside"));
    together(&mut world);
    assert_eq!(read(&world, 1, "a/inside.md"), token);
    assert_eq!(world.machines[1].disk.get(&path("b")), Some(&Data::Symlink("../outside".into())));
}

/// A file is renamed while a colleague's edit is on its way to it. It stays one file with one history,
/// whichever comes first; else a second edit of the colleague's would bring the old name back with all its words.
#[test]
fn a_rename_meets_a_write_under_way() {
    for moment in 0..120 {
        let mut world = friends(2);
        write(&mut world, 0, "a.md", POEM);
        assert!(world.machines[0].disk.make_folders(&path("box")));
        world.settle();
        let id = world.machines[0].entry_at("a.md");
        let token = word(&mut world, 1);
        write(&mut world, 1, "a.md", &format!("{POEM}{token}\n"));
        world.run_for(moment);
        let (from, to) = (path("a.md"), path("box/b.md"));
        assert!(world.machines[0].disk.rename(&from, &to));
        look(&mut world, 0, vec![from, to]);
        world.run_for(40);
        let later = word(&mut world, 1);
        if world.machines[1].disk.read(&path("a.md")).is_some() {
            let text = format!("{}{later}\n", read(&world, 1, "a.md"));
            write(&mut world, 1, "a.md", &text);
        }
        together(&mut world);
        assert_eq!(files(&world, 0), ["box/b.md"], "renamed after {moment} ms");
        assert_eq!(world.machines[0].entry_at("box/b.md"), id, "renamed after {moment} ms");
    }
}

/// The same, where the new name is one that a colleague's new file is about to get.
#[test]
fn a_rename_takes_the_place_of_a_file_under_way() {
    for moment in 0..120 {
        let mut world = friends(2);
        write(&mut world, 0, "a.md", POEM);
        world.settle();
        let id = world.machines[0].entry_at("a.md");
        let token = word(&mut world, 1);
        write(&mut world, 1, "b.md", &format!("{token}\n"));
        world.run_for(moment);
        let (from, to) = (path("a.md"), path("b.md"));
        if !world.machines[0].disk.rename(&from, &to) {
            continue;
        }
        look(&mut world, 0, vec![from, to]);
        let later = word(&mut world, 1);
        write(&mut world, 1, "a.md", &format!("{POEM}{later}\n"));
        together(&mut world);
        let named: Vec<_> = files(&world, 0).iter().map(|name| world.machines[0].entry_at(name)).collect();
        assert!(named.len() == 2 && named.contains(&id), "renamed after {moment} ms: {:?}", files(&world, 0));
    }
}

/// A colleague moves a folder and deletes files in it, and both arrive at once: they are deleted where the folder goes.
/// Looked for where they no longer are, they would be taken for removed, then found as new, and live again.
#[test]
fn a_folder_moves_while_files_in_it_are_deleted() {
    let mut world = friends(2);
    let name = |n: usize| format!("box/{n}.md");
    for n in 0..9 {
        write(&mut world, 0, &name(n), &format!("{POEM}{n}\n"));
    }
    world.settle();
    world.part();
    let folder = world.machines[1].entry_at("box").unwrap();
    let gone: Vec<_> = (0..3).map(|n| world.machines[1].entry_at(&name(n)).unwrap()).collect();
    world.ask(1, Request::Move { entry: folder, to: path("chest") });
    for entry in gone {
        world.ask(1, Request::Delete { entry });
    }
    world.run_for(500);
    together(&mut world);
    let left: Vec<_> = (3..9).map(|n| format!("chest/{n}.md")).collect();
    assert_eq!((files(&world, 0), files(&world, 1)), (left.clone(), left));
}

/// While nobody looks, a folder is renamed, one file in it is saved anew and one renamed again; and there are new files
/// like them. Each stays what it is: the very file goes before the same bytes, and these before what is alike.
#[test]
fn what_is_alike_is_not_taken_for_what_moved() {
    let mut world = friends(2);
    for name in ["box/a.md", "box/b.md"] {
        write(&mut world, 0, name, &format!("{POEM}{name}\n"));
    }
    world.settle();
    let ids = ["box/a.md", "box/b.md"].map(|name| world.machines[0].entry_at(name));
    world.stop(0);
    let disk = &mut world.machines[0].disk;
    assert!(
        disk.rename(&path("box"), &path("chest")) && disk.rename(&path("chest/b.md"), &path("chest/c.md"))
    );
    assert!(save(&mut world, 0, "chest/a.md", format!("{POEM}box/a.md\nblue\n").as_bytes(), true, false));
    for name in ["alike.md", "also.md"] {
        write(&mut world, 0, name, &format!("{POEM}{name}\n"));
    }
    together(&mut world);
    assert_eq!(["chest/a.md", "chest/c.md"].map(|name| world.machines[1].entry_at(name)), ids);
    assert_eq!(files(&world, 1), ["alike.md", "also.md", "chest/a.md", "chest/c.md"]);
}

/// losses.md L22: a file is renamed over another one. It is the file that moved; but what is like the other one is a
/// save of that by way of a temporary file, though that file was seen before.
#[test]
fn a_file_renamed_over_another_is_a_move_or_a_save() {
    for is_save in [false, true] {
        let mut world = friends(2);
        let token = word(&mut world, 0);
        let text = if is_save { format!("{POEM}{token}\n") } else { format!("{token}\n") };
        write(&mut world, 0, "a.md", POEM);
        write(&mut world, 0, "b.md", &text);
        world.settle();
        let ids = ["a.md", "b.md"].map(|name| world.machines[0].entry_at(name));
        let (from, to) = (path("b.md"), path("a.md"));
        world.machines[0].disk.remove(&to);
        assert!(world.machines[0].disk.rename(&from, &to));
        look(&mut world, 0, vec![from, to]);
        together(&mut world);
        assert_eq!(files(&world, 1), ["a.md"]);
        assert_eq!(read(&world, 1, "a.md"), text);
        assert_eq!(world.machines[1].entry_at("a.md"), ids[usize::from(!is_save)]);
    }
}

/// losses.md L22.
#[test]
fn editors_save_in_every_way() {
    let mut world = friends(2);
    let mut text = POEM.to_owned();
    write(&mut world, 0, "a.md", &text);
    world.settle();
    let id = world.machines[0].entry_at("a.md");
    for n in 0..12 {
        let token = word(&mut world, 0);
        text = format!("{token}\n{text}");
        match n % 3 {
            0 => assert!(save(&mut world, 0, "a.md", text.as_bytes(), true, true)),
            1 => {
                // Deleted, and written again before anybody looked.
                world.machines[0].disk.remove(&path("a.md"));
                assert!(save(&mut world, 0, "a.md", text.as_bytes(), false, true));
            }
            _ => {
                world.machines[0].disk.rename(&path("a.md"), &path("a.md~"));
                assert!(save(&mut world, 0, "a.md", text.as_bytes(), false, true));
                world.machines[0].disk.remove(&path("a.md~"));
            }
        }
        world.settle();
        assert_eq!(read(&world, 0, "a.md"), text);
    }
    together(&mut world);
    assert_eq!(world.machines[1].entry_at("a.md"), id);
}

/// losses.md L24 L36, laws 3 and 6: power fails at every boundary of a merge that is being written out.
#[test]
fn power_fails_anywhere() {
    for boundary in 0..24 {
        for crash in [Crash::Kill, Crash::Power] {
            let mut world = friends(2);
            write(&mut world, 0, "a.md", POEM);
            world.settle();
            world.part();
            let (one, two) = (word(&mut world, 0), word(&mut world, 1));
            write(&mut world, 0, "a.md", &format!("{one}\n{POEM}"));
            write(&mut world, 1, "a.md", &format!("{POEM}{two}\n"));
            world.machines[1].crash_in = Some((boundary, crash));
            world.heal();
            world.run_for(200);
            together(&mut world);
            assert_eq!(read(&world, 0, "a.md"), format!("{one}\n{POEM}{two}\n"), "at {boundary}, {crash:?}");
        }
    }
}

/// losses.md L36: bytes that nobody has seen lie where a deletion arrives.
#[test]
fn an_unseen_edit_survives_a_deletion() {
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    remove(&mut world, 0, &path("a.md"));
    let token = word(&mut world, 1);
    save(&mut world, 1, "a.md", format!("{POEM}{token}\n").as_bytes(), false, false);
    together(&mut world);
    assert!(read(&world, 0, "a.md").contains(&token));
}

/// losses.md L39.
#[test]
fn a_file_alternates_between_text_and_bytes() {
    let mut world = friends(2);
    write(&mut world, 0, "a.dat", POEM);
    world.settle();
    let id = world.machines[0].entry_at("a.dat");
    save(&mut world, 0, "a.dat", b"\x00\x01\xff", true, true);
    together(&mut world);
    assert_eq!(world.machines[1].disk.read(&path("a.dat")), Some(b"\x00\x01\xff".as_slice()));
    let token = word(&mut world, 1);
    write(&mut world, 1, "a.dat", &format!("{POEM}{token}\n"));
    together(&mut world);
    assert_eq!(read(&world, 0, "a.dat"), format!("{POEM}{token}\n"));
    assert_eq!(world.machines[0].entry_at("a.dat"), id);
    // Bytes here, an edit of the text there.
    alone(&mut world);
    let token = word(&mut world, 1);
    save(&mut world, 0, "a.dat", b"\x00\x02\xff", true, true);
    let text = format!("{token}\n{}", read(&world, 1, "a.dat"));
    write(&mut world, 1, "a.dat", &text);
    together(&mut world);
    assert_eq!(files(&world, 0).len(), 2, "{:?}", files(&world, 0));
}

/// losses.md L42.
#[test]
fn two_versions_of_an_image_are_both_kept() {
    let mut world = friends(2);
    save(&mut world, 0, "i.png", b"\x00\xff one", true, true);
    world.settle();
    alone(&mut world);
    save(&mut world, 0, "i.png", b"\x00\xff two", true, true);
    save(&mut world, 1, "i.png", b"\x00\xff three", true, true);
    together(&mut world);
    let kept: Vec<Data> = world.machines[1].disk.tree().into_values().collect();
    for bytes in [b"\x00\xff two".as_slice(), b"\x00\xff three"] {
        assert!(kept.contains(&Data::File(bytes.to_vec())), "{:?}", files(&world, 1));
    }
    assert!(inbox(&world, 0).iter().any(|kind| matches!(kind, ConflictKind::Attachment { .. })));
}

/// losses.md L44, law 3: nobody's receipt names what its giver has not stored, whenever it dies.
#[test]
fn a_receipt_means_stored() {
    for boundary in 0..16 {
        let mut world = friends(2);
        let token = word(&mut world, 0);
        world.machines[1].crash_in = Some((boundary, Crash::Power));
        write(&mut world, 0, "a.md", &token);
        for _ in 0..40 {
            world.run_for(10);
            let (giver, holder) = (&world.machines[1], &world.machines[0]);
            for receipt in holder.store.receipts().unwrap() {
                for tip in receipt.tips.iter().filter(|_| receipt.device == giver.device) {
                    let stored = giver.store.position_of(tip.device, tip.volume, tip.seq).unwrap();
                    assert!(stored.is_some(), "at {boundary}: {tip:?} is acknowledged and not stored");
                }
            }
        }
        together(&mut world);
    }
}

/// losses.md L30 at the level of the core: a stale tab saves.
#[test]
fn a_stale_tab_loses_nothing() {
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    let entry = world.machines[1].entry_at("a.md").unwrap();
    let (version, text) = world.machines[1].load(&entry).unwrap();
    let draft = Draft { machine: 1, entry, version, text };
    let (one, two) = (word(&mut world, 0), word(&mut world, 1));
    write(&mut world, 0, "a.md", &format!("{one}\n{POEM}"));
    world.settle();
    ask_write(&mut world, &draft, &format!("{POEM}{two}\n"));
    together(&mut world);
    assert_eq!(read(&world, 0, "a.md"), format!("{one}\n{POEM}{two}\n"));
}
