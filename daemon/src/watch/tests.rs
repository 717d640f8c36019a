//! The watcher with real folders and a real worker.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use codex_crdt_model::event::{Event as Told, Observation, Seen};

use super::*;
use crate::disk::tests::World;

/// Waits until something is told that fits; gives all that was told.
async fn until(world: &mut World, what: &str, fits: impl Fn(&Observation) -> bool) -> Vec<Observation> {
    let mut all = Vec::new();
    let wait = async {
        loop {
            if let Told::Observed(batch) = world.next().await {
                all.extend(batch);
            }
            if all.iter().any(&fits) {
                return;
            }
        }
    };
    if tokio::time::timeout(Duration::from_secs(10), wait).await.is_err() {
        let told: Vec<&Observation> =
            all.iter().filter(|told| told.path.as_str().starts_with(&what[..3])).collect();
        panic!("`{what}` was never told; told was {told:?}");
    }
    all
}

fn is_text(observation: &Observation, at: &str, text: &str) -> bool {
    observation.path.as_str() == at && matches!(&observation.seen, Seen::Text(_, told) if told == text)
}

async fn watched() -> (World, Watcher) {
    let mut world = World::new().await;
    world.scan().await;
    let watcher = Watcher::start().unwrap();
    watcher.add(&world.root(), world.disk.clone()).unwrap();
    (world, watcher)
}

/// A notebook that loses its own folder is looked at, and found to be lost.
#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_the_notebooks_own_folder_is_noticed() {
    let (mut world, _watcher) = watched().await;
    std::fs::remove_dir_all(world.at(".codex")).unwrap();
    let lost = async { while !matches!(world.next().await, Told::RootLost(_)) {} };
    tokio::time::timeout(Duration::from_secs(10), lost).await.expect("the loss is told");
}

/// A plain write, an editor's atomic save, a rename and a deletion are told without any scan.
#[tokio::test(flavor = "multi_thread")]
async fn what_programs_do_is_told() {
    let (mut world, _watcher) = watched().await;
    world.write("a.md", "one");
    until(&mut world, "written", |told| is_text(told, "a.md", "one")).await;
    world.write(".a.md.tmp-1", "two");
    std::fs::rename(world.at(".a.md.tmp-1"), world.at("a.md")).unwrap();
    let told = until(&mut world, "saved", |told| is_text(told, "a.md", "two")).await;
    assert!(told.iter().all(|told| told.seen != Seen::Missing), "{told:?}");
    std::fs::rename(world.at("a.md"), world.at("b.md")).unwrap();
    let told = until(&mut world, "renamed", |told| is_text(told, "b.md", "two")).await;
    assert!(told.iter().any(|told| told.path.as_str() == "a.md" && told.seen == Seen::Missing), "{told:?}");
    std::fs::remove_file(world.at("b.md")).unwrap();
    until(&mut world, "deleted", |told| told.path.as_str() == "b.md" && told.seen == Seen::Missing).await;
}

/// losses.md L21: folders that appear with files in them, made faster than watches can be.
#[tokio::test(flavor = "multi_thread")]
async fn files_in_new_folders_are_told() {
    let (mut world, _watcher) = watched().await;
    for number in 0..50 {
        world.write(&format!("d{number}/e/f/deep.md"), format!("text {number}"));
    }
    let mut all = Vec::new();
    for number in 0..50 {
        let (at, text) = (format!("d{number}/e/f/deep.md"), format!("text {number}"));
        if !all.iter().any(|told| is_text(told, &at, &text)) {
            all.extend(until(&mut world, &at, |told| is_text(told, &at, &text)).await);
        }
    }
    std::fs::rename(world.at("d0"), world.at("moved")).unwrap();
    until(&mut world, "moved", |told| told.path.as_str() == "moved").await;
    world.write("moved/e/f/later.md", "later");
    until(&mut world, "later", |told| is_text(told, "moved/e/f/later.md", "later")).await;
}

/// losses.md L14, L21: a root that goes is lost, not empty.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_root_is_lost_not_empty() {
    let (mut world, _watcher) = watched().await;
    world.write("a.md", "one");
    until(&mut world, "written", |told| is_text(told, "a.md", "one")).await;
    std::fs::rename(world.root(), world.dir.path().join("elsewhere")).unwrap();
    loop {
        match world.next().await {
            Told::RootLost(_) => break,
            Told::Observed(batch) => {
                assert!(batch.iter().all(|told| told.seen != Seen::Missing), "{batch:?}")
            }
            _ => {}
        }
    }
}

/// Our own folder and Git's are nobody's business.
#[test]
fn private_folders_are_dropped_early() {
    let root = Path::new("/n");
    for (path, private) in [
        ("/n/.codex/store.db", true),
        ("/n/sub/.git/index", true),
        ("/n/.gitignore", false),
        ("/n/my.codex/a.md", false),
    ] {
        assert_eq!(is_private(root, Path::new(path)), private, "{path}");
    }
}

/// losses.md L21: an overflow asks for a scan.
#[test]
fn an_overflow_asks_for_a_scan() {
    let overflow = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
    assert_eq!(hint_of(&overflow), Hint::Scan);
}
