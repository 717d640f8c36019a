//! Order and groups of a query's answer: what `sort` and `group_by` may name, and how values compare.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value;

use super::base::{Doing, MirrorError};
use super::index::id_of;
use super::read::Look;
use super::{dates, text};

/// When an entry began, of a row of `entries`: what its own property `created` says, else when its file did.
pub const CREATED: &str =
    "coalesce((SELECT moment FROM properties WHERE entry = num AND key = 'created' AND moment IS NOT NULL
    ORDER BY rowid LIMIT 1), created)";

/// What can be sorted and grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A column of `entries`.
    Column(&'static str),
    /// A time, in milliseconds; grouped by day. As SQL of `entries`.
    Time(&'static str),
    /// The path.
    Path,
    /// Each tag.
    Tags,
    /// A property.
    Property(String),
}

impl Field {
    /// Reads `column` or `properties.key`. A name that is no column is a property.
    pub fn read(name: &str) -> Self {
        let name = name.trim();
        if let Some(key) = name.strip_prefix("properties.").or_else(|| name.strip_prefix("property.")) {
            return if key == "tags" { Field::Tags } else { Field::Property(key.to_owned()) };
        }
        match name {
            "path" | "file_path" => Field::Path,
            "name" | "filename" | "file_name" => Field::Column("name"),
            "title" => Field::Column("title"),
            "size" | "file_size" => Field::Column("size"),
            "kind" => Field::Column("kind"),
            "media_type" | "content_type" | "mime_type" => Field::Column("media_type"),
            "created" | "created_at" => Field::Time(CREATED),
            "file_created" => Field::Time("created"),
            "modified" | "modified_at" | "updated_at" | "file_modified" => Field::Time("modified"),
            "tags" => Field::Tags,
            "file_type" => Field::Property("type".into()),
            key => Field::Property(key.to_owned()),
        }
    }

    /// The values of these rows; none for a row without one.
    pub fn keys(
        &self,
        db: &Connection,
        look: &Look<'_>,
        nums: &[i64],
    ) -> Result<BTreeMap<i64, Vec<SortKey>>, MirrorError> {
        let wanted: std::collections::BTreeSet<i64> = nums.iter().copied().collect();
        let mut keys: BTreeMap<i64, Vec<SortKey>> = BTreeMap::new();
        let doing = "sorting";
        let sql = match self {
            Field::Column(column) => format!("SELECT num, {column} FROM entries WHERE alive = 1"),
            Field::Time(column) => format!("SELECT num, {column} FROM entries WHERE alive = 1"),
            Field::Path => "SELECT num, name, parent FROM entries WHERE alive = 1".into(),
            Field::Tags => "SELECT entry, tag FROM tags ORDER BY rowid".into(),
            Field::Property(_) => {
                "SELECT entry, text, number FROM properties WHERE key = ?1 ORDER BY rowid".into()
            }
        };
        let mut statement = db.prepare_cached(&sql).doing(doing)?;
        let mut rows = match self {
            Field::Property(key) => statement.query([key]),
            _ => statement.query([]),
        }
        .doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let num: i64 = row.get(0).doing(doing)?;
            if !wanted.contains(&num) {
                continue;
            }
            let key = match self {
                Field::Column("size") => {
                    let size: i64 = row.get(1).doing(doing)?;
                    SortKey::number(size as f64, size.to_string())
                }
                Field::Time(_) => {
                    let time: i64 = row.get(1).doing(doing)?;
                    SortKey::number(time as f64, dates::day(time))
                }
                Field::Column(_) | Field::Tags => SortKey::text(&row.get::<_, String>(1).doing(doing)?),
                Field::Path => {
                    let parent: Vec<u8> = row.get(2).doing(doing)?;
                    let name: String = row.get(1).doing(doing)?;
                    SortKey::text(look.entry(db, &id_of(&parent), &name)?.as_str())
                }
                Field::Property(_) => {
                    let text: String = row.get(1).doing(doing)?;
                    let number: Option<f64> = row.get(2).doing(doing)?;
                    match number {
                        Some(number) => SortKey::number(number, text),
                        None => SortKey::text(&text),
                    }
                }
            };
            keys.entry(num).or_default().push(key);
        }
        Ok(keys)
    }
}

