//! The one door through which a plugin reads and writes: whoever asks on its behalf, its permissions hold here.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use codex_crdt_model::entry::birth::Content;
use codex_crdt_model::event::{Request, Version};
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::path::EntryPath;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::scope;
use crate::driver::Notebook;
use crate::http::content::{self, ContentParams};
use crate::http::desk::{Desk, ask};
use crate::http::dto::EntryDetails;
use crate::http::entries::{self, ChangedEntry, EntryChange, NewEntry};
use crate::http::error::ApiError;
use crate::http::input::{Input, Params, Place};
use crate::http::locks;
use crate::http::reading::{self, read};
use crate::http::search::{self, QueryPage};
use crate::mirror::Query;
use crate::plugins::permission::{Permission, Wish};
use crate::plugins::{Plugins, Scope};

/// Files of one answer at most.
pub(in crate::http) const MOST: usize = 10_000;

/// What a plugin asks for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PluginCall {
    /// The notebook in which it is shown.
    pub notebook: String,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What a plugin can ask for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "call", rename_all = "lowercase", deny_unknown_fields)]
pub enum What {
    /// Entries: the answer of POST `/query`, of what it may read.
    Query {
        /// The question. Without `notebook_ids` it is put to the notebook in which the plugin is shown.
        #[schema(value_type = Object)]
        query: Box<Query>,
    },
    /// One entry.
    Entry {
        /// Entry id.
        entry: String,
    },
    /// The text of one.
    Text {
        /// Entry id.
        entry: String,
    },
    /// Sets properties, and takes some away.
    Set {
        /// Entry id.
        entry: String,
        /// Keys with their values.
        #[serde(default)]
        #[schema(value_type = Object)]
        properties: BTreeMap<String, Value>,
        /// Keys that go.
        #[serde(default)]
        remove: Vec<String>,
    },
    /// Makes an entry.
    Create {
        /// Where.
        path: String,
        /// Its text.
        #[serde(default)]
        text: String,
        /// Its properties.
        #[serde(default)]
        #[schema(value_type = Object)]
        properties: Map<String, Value>,
    },
    /// What it keeps for the place where it is shown.
    Kept {
        /// The path of the file that shows it, and which of its views or blocks it is.
        place: String,
    },
    /// Keeps values for that place, beside those that are there.
    Keep {
        /// As in `kept`.
        place: String,
        /// Keys with their values; `null` takes one away.
        #[schema(value_type = Object)]
        values: Map<String, Value>,
    },
    /// Writes a text.
    Write {
        /// Entry id.
        entry: String,
        /// The text.
        text: String,
        /// The version that it was made from: what was written since is kept.
        version: String,
    },
}

/// What a plugin may read of what a question finds.
pub(super) struct Seen {
    pub page: QueryPage,
    /// More was found than was looked at: what it may read of that, nobody knows.
    pub is_cut: bool,
}

/// One asking plugin, in one notebook.
pub(super) struct Caller<'a> {
    desk: &'a Desk,
    plugins: &'a Plugins,
    id: &'a str,
    scope: Scope,
    notebook: Notebook,
}

/// Carries out what a plugin asks for, if it may.
#[utoipa::path(post, path = "/api/v1/plugins/{id}/calls", tag = "plugins", params(("id" = String, Path)), request_body = PluginCall,
    responses((status = 200, description = "What was asked for", body = Object), (status = 403, description = "`not_permitted`"),
        (status = 409, description = "`plugin_not_on`")))]
pub async fn call(
    State(desk): State<Desk>,
    Place(id): Place<String>,
    Input(call): Input<PluginCall>,
) -> Result<Json<Value>, ApiError> {
    let caller = Caller::new(&desk, &id, &call.notebook)?;
    caller.answer(call.what).await.map(Json)
}

/// A picture that a plugin shows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichPicture {
    /// The notebook in which the plugin is shown.
    pub notebook: String,
    /// The entry.
    pub entry: String,
}

/// The bytes of a picture, for a plugin that may read it.
#[utoipa::path(get, path = "/api/v1/plugins/{id}/picture", tag = "plugins", params(("id" = String, Path), WhichPicture),
    responses((status = 200, description = "The bytes"), (status = 403), (status = 404)))]
pub async fn picture(
    State(desk): State<Desk>,
    Place(id): Place<String>,
    Params(which): Params<WhichPicture>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = Caller::new(&desk, &id, &which.notebook)?;
    caller.may_touch("picture", Permission::ReadFiles, &which.entry).await?;
    let place = Place((caller.notebook.id.to_string(), which.entry));
    content::get(State(desk.clone()), place, Params(ContentParams::default()), headers).await
}

