//! Characters are followed from version to version; who typed what is known; what was before a version is known.

use super::*;

fn at(text: &str, what: &str) -> usize {
    text[..text.find(what).unwrap()].encode_utf16().count()
}

#[test]
fn a_character_is_followed_through_edits_of_both_sides() {
    let first = "---\nk: 1\n---\nA 🧪 line\n- [ ] boil\n";
    let mut doc = born("a.md", text(first));
    let boxed = at(first, "[ ]");
    let mine = write(&mut doc, &vec![], &A, "---\nk: 1\nlonger: 2\n---\nNew\nA 🧪 line\n- [x] boil\n");
    write(&mut doc, &vec![], &B, "---\nk: 1\n---\nA 🧪🧪 line\n- [ ] boil water\n");
    let now = doc.heads();
    let shown = shown(&doc);
    assert_eq!(shown, "---\nk: 1\nlonger: 2\n---\nNew\nA 🧪🧪 line\n- [x] boil water\n");
    let found = doc.follow(&vec![], boxed, &now).unwrap();
    assert_eq!(found, Place { at: at(&shown, "[x]"), is_there: true });
    assert!(!doc.follow(&vec![], boxed + 1, &now).unwrap().is_there, "the space in the box was replaced");
    assert_eq!(doc.follow(&vec![], 5, &now), None, "the frontmatter has no places");
    assert_eq!(doc.follow(&vec![], 10_000, &now), None);
    assert_eq!(doc.typed_by(&now, at(&shown, "x]")), Some(MadeBy::Change(mine.hash)));
    assert_eq!(doc.typed_by(&now, at(&shown, "boil")), Some(MadeBy::Birth));
    assert_eq!(doc.set_by(&now, "longer"), Some(MadeBy::Change(mine.hash)));
    assert_eq!(doc.set_by(&now, "k"), Some(MadeBy::Birth));
    assert_eq!(doc.set_by(&now, "none"), None);
}

#[test]
fn of_a_passage_its_letters_are_followed() {
    let first = "see (red hen), now\n";
    let mut doc = born("a.txt", text(first));
    let passage = at(first, "(red")..at(first, ", now");
    let wide = write(&mut doc, &vec![], &A, "so see (red old hen), now\n").hash;
    let shown = "so see (red old hen), now\n";
    assert_eq!(
        doc.follow_range(&vec![], passage.clone(), &vec![wide]),
        Some(at(shown, "(red")..at(shown, ", now"))
    );
    let one = write(&mut doc, &vec![wide], &A, "see hen now\n").hash;
    assert_eq!(doc.follow_range(&vec![], passage.clone(), &vec![one]), Some(4..7));
    let none = write(&mut doc, &vec![one], &A, "( ),\n").hash;
    assert_eq!(doc.follow_range(&vec![], passage, &vec![none]), None, "what is left says nothing");
    assert_eq!(
        doc.follow_range(&vec![], 4..5, &vec![wide]),
        Some(7..8),
        "where there are no letters, signs count"
    );
}

#[test]
fn what_is_gone_is_where_it_was() {
    let first = "one\ntwo\nthree\n";
    let mut doc = born("a.txt", text(first));
    write(&mut doc, &vec![], &A, "one\nthree\n");
    let found = doc.follow(&vec![], at(first, "two"), &doc.heads()).unwrap();
    assert_eq!(found, Place { at: 4, is_there: false });
    let end = doc.follow(&vec![], at(first, "ee\n"), &doc.heads()).unwrap();
    assert_eq!(end, Place { at: 7, is_there: true });
}

#[test]
fn right_before_a_version_is_what_it_was_made_of() {
    let mut doc = born("a.txt", text("a\n"));
    let one = write(&mut doc, &vec![], &A, "a b\n").hash;
    let two = write(&mut doc, &vec![], &B, "c a\n").hash;
    let mut both = vec![one, two];
    both.sort();
    let three = write(&mut doc, &both, &A, "c a b d\n").hash;
    assert_eq!(doc.before(&vec![three]), Some(both.clone()));
    assert_eq!(doc.before(&both), Some(vec![]));
    assert_eq!(doc.before(&vec![]), Some(vec![]));
    assert_eq!(doc.before(&vec![ChangeHash([7; 32])]), None);
    let mut mixed = vec![three, one];
    mixed.sort();
    assert!(doc.before(&mixed).is_some(), "heads that follow on each other do no harm");
}

/// Of one character: a passage and a character are followed alike, between any two versions.
#[test]
fn a_passage_of_one_character_is_followed_like_the_character() {
    let first = "---\nk: 1\n---\nab🧪cd (ef)\nghi, jkl\n";
    let mut doc = born("a.md", text(first));
    let mut versions: Vec<Heads> = vec![vec![]];
    for (base, device, edited) in [
        (0, &A, "---\nk: 2\n---\nab🧪cd (ef)\nghi, jkl\n"),
        (0, &B, "---\nk: 1\n---\nabX🧪🧪cd (f)\n\njkl ghi,\n"),
        (1, &A, "---\nk: 2\n---\nb🧪cd )ef(\nghi, jkl\nmore"),
        (2, &B, "---\nk: 1\nl: 3\n---\n"),
        (3, &A, "ghi, jkl\nb🧪cd"),
    ] {
        let base = versions[base].clone();
        let hash = write(&mut doc, &base, device, edited).hash;
        versions.push(vec![hash]);
        versions.push(doc.heads());
    }
    let mut staying = 0;
    for from in &versions {
        let text = match doc.view_at(from).unwrap().content {
            Content::Text(text) => text,
            other => panic!("{other:?}"),
        };
        for to in &versions {
            let mut at = 0;
            for c in text.chars() {
                let there = doc.follow(from, at, to).filter(|place| place.is_there);
                let expect = there.map(|place| place.at..place.at + c.len_utf16());
                staying += usize::from(expect.is_some());
                assert_eq!(
                    doc.follow_range(from, at..at + c.len_utf16(), to),
                    expect,
                    "{c:?} at {at} of {text:?}"
                );
                at += c.len_utf16();
            }
        }
    }
    assert!(staying > 1000, "{staying}");
}
