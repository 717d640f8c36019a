//! A store in memory that a mirror can follow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use codex_crdt_model::entry::Content;
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::{BirthAt, EntryRow, StoreError};

use crate::mirror::feed::{Feed, Located};
use crate::mirror::{EntryInfo, Mirror};

#[derive(Default)]
pub struct Rows {
    pub identity: String,
    pub revision: u64,
    pub entries: BTreeMap<EntryId, (EntryRow, Content)>,
    pub by_revision: BTreeMap<u64, EntryId>,
}

/// A notebook folder, a made-up store, and the mirror that follows it.
pub struct World {
    pub folder: tempfile::TempDir,
    pub rows: Arc<Mutex<Rows>>,
    pub mirror: Mirror,
}

struct FakeFeed(Arc<Mutex<Rows>>);

impl Feed for FakeFeed {
    fn identity(&self) -> Result<Option<String>, StoreError> {
        Ok(Some(self.0.lock().unwrap().identity.clone()))
    }

    fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.0.lock().unwrap().revision)
    }

    fn entries_since(&self, revision: u64, limit: usize) -> Result<Vec<(EntryId, EntryRow)>, StoreError> {
        let rows = self.0.lock().unwrap();
        let newer = rows.by_revision.range(revision + 1..).take(limit);
        Ok(newer.map(|(_, id)| (*id, rows.entries[id].0.clone())).collect())
    }

    fn content(&self, id: &EntryId, _: &Located) -> Result<Option<Content>, StoreError> {
        Ok(self.0.lock().unwrap().entries.get(id).map(|(_, content)| content.clone()))
    }
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".codex")).unwrap();
        let rows = Arc::new(Mutex::new(Rows { identity: "one".into(), ..Rows::default() }));
        let mirror = open(&folder, &rows);
        Self { folder, rows, mirror }
    }

    /// The mirror closed and opened again, with something done to its files in between.
    pub async fn reopened(mut self, between: impl FnOnce(&std::path::Path)) -> Self {
        self.mirror.shutdown().await;
        between(&self.folder.path().join(".codex/mirror.db"));
        self.mirror = open(&self.folder, &self.rows);
        self.mirror.caught_up(self.revision()).await;
        self
    }

    pub fn revision(&self) -> u64 {
        self.rows.lock().unwrap().revision
    }

    /// Puts an entry at a path; its folders are made. Nothing is indexed before `settle`.
    pub fn put(&self, path: &str, content: Content) -> EntryId {
        let path = EntryPath::parse(path).unwrap();
        let parent = path.parent().unwrap();
        let folder = if parent.is_root() { EntryId::ROOT } else { self.folder_at(&parent) };
        let id = id(path.as_str());
        let modified = 1_000_000 + self.revision().cast_signed();
        self.change(id, content, |row| {
            row.place_parent = folder;
            row.place_name = path.name().to_owned();
            row.modified = modified;
        });
        id
    }

    fn folder_at(&self, path: &EntryPath) -> EntryId {
        let id = id(path.as_str());
        if self.rows.lock().unwrap().entries.contains_key(&id) {
            return id;
        }
        self.put(path.as_str(), Content::Folder)
    }

    pub fn text(&self, path: &str, text: &str) -> EntryId {
        self.put(path, Content::Text(text.into()))
    }

    pub fn blob(&self, path: &str) -> EntryId {
        self.attachment(path, path.as_bytes())
    }

    pub fn attachment(&self, path: &str, bytes: &[u8]) -> EntryId {
        self.put(path, Content::Blob { hash: ContentHash::of(bytes), size: bytes.len() as u64 })
    }

    /// Changes an entry's row, as a step of the core does.
    pub fn change(&self, id: EntryId, content: Content, change: impl FnOnce(&mut EntryRow)) {
        let mut rows = self.rows.lock().unwrap();
        rows.revision += 1;
        let revision = rows.revision;
        let mut row = rows.entries.get(&id).map_or_else(|| row(&content), |(row, _)| row.clone());
        rows.by_revision.remove(&row.revision);
        row.kind = content.kind();
        row.hash = content.hash();
        row.size = content.size();
        change(&mut row);
        row.revision = revision;
        rows.by_revision.insert(revision, id);
        rows.entries.insert(id, (row, content));
    }

    pub fn move_to(&self, id: EntryId, parent: EntryId, name: &str) {
        let content = self.rows.lock().unwrap().entries[&id].1.clone();
        self.change(id, content, |row| {
            row.place_parent = parent;
            row.place_name = name.into();
        });
    }

    pub fn delete(&self, id: EntryId) {
        let content = self.rows.lock().unwrap().entries[&id].1.clone();
        self.change(id, content, |row| {
            row.deleted = true;
            row.alive = false;
        });
    }

    pub async fn settle(&self) {
        let revision = self.revision();
        self.mirror.nudge(revision);
        self.mirror.caught_up(revision).await;
    }

    pub fn at(&self, path: &str) -> EntryInfo {
        let found = self.mirror.by_path(&EntryPath::parse(path).unwrap()).unwrap();
        found.unwrap_or_else(|| panic!("there is nothing at {path}"))
    }

    /// Paths of the hits, the best first.
    pub fn search(&self, line: &str) -> Vec<String> {
        let answer = self.mirror.search(line, 50, 0).unwrap();
        answer.hits.iter().map(|hit| hit.path.to_string()).collect()
    }

    /// Paths of the hits by name: where the order does not matter.
    pub fn found(&self, line: &str) -> Vec<String> {
        let mut found = self.search(line);
        found.sort();
        found
    }
}

fn open(folder: &tempfile::TempDir, rows: &Arc<Mutex<Rows>>) -> Mirror {
    let rows = Arc::clone(rows);
    let feed = move || Ok(Box::new(FakeFeed(Arc::clone(&rows))) as Box<dyn Feed>);
    Mirror::open_with(folder.path(), Arc::new(feed)).unwrap()
}

/// The id of what was first put at a path.
pub fn id(path: &str) -> EntryId {
    EntryId(*blake3::hash(path.as_bytes()).as_bytes())
}

fn row(content: &Content) -> EntryRow {
    EntryRow {
        kind: content.kind(),
        parent: EntryId::ROOT,
        name: String::new(),
        moved_by: None,
        deleted: false,
        heads: Vec::new(),
        hash: content.hash(),
        size: content.size(),
        birth: BirthAt { position: 0, item: 0 },
        birth_parent: EntryId::ROOT,
        alive: true,
        live_children: 0,
        place_parent: EntryId::ROOT,
        place_name: String::new(),
        author: DeviceId([7; 32]),
        created: 1_000_000,
        modified: 1_000_000,
        revision: 0,
    }
}
