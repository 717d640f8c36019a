//! Everything a notebook may ask of the world: one closed enum. Carried out in order, after the step's
//! [`crate::store::WriteSet`] is on disk.

use crate::bundle::Fault;
use crate::entry::birth::Content;
use crate::event::{Seen, Version};
use crate::ids::{ContentHash, DeviceId, EntryId, RecordHash};
use crate::journal::Receipt;
use crate::path::EntryPath;
use crate::store::Stat;

/// Do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Change files, in this order; results come back as one `Event::DiskDone` in the same order, after
    /// one sync of the file system for all of them.
    Disk(Vec<DiskOp>),
    /// Send a frame. `Event::Drained` follows when it has left.
    Send {
        /// To whom.
        peer: DeviceId,
        /// The bytes.
        frame: Vec<u8>,
    },
    /// Close the stream to a peer that broke the protocol.
    Disconnect {
        /// Whom.
        peer: DeviceId,
        /// Why, for the log and the user.
        reason: String,
    },
    /// Answer a request.
    Reply {
        /// The request's number.
        number: u64,
        /// The answer.
        reply: Result<Reply, Refusal>,
    },
    /// Tell the desk.
    Notify(Notice),
    /// Get a blob from any of these peers; `Event::BlobHeld` follows when it is there.
    Fetch {
        /// Which.
        hash: ContentHash,
        /// Its size in bytes.
        size: u64,
        /// Who said they hold it or are connected.
        from: Vec<DeviceId>,
    },
    /// A blob is no longer to be fetched; what has arrived of it stays.
    Leave(ContentHash),
    /// Say whether a blob is held here: `Event::BlobHeld` follows if it is.
    Look(ContentHash),
    /// Look at everything again: the disk may differ from what is known. `Event::Scanned` follows with this number,
    /// or a later one if scans that were asked for meanwhile were made one.
    Scan(u64),
    /// Entry rows up to this revision may have changed: the mirror and the history should follow.
    Changed {
        /// Last revision given out.
        revision: u64,
    },
}

/// One change of files. Paths are those on disk at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskOp {
    /// For which entry.
    pub entry: EntryId,
    /// Where.
    pub path: EntryPath,
    /// What.
    pub action: DiskAction,
}

/// What to do at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskAction {
    /// Make a folder, if it is not there.
    MakeFolder,
    /// Put this content there: `None` where nothing may be yet, or in exchange for what has this hash.
    Write {
        /// What to write. Text and links carry their bytes; a blob is taken from the blob store.
        content: Content,
        /// Hash of what is expected to be there; `None` for nothing.
        expect: Option<ContentHash>,
    },
    /// Rename to another place where nothing may be yet.
    Move {
        /// Where to.
        to: EntryPath,
    },
    /// Take a file or link away (rename aside, look, then remove).
    Remove {
        /// Hash of what is expected to be there.
        expect: ContentHash,
    },
    /// Take an empty folder away.
    RemoveFolder,
    /// A copy that was set aside has been taken in. It is kept a while under the hash of what was taken in, as a program
    /// that has it open may still write to it; then it goes for good, or is told as `DiskOutcome::Leftover`.
    Discard {
        /// The name that the disk worker gave it.
        aside: String,
        /// Hash of what was taken in.
        taken: ContentHash,
    },
}

/// How a disk operation went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskOutcome {
    /// The folder is there.
    FolderMade(Stat),
    /// The content is there. `displaced` is what came out in exchange, if it was not what was expected; it
    /// stays set aside under the given name until `DiskAction::Discard`.
    Written {
        /// The file as written.
        stat: Stat,
        /// What came out, and the name it was set aside under.
        displaced: Option<(Seen, String)>,
    },
    /// Moved.
    Moved(Stat),
    /// Gone, or was not there. `displaced` as for `Written`.
    Removed {
        /// What came out unexpectedly, and the name it was set aside under.
        displaced: Option<(Seen, String)>,
    },
    /// Something that the core does not know of is in the way; nothing was changed.
    Occupied,
    /// What should be moved or exchanged is not there, or its folder is not; nothing was changed.
    Vanished,
    /// The folder has things in it; nothing was changed.
    NotEmpty,
    /// The blob is not held here.
    BlobNotHeld,
    /// The system refused (disk full, read-only, permission, a name it cannot hold); nothing was changed.
    Failed(String),
    /// Found at start, or changed after it was set aside: bytes that an earlier operation displaced. Comes
    /// unasked.
    Leftover {
        /// What it is.
        seen: Seen,
        /// Hash of what was expected to come out: the bytes are an edit of that version.
        was: ContentHash,
        /// The name it was set aside under.
        aside: String,
    },
    /// A copy was removed for good.
    Discarded,
}

