//! A reading connection: shared helpers, and the queries that the shells need beyond the core's.

use std::path::Path;

use codex_crdt_model::ids::{ChangeHash, ContentHash, DeviceId, EntryId, RecordHash, UnixMs, Volume};
use codex_crdt_model::journal::{Fork, Record, Tip};
use codex_crdt_model::store::{BaseRow, EntryRow, ForkRow, SealRow, StoreError};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use serde::de::DeserializeOwned;

use super::{OpenError, open};

/// How a failure says that there is no room.
pub const FULL: &str = "the disk is full";

/// A reading connection, for the disk worker, HTTP and the mirror. Sees what was committed.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

/// How much a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries, deleted ones too.
    pub entries: u64,
    /// Entries that are alive.
    pub alive: u64,
    /// Records.
    pub records: u64,
    /// Entries on disk.
    pub bases: u64,
    /// Entries that may differ from disk.
    pub pending: u64,
    /// Open conflicts.
    pub conflicts: u64,
    /// Blobs that are not held here.
    pub blobs_missing: u64,
    /// Their size.
    pub blobs_missing_bytes: u64,
}

/// One birth or change that took effect, and the record that carried it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Position of the record.
    pub position: u64,
    /// Number of the item in the record.
    pub item: u32,
    /// The entry.
    pub entry: EntryId,
    /// The change; `None` for the birth.
    pub change: Option<ChangeHash>,
    /// Whose record.
    pub device: DeviceId,
    /// Which journal of that device.
    pub volume: Volume,
    /// The record's number there.
    pub seq: u64,
    /// When (claimed).
    pub time: UnixMs,
}

