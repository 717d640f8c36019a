//! Who may write, and what of the journals counts: keeps [`crate::membership`] in step with the records, and folds anew
//! the entries that a new answer concerns.

use std::collections::{BTreeMap, BTreeSet};

use super::edits::{self, By};
use super::journals::Journals;
use super::noted;
use super::peers;
use super::tree;
use super::txn::Txn;
use crate::effect::Notice;
use crate::entry::{Birth, ChangeRefused, Content, Document};
use crate::ids::{ChangeHash, ContentHash, DeviceId, EntryId, Heads, Volume};
use crate::journal::{Header, Item, MembershipChange, Payload, Record, Role, Tip};
use crate::membership::{Knows, Membership, Reach, Statement, Verdict, Why};
use crate::store::{BirthAt, CommentRow, EntryRow, MemberRow, Quarantined, Source, StoreError, WriteSet};

type Result<T> = std::result::Result<T, StoreError>;

/// What is known of people, and of what does not count.
#[derive(Debug, Default)]
pub(super) struct People {
    pub membership: Membership,
    statements: Vec<Statement>,
    /// Journals with statements.
    stating: BTreeSet<(DeviceId, Volume)>,
    /// What the last record of each journal had seen of journals that matter here.
    knows: BTreeMap<(DeviceId, Volume), Knows>,
    reach: Reach,
    /// Records without effect, by position.
    quarantined: BTreeMap<u64, Quarantined>,
    /// Which journals are not to be waited for.
    pub journals: Journals,
    /// Entries that this device wrote to in records without effect: their files stay as they are.
    own_held: BTreeSet<EntryId>,
    /// Members as they are stored.
    shown: BTreeMap<DeviceId, MemberRow>,
}

impl People {
    /// Reads them. What a store from before has not noted is found out from its records.
    pub fn load(source: &dyn Source, writes: &mut WriteSet) -> Result<Self> {
        let Some(meta) = source.meta()? else { return Ok(Self::default()) };
        let mut people = Self {
            statements: source.statements()?,
            knows: source.knows()?,
            quarantined: source.quarantined()?,
            shown: source.members()?,
            journals: Journals::load(source)?,
            ..Self::default()
        };
        people.stating = people.statements.iter().map(|one| (one.tip.device, one.tip.volume)).collect();
        let mut unjudged = Vec::new();
        if people.statements.is_empty() {
            for position in 1..=meta.position {
                let Some((record, header)) =
                    source.record(position)?.and_then(|r| Some((r.clone(), r.header()?)))
                else {
                    continue;
                };
                let tip = header.tip(record.hash());
                let knows = people.see(&tip, &header.seen);
                match Payload::decode(header.kind, &record.payload) {
                    // Also in versions that are no more; what does not count names nothing.
                    Some(Payload::Edit(items)) if !people.quarantined.contains_key(&position) => {
                        writes.blobs_named.extend(items.iter().flat_map(blobs_of));
                    }
                    Some(Payload::Membership(change)) => {
                        let statement = Statement { tip, knows, change };
                        writes.statements.push((position, statement.clone()));
                        people.stating.insert((tip.device, tip.volume));
                        people.statements.push(statement);
                    }
                    Some(Payload::Comment(comment)) => {
                        writes.comments.push((position, CommentRow { tip, time: header.time, comment }));
                        unjudged.push((position, tip, knows, record.size() as u64));
                    }
                    Some(Payload::Timestamp(stamp)) => {
                        writes.timestamps.push((position, stamp.seals));
                        unjudged.push((position, tip, knows, record.size() as u64));
                    }
                    _ => {}
                }
            }
            writes.knows.extend(people.knows.clone());
        }
        for (position, _) in people.quarantined.iter().filter(|(_, row)| row.tip.device == meta.device) {
            let Some((record, header)) =
                source.record(*position)?.and_then(|r| Some((r.clone(), r.header()?)))
            else {
                continue;
            };
            let Some(Payload::Edit(items)) = Payload::decode(header.kind, &record.payload) else { continue };
            people.own_held.extend(items.iter().map(Item::entry));
        }
        people.membership = Membership::of(&meta.notebook, people.statements.clone());
        if people.membership.statements().any(|(_, verdict)| verdict == Verdict::Counts) {
            // By an earlier version's rules others may have belonged.
            let now = member_rows(&people.membership);
            writes.members.extend(turned(&people.shown, &now));
            people.shown = now;
        }
        if !people.membership.cuts().is_empty() {
            people.survey(source, meta.position, &BTreeSet::new())?;
        }
        // An earlier version carried these without judging them.
        for (position, tip, knows, size) in unjudged {
            if let Some(why) = people.refuses(&tip, &knows, Role::Commenter) {
                let row = Quarantined { tip, knows, size, why };
                writes.quarantined.insert(position, Some(row.clone()));
                people.quarantined.insert(position, row);
            }
        }
        Ok(people)
    }

