//! What the core has been told about the disk: path by path. Loaded from the store's bases at each scan, kept
//! up to date by whatever is reported in between, so that a hint costs no query.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::event::Seen;
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::path::{EntryPath, check_name};
use codex_crdt_model::store::{BaseRow, Stat};

use super::look::{Lying, What};

/// One thing on disk that the core knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// As it was when last reported.
    pub stat: Stat,
    /// Its bytes' hash.
    pub hash: ContentHash,
    /// What it is.
    pub kind: Kind,
    /// Its first write has never been confirmed: whatever is there is news, and nothing there is none.
    pub unconfirmed: bool,
    /// It was looked at so soon after its last change that another change might not show in its stat.
    pub fresh: bool,
    /// The survey that last met it.
    pub met: u32,
}

/// Everything on disk that the core knows of.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_path: BTreeMap<Arc<str>, Known>,
    by_inode: HashMap<u64, Arc<str>>,
}

impl Known {
    /// What an observation says, for the index; `None` for what is not kept.
    pub fn of(seen: &Seen) -> Option<Self> {
        let (stat, hash, kind) = match seen {
            Seen::Folder(stat) => (*stat, ContentHash::of(b""), Kind::Folder),
            Seen::Text(stat, text) => (*stat, ContentHash::of(text.as_bytes()), Kind::Text),
            Seen::Blob(stat, hash) => (*stat, *hash, Kind::Blob),
            Seen::Symlink(stat, target) => (*stat, ContentHash::of(target.as_bytes()), Kind::Symlink),
            Seen::Missing | Seen::Unreadable(_) | Seen::Special => return None,
        };
        Some(Self { stat, hash, kind, unconfirmed: false, fresh: false, met: 0 })
    }

    /// Whether what lies there is, by its stat alone, what was reported. A folder's size and time
    /// change with its children and say nothing.
    pub fn is(&self, lying: &Lying) -> bool {
        let (old, new) = (&self.stat, &lying.stat);
        let same_file = old.inode == new.inode && (old.born_ns == new.born_ns || old.born_ns == 0);
        let same_kind = matches!(
            (self.kind, lying.what),
            (Kind::Text | Kind::Blob, What::File)
                | (Kind::Folder, What::Folder)
                | (Kind::Symlink, What::Symlink)
        );
        let same_bytes = self.kind == Kind::Folder || (old.size == new.size && old.mtime_ns == new.mtime_ns);
        !self.unconfirmed && same_kind && same_file && same_bytes
    }

    /// Whether a thing is the very same thing (inode and birth), wherever it lies now.
    pub fn is_same_thing(&self, lying: &Lying) -> bool {
        let same_kind = match lying.what {
            What::Folder => self.kind == Kind::Folder,
            What::File => matches!(self.kind, Kind::Text | Kind::Blob),
            What::Symlink => self.kind == Kind::Symlink,
            What::Special => false,
        };
        same_kind && self.stat.inode == lying.stat.inode && self.stat.born_ns == lying.stat.born_ns
    }
}

impl Index {
    /// Builds it from the store's bases. A base whose folder is unknown cannot be found by path and is left out.
    pub fn of_bases(bases: &[(EntryId, BaseRow)]) -> Self {
        let rows: HashMap<EntryId, &BaseRow> = bases.iter().map(|(id, row)| (*id, row)).collect();
        let mut folders: HashMap<EntryId, Option<String>> =
            HashMap::from([(EntryId::ROOT, Some(String::new()))]);
        let mut index = Self::default();
        for (_, row) in bases {
            let Some(image) = row.confirmed.as_ref().or(row.intended.as_ref()) else { continue };
            if check_name(&row.name).is_err() {
                continue;
            }
            let Some(folder) = folder_path(row.parent, &rows, &mut folders) else { continue };
            let path = if folder.is_empty() { row.name.clone() } else { format!("{folder}/{}", row.name) };
            let known = Known {
                stat: row.stat,
                hash: image.hash,
                kind: image.kind,
                unconfirmed: row.confirmed.is_none(),
                fresh: false,
                met: 0,
            };
            index.put(path, known);
        }
        index
    }

    fn put(&mut self, path: impl Into<Arc<str>>, known: Known) {
        let path = path.into();
        if !known.unconfirmed {
            self.by_inode.insert(known.stat.inode, Arc::clone(&path));
        }
        self.by_path.insert(path, known);
    }

    /// What is known at a path.
    pub fn at(&self, path: &EntryPath) -> Option<&Known> {
        self.by_path.get(path.as_str())
    }

