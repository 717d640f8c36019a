//! `seal`, `seals`, `witness`, `seal-rule`.

use clap::Args;
use serde_json::{Value, json};
use similar::TextDiff;

use super::EntryArgs;
use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{self, Output, items, short, signer, text};
use super::reading::address;

/// What to seal, and what is meant by it.
#[derive(Debug, Args)]
pub struct SealArgs {
    /// Which entry.
    #[command(flatten)]
    pub entry: EntryArgs,
    /// What is meant by it, as in `recorded by me`.
    #[arg(long, value_name = "TEXT")]
    pub meaning: String,
    /// From here on the entry is only amended, which shows beside what was sealed.
    #[arg(long)]
    pub lock: bool,
}

/// Which seals to show.
#[derive(Debug, Args)]
pub struct SealsArgs {
    /// Id, slug or name.
    pub notebook: String,
    /// Only of this entry: its path in the notebook, or its id.
    pub path: Option<String>,
    /// Also what has changed since, text by text; not with --json.
    #[arg(long)]
    pub diff: bool,
}

/// Which seal to confirm.
#[derive(Debug, Args)]
pub struct WitnessArgs {
    /// Which entry.
    #[command(flatten)]
    pub entry: EntryArgs,
    /// Which of its seals, as `seals` shows it; not needed if there is only one.
    #[arg(long, value_name = "SEAL")]
    pub seal: Option<String>,
    /// What is meant by it, as in `witnessed` or `reviewed`.
    #[arg(long, value_name = "TEXT")]
    pub meaning: String,
}

/// How seals become complete.
#[derive(Debug, Args)]
pub struct RuleArgs {
    /// Id, slug or name.
    pub notebook: String,
    /// So many persons sign or confirm, the author included. Without it, the rule is shown.
    #[arg(long, value_name = "N")]
    pub needed: Option<u32>,
    /// Only these persons: names, or ids of theirs or of their devices.
    #[arg(long, value_name = "PERSON", requires = "needed")]
    pub of: Vec<String>,
}

/// `seal`.
pub async fn seal(client: &Client, out: Output, args: &SealArgs) -> Result<(), Failure> {
    let address = address(client, &args.entry).await?;
    let body = json!({"meaning": args.meaning, "locks": args.lock});
    let made = client.post(&format!("{address}/seals"), &body).await?;
    out.show(&made, |seal| format!("sealed {}: {}", text(seal, "path"), line(seal)));
    Ok(())
}

/// `witness`.
pub async fn witness(client: &Client, out: Output, args: &WitnessArgs) -> Result<(), Failure> {
    let address = address(client, &args.entry).await?;
    let page = client.get(&format!("{address}/seals")).await?;
    let all: Vec<&Value> = page["items"].as_array().into_iter().flatten().collect();
    let seal = which(&all, args.seal.as_deref(), &args.entry, "confirm")?;
    let body = json!({"meaning": args.meaning});
    let made = client.post(&format!("{address}/seals/{}/witnesses", text(seal, "id")), &body).await?;
    out.show(&made, |seal| format!("confirmed {}: {}", text(seal, "path"), line(seal)));
    Ok(())
}

/// `unlock`.
pub async fn unlock(client: &Client, out: Output, args: &WitnessArgs) -> Result<(), Failure> {
    let address = address(client, &args.entry).await?;
    let page = client.get(&format!("{address}/seals")).await?;
    let locking = page["items"].as_array().into_iter().flatten().filter(|seal| seal["locks"] == true);
    let locking: Vec<&Value> = locking.collect();
    let seal = which(&locking, args.seal.as_deref(), &args.entry, "lift a lock")?;
    let body = json!({"meaning": args.meaning});
    let made = client.post(&format!("{address}/seals/{}/unlock", text(seal, "id")), &body).await?;
    out.show(&made, |seal| format!("not locked by this any more: {}: {}", text(seal, "path"), line(seal)));
    Ok(())
}

/// The seal that is meant: the one named, or the only one.
fn which<'a>(
    all: &[&'a Value],
    named: Option<&str>,
    entry: &EntryArgs,
    doing: &str,
) -> Result<&'a Value, Failure> {
    let is_it = |seal: &&&Value| named.is_none_or(|id| id.len() >= 8 && text(seal, "id").starts_with(id));
    let found: Vec<&&Value> = all.iter().filter(is_it).collect();
    let see = format!("see `codexd seals {} {}`", entry.notebook, entry.path);
    match found[..] {
        [one] => Ok(one),
        [] => {
            let which = named.map_or("no seal for that".to_owned(), |id| format!("no seal `{id}` for that"));
            Err(Failure::new(format!("cannot {doing}: `{}` has {which}; {see}", entry.path)))
        }
        _ => Err(Failure::new(format!(
            "cannot {doing}: `{}` has several seals; say which you have read with --seal, {see}",
            entry.path
        ))),
    }
}

