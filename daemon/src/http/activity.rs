//! What happened: who did what to which entry, in one notebook or in all, the latest first. What belongs together is one line.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use axum::Json;
use axum::extract::State;
use codex_crdt_model::entry::{Deed, deeds_of};
use codex_crdt_model::event::Version;
use codex_crdt_model::ids::{ChangeHash, DeviceId, EntryId, UnixMs};
use codex_crdt_model::journal::{Comment, Item, MembershipChange, Payload, Seal};
use codex_crdt_model::store::Source;
use codex_crdt_model::view;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::dto::{Page, time};
use super::error::ApiError;
use super::input::Params;
use super::reading::{self, blocking};
use crate::daemon::Names;
use crate::driver::Notebook;
use crate::store::{Happened, Reader};

const LINES: usize = 50;
const LINES_MOST: usize = 500;
/// Edits of one entry by one device that are no further apart are one line.
const SITTING_MS: i64 = 30 * 60_000;
/// Entries that one device makes, deletes or moves within this are one line.
const TOGETHER_MS: i64 = 60_000;
/// Entries that a line names.
const NAMED: usize = 10;
/// Lines that what is older may still belong to.
const OPEN: usize = 16;

/// Which part of what happened.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichActivity {
    /// Only in this notebook.
    pub notebook: Option<String>,
    /// At most about so many lines.
    pub limit: Option<usize>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// What somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub struct Activity {
    /// Notebook id.
    pub notebook: String,
    /// Who: the device.
    pub device: String,
    /// What that device calls itself.
    pub device_name: Option<String>,
    /// Whose it is: the person's name, with the fingerprint if somebody else has that name too.
    pub who: Option<String>,
    /// When the last of it was, by that device's clock.
    pub time: String,
    /// When the first of it was.
    pub since: String,
    /// What it is about: `entry`, `seal`, `comment`, `people`.
    pub about: &'static str,
    /// What was done: for entries as in the history (`created`, `edited`, `properties`, `renamed`, `moved`, `deleted`,
    /// `restored`), `sealed`, `witnessed`, `unlocked`; `commented`, `replied`, `resolved`, `reopened`, `rephrased`, `took_back`; for people `founded`, `admitted`, `device`, `role`, `revoked`, `profile`,
    /// `recovery`, `recovered`, `released`, `rule`.
    pub did: Vec<&'static str>,
    /// To which entries; the first ten.
    pub entries: Vec<ActivityEntry>,
    /// To how many entries.
    pub entry_count: usize,
    /// How many changes it were.
    pub changes: usize,
    /// What was said by it: what a seal means, what somebody is called.
    pub words: Option<String>,
}

/// An entry that something was done to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityEntry {
    /// Entry id.
    pub entry: String,
    /// Where it is, or was.
    pub path: String,
    /// Whether it is deleted now.
    pub deleted: bool,
    /// The version that this made of it; nothing if it made none.
    pub version: Option<String>,
}

/// What happened, the latest first by the clocks of those who did it.
#[utoipa::path(get, path = "/api/v1/activity", tag = "history", params(WhichActivity),
    responses((status = 200, body = Page<Activity>)))]
pub async fn activity(
    State(desk): State<Desk>,
    Params(which): Params<WhichActivity>,
) -> Result<Json<Page<Activity>>, ApiError> {
    let notebooks = desk.notebooks(which.notebook.as_deref())?;
    let limit = which.limit.unwrap_or(LINES).clamp(1, LINES_MOST);
    let from = which.cursor.as_deref().map(Mark::read).transpose()?;
    blocking(move || page(notebooks, limit, from)).await.map(Json)
}

/// The place of a record among those of all notebooks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    time: UnixMs,
    notebook: String,
    position: u64,
}

impl Mark {
    fn read(cursor: &str) -> Result<Self, ApiError> {
        let read = || {
            let mut parts = cursor.splitn(3, '_');
            let (time, position) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some(Self { time, notebook: parts.next()?.to_owned(), position })
        };
        read().ok_or_else(|| ApiError::bad_request("the cursor is not from this list; begin without one"))
    }

    fn write(&self) -> String {
        format!("{}_{}_{}", self.time, self.position, self.notebook)
    }
}

/// One notebook's records, from where the page begins.
struct Walk {
    notebook: Notebook,
    id: String,
    names: BTreeMap<DeviceId, String>,
    people: Names,
    heads: VecDeque<Happened>,
    before: (UnixMs, u64),
    is_over: bool,
}

impl Walk {
    fn new(notebook: Notebook, from: Option<&Mark>) -> Result<Self, ApiError> {
        let id = notebook.id.to_string();
        let before = from.map_or((UnixMs::MAX, u64::MAX), |mark| match id.cmp(&mark.notebook) {
            std::cmp::Ordering::Less => (mark.time, u64::MAX),
            std::cmp::Ordering::Equal => (mark.time, mark.position),
            std::cmp::Ordering::Greater => (mark.time, 0),
        });
        let (names, people) = reading_of(&notebook, |reader| {
            Ok((reading::names(reader)?, reading::people(reader, &notebook.id)?))
        })?;
        Ok(Self { notebook, id, names, people, heads: VecDeque::new(), before, is_over: false })
    }

