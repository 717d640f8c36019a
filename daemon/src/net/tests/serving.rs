//! One store, several notebooks: who is given which blobs, and who hears of them.

use iroh::endpoint::Connection;
use iroh_blobs::HashAndFormat;
use iroh_blobs::hashseq::HashSeq;
use iroh_blobs::protocol::{GetManyRequest, GetRequest, ObserveRequest, PushRequest};
use iroh_blobs::{Hash, protocol::ChunkRangesSeq};

use super::*;

/// Another notebook of the same device.
const OTHER: NotebookId = NotebookId([10; 32]);

fn blob(hash: ContentHash) -> Hash {
    Hash::from_bytes(hash.0)
}

/// Asks at the door itself, as a changed program would.
async fn at_the_door(of: &Node, by: &Node) -> Connection {
    let door = address::endpoint_addr(EndpointId::from_bytes(&of.id().0).unwrap(), &of.net.addresses());
    by.net.endpoint.connect(door, iroh_blobs::ALPN).await.unwrap()
}

async fn got(by: &Node, connection: &Connection, hash: ContentHash) -> bool {
    let wanted = HashAndFormat::raw(blob(hash));
    by.blobs.store().remote().fetch(connection.clone(), wanted).complete().await.is_ok()
}

/// A device that shares one notebook with B and another with C.
async fn between() -> (Node, Node, Node) {
    let (mut a, mut b) = pair().await;
    let mut c = Node::start(3).await;
    let (a_id, c_id) = (a.id(), c.id());
    a.net.share(OTHER, [c_id].into());
    c.net.remember(a_id, a.net.addresses());
    c.net.share(OTHER, [a_id].into());
    tokio::join!(a.opened(c_id), c.opened(a_id));
    ping(&mut a, &mut b, b"both are here").await;
    (a, b, c)
}

/// Whoever is a member of one notebook gets nothing of another, in whatever way it asks.
#[tokio::test]
async fn blobs_go_to_members_of_a_notebook_that_names_them() {
    let (a, b, c) = between().await;
    let secret = a.give(NOTEBOOK, noise(100_000, 3)).await;
    let harmless = a.give(OTHER, noise(100_000, 13)).await;
    let both = a.give(OTHER, noise(100_000, 15)).await;
    a.name(NOTEBOOK, both);
    let connection = at_the_door(&a, &c).await;
    assert!(!got(&c, &connection, secret).await);
    assert!(got(&c, &connection, harmless).await, "its own come on the same connection");
    assert!(got(&c, &connection, both).await);
    let connection = at_the_door(&a, &b).await;
    assert!(got(&b, &connection, secret).await && got(&b, &connection, both).await);
    assert!(!got(&b, &connection, harmless).await);
    for node in [a, b, c] {
        node.stop().await;
    }
}

/// A list of hashes is a blob as any other: what it names is not given with it. Nor is anything given, taken or told in other
/// ways than one by one.
#[tokio::test]
async fn no_other_way_of_asking_leads_around() {
    let (a, b, c) = between().await;
    let bytes = noise(100_000, 3);
    let secret = a.give(NOTEBOOK, bytes.clone()).await;
    let list: HashSeq = [blob(secret)].into_iter().collect();
    let list = a.give(OTHER, list.into_inner()).await;
    let connection = at_the_door(&a, &c).await;
    let remote = c.blobs.store().remote().clone();
    let all = GetRequest::all(blob(list));
    assert!(remote.execute_get(connection.clone(), all).complete().await.is_err());
    let child = GetRequest::builder().child(0, iroh_blobs::protocol::ChunkRanges::all()).build(blob(list));
    assert!(remote.execute_get(connection.clone(), child).complete().await.is_err());
    let many = GetManyRequest::new(vec![blob(list), blob(secret)], ChunkRangesSeq::all());
    let mut told = std::pin::pin!(remote.execute_get_many(connection.clone(), many).stream());
    while told.next().await.is_some() {}
    assert!(!c.blobs.has(&secret).await.unwrap(), "it came with a list");
    let mut watched = std::pin::pin!(remote.observe(connection.clone(), ObserveRequest::new(blob(secret))));
    assert!(!matches!(watched.next().await, Some(Ok(_))), "it was told what is here");
    let gift = c.blobs.import_bytes(bytes::Bytes::from(noise(1000, 9))).await.unwrap();
    let push = PushRequest::new(blob(gift), ChunkRangesSeq::root());
    let _ = remote.execute_push(connection.clone(), push).complete().await;
    assert!(!a.blobs.has(&gift).await.unwrap(), "something was pushed");
    assert!(got(&c, &connection, list).await, "the list itself is given");
    for node in [a, b, c] {
        node.stop().await;
    }
}

