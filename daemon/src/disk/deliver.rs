//! Delivering what a survey found: settle, read, take blobs in, recognise moves, and tell the core in batches.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::event::{Event, Observation, Seen};
use codex_crdt_model::ids::ContentHash;
use codex_crdt_model::limits;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::Stat;

use super::ignore::{Rules, looks_passing};
use super::known::Known;
use super::look::{self, Lying, Reading, What};
use super::root::Root;
use super::survey::Survey;
use super::worker::{EMPTIED, MISSING, PASSING, QUIET, Why, Worker};

/// Things looked at in one batch. Each may bring the path it came from: at most 256 observations.
const BATCH_ITEMS: usize = 128;
/// Bytes of text in one batch.
const BATCH_BYTES: usize = 8 << 20;
/// Larger files are read only when their size stands still.
const LARGE_BYTES: u64 = 64 << 20;
/// How long ago a large file must have changed last.
const LARGE_QUIET: Duration = Duration::from_secs(2);
/// Within this time of a change, another may leave size and time as they are.
const FRESH: Duration = Duration::from_millis(20);

/// Under which name a blob store that cannot be made durable is shown.
const BLOBS: &str = "(attachments)";

/// One thing in a batch.
enum Item {
    /// Ready to be told.
    Seen(EntryPath, Seen),
    /// Its bytes have to go to the blob store first.
    Bytes(EntryPath, Stat),
}

/// A delivery under way.
struct Delivery<'a> {
    root: &'a Root,
    rules: &'a mut Rules,
    found: Survey,
    /// Things that are gone for certain, by hash: for recognising what was copied and deleted.
    gone_by_hash: HashMap<ContentHash, EntryPath>,
    items: Vec<Item>,
    bytes: usize,
    /// When what is missing for now is looked for again.
    missing_due: Instant,
    /// Blobs were taken in since the last sync of the blob store.
    unsynced: bool,
}

impl Worker {
    /// Reads and tells. `false` if the root was lost meanwhile.
    pub(super) fn deliver(&mut self, root: &Root, rules: &mut Rules, mut found: Survey) -> bool {
        let mut differing: VecDeque<EntryPath> = std::mem::take(&mut found.differing).into();
        let mut gone_by_hash = HashMap::new();
        for path in found.gone.iter().filter(|(_, confirmed)| **confirmed).map(|(path, _)| path) {
            if let Some(known) = self.index().at(path)
                && known.kind != Kind::Folder
                && known.stat.size > 0
            {
                gone_by_hash.insert(known.hash, path.clone());
            }
        }
        let missing_due = Instant::now() + MISSING;
        let mut delivery = Delivery {
            root,
            rules,
            found,
            gone_by_hash,
            items: Vec::new(),
            bytes: 0,
            missing_due,
            unsynced: false,
        };
        while let Some(path) = differing.pop_front() {
            if let Some(also) = self.look(&mut delivery, path) {
                differing.push_front(also);
            }
            let full = delivery.items.len() >= BATCH_ITEMS || delivery.bytes >= BATCH_BYTES;
            if full && !self.between(&mut delivery) {
                return false;
            }
        }
        // What is in a folder goes before the folder.
        let gone = std::mem::take(&mut delivery.found.gone);
        for (path, confirmed) in gone.into_iter().rev() {
            self.miss(&mut delivery, path, confirmed);
            if delivery.items.len() >= BATCH_ITEMS && !self.between(&mut delivery) {
                return false;
            }
        }
        self.flush(&mut delivery)
    }

    fn between(&mut self, delivery: &mut Delivery<'_>) -> bool {
        if !self.flush(delivery) || self.is_stopping() {
            return false;
        }
        self.breathe();
        self.index.is_some()
    }

