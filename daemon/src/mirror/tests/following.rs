use codex_crdt_model::entry::Content;

use super::fake::{World, id};

#[tokio::test]
async fn a_mirror_goes_on_where_it_was() {
    let world = World::new();
    world.text("a.md", "alpha");
    world.settle().await;
    let world = world.reopened(|_| {}).await;
    assert_eq!(world.search("alpha"), ["a.md"]);
    world.text("a.md", "beta");
    world.text("b.md", "gamma");
    world.settle().await;
    assert_eq!(world.search("alpha"), Vec::<String>::new());
    assert_eq!(world.search("beta"), ["a.md"]);
    world.mirror.shutdown().await;
    world.mirror.caught_up(u64::MAX - 1).await;
}

/// A broken mirror heals itself; so does one of another version, and one of another store.
#[tokio::test]
async fn a_damaged_mirror_is_built_anew() {
    let world = World::new();
    world.text("a.md", "alpha");
    world.settle().await;
    let world =
        world.reopened(|path| std::fs::write(path, b"this is no database at all, not at all").unwrap()).await;
    assert_eq!(world.search("alpha"), ["a.md"]);
    let world = world
        .reopened(|path| {
            let db = rusqlite::Connection::open(path).unwrap();
            db.pragma_update(None, "user_version", 99).unwrap();
        })
        .await;
    assert_eq!(world.search("alpha"), ["a.md"]);
    let world = world.reopened(|path| std::fs::remove_file(path).unwrap()).await;
    assert_eq!(world.search("alpha"), ["a.md"]);
    {
        let mut rows = world.rows.lock().unwrap();
        rows.identity = "two".into();
        rows.entries.clear();
        rows.by_revision.clear();
    }
    world.text("b.md", "beta");
    let world = world.reopened(|_| {}).await;
    assert_eq!(world.search("alpha"), Vec::<String>::new());
    assert_eq!(world.search("beta"), ["b.md"]);
}

/// Pages of the file are overwritten while it is in use: reading fails at most until it is built anew.
#[tokio::test]
async fn damage_in_use_heals() {
    let world = World::new();
    for number in 0..2000 {
        world.text(&format!("f/{number}.md"), &format!("word{number} common"));
    }
    world.settle().await;
    let path = world.folder.path().join(".codex/mirror.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(db);
    let length = std::fs::metadata(&path).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![0xa5; (length - 4096) as usize], 4096).unwrap();
    let mut healed = false;
    for _ in 0..1000 {
        world.text("f/1.md", "word1 common");
        world.mirror.nudge(world.revision());
        let found = world.mirror.search("word1999", 5, 0);
        if found.is_ok_and(|answer| answer.hits.len() == 1)
            && world.mirror.count().is_ok_and(|count| count == 2001)
        {
            healed = true;
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(healed);
}

#[tokio::test]
async fn a_rebuild_shows_the_same() {
    let world = World::new();
    for number in 0..50 {
        world.text(&format!("d/{number}.md"), &format!("---\nn: {number}\n---\nword{number}"));
    }
    world.settle().await;
    let before = world.mirror.list(Some(id("d")), None, 100).unwrap();
    world.mirror.rebuild();
    world.mirror.caught_up(world.revision()).await;
    assert_eq!(world.mirror.list(Some(id("d")), None, 100).unwrap(), before);
}

/// A child's row may come long before its folder's.
#[tokio::test]
async fn rows_may_come_in_any_order() {
    let world = World::new();
    world.change(id("f/x.md"), Content::Text("early".into()), |row| {
        row.place_parent = id("f");
        row.place_name = "x.md".into();
    });
    world.settle().await;
    world.text("f/y.md", "late");
    world.settle().await;
    assert_eq!(world.search("early"), ["f/x.md"]);
}

/// A mirror with nothing to do closes its files, and loses nothing by it.
#[tokio::test]
async fn what_comes_after_a_rest_is_shown() {
    let world = World::new();
    world.text("a.md", "first");
    world.settle().await;
    let log = world.folder.path().join(".codex/mirror.db-wal");
    // The last connection takes the log away when it is closed.
    let closed = async {
        while log.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), closed).await.expect("it rests");
    world.text("b.md", "second");
    world.settle().await;
    assert_eq!(world.found("second"), ["b.md"]);
    assert_eq!(world.found("first"), ["a.md"]);
}
