//! What persons are called where it matters who they are. Everybody chooses a name freely, so the same one may be that of
//! several: then the fingerprint stands beside it.

use std::collections::{BTreeMap, BTreeSet};

use codex_crdt_model::ids::{DeviceId, PersonId};
use codex_crdt_model::membership::Membership;
use unicode_normalization::UnicodeNormalization as _;

/// A device's key in short groups, for two people to compare.
pub fn fingerprint(device: &DeviceId) -> String {
    let hex = device.to_string();
    [&hex[..4], &hex[4..8], &hex[8..12], &hex[12..16]].join("-")
}

/// The same of a person, who is named by the key of the first device: `codexd members` shows that one too.
pub fn fingerprint_of(person: &PersonId) -> String {
    fingerprint(&DeviceId(person.0))
}

/// Whoever belongs to a notebook or did, and what each is called.
#[derive(Debug, Clone, Default)]
pub struct Names {
    persons: BTreeMap<PersonId, Named>,
    devices: BTreeMap<DeviceId, PersonId>,
}

#[derive(Debug, Clone)]
struct Named {
    name: String,
    is_shared: bool,
}

impl Names {
    /// Of everybody who ever belonged.
    pub fn of(membership: &Membership) -> Self {
        let mut names = Self::default();
        let mut alike: BTreeMap<String, BTreeSet<PersonId>> = BTreeMap::new();
        for person in membership.people() {
            names.devices.extend(person.devices.iter().map(|device| (device.id, person.id)));
            let name = without_tricks(&person.name);
            alike.entry(likeness(&name)).or_default().insert(person.id);
            names.persons.insert(person.id, Named { name, is_shared: false });
        }
        for named in alike.values().filter(|persons| persons.len() > 1).flatten() {
            names.persons.entry(*named).and_modify(|named| named.is_shared = true);
        }
        names
    }

    /// What a person calls itself.
    pub fn name(&self, person: &PersonId) -> Option<&str> {
        self.persons.get(person).map(|named| named.name.as_str())
    }

    /// What a person calls itself, with the fingerprint if somebody else has that name.
    pub fn who(&self, person: &PersonId) -> Option<String> {
        let named = self.persons.get(person)?;
        let whole = || format!("{} ({})", named.name, fingerprint_of(person));
        Some(if named.is_shared { whole() } else { named.name.clone() })
    }

    /// Whose a device is, and what that person is called.
    pub fn who_has(&self, device: &DeviceId) -> Option<String> {
        self.devices.get(device).and_then(|person| self.who(person))
    }

    /// The fingerprint of whoever has a device; of the device, if it is nobody's.
    pub fn fingerprint(&self, device: &DeviceId) -> String {
        self.devices.get(device).map_or_else(|| fingerprint(device), fingerprint_of)
    }
}

/// A name without what would make two lines of one, turn its letters round, or pass for a fingerprint.
fn without_tricks(name: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = name.chars().filter(|letter| !letter.is_control() && !turns(*letter)).collect();
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '-';
    let words = plain.split_inclusive(|letter| !is_part(letter));
    let shown = words.map(|word| {
        let rest = word.trim_start_matches(is_part);
        if is_like_a_fingerprint(word.trim_end_matches(rest)) {
            format!("…{rest}")
        } else {
            word.to_owned()
        }
    });
    shown.collect()
}

fn is_like_a_fingerprint(word: &str) -> bool {
    let mut parts = word.split('-');
    parts.clone().count() == 4
        && parts.all(|part| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The same for names that nobody tells apart at a glance.
fn likeness(name: &str) -> String {
    name.nfkd().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("Ann", "ann "),
            ("Ann Lee", "Ann\u{a0}Lee"),
            ("Ann", "A\u{200b}nn"),
            ("Zoë", "Zoe\u{308}"),
            ("Ann", "\u{ff21}nn"),
        ] {
            assert_eq!(likeness(one), likeness(other), "{one} {other}");
        }
        assert_ne!(likeness("Ann"), likeness("Anna"));
        assert_eq!(without_tricks("Ann\n    sealed by Bob\u{202e}"), "Ann    sealed by Bob");
        assert_eq!(without_tricks("Ann (PI), T-cell lab"), "Ann (PI), T-cell lab");
        let forged = without_tricks("Ann (3fae-2dc2-00aa-91b7)");
        assert_eq!((forged.as_str(), likeness(&forged)), ("Ann (…)", likeness("Ann")));
    }
}
