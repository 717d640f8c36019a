//! Frames and blobs, whole and in order.

use iroh_blobs::protocol::{ChunkRanges, ChunkRangesExt, GetRequest};

use super::*;

#[tokio::test]
async fn frames_of_all_sizes_come_in_order_both_ways() {
    let (mut a, mut b) = pair().await;
    let sizes = [0, 1, 3, 4095, 65_536, 65_537, 1 << 20, 3 << 20, 0, 7];
    let frames: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, size)| noise(*size, n as u64 + 1)).collect();
    for frame in &frames {
        a.net.send(NOTEBOOK, b.id(), frame.clone());
        b.net.send(NOTEBOOK, a.id(), frame.clone());
    }
    let both = async {
        for frame in &frames {
            let (to_a, to_b) = tokio::join!(a.frame(), b.frame());
            assert!(to_a == *frame && to_b == *frame, "{} bytes", frame.len());
        }
    };
    both.await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn drained_is_told_once_for_each_emptying() {
    let (mut a, mut b) = pair().await;
    let b_id = b.id();
    let drained = |event: NetEvent| matches!(event, NetEvent::Drained { .. }).then_some(());
    for round in 0..20_u8 {
        for _ in 0..5 {
            a.net.send(NOTEBOOK, b_id, vec![round; 100_000]);
        }
        a.wait("Drained", drained).await;
        for _ in 0..5 {
            assert_eq!(b.frame().await, vec![round; 100_000]);
        }
        assert!(a.events.try_recv().is_err(), "told twice");
    }
    // To nobody: dropped, without any word.
    a.net.send(NOTEBOOK, id_of(77), vec![1]);
    ping(&mut a, &mut b, b"after").await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_blob_comes_from_whoever_has_it() {
    let (mut a, mut b, c) = {
        let (a, b) = pair().await;
        (a, b, Node::start(3).await)
    };
    let (a_id, b_id, c_id) = (a.id(), b.id(), c.id());
    let large = bytes::Bytes::from(noise(5 << 20, 7));
    let tiny = bytes::Bytes::from_static(b"tiny");
    let hash = c.give(NOTEBOOK, large.clone()).await;
    let tiny_hash = b.give(NOTEBOOK, tiny).await;
    // Nobody who is connected has it; then somebody connects who does.
    a.net.fetch(NOTEBOOK, hash, 5 << 20, vec![b_id]);
    a.net.fetch(NOTEBOOK, tiny_hash, 4, vec![]);
    a.held(tiny_hash).await;
    assert!(!a.blobs.has(&hash).await.unwrap());
    a.share(&[b_id, c_id]);
    c.net.remember(a_id, a.net.addresses());
    c.share(&[a_id]);
    a.held(hash).await;
    assert_eq!(a.blobs.read(&hash, 0, u64::MAX).await.unwrap(), large);
    // What is held is announced again when asked for again.
    a.net.fetch(NOTEBOOK, hash, 5 << 20, vec![]);
    a.held(hash).await;
    a.name(NOTEBOOK, hash);
    b.net.fetch(NOTEBOOK, hash, 5 << 20, vec![a_id]);
    b.held(hash).await;
    for node in [a, b, c] {
        node.stop().await;
    }
}

/// Gets a part of a blob, as a fetch that was cut.
async fn get_part(node: &Node, from: &Node, hash: ContentHash, part: impl std::ops::RangeBounds<u64>) {
    let door = address::endpoint_addr(EndpointId::from_bytes(&from.id().0).unwrap(), &from.net.addresses());
    let connection = node.net.endpoint.connect(door, iroh_blobs::ALPN).await.unwrap();
    let part = ChunkRanges::bytes((part.start_bound().cloned(), part.end_bound().cloned()));
    let request = GetRequest::builder().root(part).build(iroh_blobs::Hash::from_bytes(hash.0));
    node.blobs.store().remote().execute_get(connection, request).complete().await.unwrap();
    assert!(!node.blobs.has(&hash).await.unwrap());
}

/// Neither of two has the whole: only who keeps what the first has sent can complete it from the second.
#[tokio::test]
async fn what_one_peer_has_sent_is_not_asked_for_again() {
    let (mut a, b) = pair().await;
    let c = Node::start(3).await;
    b.share(&[a.id(), c.id()]);
    let bytes = bytes::Bytes::from(noise(4 << 20, 11));
    let hash = b.give(NOTEBOOK, bytes.clone()).await;
    c.name(NOTEBOOK, hash);
    get_part(&a, &b, hash, ..2 << 20).await;
    get_part(&c, &b, hash, 2 << 20..).await;
    b.stop().await;
    c.net.remember(a.id(), a.net.addresses());
    a.share(&[c.id()]);
    c.share(&[a.id()]);
    a.net.fetch(NOTEBOOK, hash, 4 << 20, vec![c.id()]);
    a.held(hash).await;
    assert_eq!(a.blobs.read(&hash, 0, u64::MAX).await.unwrap(), bytes);
    a.stop().await;
    c.stop().await;
}

#[tokio::test]
async fn hundreds_of_small_blobs_come_at_once() {
    let (mut a, b) = pair().await;
    let mut missing = BTreeSet::new();
    for n in 0..300_u32 {
        missing.insert(b.give(NOTEBOOK, noise(3000 + n as usize * 50, u64::from(n) + 99)).await);
    }
    for hash in &missing {
        a.net.fetch(NOTEBOOK, *hash, 3000, vec![b.id()]);
    }
    while !missing.is_empty() {
        let held = a.wait("BlobHeld", |event| match event {
            NetEvent::BlobHeld(hash) => Some(hash),
            _ => None,
        });
        let held = held.await;
        assert!(a.blobs.has(&held).await.unwrap());
        missing.remove(&held);
    }
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn blobs_are_refused_to_strangers_and_to_the_removed() {
    let (mut a, mut b) = pair().await;
    let c = Node::start(3).await;
    let (a_id, b_id) = (a.id(), b.id());
    let hash = a.give(NOTEBOOK, noise(100_000, 3)).await;
    let door = address::endpoint_addr(EndpointId::from_bytes(&a_id.0).unwrap(), &a.net.addresses());
    let wanted = iroh_blobs::HashAndFormat::raw(iroh_blobs::Hash::from_bytes(hash.0));

    let connection = c.net.endpoint.connect(door.clone(), iroh_blobs::ALPN).await.unwrap();
    assert!(c.blobs.store().remote().fetch(connection.clone(), wanted).complete().await.is_err());
    assert!(connection.closed().await.to_string().contains("nothing is shared"));

    // A member's connection is cut when it is removed, even in the middle.
    b.net.fetch(NOTEBOOK, hash, 100_000, vec![a_id]);
    b.held(hash).await;
    let connection = b.net.endpoint.connect(door, iroh_blobs::ALPN).await.unwrap();
    let other = iroh_blobs::HashAndFormat::raw(iroh_blobs::Hash::new(b"another"));
    let _ = b.blobs.store().remote().fetch(connection.clone(), other).complete().await;
    assert!(connection.close_reason().is_none());
    a.share(&[]);
    let reason = tokio::time::timeout(Duration::from_secs(1), connection.closed()).await.unwrap();
    assert!(reason.to_string().contains("nothing is shared"), "{reason}");
    a.closed(b_id).await;
    for node in [a, b, c] {
        node.stop().await;
    }
}
