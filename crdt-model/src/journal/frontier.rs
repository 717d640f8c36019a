//! A frontier: for every journal (device and volume) the last record that somebody knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, RecordHash, Volume};

/// The last known record of one journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tip {
    /// Whose journal.
    pub device: DeviceId,
    /// Which lifetime of it.
    pub volume: Volume,
    /// Sequence number of the last record; the first record of a journal is 1.
    pub seq: u64,
    /// Hash of that record.
    pub hash: RecordHash,
}

/// Journal → last record. Contiguous from 1: knowing seq 7 means knowing 1 to 7.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier(BTreeMap<(DeviceId, Volume), (u64, RecordHash)>);

impl Frontier {
    /// From tips in any order; the last of a repeated journal counts.
    pub fn from_tips(tips: impl IntoIterator<Item = Tip>) -> Self {
        Self(tips.into_iter().map(|t| ((t.device, t.volume), (t.seq, t.hash))).collect())
    }

    /// In the order of devices and volumes.
    pub fn tips(&self) -> impl Iterator<Item = Tip> + '_ {
        self.0.iter().map(|(&(device, volume), &(seq, hash))| Tip { device, volume, seq, hash })
    }

    /// The last record of one journal.
    pub fn tip(&self, device: DeviceId, volume: Volume) -> Option<(u64, RecordHash)> {
        self.0.get(&(device, volume)).copied()
    }

    /// The last sequence number of one journal, 0 if nothing of it is known.
    pub fn seq(&self, device: DeviceId, volume: Volume) -> u64 {
        self.0.get(&(device, volume)).map_or(0, |tip| tip.0)
    }

    /// Notes a record.
    pub fn advance(&mut self, tip: Tip) {
        self.0.insert((tip.device, tip.volume), (tip.seq, tip.hash));
    }

    /// Forgets a journal.
    pub fn forget(&mut self, device: DeviceId, volume: Volume) {
        self.0.remove(&(device, volume));
    }

    /// Takes over whatever the other knows further.
    pub fn join(&mut self, other: &Frontier) {
        for tip in other.tips() {
            if tip.seq > self.seq(tip.device, tip.volume) {
                self.advance(tip);
            }
        }
    }

    /// Whether everything that `other` knows is known here.
    pub fn covers(&self, other: &Frontier) -> bool {
        other.0.iter().all(|((device, volume), (seq, _))| self.seq(*device, *volume) >= *seq)
    }

    /// How many records `self` knows that `other` does not.
    pub fn ahead_of(&self, other: &Frontier) -> u64 {
        let ahead = self.0.iter().map(|((d, v), (seq, _))| seq.saturating_sub(other.seq(*d, *v)));
        // Whoever lies says what it likes.
        ahead.fold(0, u64::saturating_add)
    }

    /// All but some journals.
    pub fn without(&self, is_left_out: impl Fn(&DeviceId, Volume) -> bool) -> Self {
        let others = self.0.iter().filter(|((device, volume), _)| !is_left_out(device, *volume));
        Self(others.map(|(journal, tip)| (*journal, *tip)).collect())
    }

    /// Number of journals.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
