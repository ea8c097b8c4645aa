//! What a worker does: claims deliveries, extends leases and ends them.

use std::{fmt::Display, sync::Arc};

use rusqlite::{Error, Result, params};

use super::{
    rows::{self, RECORD},
    sql::{Sql, is_of_a_page, is_of_a_row},
    tx::Tx,
};
use crate::inbox::{
    Claim, DeadReason, Finish, Lease, Leased, Mark, State, lease::in_turns, time::span,
};

/// For a user's own transaction, beside the writer.
pub(super) const ACK: &str = "INSERT INTO inbox_settled(seq, event, done) \
     SELECT seq, ?3, 1 FROM inbox_queue WHERE seq = ?1 AND token = ?2 AND leased = 1 \
     ON CONFLICT DO NOTHING";

pub(super) fn claim(tx: &Tx<'_>, claim: &Claim) -> Result<Vec<Leased>> {
    let due = claim.sources.iter().map(|source| due(tx, source, claim.most));
    let chosen = in_turns(due.collect::<Result<_>>()?, claim.most);
    let mut leased = Vec::with_capacity(chosen.len());
    for seq in chosen {
        if tx.is_damaged(seq) {
            bury(tx, seq, &"its page is damaged, or the disk cannot read it")?;
            continue;
        }
        let token = next_token(tx.sql, tx.now())?;
        match lease(tx, Lease { seq, token }, tx.now().saturating_add(span(claim.lease))) {
            Ok(one) => leased.push(one),
            // Otherwise it would be in the way of those behind it for ever.
            Err(error) if is_of_a_row(&error) => bury(tx, seq, &error)?,
            Err(error) => {
                if is_of_a_page(&error) {
                    tx.note_damaged(seq);
                }
                return Err(error);
            }
        }
    }
    Ok(leased)
}

/// The deliveries of `source` that are due, the oldest first.
fn due(tx: &Tx<'_>, source: &Arc<str>, most: usize) -> Result<Vec<i64>> {
    tx.sql.all(
        "SELECT seq FROM inbox_queue WHERE source = ?1 AND due_at <= ?2 AND is_held = 0
         AND ?1 NOT IN (SELECT source FROM inbox_paused) ORDER BY due_at, seq LIMIT ?3",
        params![source, tx.now(), i64::try_from(most).unwrap_or(i64::MAX)],
        |row| row.get(0),
    )
}

/// A number that no claim had before. It is kept with the time, so that a clock that was ahead is noticed after a restart.
pub(super) fn next_token(sql: Sql<'_>, now: i64) -> Result<i64> {
    let next = "UPDATE inbox_token SET last = last + 1, at = ?1 RETURNING last";
    sql.one(next, [now], |row| row.get(0))?.ok_or(Error::QueryReturnedNoRows)
}

