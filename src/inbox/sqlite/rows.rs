//! Reads deliveries from rows. A value that cannot be is an error of its row.

use std::sync::Arc;

use rusqlite::{Error, Result, Row, types::Type};

use crate::inbox::{DeadReason, Record, State, Stored, time::time};

/// The columns of a [`record`] but for headers and body, of `inbox_delivery d`.
pub(super) const RECORD: &str =
    "d.source, d.tenant, d.key_id, d.id, d.event_type, d.received_at, d.digest";

/// The columns of a [`stored`] delivery after those of its record, of `inbox_queue q` and `inbox_outcome o`, of which one has
/// it.
pub(super) const STATE: &str = "d.seq, q.leased, o.state, coalesce(q.attempts, o.attempts), \
     coalesce(q.error, o.error), o.reason, o.finished_at";

/// Reads [`RECORD`], headers and body.
pub(super) fn record(row: &Row<'_>) -> Result<Record> {
    Ok(Record {
        source: row.get(0)?,
        tenant: row.get(1)?,
        key_id: row.get(2)?,
        id: row.get(3)?,
        event_type: row.get(4)?,
        received_at: time(row.get(5)?),
        digest: row.get(6)?,
        headers: row.get::<_, Vec<u8>>(7)?.into(),
        body: row.get::<_, Vec<u8>>(8)?.into(),
    })
}

/// Reads [`RECORD`], headers, body and [`STATE`].
pub(super) fn stored(row: &Row<'_>) -> Result<Stored> {
    Ok(Stored {
        seq: row.get(9)?,
        record: record(row)?,
        state: state(row)?,
        attempts: row.get(12)?,
        error: row.get(13)?,
        reason: row.get::<_, Option<Arc<str>>>(14)?.map(|name| reason(&name)).transpose()?,
        finished_at: row.get::<_, Option<i64>>(15)?.map(time),
    })
}

fn state(row: &Row<'_>) -> Result<State> {
    let (leased, ended) = (row.get::<_, Option<bool>>(10)?, row.get::<_, Option<i64>>(11)?);
    match (leased, ended) {
        (Some(false), _) => Ok(State::Ready),
        (Some(true), _) => Ok(State::Leased),
        (None, Some(number)) => by_number(number),
        (None, None) => Err(corrupt(10, "it is neither open nor ended".to_owned())),
    }
}

pub(super) fn by_number(number: i64) -> Result<State> {
    State::by_number(number).ok_or_else(|| corrupt(11, format!("there is no state {number}")))
}

fn reason(name: &str) -> Result<DeadReason> {
    DeadReason::by_name(name).ok_or_else(|| corrupt(14, format!("there is no reason `{name}`")))
}

fn corrupt(column: usize, why: String) -> Error {
    Error::FromSqlConversionFailure(column, Type::Null, why.into())
}
