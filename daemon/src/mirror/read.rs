//! Plain questions: one entry, one folder, one path, all tags.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId, UnixMs};
use codex_crdt_model::path::EntryPath;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::base::{Doing, MirrorError};
use super::index::id_of;
use super::properties::Properties;
use super::{Mirror, text};

/// Folders above an entry, at most.
const DEPTH: usize = codex_crdt_model::limits::DEPTH + 1;
/// Folder paths kept.
const FOLDERS: usize = 50_000;
/// Entries on one page, at most.
const PAGE: usize = 10_000;

/// Everything known about one entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryInfo {
    /// Its id, hex.
    #[serde(serialize_with = "hex")]
    pub id: EntryId,
    /// Where it is in the tree.
    pub path: EntryPath,
    /// Its folder, hex; the root has itself.
    #[serde(serialize_with = "hex")]
    pub parent: EntryId,
    /// Its name.
    pub name: String,
    /// `text`, `blob`, `folder` or `symlink`.
    pub kind: String,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of its bytes, hex.
    #[serde(serialize_with = "hex")]
    pub hash: ContentHash,
    /// Property `title`, else the first heading, else the name.
    pub title: String,
    /// Merged properties.
    pub properties: Properties,
    /// Its tags.
    pub tags: Vec<String>,
    /// What is wrong with its properties, in words.
    pub warnings: Vec<String>,
    /// Claimed time of its birth, milliseconds since 1970.
    pub created: UnixMs,
    /// Claimed time of the last change.
    pub modified: UnixMs,
    /// Device that made the last change, hex.
    #[serde(serialize_with = "hex")]
    pub author: DeviceId,
    /// Whether it is in the tree.
    pub alive: bool,
    /// The entry whose properties it holds, hex: such a one is not listed.
    #[serde(serialize_with = "hex_option")]
    pub sidecar_of: Option<EntryId>,
}

/// Writes an id as hex.
pub fn hex<T: std::fmt::Display, S: serde::Serializer>(id: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// Writes an id as hex, or null.
pub fn hex_option<T: std::fmt::Display, S: serde::Serializer>(
    id: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}

/// One entry in a folder's list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// The entry.
    #[serde(flatten)]
    pub entry: EntryInfo,
    /// How many entries it lists itself; 0 for what is no folder.
    pub children: u64,
}

/// A part of a folder's list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// Folders first, then by name.
    pub entries: Vec<Listed>,
    /// Give this for the rest; `None` at the end.
    pub cursor: Option<String>,
}

/// A tag and how many entries carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// Entries.
    pub count: u64,
}

/// Paths of folders, remembered until a folder changes.
#[derive(Debug, Default)]
pub struct Folders {
    age: AtomicU64,
    paths: Mutex<BTreeMap<EntryId, EntryPath>>,
}

impl Folders {
    /// Forgets all.
    pub fn clear(&self) {
        self.age.fetch_add(1, Ordering::AcqRel);
        self.lock().clear();
    }

