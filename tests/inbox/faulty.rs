//! `Faulty`: a store in memory that breaks one promise.

use std::{
    collections::{HashMap, HashSet},
    future::{pending, ready},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::task::yield_now;
use tower_webhook::{
    clock::{Clock, ManualClock},
    error::InboxError,
    inbox::{
        Claim, DeadReason, Enqueued, Filter, Finish, Lease, Leased, Mark, MemoryStore, NewDelivery,
        Pressure, Purged, Record, Replay, Retention, State, Stats, Store, StoreFuture, Stored,
    },
};

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    LosesEachHundredth,
    DuplicatesAreNew,
    BodyNeverDiffers,
    UnkeyedAreDuplicates,
    CutsBodies,
    EmptyIsNone,
    HeadersAreText,
    SecondsOnly,
    CutsTexts,
    ReusesNumbers,
    PressureIsConstant,
    StoresWhenPolled,
    CloseRefusesNothing,
    NewestFirst,
    StarvesTheSmallSender,
    ClaimsOfAll,
    ClaimsOneMore,
    LeasesTwice,
    CountsNoAttempt,
    ReleaseCounts,
    CountsNoCrash,
    BeginDoesNothing,
    LosesTheCrashed,
    AcceptsStaleTokens,
    KeepsMarksOfTheLost,
    RefusesLateLeases,
    ExtendDoesNothing,
    ExtendDropsMarks,
    RetriesAtOnce,
    LongSpansOverflow,
    RetryKeepsCrashes,
    RetryDropsMarks,
    LastMarkWins,
    DoneIsRetried,
    DoneKeepsError,
    DeadIsRetried,
    OneReason,
    RestIsAll,
    AllIsRest,
    CopyIsReplay,
    CopiesTwice,
    ReplaysOpen,
    ReplayKeepsAttempts,
    TokensAreAttempts,
    ParkKeepsTheLease,
    ParkIsForgotten,
    PauseIsIgnored,
    OrderIsIgnored,
    OneOrderForAll,
    RetryLeavesTheOrder,
    CrashLeavesTheOrder,
    PurgesParked,
    PurgesTooEarly,
    PurgeDropsKeys,
    PurgeKeepsKeys,
    ReplaysPurged,
    IgnoresTenant,
    ListsBodies,
    PagesOverlap,
    CountsNoDead,
    OldestStandsStill,
    HalfClaim,
    HalfFinish,
    HalfReplay,
    HalfCopy,
    PurgeEndsPause,
    Panics,
    Hangs,
}

/// A [`MemoryStore`] with a fault.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: MemoryStore,
    clock: ManualClock,
    fault: Fault,
    memory: Arc<Mutex<Memory>>,
}

/// What a fault has to remember.
#[derive(Debug, Default)]
struct Memory {
    enqueued: usize,
    /// How much smaller the numbers are that the store shows.
    offset: i64,
    /// The tokens and the ends of leases of the inner store.
    leases: HashMap<i64, (i64, SystemTime)>,
    tokens: HashMap<Lease, i64>,
    last: Option<Leased>,
    crashes: HashMap<i64, u32>,
    attempts: HashMap<i64, u32>,
    marks: HashMap<i64, HashMap<u32, bool>>,
    hidden: HashSet<i64>,
    purged: HashSet<i64>,
    parked: HashSet<i64>,
}

