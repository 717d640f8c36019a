use codex_crdt_model::entry::Content;
use codex_crdt_model::ids::ContentHash;

use super::fake::World;

/// Waits for a condition that other threads make.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

fn cells(words: &str) -> Vec<u8> {
    let picture = "A".repeat(2000);
    format!("{{\"cells\":[{{\"source\":\"{words}\",\"outputs\":[{{\"data\":{{\"image/png\":\"{picture}\"}}}}]}}]}}").into_bytes()
}

#[tokio::test]
async fn what_an_attachment_says_is_found_once_it_is_here() {
    let world = World::new();
    let bytes = cells("zwitterions everywhere");
    let blob = Content::Blob { hash: ContentHash::of(&bytes), size: bytes.len() as u64 };
    let id = world.put("deep/fit.ipynb", blob);
    world.settle().await;
    assert!(world.search("zwitterions").is_empty(), "its bytes are not here yet");
    std::fs::create_dir(world.folder.path().join("deep")).unwrap();
    std::fs::write(world.folder.path().join("deep/fit.ipynb"), &bytes).unwrap();
    until("its text is found", || world.search("zwitterions") == ["deep/fit.ipynb"]).await;
    assert!(world.search("AAAA*").is_empty(), "pictures are no words");
    let answer = world.mirror.search("zwitterions", 5, 0).unwrap();
    assert!(answer.hits[0].snippet.iter().any(|part| part.hit && part.text == "zwitterions"));
    // Under another name and as another entry it is known by its hash.
    world.move_to(id, codex_crdt_model::ids::EntryId::ROOT, "moved.ipynb");
    world.settle().await;
    assert_eq!(world.search("zwitterions"), ["moved.ipynb"]);
    let broken = b"{\"cells\": 1}".to_vec();
    std::fs::write(world.folder.path().join("moved.ipynb"), &broken).unwrap();
    let hash = ContentHash::of(&broken);
    world.change(id, Content::Blob { hash, size: broken.len() as u64 }, |_| {});
    world.settle().await;
    until("what it said is forgotten", || world.search("zwitterions").is_empty()).await;
}

#[tokio::test]
async fn of_a_notebook_of_code_the_cells_are_found() {
    let world = World::new();
    world.text("small.ipynb", &String::from_utf8(cells("michaelis menten")).unwrap());
    world.settle().await;
    assert_eq!(world.search("menten"), ["small.ipynb"]);
    assert!(world.search("outputs").is_empty() && world.search("AAAA*").is_empty());
}
