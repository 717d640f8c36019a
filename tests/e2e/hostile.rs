//! Plugins that mean harm, before a real daemon: each of `plugins/tests/hostile` lies in its plugin folder, and is enabled if it can
//! be. The daemon goes on, each is stopped and named, nothing leaks. What their scripts do in a page is in the browser tests.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::{alone, tree};

/// The size of a manifest that nobody reads, as a file with a hole.
const HUGE: u64 = 100 << 20;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let to = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &to)
        } else {
            fs::copy(item.path(), to).map(|_| ()).unwrap()
        }
    }
}

/// A daemon with all of them, those too that are made here.
fn beset() -> (tempfile::TempDir, Daemon) {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "mine\n").unwrap());
    let place = a.home().join("plugins");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/tests/hostile"), &place);
    let make = |name: &str| {
        fs::create_dir_all(place.join(name)).unwrap();
        place.join(name)
    };
    fs::File::create(make("huge-manifest").join("manifest.yml")).unwrap().set_len(HUGE).unwrap();
    fs::write(make("deep-manifest").join("manifest.yml"), format!("id: {}\n", "[".repeat(100_000))).unwrap();
    fs::write(make("no-text").join("manifest.yml"), [0xff, 0xfe, 0x00]).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", make("link-manifest").join("manifest.yml")).unwrap();
    let link = make("link-script");
    let manifest =
        "id: link-script\nname: L\nversion: 1.0.0\ntype: view\nviews: [{ id: l, name: L, script: l.js }]\n";
    fs::write(link.join("manifest.yml"), manifest).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", link.join("l.js")).unwrap();
    std::os::unix::fs::symlink(&place, make("circle").join("again")).unwrap();
    let many = make("many-files");
    fs::write(
        many.join("manifest.yml"),
        "id: many-files\nname: M\nversion: 1.0.0\ntype: view\nviews: [{ id: m, name: M }]\n",
    )
    .unwrap();
    for at in 0..2000 {
        fs::write(many.join(format!("{at}.txt")), "").unwrap();
    }
    (dir, a)
}

fn all(a: &Daemon) -> Value {
    let answer = a.http("GET", "/plugins", &[], b"");
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).unwrap()
}

fn plugin(all: &Value, id: &str) -> Value {
    let found = all["plugins"].as_array().unwrap().iter().find(|one| one["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is not there: {}", all["problems"])).clone()
}

