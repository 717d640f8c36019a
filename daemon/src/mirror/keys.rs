//! Property keys as a notebook uses them: how often, of which type, with which values. The type is learnt from the values, and
//! the notebook's own property `property_types` (in `.metadata` at its top) has the last word.

use codex_crdt_model::ids::EntryId;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Mirror;
use super::base::{Doing, MirrorError};
use super::properties::Properties;

/// Keys that are told, at most: the most used ones.
const KEYS: i64 = 500;
/// Different values of a key that its type is learnt from: the most used ones.
const VALUES: i64 = 200;
/// Values that are told of a key, at most.
const SHOWN: usize = 20;
/// A key with so few different values, each used a few times, is one to choose from.
const CHOICES: usize = 12;

/// The notebook's property that says of which types its keys are: key → type.
pub const TYPES: &str = "property_types";

/// What a property's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PropertyType {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// A day.
    Date,
    /// A day and a time.
    DateTime,
    /// Yes or no.
    Checkbox,
    /// One of a few values.
    Select,
    /// Several values.
    List,
    /// Tags.
    Tags,
    /// Another entry: `[[…]]`.
    Link,
    /// Somebody, by name.
    Person,
}

/// A value, and how often it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueCount {
    /// The value; of a list, one of its items.
    pub value: Value,
    /// How often.
    pub count: u64,
}

/// A key, and how it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyUse {
    /// The key.
    pub key: String,
    /// Entries that have it.
    pub entries: u64,
    /// What its values mostly are.
    pub learnt: PropertyType,
    /// What the notebook says they are.
    pub fixed: Option<PropertyType>,
    /// The most used values, the most used first.
    pub values: Vec<ValueCount>,
}

impl Mirror {
    /// The notebook's own properties, and what is wrong with them in words.
    pub fn own_properties(&self) -> Result<(Properties, Vec<String>), MirrorError> {
        let root = self.entry(&EntryId::ROOT)?;
        Ok(root.map(|root| (root.properties, root.warnings)).unwrap_or_default())
    }

    /// Which keys the entries have, the most used first; then those of which only the type is said.
    pub fn keys(&self) -> Result<Vec<KeyUse>, MirrorError> {
        let (own, _) = self.own_properties()?;
        let mut said = said(&own);
        let mut keys = self.ask(|db| {
            counted(db)?
                .into_iter()
                .map(|(key, entries, rows)| {
                    let values = values(db, &key)?;
                    let learnt = learnt(&key, rows > entries, &values);
                    let fixed = said.remove(&key).and_then(|said| named(&said));
                    let values = values.into_iter().take(SHOWN).map(|(value, _)| value).collect();
                    Ok(KeyUse { key, entries, learnt, fixed, values })
                })
                .collect::<Result<Vec<KeyUse>, MirrorError>>()
        })?;
        for (key, said) in said {
            let fixed = named(&said);
            let learnt = learnt(&key, false, &[]);
            keys.extend(fixed.map(|_| KeyUse { key, entries: 0, learnt, fixed, values: Vec::new() }));
        }
        Ok(keys)
    }
}

/// What the notebook says of its keys.
fn said(own: &Properties) -> Properties {
    own.get(TYPES).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn named(said: &Value) -> Option<PropertyType> {
    PropertyType::deserialize(said).ok()
}

/// Keys, how many entries have them, and how many values there are in these.
fn counted(db: &Connection) -> Result<Vec<(String, u64, u64)>, MirrorError> {
    // Dotted ones are what is nested in others.
    let query = "SELECT key, count(DISTINCT entry), count(*) FROM properties \
        WHERE instr(key, '.') = 0 AND entry IN (SELECT num FROM entries WHERE alive = 1 AND id != ?1) \
        GROUP BY key ORDER BY count(DISTINCT entry) DESC, key LIMIT ?2";
    let of = |row: &Row<'_>| {
        let count = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        Ok((row.get(0)?, count(1)?, count(2)?))
    };
    db.prepare_cached(query)
        .and_then(|mut statement| {
            statement.query_map(params![EntryId::ROOT.0.as_slice(), KEYS], of)?.collect()
        })
        .doing("counting property keys")
}

/// Values of a key, the most used first, and whether each reads as a date.
fn values(db: &Connection, key: &str) -> Result<Vec<(ValueCount, bool)>, MirrorError> {
    let query = "SELECT value, count(*), max(moment) IS NOT NULL FROM properties \
        WHERE key = ?1 AND entry IN (SELECT num FROM entries WHERE alive = 1 AND id != ?2) \
        GROUP BY value ORDER BY count(*) DESC, value LIMIT ?3";
    let of = |row: &Row<'_>| {
        let value: String = row.get(0)?;
        let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
        Ok((ValueCount { value, count: row.get::<_, i64>(1)?.cast_unsigned() }, row.get(2)?))
    };
    db.prepare_cached(query)
        .and_then(|mut statement| {
            statement.query_map(params![key, EntryId::ROOT.0.as_slice(), VALUES], of)?.collect()
        })
        .doing("counting the values of a property")
}

/// The type that nine of ten values have; else they are text.
fn learnt(key: &str, has_lists: bool, values: &[(ValueCount, bool)]) -> PropertyType {
    if key == "tags" {
        return PropertyType::Tags;
    }
    if has_lists {
        return PropertyType::List;
    }
    let all: u64 = values.iter().map(|(value, _)| value.count).sum();
    let of = |which: PropertyType| {
        let those = values.iter().filter(|(value, is_date)| type_of(&value.value, *is_date) == which);
        those.map(|(value, _)| value.count).sum::<u64>()
    };
    let types = [
        PropertyType::Checkbox,
        PropertyType::Number,
        PropertyType::Date,
        PropertyType::DateTime,
        PropertyType::Link,
    ];
    if let Some(found) = types.into_iter().find(|one| all > 0 && of(*one) * 10 >= all * 9) {
        return found;
    }
    let different = values.len();
    let is_choice = different <= CHOICES && all >= 3 * different as u64 && all >= 4;
    if is_choice { PropertyType::Select } else { PropertyType::Text }
}

fn type_of(value: &Value, is_date: bool) -> PropertyType {
    match value {
        Value::Bool(_) => PropertyType::Checkbox,
        Value::Number(_) => PropertyType::Number,
        Value::String(text) if text.starts_with("[[") && text.ends_with("]]") => PropertyType::Link,
        // `2026-01-31` is a day; whatever is longer has a time.
        Value::String(text) if is_date && text.len() <= 10 => PropertyType::Date,
        Value::String(_) if is_date => PropertyType::DateTime,
        _ => PropertyType::Text,
    }
}
