//! Templates, daily notes, snippets.

use std::collections::BTreeSet;

use super::*;

const OWN: &str = "---\ntype: template\nname: Gel\ndescription: A gel\ndefault_name: \"gels/{yyyy} {title}.md\"\n---\n---\ntitle: \"{title}\"\ntype: gel\n---\n# {title}\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_made_of_a_template_built_in_or_the_notebooks_own() {
    let folded = "---\ntype: template\nname: Short\ntemplate_content: |\n  # {title}\n---\n";
    let world = World::with(&[
        (".templates/gel.md", OWN.as_bytes()),
        (".templates/short.md", folded.as_bytes()),
        (".templates/none.md", b"# no template\n"),
    ])
    .await;
    let all = world.get("/templates").await.json();
    let ids = |all: &Value| -> Vec<String> {
        all["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&all).len(), ids(&all).iter().collect::<BTreeSet<_>>().len(), "each id once");
    let board = all["items"].as_array().unwrap().iter().find(|one| one["id"] == "dashboard").unwrap();
    assert_eq!((&board["plugin"], &board["notebook"]), (&json!("core"), &Value::Null));
    for id in ["blank-note", "daily-journal", "manila-note", "weekly-rollup", "todo-item"] {
        assert!(ids(&all).iter().any(|one| one == id), "{id}");
    }
    let own = world.get("/templates?notebook=lab").await.json();
    assert_eq!(ids(&own)[..2], ["gel", "short"], "a notebook's own come first");
    let new = json!({"path": "", "template": "gel", "title": "PCR: \"1\"", "properties": {"voltage": 90}});
    let made = world.send("POST", "/notebooks/lab/entries", &[], &new.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    let path = made["path"].as_str().unwrap();
    assert!(path.starts_with("gels/2") && path.ends_with(" PCR- -1-.md"), "{path}");
    assert_eq!((&made["title"], &made["properties"]["voltage"]), (&json!("PCR: \"1\""), &json!(90)));
    let new = json!({"path": "notes/board", "template": "task-board"}).to_string();
    let made = world.send("POST", "/notebooks/lab/entries", &[], &new).await.json();
    assert_eq!((&made["path"], &made["title"]), (&json!("notes/board.cdx"), &json!("board")));
    let new = json!({"path": "s.md", "template": "short"}).to_string();
    world.send("POST", "/notebooks/lab/entries", &[], &new).await;
    world.file_is("s.md", "# s\n").await;
    for (body, expect) in [
        (json!({"path": "x.md", "template": "nope"}), (400, "bad_request")),
        (json!({"path": "x.md", "template": "gel", "content": "y"}), (400, "bad_request")),
        (json!({"path": "../x.md", "template": "gel"}), (400, "bad_path")),
    ] {
        let refused = world.send("POST", "/notebooks/lab/entries", &[], &body.to_string()).await.refused();
        assert_eq!((refused.0, refused.1.as_str()), expect, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_one_note() {
    let world = World::with(&[]).await;
    let day = "{\"date\":\"2026-02-09\"}";
    let made = world.send("POST", "/notebooks/lab/daily", &[], day).await;
    assert_eq!((made.status, &made.json()["path"]), (StatusCode::CREATED, &json!("Daily/2026-02-09.md")));
    assert!(made.json()["tags"] == json!(["daily"]) && made.json()["title"] == "2026-02-09");
    let again = world.send("POST", "/notebooks/lab/daily", &[], day).await;
    assert_eq!((again.status, &again.json()["id"]), (StatusCode::OK, &made.json()["id"]));
    let today = world.send("POST", "/notebooks/lab/daily", &[], "{}").await;
    assert_eq!(today.status, StatusCode::CREATED);
    assert_eq!(
        world.send("POST", "/notebooks/lab/daily", &[], "{\"date\":\"x\"}").await.refused(),
        (400, "bad_request".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snippet_is_a_note_with_its_frontmatter() {
    let world = World::with(&[]).await;
    let body = json!({"workspace": "w", "notebook": "lab", "content": "Freezer 2 is at -71", "title": "Freezer: 2nd",
        "folder": "log", "tags": ["a", "b"], "file_type": "remark", "properties": {"room": 12}});
    let made = world.send("POST", "/snippets", &[], &body.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    let path = made["path"].as_str().unwrap();
    assert!(
        path.starts_with("log/20")
            && path.ends_with("-freezer-2nd.md")
            && path.len() == "log/2026-02-09-freezer-2nd.md".len()
    );
    let said = &made["properties"];
    assert_eq!(
        (&said["title"], &said["type"], &said["room"]),
        (&json!("Freezer: 2nd"), &json!("remark"), &json!(12))
    );
    assert_eq!(made["tags"], json!(["a", "b"]));
    let text = std::fs::read_to_string(world.root.join(path));
    let plain = world.send("POST", "/snippets", &[], "{\"content\":\"x\"}").await.json();
    let path = plain["path"].as_str().unwrap();
    assert!(path.ends_with("-snippet.md") && path.len() == "2026-02-09-101112-snippet.md".len(), "{path}");
    assert!(text.is_err() || text.unwrap().ends_with("---\n\nFreezer 2 is at -71\n"));
    for (body, expect) in [
        (json!({"content": " "}), (400, "bad_request")),
        (json!({"content": "x", "folder": "../up"}), (400, "bad_path")),
        (json!({"content": "x", "filename": "a/../../b"}), (400, "bad_path")),
        (json!({"content": "x", "notebook": "none"}), (404, "not_found")),
    ] {
        let refused = world.send("POST", "/snippets", &[], &body.to_string()).await.refused();
        assert_eq!((refused.0, refused.1.as_str()), expect, "{body}");
    }
}
