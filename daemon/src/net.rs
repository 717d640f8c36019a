//! The network shell: one iroh endpoint, whose key is the device key.
//!
//! Two protocols: `codex/sync/1` carries frames of notebooks between members and lets strangers knock with
//! an invitation; the one of `iroh-blobs` serves a notebook's attachments to its members. One task, the actor, owns all
//! state; [`Net`] sends it commands. What a frame means is the core's business.

mod actor;
mod address;
mod backoff;
mod budget;
mod fetch;
mod link;
mod serve;
mod stream;
mod ticket;
pub mod wire;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use codex_crdt_model::ids::{ContentHash, DeviceId, NotebookId, PersonId};
use codex_crdt_model::journal::Role;
use iroh::address_lookup::memory::MemoryLookup;
use iroh::endpoint::{PortmapperConfig, QuicTransportConfig, VarInt, presets};
use iroh::protocol::Router;
use iroh::{Endpoint, EndpointId, RelayMode, RelayUrl, SecretKey, Watcher};
use iroh_mdns_address_lookup::{DiscoveryEvent, MdnsAddressLookup};
use n0_future::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::blobs::Blobs;
use actor::{Actor, Command, Happened, Parts};
use link::Door;
use serve::BlobDoor;
use wire::{First, Hello};

pub use address::Route;
pub use budget::Part;
pub use ticket::TicketError;

/// A silent peer is gone after this time.
const IDLE: Duration = Duration::from_secs(15);
/// What a round trip is thought to take before one is measured: a first packet that was lost, or went to a dead
/// address, is sent again after three of these; the default of 333 ms made that a second.
const FIRST_RTT: Duration = Duration::from_millis(100);
/// So it is asked for a sign of life this often.
const KEEP_ALIVE: Duration = Duration::from_secs(3);
/// Streams that anybody may open at first; members of something shared get more.
const STREAMS: u32 = 64;
/// Reports waiting for the actor. Frames are among them, so few: they hold back the peers.
const REPORTS: usize = 16;

/// How long a relay is waited for.
const RELAY: Duration = Duration::from_secs(3);

/// Cloneable handle.
#[derive(Debug, Clone)]
pub struct Net {
    endpoint: Endpoint,
    has_relay: bool,
    name: Arc<str>,
    commands: mpsc::UnboundedSender<Command>,
}

/// How to be on the network.
#[derive(Debug, Clone)]
pub struct NetConfig {
    /// The device key's 32 secret bytes.
    pub secret: [u8; 32],
    /// Where to listen; `None` for any address and port.
    pub listen: Option<SocketAddr>,
    /// Relays.
    pub relay: RelayChoice,
    /// Whether to find and be found on the local network (mDNS).
    pub discovery: bool,
    /// What this device calls itself.
    pub device_name: String,
}

/// Which relays to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayChoice {
    /// The public ones.
    Default,
    /// None: direct only.
    None,
    /// One's own.
    Url(String),
}

/// Who is a member of which notebooks that are shared now; none with nothing.
type Shared = BTreeMap<DeviceId, BTreeSet<NotebookId>>;

