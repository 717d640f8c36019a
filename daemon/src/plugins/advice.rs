//! What a manifest says that is not wrong, and will hardly do what was meant: said by `plugin check` and beside the plugin.

use reqwest::Url;

use super::files::{self, Files};
use super::lines::Read;
use super::manifest::Manifest;
use super::permission::Permission;
use crate::mirror;

/// Keys at the top of a manifest.
const KEYS: [&str; 21] = [
    "id",
    "name",
    "version",
    "type",
    "description",
    "author",
    "license",
    "codex_version",
    "api_version",
    "requires",
    "permissions",
    "theme",
    "colors",
    "views",
    "blocks",
    "templates",
    "examples",
    "properties",
    "integration",
    "endpoints",
    "importers",
];

/// Each as a JSON pointer, and words.
pub fn on(manifest: &Manifest, files: &Files, read: &Read) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for key in read.value.as_object().into_iter().flat_map(|map| map.keys()) {
        if !KEYS.contains(&key.as_str()) {
            let close =
                mirror::nearest(key, KEYS.into_iter()).map(|close| format!("; did you mean `{close}`?"));
            let say = format!("a manifest has no key `{key}`{}", close.unwrap_or_default());
            found.push((format!("/{key}"), say));
        }
    }
    for (at, example) in manifest.examples.iter().enumerate() {
        if let Err(why) = files::inside(&example.file).and_then(|name| files.read(&name).map(drop)) {
            found.push((format!("/examples/{at}/file"), why));
        }
    }
    if !manifest.importers.is_empty()
        && manifest.wishes().iter().all(|wish| wish.permission != Permission::WriteFiles)
    {
        let say = "an importer makes entries: add `write_files` to `permissions`, or nothing is imported";
        found.push(("/importers".to_owned(), say.to_owned()));
    }
    on_the_service(manifest, &mut found);
    on_endpoints(manifest, &mut found);
    found
}

fn on_the_service(manifest: &Manifest, found: &mut Vec<(String, String)>) {
    let Some(integration) = &manifest.integration else { return };
    let wishes = manifest.wishes();
    let hosts: Vec<&String> = wishes.iter().flat_map(|wish| &wish.hosts).collect();
    if hosts.is_empty()
        && integration.base_url.is_empty()
        && wishes.iter().any(|wish| wish.permission == Permission::NetworkRequest)
    {
        found.push((
            "/permissions".to_owned(),
            "network_request names no `hosts`, so nothing is reached".to_owned(),
        ));
    }
    let Ok(base) = Url::parse(&integration.base_url) else { return };
    let host = base.host_str().unwrap_or_default();
    let mut say = |message: String| found.push(("/integration/base_url".to_owned(), message));
    let fits = |one: &&&String| {
        one.as_str() == "*"
            || one.as_str() == host
            || one.strip_prefix("*.").is_some_and(|end| host.ends_with(end))
    };
    if !hosts.is_empty() && hosts.iter().find(fits).is_none() {
        say(format!(
            "`{host}` is none of the hosts that the plugin asks for; add it to network_request's `hosts`"
        ));
    }
    if base.scheme() != "https" || base.port().is_some_and(|port| port != 443) {
        say("only https on its own port is asked, unless the user of a device sets another `base_url`: `codexd plugin set ID base_url=…`".to_owned());
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
