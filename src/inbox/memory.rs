//! `MemoryStore`: keeps deliveries in memory, for tests.

mod row;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use self::row::Row;
use super::{
    Claim, Enqueued, Filter, Finish, Hash, Lease, Leased, Mark, NewDelivery, Pressure, Purged,
    Record, Replay, Retention, State, Stats, Store, StoreFuture, Stored,
    lease::in_turns,
    time::{StoreClock, span},
};
use crate::{
    clock::{Clock, SystemClock},
    error::InboxError,
};

/// Keeps deliveries in memory: for tests, and to try an inbox out. If the process ends, then they are lost.
///
/// Clones share their deliveries. It is not made for many of them: each claim looks at all that are open.
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    clock: StoreClock,
    rows: Mutex<Rows>,
    max_open: usize,
}

#[derive(Default)]
struct Rows {
    all: BTreeMap<i64, Row>,
    seen: HashMap<Hash, Seen>,
    paused: HashSet<Arc<str>>,
    last_seq: i64,
    last_token: i64,
    is_closed: bool,
}

struct Seen {
    seq: i64,
    digest: Hash,
    first_seen: i64,
}

impl MemoryStore {
    /// An empty store, with the system's clock, for at most a million open deliveries.
    #[expect(clippy::new_without_default, reason = "as the other stores")]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// The same, with another clock.
    pub fn with_clock(clock: impl Clock) -> Self {
        let (clock, rows) = (StoreClock::new(clock), Mutex::default());
        Self(Arc::new(Shared { clock, rows, max_open: 1_000_000 }))
    }

