//! Getting blobs: which, from whom, how many at once, and when to try again. A small machine of its own
//! beside the actor, which tells it who is connected.
//!
//! A blob is announced only after the store was synced: a device that says it holds one must hold it after
//! a power loss too. Many that arrive together are synced together.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use codex_crdt_model::ids::{ContentHash, DeviceId, NotebookId};
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
    /// Get this of a notebook.
    Fetch { notebook: NotebookId, hash: ContentHash, size: u64, from: Vec<DeviceId> },
    /// Do not get it for that one after all, or for none.
    Leave { notebook: Option<NotebookId>, hash: ContentHash },
    /// A peer is connected.
    Up(DeviceId),
    /// It no longer is.
    Down(DeviceId),
    /// A notebook's stream to it is open: each side takes the other for a member.
    Opened { peer: DeviceId, notebook: NotebookId },
    /// It no longer is.
    Closed { peer: DeviceId, notebook: NotebookId },
}

/// The blobs connection to one peer, made when first needed and again when broken.
#[derive(Debug)]
struct Line {
    endpoint: Endpoint,
    peer: DeviceId,
    /// The notebooks whose streams are open.
    notebooks: RwLock<BTreeSet<NotebookId>>,
    connection: Mutex<Option<Connection>>,
}

impl Line {
    /// Whether the peer is a member of one of these and may hear of what they name.
    fn is_of(&self, notebooks: &BTreeSet<NotebookId>) -> bool {
        !self.notebooks.read().unwrap_or_else(PoisonError::into_inner).is_disjoint(notebooks)
    }

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
    /// Which notebooks want it.
    notebooks: BTreeSet<NotebookId>,
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
            Order::Fetch { notebook, hash, size, from } => self.want(notebook, hash, size, from),
            Order::Leave { notebook, hash } => self.leave(notebook, hash),
            Order::Up(peer) => {
                let (endpoint, connection) = (self.endpoint.clone(), Mutex::new(None));
                let line = Line { endpoint, peer, notebooks: RwLock::default(), connection };
                self.up.insert(peer, Arc::new(line));
            }
            Order::Down(peer) => {
                if let Some(line) = self.up.remove(&peer)
                    && let Ok(Some(connection)) = line.connection.try_lock().map(|mut held| held.take())
                {
                    connection.close(code::BYE, b"done");
                }
            }
            Order::Opened { peer, notebook } => self.opened(&peer, notebook),
            Order::Closed { peer, notebook } => {
                if let Some(line) = self.up.get(&peer) {
                    line.notebooks.write().unwrap_or_else(PoisonError::into_inner).remove(&notebook);
                }
            }
        }
    }

    fn opened(&mut self, peer: &DeviceId, notebook: NotebookId) {
        let Some(line) = self.up.get(peer) else { return };
        line.notebooks.write().unwrap_or_else(PoisonError::into_inner).insert(notebook);
        let wanted = self.wants.iter().filter(|(_, want)| want.notebooks.contains(&notebook));
        let wanted: Vec<ContentHash> = wanted.map(|(hash, _)| *hash).collect();
        for hash in wanted {
            self.hurry(hash);
        }
    }

    fn want(&mut self, notebook: NotebookId, hash: ContentHash, size: u64, from: Vec<DeviceId>) {
        let known = self.wants.contains_key(&hash);
        let want = self.wants.entry(hash).or_insert_with(|| Want {
            size,
            notebooks: BTreeSet::new(),
            from: BTreeSet::new(),
            standing: Standing::Queued,
            backoff: Backoff::default(),
            news: false,
        });
        let before = want.from.len() + want.notebooks.len();
        want.from.extend(from);
        want.notebooks.insert(notebook);
        if !known {
            self.queued[is_large(size)].push_back(hash);
        } else if want.from.len() + want.notebooks.len() > before {
            self.hurry(hash);
        }
    }

    fn leave(&mut self, notebook: Option<NotebookId>, hash: ContentHash) {
        let Some(want) = self.wants.get_mut(&hash) else { return };
        want.notebooks.retain(|one| notebook.is_some_and(|left| left != *one));
        if !want.notebooks.is_empty() {
            return;
        }
        match want.standing {
            Standing::Running => return,
            Standing::Queued | Standing::Resting(None) => {}
            Standing::Resting(Some(until)) => drop(self.agenda.remove(&(until, hash))),
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
                // Members only; those who were named first; within each kind, everybody's turn comes.
                self.turn = self.turn.wrapping_add(1);
                let mut lines: Vec<_> =
                    self.up.values().filter(|line| line.is_of(&want.notebooks)).cloned().collect();
                if !lines.is_empty() {
                    let by = self.turn % lines.len();
                    lines.rotate_left(by);
                }
                lines.sort_by_key(|line| !want.from.contains(&line.peer));
                want.standing = Standing::Running;
                want.news = false;
                self.running[class] += 1;
                let (blobs, notebooks) = (self.blobs.clone(), want.notebooks.clone());
                self.tasks.spawn(async move {
                    Finished::Attempt(hash, attempt(blobs, hash, &notebooks, lines).await)
                });
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
        if want.notebooks.is_empty() {
            // It was left meanwhile.
            self.wants.remove(&hash);
            return;
        }
        if !self.up.values().any(|line| line.is_of(&want.notebooks)) {
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
async fn attempt(
    blobs: Blobs,
    hash: ContentHash,
    notebooks: &BTreeSet<NotebookId>,
    lines: Vec<Arc<Line>>,
) -> anyhow::Result<()> {
    if blobs.has(&hash).await? {
        return Ok(());
    }
    let mut last = anyhow::anyhow!("nobody is connected");
    for line in lines {
        // Whoever has been removed since the attempt began does not hear of it.
        if !line.is_of(notebooks) {
            continue;
        }
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
