//! Plugins at the door: what they may do, and what of them the page is given.

use super::*;
use crate::http::plugins::calls::MOST;

const MANIFEST: &str = "id: probe\nname: Probe\nversion: 1.0.0\ntype: view\n\
permissions:\n  - read_files: { paths: ['tasks/**'] }\n  - modify_metadata: { paths: ['tasks/**'] }\n  - write_files: { paths: ['in/**'] }\n  - store_config\n\
views:\n  - { id: probe, name: Probe, script: probe.js }\n\
importers:\n  - { id: lines, name: Lines, script: lines.js, extensions: [.txt] }\nexporters:\n  - { id: list, name: List, script: list.js }\ntransformers:\n  - { id: shout, name: Shout, script: shout.js }\n  - { id: number, name: Number, script: number.js }\n";
const SHOUT: &str = "codex.transformer(({ text }) => ({ text: text.replace(/[A-Z]$/m, '$&!') }));";
const NUMBER: &str = "codex.transformer(({ properties }) => ({ properties: { status: 'done', n: (properties.n ?? 0) + 1, gone: null } }));";
const LIST: &str = "codex.exporter((entries) => [{ name: 'list.txt', text: entries.map(({ path, text }) => `${path}: ${text}`).join() }]);";
const LINES: &str = "codex.importer((file) => file.text.split('\\n').filter(Boolean).map((text, at) => ({ path: `${file.stem}/${at}.md`, text, properties: { n: at } })));";

/// A notebook with a plugin that is on.
async fn world() -> World {
    world_of(&[
        ("tasks/a.md", b"---\nstatus: todo\n---\nA\n"),
        ("tasks/b.md", b"---\nstatus: todo\n---\nB\n"),
        ("notes/c.md", b"---\nstatus: todo\nhidden: 1\n---\nC\n"),
    ])
    .await
}

