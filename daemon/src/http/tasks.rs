//! Tasks of all notebooks in one list, and ticking one off: exactly the box that was read, or nothing.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use codex_crdt_model::entry::MadeBy;
use codex_crdt_model::entry::birth::Content;
use codex_crdt_model::event::{Request, Version};
use codex_crdt_model::ids::{DeviceId, EntryId, NotebookId, UnixMs};
use codex_crdt_model::path::EntryPath;
use codex_crdt_model::store::Source;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::desk::{Desk, ask};
use super::dto::time;
use super::error::ApiError;
use super::input::{Input, Params, Place};
use super::reading::{self, blocking, mirror_is_fresh, read};
use super::{locks, properties};
use crate::clock::now_ms;
use crate::driver::Notebook;
use crate::mirror::tasks::{Due, RawTask, Said, Task, WhichTasks, in_text};
use crate::mirror::words::Compare;
use crate::mirror::{dates, tasks};
use crate::store::Reader;

const TASKS: usize = 200;
const TASKS_MOST: usize = 2000;
/// Entries whose history is looked into for one page: who ticked what off.
const HISTORIES: usize = 100;

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TaskParams {
    /// Only in this notebook.
    pub notebook: Option<String>,
    /// `open` (default), `done` or `all`.
    pub status: Option<String>,
    /// Only whose this is; `none`: nobody's.
    pub assignee: Option<String>,
    /// `overdue`, `today`, `week` (until Sunday, and what is overdue), `any`, `none`; or a day: `2026-12-01`, `<2026-12-01`, `<=…`,
    /// `>…`, `>=…`.
    pub due: Option<String>,
    /// Only with this tag, or one under it.
    pub tag: Option<String>,
    /// Only in this folder or entry.
    pub path: Option<String>,
    /// Only whose text holds this.
    pub q: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// A task: a box in a text, or an entry of type `task`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskItem {
    /// Names the task at the version that was read.
    pub id: String,
    /// Notebook id.
    pub notebook: String,
    /// The entry that it is in, or is.
    pub entry: String,
    /// Where that is.
    pub path: String,
    /// What that is called.
    pub entry_title: String,
    /// The version that was read.
    pub version: String,
    /// `box` or `entry`.
    pub kind: &'static str,
    /// Its line, from 1; 0 for an entry.
    pub line: usize,
    /// As it is written behind the box.
    pub text: String,
    /// Without what says when and who.
    pub title: String,
    /// Whether it is done.
    pub done: bool,
    /// When it is due: a date, or a date with time.
    pub due: Option<String>,
    /// Whether that is over and it is not done.
    pub overdue: bool,
    /// Who does it.
    pub assignee: Option<String>,
    /// Tags of its line and of its entry.
    pub tags: Vec<String>,
    /// The device that ticked it off, if that is known.
    pub done_by: Option<String>,
    /// Whose it is: the person's name, with the fingerprint if somebody else has that name too.
    pub done_by_name: Option<String>,
    /// When it was ticked off, by that device's clock.
    pub done_at: Option<String>,
}

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskPage {
    /// What is open first, what is due first before the rest.
    pub items: Vec<TaskItem>,
    /// Give it back as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Tasks in all.
    pub total: usize,
}

/// Tasks of all notebooks, in one order.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks", params(TaskParams),
    responses((status = 200, body = TaskPage), (status = 400)))]
pub async fn list(
    State(desk): State<Desk>,
    Params(params): Params<TaskParams>,
) -> Result<Json<TaskPage>, ApiError> {
    let which = which(&params, now_ms())?;
    let skip = reading::offset(params.cursor.as_deref())?;
    let limit = params.limit.unwrap_or(TASKS).clamp(1, TASKS_MOST);
    let notebooks = desk.notebooks(params.notebook.as_deref())?;
    for notebook in &notebooks {
        mirror_is_fresh(notebook).await?;
    }
    blocking(move || {
        let mut all: Vec<(usize, Task)> = Vec::new();
        for (number, notebook) in notebooks.iter().enumerate() {
            all.extend(notebook.mirror.tasks(&which)?.into_iter().map(|task| (number, task)));
        }
        let key = |task: &Task| {
            (task.done, task.due.is_none(), task.due.clone(), task.path.clone(), task.line, task.place)
        };
        all.sort_by_cached_key(|(number, task)| (key(task), *number));
        let total = all.len();
        let page: Vec<_> = all.into_iter().skip(skip).take(limit).collect();
        let next = skip + page.len();
        let cursor = (!page.is_empty() && next < total).then(|| next.to_string());
        Ok(Json(TaskPage { items: shown(&notebooks, page)?, cursor, total }))
    })
    .await
}