/// What the network tells.
#[derive(Debug)]
pub enum NetEvent {
    /// A stream for a notebook is open to a member.
    Opened {
        /// Which notebook.
        notebook: NotebookId,
        /// Who.
        peer: DeviceId,
    },
    /// A frame came.
    Frame {
        /// Which notebook.
        notebook: NotebookId,
        /// From whom.
        peer: DeviceId,
        /// The bytes.
        frame: Vec<u8>,
        /// What it takes of the peer's budget: to be kept until the frame was taken in durably.
        part: Part,
    },
    /// All that was given to `send` for this stream has been handed to QUIC.
    Drained {
        /// Which notebook.
        notebook: NotebookId,
        /// To whom.
        peer: DeviceId,
    },
    /// The stream is closed.
    Closed {
        /// Which notebook.
        notebook: NotebookId,
        /// Who.
        peer: DeviceId,
    },
    /// A peer says that this notebook is not shared with this device there: it was removed, or the peer does not know yet.
    TurnedAway {
        /// Which notebook.
        notebook: NotebookId,
        /// Who says so.
        peer: DeviceId,
    },
    /// A word that is kept nowhere: what somebody is just doing.
    Word {
        /// About which notebook.
        notebook: NotebookId,
        /// Whose.
        peer: DeviceId,
        /// What it says.
        bytes: Vec<u8>,
    },
    /// Somebody shows a ticket's secret and wants to be admitted.
    Knock {
        /// Who, and with what.
        knock: Knock,
        /// What comes of it.
        answer: oneshot::Sender<Admission>,
    },
    /// A peer asks for a blob.
    BlobAsked {
        /// Who.
        peer: DeviceId,
        /// The notebooks that are shared with it. It gets the blob if one of them names it.
        notebooks: BTreeSet<NotebookId>,
        /// Which.
        hash: ContentHash,
        /// Whether it gets it; dropped, it does not.
        answer: oneshot::Sender<bool>,
    },
    /// A blob has arrived whole and verified.
    BlobHeld(ContentHash),
    /// Where a peer can be reached, to be remembered.
    PeerAddress {
        /// Who.
        peer: DeviceId,
        /// Socket addresses and relay URLs, as text.
        addresses: Vec<String>,
    },
}

/// An invitation, as text `codex…` (base32, see `docs/protocol.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// To which notebook.
    pub notebook: NotebookId,
    /// Its name.
    pub name: String,
    /// Who invites.
    pub inviter: DeviceId,
    /// Where the inviter can be reached: socket addresses and relay URLs, as text.
    pub addresses: Vec<String>,
    /// Proves that the holder was invited.
    pub secret: [u8; 16],
    /// Seconds since 1970 after which it is void.
    pub expires: i64,
    /// What its holder may do then; what the inviter noted counts.
    pub role: Role,
    /// Whose further device it is for; `None` for another person.
    pub person: Option<PersonId>,
}

/// Somebody shows an invitation and wants to be admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knock {
    /// To which notebook.
    pub notebook: NotebookId,
    /// Who: authenticated.
    pub peer: DeviceId,
    /// What it calls itself.
    pub name: String,
    /// The invitation's secret.
    pub secret: [u8; 16],
    /// Its agreement to be another device of whoever invites it; empty for another person.
    pub consent: Vec<u8>,
    /// A recovery key's word that it is its person's device; empty for another person.
    pub recovery: Vec<u8>,
}

/// What a knock is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is admitted, durably; the notebook's name.
    Accepted(String),
    /// Somebody has to say yes first; knock again.
    Waiting,
    /// No, and why.
    Refused(String),
}

impl Net {
    /// Binds the endpoint, starts discovery, serves blobs to members.
    pub async fn start(
        config: NetConfig,
        blobs: Blobs,
        events: mpsc::UnboundedSender<NetEvent>,
    ) -> anyhow::Result<Self> {
        let endpoint = bind(&config).await?;
        let lookup = MemoryLookup::new();
        endpoint.address_lookup()?.add(lookup.clone());
        let hello = Hello { run: getrandom::u64()?, addresses: address::own(&endpoint) };
        let (hello, own_hello) = watch::channel(hello);
        let (shared, all_shared) = watch::channel(Shared::new());
        let (happened, reports) = mpsc::channel(REPORTS);
        let door = Door {
            shared: all_shared.clone(),
            hello: own_hello,
            strangers: Arc::new(Semaphore::new(link::STRANGERS)),
            happened: happened.clone(),
        };
        let router = Router::builder(endpoint.clone())
            .accept(wire::ALPN, door)
            .accept(iroh_blobs::ALPN, BlobDoor::new(&blobs, all_shared, events.clone()))
            .spawn();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (orders, ordered) = mpsc::unbounded_channel();
        let fetcher = fetch::Fetcher::new(endpoint.clone(), blobs, events.clone());
        tasks.spawn(fetcher.run(ordered));
        tasks.spawn(stop.clone().run_until_cancelled_owned(watch_own(endpoint.clone(), happened.clone())));
        if config.discovery {
            let discovering = discover(endpoint.clone(), happened.clone());
            tasks.spawn(stop.clone().run_until_cancelled_owned(discovering));
        }
        let parts = Parts {
            me: DeviceId(*endpoint.id().as_bytes()),
            name: config.device_name.clone(),
            endpoint: endpoint.clone(),
            router,
            book: address::Book::new(lookup),
            events,
            happened,
            shared,
            hello,
            orders,
            stop,
            tasks,
        };
        let (commands, commanded) = mpsc::unbounded_channel();
        tokio::spawn(Actor::new(parts).run(commanded, reports));
        let has_relay = config.relay != RelayChoice::None;
        Ok(Self { endpoint, has_relay, name: config.device_name.into(), commands })
    }

