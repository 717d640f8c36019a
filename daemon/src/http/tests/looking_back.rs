//! What was: differences of versions, and what happened.

use super::*;

impl World {
    /// Saves a text at its newest version; the version that it has then.
    async fn save(&self, address: &str, text: &str) -> String {
        let base = self.get(&format!("{address}/content")).await;
        let saved = self.send("PUT", &format!("{address}/content"), &[("if-match", base.etag())], text).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
        saved.etag().trim_matches('"').to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_differ_in_lines_words_and_properties() {
    let world = World::with(&[("a.md", b"---\nph: 7\n---\none\nthe red fox\n"), ("b.bin", b"\0one")]).await;
    let note = world.address("a.md").await;
    let first = world.save(&note, "---\nph: 7\n---\none\nthe grey fox\n").await;
    let second = world.save(&note, "---\nph: 8\nby: Ada\n---\none\nthe grey fox\nend\n").await;
    let diff = world.get(&format!("{note}/diff?to={first}")).await.json();
    let changed: Vec<(Value, Vec<Value>)> = diff["text"]["hunks"][0]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["change"] != "same")
        .map(|line| (line["change"].clone(), line["words"].as_array().unwrap().clone()))
        .collect();
    let words = |word: &str| {
        let plain = |text: &str| json!({"text": text, "differs": false});
        vec![plain("the "), json!({"text": word, "differs": true}), plain(" fox")]
    };
    assert_eq!(changed, [(json!("removed"), words("red")), (json!("added"), words("grey"))]);
    assert_eq!(diff["from"]["version"], "birth", "without `from`, the version right before");
    let diff = world.get(&format!("{note}/diff?from=birth")).await.json();
    assert_eq!(diff["to"]["version"], second.as_str());
    assert_eq!(
        diff["properties"],
        json!([{"key": "by", "from": null, "to": "Ada"}, {"key": "ph", "from": 7, "to": 8}])
    );
    let same = world.get(&format!("{note}/diff?from={second}&to={second}")).await.json();
    assert_eq!((&same["same"], &same["text"]["hunks"]), (&json!(true), &json!([])));
    let bytes = world.address("b.bin").await;
    let diff = world.get(&format!("{bytes}/diff")).await.json();
    assert_eq!((&diff["text"], &diff["to"]["size"], &diff["same"]), (&Value::Null, &json!(4), &json!(true)));
    let none = world.get(&format!("{note}/diff?from={}", "ab".repeat(32))).await;
    assert_eq!(none.refused(), (404, "no_version".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_shown_once_page_by_page() {
    let files: Vec<(String, Vec<u8>)> =
        (0..30).map(|n| (format!("{n}.md"), format!("note {n}\n").into_bytes())).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), &text[..])).collect();
    let world = World::with(&files).await;
    for n in [3, 4] {
        let note = world.address(&format!("{n}.md")).await;
        world.save(&note, "typed\n").await;
        world.save(&note, "typed on\n").await;
    }
    let gone = world.address("5.md").await;
    world.send("DELETE", &gone, &[], "").await;
    let page = world.get("/activity?notebook=lab").await.json();
    let lines: Vec<(Value, Value, Value)> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["did"].clone(), line["entries"][0]["path"].clone(), line["entry_count"].clone()))
        .collect();
    let shown = |did: &[&str], path: Value, count: u64| (json!(did), path, json!(count));
    assert_eq!(lines[0], shown(&["deleted"], json!("5.md"), 1));
    assert_eq!(lines[1], shown(&["edited"], json!("4.md"), 1));
    assert_eq!(lines[2], shown(&["edited"], json!("3.md"), 1));
    assert_eq!(page["items"][1]["changes"], 2, "what was typed in one sitting is one line");
    let made = &lines[3];
    assert_eq!((&made.0, &made.2), (&json!(["created"]), &json!(30)), "what was made at once is one line");
    assert_eq!(lines[4].0, json!(["founded"]));
    assert_eq!(lines.len(), 5);
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/activity?limit=1{cursor}")).await.json();
        paged.extend(page["items"].as_array().unwrap().iter().map(|line| line["did"].clone()));
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let kinds: std::collections::BTreeSet<String> = paged.iter().map(Value::to_string).collect();
    let all = [r#"["created"]"#, r#"["deleted"]"#, r#"["edited"]"#, r#"["founded"]"#];
    assert_eq!(kinds, all.map(str::to_owned).into());
    assert_eq!(world.get("/activity?cursor=x").await.refused(), (400, "bad_request".into()));
}
