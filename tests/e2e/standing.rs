//! Notebooks that stand still: paused, or held because much was deleted at once. And who may not come in.

use std::fs;

use crate::daemon::{Daemon, until};
use crate::{alone, join, pair, same, ticket, ticket_of, tree};

/// A paused notebook reads nothing, writes nothing and meets nobody; what is asked of it at the desk is refused with a
/// word, and everything follows when it goes on.
#[test]
fn a_paused_notebook_stands_still_and_catches_up() {
    let (_dir, a, b) = pair(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    same(&a.folder, &b.folder);
    a.run(&["notebook", "pause", "notes"]);
    let before = tree(&a.folder);
    let refused = a.try_run(&["wait", "--synced"]).unwrap_err();
    assert!(
        refused.code == Some(1) && refused.error.contains("`notes` is synced: it is paused"),
        "{refused:?}"
    );
    a.run(&["wait", "--idle"]);
    for (method, path, body) in [
        ("PUT", "/notebooks/notes/files/b.md", "from the desk\n"),
        ("POST", "/notebooks/notes/entries", "{\"path\": \"c.md\", \"content\": \"x\"}"),
    ] {
        let answer = a.http(method, path, &["Content-Type: application/json"], body.as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (423, "not_ready"), "{answer:?}");
    }
    fs::write(b.folder.join("b.md"), "from B\n").unwrap();
    until("nobody is connected", || b.run(&["status", "--json"]).contains("\"connected\": false"));
    b.run(&["wait", "--idle"]);
    assert_eq!(tree(&a.folder), before);
    a.run(&["notebook", "resume", "notes"]);
    until("what was missed arrives", || a.folder.join("b.md").exists());
    same(&a.folder, &b.folder);
    let put = a.http("PUT", "/notebooks/notes/files/c.md", &[], b"again\n");
    assert_eq!(put.status, 201, "{put:?}");
}

/// Whoever must decide is told how many and which files, and what to type; waiting for it is no success.
#[test]
fn the_brake_says_what_it_holds_and_what_to_type() {
    let (_dir, a) = alone(|folder| {
        (0..60).for_each(|n| fs::write(folder.join(format!("{n:02}.md")), format!("note {n}\n")).unwrap());
    });
    a.run(&["wait", "--idle"]);
    let all = tree(&a.folder);
    (0..60).for_each(|n| fs::remove_file(a.folder.join(format!("{n:02}.md"))).unwrap());
    until("it is held", || a.run(&["status"]).contains("deletions at once"));
    let refused = a.try_run(&["wait", "--idle"]).unwrap_err();
    assert_eq!(refused.code, Some(1));
    for said in [a.run(&["status"]), refused.error] {
        for word in [".md`", "codexd notebook resume notes --accept-deletions", "bring the files back"] {
            assert!(said.contains(word), "`{word}` is not in {said}");
        }
    }
    assert!(a.run(&["doctor"]).contains("codexd notebook resume notes"));
    // Another notebook is waited for all the same.
    let other = a.folder.with_file_name("other");
    fs::create_dir(&other).unwrap();
    (0..300).for_each(|n| fs::write(other.join(format!("{n}.md")), format!("{n}\n")).unwrap());
    a.run(&["notebook", "add", other.to_str().unwrap()]);
    let refused = a.try_run(&["wait", "--idle", "--timeout", "1m"]).unwrap_err();
    assert!(refused.code == Some(1) && refused.error.contains("cannot wait for `notes`"), "{refused:?}");
    let listed = a.run(&["notebook", "show", "other"]);
    assert!(listed.contains("ready") && listed.contains("300 entries"), "{listed}");
    a.run(&["notebook", "resume", "notes"]);
    until("everything is back", || tree(&a.folder) == all);
}

/// losses.md L16: a folder that was moved away comes back, some of it first. Nobody need answer for what is back.
#[test]
fn a_hold_ends_when_the_files_are_back() {
    let (dir, mut a) = alone(|folder| {
        fs::create_dir(folder.join("lab")).unwrap();
        (0..60)
            .for_each(|n| fs::write(folder.join(format!("lab/{n:02}.md")), format!("note {n}\n")).unwrap());
    });
    a.run(&["wait", "--idle"]);
    let (all, away) = (tree(&a.folder), dir.path().join("away"));
    fs::rename(a.folder.join("lab"), &away).unwrap();
    until("it is held", || a.run(&["status"]).contains("61 deletions at once"));
    fs::create_dir(a.folder.join("lab")).unwrap();
    for n in 1..60 {
        let name = format!("{n:02}.md");
        fs::rename(away.join(&name), a.folder.join("lab").join(name)).unwrap();
    }
    let one_is_left =
        |a: &Daemon| a.run(&["status"]).contains("1 deletion waits for your yes or no: `lab/00.md`");
    until("one is left", || one_is_left(&a));
    a.kill();
    a.restart();
    until("it is the same after a restart", || one_is_left(&a));
    fs::rename(away.join("00.md"), a.folder.join("lab/00.md")).unwrap();
    until("the hold is over", || a.run(&["status", "--json"]).contains("\"state\": \"ready\""));
    a.run(&["wait", "--idle"]);
    assert_eq!(tree(&a.folder), all);
}

/// A ticket that is used or void is refused with that word, and nothing is made on disk.
#[test]
fn a_refused_join_leaves_nothing_behind() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    let used = ticket(&a);
    let b = Daemon::start(&dir.path().join("b"), dir.path().join("fb"));
    b.run(&["join", &used, b.folder.to_str().unwrap()]);
    let c = Daemon::start(&dir.path().join("c"), dir.path().join("deep/fc"));
    let refuses = |ticket: &str, word: &str| {
        let refused = c.try_run(&["join", ticket, c.folder.to_str().unwrap()]).unwrap_err();
        assert!(refused.error.contains(word), "{refused:?}");
        assert!(!c.folder.exists() && !dir.path().join("deep").exists());
    };
    refuses(&used, "used");
    let printed = a.run(&["invite", "notes", "--expires", "1s"]);
    let short = printed.trim().to_owned();
    until("it is void", || {
        c.try_run(&["join", &short, "--preview"]).is_err_and(|refused| refused.error.contains("expired"))
    });
    refuses(&short, "expired");
}

