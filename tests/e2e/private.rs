//! Others who use the same machine.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::alone;

/// Everything in a folder, and below.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Where the notebook's folder is open to others, they read its files as they are, and not what was deleted, said and sealed; nor
/// the attachments, the key, or the desk. What an earlier version left open is closed at the start.
#[test]
fn another_user_of_the_machine_reads_no_history_and_no_key() {
    let (dir, mut a) = alone(|folder| {
        fs::write(folder.join("a.md"), "what is deleted later\n").unwrap();
        fs::write(folder.join("b.png"), vec![0xff; 100_000]).unwrap();
    });
    a.run(&["wait", "--idle"]);
    fs::write(a.folder.join("a.md"), "what stays\n").unwrap();
    a.run(&["wait", "--idle"]);
    let own = a.folder.join(".codex");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let databases = |folder: &Path| -> Vec<PathBuf> {
        let is_database = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().contains(".db");
        let found: Vec<PathBuf> = below(folder).into_iter().filter(is_database).collect();
        assert!(!found.is_empty());
        found
    };
    let check = |when: &str| {
        for folder in [own.clone(), a_folder(dir.path(), "run"), a_folder(dir.path(), "blobs")] {
            assert_eq!(mode(&folder), 0o700, "{when}: {folder:?}");
        }
        let home = a_folder(dir.path(), "");
        let of_home = fs::read_dir(&home).unwrap().map(|item| item.unwrap().path());
        let of_home =
            of_home.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("system.db"));
        for file in databases(&own).into_iter().chain(of_home) {
            assert_eq!(mode(&file) & 0o077, 0, "{when}: {file:?}");
        }
        for file in ["device.key", "run/daemon.json"] {
            assert_eq!(mode(&home.join(file)), 0o600, "{when}: {file}");
        }
    };
    check("new");
    a.stop();
    open(&own, 0o775);
    databases(&own).iter().for_each(|path| open(path, 0o664));
    open(&a_folder(dir.path(), "system.db"), 0o644);
    open(&a_folder(dir.path(), "blobs"), 0o755);
    a.restart();
    a.run(&["wait", "--idle"]);
    check("from an earlier version");

    // As somebody else, where the machine permits to be that.
    open(dir.path(), 0o755);
    open(&a.folder, 0o755);
    open(&a.folder.join("a.md"), 0o644);
    open(a.home(), 0o755);
    let reads = |path: &Path| {
        let somebody = ["--reuid=65534", "--regid=65534", "--clear-groups", "cat"];
        Command::new("setpriv").args(somebody).arg(path).output().is_ok_and(|output| output.status.success())
    };
    if reads(&a.folder.join("a.md")) {
        for path in below(&own).into_iter().chain(below(&a_folder(dir.path(), "blobs"))) {
            assert!(!reads(&path), "{path:?}");
        }
        for file in ["device.key", "system.db", "run/daemon.json"] {
            assert!(!reads(&a.home().join(file)), "{file}");
        }
    } else {
        eprintln!("left out: nobody else can be tried here");
    }

    // The desk is on a port that everybody on the machine reaches.
    let run: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(a.home().join("run/daemon.json")).unwrap()).unwrap();
    let host = run["url"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    for token in
        ["", "Authorization: Bearer 00000000000000000000000000000000\r\n", "Cookie: codex_session=0\r\n"]
    {
        for path in ["status", "notebooks/notes/entries", "search?q=what"] {
            let mut stream = TcpStream::connect(&host).unwrap();
            let request =
                format!("GET /api/v1/{path} HTTP/1.1\r\nHost: {host}\r\n{token}Connection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 401"), "{path}: {answer}");
            assert!(!answer.contains("a.md"), "{path}: {answer}");
        }
    }
}

/// Something in the home of the one daemon.
fn a_folder(dir: &Path, name: &str) -> PathBuf {
    dir.join("a").join(name)
}
