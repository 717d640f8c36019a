//! What the mirror answers: levels of the tree, search, queries, links, tags.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use codex_crdt_model::ids::EntryId;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::dto::{EntryKind, Page, SearchHit, SnippetPart, TreeItem, time};
use super::error::ApiError;
use super::input::{Input, Params};
use super::people::WhichNotebook;
use super::reading::{blocking, mirror_is_fresh};
use crate::clock::now_ms;
use crate::driver::Notebook;
use crate::mirror::{EntryInfo, Mirror, MirrorError, Query, query as asked};

const HITS: usize = 20;
const HITS_MOST: usize = 200;

impl From<MirrorError> for ApiError {
    fn from(error: MirrorError) -> Self {
        match error {
            MirrorError::Query(_) => Self::bad_request(error.to_string()),
            other => Self::internal(other.to_string()),
        }
    }
}

/// What the mirror knows about one entry.
#[derive(Debug, Default)]
pub struct Facts {
    /// Metadata of all sources.
    pub properties: Value,
    /// Tags.
    pub tags: Vec<String>,
    /// Title.
    pub title: Option<String>,
    /// What is wrong with its metadata.
    pub warnings: Vec<String>,
}

/// Asks the mirror of a notebook, on a thread that may block.
pub async fn mirror<T: Send + 'static>(
    notebook: &Notebook,
    ask: impl FnOnce(&Mirror) -> Result<T, MirrorError> + Send + 'static,
) -> Result<T, ApiError> {
    let mirror = notebook.mirror.clone();
    blocking(move || Ok(ask(&mirror)?)).await
}

/// What the mirror knows about an entry; nothing, while it has not come to it yet.
pub async fn facts(notebook: &Notebook, id: EntryId) -> Result<Facts, ApiError> {
    let info = mirror(notebook, move |mirror| mirror.entry(&id)).await?;
    Ok(match info {
        Some(info) => Facts {
            properties: Value::Object(info.properties.into_iter().collect()),
            tags: info.tags,
            title: Some(info.title).filter(|title| !title.is_empty()),
            warnings: info.warnings,
        },
        None => Facts { properties: Value::Object(Map::new()), ..Facts::default() },
    })
}

/// The same, once the mirror shows what the store holds.
pub async fn facts_now(notebook: &Notebook, id: EntryId) -> Result<Facts, ApiError> {
    mirror_is_fresh(notebook).await?;
    facts(notebook, id).await
}

/// One level of the tree, folders first.
pub async fn level(
    notebook: &Notebook,
    parent: EntryId,
    cursor: Option<String>,
    limit: usize,
) -> Result<Page<TreeItem>, ApiError> {
    let page = mirror(notebook, move |mirror| mirror.list(Some(parent), cursor.as_deref(), limit)).await?;
    let items = page.entries.into_iter().map(|listed| {
        let entry = listed.entry;
        TreeItem {
            id: entry.id.to_string(),
            name: entry.name,
            path: entry.path.to_string(),
            children: (entry.kind == "folder").then_some(listed.children),
            kind: EntryKind::named(&entry.kind),
            media_type: entry.media_type,
            size: entry.size,
            hash: entry.hash.to_string(),
            title: Some(entry.title).filter(|title| !title.is_empty()),
            version: None,
            modified: time(entry.modified),
        }
    });
    Ok(Page { items: items.collect(), cursor: page.cursor })
}

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// Words, `"phrases"`, `-not`, `tag:x`, `property:value`; the last word may be the beginning of one.
    pub q: String,
    /// Only in this notebook.
    pub notebook: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchPage {
    /// The best first.
    pub items: Vec<SearchHit>,
    /// Give it back as `cursor` for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Matches in all.
    pub total: usize,
    /// Whether there are more than were counted.
    pub total_is_capped: bool,
    /// Nothing was found, but this might find something.
    pub suggestion: Option<String>,
    /// What of the line was not understood, and what would be right; the line is answered all the same.
    pub warnings: Vec<String>,
}

/// Full-text search, in one notebook or all.
#[utoipa::path(get, path = "/api/v1/search", tag = "search", params(SearchParams),
    responses((status = 200, body = SearchPage)))]
pub async fn search(
    State(desk): State<Desk>,
    Params(params): Params<SearchParams>,
) -> Result<Json<SearchPage>, ApiError> {
    let limit = params.limit.unwrap_or(HITS).clamp(1, HITS_MOST);
    let skip = match params.cursor.as_deref() {
        Some(cursor) => {
            cursor.parse().map_err(|_| ApiError::bad_request("the cursor is not from this list"))?
        }
        None => 0_usize,
    };
    let notebooks = desk.notebooks(params.notebook.as_deref())?;
    let alone = notebooks.len() == 1;
    let mut page = SearchPage {
        items: Vec::new(),
        cursor: None,
        total: 0,
        total_is_capped: false,
        suggestion: None,
        warnings: Vec::new(),
    };
    for (number, notebook) in notebooks.into_iter().enumerate() {
        mirror_is_fresh(&notebook).await?;
        let line = params.q.clone();
        // Hits of several notebooks are put in one order first, and then cut into pages.
        let (many, from) = if alone { (limit, skip) } else { (skip.saturating_add(limit), 0) };
        let answer = mirror(&notebook, move |mirror| mirror.search(&line, many, from)).await?;
        page.total += answer.total;
        page.total_is_capped |= answer.total_is_capped;
        page.suggestion = page.suggestion.or(answer.suggestion);
        // What one notebook understands (it has the folder, the property) is understood.
        match number {
            0 => page.warnings = answer.warnings,
            _ => page.warnings.retain(|warning| answer.warnings.contains(warning)),
        }
        let id = notebook.id.to_string();
        page.items.extend(answer.hits.into_iter().map(|hit| SearchHit {
            notebook: id.clone(),
            entry: hit.entry.to_string(),
            path: hit.path.to_string(),
            title: Some(hit.title).filter(|title| !title.is_empty()),
            kind: EntryKind::named(&hit.kind),
            media_type: hit.media_type,
            modified: time(hit.modified),
            snippet:
                hit.snippet.into_iter().map(|part| SnippetPart { text: part.text, hit: part.hit }).collect(),
            score: hit.score,
        }));
    }
    if !alone {
        page.items.sort_by(|a, b| b.score.total_cmp(&a.score));
        page.items = page.items.into_iter().skip(skip).take(limit).collect();
    }
    if !page.items.is_empty() && skip + page.items.len() < page.total {
        page.cursor = Some((skip + page.items.len()).to_string());
    }
    if page.total > 0 {
        page.suggestion = None;
    }
    Ok(Json(page))
}

