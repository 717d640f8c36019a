//! `search`, `query`, `log`, `show`, `restore`, `deleted`, `fetch`.

use std::io::Write;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{self, Output, items, note, text};
use super::{AtArgs, EntryArgs, RestoreArgs, SearchArgs};

/// `search`.
pub async fn search(client: &Client, out: Output, args: SearchArgs) -> Result<(), Failure> {
    let notebook =
        args.notebook.map(|notebook| format!("&notebook={}", escape(&notebook))).unwrap_or_default();
    let path = format!("/search?q={}&limit={}{notebook}", escape(&args.query), args.limit);
    let page = client.get(&path).await?;
    out.show(&page, |page| items(page, hit, "nothing found"));
    if !out.json {
        warnings(&page).for_each(note);
        if let Some(suggestion) = page["suggestion"].as_str() {
            note(&format!("`{suggestion}` might find something"));
        }
    }
    Ok(())
}

fn warnings(answer: &Value) -> impl Iterator<Item = &str> {
    answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn hit(hit: &Value) -> String {
    let parts = hit["snippet"].as_array().into_iter().flatten();
    let snippet: String = parts.map(|part| text(part, "text")).collect();
    let snippet = snippet.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}\n    {snippet}", text(hit, "path"))
}

/// `query`.
pub async fn query(client: &Client, out: Output, file: &Path) -> Result<(), Failure> {
    let shown = file.display();
    let source = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read the query {shown}: {error}")))?;
    let query = query_of(&source)
        .map_err(|reason| Failure::new(format!("cannot use the query {shown}: {reason}")))?;
    let answer = client.post("/query", &query).await?;
    out.show(&answer, |answer| {
        let files = answer["files"].as_array().into_iter().flatten();
        let mut lines: Vec<_> = files.map(|file| text(file, "path").to_owned()).collect();
        for (group, files) in answer["groups"].as_object().into_iter().flatten() {
            lines.push(format!("{group}:"));
            let files = files.as_array().into_iter().flatten();
            lines.extend(files.map(|file| format!("  {}", text(file, "path"))));
        }
        lines.push(format!("{} in all", answer["total"]));
        lines.join("\n")
    });
    if !out.json {
        for warning in warnings(&answer) {
            let line = line_of(&source, warning).map(|line| format!(":{line}")).unwrap_or_default();
            note(&format!("{shown}{line}: {warning}"));
        }
    }
    Ok(())
}

/// The line that begins with the first thing that a warning names.
fn line_of(source: &str, warning: &str) -> Option<usize> {
    let name = warning.split('`').nth(1)?;
    let begins = |line: &str| {
        let line = line.trim_start_matches([' ', '\t', '{', '"', '\'', '-']);
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '"', '\'', ' ']))
    };
    source.lines().position(begins).map(|line| line + 1)
}

/// The query in a view's frontmatter, or a text that is nothing but a query.
fn query_of(source: &str) -> Result<Value, String> {
    let text = source.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let yaml = match text.strip_prefix("---\n") {
        Some(rest) => {
            let end = rest.find("\n---").ok_or("its frontmatter has no end")?;
            &rest[..=end]
        }
        None => text.as_str(),
    };
    let value: Value = serde_yaml_ng::from_str(yaml).map_err(|error| error.to_string())?;
    if value["query"].is_object() {
        return Ok(value["query"].clone());
    }
    let is_view = value["type"] == "view" || value["view_type"].is_string();
    match value {
        Value::Object(_) if is_view => {
            Err("the view has no `query:` with its conditions under it, as in `query: {tags: [todo]}`"
                .to_owned())
        }
        Value::Object(_) => Ok(value),
        _ => Err("it holds no query".to_owned()),
    }
}