/// `seals`.
pub async fn seals(client: &Client, out: Output, args: &SealsArgs) -> Result<(), Failure> {
    let page = match &args.path {
        None => {
            let page = client.get(&format!("/seals?notebook={}", escape(&args.notebook))).await?;
            let placed = |seal: &Value| format!("{}: {}", place(seal), line(seal));
            out.show(&page, |page| items(page, placed, "nothing is sealed"));
            page
        }
        Some(path) => {
            let entry = EntryArgs { notebook: args.notebook.clone(), path: path.clone() };
            let page = client.get(&format!("{}/seals", address(client, &entry).await?)).await?;
            out.show(&page, |page| items(page, line, "it is not sealed"));
            page
        }
    };
    if args.diff && !out.json {
        let changed = |seal: &&Value| seal["content_unchanged"] == false && seal["deleted"] == false;
        let mut all = Ok(());
        for seal in page["items"].as_array().into_iter().flatten().filter(changed) {
            // The others are shown all the same.
            if let Err(failure) = difference(client, seal).await {
                let why = failure.line().unwrap_or_default();
                print::note(&format!("cannot compare `{}`: {why}", text(seal, "path")));
                all = Err(Failure::said());
            }
        }
        return all;
    }
    Ok(())
}

/// What was sealed beside what is there now.
async fn difference(client: &Client, seal: &Value) -> Result<(), Failure> {
    let (id, path) = (text(seal, "id"), text(seal, "path"));
    let address =
        format!("/notebooks/{}/entries/{}", escape(text(seal, "notebook")), escape(text(seal, "entry")));
    let sealed = client.bytes(&format!("{address}/seals/{id}/content")).await?;
    let now = client.bytes(&format!("{address}/content")).await?;
    match (String::from_utf8(sealed), String::from_utf8(now)) {
        (Ok(sealed), Ok(now)) => {
            let diff = TextDiff::from_lines(&sealed, &now);
            let names = (format!("sealed {} {path}", short(id)), format!("now {}", text(seal, "path_now")));
            print::line(diff.unified_diff().header(&names.0, &names.1).to_string().trim_end());
        }
        _ => print::line(&format!("{} {path}: the bytes differ, and are no text", short(id))),
    }
    Ok(())
}

/// `seal-rule`.
pub async fn rule(client: &Client, out: Output, args: &RuleArgs) -> Result<(), Failure> {
    let path = format!("/notebooks/{}/seal-rule", escape(&args.notebook));
    if let Some(needed) = args.needed {
        client.put(&path, &json!({"needed": needed, "of": args.of})).await?;
    }
    let rule = client.get(&path).await?;
    out.show(&rule, |rule| {
        let of: Vec<&str> =
            rule["of"].as_array().into_iter().flatten().map(|person| text(person, "who")).collect();
        let of = if of.is_empty() { "anybody who may seal".to_owned() } else { of.join(", ") };
        format!("a seal is complete when {} sign or confirm it, of: {of}", rule["needed"])
    });
    Ok(())
}

/// Where a sealed entry is, and where it was sealed if that is elsewhere.
fn place(seal: &Value) -> String {
    let then = text(seal, "path");
    match seal["path_now"].as_str() {
        Some(now) if now != then => format!("{now} (sealed as {then})"),
        _ => then.to_owned(),
    }
}

/// One seal on one line, and its witnesses on more.
fn line(seal: &Value) -> String {
    let sign =
        |one: &Value| format!("\"{}\" by {}, {}", text(one, "meaning"), signer(one), text(one, "time"));
    let stands = match (seal["unchanged"] == true, seal["deleted"] == true, seal["content_unchanged"] == true)
    {
        (true, ..) => "unchanged since",
        (_, true, _) => "DELETED since",
        (_, _, true) => "what belongs to it CHANGED since",
        _ => "CHANGED since it was sealed",
    };
    let stands =
        if seal["is_true"] == true { stands } else { "NOT TRUE: the version it names has other bytes" };
    let lock = if seal["locks"] == true { ", locked" } else { "" };
    let mut lines = format!(
        "{}  {}{lock}; {stands}; {} of {} signed",
        short(text(seal, "id")),
        sign(&seal["by"]),
        seal["signed"],
        seal["needed"]
    );
    for witness in seal["witnesses"].as_array().into_iter().flatten() {
        lines.push_str(&format!("\n          {}", sign(witness)));
    }
    for stamp in seal["timestamps"].as_array().into_iter().flatten() {
        let doubt = if stamp["trusted"] == true { "" } else { " (NOT BELIEVED here)" };
        let (before, authority) = (text(stamp, "before"), text(stamp, "authority"));
        lines.push_str(&format!("\n          existed before {before}, says {authority}{doubt}"));
    }
    for part in seal["parts"].as_array().into_iter().flatten().filter(|part| part["unchanged"] == false) {
        lines.push_str(&format!("\n          changed or gone: {}", text(part, "path")));
    }
    lines
}
