//! Setting properties: in the frontmatter where a file has one, else in a sidecar. Other keys and the body
//! are never touched.

use std::collections::BTreeMap;

use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::{PropertyEdit, Request};
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::Source;
use serde_json::{Map, Value};

use super::desk::ask;
use super::error::ApiError;
use super::reading::{self, Found, read};
use super::{sidecar, xml};
use crate::driver::Notebook;
use crate::mirror::properties::yaml;
use crate::mirror::sidecar::{FOLDER_FILE, Form};
use crate::mirror::text::{self, has_frontmatter};

/// Keys to set and keys to remove.
pub type Edits = Vec<(String, Option<Value>)>;

/// Where the properties of an entry are written.
enum Target {
    Frontmatter(EntryId),
    Sidecar { entry: Box<Found>, form: Form, text: String },
    NewSidecar(EntryPath),
    NewFolderFile(EntryPath),
}

/// From what a request says.
pub fn edits(set: BTreeMap<String, Value>, remove: Vec<String>) -> Edits {
    let set = set.into_iter().map(|(key, value)| (key, Some(value)));
    set.chain(remove.into_iter().map(|key| (key, None))).collect()
}

/// Carries them out.
pub async fn set(notebook: &Notebook, id: EntryId, edits: Edits) -> Result<(), ApiError> {
    if edits.is_empty() {
        return Ok(());
    }
    if edits.iter().any(|(key, value)| value.is_some() && key.trim().is_empty()) {
        return Err(ApiError::bad_request("a property needs a name"));
    }
    match read(notebook, move |reader| target(reader, &id)).await? {
        Target::Frontmatter(entry) => set_frontmatter(notebook, entry, &edits).await,
        Target::Sidecar { entry, form, text } => {
            let text = match form {
                Form::Json => json_with(&text, &edits),
                _ => xml::with_properties(&text, &edits),
            };
            let content = Content::Text(text.map_err(|reason| unwritable(&entry.path, reason))?);
            let base = entry.version();
            ask(notebook, Request::Write { entry: entry.id, base, content }).await?;
            Ok(())
        }
        Target::NewSidecar(path) => {
            let text = json_with("{}", &edits).map_err(|reason| unwritable(&path, reason))?;
            ask(notebook, Request::Create { path, content: Content::Text(text) }).await?;
            Ok(())
        }
        Target::NewFolderFile(path) => {
            let text = frontmatter(&edits).map_err(|reason| unwritable(&path, reason))?;
            ask(notebook, Request::Create { path, content: Content::Text(text) }).await?;
            Ok(())
        }
    }
}

async fn set_frontmatter(notebook: &Notebook, entry: EntryId, edits: &Edits) -> Result<(), ApiError> {
    let mut changes = Vec::new();
    for (key, value) in edits {
        let source = value.as_ref().map(|value| yaml_entry(key, value)).transpose();
        let source = source.map_err(ApiError::bad_request)?;
        changes.push(PropertyEdit { key: key.clone(), source });
    }
    let reply = ask(notebook, Request::SetProperties { entry, edits: changes }).await?;
    debug_assert!(matches!(reply, Reply::Entry { .. } | Reply::Done));
    Ok(())
}

/// The entry whose bytes hold the properties of another, if there is one yet.
pub fn written(source: &dyn Source, id: &EntryId) -> Result<Option<EntryId>, ApiError> {
    Ok(match target(source, id)? {
        Target::Frontmatter(entry) => Some(entry),
        Target::Sidecar { entry, .. } => Some(entry.id),
        Target::NewSidecar(_) | Target::NewFolderFile(_) => None,
    })
}

fn target(source: &dyn Source, id: &EntryId) -> Result<Target, ApiError> {
    if *id == EntryId::ROOT {
        // The notebook's own are beside what is at its top.
        let file = source.at(id, FOLDER_FILE)?;
        return Ok(match file {
            Some(file) => Target::Frontmatter(file),
            None => Target::NewFolderFile(child(&EntryPath::root(), FOLDER_FILE)?),
        });
    }
    let found = reading::alive(source, id)?;
    let name = &found.row.place_name;
    match found.row.kind {
        Kind::Folder => {
            let path = child(&found.path, FOLDER_FILE)?;
            return Ok(match source.at(id, FOLDER_FILE)? {
                Some(file) => Target::Frontmatter(file),
                None => Target::NewFolderFile(path),
            });
        }
        Kind::Symlink => return Err(unwritable(&found.path, "a link has no properties".into())),
        Kind::Text if has_frontmatter(name) => return Ok(Target::Frontmatter(*id)),
        Kind::Text | Kind::Blob => {}
    }
    if let Some(sidecar) = sidecar::of(source, &found)?.into_iter().next() {
        if sidecar.form == Form::Markdown {
            return Ok(Target::Frontmatter(sidecar.entry));
        }
        let entry = reading::alive(source, &sidecar.entry)?;
        let Content::Text(text) = reading::content(source, &entry)? else {
            return Err(unwritable(&entry.path, "the sidecar is not a text".into()));
        };
        return Ok(Target::Sidecar { entry: Box::new(entry), form: sidecar.form, text });
    }
    if !sidecar::can_have(name, found.row.kind) {
        return Err(unwritable(&found.path, NO_SIDECAR.into()));
    }
    let folder = found.path.parent().unwrap_or_default();
    Ok(Target::NewSidecar(child(&folder, &sidecar::new_name(name))?))
}

