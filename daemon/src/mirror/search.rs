//! Full-text search: any line is a valid question. Words, `"phrases"`, `-not`, `title:word`, `tag:`, `type:`,
//! `status:`, `path:`, `in:`, `modified:>2026-01-01`, any `property:value`; the last word may be the beginning
//! of one.
//!
//! At most [`CANDIDATES`] matches, the newest entries first, are ranked. BM25 goes through every match of every
//! word to learn how rare it is; of a word that more entries than that have, it learns that the word says nothing.
//! So only the rarer words are weighed; where there are none, entries whose title or name fits come first,
//! then the newer.

use std::collections::{BTreeMap, BTreeSet};

use codex_crdt_model::entry::Content;
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::BirthAt;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::base::{Doing, MirrorError};
use super::feed::Located;
use super::read::{self, EntryInfo, Look, hex};
use super::words::{self, Asked, Phrase};
use super::{Mirror, filter, index, notices, sidecar, snippet, text};

/// Matches that are ranked, at most.
pub const CANDIDATES: usize = 2000;
/// Hits of one answer, at most.
const HITS: usize = 200;
/// Hits of one answer that get a snippet.
const SNIPPETS: usize = 20;
/// Words looked at for a suggestion.
const TERMS: i64 = 1000;
/// The same, where none begins alike.
const TERMS_IN_ALL: i64 = 200_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchAnswer {
    /// The best first.
    pub hits: Vec<Hit>,
    /// Matches, at most [`CANDIDATES`].
    pub total: usize,
    /// Whether there are more than that.
    pub total_is_capped: bool,
    /// Nothing was found, but this line might find something.
    pub suggestion: Option<String>,
    /// What of the line was not understood, and what would be right.
    pub warnings: Vec<String>,
}

/// One entry that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// Its id, hex.
    #[serde(serialize_with = "hex")]
    pub entry: EntryId,
    /// Where it is.
    pub path: EntryPath,
    /// What it is called.
    pub title: String,
    /// `text`, `blob`, `folder` or `symlink`.
    pub kind: String,
    /// Media type.
    pub media_type: String,
    /// Claimed time of the last change, milliseconds since 1970.
    pub modified: i64,
    /// The part of its text that fits best; empty beyond the best twenty and where there is no text.
    pub snippet: Vec<Part>,
    /// Greater is better; comparable within one answer only.
    pub score: f64,
}

/// A piece of a snippet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The text.
    pub text: String,
    /// Whether it is what was searched for.
    pub hit: bool,
}

struct Ranked {
    nums: Vec<(i64, f64)>,
    capped: bool,
}

impl Mirror {
    /// Searches. An empty line finds nothing.
    pub fn search(&self, line: &str, limit: usize, offset: usize) -> Result<SearchAnswer, MirrorError> {
        let look = self.look();
        let limit = limit.min(HITS);
        self.ask(|db| {
            let asked = asked(db, line)?;
            let ranked = rank(db, &look, &asked)?;
            let total = ranked.nums.len();
            let mut hits = Vec::new();
            for (at, (num, score)) in ranked.nums.iter().skip(offset).take(limit).enumerate() {
                let Some(info) = read::by_num(db, &look, *num)? else { continue };
                let snippet = if at < SNIPPETS { self.snippet(db, &info, &asked.all)? } else { Vec::new() };
                hits.push(hit(info, snippet, *score));
            }
            let suggestion = if total == 0 { suggest(db, line, &asked)? } else { None };
            let warnings = notices::of_line(db, &asked, total > 0)?;
            Ok(SearchAnswer { hits, total, total_is_capped: ranked.capped, suggestion, warnings })
        })
    }

    /// The text that was indexed for an entry: of bytes, that of their Markdown sidecars.
    fn snippet(
        &self,
        db: &Connection,
        info: &EntryInfo,
        phrases: &[Phrase],
    ) -> Result<Vec<Part>, MirrorError> {
        let body = match info.kind.as_str() {
            "text" => self.text_of(db, &info.id, &info.path)?,
            "blob" => {
                let notes = sidecar::sidecars(&info.name);
                let folder = info.path.parent().unwrap_or_default();
                let mut text = None;
                for name in notes.iter().filter(|name| name.ends_with(".md")) {
                    let path = folder.join(name);
                    match read::at(db, &path)? {
                        Some(id) if text.is_none() => text = self.text_of(db, &id, &path)?,
                        _ => {}
                    }
                }
                match text {
                    Some(text) => Some(text),
                    None => index::extracted(db, &info.hash.0)?.flatten(),
                }
            }
            _ => None,
        };
        let Some(body) = body else { return Ok(Vec::new()) };
        let begins_with_front = text::has_frontmatter(&info.name) || info.kind == "blob";
        let body = if begins_with_front { text::split(&body).1 } else { &body };
        Ok(snippet::snippet(body.trim(), phrases))
    }