/// A file that a query found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileRow {
    /// Notebook id.
    pub notebook: String,
    /// Entry id.
    pub id: String,
    /// Its path.
    pub path: String,
    /// Its name.
    pub name: String,
    /// `text`, `blob`, `folder` or `symlink`.
    pub kind: String,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// Title.
    pub title: String,
    /// Metadata of all sources, merged.
    #[schema(value_type = Object)]
    pub properties: Value,
    /// Tags.
    pub tags: Vec<String>,
    /// When it began.
    pub created: String,
    /// When it last changed.
    pub modified: String,
    /// Device that made the last change.
    pub author: String,
}

/// What a query found.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryPage {
    /// One page, in order.
    pub files: Vec<FileRow>,
    /// With `group_by`: value → one page of its files, in the order of the values.
    #[serde(serialize_with = "in_order", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub groups: Option<Vec<(String, Vec<FileRow>)>>,
    /// With `group_by`: value → files in all.
    #[schema(value_type = Object)]
    pub group_totals: BTreeMap<String, usize>,
    /// Files in all.
    pub total: usize,
    /// Files of a page.
    pub limit: usize,
    /// Files left out at the beginning.
    pub offset: usize,
    /// What of the query could not be understood.
    pub warnings: Vec<String>,
}

fn in_order<S: Serializer>(
    groups: &Option<Vec<(String, Vec<FileRow>)>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(groups.iter().flatten().map(|(value, files)| (value, files)))
}

/// Answers a query over all notebooks that it names, in one order.
#[utoipa::path(post, path = "/api/v1/query", tag = "search", request_body(content = Object),
    responses((status = 200, body = QueryPage)))]
pub async fn query(
    State(desk): State<Desk>,
    Input(query): Input<Query>,
) -> Result<Json<QueryPage>, ApiError> {
    answered(&desk, query).await.map(Json)
}

/// The answer to a query.
pub async fn answered(desk: &Desk, query: Query) -> Result<QueryPage, ApiError> {
    let chosen = match query.notebook_ids.as_slice() {
        [] => desk.notebooks(None)?,
        keys => desk.each(keys)?,
    };
    for notebook in &chosen {
        mirror_is_fresh(notebook).await?;
    }
    let mirrors: Vec<_> = chosen.into_iter().map(|one| (one.id.to_string(), one.mirror)).collect();
    let answer = blocking(move || Ok(asked::run(&mirrors, &query, now_ms())?)).await?;
    let rows = |found: Vec<asked::Found>| -> Vec<FileRow> {
        found.into_iter().map(|found| file_row(found.notebook, found.entry)).collect()
    };
    Ok(QueryPage {
        files: rows(answer.files),
        groups: answer
            .groups
            .map(|groups| groups.into_iter().map(|(value, files)| (value, rows(files))).collect()),
        group_totals: answer.group_totals,
        total: answer.total,
        limit: answer.limit,
        offset: answer.offset,
        warnings: answer.warnings,
    })
}

fn file_row(notebook: String, entry: EntryInfo) -> FileRow {
    FileRow {
        notebook,
        id: entry.id.to_string(),
        path: entry.path.to_string(),
        name: entry.name,
        kind: entry.kind,
        media_type: entry.media_type,
        size: entry.size,
        hash: entry.hash.to_string(),
        title: entry.title,
        properties: Value::Object(entry.properties.into_iter().collect()),
        tags: entry.tags,
        created: time(entry.created),
        modified: time(entry.modified),
        author: entry.author.to_string(),
    }
}

/// A tag and how many entries carry it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TagRow {
    /// The tag.
    pub tag: String,
    /// Entries.
    pub count: u64,
}

/// All tags, the most used first.
#[utoipa::path(get, path = "/api/v1/tags", tag = "search", params(WhichNotebook),
    responses((status = 200, body = Page<TagRow>)))]
pub async fn tags(
    State(desk): State<Desk>,
    Params(which): Params<WhichNotebook>,
) -> Result<Json<Page<TagRow>>, ApiError> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for notebook in desk.notebooks(which.notebook.as_deref())? {
        mirror_is_fresh(&notebook).await?;
        for tag in mirror(&notebook, Mirror::tags).await? {
            *counts.entry(tag.tag).or_default() += tag.count;
        }
    }
    let mut items: Vec<_> = counts.into_iter().map(|(tag, count)| TagRow { tag, count }).collect();
    items.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.tag.cmp(&b.tag)));
    Ok(Json(Page::whole(items)))
}
