//! Sync: frontiers compared, records streamed in causal order, receipts back. The store keeps records in an
//! order that respects `seen`, so sending by position is causal.

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use super::bounds;
use super::edits::{self, By};
use super::people::{self, People};
use super::takeback;
use super::txn::Txn;
use crate::effect::{Effect, Notice};
use crate::entry::Birth;
use crate::ids::{DeviceId, EntryId, Volume};
use crate::journal::{Fork, ForkRefused, Frontier, Header, Item, Receipt, Record, Role, Tip};
use crate::limits;
use crate::store::{ForkRow, Mode, StoreError};
use crate::sync::Message;

type Result<T> = std::result::Result<T, StoreError>;

/// Blobs arrive in crowds: one receipt for all of this long.
const RECEIPT_QUIET_MS: i64 = 200;

/// What is known of a connected peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Peer {
    /// What it has, or has been sent; `None` before its Hello.
    known: Option<Frontier>,
    /// Everything up to this position has been sent or is known to it.
    cursor: u64,
    /// A batch is on its way.
    draining: bool,
    /// How many of the forks it was shown, in the order in which they became known.
    shown: usize,
    /// Journals of which it was sent our record, as a proof.
    proved: BTreeSet<(DeviceId, Volume)>,
    /// What was known here when it was last told of a gap: told again, it would only say the same again.
    gap_at: Option<u64>,
}

impl Peer {
    /// Records that it has and that `ours` lacks, and that can come.
    pub(super) fn ahead_of(&self, ours: &Frontier, people: &People) -> u64 {
        let never = |device: &DeviceId, volume| people.may_never_come(device, volume);
        self.known.as_ref().map_or(0, |known| known.without(never).ahead_of(ours))
    }
}

pub(super) fn connected(core: &mut Core, txn: &mut Txn<'_>, peer: DeviceId) -> Result<()> {
    core.peers.insert(peer, Peer::default());
    take_back_again(core, txn)?;
    send_hello(core, txn, peer)?;
    txn.notify(Notice::Peer(peer));
    for (hash, missing) in txn.blobs_missing()? {
        if missing.wanted {
            txn.effects.push(Effect::Fetch { hash, size: missing.size, from: vec![peer] });
        }
    }
    Ok(())
}

pub(super) fn send_hello(core: &mut Core, txn: &mut Txn<'_>, peer: DeviceId) -> Result<()> {
    let mut receipts = vec![own_receipt(core, txn)?];
    receipts.extend(txn.source.receipts()?.into_iter().filter(|r| r.device != peer));
    receipts.truncate(limits::RECEIPTS);
    let hello = Message::Hello { notebook: txn.meta.notebook, tips: txn.frontier.tips().collect(), receipts };
    txn.effects.push(Effect::Send { peer, frame: hello.encode() });
    Ok(())
}

pub(super) fn own_receipt(core: &mut Core, txn: &mut Txn<'_>) -> Result<Receipt> {
    let missing = txn.blobs_missing()?;
    // By the clock too: one that was restored from a backup has numbered more receipts than it knows of.
    txn.meta.receipt = (txn.meta.receipt + 1).max(u64::try_from(txn.now).unwrap_or(0));
    Ok(Receipt::sign(&core.key, txn.meta.notebook, txn.meta.receipt, &txn.frontier, &missing))
}

/// A frame from a peer: anything at all.
pub(super) fn received(core: &mut Core, txn: &mut Txn<'_>, peer: DeviceId, frame: &[u8]) -> Result<()> {
    if !core.peers.contains_key(&peer) {
        return Ok(());
    }
    let refuse = |txn: &mut Txn<'_>, reason: &str| {
        txn.effects.push(Effect::Disconnect { peer, reason: reason.to_owned() });
    };
    match Message::decode(frame) {
        None => refuse(txn, "it sent a frame that cannot be read"),
        Some(Message::Hello { notebook, .. }) if notebook != txn.meta.notebook => {
            refuse(txn, "it speaks of another notebook");
        }
        Some(Message::Hello { tips, receipts, .. }) => {
            take_receipts(core, txn, receipts, peer)?;
            hello(core, txn, peer, Frontier::from_tips(tips))?;
        }
        Some(Message::Receipts(receipts)) => take_receipts(core, txn, receipts, peer)?,
        Some(Message::Fork(fork)) => {
            txn.close();
            if let Err(refused) = take_fork(core, txn, fork)? {
                refuse(txn, &format!("it calls a journal forked, but {refused}"));
            }
        }
        Some(Message::Records(records)) => {
            if let Some(reason) = take_records(core, txn, peer, records)? {
                refuse(txn, &reason);
            }
        }
    }
    Ok(())
}

