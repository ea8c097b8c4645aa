//! `Model`: what a store should hold after each step of the case `state-machine`.
//!
//! It counts time in half hours. Time passes in whole hours and spans end at half ones, so it does not matter how long the
//! store itself takes.

use std::collections::{BTreeMap, BTreeSet};

use super::probe::{Outcome, check, same, settled};
use crate::inbox::{
    DeadReason, Enqueued, Finish, Lease, Leased, Mark, Purged, Replay, State, Stored,
};

pub(super) struct Row {
    pub(super) source: &'static str,
    pub(super) order_key: Option<u32>,
    pub(super) state: State,
    pub(super) token: i64,
    body: u32,
    due: u64,
    attempts: u32,
    crashes: u32,
    settled: BTreeMap<u32, bool>,
    /// `None`: after a replay, a store may have forgotten it or not.
    error: Option<Option<String>>,
    reason: Option<DeadReason>,
    finished: Option<u64>,
    is_purged: bool,
}

struct Seen {
    seq: i64,
    body: u32,
    first_seen: u64,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<i64, Row>,
    pub(super) paused: BTreeSet<&'static str>,
    pub(super) now: u64,
    seen: BTreeMap<u32, Seen>,
    tokens: BTreeSet<(i64, i64)>,
    last: i64,
}

/// A delivery as the model knows it. Keys and bodies are numbers.
#[derive(Clone, Copy)]
pub(super) struct New {
    pub(super) source: &'static str,
    pub(super) key: Option<u32>,
    pub(super) order_key: Option<u32>,
    pub(super) body: u32,
}

/// The ages at which the case purges, in half hours.
pub(super) const BODIES: u64 = 25;
pub(super) const DEAD: u64 = 49;
pub(super) const KEYS: u64 = 97;
/// The length of leases, in half hours.
pub(super) const LEASE: u64 = 3;

impl Row {
    fn new(source: &'static str, order_key: Option<u32>, body: u32, due: u64) -> Self {
        Self {
            source,
            order_key,
            state: State::Ready,
            token: 0,
            body,
            due,
            attempts: 0,
            crashes: 0,
            settled: BTreeMap::new(),
            error: Some(None),
            reason: None,
            finished: None,
            is_purged: false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Ready | State::Leased)
    }

    fn end(&mut self, state: State, now: u64) {
        (self.state, self.finished) = (state, Some(now));
    }

    fn marks(&self) -> Vec<Mark> {
        self.settled.iter().map(|(&event, &is_done)| Mark { event, is_done }).collect()
    }

    fn is_old(&self, now: u64) -> bool {
        let age = match self.state {
            State::Done => BODIES,
            State::Dead => DEAD,
            _ => return false,
        };
        !self.is_purged && self.finished.is_some_and(|finished| now - finished > age)
    }

    /// Compares what a store says of it.
    pub(super) fn compare(&self, stored: &Stored) -> Outcome {
        same("the sender", self.source, &*stored.record.source)?;
        same("the state", self.state, stored.state)?;
        same("the attempts", self.attempts, stored.attempts)?;
        same("the reason", self.reason, stored.reason)?;
        same("whether it has ended", self.finished.is_some(), stored.finished_at.is_some())?;
        same("whether its body is purged", self.is_purged, stored.record.headers.is_empty())?;
        match &self.error {
            Some(error) => same("the error", error.as_deref(), stored.error.as_deref()),
            None => Ok(()),
        }
    }
}

impl Model {
    fn insert(&mut self, row: Row, seq: i64) -> Outcome {
        check(seq > self.last, format!("expected a number above {}, saw {seq}", self.last))?;
        self.last = seq;
        self.rows.insert(seq, row);
        Ok(())
    }

    pub(super) fn enqueued(&mut self, new: New, seen: Enqueued) -> Outcome {
        let New { source, key, order_key, body } = new;
        if let Some(known) = key.and_then(|key| self.seen.get(&key)) {
            let body_differs = known.body != body;
            let expected = Enqueued::Duplicate { first: known.seq, body_differs };
            return same("the answer to a copy", expected, seen);
        }
        let Enqueued::New(seq) = seen else {
            return Err(format!("expected a new delivery, saw {seen:?}").into());
        };
        if let Some(key) = key {
            self.seen.insert(key, Seen { seq, body, first_seen: self.now });
        }
        self.insert(Row::new(source, order_key, body, self.now), seq)
    }

    /// The deliveries of `source` that may be claimed.
    fn due(&self, source: &str) -> Vec<i64> {
        let mut busy = BTreeSet::new();
        let mut due = Vec::new();
        for (seq, row) in self.rows.iter().filter(|(_, row)| row.is_open()) {
            let is_head = row.order_key.is_none_or(|key| busy.insert((row.source, key)));
            if is_head && row.source == source && row.due <= self.now {
                due.push(*seq);
            }
        }
        if self.paused.contains(source) { Vec::new() } else { due }
    }

