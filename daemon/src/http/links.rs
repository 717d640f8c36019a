//! Links: out of an entry, to it with the lines where they stand, the ones around it as a graph; and what becomes of them when
//! an entry moves.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use codex_crdt_model::effect::{Refusal, Reply};
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::{Request, Version};
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::Source;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::content::no_entry_in_reply;
use super::desk::{Desk, ask};
use super::dto::{EntryDetails, Page, Paging};
use super::entries::{details, move_with_sidecars};
use super::error::ApiError;
use super::input::{Input, Params, Place};
use super::locks;
use super::reading::{self, Found, blocking, mirror_is_fresh, mirror_shows_all, read};
use super::search::mirror;
use crate::driver::Notebook;
use crate::mirror::rename::Touched;
use crate::mirror::{Backlink, occurrences};
use crate::store::Reader;

const BACKLINKS: usize = 200;
/// Characters of a line that are shown around a link.
const AROUND: usize = 240;
/// Entries of a graph.
const NODES: usize = 300;
/// Steps from an entry that a graph goes.
const STEPS: u32 = 4;

/// A link out of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkRow {
    /// As it is written.
    pub target: String,
    /// `wiki`, `link` or `image`.
    pub kind: String,
    /// The entry that is meant, if there is one.
    pub entry: Option<String>,
    /// Its path.
    pub path: Option<String>,
    /// Its title.
    pub title: Option<String>,
}

/// Links out of an entry, in the order of its text.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/links", tag = "search",
    params(("nb" = String, Path), ("e" = String, Path)), responses((status = 200, body = Page<LinkRow>)))]
pub async fn links(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
) -> Result<Json<Page<LinkRow>>, ApiError> {
    let (notebook, id) = fresh_entry(&desk, &nb, &e).await?;
    let links = mirror(&notebook, move |mirror| mirror.links(&id)).await?;
    let items = links.into_iter().map(|link| LinkRow {
        target: link.target,
        kind: link.kind,
        entry: link.entry.map(|entry| entry.to_string()),
        path: link.path.map(|path| path.to_string()),
        title: link.title,
    });
    Ok(Json(Page::whole(items.collect())))
}

/// A link to an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct BacklinkRow {
    /// The entry that holds the link.
    pub entry: String,
    /// Its path.
    pub path: String,
    /// Its title.
    pub title: String,
    /// The link as it is written there.
    pub target: String,
    /// `wiki`, `link`, `image` or `embed`.
    pub kind: String,
    /// The lines where it stands.
    pub lines: Vec<LineAround>,
}

/// A line with a link.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineAround {
    /// Its number, from 1.
    pub line: usize,
    /// Its text; of a long one, what is around the link.
    pub text: String,
}

/// Links to an entry, with the lines where they stand.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/backlinks", tag = "search",
    params(("nb" = String, Path), ("e" = String, Path), Paging), responses((status = 200, body = Page<BacklinkRow>)))]
