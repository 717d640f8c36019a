//! `conflicts` and `settle`: the inbox.

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{Output, items, short, text};

/// Which conflict, and how it ends.
#[derive(Debug, Args)]
pub struct SettleArgs {
    /// Id, slug or name.
    pub notebook: String,
    /// Its number, as `conflicts` shows it.
    pub number: u64,
    /// Take this one of the values that do not show.
    #[arg(long, value_name = "N")]
    pub other: Option<usize>,
}

/// `conflicts`.
pub async fn conflicts(client: &Client, out: Output, notebook: Option<String>) -> Result<(), Failure> {
    let query = notebook.map(|notebook| format!("?notebook={}", escape(&notebook))).unwrap_or_default();
    let page = client.get(&format!("/conflicts{query}")).await?;
    let line = |conflict: &Value| {
        format!(
            "{}  {:>4}  {}: {}",
            short(text(conflict, "notebook")),
            conflict["number"],
            text(conflict, "path"),
            what(conflict)
        )
    };
    out.show(&page, |page| items(page, line, "no conflicts"));
    Ok(())
}

fn what(conflict: &Value) -> String {
    let kind = &conflict["kind"];
    let beside = match conflict["other_path"].as_str() {
        Some(path) => format!("as `{path}`"),
        None => "beside it".to_owned(),
    };
    match text(kind, "type") {
        "property" => {
            let others = others(conflict).into_iter().enumerate();
            let others: Vec<String> =
                others.map(|(n, other)| format!("{}) {}", n + 1, other.trim())).collect();
            format!("set twice: it shows {}; the other was {}", text(kind, "shown").trim(), others.join(", "))
        }
        "attachment" => format!("the attachment was changed twice; the other version lies {beside}"),
        "name" => format!("has the name of another entry, which keeps it {beside}; rename one of the two"),
        "frontmatter" => "after a merge the frontmatter reads differently".to_owned(),
        "after_crash" => "bytes found after a crash that no version explains".to_owned(),
        "text_became_blob" => {
            format!("the text was edited while it became an attachment; the attachment lies {beside}")
        }
        "joined" => format!("other bytes were here before joining; they lie {beside}"),
        other => other.to_owned(),
    }
}

fn others(conflict: &Value) -> Vec<&str> {
    conflict["kind"]["others"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// `settle`.
pub async fn settle(client: &Client, out: Output, args: &SettleArgs) -> Result<(), Failure> {
    let notebook = escape(&args.notebook);
    if let Some(number) = args.other {
        take_other(client, &notebook, args.number, number).await?;
    }
    // Setting the property may have settled it.
    let done = match args.other {
        Some(_) if find(client, &notebook, args.number).await?.is_none() => json!({"done": true}),
        _ => client.post(&format!("/notebooks/{notebook}/conflicts/{}", args.number), &json!({})).await?,
    };
    out.show(&done, |_| format!("conflict {} is out of the inbox", args.number));
    Ok(())
}

/// A conflict that is open.
async fn find(client: &Client, notebook: &str, number: u64) -> Result<Option<Value>, Failure> {
    let page = client.get(&format!("/notebooks/{notebook}/conflicts")).await?;
    let items = page["items"].as_array().into_iter().flatten();
    Ok(items.into_iter().find(|item| item["number"] == number).cloned())
}

/// Why there is no such other value, and what can be done instead.
fn no_other(conflict: &Value, others: usize) -> String {
    let path = text(conflict, "path");
    let end = format!("`codexd settle {} {}`", short(text(conflict, "notebook")), conflict["number"]);
    let other = conflict["other_path"].as_str().map_or("the other".to_owned(), |other| format!("`{other}`"));
    match text(&conflict["kind"], "type") {
        "property" if others == 1 => "there is one other value, --other 1".to_owned(),
        "property" => format!("there are --other 1 to --other {others}; `codexd conflicts` shows them"),
        "name" => format!(
            "it is about the name of `{path}`, no value; rename `{path}` or {other} in the folder, which settles it, or \
             leave both as they are with {end}"
        ),
        "attachment" | "text_became_blob" | "joined" => format!(
            "both versions are files, `{path}` and {other}; keep what you want of the two in the folder, then {end}"
        ),
        _ => format!("there is nothing to choose from; look at `{path}`, then {end}"),
    }
}

/// Sets the property of a conflict to one of the values that do not show.
async fn take_other(client: &Client, notebook: &str, conflict: u64, number: usize) -> Result<(), Failure> {
    let Some(found) = find(client, notebook, conflict).await? else {
        return Err(Failure::new(format!(
            "there is no open conflict {conflict} in the notebook; `codexd conflicts` lists them"
        )));
    };
    let others = others(&found);
    let Some(source) = number.checked_sub(1).and_then(|at| others.get(at)) else {
        let why = no_other(&found, others.len());
        return Err(Failure::usage(format!(
            "cannot settle conflict {conflict} with --other {number}: {why}"
        )));
    };
    let key = text(&found["kind"], "key");
    let value: Value = serde_yaml_ng::from_str::<Value>(source)
        .map(|mapping| mapping[key].clone())
        .map_err(|error| Failure::new(format!("cannot read the other value `{}`: {error}", source.trim())))?;
    let entry = text(&found, "entry");
    client
        .call(
            Method::PATCH,
            &format!("/notebooks/{notebook}/entries/{entry}"),
            Some(&json!({"properties": {key: value}})),
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_another_value_where_there_is_none_is_told_what_to_do() {
        for (kind, others, says) in [
            ("property", 1, &["there is one other value, --other 1"][..]),
            ("property", 2, &["--other 1 to --other 2", "codexd conflicts"]),
            ("name", 0, &["rename `b (x).md` or `b.md`", "which settles it", "`codexd settle 01234567 3`"]),
            ("attachment", 0, &["`b (x).md` and `b.md`", "`codexd settle 01234567 3`"]),
            ("frontmatter", 0, &["look at `b (x).md`", "`codexd settle 01234567 3`"]),
        ] {
            let conflict = json!({"notebook": "0123456789", "number": 3, "path": "b (x).md", "other_path": "b.md",
                "kind": {"type": kind}});
            let said = no_other(&conflict, others);
            assert!(says.iter().all(|word| said.contains(word)), "{kind}: {said}");
        }
    }
}
