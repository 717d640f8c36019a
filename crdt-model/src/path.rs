//! The one path type inside Codex: relative, `/` between names, cannot leave the notebook.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;

/// A path inside a notebook. Empty for the notebook itself. Never absolute, never with `.`, `..`, empty
/// names, NUL or over-long names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Default)]
pub struct EntryPath(String);

/// Why a text is not a path inside a notebook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// Starts with `/` or a drive letter's colon.
    #[error("the path `{0}` is absolute; give it relative to the notebook")]
    Absolute(String),
    /// A name is `.` or `..`.
    #[error("the path `{0}` contains `.` or `..`; a path cannot leave its notebook")]
    Dots(String),
    /// Two slashes in a row, or one at an end.
    #[error("the path `{0}` contains an empty name")]
    EmptyName(String),
    /// A NUL or a slash inside a name.
    #[error("the name `{0}` contains a character that no file name can hold")]
    Forbidden(String),
    /// Longer than [`limits::NAME_BYTES`] or [`limits::PATH_BYTES`].
    #[error("the path `{0}…` is too long (names: 255 bytes, paths: 4,096)")]
    TooLong(String),
}

impl BadPath {
    /// The same of the whole path, where the name alone does not say what was asked for.
    fn in_path(self, path: String) -> Self {
        match self {
            Self::Dots(_) => Self::Dots(path),
            Self::EmptyName(_) => Self::EmptyName(path),
            other => other,
        }
    }

    /// What is no path, at least its beginning.
    pub fn text(&self) -> &str {
        let (Self::Absolute(text)
        | Self::Dots(text)
        | Self::EmptyName(text)
        | Self::Forbidden(text)
        | Self::TooLong(text)) = self;
        text
    }
}

impl EntryPath {
    /// The notebook's own folder.
    pub fn root() -> Self {
        Self::default()
    }

    /// Checks a text.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        let shown = || text.chars().take(80).collect::<String>();
        if text.is_empty() {
            return Ok(Self::root());
        }
        if text.starts_with('/') {
            return Err(BadPath::Absolute(shown()));
        }
        if text.len() > limits::PATH_BYTES {
            return Err(BadPath::TooLong(shown()));
        }
        for name in text.split('/') {
            check_name(name).map_err(|bad| bad.in_path(shown()))?;
        }
        Ok(Self(text.to_owned()))
    }

    /// This path and one more name. The name has been checked by [`check_name`].
    pub fn join(&self, name: &str) -> Self {
        debug_assert!(check_name(name).is_ok());
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) }
    }

    /// Why nothing may ever be written here, if so.
    pub fn unwritable(&self) -> Option<&'static str> {
        let of_programs =
            |name: &str| name.eq_ignore_ascii_case(".codex") || name.eq_ignore_ascii_case(".git");
        if self.names().any(of_programs) {
            Some("`.codex` and `.git` belong to the programs, not to the notebook")
        } else if self.0.len() > limits::PATH_BYTES {
            Some("the path is longer than a file system can hold")
        } else {
            None
        }
    }

    /// The folder that holds this path; `None` for the notebook itself.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(self.0.rsplit_once('/').map_or_else(Self::root, |(parent, _)| Self(parent.to_owned())))
    }

    /// The last name; empty for the notebook itself.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Names from the top down.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// Whether this is the notebook's own folder.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `self` is `folder` or lies inside it.
    pub fn is_within(&self, folder: &EntryPath) -> bool {
        folder.is_root()
            || self.0 == folder.0
            || (self.0.starts_with(&folder.0) && self.0.as_bytes().get(folder.0.len()) == Some(&b'/'))
    }

    /// The text form, `/` between names.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks one name: not empty, not `.` or `..`, no `/`, no NUL, at most [`limits::NAME_BYTES`] bytes.
pub fn check_name(name: &str) -> Result<(), BadPath> {
    let shown = || name.chars().take(80).collect::<String>();
    if name.is_empty() {
        return Err(BadPath::EmptyName(shown()));
    }
    if name == "." || name == ".." {
        return Err(BadPath::Dots(shown()));
    }
    if name.contains(['/', '\0']) {
        return Err(BadPath::Forbidden(shown()));
    }
    if name.len() > limits::NAME_BYTES {
        return Err(BadPath::TooLong(shown()));
    }
    Ok(())
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::str::FromStr for EntryPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for EntryPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