    fn sync_blobs(&mut self, delivery: &mut Delivery<'_>) -> Result<(), String> {
        if !std::mem::take(&mut delivery.unsynced) {
            return Ok(());
        }
        match self.port.runtime.block_on(self.port.blobs.sync()) {
            Ok(()) => {
                self.problems.well(BLOBS);
                Ok(())
            }
            Err(error) => {
                tracing::error!("{error}");
                self.problems.failing(BLOBS, format!("{error}; free some space or check the disk"));
                Err(error.to_string())
            }
        }
    }

    /// Looks at one path; may ask for another path to be looked at in the same batch.
    fn look(&mut self, delivery: &mut Delivery<'_>, path: EntryPath) -> Option<EntryPath> {
        let lying = match delivery.root.lying(&path) {
            Ok(Some(lying)) => lying,
            Ok(None) => {
                if self.index().at(&path).is_some() {
                    delivery.found.gone.entry(path).or_insert(false);
                }
                return None;
            }
            Err(errno) => {
                self.push(delivery, path, Seen::Unreadable(errno.to_string()));
                return None;
            }
        };
        let known = self.index().at(&path).cloned();
        if known.as_ref().is_some_and(|known| known.is(&lying) && !known.fresh) {
            return None;
        }
        if let Some((how_long, why)) = self.unsettled(delivery, &path, known.as_ref(), &lying) {
            self.wait(path, how_long, why);
            return None;
        }
        if known.as_ref().is_some_and(|known| known.kind == Kind::Folder) && lying.what != What::Folder {
            self.empty_out(delivery, &path);
        }
        let from = self.moved_from(delivery, &path, &lying);
        if from.is_none()
            && known.is_none()
            && let Some(due) = self.may_be_missing(delivery, &path, &lying)
        {
            self.wait_until(path, due, Why::Together);
            return None;
        }
        if let Some((old, Whence::Left, was)) = &from {
            self.push(delivery, old.clone(), Seen::Missing);
            if lying.what == What::Folder {
                self.want_scan_after_move();
            } else if was.kind == Kind::Blob && was.is(&lying) {
                self.push(delivery, path, Seen::Blob(lying.stat, was.hash));
                return None;
            }
        }
        self.read(delivery, path, known);
        from.and_then(|(old, whence, _)| (whence == Whence::Replaced).then_some(old))
    }

    /// Whether a new file may be one that is missing for now, saved anew and then renamed; and until when that is open.
    fn may_be_missing(&self, delivery: &Delivery<'_>, path: &EntryPath, lying: &Lying) -> Option<Instant> {
        if lying.what != What::File || delivery.found.hinted.get(path) == Some(&Why::Together) {
            return None;
        }
        let looked_for = self.waiting.values().filter(|waiting| waiting.why == Why::Missing);
        let here = delivery.found.gone.values().any(|confirmed| !confirmed);
        looked_for.map(|waiting| waiting.due).chain(here.then_some(delivery.missing_due)).max()
    }

    /// How much longer to wait, if somebody may still be at work there.
    fn unsettled(
        &self,
        delivery: &Delivery<'_>,
        path: &EntryPath,
        known: Option<&Known>,
        lying: &Lying,
    ) -> Option<(Duration, Why)> {
        if lying.what != What::File {
            return None;
        }
        let why = delivery.found.hinted.get(path).copied();
        let age = age(&lying.stat);
        let emptied = lying.stat.size == 0 && known.is_some_and(|known| known.stat.size > 0);
        if emptied && why != Some(Why::Emptied) {
            return Some((EMPTIED, Why::Emptied));
        }
        if matches!(why, Some(Why::Finished | Why::Together)) {
            return None;
        }
        if lying.stat.size > LARGE_BYTES && age < LARGE_QUIET {
            return Some((LARGE_QUIET - age, Why::Touched));
        }
        if known.is_none() && looks_passing(path.name()) && age < PASSING {
            return Some((PASSING - age, Why::Touched));
        }
        // A file in a new folder: its writer has perhaps not finished.
        let in_passing = why.is_none() && !delivery.found.whole;
        (in_passing && age < QUIET).then_some((QUIET, Why::Touched))
    }

