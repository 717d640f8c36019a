//! losses.md L5, with real daemons: a whole disk was put back, and nothing on it says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::daemon::Daemon;
use crate::{pair, same};

/// Every file below some folders.
fn snapshot(folders: &[&Path]) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut left: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    while let Some(folder) = left.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                files.insert(path, bytes);
            }
        }
    }
    files
}

/// Puts the bytes back into the files that they were in, as an image of the disk does: no file is another one by its number.
fn put_back(folders: &[&Path], then: &BTreeMap<PathBuf, Vec<u8>>) {
    for path in snapshot(folders).keys().filter(|path| !then.contains_key(*path)) {
        fs::remove_file(path).unwrap();
    }
    for (path, bytes) in then {
        fs::write(path, bytes).unwrap();
    }
}

/// losses.md L5: the same records and files everywhere, with what was typed before and after, and what was sealed.
#[test]
fn a_disk_that_was_put_back_and_written_to_loses_nothing() {
    let (_dir, mut a, mut b) = pair(|folder| fs::write(folder.join("poem.md"), "roses\nviolets\n").unwrap());
    same(&a.folder, &b.folder);
    a.run(&["wait", "--synced", "--timeout", "2m"]);
    a.stop();
    let (home, folder) = (a.home().to_owned(), a.folder.clone());
    let places = [home.as_path(), folder.as_path()];
    let then = snapshot(&places);
    a.restart();
    fs::write(folder.join("poem.md"), "roses\nviolets\nsugar\n").unwrap();
    a.run(&["wait", "--idle", "--timeout", "2m"]);
    fs::write(folder.join("letter.md"), "from before\n").unwrap();
    same(&a.folder, &b.folder);
    a.stop();
    b.stop();
    put_back(&places, &then);
    a.restart();
    let written = |a: &Daemon, name: &str, text: &str| {
        fs::write(folder.join(name), text).unwrap();
        a.run(&["wait", "--idle", "--timeout", "2m"]);
    };
    written(&a, "poem.md", "red roses\nviolets\n");
    written(&a, "poem.md", "red roses\nblue violets\n");
    written(&a, "new.md", "since then\n");
    a.run(&["seal", "notes", "new.md", "--meaning", "recorded by me"]);
    b.restart();
    same(&a.folder, &b.folder);
    for side in [&a, &b] {
        side.run(&["wait", "--synced", "--timeout", "2m"]);
        let read = |name: &str| fs::read_to_string(side.folder.join(name)).unwrap();
        assert_eq!(read("poem.md"), "red roses\nblue violets\nsugar\n");
        assert_eq!(read("letter.md"), "from before\n");
        assert_eq!(read("new.md"), "since then\n");
        let seals = side.json(&["seals", "notes", "new.md"]);
        let seal = &seals["items"][0];
        assert_eq!(
            (&seal["by"]["meaning"], &seal["is_true"]),
            (&"recorded by me".into(), &true.into()),
            "{seals}"
        );
        let checked = side.json(&["verify"]);
        assert_eq!(checked["notebooks"][0]["bad_records"].as_array().map(Vec::len), Some(0), "{checked}");
    }
}