fn hello(core: &mut Core, txn: &mut Txn<'_>, peer: DeviceId, mut theirs: Frontier) -> Result<()> {
    let own = (txn.meta.device, txn.meta.volume);
    let is_said = theirs.seq(own.0, own.1) > txn.frontier.seq(own.0, own.1);
    if is_said && txn.people.journals.count(&own.0) < limits::VOLUMES_BY_WORD {
        // A peer has more of this journal than we do: it is not the newest here, and must not be continued. That is only its word;
        // what it has of ours comes next, signed.
        begin_volume(core, txn);
    }
    prove_forks(core, txn, peer, &mut theirs)?;
    let mut cursor = txn.meta.position;
    for tip in txn.frontier.tips() {
        let have = theirs.seq(tip.device, tip.volume);
        if have < tip.seq
            && let Some(position) = txn.position_of(tip.device, tip.volume, have + 1)?
        {
            cursor = cursor.min(position - 1);
        }
    }
    if txn.meta.mode == Mode::Joining {
        // Another joiner's empty word must not hide what somebody else has promised.
        core.promised.entry(peer).or_default().join(&theirs);
        live_if_joined(core, txn);
    }
    if let Some(state) = core.peers.get_mut(&peer) {
        state.known = Some(theirs);
        state.cursor = cursor;
    }
    Ok(())
}

/// Where a peer's last record of a journal is another one than ours at that place, its device signed both. Ours is the proof
/// to it, told once; of the rest of our branch it takes nothing.
fn prove_forks(core: &mut Core, txn: &mut Txn<'_>, peer: DeviceId, theirs: &mut Frontier) -> Result<()> {
    let mut other_branches = Vec::new();
    for tip in theirs.tips() {
        let Some((seq, hash)) = txn.frontier.tip(tip.device, tip.volume) else { continue };
        if seq < tip.seq || (seq, hash) == (tip.seq, tip.hash) {
            continue;
        }
        let Some(position) = txn.position_of(tip.device, tip.volume, tip.seq)? else { continue };
        let Some(record) = txn.record(position)?.filter(|record| record.hash() != tip.hash) else { continue };
        other_branches.push(Tip { seq, hash, ..tip });
        let is_new = |state: &mut Peer| state.proved.insert((tip.device, tip.volume));
        if core.peers.get_mut(&peer).is_some_and(is_new) {
            txn.effects.push(Effect::Send { peer, frame: Message::Records(vec![record]).encode() });
        }
    }
    other_branches.into_iter().for_each(|tip| theirs.advance(tip));
    Ok(())
}

/// Joining is over when all that peers promised is here. A liar promises what never comes: what an owner promised is enough when
/// nothing has come for a while.
pub(super) fn live_if_joined(core: &mut Core, txn: &mut Txn<'_>) {
    if txn.meta.mode != Mode::Joining || !txn.people.membership.is_founded() {
        return;
    }
    let mut promised = core.promised.iter().filter(|(_, promise)| !promise.is_empty()).peekable();
    if promised.peek().is_none() {
        return;
    }
    let (mut all, mut owners) = (true, false);
    for (peer, promise) in promised {
        let is_kept = is_reached(txn, promise);
        all &= is_kept;
        owners |= is_kept && txn.people.membership.role(peer) == Some(Role::Owner);
    }
    if all || (owners && core.join_at.is_some_and(|at| at <= core.now)) {
        core.go_live(txn);
    } else {
        let at = core.join_at.unwrap_or(core.now + limits::JOIN_QUIET_MS);
        core.join_at = owners.then_some(at);
    }
}

