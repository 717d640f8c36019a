//! Writes rows: first all places of a batch, then what their contents and sidecars say. Looks only at what a
//! batch touched: moving a folder is one row, whatever is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use codex_crdt_model::entry::Content;
use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::event::Version;
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::store::{BirthAt, EntryRow};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::base::{Doing, MirrorError};
use super::extracts::Job;
use super::feed::{Feed, Located};
use super::properties::{self, Properties};
use super::sidecar::{self, Form};
use super::tasks::{self, RawTask};
use super::{image, occurrences, text};
use crate::extract;

/// Folders above an entry, at most: a loop in broken rows ends here.
const DEPTH: usize = codex_crdt_model::limits::DEPTH + 1;

/// Writes one batch into an open transaction.
pub struct Indexer<'a> {
    /// The transaction.
    pub db: &'a Connection,
    /// Where contents come from.
    pub feed: &'a dyn Feed,
    /// The notebook's folder.
    pub root: &'a Path,
}

/// A row of `entries`, as far as it decides what else must be looked at.
struct Known {
    num: i64,
    id: EntryId,
    parent: EntryId,
    name: String,
    kind: Kind,
    hash: Vec<u8>,
    alive: bool,
    sidecar_of: Option<EntryId>,
    media_type: String,
    located: Located,
}

const KNOWN: &str = "SELECT num, id, parent, name, kind, hash, alive, sidecar_of, media_type, changed,
                            birth_position, birth_item FROM entries";

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let sidecar_of: Option<Vec<u8>> = row.get(7)?;
    Ok(Known {
        num: row.get(0)?,
        id: id_of(&row.get::<_, Vec<u8>>(1)?),
        parent: id_of(&row.get::<_, Vec<u8>>(2)?),
        name: row.get(3)?,
        kind: kind_of(&row.get::<_, String>(4)?),
        hash: row.get(5)?,
        alive: row.get(6)?,
        sidecar_of: sidecar_of.as_deref().map(id_of),
        media_type: row.get(8)?,
        located: Located {
            changed: row.get(9)?,
            birth: BirthAt { position: row.get::<_, i64>(10)?.cast_unsigned(), item: row.get(11)? },
        },
    })
}

/// An id from a column; what is not 32 bytes long is nobody's.
pub fn id_of(bytes: &[u8]) -> EntryId {
    EntryId(bytes.try_into().unwrap_or([0xff; 32]))
}

/// The name of a kind in the mirror.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Blob => "blob",
        Kind::Folder => "folder",
        Kind::Symlink => "symlink",
    }
}

fn kind_of(name: &str) -> Kind {
    match name {
        "text" => Kind::Text,
        "folder" => Kind::Folder,
        "symlink" => Kind::Symlink,
        _ => Kind::Blob,
    }
}

/// Which rows have to be looked at again, and whether anything was written about them before.
type Stale = BTreeMap<i64, bool>;

