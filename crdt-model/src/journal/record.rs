//! One record of a journal: a signed header and the payload that it names by hash.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::bounded::at_most;
use crate::entry::Birth;
use crate::ids::{ContentHash, DeviceId, EntryId, NotebookId, RecordHash, UnixMs, Volume};
use crate::journal::comment::Comment;
use crate::journal::frontier::Tip;
use crate::journal::membership::{MembershipChange, Role};
use crate::journal::seal::Seal;
use crate::journal::timestamp::Timestamp;
use crate::limits;

/// Version of the record format.
pub const RECORD_FORMAT: u16 = 1;

const DOMAIN: &[u8] = b"codex record 1\0";

/// What a record says about itself. Signed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`RECORD_FORMAT`].
    pub format: u16,
    /// Which notebook.
    pub notebook: NotebookId,
    /// Who signs.
    pub device: DeviceId,
    /// Which lifetime of the device's journal.
    pub volume: Volume,
    /// 1, 2, 3 …
    pub seq: u64,
    /// Hash of record `seq - 1`; zeros for the first.
    pub previous: RecordHash,
    /// What changed in the device's frontier since record `seq - 1`, its own journal left out.
    pub seen: Vec<Tip>,
    /// The workspace journals' heads that the author knew; empty while a notebook is its own workspace.
    pub membership: Vec<Tip>,
    /// When, by the author's clock. Claimed.
    pub time: UnixMs,
    /// Which variant of [`Payload`]: its number. Unknown kinds are carried and have no effect.
    pub kind: u16,
    /// BLAKE3 of the payload bytes.
    pub payload_hash: ContentHash,
    /// Length of the payload bytes.
    pub payload_size: u32,
}

/// One birth or one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// An entry begins; the bytes of its [`crate::entry::Birth`].
    Birth(Vec<u8>),
    /// An Automerge change to one entry.
    Change {
        /// Which entry.
        entry: EntryId,
        /// Which of the device's concurrent branches; decides the change's actor.
        branch: u32,
        /// The raw, uncompressed change.
        change: Vec<u8>,
    },
}

impl Item {
    /// The entry concerned.
    pub fn entry(&self) -> EntryId {
        match self {
            Self::Birth(bytes) => Birth::id_of(bytes),
            Self::Change { entry, .. } => *entry,
        }
    }
}

/// What a record carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Kind 1: births and changes, in order.
    Edit(Vec<Item>),
    /// Kind 2: membership.
    Membership(MembershipChange),
    /// Kind 3: a seal, or its confirmation.
    Seal(Seal),
    /// Kind 5: a comment, or what becomes of one.
    Comment(Comment),
    /// Kind 4: an authority's word for when seals were there.
    Timestamp(Timestamp),
    /// Any other kind: carried, without effect.
    Unknown(u16, Vec<u8>),
}

impl Header {
    /// Total: any bytes give a header or `None`.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = postcard::take_from_bytes(bytes).ok()?;
        rest.is_empty().then_some(header)
    }

    /// The place in its journal of the record that this is the header of, which has this hash.
    pub fn tip(&self, hash: RecordHash) -> Tip {
        Tip { device: self.device, volume: self.volume, seq: self.seq, hash }
    }
}

impl Payload {
    /// The kind of edits.
    pub const EDIT: u16 = 1;
    /// The kind of seals.
    pub const SEAL: u16 = 3;
    /// The kind of comments.
    pub const COMMENT: u16 = 5;
    /// The kind of timestamps.
    pub const TIMESTAMP: u16 = 4;

    /// What it takes to write a record of a kind; `None` where that is not asked so: statements judge one another, and
    /// what is not known has no effect.
    pub fn needs(kind: u16) -> Option<Role> {
        match kind {
            Self::EDIT => Some(Role::Editor),
            Self::SEAL | Self::TIMESTAMP | Self::COMMENT => Some(Role::Commenter),
            _ => None,
        }
    }

    fn encode(&self) -> (u16, Vec<u8>) {
        let bytes = |r: Result<Vec<u8>, postcard::Error>| r.expect("encoding into memory cannot fail");
        match self {
            Payload::Edit(items) => (Self::EDIT, bytes(postcard::to_stdvec(items))),
            Payload::Membership(change) => (2, bytes(postcard::to_stdvec(change))),
            Payload::Seal(seal) => (Self::SEAL, bytes(postcard::to_stdvec(seal))),
            Payload::Comment(comment) => (Self::COMMENT, bytes(postcard::to_stdvec(comment))),
            Payload::Timestamp(stamp) => (Self::TIMESTAMP, bytes(postcard::to_stdvec(stamp))),
            Payload::Unknown(kind, raw) => (*kind, raw.clone()),
        }
    }

    /// Total: any bytes give a payload or `None`.
    pub fn decode(kind: u16, bytes: &[u8]) -> Option<Self> {
        fn whole<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
            let (value, rest) = postcard::take_from_bytes::<T>(bytes).ok()?;
            rest.is_empty().then_some(value)
        }
        #[derive(Deserialize)]
        struct Items(#[serde(deserialize_with = "at_most::<{ limits::RECORD_ITEMS }, _, _>")] Vec<Item>);
        match kind {
            Self::EDIT => whole(bytes).map(|Items(items)| Payload::Edit(items)),
            2 => whole(bytes).filter(MembershipChange::is_bounded).map(Payload::Membership),
            Self::SEAL => whole(bytes).filter(Seal::is_sound).map(Payload::Seal),
            Self::COMMENT => whole(bytes).filter(Comment::is_sound).map(Payload::Comment),
            Self::TIMESTAMP => whole(bytes).filter(Timestamp::is_sound).map(Payload::Timestamp),
            other => Some(Payload::Unknown(other, bytes.to_vec())),
        }
    }
}

