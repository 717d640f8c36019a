//! Structured queries: the body of POST `/query`, and `query:` in a view.
//!
//! Conditions become SQL; order, groups and pages are made here, over all notebooks at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::base::MirrorError;
use super::order::{Field, Order, SortKey};
use super::read::{self, EntryInfo};
use super::{Mirror, condition, dates, notices, properties, words};

/// Files of one answer, at most.
const LIMIT: usize = 10_000;
/// Unknown keys that are named.
const UNKNOWN: usize = 50;

/// The keys of a query.
pub const KEYS: [&str; 20] = [
    "notebook_ids",
    "paths",
    "tags",
    "tags_any",
    "content_types",
    "file_types",
    "properties",
    "properties_exists",
    "created_after",
    "created_before",
    "modified_after",
    "modified_before",
    "date_property",
    "date_after",
    "date_before",
    "content_search",
    "sort",
    "limit",
    "offset",
    "group_by",
];

/// What is asked for. Everything that is given must hold; every list may also be given as one value. Text may
/// hold variables: `{{ today }}`, `{{ startOfWeek }}` …
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Notebooks, by id or slug; none: all. Chosen by whoever calls.
    #[serde(deserialize_with = "list")]
    pub notebook_ids: Vec<String>,
    /// Globs over paths: `*` within a name, `**` across folders. A plain path means it and all that is in it.
    #[serde(deserialize_with = "list")]
    pub paths: Vec<String>,
    /// All of these tags.
    #[serde(deserialize_with = "list")]
    pub tags: Vec<String>,
    /// Any of these tags.
    #[serde(deserialize_with = "list")]
    pub tags_any: Vec<String>,
    /// One of these media types; `image/*` for a family.
    #[serde(deserialize_with = "list")]
    pub content_types: Vec<String>,
    /// One of these as property `type`.
    #[serde(deserialize_with = "list")]
    pub file_types: Vec<String>,
    /// Each property has the value, or one of the values. A list has every value in it. `null`: not set.
    pub properties: Map<String, Value>,
    /// These properties are set.
    #[serde(deserialize_with = "list")]
    pub properties_exists: Vec<String>,
    /// Born at this time or later.
    pub created_after: Option<Value>,
    /// Born at this time or earlier.
    pub created_before: Option<Value>,
    /// Changed at this time or later.
    pub modified_after: Option<Value>,
    /// Changed at this time or earlier.
    pub modified_before: Option<Value>,
    /// The property that `date_after` and `date_before` look at.
    pub date_property: Option<String>,
    /// That date or later.
    pub date_after: Option<Value>,
    /// That date or earlier.
    pub date_before: Option<Value>,
    /// Words, as in search.
    pub content_search: Option<String>,
    /// `column` or `properties.key`, with `asc` or `desc` behind it; or a list of such.
    pub sort: Option<Value>,
    /// Files of a page (of a group, if there are groups); 100 if not given.
    pub limit: Option<usize>,
    /// Files left out at the beginning (of each group).
    pub offset: usize,
    /// `column` or `properties.key`: what is found is grouped before it is cut into pages.
    pub group_by: Option<String>,
    /// Keys that mean nothing here: each is a warning.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A list, or one value as a list of one; numbers and booleans as text.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().map(properties::text).collect(),
        one => vec![properties::text(&one)],
    })
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The notebook it is in, as it was named to [`run`].
    pub notebook: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: EntryInfo,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QueryAnswer {
    /// One page of what was found, in order.
    pub files: Vec<Found>,
    /// With `group_by`: value and one page of the files that have it, in the order of the values; those
    /// without a value last, under an empty one.
    #[serde(serialize_with = "as_map", skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<(String, Vec<Found>)>>,
    /// With `group_by`: files of each group in all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub group_totals: BTreeMap<String, usize>,
    /// Files found in all.
    pub total: usize,
    /// Files of a page.
    pub limit: usize,
    /// Files left out at the beginning.
    pub offset: usize,
    /// What of the query could not be understood.
    pub warnings: Vec<String>,
}