impl Indexer<'_> {
    /// Writes these rows and everything that follows from them. Writing them twice changes nothing.
    pub fn apply(&self, rows: &[(EntryId, EntryRow)]) -> Result<(), MirrorError> {
        let mut stale = Stale::new();
        let mut places = BTreeSet::new();
        for (id, row) in rows {
            self.place(id, row, &mut stale, &mut places)?;
        }
        for (parent, name) in places {
            self.neighbours(&parent, &name, &mut stale)?;
        }
        for num in stale.keys() {
            self.attach(*num)?;
        }
        for (num, written) in &stale {
            self.refresh(*num, *written)?;
        }
        Ok(())
    }

    /// Looks again at an entry whose file was not there the last time.
    pub fn look_again(&self, num: i64) -> Result<(), MirrorError> {
        self.refresh(num, true)
    }

    /// One entry's row. What its content says is left to `refresh`.
    fn place(
        &self,
        id: &EntryId,
        row: &EntryRow,
        stale: &mut Stale,
        places: &mut BTreeSet<(EntryId, String)>,
    ) -> Result<(), MirrorError> {
        let old = self.by_id(id)?;
        let media_type = text::media_type(&row.place_name, row.kind);
        self.db
            .prepare_cached(
                "INSERT INTO entries (id, parent, name, sort, kind, media_type, title, size, hash, created,
                                      modified, author, changed, birth_position, birth_item, alive, version)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?3, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
                 ON CONFLICT (id) DO UPDATE SET parent = ?2, name = ?3, sort = ?4, kind = ?5, media_type = ?6,
                     size = ?7, hash = ?8, created = ?9, modified = ?10, author = ?11, changed = ?12,
                     birth_position = ?13, birth_item = ?14, alive = ?15, version = ?16",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    id.0.as_slice(),
                    row.place_parent.0.as_slice(),
                    row.place_name,
                    text::sort_key(&row.place_name),
                    kind_name(row.kind),
                    media_type,
                    row.size.cast_signed(),
                    row.hash.0.as_slice(),
                    row.created,
                    row.modified,
                    row.author.0.as_slice(),
                    !row.heads.is_empty(),
                    row.birth.position.cast_signed(),
                    row.birth.item,
                    row.alive,
                    Version(row.heads.clone()).to_string(),
                ])
            })
            .doing("writing an entry")?;
        let num = old.as_ref().map_or_else(|| self.db.last_insert_rowid(), |old| old.num);
        let here = (row.place_parent, row.place_name.clone());
        match old {
            None => {
                stale.insert(num, false);
                places.insert(here);
            }
            Some(old) => {
                let moved = old.parent != here.0 || old.name != here.1;
                let same = old.alive == row.alive && old.kind == row.kind && old.hash == row.hash.0;
                if moved || !same {
                    places.insert((old.parent, old.name.clone()));
                    places.insert(here);
                }
                if old.name != row.place_name || !same {
                    stale.entry(num).or_insert(true);
                }
            }
        }
        Ok(())
    }

    /// Whoever may be main file or sidecar of what is, or was, at a place.
    fn neighbours(&self, parent: &EntryId, name: &str, stale: &mut Stale) -> Result<(), MirrorError> {
        if name == sidecar::FOLDER_FILE
            && let Some(folder) = self.by_id(parent)?
        {
            stale.entry(folder.num).or_insert(true);
        }
        let mut up = vec![name.to_owned()];
        let mut down = vec![name.to_owned()];
        while let Some(name) = up.pop() {
            for main in sidecar::mains(&name) {
                if let Some(found) = self.alive_at(parent, main)? {
                    stale.entry(found.num).or_insert(true);
                    up.push(main.to_owned());
                    down.push(main.to_owned());
                }
            }
        }
        while let Some(name) = down.pop() {
            for found in self.sidecars_at(parent, &name)? {
                if found.name != name && stale.insert(found.num, true).is_none() {
                    down.push(found.name);
                }
            }
        }
        Ok(())
    }

    /// Decides whose sidecar an entry is.
    fn attach(&self, num: i64) -> Result<(), MirrorError> {
        let Some(entry) = self.by_num(num)? else { return Ok(()) };
        let main = if entry.alive { self.main_of(&entry.parent, &entry.name, entry.kind)? } else { None };
        if main != entry.sidecar_of {
            self.db
                .prepare_cached("UPDATE entries SET sidecar_of = ?2 WHERE num = ?1")
                .and_then(|mut s| s.execute(params![num, main.map(|main| main.0.to_vec())]))
                .doing("writing whose sidecar an entry is")?;
        }
        Ok(())
    }

    fn main_of(&self, parent: &EntryId, name: &str, kind: Kind) -> Result<Option<EntryId>, MirrorError> {
        if kind != Kind::Text {
            return Ok(None);
        }
        if name == sidecar::FOLDER_FILE {
            return Ok(Some(*parent));
        }
        for main in sidecar::mains(name) {
            let Some(found) = self.alive_at(parent, main)? else { continue };
            let file = matches!(found.kind, Kind::Text | Kind::Blob);
            if file
                && sidecar::can_have(main, found.kind == Kind::Text)
                && self.main_of(parent, main, found.kind)?.is_none()
            {
                return Ok(Some(found.id));
            }
        }
        Ok(None)
    }

    /// What an entry's content and sidecars say.
    fn refresh(&self, num: i64, written: bool) -> Result<(), MirrorError> {
        let Some(entry) = self.by_num(num)? else { return Ok(()) };
        if written {
            self.forget(num)?;
        }
        if !entry.alive || entry.sidecar_of.is_some() {
            return Ok(());
        }
        let mut said = self.said_by(&entry)?;
        let sidecars = self.sidecars_of(&entry, &mut said)?;
        let own = [(said.source, &said.front)];
        let sources = own
            .into_iter()
            .chain(sidecars.iter().map(|(name, map)| (name.as_str(), map)))
            .chain([("the file itself", &said.own)]);
        let (merged, disagreements) = properties::merge(sources);
        said.faults.extend(disagreements);
        self.write(&entry, &said, &merged)
    }

    fn forget(&self, num: i64) -> Result<(), MirrorError> {
        for sql in [
            "DELETE FROM properties WHERE entry = ?1",
            "DELETE FROM tags WHERE entry = ?1",
            "DELETE FROM links WHERE entry = ?1",
            "DELETE FROM tasks WHERE entry = ?1",
            "DELETE FROM words WHERE rowid = ?1",
            "UPDATE entries SET unread = 0, title = name, properties = '{}', warnings = '[]' WHERE num = ?1",
        ] {
            self.db
                .prepare_cached(sql)
                .and_then(|mut statement| statement.execute([num]))
                .doing("removing what an entry said")?;
        }
        Ok(())
    }

    fn write(&self, entry: &Known, said: &Said, merged: &Properties) -> Result<(), MirrorError> {
        let properties::Flattened { flat, is_cut, .. } = properties::flatten(merged);
        let titled = merged.get("title").map(properties::text).filter(|title| !title.trim().is_empty());
        let title = titled.as_ref().or(said.heading.as_ref()).unwrap_or(&entry.name);
        let properties = serde_json::Value::Object(merged.clone()).to_string();
        let mut faults = said.faults.clone();
        if is_cut {
            faults.push("not all of its properties can be searched for: there are more than 1 MiB, or a key is longer than 512 bytes".into());
        }
        let warnings = serde_json::Value::from(faults).to_string();
        let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            self.db
                .prepare_cached(sql)
                .and_then(|mut statement| statement.execute(values))
                .doing("writing what an entry says")
        };
        run(
            "UPDATE entries SET title = ?2, properties = ?3, warnings = ?4, unread = ?5 WHERE num = ?1",
            params![entry.num, title, properties, warnings, said.unread],
        )?;
        for property in &flat {
            run(
                "INSERT INTO properties (entry, key, value, text, number, moment) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    entry.num,
                    property.key,
                    property.value.to_string(),
                    property.text,
                    property.number,
                    property.moment
                ],
            )?;
        }
        for tag in properties::tags(merged) {
            run("INSERT INTO tags (entry, tag) VALUES (?1, ?2)", params![entry.num, tag])?;
        }
        for link in &said.links {
            run(
                "INSERT INTO links (entry, target, kind, key) VALUES (?1, ?2, ?3, ?4)",
                params![entry.num, link.target, link.kind, link.key()],
            )?;
        }
        if entry.id == EntryId::ROOT {
            return Ok(());
        }
        self.write_tasks(entry.num, said, merged, title)?;
        let words = flat.iter().map(|property| property.text.as_str()).collect::<Vec<_>>().join("\n");
        run(
            "INSERT INTO words (rowid, title, name, body, properties) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![entry.num, title, entry.name, said.body, words],
        )?;
        Ok(())
    }

    /// The boxes of its text, and the entry itself if it is a task.
    fn write_tasks(
        &self,
        num: i64,
        said: &Said,
        merged: &Properties,
        title: &str,
    ) -> Result<(), MirrorError> {
        let itself = tasks::of_properties(merged, title)
            .map(|(done, said)| (RawTask { line: 0, at: 0, text: title.to_owned(), done }, said));
        let boxes = said.tasks.iter().map(|task| (task.clone(), tasks::Said::of(&task.text)));
        let all: Vec<_> = itself.into_iter().chain(boxes).collect();
        if all.is_empty() { Ok(()) } else { tasks::write(self.db, num, &all) }
    }

    fn said_by(&self, entry: &Known) -> Result<Said, MirrorError> {
        let mut said = Said::default();
        let is_extracted = is_extracted(entry);
        match entry.kind {
            Kind::Text if !is_extracted => {
                if let Some(content) = self.text_of(entry, &mut said.faults)? {
                    said.read_text(&entry.name, content);
                }
            }
            Kind::Text | Kind::Blob if is_extracted => {
                match extracted(self.db, &entry.hash)? {
                    Some(text) => said.body = text.unwrap_or_default(),
                    // Read by another thread, which may take long.
                    None => said.unread = true,
                }
            }
            Kind::Blob if image::is_raster(&entry.media_type) => {
                match self.on_disk(entry)?.and_then(|path| image::of_file(&path, &entry.hash)) {
                    Some(own) => said.own = own,
                    None => said.unread = true,
                }
            }
            Kind::Text | Kind::Blob | Kind::Folder | Kind::Symlink => {}
        }
        Ok(said)
    }

    /// An entry's text. One that cannot be read is a warning: the others are still shown.
    fn text_of(&self, entry: &Known, faults: &mut Vec<String>) -> Result<Option<String>, MirrorError> {
        match self.feed.content(&entry.id, &entry.located) {
            Ok(Some(Content::Text(text))) => Ok(Some(text)),
            Ok(_) => {
                faults.push("its text is not in the store".into());
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(entry = %entry.id, %error, "the mirror shows an entry without its text");
                faults.push(error.to_string());
                Ok(None)
            }
        }
    }

    /// Properties of the sidecars, in order of precedence. Their faults, and the body of a Markdown sidecar,
    /// go to the main file.
    fn sidecars_of(&self, main: &Known, said: &mut Said) -> Result<Vec<(String, Properties)>, MirrorError> {
        let mut found = Vec::new();
        if main.kind == Kind::Folder {
            if let Some(file) = self.alive_at(&main.id, sidecar::FOLDER_FILE)?
                && file.kind == Kind::Text
            {
                let text = self.text_of(&file, &mut said.faults)?.unwrap_or_default();
                let (front, body) = text::split(&text);
                found.push((file.name, properties::yaml(front.unwrap_or(body))));
            }
        } else {
            let mut files = self.sidecars_at(&main.parent, &main.name)?;
            files.retain(|file| file.sidecar_of == Some(main.id));
            let order = sidecar::sidecars(&main.name);
            files.sort_by_key(|file| order.iter().position(|name| *name == file.name));
            for file in files {
                let Some(text) = self.text_of(&file, &mut said.faults)? else { continue };
                let read = match Form::of(&file.name) {
                    Some(Form::Json) => properties::json(&text),
                    Some(Form::Xml) => properties::xml(&text),
                    _ => {
                        let (front, body) = text::split(&text);
                        said.body.push('\n');
                        said.body.push_str(body);
                        front.map_or_else(|| Ok(Properties::new()), properties::yaml)
                    }
                };
                found.push((file.name, read));
            }
        }
        let mut read = Vec::new();
        for (name, result) in found {
            match result {
                Ok(map) => read.push((format!("`{name}`"), map)),
                Err(fault) => said.faults.push(format!("`{name}`: {fault}")),
            }
        }
        Ok(read)
    }

    /// The attachments among these rows whose texts are not known yet, and where they are.
    pub fn to_extract(&self, nums: &[i64]) -> Result<Vec<Job>, MirrorError> {
        let mut jobs = Vec::new();
        for num in nums {
            let Some(entry) = self.by_num(*num)? else { continue };
            let kind = extract::Kind::of(&entry.media_type, &entry.name).filter(|_| is_extracted(&entry));
            let (Some(kind), Ok(hash)) = (kind, <[u8; 32]>::try_from(entry.hash.as_slice())) else {
                continue;
            };
            if let Some(path) = self.on_disk(&entry)? {
                jobs.push(Job { hash: ContentHash(hash), kind, path });
            }
        }
        Ok(jobs)
    }

    /// Keeps the text of an attachment, and shows it where that is.
    pub fn keep_extract(&self, hash: &ContentHash, text: Option<&str>) -> Result<(), MirrorError> {
        let doing = "keeping the text of an attachment";
        self.db
            .prepare_cached("INSERT OR REPLACE INTO extracts (hash, text) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![hash.0.as_slice(), text]))
            .doing(doing)?;
        let nums: Vec<i64> = self
            .db
            .prepare_cached("SELECT num FROM entries WHERE hash = ?1 AND kind IN ('blob', 'text')")
            .and_then(|mut statement| statement.query_map([hash.0.as_slice()], |row| row.get(0))?.collect())
            .doing(doing)?;
        nums.into_iter().try_for_each(|num| self.refresh(num, true))
    }

    fn on_disk(&self, entry: &Known) -> Result<Option<std::path::PathBuf>, MirrorError> {
        let mut names = vec![entry.name.clone()];
        let mut parent = entry.parent;
        while parent != EntryId::ROOT {
            let Some(folder) = self.by_id(&parent)?.filter(|_| names.len() < DEPTH) else { return Ok(None) };
            parent = folder.parent;
            names.push(folder.name);
        }
        Ok(Some(names.iter().rev().fold(self.root.to_owned(), |path, name| path.join(name))))
    }

    fn by_id(&self, id: &EntryId) -> Result<Option<Known>, MirrorError> {
        self.db
            .prepare_cached(&format!("{KNOWN} WHERE id = ?1"))
            .and_then(|mut statement| statement.query_row([id.0.as_slice()], known).optional())
            .doing("looking up an entry")
    }

    fn by_num(&self, num: i64) -> Result<Option<Known>, MirrorError> {
        self.db
            .prepare_cached(&format!("{KNOWN} WHERE num = ?1"))
            .and_then(|mut statement| statement.query_row([num], known).optional())
            .doing("looking up an entry")
    }

    fn alive_at(&self, parent: &EntryId, name: &str) -> Result<Option<Known>, MirrorError> {
        self.db
            .prepare_cached(&format!("{KNOWN} WHERE parent = ?1 AND name = ?2 AND alive = 1"))
            .and_then(|mut statement| {
                statement.query_row(params![parent.0.as_slice(), name], known).optional()
            })
            .doing("looking up a place")
    }

    fn sidecars_at(&self, parent: &EntryId, name: &str) -> Result<Vec<Known>, MirrorError> {
        let [a, b, c, d, e, f]: [String; 6] =
            sidecar::sidecars(name).try_into().expect("three forms, each plain and hidden");
        self.db
            .prepare_cached(&format!(
                "{KNOWN} WHERE parent = ?1 AND name IN (?2, ?3, ?4, ?5, ?6, ?7) AND alive = 1"
            ))
            .and_then(|mut statement| {
                statement.query_map(params![parent.0.as_slice(), a, b, c, d, e, f], known)?.collect()
            })
            .doing("looking up sidecars")
    }
}