fn which(params: &TaskParams, now: UnixMs) -> Result<WhichTasks, ApiError> {
    let done = match params.status.as_deref().unwrap_or("open") {
        "open" | "todo" => Some(false),
        "done" => Some(true),
        "all" | "" => None,
        other => {
            return Err(ApiError::bad_request(format!(
                "`{other}` is no status of a task: give `open`, `done` or `all`"
            )));
        }
    };
    let assignee = params.assignee.as_deref().filter(|name| !name.is_empty());
    let path = params.path.as_deref().map(|path| path.trim_matches('/')).filter(|path| !path.is_empty());
    Ok(WhichTasks {
        done,
        assignee: assignee.map(|name| if name == "none" { String::new() } else { name.to_owned() }),
        due: params
            .due
            .as_deref()
            .filter(|due| !due.trim().is_empty())
            .map(|due| when(due.trim(), now))
            .transpose()?,
        tag: params.tag.clone().filter(|tag| !tag.is_empty()),
        within: path.map(EntryPath::parse).transpose()?,
        text: params.q.clone().filter(|text| !text.trim().is_empty()),
    })
}

fn when(due: &str, now: UnixMs) -> Result<Due, ApiError> {
    let today = dates::day(now);
    match due {
        "any" => return Ok(Due::Any),
        "none" => return Ok(Due::None),
        "today" => return Ok(Due::Day(Compare::Equal, today)),
        "overdue" => return Ok(Due::Day(Compare::Less, today)),
        "week" => {
            let sunday = dates::variable("endOfWeek", now).unwrap_or_default();
            return Ok(Due::Day(Compare::AtMost, sunday.get(..10).unwrap_or(&today).to_owned()));
        }
        _ => {}
    }
    if let Some((first, last)) = due.split_once("..")
        && is_day(first)
        && is_day(last)
    {
        return Ok(Due::Between(first.to_owned(), last.to_owned()));
    }
    let (compare, day) = crate::mirror::words::comparison(due);
    if !is_day(day) {
        let say = "give `overdue`, `today`, `week`, `any`, `none`, or a day as in `2026-12-01`, `<2026-12-01` or `2026-12-01..2026-12-07`";
        return Err(ApiError::bad_request(format!("`{due}` says nothing about when a task is due: {say}")));
    }
    Ok(Due::Day(compare, day.to_owned()))
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && dates::moment(text).is_some()
}

/// A task's name: notebook, entry, place of its box (or that it is the entry), version.
struct Name {
    notebook: String,
    entry: EntryId,
    place: Option<usize>,
    version: Version,
}

impl Name {
    fn read(id: &str) -> Result<Self, ApiError> {
        let read = || {
            let mut parts = id.splitn(4, '~');
            Some(Self {
                notebook: parts.next()?.to_owned(),
                entry: parts.next()?.parse().ok()?,
                place: match parts.next()? {
                    "entry" => None,
                    place => Some(place.parse().ok()?),
                },
                version: parts.next()?.parse().ok()?,
            })
        };
        read().ok_or_else(|| ApiError::bad_request("this is no id of a task; take one from GET /tasks"))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = self.place.map_or("entry".to_owned(), |place| place.to_string());
        write!(f, "{}~{}~{place}~{}", self.notebook, self.entry, self.version)
    }
}

