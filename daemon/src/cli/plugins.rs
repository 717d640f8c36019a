//! `plugin`: what is installed on this device, what of it is enabled, and a folder to begin with.

mod adding;
mod beginning;
mod listing;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{self, Output, line, text};
use adding::{add, check, warnings};
use beginning::{Kind, begin};
use listing::list;

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
    /// Take back what a notebook says of it: it is on or off there as in its workspace.
    #[command(after_help = "Example:\n  codexd plugin follow board --notebook lab")]
    Follow {
        /// Its id.
        id: String,
        /// In this notebook: id, slug or name.
        #[arg(long, value_name = "NOTEBOOK")]
        notebook: String,
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
        PluginCommand::Add { folder } => add(&client()?, out, &folder).await,
        PluginCommand::Remove { id } => {
            client()?.delete(&format!("/plugins/{}", escape(&id))).await?;
            out.show(&json!({"removed": id}), |_| format!("{id} is removed from this device"));
            Ok(())
        }
        PluginCommand::Enable(args) => enable(&client()?, out, args).await,
        PluginCommand::Disable { id, at } => {
            let change = json!({"enabled": false, "workspace": at.workspace, "notebook": at.notebook});
            let plugin = client()?.put(&format!("/plugins/{}", escape(&id)), &change).await?;
            out.show(&plugin, |_| format!("{id} is off {}", there(&at)));
            Ok(())
        }
        PluginCommand::Follow { id, notebook } => {
            let change = json!({"enabled": null, "notebook": notebook});
            let plugin = client()?.put(&format!("/plugins/{}", escape(&id)), &change).await?;
            out.show(&plugin, |plugin| {
                let state = text(plugin, "state");
                format!("{id} is in the notebook `{notebook}` as in its workspace: {state}")
            });
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

/// For whom something was said.
fn there(at: &WhereArgs) -> String {
    match (&at.notebook, &at.workspace) {
        (Some(notebook), _) => format!("in the notebook `{notebook}`"),
        (None, workspace) => format!("in the workspace `{}`", workspace.as_deref().unwrap_or("default")),
    }
}

fn query(at: &WhereArgs) -> String {
    let part =
        |key: &str, value: &Option<String>| value.as_ref().map(|value| format!("{key}={}", escape(value)));
    let parts: Vec<String> =
        [part("workspace", &at.workspace), part("notebook", &at.notebook)].into_iter().flatten().collect();
    format!("/plugins?{}", parts.join("&"))
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
    for warning in warnings(&plugin) {
        print::beside(&warning);
    }
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
    out.show(&now, |_| format!("{} is on {}", args.id, there(&args.at)));
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
            lines.push(format!("{name} = (a secret, given for other hosts than are asked now, or for the plugin in whose place this is: give it again)"));
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
