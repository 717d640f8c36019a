//! Secrets of plugins: XChaCha20-Poly1305 under a key of this home, which lies in a file for its owner only. They are written
//! through the API and never read there; only the request that needs one opens it.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use reqwest::Url;
use serde_json::Value;

use super::{Plugin, PluginError, Plugins, catalogue, io_error};
use crate::system::PluginSecret;

const KEY_FILE: &str = ".key";
const NONCE: usize = 24;

impl Plugins {
    /// Sets a secret; nothing takes it away.
    pub fn set_secret(
        &self,
        plugin: &Plugin,
        workspace: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), PluginError> {
        if !plugin.manifest.properties.iter().any(|one| one.secure && one.name == name) {
            return Err(PluginError::Refused(format!("the plugin `{}` has no secret `{name}`", plugin.id())));
        }
        self.keep_secret(plugin, workspace, name, value)?;
        // They were for whoever had the one before.
        Ok(self.inner.system.forget_plugin_answers(workspace, plugin.id())?)
    }

    /// Keeps one, whatever its name.
    pub(super) fn keep_secret(
        &self,
        plugin: &Plugin,
        workspace: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), PluginError> {
        let system = &self.inner.system;
        match value {
            Some(value) => {
                let hosts = super::json_of(&self.reaches(plugin, workspace)?);
                let sealed = self.seal(&place(workspace, plugin.id(), name, &hosts), value.as_bytes())?;
                let secret = PluginSecret { name: name.to_owned(), sealed, hosts: Some(hosts) };
                system.set_plugin_secret(workspace, plugin.id(), &secret)?;
            }
            None => system.forget_plugin_secret(workspace, plugin.id(), name)?,
        }
        self.changed();
        Ok(())
    }

    /// A secret, opened. Only for the request that is about to leave, and not for one that goes where it was not meant to go.
    pub(super) fn secret(
        &self,
        plugin: &Plugin,
        workspace: &str,
        name: &str,
    ) -> Result<Option<String>, PluginError> {
        let all = self.inner.system.plugin_secrets(workspace, plugin.id())?;
        let Some(secret) = all.into_iter().find(|one| one.name == name) else { return Ok(None) };
        let (id, reaches) = (plugin.id(), self.reaches(plugin, workspace)?);
        let Some(hosts) = secret.hosts.as_ref().filter(|_| is_for(&secret, &reaches)) else {
            let what = if name.starts_with('.') {
                format!(
                    "its sign-in was for other hosts than it asks now, or for the plugin in whose place it is; sign in again under Settings → Plugins, or with `codexd plugin sign-in {id}`"
                )
            } else {
                format!(
                    "its secret `{name}` was given for other hosts than it asks now, or for the plugin in whose place it is; give it again under Settings → Plugins, or with `codexd plugin secret {id} {name}`"
                )
            };
            return Err(PluginError::Refused(what));
        };
        Ok(Some(self.open(&place(workspace, id, name, hosts), &secret.sealed)?))
    }

