//! `timestamps.toml` in the home: which authority is asked, how long seals are gathered first, and which certificates are believed.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::pinned::{Pinned, PinnedError};
use crate::home::{HomeError, write_private};

/// Seals are gathered for so long before an authority is asked.
pub const AFTER_SECONDS: u64 = 60;

/// The settings. Without a file, nobody is asked and nobody believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    /// Whom to ask; nobody if there is none.
    pub asks: Option<Asks>,
    /// Whom to believe: also those who were asked before.
    pub pinned: Pinned,
}

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asks {
    /// Where.
    pub url: String,
    /// How long seals are gathered first, seconds.
    pub after_seconds: u64,
}

/// Why the settings are none.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The file cannot be read.
    #[error(
        "cannot read the settings for timestamps {path}: {reason}; correct the file, or make it anew with `codexd timestamps set`"
    )]
    Unreadable {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] HomeError),
    /// The address is none.
    #[error(
        "`{url}` is no address of an authority for timestamps: {reason}; give one like `http://tsa.example.org/tsr`"
    )]
    Url {
        /// What was given.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The certificates are none.
    #[error("cannot pin the certificate: {0}")]
    Pinned(#[from] PinnedError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after_seconds: Option<u64>,
    #[serde(default)]
    certificates: String,
}

impl Asks {
    /// An address of http or https.
    pub fn new(url: &str, after_seconds: Option<u64>) -> Result<Self, SettingError> {
        let bad = |reason: &str| SettingError::Url {
            url: url.chars().take(200).collect(),
            reason: reason.to_owned(),
        };
        let parsed = reqwest::Url::parse(url).map_err(|error| bad(&error.to_string()))?;
        if !["http", "https"].contains(&parsed.scheme()) || parsed.host_str().is_none() {
            return Err(bad("it is not one of http or https"));
        }
        Ok(Self { url: parsed.to_string(), after_seconds: after_seconds.unwrap_or(AFTER_SECONDS) })
    }
}

impl Setting {
    /// Reads the settings; those of nobody if there is no file.
    pub fn load(path: &Path) -> Result<Self, SettingError> {
        let unreadable =
            |reason: String| SettingError::Unreadable { path: path.display().to_string(), reason };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let written: Written = toml::from_str(&text).map_err(|error| {
            unreadable(error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
        })?;
        let asks = written.url.map(|url| Asks::new(&url, written.after_seconds)).transpose();
        let pinned = match written.certificates.trim() {
            "" => Pinned::default(),
            text => Pinned::from_pem(text).map_err(|error| unreadable(error.to_string()))?,
        };
        Ok(Self { asks: asks.map_err(|error| unreadable(error.to_string()))?, pinned })
    }

    /// Writes them, durably.
    pub fn save(&self, path: &Path) -> Result<(), SettingError> {
        let written = Written {
            url: self.asks.as_ref().map(|asks| asks.url.clone()),
            after_seconds: self.asks.as_ref().map(|asks| asks.after_seconds),
            certificates: self.pinned.to_pem(),
        };
        let text = toml::to_string(&written).expect("three plain values are always TOML");
        let text = format!(
            "# Which authority stamps seals, and whom to believe: written by `codexd timestamps`.\n\n{text}"
        );
        Ok(write_private(path, text.as_bytes())?)
    }
}
