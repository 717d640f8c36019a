//! Views to start from that plugins bring.

use serde::Serialize;
use utoipa::ToSchema;

use super::{PluginError, Plugins, Scope};

/// A view to start from, that a plugin brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExampleView {
    /// The plugin's id.
    pub plugin: String,
    /// What people call it.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// What its `.cdx` holds.
    pub text: String,
}

impl Plugins {
    /// Those of all plugins that run there, in the order of the plugins. One that cannot be read was named when the plugin was.
    pub fn examples(&self, scope: &Scope) -> Result<Vec<ExampleView>, PluginError> {
        let mut examples = Vec::new();
        for plugin in self.all_running(scope, |manifest| !manifest.examples.is_empty())? {
            for example in &plugin.manifest.examples {
                let Ok(text) = plugin.files.text(&example.file) else { continue };
                let name = if example.name.is_empty() { &plugin.manifest.name } else { &example.name };
                examples.push(ExampleView {
                    plugin: plugin.id().to_owned(),
                    name: name.clone(),
                    description: example.description.clone(),
                    text,
                });
            }
        }
        Ok(examples)
    }
}
