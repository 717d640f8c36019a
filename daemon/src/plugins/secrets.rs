//! Secrets of plugins: XChaCha20-Poly1305 under a key of this home, which lies in a file for its owner only. They are written
//! through the API and never read there; only the request that needs one opens it.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::{Plugin, PluginError, Plugins, io_error};

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
        let sealed = match value {
            Some(value) => Some(self.seal(&place(workspace, plugin.id(), name), value.as_bytes())?),
            None => None,
        };
        self.inner.system.set_plugin_secret(workspace, plugin.id(), name, sealed.as_deref())?;
        self.changed();
        Ok(())
    }

    /// A secret, opened. Only for the request that is about to leave.
    pub(super) fn secret(
        &self,
        plugin: &str,
        workspace: &str,
        name: &str,
    ) -> Result<Option<String>, PluginError> {
        let Some(sealed) = self.inner.system.plugin_secret(workspace, plugin, name)? else { return Ok(None) };
        let opened = self.open(&place(workspace, plugin, name), &sealed)?;
        Ok(Some(opened))
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

/// Bound to its place: a secret that is moved to another plugin in the database does not open there.
fn place(workspace: &str, plugin: &str, name: &str) -> String {
    format!("codex plugin secret\0{workspace}\0{plugin}\0{name}")
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
