//! Which statements count.
//!
//! A statement counts if its author might make it by all counting statements that the author had seen, and if no counting
//! statement that the author had not seen ends that right. Where two statements would end each other's author's
//! right, the one with the smaller hash counts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Membership, Seen, Statement, Verdict, Why, lesser, let_in, precedes};
use crate::ids::{DeviceId, NotebookId, PersonId, Volume};
use crate::journal::membership::{is_consent, is_recovered, is_recovery};
use crate::journal::record::notebook_id;
use crate::journal::{MembershipChange, Role};

/// What it takes to make a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// To be an owner.
    Owner,
    /// To belong: it is about the author's own person.
    Member,
    /// Nothing: it proves itself.
    Nothing,
}

/// What is decided and what waits.
struct Judging {
    judged: Membership,
    /// Ends of rights, whoever made them.
    enders: Vec<usize>,
    /// What it knows that is not decided yet, counted by journal.
    waits_for: Vec<usize>,
    /// Who waits for it.
    followers: Vec<Vec<usize>>,
    /// All that they know is decided.
    ready: BTreeSet<usize>,
    decided: Vec<bool>,
}

pub(super) fn judge(notebook: &NotebookId, statements: Vec<Statement>) -> Membership {
    let mut judging = Judging::new(statements);
    while !judging.ready.is_empty() {
        let mut open = Vec::new();
        let mut is_stuck = true;
        for n in judging.ready.clone() {
            match judging.look_at(notebook, n) {
                Ok(statement) => open.push(statement),
                Err(verdict) => {
                    judging.decide(n, verdict);
                    is_stuck = false;
                }
            }
        }
        // Each waits for another: they would end one another's right.
        if is_stuck && let Some(n) = open.into_iter().min_by_key(|n| judging.judged.statements[*n].tip.hash) {
            judging.decide(n, Verdict::Counts);
        }
    }
    // What claims to know something that claims to know it is not decided, and so does not count.
    let mut judged = judging.judged;
    judged.cuts = (0..judged.statements.len()).filter_map(|n| judged.cut(n)).collect();
    judged.released = judged.accepted();
    judged.let_in = let_in::let_in(notebook, &judged.statements, &judged.verdicts);
    judged
}

pub(super) fn add(judged: &mut Membership, notebook: &NotebookId, statement: &Statement) -> bool {
    let is_simple = matches!(
        statement.change,
        MembershipChange::Profile { .. }
            | MembershipChange::Recovery { .. }
            | MembershipChange::SealRule { .. }
    );
    // One that claims to know it, or stands behind it, was judged without it.
    let tip = statement.tip;
    let stands_on_it = |other: &Statement| {
        let same_journal = (other.tip.device, other.tip.volume) == (tip.device, tip.volume);
        if same_journal { other.tip.seq >= tip.seq } else { other.knows.has(&tip) }
    };
    if !is_simple || judged.statements.iter().any(stands_on_it) {
        return false;
    }
    let n = judged.statements.len();
    judged.statements.push(statement.clone());
    judged.verdicts.push(Verdict::Dropped(Why::NotAllowed));
    judged.persons.push(None);
    let enders: Vec<usize> = (0..n).filter(|n| is_ender(&judged.statements[*n])).collect();
    let verdict = match judge_by_what_it_knew(judged, notebook, n, &enders) {
        Err(why) => Verdict::Dropped(why),
        Ok(enders) => match enders.iter().find(|ender| judged.verdicts[**ender] == Verdict::Counts) {
            Some(ender) => Verdict::Dropped(Why::Ended(judged.statements[*ender].tip.hash)),
            None => Verdict::Counts,
        },
    };
    judged.verdicts[n] = verdict;
    if let Some(person) = judged.persons[n].filter(|_| verdict == Verdict::Counts) {
        judged.by_person.entry(person).or_default().push(n);
    }
    true
}

/// Whether it can end a right.
fn is_ender(statement: &Statement) -> bool {
    matches!(statement.change, MembershipChange::Revoke { .. } | MembershipChange::Role { .. })
}

