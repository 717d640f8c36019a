//! The notebook's own properties, and what keys its entries have.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_notebooks_own_properties_are_set_in_metadata_at_its_top() {
    let world = World::with(&[("a.md", b"a\n")]).await;
    assert_eq!(world.get("/notebooks/lab/properties").await.json()["properties"], json!({}));
    let set = |change: Value| {
        let world = &world;
        async move { world.send("PATCH", "/notebooks/lab/properties", &[], &change.to_string()).await }
    };
    let changed = set(json!({"properties": {"view_mode": "grid"}})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert_eq!(changed.json()["properties"], json!({"view_mode": "grid"}));
    world.file_is(".metadata", "---\nview_mode: grid\n---\n").await;
    set(json!({"properties": {"property_types": {"due": "text"}}})).await;
    let changed = set(json!({"remove_properties": ["view_mode"]})).await;
    assert_eq!(changed.json()["properties"], json!({"property_types": {"due": "text"}}));
    world.file_is(".metadata", "---\nproperty_types:\n  due: text\n---\n").await;
    assert_eq!(set(json!({"propertys": {}})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_type_is_learnt_from_use_and_the_notebook_has_the_last_word() {
    let note = |n: usize| {
        let status = ["open", "done"][n % 2];
        format!(
            "---\nstatus: {status}\nph: {n}.5\nok: {}\ndue: 2026-01-{:02}\nat: 2026-01-02 10:0{n}\nby: [A, B]\n\
             see: \"[[a{n}]]\"\nnote: text {n}\ntags: [t]\nmore: {{deep: 1}}\n---\n",
            n > 2,
            n + 1
        )
    };
    let notes: Vec<(String, String)> = (0..6).map(|n| (format!("a{n}.md"), note(n))).collect();
    let mut files: Vec<(&str, &[u8])> =
        notes.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    files.push((
        ".metadata",
        b"---\nproperty_types: {due: text, reader: person, ph: nonsense}\ntitle: own\n---\n",
    ));
    let world = World::with(&files).await;
    let keys = world.get("/notebooks/lab/keys").await.json();
    let rows = keys["items"].as_array().unwrap();
    let row =
        |key: &str| rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}: {keys}"));
    for (key, kind) in [
        ("status", "select"),
        ("ph", "number"),
        ("ok", "checkbox"),
        ("at", "date-time"),
        ("by", "list"),
        ("see", "link"),
        ("note", "text"),
        ("tags", "tags"),
    ] {
        assert_eq!((&row(key)["type"], &row(key)["fixed"]), (&json!(kind), &json!(false)), "{key}");
        assert_eq!(row(key)["entries"], 6);
    }
    assert_eq!((&row("due")["type"], &row("due")["fixed"]), (&json!("text"), &json!(true)));
    assert_eq!((&row("reader")["type"], &row("reader")["entries"]), (&json!("person"), &json!(0)));
    assert_eq!(
        row("status")["values"],
        json!([{"value": "done", "count": 3}, {"value": "open", "count": 3}])
    );
    assert!(rows.iter().all(|row| row["key"] != "title" && row["key"] != "more.deep"), "{keys}");
}