/// The API's address of an entry, by path or id; also of one that is deleted, by id.
pub(super) async fn address(client: &Client, args: &EntryArgs) -> Result<String, Failure> {
    let notebook = escape(&args.notebook);
    let is_id = args.path.len() == 64 && args.path.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id {
        return Ok(format!("/notebooks/{notebook}/entries/{}", args.path));
    }
    let path = args.path.trim_start_matches("./");
    let page =
        client.get(&format!("/notebooks/{notebook}/entries?deleted=true&path={}", escape(path))).await?;
    match page["items"][0]["id"].as_str() {
        Some(id) => Ok(format!("/notebooks/{notebook}/entries/{id}")),
        None => Err(Failure::new(format!(
            "there is nothing at `{path}` in the notebook `{}`; see what there is with `codexd search`, or give the entry's id",
            args.notebook
        ))),
    }
}

/// `log`.
pub async fn log(client: &Client, out: Output, args: &EntryArgs) -> Result<(), Failure> {
    let address = address(client, args).await?;
    let mut page = client.get(&format!("{address}/history?limit=1000")).await?;
    let seals = client.get(&format!("{address}/seals")).await?["items"].take();
    if let Some(rows) = page["items"].as_array_mut() {
        mark(rows, seals.as_array().map_or(&[], Vec::as_slice));
    }
    out.show(&page, |page| items(page, version_line, "no versions"));
    Ok(())
}

/// Puts seals to the versions, the newest first, that they are of: a state of several versions is there with the last of
/// them. What came after one that is locked amends it, unless it only moved.
fn mark(rows: &mut [Value], seals: &[Value]) {
    let count = rows.len();
    // What is older than all that is shown is before them.
    let mut locked_before = 0;
    for row in rows.iter_mut() {
        row["seals"] = json!([]);
    }
    for seal in seals {
        let is_of = |row: &Value| text(seal, "version").split('.').any(|head| head == text(row, "version"));
        let place = rows.iter().position(is_of);
        if seal["locks"] == true {
            locked_before = locked_before.max(place.unwrap_or(count));
        }
        if let Some(all) = place.and_then(|place| rows[place]["seals"].as_array_mut()) {
            all.push(seal.clone());
        }
    }
    for (at, row) in rows.iter_mut().enumerate() {
        let mut did = row["did"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let is_change = did.any(|did| !matches!(did, "renamed" | "moved"));
        row["amends"] = (at < locked_before && is_change).into();
    }
}

/// One version: what was done, and below it who signed what it came to.
fn version_line(row: &Value) -> String {
    let name = print::doer(row);
    let did = row["did"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let did = did.collect::<Vec<_>>().join(", ");
    let amends = if row["amends"] == true { " (amends what is sealed)" } else { "" };
    let mut lines = format!("{}  {:<24}  {name}: {did}{amends}", text(row, "version"), text(row, "time"));
    for seal in row["seals"].as_array().into_iter().flatten() {
        let witnesses = seal["witnesses"].as_array().into_iter().flatten();
        for (how, by) in [("sealed", &seal["by"])].into_iter().chain(witnesses.map(|by| ("witnessed", by))) {
            let name = by["who"].as_str().map_or_else(|| print::signer(by), str::to_owned);
            lines.push_str(&format!("\n    {how} by {name}, {}: {}", text(by, "time"), text(by, "meaning")));
        }
    }
    lines
}

/// `show`: the exact bytes on stdout.
pub async fn show(client: &Client, args: &AtArgs) -> Result<(), Failure> {
    let address = address(client, &args.entry).await?;
    let path = match &args.at {
        Some(version) => format!("{address}/versions/{}/content", escape(version)),
        None => format!("{address}/content"),
    };
    let mut response = client.send(client.request(Method::GET, &path)).await?;
    let mut stdout = std::io::stdout();
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| Failure::new(format!("the daemon's answer broke off: {error}")))?;
        let Some(chunk) = chunk else { break };
        if stdout.write_all(&chunk).is_err() {
            // Whoever closed the pipe has seen enough.
            break;
        }
    }
    let _ = stdout.flush();
    Ok(())
}

/// `restore`.
pub async fn restore(client: &Client, out: Output, args: &RestoreArgs) -> Result<(), Failure> {
    let address = address(client, &args.entry).await?;
    let entry =
        client.post(&format!("{address}/restore"), &json!({"version": args.at, "amend": args.amend})).await?;
    out.show(&entry, |entry| {
        let is_whole = args.at.is_none() && text(entry, "kind") == "folder";
        let how = if is_whole { "has back all that was deleted together with it" } else { "is as it was" };
        format!("{} {how}; its version is now {}", text(entry, "path"), text(entry, "version"))
    });
    Ok(())
}