fn child(folder: &EntryPath, name: &str) -> Result<EntryPath, ApiError> {
    codex_crdt_model::path::check_name(name)?;
    Ok(folder.join(name))
}

/// One entry of a YAML block mapping.
pub fn yaml_entry(key: &str, value: &Value) -> Result<String, String> {
    if key.is_empty() || key.contains(['\n', '\r', '\0']) {
        return Err(format!("`{}` cannot be the name of a property", key.escape_debug()));
    }
    let map = BTreeMap::from([(key, value)]);
    serde_yaml_ng::to_string(&map).map_err(|error| format!("cannot write `{key}` as YAML: {error}"))
}

/// A text that is nothing but frontmatter.
pub fn frontmatter(edits: &Edits) -> Result<String, String> {
    let mut text = String::from("---\n");
    for (key, value) in edits {
        if let Some(value) = value {
            text.push_str(&yaml_entry(key, value)?);
        }
    }
    text.push_str("---\n");
    Ok(text)
}

/// A JSON object with these keys set or removed; the others keep their order. Indented by two.
pub fn json_with(source: &str, edits: &Edits) -> Result<String, String> {
    let Ordered(mut pairs) = serde_json::from_str(source.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("the JSON sidecar is no object that can be read: {error}"))?;
    for (key, value) in edits {
        let there = pairs.iter().position(|(name, _)| name == key);
        match (there, value) {
            (Some(at), Some(value)) => pairs[at].1 = value.clone(),
            (Some(at), None) => {
                pairs.remove(at);
            }
            (None, Some(value)) => pairs.push((key.clone(), value.clone())),
            (None, None) => {}
        }
    }
    let mut text = serde_json::to_string_pretty(&Ordered(pairs)).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}

/// An object whose keys stay in their order.
struct Ordered(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Ordered {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> serde::de::Visitor<'de> for Pairs {
            type Value = Ordered;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Ordered(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl serde::Serialize for Ordered {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Says no to properties that a text could not have, before it is made.
pub fn refuse_for_new(path: &EntryPath, text: &str, properties: &Map<String, Value>) -> Result<(), ApiError> {
    if properties.keys().any(|key| key.trim().is_empty()) {
        return Err(ApiError::bad_request("a property needs a name"));
    }
    let name = path.name();
    if has_frontmatter(name) {
        return match text::split(text).0.map(yaml) {
            Some(Err(why)) => Err(unwritable(path, why)),
            _ => Ok(()),
        };
    }
    match sidecar::can_have(name, Kind::Text) {
        true => Ok(()),
        false => Err(unwritable(path, NO_SIDECAR.into())),
    }
}

const NO_SIDECAR: &str = "a text file whose name has no extension cannot have a sidecar; rename it first";

/// Content of a new text with properties.
pub fn new_text(name: &str, body: &str, properties: &Map<String, Value>) -> Result<String, ApiError> {
    let edits: Edits = properties.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let path = EntryPath::parse(name)?;
    let head = frontmatter(&edits).map_err(|reason| unwritable(&path, reason))?;
    Ok(format!("{head}{body}"))
}

fn unwritable(path: &EntryPath, reason: String) -> ApiError {
    codex_crdt_model::effect::Refusal::Properties { path: path.to_string(), reason }.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_property_is_one_entry_of_a_block_mapping() {
        for (key, value, expect) in [
            ("status", json!("done"), "status: done\n"),
            ("due", json!("true"), "due: 'true'\n"),
            ("tags", json!(["a", "b"]), "tags:\n- a\n- b\n"),
            ("n", json!(3), "n: 3\n"),
            ("o", json!({"x": 1}), "o:\n  x: 1\n"),
            ("none", json!(null), "none: null\n"),
            ("a: b", json!("c"), "'a: b': c\n"),
        ] {
            assert_eq!(yaml_entry(key, &value).as_deref(), Ok(expect));
        }
        assert!(yaml_entry("", &json!(1)).is_err() && yaml_entry("a\nb", &json!(1)).is_err());
    }

    #[test]
    fn a_json_sidecar_keeps_its_other_keys_in_order() {
        let source = "{\"z\": 1, \"a\": {\"k\": [1]}, \"gone\": true}";
        let edits =
            vec![("a".into(), Some(json!("new"))), ("gone".into(), None), ("m".into(), Some(json!(2)))];
        let expect = "{\n  \"z\": 1,\n  \"a\": \"new\",\n  \"m\": 2\n}\n";
        assert_eq!(json_with(source, &edits).as_deref(), Ok(expect));
        assert!(json_with("[1]", &edits).is_err() && json_with("{", &edits).is_err());
    }
}
