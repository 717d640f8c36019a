//! Links between entries. What a link means is decided when it is asked for, so that moves need no rewriting.

use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::base::{Doing, MirrorError};
use super::index::id_of;
use super::read::{self, EntryInfo, Look, hex, hex_option};
use super::{Mirror, text};

/// Entries of one name that a wikilink may mean, at most.
const NAMESAKES: i64 = 64;

/// A link out of an entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// As it is written.
    pub target: String,
    /// `wiki`, `link`, `image` or `embed`.
    pub kind: String,
    /// The entry that is meant, hex; `None` if there is none.
    #[serde(serialize_with = "hex_option")]
    pub entry: Option<EntryId>,
    /// Where that is.
    pub path: Option<EntryPath>,
    /// What it is called.
    pub title: Option<String>,
}

/// A link to an entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Backlink {
    /// The entry that holds the link, hex.
    #[serde(serialize_with = "hex")]
    pub entry: EntryId,
    /// Where that is.
    pub path: EntryPath,
    /// What it is called.
    pub title: String,
    /// The link as it is written there.
    pub target: String,
    /// `wiki`, `link`, `image` or `embed`.
    pub kind: String,
}

impl Mirror {
    /// Links out of an entry, in the order of its text.
    pub fn links(&self, id: &EntryId) -> Result<Vec<Link>, MirrorError> {
        let look = self.look();
        self.ask(|db| {
            let rows: Vec<(String, String)> = db
                .prepare_cached(
                    "SELECT target, links.kind FROM links JOIN entries ON num = entry WHERE id = ?1 ORDER BY links.rowid",
                )
                .and_then(|mut s| s.query_map([id.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
                .doing("reading links")?;
            let Some(source) = read::by_id(db, &look, id)? else { return Ok(Vec::new()) };
            let mut links = Vec::with_capacity(rows.len());
            for (target, kind) in rows {
                let meant = meant(db, &look, &source, &target, text::is_wiki(&kind))?;
                let info = meant.map(|id| read::by_id(db, &look, &id)).transpose()?.flatten();
                links.push(Link {
                    target,
                    kind,
                    entry: meant,
                    path: info.as_ref().map(|info| info.path.clone()),
                    title: info.map(|info| info.title),
                });
            }
            Ok(links)
        })
    }

    /// Links to an entry.
    pub fn backlinks(&self, id: &EntryId) -> Result<Vec<Backlink>, MirrorError> {
        let look = self.look();
        self.ask(|db| {
            let Some(target) = read::by_id(db, &look, id)? else { return Ok(Vec::new()) };
            let (by_name, by_title) = (text::key(&target.name), text::key(&target.title));
            let rows: Vec<(i64, String, String)> = db
                .prepare_cached(
                    "SELECT entry, target, kind FROM links WHERE key IN (?1, ?2) ORDER BY entry, rowid",
                )
                .and_then(|mut statement| {
                    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                    statement.query_map([&by_name, &by_title], row)?.collect()
                })
                .doing("reading backlinks")?;
            let mut backlinks = Vec::new();
            for (num, written, kind) in rows {
                let Some(source) = read::by_num(db, &look, num)? else { continue };
                if meant(db, &look, &source, &written, text::is_wiki(&kind))? == Some(*id) {
                    let EntryInfo { id, path, title, .. } = source;
                    backlinks.push(Backlink { entry: id, path, title, target: written, kind });
                }
            }
            Ok(backlinks)
        })
    }

    /// The entry that a link written in `source` means: a path from there or from the notebook, or, for a
    /// wikilink, a name or title anywhere, the nearest first.
    pub fn resolve(
        &self,
        source: &EntryId,
        target: &str,
        wiki: bool,
    ) -> Result<Option<EntryId>, MirrorError> {
        let look = self.look();
        self.ask(|db| match read::by_id(db, &look, source)? {
            Some(source) => meant(db, &look, &source, target, wiki),
            None => Ok(None),
        })
    }
}

fn meant(
    db: &Connection,
    look: &Look<'_>,
    source: &EntryInfo,
    target: &str,
    wiki: bool,
) -> Result<Option<EntryId>, MirrorError> {
    let folder = source.path.parent().unwrap_or_default();
    let mut places = vec![joined(&folder, target)];
    if wiki && !target.starts_with('/') {
        places.push(joined(&EntryPath::root(), target));
    }
    for place in places.into_iter().flatten() {
        if let Some(id) = read::at(db, &place)? {
            return Ok(Some(id));
        }
        if wiki {
            let with_extension = EntryPath::parse(&format!("{place}.md")).ok();
            if let Some(id) = with_extension.map(|place| read::at(db, &place)).transpose()?.flatten() {
                return Ok(Some(id));
            }
        }
    }
    if wiki && !target.contains('/') { anywhere(db, look, &folder, target) } else { Ok(None) }
}

/// A target from a folder, with `.` and `..` followed; `None` if it leaves the notebook.
fn joined(folder: &EntryPath, target: &str) -> Option<EntryPath> {
    let mut names: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.names().collect() };
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    EntryPath::parse(&names.join("/")).ok()
}

/// The live entry of that name, or else of that title, that is nearest to a folder.
fn anywhere(
    db: &Connection,
    look: &Look<'_>,
    folder: &EntryPath,
    target: &str,
) -> Result<Option<EntryId>, MirrorError> {
    for sql in [
        "SELECT id, parent, name FROM entries WHERE (name = ?1 COLLATE NOCASE OR name = ?1 || '.md' COLLATE NOCASE)
           AND alive = 1 AND sidecar_of IS NULL LIMIT ?2",
        "SELECT id, parent, name FROM entries WHERE title = ?1 COLLATE NOCASE AND alive = 1
           AND sidecar_of IS NULL LIMIT ?2",
    ] {
        let found: Vec<(Vec<u8>, Vec<u8>, String)> = db
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                statement.query_map(params![target, NAMESAKES], row)?.collect()
            })
            .doing("looking for the target of a link")?;
        let mut nearest: Option<(usize, EntryPath, EntryId)> = None;
        for (id, parent, name) in found {
            let path = look.entry(db, &id_of(&parent), &name)?;
            let candidate = (distance(folder, &path), path, id_of(&id));
            if nearest.as_ref().is_none_or(|nearest| candidate < *nearest) {
                nearest = Some(candidate);
            }
        }
        if let Some((_, _, id)) = nearest {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Steps up and down from a folder to a path.
fn distance(folder: &EntryPath, path: &EntryPath) -> usize {
    let shared = folder.names().zip(path.names()).take_while(|(a, b)| a == b).count();
    folder.names().count() + path.names().count() - 2 * shared
}

/// The live entry at a path given as text, if it is a path.
pub fn at_text(db: &Connection, path: &str) -> Result<Option<EntryId>, MirrorError> {
    match EntryPath::parse(path.trim_matches('/')) {
        Ok(path) => read::at(db, &path),
        Err(_) => Ok(None),
    }
}

/// Numbers of all entries in a folder, however deep, and of itself.
pub fn within(db: &Connection, folder: &EntryId) -> Result<Vec<i64>, MirrorError> {
    db.prepare_cached(
        "WITH RECURSIVE inside (id, num) AS (
             SELECT id, num FROM entries WHERE id = ?1
             UNION SELECT entries.id, entries.num FROM inside JOIN entries ON entries.parent = inside.id
         ) SELECT num FROM inside",
    )
    .and_then(|mut statement| statement.query_map([folder.0.as_slice()], |row| row.get(0))?.collect())
    .doing("looking into a folder")
}
