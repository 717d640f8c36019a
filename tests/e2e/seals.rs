//! Seals between real daemons: what was signed, who confirmed it, and that a later change shows.

use std::fs;

use serde_json::{Value, json};

use crate::daemon::{Answer, Daemon, until};
use crate::{alone, join, pair, same, tree};

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

/// Everybody is called what they like, so a name alone says nothing of who signed: the fingerprint stands beside it in the list of
/// seals, and everywhere else once two have a name.
#[test]
fn who_takes_anothers_name_does_not_seal_in_it() {
    let (_dir, a, c) = pair(|folder| {
        fs::write(folder.join("ann.md"), "one\n").unwrap();
        fs::write(folder.join("mine.md"), "two\n").unwrap();
    });
    same(&a.folder, &c.folder);
    a.run(&["profile", "notes", "--name", "Ann Lee"]);
    a.run(&["seal", "notes", "ann.md", "--meaning", "recorded by me"]);
    let fingerprint = |daemon: &Daemon| daemon.status()["device"]["fingerprint"].as_str().unwrap().to_owned();
    let (ann, cee) = (fingerprint(&a), fingerprint(&c));
    let log = a.run(&["log", "notes", "ann.md"]);
    assert!(log.contains("sealed by Ann Lee, ") && !log.contains(&ann), "a name of one is enough: {log}");
    assert!(a.run(&["seals", "notes"]).contains(&format!("by Ann Lee ({ann})")));
    // Not quite the same letters, and a fingerprint that is not Cee's.
    let name = format!("ann \u{a0}Le\u{200b}e ({ann})");
    c.run(&["profile", "notes", "--name", &name]);
    c.run(&["seal", "notes", "mine.md", "--meaning", "recorded by Ann Lee, PI"]);
    fs::write(c.folder.join("mine.md"), "two\nthree\n").unwrap();
    until("A has what Cee did", || {
        fs::read_to_string(a.folder.join("mine.md")).is_ok_and(|text| text.ends_with("three\n"))
            && seals(&a, "mine.md")[0].is_object()
    });
    let line = |said: &str, words: &str| said.lines().find(|line| line.contains(words)).unwrap().to_owned();
    for said in [a.run(&["seals", "notes"]), a.run(&["seals", "notes", "mine.md"])] {
        let of_cee = line(&said, "recorded by Ann Lee, PI");
        assert!(of_cee.contains(&format!("({cee})")) && !of_cee.contains(&ann), "{said}");
    }
    for (path, own, other) in [("ann.md", &ann, &cee), ("mine.md", &cee, &ann)] {
        let log = a.run(&["log", "notes", path]);
        let sealed = line(&log, "sealed by");
        assert!(sealed.contains(&format!("({own}), ")) && !sealed.contains(other.as_str()), "{log}");
    }
    let log = a.run(&["log", "notes", "mine.md"]);
    assert!(line(&log, "edited").contains(&format!("({cee})")), "{log}");
    let activity = a.run(&["activity", "notes"]);
    assert!(line(&activity, "Ann Lee, PI").contains(&format!("({cee})")), "{activity}");
    let signer = seals(&a, "mine.md")[0]["by"].clone();
    assert_eq!(signer["fingerprint"], cee.as_str(), "{signer}");
    assert!(signer["who"].as_str().unwrap().ends_with(&format!(" ({cee})")), "{signer}");
    let members = a.json(&["members"])["items"].clone();
    let shown: Vec<&str> =
        members.as_array().unwrap().iter().map(|one| one["who"].as_str().unwrap()).collect();
    for fingerprint in [&ann, &cee] {
        assert!(shown.iter().any(|who| who.ends_with(&format!("({fingerprint})"))), "{shown:?}");
    }
    let details = get(&a, &format!("/notebooks/notes/entries/{}", entry(&a, "mine.md")));
    assert!(details["author_name"].as_str().unwrap().contains(&cee), "{details}");
}

/// What two wrote at the same time and is sealed as it came together has not been amended by that, nor by being moved; what
/// changed since is shown for one entry or all.
#[test]
fn a_sealed_state_of_two_writers_is_amended_only_by_what_comes_after() {
    let (_dir, a, mut b) = pair(|folder| fs::write(folder.join("day.md"), "one\n\n\ntwo\n").unwrap());
    same(&a.folder, &b.folder);
    a.run(&["wait", "--synced"]);
    b.stop();
    fs::write(a.folder.join("day.md"), "one, by A\n\n\ntwo\n").unwrap();
    a.run(&["wait", "--idle"]);
    fs::write(b.folder.join("day.md"), "one\n\n\ntwo, by B\n").unwrap();
    b.restart();
    let at = |path: &str| format!("/notebooks/notes/entries/{}", entry(&a, path));
    let version = || get(&a, &at("day.md"))["version"].as_str().unwrap().to_owned();
    until("both are in it", || version().contains('.'));
    a.run(&["wait", "--synced"]);
    a.run(&["seal", "notes", "day.md", "--meaning", "finished", "--lock"]);
    let count = |path: &str, words: &str| a.run(&["log", "notes", path]).matches(words).count();
    assert_eq!((count("day.md", "sealed by"), count("day.md", "(amends")), (1, 0));
    assert_eq!(a.run(&["seals", "notes", "--diff"]), a.run(&["seals", "notes"]));
    let json = ["Content-Type: application/json"];
    let moved = a.http("PATCH", &at("day.md"), &json, br#"{"path": "day-1.md"}"#);
    assert_eq!(moved.status, 200, "{moved:?}");
    assert_eq!((count("day-1.md", "renamed"), count("day-1.md", "(amends")), (1, 0));
    assert_eq!(put(&a, "day-1.md", "?amend=true", "amended\n").status, 200);
    assert_eq!((count("day-1.md", "sealed by"), count("day-1.md", "(amends")), (1, 1));
    for args in [&["seals", "notes", "--diff"][..], &["seals", "notes", "day-1.md", "--diff"]] {
        let said = a.run(args);
        assert!(said.contains("\n-two, by B") && said.contains("\n+amended"), "{args:?}: {said}");
    }
}
