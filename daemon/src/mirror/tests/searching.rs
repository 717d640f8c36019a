use super::fake::World;
use crate::mirror::words;

async fn library() -> World {
    let world = World::new();
    world.text(
        "gel/Protein gel.md",
        "---\ntags: [wet, lab]\nstatus: done\npriority: 3\n---\nRun the gel at 120 V. The buffer is fresh.",
    );
    world.text("gel/buffer.md", "---\ntags: [wet]\nstatus: open\npriority: 11\ndue_date: 2026-03-01\n---\nBuffer recipe: Tris, glycine; crème brûlée.");
    world.text("notes/plan.md", "# Plan\nTomorrow the fresh buffer, then the protein.");
    world.text("notes/data.csv", "time,volt\n10:30,120\n");
    world.blob("notes/scan.pdf");
    world.settle().await;
    world
}

#[tokio::test]
async fn words_phrases_and_their_absence() {
    let world = library().await;
    assert_eq!(world.found("buffer"), ["gel/Protein gel.md", "gel/buffer.md", "notes/plan.md"]);
    assert_eq!(world.search("buffer")[0], "gel/buffer.md", "a name counts more than a text");
    assert_eq!(world.found("\"fresh buffer\""), ["notes/plan.md"]);
    assert_eq!(world.found("fresh buffer"), ["gel/Protein gel.md", "notes/plan.md"]);
    assert_eq!(world.found("buffer -tomorrow"), ["gel/Protein gel.md", "gel/buffer.md"]);
    assert_eq!(world.found("-buffer type:pdf"), ["notes/scan.pdf"]);
    assert_eq!(world.found("prot"), ["gel/Protein gel.md", "notes/plan.md"], "the last word may go on");
    assert_eq!(world.found("prot "), Vec::<String>::new(), "a blank ends it");
    assert_eq!(world.found("CREME brulee"), ["gel/buffer.md"]);
    assert_eq!(world.found("title:plan"), ["notes/plan.md"]);
    assert_eq!(world.found("10:30"), ["notes/data.csv"]);
}

#[tokio::test]
async fn filters() {
    let world = library().await;
    assert_eq!(world.found("tag:lab"), ["gel/Protein gel.md"]);
    assert_eq!(world.found("tag:wet -tag:lab"), ["gel/buffer.md"]);
    assert_eq!(world.found("status:DONE"), ["gel/Protein gel.md"]);
    assert_eq!(world.found("buffer -status:done"), ["gel/buffer.md", "notes/plan.md"]);
    assert_eq!(world.found("priority:>3"), ["gel/buffer.md"], "as numbers, not as text");
    assert_eq!(world.found("priority:>=3").len(), 2);
    assert_eq!(world.found("due_date:<2026-03-02"), ["gel/buffer.md"]);
    assert_eq!(world.found("in:notes"), ["notes", "notes/data.csv", "notes/plan.md", "notes/scan.pdf"]);
    assert_eq!(world.found("in:gel fresh"), ["gel/Protein gel.md"]);
    assert_eq!(world.found("path:\"protein gel\""), ["gel/Protein gel.md"]);
    assert_eq!(world.found("path:*/*.md tag:wet").len(), 2);
    assert_eq!(world.found("type:folder"), ["gel", "notes"]);
    assert_eq!(world.found("type:csv"), ["notes/data.csv"]);
    assert_eq!(world.found("modified:>2026-01-01"), Vec::<String>::new());
    assert_eq!(world.found("modified:<2026-01-01").len(), 7);
}

#[tokio::test]
async fn a_snippet_shows_why() {
    let world = library().await;
    let answer = world.mirror.search("\"fresh buffer\" prot", 5, 0).unwrap();
    let marked: Vec<_> = answer.hits[0]
        .snippet
        .iter()
        .map(|part| if part.hit { format!("<{}>", part.text) } else { part.text.clone() })
        .collect();
    assert_eq!(marked.concat(), "# Plan Tomorrow the <fresh buffer>, then the <protein>.");
    let answer = world.mirror.search("creme", 5, 0).unwrap();
    assert!(answer.hits[0].snippet.iter().any(|part| part.hit && part.text == "crème"));
    let long = format!("{}needle in <b>hay</b>{}", "häy ".repeat(9000), " häy".repeat(9000));
    world.text("long.txt", &long);
    world.settle().await;
    let answer = world.mirror.search("needle", 5, 0).unwrap();
    let parts = &answer.hits[0].snippet;
    assert!(parts.iter().any(|part| part.hit && part.text == "needle"));
    assert!(parts.iter().map(|part| part.text.len()).sum::<usize>() < 400);
}

#[tokio::test]
async fn what_nobody_wrote_is_answered_with_what_somebody_did() {
    let world = library().await;
    let suggested = |line: &str| world.mirror.search(line, 5, 0).unwrap().suggestion;
    assert_eq!(suggested("bufer"), Some("buffer".into()));
    assert_eq!(suggested("glycien tris"), Some("glycine tris".into()));
    assert_eq!(suggested("vuffer"), Some("buffer".into()), "also when the beginning is mistyped");
    assert_eq!(suggested("zzzzzz"), None);
    assert_eq!(suggested("bufer:x glycine"), None, "what stands at a colon is meant as it is written");
    assert_eq!(suggested("xbufery bufer"), Some("xbufery buffer".into()), "a part of a word is no word");
}