    /// A folder has become something else: what was in it is gone without further ado.
    fn empty_out(&mut self, delivery: &mut Delivery<'_>, folder: &EntryPath) {
        for (path, known) in self.index().within(folder).into_iter().rev() {
            if path != *folder && !known.unconfirmed {
                self.push(delivery, path, Seen::Missing);
            }
        }
    }

    /// Whether what lies at a path is known from elsewhere, by inode and birth.
    fn moved_from(
        &mut self,
        delivery: &Delivery<'_>,
        path: &EntryPath,
        lying: &Lying,
    ) -> Option<(EntryPath, Whence, Known)> {
        let (old, was) = self.index().by_inode(lying.stat.inode)?;
        if old == *path || !was.is_same_thing(lying) {
            return None;
        }
        let was = was.clone();
        let whence = match delivery.root.lying(&old) {
            Ok(None) => Whence::Left,
            Ok(Some(other)) if !was.is(&other) => Whence::Replaced,
            // A rename by case alone, where the old name still answers; else a second link to one file.
            Ok(Some(_)) if !delivery.root.lists(&old) => Whence::Left,
            Ok(Some(_)) | Err(_) => return None,
        };
        Some((old, whence, was))
    }

    fn read(&mut self, delivery: &mut Delivery<'_>, path: EntryPath, known: Option<Known>) {
        let reading = match delivery.root.spot(&path) {
            Ok(spot) => look::read(spot.dir.as_fd(), &spot.name),
            Err(errno) => Reading::Is(Seen::Unreadable(errno.to_string())),
        };
        self.port.shared.progress.send_modify(|progress| progress.read += 1);
        match reading {
            Reading::Is(Seen::Missing) | Reading::Changing => self.wait(path, QUIET, Why::Touched),
            Reading::Bytes(stat) => delivery.items.push(Item::Bytes(path, stat)),
            Reading::Is(seen) => {
                let now = Known::of(&seen);
                let as_told = |old: &Known, new: &Known| {
                    !old.unconfirmed && (old.stat, old.hash, old.kind) == (new.stat, new.hash, new.kind)
                };
                if let (Some(old), Some(new)) = (&known, &now)
                    && as_told(old, new)
                {
                    let survey = self.survey;
                    self.index().set(&path, Known { met: survey, ..new.clone() });
                    return;
                }
                if let Some(new) = now.filter(|new| known.is_none() && new.kind != Kind::Folder) {
                    self.pair_by_hash(delivery, &new.hash);
                }
                self.push(delivery, path, seen);
            }
        }
    }

    /// Something new has the bytes of something that is gone: both belong in one batch.
    fn pair_by_hash(&mut self, delivery: &mut Delivery<'_>, hash: &ContentHash) {
        if let Some(old) = delivery.gone_by_hash.remove(hash)
            && delivery.found.gone.remove(&old).is_some()
        {
            self.miss(delivery, old, true);
        }
    }

    /// A known path was not met.
    fn miss(&mut self, delivery: &mut Delivery<'_>, path: EntryPath, confirmed: bool) {
        let was_folder = match self.index().at(&path) {
            Some(known) => known.kind == Kind::Folder,
            // Told already: it moved, or was in a folder that did.
            None => return,
        };
        // Not met, and yet something answers to its name: it came just now, or a twin of another case does.
        if !matches!(delivery.root.lying(&path), Ok(None)) && delivery.root.lists(&path) {
            return;
        }
        if delivery.rules.ignores_within(delivery.root, &path, was_folder) {
            return;
        }
        if confirmed {
            self.push(delivery, path, Seen::Missing)
        } else {
            self.wait_until(path, delivery.missing_due, Why::Missing)
        }
    }

