//! The journals in a store: every record by itself and in its chain, what of it counts, and proofs of forks. Judged anew
//! from the records alone, and compared with what the store says.

use std::collections::{BTreeMap, BTreeSet};

use codex_crdt_model::bundle::Place;
use codex_crdt_model::entry::birth::Birth;
use codex_crdt_model::ids::{DeviceId, NotebookId, RecordHash, Volume};
use codex_crdt_model::journal::record::Header;
use codex_crdt_model::journal::{Frontier, Item, Payload, Role, Seal, Timestamp, Tip};
use codex_crdt_model::membership::{Knows, Membership, Reach, Statement, Verdict, Why};
use codex_crdt_model::store::{ForkRow, Source, StoreError};
use serde::Serialize;

use super::{Checker, PAGE};
use crate::store::Reader;

/// Journals that were continued twice, and after which position that was known.
type Forked = BTreeMap<(DeviceId, Volume), u64>;

/// The end of a journal of which nothing is known.
const NOTHING: (u64, RecordHash) = (0, RecordHash([0; 32]));

/// A record, by its journal, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Whose journal.
    pub device: String,
    /// Which of that device's; a number of 64 bits, as text.
    pub volume: String,
    /// Number in the journal.
    pub seq: u64,
    /// What is wrong, or why it does not count.
    pub reason: String,
}

/// Two records with one place in one journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fork {
    /// Whose journal.
    pub device: String,
    /// Which of that device's.
    pub volume: String,
    /// The place.
    pub seq: u64,
    /// Hash of the record that is in the journal here.
    pub here: String,
    /// Hash of the other.
    pub other: String,
}

pub(super) fn place(tip: &Tip) -> Place {
    Place { device: tip.device, volume: tip.volume, seq: tip.seq }
}

fn named(tip: &Tip, reason: String) -> Named {
    Named { device: tip.device.to_string(), volume: tip.volume.0.to_string(), seq: tip.seq, reason }
}

/// What was found out by reading every record once.
#[derive(Default)]
struct Chains {
    ends: BTreeMap<(DeviceId, Volume), (u64, RecordHash)>,
    knows: BTreeMap<(DeviceId, Volume), Knows>,
    statements: Vec<Statement>,
    seals: Vec<(u64, Tip, Seal)>,
    timestamps: Vec<(u64, Tip, Timestamp)>,
}

impl Chains {
    fn see(&mut self, tip: &Tip, header: &Header) -> &Knows {
        let knows = self.knows.entry((tip.device, tip.volume)).or_default();
        header.seen.iter().for_each(|seen| knows.see(seen.device, seen.volume, seen.seq));
        knows
    }
}

