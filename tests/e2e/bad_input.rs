//! Bad input (the last section of the contract), from the command line and over HTTP: one clear error, the right exit
//! code or status, and nothing lost.

use std::fs;
use std::path::Path;

use crate::daemon::{Daemon, Refused, until};
use crate::faults::Small;
use crate::{alone, join, same, ticket, tree};

/// A refusal is one line that names `what`, and the exit code is `code`.
fn refused(outcome: Result<String, Refused>, code: i32, what: &[&str]) {
    let refused = outcome.expect_err("it is refused");
    assert_eq!(refused.code, Some(code), "{refused:?}");
    if code == 1 {
        assert_eq!(refused.error.trim_end().lines().count(), 1, "one line: {refused:?}");
    }
    for word in what {
        assert!(refused.error.contains(word), "`{word}` is not in {refused:?}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn small_notebook() -> (tempfile::TempDir, Daemon) {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "text\n").unwrap());
    a.run(&["wait", "--idle"]);
    (dir, a)
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    let (_dir, a) = small_notebook();
    let before = tree(&a.folder);
    let name = "n".repeat(256);
    let deep = "d/".repeat(2100) + "x.md";
    for path in ["../x.md", "a/../../x.md", "/etc/passwd", "a//b.md", "a/./b.md", &name, &deep, "x\0.md", ""]
    {
        let body = serde_json::json!({"path": path, "content": "x"}).to_string();
        let json = ["Content-Type: application/json"];
        let created = a.http("POST", "/notebooks/notes/entries", &json, body.as_bytes());
        assert_eq!((created.status, created.code().as_str()), (400, "bad_path"), "{path:?}");
    }
    for path in [
        "..%2Fx.md",
        "a%2F..%2F..%2Fx.md",
        "%2Fetc%2Fpasswd",
        "x%00.md",
        ".git%2Fconfig",
        ".codex%2Fstore.db",
    ] {
        let at = format!("/notebooks/notes/files/{path}");
        let put = a.http("PUT", &at, &[], b"x");
        assert_eq!((put.status, put.code().as_str()), (400, "bad_path"), "{path:?}");
        let got = a.http("GET", &at, &[], b"");
        assert!([400, 404].contains(&got.status), "{path:?}: {got:?}");
    }
    let entry = a.http("GET", "/notebooks/notes/entries?path=a.md", &[], b"");
    let entry: serde_json::Value = serde_json::from_slice(&entry.body).unwrap();
    let at = format!("/notebooks/notes/entries/{}", entry["items"][0]["id"].as_str().unwrap());
    for path in ["../a.md", "/a.md", "a.md/b.md", ".git/a.md", ""] {
        let body = serde_json::json!({"path": path}).to_string();
        let moved = a.http("PATCH", &at, &["Content-Type: application/json"], body.as_bytes());
        assert_eq!((moved.status, moved.code().as_str()), (400, "bad_path"), "{path:?}");
    }
    for path in ["../a.md", "/etc/passwd", &name] {
        refused(a.try_run(&["show", "notes", path]), 1, &[]);
        refused(a.try_run(&["restore", "notes", path, "--at", "birth"]), 1, &[]);
    }
    for method in ["PUT", "POST", "PATCH"] {
        let garbage = a.http(method, &at, &["Content-Type: application/json"], b"{\"path\": \xff");
        assert!((400..500).contains(&garbage.status) && !garbage.code().is_empty(), "{garbage:?}");
    }
    // Whether or not it is a name for Windows: it is one here.
    let con = a.http("PUT", "/notebooks/notes/files/CON", &[], b"fine\n");
    assert_eq!(con.status, 201);
    until("it is written", || a.folder.join("CON").exists());
    fs::remove_file(a.folder.join("CON")).unwrap();
    until("only what was there is there", || tree(&a.folder) == before);
    a.run(&["verify"]);
}

#[test]
fn folders_that_cannot_be_a_notebook_are_refused_and_left_as_they_are() {
    let (dir, a) = small_notebook();
    let inner = a.folder.join("inner");
    fs::create_dir(&inner).unwrap();
    let in_home = a.home().join("lab");
    fs::create_dir(&in_home).unwrap();
    let file = dir.path().join("file.txt");
    fs::write(&file, "x").unwrap();
    let damaged = dir.path().join("damaged");
    fs::create_dir_all(damaged.join(".codex")).unwrap();
    fs::write(damaged.join(".codex/notebook"), "not an id\n").unwrap();
    fs::write(damaged.join("keep.md"), "keep\n").unwrap();
    let add = |path: &Path| a.try_run(&["notebook", "add", text(path)]);
    refused(add(&inner), 1, &["inner", "lie in one another", "choose another folder"]);
    refused(add(dir.path()), 1, &["lie in one another", "choose another folder"]);
    refused(add(&in_home), 1, &["program's own folder"]);
    refused(add(a.home()), 1, &["program's own folder"]);
    refused(add(&file), 1, &["file.txt", "not a folder"]);
    refused(
        add(&file.join("inside")),
        1,
        &["file.txt/inside", "file.txt` is not a folder", "give another folder"],
    );
    refused(add(&damaged), 1, &["marker", "damaged"]);
    refused(add(&a.folder), 1, &["registered already"]);
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&inner, &link).unwrap();
    refused(add(&link), 1, &["lie in one another"]);
    for (path, status, code) in [
        (text(&inner), 422, "cannot_add"),
        (text(&in_home), 422, "cannot_add"),
        ("relative/path", 400, "bad_path"),
        ("/x\0y", 400, "bad_path"),
    ] {
        let body = serde_json::json!({"path": path}).to_string();
        let answer = a.http("POST", "/notebooks", &["Content-Type: application/json"], body.as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
    assert!(!inner.join(".codex").exists() && !in_home.join(".codex").exists());
    assert_eq!(fs::read_to_string(damaged.join("keep.md")).unwrap(), "keep\n");
    assert_eq!(fs::read_to_string(damaged.join(".codex/notebook")).unwrap(), "not an id\n");
    assert_eq!(a.status()["notebooks"].as_array().unwrap().len(), 1);
}

/// losses.md L25
#[test]
fn a_read_only_or_full_disk_cannot_hold_a_new_notebook_and_loses_nothing() {
    let (dir, a) = small_notebook();
    let at = dir.path().join("small");
    let Some(small) = Small::mount(&at, "size=64k") else { return };
    fs::write(at.join("mine.md"), "mine\n").unwrap();
    fs::write(at.join("filler"), vec![1; 40 << 10]).unwrap();
    refused(a.try_run(&["notebook", "add", text(&at)]), 1, &["small", "full"]);
    assert_eq!(fs::read_to_string(at.join("mine.md")).unwrap(), "mine\n");
    fs::remove_file(at.join("filler")).unwrap();
    small.remount("ro");
    refused(a.try_run(&["notebook", "add", text(&at)]), 1, &["small", "ead-only"]);
    assert_eq!(fs::read_to_string(at.join("mine.md")).unwrap(), "mine\n");
    small.remount("rw,size=64m");
    a.run(&["notebook", "add", text(&at)]);
    until("it is a notebook now", || a.run(&["show", "small", "mine.md"]) == "mine\n");
}

/// A ticket with one field changed, as somebody could who knows the format: base32 of a version byte, the body and a
/// checksum over both.
fn forged(ticket: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bits = 0_u32;
    let mut held = 0;
    let mut bytes = Vec::new();
    for letter in ticket.trim_start_matches("codex").bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter).unwrap();
        bits = (bits << 5) | u32::try_from(value).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes.truncate(bytes.len() - 4);
    change(&mut bytes);
    let sum = blake3::hash(&bytes);
    bytes.extend(&sum.as_bytes()[..4]);
    let mut text = String::from("codex");
    let (mut bits, mut held) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(ALPHABET[(bits >> held) as usize & 31]));
            bits &= (1 << held) - 1;
        }
    }
    if held > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - held)) as usize & 31]));
    }
    text
}

