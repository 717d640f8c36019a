//! What becomes of links when an entry moves: which of them would mean something else then, or nothing, and what has to
//! stand there instead.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;
use rusqlite::Connection;

use super::base::{Doing, MirrorError};
use super::links::{self, Tree, joined};
use super::occurrences::{self, Occurrence, Style, encoded};
use super::read::{self, EntryInfo, Look};
use super::{Mirror, text};

/// A move that is looked at before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// What moves.
    pub id: EntryId,
    /// From where.
    pub from: EntryPath,
    /// To where.
    pub to: EntryPath,
}

impl Moved {
    /// Where something is after the move.
    pub fn after(&self, path: &EntryPath) -> EntryPath {
        changed(path, &self.from, &self.to)
    }

    /// Where something was before it that is there after it; `None` if nothing is there any more.
    pub fn before(&self, path: &EntryPath) -> Option<EntryPath> {
        if path.is_within(&self.to) {
            Some(changed(path, &self.to, &self.from))
        } else {
            (!path.is_within(&self.from)).then(|| path.clone())
        }
    }
}

/// A path with another beginning, if it has the one.
fn changed(path: &EntryPath, from: &EntryPath, to: &EntryPath) -> EntryPath {
    if !path.is_within(from) {
        return path.clone();
    }
    let rest = path.names().skip(from.names().count());
    rest.fold(to.clone(), |path, name| path.join(name))
}

/// A link that has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its line, from 1 in the whole text.
    pub line: usize,
    /// Bytes of its target in the whole text.
    pub at: Range<usize>,
    /// What stands there.
    pub from: String,
    /// What has to stand there; `None` if nothing that can be written there means the same entry.
    pub to: Option<String>,
    /// The entry that is meant.
    pub meant: EntryId,
}

/// An entry whose links have to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Which.
    pub entry: EntryId,
    /// Where it is before the move.
    pub path: EntryPath,
    /// What it is called.
    pub title: String,
    /// Its links, in the order of the text.
    pub changes: Vec<Change>,
}

impl Touched {
    /// The text with those links changed that can be.
    pub fn rewritten(&self, whole: &str) -> String {
        let mut text = whole.to_owned();
        for change in self.changes.iter().rev() {
            if let Some(to) = &change.to {
                text.replace_range(change.at.clone(), to);
            }
        }
        text
    }
}

impl Mirror {
    /// The links that a move changes. `text_of` reads a text as it is now.
    pub fn touched_by<E: From<MirrorError>>(
        &self,
        id: &EntryId,
        to: &EntryPath,
        text_of: &mut dyn FnMut(&EntryId) -> Result<Option<String>, E>,
    ) -> Result<Vec<Touched>, E> {
        let look = self.look();
        let found = self.ask(|db| {
            let Some(root) = read::by_id(db, &look, id)? else { return Ok(None) };
            let moved = Moved { id: *id, from: root.path.clone(), to: to.clone() };
            let sources = candidates(db, &look, &moved, &root)?;
            Ok(Some((moved, sources)))
        })?;
        let Some((moved, sources)) = found else { return Ok(Vec::new()) };
        let mut touched = Vec::new();
        for source in sources {
            let Some(whole) = text_of(&source.id)? else { continue };
            let changes = self.ask(|db| changes_in(db, &look, &moved, &source, &whole))?;
            if !changes.is_empty() {
                touched.push(Touched { entry: source.id, path: source.path, title: source.title, changes });
            }
        }
        touched.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(touched)
    }
}

/// Texts with links that may be concerned: to something of the moved name or the new one, or out of what moves.
fn candidates(
    db: &Connection,
    look: &Look<'_>,
    moved: &Moved,
    root: &EntryInfo,
) -> Result<Vec<EntryInfo>, MirrorError> {
    let mut keys = BTreeSet::from([text::key(root.path.name()), text::key(moved.to.name())]);
    let mut sources = BTreeSet::new();
    let inside = links::within(db, &moved.id)?;
    let mut facts = db
        .prepare_cached(
            "SELECT name, title, EXISTS (SELECT 1 FROM links WHERE entry = num) FROM entries WHERE num = ?1",
        )
        .doing("looking into what moves")?;
    for num in inside {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (name, title, has_links): (String, String, bool) =
            facts.query_row([num], row).doing("looking into what moves")?;
        keys.extend([text::key(&name), text::key(&title)]);
        if has_links {
            sources.insert(num);
        }
    }
    let list = serde_json::Value::from(keys.into_iter().collect::<Vec<_>>()).to_string();
    let to_it: Vec<i64> = db
        .prepare_cached("SELECT DISTINCT entry FROM links WHERE key IN (SELECT value FROM json_each(?1))")
        .and_then(|mut statement| statement.query_map([list], |row| row.get(0))?.collect())
        .doing("looking for links")?;
    sources.extend(to_it);
    let mut found = Vec::new();
    for num in sources {
        found.extend(read::by_num(db, look, num)?.filter(|info| info.alive && info.kind == "text"));
    }
    Ok(found)
}

