//! Removes what is old. What is to go is looked for beside the writer, which then removes it in slices.

use std::future::Future;

use rusqlite::Result;

use super::{
    SqliteStore, WhenFull,
    sql::{Sql, told},
    tx::Tx,
};
use crate::{
    error::InboxError,
    inbox::{Purged, Retention, time::span},
    util::trace,
};

/// How many at once. What is to be stored meanwhile waits for some milliseconds.
const SLICE: i64 = 1_000;

/// The times before which something is old.
#[derive(Clone, Copy)]
struct Before {
    bodies: i64,
    dead: i64,
    keys: i64,
}

pub(super) async fn purge(
    store: &SqliteStore,
    retention: Retention,
    now: i64,
) -> Result<Purged, InboxError> {
    let before = |age| now.saturating_sub(span(age));
    let before = Before {
        bodies: before(retention.bodies),
        dead: before(retention.dead),
        keys: before(retention.keys),
    };
    Ok(Purged {
        bodies: in_slices(store, 0, before, old_bodies, remove_body).await?,
        records: in_slices(store, 0, before, old_records, remove_record).await?,
        keys: in_slices(store, Vec::new(), before, old_keys, remove_key).await?,
    })
}

/// Those after a place, in their order.
type Page<K> = fn(Sql<'_>, &K, Before) -> Result<Vec<K>>;
/// Looks once more whether it is to go: it may have been replayed meanwhile.
type Remove<K> = fn(&Tx<'_>, &K, Before) -> Result<bool>;

async fn in_slices<K: Clone + Send + 'static>(
    store: &SqliteStore,
    mut after: K,
    before: Before,
    page: Page<K>,
    remove: Remove<K>,
) -> Result<u64, InboxError> {
    let mut removed = 0;
    loop {
        let old = store
            .read(move |sql, _| page(sql, &after, before).map_err(|error| told(&error)))
            .await?;
        let Some(last) = old.last() else { return Ok(removed) };
        after = last.clone();
        let slice = |keys: Vec<K>| {
            let each = move |tx: &Tx<'_>| {
                keys.iter().map(|one| remove(tx, one, before).map(u64::from)).sum::<Result<u64>>()
            };
            store.write(each, WhenFull::Wait)
        };
        removed += match slice(old.clone()).await {
            Err(InboxError::Unavailable(_)) => one_by_one(old, slice).await?,
            done => done?,
        };
    }
}

/// One of them is on a page that cannot be read. It stays, or else nothing that comes after it would ever be removed.
async fn one_by_one<K, F>(old: Vec<K>, slice: impl Fn(Vec<K>) -> F) -> Result<u64, InboxError>
where
    F: Future<Output = Result<u64, InboxError>>,
{
    let (count, mut removed, mut failed, mut last) = (old.len(), 0, 0, None);
    for one in old {
        match slice(vec![one]).await {
            Ok(one) => removed += one,
            Err(error) => (failed, last) = (failed + 1, Some(error)),
        }
    }
    match last {
        Some(error) if failed == count => Err(error),
        Some(error) => {
            trace::warn(&format!("inbox: {failed} old rows cannot be removed: {error}"));
            Ok(removed)
        }
        None => Ok(removed),
    }
}

fn old_bodies(sql: Sql<'_>, after: &i64, before: Before) -> Result<Vec<i64>> {
    sql.all(
        "SELECT seq FROM inbox_outcome WHERE seq > ?1 AND has_body = 1
         AND (state = 2 AND finished_at < ?2 OR state = 3 AND finished_at < ?3) ORDER BY seq LIMIT ?4",
        [*after, before.bodies, before.dead, SLICE],
        |row| row.get(0),
    )
}

fn remove_body(tx: &Tx<'_>, seq: &i64, before: Before) -> Result<bool> {
    let is_old = tx.sql.execute(
        "UPDATE inbox_outcome SET has_body = 0 WHERE seq = ?1 AND has_body = 1
         AND (state = 2 AND finished_at < ?2 OR state = 3 AND finished_at < ?3)",
        [*seq, before.bodies, before.dead],
    )?;
    if is_old == 0 {
        return Ok(false);
    }
    tx.sql.execute("DELETE FROM inbox_payload WHERE seq = ?1", [seq])?;
    Ok(true)
}

/// Without its body, a delivery cannot be replayed, so nobody needs the rest any more.
fn old_records(sql: Sql<'_>, after: &i64, before: Before) -> Result<Vec<i64>> {
    sql.all(
        "SELECT seq FROM inbox_outcome WHERE seq > ?1 AND has_body = 0 AND finished_at < ?2 ORDER BY seq LIMIT ?3",
        [*after, before.keys, SLICE],
        |row| row.get(0),
    )
}

fn remove_record(tx: &Tx<'_>, seq: &i64, before: Before) -> Result<bool> {
    let is_old = tx.sql.execute(
        "DELETE FROM inbox_outcome WHERE seq = ?1 AND has_body = 0 AND finished_at < ?2",
        [*seq, before.keys],
    )?;
    if is_old == 0 {
        return Ok(false);
    }
    tx.sql.execute("DELETE FROM inbox_settled WHERE seq = ?1", [seq])?;
    tx.sql.execute("DELETE FROM inbox_delivery WHERE seq = ?1", [seq])?;
    Ok(true)
}

fn old_keys(sql: Sql<'_>, after: &Vec<u8>, before: Before) -> Result<Vec<Vec<u8>>> {
    sql.all(
        "SELECT key FROM inbox_seen WHERE key > ?1 AND first_seen < ?2 ORDER BY key LIMIT ?3",
        (after, before.keys, SLICE),
        |row| row.get(0),
    )
}

fn remove_key(tx: &Tx<'_>, key: &Vec<u8>, before: Before) -> Result<bool> {
    let removed = tx
        .sql
        .execute("DELETE FROM inbox_seen WHERE key = ?1 AND first_seen < ?2", (key, before.keys))?;
    Ok(removed == 1)
}
