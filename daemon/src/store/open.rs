//! Opening a store: lock, look without touching, back up, migrate.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use super::OpenError;
use crate::private;

/// Migration `n` makes version `n + 1`.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/store/0001.sql"),
    include_str!("../../migrations/store/0002.sql"),
    include_str!("../../migrations/store/0003.sql"),
    include_str!("../../migrations/store/0004.sql"),
    include_str!("../../migrations/store/0005.sql"),
    include_str!("../../migrations/store/0006.sql"),
    include_str!("../../migrations/store/0007.sql"),
    include_str!("../../migrations/store/0008.sql"),
    include_str!("../../migrations/store/0009.sql"),
];

/// "Codx", in the file's header: no other program's database is taken for a store.
const APPLICATION_ID: i64 = 0x436f_6478;

/// How long a statement waits for another connection's checkpoint or recovery.
const BUSY: Duration = Duration::from_secs(10);

/// The one writing connection, and the lock that makes it the only one.
pub(super) fn writer(path: &Path, migrations: &[&str]) -> Result<(Connection, File), OpenError> {
    let lock = lock(path)?;
    if !path.try_exists().map_err(|e| io(path, e))? {
        create(path, migrations)?;
    }
    let known = version_of(migrations);
    let found = inspect(path, known)?;
    if found < known {
        back_up(path, known)?;
    }
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate(&mut connection, found, migrations).map_err(|e| sqlite(path, &e))?;
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = 1;
         PRAGMA checkpoint_fullfsync = 1; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384;
         PRAGMA temp_store = MEMORY;";
    connection.execute_batch(settings).map_err(|e| sqlite(path, &e))?;
    Ok((connection, lock))
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let known = version_of(MIGRATIONS);
    let found = inspect(path, known)?;
    if found < known {
        let reason = format!("it has version {found}; opening it for writing brings it to version {known}");
        return Err(OpenError::Io { path: path.display().to_string(), reason });
    }
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, OpenError> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| sqlite(path, &e))?;
    connection.busy_timeout(BUSY).map_err(|e| sqlite(path, &e))?;
    // Without it, statements with an ORDER BY are prepared anew for every other value, which costs more than to run them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(|e| sqlite(path, &e))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Held by the open file: the system drops it with the process, however that ends.
fn lock(path: &Path) -> Result<File, OpenError> {
    let at = path.with_file_name("store.lock");
    private::file(&at).map_err(|e| io(&at, e))?;
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&at).map_err(|e| io(&at, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let reason = format!("another process has it open and holds the lock {}", at.display());
            Err(OpenError::Io { path: path.display().to_string(), reason })
        }
        Err(TryLockError::Error(error)) => Err(io(&at, error)),
    }
}

/// Makes a new store beside `path` and moves it there whole, so that a crash leaves none or a good one.
fn create(path: &Path, migrations: &[&str]) -> Result<(), OpenError> {
    let made = beside(path, ".new");
    for suffix in ["", "-journal", "-wal", "-shm"] {
        remove_if_there(&beside(&made, suffix))?;
    }
    // A log without its database belongs to one that was moved away; SQLite would play it into the new one.
    for suffix in ["-journal", "-wal", "-shm"] {
        let stale = beside(path, suffix);
        match fs::rename(&stale, beside(&stale, ".orphan")) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(&stale, error)),
            Ok(()) | Err(_) => {}
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    private::file(&made).map_err(|e| io(&made, e))?;
    let mut connection = connect(&made, flags)?;
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| migrate(&mut connection, 0, migrations))
        .map_err(|e| sqlite(&made, &e))?;
    connection.close().map_err(|(_, e)| sqlite(&made, &e))?;
    publish(&made, path)
}

/// Looks at an existing store without changing it and says its version.
///
/// Only SQLite opens the file: closing any other handle of it would drop the locks that this process's
/// connections hold on it (POSIX locks belong to the process), and another program could then take the log
/// away under them.
fn inspect(path: &Path, known: i64) -> Result<i64, OpenError> {
    let damaged = |reason: String| OpenError::Damaged { path: path.display().to_string(), reason };
    let size = fs::metadata(path).map_err(|e| io(path, e))?.len();
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let number = |name: &str| -> Result<i64, OpenError> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|e| sqlite(path, &e))
    };
    if number("application_id")? != APPLICATION_ID {
        return Err(damaged("it is not a Codex store".to_owned()));
    }
    let found = number("user_version")?;
    if found > known {
        return Err(OpenError::Newer { path: path.display().to_string(), found, known });
    }
    if found < 1 {
        return Err(damaged(format!("its version is {found}, which no version of Codex wrote")));
    }
    let logged = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let needed = number("page_count")?.saturating_mul(number("page_size")?);
    if !logged && i128::from(needed) > i128::from(size) {
        return Err(damaged(format!("it is cut short: {size} bytes of {needed}")));
    }
    // Reads and parses the schema.
    connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .map_err(|e| sqlite(path, &e))?;
    Ok(found)
}

/// Copies the store to `store.db.before-N` before it is brought to version `N`.
fn back_up(path: &Path, version: i64) -> Result<(), OpenError> {
    let target = beside(path, &format!(".before-{version}"));
    copy(&connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?, &target)
}

/// Copies a store as it is at one moment. The copy has its name only once it is whole and synced.
pub(super) fn copy(connection: &Connection, target: &Path) -> Result<(), OpenError> {
    let made = beside(target, ".new");
    remove_if_there(&made)?;
    private::file(&made).map_err(|e| io(&made, e))?;
    connection
        .backup(MAIN_DB, &made, None::<fn(rusqlite::backup::Progress)>)
        .map_err(|e| sqlite(&made, &e))?;
    publish(&made, target)
}

fn migrate(connection: &mut Connection, found: i64, migrations: &[&str]) -> rusqlite::Result<()> {
    for (sql, version) in migrations.iter().zip(1_i64..) {
        if version > found {
            let transaction = connection.transaction()?;
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()?;
        }
    }
    Ok(())
}

fn version_of(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).expect("a handful of migrations")
}

/// Syncs a finished file and gives it its name.
fn publish(made: &Path, target: &Path) -> Result<(), OpenError> {
    let sync = |at: &Path| File::open(at).and_then(|file| file.sync_all()).map_err(|e| io(at, e));
    sync(made)?;
    fs::rename(made, target).map_err(|e| io(target, e))?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    sync(folder.unwrap_or(Path::new(".")))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn io(path: &Path, error: std::io::Error) -> OpenError {
    OpenError::Io { path: path.display().to_string(), reason: error.to_string() }
}

fn sqlite(path: &Path, error: &rusqlite::Error) -> OpenError {
    let (path, reason) = (path.display().to_string(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, reason },
        _ => OpenError::Io { path, reason },
    }
}
