//! A file system in memory, and the disk worker's reading and writing of it: the same outcomes as the real one.

use std::collections::{BTreeMap, BTreeSet};

use codex_crdt_model::effect::{DiskAction, DiskOp, DiskOutcome};
use codex_crdt_model::entry::Content;
use codex_crdt_model::event::{Observation, Seen};
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::limits;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::memory::MemoryStore;
use codex_crdt_model::store::{Source, Stat};

/// Attachments by hash.
pub type Blobs = BTreeMap<ContentHash, Vec<u8>>;

/// What a path holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A folder.
    Folder,
    /// A file's bytes.
    File(Vec<u8>),
    /// A link's target.
    Symlink(String),
}

/// One inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it holds.
    pub data: Data,
    /// Size, times, number.
    pub stat: Stat,
}

/// Something that a write or removal took out.
#[derive(Debug, Clone)]
struct Aside {
    entry: EntryId,
    node: Node,
    /// Hash of what was expected to come out.
    was: ContentHash,
    /// It was what the core expected: removed after a while, unless an open handle changed it.
    expected: Option<ContentHash>,
}

/// One notebook folder and the worker's own place for what it set aside.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    nodes: BTreeMap<EntryPath, Node>,
    asides: BTreeMap<String, Aside>,
    next_inode: u64,
    free_inodes: Vec<u64>,
    next_aside: u64,
    clock_ns: i64,
}

fn hash_of(data: &Data) -> ContentHash {
    match data {
        Data::Folder => ContentHash::of(b""),
        Data::File(bytes) => ContentHash::of(bytes),
        Data::Symlink(target) => ContentHash::of(target.as_bytes()),
    }
}

impl MemoryDisk {
    // ---- as any program sees it

    /// Every path and what it holds, the notebook's own folder left out.
    pub fn tree(&self) -> BTreeMap<EntryPath, Data> {
        self.nodes.iter().map(|(path, node)| (path.clone(), node.data.clone())).collect()
    }

    /// What is at a path.
    pub fn get(&self, path: &EntryPath) -> Option<&Data> {
        self.nodes.get(path).map(|node| &node.data)
    }