async fn world_of(files: &[(&str, &[u8])]) -> World {
    let world = World::with(files).await;
    let folder = world.root.with_file_name("probe");
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in [
        ("manifest.yml", MANIFEST),
        ("probe.js", "1 // </script><img>"),
        ("lines.js", LINES),
        ("list.js", LIST),
        ("shout.js", SHOUT),
        ("number.js", NUMBER),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let added = world.send("POST", "/plugins", &[], &json!({"path": folder}).to_string()).await;
    assert_eq!((added.status, &added.json()["state"]), (StatusCode::CREATED, &json!("off")));
    assert_eq!(
        world.call(json!({"call": "query", "query": {}})).await.refused(),
        (409, "plugin_not_on".into())
    );
    let on = json!({"enabled": true, "hash": added.json()["hash"]});
    let on = world.send("PUT", "/plugins/probe", &[], &on.to_string()).await;
    assert_eq!(on.json()["state"], json!("on"), "{}", on.text());
    world
}

impl World {
    async fn call(&self, mut call: Value) -> Answer {
        call["notebook"] = json!("lab");
        self.send("POST", "/plugins/probe/calls", &[], &call.to_string()).await
    }

    /// Another notebook.
    async fn notebook(&self, name: &str) -> String {
        let body = json!({"path": self.root.with_file_name(name)}).to_string();
        let added = self.send("POST", "/notebooks", &[], &body).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        added.json()["id"].as_str().unwrap().to_owned()
    }

    async fn id(&self, path: &str) -> String {
        self.address(path).await.rsplit('/').next().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_sees_and_changes_what_lies_in_its_paths() {
    let world = world().await;
    let all = world.call(json!({"call": "query", "query": {"sort": "path asc"}})).await.json();
    let paths: Vec<&str> =
        all["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!((paths.as_slice(), &all["total"]), (["tasks/a.md", "tasks/b.md"].as_slice(), &json!(2)));
    let page = world
        .call(json!({"call": "query", "query": {"sort": "path asc", "limit": 1, "offset": 1}}))
        .await
        .json();
    assert_eq!((&page["files"][0]["path"], &page["total"]), (&json!("tasks/b.md"), &json!(2)));
    let groups =
        world.call(json!({"call": "query", "query": {"group_by": "properties.status"}})).await.json();
    assert_eq!(groups["groups"]["todo"].as_array().unwrap().len(), 2);
    // Whether a property is there is not told by what is said of it.
    for key in ["hidden", "missing"] {
        let sorted = world.call(json!({"call": "query", "query": {"sort": key}})).await.json();
        assert!(sorted["warnings"][0].as_str().unwrap().contains(&format!("sorted by `{key}`")), "{sorted}");
    }

    let (inside, outside) = (world.id("tasks/a.md").await, world.id("notes/c.md").await);
    let set = world.call(json!({"call": "set", "entry": inside, "properties": {"status": "done"}})).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text());
    world.file_is("tasks/a.md", "---\nstatus: done\n---\nA\n").await;
    for call in [
        json!({"call": "set", "entry": outside, "properties": {"status": "done"}}),
        json!({"call": "text", "entry": outside}),
        json!({"call": "create", "path": "tasks/new.md", "text": "x"}),
        json!({"call": "write", "entry": inside, "text": "x", "version": "birth"}),
    ] {
        assert_eq!(world.call(call.clone()).await.refused(), (403, "not_permitted".into()), "{call}");
    }
    let picture = world.get(&format!("/plugins/probe/picture?notebook=lab&entry={outside}")).await;
    assert_eq!(picture.refused(), (403, "not_permitted".into()));
    let listed = world.get("/plugins").await.json();
    let row = listed["plugins"].as_array().unwrap().iter().find(|row| row["id"] == "probe").unwrap().clone();
    assert_eq!((row["refused"].as_u64(), row["refusals"][0]["call"].as_str()), (Some(6), Some("picture")));
    world.file_is("notes/c.md", "---\nstatus: todo\nhidden: 1\n---\nC\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_has_nothing_but_what_is_written_into_it() {
    let world = world().await;
    let frame = world.get("/plugins/probe/frame?view=probe&notebook=lab").await;
    let policy = frame.headers["content-security-policy"].to_str().unwrap();
    for part in
        ["sandbox allow-scripts;", "default-src 'none'", "connect-src 'none'", "frame-ancestors 'self'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("allow-same-origin") && !policy.contains("http"));
    // By hashes: what a nonce lets through may import from anywhere.
    assert!(!policy.contains("nonce") && policy.matches("'sha256-").count() == 3, "{policy}");
    assert!(!frame.text().contains("</script><img>"), "no text ends its element");
    let off = world.send("PUT", "/plugins/probe", &[], &json!({"enabled": false}).to_string()).await;
    assert_eq!(off.json()["state"], json!("off"));
    assert_eq!(world.get("/plugins/probe/frame?view=probe").await.refused(), (409, "plugin_not_on".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_once_it_was_looked_at() {
    let world = world().await;
    let address = "/plugins/probe/importers/lines?notebook=lab&name=run.txt&folder=in";
    let send = |address: String| world.send_bytes_to(address);
    let preview = send(format!("{address}&preview=true")).await.json();
    assert_eq!((preview["entries"].as_array().unwrap().len(), &preview["made"]), (2, &json!([])));
    let made = send(address.to_owned()).await.json();
    assert_eq!(made["made"].as_array().unwrap().len(), 2);
    world.file_is("in/run/1.md", "---\nn: 1\n---\ntwo").await;
    let again = send(address.to_owned()).await.json();
    assert_eq!(again["made"].as_array().unwrap().len(), 2);
    world.file_is("in/run/1.md", "---\nn: 1\n---\ntwo").await;
    world.file_is("in/run/1-1.md", "---\nn: 1\n---\ntwo").await;

    // It makes entries where it may, and is counted.
    let outside = send(address.replace("folder=in", "folder=out")).await;
    assert_eq!(outside.refused(), (403, "not_permitted".into()));
    assert!(outside.text().contains("`out/run/0.md` is outside of in/**"), "{}", outside.text());
    let listed = world.get("/plugins").await.json();
    let row = listed["plugins"].as_array().unwrap().iter().find(|row| row["id"] == "probe").unwrap().clone();
    assert_eq!((&row["calls"], &row["refusals"][0]["call"]), (&json!(4), &json!("importer lines")));
    let without = json!({"permissions": ["read_files", "modify_metadata"]});
    world.send("PUT", "/plugins/probe", &[], &without.to_string()).await;
    assert_eq!(send(address.to_owned()).await.refused(), (403, "not_permitted".into()));
    assert!(!world.root.join("out").exists() && !world.root.join("in/run/1-2.md").exists());
}

impl World {
    async fn send_bytes_to(&self, address: String) -> Answer {
        let kind = [("content-type", "application/octet-stream")];
        self.send_bytes("POST", &address, &kind, b"one\ntwo\n".to_vec()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_says_what_is_wrong_with_it_and_a_theme_is_chosen() {
    let world = world().await;
    let text = "---\ntype: view\nview_type: probe\nconfig:\n  nothing: 1\n---\n";
    let said = world.send("POST", "/views/check", &[], &json!({"text": text}).to_string()).await.json();
    assert_eq!((&said["plugin"], &said["warnings"][0]["line"]), (&json!("probe"), &json!(5)));
    let none = world.send("PUT", "/appearance", &[], &json!({"theme": "probe"}).to_string()).await;
    assert_eq!(none.refused(), (404, "not_found".into()));
    let theme = json!({"theme": "obsidian"});
    let chosen = world.send("PUT", "/appearance", &[], &theme.to_string()).await;
    assert_eq!(chosen.json()["theme"], json!("obsidian"), "{}", chosen.text());
    let css = world.get("/plugins/obsidian/theme.css").await;
    assert_eq!(css.headers["content-type"], "text/css; charset=utf-8");
    assert!(css.text().contains("--color-") && !css.text().contains("url("));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_reaches_only_notebooks_where_the_plugin_is_on() {
    let world = world().await;
    let folder = world.root.with_file_name("other");
    std::fs::create_dir_all(folder.join("tasks")).unwrap();
    std::fs::write(folder.join("tasks/secret.md"), "secret\n").unwrap();
    let other = world.notebook("other").await;
    let mine = world.daemon.find("lab").unwrap().id.to_string();
    let query = |notebooks: &[&str]| json!({"call": "query", "query": {"notebook_ids": notebooks}});
    assert_eq!(world.call(query(&[&mine, &other])).await.status, StatusCode::OK);
    let off = json!({"notebook": other, "enabled": false}).to_string();
    assert_eq!(world.send("PUT", "/plugins/probe", &[], &off).await.status, StatusCode::OK);
    for asked in [query(&[&other]), query(&[&mine, &other])] {
        assert_eq!(world.call(asked).await.refused(), (409, "plugin_not_on".into()));
    }
    assert_eq!(world.call(query(&[&mine])).await.status, StatusCode::OK);
    // A notebook that is named again and again is looked at once.
    let calls = async || {
        let all = world.get("/plugins").await.json();
        let probe = all["plugins"].as_array().unwrap().iter().find(|one| one["id"] == json!("probe"));
        probe.unwrap()["calls"].as_u64().unwrap()
    };
    let before = calls().await;
    assert_eq!(world.call(query(&vec![mine.as_str(); 50_000])).await.status, StatusCode::OK);
    assert_eq!(calls().await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_that_somebody_gave_a_notebook_takes_the_place_of_no_other() {
    let world = world().await;
    let mine = world.daemon.find("lab").unwrap().id;
    for number in 0..4 {
        let theirs = world.notebook(&format!("theirs-{number}")).await;
        let body = json!({"name": "lab"}).to_string();
        let named = world.send("PATCH", &format!("/notebooks/{theirs}"), &[], &body).await;
        assert_eq!(named.status, StatusCode::OK, "{}", named.text());
        assert_eq!(world.daemon.find("lab").unwrap().id, mine, "a slug comes before a name");
        let query = json!({"call": "query", "query": {"notebook_ids": [theirs]}});
        assert_eq!(world.call(query).await.status, StatusCode::OK);
    }
    let name = json!({"name": "twice"}).to_string();
    for number in 0..2 {
        world.send("PATCH", &format!("/notebooks/theirs-{number}"), &[], &name).await;
    }
    let several = world.get("/notebooks/twice").await;
    assert!(several.text().contains("say which: `theirs-"), "{}", several.text());
    assert_eq!(several.refused(), (409, "ambiguous".into()));

    // A permission is for a notebook by what it is called here.
    let folder = world.root.with_file_name("narrow");
    std::fs::create_dir(&folder).unwrap();
    let manifest = "id: narrow\nname: Narrow\nversion: 1.0.0\ntype: view\npermissions:\n  - read_files: { notebooks: [lab] }\n";
    std::fs::write(folder.join("manifest.yml"), manifest).unwrap();
    let added = world.send("POST", "/plugins", &[], &json!({"path": folder}).to_string()).await.json();
    let on = json!({"enabled": true, "hash": added["hash"]}).to_string();
    world.send("PUT", "/plugins/narrow", &[], &on).await;
    for (notebook, status) in [("lab", 200), ("theirs-3", 403)] {
        let body = json!({"notebook": notebook, "call": "query", "query": {}}).to_string();
        let answer = world.send("POST", "/plugins/narrow/calls", &[], &body).await;
        assert_eq!(answer.status.as_u16(), status, "{notebook}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_to_start_from_is_offered_while_its_plugin_is_on() {
    let world = world().await;
    let said = world.get("/views/examples?notebook=lab").await.json();
    let of = |plugin: &str, said: &Value| -> Vec<Value> {
        let all = said["examples"].as_array().unwrap();
        all.iter().filter(|one| one["plugin"] == json!(plugin)).cloned().collect()
    };
    let boards = of("tasks", &said);
    let names: Vec<&str> = boards.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Board", "Task list"]);
    assert!(boards[0]["text"].as_str().unwrap().contains("view_type: kanban"));

    let off = json!({"enabled": false, "notebook": "lab"});
    world.send("PUT", "/plugins/tasks", &[], &off.to_string()).await;
    assert_eq!(of("tasks", &world.get("/views/examples?notebook=lab").await.json()), Vec::<Value>::new());
    assert_eq!(of("tasks", &world.get("/views/examples").await.json()).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_is_given_what_its_plugin_may_read() {
    let world = world().await;
    let export = async |exporter: &str, query: Value| {
        let body = json!({"notebook": "lab", "query": query}).to_string();
        world.send("POST", &format!("/plugins/probe/exporters/{exporter}"), &[], &body).await
    };
    let all = export("list", json!({"sort": "path asc"})).await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.text());
    let text = "tasks/a.md: ---\nstatus: todo\n---\nA\n,tasks/b.md: ---\nstatus: todo\n---\nB\n";
    assert_eq!(all.json(), json!({"files": [{"name": "list.txt", "text": text}], "entries": 2}));
    let one = export("list", json!({"paths": ["tasks/b.md", "notes/**"]})).await.json();
    assert_eq!(one["entries"], json!(1));
    assert_eq!(export("lines", json!({})).await.status, StatusCode::NOT_FOUND);
    world.send("PUT", "/plugins/probe", &[], &json!({"enabled": true, "hash": world.get("/plugins").await.json()["plugins"].as_array().unwrap().iter().find(|one| one["id"] == json!("probe")).unwrap()["hash"], "permissions": ["write_files"]}).to_string()).await;
    assert_eq!(export("list", json!({})).await.refused(), (403, "not_permitted".into()));
    world.send("PUT", "/plugins/probe", &[], &json!({"enabled": false}).to_string()).await;
    assert_eq!(export("list", json!({})).await.refused(), (409, "plugin_not_on".into()));
}

/// What lies behind the most of one export is never left out without a word.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_more_than_it_can_have_is_refused() {
    let paths: Vec<String> = (0..=MOST).map(|at| format!("tasks/{}/{at}", at / 1000)).collect();
    let files: Vec<(&str, &[u8])> = paths.iter().map(|path| (path.as_str(), b"x".as_slice())).collect();
    let world = world_of(&files).await;
    let body = json!({"notebook": "lab", "query": {}}).to_string();
    let refused = world.send("POST", "/plugins/probe/exporters/list", &[], &body).await;
    assert_eq!(refused.refused(), (400, "bad_request".into()));
    assert!(refused.text().contains("more than 10000 entries fit"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transformer_changes_what_its_plugin_may_change_after_it_was_looked_at() {
    let world = world().await;
    let transform = async |transformer: &str, entry: &str, more: Value| {
        let mut body = json!({"notebook": "lab", "entry": entry});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world
            .send("POST", &format!("/plugins/probe/transformers/{transformer}"), &[], &body.to_string())
            .await
    };
    let text = async |path: &str| {
        let content = world.get(&format!("{}/content", world.address(path).await)).await;
        content.text().to_owned()
    };
    let (a, c) = (world.id("tasks/a.md").await, world.id("notes/c.md").await);

    let looked_at = transform("number", &a, json!({"preview": true})).await;
    assert_eq!(looked_at.status, StatusCode::OK, "{}", looked_at.text());
    let looked_at = looked_at.json();
    assert_eq!((&looked_at["changed"], &looked_at["text"]), (&json!(true), &Value::Null));
    let differs =
        json!([{"key": "n", "from": null, "to": 1}, {"key": "status", "from": "todo", "to": "done"}]);
    assert_eq!(looked_at["properties"], differs);
    assert_eq!(text("tasks/a.md").await, "---\nstatus: todo\n---\nA\n", "a preview writes nothing");

    let version = json!({"version": looked_at["version"]});
    let done = transform("number", &a, version.clone()).await.json();
    assert_ne!(done["version"], looked_at["version"]);
    let written = text("tasks/a.md").await;
    assert!(
        written.contains("status: done") && written.contains("n: 1") && written.ends_with("---\nA\n"),
        "{written}"
    );
    assert_eq!(transform("number", &a, version).await.refused(), (409, "entry_changed".into()));

    // It may set properties there, and write texts elsewhere; nothing of what it may not is done.
    let refused = transform("shout", &a, json!({})).await;
    assert!(refused.text().contains("`tasks/a.md` is outside of in/**"), "{}", refused.text());
    assert_eq!(refused.refused(), (403, "not_permitted".into()));
    assert_eq!(
        transform("number", &c, json!({"preview": true})).await.refused(),
        (403, "not_permitted".into())
    );
    let given = json!({"permissions": ["read_files", "write_files"]}).to_string();
    world.send("PUT", "/plugins/probe", &[], &given).await;
    let refused = transform("number", &a, json!({})).await;
    assert!(refused.text().contains("modify_metadata"), "{}", refused.text());
    assert_eq!(text("tasks/a.md").await, written);
    assert_eq!(transform("list", &a, json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_made() {
    let world = world().await;
    let create = async |path: &str, text: &str, properties: Value| {
        world.call(json!({"call": "create", "path": path, "text": text, "properties": properties})).await
    };
    for (path, text, properties, code) in [
        ("in/half.md", "---\na: [\n---\n", json!({"n": 1}), "bad_properties"),
        ("in/noext", "text", json!({"n": 1}), "bad_properties"),
        ("in/half.csv", "1,2\n", json!({"": 1}), "bad_request"),
    ] {
        let refused = create(path, text, properties).await;
        assert_eq!(refused.refused().1, code, "{path}: {}", refused.text());
        let there = world.get(&format!("/notebooks/lab/entries?path={path}")).await;
        assert_eq!(there.json()["items"], json!([]), "{path}");
    }
    assert_eq!(create("in/half.md", "---\na: 1\n---\n", json!({"n": 1})).await.status, StatusCode::OK);
    assert_eq!(create("in/noext", "text", json!({})).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_keeps_what_it_likes_for_a_place_while_it_may() {
    let world = world().await;
    let keep = async |place: &str, values: Value| {
        world.call(json!({"call": "keep", "place": place, "values": values})).await
    };
    let kept = async |place: &str| world.call(json!({"call": "kept", "place": place})).await;
    assert_eq!(kept("a.cdx#probe").await.json(), json!({}));
    keep("a.cdx#probe", json!({"order": ["n"], "open": true})).await;
    let now = keep("a.cdx#probe", json!({"open": null, "at": 2})).await;
    assert_eq!(now.json(), json!({"order": ["n"], "at": 2}));
    assert_eq!(kept("a.cdx#probe").await.json(), now.json());
    assert_eq!(kept("b.cdx#probe").await.json(), json!({}), "each place has its own");
    let large = keep("a.cdx#probe", json!({"large": "x".repeat(65 << 10)})).await;
    assert!(large.text().contains("keeps 64 KiB of JSON at most"), "{}", large.text());
    assert_eq!(kept("a.cdx#probe").await.json(), now.json());
    for number in 0..500 {
        keep(&format!("{number}.cdx#probe"), json!({"n": number})).await;
    }
    assert_eq!(kept("a.cdx#probe").await.json(), json!({}), "the oldest of many goes");
    assert_eq!(kept("499.cdx#probe").await.json(), json!({"n": 499}));

    world.send("PUT", "/plugins/probe", &[], &json!({"permissions": ["read_files"]}).to_string()).await;
    assert_eq!(keep("a.cdx#probe", json!({"n": 1})).await.refused(), (403, "not_permitted".into()));
    assert_eq!(kept("499.cdx#probe").await.refused(), (403, "not_permitted".into()));
    world.send("DELETE", "/plugins/probe", &[], "").await;
}
