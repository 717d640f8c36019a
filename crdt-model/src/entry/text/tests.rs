#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{Splice, diff};

fn apply(old: &str, splices: &[Splice<'_>]) -> String {
    let mut units: Vec<u16> = old.encode_utf16().collect();
    for splice in splices.iter().rev() {
        units.splice(splice.at..splice.at + splice.delete, splice.insert.encode_utf16());
    }
    String::from_utf16(&units).unwrap()
}

fn nasty() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "alpha",
        "beta ",
        "\n",
        "\r\n",
        "\r",
        "🎉",
        "👩‍🔬",
        "é",
        "e\u{301}",
        " ",
        "\t",
        "12.5",
        "- x\n",
        "_",
        "\u{feff}",
        "日本",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_edits_make_exactly_the_new_text(old in nasty(), new in nasty()) {
        let splices = diff(&old, &new);
        prop_assert_eq!(&apply(&old, &splices), &new);
        prop_assert!(splices.windows(2).all(|w| w[0].at + w[0].delete <= w[1].at));
    }
}

#[test]
fn a_changed_word_is_one_edit() {
    let splices = diff("one two three\nfour\n", "one 2 three\nfour\n");
    assert_eq!(splices, [Splice { at: 4, delete: 3, insert: "2" }]);
}

#[test]
fn typing_inside_a_word_inserts_only() {
    assert_eq!(diff("🎉 hel\n", "🎉 hello\n"), [Splice { at: 6, delete: 0, insert: "lo" }]);
}

#[test]
fn a_giant_rewrite_is_bounded() {
    let old: String = (0..60_000).map(|i| format!("line {i}\n")).collect();
    let new: String = (0..60_000).rev().map(|i| format!("line {i}\n")).collect();
    let splices = diff(&old, &new);
    assert!(splices.len() <= super::SPLICES);
    assert_eq!(&apply(&old, &splices), &new);
}
