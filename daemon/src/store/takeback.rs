//! Records that this device takes back: no other statement of the store takes a record away.

use codex_crdt_model::store::WriteSet;
use rusqlite::{Connection, params};

use super::payload;
use super::read::int;

/// Takes away what nobody else has and is said anew, with all that was noted of it.
pub(super) fn apply(connection: &Connection, writes: &WriteSet) -> rusqlite::Result<()> {
    for position in &writes.taken_back {
        let (first, end) = payload::pieces(*position);
        connection.execute("DELETE FROM payloads WHERE piece >= ?1 AND piece < ?2", params![first, end])?;
        for table in ["records", "items", "statements", "quarantine", "seals", "comments", "timestamps"] {
            connection.execute(&format!("DELETE FROM {table} WHERE position = ?1"), [int(*position)])?;
        }
    }
    for ((device, volume), end) in &writes.ends {
        let volume = volume.0.cast_signed();
        match end {
            Some(tip) => connection.execute(
                "UPDATE tips SET seq = ?3, hash = ?4 WHERE device = ?1 AND volume = ?2",
                params![device.0, volume, int(tip.seq), tip.hash.0],
            )?,
            None => connection
                .execute("DELETE FROM tips WHERE device = ?1 AND volume = ?2", params![device.0, volume])?,
        };
    }
    Ok(())
}
