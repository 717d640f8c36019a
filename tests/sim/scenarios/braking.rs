//! The brake lets go by itself: a hold names exactly what still needs an answer, and ends with the last of it.

use std::collections::BTreeSet;
use std::ops::Range;

use codex_crdt_model::event::{Event, Request, Version};
use codex_crdt_model::store::Source;
use codex_tests::disk::MemoryDisk;
use codex_tests::machine::Job;
use codex_tests::{Fault, World};

use super::{files, friends, path, read, together, word, write};

fn name(n: usize) -> String {
    format!("lab/n{n:02}.md")
}

/// Sixty notes in a folder, on both machines.
fn sixty() -> World {
    let mut world = friends(2);
    for n in 0..60 {
        write(&mut world, 0, &name(n), &format!("{n}\n"));
    }
    world.settle();
    world
}

/// What a machine's brake holds, by path.
fn held(world: &World, n: usize) -> BTreeSet<String> {
    let machine = &world.machines[n];
    let ids: Vec<_> = machine.core.as_ref().unwrap().held().copied().collect();
    let shown = |id| {
        let row = machine.store.entry(id).unwrap().unwrap();
        codex_crdt_model::view::path(&machine.store, &row).unwrap().to_string()
    };
    ids.iter().map(shown).collect()
}

fn names(of: Range<usize>) -> BTreeSet<String> {
    of.map(name).collect()
}

fn is_held(world: &World, n: usize) -> bool {
    world.machines[n].core.as_ref().unwrap().meta().held
}

/// The files are as they were, as if a disk was mounted again, but for these.
fn back_but_for(world: &mut World, n: usize, before: &MemoryDisk, missing: impl IntoIterator<Item = usize>) {
    world.machines[n].disk = before.clone();
    for n_ in missing {
        world.machines[n].disk.remove(&path(&name(n_)));
    }
}

fn scan(world: &mut World, n: usize) {
    world.work(n, Job::Scan, 0);
    world.run_until_quiet();
}

/// The program dies and comes back; something happens before the first look.
fn restart(world: &mut World, n: usize) {
    world.stop(n);
    world.start(n);
    world.tell(n, Event::Tick, 0);
    world.run_until_quiet();
}

/// Forty of sixty vanish, and are held.
fn forty_vanish(world: &mut World) -> MemoryDisk {
    let before = world.machines[0].disk.clone();
    (0..40).for_each(|n| world.machines[0].disk.remove(&path(&name(n))));
    scan(world, 0);
    assert!(is_held(world, 0));
    assert_eq!(held(world, 0), names(0..40));
    before
}

/// losses.md L16: what comes back as it was needs no answer. What is still missing stays held, however little it is, and
/// so it is after a restart.
#[test]
fn a_hold_names_what_is_still_missing_and_ends_with_the_last() {
    let mut world = sixty();
    let before = forty_vanish(&mut world);
    back_but_for(&mut world, 0, &before, 0..3);
    scan(&mut world, 0);
    assert_eq!(held(&world, 0), names(0..3));
    restart(&mut world, 0);
    assert!(is_held(&world, 0));
    assert_eq!(held(&world, 0), names(0..3));
    scan(&mut world, 0);
    assert_eq!((held(&world, 0), files(&world, 1).len()), (names(0..3), 60), "nothing was deleted elsewhere");
    back_but_for(&mut world, 0, &before, 0..0);
    // The watcher's hint is enough.
    world.work(0, Job::Look((0..3).map(|n| path(&name(n))).collect()), 0);
    world.run_until_quiet();
    assert!(!is_held(&world, 0) && held(&world, 0).is_empty());
    let said = world.machines[0].standings.last().unwrap();
    assert!(said.contains("nothing waits for an answer any more"), "{said}");
    together(&mut world);
    assert_eq!((files(&world, 0).len(), files(&world, 1).len()), (60, 60));
    // The brake is as good as new.
    forty_vanish(&mut world);
}

/// losses.md L16: everything comes back while the program is not there; or the folder it all was in goes and comes.
#[test]
fn a_hold_ends_by_the_first_look_after_a_restart() {
    let mut world = sixty();
    let before = forty_vanish(&mut world);
    world.stop(0);
    back_but_for(&mut world, 0, &before, 0..0);
    world.start(0);
    assert!(is_held(&world, 0), "nothing is known before the look");
    world.run_until_quiet();
    assert!(!is_held(&world, 0));
    world.machines[0].disk.remove(&path("lab"));
    scan(&mut world, 0);
    assert_eq!(held(&world, 0).len(), 61);
    back_but_for(&mut world, 0, &before, 0..60);
    scan(&mut world, 0);
    assert_eq!(held(&world, 0), names(0..60), "the folder is back");
    back_but_for(&mut world, 0, &before, 0..0);
    scan(&mut world, 0);
    assert!(!is_held(&world, 0));
    together(&mut world);
    assert_eq!((files(&world, 0).len(), files(&world, 1).len()), (60, 60));
}

