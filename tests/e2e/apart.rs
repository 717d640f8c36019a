//! Two notebooks on one device stay apart: whoever belongs to one gets nothing of the other, and hears of nothing in it. What a
//! changed program would do is done here with the network's own code and the key of a device whose daemon is stopped.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use codex_crdt_model::ids::{ContentHash, DeviceId, NotebookId};
use codexd::blobs::Blobs;
use codexd::net::{Net, NetConfig, NetEvent, RelayChoice};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::alone;
use crate::daemon::{Daemon, PATIENCE, until};

fn image(n: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0".to_vec();
    bytes.extend((0..60_000_u32).map(|at| (at % 251) as u8 ^ n));
    bytes
}

fn hash_of(n: u8) -> ContentHash {
    ContentHash(*blake3::hash(&image(n)).as_bytes())
}

fn notebook(daemon: &Daemon, name: &str) -> Value {
    let status = daemon.status();
    let all = status["notebooks"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}: {all:?}")).clone()
}

fn id_of(daemon: &Daemon, name: &str) -> NotebookId {
    notebook(daemon, name)["id"].as_str().unwrap().parse().unwrap()
}

/// A device with two notebooks, `notes` and `harmless`, and another that belongs to one or both. The other leaves attachments
/// where they are.
fn two_notebooks(role: &str, both: bool) -> (tempfile::TempDir, Daemon, Daemon) {
    let (dir, a) = alone(|folder| fs::write(folder.join("a.md"), "secret\n").unwrap());
    let harmless = dir.path().join("ha");
    fs::create_dir(&harmless).unwrap();
    a.run(&["notebook", "add", harmless.to_str().unwrap(), "--name", "harmless"]);
    let b = Daemon::start(&dir.path().join("b"), dir.path().join("fb"));
    join(&a, &b, "harmless", role, &dir.path().join("hb"));
    if both {
        join(&a, &b, "notes", role, &b.folder);
    }
    (dir, a, b)
}

fn join(a: &Daemon, b: &Daemon, notebook: &str, role: &str, folder: &Path) {
    let printed = a.run(&["invite", notebook, "--role", role, "--unattended"]);
    let ticket = printed.split_whitespace().find(|word| word.starts_with("codex")).unwrap();
    b.run(&["join", ticket, folder.to_str().unwrap()]);
    b.run(&["notebook", "fetch", notebook, "on-demand"]);
}

/// A device without its daemon: a network with its key, which says that it shares one notebook with another device.
async fn changed_program(
    home: &Path,
    notebook: NotebookId,
    with: (DeviceId, Vec<String>),
) -> (Net, Blobs, mpsc::UnboundedReceiver<NetEvent>) {
    let key = fs::read_to_string(home.join("device.key")).unwrap();
    let secret = data_encoding::HEXLOWER.decode(key.trim().as_bytes()).unwrap().try_into().unwrap();
    let blobs = Blobs::open(home.join("other-blobs")).await.unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    let config = NetConfig {
        secret,
        listen: Some("127.0.0.1:0".parse().unwrap()),
        relay: RelayChoice::None,
        discovery: false,
        device_name: "changed".into(),
    };
    let net = Net::start(config, blobs.clone(), tell).await.unwrap();
    net.remember(with.0, with.1);
    net.share(notebook, BTreeSet::from([with.0]));
    (net, blobs, told)
}

async fn next(told: &mut mpsc::UnboundedReceiver<NetEvent>) -> NetEvent {
    tokio::time::timeout(PATIENCE, told.recv()).await.expect("nothing more was told").unwrap()
}

fn reached_at(daemon: &Daemon) -> (DeviceId, Vec<String>) {
    let device = daemon.status()["device"].clone();
    let addresses = device["addresses"].as_array().unwrap();
    let addresses = addresses.iter().map(|address| address.as_str().unwrap().to_owned()).collect();
    (device["id"].as_str().unwrap().parse().unwrap(), addresses)
}

/// Removed from one of two notebooks, a device gets no attachment of it any more, neither by its own program nor by another
/// with its key that asks for the hash it knows; those of the other still come.
#[test]
fn who_was_removed_from_one_notebook_gets_nothing_of_it_through_another() {
    let (dir, a, mut b) = two_notebooks("viewer", true);
    fs::write(a.folder.join("plan.png"), image(1)).unwrap();
    for n in [2, 3] {
        fs::write(dir.path().join(format!("ha/{n}.png")), image(n)).unwrap();
    }
    until("B knows of all", || {
        notebook(&b, "notes")["blobs_missing"] == 1 && notebook(&b, "harmless")["blobs_missing"] == 2
    });
    a.run(&["revoke", &b.device(), "--notebook", "notes"]);
    until("it is revoked", || a.run(&["members", "notes"]).contains("revoked"));
    b.run(&["fetch", "notes", "plan.png"]);
    b.run(&["fetch", "harmless", "2.png"]);
    until("B has what it may have", || {
        fs::read(dir.path().join("hb/2.png")).is_ok_and(|file| file == image(2))
    });
    assert!(!b.folder.join("plan.png").exists());
    assert_eq!(notebook(&b, "notes")["blobs_missing"], 1);
    let (harmless, at) = (id_of(&a, "harmless"), reached_at(&a));
    b.stop();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (net, blobs, mut told) = changed_program(b.home(), harmless, at).await;
        net.fetch(harmless, hash_of(1), image(1).len() as u64, Vec::new());
        net.fetch(harmless, hash_of(3), image(3).len() as u64, Vec::new());
        loop {
            match next(&mut told).await {
                NetEvent::BlobHeld(hash) if hash == hash_of(3) => break,
                NetEvent::BlobHeld(hash) => panic!("{hash} came through a notebook that does not name it"),
                _ => {}
            }
        }
        assert!(!blobs.has(&hash_of(1)).await.unwrap());
        net.shutdown().await;
        blobs.shutdown().await;
    });
}

/// Whoever is no member of a notebook hears of no hash in it, also while nobody who is one can be asked.
#[test]
fn who_never_belonged_hears_of_nothing() {
    let (dir, a, mut b) = two_notebooks("editor", true);
    let mut h = Daemon::start(&dir.path().join("h"), dir.path().join("fh"));
    join(&a, &h, "harmless", "viewer", &dir.path().join("hh"));
    ["notes", "harmless"]
        .iter()
        .for_each(|notebook| drop(a.run(&["notebook", "fetch", notebook, "on-demand"])));
    fs::write(b.folder.join("plan.png"), image(1)).unwrap();
    fs::write(dir.path().join("hb/2.png"), image(2)).unwrap();
    until("A knows of both", || {
        ["notes", "harmless"].iter().all(|name| notebook(&a, name)["blobs_missing"] == 1)
    });
    let (harmless, at) = (id_of(&a, "harmless"), reached_at(&a));
    // Nobody who has them is there when A asks.
    b.stop();
    h.stop();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (net, blobs, mut told) = changed_program(h.home(), harmless, at).await;
        while !matches!(next(&mut told).await, NetEvent::Opened { .. }) {}
        a.run(&["fetch", "notes", "plan.png"]);
        a.run(&["fetch", "harmless", "2.png"]);
        // A asks again and again for what H may hear of.
        for _ in 0..3 {
            let (hash, answer) = loop {
                if let NetEvent::BlobAsked { hash, answer, .. } = next(&mut told).await {
                    break (hash, answer);
                }
            };
            assert_eq!(hash, hash_of(2), "H was asked for what is not in its notebook");
            answer.send(false).unwrap();
        }
        net.shutdown().await;
        blobs.shutdown().await;
    });
}
