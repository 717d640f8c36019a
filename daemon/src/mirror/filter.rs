//! `key:value` in a search line: which entries it holds for.

use std::collections::BTreeSet;

use codex_crdt_model::ids::EntryId;
use rusqlite::{Connection, ToSql, params};

use super::base::{Doing, MirrorError};
use super::index::id_of;
use super::order::CREATED;
use super::words::{Compare, Filter};
use super::{dates, links};

/// Keys that are always some.
pub(super) const KNOWN: [&str; 11] =
    ["tag", "tags", "type", "status", "path", "in", "modified", "created", "title", "name", "kind"];
/// Milliseconds of a day: a date without time means all of it.
const DAY_MS: i64 = 86_400_000;

/// Whether this key is always one, whatever properties there are.
pub fn is_known(key: &str) -> bool {
    KNOWN.contains(&key.to_ascii_lowercase().as_str())
}

/// Whether some entry has a property of this name.
pub fn is_property(db: &Connection, key: &str) -> Result<bool, MirrorError> {
    db.prepare_cached("SELECT 1 FROM properties WHERE key = ?1 LIMIT 1")
        .and_then(|mut statement| statement.exists([key]))
        .doing("looking for a property")
}

/// The full-text column that a key means.
pub fn column(key: &str) -> Option<&'static str> {
    match key.to_ascii_lowercase().as_str() {
        "title" => Some("title"),
        "name" => Some("name"),
        _ => None,
    }
}

/// Rows for which a filter holds, its `not` left aside.
pub fn holds(
    db: &Connection,
    look: &super::read::Look<'_>,
    filter: &Filter,
) -> Result<BTreeSet<i64>, MirrorError> {
    let value = &filter.value;
    match filter.key.to_ascii_lowercase().as_str() {
        "tag" | "tags" => {
            let tag = value.trim_start_matches('#');
            let inside = format!("{}/%", escaped(tag));
            nums(
                db,
                "SELECT entry FROM tags WHERE tag = ?1 COLLATE NOCASE OR tag LIKE ?2 ESCAPE '\\'",
                params![tag, inside],
            )
        }
        "type" | "kind" => {
            let (family, end) = (format!("{}/%", escaped(value)), format!("%.{}", escaped(value)));
            let mut found = nums(
                db,
                "SELECT num FROM entries WHERE alive = 1 AND sidecar_of IS NULL AND (kind = lower(?1)
                    OR media_type = lower(?1) OR media_type LIKE ?2 ESCAPE '\\' OR name LIKE ?3 ESCAPE '\\')",
                params![value, family, end],
            )?;
            found.extend(property(db, "type", filter)?);
            Ok(found)
        }
        "in" => match links::at_text(db, value)? {
            Some(folder) => Ok(links::within(db, &folder)?.into_iter().collect()),
            None => Ok(BTreeSet::new()),
        },
        "path" => by_path(db, look, value),
        "created" => by_time(db, CREATED, filter),
        "modified" => by_time(db, "modified", filter),
        _ => property(db, &filter.key, filter),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn nums(db: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<BTreeSet<i64>, MirrorError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(values, |row| row.get(0))?.collect())
        .doing("filtering")
}

/// As SQL, and lines, write it.
pub(super) fn sign(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal => "=",
        Compare::Less => "<",
        Compare::AtMost => "<=",
        Compare::Greater => ">",
        Compare::AtLeast => ">=",
    }
}

fn property(db: &Connection, key: &str, filter: &Filter) -> Result<BTreeSet<i64>, MirrorError> {
    let value = filter.value.as_str();
    if filter.compare == Compare::Equal {
        let sql = "SELECT entry FROM properties WHERE key = ?1 AND text = ?2 COLLATE NOCASE";
        return nums(db, sql, params![key, value]);
    }
    let sign = sign(filter.compare);
    if let Some(moment) = dates::moment(value) {
        let moment = edge(moment, value, filter.compare);
        return nums(
            db,
            &format!("SELECT entry FROM properties WHERE key = ?1 AND moment {sign} ?2"),
            params![key, moment],
        );
    }
    match value.parse::<f64>() {
        Ok(number) => nums(
            db,
            &format!("SELECT entry FROM properties WHERE key = ?1 AND number {sign} ?2"),
            params![key, number],
        ),
        Err(_) => nums(
            db,
            &format!("SELECT entry FROM properties WHERE key = ?1 AND text {sign} ?2 COLLATE NOCASE"),
            params![key, value],
        ),
    }
}

/// `>2026-01-01` begins when that day is over, `<=2026-01-01` ends then.
fn edge(moment: i64, value: &str, compare: Compare) -> i64 {
    let whole_day = value.trim().len() == 10;
    if whole_day && matches!(compare, Compare::Greater | Compare::AtMost) {
        moment + DAY_MS - 1
    } else {
        moment
    }
}

fn by_time(db: &Connection, column: &str, filter: &Filter) -> Result<BTreeSet<i64>, MirrorError> {
    let value = filter.value.as_str();
    let Some(moment) = dates::moment(value) else { return Ok(BTreeSet::new()) };
    let listed = "alive = 1 AND sidecar_of IS NULL";
    if filter.compare == Compare::Equal {
        let span = if value.trim().len() == 10 { DAY_MS } else { 1000 };
        let sql = format!("SELECT num FROM entries WHERE {listed} AND {column} >= ?1 AND {column} < ?2");
        return nums(db, &sql, params![moment, moment + span]);
    }
    let moment = edge(moment, value, filter.compare);
    let sql = format!("SELECT num FROM entries WHERE {listed} AND {column} {} ?1", sign(filter.compare));
    nums(db, &sql, params![moment])
}

/// The pattern that a path is, if it has `*` or `?` in it.
pub(super) fn glob(wanted: &str) -> Option<Result<globset::GlobMatcher, globset::Error>> {
    wanted.contains(['*', '?']).then(|| {
        globset::GlobBuilder::new(wanted).literal_separator(true).build().map(|glob| glob.compile_matcher())
    })
}

/// Paths that contain the value, any case; or fit it, if it has `*` or `?` in it.
fn by_path(db: &Connection, look: &super::read::Look<'_>, value: &str) -> Result<BTreeSet<i64>, MirrorError> {
    let wanted = value.trim_start_matches('/').to_lowercase();
    let glob = glob(&wanted);
    let doing = "filtering by path";
    let mut statement = db
        .prepare_cached(
            "SELECT num, parent, name FROM entries WHERE alive = 1 AND sidecar_of IS NULL AND parent <> x''",
        )
        .doing(doing)?;
    let mut rows = statement.query([]).doing(doing)?;
    let mut found = BTreeSet::new();
    while let Some(row) = rows.next().doing(doing)? {
        let (num, parent, name): (i64, Vec<u8>, String) = row.try_into().doing(doing)?;
        let parent: EntryId = id_of(&parent);
        let path = look.entry(db, &parent, &name)?.as_str().to_lowercase();
        let fits = match &glob {
            Some(Ok(glob)) => glob.is_match(&path),
            _ => path.contains(&wanted),
        };
        if fits {
            found.insert(num);
        }
    }
    Ok(found)
}