    /// Takes in what a record says to have seen; what its author knows then.
    pub fn see(&mut self, tip: &Tip, seen: &[Tip]) -> Knows {
        let matters = |other: &&Tip| {
            self.stating.contains(&(other.device, other.volume))
                || self.membership.cuts().iter().any(|cut| cut.devices.contains(&other.device))
        };
        let seen: Vec<&Tip> = seen.iter().filter(matters).collect();
        let knows = self.knows.entry((tip.device, tip.volume)).or_default();
        for other in seen {
            knows.see(other.device, other.volume, other.seq);
        }
        knows.clone()
    }

    /// Walks all headers: what every journal's author knew, and how far those whose right had ended were seen by others
    /// who did not know. Only needed where a right has ended.
    fn survey(
        &mut self,
        source: &dyn Source,
        until: u64,
        taken_back: &BTreeSet<u64>,
    ) -> Result<Vec<(u64, Tip, Knows, u16)>> {
        let mut all = Vec::new();
        self.knows.clear();
        self.reach = Reach::default();
        let mut after = 0;
        while after < until {
            let headers = source.headers(after, 1024)?;
            let Some((last, ..)) = headers.last() else { break };
            after = *last;
            for (position, tip, bytes) in headers.into_iter().filter(|row| !taken_back.contains(&row.0)) {
                let Some(header) = Header::decode(&bytes) else { continue };
                let knows = self.see(&tip, &header.seen);
                self.membership.witness(&tip, &knows, &mut self.reach);
                all.push((position, tip, knows, header.kind));
            }
        }
        Ok(all)
    }

    /// Whether what is in a journal may be elsewhere and never come: of a forked one, of somebody who makes too many, of one whom
    /// only those named who might not, or of one that is known only by another branch of a forked one.
    pub fn may_never_come(&self, device: &DeviceId, volume: Volume) -> bool {
        let is_named = || self.journals.is_any_forked() || self.membership.has_heard_of(device);
        self.journals.may_never_come(device, volume)
            || self.has_enough_of(device)
            || (self.membership.let_in(device).is_none() && self.membership.is_founded() && is_named())
    }

    /// Entries that this device wrote to in records without effect.
    pub fn own_held(&self) -> &BTreeSet<EntryId> {
        &self.own_held
    }

    /// Whether a record has no effect.
    pub fn is_quarantined(&self, position: u64) -> bool {
        self.quarantined.contains_key(&position)
    }

    /// All statements, in the order in which they came.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Records without effect.
    pub fn without_effect(&self) -> impl Iterator<Item = &Quarantined> {
        self.quarantined.values()
    }

    /// How many records have no effect.
    pub fn quarantined(&self) -> usize {
        self.quarantined.len()
    }

    /// Why a record that takes a role has no effect, if it has none.
    fn refuses(&self, tip: &Tip, knows: &Knows, needed: Role) -> Option<Why> {
        self.membership.allows(tip, knows, needed, &self.reach).err()
    }
}

