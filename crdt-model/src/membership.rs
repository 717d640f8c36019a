//! Who belongs, and which records count: a pure function of the notebook's membership records. Every device that has the
//! same records gives the same answer, in whatever order they came.
//!
//! [`judge`] decides which statements count; this module answers questions about people, devices, and other
//! records from those. The rules are written down in `docs/membership.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, NotebookId, PersonId, RecordHash, Volume};
use crate::journal::{MembershipChange, Role, Tip};

mod judge;
mod let_in;

/// What the author of a record had seen of some journals: the last sequence number of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knows(BTreeMap<(DeviceId, Volume), u64>);

impl Knows {
    /// Takes in what a record says to have seen.
    pub fn see(&mut self, device: DeviceId, volume: Volume, seq: u64) {
        let known = self.0.entry((device, volume)).or_default();
        *known = seq.max(*known);
    }

    /// How much of a journal is known.
    pub fn seq(&self, device: DeviceId, volume: Volume) -> u64 {
        self.0.get(&(device, volume)).copied().unwrap_or(0)
    }

    /// Journals and how much of each is known.
    pub fn journals(&self) -> impl Iterator<Item = (DeviceId, Volume, u64)> + '_ {
        self.0.iter().map(|(&(device, volume), &seq)| (device, volume, seq))
    }

    fn has(&self, tip: &Tip) -> bool {
        self.seq(tip.device, tip.volume) >= tip.seq
    }
}

/// A membership record: its place, what its author had seen, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its place in its journal, and its hash.
    pub tip: Tip,
    /// What its author had seen of journals with membership records.
    pub knows: Knows,
    /// What it says.
    pub change: MembershipChange,
}

/// Why a statement has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// Another founder, or another founding of the same.
    OtherFounding,
    /// By all that its author knew, its author might not say so.
    NotAllowed,
    /// A device did not agree, or a recovery key did not.
    NoProof,
    /// Its author's right had ended, unknown to the author; by this statement.
    Ended(RecordHash),
}

/// Whether a statement counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Counts,
    /// It does not.
    Dropped(Why),
}

/// A person as all counting statements together make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// What it calls itself.
    pub name: String,
    /// What it is shown in, if it said so.
    pub colour: Option<[u8; 3]>,
    /// What it may do; `None` for whoever left or was removed.
    pub role: Option<Role>,
    /// Its devices, also lost ones.
    pub devices: Vec<PersonDevice>,
}

/// One device of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonDevice {
    /// Which.
    pub id: DeviceId,
    /// What it calls itself.
    pub name: String,
    /// It was revoked.
    pub is_revoked: bool,
}

/// The end of a right: what its subject writes without knowing of it counts only up to a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The statement that ends it.
    pub by: Tip,
    /// The devices concerned.
    pub devices: BTreeSet<DeviceId>,
    /// What they may do from then on.
    pub role: Option<Role>,
    /// What is accepted of each journal all the same.
    pub accepted: BTreeMap<(DeviceId, Volume), u64>,
}

/// How many persons a seal takes, its author included, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealRule {
    /// So many.
    pub needed: u32,
    /// Of these; empty for anybody who may seal.
    pub of: BTreeSet<PersonId>,
}

impl Default for SealRule {
    fn default() -> Self {
        Self { needed: 1, of: BTreeSet::new() }
    }
}

/// How far others had seen a journal when they did not know yet that its author's right had ended: what honest work
/// stands on counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach(BTreeMap<(RecordHash, DeviceId, Volume), u64>);

/// Everything that the membership records of a notebook come to.
#[derive(Debug, Clone, Default)]
pub struct Membership {
    statements: Vec<Statement>,
    verdicts: Vec<Verdict>,
    /// Whose role or device each statement is about, as far as its author knew.
    persons: Vec<Option<PersonId>>,
    /// Statements that name a device, or come from a founder's.
    by_device: BTreeMap<DeviceId, Vec<usize>>,
    /// Statements that give or take a person's role, or say something else of a person.
    by_person: BTreeMap<PersonId, Vec<usize>>,
    cuts: Vec<Cut>,
    released: BTreeMap<(DeviceId, Volume), u64>,
    /// Devices of which records are taken in, and whose they are.
    let_in: BTreeMap<DeviceId, PersonId>,
}

/// What is looked at: everything, or only what an author had seen.
#[derive(Clone, Copy)]
enum Seen<'a> {
    All,
    By(&'a Knows, Tip),
}

impl Membership {
    /// Judges these statements, given in any order.
    pub fn of(notebook: &NotebookId, statements: Vec<Statement>) -> Self {
        judge::judge(notebook, statements)
    }

