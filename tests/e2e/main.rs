//! Real daemons on loopback, driven through the contract alone: the command line and the files.
#![allow(clippy::unwrap_used)]

mod apart;
mod attachments;
mod authority;
mod bad_input;
mod bundles;
mod copies;
mod daemon;
mod documents;
mod faults;
mod folder;
mod hostile;
mod inbox;
mod kills;
mod organise;
mod passphrase;
mod people;
mod private;
#[path = "../fuzz/replay.rs"]
mod replay;
mod seals;
mod standing;
mod timestamps;
mod verifier;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use daemon::{Daemon, until};

/// Every file of a folder, by relative path: its bytes, or a link's target.
fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, at: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for item in fs::read_dir(at).unwrap() {
            let path = item.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name == ".codex" || name == ".git" {
                continue;
            }
            // A file may be exchanged or removed between listing and reading.
            let Ok(kind) = path.symlink_metadata().map(|m| m.file_type()) else { continue };
            let key = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if kind.is_symlink() {
                found.insert(key, fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec());
            } else if kind.is_dir() {
                walk(root, &path, found);
            } else if kind.is_file()
                && let Ok(bytes) = fs::read(&path)
            {
                found.insert(key, bytes);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

fn same(a: &Path, b: &Path) {
    until("both folders are the same", || tree(a) == tree(b));
}

/// A daemon with one notebook, `notes`, in the folder `fa`, which is filled by `fill` first.
fn alone(fill: impl FnOnce(&Path)) -> (tempfile::TempDir, Daemon) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("fa");
    fs::create_dir_all(&folder).unwrap();
    fill(&folder);
    let a = Daemon::start(&dir.path().join("a"), folder);
    a.run(&["notebook", "add", a.folder.to_str().unwrap(), "--name", "notes"]);
    (dir, a)
}

fn ticket(a: &Daemon) -> String {
    ticket_of(a, &["--unattended"])
}

fn ticket_of(a: &Daemon, how: &[&str]) -> String {
    let printed = a.run(&[&["invite", "notes"], how].concat());
    printed.split_whitespace().find(|word| word.starts_with("codex")).unwrap().to_owned()
}

/// Another daemon that joins, into the folder `fb`.
fn join(dir: &Path, a: &Daemon) -> Daemon {
    let b = Daemon::start(&dir.join("b"), dir.join("fb"));
    b.run(&["join", &ticket(a), b.folder.to_str().unwrap()]);
    b
}

/// Two daemons that share a notebook; A's folder is filled by `fill` first.
fn pair(fill: impl FnOnce(&Path)) -> (tempfile::TempDir, Daemon, Daemon) {
    let (dir, a) = alone(fill);
    let b = join(dir.path(), &a);
    (dir, a, b)
}

#[test]
fn a_folder_becomes_the_same_on_both_sides_and_stays_so() {
    let (_dir, a, b) = pair(|folder| {
        fs::create_dir_all(folder.join("data/run 1")).unwrap();
        fs::write(folder.join("protocol.md"), "---\ntags: [pcr]\n---\n# Protocol\n\nUse the buffer.\n")
            .unwrap();
        fs::write(folder.join("data/run 1/plate.csv"), "well,value\nA1,0.5\n").unwrap();
        fs::write(folder.join("image.png"), vec![7u8; 200_000]).unwrap();
    });
    same(&a.folder, &b.folder);
    assert_eq!(tree(&a.folder).len(), 3);
    fs::write(a.folder.join("protocol.md"), "---\ntags: [pcr]\n---\n# Protocol\n\nUse the cold buffer.\n")
        .unwrap();
    fs::rename(b.folder.join("data"), b.folder.join("results")).unwrap();
    until("the edit arrived", || {
        fs::read_to_string(b.folder.join("protocol.md")).is_ok_and(|text| text.contains("cold"))
    });
    until("the folder moved", || a.folder.join("results/run 1/plate.csv").exists());
    same(&a.folder, &b.folder);
    until("the text is found", || b.run(&["search", "buffer tag:pcr"]).contains("protocol.md"));
    fs::remove_file(a.folder.join("image.png")).unwrap();
    until("the deletion arrived", || !b.folder.join("image.png").exists());
    a.run(&["verify"]);
    b.run(&["verify"]);
}

/// More text than of one peer may wait in memory (`docs/protocol.md`) comes over all the same: what was taken in makes room.
#[test]
fn more_than_may_wait_comes_over() {
    let text = |n: u32| format!("{n}\n").repeat(250_000);
    let (_dir, a, b) =
        pair(|folder| (100..140).for_each(|n| fs::write(folder.join(format!("{n}.txt")), text(n)).unwrap()));
    same(&a.folder, &b.folder);
}
