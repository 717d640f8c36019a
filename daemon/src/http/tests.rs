//! The whole router over a real daemon and real files, without a port.
#![allow(clippy::unwrap_used)]

mod commenting;
mod keys;
mod linking;
mod looking_back;
mod making;
mod plugins;
mod tasks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Auth, Desk, app};
use crate::daemon::{Daemon, Options};
use crate::home::Home;
use crate::net::RelayChoice;

const URL: &str = "http://127.0.0.1:7420";

struct World {
    router: Router,
    daemon: Arc<Daemon>,
    root: PathBuf,
    _temp: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn etag(&self) -> &str {
        self.headers["etag"].to_str().unwrap()
    }

    fn refused(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"]["code"].as_str().unwrap().to_owned())
    }
}

impl World {
    /// A daemon with one notebook, `lab`, that holds these files and is scanned.
    async fn with(files: &[(&str, &[u8])]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("lab");
        std::fs::create_dir(&root).unwrap();
        for (path, bytes) in files {
            let target = root.join(path);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, bytes).unwrap();
        }
        let home = Home::open(Some(&temp.path().join("home"))).unwrap();
        let auth = Arc::new(Auth::new("secret", home.system().clone(), URL));
        let loopback = "127.0.0.1:0".parse().unwrap();
        let options = Options { p2p_listen: Some(loopback), relay: RelayChoice::None, discovery: false };
        let daemon = Daemon::start(home, options).await.unwrap();
        let router = app(Desk::new(Arc::clone(&daemon), auth));
        let world = Self { router, daemon, root: root.clone(), _temp: temp };
        let added = world.send("POST", "/notebooks", &[], &json!({"path": root}).to_string()).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        world.until_idle().await;
        world
    }

    async fn until_idle(&self) {
        let mut standing = self.daemon.find("lab").unwrap().standing();
        let idle = standing.wait_for(|now| now.state == "ready" && now.pending == 0 && !now.scan.busy);
        drop(tokio::time::timeout(Duration::from_secs(20), idle).await.unwrap().unwrap());
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send_bytes(method, path, headers, body.as_bytes().to_vec()).await
    }

    async fn send_bytes(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        request = request.header("host", "127.0.0.1:7420").header("authorization", "Bearer secret");
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// The address of the entry at a path.
    async fn address(&self, path: &str) -> String {
        let page = self.get(&format!("/notebooks/lab/entries?path={path}")).await.json();
        format!("/notebooks/lab/entries/{}", page["items"][0]["id"].as_str().unwrap())
    }

    async fn file_is(&self, path: &str, expect: &str) {
        self.bytes_are(path, expect.as_bytes()).await;
    }

    async fn bytes_are(&self, path: &str, expect: &[u8]) {
        for _ in 0..400 {
            if std::fs::read(self.root.join(path)).is_ok_and(|bytes| bytes == expect) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} holds {:?}", std::fs::read(self.root.join(path)));
    }
}

/// losses.md L30
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_save_is_merged_and_a_save_without_base_refused() {
    let world = World::with(&[("a.md", b"one\ntwo\n")]).await;
    let content = format!("{}/content", world.address("a.md").await);
    let first = world.get(&content).await;
    let base = [("if-match", first.etag())];
    let saved = world.send("PUT", &content, &base, "zero\none\ntwo\n").await;
    assert_eq!((saved.status, saved.text()), (StatusCode::OK, "zero\none\ntwo\n"));
    let merged = world.send("PUT", &content, &base, "one\ntwo\nthree\n").await;
    assert_eq!(merged.text(), "zero\none\ntwo\nthree\n");
    assert_eq!(world.get(&content).await.etag(), merged.etag());
    world.file_is("a.md", "zero\none\ntwo\nthree\n").await;

    assert_eq!(world.send("PUT", &content, &[], "x").await.refused(), (428, "base_needed".into()));
    let nonsense = world.send("PUT", &content, &[("if-match", "\"zz\"")], "x").await;
    assert_eq!(nonsense.refused(), (400, "bad_version".into()));
    let known = world.send("GET", &content, &[("if-none-match", merged.etag())], "").await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
}

/// losses.md L42
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_attachment_is_refused_and_ranges_are_exact() {
    let old = [0_u8, 1, 2, 3, 4, 5, 6, 7];
    let world = World::with(&[("a.png", &old)]).await;
    let content = format!("{}/content", world.address("a.png").await);
    let first = world.get(&content).await;
    assert_eq!(first.body, old);
    let part = world.send("GET", &content, &[("range", "bytes=2-3")], "").await;
    assert_eq!((part.status, part.body.as_slice()), (StatusCode::PARTIAL_CONTENT, &[2_u8, 3][..]));
    assert_eq!(part.headers["content-range"], "bytes 2-3/8");
    let beyond = world.send("GET", &content, &[("range", "bytes=8-")], "").await;
    assert_eq!(
        (beyond.status.as_u16(), beyond.headers["content-range"].to_str().unwrap()),
        (416, "bytes */8")
    );

    let new = vec![0_u8; 2 << 20];
    let base = [("if-match", first.etag())];
    let saved = world.send_bytes("PUT", &content, &base, new.clone()).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let stale = world.send_bytes("PUT", &content, &base, vec![0, 9]).await;
    assert_eq!(stale.refused(), (412, "outdated".into()));
    assert_eq!(world.get(&content).await.body, new);
}

