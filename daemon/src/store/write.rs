//! One step's writes, as statements.

use codex_crdt_model::ids::{DeviceId, EntryId};
use codex_crdt_model::store::{
    BaseRow, DocumentWrite, EntryRow, FetchPolicy, ForkRow, MissingBlob, RecordWrite, StoreError, WriteSet,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::payload;
use super::read::{failed, int};
use super::takeback;

pub(super) fn apply(connection: &Connection, writes: &WriteSet) -> Result<(), StoreError> {
    if let Some(meta) = &writes.meta {
        run(
            connection,
            "writing the notebook's values",
            "INSERT OR REPLACE INTO meta VALUES (1, ?1)",
            [encode(meta)],
        )?;
    }
    entries(connection, writes).map_err(failed("writing entries"))?;
    for (id, write) in &writes.documents {
        document(connection, id, write).map_err(failed("writing a document"))?;
    }
    bases(connection, writes).map_err(failed("writing what is on disk"))?;
    pending(connection, writes).map_err(failed("writing what is pending"))?;
    takeback::apply(connection, writes).map_err(failed("taking records back"))?;
    for write in &writes.records {
        record(connection, write).map_err(failed("writing a record"))?;
        payload::write(connection, write.position, &write.record.payload)?;
    }
    items(connection, writes).map_err(failed("writing which items take effect"))?;
    members_and_receipts(connection, writes)?;
    membership(connection, writes)?;
    blobs_missing(connection, writes).map_err(failed("writing missing blobs"))?;
    conflicts(connection, writes)?;
    seals(connection, writes)?;
    timestamps(connection, writes)?;
    comments(connection, writes)?;
    forks(connection, writes).map_err(failed("writing a proof of a fork"))?;
    for (volume, seq) in &writes.acknowledged {
        let sql = "INSERT OR REPLACE INTO acknowledged (volume, seq) VALUES (?1, ?2)";
        let values = params![volume.0.cast_signed(), int(*seq)];
        run(connection, "writing how far others have this device's journals", sql, values)?;
    }
    Ok(())
}

fn run(
    connection: &Connection,
    doing: &'static str,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(values))
        .map(|_| ())
        .map_err(failed(doing))
}

fn encode<T: Serialize>(row: &T) -> Vec<u8> {
    postcard::to_stdvec(row).expect("encoding into memory cannot fail")
}

fn entries(connection: &Connection, writes: &WriteSet) -> rusqlite::Result<()> {
    if writes.entries.is_empty() {
        return Ok(());
    }
    let mut known = connection.prepare_cached("SELECT alive FROM entries WHERE id = ?1")?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO entries (id, place_parent, place_name, name, alive, revision, row)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut update = connection.prepare_cached(
        "UPDATE entries SET place_parent = ?2, place_name = ?3, name = ?4, alive = ?5, revision = ?6, row = ?7
         WHERE id = ?1",
    )?;
    let mut alive: i64 = 0;
    for (id, row) in &writes.entries {
        let EntryRow { place_parent, place_name, name, revision, .. } = row;
        let was: Option<bool> = known.query_row([&id.0], |row| row.get(0)).optional()?;
        let statement = if was.is_some() { &mut update } else { &mut insert };
        let revision = int(*revision);
        statement.execute(params![
            id.0,
            place_parent.0,
            place_name,
            name,
            row.alive,
            revision,
            encode(row)
        ])?;
        alive += i64::from(row.alive) - i64::from(was.unwrap_or(false));
    }
    if alive != 0 {
        connection.prepare_cached("UPDATE tally SET alive = alive + ?1")?.execute([alive])?;
    }
    Ok(())
}

fn document(connection: &Connection, id: &EntryId, write: &DocumentWrite) -> rusqlite::Result<()> {
    let bytes = match write {
        DocumentWrite::Append(bytes) => bytes,
        DocumentWrite::Replace(bytes) => {
            connection.prepare_cached("DELETE FROM documents WHERE entry = ?1")?.execute([&id.0])?;
            bytes
        }
    };
    connection
        .prepare_cached(
            "INSERT INTO documents (entry, number, bytes)
             SELECT ?1, coalesce(max(number) + 1, 0), ?2 FROM documents WHERE entry = ?1",
        )?
        .execute(params![id.0, bytes])?;
    Ok(())
}

fn bases(connection: &Connection, writes: &WriteSet) -> rusqlite::Result<()> {
    for (id, base) in &writes.bases {
        match base {
            Some(row) => {
                let BaseRow { parent, name, .. } = row;
                connection
                    .prepare_cached(
                        "INSERT INTO bases (entry, parent, name, row) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE
                         SET parent = excluded.parent, name = excluded.name, row = excluded.row",
                    )?
                    .execute(params![id.0, parent.0, name, encode(row)])?;
            }
            None => {
                connection.prepare_cached("DELETE FROM bases WHERE entry = ?1")?.execute([&id.0])?;
            }
        }
    }
    Ok(())
}

fn pending(connection: &Connection, writes: &WriteSet) -> rusqlite::Result<()> {
    for (id, pending) in &writes.pending {
        let sql = if *pending {
            "INSERT OR IGNORE INTO pending VALUES (?1)"
        } else {
            "DELETE FROM pending WHERE entry = ?1"
        };
        connection.prepare_cached(sql)?.execute([&id.0])?;
    }
    Ok(())
}

fn record(connection: &Connection, write: &RecordWrite) -> rusqlite::Result<()> {
    let RecordWrite { position, tip, time, record, items } = write;
    let (position, seq, volume) = (int(*position), int(tip.seq), tip.volume.0.cast_signed());
    connection
        .prepare_cached(
            "INSERT INTO records (position, device, volume, seq, time, signature, header)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![position, tip.device.0, volume, seq, time, record.signature, record.header])?;
    connection
        .prepare_cached(
            "INSERT INTO tips (device, volume, seq, hash) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET seq = excluded.seq, hash = excluded.hash WHERE excluded.seq >= seq",
        )?
        .execute(params![tip.device.0, volume, seq, tip.hash.0])?;
    let births = payload::births(record);
    let mut insert = connection.prepare_cached(
        "INSERT INTO items (position, item, entry, change, start, length) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (item, entry, change) in items {
        let (start, length) = births.get(*item as usize).copied().flatten().unzip();
        insert.execute(params![position, item, entry.0, change.map(|hash| hash.0), start, length])?;
    }
    Ok(())
}

/// Items of records written before. Where a birth lies in its payload is found out when it is read.
fn items(connection: &Connection, writes: &WriteSet) -> rusqlite::Result<()> {
    for (position, items) in &writes.items {
        let position = int(*position);
        connection.prepare_cached("DELETE FROM items WHERE position = ?1")?.execute([position])?;
        let mut insert = connection
            .prepare_cached("INSERT INTO items (position, item, entry, change) VALUES (?1, ?2, ?3, ?4)")?;
        for (item, entry, change) in items {
            insert.execute(params![position, item, entry.0, change.map(|hash| hash.0)])?;
        }
    }
    Ok(())
}

fn membership(connection: &Connection, writes: &WriteSet) -> Result<(), StoreError> {
    for (position, statement) in &writes.statements {
        let sql = "INSERT INTO statements (position, row) VALUES (?1, ?2)";
        run(connection, "writing a membership record", sql, params![int(*position), encode(statement)])?;
    }
    for ((device, volume), knows) in &writes.knows {
        let sql = "INSERT OR REPLACE INTO knows (device, volume, row) VALUES (?1, ?2, ?3)";
        let values = params![device.0, volume.0.cast_signed(), encode(knows)];
        run(connection, "writing what a journal's author knew", sql, values)?;
    }
    for (position, row) in &writes.quarantined {
        let position = int(*position);
        match row {
            Some(row) => {
                let sql = "INSERT OR REPLACE INTO quarantine (position, row) VALUES (?1, ?2)";
                run(connection, "noting a record without effect", sql, params![position, encode(row)])?;
            }
            None => {
                let sql = "DELETE FROM quarantine WHERE position = ?1";
                run(connection, "noting that a record counts", sql, [position])?;
            }
        }
    }
    Ok(())
}

fn members_and_receipts(connection: &Connection, writes: &WriteSet) -> Result<(), StoreError> {
    let row = |device: &DeviceId, row: Vec<u8>| (device.0, row);
    for (device, member) in &writes.members {
        let Some(member) = member else {
            run(connection, "removing a member", "DELETE FROM members WHERE device = ?1", [&device.0])?;
            continue;
        };
        let sql = "INSERT OR REPLACE INTO members VALUES (?1, ?2)";
        run(connection, "writing a member", sql, row(device, encode(member)))?;
    }
    for (device, receipt) in &writes.receipts {
        let sql = "INSERT OR REPLACE INTO receipts VALUES (?1, ?2)";
        run(connection, "writing a receipt", sql, row(device, encode(receipt)))?;
    }
    Ok(())
}

fn blobs_missing(connection: &Connection, writes: &WriteSet) -> rusqlite::Result<()> {
    if let Some(policy) = writes.fetch_policy {
        let below = match policy {
            FetchPolicy::All => None,
            FetchPolicy::Below(bytes) => Some(i64::try_from(bytes).unwrap_or(i64::MAX)),
            FetchPolicy::OnDemand => Some(-1),
        };
        connection.prepare_cached("UPDATE fetch_policy SET below = ?1")?.execute([below])?;
    }
    for hash in &writes.blobs_named {
        connection
            .prepare_cached("INSERT OR IGNORE INTO blobs_named (hash) VALUES (?1)")?
            .execute([&hash.0])?;
    }
    for ((hash, entry), needed) in &writes.blob_needs {
        let sql = match needed {
            true => "INSERT OR IGNORE INTO blob_needs (hash, entry) VALUES (?1, ?2)",
            false => "DELETE FROM blob_needs WHERE hash = ?1 AND entry = ?2",
        };
        connection.prepare_cached(sql)?.execute(params![hash.0, entry.0])?;
    }
    for (hash, missing) in &writes.blobs_missing {
        if missing.is_none() {
            connection.prepare_cached("DELETE FROM blob_needs WHERE hash = ?1")?.execute([&hash.0])?;
        }
        match missing {
            Some(MissingBlob { size, wanted }) => connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO blobs_missing (hash, size, wanted) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![hash.0, size.cast_signed(), wanted])?,
            None => {
                connection.prepare_cached("DELETE FROM blobs_missing WHERE hash = ?1")?.execute([&hash.0])?
            }
        };
    }
    Ok(())
}

fn conflicts(connection: &Connection, writes: &WriteSet) -> Result<(), StoreError> {
    for conflict in &writes.conflicts {
        let doing = "writing a conflict";
        let row = serde_json::to_string(conflict)
            .map_err(|error| StoreError { doing, reason: error.to_string() })?;
        let sql = "INSERT INTO conflicts (entry, settled, row) VALUES (?1, 0, ?2)";
        run(connection, doing, sql, params![conflict.entry.0, row])?;
    }
    for number in &writes.settled {
        let sql = "UPDATE conflicts SET settled = 1 WHERE number = ?1";
        run(connection, "settling a conflict", sql, [int(*number)])?;
    }
    Ok(())
}

fn comments(connection: &Connection, writes: &WriteSet) -> Result<(), StoreError> {
    for (position, row) in &writes.comments {
        let sql = "INSERT OR REPLACE INTO comments VALUES (?1, ?2, ?3)";
        let values = params![int(*position), row.comment.entry().0, encode(row)];
        run(connection, "writing a comment", sql, values)?;
    }
    Ok(())
}

fn seals(connection: &Connection, writes: &WriteSet) -> Result<(), StoreError> {
    for (position, row) in &writes.seals {
        let sql = "INSERT OR REPLACE INTO seals VALUES (?1, ?2, ?3)";
        run(connection, "writing a seal", sql, params![int(*position), row.seal.entry().0, encode(row)])?;
    }
    Ok(())
}

fn timestamps(connection: &Connection, writes: &WriteSet) -> Result<(), StoreError> {
    for (position, seals) in &writes.timestamps {
        for seal in seals {
            let sql = "INSERT OR IGNORE INTO timestamps (seal, position) VALUES (?1, ?2)";
            run(connection, "writing a timestamp", sql, params![seal.0, int(*position)])?;
        }
    }
    Ok(())
}

fn forks(connection: &Connection, writes: &WriteSet) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO forks (device, volume, seq, hash, other, record, one_header, one_signature, after)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    for ForkRow { after, fork } in &writes.forks {
        let Some(at) = fork.at() else { continue };
        connection.prepare_cached(sql)?.execute(params![
            at.device.0,
            at.volume.0.cast_signed(),
            int(at.seq),
            at.other.0,
            at.one.0,
            encode(&fork.other),
            fork.one.header,
            fork.one.signature,
            int(*after),
        ])?;
    }
    Ok(())
}
