//! The one task that owns the network's state: peers, connections, streams, and when to try again.
//!
//! Commands come from [`super::Net`], what happened from tasks; each is handled by a function that never
//! waits. [`links`] is about connections, [`channels`] about the streams on them.

mod channels;
mod links;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use codex_crdt_model::ids::{ContentHash, DeviceId, NotebookId};
use iroh::Endpoint;
use iroh::endpoint::{RecvStream, SendStream};
use iroh::protocol::Router;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::address::{self, Book, Route};
use super::fetch::Order;
use super::link::NotReached;
use super::link::{self, Greeted, code};
use super::stream::Key;
use super::wire::{self, Hello};
use super::{Admission, Knock, NetEvent, Part, Shared};
use links::Peer;

/// Everything is closed within this time.
const SHUTDOWN: Duration = Duration::from_secs(3);
/// Knocks of one device within [`KNOCKS_PER`]; more are refused unheard.
const KNOCKS: usize = 5;
const KNOCKS_PER: Duration = Duration::from_secs(60);
/// Strangers whose knocks are counted: a bound on memory, far above what can knock within a minute.
const KNOCKERS: usize = 10_000;

/// What the handle asks for. See the functions of [`super::Net`].
#[derive(Debug)]
pub(super) enum Command {
    Share { notebook: NotebookId, members: BTreeSet<DeviceId> },
    Unshare { notebook: NotebookId },
    Remember { peer: DeviceId, addresses: Vec<String> },
    Send { notebook: NotebookId, peer: DeviceId, frame: Vec<u8> },
    Say { notebook: NotebookId, bytes: Vec<u8> },
    Disconnect { notebook: NotebookId, peer: DeviceId, reason: String },
    Fetch { notebook: NotebookId, hash: ContentHash, size: u64, from: Vec<DeviceId> },
    Leave { notebook: Option<NotebookId>, hash: ContentHash },
    Routes { answer: oneshot::Sender<BTreeMap<DeviceId, Route>> },
    Shutdown { done: oneshot::Sender<()> },
}

/// What tasks report.
#[derive(Debug)]
pub(super) enum Happened {
    /// A connection on which both have said hello.
    Linked(Greeted),
    /// A dial failed.
    NotReached { peer: DeviceId, attempt: u64, why: NotReached },
    /// A connection ended.
    Unlinked { peer: DeviceId, link: u64, reason: String },
    /// A peer was found at these addresses.
    Found { peer: DeviceId, addresses: Vec<String> },
    /// mDNS saw it.
    Discovered { peer: DeviceId, addresses: Vec<String> },
    /// This device's own addresses may have changed.
    Moved,
    /// Somebody has an invitation.
    Knocked { knock: Knock, answer: oneshot::Sender<Admission> },
    /// A peer asks for a stream.
    Asked { peer: DeviceId, link: u64, notebook: NotebookId, send: SendStream, recv: RecvStream },
    /// A peer has answered when asked for one.
    Answered { key: Key, answer: Result<(SendStream, RecvStream), String> },
    /// A word came, about some notebook.
    Word { peer: DeviceId, notebook: NotebookId, bytes: Vec<u8> },
    /// A frame came.
    Frame { key: Key, frame: Vec<u8>, part: Part },
    /// So many frames have been handed to QUIC since the stream began, and none is queued.
    Written { key: Key, written: u64 },
    /// A stream ended; `fault` if the peer broke the protocol.
    Ended { key: Key, reason: String, fault: bool },
}

/// What is to be done at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Dial(DeviceId),
    Open(DeviceId, NotebookId),
}

/// What the actor is made of.
pub(super) struct Parts {
    pub me: DeviceId,
    pub name: String,
    pub endpoint: Endpoint,
    pub router: Router,
    pub book: Book,
    pub events: mpsc::UnboundedSender<NetEvent>,
    pub happened: mpsc::Sender<Happened>,
    pub shared: watch::Sender<Shared>,
    pub hello: watch::Sender<Hello>,
    pub orders: mpsc::UnboundedSender<Order>,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
}