impl<'a> Caller<'a> {
    pub(super) fn new(desk: &'a Desk, id: &'a str, notebook: &str) -> Result<Self, ApiError> {
        let scope = scope(desk, None, Some(notebook))?;
        let notebook = desk.notebook(notebook)?;
        Ok(Self { desk, plugins: desk.daemon().plugins(), id, scope, notebook })
    }

    async fn answer(&self, what: What) -> Result<Value, ApiError> {
        match what {
            What::Query { query } => said(&self.query(*query).await?.page),
            What::Entry { entry } => {
                let id = self.may_touch("entry", Permission::ReadFiles, &entry).await?;
                said(&self.details(id).await?)
            }
            What::Text { entry } => {
                let id = self.may_touch("text", Permission::ReadFiles, &entry).await?;
                let (text, version) = self.text(id).await?;
                Ok(json!({"text": text, "version": version.to_string()}))
            }
            What::Set { entry, properties, remove } => {
                self.may_touch("set", Permission::ModifyMetadata, &entry).await?;
                said(&self.set(entry, properties, remove).await?)
            }
            What::Create { path, text, properties } => {
                let path = EntryPath::parse(&path)?;
                self.may("create", Permission::WriteFiles, path.as_str())?;
                let new = NewEntry {
                    path: path.to_string(),
                    content: Some(text),
                    template: None,
                    title: None,
                    kind: None,
                    properties,
                };
                let made = entries::made(self.desk, &self.notebook, new).await?;
                said(&json!({"entry": made.id, "path": made.path}))
            }
            What::Kept { place } => {
                self.may("kept", Permission::StoreConfig, &place)?;
                said(&self.plugins.kept(self.id, &self.notebook.id.to_string(), &place)?)
            }
            What::Keep { place, values } => {
                self.may("keep", Permission::StoreConfig, &place)?;
                said(&self.plugins.keep(self.id, &self.notebook.id.to_string(), &place, values)?)
            }
            What::Write { entry, text, version } => {
                let id = self.may_touch("write", Permission::WriteFiles, &entry).await?;
                let base: Version = version.parse().map_err(|_| {
                    ApiError::bad_request("`version` is none: give back the one that came with the text")
                })?;
                let version = self.write(id, text, base).await?;
                Ok(json!({"version": version.to_string()}))
            }
        }
    }

    /// Says no unless the plugin may do that with a path in this notebook.
    fn may(&self, call: &str, permission: Permission, path: &str) -> Result<(), ApiError> {
        let names = names(self.desk, &self.notebook);
        let fits = |wish: &Wish| wish.fits(&names, Some(path));
        self.plugins.may(self.id, &self.scope, call, permission, fits)?;
        Ok(())
    }

    pub(super) async fn may_touch(
        &self,
        call: &str,
        permission: Permission,
        entry: &str,
    ) -> Result<EntryId, ApiError> {
        let id: EntryId = entry.parse()?;
        let path = read(&self.notebook, move |reader| Ok(reading::alive(reader, &id)?.path)).await?;
        self.may(call, permission, path.as_str())?;
        Ok(id)
    }

