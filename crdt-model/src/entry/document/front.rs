//! A text's parts in the document: `front` maps each key to its place and source, `items` holds `key\0item` for
//! each item of a list.
//!
//! A key's shown source is the last written one, brought to the items that `items` names. Items of a key that is
//! no list now stay where they are: another side may still have the list, with an item more.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjId, ReadDoc, Value};

use super::schema::{Reader, Schema};
use crate::entry::frontmatter::list::List;
use crate::entry::frontmatter::{Key, Parts, order};
use crate::entry::text;

const OPEN: &str = "\u{1}open";
const HEAD: &str = "\u{1}head";
const CLOSE: &str = "\u{1}close";

/// Text and frontmatter of one version.
#[derive(Debug, Default)]
pub(super) struct Front {
    /// As it is written to disk.
    pub(super) parts: Parts,
    orders: BTreeMap<String, String>,
    items: BTreeMap<String, BTreeSet<String>>,
    /// Keys of `front` (delimiters and head too) that were set twice at once.
    conflicted: Vec<String>,
}

impl Front {
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let mut front = Self { items: read_items(reader), ..Self::default() };
        let mut placed: Vec<(String, Key)> = Vec::new();
        for (name, value, conflict) in reader.entries(&reader.schema.front) {
            let Value::Scalar(value) = value else { continue };
            let Some(value) = value.as_str() else { continue };
            if conflict {
                front.conflicted.push(name.clone());
            }
            match name.as_str() {
                OPEN => value.clone_into(&mut front.parts.open),
                HEAD => value.clone_into(&mut front.parts.head),
                CLOSE => value.clone_into(&mut front.parts.close),
                _ => {
                    let (order, source) = place_and_source(value);
                    front.orders.insert(name.clone(), order.to_owned());
                    let source = front.shown(&name, source);
                    placed.push((order.to_owned(), Key { name, source }));
                }
            }
        }
        placed.sort_by(|(a, ka), (b, kb)| (a, &ka.name).cmp(&(b, &kb.name)));
        front.parts.keys = placed.into_iter().map(|(_, key)| key).collect();
        front.parts.raw = reader.text_of(&reader.schema.front_raw);
        front.parts.body = reader.text_of(&reader.schema.body);
        front.parts = std::mem::take(&mut front.parts).completed();
        front
    }

    fn shown(&self, name: &str, source: &str) -> String {
        let none = BTreeSet::new();
        match List::of(source) {
            Some(list) => list.with_items(source, self.items.get(name).unwrap_or(&none)),
            None => source.to_owned(),
        }
    }

    /// Properties that were set twice at once to what cannot be merged, with their sources, the shown first.
    pub(super) fn properties_in_conflict(&self, reader: &Reader<'_>) -> Vec<(String, Vec<String>)> {
        let properties = self.parts.keys.iter().filter(|key| self.is_conflicted(&key.name));
        let found = properties.filter_map(|key| {
            let stored = reader.all(&reader.schema.front, &key.name);
            let stored: Vec<&str> = stored.iter().map(|value| place_and_source(value).1).collect();
            if stored.iter().all(|source| List::of(source).is_some()) {
                return None;
            }
            let mut sources = vec![key.source.clone()];
            for source in stored.iter().map(|source| self.shown(&key.name, source)) {
                if !sources.contains(&source) {
                    sources.push(source);
                }
            }
            (sources.len() > 1).then(|| (key.name.clone(), sources))
        });
        found.collect()
    }

    /// Whether delimiters or the comments before the first key were set twice at once, differently.
    pub(super) fn frame_in_conflict(&self, reader: &Reader<'_>) -> bool {
        let frame = self.conflicted.iter().filter(|name| [OPEN, HEAD, CLOSE].contains(&name.as_str()));
        frame.into_iter().any(|name| {
            let stored: BTreeSet<String> = reader.all(&reader.schema.front, name).into_iter().collect();
            stored.len() > 1
        })
    }

    /// Whether a key was set twice at once.
    pub(super) fn is_conflicted(&self, name: &str) -> bool {
        self.conflicted.iter().any(|known| known == name)
    }

    /// Turns this version (the one that `tx` is made at) into `after`. The `chosen` keys are written even if they
    /// stay as they show, so that the other side's value is overruled. Part of the frozen birth encoding: the
    /// order of operations matters.
    pub(super) fn write(
        &self,
        tx: &mut Transaction<'_>,
        schema: &Schema,
        after: &Parts,
        chosen: &[String],
    ) -> Result<(), AutomergeError> {
        set(tx, schema, OPEN, &after.open)?;
        set(tx, schema, HEAD, &after.head)?;
        self.write_keys(tx, schema, &after.keys, chosen)?;
        set(tx, schema, CLOSE, &after.close)?;
        splice(tx, &schema.front_raw, &self.parts.raw, &after.raw)?;
        splice(tx, &schema.body, &self.parts.body, &after.body)
    }

    fn write_keys(
        &self,
        tx: &mut Transaction<'_>,
        schema: &Schema,
        after: &[Key],
        chosen: &[String],
    ) -> Result<(), AutomergeError> {
        let before: BTreeMap<&str, &str> =
            self.parts.keys.iter().map(|key| (key.name.as_str(), key.source.as_str())).collect();
        let names: Vec<&str> = after.iter().map(|key| key.name.as_str()).collect();
        let staying: BTreeSet<&str> = names.iter().copied().collect();
        for gone in before.keys().filter(|name| !staying.contains(*name)) {
            tx.delete(&schema.front, *gone)?;
        }
        for (key, order) in after.iter().zip(order::assign(&names, &self.orders)) {
            let same_source = before.get(key.name.as_str()) == Some(&key.source.as_str());
            let stays = same_source && !chosen.contains(&key.name);
            if stays && self.orders.get(&key.name) == Some(&order) {
                continue;
            }
            tx.put(&schema.front, key.name.as_str(), format!("{order}\0{}", key.source))?;
            if !same_source && let Some(list) = List::of(&key.source) {
                self.write_items(tx, schema, &key.name, &list.items())?;
            }
        }
        Ok(())
    }

    fn write_items(
        &self,
        tx: &mut Transaction<'_>,
        schema: &Schema,
        name: &str,
        after: &BTreeSet<String>,
    ) -> Result<(), AutomergeError> {
        let none = BTreeSet::new();
        let before = self.items.get(name).unwrap_or(&none);
        for gone in before.difference(after) {
            tx.delete(&schema.items, format!("{name}\0{gone}"))?;
        }
        for new in after.difference(before) {
            tx.put(&schema.items, format!("{name}\0{new}"), true)?;
        }
        Ok(())
    }
}