#[tokio::test(flavor = "multi_thread")]
async fn properties_never_touch_other_keys_or_the_body() {
    let source = "---\r\n# mine\r\nstatus: 'open'  # kept\r\ntags: [a, b]\r\n---\r\nBody\r\n";
    let world = World::with(&[("a.md", source.as_bytes()), ("p.png", &[0, 1])]).await;
    let note = world.address("a.md").await;
    let change = json!({"properties": {"due": "2026-03-01"}, "remove_properties": ["tags"]}).to_string();
    let changed = world.send("PATCH", &note, &[], &change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert_eq!(changed.json()["properties"], json!({"status": "open", "due": "2026-03-01"}));
    let text = world.get(&format!("{note}/content")).await;
    assert!(text.text().contains("# mine\r\nstatus: 'open'  # kept\r\n"), "{:?}", text.text());
    assert!(text.text().ends_with("---\r\nBody\r\n") && !text.text().contains("tags"), "{:?}", text.text());

    let image = world.address("p.png").await;
    let change = json!({"properties": {"caption": "c"}, "path": "img/q.png"}).to_string();
    let moved = world.send("PATCH", &image, &[], &change).await.json();
    assert_eq!(
        (moved["path"].as_str(), moved["properties"]["caption"].as_str()),
        (Some("img/q.png"), Some("c"))
    );
    world.file_is("img/.q.png.json", "{\n  \"caption\": \"c\"\n}\n").await;
    assert!(!world.root.join(".p.png.json").exists());
    let level = world.get("/notebooks/lab/entries").await.json();
    let names: Vec<_> = level["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, [json!("img"), json!("a.md")], "sidecars are not listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folders_properties_are_set_in_its_metadata_file() {
    let world = World::with(&[
        ("box/.metadata", b"---\ntitle: Box\n---\n"),
        ("box/a.md", b"a\n"),
        ("new/b.md", b"b\n"),
    ])
    .await;
    for (folder, expect) in
        [("box", "---\ntitle: Box\nview_mode: grid\n---\n"), ("new", "---\nview_mode: grid\n---\n")]
    {
        let address = world.address(folder).await;
        let change = json!({"properties": {"view_mode": "grid"}}).to_string();
        let changed = world.send("PATCH", &address, &[], &change).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        assert_eq!(changed.json()["properties"]["view_mode"], "grid");
        world.file_is(&format!("{folder}/.metadata"), expect).await;
        let change = json!({"properties": {"view_mode": "list"}}).to_string();
        let changed = world.send("PATCH", &address, &[], &change).await.json();
        assert_eq!(changed["properties"]["view_mode"], "list");
    }
}

/// losses.md L13
#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_comes_back_as_a_new_version() {
    let world = World::with(&[("a.md", b"first\n")]).await;
    let note = world.address("a.md").await;
    assert_eq!(world.send("DELETE", &note, &[], "").await.status, StatusCode::OK);
    assert_eq!(world.get(&note).await.refused(), (404, "not_found".into()));
    let was = world.get("/notebooks/lab/entries?path=a.md&deleted=true").await.json();
    assert!(note.ends_with(was["items"][0]["id"].as_str().unwrap()));
    let history = world.get(&format!("{note}/history")).await.json();
    assert_eq!(history["items"].as_array().unwrap().len(), 2);
    let old = world.get(&format!("{note}/versions/birth/content")).await;
    assert_eq!(old.text(), "first\n");
    let restored =
        world.send("POST", &format!("{note}/restore"), &[], "{\"version\":\"birth\"}").await.json();
    assert_eq!(restored["path"], "a.md");
    assert_ne!(restored["version"], "birth");
    world.file_is("a.md", "first\n").await;
}

/// losses.md L13
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_folder_is_listed_and_comes_back_whole() {
    let world = World::with(&[("old/a.md", b"a\n"), ("old/b.md", b"b\n")]).await;
    let folder = world.address("old").await;
    let restore = format!("{folder}/restore");
    assert_eq!(world.send("POST", &restore, &[], "{}").await.refused().0, 400, "it is not deleted");
    assert_eq!(world.send("DELETE", &folder, &[], "").await.status, StatusCode::OK);
    let page = world.get("/notebooks/lab/entries?deleted=true&limit=2").await.json();
    let cursor = page["cursor"].as_str().unwrap();
    let rest =
        world.get(&format!("/notebooks/lab/entries?deleted=true&limit=2&cursor={cursor}")).await.json();
    let items =
        [page["items"].as_array().unwrap().clone(), rest["items"].as_array().unwrap().clone()].concat();
    let paths: std::collections::BTreeSet<_> =
        items.iter().map(|item| item["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["old", "old/a.md", "old/b.md"].into());
    let items = items.iter().find(|item| item["path"] == "old/a.md");
    let file = format!("/notebooks/lab/entries/{}/restore", items.unwrap()["id"].as_str().unwrap());
    assert_eq!(world.send("POST", &file, &[], "{}").await.status, StatusCode::OK);
    world.file_is("old/a.md", "a\n").await;
    // The folder is there again, and has not all that was in it.
    assert_eq!(world.send("POST", &restore, &[], "{}").await.status, StatusCode::OK);
    world.file_is("old/b.md", "b\n").await;
    for again in [&file, &restore] {
        let refused = world.send("POST", again, &[], "{}").await;
        assert_eq!(refused.refused(), (400, "bad_request".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_with_the_sidecars_that_went_with_it() {
    let world = World::with(&[("a.bin", b"\0a"), ("a.bin.json", b"{\"k\": 1}\n"), ("b.md", b"b\n")]).await;
    let address = world.address("a.bin").await;
    assert_eq!(world.send("DELETE", &address, &[], "").await.status, StatusCode::OK);
    let there = async || {
        world.get("/notebooks/lab/entries?path=a.bin.json").await.json()["items"].as_array().unwrap().len()
    };
    assert_eq!(there().await, 0);
    let back = world.send("POST", &format!("{address}/restore"), &[], "{}").await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text());
    world.file_is("a.bin.json", "{\"k\": 1}\n").await;
    assert_eq!(there().await, 1);
}

/// losses.md L43: every version of an image can be fetched and brought back.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_image_is_fetched_and_restored() {
    let versions: Vec<Vec<u8>> = (0..3_u8).map(|n| vec![0, n, 0xff, n]).collect();
    let world = World::with(&[("a.png", &versions[0])]).await;
    let image = world.address("a.png").await;
    let content = format!("{image}/content");
    for bytes in &versions[1..] {
        let now = world.get(&content).await;
        let base = [("if-match", now.etag())];
        let saved = world.send_bytes("PUT", &content, &base, bytes.clone()).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    }
    let history = world.get(&format!("{image}/history")).await.json();
    let listed = history["items"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    for (row, bytes) in listed.iter().rev().zip(&versions) {
        let version = row["version"].as_str().unwrap();
        let old = world.get(&format!("{image}/versions/{version}/content")).await;
        assert_eq!(&old.body, bytes, "version {version}");
    }
    let restored = world.send("POST", &format!("{image}/restore"), &[], "{\"version\":\"birth\"}").await;
    assert_eq!(restored.status, StatusCode::OK, "{}", restored.text());
    assert_eq!(world.get(&content).await.body, versions[0]);
    world.bytes_are("a.png", &versions[0]).await;
    let history = world.get(&format!("{image}/history")).await.json();
    assert_eq!(history["items"].as_array().unwrap().len(), 4, "a restore is a new version");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_in_one_shape_and_changes_nothing() {
    let world = World::with(&[("a.md", b"a\n")]).await;
    let entries = "/notebooks/lab/entries";
    let long = "x".repeat(300);
    let paths = ["../x.md", "/etc/x.md", "a//b.md", "a/../../x.md", "x\0.md", &long, "", "a.md/below.md"];
    for path in paths {
        let refused = world.send("POST", entries, &[], &json!({"path": path}).to_string()).await;
        assert_eq!(refused.refused(), (400, "bad_path".into()), "{path:?}");
    }
    for (method, path, body, expect) in [
        ("POST", entries, "{", (400, "bad_request")),
        ("POST", entries, "{\"path\":\"b.md\",\"colour\":1}", (422, "bad_request")),
        ("POST", entries, "{\"path\":\"b.md\",\"kind\":\"socket\"}", (400, "bad_request")),
        ("GET", "/notebooks/none/entries", "", (404, "not_found")),
        ("GET", "/notebooks/lab/entries/zz", "", (400, "bad_id")),
        ("GET", "/notebooks/lab/files/..%2F..%2Fetc%2Fpasswd", "", (400, "bad_path")),
        ("GET", "/notebooks/lab/files/none.md", "", (404, "not_found")),
        ("POST", "/join", "{\"ticket\":\"hello\"}", (400, "bad_ticket")),
        ("POST", "/notebooks", "{\"path\":\"relative\"}", (400, "bad_path")),
        ("GET", "/nowhere", "", (404, "not_found")),
        ("PUT", "/status", "", (405, "method_not_allowed")),
    ] {
        let (status, code) = world.send(method, path, &[], body).await.refused();
        assert_eq!((status, code.as_str()), expect, "{method} {path} {body}");
    }
    let level = world.get(entries).await.json();
    assert_eq!(level["items"].as_array().unwrap().len(), 1);
    let entry = format!("{entries}/{}", level["items"][0]["id"].as_str().unwrap());
    for to in ["../evil", "x/./y", "x//y", "/etc/evil"] {
        let refused = world.send("PATCH", &entry, &[], &json!({"path": to}).to_string()).await;
        let error = &refused.json()["error"];
        assert_eq!((error["code"].as_str(), error["details"]["path"].as_str()), (Some("bad_path"), Some(to)));
        assert!(error["message"].as_str().unwrap().contains(&format!("`{to}`")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_makes_entries_in_their_folders() {
    let world = World::with(&[]).await;
    let body = "--B\r\nContent-Disposition: form-data; name=\"folder\"\r\n\r\nraw\r\n\
        --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"deep/a.txt\"\r\n\r\nhello\r\n\
        --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"b.bin\"\r\n\r\n\0\u{1}\r\n--B--\r\n";
    let kind = [("content-type", "multipart/form-data; boundary=B")];
    let made = world.send("POST", "/notebooks/lab/entries/upload", &kind, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    let shown: Vec<_> =
        made["items"].as_array().unwrap().iter().map(|e| (e["path"].clone(), e["kind"].clone())).collect();
    assert_eq!(shown, [(json!("raw/deep/a.txt"), json!("text")), (json!("raw/b.bin"), json!("blob"))]);
    world.file_is("raw/deep/a.txt", "hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_downloaded_taken_in_and_leaves_nothing_behind() {
    let world = World::with(&[("a.md", b"a\n"), ("p.png", &[0, 1])]).await;
    let bundle = world.get("/notebooks/lab/bundle").await;
    assert_eq!(bundle.status, StatusCode::OK, "{}", bundle.text());
    let taken = world.send_bytes("POST", "/bundles/upload", &[], bundle.body.clone()).await.json();
    assert_eq!((taken["new_records"].as_u64(), taken["name"].as_str()), (Some(0), Some("lab")));
    let bad =
        world.send_bytes("POST", "/bundles/upload", &[], bundle.body[..bundle.body.len() - 1].to_vec()).await;
    assert_eq!(bad.refused().0, 422);
    let left = std::fs::read_dir(world.daemon.home().tmp_dir()).unwrap().count();
    assert_eq!(left, 0, "what was sent and made is gone");
    let held = world.get(&format!("{}/holders", world.address("p.png").await)).await.json();
    assert_eq!(
        (held["items"][0]["holds"].as_bool(), held["items"][0]["this_device"].as_bool()),
        (Some(true), Some(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn by_path_a_script_creates_reads_and_saves() {
    let world = World::with(&[]).await;
    let file = "/notebooks/lab/files/d/a%20b.csv";
    let made = world.send("PUT", file, &[("if-none-match", "*")], "k,v\n").await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(
        world.send("PUT", file, &[("if-none-match", "*")], "x").await.refused(),
        (412, "exists".into())
    );
    let there = world.get(file).await;
    assert_eq!(there.text(), "k,v\n");
    let saved = world.send("PUT", file, &[("if-match", there.etag())], "k,v\n1,2\n").await;
    assert_eq!(saved.text(), "k,v\n1,2\n");
    world.file_is("d/a b.csv", "k,v\n1,2\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_written_is_found() {
    let world = World::with(&[("b.md", b"see [[target]]\n")]).await;
    let new = json!({"path": "target.md", "content": "absorbance\n", "properties": {"tags": ["t"], "n": 3}});
    let made = world.send("POST", "/notebooks/lab/entries", &[], &new.to_string()).await.json();
    let found = world.get("/search?q=absorb").await.json();
    assert_eq!(found["items"][0]["entry"], made["id"]);
    let asked = world.send("POST", "/query", &[], "{\"tags\":[\"t\"],\"properties\":{\"n\":3}}").await.json();
    assert_eq!((&asked["total"], &asked["files"][0]["path"]), (&json!(1), &json!("target.md")));
    let address = format!("/notebooks/lab/entries/{}/backlinks", made["id"].as_str().unwrap());
    assert_eq!(world.get(&address).await.json()["items"][0]["path"], "b.md");
    assert_eq!(world.get("/tags").await.json()["items"][0], json!({"tag": "t", "count": 1}));
}
