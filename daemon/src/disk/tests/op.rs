//! Operations.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// Law 3, and "never overwrite unseen bytes": what nobody has seen comes out whole and stays until discarded.
#[tokio::test(flavor = "multi_thread")]
async fn unseen_bytes_come_out_whole() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.scan().await;
    world.write("a.md", "typed in between");
    let outcome = world.one("a.md", write("new", Some("old"))).await;
    let DiskOutcome::Written { displaced: Some((Seen::Text(_, text), aside)), .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((text.as_str(), world.read("a.md").as_str()), ("typed in between", "new"));
    assert_eq!(world.aside(), std::slice::from_ref(&aside));
    let taken = hash("typed in between");
    assert_eq!(world.one("a.md", DiskAction::Discard { aside, taken }).await, DiskOutcome::Discarded);
    // The program still has it open. What it writes now is told with what it was then.
    let kept = world.aside().pop().unwrap();
    std::fs::write(world.at(".codex/tmp").join(&kept), "typed in between, and on").unwrap();
    let Event::DiskDone(late) = world.next().await else { panic!("the kept file is looked at again") };
    assert!(matches!(
        &late[0].outcome,
        DiskOutcome::Leftover { seen: Seen::Text(_, text), was, .. } if text == "typed in between, and on" && *was == taken
    ));
    let refused = world
        .one("a.md", DiskAction::Discard { aside: "../notebook".to_owned(), taken: ContentHash::of(b"") })
        .await;
    assert!(matches!(refused, DiskOutcome::Failed(_)));
}

/// The same when something is to be removed.
#[tokio::test(flavor = "multi_thread")]
async fn unseen_bytes_survive_a_removal() {
    let mut world = World::new().await;
    world.write("a.md", "typed in between");
    let outcome = world.one("a.md", DiskAction::Remove { expect: hash("old") }).await;
    assert!(matches!(
        outcome,
        DiskOutcome::Removed { displaced: Some((Seen::Text(_, text), _)) } if text == "typed in between"
    ));
    assert!(!world.at("a.md").exists());
    let again = world.one("a.md", DiskAction::Remove { expect: hash("old") }).await;
    assert_eq!(again, DiskOutcome::Removed { displaced: None });
}

/// losses.md L2, L3: nothing is put over what is not known; the same bytes are no conflict.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_file_is_not_replaced() {
    let mut world = World::new().await;
    world.write("a.md", "theirs");
    assert_eq!(world.one("a.md", write("ours", None)).await, DiskOutcome::Occupied);
    assert_eq!(world.read("a.md"), "theirs");
    assert_eq!(short(&world.until_idle().await), ["a.md = theirs"], "and it is told of");
    let outcome = world.one("a.md", write("theirs", None)).await;
    assert!(matches!(outcome, DiskOutcome::Written { displaced: None, .. }));
    std::fs::create_dir(world.at("f")).unwrap();
    assert_eq!(world.one("f", write("x", None)).await, DiskOutcome::Occupied);
    assert_eq!(world.one("f", write("x", Some("y"))).await, DiskOutcome::Occupied);
    assert_eq!(world.one("gone.md", write("x", Some("y"))).await, DiskOutcome::Vanished);
    assert_eq!(world.one("no/folder.md", write("x", None)).await, DiskOutcome::Vanished);
    assert_eq!(world.aside(), Vec::<String>::new(), "nothing is left behind");
}

/// A program that still had the old file open writes to it: its bytes are told.
#[tokio::test(flavor = "multi_thread")]
async fn late_writes_to_what_came_out_are_told() {
    use std::io::Write as _;
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.write("b.md", "old");
    world.scan().await;
    let mut open = std::fs::OpenOptions::new().append(true).open(world.at("a.md")).unwrap();
    for at in ["a.md", "b.md"] {
        let outcome = world.one(at, write("new", Some("old"))).await;
        assert!(matches!(outcome, DiskOutcome::Written { displaced: None, .. }));
    }
    open.write_all(b" and late").unwrap();
    let outcomes = world.done().await;
    assert!(matches!(
        outcomes.as_slice(),
        [DiskOutcome::Leftover { seen: Seen::Text(_, text), was, aside }]
            if text == "old and late" && *was == hash("old") && world.aside().contains(aside)
    ));
}

