//! The manifest of a plugin: what is written, checked against `plugins/manifest.schema.json`, which is its documentation too.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use reqwest::Url;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::advice;
use super::files::{self, Files};
use super::lines;
use super::permission::{self, Wish};
use super::schema;
use super::templates;
use crate::signs;

/// The version of the interface between plugins and this program.
pub const INTERFACE: Version = Version::new(1, 0, 0);

const SCHEMA: &str = include_str!("../../../plugins/manifest.schema.json");

static AS_JSON: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(SCHEMA).expect("the schema in this program is JSON"));

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&AS_JSON).expect("the schema in this program is one"));

/// What a manifest is checked against, and which keys there are.
pub fn schema() -> &'static Value {
    &AS_JSON
}

/// The same of one key of a `config_schema`.
pub fn field() -> &'static Value {
    &AS_JSON["properties"]["views"]["items"]["properties"]["config_schema"]["additionalProperties"]
}

/// What is wrong with a plugin, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The key in it: `views/0/id`.
    pub key: Option<String>,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A view of entries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ViewKind {
    /// What `view_type` of a `.cdx` says.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// A sign for it.
    pub icon: String,
    /// The keys of `config`.
    pub config_schema: Map<String, Value>,
    /// Its script; none: the program's own view of this id is used.
    pub script: Option<String>,
    /// Its style sheet.
    pub style: Option<String>,
}

/// A block in Markdown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct BlockKind {
    /// The word behind the fence.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// A sign for it.
    pub icon: String,
    /// Whether an address on a line of its own becomes this block.
    pub auto_detect: bool,
    /// Regular expressions over such addresses.
    pub url_patterns: Vec<String>,
    /// The keys of the block.
    pub config_schema: Map<String, Value>,
    /// Its script.
    pub script: Option<String>,
    /// Its style sheet.
    pub style: Option<String>,
}

/// A theme.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Theme {
    /// What people call it.
    pub display_name: String,
    /// `light`, `dark` or `both`.
    pub category: String,
    /// The class that the page has while it is chosen.
    #[serde(rename(deserialize = "className"))]
    pub class_name: String,
    /// Its style sheet.
    pub stylesheet: String,
    /// Swatches.
    pub colors: BTreeMap<String, String>,
}

/// Where a template of a plugin is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct TemplateFile {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A sign for it.
    pub icon: String,
    /// A YAML file.
    pub file: String,
    /// The name of an entry made of it.
    pub default_name: Option<String>,
    /// What that ends with.
    pub file_extension: Option<String>,
}

/// A view to start from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Example {
    /// What people call it.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// A `.cdx` file of the plugin.
    pub file: String,
}

/// One setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Property {
    /// Its key.
    pub name: String,
    /// Of which type it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is for.
    pub description: String,
    /// Whether it must be set.
    pub required: bool,
    /// What it is while nobody sets it.
    pub default: Value,
    /// The values that it may have.
    #[serde(rename = "enum")]
    pub values: Vec<Value>,
    /// Whether it is a secret: written, never read.
    pub secure: bool,
    /// How it is asked for.
    pub ui: Map<String, Value>,
}

/// A service that is called.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Integration {
    /// What every path is put behind.
    pub base_url: String,
    /// How a secret is sent.
    pub auth_method: String,
    /// Which one.
    pub auth_secret: Option<String>,
    /// Where a token comes from.
    pub oauth: Option<OAuth>,
    /// The endpoint that shows whether the settings work.
    pub test_endpoint: Option<String>,
    /// How often it is called at most.
    pub rate_limit: RateLimit,
}

/// Where a token comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct OAuth {
    /// Where the user says yes.
    pub authorize_url: String,
    /// Where the code becomes a token.
    pub token_url: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Where a token is given back (RFC 7009).
    pub revoke_url: Option<String>,
}

/// Requests at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RateLimit {
    /// In a minute.
    pub requests_per_minute: Option<u32>,
    /// In an hour.
    pub requests_per_hour: Option<u32>,
    /// In a day.
    pub requests_per_day: Option<u32>,
}

