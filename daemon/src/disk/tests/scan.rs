//! Scans.

use super::*;

/// losses.md L17, L18, L20, L37, L38, L39: whatever the bytes and the names, they are what is told.
#[tokio::test(flavor = "multi_thread")]
async fn every_file_is_told_byte_for_byte() {
    let texts = [
        ("empty.md", String::new()),
        ("crlf.md", "one\r\ntwo\rthree\n".to_owned()),
        ("bom.md", "\u{feff}# title".to_owned()),
        ("emoji 🧪 ä ö.md", "👩‍🔬 e\u{301} \u{202e}rtl".to_owned()),
        ("Fall.MD", "upper".to_owned()),
        ("fall.md", "lower".to_owned()),
        ("cafe\u{301}.md", "nfd".to_owned()),
        ("caf\u{e9}.md", "nfc".to_owned()),
        ("long line.md", "x".repeat(100_000)),
        ("limit.txt", "y".repeat(1 << 20)),
        ("x (sync-conflict-20260101).md", "another tool's".to_owned()),
        ("notes.tmp", "the user's own".to_owned()),
        (".gitignore", "*.log".to_owned()),
        ("my.git-notes/a.codex", "named after".to_owned()),
        ("deep/er/and/deeper/f.md", "down".to_owned()),
    ];
    let bytes: [(&str, Vec<u8>); 4] = [
        ("nul.md", b"a\0b".to_vec()),
        ("latin1.md", b"caf\xe9".to_vec()),
        ("2 MB.txt", "z".repeat(2 << 20).into_bytes()),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0".to_vec()),
    ];
    let mut world = World::new().await;
    for (path, text) in &texts {
        world.write(path, text);
    }
    for (path, bytes) in &bytes {
        world.write(path, bytes);
    }
    std::os::unix::fs::symlink("/etc/passwd", world.at("outside")).unwrap();
    std::os::unix::fs::symlink("nowhere", world.at("dangling")).unwrap();
    std::os::unix::fs::symlink("/etc", world.at("folder link")).unwrap();
    let cwd = rustix::fs::CWD;
    rustix::fs::mkfifoat(cwd, world.at("fifo"), rustix::fs::Mode::RWXU).unwrap();
    let mut told: Vec<Observation> = world.scan().await.into_iter().flatten().collect();
    // What looks like a temporary file is looked at when it has lived a while.
    told.extend(world.until_idle().await);
    let of = |at: &str| &told.iter().find(|observation| observation.path.as_str() == at).unwrap().seen;
    for (path, text) in &texts {
        assert!(matches!(of(path), Seen::Text(stat, told) if told == text && stat.size == text.len() as u64));
    }
    for (path, bytes) in &bytes {
        let hash = ContentHash::of(bytes);
        assert!(matches!(of(path), Seen::Blob(_, told) if *told == hash), "{path}");
        assert!(world.blobs.has(&hash).await.unwrap());
    }
    assert!(matches!(of("outside"), Seen::Symlink(_, target) if target == "/etc/passwd"));
    assert!(matches!(of("dangling"), Seen::Symlink(_, target) if target == "nowhere"));
    assert!(matches!(of("folder link"), Seen::Symlink(_, target) if target == "/etc"));
    assert_eq!(*of("fifo"), Seen::Special);
    assert_eq!(told.len(), texts.len() + bytes.len() + 4 + 5, "files, links, the FIFO and five folders");
    let place = |at: &str| told.iter().position(|observation| observation.path.as_str() == at).unwrap();
    assert!(place("deep") < place("deep/er") && place("deep/er/and") < place("deep/er/and/deeper/f.md"));
}

/// losses.md L8: what has not changed is not told again, nor read.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_tells_differences_only() {
    let mut world = World::new().await;
    world.write("a/b.md", "text");
    world.write("c.bin", b"\0");
    world.scan().await;
    assert_eq!(world.scan().await, Vec::<Vec<Observation>>::new());
    assert_eq!(world.disk.progress().borrow().read, 0);
    world.write("a/b.md", "changed");
    std::fs::remove_file(world.at("c.bin")).unwrap();
    let told: Vec<_> = world.scan().await.concat();
    assert_eq!(short(&told), ["a/b.md = changed", "c.bin missing"]);
}

