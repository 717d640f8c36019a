//! The driver: the only owner of a [`codex_crdt_model::Core`]. Select, step, write, act, and again.
//!
//! Events that wait together are stepped together and share one transaction, so that an import of ten thousand
//! files is a few dozen syncs. No effect is carried out before that transaction is on disk (law 3).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::{Effect, Notice, Refusal, Reply};
use codex_crdt_model::event::{Event, Request};
use codex_crdt_model::ids::{ContentHash, DeviceId, NotebookId};
use codex_crdt_model::journal::record::Role;
use codex_crdt_model::store::{MemberRow, Mode, Source, StoreError};
use codex_crdt_model::{Core, Stepped};
use ed25519_dalek::SigningKey;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::blobs::Blobs;
use crate::clock::now_ms;
use crate::disk::{Disk, ScanProgress};
use crate::git::Git;
use crate::mirror::Mirror;
use crate::net::Net;
use crate::progress::{Gauge, Progress, Work};
use crate::store::{Reader, Store};

/// Events taken into one transaction at most.
const BATCH: usize = 128;
/// After a failure of the store, it is opened again this much later.
const REOPEN: Duration = Duration::from_secs(5);

/// Cloneable handle to a running notebook.
#[derive(Debug, Clone)]
pub struct Notebook {
    /// Which.
    pub id: NotebookId,
    /// Its folder.
    pub root: PathBuf,
    /// Its mirror.
    pub mirror: Mirror,
    /// Its files.
    pub disk: Disk,
    git: Git,
    inputs: mpsc::UnboundedSender<Input>,
    standing: watch::Receiver<Standing>,
}

/// How a notebook stands, for status and pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// `ready`, `scanning`, `paused`, `held`, `joining` or `failed`.
    pub state: &'static str,
    /// Why, in words, when it is not ready.
    pub reason: Option<String>,
    /// Entries in the tree.
    pub entries: u64,
    /// Files still to be written out or looked at.
    pub pending: u64,
    /// Own records that no other device has acknowledged.
    pub unsynced_records: u64,
    /// Blobs of live entries that are not here.
    pub blobs_missing: u64,
    /// How many of these are left with the others, by the fetch policy.
    pub blobs_left: u64,
    /// Which attachments this device fetches: `all`, `below:BYTES` or `on-demand`.
    pub fetch: String,
    /// The other members.
    pub peers: Vec<PeerStanding>,
    /// Devices that hold everything this one holds, this one included; and members in all.
    pub held_by: (u64, u64),
    /// The scan under way.
    pub scan: ScanProgress,
    /// What takes a while, and how far it is.
    pub progress: Vec<Progress>,
}

/// How one peer stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
pub struct PeerStanding {
    /// Its id, hex.
    pub device: String,
    /// Its name.
    pub name: String,
    /// Whether a stream is open.
    pub connected: bool,
    /// Records that we have and it has not acknowledged.
    pub records_behind: u64,
    /// Blobs it says it misses.
    pub blobs_missing: u64,
    /// How many of these it leaves with the others by choice.
    pub blobs_left: u64,
}

/// Why an ask got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The core refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The notebook has failed or is shutting down.
    #[error("notebook {0} is not running: {1}")]
    NotRunning(NotebookId, String),
}

/// News and where they came from.
#[derive(Debug, Clone)]
pub struct NotebookNotice {
    /// Which notebook.
    pub notebook: NotebookId,
    /// What.
    pub news: News,
}

/// What listeners are told.
#[derive(Debug, Clone)]
pub enum News {
    /// The core says something.
    Notice(Notice),
    /// The mirror was late and is level again: what it answered meanwhile may be old.
    MirrorIsLevel,
}

/// What the driver takes in.
#[derive(Debug)]
enum Input {
    Event(Event),
    Ask { request: Request, answer: oneshot::Sender<Result<Reply, Refusal>> },
    BlobHeld(ContentHash),
    Stop(oneshot::Sender<()>),
}

/// The shells that a notebook works with.
#[derive(Debug, Clone)]
pub struct Shells {
    /// The device key.
    pub key: SigningKey,
    /// The network.
    pub net: Net,
    /// Attachments.
    pub blobs: Blobs,
    /// Text history.
    pub git: Git,
    /// Where notices go.
    pub notices: broadcast::Sender<NotebookNotice>,
}

