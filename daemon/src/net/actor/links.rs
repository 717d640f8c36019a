//! Connections to peers: whom to dial when, and which of two to keep.

use std::collections::BTreeMap;

use codex_crdt_model::ids::{DeviceId, NotebookId};
use iroh::EndpointId;
use iroh::endpoint::{Connection, VarInt};
use tokio::task::AbortHandle;
use tokio::time::{Duration, Instant};

use super::channels::{Channel, LASTED};
use super::{Actor, Due, Happened, NetEvent};
use crate::net::address::{self, Route};
use crate::net::backoff::Backoff;
use crate::net::fetch::Order;
use crate::net::link::{self, Greeted, NotReached, code};

/// A dial younger than this is not given up for news from mDNS, which comes several times a second.
const YOUNG: Duration = Duration::from_secs(1);

/// Streams that a member may have open to this device: one for each notebook.
const STREAMS: VarInt = VarInt::from_u32(4096);

/// A member of something shared.
#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) link: Option<Link>,
    pub(super) channels: BTreeMap<NotebookId, Channel>,
    dial: Dial,
    /// Dials that failed in a row.
    backoff: Backoff,
    /// Connections that were lost soon in a row, as when two programs run with one key.
    flapping: Backoff,
}

/// The connection to a peer.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) number: u64,
    pub(super) connection: Connection,
    dialled: bool,
    run: u64,
    since: Instant,
}

#[derive(Debug, Default)]
enum Dial {
    #[default]
    Idle,
    At(Instant),
    Under {
        attempt: u64,
        since: Instant,
        task: AbortHandle,
    },
}

impl Actor {
    /// The way to every peer that is connected.
    pub(super) fn routes(&self) -> BTreeMap<DeviceId, Route> {
        let links = self.peers.iter().filter_map(|(peer, state)| Some((*peer, state.link.as_ref()?)));
        links.filter_map(|(peer, link)| Some((peer, address::route(&link.connection)?))).collect()
    }

    /// A peer takes part in a notebook.
    pub(super) fn join(&mut self, peer: DeviceId, notebook: NotebookId) {
        let state = self.peers.entry(peer).or_default();
        state.channels.entry(notebook).or_default();
        if state.link.is_some() {
            self.open_now(peer, notebook);
        } else {
            self.hurry(peer);
        }
    }

    /// A peer no longer takes part in a notebook: its stream is cut, and the connection if it was the last.
    pub(super) fn leave(&mut self, peer: DeviceId, notebook: NotebookId) {
        self.cut(peer, notebook);
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.channels.remove(&notebook);
        if !state.channels.is_empty() {
            return;
        }
        if let Dial::Under { task, .. } = &state.dial {
            task.abort();
        }
        self.drop_link(peer, code::STRANGER, b"nothing is shared with you here");
        self.peers.remove(&peer);
    }

    /// Dials an unconnected peer without further waiting.
    pub(super) fn hurry(&mut self, peer: DeviceId) {
        let Some(state) = self.peers.get_mut(&peer).filter(|state| state.link.is_none()) else { return };
        state.backoff.reset();
        if !matches!(state.dial, Dial::Under { .. }) {
            self.dial(peer);
        }
    }

    pub(super) fn dial_if_due(&mut self, peer: DeviceId, at: Instant) {
        let due = |state: &Peer| matches!(state.dial, Dial::At(then) if then == at) && state.link.is_none();
        if self.peers.get(&peer).is_some_and(due) {
            self.dial(peer);
        }
    }

    fn dial(&mut self, peer: DeviceId) {
        let Ok(id) = EndpointId::from_bytes(&peer.0) else {
            tracing::warn!("the member {peer} has an id that is no key; it cannot be dialled");
            return;
        };
        let attempt = self.number();
        let to = address::endpoint_addr(id, self.parts.book.of(&peer));
        let hello = self.parts.hello.borrow().clone();
        let (endpoint, happened) = (self.parts.endpoint.clone(), self.parts.happened.clone());
        let task = self.spawn(async move {
            let report = match link::dial(endpoint, to, hello).await {
                Ok(greeted) => Happened::Linked(greeted),
                Err(why) => Happened::NotReached { peer, attempt, why },
            };
            let _ = happened.send(report).await;
        });
        let Some(state) = self.peers.get_mut(&peer) else { return task.abort() };
        let before = std::mem::replace(&mut state.dial, Dial::Under { attempt, since: Instant::now(), task });
        if let Dial::Under { task, .. } = before {
            task.abort();
        }
    }

