//! What the API says, in its own words: the shapes that `openapi.json` describes.

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
pub struct Paging {
    /// At most so many.
    pub limit: Option<usize>,
    /// From the page before.
    pub cursor: Option<String>,
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
    /// `text`, `blob`, `folder` or `symlink`.
    pub kind: String,
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
    /// `text`, `blob`, `folder` or `symlink`.
    pub kind: &'static str,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// Names exactly this state, on every device.
    pub version: String,
    /// Metadata of all sources, merged.
    #[schema(value_type = Object)]
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
    /// What that device calls itself.
    pub author_name: Option<String>,
    /// Whether its bytes are here.
    pub available: bool,
    /// What is wrong with its metadata.
    pub warnings: Vec<String>,
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
    /// When, by its own clock.
    pub time: String,
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
    /// What happened: `type` and what belongs to it.
    #[schema(value_type = Object)]
    pub kind: Value,
    /// When it was noticed.
    pub noticed: String,
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
    /// `text`, `blob`, `folder` or `symlink`.
    pub kind: String,
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
