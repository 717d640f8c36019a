//! A copy of this device went on with its journal: a clone, or this is a backup that was put back and written to before
//! anybody said so. Others have the copy's records and never take what is here in their places. So what only this
//! store has is taken back and said anew in a new journal, each change at the version that it was made at, and what
//! others have of the old journal can come. Files, drafts and all that was typed stay.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::edits::{self, Edited};
use super::noted;
use super::people;
use super::txn::Txn;
use super::{Core, peers, tree};
use crate::effect::Notice;
use crate::entry::{Birth, Content, Document, Edit, View, change_hash};
use crate::ids::{ChangeHash, DeviceId, EntryId, Heads, RecordHash, UnixMs, Volume};
use crate::journal::comment::Anchor;
use crate::journal::seal::SealedEntry;
use crate::journal::{Comment, Header, Item, Payload, Seal, Tip};
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
            known.extend(further(source, device, &known, &receipt.tips)?);
        }
        writes.acknowledged.clone_from(&known);
    }
    Ok(known)
}

/// Takes in what others have, as they say in a receipt, or because they had seen it when they wrote a record.
pub(super) fn acknowledge(txn: &mut Txn<'_>, tips: &[Tip]) -> Result<()> {
    let news = further(txn.source, txn.meta.device, &txn.acknowledged, tips)?;
    txn.acknowledged.extend(&news);
    txn.writes.acknowledged.extend(&news);
    Ok(())
}

/// Only what is stored here as it is named there counts: of another branch nothing is known.
fn further(
    source: &dyn Source,
    device: DeviceId,
    known: &BTreeMap<Volume, u64>,
    tips: &[Tip],
) -> Result<BTreeMap<Volume, u64>> {
    let mut news: BTreeMap<Volume, u64> = BTreeMap::new();
    for tip in tips.iter().filter(|tip| tip.device == device) {
        if news.get(&tip.volume).or(known.get(&tip.volume)).is_some_and(|seq| *seq >= tip.seq) {
            continue;
        }
        let Some(position) = source.position_of(device, tip.volume, tip.seq)? else { continue };
        let here = source.headers(position - 1, 1)?.pop();
        if here.is_some_and(|(_, here, _)| here == *tip) {
            news.insert(tip.volume, tip.seq);
        }
    }
    Ok(news)
}

/// What is taken back.
struct Branch {
    /// In the order of positions, with the times that they claim.
    records: Vec<(u64, Tip, UnixMs, Payload)>,
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
    let Some(from) = first(txn)? else { return Ok(()) };
    let mut places = written_since(txn, from)?;
    // What was read there may have shown that others have more.
    let Some(from) = first(txn)? else { return Ok(()) };
    places.retain(|(position, _)| *position >= from);
    let Some(branch) = branch(txn, places)? else { return Ok(()) };
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

/// This device's records from a position on. What others had seen when they wrote there, they have.
fn written_since(txn: &mut Txn<'_>, from: u64) -> Result<Vec<(u64, Tip)>> {
    let own = txn.meta.device;
    let mut places = Vec::new();
    let mut after = from - 1;
    loop {
        let page = txn.source.headers(after, 1024)?;
        let Some((last, ..)) = page.last() else { break };
        after = *last;
        for (position, tip, header) in page {
            if tip.device == own {
                places.push((position, tip));
            } else if let Some(header) = Header::decode(&header) {
                acknowledge(txn, &header.seen)?;
            }
        }
    }
    let written = txn.writes.records.iter().filter(|write| write.tip.device == own);
    places.extend(written.map(|write| (write.position, write.tip)));
    Ok(places)
}

/// These records, and what they made; `None` if they cannot be taken back.
fn branch(txn: &mut Txn<'_>, places: Vec<(u64, Tip)>) -> Result<Option<Branch>> {
    let mut branch = Branch { records: Vec::new(), documents: BTreeMap::new(), held: BTreeSet::new() };
    for (position, tip) in places {
        let is_acknowledged = txn.acknowledged.get(&tip.volume).is_some_and(|seq| tip.seq <= *seq);
        if is_acknowledged || txn.people.is_quarantined(position) {
            return Ok(None);
        }
        let record = txn.record(position)?.and_then(|record| Some((record.header()?, record)));
        let said = record
            .and_then(|(header, record)| Some((header.time, Payload::decode(header.kind, &record.payload)?)));
        let Some((time, payload)) = said else { return Ok(None) };
        branch.records.push((position, tip, time, payload));
    }
    let edits = branch.records.iter().filter_map(|(.., payload)| match payload {
        Payload::Edit(items) => Some(items),
        _ => None,
    });
    let items: Vec<&Item> = edits.flatten().collect();
    if !items.is_empty() && !people::may_write(txn) {
        return Ok(None);
    }
    for item in items {
        let id = item.entry();
        let document = match branch.documents.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let Some(row) = txn.entry(&id)? else { return Ok(None) };
                place.insert(txn.document(&id, &row)?.clone())
            }
        };
        let content = match item {
            Item::Birth(bytes) => Birth::decode(bytes).map(|birth| birth.content),
            Item::Change { change, .. } => {
                change_hash(change).and_then(|hash| document.view_at(&vec![hash])).map(|view| view.content)
            }
        };
        if let Some(Content::Blob { hash, .. }) = content
            && txn.blob_missing(&hash)?.is_none()
        {
            branch.held.insert(hash);
        }
    }
    Ok(Some(branch))
}

