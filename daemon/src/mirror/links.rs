//! Links between entries. What a link means is decided when it is asked for, so that moves need no rewriting.

use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::base::{Doing, MirrorError};
use super::index::id_of;
use super::read::{self, EntryInfo, Look, hex, hex_option};
use super::rename::Moved;
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
            let (tree, folder) = (Tree { db, look: &look, moved: None }, folder_of(&source));
            let mut links = Vec::with_capacity(rows.len());
            for (target, kind) in rows {
                let meant = tree.meant(&folder, &target, text::is_wiki(&kind))?;
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
                let tree = Tree { db, look: &look, moved: None };
                if tree.meant(&folder_of(&source), &written, text::is_wiki(&kind))? == Some(*id) {
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
            Some(source) => Tree { db, look: &look, moved: None }.meant(&folder_of(&source), target, wiki),
            None => Ok(None),
        })
    }
}

fn folder_of(source: &EntryInfo) -> EntryPath {
    source.path.parent().unwrap_or_default()
}

/// What links mean: in the tree as it is, or as it will be after a move.
pub struct Tree<'a> {
    /// The mirror.
    pub db: &'a Connection,
    /// Its folders.
    pub look: &'a Look<'a>,
    /// What has moved then.
    pub moved: Option<&'a Moved>,
}

impl Tree<'_> {
    /// The entry that a link written in this folder means.
    pub fn meant(
        &self,
        folder: &EntryPath,
        target: &str,
        wiki: bool,
    ) -> Result<Option<EntryId>, MirrorError> {
        let mut places = vec![joined(folder, target)];
        if wiki && !target.starts_with('/') {
            places.push(joined(&EntryPath::root(), target));
        }
        for place in places.into_iter().flatten() {
            if let Some(id) = self.at(&place)? {
                return Ok(Some(id));
            }
            if wiki {
                let with_extension = EntryPath::parse(&format!("{place}.md")).ok();
                if let Some(id) = with_extension.map(|place| self.at(&place)).transpose()?.flatten() {
                    return Ok(Some(id));
                }
            }
        }
        if wiki && !target.contains('/') { self.anywhere(folder, target) } else { Ok(None) }
    }

    fn at(&self, place: &EntryPath) -> Result<Option<EntryId>, MirrorError> {
        match self.moved {
            None => read::at(self.db, place),
            Some(moved) => moved.before(place).map_or(Ok(None), |place| read::at(self.db, &place)),
        }
    }

    /// Where an entry is.
    pub fn path_of(&self, id: &EntryId) -> Result<Option<EntryPath>, MirrorError> {
        let path = read::by_id(self.db, self.look, id)?.filter(|info| info.alive).map(|info| info.path);
        Ok(match self.moved {
            Some(moved) => path.map(|path| moved.after(&path)),
            None => path,
        })
    }

    /// The live entry of that name, or else of that title, that is nearest to a folder.
    fn anywhere(&self, folder: &EntryPath, target: &str) -> Result<Option<EntryId>, MirrorError> {
        let name = "(name = ?1 COLLATE NOCASE OR name = ?1 || '.md' COLLATE NOCASE)";
        for (by_name, condition) in [(true, name), (false, "title = ?1 COLLATE NOCASE")] {
            let sql = format!(
                "SELECT id, parent, name, title FROM entries WHERE {condition} AND alive = 1 AND sidecar_of IS NULL LIMIT ?2"
            );
            let found: Vec<(Vec<u8>, Vec<u8>, String, String)> = self
                .db
                .prepare_cached(&sql)
                .and_then(|mut statement| {
                    let row =
                        |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
                    statement.query_map(params![target, NAMESAKES], row)?.collect()
                })
                .doing("looking for the target of a link")?;
            let mut candidates = Vec::new();
            for (id, parent, name, title) in found {
                let path = self.look.entry(self.db, &id_of(&parent), &name)?;
                candidates.push((path, id_of(&id), title));
            }
            if let Some(moved) = self.moved {
                self.renamed(moved, target, by_name, &mut candidates)?;
            }
            // A template is what entries are made of, not one of them.
            candidates.retain(|(path, ..)| is_template(folder) || !is_template(path));
            let as_written =
                |path: &EntryPath| path.name().strip_suffix(".md").unwrap_or(path.name()) == target;
            let nearest = candidates
                .into_iter()
                .map(|(path, id, _)| (distance(folder, &path), !as_written(&path), path, id))
                .min();
            if let Some((.., id)) = nearest {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The same candidates after the move: what has got another name by it has the old one no more.
    fn renamed(
        &self,
        moved: &Moved,
        target: &str,
        by_name: bool,
        candidates: &mut Vec<(EntryPath, EntryId, String)>,
    ) -> Result<(), MirrorError> {
        let (old, new) = (moved.from.name(), moved.to.name());
        let fits = |name: &str| {
            name.eq_ignore_ascii_case(target) || name.eq_ignore_ascii_case(&format!("{target}.md"))
        };
        if old != new {
            // A title that is only the name changes with it.
            candidates.retain(|(_, id, title)| *id != moved.id || (!by_name && title != old));
            let info = read::by_id(self.db, self.look, &moved.id)?;
            if let Some(info) = info.filter(|info| info.sidecar_of.is_none())
                && (if by_name { fits(new) } else { info.title == old && new.eq_ignore_ascii_case(target) })
            {
                candidates.push((moved.from.clone(), moved.id, info.title));
            }
        }
        for (path, ..) in candidates {
            *path = moved.after(path);
        }
        Ok(())
    }
}

fn is_template(path: &EntryPath) -> bool {
    path.names().next() == Some(".templates")
}

/// A target from a folder, with `.` and `..` followed; `None` if it leaves the notebook.
pub fn joined(folder: &EntryPath, target: &str) -> Option<EntryPath> {
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