/// A value in an order: numbers by value and before text, text as people order names.
#[derive(Debug, Clone)]
pub struct SortKey {
    number: Option<f64>,
    sort: Vec<u8>,
    shown: String,
}

impl SortKey {
    /// For a text.
    pub fn text(shown: &str) -> Self {
        Self { number: None, sort: text::sort_key(shown), shown: shown.to_owned() }
    }

    fn number(number: f64, shown: String) -> Self {
        Self { number: Some(number), sort: Vec::new(), shown }
    }

    /// As it is shown.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    fn value(&self, other: &Self) -> Ordering {
        match (self.number, other.number) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.sort.cmp(&other.sort),
        }
    }
}

/// As keys of groups: one group for what is shown alike.
impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.shown == other.shown {
            return Ordering::Equal;
        }
        self.value(other).then_with(|| self.shown.cmp(&other.shown))
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}

/// One level of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub field: Field,
    /// The greatest first.
    pub descending: bool,
    /// No column has the name, and it was not said to be a property.
    bare: bool,
}

impl Order {
    /// The property that a name was taken for, though nothing said that it is one.
    pub fn guessed(&self) -> Option<&str> {
        match &self.field {
            Field::Property(key) if self.bare => Some(key),
            _ => None,
        }
    }

    /// Reads `sort`: `"modified desc"`, `"-modified"`, `{"field": "modified", "order": "desc"}`, or a list of
    /// such. By path, if nothing is given.
    pub fn read(sort: Option<&Value>, warnings: &mut Vec<String>) -> Vec<Order> {
        let mut orders = Vec::new();
        match sort {
            Some(Value::Array(list)) => {
                orders.extend(list.iter().filter_map(|one| Order::one(one, warnings)))
            }
            Some(Value::String(text)) => {
                let parts = text.split(',').filter(|part| !part.trim().is_empty());
                orders.extend(parts.filter_map(|part| Order::one(&Value::from(part), warnings)));
            }
            Some(one) if !one.is_null() => orders.extend(Order::one(one, warnings)),
            _ => {}
        }
        if !orders.iter().any(|order| order.field == Field::Path) {
            orders.push(Order { field: Field::Path, descending: false, bare: false });
        }
        orders
    }

    fn one(value: &Value, warnings: &mut Vec<String>) -> Option<Order> {
        let (name, direction) = match value {
            Value::String(text) => {
                let text = text.trim();
                let split = text.rsplit_once([' ', ':']).map(|(name, end)| (name, end.to_lowercase()));
                match (split, text.strip_prefix('-')) {
                    (_, Some(name)) => (name.to_owned(), "desc".to_owned()),
                    (Some((name, end)), None) if ["asc", "desc"].contains(&end.as_str()) => {
                        (name.to_owned(), end)
                    }
                    _ => (text.to_owned(), String::new()),
                }
            }
            Value::Object(map) => {
                let get = |keys: &[&str]| {
                    keys.iter().find_map(|key| map.get(*key)?.as_str()).unwrap_or("").to_owned()
                };
                (
                    get(&["field", "by", "column", "property", "key"]),
                    get(&["order", "direction"]).to_lowercase(),
                )
            }
            other => (String::new(), other.to_string()),
        };
        let descending = match direction.as_str() {
            "" | "asc" | "ascending" => false,
            "desc" | "descending" => true,
            other => {
                warnings.push(format!("`{other}` is no direction to sort in; use `asc` or `desc`"));
                false
            }
        };
        if name.trim().is_empty() {
            warnings.push(format!("cannot sort by `{value}`"));
            return None;
        }
        let field = Field::read(&name);
        let bare = matches!(&field, Field::Property(key) if key == name.trim());
        Some(Order { field, descending, bare })
    }

    /// Compares two values; one that is missing comes last, in either direction.
    pub fn compare(&self, a: &Option<SortKey>, b: &Option<SortKey>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.descending => b.value(a),
            (Some(a), Some(b)) => a.value(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}
