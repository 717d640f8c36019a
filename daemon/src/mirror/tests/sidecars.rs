use serde_json::json;

use super::fake::{World, id};
use crate::mirror::properties;

#[tokio::test]
async fn properties_merge_by_key_and_the_nearest_source_wins() {
    let world = World::new();
    world.text("n.md", "---\na: front\n---\nbody");
    world.text("n.md.json", r#"{"a": "json", "b": "json", "c": "json"}"#);
    world.text(".n.md.json", r#"{"b": "hidden json", "h": 1}"#);
    world.text(".n.md.xml", "<p><c>xml</c><d>xml</d></p>");
    world.text("n.md.md", "---\nd: markdown\ne: markdown\n---\nremark about osmosis");
    world.settle().await;
    let note = world.at("n.md");
    let wanted = json!({"a": "front", "b": "json", "c": "json", "d": "xml", "e": "markdown", "h": 1});
    assert_eq!(serde_json::Value::Object(note.properties), wanted);
    assert_eq!(note.warnings.len(), 4, "each disagreement is shown: {:?}", note.warnings);
    assert_eq!(
        note.warnings[0],
        "`a` is `front` in the frontmatter and `json` in `n.md.json`; the first counts"
    );
    let listed = world.mirror.list(None, None, 10).unwrap().entries;
    assert_eq!(listed.iter().map(|one| one.entry.name.as_str()).collect::<Vec<_>>(), ["n.md"]);
    assert_eq!(world.search("osmosis"), ["n.md"], "what a Markdown sidecar says is found at its main file");
}

#[tokio::test]
async fn a_sidecar_comes_and_goes() {
    let world = World::new();
    world.blob("p.jpg");
    world.settle().await;
    let side = world.text("p.jpg.json", r#"{"status": "done"}"#);
    world.settle().await;
    assert_eq!(world.at("p.jpg").properties["status"], "done");
    assert_eq!(world.at("p.jpg.json").sidecar_of, Some(id("p.jpg")));
    assert_eq!(world.search("status:done"), ["p.jpg"]);
    world.move_to(side, codex_crdt_model::ids::EntryId::ROOT, "free.json");
    world.settle().await;
    assert!(!world.at("p.jpg").properties.contains_key("status"));
    assert_eq!(world.found("done"), ["free.json"]);
    world.move_to(side, codex_crdt_model::ids::EntryId::ROOT, ".p.jpg.json");
    world.settle().await;
    assert_eq!(world.at("p.jpg").properties["status"], "done");
    assert_eq!(world.found("done"), ["p.jpg"]);
    world.delete(side);
    world.settle().await;
    assert!(!world.at("p.jpg").properties.contains_key("status"));
    world.delete(id("p.jpg"));
    world.change(side, codex_crdt_model::entry::Content::Text("{}".into()), |row| row.alive = true);
    world.settle().await;
    assert_eq!(world.at(".p.jpg.json").sidecar_of, None, "no main file, no sidecar");
}

#[tokio::test]
async fn readme_and_readme_md_are_two_files() {
    let world = World::new();
    world.text("README", "plain");
    world.text("README.md", "marked");
    world.blob("data");
    world.text("data.json", "{\"k\": 1}");
    world.blob("a.jpg");
    world.text("a.jpg.md", "---\nk: 2\n---\n");
    world.text("a.jpg.md.json", "{\"k\": 3}");
    world.text("note.json", "{}");
    world.settle().await;
    let listed = world.mirror.list(None, None, 20).unwrap().entries;
    let names: Vec<_> = listed.iter().map(|one| one.entry.name.as_str()).collect();
    assert_eq!(names, ["a.jpg", "a.jpg.md.json", "data", "note.json", "README", "README.md"]);
    assert_eq!(world.at("data").properties["k"], 1);
    assert_eq!(world.at("a.jpg").properties["k"], 2, "a sidecar has no sidecar");
}

#[tokio::test]
async fn a_list_as_sidecar_is_a_warning() {
    let world = World::new();
    world.text("m.csv", "value");
    world.text("m.csv.json", "[1, 2]");
    world.settle().await;
    assert_eq!(world.at("m.csv").warnings, ["`m.csv.json`: the JSON is not an object"]);
    assert_eq!(world.search("value"), ["m.csv"]);
}

#[tokio::test]
async fn folders_and_the_notebook_have_properties() {
    let world = World::new();
    world.text("f/.metadata", "---\ntitle: The folder\nview_mode: grid\n---\n");
    world.text(".metadata", "title: All of it\n");
    world.settle().await;
    assert_eq!(world.at("f").title, "The folder");
    assert_eq!(world.at("f").properties["view_mode"], "grid");
    assert_eq!(world.at("").title, "All of it");
    assert_eq!(world.mirror.list(Some(id("f")), None, 9).unwrap().entries, []);
    world.text("f/.metadata", "---\nview_mode: list\n---\n");
    world.settle().await;
    assert_eq!(world.at("f").title, "f");
    assert_eq!(world.at("f").properties["view_mode"], "list");
}

/// A parser whose time grows with the square of the depth would take days for these.
#[test]
fn yaml_of_any_depth_is_read_or_refused_at_once() {
    for open in ["[", "{", "[{", "{a: ", "[a, ", "- ", "? "] {
        let source = format!("a:\n  {}", open.repeat((4 << 20) / open.len()));
        assert!(properties::yaml(&source).is_err(), "{open}");
    }
    let many = format!("a: [{}]\nb: '{}'\n", "[{x: 1}], ".repeat(10_000), "[".repeat(900));
    assert_eq!(properties::yaml(&many).map(|all| all.len()), Ok(2));
}

#[test]
fn xml_becomes_properties() {
    let check = |xml: &str, wanted: serde_json::Value| {
        assert_eq!(properties::xml(xml).map(serde_json::Value::Object), Ok(wanted), "{xml}");
    };
    check("<m><title>A &amp; B</title><n/></m>", json!({"title": "A & B", "n": ""}));
    check("<m id='1'><tag>x</tag><tag>y</tag><tag>z</tag></m>", json!({"id": "1", "tag": ["x", "y", "z"]}));
    check("<m><who role='pi'>Ada</who></m>", json!({"who": {"role": "pi", "_text": "Ada"}}));
    check("<m>mixed <b>bold</b> text</m>", json!({"b": "bold", "_text": "mixed  text"}));
    check("<?xml version='1.0'?><!-- c --><m><a><![CDATA[<&>]]>&#65;</a></m>", json!({"a": "<&>A"}));
    check("<m/>", json!({}));
    for broken in ["", "<a>", "<a></b>", "</a>", "<a/><b/>", "text", &"<a>".repeat(100_000)] {
        assert!(properties::xml(broken).is_err(), "{}", &broken[..broken.len().min(20)]);
    }
}

#[tokio::test]
async fn an_image_says_its_size_once_its_bytes_are_there() {
    let world = World::new();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\0\0\0\0";
    world.attachment("pics/dot.png", png);
    world.text("v.svg", "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 20'/>");
    world.text("pics/dot.png.json", "{\"format\": \"drawn\"}");
    world.settle().await;
    assert!(!world.at("pics/dot.png").properties.contains_key("width"));
    std::fs::create_dir(world.folder.path().join("pics")).unwrap();
    // What lay there before is not what the entry is now.
    let mut other = png.to_vec();
    other[19] = 9;
    std::fs::write(world.folder.path().join("pics/dot.png"), other).unwrap();
    world.settle().await;
    assert!(!world.at("pics/dot.png").properties.contains_key("width"));
    std::fs::write(world.folder.path().join("pics/dot.png"), png).unwrap();
    for _ in 0..500 {
        if world.at("pics/dot.png").properties.contains_key("width") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let dot = world.at("pics/dot.png");
    assert_eq!((&dot.properties["width"], &dot.properties["height"]), (&json!(3), &json!(2)));
    assert_eq!(dot.properties["format"], "drawn", "a sidecar is nearer than the file's own bytes");
    let svg = world.at("v.svg").properties;
    assert_eq!((&svg["width"], &svg["format"]), (&json!(40), &json!("svg")));
}