/// Replaces the time in a ticket's body.
fn with_expiry(ticket: &str, expiry: &[u8]) -> String {
    forged(ticket, |bytes| {
        // A varint of five bytes for any time of this century; role and "for another person" follow.
        let rest = bytes.split_off(bytes.len() - 2);
        bytes.truncate(bytes.len() - 5);
        bytes.extend(expiry);
        bytes.extend(rest);
    })
}

#[test]
fn tickets_that_open_nothing_say_why() {
    let (dir, a) = small_notebook();
    let good = ticket(&a);
    let b = join(dir.path(), &a);
    same(&a.folder, &b.folder);
    let c = Daemon::start(&dir.path().join("c"), dir.path().join("fc"));
    let folder = dir.path().join("fc");
    let join = |ticket: &str| c.try_run(&["join", ticket, text(&folder)]);
    let used = ticket(&a);
    let d = Daemon::start(&dir.path().join("d"), dir.path().join("fd"));
    d.run(&["join", &used, text(&d.folder)]);
    let latest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let cases = [
        ("hello".to_owned(), "not an invitation"),
        ("codex".to_owned(), "damaged"),
        (good[..good.len() - 3].to_owned(), "damaged"),
        (good.replacen(&good[20..23], "zzz", 1), "damaged"),
        (forged(&good, |bytes| bytes[0] = 9), "format 9"),
        (with_expiry(&good, &[2]), "expired"),
        (used, "used by another device"),
        (
            forged(&good, |bytes| {
                let at = bytes.len() - 12;
                bytes[at] ^= 1;
            }),
            "not known here",
        ),
    ];
    for (ticket, why) in &cases {
        refused(join(ticket), 1, &[why]);
        assert!(!folder.join(".codex").exists(), "{why}: nothing was begun");
    }
    // A time that no clock reaches is no reason to fall over.
    join(&with_expiry(&good, &latest)).unwrap();
    same(&a.folder, &folder);
    for ticket in ["hello", &cases[4].0, &cases[5].0] {
        let body = serde_json::json!({"ticket": ticket}).to_string();
        let answer = c.http("POST", "/join", &["Content-Type: application/json"], body.as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_ticket"), "{ticket}");
    }
    refused(c.try_run(&["join", &good]), 1, &["here already"]);
}

#[test]
fn wrong_usage_is_code_2_and_what_is_not_there_is_code_1() {
    let (dir, a) = small_notebook();
    for wrong in [
        &["frobnicate"][..],
        &["notebook"],
        &["notebook", "add"],
        &["wait"],
        &["wait", "--idle", "--timeout", "soon"],
        &["restore", "notes"],
        &["serve", "--listen", "nowhere"],
        &["join"],
    ] {
        refused(a.try_run(wrong), 2, &[]);
    }
    for (missing, word) in [
        (&["notebook", "show", "none"][..], "none"),
        (&["log", "none", "a.md"], "none"),
        (&["log", "notes", "none.md"], "none.md"),
        (&["show", "notes", "a.md", "--at", "zz"], "zz"),
        (&["show", "notes", "a.md", "--at", &"0".repeat(64)], "version"),
        (&["invite", "none"], "none"),
        (&["invite", "notes", "--expires", "soon"], "soon"),
        (&["invite", "notes", "--role", "king"], "king"),
        (&["verify", "none"], "none"),
        (&["query", "none.cdx"], "none.cdx"),
    ] {
        refused(a.try_run(missing), 1, &[word]);
    }
    let nobody = dir.path().join("nobody");
    refused(a.try_run(&["--home", text(&nobody), "status"]), 1, &["no daemon runs", "codexd serve"]);
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("DELETE", "/status", 405),
        ("GET", "/notebooks/none/entries", 404),
        ("GET", "/notebooks/notes/entries/zz", 400),
        ("GET", "/notebooks/notes/files/none.md", 404),
        ("PUT", "/notebooks/notes/files/a.md", 428),
    ] {
        let answer = a.http(method, path, &[], b"");
        assert_eq!(answer.status, status, "{method} {path}");
        answer.code();
    }
    assert_eq!(fs::read_to_string(a.folder.join("a.md")).unwrap(), "text\n");
}

