//! New entries: `templates`, `new`, `daily`, `snippet`, `import`.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{Output, items, text};

/// What to make.
#[derive(Debug, Subcommand)]
pub enum MakingCommand {
    /// What new entries can be made of.
    #[command(after_help = "Example:\n  codexd templates lab")]
    Templates {
        /// Also the templates of this notebook: id, slug or name.
        notebook: Option<String>,
    },
    /// A new entry made of a template.
    #[command(
        after_help = "Example:\n  codexd new lab notes/ --template meeting-notes --title \"Kick-off\"\n  codexd new lab notes/kick-off.md --template meeting-notes"
    )]
    New(NewArgs),
    /// The note of a day: the one that is there, or a new one.
    #[command(after_help = "Example:\n  codexd daily lab\n  codexd daily lab --date 2026-12-01")]
    Daily {
        /// Id, slug or name.
        notebook: String,
        /// The day (default: today).
        #[arg(long, value_name = "DAY")]
        date: Option<String>,
    },
    /// Write something down as a new note.
    #[command(
        after_help = "Example:\n  codexd snippet lab \"Freezer 2 is at -71\" --title \"Freezer\" --tag maintenance\n  date | codexd snippet lab"
    )]
    Snippet(SnippetArgs),
    /// Make entries of a file of another program, with the importer of a plugin.
    #[command(
        after_help = "Example:\n  codexd import lab run7.csv --folder runs --preview\n  codexd import lab library.bib --with bibliography"
    )]
    Import(ImportArgs),
}

/// What to import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Id, slug or name.
    pub notebook: String,
    /// The file.
    pub file: PathBuf,
    /// The plugin whose importer is used (default: the one that knows such files).
    #[arg(long, value_name = "PLUGIN")]
    pub with: Option<String>,
    /// The folder in which the entries are made.
    #[arg(long)]
    pub folder: Option<String>,
    /// Only say what would be made.
    #[arg(long)]
    pub preview: bool,
}

/// What to make of what.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Id, slug or name.
    pub notebook: String,
    /// Where; a folder with `/` behind it, for the template's own name.
    pub path: String,
    /// The template, as `templates` names it.
    #[arg(long, value_name = "TEMPLATE")]
    pub template: String,
    /// What it is called (default: by its path).
    #[arg(long)]
    pub title: Option<String>,
}

/// What to write down.
#[derive(Debug, Args)]
pub struct SnippetArgs {
    /// Id, slug or name.
    pub notebook: String,
    /// The text, in Markdown (default: what comes on stdin).
    pub text: Option<String>,
    /// What it is called.
    #[arg(long)]
    pub title: Option<String>,
    /// The folder.
    #[arg(long)]
    pub folder: Option<String>,
    /// A tag; may be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
}

/// Carries one out.
pub async fn run(client: &Client, out: Output, command: MakingCommand) -> Result<(), Failure> {
    match command {
        MakingCommand::Templates { notebook } => templates(client, out, notebook).await,
        MakingCommand::New(args) => {
            let body = json!({"path": args.path, "template": args.template, "title": args.title});
            let made = client.post(&format!("/notebooks/{}/entries", escape(&args.notebook)), &body).await?;
            out.show(&made, path);
            Ok(())
        }
        MakingCommand::Daily { notebook, date } => {
            let body = json!({"date": date});
            let note = client.post(&format!("/notebooks/{}/daily", escape(&notebook)), &body).await?;
            out.show(&note, path);
            Ok(())
        }
        MakingCommand::Import(args) => import(client, out, args).await,
        MakingCommand::Snippet(args) => snippet(client, out, args).await,
    }
}

fn path(entry: &Value) -> String {
    text(entry, "path").to_owned()
}

