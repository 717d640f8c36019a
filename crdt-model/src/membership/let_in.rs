//! Of which devices records are taken in at all. That must not depend on what counts, which may turn: what an owner said that does
//! not count now may count tomorrow. Of whom only others spoke, nothing is taken in, or everybody could name devices without end.

use std::collections::{BTreeMap, BTreeSet};

use super::{Statement, Verdict, Why};
use crate::ids::{DeviceId, NotebookId, PersonId};
use crate::journal::membership::is_consent;
use crate::journal::record::notebook_id;
use crate::journal::{MembershipChange, Role};

/// The devices, and whose they are.
pub(super) fn let_in(
    notebook: &NotebookId,
    statements: &[Statement],
    verdicts: &[Verdict],
) -> BTreeMap<DeviceId, PersonId> {
    let mut devices: BTreeMap<DeviceId, PersonId> = BTreeMap::new();
    let mut owners: BTreeSet<PersonId> = BTreeSet::new();
    loop {
        let before = (devices.len(), owners.len());
        for (statement, verdict) in statements.iter().zip(verdicts) {
            let author = devices.get(&statement.tip.device).copied();
            let is_owner = author.is_some_and(|author| owners.contains(&author));
            match &statement.change {
                MembershipChange::Found { nonce, .. } => {
                    let device = statement.tip.device;
                    if notebook_id(&device, nonce) == *notebook {
                        devices.insert(device, PersonId::of_first(device));
                        owners.insert(PersonId::of_first(device));
                    }
                }
                MembershipChange::Admit { device, role, .. } if is_owner => {
                    let person = *devices.entry(*device).or_insert_with(|| PersonId::of_first(*device));
                    if *role == Role::Owner {
                        owners.insert(person);
                    }
                }
                MembershipChange::Role { person, role: Some(Role::Owner), .. } if is_owner => {
                    owners.insert(*person);
                }
                MembershipChange::Device { device, consent, .. } => {
                    if let Some(person) = author
                        && !devices.contains_key(device)
                        && is_consent(device, notebook, &person, consent)
                    {
                        devices.insert(*device, person);
                    }
                }
                // Its proof was looked at when it was judged.
                MembershipChange::Recover { person, device, .. }
                    if author.is_some() && *verdict != Verdict::Dropped(Why::NoProof) =>
                {
                    devices.entry(*device).or_insert(*person);
                }
                _ => {}
            }
        }
        if before == (devices.len(), owners.len()) {
            return devices;
        }
    }
}
