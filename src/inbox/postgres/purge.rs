//! Removes what is old, in slices: the others need not wait, and a replay can come in between.

use tokio_postgres::types::ToSql;

use super::{link::Link, operator_statements as sql, rows::seconds};
use crate::{
    error::InboxError,
    inbox::{Purged, Retention},
};

/// The rows of a slice.
const SLICE: i64 = 1000;

/// Removes what is older than `retention` says.
pub(super) async fn purge(link: &Link, retention: Retention) -> Result<Purged, InboxError> {
    let [bodies, dead, keys] = [retention.bodies, retention.dead, retention.keys].map(seconds);
    let mut purged = Purged::default();
    let mut after = 0_i64;
    while let Some((last, count)) =
        slice(link, sql::PURGE_BODIES, &[&after, &bodies, &dead, &SLICE]).await?
    {
        (after, purged.bodies) = (last, purged.bodies + count);
    }
    after = 0;
    while let Some((last, count)) =
        slice(link, sql::PURGE_RECORDS, &[&after, &keys, &SLICE]).await?
    {
        (after, purged.records) = (last, purged.records + count);
    }
    loop {
        let (_, count) = slice_of(link, sql::PURGE_KEYS, &[&keys, &SLICE]).await?;
        purged.keys += count;
        if count == 0 {
            return Ok(purged);
        }
    }
}

/// The last number that it looked at, and how many it removed. `None` after the last slice.
async fn slice(
    link: &Link,
    statement: &'static str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Option<(i64, u64)>, InboxError> {
    let (last, count) = slice_of(link, statement, parameters).await?;
    Ok(last.map(|last| (last, count)))
}

async fn slice_of(
    link: &Link,
    statement: &'static str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<(Option<i64>, u64), InboxError> {
    let alone = link.alone().await?;
    let rows = alone.live.query(statement, parameters).await?;
    let (last, count): (_, i64) = (rows.one("last")?, rows.one("purged")?);
    alone.put_back();
    Ok((last, count.unsigned_abs()))
}
