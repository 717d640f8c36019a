//! What the API says, in its own words: the shapes that `openapi.json` describes.

use codex_crdt_model::entry::birth::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// What was asked for.
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl<T> Page<T> {
    /// All there is.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, cursor: None }
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// At most so many.
    pub limit: Option<usize>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// UTF-8 text that is merged by character.
    Text,
    /// Bytes.
    Blob,
    /// A folder.
    Folder,
    /// A symbolic link; never followed.
    Symlink,
}

impl From<Kind> for EntryKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Blob => Self::Blob,
            Kind::Folder => Self::Folder,
            Kind::Symlink => Self::Symlink,
        }
    }
}

impl EntryKind {
    /// By the name that the mirror keeps.
    pub fn named(name: &str) -> Self {
        match name {
            "blob" => Self::Blob,
            "folder" => Self::Folder,
            "symlink" => Self::Symlink,
            _ => Self::Text,
        }
    }
}

/// One row of the tree.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TreeItem {
    /// Entry id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Hash of its bytes.
    pub hash: String,
    /// Title.
    pub title: Option<String>,
    /// Its version, when one path was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Entries in it, if it is a folder.
    pub children: Option<u64>,
    /// When it was last changed.
    pub modified: String,
}

/// One entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryDetails {
    /// Entry id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// The folder it is in; absent at the top.
    pub parent: Option<String>,
    /// What it is.
    pub kind: EntryKind,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// Names exactly this state, on every device.
    pub version: String,
    /// Metadata of all sources, merged.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub properties: Value,
    /// Tags.
    pub tags: Vec<String>,
    /// Title.
    pub title: Option<String>,
    /// When it began.
    pub created: String,
    /// When it last changed.
    pub modified: String,
    /// Device that made the last change.
    pub author: String,
    /// Whose it is: the person's name, with the fingerprint if somebody else has that name too.
    pub author_name: Option<String>,
    /// Whether its bytes are here.
    pub available: bool,
    /// What is wrong with its metadata.
    pub warnings: Vec<String>,
    /// How its seals stand; nothing if it has none.
    pub seal: Option<super::seals::SealMark>,
}

/// One version in an entry's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionRow {
    /// The version.
    pub version: String,
    /// Who made it.
    pub device: String,
    /// What that device calls itself.
    pub device_name: Option<String>,
    /// Whose it is: the person's name, with the fingerprint if somebody else has that name too.
    pub who: Option<String>,
    /// When, by its own clock.
    pub time: String,
    /// What it did: `created`, `edited`, `properties`, `renamed`, `moved`, `deleted`, `restored`; one or several.
    pub did: Vec<&'static str>,
}

/// One thing in the inbox.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Conflict {
    /// Notebook id.
    pub notebook: String,
    /// Its number in that notebook.
    pub number: u64,
    /// The entry.
    pub entry: String,
    /// Its path.
    pub path: String,
    /// What happened, and what belongs to it.
    pub kind: ConflictKind,
    /// The path of the other entry that it is about, if there is one.
    pub other_path: Option<String>,
    /// When it was noticed.
    pub noticed: String,
}

/// What could not be merged.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ConflictKind {
    /// One property was set to several values.
    Property {
        /// Which.
        key: String,
        /// The source that shows.
        shown: String,
        /// The other ones.
        others: Vec<String>,
    },
    /// The bytes were changed twice.
    Attachment {
        /// The entry that holds the other version.
        copy: String,
    },
    /// Two entries have one name: the other keeps it, this one shows a part of its id.
    Name {
        /// The entry that keeps it.
        other: String,
    },
    /// The frontmatter, merged, does not read as it was written.
    Frontmatter,
    /// Bytes that were found after a crash matched no version.
    AfterCrash,
    /// The text was edited while it became bytes: the text stays.
    TextBecameBlob {
        /// The entry that holds the bytes.
        copy: String,
    },
    /// Other bytes were here when the notebook was joined.
    Joined {
        /// The entry that holds them.
        copy: String,
    },
}

/// One part of a snippet.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SnippetPart {
    /// Text.
    pub text: String,
    /// Whether it is what was searched for.
    pub hit: bool,
}

/// One search result.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchHit {
    /// Notebook id.
    pub notebook: String,
    /// Entry id.
    pub entry: String,
    /// Its path.
    pub path: String,
    /// Its title.
    pub title: Option<String>,
    /// What it is.
    pub kind: EntryKind,
    /// Media type.
    pub media_type: String,
    /// When it last changed.
    pub modified: String,
    /// Where it was found.
    pub snippet: Vec<SnippetPart>,
    /// Greater is better.
    pub score: f64,
}

/// Done, and there is nothing to say about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// Always true.
    pub done: bool,
}

/// RFC 3339 in UTC. A claimed time that no calendar holds is shown as 1970.
pub fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_whatever_was_claimed() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_771_459_200_123), "2026-02-19T00:00:00.123Z");
        assert_eq!(time(i64::MAX), "1970-01-01T00:00:00Z");
    }
}
