//! What a journal does with its entries: `comments`, `comment`, `tasks`, `activity`, `diff`, `rename`, `undo`, templates and daily notes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{self, Output, items, short, text};
use super::reading::address;
use super::{AtArgs, EntryArgs};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum OrganiseCommand {
    /// What was said about an entry, or about all of a notebook.
    #[command(after_help = "Example:\n  codexd comments lab notes/day-1.md\n  codexd comments lab")]
    Comments {
        /// Id, slug or name.
        notebook: String,
        /// Only about this entry: its path in the notebook, or its id.
        path: Option<String>,
    },
    /// Say something about an entry, answer, settle a thread or open it again.
    #[command(
        after_help = "Example:\n  codexd comment lab notes/day-1.md --text \"Which buffer?\" --on \"the buffer\"\n  codexd comment lab notes/day-1.md --to 3fae2dc2 --resolve"
    )]
    Comment(CommentArgs),
    /// Boxes in texts, and entries of type `task`.
    #[command(
        after_help = "Example:\n  codexd tasks --due week\n  codexd tasks lab --assignee Ada --status all"
    )]
    Tasks(TaskArgs),
    /// Tick a task off, by its text in an entry; or open it again.
    #[command(
        after_help = "Example:\n  codexd task lab notes/day-1.md \"boil water\"\n  codexd task lab notes/day-1.md \"boil water\" --open"
    )]
    Task {
        /// Which entry.
        #[command(flatten)]
        entry: EntryArgs,
        /// What the task says, or the beginning.
        says: String,
        /// Open it again.
        #[arg(long)]
        open: bool,
    },
    /// What happened, the latest first.
    #[command(after_help = "Example:\n  codexd activity lab --limit 20")]
    Activity {
        /// Only in this notebook: id, slug or name.
        notebook: Option<String>,
        /// About so many lines.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// What lies between two versions of an entry.
    #[command(after_help = "Example:\n  codexd diff lab notes/day-1.md --from birth")]
    Diff {
        /// Which entry and up to which version; the one that is there now, if not given.
        #[command(flatten)]
        entry: AtArgs,
        /// From which version, as `log` names it; the one right before, if not given.
        #[arg(long, value_name = "VERSION")]
        from: Option<String>,
    },
    /// Move or rename an entry; links to it and out of it go on meaning what they mean.
    #[command(
        after_help = "Example:\n  codexd rename lab notes/day-1.md notes/2026/day-1.md --preview\n  codexd rename lab notes/day-1.md notes/2026/day-1.md --undo-file /tmp/undo.json"
    )]
    Rename(RenameArgs),
    /// Take a `rename` back, with what it did to links.
    #[command(after_help = "Example:\n  codexd undo-rename lab /tmp/undo.json")]
    UndoRename {
        /// Id, slug or name.
        notebook: String,
        /// What `rename --undo-file` wrote.
        file: PathBuf,
    },
}

/// What to say.
#[derive(Debug, Args)]
pub struct CommentArgs {
    /// About which entry.
    #[command(flatten)]
    pub entry: EntryArgs,
    /// What to say.
    #[arg(long, required_unless_present_any = ["resolve", "reopen"])]
    pub text: Option<String>,
    /// About these words, where they stand first in the text.
    #[arg(long, value_name = "WORDS", conflicts_with = "to")]
    pub on: Option<String>,
    /// To this thread, as `comments` shows it.
    #[arg(long, value_name = "THREAD")]
    pub to: Option<String>,
    /// Settle the thread.
    #[arg(long, requires = "to", conflicts_with = "reopen")]
    pub resolve: bool,
    /// Open the thread again.
    #[arg(long, requires = "to")]
    pub reopen: bool,
}

/// Which tasks.
#[derive(Debug, Args)]
pub struct TaskArgs {
    /// Only of this notebook: id, slug or name.
    pub notebook: Option<String>,
    /// `open`, `done` or `all`.
    #[arg(long, default_value = "open")]
    pub status: String,
    /// Only whose these are; `none` for nobody's.
    #[arg(long)]
    pub assignee: Option<String>,
    /// `overdue`, `today`, `week`, `any`, `none`, or a day: `2026-12-01`, `<2026-12-01` …
    #[arg(long)]
    pub due: Option<String>,
    /// Only with this tag.
    #[arg(long)]
    pub tag: Option<String>,
    /// Only in this folder or entry.
    #[arg(long)]
    pub path: Option<String>,
}

