//! Serves blobs: to each peer those that a notebook names which is shared with it, for as long as it is.
//!
//! One store holds the blobs of all notebooks, so every request is looked at, and a blob that no shared notebook names is refused
//! like one that is not here. A request that is let in runs to its end, which may be a gigabyte: so the whole connection is cut
//! when anything is shared no longer; the peer makes another for what still is.

use codex_crdt_model::ids::{ContentHash, DeviceId};
use iroh::endpoint::Connection;
use iroh::protocol::{AcceptError, ProtocolHandler};
use iroh_blobs::BlobsProtocol;
use iroh_blobs::api::Store;
use iroh_blobs::protocol::GetRequest;
use iroh_blobs::provider::events::{
    AbortReason, ConnectMode, EventMask, EventSender, ObserveMode, ProviderMessage, RequestMode, ThrottleMode,
};
use tokio::sync::{mpsc, oneshot, watch};

use super::link::{code, device_of};
use super::{NetEvent, Shared};
use crate::blobs::Blobs;

/// Requests of one connection that wait to be looked at; they hold back the peer.
const WAITING: usize = 4;

/// What may be asked for at all: blobs one by one. Nobody pushes anything, and nobody watches what is here.
const MASK: EventMask = EventMask {
    connected: ConnectMode::None,
    get: RequestMode::Intercept,
    get_many: RequestMode::Disabled,
    push: RequestMode::Disabled,
    observe: ObserveMode::Intercept,
    throttle: ThrottleMode::None,
};

/// The door of the blobs ALPN.
#[derive(Debug, Clone)]
pub(super) struct BlobDoor {
    store: Store,
    shared: watch::Receiver<Shared>,
    events: mpsc::UnboundedSender<NetEvent>,
}

impl BlobDoor {
    pub(super) fn new(
        blobs: &Blobs,
        shared: watch::Receiver<Shared>,
        events: mpsc::UnboundedSender<NetEvent>,
    ) -> Self {
        Self { store: Store::clone(blobs.store()), shared, events }
    }

    /// Answers what one peer asks for, one after another.
    async fn answer(&self, peer: DeviceId, mut asked: mpsc::Receiver<ProviderMessage>) {
        while let Some(message) = asked.recv().await {
            // Whoever asked may have gone.
            match message {
                ProviderMessage::GetRequestReceived(asked) => {
                    let may = self.may_have(peer, &asked.inner.request).await;
                    let _ = asked.tx.send(may.then_some(()).ok_or(AbortReason::Permission)).await;
                }
                ProviderMessage::ObserveRequestReceived(asked) => {
                    let _ = asked.tx.send(Err(AbortReason::Permission)).await;
                }
                _ => {}
            }
        }
    }

    async fn may_have(&self, peer: DeviceId, request: &GetRequest) -> bool {
        // Of a list of hashes, the blobs in it would come too, and anybody can write a list.
        if !request.ranges.is_blob() {
            return false;
        }
        let hash = ContentHash(*request.hash.as_bytes());
        let notebooks = self.shared.borrow().get(&peer).cloned().unwrap_or_default();
        let (answer, answered) = oneshot::channel();
        // Nobody answers any more while shutting down.
        let _ = self.events.send(NetEvent::BlobAsked { peer, notebooks, hash, answer });
        answered.await.unwrap_or(false)
    }
}

/// Returns when something is shared with the peer no longer, or nothing is.
async fn less_is_shared(shared: &mut watch::Receiver<Shared>, peer: &DeviceId) {
    let mut before = shared.borrow_and_update().get(peer).cloned().unwrap_or_default();
    while !before.is_empty() && shared.changed().await.is_ok() {
        let now = shared.borrow_and_update().get(peer).cloned().unwrap_or_default();
        if !before.is_subset(&now) {
            return;
        }
        before = now;
    }
}

impl ProtocolHandler for BlobDoor {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let peer = device_of(&connection);
        let mut shared = self.shared.clone();
        let (events, asked) = EventSender::channel(WAITING, MASK);
        let inner = BlobsProtocol::new(&self.store, Some(events));
        tokio::select! {
            biased;
            () = less_is_shared(&mut shared, &peer) => {}
            served = inner.accept(connection.clone()) => return served,
            () = self.answer(peer, asked) => {}
        }
        if shared.borrow().contains_key(&peer) {
            connection.close(code::BYE, b"less is shared with you now");
        } else {
            connection.close(code::STRANGER, b"nothing is shared with you here");
        }
        Ok(())
    }

    /// The store belongs to the home and is closed by it; the protocol of the library would close it here.
    async fn shutdown(&self) {}
}