/// The blobs that an item names.
fn blobs_of(item: &Item) -> Vec<ContentHash> {
    match item {
        Item::Birth(bytes) => match Birth::decode(bytes).map(|birth| birth.content) {
            Some(Content::Blob { hash, .. }) => vec![hash],
            _ => Vec::new(),
        },
        Item::Change { change, .. } => crate::entry::blobs_of(change),
    }
}

/// What this device may do here; while nothing is known, nothing.
pub(super) fn own_role(txn: &Txn<'_>) -> Option<Role> {
    txn.people.membership.role(&txn.meta.device)
}

/// Whether what this device changes would count.
pub(super) fn may_write(txn: &Txn<'_>) -> bool {
    own_role(txn).is_some_and(|role| role.is_at_least(Role::Editor))
}

/// Makes a membership record here.
pub(super) fn state(txn: &mut Txn<'_>, change: MembershipChange) -> Result<()> {
    txn.close();
    let (tip, knows) = txn.sign(&Payload::Membership(change.clone()), Vec::new());
    stated(txn, Statement { tip, knows, change })
}

/// Takes in a membership record whose place is taken already.
pub(super) fn stated(txn: &mut Txn<'_>, statement: Statement) -> Result<()> {
    txn.writes.statements.push((txn.meta.position, statement.clone()));
    if let MembershipChange::Found { name, .. } = &statement.change
        && txn.meta.name.is_empty()
    {
        txn.meta.name.clone_from(name);
    }
    txn.people.stating.insert((statement.tip.device, statement.tip.volume));
    let is_added = txn.people.membership.add(&txn.meta.notebook, &statement);
    txn.people.statements.push(statement);
    if is_added {
        show(txn);
        return Ok(());
    }
    let before = std::mem::take(&mut txn.people.membership);
    txn.people.membership = Membership::of(&txn.meta.notebook, txn.people.statements.clone());
    show(txn);
    if has_turned(&before, &txn.people.membership) {
        judge_all_again(txn)?;
    }
    Ok(())
}

/// Whether a new answer can concern records that were judged before.
fn has_turned(before: &Membership, after: &Membership) -> bool {
    let verdicts: BTreeMap<Tip, Verdict> = before.statements().map(|(s, verdict)| (s.tip, verdict)).collect();
    let has_flipped =
        after.statements().any(|(s, verdict)| verdicts.get(&s.tip).is_some_and(|before| *before != verdict));
    has_flipped || before.cuts() != after.cuts() || before.released() != after.released()
}

/// Members as they are stored.
fn member_rows(membership: &Membership) -> BTreeMap<DeviceId, MemberRow> {
    let names: BTreeMap<DeviceId, String> = membership
        .people()
        .into_iter()
        .flat_map(|person| person.devices)
        .map(|device| (device.id, device.name))
        .collect();
    let row =
        |(device, role)| (device, MemberRow { role, name: names.get(&device).cloned().unwrap_or_default() });
    membership.devices().map(row).collect()
}

/// The rows that are others now, and those that are none any more.
fn turned(
    before: &BTreeMap<DeviceId, MemberRow>,
    now: &BTreeMap<DeviceId, MemberRow>,
) -> Vec<(DeviceId, Option<MemberRow>)> {
    let new = now.iter().filter(|(device, row)| before.get(*device) != Some(row));
    let gone = before.keys().filter(|device| !now.contains_key(*device));
    new.map(|(device, row)| (*device, Some(row.clone()))).chain(gone.map(|device| (*device, None))).collect()
}

/// Stores who has which role, for all who only read.
fn show(txn: &mut Txn<'_>) {
    let membership = &txn.people.membership;
    let founded = membership.statements().any(|(_, verdict)| verdict == Verdict::Counts);
    if !founded {
        // Until the notebook's own records say who belongs to it, the inviter does.
        return;
    }
    let now = member_rows(membership);
    let own = txn.meta.device;
    if txn.people.shown.contains_key(&own) && !now.contains_key(&own) {
        txn.notify(Notice::Standing("you are no longer a member; what is here stays".into()));
    }
    txn.writes.members.extend(turned(&txn.people.shown, &now));
    let role = |rows: &BTreeMap<DeviceId, MemberRow>| rows.get(&own).map(|row| row.role);
    if role(&now) != role(&txn.people.shown) {
        txn.role_changed = true;
        txn.look_again = true;
    }
    txn.people.shown = now;
}

