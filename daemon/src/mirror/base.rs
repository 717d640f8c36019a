//! The database file: made, opened, thrown away when it cannot be read; a few connections for readers.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use codex_crdt_model::ids::EntryId;
use rusqlite::{Connection, ErrorCode, OptionalExtension};

/// Schema version; a mirror of any other is rebuilt.
const VERSION: i64 = 4;
const SCHEMA: &[&str] =
    &[include_str!("../../migrations/mirror/0001.sql"), include_str!("../../migrations/mirror/0002.sql")];
/// Idle reading connections that are kept.
const POOL: usize = 4;

/// Reading or writing the mirror failed.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// SQLite says so.
    #[error("the mirror failed while {doing}: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The store, where the content comes from, says so.
    #[error(transparent)]
    Store(#[from] codex_crdt_model::store::StoreError),
    /// A query that cannot be answered as it is written.
    #[error("the query cannot be answered: {0}")]
    Query(String),
}

impl MirrorError {
    /// Whether the file itself is bad, so that only building it anew helps.
    pub fn is_damage(&self) -> bool {
        let MirrorError::Database { source: rusqlite::Error::SqliteFailure(error, text), .. } = self else {
            return false;
        };
        // A row that no longer fits its column, or a table that is not there, is damage as well.
        let message = text.as_deref().unwrap_or_default();
        matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            || message.starts_with("no such table")
            || message.starts_with("no such column")
    }
}

/// Says what was being done when SQLite failed.
pub trait Doing<T> {
    /// Adds it.
    fn doing(self, doing: &'static str) -> Result<T, MirrorError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, MirrorError> {
        self.map_err(|source| MirrorError::Database { doing, source })
    }
}

/// Opens the mirror for writing. One that is damaged, of another version, or no mirror at all is deleted and
/// made anew; that is said in the log.
pub fn open_writer(path: &Path) -> Result<Connection, MirrorError> {
    match try_writer(path) {
        Ok(Some(connection)) => return Ok(connection),
        Ok(None) => tracing::warn!(path = %path.display(), "the mirror is of another version; rebuilding it"),
        Err(error @ MirrorError::Database { .. }) => {
            tracing::warn!(path = %path.display(), %error, "the mirror cannot be read; rebuilding it");
        }
        Err(error) => return Err(error),
    }
    delete(path);
    try_writer(path)?.ok_or_else(|| MirrorError::Database {
        doing: "making a new mirror",
        source: rusqlite::Error::InvalidPath(path.to_owned()),
    })
}

fn try_writer(path: &Path) -> Result<Option<Connection>, MirrorError> {
    // What is in the way of it is said by whoever opens it.
    let _ = crate::private::file(path);
    let mut connection = Connection::open(path).doing("opening it")?;
    connection.busy_timeout(std::time::Duration::from_secs(10)).doing("setting a timeout")?;
    connection.set_prepared_statement_cache_capacity(64);
    keep_plans(&connection)?;
    // In WAL mode NORMAL cannot damage the file; what power loss takes away is pulled again from the store.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;
             PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY;",
        )
        .doing("setting it up")?;
    let version: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).doing("opening it")?;
    if version == VERSION {
        connection.query_row("SELECT count(*) FROM state", [], |_| Ok(())).doing("looking at its state")?;
        return Ok(Some(connection));
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .doing("looking at its tables")?;
    if version != 0 || tables != 0 {
        return Ok(None);
    }
    let tx = connection.transaction().doing("making its tables")?;
    for part in SCHEMA {
        tx.execute_batch(part).doing("making its tables")?;
    }
    // Fewer, larger segments while much is imported at once.
    tx.execute("INSERT INTO words (words, rank) VALUES ('hashsize', 8388608)", [])
        .doing("making its tables")?;
    tx.execute(
        "INSERT INTO entries (id, parent, name, sort, kind, media_type, title, size, hash, created, modified,
                              author, changed, birth_position, birth_item, alive)
         VALUES (?1, x'', '', x'', 'folder', 'inode/directory', '', 0, x'', 0, 0, x'', 0, 0, 0, 1)",
        [EntryId::ROOT.0.as_slice()],
    )
    .doing("making its tables")?;
    tx.pragma_update(None, "user_version", VERSION).doing("making its tables")?;
    tx.commit().doing("making its tables")?;
    Ok(Some(connection))
}

/// Statements are prepared once, not anew for every other value that an ORDER BY or LIMIT might depend on.
fn keep_plans(connection: &Connection) -> Result<(), MirrorError> {
    use rusqlite::config::DbConfig;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop).doing("setting it up")
}

/// Deletes the mirror's files.
pub fn delete(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        // What is not there need not be deleted; anything else shows when it is made anew.
        let _ = std::fs::remove_file(PathBuf::from(file));
    }
}

/// A value of the table `state`.
pub fn state<T: rusqlite::types::FromSql>(db: &Connection, key: &str) -> Result<Option<T>, MirrorError> {
    db.prepare_cached("SELECT value FROM state WHERE key = ?1")
        .and_then(|mut statement| statement.query_row([key], |row| row.get(0)).optional())
        .doing("reading its state")
}

/// Sets a value of the table `state`.
pub fn set_state(db: &Connection, key: &str, value: impl rusqlite::ToSql) -> Result<(), MirrorError> {
    db.prepare_cached("INSERT OR REPLACE INTO state (key, value) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute(rusqlite::params![key, value]))
        .map(|_| ())
        .doing("writing its state")
}

/// Idle connections for readers.
#[derive(Debug)]
pub struct Pool {
    path: PathBuf,
    idle: Mutex<(u64, Vec<Connection>)>,
}

impl Pool {
    /// For the mirror at a path.
    pub fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new((0, Vec::new())) }
    }

    /// Runs something on a reading connection, in one transaction: it sees one state.
    pub fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, MirrorError>) -> Result<T, MirrorError> {
        let (age, idle) = {
            let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (idle.0, idle.1.pop())
        };
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.execute_batch("BEGIN").doing("beginning to read")?;
        let answer = ask(&connection);
        connection.execute_batch("COMMIT").doing("ending to read")?;
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.0 == age && idle.1.len() < POOL && answer.is_ok() {
            idle.1.push(connection);
        }
        answer
    }

    fn connect(&self) -> Result<Connection, MirrorError> {
        use rusqlite::OpenFlags;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).doing("opening it to read")?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).doing("setting a timeout")?;
        connection.set_prepared_statement_cache_capacity(64);
        keep_plans(&connection)?;
        connection
            .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;")
            .doing("opening it to read")?;
        Ok(connection)
    }

    /// Forgets all connections: the file has been made anew.
    pub fn renew(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        idle.0 += 1;
        idle.1.clear();
    }
}
