//! `Store`: the trait of everything that keeps deliveries.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::{Claim, Finish, Lease, Leased, Mark, NewDelivery, State, Stored};
use crate::error::InboxError;

/// The future that a [`Store`]'s methods return.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, InboxError>> + Send + 'a>>;

/// Keeps deliveries. The stores of this crate are [`MemoryStore`](super::MemoryStore) and, with features, those for SQLite and
/// PostgreSQL.
///
/// A store of your own has to pass [`conformance`](super::conformance). It must hold this:
///
/// - What `enqueue` has returned is on stable storage, and is returned by `claim` until `finish` has ended it.
/// - Of all deliveries with one key, one is kept.
/// - A delivery has one valid lease at a time. With an older lease, `extend` and `finish` change nothing.
/// - A method that returns an error has changed nothing, or the whole of what it was asked.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Keeps a delivery, except if one with its key is kept already. Ready when this delivery, or the one before it, is on
    /// stable storage.
    ///
    /// The write begins at once, and goes on if the future is dropped: senders hang up.
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued>;

    /// How full the store is. It is asked for each request, so it must be cheap. It need not be exact.
    fn pressure(&self) -> Pressure;

    /// Leases deliveries that are due, the oldest of each sender first. The attempt is counted now, before a handler runs. The
    /// senders have their turns in the order in which they are named.
    ///
    /// A delivery is due if its lease has run out, too: then a worker has crashed. Deliveries of other senders than those
    /// named are left alone, and so are those of a sender that is [paused](Store::pause).
    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>>;

    /// Notes that a handler begins now. `false`: the lease is lost. It is called for deliveries that have crashed before.
    ///
    /// A delivery that is claimed while it is leased has crashed if its handler had begun, or if it has not crashed before: then
    /// nothing was noted.
    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool>;

    /// Extends a lease to `by` from now, and keeps the ends of these events. `false`: the lease is lost, and nothing was
    /// kept. If there are any, then the delivery has not crashed: it gets on.
    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool>;

    /// Ends a lease, and keeps the ends of these events. `false`: the lease is lost, and nothing was kept.
    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool>;

    /// A statement with three parameters: the number of a delivery, the token of its lease, and the place of an event. Within a
    /// transaction of the user's, it marks the event as handled. It affects one row if the lease is still held.
    fn ack_sql(&self) -> Option<&'static str> {
        None
    }

    /// The deliveries that `filter` selects, by their number, without headers and bodies.
    fn list(&self, filter: Filter) -> StoreFuture<'static, Vec<Stored>>;

    /// One delivery, with its headers and body.
    fn get(&self, seq: i64) -> StoreFuture<'static, Option<Stored>>;

    /// Has a delivery handled again that is done, dead or parked. Returns its number, which is a new one for a copy. `None`
    /// if there is no such delivery, or if its body was purged.
    fn replay(&self, seq: i64, how: Replay) -> StoreFuture<'static, Option<i64>>;

    /// Puts a delivery aside that waits or is being handled. Its lease is lost then. [`Replay::Rest`] takes it back.
    /// `false` if there is no such delivery.
    fn park(&self, seq: i64) -> StoreFuture<'static, bool>;

    /// Whether deliveries of this sender are claimed. While a sender is paused, they are stored, and use up no attempts.
    fn pause(&self, source: &str, is_paused: bool) -> StoreFuture<'static, ()>;

    /// Removes what is older than `retention` says, in small steps, so that the others need not wait. A delivery that waits,
    /// is being handled, or is parked is never removed.
    fn purge(&self, retention: Retention) -> StoreFuture<'static, Purged>;

    /// The number of deliveries in each state, and the age of the oldest that waits.
    fn stats(&self) -> StoreFuture<'static, Vec<Stats>>;

    /// Ready if a delivery could be stored now.
    fn ping(&self) -> StoreFuture<'static, ()>;

    /// Waits for the writes that have begun, and refuses others.
    fn close(&self) -> StoreFuture<'static, ()>;

    /// Calls `wake` when deliveries of another process may be there. A store that cannot know does nothing: a worker looks
    /// again in short intervals.
    fn on_arrival(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        drop(wake);
    }
}