    /// An entry's text: its birth's if it is nothing more, else the file's if that is what the document says
    /// (loading a long history takes longer), else the document's.
    fn text_of(
        &self,
        db: &Connection,
        id: &EntryId,
        path: &EntryPath,
    ) -> Result<Option<String>, MirrorError> {
        type Row = (bool, i64, u32, Vec<u8>, i64);
        let row: Option<Row> = db
            .prepare_cached(
                "SELECT changed, birth_position, birth_item, hash, size FROM entries WHERE id = ?1",
            )
            .and_then(|mut s| {
                s.query_row([id.0.as_slice()], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                })
                .optional()
            })
            .doing("looking up a text")?;
        let Some((changed, position, item, hash, size)) = row else { return Ok(None) };
        if changed {
            let file = self.inner.shared.root.join(path.as_str());
            let same_size = |meta: std::fs::Metadata| meta.is_file() && meta.len() == size.cast_unsigned();
            if file.symlink_metadata().is_ok_and(same_size) {
                let bytes = std::fs::read(&file).unwrap_or_default();
                if blake3::hash(&bytes).as_bytes().as_slice() == hash {
                    return Ok(String::from_utf8(bytes).ok());
                }
            }
        }
        let located = Located { changed, birth: BirthAt { position: position.cast_unsigned(), item } };
        match self.inner.shared.content(id, &located) {
            Ok(Some(Content::Text(text))) => Ok(Some(text)),
            Ok(_) => Ok(None),
            Err(error) => {
                tracing::warn!(entry = %id, %error, "a search hit is shown without its text");
                Ok(None)
            }
        }
    }
}

fn hit(info: EntryInfo, snippet: Vec<Part>, score: f64) -> Hit {
    let EntryInfo { id, path, title, kind, media_type, modified, .. } = info;
    Hit { entry: id, path, title, kind, media_type, modified, snippet, score }
}

fn asked(db: &Connection, line: &str) -> Result<Asked, MirrorError> {
    let mut failed = None;
    let asked = words::read(line, |key| {
        filter::is_known(key)
            || filter::is_property(db, key).unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
    });
    failed.map_or(Ok(asked), Err)
}

fn rank(db: &Connection, look: &Look<'_>, asked: &Asked) -> Result<Ranked, MirrorError> {
    let nothing = Ranked { nums: Vec::new(), capped: false };
    let mut allowed: Option<BTreeSet<i64>> = None;
    let mut denied: BTreeSet<i64> = BTreeSet::new();
    let phrases = whole_if_common(db, &asked.all)?;
    let mut matches: Vec<String> = words::fts(&phrases, &[]).into_iter().collect();
    for wanted in &asked.filters {
        if let Some(column) = filter::column(&wanted.key) {
            let phrase = words::phrase(&wanted.value);
            let Some(fts) =
                words::fts(&[phrase], &[]).filter(|_| !words::phrase(&wanted.value).words.is_empty())
            else {
                continue;
            };
            if wanted.not {
                denied.extend(matching(db, &format!("{{{column}}} : {fts}"))?);
            } else {
                matches.push(format!("{{{column}}} : {fts}"));
            }
            continue;
        }
        let found = filter::holds(db, look, wanted)?;
        if wanted.not {
            denied.extend(found);
        } else {
            allowed = Some(match allowed {
                None => found,
                Some(before) => before.intersection(&found).copied().collect(),
            });
        }
    }
    if allowed.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(nothing);
    }
    let sets = Sets { allowed: allowed.map(|set| json(&set)), denied: json(&denied) };
    let none = words::fts_any(&asked.none);
    if matches.is_empty() {
        let any = sets.allowed.is_some() || !denied.is_empty() || none.is_some();
        return if any { newest(db, &sets, none.as_deref()) } else { Ok(nothing) };
    }
    let none = none.map_or_else(String::new, |none| format!(" NOT ({none})"));
    let all = matches.iter().map(|part| format!("({part})")).collect::<Vec<_>>().join(" AND ");
    let costly = phrases.iter().any(|phrase| phrase.words.len() > 1);
    let found = newest_matches(db, &format!("({all}){none}"), &sets, costly)?;
    if found.nums.is_empty() {
        return Ok(found);
    }
    match weighty(db, &phrases, &found)? {
        Some(rare) => weighed(db, found, &rare),
        None => titled_first(db, found, &phrases),
    }
}