/// Makes the store of a new notebook in `root/.codex` and its marker file. Returns the notebook's id. Until the
/// notebook's own records say who belongs to it, `inviter` does.
pub fn create(
    root: &Path,
    key: &SigningKey,
    origin: Origin,
    inviter: Option<DeviceId>,
) -> anyhow::Result<NotebookId> {
    let mut writes = Core::create(key, origin, seed()?, now_ms());
    let notebook =
        writes.meta.as_ref().map(|meta| meta.notebook).expect("creating writes the notebook's values");
    if let Some(inviter) = inviter {
        writes.members.insert(inviter, MemberRow { role: Role::Editor, name: inviter.short() });
    }
    let dir = root.join(".codex");
    std::fs::create_dir_all(dir.join("tmp"))?;
    // In a repository of the user's own, git must not take these files for the user's.
    std::fs::write(dir.join(".gitignore"), "*\n")?;
    let mut store = Store::open(&dir.join("store.db"))?;
    store.apply(&writes)?;
    store.commit()?;
    std::fs::write(dir.join("notebook"), format!("{notebook}\n"))?;
    std::fs::File::open(&dir)?.sync_all()?;
    Ok(notebook)
}

fn seed() -> Result<[u8; 32], StoreError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|e| StoreError { doing: "drawing random numbers", reason: e.to_string() })?;
    Ok(seed)
}

impl Notebook {
    /// Opens the notebook at `root`, whose store exists, and runs it. `fresh_volume` says that its journal may
    /// not be the newest.
    pub fn start(root: PathBuf, shells: Shells, fresh_volume: bool) -> anyhow::Result<Self> {
        let store = Store::open(&root.join(".codex/store.db"))?;
        let (core, opened) = Core::open(shells.key.clone(), seed()?, fresh_volume, &store)?;
        let id = core.meta().notebook;
        let (events, mut from_disk) = mpsc::unbounded_channel();
        let disk = Disk::start(root.clone(), shells.blobs.clone(), events)?;
        let mirror = Mirror::open(&root)?;
        let (inputs, queue) = mpsc::unbounded_channel();
        let disk_inputs = inputs.clone();
        tokio::spawn(async move {
            while let Some(event) = from_disk.recv().await {
                if disk_inputs.send(Input::Event(event)).is_err() {
                    break;
                }
            }
        });
        tokio::spawn(tell_of_lateness(id, mirror.late(), shells.notices.clone()));
        let (standing_out, standing) = watch::channel(Standing { state: "scanning", ..Standing::default() });
        let git = shells.git.clone();
        let driver = Driver {
            id,
            root: root.clone(),
            shells,
            disk: disk.clone(),
            mirror: mirror.clone(),
            inputs: inputs.downgrade(),
            standing: standing_out,
            answers: BTreeMap::new(),
            asked: 0,
            open_peers: BTreeSet::new(),
            wanted_blobs: BTreeSet::new(),
            failure: None,
            scanned: false,
            gauges: Gauges::default(),
        };
        tokio::spawn(driver.run(queue, core, store, opened));
        Ok(Self { id, root, mirror, disk, git, inputs, standing })
    }

    /// Asks the core for something and waits until it is durable.
    pub async fn ask(&self, request: Request) -> Result<Reply, AskError> {
        let (answer, answered) = oneshot::channel();
        let not_running = || {
            let reason = self.standing.borrow().reason.clone();
            AskError::NotRunning(self.id, reason.unwrap_or_else(|| "it has stopped".into()))
        };
        self.inputs.send(Input::Ask { request, answer }).map_err(|_| not_running())?;
        Ok(answered.await.map_err(|_| not_running())??)
    }

    /// How it stands now and from now on.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// A reading connection to its store.
    pub fn reader(&self) -> anyhow::Result<Reader> {
        Ok(Reader::open(&self.root.join(".codex/store.db"))?)
    }

    /// Scans the folder now.
    pub fn scan(&self) {
        self.disk.scan();
    }

    /// Something happened outside the disk.
    pub fn happened(&self, event: Event) {
        // A stopped notebook has nothing to decide any more.
        let _ = self.inputs.send(Input::Event(event));
    }

    /// A blob has arrived; it may be one that this notebook waits for.
    pub fn blob_held(&self, hash: ContentHash) {
        let _ = self.inputs.send(Input::BlobHeld(hash));
    }

    /// Stops after what is under way; the store is closed cleanly.
    pub async fn shutdown(&self) {
        self.disk.shutdown().await;
        let (done, stopped) = oneshot::channel();
        if self.inputs.send(Input::Stop(done)).is_ok() {
            // An error means that it had stopped already.
            let _ = stopped.await;
        }
        self.git.close(&self.root).await;
        self.mirror.shutdown().await;
    }
}

