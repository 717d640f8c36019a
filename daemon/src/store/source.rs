//! What the core asks, answered by SQLite.

use std::collections::BTreeMap;

use codex_crdt_model::ids::{ChangeHash, ContentHash, DeviceId, EntryId, RecordHash, Volume};
use codex_crdt_model::journal::{Fork, Receipt, Record, Tip};
use codex_crdt_model::membership::{Knows, Statement};
use codex_crdt_model::store::{
    BaseRow, BirthAt, CommentRow, ConflictRow, EntryRow, FetchPolicy, HistoryRow, MemberRow, Meta,
    MissingBlob, Quarantined, SealRow, Source, StoreError,
};
use rusqlite::{Params, Row, params};
use serde::de::DeserializeOwned;

use super::read::{decode, fork, fork_row, int, number, tip_row};
use super::{Reader, Store};

impl Reader {
    fn blob<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        sql: &str,
        values: impl Params,
    ) -> Result<Option<T>, StoreError> {
        let bytes: Option<Vec<u8>> = self.one(doing, sql, values, |row| row.get(0))?;
        bytes.map(|bytes| decode(doing, &bytes)).transpose()
    }

    fn ids(&self, doing: &'static str, sql: &str, values: impl Params) -> Result<Vec<EntryId>, StoreError> {
        self.rows(doing, sql, values, id_row)
    }
}

fn id_row(row: &Row<'_>) -> rusqlite::Result<EntryId> {
    row.get(0).map(EntryId)
}

impl Source for Reader {
    fn meta(&self) -> Result<Option<Meta>, StoreError> {
        self.blob("reading the notebook's values", "SELECT row FROM meta", [])
    }

    fn entry(&self, id: &EntryId) -> Result<Option<EntryRow>, StoreError> {
        self.blob("reading an entry", "SELECT row FROM entries WHERE id = ?1", [&id.0])
    }

    fn children(&self, parent: &EntryId) -> Result<Vec<EntryId>, StoreError> {
        let sql = "SELECT id FROM entries WHERE place_parent = ?1 ORDER BY id";
        self.ids("reading a folder", sql, [&parent.0])
    }

    fn namesakes(&self, place_parent: &EntryId, name: &str) -> Result<Vec<EntryId>, StoreError> {
        let sql = "SELECT id FROM entries WHERE place_parent = ?1 AND name = ?2 ORDER BY id";
        self.ids("reading entries of one name", sql, params![place_parent.0, name])
    }

    fn at(&self, place_parent: &EntryId, place_name: &str) -> Result<Option<EntryId>, StoreError> {
        let sql = "SELECT id FROM entries WHERE place_parent = ?1 AND place_name = ?2 AND alive
                   ORDER BY id LIMIT 1";
        self.one("looking up a name", sql, params![place_parent.0, place_name], id_row)
    }

    fn alive_count(&self) -> Result<u64, StoreError> {
        let count = self.one("counting entries", "SELECT alive FROM tally", [], |row| number(row, 0))?;
        Ok(count.unwrap_or_default())
    }

    fn document(&self, id: &EntryId) -> Result<Vec<Vec<u8>>, StoreError> {
        let sql = "SELECT bytes FROM documents WHERE entry = ?1 ORDER BY number";
        self.rows("reading a document", sql, [&id.0], |row| row.get(0))
    }

    fn birth(&self, at: BirthAt) -> Result<Option<Vec<u8>>, StoreError> {
        self.birth_bytes(at)
    }

    fn base(&self, id: &EntryId) -> Result<Option<BaseRow>, StoreError> {
        self.blob("reading what is on disk", "SELECT row FROM bases WHERE entry = ?1", [&id.0])
    }

    fn base_at(&self, parent: &EntryId, name: &str) -> Result<Option<EntryId>, StoreError> {
        let sql = "SELECT entry FROM bases WHERE parent = ?1 AND name = ?2 ORDER BY entry LIMIT 1";
        self.one("looking up a name on disk", sql, params![parent.0, name], id_row)
    }

    fn bases_in(&self, parent: &EntryId) -> Result<Vec<EntryId>, StoreError> {
        let sql = "SELECT entry FROM bases WHERE parent = ?1 ORDER BY entry";
        self.ids("reading a folder on disk", sql, [&parent.0])
    }