pub async fn backlinks(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<BacklinkRow>>, ApiError> {
    let (notebook, id) = fresh_entry(&desk, &nb, &e).await?;
    let skip = reading::offset(paging.cursor.as_deref())?;
    let limit = paging.limit.unwrap_or(BACKLINKS).clamp(1, 1000);
    let links = mirror(&notebook, move |mirror| mirror.backlinks(&id)).await?;
    let cursor = (links.len() > skip + limit).then(|| (skip + limit).to_string());
    let links: Vec<Backlink> = links.into_iter().skip(skip).take(limit).collect();
    let items = read(&notebook, move |reader| with_lines(reader, links)).await?;
    Ok(Json(Page { items, cursor }))
}

fn with_lines(reader: &Reader, links: Vec<Backlink>) -> Result<Vec<BacklinkRow>, ApiError> {
    let mut texts: BTreeMap<EntryId, Option<String>> = BTreeMap::new();
    let mut rows = Vec::new();
    for link in links {
        let whole = match texts.get(&link.entry) {
            Some(known) => known,
            None => {
                let text = text_of(reader, &link.entry)?;
                texts.entry(link.entry).or_insert(text)
            }
        };
        rows.push(BacklinkRow {
            lines: whole.as_deref().map(|whole| lines_with(whole, &link)).unwrap_or_default(),
            entry: link.entry.to_string(),
            path: link.path.to_string(),
            title: link.title,
            target: link.target,
            kind: link.kind,
        });
    }
    Ok(rows)
}

fn text_of(reader: &Reader, id: &EntryId) -> Result<Option<String>, ApiError> {
    let Some(row) = reader.entry(id)?.filter(|row| row.alive && row.kind == Kind::Text) else {
        return Ok(None);
    };
    let path = reading::path_of(reader, &row)?;
    Ok(match reading::content(reader, &Found { id: *id, row, path })? {
        Content::Text(text) => Some(text),
        _ => None,
    })
}

fn lines_with(whole: &str, link: &Backlink) -> Vec<LineAround> {
    let is_it = |one: &occurrences::Occurrence| one.link.target == link.target && one.link.kind == link.kind;
    let found = occurrences::of(whole).into_iter().filter(is_it);
    let mut lines: Vec<LineAround> = found.map(|one| line_around(whole, one.target.start)).collect();
    lines.dedup_by_key(|line| line.line);
    lines
}

/// The line that a byte of a text is in.
pub fn line_around(whole: &str, at: usize) -> LineAround {
    let begin = whole[..at].rfind('\n').map_or(0, |at| at + 1);
    let end = whole[at..].find('\n').map_or(whole.len(), |length| at + length);
    let line = whole[begin..end].trim_end();
    let before = whole[begin..at].chars().count();
    let all = line.chars().count();
    let skip = if all > AROUND { before.saturating_sub(AROUND / 2).min(all - AROUND) } else { 0 };
    let mut text: String = line.chars().skip(skip).take(AROUND).collect();
    if skip > 0 {
        text.insert(0, '…');
    }
    if skip + AROUND < all {
        text.push('…');
    }
    LineAround { line: whole[..at].matches('\n').count() + 1, text }
}

async fn fresh_entry(desk: &Desk, nb: &str, e: &str) -> Result<(Notebook, EntryId), ApiError> {
    let notebook = desk.notebook(nb)?;
    let id: EntryId = e.parse()?;
    read(&notebook, move |reader| reading::alive(reader, &id)).await?;
    mirror_is_fresh(&notebook).await?;
    Ok((notebook, id))
}

/// How far a graph goes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Depth {
    /// Steps from the entry; 1 if not given, 4 at most.
    pub depth: Option<u32>,
}

/// Entries and the links between them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Graph {
    /// The nearest first; the first is the one that was asked for.
    pub nodes: Vec<GraphNode>,
    /// Links between these.
    pub edges: Vec<GraphEdge>,
    /// Whether there are more than are shown.
    pub more: bool,
}

/// An entry of a graph.
#[derive(Debug, Serialize, ToSchema)]
pub struct GraphNode {
    /// Entry id.
    pub entry: String,
    /// Its path.
    pub path: String,
    /// Its title.
    pub title: String,
    /// Media type.
    pub media_type: String,
    /// Steps from the one that was asked for.
    pub depth: u32,
}

/// A link of a graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct GraphEdge {
    /// The entry that holds the link.
    pub from: String,
    /// The entry that it means.
    pub to: String,
    /// `wiki`, `link`, `image` or `embed`.
    pub kind: String,
}

/// What is linked with an entry, in both directions, some steps far.
#[utoipa::path(get, path = "/api/v1/notebooks/{nb}/entries/{e}/graph", tag = "search",
    params(("nb" = String, Path), ("e" = String, Path), Depth), responses((status = 200, body = Graph)))]
pub async fn graph(
    State(desk): State<Desk>,
    Place((nb, e)): Place<(String, String)>,
    Params(depth): Params<Depth>,
) -> Result<Json<Graph>, ApiError> {
    let (notebook, id) = fresh_entry(&desk, &nb, &e).await?;
    let depth = depth.depth.unwrap_or(1).min(STEPS);
    blocking(move || graph_of(&notebook, id, depth)).await.map(Json)
}

