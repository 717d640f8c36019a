//! Text history as ordinary git commits: `git log`, `git blame` and every git tool work on a notebook.
//!
//! Where a folder had no repository, Codex makes one and marks it (`codex.managed` in its config); commits go to
//! its branch. A repository that was the user's own is never committed to: only the ref `refs/codex/history`
//! is written there, HEAD and index are left alone. The records are the truth; this history is a courtesy,
//! and can be dropped and made again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use codex_crdt_model::entry::Content;
use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::store::EntryRow;
use codex_crdt_model::view;
use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, ObjectType, Repository, Signature, Time, TreeWalkMode, TreeWalkResult};

use crate::clock::now_ms;
use crate::store::Reader;

/// A commit is made when nothing has changed for this long …
const QUIET: Duration = Duration::from_secs(30);
/// … or when the first change is this old.
const AT_MOST: Duration = Duration::from_secs(600);
/// Where history goes in a repository that is the user's own.
const OWN_REF: &str = "refs/codex/history";
const MANAGED: &str = "codex.managed";
const REVISION: &str = "Codex-Revision: ";

/// Cloneable handle to the one thread that commits for all notebooks.
#[derive(Debug, Clone)]
pub struct Git {
    commands: mpsc::Sender<Command>,
}

#[derive(Debug)]
enum Command {
    Touched(PathBuf),
    Close(PathBuf, tokio::sync::oneshot::Sender<()>),
}

/// When the changes of one notebook began, and when the last was.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    first: Instant,
    last: Instant,
}

impl Waiting {
    fn due(&self) -> Instant {
        (self.last + QUIET).min(self.first + AT_MOST)
    }
}

impl Git {
    /// Starts the thread. `author` is the name that commits carry.
    pub fn start(author: String) -> std::io::Result<Self> {
        let (commands, inbox) = mpsc::channel();
        std::thread::Builder::new().name("git".into()).spawn(move || run(&inbox, &author))?;
        Ok(Self { commands })
    }

    /// Something changed in the notebook at `root`.
    pub fn touched(&self, root: &Path) {
        // Without the thread there is no history; the records have it.
        let _ = self.commands.send(Command::Touched(root.to_owned()));
    }

    /// Commits what waits for the notebook at `root` and forgets it.
    pub async fn close(&self, root: &Path) {
        let (done, closed) = tokio::sync::oneshot::channel();
        if self.commands.send(Command::Close(root.to_owned(), done)).is_ok() {
            // An error means that the thread has gone.
            let _ = closed.await;
        }
    }
}

