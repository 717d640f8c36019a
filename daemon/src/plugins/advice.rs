//! What a manifest says that is not wrong, and will hardly do what was meant: said by `plugin check` and beside the plugin.

pub mod examples;
mod fields;
mod keys;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use reqwest::Url;
use serde_json::Value;

use super::endpoints::reach::{self, Reach};
use super::files::{self, Files};
use super::lines::Read;
use super::manifest::{self, Manifest};
use super::permission::Permission;

/// Each as a JSON pointer, and words.
pub type Advice = Vec<(String, String)>;

/// On what the manifest alone says.
pub fn on(manifest: &Manifest, files: &Files, read: &Read) -> Advice {
    let mut found = keys::unknown(manifest::schema(), &read.value);
    fields::on(&read.value, &mut found);
    for (at, example) in manifest.examples.iter().enumerate() {
        if let Err(why) = files::inside(&example.file).and_then(|name| files.read(&name).map(drop)) {
            found.push((format!("/examples/{at}/file"), why));
        }
    }
    on_ids(&read.value, &mut found);
    on_permissions(manifest, &mut found);
    on_code(manifest, &mut found);
    on_the_service(manifest, &mut found);
    on_endpoints(manifest, &mut found);
    found
}

/// Sections whose parts are told apart by a key.
const TOLD_APART: [(&str, &str); 8] = [
    ("views", "id"),
    ("blocks", "id"),
    ("templates", "id"),
    ("endpoints", "id"),
    ("importers", "id"),
    ("exporters", "id"),
    ("transformers", "id"),
    ("properties", "name"),
];

fn on_ids(value: &Value, found: &mut Advice) {
    for (section, key) in TOLD_APART {
        let mut known = BTreeSet::new();
        for (at, one) in value[section].as_array().into_iter().flatten().enumerate() {
            let Some(id) = one[key].as_str() else { continue };
            if !known.insert(id) {
                let say =
                    format!("another of the `{section}` is called `{id}` too; only one of them is ever used");
                found.push((format!("/{section}/{at}/{key}"), say));
            }
        }
    }
}

fn on_permissions(manifest: &Manifest, found: &mut Advice) {
    let asks = |permission| manifest.wishes().iter().any(|wish| wish.permission == permission);
    let mut say = |pointer: &str, say: &str| found.push((pointer.to_owned(), say.to_owned()));
    if !manifest.blocks.is_empty() && !asks(Permission::RenderBlocks) {
        say("/blocks", "a block is drawn in notes: add `render_blocks` to `permissions`, or none is drawn");
    }
    if !manifest.endpoints.is_empty() && !asks(Permission::NetworkRequest) {
        say(
            "/endpoints",
            "an endpoint is asked over the network: add `network_request` to `permissions`, or none is asked",
        );
    }
    if manifest.requires.contains_key(&manifest.id) {
        say(&format!("/requires/{}", manifest.id), "a plugin that needs itself never runs; take this away");
    }
}

fn on_code(manifest: &Manifest, found: &mut Advice) {
    let wishes = manifest.wishes();
    let asks = |permission| wishes.iter().any(|wish| wish.permission == permission);
    let mut say = |key: &str, say: &str| found.push((format!("/{key}"), say.to_owned()));
    if !manifest.importers.is_empty() && !asks(Permission::WriteFiles) {
        say(
            "importers",
            "an importer makes entries: add `write_files` to `permissions`, or nothing is imported",
        );
    }
    if !manifest.exporters.is_empty() && !asks(Permission::ReadFiles) {
        say(
            "exporters",
            "an exporter is given entries: add `read_files` to `permissions`, or nothing is exported",
        );
    }
    if !manifest.transformers.is_empty()
        && !(asks(Permission::ReadFiles)
            && (asks(Permission::WriteFiles) || asks(Permission::ModifyMetadata)))
    {
        say(
            "transformers",
            "a transformer is given an entry and changes it: add `read_files`, and `write_files` for its text or `modify_metadata` for its properties, to `permissions`",
        );
    }
}

fn on_the_service(manifest: &Manifest, found: &mut Advice) {
    let Some(integration) = &manifest.integration else { return };
    if let Some(test) = &integration.test_endpoint
        && manifest.endpoints.iter().all(|one| one.id != *test)
    {
        let say = format!("there is no endpoint `{test}`, so the settings cannot be tried");
        found.push(("/integration/test_endpoint".to_owned(), say));
    }
    let hosts = manifest.hosts();
    let asks = manifest.wishes().iter().any(|wish| wish.permission == Permission::NetworkRequest);
    if asks && hosts.is_empty() {
        let say = "network_request names no `hosts`, so nothing is reached";
        found.push(("/permissions".to_owned(), say.to_owned()));
    }
    let is_sent = matches!(integration.auth_method.as_str(), "token" | "api_key");
    if is_sent && !manifest.properties.iter().any(|one| one.secure) {
        let say = format!(
            "`{}` sends a secret, and none of `properties` has `secure: true`",
            integration.auth_method
        );
        found.push(("/integration/auth_method".to_owned(), say));
    }
    if integration.base_url.is_empty() {
        return;
    }
    let base = Url::parse(&integration.base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(base) = base else {
        let say = format!(
            "`{}` is no address of a service; write it whole: `https://api.example.org`",
            integration.base_url
        );
        found.push(("/integration/base_url".to_owned(), say));
        return;
    };
    let reach = Reach { hosts, own: None, lookup: reach::system() };
    if let Err(why) = reach.allows(&base) {
        let say =
            format!("{why}; unless the user of a device sets another: `codexd plugin set ID base_url=…`");
        found.push(("/integration/base_url".to_owned(), say));
    }
}

fn on_endpoints(manifest: &Manifest, found: &mut Advice) {
    for (at, endpoint) in manifest.endpoints.iter().enumerate() {
        let path = endpoint.path.as_deref().unwrap_or_default();
        for name in path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
            if !endpoint.parameters.iter().any(|one| one.name == name) {
                let say = format!("`{{{name}}}` is none of its parameters");
                found.push((format!("/endpoints/{at}/path"), say));
            }
        }
        for (number, parameter) in endpoint.parameters.iter().enumerate() {
            if let Some(key) = &parameter.from_config
                && !manifest.properties.iter().any(|one| one.name == *key)
            {
                let say = format!("`{key}` is none of the plugin's `properties`");
                found.push((format!("/endpoints/{at}/parameters/{number}/from_config"), say));
            }
        }
    }
}
