//! The disk worker: one thread per notebook, the only one that reads or writes the user's files. Whatever it
//! saw and did reaches the core in the order in which it happened; that order is what makes a stale
//! look harmless.
//!
//! It knows nothing of documents or peers: it compares what lies on disk with what the core was last told
//! ([`known`]), and carries out operations without ever overwriting bytes that nobody has seen ([`ops`]).

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc as std_mpsc;

use anyhow::Context as _;
use codex_crdt_model::effect::DiskOp;
use codex_crdt_model::event::Event;
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::store::BaseRow;
use tokio::sync::{mpsc, oneshot, watch};

use crate::blobs::Blobs;

mod aside;
mod deliver;
pub mod ignore;
mod known;
mod look;
mod ops;
mod problems;
mod root;
mod survey;
mod worker;

pub use problems::{Problem, Troubles};

/// Cloneable handle to one notebook's worker.
#[derive(Debug, Clone)]
pub struct Disk {
    commands: std_mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

/// What the worker tells, in order.
#[derive(Debug)]
pub enum Told {
    /// What the core is to know.
    Event(Event),
    /// To be answered when everything told before is in the store, or dropped if it will never be.
    Barrier(std_mpsc::Sender<()>),
}

/// How far a scan is; for progress bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
pub struct ScanProgress {
    /// A scan is under way, or hints or operations are waiting.
    pub busy: bool,
    /// Files looked at so far in this scan.
    pub looked_at: u64,
    /// Files that had to be read.
    pub read: u64,
}

/// What the store knows to be on disk: asked at every scan.
type Bases = Box<dyn FnMut() -> anyhow::Result<Vec<(EntryId, BaseRow)>> + Send>;

/// What the worker may be told.
#[derive(Debug)]
enum Command {
    Run(Vec<DiskOp>),
    Scan(Option<u64>),
    Hint { paths: Vec<PathBuf>, finished: bool },
    HoldScans(bool),
    Shutdown(oneshot::Sender<()>),
}

/// What the handles and the worker share.
#[derive(Debug)]
struct Shared {
    progress: watch::Sender<ScanProgress>,
    troubles: watch::Sender<Troubles>,
    /// Commands sent and not yet taken in.
    queued: AtomicUsize,
    stop: AtomicBool,
}

impl Disk {
    /// Starts the worker for the notebook folder `root`, whose store is `root/.codex/store.db` (read through
    /// `crate::store::Reader` to know what is on disk already). Nothing is scanned yet.
    ///
    /// Must be called inside a Tokio runtime: the blob store needs it. The worker reads no further than `told`
    /// takes in: a large folder is never in memory as a whole.
    pub fn start(root: PathBuf, blobs: Blobs, told: mpsc::Sender<Told>) -> anyhow::Result<Self> {
        let store = root.join(root::OWN).join("store.db");
        let bases = Box::new(move || {
            let reader = crate::store::Reader::open(&store)?;
            Ok(reader.bases_for_scan()?)
        });
        Self::start_with(root, blobs, told, bases)
    }

    /// The same with another source of bases.
    fn start_with(
        root: PathBuf,
        blobs: Blobs,
        told: mpsc::Sender<Told>,
        bases: Bases,
    ) -> anyhow::Result<Self> {
        let root = std::path::absolute(&root)
            .with_context(|| format!("the notebook's path {} cannot be made absolute", root.display()))?;
        let runtime =
            tokio::runtime::Handle::try_current().context("the disk worker needs a Tokio runtime")?;
        let (commands, received) = std_mpsc::channel();
        let shared = Arc::new(Shared {
            progress: watch::Sender::new(ScanProgress::default()),
            troubles: watch::Sender::new(Troubles::default()),
            queued: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let name: String = root.file_name().unwrap_or_default().to_string_lossy().chars().take(9).collect();
        let port = worker::Port { blobs, runtime, told, bases, commands: received, shared: shared.clone() };
        let worker = worker::Worker::new(root, port);
        std::thread::Builder::new()
            .name(format!("disk {name}"))
            .spawn(move || worker.run())
            .context("the disk worker's thread cannot be started")?;
        Ok(Self { commands, shared })
    }

    fn send(&self, command: Command) {
        self.shared.queued.fetch_add(1, Ordering::SeqCst);
        self.shared.progress.send_modify(|progress| progress.busy = true);
        // A worker that has ended does nothing more, which is what its last caller asked for.
        let _ = self.commands.send(command);
    }

    /// Carry out these operations; answered by one `Event::DiskDone`.
    pub fn run(&self, ops: Vec<DiskOp>) {
        self.send(Command::Run(ops));
    }

    /// Look at everything; `Event::Observed` batches with differences, then `Event::Scanned`.
    pub fn scan(&self) {
        self.send(Command::Scan(None));
    }

    /// The same, because the core asked for it with this number.
    pub fn scan_for(&self, number: u64) {
        self.send(Command::Scan(Some(number)));
    }

    /// Scans wait until told otherwise: what changes while the folder is not watched yet must be found by the scan.
    pub fn hold_scans(&self, held: bool) {
        self.send(Command::HoldScans(held));
    }

    /// Paths (absolute) that may have changed; `finished` when the writer has closed or renamed into place.
    /// Both paths of a rename belong in one call.
    pub fn hint(&self, paths: Vec<PathBuf>, finished: bool) {
        self.send(Command::Hint { paths, finished });
    }

    /// Progress, for whoever wants to show it.
    pub fn progress(&self) -> watch::Receiver<ScanProgress> {
        self.shared.progress.subscribe()
    }

    /// What cannot be read, listed or made durable.
    pub fn troubles(&self) -> watch::Receiver<Troubles> {
        self.shared.troubles.subscribe()
    }

    /// Stops after the operation under way.
    pub async fn shutdown(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let (done, ended) = oneshot::channel();
        self.send(Command::Shutdown(done));
        // An error says that the worker had ended before.
        let _ = ended.await;
    }
}

#[cfg(test)]
pub(crate) mod tests;
