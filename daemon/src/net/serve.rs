//! Serves blobs, to members only, and only for as long as they are.
//!
//! A whole connection is let in or cut: `iroh-blobs`' own request events would refuse the next request of
//! a removed member, but let the gigabyte under way run on. Pushing is disabled (its default).

use std::collections::BTreeSet;

use codex_crdt_model::ids::DeviceId;
use iroh::endpoint::Connection;
use iroh::protocol::{AcceptError, ProtocolHandler};
use iroh_blobs::BlobsProtocol;
use tokio::sync::watch;

use super::link::{code, device_of};
use crate::blobs::Blobs;

/// The door of the blobs ALPN.
#[derive(Debug, Clone)]
pub(super) struct BlobDoor {
    inner: BlobsProtocol,
    members: watch::Receiver<BTreeSet<DeviceId>>,
}

impl BlobDoor {
    pub(super) fn new(blobs: &Blobs, members: watch::Receiver<BTreeSet<DeviceId>>) -> Self {
        Self { inner: BlobsProtocol::new(blobs.store(), None), members }
    }
}

impl ProtocolHandler for BlobDoor {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let peer = device_of(&connection);
        let mut members = self.members.clone();
        tokio::select! {
            biased;
            _ = members.wait_for(|members| !members.contains(&peer)) => {}
            served = self.inner.accept(connection.clone()) => return served,
        }
        connection.close(code::STRANGER, b"nothing is shared with you here");
        Ok(())
    }

    /// The store belongs to the home and is closed by it; the protocol of the library would close it here.
    async fn shutdown(&self) {}
}