    /// A file's bytes.
    pub fn read(&self, path: &EntryPath) -> Option<&[u8]> {
        match self.get(path) {
            Some(Data::File(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Paths of files, or of folders.
    pub fn paths(&self, folders: bool) -> Vec<EntryPath> {
        let wanted = |node: &Node| matches!(node.data, Data::Folder) == folders;
        self.nodes.iter().filter(|(_, node)| wanted(node)).map(|(path, _)| path.clone()).collect()
    }

    /// Paths at or below one.
    pub fn within(&self, top: &EntryPath) -> Vec<EntryPath> {
        self.nodes.keys().filter(|path| path.is_within(top)).cloned().collect()
    }

    fn has_folder(&self, path: &EntryPath) -> bool {
        path.is_root() || matches!(self.get(path), Some(Data::Folder))
    }

    fn tick(&mut self) -> i64 {
        self.clock_ns += 1_000_003;
        self.clock_ns
    }

    fn node(&mut self, data: Data) -> Node {
        let now = self.tick();
        let size = match &data {
            Data::Folder => 0,
            Data::File(bytes) => bytes.len() as u64,
            Data::Symlink(target) => target.len() as u64,
        };
        // Freed numbers are used again at once, as on real file systems.
        let inode = self.free_inodes.pop().unwrap_or_else(|| {
            self.next_inode += 1;
            self.next_inode
        });
        Node { data, stat: Stat { size, mtime_ns: now, inode, born_ns: now } }
    }

    /// Makes a folder and those above it; false if a file is in the way.
    pub fn make_folders(&mut self, path: &EntryPath) -> bool {
        if path.is_root() {
            return true;
        }
        if !path.parent().is_some_and(|parent| self.make_folders(&parent)) {
            return false;
        }
        if self.nodes.contains_key(path) {
            return self.has_folder(path);
        }
        let node = self.node(Data::Folder);
        self.nodes.insert(path.clone(), node);
        true
    }

    /// Truncates and writes in place, or saves by a temporary file and a rename; makes the file if needed.
    pub fn write(&mut self, path: &EntryPath, bytes: &[u8], by_rename: bool) -> bool {
        if !path.parent().is_some_and(|parent| self.make_folders(&parent)) || self.has_folder(path) {
            return false;
        }
        let now = self.tick();
        match self.nodes.get_mut(path) {
            Some(Node { data: data @ Data::File(_), stat }) if !by_rename => {
                *data = Data::File(bytes.to_vec());
                stat.size = bytes.len() as u64;
                stat.mtime_ns = now;
            }
            _ => {
                let node = self.node(Data::File(bytes.to_vec()));
                if let Some(old) = self.nodes.insert(path.clone(), node) {
                    self.free_inodes.push(old.stat.inode);
                }
            }
        }
        true
    }

    /// Makes a link in place of whatever file is there.
    pub fn link(&mut self, path: &EntryPath, target: &str) -> bool {
        if !path.parent().is_some_and(|parent| self.make_folders(&parent)) || self.has_folder(path) {
            return false;
        }
        let node = self.node(Data::Symlink(target.to_owned()));
        self.nodes.insert(path.clone(), node);
        true
    }

    /// Removes a file, or a folder and all that is in it.
    pub fn remove(&mut self, path: &EntryPath) {
        for path in self.within(path) {
            if let Some(node) = self.nodes.remove(&path) {
                self.free_inodes.push(node.stat.inode);
            }
        }
    }

    /// Renames; false if the target is taken, inside the source, or has no folder.
    pub fn rename(&mut self, from: &EntryPath, to: &EntryPath) -> bool {
        let free = !self.nodes.contains_key(to) && !to.is_within(from);
        if !free || !self.nodes.contains_key(from) || !to.parent().is_some_and(|p| self.has_folder(&p)) {
            return false;
        }
        for path in self.within(from) {
            let rest = path.as_str()[from.as_str().len()..].to_owned();
            let new = EntryPath::parse(&format!("{to}{rest}")).expect("both paths were checked");
            if let Some(node) = self.nodes.remove(&path) {
                self.nodes.insert(new, node);
            }
        }
        true
    }

    // ---- as the disk worker sees it

    fn seen(node: &Node, blobs: &mut Blobs) -> Seen {
        match &node.data {
            Data::Folder => Seen::Folder(node.stat),
            Data::Symlink(target) => Seen::Symlink(node.stat, target.clone()),
            Data::File(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if bytes.len() <= limits::TEXT_BYTES && !text.contains('\0') => {
                    Seen::Text(node.stat, text.to_owned())
                }
                _ => {
                    let hash = ContentHash::of(bytes);
                    blobs.insert(hash, bytes.clone());
                    Seen::Blob(node.stat, hash)
                }
            },
        }
    }

    /// What a look at one path gives.
    pub fn look(&self, path: &EntryPath, blobs: &mut Blobs) -> Seen {
        self.nodes.get(path).map_or(Seen::Missing, |node| Self::seen(node, blobs))
    }

    /// Differences from what the store believes, at and below these paths. `all` also tells what is as believed.
    pub fn differences(
        &self,
        tops: &[EntryPath],
        store: &MemoryStore,
        blobs: &mut Blobs,
        all: bool,
    ) -> Vec<Observation> {
        let mut known = BTreeSet::new();
        let mut observations = Vec::new();
        let inside = |path: &EntryPath| tops.iter().any(|top| path.is_within(top));
        for (id, base) in store.bases() {
            let Some(path) = base_path(store, id) else { continue };
            if !inside(&path) {
                continue;
            }
            match self.nodes.get(&path) {
                None => observations.push(Observation { path: path.clone(), seen: Seen::Missing }),
                Some(node) => {
                    let same = node.stat == base.stat && base.confirmed.is_some();
                    if all || !same {
                        observations.push(Observation { path: path.clone(), seen: Self::seen(node, blobs) });
                    }
                }
            }
            known.insert(path);
        }
        for (path, node) in self.nodes.iter().filter(|(path, _)| inside(path) && !known.contains(*path)) {
            observations.push(Observation { path: path.clone(), seen: Self::seen(node, blobs) });
        }
        observations.sort_by(|a, b| a.path.cmp(&b.path));
        observations
    }

    /// What a hint makes known: what differs, with both ends of what moved in one batch; and what waits, because it is
    /// missing for now, or because it may be what is.
    pub fn look_at(
        &self,
        tops: &[EntryPath],
        store: &MemoryStore,
        blobs: &mut Blobs,
        is_some_missing: bool,
    ) -> (Vec<Observation>, Vec<EntryPath>) {
        let differing = self.differences(tops, store, blobs, false);
        let (missing, mut seen): (Vec<_>, Vec<_>) =
            differing.into_iter().partition(|observation| observation.seen == Seen::Missing);
        let found: BTreeSet<(u64, i64)> = seen
            .iter()
            .filter_map(|observation| self.nodes.get(&observation.path))
            .map(|node| (node.stat.inode, node.stat.born_ns))
            .collect();
        let mut left = BTreeSet::new();
        for (id, base) in store.bases().filter(|(_, base)| base.confirmed.is_some()) {
            if found.contains(&(base.stat.inode, base.stat.born_ns))
                && let Some(path) = base_path(store, id)
                && !self.nodes.contains_key(&path)
            {
                left.insert(path);
            }
        }
        let mut wait: Vec<EntryPath> = missing
            .into_iter()
            .map(|observation| observation.path)
            .filter(|path| !left.iter().any(|left| path.is_within(left)))
            .collect();
        if is_some_missing || !wait.is_empty() {
            // Something new may be what is missing, saved anew and then renamed: both are told together.
            let known: BTreeSet<_> = store.bases().filter_map(|(id, _)| base_path(store, id)).collect();
            let prints: BTreeSet<_> = store.bases().map(|(_, b)| (b.stat.inode, b.stat.born_ns)).collect();
            let is_new = |path: &EntryPath| {
                let node = &self.nodes[path];
                let print = (node.stat.inode, node.stat.born_ns);
                node.data != Data::Folder && !known.contains(path) && !prints.contains(&print)
            };
            let (new, rest): (Vec<_>, Vec<_>) = seen.into_iter().partition(|seen| is_new(&seen.path));
            wait.extend(new.into_iter().map(|observation| observation.path));
            seen = rest;
        }
        seen.extend(left.into_iter().map(|path| Observation { path, seen: Seen::Missing }));
        seen.sort_by(|a, b| a.path.cmp(&b.path));
        (seen, wait)
    }

    /// Carries out one operation.
    pub fn run(&mut self, op: &DiskOp, blobs: &mut Blobs) -> DiskOutcome {
        let parent_there = op.path.parent().is_none_or(|parent| self.has_folder(&parent));
        match &op.action {
            DiskAction::MakeFolder if !parent_there => DiskOutcome::Vanished,
            DiskAction::MakeFolder => match self.nodes.get(&op.path) {
                Some(node) if node.data == Data::Folder => DiskOutcome::FolderMade(node.stat),
                Some(_) => DiskOutcome::Occupied,
                None => {
                    let node = self.node(Data::Folder);
                    let stat = node.stat;
                    self.nodes.insert(op.path.clone(), node);
                    DiskOutcome::FolderMade(stat)
                }
            },
            DiskAction::Write { .. } if !parent_there => DiskOutcome::Vanished,
            DiskAction::Write { content, expect } => self.run_write(op, content, *expect, blobs),
            DiskAction::Move { to } => self.run_move(&op.path, to),
            DiskAction::Remove { expect } => match self.nodes.get(&op.path).cloned() {
                None => DiskOutcome::Removed { displaced: None },
                Some(node) if node.data == Data::Folder => DiskOutcome::Occupied,
                Some(node) => {
                    self.nodes.remove(&op.path);
                    DiskOutcome::Removed { displaced: self.set_aside(op.entry, node, *expect, blobs) }
                }
            },
            DiskAction::RemoveFolder => match self.within(&op.path).len() {
                0 => DiskOutcome::Removed { displaced: None },
                1 if self.has_folder(&op.path) => {
                    self.remove(&op.path);
                    DiskOutcome::Removed { displaced: None }
                }
                _ => DiskOutcome::NotEmpty,
            },
            DiskAction::Discard { aside, taken } => {
                if let Some(aside) = self.asides.get_mut(aside) {
                    (aside.was, aside.expected) = (*taken, Some(*taken));
                }
                DiskOutcome::Discarded
            }
        }
    }

    fn run_write(
        &mut self,
        op: &DiskOp,
        content: &Content,
        expect: Option<ContentHash>,
        blobs: &mut Blobs,
    ) -> DiskOutcome {
        let data = match content {
            Content::Text(text) => Data::File(text.clone().into_bytes()),
            Content::Symlink(target) => Data::Symlink(target.clone()),
            Content::Folder => return DiskOutcome::Failed("a folder cannot be written".into()),
            Content::Blob { hash, .. } => match blobs.get(hash) {
                Some(bytes) => Data::File(bytes.clone()),
                None => return DiskOutcome::BlobNotHeld,
            },
        };
        let there = self.nodes.get(&op.path).cloned();
        let displaced = match (there, expect) {
            (None, Some(_)) => return DiskOutcome::Vanished,
            (Some(_), None) => return DiskOutcome::Occupied,
            (Some(node), Some(_)) if node.data == Data::Folder => {
                return DiskOutcome::Occupied;
            }
            (None, None) => None,
            (Some(node), Some(expect)) => self.set_aside(op.entry, node, expect, blobs),
        };
        let node = self.node(data);
        let stat = node.stat;
        self.nodes.insert(op.path.clone(), node);
        DiskOutcome::Written { stat, displaced }
    }

    fn run_move(&mut self, from: &EntryPath, to: &EntryPath) -> DiskOutcome {
        if !self.nodes.contains_key(from) || !to.parent().is_some_and(|p| self.has_folder(&p)) {
            return DiskOutcome::Vanished;
        }
        if self.nodes.contains_key(to) {
            return DiskOutcome::Occupied;
        }
        if !self.rename(from, to) {
            return DiskOutcome::Failed("a folder cannot be moved into itself".into());
        }
        DiskOutcome::Moved(self.nodes[to].stat)
    }

    fn set_aside(
        &mut self,
        entry: EntryId,
        node: Node,
        expect: ContentHash,
        blobs: &mut Blobs,
    ) -> Option<(Seen, String)> {
        self.next_aside += 1;
        let name = format!("aside-{}", self.next_aside);
        let expected = (hash_of(&node.data) == expect).then_some(expect);
        let told = expected.is_none().then(|| (Self::seen(&node, blobs), name.clone()));
        self.asides.insert(name, Aside { entry, node, was: expect, expected });
        told
    }

    /// What an operation cut off by a crash left behind: told at the next start. What came out as expected is
    /// nothing to tell.
    pub fn leftovers(&mut self, blobs: &mut Blobs) -> Vec<(EntryId, DiskOutcome)> {
        self.forget_expected();
        self.asides
            .iter()
            .map(|(name, aside)| {
                let seen = Self::seen(&aside.node, blobs);
                (aside.entry, DiskOutcome::Leftover { seen, was: aside.was, aside: name.clone() })
            })
            .collect()
    }

    /// The minute is over: what came out as expected goes for good. The core knows nothing of it.
    pub fn forget_expected(&mut self) {
        self.asides.retain(|_, aside| aside.expected.is_none());
    }

    /// Number of copies set aside that nobody has dealt with.
    pub fn asides(&self) -> usize {
        self.asides.values().filter(|aside| aside.expected.is_none()).count()
    }
}

/// Where the store believes that an entry lies.
pub(crate) fn base_path(store: &MemoryStore, id: &EntryId) -> Option<EntryPath> {
    let mut names = Vec::new();
    let mut at = *id;
    while at != EntryId::ROOT {
        let base = store.base(&at).ok()??;
        names.push(base.name);
        at = base.parent;
        if names.len() > limits::DEPTH {
            return None;
        }
    }
    Some(names.iter().rev().fold(EntryPath::root(), |path, name| path.join(name)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn op(path: &str, action: DiskAction) -> DiskOp {
        DiskOp { entry: EntryId([1; 32]), path: EntryPath::parse(path).unwrap(), action }
    }

    fn write(text: &str, expect: Option<&str>) -> DiskAction {
        let expect = expect.map(|text| ContentHash::of(text.as_bytes()));
        DiskAction::Write { content: Content::Text(text.into()), expect }
    }

    #[test]
    fn an_exchange_keeps_what_was_not_expected() {
        let (mut disk, mut blobs) = (MemoryDisk::default(), Blobs::new());
        assert!(matches!(disk.run(&op("f", write("a", None)), &mut blobs), DiskOutcome::Written { .. }));
        assert!(matches!(disk.run(&op("f", write("b", None)), &mut blobs), DiskOutcome::Occupied));
        assert!(disk.write(&EntryPath::parse("f").unwrap(), b"mine", false));
        let DiskOutcome::Written { displaced: Some((Seen::Text(_, text), aside)), .. } =
            disk.run(&op("f", write("b", Some("a"))), &mut blobs)
        else {
            panic!("the outside edit must come out");
        };
        assert_eq!((text.as_str(), disk.asides()), ("mine", 1));
        disk.run(&op("", DiskAction::Discard { aside, taken: ContentHash::of(b"mine") }), &mut blobs);
        assert_eq!(disk.asides(), 0);
        assert_eq!(disk.run(&op("g", write("b", Some("a"))), &mut blobs), DiskOutcome::Vanished);
    }

    #[test]
    fn folders_move_whole_and_are_removed_only_when_empty() {
        let (mut disk, mut blobs) = (MemoryDisk::default(), Blobs::new());
        disk.write(&EntryPath::parse("a/b/c").unwrap(), b"x", false);
        let to = EntryPath::parse("z").unwrap();
        assert!(matches!(disk.run(&op("a/b", DiskAction::Move { to }), &mut blobs), DiskOutcome::Moved(_)));
        assert_eq!(disk.read(&EntryPath::parse("z/c").unwrap()), Some(b"x".as_slice()));
        assert_eq!(disk.run(&op("z", DiskAction::RemoveFolder), &mut blobs), DiskOutcome::NotEmpty);
        let gone = DiskOutcome::Removed { displaced: None };
        assert_eq!(disk.run(&op("a", DiskAction::RemoveFolder), &mut blobs), gone);
    }
}
