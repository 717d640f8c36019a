//! Who is let in, who is cut, and how two find each other again.

use super::*;

#[tokio::test]
async fn a_knock_with_the_secret_admits() {
    let (mut a, mut b) = (Node::start(1).await, Node::start(2).await);
    let ticket = ticket(&a);
    let (b_id, a_net) = (b.id(), a.net.clone());
    let host = async {
        a.wait("Knock", |event| {
            let NetEvent::Knock { knock, answer } = event else { return None };
            let name = "device 2".to_owned();
            let expected = Knock {
                notebook: NOTEBOOK,
                peer: b_id,
                name,
                secret: SECRET,
                consent: vec![7],
                recovery: vec![8],
            };
            assert_eq!(knock, expected);
            a_net.share(NOTEBOOK, [b_id].into());
            answer.send(Admission::Accepted("Lab".into())).unwrap();
            Some(())
        })
        .await;
    };
    let (admission, ()) = tokio::join!(b.net.knock(&ticket, None, vec![7], vec![8]), host);
    assert_eq!(admission.unwrap(), Admission::Accepted("Lab".into()));
    b.share(&[a.id()]);
    let a_id = a.id();
    tokio::join!(a.opened(b_id), b.opened(a_id));
    ping(&mut a, &mut b, b"hello").await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn the_inviter_can_dial_the_invited_after_a_knock() {
    let (mut a, mut b) = (Node::start(1).await, Node::start(2).await);
    let (ticket, a_id, b_id) = (ticket(&a), a.id(), b.id());
    let knocking = tokio::spawn({
        let net = b.net.clone();
        async move { net.knock(&ticket, None, Vec::new(), Vec::new()).await }
    });
    a.wait("Knock", |event| {
        let NetEvent::Knock { answer, .. } = event else { return None };
        answer.send(Admission::Accepted("Lab".into())).unwrap();
        Some(())
    })
    .await;
    knocking.await.unwrap().unwrap();
    let addresses = a
        .wait("PeerAddress", |event| match event {
            NetEvent::PeerAddress { peer, addresses } if peer == b_id => Some(addresses),
            _ => None,
        })
        .await;
    assert_eq!(addresses, b.net.addresses());
    // Only then does the inviter share: it dials, by what it has seen.
    b.net.commands.send(Command::Share { notebook: NOTEBOOK, members: [a_id].into() }).unwrap();
    a.share(&[b_id]);
    tokio::join!(a.opened(b_id), b.opened(a_id));
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_refused_knock_says_why_and_guessing_is_limited() {
    let (mut a, b) = (Node::start(1).await, Node::start(2).await);
    let ticket = ticket(&a);
    let guesser = b.net.clone();
    let guesses = tokio::spawn(async move {
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(match guesser.knock(&ticket, None, Vec::new(), Vec::new()).await.unwrap() {
                Admission::Refused(reason) => reason,
                other => panic!("{other:?}"),
            });
        }
        answers
    });
    for _ in 0..5 {
        a.wait("Knock", |event| {
            let NetEvent::Knock { answer, .. } = event else { return None };
            answer.send(Admission::Refused("this invitation is void".into())).unwrap();
            Some(())
        })
        .await;
    }
    let answers = guesses.await.unwrap();
    assert!(answers[..5].iter().all(|answer| answer.contains("this invitation is void")), "{answers:?}");
    assert!(answers[5].contains("too many attempts"), "{answers:?}");
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn no_stream_for_a_stranger() {
    let (mut a, mut b) = pair().await;
    // A third that believes itself a member, and a second notebook that only one of two shares.
    let c = Node::start(3).await;
    c.net.remember(a.id(), a.net.addresses());
    c.share(&[a.id()]);
    b.net.share(NotebookId([8; 32]), [a.id()].into());
    let wrong = |event: NetEvent| match event {
        NetEvent::Opened { notebook, peer } => Some((notebook, peer)),
        _ => None,
    };
    // Both have been refused at least once when an answer to something later has come.
    let door = address::endpoint_addr(EndpointId::from_bytes(&a.id().0).unwrap(), &a.net.addresses());
    let hello = Hello { run: 1, addresses: vec![] };
    let error = link::dial(c.net.endpoint.clone(), door, hello).await.unwrap_err();
    assert!(error.is_stranger && error.reason.contains("nothing is shared"), "{error:?}");
    ping(&mut a, &mut b, b"still here").await;
    while let Ok(event) = a.events.try_recv() {
        assert_eq!(wrong(event), None);
    }
    // Once it is shared on the other side too, there is a stream at once.
    a.net.share(NotebookId([8; 32]), [b.id()].into());
    let b_id = b.id();
    a.opened(b_id).await;
    for node in [a, b, c] {
        node.stop().await;
    }
}

#[tokio::test]
async fn who_is_removed_is_cut_within_a_second() {
    let (mut a, mut b) = pair().await;
    let a_id = a.id();
    a.share(&[]);
    tokio::time::timeout(Duration::from_secs(1), b.closed(a_id)).await.unwrap();
    let b_id = b.id();
    a.closed(b_id).await;
    // Admitted again, it comes back by itself.
    a.share(&[b_id]);
    tokio::join!(a.opened(b_id), b.opened(a_id));
    a.net.unshare(NOTEBOOK);
    tokio::join!(a.closed(b_id), b.closed(a_id));
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_restarted_peer_on_another_port_is_found_again() {
    let (mut a, b) = pair().await;
    let (a_id, b_id) = (a.id(), b.id());
    b.stop().await;
    a.closed(b_id).await;
    // It knows nobody's address; the other is told where it is now.
    let mut b = Node::start(2).await;
    b.share(&[a_id]);
    a.net.remember(b_id, b.net.addresses());
    tokio::join!(a.opened(b_id), b.opened(a_id));
    ping(&mut a, &mut b, b"again").await;
    a.stop().await;
    b.stop().await;
}

/// As after a crash: the other side still holds the old connection, which it had dialled itself.
#[tokio::test]
async fn a_new_run_of_a_peer_takes_the_place_of_the_old_one() {
    let (mut a, mut b) = (Node::start(1).await, Node::start(2).await);
    let (a_id, b_id) = (a.id(), b.id());
    b.share(&[a_id]);
    a.net.remember(b_id, b.net.addresses());
    a.share(&[b_id]);
    tokio::join!(a.opened(b_id), b.opened(a_id));
    let mut again = Node::start(2).await;
    again.net.remember(a_id, a.net.addresses());
    again.share(&[a_id]);
    tokio::time::timeout(Duration::from_secs(3), again.opened(a_id)).await.unwrap();
    a.closed(b_id).await;
    for node in [a, b, again] {
        node.stop().await;
    }
}

/// losses.md L48
#[tokio::test]
async fn a_dead_address_among_several_does_not_stall() {
    let (a, mut b) = (Node::start(1).await, Node::start(2).await);
    let (a_id, b_id) = (a.id(), b.id());
    a.share(&[b_id]);
    let mut addresses =
        vec!["127.0.0.1:9".to_owned(), "192.0.2.1:4555".to_owned(), "[2001:db8::1]:4".to_owned()];
    addresses.extend(a.net.addresses());
    b.net.remember(a_id, addresses);
    b.share(&[a_id]);
    tokio::time::timeout(Duration::from_secs(3), b.opened(a_id)).await.unwrap();
    a.stop().await;
    b.stop().await;
}

/// Whatever the order in which both dial and ask, one stream remains, and both agree on which: what is said
/// once after each `Opened` is heard, unless `Closed` follows.
#[tokio::test]
async fn simultaneous_dials_settle_on_one_stream() {
    for round in 0..8_u8 {
        let (mut a, mut b) = (Node::start(10 + round).await, Node::start(100 + round).await);
        let (a_id, b_id) = (a.id(), b.id());
        b.net.remember(a_id, a.net.addresses());
        a.net.remember(b_id, b.net.addresses());
        a.share(&[b_id]);
        b.share(&[a_id]);
        let heard = async {
            // Per side: what was said on the present stream, and what was heard last.
            let (mut said, mut got) = ([0_u8; 2], [0_u8; 2]);
            let (mut open, mut word) = ([false; 2], 0);
            while !(open == [true; 2] && got[0] == said[1] && got[1] == said[0]) {
                let (side, event) = tokio::select! {
                    event = a.events.recv() => (0, event.unwrap()),
                    event = b.events.recv() => (1, event.unwrap()),
                };
                match event {
                    NetEvent::Opened { .. } => {
                        assert!(!open[side], "opened twice");
                        open[side] = true;
                        word += 1;
                        said[side] = word;
                        let (net, to) = if side == 0 { (&a.net, b_id) } else { (&b.net, a_id) };
                        net.send(NOTEBOOK, to, vec![word]);
                    }
                    NetEvent::Closed { .. } => {
                        assert!(open[side], "closed twice");
                        open[side] = false;
                    }
                    NetEvent::Frame { frame, .. } => {
                        assert!(open[side], "a frame on a closed stream");
                        got[side] = frame[0];
                    }
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), heard).await.expect("both agree on a stream");
        a.stop().await;
        b.stop().await;
    }
}

#[tokio::test]
async fn many_notebooks_share_one_connection() {
    let (mut a, mut b) = (Node::start(1).await, Node::start(2).await);
    let (a_id, b_id) = (a.id(), b.id());
    b.net.remember(a_id, a.net.addresses());
    for n in 0..200 {
        a.net.share(NotebookId([n; 32]), [b_id].into());
        b.net.share(NotebookId([n; 32]), [a_id].into());
    }
    for node in [&mut a, &mut b] {
        let mut open = BTreeSet::new();
        while open.len() < 200 {
            open.insert(
                node.wait("Opened", |event| match event {
                    NetEvent::Opened { notebook, .. } => Some(notebook),
                    _ => None,
                })
                .await,
            );
        }
    }
    a.stop().await;
    b.stop().await;
}

/// Whether or not mDNS can be started here; two that know no addresses may meet, and nothing else may suffer.
#[tokio::test]
async fn discovery_never_keeps_the_network_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().join("blobs")).await.unwrap();
    let (tell, _events) = mpsc::unbounded_channel();
    let config = NetConfig { discovery: true, listen: None, ..config(1) };
    let net = Net::start(config, blobs.clone(), tell).await.unwrap();
    assert!(!net.addresses().is_empty());
    let mut b = Node::start(2).await;
    b.share(&[net.device()]);
    b.net.remember(net.device(), net.addresses());
    net.share(NOTEBOOK, [b.id()].into());
    b.opened(net.device()).await;
    net.shutdown().await;
    blobs.shutdown().await;
    b.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let a = Node::start(1).await;
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().join("blobs")).await.unwrap();
    let (tell, _events) = mpsc::unbounded_channel();
    let taken = a.net.addresses()[0].parse().unwrap();
    let config = NetConfig { listen: Some(taken), ..config(2) };
    let error = Net::start(config, blobs.clone(), tell).await.unwrap_err();
    assert!(error.to_string().contains(&taken.to_string()), "{error:#}");
    blobs.shutdown().await;
    a.stop().await;
}

/// Strangers who hold the door are in the way of strangers alone: whoever belongs to anything here comes in, and is heard.
#[tokio::test]
async fn strangers_at_the_door_keep_no_member_out() {
    let (mut a, mut b) = (Node::start(1).await, Node::start(2).await);
    let (a_id, b_id) = (a.id(), b.id());
    a.share(&[b_id]);
    let stranger = bind(&config(77)).await.unwrap();
    let door = address::endpoint_addr(EndpointId::from_bytes(&a_id.0).unwrap(), &a.net.addresses());
    let (mut silent, mut ends) = (Vec::new(), tokio::task::JoinSet::new());
    for _ in 0..=link::STRANGERS {
        let connection = stranger.connect(door.clone(), wire::ALPN).await.unwrap();
        silent.push(connection.clone());
        ends.spawn(async move { connection.closed().await.to_string() });
    }
    let last = ends.join_next().await.unwrap().unwrap();
    assert!(last.contains("busy"), "{last}");
    b.net.remember(a_id, a.net.addresses());
    b.share(&[a_id]);
    tokio::join!(a.opened(b_id), b.opened(a_id));
    let knocking = tokio::spawn({
        let (net, ticket) = (b.net.clone(), Ticket { notebook: NotebookId([8; 32]), ..ticket(&a) });
        async move { net.knock(&ticket, None, Vec::new(), Vec::new()).await }
    });
    a.wait("Knock", |event| {
        let NetEvent::Knock { answer, .. } = event else { return None };
        answer.send(Admission::Waiting).unwrap();
        Some(())
    })
    .await;
    assert_eq!(knocking.await.unwrap().unwrap(), Admission::Waiting);
    assert!(
        silent.iter().any(|connection| connection.close_reason().is_none()),
        "nobody held the door any more"
    );
    stranger.close().await;
    a.stop().await;
    b.stop().await;
}
