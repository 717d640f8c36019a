//! Surveys: walking the folder, or the paths that were hinted at, and comparing stats with what is known. Nothing
//! is read here; [`super::deliver`] does that.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::time::{Duration, Instant};

use codex_crdt_model::event::Event;
use codex_crdt_model::path::EntryPath;
use rustix::fs::Dir;
use rustix::io::Errno;

use super::ignore::Rules;
use super::look::{self, Lying, What};
use super::root::Root;
use super::worker::{MISSING, SCAN, Waiting, Why, Worker};

/// A folder that appeared is looked at again this much later, when it is surely watched.
const NEW_FOLDER: Duration = Duration::from_millis(500);

/// Why a name is left out.
pub(super) const BAD_NAME: &str =
    "it is left out: its name is not UTF-8, or its path is longer than 4,096 bytes; rename it";

/// What a survey found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// New or changed by their stat; folders before what is in them.
    pub differing: Vec<EntryPath>,
    /// Known, and not met; and whether they are known to have been missing for a while.
    pub gone: BTreeMap<EntryPath, bool>,
    /// Why the paths were looked at, where there is a reason.
    pub hinted: BTreeMap<EntryPath, Why>,
    /// Everything is looked at.
    pub whole: bool,
}

impl Worker {
    /// Looks at everything.
    pub(super) fn scan(&mut self, root: &Root) -> anyhow::Result<()> {
        // What was asked for from here on, another scan answers.
        let number = self.scan_number;
        self.know_again()?;
        self.tell_leftovers(root);
        self.port.shared.progress.send_modify(|progress| (progress.looked_at, progress.read) = (0, 0));
        self.survey += 1;
        let mut rules = Rules::default();
        let mut found = Survey { whole: true, ..Survey::default() };
        self.walk(root, &mut rules, EntryPath::root(), &mut found);
        if !found.gone.is_empty() {
            // Some programs delete and write again. What is back by then is not missing.
            std::thread::sleep(MISSING);
            self.survey_heard_of(root, &mut rules, &mut found);
        }
        let this = self.survey;
        let delivered = self.deliver(root, &mut rules, found);
        if delivered && !self.is_stopping() {
            self.problems.well(SCAN);
            self.problems.looked_at_all(this);
            self.tell(Event::Scanned(number));
        }
        Ok(())
    }

    /// What moved while the walk went on may lie where the walk had been before: what was heard of meanwhile is looked at
    /// too, so that both ends are told together.
    fn survey_heard_of(&mut self, root: &Root, rules: &mut Rules, found: &mut Survey) {
        self.take_in(false);
        for path in self.waiting.keys().cloned().collect::<Vec<_>>() {
            let top = self.top_unknown(&path).unwrap_or(path);
            self.survey_path(root, rules, top, found);
        }
    }

    /// Looks at the paths whose time has come.
    pub(super) fn look_at_due(&mut self) {
        let now = Instant::now();
        if !self.waiting.values().any(|waiting| waiting.due <= now) {
            return;
        }
        self.with_root(|worker, root| {
            if let Err(error) = worker.know() {
                // The scan that is tried again finds what the hints were about.
                tracing::error!("cannot look at changes in {}: {error:#}", worker.path.display());
                worker.waiting.clear();
                return;
            }
            let all = std::mem::take(&mut worker.waiting);
            let (mut due, mut later): (BTreeMap<_, _>, BTreeMap<_, _>) =
                all.into_iter().partition(|(_, waiting)| waiting.due <= now);
            put_off(&mut due, &mut later);
            worker.waiting = later;
            worker.look_at(root, due);
        });
    }

    fn look_at(&mut self, root: &Root, due: BTreeMap<EntryPath, Waiting>) {
        self.survey += 1;
        let mut rules = Rules::default();
        let mut found = Survey::default();
        for (path, waiting) in due {
            found.hinted.insert(path.clone(), waiting.why);
            // A file in a folder that the core has not heard of: the folder comes first.
            let top = self.top_unknown(&path).unwrap_or(path);
            self.survey_path(root, &mut rules, top, &mut found);
        }
        if found.hinted.keys().any(|path| path.name() == super::ignore::RULES) {
            self.scan_soon();
        }
        self.deliver(root, &mut rules, found);
    }

    fn top_unknown(&mut self, path: &EntryPath) -> Option<EntryPath> {
        let mut at = EntryPath::root();
        for name in path.names() {
            at = at.join(name);
            if self.index().at(&at).is_none() {
                return Some(at);
            }
        }
        None
    }

