//! Frontmatter in documents.

use super::*;

const NOTE: &str =
    "---\n# head\ntitle: Gel run 7 # first\nstatus: open\ntags: [a, b]\ndue: 2026-01-02\n---\nBody text.\n";

fn note() -> Document {
    born("note.md", text(NOTE))
}

fn swap(from: &str, to: &str) -> String {
    assert!(NOTE.contains(from));
    NOTE.replace(from, to)
}

fn property(key: &str, source: &str) -> Edit {
    Edit::Properties(vec![(key.into(), Some(source.into()))])
}

#[track_caller]
fn both(a: &str, b: &str) -> Document {
    let mut doc = note();
    write(&mut doc, &vec![], &A, a);
    write(&mut doc, &vec![], &B, b);
    doc
}

#[test]
fn a_birth_is_encoded_as_ever() {
    let birth = birth("note.md", text(NOTE));
    let doc = Document::from_birth(birth.id(), &birth);
    assert_eq!(shown(&doc), NOTE);
    insta::assert_snapshot!(birth.id(), @"866cf8c012ff8ac2d2beedee88de7b2717455a471801a861a2677775b5c89c1f");
    insta::assert_snapshot!(doc.changes()[0], @"1aee41f353538269f51189dfc833abab57de0f4446e99fc0a7e943eab48307d7");
    let link = born("link", Content::Symlink("../x".into()));
    insta::assert_snapshot!(link.changes()[0], @"220cc550365fffaf20fa4b06016229d54e5ddeb6ec69911d4d1a57b7ac1869ce");
}

#[test]
fn status_and_due_set_at_once_both_win() {
    let doc = both(&swap("status: open", "status: done"), &swap("due: 2026-01-02", "due: 2027-03-04"));
    assert_eq!(shown(&doc), NOTE.replace("status: open", "status: done").replace("2026-01-02", "2027-03-04"));
    assert!(doc.clashes().is_empty());
}

#[test]
fn tags_added_at_once_are_both_kept() {
    let doc = both(&swap("[a, b]", "[a, b, x]"), &swap("[a, b]", "[b, y]"));
    let said = shown(&doc);
    assert!(said.contains("tags: [b, x, y]\n") || said.contains("tags: [b, y, x]\n"), "{said}");
    assert!(doc.clashes().is_empty());
}

#[test]
fn one_property_set_twice_is_a_clash_until_settled() {
    let doc = both(&swap("status: open", "status: done"), &swap("status: open", "status: late"));
    let [Clash::Property { key, sources }] = &doc.clashes()[..] else { panic!("{:?}", doc.clashes()) };
    assert_eq!(key, "status");
    assert!(shown(&doc).contains(&sources[0]));
    let mut all = sources.clone();
    all.sort();
    assert_eq!(all, ["status: done\n", "status: late\n"]);
    for chosen in [sources[0].clone(), sources[1].clone(), "status: settled\n".to_owned()] {
        let mut doc = doc.clone();
        let heads = doc.heads();
        edit(&mut doc, &heads, &A, &[property("status", &chosen)]).unwrap();
        assert!(doc.clashes().is_empty());
        assert_eq!(shown(&doc), swap("status: open\n", &chosen));
        let heads = doc.heads();
        assert_eq!(edit(&mut doc, &heads, &A, &[property("status", &chosen)]), None);
    }
}

#[test]
fn body_and_property_edits_do_not_meet() {
    let mut doc = note();
    write(&mut doc, &vec![], &A, &swap("Body text.", "Body, more text."));
    edit(&mut doc, &vec![], &B, &[property("status", "status: done")]).unwrap();
    assert_eq!(shown(&doc), NOTE.replace("Body text", "Body, more text").replace("open", "done"));
    assert_eq!(doc.view_at(&vec![]).unwrap().content, text(NOTE));
}

#[test]
fn keys_added_moved_and_removed_at_once_merge() {
    let moved = "---\n# head\nstatus: open\ntitle: Gel run 7 # first\ntags: [a, b]\ndue: 2026-01-02\nlast: 1\n---\nBody text.\n";
    let doc = both(moved, &swap("due: 2026-01-02\n", "new: 1\n"));
    let expect = "---\n# head\nstatus: open\ntitle: Gel run 7 # first\ntags: [a, b]\n";
    let said = shown(&doc);
    assert!(said.starts_with(expect), "{said}");
    assert!(said.contains("last: 1\n") && said.contains("new: 1\n") && !said.contains("due"), "{said}");
    assert!(doc.clashes().is_empty());
}

#[test]
fn an_edited_property_survives_removal_of_the_frontmatter() {
    let doc = both("Body text.\n", &swap("status: open", "status: done"));
    assert_eq!(shown(&doc), "---\nstatus: done\n---\nBody text.\n");
    assert!(doc.clashes().is_empty());
}

