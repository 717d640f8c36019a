//! The queue of attachments whose texts are to be read: by a thread of its own, which ends when there are none.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_crdt_model::ids::ContentHash;

use super::follow::Shared;
use crate::extract::{self, Extracted};

/// An attachment to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its bytes.
    pub hash: ContentHash,
    /// What they are.
    pub kind: extract::Kind,
    /// Where they are.
    pub path: PathBuf,
}

/// What waits to be read, and what was.
#[derive(Debug, Default)]
pub struct Extracts {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Job>,
    /// Waiting, or just being read.
    known: BTreeSet<ContentHash>,
    done: Vec<(ContentHash, Option<String>)>,
    is_running: bool,
    stopped: bool,
}

impl Extracts {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was read since it was asked for the last time; nothing for what has no text.
    pub fn take(&self) -> Vec<(ContentHash, Option<String>)> {
        std::mem::take(&mut self.lock().done)
    }

    /// Nothing more is read.
    pub fn stop(&self) {
        let mut inner = self.lock();
        inner.waiting.clear();
        inner.stopped = true;
    }

    fn next(&self) -> Option<Job> {
        let mut inner = self.lock();
        let job = inner.waiting.pop_front();
        inner.is_running = job.is_some();
        job
    }

    fn read(&self, job: &Job, found: Extracted) {
        let mut inner = self.lock();
        inner.known.remove(&job.hash);
        match found {
            Extracted::Text(text) => inner.done.push((job.hash, Some(text))),
            Extracted::Nothing => inner.done.push((job.hash, None)),
            // It is asked for again.
            Extracted::NotYet => {}
        }
    }
}

/// Has these read; the follower is woken when one was.
pub fn read(shared: &Arc<Shared>, jobs: Vec<Job>) {
    let mut inner = shared.extracts.lock();
    for job in jobs {
        if !inner.stopped && inner.known.insert(job.hash) {
            inner.waiting.push_back(job);
        }
    }
    if inner.is_running || inner.waiting.is_empty() {
        return;
    }
    inner.is_running = true;
    drop(inner);
    let of = Arc::clone(shared);
    let work = move || {
        while let Some(job) = of.extracts.next() {
            let found = extract::of_file(&job.path, job.kind, &job.hash);
            let is_there = found != Extracted::NotYet;
            of.extracts.read(&job, found);
            if is_there {
                of.wake();
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("codex-extract".into()).spawn(work) {
        tracing::warn!(%error, "texts of attachments are not read");
        shared.extracts.lock().is_running = false;
    }
}
