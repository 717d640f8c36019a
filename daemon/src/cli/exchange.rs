//! What plugins' code does: entries made of files (`import`), files of entries (`export`), entries changed (`transform`).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use data_encoding::BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{Output, counted, note, progress, text};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum ExchangeCommand {
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
    /// Change entries with the transformer of a plugin.
    #[command(
        after_help = "Example:\n  codexd transform lab --with tables --path 'notes/**' --preview\n  codexd transform lab --with tables --path 'notes/**'"
    )]
    Transform(TransformArgs),
}

/// Which entries.
#[derive(Debug, Args)]
pub struct WhichArgs {
    /// Only what lies there: `*` within a name, `**` across folders. Repeatable.
    #[arg(long = "path", value_name = "GLOB")]
    paths: Vec<String>,
    /// Only of this property `type`. Repeatable.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only with this tag. Repeatable: all of them.
    #[arg(long = "tag")]
    tags: Vec<String>,
}

impl WhichArgs {
    fn query(&self) -> Value {
        json!({"paths": self.paths, "file_types": self.types, "tags": self.tags})
    }
}

/// What to export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Id, slug or name.
    notebook: String,
    /// The plugin, or one of its exporters.
    #[arg(long, value_name = "EXPORTER")]
    with: String,
    #[command(flatten)]
    which: WhichArgs,
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

/// What to transform.
#[derive(Debug, Args)]
pub struct TransformArgs {
    /// Id, slug or name.
    notebook: String,
    /// The plugin, or one of its transformers.
    #[arg(long, value_name = "TRANSFORMER")]
    with: String,
    #[command(flatten)]
    which: WhichArgs,
    /// Only say what would change.
    #[arg(long)]
    preview: bool,
}

/// Carries one out.
pub async fn run(client: &Client, out: Output, command: ExchangeCommand) -> Result<(), Failure> {
    match command {
        ExchangeCommand::Import(args) => import(client, out, args).await,
        ExchangeCommand::Export(args) => export(client, out, args).await,
        ExchangeCommand::Transform(args) => transform(client, out, args).await,
    }
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
        let done = done(lines.len(), args.preview, "made");
        lines.push(format!("{} {done} of {shown} by {plugin}", entries_in_words(lines.len())));
        lines.join("\n")
    });
    Ok(())
}

fn entries_in_words(number: usize) -> String {
    counted(number, "entry", "entries")
}

/// `is made`, `are made`, `would be made`.
fn done(number: usize, is_preview: bool, what: &str) -> String {
    let verb = match (is_preview, number) {
        (true, _) => "would be",
        (false, 1) => "is",
        (false, _) => "are",
    };
    format!("{verb} {what}")
}

async fn export(client: &Client, out: Output, args: ExportArgs) -> Result<(), Failure> {
    let (plugin, exporter) = chosen(client, &args.notebook, ("exporters", "exports"), &args.with).await?;
    let path = format!("/plugins/{}/exporters/{}", escape(&plugin), escape(text(&exporter, "id")));
    let answer = client.post(&path, &json!({"notebook": args.notebook, "query": args.which.query()})).await?;
    let files = answer["files"].as_array().into_iter().flatten();
    let files = files.map(|file| {
        let bytes = file["bytes"].as_str().map(|bytes| BASE64.decode(bytes.as_bytes()));
        let bytes = bytes.unwrap_or_else(|| Ok(text(file, "text").as_bytes().to_vec()));
        let name = text(file, "name");
        bytes.map(|bytes| (name, bytes)).map_err(|why| Failure::new(format!("cannot read `{name}`: {why}")))
    });
    let files = files.collect::<Result<Vec<(&str, Vec<u8>)>, _>>()?;
    let saved = save(&args.to, &files)?;
    let said = json!({"entries": answer["entries"], "files": saved});
    out.show(&said, |said| {
        let mut lines = saved.clone();
        let given =
            said["entries"].as_u64().and_then(|given| usize::try_from(given).ok()).unwrap_or_default();
        lines.push(format!("{plugin} was given {}; files: {}", entries_in_words(given), saved.len()));
        lines.join("\n")
    });
    Ok(())
}