    fn dial_after(&mut self, peer: DeviceId, wait: Duration) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let at = Instant::now() + wait;
        state.dial = Dial::At(at);
        self.agenda.insert((at, Due::Dial(peer)));
    }

    pub(super) fn not_reached(&mut self, peer: DeviceId, attempt: u64, why: &NotReached) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        if !matches!(state.dial, Dial::Under { attempt: current, .. } if current == attempt) {
            return;
        }
        tracing::debug!(peer = %peer.short(), "not reached: {}", why.reason);
        state.dial = Dial::Idle;
        if state.link.is_none() {
            let wait = state.backoff.next();
            self.dial_after(peer, wait);
        }
        if why.is_stranger {
            self.turned_away(peer);
        }
    }

    /// A peer says that nothing is shared with this device any more.
    fn turned_away(&mut self, peer: DeviceId) {
        let Some(state) = self.peers.get(&peer) else { return };
        let notebooks: Vec<NotebookId> = state.channels.keys().copied().collect();
        for notebook in notebooks {
            self.tell(NetEvent::TurnedAway { notebook, peer });
        }
    }

    /// Both have said hello. Of two connections between the same runs of two programs, the one dialled by
    /// the smaller id is kept, which both sides see alike; a new run or a newer dial of one side wins.
    pub(super) fn linked(&mut self, greeted: Greeted) {
        let Greeted { connection, peer, dialled, hello } = greeted;
        let me = self.parts.me;
        let Some(state) = self.peers.get_mut(&peer) else {
            connection.close(code::STRANGER, b"nothing is shared with you here");
            return;
        };
        if dialled {
            state.dial = Dial::Idle;
        }
        if let Some(old) = &state.link {
            let alive = old.connection.close_reason().is_none();
            let by_smaller = dialled == (me < peer);
            if alive && old.run == hello.run && old.dialled != dialled && !by_smaller {
                connection.close(code::DUPLICATE, b"there is another connection");
                return;
            }
        }
        let observed = address::observed(&connection);
        self.drop_link(peer, code::DUPLICATE, b"there is another connection");
        let number = self.number();
        connection.set_max_concurrent_bi_streams(STREAMS);
        self.spawn(link::attend(connection.clone(), peer, number, self.parts.happened.clone()));
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.backoff.reset();
        state.link = Some(Link { number, connection, dialled, run: hello.run, since: Instant::now() });
        let notebooks: Vec<NotebookId> = state.channels.keys().copied().collect();
        tracing::info!(peer = %peer.short(), dialled, "connected");
        let mut addresses = observed;
        addresses.extend(hello.addresses);
        self.reached(peer, addresses);
        let _ = self.parts.orders.send(Order::Up(peer));
        for notebook in notebooks {
            // The one who dialled opens; the other only if it does not.
            if dialled { self.open_now(peer, notebook) } else { self.open_soon(peer, notebook) }
        }
    }

    pub(super) fn unlinked(&mut self, peer: DeviceId, number: u64, reason: &str) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let Some(link) = state.link.as_ref().filter(|link| link.number == number) else { return };
        tracing::info!(peer = %peer.short(), "connection lost: {reason}");
        if link.since.elapsed() > LASTED {
            state.flapping.reset();
        }
        let wait = state.flapping.next();
        let is_dialling = matches!(state.dial, Dial::Under { .. });
        let is_stranger = link::says_stranger(&link.connection);
        self.drop_link(peer, code::BYE, b"");
        if !is_dialling {
            self.dial_after(peer, wait);
        }
        if is_stranger {
            self.turned_away(peer);
        }
    }

    fn drop_link(&mut self, peer: DeviceId, code: VarInt, reason: &[u8]) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let Some(link) = state.link.take() else { return };
        let notebooks: Vec<NotebookId> = state.channels.keys().copied().collect();
        link.connection.close(code, reason);
        let _ = self.parts.orders.send(Order::Down(peer));
        for notebook in notebooks {
            self.cut(peer, notebook);
        }
    }

    /// Somebody told where a peer is.
    pub(super) fn found(&mut self, peer: DeviceId, addresses: &[String]) {
        let any_new = self.parts.book.note(peer, addresses);
        let Some(state) = self.peers.get(&peer).filter(|state| state.link.is_none()) else { return };
        match state.dial {
            Dial::Under { .. } if any_new => self.dial(peer),
            _ => self.hurry(peer),
        }
    }

    /// A peer itself was there: to be remembered beyond this run.
    pub(super) fn reached(&mut self, peer: DeviceId, mut addresses: Vec<String>) {
        addresses.truncate(2 * address::PER_PEER);
        self.parts.book.note(peer, &addresses);
        self.tell(NetEvent::PeerAddress { peer, addresses: self.parts.book.of(&peer).to_vec() });
    }

    /// mDNS saw somebody. Only members are noted: anybody may shout any number of ids on a local network.
    pub(super) fn discovered(&mut self, peer: DeviceId, addresses: &[String]) {
        if !self.peers.contains_key(&peer) {
            return;
        }
        let any_new = self.parts.book.note(peer, addresses);
        let Some(state) = self.peers.get(&peer).filter(|state| state.link.is_none()) else { return };
        match state.dial {
            Dial::Under { since, .. } if any_new || since.elapsed() > YOUNG => self.dial(peer),
            _ => self.hurry(peer),
        }
    }
}
