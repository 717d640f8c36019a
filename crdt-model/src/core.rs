//! One notebook: the state machine. Arms are one line each; the work is in the modules below.
//!
//! `txn` one step's view of the store · `edits` the one merge path · `tree` the derived tree · `observe` files
//! → documents, `appear` what is new there, `moves` which file moved where, `drafts` what is not shared · `hold` what the brake holds · `writeout`
//! documents → files, `places` whether they may go there · `aside` what operations set aside · `requests` what the desk asks · `peers` sync, `carried` without a
//! network · `people` who may, `noted` what they signed about entries.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;

use crate::effect::{Effect, Notice};
use crate::event::Event;
use crate::ids::{ContentHash, DeviceId, EntryId, NotebookId, UnixMs, Volume};
use crate::journal::record::notebook_id;
use crate::journal::{Frontier, MembershipChange, Role};
use crate::limits;
use crate::membership::Membership;
use crate::path::EntryPath;
use crate::store::{FetchPolicy, Meta, Mode, Source, StoreError, WriteSet};

mod appear;
mod aside;
mod bounds;
mod carried;
mod drafts;
mod edits;
mod hold;
mod journals;
mod moves;
mod noted;
mod observe;
mod peers;
mod people;
mod places;
mod requests;
mod takeback;
mod tree;
mod txn;
mod writeout;

use txn::Txn;

/// Numbers of draws from here on are for volumes.
const SPARE: u64 = 1 << 63;

/// Documents kept loaded from step to step.
const DOCUMENTS_KEPT: usize = 32;

/// One notebook. Everything in here can be dropped and opened again from the store.
#[derive(Debug)]
pub struct Core {
    key: SigningKey,
    meta: Meta,
    frontier: Frontier,
    now: UnixMs,
    seed: [u8; 32],
    drawn: u64,
    peers: BTreeMap<DeviceId, peers::Peer>,
    documents: BTreeMap<EntryId, txn::Loaded>,
    people: people::People,
    drafts: drafts::Drafts,
    /// Entries to plan.
    todo: BTreeSet<EntryId>,
    /// Disk operations under way.
    in_flight: BTreeMap<EntryId, InFlight>,
    in_flight_bytes: usize,
    /// What is being planned, each because the one before waits for it; and whether that led back to one of them.
    planning: Vec<EntryId>,
    in_circle: bool,
    /// Entries that wait for another entry's file to be written, moved or removed.
    waiting: BTreeMap<EntryId, BTreeSet<EntryId>>,
    /// Entries that wait for a blob.
    awaiting: BTreeMap<ContentHash, BTreeSet<EntryId>>,
    blobs_missing: BTreeSet<ContentHash>,
    fetch_policy: FetchPolicy,
    /// Failed operations, and when to try again.
    retries: BTreeMap<EntryId, UnixMs>,
    /// Removals that the brake holds.
    held_removals: BTreeSet<EntryId>,
    /// Files that vanished, whose deletion the brake holds.
    held_vanished: BTreeSet<EntryId>,
    /// Held folders that were missing since the last scan ended.
    folders_gone: BTreeSet<EntryId>,
    /// Removals that the brake has counted.
    counted: BTreeSet<EntryId>,
    /// Deletions that the brake counted and let pass, and when: a "no" brings these back too. Fewer than
    /// [`crate::limits::BRAKE_MANY`].
    let_pass: Vec<(UnixMs, EntryId)>,
    /// What met something on disk that the bases do not know of, and the scan that is to show it.
    surprised: BTreeMap<EntryId, u64>,
    /// The newest scan that ended.
    scanned: u64,
    /// Removals that somebody on this machine asked for or said yes to: no surprise, so no matter for the brake.
    asked_removals: BTreeSet<EntryId>,
    root_lost: bool,
    /// Everything was looked at since the start (or the end of a pause): before that, nothing is written, as what an
    /// operation cut off by a crash left on disk is not known.
    looked: bool,
    rescan: bool,
    /// Number of the last scan that was asked for. The upper half is this run's own: a scan that an earlier run
    /// asked for answers nothing.
    scans: u64,
    /// The first scan that began after what it is waited for.
    awaited_scan: u64,
    /// From a resume until the scan after it.
    accept_deletions: bool,
    restore_deletions: bool,
    /// From going live after joining until the scan after it.
    joining_scan: bool,
    /// All that each peer said it knows: when that is here, joining is over.
    promised: BTreeMap<DeviceId, Frontier>,
    /// When joining is over without what others than an owner promised.
    join_at: Option<UnixMs>,
    receipt_at: Option<UnixMs>,
    /// How far others have this device's journals.
    acknowledged: BTreeMap<Volume, u64>,
}

