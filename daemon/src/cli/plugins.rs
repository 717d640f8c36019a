//! `plugin`: what is installed on this device, what of it is enabled, and a folder to begin with.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{self, Output, line, text};
use crate::plugins::code::{self, Faults};
use crate::plugins::{self, catalogue, files};

/// About plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// What is here, and what of it is on.
    #[command(after_help = "Example:\n  codexd plugin list\n  codexd plugin list --notebook lab")]
    List(WhereArgs),
    /// Begin a plugin: a folder with a manifest that works.
    #[command(after_help = "Example:\n  codexd plugin new board --kind view")]
    New {
        /// The folder to make; its name becomes the plugin's id.
        folder: PathBuf,
        /// What it brings.
        #[arg(long, value_enum, default_value_t = Kind::View)]
        kind: Kind,
    },
    /// Say what is wrong with a plugin, with file, key and line. Works without a daemon.
    #[command(after_help = "Example:\n  codexd plugin check board")]
    Check {
        /// Its folder.
        folder: PathBuf,
    },
    /// Copy a folder into the plugin folder of this device. It is not enabled.
    #[command(after_help = "Example:\n  codexd plugin add board")]
    Add {
        /// Its folder.
        folder: PathBuf,
    },
    /// Remove a plugin from this device, with its settings and secrets.
    #[command(after_help = "Example:\n  codexd plugin remove board")]
    Remove {
        /// Its id.
        id: String,
    },
    /// Show what a plugin may do, and let it run on this device.
    #[command(
        after_help = "Example:\n  codexd plugin enable board\n  codexd plugin enable github --without render_blocks --yes"
    )]
    Enable(EnableArgs),
    /// Stop it from running.
    #[command(after_help = "Example:\n  codexd plugin disable board")]
    Disable {
        /// Its id.
        id: String,
        /// Where.
        #[command(flatten)]
        at: WhereArgs,
    },
    /// Say its settings, or set some.
    #[command(
        after_help = "Example:\n  codexd plugin set weather-api units=metric\n  codexd plugin set weather-api"
    )]
    Set {
        /// Its id.
        id: String,
        /// `key=value`; `key=` takes it away. JSON, or text.
        settings: Vec<String>,
        /// For which workspace.
        #[arg(long, value_name = "WORKSPACE")]
        workspace: Option<String>,
    },
    /// Set a secret: asked for on the terminal, or read from standard input. It is never shown again.
    #[command(after_help = "Example:\n  codexd plugin secret github token < token.txt")]
    Secret {
        /// Its id.
        id: String,
        /// The secret's name.
        name: String,
        /// Forget it.
        #[arg(long)]
        forget: bool,
        /// For which workspace.
        #[arg(long, value_name = "WORKSPACE")]
        workspace: Option<String>,
    },
    /// Sign in at a plugin's service: prints what to open in a browser on this machine.
    #[command(name = "sign-in", after_help = "Example:\n  codexd plugin sign-in google-calendar")]
    SignIn {
        /// Its id.
        id: String,
        /// For which workspace.
        #[arg(long, value_name = "WORKSPACE")]
        workspace: Option<String>,
    },
    /// Forget a sign-in and what was asked with it.
    #[command(name = "sign-out", after_help = "Example:\n  codexd plugin sign-out google-calendar")]
    SignOut {
        /// Its id.
        id: String,
        /// For which workspace.
        #[arg(long, value_name = "WORKSPACE")]
        workspace: Option<String>,
    },
}

/// What a plugin brings.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// A view of entries.
    View,
    /// A theme.
    Theme,
    /// Requests to a service.
    Integration,
    /// Code that makes entries of files.
    Importer,
    /// Code that makes files of entries.
    Exporter,
    /// Code that changes entries.
    Transformer,
    /// A block in notes.
    Block,
    /// A template of entries.
    Template,
}

/// For whom.
#[derive(Debug, Clone, Default, Args)]
pub struct WhereArgs {
    /// In this workspace.
    #[arg(long, value_name = "WORKSPACE")]
    pub workspace: Option<String>,
    /// Only in this notebook: id, slug or name.
    #[arg(long, value_name = "NOTEBOOK")]
    pub notebook: Option<String>,
}