fn shown(notebooks: &[Notebook], page: Vec<(usize, Task)>) -> Result<Vec<TaskItem>, ApiError> {
    let mut by: BTreeMap<(usize, EntryId), Vec<(usize, bool)>> = BTreeMap::new();
    for (number, task) in page.iter().filter(|(_, task)| task.done) {
        by.entry((*number, task.entry)).or_default().push((task.place, task.line == 0));
    }
    let mut doers = BTreeMap::new();
    for ((number, entry), places) in by.into_iter().take(HISTORIES) {
        let of = notebooks[number].id;
        let found = notebooks[number].read(|reader| doers_of(reader, &of, entry, &places));
        let found =
            found.map_err(|error| ApiError::internal(format!("cannot read the notebook: {error:#}")))??;
        doers.extend(
            found.into_iter().map(|((place, is_entry), doer)| ((number, entry, place, is_entry), doer)),
        );
    }
    let now = now_ms();
    Ok(page
        .into_iter()
        .map(|(number, task)| {
            let doer = doers.remove(&(number, task.entry, task.place, task.line == 0));
            item(&notebooks[number], task, doer, now)
        })
        .collect())
}

/// Who did it, what they call themselves, and when.
type Doer = (DeviceId, Option<String>, UnixMs);

fn item(notebook: &Notebook, task: Task, doer: Option<Doer>, now: UnixMs) -> TaskItem {
    let place = (task.line > 0).then_some(task.place);
    let version: Version = task.version.parse().unwrap_or_else(|_| Version(Vec::new()));
    let name = Name { notebook: notebook.id.to_string(), entry: task.entry, place, version };
    let today = dates::day(now);
    let overdue = !task.done
        && task.due.as_deref().is_some_and(|due| due.get(..10).is_some_and(|due| due < today.as_str()));
    TaskItem {
        id: name.to_string(),
        notebook: name.notebook,
        entry: task.entry.to_string(),
        path: task.path.to_string(),
        entry_title: task.entry_title,
        version: task.version,
        kind: if place.is_some() { "box" } else { "entry" },
        line: task.line,
        text: task.text,
        title: task.title,
        done: task.done,
        due: task.due,
        overdue,
        assignee: task.assignee,
        tags: task.tags,
        done_by: doer.as_ref().map(|(device, ..)| device.to_string()),
        done_at: doer.as_ref().map(|(.., at)| time(*at)),
        done_by_name: doer.and_then(|(_, name, _)| name),
    }
}

/// Who ticked the boxes at these places off, or set the status of the entry.
fn doers_of(
    reader: &Reader,
    notebook: &NotebookId,
    entry: EntryId,
    places: &[(usize, bool)],
) -> Result<BTreeMap<(usize, bool), Doer>, ApiError> {
    let mut doers = BTreeMap::new();
    let Some(row) = reader.entry(&entry)? else { return Ok(doers) };
    let history = reader.history(&entry)?;
    let people = reading::people(reader, notebook)?;
    if row.heads.is_empty() {
        return Ok(doers);
    }
    let document = reading::document(reader, &entry, &row)?;
    for (place, is_entry) in places {
        let made = match is_entry {
            true => document.set_by(&row.heads, "status"),
            false => document.typed_by(&row.heads, place + 1),
        };
        // What came ticked was ticked by nobody who was seen.
        let Some(MadeBy::Change(hash)) = made else { continue };
        if let Some(line) = history.iter().find(|line| line.change == Some(hash)) {
            doers.insert((*place, *is_entry), (line.device, people.who_has(&line.device), line.time));
        }
    }
    Ok(doers)
}

/// What becomes of a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskChange {
    /// Whether it is done.
    pub done: bool,
    /// Its entry is sealed and locked, and this is to amend it.
    #[serde(default)]
    pub amend: bool,
}

/// Ticks a task off, or opens it again: the one box that was read, wherever it stands now. An entry that is a task gets the
/// `status` `done` or `todo`.
#[utoipa::path(patch, path = "/api/v1/tasks/{id}", tag = "tasks", params(("id" = String, Path)), request_body = TaskChange,
    responses((status = 200, body = TaskItem), (status = 400), (status = 404),
        (status = 409, description = "`task_changed`: the line is not that task any more; `details.there` is what is there"),
        (status = 423, description = "`locked`: its entry is sealed and only amended")))]
