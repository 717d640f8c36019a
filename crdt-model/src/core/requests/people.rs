//! What somebody here asks to change about who belongs.

use super::Answer;
use crate::core::people;
use crate::core::txn::Txn;
use crate::effect::{Refusal, Reply};
use crate::event::MembershipRequest;
use crate::ids::{DeviceId, PersonId};
use crate::journal::membership::{is_consent, is_recovered, is_recovery};
use crate::journal::{MembershipChange, Role, Tip};
use crate::limits;

/// What takes at least a role, asked for by somebody who has less.
pub(super) fn refused(txn: &Txn<'_>, what: &str, needed: Role) -> Option<Refusal> {
    let role = people::own_role(txn);
    if role.is_some_and(|role| role.is_at_least(needed)) {
        return None;
    }
    let own = role.map_or("you are not a member".to_owned(), |role| format!("you are {role} here"));
    let needed = if needed == Role::Viewer { "a member".to_owned() } else { format!("the role {needed}") };
    Some(Refusal::NotAllowed(format!("to {what} takes {needed}, and {own}; ask an owner")))
}

fn no(reason: impl Into<String>) -> Answer {
    Ok(Err(Refusal::NotAllowed(reason.into())))
}

/// Answers one request about people.
pub(super) fn asked(txn: &mut Txn<'_>, request: MembershipRequest) -> Answer {
    let membership = &txn.people.membership;
    let own = membership.person_of(&txn.meta.device);
    let notebook = txn.meta.notebook;
    let (what, needed, change) = match request {
        MembershipRequest::Admit { device, role, name } => {
            if membership.role(&device) == Some(role) && membership.name_of(&device) == name {
                return Ok(Ok(Reply::Done));
            }
            ("admit somebody", Role::Owner, MembershipChange::Admit { device, role, name })
        }
        MembershipRequest::AddDevice { device, name, consent } => {
            let Some(person) = own else { return no("only a member adds a device of its own") };
            if !is_consent(&device, &notebook, &person, &consent) {
                return no(format!("device {device} did not agree to be yours"));
            }
            if membership.person_of(&device).is_some_and(|other| other != person) {
                return no(format!("device {device} is somebody else's here"));
            }
            ("add a device", Role::Viewer, MembershipChange::Device { device, name, consent })
        }
        MembershipRequest::SetRole { person, role } => {
            let now = person_role(txn, &person);
            if now == role {
                return Ok(Ok(Reply::Done));
            }
            let is_less = role.is_none_or(|role| now.is_some_and(|now| now.is_at_least(role)));
            let needed = if own == Some(person) && is_less { Role::Viewer } else { Role::Owner };
            if let Some(refusal) = refused(txn, "change a role", needed) {
                return Ok(Err(refusal));
            }
            if let Some(reason) = last_owner(txn, &person, role) {
                return no(reason);
            }
            let accepted = tips_of(txn, |device| txn.people.membership.person_of(device) == Some(person));
            ("change a role", needed, MembershipChange::Role { person, role, accepted })
        }
        MembershipRequest::Revoke { device } => {
            let whose = membership.person_of(&device);
            if whose.is_none() {
                return no(format!("device {device} belongs to nobody here"));
            }
            let needed = if whose == own { Role::Viewer } else { Role::Owner };
            if let Some(refusal) = refused(txn, "revoke a device", needed) {
                return Ok(Err(refusal));
            }
            if let Some(reason) = last_owners_device(txn, &device) {
                return no(reason);
            }
            let accepted = tips_of(txn, |other| *other == device);
            ("revoke a device", needed, MembershipChange::Revoke { device, accepted })
        }
        MembershipRequest::SetSealRule { needed, of } => {
            let of: Vec<PersonId> =
                of.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            let known: Vec<PersonId> = membership.people().into_iter().map(|person| person.id).collect();
            if let Some(stranger) = of.iter().find(|person| !known.contains(person)) {
                return no(format!("person {stranger} is nobody here"));
            }
            let most = if of.is_empty() { limits::SEALERS } else { of.len() };
            if needed == 0 || needed as usize > most || of.len() > limits::SEALERS {
                return no(format!("a seal takes at least 1 person and at most {most}, not {needed}"));
            }
            ("say what a seal takes", Role::Owner, MembershipChange::SealRule { needed, of })
        }
        MembershipRequest::SetProfile { name, colour } => {
            let said = membership.people().into_iter().find(|person| own == Some(person.id));
            if said.is_some_and(|said| said.name == name && said.colour == Some(colour)) {
                return Ok(Ok(Reply::Done));
            }
            ("say who you are", Role::Viewer, MembershipChange::Profile { name, colour })
        }
        MembershipRequest::SetRecovery { key } => {
            ("set a recovery phrase", Role::Viewer, MembershipChange::Recovery { key })
        }
        MembershipRequest::Recover { person, device, name, proof, consent } => {
            let key = membership.recovery_key(&person);
            if !key.is_some_and(|key| is_recovery(&key, &notebook, &device, &proof)) {
                return no("the recovery phrase is not this person's");
            }
            if !key.is_some_and(|key| is_recovered(&device, &notebook, &key, &consent)) {
                return no(format!("device {device} did not agree to be recovered"));
            }
            ("recover", Role::Viewer, MembershipChange::Recover { person, device, name, proof, consent })
        }
        MembershipRequest::Release { device } => {
            let accepted = tips_of(txn, |other| *other == device);
            if accepted.is_empty() {
                return no(format!("there is no record of device {device}"));
            }
            ("accept what was held back", Role::Owner, MembershipChange::Release { accepted })
        }
    };
    if let Some(refusal) = refused(txn, what, needed) {
        return Ok(Err(refusal));
    }
    if let Some(reason) = txn.people.would_not_be_heard(&txn.meta.device, &change) {
        return no(format!("cannot {what}: {reason}"));
    }
    people::state(txn, change)?;
    Ok(Ok(Reply::Done))
}

fn person_role(txn: &Txn<'_>, person: &PersonId) -> Option<Role> {
    let people = txn.people.membership.people();
    people.into_iter().find(|one| one.id == *person).and_then(|one| one.role)
}

/// A notebook without an owner could never have one again.
fn last_owner(txn: &Txn<'_>, person: &PersonId, role: Option<Role>) -> Option<String> {
    let people = txn.people.membership.people();
    let is_owner = |one: &crate::membership::Person| one.role == Some(Role::Owner);
    let other = people.iter().any(|one| is_owner(one) && one.id != *person);
    let is_one = people.iter().any(|one| is_owner(one) && one.id == *person);
    (is_one && !other && role != Some(Role::Owner))
        .then(|| "this is the last owner; make somebody else an owner first".to_owned())
}

/// Nor one whose last owner has no device any more.
fn last_owners_device(txn: &Txn<'_>, device: &DeviceId) -> Option<String> {
    let membership = &txn.people.membership;
    let is_owner = |device: &DeviceId| membership.role(device) == Some(Role::Owner);
    let others = membership.devices().filter(|(other, role)| other != device && *role == Role::Owner).count();
    (is_owner(device) && others == 0).then(|| {
        "it is the last device of the last owner; make somebody else an owner, or add another device of yours, first"
            .to_owned()
    })
}

/// Where the journals of some devices stand here.
fn tips_of(txn: &Txn<'_>, which: impl Fn(&DeviceId) -> bool) -> Vec<Tip> {
    txn.frontier.tips().filter(|tip| which(&tip.device)).collect()
}
