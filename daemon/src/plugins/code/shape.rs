//! What code gives back, as it must be: a key that is none would be left out, and an empty entry made of it.

use serde_json::{Map, Value};

use super::{Exported, Imported, Transformed};
use crate::mirror;

/// A key, and what it holds.
type Key = (&'static str, Holds);

#[derive(Clone, Copy)]
enum Holds {
    Text,
    Bytes,
    Properties,
}

impl Holds {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Bytes => value.is_string(),
            Self::Properties => value.is_object(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Bytes => "a `Uint8Array`",
            Self::Properties => "an object",
        }
    }
}

/// Entries that an importer made.
pub fn entries(made: Value) -> Result<Vec<Imported>, String> {
    let keys = [("path", Holds::Text), ("text", Holds::Text), ("properties", Holds::Properties)];
    list(made, "entries", "entry", &keys)?.into_iter().map(read).collect()
}

/// Files that an exporter made.
pub fn files(made: Value) -> Result<Vec<Exported>, String> {
    let keys = [("name", Holds::Text), ("text", Holds::Text), ("bytes", Holds::Bytes)];
    let files = list(made, "files", "file", &keys)?;
    for (at, file) in files.iter().enumerate() {
        if file.get("text").is_none() && file.get("bytes").is_none() {
            return Err(format!("{} has neither `text` nor `bytes`", called("file", at, file, "name")));
        }
    }
    files.into_iter().map(read).collect()
}

/// What a transformer changes; nothing, if it says nothing.
pub fn change(mut made: Value) -> Result<Transformed, String> {
    if made.is_null() {
        return Ok(Transformed::default());
    }
    let Some(map) = made.as_object_mut() else {
        return Err(format!("what it gave back is {}; it must be `{{text, properties}}`", kind(&made)));
    };
    map.retain(|key, value| key != "text" || !value.is_null());
    of_keys(map, "what it gave back", &[("text", Holds::Text), ("properties", Holds::Properties)])?;
    read(made)
}

/// Objects with these keys, the first of which must be there.
fn list(made: Value, all: &str, one: &str, keys: &[Key]) -> Result<Vec<Value>, String> {
    let Value::Array(items) = made else {
        return Err(format!("what it gave back is no list of {all}: it is {}", kind(&made)));
    };
    let Some((first, _)) = keys.first() else { return Ok(items) };
    for (at, item) in items.iter().enumerate() {
        let name = called(one, at, item, first);
        let Some(map) = item.as_object() else {
            return Err(format!("{name} is {}; it must be an object with {}", kind(item), listed(keys)));
        };
        of_keys(map, &name, keys)?;
        if !map.contains_key(*first) {
            return Err(format!("{name} has no `{first}`"));
        }
    }
    Ok(items)
}

fn of_keys(map: &Map<String, Value>, name: &str, keys: &[Key]) -> Result<(), String> {
    for (key, value) in map {
        let Some((_, holds)) = keys.iter().find(|(known, _)| known == key) else {
            let close = mirror::nearest(key, keys.iter().map(|(known, _)| *known));
            let close = close.map(|close| format!("did you mean `{close}`? ")).unwrap_or_default();
            let key: String = key.chars().take(100).collect();
            return Err(format!(
                "{name} has a key `{key}`, which there is not; {close}there are {}",
                listed(keys)
            ));
        };
        if !holds.fits(value) {
            return Err(format!("`{key}` of {name} is {}; it must be {}", kind(value), holds.words()));
        }
    }
    Ok(())
}

/// `entry 2 (a.md)`.
fn called(one: &str, at: usize, item: &Value, key: &str) -> String {
    match item[key].as_str() {
        Some(name) => format!("{one} {} (`{}`)", at + 1, name.chars().take(100).collect::<String>()),
        None => format!("{one} {}", at + 1),
    }
}

fn listed(keys: &[Key]) -> String {
    keys.iter().map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|why| format!("what it gave back cannot be read: {why}"))
}
