//! Timestamps for seals: which have none yet, when an authority is asked, and what came of it. Nobody is asked unless the
//! user named somebody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use codex_crdt_model::effect::Notice;
use codex_crdt_model::event::Request;
use codex_crdt_model::ids::{NotebookId, RecordHash, UnixMs};
use codex_crdt_model::journal::{Payload, Role, Timestamp};
use codex_crdt_model::limits;
use codex_crdt_model::store::{Source, StoreError};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use super::Daemon;
use crate::clock::now_ms;
use crate::driver::{News, Notebook, NotebookNotice};
use crate::store::Reader;
use crate::timestamps::setting::Asks;
use crate::timestamps::{self, Pinned, Proof, Setting, SettingError};

/// After the first failure; doubled after each more.
const RETRY: Duration = Duration::from_secs(30);
/// At least so often.
const RETRY_AT_MOST: Duration = Duration::from_secs(3600);

/// What the rest of the daemon knows of timestamps.
#[derive(Debug)]
pub struct Timestamps {
    path: PathBuf,
    setting: RwLock<Setting>,
    standing: Mutex<BTreeMap<NotebookId, TimestampStanding>>,
    orders: mpsc::UnboundedSender<Order>,
}

/// How a notebook stands with timestamps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimestampStanding {
    /// Seals and confirmations without a timestamp that is believed here.
    pub waiting: u64,
    /// When an authority last answered well, by this machine's clock.
    pub last: Option<UnixMs>,
    /// Why seals wait longer than they should, in words.
    pub trouble: Option<String>,
    /// When the next attempt is made, by this machine's clock.
    pub next: Option<UnixMs>,
}

/// What the task is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Look again at everything: the settings are others.
    Look,
    /// A notebook runs from now on.
    Opened(NotebookId),
    /// Try at once, and say when that is done.
    Now(oneshot::Sender<()>),
}

/// What the task remembers of a notebook.
#[derive(Debug, Default)]
struct Due {
    at: Option<Instant>,
    failures: u32,
    proven: Proven,
}

/// Timestamps that were looked at, by their records: whether they prove something, and are believed.
type Proven = BTreeMap<RecordHash, bool>;

impl Timestamps {
    /// Reads the settings.
    pub(super) fn open(path: PathBuf) -> Result<(Self, mpsc::UnboundedReceiver<Order>), SettingError> {
        let setting = RwLock::new(Setting::load(&path)?);
        let (orders, queue) = mpsc::unbounded_channel();
        Ok((Self { path, setting, standing: Mutex::default(), orders }, queue))
    }