    /// A look at the folders, begun before the database is read: what it finds is only remembered if no folder
    /// changed meanwhile.
    pub fn look(&self) -> Look<'_> {
        Look { folders: self, age: self.age.load(Ordering::Acquire) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<EntryId, EntryPath>> {
        self.paths.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// See [`Folders::look`].
pub struct Look<'a> {
    folders: &'a Folders,
    age: u64,
}

impl Look<'_> {
    /// The path of a folder; of one that is nowhere, its own name. Found by walking up.
    pub fn folder(&self, db: &Connection, id: &EntryId) -> Result<EntryPath, MirrorError> {
        let mut names = Vec::new();
        let mut seen = BTreeSet::new();
        let mut at = *id;
        let mut path = loop {
            if at == EntryId::ROOT || names.len() >= DEPTH || !seen.insert(at) {
                break EntryPath::root();
            }
            if let Some(path) = self.folders.lock().get(&at) {
                break path.clone();
            }
            let found: Option<(Vec<u8>, String)> = db
                .prepare_cached("SELECT parent, name FROM entries WHERE id = ?1")
                .and_then(|mut s| {
                    s.query_row([at.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
                })
                .doing("finding a path")?;
            let Some((parent, name)) = found else { break EntryPath::root() };
            names.push((at, name));
            at = id_of(&parent);
        };
        for (id, name) in names.into_iter().rev() {
            path = join(&path, &name);
            let mut paths = self.folders.lock();
            if self.folders.age.load(Ordering::Acquire) == self.age {
                if paths.len() >= FOLDERS {
                    paths.clear();
                }
                paths.insert(id, path.clone());
            }
        }
        Ok(path)
    }

    /// The path of an entry in a folder.
    pub fn entry(&self, db: &Connection, parent: &EntryId, name: &str) -> Result<EntryPath, MirrorError> {
        Ok(join(&self.folder(db, parent)?, name))
    }
}

/// The store holds only names that were checked; the root's is empty.
fn join(folder: &EntryPath, name: &str) -> EntryPath {
    if name.is_empty() { folder.clone() } else { folder.join(name) }
}

const INFO: &str = "SELECT num, id, parent, name, kind, media_type, size, hash, title, properties, warnings,
                           created, modified, author, alive, sidecar_of FROM entries";

fn info(row: &Row<'_>) -> rusqlite::Result<(i64, EntryInfo)> {
    let bytes = |at: usize| row.get::<_, Vec<u8>>(at);
    let array = |at: usize| bytes(at).map(|bytes| <[u8; 32]>::try_from(bytes).unwrap_or_default());
    let json = |at: usize| row.get::<_, String>(at);
    let parent = bytes(2)?;
    let info = EntryInfo {
        id: id_of(&bytes(1)?),
        path: EntryPath::root(),
        parent: if parent.is_empty() { EntryId::ROOT } else { id_of(&parent) },
        name: row.get(3)?,
        kind: row.get(4)?,
        media_type: row.get(5)?,
        size: row.get::<_, i64>(6)?.cast_unsigned(),
        hash: ContentHash(array(7)?),
        title: row.get(8)?,
        properties: serde_json::from_str(&json(9)?).unwrap_or_default(),
        tags: Vec::new(),
        warnings: serde_json::from_str(&json(10)?).unwrap_or_default(),
        created: row.get(11)?,
        modified: row.get(12)?,
        author: DeviceId(array(13)?),
        alive: row.get(14)?,
        sidecar_of: row.get::<_, Option<Vec<u8>>>(15)?.as_deref().map(id_of),
    };
    Ok((row.get(0)?, info))
}

/// An entry by its row's number, with path and tags.
pub fn by_num(db: &Connection, look: &Look<'_>, num: i64) -> Result<Option<EntryInfo>, MirrorError> {
    let found = db
        .prepare_cached(&format!("{INFO} WHERE num = ?1"))
        .and_then(|mut statement| statement.query_row([num], info).optional())
        .doing("looking up an entry")?;
    found.map(|(_, info)| completed(db, look, info)).transpose()
}

/// An entry by its id, with path and tags.
pub fn by_id(db: &Connection, look: &Look<'_>, id: &EntryId) -> Result<Option<EntryInfo>, MirrorError> {
    let found = db
        .prepare_cached(&format!("{INFO} WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row([id.0.as_slice()], info).optional())
        .doing("looking up an entry")?;
    found.map(|(_, info)| completed(db, look, info)).transpose()
}

fn completed(db: &Connection, look: &Look<'_>, mut info: EntryInfo) -> Result<EntryInfo, MirrorError> {
    info.path = look.entry(db, &info.parent, &info.name)?;
    info.tags = super::properties::tags(&info.properties);
    Ok(info)
}

/// The live entry at a path.
pub fn at(db: &Connection, path: &EntryPath) -> Result<Option<EntryId>, MirrorError> {
    let mut id = EntryId::ROOT;
    for name in path.names() {
        let found: Option<Vec<u8>> = db
            .prepare_cached("SELECT id FROM entries WHERE parent = ?1 AND name = ?2 AND alive = 1")
            .and_then(|mut s| s.query_row(params![id.0.as_slice(), name], |row| row.get(0)).optional())
            .doing("looking up a path")?;
        let Some(found) = found else { return Ok(None) };
        id = id_of(&found);
    }
    Ok(Some(id))
}

/// Where a page begins: behind this place.
struct Cursor {
    file: bool,
    sort: Vec<u8>,
    id: Vec<u8>,
}

impl Cursor {
    fn write(entry: &EntryInfo) -> String {
        let hex = data_encoding::HEXLOWER.encode(&text::sort_key(&entry.name));
        format!("{}{}.{hex}", u8::from(entry.kind != "folder"), entry.id)
    }

    fn read(cursor: &str) -> Option<Self> {
        let (head, sort) = cursor.split_once('.')?;
        let decode = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes()).ok();
        let file = match head.get(..1)? {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        Some(Self { file, id: decode(head.get(1..)?)?, sort: decode(sort)? })
    }
}

impl Mirror {
    /// Begins a look at folders; before the database is read.
    pub(super) fn look(&self) -> Look<'_> {
        self.inner.shared.folders.look()
    }

    /// One entry, alive or not; the root is the notebook itself.
    pub fn entry(&self, id: &EntryId) -> Result<Option<EntryInfo>, MirrorError> {
        let look = self.look();
        self.ask(|db| by_id(db, &look, id))
    }

    /// The entry at a path; the empty path is the notebook itself.
    pub fn by_path(&self, path: &EntryPath) -> Result<Option<EntryInfo>, MirrorError> {
        let look = self.look();
        self.ask(|db| match at(db, path)? {
            Some(id) => by_id(db, &look, &id),
            None => Ok(None),
        })
    }

    /// What a folder (`None`: the notebook) holds: folders first, then by name, any case, numbers by value;
    /// without sidecars. `after` is the cursor of the page before.
    pub fn list(
        &self,
        parent: Option<EntryId>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, MirrorError> {
        let parent = parent.unwrap_or(EntryId::ROOT);
        let limit = limit.clamp(1, PAGE);
        let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let after = match after {
            Some(text) => Cursor::read(text).ok_or_else(|| {
                MirrorError::Query("the cursor is not from this list; begin without one".into())
            })?,
            None => Cursor { file: false, sort: Vec::new(), id: Vec::new() },
        };
        let look = self.look();
        self.ask(|db| {
            let rows: Vec<(i64, EntryInfo)> = db
                .prepare_cached(&format!(
                    "{INFO} WHERE parent = ?1 AND alive = 1 AND sidecar_of IS NULL
                       AND ((kind <> 'folder'), sort, id) > (?2, ?3, ?4)
                     ORDER BY (kind <> 'folder'), sort, id LIMIT ?5"
                ))
                .and_then(|mut statement| {
                    let values = params![parent.0.as_slice(), after.file, after.sort, after.id, wanted];
                    statement.query_map(values, info)?.collect()
                })
                .doing("listing a folder")?;
            let more = rows.len() > limit;
            let mut entries = Vec::with_capacity(rows.len().min(limit));
            for (_, info) in rows.into_iter().take(limit) {
                let children = if info.kind == "folder" { children(db, &info.id)? } else { 0 };
                entries.push(Listed { entry: completed(db, &look, info)?, children });
            }
            let cursor = entries.last().filter(|_| more).map(|last| Cursor::write(&last.entry));
            Ok(Page { entries, cursor })
        })
    }

    /// All tags, the most used first.
    pub fn tags(&self) -> Result<Vec<TagCount>, MirrorError> {
        self.ask(|db| {
            db.prepare_cached("SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY count(*) DESC, tag")
                .and_then(|mut statement| {
                    let count = |row: &Row<'_>| {
                        Ok(TagCount { tag: row.get(0)?, count: row.get::<_, i64>(1)?.cast_unsigned() })
                    };
                    statement.query_map([], count)?.collect()
                })
                .doing("counting tags")
        })
    }

    /// Number of entries in the tree, without sidecars.
    pub fn count(&self) -> Result<u64, MirrorError> {
        self.ask(|db| {
            db.prepare_cached("SELECT count(*) FROM entries WHERE alive = 1 AND sidecar_of IS NULL")
                .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
                .map(|count| count.cast_unsigned().saturating_sub(1))
                .doing("counting entries")
        })
    }
}

fn children(db: &Connection, folder: &EntryId) -> Result<u64, MirrorError> {
    db.prepare_cached("SELECT count(*) FROM entries WHERE parent = ?1 AND alive = 1 AND sidecar_of IS NULL")
        .and_then(|mut statement| statement.query_row([folder.0.as_slice()], |row| row.get::<_, i64>(0)))
        .map(i64::cast_unsigned)
        .doing("counting a folder")
}