    fn pending(&self, after: Option<EntryId>, limit: usize) -> Result<Vec<EntryId>, StoreError> {
        let doing = "reading what is pending";
        let limit = int(limit as u64);
        match after {
            None => self.ids(doing, "SELECT entry FROM pending ORDER BY entry LIMIT ?1", [limit]),
            Some(after) => {
                let sql = "SELECT entry FROM pending WHERE entry > ?1 ORDER BY entry LIMIT ?2";
                self.ids(doing, sql, params![after.0, limit])
            }
        }
    }

    fn tips(&self) -> Result<Vec<Tip>, StoreError> {
        let sql = "SELECT device, volume, seq, hash FROM tips";
        let mut tips = self.rows("reading the journals' tips", sql, [], tip_row)?;
        // SQLite keeps a volume signed, which is another order.
        tips.sort_unstable_by_key(|tip| (tip.device, tip.volume));
        Ok(tips)
    }

    fn record(&self, position: u64) -> Result<Option<Record>, StoreError> {
        self.record_at(position)
    }

    fn position_of(&self, device: DeviceId, volume: Volume, seq: u64) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT position FROM records WHERE device = ?1 AND volume = ?2 AND seq = ?3";
        let key = params![device.0, volume.0.cast_signed(), int(seq)];
        self.one("looking up a record", sql, key, |row| number(row, 0))
    }

    fn history(&self, id: &EntryId) -> Result<Vec<HistoryRow>, StoreError> {
        let sql = "SELECT i.change, i.position, r.device, r.time, i.item
                   FROM items AS i CROSS JOIN records AS r ON r.position = i.position
                   WHERE i.entry = ?1 ORDER BY i.position, i.item";
        self.rows("reading a history", sql, [&id.0], |row| {
            Ok(HistoryRow {
                change: row.get::<_, Option<[u8; 32]>>(0)?.map(ChangeHash),
                position: number(row, 1)?,
                item: row.get(4)?,
                device: DeviceId(row.get(2)?),
                time: row.get(3)?,
            })
        })
    }

    fn members(&self) -> Result<BTreeMap<DeviceId, MemberRow>, StoreError> {
        let rows = self.pairs("reading the members", "SELECT device, row FROM members", [])?;
        Ok(rows.into_iter().map(|(id, row)| (DeviceId(id.0), row)).collect())
    }

    fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        let doing = "reading the membership records";
        let rows = self.rows(doing, "SELECT row FROM statements ORDER BY position", [], |row| {
            row.get::<_, Vec<u8>>(0)
        })?;
        rows.iter().map(|bytes| decode(doing, bytes)).collect()
    }

    fn knows(&self) -> Result<BTreeMap<(DeviceId, Volume), Knows>, StoreError> {
        let doing = "reading what the journals' authors knew";
        let rows = self.rows(doing, "SELECT device, volume, row FROM knows", [], |row| {
            let volume = Volume(row.get::<_, i64>(1)?.cast_unsigned());
            Ok(((DeviceId(row.get(0)?), volume), row.get::<_, Vec<u8>>(2)?))
        })?;
        rows.into_iter().map(|(journal, bytes)| Ok((journal, decode(doing, &bytes)?))).collect()
    }

    fn quarantined(&self) -> Result<BTreeMap<u64, Quarantined>, StoreError> {
        let doing = "reading the records without effect";
        let rows = self.rows(doing, "SELECT position, row FROM quarantine", [], |row| {
            Ok((number(row, 0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        rows.into_iter().map(|(position, bytes)| Ok((position, decode(doing, &bytes)?))).collect()
    }

    fn comments(&self, entry: &EntryId) -> Result<Vec<(u64, CommentRow)>, StoreError> {
        self.comment_rows("SELECT position, row FROM comments WHERE entry = ?1 ORDER BY position", [entry.0])
    }

    fn seals(&self, entry: &EntryId) -> Result<Vec<(u64, SealRow)>, StoreError> {
        self.seal_rows("SELECT position, row FROM seals WHERE entry = ?1 ORDER BY position", [entry.0])
    }

    fn timestamps(&self, seal: &RecordHash) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT position FROM timestamps WHERE seal = ?1 ORDER BY position";
        self.rows("reading the timestamps of a seal", sql, [seal.0], |row| number(row, 0))
    }

    fn forked(&self) -> Result<BTreeMap<(DeviceId, Volume), u64>, StoreError> {
        let sql = "SELECT device, volume, max(after) FROM forks GROUP BY device, volume";
        let rows = self.rows("reading forked journals", sql, [], |row| {
            Ok(((DeviceId(row.get(0)?), Volume(number(row, 1)?)), number(row, 2)?))
        })?;
        Ok(rows.into_iter().collect())
    }

    fn fork(&self, device: &DeviceId, volume: Volume) -> Result<Option<Fork>, StoreError> {
        let doing = "reading the proof of a fork";
        let sql = "SELECT after, record, one_header, one_signature FROM forks
                   WHERE device = ?1 AND volume = ?2 ORDER BY seq, hash, other";
        let row = self.one(doing, sql, params![device.0, volume.0.cast_signed()], fork_row)?;
        row.map(|row| fork(doing, row)).transpose()
    }

    fn acknowledged(&self) -> Result<BTreeMap<Volume, u64>, StoreError> {
        let doing = "reading how far others have this device's journals";
        let rows = self.rows(doing, "SELECT volume, seq FROM acknowledged", [], |row| {
            Ok((Volume(number(row, 0)?), number(row, 1)?))
        })?;
        Ok(rows.into_iter().collect())
    }

    fn headers(&self, after: u64, limit: usize) -> Result<Vec<(u64, Tip, Vec<u8>)>, StoreError> {
        let sql = "SELECT position, device, volume, seq, header FROM records
                   WHERE position > ?1 ORDER BY position LIMIT ?2";
        self.rows("reading headers", sql, params![int(after), int(limit as u64)], |row| {
            let header: Vec<u8> = row.get(4)?;
            let tip = Tip {
                device: DeviceId(row.get(1)?),
                volume: Volume(number(row, 2)?),
                seq: number(row, 3)?,
                hash: Record::hash_of(&header),
            };
            Ok((number(row, 0)?, tip, header))
        })
    }

    fn receipts(&self) -> Result<Vec<Receipt>, StoreError> {
        let sql = "SELECT device, row FROM receipts ORDER BY device";
        let rows = self.pairs("reading the receipts", sql, [])?;
        Ok(rows.into_iter().map(|(_, receipt)| receipt).collect())
    }

    fn blobs_missing(&self) -> Result<BTreeMap<ContentHash, MissingBlob>, StoreError> {
        let sql = "SELECT hash, size, wanted FROM blobs_missing";
        let rows = self.rows("reading the missing blobs", sql, [], |row| {
            Ok((ContentHash(row.get(0)?), MissingBlob { size: number(row, 1)?, wanted: row.get(2)? }))
        })?;
        Ok(rows.into_iter().collect())
    }

    fn blob_missing(&self, hash: &ContentHash) -> Result<Option<MissingBlob>, StoreError> {
        let sql = "SELECT size, wanted FROM blobs_missing WHERE hash = ?1";
        self.one("looking a missing blob up", sql, [&hash.0], |row| {
            Ok(MissingBlob { size: number(row, 0)?, wanted: row.get(1)? })
        })
    }

    fn blob_needed_by(&self, hash: &ContentHash) -> Result<Vec<EntryId>, StoreError> {
        let sql = "SELECT entry FROM blob_needs WHERE hash = ?1 ORDER BY entry";
        self.ids("reading who needs a blob", sql, [&hash.0])
    }

    fn fetch_policy(&self) -> Result<FetchPolicy, StoreError> {
        let sql = "SELECT below FROM fetch_policy";
        let below: Option<Option<i64>> =
            self.one("reading which attachments are fetched", sql, [], |row| row.get(0))?;
        Ok(match below.flatten() {
            None => FetchPolicy::All,
            Some(bytes) => u64::try_from(bytes).map_or(FetchPolicy::OnDemand, FetchPolicy::Below),
        })
    }

    fn conflicts(&self, entry: Option<&EntryId>) -> Result<Vec<(u64, ConflictRow)>, StoreError> {
        let doing = "reading the conflicts";
        let read = |row: &Row<'_>| Ok((number(row, 0)?, row.get::<_, String>(1)?));
        let rows = match entry {
            None => {
                let sql = "SELECT number, row FROM conflicts WHERE NOT settled ORDER BY number";
                self.rows(doing, sql, [], read)?
            }
            Some(id) => {
                let sql =
                    "SELECT number, row FROM conflicts WHERE entry = ?1 AND NOT settled ORDER BY number";
                self.rows(doing, sql, [&id.0], read)?
            }
        };
        let decode = |text: &str| {
            serde_json::from_str(text)
                .map_err(|error| StoreError { doing, reason: format!("a row cannot be read: {error}") })
        };
        rows.into_iter().map(|(number, text)| Ok((number, decode(&text)?))).collect()
    }
}

impl Source for Store {
    fn meta(&self) -> Result<Option<Meta>, StoreError> {
        self.reader.meta()
    }

    fn entry(&self, id: &EntryId) -> Result<Option<EntryRow>, StoreError> {
        self.reader.entry(id)
    }

    fn children(&self, parent: &EntryId) -> Result<Vec<EntryId>, StoreError> {
        self.reader.children(parent)
    }

    fn namesakes(&self, place_parent: &EntryId, name: &str) -> Result<Vec<EntryId>, StoreError> {
        self.reader.namesakes(place_parent, name)
    }

    fn at(&self, place_parent: &EntryId, place_name: &str) -> Result<Option<EntryId>, StoreError> {
        self.reader.at(place_parent, place_name)
    }

    fn alive_count(&self) -> Result<u64, StoreError> {
        self.reader.alive_count()
    }

    fn document(&self, id: &EntryId) -> Result<Vec<Vec<u8>>, StoreError> {
        self.reader.document(id)
    }

    fn birth(&self, at: BirthAt) -> Result<Option<Vec<u8>>, StoreError> {
        self.reader.birth(at)
    }

    fn base(&self, id: &EntryId) -> Result<Option<BaseRow>, StoreError> {
        self.reader.base(id)
    }

    fn base_at(&self, parent: &EntryId, name: &str) -> Result<Option<EntryId>, StoreError> {
        self.reader.base_at(parent, name)
    }

    fn bases_in(&self, parent: &EntryId) -> Result<Vec<EntryId>, StoreError> {
        self.reader.bases_in(parent)
    }

    fn pending(&self, after: Option<EntryId>, limit: usize) -> Result<Vec<EntryId>, StoreError> {
        self.reader.pending(after, limit)
    }

    fn tips(&self) -> Result<Vec<Tip>, StoreError> {
        self.reader.tips()
    }

    fn record(&self, position: u64) -> Result<Option<Record>, StoreError> {
        self.reader.record(position)
    }

    fn position_of(&self, device: DeviceId, volume: Volume, seq: u64) -> Result<Option<u64>, StoreError> {
        self.reader.position_of(device, volume, seq)
    }

    fn history(&self, id: &EntryId) -> Result<Vec<HistoryRow>, StoreError> {
        self.reader.history(id)
    }

    fn members(&self) -> Result<BTreeMap<DeviceId, MemberRow>, StoreError> {
        self.reader.members()
    }

    fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        self.reader.statements()
    }

    fn knows(&self) -> Result<BTreeMap<(DeviceId, Volume), Knows>, StoreError> {
        self.reader.knows()
    }

    fn quarantined(&self) -> Result<BTreeMap<u64, Quarantined>, StoreError> {
        self.reader.quarantined()
    }

    fn comments(&self, entry: &EntryId) -> Result<Vec<(u64, CommentRow)>, StoreError> {
        self.reader.comments(entry)
    }

    fn seals(&self, entry: &EntryId) -> Result<Vec<(u64, SealRow)>, StoreError> {
        self.reader.seals(entry)
    }

    fn timestamps(&self, seal: &RecordHash) -> Result<Vec<u64>, StoreError> {
        self.reader.timestamps(seal)
    }

    fn forked(&self) -> Result<BTreeMap<(DeviceId, Volume), u64>, StoreError> {
        self.reader.forked()
    }

    fn fork(&self, device: &DeviceId, volume: Volume) -> Result<Option<Fork>, StoreError> {
        self.reader.fork(device, volume)
    }

    fn acknowledged(&self) -> Result<BTreeMap<Volume, u64>, StoreError> {
        self.reader.acknowledged()
    }

    fn headers(&self, after: u64, limit: usize) -> Result<Vec<(u64, Tip, Vec<u8>)>, StoreError> {
        self.reader.headers(after, limit)
    }

    fn receipts(&self) -> Result<Vec<Receipt>, StoreError> {
        self.reader.receipts()
    }

    fn blobs_missing(&self) -> Result<BTreeMap<ContentHash, MissingBlob>, StoreError> {
        self.reader.blobs_missing()
    }

    fn blob_missing(&self, hash: &ContentHash) -> Result<Option<MissingBlob>, StoreError> {
        self.reader.blob_missing(hash)
    }

    fn blob_needed_by(&self, hash: &ContentHash) -> Result<Vec<EntryId>, StoreError> {
        self.reader.blob_needed_by(hash)
    }

    fn fetch_policy(&self) -> Result<FetchPolicy, StoreError> {
        self.reader.fetch_policy()
    }

    fn conflicts(&self, entry: Option<&EntryId>) -> Result<Vec<(u64, ConflictRow)>, StoreError> {
        self.reader.conflicts(entry)
    }
}
