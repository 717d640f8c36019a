//! Getting blobs: which, from whom, how many at once, and when to try again. A small machine of its own
//! beside the actor, which tells it who is connected.
//!
//! A blob is announced only after the store was synced: a device that says it holds one must hold it after
//! a power loss too. Many that arrive together are synced together.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use codex_crdt_model::ids::{ContentHash, DeviceId};
use iroh::endpoint::Connection;
use iroh::{Endpoint, EndpointId};
use iroh_blobs::api::remote::GetProgressItem;
use iroh_blobs::{Hash, HashAndFormat};
use n0_future::StreamExt;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::NetEvent;
use super::backoff::Backoff;
use super::link::{DIAL, code};
use crate::blobs::{Blobs, LARGE_BYTES};

/// Small blobs under way at once.
const SMALL: usize = 16;
/// Large ones (above [`LARGE_BYTES`]): one alone fills a line.
const LARGE: usize = 2;
/// A peer that sends nothing for so long is left for another.
const STALL: Duration = Duration::from_secs(20);
/// Longest wait between two attempts. Those who hold a blob are often away for days, and there may be
/// thousands of such blobs; whoever connects is asked at once.
const LAST_MS: u64 = 120_000;
/// A store that cannot be synced (disk full) is asked again after this time.
const SYNC_AGAIN: Duration = Duration::from_secs(5);

/// What the fetcher is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Get this.
    Fetch { hash: ContentHash, size: u64, from: Vec<DeviceId> },
    /// Do not get it after all.
    Leave(ContentHash),
    /// A member is connected.
    Up(DeviceId),
    /// It no longer is.
    Down(DeviceId),
}

/// The blobs connection to one peer, made when first needed and again when broken.
#[derive(Debug)]
struct Line {
    endpoint: Endpoint,
    peer: DeviceId,
    connection: Mutex<Option<Connection>>,
}

impl Line {
    async fn connection(&self) -> anyhow::Result<Connection> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|connection| connection.close_reason().is_none()) {
            return Ok(connection.clone());
        }
        let id = EndpointId::from_bytes(&self.peer.0)?;
        // A link to this peer is up, so iroh and the address book know where it is.
        let dialled = self.endpoint.connect(id, iroh_blobs::ALPN);
        let connection = timeout(DIAL, dialled).await.context("no answer within five seconds")??;
        *held = Some(connection.clone());
        Ok(connection)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Queued,
    Running,
    /// Until then, or until somebody connects.
    Resting(Option<Instant>),
}

#[derive(Debug)]
struct Want {
    size: u64,
    from: BTreeSet<DeviceId>,
    standing: Standing,
    backoff: Backoff,
    /// Somebody connected or was named while an attempt was running.
    news: bool,
}

enum Finished {
    Attempt(ContentHash, anyhow::Result<()>),
    Sync(Vec<ContentHash>, bool),
}

/// The machine.
pub(super) struct Fetcher {
    endpoint: Endpoint,
    blobs: Blobs,
    events: mpsc::UnboundedSender<NetEvent>,
    up: BTreeMap<DeviceId, Arc<Line>>,
    wants: BTreeMap<ContentHash, Want>,
    queued: [VecDeque<ContentHash>; 2],
    running: [usize; 2],
    agenda: BTreeSet<(Instant, ContentHash)>,
    landed: Vec<ContentHash>,
    syncing: bool,
    turn: usize,
    tasks: JoinSet<Finished>,
}

fn is_large(size: u64) -> usize {
    usize::from(size > LARGE_BYTES)
}

impl Fetcher {
    pub(super) fn new(endpoint: Endpoint, blobs: Blobs, events: mpsc::UnboundedSender<NetEvent>) -> Self {
        Self {
            endpoint,
            blobs,
            events,
            up: BTreeMap::new(),
            wants: BTreeMap::new(),
            queued: Default::default(),
            running: [0; 2],
            agenda: BTreeSet::new(),
            landed: Vec::new(),
            syncing: false,
            turn: 0,
            tasks: JoinSet::new(),
        }
    }