/// Folds a record that was just added, or notes why it has no effect.
pub(super) fn fold(
    txn: &mut Txn<'_>,
    tip: Tip,
    header: &Header,
    knows: Knows,
    record: &Record,
) -> Result<()> {
    let position = txn.meta.position;
    // Unknown kinds and unreadable payloads are carried, without effect: from whoever may write, and a little from others.
    let payload =
        Payload::decode(header.kind, &record.payload).filter(|p| !matches!(p, Payload::Unknown(..)));
    let needed = match &payload {
        Some(_) => Payload::needs(header.kind),
        None => Some(Role::Editor),
    };
    let why = needed.and_then(|needed| txn.people.refuses(&tip, &knows, needed));
    match payload {
        Some(Payload::Membership(change)) => stated(txn, Statement { tip, knows: knows.clone(), change })?,
        Some(Payload::Edit(items)) if why.is_none() => {
            let by = By { device: header.device, time: header.time };
            let index = peers::take_items(txn, header, by, position, items)?;
            if txn.people.journals.is_forked(&header.device, header.volume) {
                // What others made of it may have come before it.
                txn.fold_again.extend(index.iter().map(|(_, entry, _)| *entry));
            }
            txn.index_record(position, index);
            fold_again(txn)?;
        }
        Some(other) => noted::note(txn, tip, header.time, other, knows.clone()),
        None => {}
    }
    if let Some(why) = why {
        let size = record.size() as u64;
        quarantine(txn, position, Quarantined { tip, knows: knows.clone(), size, why });
    }
    let mut reach = std::mem::take(&mut txn.people.reach);
    let is_more = txn.people.membership.witness(&tip, &knows, &mut reach);
    txn.people.reach = reach;
    if !is_more {
        return Ok(());
    }
    let mut held = Vec::new();
    for (position, row) in &txn.people.quarantined {
        // Without the payload, which may be large.
        let stored = txn.source.headers(position - 1, 1)?.pop().filter(|(at, ..)| at == position);
        let header = match stored {
            Some((_, _, bytes)) => Header::decode(&bytes),
            None => txn.record(*position)?.and_then(|record| record.header()),
        };
        if let Some(needed) = header.and_then(|header| Payload::needs(header.kind)) {
            held.push((*position, row.tip, row.knows.clone(), needed));
        }
    }
    judge_again(txn, held)
}

fn quarantine(txn: &mut Txn<'_>, position: u64, row: Quarantined) {
    txn.writes.quarantined.insert(position, Some(row.clone()));
    txn.people.quarantined.insert(position, row);
}

/// Everything is judged by the new answer.
fn judge_all_again(txn: &mut Txn<'_>) -> Result<()> {
    let until = txn.source.meta()?.map_or(0, |meta| meta.position);
    let source = txn.source;
    let mut all = txn.people.survey(source, until, &txn.writes.taken_back)?;
    for write in txn.writes.records.clone() {
        let Some(header) = write.record.header() else { continue };
        let knows = txn.people.see(&write.tip, &header.seen);
        let mut reach = std::mem::take(&mut txn.people.reach);
        txn.people.membership.witness(&write.tip, &knows, &mut reach);
        txn.people.reach = reach;
        all.push((write.position, write.tip, knows, header.kind));
    }
    txn.writes.knows.extend(txn.people.knows.clone());
    let judged = all
        .into_iter()
        .filter_map(|(position, tip, knows, kind)| Some((position, tip, knows, Payload::needs(kind)?)));
    let judged = judged.collect();
    judge_again(txn, judged)
}

/// Some records are in no journal any more.
pub(super) fn take_back(txn: &mut Txn<'_>, tips: &BTreeSet<Tip>) -> Result<()> {
    txn.people.statements.retain(|statement| !tips.contains(&statement.tip));
    txn.people.membership = Membership::of(&txn.meta.notebook, txn.people.statements.clone());
    judge_all_again(txn)
}

