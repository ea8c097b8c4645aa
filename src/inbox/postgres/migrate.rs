//! Makes the tables of the inbox, and brings those of an earlier version up to date.

use super::{live::Live, trouble::Trouble};
use crate::error::InboxError;

/// The schema of each version, on top of the one before.
const VERSIONS: [&str; 1] = [include_str!("schema.sql")];

/// `CREATE … IF NOT EXISTS` fails if two connections run it at once, so one comes after the other. The number stands for
/// nothing: it is the same in every version of this crate.
const BEGIN: &str = "
    BEGIN;
    SET LOCAL lock_timeout = '60s';
    SET LOCAL statement_timeout = '60s';
    SELECT pg_advisory_xact_lock(6061842573159486721);
    CREATE SCHEMA IF NOT EXISTS tower_webhook;
    CREATE TABLE IF NOT EXISTS version (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        version integer NOT NULL,
        checked_at timestamptz NOT NULL DEFAULT now()
    );
    INSERT INTO version (version) VALUES (0) ON CONFLICT DO NOTHING";

/// The version without a lock and without a right to create anything: a user of the inbox needs none of these later on.
const EXISTS: &str = "SELECT to_regclass('tower_webhook.version') IS NOT NULL AS is_there";
const VERSION: &str = "SELECT version FROM version";

/// Brings the tables up to date.
pub(super) async fn migrate(live: &Live) -> Result<(), InboxError> {
    let exists: bool = live.query(EXISTS, &[]).await?.one("is_there")?;
    if exists && to_do(version(live).await?)?.is_empty() {
        return Ok(());
    }
    live.batch(BEGIN).await?;
    live.end(locked(live).await).await
}

async fn locked(live: &Live) -> Result<(), InboxError> {
    for step in to_do(version(live).await?)? {
        live.batch(step).await?;
    }
    Ok(live.batch(&format!("UPDATE version SET version = {}", VERSIONS.len())).await?)
}

async fn version(live: &Live) -> Result<i32, Trouble> {
    live.query(VERSION, &[]).await?.one("version")
}

/// The steps that a database of this version has not done yet.
fn to_do(version: i32) -> Result<&'static [&'static str], InboxError> {
    let done = usize::try_from(version).ok();
    done.and_then(|done| VERSIONS.get(done..)).ok_or_else(|| {
        InboxError::unavailable(format_args!(
            "the tables are those of version {version}, and this program knows {} at most: use a newer one",
            VERSIONS.len(),
        ))
    })
}
