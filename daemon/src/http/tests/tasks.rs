//! Tasks: one list of boxes and entries, and a box that is ticked off exactly.

use super::*;

fn titles(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect()
}

const NOTE: &str = "---\ntags: [lab]\n---\n# Day\r\n\n- [ ] boil 🧪 due:2001-02-03 @Ada\r\n  - [ ] cool\n- [x] weigh #wet\n```\n- [ ] no task\n```\n";

#[tokio::test(flavor = "multi_thread")]
async fn boxes_and_task_entries_are_one_list() {
    let entry =
        b"---\ntype: task\nstatus: todo\ndue_date: 2999-01-01\nassignee: Bob\ntitle: Order agar\n---\n";
    let world = World::with(&[("d/note.md", NOTE.as_bytes()), ("order.md", entry)]).await;
    let page = world.get("/tasks").await.json();
    assert_eq!(
        titles(&page),
        ["boil 🧪", "Order agar", "cool"],
        "what is due first, then what is due at no time"
    );
    let boil = &page["items"][0];
    assert_eq!(
        (&boil["line"], &boil["due"], &boil["assignee"]),
        (&json!(6), &json!("2001-02-03"), &json!("Ada"))
    );
    assert_eq!(
        (&boil["overdue"], &boil["path"], &boil["tags"]),
        (&json!(true), &json!("d/note.md"), &json!(["lab"]))
    );
    assert_eq!((&page["items"][1]["kind"], &page["total"]), (&json!("entry"), &json!(3)));
    for (query, expect) in [
        ("status=done", &["weigh #wet"][..]),
        ("assignee=ada", &["boil 🧪"]),
        ("assignee=none", &["cool"]),
        ("due=overdue", &["boil 🧪"]),
        ("due=none&status=all", &["cool", "weigh #wet"]),
        ("due=%3E2500-01-01", &["Order agar"]),
        ("tag=wet&status=all", &["weigh #wet"]),
        ("path=d", &["boil 🧪", "cool"]),
        ("q=AGAR", &["Order agar"]),
        ("limit=1", &["boil 🧪"]),
        ("limit=1&cursor=2", &["cool"]),
    ] {
        assert_eq!(titles(&world.get(&format!("/tasks?{query}")).await.json()), expect, "{query}");
    }
    let done = world.get("/tasks?status=done").await.json();
    assert!(done["items"][0]["done_by"].is_null(), "it came ticked, and nobody was seen to do it: {done}");
    for bad in ["status=x", "due=soon"] {
        assert_eq!(world.get(&format!("/tasks?{bad}")).await.refused(), (400, "bad_request".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_is_ticked_exactly_also_when_the_text_has_moved_on() {
    let world = World::with(&[("note.md", NOTE.as_bytes())]).await;
    let page = world.get("/tasks").await.json();
    let boil = format!("/tasks/{}", page["items"][0]["id"].as_str().unwrap());
    let note = world.address("note.md").await;
    let base = world.get(&format!("{note}/content")).await;
    let more = NOTE.replace("# Day", "# A long day").replace("cool", "cool down");
    world.send("PUT", &format!("{note}/content"), &[("if-match", base.etag())], &more).await;
    let ticked = world.send("PATCH", &boil, &[], "{\"done\":true}").await;
    assert_eq!(ticked.status, StatusCode::OK, "{}", ticked.text());
    let ticked = ticked.json();
    assert_eq!(
        (&ticked["done"], &ticked["title"], &ticked["line"]),
        (&json!(true), &json!("boil 🧪"), &json!(6))
    );
    assert!(ticked["done_by"].is_string());
    let expect = more.replace("- [ ] boil", "- [x] boil");
    world.file_is("note.md", &expect).await;
    let again = world.send("PATCH", &boil, &[], "{\"done\":true}").await;
    assert_eq!(again.status, StatusCode::OK, "ticking twice is ticking once");
    world.file_is("note.md", &expect).await;
    let back = world
        .send("PATCH", &format!("/tasks/{}", ticked["id"].as_str().unwrap()), &[], "{\"done\":false}")
        .await;
    assert_eq!(back.json()["done"], false);
    world.file_is("note.md", &more).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_another_task_now_is_not_ticked() {
    let world = World::with(&[("note.md", b"- [ ] one\n- [ ] two\n- [ ] three\n")]).await;
    let page = world.get("/tasks").await.json();
    let id = |at: usize| format!("/tasks/{}", page["items"][at]["id"].as_str().unwrap());
    let note = world.address("note.md").await;
    let base = world.get(&format!("{note}/content")).await;
    let now = "- [ ] one more\n- [ ] three\n";
    world.send("PUT", &format!("{note}/content"), &[("if-match", base.etag())], now).await;
    let changed = world.send("PATCH", &id(0), &[], "{\"done\":true}").await;
    assert_eq!(changed.refused(), (409, "task_changed".into()));
    let there = changed.json()["error"]["details"]["there"].clone();
    assert_eq!(
        (&there["text"], &there["line"], &there["done"]),
        (&json!("one more"), &json!(1), &json!(false))
    );
    let gone = world.send("PATCH", &id(1), &[], "{\"done\":true}").await;
    assert_eq!(gone.refused(), (409, "task_changed".into()));
    assert_eq!(gone.json()["error"]["details"]["there"], Value::Null);
    let third = world.send("PATCH", &id(2), &[], "{\"done\":true}").await;
    assert_eq!(third.status, StatusCode::OK, "{}", third.text());
    world.file_is("note.md", "- [ ] one more\n- [x] three\n").await;
    let named = world
        .send("PATCH", &format!("/tasks/{}", there["id"].as_str().unwrap()), &[], "{\"done\":true}")
        .await;
    assert_eq!(named.json()["done"], true, "what is there can be ticked by its own id");
    assert_eq!(
        world.send("PATCH", "/tasks/x", &[], "{\"done\":true}").await.refused(),
        (400, "bad_request".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_a_task_gets_its_status() {
    let world = World::with(&[("t.md", b"---\ntype: task # mine\nstatus: todo\n---\nBody\n")]).await;
    let page = world.get("/tasks").await.json();
    let id = format!("/tasks/{}", page["items"][0]["id"].as_str().unwrap());
    let done = world.send("PATCH", &id, &[], "{\"done\":true}").await.json();
    assert_eq!((&done["done"], &done["kind"]), (&json!(true), &json!("entry")), "{done}");
    assert!(done["done_by"].is_string(), "{done}");
    world.file_is("t.md", "---\ntype: task # mine\nstatus: done\n---\nBody\n").await;
    world.send("PATCH", &id, &[], "{\"done\":false}").await;
    world.file_is("t.md", "---\ntype: task # mine\nstatus: todo\n---\nBody\n").await;
}