impl Faulty {
    pub(crate) fn new(fault: Fault, clock: ManualClock) -> Self {
        let inner = MemoryStore::with_clock(clock.clone());
        Self { inner, clock, fault, memory: Arc::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    fn stored(&self, mut stored: Stored) -> Stored {
        let memory = self.memory();
        match self.fault {
            Fault::OneReason => stored.reason = stored.reason.map(|_| DeadReason::Exhausted),
            Fault::DoneKeepsError if stored.state == State::Done => {
                stored.error = Some("busy".into());
            }
            Fault::PurgesParked if memory.purged.contains(&stored.seq) => {
                stored.record.body = Bytes::new();
            }
            _ => {}
        }
        stored.seq -= memory.offset;
        stored
    }

    fn leased(&self, mut leased: Leased) -> Leased {
        let mut memory = self.memory();
        let (seq, inner) = (leased.lease.seq, leased.lease.token);
        match self.fault {
            Fault::CountsNoAttempt => leased.attempt = 1,
            Fault::ReplayKeepsAttempts => {
                leased.attempt += memory.attempts.get(&seq).copied().unwrap_or_default();
            }
            Fault::CountsNoCrash => leased.crashes = 0,
            Fault::RetryKeepsCrashes => {
                leased.crashes += memory.crashes.get(&seq).copied().unwrap_or_default();
            }
            Fault::TokensAreAttempts => leased.lease.token = leased.attempt.into(),
            Fault::LastMarkWins | Fault::KeepsMarksOfTheLost => {
                let mut marks: HashMap<_, _> =
                    leased.settled.iter().map(|mark| (mark.event, mark.is_done)).collect();
                marks.extend(memory.marks.get(&seq).into_iter().flatten());
                let marks = marks.into_iter().map(|(event, is_done)| Mark { event, is_done });
                leased.settled = marks.collect();
            }
            _ => {}
        }
        leased.lease.seq -= memory.offset;
        memory.leases.insert(seq, (inner, self.clock.now() + Duration::from_secs(60 * 60)));
        memory.tokens.insert(leased.lease, inner);
        if leased.crashes > 0 {
            memory.crashes.insert(seq, leased.crashes);
        }
        memory.last = Some(leased.clone());
        leased
    }

    /// The lease that the inner store knows.
    fn inner(&self, lease: Lease) -> Lease {
        let memory = self.memory();
        let seq = lease.seq + memory.offset;
        let token = match self.fault {
            Fault::AcceptsStaleTokens => memory.leases.get(&seq).map(|&(token, _)| token),
            _ => memory.tokens.get(&lease).copied(),
        };
        Lease { seq, token: token.unwrap_or(lease.token) }
    }

    /// Whether the fault refuses this lease, and if not, these ends.
    fn ends(&self, lease: Lease, ends: Vec<Mark>) -> Option<Vec<Mark>> {
        let mut memory = self.memory();
        let until = memory.leases.get(&lease.seq).map(|&(_, until)| until);
        if self.is(Fault::RefusesLateLeases) && until < Some(self.clock.now()) {
            return None;
        }
        if self.is(Fault::LastMarkWins) {
            let marks = memory.marks.entry(lease.seq).or_default();
            marks.extend(ends.iter().map(|mark| (mark.event, mark.is_done)));
        }
        Some(ends)
    }

    /// What the answer is, if the inner store's is `held`.
    fn held(&self, lease: Lease, ends: &[Mark], held: bool) -> bool {
        let mut memory = self.memory();
        if self.is(Fault::KeepsMarksOfTheLost) && !held {
            let marks = memory.marks.entry(lease.seq).or_default();
            marks.extend(ends.iter().map(|mark| (mark.event, mark.is_done)));
        }
        let is_parked = memory.parked.contains(&lease.seq);
        held || self.is(Fault::ParkKeepsTheLease) && is_parked
    }

    /// The same delivery without its order key, in place of this one.
    fn without_order(&self, seq: i64) {
        let Some(stored) = now(self.inner.get(seq)).unwrap() else { return };
        let new = NewDelivery { record: stored.record, key: None, order_key: None };
        now(self.inner.park(seq)).unwrap();
        now(self.inner.enqueue(new)).unwrap();
    }

    fn claim_now(&self, mut claim: Claim) -> Vec<Leased> {
        let most = claim.most;
        match self.fault {
            Fault::NewestFirst => claim.most = usize::MAX,
            Fault::ClaimsOneMore => claim.most += 1,
            Fault::ClaimsOfAll => claim.sources = ["a", "b", "c"].map(Arc::from).into(),
            Fault::StarvesTheSmallSender => {
                let mut all = Vec::new();
                for source in claim.sources.iter() {
                    let most = most - all.len();
                    let one = Claim { sources: [source.clone()].into(), most, ..claim.clone() };
                    all.extend(now(self.inner.claim(one)).unwrap());
                }
                return all;
            }
            _ => {}
        }
        let mut all = now(self.inner.claim(claim)).unwrap();
        match self.fault {
            Fault::NewestFirst => {
                all.reverse();
                for leased in all.split_off(most.min(all.len())) {
                    now(self.inner.finish(leased.lease, vec![], Finish::Release)).unwrap();
                }
            }
            Fault::LeasesTwice if all.len() < most && all.len() > 1 => {
                all.extend(self.memory().last.clone());
            }
            Fault::CrashLeavesTheOrder => {
                for crashed in all.extract_if(.., |leased| leased.crashes > 1) {
                    self.without_order(crashed.lease.seq);
                }
            }
            Fault::LosesTheCrashed => all.retain(|leased| leased.crashes < 2),
            _ => {}
        }
        all
    }

    fn finish_now(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> bool {
        let lease = self.inner(lease);
        let Some(mut ends) = self.ends(lease, ends) else { return false };
        let day = Duration::from_secs(24 * 60 * 60);
        let again = |after| Finish::Retry { after, error: "again".into() };
        let mut leaves_order = false;
        let finish = match (self.fault, finish) {
            (Fault::ReleaseCounts, Finish::Release) => again(Duration::ZERO),
            (Fault::DoneIsRetried, Finish::Done) => again(day),
            (Fault::DeadIsRetried, Finish::Dead { .. }) => again(day),
            (Fault::RetriesAtOnce, Finish::Retry { error, .. }) => {
                Finish::Retry { after: Duration::ZERO, error }
            }
            (Fault::LongSpansOverflow, Finish::Retry { after, error }) => {
                let millis = u64::try_from(after.as_millis()).unwrap_or_default();
                Finish::Retry { after: Duration::from_millis(millis), error }
            }
            (Fault::RetryDropsMarks, finish @ Finish::Retry { .. }) => {
                ends.clear();
                finish
            }
            (Fault::RetryLeavesTheOrder, finish @ Finish::Retry { .. }) => {
                leaves_order = true;
                finish
            }
            (_, finish) => finish,
        };
        let held = now(self.inner.finish(lease, ends.clone(), finish)).unwrap();
        if held && leaves_order {
            self.without_order(lease.seq);
        }
        self.held(lease, &ends, held)
    }

    fn replay_now(&self, seq: i64, mut how: Replay) -> Option<i64> {
        let offset = self.memory().offset;
        let seq = seq + offset;
        let stored = now(self.inner.get(seq)).unwrap()?;
        let is_purged = stored.record.headers.is_empty();
        match (self.fault, how) {
            (Fault::RestIsAll, Replay::Rest) | (Fault::CopyIsReplay, Replay::Copy) => {
                how = Replay::All;
            }
            (Fault::AllIsRest, Replay::All) => how = Replay::Rest,
            (Fault::ReplaysPurged, _) if is_purged => return Some(seq),
            (Fault::ReplaysOpen, _) if stored.state == State::Ready => return Some(seq),
            (Fault::CopiesTwice, Replay::Copy) => {
                now(self.inner.replay(seq, how)).unwrap();
            }
            (Fault::ReplayKeepsAttempts, _) => {
                self.memory().attempts.insert(seq, stored.attempts);
            }
            _ => {}
        }
        let replayed = now(self.inner.replay(seq, how)).unwrap();
        self.memory().parked.remove(&seq);
        replayed.map(|seq| seq - offset)
    }

    fn purge_now(&self, mut retention: Retention) -> Purged {
        match self.fault {
            Fault::PurgesTooEarly => retention.bodies = Duration::ZERO,
            Fault::PurgeDropsKeys => retention.keys = retention.bodies,
            Fault::PurgeKeepsKeys => retention.keys = Duration::from_secs(60 * 60 * 24 * 36500),
            Fault::PurgesParked => {
                let parked = Filter { state: Some(State::Parked), ..Filter::default() };
                let parked = now(self.inner.list(parked)).unwrap();
                self.memory().purged.extend(parked.iter().map(|stored| stored.seq));
            }
            Fault::PurgeEndsPause => {
                for source in ["a", "b", "c"] {
                    now(self.inner.pause(source, false)).unwrap();
                }
            }
            _ => {}
        }
        let purged = now(self.inner.purge(retention)).unwrap();
        if self.is(Fault::ReusesNumbers)
            && now(self.inner.list(Filter::default())).unwrap().is_empty()
        {
            let new = now(self.inner.enqueue(unkeyed())).unwrap();
            let Enqueued::New(seq) = new else { unreachable!() };
            now(self.inner.park(seq)).unwrap();
            self.memory().offset = seq;
        }
        purged
    }
}

/// A record that no test knows of.
fn unkeyed() -> NewDelivery {
    let record = Record {
        source: "hidden".into(),
        tenant: None,
        key_id: None,
        id: None,
        event_type: None,
        received_at: SystemTime::UNIX_EPOCH,
        headers: Bytes::new(),
        body: Bytes::new(),
        digest: [0; 32],
    };
    NewDelivery { record, key: None, order_key: None }
}

/// The result of a future that is ready at once.
fn now<T>(future: StoreFuture<'static, T>) -> Result<T, InboxError> {
    let Poll::Ready(done) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("the store in memory never waits");
    };
    done
}

fn done<T: Send + 'static>(value: T) -> StoreFuture<'static, T> {
    Box::pin(ready(Ok(value)))
}

/// The delivery as the store with this fault keeps it.
fn altered(fault: Fault, mut new: NewDelivery) -> NewDelivery {
    let record = &mut new.record;
    let Record { tenant, key_id, id, event_type, .. } = record;
    let each = |change: &dyn Fn(&str) -> Option<String>| {
        for text in [tenant, key_id, id, event_type] {
            *text = text.as_deref().and_then(change).map(Into::into);
        }
    };
    match fault {
        Fault::CutsBodies => record.body.truncate(1 << 16),
        Fault::EmptyIsNone => each(&|text| (!text.is_empty()).then(|| text.into())),
        Fault::CutsTexts => each(&|text| Some(text.chars().take(255).collect())),
        Fault::HeadersAreText => {
            record.headers = String::from_utf8_lossy(&record.headers).into_owned().into();
        }
        Fault::SecondsOnly => {
            let seconds = record.received_at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            record.received_at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.as_secs());
        }
        Fault::UnkeyedAreDuplicates => new.key = new.key.or(Some([7; 32])),
        Fault::OrderIsIgnored => new.order_key = None,
        Fault::OneOrderForAll => new.order_key = new.order_key.map(|_| [7; 32]),
        _ => {}
    }
    new
}

impl Store for Faulty {
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued> {
        let new = altered(self.fault, new);
        if self.is(Fault::StoresWhenPolled) {
            let inner = self.inner.clone();
            return Box::pin(async move { inner.enqueue(new).await });
        }
        let (count, offset) = {
            let mut memory = self.memory();
            memory.enqueued += 1;
            (memory.enqueued, memory.offset)
        };
        if self.is(Fault::LosesEachHundredth) && count.is_multiple_of(100) {
            return done(Enqueued::New(1 << 50));
        }
        let enqueued = match now(self.inner.enqueue(new)) {
            Ok(enqueued) => enqueued,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        done(match enqueued {
            Enqueued::New(seq) => Enqueued::New(seq - offset),
            Enqueued::Duplicate { first, .. } if self.is(Fault::DuplicatesAreNew) => {
                Enqueued::New(first)
            }
            Enqueued::Duplicate { first, .. } if self.is(Fault::BodyNeverDiffers) => {
                Enqueued::Duplicate { first, body_differs: false }
            }
            other => other,
        })
    }

    fn pressure(&self) -> Pressure {
        match self.fault {
            Fault::PressureIsConstant => Pressure { used: 0.1 },
            _ => self.inner.pressure(),
        }
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>> {
        let mut all: Vec<_> =
            self.claim_now(claim).into_iter().map(|leased| self.leased(leased)).collect();
        if !self.is(Fault::HalfClaim) {
            return done(all);
        }
        let memory = self.memory.clone();
        all.retain(|leased| memory.lock().unwrap().hidden.insert(leased.lease.seq));
        Box::pin(async move {
            yield_now().await;
            for leased in &all {
                memory.lock().unwrap().hidden.remove(&leased.lease.seq);
            }
            Ok(all)
        })
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        match self.fault {
            Fault::BeginDoesNothing => done(true),
            _ => self.inner.begin(self.inner(lease)),
        }
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        let lease = self.inner(lease);
        let Some(mut ends) = self.ends(lease, ends) else { return done(false) };
        let by = match self.fault {
            Fault::ExtendDoesNothing => {
                let until = self.memory().leases.get(&lease.seq).map(|&(_, until)| until);
                until
                    .and_then(|until| until.duration_since(self.clock.now()).ok())
                    .unwrap_or_default()
            }
            _ => by,
        };
        if self.is(Fault::ExtendDropsMarks) {
            ends.clear();
        }
        let held = now(self.inner.extend(lease, by, ends.clone())).unwrap();
        done(self.held(lease, &ends, held))
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        if self.is(Fault::HalfFinish) {
            let inner = self.inner.clone();
            let marked = now(inner.extend(lease, Duration::ZERO, ends)).unwrap();
            return Box::pin(async move {
                yield_now().await;
                if marked { inner.finish(lease, vec![], finish).await } else { Ok(false) }
            });
        }
        done(self.finish_now(lease, ends, finish))
    }

    fn list(&self, mut filter: Filter) -> StoreFuture<'static, Vec<Stored>> {
        if self.is(Fault::IgnoresTenant) {
            filter.tenant = None;
        }
        if self.is(Fault::PagesOverlap) && filter.after > 0 {
            filter.after -= 1;
        }
        let offset = self.memory().offset;
        filter.after += offset;
        let mut listed = now(self.inner.list(filter)).unwrap();
        if self.is(Fault::ListsBodies) {
            for stored in &mut listed {
                *stored = now(self.inner.get(stored.seq)).unwrap().unwrap();
            }
        }
        done(listed.into_iter().map(|stored| self.stored(stored)).collect())
    }

    fn get(&self, seq: i64) -> StoreFuture<'static, Option<Stored>> {
        let offset = self.memory().offset;
        let stored = now(self.inner.get(seq + offset)).unwrap();
        done(stored.map(|stored| self.stored(stored)))
    }