    /// Secrets that are set, by name: those that can be used, and those that were given for other hosts than it asks
    /// now, or for the plugin in whose place it is.
    pub fn secrets(
        &self,
        plugin: &Plugin,
        workspace: &str,
    ) -> Result<(Vec<String>, Vec<String>), PluginError> {
        let mut all = self.inner.system.plugin_secrets(workspace, plugin.id())?;
        // What a sign-in gave is nobody's setting.
        all.retain(|one| !one.name.starts_with('.'));
        let reaches = self.reaches(plugin, workspace)?;
        let (good, again): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| is_for(one, &reaches));
        let names = |all: Vec<PluginSecret>| all.into_iter().map(|one| one.name).collect();
        Ok((names(good), names(again)))
    }

    /// Whether there is one of this name that can be used.
    pub(super) fn has_secret(
        &self,
        plugin: &Plugin,
        workspace: &str,
        name: &str,
    ) -> Result<bool, PluginError> {
        let all = self.inner.system.plugin_secrets(workspace, plugin.id())?;
        let reaches = self.reaches(plugin, workspace)?;
        Ok(all.iter().any(|one| one.name == name && is_for(one, &reaches)))
    }

    /// What a secret is given for: where a plugin's requests may go as things are - its hosts, the service that is asked (the
    /// manifest's, or the one that the user of this device named), whatever else its manifest gives a whole address - and whether it
    /// takes the place of one of the program.
    fn reaches(&self, plugin: &Plugin, workspace: &str) -> Result<BTreeSet<String>, PluginError> {
        let manifest = &plugin.manifest;
        let integration = manifest.integration.clone().unwrap_or_default();
        let config = self.config(plugin, workspace)?;
        let own = config.get("base_url").and_then(Value::as_str);
        let origin = |kind: &str, address: &str| match Url::parse(address) {
            Ok(url) => format!("{kind} {}", url.origin().ascii_serialization()),
            Err(_) => format!("{kind} {address}"),
        };
        let mut all = BTreeSet::from([origin("service", own.unwrap_or(&integration.base_url))]);
        let hosts = manifest.wishes().into_iter().flat_map(|wish| wish.hosts);
        all.extend(hosts.map(|host| host.to_ascii_lowercase()));
        let paths = manifest.endpoints.iter().filter_map(|one| one.path.as_deref());
        all.extend(paths.filter(|path| path.starts_with("https://")).map(|path| origin("endpoint", path)));
        if let Some(oauth) = &integration.oauth {
            let addresses = [&oauth.authorize_url, &oauth.token_url].into_iter().chain(&oauth.revoke_url);
            all.extend(addresses.map(|address| origin("sign-in", address)));
        }
        // What was said to the program's own plugin was not said to one that takes its place.
        if !plugin.is_bundled() && catalogue::is_bundled(plugin.id()) {
            all.insert("plugin not of this program".to_owned());
        }
        Ok(all)
    }

    fn seal(&self, place: &str, value: &[u8]) -> Result<Vec<u8>, PluginError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)
            .map_err(|why| PluginError::Refused(format!("there is no randomness: {why}")))?;
        let payload = Payload { msg: value, aad: place.as_bytes() };
        let sealed = self.cipher()?.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| PluginError::Refused("the secret cannot be encrypted".to_owned()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<String, PluginError> {
        let lost = || {
            let say = "a secret of this plugin cannot be opened with the key of this home; set it again";
            PluginError::Refused(say.to_owned())
        };
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(lost)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let value = self.cipher()?.decrypt(&XNonce::from(*nonce), payload).map_err(|_| lost())?;
        String::from_utf8(value).map_err(|_| lost())
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, PluginError> {
        let path = self.inner.folder.join(KEY_FILE);
        fs::create_dir_all(&self.inner.folder).map_err(io_error("make", &self.inner.folder))?;
        let key = key(&path).map_err(io_error("use the key", &path))?;
        Ok(XChaCha20Poly1305::new(&key.into()))
    }
}

/// Bound to its place: a secret that is moved to another plugin in the database, or said to be for other hosts, does not open.
fn place(workspace: &str, plugin: &str, name: &str, hosts: &str) -> String {
    format!("codex plugin secret\0{workspace}\0{plugin}\0{name}\0{hosts}")
}

/// Whether a secret was given for all of these places, or more.
fn is_for(secret: &PluginSecret, reaches: &BTreeSet<String>) -> bool {
    let hosts: Option<BTreeSet<String>> =
        secret.hosts.as_ref().and_then(|json| serde_json::from_str(json).ok());
    hosts.is_some_and(|hosts| reaches.is_subset(&hosts))
}

/// The key, made when it is first needed.
fn key(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut key = [0; 32];
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            getrandom::fill(&mut key).map_err(std::io::Error::other)?;
            file.write_all(&key)?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            OpenOptions::new().read(true).open(path)?.read_exact(&mut key)?;
        }
        Err(error) => return Err(error),
    }
    Ok(key)
}
