//! Whose records are taken in, and how much of what does not count: what one person makes all others keep is bounded.

use super::people::People;
use super::txn::Txn;
use crate::ids::{DeviceId, PersonId, Volume};
use crate::journal::record::notebook_id;
use crate::journal::{Header, MembershipChange, Payload, Record, Role};
use crate::limits;
use crate::membership::Statement;

/// Membership records that are kept for what must be said.
const FEW_LEFT: usize = 16;

impl People {
    /// Whether no other journal of a device is taken in: those of all devices of its person count.
    pub fn has_enough_of(&self, device: &DeviceId) -> bool {
        self.journals_with(device) >= limits::VOLUMES
    }

    /// How many journals a device has, and those of the same person.
    pub fn journals_with(&self, device: &DeviceId) -> usize {
        match self.membership.let_in(device) {
            Some(person) => self.devices_of(person).map(|device| self.journals.count(device)).sum(),
            None => self.journals.count(device),
        }
    }

    /// Whether no other membership record of a device is taken in: too many are here of its person, made as one who is no owner.
    pub fn says_too_much(&self, device: &DeviceId) -> bool {
        self.statements_left(device) == Some(0)
    }

    /// How many more membership records of a device are taken in; `None` for an owner's.
    pub fn statements_left(&self, device: &DeviceId) -> Option<usize> {
        if self.membership.role(device) == Some(Role::Owner) {
            return None;
        }
        let person = self.membership.let_in(device);
        let is_of_same = |other: &DeviceId| match person {
            Some(person) => self.membership.let_in(other) == Some(person),
            None => other == device,
        };
        let said = self.statements().iter().filter(|statement| is_of_same(&statement.tip.device));
        // What an owner said stays an owner's word, whatever became of it. That is only looked at where it matters.
        let said: Vec<&Statement> = said.collect();
        let as_no_owner =
            |one: &&&Statement| self.membership.role_at(&one.tip, &one.knows) != Some(Role::Owner);
        let counted = match said.len() + FEW_LEFT < limits::STATEMENTS {
            true => said.len(),
            false => said.iter().filter(as_no_owner).count(),
        };
        Some(limits::STATEMENTS.saturating_sub(counted))
    }

    /// Why this device should not say this of its person: nobody would take it.
    pub fn would_not_be_heard(&self, device: &DeviceId, change: &MembershipChange) -> Option<String> {
        let person = self.membership.let_in(device)?;
        let left = self.statements_left(device)?;
        let adds = matches!(change, MembershipChange::Device { .. });
        if adds && self.devices_of(person).count() >= limits::DEVICES {
            return Some(format!(
                "a person who is no owner has at most {} devices, lost ones too",
                limits::DEVICES
            ));
        }
        // The last ones are for leaving, and for devices that are lost.
        let is_needed = matches!(change, MembershipChange::Role { .. } | MembershipChange::Revoke { .. });
        (left == 0 || (left <= FEW_LEFT && !is_needed)).then(|| {
            format!(
                "you have said {} things about yourself and your devices, and others take {} of one who is no owner",
                limits::STATEMENTS - left,
                limits::STATEMENTS
            )
        })
    }

    fn devices_of(&self, person: PersonId) -> impl Iterator<Item = &DeviceId> {
        self.membership.all_let_in().filter(move |(_, whose)| **whose == person).map(|(device, _)| device)
    }
}

/// What a device is to this notebook, by what is known here.
pub(super) enum Standing {
    /// Its records are taken in.
    LetIn,
    /// Somebody named it who might not: nothing of it is taken in, and whoever sends it means no harm.
    Named,
    /// No statement names it: nobody has anything of it who is honest.
    Stranger,
}

/// What the author of a record is.
pub(super) fn standing(txn: &Txn<'_>, header: &Header, record: &Record) -> Standing {
    let membership = &txn.people.membership;
    let is_founding = || match Payload::decode(header.kind, &record.payload) {
        Some(Payload::Membership(MembershipChange::Found { nonce, .. })) => {
            notebook_id(&header.device, &nonce) == txn.meta.notebook
        }
        _ => false,
    };
    if membership.let_in(&header.device).is_some() || is_founding() {
        Standing::LetIn
    } else if membership.has_heard_of(&header.device) {
        Standing::Named
    } else {
        Standing::Stranger
    }
}

/// Whether a record is one more than is carried of its device.
pub(super) fn is_too_much(txn: &Txn<'_>, header: &Header, record: &Record) -> bool {
    let people = &txn.people;
    match Payload::decode(header.kind, &record.payload) {
        Some(Payload::Membership(change)) => {
            let is_owner = people.membership.role(&header.device) == Some(Role::Owner);
            let adds_device = matches!(change, MembershipChange::Device { .. }) && !is_owner;
            let person = people.membership.let_in(&header.device);
            let has_enough =
                || person.is_some_and(|person| people.devices_of(person).count() >= limits::DEVICES);
            (adds_device && has_enough()) || people.says_too_much(&header.device)
        }
        _ => is_over_quota(txn, &header.device, Payload::needs(header.kind).unwrap_or(Role::Editor)),
    }
}

/// Whether what a device may not write is so much that no more of it is carried. `needed`: what it takes to write what is
/// asked about.
pub(super) fn is_over_quota(txn: &Txn<'_>, device: &DeviceId, needed: Role) -> bool {
    let allowed = txn.people.membership.role(device).is_some_and(|role| role.is_at_least(needed));
    let rows = || txn.people.without_effect();
    !allowed
        && (rows().filter(|row| row.tip.device == *device).count() >= limits::QUARANTINED
            || rows().map(|row| row.size).sum::<u64>() >= limits::QUARANTINE_BYTES)
}

/// Whether more of a journal may be left here, so that nothing waits for it.
pub(super) fn is_left(txn: &Txn<'_>, device: &DeviceId, volume: Volume) -> bool {
    txn.people.may_never_come(device, volume)
        || is_over_quota(txn, device, Role::Editor)
        || txn.people.says_too_much(device)
}
