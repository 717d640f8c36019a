//! Connections: how they begin (dialled, accepted, for a knock), and what arrives on a lasting one.
//!
//! These are tasks that report to the actor; they decide nothing but who is a stranger.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use codex_crdt_model::ids::{DeviceId, NotebookId};
use iroh::endpoint::{Connection, ConnectionError, RecvStream, SendStream, VarInt};
use iroh::protocol::{AcceptError, ProtocolHandler};
use iroh::{Endpoint, EndpointAddr};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::actor::Happened;
use super::address;
use super::wire::{self, Answer, First, Hello};
use super::{Admission, Knock, Shared};

/// A dial that takes longer is given up, and tried again later. iroh itself waits much longer (L48).
pub(super) const DIAL: Duration = Duration::from_secs(5);
/// The first message of a connection or stream must come within this time.
const GREETING: Duration = Duration::from_secs(10);
/// An admission waits for a durable record, and perhaps for a person.
pub(super) const ADMISSION: Duration = Duration::from_secs(30);
/// Streams on one connection whose first message is being waited for.
const GREETINGS: usize = 64;
/// Strangers with an invitation, or without, at once.
pub(super) const STRANGERS: usize = 64;
/// Words of one peer that are heard in a second: of many pages that type at once.
const WORDS: u32 = 500;
/// Times that one peer is heard to say in a second where it is.
const HELLOS: u32 = 10;
/// Longest name somebody may give itself, bytes.
const NAME_BYTES: usize = 256;

/// Why a connection was closed: seen by the other side.
pub(super) mod code {
    use iroh::endpoint::VarInt;

    /// Shutting down, or done.
    pub(in super::super) const BYE: VarInt = VarInt::from_u32(0);
    /// The protocol was broken.
    pub(in super::super) const PROTOCOL: VarInt = VarInt::from_u32(400);
    /// Not a member of anything shared.
    pub(in super::super) const STRANGER: VarInt = VarInt::from_u32(403);
    /// There is another connection, which is kept.
    pub(in super::super) const DUPLICATE: VarInt = VarInt::from_u32(409);
    /// Too many strangers.
    pub(in super::super) const BUSY: VarInt = VarInt::from_u32(429);
}

/// A lasting connection on which both have said hello.
#[derive(Debug)]
pub(super) struct Greeted {
    pub connection: Connection,
    pub peer: DeviceId,
    /// Whether this side dialled.
    pub dialled: bool,
    pub hello: Hello,
}

pub(super) fn device_of(connection: &Connection) -> DeviceId {
    DeviceId(*connection.remote_id().as_bytes())
}

pub(super) async fn say_hello(connection: &Connection, hello: &Hello) -> anyhow::Result<()> {
    let mut send = connection.open_uni().await?;
    wire::write_message(&mut send, hello).await?;
    send.finish()?;
    Ok(())
}

/// Why a dial came to nothing.
#[derive(Debug)]
pub(super) struct NotReached {
    pub reason: String,
    /// The other side says that nothing is shared here.
    pub is_stranger: bool,
}

/// Whether the other side closed a connection because nothing is shared with this device.
pub(super) fn says_stranger(connection: &Connection) -> bool {
    matches!(
        connection.close_reason(),
        Some(ConnectionError::ApplicationClosed(close)) if close.error_code == code::STRANGER
    )
}

/// Dials all addresses of a peer at once; both say hello.
pub(super) async fn dial(endpoint: Endpoint, to: EndpointAddr, hello: Hello) -> Result<Greeted, NotReached> {
    let not_reached = |error: anyhow::Error| NotReached { reason: format!("{error:#}"), is_stranger: false };
    let work = async {
        let connection = endpoint.connect(to, wire::ALPN).await.map_err(|error| not_reached(error.into()))?;
        let greeting = async {
            say_hello(&connection, &hello).await?;
            let mut recv = connection.accept_uni().await?;
            anyhow::Ok(wire::read_message(&mut recv).await?)
        };
        match greeting.await {
            Ok(hello) => {
                let peer = device_of(&connection);
                Ok(Greeted { connection, peer, dialled: true, hello })
            }
            Err(error) => Err(NotReached { is_stranger: says_stranger(&connection), ..not_reached(error) }),
        }
    };
    let late = |_| Err(not_reached(anyhow::anyhow!("no answer within five seconds")));
    timeout(DIAL, work).await.unwrap_or_else(late)
}

