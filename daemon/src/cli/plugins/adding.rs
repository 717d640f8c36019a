//! A plugin's folder: whether it is sound, and how it comes into the plugin folder of this device.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Value, json};

use super::{WhereArgs, query};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::print::{Output, text};
use crate::plugins::code::{self, Faults};
use crate::plugins::{self, catalogue};

/// `plugin add`.
pub async fn add(client: &Client, out: Output, folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    let path = folder.canonicalize().map_err(|why| match why.kind() {
        ErrorKind::NotFound => Failure::new(format!("there is no folder {shown}")),
        _ => Failure::new(format!("cannot read {shown}: {why}")),
    })?;
    if path.is_file() {
        let parent = path.parent().unwrap_or(&path).display();
        return Err(Failure::new(format!("{shown} is a file; give the folder of the plugin: {parent}")));
    }
    let added = client.post("/plugins", &json!({"path": path})).await?;
    let page = client.get(&query(&WhereArgs::default())).await?;
    out.show(&added, |plugin| {
        let mut lines = warnings(plugin);
        lines.push(next_step(plugin, &page));
        lines.join("\n")
    });
    Ok(())
}

/// Whatever is said of one, a line each.
pub fn warnings(plugin: &Value) -> Vec<String> {
    let all = plugin["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    all.map(|warning| format!("warning: {warning}")).collect()
}

/// What puts the new one to work. Where another one has its id, that counts until somebody says otherwise.
fn next_step(plugin: &Value, page: &Value) -> String {
    let (id, version, hash) = (text(plugin, "id"), text(plugin, "version"), text(plugin, "hash"));
    let all = |key: &str| page[key].as_array().into_iter().flatten();
    let waits = all("waiting").any(|one| text(one, "id") == id && one["path"] == plugin["path"]);
    if !waits {
        return format!(
            "{id} {version} is installed; `codexd plugin enable {id}` shows what it may do, and asks"
        );
    }
    let other = all("plugins").find(|one| text(one, "id") == id);
    let other = if other.is_some_and(|one| one["bundled"] == json!(true)) {
        "a bundled plugin"
    } else {
        "another plugin"
    };
    format!(
        "{id} {version} is installed; {other} has the id `{id}` too, and counts. This one takes its place with \
         `codexd plugin enable {id} --hash {hash}`, which shows what it may do, and asks"
    )
}

/// `plugin check`.
pub fn check(folder: &Path, out: Output) -> Result<(), Failure> {
    let read = catalogue::read_one(folder).and_then(|plugin| match code::faults(&plugin) {
        Faults { problems, warnings } if problems.is_empty() => Ok((plugin, warnings)),
        Faults { problems, .. } => Err(problems),
    });
    let (plugin, slips) = match read {
        Ok(read) => read,
        Err(problems) => {
            out.show(&json!({"problems": problems}), |_| plugins::in_words(&problems));
            return Err(Failure::said());
        }
    };
    let mut warnings: Vec<String> = plugin.blocked.iter().cloned().collect();
    warnings.extend(crate::http::plugins::frames::warnings(&plugin));
    warnings.extend(slips.iter().map(plugins::in_a_line));
    let answer = json!({"id": plugin.id(), "version": plugin.manifest.version, "hash": plugin.hash, "warnings": warnings});
    out.show(&answer, |_| {
        let mut lines = vec![format!("{} {} is sound", plugin.id(), plugin.manifest.version)];
        lines.extend(warnings.iter().map(|warning| format!("warning: {warning}")));
        lines.join("\n")
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cli::plugins::beginning::{Kind, begin};

    #[test]
    fn a_check_fails_for_an_importer_that_cannot_be_read_and_not_for_a_view() {
        let temp = tempfile::tempdir().unwrap();
        for (kind, is_sound) in [(Kind::Importer, false), (Kind::View, true)] {
            let folder = temp.path().join(format!("my-{kind:?}").to_lowercase());
            begin(&folder, kind).unwrap();
            assert!(check(&folder, Output { json: false }).is_ok());
            let id = folder.file_name().unwrap().to_str().unwrap();
            std::fs::write(folder.join(format!("{id}.js")), "let = = 1;\n").unwrap();
            assert_eq!(check(&folder, Output { json: false }).is_ok(), is_sound, "{kind:?}");
        }
    }

    #[test]
    fn one_that_waits_for_the_place_of_another_is_told_the_command_that_gives_it() {
        let own = json!({"id": "table", "version": "1.0.0", "hash": "abc", "path": "/own/table"});
        let bundled = json!({"id": "table", "bundled": true, "path": null});
        let said = next_step(&own, &json!({"plugins": [bundled], "waiting": [own]}));
        assert!(said.contains("a bundled plugin has the id `table` too"), "{said}");
        assert!(said.contains("`codexd plugin enable table --hash abc`"), "{said}");
        let said = next_step(&own, &json!({"plugins": [own], "waiting": []}));
        assert!(said.contains("`codexd plugin enable table` shows"), "{said}");
    }
}
