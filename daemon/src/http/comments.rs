//! Comments: threads at places of a text, answers, and that they are settled.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use codex_crdt_model::comments::{self, By, Said, Thread, is_own, locate};
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::Document;
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::{Request, Saying, Version};
use codex_crdt_model::ids::{EntryId, NotebookId, PersonId, RecordHash};
use codex_crdt_model::membership::Membership;
use codex_crdt_model::store::Source;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::desk::{Desk, ask};
use super::dto::{Page, time};
use super::error::ApiError;
use super::input::{Input, Params, Place};
use super::reading::{self, Found, read};
use crate::daemon::Names;
use crate::driver::Notebook;
use crate::store::Reader;

const THREADS: usize = 200;
/// So many `@` of a comment are looked at.
const MENTIONS: usize = 256;

/// A thread of comments.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThreadItem {
    /// Its id: that of its first comment.
    pub id: String,
    /// Notebook id.
    pub notebook: String,
    /// The entry that it is about.
    pub entry: String,
    /// Where that is, or was.
    pub path: String,
    /// The words that it was begun at; of a long passage, the beginning. Nothing: it is about the whole entry.
    pub quote: Option<String>,
    /// Where these stand in the text now; nothing if they are gone, or it is about the whole entry.
    pub place: Option<Passage>,
    /// Its comments, the first first.
    pub comments: Vec<CommentItem>,
    /// Who settled it, and when; nothing while it is open.
    pub resolved: Option<Author>,
}

/// A passage of the text as it is now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Passage {
    /// The version of that text.
    pub version: String,
    /// Where it begins, in UTF-16 code units.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its line, from 1.
    pub line: usize,
}

/// Who, and when.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Author {
    /// Device id.
    pub device: String,
    /// Person id; nothing for somebody who never belonged.
    pub person: Option<String>,
    /// What that person is called.
    pub name: Option<String>,
    /// The name, with the fingerprint if somebody else who belongs here or did has that name too.
    pub who: Option<String>,
    /// When, by that device's clock.
    pub time: String,
}

/// One comment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CommentItem {
    /// Its id.
    pub id: String,
    /// Who said it, and when.
    pub by: Author,
    /// What was said, as plain text or Markdown; nothing if it was taken back.
    pub text: Option<String>,
    /// When it was changed the last time.
    pub edited: Option<String>,
    /// Whether it is one's own, to be changed or taken back.
    pub own: bool,
    /// Who is named in it with `@`.
    pub mentions: Vec<Mention>,
}

/// Somebody who is named.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Mention {
    /// Person id.
    pub person: String,
    /// What that person is called.
    pub name: String,
    /// Whether that is whoever asks.
    pub own: bool,
}

/// Which comments.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichThreads {
    /// Only of this notebook.
    pub notebook: Option<String>,
    /// `open`, `resolved` or `all` (default).
    pub status: Option<String>,
    /// Only those in which whoever asks is named.
    #[serde(default)]
    pub mentions_me: bool,
    /// At most so many.
    pub limit: Option<usize>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// Who is called what.
struct People {
    membership: Membership,
    people: Names,
    /// Persons and their names, the longest first.
    names: Vec<(PersonId, String)>,
    /// The same names in small letters.
    called: Vec<String>,
    me: By,
}

impl People {
    fn of(reader: &Reader, notebook: &Notebook) -> Result<Self, ApiError> {
        let membership = Membership::of(&notebook.id, reader.statements()?);
        let mut names: Vec<(PersonId, String)> =
            membership.people().into_iter().map(|person| (person.id, person.name)).collect();
        names.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
        let device =
            reader.meta()?.map(|meta| meta.device).ok_or_else(|| ApiError::internal("the store is empty"))?;
        let me = By { device, person: membership.person_of(&device), time: 0 };
        let called = names.iter().map(|(_, name)| name.to_lowercase()).collect();
        let people = Names::of(&membership);
        Ok(Self { membership, people, names, called, me })
    }

    fn author(&self, by: &By) -> Author {
        let name = by.person.as_ref().and_then(|person| self.names.iter().find(|(id, _)| id == person));
        Author {
            device: by.device.to_string(),
            person: by.person.map(|person| person.to_string()),
            name: name.map(|(_, name)| name.clone()),
            who: by.person.as_ref().and_then(|person| self.people.who(person)),
            time: time(by.time),
        }
    }

    fn comment(&self, said: &Said) -> CommentItem {
        CommentItem {
            id: said.id.to_string(),
            by: self.author(&said.by),
            edited: said.edited.map(time),
            own: is_own(&said.by, &self.me),
            mentions: said.text.as_deref().map(|text| self.mentions(text)).unwrap_or_default(),
            text: said.text.clone(),
        }
    }

