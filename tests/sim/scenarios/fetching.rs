//! Attachments that a device leaves with the others until somebody asks for them.

use codex_crdt_model::event::Request;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::FetchPolicy::{All, Below, OnDemand};
use codex_crdt_model::store::Source;
use codex_tests::World;
use codex_tests::workload::save;

use super::{ask, files, friends, together};

const SMALL: &[u8] = b"\x00small";
const LARGE: &[u8] = b"\x00large, as images go";

fn put(world: &mut World, n: usize, at: &str, bytes: &[u8]) {
    assert!(save(world, n, at, bytes, true, true));
    world.settle();
}

fn entry(world: &World, n: usize, at: &str) -> codex_crdt_model::ids::EntryId {
    let store = &world.machines[n].store;
    let parent = codex_crdt_model::ids::EntryId::ROOT;
    store.at(&parent, at).unwrap().unwrap()
}

/// Left is not deleted: neither here nor, after scans, elsewhere; and one that is asked for comes.
#[test]
fn what_is_left_with_the_others_is_not_deleted_and_comes_when_asked_for() {
    let mut world = friends(2);
    ask(&mut world, 1, Request::SetFetchPolicy(Below(10)));
    put(&mut world, 0, "a.png", SMALL);
    put(&mut world, 0, "b.png", LARGE);
    assert_eq!(files(&world, 1), ["a.png"]);
    let (left, b) = (world.machines[1].store.blobs_missing().unwrap(), entry(&world, 1, "b.png"));
    assert!(left.len() == 1 && left.values().all(|missing| !missing.wanted));
    // A rename and a restart do not bring it, nor do they lose it.
    let to = EntryPath::parse("c.png").unwrap();
    ask(&mut world, 1, Request::Move { entry: b, to });
    world.stop(1);
    world.start(1);
    world.settle();
    assert_eq!(files(&world, 1), ["a.png"]);
    assert_eq!(files(&world, 0), ["a.png", "c.png"]);
    ask(&mut world, 1, Request::Fetch { entry: b });
    assert_eq!(files(&world, 1), ["a.png", "c.png"]);
    together(&mut world);
}

/// Whoever asked while nobody held it need not ask again, not even after a restart.
#[test]
fn what_was_asked_for_stays_asked_for() {
    let mut world = friends(2);
    ask(&mut world, 1, Request::SetFetchPolicy(OnDemand));
    put(&mut world, 0, "a.png", LARGE);
    world.part();
    let a = entry(&world, 1, "a.png");
    ask(&mut world, 1, Request::Fetch { entry: a });
    assert!(files(&world, 1).is_empty());
    world.stop(1);
    together(&mut world);
    assert_eq!(files(&world, 1), ["a.png"]);
}

/// A wider policy brings what was left; a narrower one keeps what is here.
#[test]
fn a_policy_can_be_changed() {
    let mut world = friends(2);
    ask(&mut world, 1, Request::SetFetchPolicy(OnDemand));
    put(&mut world, 0, "a.png", SMALL);
    put(&mut world, 0, "b.png", LARGE);
    assert!(files(&world, 1).is_empty());
    ask(&mut world, 1, Request::SetFetchPolicy(Below(10)));
    assert_eq!(files(&world, 1), ["a.png"]);
    ask(&mut world, 1, Request::SetFetchPolicy(OnDemand));
    assert_eq!(files(&world, 1), ["a.png"]);
    ask(&mut world, 1, Request::SetFetchPolicy(All));
    together(&mut world);
    assert_eq!(files(&world, 1), ["a.png", "b.png"]);
}

/// losses.md L40: what no entry needs any more is not missing, or "on all devices" would never be true again.
#[test]
fn a_version_that_was_replaced_before_it_came_is_not_missing() {
    let mut world = friends(2);
    ask(&mut world, 1, Request::SetFetchPolicy(OnDemand));
    put(&mut world, 0, "a.png", SMALL);
    put(&mut world, 0, "b.png", SMALL);
    put(&mut world, 0, "a.png", LARGE);
    let missing = |world: &World| world.machines[1].store.blobs_missing().unwrap().len();
    assert_eq!(missing(&world), 2);
    let b = entry(&world, 1, "b.png");
    ask(&mut world, 0, Request::Delete { entry: b });
    assert_eq!(missing(&world), 1);
    ask(&mut world, 0, Request::Restore { entry: b, at: Some(codex_crdt_model::event::Version(Vec::new())) });
    assert_eq!(missing(&world), 2);
    ask(&mut world, 1, Request::SetFetchPolicy(All));
    together(&mut world);
}
