//! The worker against real folders. The core is played by a table of bases that believes what it is told.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_crdt_model::effect::{DiskAction, DiskOp, DiskOutcome};
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::{Event, Observation, Seen};
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::{BaseRow, Image, Stat};
use tokio::sync::mpsc;

use super::{Disk, Told};
use crate::blobs::Blobs;

mod hint;
mod op;
mod scan;

/// Paths and what the core believes to lie there.
pub(crate) type Believed = Arc<Mutex<BTreeMap<String, (Stat, ContentHash, Kind)>>>;

/// A notebook folder, its worker, and what the core believes.
pub(crate) struct World {
    pub dir: tempfile::TempDir,
    pub disk: Disk,
    pub blobs: Blobs,
    pub events: mpsc::Receiver<Told>,
    pub believed: Believed,
}

pub(crate) fn path(text: &str) -> EntryPath {
    text.parse().unwrap()
}

/// The entry that the played core makes at a path.
pub(crate) fn entry(path: &str) -> EntryId {
    if path.is_empty() { EntryId::ROOT } else { EntryId(ContentHash::of(path.as_bytes()).0) }
}

pub(crate) fn hash(text: &str) -> ContentHash {
    ContentHash::of(text.as_bytes())
}

fn rows(believed: &Believed) -> Vec<(EntryId, BaseRow)> {
    let row = |(at, (stat, hash, kind)): (&String, &(Stat, ContentHash, Kind))| {
        let at = path(at);
        let image = Image { heads: Vec::new(), hash: *hash, kind: *kind };
        let row = BaseRow {
            parent: entry(at.parent().unwrap().as_str()),
            name: at.name().to_owned(),
            confirmed: Some(image),
            intended: None,
            stat: *stat,
            seen_at: 0,
        };
        (entry(at.as_str()), row)
    };
    believed.lock().unwrap().iter().map(row).collect()
}