/// Removed from one of two notebooks: what is under way ends at once, and what is still shared comes again.
#[tokio::test]
async fn less_that_is_shared_ends_what_is_under_way() {
    let (a, mut b) = pair().await;
    let (a_id, b_id) = (a.id(), b.id());
    a.net.share(OTHER, [b_id].into());
    b.net.share(OTHER, [a_id].into());
    b.opened(a_id).await;
    let secret = a.give(NOTEBOOK, noise(100_000, 3)).await;
    let harmless = a.give(OTHER, noise(100_000, 13)).await;
    let connection = at_the_door(&a, &b).await;
    // More that is shared cuts nothing.
    a.net.share(NotebookId([11; 32]), [b_id].into());
    assert!(got(&b, &connection, harmless).await && connection.close_reason().is_none());
    a.share(&[]);
    let reason = tokio::time::timeout(Duration::from_secs(1), connection.closed()).await.unwrap();
    assert!(reason.to_string().contains("less is shared"), "{reason}");
    let connection = at_the_door(&a, &b).await;
    assert!(!got(&b, &connection, secret).await);
    let later = a.give(OTHER, noise(100_000, 15)).await;
    b.net.fetch(OTHER, later, 100_000, vec![a_id]);
    b.held(later).await;
    a.stop().await;
    b.stop().await;
}

/// Whoever is no member of a notebook does not even hear of what is in it, also when nobody else is there.
#[tokio::test]
async fn only_members_hear_of_a_blob() {
    let (mut a, mut b, c) = between().await;
    let (b_id, c_id) = (b.id(), c.id());
    let bytes = noise(100_000, 3);
    // C has it, and would give it.
    let secret = c.give(OTHER, bytes.clone()).await;
    a.net.fetch(NOTEBOOK, secret, 100_000, vec![c_id]);
    let harmless = c.give(OTHER, noise(100_000, 13)).await;
    a.net.fetch(OTHER, harmless, 100_000, vec![]);
    a.held(harmless).await;
    assert!(!a.blobs.has(&secret).await.unwrap());
    // The stream to whoever has it, and is a member, opens anew: it is asked at once.
    b.give(NOTEBOOK, bytes).await;
    a.net.disconnect(NOTEBOOK, b_id, "to be opened again");
    a.held(secret).await;
    assert_eq!(c.asked_for(secret), []);
    assert_eq!(c.asked_for(harmless), [a.id()]);
    assert!(b.asked_for(secret).contains(&a.id()));
    assert_eq!(b.asked_for(harmless), []);
    // Wanted by two notebooks and left by one, it is got for the other alone.
    let one = b.give(NOTEBOOK, noise(1000, 17)).await;
    let two = b.give(NOTEBOOK, noise(1000, 19)).await;
    b.net.unshare(NOTEBOOK);
    a.closed(b_id).await;
    for hash in [one, two] {
        a.net.fetch(NOTEBOOK, hash, 1000, vec![]);
        a.net.fetch(OTHER, hash, 1000, vec![]);
    }
    a.net.leave(OTHER, one);
    a.net.leave(NOTEBOOK, two);
    b.share(&[a.id()]);
    a.held(one).await;
    let a_id = a.id();
    b.opened(a_id).await;
    assert_eq!(b.asked_for(two), []);
    for node in [a, b, c] {
        node.stop().await;
    }
}