/// Ends with the mirror.
async fn tell_of_lateness(
    notebook: NotebookId,
    mut late: watch::Receiver<u64>,
    notices: broadcast::Sender<NotebookNotice>,
) {
    while late.changed().await.is_ok() {
        // Nobody may be listening.
        let _ = notices.send(NotebookNotice { notebook, news: News::MirrorIsLevel });
    }
}

struct Driver {
    id: NotebookId,
    root: PathBuf,
    shells: Shells,
    disk: Disk,
    mirror: Mirror,
    inputs: mpsc::WeakUnboundedSender<Input>,
    standing: watch::Sender<Standing>,
    answers: BTreeMap<u64, oneshot::Sender<Result<Reply, Refusal>>>,
    asked: u64,
    open_peers: BTreeSet<DeviceId>,
    wanted_blobs: BTreeSet<ContentHash>,
    failure: Option<String>,
    scanned: bool,
    gauges: Gauges,
}

#[derive(Debug, Default)]
struct Gauges {
    receive: Gauge,
    write: Gauge,
    attachments: Gauge,
}

/// The core and its store, and what a batch of steps came to. Travels to a blocking thread and back.
struct Batch {
    core: Core,
    store: Store,
    effects: Vec<Effect>,
    members_changed: bool,
    outcome: Result<(), StoreError>,
}

impl Driver {
    async fn run(
        mut self,
        mut queue: mpsc::UnboundedReceiver<Input>,
        mut core: Core,
        mut store: Store,
        opened: Stepped,
    ) {
        let mut batch = commit(core, store, opened).await;
        self.share(&batch.store);
        let mut progress = self.disk.progress();
        loop {
            let members_changed = batch.members_changed;
            match std::mem::replace(&mut batch.outcome, Ok(())) {
                Ok(()) => self.carry_out(std::mem::take(&mut batch.effects)),
                Err(error) => batch = self.reopen(batch, error).await,
            }
            if members_changed {
                self.share(&batch.store);
            }
            self.publish(&batch.core, &batch.store);
            let deadline = batch.core.deadline();
            let until = deadline.map_or(Duration::from_secs(3600), |at| {
                Duration::from_millis(u64::try_from(at - now_ms()).unwrap_or(0))
            });
            let first = tokio::select! {
                input = queue.recv() => input,
                () = tokio::time::sleep(until) => Some(Input::Event(Event::Tick)),
                Ok(()) = progress.changed() => continue,
            };
            let Some(first) = first else { return };
            let mut events = Vec::new();
            let mut stop = self.take(first, &mut events);
            while stop.is_none() && events.len() < BATCH {
                let Ok(input) = queue.try_recv() else { break };
                stop = self.take(input, &mut events);
            }
            Batch { core, store, .. } = batch;
            batch = step_all(core, store, events).await;
            if let Some(done) = stop {
                if batch.outcome.is_ok() {
                    self.carry_out(std::mem::take(&mut batch.effects));
                }
                drop(batch);
                // Whoever waited may have gone.
                let _ = done.send(());
                return;
            }
        }
    }

    /// Turns an input into an event; a stop is handed back.
    fn take(&mut self, input: Input, events: &mut Vec<Event>) -> Option<oneshot::Sender<()>> {
        match input {
            Input::Event(event) => {
                match &event {
                    Event::PeerConnected(peer) => {
                        self.open_peers.insert(*peer);
                    }
                    Event::PeerGone(peer) => {
                        self.open_peers.remove(peer);
                    }
                    Event::Scanned => self.scanned = true,
                    _ => {}
                }
                events.push(event);
            }
            Input::Ask { request, answer } => {
                self.asked += 1;
                self.answers.insert(self.asked, answer);
                events.push(Event::Asked { number: self.asked, request });
            }
            Input::BlobHeld(hash) => {
                if self.wanted_blobs.remove(&hash) {
                    events.push(Event::BlobHeld(hash));
                }
            }
            Input::Stop(done) => return Some(done),
        }
        None
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut scan = false;
        let mut revision = None;
        for effect in effects {
            match effect {
                Effect::Disk(ops) => self.disk.run(ops),
                Effect::Send { peer, frame } => self.shells.net.send(self.id, peer, frame),
                Effect::Disconnect { peer, reason } => self.shells.net.disconnect(self.id, peer, &reason),
                Effect::Reply { number, reply } => {
                    if let Some(answer) = self.answers.remove(&number) {
                        // The asker may have gone.
                        let _ = answer.send(reply);
                    }
                }
                Effect::Notify(notice) => {
                    if let Notice::WriteFailed { entry, reason } = &notice {
                        tracing::warn!(notebook = %self.id, %entry, reason, "a file could not be written");
                    }
                    // Nobody may be listening.
                    let _ = self
                        .shells
                        .notices
                        .send(NotebookNotice { notebook: self.id, news: News::Notice(notice) });
                }
                Effect::Fetch { hash, size, from } => self.fetch(hash, size, from),
                Effect::Leave(hash) => {
                    // Whatever has arrived of it by then still counts.
                    self.shells.net.leave(hash);
                }
                Effect::Look(hash) => self.look(hash),
                Effect::Scan => scan = true,
                Effect::Changed { revision: up_to } => revision = Some(up_to),
            }
        }
        if let Some(revision) = revision {
            self.mirror.nudge(revision);
            self.shells.git.touched(&self.root);
        }
        if scan {
            self.disk.scan();
        }
    }

