//! Makes one change out of edits.

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{ActorId, Automerge, AutomergeError, ROOT, ReadDoc, ScalarValue};

use super::Edit;
use super::front::Front;
use super::schema::{BlobValue, DELETE, DRAFT, REVIVE, Reader, Schema, Target, kind_word};
use crate::entry::birth::{Content, Kind};
use crate::entry::frontmatter::{self, Parts};
use crate::ids::{ContentHash, EntryId};

/// What the edits come to, compared with the version they are made at.
#[derive(Default)]
struct Plan {
    parent: Option<EntryId>,
    name: Option<String>,
    kind: Option<Kind>,
    /// `Some(None)` takes the value away.
    blob: Option<Option<BlobValue>>,
    /// The text's parts before and after.
    text: Option<(Front, Parts)>,
    /// Properties in conflict that were set on purpose, maybe to what shows.
    chosen: Vec<String>,
}

impl Plan {
    fn is_empty(&self) -> bool {
        let place = self.parent.is_none() && self.name.is_none();
        place && self.kind.is_none() && self.blob.is_none() && self.text.is_none()
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
    let options = match edits.iter().any(|edit| matches!(edit, Edit::Draft(_))) {
        true => options.with_message(DRAFT),
        false => options,
    };
    let plan = plan(&reader, edits)?;
    if plan.is_empty() {
        return Ok(None);
    }
    doc.set_actor(actor);
    let made = doc.transact_with::<_, _, AutomergeError, _>(|()| options, |tx| write(tx, schema, &plan));
    let hash = made.map_err(|failure| failure.error.to_string())?.hash;
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
        if let Edit::Place { parent, name } = edit {
            plan.parent = (*parent != reader.parent().0).then_some(*parent);
            plan.name = (*name != reader.name()).then(|| name.clone());
        }
    }
    let name = plan.name.clone().unwrap_or_else(|| reader.name());
    let before = reader.content();
    let mut now = before.clone();
    for edit in edits {
        match edit {
            Edit::Content(content) | Edit::Draft(content) => now = content.clone(),
            Edit::Properties(properties) => {
                let Content::Text(text) = &now else {
                    return Err("only a text has properties of its own".to_owned());
                };
                let mut parts = frontmatter::split(text);
                set_properties(&mut parts, &name, properties)?;
                now = Content::Text(parts.join());
                plan.chosen.extend(properties.iter().map(|(key, _)| key.clone()));
            }
            Edit::Place { .. } => {}
            Edit::Delete | Edit::Revive => {
                return Err("a deletion or its undoing must stand alone".to_owned());
            }
        }
    }
    if now != before {
        plan_kind(reader, &now, &mut plan);
    }
    if let Content::Text(text) = &now {
        plan_text(reader, text, &name, &mut plan);
    }
    Ok(plan)
}

fn set_properties(
    parts: &mut Parts,
    name: &str,
    properties: &[(String, Option<String>)],
) -> Result<(), String> {
    if !frontmatter::takes_properties(name) {
        return Err("only .md and .cdx files carry properties in their text".to_owned());
    }
    for (key, source) in properties {
        frontmatter::set(parts, key, source.as_deref()).map_err(|refused| refused.to_string())?;
    }
    Ok(())
}

fn plan_kind(reader: &Reader<'_>, content: &Content, plan: &mut Plan) {
    plan.kind = (content.kind() != reader.kind()).then(|| content.kind());
    plan.blob = match Target::of(content) {
        Some(target) => Some(Some(BlobValue { target, instead_of: text_hash(reader) })),
        None => reader.blob().map(|_| None),
    };
}

fn plan_text(reader: &Reader<'_>, text: &str, name: &str, plan: &mut Plan) {
    let front = Front::read(reader);
    plan.chosen.retain(|key| front.is_conflicted(key));
    if front.parts.join() != *text || !plan.chosen.is_empty() {
        // What has been split once stays split under any name: else two edits after a renaming would both put the
        // same frontmatter into the body.
        let parts = if front.parts.has_front() { frontmatter::split(text) } else { Parts::of(name, text) };
        plan.text = Some((front, parts));
    }
}

/// The hash of the text at this version; `None` for an empty one.
pub(super) fn text_hash(reader: &Reader<'_>) -> Option<ContentHash> {
    let text = reader.text();
    (!text.is_empty()).then(|| ContentHash::of(text.as_bytes()))
}

fn write(tx: &mut Transaction<'_>, schema: &Schema, plan: &Plan) -> Result<(), AutomergeError> {
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
    match &plan.text {
        Some((before, after)) => before.write(tx, schema, after, &plan.chosen),
        None => Ok(()),
    }
}