/// losses.md L22: who saves in place empties the file for a moment, also if it comes out just then. What was saved is told, as soon
/// as it is there, as an edit of what the file was.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_out_while_it_is_saved_is_not_empty() {
    use std::io::Write as _;
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.write("b.md", "old");
    world.scan().await;
    let mut open = std::fs::File::create(world.at("a.md")).unwrap();
    let outcome = world.one("a.md", write("new", Some("old"))).await;
    assert!(matches!(outcome, DiskOutcome::Written { displaced: None, .. }), "{outcome:?}");
    open.write_all(b"saved in place").unwrap();
    // One that is meant to be empty is told too.
    drop(std::fs::File::create(world.at("b.md")).unwrap());
    let outcome = world.one("b.md", DiskAction::Remove { expect: hash("old") }).await;
    assert_eq!(outcome, DiskOutcome::Removed { displaced: None });
    let mut told = Vec::new();
    while told.len() < 2 {
        for outcome in world.done().await {
            let DiskOutcome::Leftover { seen: Seen::Text(_, text), was, .. } = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(was, hash("old"));
            told.push(text);
        }
    }
    assert_eq!(told, ["saved in place", ""]);
}

/// losses.md L24: after a crash, what was never put in place is dropped, what the store holds too, and what nobody
/// has seen is told.
#[tokio::test(flavor = "multi_thread")]
async fn leftovers_of_a_crash_are_told_unless_they_are_held() {
    let (one, held) = (entry("a.md"), hash("held"));
    let mut world = World::with(|root| {
        let tmp = root.join(".codex/tmp");
        std::fs::create_dir(&tmp).unwrap();
        std::fs::write(tmp.join(format!("new.{one}.3")), "half of a wri").unwrap();
        std::fs::write(tmp.join(format!("{one}.4.{held}")), "held").unwrap();
        std::fs::write(tmp.join(format!("{one}.5.{held}")), "unseen").unwrap();
        std::fs::write(tmp.join("somebody else's"), "x").unwrap();
    })
    .await;
    let outcomes = world.done().await;
    let aside = format!("{one}.5.{held}");
    assert!(matches!(
        outcomes.as_slice(),
        [DiskOutcome::Leftover { seen: Seen::Text(_, text), was, aside: told }]
            if text == "unseen" && *was == held && *told == aside
    ));
    let mut left = world.aside();
    left.sort();
    assert_eq!(left, [aside, "somebody else's".to_owned()]);
}

/// Operations are carried out in order, and their results come in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_made_moved_and_removed_in_order() {
    let mut world = World::new().await;
    let blob = world.blobs.import_bytes(bytes::Bytes::from_static(b"\0blob")).await.unwrap();
    let op = |at: &str, action| DiskOp { entry: entry(at), path: path(at), action };
    let outcomes = world
        .run(vec![
            op("f", DiskAction::MakeFolder),
            op("f/g", DiskAction::MakeFolder),
            op("f/g/a.md", write("a\r\n", None)),
            op("f/b.bin", DiskAction::Write { content: Content::Blob { hash: blob, size: 5 }, expect: None }),
            op("f/l", DiskAction::Write { content: Content::Symlink("/etc".to_owned()), expect: None }),
            op("f/g", DiskAction::Move { to: path("g") }),
            op("f/b.bin", DiskAction::Move { to: path("g/a.md") }),
            op("f", DiskAction::RemoveFolder),
            op("f/l", DiskAction::Remove { expect: hash("/etc") }),
            op("f/b.bin", DiskAction::Move { to: path("b.bin") }),
            op("f", DiskAction::RemoveFolder),
            op("none", DiskAction::Move { to: path("other") }),
        ])
        .await;
    let names: Vec<String> = outcomes
        .iter()
        .map(|outcome| format!("{outcome:?}").split(['(', ' ']).next().unwrap().to_owned())
        .collect();
    let expected = "FolderMade FolderMade Written Written Written Moved Occupied NotEmpty Removed Moved Removed Vanished";
    assert_eq!(names.join(" "), expected);
    assert_eq!(world.read("g/a.md"), "a\r\n");
    assert_eq!(std::fs::read(world.at("b.bin")).unwrap(), b"\0blob");
    assert!(!world.at("f").exists());
    let none = Content::Blob { hash: hash("not held"), size: 8 };
    let outcome = world.one("c.bin", DiskAction::Write { content: none, expect: None }).await;
    assert_eq!(outcome, DiskOutcome::BlobNotHeld);
    world.until_idle().await;
}

