//! `Operator`: what operators ask for, on a connection of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio_postgres::{Row, types::ToSql};

use super::{
    bell::Ring,
    link::Link,
    live::Live,
    operator_statements as sql, orders, purge,
    rows::{count, optional, record},
    trouble::Trouble,
};
use crate::{
    error::InboxError,
    inbox::{
        DeadReason, Filter, Purged, Replay, Retention, State, Stats, Stored, record::without_nul,
    },
};

/// What operators ask for.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) link: Link,
    pub(super) ring: Ring,
}

impl Operator {
    pub(super) async fn list(&self, filter: Filter) -> Result<Vec<Stored>, InboxError> {
        let alone = self.link.alone().await?;
        let most = i64::try_from(filter.most).unwrap_or(i64::MAX);
        let [source, tenant, id] =
            [&filter.source, &filter.tenant, &filter.id].map(|wanted| optional(wanted.as_ref()));
        let state = filter.state.map(State::number);
        let all: [&(dyn ToSql + Sync); 6] = [&filter.after, &most, &source, &tenant, &id, &state];
        let (statement, parameters) = match id {
            Some(_) => (sql::LIST_BY_ID, &all[..]),
            None => (sql::list(filter.state), &all[..4]),
        };
        let rows = alone.live.query(statement, parameters).await?;
        let listed = rows.0.iter().map(stored).collect::<Result<_, _>>()?;
        alone.put_back();
        Ok(listed)
    }

    pub(super) async fn get(&self, seq: i64) -> Result<Option<Stored>, InboxError> {
        let alone = self.link.alone().await?;
        let rows = alone.live.query(sql::GET, &[&seq]).await?;
        let found = rows.0.first().map(stored).transpose()?;
        alone.put_back();
        Ok(found)
    }

    pub(super) async fn replay(&self, seq: i64, how: Replay) -> Result<Option<i64>, InboxError> {
        let alone = self.link.alone().await?;
        alone.live.begin().await?;
        let done = replay(&alone.live, seq, how).await;
        let number = alone.live.end(done).await?;
        alone.put_back();
        self.ring.ring();
        Ok(number)
    }

    /// Whether there was such a delivery.
    pub(super) async fn park(&self, seq: i64) -> Result<bool, InboxError> {
        let alone = self.link.alone().await?;
        alone.live.begin().await?;
        let done = park(&alone.live, seq).await;
        let is_parked = alone.live.end(done).await?;
        alone.put_back();
        self.ring.ring();
        Ok(is_parked)
    }

    pub(super) async fn pause(&self, source: &str, is_paused: bool) -> Result<(), InboxError> {
        let alone = self.link.alone().await?;
        let statement = if is_paused { sql::PAUSE } else { sql::UNPAUSE };
        alone.live.query(statement, &[&without_nul(source)]).await?;
        alone.put_back();
        self.ring.ring();
        Ok(())
    }

    /// Each slice uses the connection alone, so that others come in between.
    pub(super) async fn purge(&self, retention: Retention) -> Result<Purged, InboxError> {
        purge::purge(&self.link, retention).await
    }

    pub(super) async fn stats(&self) -> Result<Vec<Stats>, InboxError> {
        let alone = self.link.alone().await?;
        let counted = alone.live.query(sql::STATS, &[]).await?;
        let paused = alone.live.query(sql::PAUSED, &[]).await?;
        alone.put_back();
        let mut all = BTreeMap::new();
        for row in &counted.0 {
            add(of(&mut all, row)?, row)?;
        }
        for row in &paused.0 {
            of(&mut all, row)?.is_paused = true;
        }
        Ok(all.into_values().collect())
    }
}

fn of<'a>(all: &'a mut BTreeMap<String, Stats>, row: &Row) -> Result<&'a mut Stats, Trouble> {
    let source: String = row.try_get("source")?;
    let name = Arc::from(&*source);
    Ok(all.entry(source).or_insert_with(|| Stats::none(name)))
}

fn add(stats: &mut Stats, row: &Row) -> Result<(), Trouble> {
    let (deliveries, age): (i64, Option<f64>) = (row.try_get("deliveries")?, row.try_get("age")?);
    if let Some(state) = State::by_number(row.try_get::<_, i16>("state")?.into()) {
        *stats.of(state) += deliveries.unsigned_abs();
    }
    let age = age.map(|age| Duration::try_from_secs_f64(age).unwrap_or_default());
    stats.oldest = stats.oldest.max(age);
    Ok(())
}

fn stored(row: &Row) -> Result<Stored, Trouble> {
    let number: i16 = row.try_get("state")?;
    let reason: Option<&str> = row.try_get("reason")?;
    Ok(Stored {
        seq: row.try_get("seq")?,
        record: record(row)?,
        state: State::by_number(number.into())
            .ok_or_else(|| Trouble::Refused(format!("no state {number}")))?,
        attempts: count(row, "attempts")?,
        error: row.try_get::<_, Option<&str>>("error")?.map(Into::into),
        reason: reason.and_then(DeadReason::by_name),
        finished_at: row.try_get("finished_at")?,
    })
}

/// The outcome is locked first, so that no purge takes the body away meanwhile.
async fn replay(live: &Live, seq: i64, how: Replay) -> Result<Option<i64>, Trouble> {
    let outcome = live.query(sql::LOCK_OUTCOME, &[&seq]).await?;
    let Some(row) = outcome.0.first() else { return Ok(None) };
    let order_key = orders::lock_of(live, row).await?;
    let again = match how {
        Replay::Copy => live.query(sql::COPY, &[&seq]).await?,
        Replay::Rest | Replay::All => {
            live.query(sql::REPLAY, &[&seq, &(how == Replay::All)]).await?
        }
    };
    let Some(row) = again.0.first() else { return Ok(None) };
    let number = row.try_get("seq")?;
    if let Some(key) = order_key {
        live.query(sql::HOLD_OTHERS, &[&key, &number]).await?;
        orders::release(live, &[key]).await?;
    }
    Ok(Some(number))
}

async fn park(live: &Live, seq: i64) -> Result<bool, Trouble> {
    let found = live.query(sql::ORDER_KEY, &[&seq]).await?;
    let Some(row) = found.0.first() else { return Ok(false) };
    let order_key = orders::lock_of(live, row).await?;
    let parked = live.query(sql::PARK, &[&seq, &State::Parked.number()]).await?;
    if let Some(key) = order_key {
        orders::release(live, &[key]).await?;
    }
    Ok(!parked.0.is_empty())
}