/// Dials an inviter and shows the invitation.
pub(super) async fn knock(endpoint: &Endpoint, to: EndpointAddr, first: First) -> anyhow::Result<Admission> {
    let connection = timeout(DIAL, endpoint.connect(to, wire::ALPN))
        .await
        .context("the inviting device does not answer; is it running, and on a network that can be reached?")?
        .context("the inviting device cannot be reached")?;
    let asked = async {
        let (mut send, mut recv) = connection.open_bi().await?;
        wire::write_message(&mut send, &first).await?;
        anyhow::Ok(wire::read_message::<Answer>(&mut recv).await?)
    };
    let answer = timeout(ADMISSION + GREETING, asked).await;
    connection.close(code::BYE, b"done");
    let answer =
        answer.context("the inviting device gave no answer")?.context("the inviting device hung up before it answered; when it runs again, run the same join: the ticket is still good")?;
    match answer {
        Answer::Accepted { name } => Ok(Admission::Accepted(name)),
        Answer::Waiting => Ok(Admission::Waiting),
        Answer::Refused { reason } => Ok(Admission::Refused(reason)),
    }
}

/// The door of the sync ALPN.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub shared: watch::Receiver<Shared>,
    pub hello: watch::Receiver<Hello>,
    pub strangers: Arc<Semaphore>,
    pub happened: mpsc::Sender<Happened>,
}

enum Beginning {
    Lasting(RecvStream),
    Knock(SendStream, RecvStream),
}

impl ProtocolHandler for Door {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let peer = device_of(&connection);
        let is_member = self.shared.borrow().contains_key(&peer);
        let permit = if is_member { None } else { Some(self.strangers.try_acquire()) };
        if matches!(permit, Some(Err(_))) {
            connection.close(code::BUSY, b"busy");
            return Ok(());
        }
        let first = async {
            tokio::select! {
                uni = connection.accept_uni() => uni.map(Beginning::Lasting),
                bi = connection.accept_bi() => bi.map(|(send, recv)| Beginning::Knock(send, recv)),
            }
        };
        match timeout(GREETING, first).await {
            Ok(Ok(Beginning::Lasting(recv))) => self.greet(connection, peer, recv).await,
            Ok(Ok(Beginning::Knock(send, recv))) => {
                if let Err(error) = self.hear(&connection, peer, send, recv).await {
                    tracing::debug!(peer = %peer.short(), "a knock failed: {error:#}");
                }
                connection.close(code::BYE, b"done");
            }
            Ok(Err(_)) | Err(_) => connection.close(code::PROTOCOL, b"nothing was said"),
        }
        Ok(())
    }
}

impl Door {
    async fn greet(&self, connection: Connection, peer: DeviceId, mut recv: RecvStream) {
        if !self.shared.borrow().contains_key(&peer) {
            connection.close(code::STRANGER, b"nothing is shared with you here");
            return;
        }
        let own = self.hello.borrow().clone();
        let greeting = async {
            let hello = wire::read_message::<Hello>(&mut recv).await?;
            say_hello(&connection, &own).await?;
            anyhow::Ok(hello)
        };
        match timeout(GREETING, greeting).await {
            Ok(Ok(hello)) => {
                let greeted = Greeted { connection, peer, dialled: false, hello };
                let _ = self.happened.send(Happened::Linked(greeted)).await;
            }
            Ok(Err(error)) => {
                tracing::debug!(peer = %peer.short(), "a greeting failed: {error:#}");
                connection.close(code::PROTOCOL, b"no hello");
            }
            Err(_) => connection.close(code::PROTOCOL, b"no hello"),
        }
    }

    async fn hear(
        &self,
        connection: &Connection,
        peer: DeviceId,
        mut send: SendStream,
        mut recv: RecvStream,
    ) -> anyhow::Result<()> {
        let first = timeout(GREETING, wire::read_message(&mut recv)).await??;
        let First::Knock { notebook, secret, name, consent, recovery } = first else {
            anyhow::bail!("a notebook was asked for without a hello");
        };
        let name = wire::shorten(&name, NAME_BYTES);
        let (answer, answered) = oneshot::channel();
        let knock = Knock { notebook, peer, name, secret, consent, recovery };
        self.happened.send(Happened::Knocked { knock, answer }).await?;
        let answer = match timeout(ADMISSION, answered).await {
            Ok(Ok(Admission::Accepted(name))) => {
                let addresses = address::observed(connection);
                let _ = self.happened.send(Happened::Found { peer, addresses }).await;
                Answer::Accepted { name: wire::shorten(&name, 1024) }
            }
            Ok(Ok(Admission::Waiting)) => Answer::Waiting,
            Ok(Ok(Admission::Refused(reason))) => Answer::Refused { reason: wire::shorten(&reason, 1024) },
            Ok(Err(_)) | Err(_) => Answer::Refused { reason: "no decision was made; try again".to_owned() },
        };
        wire::write_message(&mut send, &answer).await?;
        send.finish()?;
        timeout(GREETING, connection.closed()).await?;
        Ok(())
    }
}