/// A disk operation under way.
#[derive(Debug, Clone)]
enum InFlight {
    /// Writing content; bytes of text held meanwhile.
    Write { bytes: usize },
    /// Moving to this place.
    Move { parent: EntryId, name: String },
    /// Making a folder.
    Folder,
    /// Removing.
    Removal,
}

/// What a step wants.
#[derive(Debug, Default)]
pub struct Stepped {
    /// To be written in one transaction, before any effect.
    pub writes: WriteSet,
    /// To be done then, in order.
    pub effects: Vec<Effect>,
}

/// A step that failed has no effect; the core must be opened again from the store.
pub type StepError = StoreError;

/// How a notebook comes to be on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It begins here.
    Found {
        /// Its name.
        name: String,
        /// This device's name.
        device_name: String,
    },
    /// It exists among peers: nothing on disk is born before their tree is known.
    Join {
        /// Its id.
        notebook: NotebookId,
        /// Its name here.
        name: String,
    },
}

impl Core {
    /// The writes that make a new store of a notebook. `seed` is 32 random bytes.
    pub fn create(key: &SigningKey, origin: Origin, seed: [u8; 32], now: UnixMs) -> WriteSet {
        let device = DeviceId(key.verifying_key().to_bytes());
        let nonce: [u8; 16] = draw(&seed, 0)[..16].try_into().expect("16 of 32 bytes");
        let volume = Volume(u64::from_be_bytes(draw(&seed, 1)[..8].try_into().expect("8 of 32 bytes")));
        let (notebook, name, mode) = match &origin {
            Origin::Found { name, .. } => (notebook_id(&device, &nonce), name.clone(), Mode::Live),
            Origin::Join { notebook, name } => (*notebook, name.clone(), Mode::Joining),
        };
        let meta = Meta {
            notebook,
            name: name.clone(),
            device,
            volume,
            mode,
            paused: false,
            held: false,
            revision: 0,
            position: 0,
            receipt: 0,
            seen: Vec::new(),
            deletions: Vec::new(),
            fallbacks: Vec::new(),
        };
        let empty = crate::store::memory::MemoryStore::default();
        let mut txn = Txn::new(&empty, key, now, meta, Frontier::default());
        if let Origin::Found { device_name, .. } = origin {
            let change = MembershipChange::Found { nonce, name, device_name };
            people::state(&mut txn, change).expect("an empty store in memory does not fail");
        }
        let mut writes = txn.writes;
        writes.meta = Some(txn.meta);
        writes
    }

