//! `Probe`: a store under trial, and what all cases do with it.

use std::{
    fmt::{self, Debug},
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::task::{JoinSet, yield_now};

use super::Harness;
use crate::{
    error::InboxError,
    inbox::{
        Claim, DeadReason, Enqueued, Filter, Finish, Hash, Lease, Leased, Mark, NewDelivery,
        Record, Store, StoreFuture, Stored,
    },
};

/// The suite's unit of time, and the length of its leases.
pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many writes are under way at the same time.
pub(super) const AT_ONCE: usize = 64;

/// What was expected, and what was seen instead.
pub(super) struct Failed(String);

pub(super) type Outcome<T = ()> = Result<T, Failed>;

impl From<InboxError> for Failed {
    fn from(error: InboxError) -> Self {
        Self(format!("the store returned an error: {error}"))
    }
}

impl From<&str> for Failed {
    fn from(why: &str) -> Self {
        Self(why.into())
    }
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self(why)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A list of deliveries can be long.
        match self.0.char_indices().nth(MAX_FAILURE) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(&self.0),
        }
    }
}

/// The longest text of a failure, in characters.
const MAX_FAILURE: usize = 1000;

/// Fails if `seen` is not as expected.
#[expect(clippy::needless_pass_by_value, reason = "most of what is compared is made for it")]
pub(super) fn same<T: PartialEq + Debug>(what: &str, expected: T, seen: T) -> Outcome {
    match expected == seen {
        true => Ok(()),
        false => Err(format!("{what}: expected {expected:?}, saw {seen:?}").into()),
    }
}

/// Fails if `holds` is not the case.
pub(super) fn check(holds: bool, otherwise: impl Into<String>) -> Outcome {
    if holds { Ok(()) } else { Err(Failed(otherwise.into())) }
}

/// The store that a case tries, and its clock.
pub(super) struct Probe<'a> {
    pub(super) store: Arc<dyn Store>,
    pub(super) seed: u64,
    pass: Box<dyn Fn(Duration) -> Passing<'a> + Send + Sync + 'a>,
}

type Passing<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl<'a> Probe<'a> {
    pub(super) async fn new<H: Harness>(harness: &'a H) -> Self {
        let store = Arc::new(harness.store().await);
        let passing = store.clone();
        let pass = move |time| -> Passing<'a> {
            let store = passing.clone();
            Box::pin(async move { harness.pass(&store, time).await })
        };
        Self { store, seed: harness.seed(), pass: Box::new(pass) }
    }

    pub(super) async fn pass(&self, time: Duration) {
        (self.pass)(time).await;
    }

    /// Stores a delivery that must be new.
    pub(super) async fn keep(&self, new: NewDelivery) -> Outcome<i64> {
        number(self.store.enqueue(new).await?)
    }

    /// Stores so many copies of a delivery without a key. Some are under way at the same time, and not so many that a store
    /// may refuse them.
    pub(super) async fn keep_all(&self, new: &NewDelivery, count: usize) -> Outcome<Vec<i64>> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            let begun = 0..(count - numbers.len()).min(AT_ONCE);
            let begun: Vec<_> = begun.map(|_| self.store.enqueue(new.clone())).collect();
            for storing in begun {
                numbers.push(number(storing.await?)?);
            }
        }
        Ok(numbers)
    }

    pub(super) async fn claim(&self, sources: &[&str], most: usize) -> Outcome<Vec<Leased>> {
        let sources = sources.iter().map(|&source| source.into()).collect();
        Ok(self.store.claim(Claim { sources, most, lease: HOUR }).await?)
    }

    /// The numbers of the deliveries of sender `a` that can be claimed.
    pub(super) async fn claimed(&self) -> Outcome<Vec<i64>> {
        Ok(self.claim(&["a"], 100).await?.into_iter().map(|leased| leased.lease.seq).collect())
    }

    /// The one delivery of sender `a` that can be claimed.
    pub(super) async fn one(&self) -> Outcome<Leased> {
        let mut leased = self.claim(&["a"], 100).await?;
        match (leased.pop(), leased.is_empty()) {
            (Some(one), true) => Ok(one),
            (last, _) => {
                let count = leased.len() + usize::from(last.is_some());
                Err(format!("expected one delivery from a claim, saw {count}").into())
            }
        }
    }

    /// Stores a delivery of sender `a`, and claims it.
    pub(super) async fn kept_and_claimed(&self) -> Outcome<Leased> {
        self.keep(delivery("a")).await?;
        self.one().await
    }

    /// No delivery of sender `a` can be claimed.
    pub(super) async fn none(&self, when: &str) -> Outcome {
        same(&format!("the deliveries claimed {when}"), vec![], self.claimed().await?)
    }

    /// Ends a lease that must be held.
    pub(super) async fn end(&self, lease: Lease, ends: &[Mark], finish: Finish) -> Outcome {
        let what = format!("whether the lease is held for {finish:?}");
        same(&what, true, self.store.finish(lease, ends.to_vec(), finish).await?)
    }

    /// Nothing can be done with this lease.
    pub(super) async fn is_lost(&self, lease: Lease) -> Outcome {
        let forged = [Mark { event: 77, is_done: true }];
        let extended = self.store.extend(lease, HOUR, forged.to_vec()).await?;
        same("whether a lost lease could be extended", false, extended)?;
        for finish in [Finish::Done, retry(Duration::ZERO), dead(), Finish::Release] {
            let what = format!("whether a lost lease is held for {finish:?}");
            same(&what, false, self.store.finish(lease, forged.to_vec(), finish).await?)?;
        }
        Ok(())
    }

    /// A delivery that must be there.
    pub(super) async fn get(&self, seq: i64) -> Outcome<Stored> {
        let stored = self.store.get(seq).await?;
        stored.ok_or_else(|| format!("expected to get delivery {seq}, saw none").into())
    }

    pub(super) async fn listed(&self, filter: Filter) -> Outcome<Vec<i64>> {
        Ok(self.store.list(filter).await?.into_iter().map(|stored| stored.seq).collect())
    }
}