/// Whatever a peer asks for: nothing is written into Git's or Codex's own folders.
#[tokio::test(flavor = "multi_thread")]
async fn git_and_codex_folders_are_never_written() {
    let mut world = World::new().await;
    std::fs::create_dir_all(world.at(".git/hooks")).unwrap();
    for at in [".git/hooks/post-commit", ".GIT/config", ".codex/notebook", "a/.git/config", ".Codex/x"] {
        let outcome = world.one(at, write("evil", None)).await;
        assert!(matches!(outcome, DiskOutcome::Failed(_)), "{at}: {outcome:?}");
    }
    let outcome = world.one(".codex/notebook", DiskAction::Remove { expect: hash("1") }).await;
    assert!(matches!(outcome, DiskOutcome::Failed(_)));
    assert!(!world.at(".git/hooks/post-commit").exists());
    assert_eq!(world.read(".codex/notebook"), "1");
}

/// The mode of a script stays; many files take the way of one sync for all.
#[tokio::test(flavor = "multi_thread")]
async fn modes_stay_and_many_files_are_written() {
    let mut world = World::new().await;
    world.write("run.sh", "old");
    std::fs::set_permissions(world.at("run.sh"), std::fs::Permissions::from_mode(0o750)).unwrap();
    world.scan().await;
    world.one("run.sh", write("new", Some("old"))).await;
    assert_eq!(world.at("run.sh").metadata().unwrap().permissions().mode() & 0o777, 0o750);
    let many: Vec<DiskOp> = (0..300)
        .map(|number| format!("{number}.md"))
        .map(|at| DiskOp { entry: entry(&at), path: path(&at), action: write(&at, None) })
        .collect();
    let outcomes = world.run(many).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, DiskOutcome::Written { displaced: None, .. })));
    assert_eq!(world.read("299.md"), "299.md");
    // The played core has not taken in the results, so the scan tells of all of them.
    assert_eq!(short(&world.scan().await.concat()).len(), 301);
}

/// An edit that has not been looked at when its file is moved is told afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_before_a_move_is_not_covered_up() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.scan().await;
    let before = world.believed.lock().unwrap()["a.md"].0;
    world.write("a.md", "edited");
    assert_eq!(world.one("a.md", DiskAction::Move { to: path("b.md") }).await, DiskOutcome::Moved(before));
    assert_eq!(short(&world.until_idle().await), ["b.md = edited"]);
}

/// Where names cannot be exchanged, nothing unseen is lost either.
#[test]
fn without_exchange_what_was_there_is_kept() {
    use super::super::root::Root;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join(".codex/tmp")).unwrap();
    std::fs::write(dir.path().join(".codex/notebook"), "1").unwrap();
    std::fs::write(dir.path().join(".codex/tmp/ours"), "new").unwrap();
    std::fs::write(dir.path().join("a.md"), "old").unwrap();
    let root = Root::open(dir.path()).unwrap().without_exchange();
    let (tmp, spot) = (root.tmp().unwrap(), root.spot(&path("a.md")).unwrap());
    root.exchange(&tmp, "ours", "aside", &spot).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("a.md")).unwrap(), "new");
    assert_eq!(std::fs::read_to_string(dir.path().join(".codex/tmp/aside")).unwrap(), "old");
    assert!(!dir.path().join(".codex/tmp/ours").exists());
}

/// losses.md L19: a name that this disk, or Codex itself, cannot hold: the write fails, says why, and no scan makes a
/// deletion of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_held_is_refused_and_never_missing() {
    let mut world = World::new().await;
    world.write("a.md", "text");
    world.scan().await;
    let deep = (0..18).fold(path("d"), |at, _| at.join(&"x".repeat(240)));
    for at in [path(".git/config"), path("sub/.CODEX/x"), deep] {
        let op = DiskOp { entry: entry("e"), path: at, action: write("x", None) };
        let outcome = world.run(vec![op]).await.remove(0);
        assert!(matches!(&outcome, DiskOutcome::Failed(why) if why.contains(';')), "{outcome:?}");
    }
    assert!(world.scan().await.is_empty());
    assert_eq!(world.aside(), Vec::<String>::new(), "nothing is left behind");
}