    fn survey_path(&mut self, root: &Root, rules: &mut Rules, path: EntryPath, found: &mut Survey) {
        let survey = self.survey;
        let lying = match root.lying(&path) {
            Ok(Some(lying)) => lying,
            Ok(None) => {
                let confirmed = found.hinted.get(&path) == Some(&Why::Missing);
                found
                    .gone
                    .extend(self.index().unmet(&path, survey).into_iter().map(|path| (path, confirmed)));
                return;
            }
            // Reading says why.
            Err(_) => return found.differing.push(path),
        };
        if rules.ignores_within(root, &path, lying.what == What::Folder) {
            return;
        }
        self.meet(&path, &lying, found);
        if lying.what == What::Folder {
            self.walk(root, rules, path, found);
        }
    }

    fn meet(&mut self, path: &EntryPath, lying: &Lying, found: &mut Survey) {
        let survey = self.survey;
        let same = self.index().meet(path, survey).is_some_and(|known| known.is(lying) && !known.fresh);
        if !same {
            found.differing.push(path.clone());
            if lying.what == What::Folder && !found.whole {
                // What is made in it before it is watched is told by nobody.
                self.wait(path.clone(), NEW_FOLDER, Why::Touched);
            }
        }
    }

    /// Compares a folder and all below with what is known.
    fn walk(&mut self, root: &Root, rules: &mut Rules, top: EntryPath, found: &mut Survey) {
        let mut folders = vec![top.clone()];
        while let Some(folder) = folders.pop() {
            if self.is_stopping() {
                return;
            }
            let listed = root.folder(&folder).and_then(|dir| Ok((list(&dir)?, dir)));
            let (names, dir) = match listed {
                Ok(listed) => listed,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(errno) => {
                    let reason = format!("the folder cannot be listed: {errno}; what is in it is left alone");
                    self.problems.met(folder.as_str(), reason, self.survey);
                    continue;
                }
            };
            let mut inside = Vec::new();
            for name in &names {
                let Some(path) = name.to_str().and_then(|name| joined(&folder, name)) else {
                    let shown = name.to_string_lossy();
                    let at = if folder.is_root() { shown.into_owned() } else { format!("{folder}/{shown}") };
                    self.problems.met(&at, BAD_NAME.to_owned(), self.survey);
                    continue;
                };
                let name = path.name();
                let Ok(Some(lying)) = look::lying(dir.as_fd(), name) else { continue };
                let is_folder = lying.what == What::Folder;
                if rules.ignores(root, &path, is_folder) {
                    continue;
                }
                self.meet(&path, &lying, found);
                if is_folder {
                    inside.push(path);
                }
            }
            folders.extend(inside.into_iter().rev());
            let looked_at = names.len() as u64;
            self.port.shared.progress.send_modify(|progress| progress.looked_at += looked_at);
        }
        let whole = found.whole;
        let unmet = {
            let survey = self.survey;
            self.index().unmet(&top, survey)
        };
        found.gone.extend(unmet.into_iter().map(|path| (path, whole)));
    }
}

/// What is missing is believed once all that was heard of before it was to be believed has been looked at: it may be
/// there. What would be told together with it waits too.
fn put_off(due: &mut BTreeMap<EntryPath, Waiting>, later: &mut BTreeMap<EntryPath, Waiting>) {
    let is_told_together = |waiting: &Waiting| matches!(waiting.why, Why::Missing | Why::Together);
    let missing = due.values().filter(|waiting| waiting.why == Why::Missing);
    let Some(believed) = missing.map(|waiting| waiting.first + MISSING).max() else { return };
    let before = later.values().filter(|other| !is_told_together(other) && other.first <= believed);
    let Some(until) = before.map(|other| other.due).max() else { return };
    for (path, waiting) in due.extract_if(.., |_, waiting| is_told_together(waiting)) {
        later.insert(path, Waiting { due: until, ..waiting });
    }
}

fn joined(folder: &EntryPath, name: &str) -> Option<EntryPath> {
    let path = if folder.is_root() { name.to_owned() } else { format!("{folder}/{name}") };
    EntryPath::parse(&path).ok()
}

/// The names in a folder, sorted.
fn list(dir: &OwnedFd) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    names.sort_unstable();
    Ok(names)
}
