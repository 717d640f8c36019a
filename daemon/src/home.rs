//! The home folder: keys, configuration, run file, lock.

use std::path::PathBuf;

/// An opened and locked home.
#[derive(Debug)]
pub struct Home {
    /// Its folder.
    pub dir: PathBuf,
}
