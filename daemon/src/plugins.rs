//! Plugins: what is installed, what of it is enabled on this device, and what it may do. Knows no notebook and no page: what a
//! plugin asks for is done by [`crate::http`], after [`Plugins::may`] said yes.
//!
//! Nothing that arrives by sync is ever a plugin: they lie in the program and in one folder of the home.

mod advice;
pub mod catalogue;
pub mod code;
mod enabling;
pub mod endpoints;
pub mod examples;
pub mod files;
pub mod frame;
mod keeping;
pub mod lines;
pub mod manifest;
pub mod permission;
pub mod schema;
mod secrets;
pub mod tally;
pub mod templates;
pub mod theme;
pub mod view;
mod watching;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::system::{System, SystemError};
pub use catalogue::{Catalogue, Plugin};
pub use manifest::{INTERFACE, Problem};
pub use permission::{Permission, Wish};
pub use tally::{Refusal, Tally};
use watching::Watching;

/// Cloneable: the plugins of this device.
#[derive(Debug, Clone)]
pub struct Plugins {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    system: System,
    /// Read when somebody asks; read again when the folder changed.
    catalogue: Mutex<Option<Arc<Catalogue>>>,
    tally: Mutex<Tally>,
    changes: watch::Sender<u64>,
    engine: endpoints::Engine,
    watching: Mutex<Watching>,
}

/// Whether a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does.
    On,
    /// It does not.
    Off,
    /// It is not what was enabled any more: it asks again.
    Changed,
    /// It cannot: what it needs is not here.
    Blocked,
}

/// A permission that a plugin wants, and whether it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Granted {
    /// What, and with what.
    #[serde(flatten)]
    pub wish: Wish,
    /// Whether it has it while it is on.
    pub granted: bool,
    /// Whether it did not want it, or not all of it, when it was enabled last.
    pub is_new: bool,
}

/// For whom: a workspace, and perhaps a notebook in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Workspace slug.
    pub workspace: String,
    /// Notebook id.
    pub notebook: Option<String>,
}

