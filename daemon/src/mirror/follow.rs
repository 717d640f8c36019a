//! The follower: one thread that keeps the mirror level with the store, the only one that writes it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use codex_crdt_model::entry::Content;
use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::store::{EntryRow, StoreError};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::watch;

use super::base::{self, Doing, MirrorError, Pool};
use super::extracts::{self, Extracts};
use super::feed::{Feed, Located};
use super::index::Indexer;
use super::read::Folders;
use crate::progress::{Progress, Work};

/// Opens the store for reading.
pub type OpenFeed = Arc<dyn Fn() -> Result<Box<dyn Feed>, StoreError> + Send + Sync>;

/// Entries in one transaction.
const BATCH: usize = 2000;
/// Bytes of text in one transaction.
const BATCH_BYTES: u64 = 16 << 20;
/// Idle readings of the store that are kept for snippets.
const FEEDS: usize = 2;
/// Who asks waits for the mirror, but not much longer than this: then they are told once it is level.
const LATE: Duration = Duration::from_millis(200);
/// After a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Images whose files were not there are looked at again after this long, then twice as long …
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// … up to this.
const LOOK_AGAIN_MOST: Duration = Duration::from_secs(300);
/// With nothing to do for so long, connections are closed: a program may have a thousand notebooks open, and few of
/// them at work.
const REST: Duration = if cfg!(test) { Duration::from_millis(100) } else { Duration::from_secs(10) };
/// Images looked at again at once.
const LOOK_AGAIN_MANY: i64 = 256;

/// What the follower and its handles share.
pub struct Shared {
    /// Where the mirror is.
    pub path: PathBuf,
    /// The notebook's folder.
    pub root: PathBuf,
    /// Opens the store.
    pub open_feed: OpenFeed,
    /// Connections for readers.
    pub pool: Pool,
    /// Paths of folders.
    pub folders: Folders,
    /// Revision that the mirror shows.
    pub reached: watch::Sender<u64>,
    /// How often it was late and has become level again.
    pub late: watch::Sender<u64>,
    /// Rows written.
    pub written: AtomicU64,
    /// Texts of attachments.
    pub extracts: Extracts,
    feeds: Mutex<Vec<Box<dyn Feed>>>,
    wanted: Mutex<Wanted>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    revision: u64,
    /// Where the mirror was when it last was level.
    level: u64,
    /// Since when it is not.
    behind: Option<Instant>,
    nudged: bool,
    rebuild: bool,
    damaged: bool,
    stop: bool,
}

impl Shared {
    /// For a mirror at a path.
    pub fn new(path: PathBuf, root: PathBuf, open_feed: OpenFeed) -> Self {
        Self {
            pool: Pool::new(path.clone()),
            path,
            root,
            open_feed,
            folders: Folders::default(),
            reached: watch::Sender::new(0),
            late: watch::Sender::new(0),
            written: AtomicU64::new(0),
            extracts: Extracts::default(),
            feeds: Mutex::default(),
            wanted: Mutex::default(),
            wake: Condvar::new(),
        }
    }

    /// What an entry's row describes, for a reader.
    pub fn content(&self, id: &EntryId, located: &Located) -> Result<Option<Content>, StoreError> {
        let idle = || self.feeds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let feed = idle().pop();
        let feed = feed.map_or_else(|| (self.open_feed)(), Ok)?;
        let content = feed.content(id, located)?;
        if idle().len() < FEEDS {
            idle().push(feed);
        }
        Ok(content)
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn want(&self, change: impl FnOnce(&mut Wanted)) {
        change(&mut self.wanted());
        self.wake.notify_all();
    }

    /// There is something up to this revision.
    pub fn nudge(&self, revision: u64) {
        self.want(|wanted| {
            let reached = *self.reached.borrow();
            if reached >= wanted.revision {
                wanted.level = reached;
            }
            wanted.revision = wanted.revision.max(revision);
            if reached < wanted.revision {
                wanted.behind.get_or_insert_with(Instant::now);
            }
            wanted.nudged = true;
        });
    }

    /// How far behind the newest revision that is known of.
    pub fn progress(&self) -> Option<Progress> {
        let wanted = self.wanted();
        let (reached, level) = (*self.reached.borrow(), wanted.level);
        (reached < wanted.revision).then(|| Progress {
            what: Work::Index,
            done: reached.saturating_sub(level),
            total: Some(wanted.revision.saturating_sub(level)),
        })
    }

    /// Everything is to be read again. From now on nothing counts as shown.
    pub fn rebuild(&self) {
        self.want(|wanted| {
            wanted.rebuild = true;
            wanted.level = 0;
            wanted.behind.get_or_insert_with(Instant::now);
            self.reached.send_replace(0);
        });
    }

    /// A reader met damage.
    pub fn damaged(&self) {
        self.want(|wanted| {
            wanted.damaged = true;
            self.reached.send_replace(0);
        });
    }

    /// Something waits that is not in the store.
    pub fn wake(&self) {
        self.want(|wanted| wanted.nudged = true);
    }

    /// The thread is to end.
    pub fn stop(&self) {
        self.extracts.stop();
        self.want(|wanted| wanted.stop = true);
    }
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    Work,
    Rest,
    Stop,
}

/// The thread's own state.
pub struct Follower {
    shared: Arc<Shared>,
    /// `None` while it rests.
    db: Option<Connection>,
    feed: Option<Box<dyn Feed>>,
    /// The file is to be thrown away, and could not be yet.
    spoilt: bool,
    reached: u64,
    identified: bool,
    unread: bool,
    /// Number of the last entry that was looked at again.
    looked_at: i64,
    look_again: Duration,
}

impl Follower {
    /// With the connection that was opened for it.
    pub fn new(shared: Arc<Shared>, db: Connection) -> Self {
        Self {
            shared,
            db: Some(db),
            feed: None,
            spoilt: false,
            reached: 0,
            identified: false,
            unread: true,
            looked_at: 0,
            look_again: LOOK_AGAIN,
        }
    }