/// A word that may go on and that many have as it stands is taken as it stands: there are candidates enough, and
/// to find all that go on like it, each of their words' matches would be gone through.
fn whole_if_common(db: &Connection, phrases: &[Phrase]) -> Result<Vec<Phrase>, MirrorError> {
    let mut read = Vec::with_capacity(phrases.len());
    for phrase in phrases {
        let mut phrase = phrase.clone();
        if phrase.prefix && phrase.words.len() == 1 && phrase.words[0].chars().count() > words::PREFIX_CHARS {
            let whole = Phrase { prefix: false, ..phrase.clone() };
            phrase.prefix = match words::fts(&[whole], &[]) {
                Some(fts) => !has_more_than_candidates(db, &fts)?,
                None => true,
            };
        }
        read.push(phrase);
    }
    Ok(read)
}

/// Weights of title, name, body and properties.
const BM25: &str = "bm25(words, 10.0, 6.0, 1.0, 2.0)";
/// Newest entries among which matches that are costly to find are looked for first …
const WINDOWS: [i64; 2] = [2000, 20_000];
/// … and so many are enough.
const ENOUGH: usize = 100;
/// So few titles are read rather than searched for.
const TITLES_READ: usize = 256;

/// The phrases that BM25 can weigh cheaply and that say something: those that no more entries have than are ranked.
/// `None` if there are none.
fn weighty(db: &Connection, phrases: &[Phrase], found: &Ranked) -> Result<Option<String>, MirrorError> {
    let alone = phrases.len() == 1;
    if alone && found.capped {
        return Ok(None);
    }
    let mut rare = Vec::new();
    for phrase in phrases {
        let Some(fts) = words::fts(std::slice::from_ref(phrase), &[]) else { continue };
        let cheap = if phrase.words.len() == 1 {
            alone || !has_more_than_candidates(db, &fts)?
        } else {
            has_rare_word(db, phrase)?
        };
        if cheap {
            rare.push(format!("({fts})"));
        }
    }
    Ok((!rare.is_empty()).then(|| rare.join(" AND ")))
}