/// A record as it is stored and sent: the header's exact bytes, its signature, the payload's exact bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// postcard of [`Header`].
    pub header: Vec<u8>,
    /// ed25519 over `"codex record 1\0"` and the header bytes. 64 bytes.
    pub signature: Vec<u8>,
    /// The payload bytes.
    pub payload: Vec<u8>,
}

/// Why bytes are not a record that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefused {
    /// Larger than the limits.
    #[error("record is larger than the limits allow")]
    TooLarge,
    /// The header does not decode.
    #[error("record header cannot be read")]
    BadHeader,
    /// A format this version does not know.
    #[error("record format {0} is not known to this version")]
    UnknownFormat(u16),
    /// It belongs to another notebook.
    #[error("record belongs to notebook {0}")]
    OtherNotebook(NotebookId),
    /// The signature is not the device's.
    #[error("signature of record {seq} of device {device} is wrong")]
    BadSignature {
        /// The device it claims.
        device: DeviceId,
        /// The number it claims.
        seq: u64,
    },
    /// The payload is not the one that the header names.
    #[error("payload of record {seq} of device {device} does not match its header")]
    BadPayload {
        /// The device.
        device: DeviceId,
        /// The number.
        seq: u64,
    },
}

impl Record {
    /// Makes and signs a record. `header`'s kind, payload hash and size are filled in.
    pub fn sign(key: &SigningKey, mut header: Header, payload: &Payload) -> Self {
        let (kind, payload) = payload.encode();
        header.kind = kind;
        header.payload_hash = ContentHash::of(&payload);
        header.payload_size = u32::try_from(payload.len()).expect("payloads are bounded far below 4 GiB");
        let header = postcard::to_stdvec(&header).expect("encoding into memory cannot fail");
        let signature = key.sign(&signed_bytes(&header)).to_bytes().to_vec();
        Self { header, signature, payload }
    }

    /// The record's name: BLAKE3 of its header bytes.
    pub fn hash(&self) -> RecordHash {
        Self::hash_of(&self.header)
    }

    /// The name of the record with these header bytes.
    pub fn hash_of(header: &[u8]) -> RecordHash {
        RecordHash(blake3::derive_key("codex 2026 record", header))
    }

    /// The header, unchecked. For records from our own store.
    pub fn header(&self) -> Option<Header> {
        postcard::from_bytes(&self.header).ok()
    }

    /// Checks size, format, notebook, signature and payload hash; what the record says is another matter.
    pub fn verify(&self, notebook: &NotebookId) -> Result<Header, RecordRefused> {
        let header = self.verify_header(notebook)?;
        if header.payload_size as usize != self.payload.len()
            || header.payload_hash != ContentHash::of(&self.payload)
        {
            return Err(RecordRefused::BadPayload { device: header.device, seq: header.seq });
        }
        Ok(header)
    }

    /// As [`Self::verify`], of a record whose payload may have been left out.
    pub fn verify_header(&self, notebook: &NotebookId) -> Result<Header, RecordRefused> {
        if self.header.len() > limits::HEADER_BYTES || self.payload.len() > limits::RECORD_BYTES {
            return Err(RecordRefused::TooLarge);
        }
        let (header, rest) =
            postcard::take_from_bytes::<Header>(&self.header).map_err(|_| RecordRefused::BadHeader)?;
        if header.format != RECORD_FORMAT {
            return Err(RecordRefused::UnknownFormat(header.format));
        }
        if !rest.is_empty() || header.seen.len() > limits::SEEN_TIPS || header.seq == 0 {
            return Err(RecordRefused::BadHeader);
        }
        if header.notebook != *notebook {
            return Err(RecordRefused::OtherNotebook(header.notebook));
        }
        let bad = || RecordRefused::BadSignature { device: header.device, seq: header.seq };
        let key = VerifyingKey::from_bytes(header.device.as_bytes()).map_err(|_| bad())?;
        let signature = Signature::from_slice(&self.signature).map_err(|_| bad())?;
        key.verify_strict(&signed_bytes(&self.header), &signature).map_err(|_| bad())?;
        Ok(header)
    }

    /// Without its payload: what it is, and that it was signed.
    pub fn bare(&self) -> Self {
        Self { payload: Vec::new(), ..self.clone() }
    }

    /// Bytes it takes to store or send, about.
    pub fn size(&self) -> usize {
        self.header.len() + self.signature.len() + self.payload.len() + 16
    }
}

/// The notebook id that a founding record makes.
pub fn notebook_id(founder: &DeviceId, nonce: &[u8; 16]) -> NotebookId {
    let mut bytes = founder.0.to_vec();
    bytes.extend(nonce);
    NotebookId(blake3::derive_key("codex 2026 notebook", &bytes))
}

fn signed_bytes(header: &[u8]) -> Vec<u8> {
    [DOMAIN, header].concat()
}
