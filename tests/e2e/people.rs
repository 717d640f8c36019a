//! People: who may do what, and what happens to those who may not, between real daemons.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::mpsc;

use crate::daemon::{Daemon, until};
use crate::{alone, ticket_of};

/// A daemon that joins A's notebook as something, without anybody saying yes.
fn join_as(a: &Daemon, home: &std::path::Path, folder: &std::path::Path, role: &str) -> Daemon {
    let ticket = ticket_of(a, &["--role", role, "--unattended"]);
    let b = Daemon::start(home, folder.to_owned());
    b.run(&["join", &ticket, folder.to_str().unwrap()]);
    b.run(&["wait", "--idle"]);
    b
}

/// A viewer reads; what a viewer changes stays on the viewer's disk, is shown as not shared, and is shared when the role
/// changes. The desk refuses at once.
#[test]
fn a_viewers_changes_stay_until_the_role_changes() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let folder = dir.path().join("viewer");
    let mut b = join_as(&a, &dir.path().join("b"), &folder, "viewer");
    until("B has it", || fs::read_to_string(folder.join("a.md")).is_ok_and(|text| text == "one\n"));
    assert_eq!(b.notebook()["role"], "viewer");
    fs::write(folder.join("a.md"), "one\nviewed\n").unwrap();
    fs::write(folder.join("new.md"), "mine\n").unwrap();
    until("B says what is not shared", || b.notebook()["drafts"] == 2);
    let reason = b.notebook()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("not shared: you are a viewer here"), "{reason}");
    let new = br#"{"path": "desk.md", "content": "from the desk"}"#;
    let headers = ["Content-Type: application/json"];
    let refused = b.http("POST", "/notebooks/notes/entries", &headers, new);
    assert_eq!((refused.status, refused.code().as_str()), (403, "not_allowed"), "{refused:?}");
    // Others go on meanwhile; a draft is not written over.
    fs::write(a.folder.join("a.md"), "zero\none\n").unwrap();
    fs::write(a.folder.join("c.md"), "three\n").unwrap();
    until("B has the rest", || fs::read_to_string(folder.join("c.md")).is_ok_and(|text| text == "three\n"));
    assert_eq!(fs::read_to_string(folder.join("a.md")).unwrap(), "one\nviewed\n");
    b.stop();
    b.restart();
    until("B still says so", || b.notebook()["drafts"] == 2);
    let device = b.device();
    a.run(&["role", &device, "editor"]);
    for daemon in [&a, &b] {
        let at = if daemon.folder == a.folder { &a.folder } else { &folder };
        until("all is shared", || {
            fs::read_to_string(at.join("a.md")).is_ok_and(|text| text == "zero\none\nviewed\n")
                && fs::read_to_string(at.join("new.md")).is_ok_and(|text| text == "mine\n")
        });
    }
    assert_eq!(b.notebook()["drafts"], 0);
    a.run(&["verify"]);
    b.run(&["verify"]);
}