    fn replay(&self, seq: i64, how: Replay) -> StoreFuture<'static, Option<i64>> {
        let is_parked_first = match self.fault {
            Fault::HalfReplay => how != Replay::Copy,
            Fault::HalfCopy => how == Replay::Copy,
            _ => false,
        };
        if !is_parked_first {
            return done(self.replay_now(seq, how));
        }
        let inner = self.inner.clone();
        if how == Replay::Copy {
            let Some(mut stored) = now(inner.get(seq)).unwrap() else { return done(None) };
            stored.record.body = Bytes::new();
            let half = NewDelivery { record: stored.record, key: None, order_key: None };
            let Enqueued::New(half) = now(inner.enqueue(half)).unwrap() else { unreachable!() };
            return Box::pin(async move {
                yield_now().await;
                inner.park(half).await?;
                inner.replay(seq, how).await
            });
        }
        let Some(again) = self.replay_now(seq, how) else { return done(None) };
        now(inner.park(again)).unwrap();
        Box::pin(async move {
            yield_now().await;
            inner.replay(again, Replay::Rest).await
        })
    }

    fn park(&self, seq: i64) -> StoreFuture<'static, bool> {
        if self.is(Fault::ParkIsForgotten) {
            let stored = now(self.inner.get(seq)).unwrap();
            return done(stored.is_some_and(|stored| stored.state == State::Ready));
        }
        let seq = seq + self.memory().offset;
        let parked = now(self.inner.park(seq)).unwrap();
        if parked {
            self.memory().parked.insert(seq);
        }
        done(parked)
    }

    fn pause(&self, source: &str, is_paused: bool) -> StoreFuture<'static, ()> {
        self.inner.pause(source, is_paused && !self.is(Fault::PauseIsIgnored))
    }

    fn purge(&self, retention: Retention) -> StoreFuture<'static, Purged> {
        done(self.purge_now(retention))
    }

    fn stats(&self) -> StoreFuture<'static, Vec<Stats>> {
        let mut all = now(self.inner.stats()).unwrap();
        for stats in &mut all {
            match self.fault {
                Fault::CountsNoDead => stats.dead = 0,
                Fault::OldestStandsStill => stats.oldest = stats.oldest.map(|_| Duration::ZERO),
                _ => {}
            }
        }
        done(all)
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        match self.fault {
            Fault::Panics => panic!("a store with a fault"),
            Fault::Hangs => Box::pin(pending()),
            _ => self.inner.ping(),
        }
    }

    fn close(&self) -> StoreFuture<'static, ()> {
        match self.fault {
            Fault::CloseRefusesNothing => done(()),
            _ => self.inner.close(),
        }
    }
}
