//! Conditions of a query, as SQL.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;

use super::base::{Doing, MirrorError};
use super::index::id_of;
use super::order::CREATED;
use super::query::Query;
use super::read::Look;
use super::{dates, properties, words};

/// A condition under construction.
struct Where {
    clauses: Vec<String>,
    values: Vec<Sql>,
}

impl Where {
    /// Adds a clause; each `?` in it takes the next of the values.
    fn and(&mut self, clause: impl Into<String>, values: impl IntoIterator<Item = Sql>) {
        self.clauses.push(clause.into());
        self.values.extend(values);
    }

    /// `first OR first OR …`, one for each item; false for none.
    fn any<T>(&mut self, items: &[T], one: impl Fn(&T) -> (String, Vec<Sql>)) {
        let (clauses, values): (Vec<_>, Vec<_>) = items.iter().map(one).unzip();
        self.and(format!("({})", clauses.join(" OR ")), values.into_iter().flatten());
    }
}

fn text(text: impl Into<String>) -> Sql {
    Sql::Text(text.into())
}

/// Numbers of the rows for which the whole query holds: files, no folders and no sidecars.
pub fn matching(db: &Connection, look: &Look<'_>, query: &Query) -> Result<Vec<i64>, MirrorError> {
    let paths = globs(&query.paths)?;
    let mut all = Where { clauses: Vec::new(), values: Vec::new() };
    all.and("alive = 1 AND sidecar_of IS NULL AND kind <> 'folder'", []);
    tags(&mut all, query);
    types(&mut all, query);
    for (key, value) in &query.properties {
        property(&mut all, key, value);
    }
    for key in &query.properties_exists {
        all.and(
            "EXISTS (SELECT 1 FROM properties WHERE entry = num AND (key = ? OR key >= ? AND key < ?))",
            [text(key), text(format!("{key}.")), text(format!("{key}/"))],
        );
    }
    times(&mut all, query)?;
    if let Some(line) = query.content_search.as_deref().filter(|line| !line.trim().is_empty()) {
        let asked = words::read(line, |_| false);
        if let Some(fts) = words::fts(&asked.all, &asked.none) {
            all.and("num IN (SELECT rowid FROM words WHERE words MATCH ?)", [text(fts)]);
        }
    }
    let sql = format!("SELECT num, parent, name FROM entries WHERE {}", all.clauses.join(" AND "));
    let doing = "answering a query";
    let mut statement = db.prepare(&sql).doing(doing)?;
    let mut rows = statement.query(params_from_iter(all.values)).doing(doing)?;
    let mut nums = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        if let Some(globs) = &paths {
            let parent: Vec<u8> = row.get(1).doing(doing)?;
            let name: String = row.get(2).doing(doing)?;
            if !globs.is_match(look.entry(db, &id_of(&parent), &name)?.as_str()) {
                continue;
            }
        }
        nums.push(row.get(0).doing(doing)?);
    }
    Ok(nums)
}

/// `*` stays within a name, `**` crosses folders; a path without either is also a folder.
fn globs(paths: &[String]) -> Result<Option<GlobSet>, MirrorError> {
    if paths.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for path in paths {
        let wanted = path.trim().trim_start_matches("./").trim_matches('/');
        let is_glob = wanted.contains(['*', '?', '[', '{']);
        let mut add = |glob: &str| -> Result<(), MirrorError> {
            let glob = GlobBuilder::new(glob).literal_separator(true).build();
            set.add(
                glob.map_err(|e| MirrorError::Query(format!("`{path}` is no path pattern: {}", e.kind())))?,
            );
            Ok(())
        };
        if is_glob {
            add(wanted)?;
        } else if wanted.is_empty() {
            add("**")?;
        } else {
            add(wanted)?;
            add(&format!("{wanted}/**"))?;
        }
    }
    set.build().map(Some).map_err(|e| MirrorError::Query(format!("the path patterns are too large: {e}")))
}

