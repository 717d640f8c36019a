//! `system.db`: registered notebooks, invitations, peers' addresses, sessions. One small SQLite file per home.

use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_crdt_model::ids::{DeviceId, NotebookId, UnixMs, Volume};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

mod invites;
mod plugins;

pub use invites::{Asking, Invite, InviteRefused, InviteRow, RequestRow};
pub use plugins::{PluginAnswer, PluginRow, PluginSecret};

/// Numbered, never edited; `PRAGMA user_version` says how many were applied.
const MIGRATIONS: [&str; 7] = [
    include_str!("../migrations/system/0001.sql"),
    include_str!("../migrations/system/0002.sql"),
    include_str!("../migrations/system/0003.sql"),
    include_str!("../migrations/system/0004.sql"),
    include_str!("../migrations/system/0005.sql"),
    include_str!("../migrations/system/0006.sql"),
    include_str!("../migrations/system/0007.sql"),
];

/// Cloneable handle.
#[derive(Debug, Clone)]
pub struct System {
    db: Arc<Mutex<Connection>>,
}

/// What was being done with the home's database, and why it failed.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// Written by a newer version.
    #[error("the database {path} has version {found}, this program knows up to {known}; use a newer codexd")]
    Newer {
        /// Where.
        path: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// It is no database, or not the home's.
    #[error(
        "the home's database {path} is damaged: {reason}; it was left as it is. Restore a backup, or move it away and add your notebooks again"
    )]
    Damaged {
        /// Where.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// SQLite failed.
    #[error("cannot {doing} in the home's database: {source}")]
    Sqlite {
        /// A verb and its object.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file system refuses.
    #[error("cannot use the home's database {path}: {source}")]
    Io {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A path or an id is registered already.
    #[error("the notebook {what} is registered already")]
    Taken {
        /// Which.
        what: String,
    },
    /// A path that is not UTF-8 cannot be kept.
    #[error("a row of the home's database cannot be read: {0}")]
    BadRow(String),
}

/// A registered notebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotebookRow {
    /// Its id.
    pub id: NotebookId,
    /// Unique in this home.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its folder, absolute.
    pub path: String,
    /// Workspace slug.
    pub workspace: String,
    /// When it was registered.
    pub added: UnixMs,
}

/// Which of several notebooks a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant<T> {
    /// This one.
    One(T),
    /// Several are called so.
    Several,
    /// None.
    Nothing,
}

impl NotebookRow {
    /// The one that a key means: by its id, else its slug, else its folder, else a name that no other has. Whoever invites gives a
    /// notebook its name, so a name takes the place of nothing here.
    pub fn meant<'a>(all: impl Iterator<Item = &'a Self> + Clone, key: &str) -> Meant<&'a Self> {
        let by = |fits: fn(&Self, &str) -> bool| all.clone().find(|row| fits(row, key));
        let one = by(|row, key| row.id.to_string() == key)
            .or_else(|| by(|row, key| row.slug == key))
            .or_else(|| by(|row, key| row.path == key));
        if let Some(one) = one {
            return Meant::One(one);
        }
        let mut named = all.filter(|row| row.name == key);
        match (named.next(), named.next()) {
            (Some(one), None) => Meant::One(one),
            (Some(_), Some(_)) => Meant::Several,
            (None, _) => Meant::Nothing,
        }
    }
}

fn doing(what: &'static str) -> impl FnOnce(rusqlite::Error) -> SystemError {
    move |source| SystemError::Sqlite { doing: what, source }
}

fn damaged_or(path: &Path, what: &'static str, source: rusqlite::Error) -> SystemError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            SystemError::Damaged { path: path.display().to_string(), reason: source.to_string() }
        }
        _ => SystemError::Sqlite { doing: what, source },
    }
}

fn connect(path: &Path) -> Result<Connection, SystemError> {
    let db = Connection::open(path).map_err(doing("open the file"))?;
    db.busy_timeout(std::time::Duration::from_secs(5)).map_err(doing("set the timeout"))?;
    db.pragma_update(None, "journal_mode", "WAL")
        .map_err(|error| damaged_or(path, "switch to WAL", error))?;
    db.pragma_update(None, "synchronous", "FULL").map_err(doing("set the sync mode"))?;
    Ok(db)
}