/// The state.
pub(super) struct Actor {
    parts: Parts,
    notebooks: BTreeMap<NotebookId, BTreeSet<DeviceId>>,
    peers: BTreeMap<DeviceId, Peer>,
    agenda: BTreeSet<(Instant, Due)>,
    knocks: BTreeMap<DeviceId, Vec<Instant>>,
    numbers: u64,
}

impl Actor {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            parts,
            notebooks: BTreeMap::new(),
            peers: BTreeMap::new(),
            agenda: BTreeSet::new(),
            knocks: BTreeMap::new(),
            numbers: 0,
        }
    }

    /// Runs until it is told to shut down or every handle is gone.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        mut happened: mpsc::Receiver<Happened>,
    ) {
        let done = loop {
            let next = self.agenda.first().map(|(at, _)| *at);
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Shutdown { done }) => break Some(done),
                    Some(command) => self.obey(command),
                    None => break None,
                },
                Some(happened) = happened.recv() => self.take(happened),
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    self.do_what_is_due();
                }
            }
        };
        drop(happened);
        self.close().await;
        if let Some(done) = done {
            let _ = done.send(());
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Share { notebook, members } => self.share(notebook, members),
            Command::Unshare { notebook } => self.share_with_nobody(notebook),
            Command::Remember { peer, addresses } => self.found(peer, &addresses),
            Command::Send { notebook, peer, frame } => self.send(notebook, peer, frame),
            Command::Say { notebook, bytes } => self.say(&notebook, &bytes),
            Command::Disconnect { notebook, peer, reason } => self.disconnect(notebook, peer, &reason),
            Command::Fetch { notebook, hash, size, from } => {
                let _ = self.parts.orders.send(Order::Fetch { notebook, hash, size, from });
            }
            Command::Routes { answer } => {
                let _ = answer.send(self.routes());
            }
            Command::Leave { notebook, hash } => {
                let _ = self.parts.orders.send(Order::Leave { notebook, hash });
            }
            Command::Shutdown { .. } => unreachable!("handled by the loop"),
        }
    }

    fn take(&mut self, happened: Happened) {
        match happened {
            Happened::Linked(greeted) => self.linked(greeted),
            Happened::NotReached { peer, attempt, why } => self.not_reached(peer, attempt, &why),
            Happened::Unlinked { peer, link, reason } => self.unlinked(peer, link, &reason),
            Happened::Found { peer, addresses } => self.reached(peer, addresses),
            Happened::Discovered { peer, addresses } => self.discovered(peer, &addresses),
            Happened::Moved => self.moved(),
            Happened::Knocked { knock, answer } => {
                if self.may_knock(knock.peer) {
                    self.tell(NetEvent::Knock { knock, answer });
                } else {
                    let _ = answer.send(Admission::Refused("too many attempts; wait a minute".to_owned()));
                }
            }
            Happened::Asked { peer, link, notebook, send, recv } => {
                self.asked(peer, link, notebook, send, recv);
            }
            Happened::Answered { key, answer } => self.answered(key, answer),
            Happened::Word { peer, notebook, bytes } => {
                if self.is_member(&peer, &notebook) {
                    self.tell(NetEvent::Word { notebook, peer, bytes });
                }
            }
            Happened::Frame { key, frame, part } => self.frame(key, frame, part),
            Happened::Written { key, written } => self.written(key, written),
            Happened::Ended { key, reason, fault } => self.ended(key, &reason, fault),
        }
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        while let Some((at, due)) = self.agenda.first().copied().filter(|(at, _)| *at <= now) {
            self.agenda.pop_first();
            match due {
                Due::Dial(peer) => self.dial_if_due(peer, at),
                Due::Open(peer, notebook) => self.open_if_due(peer, notebook, at),
            }
        }
    }

    fn tell(&self, event: NetEvent) {
        // Nobody listens any more while shutting down.
        let _ = self.parts.events.send(event);
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Runs beside the actor until it ends or everything does.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> tokio::task::AbortHandle {
        let stop = self.parts.stop.clone();
        let task = self.parts.tasks.spawn(async move {
            stop.run_until_cancelled(work).await;
        });
        task.abort_handle()
    }

    fn is_member(&self, peer: &DeviceId, notebook: &NotebookId) -> bool {
        self.notebooks.get(notebook).is_some_and(|members| members.contains(peer))
    }

    /// To whom there is no way just now, nothing is said.
    fn say(&self, notebook: &NotebookId, bytes: &[u8]) {
        let datagram = wire::word(notebook, bytes);
        for peer in self.notebooks.get(notebook).into_iter().flatten() {
            if let Some(link) = self.peers.get(peer).and_then(|peer| peer.link.as_ref()) {
                let _ = link.connection.send_datagram(datagram.clone());
            }
        }
    }

    fn may_knock(&mut self, peer: DeviceId) -> bool {
        let now = Instant::now();
        self.knocks.retain(|_, times| times.last().is_some_and(|last| now - *last < KNOCKS_PER));
        // Keys cost nothing: who is known is heard all the same.
        let is_known = self.peers.contains_key(&peer) || self.knocks.contains_key(&peer);
        if self.knocks.len() >= KNOCKERS && !is_known {
            return false;
        }
        let times = self.knocks.entry(peer).or_default();
        times.retain(|time| now - *time < KNOCKS_PER);
        if times.len() >= KNOCKS {
            return false;
        }
        times.push(now);
        true
    }

    fn share(&mut self, notebook: NotebookId, mut members: BTreeSet<DeviceId>) {
        members.remove(&self.parts.me);
        let before = self.notebooks.insert(notebook, members.clone()).unwrap_or_default();
        self.publish_shared();
        for peer in before.difference(&members) {
            self.leave(*peer, notebook);
        }
        for peer in members {
            self.join(peer, notebook);
        }
    }

    fn share_with_nobody(&mut self, notebook: NotebookId) {
        let before = self.notebooks.remove(&notebook).unwrap_or_default();
        self.publish_shared();
        for peer in before {
            self.leave(peer, notebook);
        }
    }

    fn publish_shared(&self) {
        let mut shared = Shared::new();
        for (notebook, members) in &self.notebooks {
            for peer in members {
                shared.entry(*peer).or_default().insert(*notebook);
            }
        }
        self.parts.shared.send_if_modified(|published| {
            let changed = *published != shared;
            *published = shared;
            changed
        });
    }

    /// Own addresses changed: those who are connected are told, those who are not are dialled anew.
    fn moved(&mut self) {
        let addresses = address::own(&self.parts.endpoint);
        let changed = self.parts.hello.send_if_modified(|hello| {
            let changed = hello.addresses != addresses;
            hello.addresses = addresses;
            changed
        });
        if !changed {
            return;
        }
        let hello = self.parts.hello.borrow().clone();
        let peers: Vec<DeviceId> = self.peers.keys().copied().collect();
        for peer in peers {
            match self.peers.get(&peer).and_then(|peer| peer.link.as_ref()) {
                Some(link) => {
                    let (connection, hello) = (link.connection.clone(), hello.clone());
                    self.spawn(async move {
                        let _ = link::say_hello(&connection, &hello).await;
                    });
                }
                None => self.hurry(peer),
            }
        }
    }

    async fn close(self) {
        for peer in self.peers.values() {
            if let Some(link) = &peer.link {
                link.connection.close(code::BYE, b"shutting down");
            }
        }
        let Parts { router, stop, tasks, orders, .. } = self.parts;
        drop(orders);
        stop.cancel();
        tasks.close();
        let all = async {
            tasks.wait().await;
            if let Err(error) = router.shutdown().await {
                tracing::warn!("the network did not close cleanly: {error}");
            }
        };
        if tokio::time::timeout(SHUTDOWN, all).await.is_err() {
            tracing::warn!("the network did not close within three seconds; left to the system");
        }
    }
}
