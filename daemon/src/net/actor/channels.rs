//! Streams on a connection: one for each notebook that both sides share. Either side may ask for it; of
//! two, the one that the smaller id asked for is kept.

use codex_crdt_model::ids::{DeviceId, NotebookId};
use iroh::endpoint::{RecvStream, SendStream};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use super::{Actor, Due, Happened, NetEvent};
use crate::net::backoff::Backoff;
use crate::net::budget::{Budget, Part};
use crate::net::fetch::Order;
use crate::net::link;
use crate::net::stream::{self, Key};
use crate::net::wire::{Answer, shorten};

/// What whoever is no member is told. The other side knows it by these words.
const NOT_SHARED: &str = "this notebook is not shared with you here";

/// The side that was dialled leaves the asking to the other for so long.
const COURTESY: Duration = Duration::from_millis(100);
/// After the protocol was broken, no stream for at least this time.
const PENALTY: Duration = Duration::from_secs(2);
/// What lasted so long, connection or stream, was a success: trying again begins anew.
pub(super) const LASTED: Duration = Duration::from_secs(10);

/// One notebook with one peer.
#[derive(Debug, Default)]
pub(super) struct Channel {
    state: State,
    backoff: Backoff,
    closed_until: Option<Instant>,
    budget: Budget,
}

#[derive(Debug, Default)]
enum State {
    /// There is no connection.
    #[default]
    Down,
    /// Will be asked for.
    Due(Instant),
    /// Asked for; the number is that of the stream to be.
    Asking(u64),
    Open(Flow),
}

/// An open stream.
#[derive(Debug)]
struct Flow {
    number: u64,
    /// Whether this side asked for it.
    ours: bool,
    queue: mpsc::UnboundedSender<Vec<u8>>,
    queued: u64,
    cut: CancellationToken,
    since: Instant,
}

impl Channel {
    fn flow(&mut self, number: u64) -> Option<&mut Flow> {
        match &mut self.state {
            State::Open(flow) if flow.number == number => Some(flow),
            _ => None,
        }
    }
}

impl Actor {
    fn channel(&mut self, peer: DeviceId, notebook: NotebookId) -> Option<&mut Channel> {
        self.peers.get_mut(&peer)?.channels.get_mut(&notebook)
    }

    /// Asks for a stream, unless there is one or one is asked for.
    pub(super) fn open_now(&mut self, peer: DeviceId, notebook: NotebookId) {
        let Some(channel) = self.channel(peer, notebook) else { return };
        if matches!(channel.state, State::Open(_) | State::Asking(_)) {
            return;
        }
        let now = Instant::now();
        if let Some(until) = channel.closed_until.filter(|until| *until > now) {
            self.open_at(peer, notebook, until);
            return;
        }
        let number = self.number();
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let (Some(link), Some(channel)) = (&state.link, state.channels.get_mut(&notebook)) else { return };
        channel.state = State::Asking(number);
        let connection = link.connection.clone();
        let happened = self.parts.happened.clone();
        let key = Key { peer, notebook, number };
        self.spawn(async move {
            let answer = link::open(connection, notebook).await;
            let _ = happened.send(Happened::Answered { key, answer }).await;
        });
    }

    pub(super) fn open_soon(&mut self, peer: DeviceId, notebook: NotebookId) {
        self.open_at(peer, notebook, Instant::now() + COURTESY);
    }

    fn open_at(&mut self, peer: DeviceId, notebook: NotebookId, at: Instant) {
        let Some(channel) = self.channel(peer, notebook) else { return };
        channel.state = State::Due(at);
        self.agenda.insert((at, Due::Open(peer, notebook)));
    }

    fn open_later(&mut self, peer: DeviceId, notebook: NotebookId) {
        let has_link = self.peers.get(&peer).is_some_and(|state| state.link.is_some());
        let Some(channel) = self.channel(peer, notebook).filter(|_| has_link) else { return };
        let at = Instant::now() + channel.backoff.next();
        let at = channel.closed_until.map_or(at, |until| until.max(at));
        self.open_at(peer, notebook, at);
    }

    pub(super) fn open_if_due(&mut self, peer: DeviceId, notebook: NotebookId, at: Instant) {
        if self.channel(peer, notebook).is_some_and(|c| matches!(c.state, State::Due(then) if then == at)) {
            self.open_now(peer, notebook);
        }
    }

    /// The peer asks for a stream.
    pub(super) fn asked(
        &mut self,
        peer: DeviceId,
        link: u64,
        notebook: NotebookId,
        send: SendStream,
        recv: RecvStream,
    ) {
        let current = self.peers.get(&peer).and_then(|state| state.link.as_ref());
        if current.is_none_or(|current| current.number != link) {
            return;
        }
        if let Some(reason) = self.why_not(peer, notebook) {
            self.spawn(link::refuse(send, recv, reason));
            return;
        }
        self.cut(peer, notebook);
        let name = shorten(&self.parts.name, 256);
        let number = self.number();
        self.flow(Key { peer, notebook, number }, false, send, recv, Some(Answer::Accepted { name }));
    }