    /// The next record, without taking it.
    fn next(&mut self, many: usize) -> Result<Option<Mark>, ApiError> {
        if self.heads.is_empty() && !self.is_over {
            let before = self.before;
            let found = reading_of(&self.notebook, |reader| Ok(reader.happened_before(before, many)?))?;
            self.is_over = found.len() < many;
            if let Some(last) = found.last() {
                self.before = (last.time, last.position);
            }
            self.heads = found.into();
        }
        Ok(self.heads.front().map(|head| Mark {
            time: head.time,
            notebook: self.id.clone(),
            position: head.position,
        }))
    }
}

fn reading_of<T>(
    notebook: &Notebook,
    work: impl FnOnce(&Reader) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    notebook.read(work).map_err(|error| ApiError::internal(format!("cannot read the notebook: {error:#}")))?
}

fn page(notebooks: Vec<Notebook>, limit: usize, from: Option<Mark>) -> Result<Page<Activity>, ApiError> {
    let walks = notebooks.into_iter().map(|notebook| Walk::new(notebook, from.as_ref()));
    let mut walks = walks.collect::<Result<Vec<_>, _>>()?;
    let mut lines: Vec<Group> = Vec::new();
    let mut last = None;
    loop {
        let mut newest: Option<(Mark, usize)> = None;
        for (number, walk) in walks.iter_mut().enumerate() {
            newest = newest.max(walk.next(limit + OPEN)?.map(|mark| (mark, number)));
        }
        let Some((mark, number)) = newest else { break };
        if lines.len() >= limit {
            return Ok(Page { items: shown(&walks, lines)?, cursor: last.as_ref().map(Mark::write) });
        }
        let walk = &mut walks[number];
        let Some(head) = walk.heads.pop_front() else { break };
        for deed in reading_of(&walk.notebook, |reader| done_by(reader, &head))? {
            add(&mut lines, number, &head, deed);
        }
        last = Some(mark);
    }
    Ok(Page::whole(shown(&walks, lines)?))
}

/// One thing that a record did.
struct Done {
    about: &'static str,
    did: BTreeSet<&'static str>,
    entry: Option<(EntryId, Option<Version>)>,
    words: Option<String>,
}

/// A line under way.
struct Group {
    walk: usize,
    device: DeviceId,
    time: UnixMs,
    since: UnixMs,
    about: &'static str,
    did: BTreeSet<&'static str>,
    /// The latest version of each.
    entries: Vec<(EntryId, Option<Version>)>,
    all: BTreeSet<EntryId>,
    changes: usize,
    words: Option<String>,
}

/// Puts what was done to the line that it belongs to, or makes one.
fn add(lines: &mut Vec<Group>, walk: usize, head: &Happened, done: Done) {
    let open = lines.len().saturating_sub(OPEN);
    let belongs = |group: &&mut Group| {
        let gap = group.since - head.time;
        let Some((entry, _)) = &done.entry else { return false };
        let is_alike = group.walk == walk
            && group.device == head.device
            && group.about == "entry"
            && done.about == "entry";
        let ends = |did: &BTreeSet<&str>| did.contains("deleted") || did.contains("restored");
        let is_sitting =
            group.all.len() == 1 && group.all.contains(entry) && !ends(&group.did) && !ends(&done.did);
        let is_together = group.did == done.did
            && done.did.len() == 1
            && !done.did.contains("edited")
            && gap <= TOGETHER_MS;
        is_alike && ((is_sitting && gap <= SITTING_MS) || is_together)
    };
    let group = lines[open..].iter_mut().rev().find(belongs);
    match (group, done.entry) {
        (Some(group), Some((entry, version))) => {
            group.since = group.since.min(head.time);
            group.did.extend(done.did);
            group.changes += 1;
            if group.all.insert(entry) && group.entries.len() < NAMED {
                group.entries.push((entry, version));
            }
        }
        (_, entry) => lines.push(Group {
            walk,
            device: head.device,
            time: head.time,
            since: head.time,
            about: done.about,
            did: done.did,
            all: entry.iter().map(|(id, _)| *id).collect(),
            entries: entry.into_iter().collect(),
            changes: 1,
            words: done.words,
        }),
    }
}

/// What a record did, as far as it counts.
fn done_by(reader: &Reader, head: &Happened) -> Result<Vec<Done>, ApiError> {
    if head.kind == Payload::EDIT {
        return edits(reader, head.position);
    }
    if reader.is_quarantined(head.position)? {
        return Ok(Vec::new());
    }
    let payload =
        reader.record(head.position)?.and_then(|record| Payload::decode(head.kind, &record.payload));
    Ok(match payload {
        Some(Payload::Seal(seal)) => vec![sealed(&seal)],
        Some(Payload::Comment(comment)) => vec![said(&comment)],
        Some(Payload::Membership(change)) => vec![people(&change)],
        _ => Vec::new(),
    })
}

