//! What a seal says: somebody signs what an entry exactly is, with a meaning; somebody else confirms it. The record around
//! it is the signature. Whether a seal counts, and what stands against it, is [`crate::seals`].

use serde::{Deserialize, Serialize};

use crate::bounded::at_most;
use crate::ids::{ContentHash, EntryId, Heads, RecordHash};
use crate::limits;
use crate::path::EntryPath;

/// One statement about what an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seal {
    /// An entry as it is.
    Entry(SealedEntry),
    /// A seal was seen, and what it says is so.
    Witness {
        /// The entry that is sealed.
        entry: EntryId,
        /// The seal: its record's hash.
        seal: RecordHash,
        /// What is meant by it: "witnessed", "reviewed" …
        meaning: String,
    },
    /// An owner lifts the lock that a seal put on its entry. The seal stays.
    Unlock {
        /// The entry that is sealed.
        entry: EntryId,
        /// The seal.
        seal: RecordHash,
        /// Why.
        meaning: String,
    },
}

/// Exactly what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEntry {
    /// Which entry.
    pub entry: EntryId,
    /// Which version of it: its heads.
    #[serde(deserialize_with = "at_most::<{ limits::SEEN_TIPS }, _, _>")]
    pub version: Heads,
    /// Where it lay.
    pub path: String,
    /// BLAKE3 of its bytes: of a text with its properties, as it stands in the file.
    pub hash: ContentHash,
    /// How many bytes these are.
    pub size: u64,
    /// The text itself, so that a seal can be checked without anything else; `None` for an attachment.
    pub text: Option<String>,
    /// What it embeds, and its sidecars: other entries, as they were.
    #[serde(deserialize_with = "at_most::<{ limits::SEAL_PARTS }, _, _>")]
    pub parts: Vec<SealedPart>,
    /// What is meant by it: "recorded", "approved" …
    pub meaning: String,
    /// The entry is finished: from here on it is only amended.
    pub locks: bool,
}

/// Another entry that belongs to what is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPart {
    /// Which.
    pub entry: EntryId,
    /// Where it lay.
    pub path: String,
    /// BLAKE3 of its bytes.
    pub hash: ContentHash,
    /// How many bytes these are.
    pub size: u64,
}

impl Seal {
    /// The entry concerned.
    pub fn entry(&self) -> EntryId {
        match self {
            Self::Entry(sealed) => sealed.entry,
            Self::Witness { entry, .. } | Self::Unlock { entry, .. } => *entry,
        }
    }

    /// What its author means by it.
    pub fn meaning(&self) -> &str {
        match self {
            Self::Entry(SealedEntry { meaning, .. })
            | Self::Witness { meaning, .. }
            | Self::Unlock { meaning, .. } => meaning,
        }
    }

    /// Whether it keeps the bounds and does not contradict itself: a text has the hash and size that are named.
    pub fn is_sound(&self) -> bool {
        let is_meaning = |text: &str| {
            !text.trim().is_empty()
                && text.len() <= limits::MEANING_BYTES
                && !text.chars().any(char::is_control)
        };
        match self {
            Self::Entry(sealed) => {
                let is_text = sealed.text.as_ref().is_none_or(|text| {
                    text.len() as u64 == sealed.size && ContentHash::of(text.as_bytes()) == sealed.hash
                });
                let mut paths = sealed.parts.iter().map(|part| &part.path).chain([&sealed.path]);
                is_meaning(&sealed.meaning)
                    && is_text
                    && paths.all(|path| EntryPath::parse(path).is_ok_and(|path| !path.is_root()))
            }
            Self::Witness { meaning, .. } | Self::Unlock { meaning, .. } => is_meaning(meaning),
        }
    }

    /// Without the text, which lies in the record.
    pub fn without_text(self) -> Self {
        match self {
            Self::Entry(sealed) => Self::Entry(SealedEntry { text: None, ..sealed }),
            other @ (Self::Witness { .. } | Self::Unlock { .. }) => other,
        }
    }
}
