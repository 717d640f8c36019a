//! Records' payloads, cut into pieces, so that one birth is read without the other 255 of its record: the
//! planner writes out a notebook in the order of entry ids, which is no order of records.

use codex_crdt_model::ids::EntryId;
use codex_crdt_model::journal::record::{Item, Payload, Record};
use codex_crdt_model::store::{BirthAt, StoreError};
use rusqlite::{Connection, params};
use serde::Deserialize;

use super::Reader;
use super::read::{failed, int};

/// Bytes of a piece: a few notes, eight pages.
const PIECE: usize = 32 << 10;
/// Pieces that a payload may have; a record of the largest size has an eighth of it.
const PIECES: u64 = 4096;

/// An [`Item`] whose bytes stay where they are.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read past, to find what follows")]
enum Shape<'a> {
    Birth(&'a [u8]),
    Change { entry: EntryId, branch: u32, change: &'a [u8] },
}

/// Where each item's birth begins in the payload, and its length; `None` for a change. Empty if the payload is no list of items.
pub(super) fn births(record: &Record) -> Vec<Option<(i64, i64)>> {
    let payload = record.payload.as_slice();
    if record.header().is_none_or(|header| header.kind != 1) {
        return Vec::new();
    }
    let Ok(items) = postcard::from_bytes::<Vec<Shape<'_>>>(payload) else { return Vec::new() };
    let span = |shape: &Shape<'_>| match shape {
        Shape::Birth(bytes) => {
            let start = bytes.as_ptr().addr() - payload.as_ptr().addr();
            Some((start.try_into().ok()?, bytes.len().try_into().ok()?))
        }
        Shape::Change { .. } => None,
    };
    items.iter().map(span).collect()
}

/// Writes a payload.
pub(super) fn write(connection: &Connection, position: u64, payload: &[u8]) -> Result<(), StoreError> {
    let doing = "writing a record's payload";
    for (bytes, number) in payload.chunks(PIECE).zip(0..) {
        let piece = (number < PIECES).then(|| piece(position, number)).flatten().ok_or_else(|| {
            let size = payload.len();
            StoreError { doing, reason: format!("{size} bytes at position {position} are too many") }
        })?;
        connection
            .prepare_cached("INSERT INTO payloads (piece, bytes) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![piece, bytes]))
            .map_err(failed(doing))?;
    }
    Ok(())
}

/// The first piece of a record's payload, and the first behind its last.
pub(super) fn pieces(position: u64) -> (i64, i64) {
    let first = |position| piece(position, 0).unwrap_or(i64::MAX);
    (first(position), first(position.saturating_add(1)))
}

fn piece(position: u64, number: u64) -> Option<i64> {
    position.checked_mul(PIECES)?.checked_add(number)?.try_into().ok()
}

impl Reader {
    /// The whole payload.
    pub(super) fn payload(&self, position: u64) -> Result<Vec<u8>, StoreError> {
        Ok(self.pieces(position, 0, PIECES - 1)?.concat())
    }

    /// A birth's bytes.
    pub(super) fn birth_bytes(&self, at: BirthAt) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT start, length FROM items WHERE position = ?1 AND item = ?2 AND start IS NOT NULL";
        let span = self.one("looking up a birth", sql, params![int(at.position), at.item], |row| {
            Ok((row.get::<_, u32>(0)? as usize, row.get::<_, u32>(1)? as usize))
        })?;
        let Some((start, length)) = span else { return self.birth_without_effect(at) };
        let (first, last) = (start / PIECE, (start + length) / PIECE);
        let bytes = self.pieces(at.position, first as u64, last as u64)?.concat();
        let start = start - first * PIECE;
        Ok(bytes.get(start..start + length).map(<[u8]>::to_vec))
    }

    /// A birth that is not in the index, because its entry was born before.
    fn birth_without_effect(&self, at: BirthAt) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(record) = self.record_at(at.position)? else { return Ok(None) };
        let payload = record.header().and_then(|header| Payload::decode(header.kind, &record.payload));
        let Some(Payload::Edit(items)) = payload else { return Ok(None) };
        Ok(match items.into_iter().nth(at.item as usize) {
            Some(Item::Birth(bytes)) => Some(bytes),
            Some(Item::Change { .. }) | None => None,
        })
    }

    fn pieces(&self, position: u64, first: u64, last: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let (Some(first), Some(last)) = (piece(position, first), piece(position, last)) else {
            return Ok(Vec::new());
        };
        let sql = "SELECT bytes FROM payloads WHERE piece BETWEEN ?1 AND ?2 ORDER BY piece";
        self.rows("reading a record's payload", sql, [first, last], |row| row.get(0))
    }
}