    /// Opens a notebook from its store. `seed` is 32 random bytes, never the same twice; `fresh_volume` says
    /// that the journal here may not be the newest, so a new volume must begin.
    pub fn open(
        key: SigningKey,
        seed: [u8; 32],
        fresh_volume: bool,
        source: &dyn Source,
    ) -> Result<(Self, Stepped), StepError> {
        let doing = "opening a notebook";
        let Some(mut meta) = source.meta()? else {
            return Err(StoreError { doing, reason: "the store is empty".into() });
        };
        let device = DeviceId(key.verifying_key().to_bytes());
        let mut writes = WriteSet::default();
        if fresh_volume || meta.device != device {
            meta.device = device;
            meta.volume = Volume(u64::from_be_bytes(draw(&seed, 1)[..8].try_into().expect("8 of 32 bytes")));
            meta.seen = Vec::new();
            writes.meta = Some(meta.clone());
        }
        let people = people::People::load(source, &mut writes)?;
        let mut core = Self {
            key,
            frontier: Frontier::from_tips(source.tips()?),
            meta,
            now: 0,
            seed,
            drawn: 3,
            peers: BTreeMap::new(),
            documents: BTreeMap::new(),
            people,
            drafts: drafts::Drafts::default(),
            todo: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            in_flight_bytes: 0,
            planning: Vec::new(),
            in_circle: false,
            waiting: BTreeMap::new(),
            awaiting: BTreeMap::new(),
            blobs_missing: source.blobs_missing()?.into_keys().collect(),
            fetch_policy: source.fetch_policy()?,
            retries: BTreeMap::new(),
            held_removals: BTreeSet::new(),
            held_vanished: BTreeSet::new(),
            folders_gone: BTreeSet::new(),
            counted: BTreeSet::new(),
            let_pass: Vec::new(),
            surprised: BTreeMap::new(),
            scanned: 0,
            asked_removals: BTreeSet::new(),
            root_lost: false,
            looked: false,
            rescan: false,
            scans: u64::from_be_bytes(draw(&seed, 2)[..8].try_into().expect("8 of 32 bytes")) << 32,
            awaited_scan: 0,
            accept_deletions: false,
            restore_deletions: false,
            joining_scan: false,
            promised: BTreeMap::new(),
            join_at: None,
            receipt_at: None,
            acknowledged: takeback::acknowledged(source, device, &mut writes)?,
        };
        if core.meta.held {
            core.held_vanished = hold::of_earlier_run(source)?;
        }
        core.load_pending(source)?;
        let scan = core.await_scan();
        Ok((core, Stepped { writes, effects: vec![scan] }))
    }

    /// What was left to do is planned only after the first scan has shown how the files stand.
    fn load_pending(&mut self, source: &dyn Source) -> Result<(), StepError> {
        let mut after = None;
        loop {
            let page = source.pending(after, 1024)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            self.retries.extend(page.into_iter().map(|id| (id, UnixMs::MAX)));
        }
    }

    /// Takes in one event.
    pub fn step(&mut self, now: UnixMs, event: Event, source: &dyn Source) -> Result<Stepped, StepError> {
        self.now = now;
        let key = self.key.clone();
        let mut txn = Txn::new(source, &key, now, self.meta.clone(), self.frontier.clone());
        txn.fetch_policy = self.fetch_policy;
        txn.documents = std::mem::take(&mut self.documents);
        txn.people = std::mem::take(&mut self.people);
        txn.acknowledged = std::mem::take(&mut self.acknowledged);
        txn.spare_volume = self.spare_volume();
        match event {
            Event::Observed(batch) => observe::observed(self, &mut txn, batch)?,
            Event::Scanned(number) => self.scanned(&txn, number)?,
            Event::DiskDone(results) => writeout::done(self, &mut txn, results)?,
            Event::Asked { number, request } => {
                let reply = requests::asked(self, &mut txn, request)?;
                txn.effects.push(Effect::Reply { number, reply });
            }
            Event::PeerConnected(peer) => peers::connected(self, &mut txn, peer)?,
            Event::PeerGone(peer) => self.peer_gone(&mut txn, peer),
            Event::Received { peer, frame } => peers::received(self, &mut txn, peer, &frame)?,
            Event::Drained(peer) => peers::drained(self, peer),
            Event::BlobHeld(hash) => peers::blob_held(self, &mut txn, hash)?,
            Event::RootLost(reason) => self.root_is_lost(&mut txn, reason),
            Event::RootFound => self.root_is_found(&mut txn),
            Event::Tick => {}
        }
        self.finish(txn)
    }