    /// Follows until it is told to stop.
    pub fn run(mut self) {
        let mut retry = false;
        let mut first = true;
        loop {
            if !first {
                match self.wait(retry) {
                    Woken::Stop => return,
                    Woken::Rest => {
                        self.rest();
                        continue;
                    }
                    Woken::Work => {}
                }
            }
            first = false;
            retry = false;
            if let Err(error) = self.turn() {
                tracing::warn!(mirror = %self.shared.path.display(), %error, "the mirror cannot follow; trying again");
                if error.is_damage() {
                    self.shared.damaged();
                }
                self.feed = None;
                retry = true;
            }
        }
    }

    /// Waits for something to do.
    fn wait(&self, retry: bool) -> Woken {
        let (limit, then) = if retry {
            (Some(RETRY), Woken::Work)
        } else if self.unread {
            (Some(self.look_again), Woken::Work)
        } else {
            (self.db.is_some().then_some(REST), Woken::Rest)
        };
        let until = limit.map(|limit| Instant::now() + limit);
        let mut wanted = self.shared.wanted();
        loop {
            if wanted.stop {
                return Woken::Stop;
            }
            if !retry && (wanted.nudged || wanted.rebuild || wanted.damaged) {
                return Woken::Work;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return then;
            }
            let poisoned = std::sync::PoisonError::into_inner;
            wanted = match left {
                Some(left) => {
                    self.shared.wake.wait_timeout(wanted, left).unwrap_or_else(|e| e.into_inner()).0
                }
                None => self.shared.wake.wait(wanted).unwrap_or_else(poisoned),
            };
        }
    }

    fn turn(&mut self) -> Result<(), MirrorError> {
        let (rebuild, damaged) = {
            let mut wanted = self.shared.wanted();
            wanted.nudged = false;
            (std::mem::take(&mut wanted.rebuild), std::mem::take(&mut wanted.damaged))
        };
        if rebuild || damaged || self.spoilt {
            self.start_anew(if damaged { "it is damaged" } else { "asked to" })?;
        } else if self.db.is_none() {
            self.db = Some(base::open_writer(&self.shared.path)?);
            // If it was damaged meanwhile, it is a new file now.
            self.shared.pool.renew();
            self.shared.folders.clear();
        }
        if self.feed.is_none() {
            self.feed = Some((self.shared.open_feed)()?);
            self.identified = false;
        }
        if !self.identified {
            self.identify()?;
        }
        while self.pull()? {}
        self.keep_extracts()?;
        self.look_again()
    }

    /// Closes what is only open to be at hand.
    fn rest(&mut self) {
        (self.db, self.feed, self.identified) = (None, None, false);
        self.shared.pool.renew();
        self.shared.feeds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }

    /// Throws the file away and makes a new one.
    fn start_anew(&mut self, why: &str) -> Result<(), MirrorError> {
        tracing::info!(mirror = %self.shared.path.display(), why, "rebuilding the mirror");
        self.db = None;
        self.spoilt = true;
        base::delete(&self.shared.path);
        self.db = Some(base::open_writer(&self.shared.path)?);
        self.spoilt = false;
        self.shared.pool.renew();
        self.shared.folders.clear();
        self.identified = false;
        self.reached = 0;
        self.unread = false;
        Ok(())
    }

