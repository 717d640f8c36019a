//! What is made: new entries (`templates`, `new`, `daily`, `snippet`, `import`), and files of entries (`export`).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

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
    /// Make files of entries for another program, with the exporter of a plugin. What is there is not written over.
    #[command(
        after_help = "Example:\n  codexd export lab --with bibtex --to library\n  codexd export lab --with properties-csv --path 'samples/**' --type sample --to tables"
    )]
    Export(ExportArgs),
}

/// What to export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Id, slug or name.
    notebook: String,
    /// The plugin, or one of its exporters.
    #[arg(long, value_name = "EXPORTER")]
    with: String,
    /// Only what lies there: `*` within a name, `**` across folders. Repeatable.
    #[arg(long = "path", value_name = "GLOB")]
    paths: Vec<String>,
    /// Only of this property `type`. Repeatable.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only with this tag. Repeatable: all of them.
    #[arg(long = "tag")]
    tags: Vec<String>,
    /// The folder to put the files into; it is made.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    to: PathBuf,
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
        MakingCommand::Export(args) => export(client, out, args).await,
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

async fn export(client: &Client, out: Output, args: ExportArgs) -> Result<(), Failure> {
    let page = client.get(&format!("/plugins?notebook={}", escape(&args.notebook))).await?;
    let all = page["plugins"].as_array().into_iter().flatten();
    let all = all.filter(|plugin| plugin["state"] == json!("on")).flat_map(|plugin| {
        let exporters = plugin["exporters"].as_array().into_iter().flatten();
        exporters.map(|one| (text(plugin, "id"), text(one, "id")))
    });
    let all: Vec<(&str, &str)> = all.collect();
    let names = |some: &[(&str, &str)]| some.iter().map(|(_, one)| *one).collect::<Vec<_>>().join(", ");
    let with = args.with.as_str();
    let mut fitting: Vec<(&str, &str)> = all.iter().copied().filter(|(_, one)| *one == with).collect();
    if fitting.is_empty() {
        fitting = all.iter().copied().filter(|(plugin, _)| *plugin == with).collect();
    }
    let (plugin, exporter) = match fitting.as_slice() {
        [one] => *one,
        [] => {
            let say = format!("no plugin that is on exports as `{with}`; there are {}", names(&all));
            return Err(Failure::new(say));
        }
        several => {
            let say = format!("`{with}` has several exporters; say which with --with: {}", names(several));
            return Err(Failure::new(say));
        }
    };
    let query = json!({"paths": args.paths, "file_types": args.types, "tags": args.tags});
    let path = format!("/plugins/{}/exporters/{}", escape(plugin), escape(exporter));
    let answer = client.post(&path, &json!({"notebook": args.notebook, "query": query})).await?;
    let files = answer["files"].as_array().into_iter().flatten();
    let files: Vec<(&str, &str)> = files.map(|file| (text(file, "name"), text(file, "text"))).collect();
    let saved = save(&args.to, &files)?;
    let said = json!({"entries": answer["entries"], "files": saved});
    out.show(&said, |said| {
        let mut lines = saved.clone();
        lines.push(format!("{plugin} was given {} entries; files: {}", said["entries"], saved.len()));
        lines.join("\n")
    });
    Ok(())
}

/// Writes new files, all or, as far as that can be known before, none. The daemon has looked at their names; whoever writes looks too.
fn save(folder: &Path, files: &[(&str, &str)]) -> Result<Vec<String>, Failure> {
    let there = |place: &Path| {
        Failure::new(format!("{} is there already; give another folder with --to", place.display()))
    };
    for (name, _) in files {
        if Path::new(name).file_name() != Some(OsStr::new(name)) {
            return Err(Failure::new(format!("`{name}` is no name of a file; nothing was written")));
        }
        let place = folder.join(name);
        if place.symlink_metadata().is_ok() {
            return Err(there(&place));
        }
    }
    let mut saved = Vec::new();
    for (name, text) in files {
        let place = folder.join(name);
        let cannot = |why: std::io::Error| match why.kind() {
            ErrorKind::AlreadyExists => there(&place),
            _ => Failure::new(format!("cannot write {}: {why}", place.display())),
        };
        std::fs::create_dir_all(folder).map_err(cannot)?;
        let mut file = File::create_new(&place).map_err(cannot)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)?;
        saved.push(place.display().to_string());
    }
    Ok(saved)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_export_is_written_beside_what_is_there_and_never_over_it() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("new/deep");
        save(&folder, &[("a.csv", "one")]).unwrap();
        assert!(save(&folder, &[("b.csv", "two"), ("a.csv", "two")]).is_err());
        assert!(!folder.join("b.csv").exists());
        assert_eq!(std::fs::read_to_string(folder.join("a.csv")).unwrap(), "one");
        for name in ["", ".", "..", "../b", "b/c", "/b"] {
            assert!(save(&folder, &[(name, "x")]).is_err(), "{name}");
        }
    }
}
