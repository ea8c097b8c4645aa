//! Values between Rust and PostgreSQL.

use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio_postgres::{
    Row,
    types::{FromSql, FromSqlOwned, IsNull, ToSql, Type, accepts, to_sql_checked},
};

use super::trouble::Trouble;
use crate::{
    error::BoxError,
    inbox::{
        Hash, Record,
        record::{first, without_nul},
    },
};

/// The first half of a SHA-256, as a uuid: half the memory for an index. To find a second text with the same half of a given
/// one is out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    pub(super) fn of(hash: &Hash) -> Self {
        Self(first(hash))
    }

    /// The number of the lock for an order key. Two keys with one number wait for each other, no more.
    pub(super) fn lock(self) -> i64 {
        i64::from_be_bytes(first(&self.0))
    }
}

impl ToSql for Key {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    accepts!(UUID);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Key {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self(raw.try_into()?))
    }

    accepts!(UUID);
}

pub(super) fn optional(of: Option<&Arc<str>>) -> Option<Cow<'_, str>> {
    of.map(|of| without_nul(of))
}

/// Seconds, few enough to be added to a time.
pub(super) fn seconds(duration: Duration) -> f64 {
    const CENTURY: f64 = 100.0 * 365.0 * 86_400.0;
    duration.as_secs_f64().min(CENTURY)
}

/// The rows of an answer.
#[derive(Debug)]
pub(super) struct Rows(pub(super) Vec<Row>);

impl Rows {
    /// The value in the one row.
    pub(super) fn one<T: FromSqlOwned>(&self, column: &str) -> Result<T, Trouble> {
        let row = self.0.first().ok_or_else(|| Trouble::Refused(format!("no {column}")))?;
        Ok(row.try_get(column)?)
    }

    /// Two values of each row.
    pub(super) fn pairs<A: FromSqlOwned, B: FromSqlOwned>(&self) -> Result<Vec<(A, B)>, Trouble> {
        self.0.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

/// What is kept of a delivery. Headers and body are empty if they are not among the columns, or were purged.
pub(super) fn record(row: &Row) -> Result<Record, Trouble> {
    let shared = |column: &str| -> Result<Option<Arc<str>>, Trouble> {
        Ok(row.try_get::<_, Option<&str>>(column)?.map(Into::into))
    };
    let bytes = |column: &str| -> Result<Bytes, Trouble> {
        if !row.columns().iter().any(|known| known.name() == column) {
            return Ok(Bytes::new());
        }
        let bytes: Option<&[u8]> = row.try_get(column)?;
        Ok(Bytes::copy_from_slice(bytes.unwrap_or_default()))
    };
    Ok(Record {
        source: row.try_get::<_, &str>("source")?.into(),
        tenant: shared("tenant")?,
        key_id: shared("key_id")?,
        id: shared("id")?,
        event_type: shared("event_type")?,
        received_at: row.try_get("received_at")?,
        headers: bytes("headers")?,
        body: bytes("body")?,
        digest: first(row.try_get("digest")?),
    })
}

/// A counter that is never negative.
pub(super) fn count(row: &Row, column: &str) -> Result<u32, Trouble> {
    let count: i32 = row.try_get(column)?;
    Ok(count.try_into().unwrap_or_default())
}
