//! All plugins that are here, in the order in which they are loaded: what one needs comes before it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use semver::VersionReq;

use super::advice;
use super::files::{self, Files};
use super::manifest::{self, Manifest, Problem};
use super::permission::Permission;

/// One plugin.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// What its manifest says.
    pub manifest: Manifest,
    /// Its files.
    pub files: Files,
    /// Over all of them.
    pub hash: String,
    /// Why it cannot run here.
    pub blocked: Option<String>,
}

impl Plugin {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.manifest.id
    }

    /// Whether it is part of the program.
    pub fn is_bundled(&self) -> bool {
        matches!(self.files, Files::Bundled(_))
    }

    /// Whether it is on while nobody said anything: it is ours, and reaches nothing outside.
    pub fn is_on_by_itself(&self) -> bool {
        let reaches_out = |permission| permission == Permission::NetworkRequest;
        self.is_bundled() && !self.manifest.wishes().iter().any(|wish| reaches_out(wish.permission))
    }
}

/// All of them, and what is wrong with those that are none.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// In the order in which they are loaded.
    pub plugins: Vec<Arc<Plugin>>,
    /// Those whose id another one has that was there before: they take its place when somebody enables just them.
    pub waiting: Vec<Arc<Plugin>>,
    /// Files that are no plugins, with what is wrong.
    pub problems: Vec<Problem>,
    seen: Seen,
}

/// Names, sizes and times of the files of a folder: whether something changed.
type Seen = BTreeMap<String, (u64, Option<SystemTime>)>;

/// Those of the program; they do not change while it runs.
static BUNDLED: LazyLock<Found> = LazyLock::new(|| load(files::bundled()));

#[derive(Debug, Clone, Default)]
struct Found {
    plugins: Vec<Plugin>,
    problems: Vec<Problem>,
}

impl Catalogue {
    /// Those of the program and those in a folder. Of several of one id that one counts which is pinned, else the program's, else
    /// the first.
    pub fn read(folder: &Path, is_pinned: &dyn Fn(&str, &str) -> bool) -> Self {
        let seen = seen(folder);
        let Found { mut plugins, mut problems } = BUNDLED.clone();
        let own = load(files::installed(folder));
        problems.extend(own.problems);
        let own = with_advice(own.plugins);
        if let Some(name) = files::manifest_in(folder) {
            let message = "this is the folder of all plugins; put the files of one into a folder of its own";
            let file = folder.join(name).display().to_string();
            problems.push(Problem { file, key: None, line: None, message: message.to_owned() });
        }
        let mut waiting: Vec<Plugin> = Vec::new();
        for mut plugin in own {
            if let Some(other) = plugins.iter_mut().find(|other| other.id() == plugin.id()) {
                let takes = |one: &Plugin| !one.is_bundled() && is_pinned(one.id(), &one.hash);
                if takes(&plugin) && !takes(other) {
                    std::mem::swap(other, &mut plugin);
                }
                problems.extend((!plugin.is_bundled()).then(|| waits(&plugin, other)));
                waiting.push(plugin);
            } else {
                plugins.push(plugin);
            }
        }
        waiting.retain(|plugin| !plugin.is_bundled());
        let shared = |plugins: Vec<Plugin>| plugins.into_iter().map(Arc::new).collect();
        Self { plugins: shared(ordered(plugins)), waiting: shared(waiting), problems, seen }
    }

    /// Whether it is what the folder holds now.
    pub fn is_current(&self, folder: &Path) -> bool {
        seen(folder) == self.seen
    }

    /// One of them.
    pub fn find(&self, id: &str) -> Option<Arc<Plugin>> {
        self.plugins.iter().find(|plugin| plugin.id() == id).cloned()
    }
}

fn waits(plugin: &Plugin, other: &Plugin) -> Problem {
    let (id, hash) = (plugin.id(), &plugin.hash);
    Problem {
        file: plugin.files.shown(""),
        key: Some("id".to_owned()),
        line: None,
        message: format!(
            "a plugin `{id}` is there already ({}); give this one another id, or put it in the other's place: \
             `codexd plugin enable {id} --hash {hash}`",
            other.files.shown("")
        ),
    }
}

/// Whether a plugin of the program has this id.
pub fn is_bundled(id: &str) -> bool {
    BUNDLED.plugins.iter().any(|plugin| plugin.id() == id)
}

