//! Directed scenarios: how others lost their users' work, one by one (`losses.md`).

use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{Event, Request, Version};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::{ConflictKind, Source};
use codex_tests::disk::Data;
use codex_tests::machine::{Crash, Draft, Job, Machine};
use codex_tests::workload::{ask_write, backup, remove, restore_backup, save};
use codex_tests::{Fault, World, oracle};

const POEM: &str = "roses are red\nviolets are blue\n";

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text).unwrap()
}

fn strangers(count: usize) -> World {
    World::new(7, count, Fault::None)
}

fn friends(count: usize) -> World {
    let mut world = strangers(count);
    world.meet();
    world
}

fn write(world: &mut World, n: usize, at: &str, text: &str) {
    assert!(save(world, n, at, text.as_bytes(), false, true), "{at} can be written");
}

fn word(world: &mut World, n: usize) -> String {
    let time = world.time;
    world.ledger.make(n, time)
}

fn read(world: &World, n: usize, at: &str) -> String {
    let bytes = world.machines[n].disk.read(&path(at));
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_else(|| "(nothing)".into())
}

fn files(world: &World, n: usize) -> Vec<String> {
    world.machines[n].disk.paths(false).iter().map(ToString::to_string).collect()
}

fn records(world: &World, n: usize) -> usize {
    world.machines[n].store.records().count()
}

fn inbox(world: &World, n: usize) -> Vec<ConflictKind> {
    let rows = world.machines[n].store.conflicts(None).unwrap();
    rows.into_iter().map(|(_, row)| row.kind).collect()
}

/// Alone for a while: everybody sees only their own folder.
fn alone(world: &mut World) {
    world.part();
    world.settle();
}

/// Together again, quiet, and every law holds.
fn together(world: &mut World) {
    world.start_all();
    world.heal();
    world.settle();
    let problems = oracle::problems(world);
    assert!(problems.is_empty(), "{problems:#?}");
}

fn ask(world: &mut World, n: usize, request: Request) -> Reply {
    let number = world.ask(n, request);
    world.settle();
    world.replies[&(n, number)].clone().unwrap()
}

/// losses.md L1 L3, law 5.
#[test]
fn import_is_idempotent() {
    for count in [2, 3, 4] {
        let mut world = strangers(count);
        for n in 0..count {
            for at in ["a.md", "notes/b.txt", "notes/deep/c.md"] {
                write(&mut world, n, at, POEM);
                world.time += 86_400_000;
            }
        }
        world.meet();
        together(&mut world);
        for n in 0..count {
            assert_eq!(files(&world, n), ["a.md", "notes/b.txt", "notes/deep/c.md"]);
            assert_eq!(read(&world, n, "notes/b.txt"), POEM);
            assert_eq!(inbox(&world, n), []);
        }
    }
}

/// losses.md L1: both imported the folder before they knew of each other's changes to it.
#[test]
fn a_folder_imported_and_edited_apart_is_one() {
    let mut world = friends(2);
    alone(&mut world);
    for n in 0..2 {
        write(&mut world, n, "a.md", POEM);
    }
    world.settle();
    let (one, two) = (word(&mut world, 0), word(&mut world, 1));
    write(&mut world, 0, "a.md", &format!("{one}\n{POEM}"));
    write(&mut world, 1, "a.md", &format!("{POEM}{two}\n"));
    together(&mut world);
    assert_eq!(read(&world, 1, "a.md"), format!("{one}\n{POEM}{two}\n"));
}

/// losses.md L2.
#[test]
fn one_path_made_twice_stays_two_files() {
    let mut world = friends(2);
    alone(&mut world);
    let (one, two) = (word(&mut world, 0), word(&mut world, 1));
    write(&mut world, 0, "day.md", &one);
    write(&mut world, 1, "day.md", &two);
    together(&mut world);
    assert_eq!(files(&world, 0).len(), 2, "{:?}", files(&world, 0));
    for n in 0..2 {
        assert!(matches!(inbox(&world, n)[..], [ConflictKind::Name { .. }]), "{:?}", inbox(&world, n));
    }
}

/// losses.md L4: joining with an empty folder, and joining a folder that has other files.
#[test]
fn joining_is_a_union() {
    let mut world = strangers(3);
    let (one, two) = (word(&mut world, 0), word(&mut world, 2));
    write(&mut world, 0, "mine.md", &one);
    write(&mut world, 0, "both.md", POEM);
    write(&mut world, 2, "both.md", POEM);
    write(&mut world, 2, "theirs.md", &two);
    world.meet();
    together(&mut world);
    assert_eq!(files(&world, 1), ["both.md", "mine.md", "theirs.md"]);
}

/// losses.md L4: same path, other bytes.
#[test]
fn joining_keeps_both_versions_of_a_path() {
    let mut world = strangers(2);
    let (one, two) = (word(&mut world, 0), word(&mut world, 1));
    write(&mut world, 0, "a.md", &one);
    write(&mut world, 1, "a.md", &two);
    world.meet();
    together(&mut world);
    assert_eq!(files(&world, 0).len(), 2);
    assert!(!inbox(&world, 1).is_empty());
}

/// losses.md L5: a home is restored from a backup, and goes on.
#[test]
fn a_restored_home_begins_a_new_journal() {
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    let (old, since) = (backup(&world.machines[0]), world.time);
    let token = word(&mut world, 0);
    write(&mut world, 0, "a.md", &format!("{POEM}{token}\n"));
    world.settle();
    let before = records(&world, 1);
    let volume = world.machines[0].store.meta().unwrap().unwrap().volume;
    restore_backup(&mut world, 0, old, since);
    let (a, b) = (word(&mut world, 0), word(&mut world, 1));
    write(&mut world, 0, "a.md", &format!("{a}\n{POEM}"));
    write(&mut world, 1, "b.md", &b);
    together(&mut world);
    assert_eq!(read(&world, 0, "a.md"), format!("{a}\n{POEM}{token}\n"));
    assert_ne!(world.machines[0].store.meta().unwrap().unwrap().volume, volume);
    assert!(records(&world, 0) > before);
}