    /// The settings.
    pub fn setting(&self) -> Setting {
        self.setting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How a notebook stands. Where nobody is asked, nothing waits for an answer, also not for one that is under way.
    pub fn standing(&self, notebook: &NotebookId) -> TimestampStanding {
        if self.setting.read().unwrap_or_else(PoisonError::into_inner).asks.is_none() {
            return TimestampStanding::default();
        }
        self.lock().get(notebook).cloned().unwrap_or_default()
    }

    /// Changes the settings, durably, and looks at everything again.
    pub fn set(&self, change: impl FnOnce(Setting) -> Setting) -> Result<(), SettingError> {
        let mut setting = self.setting.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(setting.clone());
        changed.save(&self.path)?;
        if changed.asks != setting.asks {
            // What was in the way of asking the one says nothing of the other.
            for standing in self.lock().values_mut() {
                (standing.trouble, standing.next) = (None, None);
            }
        }
        *setting = changed;
        drop(setting);
        // The task ends with the daemon.
        let _ = self.orders.send(Order::Look);
        Ok(())
    }

    /// Asks at once for all that waits, and returns when that has been tried.
    pub async fn now(&self) {
        let (done, tried) = oneshot::channel();
        if self.orders.send(Order::Now(done)).is_ok() {
            // Dropped: the daemon is stopping.
            let _ = tried.await;
        }
    }

    /// A notebook runs from now on.
    pub(super) fn opened(&self, notebook: NotebookId) {
        // The task ends with the daemon.
        let _ = self.orders.send(Order::Opened(notebook));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<NotebookId, TimestampStanding>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Daemon {
    /// Timestamps.
    pub fn timestamps(&self) -> &Timestamps {
        &self.timestamps
    }

    /// Runs as long as the daemon does. A notebook is looked at when something happened to its seals, and when it is due.
    pub(super) async fn stamp_times(self: Arc<Self>, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut notices = self.notices();
        let mut due: BTreeMap<NotebookId, Due> = BTreeMap::new();
        let (mut which, mut answer) = (Which::All, None);
        loop {
            for notebook in self.all_running() {
                let due = due.entry(notebook.id).or_default();
                if which.means(&notebook.id) || due.at.is_some_and(|at| at <= Instant::now()) {
                    self.stamp_notebook(&notebook, due, answer.is_some()).await;
                }
            }
            if let Some(answer) = answer.take() {
                let answer: oneshot::Sender<()> = answer;
                // Whoever asked may have gone.
                let _ = answer.send(());
            }
            let next = due.values().filter_map(|due| due.at).min();
            let next = next.unwrap_or_else(|| Instant::now() + RETRY_AT_MOST);
            let Some(happened) = happened(&mut orders, &mut notices, next).await else { return };
            (which, answer) = match happened {
                Happened::Order(Order::Now(answer)) => (Which::All, Some(answer)),
                Happened::Order(Order::Look) => {
                    due.clear();
                    (Which::All, None)
                }
                Happened::Order(Order::Opened(notebook)) => (Which::One(notebook), None),
                Happened::To(which) => (which, None),
            };
        }
    }

    fn all_running(&self) -> Vec<Notebook> {
        self.lock_read().values().filter_map(|state| state.running.as_ref().ok().cloned()).collect()
    }

    /// Looks what waits in a notebook, and asks if it is time.
    async fn stamp_notebook(&self, notebook: &Notebook, due: &mut Due, now: bool) {
        let setting = self.timestamps.setting();
        let Some(asks) = setting.asks else {
            *due = Due::default();
            self.timestamps.lock().remove(&notebook.id);
            return;
        };
        let mut now = now;
        loop {
            let proven = std::mem::take(&mut due.proven);
            let unstamped = match unstamped(notebook, setting.pinned.clone(), proven).await {
                Ok((unstamped, proven)) => {
                    due.proven = proven;
                    unstamped
                }
                Err(reason) => return self.not_stamped(notebook, due, None, Failed::Here(reason)),
            };
            let waiting = unstamped.seals.len() as u64;
            if waiting == 0 {
                (due.at, due.failures) = (None, 0);
                let mut all = self.timestamps.lock();
                let standing = all.entry(notebook.id).or_default();
                *standing = TimestampStanding { last: standing.last, ..TimestampStanding::default() };
                return;
            }
            let after = Duration::from_secs(asks.after_seconds);
            let at = *due.at.get_or_insert_with(|| Instant::now() + after);
            self.note(notebook, waiting, Some(at));
            if !now && at > Instant::now() {
                return;
            }
            if let Err(failed) = stamp(notebook, &asks, &setting.pinned, unstamped).await {
                return self.not_stamped(notebook, due, Some(waiting), failed);
            }
            // What did not fit goes at once; what came meanwhile waits like any other.
            let is_more = waiting > limits::TIMESTAMP_SEALS as u64;
            (due.at, due.failures) = (is_more.then(Instant::now), 0);
            now &= is_more;
            self.timestamps.lock().entry(notebook.id).or_default().last = Some(now_ms());
        }
    }

    fn note(&self, notebook: &Notebook, waiting: u64, at: Option<Instant>) {
        let mut all = self.timestamps.lock();
        let standing = all.entry(notebook.id).or_default();
        standing.waiting = waiting;
        standing.next = at.map(|at| {
            let in_ms = at.saturating_duration_since(Instant::now()).as_millis();
            now_ms().saturating_add(i64::try_from(in_ms).unwrap_or(i64::MAX))
        });
    }

    fn not_stamped(&self, notebook: &Notebook, due: &mut Due, waiting: Option<u64>, failed: Failed) {
        let reason = failed.to_string();
        tracing::warn!(notebook = %notebook.id, reason, "seals are not timestamped yet");
        let wait = match failed {
            Failed::Here(_) => RETRY,
            Failed::There(_) => {
                due.failures = due.failures.saturating_add(1);
                RETRY.saturating_mul(1 << (due.failures - 1).min(16)).min(RETRY_AT_MOST)
            }
        };
        let at = Instant::now() + wait;
        due.at = Some(at);
        let waiting = waiting.unwrap_or_else(|| self.timestamps.standing(&notebook.id).waiting);
        self.note(notebook, waiting, Some(at));
        self.timestamps.lock().entry(notebook.id).or_default().trouble = Some(reason);
    }
}

/// Which notebooks are to be looked at, besides those that are due.
#[derive(Debug, Clone, Copy)]
enum Which {
    All,
    One(NotebookId),
    Due,
}

impl Which {
    fn means(self, notebook: &NotebookId) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == *notebook,
            Self::Due => false,
        }
    }
}

enum Happened {
    Order(Order),
    To(Which),
}

/// Waits until there is something to look at; `None` at the end.
async fn happened(
    orders: &mut mpsc::UnboundedReceiver<Order>,
    notices: &mut broadcast::Receiver<NotebookNotice>,
    next: Instant,
) -> Option<Happened> {
    loop {
        tokio::select! {
            order = orders.recv() => return order.map(Happened::Order),
            notice = notices.recv() => match notice {
                Ok(NotebookNotice { notebook, news: News::Notice(Notice::Sealed(_) | Notice::Timestamped) }) => {
                    return Some(Happened::To(Which::One(notebook)));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => return Some(Happened::To(Which::All)),
                Err(broadcast::error::RecvError::Closed) => return None,
            },
            () = tokio::time::sleep_until(next) => return Some(Happened::To(Which::Due)),
        }
    }
}

/// Why there is no timestamp.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// The authority was not asked.
    #[error("{0}")]
    Here(String),
    /// It was, so it is not asked again at once.
    #[error("{0}")]
    There(String),
}

/// What has no timestamp yet.
struct Unstamped {
    seals: Vec<RecordHash>,
    stamp: Timestamp,
}

async fn unstamped(
    notebook: &Notebook,
    pinned: Pinned,
    mut proven: Proven,
) -> Result<(Unstamped, Proven), String> {
    let of = notebook.clone();
    let read = tokio::task::spawn_blocking(move || {
        of.read(|reader| look(&of.id, reader, &pinned, &mut proven).map(|found| (found, proven)))
    });
    match read.await {
        Ok(Ok(Ok(found))) => Ok(found),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(format!("looking which seals have no timestamp broke off: {error}")),
    }
}

/// Seals that count and have no timestamp that counts, proves something and is believed; and how far the journals go. Of
/// one moment.
fn look(
    notebook: &NotebookId,
    reader: &Reader,
    pinned: &Pinned,
    proven: &mut Proven,
) -> Result<Unstamped, StoreError> {
    reader.at_once(|reader| {
        let quarantined = reader.quarantined()?;
        let mut stamped = BTreeSet::new();
        for position in reader.all_timestamps()?.into_iter().filter(|at| !quarantined.contains_key(at)) {
            let Some(record) = reader.record(position)? else { continue };
            let proves = || Proof::of(&record, notebook, pinned).is_ok_and(|proof| proof.trust.is_ok());
            if !*proven.entry(record.hash()).or_insert_with(proves) {
                continue;
            }
            if let Some(Payload::Timestamp(stamp)) = Payload::decode(Payload::TIMESTAMP, &record.payload) {
                stamped.extend(stamp.seals);
            }
        }
        let rows = reader.all_seals()?.into_iter().filter(|(at, _)| !quarantined.contains_key(at));
        let seals: BTreeSet<RecordHash> = rows.map(|(_, row)| row.tip.hash).collect();
        let seals: Vec<RecordHash> = seals.difference(&stamped).copied().collect();
        let mut tips = reader.tips()?;
        tips.sort_unstable();
        tips.truncate(limits::SEEN_TIPS);
        let some = seals.iter().take(limits::TIMESTAMP_SEALS).copied().collect();
        Ok(Unstamped { seals, stamp: Timestamp { seals: some, tips, token: Vec::new() } })
    })
}

/// One timestamp. Nothing is asked if its answer could not be kept.
async fn stamp(
    notebook: &Notebook,
    asks: &Asks,
    pinned: &Pinned,
    unstamped: Unstamped,
) -> Result<(), Failed> {
    let (state, role) = {
        let standing = notebook.standing();
        let standing = standing.borrow();
        (standing.state, standing.role)
    };
    if state == "paused" {
        return Err(Failed::Here("the notebook is paused; go on with `codexd notebook resume`".to_owned()));
    }
    if !role.is_some_and(|role| role.is_at_least(Role::Commenter)) {
        let reason = "you may only read here, so no timestamp of yours would count; somebody else's will";
        return Err(Failed::Here(reason.to_owned()));
    }
    let Unstamped { mut stamp, .. } = unstamped;
    let root = stamp.root(&notebook.id);
    let asked = timestamps::ask(&asks.url, &root, pinned).await;
    let (token, _) = asked.map_err(|error| Failed::There(error.to_string()))?;
    stamp.token = token;
    notebook
        .ask(Request::Timestamp(stamp))
        .await
        .map(|_| ())
        .map_err(|error| Failed::There(error.to_string()))
}