/// Of what very many have, the newest are candidates; a title that fits comes first, and what a rare word adds counts.
#[tokio::test]
async fn common_words_are_answered_by_the_newest_and_best_titled() {
    let world = World::new();
    let many = super::super::search::CANDIDATES + 100;
    for number in 0..many {
        let title = if number == many - 50 { "Assay" } else { "Note" };
        let rare = if number == many - 70 { "needle" } else { "" };
        world.text(&format!("{number:05}.md"), &format!("# {title}\nThe assay of day one {rare} assays.\n"));
    }
    world.settle().await;
    let newest = format!("{:05}.md", many - 1);
    let titled = format!("{:05}.md", many - 50);
    for line in ["assay", "assay ", "assay the", "\"assay of\"", "\"the assay of day\" assay"] {
        let answer = world.mirror.search(line, 5, 0).unwrap();
        assert!(answer.total_is_capped, "{line}");
        let paths: Vec<&str> = answer.hits.iter().map(|hit| hit.path.as_str()).collect();
        let best = if line.starts_with("\"assay of") { &newest } else { &titled };
        assert_eq!(paths[0], best.as_str(), "{line}");
    }
    assert_eq!(world.search("assay needle"), [format!("{:05}.md", many - 70)]);
    assert_eq!(world.mirror.search("assay -needle", 5, 0).unwrap().hits[0].path.as_str(), titled);
    assert_eq!(world.search("ass")[0], titled);
}

/// What is not understood is said, with what would be right; what is understood is not commented on.
#[tokio::test]
async fn what_a_line_means_is_said_where_it_is_in_doubt() {
    let world = library().await;
    let warnings = |line: &str| world.mirror.search(line, 5, 0).unwrap().warnings;
    for line in [
        "buffer",
        "10:30",
        "http://x.y/z",
        "\"fresh buffer\"",
        "modified:>2026-01-01",
        "status:done",
        "priority:>3",
        "in:notes",
        "path:*/*.md",
        "nobody wrote this",
        "",
    ] {
        assert_eq!(warnings(line), Vec::<String>::new(), "{line}");
    }
    for (line, says) in [
        (
            "modified:>foo",
            "`modified:>foo` fits nothing: `foo` is no date; write it as `modified:>2026-01-31`",
        ),
        (
            "buffer -created:last",
            "`-created:last` fits nothing: `last` is no date; write it as `created:2026-01-31`",
        ),
        ("modified:<", "it names no date"),
        ("\"fresh buffer", "the quotation mark before `fresh buffer` is not closed"),
        ("a\"fresh", "the quotation mark before `fresh` is not closed"),
        ("path:\"gel", "the quotation mark before `gel` is not closed"),
        ("\"", "a quotation mark with nothing behind it"),
        ("status: done", "`status:` has no value right behind it"),
        ("priority:>", "`priority:>` has no value behind it; write it as `priority:>value`"),
        ("tag:>wet", "`tag:>wet` is taken as `tag:wet`"),
        ("in:nowhere", "there is no folder `nowhere`"),
        ("path:**[*", "`**[*` is no path pattern"),
        (
            "staus:done",
            "no file has a property `staus`, so `staus:done` is searched for as words; did you mean `status:done`?",
        ),
        ("prioritty:3", "did you mean `priority:3`?"),
        ("zzz:3", "no file has a property `zzz`"),
        (&"word ".repeat(40), "a line has at most 32 words"),
    ] {
        let said = warnings(line);
        assert!(said.len() == 1 && said[0].contains(says), "{line}: {said:?}");
    }
}

/// Whatever is typed is a valid question.
#[tokio::test]
async fn any_line_is_a_valid_question() {
    let world = library().await;
    for line in [
        "",
        " ",
        "\"",
        "\"\"",
        "-",
        "--",
        "-\"",
        "a\"b",
        "*",
        "\"*\"",
        "AND",
        "a OR",
        "NOT",
        "NEAR(a b)",
        "(",
        ")",
        "^a",
        "{a}",
        "a:b:c",
        ":",
        ":x",
        "x:",
        "tag:",
        "tag:\"",
        "priority:>",
        "priority:>x",
        "modified:>never",
        "path:[",
        "path:**[*",
        "in:../..",
        "in:/",
        "type:%",
        "title:\"\"",
        "title:-",
        "😀",
        "e\u{301}",
        "\0",
        "'; DROP TABLE words",
        "http://x.y/z?a=b",
        "-tag:x",
        "-title:plan",
        "-a -b",
        "a* b*",
    ] {
        world.mirror.search(line, 5, 0).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    }
}

proptest::proptest! {
    #[test]
    fn reading_a_line_ends_and_loses_no_word(line in "[a-c\"\\-: ><*é\u{301}]{0,40}") {
        let asked = words::read(&line, |key| key == "a");
        for phrase in asked.all.iter().chain(&asked.none) {
            proptest::prop_assert!(!phrase.words.is_empty());
        }
    }
}