impl Reader {
    /// Opens an existing store for reading.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        open::reader(path).map(Self::over)
    }

    pub(super) fn over(connection: Connection) -> Self {
        Self { connection }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Several reads that see one state of the store, whatever is committed meanwhile.
    pub fn at_once<T>(&self, read: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if !self.connection.is_autocommit() {
            return read(self);
        }
        let transaction = self.connection.unchecked_transaction().map_err(failed("beginning to read"))?;
        let result = read(self);
        transaction.finish().map_err(failed("ending a read"))?;
        result
    }

    /// Copies what was committed to a new file, which replaces an older copy once it is whole. Copying the
    /// file itself would miss the log, and break this process's locks on it.
    pub fn copy_to(&self, target: &Path) -> Result<(), OpenError> {
        open::copy(&self.connection, target)
    }

    /// Everything that is on disk, by entry, in one pass.
    pub fn bases_for_scan(&self) -> Result<Vec<(EntryId, BaseRow)>, StoreError> {
        self.pairs("reading all that is on disk", "SELECT entry, row FROM bases ORDER BY entry", [])
    }

    /// Entries written after a revision, in the order of revisions; at most `limit`, but never part of the
    /// entries of one revision.
    pub fn entries_since(&self, revision: u64, limit: usize) -> Result<Vec<(EntryId, EntryRow)>, StoreError> {
        let doing = "reading entries by revision";
        let sql = "SELECT id, row FROM entries WHERE revision > ?1 ORDER BY revision, id LIMIT ?2";
        let mut rows: Vec<(EntryId, EntryRow)> =
            self.pairs(doing, sql, params![int(revision), int(limit as u64)])?;
        if let Some((id, last)) = rows.last()
            && rows.len() >= limit
        {
            let sql = "SELECT id, row FROM entries WHERE revision = ?1 AND id > ?2 ORDER BY id";
            let more = self.pairs(doing, sql, params![int(last.revision), id.0])?;
            rows.extend(more);
        }
        Ok(rows)
    }

    /// Living entries in a folder of the derived tree, by name.
    pub fn folder(&self, parent: &EntryId) -> Result<Vec<(EntryId, EntryRow)>, StoreError> {
        let sql = "SELECT id, row FROM entries WHERE place_parent = ?1 AND alive ORDER BY place_name, id";
        self.pairs("reading a folder", sql, [&parent.0])
    }

    /// Deleted entries, those that this device heard of last first.
    pub fn deleted(&self, skip: usize, limit: usize) -> Result<Vec<(EntryId, EntryRow)>, StoreError> {
        let sql = "SELECT id, row FROM entries WHERE NOT alive ORDER BY revision DESC, id LIMIT ?1 OFFSET ?2";
        self.pairs("reading deleted entries", sql, params![int(limit as u64), int(skip as u64)])
    }

    /// Entries whose id, in hex, begins so: at most two, which is enough to know that it is not one.
    pub fn entry_by_prefix(&self, prefix: &str) -> Result<Vec<EntryId>, StoreError> {
        let bound = |fill: &str| -> Option<EntryId> {
            let missing = 64_usize.checked_sub(prefix.len())?;
            format!("{prefix}{}", fill.repeat(missing)).parse().ok()
        };
        let (Some(from), Some(to)) = (bound("0"), bound("f")) else { return Ok(Vec::new()) };
        let sql = "SELECT id FROM entries WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 2";
        self.rows("looking an entry up", sql, [from.0, to.0], |row| row.get(0).map(EntryId))
    }

    /// Records after a position, at most `limit`, in the order of positions.
    pub fn records_page(&self, after_position: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError> {
        let sql = "SELECT position, header, signature FROM records
                   WHERE position > ?1 ORDER BY position LIMIT ?2";
        let found =
            self.rows("reading records", sql, params![int(after_position), int(limit as u64)], |row| {
                Ok((number(row, 0)?, row.get(1)?, row.get(2)?))
            })?;
        let whole = |(position, header, signature)| {
            Ok((position, Record { header, signature, payload: self.payload(position)? }))
        };
        found.into_iter().map(whole).collect()
    }

    /// What took effect after a position, oldest first: all items of at most `limit` records. Empty only at
    /// the end.
    pub fn recent_changes(&self, after_position: u64, limit: usize) -> Result<Vec<ChangeRow>, StoreError> {
        let sql = "SELECT i.position, i.item, i.entry, i.change, r.device, r.volume, r.seq, r.time
                   FROM (SELECT DISTINCT position FROM items WHERE position > ?1
                         ORDER BY position LIMIT ?2) AS p
                   CROSS JOIN items AS i ON i.position = p.position
                   CROSS JOIN records AS r ON r.position = p.position
                   ORDER BY i.position, i.item";
        self.rows("reading changes", sql, params![int(after_position), int(limit as u64)], change_row)
    }

    /// What took effect before a position (`None`: before now), newest first: all items of at most `limit`
    /// records. Empty only at the beginning.
    pub fn changes_before(
        &self,
        before_position: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, StoreError> {
        let before = int(before_position.unwrap_or(u64::MAX));
        let sql = "SELECT i.position, i.item, i.entry, i.change, r.device, r.volume, r.seq, r.time
                   FROM (SELECT DISTINCT position FROM items WHERE position < ?1
                         ORDER BY position DESC LIMIT ?2) AS p
                   CROSS JOIN items AS i ON i.position = p.position
                   CROSS JOIN records AS r ON r.position = p.position
                   ORDER BY i.position DESC, i.item DESC";
        self.rows("reading changes", sql, params![before, int(limit as u64)], change_row)
    }

    /// All seals and their positions, in the order of these; also those without effect.
    pub fn all_seals(&self) -> Result<Vec<(u64, SealRow)>, StoreError> {
        self.seal_rows("SELECT position, row FROM seals ORDER BY position", [])
    }

    pub(super) fn seal_rows(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<(u64, SealRow)>, StoreError> {
        let doing = "reading seals";
        let rows = self.rows(doing, sql, params, |row| Ok((number(row, 0)?, row.get::<_, Vec<u8>>(1)?)))?;
        rows.into_iter().map(|(position, bytes)| Ok((position, decode(doing, &bytes)?))).collect()
    }

    /// Positions of all timestamps, ascending; also of those without effect.
    pub fn all_timestamps(&self) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT DISTINCT position FROM timestamps ORDER BY position";
        self.rows("reading timestamps", sql, [], |row| number(row, 0))
    }

    /// Proofs of forked journals, and after which position each came.
    pub fn forks(&self) -> Result<Vec<ForkRow>, StoreError> {
        let doing = "reading proofs of forks";
        let sql = "SELECT after, record, one_header, one_signature FROM forks
                   ORDER BY device, volume, seq, hash, other";
        let rows = self.rows(doing, sql, [], |row| Ok((number(row, 0)?, fork_row(row)?)))?;
        rows.into_iter().map(|(after, row)| Ok(ForkRow { after, fork: fork(doing, row)? })).collect()
    }

    /// Whether an entry's file may differ from its document.
    pub fn is_pending(&self, entry: &EntryId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM pending WHERE entry = ?1";
        Ok(self.one("looking whether a file is pending", sql, [entry.0], |_| Ok(()))?.is_some())
    }

    /// How much there is.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM entries), (SELECT alive FROM tally),
                          (SELECT count(*) FROM records), (SELECT count(*) FROM bases),
                          (SELECT count(*) FROM pending), (SELECT count(*) FROM conflicts WHERE NOT settled),
                          (SELECT count(*) FROM blobs_missing),
                          (SELECT coalesce(sum(size), 0) FROM blobs_missing)";
        let counts = self.one("counting", sql, [], |row| {
            Ok(Counts {
                entries: number(row, 0)?,
                alive: number(row, 1)?,
                records: number(row, 2)?,
                bases: number(row, 3)?,
                pending: number(row, 4)?,
                conflicts: number(row, 5)?,
                blobs_missing: number(row, 6)?,
                blobs_missing_bytes: number(row, 7)?,
            })
        })?;
        Ok(counts.unwrap_or_default())
    }

    /// Whether anything that counts ever named this blob here: then members may have it.
    pub fn names_blob(&self, hash: &ContentHash) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM blobs_named WHERE hash = ?1";
        Ok(self.one("looking up who names a blob", sql, [&hash.0], |_| Ok(()))?.is_some())
    }

    pub(super) fn record_at(&self, position: u64) -> Result<Option<Record>, StoreError> {
        let sql = "SELECT header, signature FROM records WHERE position = ?1";
        let found = self.one("reading a record", sql, [int(position)], |row| {
            Ok(Record { header: row.get(0)?, signature: row.get(1)?, payload: Vec::new() })
        })?;
        found.map(|record| Ok(Record { payload: self.payload(position)?, ..record })).transpose()
    }

    pub(super) fn one<T>(
        &self,
        doing: &'static str,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(values, read).optional())
            .map_err(failed(doing))
    }

    pub(super) fn rows<T>(
        &self,
        doing: &'static str,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(values, read)?.collect())
            .map_err(failed(doing))
    }

    /// Ids, and rows that are kept as postcard.
    pub(super) fn pairs<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        sql: &str,
        values: impl Params,
    ) -> Result<Vec<(EntryId, T)>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed(doing))?;
        let mut rows = statement.query(values).map_err(failed(doing))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed(doing))? {
            let id = row.get(0).map(EntryId).map_err(failed(doing))?;
            let bytes = row.get_ref(1).and_then(|value| Ok(value.as_blob()?)).map_err(failed(doing))?;
            found.push((id, decode(doing, bytes)?));
        }
        Ok(found)
    }
}