#[test]
fn broken_yaml_is_kept_and_heals() {
    let mut doc = note();
    let broken = swap("status: open", "status: [open");
    write(&mut doc, &vec![], &A, &broken);
    assert_eq!(shown(&doc), broken);
    let heads = doc.heads();
    let refused = doc.edit(&heads, &A, V, 0, &[property("status", "status: done\n")]).unwrap_err();
    assert!(refused.reason.contains("no valid YAML"), "{refused}");
    let mut other = doc.clone();
    let healed = swap("status: open", "status: healed");
    write(&mut other, &heads, &A, &healed);
    assert_eq!(shown(&other), healed);
    // An edit of what is broken here meets a key's edit there: kept and told, not lost.
    edit(&mut doc, &vec![], &B, &[property("due", "due: never\n")]).unwrap();
    assert!(shown(&doc).contains("due: never\n") && shown(&doc).contains("status: [open\n"));
    assert_eq!(doc.clashes(), [Clash::Frontmatter]);
}

#[test]
fn two_heads_of_comments_are_a_clash() {
    let doc = both(&swap("# head", "# one"), &swap("# head", "# two"));
    assert_eq!(doc.clashes(), [Clash::Frontmatter]);
}

#[test]
fn a_key_that_was_added_twice_breaks_nothing() {
    let doc = both(&swap("status", "who: me\nstatus"), &swap("due:", "when: now\ndue:"));
    assert!(doc.clashes().is_empty());
    let doc = both(&swap("due:", "who: me\ndue:"), &swap("due:", "why: so\ndue:"));
    let said = shown(&doc);
    assert!(said.contains("who: me\nwhy: so\ndue:"), "{said}");
    let mut doc = doc;
    let heads = doc.heads();
    let between = said.replace("why: so\n", "wine: no\nwhy: so\nwhat: that\n");
    write(&mut doc, &heads, &A, &between);
    assert_eq!(shown(&doc), between);
}

#[test]
fn a_list_that_became_a_scalar_and_back_has_its_own_items() {
    let mut doc = note();
    write(&mut doc, &vec![], &A, &swap("[a, b]", "none"));
    let heads = doc.heads();
    let again = swap("[a, b]", "[c]");
    write(&mut doc, &heads, &A, &again);
    assert_eq!(shown(&doc), again);
    write(&mut doc, &vec![], &B, &swap("[a, b]", "[a, b, z]"));
    assert!(shown(&doc).contains("z"), "{}", shown(&doc));
}

#[test]
fn properties_make_frontmatter_only_where_it_is_read() {
    let mut doc = born("a.md", text("Body\r\n"));
    edit(&mut doc, &vec![], &A, &[property("k", "k: v\n")]).unwrap();
    assert_eq!(shown(&doc), "---\r\nk: v\r\n---\r\nBody\r\n");
    let mut doc = born("a.txt", text("Body\n"));
    assert!(doc.edit(&vec![], &A, V, 0, &[property("k", "k: v\n")]).is_err());
    let mut doc = born("a.md", blob(1));
    assert!(doc.edit(&vec![], &A, V, 0, &[property("k", "k: v\n")]).is_err());
    let mut doc = note();
    let removed = Edit::Properties(vec![("nothing".into(), None)]);
    assert_eq!(edit(&mut doc, &vec![], &A, &[removed]), None);
}

#[test]
fn several_edits_in_one_call_are_one_change() {
    let mut doc = note();
    let place = Edit::Place { parent: EntryId([5; 32]), name: "b.md".into() };
    let edits = [Edit::Content(text(&swap("Body", "New body"))), property("status", "status: done\n"), place];
    edit(&mut doc, &vec![], &A, &edits).unwrap();
    assert_eq!(doc.changes().len(), 2);
    assert_eq!(shown(&doc), NOTE.replace("Body", "New body").replace("open", "done"));
    assert_eq!((doc.view().name.as_str(), doc.view().parent), ("b.md", EntryId([5; 32])));
}

#[test]
fn a_text_that_is_renamed_keeps_its_bytes() {
    let mut doc = born("a.txt", text(NOTE));
    let place = |name: &str| Edit::Place { parent: EntryId::ROOT, name: name.into() };
    edit(&mut doc, &vec![], &A, &[place("a.md")]).unwrap();
    assert_eq!(shown(&doc), NOTE);
    let heads = doc.heads();
    edit(&mut doc, &heads, &A, &[property("status", "status: done\n")]).unwrap();
    assert_eq!(shown(&doc), swap("open", "done"));
    let heads = doc.heads();
    edit(&mut doc, &heads, &A, &[place("a.csv"), Edit::Content(text(NOTE))]).unwrap();
    assert_eq!(shown(&doc), NOTE);
}
