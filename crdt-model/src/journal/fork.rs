//! Proof that a device continued one journal twice: two signed headers for one place in it.

use serde::{Deserialize, Serialize};

use crate::bundle::Place;
use crate::ids::{DeviceId, NotebookId, RecordHash, Volume};
use crate::journal::record::{Header, Record, RecordRefused};

/// Two records for one place in one journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The one; what it carried is left out.
    pub one: Record,
    /// The other; what it carried may be left out.
    pub other: Record,
}

/// What a fork says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForkedAt {
    /// Whose journal.
    pub device: DeviceId,
    /// Which lifetime of it.
    pub volume: Volume,
    /// The place that has two records.
    pub seq: u64,
    /// The other's hash.
    pub other: RecordHash,
    /// The one's hash.
    pub one: RecordHash,
}

impl ForkedAt {
    /// The place that has two records.
    pub fn place(&self) -> Place {
        Place { device: self.device, volume: self.volume, seq: self.seq }
    }
}

impl Fork {
    /// What it says, unchecked. For proofs from our own store, and for naming bad ones.
    pub fn at(&self) -> Option<ForkedAt> {
        let Header { device, volume, seq, .. } = self.other.header()?;
        Some(ForkedAt { device, volume, seq, other: self.other.hash(), one: self.one.hash() })
    }

    /// What it proves; or why it proves nothing.
    pub fn verify(&self, notebook: &NotebookId) -> Result<ForkedAt, ForkRefused> {
        let one = self.one.verify_header(notebook)?;
        let other = self.other.verify_header(notebook)?;
        let is_one_place = (one.device, one.volume, one.seq) == (other.device, other.volume, other.seq);
        if !is_one_place {
            return Err(ForkRefused::TwoPlaces);
        }
        self.at().filter(|at| at.one != at.other).ok_or(ForkRefused::OneRecord)
    }

    /// Without anything that the records carried: enough as a proof.
    pub fn bare(&self) -> Self {
        Self { one: self.one.bare(), other: self.other.bare() }
    }
}

/// Why two records are no proof of a fork.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForkRefused {
    /// One of them is none.
    #[error(transparent)]
    Record(#[from] RecordRefused),
    /// They do not exclude each other.
    #[error("the two records have two places")]
    TwoPlaces,
    /// They are the same.
    #[error("the two records are one")]
    OneRecord,
}
