//! Order keys: of the open deliveries with one key, the oldest can be claimed. The others are held.
//!
//! Whoever adds or removes an open delivery with an order key holds the lock of that key up to the commit, and releases the
//! oldest one that is left. Without the lock, a delivery that comes while the one before it ends would be held for ever: neither
//! of the two transactions sees the other.

use tokio_postgres::Row;

use super::{live::Live, rows::Key, statements, trouble::Trouble};

/// Locks these keys until the transaction ends. They must be sorted.
pub(super) async fn lock(live: &Live, keys: &[Key]) -> Result<(), Trouble> {
    let mut locks: Vec<_> = keys.iter().map(|key| key.lock()).collect();
    locks.sort_unstable();
    locks.dedup();
    live.query(statements::LOCK_ORDERS, &[&locks]).await.map(drop)
}

/// Releases the oldest open delivery of each of these keys, which are locked.
pub(super) async fn release(live: &Live, keys: &[Key]) -> Result<(), Trouble> {
    live.query(statements::RELEASE_HEADS, &[&keys]).await.map(drop)
}

/// Locks the order key in this row, if there is one.
pub(super) async fn lock_of(live: &Live, row: &Row) -> Result<Option<Key>, Trouble> {
    let key: Option<Key> = row.try_get("order_key")?;
    if let Some(key) = key {
        lock(live, &[key]).await?;
    }
    Ok(key)
}
