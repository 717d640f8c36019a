//! Views to start from that plugins bring.

use super::{PluginError, Plugins, Scope, State};

/// A view to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginExample {
    /// Whose.
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
    pub fn examples(&self, scope: &Scope) -> Result<Vec<PluginExample>, PluginError> {
        let mut examples = Vec::new();
        for plugin in &self.catalogue().plugins {
            if plugin.manifest.examples.is_empty() || self.state(plugin, scope)?.0 != State::On {
                continue;
            }
            // What was enabled is what is read, or nothing.
            let Ok(plugin) = self.running(plugin.id(), scope) else { continue };
            for example in &plugin.manifest.examples {
                let Ok(text) = plugin.files.text(&example.file) else { continue };
                let name =
                    if example.name.is_empty() { plugin.manifest.name.clone() } else { example.name.clone() };
                let description = example.description.clone();
                examples.push(PluginExample { plugin: plugin.id().to_owned(), name, description, text });
            }
        }
        Ok(examples)
    }
}
