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
    a.net.fetch(ContentHash([1; 32]), 100 << 20, vec![b.id()]);
    a.net.send(NOTEBOOK, b.id(), vec![0; 10 << 20]);
    let net = a.net.clone();
    tokio::time::timeout(Duration::from_millis(3500), a.net.shutdown()).await.unwrap();
    b.closed(a_id).await;
    // A handle that is left over does nothing and waits for nothing.
    net.share(NOTEBOOK, BTreeSet::new());
    net.shutdown().await;
    assert!(net.knock(&ticket(&b), Vec::new(), Vec::new()).await.is_err());
    b.stop().await;
}