/// Each entry by itself: what one of them refuses does not stop the others, and is named.
async fn transform(client: &Client, out: Output, args: TransformArgs) -> Result<(), Failure> {
    let (plugin, transformer) =
        chosen(client, &args.notebook, ("transformers", "transforms"), &args.with).await?;
    let ends: Vec<String> = transformer["extensions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_lowercase)
        .collect();
    let found = entries(client, &args).await?;
    let fits = |file: &&Value| {
        let name = text(file, "name").to_lowercase();
        file["kind"] == json!("text") && (ends.is_empty() || ends.iter().any(|end| name.ends_with(end)))
    };
    let fitting: Vec<&Value> = found.iter().filter(fits).collect();
    let path = format!("/plugins/{}/transformers/{}", escape(&plugin), escape(text(&transformer, "id")));
    let (mut changed, mut failed) = (Vec::new(), Vec::new());
    for (at, file) in fitting.iter().enumerate() {
        progress(&format!("{} of {}: {}", at + 1, fitting.len(), text(file, "path")));
        let body = json!({"notebook": args.notebook, "entry": file["id"], "preview": args.preview});
        match client.post(&path, &body).await {
            Ok(answer) if answer["changed"] == json!(true) => changed.push(answer),
            Ok(_) => {}
            Err(why) => failed.push(json!({"path": file["path"], "why": why.line()})),
        }
    }
    progress("");
    let said = json!({"entries": fitting.len(), "changed": changed, "failed": failed});
    out.show(&said, |_| {
        let mut lines: Vec<String> = changed.iter().map(change_in_a_line).collect();
        let verb = done(changed.len(), args.preview, "changed");
        lines.push(format!("{} of {} {verb} by {plugin}", changed.len(), entries_in_words(fitting.len())));
        lines.join("\n")
    });
    for one in &failed {
        note(&format!("{}: {}", text(one, "path"), text(one, "why")));
    }
    match failed.len() {
        0 => Ok(()),
        number => Err(Failure::new(format!(
            "{number} of {} {} not looked at, or not changed",
            entries_in_words(fitting.len()),
            if number == 1 { "is" } else { "are" }
        ))),
    }
}

/// All that is asked for, a page after the other.
async fn entries(client: &Client, args: &TransformArgs) -> Result<Vec<Value>, Failure> {
    const PAGE: usize = 1000;
    let mut found: Vec<Value> = Vec::new();
    loop {
        let mut query = args.which.query();
        query["notebook_ids"] = json!([args.notebook]);
        query["sort"] = json!("path asc");
        query["limit"] = json!(PAGE);
        query["offset"] = json!(found.len());
        let page = client.post("/query", &query).await?;
        let files = page["files"].as_array().cloned().unwrap_or_default();
        let is_last = files.len() < PAGE;
        found.extend(files);
        if is_last {
            return Ok(found);
        }
    }
}

fn change_in_a_line(answer: &Value) -> String {
    let mut what = Vec::new();
    if let (Some(added), Some(removed)) =
        (answer["text"]["added"].as_u64(), answer["text"]["removed"].as_u64())
    {
        what.push(format!("+{added} -{removed} lines"));
    }
    what.extend(answer["properties"].as_array().into_iter().flatten().map(|one| match &one["to"] {
        Value::Null => format!("{} goes", text(one, "key")),
        value => format!("{}: {value}", text(one, "key")),
    }));
    format!("{}: {}", text(answer, "path"), what.join(", "))
}

/// The code that is meant, of the plugins that are on: by its own id, else by its plugin's.
async fn chosen(
    client: &Client,
    notebook: &str,
    (kind, does): (&str, &str),
    with: &str,
) -> Result<(String, Value), Failure> {
    let page = client.get(&format!("/plugins?notebook={}", escape(notebook))).await?;
    let all = page["plugins"].as_array().into_iter().flatten();
    let all = all.filter(|plugin| plugin["state"] == json!("on")).flat_map(|plugin| {
        let code = plugin[kind].as_array().into_iter().flatten();
        code.map(|one| (text(plugin, "id"), one))
    });
    let all: Vec<(&str, &Value)> = all.collect();
    let names = |some: &[(&str, &Value)]| match some {
        [] => "none".to_owned(),
        some => some.iter().map(|(_, one)| text(one, "id")).collect::<Vec<_>>().join(", "),
    };
    let mut fitting: Vec<_> = all.iter().copied().filter(|(_, one)| text(one, "id") == with).collect();
    if fitting.is_empty() {
        fitting = all.iter().copied().filter(|(plugin, _)| *plugin == with).collect();
    }
    match fitting.as_slice() {
        [(plugin, one)] => Ok(((*plugin).to_owned(), (*one).clone())),
        [] => {
            let say = format!("no plugin that is on {does} as `{with}`; there are {}", names(&all));
            Err(Failure::new(say))
        }
        several => {
            let say = format!("`{with}` is several {kind}; say which with --with: {}", names(several));
            Err(Failure::new(say))
        }
    }
}

/// Writes new files, all or, as far as that can be known before, none. The daemon has looked at their names; whoever writes looks too.
fn save(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<Vec<String>, Failure> {
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
    for (name, bytes) in files {
        let place = folder.join(name);
        let cannot = |why: std::io::Error| match why.kind() {
            ErrorKind::AlreadyExists => there(&place),
            _ => Failure::new(format!("cannot write {}: {why}", place.display())),
        };
        std::fs::create_dir_all(folder).map_err(cannot)?;
        let mut file = File::create_new(&place).map_err(cannot)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(cannot)?;
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
        save(&folder, &[("a.csv", b"one".to_vec())]).unwrap();
        assert!(save(&folder, &[("b.csv", b"two".to_vec()), ("a.csv", b"two".to_vec())]).is_err());
        assert!(!folder.join("b.csv").exists());
        assert_eq!(std::fs::read_to_string(folder.join("a.csv")).unwrap(), "one");
        for name in ["", ".", "..", "../b", "b/c", "/b"] {
            assert!(save(&folder, &[(name, b"x".to_vec())]).is_err(), "{name}");
        }
    }
}
