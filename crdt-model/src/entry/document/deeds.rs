//! What a change did, from its operations alone: no version is read.

use std::collections::BTreeSet;

use automerge::legacy::{Key, ObjectId, OpType};
use automerge::{Automerge, ObjId, ReadDoc, Value};
use serde::{Deserialize, Serialize};

use super::schema::{BlobValue, DELETE, REVIVE, Schema};
use crate::entry::birth::Birth;
use crate::ids::{ContentHash, EntryId};

/// One thing that a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// The entry began.
    Created,
    /// Text or bytes.
    Edited,
    /// Properties in the frontmatter.
    Properties,
    /// It got another name.
    Renamed,
    /// It went to another folder.
    Moved,
    /// It was deleted.
    Deleted,
    /// It was deleted, and came back.
    Restored,
}

impl Deed {
    /// As `log` shows it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Edited => "edited",
            Self::Properties => "properties",
            Self::Renamed => "renamed",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }
}

/// What a change did; empty for one that is not known.
pub(super) fn of(doc: &Automerge, schema: &Schema, hash: &automerge::ChangeHash) -> BTreeSet<Deed> {
    doc.get_change_by_hash(hash).map_or_else(BTreeSet::new, |change| of_change(schema, &change))
}

/// What a change of an entry did, by its bytes and the entry's birth; nothing if they are none.
pub fn deeds_of(id: EntryId, birth: &Birth, change: &[u8]) -> BTreeSet<Deed> {
    let schema = Schema::new(id, birth);
    parsed(change).map_or_else(BTreeSet::new, |change| of_change(&schema, &change))
}

/// The blobs that a change names, by its bytes; none if they are none.
pub fn blobs_of(change: &[u8]) -> Vec<ContentHash> {
    let Some(change) = parsed(change) else { return Vec::new() };
    let operations = change.decode().operations;
    let named =
        operations.iter().filter_map(|operation| match (&operation.obj, &operation.key, &operation.action) {
            (ObjectId::Root, Key::Map(key), OpType::Put(value)) if key == "blob" => {
                BlobValue::read(&Value::from(value.clone()))?.hash()
            }
            _ => None,
        });
    named.collect()
}

fn parsed(change: &[u8]) -> Option<automerge::Change> {
    super::plain(change)?;
    super::contained(|| automerge::Change::from_bytes(change.to_vec()).ok()).ok().flatten()
}

fn of_change(schema: &Schema, change: &automerge::Change) -> BTreeSet<Deed> {
    let change = change.decode();
    let by_message = match change.message.as_deref() {
        Some(DELETE) if change.operations.is_empty() => Some(Deed::Deleted),
        Some(REVIVE) => Some(Deed::Restored),
        _ => None,
    };
    let is = |object: &ObjectId, container: &ObjId| match (object, container) {
        (ObjectId::Id(id), ObjId::Id(counter, actor, _)) => id.0 == *counter && id.1 == *actor,
        _ => false,
    };
    let by_operation =
        change.operations.iter().filter_map(|operation| match (&operation.obj, &operation.key) {
            (ObjectId::Root, Key::Map(key)) => match key.as_str() {
                "name" => Some(Deed::Renamed),
                "parent" => Some(Deed::Moved),
                "kind" | "blob" => Some(Deed::Edited),
                _ => None,
            },
            (object, _) if is(object, &schema.body) => Some(Deed::Edited),
            (ObjectId::Id(_), _) => Some(Deed::Properties),
            _ => None,
        });
    by_message.into_iter().chain(by_operation).collect()
}
