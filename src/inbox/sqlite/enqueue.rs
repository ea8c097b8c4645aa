//! Keeps a new delivery.

use rusqlite::{Result, params};

use super::tx::Tx;
use crate::inbox::{
    Enqueued, Hash, NewDelivery, Record,
    record::{first, short},
    time::millis,
};

/// Keeps a delivery, except if one with its key is kept already.
pub(super) fn enqueue(tx: &Tx<'_>, new: &NewDelivery) -> Result<Enqueued> {
    let digest = short(&new.record.digest);
    if let Some(key) = &new.key
        && let Some((first, seen)) = seen(tx, key)?
    {
        return Ok(Enqueued::Duplicate { first, body_differs: seen != digest });
    }
    let order_key = new.order_key.as_ref().map(cut);
    let seq = insert(tx, &new.record, order_key)?;
    if let Some(key) = &new.key {
        tx.sql.execute(
            "INSERT INTO inbox_seen(key, seq, digest, first_seen) VALUES (?1, ?2, ?3, ?4)",
            params![cut(key), seq, digest, tx.now()],
        )?;
    }
    queue(tx, seq)?;
    Ok(Enqueued::New(seq))
}

/// The number of the first delivery with this key, and the digest of its body. The copy is counted.
fn seen(tx: &Tx<'_>, key: &Hash) -> Result<Option<(i64, i64)>> {
    tx.sql.one(
        "UPDATE inbox_seen SET copies = copies + 1 WHERE key = ?1 RETURNING seq, digest",
        [cut(key)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

fn insert(tx: &Tx<'_>, record: &Record, order_key: Option<[u8; 16]>) -> Result<i64> {
    let Record { source, tenant, key_id, id, event_type, received_at, headers, body, digest } =
        record;
    tx.sql.execute(
        "INSERT INTO inbox_delivery(source, tenant, key_id, id, event_type, received_at, digest, order_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![source, tenant, key_id, id, event_type, millis(*received_at), digest, order_key],
    )?;
    let seq = tx.sql.connection.last_insert_rowid();
    tx.sql.execute(
        "INSERT INTO inbox_payload(seq, headers, body) VALUES (?1, ?2, ?3)",
        params![seq, &headers[..], &body[..]],
    )?;
    Ok(seq)
}

/// Has a kept delivery handled, from now on.
pub(super) fn queue(tx: &Tx<'_>, seq: i64) -> Result<()> {
    let queued = tx.sql.execute(
        "INSERT INTO inbox_queue(seq, source, order_key, due_at)
         SELECT seq, source, order_key, ?2 FROM inbox_delivery WHERE seq = ?1",
        [seq, tx.now()],
    )?;
    match queued {
        1 => {
            tx.opened(1);
            Ok(())
        }
        _ => Err(rusqlite::Error::StatementChangedRows(queued)),
    }
}

/// Half of a SHA-256.
fn cut(hash: &Hash) -> [u8; 16] {
    first(hash)
}
