//! The shape of the Automerge document: how a birth is encoded, and how a version is read.
//!
//! Reading is total: whatever a peer's change put where, a view comes out. Containers are found by the ids
//! that the birth gave them, so that nobody can put others in their place.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, TextEncoding, Value};
use serde::{Deserialize, Serialize};

use super::View;
use super::change::text_hash;
use super::front::Front;
use crate::entry::birth::{Birth, Content, Kind};
use crate::entry::frontmatter::Parts;
use crate::ids::{ContentHash, EntryId};
use crate::path::check_name;

/// Message of a change that is a deletion.
pub(super) const DELETE: &str = "delete";
/// Message of a change that does nothing but undo deletions.
pub(super) const REVIVE: &str = "revive";
/// The message of a change that takes in a text made of a version that does not count any more.
pub(super) const DRAFT: &str = "draft";

/// Ids of the containers, and what to fall back to.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    pub(super) front: ObjId,
    pub(super) items: ObjId,
    pub(super) front_raw: ObjId,
    pub(super) body: ObjId,
    actor: ActorId,
    parent: EntryId,
    name: String,
    kind: Kind,
}

impl Schema {
    pub(super) fn new(id: EntryId, birth: &Birth) -> Self {
        let actor = ActorId::from(id.0.as_slice());
        // The operations' numbers in `first_change`.
        let container = |counter: u64| ObjId::Id(counter, actor.clone(), 0);
        Self {
            front: container(4),
            items: container(5),
            front_raw: container(6),
            body: container(7),
            parent: birth.parent,
            name: birth.name.clone(),
            kind: birth.content.kind(),
            actor,
        }
    }
}

/// The value of `blob`: one scalar, so that two concurrent values are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlobValue {
    pub(super) target: Target,
    /// The text that it stands instead of: its hash at the version where this was set. `None`: no text.
    pub(super) instead_of: Option<ContentHash>,
}

/// What an entry that is no text holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Target {
    /// Bytes.
    Blob {
        /// Their hash.
        hash: ContentHash,
        /// Their size.
        size: u64,
    },
    /// A link's target.
    Symlink(String),
}

impl Target {
    pub(super) fn of(content: &Content) -> Option<Self> {
        match content {
            Content::Blob { hash, size } => Some(Target::Blob { hash: *hash, size: *size }),
            Content::Symlink(target) => Some(Target::Symlink(target.clone())),
            Content::Text(_) | Content::Folder => None,
        }
    }

    pub(super) fn content(self) -> Content {
        match self {
            Target::Blob { hash, size } => Content::Blob { hash, size },
            Target::Symlink(target) => Content::Symlink(target),
        }
    }
}

impl BlobValue {
    /// The hash of the bytes, if it is no link.
    pub(super) fn hash(&self) -> Option<ContentHash> {
        match &self.target {
            Target::Blob { hash, .. } => Some(*hash),
            Target::Symlink(_) => None,
        }
    }

    pub(super) fn scalar(&self) -> ScalarValue {
        ScalarValue::Bytes(
            postcard::to_stdvec(self).expect("encoding into memory cannot fail: no map, no sequence"),
        )
    }

    pub(super) fn read(value: &Value<'_>) -> Option<Self> {
        let (value, rest) = postcard::take_from_bytes::<Self>(value.as_bytes()?).ok()?;
        rest.is_empty().then_some(value)
    }
}

pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Blob => "blob",
        Kind::Folder => "folder",
        Kind::Symlink => "symlink",
    }
}

/// The document of a birth and its first change's hash. Frozen: the order of operations decides the hash that
/// every later change names, so machines that disagreed could not merge.
pub(super) fn first_change(id: EntryId, birth: &Birth) -> (Automerge, automerge::ChangeHash) {
    let mut doc = Automerge::new_with_encoding(TextEncoding::Utf16CodeUnit);
    let schema = Schema::new(id, birth);
    doc.set_actor(ActorId::from(id.0.as_slice()));
    let made = doc.transact_with::<_, _, automerge::AutomergeError, _>(
        |()| CommitOptions::default().with_time(0),
        |tx| {
            tx.put(ROOT, "kind", kind_word(birth.content.kind()))?;
            tx.put(ROOT, "parent", ScalarValue::Bytes(birth.parent.0.to_vec()))?;
            tx.put(ROOT, "name", birth.name.as_str())?;
            tx.put_object(ROOT, "front", ObjType::Map)?;
            tx.put_object(ROOT, "items", ObjType::Map)?;
            tx.put_object(ROOT, "front_raw", ObjType::Text)?;
            tx.put_object(ROOT, "body", ObjType::Text)?;
            if let Some(target) = Target::of(&birth.content) {
                tx.put(ROOT, "blob", BlobValue { target, instead_of: None }.scalar())?;
            }
            if let Content::Text(text) = &birth.content {
                Front::default().write(tx, &schema, &Parts::of(&birth.name, text), &[])?;
            }
            Ok(())
        },
    );
    let hash = made
        .ok()
        .and_then(|made| made.hash)
        .expect("a fresh document takes a first change of seven operations");
    (doc, hash)
}

