//! Directed scenarios: how others lost their users' work, one by one (`losses.md`). Here: birth, joining, order;
//! in `files_and_crashes`: the folder, crashes, attachments; in `fetching`: attachments left with the others; in `braking`:
//! how a hold ends; in `copies`: old copies of a home that nobody knows to be old.

use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{Request, Version};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::{ConflictKind, Source};
use codex_tests::machine::{Job, Machine};
use codex_tests::workload::{backup, remove, restore_backup, save};
use codex_tests::{Fault, World, oracle};

mod braking;
mod copies;
mod fetching;
mod files_and_crashes;

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

/// losses.md L4: two join at once, and the last word that one hears is the other's, which knows nothing.
#[test]
fn joiners_do_not_wait_for_one_another() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3, Fault::None);
        write(&mut world, 0, "a.md", POEM);
        world.meet();
        for n in [1, 2] {
            assert_eq!(read(&world, n, "a.md"), POEM, "seed {seed}, machine {n}");
        }
    }
}

/// losses.md L4: same path, other bytes.
#[test]
fn joining_keeps_both_versions_of_a_path() {
    let mut world = strangers(2);
    // Of two ids, one is the smaller: whichever it is, the name stays with the team's file.
    for name in ["a.md", "b.md", "c.md", "d.md"] {
        let (one, two) = (word(&mut world, 0), word(&mut world, 1));
        write(&mut world, 0, name, &one);
        write(&mut world, 1, name, &two);
    }
    let team: Vec<String> = files(&world, 0).iter().map(|name| read(&world, 0, name)).collect();
    world.meet();
    together(&mut world);
    assert_eq!(files(&world, 0).len(), 8);
    assert_eq!(["a.md", "b.md", "c.md", "d.md"].map(|name| read(&world, 1, name)).to_vec(), team);
    assert_eq!(inbox(&world, 1).len(), 4);
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

/// losses.md L5: the backup's files hold an edit that its store has not seen; others have it from before. Whatever else
/// was typed before or after the backup was put back, at the same place or another.
#[test]
fn a_restored_backup_does_not_double_what_it_had_not_seen() {
    for (before, after, offline) in
        [(false, false, false), (true, false, false), (false, true, true), (true, true, true)]
    {
        let mut world = friends(2);
        write(&mut world, 0, "a.md", POEM);
        world.settle();
        let unseen = word(&mut world, 0);
        save(&mut world, 0, "a.md", format!("{POEM}{unseen} sugar\n").as_bytes(), true, false);
        let (old, since) = (backup(&world.machines[0]), world.time);
        let mut words = vec![unseen.clone()];
        if before {
            let more = word(&mut world, 1);
            write(&mut world, 0, "a.md", &format!("{POEM}{unseen} sugar\n{more} is sweet\n"));
            words.push(more);
        }
        world.work(0, Job::Scan, 0);
        world.settle();
        if offline {
            alone(&mut world);
        }
        restore_backup(&mut world, 0, old, since);
        if after {
            let more = word(&mut world, 1);
            write(&mut world, 0, "a.md", &format!("{POEM}{unseen} sugar\nand so {more}\n"));
            words.push(more);
        }
        together(&mut world);
        let text = read(&world, 1, "a.md");
        for word in words.iter().map(String::as_str).chain(["sugar", "roses"]) {
            assert_eq!(text.matches(word).count(), 1, "{word} in {text:?}");
        }
    }
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
    ask(&mut world, 0, Request::Restore { entry, at: Some(Version(Vec::new())) });
    together(&mut world);
    world.settle();
    assert_eq!(read(&world, 1, "a.md"), POEM);
}