async fn templates(client: &Client, out: Output, notebook: Option<String>) -> Result<(), Failure> {
    let only = notebook.map(|notebook| format!("?notebook={}", escape(&notebook))).unwrap_or_default();
    let page = client.get(&format!("/templates{only}")).await?;
    let line = |template: &Value| {
        let own = template["path"].as_str().map(|path| format!(" ({path})")).unwrap_or_default();
        format!(
            "{:<20}  {}: {}{own}",
            text(template, "id"),
            text(template, "name"),
            text(template, "description")
        )
    };
    out.show(&page, |page| items(page, line, "no templates"));
    Ok(())
}

async fn snippet(client: &Client, out: Output, args: SnippetArgs) -> Result<(), Failure> {
    let content = match args.text {
        Some(text) => text,
        None => {
            let mut read = String::new();
            std::io::stdin()
                .read_to_string(&mut read)
                .map_err(|error| Failure::new(format!("cannot read the snippet from stdin: {error}")))?;
            read
        }
    };
    let mut body = json!({"notebook": args.notebook, "content": content, "tags": args.tags});
    for (key, value) in [("title", args.title), ("folder", args.folder)] {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    let made = client.post("/snippets", &body).await?;
    out.show(&made, path);
    Ok(())
}

async fn import(client: &Client, out: Output, args: ImportArgs) -> Result<(), Failure> {
    let shown = args.file.display().to_string();
    let bytes =
        std::fs::read(&args.file).map_err(|why| Failure::new(format!("cannot read {shown}: {why}")))?;
    let name = args.file.file_name().and_then(|name| name.to_str()).unwrap_or("file").to_owned();
    let (plugin, importer) = importer(client, &args, &name).await?;
    let mut path = format!(
        "/plugins/{}/importers/{}?notebook={}&name={}&preview={}",
        escape(&plugin),
        escape(&importer),
        escape(&args.notebook),
        escape(&name),
        args.preview
    );
    if let Some(folder) = &args.folder {
        path.push_str(&format!("&folder={}", escape(folder)));
    }
    let request =
        client.request(Method::POST, &path).header("content-type", "application/octet-stream").body(bytes);
    let answer = client.send(request).await?.json::<Value>().await;
    let answer = answer.map_err(|why| Failure::new(format!("cannot read the daemon's answer: {why}")))?;
    out.show(&answer, |answer| {
        let paths = answer["paths"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut lines: Vec<String> = paths.map(str::to_owned).collect();
        let done = if args.preview { "would be made" } else { "are made" };
        lines.push(format!("{} entries {done} of {shown} by {plugin}", lines.len()));
        lines.join("\n")
    });
    Ok(())
}

/// The importer to use: the one that is named, or the only one that is on and knows such files.
async fn importer(client: &Client, args: &ImportArgs, name: &str) -> Result<(String, String), Failure> {
    let page = client.get(&format!("/plugins?notebook={}", escape(&args.notebook))).await?;
    let lower = name.to_lowercase();
    let mut fitting = Vec::new();
    let mut known = Vec::new();
    for plugin in
        page["plugins"].as_array().into_iter().flatten().filter(|plugin| plugin["state"] == json!("on"))
    {
        let id = text(plugin, "id");
        for one in plugin["importers"].as_array().into_iter().flatten() {
            let ends = one["extensions"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let fits = ends.clone().any(|end| lower.ends_with(&end.to_lowercase()));
            known.push(format!("{id} ({})", ends.collect::<Vec<_>>().join(" ")));
            let is_named = args.with.as_deref().is_some_and(|with| with == id || with == text(one, "id"));
            if is_named || (args.with.is_none() && fits) {
                fitting.push((id.to_owned(), text(one, "id").to_owned()));
            }
        }
    }
    match fitting.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::new(format!(
            "no plugin that is on imports `{name}`{}; there are {}",
            match &args.with {
                Some(with) => format!(" as `{with}`"),
                None => String::new(),
            },
            known.join(", ")
        ))),
        several => {
            let names: Vec<&str> = several.iter().map(|(_, importer)| importer.as_str()).collect();
            Err(Failure::new(format!(
                "several importers know `{name}`; say which with --with: {}",
                names.join(", ")
            )))
        }
    }
}