/// How to enable.
#[derive(Debug, Args)]
pub struct EnableArgs {
    /// Its id.
    pub id: String,
    /// Where.
    #[command(flatten)]
    pub at: WhereArgs,
    /// A permission that it does not get.
    #[arg(long, value_name = "PERMISSION")]
    pub without: Vec<String>,
    /// Just the one with this content: `plugin list` names it where two plugins have one id.
    #[arg(long)]
    pub hash: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// `plugin …`.
pub async fn run(home: Option<&Path>, out: Output, command: PluginCommand) -> Result<(), Failure> {
    let client = || Client::find(home);
    match command {
        PluginCommand::New { folder, kind } => begin(&folder, kind),
        PluginCommand::Check { folder } => check(&folder, out),
        PluginCommand::List(at) => list(&client()?, out, &at).await,
        PluginCommand::Add { folder } => {
            let path = folder
                .canonicalize()
                .map_err(|why| Failure::new(format!("cannot read {}: {why}", folder.display())))?;
            let added = client()?.post("/plugins", &json!({"path": path})).await?;
            out.show(&added, |plugin| {
                let id = text(plugin, "id");
                format!(
                    "{id} {} is installed; `codexd plugin enable {id}` shows what it may do, and asks",
                    text(plugin, "version")
                )
            });
            Ok(())
        }
        PluginCommand::Remove { id } => {
            client()?.delete(&format!("/plugins/{}", escape(&id))).await?;
            out.show(&json!({"removed": id}), |_| format!("{id} is removed from this device"));
            Ok(())
        }
        PluginCommand::Enable(args) => enable(&client()?, out, args).await,
        PluginCommand::Disable { id, at } => {
            let change = json!({"enabled": false, "workspace": at.workspace, "notebook": at.notebook});
            let plugin = client()?.put(&format!("/plugins/{}", escape(&id)), &change).await?;
            out.show(&plugin, |_| format!("{id} is off"));
            Ok(())
        }
        PluginCommand::Set { id, settings, workspace } => {
            set(&client()?, out, &id, &settings, workspace).await
        }
        PluginCommand::Secret { id, name, forget, workspace } => {
            let value = if forget { Value::Null } else { json!(secret(&name)?) };
            let change = json!({"secrets": {name.clone(): value}, "workspace": workspace});
            let plugin = client()?.put(&format!("/plugins/{}", escape(&id)), &change).await?;
            out.show(&plugin, |_| {
                format!("the secret `{name}` of {id} is {}", if forget { "forgotten" } else { "set" })
            });
            Ok(())
        }
        PluginCommand::SignIn { id, workspace } => {
            let begun = client()?.post(&sign_in_path(&id, workspace.as_deref()), &json!({})).await?;
            out.show(&begun, |begun| {
                format!(
                    "open this in a browser on this machine, before {}:\n{}",
                    text(begun, "until"),
                    text(begun, "url")
                )
            });
            Ok(())
        }
        PluginCommand::SignOut { id, workspace } => {
            client()?.delete(&sign_in_path(&id, workspace.as_deref())).await?;
            out.show(&json!({"signed_out": id}), |_| format!("{id} is signed out"));
            Ok(())
        }
    }
}

fn sign_in_path(id: &str, workspace: Option<&str>) -> String {
    let id = escape(id);
    match workspace {
        Some(workspace) => format!("/plugins/{id}/sign-in?workspace={}", escape(workspace)),
        None => format!("/plugins/{id}/sign-in"),
    }
}

fn query(at: &WhereArgs) -> String {
    let part =
        |key: &str, value: &Option<String>| value.as_ref().map(|value| format!("{key}={}", escape(value)));
    let parts: Vec<String> =
        [part("workspace", &at.workspace), part("notebook", &at.notebook)].into_iter().flatten().collect();
    format!("/plugins?{}", parts.join("&"))
}

async fn list(client: &Client, out: Output, at: &WhereArgs) -> Result<(), Failure> {
    let page = client.get(&query(at)).await?;
    out.show(&page, |page| {
        let mut lines: Vec<String> = page["plugins"].as_array().into_iter().flatten().map(listed).collect();
        for problem in page["problems"].as_array().into_iter().flatten() {
            let place = match problem["line"].as_u64() {
                Some(line) => format!("{}:{line}", text(problem, "file")),
                None => text(problem, "file").to_owned(),
            };
            let key = problem["key"].as_str().map(|key| format!(" ({key})")).unwrap_or_default();
            lines.push(format!("not loaded: {place}{key}: {}", text(problem, "message")));
        }
        lines.push(format!("own plugins lie in {}", text(page, "folder")));
        lines.join("\n")
    });
    Ok(())
}

fn listed(plugin: &Value) -> String {
    let origin = if plugin["bundled"] == json!(true) { "bundled" } else { "own" };
    let mut line = format!(
        "{:<8} {:<18} {:<8} {origin:<8} {}",
        text(plugin, "state"),
        text(plugin, "id"),
        text(plugin, "version"),
        text(plugin, "name")
    );
    if let Some(reason) = plugin["reason"].as_str() {
        line.push_str(&format!("\n         {reason}"));
    }
    for name in plugin["secrets_again"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let id = text(plugin, "id");
        line.push_str(&format!(
            "\n         its secret `{name}` was given for other hosts than it asks now; `codexd plugin secret {id} {name}` gives it again"
        ));
    }
    if plugin["refused"].as_u64().is_some_and(|refused| refused > 0) {
        let last = plugin["refusals"][0]["reason"].as_str().unwrap_or_default();
        line.push_str(&format!("\n         refused {} times, the last: {last}", plugin["refused"]));
    }
    line
}

async fn found(client: &Client, id: &str, at: &WhereArgs) -> Result<Value, Failure> {
    let page = client.get(&query(at)).await?;
    let all = page["plugins"].as_array().into_iter().flatten();
    let known: Vec<&str> = all.clone().map(|plugin| text(plugin, "id")).collect();
    match all.clone().find(|plugin| plugin["id"] == json!(id)) {
        Some(plugin) => Ok(plugin.clone()),
        None => Err(Failure::new(format!("there is no plugin `{id}` here; there are {}", known.join(", ")))),
    }
}

async fn enable(client: &Client, out: Output, args: EnableArgs) -> Result<(), Failure> {
    let plugin = match &args.hash {
        Some(hash) => with_hash(client, &args, hash).await?,
        None => found(client, &args.id, &args.at).await?,
    };
    let wanted = plugin["permissions"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = wanted.iter().map(|one| text(one, "permission")).collect();
    if let Some(unknown) = args.without.iter().find(|one| !names.contains(&one.as_str())) {
        let say = format!(
            "the plugin `{}` does not ask for `{unknown}`; it asks for {}",
            args.id,
            names.join(", ")
        );
        return Err(Failure::new(say));
    }
    let given: Vec<&str> =
        names.into_iter().filter(|one| !args.without.iter().any(|without| without == one)).collect();
    if !args.yes {
        let about = format!(
            "{} {} by {}\n{}\nIt may, on this device:\n{}",
            text(&plugin, "name"),
            text(&plugin, "version"),
            Some(text(&plugin, "author")).filter(|author| !author.is_empty()).unwrap_or("nobody named"),
            text(&plugin, "description"),
            may(&wanted, &args.without)
        );
        line(&about);
        if !print::agreed("Enable it?", "enable it with what is listed")? {
            return Err(Failure::new(format!("{} was not enabled", args.id)));
        }
    }
    let change = json!({
        "enabled": true,
        "hash": plugin["hash"],
        "permissions": given,
        "workspace": args.at.workspace,
        "notebook": args.at.notebook,
    });
    let now = client.put(&format!("/plugins/{}", escape(&args.id)), &change).await?;
    out.show(&now, |_| format!("{} is on", args.id));
    Ok(())
}

/// The one of this id and content, also where another one of this id counts now.
async fn with_hash(client: &Client, args: &EnableArgs, hash: &str) -> Result<Value, Failure> {
    let page = client.get(&query(&args.at)).await?;
    let lists = ["plugins", "waiting"].into_iter().flat_map(|key| page[key].as_array().into_iter().flatten());
    let mut all = lists.filter(|plugin| plugin["id"] == json!(args.id));
    let found = all.find(|plugin| plugin["hash"] == json!(hash)).cloned();
    found.ok_or_else(|| {
        Failure::new(format!("no plugin `{}` here has the hash `{hash}`; see `codexd plugin list`", args.id))
    })
}

/// What it may do, in words.
fn may(wanted: &[Value], without: &[String]) -> String {
    let lines =
        wanted.iter().filter(|one| !without.iter().any(|not| not == text(one, "permission"))).map(|one| {
            let what = match text(one, "permission") {
                "read_files" => "read entries, their properties, texts and pictures",
                "modify_metadata" => "set and remove properties of entries",
                "write_files" => "make entries and write their text",
                "network_request" => "have requests made to a service",
                "store_config" => "keep how its views were left, on this device",
                "render_blocks" => "draw blocks in notes",
                other => other,
            };
            let list = |key: &str| -> String {
                let items = one[key].as_array().into_iter().flatten().filter_map(Value::as_str);
                items.collect::<Vec<_>>().join(", ")
            };
            let mut limits = String::new();
            for (key, words) in [("paths", "in"), ("notebooks", "in the notebooks"), ("hosts", "at")] {
                let items = list(key);
                if !items.is_empty() {
                    limits.push_str(&format!(" {words} {items}"));
                }
            }
            let new = if one["is_new"] == json!(true) { " (new)" } else { "" };
            format!("  - {what}{limits}{new}")
        });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { "  - nothing with entries or the network".to_owned() } else { lines.join("\n") }
}

async fn set(
    client: &Client,
    out: Output,
    id: &str,
    settings: &[String],
    workspace: Option<String>,
) -> Result<(), Failure> {
    let at = WhereArgs { workspace: workspace.clone(), notebook: None };
    let mut plugin = found(client, id, &at).await?;
    if !settings.is_empty() {
        let mut config = Map::new();
        for setting in settings {
            let Some((key, value)) = setting.split_once('=') else {
                return Err(Failure::new(format!("`{setting}` is no setting; write `key=value`")));
            };
            let of_type =
                plugin["properties"].as_array().into_iter().flatten().find(|one| one["name"] == json!(key));
            let is_text = of_type.is_none_or(|one| {
                matches!(text(one, "type"), "" | "string" | "text" | "url" | "date" | "select" | "enum")
            });
            let parsed = if is_text { None } else { serde_json::from_str(value).ok() };
            let value = if value.is_empty() { Value::Null } else { parsed.unwrap_or_else(|| json!(value)) };
            config.insert(key.to_owned(), value);
        }
        let change = json!({"config": config, "workspace": workspace});
        plugin = client.put(&format!("/plugins/{}", escape(id)), &change).await?;
    }
    out.show(&json!({"config": plugin["config"], "secrets": plugin["secrets"], "secrets_again": plugin["secrets_again"]}), |_| {
        let mut lines = Vec::new();
        for (key, value) in plugin["config"].as_object().into_iter().flatten() {
            lines
                .push(format!("{key} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
        for name in plugin["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            lines.push(format!("{name} = (a secret, set)"));
        }
        for name in plugin["secrets_again"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            lines.push(format!("{name} = (a secret, given for other hosts than are asked now: give it again)"));
        }
        if lines.is_empty() { format!("{id} has no settings") } else { lines.join("\n") }
    });
    Ok(())
}

fn secret(name: &str) -> Result<String, Failure> {
    let bad = |why: std::io::Error| Failure::new(format!("cannot read the secret `{name}`: {why}"));
    let value = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{name}: ")).map_err(bad)?
    } else {
        std::io::read_to_string(std::io::stdin()).map_err(bad)?
    };
    let value = value.trim_end_matches(['\n', '\r']).to_owned();
    if value.is_empty() {
        return Err(Failure::new(format!("the secret `{name}` is empty; `--forget` takes it away")));
    }
    Ok(value)
}

fn check(folder: &Path, out: Output) -> Result<(), Failure> {
    let read = catalogue::read_one(folder).and_then(|plugin| match code::faults(&plugin) {
        Faults { problems, warnings } if problems.is_empty() => Ok((plugin, warnings)),
        Faults { problems, .. } => Err(problems),
    });
    let (plugin, slips) = match read {
        Ok(read) => read,
        Err(problems) => {
            out.show(&json!({"problems": problems}), |_| plugins::in_words(&problems));
            return Err(Failure::said());
        }
    };
    let mut warnings: Vec<String> = plugin.blocked.iter().cloned().collect();
    warnings.extend(crate::http::plugins::frames::warnings(&plugin));
    warnings.extend(slips.iter().map(plugins::in_a_line));
    let answer = json!({"id": plugin.id(), "version": plugin.manifest.version, "hash": plugin.hash, "warnings": warnings});
    out.show(&answer, |_| {
        let mut lines = vec![format!("{} {} is sound", plugin.id(), plugin.manifest.version)];
        lines.extend(warnings.iter().map(|warning| format!("warning: {warning}")));
        lines.join("\n")
    });
    Ok(())
}

fn begin(folder: &Path, kind: Kind) -> Result<(), Failure> {
    let id = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let fits = !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fits {
        let say = format!(
            "`{id}` cannot be a plugin's id; name the folder with lower case letters, digits and `-`"
        );
        return Err(Failure::new(say));
    }
    if folder.exists() {
        return Err(Failure::new(format!("{} is there already; give another folder", folder.display())));
    }
    let failed = |why: std::io::Error| Failure::new(format!("cannot make {}: {why}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (name, written) in beginning(kind) {
        let name = name.replace("ID", &id);
        std::fs::write(folder.join(name), written.replace("PLUGIN", &id)).map_err(failed)?;
    }
    debug_assert!(files::manifest_in(folder).is_some());
    line(&format!("{} is made; `codexd plugin add {}` installs it", folder.display(), folder.display()));
    Ok(())
}

fn beginning(kind: Kind) -> Vec<(&'static str, &'static str)> {
    match kind {
        Kind::View => vec![
            ("manifest.yml", include_str!("../../plugins/view.yml")),
            ("ID.js", include_str!("../../plugins/view.js")),
        ],
        Kind::Theme => vec![
            ("manifest.yml", include_str!("../../plugins/theme.yml")),
            ("ID.css", include_str!("../../plugins/theme.css")),
        ],
        Kind::Integration => vec![
            ("manifest.yml", include_str!("../../plugins/integration.yml")),
            ("ID.js", include_str!("../../plugins/integration.js")),
        ],
        Kind::Exporter => vec![
            ("manifest.yml", include_str!("../../plugins/exporter.yml")),
            ("ID.js", include_str!("../../plugins/exporter.js")),
        ],
        Kind::Transformer => vec![
            ("manifest.yml", include_str!("../../plugins/transformer.yml")),
            ("ID.js", include_str!("../../plugins/transformer.js")),
        ],
        Kind::Importer => vec![
            ("manifest.yml", include_str!("../../plugins/importer.yml")),
            ("ID.js", include_str!("../../plugins/importer.js")),
        ],
        Kind::Block => vec![
            ("manifest.yml", include_str!("../../plugins/block.yml")),
            ("ID.js", include_str!("../../plugins/block.js")),
        ],
        Kind::Template => vec![
            ("manifest.yml", include_str!("../../plugins/template.yml")),
            ("ID-template.yaml", include_str!("../../plugins/template.yaml")),
        ],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_begun_is_sound() {
        let temp = tempfile::tempdir().unwrap();
        for kind in Kind::value_variants() {
            let folder = temp.path().join(format!("my-{kind:?}").to_lowercase());
            begin(&folder, *kind).unwrap();
            let plugin =
                catalogue::read_one(&folder).map_err(|problems| plugins::in_words(&problems)).unwrap();
            assert_eq!(plugin.id(), folder.file_name().unwrap().to_str().unwrap());
            assert_eq!(crate::http::plugins::frames::warnings(&plugin), Vec::<String>::new());
            let Faults { problems, warnings } = code::faults(&plugin);
            assert!(problems.is_empty() && warnings.is_empty(), "{problems:?} {warnings:?}");
            assert!(begin(&folder, *kind).is_err(), "what is there stays");
        }
        assert!(begin(&temp.path().join("Bad Name"), Kind::View).is_err());
    }

    #[test]
    fn a_check_fails_for_an_importer_that_cannot_be_read_and_not_for_a_view() {
        let temp = tempfile::tempdir().unwrap();
        for (kind, is_sound) in [(Kind::Importer, false), (Kind::View, true)] {
            let folder = temp.path().join(format!("my-{kind:?}").to_lowercase());
            begin(&folder, kind).unwrap();
            assert!(check(&folder, Output { json: false }).is_ok());
            let id = folder.file_name().unwrap().to_str().unwrap();
            std::fs::write(folder.join(format!("{id}.js")), "let = = 1;\n").unwrap();
            assert_eq!(check(&folder, Output { json: false }).is_ok(), is_sound, "{kind:?}");
        }
    }

    #[test]
    fn a_secret_that_is_asked_for_again_is_named_with_what_to_do() {
        let row = json!({"id": "stars", "state": "on", "secrets_again": ["token"], "refused": 0});
        let said = listed(&row);
        assert!(said.contains("`token` was given for other hosts"), "{said}");
        assert!(said.contains("`codexd plugin secret stars token`"), "{said}");
    }
}
