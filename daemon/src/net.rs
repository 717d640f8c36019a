//! The network shell: one iroh endpoint, whose key is the device key.
#![allow(unused_variables)]

use std::collections::BTreeSet;
use std::net::SocketAddr;

use codex_crdt_model::ids::{ContentHash, DeviceId, NotebookId};
use tokio::sync::{mpsc, oneshot};

use crate::blobs::Blobs;

/// Cloneable handle.
#[derive(Debug, Clone)]
pub struct Net {}

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
    /// Somebody shows a ticket's secret and wants to be admitted.
    Knock {
        /// Which notebook.
        notebook: NotebookId,
        /// Who: authenticated.
        peer: DeviceId,
        /// What it calls itself.
        name: String,
        /// The ticket's secret.
        secret: [u8; 16],
        /// `Ok(notebook name)` admits (answered after the admission is durable), `Err` says why not.
        answer: oneshot::Sender<Result<String, String>>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Net {
    /// Binds the endpoint, starts discovery, serves blobs to members.
    pub async fn start(
        config: NetConfig,
        blobs: Blobs,
        events: mpsc::UnboundedSender<NetEvent>,
    ) -> anyhow::Result<Self> {
        unimplemented!()
    }

    /// This device takes part in a notebook with these members (itself left out): dial them and keep trying,
    /// accept them. Called again when members change; a member no longer named is cut at once.
    pub fn share(&self, notebook: NotebookId, members: BTreeSet<DeviceId>) {
        unimplemented!()
    }

    /// It no longer does.
    pub fn unshare(&self, notebook: NotebookId) {
        unimplemented!()
    }

    /// Where a peer was last reached.
    pub fn remember(&self, peer: DeviceId, addresses: Vec<String>) {
        unimplemented!()
    }

    /// Queues a frame; `NetEvent::Drained` follows when the queue is empty.
    pub fn send(&self, notebook: NotebookId, peer: DeviceId, frame: Vec<u8>) {
        unimplemented!()
    }

    /// Closes a stream.
    pub fn disconnect(&self, notebook: NotebookId, peer: DeviceId, reason: &str) {
        unimplemented!()
    }

    /// Gets a blob from any of these peers, verified, resuming what is there; `NetEvent::BlobHeld` follows.
    /// Asked again while under way, it only adds peers. Tries again with backoff while any peer is reachable.
    pub fn fetch(&self, hash: ContentHash, size: u64, from: Vec<DeviceId>) {
        unimplemented!()
    }

    /// Knocks at the inviter's door with a ticket; returns the notebook's name there.
    pub async fn knock(&self, ticket: &Ticket) -> anyhow::Result<String> {
        unimplemented!()
    }

    /// Direct addresses this device listens on, as text.
    pub fn addresses(&self) -> Vec<String> {
        unimplemented!()
    }

    /// This device.
    pub fn device(&self) -> DeviceId {
        unimplemented!()
    }

    /// Closes everything.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}
