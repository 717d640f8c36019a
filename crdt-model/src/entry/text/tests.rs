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

fn lines(numbers: impl Iterator<Item = usize>) -> String {
    numbers.map(|i| format!("line {i} of the measured values\n")).collect()
}

#[test]
fn a_word_replaced_everywhere_is_not_a_rewrite() {
    let old = lines(0..25_000);
    let new = old.replace("measured", "taken");
    let splices = diff(&old, &new);
    assert_eq!(apply(&old, &splices), new);
    assert!(splices.iter().all(|splice| splice.insert == "taken"));
    assert_eq!(splices.len(), 25_000);
}

#[test]
fn a_giant_rewrite_is_one_edit() {
    let (old, new) = (lines(0..25_000), "other\n".repeat(30_000));
    let splices = diff(&old, &new);
    assert_eq!(apply(&old, &splices), new);
    assert_eq!(splices.len(), 1);
}

#[test]
fn moved_lines_and_many_inserted_lines_are_bounded() {
    let old = lines(0..4_000);
    for new in
        [lines((0..4_000).rev()), lines((0..8_000).map(|i| i / 2)), lines((0..4_000).filter(|i| i % 3 > 0))]
    {
        assert_eq!(apply(&old, &diff(&old, &new)), new);
    }
}
