//! Links and attachments: streams that open, delay and break, and blobs that follow them.

use std::collections::BTreeSet;

use codex_crdt_model::event::Event;
use codex_crdt_model::ids::{ContentHash, DeviceId};
use codex_crdt_model::store::{Mode, Source};
use ed25519_dalek::SigningKey;

use super::{Item, World, pair};
use crate::faulty::Fault;
use crate::workload::Edition;

impl World {
    /// What a dying machine has sent may still arrive, in order, up to some frame.
    pub(super) fn deliver_some(&mut self, n: usize, other: usize) {
        let link = self.links[&pair(n, other)];
        let under_way = |item: &Item| {
            matches!(item, Item::Frame { from, to, cut, .. }
            if (*from, *to, *cut) == (n, other, link.cuts))
        };
        let sent: Vec<(i64, u64)> =
            self.queue.iter().filter(|(_, item)| under_way(item)).map(|(at, _)| *at).collect();
        let arrive = self.rng.below(sent.len() + 1);
        for at in sent.iter().take(if link.open { arrive } else { 0 }) {
            if let Some(Item::Frame { frame, .. }) = self.queue.remove(at) {
                let peer = self.machines[n].device;
                self.tell(other, Event::Received { peer, frame }, 0);
            }
        }
    }

    pub(super) fn index_of(&self, device: DeviceId) -> Option<usize> {
        self.machines.iter().position(|m| m.device == device)
    }

    pub(super) fn forger(&self) -> &SigningKey {
        &self.machines[0].key
    }

    pub(super) fn send(&mut self, n: usize, peer: DeviceId, frame: Vec<u8>) {
        let Some(other) = self.index_of(peer) else { return };
        let link = self.links[&pair(n, other)];
        if !link.open {
            return;
        }
        let delay = self.rng.between(1, 60);
        let drained = self.rng.between(0, 20);
        self.tell(n, Event::Drained(peer), drained);
        if self.fault == Fault::DroppedIsDelivered && self.rng.percent(15) {
            return;
        }
        self.inject(n, other, frame, delay);
    }

    /// A frame is on its way, behind those before it.
    pub fn inject(&mut self, from: usize, to: usize, frame: Vec<u8>, delay: i64) {
        let until = self.sent_until.entry((from, to)).or_default();
        let at = (self.time + delay).max(*until);
        *until = at;
        let cut = self.links[&pair(from, to)].cuts;
        self.push(at, Item::Frame { from, to, cut, frame });
    }

    /// Whether a stream is open between two.
    pub fn is_open(&self, a: usize, b: usize) -> bool {
        a != b && self.links[&pair(a, b)].open
    }

    /// Cuts the stream between two: what is under way is lost, both are told.
    pub fn cut(&mut self, a: usize, b: usize) {
        let link = self.links.get_mut(&pair(a, b)).expect("every pair has a link");
        if !std::mem::replace(&mut link.open, false) {
            return;
        }
        link.cuts += 1;
        self.note(&|| format!("m{a} × m{b}"));
        for (n, other) in [(a, b), (b, a)] {
            let peer = self.machines[other].device;
            let delay = self.rng.between(0, 5);
            self.tell(n, Event::PeerGone(peer), delay);
        }
    }

    /// The network lets two machines talk, or not.
    pub fn connect(&mut self, a: usize, b: usize, possible: bool) {
        self.links.get_mut(&pair(a, b)).expect("every pair has a link").possible = possible;
        if possible { self.reopen_later(a, b) } else { self.cut(a, b) }
    }

    /// Everything can talk to everything again.
    pub fn heal(&mut self) {
        let pairs: Vec<(usize, usize)> = self.links.keys().copied().collect();
        for (a, b) in pairs {
            self.connect(a, b, true);
        }
    }

    /// Nobody can talk to anybody.
    pub fn part(&mut self) {
        let pairs: Vec<(usize, usize)> = self.links.keys().copied().collect();
        for (a, b) in pairs {
            self.connect(a, b, false);
        }
    }

    /// A stream between two will be opened again, if the network lets it.
    pub fn reopen_later(&mut self, a: usize, b: usize) {
        let delay = self.rng.between(10, 400);
        self.push(self.time + delay, Item::Open { a, b });
    }

    /// Whether a machine lets another in: a member, or anybody while it does not know yet who that is.
    fn lets_in(&self, n: usize, other: usize) -> bool {
        let machine = &self.machines[n];
        let is_joining = machine.core.as_ref().is_some_and(|core| core.meta().mode == Mode::Joining);
        is_joining
            || machine.store.members().is_ok_and(|rows| rows.contains_key(&self.machines[other].device))
    }

    /// A machine has heard of other members: it cuts whoever is none any more.
    pub(super) fn members_changed(&mut self, n: usize) {
        for other in (0..self.machines.len()).filter(|other| *other != n).collect::<Vec<_>>() {
            if self.lets_in(n, other) {
                if !self.is_open(n, other) && self.edition == Edition::Third {
                    self.reopen_later(n, other);
                }
            } else {
                self.cut(n, other);
            }
        }
    }

    pub(super) fn open(&mut self, a: usize, b: usize) {
        let both = self.machines[a].core.is_some()
            && self.machines[b].core.is_some()
            && self.lets_in(a, b)
            && self.lets_in(b, a);
        let link = self.links.get_mut(&pair(a, b)).expect("every pair has a link");
        if !link.possible || link.open || !both {
            return;
        }
        link.open = true;
        let (da, db) = (self.machines[a].device, self.machines[b].device);
        self.note(&|| format!("m{a} — m{b}"));
        // Told later than the end of the stream before, and sooner than any frame of this one.
        self.push_connected(a, db);
        self.push_connected(b, da);
        self.blobs_later(a);
        self.blobs_later(b);
    }

    fn push_connected(&mut self, n: usize, peer: DeviceId) {
        let epoch = self.machines[n].epoch;
        self.push(self.time + 6, Item::Step { machine: n, epoch, event: Event::PeerConnected(peer) });
        for other in 0..self.machines.len() {
            let until = self.sent_until.entry((other, n)).or_default();
            *until = (*until).max(self.time + 7);
        }
    }

    // ---- attachments

    pub(super) fn blobs_later(&mut self, n: usize) {
        let (delay, epoch) = (self.rng.between(5, 200), self.machines[n].epoch);
        if !self.machines[n].wanted.is_empty() {
            self.push(self.time + delay, Item::Blobs { machine: n, epoch });
        }
    }

    pub(super) fn blobs_everywhere(&mut self) {
        for n in 0..self.machines.len() {
            self.blobs_later(n);
        }
    }

    pub(super) fn look_for_blobs(&mut self, n: usize) {
        let mut held: BTreeSet<ContentHash> = BTreeSet::new();
        for hash in self.machines[n].wanted.clone() {
            // Only what a notebook names is given to its members.
            let gives = |m: usize| m == n || self.is_open(n, m) && self.machines[m].store.names_blob(&hash);
            let from =
                (0..self.machines.len()).find(|m| gives(*m) && self.machines[*m].blobs.contains_key(&hash));
            if let Some(bytes) = from.and_then(|m| self.machines[m].blobs.get(&hash)).cloned() {
                self.machines[n].blobs.insert(hash, bytes);
                self.machines[n].wanted.remove(&hash);
                held.insert(hash);
            }
        }
        for hash in &held {
            self.tell(n, Event::BlobHeld(*hash), 1);
        }
        if !held.is_empty() {
            self.blobs_everywhere();
        }
    }
}
