//! How many deliveries a worker claims at once.

use std::sync::Mutex;

use tower_webhook::inbox::{
    Claim, Enqueued, Finish, Lease, Leased, Mark, NewDelivery, Pressure, Purged, Stats,
    StoreFuture, Stored,
};

use super::*;

const SYNC: Duration = Duration::from_millis(10);

/// A store that takes some time for each write of a worker, and remembers how many it was asked for.
#[derive(Debug)]
struct Slow {
    store: MemoryStore,
    asked: Arc<Mutex<Vec<usize>>>,
}

impl Slow {
    fn after<T: Send + 'static>(
        &self,
        write: impl FnOnce(MemoryStore) -> StoreFuture<'static, T> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let store = self.store.clone();
        Box::pin(async move {
            sleep(SYNC).await;
            write(store).await
        })
    }
}

impl Store for Slow {
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued> {
        self.store.enqueue(new)
    }

    fn pressure(&self) -> Pressure {
        self.store.pressure()
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>> {
        self.asked.lock().unwrap().push(claim.most);
        self.after(|store| store.claim(claim))
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        self.store.begin(lease)
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        self.after(move |store| store.extend(lease, by, ends))
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        self.after(move |store| store.finish(lease, ends, finish))
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        self.store.ping()
    }

    as_its!(store);
}

/// How many a worker has asked for each time, until 1,000 deliveries were handled by handlers that take so long.
async fn asked(handler: Duration) -> Vec<usize> {
    let asked = Arc::<Mutex<Vec<usize>>>::default();
    let store = Slow { store: MemoryStore::with_clock(TokioClock::new()), asked: asked.clone() };
    let (inbox, log) = (Inbox::new(store), Log::default());
    for id in 0..1_000 {
        stored(&inbox, &id.to_string(), orders(&[id])).await;
    }
    let events = router(&log, move |_, _| async move {
        sleep(handler).await;
        Ok(())
    });
    let running = Running::start(worker(&inbox, events));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines().len(), 1_000);
    asked.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slower_than_the_handlers_is_asked_for_more_at_once() {
    let asked = asked(Duration::ZERO).await;
    assert_eq!(asked[..2], [16, 16]);
    assert_eq!(asked.iter().max(), Some(&128));
    // With 16 each time it would have asked 63 times at least.
    assert!(asked.len() < 30, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn handlers_that_are_slower_than_the_store_leave_the_rest_to_other_workers() {
    let asked = asked(5 * SYNC).await;
    assert!(asked.iter().all(|most| *most == 16), "{asked:?}");
}
