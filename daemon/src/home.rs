//! The home folder: keys, configuration, run file, lock. Knows nothing of notebooks.
//!
//! `--home DIR` or `CODEX_HOME` puts everything below one folder; otherwise `$XDG_DATA_HOME/codex` holds the
//! data and `$XDG_CONFIG_HOME/codex/config.toml` the settings.

pub mod config;
pub mod example;
pub mod key;
pub mod recovery;
pub mod run_file;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::private;
use crate::system::{System, SystemError};
pub use config::Config;
pub use key::AskPassphrase;
pub use run_file::RunFile;

/// Where a home is, whether or not it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The data folder.
    pub dir: PathBuf,
    /// The settings.
    pub config: PathBuf,
}

/// An opened and locked home.
#[derive(Debug)]
pub struct Home {
    /// Its folder.
    pub dir: PathBuf,
    config: Config,
    secret: [u8; 32],
    system: System,
    fingerprint: String,
    copied: bool,
    // Held for as long as the home is open; the system releases it when the process ends.
    _lock: File,
}

/// Why a home does not open.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Neither an option nor the environment says where it is.
    #[error(
        "cannot find the home folder: neither HOME, XDG_DATA_HOME nor CODEX_HOME is set; give --home DIR"
    )]
    Nowhere,
    /// Somebody else runs on it.
    #[error(
        "another codexd (pid {pid}) runs on the home {dir}; use it, or stop it first, or give another --home"
    )]
    Busy {
        /// Its process id, `?` if it could not be read.
        pid: String,
        /// Which home.
        dir: String,
    },
    /// The file system refuses.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// A verb.
        doing: &'static str,
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The settings cannot be read.
    #[error(
        "cannot read the settings {path}: {reason}; correct the file, or move it away to get the defaults"
    )]
    Config {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// The key is not a key.
    #[error(
        "the device key {path} is damaged (64 hex digits are expected, or the four lines of a locked key); restore it from a backup. A new key would be a new device"
    )]
    Key {
        /// Where.
        path: String,
    },
    /// The key is locked, and nobody can be asked for the passphrase.
    #[error(
        "the device key {path} is locked with a passphrase: start codexd on a terminal, or give --passphrase-file FILE"
    )]
    KeyLocked {
        /// Where.
        path: String,
    },
    /// The passphrase is another.
    #[error("the device key {path} does not open with this passphrase; try again, nothing was changed")]
    Passphrase {
        /// Where the key is.
        path: String,
    },
    /// The home's database does not open.
    #[error(transparent)]
    System(#[from] SystemError),
}

impl HomeError {
    /// A terminal that cannot be read.
    pub(crate) fn reading_passphrase(source: std::io::Error) -> Self {
        Self::Io { doing: "read the passphrase from", path: "the terminal".to_owned(), source }
    }
}

/// Makes an io error say what was being done.
pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HomeError {
    move |source| HomeError::Io { doing, path: path.display().to_string(), source }
}

impl Place {
    /// From the option, `CODEX_HOME`, or the XDG folders.
    pub fn find(dir: Option<&Path>) -> Result<Self, HomeError> {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(dir) = dir.map(Path::to_owned).or_else(|| var("CODEX_HOME")) {
            return Ok(Self::at(std::path::absolute(&dir).map_err(io("use the home", &dir))?));
        }
        let home = var("HOME");
        let under = |name: &str, rest: &str| {
            var(name).or_else(|| home.as_ref().map(|home| home.join(rest))).ok_or(HomeError::Nowhere)
        };
        Ok(Self {
            dir: under("XDG_DATA_HOME", ".local/share")?.join("codex"),
            config: under("XDG_CONFIG_HOME", ".config")?.join("codex").join("config.toml"),
        })
    }

    /// Everything in one folder.
    pub fn at(dir: PathBuf) -> Self {
        Self { config: dir.join("config.toml"), dir }
    }

    /// The run file of the daemon that runs here.
    pub fn run_file(&self) -> PathBuf {
        self.dir.join("run").join("daemon.json")
    }

    /// The device key.
    pub fn device_key(&self) -> PathBuf {
        self.dir.join("device.key")
    }

    /// Which authority stamps seals, and whom to believe.
    pub fn timestamps(&self) -> PathBuf {
        self.dir.join("timestamps.toml")
    }

    /// The home's database.
    pub fn system_db(&self) -> PathBuf {
        self.dir.join("system.db")
    }

    /// Where the blob store lies.
    pub fn blobs_dir(&self) -> PathBuf {
        self.dir.join("blobs")
    }
}

impl Home {
    /// Opens (or makes) the home that the option or the environment names, and locks it.
    pub fn open(dir: Option<&Path>) -> Result<Self, HomeError> {
        Self::open_at(Place::find(dir)?)
    }

    /// Opens (or makes) the home at a place, and locks it. The device key must not have a passphrase.
    pub fn open_at(place: Place) -> Result<Self, HomeError> {
        Self::open_with(place, &key::nobody)
    }