    fn push(&mut self, delivery: &mut Delivery<'_>, path: EntryPath, seen: Seen) {
        if let Seen::Text(_, text) = &seen {
            delivery.bytes += text.len();
        }
        self.note_whether_readable(&path, &seen);
        match &seen {
            // A folder that moved takes what is in it along; its own arrival says where to.
            Seen::Folder(stat) => {
                let moved = self.moved_folder(delivery, stat);
                if let Some(old) = moved {
                    self.index().rename(&old, &path);
                }
                self.remember(&path, &seen);
            }
            Seen::Missing => {
                let folder = self.index().at(&path).is_some_and(|known| known.kind == Kind::Folder);
                if !folder {
                    self.index().remove(&path);
                }
            }
            _ => self.remember(&path, &seen),
        }
        delivery.items.push(Item::Seen(path, seen));
    }

    fn note_whether_readable(&mut self, path: &EntryPath, seen: &Seen) {
        match seen {
            Seen::Unreadable(reason) => {
                let reason = format!("it cannot be read: {reason}; it is not taken for deleted");
                self.problems.met(path.as_str(), reason, self.survey);
            }
            _ => self.problems.well(path.as_str()),
        }
    }

    /// The folder whose going was told just before this coming.
    fn moved_folder(&mut self, delivery: &Delivery<'_>, stat: &Stat) -> Option<EntryPath> {
        let Some(Item::Seen(old, Seen::Missing)) = delivery.items.last() else { return None };
        let known = self.index().at(old)?;
        (known.kind == Kind::Folder && known.stat.inode == stat.inode).then(|| old.clone())
    }

    fn remember(&mut self, path: &EntryPath, seen: &Seen) {
        let Some(mut known) = Known::of(seen) else { return };
        known.met = self.survey;
        known.fresh = known.kind == Kind::Text && age(&known.stat) < FRESH;
        self.index().set(path, known);
    }

    /// Tells the core what has been gathered. `false` if the root was lost: then nothing is told.
    fn flush(&mut self, delivery: &mut Delivery<'_>) -> bool {
        let items = std::mem::take(&mut delivery.items);
        delivery.bytes = 0;
        if items.is_empty() {
            return true;
        }
        let mut hashes = self.take_in_blobs(delivery, &items);
        // What is told is said to be held: it must be so after a power failure too.
        if let Err(reason) = self.sync_blobs(delivery) {
            for seen in hashes.values_mut().filter(|seen| matches!(seen, Seen::Blob(..))) {
                *seen = Seen::Unreadable(reason.clone());
            }
        }
        let mut observed = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Seen(path, seen) => observed.push(Observation { path, seen }),
                Item::Bytes(path, stat) => {
                    let Some(seen) = hashes.remove(&path) else {
                        self.wait(path, QUIET, Why::Touched);
                        continue;
                    };
                    if let Seen::Blob(_, hash) = &seen
                        && self.index().at(&path).is_none()
                    {
                        self.pair_by_hash(delivery, hash);
                        observed.extend(delivery.items.drain(..).filter_map(|item| match item {
                            Item::Seen(path, seen) => Some(Observation { path, seen }),
                            Item::Bytes(..) => None,
                        }));
                    }
                    let known = self.index().at(&path);
                    let told = Known::of(&seen).zip(known).is_some_and(|(new, old)| {
                        !old.unconfirmed && (new.stat, new.hash, new.kind) == (old.stat, old.hash, old.kind)
                    });
                    self.note_whether_readable(&path, &seen);
                    self.remember(&path, &seen);
                    debug_assert!(matches!(seen, Seen::Blob(_, _) | Seen::Unreadable(_)), "{stat:?}");
                    if !told {
                        observed.push(Observation { path, seen });
                    }
                }
            }
        }
        let missing = observed.iter().any(|observation| observation.seen == Seen::Missing);
        if missing && let Err(reason) = delivery.root.still_there() {
            self.lose_root(reason);
            return false;
        }
        for observation in &observed {
            if observation.seen == Seen::Missing {
                self.forget_folder(delivery.root, &observation.path);
            }
        }
        if !observed.is_empty() {
            self.tell(Event::Observed(observed));
        }
        true
    }

    /// A folder told missing stays in the index until its going has been told, so that its coming elsewhere can
    /// take along what is in it.
    fn forget_folder(&mut self, root: &Root, path: &EntryPath) {
        if self.index().at(path).is_some_and(|known| known.kind == Kind::Folder)
            && matches!(root.lying(path), Ok(None))
        {
            self.index().remove(path);
        }
    }

    /// Takes the bytes of all blobs of a batch into the blob store. What changed meanwhile is left out.
    fn take_in_blobs(&mut self, delivery: &mut Delivery<'_>, items: &[Item]) -> BTreeMap<EntryPath, Seen> {
        let files: Vec<(&EntryPath, &Stat)> = items
            .iter()
            .filter_map(|item| match item {
                Item::Bytes(path, stat) => Some((path, stat)),
                Item::Seen(..) => None,
            })
            .collect();
        if files.is_empty() {
            return BTreeMap::new();
        }
        let paths = files.iter().map(|(path, _)| delivery.root.absolute(path)).collect();
        let taken = self.port.runtime.block_on(self.port.blobs.import_many(paths));
        delivery.unsynced = true;
        let mut seen = BTreeMap::new();
        for ((path, stat), taken) in files.into_iter().zip(taken) {
            let now = delivery.root.lying(path);
            let steady = matches!(now, Ok(Some(lying)) if lying.stat == *stat && lying.what == What::File);
            match taken {
                Ok((hash, size)) if steady && size == stat.size => {
                    seen.insert(path.clone(), Seen::Blob(*stat, hash));
                }
                Err(error) if steady => {
                    tracing::warn!("{error}");
                    seen.insert(path.clone(), Seen::Unreadable(error.to_string()));
                }
                Ok(_) | Err(_) => {}
            }
        }
        seen
    }
}

