//! Makes one change out of edits.

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{ActorId, Automerge, ObjId, ROOT, ReadDoc, ScalarValue};

use super::Edit;
use super::schema::{BlobValue, DELETE, REVIVE, Reader, Schema, Target, kind_word};
use crate::entry::birth::{Content, Kind};
use crate::entry::text;
use crate::ids::{ContentHash, EntryId};

/// What the edits come to, compared with the version they are made at.
#[derive(Default)]
struct Plan {
    parent: Option<EntryId>,
    name: Option<String>,
    kind: Option<Kind>,
    /// `Some(None)` takes the value away.
    blob: Option<Option<BlobValue>>,
    body: Option<String>,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.parent.is_none()
            && self.name.is_none()
            && self.kind.is_none()
            && self.blob.is_none()
            && self.body.is_none()
    }
}

/// Makes the change in `doc`, whose current version is the base. `None` if nothing changes.
pub(super) fn make(
    mut doc: Automerge,
    schema: &Schema,
    actor: ActorId,
    time_ms: i64,
    edits: &[Edit],
) -> Result<Option<(Automerge, automerge::Change)>, String> {
    let options = CommitOptions::default().with_time(time_ms.div_euclid(1000));
    let reader = Reader { doc: &doc, schema, at: None };
    let deleted = reader.deleted();
    let alone = match edits {
        [Edit::Delete] if deleted => return Ok(None),
        [Edit::Revive] if !deleted => return Ok(None),
        [Edit::Delete] => Some(DELETE),
        [Edit::Revive] => Some(REVIVE),
        _ => None,
    };
    if let Some(message) = alone {
        doc.set_actor(actor);
        let hash = doc.empty_commit(options.with_message(message));
        return finish(doc, Some(hash));
    }
    let plan = plan(&reader, edits)?;
    if plan.is_empty() {
        return Ok(None);
    }
    doc.set_actor(actor);
    let made = doc.transact_with::<_, _, String, _>(|()| options, |tx| write(tx, schema, &plan));
    let hash = made.map_err(|failure| failure.error)?.hash;
    finish(doc, hash)
}

fn finish(
    doc: Automerge,
    hash: Option<automerge::ChangeHash>,
) -> Result<Option<(Automerge, automerge::Change)>, String> {
    let Some(hash) = hash else { return Ok(None) };
    let change = doc.get_change_by_hash(&hash).ok_or("the change just made is not in the document")?;
    Ok(Some((doc, change)))
}

fn plan(reader: &Reader<'_>, edits: &[Edit]) -> Result<Plan, String> {
    let mut plan = Plan::default();
    for edit in edits {
        match edit {
            Edit::Content(content) => plan_content(reader, content, &mut plan),
            Edit::Properties(_) => return Err("properties cannot be set on it".to_owned()),
            Edit::Place { parent, name } => {
                plan.parent = (*parent != reader.parent().0).then_some(*parent);
                plan.name = (*name != reader.name()).then(|| name.clone());
            }
            Edit::Delete | Edit::Revive => {
                return Err("a deletion or its undoing must stand alone".to_owned());
            }
        }
    }
    Ok(plan)
}

fn plan_content(reader: &Reader<'_>, content: &Content, plan: &mut Plan) {
    let before = reader.content();
    if before == *content {
        return;
    }
    plan.kind = (content.kind() != reader.kind()).then(|| content.kind());
    plan.blob = match Target::of(content) {
        Some(target) => Some(Some(BlobValue { target, instead_of: text_hash(reader) })),
        None => reader.blob().map(|_| None),
    };
    if let Content::Text(text) = content {
        plan.body = (*text != reader.text()).then(|| text.clone());
    }
}

/// The hash of the text at this version; `None` for an empty one.
pub(super) fn text_hash(reader: &Reader<'_>) -> Option<ContentHash> {
    let text = reader.text();
    (!text.is_empty()).then(|| ContentHash::of(text.as_bytes()))
}

fn write(tx: &mut Transaction<'_>, schema: &Schema, plan: &Plan) -> Result<(), String> {
    write_root(tx, plan).map_err(|e| e.to_string())?;
    if let Some(body) = &plan.body {
        write_text(tx, &schema.body, body).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn write_root(tx: &mut Transaction<'_>, plan: &Plan) -> Result<(), automerge::AutomergeError> {
    if let Some(kind) = plan.kind {
        tx.put(ROOT, "kind", kind_word(kind))?;
    }
    match &plan.blob {
        Some(Some(value)) => tx.put(ROOT, "blob", value.scalar())?,
        Some(None) => tx.delete(ROOT, "blob")?,
        None => {}
    }
    if let Some(parent) = &plan.parent {
        tx.put(ROOT, "parent", ScalarValue::Bytes(parent.0.to_vec()))?;
    }
    if let Some(name) = &plan.name {
        tx.put(ROOT, "name", name.as_str())?;
    }
    Ok(())
}

/// Turns a Text into `new` by small edits.
fn write_text(tx: &mut Transaction<'_>, object: &ObjId, new: &str) -> Result<(), automerge::AutomergeError> {
    let old = tx.text(object)?;
    for splice in text::diff(&old, new).iter().rev() {
        tx.splice_text(
            object,
            splice.at,
            isize::try_from(splice.delete).unwrap_or(isize::MAX),
            splice.insert,
        )?;
    }
    Ok(())
}