    /// This device takes part in a notebook with these members (itself left out): dial them and keep trying,
    /// accept them. Called again when members change; a member no longer named is cut at once.
    pub fn share(&self, notebook: NotebookId, members: BTreeSet<DeviceId>) {
        self.command(Command::Share { notebook, members });
    }

    /// It no longer does.
    pub fn unshare(&self, notebook: NotebookId) {
        self.command(Command::Unshare { notebook });
    }

    /// Where a peer was last reached.
    pub fn remember(&self, peer: DeviceId, addresses: Vec<String>) {
        self.command(Command::Remember { peer, addresses });
    }

    /// Queues a frame; `NetEvent::Drained` follows when the queue is empty.
    pub fn send(&self, notebook: NotebookId, peer: DeviceId, frame: Vec<u8>) {
        self.command(Command::Send { notebook, peer, frame });
    }

    /// Says a word to every member who is connected. It may be lost, and one that is too long for a datagram is not sent.
    pub fn say(&self, notebook: NotebookId, bytes: Vec<u8>) {
        self.command(Command::Say { notebook, bytes });
    }

    /// Closes a stream. It is opened again after a while, at least two seconds.
    pub fn disconnect(&self, notebook: NotebookId, peer: DeviceId, reason: &str) {
        self.command(Command::Disconnect { notebook, peer, reason: reason.to_owned() });
    }

    /// Gets a blob of a notebook from its members, these first, verified, resuming what is there; `NetEvent::BlobHeld` follows.
    /// Nobody else hears of it. Asked again while under way, it only adds notebooks and peers. Tries again with backoff while
    /// any member is reachable.
    pub fn fetch(&self, notebook: NotebookId, hash: ContentHash, size: u64, from: Vec<DeviceId>) {
        self.command(Command::Fetch { notebook, hash, size, from });
    }

    /// A notebook no longer wants a blob. An attempt under way comes to its end.
    pub fn leave(&self, notebook: NotebookId, hash: ContentHash) {
        self.command(Command::Leave { notebook: Some(notebook), hash });
    }

    /// A blob has arrived by another way: no notebook wants it any more.
    pub fn arrived(&self, hash: ContentHash) {
        self.command(Command::Leave { notebook: None, hash });
    }

    /// Knocks at the inviter's door with a ticket.
    pub async fn knock(
        &self,
        ticket: &Ticket,
        name: Option<&str>,
        consent: Vec<u8>,
        recovery: Vec<u8>,
    ) -> anyhow::Result<Admission> {
        let id = EndpointId::from_bytes(&ticket.inviter.0)
            .context("the invitation names an inviter that is no device")?;
        self.remember(ticket.inviter, ticket.addresses.clone());
        let first = First::Knock {
            notebook: ticket.notebook,
            secret: ticket.secret,
            name: wire::shorten(name.unwrap_or(&self.name), 256),
            consent,
            recovery,
        };
        link::knock(&self.endpoint, address::endpoint_addr(id, &ticket.addresses), first).await
    }

