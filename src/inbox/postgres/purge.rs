//! Removes what is old, from the oldest on. In slices: the others need not wait, and a replay can come in between.

use std::time::{SystemTime, UNIX_EPOCH};

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
    Ok(Purged {
        bodies: in_slices(link, sql::PURGE_DONE, bodies).await?
            + in_slices(link, sql::PURGE_DEAD, dead).await?,
        records: in_slices(link, sql::PURGE_RECORDS, keys).await?,
        keys: in_slices(link, sql::PURGE_KEYS, keys).await?,
    })
}

/// Removes what is older than so many seconds. A slice begins where the one before ended: otherwise it would read what that one
/// has removed, as long as others can see it.
async fn in_slices(link: &Link, statement: &'static str, age: f64) -> Result<u64, InboxError> {
    let (mut after, mut purged) = (UNIX_EPOCH, 0);
    loop {
        let alone = link.alone().await?;
        let rows = alone.live.query(statement, &[&age, &after, &SLICE]).await?;
        let (last, count): (Option<SystemTime>, i64) = (rows.one("last")?, rows.one("purged")?);
        alone.put_back();
        purged += count.unsigned_abs();
        match last {
            Some(last) if count == SLICE => after = last,
            _ => return Ok(purged),
        }
    }
}