/// Looks at an existing one without changing it and says its version.
///
/// Its first bytes come first: a log beside it could hold all of its pages, and SQLite would then play them over
/// whatever is there. Nobody in this process has it open, so closing it drops no lock.
fn inspect(path: &Path, known: i64) -> Result<i64, SystemError> {
    let shown = path.display().to_string();
    let mut head = [0; 16];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    match read {
        Ok(()) if head == *b"SQLite format 3\0" => {}
        Err(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            return Err(SystemError::Io { path: shown, source });
        }
        Ok(()) | Err(_) => {
            let reason = "it is empty, or no database".to_owned();
            return Err(SystemError::Damaged { path: shown, reason });
        }
    }
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(doing("open the file"))?;
    db.busy_timeout(std::time::Duration::from_secs(5)).map_err(doing("set the timeout"))?;
    let found: i64 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| damaged_or(path, "read the version", error))?;
    if found > known {
        return Err(SystemError::Newer { path: shown, found, known });
    }
    if found < 1 {
        // A new one gets its name only when it is whole.
        let reason = format!("its version is {found}, which no version of Codex wrote");
        return Err(SystemError::Damaged { path: shown, reason });
    }
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .map_err(|error| damaged_or(path, "read the schema", error))?;
    Ok(found)
}

/// Makes a new one beside its place and moves it there whole.
fn make(path: &Path) -> Result<Connection, SystemError> {
    let made = path.with_extension("db.new");
    for suffix in ["", "-wal", "-shm"] {
        let mut old = made.clone().into_os_string();
        old.push(suffix);
        // Most often there is none.
        let _ = std::fs::remove_file(old);
    }
    crate::private::file(&made)
        .map_err(|source| SystemError::Io { path: made.display().to_string(), source })?;
    let mut db = connect(&made)?;
    migrate(&mut db, 0)?;
    db.close().map_err(|(_, error)| doing("close the new file")(error))?;
    std::fs::rename(&made, path)
        .map_err(|source| SystemError::Io { path: path.display().to_string(), source })?;
    connect(path)
}

fn migrate(db: &mut Connection, found: i64) -> Result<(), SystemError> {
    for (number, sql) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let step = db.transaction().map_err(doing("begin a migration"))?;
        step.execute_batch(sql).map_err(doing("apply a migration"))?;
        step.pragma_update(None, "user_version", number).map_err(doing("note a migration"))?;
        step.commit().map_err(doing("commit a migration"))?;
    }
    Ok(())
}

