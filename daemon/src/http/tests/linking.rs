//! Links: their lines, their graph, and that a move leaves them meaning what they meant.

use super::*;

const HUB: &str = "---\nx: 1\n---\nSee [[Note]], [[Note#Top|the note]] and ![[Note]].\r\n[md](lab/Note.md#top \"t\") [enc](<lab/Note.md>) [root](/lab/Note.md)\n\
    [ref][n] `[[Note]]` [[lab/Note]] [[My Title]] [web](https://e.org/Note.md)\n\n[n]: lab/Note.md 'x'\n";
const INNER: &str =
    "# My Title\n[up](../hub.md) ![img](img/a%20b.png) [[hub]] [self](Note.md) [dot](./img/a%20b.png)\n";

async fn lab() -> World {
    World::with(&[
        ("hub.md", HUB.as_bytes()),
        ("lab/Note.md", INNER.as_bytes()),
        ("lab/img/a b.png", b"\0png"),
        ("lab/side.md", b"[n](Note.md)\n"),
        ("other.md", b"nothing\n"),
    ])
    .await
}

async fn rename(world: &World, entry: &str, to: &str, links: &str) -> Value {
    let body = json!({"path": to, "links": links}).to_string();
    let answer = world.send("PATCH", entry, &[], &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

fn targets(links: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for entry in links["entries"].as_array().unwrap() {
        for link in entry["links"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            found.push((text(&entry["path"]), text(&link["from"]), text(&link["to"])));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_tells_exactly_what_a_move_then_does_and_undo_takes_it_back() {
    let world = lab().await;
    let note = world.address("lab/Note.md").await;
    let preview = rename(&world, &note, "deep/er/Renamed (1).md", "preview").await;
    assert_eq!(preview["path"], "lab/Note.md", "a preview moves nothing");
    assert_eq!((&preview["links"]["undo"], &preview["links"]["kept"]), (&Value::Null, &json!([])));
    let done = rename(&world, &note, "deep/er/Renamed (1).md", "rewrite").await;
    assert_eq!(preview["links"]["entries"], done["links"]["entries"]);
    let hub = "---\nx: 1\n---\nSee [[Renamed (1)]], [[Renamed (1)#Top|the note]] and ![[Renamed (1)]].\r\n\
        [md](deep/er/Renamed%20%281%29.md#top \"t\") [enc](<deep/er/Renamed (1).md>) [root](/deep/er/Renamed%20%281%29.md)\n\
        [ref][n] `[[Note]]` [[deep/er/Renamed (1)]] [[My Title]] [web](https://e.org/Note.md)\n\n\
        [n]: deep/er/Renamed%20%281%29.md 'x'\n";
    world.file_is("hub.md", hub).await;
    let inner = "# My Title\n[up](../../hub.md) ![img](../../lab/img/a%20b.png) [[hub]] [self](Renamed%20%281%29.md) \
        [dot](../../lab/img/a%20b.png)\n";
    world.file_is("deep/er/Renamed (1).md", inner).await;
    world.file_is("lab/side.md", "[n](../deep/er/Renamed%20%281%29.md)\n").await;
    let entry = &done["links"]["undo"];
    assert_eq!(entry["texts"].as_array().unwrap().len(), 3);
    // What somebody writes meanwhile stays.
    let address = world.address("hub.md").await;
    let base = world.get(&format!("{address}/content")).await;
    let more = format!("{hub}Later.\n");
    world.send("PUT", &format!("{address}/content"), &[("if-match", base.etag())], &more).await;
    let undone = world.send("POST", "/notebooks/lab/moves/undo", &[], &entry.to_string()).await;
    assert_eq!((undone.status, &undone.json()["path"]), (StatusCode::OK, &json!("lab/Note.md")));
    world.file_is("hub.md", &format!("{HUB}Later.\n")).await;
    world.file_is("lab/Note.md", INNER).await;
    world.file_is("lab/side.md", "[n](Note.md)\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_moves_takes_its_links_along() {
    let world = lab().await;
    let folder = world.address("lab").await;
    let done = rename(&world, &folder, "archive/2026", "rewrite").await;
    let changed = targets(&done["links"]);
    let change = |path: &str, from: &str, to: &str| (path.to_owned(), from.to_owned(), to.to_owned());
    let expect = [
        change("hub.md", "lab/Note.md", "archive/2026/Note.md"),
        change("hub.md", "lab/Note.md", "archive/2026/Note.md"),
        change("hub.md", "/lab/Note.md", "/archive/2026/Note.md"),
        change("hub.md", "lab/Note", "archive/2026/Note"),
        change("hub.md", "lab/Note.md", "archive/2026/Note.md"),
        change("lab/Note.md", "../hub.md", "../../hub.md"),
    ];
    assert_eq!(changed, expect, "what lies in it keeps its links among itself");
    world.file_is("archive/2026/side.md", "[n](Note.md)\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_would_catch_others_links_is_made_up_for() {
    let world = World::with(&[
        ("a/Note.md", b"a\n"),
        ("a/from.md", b"[[Note]]\n"),
        ("b/Note.md", b"b\n"),
        ("b/from.md", b"[[Note]]\n"),
        ("c/Other.md", b"c\n"),
    ])
    .await;
    let note = world.address("a/Note.md").await;
    let done = rename(&world, &note, "b/Moved.md", "rewrite").await;
    assert_eq!(targets(&done["links"]), [("a/from.md".into(), "Note".into(), "Moved".into())]);
    // `[[Note]]` of a folder without one means the nearest: one that comes nearer must not catch it.
    let world =
        World::with(&[("x/y/Note.md", b"1\n"), ("from.md", b"[[Note]]\n"), ("z/Other.md", b"2\n")]).await;
    let other = world.address("z/Other.md").await;
    let done = rename(&world, &other, "Note.md", "rewrite").await;
    assert_eq!(targets(&done["links"]), [("from.md".into(), "Note".into(), "x/y/Note".into())]);
    world.file_is("from.md", "[[x/y/Note]]\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backlinks_come_with_their_lines_and_a_graph_with_its_neighbours() {
    let world = lab().await;
    let note = world.address("lab/Note.md").await;
    let page = world.get(&format!("{note}/backlinks")).await.json();
    let side = page["items"].as_array().unwrap().iter().find(|row| row["path"] == "lab/side.md").unwrap();
    assert_eq!(side["lines"], json!([{"line": 1, "text": "[n](Note.md)"}]));
    let wiki =
        page["items"].as_array().unwrap().iter().find(|row| row["target"] == "Note" && row["kind"] == "wiki");
    let lines = wiki.unwrap()["lines"].as_array().unwrap().clone();
    assert_eq!((lines.len(), &lines[0]["line"]), (1, &json!(4)), "{lines:?}");
    let graph = world.get(&format!("{note}/graph")).await.json();
    let paths: std::collections::BTreeSet<&str> =
        graph["nodes"].as_array().unwrap().iter().map(|node| node["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["hub.md", "lab/Note.md", "lab/img/a b.png", "lab/side.md"].into());
    assert_eq!((&graph["nodes"][0]["path"], &graph["more"]), (&json!("lab/Note.md"), &json!(false)));
    let image = world.address("lab/img/a%20b.png").await;
    let graph = world.get(&format!("{image}/graph?depth=2")).await.json();
    assert_eq!(graph["nodes"].as_array().unwrap().len(), 4);
    let taken = json!({"path": "hub.md", "links": "preview"}).to_string();
    assert_eq!(world.send("PATCH", &note, &[], &taken).await.refused(), (400, "bad_path".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_properties_are_links() {
    let text = "---\r\nof: \"[[Sample]]\"\r\nalso: ['[[lab/Sample|it]]', 3]\r\n---\r\nbody\r\n";
    let world = World::with(&[("run.md", text.as_bytes()), ("lab/Sample.md", b"# S\n")]).await;
    let sample = world.address("lab/Sample.md").await;
    let back = world.get(&format!("{sample}/backlinks")).await.json();
    let lines = |row: &Value| row["lines"][0]["line"].clone();
    assert_eq!(back["items"].as_array().unwrap().iter().map(lines).collect::<Vec<_>>(), [2, 3]);
    rename(&world, &sample, "lab/Probe 1.md", "rewrite").await;
    world.file_is("run.md", &text.replace("Sample", "Probe 1")).await;
    // What YAML would read as something else is not put there: said, not done.
    let done = rename(&world, &sample, "lab/a: b.md", "preview").await;
    assert_eq!(done["links"]["kept"].as_array().unwrap().len(), 2, "{done}");
}
