//! `plugin list`: what there is, and what is to be known of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{WhereArgs, query};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::print::{Output, text};

/// What notebooks of the workspace are called, by id.
type Called = BTreeMap<String, String>;

async fn called(client: &Client, at: &WhereArgs) -> Result<Called, Failure> {
    let workspace = at.workspace.as_deref().unwrap_or("default");
    let page = client.get("/notebooks").await?;
    let all = page["items"].as_array().into_iter().flatten();
    let here = all.filter(|one| text(one, "workspace") == workspace);
    Ok(here.map(|one| (text(one, "id").to_owned(), text(one, "slug").to_owned())).collect())
}

/// Prints them, as they are there.
pub async fn list(client: &Client, out: Output, at: &WhereArgs) -> Result<(), Failure> {
    let page = client.get(&query(at)).await?;
    let called = if at.notebook.is_none() { called(client, at).await? } else { Called::new() };
    out.show(&page, |page| {
        let all = page["plugins"].as_array().into_iter().flatten();
        let mut lines: Vec<String> = all.map(|plugin| listed(plugin, &called)).collect();
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

fn listed(plugin: &Value, called: &Called) -> String {
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
    if let Some(otherwise) = otherwise(plugin, called) {
        line.push_str(&format!("\n         {otherwise}"));
    }
    for name in plugin["secrets_again"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let id = text(plugin, "id");
        line.push_str(&format!(
            "\n         its secret `{name}` was given for other hosts than it asks now, or for the plugin in whose place it is; `codexd plugin secret {id} {name}` gives it again"
        ));
    }
    let last = plugin["refusals"][0]["reason"].as_str().unwrap_or_default();
    match plugin["refused"].as_u64() {
        None | Some(0) => {}
        Some(1) => line.push_str(&format!("\n         refused once: {last}")),
        Some(refused) => line.push_str(&format!("\n         refused {refused} times, the last: {last}")),
    }
    line
}

/// Notebooks that say otherwise than their workspace.
fn otherwise(plugin: &Value, called: &Called) -> Option<String> {
    let is_off = plugin["state"] == json!("off");
    let all = plugin["notebooks"].as_array().into_iter().flatten();
    let others = all.filter(|one| one["enabled"] == json!(is_off));
    let names: Vec<&str> =
        others.filter_map(|one| called.get(text(one, "notebook")).map(String::as_str)).collect();
    let words = if is_off { "on only in" } else { "off in" };
    (!names.is_empty()).then(|| format!("{words} {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_asked_for_again_is_named_with_what_to_do() {
        let row = json!({"id": "stars", "state": "on", "secrets_again": ["token"], "refused": 0});
        let said = listed(&row, &Called::new());
        assert!(said.contains("`token` was given for other hosts"), "{said}");
        assert!(said.contains("`codexd plugin secret stars token`"), "{said}");
    }

    #[test]
    fn notebooks_that_say_otherwise_are_named() {
        let called = Called::from([("1".to_owned(), "lab".to_owned()), ("2".to_owned(), "field".to_owned())]);
        let mut row = json!({"id": "stars", "state": "on", "refused": 1, "refusals": [{"reason": "no"}],
            "notebooks": [{"notebook": "1", "enabled": false}, {"notebook": "2", "enabled": true}, {"notebook": "3", "enabled": false}]});
        let said = listed(&row, &called);
        assert!(said.contains("\n         off in lab\n"), "{said}");
        assert!(said.contains("refused once: no"), "{said}");
        row["state"] = json!("off");
        assert!(listed(&row, &called).contains("on only in field"), "{row}");
    }
}