/// What to move, and where to.
#[derive(Debug, Args)]
pub struct RenameArgs {
    /// Which entry.
    #[command(flatten)]
    pub entry: EntryArgs,
    /// Its new path in the notebook; missing folders are made.
    pub to: String,
    /// Only tell which links would change.
    #[arg(long)]
    pub preview: bool,
    /// Leave links as they are written.
    #[arg(long, conflicts_with = "preview")]
    pub keep_links: bool,
    /// Write down here what takes it back, for `undo-rename`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["preview", "keep_links"])]
    pub undo_file: Option<PathBuf>,
}

/// Carries one out.
pub async fn run(client: &Client, out: Output, command: OrganiseCommand) -> Result<(), Failure> {
    match command {
        OrganiseCommand::Comments { notebook, path } => comments(client, out, notebook, path).await,
        OrganiseCommand::Comment(args) => comment(client, out, &args).await,
        OrganiseCommand::Tasks(args) => tasks(client, out, &args).await,
        OrganiseCommand::Task { entry, says, open } => task(client, out, &entry, &says, !open).await,
        OrganiseCommand::Activity { notebook, limit } => activity(client, out, notebook, limit).await,
        OrganiseCommand::Diff { entry, from } => diff(client, out, &entry, from).await,
        OrganiseCommand::Rename(args) => rename(client, out, &args).await,
        OrganiseCommand::UndoRename { notebook, file } => undo_rename(client, out, &notebook, &file).await,
    }
}

async fn comments(
    client: &Client,
    out: Output,
    notebook: String,
    path: Option<String>,
) -> Result<(), Failure> {
    let place = match &path {
        Some(path) => {
            let entry = EntryArgs { notebook, path: path.clone() };
            format!("{}/comments", address(client, &entry).await?)
        }
        None => format!("/comments?notebook={}", escape(&notebook)),
    };
    let page = client.get(&place).await?;
    let with_path = path.is_none();
    out.show(&page, |page| items(page, |item| thread(item, with_path), "nothing was said"));
    Ok(())
}

fn thread(thread: &Value, with_path: bool) -> String {
    let stands = match (thread["quote"].as_str(), thread["place"]["line"].as_u64()) {
        (Some(quote), Some(line)) => format!("line {line}, \"{quote}\""),
        (Some(quote), None) => format!("was on: \"{quote}\""),
        (None, _) => "about all of it".to_owned(),
    };
    let path = if with_path { format!("{}: ", text(thread, "path")) } else { String::new() };
    let settled = if thread["resolved"].is_null() { "" } else { ", settled" };
    let mut lines = format!("{}  {path}{stands}{settled}", short(text(thread, "id")));
    for comment in thread["comments"].as_array().into_iter().flatten() {
        let by = &comment["by"];
        let name = by["who"].as_str().unwrap_or_else(|| short(text(by, "device")));
        let said = comment["text"].as_str().unwrap_or("(taken back)").replace('\n', "\n            ");
        lines.push_str(&format!("\n          {name}, {}: {said}", text(by, "time")));
    }
    lines
}

