//! What seals come to: who signed which version, who confirmed it, and whether that is as many as the notebook asks for.
//! A pure function of the seals that count and of who is who.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{PersonId, RecordHash};
use crate::journal::Seal;
use crate::journal::seal::SealedEntry;
use crate::membership::{Membership, SealRule};
use crate::store::SealRow;

/// One seal of an entry and those who confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its record's place: where the whole is to be read.
    pub position: u64,
    /// Its record.
    pub row: SealRow,
    /// What was signed, without the text.
    pub what: SealedEntry,
    /// Whose seal it is; `None` for somebody who is nobody here any more.
    pub person: Option<PersonId>,
    /// Whoever confirmed it, in the order of the records.
    pub witnesses: Vec<Witness>,
    /// How many persons of those that the rule asks for signed or confirmed it.
    pub signed: u32,
    /// As many as the rule asks for did.
    pub complete: bool,
}

/// Somebody who confirmed a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The record.
    pub row: SealRow,
    /// Whose it is.
    pub person: Option<PersonId>,
    /// What is meant by it.
    pub meaning: String,
}

/// The seals among an entry's rows, in the order of the records. `rows` are those that count. Nobody is witness of one's
/// own seal; who confirmed it twice is one witness.
pub fn of(rows: &[(u64, SealRow)], membership: &Membership) -> Vec<Sealed> {
    let rule = membership.seal_rule();
    let mut all: Vec<Sealed> = rows
        .iter()
        .filter_map(|(position, row)| {
            let Seal::Entry(what) = row.seal.clone() else { return None };
            let person = membership.person_of(&row.tip.device);
            let witnesses = Vec::new();
            let row = row.clone();
            Some(Sealed { position: *position, row, what, person, witnesses, signed: 0, complete: false })
        })
        .collect();
    let places: BTreeMap<RecordHash, usize> =
        all.iter().enumerate().map(|(n, sealed)| (sealed.row.tip.hash, n)).collect();
    for (_, row) in rows {
        let Seal::Witness { entry, seal, meaning } = &row.seal else { continue };
        let Some(sealed) = places.get(seal).map(|n| &mut all[*n]) else { continue };
        let person = membership.person_of(&row.tip.device);
        let is_again = sealed.witnesses.iter().any(|witness| witness.person == person);
        if *entry == sealed.what.entry && person.is_some() && person != sealed.person && !is_again {
            sealed.witnesses.push(Witness { row: row.clone(), person, meaning: meaning.clone() });
        }
    }
    for sealed in &mut all {
        let persons: BTreeSet<PersonId> =
            sealed.witnesses.iter().map(|witness| witness.person).chain([sealed.person]).flatten().collect();
        sealed.signed = count(&persons, &rule);
        sealed.complete = sealed.signed >= rule.needed;
    }
    all
}

fn count(persons: &BTreeSet<PersonId>, rule: &SealRule) -> u32 {
    let counts = |person: &&PersonId| rule.of.is_empty() || rule.of.contains(*person);
    u32::try_from(persons.iter().filter(counts).count()).expect("members are far fewer")
}