/// What a device writes while nobody can tell it that it was revoked reaches nobody, and is kept; admitted again it goes on, and
/// an owner accepts what came too late. One that is connected is cut off, and stays out after a restart of both.
/// losses.md L46, L47
#[test]
fn a_revoked_device_stays_out_and_loses_nothing() {
    let (dir, mut a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let folder = dir.path().join("other");
    let mut b = join_as(&a, &dir.path().join("b"), &folder, "editor");
    until("B has it", || folder.join("a.md").exists());
    fs::write(folder.join("b.md"), "from B\n").unwrap();
    until("A has it", || a.folder.join("b.md").exists());
    let device = b.device();
    a.stop();
    fs::write(folder.join("late.md"), "too late\n").unwrap();
    b.run(&["wait", "--idle"]);
    b.stop();
    a.restart();
    a.run(&["revoke", &device]);
    fs::write(a.folder.join("secret.md"), "not for B\n").unwrap();
    a.run(&["wait", "--idle"]);
    b.restart();
    until("B is told", || b.notebook()["peers"][0]["turned_away"] == true);
    assert!(b.run(&["status"]).contains("you may have been removed"));
    b.run(&["wait", "--idle"]);
    assert!(!a.folder.join("late.md").exists() && !folder.join("secret.md").exists());
    assert!(folder.join("late.md").exists(), "what B wrote stays with B");
    let members = a.run(&["members"]);
    assert!(members.contains("revoked"), "{members}");
    let ticket = ticket_of(&a, &["--unattended"]);
    b.run(&["join", &ticket]);
    until("B goes on", || folder.join("secret.md").exists());
    assert_eq!(b.notebook()["peers"][0]["turned_away"], false);
    until("A keeps what came too late", || {
        a.json(&["quarantine"])["items"][0]["device"].as_str() == Some(device.as_str())
    });
    assert!(folder.join("late.md").exists() && !a.folder.join("late.md").exists());
    let shown = a.run(&["status"]);
    let to_type = format!("codexd release notes {}`", &device[..8]);
    assert!(shown.contains("held back  ") && shown.contains(&to_type), "{shown}");
    let reason = b.notebook()["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("late.md") && reason.contains("release"), "{reason}");
    a.run(&["release", "notes", &device]);
    let nothing = a.try_run(&["release", "notes", &device]).unwrap_err();
    assert!(
        nothing.error.contains("nothing is") && nothing.error.contains("codexd quarantine"),
        "{nothing:?}"
    );
    until("A has it", || a.folder.join("late.md").exists());
    until("B says nothing more", || b.notebook()["problem_count"] == 0);
    a.run(&["verify"]);
    b.run(&["verify"]);
    a.run(&["revoke", &device]);
    until("A has cut it off", || a.notebook()["peers"].as_array().unwrap().is_empty());
    until("B is told", || {
        let peers = b.notebook()["peers"].clone();
        peers.as_array().unwrap().iter().all(|peer| peer["connected"] == false && peer["turned_away"] == true)
    });
    fs::write(folder.join("later.md"), "too late\n").unwrap();
    fs::write(a.folder.join("secret-2.md"), "not for B\n").unwrap();
    b.run(&["wait", "--idle"]);
    b.stop();
    a.stop();
    a.restart();
    b.restart();
    a.run(&["wait", "--idle"]);
    b.run(&["wait", "--idle"]);
    assert!(!a.folder.join("later.md").exists() && !folder.join("secret-2.md").exists());
    assert!(folder.join("later.md").exists(), "what B wrote stays with B");
}

/// A ticket lets its device in once. Shown again it changes nothing for a member, and does not bring back whoever was removed,
/// also if it was for a further device of one's own or somebody had said yes. losses.md L47
#[test]
fn a_used_ticket_brings_nobody_back() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    for (name, how, role) in [("b", "--role", "editor"), ("c", "--own-device", "owner")] {
        let more: &[&str] =
            if how == "--role" { &[how, role, "--unattended"] } else { &[how, "--unattended"] };
        let ticket = ticket_of(&a, more);
        let folder = dir.path().join(format!("{name}-notes"));
        let b = Daemon::start(&dir.path().join(name), folder.clone());
        let at = folder.to_str().unwrap();
        b.run(&["join", &ticket, at]);
        b.run(&["wait", "--idle"]);
        let device = b.device();
        let role_of = || {
            let members = a.json(&["members"]);
            let mut rows = members["items"].as_array().unwrap().iter();
            rows.find(|row| row["device"] == device.as_str()).unwrap()["role"].clone()
        };
        if how == "--role" {
            a.run(&["role", &device, "viewer"]);
            b.run(&["notebook", "remove", "notes"]);
            b.run(&["join", &ticket, at]);
            assert_eq!(role_of(), "viewer", "a ticket that was used changes nothing");
        }
        a.run(&["revoke", &device]);
        until("it is cut off", || {
            a.notebook()["peers"].as_array().unwrap().iter().all(|peer| peer["device"] != device.as_str())
        });
        fs::write(a.folder.join(format!("secret-{name}.md")), "not for it\n").unwrap();
        a.run(&["wait", "--idle"]);
        b.run(&["notebook", "remove", "notes"]);
        let refused = b.try_run(&["join", &ticket, at]).unwrap_err().error;
        assert!(refused.contains("let you in once") && refused.contains("new one"), "{refused}");
        assert!(
            a.run(&["members"]).contains("revoked") && !folder.join(format!("secret-{name}.md")).exists()
        );
    }
}

/// Without `--unattended` somebody has to say yes; until then nothing is made, and a "no" is told.
#[test]
fn whoever_asks_waits_for_an_answer() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let b = Daemon::start(&dir.path().join("b"), dir.path().join("b-notes"));
    for answer in ["reject", "approve"] {
        let ticket = ticket_of(&a, &[]);
        let folder = dir.path().join(answer);
        let (told, joined) = mpsc::channel();
        std::thread::scope(|scope| {
            let (b, at) = (&b, folder.to_str().unwrap().to_owned());
            scope.spawn(move || told.send(b.try_run(&["join", &ticket, &at])).unwrap());
            until("somebody waits", || !a.json(&["requests"])["items"].as_array().unwrap().is_empty());
            let one = a.json(&["requests"])["items"][0].clone();
            assert_eq!(one["device"], b.device());
            assert!(!folder.exists());
            // Whoever looks sees who waits, and what to type.
            let shown = a.run(&["status"]);
            let fingerprint = b.json(&["status"])["device"]["fingerprint"].as_str().unwrap().to_owned();
            for words in
                [&fingerprint, "asks to join `notes` as editor", &format!("codexd {answer} {}", one["id"])]
            {
                assert!(shown.contains(words), "{words}: {shown}");
            }
            assert_eq!(a.json(&["status"])["requests"][0], one);
            let asks = format!("{} asks to be let in", &b.device()[..8]);
            assert!(a.run(&["invites"]).contains(&asks));
            a.run(&[answer, &one["id"].to_string()]);
            let joined = joined.recv().unwrap();
            match answer {
                "approve" => assert!(joined.is_ok(), "{joined:?}"),
                _ => assert!(joined.unwrap_err().error.contains("said no")),
            }
        });
        assert_eq!(folder.exists(), answer == "approve");
        let (newest, word) = (a.json(&["invites"])["items"][0].clone(), &b.device()[..8]);
        let (state, words) = match answer {
            "approve" => ("used", format!("used by {word}")),
            _ => ("refused", format!("refused: {word} was not let in")),
        };
        let listed = a.run(&["invites"]);
        assert!(newest["state"] == state && listed.lines().next().unwrap().ends_with(&words), "{listed}");
    }
    until("it fills", || dir.path().join("approve/a.md").exists());
}