    /// Takes in one more statement that came after all others, if it ends nobody's right and names no device: what counted before
    /// counts after it. `false` if all must be judged again.
    pub fn add(&mut self, notebook: &NotebookId, statement: &Statement) -> bool {
        judge::add(self, notebook, statement)
    }

    /// All statements and whether they count.
    pub fn statements(&self) -> impl Iterator<Item = (&Statement, Verdict)> {
        self.statements.iter().zip(self.verdicts.iter().copied())
    }

    /// What a device may do, all considered.
    pub fn role(&self, device: &DeviceId) -> Option<Role> {
        self.role_seen(device, Seen::All)
    }

    /// What the author of a record might do, by what it had seen.
    pub fn role_at(&self, tip: &Tip, knows: &Knows) -> Option<Role> {
        self.role_seen(&tip.device, Seen::By(knows, *tip))
    }

    /// Whose a device is, all considered.
    pub fn person_of(&self, device: &DeviceId) -> Option<PersonId> {
        self.person_seen(device, Seen::All)
    }

    /// Whether any statement ever named a device, counting or not.
    pub fn has_heard_of(&self, device: &DeviceId) -> bool {
        self.by_device.contains_key(device)
    }

    /// Whether the notebook's founding is known, and counts.
    pub fn is_founded(&self) -> bool {
        !self.let_in.is_empty()
    }

    /// Whose a device is of which records are taken in, whether they count or not: somebody let it in who was an owner by any
    /// statement, or it is another device of such a one.
    pub fn let_in(&self, device: &DeviceId) -> Option<PersonId> {
        self.let_in.get(device).copied()
    }

    /// All devices of which records are taken in, with whose they are.
    pub fn all_let_in(&self) -> impl Iterator<Item = (&DeviceId, &PersonId)> {
        self.let_in.iter()
    }

