//! What is the user's alone on a machine that others use too: Codex's own folders, and the databases with all that was ever
//! written. Whoever may read the notebook's folder reads its files as they are; what was deleted, said and sealed is in here.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The rights of the group and of everybody else.
const OTHERS: u32 = 0o077;

/// Makes a folder that only the user can look into; one that is there becomes so.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    close(path);
    Ok(())
}

/// Makes an empty file that only the user reads, for a database to be made in: SQLite gives what it puts beside it the same
/// rights.
pub fn file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Takes the rights of others from the files in a folder whose names begin so.
pub fn files(folder: &Path, beginnings: &[&str]) {
    for item in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = item.file_name();
        let is_ours = beginnings.iter().any(|beginning| name.to_string_lossy().starts_with(beginning));
        if is_ours && item.file_type().is_ok_and(|kind| kind.is_file()) {
            close(&item.path());
        }
    }
}

/// Takes the rights of others from something that is there.
///
/// By name: opening a database beside SQLite would take away its locks. What another account owns, or a file system without
/// rights, stays as it is.
pub fn close(path: &Path) {
    let Ok(mode) = fs::metadata(path).map(|stat| stat.permissions().mode() & 0o7777) else { return };
    if mode & OTHERS == 0 {
        return;
    }
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)) {
        tracing::warn!(path = %path.display(), %error, "others on this machine may read this");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_open_to_others_is_closed_and_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let own = temp.path().join(".codex");
        fs::create_dir(&own).unwrap();
        fs::set_permissions(&own, Permissions::from_mode(0o775)).unwrap();
        for name in ["store.db", "store.db-wal", "store.db.before-3", "notebook"] {
            fs::write(own.join(name), "x").unwrap();
            fs::set_permissions(own.join(name), Permissions::from_mode(0o664)).unwrap();
        }
        folder(&own).unwrap();
        file(&own.join("store.db")).unwrap();
        file(&own.join("new.db")).unwrap();
        files(&own, &["store."]);
        assert_eq!(mode(&own), 0o700);
        assert_eq!(fs::read(own.join("store.db")).unwrap(), b"x");
        for name in ["store.db", "store.db-wal", "store.db.before-3", "new.db"] {
            assert_eq!(mode(&own.join(name)), 0o600, "{name}");
        }
        assert_eq!(mode(&own.join("notebook")), 0o664);
    }
}
