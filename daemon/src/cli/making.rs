//! New entries: `templates`, `new`, `daily`, `snippet`.

use std::io::Read;

use clap::{Args, Subcommand};
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