fn tags(all: &mut Where, query: &Query) {
    let bare = |tag: &String| text(tag.trim().trim_start_matches('#'));
    let one = "num IN (SELECT entry FROM tags WHERE tag = ? COLLATE NOCASE)";
    for tag in &query.tags {
        all.and(one, [bare(tag)]);
    }
    if !query.tags_any.is_empty() {
        all.any(&query.tags_any, |tag| (one.to_owned(), vec![bare(tag)]));
    }
}

fn types(all: &mut Where, query: &Query) {
    if !query.content_types.is_empty() {
        all.any(&query.content_types, |wanted| match wanted.strip_suffix('*') {
            Some(family) => {
                ("substr(media_type, 1, ?) = ?".into(), vec![Sql::Integer(family.len() as i64), text(family)])
            }
            None => ("media_type = ? COLLATE NOCASE".into(), vec![text(wanted)]),
        });
    }
    if !query.file_types.is_empty() {
        all.any(&query.file_types, |wanted| {
            (
                "num IN (SELECT entry FROM properties WHERE key = 'type' AND text = ? COLLATE NOCASE)".into(),
                vec![text(wanted)],
            )
        });
    }
}

/// The property has this value, or one of these.
fn property(all: &mut Where, key: &str, value: &Value) {
    let one = |value: &Value| match value {
        Value::Null => (
            "NOT EXISTS (SELECT 1 FROM properties WHERE entry = num AND key = ?)".to_owned(),
            vec![text(key)],
        ),
        value => {
            let number = properties::number(value).map_or(Sql::Null, Sql::Real);
            // Found by the index over text in any case, then compared exactly.
            let clause = "num IN (SELECT entry FROM properties
                              WHERE key = ? AND text = ? COLLATE NOCASE AND text = ?
                              UNION SELECT entry FROM properties WHERE key = ? AND number = ?)";
            let shown = properties::text(value);
            let values = vec![text(key), text(shown.clone()), text(shown), text(key), number];
            (clause.to_owned(), values)
        }
    };
    match value {
        Value::Array(list) if list.is_empty() => all.and("0", []),
        Value::Array(list) => all.any(list, one),
        // Nested values are known by their dotted keys.
        Value::Object(map) => {
            for (inner, value) in map {
                property(all, &format!("{key}.{inner}"), value);
            }
        }
        value => all.any(std::slice::from_ref(value), one),
    }
}

fn times(all: &mut Where, query: &Query) -> Result<(), MirrorError> {
    for (name, value, column, sign) in [
        ("created_after", &query.created_after, CREATED, ">="),
        ("created_before", &query.created_before, CREATED, "<="),
        ("modified_after", &query.modified_after, "modified", ">="),
        ("modified_before", &query.modified_before, "modified", "<="),
    ] {
        if let Some(moment) = instant(name, value.as_ref())? {
            all.and(format!("{column} {sign} ?"), [Sql::Integer(moment)]);
        }
    }
    let after = instant("date_after", query.date_after.as_ref())?;
    let before = instant("date_before", query.date_before.as_ref())?;
    match &query.date_property {
        None if after.is_some() || before.is_some() => {
            return Err(MirrorError::Query("`date_after` and `date_before` need a `date_property`".into()));
        }
        None => {}
        Some(key) => {
            let key = key.strip_prefix("properties.").unwrap_or(key);
            all.and(
                "num IN (SELECT entry FROM properties WHERE key = ? AND moment >= ? AND moment <= ?)",
                [
                    text(key),
                    Sql::Integer(after.unwrap_or(i64::MIN)),
                    Sql::Integer(before.unwrap_or(i64::MAX)),
                ],
            );
        }
    }
    Ok(())
}

/// A date as text, or milliseconds since 1970.
fn instant(name: &str, value: Option<&Value>) -> Result<Option<i64>, MirrorError> {
    let moment = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => dates::moment(text),
        Some(_) => None,
    };
    let shown = || properties::text(value.unwrap_or(&Value::Null));
    moment.map(Some).ok_or_else(|| {
        MirrorError::Query(format!("`{name}` is `{}`, which is no date; write it as 2026-01-31", shown()))
    })
}