fn as_map<S: Serializer>(
    groups: &Option<Vec<(String, Vec<Found>)>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(groups.iter().flatten().map(|(value, files)| (value, files)))
}

/// One match, before anything but its order is known.
struct Match {
    notebook: usize,
    num: i64,
    sort: Vec<Option<SortKey>>,
    groups: Vec<SortKey>,
}

impl Mirror {
    /// Answers a query for this notebook. The clock is read once, for its variables.
    pub fn query(&self, query: &Query) -> Result<QueryAnswer, MirrorError> {
        run(&[(String::new(), self.clone())], query, crate::clock::now_ms())
    }
}

/// Answers a query over several notebooks, each with what it is called in the answer: one order, one paging.
pub fn run(mirrors: &[(String, Mirror)], query: &Query, now_ms: i64) -> Result<QueryAnswer, MirrorError> {
    let mut warnings = Vec::new();
    let query = expanded(query, now_ms, &mut warnings);
    let orders = Order::read(query.sort.as_ref(), &mut warnings);
    let group_by = query.group_by.as_deref().map(Field::read);
    let mut matches = Vec::new();
    for (notebook, (_, mirror)) in mirrors.iter().enumerate() {
        let look = mirror.look();
        let found = mirror.ask(|db| {
            let nums = condition::matching(db, &look, &query)?;
            let mut sort = Vec::with_capacity(orders.len());
            for order in &orders {
                sort.push(order.field.keys(db, &look, &nums)?);
            }
            let groups = group_by.as_ref().map(|field| field.keys(db, &look, &nums)).transpose()?;
            Ok((nums, sort, groups))
        })?;
        let (nums, sort, groups) = found;
        matches.extend(nums.into_iter().map(|num| Match {
            notebook,
            num,
            sort: sort.iter().map(|keys| keys.get(&num).and_then(|keys| keys.first().cloned())).collect(),
            groups: groups.as_ref().and_then(|keys| keys.get(&num)).cloned().unwrap_or_default(),
        }));
    }
    // Named by its path, a property is meant; by its name alone, it may be a slip.
    let bare = query.group_by.as_deref().map(str::trim);
    let guessed = bare.filter(|name| group_by == Some(Field::Property((*name).to_owned())));
    warnings.extend(unknown_fields(&matches, &orders, guessed));
    matches.sort_by(|a, b| {
        let ordered = orders.iter().enumerate().map(|(at, order)| order.compare(&a.sort[at], &b.sort[at]));
        let decided = ordered.into_iter().find(|ordering| ordering.is_ne());
        decided.unwrap_or_else(|| (a.notebook, a.num).cmp(&(b.notebook, b.num)))
    });
    let limit = query.limit.unwrap_or(100).min(LIMIT);
    let page = |found: &[&Match]| -> Result<Vec<Found>, MirrorError> {
        found
            .iter()
            .skip(query.offset)
            .take(limit)
            .filter_map(|found| load(mirrors, found).transpose())
            .collect()
    };
    let mut answer = QueryAnswer {
        files: page(&matches.iter().collect::<Vec<_>>())?,
        total: matches.len(),
        limit,
        offset: query.offset,
        warnings,
        ..QueryAnswer::default()
    };
    if group_by.is_some() {
        let mut groups = Vec::new();
        for (value, found) in grouped(&matches) {
            answer.group_totals.insert(value.clone(), found.len());
            groups.push((value, page(&found)?));
        }
        answer.groups = Some(groups);
    }
    Ok(answer)
}