/// Whether all is here that any peer promised.
pub(super) fn is_all_here(core: &Core, txn: &Txn<'_>) -> bool {
    core.promised.values().all(|promise| is_reached(txn, promise))
}

/// Whether everything of a frontier that can come is here: of those only who were let in, by all that is here. Whoever an honest
/// peer has anything of was let in by somebody whose journal it has too.
pub(super) fn is_reached(txn: &Txn<'_>, goal: &Frontier) -> bool {
    let membership = &txn.people.membership;
    let is_nobody = |device: &DeviceId| membership.is_founded() && membership.let_in(device).is_none();
    // What is here needs no reason; of the little that is not, one is looked for.
    let is_here = |tip: &Tip| txn.frontier.seq(tip.device, tip.volume) >= tip.seq;
    goal.tips()
        .all(|tip| is_here(&tip) || is_nobody(&tip.device) || bounds::is_left(txn, &tip.device, tip.volume))
}

pub(super) fn begin_volume(core: &mut Core, txn: &mut Txn<'_>) {
    txn.close();
    txn.meta.volume = Volume(core.random(&EntryId::ROOT));
    txn.meta.seen = Vec::new();
}

/// Sends every connected peer what it lacks, a batch at a time.
pub(super) fn pump(core: &mut Core, txn: &mut Txn<'_>) -> Result<()> {
    for (peer, state) in &mut core.peers {
        let Some(known) = &mut state.known else { continue };
        if state.draining {
            continue;
        }
        let mut batch = Vec::new();
        let mut bytes = 0;
        loop {
            // Behind a proof stand the records that need it, before it those that make its device known.
            let to_show = txn.people.journals.forked(state.shown);
            if let Some((_, device, volume)) = to_show.filter(|(after, ..)| *after <= state.cursor) {
                if !batch.is_empty() {
                    break;
                }
                state.shown += 1;
                let Some(fork) = txn.fork(&device, volume)? else { continue };
                state.draining = true;
                let frame = Message::Fork(fork.bare()).encode();
                txn.effects.push(Effect::Send { peer: *peer, frame });
                break;
            }
            if state.cursor >= txn.meta.position {
                break;
            }
            let next = txn.record(state.cursor + 1)?.and_then(|record| Some((record.header()?, record)));
            let wanted = next.filter(|(header, _)| known.seq(header.device, header.volume) < header.seq);
            let Some((header, record)) = wanted else {
                state.cursor += 1;
                continue;
            };
            // A large record goes alone: together with others it could exceed a frame.
            let is_full = bytes + record.size() > limits::BATCH_BYTES || batch.len() == limits::BATCH_RECORDS;
            if !batch.is_empty() && is_full {
                break;
            }
            state.cursor += 1;
            known.advance(header.tip(record.hash()));
            bytes += record.size();
            batch.push(record);
        }
        if !batch.is_empty() {
            state.draining = true;
            txn.effects.push(Effect::Send { peer: *peer, frame: Message::Records(batch).encode() });
        }
    }
    Ok(())
}

pub(super) fn drained(core: &mut Core, peer: DeviceId) {
    if let Some(state) = core.peers.get_mut(&peer) {
        state.draining = false;
    }
}

pub(super) fn take_receipts(
    core: &mut Core,
    txn: &mut Txn<'_>,
    receipts: Vec<Receipt>,
    from: DeviceId,
) -> Result<()> {
    let stored: BTreeMap<DeviceId, u64> =
        txn.source.receipts()?.into_iter().map(|r| (r.device, r.number)).collect();
    let mut news = Vec::new();
    for receipt in receipts {
        let number = txn.writes.receipts.get(&receipt.device).map(|r| r.number);
        let number = number.or(stored.get(&receipt.device).copied()).unwrap_or(0);
        let counts = receipt.notebook == txn.meta.notebook
            && receipt.device != txn.meta.device
            && receipt.number > number
            && (txn.people.membership.role(&receipt.device).is_some() || receipt.device == from);
        // This device's own from before it was restored: it goes on numbering above that.
        let is_own = receipt.device == txn.meta.device && receipt.notebook == txn.meta.notebook;
        if is_own && receipt.number > txn.meta.receipt && receipt.verify() {
            txn.meta.receipt = receipt.number;
        }
        if counts && receipt.verify() {
            txn.notify(Notice::Peer(receipt.device));
            takeback::acknowledge(txn, &receipt.tips)?;
            txn.writes.receipts.insert(receipt.device, receipt.clone());
            news.push(receipt);
        }
    }
    for peer in core.peers.keys().filter(|peer| **peer != from) {
        let news: Vec<Receipt> = news.iter().filter(|r| r.device != *peer).cloned().collect();
        if !news.is_empty() {
            txn.effects.push(Effect::Send { peer: *peer, frame: Message::Receipts(news).encode() });
        }
    }
    Ok(())
}

