//! Connections for those who read a notebook's store: a few are kept open, until nobody has read for a while.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::{OpenError, Reader};

/// Idle reading connections of a notebook that are kept: opening one costs more than most questions.
const READERS: usize = 4;

/// Of one notebook.
#[derive(Debug)]
pub(super) struct Readers {
    store: PathBuf,
    idle: Mutex<Vec<Reader>>,
    used: Notify,
}

impl Readers {
    pub fn new(root: &Path) -> Self {
        Self { store: root.join(".codex/store.db"), idle: Mutex::default(), used: Notify::new() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads. Blocks.
    pub fn read<T>(&self, work: impl FnOnce(&Reader) -> T) -> Result<T, OpenError> {
        let kept = self.idle().pop();
        let reader = match kept {
            Some(reader) => reader,
            None => Reader::open(&self.store)?,
        };
        let answer = work(&reader);
        let mut idle = self.idle();
        if idle.len() < READERS {
            idle.push(reader);
            self.used.notify_one();
        }
        Ok(answer)
    }

    /// Closes what is only open to be at hand.
    pub fn rest(&self) {
        self.idle().clear();
    }

    /// Waits until somebody has read.
    pub async fn used(&self) {
        self.used.notified().await;
    }
}