impl Checker<'_> {
    /// Every record, and which of them count.
    pub(super) fn journals(&mut self, reader: &Reader, notebook: &NotebookId) -> Result<(), StoreError> {
        let forked = self.forks(reader, notebook)?;
        let chains = self.records(reader, notebook, &forked)?;
        let membership = self.judge(reader, notebook, chains.statements)?;
        self.seals(reader, &chains.seals, &membership)?;
        self.timestamps(reader, notebook, chains.timestamps)
    }

    pub(super) fn bad(&mut self, tip: &Tip, reason: impl Into<String>) {
        let reason = reason.into();
        self.fault(format!("{}: {reason}", place(tip)));
        self.report.bad_records.push(named(tip, reason));
    }

    fn records(
        &mut self,
        reader: &Reader,
        notebook: &NotebookId,
        forked: &Forked,
    ) -> Result<Chains, StoreError> {
        let mut chains = Chains::default();
        let goal = Frontier::from_tips(reader.tips()?);
        // Of a forked journal one branch is here, and others may have seen the other.
        let to_see = goal.without(|device, volume| forked.contains_key(&(*device, volume)));
        let mut after = 0;
        loop {
            let page = reader.headers(after, PAGE)?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            for (position, tip, _) in page {
                self.report.records += 1;
                self.record(reader, notebook, &mut chains, &to_see, position, &tip);
            }
            self.progress("records", self.report.records);
        }
        for tip in goal.tips() {
            let (seq, hash) = chains.ends.get(&(tip.device, tip.volume)).copied().unwrap_or(NOTHING);
            if (seq, hash) != (tip.seq, tip.hash) {
                let reason = format!("the store says that the journal ends with it, and it ends with {seq}");
                self.bad(
                    &tip,
                    if seq == tip.seq { "it is not the one that the store names".into() } else { reason },
                );
            }
        }
        Ok(chains)
    }

    /// `tip` is what the store's index says of the record: it names also what cannot be read.
    fn record(
        &mut self,
        reader: &Reader,
        notebook: &NotebookId,
        chains: &mut Chains,
        to_see: &Frontier,
        position: u64,
        tip: &Tip,
    ) {
        let journal = (tip.device, tip.volume);
        let end = chains.ends.insert(journal, (tip.seq, tip.hash)).unwrap_or(NOTHING);
        let record = match reader.record(position) {
            Ok(Some(record)) => record,
            Ok(None) => return self.bad(tip, "it is in the index and not in the store"),
            Err(error) => return self.bad(tip, error.to_string()),
        };
        let header = match record.verify(notebook) {
            Ok(header) => header,
            Err(error) => {
                return self.bad(tip, error.to_string());
            }
        };
        if Place::of(&header) != place(tip) || record.hash() != tip.hash {
            return self.bad(tip, format!("the index names it so, and it is {}", Place::of(&header)));
        }
        if header.seq != end.0 + 1 {
            self.bad(tip, format!("it does not follow: the record before it in this journal is {}", end.0));
        } else if header.previous != end.1 {
            self.bad(tip, format!("it does not follow: it names another record {} before it", end.0));
        }
        for seen in &header.seen {
            let known = chains.ends.get(&(seen.device, seen.volume)).map_or(0, |end| end.0);
            if known < seen.seq && to_see.seq(seen.device, seen.volume) >= seen.seq {
                self.bad(tip, format!("it had seen {}, which comes after it", place(seen)));
            }
        }
        let knows = chains.see(tip, &header).clone();
        match Payload::decode(header.kind, &record.payload) {
            // Whoever signed it may have meant to: it has no effect, here and elsewhere.
            None if [Payload::SEAL, Payload::TIMESTAMP, Payload::COMMENT].contains(&header.kind) => {
                self.note(format!("{}: it contradicts itself, and has no effect", place(tip)));
            }
            None => self.bad(tip, "its payload cannot be read"),
            Some(Payload::Edit(items)) => {
                let is_bad =
                    |item: &Item| matches!(item, Item::Birth(bytes) if Birth::decode(bytes).is_none());
                if items.iter().any(is_bad) {
                    self.bad(tip, "a birth in it cannot be read");
                }
            }
            Some(Payload::Membership(change)) => {
                chains.statements.push(Statement { tip: *tip, knows, change });
            }
            Some(Payload::Seal(seal)) => chains.seals.push((position, *tip, seal.without_text())),
            Some(Payload::Timestamp(stamp)) => chains.timestamps.push((position, *tip, stamp)),
            Some(Payload::Comment(_) | Payload::Unknown(..)) => {}
        }
    }

    /// Which records do not count, and whether the store says the same.
    fn judge(
        &mut self,
        reader: &Reader,
        notebook: &NotebookId,
        statements: Vec<Statement>,
    ) -> Result<Membership, StoreError> {
        let membership = Membership::of(notebook, statements);
        let mut places: BTreeMap<RecordHash, Place> = BTreeMap::new();
        let mut dropped = Vec::new();
        for (statement, verdict) in membership.statements() {
            places.insert(statement.tip.hash, place(&statement.tip));
            if let Verdict::Dropped(why) = verdict {
                dropped.push((statement.tip, why));
            }
        }
        if !membership.statements().any(|(_, verdict)| verdict == Verdict::Counts) {
            self.note("nothing says yet who belongs: no founding record is here");
        }
        let stored: BTreeSet<Tip> = reader.statements()?.into_iter().map(|statement| statement.tip).collect();
        let found: BTreeSet<Tip> = membership.statements().map(|(statement, _)| statement.tip).collect();
        for tip in found.symmetric_difference(&stored).filter(|_| !stored.is_empty()) {
            self.bad(tip, "the store's list of membership records differs from its records here");
        }
        self.members(reader, &membership)?;
        let mut reach = Reach::default();
        each_header(reader, |_, tip, _, knows| {
            // Whether it is more does not matter: all are asked before anything is judged.
            let _ = membership.witness(tip, knows, &mut reach);
        })?;
        let quarantined = reader.quarantined()?;
        let mut differ = Vec::new();
        each_header(reader, |position, tip, kind, knows| {
            let Some(needed) = Payload::needs(kind) else { return };
            let verdict = membership.allows(tip, knows, needed, &reach);
            if verdict.is_err() != quarantined.contains_key(&position) {
                differ.push(*tip);
            }
            dropped.extend(verdict.err().map(|why| (*tip, why)));
        })?;
        for tip in differ {
            self.bad(&tip, "whether it counts is another matter by the records than by the store");
        }
        for (tip, why) in dropped {
            let reason = in_words(why, &places);
            self.note(format!("{} does not count: {reason}", place(&tip)));
            self.report.without_effect.push(named(&tip, reason));
        }
        Ok(membership)
    }

    /// Whether the store's list of members, which all else goes by, is what the records come to.
    fn members(&mut self, reader: &Reader, membership: &Membership) -> Result<(), StoreError> {
        let stored = reader.members()?.into_iter().map(|(device, row)| (device, row.role));
        let stored: BTreeMap<DeviceId, Role> = stored.collect();
        let found: BTreeMap<DeviceId, Role> = membership.devices().collect();
        let is_founded = membership.statements().any(|(_, verdict)| verdict == Verdict::Counts);
        for device in stored.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
            let (here, there) = (stored.get(device), found.get(device));
            if here != there && is_founded {
                let name = |role: Option<&Role>| role.map_or("no member".to_owned(), ToString::to_string);
                self.fault(format!(
                    "device {device} is {} by the records, and {} in the store's list of members",
                    name(there),
                    name(here)
                ));
            }
        }
        Ok(())
    }

    fn forks(&mut self, reader: &Reader, notebook: &NotebookId) -> Result<Forked, StoreError> {
        let mut forked = Forked::new();
        for ForkRow { fork, after } in reader.forks()? {
            let at = match fork.verify(notebook) {
                Ok(at) => at,
                Err(refused) => {
                    let place = fork.at().map_or_else(String::new, |at| format!("{}: ", at.place()));
                    self.fault(format!("{place}what the store keeps as proof of a fork is none: {refused}"));
                    continue;
                }
            };
            self.note(format!(
                "{}: two records claim this place in the journal: a clone, or a lie",
                at.place()
            ));
            forked.insert((at.device, at.volume), after);
            self.report.forks.push(Fork {
                device: at.device.to_string(),
                volume: at.volume.0.to_string(),
                seq: at.seq,
                here: at.one.to_string(),
                other: at.other.to_string(),
            });
        }
        Ok(forked)
    }
}

/// Every record's header in the order of positions, and what its author knew then.
fn each_header(reader: &Reader, mut work: impl FnMut(u64, &Tip, u16, &Knows)) -> Result<(), StoreError> {
    let mut chains = Chains::default();
    let mut after = 0;
    loop {
        let page = reader.headers(after, PAGE)?;
        let Some((last, ..)) = page.last() else { return Ok(()) };
        after = *last;
        for (position, tip, bytes) in page {
            let Some(header) = Header::decode(&bytes) else { continue };
            work(position, &tip, header.kind, chains.see(&tip, &header));
        }
    }
}

fn in_words(why: Why, places: &BTreeMap<RecordHash, Place>) -> String {
    match why {
        Why::OtherFounding => "it founds another notebook, or this one again".into(),
        Why::NotAllowed => "by all that its author knew, its author might not do this".into(),
        Why::NoProof => "the device or the recovery key that it names did not sign".into(),
        Why::Ended(by) => {
            let by = places.get(&by).map_or_else(|| by.to_string(), ToString::to_string);
            format!("its author's right had ended, unknown to its author, by {by}")
        }
    }
}