/// losses.md L5: nobody said that the home is an old copy; the first peer does.
#[test]
fn an_old_copy_is_noticed_by_its_journal() {
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    let (old, since) = (backup(&world.machines[0]), world.time);
    write(&mut world, 0, "b.md", POEM);
    world.settle();
    let volume = world.machines[0].store.meta().unwrap().unwrap().volume;
    restore_backup(&mut world, 0, old, since);
    world.machines[0].fresh_volume = false;
    together(&mut world);
    let token = word(&mut world, 0);
    write(&mut world, 0, "c.md", &token);
    together(&mut world);
    assert_ne!(world.machines[0].store.meta().unwrap().unwrap().volume, volume);
    assert_eq!(files(&world, 0), ["a.md", "b.md", "c.md"]);
}

/// losses.md L6.
#[test]
fn a_template_used_twice_makes_one_note() {
    let mut world = friends(2);
    alone(&mut world);
    for n in 0..2 {
        let content = Content::Text("---\ndate: 2026-01-01\n---\n# Today\n".into());
        ask(&mut world, n, Request::Create { path: path("daily/2026-01-01.md"), content });
    }
    together(&mut world);
    assert_eq!(files(&world, 0), ["daily/2026-01-01.md"]);
    assert_eq!(inbox(&world, 0), []);
}

/// losses.md L7 L11: weeks offline, and a clock that is twenty years ahead.
#[test]
fn a_stale_machine_with_a_fast_clock_does_not_win() {
    let mut world = friends(3);
    write(&mut world, 0, "a.md", &format!("{POEM}old line\n"));
    world.settle();
    world.connect(0, 2, false);
    world.connect(1, 2, false);
    world.machines[2].skew = 20 * 365 * 86_400_000;
    write(&mut world, 0, "a.md", POEM);
    for _ in 0..5 {
        let token = word(&mut world, 1);
        world.settle();
        let text = format!("{}{token}\n", read(&world, 1, "a.md"));
        write(&mut world, 1, "a.md", &text);
        world.run_for(5 * 86_400_000);
    }
    let token = word(&mut world, 2);
    let text = format!("{token}\n{}", read(&world, 2, "a.md"));
    write(&mut world, 2, "a.md", &text);
    world.machines[2].skew = -20 * 365 * 86_400_000;
    together(&mut world);
    assert!(!read(&world, 2, "a.md").contains("old line"));
}

/// losses.md L8.
#[test]
fn rewriting_without_change_makes_no_version() {
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    let before = records(&world, 0);
    for by_rename in [false, true, false] {
        save(&mut world, 0, "a.md", POEM.as_bytes(), by_rename, true);
        world.settle();
    }
    assert_eq!(records(&world, 0), before);
}

/// losses.md L9, law 4: delete, edit, and delete and make again, on three machines.
#[test]
fn an_edit_beats_a_deletion() {
    let mut world = friends(3);
    write(&mut world, 0, "a.md", POEM);
    write(&mut world, 0, "b.md", POEM);
    world.settle();
    world.part();
    remove(&mut world, 0, &path("a.md"));
    remove(&mut world, 0, &path("b.md"));
    let token = word(&mut world, 1);
    write(&mut world, 1, "a.md", &format!("{POEM}{token}\n"));
    remove(&mut world, 2, &path("a.md"));
    world.settle();
    write(&mut world, 2, "a.md", POEM);
    together(&mut world);
    assert_eq!(files(&world, 0).len(), 1, "{:?}", files(&world, 0));
    assert!(read(&world, 0, "a.md").contains(&token));
}

/// losses.md L10: the store is lost, the files are not.
#[test]
fn a_lost_store_is_rebuilt_without_doubles() {
    let mut world = friends(2);
    for (at, n) in [("a.md", 0), ("notes/b.md", 1)] {
        let token = word(&mut world, n);
        write(&mut world, n, at, &format!("{POEM}{token}\n"));
        world.settle();
        let again = word(&mut world, 1 - n);
        let text = format!("{again}\n{}", read(&world, 1 - n, at));
        write(&mut world, 1 - n, at, &text);
        world.settle();
    }
    let (a, b) = (read(&world, 0, "a.md"), read(&world, 0, "notes/b.md"));
    world.stop(1);
    let notebook = world.machines[0].store.meta().unwrap().unwrap().notebook;
    let key = world.machines[1].key.to_bytes();
    let join = Origin::Join { notebook, name: "lab".into() };
    let disk = world.machines[1].disk.clone();
    world.machines[1] = Machine { disk, epoch: 99, ..Machine::new(key, join, [9; 32], world.time) };
    together(&mut world);
    assert_eq!(files(&world, 1), ["a.md", "notes/b.md"]);
    assert_eq!((read(&world, 1, "a.md"), read(&world, 0, "notes/b.md")), (a, b));
}

/// losses.md L13.
#[test]
fn a_restored_version_stays() {
    let mut world = friends(2);
    write(&mut world, 0, "a.md", POEM);
    world.settle();
    let entry = world.machines[0].entry_at("a.md").unwrap();
    write(&mut world, 1, "a.md", "all gone\n");
    world.settle();
    ask(&mut world, 0, Request::Restore { entry, at: Version(Vec::new()) });
    together(&mut world);
    world.settle();
    assert_eq!(read(&world, 1, "a.md"), POEM);
}

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