/// losses.md L16: what is held comes back with other words, under another name, or is deleted by somebody else: no answer
/// is left to give for it.
#[test]
fn what_was_answered_otherwise_is_held_no_more() {
    let mut world = sixty();
    let before = forty_vanish(&mut world);
    back_but_for(&mut world, 0, &before, 0..10);
    let token = word(&mut world, 0);
    write(&mut world, 0, &name(1), &format!("1\n{token}\n"));
    let mut moved = before.clone();
    assert!(moved.rename(&path(&name(2)), &path("lab/moved.md")));
    world.machines[0].disk.write(&path("lab/moved.md"), moved.read(&path("lab/moved.md")).unwrap(), false);
    scan(&mut world, 0);
    let expected: BTreeSet<String> = names(0..10).difference(&names(1..3)).cloned().collect();
    assert_eq!(held(&world, 0), expected);
    let entry = world.machines[1].entry_at(&name(0)).unwrap();
    world.ask(1, Request::Delete { entry });
    world.run_until_quiet();
    assert_eq!(held(&world, 0), names(3..10), "the other machine has said that it may go");
    assert!(!files(&world, 0).contains(&name(0)));
    for n in 3..10 {
        let entry = world.machines[1].entry_at(&name(n)).unwrap();
        world.ask(1, Request::Delete { entry });
    }
    world.run_until_quiet();
    assert!(!is_held(&world, 0));
    together(&mut world);
    assert_eq!(read(&world, 1, &name(1)), format!("1\n{token}\n"));
    assert_eq!((files(&world, 0).len(), files(&world, 1).len()), (52, 52));
    assert!(files(&world, 1).contains(&"lab/moved.md".to_owned()));
}

/// losses.md L16: others deleted much, and take it back; or the user here deletes what was held.
#[test]
fn deletions_that_were_taken_back_are_held_no_more() {
    let mut world = sixty();
    let entries: Vec<_> = (0..60).map(|n| world.machines[0].entry_at(&name(n)).unwrap()).collect();
    for entry in &entries[..40] {
        world.ask(0, Request::Delete { entry: *entry });
    }
    world.run_until_quiet();
    assert!(is_held(&world, 1));
    let gone: BTreeSet<_> =
        names(0..40).difference(&files(&world, 1).into_iter().collect()).cloned().collect();
    let waiting: BTreeSet<_> = names(0..40).difference(&gone).cloned().collect();
    assert_eq!(held(&world, 1), waiting);
    let mut left = waiting.clone();
    let all: Vec<_> = waiting.iter().cloned().collect();
    let (taken_back, removed) = all.split_at(all.len() / 2);
    for name in taken_back {
        let entry = entries[(0..60).find(|n| self::name(*n) == *name).unwrap()];
        let at = Version(world.machines[0].store.entry(&entry).unwrap().unwrap().heads);
        world.ask(0, Request::Restore { entry, at: Some(at) });
        left.remove(name);
    }
    world.run_until_quiet();
    assert_eq!(held(&world, 1), left);
    // So few, so long after the others, would pass if they came only now.
    world.run_for(3_600_000);
    restart(&mut world, 1);
    assert!(is_held(&world, 1));
    assert_eq!(held(&world, 1), left);
    for name in removed {
        world.machines[1].disk.remove(&path(name));
    }
    scan(&mut world, 1);
    assert!(!is_held(&world, 1), "there is nothing left to delete: {:?}", held(&world, 1));
    together(&mut world);
    assert_eq!(files(&world, 0), files(&world, 1));
    assert!(taken_back.iter().all(|name| files(&world, 1).contains(name)));
}

/// losses.md L16: however files come and go, with and without the program: what is held is what is missing, nothing is deleted
/// elsewhere, and the hold ends with the last of it.
#[test]
fn whatever_comes_and_goes_a_hold_names_what_is_missing() {
    for seed in 0..20 {
        let mut world = World::new(seed, 2, Fault::None);
        world.meet();
        (0..60).for_each(|n| write(&mut world, 0, &name(n), &format!("{n}\n")));
        world.settle();
        let before = forty_vanish(&mut world);
        let mut missing: BTreeSet<usize> = (0..40).collect();
        for round in 0_i64.. {
            // In the end, all of it comes back.
            let back = round > 12 || world.rng.percent(60);
            for _ in 0..world.rng.between(1, 12) {
                let n = usize::try_from(world.rng.between(0, 59)).unwrap();
                if back {
                    missing.remove(&n)
                } else {
                    missing.insert(n)
                };
            }
            let restarts = world.rng.percent(30);
            if restarts {
                world.stop(0);
            }
            back_but_for(&mut world, 0, &before, missing.iter().copied());
            if restarts {
                world.start(0);
                world.tell(0, Event::Tick, 0);
            } else if world.rng.percent(50) {
                world.work(0, Job::Look((0..60).map(|n| path(&name(n))).collect()), 0);
            } else {
                world.work(0, Job::Scan, 0);
            }
            world.run_until_quiet();
            let expected: BTreeSet<String> = missing.iter().map(|n| name(*n)).collect();
            assert_eq!((held(&world, 0), is_held(&world, 0)), (expected, !missing.is_empty()), "seed {seed}");
            assert_eq!(files(&world, 1).len(), 60, "seed {seed}: nothing was deleted elsewhere");
            world.run_for(300_000);
            if missing.is_empty() {
                break;
            }
        }
        together(&mut world);
        assert_eq!((files(&world, 0).len(), files(&world, 1).len()), (60, 60), "seed {seed}");
    }
}