    /// Whether the rows here come from the store that is there now; if not, they are thrown away.
    fn identify(&mut self) -> Result<(), MirrorError> {
        let (Some(db), Some(feed)) = (&self.db, &self.feed) else { return Ok(()) };
        self.reached = base::state::<i64>(db, "revision")?.unwrap_or(0).cast_unsigned();
        let Some(identity) = feed.identity()? else { return Ok(()) };
        let known: Option<String> = base::state(db, "store")?;
        if known.as_ref().is_some_and(|known| *known != identity) || feed.revision()? < self.reached {
            self.start_anew("it shows another store")?;
        }
        if let Some(db) = &self.db {
            base::set_state(db, "store", identity)?;
        }
        self.identified = true;
        Ok(())
    }

    /// Takes in one batch; whether there may be more.
    fn pull(&mut self) -> Result<bool, MirrorError> {
        let (Some(db), Some(feed)) = (&mut self.db, &self.feed) else { return Ok(false) };
        let top = feed.revision()?;
        let rows = feed.entries_since(self.reached, BATCH)?;
        let mut bytes = 0;
        let fit = rows.iter().take_while(|(_, row)| {
            let fits = bytes < BATCH_BYTES;
            bytes += if row.heads.is_empty() && row.kind != Kind::Text { 0 } else { row.size };
            fits
        });
        let rows = &rows[..fit.count()];
        let more = rows.last().is_some_and(|(_, row)| row.revision < top);
        // Rows that were written after `top` was read are seen with the next nudge.
        let reached = rows.last().map_or(self.reached, |(_, row)| row.revision);
        let reached = if more { reached } else { reached.max(top) };
        if reached > self.reached {
            let before = db.total_changes();
            take_in(db, feed.as_ref(), &self.shared.root, rows, reached)?;
            self.shared.written.fetch_add(db.total_changes() - before, Ordering::AcqRel);
            if rows.iter().any(|(_, row)| row.kind == Kind::Folder) {
                self.shared.folders.clear();
            }
            self.unread = true;
            self.look_again = LOOK_AGAIN;
        }
        self.reached = reached;
        let mut wanted = self.shared.wanted();
        if !wanted.rebuild && !wanted.damaged {
            self.shared.reached.send_replace(reached);
            if reached >= wanted.revision && wanted.behind.take().is_some_and(|since| since.elapsed() > LATE)
            {
                self.shared.late.send_modify(|times| *times += 1);
            }
        }
        Ok(more && !wanted.stop && !wanted.rebuild)
    }

    /// Texts of attachments that were read meanwhile.
    fn keep_extracts(&mut self) -> Result<(), MirrorError> {
        let found = self.shared.extracts.take();
        let (Some(db), Some(feed)) = (self.db.as_mut().filter(|_| !found.is_empty()), &self.feed) else {
            return Ok(());
        };
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).doing("beginning a batch")?;
        for (hash, text) in found {
            let indexer = Indexer { db: &tx, feed: feed.as_ref(), root: &self.shared.root };
            indexer.keep_extract(&hash, text.as_deref())?;
        }
        tx.commit().doing("writing a batch")
    }

    /// Images, and attachments with a text, whose bytes had not been written out, or not been read, yet.
    fn look_again(&mut self) -> Result<(), MirrorError> {
        let Some(db) = self.db.as_mut().filter(|_| self.unread) else { return Ok(()) };
        let Some(feed) = &self.feed else { return Ok(()) };
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).doing("beginning a batch")?;
        let unread = |tx: &Connection, above: i64| -> Result<Vec<i64>, MirrorError> {
            tx.prepare_cached("SELECT num FROM entries WHERE unread = 1 AND num > ?1 ORDER BY num LIMIT ?2")
                .and_then(|mut s| s.query_map([above, LOOK_AGAIN_MANY], |row| row.get(0))?.collect())
                .doing("looking for what is not read yet")
        };
        let before = unread(&tx, self.looked_at)?;
        let indexer = Indexer { db: &tx, feed: feed.as_ref(), root: &self.shared.root };
        for num in &before {
            indexer.look_again(*num)?;
        }
        let still = unread(&tx, self.looked_at)?;
        let jobs = indexer.to_extract(&still)?;
        self.unread = !still.is_empty() || !unread(&tx, 0)?.is_empty();
        tx.commit().doing("writing a batch")?;
        extracts::read(&self.shared, jobs);
        // Those behind these are looked at next, without waiting longer; then all from the beginning.
        self.looked_at = match before.last() {
            Some(last) if before.len() as i64 == LOOK_AGAIN_MANY => *last,
            _ => {
                self.look_again = (self.look_again * 2).min(LOOK_AGAIN_MOST);
                0
            }
        };
        Ok(())
    }
}

fn take_in(
    db: &mut Connection,
    feed: &dyn Feed,
    root: &Path,
    rows: &[(EntryId, EntryRow)],
    reached: u64,
) -> Result<(), MirrorError> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).doing("beginning a batch")?;
    Indexer { db: &tx, feed, root }.apply(rows)?;
    base::set_state(&tx, "revision", reached.cast_signed())?;
    tx.commit().doing("writing a batch")
}