    /// Whether whoever asks is named in it.
    fn is_named(&self, said: &Said) -> bool {
        said.text.as_deref().is_some_and(|text| self.mentions(text).iter().any(|mention| mention.own))
    }

    /// Who is named with `@` and their whole name, or the first word of it.
    fn mentions(&self, text: &str) -> Vec<Mention> {
        let lower = text.to_lowercase();
        let mut found = BTreeMap::new();
        for (at, _) in lower.match_indices('@').take(MENTIONS) {
            let behind = &lower[at + 1..];
            let fits = |name: &str| {
                let rest = behind.strip_prefix(name);
                !name.is_empty() && rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            };
            let whole = self.called.iter().position(|name| fits(name));
            let first = |name: &String| fits(name.split_whitespace().next().unwrap_or_default());
            let named = whole.or_else(|| self.called.iter().position(first));
            if let Some((person, name)) = named.map(|at| &self.names[at]) {
                found.insert(*person, name.clone());
            }
        }
        let mention = |(person, name): (PersonId, String)| Mention {
            own: self.me.person == Some(person),
            person: person.to_string(),
            name,
        };
        found.into_iter().map(mention).collect()
    }
}

/// Whether there is something to show: not everything was taken back, and what it is about is known here.
fn is_there(reader: &Reader, thread: &Thread) -> bool {
    thread.said.iter().any(|said| said.text.is_some())
        && reader.entry(&thread.entry).is_ok_and(|row| row.is_some())
}

/// Threads as they are shown.
fn shown(
    reader: &Reader,
    notebook: &Notebook,
    people: &People,
    threads: Vec<Thread>,
) -> Result<Vec<ThreadItem>, ApiError> {
    let mut texts = BTreeMap::new();
    let mut items = Vec::new();
    for thread in threads.into_iter().filter(|thread| is_there(reader, thread)) {
        let Ok(found) = reading::any(reader, &thread.entry) else { continue };
        let mut place = None;
        if let Some(anchor) =
            thread.anchor.as_ref().filter(|_| found.row.alive && found.row.kind == Kind::Text)
        {
            let (document, text) = match texts.entry(thread.entry) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(vacant) => vacant.insert(now(reader, &found)?),
            };
            place = locate(document, anchor, &found.row.heads, text).map(|range| Passage {
                version: found.version().to_string(),
                line: line_of(text, range.start),
                start: range.start,
                end: range.end,
            });
        }
        items.push(ThreadItem {
            id: thread.id.to_string(),
            notebook: notebook.id.to_string(),
            entry: thread.entry.to_string(),
            path: found.path.to_string(),
            quote: thread.anchor.map(|anchor| anchor.quote),
            place,
            comments: thread.said.iter().map(|said| people.comment(said)).collect(),
            resolved: thread.resolved.map(|by| people.author(&by)),
        });
    }
    Ok(items)
}

/// An entry's document, and its text as it is now.
fn now(reader: &Reader, found: &Found) -> Result<(Document, String), ApiError> {
    let document = reading::document(reader, &found.id, &found.row)?;
    let text = match document.view_at(&found.row.heads).map(|view| view.content) {
        Some(Content::Text(text)) => text,
        _ => String::new(),
    };
    Ok((document, text))
}

fn line_of(text: &str, unit: usize) -> usize {
    text.encode_utf16().take(unit).filter(|unit| *unit == u16::from(b'\n')).count() + 1
}

/// An entry's threads; only the one that a comment is in, if one is named.
async fn of_entry(
    notebook: &Notebook,
    entry: EntryId,
    only: Option<RecordHash>,
) -> Result<Vec<ThreadItem>, ApiError> {
    let of = notebook.clone();
    read(notebook, move |reader| {
        reading::any(reader, &entry)?;
        let people = People::of(reader, &of)?;
        let mut threads = comments::of_entry(reader, &people.membership, &entry)?;
        if let Some(id) = only {
            threads.retain(|thread| thread.said.iter().any(|said| said.id == id));
        }
        shown(reader, &of, &people, threads)
    })
    .await
}

/// The comments on an entry, thread by thread, the oldest first.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/comments", tag = "comments",
    params(("nb" = String, Path), ("e" = String, Path)), responses((status = 200, body = Page<ThreadItem>), (status = 404)))]
pub async fn list(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<Json<Page<ThreadItem>>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    Ok(Json(Page::whole(of_entry(&notebook, e.parse()?, None).await?)))
}

/// The threads of a notebook, or of all, those first in which something was said last.
#[utoipa::path(get, path = "/api/v1/comments", tag = "comments", params(WhichThreads),
    responses((status = 200, body = Page<ThreadItem>), (status = 400)))]
