use codex_crdt_model::entry::Content;
use codex_crdt_model::path::EntryPath;
use serde_json::json;

use super::fake::{World, id};

#[tokio::test]
async fn a_folder_lists_folders_first_then_names_as_people_order_them() {
    let world = World::new();
    for name in ["note 10.md", "Note 2.md", "b.txt", "zoo/inner.md", "Ä.md"] {
        world.text(name, "x");
    }
    world.settle().await;
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = world.mirror.list(None, cursor.as_deref(), 2).unwrap();
        assert!(page.entries.len() <= 2);
        seen.extend(page.entries.iter().map(|listed| format!("{}:{}", listed.entry.name, listed.children)));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["zoo:1", "b.txt:0", "Note 2.md:0", "note 10.md:0", "Ä.md:0"]);
    assert_eq!(world.mirror.count().unwrap(), 6);
}

#[tokio::test]
async fn an_entry_says_what_it_is() {
    let world = World::new();
    let text = "---\ntitle: Day one\ntags: [lab, '#pcr']\nwhen: 2026-02-01 10:00:00\ndeep: {a: {b: 3}}\n---\n# Head\n";
    world.text("days/one.md", text);
    world.text("days/two.md", "\r\n# Second *day*\r\n");
    world.text("Makefile", "all:\n");
    world.text("code.ts", "let x = 1;");
    world.settle().await;
    let one = world.at("days/one.md");
    assert_eq!((one.title.as_str(), one.media_type.as_str()), ("Day one", "text/markdown"));
    assert_eq!(one.tags, ["lab", "pcr"]);
    assert_eq!(one.properties["when"], json!("2026-02-01T10:00:00"));
    assert_eq!(one.properties["deep"], json!({"a": {"b": 3}}));
    assert_eq!(one.size, text.len() as u64);
    assert_eq!(world.at("days/two.md").title, "Second day");
    assert_eq!(world.at("Makefile").media_type, "text/x-makefile");
    assert_eq!(world.at("code.ts").media_type, "text/plain");
    assert_eq!(world.at("").kind, "folder");
    let shown = serde_json::to_value(&one).unwrap();
    assert_eq!(shown["path"], "days/one.md");
    assert_eq!(shown["id"], id("days/one.md").to_string());
}

/// A broken block is a warning, and the text is found all the same.
#[tokio::test]
async fn broken_yaml_is_a_warning_and_nothing_else() {
    let world = World::new();
    world.text("bad.md", "---\ntitle: [open\n---\nplankton\n");
    world.settle().await;
    let bad = world.at("bad.md");
    assert!(bad.properties.is_empty());
    assert!(bad.warnings[0].starts_with("the frontmatter: the YAML cannot be read"), "{:?}", bad.warnings);
    assert_eq!(world.search("plankton"), ["bad.md"]);
}

/// Whatever is below a folder: its move writes one row, a new name also its own words in the full text.
#[tokio::test]
async fn moving_a_folder_is_one_row_whatever_is_in_it() {
    let world = World::new();
    for number in 0..300 {
        world.text(&format!("old/sub/{number}.md"), "text");
    }
    world.text("new/x.md", "x");
    world.settle().await;
    assert_eq!(world.at("old/sub/7.md").path.as_str(), "old/sub/7.md");
    let before = world.mirror.changes_for_test();
    world.move_to(id("old/sub"), id("new"), "sub");
    world.settle().await;
    assert_eq!(world.mirror.changes_for_test() - before, 2, "its own row, and the revision");
    assert_eq!(world.mirror.entry(&id("old/sub/7.md")).unwrap().unwrap().path.as_str(), "new/sub/7.md");
    assert_eq!(world.mirror.search("in:new/sub", 5, 0).unwrap().total, 301);
    let before = world.mirror.changes_for_test();
    world.move_to(id("old/sub"), id("new"), "named");
    world.settle().await;
    let written = world.mirror.changes_for_test() - before;
    assert!(written < 100, "{written} rows of all tables, those of the full text included");
    assert_eq!(world.at("new/named/7.md").id, id("old/sub/7.md"));
    assert_eq!(world.mirror.by_path(&EntryPath::parse("old/sub/7.md").unwrap()).unwrap(), None);
}