    /// What it may read of what a question finds.
    pub(super) async fn query(&self, mut query: Query) -> Result<Seen, ApiError> {
        if query.notebook_ids.is_empty() {
            query.notebook_ids = vec![self.notebook.id.to_string()];
        }
        // In each of these notebooks it must be on and may read: what one says holds there alone.
        let mut limits: BTreeMap<String, Option<Vec<Wish>>> = BTreeMap::new();
        for notebook in self.desk.each(&query.notebook_ids)? {
            limits.insert(notebook.id.to_string(), self.readable(&notebook)?);
        }
        query.notebook_ids = limits.keys().cloned().collect();
        if limits.values().all(Option::is_none) {
            let offset = query.offset;
            let page = search::answered(self.desk, query).await?;
            let is_cut = page.total > offset + page.files.len();
            return Ok(Seen { page, is_cut });
        }
        let mut all = limits.values();
        let mut is_asked = false;
        if query.paths.is_empty()
            && let Some(Some(first)) = all.next()
            && all.all(|other| other.as_ref() == Some(first))
            && first.iter().all(Wish::is_plain)
        {
            // Asked for at once, so that the first ten thousand are of those that it may see.
            query.paths = first.iter().flat_map(|wish| wish.paths.clone()).collect();
            is_asked = true;
        }
        // What lies outside of its paths is not even counted.
        let (limit, offset) = (query.limit.unwrap_or(100), query.offset);
        (query.limit, query.offset) = (Some(MOST), 0);
        let mut page: QueryPage = search::answered(self.desk, query).await?;
        let is_cut = page.total > page.files.len();
        let is_inside = |notebook: &str, path: &str| match limits.get(notebook) {
            Some(None) => true,
            Some(Some(wishes)) => wishes.iter().any(|wish| wish.has(path)),
            None => false,
        };
        if !is_asked {
            // They are of what it may not see, too.
            page.warnings.clear();
        }
        page.files.retain(|file| is_inside(&file.notebook, &file.path));
        page.total = page.files.len();
        page.files = page.files.into_iter().skip(offset).take(limit).collect();
        if let Some(groups) = &mut page.groups {
            page.group_totals.clear();
            for (value, files) in groups.iter_mut() {
                files.retain(|file| is_inside(&file.notebook, &file.path));
                page.group_totals.insert(value.clone(), files.len());
                *files = std::mem::take(files).into_iter().skip(offset).take(limit).collect();
            }
            groups.retain(|(_, files)| !files.is_empty());
            page.total = page.group_totals.values().sum();
        }
        (page.limit, page.offset) = (limit, offset);
        Ok(Seen { page, is_cut })
    }

    /// What it may read in a notebook: `None` for all of it.
    fn readable(&self, notebook: &Notebook) -> Result<Option<Vec<Wish>>, ApiError> {
        let scope = scope(self.desk, None, Some(&notebook.id.to_string()))?;
        let names = names(self.desk, notebook);
        let fits = |wish: &Wish| wish.fits(&names, None);
        let plugin = self.plugins.may(self.id, &scope, "query", Permission::ReadFiles, fits)?;
        let mut limits = Vec::new();
        for one in self.plugins.permissions(&plugin, &scope.workspace)? {
            if one.granted && one.wish.permission == Permission::ReadFiles && fits(&one.wish).is_ok() {
                if one.wish.paths.is_empty() {
                    return Ok(None);
                }
                limits.push(one.wish);
            }
        }
        Ok(Some(limits))
    }

    /// An entry, whoever may read it.
    pub(super) async fn details(&self, id: EntryId) -> Result<EntryDetails, ApiError> {
        entries::details(&self.notebook, id).await
    }

    /// The text of one, and the version that it is of.
    pub(super) async fn text(&self, id: EntryId) -> Result<(String, Version), ApiError> {
        let (content, version, path) = read(&self.notebook, move |reader| {
            let found = reading::alive(reader, &id)?;
            Ok((reading::content(reader, &found)?, found.version(), found.path))
        })
        .await?;
        match content {
            Content::Text(text) => Ok((text, version)),
            _ => Err(ApiError::bad_request(format!("`{path}` is no text"))),
        }
    }

    /// Sets properties of one, and takes some away.
    pub(super) async fn set(
        &self,
        entry: String,
        properties: BTreeMap<String, Value>,
        remove_properties: Vec<String>,
    ) -> Result<ChangedEntry, ApiError> {
        let change = EntryChange { path: None, properties, remove_properties, amend: false, links: None };
        let place = Place((self.notebook.id.to_string(), entry));
        let (_, Json(changed)) = entries::change(State(self.desk.clone()), place, Input(change)).await?;
        Ok(changed)
    }

    /// Writes a text that was made from a version; the version that is there then.
    pub(super) async fn write(
        &self,
        entry: EntryId,
        text: String,
        base: Version,
    ) -> Result<Version, ApiError> {
        locks::refuse_if_locked(&self.notebook, entry, false).await?;
        let content = entries::text_content(self.desk, text).await?;
        ask(&self.notebook, Request::Write { entry, base, content }).await?;
        read(&self.notebook, move |reader| Ok(reading::alive(reader, &entry)?.version())).await
    }
}

/// Under what a notebook is known here, to whoever limits a permission: not under its name, which others may have given it.
pub(super) fn names(desk: &Desk, notebook: &Notebook) -> Vec<String> {
    let id = notebook.id.to_string();
    let all = desk.daemon().list();
    let known = all.into_iter().find(|one| one.id == id);
    known.map_or_else(|| vec![id.clone()], |one| vec![id.clone(), one.slug])
}

fn said(answer: &impl serde::Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(answer)
        .map_err(|why| ApiError::internal(format!("the answer cannot be written: {why}")))
}