/// A request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The entry as it now is.
    Entry {
        /// Which.
        entry: EntryId,
        /// Its version.
        version: Version,
        /// Its path.
        path: EntryPath,
    },
    /// Done.
    Done,
    /// The record that was signed.
    Signed(RecordHash),
    /// What this device holds.
    Receipt(Receipt),
    /// What became of the records of a bundle.
    Carried {
        /// Records that are here now and were not before.
        new: u64,
        /// Records left, because they do not count and there is too much of that.
        left: u64,
        /// The first that could not be taken, and why; those before it were.
        refused: Option<Fault>,
    },
}

/// A request that was not carried out. Expected; a value, not an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such entry, or it is deleted.
    #[error("there is no entry {0}")]
    NoEntry(EntryId),
    /// There is no such version of it.
    #[error("entry {0} has no version {1}")]
    NoVersion(EntryId, Version),
    /// It is to come back, but neither it nor anything together with it is deleted.
    #[error(
        "`{path}` is not deleted{}: to bring an older version back, say which (its history lists them)",
        if *.folder { ", nor is anything that was deleted together with it" } else { "" }
    )]
    NotDeleted {
        /// Its path.
        path: String,
        /// Whether it is a folder.
        folder: bool,
    },
    /// An attachment has moved on since that version.
    #[error("the attachment has changed since version {0}; fetch it again and decide")]
    Outdated(Version),
    /// A path that cannot be used.
    #[error("cannot use the path `{path}`: {reason}")]
    Path {
        /// Which path.
        path: String,
        /// Why.
        reason: String,
    },
    /// The content does not fit the entry.
    #[error("cannot do this to {what}: {reason}")]
    Kind {
        /// To what.
        what: String,
        /// Why.
        reason: String,
    },
    /// The notebook is paused or held.
    #[error(
        "the notebook is {0}, so nothing was changed; go on with `codexd notebook resume NOTEBOOK`, then try again"
    )]
    Standing(String),
    /// There is no such conflict.
    #[error("there is no conflict {0}")]
    NoConflict(u64),
    /// The properties cannot be read or written.
    #[error("cannot set properties of `{path}`: {reason}")]
    Properties {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// It cannot be sealed, or confirmed, as it is.
    #[error("cannot sign for `{path}`: {reason}")]
    Seal {
        /// Where.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// It cannot be said.
    #[error("cannot comment on `{path}`: {reason}")]
    Comment {
        /// Where.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The timestamp is none.
    #[error("cannot keep a timestamp: {0}")]
    Timestamp(String),
    /// The member's role does not allow it.
    #[error("{0}")]
    NotAllowed(String),
}

/// What the desk is told. By whom and where is in the entry rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An entry appeared in the tree.
    Created(EntryId),
    /// Its content or properties changed.
    Modified(EntryId),
    /// It moved or was renamed.
    Moved {
        /// Which.
        entry: EntryId,
        /// Where it was.
        from: EntryPath,
    },
    /// It left the tree.
    Deleted(EntryId),
    /// A conflict came into the inbox.
    Conflict(EntryId),
    /// The notebook's standing changed (paused, held, joined, failed write …).
    Standing(String),
    /// A peer came, went, or stated a new receipt.
    Peer(DeviceId),
    /// Writing a file failed; it will be tried again.
    WriteFailed {
        /// Which entry.
        entry: EntryId,
        /// Why.
        reason: String,
    },
    /// An entry was sealed, or a seal of it confirmed.
    Sealed(EntryId),
    /// Somebody said something about an entry.
    Commented(EntryId),
    /// A timestamp of seals came.
    Timestamped,
    /// Two records claim one place in a journal: a clone, or a lie.
    Fork {
        /// Whose journal.
        device: DeviceId,
        /// Where in it.
        seq: u64,
    },
}