/// Matches of common words one behind the other are costly to find, even if there are few.
fn has_rare_word(db: &Connection, phrase: &Phrase) -> Result<bool, MirrorError> {
    let whole = if phrase.prefix { phrase.words.len() - 1 } else { phrase.words.len() };
    for word in &phrase.words[..whole] {
        let alone = Phrase { words: vec![word.clone()], prefix: false };
        if let Some(fts) = words::fts(&[alone], &[])
            && !has_more_than_candidates(db, &fts)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_more_than_candidates(db: &Connection, fts: &str) -> Result<bool, MirrorError> {
    db.prepare_cached(
        "SELECT count(*) > ?2 FROM (SELECT 1 FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2 + 1)",
    )
    .and_then(|mut s| s.query_row(params![fts, CANDIDATES as i64], |row| row.get(0)))
    .doing("searching")
}

/// Candidates by BM25 of some of the words that were asked for.
fn weighed(db: &Connection, mut found: Ranked, fts: &str) -> Result<Ranked, MirrorError> {
    let sql = format!(
        "SELECT rowid, {BM25} FROM words WHERE words MATCH ?1
           AND +rowid IN (SELECT value FROM json_each(?2)) ORDER BY rowid DESC"
    );
    let nums = json(&found.nums.iter().map(|(num, _)| *num).collect());
    let scores: BTreeMap<i64, f64> = candidates(db, &sql, params![fts, nums])?.nums.into_iter().collect();
    for (num, score) in &mut found.nums {
        *score = scores.get(num).copied().unwrap_or(0.0);
    }
    Ok(in_order(found))
}

/// The best first, of equals the newer.
fn in_order(mut found: Ranked) -> Ranked {
    found.nums.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
    found
}

/// A cheap order: candidates whose title or name fits come first, then the newer.
fn titled_first(db: &Connection, mut found: Ranked, phrases: &[Phrase]) -> Result<Ranked, MirrorError> {
    let few = found.nums.len() <= TITLES_READ;
    let fitting = if few { titles_read(db, &found, phrases) } else { titles_found(db, &found, phrases) }?;
    for (num, score) in &mut found.nums {
        *score = if fitting.contains(num) { 1.0 } else { 0.0 };
    }
    Ok(in_order(found))
}

fn titles_read(db: &Connection, found: &Ranked, phrases: &[Phrase]) -> Result<BTreeSet<i64>, MirrorError> {
    let nums = json(&found.nums.iter().map(|(num, _)| *num).collect());
    let named: Vec<(i64, String)> = db
        .prepare_cached(
            "SELECT num, title || ' / ' || name FROM entries WHERE num IN (SELECT value FROM json_each(?1))",
        )
        .and_then(|mut s| s.query_map([nums], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .doing("searching")?;
    let fits = |name: &str| snippet::snippet(name, phrases).iter().any(|part| part.hit);
    Ok(named.into_iter().filter(|(_, name)| fits(name)).map(|(num, _)| num).collect())
}

/// Many candidates are the newest, so they lie close together: only that part of the index is gone through.
fn titles_found(db: &Connection, found: &Ranked, phrases: &[Phrase]) -> Result<BTreeSet<i64>, MirrorError> {
    let Some(fts) = words::fts_any(phrases) else { return Ok(BTreeSet::new()) };
    let oldest = found.nums.iter().map(|(num, _)| *num).min().unwrap_or(0);
    let fitting: Vec<i64> = db
        .prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1 AND rowid >= ?2")
        .and_then(|mut s| {
            s.query_map(params![format!("{{title name}} : ({fts})"), oldest], |row| row.get(0))?.collect()
        })
        .doing("searching")?;
    Ok(fitting.into_iter().collect())
}

/// Rows that filters leave, as JSON lists.
struct Sets {
    allowed: Option<String>,
    denied: String,
}

fn json(nums: &BTreeSet<i64>) -> String {
    let nums: Vec<String> = nums.iter().map(i64::to_string).collect();
    format!("[{}]", nums.join(","))
}

/// The newest matches. Only rows that the filters leave count. Where matches are costly to find, the newest entries
/// are gone through first, then more, and all only if there are few.
fn newest_matches(db: &Connection, fts: &str, sets: &Sets, costly: bool) -> Result<Ranked, MirrorError> {
    if costly {
        let newest: i64 = db
            .prepare_cached("SELECT coalesce(max(num), 0) FROM entries")
            .and_then(|mut s| s.query_row([], |row| row.get(0)))
            .doing("searching")?;
        for window in WINDOWS.into_iter().filter(|window| *window < newest) {
            let mut found = matches_above(db, fts, sets, newest - window)?;
            if found.nums.len() >= ENOUGH {
                found.capped = true;
                return Ok(found);
            }
        }
    }
    matches_above(db, fts, sets, 0)
}

fn matches_above(db: &Connection, fts: &str, sets: &Sets, above: i64) -> Result<Ranked, MirrorError> {
    let filtered = sets.allowed.is_some() || sets.denied != "[]";
    // The `+` keeps SQLite from asking the full-text index once for each row of the set.
    let filters = "AND (?2 IS NULL OR +rowid IN (SELECT value FROM json_each(?2)))
                   AND +rowid NOT IN (SELECT value FROM json_each(?3))";
    // Upwards, the index begins at the bound; downwards it goes through all that is below it if nothing matches there.
    let sql = format!(
        "SELECT rowid, 0.0 FROM words WHERE words MATCH ?1 {} {} LIMIT ?4",
        if filtered { filters } else { "AND ?2 IS NULL AND ?3 = '[]'" },
        if above > 0 { "AND rowid > ?5" } else { "AND ?5 = 0 ORDER BY rowid DESC" },
    );
    let most = CANDIDATES as i64 + 1;
    candidates(db, &sql, params![fts, sets.allowed, sets.denied, most, above])
}

/// Where no word is asked for: what was changed last comes first.
fn newest(db: &Connection, sets: &Sets, none: Option<&str>) -> Result<Ranked, MirrorError> {
    let sql = format!(
        "SELECT num, 0.0 FROM entries WHERE alive = 1 AND sidecar_of IS NULL AND parent <> x'' {}
           AND num NOT IN (SELECT value FROM json_each(?2))
           AND (?3 IS NULL OR num NOT IN (SELECT rowid FROM words WHERE words MATCH ?3))
         ORDER BY modified DESC LIMIT ?4",
        if sets.allowed.is_some() {
            "AND num IN (SELECT value FROM json_each(?1))"
        } else {
            "AND ?1 IS NULL"
        }
    );
    candidates(db, &sql, params![sets.allowed, sets.denied, none, CANDIDATES as i64 + 1])
}

fn candidates(db: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Ranked, MirrorError> {
    let mut nums: Vec<(i64, f64)> = db
        .prepare_cached(sql)
        .and_then(|mut s| s.query_map(values, |row| Ok((row.get(0)?, -row.get::<_, f64>(1)?)))?.collect())
        .doing("searching")?;
    let capped = nums.len() > CANDIDATES;
    nums.truncate(CANDIDATES);
    Ok(Ranked { nums, capped })
}

fn matching(db: &Connection, fts: &str) -> Result<Vec<i64>, MirrorError> {
    db.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1")
        .and_then(|mut statement| statement.query_map([fts], |row| row.get(0))?.collect())
        .doing("searching")
}

/// The line with each word that nobody wrote replaced by the nearest that somebody did.
fn suggest(db: &Connection, line: &str, asked: &Asked) -> Result<Option<String>, MirrorError> {
    let mut suggestion = line.to_owned();
    for word in asked.all.iter().flat_map(|phrase| &phrase.words) {
        let wanted = words::folded(word);
        let mut chars = wanted.chars();
        let (Some(first), true) = (chars.next(), wanted.chars().count() >= 3) else { continue };
        let same = if wanted.chars().count() < 5 { 1 } else { 2 };
        let begin: String = [first].into_iter().chain(chars.take(same)).collect();
        let known: Vec<(String, i64)> = db
            .prepare_cached(
                "SELECT term, doc FROM terms WHERE term >= ?1 AND term < ?1 || char(1114111) LIMIT ?2",
            )
            .and_then(|mut s| {
                s.query_map(params![begin, TERMS], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .doing("looking for like words")?;
        if known.iter().any(|(term, _)| *term == wanted) {
            continue;
        }
        let most = if wanted.chars().count() < 6 { 1 } else { 2 };
        let near = match nearest(known, &wanted, most) {
            Some(term) => Some(term),
            // Whoever mistypes may do so at the beginning.
            None => nearest(of_like_length(db, &wanted, most)?, &wanted, most),
        };
        if let Some(term) = near {
            suggestion = with_word(&suggestion, word, &term);
        }
    }
    Ok(Some(suggestion).filter(|suggestion| suggestion != line))
}

/// The line with another word in the place of one that stands alone: a part of another word, and what stands at a colon, is meant
/// as it is written.
fn with_word(line: &str, word: &str, other: &str) -> String {
    let is_apart = |next: Option<char>| next.is_none_or(|next| !next.is_alphanumeric() && next != ':');
    let alone = line.match_indices(word).find(|(at, _)| {
        is_apart(line[..*at].chars().next_back()) && is_apart(line[at + word.len()..].chars().next())
    });
    match alone {
        Some((at, _)) => format!("{}{other}{}", &line[..at], &line[at + word.len()..]),
        None => line.to_owned(),
    }
}

fn nearest(known: Vec<(String, i64)>, wanted: &str, most: usize) -> Option<String> {
    let ranked = known
        .into_iter()
        .map(|(term, entries)| (notices::distance(wanted, &term, most), std::cmp::Reverse(entries), term));
    let near = ranked.filter(|(distance, _, _)| *distance <= most).min();
    near.map(|(_, _, term)| term)
}

/// All words that are about as long.
fn of_like_length(db: &Connection, wanted: &str, most: usize) -> Result<Vec<(String, i64)>, MirrorError> {
    let length = wanted.chars().count();
    let (least, longest) = (length.saturating_sub(most), length + most);
    db.prepare_cached("SELECT term, doc FROM terms WHERE length(term) BETWEEN ?1 AND ?2 LIMIT ?3")
        .and_then(|mut s| {
            let values = params![least as i64, longest as i64, TERMS_IN_ALL];
            s.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .doing("looking for like words")
}