fn graph_of(notebook: &Notebook, id: EntryId, depth: u32) -> Result<Graph, ApiError> {
    let mirror = &notebook.mirror;
    let mut found = vec![(id, 0)];
    let mut known = BTreeSet::from([id]);
    let mut edges = BTreeSet::new();
    let mut more = false;
    let mut next = 0;
    while let Some((here, steps)) = found.get(next).copied() {
        next += 1;
        let out = mirror.links(&here)?.into_iter().filter_map(|link| Some((here, link.entry?, link.kind)));
        let to_it = mirror.backlinks(&here)?.into_iter().map(|link| (link.entry, here, link.kind));
        for (from, to, kind) in out.chain(to_it) {
            let other = if from == here { to } else { from };
            if !known.contains(&other) {
                if steps >= depth {
                    continue;
                }
                if known.len() >= NODES {
                    more = true;
                    continue;
                }
                known.insert(other);
                found.push((other, steps + 1));
            }
            edges.insert(GraphEdge { from: from.to_string(), to: to.to_string(), kind });
        }
    }
    let mut nodes = Vec::new();
    for (id, depth) in found {
        let Some(info) = mirror.entry(&id)? else { continue };
        nodes.push(GraphNode {
            entry: id.to_string(),
            path: info.path.to_string(),
            title: info.title,
            media_type: info.media_type,
            depth,
        });
    }
    Ok(Graph { nodes, edges: edges.into_iter().collect(), more })
}

/// What a move does with links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoveLinks {
    /// They stay as they are written.
    Keep,
    /// Nothing moves; what would become of them is told.
    Preview,
    /// They go on meaning what they mean.
    Rewrite,
}

/// What a move does, or would do, to links.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkChanges {
    /// Entries whose links change.
    pub entries: Vec<LinksOfEntry>,
    /// Links that cannot be changed and will mean something else, or nothing.
    pub kept: Vec<KeptLink>,
    /// Given to `POST …/moves/undo`, takes all of it back; absent in a preview.
    pub undo: Option<MoveUndo>,
}

/// Links of one entry that change.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinksOfEntry {
    /// Entry id.
    pub entry: String,
    /// Where it is, before the move.
    pub path: String,
    /// What it is called.
    pub title: String,
    /// Its links, in the order of its text.
    pub links: Vec<LinkChange>,
}

/// A link that changes: its target, nothing else.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkChange {
    /// Its line, from 1.
    pub line: usize,
    /// The target that is written there.
    pub from: String,
    /// The target that is written there then.
    pub to: String,
}

/// A link that does not change although it should.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptLink {
    /// Entry id.
    pub entry: String,
    /// Where that is, before the move.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
    /// The target that is written there.
    pub target: String,
    /// Why.
    pub reason: String,
}

/// What takes a move with its links back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveUndo {
    /// The entry that was moved.
    pub entry: String,
    /// Where it was.
    pub path: String,
    /// Texts that were changed.
    pub texts: Vec<TextUndo>,
}

/// A text that was changed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextUndo {
    /// Which.
    pub entry: String,
    /// Its version before.
    pub before: String,
    /// Its version behind.
    pub after: String,
}

/// What a move would do to links, and the texts that would have to change with the versions they are read at.
struct Plan {
    shown: LinkChanges,
    texts: Vec<(EntryId, Version, String)>,
}

/// Moves an entry, and tells what that does to links.
pub async fn moved(
    notebook: &Notebook,
    id: EntryId,
    to: EntryPath,
    links: MoveLinks,
) -> Result<Option<LinkChanges>, ApiError> {
    if links == MoveLinks::Keep {
        move_with_sidecars(notebook, id, to).await?;
        return Ok(None);
    }
    let wanted = to.clone();
    let there = read(notebook, move |reader| reading::at(reader, &wanted)).await?;
    if there.is_some_and(|there| there != id) {
        let reason = "something has that name already".to_owned();
        return Err(Refusal::Path { path: to.to_string(), reason }.into());
    }
    mirror_shows_all(notebook).await?;
    let plan = plan(notebook, id, to.clone()).await?;
    if links == MoveLinks::Preview {
        return Ok(Some(plan.shown));
    }
    let from = read(notebook, move |reader| Ok(reading::alive(reader, &id)?.path)).await?;
    move_with_sidecars(notebook, id, to).await?;
    let mut undo = MoveUndo { entry: id.to_string(), path: from.to_string(), texts: Vec::new() };
    for (entry, base, text) in plan.texts {
        let before = base.to_string();
        let reply = ask(notebook, Request::Write { entry, base, content: Content::Text(text) }).await?;
        let Reply::Entry { version, .. } = reply else { return Err(no_entry_in_reply()) };
        undo.texts.push(TextUndo { entry: entry.to_string(), before, after: version.to_string() });
    }
    Ok(Some(LinkChanges { undo: Some(undo), ..plan.shown }))
}