    /// The way to every peer that is connected.
    pub async fn routes(&self) -> BTreeMap<DeviceId, Route> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Routes { answer });
        answered.await.unwrap_or_default()
    }

    /// Direct addresses this device listens on, as text.
    pub fn addresses(&self) -> Vec<String> {
        address::own(&self.endpoint)
    }

    /// Waits until its relay, if it has one, is known too; not long, for there may be no network at all.
    pub async fn reachable(&self) {
        if self.has_relay {
            let _ = tokio::time::timeout(RELAY, self.endpoint.online()).await;
        }
    }

    /// This device.
    pub fn device(&self) -> DeviceId {
        DeviceId(*self.endpoint.id().as_bytes())
    }

    /// Closes everything.
    pub async fn shutdown(&self) {
        let (done, is_done) = oneshot::channel();
        self.command(Command::Shutdown { done });
        let _ = is_done.await;
    }

    fn command(&self, command: Command) {
        // After the shutdown nothing more is asked for.
        let _ = self.commands.send(command);
    }
}

async fn bind(config: &NetConfig) -> anyhow::Result<Endpoint> {
    let transport = QuicTransportConfig::builder()
        .max_idle_timeout(Some(IDLE.try_into()?))
        .initial_rtt(FIRST_RTT)
        .keep_alive_interval(KEEP_ALIVE)
        .default_path_max_idle_timeout(IDLE)
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .build();
    let relay = match &config.relay {
        RelayChoice::Default => RelayMode::Default,
        RelayChoice::None => RelayMode::Disabled,
        RelayChoice::Url(url) => {
            let url = url.parse::<RelayUrl>().with_context(|| format!("`{url}` is not a relay's URL"))?;
            RelayMode::custom([url])
        }
    };
    let mut builder = Endpoint::builder(presets::Minimal)
        .secret_key(SecretKey::from_bytes(&config.secret))
        .relay_mode(relay)
        .transport_config(transport)
        .portmapper_config(PortmapperConfig::Disabled);
    let place = config.listen.map_or_else(|| "any port".to_owned(), |address| address.to_string());
    if let Some(address) = config.listen {
        builder = builder
            .clear_ip_transports()
            .bind_addr(address)
            .with_context(|| format!("cannot listen for other devices on {place}"))?;
    }
    builder.bind().await.with_context(|| format!("cannot listen for other devices on {place}"))
}

/// Tells the actor whenever this device's own addresses change.
async fn watch_own(endpoint: Endpoint, happened: mpsc::Sender<Happened>) {
    let mut addresses = endpoint.watch_addr();
    while addresses.updated().await.is_ok() {
        if happened.send(Happened::Moved).await.is_err() {
            return;
        }
    }
}

/// Finds and is found on the local network. Without it, known addresses are still dialled: only a warning.
async fn discover(endpoint: Endpoint, happened: mpsc::Sender<Happened>) {
    let started = async {
        let mdns = MdnsAddressLookup::builder().service_name("codex").build(endpoint.id())?;
        endpoint.address_lookup()?.add(mdns.clone());
        anyhow::Ok(mdns)
    };
    let mdns = match started.await {
        Ok(mdns) => mdns,
        Err(error) => {
            tracing::warn!("other devices are not discovered on the local network: {error:#}");
            return;
        }
    };
    let mut seen = mdns.subscribe().await;
    while let Some(event) = seen.next().await {
        if let DiscoveryEvent::Discovered { endpoint_info, .. } = event {
            let peer = DeviceId(*endpoint_info.endpoint_id.as_bytes());
            let addresses = endpoint_info.data.addrs().filter_map(address::to_text).collect();
            if happened.send(Happened::Discovered { peer, addresses }).await.is_err() {
                return;
            }
        }
    }
}