fn edits(reader: &Reader, position: u64) -> Result<Vec<Done>, ApiError> {
    let effective = reader.took_effect(position)?;
    let mut items = Vec::new();
    // Births say all in the index; a record that is nothing but an import is not read.
    if effective.iter().any(|(.., change)| change.is_some()) {
        let record = reader.record(position)?;
        if let Some(Payload::Edit(read)) =
            record.and_then(|record| Payload::decode(Payload::EDIT, &record.payload))
        {
            items = read;
        }
    }
    let mut done: Vec<Done> = Vec::new();
    // What one record made of an entry is one thing: somebody typed for a while.
    let mut places: BTreeMap<EntryId, usize> = BTreeMap::new();
    for (number, entry, change) in effective {
        let did = match (change, items.get(number as usize)) {
            (None, _) => BTreeSet::from([Deed::Created.word()]),
            (Some(_), Some(Item::Change { change, .. })) => words_of(reader, entry, change)?,
            (Some(_), _) => BTreeSet::from([Deed::Edited.word()]),
        };
        let version = Some(Version(change.into_iter().collect::<Vec<ChangeHash>>()));
        match places.get(&entry).map(|place| &mut done[*place]) {
            Some(known) => {
                known.did.extend(did);
                known.entry = Some((entry, version));
            }
            None => {
                places.insert(entry, done.len());
                done.push(Done { about: "entry", did, entry: Some((entry, version)), words: None });
            }
        }
    }
    // The latest first.
    done.reverse();
    Ok(done)
}

fn words_of(reader: &Reader, entry: EntryId, change: &[u8]) -> Result<BTreeSet<&'static str>, ApiError> {
    let Some(row) = reader.entry(&entry)? else { return Ok(BTreeSet::new()) };
    let birth = view::birth(reader, &entry, row.birth)?;
    let did: BTreeSet<&str> = deeds_of(entry, &birth, change).into_iter().map(Deed::word).collect();
    Ok(if did.is_empty() { BTreeSet::from([Deed::Edited.word()]) } else { did })
}

fn sealed(seal: &Seal) -> Done {
    let did = match seal {
        Seal::Entry(_) => "sealed",
        Seal::Witness { .. } => "witnessed",
        Seal::Unlock { .. } => "unlocked",
    };
    let version = match seal {
        Seal::Entry(sealed) => Some(Version(sealed.version.clone())),
        Seal::Witness { .. } | Seal::Unlock { .. } => None,
    };
    let words = Some(seal.meaning().to_owned());
    Done { about: "seal", did: BTreeSet::from([did]), entry: Some((seal.entry(), version)), words }
}

fn said(comment: &Comment) -> Done {
    let did = match comment {
        Comment::Thread { .. } => "commented",
        Comment::Reply { .. } => "replied",
        Comment::Resolve { resolved: true, .. } => "resolved",
        Comment::Resolve { .. } => "reopened",
        Comment::Edit { text: Some(_), .. } => "rephrased",
        Comment::Edit { .. } => "took_back",
    };
    Done { about: "comment", did: BTreeSet::from([did]), entry: Some((comment.entry(), None)), words: None }
}

fn people(change: &MembershipChange) -> Done {
    use MembershipChange as Change;
    let (did, words) = match change {
        Change::Found { name, .. } => ("founded", Some(name.clone())),
        Change::Admit { name, role, .. } => ("admitted", Some(format!("{name} ({role})"))),
        Change::Device { name, .. } => ("device", Some(name.clone())),
        Change::Role { role, .. } => ("role", role.map(|role| role.to_string())),
        Change::Revoke { device, .. } => ("revoked", Some(device.short())),
        Change::Profile { name, .. } => ("profile", Some(name.clone())),
        Change::Recovery { .. } => ("recovery", None),
        Change::Recover { name, .. } => ("recovered", Some(name.clone())),
        Change::Release { .. } => ("released", None),
        Change::SealRule { needed, .. } => ("rule", Some(needed.to_string())),
    };
    Done { about: "people", did: BTreeSet::from([did]), entry: None, words }
}

fn shown(walks: &[Walk], lines: Vec<Group>) -> Result<Vec<Activity>, ApiError> {
    let line = |group: Group| {
        let walk = &walks[group.walk];
        let named = reading_of(&walk.notebook, |reader| {
            let mut named = Vec::new();
            for (entry, version) in &group.entries {
                let found = reading::any(reader, entry).ok();
                named.push(ActivityEntry {
                    entry: entry.to_string(),
                    path: found.as_ref().map(|found| found.path.to_string()).unwrap_or_default(),
                    deleted: found.is_none_or(|found| !found.row.alive),
                    version: version.as_ref().map(Version::to_string),
                });
            }
            Ok(named)
        })?;
        Ok(Activity {
            notebook: walk.id.clone(),
            device: group.device.to_string(),
            device_name: walk.names.get(&group.device).cloned(),
            who: walk.people.who_has(&group.device),
            time: time(group.time),
            since: time(group.since),
            about: group.about,
            did: group.did.into_iter().collect(),
            entry_count: group.all.len(),
            entries: named,
            changes: group.changes,
            words: group.words,
        })
    };
    lines.into_iter().map(line).collect()
}