    fn why_not(&mut self, peer: DeviceId, notebook: NotebookId) -> Option<&'static str> {
        if !self.is_member(&peer, &notebook) {
            return Some(NOT_SHARED);
        }
        let we_win = self.parts.me < peer;
        let Some(channel) = self.channel(peer, notebook) else {
            return Some(NOT_SHARED);
        };
        if channel.closed_until.is_some_and(|until| until > Instant::now()) {
            return Some("the protocol was broken a moment ago; try again later");
        }
        let ours = match &channel.state {
            State::Asking(_) => true,
            State::Open(flow) => flow.ours,
            State::Down | State::Due(_) => false,
        };
        (ours && we_win).then_some("there is another stream for this notebook")
    }

    /// The peer has answered when it was asked for one.
    pub(super) fn answered(&mut self, key: Key, answer: Result<(SendStream, RecvStream), String>) {
        let Key { peer, notebook, number } = key;
        let asking = |c: &mut Channel| matches!(c.state, State::Asking(current) if current == number);
        let is_current = self.channel(peer, notebook).is_some_and(asking);
        match answer {
            Ok((send, recv)) if is_current => self.flow(key, true, send, recv, None),
            // It came too late: dropping the receiving side tells the peer to stop.
            Ok((mut send, _recv)) => {
                let _ = send.reset(link::code::DUPLICATE);
            }
            Err(reason) if is_current => {
                tracing::debug!(peer = %peer.short(), notebook = %notebook.short(), "no stream: {reason}");
                if let Some(channel) = self.channel(peer, notebook) {
                    channel.state = State::Down;
                }
                self.open_later(peer, notebook);
                if reason == NOT_SHARED {
                    self.tell(NetEvent::TurnedAway { notebook, peer });
                }
            }
            Err(_) => {}
        }
    }

    fn flow(&mut self, key: Key, ours: bool, send: SendStream, recv: RecvStream, greeting: Option<Answer>) {
        let (queue, queued) = mpsc::unbounded_channel();
        let cut = CancellationToken::new();
        self.spawn(stream::write(key, send, greeting, queued, cut.clone(), self.parts.happened.clone()));
        let Key { peer, notebook, number } = key;
        let Some(channel) = self.channel(peer, notebook) else { return };
        let budget = channel.budget.clone();
        self.spawn(stream::read(key, recv, budget, cut.clone(), self.parts.happened.clone()));
        let Some(channel) = self.channel(peer, notebook) else { return };
        channel.state = State::Open(Flow { number, ours, queue, queued: 0, cut, since: Instant::now() });
        let _ = self.parts.orders.send(Order::Opened { peer, notebook });
        self.tell(NetEvent::Opened { notebook, peer });
    }

    /// Closes the stream if it is open; nothing is asked for until something else says so.
    pub(super) fn cut(&mut self, peer: DeviceId, notebook: NotebookId) {
        let Some(channel) = self.channel(peer, notebook) else { return };
        if let State::Open(flow) = std::mem::take(&mut channel.state) {
            flow.cut.cancel();
            if flow.since.elapsed() > LASTED {
                channel.backoff.reset();
            }
            let _ = self.parts.orders.send(Order::Closed { peer, notebook });
            self.tell(NetEvent::Closed { notebook, peer });
        }
    }

    pub(super) fn ended(&mut self, key: Key, reason: &str, fault: bool) {
        let Key { peer, notebook, number } = key;
        let Some(channel) = self.channel(peer, notebook) else { return };
        if channel.flow(number).is_none() {
            return;
        }
        if fault {
            tracing::warn!(peer = %peer.short(), notebook = %notebook.short(), "stream closed: {reason}");
            channel.closed_until = Some(Instant::now() + PENALTY);
        } else {
            tracing::debug!(peer = %peer.short(), notebook = %notebook.short(), "stream ended: {reason}");
        }
        self.cut(peer, notebook);
        self.open_later(peer, notebook);
    }

    pub(super) fn disconnect(&mut self, notebook: NotebookId, peer: DeviceId, reason: &str) {
        let Some(channel) = self.channel(peer, notebook) else { return };
        if !matches!(channel.state, State::Open(_)) {
            return;
        }
        tracing::warn!(peer = %peer.short(), notebook = %notebook.short(), "disconnecting: {reason}");
        channel.closed_until = Some(Instant::now() + PENALTY);
        self.cut(peer, notebook);
        self.open_later(peer, notebook);
    }

    pub(super) fn send(&mut self, notebook: NotebookId, peer: DeviceId, frame: Vec<u8>) {
        // Without a stream the frame is dropped: `Closed` is on its way to the core, or was.
        if let Some(Channel { state: State::Open(flow), .. }) = self.channel(peer, notebook) {
            flow.queued += 1;
            let _ = flow.queue.send(frame);
        }
    }

    pub(super) fn frame(&mut self, key: Key, frame: Vec<u8>, part: Part) {
        let Key { peer, notebook, number } = key;
        if self.channel(peer, notebook).is_some_and(|channel| channel.flow(number).is_some()) {
            self.tell(NetEvent::Frame { notebook, peer, frame, part });
        }
    }

    pub(super) fn written(&mut self, key: Key, written: u64) {
        let Key { peer, notebook, number } = key;
        let Some(channel) = self.channel(peer, notebook) else { return };
        if channel.flow(number).is_some_and(|flow| flow.queued == written) {
            self.tell(NetEvent::Drained { notebook, peer });
        }
    }
}
