//! The worker's loop: take in commands, do what is due, sleep until the next thing is.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use codex_crdt_model::effect::DiskOp;
use codex_crdt_model::event::Event;
use codex_crdt_model::path::EntryPath;
use tokio::sync::{mpsc, oneshot};

use super::aside::KeptFiles;
use super::ignore::{is_ignored_name, looks_passing};
use super::known::Index;
use super::problems::Problems;
use super::root::Root;
use super::{Bases, Command, Shared, Told};
use crate::blobs::Blobs;

/// A file is read when nobody has touched it for so long, unless its writer has closed it.
pub(super) const QUIET: Duration = Duration::from_millis(50);
/// A file that is touched all the time is read at least this often.
const QUIET_AT_MOST: Duration = Duration::from_secs(1);
/// A missing file is reported when it has stayed away so long: some programs delete and write again.
pub(super) const MISSING: Duration = Duration::from_millis(100);
/// A file that turned empty is read after so long: some programs truncate and write later.
pub(super) const EMPTIED: Duration = Duration::from_millis(300);
/// A file with a name for passing use is read when it has lived so long.
pub(super) const PASSING: Duration = Duration::from_secs(2);
/// How often a lost root is looked for.
const ROOT_AGAIN: Duration = Duration::from_secs(1);
/// When a scan is tried again whose bases could not be read.
const SCAN_AGAIN: Duration = Duration::from_secs(5);
/// A scan follows a moved folder after so long: it finds whatever the core made of it otherwise.
const SCAN_AFTER_MOVE: Duration = Duration::from_secs(2);

/// Under which name a scan that cannot be made is shown.
pub(super) const SCAN: &str = "(scan)";

/// What the worker is given at start.
pub(super) struct Port {
    pub blobs: Blobs,
    pub runtime: tokio::runtime::Handle,
    pub told: mpsc::Sender<Told>,
    pub bases: Bases,
    pub commands: Receiver<Command>,
    pub shared: Arc<Shared>,
}

/// Why a path waits to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody may be writing.
    Touched,
    /// The writer has finished.
    Finished,
    /// It was not there; if it still is not, it is gone.
    Missing,
    /// It is new, and is told together with what is missing: it may be that, saved anew and then renamed.
    Together,
    /// It had turned empty; if it still is, it is meant.
    Emptied,
}

/// A path that waits to be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub due: Instant,
    pub first: Instant,
    pub why: Why,
}

/// One notebook's worker.
pub(super) struct Worker {
    pub(super) path: PathBuf,
    canonical: Option<PathBuf>,
    pub(super) port: Port,
    /// `None` until the bases are read, and again whenever the root was lost.
    pub(super) index: Option<Index>,
    /// Number of the last survey.
    pub(super) survey: u32,
    pub(super) waiting: BTreeMap<EntryPath, Waiting>,
    pub(super) problems: Problems,
    ops: VecDeque<Vec<DiskOp>>,
    scan_due: Option<Instant>,
    /// The last scan that the core asked for.
    pub(super) scan_number: u64,
    /// The folder is not watched yet.
    scans_held: bool,
    /// The scan that is due follows up a moved folder, so nobody waits for it.
    scan_follows_up: bool,
    /// When to look for the lost root; `None` while it is there.
    root_due: Option<Instant>,
    leftovers_told: bool,
    pub(super) kept: KeptFiles,
    pub(super) counter: u64,
    stopping: Option<oneshot::Sender<()>>,
    orphaned: bool,
}

impl Worker {
    pub fn new(path: PathBuf, port: Port) -> Self {
        let canonical = path.canonicalize().ok().filter(|canonical| *canonical != path);
        Self {
            path,
            canonical,
            port,
            index: None,
            survey: 0,
            waiting: BTreeMap::new(),
            problems: Problems::default(),
            ops: VecDeque::new(),
            scan_due: None,
            scan_number: 0,
            scans_held: false,
            scan_follows_up: false,
            root_due: None,
            leftovers_told: false,
            kept: KeptFiles::default(),
            counter: 0,
            stopping: None,
            orphaned: false,
        }
    }