/// The number of a delivery that must be new.
pub(super) fn number(enqueued: Enqueued) -> Outcome<i64> {
    match enqueued {
        Enqueued::New(seq) => Ok(seq),
        other => Err(format!("expected a new delivery, saw {other:?}").into()),
    }
}

/// What all these tasks return.
pub(super) async fn joined<T: 'static>(mut tasks: JoinSet<Outcome<T>>) -> Outcome<Vec<T>> {
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        all.push(ended.map_err(|_| "the store panicked")??);
    }
    Ok(all)
}

/// Polls a future this many times at most, and drops it.
pub(super) async fn dropped_after<T>(polls: u32, mut future: StoreFuture<'static, T>) {
    for _ in 0..polls {
        let is_ready = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if is_ready {
            return;
        }
        yield_now().await;
    }
}

/// A small delivery of this sender, without a key.
pub(super) fn delivery(source: &str) -> NewDelivery {
    let body = Bytes::from_static(b"{\"a\": 1}");
    let record = Record {
        source: source.into(),
        tenant: None,
        key_id: None,
        id: None,
        event_type: None,
        received_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        headers: Bytes::from_static(b"content-type: application/json\r\n"),
        digest: hash(&body),
        body,
    };
    NewDelivery { record, key: None, order_key: None }
}

/// A delivery of sender `a` with this key.
pub(super) fn keyed(key: &str) -> NewDelivery {
    NewDelivery { key: Some(hash(key.as_bytes())), ..delivery("a") }
}

/// A delivery of sender `a` with this order key.
pub(super) fn ordered(key: &str) -> NewDelivery {
    NewDelivery { order_key: Some(hash(key.as_bytes())), ..delivery("a") }
}

/// The same with another body.
pub(super) fn with_body(body: impl Into<Bytes>, new: NewDelivery) -> NewDelivery {
    let body = body.into();
    let record = Record { digest: hash(&body), body, ..new.record };
    NewDelivery { record, ..new }
}

pub(super) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

pub(super) fn handled(event: u32) -> Mark {
    Mark { event, is_done: true }
}

pub(super) fn given_up(event: u32) -> Mark {
    Mark { event, is_done: false }
}

pub(super) fn retry(after: Duration) -> Finish {
    Finish::Retry { after, error: "busy".into() }
}

pub(super) fn dead() -> Finish {
    Finish::Dead { reason: DeadReason::Refused, error: "no such course".into() }
}

/// The ends of events, by their places: a store may return them in any order.
pub(super) fn settled(leased: &Leased) -> Vec<Mark> {
    let mut settled = leased.settled.clone();
    settled.sort_unstable_by_key(|mark| mark.event);
    settled
}