fn changes_in(
    db: &Connection,
    look: &Look<'_>,
    moved: &Moved,
    source: &EntryInfo,
    whole: &str,
) -> Result<Vec<Change>, MirrorError> {
    let before = Tree { db, look, moved: None };
    let after = Tree { db, look, moved: Some(moved) };
    let there = source.path.parent().unwrap_or_default();
    let then = moved.after(&source.path).parent().unwrap_or_default();
    let mut changes = Vec::new();
    let mut texts: BTreeMap<usize, String> = BTreeMap::new();
    let found = occurrences::of(whole);
    for (number, one) in found.iter().enumerate() {
        let wiki = one.link.is_wiki();
        let Some(meant) = before.meant(&there, &one.link.target, wiki)? else { continue };
        if after.meant(&then, &one.link.target, wiki)? == Some(meant) {
            continue;
        }
        let to = target(&before, &after, &there, &then, one, &whole[one.target.clone()], &meant)?;
        if let Some(to) = &to {
            texts.insert(number, to.clone());
        }
        let at = one.target.clone();
        let line = whole[..at.start].matches('\n').count() + 1;
        changes.push(Change { line, from: whole[at.clone()].to_owned(), at, to, meant });
    }
    if !reads_as_meant(whole, &found, &texts) {
        for change in &mut changes {
            change.to = None;
        }
    }
    Ok(changes)
}

/// What has to stand in a link so that it means an entry after the move, as like as can be to what stands there.
fn target(
    before: &Tree<'_>,
    after: &Tree<'_>,
    there: &EntryPath,
    then: &EntryPath,
    one: &Occurrence,
    written: &str,
    meant: &EntryId,
) -> Result<Option<String>, MirrorError> {
    let Some(was) = before.path_of(meant)? else { return Ok(None) };
    let Some(path) = after.path_of(meant)? else { return Ok(None) };
    let from_root = format!("/{path}");
    let mut tries: Vec<String> = Vec::new();
    let wiki = one.link.is_wiki();
    if wiki {
        let has_end = written.to_lowercase().ends_with(".md");
        let short = |text: String| match text.len().checked_sub(3).filter(|_| !has_end) {
            Some(stem) if text.to_lowercase().ends_with(".md") => text[..stem].to_owned(),
            _ => text,
        };
        let is_at = |folder: &EntryPath, target: &str| {
            let place = joined(folder, target);
            place.is_some_and(|place| place == was || format!("{place}.md") == was.as_str())
        };
        let relative = short(relative(then, &path));
        if written.starts_with('/') {
            tries.push(short(from_root.clone()));
        } else if !written.contains('/') {
            tries.push(short(path.name().to_owned()));
        } else if !is_at(&EntryPath::root(), written) && is_at(there, written) {
            tries.push(relative);
        }
        tries.extend([short(path.to_string()), short(from_root)]);
        tries.retain(|text| !text.contains(['|', '[', ']', '#', '?', '\n']));
        if one.style == Style::Property {
            tries.retain(|text| !text.contains(['"', '\'', '\\', ':', ',', '{', '}']));
        }
    } else {
        let dotted = written.starts_with("./");
        let relative = relative(then, &path);
        match (written.starts_with('/'), dotted && !relative.starts_with("../")) {
            (true, _) => tries.push(from_root),
            (_, true) => tries.push(format!("./{relative}")),
            (..) => tries.push(relative),
        }
    }
    for text in tries {
        if after.meant(then, &text, wiki)? == Some(*meant) {
            return Ok(Some(if wiki { text } else { encoded(&text, one.style) }));
        }
    }
    Ok(None)
}

/// A path from a folder.
fn relative(folder: &EntryPath, path: &EntryPath) -> String {
    let shared = folder.names().zip(path.names()).take_while(|(a, b)| a == b).count();
    // A folder may lead to itself, or to one above it.
    let shared = shared.min(path.names().count().saturating_sub(1));
    let up = folder.names().count() - shared;
    let names: Vec<&str> = std::iter::repeat_n("..", up).chain(path.names().skip(shared)).collect();
    names.join("/")
}

/// Whether the text with these targets has the same links as before, but for those.
fn reads_as_meant(whole: &str, found: &[Occurrence], texts: &BTreeMap<usize, String>) -> bool {
    let mut changed = whole.to_owned();
    for (number, to) in texts.iter().rev() {
        changed.replace_range(found[*number].target.clone(), to);
    }
    let again = occurrences::of(&changed);
    again.len() == found.len()
        && again.iter().zip(found).enumerate().all(|(number, (now, was))| match texts.get(&number) {
            Some(to) => changed.get(now.target.clone()) == Some(to.as_str()),
            None => now.link == was.link,
        })
}