    fn fetch(&mut self, hash: ContentHash, size: u64, from: Vec<DeviceId>) {
        let new = self.wanted_blobs.insert(hash);
        let from = if from.is_empty() { self.open_peers.iter().copied().collect() } else { from };
        if !new {
            self.shells.net.fetch(hash, size, from);
            return;
        }
        let (blobs, net, inputs) = (self.shells.blobs.clone(), self.shells.net.clone(), self.inputs.clone());
        tokio::spawn(async move {
            if blobs.has(&hash).await.unwrap_or(false) {
                if let Some(inputs) = inputs.upgrade() {
                    let _ = inputs.send(Input::BlobHeld(hash));
                }
            } else {
                net.fetch(hash, size, from);
            }
        });
    }

    /// A blob that is not to be fetched may be here all the same, from another notebook or an older version.
    fn look(&mut self, hash: ContentHash) {
        self.wanted_blobs.insert(hash);
        let (blobs, inputs) = (self.shells.blobs.clone(), self.inputs.clone());
        tokio::spawn(async move {
            if blobs.has(&hash).await.unwrap_or(false)
                && let Some(inputs) = inputs.upgrade()
            {
                let _ = inputs.send(Input::BlobHeld(hash));
            }
        });
    }

    fn share(&self, store: &Store) {
        match store.members() {
            Ok(members) => {
                let own = self.shells.net.device();
                self.shells.net.share(self.id, members.into_keys().filter(|device| *device != own).collect());
            }
            Err(error) => tracing::error!(notebook = %self.id, %error, "members cannot be read"),
        }
    }

    /// A step or its write failed: nothing of the batch counts. Opens the core again from what is durable.
    async fn reopen(&mut self, batch: Batch, error: StoreError) -> Batch {
        tracing::error!(notebook = %self.id, %error, "a step failed; the notebook is opened again");
        self.failure = Some(error.to_string());
        self.answers.clear();
        let Batch { core, mut store, .. } = batch;
        store.rollback();
        let mut core = core;
        loop {
            self.publish(&core, &store);
            tokio::time::sleep(REOPEN).await;
            let opened = seed().and_then(|seed| Core::open(self.shells.key.clone(), seed, false, &store));
            match opened {
                Ok((fresh, opened)) => {
                    core = fresh;
                    let mut batch = commit(core, store, opened).await;
                    if batch.outcome.is_ok() {
                        self.failure = None;
                        for peer in self.open_peers.clone() {
                            self.shells.net.disconnect(self.id, peer, "the notebook was opened again");
                        }
                        let effects = std::mem::take(&mut batch.effects);
                        self.carry_out(effects);
                        return batch;
                    }
                    Batch { core, store, .. } = batch;
                    store.rollback();
                }
                Err(error) => self.failure = Some(error.to_string()),
            }
        }
    }

    fn publish(&mut self, core: &Core, store: &Store) {
        let standing = self.standing_of(core, store).unwrap_or_else(|error| Standing {
            state: "failed",
            reason: Some(error.to_string()),
            ..Standing::default()
        });
        self.standing.send_if_modified(|old| {
            let changed = *old != standing;
            *old = standing;
            changed
        });
    }

