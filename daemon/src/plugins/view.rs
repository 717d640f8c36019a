//! A `.cdx`: which view, of what, how. Whatever is wrong with it is said with its line, and the rest is used.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::catalogue::{Catalogue, Plugin};
use super::lines::{self, Read};
use super::manifest::ViewKind;
use super::schema::{self, of_config};
use crate::mirror::{self, Query, text};

/// Keys at the top of a view.
/// What stands before the text of a view at most; and so many unknown keys are named.
const FRONT_BYTES: usize = 256 << 10;
const WARNINGS: usize = 200;
const KEYS: [&str; 8] = ["type", "view_type", "title", "description", "query", "config", "layout", "tags"];

/// Something that means nothing, or not what was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// The line in the file, counted from 1.
    pub line: Option<usize>,
    /// The key.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// What a `.cdx` says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ViewFile {
    /// The id of a view.
    pub view_type: String,
    /// What it is called.
    pub title: String,
    /// What it shows.
    pub description: String,
    /// What is asked for: the body of POST `/query`.
    #[schema(value_type = Object)]
    pub query: Map<String, Value>,
    /// How it is shown, defaults filled in.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    /// Rows of a dashboard.
    #[schema(value_type = Option<Vec<Object>>)]
    pub layout: Option<Value>,
    /// Markdown above the view.
    pub body: String,
    /// The plugin whose view it is.
    pub plugin: Option<String>,
    /// That view.
    pub view: Option<ViewKind>,
    /// What is wrong with it.
    pub warnings: Vec<Warning>,
}

/// Reads one. The view is that of the plugin that was loaded last of those that are on; where none has it, it is said whose it is.
pub fn read(source: &str, catalogue: &Catalogue, is_on: &dyn Fn(&Plugin) -> bool) -> ViewFile {
    let (front, body) = text::split(source);
    let mut file = ViewFile { body: body.trim().to_owned(), ..ViewFile::default() };
    let Some(front) = front else {
        file.warn(Some(1), "", "it does not begin with `---` and what is to be shown");
        return file;
    };
    if front.len() > FRONT_BYTES {
        let (is, most) = (front.len() >> 10, FRONT_BYTES >> 10);
        file.warn(Some(1), "", format!("its frontmatter has {is} KiB; a view has {most} at most"));
        return file;
    }
    // The line of its own that the frontmatter begins behind: whoever counts lines counts it.
    let read = match lines::read(&format!("\n{front}")) {
        Ok(read) => read,
        Err((why, line)) => {
            file.warn(line, "", why);
            return file;
        }
    };
    let words = |key: &str| read.value[key].as_str().unwrap_or_default().to_owned();
    file.view_type = words("view_type");
    file.title = words("title");
    file.description = words("description");
    let object = |key: &str| read.value[key].as_object().cloned().unwrap_or_default();
    (file.query, file.config) = (object("query"), object("config"));
    let layout =
        [&read.value["layout"], &read.value["config"]["layout"]].into_iter().find(|one| one.is_array());
    file.layout = layout.cloned();
    for key in ["query", "config"] {
        if !read.value[key].is_null() && !read.value[key].is_object() {
            file.warn(read.at(&[key]), key, "it must be a list of `key: value`");
        }
    }
    file.check_query(&read);
    let mut kinds: Vec<(&Plugin, &ViewKind)> = Vec::new();
    for plugin in catalogue.plugins.iter().rev() {
        kinds.extend(
            plugin.manifest.views.iter().find(|view| view.id == file.view_type).map(|view| (&**plugin, view)),
        );
    }
    let kind = kinds.iter().find(|(plugin, _)| is_on(plugin)).or(kinds.first());
    let kind = kind.map(|(plugin, view)| (plugin.id().to_owned(), (*view).clone()));
    match kind {
        Some((plugin, view)) => {
            file.check_config(&read, &view);
            schema::fill(&mut file.config, &view.config_schema);
            (file.plugin, file.view) = (Some(plugin), Some(view));
        }
        None if file.view_type.is_empty() => {
            file.warn(
                read.at(&["type"]),
                "view_type",
                format!("it says no `view_type`; there are {}", known(catalogue)),
            );
        }
        None => {
            let say =
                format!("no plugin here has a view `{}`; there are {}", file.view_type, known(catalogue));
            file.warn(read.at(&["view_type"]), "view_type", say);
        }
    }
    file.warnings.sort_by_key(|warning| warning.line);
    file
}