/// What lies where something else was known to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whence {
    /// Nothing: it has moved.
    Left,
    /// Something else.
    Replaced,
}

/// How long ago a file changed, by its own time. Zero for the future: then nothing is known.
fn age(stat: &Stat) -> Duration {
    let now_ns = crate::clock::now_ms().saturating_mul(1_000_000);
    // A time in the future, beyond what two clocks of one machine differ by, is old for all we know.
    if stat.mtime_ns > now_ns.saturating_add(1_000_000_000) {
        return Duration::MAX;
    }
    Duration::from_nanos(u64::try_from(now_ns.saturating_sub(stat.mtime_ns)).unwrap_or(0))
}

/// What lies at a name, whole, with a blob's bytes taken in: for what operations met or displaced.
impl Worker {
    pub(super) fn seen_at(&self, dir: &rustix::fd::OwnedFd, name: &str, path: std::path::PathBuf) -> Seen {
        const TRIES: usize = 5;
        for _ in 0..TRIES {
            match look::read(dir.as_fd(), name) {
                Reading::Is(seen) => return seen,
                Reading::Bytes(stat) => {
                    let taken = self.port.runtime.block_on(async {
                        let taken = self.port.blobs.import(&path).await?;
                        self.port.blobs.sync().await.map(|()| taken)
                    });
                    let now = look::lying(dir.as_fd(), name);
                    let steady = matches!(now, Ok(Some(lying)) if lying.stat == stat);
                    match taken {
                        Ok((hash, _)) if steady => return Seen::Blob(stat, hash),
                        Err(error) if steady => return Seen::Unreadable(error.to_string()),
                        Ok(_) | Err(_) => {}
                    }
                }
                Reading::Changing => {}
            }
            std::thread::sleep(FRESH);
        }
        Seen::Unreadable("it keeps changing".to_owned())
    }
}

/// Keeps the limits of the module and of the core in step.
const _: () = assert!(BATCH_BYTES >= limits::TEXT_BYTES);