/// A request that can be made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it answers.
    pub description: String,
    /// How it is asked.
    pub method: Option<String>,
    /// Behind the base address; none: the daemon does it itself.
    pub path: Option<String>,
    /// So many seconds an answer is good.
    pub cache_ttl: u64,
    /// What it answers with.
    pub response_type: Option<String>,
    /// What is sent with it.
    pub parameters: Vec<Parameter>,
}

/// What is sent with a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Of which type it is.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Whether there must be one.
    pub required: bool,
    /// What it is if nobody says it.
    pub default: Value,
    /// The setting that it comes from.
    pub from_config: Option<String>,
}

/// Code: an importer makes entries of a file, an exporter files of entries, a transformer another text of one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Code {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it makes.
    pub description: String,
    /// Its script.
    pub script: String,
    /// What names of its files end with. An exporter takes any.
    pub extensions: Vec<String>,
}

/// All that a manifest says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Three numbers.
    pub version: String,
    /// What it mainly is.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is for.
    pub description: String,
    /// Who made it.
    pub author: String,
    /// Its licence.
    pub license: String,
    codex_version: Option<String>,
    /// Plugins that it needs, with a range of versions.
    pub requires: BTreeMap<String, String>,
    permissions: Vec<Value>,
    /// A theme.
    pub theme: Option<Theme>,
    colors: BTreeMap<String, String>,
    /// Views.
    pub views: Vec<ViewKind>,
    /// Blocks.
    pub blocks: Vec<BlockKind>,
    /// Templates.
    pub templates: Vec<TemplateFile>,
    /// Examples.
    pub examples: Vec<Example>,
    /// Settings.
    pub properties: Vec<Property>,
    /// A service.
    pub integration: Option<Integration>,
    /// Requests.
    pub endpoints: Vec<Endpoint>,
    /// Importers.
    pub importers: Vec<Code>,
    /// Exporters.
    pub exporters: Vec<Code>,
    /// Transformers.
    pub transformers: Vec<Code>,
    /// What is not wrong, and will hardly do what was meant.
    #[serde(skip)]
    pub advice: Vec<Problem>,
    api_version: Value,
}

impl Manifest {
    /// What it wants to be allowed.
    pub fn wishes(&self) -> Vec<Wish> {
        self.permissions.iter().filter_map(permission::wish).collect()
    }

    /// The secret that goes with an endpoint's requests as `auth_method` says. Which one that is must be clear.
    pub fn auth_secret(&self, endpoint: &Endpoint) -> Result<Option<&str>, String> {
        let Some(integration) = &self.integration else { return Ok(None) };
        let method = integration.auth_method.as_str();
        if !matches!(method, "token" | "api_key") {
            return Ok(None);
        }
        let is_sent = |endpoint: &Endpoint, secret: &str| {
            endpoint.parameters.iter().any(|one| one.from_config.as_deref() == Some(secret))
        };
        let secrets: Vec<&str> =
            self.properties.iter().filter(|one| one.secure).map(|one| one.name.as_str()).collect();
        if let Some(named) = integration.auth_secret.as_deref() {
            let known = secrets.iter().find(|one| **one == named).copied();
            let known = known.ok_or_else(|| {
                format!(
                    "`{named}` is no secret; name a property with `secure: true`, of {}",
                    secrets.join(", ")
                )
            })?;
            return Ok(Some(known).filter(|known| method == "token" || !is_sent(endpoint, known)));
        }
        // A key that is a parameter is not sent a second time.
        if method == "api_key" && secrets.iter().any(|one| is_sent(endpoint, one)) {
            return Ok(None);
        }
        let mut others = secrets.clone();
        others.retain(|one| !self.endpoints.iter().any(|endpoint| is_sent(endpoint, one)));
        match (secrets.as_slice(), others.as_slice()) {
            ([], _) => Ok(None),
            ([one], _) | (_, [one]) => Ok(Some(one)),
            (all, _) => match all.iter().find(|one| **one == method) {
                Some(one) => Ok(Some(one)),
                None => Err(format!(
                    "which of the secrets {} is sent is not clear; name it with `auth_secret` in `integration`",
                    all.join(", ")
                )),
            },
        }
    }

