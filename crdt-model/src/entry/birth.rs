//! What an entry is before any change. Its bytes, hashed, are the entry's id, so machines that import the
//! same folder on their own make the same entries (law 5).

use serde::{Deserialize, Serialize};

use crate::ids::{ContentHash, EntryId, NotebookId};

/// Version of the birth format; part of what is hashed.
pub const BIRTH_FORMAT: u16 = 1;

/// The content of an entry, at birth or at any version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Valid UTF-8, at most `limits::TEXT_BYTES`, no NUL. The whole file, frontmatter included.
    Text(String),
    /// Bytes, named by their hash; they travel apart from the record.
    Blob {
        /// BLAKE3 of the bytes.
        hash: ContentHash,
        /// Bytes.
        size: u64,
    },
    /// A folder.
    Folder,
    /// A symbolic link: kept, never followed. The target as written.
    Symlink(String),
}

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Text, merged by character.
    Text,
    /// Bytes.
    Blob,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
}

impl Content {
    /// The kind of this content.
    pub fn kind(&self) -> Kind {
        match self {
            Content::Text(_) => Kind::Text,
            Content::Blob { .. } => Kind::Blob,
            Content::Folder => Kind::Folder,
            Content::Symlink(_) => Kind::Symlink,
        }
    }

    /// The hash of the bytes as they lie on disk (of the target, for a link; of nothing, for a folder).
    pub fn hash(&self) -> ContentHash {
        match self {
            Content::Text(text) => ContentHash::of(text.as_bytes()),
            Content::Blob { hash, .. } => *hash,
            Content::Folder => ContentHash::of(b""),
            Content::Symlink(target) => ContentHash::of(target.as_bytes()),
        }
    }

    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        match self {
            Content::Text(text) | Content::Symlink(text) => text.len() as u64,
            Content::Blob { size, .. } => *size,
            Content::Folder => 0,
        }
    }
}

/// How an entry began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// [`BIRTH_FORMAT`].
    pub format: u16,
    /// The notebook it was born in.
    pub notebook: NotebookId,
    /// The folder it was born in.
    pub parent: EntryId,
    /// Its first name.
    pub name: String,
    /// Its first content.
    pub content: Content,
    /// 0 for what was found on disk, so that two machines which find the same make the same entry;
    /// random for an empty note made through the API.
    pub nonce: u64,
}

impl Birth {
    /// The bytes that are hashed, stored and sent: postcard of the fields in order.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("encoding into memory cannot fail: no map, no unsized sequence")
    }

    /// Total: any bytes give a birth or `None`.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (birth, rest) = postcard::take_from_bytes::<Birth>(bytes).ok()?;
        let name_fits = crate::path::check_name(&birth.name).is_ok();
        let content_fits = match &birth.content {
            Content::Text(text) => text.len() <= crate::limits::TEXT_BYTES && !text.contains('\0'),
            Content::Symlink(target) => target.len() <= crate::limits::PATH_BYTES && !target.contains('\0'),
            Content::Blob { .. } | Content::Folder => true,
        };
        (rest.is_empty() && birth.format == BIRTH_FORMAT && name_fits && content_fits).then_some(birth)
    }

    /// The id: BLAKE3 in derive-key mode over [`Birth::encode`].
    pub fn id(&self) -> EntryId {
        Self::id_of(&self.encode())
    }

    /// The id of encoded birth bytes.
    pub fn id_of(encoded: &[u8]) -> EntryId {
        EntryId(blake3::derive_key("codex 2026 entry birth", encoded))
    }
}
