//! History beside a repository that is the user's own.
#![allow(clippy::unwrap_used)]

use codex_crdt_model::core::Origin;
use ed25519_dalek::SigningKey;

use super::*;

/// A notebook whose store holds one text.
fn notebook() -> (tempfile::TempDir, PathBuf) {
    use codex_crdt_model::Core;
    use codex_crdt_model::event::{Event, Request};
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("lab");
    std::fs::create_dir(&root).unwrap();
    let key = SigningKey::from_bytes(&[1; 32]);
    let origin = Origin::Found { name: "lab".into(), device_name: "a".into() };
    crate::driver::create(&root, &key, origin, None).unwrap();
    let mut store = crate::store::Store::open(&root.join(".codex/store.db")).unwrap();
    let (mut core, opened) = Core::open(key, [1; 32], false, &store).unwrap();
    store.apply(&opened.writes).unwrap();
    let request = Request::Create { path: "a.md".parse().unwrap(), content: Content::Text("one\n".into()) };
    let stepped = core.step(1, Event::Asked { number: 1, request }, &store).unwrap();
    store.apply(&stepped.writes).unwrap();
    store.commit().unwrap();
    (dir, root)
}

/// losses.md L23: somebody is in the middle of a merge, and holds the index: neither HEAD nor index nor the state of
/// the merge is touched, and the history is written all the same.
#[test]
fn a_merge_under_way_in_the_users_repository_is_left_alone() {
    let (_dir, root) = notebook();
    let repository = Repository::init(&root).unwrap();
    let who = Signature::new("u", "u@localhost", &Time::new(0, 0)).unwrap();
    let empty = repository.treebuilder(None).unwrap().write().unwrap();
    let tree = repository.find_tree(empty).unwrap();
    let first = repository.commit(Some("HEAD"), &who, &who, "first", &tree, &[]).unwrap();
    let git = root.join(".git");
    std::fs::write(git.join("MERGE_HEAD"), format!("{first}\n")).unwrap();
    std::fs::write(git.join("MERGE_MSG"), "half done\n").unwrap();
    std::fs::write(git.join("index"), "whatever is in it").unwrap();
    std::fs::write(git.join("index.lock"), "").unwrap();
    let own = ["HEAD", "MERGE_HEAD", "MERGE_MSG", "index", "index.lock", "config"];
    let bytes = || own.map(|name| std::fs::read(git.join(name)).unwrap());
    let before = bytes();
    assert!(commit(&root, "a").unwrap());
    assert_eq!(bytes(), before);
    assert_eq!(repository.head().unwrap().target(), Some(first));
    let history = repository.find_reference(OWN_REF).unwrap().peel_to_commit().unwrap();
    assert_eq!(paths_of(&history).unwrap(), BTreeSet::from(["a.md".to_owned()]));
    assert!(!commit(&root, "a").unwrap(), "nothing new");
}

#[test]
fn a_repository_that_codex_made_shows_nothing_as_changed() {
    let (_dir, root) = notebook();
    std::fs::write(root.join("a.md"), "one\n").unwrap();
    assert!(commit(&root, "a").unwrap());
    let repository = Repository::open(&root).unwrap();
    assert!(repository.config().unwrap().get_bool(MANAGED).unwrap());
    let statuses = repository.statuses(None).unwrap();
    let changed: Vec<_> =
        statuses.iter().filter(|one| !one.status().is_ignored()).map(|one| one.status()).collect();
    assert_eq!(changed, []);
}
