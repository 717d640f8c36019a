//! What a manifest says that is not wrong, and will hardly do what was meant: said by `plugin check` and beside the plugin.

use reqwest::Url;

use super::endpoints::reach::{self, Reach};
use super::files::{self, Files};
use super::lines::Read;
use super::manifest::{self, Manifest};
use super::permission::Permission;
use crate::mirror;

/// Each as a JSON pointer, and words.
pub fn on(manifest: &Manifest, files: &Files, read: &Read) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let known = manifest::keys();
    for key in read.value.as_object().into_iter().flat_map(|map| map.keys()) {
        if !known.contains(key) {
            let close = mirror::nearest(key, known.iter().map(String::as_str));
            let close = close.map(|close| format!("; did you mean `{close}`?"));
            let say = format!("a manifest has no key `{key}`{}", close.unwrap_or_default());
            found.push((format!("/{key}"), say));
        }
    }
    for (at, example) in manifest.examples.iter().enumerate() {
        if let Err(why) = files::inside(&example.file).and_then(|name| files.read(&name).map(drop)) {
            found.push((format!("/examples/{at}/file"), why));
        }
    }
    on_code(manifest, &mut found);
    on_the_service(manifest, &mut found);
    on_endpoints(manifest, &mut found);
    found
}

fn on_code(manifest: &Manifest, found: &mut Vec<(String, String)>) {
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

fn on_the_service(manifest: &Manifest, found: &mut Vec<(String, String)>) {
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
    let Ok(base) = Url::parse(&integration.base_url) else { return };
    let reach = Reach { hosts, own: None, lookup: reach::system() };
    if let Err(why) = reach.allows(&base) {
        let say =
            format!("{why}; unless the user of a device sets another: `codexd plugin set ID base_url=…`");
        found.push(("/integration/base_url".to_owned(), say));
    }
}

fn on_endpoints(manifest: &Manifest, found: &mut Vec<(String, String)>) {
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