fn lease(tx: &Tx<'_>, lease: Lease, until: i64) -> Result<Leased> {
    let counted = tx.sql.one(
        "UPDATE inbox_queue SET crashes = crashes + (leased AND (crashes = 0 OR has_begun)), has_begun = 0, leased = 1,
         attempts = attempts + 1, token = ?2, due_at = ?3 WHERE seq = ?1 RETURNING attempts, crashes",
        [lease.seq, lease.token, until],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (attempt, crashes) = counted.ok_or(Error::QueryReturnedNoRows)?;
    let facts = format!(
        "SELECT {RECORD}, p.headers, p.body FROM inbox_delivery d JOIN inbox_payload p USING (seq) WHERE d.seq = ?1"
    );
    let record =
        tx.sql.one(&facts, [lease.seq], rows::record)?.ok_or(Error::QueryReturnedNoRows)?;
    let settled = tx.sql.all(
        "SELECT event, done FROM inbox_settled WHERE seq = ?1 ORDER BY event",
        [lease.seq],
        |row| Ok(Mark { event: row.get(0)?, is_done: row.get(1)? }),
    )?;
    Ok(Leased { lease, attempt, crashes, record, settled })
}

fn bury(tx: &Tx<'_>, seq: i64, error: &dyn Display) -> Result<()> {
    let error = format!("the stored delivery cannot be read: {error}");
    end(tx, seq, State::Dead, Some(DeadReason::Corrupt), Some(&error)).map(drop)
}

/// Notes that a handler begins. `false`: the lease is lost.
pub(super) fn begin(tx: &Tx<'_>, lease: Lease) -> Result<bool> {
    let begun = tx.sql.execute(
        "UPDATE inbox_queue SET has_begun = 1 WHERE seq = ?1 AND token = ?2 AND leased = 1",
        [lease.seq, lease.token],
    )?;
    Ok(begun == 1)
}

/// Extends a lease. `false`: it is lost, and nothing was kept.
pub(super) fn extend(tx: &Tx<'_>, lease: Lease, until: i64, ends: &[Mark]) -> Result<bool> {
    let extended = tx.sql.execute(
        "UPDATE inbox_queue SET due_at = ?3, crashes = iif(?4, 0, crashes)
         WHERE seq = ?1 AND token = ?2 AND leased = 1",
        params![lease.seq, lease.token, until, !ends.is_empty()],
    )?;
    if extended == 0 {
        return Ok(false);
    }
    settle(tx, lease.seq, ends)?;
    Ok(true)
}

/// Ends a lease. `false`: it is lost, and nothing was kept.
pub(super) fn finish(tx: &Tx<'_>, lease: Lease, ends: &[Mark], finish: &Finish) -> Result<bool> {
    let seq = lease.seq;
    let held = tx.sql.one(
        "SELECT 1 FROM inbox_queue WHERE seq = ?1 AND token = ?2 AND leased = 1",
        [seq, lease.token],
        |_| Ok(()),
    )?;
    if held.is_none() {
        return Ok(false);
    }
    settle(tx, seq, ends)?;
    match finish {
        Finish::Done => end(tx, seq, State::Done, None, None),
        Finish::Dead { reason, error } => end(tx, seq, State::Dead, Some(*reason), Some(error)),
        Finish::Retry { after, error } => tx.sql.execute(
            "UPDATE inbox_queue SET leased = 0, crashes = 0, due_at = ?2, error = ?3 WHERE seq = ?1",
            params![seq, tx.now().saturating_add(span(*after)), error],
        ).map(|retried| retried == 1),
        Finish::Release => tx.sql.execute(
            "UPDATE inbox_queue SET leased = 0, due_at = ?2, attempts = max(attempts - 1, 0) WHERE seq = ?1",
            [seq, tx.now()],
        ).map(|released| released == 1),
    }
}

fn settle(tx: &Tx<'_>, seq: i64, ends: &[Mark]) -> Result<()> {
    ends.iter().try_for_each(|mark| {
        tx.sql.execute(
            "INSERT INTO inbox_settled(seq, event, done) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![seq, mark.event, mark.is_done],
        ).map(drop)
    })
}

/// Takes an open delivery out of the queue. One that is put aside keeps the error of its last attempt. `false`: it is not open.
pub(super) fn end(
    tx: &Tx<'_>,
    seq: i64,
    state: State,
    reason: Option<DeadReason>,
    error: Option<&str>,
) -> Result<bool> {
    tx.sql.execute(
        "INSERT OR REPLACE INTO inbox_outcome(seq, state, attempts, finished_at, reason, error)
         SELECT seq, ?2, attempts, ?3, ?4, iif(?6, error, ?5) FROM inbox_queue WHERE seq = ?1",
        params![
            seq,
            state.number(),
            tx.now(),
            reason.map(DeadReason::name),
            error,
            state == State::Parked
        ],
    )?;
    let was_open = tx.sql.execute("DELETE FROM inbox_queue WHERE seq = ?1", [seq])? == 1;
    tx.opened(-i64::from(was_open));
    Ok(was_open)
}
