//! Comments: threads at their words, also when these move; one's own to be changed.

use super::*;

const TEXT: &str = "---\nk: 1\n---\nThe 🧪 red fox.\nThe red hen.\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_stays_at_its_words_and_is_answered_and_settled() {
    let world = World::with(&[("a.md", TEXT.as_bytes())]).await;
    let note = world.address("a.md").await;
    let comments = format!("{note}/comments");
    let start = TEXT[..TEXT.find("red hen").unwrap()].encode_utf16().count();
    let new = json!({"text": "which one?", "start": start, "end": start + 7, "version": "birth"});
    let made = world.send("POST", &comments, &[], &new.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["quote"], &made["place"]["line"]), (&json!("red hen"), &json!(5)));
    assert_eq!((&made["comments"][0]["own"], &made["resolved"]), (&json!(true), &Value::Null));
    let id = made["id"].as_str().unwrap().to_owned();
    let base = world.get(&format!("{note}/content")).await;
    let more = TEXT.replace("The 🧪", "First.\nThe 🧪").replace("hen", "old hen");
    world.send("PUT", &format!("{note}/content"), &[("if-match", base.etag())], &more).await;
    world.send("PATCH", &note, &[], "{\"path\":\"b/c.md\"}").await;
    let mine = world.get("/members?notebook=lab").await.json();
    let name = mine["items"][0]["name"].as_str().unwrap().to_owned();
    let answer = json!({"text": format!("@{name} the old one")}).to_string();
    let answered = world.send("POST", &format!("{comments}/{id}/replies"), &[], &answer).await.json();
    let place = &answered["place"];
    let units: Vec<u16> = more.encode_utf16().collect();
    let at = |key: &str| usize::try_from(place[key].as_u64().unwrap()).unwrap();
    assert_eq!(String::from_utf16(&units[at("start")..at("end")]).unwrap(), "red old hen");
    assert_eq!((&place["line"], &answered["path"]), (&json!(6), &json!("b/c.md")));
    assert_eq!(answered["comments"][1]["mentions"][0]["own"], true, "{answered}");
    let settled = world.send("POST", &format!("{comments}/{id}/resolve"), &[], "").await.json();
    assert!(settled["resolved"]["time"].is_string());
    for (query, expect) in [("status=open", 0), ("status=resolved", 1), ("mentions_me=true", 1), ("", 1)] {
        let found = world.get(&format!("/comments?{query}")).await.json();
        assert_eq!(found["items"].as_array().unwrap().len(), expect, "{query}");
    }
    let open = world.send("POST", &format!("{comments}/{id}/reopen"), &[], "").await.json();
    assert_eq!(open["resolved"], Value::Null);
    let base = world.get(&format!("{note}/content")).await;
    world.send("PUT", &format!("{note}/content"), &[("if-match", base.etag())], "nothing of it\n").await;
    let gone = world.get(&comments).await.json();
    assert_eq!((&gone["items"][0]["place"], &gone["items"][0]["quote"]), (&Value::Null, &json!("red hen")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_said_is_changed_and_taken_back() {
    let world = World::with(&[("a.md", TEXT.as_bytes()), ("p.png", b"\0png")]).await;
    let image = world.address("p.png").await;
    let made = world.send("POST", &format!("{image}/comments"), &[], "{\"text\":\"blurred\"}").await.json();
    assert_eq!((&made["quote"], &made["path"]), (&Value::Null, &json!("p.png")));
    let one = format!("{image}/comments/{}", made["id"].as_str().unwrap());
    let changed = world.send("PATCH", &one, &[], "{\"text\":\"sharp\"}").await.json();
    assert_eq!(changed["comments"][0]["text"], "sharp");
    assert!(changed["comments"][0]["edited"].is_string());
    let gone = world.send("DELETE", &one, &[], "").await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.text());
    assert_eq!(world.get(&format!("{image}/comments")).await.json()["items"], json!([]));
    assert_eq!(world.send("DELETE", &one, &[], "").await.refused(), (404, "not_found".into()));
    let note = world.address("a.md").await;
    for (body, expect) in [
        ("{\"text\":\" \"}", (422, "bad_comment")),
        ("{\"text\":\"x\",\"start\":3}", (400, "bad_request")),
        ("{\"text\":\"x\",\"start\":3,\"end\":3000}", (422, "bad_comment")),
        ("{\"text\":\"x\",\"quote\":\"no such words\"}", (422, "bad_comment")),
    ] {
        let refused = world.send("POST", &format!("{note}/comments"), &[], body).await.refused();
        assert_eq!((refused.0, refused.1.as_str()), expect, "{body}");
    }
    let none = format!("{note}/comments/{}/replies", "ab".repeat(32));
    assert_eq!(world.send("POST", &none, &[], "{\"text\":\"x\"}").await.refused(), (404, "not_found".into()));
    let lines = world.get("/activity").await.json();
    let did: Vec<&Value> = lines["items"].as_array().unwrap().iter().map(|line| &line["did"]).collect();
    assert!(did.contains(&&json!(["commented"])) && did.contains(&&json!(["took_back"])), "{did:?}");
}
