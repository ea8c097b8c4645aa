//! `Threaded`: a store in memory behind a thread of its own, as a database is.

use std::{sync::mpsc, thread, time::Duration};

use tokio::{sync::oneshot, task::yield_now};
use tower_webhook::{
    error::InboxError,
    inbox::{
        Claim, Enqueued, Filter, Finish, Lease, Leased, Mark, MemoryStore, NewDelivery, Pressure,
        Purged, Replay, Retention, Stats, Store, StoreFuture, Stored,
    },
};

type Job = Box<dyn FnOnce(&MemoryStore) + Send>;

/// A [`MemoryStore`] whose writes happen later, one after the other. Writes of workers and operators begin with the second
/// poll.
#[derive(Debug)]
pub(crate) struct Threaded {
    inner: MemoryStore,
    jobs: mpsc::Sender<Job>,
}

impl Threaded {
    pub(crate) fn new(inner: MemoryStore) -> Self {
        let (jobs, all) = mpsc::channel::<Job>();
        let store = inner.clone();
        thread::spawn(move || {
            for job in all {
                thread::sleep(Duration::from_micros(20));
                job(&store);
            }
        });
        Self { inner, jobs }
    }

    fn begun<T: Send + 'static>(
        &self,
        work: impl FnOnce(&MemoryStore) -> StoreFuture<'static, T> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        begun(&self.jobs, work)
    }

    fn later<T: Send + 'static>(
        &self,
        work: impl FnOnce(&MemoryStore) -> StoreFuture<'static, T> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let jobs = self.jobs.clone();
        Box::pin(async move {
            yield_now().await;
            begun(&jobs, work).await
        })
    }
}

fn begun<T: Send + 'static>(
    jobs: &mpsc::Sender<Job>,
    work: impl FnOnce(&MemoryStore) -> StoreFuture<'static, T> + Send + 'static,
) -> StoreFuture<'static, T> {
    let (answer, answered) = oneshot::channel();
    jobs.send(Box::new(move |store| drop(answer.send(work(store))))).unwrap();
    Box::pin(async move {
        match answered.await {
            Ok(done) => done.await,
            Err(error) => Err(InboxError::unavailable(error)),
        }
    })
}

impl Store for Threaded {
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued> {
        self.begun(|store| store.enqueue(new))
    }

    fn pressure(&self) -> Pressure {
        self.inner.pressure()
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>> {
        self.later(|store| store.claim(claim))
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        self.later(move |store| store.begin(lease))
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        self.later(move |store| store.extend(lease, by, ends))
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        self.later(move |store| store.finish(lease, ends, finish))
    }

    fn list(&self, filter: Filter) -> StoreFuture<'static, Vec<Stored>> {
        self.later(|store| store.list(filter))
    }

    fn get(&self, seq: i64) -> StoreFuture<'static, Option<Stored>> {
        self.later(move |store| store.get(seq))
    }

    fn replay(&self, seq: i64, how: Replay) -> StoreFuture<'static, Option<i64>> {
        self.later(move |store| store.replay(seq, how))
    }

    fn park(&self, seq: i64) -> StoreFuture<'static, bool> {
        self.later(move |store| store.park(seq))
    }

    fn pause(&self, source: &str, is_paused: bool) -> StoreFuture<'static, ()> {
        let source = source.to_owned();
        self.later(move |store| store.pause(&source, is_paused))
    }

    fn purge(&self, retention: Retention) -> StoreFuture<'static, Purged> {
        self.later(move |store| store.purge(retention))
    }

    fn stats(&self) -> StoreFuture<'static, Vec<Stats>> {
        self.later(|store| store.stats())
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        self.later(|store| store.ping())
    }

    fn close(&self) -> StoreFuture<'static, ()> {
        self.begun(|store| store.close())
    }
}