/// The text of an attachment; `None` if it was not read yet, `Some(None)` if it has none.
pub fn extracted(db: &Connection, hash: &[u8]) -> Result<Option<Option<String>>, MirrorError> {
    db.prepare_cached("SELECT text FROM extracts WHERE hash = ?1")
        .and_then(|mut statement| statement.query_row([hash], |row| row.get(0)).optional())
        .doing("looking up the text of an attachment")
}

/// Whether its text is taken out of its bytes: that of attachments, and of a PDF that happens to be all text.
fn is_extracted(entry: &Known) -> bool {
    match extract::Kind::of(&entry.media_type, &entry.name) {
        Some(extract::Kind::Pdf) => matches!(entry.kind, Kind::Blob | Kind::Text),
        Some(_) => entry.kind == Kind::Blob,
        None => false,
    }
}

/// What an entry's own content says.
#[derive(Default)]
struct Said {
    source: &'static str,
    front: Properties,
    own: Properties,
    heading: Option<String>,
    links: Vec<text::RawLink>,
    tasks: Vec<RawTask>,
    body: String,
    faults: Vec<String>,
    unread: bool,
}

impl Said {
    fn read_text(&mut self, name: &str, content: String) {
        self.source = "the frontmatter";
        if !text::has_frontmatter(name) {
            if sidecar::extension(name).is_some_and(|end| end.eq_ignore_ascii_case("svg")) {
                self.own = image::of_svg(&content);
            }
            // Of a notebook of code, what people wrote and read.
            let cells = sidecar::extension(name)
                .filter(|end| end.eq_ignore_ascii_case("ipynb"))
                .and_then(|_| extract::notebook(&content));
            self.body = cells.unwrap_or(content);
            return;
        }
        let (front, body) = text::split(&content);
        match front.map(properties::yaml) {
            Some(Ok(front)) => self.front = front,
            Some(Err(fault)) => self.faults.push(format!("the frontmatter: {fault}")),
            None => {}
        }
        let read = text::markdown(body);
        (self.heading, self.links) = (read.heading, read.links);
        let of_front = front.map(occurrences::of_properties).unwrap_or_default();
        self.links.extend(of_front.into_iter().map(|found| found.link));
        text::each_once(&mut self.links);
        self.tasks = tasks::placed(&content[..content.len() - body.len()], body, read.tasks);
        self.body = body.to_owned();
    }
}
