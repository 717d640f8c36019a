#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// Texts made of what breaks splitters.
pub fn nasty() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "---\n",
        "---\r\n",
        "--- \n",
        "---",
        "...\n",
        "\u{feff}",
        "status: done\n",
        "status: open\r\n",
        "due: 2026-01-02\n",
        "tags: [a, b]\n",
        "tags:\n  - a\n  - b\n",
        "# comment\n",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "\tx: 1\n",
        "a: &x 1\n",
        "b: *x\n",
        "{a: 1}\n",
        "? k\n: v\n",
        "\"q k\": 'v'\n",
        "s: |\n  text\n\n",
        "s: >-\r\n  folded\r\n",
        "key:\n",
        "- item\n",
        "🎉: é\n",
        "<<: *x\n",
        "!t k: v\n",
        "&k k: v\n",
        "%YAML 1.2\n",
        "text",
        " ",
        "k : v\n",
        "\u{85}",
        "\u{2028}x: y\n",
        "a: \"x\n",
        "'",
        "]",
    ]);
    let free = prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat());
    (any::<bool>(), free).prop_map(|(front, text)| if front { format!("---\n{text}") } else { text })
}

proptest! {
    #[test]
    fn parts_join_to_the_same_text(text in nasty()) {
        let parts = split(&text);
        prop_assert_eq!(&parts.join(), &text);
        prop_assert_eq!(&parts.clone().completed(), &parts);
        for key in &parts.keys {
            prop_assert!(key.source.ends_with('\n'));
        }
    }

    #[test]
    fn any_characters_join_to_the_same_text(inner in "\\PC{0,60}") {
        let text = format!("---\n{inner}\n---\nbody");
        prop_assert_eq!(split(&text).join(), text);
    }

    #[test]
    fn setting_a_property_touches_nothing_else(text in nasty(), value in "[a-z]{1,5}") {
        let before = split(&text);
        let mut after = before.clone();
        if set(&mut after, "fresh", Some(&format!("fresh: {value}\n"))).is_ok() {
            prop_assert_eq!(&split(&after.join()), &after);
            prop_assert_eq!(after.keys.last().map(|key| key.name.as_str()), Some("fresh"));
            prop_assert_eq!(&after.keys[..before.keys.len()], &before.keys[..]);
            prop_assert!(text.ends_with(&after.body));
            set(&mut after, "fresh", None).unwrap();
            prop_assert_eq!(&after.keys, &before.keys);
        }
    }
}

fn names(text: &str) -> Vec<String> {
    split(text).keys.into_iter().map(|key| key.name).collect()
}

#[test]
fn ordinary_frontmatter_is_split_by_key() {
    let parts = split(
        "\u{feff}---\r\n# head\r\n\r\nstatus: done # now\r\n# about tags\r\ntags:\r\n- a\r\n'q k': 1\r\n---\r\nBody\r\n",
    );
    assert_eq!(parts.open, "\u{feff}---\r\n");
    assert_eq!(parts.head, "# head\r\n\r\n");
    let keys: Vec<_> = parts.keys.iter().map(|key| (key.name.as_str(), key.source.as_str())).collect();
    let expect = [
        ("status", "status: done # now\r\n# about tags\r\n"),
        ("tags", "tags:\r\n- a\r\n"),
        ("q k", "'q k': 1\r\n"),
    ];
    assert_eq!(keys, expect);
    assert_eq!((parts.close.as_str(), parts.body.as_str()), ("---\r\n", "Body\r\n"));
}

#[test]
fn keys_after_wide_characters_and_block_texts_are_found() {
    assert_eq!(
        names("---\ntitle: \"🎉 日本\"\ntext: |\n  a: b\n\n  c\nlast: x\n---\n"),
        ["title", "text", "last"]
    );
    assert_eq!(names("---\na: &x [1]\nb: 2\n---\n"), ["a", "b"]);
    assert_eq!(names("---\na: {x: &y 1, z: *y}\n---\n"), ["a"]);
}

