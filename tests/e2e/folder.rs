//! Folders that nobody here wrote: they go in, cross, and come out byte for byte.
//!
//! `CODEX_FOLDER=/path` runs the same on any folder. Without it, what lies on the machine is taken: documentation
//! packages in `/usr/share/doc` and the sources of the crates that Codex is built from, bounded so that CI stays quick.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::until;
use crate::{pair, same, tree};

/// Files, and bytes, taken of one place. Large enough for whatever documentation has: images, compressed files, links,
/// odd names.
const FILES: usize = 1500;
const BYTES: u64 = 24 << 20;
/// A larger file is passed over.
const ONE: u64 = 4 << 20;

/// Copies what lies below a folder until there is enough; links stay links.
fn take(from: &Path, to: &Path) -> usize {
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(items) = fs::read_dir(&folder) else { continue };
        let mut items: Vec<PathBuf> = items.filter_map(|item| item.ok().map(|item| item.path())).collect();
        items.sort();
        for path in items {
            let Ok(meta) = path.symlink_metadata() else { continue };
            let target = to.join(path.strip_prefix(from).unwrap());
            if meta.is_dir() {
                folders.push(path);
                continue;
            }
            // Names that Codex leaves to editors, git and itself are no part of a notebook.
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let ours = target.to_str().is_some()
                && !name.ends_with('~')
                && !name.ends_with(".swp")
                && !name.starts_with(".#");
            if !ours || meta.len() > ONE || bytes + meta.len() > BYTES || files >= FILES {
                continue;
            }
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            if meta.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), &target).unwrap();
            } else if !meta.is_file() || fs::copy(&path, &target).is_err() {
                continue;
            }
            files += 1;
            bytes += meta.len();
        }
    }
    files
}

/// Where cargo keeps the sources of other people's crates.
fn crates() -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))?;
    fs::read_dir(cargo.join("registry/src")).ok()?.find_map(|item| item.ok().map(|item| item.path()))
}

#[test]
fn a_folder_that_nobody_here_wrote_comes_out_byte_for_byte() {
    let mut taken = 0;
    let (_dir, a, b) = pair(|folder| {
        let own = std::env::var_os("CODEX_FOLDER").map(PathBuf::from);
        let places = match own {
            Some(own) => {
                // All of it, and with its own metadata.
                let source = format!("{}/.", own.display());
                let done = Command::new("cp").args(["-a", &source]).arg(folder).status().unwrap();
                assert!(done.success());
                taken = 1;
                return;
            }
            None => [Some(PathBuf::from("/usr/share/doc")), crates()],
        };
        for (n, place) in places.into_iter().flatten().enumerate() {
            taken += take(&place, &folder.join(format!("place {n}")));
        }
    });
    assert!(taken > 0, "neither /usr/share/doc nor cargo's registry holds anything here; set CODEX_FOLDER");
    let before = tree(&a.folder);
    println!("{} files, {} bytes", before.len(), before.values().map(Vec::len).sum::<usize>());
    same(&a.folder, &b.folder);
    a.run(&["wait", "--synced", "--timeout", "3m"]);
    b.run(&["wait", "--synced", "--timeout", "3m"]);
    assert!(tree(&a.folder) == before, "A's own files are untouched");
    assert!(tree(&b.folder) == before, "B has them byte for byte");
    a.run(&["verify"]);
    b.run(&["verify"]);
}

/// What lies in a folder besides files, folders and links.
fn special(root: &Path) -> Vec<String> {
    let items = fs::read_dir(root).unwrap().map(|item| item.unwrap());
    let odd = items.filter(|item| {
        let kind = item.file_type().unwrap();
        kind.is_fifo() || kind.is_socket() || kind.is_char_device()
    });
    odd.map(|item| item.file_name().to_string_lossy().into_owned()).collect()
}