    pub(super) fn claimed(&mut self, sources: &[&str], most: usize, seen: &[Leased]) -> Outcome {
        let due: Vec<_> = sources.iter().map(|source| self.due(source)).collect();
        let count = due.iter().map(Vec::len).sum::<usize>().min(most);
        same("the number of claimed deliveries", count, seen.len())?;
        let seen_numbers: BTreeSet<_> = seen.iter().map(|leased| leased.lease.seq).collect();
        same("the number of different ones", count, seen_numbers.len())?;
        for (due, source) in due.iter().zip(sources) {
            let (own, others): (Vec<i64>, Vec<i64>) =
                due.iter().partition(|seq| seen_numbers.contains(seq));
            let share = due.len().min(most / sources.len());
            check(own.len() >= share, format!("expected {share} of `{source}`, saw {own:?}"))?;
            let latest = self.due_times(&own).max();
            let earliest = self.due_times(&others).min();
            let is_oldest =
                latest.is_none_or(|latest| earliest.is_none_or(|other| latest <= other));
            check(is_oldest, format!("{own:?} were claimed before older ones of {others:?}"))?;
        }
        let due: BTreeSet<_> = due.into_iter().flatten().collect();
        seen.iter().try_for_each(|leased| self.leased(leased, due.contains(&leased.lease.seq)))
    }

    /// When those are due that have no order key: for the others, it may count when the one before them ended.
    fn due_times(&self, numbers: &[i64]) -> impl Iterator<Item = u64> {
        let rows = numbers.iter().filter_map(|seq| self.rows.get(seq));
        rows.filter(|row| row.order_key.is_none()).map(|row| row.due)
    }

    fn leased(&mut self, leased: &Leased, is_due: bool) -> Outcome {
        let Leased { lease: Lease { seq, token }, attempt, crashes, record, .. } = leased;
        check(is_due, format!("delivery {seq} was claimed and is not due"))?;
        check(self.tokens.insert((*seq, *token)), format!("a token of {seq} was used again"))?;
        let Some(row) = self.rows.get_mut(seq) else { return Ok(()) };
        // No step begins, so the first crash alone counts.
        row.crashes += u32::from(row.state == State::Leased && row.crashes == 0);
        row.attempts += 1;
        (row.state, row.token, row.due) = (State::Leased, *token, self.now + LEASE);
        same("the attempt", row.attempts, *attempt)?;
        same("the crashes", row.crashes, *crashes)?;
        same("the body", row.body.to_string().as_bytes(), &record.body)?;
        same(&format!("the ends of events of {seq}"), row.marks(), settled(leased))
    }

    /// The delivery, if this lease is held, with these ends.
    fn held(&mut self, lease: Lease, ends: &[Mark]) -> Option<&mut Row> {
        let is_held = |row: &&mut Row| row.state == State::Leased && row.token == lease.token;
        let row = self.rows.get_mut(&lease.seq).filter(is_held)?;
        for Mark { event, is_done } in ends {
            row.settled.entry(*event).or_insert(*is_done);
        }
        Some(row)
    }

    /// Whether the lease is held.
    pub(super) fn extended(&mut self, lease: Lease, ends: &[Mark]) -> bool {
        let due = self.now + LEASE;
        let is_progress = !ends.is_empty();
        let extended = self.held(lease, ends).map(|row| {
            row.due = due;
            row.crashes = if is_progress { 0 } else { row.crashes };
        });
        extended.is_some()
    }

    /// Whether the lease is held. A retry comes after so many half hours.
    pub(super) fn finished(
        &mut self,
        lease: Lease,
        ends: &[Mark],
        how: &Finish,
        after: u64,
    ) -> bool {
        let now = self.now;
        let Some(row) = self.held(lease, ends) else { return false };
        match how {
            Finish::Done => {
                row.end(State::Done, now);
                row.error = Some(None);
            }
            Finish::Retry { error, .. } => {
                (row.state, row.due, row.crashes) = (State::Ready, now + after, 0);
                row.error = Some(Some(error.to_string()));
            }
            Finish::Dead { reason, error } => {
                row.end(State::Dead, now);
                (row.reason, row.error) = (Some(*reason), Some(Some(error.to_string())));
            }
            Finish::Release => {
                (row.state, row.due) = (State::Ready, now);
                row.attempts -= 1;
            }
        }
        true
    }

    pub(super) fn parked(&mut self, seq: i64) -> bool {
        let now = self.now;
        let row = self.rows.get_mut(&seq).filter(|row| row.is_open());
        row.map(|row| row.end(State::Parked, now)).is_some()
    }

    pub(super) fn replayed(&mut self, seq: i64, how: Replay, seen: Option<i64>) -> Outcome {
        let now = self.now;
        let replayable = |row: &&mut Row| !row.is_open() && !row.is_purged;
        let Some(row) = self.rows.get_mut(&seq).filter(replayable) else {
            return same("the replay of what cannot be replayed", None, seen);
        };
        if how == Replay::Copy {
            let copy = Row::new(row.source, row.order_key, row.body, now);
            return self.insert(copy, seen.unwrap_or_default());
        }
        (row.state, row.due, row.error) = (State::Ready, now, None);
        (row.attempts, row.crashes) = (0, 0);
        (row.reason, row.finished) = (None, None);
        row.settled.retain(|_, is_done| *is_done && how == Replay::Rest);
        same("the number of a replay", Some(seq), seen)
    }

    pub(super) fn purged(&mut self) -> Purged {
        let (now, mut purged) = (self.now, Purged::default());
        for row in self.rows.values_mut().filter(|row| row.is_old(now)) {
            row.is_purged = true;
            purged.bodies += 1;
        }
        let is_young = |time: u64| now - time <= KEYS;
        let (records, keys) = (self.rows.len(), self.seen.len());
        self.rows.retain(|_, row| !row.is_purged || row.finished.is_some_and(is_young));
        self.seen.retain(|_, seen| is_young(seen.first_seen));
        purged.records = (records - self.rows.len()) as u64;
        purged.keys = (keys - self.seen.len()) as u64;
        purged
    }
}