/// What is in a folder that moved lies elsewhere now.
fn take_along(believed: &mut BTreeMap<String, (Stat, ContentHash, Kind)>, from: &str, to: &str) {
    let moved = |path: String| match path.strip_prefix(&format!("{from}/")) {
        Some(rest) => format!("{to}/{rest}"),
        None => path,
    };
    *believed = std::mem::take(believed).into_iter().map(|(path, row)| (moved(path), row)).collect();
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A notebook in a folder that is prepared before the worker starts.
    pub async fn with(prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("notebook");
        std::fs::create_dir_all(root.join(".codex")).unwrap();
        std::fs::write(root.join(".codex/notebook"), "1").unwrap();
        prepare(&root);
        let blobs = Blobs::open(dir.path().join("blobs")).await.unwrap();
        let (sender, events) = mpsc::channel(1 << 16);
        let believed = Believed::default();
        let asked = believed.clone();
        let bases = Box::new(move || Ok(rows(&asked)));
        let disk = Disk::start_with(root, blobs.clone(), sender, bases).unwrap();
        Self { dir, disk, blobs, events, believed }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("notebook")
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        std::fs::write(self.at(path), bytes).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// The next event; the played core takes it in.
    pub async fn next(&mut self) -> Event {
        let event = loop {
            let told = tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await;
            match told.expect("an event comes within 20 s").expect("the worker lives") {
                Told::Event(event) => break event,
                Told::Barrier(answer) => answer.send(()).expect("the worker waits"),
            }
        };
        if let Event::Observed(batch) = &event {
            assert!(batch.len() <= 256, "a batch of {}", batch.len());
            self.believe_moves(batch);
            for observation in batch {
                self.believe(observation);
            }
        }
        event
    }

    /// A folder that went and came in one batch takes along what is in it.
    fn believe_moves(&self, batch: &[Observation]) {
        let mut believed = self.believed.lock().unwrap();
        for Observation { path: to, seen } in batch {
            let Seen::Folder(stat) = seen else { continue };
            let went = |path: &str| batch.iter().any(|o| o.path.as_str() == path && o.seen == Seen::Missing);
            let known = believed.iter().find(|(path, (old, ..))| old.inode == stat.inode && went(path));
            let Some(from) = known.map(|(path, _)| path.clone()) else { continue };
            take_along(&mut believed, &from, to.as_str());
        }
    }

    /// The played core takes in that an operation moved something.
    pub fn believe_moved(&self, from: &str, to: &str) {
        let mut believed = self.believed.lock().unwrap();
        if let Some(row) = believed.remove(from) {
            believed.insert(to.to_owned(), row);
        }
        take_along(&mut believed, from, to);
    }

    fn believe(&self, Observation { path, seen }: &Observation) {
        let mut believed = self.believed.lock().unwrap();
        if *seen == Seen::Missing {
            believed.remove(path.as_str());
        } else if let Some(known) = super::known::Known::of(seen) {
            believed.insert(path.as_str().to_owned(), (known.stat, known.hash, known.kind));
        }
    }

    /// The next batch of observations.
    pub async fn observed(&mut self) -> Vec<Observation> {
        match self.next().await {
            Event::Observed(batch) => batch,
            other => panic!("expected observations, got {other:?}"),
        }
    }

    /// Scans; all batches until the end of it.
    pub async fn scan(&mut self) -> Vec<Vec<Observation>> {
        self.disk.scan();
        let mut batches = Vec::new();
        loop {
            match self.next().await {
                Event::Observed(batch) => batches.push(batch),
                Event::Scanned(_) => return batches,
                other => panic!("expected a scan, got {other:?}"),
            }
        }
    }

    pub fn hint(&self, paths: &[&str], finished: bool) {
        self.disk.hint(paths.iter().map(|path| self.at(path)).collect(), finished);
    }

    /// Everything told until the worker has nothing left to do.
    pub async fn until_idle(&mut self) -> Vec<Observation> {
        let mut progress = self.disk.progress();
        let mut all = Vec::new();
        loop {
            let idle =
                tokio::time::timeout(Duration::from_secs(20), progress.wait_for(|progress| !progress.busy));
            tokio::select! {
                biased;
                batch = self.observed() => all.extend(batch),
                rested = idle => {
                    rested.expect("it comes to rest within 20 s").unwrap();
                    break;
                }
            }
        }
        while !self.events.is_empty() {
            all.extend(self.observed().await);
        }
        all
    }

    pub async fn run(&mut self, ops: Vec<DiskOp>) -> Vec<DiskOutcome> {
        self.disk.run(ops);
        self.done().await
    }

    /// The next results; what is observed before them is passed over.
    pub async fn done(&mut self) -> Vec<DiskOutcome> {
        loop {
            match self.next().await {
                Event::DiskDone(results) => {
                    return results.into_iter().map(|result| result.outcome).collect();
                }
                Event::Observed(_) => {}
                other => panic!("expected results, got {other:?}"),
            }
        }
    }

    /// Runs one operation.
    pub async fn one(&mut self, at: &str, action: DiskAction) -> DiskOutcome {
        self.run(vec![DiskOp { entry: entry(at), path: path(at), action }]).await.remove(0)
    }

    /// What lies in the folder for temporary files.
    pub fn aside(&self) -> Vec<String> {
        let listed = std::fs::read_dir(self.at(".codex/tmp")).unwrap();
        listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

pub(crate) fn write(text: &str, expect: Option<&str>) -> DiskAction {
    DiskAction::Write { content: Content::Text(text.to_owned()), expect: expect.map(hash) }
}

/// Observations in short: path and content, sorted.
pub(crate) fn short(batch: &[Observation]) -> Vec<String> {
    let mut short: Vec<String> = batch
        .iter()
        .map(|Observation { path, seen }| match seen {
            Seen::Missing => format!("{path} missing"),
            Seen::Folder(_) => format!("{path}/"),
            Seen::Text(_, text) => format!("{path} = {text}"),
            Seen::Blob(_, hash) => format!("{path} blob {}", hash.short()),
            Seen::Symlink(_, target) => format!("{path} -> {target}"),
            Seen::Unreadable(_) => format!("{path} unreadable"),
            Seen::Special => format!("{path} special"),
        })
        .collect();
    short.sort();
    short
}