    /// Every device that has a role.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, Role)> + '_ {
        self.by_device.keys().filter_map(|device| Some((*device, self.role(device)?)))
    }

    /// Every person that ever belonged.
    pub fn people(&self) -> Vec<Person> {
        let mut people: BTreeMap<PersonId, Vec<PersonDevice>> = BTreeMap::new();
        for device in self.by_device.keys() {
            let Some(person) = self.person_of(device) else { continue };
            people.entry(person).or_default().push(PersonDevice {
                id: *device,
                name: self.name_of(device),
                is_revoked: self.is_revoked(device, Seen::All),
            });
        }
        let person = |(id, devices): (PersonId, Vec<PersonDevice>)| {
            let profile = self.last(
                self.said_of(&id, Seen::All, |change| matches!(change, MembershipChange::Profile { .. })),
            );
            let (name, colour) = match profile.map(|n| &self.statements[n].change) {
                Some(MembershipChange::Profile { name, colour }) => (name.clone(), Some(*colour)),
                _ => (devices.first().map(|device| device.name.clone()).unwrap_or_default(), None),
            };
            Person { id, name, colour, role: self.role_of_person(&id, Seen::All), devices }
        };
        people.into_iter().map(person).collect()
    }

    /// What a device calls itself.
    pub fn name_of(&self, device: &DeviceId) -> String {
        match self.last(self.belonging(device, Seen::All)).map(|n| &self.statements[n].change) {
            Some(
                MembershipChange::Admit { name, .. }
                | MembershipChange::Device { name, .. }
                | MembershipChange::Recover { name, .. }
                | MembershipChange::Found { device_name: name, .. },
            ) => name.clone(),
            _ => String::new(),
        }
    }

    /// The key that can certify a device of a person.
    pub fn recovery_key(&self, person: &PersonId) -> Option<[u8; 32]> {
        self.recovery_seen(person, Seen::All)
    }

    /// Ends of rights that count.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// How much of each journal owners accepted, whoever wrote it.
    pub fn released(&self) -> &BTreeMap<(DeviceId, Volume), u64> {
        &self.released
    }

    /// How many persons a seal takes. Of what several owners said at once, the most, and of equals what the record with
    /// the smallest hash says.
    pub fn seal_rule(&self) -> SealRule {
        let said = (0..self.statements.len()).filter(|n| {
            self.verdicts[*n] == Verdict::Counts
                && matches!(self.statements[*n].change, MembershipChange::SealRule { .. })
        });
        let rule = |n: &usize| match &self.statements[*n].change {
            MembershipChange::SealRule { needed, of } => (*needed, of),
            _ => unreachable!("only rules were taken"),
        };
        let last = self
            .latest(said.collect())
            .into_iter()
            .max_by_key(|n| (rule(n).0, std::cmp::Reverse(self.statements[*n].tip.hash)));
        last.map_or_else(SealRule::default, |n| {
            let (needed, of) = rule(&n);
            SealRule { needed, of: of.iter().copied().collect() }
        })
    }

    /// Whether a record counts that takes at least this role. `reach` is what [`Membership::witness`] has gathered from
    /// all records.
    pub fn allows(&self, tip: &Tip, knows: &Knows, needed: Role, reach: &Reach) -> Result<(), Why> {
        self.allows_up_to(tip, knows, needed, |cut| {
            reach.0.get(&(cut.by.hash, tip.device, tip.volume)).copied().unwrap_or(0)
        })
    }

    fn allows_up_to(
        &self,
        tip: &Tip,
        knows: &Knows,
        needed: Role,
        reach: impl Fn(&Cut) -> u64,
    ) -> Result<(), Why> {
        if self.released.get(&(tip.device, tip.volume)).is_some_and(|seq| tip.seq <= *seq) {
            return Ok(());
        }
        if !self.role_at(tip, knows).is_some_and(|role| role.is_at_least(needed)) {
            return Err(Why::NotAllowed);
        }
        for cut in self.cuts_unknown_to(tip, knows) {
            let is_enough = cut.role.is_some_and(|role| role.is_at_least(needed));
            if is_enough || !cut.devices.contains(&tip.device) {
                continue;
            }
            let accepted = cut.accepted.get(&(tip.device, tip.volume)).copied().unwrap_or(0);
            let limit = accepted.max(reach(cut));
            if tip.seq > limit {
                return Err(Why::Ended(cut.by.hash));
            }
        }
        Ok(())
    }

    /// Takes in what the author of a record had seen of those whose right had ended, unknown to it. Says whether that
    /// makes more of their records count. A witness whose own right had ended is none.
    pub fn witness(&self, tip: &Tip, knows: &Knows, reach: &mut Reach) -> bool {
        let mut is_more = false;
        if self.cuts.is_empty() || self.allows_up_to(tip, knows, Role::Commenter, |_| 0).is_err() {
            return is_more;
        }
        for cut in self.cuts_unknown_to(tip, knows).filter(|cut| !cut.devices.contains(&tip.device)) {
            for (device, volume, seq) in knows.journals().filter(|(device, ..)| cut.devices.contains(device))
            {
                let reached = reach.0.entry((cut.by.hash, device, volume)).or_default();
                is_more |= seq > *reached;
                *reached = seq.max(*reached);
            }
        }
        is_more
    }

    fn cuts_unknown_to<'a>(&'a self, tip: &'a Tip, knows: &'a Knows) -> impl Iterator<Item = &'a Cut> {
        self.cuts.iter().filter(|cut| !precedes(&cut.by, tip, knows))
    }

    /// What a statement ends, if it counts.
    fn cut(&self, n: usize) -> Option<Cut> {
        if self.verdicts[n] != Verdict::Counts {
            return None;
        }
        let statement = &self.statements[n];
        let (devices, role, accepted) = match &statement.change {
            MembershipChange::Revoke { device, accepted } => (BTreeSet::from([*device]), None, accepted),
            MembershipChange::Role { person, role, accepted }
                if *role != Some(Role::Owner) && !self.says_nothing_new(statement, person, *role) =>
            {
                let of_person = |device: &&DeviceId| self.person_of(device) == Some(*person);
                (self.by_device.keys().filter(of_person).copied().collect(), *role, accepted)
            }
            _ => return None,
        };
        let mut accepted: BTreeMap<(DeviceId, Volume), u64> =
            accepted.iter().map(|tip| ((tip.device, tip.volume), tip.seq)).collect();
        // Nobody takes back what one signed oneself.
        let own = statement.tip;
        if devices.contains(&own.device) {
            let known = statement.knows.journals().filter(|(device, ..)| devices.contains(device));
            for (device, volume, seq) in known.chain([(own.device, own.volume, own.seq)]) {
                let accepted = accepted.entry((device, volume)).or_default();
                *accepted = seq.max(*accepted);
            }
        }
        Some(Cut { by: statement.tip, devices, role, accepted })
    }

    /// Whether somebody says of itself what was so before: that ends nothing.
    fn says_nothing_new(&self, statement: &Statement, person: &PersonId, role: Option<Role>) -> bool {
        let seen = Seen::By(&statement.knows, statement.tip);
        self.person_seen(&statement.tip.device, seen) == Some(*person)
            && self.role_of_person(person, seen) == role
    }

    /// What counting statements accept of each journal.
    fn accepted(&self) -> BTreeMap<(DeviceId, Volume), u64> {
        let mut accepted_of = BTreeMap::new();
        for (statement, verdict) in self.statements() {
            let MembershipChange::Release { accepted } = &statement.change else { continue };
            for tip in accepted.iter().filter(|_| verdict == Verdict::Counts) {
                let seq: &mut u64 = accepted_of.entry((tip.device, tip.volume)).or_default();
                *seq = tip.seq.max(*seq);
            }
        }
        accepted_of
    }

    // ---- what counts, seen from somewhere

    fn is_seen(&self, n: usize, seen: Seen<'_>) -> bool {
        self.verdicts[n] == Verdict::Counts
            && match seen {
                Seen::All => true,
                Seen::By(knows, tip) => precedes(&self.statements[n].tip, &tip, knows),
            }
    }

    fn is_known_to(&self, n: usize, later: usize) -> bool {
        let later = &self.statements[later];
        precedes(&self.statements[n].tip, &later.tip, &later.knows)
    }

    /// Those that no other of them knows.
    fn latest(&self, of: Vec<usize>) -> Vec<usize> {
        // The last one of each journal knows those before it, and all that they knew.
        let mut last_of = BTreeMap::new();
        for n in of {
            let tip = &self.statements[n].tip;
            let last = last_of.entry((tip.device, tip.volume)).or_insert(n);
            if self.statements[*last].tip.seq < tip.seq {
                *last = n;
            }
        }
        let of: Vec<usize> = last_of.into_values().collect();
        let is_last = |n: &usize| !of.iter().any(|other| other != n && self.is_known_to(*n, *other));
        of.iter().copied().filter(is_last).collect()
    }

    /// One of the latest: of several, the one with the smallest hash.
    fn last(&self, of: Vec<usize>) -> Option<usize> {
        self.latest(of).into_iter().min_by_key(|n| self.statements[*n].tip.hash)
    }

    fn belonging(&self, device: &DeviceId, seen: Seen<'_>) -> Vec<usize> {
        let belongs = |n: &usize| !matches!(self.statements[*n].change, MembershipChange::Revoke { .. });
        let named = self.by_device.get(device).into_iter().flatten().copied();
        named.filter(belongs).filter(|n| self.is_seen(*n, seen)).collect()
    }

    fn person_seen(&self, device: &DeviceId, seen: Seen<'_>) -> Option<PersonId> {
        self.persons[self.last(self.belonging(device, seen))?]
    }

    fn is_revoked(&self, device: &DeviceId, seen: Seen<'_>) -> bool {
        let named = self.by_device.get(device).into_iter().flatten().copied();
        let latest = self.latest(named.filter(|n| self.is_seen(*n, seen)).collect());
        latest.into_iter().any(|n| matches!(self.statements[n].change, MembershipChange::Revoke { .. }))
    }

    fn said_of(
        &self,
        person: &PersonId,
        seen: Seen<'_>,
        what: impl Fn(&MembershipChange) -> bool,
    ) -> Vec<usize> {
        let said = self.by_person.get(person).into_iter().flatten().copied();
        said.filter(|n| what(&self.statements[*n].change) && self.is_seen(*n, seen)).collect()
    }

    /// The least of what was said last: what several owners say at once about one person is decided for safety.
    fn role_of_person(&self, person: &PersonId, seen: Seen<'_>) -> Option<Role> {
        let said = self.said_of(person, seen, |change| role_given(change).is_some());
        let given = self.latest(said).into_iter().filter_map(|n| role_given(&self.statements[n].change));
        given.reduce(lesser).flatten()
    }

    fn role_seen(&self, device: &DeviceId, seen: Seen<'_>) -> Option<Role> {
        let person = self.person_seen(device, seen)?;
        if self.is_revoked(device, seen) { None } else { self.role_of_person(&person, seen) }
    }

    fn recovery_seen(&self, person: &PersonId, seen: Seen<'_>) -> Option<[u8; 32]> {
        let said = self.said_of(person, seen, |change| matches!(change, MembershipChange::Recovery { .. }));
        match &self.statements[self.last(said)?].change {
            MembershipChange::Recovery { key } => Some(*key),
            _ => None,
        }
    }
}

/// Whether the author of the record at `later` had seen the record at `earlier`.
fn precedes(earlier: &Tip, later: &Tip, knows: &Knows) -> bool {
    let same_journal = (earlier.device, earlier.volume) == (later.device, later.volume);
    if same_journal { earlier.seq < later.seq } else { knows.has(earlier) }
}

/// What a statement says of a role: `Some(None)` takes it.
fn role_given(change: &MembershipChange) -> Option<Option<Role>> {
    match change {
        MembershipChange::Found { .. } => Some(Some(Role::Owner)),
        MembershipChange::Admit { role, .. } => Some(Some(*role)),
        MembershipChange::Role { role, .. } => Some(*role),
        _ => None,
    }
}

fn lesser(a: Option<Role>, b: Option<Role>) -> Option<Role> {
    Some(a?.max(b?))
}

#[cfg(test)]
mod tests;
