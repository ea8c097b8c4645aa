//! What an operator does: replays deliveries, puts them aside, lists them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rusqlite::{Error, Result, params};

use super::{
    enqueue::queue,
    leases::end,
    rows::{RECORD, STATE, by_number, stored},
    sql::{Sql, told},
    tx::Tx,
};
use crate::{
    error::InboxError,
    inbox::{Filter, Replay, State, Stats, Stored},
};

pub(super) fn replay(tx: &Tx<'_>, seq: i64, how: Replay) -> Result<Option<i64>> {
    if how == Replay::Copy {
        return copy(tx, seq);
    }
    let ended = tx.sql.one(
        "DELETE FROM inbox_outcome WHERE seq = ?1 AND has_body = 1 RETURNING error",
        [seq],
        |row| row.get::<_, Option<Arc<str>>>(0),
    )?;
    let Some(error) = ended else { return Ok(None) };
    tx.forget_damage(seq);
    queue(tx, seq)?;
    tx.sql.execute("UPDATE inbox_queue SET error = ?2 WHERE seq = ?1", params![seq, error])?;
    tx.sql.execute(
        "DELETE FROM inbox_settled WHERE seq = ?1 AND (?2 OR done = 0)",
        params![seq, how == Replay::All],
    )?;
    Ok(Some(seq))
}

fn copy(tx: &Tx<'_>, seq: i64) -> Result<Option<i64>> {
    let copied = tx.sql.execute(
        "INSERT INTO inbox_delivery(source, tenant, key_id, id, event_type, received_at, digest, order_key)
         SELECT source, tenant, key_id, id, event_type, received_at, digest, order_key
         FROM inbox_delivery JOIN inbox_outcome USING (seq) WHERE seq = ?1 AND has_body = 1",
        [seq],
    )?;
    if copied == 0 {
        return Ok(None);
    }
    let new = tx.sql.connection.last_insert_rowid();
    let copied = tx.sql.execute(
        "INSERT INTO inbox_payload(seq, headers, body) SELECT ?2, headers, body FROM inbox_payload WHERE seq = ?1",
        [seq, new],
    )?;
    if copied != 1 {
        return Err(Error::StatementChangedRows(copied));
    }
    queue(tx, new)?;
    Ok(Some(new))
}

pub(super) fn park(tx: &Tx<'_>, seq: i64) -> Result<bool> {
    end(tx, seq, State::Parked, None, None)
}

pub(super) fn pause(tx: &Tx<'_>, source: &str, is_paused: bool) -> Result<()> {
    let sql = match is_paused {
        true => "INSERT INTO inbox_paused(source) VALUES (?1) ON CONFLICT DO NOTHING",
        false => "DELETE FROM inbox_paused WHERE source = ?1",
    };
    tx.sql.execute(sql, [source]).map(drop)
}

/// Where to look for deliveries in a state: the tables, of which the first has few others, a condition, and that table.
fn tables(state: Option<State>) -> (&'static str, &'static str, &'static str) {
    const OPEN: &str = "inbox_queue q CROSS JOIN inbox_delivery d USING (seq) LEFT JOIN inbox_outcome o USING (seq)";
    const ENDED: &str = "inbox_outcome o CROSS JOIN inbox_delivery d USING (seq) LEFT JOIN inbox_queue q USING (seq)";
    match state {
        None => (ALL, "true", "d"),
        Some(State::Ready) => (OPEN, "q.leased = 0", "q"),
        Some(State::Leased) => (OPEN, "q.leased = 1", "q"),
        Some(State::Done) => (ENDED, "o.state = 2", "o"),
        Some(State::Dead) => (ENDED, "o.state = 3", "o"),
        Some(State::Parked) => (ENDED, "o.state = 4", "o"),
    }
}

const ALL: &str =
    "inbox_delivery d LEFT JOIN inbox_queue q USING (seq) LEFT JOIN inbox_outcome o USING (seq)";

/// The blocks of numbers after `?1`: the index of ids has one place for an id in each of them.
const BLOCKS: &str = "WITH RECURSIVE block(number) AS (
         SELECT * FROM (SELECT seq >> 10 FROM inbox_delivery WHERE seq > ?1 ORDER BY seq LIMIT 1)
         UNION ALL SELECT (SELECT seq >> 10 FROM inbox_delivery WHERE seq >= (number + 1) << 10 ORDER BY seq LIMIT 1)
         FROM block WHERE number IS NOT NULL
     )";

