//! What of a search line or a query was not understood, in words: what it is, what became of it, and what would be right.
//! Nothing here refuses anything; a line that is odd is answered as well as it can be.

use rusqlite::Connection;

use super::base::{Doing, MirrorError};
use super::words::{Asked, Compare, Filter};
use super::{dates, filter, links};

/// Keys looked at for one that was meant.
const KEYS: i64 = 1000;

/// What is odd about a line. `found` says whether anything was found all the same: then a colon in a word is only that.
pub(super) fn of_line(db: &Connection, asked: &Asked, found: bool) -> Result<Vec<String>, MirrorError> {
    let mut notices = asked.notices.clone();
    for wanted in &asked.filters {
        notices.extend(of_filter(db, wanted)?);
    }
    if !found {
        for (key, value) in &asked.no_keys {
            notices.push(of_no_key(db, key, value)?);
        }
    }
    Ok(notices)
}

fn of_filter(db: &Connection, wanted: &Filter) -> Result<Option<String>, MirrorError> {
    let (key, value) = (wanted.key.to_ascii_lowercase(), wanted.value.as_str());
    let sign = sign(wanted.compare);
    let shown = format!("{}{}:{sign}{value}", if wanted.not { "-" } else { "" }, wanted.key);
    let is_time = matches!(key.as_str(), "modified" | "created");
    let is_known = filter::is_known(&key);
    Ok(if is_time && dates::moment(value).is_none() {
        let what = if value.is_empty() { "it names no date".into() } else { format!("`{value}` is no date") };
        Some(format!("`{shown}` fits nothing: {what}; write it as `{key}:{sign}2026-01-31`"))
    } else if value.is_empty() {
        Some(format!("`{shown}` has no value behind it; write it as `{}:{sign}value`", wanted.key))
    } else if is_known && !is_time && key != "status" && wanted.compare != Compare::Equal {
        Some(format!("`{shown}` is taken as `{key}:{value}`: only dates and properties can be compared"))
    } else if key == "in" && links::at_text(db, value)?.is_none() {
        Some(format!(
            "`{shown}` fits nothing: there is no folder `{value}`; give its path from the notebook's top"
        ))
    } else if key == "path" && filter::glob(value).is_some_and(|glob| glob.is_err()) {
        Some(format!("`{value}` is no path pattern; paths that contain it as it stands are looked for"))
    } else {
        None
    })
}

fn of_no_key(db: &Connection, key: &str, value: &str) -> Result<String, MirrorError> {
    let keys: Vec<String> = db
        .prepare_cached("SELECT DISTINCT key FROM properties ORDER BY key LIMIT ?1")
        .and_then(|mut statement| statement.query_map([KEYS], |row| row.get(0))?.collect())
        .doing("looking for like properties")?;
    let known = filter::KNOWN.into_iter().chain(keys.iter().map(String::as_str));
    let meant = nearest(key, known).map(|meant| format!("; did you mean `{meant}:{value}`?"));
    let meant = meant.unwrap_or_default();
    Ok(format!("no file has a property `{key}`, so `{key}:{value}` is searched for as words{meant}"))
}

fn sign(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal => "",
        other => filter::sign(other),
    }
}

/// The name that is most like one that is none, if any is like it.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let most = if name.chars().count() < 6 { 1 } else { 2 };
    let like = known.map(|known| (distance(&name, &known.to_lowercase(), most), known));
    like.filter(|(distance, _)| *distance <= most).min().map(|(_, known)| known)
}

/// Letters to add, drop, replace or swap with the next to make `b` of `a`; more than `most` is not counted.
pub(super) fn distance(a: &str, b: &str, most: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