/// A folder that is not there is made; a bad date or path is the asker's fault.
#[test]
fn a_new_folder_is_made_and_bad_dates_are_named() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    let new = dir.path().join("some/new");
    a.run(&["notebook", "add", new.to_str().unwrap()]);
    assert!(new.join(".codex").is_dir());
    let json = ["Content-Type: application/json"];
    let query = a.http("POST", "/query", &json, b"{\"modified_after\": \"2026-13-45\"}");
    assert_eq!((query.status, query.code().as_str()), (400, "bad_request"), "{query:?}");
    let sorted = a.http("POST", "/query", &json, b"{\"sort\": \"colour\"}");
    assert!(String::from_utf8_lossy(&sorted.body).contains("nothing is sorted by `colour`"), "{sorted:?}");
    assert_eq!(sorted.status, 200, "{sorted:?}");
    let listed = a.http("GET", "/notebooks/notes/entries?cursor=garbage", &[], b"");
    assert_eq!((listed.status, listed.code().as_str()), (400, "bad_request"), "{listed:?}");
    let search = a.http("GET", "/search?q=modified:%3E2026-13-45", &[], b"");
    assert_eq!(search.status, 200, "{search:?}");
    assert!(String::from_utf8_lossy(&search.body).contains("`2026-13-45` is no date"), "{search:?}");
}

/// What is not understood of a query is said on the command line, with its line and what would be right; the answer stays.
#[test]
fn a_query_that_is_not_understood_is_answered_with_a_note() {
    let (dir, a) =
        alone(|folder| fs::write(folder.join("a.md"), "---\ntags: [red]\n---\none two\n").unwrap());
    a.run(&["wait", "--idle"]);
    let view = dir.path().join("tasks.cdx");
    fs::write(&view, "---\ntype: view\nquery:\n  tagz: [red]\n---\n").unwrap();
    let view = view.to_str().unwrap();
    for (args, found, note) in [
        (
            &["query", view][..],
            "a.md\n1 in all",
            "tasks.cdx:4: a query has no `tagz`, so that is left out; did you mean `tags`?",
        ),
        (&["query", view], "1 in all", "every file is listed"),
        (
            &["search", "modified:>foo"],
            "nothing found",
            "`foo` is no date; write it as `modified:>2026-01-31`",
        ),
        (&["search", "\"one two"], "a.md", "the quotation mark before `one two` is not closed"),
        (&["search", "onee two"], "nothing found", "`one two` might find something"),
    ] {
        let (answer, said) = a.both(args);
        assert!(answer.contains(found) && said.contains(note), "{args:?}: {answer} {said}");
    }
    let (_, said) = a.both(&["search", "tag:red"]);
    assert_eq!(said, "");
    let json: serde_json::Value =
        serde_json::from_str(&a.run(&["search", "--json", "modified:>foo"])).unwrap();
    assert_eq!(json["warnings"].as_array().map(Vec::len), Some(1), "{json}");
}