    fn finish(&mut self, mut txn: Txn<'_>) -> Result<Stepped, StepError> {
        let due: Vec<EntryId> =
            self.retries.iter().filter(|(_, at)| self.is_due(**at)).map(|(id, _)| *id).collect();
        for id in due {
            self.retries.remove(&id);
            self.todo.insert(id);
        }
        if self.join_at.is_some_and(|at| at <= self.now) {
            peers::live_if_joined(self, &mut txn);
        }
        people::fold_again(&mut txn)?;
        if std::mem::take(&mut txn.look_again) {
            self.look_again(&mut txn);
        }
        writeout::plan(self, &mut txn)?;
        hold::let_go(self, &mut txn)?;
        txn.close();
        peers::state_receipt(self, &mut txn)?;
        peers::pump(self, &mut txn)?;
        if std::mem::take(&mut self.rescan) {
            self.scans += 1;
            txn.effects.push(Effect::Scan(self.scans));
        }
        self.fetch_policy = txn.fetch_policy;
        for (hash, missing) in &txn.writes.blobs_missing {
            match missing {
                Some(_) => self.blobs_missing.insert(*hash),
                None => self.blobs_missing.remove(hash),
            };
        }
        if txn.meta.revision != self.meta.revision {
            txn.effects.push(Effect::Changed { revision: txn.meta.revision });
        }
        if txn.meta != self.meta {
            txn.writes.meta = Some(txn.meta.clone());
        }
        self.meta = txn.meta;
        self.frontier = txn.frontier;
        self.documents = txn.documents;
        self.people = txn.people;
        self.acknowledged = txn.acknowledged;
        while self.documents.len() > DOCUMENTS_KEPT {
            self.documents.pop_first();
        }
        Ok(Stepped { writes: txn.writes, effects: txn.effects })
    }

    /// What was changed here and not shared is looked at again, before anything is written: it may be shared now, or no
    /// longer.
    fn look_again(&mut self, txn: &mut Txn<'_>) {
        self.retries.extend(self.drafts.take().into_iter().map(|id| (id, UnixMs::MAX)));
        self.looked = false;
        let scan = self.await_scan();
        txn.effects.push(scan);
        if std::mem::take(&mut txn.role_changed) {
            let role = people::own_role(txn).map_or("no longer a member".to_owned(), |role| role.to_string());
            txn.notify(Notice::Standing(format!("you are {role} here")));
        }
    }

    /// Whether the time has come, or the clock was set back since it was named.
    fn is_due(&self, at: UnixMs) -> bool {
        at <= self.now || (at < UnixMs::MAX && at > self.now + writeout::RETRY_MS)
    }

    /// A scan whose end matters: one that began earlier does not count for it.
    fn await_scan(&mut self) -> Effect {
        self.scans += 1;
        self.awaited_scan = self.scans;
        Effect::Scan(self.scans)
    }

    fn scanned(&mut self, txn: &Txn<'_>, number: u64) -> Result<(), StepError> {
        if number < self.awaited_scan || number >> 32 != self.scans >> 32 {
            return Ok(());
        }
        hold::scan_ended(self, txn)?;
        self.scanned = number;
        self.drafts.scanned();
        self.looked = true;
        let accepted = std::mem::take(&mut self.accept_deletions);
        self.restore_deletions = false;
        self.joining_scan = false;
        self.counted.clear();
        let waiting: Vec<EntryId> =
            self.retries.iter().filter(|(_, at)| **at == UnixMs::MAX).map(|(id, _)| *id).collect();
        for id in waiting {
            self.retries.remove(&id);
            self.todo.insert(id);
        }
        if accepted {
            // Nothing was removed before the scan had shown how the files stand; the yes holds for it all the same.
            self.asked_removals.extend(&self.todo);
        }
        Ok(())
    }

    fn peer_gone(&mut self, txn: &mut Txn<'_>, peer: DeviceId) {
        self.peers.remove(&peer);
        txn.notify(Notice::Peer(peer));
    }

    fn root_is_lost(&mut self, txn: &mut Txn<'_>, reason: String) {
        if !std::mem::replace(&mut self.root_lost, true) {
            txn.notify(Notice::Standing(format!("paused: {reason}")));
        }
    }

    fn root_is_found(&mut self, txn: &mut Txn<'_>) {
        self.root_lost = false;
        self.looked = false;
        txn.notify(Notice::Standing("the folder is back".into()));
        txn.effects.push(self.await_scan());
    }

    /// Joining is over: what is on disk is compared with the tree, then both become one.
    fn go_live(&mut self, txn: &mut Txn<'_>) {
        txn.meta.mode = Mode::Live;
        self.looked = false;
        self.joining_scan = true;
        self.promised.clear();
        self.join_at = None;
        txn.notify(Notice::Standing("joined".into()));
        txn.effects.push(self.await_scan());
        // Nothing is written out before the scan has shown what is there.
        self.retries.extend(std::mem::take(&mut self.todo).into_iter().map(|id| (id, UnixMs::MAX)));
        self.retries.extend(std::mem::take(&mut txn.todo).into_iter().map(|id| (id, UnixMs::MAX)));
    }