/// Why something was not done with a plugin.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// There is none of this name.
    #[error("there is no plugin `{0}` here; see `codexd plugin list`")]
    Unknown(String),
    /// It does not run.
    #[error("the plugin `{plugin}` is not on: {reason}")]
    NotOn {
        /// Which.
        plugin: String,
        /// Why not.
        reason: String,
    },
    /// It may not.
    #[error("the plugin `{plugin}` may not {what}: {reason}")]
    NotPermitted {
        /// Which.
        plugin: String,
        /// What it tried.
        what: String,
        /// Why not.
        reason: String,
    },
    /// It is not what was shown.
    #[error("the plugin `{0}` has changed since it was shown; look at what it may do now, and say yes again")]
    Changed(String),
    /// What was asked for cannot be.
    #[error("{0}")]
    Refused(String),
    /// The file system refuses.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// A verb.
        doing: &'static str,
        /// Where.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The home's database refuses.
    #[error(transparent)]
    System(#[from] SystemError),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Plugins {
    /// Those of a home. Nothing is read yet.
    pub fn new(folder: PathBuf, system: System) -> Self {
        Self::with_engine(folder, system, endpoints::Engine::default())
    }

    fn with_engine(folder: PathBuf, system: System, engine: endpoints::Engine) -> Self {
        let inner = Inner {
            folder,
            system,
            catalogue: Mutex::default(),
            tally: Mutex::default(),
            changes: watch::Sender::new(0),
            engine,
            watching: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The folder of this device's own plugins.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// All that are here, as they are now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        let mut held = lock(&self.inner.catalogue);
        if let Some(catalogue) = held.as_ref().filter(|catalogue| catalogue.is_current(&self.inner.folder)) {
            return Arc::clone(catalogue);
        }
        let pinned = |id: &str, hash: &str| self.inner.system.is_pinned(id, hash).unwrap_or_default();
        let catalogue = Arc::new(Catalogue::read(&self.inner.folder, &pinned));
        *held = Some(Arc::clone(&catalogue));
        catalogue
    }

    /// As they were read last; read now if nobody did.
    fn held(&self) -> Arc<Catalogue> {
        let held = lock(&self.inner.catalogue).clone();
        held.unwrap_or_else(|| self.catalogue())
    }

    /// Grows whenever something about plugins changes. From the first call on, the folder is watched.
    pub fn changes(&self) -> watch::Receiver<u64> {
        let changes = self.inner.changes.clone();
        lock(&self.inner.watching).begin(&self.inner.folder, move || changes.send_modify(|n| *n += 1));
        self.inner.changes.subscribe()
    }

    fn changed(&self) {
        self.inner.changes.send_modify(|n| *n += 1);
    }

    /// A plugin by its id.
    pub fn find(&self, id: &str) -> Result<Arc<Plugin>, PluginError> {
        self.catalogue().find(id).ok_or_else(|| PluginError::Unknown(id.to_owned()))
    }

    /// Whether it runs there, and if not, why.
    pub fn state(&self, plugin: &Plugin, scope: &Scope) -> Result<(State, Option<String>), PluginError> {
        if let Some(reason) = &plugin.blocked {
            return Ok((State::Blocked, Some(reason.clone())));
        }
        let row = self.inner.system.plugin(&scope.workspace, plugin.id())?;
        let said = match &scope.notebook {
            Some(notebook) => self.says(notebook, plugin.id())?,
            None => None,
        };
        let enabled =
            said.unwrap_or_else(|| row.as_ref().map_or(plugin.is_on_by_itself(), |row| row.enabled));
        if !enabled {
            return Ok((State::Off, None));
        }
        let pinned = row.is_some_and(|row| row.hash == plugin.hash);
        if !plugin.is_bundled() && !pinned {
            let reason = "its files are not those that were enabled; look at it and enable it again";
            return Ok((State::Changed, Some(reason.to_owned())));
        }
        // One that needs another in a circle is blocked already.
        for id in plugin.manifest.requires.keys() {
            let needed = self.held().find(id);
            if !matches!(&needed, Some(needed) if self.state(needed, scope)?.0 == State::On) {
                return Ok((
                    State::Blocked,
                    Some(format!("it needs the plugin `{id}`, which is not on here")),
                ));
            }
        }
        Ok((State::On, None))
    }

    fn says(&self, notebook: &str, plugin: &str) -> Result<Option<bool>, SystemError> {
        let all = self.inner.system.plugin_notebooks(plugin)?;
        Ok(all.into_iter().find(|(one, _)| one == notebook).map(|(_, enabled)| enabled))
    }

    /// Notebooks that say otherwise.
    pub fn notebooks(&self, plugin: &str) -> Result<Vec<(String, bool)>, PluginError> {
        Ok(self.inner.system.plugin_notebooks(plugin)?)
    }

    /// The permissions that it wants, and those that it has.
    pub fn permissions(&self, plugin: &Plugin, workspace: &str) -> Result<Vec<Granted>, PluginError> {
        let row = self.inner.system.plugin(workspace, plugin.id())?;
        let list = |json: &str| serde_json::from_str(json).unwrap_or_default();
        let withheld: Vec<Permission> =
            row.as_ref().and_then(|row| serde_json::from_str(&row.withheld).ok()).unwrap_or_default();
        let shown: Option<Vec<Wish>> = row.as_ref().map(|row| list(&row.wishes));
        let granted = plugin.manifest.wishes().into_iter().map(|wish| Granted {
            granted: !withheld.contains(&wish.permission),
            is_new: shown.as_ref().is_some_and(|shown| !shown.iter().any(|before| before.covers(&wish))),
            wish,
        });
        Ok(granted.collect())
    }

    /// Says no unless the plugin runs there and has the permission. Every call passes here, and is counted.
    pub fn may(
        &self,
        id: &str,
        scope: &Scope,
        call: &str,
        permission: Permission,
        fits: impl Fn(&Wish) -> Result<(), String>,
    ) -> Result<Arc<Plugin>, PluginError> {
        let answer = self.allowed(id, scope, call, permission, fits);
        let mut tally = lock(&self.inner.tally);
        match &answer {
            Ok(_) => tally.done(id),
            Err(why) => tally.refused(id, call, &why.to_string()),
        }
        answer
    }

    fn allowed(
        &self,
        id: &str,
        scope: &Scope,
        call: &str,
        permission: Permission,
        fits: impl Fn(&Wish) -> Result<(), String>,
    ) -> Result<Arc<Plugin>, PluginError> {
        let plugin = self.running(id, scope)?;
        let refused = |reason: String| PluginError::NotPermitted {
            plugin: id.to_owned(),
            what: format!("{call} ({})", permission.name()),
            reason,
        };
        let wishes = self.permissions(&plugin, &scope.workspace)?;
        let mut of_kind = wishes.iter().filter(|one| one.wish.permission == permission).peekable();
        if of_kind.peek().is_none() {
            return Err(refused(format!("its manifest does not ask for {}", permission.name())));
        }
        let mut reason = format!("{} was not given to it", permission.name());
        for one in of_kind.filter(|one| one.granted) {
            match fits(&one.wish) {
                Ok(()) => return Ok(plugin),
                Err(why) => reason = why,
            }
        }
        Err(refused(reason))
    }

    /// A plugin that is on, with just the bytes that were enabled.
    pub fn running(&self, id: &str, scope: &Scope) -> Result<Arc<Plugin>, PluginError> {
        let plugin = self.find(id)?;
        let not_on = |reason: String| PluginError::NotOn { plugin: id.to_owned(), reason };
        match self.state(&plugin, scope)? {
            (State::On, _) => {}
            (State::Off, _) => {
                return Err(not_on("enable it under Settings, or with `codexd plugin enable`".into()));
            }
            (_, reason) => return Err(not_on(reason.unwrap_or_default())),
        }
        if !plugin.is_bundled() && plugin.files.hash().as_ref() != Ok(&plugin.hash) {
            self.changed();
            return Err(PluginError::Changed(id.to_owned()));
        }
        Ok(plugin)
    }

    /// All such plugins that run there, as [`Plugins::running`] has one: what was enabled is what is read, or nothing.
    fn all_running(
        &self,
        scope: &Scope,
        is_such: impl Fn(&manifest::Manifest) -> bool,
    ) -> Result<Vec<Arc<Plugin>>, PluginError> {
        let mut running = Vec::new();
        for plugin in self.catalogue().plugins.iter().filter(|plugin| is_such(&plugin.manifest)) {
            if self.state(plugin, scope)?.0 == State::On {
                running.extend(self.running(plugin.id(), scope).ok());
            }
        }
        Ok(running)
    }

    /// Notes a call that was not even tried, or was stopped, for reasons of the caller's.
    pub fn refuse(&self, id: &str, call: &str, reason: &str) {
        lock(&self.inner.tally).refused(id, call, reason);
    }

    /// What it did since the program was started.
    pub fn tally(&self, id: &str) -> (u64, u64, Vec<Refusal>) {
        lock(&self.inner.tally).of(id)
    }

    /// Its settings, with the defaults of those that nobody set. Secrets are not among them.
    pub fn config(&self, plugin: &Plugin, workspace: &str) -> Result<Map<String, Value>, PluginError> {
        let written = self.inner.system.plugin_config(workspace, plugin.id())?;
        let mut config: Map<String, Value> =
            written.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        for property in plugin.manifest.properties.iter().filter(|one| !one.secure) {
            // Where a service is asked instead of where the plugin says is for the user of this device to say.
            let is_address = property.name == "base_url";
            if !property.default.is_null() && !is_address && !config.contains_key(&property.name) {
                config.insert(property.name.clone(), property.default.clone());
            }
        }
        Ok(config)
    }

    /// Sets some; `null` takes one away.
    pub fn set_config(
        &self,
        plugin: &Plugin,
        workspace: &str,
        changes: &Map<String, Value>,
    ) -> Result<(), PluginError> {
        let written = self.inner.system.plugin_config(workspace, plugin.id())?;
        let mut config: Map<String, Value> =
            written.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        for (key, value) in changes {
            let known = plugin.manifest.properties.iter().find(|one| one.name == *key);
            match known {
                _ if key == "base_url" && plugin.manifest.integration.is_some() => check_address(value)?,
                Some(property) if !property.secure => check_setting(property, value)?,
                Some(_) => {
                    let say = format!(
                        "`{key}` is a secret: set it among `secrets`, or with `codexd plugin secret {} {key}`",
                        plugin.id()
                    );
                    return Err(PluginError::Refused(say));
                }
                None => {
                    let say = format!("the plugin `{}` has no setting `{key}`", plugin.id());
                    return Err(PluginError::Refused(say));
                }
            }
            match value {
                Value::Null => config.remove(key),
                value => config.insert(key.clone(), value.clone()),
            };
        }
        self.inner.system.set_plugin_config(workspace, plugin.id(), &json_of(&config))?;
        self.changed();
        self.inner.system.forget_plugin_answers(workspace, plugin.id())?;
        Ok(())
    }

    /// Copies a folder into the plugin folder. It is not enabled.
    pub fn add(&self, from: &Path) -> Result<Arc<Plugin>, PluginError> {
        let from = from.canonicalize().map_err(|why| {
            PluginError::Refused(format!(
                "cannot read {}: {why}; name a folder with a manifest",
                from.display()
            ))
        })?;
        let plugin =
            catalogue::read_one(&from).map_err(|problems| PluginError::Refused(in_words(&problems)))?;
        let id = plugin.id().to_owned();
        let place = self.inner.folder.join(&id);
        if from.starts_with(&self.inner.folder) {
            return Err(PluginError::Refused(format!(
                "{} lies in the plugin folder already",
                from.display()
            )));
        }
        let fresh = self.inner.folder.join(format!(".{id}.new"));
        let _ = fs::remove_dir_all(&fresh);
        for (name, path) in files::listed(&from).map_err(PluginError::Refused)? {
            let to = fresh.join(&name);
            let parent = to.parent().unwrap_or(&fresh).to_owned();
            fs::create_dir_all(&parent).map_err(io_error("make", &parent))?;
            fs::copy(&path, &to).map_err(io_error("write", &to))?;
        }
        let old = self.inner.folder.join(format!(".{id}.old"));
        let _ = fs::remove_dir_all(&old);
        if place.exists() {
            fs::rename(&place, &old).map_err(io_error("replace", &place))?;
        }
        fs::rename(&fresh, &place).map_err(io_error("write", &place))?;
        let _ = fs::remove_dir_all(&old);
        *lock(&self.inner.catalogue) = None;
        self.changed();
        let catalogue = self.catalogue();
        let added = catalogue
            .plugins
            .iter()
            .chain(&catalogue.waiting)
            .find(|one| one.files == files::Files::Folder(place.clone()));
        added.cloned().ok_or(PluginError::Unknown(id))
    }

    /// Removes one that is not bundled, with all that was said of it.
    pub fn remove(&self, id: &str) -> Result<(), PluginError> {
        let catalogue = self.catalogue();
        let own = catalogue
            .plugins
            .iter()
            .chain(&catalogue.waiting)
            .find(|one| one.id() == id && !one.is_bundled());
        let plugin = own.cloned().map_or_else(|| self.find(id), Ok)?;
        let files::Files::Folder(folder) = &plugin.files else {
            let say = format!("the plugin `{id}` is part of this program; it can be disabled, not removed");
            return Err(PluginError::Refused(say));
        };
        fs::remove_dir_all(folder).map_err(io_error("remove", folder))?;
        self.inner.system.forget_plugin(id)?;
        *lock(&self.inner.catalogue) = None;
        self.changed();
        Ok(())
    }
}

fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

fn io_error<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PluginError + 'a {
    move |source| PluginError::Io { doing, path: path.display().to_string(), source }
}

