//! Views to start from that say something else than what was meant.

use std::sync::Arc;

use crate::plugins::catalogue::{Catalogue, Plugin};
use crate::plugins::{Problem, view};

/// What is said of a plugin's examples, where the views of these plugins are known. Of one that needs others, some may be theirs.
pub fn on(plugin: &Plugin, known: &[Arc<Plugin>]) -> Vec<Problem> {
    if plugin.manifest.examples.is_empty() {
        return Vec::new();
    }
    let others = known.iter().filter(|one| one.id() != plugin.id()).cloned();
    let plugins: Vec<Arc<Plugin>> = others.chain([Arc::new(plugin.clone())]).collect();
    let is_all_known = plugin.manifest.requires.keys().all(|id| plugins.iter().any(|one| one.id() == id));
    let mut catalogue = Catalogue::default();
    catalogue.plugins = plugins;
    let mut found = Vec::new();
    for example in &plugin.manifest.examples {
        // That it cannot be read has been said.
        let Ok(text) = plugin.files.text(&example.file) else { continue };
        let read = view::read(&text, &catalogue, &|one| one.id() == plugin.id());
        let may_be_theirs = read.view.is_none() && !read.view_type.is_empty() && !is_all_known;
        let warnings = read.warnings.into_iter().filter(|one| !(may_be_theirs && one.key == "view_type"));
        found.extend(warnings.map(|one| Problem {
            file: plugin.files.shown(&example.file),
            key: Some(one.key).filter(|key| !key.is_empty()),
            line: one.line,
            message: one.message,
        }));
    }
    found
}
