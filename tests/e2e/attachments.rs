//! Attachments between two real daemons: what "synced" means, and what was.

use std::fs;
use std::path::Path;

use crate::daemon::{Daemon, until};
use crate::{alone, join, pair, same};

fn image(n: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0".to_vec();
    bytes.extend((0..300_000_u32).map(|at| (at % 251) as u8 ^ n));
    bytes
}

/// The versions of a path, the oldest first.
fn versions(daemon: &Daemon, path: &str) -> Vec<String> {
    let log = daemon.run(&["log", "notes", path, "--json"]);
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    let rows = log["items"].as_array().unwrap().iter().rev();
    rows.map(|row| row["version"].as_str().unwrap().to_owned()).collect()
}

/// losses.md L40, L44: the moment A calls B's copy complete, both are killed; B alone has every byte.
#[test]
fn what_is_called_held_by_both_is_there_without_the_other() {
    let (_dir, mut a, mut b) = pair(|folder| {
        fs::write(folder.join("a.md"), "text\n").unwrap();
        for n in 0..5 {
            fs::write(folder.join(format!("{n}.png")), image(n)).unwrap();
        }
    });
    // With the founding, the admission and all files known, and none of it missing at either.
    until("A says that two of two hold everything", || {
        let notebook = a.notebook();
        notebook["held_by"] == serde_json::json!([2, 2]) && notebook["entries"] == 6
    });
    a.kill();
    b.kill();
    b.restart();
    same(&a.folder, &b.folder);
}

/// losses.md L43, L41: a device that joined late gets old versions from the others, may restore them, and what was
/// deleted everywhere comes back.
#[test]
fn an_older_image_is_fetched_from_the_others_and_restored() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.png"), image(0)).unwrap());
    let replace = |n: u8, count: usize| {
        until("the version before is taken in", || versions(&a, "a.png").len() == count - 1);
        fs::write(a.folder.join("a.png"), image(n)).unwrap();
        until("the new version is taken in", || versions(&a, "a.png").len() == count);
    };
    until("it is imported", || a.notebook()["entries"] == 1);
    replace(1, 2);
    replace(2, 3);
    let b = join(dir.path(), &a);
    same(&a.folder, &b.folder);
    let all = versions(&b, "a.png");
    assert_eq!(all, versions(&a, "a.png"), "one history everywhere");
    let shown = |n: u8, version: &str| {
        let at = dir.path().join("shown");
        let show = |at: &Path| {
            let output = b.output(&["show", "notes", "a.png", "--at", version]);
            fs::write(at, output).unwrap();
        };
        until("the old version came", || {
            show(&at);
            fs::read(&at).unwrap() == image(n)
        });
    };
    shown(0, &all[0]);
    shown(1, &all[1]);
    b.run(&["restore", "notes", "a.png", "--at", &all[1]]);
    until("both have it again", || {
        [&a, &b].iter().all(|side| fs::read(side.folder.join("a.png")).is_ok_and(|bytes| bytes == image(1)))
    });
    fs::remove_file(a.folder.join("a.png")).unwrap();
    until("it is deleted everywhere", || !b.folder.join("a.png").exists());
    let birth = &all[0];
    a.run(&["restore", "notes", "a.png", "--at", birth]);
    until("both have the first again", || {
        [&a, &b].iter().all(|side| fs::read(side.folder.join("a.png")).is_ok_and(|bytes| bytes == image(0)))
    });
}

/// What is here is not said to come; what is missing is, until it is here.
#[test]
fn a_fetch_says_what_is_missing_and_what_is_here() {
    let (_dir, mut a, b) = pair(|folder| fs::write(folder.join("a.md"), "text\n").unwrap());
    same(&a.folder, &b.folder);
    b.run(&["notebook", "fetch", "notes", "on-demand"]);
    fs::create_dir(a.folder.join("data")).unwrap();
    (1..3).for_each(|n| fs::write(a.folder.join(format!("data/{n}.png")), image(n)).unwrap());
    until("both images are known at B", || b.notebook()["blobs_missing"] == 2);
    a.kill();
    assert!(b.run(&["fetch", "notes", "a.md"]).contains("`a.md` is here already"));
    assert!(b.run(&["fetch", "notes", "data"]).contains("2 attachments are missing"));
    assert!(b.run(&["fetch", "notes", "data/1.png"]).contains("an attachment is missing"));
    a.restart();
    same(&a.folder, &b.folder);
    assert!(b.run(&["fetch", "notes", "data"]).contains("`data` is here already"));
}
