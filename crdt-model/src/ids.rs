//! Identities. Every one is a newtype over fixed bytes and prints as lower-case hex.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The bytes themselves.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The first eight hex digits: for people, never for look-ups.
            pub fn short(&self) -> String {
                data_encoding::HEXLOWER.encode(&self.0[..4])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let bytes = data_encoding::HEXLOWER_PERMISSIVE
                    .decode(text.as_bytes())
                    .map_err(|_| BadId { what: $what, text: text.chars().take(80).collect() })?;
                let bytes = bytes
                    .try_into()
                    .map_err(|_| BadId { what: $what, text: text.chars().take(80).collect() })?;
                Ok(Self(bytes))
            }
        }
    };
}

/// Text that is not the hex form of the id that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: it must be hex digits of the right length, copied whole")]
pub struct BadId {
    what: &'static str,
    text: String,
}

bytes_id!(
    /// An entry: BLAKE3 of its birth (see `docs/journal-format.md`). [`EntryId::ROOT`] is the notebook itself.
    EntryId, 32, "the id of an entry"
);
bytes_id!(
    /// A notebook: BLAKE3 of its founding (founder's key and nonce).
    NotebookId, 32, "the id of a notebook"
);
bytes_id!(
    /// A device: its ed25519 public key, which is also its iroh endpoint id.
    DeviceId, 32, "the id of a device"
);
bytes_id!(
    /// A person: the key of the first device that it was admitted with, for ever.
    PersonId, 32, "the id of a person"
);
bytes_id!(
    /// BLAKE3 of some content: a blob's name, or a text's fingerprint.
    ContentHash, 32, "the hash of some content"
);
bytes_id!(
    /// BLAKE3 of a record's signed header bytes.
    RecordHash, 32, "the hash of a record"
);
bytes_id!(
    /// A node of the tree under a timestamp: SHA-256 (see `docs/journal-format.md`).
    MerkleHash, 32, "the hash of a tree"
);
bytes_id!(
    /// SHA-256 of an Automerge change, as Automerge computes it.
    ChangeHash, 32, "a version"
);

impl EntryId {
    /// The notebook's own folder: the parent of top-level entries.
    pub const ROOT: EntryId = EntryId([0; 32]);
}

impl PersonId {
    /// The person that begins with this device.
    pub fn of_first(device: DeviceId) -> Self {
        Self(device.0)
    }
}

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// One lifetime of a device's journal in one notebook: a random number, new whenever the device cannot be
/// sure that its journal is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Volume(pub u64);

/// Milliseconds since 1970 by the device's own clock. Claimed, shown, never used to decide about content.
pub type UnixMs = i64;

/// Automerge heads, sorted. Empty means "the birth and nothing more".
pub type Heads = Vec<ChangeHash>;