/// What became of a delivery that was given to a store. It is in the extensions of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Enqueued {
    /// It is kept under this number.
    New(i64),
    /// One with its key was kept before.
    Duplicate {
        /// The number of the first. It may have been purged since.
        first: i64,
        /// Whether the two have different bodies.
        body_differs: bool,
    },
}

/// How full a store is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Pressure {
    /// The fullest of its limits: 0 is empty, 1 is full.
    pub used: f64,
}

/// Which deliveries to list. By default the first 100 of all.
///
/// ```
/// use tower_webhook::inbox::{Filter, State};
///
/// let dead = Filter { state: Some(State::Dead), ..Filter::default() };
/// let next_page = Filter { after: 4711, ..dead };
/// # assert_eq!(next_page.most, 100);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made with `..Filter::default()`")]
pub struct Filter {
    /// Of this sender.
    pub source: Option<Arc<str>>,
    /// Of this tenant.
    pub tenant: Option<Arc<str>>,
    /// With this id of the sender.
    pub id: Option<Arc<str>>,
    /// In this state.
    pub state: Option<State>,
    /// With a greater number than this: the last one of the page before.
    pub after: i64,
    /// How many at most.
    pub most: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self { source: None, tenant: None, id: None, state: None, after: 0, most: 100 }
    }
}

impl Filter {
    /// Whether this delivery is to be listed.
    pub fn selects(&self, stored: &Stored) -> bool {
        fn is<T: PartialEq>(wanted: &Option<T>, is: Option<&T>) -> bool {
            wanted.as_ref().is_none_or(|wanted| is == Some(wanted))
        }
        let record = &stored.record;
        is(&self.source, Some(&record.source))
            && is(&self.tenant, record.tenant.as_ref())
            && is(&self.id, record.id.as_ref())
            && is(&self.state, Some(&stored.state))
            && stored.seq > self.after
    }
}

/// How to handle a delivery again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replay {
    /// The events that are not handled yet. If it has an order key, then it does not wait for deliveries that came after it.
    Rest,
    /// All of its events. Its handlers see the same keys, so a handler that recognises duplicates does nothing.
    All,
    /// A new delivery with the same body and another number.
    Copy,
}

/// How long what is finished is kept. Times count from the end of a delivery, keys from their first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made with `..Retention::default()`")]
pub struct Retention {
    /// Headers and bodies of deliveries that are done: 7 days by default.
    pub bodies: Duration,
    /// Headers and bodies of dead deliveries: 90 days by default.
    pub dead: Duration,
    /// The keys by which copies are recognised, and the other facts of finished deliveries: 90 days by default. A copy that
    /// comes later is a new delivery, so it must be longer than the sender repeats itself and than an old request passes its
    /// check.
    pub keys: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        Self { bodies: days(7), dead: days(90), keys: days(90) }
    }
}

/// What a purge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Purged {
    /// The number of bodies.
    pub bodies: u64,
    /// The number of keys.
    pub keys: u64,
    /// The number of other facts of deliveries.
    pub records: u64,
}

/// The deliveries of one sender.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Stats {
    /// The name of the sender.
    pub source: Arc<str>,
    /// Those that wait.
    pub ready: u64,
    /// Those that a worker has.
    pub leased: u64,
    /// Those that are done and whose record is kept.
    pub done: u64,
    /// Those that are dead and whose record is kept.
    pub dead: u64,
    /// Those that an operator put aside.
    pub parked: u64,
    /// How long the oldest that waits or is being handled has been stored.
    pub oldest: Option<Duration>,
    /// Whether it is [paused](Store::pause).
    pub is_paused: bool,
}

impl Stats {
    /// Those of a sender that has no deliveries.
    pub fn none(source: Arc<str>) -> Self {
        Self {
            source,
            ready: 0,
            leased: 0,
            done: 0,
            dead: 0,
            parked: 0,
            oldest: None,
            is_paused: false,
        }
    }

    /// The number of those in this state.
    pub fn of(&mut self, state: State) -> &mut u64 {
        match state {
            State::Ready => &mut self.ready,
            State::Leased => &mut self.leased,
            State::Done => &mut self.done,
            State::Dead => &mut self.dead,
            State::Parked => &mut self.parked,
        }
    }
}
