//! Disks that are full or refuse, stores that cannot be read, and two daemons that want one folder. Whatever a machine
//! does not permit (mounting, immutable files) is left out, with a word.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::daemon::{Daemon, until};
use crate::{alone, pair, same, tree};

fn quietly(program: &str, args: &[&str]) -> bool {
    let status = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// A small file system at a folder, gone with this value.
pub struct Small(PathBuf);

impl Small {
    /// `None` where mounting is not permitted.
    pub fn mount(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let done = quietly("mount", &["-t", "tmpfs", "-o", options, "tmpfs", at.to_str().unwrap()]);
        if !done {
            println!("not tried: mounting a file system is not permitted here");
        }
        done.then(|| Self(at.to_owned()))
    }

    pub fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(quietly("mount", &["-o", &options, self.0.to_str().unwrap()]), "{options}");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        quietly("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

fn bytes(n: u8) -> Vec<u8> {
    (0..1_000_000_u32).map(|at| (at % 253) as u8 ^ n).collect()
}

/// losses.md L25, L28: B's disk is too small. What is there stays whole, the trouble is shown for as long as it lasts,
/// and everything follows once there is room.
#[test]
fn a_full_disk_keeps_what_it_has_says_so_and_catches_up() {
    let mut small = None;
    let (_dir, a, b) = pair(|folder| {
        fs::write(folder.join("first.md"), "first\n").unwrap();
        small = Small::mount(&folder.with_file_name("fb"), "size=3m");
    });
    let Some(small) = small else { return };
    same(&a.folder, &b.folder);
    for n in 0..8 {
        fs::write(a.folder.join(format!("{n}.bin")), bytes(n)).unwrap();
    }
    until("the trouble is shown", || b.notebook()["reason"].as_str().is_some_and(is_about_space));
    let shown = b.run(&["status"]);
    assert!(is_about_space(&shown), "{shown}");
    let whole = tree(&a.folder);
    for (path, bytes) in tree(&b.folder) {
        assert_eq!(whole.get(&path), Some(&bytes), "`{path}` on the full disk is whole");
    }
    assert!(b.folder.join("first.md").exists());
    small.remount("size=64m");
    same(&a.folder, &b.folder);
    until("the trouble is over", || {
        let notebook = b.notebook();
        notebook["state"] == "ready" && notebook["problem_count"] == 0 && notebook["reason"].is_null()
    });
    assert_eq!(tree(&a.folder), whole, "and none of it was ever a deletion");
    b.run(&["verify"]);
}

fn is_about_space(text: &str) -> bool {
    text.contains("No space left") || text.contains("the disk is full")
}

/// losses.md L25: a save that finds no room is refused with the reason; the old text stays; the same save works when
/// there is room.
#[test]
fn a_save_on_a_full_disk_is_refused_and_the_old_text_stays() {
    let mut small = None;
    let (_dir, a) = alone(|folder| {
        small = Small::mount(folder, "size=8m");
        fs::write(folder.join("a.md"), "old\n").unwrap();
    });
    if small.is_none() {
        return;
    }
    a.run(&["wait", "--idle"]);
    let filler = a.folder.join(".codex/filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    drop(file);
    let text = "new and long\n".repeat(70_000);
    let save = || a.http("PUT", "/notebooks/notes/files/a.md", &["If-Match: *"], text.as_bytes());
    let refused = save();
    assert_eq!((refused.status, refused.code().as_str()), (507, "disk_full"), "{refused:?}");
    assert_eq!(fs::read_to_string(a.folder.join("a.md")).unwrap(), "old\n");
    until("the notebook says why", || a.notebook()["reason"].as_str().is_some_and(is_about_space));
    fs::remove_file(filler).unwrap();
    until("the same save is taken", || save().status == 200);
    until("it is written", || fs::read_to_string(a.folder.join("a.md")).is_ok_and(|now| now == text));
    until("all is well", || a.notebook()["state"] == "ready");
    a.run(&["verify"]);
}

/// losses.md L28: one file refuses to be written; it is named in the status until it does not, and holds nobody up.
#[test]
fn a_file_that_refuses_is_named_until_it_is_written() {
    let (_dir, a, b) = pair(|folder| {
        fs::write(folder.join("stuck.md"), "one\n").unwrap();
        fs::write(folder.join("free.md"), "one\n").unwrap();
    });
    same(&a.folder, &b.folder);
    let stuck = b.folder.join("stuck.md");
    if !quietly("chattr", &["+i", stuck.to_str().unwrap()]) {
        println!("not tried: files cannot be made immutable here");
        return;
    }
    fs::write(a.folder.join("stuck.md"), "one\ntwo\n").unwrap();
    until("the trouble is shown", || b.notebook()["problems"][0]["path"] == "stuck.md");
    fs::write(a.folder.join("free.md"), "one\ntwo\n").unwrap();
    until("others pass", || {
        fs::read_to_string(b.folder.join("free.md")).is_ok_and(|text| text == "one\ntwo\n")
    });
    assert_eq!(fs::read_to_string(&stuck).unwrap(), "one\n");
    b.try_run(&["wait", "--idle", "--timeout", "1s"]).unwrap_err();
    assert!(quietly("chattr", &["-i", stuck.to_str().unwrap()]));
    same(&a.folder, &b.folder);
    until("the trouble is over", || b.notebook()["problem_count"] == 0);
    assert_eq!(fs::read_to_string(&stuck).unwrap(), "one\ntwo\n");
}

/// Puts bytes into a file at a place.
fn patch(file: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// losses.md L27, L29: a store of a newer version, and one that is damaged: that notebook alone stops and says why, no
/// byte of it changes, no file is touched, and when the store is good again so is everything.
#[test]
fn a_store_that_cannot_be_read_stops_its_notebook_and_nothing_else() {
    let (dir, mut a) = alone(|folder| fs::write(folder.join("a.md"), "history\n").unwrap());
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    a.run(&["notebook", "add", other.to_str().unwrap()]);
    a.run(&["wait", "--idle"]);
    let log = a.run(&["log", "notes", "a.md"]);
    a.stop();
    let store = a.folder.join(".codex/store.db");
    let good = fs::read(&store).unwrap();
    let version = u64::from(u32::from_be_bytes(good[60..64].try_into().unwrap()));
    let newer = u32::try_from(version + 1).unwrap().to_be_bytes();
    let cases: [(&str, u64, &[u8]); 2] = [("newer", 60, &newer), ("damaged", 0, &[0xff; 100])];
    for (name, at, bytes) in cases {
        patch(&store, at, bytes);
        let broken = fs::read(&store).unwrap();
        a.restart();
        until("the other notebook is ready", || {
            let all = a.status();
            let ready = |n: &serde_json::Value| n["slug"] == "other" && n["state"] == "ready";
            all["notebooks"].as_array().unwrap().iter().any(ready)
        });
        let all = a.status();
        let of = |slug: &str| {
            all["notebooks"].as_array().unwrap().iter().find(|n| n["slug"] == slug).unwrap().clone()
        };
        assert_eq!(
            (&of("notes")["state"], &of("other")["state"]),
            (&"failed".into(), &"ready".into()),
            "{name}"
        );
        let reason = of("notes")["reason"].as_str().unwrap().to_owned();
        assert!(
            reason.contains("store.db") && (name == "damaged" || reason.contains("newer codexd")),
            "{reason}"
        );
        let refused = a.try_run(&["log", "notes", "a.md"]).unwrap_err();
        assert!(refused.code == Some(1) && refused.error.contains("does not run"), "{refused:?}");
        assert_eq!(a.try_run(&["verify", "notes"]).unwrap_err().code, Some(1));
        fs::write(a.folder.join("b.md"), "made meanwhile\n").unwrap();
        a.stop();
        assert_eq!(fs::read(&store).unwrap(), broken, "{name}: left byte for byte");
        assert_eq!(fs::read_to_string(a.folder.join("a.md")).unwrap(), "history\n");
        fs::write(&store, &good).unwrap();
    }
    a.restart();
    until("what was made meanwhile is there", || a.run(&["log", "notes", "b.md"]).contains("birth"));
    assert_eq!(a.run(&["log", "notes", "a.md"]), log);
}

/// losses.md L49: two daemons and one folder; two daemons and one home.
#[test]
fn one_folder_is_run_by_one_daemon_at_a_time() {
    let (dir, mut a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let mut b = Daemon::start(&dir.path().join("b"), a.folder.clone());
    let folder = a.folder.to_str().unwrap().to_owned();
    let refused = b.try_run(&["notebook", "add", &folder]).unwrap_err();
    assert!(refused.code == Some(1) && refused.error.contains("another process"), "{refused:?}");
    let second = b.try_run(&["--home", a.home().to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"]);
    let second = second.unwrap_err();
    assert!(second.code == Some(1) && second.error.contains("another codexd"), "{second:?}");
    fs::write(a.folder.join("a.md"), "one\ntwo\n").unwrap();
    until("A goes on", || a.run(&["show", "notes", "a.md"]) == "one\ntwo\n");
    a.kill();
    // The folder is free now. Another device may read it; what it changes stays on the disk, and in no journal.
    b.run(&["notebook", "add", &folder]);
    b.run(&["wait", "--idle"]);
    fs::write(a.folder.join("a.md"), "one\ntwo\nthree\n").unwrap();
    until("B says so", || b.notebook()["drafts"] == 1);
    let reason = b.notebook()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("a.md") && reason.contains("not a member"), "{reason}");
    a.restart();
    assert_eq!(a.notebook()["state"], "failed");
    b.stop();
    a.stop();
    a.restart();
    until("A has it back", || a.run(&["show", "notes", "a.md"]) == "one\ntwo\nthree\n");
    a.run(&["verify"]);
}