async fn plan(notebook: &Notebook, id: EntryId, to: EntryPath) -> Result<Plan, ApiError> {
    let of = notebook.clone();
    let (touched, mut versions) = blocking(move || {
        let read = of.read(|reader| {
            let mut versions: BTreeMap<EntryId, (Version, String)> = BTreeMap::new();
            let mut text = |entry: &EntryId| -> Result<Option<String>, ApiError> {
                let Some(text) = text_of(reader, entry)? else { return Ok(None) };
                let version = Version(reader.entry(entry)?.map(|row| row.heads).unwrap_or_default());
                versions.insert(*entry, (version, text.clone()));
                Ok(Some(text))
            };
            let touched = of.mirror.touched_by(&id, &to, &mut text)?;
            Ok::<_, ApiError>((touched, versions))
        });
        read.map_err(|error| ApiError::internal(format!("cannot read the notebook: {error:#}")))?
    })
    .await?;
    let mut plan =
        Plan { shown: LinkChanges { entries: Vec::new(), kept: Vec::new(), undo: None }, texts: Vec::new() };
    for one in touched {
        let is_locked = locks::refuse_if_locked(notebook, one.entry, false).await.is_err();
        let versions = versions.remove(&one.entry).filter(|_| !is_locked);
        add(&mut plan, one, versions);
    }
    Ok(plan)
}

fn add(plan: &mut Plan, touched: Touched, read: Option<(Version, String)>) {
    let path = touched.path.to_string();
    let mut links = Vec::new();
    for change in &touched.changes {
        match (&change.to, &read) {
            (Some(to), Some(_)) => {
                links.push(LinkChange { line: change.line, from: change.from.clone(), to: to.clone() })
            }
            (to, _) => plan.shown.kept.push(KeptLink {
                entry: touched.entry.to_string(),
                path: path.clone(),
                line: change.line,
                target: change.from.clone(),
                reason: match to {
                    None => "nothing that can be written there means the same entry then".to_owned(),
                    Some(_) => "the entry is sealed and locked, so it is only amended".to_owned(),
                },
            }),
        }
    }
    if links.is_empty() {
        return;
    }
    if let Some((version, text)) = read {
        plan.texts.push((touched.entry, version, touched.rewritten(&text)));
    }
    let entry = touched.entry.to_string();
    plan.shown.entries.push(LinksOfEntry { entry, path, title: touched.title, links });
}

/// Takes a move with its links back: what was changed since stays.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/moves/undo", tag = "entries", params(("nb" = String, Path)),
    request_body = MoveUndo,
    responses((status = 200, body = EntryDetails), (status = 400, description = "Something else is there now"), (status = 404)))]
pub async fn undo_move(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Input(undo): Input<MoveUndo>,
) -> Result<Json<EntryDetails>, ApiError> {
    let notebook = desk.notebook(&nb)?;
    let id: EntryId = undo.entry.parse()?;
    let mut texts = Vec::new();
    for text in undo.texts {
        let (entry, before, after): (EntryId, Version, Version) =
            (text.entry.parse()?, text.before.parse()?, text.after.parse()?);
        locks::refuse_if_locked(&notebook, entry, false).await?;
        let base = after.clone();
        let was = read(&notebook, move |reader| {
            let was = reading::view_at(reader, &entry, &before)?.content;
            reading::view_at(reader, &entry, &after)?;
            Ok(was)
        });
        texts.push((entry, base, was.await?));
    }
    move_with_sidecars(&notebook, id, EntryPath::parse(&undo.path)?).await?;
    for (entry, base, content) in texts {
        // Made at the version behind the move and merged: only what the move did is taken back.
        ask(&notebook, Request::Write { entry, base, content }).await?;
    }
    Ok(Json(details(&notebook, id).await?))
}
