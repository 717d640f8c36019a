//! How a notebook stands: put together from the core, the store and the disk worker after every batch, for status
//! and pages. Whatever cannot be read or written is in here for as long as it lasts.

use std::collections::BTreeMap;

use codex_crdt_model::Core;
use codex_crdt_model::ids::{DeviceId, Volume};
use codex_crdt_model::journal::{Frontier, Receipt, Role, Tip};
use codex_crdt_model::store::{FetchPolicy, Mode, Source, StoreError};
use codex_crdt_model::view;

use super::Driver;
use crate::disk::Problem;
pub use crate::disk::ScanProgress;
use crate::progress::{Progress, Work};
use crate::store::Store;

/// Problems shown one by one.
const SHOWN: usize = 20;
/// What is said of a notebook whose folder or marker is gone.
const ROOT_LOST: &str = "its folder or the marker in it is not there; nothing is deleted. Bring the folder back; if only \
    `.codex` is lost, `codexd join TICKET FOLDER` with a new ticket or `codexd notebook add FOLDER` goes on with the files";
/// Held deletions named one by one.
const HELD_SHOWN: usize = 10;

/// How a notebook stands, for status and pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// `ready`, `scanning`, `paused`, `held`, `joining` or `failed`.
    pub state: &'static str,
    /// Why, in words, when it is not ready.
    pub reason: Option<String>,
    /// Entries in the tree.
    pub entries: u64,
    /// Files still to be written out or looked at.
    pub pending: u64,
    /// Own records, of all journals of this device, that no other device has acknowledged which belongs now.
    pub unsynced_records: u64,
    /// Blobs of live entries that are not here.
    pub blobs_missing: u64,
    /// How many of these are left with the others, by the fetch policy.
    pub blobs_left: u64,
    /// Which attachments this device fetches: `all`, `below:BYTES` or `on-demand`.
    pub fetch: String,
    /// The other members.
    pub peers: Vec<PeerStanding>,
    /// Devices that hold everything that is known here, this one among them only if it belongs and lacks nothing; and
    /// devices that belong.
    pub held_by: (u64, u64),
    /// The scan under way.
    pub scan: ScanProgress,
    /// What takes a while, and how far it is.
    pub progress: Vec<Progress>,
    /// The first of the things that cannot be read or written now.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub problem_count: u64,
    /// What this device may do here: `owner`, `editor`, `commenter` or `viewer`; `None` for nothing.
    pub role: Option<Role>,
    /// Files that were changed here by somebody who may not write: they stay here.
    pub drafts: u64,
    /// Records that do not count, because their authors might not write them.
    pub quarantined: u64,
}

/// How one peer stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
pub struct PeerStanding {
    /// Its id, hex.
    pub device: String,
    /// Its name.
    pub name: String,
    /// Whether a stream is open.
    pub connected: bool,
    /// It says that this notebook is not shared with this device there: it was removed or revoked, or that device does not
    /// know of it yet.
    pub turned_away: bool,
    /// Records that we have and it has not acknowledged.
    pub records_behind: u64,
    /// Blobs it says it misses.
    pub blobs_missing: u64,
    /// How many of these it leaves with the others by choice.
    pub blobs_left: u64,
}

/// Journals that are left when it is said.
const FEW_JOURNALS: usize = 32;