/// losses.md L14: an unmounted, emptied or replaced root deletes nothing, and is taken up again when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_root_deletes_nothing() {
    let mut world = World::new().await;
    world.write("a.md", "text");
    world.scan().await;
    let elsewhere = world.dir.path().join("elsewhere");
    std::fs::rename(world.root(), &elsewhere).unwrap();
    std::fs::create_dir(world.root()).unwrap();
    world.hint(&["a.md"], true);
    world.disk.scan();
    assert!(matches!(world.next().await, Event::RootLost(reason) if reason.contains("notebook")));
    let refused = world.one("b.md", write("x", None)).await;
    assert!(matches!(refused, DiskOutcome::Failed(_)), "{refused:?}");
    assert!(!world.at("b.md").exists());
    std::fs::remove_dir(world.root()).unwrap();
    std::fs::rename(&elsewhere, world.root()).unwrap();
    assert_eq!(world.next().await, Event::RootFound);
    assert_eq!(world.next().await, Event::Scanned(0), "nothing has changed");
}

/// losses.md L14: missing from the very start.
#[tokio::test(flavor = "multi_thread")]
async fn a_root_without_marker_is_lost() {
    let mut world = World::with(|root| std::fs::remove_file(root.join(".codex/notebook")).unwrap()).await;
    world.disk.scan();
    assert!(matches!(world.next().await, Event::RootLost(_)));
}

/// losses.md L22, L23: swap files, Git's and Codex's own folders, and what the user excludes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_ignored_is_neither_there_nor_missing() {
    let mut world = World::new().await;
    for ignored in [".git/HEAD", "sub/.git/HEAD", ".a.md.swp", "a.md~", ".#a.md", ".codex/x", "q.swx"] {
        world.write(ignored, "x");
    }
    world.write("inner/.codex/notebook", "2");
    world.write("inner/theirs.md", "another notebook");
    world.write("keep.log", "told first");
    world.write("build/out.md", "told first");
    let told = world.scan().await.concat();
    assert_eq!(short(&told), ["build/", "build/out.md = told first", "keep.log = told first", "sub/"]);
    world.write(".codexignore", "*.log\n/build/\n");
    world.write("new.log", "x");
    world.write("sub/.codexignore", "!yes.log\n");
    world.write("sub/yes.log", "wanted");
    std::fs::remove_file(world.at("keep.log")).unwrap();
    let told = world.scan().await.concat();
    let expected =
        [".codexignore = *.log\n/build/\n", "sub/.codexignore = !yes.log\n", "sub/yes.log = wanted"];
    assert_eq!(short(&told), expected);
}

/// losses.md L20: a folder that became a link is not entered; what was in it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_became_a_link_is_not_entered() {
    let mut world = World::new().await;
    world.write("a/b.md", "text");
    world.scan().await;
    let outside = world.dir.path().join("outside");
    std::fs::rename(world.at("a"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, world.at("a")).unwrap();
    let target = outside.to_str().unwrap();
    assert_eq!(short(&world.scan().await.concat()), [format!("a -> {target}"), "a/b.md missing".to_owned()]);
    let refused = world.one("a/new.md", write("x", None)).await;
    assert_eq!(refused, DiskOutcome::Vanished, "nothing is written through a link");
    assert!(!outside.join("new.md").exists());
}

/// A file and a folder that moved while nobody looked: both places in one batch.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_is_told_in_one_batch() {
    let mut world = World::new().await;
    world.write("old/one.md", "one");
    world.write("old/sub/two.bin", b"\0two");
    world.write("three.md", "three");
    world.scan().await;
    std::fs::rename(world.at("three.md"), world.at("old/four.md")).unwrap();
    std::fs::rename(world.at("old"), world.at("new")).unwrap();
    let batches = world.scan().await;
    assert_eq!(short(&batches[0]), ["new/", "new/four.md = three", "old missing", "three.md missing"]);
    assert_eq!(batches.len(), 1, "what is in a moved folder has not changed: {batches:?}");
}

/// Another inode with the same bytes, as a move across file systems makes it.
#[tokio::test(flavor = "multi_thread")]
async fn copied_and_deleted_is_told_in_one_batch() {
    let mut world = World::new().await;
    for number in 0..300 {
        world.write(&format!("{number}.md"), format!("text {number}"));
    }
    world.write("b.bin", b"\0bytes");
    world.scan().await;
    for number in 0..300 {
        world.write(&format!("moved/{number}.md"), format!("text {number}"));
        std::fs::remove_file(world.at(&format!("{number}.md"))).unwrap();
    }
    world.write("moved/b.bin", b"\0bytes");
    std::fs::remove_file(world.at("b.bin")).unwrap();
    let batches = world.scan().await;
    assert!(batches.len() > 1);
    for batch in batches {
        let count = |gone: bool| {
            let counted = |seen: &Seen| !matches!(seen, Seen::Folder(_)) && (*seen == Seen::Missing) == gone;
            batch.iter().filter(|observation| counted(&observation.seen)).count()
        };
        assert_eq!(count(true), count(false), "{:?}", short(&batch));
    }
}