/// Who joins learns at once who has to say yes and which fingerprint that person should see; a folder that cannot be used
/// is refused before anybody is asked.
#[test]
fn whoever_joins_is_told_whom_it_waits_for() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let b = Daemon::start(&dir.path().join("b"), dir.path().join("b-notes"));
    let ticket = ticket_of(&a, &[]);
    let file = dir.path().join("file");
    fs::write(&file, "no folder").unwrap();
    for place in [file.clone(), file.join("below")] {
        let refused = b.try_run(&["join", &ticket, place.to_str().unwrap()]).unwrap_err();
        assert!(refused.error.contains("is not a folder"), "{refused:?}");
    }
    assert!(a.json(&["requests"])["items"].as_array().unwrap().is_empty(), "nobody was asked");
    let at = dir.path().join("fb");
    let mut joining =
        b.command(&["join", &ticket, at.to_str().unwrap()]).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(joining.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    let shown = |daemon: &Daemon| daemon.status()["device"]["fingerprint"].as_str().unwrap().to_owned();
    for words in [&shown(&a), "has to say yes", "`notes`", &shown(&b)] {
        assert!(said.contains(words), "{words}: {said}");
    }
    until("somebody waits", || !a.json(&["requests"])["items"].as_array().unwrap().is_empty());
    a.run(&["reject", &a.json(&["requests"])["items"][0]["id"].to_string()]);
    stderr.read_to_string(&mut said).unwrap();
    assert!(!joining.wait().unwrap().success() && said.contains("said no"), "{said}");
}

