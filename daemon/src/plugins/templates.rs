//! Templates of entries that plugins bring: what the manifest says of one, and over it what its own file says.

use serde_json::{Map, Value};

use super::manifest::TemplateFile;
use super::{Plugin, PluginError, Plugins, Scope, files::Files, lines};
use crate::mirror;

/// A template of a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginTemplate {
    /// Whose.
    pub plugin: String,
    /// Its keys: `id`, `name`, `description`, `icon`, `file_extension`, `default_name`, `content`.
    pub keys: Map<String, Value>,
}

impl Plugins {
    /// Those of all plugins that run there.
    pub fn templates(&self, scope: &Scope) -> Result<Vec<PluginTemplate>, PluginError> {
        let plugins = self.all_running(scope, |manifest| !manifest.templates.is_empty())?;
        Ok(plugins.iter().flat_map(|plugin| of(plugin)).collect())
    }
}

fn of(plugin: &Plugin) -> impl Iterator<Item = PluginTemplate> + '_ {
    plugin.manifest.templates.iter().filter_map(|file| {
        let keys = read(&plugin.files, file).ok()?;
        Some(PluginTemplate { plugin: plugin.id().to_owned(), keys })
    })
}

/// Keys of a template's file.
const KEYS: [&str; 7] = ["id", "name", "description", "icon", "file_extension", "default_name", "content"];

/// Keys of one's file that mean nothing, with words and lines.
pub fn unknown(files: &Files, template: &TemplateFile) -> Vec<(String, String, Option<usize>)> {
    let read = files.text(&template.file).ok().and_then(|source| lines::read(&source).ok());
    let Some(read) = read else { return Vec::new() };
    let keys = read.value.as_object().into_iter().flat_map(|map| map.keys());
    let unknown = keys.filter(|key| !KEYS.contains(&key.as_str())).map(|key| {
        let hint = match mirror::nearest(key, KEYS.into_iter()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("there are {}", KEYS.join(", ")),
        };
        let line = read.line(&format!("/{}", lines::escaped(key)));
        (key.clone(), format!("a template has no key `{key}`; {hint}"), line)
    });
    unknown.collect()
}

/// The keys of one; or what is wrong with its file, and in which line.
pub fn read(files: &Files, template: &TemplateFile) -> Result<Map<String, Value>, (String, Option<usize>)> {
    let source = files.text(&template.file).map_err(|why| (why, None))?;
    let read = lines::read(&source)?;
    let Value::Object(own) = read.value else { return Err(("a template is a mapping".to_owned(), None)) };
    if !own.get("content").is_some_and(Value::is_string) {
        return Err(("the key `content` is missing: the text of an entry, with its tokens".to_owned(), None));
    }
    let said = [
        ("id", Some(&template.id)),
        ("name", Some(&template.name).filter(|name| !name.is_empty()).or(Some(&template.id))),
        ("description", Some(&template.description)),
        ("icon", Some(&template.icon)),
        ("file_extension", template.file_extension.as_ref()),
        ("default_name", template.default_name.as_ref()),
    ];
    let mut keys = Map::new();
    for (key, value) in said {
        if let Some(value) = value {
            keys.insert(key.to_owned(), Value::from(value.as_str()));
        }
    }
    keys.extend(own.into_iter().filter(|(_, value)| value.is_string()));
    Ok(keys)
}