pub async fn all(
    State(desk): State<Desk>,
    Params(which): Params<WhichThreads>,
) -> Result<Json<Page<ThreadItem>>, ApiError> {
    let resolved = match which.status.as_deref().unwrap_or("all") {
        "all" | "" => None,
        "open" => Some(false),
        "resolved" => Some(true),
        other => {
            return Err(ApiError::bad_request(format!(
                "`{other}` is no status of comments: give `open`, `resolved` or `all`"
            )));
        }
    };
    let skip = reading::offset(which.cursor.as_deref())?;
    let limit = which.limit.unwrap_or(THREADS).clamp(1, 1000);
    let mut found: Vec<(Notebook, Thread)> = Vec::new();
    for notebook in desk.notebooks(which.notebook.as_deref())? {
        let (of, only_mine) = (notebook.clone(), which.mentions_me);
        let threads = read(&notebook, move |reader| {
            let people = People::of(reader, &of)?;
            let mut threads = comments::of_rows(reader, &people.membership, reader.all_comments()?)?;
            threads.retain(|thread| {
                is_there(reader, thread)
                    && resolved.is_none_or(|wanted| thread.resolved.is_some() == wanted)
                    && (!only_mine || thread.said.iter().any(|said| people.is_named(said)))
            });
            Ok(threads)
        });
        found.extend(threads.await?.into_iter().map(|thread| (notebook.clone(), thread)));
    }
    let last = |thread: &Thread| thread.said.iter().map(|said| said.by.time).max();
    found.sort_by_cached_key(|(_, thread)| std::cmp::Reverse((last(thread), thread.id)));
    let cursor = (found.len() > skip + limit).then(|| (skip + limit).to_string());
    // Only of these is it looked up where they stand.
    let mut order = BTreeMap::new();
    let mut by_notebook: BTreeMap<NotebookId, (Notebook, Vec<Thread>)> = BTreeMap::new();
    for (at, (notebook, thread)) in found.into_iter().skip(skip).take(limit).enumerate() {
        order.insert(thread.id.to_string(), at);
        by_notebook.entry(notebook.id).or_insert_with(|| (notebook, Vec::new())).1.push(thread);
    }
    let mut items = Vec::new();
    for (notebook, threads) in by_notebook.into_values() {
        let of = notebook.clone();
        let read = read(&notebook, move |reader| shown(reader, &of, &People::of(reader, &of)?, threads));
        items.extend(read.await?);
    }
    items.sort_by_key(|item| order.get(&item.id).copied());
    Ok(Json(Page { items, cursor }))
}

/// A thread to be begun.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewThread {
    /// What is said.
    pub text: String,
    /// The version that was read; the one that is there now, if not given.
    pub version: Option<String>,
    /// Where the passage begins that it is about, in UTF-16 code units of that version's text. Absent: it is about the whole entry.
    pub start: Option<usize>,
    /// Where it ends.
    pub end: Option<usize>,
    /// Instead of `start` and `end`: the words that it is about, where they stand first.
    pub quote: Option<String>,
}

/// Begins a thread.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/comments", tag = "comments",
    params(("nb" = String, Path), ("e" = String, Path)), request_body = NewThread,
    responses((status = 201, body = ThreadItem), (status = 403), (status = 404),
        (status = 422, description = "`bad_comment`: nothing is said, or about no passage")))]
pub async fn begin(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Input(new): Input<NewThread>,
) -> Result<(StatusCode, Json<ThreadItem>), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let entry: EntryId = e.parse()?;
    let version =
        new.version.as_deref().map(|version| version.trim_matches('"').parse::<Version>()).transpose()?;
    let now = read(&notebook, move |reader| Ok(reading::alive(reader, &entry)?.version())).await?;
    let version = version.unwrap_or(now);
    let range = match (new.start, new.end, new.quote) {
        (Some(start), Some(end), None) => Some(start..end),
        (None, None, None) => None,
        (None, None, Some(quote)) => Some(first(&notebook, entry, version.clone(), quote).await?),
        _ => {
            return Err(ApiError::bad_request("a passage has `start` and `end`, or a `quote` instead"));
        }
    };
    let saying = Saying::Begin { at: range.map(|range| (version, range)), text: new.text };
    let id = said(&notebook, entry, saying).await?;
    Ok((StatusCode::CREATED, Json(one(&notebook, entry, id).await?)))
}

/// Where words stand first.
async fn first(
    notebook: &Notebook,
    entry: EntryId,
    version: Version,
    quote: String,
) -> Result<std::ops::Range<usize>, ApiError> {
    read(notebook, move |reader| {
        let Content::Text(text) = reading::view_at(reader, &entry, &version)?.content else {
            return Err(ApiError::bad_request(
                "the entry is no text; leave the quote out to comment on all of it",
            ));
        };
        let at = text.find(&quote).filter(|_| !quote.is_empty()).ok_or_else(|| {
            ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_comment",
                format!("`{quote}` does not stand in the text"),
            )
        })?;
        let start = text[..at].encode_utf16().count();
        Ok(start..start + quote.encode_utf16().count())
    })
    .await
}