impl Judging {
    fn new(mut statements: Vec<Statement>) -> Self {
        let place = |statement: &Statement| (statement.tip.device, statement.tip.volume, statement.tip.seq);
        statements.sort_by_key(|statement| (place(statement), statement.tip.hash));
        statements.dedup_by_key(|statement| place(statement));
        let count = statements.len();
        let mut journals: BTreeMap<(DeviceId, Volume), Vec<usize>> = BTreeMap::new();
        for (n, statement) in statements.iter().enumerate() {
            journals.entry((statement.tip.device, statement.tip.volume)).or_default().push(n);
        }
        let mut waits_for = vec![0; count];
        let mut followers = vec![Vec::new(); count];
        for (n, statement) in statements.iter().enumerate() {
            let own = (statement.tip.device, statement.tip.volume, statement.tip.seq.saturating_sub(1));
            let others =
                statement.knows.journals().filter(|(device, volume, _)| (*device, *volume) != (own.0, own.1));
            for (device, volume, seq) in others.chain([own]) {
                let Some(journal) = journals.get(&(device, volume)) else { continue };
                // The last one that is known of each journal stands for those before it.
                let known = journal.partition_point(|other| statements[*other].tip.seq <= seq);
                if known > 0 {
                    waits_for[n] += 1;
                    followers[journal[known - 1]].push(n);
                }
            }
        }
        let mut by_device: BTreeMap<DeviceId, Vec<usize>> = BTreeMap::new();
        for (n, statement) in statements.iter().enumerate() {
            if let Some(device) = named_device(statement) {
                by_device.entry(device).or_default().push(n);
            }
        }
        Self {
            enders: (0..count).filter(|n| is_ender(&statements[*n])).collect(),
            ready: (0..count).filter(|n| waits_for[*n] == 0).collect(),
            waits_for,
            followers,
            decided: vec![false; count],
            judged: Membership {
                statements,
                verdicts: vec![Verdict::Dropped(Why::NotAllowed); count],
                persons: vec![None; count],
                by_device,
                ..Membership::default()
            },
        }
    }

    /// The verdict, if there can be one yet; else it waits.
    fn look_at(&mut self, notebook: &NotebookId, n: usize) -> Result<usize, Verdict> {
        let enders =
            judge_by_what_it_knew(&mut self.judged, notebook, n, &self.enders).map_err(Verdict::Dropped)?;
        if let Some(ender) = enders.iter().find(|ender| self.judged.verdicts[**ender] == Verdict::Counts) {
            return Err(Verdict::Dropped(Why::Ended(self.judged.statements[*ender].tip.hash)));
        }
        if enders.iter().any(|ender| !self.decided[*ender]) { Ok(n) } else { Err(Verdict::Counts) }
    }

    fn decide(&mut self, n: usize, verdict: Verdict) {
        self.decided[n] = true;
        self.ready.remove(&n);
        self.judged.verdicts[n] = verdict;
        if let Some(person) = self.judged.persons[n].filter(|_| verdict == Verdict::Counts) {
            self.judged.by_person.entry(person).or_default().push(n);
        }
        for follower in std::mem::take(&mut self.followers[n]) {
            self.waits_for[follower] -= 1;
            if self.waits_for[follower] == 0 {
                self.ready.insert(follower);
            }
        }
    }
}

/// What would end its author's right to make a statement, unknown to it; or why the author had no right by all it knew.
fn judge_by_what_it_knew(
    judged: &mut Membership,
    notebook: &NotebookId,
    n: usize,
    enders: &[usize],
) -> Result<Vec<usize>, Why> {
    let statement = judged.statements[n].clone();
    let seen = Seen::By(&statement.knows, statement.tip);
    let author = judged.person_seen(&statement.tip.device, seen);
    let role = judged.role_seen(&statement.tip.device, seen);
    let needs = needs(judged, notebook, &statement, author)?;
    let may = match needs {
        Needs::Owner => role == Some(Role::Owner),
        Needs::Member => role.is_some(),
        Needs::Nothing => true,
    };
    if !may {
        return Err(Why::NotAllowed);
    }
    judged.persons[n] = about(judged, &statement, author, seen);
    let ends = |ender: &&usize| {
        let other = &judged.statements[**ender];
        let is_concurrent = !precedes(&other.tip, &statement.tip, &statement.knows)
            && !precedes(&statement.tip, &other.tip, &other.knows);
        is_concurrent && needs != Needs::Nothing && ends(&other.change, &statement.tip.device, author, needs)
    };
    Ok(enders.iter().filter(|ender| **ender != n).filter(ends).copied().collect())
}