/// All problems, a line each.
pub fn in_words(problems: &[Problem]) -> String {
    problems.iter().map(in_a_line).collect::<Vec<_>>().join("\n")
}

/// A problem, with where.
pub fn in_a_line(problem: &Problem) -> String {
    let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
    let key = problem.key.as_ref().map(|key| format!(" ({key})")).unwrap_or_default();
    format!("{}{line}{key}: {}", problem.file, problem.message)
}

/// An address that a service may have.
fn check_address(value: &Value) -> Result<(), PluginError> {
    let refused = |why: &str| PluginError::Refused(format!("`base_url` cannot be {value}: {why}"));
    let text = match value {
        Value::Null => return Ok(()),
        Value::String(text) => text,
        _ => return Err(refused("it is the address of a service, as in `https://api.example.org`")),
    };
    let url = reqwest::Url::parse(text).map_err(|why| refused(&format!("it is no address ({why})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(refused("a service is asked by http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("a name or a password does not belong into it; secrets are set apart"));
    }
    Ok(())
}

fn check_setting(property: &manifest::Property, value: &Value) -> Result<(), PluginError> {
    if value.is_null() {
        return Ok(());
    }
    let fits = match property.kind.as_str() {
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" | "list" | "tags" => value.is_array(),
        "object" => value.is_object(),
        _ => value.is_string(),
    };
    let wanted = if property.kind.is_empty() { "string" } else { &property.kind };
    if !fits {
        let say = format!("the setting `{}` is {value}; it must be of type {wanted}", property.name);
        return Err(PluginError::Refused(say));
    }
    if !property.values.is_empty() && !property.values.contains(value) {
        let say = format!(
            "the setting `{}` is {value}; it must be one of {}",
            property.name,
            property.values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
        );
        return Err(PluginError::Refused(say));
    }
    Ok(())
}
