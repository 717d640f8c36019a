//! Templates: those built in, those of plugins, and those in a notebook's `.templates` folder. Entries, daily notes and snippets made of them.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::Request;
use codex_crdt_model::path::EntryPath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::content::no_entry_in_reply;
use super::desk::{Desk, ask};
use super::dto::{EntryDetails, Page};
use super::entries::details;
use super::error::ApiError;
use super::input::{Input, Params, Place};
use super::people::WhichNotebook;
use super::reading::{self, Found, read};
use super::{locks, plugins, properties};
use crate::clock::now_ms;
use crate::driver::Notebook;
use crate::mirror::{dates, properties as yaml, text};
use crate::plugins::templates::PluginTemplate;
use crate::store::Reader;

pub mod fill;

use fill::{Tokens, slug};

/// Where a notebook's own templates are.
const FOLDER: &str = ".templates";
/// What a daily note is made of.
const DAILY: &str = "daily-journal";

const BUILT_IN: [&str; 12] = [
    include_str!("../../templates/blank-note.yaml"),
    include_str!("../../templates/daily-journal.yaml"),
    include_str!("../../templates/meeting-notes.yaml"),
    include_str!("../../templates/project-doc.yaml"),
    include_str!("../../templates/todo-item.yaml"),
    include_str!("../../templates/data-file.yaml"),
    include_str!("../../templates/task-board.yaml"),
    include_str!("../../templates/task-list.yaml"),
    include_str!("../../templates/photo-gallery.yaml"),
    include_str!("../../templates/weekly-rollup.yaml"),
    include_str!("../../templates/github-issue-tracker.yaml"),
    include_str!("../../templates/manila-note.yaml"),
];

/// What an entry can be made of.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// A sign for it.
    #[serde(default)]
    pub icon: String,
    /// What names of entries made of it end with.
    #[serde(default = "markdown")]
    pub file_extension: String,
    /// The name, or path, of an entry made of it, if none is given.
    #[serde(default = "by_title")]
    pub default_name: String,
    /// What it is to be used for, as the notebook says.
    pub template_for: Option<String>,
    /// The content, with its tokens.
    pub content: String,
    /// The plugin that brings it.
    pub plugin: Option<String>,
    /// The notebook that it is of; nothing for those of plugins and those built in.
    pub notebook: Option<String>,
    /// Where it is in that notebook.
    pub path: Option<String>,
}

fn markdown() -> String {
    ".md".to_owned()
}

fn by_title() -> String {
    "{title}.md".to_owned()
}

fn built_in() -> Vec<Template> {
    let read = |source: &&str| serde_yaml_ng::from_str(source).ok();
    BUILT_IN.iter().filter_map(read).collect()
}

/// The templates of a notebook: its own, those of plugins, and those built in. The first one of an id counts.
async fn of(desk: &Desk, notebook: &Notebook) -> Result<Vec<Template>, ApiError> {
    let id = notebook.id.to_string();
    let own = read(notebook, move |reader| own(reader, &id)).await?;
    before_others(own, desk, Some(notebook.id.to_string())).await
}

/// Some, and behind them those that are no notebook's.
async fn before_others(
    mut templates: Vec<Template>,
    desk: &Desk,
    notebook: Option<String>,
) -> Result<Vec<Template>, ApiError> {
    let scope = plugins::scope(desk, None, notebook.as_deref())?;
    let plugins = desk.daemon().plugins().clone();
    let brought = reading::blocking(move || Ok(plugins.templates(&scope)?)).await?;
    let of_plugin = |one: PluginTemplate| {
        let read = serde_json::from_value::<Template>(Value::Object(one.keys)).ok()?;
        Some(Template { plugin: Some(one.plugin), notebook: None, path: None, ..read })
    };
    templates.extend(brought.into_iter().filter_map(of_plugin).chain(built_in()));
    let mut known = BTreeSet::new();
    templates.retain(|template| known.insert(template.id.clone()));
    templates.iter_mut().for_each(with_ending);
    Ok(templates)
}

/// A name that says no ending has the template's: without one it would be no note.
fn with_ending(template: &mut Template) {
    let name = template.default_name.rsplit('/').next().unwrap_or_default();
    let is_ending =
        |end: &str| (1..=8).contains(&end.len()) && end.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !name.rsplit_once('.').is_some_and(|(_, end)| is_ending(end)) {
        template.default_name.push_str(&template.file_extension);
    }
}

fn own(reader: &Reader, notebook: &str) -> Result<Vec<Template>, ApiError> {
    let mut templates = Vec::new();
    let folder = EntryPath::parse(FOLDER)?;
    let Some(folder) = reading::at(reader, &folder)? else { return Ok(templates) };
    for (id, row) in reader.folder(&folder)? {
        if row.kind != Kind::Text || !text::has_frontmatter(&row.place_name) {
            continue;
        }
        let path = reading::path_of(reader, &row)?;
        let found = Found { id, row, path };
        if let Content::Text(whole) = reading::content(reader, &found)? {
            templates.extend(template(&found, &whole, notebook));
        }
    }
    Ok(templates)
}

