//! Planted bugs: drivers that break one law each, to test the tester.

use codex_crdt_model::effect::{DiskOutcome, Effect};
use codex_crdt_model::event::{DiskResult, Event, Request, Version};
use codex_crdt_model::journal::record::{Payload, Record};
use codex_crdt_model::store::{Source, WriteSet};
use codex_crdt_model::sync::Message;
use ed25519_dalek::SigningKey;

use crate::machine::Machine;

/// What the driver does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Sends leave before the step is durable (law 3).
    SendBeforePersist,
    /// All effects are carried out before the step is durable (law 3).
    ActBeforePersist,
    /// The change is written without the base it was merged at.
    TornPersist,
    /// A stale base is taken for the current version.
    MergeWithoutBase,
    /// What a cut stream lost counts as delivered.
    DroppedIsDelivered,
    /// Bytes that came out of an exchange are thrown away.
    IgnoreDisplaced,
    /// Any signature will do (law 7).
    AcceptAnySigner,
    /// The two halves of a move are told one by one (laws 1 and 4): a deletion, and a new file.
    HalfMoves,
}

impl Fault {
    /// Every planted bug.
    pub const ALL: [Fault; 8] = [
        Fault::SendBeforePersist,
        Fault::ActBeforePersist,
        Fault::TornPersist,
        Fault::MergeWithoutBase,
        Fault::DroppedIsDelivered,
        Fault::IgnoreDisplaced,
        Fault::AcceptAnySigner,
        Fault::HalfMoves,
    ];

    /// Whether an effect is carried out before the step is durable.
    pub fn too_early(self, effect: &Effect) -> bool {
        match self {
            Fault::SendBeforePersist => matches!(effect, Effect::Send { .. }),
            Fault::ActBeforePersist => true,
            _ => false,
        }
    }

    /// Whether a machine that is about to crash writes only a part of this.
    pub fn tears(self, writes: &WriteSet) -> bool {
        self == Fault::TornPersist && !writes.records.is_empty() && !writes.bases.is_empty()
    }

    /// What the core is really told.
    pub fn tamper(self, event: Event, machine: &mut Machine, forger: &SigningKey) -> Event {
        match (self, event) {
            (
                Fault::MergeWithoutBase,
                Event::Asked { number, request: Request::Write { entry, content, .. } },
            ) => {
                let row = machine.store.entry(&entry).ok().flatten();
                let base = Version(row.map(|row| row.heads).unwrap_or_default());
                Event::Asked { number, request: Request::Write { entry, base, content } }
            }
            (Fault::IgnoreDisplaced, Event::DiskDone(results)) => {
                Event::DiskDone(results.into_iter().map(|result| forget_displaced(result, machine)).collect())
            }
            (Fault::AcceptAnySigner, Event::Received { peer, frame }) => {
                Event::Received { peer, frame: resigned(frame, machine, forger) }
            }
            (_, event) => event,
        }
    }
}

fn forget_displaced(result: DiskResult, machine: &mut Machine) -> DiskResult {
    let outcome = match result.outcome {
        DiskOutcome::Written { stat, displaced: Some((_, aside)) } => {
            discard(machine, &aside);
            DiskOutcome::Written { stat, displaced: None }
        }
        DiskOutcome::Removed { displaced: Some((_, aside)) } => {
            discard(machine, &aside);
            DiskOutcome::Removed { displaced: None }
        }
        outcome => outcome,
    };
    DiskResult { entry: result.entry, outcome }
}

fn discard(machine: &mut Machine, aside: &str) {
    use codex_crdt_model::effect::{DiskAction, DiskOp};
    let op = DiskOp {
        entry: codex_crdt_model::ids::EntryId::ROOT,
        path: codex_crdt_model::path::EntryPath::root(),
        action: DiskAction::Discard {
            aside: aside.to_owned(),
            taken: codex_crdt_model::ids::ContentHash([0; 32]),
        },
    };
    machine.disk.run(&op, &mut machine.blobs);
}

/// A core that accepts any signer is a core to which a forged record looks well signed: the harness, which has
/// the victim's key, signs it.
fn resigned(frame: Vec<u8>, machine: &Machine, forger: &SigningKey) -> Vec<u8> {
    let Some(Message::Records(records)) = Message::decode(&frame) else { return frame };
    let records = records
        .into_iter()
        .map(|record| {
            let Some(header) = record.header() else { return record };
            let meta = machine.store.meta().ok().flatten();
            let valid = meta.is_some_and(|meta| record.verify(&meta.notebook).is_ok());
            match Payload::decode(header.kind, &record.payload) {
                Some(payload) if !valid => Record::sign(forger, header, &payload),
                _ => record,
            }
        })
        .collect();
    Message::Records(records).encode()
}