async fn said(notebook: &Notebook, entry: EntryId, saying: Saying) -> Result<RecordHash, ApiError> {
    match ask(notebook, Request::Say { entry, saying }).await? {
        Reply::Signed(id) => Ok(id),
        _ => Err(ApiError::internal("the notebook did not say which comment it made")),
    }
}

/// The thread of a comment.
async fn one(notebook: &Notebook, entry: EntryId, id: RecordHash) -> Result<ThreadItem, ApiError> {
    let found = of_entry(notebook, entry, Some(id)).await?.pop();
    found.ok_or_else(|| no_comment(&entry, &id.to_string()))
}

fn no_comment(entry: &EntryId, id: &str) -> ApiError {
    ApiError::not_found(format!("the entry {entry} has no comment {id}"))
}

/// The notebook, the entry and the comment that a request names, once it is known that there is such a one.
async fn named(
    desk: &Desk,
    (nb, e, id): (String, String, String),
) -> Result<(Notebook, EntryId, RecordHash), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let (entry, id): (EntryId, RecordHash) = (e.parse()?, id.parse()?);
    one(&notebook, entry, id).await?;
    Ok((notebook, entry, id))
}

/// What is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// In plain text or Markdown; `@name` names somebody.
    pub text: String,
}

/// Answers.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/comments/{id}/replies", tag = "comments",
    params(("nb" = String, Path), ("e" = String, Path), ("id" = String, Path)), request_body = Words,
    responses((status = 201, body = ThreadItem), (status = 403), (status = 404), (status = 422)))]
pub async fn reply(
    State(desk): State<Desk>,
    Place(place): Place<(String, String, String)>,
    Input(words): Input<Words>,
) -> Result<(StatusCode, Json<ThreadItem>), ApiError> {
    let (notebook, entry, thread) = named(&desk, place).await?;
    let id = said(&notebook, entry, Saying::Reply { thread, text: words.text }).await?;
    Ok((StatusCode::CREATED, Json(one(&notebook, entry, id).await?)))
}

/// Settles a thread.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/comments/{id}/resolve", tag = "comments",
    params(("nb" = String, Path), ("e" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = ThreadItem), (status = 403), (status = 404)))]
pub async fn resolve(
    State(desk): State<Desk>,
    Place(place): Place<(String, String, String)>,
) -> Result<Json<ThreadItem>, ApiError> {
    settle(&desk, place, true).await
}

/// Opens a thread again.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/entries/{e}/comments/{id}/reopen", tag = "comments",
    params(("nb" = String, Path), ("e" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = ThreadItem), (status = 403), (status = 404)))]
pub async fn reopen(
    State(desk): State<Desk>,
    Place(place): Place<(String, String, String)>,
) -> Result<Json<ThreadItem>, ApiError> {
    settle(&desk, place, false).await
}

async fn settle(
    desk: &Desk,
    place: (String, String, String),
    resolved: bool,
) -> Result<Json<ThreadItem>, ApiError> {
    let (notebook, entry, thread) = named(desk, place).await?;
    said(&notebook, entry, Saying::Resolve { thread, resolved }).await?;
    Ok(Json(one(&notebook, entry, thread).await?))
}

/// Says something else instead of what one said.
#[utoipa::path(patch, path = "/api/v1/notebooks/{nb}/entries/{e}/comments/{id}", tag = "comments",
    params(("nb" = String, Path), ("e" = String, Path), ("id" = String, Path)), request_body = Words,
    responses((status = 200, body = ThreadItem), (status = 403), (status = 404),
        (status = 422, description = "`bad_comment`: it is somebody else's, or says nothing")))]
pub async fn edit(
    State(desk): State<Desk>,
    Place(place): Place<(String, String, String)>,
    Input(words): Input<Words>,
) -> Result<Json<ThreadItem>, ApiError> {
    let (notebook, entry, comment) = named(&desk, place).await?;
    said(&notebook, entry, Saying::Edit { comment, text: Some(words.text) }).await?;
    Ok(Json(one(&notebook, entry, comment).await?))
}

/// Takes back what one said. The record stays in the journals, as everything does; nobody is shown it any more.
#[utoipa::path(delete, path = "/api/v1/notebooks/{nb}/entries/{e}/comments/{id}", tag = "comments",
    params(("nb" = String, Path), ("e" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = super::dto::Done), (status = 403), (status = 404), (status = 422)))]
pub async fn remove(
    State(desk): State<Desk>,
    Place(place): Place<(String, String, String)>,
) -> Result<Json<super::dto::Done>, ApiError> {
    let (notebook, entry, comment) = named(&desk, place).await?;
    said(&notebook, entry, Saying::Edit { comment, text: None }).await?;
    Ok(Json(super::dto::Done { done: true }))
}