impl System {
    /// Opens or makes it; applies missing migrations; refuses a newer one, and one that is damaged.
    pub fn open(path: &Path) -> Result<Self, SystemError> {
        let known = i64::try_from(MIGRATIONS.len()).expect("a handful of migrations");
        let is_new = !path.exists();
        let found = if is_new { known } else { inspect(path, known)? };
        let mut db = if is_new { make(path)? } else { connect(path)? };
        if found < known {
            let copy = path.with_extension(format!("db.backup-{found}"));
            // What is in the way of it is said by the backup.
            let _ = crate::private::file(&copy);
            db.backup("main", copy, None::<fn(rusqlite::backup::Progress)>)
                .map_err(doing("back up before a migration"))?;
        }
        migrate(&mut db, found)?;
        Ok(Self { db: Arc::new(Mutex::new(db)) })
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        // Every write is one statement, so a panic elsewhere leaves nothing half done.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A setting of the home itself.
    pub fn value(&self, key: &str) -> Result<Option<String>, SystemError> {
        self.db()
            .query_row("SELECT value FROM setting WHERE key = ?1", [key], |row| row.get(0))
            .optional()
            .map_err(doing("read a setting"))
    }

    /// Sets it.
    pub fn set_value(&self, key: &str, value: &str) -> Result<(), SystemError> {
        let sql = "INSERT INTO setting (key, value) VALUES (?1, ?2)
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.db().execute(sql, [key, value]).map_err(doing("write a setting"))?;
        Ok(())
    }

    /// All registered notebooks, in the order in which they were added.
    pub fn notebooks(&self) -> Result<Vec<NotebookRow>, SystemError> {
        let db = self.db();
        let mut query = db
            .prepare("SELECT id, slug, name, path, workspace, added FROM notebook ORDER BY added, slug")
            .map_err(doing("list notebooks"))?;
        let rows = query
            .query_map([], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                ))
            })
            .map_err(doing("list notebooks"))?;
        let mut notebooks = Vec::new();
        for row in rows {
            let (id, slug, name, path, workspace, added) = row.map_err(doing("read a notebook"))?;
            let id = id.parse().map_err(|bad| SystemError::BadRow(format!("{bad}")))?;
            notebooks.push(NotebookRow { id, slug, name, path, workspace, added });
        }
        Ok(notebooks)
    }

    /// A slug for a name that no registered notebook has.
    pub fn free_slug(&self, name: &str) -> Result<String, SystemError> {
        let taken: Vec<String> = self.notebooks()?.into_iter().map(|row| row.slug).collect();
        let base = slug(name);
        let numbered = (1..).map(|number| format!("{base}-{number}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|slug| !taken.contains(slug));
        Ok(free.expect("an endless list holds one that is not in a finite list"))
    }

    /// Registers a notebook.
    pub fn add_notebook(&self, row: &NotebookRow) -> Result<(), SystemError> {
        let sql =
            "INSERT INTO notebook (id, slug, name, path, workspace, added) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = params![row.id.to_string(), row.slug, row.name, row.path, row.workspace, row.added];
        self.db().execute(sql, values).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation) => {
                SystemError::Taken { what: format!("{} ({})", row.name, row.path) }
            }
            _ => doing("register a notebook")(error),
        })?;
        Ok(())
    }

    /// Forgets a notebook and its invitations.
    pub fn remove_notebook(&self, id: &NotebookId) -> Result<(), SystemError> {
        let db = self.db();
        db.execute("DELETE FROM invite WHERE notebook = ?1", [id.to_string()])
            .and_then(|_| db.execute("DELETE FROM notebook WHERE id = ?1", [id.to_string()]))
            .map_err(doing("unregister a notebook"))?;
        Ok(())
    }

    /// Another name, or another workspace, or both.
    pub fn change_notebook(
        &self,
        id: &NotebookId,
        name: Option<&str>,
        workspace: Option<&str>,
    ) -> Result<(), SystemError> {
        let sql = "UPDATE notebook SET name = coalesce(?2, name), workspace = coalesce(?3, workspace) WHERE id = ?1";
        self.db()
            .execute(sql, params![id.to_string(), name, workspace])
            .map_err(doing("change a notebook"))?;
        Ok(())
    }

    /// The newest place of this device's journal in a notebook that was ever noted.
    pub fn high_water(&self, id: &NotebookId) -> Result<Option<(Volume, u64)>, SystemError> {
        let sql = "SELECT volume, seq FROM notebook WHERE id = ?1 AND volume IS NOT NULL";
        let row: Option<(i64, i64)> = self
            .db()
            .query_row(sql, [id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(doing("read a high-water mark"))?;
        Ok(row.map(|(volume, seq)| (Volume(volume.cast_unsigned()), seq.cast_unsigned())))
    }

    /// Notes it; within one volume it only rises.
    pub fn raise_high_water(&self, id: &NotebookId, volume: Volume, seq: u64) -> Result<(), SystemError> {
        let sql = "UPDATE notebook SET volume = ?2, seq = ?3
                   WHERE id = ?1 AND (volume IS NOT ?2 OR seq IS NULL OR seq < ?3)";
        let values = params![id.to_string(), volume.0.cast_signed(), seq.cast_signed()];
        self.db().execute(sql, values).map_err(doing("note a high-water mark"))?;
        Ok(())
    }

    /// Where every known peer was last reached.
    pub fn peer_addresses(&self) -> Result<Vec<(DeviceId, Vec<String>)>, SystemError> {
        let db = self.db();
        let mut query = db
            .prepare("SELECT device, addresses FROM peer_address ORDER BY device")
            .map_err(doing("list peers"))?;
        let rows = query
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .map_err(doing("list peers"))?;
        let mut peers = Vec::new();
        for row in rows {
            let (device, addresses) = row.map_err(doing("read a peer"))?;
            let device = device.parse().map_err(|bad| SystemError::BadRow(format!("{bad}")))?;
            peers.push((device, addresses.lines().map(str::to_owned).collect()));
        }
        Ok(peers)
    }

    /// Notes where a peer was reached.
    pub fn set_peer_addresses(
        &self,
        device: &DeviceId,
        addresses: &[String],
        now: UnixMs,
    ) -> Result<(), SystemError> {
        let sql = "INSERT INTO peer_address (device, addresses, seen) VALUES (?1, ?2, ?3)
                   ON CONFLICT (device) DO UPDATE SET addresses = excluded.addresses, seen = excluded.seen";
        self.db()
            .execute(sql, params![device.to_string(), addresses.join("\n"), now])
            .map_err(doing("note a peer's address"))?;
        Ok(())
    }

    /// Begins a browser session; sweeps out those that are over.
    pub fn add_session(
        &self,
        token: &str,
        csrf: &str,
        now: UnixMs,
        expires: UnixMs,
    ) -> Result<(), SystemError> {
        let db = self.db();
        let sql = "INSERT INTO session (token_hash, csrf, created, expires) VALUES (?1, ?2, ?3, ?4)";
        db.execute("DELETE FROM session WHERE expires < ?1", [now])
            .and_then(|_| db.execute(sql, params![hash(token.as_bytes()), csrf, now, expires]))
            .map_err(doing("begin a session"))?;
        Ok(())
    }

    /// The CSRF value of a session that is not over.
    pub fn session(&self, token: &str, now: UnixMs) -> Result<Option<String>, SystemError> {
        let sql = "SELECT csrf FROM session WHERE token_hash = ?1 AND expires >= ?2";
        self.db()
            .query_row(sql, params![hash(token.as_bytes()), now], |row| row.get(0))
            .optional()
            .map_err(doing("read a session"))
    }
}

/// Lower case, letters and digits, the rest as single `-`.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_alphanumeric() || letter == '_' {
            slug.push(letter);
        } else if (letter.is_whitespace() || letter == '-') && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "notebook".to_owned() } else { slug.to_owned() }
}

