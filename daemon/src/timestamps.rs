//! Timestamps by an authority (RFC 3161): the settings, the one request that goes out, and what a token proves. Knows no
//! notebook: which seals are stamped, and when, is the daemon's.
//!
//! Off unless the user names an authority: [`mod@ask`] is the only place from which anything leaves, and it needs a [`Setting`] with a URL.

pub mod ask;
pub mod pinned;
pub mod proof;
pub mod setting;
pub mod token;

#[cfg(test)]
mod tests;

pub use ask::{AskFailed, ask};
pub use pinned::{Pinned, PinnedError};
pub use proof::Proof;
pub use setting::{Setting, SettingError};
pub use token::{Token, TokenError};