    /// Hosts that its requests may reach. A manifest of the original names only where it asks.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self.wishes().into_iter().flat_map(|wish| wish.hosts).collect();
        if hosts.is_empty() {
            let base = self.integration.as_ref().and_then(|one| Url::parse(&one.base_url).ok());
            hosts.extend(base.and_then(|base| base.host_str().map(str::to_owned)));
        }
        hosts
    }

    /// Its code, with the key that it stands under.
    pub fn code(&self) -> [(&'static str, &[Code]); 3] {
        [
            ("importers", self.importers.as_slice()),
            ("exporters", self.exporters.as_slice()),
            ("transformers", self.transformers.as_slice()),
        ]
    }

    /// Its version.
    pub fn version(&self) -> Version {
        Version::parse(&self.version).unwrap_or(Version::new(0, 0, 0))
    }

    /// Why this program is none that it can work with.
    pub fn refuses(&self) -> Option<String> {
        let major = match &self.api_version {
            Value::Number(number) => number.as_f64().map(|number| number.trunc().to_string()),
            Value::String(text) => text.split('.').next().map(str::to_owned),
            _ => None,
        };
        let older = major.filter(|major| major.parse::<u64>().is_ok()).map(|major| format!("^{major}"));
        let range = self.codex_version.clone().or(older)?;
        let range = range.as_str();
        let fits = VersionReq::parse(range).is_ok_and(|range| range.matches(&INTERFACE));
        (!fits).then(|| format!("it needs version {range} of the interface for plugins; this is {INTERFACE}"))
    }

    /// Files that it names, with where.
    fn names(&self) -> Vec<(String, String)> {
        let mut names: Vec<(String, Option<&String>)> = Vec::new();
        for (at, view) in self.views.iter().enumerate() {
            names.push((format!("/views/{at}/script"), view.script.as_ref()));
            names.push((format!("/views/{at}/style"), view.style.as_ref()));
        }
        for (at, block) in self.blocks.iter().enumerate() {
            names.push((format!("/blocks/{at}/script"), block.script.as_ref()));
            names.push((format!("/blocks/{at}/style"), block.style.as_ref()));
        }
        let files = self.templates.iter().map(|template| &template.file).enumerate();
        names.extend(files.map(|(at, file)| (format!("/templates/{at}/file"), Some(file))));
        for (kind, code) in self.code() {
            let files = code.iter().map(|one| &one.script).enumerate();
            names.extend(files.map(|(at, file)| (format!("/{kind}/{at}/script"), Some(file))));
        }
        names.push(("/theme/stylesheet".to_owned(), self.theme.as_ref().map(|theme| &theme.stylesheet)));
        names.into_iter().filter_map(|(pointer, name)| Some((pointer, name?.clone()))).collect()
    }
}

/// The first sign that would steer whatever shows it, with where; of what must be one line, an end of line too.
fn steering(value: &Value, pointer: String) -> Option<(String, char)> {
    let in_text = |text: &str| text.chars().find(|sign| signs::steers(*sign));
    match value {
        Value::String(text) => {
            let one_line = pointer.starts_with("/permissions")
                || matches!(pointer.as_str(), "/id" | "/name" | "/version" | "/author");
            let sign = in_text(text).or_else(|| text.chars().find(|sign| one_line && sign.is_control()));
            sign.map(|sign| (pointer, sign))
        }
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(at, one)| steering(one, format!("{pointer}/{at}")))
        }
        Value::Object(map) => map.iter().find_map(|(key, one)| match in_text(key) {
            Some(sign) => Some((pointer.clone(), sign)),
            None => steering(one, format!("{pointer}/{key}")),
        }),
        _ => None,
    }
}

/// As the original wrote manifests: a key without a value is none, and methods have any case.
fn lenient(mut value: Value) -> Value {
    if let Value::Object(map) = &mut value {
        map.retain(|_, value| !value.is_null());
        for endpoint in map.get_mut("endpoints").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(method) = endpoint["method"].as_str().map(str::to_uppercase) {
                endpoint["method"] = Value::String(method);
            }
        }
    }
    value
}