fn hash(secret: &[u8]) -> Vec<u8> {
    blake3::derive_key("codex 2026 stored secret", secret).to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    pub(super) fn fresh() -> (tempfile::TempDir, System) {
        let temp = tempfile::tempdir().unwrap();
        let system = System::open(&temp.path().join("system.db")).unwrap();
        (temp, system)
    }

    fn row(number: u8, slug: &str) -> NotebookRow {
        NotebookRow {
            id: NotebookId([number; 32]),
            slug: slug.into(),
            name: slug.into(),
            path: format!("/n/{number}"),
            workspace: "default".into(),
            added: 1,
        }
    }

    #[test]
    fn slugs_are_plain_and_unique() {
        for (name, expect) in [
            ("Lab Journal", "lab-journal"),
            ("  A  --  B! ", "a-b"),
            ("Grün & Blau", "grün-blau"),
            ("???", "notebook"),
        ] {
            assert_eq!(slug(name), expect);
        }
        let (_temp, system) = fresh();
        system.add_notebook(&row(1, "lab")).unwrap();
        assert_eq!(system.free_slug("Lab").unwrap(), "lab-1");
    }

    #[test]
    fn one_folder_is_registered_once() {
        let (_temp, system) = fresh();
        system.add_notebook(&row(1, "lab")).unwrap();
        let twin = NotebookRow { id: NotebookId([2; 32]), slug: "other".into(), ..row(1, "lab") };
        assert!(matches!(system.add_notebook(&twin), Err(SystemError::Taken { .. })));
        assert_eq!(system.notebooks().unwrap(), [row(1, "lab")]);
    }

    #[test]
    fn a_high_water_mark_only_rises_within_its_volume() {
        let (_temp, system) = fresh();
        let id = NotebookId([1; 32]);
        system.add_notebook(&row(1, "lab")).unwrap();
        assert_eq!(system.high_water(&id).unwrap(), None);
        for (volume, seq, expect) in [(u64::MAX, 5, 5), (u64::MAX, 3, 5), (u64::MAX, 8, 8), (2, 1, 1)] {
            system.raise_high_water(&id, Volume(volume), seq).unwrap();
            assert_eq!(system.high_water(&id).unwrap(), Some((Volume(volume), expect)));
        }
    }

    /// losses.md L27: what cannot be read is neither repaired nor replaced.
    #[test]
    fn a_damaged_database_is_refused_and_left_byte_for_byte() {
        let (temp, system) = fresh();
        system.add_notebook(&row(1, "lab")).unwrap();
        drop(system);
        let path = temp.path().join("system.db");
        let good = std::fs::read(&path).unwrap();
        let garbage = b"not a database at all, but long enough to look like a file".to_vec();
        let headless = [&[0; 100][..], &good[100..]].concat();
        for bytes in [garbage, Vec::new(), headless] {
            std::fs::write(&path, &bytes).unwrap();
            let error = System::open(&path).unwrap_err().to_string();
            assert!(error.contains("damaged") && error.contains("left as it is"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
        std::fs::write(&path, &good).unwrap();
        assert_eq!(System::open(&path).unwrap().notebooks().unwrap(), [row(1, "lab")]);
    }

    /// losses.md L29
    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let (temp, system) = fresh();
        system.db().pragma_update(None, "user_version", 99).unwrap();
        drop(system);
        let error = System::open(&temp.path().join("system.db")).unwrap_err().to_string();
        assert!(error.contains("version 99") && error.contains("newer codexd"), "{error}");
    }

    #[test]
    fn a_session_ends() {
        let (_temp, system) = fresh();
        system.add_session("token", "csrf", 0, 10).unwrap();
        assert_eq!(system.session("token", 10).unwrap().as_deref(), Some("csrf"));
        assert_eq!(system.session("token", 11).unwrap(), None);
        assert_eq!(system.session("other", 1).unwrap(), None);
    }
}