#[test]
fn unusual_blocks_stay_whole() {
    for inner in [
        "a: &x 1\nb: *x\n",
        "a: 1\na: 2\n",
        "a: 1\n'a': 2\n",
        "{a: 1}\n",
        "{\na: 1,\nb: 2\n}\n",
        "- a\n",
        "text\n",
        "a: [\n",
        "a: 1\n\tb: 2\n",
        "? a\n: b\n",
        "!t a: b\n",
        "&k a: b\n",
        "a: 1\n...\n",
        "%YAML 1.2\n",
        "\"\": x\n",
        "\"a\\0\": x\n",
        "  a: 1\n  b: 2\n",
        "*x : 1\n",
    ] {
        let parts = split(&format!("---\n{inner}---\nbody"));
        assert_eq!((parts.raw.as_str(), parts.body.as_str()), (inner, "body"), "{inner:?}");
        assert!(parts.keys.is_empty());
    }
    let many = "k: 1\n".repeat(20_000);
    assert_eq!(split(&format!("---\n{many}---\n")).raw, many);
}

#[test]
fn without_a_closing_line_there_is_no_frontmatter() {
    for text in ["---\na: 1\n", "---", "--\n", " ---\na: 1\n---\n", "----\na: 1\n---\n", ""] {
        assert_eq!(split(text), Parts::plain(text));
    }
    assert_eq!(split("---\n---").close, "---");
}

#[track_caller]
fn check_set(text: &str, key: &str, source: Option<&str>, expect: &str) {
    let mut parts = split(text);
    set(&mut parts, key, source).unwrap();
    assert_eq!(parts.join(), expect);
}

#[test]
fn properties_are_set_in_place_added_and_removed() {
    check_set("---\na: 1\n# next\nb: 2\n---\nx", "a", Some("a: 9"), "---\na: 9\n# next\nb: 2\n---\nx");
    check_set("---\r\na: 1\r\n---\r\nx", "b", Some("b: [q]\n"), "---\r\na: 1\r\nb: [q]\r\n---\r\nx");
    check_set("---\na: 1\n# next\nb: 2\n---\nx", "a", None, "---\n# next\nb: 2\n---\nx");
    check_set("---\na: 1\nb: 2\n\n---\nx", "b", None, "---\na: 1\n---\nx");
    check_set("Body\r\n", "a", Some("a: 1\n"), "---\r\na: 1\r\n---\r\nBody\r\n");
    check_set("\u{feff}Body", "a", Some("a: 1\n"), "\u{feff}---\na: 1\n---\nBody");
    check_set("", "a", Some("a: 1\n"), "---\na: 1\n---\n");
    check_set("Body", "a", None, "Body");
    check_set("---\na: |\n  text\n  # no comment\n---\n", "a", Some("a: 1\n"), "---\na: 1\n---\n");
}

#[test]
fn what_would_break_the_frontmatter_is_refused() {
    let mut parts = split("---\na: 1\n---\n");
    for source in ["b: 1\n", "a: [\n", "a: 1\nb: 2\n", "a\n", "", "# c\na: 1\n", "a: 1\n---\n", "a: *x\n"] {
        assert!(
            matches!(set(&mut parts, "a", Some(source)), Err(PropertyRefused::NotOneKey { .. })),
            "{source:?}"
        );
    }
    let mut broken = split("---\na: [\n---\n");
    assert_eq!(set(&mut broken, "a", Some("a: 1\n")), Err(PropertyRefused::Broken));
}

#[test]
fn blocks_made_to_be_slow_or_deep_are_split() {
    let n = 60_000;
    let deep: String = (0..340).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    let wide: String = (0..6_000).map(|i| format!("k{i}: {i}\n")).collect();
    let anchors: String = (0..4_000).map(|i| format!("k{i}: &a{i} x\n")).collect();
    let pieces = [
        "[", "{", "- ", "? ", "&a ", "!", "\"", "'", "*a ", "a: ", "#", "\t", ":", "|", "%", ",", "[a, ",
        "{a: ", "\\", "x\n ", "\r",
    ];
    let mut blocks: Vec<String> =
        pieces.iter().map(|piece| format!("k: {}\n", piece.repeat(n / piece.len()))).collect();
    blocks.extend(pieces.iter().map(|piece| format!("{}\n", piece.repeat(n / piece.len()))));
    blocks.extend(pieces.iter().map(|piece| format!("k: [{}]\n", piece.repeat(n / piece.len()))));
    blocks.extend([
        deep,
        wide,
        anchors,
        format!("k: [{}]\n", "a,".repeat(n / 2)),
        format!("k:\n{}", "- a\n".repeat(n / 4)),
    ]);
    for block in blocks {
        let text = format!("---\n{block}---\n");
        let parts = split(&text);
        parts.keys.iter().for_each(|key| drop(list::List::of(&key.source)));
        assert_eq!(parts.join(), text);
    }
}