    /// Marks what is known at a path as met by a survey, and gives it.
    pub fn meet(&mut self, path: &EntryPath, survey: u32) -> Option<&Known> {
        let known = self.by_path.get_mut(path.as_str())?;
        known.met = survey;
        Some(known)
    }

    /// Where something with that inode was last seen.
    pub fn by_inode(&self, inode: u64) -> Option<(EntryPath, &Known)> {
        let path = self.by_inode.get(&inode)?;
        let known = self.by_path.get(path)?;
        (known.stat.inode == inode).then(|| (parsed(path), known))
    }

    /// The core was told that this lies there.
    pub fn set(&mut self, path: &EntryPath, known: Known) {
        self.forget_inode(path.as_str());
        if known.kind != Kind::Folder && self.at(path).is_some_and(|old| old.kind == Kind::Folder) {
            self.remove(path);
        }
        self.put(path.as_str(), known);
    }

    /// The core was told that nothing is there any more. What was inside a folder is forgotten too.
    pub fn remove(&mut self, path: &EntryPath) {
        for (below, _) in self.within(path) {
            self.forget_inode(below.as_str());
            self.by_path.remove(below.as_str());
        }
    }

    fn forget_inode(&mut self, path: &str) {
        if let Some(old) = self.by_path.get(path)
            && self.by_inode.get(&old.stat.inode).is_some_and(|at| **at == *path)
        {
            self.by_inode.remove(&old.stat.inode);
        }
    }

    /// The core was told that this, with all that is in it, lies elsewhere now.
    pub fn rename(&mut self, from: &EntryPath, to: &EntryPath) {
        if to.is_within(from) {
            return;
        }
        self.remove(to);
        for (old, known) in self.within(from) {
            self.forget_inode(old.as_str());
            self.by_path.remove(old.as_str());
            let rest = &old.as_str()[from.as_str().len()..];
            self.put(format!("{}{rest}", to.as_str()), known);
        }
    }

    /// A path and everything known below it, in order.
    pub fn within(&self, path: &EntryPath) -> Vec<(EntryPath, Known)> {
        let whole = |(path, known): (&Arc<str>, &Known)| (parsed(path), known.clone());
        if path.is_root() {
            return self.by_path.iter().map(whole).collect();
        }
        // `0` follows `/`, so this is exactly what starts with the folder's path and a slash.
        let below = (format!("{path}/"), format!("{path}0"));
        let range = (Bound::Included(below.0.as_str()), Bound::Excluded(below.1.as_str()));
        let itself = self.by_path.get_key_value(path.as_str());
        itself.into_iter().chain(self.by_path.range::<str, _>(range)).map(whole).collect()
    }

    /// Things at or below a path that a survey has not met.
    pub fn unmet(&self, path: &EntryPath, survey: u32) -> Vec<EntryPath> {
        let unmet = |known: &Known| known.met != survey;
        if path.is_root() {
            return self.by_path.iter().filter(|(_, known)| unmet(known)).map(|(p, _)| parsed(p)).collect();
        }
        self.within(path).into_iter().filter(|(_, known)| unmet(known)).map(|(path, _)| path).collect()
    }
}

/// The index is made of checked names. A path of many may be longer than [`EntryPath::parse`] takes in: it is put together
/// name by name.
fn parsed(path: &str) -> EntryPath {
    path.split('/').filter(|name| !name.is_empty()).fold(EntryPath::root(), |at, name| at.join(name))
}

/// The path of a folder on disk, from the bases' parents; `None` for a broken or cyclic chain.
fn folder_path(
    folder: EntryId,
    rows: &HashMap<EntryId, &BaseRow>,
    folders: &mut HashMap<EntryId, Option<String>>,
) -> Option<String> {
    let mut chain = Vec::new();
    let mut at = folder;
    let mut path = loop {
        if let Some(known) = folders.get(&at) {
            break known.clone();
        }
        // A cycle meets this placeholder.
        folders.insert(at, None);
        let Some(row) = rows.get(&at).filter(|row| check_name(&row.name).is_ok()) else { break None };
        chain.push((at, row.name.as_str()));
        at = row.parent;
    };
    for (id, name) in chain.into_iter().rev() {
        path = path.map(|above| if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") });
        let fits = path.as_deref().is_some_and(|path| EntryPath::parse(path).is_ok());
        path = path.filter(|_| fits);
        folders.insert(id, path.clone());
    }
    path
}
