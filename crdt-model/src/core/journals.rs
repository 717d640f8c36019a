//! Journals that were continued twice, and devices that begin too many: of these not everybody has the same records, so
//! nothing waits for them.

use std::collections::BTreeMap;

use crate::ids::{DeviceId, Volume};
use crate::limits;
use crate::store::{Source, StoreError};

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Journals {
    /// Journals that were continued twice, and after which position that was known.
    forked: BTreeMap<(DeviceId, Volume), u64>,
    /// The same, in the order in which they became known: proofs are shown in it.
    forked_in_order: Vec<(u64, DeviceId, Volume)>,
    /// How many journals each device has here.
    counts: BTreeMap<DeviceId, usize>,
}

impl Journals {
    /// Reads it.
    pub fn load(source: &dyn Source) -> Result<Self, StoreError> {
        let forked = source.forked()?;
        let mut forked_in_order: Vec<_> =
            forked.iter().map(|((device, volume), after)| (*after, *device, *volume)).collect();
        forked_in_order.sort_unstable();
        let mut counts = BTreeMap::new();
        for tip in source.tips()? {
            *counts.entry(tip.device).or_default() += 1;
        }
        Ok(Self { forked, forked_in_order, counts })
    }

    /// A journal's first record was added.
    pub fn begun(&mut self, device: DeviceId) {
        *self.counts.entry(device).or_default() += 1;
    }

    /// How many journals of a device are here.
    pub fn count(&self, device: &DeviceId) -> usize {
        self.counts.get(device).copied().unwrap_or(0)
    }

    /// Notes that a journal was continued twice; `false` if that is known, or is known of enough journals of its device.
    pub fn note_fork(&mut self, device: DeviceId, volume: Volume, after: u64) -> bool {
        if self.is_forked(&device, volume) || self.forks_of(&device) >= limits::FORKS {
            return false;
        }
        self.forked.insert((device, volume), after);
        self.forked_in_order.push((after, device, volume));
        true
    }

    /// Whether a journal was continued twice.
    pub fn is_forked(&self, device: &DeviceId, volume: Volume) -> bool {
        self.forked.contains_key(&(*device, volume))
    }

    /// Whether any was.
    pub fn is_any_forked(&self) -> bool {
        !self.forked.is_empty()
    }

    /// The one that became known as number `n`, from 0, and after which position.
    pub fn forked(&self, n: usize) -> Option<(u64, DeviceId, Volume)> {
        self.forked_in_order.get(n).copied()
    }

    fn forks_of(&self, device: &DeviceId) -> usize {
        self.forked.range((*device, Volume(0))..=(*device, Volume(u64::MAX))).count()
    }

    /// Whether what is in a journal may be elsewhere and never come.
    pub fn may_never_come(&self, device: &DeviceId, volume: Volume) -> bool {
        self.is_forked(device, volume) || self.forks_of(device) >= limits::FORKS
    }
}