/// The records are in no journal any more.
fn remove(txn: &mut Txn<'_>, branch: &Branch) -> Result<()> {
    let positions: BTreeSet<u64> = branch.records.iter().map(|(position, ..)| *position).collect();
    let tips: BTreeSet<Tip> = branch.records.iter().map(|(_, tip, ..)| *tip).collect();
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
    records: BTreeMap<RecordHash, RecordHash>,
}

impl Renamed {
    fn version(&self, heads: &Heads) -> Heads {
        let now: BTreeSet<ChangeHash> = heads
            .iter()
            .flat_map(|hash| self.versions.get(hash).cloned().unwrap_or_else(|| vec![*hash]))
            .collect();
        now.into_iter().collect()
    }

    fn record(&self, hash: RecordHash) -> RecordHash {
        self.records.get(&hash).copied().unwrap_or(hash)
    }

    fn comment(&self, comment: Comment) -> Comment {
        match comment {
            Comment::Thread { entry, anchor, text } => {
                let anchor = anchor.map(|anchor| Anchor { version: self.version(&anchor.version), ..anchor });
                Comment::Thread { entry, anchor, text }
            }
            Comment::Reply { entry, thread, text } => {
                Comment::Reply { entry, thread: self.record(thread), text }
            }
            Comment::Resolve { entry, thread, resolved, turn } => {
                Comment::Resolve { entry, thread: self.record(thread), resolved, turn }
            }
            Comment::Edit { entry, comment, text, turn } => {
                Comment::Edit { entry, comment: self.record(comment), text, turn }
            }
        }
    }

    fn seal(&self, seal: Seal) -> Seal {
        match seal {
            Seal::Entry(sealed) => {
                let version = self.version(&sealed.version);
                Seal::Entry(SealedEntry { version, ..sealed })
            }
            Seal::Witness { entry, seal, meaning } => {
                Seal::Witness { entry, seal: self.record(seal), meaning }
            }
            Seal::Unlock { entry, seal, meaning } => Seal::Unlock { entry, seal: self.record(seal), meaning },
        }
    }
}

fn say_anew(txn: &mut Txn<'_>, branch: Branch) -> Result<()> {
    let mut renamed = Renamed::default();
    let now = txn.now;
    for (_, tip, time, payload) in branch.records {
        txn.close();
        // It was said then.
        txn.now = time;
        let payload = match payload {
            Payload::Edit(items) => {
                for item in items {
                    let Some(document) = branch.documents.get(&item.entry()) else { continue };
                    make_anew(txn, item, document, &branch.held, &mut renamed)?;
                }
                continue;
            }
            Payload::Membership(change) => {
                people::state(txn, change)?;
                continue;
            }
            Payload::Seal(seal) => Payload::Seal(renamed.seal(seal)),
            Payload::Comment(comment) => Payload::Comment(renamed.comment(comment)),
            // The token is over the names that the seals had. Those that have others now wait for another one.
            same @ (Payload::Timestamp(_) | Payload::Unknown(..)) => same,
        };
        let anew = noted::sign(txn, payload);
        renamed.records.insert(tip.hash, anew.hash);
    }
    txn.close();
    txn.now = now;
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
            // What had no effect has none.
            let Some(hash) = change_hash(&change) else { return Ok(()) };
            let Some(base) = before.made_at(&hash) else { return Ok(()) };
            let (Some(was), Some(is)) = (before.view_at(&base), before.view_at(&vec![hash])) else {
                return Ok(());
            };
            let base = renamed.version(&base);
            let held = is_held(&is.content);
            let heads = match edits::edit(txn, id, &base, &difference(&was, is), held)? {
                Edited::Made(heads) => heads,
                Edited::Nothing => base,
                // Then the whole step has no effect, and everything stays as it is.
                Edited::Refused(reason) => {
                    return Err(StoreError { doing: "saying anew what an old copy had written", reason });
                }
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
