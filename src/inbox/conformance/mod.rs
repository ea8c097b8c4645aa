//! `conformance`: tries everything that a `Store` promises on a store.

mod door;
mod dropped;
mod ends;
mod leases;
mod machine;
mod model;
mod operator;
mod order;
mod probe;
mod purge;
mod random;
mod report;

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    time::Duration,
};

use self::probe::{Outcome, Probe};
pub use self::report::{StoreCase, StoreReport};
use super::Store;
use crate::util::panics::contained;

/// Makes stores for [`conformance`], and moves their clocks.
///
/// ```
/// use std::time::Duration;
/// use tower_webhook::{clock::ManualClock, inbox::{Harness, MemoryStore, conformance}};
///
/// struct Memory(ManualClock);
///
/// impl Harness for Memory {
///     type Store = MemoryStore;
///
///     async fn store(&self) -> MemoryStore {
///         MemoryStore::with_clock(self.0.clone())
///     }
///
///     async fn pass(&self, _: &MemoryStore, time: Duration) {
///         self.0.advance(time);
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let memory = Memory(ManualClock::at_unix_seconds(1_700_000_000));
/// conformance(&memory).await.assert_passed();
/// # });
/// ```
pub trait Harness: Sync {
    /// The store that is tried.
    type Store: Store;

    /// An empty store. Each case gets one of its own.
    fn store(&self) -> impl Future<Output = Self::Store> + Send;

    /// Has `time` pass for this store: sets its clock forward, or all times that it keeps back. It is hours and days, so a
    /// harness cannot sleep. Between two calls, less than half an hour must pass on the store's own clock.
    fn pass(&self, store: &Self::Store, time: Duration) -> impl Future<Output = ()> + Send;

    /// Chooses the steps of the case `state-machine`, and other things that are left to chance. With another number, the
    /// suite tries others.
    fn seed(&self) -> u64 {
        0x7dc6_50e1_9d3b_25af
    }
}

/// Tries everything that a [`Store`] promises, in a case for each promise.
///
/// It must be called within a tokio runtime that has its timers. A case fails if the store breaks the promise, returns an
/// error, panics, or takes longer than 10 minutes.
pub async fn conformance<H: Harness>(harness: &H) -> StoreReport {
    let mut cases = Vec::with_capacity(CASES.len());
    for &(name, promise, run) in CASES {
        let failure = tried(harness, run).await.err().map(|failed| failed.to_string());
        cases.push(StoreCase { name, promise, failure });
    }
    StoreReport { seed: harness.seed(), cases }
}

/// The longest time that a case may take. The longest one makes thousands of commits, one after the other.
const MAX_TIME: Duration = Duration::from_secs(600);

type Run = for<'p> fn(&'p Probe<'_>) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'p>>;

async fn tried<H: Harness>(harness: &H, run: Run) -> Outcome {
    let case = async {
        let probe = Probe::new(harness).await;
        run(&probe).await
    };
    match tokio::time::timeout(MAX_TIME, unless_it_panics(case)).await {
        Ok(Some(outcome)) => outcome,
        Ok(None) => Err("the store panicked".into()),
        Err(_) => Err("the store took longer than 10 minutes".into()),
    }
}

/// `None` if the future panics.
async fn unless_it_panics<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match contained(|| future.as_mut().poll(cx)) {
        Some(polled) => polled.map(Some),
        None => None.into(),
    })
    .await
}

macro_rules! cases {
    ($($name:literal: $promise:literal, $module:ident::$run:ident;)*) => {
        &[$(($name, $promise, |probe| Box::pin($module::$run(probe)))),*]
    };
}

/// The name of each case, the promise that it tries, and its code.
#[rustfmt::skip]
const CASES: &[(&str, &str, Run)] = cases! {
    "one-per-key": "of all deliveries with one key, one is kept", door::one_per_key;
    "body-differs": "a duplicate with another body is told from a copy", door::body_differs;
    "no-key": "a delivery without a key is always new", door::no_key;
    "round-trip": "what was stored is returned, byte for byte", door::round_trip;
    "long-texts": "texts have any length and any characters but NUL", door::long_texts;
    "numbers-grow": "numbers grow, and are never used again", door::numbers_grow;
    "pressure": "pressure grows with what is stored", door::pressure_grows;
    "dropped-enqueue": "a write goes on if its future is dropped", door::dropped_enqueue;
    "close": "close waits for writes and refuses others", door::close_refuses;
    "oldest-first": "the oldest delivery of a sender is claimed first", leases::oldest_first;
    "fair": "no sender takes the places of another", leases::fair;
    "only-named": "only deliveries of the named senders are claimed, and no more than asked for", leases::only_named;
    "leased-once": "no two workers have one delivery", leases::leased_once;
    "attempts": "each claim counts as an attempt, except if it is released", leases::attempts;
    "crash": "a lease that ran out is claimed again, and counts as a crash", leases::crash;
    "stale-lease": "with an older lease nothing changes", leases::stale_lease;
    "late-lease": "a lease that ran out holds until the next claim", leases::late_lease;
    "extend": "extend keeps a lease alive", leases::extend;
    "retry": "a retry comes after its span, and ends a row of crashes", leases::retry_after;
    "longest-spans": "the longest spans and the largest counts are as good as others", leases::longest_spans;
    "marks": "the ends of events are kept, and the first one counts", ends::marks;
    "done": "a delivery that is done stays done", ends::done;
    "dead": "a dead delivery stays dead, with its reason and error", ends::dead_stays;
    "replay-rest": "a replay of the rest keeps what is handled", ends::replay_rest;
    "replay-all": "a replay of all begins anew", ends::replay_all;
    "replay-copy": "a copy has a number of its own", ends::replay_copy;
    "replay-open": "what is not finished cannot be replayed", ends::replay_open;
    "tokens": "no two claims of a delivery have one token", ends::tokens;
    "park": "a parked delivery waits for its replay, and its lease is lost", ends::park;
    "pause": "a paused sender is stored and not claimed", ends::pause;
    "order": "of one order key, only the first that is not finished is claimed", order::head_only;
    "order-retry": "a retry holds up all that come after it with its order key", order::retry_holds;
    "order-crash": "a crash holds up all that come after it with its order key", order::crash_holds;
    "order-apart": "different order keys do not wait for each other", order::keys_apart;
    "order-replay": "what was replayed is claimed, whatever its order key", order::replayed;
    "purge-open": "a purge keeps what waits, is being handled, or is parked", purge::keeps_open;
    "purge-bodies": "a purge removes the bodies that are old enough", purge::bodies;
    "purge-keys": "copies are recognised after the purge of bodies, until that of keys", purge::keys;
    "replay-purged": "what has no body cannot be replayed", purge::replay_purged;
    "list": "a list has what its filter selects, by number, without bodies", operator::list;
    "pages": "pages of a list have each delivery once", operator::pages;
    "stats": "deliveries are counted by sender and state", operator::stats;
    "dropped-claim": "a claim whose future is dropped is done as a whole or not at all", dropped::claim;
    "dropped-finish": "a finish whose future is dropped is done as a whole or not at all", dropped::finish;
    "dropped-replay": "a replay whose future is dropped is done as a whole or not at all", dropped::replay;
    "dropped-copy": "a copy whose future is dropped is made as a whole or not at all", dropped::copy;
    "state-machine": "a long row of random steps goes as it must", machine::run;
};