fn enable(a: &Daemon, id: &str) {
    let hash = plugin(&all(a), id)["hash"].clone();
    let change = json!({"enabled": true, "hash": hash}).to_string();
    let answer =
        a.http("PUT", &format!("/plugins/{id}"), &["Content-Type: application/json"], change.as_bytes());
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

/// What an importer's code ends with.
fn import(a: &Daemon, id: &str, file: &str) -> (u16, String) {
    let at = format!("/plugins/{id}/importers/run?notebook=notes&name=x.txt&folder=imported");
    let answer = a.http("POST", &at, &["Content-Type: application/octet-stream"], file.as_bytes());
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

#[test]
fn what_is_no_plugin_is_named_and_the_others_are_there() {
    let (_dir, a) = beset();
    let all = all(&a);
    let problems = all["problems"].as_array().unwrap();
    for name in [
        "huge-manifest",
        "deep-manifest",
        "no-text",
        "yaml-bomb",
        "leads-elsewhere",
        "link-script",
        "many-files",
    ] {
        let of = |one: &&Value| one["file"].as_str().unwrap().contains(&format!("/{name}/"));
        let found: Vec<&Value> = problems.iter().filter(of).collect();
        assert!(!found.is_empty(), "{name} is not named: {problems:?}");
        assert!(!found[0]["message"].as_str().unwrap().contains("root:"), "{found:?}");
    }
    let led = |key: &str| {
        problems
            .iter()
            .any(|one| one["key"] == key && one["file"].as_str().unwrap().contains("leads-elsewhere"))
    };
    for key in [
        "views/0/script",
        "views/1/script",
        "views/2/script",
        "views/3/style",
        "templates/0/file",
        "importers/0/script",
    ] {
        assert!(led(key), "{key} is not named: {problems:?}");
    }
    // A link is no file of a plugin, and a folder is not walked in circles.
    assert!(!all.to_string().contains("link-manifest") && !all.to_string().contains("circle"));
    assert_eq!(plugin(&all, "cream")["state"], "on");
}

#[test]
fn code_that_means_harm_is_stopped_and_named_and_the_daemon_goes_on() {
    let (dir, a) = beset();
    let before = tree(&a.folder);
    let told_of = |id: &str, words: &str, file: &str, refused: u64| {
        enable(&a, id);
        let (status, said) = import(&a, id, file);
        assert!(status == 400 && said.contains(words) && said.contains(id), "{id}: {status} {said}");
        // Who did it is named, with what it did.
        let now = plugin(&all(&a), id);
        assert_eq!(now["refused"], refused, "{id}");
        if refused > 0 {
            assert!(now["refusals"][0]["call"].as_str().unwrap().contains("importer run"), "{now}");
        }
    };
    let told = |id: &str, words: &str, file: &str| told_of(id, words, file, 1);
    told("deep-recursion", "the code failed", "");
    told("memory-bomb", "the code", "");
    told("huge-answer", "the code", "");
    told("many-entries", "2000 are the most", "");
    told("pollutes", "cannot", "");
    // It found nothing to reach, and says so itself.
    told_of("reaches-out", "found: []", "", 0);
    // While one never ends, everything else does.
    for id in ["endless-loop", "slow-pattern"] {
        std::thread::scope(|scope| {
            let hanging = scope.spawn(|| told(id, "stopped", ""));
            for _ in 0..20 {
                assert!(a.run(&["search", "mine"]).contains("a.md"));
            }
            assert!(!hanging.is_finished(), "{id} ended by itself, and shows nothing");
        });
    }
    assert_eq!(tree(&a.folder), before, "none of them made or changed a file");
    assert!(!dir.path().join("taken.md").exists());
}

#[test]
fn entries_that_lead_out_of_the_notebook_are_not_made_and_none_of_their_file_is() {
    let (dir, a) = beset();
    enable(&a, "leaves-the-folder");
    let before = tree(&a.folder);
    for path in [
        "../../taken.md",
        "/etc/taken.md",
        "a/../../../taken.md",
        ".codex/store.db",
        ".git/config",
        "a\0b.md",
        "..",
    ] {
        let (status, said) = import(&a, "leaves-the-folder", path);
        assert_eq!(status, 400, "{path:?}: {said}");
        assert_eq!(tree(&a.folder), before, "{path:?}");
    }
    assert!(!dir.path().join("taken.md").exists());
    let (status, said) = import(&a, "leaves-the-folder", "inside.md");
    assert_eq!(status, 200, "{said}");
    crate::until("it is written", || a.folder.join("imported/inside.md").exists());
}

#[test]
fn a_service_that_is_this_machine_is_not_asked() {
    let (_dir, a) = beset();
    enable(&a, "asks-at-home");
    // Nobody knocks here: the daemon refuses before it connects.
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    door.set_nonblocking(true).unwrap();
    let port = door.local_addr().unwrap().port();
    let ask = |endpoint: &str, parameters: Value| {
        let body = json!({"parameters": parameters}).to_string();
        let at = format!("/plugins/asks-at-home/endpoints/{endpoint}");
        let answer = a.http("POST", &at, &["Content-Type: application/json"], body.as_bytes());
        assert_eq!(answer.status, 403, "{endpoint}: {}", String::from_utf8_lossy(&answer.body));
    };
    ask("loopback", json!({}));
    ask("metadata", json!({}));
    ask("name", json!({}));
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://2130706433/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1/".to_owned(),
    ] {
        ask("page", json!({"url": url}));
    }
    assert!(door.accept().is_err(), "somebody knocked");
    assert_eq!(plugin(&all(&a), "asks-at-home")["refused"], 9);
}

#[test]
fn a_style_sheet_that_tells_tales_has_nothing_left_to_tell() {
    let (_dir, a) = beset();
    enable(&a, "tells-tales");
    let answer = a.http("GET", "/plugins/tells-tales/theme.css", &[], b"");
    let css = String::from_utf8(answer.body).unwrap().to_lowercase();
    assert_eq!(answer.status, 200, "{css}");
    for word in
        ["evil.example", "url(", "@import", "@font-face", "image-set", "<script", "fixed", "display", "value"]
    {
        assert!(!css.contains(word), "`{word}` is left: {css}");
    }
    assert!(css.contains("--page-background"), "{css}");
    assert!(!plugin(&all(&a), "tells-tales")["warnings"].as_array().unwrap().is_empty());
}