/// A home whose own files are damaged: the daemon does not start, says which, and changes none of them.
#[test]
fn a_damaged_home_is_named_and_left_as_it_is() {
    let (_dir, mut a) = small_notebook();
    a.stop();
    for (name, bytes, what) in [
        ("config.toml", &b"listen = ["[..], "settings"),
        ("device.key", b"zz", "device key"),
        ("system.db", b"not a database, but long enough to be taken for one", "damaged"),
        ("system.db", b"", "damaged"),
    ] {
        let path = a.home().join(name);
        let good = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        refused(
            a.try_run(&["serve", "--listen", "127.0.0.1:0", "--relay", "none", "--no-discovery"]),
            1,
            &[name, what],
        );
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name} is left as it is");
        fs::write(&path, good).unwrap();
    }
    a.restart();
    assert_eq!(a.run(&["show", "notes", "a.md"]), "text\n");
}

/// A stream of noise at the port for other devices, and at the desk's: both go on.
#[test]
fn noise_at_either_port_hurts_nobody() {
    use std::io::{Read, Write};
    let (dir, a) = small_notebook();
    let run: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(a.home().join("run/daemon.json")).unwrap()).unwrap();
    let p2p = run["p2p_addrs"][0].as_str().unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut noise = codex_tests::rng::Rng::new(7);
    for size in [1, 20, 1200, 1472] {
        for _ in 0..50 {
            let bytes: Vec<u8> = (0..size).map(|_| noise.next_u64() as u8).collect();
            socket.send_to(&bytes, p2p).unwrap();
        }
    }
    let desk = run["url"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    for junk in [
        &b"\xff\xfe\0\0"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/join HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ] {
        let mut stream = std::net::TcpStream::connect(&desk).unwrap();
        stream.write_all(junk).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // Closed at once, or with a word: either is an answer.
        let _ = stream.read_to_end(&mut answer);
    }
    let b = join(dir.path(), &a);
    same(&a.folder, &b.folder);
}