/// Reads one version.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) doc: &'a Automerge,
    pub(super) schema: &'a Schema,
    /// `None`: the current one.
    pub(super) at: Option<&'a [automerge::ChangeHash]>,
}

impl<'a> Reader<'a> {
    pub(super) fn view(&self) -> View {
        let content = self.content();
        let (parent, moved_by) = self.parent();
        View { parent, name: self.name(), moved_by, deleted: self.deleted(), kind: content.kind(), content }
    }

    pub(super) fn name(&self) -> String {
        let name = self.get("name").and_then(|(value, _)| value.as_str().map(str::to_owned));
        name.filter(|name| check_name(name).is_ok()).unwrap_or_else(|| self.schema.name.clone())
    }

    pub(super) fn parent(&self) -> (EntryId, Option<(u64, [u8; 16])>) {
        let born = (self.schema.parent, None);
        let Some((value, id)) = self.get("parent") else { return born };
        let Some(parent) = value.as_bytes().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else {
            return born;
        };
        let ObjId::Id(counter, actor, _) = id else { return born };
        if actor == self.schema.actor {
            return (EntryId(parent), None);
        }
        let mut short = [0; 16];
        short.iter_mut().zip(actor.to_bytes()).for_each(|(to, from)| *to = *from);
        (EntryId(parent), Some((counter, short)))
    }

    /// Whether all heads of this version are deletions.
    pub(super) fn deleted(&self) -> bool {
        let current;
        let heads = match self.at {
            Some(heads) => heads,
            None => {
                current = self.doc.get_heads();
                &current
            }
        };
        let is_deletion = |hash| {
            let change = self.doc.get_change_meta_by_hash(hash);
            change.is_some_and(|c| c.message.as_deref() == Some(DELETE) && c.max_op < c.start_op)
        };
        !heads.is_empty() && heads.iter().all(is_deletion)
    }

    pub(super) fn content(&self) -> Content {
        match self.kind() {
            Kind::Folder => Content::Folder,
            Kind::Text => Content::Text(self.text()),
            // The value says itself whether it is bytes or a link: two machines may have disagreed on `kind`.
            Kind::Blob | Kind::Symlink => match self.blob() {
                Some(value) if !self.text_went_on() => value.target.content(),
                _ => Content::Text(self.text()),
            },
        }
    }

    /// Whether the text is none that a value of `blob` stands instead of: somebody edited it at the same time. Text
    /// merges, bytes do not: so it is the text that stays, and the bytes go beside it.
    fn text_went_on(&self) -> bool {
        let text = text_hash(self);
        self.blobs().iter().all(|value| value.instead_of != text)
    }

    pub(super) fn kind(&self) -> Kind {
        let word = self.get("kind").and_then(|(value, _)| value.as_str().map(str::to_owned));
        match word.as_deref() {
            Some("text") => Kind::Text,
            Some("blob") => Kind::Blob,
            Some("folder") => Kind::Folder,
            Some("symlink") => Kind::Symlink,
            _ => self.schema.kind,
        }
    }

    pub(super) fn blob(&self) -> Option<BlobValue> {
        self.get("blob").and_then(|(value, _)| BlobValue::read(&value))
    }

    /// All concurrent values of `blob`.
    pub(super) fn blobs(&self) -> Vec<BlobValue> {
        self.get_all(&ROOT, "blob").iter().filter_map(BlobValue::read).collect()
    }

    /// All concurrent texts at a key of a map.
    pub(super) fn all(&self, map: &ObjId, key: &str) -> Vec<String> {
        self.get_all(map, key).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    fn get_all(&self, map: &ObjId, key: &str) -> Vec<Value<'a>> {
        let all = match self.at {
            Some(heads) => self.doc.get_all_at(map, key, heads),
            None => self.doc.get_all(map, key),
        };
        all.unwrap_or_default().into_iter().map(|(value, _)| value).collect()
    }

    /// What a map holds, by key, and whether each was set twice at once.
    pub(super) fn entries(&self, map: &'a ObjId) -> Vec<(String, Value<'static>, bool)> {
        let range = match self.at {
            Some(heads) => self.doc.map_range_at(map, .., heads),
            None => self.doc.map_range(map, ..),
        };
        range.map(|item| (item.key.into_owned(), item.value.into_value(), item.conflict)).collect()
    }

    /// The text as it is written to disk, also while the entry is something else.
    pub(super) fn text(&self) -> String {
        Front::read(self).parts.join()
    }

    pub(super) fn text_of(&self, object: &ObjId) -> String {
        let text = match self.at {
            Some(heads) => self.doc.text_at(object, heads),
            None => self.doc.text(object),
        };
        text.unwrap_or_default()
    }

    fn get(&self, key: &str) -> Option<(Value<'a>, ObjId)> {
        match self.at {
            Some(heads) => self.doc.get_at(ROOT, key, heads).ok().flatten(),
            None => self.doc.get(ROOT, key).ok().flatten(),
        }
    }
}
