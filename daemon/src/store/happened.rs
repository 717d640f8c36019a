//! What happened, by the claimed time: records, the latest first. What was said.

use codex_crdt_model::ids::{ChangeHash, DeviceId, EntryId, UnixMs};
use codex_crdt_model::journal::Header;
use codex_crdt_model::store::{CommentRow, StoreError};
use rusqlite::{Params, params};

use super::Reader;
use super::read::{decode, int, number};

/// A record, without what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happened {
    /// Its place here.
    pub position: u64,
    /// Who wrote it.
    pub device: DeviceId,
    /// When (claimed).
    pub time: UnixMs,
    /// Which kind of payload it has.
    pub kind: u16,
}

impl Reader {
    /// Records that are older than a moment, and of that moment those before a position; the latest first.
    pub fn happened_before(&self, before: (UnixMs, u64), limit: usize) -> Result<Vec<Happened>, StoreError> {
        let sql = "SELECT position, device, time, header FROM records WHERE (time, position) < (?1, ?2)
                   ORDER BY time DESC, position DESC LIMIT ?3";
        let values = params![before.0, int(before.1), int(limit as u64)];
        self.rows("reading what happened", sql, values, |row| {
            Ok(Happened {
                position: number(row, 0)?,
                device: DeviceId(row.get(1)?),
                time: row.get(2)?,
                // What cannot be read is of no kind.
                kind: Header::decode(&row.get::<_, Vec<u8>>(3)?).map_or(0, |header| header.kind),
            })
        })
    }

    /// What of a record took effect: the number of each item, its entry, and its change, `None` for a birth.
    pub fn took_effect(&self, position: u64) -> Result<Vec<(u32, EntryId, Option<ChangeHash>)>, StoreError> {
        let sql = "SELECT item, entry, change FROM items WHERE position = ?1 ORDER BY item";
        self.rows("reading what took effect", sql, [int(position)], |row| {
            Ok((row.get(0)?, EntryId(row.get(1)?), row.get::<_, Option<[u8; 32]>>(2)?.map(ChangeHash)))
        })
    }

    /// All comments and their positions, in the order of these; also those without effect.
    pub fn all_comments(&self) -> Result<Vec<(u64, CommentRow)>, StoreError> {
        self.comment_rows("SELECT position, row FROM comments ORDER BY position", [])
    }

    pub(super) fn comment_rows(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<(u64, CommentRow)>, StoreError> {
        let doing = "reading comments";
        let rows = self.rows(doing, sql, params, |row| Ok((number(row, 0)?, row.get::<_, Vec<u8>>(1)?)))?;
        rows.into_iter().map(|(position, bytes)| Ok((position, decode(doing, &bytes)?))).collect()
    }

    /// Whether a record is without effect.
    pub fn is_quarantined(&self, position: u64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM quarantine WHERE position = ?1";
        Ok(self.one("looking whether a record counts", sql, [int(position)], |_| Ok(()))?.is_some())
    }
}