#[tokio::test]
async fn links_follow_paths_names_and_titles() {
    let world = World::new();
    world.text(
        "a/from.md",
        "[[Protocol]] [[Grand Title]] [x](../b/data%20one.csv#top) ![i](p.png) [w](https://x.y) [[gone]]",
    );
    world.text("b/Protocol.md", "x");
    world.text("far/away/Protocol.md", "x");
    world.text("b/t.md", "---\ntitle: Grand Title\n---\n");
    world.text("b/data one.csv", "1,2");
    world.blob("a/p.png");
    world.settle().await;
    let links = world.mirror.links(&id("a/from.md")).unwrap();
    let shown: Vec<String> = links
        .iter()
        .map(|link| format!("{} {} {}", link.kind, link.target, link.path.clone().unwrap_or_default()))
        .collect();
    assert_eq!(
        shown,
        [
            "wiki Protocol b/Protocol.md",
            "wiki Grand Title b/t.md",
            "link ../b/data one.csv b/data one.csv",
            "image p.png a/p.png",
            "wiki gone ",
        ]
    );
    for target in ["b/Protocol.md", "b/t.md", "b/data one.csv", "a/p.png"] {
        let back = world.mirror.backlinks(&id(target)).unwrap();
        assert_eq!(back.len(), 1, "{target}");
        assert_eq!(back[0].path.as_str(), "a/from.md");
    }
    assert_eq!(world.mirror.backlinks(&id("far/away/Protocol.md")).unwrap(), []);
    world.move_to(id("b/data one.csv"), id("a"), "data one.csv");
    world.settle().await;
    assert_eq!(world.mirror.backlinks(&id("b/data one.csv")).unwrap(), []);
}

#[tokio::test]
async fn a_link_by_name_leads_to_no_template_and_first_to_what_is_written_so() {
    let world = World::new();
    world.text(".templates/gel.md", "---\ntype: template\ntitle: Run\n---\n");
    world.text(".templates/other.md", "[[gel]]");
    world.text("note.md", "[[Gel]] [[Run]] [[.templates/gel]] [[PCR]] [[pcr]]");
    world.text("a/PCR.md", "x");
    world.text("a/pcr.md", "x");
    world.settle().await;
    let paths = |from: &str| -> Vec<String> {
        let links = world.mirror.links(&id(from)).unwrap();
        links.iter().map(|link| link.path.as_ref().map(ToString::to_string).unwrap_or_default()).collect()
    };
    assert_eq!(paths("note.md"), ["", "", ".templates/gel.md", "a/PCR.md", "a/pcr.md"]);
    assert_eq!(paths(".templates/other.md"), [".templates/gel.md"]);
}

#[tokio::test]
async fn tags_are_counted_and_deleted_entries_are_not() {
    let world = World::new();
    world.text("a.md", "---\ntags: red, blue\n---\n");
    let b = world.text("b.md", "---\ntags: [red]\n---\n");
    world.settle().await;
    let counts = |world: &World| -> Vec<(String, u64)> {
        world.mirror.tags().unwrap().into_iter().map(|tag| (tag.tag, tag.count)).collect()
    };
    assert_eq!(counts(&world), [("red".to_owned(), 2), ("blue".to_owned(), 1)]);
    world.delete(b);
    world.settle().await;
    assert_eq!(counts(&world), [("blue".to_owned(), 1), ("red".to_owned(), 1)]);
    assert!(!world.mirror.entry(&b).unwrap().unwrap().alive);
    assert_eq!(world.mirror.count().unwrap(), 1);
    world.change(b, Content::Text("back".into()), |row| row.alive = true);
    world.settle().await;
    assert_eq!(world.search("back"), ["b.md"]);
}