fn template(found: &Found, whole: &str, notebook: &str) -> Option<Template> {
    let (front, body) = text::split(whole);
    let said = yaml::yaml(front?).ok()?;
    let say = |key: &str| said.get(key).map(yaml::text).filter(|text| !text.is_empty());
    if say("type")? != "template" {
        return None;
    }
    let file = found.path.name();
    let (stem, end) = file.rsplit_once('.').unwrap_or((file, "md"));
    let end = say("file_extension").unwrap_or_else(|| format!(".{end}"));
    let end = if end.starts_with('.') { end } else { format!(".{end}") };
    Some(Template {
        id: slug(stem),
        name: say("name").or_else(|| say("title")).unwrap_or_else(|| stem.to_owned()),
        description: say("description").unwrap_or_default(),
        icon: say("icon").unwrap_or_default(),
        default_name: say("default_name").unwrap_or_else(|| format!("{{title}}{end}")),
        file_extension: end,
        template_for: say("template_for"),
        content: say("template_content").unwrap_or_else(|| body.trim_start_matches(['\r', '\n']).to_owned()),
        plugin: None,
        notebook: Some(notebook.to_owned()),
        path: Some(found.path.to_string()),
    })
}

/// What entries can be made of: a notebook's own templates first, then those of plugins that are on, then those built in. Without a
/// notebook, the latter two.
#[utoipa::path(get, path = "/api/v1/templates", tag = "templates", params(WhichNotebook),
    responses((status = 200, body = Page<Template>)))]
pub async fn list(
    State(desk): State<Desk>,
    Params(which): Params<WhichNotebook>,
) -> Result<Json<Page<Template>>, ApiError> {
    Ok(Json(Page::whole(match which.notebook.as_deref().filter(|key| !key.is_empty()) {
        Some(key) => of(&desk, &desk.notebook(key)?).await?,
        None => before_others(Vec::new(), &desk, None).await?,
    })))
}

/// What a new entry is made of.
#[derive(Debug)]
pub struct Made {
    /// Where.
    pub path: EntryPath,
    /// Its text.
    pub text: String,
}

/// An entry made of a template. A path that ends with `/`, or is none, is the folder for the template's own name.
pub async fn made(
    desk: &Desk,
    notebook: &Notebook,
    template: &str,
    path: &str,
    title: Option<&str>,
) -> Result<Made, ApiError> {
    made_at(desk, notebook, template, path, title, now_ms()).await
}

async fn made_at(
    desk: &Desk,
    notebook: &Notebook,
    template: &str,
    path: &str,
    title: Option<&str>,
    now: i64,
) -> Result<Made, ApiError> {
    let templates = of(desk, notebook).await?;
    let Some(template) = templates.iter().find(|one| one.id == template) else {
        let known: Vec<&str> = templates.iter().map(|one| one.id.as_str()).collect();
        let message = format!("there is no template `{template}`; there are {}", known.join(", "));
        return Err(ApiError::bad_request(message));
    };
    let is_folder = path.is_empty() || path.ends_with('/');
    let given = path.rsplit('/').next().unwrap_or_default();
    let stem = given.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or(given, |(stem, _)| stem);
    let title = match title.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => title,
        None if is_folder => &template.name,
        None => stem,
    };
    let tokens = Tokens::at(now, title);
    let path = match (is_folder, given.contains('.')) {
        (true, _) => format!("{path}{}", tokens.name(&template.default_name)),
        (false, true) => path.to_owned(),
        (false, false) => format!("{path}{}", template.file_extension),
    };
    Ok(Made { path: EntryPath::parse(&path)?, text: tokens.content(&template.content) })
}

/// Which day's note.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WhichDay {
    /// The day, as in `2026-12-01`; today if not given.
    pub date: Option<String>,
    /// The template; `daily-journal` if not given.
    pub template: Option<String>,
}

/// The note of a day: the one that is there, or a new one. A template `daily-journal` of the notebook's own says what it holds, and
/// its `default_name` where it is.
#[utoipa::path(post, path = "/api/v1/notebooks/{nb}/daily", tag = "templates", params(("nb" = String, Path)),
    request_body = WhichDay,
    responses((status = 200, body = EntryDetails, description = "It was there"), (status = 201, body = EntryDetails), (status = 400)))]
pub async fn daily(
    State(desk): State<Desk>,
    Place(nb): Place<String>,
    Input(which): Input<WhichDay>,
) -> Result<(StatusCode, Json<EntryDetails>), ApiError> {
    let notebook = desk.notebook(&nb)?;
    let now = match which.date.as_deref() {
        None => now_ms(),
        Some(date) => dates::moment(date).filter(|_| date.trim().len() == 10).ok_or_else(|| {
            ApiError::bad_request(format!("`{date}` is no day; give it as in `2026-12-01`"))
        })?,
    };
    let template = which.template.as_deref().unwrap_or(DAILY);
    let day = dates::day(now);
    let made = made_at(&desk, &notebook, template, "", Some(&day), now).await?;
    let path = made.path.clone();
    if let Some(id) = read(&notebook, move |reader| reading::at(reader, &path)).await? {
        return Ok((StatusCode::OK, Json(details(&notebook, id).await?)));
    }
    Ok((StatusCode::CREATED, Json(born(&notebook, made).await?)))
}