impl Driver {
    pub(super) fn standing_of(&mut self, core: &Core, store: &Store) -> Result<Standing, StoreError> {
        let meta = core.meta();
        let scan = *self.disk.progress().borrow();
        let members = store.members()?;
        // What a device has that belongs no more is out of reach.
        let belongs =
            |receipt: &Receipt| receipt.device != meta.device && members.contains_key(&receipt.device);
        let receipts = store.receipts()?.into_iter().filter(belongs);
        let receipts: BTreeMap<DeviceId, _> = receipts.map(|receipt| (receipt.device, receipt)).collect();
        let held: Vec<Frontier> = receipts.values().map(Receipt::frontier).collect();
        let frontier = core.frontier();
        let shared = core.shared(frontier);
        let fetch = store.fetch_policy()?;
        let blobs_left = match fetch {
            FetchPolicy::All => 0,
            _ => store.blobs_missing()?.values().filter(|missing| !missing.wanted).count() as u64,
        };
        let blobs_missing = core.blobs_missing() as u64;
        let lacks_records =
            core.to_come() > 0 || held.iter().any(|held| core.shared(held).ahead_of(frontier) > 0);
        let holds_all = members.contains_key(&meta.device) && !lacks_records && blobs_missing == 0;
        let mut held_by = (u64::from(holds_all), members.len().max(1) as u64);
        let mut peers = Vec::new();
        for (device, member) in members.iter().filter(|(device, _)| **device != meta.device) {
            let receipt = receipts.get(device);
            let held = receipt.map(Receipt::frontier).unwrap_or_default();
            // A device holds its own records before anybody else does, whatever its last receipt says.
            let others = shared.tips().filter(|tip| tip.device != *device);
            let records_behind: u64 =
                others.map(|tip| tip.seq.saturating_sub(held.seq(tip.device, tip.volume))).sum();
            let (missing, left) = receipt
                .map_or((0, 0), |r| (r.blobs_missing_count, r.blobs_left_count.min(r.blobs_missing_count)));
            if receipt.is_some() && records_behind == 0 && missing == 0 {
                held_by.0 += 1;
            }
            peers.push(PeerStanding {
                device: device.to_string(),
                name: member.name.clone(),
                connected: self.open_peers.contains(device),
                turned_away: self.turned_away_by.contains(device),
                records_behind,
                blobs_missing: missing,
                blobs_left: left,
            });
        }
        let role = core.role();
        let (problems, problem_count) = self.problems(core, store)?;
        let entries = store.alive_count()?;
        let first_scan = (!self.scanned).then(|| first_scan(scan, entries)).flatten();
        let pending = core.unwritten() as u64;
        // Until everything was looked at, nothing is written: what is pending then may need no writing at all.
        let to_write = if self.scanned { pending } else { 0 };
        let gauges = &mut self.gauges;
        let progress = [
            first_scan,
            gauges.receive.at(Work::Receive, core.to_come()),
            gauges.write.at(Work::Write, to_write),
            gauges.attachments.at(Work::Attachments, blobs_missing.saturating_sub(blobs_left)),
        ];
        let (state, reason) = match &self.failure {
            Some(reason) => ("failed", Some(reason.clone())),
            None if !core.root_is_there() => ("paused", Some(ROOT_LOST.into())),
            None if meta.paused => ("paused", Some("paused by you".into())),
            None if meta.held => ("held", Some(held_in_words(core, store)?)),
            None if meta.mode == Mode::Joining => ("joining", Some("waiting for a peer".into())),
            None if !self.scanned => ("scanning", in_words(&problems, problem_count)),
            None => ("ready", muted(core.journals_left()).or_else(|| in_words(&problems, problem_count))),
        };
        Ok(Standing {
            state,
            reason,
            entries,
            pending,
            unsynced_records: unacknowledged(frontier, meta.device, &store.acknowledged()?, &held),
            blobs_missing,
            blobs_left,
            fetch: fetch.to_string(),
            peers,
            held_by,
            scan,
            progress: progress.into_iter().flatten().collect(),
            problems,
            problem_count,
            role,
            drafts: core.drafts().count() as u64,
            quarantined: core.quarantined() as u64,
        })
    }

    /// What cannot be read or written now: the first of it, and how much there is.
    fn problems(&self, core: &Core, store: &Store) -> Result<(Vec<Problem>, u64), StoreError> {
        let troubles = self.disk.troubles().borrow().clone();
        let count = troubles.count + self.failing.len();
        let mut problems = troubles.first;
        for (entry, reason) in self.failing.iter().take(SHOWN.saturating_sub(problems.len())) {
            let Some(row) = store.entry(entry)? else { continue };
            problems.push(Problem { path: view::path(store, &row)?, reason: reason.clone() });
        }
        let role = core.role().map_or("not a member".to_owned(), |role| format!("a {role}"));
        for path in core.drafts().take(SHOWN.saturating_sub(problems.len())) {
            let reason = format!("not shared: you are {role} here; it stays as it is on this disk");
            problems.push(Problem { path: path.to_string(), reason });
        }
        for entry in core.held_back().iter().take(SHOWN.saturating_sub(problems.len())) {
            let Some(row) = store.entry(entry)? else { continue };
            let reason =
                "not shared: it was written here after your right had ended; an owner can accept it \
                          with `codexd release`"
                    .to_owned();
            problems.push(Problem { path: view::path(store, &row)?, reason });
        }
        Ok((problems, (count + core.drafts().count() + core.held_back().len()) as u64))
    }
}