/// Deleting `.codex` loses history, never content, whether the daemon runs or not.
#[test]
fn a_lost_codex_folder_is_said_and_the_notebook_goes_on() {
    let (_dir, a, mut b) = pair(|folder| {
        fs::write(folder.join("a.md"), "one\n").unwrap();
        fs::write(folder.join("b.bin"), [0, 1, 2]).unwrap();
    });
    same(&a.folder, &b.folder);
    b.run(&["wait", "--synced"]);
    let all = tree(&a.folder);
    let folder = b.folder.to_str().unwrap().to_owned();
    // While it is stopped: a member comes back with a new ticket.
    b.kill();
    fs::remove_dir_all(b.folder.join(".codex")).unwrap();
    b.begin();
    until("it is said", || b.try_run(&["status"]).is_ok_and(|said| said.contains("codexd join TICKET")));
    b.run(&["join", &ticket(&a), &folder]);
    fs::write(a.folder.join("c.md"), "after\n").unwrap();
    until("it follows again", || b.folder.join("c.md").exists());
    same(&a.folder, &b.folder);
    assert_eq!(tree(&a.folder).len(), all.len() + 1, "nothing is doubled");
    // While it runs: it goes on alone, as a notebook of its own.
    fs::remove_dir_all(b.folder.join(".codex")).unwrap();
    until("it is said at once", || {
        b.try_run(&["status"]).is_ok_and(|said| said.contains("codexd join TICKET"))
    });
    b.run(&["notebook", "add", &folder]);
    b.run(&["wait", "--idle"]);
    assert_eq!(tree(&b.folder), tree(&a.folder));
    b.run(&["verify"]);
}

/// How many of how many devices hold everything, as a device says.
fn held(daemon: &Daemon) -> (u64, u64) {
    let held = daemon.notebook()["held_by"].clone();
    (held[0].as_u64().unwrap(), held[1].as_u64().unwrap())
}

/// A device that lacks an attachment does not hold everything, also not by its own word; whoever does not belong does not count.
#[test]
fn only_devices_that_hold_everything_are_counted() {
    let (dir, a, b) = pair(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    same(&a.folder, &b.folder);
    until("both hold everything", || held(&a) == (2, 2) && held(&b) == (2, 2));
    b.run(&["notebook", "fetch", "notes", "on-demand"]);
    fs::write(a.folder.join("gel.png"), [0xff; 3000]).unwrap();
    until("B lacks its bytes", || b.notebook()["blobs_missing"] == 1);
    until("A alone holds everything", || held(&a) == (1, 2) && held(&b) == (1, 2));
    assert!(b.run(&["status"]).contains("held by 1 of 2 devices"));
    b.run(&["fetch", "notes", "gel.png"]);
    until("both hold it", || held(&a) == (2, 2) && held(&b) == (2, 2));
    a.run(&["revoke", &b.device()]);
    // It is cut off before it hears why.
    let bundle = dir.path().join("bundle").to_str().unwrap().to_owned();
    a.run(&["bundle", "export", "notes", &bundle]);
    b.run(&["bundle", "import", &bundle]);
    until("B knows that it belongs no more", || b.notebook()["role"].is_null());
    until("B counts itself out", || held(&b).1 == 1);
    assert!(held(&b).0 <= 1, "{:?}", held(&b));
    until("A is alone", || held(&a) == (1, 1));
}

/// What no member has is said so, whatever devices have it that belong no more, and also after the home was copied and a new
/// journal begun.
#[test]
fn what_only_this_device_has_is_said_until_a_member_has_it() {
    let (dir, mut a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let (home, folder) = (dir.path().join("c"), dir.path().join("fc"));
    let mut c = Daemon::start(&home, folder.clone());
    c.run(&["join", &ticket_of(&a, &["--role", "owner", "--unattended"]), folder.to_str().unwrap()]);
    same(&a.folder, &folder);
    // By way of C: the two of them are to meet without A.
    let b = join(dir.path(), &c);
    same(&a.folder, &b.folder);
    let unsynced = |daemon: &Daemon| daemon.notebook()["unsynced_records"].as_u64().unwrap();
    until("C knows B", || c.notebook()["peers"].as_array().unwrap().len() == 2);
    until("all is everywhere", || unsynced(&c) == 0);
    a.stop();
    fs::write(folder.join("b.md"), "two\n").unwrap();
    same(&b.folder, &folder);
    until("B has it", || unsynced(&c) == 0);
    // What was shared, and the revocation itself.
    c.run(&["revoke", &b.device()]);
    until("B's word does not count any more", || unsynced(&c) >= 2);
    let before = unsynced(&c);
    c.stop();
    let copy = dir.path().join("copy");
    let copied = std::process::Command::new("cp").arg("-a").args([&home, &copy]).status().unwrap();
    assert!(copied.success());
    let c = Daemon::start(&copy, folder);
    c.run(&["wait", "--idle"]);
    assert!(unsynced(&c) >= before, "{} of {before} are said to be elsewhere", unsynced(&c));
    a.restart();
    until("A has it", || a.folder.join("b.md").exists() && unsynced(&c) == 0);
}