async fn comment(client: &Client, out: Output, args: &CommentArgs) -> Result<(), Failure> {
    let address = format!("{}/comments", address(client, &args.entry).await?);
    let mut last = Value::Null;
    let Some(to) = &args.to else {
        let mut body = json!({"text": args.text});
        if let Some(words) = &args.on {
            body["quote"] = json!(words);
        }
        last = client.post(&address, &body).await?;
        out.show(&last, |item| thread(item, false));
        return Ok(());
    };
    let page = client.get(&address).await?;
    let all = page["items"].as_array().into_iter().flatten();
    let found: Vec<&Value> = all.filter(|one| text(one, "id").starts_with(to.as_str())).collect();
    let [one] = found[..] else {
        let see = format!("see `codexd comments {} {}`", args.entry.notebook, args.entry.path);
        return Err(Failure::new(format!(
            "cannot comment: `{}` has no one thread `{to}`; {see}",
            args.entry.path
        )));
    };
    let at = format!("{address}/{}", text(one, "id"));
    if let Some(said) = &args.text {
        last = client.post(&format!("{at}/replies"), &json!({"text": said})).await?;
    }
    if args.resolve || args.reopen {
        let what = if args.resolve { "resolve" } else { "reopen" };
        last = client.post(&format!("{at}/{what}"), &json!({})).await?;
    }
    out.show(&last, |item| thread(item, false));
    Ok(())
}

async fn tasks(client: &Client, out: Output, args: &TaskArgs) -> Result<(), Failure> {
    let mut query = format!("/tasks?limit=2000&status={}", escape(&args.status));
    let filters = [
        ("notebook", &args.notebook),
        ("assignee", &args.assignee),
        ("due", &args.due),
        ("tag", &args.tag),
        ("path", &args.path),
    ];
    for (key, value) in filters {
        if let Some(value) = value {
            query.push_str(&format!("&{key}={}", escape(value)));
        }
    }
    let page = client.get(&query).await?;
    out.show(&page, |page| items(page, task_line, "no tasks"));
    Ok(())
}

fn task_line(task: &Value) -> String {
    let done = if task["done"] == true { "x" } else { " " };
    let mut line = format!("[{done}] {}", text(task, "title"));
    if let Some(due) = task["due"].as_str() {
        line.push_str(&format!("  due {due}{}", if task["overdue"] == true { " (overdue)" } else { "" }));
    }
    if let Some(name) = task["assignee"].as_str() {
        line.push_str(&format!("  @{name}"));
    }
    if let (Some(name), Some(at)) = (task["done_by_name"].as_str(), task["done_at"].as_str()) {
        line.push_str(&format!("  done by {name}, {at}"));
    }
    let place = match task["line"].as_u64() {
        Some(line) if line > 0 => format!("{}:{line}", text(task, "path")),
        _ => text(task, "path").to_owned(),
    };
    format!("{line}\n    {place}")
}

async fn task(
    client: &Client,
    out: Output,
    entry: &EntryArgs,
    says: &str,
    done: bool,
) -> Result<(), Failure> {
    let (notebook, path) = (escape(&entry.notebook), escape(&entry.path));
    let page = client.get(&format!("/tasks?limit=2000&status=all&notebook={notebook}&path={path}")).await?;
    let all = page["items"].as_array().into_iter().flatten();
    let found: Vec<&Value> = all
        .filter(|task| text(task, "text").starts_with(says) || text(task, "title").starts_with(says))
        .collect();
    let [one] = found[..] else {
        let what = if found.is_empty() { "no task" } else { "several tasks" };
        return Err(Failure::new(format!(
            "cannot change the task: `{}` has {what} that begins with `{says}`; see `codexd tasks {} --path {} --status all`",
            entry.path, entry.notebook, entry.path
        )));
    };
    let id = escape(text(one, "id"));
    let changed = client.call(Method::PATCH, &format!("/tasks/{id}"), Some(&json!({"done": done}))).await?;
    out.show(&changed, task_line);
    Ok(())
}

async fn activity(
    client: &Client,
    out: Output,
    notebook: Option<String>,
    limit: usize,
) -> Result<(), Failure> {
    let only = notebook.map(|notebook| format!("&notebook={}", escape(&notebook))).unwrap_or_default();
    let page = client.get(&format!("/activity?limit={limit}{only}")).await?;
    out.show(&page, |page| items(page, activity_line, "nothing happened"));
    Ok(())
}

