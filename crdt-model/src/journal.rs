//! Journals: the append-only, hash-chained, signed log of one device in one notebook.
//!
//! `record` is the format (see `docs/journal-format.md`), `membership` what some of them say, `frontier` what somebody knows, `fork` the proof
//! of a journal that was continued twice, `receipt` a device's signed statement of what it holds.

pub mod comment;
pub mod fork;
pub mod frontier;
pub mod membership;
pub mod receipt;
pub mod record;
pub mod seal;
pub mod timestamp;

pub use comment::Comment;
pub use fork::{Fork, ForkRefused, ForkedAt};
pub use frontier::{Frontier, Tip};
pub use membership::{MembershipChange, Role};
pub use receipt::Receipt;
pub use record::{Header, Item, Payload, Record, RecordRefused};
pub use seal::Seal;
pub use timestamp::Timestamp;
