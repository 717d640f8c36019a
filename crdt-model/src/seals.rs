//! What seals come to: who signed which version, who confirmed it, whether that is as many as the notebook asks for, whether
//! the version ever said so, and whether it is still so. A pure function of the records that count.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{ContentHash, EntryId, PersonId, RecordHash};
use crate::journal::seal::SealedEntry;
use crate::journal::{Role, Seal};
use crate::membership::{Membership, SealRule};
use crate::store::{SealRow, Source, StoreError};
use crate::view;

type Result<T> = std::result::Result<T, StoreError>;

/// One seal of an entry and those who confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its record's place: where the whole is to be read.
    pub position: u64,
    /// Its record.
    pub row: SealRow,
    /// What was signed, without the text.
    pub what: SealedEntry,
    /// Whose seal it is; `None` for somebody who never belonged.
    pub person: Option<PersonId>,
    /// Whoever confirmed it, by the claimed time.
    pub witnesses: Vec<Witness>,
    /// The version that it names is here and has these bytes. Where not, it says something that never was, or that does
    /// not count: nobody confirms it, and it locks nothing.
    pub is_true: bool,
    /// How many persons of those that the rule asks for signed or confirmed it.
    pub signed: u32,
    /// It is true, and as many as the rule asks for did.
    pub complete: bool,
    /// The entry is only amended: the seal says so, is true, and no owner lifted it.
    pub locks: bool,
}

/// Somebody who confirmed a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The record.
    pub row: SealRow,
    /// Whose it is.
    pub person: PersonId,
}

/// The seals of an entry that count, in the order of the records.
pub fn of_entry(source: &dyn Source, membership: &Membership, entry: &EntryId) -> Result<Vec<Sealed>> {
    of_rows(source, membership, source.seals(entry)?)
}

/// Those among some rows, all of each entry concerned.
pub fn of_rows(
    source: &dyn Source,
    membership: &Membership,
    mut rows: Vec<(u64, SealRow)>,
) -> Result<Vec<Sealed>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let quarantined = source.quarantined()?;
    rows.retain(|(position, _)| !quarantined.contains_key(position));
    let mut all = judge(&rows, membership);
    let mut documents = BTreeMap::new();
    for sealed in &mut all {
        let entry = sealed.what.entry;
        let document = match documents.entry(entry) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let row = source.entry(&entry)?;
                place.insert(row.map(|row| view::document(source, &entry, row.birth)).transpose()?)
            }
        };
        let then = document.as_ref().and_then(|document| document.view_at(&sealed.what.version));
        sealed.is_true = then.is_some_and(|then| then.content.hash() == sealed.what.hash);
        sealed.complete &= sealed.is_true;
        sealed.locks &= sealed.is_true;
    }
    Ok(all)
}

/// Whether an entry is there and has these bytes.
pub fn is_still(source: &dyn Source, entry: &EntryId, hash: &ContentHash) -> Result<bool> {
    Ok(source.entry(entry)?.is_some_and(|row| row.alive && row.hash == *hash))
}

impl Sealed {
    /// Whether the entry and all that belongs to it have the bytes that were sealed.
    pub fn is_unchanged(&self, source: &dyn Source) -> Result<bool> {
        for part in &self.what.parts {
            if !is_still(source, &part.entry, &part.hash)? {
                return Ok(false);
            }
        }
        is_still(source, &self.what.entry, &self.what.hash)
    }
}

/// Everything but whether it is true. Nobody is witness of one's own seal; who confirmed it twice is one witness, by the
/// record that comes first in the order of the journals, which is the same everywhere.
fn judge(rows: &[(u64, SealRow)], membership: &Membership) -> Vec<Sealed> {
    let mut all: Vec<Sealed> = rows
        .iter()
        .filter_map(|(position, row)| {
            let Seal::Entry(what) = row.seal.clone() else { return None };
            let role = membership.role_at(&row.tip, &row.knows);
            Some(Sealed {
                position: *position,
                row: row.clone(),
                person: membership.person_of(&row.tip.device),
                witnesses: Vec::new(),
                is_true: false,
                signed: 0,
                complete: false,
                locks: what.locks && role.is_some_and(|role| role.is_at_least(Role::Editor)),
                what,
            })
        })
        .collect();
    let places: BTreeMap<RecordHash, usize> =
        all.iter().enumerate().map(|(n, sealed)| (sealed.row.tip.hash, n)).collect();
    let mut others: Vec<&SealRow> = rows.iter().map(|(_, row)| row).collect();
    others.sort_by_key(|row| row.tip);
    for row in others {
        let (Seal::Witness { entry, seal, .. } | Seal::Unlock { entry, seal, .. }) = &row.seal else {
            continue;
        };
        let Some(sealed) = places.get(seal).map(|n| &mut all[*n]).filter(|all| all.what.entry == *entry)
        else {
            continue;
        };
        let person = membership.person_of(&row.tip.device);
        match (&row.seal, person) {
            (Seal::Unlock { .. }, _) => {
                sealed.locks &= membership.role_at(&row.tip, &row.knows) != Some(Role::Owner);
            }
            (_, Some(person))
                if Some(person) != sealed.person
                    && !sealed.witnesses.iter().any(|witness| witness.person == person) =>
            {
                sealed.witnesses.push(Witness { row: row.clone(), person });
            }
            _ => {}
        }
    }
    let rule = membership.seal_rule();
    for sealed in &mut all {
        sealed.witnesses.sort_by_key(|witness| (witness.row.time, witness.row.tip));
        let witnesses = sealed.witnesses.iter().map(|witness| witness.person);
        let persons: BTreeSet<PersonId> = witnesses.chain(sealed.person).collect();
        sealed.signed = count(&persons, &rule);
        sealed.complete = sealed.signed >= rule.needed;
    }
    all
}

fn count(persons: &BTreeSet<PersonId>, rule: &SealRule) -> u32 {
    let counts = |person: &&PersonId| rule.of.is_empty() || rule.of.contains(*person);
    u32::try_from(persons.iter().filter(counts).count()).expect("members are far fewer")
}