    /// When `Event::Tick` is wanted, if nothing else happens.
    pub fn deadline(&self) -> Option<UnixMs> {
        self.retries
            .values()
            .copied()
            .chain(self.receipt_at)
            .chain(self.join_at)
            .min()
            .filter(|at| *at < UnixMs::MAX)
    }

    /// The notebook's values.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// What is known here.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Number of the last scan that was asked for; a scan that nobody asked for carries it too.
    pub fn scans(&self) -> u64 {
        self.scans
    }

    /// Files whose write-out is under way or waits.
    pub fn unwritten(&self) -> usize {
        let waiting = self.retries.values().filter(|at| !self.looked || **at < UnixMs::MAX).count();
        self.in_flight.len() + self.todo.len() + waiting
    }

    /// Entries whose deletion the brake holds: files that vanished here, and files that others deleted.
    pub fn held(&self) -> impl Iterator<Item = &EntryId> {
        self.held_vanished.union(&self.held_removals)
    }

    /// Who belongs, as far as is known here.
    pub fn membership(&self) -> &Membership {
        &self.people.membership
    }

    /// What this device may do.
    pub fn role(&self) -> Option<Role> {
        self.people.membership.role(&self.meta.device)
    }

    /// Entries that this device wrote to in records that do not count: their files stay as they are.
    pub fn held_back(&self) -> &BTreeSet<EntryId> {
        self.people.own_held()
    }

    /// Records that do not count.
    pub fn quarantined(&self) -> usize {
        self.people.quarantined()
    }

    /// Files that were changed here by somebody who may not write: they are not shared.
    pub fn drafts(&self) -> impl Iterator<Item = &EntryPath> {
        self.drafts.paths()
    }

    /// Blobs of live entries that are not here.
    pub fn blobs_missing(&self) -> usize {
        self.blobs_missing.len()
    }

    /// Records that a connected peer said it has and that are not here yet.
    pub fn to_come(&self) -> u64 {
        let ahead = |peer: &peers::Peer| peer.ahead_of(&self.frontier, &self.people);
        self.peers.values().map(ahead).max().unwrap_or(0)
    }

    /// What of a frontier everybody has, or will have: without journals of which others may hold another branch.
    /// Of this device's own journals all are meant: that nobody takes them makes them no less its own.
    pub fn shared(&self, frontier: &Frontier) -> Frontier {
        let own = self.meta.device;
        frontier.without(|device, volume| match *device == own {
            true => self.people.journals.is_forked(device, volume),
            false => self.people.may_never_come(device, volume),
        })
    }

    /// How many more journals this device, and others of the same person, can begin that others take in; each copy or restored
    /// backup of one begins another.
    pub fn journals_left(&self) -> usize {
        limits::VOLUMES.saturating_sub(self.people.journals_with(&self.meta.device))
    }

    /// Whether the folder is there.
    pub fn root_is_there(&self) -> bool {
        !self.root_lost
    }

    /// Connected peers.
    pub fn connected(&self) -> impl Iterator<Item = &DeviceId> {
        self.peers.keys()
    }

    /// A volume that nobody has begun: drawn for this position of the store.
    fn spare_volume(&self) -> Volume {
        let bytes = draw(&self.seed, SPARE | self.meta.position);
        Volume(u64::from_be_bytes(bytes[..8].try_into().expect("8 of 32 bytes")).max(1))
    }

    /// A number that nobody can guess: from the seed, a counter and some context.
    fn random(&mut self, context: &EntryId) -> u64 {
        self.drawn += 1;
        let mut bytes = draw(&self.seed, self.drawn).to_vec();
        bytes.extend(context.as_bytes());
        let hash = blake3::hash(&bytes);
        u64::from_be_bytes(hash.as_bytes()[..8].try_into().expect("8 of 32 bytes")).max(1)
    }
}

fn draw(seed: &[u8; 32], counter: u64) -> [u8; 32] {
    *blake3::keyed_hash(seed, &counter.to_be_bytes()).as_bytes()
}
