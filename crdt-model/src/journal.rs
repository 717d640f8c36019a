//! Journals: the append-only, hash-chained, signed log of one device in one notebook.
//!
//! `record` is the format (see `docs/journal-format.md`), `frontier` what somebody knows, `receipt` a
//! device's signed statement of what it holds.

pub mod frontier;
pub mod receipt;
pub mod record;

pub use frontier::{Frontier, Tip};
pub use receipt::Receipt;
pub use record::{Header, Item, MembershipChange, Payload, Record, RecordRefused};
