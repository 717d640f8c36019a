//! Every bound of the core, with its reason.

/// A file name, bytes: what Linux file systems hold.
pub const NAME_BYTES: usize = 255;
/// A path, bytes: Linux `PATH_MAX`.
pub const PATH_BYTES: usize = 4096;
/// Longest text; what is longer is an attachment. Automerge's cost grows with the text.
pub const TEXT_BYTES: usize = 1 << 20;
/// Items (births and changes) in one record: an import of many files is many records, not one giant.
pub const RECORD_ITEMS: usize = 256;
/// A record's payload stops growing beyond this many bytes (one item may still be larger).
pub const RECORD_SOFT_BYTES: usize = 1 << 20;
/// A larger payload is refused: a text of [`TEXT_BYTES`] escaped and with overhead stays far below.
pub const RECORD_BYTES: usize = 16 << 20;
/// A larger record header is refused: `seen` of a thousand journals is about 60 KiB.
pub const HEADER_BYTES: usize = 256 << 10;
/// Journals named by one header's `seen`.
pub const SEEN_TIPS: usize = 4096;
/// One frame on the wire, bytes: one record of the largest size and its envelope.
pub const FRAME_BYTES: usize = RECORD_BYTES + HEADER_BYTES + 1024;
/// Records are sent in frames of about this size, so that receipts come back while the rest still flows.
pub const BATCH_BYTES: usize = 1 << 20;
/// Records in one frame: more of the smallest than [`BATCH_BYTES`] hold. Decoded, an empty one takes thirty times its bytes.
pub const BATCH_RECORDS: usize = 8192;
/// Bytes of an attachment in one frame of a bundle.
pub const BUNDLE_CHUNK_BYTES: usize = 1 << 20;
/// Operations in one Automerge change: a rewritten text of [`TEXT_BYTES`] has at most twice its characters.
pub const CHANGE_OPS: usize = 3 << 20;
/// Bytes of one Automerge change.
pub const CHANGE_BYTES: usize = 8 << 20;
/// Concurrent branches one device may have in one entry.
pub const BRANCHES: u32 = 4096;
/// Records without effect that are carried for one device; more of it are not taken in.
pub const QUARANTINED: usize = 1024;
/// Bytes of records without effect that are carried in all.
pub const QUARANTINE_BYTES: u64 = 64 << 20;
/// What somebody means by a seal, bytes.
pub const MEANING_BYTES: usize = 1024;
/// Entries that belong to one sealed entry: what it embeds, and its sidecars.
pub const SEAL_PARTS: usize = 1024;
/// One comment, bytes.
pub const COMMENT_BYTES: usize = 64 << 10;
/// What is kept of the passage that a comment is about, bytes.
pub const QUOTE_BYTES: usize = 1024;
/// What is kept of the text before and behind it, bytes each.
pub const AROUND_BYTES: usize = 64;
/// Seals under one timestamp; more are several timestamps.
pub const TIMESTAMP_SEALS: usize = 4096;
/// An authority's token, bytes: signature and a chain of certificates are a few thousand.
pub const TIMESTAMP_TOKEN_BYTES: usize = 64 << 10;
/// Persons that a notebook's rule for seals names.
pub const SEALERS: usize = 1024;
/// Journals of one device that are taken in: an honest one begins another when it was restored or copied, a few times in
/// its life. Whoever has so many is waited for in none.
pub const VOLUMES: usize = 256;
/// Journals of this device after which it begins no other because a peer says that it has more of the last one: it may lie, and
/// then waits for the record itself.
pub const VOLUMES_BY_WORD: usize = 16;
/// Membership records of one person who is no owner, all devices together; more of it are not taken in. Each is judged with all
/// others.
pub const STATEMENTS: usize = 256;
/// Devices of one person who is no owner; more are not taken in.
pub const DEVICES: usize = 32;
/// Journals that one membership record accepts records of.
pub const ACCEPTED: usize = 4096;
/// A newcomer goes on with what an owner promised when nothing more of what others promised has come for so long, ms.
pub const JOIN_QUIET_MS: i64 = 30_000;
/// Proofs of forked journals that are kept of one device; whoever forks more is not waited for in any of its journals.
pub const FORKS: usize = 8;
/// Receipts carried in one message: one per device.
pub const RECEIPTS: usize = 4096;
/// Blobs that a receipt lists as missing; when more are missing, only their number is told.
pub const RECEIPT_BLOBS: usize = 1024;
/// Depth of folders; deeper ones are shown at the notebook's root.
pub const DEPTH: usize = 512;
/// Appended changes after which an entry's document is saved whole again.
pub const DOCUMENT_CHUNKS: u32 = 64;
/// Disk operations under way at once: bounds memory while a large notebook is written out.
pub const DISK_OPS: usize = 1024;
/// Bytes of text in disk operations under way at once.
pub const DISK_OP_BYTES: usize = 16 << 20;
/// What one device deleted in a folder so long before or after the folder went with it, ms.
pub const DELETED_TOGETHER_MS: i64 = 60_000;
/// More deletions than this within [`BRAKE_WINDOW_MS`] can trip the brake.
pub const BRAKE_DELETIONS: usize = 20;
/// This many deletions trip the brake in a notebook of any size; fewer do if they are a third of it.
pub const BRAKE_MANY: usize = 100;
/// The window in which deletions are counted.
pub const BRAKE_WINDOW_MS: i64 = 600_000;