/// What became of a record that came from outside.
pub(super) enum Taken {
    /// It is here now.
    New,
    /// It, or another one with its place, was here before.
    Known,
    /// It is left: it does not count and its device has enough of that here, or it is of another branch of a forked journal.
    Left,
    /// It does not follow on what is here yet.
    Gap,
    /// It is none that anybody honest has; why.
    Refused(String),
}

/// Takes in what follows on what is known; asks again where there is a gap. `Some(reason)` if the peer lied.
fn take_records(
    core: &mut Core,
    txn: &mut Txn<'_>,
    peer: DeviceId,
    records: Vec<Record>,
) -> Result<Option<String>> {
    txn.close();
    let mut gap = false;
    let mut took = false;
    for record in records {
        let header = match record.verify(&txn.meta.notebook) {
            Ok(header) => header,
            Err(error) => return Ok(Some(error.to_string())),
        };
        let tip = header.tip(record.hash());
        if let Some(state) = core.peers.get_mut(&peer)
            && let Some(known) = &mut state.known
            && known.seq(tip.device, tip.volume) < tip.seq
        {
            known.advance(tip);
        }
        match take_verified(core, txn, &header, record)? {
            Taken::New => took = true,
            Taken::Known | Taken::Left => {}
            Taken::Gap => gap = true,
            Taken::Refused(reason) => {
                return Ok(Some(format!("it sent a record of {}, {reason}", header.device)));
            }
        }
    }
    if took {
        took_records(core, txn)?;
    }
    let here = Some(txn.meta.position);
    if gap && core.peers.get(&peer).is_some_and(|state| state.gap_at != here) {
        if let Some(state) = core.peers.get_mut(&peer) {
            state.gap_at = here;
        }
        send_hello(core, txn, peer)?;
    }
    Ok(None)
}

/// Takes in a record whose signature and payload are good, if it follows on what is known.
pub(super) fn take_verified(
    core: &mut Core,
    txn: &mut Txn<'_>,
    header: &Header,
    record: Record,
) -> Result<Taken> {
    let tip = header.tip(record.hash());
    let have = txn.frontier.tip(header.device, header.volume);
    let (seq, hash) = have.map_or((0, crate::ids::RecordHash([0; 32])), |t| t);
    if header.seq <= seq {
        note_fork(core, txn, tip, record)?;
        return Ok(Taken::Known);
    }
    let follows = header.seq == seq + 1 && header.previous == hash;
    if !follows && bounds::is_left(txn, &header.device, header.volume) {
        return Ok(Taken::Left);
    }
    // What does not count and is too much need not be here, nor another branch than the one that is.
    let is_known =
        |t: &Tip| txn.frontier.seq(t.device, t.volume) >= t.seq || bounds::is_left(txn, &t.device, t.volume);
    if !follows || !header.seen.iter().all(is_known) {
        return Ok(Taken::Gap);
    }
    if header.seq == 1 && txn.people.has_enough_of(&header.device) {
        return Ok(Taken::Left);
    }
    match bounds::standing(txn, header, &record) {
        bounds::Standing::LetIn => {}
        bounds::Standing::Named => return Ok(Taken::Left),
        // Whoever has another branch of a forked journal may have heard of it there.
        bounds::Standing::Stranger if txn.people.journals.is_any_forked() => return Ok(Taken::Left),
        bounds::Standing::Stranger => return Ok(Taken::Refused("which nobody admitted".to_owned())),
    }
    if bounds::is_too_much(txn, header, &record) {
        return Ok(Taken::Left);
    }
    if (header.device, header.volume) == (txn.meta.device, txn.meta.volume) {
        begin_volume(core, txn);
    }
    take_record(txn, header, tip, record)?;
    Ok(Taken::New)
}