/// How often something of one peer is heard.
#[derive(Debug, Default)]
struct Rate {
    since: Option<Instant>,
    count: u32,
}

impl Rate {
    /// Whether another one is heard now, of so many in a second.
    fn may(&mut self, per_second: u32) -> bool {
        let now = Instant::now();
        if self.since.is_none_or(|since| now - since > Duration::from_secs(1)) {
            *self = Self { since: Some(now), count: 0 };
        }
        self.count += 1;
        self.count <= per_second
    }
}

/// A lasting connection's ears: new streams, new addresses, and its end.
pub(super) async fn attend(
    connection: Connection,
    peer: DeviceId,
    link: u64,
    happened: mpsc::Sender<Happened>,
) {
    let greetings = Arc::new(Semaphore::new(GREETINGS));
    let (mut words, mut hellos) = (Rate::default(), Rate::default());
    let reason = loop {
        tokio::select! {
            datagram = connection.read_datagram() => match datagram {
                // Whoever says too much, or nothing that can be read, is not heard.
                Ok(datagram) => if let Some((notebook, says)) = wire::read_word(&datagram).filter(|_| words.may(WORDS)) {
                    let _ = happened.try_send(Happened::Word { peer, notebook, bytes: says.to_vec() });
                },
                Err(error) => break error,
            },
            bi = connection.accept_bi() => match bi {
                Ok((send, recv)) => {
                    let Ok(permit) = greetings.clone().acquire_owned().await else { continue };
                    let happened = happened.clone();
                    tokio::spawn(async move {
                        first_words(peer, link, send, recv, &happened).await;
                        drop(permit);
                    });
                }
                Err(error) => break error,
            },
            uni = connection.accept_uni() => match uni {
                Ok(mut recv) => if hellos.may(HELLOS) {
                    let happened = happened.clone();
                    tokio::spawn(async move {
                        if let Ok(Ok(hello)) = timeout(GREETING, wire::read_message::<Hello>(&mut recv)).await {
                            let addresses = hello.addresses;
                            let _ = happened.send(Happened::Found { peer, addresses }).await;
                        }
                    });
                }
                Err(error) => break error,
            },
        }
    };
    let _ = happened.send(Happened::Unlinked { peer, link, reason: reason.to_string() }).await;
}

async fn first_words(
    peer: DeviceId,
    link: u64,
    mut send: SendStream,
    mut recv: RecvStream,
    happened: &mpsc::Sender<Happened>,
) {
    match timeout(GREETING, wire::read_message::<First>(&mut recv)).await {
        Ok(Ok(First::Open { notebook })) => {
            let _ = happened.send(Happened::Asked { peer, link, notebook, send, recv }).await;
        }
        other => {
            tracing::debug!(peer = %peer.short(), "a stream did not begin properly: {other:?}");
            let _ = send.reset(code::PROTOCOL);
            let _ = recv.stop(code::PROTOCOL);
        }
    }
}

/// Asks the other side for a stream that carries a notebook.
pub(super) async fn open(
    connection: Connection,
    notebook: NotebookId,
) -> Result<(SendStream, RecvStream), String> {
    let asked = async {
        let (mut send, mut recv) = connection.open_bi().await?;
        wire::write_message(&mut send, &First::Open { notebook }).await?;
        let answer = wire::read_message::<Answer>(&mut recv).await?;
        anyhow::Ok((send, recv, answer))
    };
    match timeout(GREETING, asked).await {
        Ok(Ok((send, recv, Answer::Accepted { .. }))) => Ok((send, recv)),
        Ok(Ok((_, _, Answer::Refused { reason }))) => Err(reason),
        Ok(Ok((_, _, Answer::Waiting))) => Err("it answered what nobody asked".to_owned()),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// Says no to a stream.
pub(super) async fn refuse(mut send: SendStream, mut recv: RecvStream, reason: &'static str) {
    let _ = recv.stop(VarInt::from_u32(0));
    if wire::write_message(&mut send, &Answer::Refused { reason: reason.to_owned() }).await.is_ok() {
        let _ = send.finish();
    }
}
