//! The timestamps in a store: whether each token is over the root of what its record names, and signed, and by whom.

use std::collections::BTreeSet;

use codex_crdt_model::ids::{NotebookId, RecordHash};
use codex_crdt_model::journal::{Timestamp, Tip};
use codex_crdt_model::store::{Source, StoreError};
use serde::Serialize;

use super::Checker;
use super::journals::place;
use crate::http::dto;
use crate::store::Reader;
use crate::timestamps::Proof;

/// A timestamp, and what it proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimestampFound {
    /// Its record's hash.
    pub id: String,
    /// Whose journal it is in.
    pub device: String,
    /// Which of that device's.
    pub volume: String,
    /// Number in it.
    pub seq: u64,
    /// The seals and confirmations that it names: hashes of their records.
    pub seals: Vec<String>,
    /// The token is over the root of what it names, and its signature holds.
    pub good: bool,
    /// What the authority's certificate calls it.
    pub authority: Option<String>,
    /// What it names was there before this.
    pub before: Option<String>,
    /// The authority is pinned in this home.
    pub trusted: bool,
    /// Why it is not good, or not believed.
    pub reason: Option<String>,
}

impl Checker<'_> {
    /// Checks every timestamp that counts.
    pub(super) fn timestamps(
        &mut self,
        reader: &Reader,
        notebook: &NotebookId,
        found: Vec<(u64, Tip, Timestamp)>,
    ) -> Result<(), StoreError> {
        let quarantined = reader.quarantined()?;
        let listed: BTreeSet<u64> = reader.all_timestamps()?.into_iter().collect();
        let records: BTreeSet<u64> = found.iter().map(|(position, ..)| *position).collect();
        for position in listed.difference(&records) {
            self.fault(format!("the store lists the record at {position} as a timestamp, and it is none"));
        }
        let known: BTreeSet<RecordHash> =
            reader.all_seals()?.into_iter().map(|(_, row)| row.tip.hash).collect();
        for (position, tip, stamp) in found {
            for seal in &stamp.seals {
                if !reader.timestamps(seal)?.contains(&position) {
                    self.bad(&tip, "the store's list of timestamps differs from what it says");
                    break;
                }
            }
            if quarantined.contains_key(&position) {
                continue;
            }
            if let Some(seal) = stamp.seals.iter().find(|seal| !known.contains(seal)) {
                self.note(format!("{} is about the seal {seal}, which is not here", place(&tip)));
            }
            self.timestamp(notebook, &tip, stamp);
        }
        Ok(())
    }

    fn timestamp(&mut self, notebook: &NotebookId, tip: &Tip, stamp: Timestamp) {
        let seals = stamp.seals.iter().map(ToString::to_string).collect();
        let mut found = TimestampFound {
            id: tip.hash.to_string(),
            device: tip.device.to_string(),
            volume: tip.volume.0.to_string(),
            seq: tip.seq,
            seals,
            good: false,
            authority: None,
            before: None,
            trusted: false,
            reason: None,
        };
        match Proof::of_stamp(stamp, notebook, self.pinned) {
            Ok(Proof { token, trust, .. }) => {
                found.good = true;
                found.authority = Some(token.authority);
                found.before = Some(dto::time(token.time));
                found.trusted = trust.is_ok();
                found.reason = trust.err();
            }
            Err(error) => {
                self.note(format!("{}: the timestamp proves nothing: {error}", place(tip)));
                found.reason = Some(error.to_string());
            }
        }
        self.report.timestamps.push(found);
    }
}