/// Records were taken in: whoever is connected hears of it.
pub(super) fn took_records(core: &mut Core, txn: &mut Txn<'_>) -> Result<()> {
    core.join_at = None;
    live_if_joined(core, txn);
    let receipt = own_receipt(core, txn)?;
    for peer in core.peers.keys() {
        let frame = Message::Receipts(vec![receipt.clone()]).encode();
        txn.effects.push(Effect::Send { peer: *peer, frame });
    }
    Ok(())
}

/// A record for a place that is taken here by another one: its device continued its journal twice. One proof is enough.
fn note_fork(core: &mut Core, txn: &mut Txn<'_>, tip: Tip, record: Record) -> Result<()> {
    let Some(position) = txn.position_of(tip.device, tip.volume, tip.seq)? else { return Ok(()) };
    let Some(stored) = txn.record(position)? else { return Ok(()) };
    if stored.hash() != tip.hash {
        // Of this device's own the other branch is taken back; of others the proof is enough.
        let other = if tip.device == txn.meta.device { record } else { record.bare() };
        let fork = Fork { one: stored.bare(), other };
        keep_fork(core, txn, (tip.device, tip.volume, tip.seq), fork)?;
    }
    Ok(())
}

/// Takes in the proof of a fork, if it is one and its device is known here.
pub(super) fn take_fork(
    core: &mut Core,
    txn: &mut Txn<'_>,
    fork: Fork,
) -> Result<std::result::Result<(), ForkRefused>> {
    let at = match fork.verify(&txn.meta.notebook) {
        Ok(at) => at,
        Err(refused) => return Ok(Err(refused)),
    };
    if !txn.people.membership.has_heard_of(&at.device) {
        return Ok(Ok(()));
    }
    let Fork { one, other } = fork.bare();
    // The branch that is here comes first.
    let here = txn.position_of(at.device, at.volume, at.seq)?;
    let here = here.map(|position| txn.record(position)).transpose()?.flatten().map(|record| record.hash());
    let (one, other) = if here == Some(at.other) { (other, one) } else { (one, other) };
    keep_fork(core, txn, (at.device, at.volume, at.seq), Fork { one, other })?;
    Ok(Ok(()))
}

/// Whoever is connected, or will be, is shown it before the next record.
fn keep_fork(
    core: &mut Core,
    txn: &mut Txn<'_>,
    (device, volume, seq): (DeviceId, Volume, u64),
    fork: Fork,
) -> Result<()> {
    let after = txn.meta.position;
    if !txn.people.journals.note_fork(device, volume, after) {
        return Ok(());
    }
    txn.notify(Notice::Fork { device, seq });
    txn.writes.forks.push(ForkRow { after, fork });
    if device != txn.meta.device {
        return Ok(());
    }
    // A copy of this device wrote on: nobody takes what is written here behind that.
    if volume == txn.meta.volume {
        begin_volume(core, txn);
    }
    takeback::take_back(core, txn, volume, seq)
}

/// Own journals that were continued twice and could not be taken back then: something was kept aside, or might not be written.
pub(super) fn take_back_again(core: &mut Core, txn: &mut Txn<'_>) -> Result<()> {
    let own = txn.meta.device;
    for n in 0.. {
        let Some((_, device, volume)) = txn.people.journals.forked(n) else { return Ok(()) };
        if device != own {
            continue;
        }
        let Some(at) = txn.fork(&device, volume)?.and_then(|fork| fork.at()) else { continue };
        // The branch that was here when it was noticed comes first. It is here as long as it was not taken back.
        let here = txn.position_of(device, volume, at.seq)?;
        let here = here.map(|position| txn.record(position)).transpose()?.flatten();
        if here.is_some_and(|record| record.hash() == at.one) {
            takeback::take_back(core, txn, volume, at.seq)?;
        }
    }
    Ok(())
}