/// Judges these records by what is known now; folds anew the entries of those whose verdict turned.
fn judge_again(txn: &mut Txn<'_>, records: Vec<(u64, Tip, Knows, Role)>) -> Result<()> {
    let mut turned = BTreeSet::new();
    for (position, tip, knows, needed) in records {
        let was = txn.people.quarantined.get(&position).map(|row| row.why);
        let why = txn.people.refuses(&tip, &knows, needed);
        match why {
            Some(why) if was != Some(why) => {
                if was.is_none() && (tip.device, tip.volume) == (txn.meta.device, txn.meta.volume) {
                    // Its changes may count again one day: no other may then have their numbers.
                    txn.begin_volume();
                }
                let size = txn.record(position)?.map_or(0, |record| record.size() as u64);
                quarantine(txn, position, Quarantined { tip, knows, size, why });
                if was.is_none() {
                    txn.writes.items.insert(position, Vec::new());
                    turned.insert(position);
                }
            }
            None if was.is_some() => {
                txn.people.quarantined.remove(&position);
                txn.writes.quarantined.insert(position, None);
                turned.insert(position);
            }
            Some(_) | None => {}
        }
    }
    let (mut entries, mut own) = (BTreeSet::new(), BTreeMap::new());
    for position in turned {
        let Some(record) = txn.record(position)? else { continue };
        let Some(header) = record.header() else { continue };
        let Some(Payload::Edit(items)) = Payload::decode(header.kind, &record.payload) else { continue };
        let counts = !txn.people.quarantined.contains_key(&position);
        let is_own = header.device == txn.meta.device;
        let mut index = Vec::new();
        for (n, item) in (0..).zip(items) {
            let entry = item.entry();
            let change = match &item {
                Item::Birth(_) => None,
                Item::Change { change, .. } => crate::entry::change_hash(change),
            };
            entries.insert(entry);
            if is_own {
                own.insert(entry, !counts);
            }
            index.push((n, entry, change));
        }
        txn.writes.items.insert(position, if counts { index } else { Vec::new() });
    }
    if !entries.is_empty() {
        txn.notify(Notice::Standing("what counts has changed with who belongs".into()));
    }
    for entry in &entries {
        fold_entry(txn, *entry)?;
    }
    // What this device wrote stays on its disk, whether it counts or not.
    for (entry, is_held) in own {
        let held = &mut txn.people.own_held;
        if is_held {
            held.insert(entry)
        } else {
            held.remove(&entry)
        };
        txn.mark(entry);
    }
    // What was folded before its folder was, or lost it, is where it belongs now.
    tree::settle_again(txn, &entries)
}

/// What came before its birth, or before what it stands on, counts from there on.
pub(super) fn fold_again(txn: &mut Txn<'_>) -> Result<()> {
    let entries = std::mem::take(&mut txn.fold_again);
    for entry in &entries {
        fold_entry(txn, *entry)?;
    }
    if entries.is_empty() { Ok(()) } else { tree::settle_again(txn, &entries) }
}