/// What cannot be is refused in words: what was tried, why not, what to do.
#[test]
fn what_says_nothing_is_refused_in_words() {
    let (_dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    for (line, code, words) in [
        (&["seal-rule", "notes", "--needed", "2"][..], 1, "only 1 could"),
        (&["release", "notes", &a.device()], 1, "codexd quarantine"),
        (&["profile", "notes", "--name", "  "], 1, "the name is empty"),
        (&["withdraw", ""], 2, "codexd invites"),
    ] {
        let refused = a.try_run(line).unwrap_err();
        assert!(refused.code == Some(code) && refused.error.contains(words), "{line:?}: {refused:?}");
    }
}

/// A ticket that went astray is withdrawn: whoever waits with it is sent away, and nobody comes in with it later. What was
/// used is named with who used it.
#[test]
fn a_withdrawn_invitation_opens_nothing() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let b = Daemon::start(&dir.path().join("b"), dir.path().join("b-notes"));
    let (attended, unattended) = (ticket_of(&a, &[]), ticket_of(&a, &["--unattended"]));
    let invites = a.json(&["invites"])["items"].as_array().unwrap().clone();
    assert_eq!(invites.iter().map(|one| &one["state"]).collect::<Vec<_>>(), ["open", "open"]);
    let id = |is_attended: bool| {
        let one = invites.iter().find(|one| one["attended"] == is_attended).unwrap();
        one["id"].as_str().unwrap().to_owned()
    };
    let folder = dir.path().join("astray");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| b.try_run(&["join", &attended, folder.to_str().unwrap()]));
        until("somebody waits", || !a.json(&["requests"])["items"].as_array().unwrap().is_empty());
        a.run(&["withdraw", &id(true)]);
        let refused = waits.join().unwrap().unwrap_err().error;
        assert!(refused.contains("not known here"), "{refused}");
    });
    assert_eq!(a.json(&["requests"])["items"], serde_json::json!([]));
    b.run(&["join", &unattended, folder.to_str().unwrap()]);
    let refused = a.try_run(&["withdraw", &id(false)]).unwrap_err().error;
    assert!(refused.contains(&b.device()) && refused.contains("codexd revoke"), "{refused}");
    let refused = a.try_run(&["withdraw", "0123456789ab"]).unwrap_err().error;
    assert!(refused.contains("codexd invites"), "{refused}");
}

/// An answer holds for the ticket that was shown, whenever it is shown again, and for no other: whoever gave up waiting
/// gets in later, and another ticket is another question.
#[test]
fn an_answer_holds_for_its_ticket_and_for_no_other() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let mut b = Daemon::start(&dir.path().join("b"), dir.path().join("b-notes"));
    let requests = || a.json(&["requests"])["items"].as_array().unwrap().clone();
    let folder = dir.path().join("in").to_str().unwrap().to_owned();
    // It asks, and is killed before the answer.
    let ask = |b: &mut Daemon, ticket: &str| {
        let mut asking = b.spawn(&["join", ticket, &folder]);
        until("somebody waits", || requests().len() == 1);
        b.kill();
        asking.wait().unwrap();
        requests()[0]["id"].to_string()
    };
    let first = ticket_of(&a, &[]);
    let id = ask(&mut b, &first);
    a.run(&["reject", &id]);
    b.restart();
    for _ in 0..2 {
        let refused = b.try_run(&["join", &first, &folder]).unwrap_err();
        assert!(refused.error.contains("the inviter said no"), "{refused:?}");
    }
    let second = ticket_of(&a, &["--role", "viewer"]);
    let id = ask(&mut b, &second);
    assert_eq!(requests()[0]["role"], "viewer");
    a.run(&["approve", &id]);
    b.restart();
    b.run(&["join", &second, &folder]);
    until("it fills", || dir.path().join("in/a.md").exists());
    assert!(requests().is_empty());
}

