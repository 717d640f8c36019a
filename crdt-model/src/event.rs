//! Everything that can happen to a notebook: one closed enum.

use serde::{Deserialize, Serialize};

use crate::effect::DiskOutcome;
use crate::entry::birth::Content;
use crate::ids::{ContentHash, DeviceId, EntryId, Heads, PersonId, RecordHash};
use crate::journal::record::Record;
use crate::journal::{Fork, Receipt, Role, Timestamp, Tip};
use crate::path::EntryPath;
use crate::store::{FetchPolicy, Stat};

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The disk worker looked at some paths. What belongs to one settle window comes in one batch, so that
    /// a path that vanished and one that appeared can be recognised as a move. Feeding it twice is harmless.
    Observed(Vec<Observation>),
    /// A whole scan has been delivered. It began after the `Effect::Scan` of this number was known.
    Scanned(u64),
    /// Disk operations were carried out, in the order in which they were asked for.
    DiskDone(Vec<DiskResult>),
    /// Somebody on this machine asks for something; answered by one `Effect::Reply` with the same number.
    Asked {
        /// Chosen by the driver.
        number: u64,
        /// What.
        request: Request,
    },
    /// A stream to a peer is open for this notebook.
    PeerConnected(DeviceId),
    /// It is closed.
    PeerGone(DeviceId),
    /// A frame came from a peer.
    Received {
        /// From whom: authenticated by the transport.
        peer: DeviceId,
        /// The frame's bytes: anything.
        frame: Vec<u8>,
    },
    /// Everything sent to a peer has left; more may be sent.
    Drained(DeviceId),
    /// A blob is now held, whole and verified.
    BlobHeld(ContentHash),
    /// The notebook's folder or its marker is not there.
    RootLost(String),
    /// It is back. A scan follows.
    RootFound,
    /// The time that `Core::deadline` named has come.
    Tick,
}

/// What the disk worker saw at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Where.
    pub path: EntryPath,
    /// What.
    pub seen: Seen,
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Missing,
    /// A folder.
    Folder(Stat),
    /// A file with text (valid UTF-8, no NUL, at most `limits::TEXT_BYTES`).
    Text(Stat, String),
    /// Any other file. Its bytes are already in the blob store.
    Blob(Stat, ContentHash),
    /// A symbolic link and its target.
    Symlink(Stat, String),
    /// Something is there and cannot be read now; never taken for a deletion.
    Unreadable(String),
    /// A FIFO, socket or device: left alone.
    Special,
}

/// The result of one disk operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskResult {
    /// Whose operation.
    pub entry: EntryId,
    /// How it went.
    pub outcome: DiskOutcome,
}

/// A change of one property: `source` is one YAML block-mapping entry, `key: value\n`, or `None` to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyEdit {
    /// Which property.
    pub key: String,
    /// Its new source.
    pub source: Option<String>,
}

/// What somebody on this machine may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A new entry at a path whose folder exists or is made. A taken name gets `-1`, `-2` …
    Create {
        /// Where.
        path: EntryPath,
        /// What.
        content: Content,
    },
    /// New content for an entry, made from version `base`. Text is merged at that version; an attachment
    /// that has moved on is refused.
    Write {
        /// Which entry.
        entry: EntryId,
        /// The version it was made from.
        base: Version,
        /// The whole new content.
        content: Content,
    },
    /// Properties of a text with frontmatter.
    SetProperties {
        /// Which entry.
        entry: EntryId,
        /// What changes.
        edits: Vec<PropertyEdit>,
    },
    /// Move or rename; missing folders are made. Sidecars are the caller's to move along, in the same batch.
    Move {
        /// Which entry.
        entry: EntryId,
        /// Where to.
        to: EntryPath,
    },
    /// Delete an entry and all that is in it.
    Delete {
        /// Which entry.
        entry: EntryId,
    },
    /// Bring a version back, as a new version; also brings a deleted entry back.
    Restore {
        /// Which entry.
        entry: EntryId,
        /// Which version. `None`: as it was deleted, a folder with all that was deleted together with it, also if the
        /// folder lives again.
        at: Option<Version>,
    },
    /// Take a conflict out of the inbox.
    Settle {
        /// Its number.
        conflict: u64,
    },
    /// Change who belongs.
    People(MembershipRequest),
    /// Sign what an entry exactly is.
    Seal {
        /// Which entry.
        entry: EntryId,
        /// The version that whoever asks has seen.
        version: Version,
        /// Entries that belong to it: what it embeds, and its sidecars.
        parts: Vec<EntryId>,
        /// What is meant by it.
        meaning: String,
        /// It is only amended from here on.
        locks: bool,
    },
    /// Confirm somebody else's seal.
    Witness {
        /// The entry that is sealed.
        entry: EntryId,
        /// The seal.
        seal: RecordHash,
        /// What is meant by it.
        meaning: String,
    },
    /// Lift the lock that a seal put on its entry.
    Unlock {
        /// The entry that is sealed.
        entry: EntryId,
        /// The seal.
        seal: RecordHash,
        /// Why.
        meaning: String,
    },
    /// Say something about an entry.
    Say {
        /// Which entry.
        entry: EntryId,
        /// What.
        saying: Saying,
    },
    /// Keep what an authority for timestamps said of seals. Whoever asks has checked its signature.
    Timestamp(Timestamp),
    /// Which attachments this device fetches by itself from now on.
    SetFetchPolicy(FetchPolicy),
    /// Fetch an attachment that the policy leaves, or all in a folder.
    Fetch {
        /// Which entry.
        entry: EntryId,
    },
    /// Touch neither files nor records until resumed.
    Pause,
    /// Go on; with `accept_deletions`, held deletions are carried out, else what was deleted is restored.
    Resume {
        /// See above.
        accept_deletions: bool,
    },
    /// While joining: stop waiting for peers and take what is on disk as it is.
    StartAlone,
    /// State what is held here, for others who are not connected.
    StateReceipt,
    /// Take in what came in a bundle. Records are checked as those from a peer are; the first that cannot be taken ends it.
    TakeCarried(Carried),
}

