//! Laws over generated texts and histories.

use proptest::prelude::*;

use super::*;
use crate::entry::frontmatter::tests::nasty;

fn ingest(doc: &mut Document, base: &Heads, device: &DeviceId, new: &str) {
    edit(doc, base, device, &[Edit::Content(text(new))]);
    let heads = doc.heads();
    if heads.len() < 2 {
        assert_eq!(shown(doc), new);
    }
}

/// Puts tokens before words of a text, each on its own.
fn with_tokens(words: &[String], places: &[usize], mark: char) -> (String, Vec<String>) {
    let mut words = words.to_vec();
    let mut tokens = Vec::new();
    for (number, place) in places.iter().enumerate() {
        let token = format!("{mark}{mark}{number}{mark} ");
        words.insert(place % (words.len() + 1), token.clone());
        tokens.push(token);
    }
    (words.concat(), tokens)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_comes_out_as_it_went_in(texts in prop::collection::vec(nasty(), 1..5)) {
        let mut doc = born("n.md", text(&texts[0]));
        prop_assert_eq!(shown(&doc), texts[0].clone());
        for new in &texts[1..] {
            let heads = doc.heads();
            ingest(&mut doc, &heads, &A, new);
            prop_assert_eq!(&shown(&doc), new);
            prop_assert!(doc.clashes().is_empty());
        }
    }

    #[test]
    fn machines_converge_and_read_on(base in nasty(), ours in nasty(), theirs in nasty(), last in nasty()) {
        let start = born("n.md", text(&base));
        let (mut a, mut b) = (start.clone(), start);
        let ca = edit(&mut a, &vec![], &A, &[Edit::Content(text(&ours))]);
        let cb = edit(&mut b, &vec![], &B, &[Edit::Content(text(&theirs))]);
        if let Some(change) = &cb {
            a.apply(&B, V, change.branch, &change.change).unwrap();
        }
        if let Some(change) = &ca {
            b.apply(&A, V, change.branch, &change.change).unwrap();
        }
        prop_assert_eq!(a.heads(), b.heads());
        prop_assert_eq!(a.view(), b.view());
        prop_assert_eq!(a.clashes(), b.clashes());
        let heads = a.heads();
        edit(&mut a, &heads, &A, &[Edit::Content(text(&last))]);
        prop_assert_eq!(shown(&a), last);
    }

    #[test]
    fn tokens_inserted_on_both_sides_appear_once(
        words in prop::collection::vec(prop::sample::select(vec!["one ", "two ", "x\n", "🎉 ", "\r\n", "é, "]), 0..60),
        ours in prop::collection::vec(any::<usize>(), 0..8),
        theirs in prop::collection::vec(any::<usize>(), 0..8),
        distinct in any::<bool>(),
    ) {
        let numbered = |(number, word): (usize, &&str)| if distinct { format!("w{number} {word}") } else { (*word).to_owned() };
        let words: Vec<String> = words.iter().enumerate().map(numbered).collect();
        let mut doc = born("n.md", text(&words.concat()));
        let (a, mut tokens) = with_tokens(&words, &ours, 'A');
        let (b, more) = with_tokens(&words, &theirs, 'B');
        tokens.extend(more);
        edit(&mut doc, &vec![], &A, &[Edit::Content(text(&a))]);
        edit(&mut doc, &vec![], &B, &[Edit::Content(text(&b))]);
        let merged = shown(&doc);
        for token in &tokens {
            prop_assert_eq!(merged.matches(token.trim_end()).count(), 1, "{} in {:?}", token, merged);
        }
        if distinct {
            let plain = tokens.iter().fold(merged, |text, token| text.replace(token.as_str(), ""));
            prop_assert_eq!(plain, words.concat());
        }
    }
}
