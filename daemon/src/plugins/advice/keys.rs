//! Keys of a manifest that its schema does not know: they mean nothing, and most are slips of the pen.

use serde_json::{Map, Value};

use super::Advice;
use crate::mirror;
use crate::plugins::lines;

/// All of them. At the top the known ones are too many to be listed.
pub fn unknown(schema: &Value, value: &Value) -> Advice {
    let mut found = Advice::new();
    walk(schema, value, "", &mut found);
    found
}

/// Those of a part of a manifest.
pub fn walk(schema: &Value, value: &Value, pointer: &str, found: &mut Advice) {
    match value {
        Value::Object(map) => in_a_mapping(schema, map, pointer, found),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(&schema["items"], item, &format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

fn in_a_mapping(schema: &Value, map: &Map<String, Value>, pointer: &str, found: &mut Advice) {
    let known = schema["properties"].as_object();
    let others = &schema["additionalProperties"];
    for (key, value) in map {
        let place = format!("{pointer}/{}", lines::escaped(key));
        match known.and_then(|known| known.get(key)) {
            Some(inner) => walk(inner, value, &place, found),
            None if others.is_object() => walk(others, value, &place, found),
            None => {
                if let Some(known) = known.filter(|_| others.is_null()) {
                    found.push((place, words(key, value, known, pointer.is_empty())));
                }
            }
        }
    }
}

fn words(key: &str, value: &Value, known: &Map<String, Value>, is_top: bool) -> String {
    let close = mirror::nearest(key, known.keys().map(String::as_str));
    let what = if is_top {
        format!("a manifest has no key `{key}`")
    } else {
        format!("there is no key `{key}` here")
    };
    let hint = match close {
        Some(close) => format!("; did you mean `{close}`?"),
        // `{ description: The stages, in order. }` is two keys.
        None if value.is_null() => {
            "; a text with a comma in `{ … }` stands in quotes: `description: \"one, two\"`".to_owned()
        }
        None if is_top => String::new(),
        None => format!("; there are {}", known.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
    };
    format!("{what}{hint}")
}
