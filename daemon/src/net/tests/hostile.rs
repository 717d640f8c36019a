//! A member that sends garbage hurts nobody but its own stream.

use iroh::endpoint::{Connection, RecvStream, SendStream};

use super::*;

/// A bare endpoint that has said hello, as a member.
struct Evil {
    endpoint: Endpoint,
    connection: Connection,
}

impl Evil {
    async fn link(node: &Node, seed: u8) -> Self {
        let endpoint = bind(&config(seed)).await.unwrap();
        let id = EndpointId::from_bytes(&node.id().0).unwrap();
        let door = address::endpoint_addr(id, &node.net.addresses());
        let hello = Hello { run: 1, addresses: vec!["junk".into(); 20] };
        let greeted = link::dial(endpoint.clone(), door, hello).await.unwrap();
        Self { endpoint, connection: greeted.connection }
    }

    async fn open(&self) -> (SendStream, RecvStream) {
        let asked = async {
            loop {
                // Refused for a while after every fault.
                if let Ok(streams) = link::open(self.connection.clone(), NOTEBOOK).await {
                    return streams;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap()
    }
}

/// losses.md L45
#[tokio::test]
async fn a_giant_length_header_closes_only_that_stream() {
    let (mut a, mut b) = pair().await;
    let evil_id = id_of(66);
    a.share(&[b.id(), evil_id]);
    let evil = Evil::link(&a, 66).await;
    for junk in [&[0xff_u8; 9][..], &[0x7f, 0xff, 0xff, 0xff], &[0, 0, 0, 5, 1]] {
        let (mut send, _recv) = evil.open().await;
        a.opened(evil_id).await;
        send.write_all(junk).await.unwrap();
        let _ = send.finish();
        a.closed(evil_id).await;
    }
    assert!(evil.connection.close_reason().is_none());
    ping(&mut a, &mut b, b"unharmed").await;
    evil.endpoint.close().await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn garbage_instead_of_a_first_frame_closes_only_that_stream() {
    let (mut a, mut b) = pair().await;
    let evil_id = id_of(66);
    a.share(&[b.id(), evil_id]);
    let evil = Evil::link(&a, 66).await;
    let too_long = [&5000_u32.to_be_bytes()[..], &[0; 5000]].concat();
    for junk in [&[0xff_u8; 40][..], &[0, 0, 0, 1, 9], &[0, 0, 0, 0], &too_long, &[0, 0, 0, 2, 0, 1]] {
        let (mut send, mut recv) = evil.connection.open_bi().await.unwrap();
        send.write_all(junk).await.unwrap();
        let _ = send.finish();
        let answer = tokio::time::timeout(Duration::from_secs(5), recv.read_to_end(100)).await.unwrap();
        assert!(answer.is_err(), "{junk:?}");
    }
    // The connection still carries a proper stream.
    let (mut send, _recv) = evil.open().await;
    a.opened(evil_id).await;
    wire::write_frame(&mut send, b"proper".to_vec()).await.unwrap();
    assert_eq!(a.frame().await, b"proper");
    ping(&mut a, &mut b, b"unharmed").await;
    evil.endpoint.close().await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_connection_that_begins_with_garbage_is_closed() {
    let (mut a, mut b) = pair().await;
    let evil_id = id_of(66);
    a.share(&[b.id(), evil_id]);
    let endpoint = bind(&config(66)).await.unwrap();
    let door = address::endpoint_addr(EndpointId::from_bytes(&a.id().0).unwrap(), &a.net.addresses());
    let lasting = endpoint.connect(door.clone(), wire::ALPN).await.unwrap();
    lasting.open_uni().await.unwrap().write_all(&[0xff; 100]).await.unwrap();
    lasting.closed().await;
    let knocking = endpoint.connect(door, wire::ALPN).await.unwrap();
    let (mut send, _recv) = knocking.open_bi().await.unwrap();
    send.write_all(&[0xff; 100]).await.unwrap();
    knocking.closed().await;
    ping(&mut a, &mut b, b"unharmed").await;
    endpoint.close().await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn who_broke_the_protocol_is_heard_again_later() {
    let (mut a, mut b) = pair().await;
    let (a_id, b_id) = (a.id(), b.id());
    a.net.disconnect(NOTEBOOK, b_id, "a record with a wrong signature");
    tokio::join!(a.closed(b_id), b.closed(a_id));
    tokio::join!(a.opened(b_id), b.opened(a_id));
    ping(&mut a, &mut b, b"again").await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn everything_is_closed_within_three_seconds() {
    let (a, mut b) = pair().await;
    let a_id = a.id();
    a.net.fetch(NOTEBOOK, ContentHash([1; 32]), 100 << 20, vec![b.id()]);
    a.net.send(NOTEBOOK, b.id(), vec![0; 10 << 20]);
    let net = a.net.clone();
    tokio::time::timeout(Duration::from_millis(3500), a.net.shutdown()).await.unwrap();
    b.closed(a_id).await;
    // A handle that is left over does nothing and waits for nothing.
    net.share(NOTEBOOK, BTreeSet::new());
    net.shutdown().await;
    assert!(net.knock(&ticket(&b), None, Vec::new(), Vec::new()).await.is_err());
    b.stop().await;
}

/// The frames that came, with what they hold of the budget, until `enough` bytes are there.
async fn frames(node: &mut Node, enough: usize) -> Vec<(Vec<u8>, Part)> {
    let mut held = Vec::new();
    while held.iter().map(|(frame, _): &(Vec<u8>, Part)| frame.len()).sum::<usize>() < enough {
        let frame = node.wait("Frame", |event| match event {
            NetEvent::Frame { frame, part, .. } => Some((frame, part)),
            _ => None,
        });
        held.push(frame.await);
    }
    held
}

/// Nothing more of that size is there, nor comes.
async fn nothing_more(node: &mut Node) {
    let more = tokio::time::timeout(Duration::from_millis(500), node.frame()).await;
    assert!(more.is_err(), "more than the budget was read");
}

/// However much a peer sends, and on however many streams in a row: what nobody has taken in yet stays within the budget.
#[tokio::test]
async fn who_floods_is_read_no_further_than_is_taken_in() {
    const FRAME: usize = 1 << 20;
    let mut a = Node::start(1).await;
    let evil_id = id_of(66);
    a.share(&[evil_id]);
    let evil = Evil::link(&a, 66).await;
    let (mut send, mut recv) = evil.open().await;
    let flood =
        tokio::spawn(async move { while wire::write_frame(&mut send, vec![7; FRAME]).await.is_ok() {} });
    let fit = budget::BUDGET / (FRAME + budget::FRAME_COST);
    let held = frames(&mut a, fit * FRAME).await;
    nothing_more(&mut a).await;
    // Our own words go on all the while.
    a.net.send(NOTEBOOK, evil_id, b"still here".to_vec());
    let length = wire::read_length(&mut recv, 100).await.unwrap();
    assert_eq!(wire::read_bytes(&mut recv, length).await.unwrap(), b"still here");
    // Another stream is no other budget.
    let (mut again, _recv) = evil.open().await;
    a.closed(evil_id).await;
    a.opened(evil_id).await;
    assert!(flood.await.is_ok(), "the first stream was cut");
    let flood =
        tokio::spawn(async move { while wire::write_frame(&mut again, vec![8; FRAME]).await.is_ok() {} });
    nothing_more(&mut a).await;
    drop(held);
    let next = frames(&mut a, fit * FRAME).await;
    assert!(next.iter().all(|(frame, _)| frame.iter().all(|byte| *byte == 8)));
    drop(next);
    // What is taken in makes room for as much as anybody sends.
    drop(frames(&mut a, 10 * FRAME).await);
    a.share(&[]);
    a.closed(evil_id).await;
    flood.await.unwrap();
    evil.endpoint.close().await;
    a.stop().await;
}

/// Frames without any bytes cost something too.
#[tokio::test]
async fn empty_frames_take_their_part() {
    let mut a = Node::start(1).await;
    let evil_id = id_of(66);
    a.share(&[evil_id]);
    let evil = Evil::link(&a, 66).await;
    let (mut send, _recv) = evil.open().await;
    let fit = budget::BUDGET / budget::FRAME_COST;
    let flood = tokio::spawn(async move { while send.write_all(&[0; 4096]).await.is_ok() {} });
    let mut held = Vec::new();
    while held.len() < fit {
        let part = a.wait("Frame", |event| match event {
            NetEvent::Frame { part, .. } => Some(part),
            _ => None,
        });
        held.push(part.await);
    }
    nothing_more(&mut a).await;
    a.share(&[]);
    a.closed(evil_id).await;
    flood.await.unwrap();
    evil.endpoint.close().await;
    a.stop().await;
}