    /// As [`Self::open_at`]; a passphrase is asked for if the device key has one.
    pub fn open_with(place: Place, ask: AskPassphrase<'_>) -> Result<Self, HomeError> {
        make_folder(&place.dir)?;
        // The home itself may be a folder that the user made for more than this.
        for own in ["run", "tmp", "blobs"].map(|name| place.dir.join(name)) {
            private::folder(&own).map_err(io("make the folder", &own))?;
        }
        private::files(&place.dir, &["system.db"]);
        let lock = lock(&place.dir)?;
        sweep(&place.dir.join("tmp"));
        let config = Config::load_or_make(&place.config)?;
        let secret = key::read_or_make(&place.device_key(), ask)?;
        let system = System::open(&place.system_db())?;
        let fingerprint = fingerprint(&place.dir)?;
        let known = system.value("fingerprint")?;
        let copied = known.as_ref().is_some_and(|known| *known != fingerprint);
        if known.is_none() {
            system.set_value("fingerprint", &fingerprint)?;
        }
        Ok(Self { dir: place.dir, config, secret, system, fingerprint, copied, _lock: lock })
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The device key's 32 secret bytes.
    pub fn secret(&self) -> [u8; 32] {
        self.secret
    }

    /// The home's database.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// Names this folder on this machine.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether the folder is not the one it was when [`Home::settle`] was last called: copied, restored or
    /// moved to another machine. Every notebook must then begin a fresh volume.
    pub fn copied(&self) -> bool {
        self.copied
    }

    /// What had to be done because of [`Home::copied`] is done and durable.
    pub fn settle(&self) -> Result<(), SystemError> {
        self.system.set_value("fingerprint", &self.fingerprint)
    }

    /// Where the blob store lies.
    pub fn blobs_dir(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    /// Where notebooks that were joined without a path lie.
    pub fn notebooks_dir(&self) -> PathBuf {
        self.dir.join("notebooks")
    }

    /// Which authority stamps seals, and whom to believe.
    pub fn timestamps(&self) -> PathBuf {
        self.dir.join("timestamps.toml")
    }

    /// For files that live as long as one request; emptied at start.
    pub fn tmp_dir(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    /// The run file.
    pub fn run_file(&self) -> PathBuf {
        self.dir.join("run").join("daemon.json")
    }
}

fn make_folder(path: &Path) -> Result<(), HomeError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io("make the folder", path))
}

fn lock(dir: &Path) -> Result<File, HomeError> {
    let path = dir.join("run").join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(io("open the lock", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let readable = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
            let pid = if readable { pid.trim().to_owned() } else { "?".to_owned() };
            return Err(HomeError::Busy { pid, dir: dir.display().to_string() });
        }
        Err(TryLockError::Error(source)) => return Err(io("lock", &path)(source)),
    }
    file.set_len(0).map_err(io("write the lock", &path))?;
    file.rewind().map_err(io("write the lock", &path))?;
    write!(file, "{}", std::process::id()).map_err(io("write the lock", &path))?;
    Ok(file)
}

fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        // What cannot be removed is only waste; the next start tries again.
        let _ = fs::remove_file(entry.path());
    }
}

/// Writes a file that only the user may read, atomically and durably.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let aside = path.with_extension("new");
    let _ = fs::remove_file(&aside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .map_err(io("write", &aside))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io("write", &aside))?;
    fs::rename(&aside, path).map_err(io("put in place", path))?;
    if let Some(parent) = path.parent() {
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(io("sync", parent))?;
    }
    Ok(())
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source is always there once it has started");
    bytes
}

fn fingerprint(dir: &Path) -> Result<String, HomeError> {
    let stat = fs::metadata(dir).map_err(io("look at", dir))?;
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    // Not the number of the file system: that may be another one after each start of the machine.
    let born = stat.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Ok(format!("{}:{}:{}", machine.trim(), stat.ino(), born.as_nanos()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_home_and_its_key_are_private_and_the_key_stays() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("home");
        let first = Home::open(Some(&dir)).unwrap();
        assert_eq!(mode(&dir), 0o700);
        for folder in ["run", "tmp", "blobs"] {
            assert_eq!(mode(&dir.join(folder)), 0o700, "{folder}");
        }
        for file in ["device.key", "system.db"] {
            assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
        }
        let secret = first.secret();
        drop(first);
        assert_eq!(Home::open(Some(&dir)).unwrap().secret(), secret);
    }

    /// losses.md L49
    #[test]
    fn a_second_daemon_is_told_who_runs() {
        let temp = tempfile::tempdir().unwrap();
        let _first = Home::open(Some(temp.path())).unwrap();
        let error = Home::open(Some(temp.path())).unwrap_err().to_string();
        assert!(error.starts_with(&format!("another codexd (pid {})", std::process::id())), "{error}");
    }

    /// losses.md L27
    #[test]
    fn a_damaged_key_is_never_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let key = temp.path().join("device.key");
        for bytes in [b"not hex".as_slice(), b"", b"\xff\xfe", b"00ff"] {
            fs::write(&key, bytes).unwrap();
            assert!(matches!(Home::open(Some(temp.path())), Err(HomeError::Key { .. })));
            assert_eq!(fs::read(&key).unwrap(), bytes);
        }
    }

    /// losses.md L5
    #[test]
    fn a_copied_home_is_noticed_until_it_is_settled() {
        let temp = tempfile::tempdir().unwrap();
        let (first, second) = (temp.path().join("a"), temp.path().join("b"));
        drop(Home::open(Some(&first)).unwrap());
        assert!(!Home::open(Some(&first)).unwrap().copied());
        fs::create_dir(&second).unwrap();
        for name in ["system.db", "device.key", "config.toml"] {
            fs::copy(first.join(name), second.join(name)).unwrap();
        }
        let copy = Home::open(Some(&second)).unwrap();
        assert!(copy.copied());
        drop(copy);
        let copy = Home::open(Some(&second)).unwrap();
        assert!(copy.copied(), "noticed again until it is settled");
        copy.settle().unwrap();
        drop(copy);
        assert!(!Home::open(Some(&second)).unwrap().copied());
    }

    #[test]
    fn settings_that_cannot_be_read_are_named() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("config.toml"), "listen = 7\n").unwrap();
        let error = Home::open(Some(temp.path())).unwrap_err().to_string();
        assert!(error.contains("config.toml") && error.contains("listen"), "{error}");
    }
}
