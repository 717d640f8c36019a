//! A copy of this device went on with its journal: a clone, or this is a backup that was put back and written to before
//! anybody said so. Others have the copy's records and never take what is here in their places. So what only this
//! store has is taken back and said anew in a new journal, each change at the version that it was made at, and what
//! others have of the old journal can come. Files, drafts and all that was typed stay.

use std::collections::{BTreeMap, BTreeSet};

use super::edits::{self, Edited};
use super::noted;
use super::people;
use super::txn::Txn;
use super::{Core, peers, tree};
use crate::effect::Notice;
use crate::entry::{Birth, Content, Document, Edit, View, change_hash};
use crate::ids::{ChangeHash, DeviceId, EntryId, Heads, RecordHash, Volume};
use crate::journal::comment::Anchor;
use crate::journal::seal::SealedEntry;
use crate::journal::{Comment, Header, Item, Payload, Receipt, Record, Seal, Tip};
use crate::store::{Source, StoreError, WriteSet};

type Result<T> = std::result::Result<T, StoreError>;

/// How far others have this device's journals. A store from before has it in their receipts.
pub(super) fn acknowledged(
    source: &dyn Source,
    device: DeviceId,
    writes: &mut WriteSet,
) -> Result<BTreeMap<Volume, u64>> {
    let mut known = source.acknowledged()?;
    if known.is_empty() {
        for receipt in source.receipts()? {
            known = further(source, device, &known, &receipt)?;
        }
        writes.acknowledged.clone_from(&known);
    }
    Ok(known)
}

/// Takes in what another device says to have of this device's journals.
pub(super) fn note(txn: &mut Txn<'_>, receipt: &Receipt) -> Result<()> {
    let known = further(txn.source, txn.meta.device, &txn.acknowledged, receipt)?;
    let news = known.iter().filter(|(volume, seq)| txn.acknowledged.get(volume) != Some(seq));
    txn.writes.acknowledged.extend(news);
    txn.acknowledged = known;
    Ok(())
}

/// Only what is stored here as it is named there counts: of another branch nothing is known.
fn further(
    source: &dyn Source,
    device: DeviceId,
    known: &BTreeMap<Volume, u64>,
    receipt: &Receipt,
) -> Result<BTreeMap<Volume, u64>> {
    let mut all = known.clone();
    for tip in receipt.tips.iter().filter(|tip| tip.device == device) {
        if all.get(&tip.volume).is_some_and(|seq| *seq >= tip.seq) {
            continue;
        }
        let Some(position) = source.position_of(device, tip.volume, tip.seq)? else { continue };
        let here = source.headers(position - 1, 1)?.pop();
        if here.is_some_and(|(_, here, _)| here == *tip) {
            all.insert(tip.volume, tip.seq);
        }
    }
    Ok(all)
}

/// What is taken back.
struct Branch {
    /// In the order of positions.
    records: Vec<(u64, Tip, Payload)>,
    /// Entries as they were with it.
    documents: BTreeMap<EntryId, Document>,
    /// Attachments whose bytes are here.
    held: BTreeSet<crate::ids::ContentHash>,
}

/// Takes back what others do not have of this device's journals, if the other branch of one lies there. What somebody else
/// has too, or may not be said by this device now, stays where it is.
pub(super) fn take_back(core: &mut Core, txn: &mut Txn<'_>, volume: Volume, seq: u64) -> Result<()> {
    txn.close();
    let first = |txn: &Txn<'_>| {
        let first = txn.acknowledged.get(&volume).copied().unwrap_or(0) + 1;
        if seq < first { Ok(None) } else { txn.position_of(txn.meta.device, volume, first) }
    };
    let Some(position) = first(txn)? else { return Ok(()) };
    note_seen(txn, position)?;
    let Some(position) = first(txn)? else { return Ok(()) };
    let Some(branch) = branch(txn, position)? else { return Ok(()) };
    peers::begin_volume(core, txn);
    remove(txn, &branch)?;
    for id in branch.documents.keys() {
        people::fold_entry(txn, *id)?;
    }
    tree::settle_again(txn, &branch.documents.keys().copied().collect())?;
    say_anew(txn, branch)?;
    txn.notify(Notice::Standing(
        "another copy of this device's journal went on: what only this one had is in a new journal now"
            .into(),
    ));
    let peers: Vec<DeviceId> = core.peers.keys().copied().collect();
    peers.into_iter().try_for_each(|peer| peers::send_hello(core, txn, peer))
}

/// What others saw before they wrote a record, they have; of another branch nothing is said by that.
fn note_seen(txn: &mut Txn<'_>, from: u64) -> Result<()> {
    let own = txn.meta.device;
    for (_, tip, header, _) in records(txn, from)? {
        for seen in header.seen.iter().filter(|seen| seen.device == own && tip.device != own) {
            let known = txn.acknowledged.get(&seen.volume).copied().unwrap_or(0);
            let position = txn.position_of(own, seen.volume, seen.seq)?.filter(|_| seen.seq > known);
            let here = position.map(|position| txn.record(position)).transpose()?.flatten();
            if here.is_some_and(|record| record.hash() == seen.hash) {
                txn.acknowledged.insert(seen.volume, seen.seq);
                txn.writes.acknowledged.insert(seen.volume, seen.seq);
            }
        }
    }
    Ok(())
}