    /// Runs until the actor is gone.
    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            let next = self.agenda.first().map(|(at, _)| *at);
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => break,
                },
                Some(done) = self.tasks.join_next() => match done {
                    Ok(finished) => self.finish(finished),
                    Err(error) => tracing::error!("a blob task broke: {error}"),
                },
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    self.wake();
                }
            }
            self.start();
            self.sync();
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Fetch { hash, size, from } => self.want(hash, size, from),
            Order::Leave(hash) => self.leave(hash),
            Order::Up(peer) => {
                let line = Line { endpoint: self.endpoint.clone(), peer, connection: Mutex::new(None) };
                self.up.insert(peer, Arc::new(line));
                let resting: Vec<_> = self.wants.keys().copied().collect();
                for hash in resting {
                    self.hurry(hash);
                }
            }
            Order::Down(peer) => {
                if let Some(line) = self.up.remove(&peer)
                    && let Ok(Some(connection)) = line.connection.try_lock().map(|mut held| held.take())
                {
                    connection.close(code::BYE, b"done");
                }
            }
        }
    }

    fn want(&mut self, hash: ContentHash, size: u64, from: Vec<DeviceId>) {
        let known = self.wants.contains_key(&hash);
        let want = self.wants.entry(hash).or_insert_with(|| Want {
            size,
            from: BTreeSet::new(),
            standing: Standing::Queued,
            backoff: Backoff::default(),
            news: false,
        });
        let before = want.from.len();
        want.from.extend(from);
        if !known {
            self.queued[is_large(size)].push_back(hash);
        } else if want.from.len() > before {
            self.hurry(hash);
        }
    }

    fn leave(&mut self, hash: ContentHash) {
        match self.wants.get(&hash).map(|want| want.standing) {
            None | Some(Standing::Running) => return,
            Some(Standing::Queued | Standing::Resting(None)) => {}
            Some(Standing::Resting(Some(until))) => drop(self.agenda.remove(&(until, hash))),
        }
        self.wants.remove(&hash);
    }

    /// Something has changed for the better: no more waiting.
    fn hurry(&mut self, hash: ContentHash) {
        let Some(want) = self.wants.get_mut(&hash) else { return };
        match want.standing {
            Standing::Queued => {}
            Standing::Running => want.news = true,
            Standing::Resting(until) => {
                if let Some(until) = until {
                    self.agenda.remove(&(until, hash));
                }
                want.backoff.reset();
                want.standing = Standing::Queued;
                self.queued[is_large(want.size)].push_back(hash);
            }
        }
    }

    fn wake(&mut self) {
        let now = Instant::now();
        while let Some((_, hash)) = self.agenda.first().copied().filter(|(at, _)| *at <= now) {
            self.agenda.pop_first();
            if let Some(want) = self.wants.get_mut(&hash) {
                want.standing = Standing::Queued;
                self.queued[is_large(want.size)].push_back(hash);
            }
        }
    }

    /// Starts as many attempts as may run at once.
    fn start(&mut self) {
        for (class, limit) in [(0, SMALL), (1, LARGE)] {
            while self.running[class] < limit {
                let Some(hash) = self.queued[class].pop_front() else { break };
                let Some(want) = self.wants.get_mut(&hash) else { continue };
                // Those who were named first; within each kind, everybody's turn comes.
                self.turn = self.turn.wrapping_add(1);
                let mut lines: Vec<_> = self.up.values().cloned().collect();
                if !lines.is_empty() {
                    let by = self.turn % lines.len();
                    lines.rotate_left(by);
                }
                lines.sort_by_key(|line| !want.from.contains(&line.peer));
                want.standing = Standing::Running;
                want.news = false;
                self.running[class] += 1;
                let blobs = self.blobs.clone();
                self.tasks.spawn(async move { Finished::Attempt(hash, attempt(blobs, hash, lines).await) });
            }
        }
    }

    fn finish(&mut self, finished: Finished) {
        match finished {
            Finished::Attempt(hash, outcome) => {
                let Some(want) = self.wants.get_mut(&hash) else { return };
                self.running[is_large(want.size)] -= 1;
                match outcome {
                    Ok(()) => {
                        self.wants.remove(&hash);
                        self.landed.push(hash);
                    }
                    Err(error) => {
                        tracing::debug!("blob {} did not come: {error:#}", hash.short());
                        self.rest(hash);
                    }
                }
            }
            Finished::Sync(hashes, true) => {
                self.syncing = false;
                for hash in hashes {
                    let _ = self.events.send(NetEvent::BlobHeld(hash));
                }
            }
            Finished::Sync(hashes, false) => {
                self.syncing = false;
                self.landed.extend(hashes);
            }
        }
    }

    fn rest(&mut self, hash: ContentHash) {
        let Some(want) = self.wants.get_mut(&hash) else { return };
        if self.up.is_empty() {
            want.standing = Standing::Resting(None);
            return;
        }
        let until = Instant::now() + want.backoff.next_up_to(LAST_MS);
        want.standing = Standing::Resting(Some(until));
        self.agenda.insert((until, hash));
        if want.news {
            self.hurry(hash);
        }
    }

    fn sync(&mut self) {
        if self.syncing || self.landed.is_empty() {
            return;
        }
        self.syncing = true;
        let hashes = std::mem::take(&mut self.landed);
        let blobs = self.blobs.clone();
        self.tasks.spawn(async move {
            let synced = blobs.sync().await;
            if let Err(error) = &synced {
                tracing::error!("{error}");
                tokio::time::sleep(SYNC_AGAIN).await;
            }
            Finished::Sync(hashes, synced.is_ok())
        });
    }
}

/// Tries one peer after another. What one has sent before it failed stays and is not asked for again.
async fn attempt(blobs: Blobs, hash: ContentHash, lines: Vec<Arc<Line>>) -> anyhow::Result<()> {
    if blobs.has(&hash).await? {
        return Ok(());
    }
    let mut last = anyhow::anyhow!("nobody is connected");
    for line in lines {
        match fetch_from(&blobs, hash, &line).await {
            Ok(()) => {
                blobs.keep(&hash).await?;
                return Ok(());
            }
            Err(error) => last = error.context(format!("from {}", line.peer.short())),
        }
    }
    Err(last)
}

async fn fetch_from(blobs: &Blobs, hash: ContentHash, line: &Line) -> anyhow::Result<()> {
    let connection = line.connection().await?;
    let wanted = HashAndFormat::raw(Hash::from_bytes(hash.0));
    let mut progress = std::pin::pin!(blobs.store().remote().fetch(connection, wanted).stream());
    loop {
        match timeout(STALL, progress.next()).await.context("nothing came for twenty seconds")? {
            Some(GetProgressItem::Progress(_)) => {}
            Some(GetProgressItem::Done(_)) => return Ok(()),
            Some(GetProgressItem::Error(error)) => return Err(error.into()),
            None => anyhow::bail!("the blob store stopped"),
        }
    }
}