async fn born(notebook: &Notebook, made: Made) -> Result<EntryDetails, ApiError> {
    locks::refuse_new_if_locked(notebook, made.path.clone(), false).await?;
    let content = Content::Text(made.text);
    let reply = ask(notebook, Request::Create { path: made.path, content }).await?;
    let Reply::Entry { entry, .. } = reply else { return Err(no_entry_in_reply()) };
    details(notebook, entry).await
}

/// Something jotted down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Snippet {
    /// Taken and not looked at: a notebook is named by itself.
    pub workspace: Option<String>,
    /// Where to; may be left out while there is only one notebook.
    pub notebook: Option<String>,
    /// Markdown.
    pub content: String,
    /// What it is called.
    pub title: Option<String>,
    /// The file's name; made of day and title if not given.
    pub filename: Option<String>,
    /// The folder.
    pub folder: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its property `type`; `snippet` if not given.
    pub file_type: Option<String>,
    /// More properties.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
}

/// Writes something down as a new note, with title, date, tags and type.
#[utoipa::path(post, path = "/api/v1/snippets", tag = "templates", request_body = Snippet,
    responses((status = 201, body = EntryDetails), (status = 400), (status = 404)))]
pub async fn snippet(
    State(desk): State<Desk>,
    Input(snippet): Input<Snippet>,
) -> Result<(StatusCode, Json<EntryDetails>), ApiError> {
    let notebook = match snippet.notebook.as_deref().filter(|key| !key.is_empty()) {
        Some(key) => desk.notebook(key)?,
        None => match <[Notebook; 1]>::try_from(desk.notebooks(None)?) {
            Ok([only]) => only,
            Err(_) => return Err(ApiError::bad_request("say which `notebook` the snippet goes to")),
        },
    };
    if snippet.content.trim().is_empty() {
        return Err(ApiError::bad_request("a snippet has some `content`"));
    }
    let made = written(&snippet, now_ms())?;
    Ok((StatusCode::CREATED, Json(born(&notebook, made).await?)))
}

fn written(snippet: &Snippet, now: i64) -> Result<Made, ApiError> {
    let title = snippet.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    let moment = dates::variable("now", now).unwrap_or_default();
    let day = dates::day(now);
    let clock: String = moment.get(11..19).unwrap_or_default().replace(':', "");
    let by_title = title.map(slug).filter(|slug| !slug.is_empty());
    let name = match (&snippet.filename, by_title) {
        (Some(name), _) if text::has_frontmatter(name) => name.clone(),
        (Some(name), _) => format!("{name}.md"),
        (None, Some(slug)) => format!("{day}-{slug}.md"),
        (None, None) => format!("{day}-{clock}-snippet.md"),
    };
    let folder = snippet.folder.as_deref().unwrap_or_default().trim_matches('/');
    let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
    let path = EntryPath::parse(&path)?;
    if path.is_root() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_path", "a snippet needs a file name"));
    }
    let mut all = Vec::new();
    if let Some(title) = title {
        all.push(("title".to_owned(), Some(Value::from(title))));
    }
    all.push(("date".to_owned(), Some(Value::from(moment))));
    all.push(("tags".to_owned(), Some(Value::from(snippet.tags.clone()))));
    all.push(("type".to_owned(), Some(Value::from(snippet.file_type.as_deref().unwrap_or("snippet")))));
    for (key, value) in &snippet.properties {
        all.retain(|(known, _)| known != key);
        all.push((key.clone(), Some(value.clone())));
    }
    let head = properties::frontmatter(&all).map_err(ApiError::bad_request)?;
    let end = if snippet.content.ends_with('\n') { "" } else { "\n" };
    Ok(Made { path, text: format!("{head}\n{}{end}", snippet.content) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_ending_gets_the_templates() {
        for (said, expect) in [
            ("Gel {yyyy}-{mm}", "Gel {yyyy}-{mm}.md"),
            ("v1.2 {title}", "v1.2 {title}.md"),
            ("runs/{title}.csv", "runs/{title}.csv"),
            ("a.b/{title}", "a.b/{title}.md"),
        ] {
            let mut template = built_in().remove(0);
            (template.default_name, template.file_extension) = (said.to_owned(), ".md".to_owned());
            with_ending(&mut template);
            assert_eq!(template.default_name, expect);
        }
    }

    #[test]
    fn every_template_that_is_built_in_is_whole() {
        let all = built_in();
        assert_eq!(all.len(), BUILT_IN.len());
        let tokens = Tokens::at(1_796_000_000_000, "A \"title\": it's");
        for template in all {
            let path = tokens.name(&template.default_name);
            assert!(EntryPath::parse(&path).is_ok() && path.ends_with(&template.file_extension), "{path}");
            let content = tokens.content(&template.content);
            if text::has_frontmatter(&path) {
                let front = text::split(&content).0.map(yaml::yaml);
                let front = front.and_then(Result::ok).unwrap_or_default();
                assert!(front.contains_key("title"), "{}: {content}", template.id);
            }
        }
    }
}
