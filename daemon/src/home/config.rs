//! `config.toml`: what the user may set. Options on the command line win.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{HomeError, io};
use crate::net::RelayChoice;

/// Where the desk is served unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7420";

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What this device calls itself.
    #[serde(default = "host_name")]
    pub device_name: String,
    /// Where the desk is served.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// `default`, `none` or a relay's URL.
    #[serde(default = "default_relay")]
    pub relay: String,
    /// Whether to find and be found on the local network.
    #[serde(default = "yes")]
    pub discovery: bool,
}

impl Config {
    /// Reads the settings; writes a file with the defaults if there is none.
    pub fn load_or_make(path: &Path) -> Result<Self, HomeError> {
        if !path.exists() {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(io("make the folder", parent))?;
            }
            fs::write(path, first_text(&host_name())).map_err(io("write the settings", path))?;
        }
        Self::load(path)
    }

    /// Reads the settings.
    pub fn load(path: &Path) -> Result<Self, HomeError> {
        let text = fs::read_to_string(path).map_err(io("read the settings", path))?;
        toml::from_str(&text).map_err(|error| HomeError::Config {
            path: path.display().to_string(),
            reason: error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }
}

/// Reads `default`, `none` or a URL.
pub fn relay_choice(text: &str) -> Result<RelayChoice, String> {
    match text {
        "default" => Ok(RelayChoice::Default),
        "none" => Ok(RelayChoice::None),
        url if url.starts_with("https://") || url.starts_with("http://") => {
            Ok(RelayChoice::Url(url.to_owned()))
        }
        other => Err(format!("`{other}` is no relay: give `default`, `none` or a URL")),
    }
}

fn first_text(device_name: &str) -> String {
    let device_name = toml::Value::String(device_name.to_owned());
    format!(
        "# Settings of Codex. Options on the command line win over these.\n\
         \n\
         # What this device calls itself.\n\
         device_name = {device_name}\n\
         \n\
         # Where the desk is served. If the port is taken, or 0, any free one is used.\n\
         #listen = \"{DEFAULT_LISTEN}\"\n\
         \n\
         # Relays that help devices to reach each other: \"default\", \"none\" or the URL of your own.\n\
         #relay = \"default\"\n\
         \n\
         # Find devices on the local network, and be found.\n\
         #discovery = true\n"
    )
}

fn host_name() -> String {
    let read = |path: &str| fs::read_to_string(path).ok().map(|name| name.trim().to_owned());
    let asked = read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"));
    let named = asked.or_else(|| std::env::var("HOSTNAME").ok()).filter(|name| !name.is_empty());
    named.unwrap_or_else(|| "unnamed".to_owned())
}

fn default_listen() -> String {
    DEFAULT_LISTEN.to_owned()
}

fn default_relay() -> String {
    "default".to_owned()
}

fn yes() -> bool {
    true
}