/// Makes an entry anew of all that counts.
pub(super) fn fold_entry(txn: &mut Txn<'_>, id: EntryId) -> Result<()> {
    // What was made of another entry in this step counts too.
    txn.close();
    txn.documents.remove(&id);
    let mut document = None;
    let mut last = None;
    let mut begun = None;
    let mut applied = Vec::new();
    // In the order of positions, which is causal, but where a journal was continued twice.
    let mut waiting = Vec::new();
    for row in txn.history(&id)? {
        let Some((record, header)) = txn.record(row.position)?.and_then(|r| Some((r.clone(), r.header()?)))
        else {
            continue;
        };
        let Some(Payload::Edit(items)) = Payload::decode(header.kind, &record.payload) else { continue };
        let by = By { device: header.device, time: header.time };
        match items.into_iter().nth(row.item as usize) {
            Some(Item::Birth(bytes)) if begun.is_none() => {
                let Some(birth) = Birth::decode(&bytes) else { continue };
                if birth.notebook != txn.meta.notebook {
                    continue;
                }
                document = Some(Document::from_birth(id, &birth));
                begun = Some((birth, BirthAt { position: row.position, item: row.item }, by));
                last = Some(by);
            }
            Some(Item::Change { branch, change, .. }) => {
                let Some(document) = &mut document else {
                    waiting.push((by, header.volume, branch, change));
                    continue;
                };
                match document.apply(&header.device, header.volume, branch, &change) {
                    Ok(Some(hash)) => {
                        last = Some(by);
                        applied.push((hash, header.device));
                        txn.writes.blobs_named.extend(document.blobs());
                    }
                    Err(ChangeRefused::MissingDependency) => {
                        waiting.push((by, header.volume, branch, change));
                    }
                    Ok(None) | Err(_) => {}
                }
            }
            Some(Item::Birth(_)) | None => {}
        }
    }
    while let Some(document) = &mut document {
        let before = waiting.len();
        waiting.retain(|(by, volume, branch, change)| {
            match document.apply(&by.device, *volume, *branch, change) {
                Ok(Some(hash)) => {
                    last = Some(*by);
                    applied.push((hash, by.device));
                    txn.writes.blobs_named.extend(document.blobs());
                    false
                }
                refused => refused == Err(ChangeRefused::MissingDependency),
            }
        });
        if waiting.len() == before {
            break;
        }
    }
    let (Some(document), Some((birth, at, born_by)), Some(by)) = (document, begun, last) else {
        return unfold_entry(txn, id);
    };
    match txn.entry(&id)? {
        None => edits::enter_birth(txn, id, &birth, at, born_by, false)?,
        Some(row) => txn.set_entry(id, EntryRow { birth: at, ..row })?,
    }
    txn.replace_document(id, document);
    for (change, device) in applied {
        edits::undouble(txn, id, &change, device)?;
    }
    edits::refresh(txn, id, by, true, false)
}

/// What a version said that does not count any more.
pub(super) fn version_that_was(txn: &Txn<'_>, id: EntryId, heads: &Heads) -> Result<Option<Content>> {
    let mut rows: Vec<(u64, Option<u32>)> =
        txn.history(&id)?.into_iter().map(|row| (row.position, Some(row.item))).collect();
    rows.extend(txn.people.quarantined.keys().map(|position| (*position, None)));
    rows.sort_unstable();
    rows.dedup();
    let mut document: Option<Document> = None;
    for (position, only) in rows {
        let Some((record, header)) = txn.record(position)?.and_then(|r| Some((r.clone(), r.header()?)))
        else {
            continue;
        };
        let Some(Payload::Edit(items)) = Payload::decode(header.kind, &record.payload) else { continue };
        for (n, item) in (0..).zip(items) {
            match (item, &mut document) {
                _ if only.is_some_and(|only| only != n) => {}
                (Item::Birth(bytes), None) if Birth::id_of(&bytes) == id => {
                    document = Birth::decode(&bytes).map(|birth| Document::from_birth(id, &birth));
                }
                (Item::Change { entry, branch, change }, Some(document)) if entry == id => {
                    // One that stands on something else is not what is looked for.
                    let _ = document.apply(&header.device, header.volume, branch, &change);
                }
                (Item::Birth(_) | Item::Change { .. }, _) => {}
            }
        }
    }
    Ok(document.and_then(|document| document.view_at(heads)).map(|view| view.content))
}

/// Nothing of an entry counts any more.
fn unfold_entry(txn: &mut Txn<'_>, id: EntryId) -> Result<()> {
    let Some(old) = txn.entry(&id)? else { return Ok(()) };
    edits::need_nothing(txn, id, &old)?;
    let deletion = ChangeHash([0; 32]);
    tree::place(txn, id, EntryRow { deleted: true, heads: vec![deletion], ..old.clone() }, Some(&old))?;
    let row = txn.entry(&id)?.unwrap_or(old);
    txn.set_entry(id, EntryRow { deleted: true, heads: Heads::new(), ..row })
}