fn activity_line(line: &Value) -> String {
    let name = print::doer(line);
    let did: Vec<&str> = line["did"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let first = text(&line["entries"][0], "path");
    let more = match line["entry_count"].as_u64() {
        Some(count) if count > 1 => format!(" and {} more", count - 1),
        _ => String::new(),
    };
    let words = line["words"].as_str().map(|words| format!(" \"{words}\"")).unwrap_or_default();
    format!("{:<24}  {name}: {} {first}{more}{words}", text(line, "time"), did.join(", "))
        .trim_end()
        .to_owned()
}

async fn diff(client: &Client, out: Output, args: &AtArgs, from: Option<String>) -> Result<(), Failure> {
    let address = address(client, &args.entry).await?;
    let mut query = format!("{address}/diff?context=3");
    for (key, value) in [("from", &from), ("to", &args.at)] {
        if let Some(value) = value {
            query.push_str(&format!("&{key}={}", escape(value)));
        }
    }
    let difference = client.get(&query).await?;
    out.show(&difference, difference_lines);
    Ok(())
}

fn difference_lines(difference: &Value) -> String {
    let (from, to) = (&difference["from"], &difference["to"]);
    if difference["same"] == true {
        return "no difference".to_owned();
    }
    let side =
        |side: &Value| format!("{} ({} bytes, {})", text(side, "name"), side["size"], text(side, "version"));
    let mut lines = vec![format!("--- {}", side(from)), format!("+++ {}", side(to))];
    for hunk in difference["text"]["hunks"].as_array().into_iter().flatten() {
        let range = |start: &str, count: &str| format!("{},{}", hunk[start], hunk[count]);
        lines.push(format!(
            "@@ -{} +{} @@",
            range("old_start", "old_lines"),
            range("new_start", "new_lines")
        ));
        for line in hunk["lines"].as_array().into_iter().flatten() {
            let sign = match text(line, "change") {
                "added" => '+',
                "removed" => '-',
                _ => ' ',
            };
            let words = line["words"].as_array().into_iter().flatten().map(|piece| text(piece, "text"));
            lines.push(format!("{sign}{}", words.collect::<String>()));
        }
    }
    lines.join("\n")
}

async fn rename(client: &Client, out: Output, args: &RenameArgs) -> Result<(), Failure> {
    let address = address(client, &args.entry).await?;
    let links = match (args.preview, args.keep_links) {
        (true, _) => "preview",
        (_, true) => "keep",
        _ => "rewrite",
    };
    let body = json!({"path": args.to, "links": links});
    let answer = client.call(Method::PATCH, &address, Some(&body)).await?;
    if let Some(file) = &args.undo_file {
        let undo = serde_json::to_string_pretty(&answer["links"]["undo"]).unwrap_or_default();
        std::fs::write(file, undo)
            .map_err(|error| Failure::new(format!("moved, but cannot write {}: {error}", file.display())))?;
    }
    out.show(&answer, |answer| {
        let mut lines = Vec::new();
        for entry in answer["links"]["entries"].as_array().into_iter().flatten() {
            for link in entry["links"].as_array().into_iter().flatten() {
                let place = format!("{}:{}", text(entry, "path"), link["line"]);
                lines.push(format!("{place}: {} -> {}", text(link, "from"), text(link, "to")));
            }
        }
        for kept in answer["links"]["kept"].as_array().into_iter().flatten() {
            let place = format!("{}:{}", text(kept, "path"), kept["line"]);
            lines.push(format!("{place}: {} stays: {}", text(kept, "target"), text(kept, "reason")));
        }
        match args.preview {
            true if lines.is_empty() => lines.push("no link would change".into()),
            true => {}
            false => lines.insert(0, format!("moved to {}", text(answer, "path"))),
        }
        lines.join("\n")
    });
    Ok(())
}

async fn undo_rename(client: &Client, out: Output, notebook: &str, file: &PathBuf) -> Result<(), Failure> {
    let shown = file.display();
    let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let undo: Value = read
        .and_then(|read| serde_json::from_str(&read).map_err(|error| error.to_string()))
        .map_err(|reason| Failure::new(format!("cannot read {shown}: {reason}")))?;
    let entry = client.post(&format!("/notebooks/{}/moves/undo", escape(notebook)), &undo).await?;
    out.show(&entry, |entry| format!("back at {}", text(entry, "path")));
    Ok(())
}