fn needs(
    judged: &Membership,
    notebook: &NotebookId,
    statement: &Statement,
    author: Option<PersonId>,
) -> Result<Needs, Why> {
    let seen = Seen::By(&statement.knows, statement.tip);
    Ok(match &statement.change {
        MembershipChange::Found { nonce, .. } => {
            if notebook_id(&statement.tip.device, nonce) != *notebook {
                return Err(Why::OtherFounding);
            }
            Needs::Nothing
        }
        MembershipChange::Admit { .. }
        | MembershipChange::Release { .. }
        | MembershipChange::SealRule { .. } => Needs::Owner,
        MembershipChange::Device { device, consent, .. } => {
            let person = author.ok_or(Why::NotAllowed)?;
            if !is_consent(device, notebook, &person, consent) {
                return Err(Why::NoProof);
            }
            let whose = judged.person_seen(device, seen);
            if whose.is_some_and(|whose| whose != person) {
                return Err(Why::NotAllowed);
            }
            Needs::Member
        }
        MembershipChange::Role { person, role, .. } => {
            let now = judged.role_of_person(person, seen);
            // Whoever wants to may do less, or leave.
            let is_less = lesser(now, *role) == *role;
            if author == Some(*person) && is_less { Needs::Member } else { Needs::Owner }
        }
        MembershipChange::Revoke { device, .. } => {
            let own = author.is_some() && judged.person_seen(device, seen) == author;
            if own { Needs::Member } else { Needs::Owner }
        }
        MembershipChange::Profile { .. } | MembershipChange::Recovery { .. } => Needs::Member,
        MembershipChange::Recover { person, device, proof, consent, .. } => {
            let key = judged.recovery_seen(person, seen).ok_or(Why::NoProof)?;
            if !is_recovery(&key, notebook, device, proof) || !is_recovered(device, notebook, &key, consent) {
                return Err(Why::NoProof);
            }
            Needs::Nothing
        }
    })
}

/// Whether a statement takes from its subject what another one needs.
fn ends(change: &MembershipChange, device: &DeviceId, person: Option<PersonId>, needs: Needs) -> bool {
    match change {
        MembershipChange::Revoke { device: revoked, .. } => revoked == device,
        MembershipChange::Role { person: whose, role, .. } => {
            let is_enough = match needs {
                Needs::Owner => *role == Some(Role::Owner),
                Needs::Member => role.is_some(),
                Needs::Nothing => true,
            };
            Some(*whose) == person && !is_enough
        }
        _ => false,
    }
}

/// The person that a statement is about.
fn about(
    judged: &Membership,
    statement: &Statement,
    author: Option<PersonId>,
    seen: Seen<'_>,
) -> Option<PersonId> {
    match &statement.change {
        MembershipChange::Found { .. } => Some(PersonId::of_first(statement.tip.device)),
        MembershipChange::Admit { device, .. } => {
            Some(judged.person_seen(device, seen).unwrap_or(PersonId::of_first(*device)))
        }
        MembershipChange::Role { person, .. } | MembershipChange::Recover { person, .. } => Some(*person),
        MembershipChange::Device { .. }
        | MembershipChange::Profile { .. }
        | MembershipChange::Recovery { .. } => author,
        MembershipChange::Revoke { .. }
        | MembershipChange::Release { .. }
        | MembershipChange::SealRule { .. } => None,
    }
}

fn named_device(statement: &Statement) -> Option<DeviceId> {
    match &statement.change {
        MembershipChange::Found { .. } => Some(statement.tip.device),
        MembershipChange::Admit { device, .. }
        | MembershipChange::Device { device, .. }
        | MembershipChange::Revoke { device, .. }
        | MembershipChange::Recover { device, .. } => Some(*device),
        MembershipChange::Role { .. }
        | MembershipChange::Profile { .. }
        | MembershipChange::Recovery { .. }
        | MembershipChange::Release { .. }
        | MembershipChange::SealRule { .. } => None,
    }
}