/// losses.md L15, L28: what cannot be read is not deleted, and is shown until it can.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_not_missing_and_is_shown() {
    use std::os::unix::fs::PermissionsExt as _;
    if rustix::process::geteuid().is_root() {
        println!("not tried: permissions do not bind the root user");
        return;
    }
    let mut world = World::new().await;
    world.write("a/b.md", "text");
    world.write("c.md", "text");
    world.scan().await;
    std::fs::set_permissions(world.at("a"), std::fs::Permissions::from_mode(0o000)).unwrap();
    world.write("c.md", "changed");
    std::fs::set_permissions(world.at("c.md"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let told = world.scan().await.concat();
    std::fs::set_permissions(world.at("a"), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(short(&told), ["c.md unreadable"]);
    let mut troubles = world.disk.troubles();
    let shown = troubles.wait_for(|troubles| troubles.count == 2).await.unwrap().first.clone();
    assert_eq!([&shown[0].path, &shown[1].path], ["a", "c.md"]);
    std::fs::set_permissions(world.at("c.md"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(short(&world.scan().await.concat()), ["c.md = changed"]);
    troubles.wait_for(|troubles| troubles.count == 0).await.unwrap();
}

/// losses.md L28: a name that no entry can have is not passed over in silence.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_shown() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut world = World::new().await;
    world.write("a.md", "text");
    let odd = world.root().join(std::ffi::OsStr::from_bytes(b"latin1 \xe9.md"));
    std::fs::write(&odd, "x").unwrap();
    assert_eq!(short(&world.scan().await.concat()), ["a.md = text"]);
    let mut troubles = world.disk.troubles();
    let shown = troubles.wait_for(|troubles| troubles.count == 1).await.unwrap().first.clone();
    assert!(shown[0].path.starts_with("latin1") && shown[0].reason.contains("UTF-8"), "{shown:?}");
    std::fs::rename(&odd, world.at("latin1.md")).unwrap();
    assert_eq!(short(&world.scan().await.concat()), ["latin1.md = x"]);
    troubles.wait_for(|troubles| troubles.count == 0).await.unwrap();
}

/// What the store knows to be on disk is not told again after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_knows_is_no_news() {
    let mut world = World::new().await;
    world.write("f/a.md", "text");
    world.write("b.bin", b"\0");
    world.scan().await;
    world.disk.shutdown().await;
    let mut store = crate::store::Store::open(&world.at(".codex/store.db")).unwrap();
    let bases = rows(&world.believed).into_iter().map(|(entry, row)| (entry, Some(row))).collect();
    store.apply(&codex_crdt_model::store::WriteSet { bases, ..Default::default() }).unwrap();
    store.commit().unwrap();
    let (sender, events) = mpsc::channel(1 << 16);
    world.events = events;
    world.disk = Disk::start(world.root(), world.blobs.clone(), sender).unwrap();
    world.write("f/a.md", "changed");
    assert_eq!(short(&world.scan().await.concat()), ["f/a.md = changed"]);
}

/// A scan that is asked for before the folder is watched comes after.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_waits_until_the_folder_is_watched() {
    let mut world = World::new().await;
    world.disk.hold_scans(true);
    world.disk.scan();
    world.write("a.md", "text");
    // Whatever the worker does with the order to scan, it has done before it answers the next one.
    world.disk.run(Vec::new());
    assert_eq!(world.next().await, Event::DiskDone(Vec::new()));
    world.write("b.md", "text");
    world.disk.hold_scans(false);
    let Event::Observed(told) = world.next().await else { panic!("the scan comes now") };
    assert_eq!(short(&told), ["a.md = text", "b.md = text"]);
}

/// What an operation just moved is neither gone nor new to a scan that follows at once, though nobody has taken in the
/// operation's result yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_knows_of_operations_whose_results_are_on_their_way() {
    let mut world = World::new().await;
    world.write("f/a.md", "text");
    world.scan().await;
    let action = DiskAction::Move { to: path("g") };
    world.disk.run(vec![DiskOp { entry: entry("f"), path: path("f"), action }]);
    world.disk.scan();
    assert!(matches!(world.done().await[..], [DiskOutcome::Moved(_)]));
    world.believe_moved("f", "g");
    assert!(matches!(world.next().await, Event::Scanned(_)), "nothing has changed");
}
