//! Hints: what the file watcher says.

use super::*;

/// losses.md L22: editors write a temporary file and rename it over the old one.
#[tokio::test(flavor = "multi_thread")]
async fn an_atomic_save_is_one_change() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.scan().await;
    world.write(".a.md.tmp-123", "new");
    world.hint(&[".a.md.tmp-123"], true);
    std::fs::rename(world.at(".a.md.tmp-123"), world.at("a.md")).unwrap();
    world.hint(&[".a.md.tmp-123", "a.md"], true);
    assert_eq!(short(&world.until_idle().await), ["a.md = new"]);
}

/// losses.md L22: truncated, and written a moment later.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_empty_for_a_moment_is_not_empty() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.scan().await;
    world.write("a.md", "");
    world.hint(&["a.md"], true);
    world.hint(&["a.md"], false);
    world.write("a.md", "new");
    world.hint(&["a.md"], true);
    assert_eq!(short(&world.until_idle().await), ["a.md = new"]);
    world.write("a.md", "");
    world.hint(&["a.md"], true);
    assert_eq!(short(&world.until_idle().await), ["a.md = "], "it stays empty: so it is meant");
}

/// losses.md L22: deleted and written again; and deleted for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_for_a_moment_is_not_deleted() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.write("f/b.md", "in a folder");
    world.scan().await;
    std::fs::remove_file(world.at("a.md")).unwrap();
    world.hint(&["a.md"], true);
    world.write("a.md", "new");
    world.hint(&["a.md"], true);
    assert_eq!(short(&world.until_idle().await), ["a.md = new"]);
    std::fs::remove_file(world.at("a.md")).unwrap();
    std::fs::remove_dir_all(world.at("f")).unwrap();
    world.hint(&["a.md", "f"], true);
    assert_eq!(short(&world.until_idle().await), ["a.md missing", "f missing", "f/b.md missing"]);
}

/// losses.md L22: swap and backup files beside the file that is edited.
#[tokio::test(flavor = "multi_thread")]
async fn swap_files_are_no_news() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.scan().await;
    for swap in [".a.md.swp", ".a.md.swx", "a.md~", ".#a.md"] {
        world.write(swap, "x");
        world.hint(&[swap], true);
    }
    std::fs::rename(world.at("a.md"), world.at("a.md~")).unwrap();
    world.write("a.md", "new");
    world.hint(&["a.md", "a.md~"], true);
    assert_eq!(short(&world.until_idle().await), ["a.md = new"]);
}

/// A rename and a moved folder: one batch each, and the rest of the folder goes along silently.
#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_one_batch() {
    let mut world = World::new().await;
    world.write("a.md", "text");
    world.write("pic.png", b"\0pic");
    world.write("f/g/h.md", "deep");
    world.scan().await;
    std::fs::rename(world.at("a.md"), world.at("b.md")).unwrap();
    world.hint(&["a.md", "b.md"], true);
    assert_eq!(short(&world.observed().await), ["a.md missing", "b.md = text"]);
    std::fs::rename(world.at("pic.png"), world.at("b.png")).unwrap();
    // The halves come one by one when the new place is noticed first.
    world.hint(&["b.png"], true);
    let pic = ContentHash::of(b"\0pic").short();
    assert_eq!(short(&world.observed().await), [format!("b.png blob {pic}"), "pic.png missing".to_owned()]);
    std::fs::rename(world.at("f"), world.at("moved")).unwrap();
    world.hint(&["f", "moved"], true);
    assert_eq!(short(&world.until_idle().await), ["f missing", "moved/"]);
    world.write("moved/g/h.md", "changed");
    world.hint(&["moved/g/h.md"], true);
    assert_eq!(short(&world.until_idle().await), ["moved/g/h.md = changed"]);
    // A scan follows by itself, in case the core understood something else.
    assert_eq!(world.next().await, Event::Scanned(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_saved_anew_and_then_renamed_is_told_with_what_is_missing() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.scan().await;
    world.write("b.md", "old and new");
    std::fs::remove_file(world.at("a.md")).unwrap();
    world.hint(&["a.md", "b.md"], true);
    assert_eq!(short(&world.observed().await), ["a.md missing", "b.md = old and new"]);
}

/// losses.md L22: a name that Vim tries a folder with is no news; whoever counts files comes to it, too, and loses none.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_that_a_program_tries_a_folder_with_is_an_ordinary_one_if_it_stays() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.scan().await;
    world.write("4913", "");
    std::fs::remove_file(world.at("4913")).unwrap();
    world.write("a.md", "new");
    world.hint(&["4913", "a.md"], true);
    assert_eq!(short(&world.until_idle().await), ["a.md = new"]);
    world.write("samples/4913", "measured");
    world.hint(&["samples"], true);
    assert_eq!(short(&world.until_idle().await), ["samples/", "samples/4913 = measured"]);
}

/// losses.md L22: something heard of in the meantime may be what is missing, so that waits for it: one batch.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_with_all_that_was_heard_of_before() {
    let mut world = World::new().await;
    world.write("a.md", "old");
    world.scan().await;
    std::fs::remove_file(world.at("a.md")).unwrap();
    // What has a name for passing use is looked at late.
    world.write("a.tmp", "old and new");
    let file = std::fs::File::options().write(true).open(world.at("a.tmp")).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(1)).unwrap();
    world.hint(&["a.md", "a.tmp"], true);
    assert_eq!(short(&world.observed().await), ["a.md missing", "a.tmp = old and new"]);
}

/// losses.md L21: a folder that appears with everything in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_folder_is_looked_at_whole() {
    let mut world = World::new().await;
    world.scan().await;
    world.write("new/a.md", "a");
    world.write("new/deep/er/b.md", "b");
    // Only the innermost file is noticed: its folders come first all the same.
    world.hint(&["new/deep/er/b.md"], true);
    let told = world.until_idle().await;
    assert_eq!(short(&told), ["new/", "new/a.md = a", "new/deep/", "new/deep/er/", "new/deep/er/b.md = b"]);
    assert_eq!(told[0].path, path("new"));
}

/// losses.md L22: our own write is no edit. losses.md L8: nor is a rewrite without change, but its stat is told.
#[tokio::test(flavor = "multi_thread")]
async fn our_own_write_is_no_news() {
    let mut world = World::new().await;
    world.scan().await;
    assert!(matches!(world.one("a.md", write("ours", None)).await, DiskOutcome::Written { .. }));
    world.hint(&["a.md"], true);
    assert_eq!(world.until_idle().await, []);
    assert!(matches!(world.one("a.md", write("ours 2", Some("ours"))).await, DiskOutcome::Written { .. }));
    world.hint(&["a.md"], true);
    assert_eq!(world.until_idle().await, []);
    world.write("a.md", "ours 2");
    world.hint(&["a.md"], true);
    assert_eq!(short(&world.until_idle().await), ["a.md = ours 2"]);
}

/// A writer that never pauses is read all the same, and what it wrote last is told in the end.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_bytes_are_told_in_the_end() {
    let mut world = World::new().await;
    world.scan().await;
    for number in 0..200 {
        world.write("log.md", format!("line {number}"));
        world.hint(&["log.md"], number % 3 == 0);
    }
    let told = world.until_idle().await;
    assert!(matches!(&told.last().unwrap().seen, Seen::Text(_, text) if text == "line 199"));
}