pub async fn change(
    State(desk): State<Desk>,
    Place(id): Place<String>,
    Input(change): Input<TaskChange>,
) -> Result<Json<TaskItem>, ApiError> {
    let name = Name::read(&id)?;
    let notebook = desk.notebook(&name.notebook)?;
    let entry = name.entry;
    if name.place.is_none() {
        set_status(&notebook, &name, &change).await?;
        return one(&notebook, entry, None).await.map(Json);
    }
    let found = read(&notebook, move |reader| find_box(reader, &name)).await?;
    let mut place = found.task.at;
    if found.task.done != change.done {
        locks::refuse_if_locked(&notebook, entry, change.amend).await?;
        let content = Content::Text(found.with_box(change.done));
        let reply = ask(&notebook, Request::Write { entry, base: found.version.clone(), content }).await?;
        let codex_crdt_model::effect::Reply::Entry { version, .. } = reply else {
            return Err(super::content::no_entry_in_reply());
        };
        let (from, at) = (found.version, place);
        let now = read(&notebook, move |reader| {
            let row = reading::any(reader, &entry)?.row;
            Ok(reading::document(reader, &entry, &row)?.follow(&from.0, at, &version.0))
        });
        place = now.await?.map_or(place, |now| now.at);
    }
    one(&notebook, entry, Some(place)).await.map(Json)
}

/// A box where it stands now.
struct Found {
    task: RawTask,
    text: String,
    version: Version,
}

impl Found {
    /// The text with what is in that box changed, and nothing else.
    fn with_box(&self, done: bool) -> String {
        let mut text = self.text.clone();
        let mut units = 0;
        let start = text.char_indices().find(|(_, c)| {
            let is_it = units == self.task.at;
            units += c.len_utf16();
            is_it
        });
        if let Some((start, _)) = start {
            let inside = text[start + 1..].find(']').unwrap_or(0);
            text.replace_range(start + 1..start + 1 + inside, if done { "x" } else { " " });
        }
        text
    }
}

fn find_box(reader: &Reader, name: &Name) -> Result<Found, ApiError> {
    let found = reading::alive(reader, &name.entry)?;
    let document = reading::document(reader, &name.entry, &found.row)?;
    let text_at = |version: &Version| match document.view_at(&version.0).map(|view| view.content) {
        Some(Content::Text(text)) => Some(text),
        _ => None,
    };
    let no_version = || codex_crdt_model::effect::Refusal::NoVersion(name.entry, name.version.clone());
    let was_text = text_at(&name.version).ok_or_else(no_version)?;
    let place = name.place.unwrap_or_default();
    let was = in_text(&was_text).into_iter().find(|task| task.at == place).ok_or_else(|| {
        ApiError::not_found(format!("`{}` had no task at that place in that version", found.path))
    })?;
    let version = found.version();
    let text = text_at(&version).unwrap_or_default();
    let now = document.follow(&name.version.0, place, &version.0);
    let all = in_text(&text);
    let there = now.and_then(|now| {
        let line = all.iter().find(|task| task.at == now.at);
        line.filter(|_| now.is_there).cloned()
    });
    match there {
        Some(task) if task.text == was.text => Ok(Found { task, text, version }),
        other => {
            let there = other.map(|task| {
                let id = Name {
                    notebook: name.notebook.clone(),
                    entry: name.entry,
                    place: Some(task.at),
                    version: version.clone(),
                };
                json!({"id": id.to_string(), "line": task.line, "text": task.text, "done": task.done})
            });
            Err(changed(&found.path, &was.text, there.unwrap_or(Value::Null), &version))
        }
    }
}

fn changed(path: &EntryPath, was: &str, there: Value, version: &Version) -> ApiError {
    let now = match there["text"].as_str() {
        Some(text) => format!("it says `{text}` now"),
        None => "it is gone".to_owned(),
    };
    let message = format!("the task `{was}` in `{path}` is not what it was, so nothing was changed: {now}");
    let details = json!({"path": path.to_string(), "there": there, "version": version.to_string()});
    ApiError::new(StatusCode::CONFLICT, "task_changed", message).with(details)
}

