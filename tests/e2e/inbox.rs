//! The inbox: what two people changed at once is shown with both values, and is settled from the command line.

use std::fs;

use crate::daemon::until;
use crate::{pair, same};

#[test]
fn a_property_set_twice_is_settled_with_either_value() {
    let note = "---\nstatus: open\n---\n# Day 1\n";
    let (_dir, a, mut b) = pair(|folder| fs::write(folder.join("day 1.md"), note).unwrap());
    b.run(&["wait", "--synced", "--timeout", "1m"]);
    same(&a.folder, &b.folder);
    b.kill();
    fs::write(a.folder.join("day 1.md"), note.replace("open", "done")).unwrap();
    a.run(&["wait", "--idle"]);
    fs::write(b.folder.join("day 1.md"), note.replace("open", "failed")).unwrap();
    b.restart();
    same(&a.folder, &b.folder);
    until("the conflict is shown", || a.run(&["conflicts"]).contains("set twice"));
    let shown = a.run(&["conflicts", "notes"]);
    assert!(shown.contains("status: done") && shown.contains("status: failed"), "{shown}");
    let number = shown.split_whitespace().nth(1).unwrap();
    let other = if shown.contains("1) status: done") { "done" } else { "failed" };
    assert_eq!(a.try_run(&["settle", "notes", number, "--other", "2"]).unwrap_err().code, Some(2));
    a.run(&["settle", "notes", number, "--other", "1"]);
    let settled = note.replace("open", other);
    until("the other value is there", || {
        fs::read_to_string(b.folder.join("day 1.md")).is_ok_and(|text| text == settled)
    });
    assert_eq!(a.run(&["conflicts"]).trim(), "no conflicts");
}

#[test]
fn two_entries_of_one_name_are_told_until_one_is_renamed() {
    let (_dir, a, mut b) = pair(|folder| fs::write(folder.join("a.md"), "a\n").unwrap());
    b.run(&["wait", "--synced", "--timeout", "1m"]);
    same(&a.folder, &b.folder);
    b.kill();
    fs::write(a.folder.join("new.md"), "from A\n").unwrap();
    a.run(&["wait", "--idle"]);
    fs::write(b.folder.join("new.md"), "from B\n").unwrap();
    b.restart();
    same(&a.folder, &b.folder);
    until("both are there", || fs::read_dir(&a.folder).unwrap().count() == 4);
    let shown = a.run(&["conflicts"]);
    assert!(shown.contains("keeps it as `new.md`"), "{shown}");
    let number = shown.split_whitespace().nth(1).unwrap();
    let refused = a.try_run(&["settle", "notes", number, "--other", "1"]).unwrap_err();
    assert!(
        refused.code == Some(2) && refused.error.contains("in the folder, which settles it"),
        "{refused:?}"
    );
    a.run(&["settle", "notes", number]);
    let names = fs::read_dir(&a.folder).unwrap().map(|item| item.unwrap().path());
    let suffixed = names.into_iter().find(|path| path.to_string_lossy().contains("new (")).unwrap();
    let text = fs::read_to_string(&suffixed).unwrap();
    fs::write(&suffixed, format!("{text}more\n")).unwrap();
    same(&a.folder, &b.folder);
    a.run(&["wait", "--idle"]);
    assert_eq!(a.run(&["conflicts"]).trim(), "no conflicts", "what is settled does not come back");
    fs::rename(&suffixed, a.folder.join("own.md")).unwrap();
    until("the inbox of the other is empty", || b.run(&["conflicts"]).trim() == "no conflicts");
}