fn read_items(reader: &Reader<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut items: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, _, _) in reader.entries(&reader.schema.items) {
        if let Some((name, item)) = key.split_once('\0') {
            items.entry(name.to_owned()).or_default().insert(item.to_owned());
        }
    }
    items
}

fn place_and_source(value: &str) -> (&str, &str) {
    value.split_once('\0').unwrap_or(("", value))
}

/// Sets a delimiter or the head; takes it away if it is empty. Compares with what is stored: what shows may be
/// the default of something that is not there.
fn set(tx: &mut Transaction<'_>, schema: &Schema, name: &str, after: &str) -> Result<(), AutomergeError> {
    let stored = tx.get(&schema.front, name)?.map(|(value, _)| value);
    if after.is_empty() {
        return if stored.is_some() { tx.delete(&schema.front, name) } else { Ok(()) };
    }
    let same = stored.is_some_and(|value| value.as_str() == Some(after));
    if same { Ok(()) } else { tx.put(&schema.front, name, after) }
}

/// Turns a Text into `after` by small edits.
fn splice(tx: &mut Transaction<'_>, object: &ObjId, before: &str, after: &str) -> Result<(), AutomergeError> {
    if before == after {
        return Ok(());
    }
    // What shows may have got a line break more than is there.
    let stored = tx.text(object)?;
    for edit in text::diff(&stored, after).iter().rev() {
        let delete = isize::try_from(edit.delete).unwrap_or(isize::MAX);
        tx.splice_text(object, edit.at, delete, edit.insert)?;
    }
    Ok(())
}
