//! The file watcher: one for all notebooks. Its events are hints; the scan is the truth.
//!
//! The system's notifications are put into a channel and nothing more; one thread routes them to the worker of
//! the notebook they lie in. Whatever the watcher cannot do (too few watches, an overflow), a scan does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind};
use notify::{Config, ErrorKind, Event, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::disk::Disk;

/// Every notebook is scanned this often, whatever the watcher said.
const SCAN_EVERY: Duration = Duration::from_secs(3600);
/// A notebook that is not watched is scanned this often.
const SCAN_UNWATCHED_EVERY: Duration = Duration::from_secs(10);

/// The one watcher.
#[derive(Debug)]
pub struct Watcher {
    inner: Arc<Inner>,
    /// Wakes the routing thread: it then counts its time anew.
    wake: mpsc::Sender<Message>,
}

/// What the handle and the routing thread share. The thread ends when the handle is gone.
#[derive(Debug)]
struct Inner {
    /// `None` where the system has no notifications left to give.
    watcher: Option<Mutex<RecommendedWatcher>>,
    roots: Mutex<Roots>,
}

type Roots = BTreeMap<PathBuf, Watched>;

#[derive(Debug)]
struct Watched {
    disk: Disk,
    /// Whether notifications come for all of it.
    complete: bool,
    next_scan: Instant,
}

#[derive(Debug)]
enum Message {
    Notified(notify::Result<Event>),
    Changed,
}

/// What a notification asks for.
#[derive(Debug, PartialEq, Eq)]
enum Hint {
    /// Look at these paths; `true` if whoever changed them has finished.
    Look(Vec<PathBuf>, bool),
    /// Look at everything.
    Scan,
    /// Nothing.
    Nothing,
}

fn locked(roots: &Mutex<Roots>) -> MutexGuard<'_, Roots> {
    // A thread that panicked with the map in hand left it whole: every change is one call.
    roots.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watcher {
    /// Starts it. Where the system has no notifications, notebooks are scanned often instead.
    pub fn start() -> anyhow::Result<Self> {
        let (wake, messages) = mpsc::channel();
        let notified = wake.clone();
        let kinds = EventKindMask::CREATE
            | EventKindMask::REMOVE
            | EventKindMask::MODIFY_NAME
            | EventKindMask::MODIFY_DATA
            | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_follow_symlinks(false).with_event_kinds(kinds);
        let handler = move |event| {
            // The routing thread ends only when the watcher does.
            let _ = notified.send(Message::Notified(event));
        };
        let watcher = match RecommendedWatcher::new(handler, config) {
            Ok(watcher) => Some(Mutex::new(watcher)),
            Err(error) => {
                tracing::warn!(
                    "files cannot be watched: {error}; notebooks are scanned every {} s instead. Raise fs.inotify.max_user_instances",
                    SCAN_UNWATCHED_EVERY.as_secs()
                );
                None
            }
        };
        let inner = Arc::new(Inner { watcher, roots: Mutex::new(Roots::new()) });
        let routed = Arc::downgrade(&inner);
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || route_all(&routed, &messages))
            .context("the watcher's thread cannot be started")?;
        Ok(Self { inner, wake })
    }

    /// Watches a notebook folder and all below; hints go to its worker.
    pub fn add(&self, root: &Path, disk: Disk) -> anyhow::Result<()> {
        let root = std::path::absolute(root)
            .with_context(|| format!("the notebook's path {} cannot be made absolute", root.display()))?;
        // The worker first: what is noticed while the folders are still being counted is not lost.
        let watched = Watched { disk, complete: true, next_scan: Instant::now() + SCAN_EVERY };
        locked(&self.inner.roots).insert(root.clone(), watched);
        if let Err(error) = self.inner.watch(&root) {
            let advice = match error.kind {
                ErrorKind::MaxFilesWatch => "Raise fs.inotify.max_user_watches (sysctl)",
                _ => "Changes are found all the same, only later",
            };
            tracing::warn!(
                "not all of {} is watched: {error}; it is scanned every {} s instead. {advice}",
                root.display(),
                SCAN_UNWATCHED_EVERY.as_secs()
            );
            set_incomplete(&mut locked(&self.inner.roots), &root);
        }
        // A thread that has ended routes nothing either.
        let _ = self.wake.send(Message::Changed);
        Ok(())
    }

    /// Stops watching it.
    pub fn remove(&self, root: &Path) {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        if locked(&self.inner.roots).remove(&root).is_none() {
            return;
        }
        if let Some(watcher) = &self.inner.watcher {
            let unwatched = watcher.lock().unwrap_or_else(PoisonError::into_inner).unwatch(&root);
            if let Err(error) = unwatched {
                tracing::debug!("{} was not watched any more: {error}", root.display());
            }
        }
    }
}

impl Inner {
    fn watch(&self, root: &Path) -> notify::Result<()> {
        let watcher =
            self.watcher.as_ref().ok_or_else(|| notify::Error::generic("no watcher could be made"))?;
        watcher.lock().unwrap_or_else(PoisonError::into_inner).watch(root, RecursiveMode::Recursive)
    }