/// Another device of one's own is let in by one that is; when all are lost, words on paper make a new one, which takes
/// the lost one's right away.
#[test]
fn a_person_has_several_devices_and_comes_back_by_a_phrase() {
    let (dir, mut a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let phrase = a.run(&["recovery", "notes"]);
    let own = ticket_of(&a, &["--own-device", "--unattended"]);
    let folders = ["b", "c"].map(|name| dir.path().join(format!("notes-{name}")));
    let b = Daemon::start(&dir.path().join("b"), folders[0].clone());
    b.run(&["join", &own, folders[0].to_str().unwrap()]);
    until("B is A's", || b.notebook()["role"] == "owner");
    let person = |rows: &serde_json::Value, device: &str| {
        let rows = rows["items"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["device"] == device).map(|row| row["person"].clone())
    };
    let rows = b.json(&["members"]);
    assert_eq!(person(&rows, &a.device()), person(&rows, &b.device()));
    let lost = a.device();
    a.stop();
    let c = Daemon::start(&dir.path().join("c"), folders[1].clone());
    let at = folders[1].to_str().unwrap();
    let viewer = ticket_of(&b, &["--role", "viewer", "--unattended"]);
    let wrong = ["zebra"; 12].join(" ");
    let refused = c.try_run(&["join", &viewer, at, "--phrase", &wrong]).unwrap_err();
    assert!(refused.error.contains("no recovery phrase"), "{refused:?}");
    c.run(&["join", &viewer, at, "--phrase", phrase.trim()]);
    until("C is A's too", || c.notebook()["role"] == "owner");
    c.run(&["revoke", &lost]);
    until("B knows", || b.run(&["members"]).contains("revoked"));
    fs::write(folders[1].join("c.md"), "goes on\n").unwrap();
    until("B has it", || folders[0].join("c.md").exists());
}

/// Whoever types a person's name where a device is asked for is led on: all devices of theirs, after a yes, or one by its id.
#[test]
fn a_persons_name_leads_to_their_devices() {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    let b = join_as(&a, &dir.path().join("b"), &dir.path().join("fb"), "editor");
    let own = ["invite", "notes", "--own-device", "--unattended"];
    let own = b.run(&own).trim().to_owned();
    let c = Daemon::start(&dir.path().join("c"), dir.path().join("fc"));
    c.run(&["join", &own, dir.path().join("fc").to_str().unwrap()]);
    b.run(&["profile", "notes", "--name", "Bob"]);
    let of_bob = || {
        let members = a.json(&["members"])["items"].as_array().unwrap().clone();
        members.into_iter().filter(|one| one["person_name"] == "Bob").collect::<Vec<_>>()
    };
    until("A knows both of Bob's", || of_bob().len() == 2);
    let fingerprints: Vec<String> =
        of_bob().iter().map(|one| one["fingerprint"].as_str().unwrap().to_owned()).collect();
    for args in [&["revoke", "Bob"][..], &["release", "notes", "Bob"]] {
        let refused = a.try_run(args).unwrap_err().error;
        for word in fingerprints.iter().map(String::as_str).chain(["is a person"]) {
            assert!(refused.contains(word), "{args:?}, {word}: {refused}");
        }
    }
    assert!(of_bob().iter().all(|one| one["revoked"] == false), "nobody said yes");
    // All devices have one name here.
    let vm = of_bob()[0]["name"].as_str().unwrap().to_owned();
    let refused = a.try_run(&["revoke", &vm]).unwrap_err().error;
    assert!(refused.contains(&fingerprints[0]) && refused.contains("several devices"), "{refused}");
    let said = a.run(&["role", "Bob", "viewer"]);
    assert_eq!(said.trim(), "`Bob` has the role viewer in `notes` now");
    let said = a.run(&["revoke", "Bob", "--yes"]);
    assert_eq!(said.trim(), "`Bob` is revoked in `notes`, with all devices");
    assert!(of_bob().len() == 2 && of_bob().iter().all(|one| one["revoked"] == true));
    let refused = a.try_run(&["revoke", "Bob", "--yes"]).unwrap_err().error;
    assert!(refused.contains("codexd members") || refused.contains("is a person"), "{refused}");
    assert_eq!(a.run(&["role", "Bob", "none"]).trim(), "`Bob` was removed from `notes`");
}
