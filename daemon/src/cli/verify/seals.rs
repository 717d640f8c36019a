//! The seals in a store: whether what was signed is what the entries' documents say of those versions, and how each stands.

use std::collections::{BTreeMap, BTreeSet};

use codex_crdt_model::event::Version;
use codex_crdt_model::ids::RecordHash;
use codex_crdt_model::journal::{Seal, Tip};
use codex_crdt_model::membership::Membership;
use codex_crdt_model::seals::{self, Sealed};
use codex_crdt_model::store::{SealRow, Source, StoreError};
use serde::Serialize;

use super::Checker;
use super::journals::place;
use crate::store::Reader;

/// A seal, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealFound {
    /// Its record's hash.
    pub id: String,
    /// Whose journal it is in.
    pub device: String,
    /// Which of that device's.
    pub volume: String,
    /// Number in it.
    pub seq: u64,
    /// The entry.
    pub entry: String,
    /// Where it lay.
    pub path: String,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// What is meant by it.
    pub meaning: String,
    /// The persons who confirmed it.
    pub witnesses: Vec<String>,
    /// As many persons as the rule asks for signed or confirmed it.
    pub complete: bool,
    /// The version that it names has these bytes here.
    pub is_true: bool,
    /// The entry and all that belongs to it are as they were sealed.
    pub unchanged: bool,
    /// The entry is deleted.
    pub deleted: bool,
}

impl Checker<'_> {
    /// Compares the store's list of seals with the records', and what was signed with the documents.
    pub(super) fn seals(
        &mut self,
        reader: &Reader,
        found: &[(u64, Tip, Seal)],
        membership: &Membership,
    ) -> Result<(), StoreError> {
        let rows = reader.all_seals()?;
        let kept: BTreeMap<u64, &SealRow> = rows.iter().map(|(position, row)| (*position, row)).collect();
        let records: BTreeSet<u64> = found.iter().map(|(position, ..)| *position).collect();
        for (position, tip, seal) in found {
            if !kept.get(position).is_some_and(|row| row.tip == *tip && row.seal == *seal) {
                self.bad(tip, "the store's list of seals differs from what it says");
            }
        }
        for (position, row) in rows.iter().filter(|(at, _)| !records.contains(at)) {
            self.bad(&row.tip, format!("the store lists it as a seal, and the record at {position} is none"));
        }
        let known: BTreeSet<RecordHash> = rows.iter().map(|(_, row)| row.tip.hash).collect();
        for (_, row) in &rows {
            if let Seal::Witness { seal, .. } | Seal::Unlock { seal, .. } = &row.seal
                && !known.contains(seal)
            {
                self.note(format!("{} is about the seal {seal}, which is not here", place(&row.tip)));
            }
        }
        for sealed in seals::of_rows(reader, membership, rows)? {
            self.seal(reader, &sealed)?;
        }
        Ok(())
    }

    fn seal(&mut self, reader: &Reader, sealed: &Sealed) -> Result<(), StoreError> {
        let (what, tip) = (&sealed.what, &sealed.row.tip);
        if !sealed.is_true {
            let version = Version(what.version.clone());
            self.note(format!(
                "{} seals other bytes than version {version} of `{}` has here: whoever signed it signed something else, or the \
                 version does not count",
                place(tip),
                what.path
            ));
        }
        let deleted = reader.entry(&what.entry)?.is_none_or(|row| !row.alive);
        let unchanged = sealed.is_true && sealed.is_unchanged(reader)?;
        self.report.seals.push(SealFound {
            id: tip.hash.to_string(),
            device: tip.device.to_string(),
            volume: tip.volume.0.to_string(),
            seq: tip.seq,
            entry: what.entry.to_string(),
            path: what.path.clone(),
            hash: what.hash.to_string(),
            meaning: what.meaning.clone(),
            witnesses: sealed.witnesses.iter().map(|one| one.person.to_string()).collect(),
            complete: sealed.complete,
            is_true: sealed.is_true,
            unchanged,
            deleted,
        });
        Ok(())
    }
}
