//! Which blobs a notebook names: who may have them hangs on it.

use codex_crdt_model::core::{Core, Origin};
use codex_crdt_model::effect::{Effect, Reply};
use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{Event, Request, Version};
use codex_crdt_model::path::EntryPath;

use super::*;

fn image(n: u8) -> Content {
    Content::Blob { hash: ContentHash([n; 32]), size: u64::from(n) }
}

/// Opens the notebook as a program does at its start.
fn core(store: &mut Store, seed: u8) -> Core {
    let (core, opened) = Core::open(SigningKey::from_bytes(&[1; 32]), [seed; 32], false, store).unwrap();
    store.apply(&opened.writes).unwrap();
    store.commit().unwrap();
    core
}

fn ask(core: &mut Core, store: &mut Store, request: Request) -> (EntryId, Version) {
    let stepped = core.step(1, Event::Asked { number: 1, request }, store).unwrap();
    store.apply(&stepped.writes).unwrap();
    store.commit().unwrap();
    let reply = stepped.effects.into_iter().find_map(|effect| match effect {
        Effect::Reply { reply, .. } => Some(reply.unwrap()),
        _ => None,
    });
    match reply.unwrap() {
        Reply::Entry { entry, version, .. } => (entry, version),
        other => panic!("{other:?}"),
    }
}

/// Of every version, also of a file that was something else, and of one that is deleted. A store from before that was noted finds
/// it out of its records.
#[test]
fn blobs_of_all_versions_are_named_also_in_a_store_from_before() {
    let (_folder, path) = folder();
    let mut store = Store::open(&path).unwrap();
    let key = SigningKey::from_bytes(&[1; 32]);
    let origin = Origin::Found { name: "n".into(), device_name: "d".into() };
    store.apply(&Core::create(&key, origin, [9; 32], 0)).unwrap();
    let mut running = core(&mut store, 2);
    let mut made = Vec::new();
    for (name, first) in [("a.png", image(1)), ("b.md", Content::Text("text".into()))] {
        let path = EntryPath::parse(name).unwrap();
        made.push(ask(&mut running, &mut store, Request::Create { path, content: first }));
    }
    for (at, content) in [(0, image(2)), (0, image(3)), (1, image(4))] {
        let (entry, base) = made[at].clone();
        made[at] = ask(&mut running, &mut store, Request::Write { entry, base, content });
    }
    let deleted = Event::Asked { number: 2, request: Request::Delete { entry: made[0].0 } };
    let stepped = running.step(2, deleted, &store).unwrap();
    store.apply(&stepped.writes).unwrap();
    store.commit().unwrap();
    assert!(!store.entry(&made[0].0).unwrap().unwrap().alive);
    let named = |store: &Store| -> Vec<u8> {
        let is_named = |n: &u8| store.reader().names_blob(&ContentHash([*n; 32])).unwrap();
        (0..10).filter(is_named).collect()
    };
    assert_eq!(named(&store), [1, 2, 3, 4]);
    drop((running, store));
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("DELETE FROM blobs_named; DELETE FROM statements; DELETE FROM knows;").unwrap();
    drop(connection);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(named(&store), [0; 0]);
    core(&mut store, 3);
    assert_eq!(named(&store), [1, 2, 3, 4]);
}
