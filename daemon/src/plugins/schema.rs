//! What is written against a JSON Schema, and what is wrong with it in words: which key, why not, what would be right.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use crate::mirror;

/// What `type` of a key of a configuration may say. Those that JSON does not know say how a value is asked for.
pub const TYPES: [&str; 15] = [
    "string", "number", "integer", "boolean", "array", "object", "any", "list", "tags", "text", "date",
    "select", "enum", "url", "password",
];

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What, and what would be right.
    pub message: String,
}

impl Fault {
    /// The place as people write it: `views/0/id`; empty for the whole.
    pub fn key(&self) -> &str {
        self.pointer.trim_start_matches('/')
    }
}

/// All that is wrong, each once.
pub fn faults(validator: &Validator, value: &Value) -> Vec<Fault> {
    let mut found: Vec<Fault> = validator.iter_errors(value).take(50).map(|error| fault(&error)).collect();
    found.dedup();
    found
}

fn fault(error: &ValidationError<'_>) -> Fault {
    let pointer = error.instance_path().as_str().to_owned();
    let given = shown(error.instance());
    let message = match error.kind() {
        Kind::Required { property } => missing(property, error.instance()),
        Kind::AdditionalProperties { unexpected } => {
            format!("there is no key `{}` here", unexpected.join("`, `"))
        }
        Kind::Type { kind } => format!("it is {given}; it must be {}", types(kind)),
        Kind::Enum { options } => format!("it is {given}; it must be one of {}", list(options)),
        Kind::Constant { expected_value } => format!("it is {given}; it must be {}", shown(expected_value)),
        Kind::Pattern { pattern } => format!("it is {given}; it must fit `{pattern}`"),
        Kind::Minimum { limit } => format!("it is {given}; it must be at least {limit}"),
        Kind::Maximum { limit } => format!("it is {given}; it must be at most {limit}"),
        Kind::MinLength { .. } => "it is empty; it must say something".to_owned(),
        Kind::MaxLength { limit } => format!("it is longer than {limit} characters"),
        Kind::PropertyNames { error } => format!("a key here: {}", fault(error).message),
        Kind::AnyOf { context } => {
            // What comes closest is what was meant.
            let best = context.iter().filter_map(|errors| errors.first()).max_by_key(|error| {
                (error.instance_path().as_str().len(), !matches!(error.kind(), Kind::Type { .. }))
            });
            return match best {
                Some(best) => fault(best),
                None => Fault { pointer, message: format!("it is {given}, which means nothing here") },
            };
        }
        _ => error.to_string(),
    };
    Fault { pointer, message }
}

/// A key that is missing; and one that may have been meant to be it.
fn missing(property: &Value, instance: &Value) -> String {
    let keys = instance.as_object().into_iter().flat_map(|map| map.keys()).map(String::as_str);
    let close = property.as_str().and_then(|property| mirror::nearest(property, keys));
    let close = close.map(|close| format!("; is it what `{close}` was meant to be?"));
    format!("the key {} is missing{}", shown(property), close.unwrap_or_default())
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => named(&one.to_string()).to_owned(),
        TypeKind::Multiple(some) => {
            let names: Vec<String> = some.iter().map(|one| named(&one.to_string()).to_owned()).collect();
            names.join(" or ")
        }
    }
}

fn named(kind: &str) -> &str {
    match kind {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a list of `key: value`",
        "null" => "empty",
        other => other,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Object(_) => "a list of `key: value`".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => format!("`{}`", other.to_string().trim_matches('"').chars().take(60).collect::<String>()),
    }
}

fn list(options: &Value) -> String {
    let all = options.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// The JSON Schema of a `config_schema`: a mapping of keys to descriptions, with `required` at a key too.
pub fn of_config(fields: &Map<String, Value>) -> Value {
    let required: Vec<&String> =
        fields.iter().filter(|(_, field)| field["required"] == json!(true)).map(|(key, _)| key).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(key, field)| (key.clone(), of_field(field))).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// What a field's description says, in the words of JSON Schema. What means nothing there is left out.
pub fn of_field(field: &Value) -> Value {
    let mut schema = Map::new();
    for key in ["enum", "minimum", "maximum"] {
        if let Some(value) = field.get(key) {
            schema.insert(key.to_owned(), value.clone());
        }
    }
    match field["type"].as_str() {
        None | Some("any") => {}
        // Written as `4`, read as a number: it was meant as text.
        Some("string") => {
            schema.insert("type".to_owned(), json!(["string", "number", "boolean"]));
        }
        Some(kind @ ("number" | "integer" | "boolean" | "array" | "object")) => {
            schema.insert("type".to_owned(), json!(kind));
        }
        Some("list" | "tags") => {
            schema.insert("type".to_owned(), json!("array"));
        }
        // `select`, `url`, `date` and what others call it say how it is asked for.
        Some(_) => {}
    }
    if let Some(items) = field.get("items").filter(|items| items.is_object()) {
        schema.insert("items".to_owned(), of_field(items));
    }
    if let Some(Value::Object(inner)) = field.get("properties") {
        let Value::Object(inside) = of_config(inner) else { return Value::Object(schema) };
        schema.extend(inside);
        if let Some(required) = field.get("required").filter(|required| required.is_array()) {
            schema.insert("required".to_owned(), required.clone());
        }
    }
    Value::Object(schema)
}

/// What is not said is what its description gives as default.
pub fn fill(config: &mut Map<String, Value>, fields: &Map<String, Value>) {
    for (key, field) in fields {
        if let Some(default) = field.get("default")
            && !config.contains_key(key)
        {
            config.insert(key.clone(), default.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_config_is_held_against_its_description() {
        let fields = json!({
            "columns": {"type": "integer", "minimum": 1, "maximum": 8, "default": 4},
            "layout": {"type": "string", "enum": ["grid", "rows"]},
            "cards": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string", "required": true}}}},
        });
        let fields = fields.as_object().unwrap();
        let validator = jsonschema::validator_for(&of_config(fields)).unwrap();
        let say = |value: Value| -> Vec<String> {
            faults(&validator, &value)
                .into_iter()
                .map(|fault| format!("{}: {}", fault.key(), fault.message))
                .collect()
        };
        assert_eq!(
            say(json!({"columns": 3, "layout": "rows", "cards": [{"id": "a"}]})),
            Vec::<String>::new()
        );
        assert_eq!(say(json!({"columns": 9})), ["columns: it is `9`; it must be at most 8"]);
        assert_eq!(
            say(json!({"layout": "cols"})),
            ["layout: it is `cols`; it must be one of `grid`, `rows`"]
        );
        assert_eq!(say(json!({"colums": 3})), [": there is no key `colums` here"]);
        assert_eq!(say(json!({"cards": [{}]})), ["cards/0: the key `id` is missing"]);
        assert_eq!(say(json!({"cards": 1})), ["cards: it is `1`; it must be a list"]);
        let mut config = Map::new();
        fill(&mut config, fields);
        assert_eq!(config, json!({"columns": 4}).as_object().unwrap().clone());
    }
}