/// Records of all journals of a device, also those that it does not go on with, that none of the others holds. What they
/// hold of a journal may be another branch of it: `same` says how far it is what is here.
fn unacknowledged(
    frontier: &Frontier,
    own: DeviceId,
    same: &BTreeMap<Volume, u64>,
    held: &[Frontier],
) -> u64 {
    let of = |tip: Tip| {
        let held = held.iter().map(|held| held.seq(own, tip.volume)).max().unwrap_or(0);
        let same = same.get(&tip.volume).copied().unwrap_or(0);
        tip.seq.saturating_sub(held.min(same))
    };
    frontier.tips().filter(|tip| tip.device == own).map(of).sum()
}

/// What the brake holds: how many, and the first of them.
fn held_in_words(core: &Core, store: &Store) -> Result<String, StoreError> {
    let mut paths = Vec::new();
    for id in core.held().take(HELD_SHOWN) {
        if let Some(row) = store.entry(id)? {
            paths.push(format!("`{}`", view::path(store, &row)?));
        }
    }
    let count = core.held().count();
    if count == 0 {
        return Ok(
            "many deletions at once wait for your yes or no; which ones is known after the scan".into()
        );
    }
    let more = if count > paths.len() { format!(" and {} more", count - paths.len()) } else { String::new() };
    let wait = if count == 1 { "1 deletion waits".into() } else { format!("{count} deletions at once wait") };
    Ok(format!("{wait} for your yes or no: {}{more}", paths.join(", ")))
}

/// What the bound on journals of one person means for this device, once it is near.
fn muted(left: usize) -> Option<String> {
    match left {
        0 => Some(
            "nobody takes what this device writes in a new journal: it and others of the same person have begun as many as are taken in of one (each copy and each restored backup begins one); join anew with a new home, its folder can stay"
                .to_owned(),
        ),
        left if left < FEW_JOURNALS => Some(format!(
            "only {left} more copies or restored backups of this device can begin a journal that others take in; join anew with a new home before that"
        )),
        _ => None,
    }
}

fn in_words(problems: &[Problem], count: u64) -> Option<String> {
    let Problem { path, reason } = problems.first()?;
    let more =
        if count > 1 { format!(" (and {} more; see `codexd status`)", count - 1) } else { String::new() };
    Some(format!("`{path}`: {reason}{more}"))
}

/// How far the first look at the folder is: files are found first, and then taken in.
fn first_scan(scan: ScanProgress, entries: u64) -> Option<Progress> {
    if scan.busy {
        return Some(Progress { what: Work::Scan, done: scan.looked_at, total: None });
    }
    let import = Progress { what: Work::Import, done: entries, total: Some(scan.looked_at) };
    (entries < scan.looked_at).then_some(import)
}

#[cfg(test)]
mod tests {
    use codex_crdt_model::ids::RecordHash;

    use super::*;

    /// A frontier of journals of one device.
    fn of(journals: &[(u64, u64)]) -> Frontier {
        let tip = |&(volume, seq)| {
            let (device, volume) = (DeviceId([1; 32]), Volume(volume));
            Tip { device, volume, seq, hash: RecordHash([7; 32]) }
        };
        Frontier::from_tips(journals.iter().map(tip))
    }

    #[test]
    fn a_device_that_nobody_hears_is_told_so_and_before_it_comes_to_that() {
        assert_eq!(muted(FEW_JOURNALS), None);
        assert!(muted(3).unwrap_or_default().contains("only 3 more"));
        assert!(muted(0).unwrap_or_default().contains("nobody takes"));
    }

    #[test]
    fn what_only_this_device_has_is_counted_over_all_its_journals() {
        let here = of(&[(1, 5), (2, 1)]);
        for (same, held, expect) in [
            (&[][..], vec![], 6),
            // A journal that one does not go on with counts.
            (&[(2, 1)], vec![of(&[(2, 1)])], 5),
            (&[(1, 4), (2, 1)], vec![of(&[(1, 4), (2, 1)])], 1),
            // One device has this, another that.
            (&[(1, 5), (2, 1)], vec![of(&[(1, 5)]), of(&[(2, 1)])], 0),
            // They hold another branch.
            (&[(1, 2), (2, 1)], vec![of(&[(1, 5), (2, 1)])], 3),
            // Whoever had it belongs no more.
            (&[(1, 5), (2, 1)], vec![], 6),
        ] {
            let same = same.iter().map(|&(volume, seq)| (Volume(volume), seq)).collect();
            assert_eq!(unacknowledged(&here, DeviceId([1; 32]), &same, &held), expect, "{same:?} {held:?}");
        }
    }
}
