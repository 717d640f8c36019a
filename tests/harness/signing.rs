//! People sign what they see, and carry bundles to one another; what must hold of it in the end.

use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::event::{Carried, Request, Version};
use codex_crdt_model::ids::{EntryId, Heads, RecordHash};
use codex_crdt_model::journal::Tip;
use codex_crdt_model::seals::{self, Sealed};
use codex_crdt_model::store::Source;

use crate::machine::Machine;
use crate::world::World;

/// Somebody seals an entry, confirms somebody's seal, or lifts a lock.
pub fn sign(world: &mut World, n: usize) {
    let store = &world.machines[n].store;
    let files = store.entries().filter(|(_, row)| row.alive && matches!(row.kind, Kind::Text | Kind::Blob));
    let files: Vec<(EntryId, Heads)> = files.map(|(id, row)| (*id, row.heads.clone())).collect();
    let Some((entry, heads)) = world.rng.pick(&files).cloned() else { return };
    let known: Vec<RecordHash> = world.machines[n]
        .store
        .seals(&entry)
        .unwrap_or_default()
        .into_iter()
        .map(|(_, row)| row.tip.hash)
        .collect();
    let seal = world.rng.pick(&known).copied().filter(|_| world.rng.percent(70));
    let request = match seal {
        Some(seal) if world.rng.percent(80) => Request::Witness { entry, seal, meaning: "seen".into() },
        Some(seal) => Request::Unlock { entry, seal, meaning: "to be amended".into() },
        None => {
            let parts: Vec<EntryId> = files.iter().map(|(id, _)| *id).filter(|id| *id != entry).collect();
            let parts =
                world.rng.pick(&parts).copied().into_iter().filter(|_| world.rng.percent(30)).collect();
            let locks = world.rng.percent(20);
            Request::Seal { entry, version: Version(heads), parts, meaning: "recorded".into(), locks }
        }
    };
    world.ask(n, request);
}

/// All that one machine has, or the first part of it, comes to another in a bundle, whether they can reach each other or not.
pub fn carry(world: &mut World, from: usize) {
    let to = world.rng.below(world.machines.len());
    let store = &world.machines[from].store;
    let Some(meta) = store.meta().ok().flatten() else { return };
    if from == to || world.machines[to].store.meta().ok().flatten().is_none() {
        return;
    }
    let mut part = Carried {
        forks: store.forks().map(|row| row.fork.bare()).collect(),
        records: (1..=meta.position).filter_map(|at| store.record(at).ok().flatten()).collect(),
        receipts: store.receipts().unwrap_or_default(),
        complete: store.tips().unwrap_or_default(),
    };
    if world.rng.percent(40) {
        let kept = world.rng.below(part.records.len() + 1);
        part.records.truncate(kept);
        part.complete.clear();
    }
    world.ask(to, Request::TakeCarried(part));
}

/// What a seal comes to, without where its record lies.
fn outcome(sealed: &Sealed) -> (Tip, Vec<Tip>, [bool; 3], u32) {
    let witnesses = sealed.witnesses.iter().map(|witness| witness.row.tip).collect();
    (sealed.row.tip, witnesses, [sealed.is_true, sealed.complete, sealed.locks], sealed.signed)
}

fn outcomes(machine: &Machine, entry: &EntryId) -> Vec<(Tip, Vec<Tip>, [bool; 3], u32)> {
    let Some(core) = &machine.core else { return Vec::new() };
    let all = seals::of_entry(&machine.store, core.membership(), entry).unwrap_or_default();
    let mut all: Vec<_> = all.iter().map(outcome).collect();
    all.sort();
    all
}

/// Seals come to the same everywhere. In the end everybody may sign again, so what an honest member sealed is true; and
/// nothing that a liar signed counts.
pub fn problems(world: &World, problems: &mut Vec<String>) {
    let Some((first, others)) = world.machines.split_first() else { return };
    for (entry, _) in first.store.entries() {
        let here = outcomes(first, entry);
        for (n, other) in others.iter().enumerate() {
            let there = outcomes(other, entry);
            if here != there {
                let n = n + 1;
                problems.push(format!(
                    "machines 0 and {n} see other seals of {entry}: {here:?} {there:?} (law 2)"
                ));
            }
        }
        let is_honest = |tip: &Tip| world.machines.iter().any(|machine| machine.device == tip.device);
        for (tip, witnesses, [is_true, ..], _) in &here {
            if !std::iter::once(tip).chain(witnesses).all(is_honest) {
                problems.push(format!("a seal of {entry} counts that was forged (law 7)"));
            }
            if !is_true {
                problems
                    .push(format!("a seal of {entry} by {} does not say what was there (law 1)", tip.device));
            }
        }
    }
}
