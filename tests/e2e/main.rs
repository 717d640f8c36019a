//! Real daemons on loopback, driven through the contract alone: the command line and the files.
#![allow(clippy::unwrap_used)]

mod daemon;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

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

/// Two daemons that share a notebook; A's folder is filled by `fill` first.
fn pair(fill: impl FnOnce(&Path)) -> (tempfile::TempDir, Daemon, Daemon) {
    let dir = tempfile::tempdir().unwrap();
    let (folder_a, folder_b) = (dir.path().join("fa"), dir.path().join("fb"));
    fs::create_dir_all(&folder_a).unwrap();
    fill(&folder_a);
    let a = Daemon::start(&dir.path().join("a"), folder_a);
    let b = Daemon::start(&dir.path().join("b"), folder_b);
    a.run(&["notebook", "add", a.folder.to_str().unwrap(), "--name", "notes"]);
    let ticket = a.run(&["invite", "notes", "--unattended"]);
    let ticket = ticket.split_whitespace().find(|word| word.starts_with("codex")).unwrap();
    b.run(&["join", ticket, b.folder.to_str().unwrap()]);
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

/// losses.md L37, L38: whatever the bytes, they come out as they went in.
#[test]
fn awkward_files_come_out_byte_for_byte() {
    let (_dir, a, b) = pair(|folder| {
        let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
        put("crlf.md", b"---\r\ntitle: x\r\n---\r\nbody\r\n");
        put("bom.md", b"\xEF\xBB\xBF---\ntitle: x\n---\nbody");
        put("broken.md", b"---\ntitle: [unclosed\n\tx: : y\n---\nbody\n");
        put("nul.md", b"text\0with nul\n");
        put("latin1.txt", b"caf\xE9\n");
        put("empty.md", b"");
        put("long.txt", "x".repeat(10 << 20).as_bytes());
        put("no-newline.md", b"last line");
        put("caf\u{e9}.md", b"nfc\n");
        put("cafe\u{301}.md", b"nfd\n");
        put("\u{1F9EA} emoji.md", "\u{1F9EA}\n".as_bytes());
        put("README", b"one\n");
        put("README.md", b"two\n");
        std::os::unix::fs::symlink("/etc/hostname", folder.join("outside")).unwrap();
        fs::create_dir_all(folder.join("a.gitty/empty folder")).unwrap();
        put("a.gitty/x.md", b"x\n");
    });
    let before = tree(&a.folder);
    assert_eq!(before.len(), 15);
    until("B has all of it", || tree(&b.folder) == before);
    assert_eq!(tree(&a.folder), before, "A's own files are untouched");
    until("the empty folder is there", || b.folder.join("a.gitty/empty folder").is_dir());
}

/// Laws 1, 3 and 6, with a real process and a real SIGKILL.
#[test]
fn two_hundred_kills_lose_nothing() {
    const KILLS: u32 = 200;
    let (_dir, a, mut b) = pair(|folder| {
        for n in 0..20 {
            fs::write(folder.join(format!("note {n}.md")), format!("# Note {n}\n")).unwrap();
        }
    });
    same(&a.folder, &b.folder);
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut tokens = Vec::new();
    for kill in 0..KILLS {
        let moment = Instant::now() + Duration::from_millis(next() % 120);
        while Instant::now() < moment {
            let side = if next() % 2 == 0 { &a.folder } else { &b.folder };
            let note = side.join(format!("note {}.md", next() % 20));
            let token = format!("t{}x{kill}", tokens.len());
            // An appending program: what it writes can be lost by nobody but us.
            if let Ok(mut file) = fs::OpenOptions::new().append(true).open(&note) {
                use std::io::Write;
                file.write_all(format!("{token}\n").as_bytes()).unwrap();
                tokens.push(token);
            }
            std::thread::yield_now();
            if tokens.len() as u32 > (kill + 1) * 4 {
                break;
            }
        }
        b.kill();
        b.restart();
    }
    let all = |folder: &Path| -> String {
        tree(folder).values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    };
    let whole = |folder: &Path| {
        let text = all(folder);
        tokens.iter().all(|token| text.lines().filter(|line| line.contains(token.as_str())).count() == 1)
    };
    until("every token is on A exactly once", || whole(&a.folder));
    until("every token is on B exactly once", || whole(&b.folder));
    same(&a.folder, &b.folder);
    a.run(&["verify"]);
    b.run(&["verify"]);
}