fn take_record(txn: &mut Txn<'_>, header: &Header, tip: Tip, record: Record) -> Result<()> {
    // What this device makes because of the record (a conflict copy, say) comes after it.
    txn.close();
    let knows = txn.add_record(tip, &header.seen, header.time, record.clone(), Vec::new());
    people::fold(txn, tip, header, knows, &record)
}

/// Births and changes of one record; those that took effect.
pub(super) fn take_items(
    txn: &mut Txn<'_>,
    header: &Header,
    by: By,
    position: u64,
    items: Vec<Item>,
) -> Result<Vec<(u32, EntryId, Option<crate::ids::ChangeHash>)>> {
    let mut index = Vec::new();
    for (n, item) in items.into_iter().enumerate() {
        let n = u32::try_from(n).expect("bounded by RECORD_ITEMS");
        take_item(txn, header, by, position, n, item, &mut index)?;
    }
    Ok(index)
}

fn take_item(
    txn: &mut Txn<'_>,
    header: &Header,
    by: By,
    position: u64,
    n: u32,
    item: Item,
    index: &mut Vec<(u32, EntryId, Option<crate::ids::ChangeHash>)>,
) -> Result<()> {
    match item {
        Item::Birth(bytes) => {
            let Some(birth) = Birth::decode(&bytes) else { return Ok(()) };
            let id = Birth::id_of(&bytes);
            if birth.notebook != txn.meta.notebook {
                return Ok(());
            }
            index.push((n, id, None));
            if txn.entry(&id)?.is_none() {
                if !txn.history(&id)?.is_empty() {
                    txn.fold_again.insert(id);
                }
                let at = crate::store::BirthAt { position, item: n };
                edits::enter_birth(txn, id, &birth, at, by, false)?;
            }
        }
        Item::Change { entry, branch, change } => {
            let Some(row) = txn.entry(&entry)? else {
                // Its birth does not count, and may yet.
                index.push((n, entry, crate::entry::change_hash(&change)));
                return Ok(());
            };
            let document = txn.document(&entry, &row)?;
            match document.apply(&header.device, header.volume, branch, &change) {
                Ok(Some(hash)) => {
                    let concurrent = document.heads().len() > 1;
                    index.push((n, entry, Some(hash)));
                    txn.save_change(&entry, &change);
                    edits::undouble(txn, entry, &hash, header.device)?;
                    edits::refresh(txn, entry, by, concurrent, false)?;
                }
                Ok(None) => {}
                Err(refused) => {
                    if refused == crate::entry::ChangeRefused::MissingDependency {
                        // What it stands on does not count, and may yet.
                        index.push((n, entry, crate::entry::change_hash(&change)));
                    }
                    // Where a journal was continued twice, what it stands on comes later, or stays elsewhere.
                    if refused != crate::entry::ChangeRefused::MissingDependency
                        || !txn.people.journals.is_any_forked()
                    {
                        let reason = format!("a change to {entry} was not applied: {refused}");
                        txn.notify(Notice::Standing(reason));
                    }
                }
            }
        }
    }
    Ok(())
}

/// A blob is here now: say so, and write what waited for it.
pub(super) fn blob_held(core: &mut Core, txn: &mut Txn<'_>, hash: crate::ids::ContentHash) -> Result<()> {
    core.blobs_missing.remove(&hash);
    edits::hold_blob(txn, hash);
    core.todo.extend(core.awaiting.remove(&hash).into_iter().flatten());
    core.receipt_at.get_or_insert(core.now + RECEIPT_QUIET_MS);
    Ok(())
}

/// States anew what is held, when blobs have arrived.
pub(super) fn state_receipt(core: &mut Core, txn: &mut Txn<'_>) -> Result<()> {
    if core.receipt_at.is_none_or(|at| at > core.now) {
        return Ok(());
    }
    core.receipt_at = None;
    if core.peers.is_empty() {
        return Ok(());
    }
    let receipt = own_receipt(core, txn)?;
    for peer in core.peers.keys() {
        let frame = Message::Receipts(vec![receipt.clone()]).encode();
        txn.effects.push(Effect::Send { peer: *peer, frame });
    }
    Ok(())
}
