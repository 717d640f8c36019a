//! Notices when a file in the plugin folder changes.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

/// What an editor does in one go is one change.
const QUIET: Duration = Duration::from_millis(200);

/// Nothing until somebody wants to know.
#[derive(Debug, Default)]
pub struct Watching {
    watcher: Option<RecommendedWatcher>,
}

impl Watching {
    /// Calls `told` after changes, until this is dropped. A folder that cannot be watched is looked at when it is asked for.
    pub fn begin(&mut self, folder: &Path, told: impl Fn() + Send + 'static) {
        if self.watcher.is_some() {
            return;
        }
        let (seen, changes) = mpsc::channel();
        let begun = fs::create_dir_all(folder).map_err(|why| why.to_string()).and_then(|()| {
            let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // What is only read is no change.
                if !event.is_ok_and(|event| event.kind.is_access()) {
                    let _ = seen.send(());
                }
            })
            .map_err(|why| why.to_string())?;
            watcher.watch(folder, RecursiveMode::Recursive).map_err(|why| why.to_string())?;
            Ok(watcher)
        });
        match begun {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                std::thread::spawn(move || {
                    while changes.recv().is_ok() {
                        while changes.recv_timeout(QUIET).is_ok() {}
                        told();
                    }
                });
            }
            Err(why) => tracing::warn!(folder = %folder.display(), why, "the plugin folder is not watched"),
        }
    }
}