impl Read {
    /// The line in the whole file.
    fn at(&self, steps: &[&str]) -> Option<usize> {
        let pointer: String = steps.iter().flat_map(|step| ["/", step]).collect();
        Some(self.line(&pointer).unwrap_or(1))
    }
}

impl ViewFile {
    fn warn(&mut self, line: Option<usize>, key: &str, message: impl Into<String>) {
        self.warnings.push(Warning { line, key: key.to_owned(), message: message.into() });
    }

    fn check_query(&mut self, read: &Read) {
        let top =
            read.value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        // What a person adds for themselves is theirs; a slip of the pen is worth a word.
        for key in top {
            let close = mirror::nearest(&key, KEYS.into_iter());
            if let Some(close) = close.filter(|_| !KEYS.contains(&key.as_str())) {
                self.warn(
                    read.at(&[&key]),
                    &key,
                    format!("there is no key `{key}`; did you mean `{close}`?"),
                );
            }
        }
        if let Some(said) = read.value["type"].as_str().filter(|said| *said != "view") {
            self.warn(read.at(&["type"]), "type", format!("it is `{said}`; a view says `type: view`"));
        }
        match serde_json::from_value::<Query>(Value::Object(self.query.clone())) {
            Ok(query) => {
                for key in query.unknown.keys().take(WARNINGS) {
                    let say = format!("a query has no key `{key}`{}", meant(key, &mirror::QUERY_KEYS));
                    self.warn(read.at(&["query", key]), &format!("query.{key}"), say);
                }
            }
            Err(why) => self.warn(read.at(&["query"]), "query", format!("it cannot be read: {why}")),
        }
    }

    fn check_config(&mut self, read: &Read, view: &ViewKind) {
        let mut config = self.config.clone();
        // A dashboard's rows stand at the top, or here.
        let at_top = view.id == "dashboard" && !read.value["layout"].is_null();
        if at_top {
            config.insert("layout".to_owned(), read.value["layout"].clone());
        }
        let Ok(validator) = jsonschema::validator_for(&of_config(&view.config_schema)) else { return };
        let keys: Vec<&str> = view.config_schema.keys().map(String::as_str).collect();
        for key in config.keys().filter(|key| !view.config_schema.contains_key(*key)).take(WARNINGS) {
            let say = format!("the view `{}` has no key `{key}`{}", view.id, meant(key, &keys));
            self.warn(read.at(&["config", key]), &format!("config.{key}"), say);
        }
        config.retain(|key, _| view.config_schema.contains_key(key));
        for fault in schema::faults(&validator, &json!(config)) {
            let at = if at_top && fault.pointer.starts_with("/layout") { "" } else { "/config" };
            let pointer = format!("{at}{}", fault.pointer);
            let line = read.line(&pointer);
            self.warn(line, &pointer.trim_matches('/').replace('/', "."), fault.message);
        }
    }
}

fn known(catalogue: &Catalogue) -> String {
    let mut ids: Vec<&str> = catalogue
        .plugins
        .iter()
        .flat_map(|plugin| plugin.manifest.views.iter().map(|view| view.id.as_str()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}

fn meant(key: &str, known: &[&str]) -> String {
    match mirror::nearest(key, known.iter().copied()) {
        Some(close) => format!("; did you mean `{close}`?"),
        None => format!("; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests;