/// The statement that lists what `filter` selects.
fn list_sql(filter: &Filter) -> String {
    let (tables, is_in_state, first) = tables(filter.state);
    let (with, from, first, is_it) = match filter.id {
        Some(_) => {
            let is_it = "d.seq >> 10 = block.number AND d.id = ?4";
            (BLOCKS, format!("block CROSS JOIN {ALL}"), "d", is_it)
        }
        None => ("", tables.to_owned(), first, "?4 IS NULL"),
    };
    format!(
        "{with} SELECT {RECORD}, x'', x'', {STATE} FROM {from} WHERE {first}.seq > ?1 AND {is_it}
         AND (?2 IS NULL OR d.source = ?2) AND (?3 IS NULL OR d.tenant = ?3) AND {is_in_state}
         ORDER BY {first}.seq LIMIT ?5"
    )
}

pub(super) fn list(sql: Sql<'_>, filter: &Filter) -> Result<Vec<Stored>, InboxError> {
    let most = i64::try_from(filter.most).unwrap_or(i64::MAX);
    let listed = sql.all(
        &list_sql(filter),
        params![filter.after, filter.source, filter.tenant, filter.id, most],
        |row| {
            let seq: i64 = row.get(9)?;
            Ok(stored(row).map_err(|error| unreadable(seq, &error)))
        },
    );
    listed.map_err(|error| told(&error))?.into_iter().collect()
}

pub(super) fn get(sql: Sql<'_>, seq: i64) -> Result<Option<Stored>, InboxError> {
    let get = format!(
        "SELECT {RECORD}, coalesce(p.headers, x''), coalesce(p.body, x''), {STATE}
         FROM {ALL} LEFT JOIN inbox_payload p USING (seq) WHERE d.seq = ?1"
    );
    sql.one(&get, [seq], stored).map_err(|error| unreadable(seq, &error))
}

fn unreadable(seq: i64, error: &Error) -> InboxError {
    InboxError::unavailable(format_args!("delivery {seq} cannot be read: {error}"))
}

pub(super) fn stats(sql: Sql<'_>, now: i64) -> Result<Vec<Stats>> {
    let mut all: BTreeMap<Arc<str>, Stats> = BTreeMap::new();
    let counted = sql.all(
        "SELECT q.source, q.leased, count(*), min(d.received_at)
         FROM inbox_queue q LEFT JOIN inbox_delivery d USING (seq) GROUP BY 1, 2
         UNION ALL SELECT source, state, count, NULL FROM inbox_tally WHERE count > 0",
        [],
        |row| {
            Ok((
                row.get(0)?,
                by_number(row.get(1)?)?,
                row.get::<_, i64>(2)?,
                row.get::<_, Option<i64>>(3)?,
            ))
        },
    )?;
    for (source, state, count, oldest) in counted {
        let stats = entry(&mut all, source);
        *stats.of(state) = count.unsigned_abs();
        let age = |stored_at| Duration::from_millis(now.saturating_sub(stored_at).unsigned_abs());
        stats.oldest = stats.oldest.max(oldest.map(age));
    }
    for source in sql.all("SELECT source FROM inbox_paused", [], |row| row.get(0))? {
        entry(&mut all, source).is_paused = true;
    }
    Ok(all.into_values().collect())
}

fn entry(all: &mut BTreeMap<Arc<str>, Stats>, source: Arc<str>) -> &mut Stats {
    all.entry(source.clone()).or_insert_with(|| Stats::none(source))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// How SQLite goes about a list, step by step.
    fn plan(filter: &Filter) -> Vec<String> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("schema.sql")).unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {}", list_sql(filter));
        let parameters = params![0, None::<&str>, None::<&str>, filter.id, 100];
        Sql::new(&connection).all(&explain, parameters, |row| row.get(3)).unwrap()
    }

    /// Whether a step reads all that is stored, or all that has ended.
    fn is_long(step: &String) -> bool {
        let through_all = ["SCAN d", "SCAN o"];
        let from_one_on =
            ["d", "o"].map(|t| format!("SEARCH {t} USING INTEGER PRIMARY KEY (rowid>?)"));
        through_all.iter().any(|long| step.starts_with(long)) || from_one_on.contains(step)
    }

    #[test]
    fn what_is_rare_is_not_looked_for_among_all() {
        let of_state = |state| Filter { state, ..Filter::default() };
        let of_id = |state| Filter { id: Some("a".into()), ..of_state(state) };
        let states = State::ALL.map(Some).into_iter().chain([None]);
        let rare = [State::Ready, State::Leased, State::Dead, State::Parked];
        for filter in states.map(of_id).chain(rare.map(Some).map(of_state)) {
            let plan = plan(&filter);
            assert_eq!(plan.iter().filter(|step| is_long(step)).count(), 0, "{filter:?} {plan:#?}");
        }
        // Otherwise nothing is shown above.
        assert!(plan(&Filter::default()).iter().any(is_long));
    }
}
