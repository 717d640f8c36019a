//! Seals between real daemons: what was signed, who confirmed it, and that a later change shows.

use std::fs;

use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon, until};
use crate::{alone, join, tree};

fn get(daemon: &Daemon, path: &str) -> Value {
    serde_json::from_slice(&daemon.http("GET", path, &[], b"").body).unwrap()
}

/// An entry's id.
fn entry(daemon: &Daemon, path: &str) -> String {
    get(daemon, &format!("/notebooks/notes/entries?path={path}"))["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn seals(daemon: &Daemon, path: &str) -> Value {
    daemon.json(&["seals", "notes", path])["items"].clone()
}

fn put(daemon: &Daemon, path: &str, query: &str, text: &str) -> Answer {
    let at = format!("/notebooks/notes/entries/{}", entry(daemon, path));
    let version = format!("If-Match: \"{}\"", get(daemon, &at)["version"].as_str().unwrap());
    daemon.http("PUT", &format!("{at}/content{query}"), &[&version], text.as_bytes())
}

/// A note with what it embeds is sealed on one laptop, confirmed on the other, and shows on both when it changes.
#[test]
fn a_seal_is_confirmed_elsewhere_and_a_later_change_shows() {
    let text = "---\nph: 7\n---\n# Day 1\n\n![[plate.png]]\n![gel](data/gel.png)\n";
    let (dir, a) = alone(|folder| {
        fs::create_dir(folder.join("data")).unwrap();
        fs::write(folder.join("day.md"), text).unwrap();
        fs::write(folder.join("data/plate.png"), [0xff; 3000]).unwrap();
        fs::write(folder.join("data/gel.png"), [0xfe; 3000]).unwrap();
        fs::write(folder.join("data/.gel.png.json"), "{\"voltage\": 90}\n").unwrap();
        fs::write(folder.join("data/other.png"), [0xfd; 3000]).unwrap();
    });
    a.run(&["wait", "--idle"]);
    let b = join(dir.path(), &a);
    until("both are the same", || tree(&a.folder) == tree(&b.folder));
    a.run(&["seal-rule", "notes", "--needed", "2"]);
    let said = a.run(&["seal", "notes", "day.md", "--meaning", "recorded by me"]);
    assert!(said.contains("unchanged since; 1 of 2 signed"), "{said}");
    let own = a.try_run(&["witness", "notes", "day.md", "--meaning", "witnessed"]).unwrap_err();
    assert!(own.error.contains("the seal is your own"), "{own:?}");
    until("B has it", || seals(&b, "day.md")[0]["needed"] == 2);
    let said = b.run(&["witness", "notes", "day.md", "--meaning", "seen it happen"]);
    assert!(said.contains("2 of 2 signed") && said.contains("seen it happen"), "{said}");
    until("A has the confirmation", || seals(&a, "day.md")[0]["complete"] == true);
    let paths = |seal: &Value| -> Vec<String> {
        let parts = seal["parts"].as_array().unwrap();
        parts.iter().map(|part| part["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(&seals(&b, "day.md")[0]), ["data/plate.png", "data/gel.png", "data/.gel.png.json"]);
    // What it embeds changes, then the text itself: both show, and what was signed is still to be read.
    fs::write(b.folder.join("data/plate.png"), [0xaa; 3000]).unwrap();
    until("A sees the part", || {
        let seal = &seals(&a, "day.md")[0];
        seal["unchanged"] == false
            && seal["content_unchanged"] == true
            && seal["parts"][0]["unchanged"] == false
    });
    fs::write(b.folder.join("day.md"), text.replace("ph: 7", "ph: 8")).unwrap();
    until("A sees the text", || seals(&a, "day.md")[0]["content_unchanged"] == false);
    let diff = a.run(&["seals", "notes", "day.md", "--diff"]);
    assert!(diff.contains("CHANGED since it was sealed") && diff.contains("-ph: 7\n+ph: 8\n"), "{diff}");
    let id = seals(&a, "day.md")[0]["id"].as_str().unwrap().to_owned();
    let at = format!("/notebooks/notes/entries/{}/seals/{id}/content", entry(&b, "day.md"));
    assert_eq!(b.http("GET", &at, &[], b"").body, text.as_bytes());
    let all = b.run(&["seals", "notes"]);
    assert!(all.starts_with("day.md: "), "{all}");
    for daemon in [&a, &b] {
        let report = daemon.json(&["verify"])["notebooks"][0].clone();
        assert_eq!(report["faults"], json!([]), "{report:#}");
        assert_eq!(report["seals"][0]["unchanged"], false, "{report:#}");
        assert_eq!(report["seals"][0]["complete"], true, "{report:#}");
    }
}

/// The desk changes a locked entry only when it is told to amend it; what is done to its file shows as an amendment.
#[test]
fn a_locked_entry_is_only_amended() {
    let (_dir, a) = alone(|folder| {
        fs::write(folder.join("day.md"), "one\n").unwrap();
        fs::create_dir(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/late.md"), "one\n").unwrap();
    });
    a.run(&["wait", "--idle"]);
    a.run(&["seal", "notes", "day.md", "--meaning", "finished", "--lock"]);
    let refused = put(&a, "day.md", "", "two\n");
    assert_eq!((refused.status, refused.code().as_str()), (423, "locked"), "{refused:?}");
    let at = format!("/notebooks/notes/entries/{}", entry(&a, "day.md"));
    let headers = ["Content-Type: application/json"];
    let change = |body: &[u8]| a.http("PATCH", &at, &headers, body).status;
    assert_eq!(change(br#"{"properties": {"ph": 7}}"#), 423);
    assert_eq!(a.http("DELETE", &at, &[], b"").status, 423);
    a.run(&["seal", "notes", "sub/late.md", "--meaning", "finished", "--lock"]);
    let folder = format!("/notebooks/notes/entries/{}", entry(&a, "sub"));
    assert_eq!(a.http("DELETE", &folder, &[], b"").status, 423, "what it holds is locked");
    let forged = a.try_run(&["seal", "notes", "day.md", "--meaning", "ok\nwitnessed by B"]).unwrap_err();
    assert!(forged.error.contains("one line"), "{forged:?}");
    let late = a.try_run(&["restore", "notes", "day.md", "--at", "birth"]).unwrap_err();
    assert!(late.error.contains("sealed and locked") && late.error.contains("--amend"), "{late:?}");
    assert_eq!(fs::read_to_string(a.folder.join("day.md")).unwrap(), "one\n");
    let details = get(&a, &at);
    assert_eq!((&details["seal"]["locked"], &details["seal"]["unchanged"]), (&json!(true), &json!(true)));
    assert_eq!(put(&a, "day.md", "?amend=true", "one\namended\n").status, 200);
    // Written before, it would be an edit of the file as it was, and be merged with the amendment.
    let file = a.folder.join("day.md");
    until("the amendment is in the file", || {
        fs::read_to_string(&file).is_ok_and(|text| text == "one\namended\n")
    });
    fs::write(&file, "one\namended\nin the file\n").unwrap();
    until("the file is taken in", || a.run(&["show", "notes", "day.md"]).ends_with("in the file\n"));
    let log = a.run(&["log", "notes", "day.md"]);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.ends_with("(amends what is sealed)")).count(), 2, "{log}");
    assert!(lines.last().unwrap().contains("sealed by ") && log.ends_with(": finished\n"), "{log}");
    let seal = seals(&a, "day.md")[0].clone();
    assert_eq!((&seal["content_unchanged"], &seal["locks"]), (&json!(false), &json!(true)));
    // Nor is what carries its properties changed beside it.
    fs::write(a.folder.join("plate.png"), [0xff; 30]).unwrap();
    a.run(&["wait", "--idle"]);
    a.run(&["seal", "notes", "plate.png", "--meaning", "finished", "--lock"]);
    let files = |path: &str, query: &str| {
        a.http("PUT", &format!("/notebooks/notes/files/{path}{query}"), &["If-None-Match: *"], b"{\"a\": 1}")
            .status
    };
    assert_eq!((files(".plate.png.json", ""), files("plate.png.json", "")), (423, 423));
    assert_eq!(files(".plate.png.json", "?amend=true"), 201);
    assert_eq!(put(&a, ".plate.png.json", "", "{}").status, 423);
    let sidecar = format!("/notebooks/notes/entries/{}", entry(&a, ".plate.png.json"));
    assert_eq!(a.http("DELETE", &sidecar, &[], b"").status, 423);
    // An owner lifts a lock; the seal stays.
    a.run(&["unlock", "notes", "plate.png", "--meaning", "more to come"]);
    assert_eq!(put(&a, ".plate.png.json", "", "{}").status, 200);
    assert_eq!(seals(&a, "plate.png")[0]["locks"], false);
    // What is deleted is called so by both who look.
    fs::write(a.folder.join("gone.md"), "one\n").unwrap();
    a.run(&["wait", "--idle"]);
    a.run(&["seal", "notes", "gone.md", "--meaning", "recorded"]);
    fs::remove_file(a.folder.join("gone.md")).unwrap();
    a.run(&["wait", "--idle"]);
    for command in [&["seals", "notes"][..], &["verify", "notes"]] {
        let said = a.run(command);
        let of_gone = |line: &&str| line.contains("gone.md") && line.contains("recorded");
        let line = said.lines().find(of_gone).unwrap();
        assert!(line.contains("DELETED since"), "{command:?}: {said}");
    }
    // A name is no content.
    assert_eq!(change(br#"{"path": "day-1.md"}"#), 200);
    assert!(a.run(&["seals", "notes"]).contains("day-1.md (sealed as day.md): "));
}
