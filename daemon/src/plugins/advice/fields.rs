//! Descriptions of values, in `config_schema` and in `properties`: types that there are not, defaults that do not fit.

use serde_json::{Map, Value};

use super::{Advice, keys};
use crate::mirror;
use crate::plugins::{lines, manifest, schema};

/// What is said of the views', the blocks' and the plugin's own.
pub fn on(value: &Value, found: &mut Advice) {
    for section in ["views", "blocks"] {
        for (at, one) in value[section].as_array().into_iter().flatten().enumerate() {
            if let Some(fields) = one["config_schema"].as_object() {
                on_all(fields, &format!("/{section}/{at}/config_schema"), found);
            }
        }
    }
    for (at, one) in value["properties"].as_array().into_iter().flatten().enumerate() {
        on_default(one, &format!("/properties/{at}"), found);
    }
}

fn on_all(fields: &Map<String, Value>, pointer: &str, found: &mut Advice) {
    for (key, field) in fields {
        on_one(field, &format!("{pointer}/{}", lines::escaped(key)), found);
    }
}

fn on_one(field: &Value, pointer: &str, found: &mut Advice) {
    on_type(&field["type"], pointer, found);
    on_default(field, pointer, found);
    // A list's items and an object's keys are described in the same way; their keys are not in the manifest's schema.
    if field["items"].is_object() {
        let place = format!("{pointer}/items");
        keys::walk(manifest::field(), &field["items"], &place, found);
        on_one(&field["items"], &place, found);
    }
    for (key, inner) in field["properties"].as_object().into_iter().flatten() {
        let place = format!("{pointer}/properties/{}", lines::escaped(key));
        keys::walk(manifest::field(), inner, &place, found);
        on_one(inner, &place, found);
    }
}

fn on_type(kind: &Value, pointer: &str, found: &mut Advice) {
    let Some(kind) = kind.as_str().filter(|kind| !schema::TYPES.contains(kind)) else { return };
    let hint = match mirror::nearest(kind, schema::TYPES.into_iter()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("there are {}", schema::TYPES.join(", ")),
    };
    found.push((format!("{pointer}/type"), format!("`{kind}` is no type, so any value is taken; {hint}")));
}

fn on_default(field: &Value, pointer: &str, found: &mut Advice) {
    let Some(default) = field.get("default").filter(|default| !default.is_null()) else { return };
    let Ok(validator) = jsonschema::validator_for(&schema::of_field(field)) else { return };
    for fault in schema::faults(&validator, default) {
        found.push((format!("{pointer}/default{}", fault.pointer), fault.message));
    }
}