/// losses.md L17, L18, L20, L37, L38: whatever the bytes, names and kinds, they come out as they went in; what no
/// notebook can hold is left alone.
#[test]
fn awkward_files_come_out_byte_for_byte() {
    let (dir, a, b) = pair(|folder| {
        let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
        put("crlf.md", b"---\r\ntitle: x\r\n---\r\nbody\r\n");
        put("bom.md", b"\xEF\xBB\xBF---\ntitle: x\n---\nbody");
        put("broken.md", b"---\ntitle: [unclosed\n\tx: : y\n---\nbody\n");
        put("deep.md", format!("---\nx: {}\n---\n", "[".repeat(50_000)).as_bytes());
        put("deep.json", "[".repeat(100_000).as_bytes());
        put("deep.cdx", format!("---\nquery: {}\n---\n", "{a: ".repeat(20_000)).as_bytes());
        put("deep.xml", "<a>".repeat(100_000).as_bytes());
        put(".note.png.json", b"{\"caption\": ");
        put("note.png", b"\x89PNG\r\n\x1a\n\0cut off");
        put("nul.md", b"text\0with nul\n");
        put("latin1.txt", b"caf\xE9\n");
        put("utf16.txt", b"\xFF\xFEh\0i\0");
        put("half.txt", b"ends inside \xF0\x9F");
        put("empty.md", b"");
        put("long.txt", "x".repeat(10 << 20).as_bytes());
        put("long.md", format!("# One line\n{}", "word ".repeat(2 << 20)).as_bytes());
        put("no-newline.md", b"last line");
        put("caf\u{e9}.md", b"nfc\n");
        put("cafe\u{301}.md", b"nfd\n");
        put("Stra\u{df}e.md", b"sharp s\n");
        put("\u{1F9EA} emoji \u{1F469}\u{200D}\u{1F52C}.md", "\u{1F9EA}\n".as_bytes());
        put("README", b"one\n");
        put("README.md", b"two\n");
        put("readme.md", b"three\n");
        put("CON", b"reserved elsewhere\n");
        put("trailing. ", b"dot and space\n");
        put("new\nline.md", b"in a name\n");
        put("-rf", b"looks like an option\n");
        put(&"n".repeat(255), b"longest name\n");
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, folder.join(at)).unwrap();
        link("/etc/hostname", "outside");
        link("../../../../../etc", "outside folder");
        link("README.md", "inside");
        link("nowhere", "dangling");
        link("loop", "loop");
        fs::create_dir_all(folder.join("a.gitty/empty folder")).unwrap();
        put("a.gitty/x.md", b"x\n");
        link("a.gitty", "folder inside");
        let fifo = Command::new("mkfifo").arg(folder.join("fifo")).status().unwrap();
        assert!(fifo.success());
        let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    });
    let before = tree(&a.folder);
    assert_eq!(before.len(), 36);
    until("B has all of it", || tree(&b.folder) == before);
    assert_eq!(tree(&a.folder), before, "A's own files are untouched");
    until("the empty folder is there", || b.folder.join("a.gitty/empty folder").is_dir());
    assert_eq!(special(&a.folder).len(), 2, "the FIFO and the socket are left alone");
    assert_eq!(special(&b.folder), Vec::<String>::new());
    assert!(dir.path().join("fb/outside").is_symlink());
    unreadable(&a, &b, &before);
}

/// A file that cannot be read is shown and never taken for deleted. Permissions do not bind the root user.
fn unreadable(a: &crate::daemon::Daemon, b: &crate::daemon::Daemon, before: &BTreeMap<String, Vec<u8>>) {
    use std::os::unix::fs::PermissionsExt;
    let file = a.folder.join("README");
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(&file, "one, changed\n").unwrap();
    mode(0o000);
    if fs::read(&file).is_ok() {
        mode(0o644);
        println!("unreadable files are not tried: permissions do not bind this user");
        return;
    }
    until("it is shown", || a.notebook()["problems"].to_string().contains("README"));
    assert_eq!(fs::read(b.folder.join("README")).unwrap(), before["README"]);
    mode(0o644);
    fs::write(&file, "one, changed again\n").unwrap();
    until("it is taken in", || {
        fs::read_to_string(b.folder.join("README")).is_ok_and(|t| t == "one, changed again\n")
    });
}