    fn standing_of(&mut self, core: &Core, store: &Store) -> Result<Standing, StoreError> {
        let meta = core.meta();
        let scan = *self.disk.progress().borrow();
        let receipts: BTreeMap<DeviceId, _> =
            store.receipts()?.into_iter().map(|receipt| (receipt.device, receipt)).collect();
        let members = store.members()?;
        let frontier = core.frontier();
        let own_seq = frontier.seq(meta.device, meta.volume);
        let acknowledged =
            receipts.values().map(|r| r.frontier().seq(meta.device, meta.volume)).max().unwrap_or(0);
        let missing_blobs = store.blobs_missing()?;
        let mut held_by = (1, members.len().max(1) as u64);
        let mut peers = Vec::new();
        for (device, member) in members.iter().filter(|(device, _)| **device != meta.device) {
            let receipt = receipts.get(device);
            let mut has = receipt.map(|receipt| receipt.frontier()).unwrap_or_default();
            // Whoever made a record held it durably before it was sent.
            frontier.tips().filter(|tip| tip.device == *device).for_each(|tip| has.advance(tip));
            let records_behind = frontier.ahead_of(&has);
            let (missing, left) = receipt
                .map_or((0, 0), |r| (r.blobs_missing_count, r.blobs_left_count.min(r.blobs_missing_count)));
            if receipt.is_some() && records_behind == 0 && missing == 0 {
                held_by.0 += 1;
            }
            peers.push(PeerStanding {
                device: device.to_string(),
                name: member.name.clone(),
                connected: self.open_peers.contains(device),
                records_behind,
                blobs_missing: missing,
                blobs_left: left,
            });
        }
        let blobs_left = missing_blobs.values().filter(|missing| !missing.wanted).count() as u64;
        let entries = store.alive_count()?;
        let first_scan = (!self.scanned).then(|| first_scan(scan, entries)).flatten();
        let pending = core.unwritten() as u64;
        // Until everything was looked at, nothing is written: what is pending then may need no writing at all.
        let to_write = if self.scanned { pending } else { 0 };
        let gauges = &mut self.gauges;
        let progress = [
            first_scan,
            gauges.receive.at(Work::Receive, core.to_come()),
            gauges.write.at(Work::Write, to_write),
            gauges.attachments.at(Work::Attachments, missing_blobs.len() as u64 - blobs_left),
        ];
        let (state, reason) = match &self.failure {
            Some(reason) => ("failed", Some(reason.clone())),
            None if !core.root_is_there() => {
                ("paused", Some("its folder or the marker in it is not there; nothing is deleted".into()))
            }
            None if meta.paused => ("paused", Some("paused by you".into())),
            None if meta.held => ("held", Some("many deletions at once wait for your yes or no".into())),
            None if meta.mode == Mode::Joining => ("joining", Some("waiting for a peer".into())),
            None if !self.scanned => ("scanning", None),
            None => ("ready", None),
        };
        Ok(Standing {
            state,
            reason,
            entries,
            pending,
            unsynced_records: own_seq.saturating_sub(acknowledged),
            blobs_missing: missing_blobs.len() as u64,
            blobs_left,
            fetch: store.fetch_policy()?.to_string(),
            peers,
            held_by,
            scan,
            progress: progress.into_iter().flatten().collect(),
        })
    }
}

/// How far the first look at the folder is: files are found first, and then taken in.
fn first_scan(scan: ScanProgress, entries: u64) -> Option<Progress> {
    if scan.busy {
        return Some(Progress { what: Work::Scan, done: scan.looked_at, total: None });
    }
    let import = Progress { what: Work::Import, done: entries, total: Some(scan.looked_at) };
    (entries < scan.looked_at).then_some(import)
}

async fn commit(core: Core, store: Store, stepped: Stepped) -> Batch {
    blocking(core, store, move |_, store, effects| {
        store.apply(&stepped.writes)?;
        effects.extend(stepped.effects);
        Ok(false)
    })
    .await
}

async fn step_all(core: Core, store: Store, events: Vec<Event>) -> Batch {
    blocking(core, store, move |core, store, effects| {
        let mut members_changed = false;
        for event in events {
            let stepped = core.step(now_ms(), event, store)?;
            members_changed |= !stepped.writes.members.is_empty();
            store.apply(&stepped.writes)?;
            effects.extend(stepped.effects);
        }
        Ok(members_changed)
    })
    .await
}

/// Runs steps and their commit where blocking is allowed.
async fn blocking(
    core: Core,
    store: Store,
    work: impl FnOnce(&mut Core, &mut Store, &mut Vec<Effect>) -> Result<bool, StoreError> + Send + 'static,
) -> Batch {
    tokio::task::spawn_blocking(move || {
        let mut batch = Batch { core, store, effects: Vec::new(), members_changed: false, outcome: Ok(()) };
        let worked = work(&mut batch.core, &mut batch.store, &mut batch.effects);
        batch.outcome = worked.and_then(|members_changed| {
            batch.members_changed = members_changed;
            batch.store.commit()
        });
        batch
    })
    .await
    .expect("the blocking pool runs as long as the driver; a panic in the core must not be survived half-way")
}