/// What to write for a version that is none: `1.0` is a number, and has two.
fn of_the_version(pointer: &str, value: &Value) -> Option<String> {
    let given = (pointer == "/version").then(|| &value["version"])?;
    let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    let mut numbers: Vec<&str> = given.split('.').collect();
    let are_numbers = numbers.iter().all(|one| one.parse::<u32>().is_ok());
    numbers.resize(3, "0");
    let instead = if are_numbers { numbers.join(".") } else { "1.0.0".to_owned() };
    Some(format!("it is `{given}`; a version is three numbers: write `\"{instead}\"`"))
}

/// Reads the manifest of a plugin. What is wrong with it makes none; all of it is named at once.
pub fn read(files: &Files, name: &str) -> Result<Manifest, Vec<Problem>> {
    let file = files.shown(name);
    let one = |message: String, line| vec![Problem { file: file.clone(), key: None, line, message }];
    let text = files::manifest_text(files, name).map_err(|message| one(message, None))?;
    let read = lines::read(&text).map_err(|(message, line)| one(message, line))?;
    let at = |pointer: &str, message: String| Problem {
        file: file.clone(),
        key: Some(pointer.trim_start_matches('/').to_owned()).filter(|key| !key.is_empty()),
        line: read.line(pointer),
        message,
    };
    if let Some((pointer, sign)) = steering(&read.value, String::new()) {
        let sign = sign.escape_unicode();
        return Err(vec![at(
            &pointer,
            format!("it has the sign {sign}, which shows as something else than it is"),
        )]);
    }
    let value = lenient(read.value.clone());
    let faults = schema::faults(&VALIDATOR, &value);
    if !faults.is_empty() {
        let said = faults.into_iter().map(|fault| {
            let message = of_the_version(&fault.pointer, &value).unwrap_or(fault.message);
            at(&fault.pointer, message)
        });
        return Err(said.collect());
    }
    let mut manifest: Manifest =
        serde_json::from_value(value).map_err(|why| one(format!("it cannot be read: {why}"), None))?;
    let mut problems = Vec::new();
    for (id, range) in &manifest.requires {
        if VersionReq::parse(range).is_err() {
            problems.push(at(
                &format!("/requires/{id}"),
                format!("`{range}` is no range of versions; write `>=1.0.0` or `^1.2`"),
            ));
        }
    }
    if let Some(range) = &manifest.codex_version
        && VersionReq::parse(range).is_err()
    {
        problems.push(at(
            "/codex_version",
            format!("`{range}` is no range of versions; write `>=1.0.0` or `^1`"),
        ));
    }
    if let Some(why) = manifest.endpoints.iter().find_map(|one| manifest.auth_secret(one).err()) {
        let named = manifest.integration.as_ref().is_some_and(|one| one.auth_secret.is_some());
        let key = if named { "auth_secret" } else { "auth_method" };
        problems.push(at(&format!("/integration/{key}"), why));
    }
    for (pointer, name) in manifest.names() {
        if let Err(why) = files::inside(&name).and_then(|name| files.read(&name).map(drop)) {
            problems.push(at(&pointer, why));
        }
    }
    if problems.is_empty() {
        for template in &manifest.templates {
            if let Err((message, line)) = templates::read(files, template) {
                problems.push(Problem { file: files.shown(&template.file), key: None, line, message });
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    manifest.advice = advice::on(&manifest, files, &read)
        .into_iter()
        .map(|(pointer, message)| at(&pointer, message))
        .collect();
    for template in &manifest.templates {
        let unknown = templates::unknown(files, template).into_iter();
        let shown = files.shown(&template.file);
        manifest.advice.extend(unknown.map(|(key, message, line)| Problem {
            file: shown.clone(),
            key: Some(key),
            line,
            message,
        }));
    }
    if let Some(theme) = &mut manifest.theme {
        if theme.class_name.is_empty() {
            theme.class_name = format!("theme-{}", manifest.id);
        }
        if theme.colors.is_empty() {
            theme.colors = std::mem::take(&mut manifest.colors);
        }
    }
    Ok(manifest)
}