fn change_row(row: &Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        position: number(row, 0)?,
        item: row.get(1)?,
        entry: EntryId(row.get(2)?),
        change: row.get::<_, Option<[u8; 32]>>(3)?.map(ChangeHash),
        device: DeviceId(row.get(4)?),
        volume: Volume(number(row, 5)?),
        seq: number(row, 6)?,
        time: row.get(7)?,
    })
}

/// From the columns device, volume, seq, hash.
pub(super) fn tip_row(row: &Row<'_>) -> rusqlite::Result<Tip> {
    Ok(Tip {
        device: DeviceId(row.get(0)?),
        volume: Volume(number(row, 1)?),
        seq: number(row, 2)?,
        hash: RecordHash(row.get(3)?),
    })
}

/// The second record of a proof, encoded, and the first one's header and signature.
type ForkColumns = (Vec<u8>, Vec<u8>, Vec<u8>);

/// Columns 1 to 3 of a row of `forks`.
pub(super) fn fork_row(row: &Row<'_>) -> rusqlite::Result<ForkColumns> {
    Ok((row.get(1)?, row.get(2)?, row.get(3)?))
}

pub(super) fn fork(doing: &'static str, columns: ForkColumns) -> Result<Fork, StoreError> {
    let (other, header, signature) = columns;
    Ok(Fork { one: Record { header, signature, payload: Vec::new() }, other: decode(doing, &other)? })
}

/// A number of ours, which SQLite keeps signed.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// A counter for SQLite. None of ours comes near the bound; one from a peer that lies is just not found.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| {
        let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        let reason =
            if full { format!("{FULL}; free some space, it is tried again then") } else { error.to_string() };
        StoreError { doing, reason }
    }
}

pub(super) fn decode<T: DeserializeOwned>(doing: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError { doing, reason: format!("a row cannot be read: {error}") })
}