/// The plugin in a folder.
pub fn read_one(folder: &Path) -> Result<Plugin, Vec<Problem>> {
    let not_one = |message: String| {
        vec![Problem { file: folder.display().to_string(), key: None, line: None, message }]
    };
    if folder.is_file() {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new(".")).display();
        return Err(not_one(format!("this is a file; give the folder of the plugin: {parent}")));
    }
    if !folder.is_dir() {
        return Err(not_one("there is no such folder".to_owned()));
    }
    let Some(name) = files::manifest_in(folder) else {
        let message = format!("there is no manifest in it; make one of {}", files::MANIFESTS.join(", "));
        return Err(not_one(message));
    };
    let plugin = read_plugin(Files::Folder(folder.to_owned()), name)?;
    let mut all = with_advice(vec![plugin]);
    all.pop().ok_or_else(|| not_one("it holds no plugin".to_owned()))
}

/// What is said of their examples too: whose views these show is known only now.
fn with_advice(mut own: Vec<Plugin>) -> Vec<Plugin> {
    if own.iter().all(|plugin| plugin.manifest.examples.is_empty()) {
        return own;
    }
    let known: Vec<Arc<Plugin>> = BUNDLED.plugins.iter().chain(&own).cloned().map(Arc::new).collect();
    for plugin in &mut own {
        let found = advice::examples::on(plugin, &known);
        plugin.manifest.advice.extend(found);
    }
    own
}

fn read_plugin(files: Files, name: &str) -> Result<Plugin, Vec<Problem>> {
    let manifest = manifest::read(&files, name)?;
    let hash = files
        .hash()
        .map_err(|message| vec![Problem { file: files.shown(name), key: None, line: None, message }])?;
    let blocked = manifest.refuses();
    Ok(Plugin { manifest, files, hash, blocked })
}

fn load(places: Vec<(Files, String)>) -> Found {
    let mut found = Found::default();
    for (files, name) in places {
        match read_plugin(files, &name) {
            Ok(plugin) => found.plugins.push(plugin),
            Err(problems) => found.problems.extend(problems),
        }
    }
    found
}

/// What one needs comes before it. What needs something that is not here, or itself in the end, is blocked.
fn ordered(plugins: Vec<Plugin>) -> Vec<Plugin> {
    let mut waiting: BTreeMap<String, Plugin> =
        plugins.into_iter().map(|plugin| (plugin.id().to_owned(), plugin)).collect();
    let versions: BTreeMap<String, semver::Version> =
        waiting.iter().map(|(id, plugin)| (id.clone(), plugin.manifest.version())).collect();
    for plugin in waiting.values_mut() {
        if plugin.blocked.is_none() {
            plugin.blocked = missing(plugin, &versions);
        }
    }
    let mut done: Vec<Plugin> = Vec::new();
    let mut ready: BTreeSet<String> = BTreeSet::new();
    while !waiting.is_empty() {
        let next = waiting
            .iter()
            .find(|(_, plugin)| {
                plugin.blocked.is_some() || plugin.manifest.requires.keys().all(|id| ready.contains(id))
            })
            .map(|(id, _)| id.clone());
        let Some(next) = next else { break };
        if let Some(mut plugin) = waiting.remove(&next) {
            let off = plugin
                .manifest
                .requires
                .keys()
                .find(|id| done.iter().any(|other| other.id() == id.as_str() && other.blocked.is_some()));
            if let (None, Some(off)) = (&plugin.blocked, off) {
                plugin.blocked = Some(format!("it needs the plugin `{off}`, which cannot run here"));
            }
            ready.insert(next);
            done.push(plugin);
        }
    }
    let circle: Vec<String> = waiting.keys().cloned().collect();
    done.extend(waiting.into_values().map(|mut plugin| {
        plugin.blocked = Some(format!("plugins need one another in a circle: {}", circle.join(", ")));
        plugin
    }));
    done
}

fn missing(plugin: &Plugin, versions: &BTreeMap<String, semver::Version>) -> Option<String> {
    plugin.manifest.requires.iter().find_map(|(id, range)| match versions.get(id) {
        None => Some(format!("it needs the plugin `{id}` ({range}), which is not here")),
        Some(version) => {
            let fits = VersionReq::parse(range).is_ok_and(|range| range.matches(version));
            (!fits).then(|| format!("it needs the plugin `{id}` {range}; here is {version}"))
        }
    })
}

fn seen(folder: &Path) -> Seen {
    let mut seen = Seen::new();
    look(folder, "", 0, &mut seen);
    seen
}

fn look(folder: &Path, start: &str, depth: usize, seen: &mut Seen) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(stat) = entry.metadata() else { continue };
        let name = format!("{start}{}", entry.file_name().to_string_lossy());
        if seen.len() >= 20_000 {
            return;
        }
        if stat.is_dir() && depth < 12 {
            look(&entry.path(), &format!("{name}/"), depth + 1, seen);
        } else {
            seen.insert(name, (stat.len(), stat.modified().ok()));
        }
    }
}