    /// Runs until told to stop or until nobody holds a handle.
    pub fn run(mut self) {
        self.with_root(|_, _| {});
        loop {
            self.take_in(true);
            if self.is_stopping() {
                break;
            }
            self.run_waiting_ops();
            self.look_for_root();
            self.look_at_due();
            self.scan_if_due();
            self.look_at_kept();
            self.tell_busy();
        }
        if let Some(done) = self.stopping.take() {
            drop(self);
            let _ = done.send(());
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some() || self.orphaned || self.port.shared.stop.load(Ordering::SeqCst)
    }

    /// Between two batches of a long scan: operations do not wait for its end.
    pub(super) fn breathe(&mut self) {
        self.take_in(false);
        self.run_waiting_ops();
    }

    pub(super) fn take_in(&mut self, wait: bool) {
        let mut next = if wait {
            let wake = self.next_due();
            let received = match wake {
                Some(due) => self.port.commands.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => self.port.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.orphaned = matches!(received, Err(RecvTimeoutError::Disconnected));
            received.ok()
        } else {
            self.port.commands.try_recv().ok()
        };
        while let Some(command) = next {
            match command {
                Command::Run(ops) => self.ops.push_back(ops),
                Command::Scan(number) => {
                    self.scan_number = number.unwrap_or(self.scan_number);
                    self.want_scan();
                }
                Command::Hint { paths, finished } => self.note(paths, finished),
                Command::HoldScans(held) => self.scans_held = held,
                Command::Shutdown(done) => self.stopping = Some(done),
            }
            self.port.shared.queued.fetch_sub(1, Ordering::SeqCst);
            next = self.port.commands.try_recv().ok();
        }
    }

    fn next_due(&self) -> Option<Instant> {
        // Without the root nothing else can be done, however long it has been due.
        if self.root_due.is_some() {
            return self.root_due;
        }
        let waiting = self.waiting.values().map(|waiting| waiting.due).min();
        let kept = self.kept.due();
        let scan = self.scan_due.filter(|_| !self.scans_held);
        [waiting, kept, scan].into_iter().flatten().min()
    }

    fn want_scan(&mut self) {
        self.scan_due = Some(Instant::now());
        self.scan_follows_up = false;
        if self.root_due.is_some() {
            self.root_due = Some(Instant::now());
        }
    }

    /// The rules of what is ignored changed: look at everything.
    pub(super) fn scan_soon(&mut self) {
        self.want_scan();
    }

    /// A folder moved: look at everything soon, in case the core saw something else in it.
    pub(super) fn want_scan_after_move(&mut self) {
        if self.scan_due.is_none() {
            self.scan_due = Some(Instant::now() + SCAN_AFTER_MOVE);
            self.scan_follows_up = true;
        }
    }

    fn run_waiting_ops(&mut self) {
        while let Some(ops) = self.ops.pop_front() {
            self.run_ops(ops);
        }
    }

    fn tell_busy(&mut self) {
        if let Some(troubles) = self.problems.news() {
            self.port.shared.troubles.send_replace(troubles);
        }
        let working = !self.waiting.is_empty()
            || !self.ops.is_empty()
            || (self.scan_due.is_some() && !self.scan_follows_up && self.root_due.is_none());
        let shared = &self.port.shared;
        shared.progress.send_if_modified(|progress| {
            // Asked inside the lock: whoever sends a command counts it first and marks us busy then.
            let busy = working || shared.queued.load(Ordering::SeqCst) > 0;
            std::mem::replace(&mut progress.busy, busy) != busy
        });
    }

    /// Tells the core, and waits while it is behind. Nobody listening means that we are about to be stopped.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.port.told.blocking_send(Told::Event(event));
    }

    /// Waits until everything told is in the store. An error says that it never will be.
    fn level(&self) -> anyhow::Result<()> {
        let (answer, answered) = std::sync::mpsc::channel();
        let _ = self.port.told.blocking_send(Told::Barrier(answer));
        answered.recv().context("what was seen and done before could not be stored")
    }

    /// Does something with the opened root, or says that it is lost.
    pub(super) fn with_root<T>(&mut self, act: impl FnOnce(&mut Self, &Root) -> T) -> Option<T> {
        match Root::open(&self.path) {
            Ok(root) => {
                if self.root_due.take().is_some() {
                    tracing::info!("the notebook at {} is back", self.path.display());
                    self.tell(Event::RootFound);
                    self.want_scan();
                }
                if !std::mem::replace(&mut self.leftovers_told, true) {
                    self.tell_leftovers(&root);
                }
                Some(act(self, &root))
            }
            Err(reason) => {
                self.lose_root(reason);
                None
            }
        }
    }

    /// The root or its marker is not there: nothing that is missing now is a deletion.
    pub(super) fn lose_root(&mut self, reason: String) {
        if self.root_due.is_none() {
            tracing::warn!("{reason}");
            self.tell(Event::RootLost(reason));
        }
        self.root_due = Some(Instant::now() + ROOT_AGAIN);
        self.index = None;
        self.waiting.clear();
        self.scan_due = None;
    }

    fn look_for_root(&mut self) {
        if self.root_due.is_some_and(|due| due <= Instant::now()) {
            self.with_root(|_, _| {});
        }
    }

    fn scan_if_due(&mut self) {
        let due = self.scan_due.is_some_and(|due| due <= Instant::now());
        if self.root_due.is_some() || self.scans_held || !due {
            return;
        }
        self.scan_due = None;
        self.with_root(|worker, root| {
            let follows_up = std::mem::replace(&mut worker.scan_follows_up, false);
            match worker.scan(root) {
                Ok(()) if follows_up && worker.scan_follows_up => worker.scan_due = None,
                Ok(()) => {}
                Err(error) => {
                    let again = SCAN_AGAIN.as_secs();
                    tracing::error!("{} is scanned again in {again} s: {error:#}", worker.path.display());
                    worker.problems.failing(SCAN, format!("{error:#}; it is scanned again in {again} s"));
                    worker.scan_due = Some(Instant::now() + SCAN_AGAIN);
                }
            }
        });
    }

    /// Reads the bases, if that has not been done since the start or since the root was lost.
    pub(super) fn know(&mut self) -> anyhow::Result<()> {
        if self.index.is_none() {
            self.know_again()?;
        }
        Ok(())
    }

    /// Reads the bases, as they are after all that was told: what lies elsewhere than they say would look both gone
    /// and new.
    pub(super) fn know_again(&mut self) -> anyhow::Result<()> {
        self.level()?;
        self.index = Some(Index::of_bases(&(self.port.bases)()?));
        Ok(())
    }

    pub(super) fn index(&mut self) -> &mut Index {
        self.index.get_or_insert_default()
    }

    fn note(&mut self, paths: Vec<PathBuf>, finished: bool) {
        for path in paths {
            match self.entry_path(&path) {
                Some(path) if path.is_root() => self.want_scan(),
                Some(path) if path.names().any(is_ignored_name) => {}
                Some(path) => self.touch(path, finished),
                None => {}
            }
        }
    }

    fn entry_path(&mut self, path: &Path) -> Option<EntryPath> {
        let canonical = self.canonical.as_deref();
        let inside = path
            .strip_prefix(&self.path)
            .ok()
            .or_else(|| canonical.and_then(|canonical| path.strip_prefix(canonical).ok()))?;
        let parsed = inside.to_str().and_then(|text| EntryPath::parse(text).ok());
        if parsed.is_none() {
            let shown = inside.to_string_lossy().into_owned();
            self.problems.met(&shown, super::survey::BAD_NAME.to_owned(), self.survey);
        }
        parsed
    }

    fn touch(&mut self, path: EntryPath, finished: bool) {
        let now = Instant::now();
        let first = self.waiting.get(&path).map_or(now, |waiting| waiting.first);
        let waiting = if looks_passing(path.name())
            && self.index.as_ref().is_none_or(|index| index.at(&path).is_none())
        {
            Waiting { due: first + PASSING, first, why: Why::Touched }
        } else if finished {
            Waiting { due: now, first, why: Why::Finished }
        } else {
            Waiting { due: (now + QUIET).min(first + QUIET_AT_MOST), first, why: Why::Touched }
        };
        self.waiting.insert(path, waiting);
    }

    /// Looks at a path later.
    pub(super) fn wait(&mut self, path: EntryPath, how_long: Duration, why: Why) {
        self.wait_until(path, Instant::now() + how_long, why);
    }

    pub(super) fn wait_until(&mut self, path: EntryPath, due: Instant, why: Why) {
        let first = self.waiting.get(&path).map_or_else(Instant::now, |waiting| waiting.first);
        self.waiting.insert(path, Waiting { due, first, why });
    }
}