/// Everything that this device wrote from a position on; `None` if it cannot be taken back.
fn branch(txn: &mut Txn<'_>, from: u64) -> Result<Option<Branch>> {
    let mut branch = Branch { records: Vec::new(), documents: BTreeMap::new(), held: BTreeSet::new() };
    let is_acknowledged = |tip: &Tip| txn.acknowledged.get(&tip.volume).is_some_and(|seq| tip.seq <= *seq);
    for (position, tip, header, record) in records(txn, from)? {
        let own = txn.meta.device;
        if tip.device != own {
            continue;
        }
        if is_acknowledged(&tip) || txn.people.is_quarantined(position) {
            return Ok(None);
        }
        let Some(payload) = Payload::decode(header.kind, &record.payload) else { return Ok(None) };
        branch.records.push((position, tip, payload));
    }
    let items: Vec<Item> = branch
        .records
        .iter()
        .filter_map(|(.., payload)| match payload {
            Payload::Edit(items) => Some(items.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    if !items.is_empty() && !people::may_write(txn) {
        return Ok(None);
    }
    for id in items.iter().map(Item::entry).collect::<BTreeSet<_>>() {
        let Some(row) = txn.entry(&id)? else { return Ok(None) };
        let document = txn.document(&id, &row)?.clone();
        for item in items.iter().filter(|item| item.entry() == id) {
            let content = match item {
                Item::Birth(bytes) => Birth::decode(bytes).map(|birth| birth.content),
                Item::Change { change, .. } => change_hash(change)
                    .and_then(|hash| document.view_at(&vec![hash]))
                    .map(|view| view.content),
            };
            if let Some(Content::Blob { hash, .. }) = content
                && txn.blob_missing(&hash)?.is_none()
            {
                branch.held.insert(hash);
            }
        }
        branch.documents.insert(id, document);
    }
    Ok(Some(branch))
}

/// All records from a position on, stored or written in this step.
fn records(txn: &Txn<'_>, from: u64) -> Result<Vec<(u64, Tip, Header, Record)>> {
    let mut all = Vec::new();
    for position in from..=txn.meta.position {
        let Some(record) = txn.record(position)? else { continue };
        let Some(header) = record.header() else { continue };
        all.push((position, header.tip(record.hash()), header, record));
    }
    Ok(all)
}

/// The records are in no journal any more.
fn remove(txn: &mut Txn<'_>, branch: &Branch) -> Result<()> {
    let positions: BTreeSet<u64> = branch.records.iter().map(|(position, ..)| *position).collect();
    let tips: BTreeSet<Tip> = branch.records.iter().map(|(_, tip, _)| *tip).collect();
    let writes = &mut txn.writes;
    writes.records.retain(|write| !positions.contains(&write.position));
    writes.items.retain(|position, _| !positions.contains(position));
    writes.statements.retain(|(position, _)| !positions.contains(position));
    writes.seals.retain(|(position, _)| !positions.contains(position));
    writes.comments.retain(|(position, _)| !positions.contains(position));
    writes.timestamps.retain(|(position, _)| !positions.contains(position));
    writes.taken_back.extend(&positions);
    for volume in tips.iter().map(|tip| tip.volume).collect::<BTreeSet<_>>() {
        let device = txn.meta.device;
        let last = txn.acknowledged.get(&volume).copied().unwrap_or(0);
        txn.frontier.forget(device, volume);
        let end = match txn.position_of(device, volume, last)? {
            Some(position) => {
                txn.record(position)?.map(|record| Tip { device, volume, seq: last, hash: record.hash() })
            }
            None => None,
        };
        if let Some(tip) = end {
            txn.frontier.advance(tip);
        }
        txn.writes.ends.insert((device, volume), end);
    }
    people::take_back(txn, &tips)
}

/// What has another name now.
#[derive(Default)]
struct Renamed {
    versions: BTreeMap<ChangeHash, Heads>,
    seals: BTreeMap<RecordHash, RecordHash>,
    comments: BTreeMap<RecordHash, RecordHash>,
}

impl Renamed {
    fn version(&self, heads: &Heads) -> Heads {
        let now: BTreeSet<ChangeHash> = heads
            .iter()
            .flat_map(|hash| self.versions.get(hash).cloned().unwrap_or_else(|| vec![*hash]))
            .collect();
        now.into_iter().collect()
    }

    fn comment(&self, comment: Comment) -> Comment {
        let renamed = |hash: RecordHash| self.comments.get(&hash).copied().unwrap_or(hash);
        match comment {
            Comment::Thread { entry, anchor, text } => {
                let anchor = anchor.map(|anchor| Anchor { version: self.version(&anchor.version), ..anchor });
                Comment::Thread { entry, anchor, text }
            }
            Comment::Reply { entry, thread, text } => Comment::Reply { entry, thread: renamed(thread), text },
            Comment::Resolve { entry, thread, resolved, turn } => {
                Comment::Resolve { entry, thread: renamed(thread), resolved, turn }
            }
            Comment::Edit { entry, comment, text, turn } => {
                Comment::Edit { entry, comment: renamed(comment), text, turn }
            }
        }
    }

    fn seal(&self, seal: Seal) -> Seal {
        let renamed = |hash: RecordHash| self.seals.get(&hash).copied().unwrap_or(hash);
        match seal {
            Seal::Entry(sealed) => {
                let version = self.version(&sealed.version);
                Seal::Entry(SealedEntry { version, ..sealed })
            }
            Seal::Witness { entry, seal, meaning } => Seal::Witness { entry, seal: renamed(seal), meaning },
            Seal::Unlock { entry, seal, meaning } => Seal::Unlock { entry, seal: renamed(seal), meaning },
        }
    }
}

fn say_anew(txn: &mut Txn<'_>, branch: Branch) -> Result<()> {
    let mut renamed = Renamed::default();
    for (_, tip, payload) in branch.records {
        match payload {
            Payload::Edit(items) => {
                for item in items {
                    let entry = item.entry();
                    let Some(document) = branch.documents.get(&entry) else { continue };
                    make_anew(txn, item, document, &branch.held, &mut renamed)?;
                }
            }
            Payload::Membership(change) => people::state(txn, change)?,
            Payload::Seal(seal) => {
                txn.close();
                let seal = renamed.seal(seal);
                let (now, knows) = txn.sign(&Payload::Seal(seal.clone()), Vec::new());
                let time = txn.now;
                noted::note_seal(txn, now, time, seal, knows);
                renamed.seals.insert(tip.hash, now.hash);
            }
            Payload::Comment(comment) => {
                txn.close();
                let comment = renamed.comment(comment);
                let (now, _) = txn.sign(&Payload::Comment(comment.clone()), Vec::new());
                noted::note_comment(txn, now, txn.now, comment);
                renamed.comments.insert(tip.hash, now.hash);
            }
            // The token is over the names that the seals had. Those that have others now wait for another one.
            Payload::Timestamp(stamp) => {
                txn.close();
                let seals = stamp.seals.clone();
                txn.sign(&Payload::Timestamp(stamp), Vec::new());
                noted::note_timestamp(txn, seals);
            }
            other @ Payload::Unknown(..) => {
                txn.close();
                txn.sign(&other, Vec::new());
            }
        }
    }
    for id in branch.documents.keys() {
        if let Some(mut base) = txn.base(id)? {
            for image in [&mut base.confirmed, &mut base.intended].into_iter().flatten() {
                image.heads = renamed.version(&image.heads);
            }
            txn.set_base(*id, Some(base))?;
        }
        txn.mark(*id);
    }
    Ok(())
}

/// Makes what an item made, at the version where it was made.
fn make_anew(
    txn: &mut Txn<'_>,
    item: Item,
    before: &Document,
    held: &BTreeSet<crate::ids::ContentHash>,
    renamed: &mut Renamed,
) -> Result<()> {
    let is_held = |content: &Content| matches!(content, Content::Blob { hash, .. } if held.contains(hash));
    let id = item.entry();
    match item {
        Item::Birth(bytes) => {
            if txn.entry(&id)?.is_none()
                && let Some(birth) = Birth::decode(&bytes)
            {
                let held = is_held(&birth.content);
                edits::give_birth(txn, &birth, held)?;
            }
        }
        Item::Change { change, .. } => {
            let Some(hash) = change_hash(&change) else { return Ok(()) };
            let Some(base) = before.made_at(&hash) else { return Ok(()) };
            let (Some(was), Some(is)) = (before.view_at(&base), before.view_at(&vec![hash])) else {
                return Ok(());
            };
            let base = renamed.version(&base);
            let held = is_held(&is.content);
            let heads = match edits::edit(txn, id, &base, &difference(&was, is), held)? {
                Edited::Made(heads) => heads,
                Edited::Nothing | Edited::Refused(_) => base,
            };
            renamed.versions.insert(hash, heads);
        }
    }
    Ok(())
}

/// What a change did.
fn difference(was: &View, is: View) -> Vec<Edit> {
    if is.deleted && !was.deleted {
        return vec![Edit::Delete];
    }
    let mut edits = Vec::new();
    if (is.parent, &is.name) != (was.parent, &was.name) {
        edits.push(Edit::Place { parent: is.parent, name: is.name });
    }
    if is.content != was.content {
        edits.push(Edit::Content(is.content));
    }
    if edits.is_empty() && was.deleted && !is.deleted {
        edits.push(Edit::Revive);
    }
    edits
}
