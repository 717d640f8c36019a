//! The one place where the wall clock is read.

use std::time::{SystemTime, UNIX_EPOCH};

use codex_crdt_model::ids::UnixMs;

/// Now, milliseconds since 1970.
pub fn now_ms() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
