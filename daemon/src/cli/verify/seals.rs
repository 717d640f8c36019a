//! The seals in a store: whether what was signed is what the entries' documents say of those versions, and how each stands.

use codex_crdt_model::event::Version;
use codex_crdt_model::journal::{Seal, Tip};
use codex_crdt_model::membership::Membership;
use codex_crdt_model::seals::{self, Sealed};
use codex_crdt_model::store::{Source, StoreError};
use codex_crdt_model::view;
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
    /// The entry and all that belongs to it are as they were sealed.
    pub unchanged: bool,
}

impl Checker<'_> {
    /// Compares the store's list of seals with the records', and what was signed with the documents.
    pub(super) fn seals(
        &mut self,
        reader: &Reader,
        found: &[(u64, Tip, Seal)],
        membership: &Membership,
    ) -> Result<(), StoreError> {
        let mut rows = reader.all_seals()?;
        for (position, tip, seal) in found {
            let is_kept = rows.iter().any(|(at, row)| {
                at == position && row.tip == *tip && row.seal == seal.clone().without_text()
            });
            if !is_kept {
                self.bad(tip, "the store's list of seals differs from what it says");
            }
        }
        for (position, row) in
            rows.iter().filter(|(at, _)| !found.iter().any(|(position, ..)| at == position))
        {
            self.bad(&row.tip, format!("the store lists it as a seal, and the record at {position} is none"));
        }
        let quarantined = reader.quarantined()?;
        rows.retain(|(position, _)| !quarantined.contains_key(position));
        let known: Vec<_> = rows.iter().map(|(_, row)| row.tip.hash).collect();
        for (_, row) in &rows {
            if let Seal::Witness { seal, .. } = &row.seal
                && !known.contains(seal)
            {
                self.note(format!("{} confirms the seal {seal}, which does not count here", place(&row.tip)));
            }
        }
        for sealed in seals::of(&rows, membership) {
            self.seal(reader, &sealed)?;
        }
        Ok(())
    }

    fn seal(&mut self, reader: &Reader, sealed: &Sealed) -> Result<(), StoreError> {
        let (what, tip) = (&sealed.what, &sealed.row.tip);
        let row = reader.entry(&what.entry)?;
        match &row {
            None => self.note(format!("{} seals the entry {}, which is not here", place(tip), what.entry)),
            Some(row) => {
                let document = view::document(reader, &what.entry, row.birth);
                let then = document.ok().and_then(|document| document.view_at(&what.version));
                let version = Version(what.version.clone());
                match then {
                    None => self.note(format!(
                        "{} seals version {version} of `{}`, which does not count here",
                        place(tip),
                        what.path
                    )),
                    Some(then) if then.content.hash() != what.hash => self.note(format!(
                        "{} seals other bytes than version {version} of `{}` has: whoever signed it signed something else",
                        place(tip),
                        what.path
                    )),
                    Some(_) => {}
                }
            }
        }
        let parts = what.parts.iter().map(|part| (&part.entry, &part.hash));
        let mut unchanged = true;
        for (entry, hash) in std::iter::once((&what.entry, &what.hash)).chain(parts) {
            unchanged &= reader.entry(entry)?.is_some_and(|row| row.alive && row.hash == *hash);
        }
        self.report.seals.push(SealFound {
            id: tip.hash.to_string(),
            device: tip.device.to_string(),
            volume: tip.volume.0.to_string(),
            seq: tip.seq,
            entry: what.entry.to_string(),
            path: what.path.clone(),
            hash: what.hash.to_string(),
            meaning: what.meaning.clone(),
            witnesses: sealed.witnesses.iter().filter_map(|one| Some(one.person?.to_string())).collect(),
            complete: sealed.complete,
            unchanged,
        });
        Ok(())
    }
}