async fn set_status(notebook: &Notebook, name: &Name, change: &TaskChange) -> Result<(), ApiError> {
    let entry = name.entry;
    let found = read(notebook, move |reader| reading::alive(reader, &entry)).await?;
    let facts = super::search::facts_now(notebook, entry).await?;
    let properties = facts.properties.as_object().cloned().unwrap_or_default();
    let title = facts.title.unwrap_or_else(|| found.path.name().to_owned());
    let Some((done, _)) = tasks::of_properties(&properties, &title) else {
        return Err(changed(&found.path, &title, Value::Null, &found.version()));
    };
    if done == change.done {
        return Ok(());
    }
    let written = read(notebook, move |reader| properties::written(reader, &entry)).await?;
    for entry in written.into_iter().chain([entry]) {
        locks::refuse_if_locked(notebook, entry, change.amend).await?;
    }
    let status = if change.done { "done" } else { "todo" };
    properties::set(notebook, entry, vec![("status".into(), Some(Value::from(status)))]).await
}

/// A task as it is now, by its place; without one, the entry itself.
async fn one(notebook: &Notebook, entry: EntryId, place: Option<usize>) -> Result<TaskItem, ApiError> {
    let facts = super::search::facts_now(notebook, entry).await?;
    let of = notebook.clone();
    blocking(move || {
        let read = notebook_task(&of, entry, place, facts);
        let task = read?;
        let mut items = shown(std::slice::from_ref(&of), vec![(0, task)])?;
        items.pop().ok_or_else(|| ApiError::internal("the task cannot be shown"))
    })
    .await
}

fn notebook_task(
    notebook: &Notebook,
    entry: EntryId,
    place: Option<usize>,
    facts: super::search::Facts,
) -> Result<Task, ApiError> {
    let read = notebook.read(|reader| {
        let found = reading::alive(reader, &entry)?;
        let title = facts.title.clone().unwrap_or_else(|| found.path.name().to_owned());
        let (raw, said) = match place {
            None => {
                let properties = facts.properties.as_object().cloned().unwrap_or_default();
                let (done, said) = tasks::of_properties(&properties, &title).unwrap_or_default();
                (RawTask { line: 0, at: 0, text: title.clone(), done }, said)
            }
            Some(place) => {
                let Content::Text(text) = reading::content(reader, &found)? else {
                    return Err(changed(&found.path, &title, Value::Null, &found.version()));
                };
                let raw = in_text(&text).into_iter().find(|task| task.at == place);
                let raw = raw.ok_or_else(|| changed(&found.path, &title, Value::Null, &found.version()))?;
                let said = Said::of(&raw.text);
                (raw, said)
            }
        };
        let mut tags = said.tags;
        tags.extend(facts.tags.iter().filter(|tag| !tags.contains(tag)).cloned().collect::<Vec<_>>());
        Ok(Task {
            entry,
            version: found.version().to_string(),
            path: found.path,
            entry_title: title,
            line: raw.line,
            place: raw.at,
            text: raw.text,
            title: said.title,
            done: raw.done,
            due: said.due,
            assignee: said.assignee,
            tags,
        })
    });
    read.map_err(|error| ApiError::internal(format!("cannot read the notebook: {error:#}")))?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tasks_name_is_read_as_it_was_written() {
        let version = Version(vec![codex_crdt_model::ids::ChangeHash([3; 32])]);
        for place in [None, Some(17)] {
            let name =
                Name { notebook: "lab".into(), entry: EntryId([7; 32]), place, version: version.clone() };
            let read = Name::read(&name.to_string()).unwrap();
            assert_eq!((read.place, read.version, read.entry), (place, version.clone(), name.entry));
        }
        for bad in ["", "a~b~c~d", "lab~00~entry~birth"] {
            assert_eq!(Name::read(bad).err().map(|error| error.code), Some("bad_request"));
        }
    }

    #[test]
    fn due_is_a_word_a_day_or_a_comparison() {
        let now = 1_796_000_000_000;
        let day = |compare, day: &str| Due::Day(compare, day.to_owned());
        assert_eq!(when("none", now).unwrap(), Due::None);
        assert_eq!(when("<=2026-12-01", now).unwrap(), day(Compare::AtMost, "2026-12-01"));
        assert_eq!(when("2026-12-01", now).unwrap(), day(Compare::Equal, "2026-12-01"));
        let week = Due::Between("2026-12-01".into(), "2026-12-07".into());
        assert_eq!(when("2026-12-01..2026-12-07", now).unwrap(), week);
        for bad in ["soon", "2026-13-01", "<", "2026-12-01.."] {
            assert!(when(bad, now).is_err(), "{bad}");
        }
    }
}