    /// An empty store with the clock of this one, for at most so many open deliveries.
    #[must_use]
    pub fn max_open(self, most: usize) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(shared) => Self(Arc::new(Shared { max_open: most, ..shared })),
            Err(shared) => Self(shared),
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` now, so that it is done even if the future is dropped.
    fn now<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Rows, i64) -> T,
    ) -> StoreFuture<'static, T> {
        let mut rows = self.rows();
        let done = match rows.is_closed {
            true => Err(InboxError::Closed),
            false => Ok(work(&mut rows, self.0.clock.now())),
        };
        Box::pin(ready(done))
    }
}

impl Rows {
    fn insert(&mut self, record: Record, order_key: Option<Hash>, now: i64) -> i64 {
        self.last_seq += 1;
        self.all.insert(self.last_seq, Row::new(record, order_key, now));
        self.last_seq
    }

    fn enqueue(&mut self, new: NewDelivery, now: i64) -> Enqueued {
        let NewDelivery { record, key, order_key } = new;
        let digest = record.digest;
        if let Some(seen) = key.and_then(|key| self.seen.get(&key)) {
            return Enqueued::Duplicate { first: seen.seq, body_differs: seen.digest != digest };
        }
        let seq = self.insert(record, order_key, now);
        if let Some(key) = key {
            self.seen.insert(key, Seen { seq, digest, first_seen: now });
        }
        Enqueued::New(seq)
    }

    /// The deliveries of `source` that are due, the oldest first.
    fn due(&self, source: &Arc<str>, now: i64) -> Vec<i64> {
        if self.paused.contains(source) {
            return Vec::new();
        }
        let mut busy = HashSet::new();
        let mut due = Vec::new();
        for (seq, row) in self.all.iter().filter(|(_, row)| row.is_open()) {
            let is_head = row.order_key.is_none_or(|key| busy.insert(key));
            if is_head && row.record.source == *source && row.due_at <= now {
                due.push((row.due_at, *seq));
            }
        }
        due.sort_unstable();
        due.into_iter().map(|(_, seq)| seq).collect()
    }

    fn claim(&mut self, claim: &Claim, now: i64) -> Vec<Leased> {
        let due = claim.sources.iter().map(|source| self.due(source, now)).collect();
        let chosen = in_turns(due, claim.most);
        let until = now.saturating_add(span(claim.lease));
        chosen.into_iter().filter_map(|seq| self.lease(seq, until)).collect()
    }

    fn lease(&mut self, seq: i64, until: i64) -> Option<Leased> {
        self.last_token += 1;
        let (token, row) = (self.last_token, self.all.get_mut(&seq)?);
        let has_crashed = row.state == State::Leased && (row.crashes == 0 || row.has_begun);
        row.crashes += u32::from(has_crashed);
        row.has_begun = false;
        row.attempts += 1;
        (row.state, row.token, row.due_at) = (State::Leased, token, until);
        Some(Leased {
            lease: Lease { seq, token },
            attempt: row.attempts,
            crashes: row.crashes,
            record: row.record.clone(),
            settled: row.settled.iter().map(|(&event, &is_done)| Mark { event, is_done }).collect(),
        })
    }

    /// The delivery, if the lease is still held, with these ends.
    fn held(&mut self, lease: Lease, ends: Vec<Mark>) -> Option<&mut Row> {
        let row = self.all.get_mut(&lease.seq)?;
        if row.state != State::Leased || row.token != lease.token {
            return None;
        }
        for Mark { event, is_done } in ends {
            row.settled.entry(event).or_insert(is_done);
        }
        Some(row)
    }

    fn finish(&mut self, lease: Lease, ends: Vec<Mark>, finish: Finish, now: i64) -> bool {
        let Some(row) = self.held(lease, ends) else { return false };
        match finish {
            Finish::Done => {
                row.end(State::Done, now);
                row.error = None;
            }
            Finish::Retry { after, error } => {
                (row.state, row.due_at) = (State::Ready, now.saturating_add(span(after)));
                (row.crashes, row.error) = (0, Some(error));
            }
            Finish::Dead { reason, error } => {
                row.end(State::Dead, now);
                (row.reason, row.error) = (Some(reason), Some(error));
            }
            Finish::Release => {
                (row.state, row.due_at) = (State::Ready, now);
                row.attempts = row.attempts.saturating_sub(1);
            }
        }
        true
    }

    fn replay(&mut self, seq: i64, how: Replay, now: i64) -> Option<i64> {
        let row = self.all.get_mut(&seq).filter(|row| !row.is_open() && !row.is_purged)?;
        if how == Replay::Copy {
            let (record, order_key) = (row.record.clone(), row.order_key);
            return Some(self.insert(record, order_key, now));
        }
        (row.state, row.due_at) = (State::Ready, now);
        (row.attempts, row.crashes) = (0, 0);
        (row.reason, row.finished_at) = (None, None);
        row.settled.retain(|_, is_done| *is_done && how == Replay::Rest);
        Some(seq)
    }

    fn purge(&mut self, retention: Retention, now: i64) -> Purged {
        let mut purged = Purged::default();
        let before = |age: Duration| now.saturating_sub(span(age));
        for row in self.all.values_mut().filter(|row| !row.is_purged) {
            let age = match row.state {
                State::Done => retention.bodies,
                State::Dead => retention.dead,
                _ => continue,
            };
            if row.finished_at < Some(before(age)) {
                row.purge();
                purged.bodies += 1;
            }
        }
        let oldest = before(retention.keys);
        let (records, keys) = (self.all.len(), self.seen.len());
        self.all.retain(|_, row| !row.is_purged || row.finished_at >= Some(oldest));
        self.seen.retain(|_, seen| seen.first_seen >= oldest);
        purged.records = records.abs_diff(self.all.len()) as u64;
        purged.keys = keys.abs_diff(self.seen.len()) as u64;
        purged
    }

    fn stats(&self, now: i64) -> Vec<Stats> {
        let mut all: BTreeMap<&Arc<str>, Stats> = BTreeMap::new();
        for row in self.all.values() {
            let source = &row.record.source;
            let stats = all.entry(source).or_insert_with(|| Stats::none(source.clone()));
            *stats.of(row.state) += 1;
            if row.is_open() {
                let stored_at = super::time::millis(row.record.received_at);
                let age = Duration::from_millis(now.saturating_sub(stored_at).unsigned_abs());
                stats.oldest = stats.oldest.max(Some(age));
            }
        }
        for source in &self.paused {
            all.entry(source).or_insert_with(|| Stats::none(source.clone())).is_paused = true;
        }
        all.into_values().collect()
    }
}

impl Store for MemoryStore {
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued> {
        if self.pressure().used >= 1.0 {
            return Box::pin(ready(Err(InboxError::Full)));
        }
        self.now(|rows, now| rows.enqueue(new, now))
    }

    fn pressure(&self) -> Pressure {
        let open = self.rows().all.values().filter(|row| row.is_open()).count();
        #[expect(clippy::cast_precision_loss, reason = "it need not be exact")]
        let used = open as f64 / self.0.max_open.max(1) as f64;
        Pressure { used }
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>> {
        self.now(|rows, now| rows.claim(&claim, now))
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        self.now(|rows, _| match rows.held(lease, Vec::new()) {
            Some(row) => {
                row.has_begun = true;
                true
            }
            None => false,
        })
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        let is_progress = !ends.is_empty();
        self.now(|rows, now| match rows.held(lease, ends) {
            Some(row) => {
                if is_progress {
                    row.crashes = 0;
                }
                row.due_at = now.saturating_add(span(by));
                true
            }
            None => false,
        })
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        self.now(|rows, now| rows.finish(lease, ends, finish, now))
    }

    fn list(&self, filter: Filter) -> StoreFuture<'static, Vec<Stored>> {
        self.now(|rows, _| {
            let after = rows.all.range(filter.after.saturating_add(1)..);
            let listed = after.map(|(seq, row)| {
                let record =
                    Record { headers: Bytes::new(), body: Bytes::new(), ..row.record.clone() };
                row.stored(*seq, record)
            });
            listed.filter(|stored| filter.selects(stored)).take(filter.most).collect()
        })
    }

    fn get(&self, seq: i64) -> StoreFuture<'static, Option<Stored>> {
        self.now(|rows, _| rows.all.get(&seq).map(|row| row.stored(seq, row.record.clone())))
    }

    fn replay(&self, seq: i64, how: Replay) -> StoreFuture<'static, Option<i64>> {
        self.now(|rows, now| rows.replay(seq, how, now))
    }

    fn park(&self, seq: i64) -> StoreFuture<'static, bool> {
        self.now(|rows, now| {
            let row = rows.all.get_mut(&seq).filter(|row| row.is_open());
            row.map(|row| row.end(State::Parked, now)).is_some()
        })
    }

    fn pause(&self, source: &str, is_paused: bool) -> StoreFuture<'static, ()> {
        let source = source.into();
        self.now(|rows, _| {
            match is_paused {
                true => rows.paused.insert(source),
                false => rows.paused.remove(&source),
            };
        })
    }

    fn purge(&self, retention: Retention) -> StoreFuture<'static, Purged> {
        self.now(|rows, now| rows.purge(retention, now))
    }

    fn stats(&self) -> StoreFuture<'static, Vec<Stats>> {
        self.now(|rows, now| rows.stats(now))
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        self.now(|_, _| ())
    }

    fn close(&self) -> StoreFuture<'static, ()> {
        self.rows().is_closed = true;
        Box::pin(ready(Ok(())))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("deliveries", &self.rows().all.len())
            .finish_non_exhaustive()
    }
}