/// `deleted`.
pub async fn deleted(client: &Client, out: Output, notebook: &str) -> Result<(), Failure> {
    let page =
        client.get(&format!("/notebooks/{}/entries?deleted=true&limit=1000", escape(notebook))).await?;
    let line = |item: &Value| {
        format!("{:<24}  {:<7}  {}", text(item, "modified"), text(item, "kind"), text(item, "path"))
    };
    out.show(&page, |page| items(page, line, "nothing is deleted"));
    Ok(())
}

/// `fetch`.
pub async fn fetch(client: &Client, out: Output, args: &EntryArgs) -> Result<(), Failure> {
    let address = address(client, args).await?;
    let done = client.post(&format!("{address}/fetch"), &json!({})).await?;
    out.show(&done, |done| match done["missing"].as_u64() {
        Some(0) => format!("`{}` is here already; nothing of it is missing", args.path),
        Some(1) => format!(
            "`{}`: an attachment is missing; it comes as soon as a device that holds it is connected; see `codexd status`",
            args.path
        ),
        _ => format!(
            "`{}`: {} attachments are missing; each comes as soon as a device that holds it is connected; see \
             `codexd status`",
            args.path, done["missing"]
        ),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_last_part_of_a_sealed_state_amends_it_and_moving_does_not() {
        let row = |version: &str, did: &str| json!({"version": version, "did": [did]});
        let seal = |version: &str, locks: bool| json!({"version": version, "locks": locks});
        let marked = |mut rows: Vec<Value>, seals: &[Value]| -> Vec<(bool, usize)> {
            mark(&mut rows, seals);
            let seals = |row: &Value| row["seals"].as_array().map_or(0, Vec::len);
            rows.iter().map(|row| (row["amends"] == true, seals(row))).collect()
        };
        // Two wrote at the same time, and what it came to was sealed: nothing has changed since.
        let both = || vec![row("b", "edited"), row("a", "edited"), row("birth", "created")];
        assert_eq!(marked(both(), &[seal("a.b", true)]), [(false, 1), (false, 0), (false, 0)]);
        let later = [vec![row("d", "edited"), row("c", "moved")], both()].concat();
        let expect = [(true, 0), (false, 0), (false, 1), (false, 0), (false, 0)];
        assert_eq!(marked(later.clone(), &[seal("a.b", true)]), expect);
        assert!(marked(later.clone(), &[seal("a.b", false)]).iter().all(|(amends, _)| !amends));
        // Sealed before all that is shown.
        assert_eq!(marked(later, &[seal("old", true)]).iter().filter(|(amends, _)| *amends).count(), 4);
    }

    #[test]
    fn a_warning_is_shown_with_its_line() {
        let source = "---\nquery:\n  tags: [a]\n  tagz: [b]\n---\n";
        for (warning, line) in
            [("a query has no `tagz`", Some(4)), ("a query has no `tag`", None), ("nothing", None)]
        {
            assert_eq!(line_of(source, warning), line, "{warning}");
        }
        assert_eq!(line_of("{\"tagz\": []}", "a query has no `tagz`"), Some(1));
    }

    #[test]
    fn a_query_is_taken_from_a_view_or_stands_alone() {
        let expect = Ok(json!({"tags": ["a"]}));
        for source in [
            "---\ntype: view\nquery:\n  tags: [a]\n---\nText\n",
            "\u{feff}---\r\nquery:\r\n  tags:\r\n  - a\r\n---\r\n",
            "{\"tags\": [\"a\"]}",
            "tags: [a]\n",
        ] {
            assert_eq!(query_of(source), expect, "{source}");
        }
        let none =
            ["", "just words", "---\nquery: {}\n", "---\nx: [\n---\n", "---\ntype: view\nquerry: {}\n---\n"];
        for source in none {
            assert!(query_of(source).is_err(), "{source}");
        }
    }
}
