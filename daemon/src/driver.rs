//! The driver: the only owner of a [`codex_crdt_model::Core`]. Select, step, write, act, and again.
//!
//! Events that wait together are stepped together and share one transaction ([`batch`]), so that an import of ten thousand
//! files is a few dozen syncs. No effect is carried out before that transaction is on disk (law 3).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::Duration;

use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::{Effect, Notice, Refusal, Reply};
use codex_crdt_model::event::{Event, Request};
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId, NotebookId};
use codex_crdt_model::journal::Role;
use codex_crdt_model::store::{MemberRow, Source, StoreError};
use codex_crdt_model::{Core, Stepped};
use ed25519_dalek::SigningKey;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::blobs::Blobs;
use crate::clock::now_ms;
use crate::disk::Disk;
use crate::git::Git;
use crate::mirror::Mirror;
use crate::net::{Net, Part};
use crate::private;
use crate::progress::Gauge;
use crate::store::{OpenError, Reader, Store};

mod batch;
mod inbox;
mod readers;
mod reopen;
mod standing;

use batch::{Batch, CameTo, commit, step_all};
use inbox::Inbox;
use readers::Readers;
use reopen::Reopened;
pub use standing::{PeerStanding, ScanProgress, Standing};

/// Events taken into one transaction at most.
const BATCH: usize = 128;
/// Files that cannot be written and are remembered one by one.
const FAILING: usize = 1000;
/// Things the disk worker has seen or done that wait for the core, at most: each is up to some megabytes of text.
const DISK_EVENTS: usize = 8;
/// With nothing to do for so long, memory is given back: a program may have a thousand notebooks open, and few of them
/// at work.
const REST: Duration = Duration::from_secs(10);

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
    readers: Arc<Readers>,
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
    /// Its disk is full: nothing was changed.
    #[error("cannot write to notebook {0}: {1}")]
    Full(NotebookId, String),
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
    Received {
        peer: DeviceId,
        frame: Vec<u8>,
        part: Part,
    },
    Ask {
        request: Request,
        answer: oneshot::Sender<Result<Reply, Refusal>>,
    },
    Fetch {
        hash: ContentHash,
        size: u64,
    },
    BlobHeld(ContentHash),
    TurnedAway(DeviceId),
    /// The disk worker waits until what it told before is durable.
    Barrier(std_mpsc::Sender<()>),
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
        writes.members.insert(inviter, Some(MemberRow { role: Role::Editor, name: inviter.short() }));
    }
    let dir = root.join(".codex");
    private::folder(&dir)?;
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
    /// Opens the notebook at `root`, whose store exists. It runs from when `go` says so (or is dropped): by then
    /// whoever carries events must know it. Its first scan waits until its folder is watched
    /// ([`Disk::hold_scans`]), or a change in between could be missed. `fresh_volume` says that its journal may not
    /// be the newest.
    pub fn start(
        root: PathBuf,
        shells: Shells,
        fresh_volume: bool,
        go: oneshot::Receiver<()>,
    ) -> anyhow::Result<Self> {
        let own = root.join(".codex");
        // An earlier version left them as open as the user's own files are.
        private::close(&own);
        private::files(&own, &["store.", "mirror."]);
        let store = Store::open(&own.join("store.db"))?;
        let (core, opened) = Core::open(shells.key.clone(), seed()?, fresh_volume, &store)?;
        let id = core.meta().notebook;
        let (events, from_disk) = mpsc::channel(DISK_EVENTS);
        let disk = Disk::start(root.clone(), shells.blobs.clone(), events)?;
        disk.hold_scans(true);
        let mirror = Mirror::open(&root)?;
        let (inputs, queue) = mpsc::unbounded_channel();
        tokio::spawn(tell_of_lateness(id, mirror.late(), shells.notices.clone()));
        let (standing_out, standing) = watch::channel(Standing { state: "scanning", ..Standing::default() });
        let git = shells.git.clone();
        let readers = Arc::new(Readers::new(&root));
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
            barriers: Vec::new(),
            parts: Vec::new(),
            open_peers: BTreeSet::new(),
            turned_away_by: BTreeSet::new(),
            wanted_blobs: BTreeSet::new(),
            readers: Arc::clone(&readers),
            failure: None,
            failing: BTreeMap::new(),
            scanned: false,
            gauges: Gauges::default(),
        };
        tokio::spawn(async move {
            // Dropped or sent, it is time.
            let _ = go.await;
            driver.run(Inbox { queue, from_disk }, core, store, opened).await;
        });
        Ok(Self { id, root, mirror, disk, git, inputs, standing, readers })
    }

    /// Asks the core for something and waits until it is durable.
    pub async fn ask(&self, request: Request) -> Result<Reply, AskError> {
        let (answer, answered) = oneshot::channel();
        let not_running = || {
            let reason = self.standing.borrow().reason.clone().unwrap_or_else(|| "it has stopped".into());
            if reason.contains(crate::store::FULL) {
                return AskError::Full(self.id, reason);
            }
            AskError::NotRunning(self.id, reason)
        };
        self.inputs.send(Input::Ask { request, answer }).map_err(|_| not_running())?;
        Ok(answered.await.map_err(|_| not_running())??)
    }

    /// How it stands now and from now on.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Reads its store. Blocks.
    pub fn read<T>(&self, work: impl FnOnce(&Reader) -> T) -> Result<T, OpenError> {
        self.readers.read(work)
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

    /// A frame of a peer came. `part` is given back when what it says is durable, or came to nothing.
    pub fn received(&self, peer: DeviceId, frame: Vec<u8>, part: Part) {
        let _ = self.inputs.send(Input::Received { peer, frame, part });
    }

    /// Somebody wants to see a blob that is not here: an older version's, say. Members who are connected are asked for it.
    pub fn fetch(&self, hash: ContentHash, size: u64) {
        let _ = self.inputs.send(Input::Fetch { hash, size });
    }

    /// A blob has arrived; it may be one that this notebook waits for.
    pub fn blob_held(&self, hash: ContentHash) {
        let _ = self.inputs.send(Input::BlobHeld(hash));
    }

    /// A peer says that this notebook is not shared with this device there.
    pub fn turned_away(&self, peer: DeviceId) {
        let _ = self.inputs.send(Input::TurnedAway(peer));
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
    /// Answered after the next commit.
    barriers: Vec<std_mpsc::Sender<()>>,
    /// Of the frames in the batch under way.
    parts: Vec<Part>,
    open_peers: BTreeSet<DeviceId>,
    /// Peers that say that this notebook is not shared with this device there.
    turned_away_by: BTreeSet<DeviceId>,
    wanted_blobs: BTreeSet<ContentHash>,
    readers: Arc<Readers>,
    failure: Option<String>,
    /// Files that could not be written, and why; they are tried again.
    failing: BTreeMap<EntryId, String>,
    scanned: bool,
    gauges: Gauges,
}

#[derive(Debug, Default)]
struct Gauges {
    receive: Gauge,
    write: Gauge,
    attachments: Gauge,
}

impl Driver {
    async fn run(mut self, mut inbox: Inbox, mut core: Core, mut store: Store, opened: Stepped) {
        let mut batch = commit(core, store, opened).await;
        let mut paused = batch.core.meta().paused;
        self.share(&batch);
        let mut progress = self.disk.progress();
        let mut troubles = self.disk.troubles();
        let mut late = Vec::new();
        let mut resting = false;
        loop {
            // What came is on disk, or nothing of it counts and the peer is asked again.
            self.parts.clear();
            let CameTo { members_changed, proves_well } = std::mem::take(&mut batch.came_to);
            match std::mem::replace(&mut batch.outcome, Ok(())) {
                Ok(()) => {
                    if proves_well {
                        self.failure = None;
                    }
                    self.carry_out(std::mem::take(&mut batch.effects));
                    for barrier in self.barriers.drain(..) {
                        // A worker that is gone waits for nothing.
                        let _ = barrier.send(());
                    }
                }
                Err(error) => match self.reopen(batch, error, &mut inbox).await {
                    Reopened::Again(opened, missed) => (batch, late) = (*opened, missed),
                    Reopened::Stopped(done) => {
                        if let Some(done) = done {
                            // Whoever waited may have gone.
                            let _ = done.send(());
                        }
                        return;
                    }
                },
            }
            if members_changed || batch.core.meta().paused != paused {
                paused = batch.core.meta().paused;
                self.share(&batch);
            }
            self.publish(&batch.core, &batch.store);
            let deadline = batch.core.deadline();
            let until = deadline.map_or(Duration::from_secs(3600), |at| {
                Duration::from_millis(u64::try_from(at - now_ms()).unwrap_or(0))
            });
            let mut events = std::mem::take(&mut late);
            let mut stop = None;
            if events.is_empty() {
                let first = tokio::select! {
                    input = inbox.next() => input,
                    () = tokio::time::sleep(until) => Some(Input::Event(Event::Tick)),
                    Ok(()) = progress.changed() => continue,
                    Ok(()) = troubles.changed() => continue,
                    () = tokio::time::sleep(REST), if !resting => {
                        resting = true;
                        self.readers.rest();
                        batch.store.rest();
                        continue;
                    }
                    () = self.readers.used() => {
                        resting = false;
                        continue;
                    }
                };
                resting = false;
                let Some(first) = first else { return };
                stop = self.take(first, &mut events);
            }
            while stop.is_none() && events.len() < BATCH {
                let Some(input) = inbox.waiting() else { break };
                stop = self.take(input, &mut events);
            }
            if stop.is_some() {
                // The worker has ended; these are the last results of what it did.
                while let Ok(told) = inbox.from_disk.try_recv() {
                    self.take(told.into(), &mut events);
                }
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
                        self.turned_away_by.remove(peer);
                    }
                    Event::PeerGone(peer) => {
                        self.open_peers.remove(peer);
                    }
                    Event::Scanned(_) => self.scanned = true,
                    _ => {}
                }
                events.push(event);
            }
            Input::Ask { request, answer } => {
                self.asked += 1;
                self.answers.insert(self.asked, answer);
                events.push(Event::Asked { number: self.asked, request });
            }
            Input::Received { peer, frame, part } => {
                events.push(Event::Received { peer, frame });
                self.parts.push(part);
            }
            Input::Fetch { hash, size } => self.fetch(hash, size, Vec::new()),
            Input::BlobHeld(hash) => {
                if self.wanted_blobs.remove(&hash) {
                    events.push(Event::BlobHeld(hash));
                }
            }
            Input::TurnedAway(peer) => {
                if self.turned_away_by.insert(peer) {
                    let words = "a device says that this notebook is not shared with you there";
                    self.tell(Notice::Standing(words.to_owned()));
                }
            }
            Input::Barrier(answer) => self.barriers.push(answer),
            Input::Stop(done) => return Some(done),
        }
        None
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut scan = None;
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
                Effect::Notify(notice) => self.tell(notice),
                Effect::Fetch { hash, size, from } => self.fetch(hash, size, from),
                Effect::Leave(hash) => {
                    // Whatever has arrived of it by then still counts.
                    self.shells.net.leave(self.id, hash);
                }
                Effect::Look(hash) => self.look(hash),
                Effect::Scan(number) => scan = Some(number),
                Effect::Changed { revision: up_to } => revision = Some(up_to),
            }
        }
        if let Some(revision) = revision {
            self.mirror.nudge(revision);
            self.shells.git.touched(&self.root);
        }
        if let Some(number) = scan {
            self.disk.scan_for(number);
        }
    }

    /// Tells whoever listens. What fails again for the same reason is shown, but not told again.
    fn tell(&mut self, notice: Notice) {
        if let Notice::WriteFailed { entry, reason } = &notice {
            let known = self.failing.get(entry) == Some(reason);
            if known || (self.failing.len() >= FAILING && !self.failing.contains_key(entry)) {
                return;
            }
            tracing::warn!(notebook = %self.id, %entry, reason, "a file could not be written");
            self.failing.insert(*entry, reason.clone());
        }
        // Nobody may be listening.
        let _ = self.shells.notices.send(NotebookNotice { notebook: self.id, news: News::Notice(notice) });
    }

    fn fetch(&mut self, hash: ContentHash, size: u64, from: Vec<DeviceId>) {
        let new = self.wanted_blobs.insert(hash);
        let from = if from.is_empty() { self.open_peers.iter().copied().collect() } else { from };
        if !new {
            self.shells.net.fetch(self.id, hash, size, from);
            return;
        }
        let (blobs, net, inputs) = (self.shells.blobs.clone(), self.shells.net.clone(), self.inputs.clone());
        let notebook = self.id;
        tokio::spawn(async move {
            if blobs.has(&hash).await.unwrap_or(false) {
                if let Some(inputs) = inputs.upgrade() {
                    let _ = inputs.send(Input::BlobHeld(hash));
                }
            } else {
                net.fetch(notebook, hash, size, from);
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

    /// Says with whom this notebook is shared now: while it is paused, with nobody.
    fn share(&self, batch: &Batch) {
        if batch.core.meta().paused {
            self.shells.net.unshare(self.id);
            return;
        }
        match batch.store.members() {
            Ok(members) => {
                let own = self.shells.net.device();
                self.shells.net.share(self.id, members.into_keys().filter(|device| *device != own).collect());
            }
            Err(error) => tracing::error!(notebook = %self.id, %error, "members cannot be read"),
        }
    }

    fn publish(&mut self, core: &Core, store: &Store) {
        // A file that was written, or that nobody wants written any more, is no trouble any more.
        self.failing.retain(|entry, _| store.reader().is_pending(entry).unwrap_or(true));
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
}