/// Names that are taken as a property's, and which nothing that was found has. What was not found has no say in it: whoever asks
/// may not be allowed to know of it.
fn unknown_fields(matches: &[Match], orders: &[Order], group_by: Option<&str>) -> Vec<String> {
    if matches.is_empty() {
        return Vec::new();
    }
    let sorted = orders.iter().enumerate().filter_map(|(at, order)| {
        let key = order.guessed()?;
        matches.iter().all(|found| found.sort[at].is_none()).then_some(("sorted", key))
    });
    let grouped = group_by.filter(|_| matches.iter().all(|found| found.groups.is_empty()));
    let grouped = grouped.map(|key| ("grouped", key));
    let say = |(done, key)| {
        format!(
            "nothing is {done} by `{key}`: it is no column (path, name, title, size, kind, media_type, created, \
             modified, tags), and no file that fits has such a property"
        )
    };
    sorted.chain(grouped).map(say).collect()
}

fn load(mirrors: &[(String, Mirror)], found: &Match) -> Result<Option<Found>, MirrorError> {
    let (notebook, mirror) = &mirrors[found.notebook];
    let look = mirror.look();
    let info = mirror.ask(|db| read::by_num(db, &look, found.num))?;
    Ok(info.map(|entry| Found { notebook: notebook.clone(), entry }))
}

/// Groups in the order of their values; a file with several values is in several groups.
fn grouped(matches: &[Match]) -> Vec<(String, Vec<&Match>)> {
    let mut groups: BTreeMap<(bool, SortKey), Vec<&Match>> = BTreeMap::new();
    for found in matches {
        if found.groups.is_empty() {
            groups.entry((true, SortKey::text(""))).or_default().push(found);
        }
        for value in &found.groups {
            groups.entry((false, value.clone())).or_default().push(found);
        }
    }
    let mut named: Vec<(String, Vec<&Match>)> = Vec::new();
    for ((_, key), found) in groups {
        named.push((key.shown().to_owned(), found));
    }
    named
}

/// The query with the values of its variables.
fn expanded(query: &Query, now_ms: i64, warnings: &mut Vec<String>) -> Query {
    let mut query = query.clone();
    let mut unknown = Vec::new();
    let mut text = |text: &mut String| {
        if text.contains("{{") {
            let (value, names) = dates::expand(text, now_ms);
            *text = value;
            unknown.extend(names);
        }
    };
    for list in [
        &mut query.paths,
        &mut query.tags,
        &mut query.tags_any,
        &mut query.content_types,
        &mut query.file_types,
        &mut query.properties_exists,
    ] {
        list.iter_mut().for_each(&mut text);
    }
    for value in
        [&mut query.date_property, &mut query.content_search, &mut query.group_by].into_iter().flatten()
    {
        text(value);
    }
    let values = [
        &mut query.created_after,
        &mut query.created_before,
        &mut query.modified_after,
        &mut query.modified_before,
        &mut query.date_after,
        &mut query.date_before,
    ];
    for value in values.into_iter().flatten().chain(query.properties.values_mut()) {
        match value {
            Value::String(value) => text(value),
            Value::Array(list) => {
                for item in list {
                    if let Value::String(item) = item {
                        text(item);
                    }
                }
            }
            _ => {}
        }
    }
    let variables = dates::VARIABLES.join(", ");
    warnings
        .extend(unknown.iter().map(|name| format!("there is no variable `{name}`; there are {variables}")));
    warnings.extend(query.unknown.keys().take(UNKNOWN).map(|key| unknown_key(key)));
    if !query.unknown.is_empty() && asks_nothing(&query) {
        warnings.push("the query has no condition, so every file is listed".into());
    }
    if let Some(line) = &query.content_search {
        warnings.extend(words::read(line, |_| false).notices);
    }
    query
}

fn unknown_key(key: &str) -> String {
    let right = match notices::nearest(key, KEYS.into_iter()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("it may have {}", KEYS.join(", ")),
    };
    format!("a query has no `{key}`, so that is left out; {right}")
}

/// Whether every file fits.
fn asks_nothing(query: &Query) -> bool {
    let Query { notebook_ids, sort, limit, offset, group_by, unknown, .. } = query.clone();
    *query == Query { notebook_ids, sort, limit, offset, group_by, unknown, ..Query::default() }
}