fn run(inbox: &mpsc::Receiver<Command>, author: &str) {
    let mut waiting: BTreeMap<PathBuf, Waiting> = BTreeMap::new();
    loop {
        let now = Instant::now();
        let next = waiting.values().map(Waiting::due).min();
        let command = match next {
            None => inbox.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            Some(due) => inbox.recv_timeout(due.saturating_duration_since(now)),
        };
        match command {
            Ok(Command::Touched(root)) => {
                let now = Instant::now();
                waiting.entry(root).or_insert(Waiting { first: now, last: now }).last = now;
            }
            Ok(Command::Close(root, done)) => {
                if waiting.remove(&root).is_some() {
                    commit_and_log(&root, author);
                }
                // Whoever closes may have gone.
                let _ = done.send(());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let now = Instant::now();
                let due: Vec<PathBuf> =
                    waiting.iter().filter(|(_, w)| w.due() <= now).map(|(root, _)| root.clone()).collect();
                for root in due {
                    waiting.remove(&root);
                    commit_and_log(&root, author);
                }
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn commit_and_log(root: &Path, author: &str) {
    if let Err(error) = commit(root, author) {
        tracing::warn!(root = %root.display(), error = %format!("{error:#}"), "git history was not written");
    }
}

/// Commits the texts of a notebook as its store has them now. Returns whether there was anything to commit.
pub fn commit(root: &Path, author: &str) -> anyhow::Result<bool> {
    let reader = Reader::open(&root.join(".codex/store.db"))?;
    let (repository, reference) = repository(root)?;
    let parent = match repository.revparse_single(&reference) {
        Ok(found) => Some(found.peel_to_commit()?),
        // A repository without a commit, or without our ref.
        Err(error) if matches!(error.code(), git2::ErrorCode::NotFound | git2::ErrorCode::UnbornBranch) => {
            None
        }
        Err(error) => return Err(error.into()),
    };
    let done = parent.as_ref().and_then(committed_revision).unwrap_or(0);
    let wanted = texts(&reader)?;
    let present = parent.as_ref().map(paths_of).transpose()?.unwrap_or_default();
    let mut update = TreeUpdateBuilder::new();
    let mut changes = 0;
    let mut revision = done;
    for (path, (id, row)) in &wanted {
        revision = revision.max(row.revision);
        if row.revision > done || !present.contains(path) {
            let text = text_of(&reader, id, row)?;
            update.upsert(path, repository.blob(text.as_bytes())?, FileMode::Blob);
            changes += 1;
        }
    }
    for path in present.iter().filter(|path| !wanted.contains_key(*path)) {
        update.remove(path);
        changes += 1;
    }
    if changes == 0 {
        return Ok(false);
    }
    let before = match &parent {
        Some(commit) => commit.tree()?,
        None => {
            let empty = repository.treebuilder(None)?.write()?;
            repository.find_tree(empty)?
        }
    };
    let tree = repository.find_tree(update.create_updated(&repository, &before)?)?;
    if parent.as_ref().is_some_and(|commit| commit.tree_id() == tree.id()) {
        return Ok(false);
    }
    let who = Signature::new(author, "codex@localhost", &Time::new(now_ms() / 1000, 0))?;
    let message = format!("{changes} changed\n\n{REVISION}{revision}\n");
    let parents: Vec<&Commit<'_>> = parent.iter().collect();
    repository.commit(Some(&reference), &who, &who, &message, &tree, &parents)?;
    if reference == "HEAD" {
        // Else `git status` in our own repository would show every file as deleted.
        let mut index = repository.index()?;
        index.read_tree(&tree)?;
        index.write()?;
    }
    Ok(true)
}

/// The notebook's repository and the ref that history goes to.
fn repository(root: &Path) -> anyhow::Result<(Repository, String)> {
    if root.join(".git").exists() {
        let repository = Repository::open(root)?;
        let managed = repository.config()?.get_bool(MANAGED).unwrap_or(false);
        return Ok((repository, if managed { "HEAD".into() } else { OWN_REF.into() }));
    }
    let repository = Repository::init(root)?;
    // What was deleted is in it; one that is there already is the user's to open or close.
    crate::private::folder(repository.path())?;
    repository.config()?.set_bool(MANAGED, true)?;
    std::fs::write(repository.path().join("info/exclude"), ".codex/\n")?;
    Ok((repository, "HEAD".into()))
}

fn committed_revision(commit: &Commit<'_>) -> Option<u64> {
    commit.message().ok()?.lines().find_map(|line| line.strip_prefix(REVISION))?.parse().ok()
}

fn paths_of(commit: &Commit<'_>) -> anyhow::Result<BTreeSet<String>> {
    let mut paths = BTreeSet::new();
    commit.tree()?.walk(TreeWalkMode::PreOrder, |folder, entry| {
        if entry.kind() == Some(ObjectType::Blob)
            && let Ok(name) = entry.name()
        {
            paths.insert(format!("{folder}{name}"));
        }
        TreeWalkResult::Ok
    })?;
    Ok(paths)
}

/// All texts in the tree, by path.
fn texts(reader: &Reader) -> anyhow::Result<BTreeMap<String, (EntryId, EntryRow)>> {
    let mut rows: BTreeMap<EntryId, EntryRow> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = reader.entries_since(after, 4096)?;
        let Some((_, last)) = page.last() else { break };
        after = last.revision;
        rows.extend(page);
    }
    let mut texts = BTreeMap::new();
    for (id, row) in rows.iter().filter(|(_, row)| row.alive && row.kind == Kind::Text) {
        if let Some(path) = path_in(&rows, id) {
            texts.insert(path, (*id, row.clone()));
        }
    }
    Ok(texts)
}

fn path_in(rows: &BTreeMap<EntryId, EntryRow>, id: &EntryId) -> Option<String> {
    let mut names = Vec::new();
    let mut at = *id;
    while at != EntryId::ROOT && names.len() < codex_crdt_model::limits::DEPTH {
        let row = rows.get(&at)?;
        // Git cannot hold these names.
        if row.place_name.eq_ignore_ascii_case(".git") {
            return None;
        }
        names.push(row.place_name.as_str());
        at = row.place_parent;
    }
    names.reverse();
    Some(names.join("/"))
}

fn text_of(reader: &Reader, id: &EntryId, row: &EntryRow) -> anyhow::Result<String> {
    match view::content(reader, id, row.birth, !row.heads.is_empty())? {
        Content::Text(text) => Ok(text),
        _ => Ok(String::new()),
    }
}

#[cfg(test)]
mod tests;