/// What somebody on this machine may say about an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saying {
    /// Begin a thread.
    Begin {
        /// At which place: the version that was read, and from where to where in its text, in UTF-16 code units. `None`: about all.
        at: Option<(Version, std::ops::Range<usize>)>,
        /// What is said.
        text: String,
    },
    /// Answer.
    Reply {
        /// The thread.
        thread: RecordHash,
        /// What is said.
        text: String,
    },
    /// Settle a thread, or open it again.
    Resolve {
        /// The thread.
        thread: RecordHash,
        /// Whether it is settled.
        resolved: bool,
    },
    /// Say something else instead of what was said, or take it back.
    Edit {
        /// The comment.
        comment: RecordHash,
        /// What is said instead.
        text: Option<String>,
    },
}

/// Part of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Carried {
    /// Proofs of forked journals, which come before the records.
    pub forks: Vec<Fork>,
    /// Records, in an order that respects `seen`.
    pub records: Vec<Record>,
    /// Receipts of any devices.
    pub receipts: Vec<Receipt>,
    /// Where all journals end, when the bundle has come to its end: while joining, all of that was waited for.
    pub complete: Vec<Tip>,
}

/// What somebody on this machine may ask to change about who belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembershipRequest {
    /// Let a device take part, as a person of its own.
    Admit {
        /// Which.
        device: DeviceId,
        /// As what.
        role: Role,
        /// What it calls itself.
        name: String,
    },
    /// Another device of whoever asks.
    AddDevice {
        /// Which.
        device: DeviceId,
        /// What it calls itself.
        name: String,
        /// Its agreement.
        consent: Vec<u8>,
    },
    /// A person may do something else from now on; `None`: nothing any more.
    SetRole {
        /// Who.
        person: PersonId,
        /// What.
        role: Option<Role>,
    },
    /// A device is lost, or is to be nobody's.
    Revoke {
        /// Which.
        device: DeviceId,
    },
    /// What whoever asks is called and shown in.
    SetProfile {
        /// Its name.
        name: String,
        /// Red, green, blue.
        colour: [u8; 3],
    },
    /// The key that certifies a device of whoever asks, made from a phrase.
    SetRecovery {
        /// Its public half.
        key: [u8; 32],
    },
    /// A device that the recovery key certifies.
    Recover {
        /// Whose.
        person: PersonId,
        /// Which.
        device: DeviceId,
        /// What it calls itself.
        name: String,
        /// The recovery key's signature.
        proof: Vec<u8>,
        /// The device's own that it goes by this key.
        consent: Vec<u8>,
    },
    /// How many persons a seal takes from now on, its author included.
    SetSealRule {
        /// So many.
        needed: u32,
        /// Of these; empty for anybody who may seal.
        of: Vec<PersonId>,
    },
    /// All that is here of a device counts, whatever ended its right.
    Release {
        /// Whose.
        device: DeviceId,
    },
}

/// Names exactly one state of one entry, on every device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Version(pub Heads);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("birth");
        }
        let heads: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&heads.join("."))
    }
}

impl std::str::FromStr for Version {
    type Err = crate::ids::BadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "birth" {
            return Ok(Self(Vec::new()));
        }
        let mut heads = text.split('.').map(str::parse).collect::<Result<Heads, _>>()?;
        heads.sort();
        heads.dedup();
        Ok(Self(heads))
    }
}
