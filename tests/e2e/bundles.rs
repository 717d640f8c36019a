//! Sync by a file: two devices of which never more than one runs, and a stick that travels between them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::daemon::{Daemon, until};
use crate::{alone, pair, tree};

/// Two devices that know one another and share a few files. Neither runs.
fn apart() -> (tempfile::TempDir, Daemon, Daemon) {
    let (dir, mut a, mut b) = pair(|folder| {
        fs::create_dir_all(folder.join("data")).unwrap();
        fs::write(folder.join("note.md"), "---\ntags: [pcr]\n---\none\ntwo\nthree\n").unwrap();
        fs::write(folder.join("data/plate.png"), vec![0xffu8; 100_000]).unwrap();
    });
    for daemon in [&a, &b] {
        daemon.run(&["wait", "--synced", "--timeout", "3m"]);
    }
    until("both are the same", || tree(&a.folder) == tree(&b.folder) && tree(&a.folder).len() == 2);
    a.stop();
    b.stop();
    (dir, a, b)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs one of them alone, until it has taken in what lies in its folder.
fn alone_now(daemon: &mut Daemon) {
    daemon.restart();
    daemon.run(&["wait", "--idle", "--timeout", "3m"]);
}

/// Only this one runs; gives the bundle that it made.
fn export(daemon: &mut Daemon, file: PathBuf, options: &[&str]) -> PathBuf {
    alone_now(daemon);
    daemon.run(&[&["bundle", "export", "notes", text(&file)], options].concat());
    daemon.stop();
    file
}

/// Only this one runs; gives what the import came to.
fn import(daemon: &mut Daemon, file: &Path) -> serde_json::Value {
    alone_now(daemon);
    let taken = daemon.run(&["bundle", "import", text(file), "--json"]);
    daemon.run(&["wait", "--idle", "--timeout", "3m"]);
    until("attachments are written", || daemon.notebook()["pending"] == 0);
    daemon.stop();
    serde_json::from_str(&taken).unwrap()
}

/// What `bundle inspect` says, which needs no daemon.
fn inspected(daemon: &Daemon, file: &Path) -> serde_json::Value {
    serde_json::from_slice(&daemon.output(&["bundle", "inspect", text(file), "--json"])).unwrap()
}

/// Laws 1 and 2, without any connection: whatever was written on both sides is on both, byte for byte.
#[test]
fn a_stick_carries_what_was_written_on_both_sides() {
    let (dir, mut a, mut b) = apart();
    fs::write(a.folder.join("note.md"), "---\ntags: [pcr]\n---\none, by a\ntwo\nthree\n").unwrap();
    fs::write(a.folder.join("data/gel.tif"), vec![9u8; 3_000_000]).unwrap();
    fs::write(b.folder.join("note.md"), "---\ntags: [pcr]\n---\none\ntwo\nthree, by b\n").unwrap();
    fs::rename(b.folder.join("data"), b.folder.join("results")).unwrap();
    fs::write(b.folder.join("empty"), "").unwrap();

    let there = export(&mut a, dir.path().join("there"), &[]);
    let maker = inspected(&a, &there)["maker"].as_str().unwrap().to_owned();
    let taken = import(&mut b, &there);
    assert!(taken["new_records"].as_u64() > Some(0) && taken["new_attachments"] == 1, "{taken}");
    let back = export(&mut b, dir.path().join("back"), &["--for", &maker]);
    assert_eq!(inspected(&b, &back)["attachments"], 0, "the reader holds them by its receipt");
    let taken = import(&mut a, &back);
    assert!(taken["new_records"] == taken["records"], "{taken}");

    assert_eq!(tree(&a.folder), tree(&b.folder));
    let note = fs::read_to_string(a.folder.join("note.md")).unwrap();
    assert_eq!(note, "---\ntags: [pcr]\n---\none, by a\ntwo\nthree, by b\n");
    assert_eq!(tree(&a.folder)["results/gel.tif"], vec![9u8; 3_000_000]);

    // The receipt came back with the stick.
    alone_now(&mut a);
    let peer = a.notebook()["peers"][0].clone();
    assert_eq!((&peer["records_behind"], &peer["connected"]), (&0.into(), &false.into()), "{peer}");
    a.run(&["verify"]);
    a.stop();

    // Again is harmless.
    let taken = import(&mut a, &back);
    assert_eq!((&taken["new_records"], &taken["new_attachments"]), (&0.into(), &0.into()), "{taken}");
    assert_eq!(tree(&a.folder), tree(&b.folder));
}

/// losses.md L45
#[test]
fn a_damaged_bundle_is_refused_at_the_record_and_a_good_one_goes_on_from_there() {
    let (dir, mut a, mut b) = apart();
    for n in 0..5 {
        fs::write(a.folder.join(format!("new {n}.md")), format!("text {n}\n")).unwrap();
        alone_now(&mut a);
        a.stop();
    }
    let good = export(&mut a, dir.path().join("good"), &[]);
    let bytes = fs::read(&good).unwrap();
    let needle = b"text 3\n";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    let bent = dir.path().join("bent");
    fs::write(&bent, [&bytes[..at], b"texT 3\n", &bytes[at + needle.len()..]].concat()).unwrap();
    let cut = dir.path().join("cut");
    fs::write(&cut, &bytes[..at]).unwrap();

    let found = inspected(&a, &bent);
    assert_eq!(found["good"], false);
    let (device, seq) = (found["fault"]["device"].as_str().unwrap(), &found["fault"]["seq"]);
    assert!(seq.as_u64() > Some(1), "{found}");
    alone_now(&mut b);
    for file in [&bent, &cut] {
        let refused = b.try_run(&["bundle", "import", text(file)]).unwrap_err();
        let place = format!("record {seq} of device {device}");
        assert!(refused.code == Some(1) && refused.error.contains(&place), "{refused:?}");
        let inspected = a.try_run(&["bundle", "inspect", text(file)]).unwrap_err();
        assert!(inspected.code == Some(1) && inspected.error.contains(&place), "{inspected:?}");
    }
    // What was good before stays.
    until("what was before it is here", || b.folder.join("new 2.md").exists());
    assert!(!b.folder.join("new 3.md").exists());
    b.stop();
    let taken = import(&mut b, &good);
    assert!(taken["new_records"].as_u64() < taken["records"].as_u64(), "{taken}");
    assert_eq!(tree(&a.folder), tree(&b.folder));
}

#[test]
fn a_bundle_of_a_notebook_that_is_not_here_says_to_join_first() {
    let (dir, mut a, _b) = apart();
    let bundle = export(&mut a, dir.path().join("bundle"), &["--whole"]);
    let c = Daemon::start(&dir.path().join("c"), dir.path().join("fc"));
    let refused = c.try_run(&["bundle", "import", text(&bundle)]).unwrap_err();
    assert!(refused.code == Some(1) && refused.error.contains("codexd join"), "{refused:?}");
    let report = c.run(&["bundle", "inspect", text(&bundle)]);
    assert!(report.contains("attachments  1 (100000 bytes)"), "{report}");
    for (args, word) in [
        (["bundle", "import", "/nowhere/x"], "No such file"),
        (["bundle", "inspect", "/proc/self"], "not a file"),
    ] {
        let refused = c.try_run(&args).unwrap_err();
        assert!(refused.code == Some(1) && refused.error.contains(word), "{refused:?}");
    }
    alone_now(&mut a);
    for (args, word) in [
        (vec!["bundle", "export", "notes", text(&bundle)], "something already"),
        (vec!["bundle", "export", "notes", "/nowhere/x"], "folder that is there"),
        (vec!["bundle", "export", "other", text(&bundle)], "no notebook"),
        (vec!["bundle", "export", "notes", "x", "--for", "nobody"], "codexd members"),
    ] {
        let refused = a.try_run(&args).unwrap_err();
        assert!(refused.code == Some(1) && refused.error.contains(word), "{refused:?}");
    }
}

/// Whose history is lost gets it back from a stick: the marker says which notebook the folder is.
#[test]
fn a_lost_store_comes_back_from_a_bundle() {
    let (dir, mut a, mut b) = apart();
    let bundle = export(&mut a, dir.path().join("bundle"), &[]);
    let marker = fs::read(b.folder.join(".codex/notebook")).unwrap();
    fs::remove_dir_all(b.folder.join(".codex")).unwrap();
    fs::create_dir_all(b.folder.join(".codex")).unwrap();
    fs::write(b.folder.join(".codex/notebook"), marker).unwrap();
    b.restart();
    b.run(&["notebook", "add", text(&b.folder), "--name", "notes"]);
    assert_eq!(b.notebook()["state"], "joining");
    b.run(&["bundle", "import", text(&bundle)]);
    until("it has joined", || b.notebook()["state"] == "ready");
    let log = b.run(&["log", "notes", "note.md"]);
    assert!(log.contains("birth"), "{log}");
    assert_eq!(tree(&a.folder), tree(&b.folder));
}

/// Whatever a device leaves with the others by its fetch policy comes with the stick, and older versions if it is whole.
#[test]
fn a_stick_brings_attachments_that_are_left_with_the_others_and_older_versions() {
    let (dir, mut a, mut b) = apart();
    alone_now(&mut b);
    b.run(&["notebook", "fetch", "notes", "on-demand"]);
    b.stop();
    let plate = a.folder.join("data/plate.png");
    for byte in [0xfeu8, 0xfd] {
        fs::write(&plate, vec![byte; 70_000]).unwrap();
        alone_now(&mut a);
        a.stop();
    }
    let now = export(&mut a, dir.path().join("now"), &[]);
    let whole = export(&mut a, dir.path().join("whole"), &["--whole"]);
    let count = |file| inspected(&a, file)["attachments"].as_u64();
    assert_eq!((count(&now), count(&whole)), (Some(1), Some(3)));
    // Cut off in the attachment: the records are here then, and another run takes in the rest.
    let (bytes, cut) = (fs::read(&now).unwrap(), dir.path().join("cut"));
    fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();
    alone_now(&mut b);
    assert!(b.try_run(&["bundle", "import", text(&cut)]).unwrap_err().error.contains("cut off"));
    b.stop();
    let taken = import(&mut b, &now);
    assert_eq!((&taken["new_records"], &taken["new_attachments"]), (&0.into(), &1.into()), "{taken}");
    assert_eq!(tree(&a.folder), tree(&b.folder));
    let taken = import(&mut b, &whole);
    assert_eq!((&taken["new_records"], &taken["new_attachments"]), (&0.into(), &1.into()), "{taken}");
    alone_now(&mut b);
    let log = b.run(&["log", "notes", "data/plate.png", "--json"]);
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    let versions: Vec<&str> =
        log["items"].as_array().unwrap().iter().map(|one| one["version"].as_str().unwrap()).collect();
    for (version, byte, size) in
        [(versions[0], 0xfd, 70_000), (versions[1], 0xfe, 70_000), (versions[2], 0xff, 100_000)]
    {
        let bytes = b.output(&["show", "notes", "data/plate.png", "--at", version]);
        assert!(bytes == vec![byte; size], "{version}: {} bytes", bytes.len());
    }
}

/// The file of a daemon's store that holds an attachment.
fn stored(a: &Daemon, bytes: &[u8]) -> PathBuf {
    let file = a.home().join("blobs/data").join(format!("{}.data", blake3::hash(bytes).to_hex()));
    assert_eq!(fs::read(&file).unwrap(), bytes);
    file
}

/// What the disk did to a stored attachment never reaches a bundle: the file in the folder stands in for it, or it is left
/// out by name; the rest is whole. `verify` names it, and what it says to do mends it.
#[test]
fn damage_in_the_store_is_named_and_never_carried() {
    let (plate, gel) = (vec![0xffu8; 100_000], vec![0xfeu8; 50_000]);
    let (dir, mut a) = alone(|folder| {
        fs::write(folder.join("plate.png"), &plate).unwrap();
        fs::write(folder.join("gel.png"), &gel).unwrap();
    });
    a.run(&["wait", "--idle"]);
    assert_eq!(a.json(&["verify"])["notebooks"][0]["attachments"], 2);
    let file = stored(&a, &plate);
    let mut bent = plate.clone();
    bent[70_000] ^= 1;
    fs::write(&file, &bent).unwrap();
    let verified = a.try_run(&["verify"]);
    assert_eq!(verified.unwrap_err().code, Some(1));
    let said = String::from_utf8(a.output(&["verify"])).unwrap();
    for words in
        ["stored attachment of `plate.png` is damaged", file.to_str().unwrap(), "copy it over that file"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    // The folder still has it.
    let whole = dir.path().join("whole");
    a.run(&["bundle", "export", "notes", text(&whole)]);
    let found = inspected(&a, &whole);
    assert_eq!((&found["good"], &found["attachments"]), (&true.into(), &2.into()), "{found}");
    // Nobody here has it.
    a.run(&["notebook", "pause", "notes"]);
    fs::write(a.folder.join("plate.png"), &bent).unwrap();
    let (rest, json) = (dir.path().join("rest"), dir.path().join("json"));
    let left_out = a.try_run(&["bundle", "export", "notes", text(&rest)]).unwrap_err();
    assert!(left_out.code == Some(1) && left_out.error.contains("without 1 attachments"), "{left_out:?}");
    assert!(
        left_out.error.contains("`plate.png`") && left_out.error.contains("codexd verify"),
        "{left_out:?}"
    );
    let made = a.output(&["bundle", "export", "notes", text(&json), "--json"]);
    let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
    assert_eq!(made["attachments_damaged"][0]["paths"][0], "plate.png", "{made}");
    let download = a.http("GET", "/notebooks/notes/bundle", &[], b"");
    let downloaded = dir.path().join("downloaded");
    fs::write(&downloaded, &download.body).unwrap();
    for bundle in [&rest, &json, &downloaded] {
        let found = inspected(&a, bundle);
        assert_eq!((&found["good"], &found["attachments"]), (&true.into(), &1.into()), "{found}");
        assert_eq!(found["records"], made["records"]);
    }
    // As it was told.
    fs::write(a.folder.join("plate.png"), &plate).unwrap();
    a.stop();
    fs::copy(a.folder.join("plate.png"), &file).unwrap();
    a.run(&["verify"]);
}