    /// Starts the scans that are due; tells when the next one is. What is not wholly watched is tried again: the
    /// folder may be back, or other programs may have given up their watches.
    fn scan_due(&self) -> Instant {
        let now = Instant::now();
        let again: Vec<PathBuf> = locked(&self.roots)
            .iter()
            .filter(|(_, watched)| !watched.complete && watched.next_scan <= now)
            .map(|(root, _)| root.clone())
            .collect();
        let whole: Vec<PathBuf> = again.into_iter().filter(|root| self.watch(root).is_ok()).collect();
        let mut next = now + SCAN_EVERY;
        for (root, watched) in locked(&self.roots).iter_mut() {
            watched.complete |= whole.contains(root);
            if watched.next_scan <= now {
                watched.disk.scan();
                watched.next_scan = now + if watched.complete { SCAN_EVERY } else { SCAN_UNWATCHED_EVERY };
            }
            next = next.min(watched.next_scan);
        }
        next
    }
}

fn set_incomplete(roots: &mut Roots, root: &Path) {
    if let Some(watched) = roots.get_mut(root) {
        watched.complete = false;
        watched.next_scan = watched.next_scan.min(Instant::now() + SCAN_UNWATCHED_EVERY);
    }
}

/// The routing thread.
fn route_all(inner: &Weak<Inner>, messages: &mpsc::Receiver<Message>) {
    loop {
        let Some(due) = inner.upgrade().map(|inner| inner.scan_due()) else { return };
        let first = match messages.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(message) => Some(message),
            Err(mpsc::RecvTimeoutError::Timeout) => None,
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        };
        let Some(inner) = inner.upgrade() else { return };
        for message in first.into_iter().chain(messages.try_iter()) {
            if let Message::Notified(event) = message {
                route(&mut locked(&inner.roots), event);
            }
        }
    }
}

/// Gives a notification to the workers it concerns.
fn route(roots: &mut Roots, event: notify::Result<Event>) {
    let lost_root = |event: &Event, roots: &Roots| {
        let leaves = matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
        event.paths.iter().find(|path| leaves && roots.contains_key(*path)).cloned()
    };
    let unwatched = match &event {
        Ok(event) => lost_root(event, roots),
        Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => {
            error.paths.iter().find_map(|path| owner(roots, path)).map(|(root, _)| root.clone())
        }
        Err(_) => None,
    };
    if let Some(root) = unwatched {
        set_incomplete(roots, &root);
    }
    let roots = &*roots;
    let (paths, hint) = match event {
        Ok(event) => {
            let hint = hint_of(&event);
            (event.paths, hint)
        }
        Err(error) => {
            tracing::warn!("the file watcher failed and everything it may concern is scanned: {error}");
            (error.paths, Hint::Scan)
        }
    };
    match hint {
        Hint::Nothing => {}
        Hint::Scan => {
            let concerned: Vec<_> = paths.iter().filter_map(|path| owner(roots, path)).collect();
            let all = concerned.is_empty();
            for (root, watched) in roots {
                if all || concerned.iter().any(|(owner, _)| *owner == root) {
                    watched.disk.scan();
                }
            }
        }
        Hint::Look(paths, finished) => {
            // Both paths of a rename stay together if one notebook owns them.
            let mut by_root: BTreeMap<&PathBuf, (&Watched, Vec<PathBuf>)> = BTreeMap::new();
            for path in paths {
                let Some((root, watched)) = owner(roots, &path) else { continue };
                // Without its own folder a notebook is lost: the scan says so.
                let path = if path == root.join(".codex") { root.clone() } else { path };
                if !is_private(root, &path) {
                    by_root.entry(root).or_insert_with(|| (watched, Vec::new())).1.push(path);
                }
            }
            for (root, (watched, paths)) in by_root {
                if paths.contains(root) {
                    watched.disk.scan();
                } else {
                    watched.disk.hint(paths, finished);
                }
            }
        }
    }
}

/// The notebook in whose folder a path lies: the innermost.
fn owner<'r>(roots: &'r Roots, path: &Path) -> Option<(&'r PathBuf, &'r Watched)> {
    path.ancestors().find_map(|folder| roots.get_key_value(folder))
}

/// Whether a path lies in Codex's or Git's own folder.
fn is_private(root: &Path, path: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(|inside| inside.iter().any(|name| name == ".codex" || name == ".git"))
}

fn hint_of(event: &Event) -> Hint {
    if event.need_rescan() {
        return Hint::Scan;
    }
    let finished = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Create(CreateKind::Folder) => {
            true
        }
        // The halves come one by one and then once more together. Each may be looked at alone: the worker
        // finds the other by its inode.
        EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Remove(RemoveKind::Other) => return Hint::Scan,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => false,
        EventKind::Remove(_) => true,
        EventKind::Any | EventKind::Other => false,
        EventKind::Access(_) | EventKind::Modify(_) => return Hint::Nothing,
    };
    if event.paths.is_empty() { Hint::Nothing } else { Hint::Look(event.paths.clone(), finished) }
}

#[cfg(test)]
mod tests;
