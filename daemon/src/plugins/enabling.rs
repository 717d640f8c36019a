//! Saying yes or no to a plugin: to which content, for whom, and with which permissions.

use std::sync::Arc;

use super::{Permission, Plugin, PluginError, Plugins, Scope, json_of, lock};
use crate::system::PluginRow;

impl Plugins {
    /// Enables or disables it; for a notebook, `Some(None)` is: as its workspace. `hash` is what was shown to whoever says so: what
    /// is not bundled must still be that. What is approved, and which permissions it has, holds for the whole workspace.
    pub fn enable(
        &self,
        id: &str,
        scope: &Scope,
        enabled: Option<Option<bool>>,
        hash: Option<&str>,
        permissions: Option<&[Permission]>,
    ) -> Result<(), PluginError> {
        let catalogue = self.catalogue();
        let waiting = catalogue.waiting.iter().find(|one| one.id() == id && Some(one.hash.as_str()) == hash);
        let plugin = match waiting {
            Some(waiting) => Arc::clone(waiting),
            None => self.find(id)?,
        };
        let system = &self.inner.system;
        if waiting.is_some() && scope.notebook.is_some() {
            let say = format!(
                "which of the plugins `{id}` counts is the same in all notebooks: say it without the notebook"
            );
            return Err(PluginError::Refused(say));
        }
        let known = system.plugin(&scope.workspace, id)?;
        let before = known.unwrap_or_else(|| PluginRow {
            enabled: plugin.is_on_by_itself(),
            hash: String::new(),
            wishes: "[]".to_owned(),
            withheld: "[]".to_owned(),
        });
        let mut row = before.clone();
        if enabled.flatten() == Some(true) {
            row.hash = approved(&plugin, hash)?;
            row.wishes = json_of(&plugin.manifest.wishes());
        }
        if let Some(given) = permissions {
            let wanted = plugin.manifest.wishes();
            let withheld: Vec<Permission> =
                wanted.iter().map(|wish| wish.permission).filter(|one| !given.contains(one)).collect();
            row.withheld = json_of(&withheld);
        }
        match &scope.notebook {
            Some(notebook) => {
                self.is_for_a_notebook(&plugin, notebook, &before, &row)?;
                system.set_plugin(&scope.workspace, id, &row)?;
                if let Some(enabled) = enabled {
                    system.set_plugin_notebook(notebook, id, enabled)?;
                }
            }
            None => {
                row.enabled = enabled.flatten().unwrap_or(row.enabled);
                system.set_plugin(&scope.workspace, id, &row)?;
            }
        }
        // Which of several counts may be another one now.
        *lock(&self.inner.catalogue) = None;
        self.changed();
        system.forget_plugin_answers(&scope.workspace, id)?;
        Ok(())
    }

    /// What is said for one notebook changes nothing for the others of its workspace.
    fn is_for_a_notebook(
        &self,
        plugin: &Plugin,
        notebook: &str,
        before: &PluginRow,
        row: &PluginRow,
    ) -> Result<(), PluginError> {
        let id = plugin.id();
        let elsewhere = self.notebooks(id)?.iter().any(|(other, on)| *on && other != notebook);
        if !before.enabled && !elsewhere {
            return Ok(());
        }
        // What is bundled is what this program is.
        let what = if !plugin.is_bundled() && !before.hash.is_empty() && row.hash != before.hash {
            "what it is now"
        } else if row.withheld != before.withheld {
            "what it may do"
        } else {
            return Ok(());
        };
        Err(PluginError::Refused(format!(
            "{what} holds for the whole workspace, and `{id}` is on elsewhere in it: say it for the workspace, without the notebook, \
             or disable it there first"
        )))
    }
}

/// The content that somebody says yes to: the one that was shown, if it still is that.
fn approved(plugin: &Plugin, hash: Option<&str>) -> Result<String, PluginError> {
    if let Some(reason) = &plugin.blocked {
        return Err(PluginError::NotOn { plugin: plugin.id().to_owned(), reason: reason.clone() });
    }
    let now = plugin.files.hash().map_err(PluginError::Refused)?;
    let shown = hash.unwrap_or(if plugin.is_bundled() { &now } else { "" });
    if shown.is_empty() {
        let ask = "say with `hash` which content is to be enabled: the one that was shown".to_owned();
        return Err(PluginError::Refused(ask));
    }
    if shown != now || shown != plugin.hash {
        return Err(PluginError::Changed(plugin.id().to_owned()));
    }
    Ok(now)
}
