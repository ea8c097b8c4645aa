//! A store that is away, is silent, or returns something else than was stored.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use bytes::Bytes;
use tower_webhook::{
    error::InboxError,
    inbox::{
        Claim, Enqueued, Finish, Lease, Leased, Mark, NewDelivery, Pressure, Purged, Stats,
        StoreFuture, Stored,
    },
};

use super::{
    leases::{MINUTE, held},
    *,
};

/// A store that fails, or returns something else than was stored.
#[derive(Debug)]
struct Faulty {
    store: MemoryStore,
    fails: AtomicBool,
    /// It answers when this is over.
    is_silent: Arc<AtomicBool>,
    /// The most crashes of a delivery that was claimed.
    crashes: Arc<AtomicU32>,
    /// How many beginnings it noted.
    begun: AtomicU32,
    /// The number of a delivery whose lease cannot be ended.
    stuck: AtomicI64,
    is_corrupt: bool,
}

impl Faulty {
    fn new(is_corrupt: bool) -> Arc<Self> {
        let store = MemoryStore::with_clock(TokioClock::new());
        let (fails, stuck, begun) = Default::default();
        let (is_silent, crashes) = Default::default();
        Arc::new(Self { store, fails, is_silent, crashes, begun, stuck, is_corrupt })
    }

    fn or_fail<T: 'static + Send>(
        &self,
        then: impl FnOnce(&MemoryStore) -> StoreFuture<'static, T> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        if self.fails.load(Ordering::Relaxed) {
            return Box::pin(async { Err(InboxError::unavailable("it is away")) });
        }
        let (store, is_silent) = (self.store.clone(), self.is_silent.clone());
        Box::pin(async move {
            while is_silent.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(10)).await;
            }
            then(&store).await
        })
    }
}

impl Store for Faulty {
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued> {
        self.store.enqueue(new)
    }

    fn pressure(&self) -> Pressure {
        self.store.pressure()
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>> {
        let claimed = self.or_fail(|store| store.claim(claim));
        let (crashes, is_corrupt) = (self.crashes.clone(), self.is_corrupt);
        Box::pin(async move {
            let mut claimed = claimed.await?;
            let most = claimed.iter().map(|one| one.crashes).max().unwrap_or_default();
            crashes.fetch_max(most, Ordering::Relaxed);
            if is_corrupt {
                claimed.iter_mut().for_each(|one| one.record.body = Bytes::from("[]"));
            }
            Ok(claimed)
        })
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.or_fail(move |store| store.begin(lease))
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        self.or_fail(move |store| store.extend(lease, by, ends))
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        if lease.seq == self.stuck.load(Ordering::Relaxed) {
            return Box::pin(async { Err(InboxError::unavailable("somebody holds it")) });
        }
        self.or_fail(move |store| store.finish(lease, ends, finish))
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        self.or_fail(|store| store.ping())
    }

    as_its!(store);
}

#[tokio::test(start_paused = true)]
async fn f16_one_lease_that_cannot_be_ended_does_not_stop_the_others() {
    let store = Faulty::new(false);
    let (inbox, log) = (Inbox::shared(store.clone()), Log::default());
    let stuck = stored(&inbox, "a", orders(&[1])).await;
    store.stuck.store(stuck, Ordering::Relaxed);
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))).concurrency(4));
    sleep(Duration::from_secs(5)).await;
    for id in 0..8 {
        stored(&inbox, &format!("b{id}"), orders(&[2])).await;
    }
    sleep(Duration::from_secs(5)).await;
    assert_eq!(stats(&inbox).await.done, 8);
    store.stuck.store(0, Ordering::Relaxed);
    idle(&inbox).await;
    running.stop().await;
}

/// Two workers, of which the second has nothing to do while the store is away.
#[tokio::test(start_paused = true)]
async fn an_absent_store_is_no_crash_for_an_idle_worker_either() {
    for offset in 0..8 {
        let store = Faulty::new(false);
        let (inbox, log) = (Inbox::shared(store.clone()), Log::default());
        stored(&inbox, "a", orders(&[5])).await;
        let events = router(&log, async |number, _| {
            sleep(u32::try_from(number).unwrap() * MINUTE).await;
            Ok(())
        });
        let events = events.event_timeout(Duration::MAX);
        let busy = Running::start(worker(&inbox, events.clone()));
        sleep(Duration::from_millis(31 * offset)).await;
        let idle_one = Running::start(worker(&inbox, events));
        sleep(Duration::from_secs(10)).await;
        store.fails.store(true, Ordering::Relaxed);
        sleep(2 * MINUTE).await;
        store.fails.store(false, Ordering::Relaxed);
        idle(&inbox).await;
        busy.stop().await;
        idle_one.stop().await;
        // The handler was dropped when its lease was over: nobody could know that the store was away for all.
        assert_eq!(log.lines(), ["5 of a, attempt 1", "5 of a, attempt 2"], "offset {offset}");
        assert_eq!(store.crashes.load(Ordering::Relaxed), 0, "offset {offset}");
    }
}

/// For longer than a lease, while one handler ends and another one runs.
#[tokio::test(start_paused = true)]
async fn an_absent_store_is_no_crash() {
    let store = Faulty::new(false);
    let (inbox, log) = (Inbox::shared(store.clone()), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    let long = stored(&inbox, "b", orders(&[10])).await;
    let events = router(&log, async |number, _| {
        sleep(Duration::from_secs(40 * number)).await;
        Ok(())
    });
    let running = Running::start(worker(&inbox, events.event_timeout(Duration::MAX)));
    for _ in 0..6 {
        sleep(Duration::from_secs(10)).await;
        store.fails.store(true, Ordering::Relaxed);
        sleep(2 * MINUTE).await;
        store.fails.store(false, Ordering::Relaxed);
    }
    idle(&inbox).await;
    running.stop().await;
    // What ended meanwhile is not handled again, and what could not end before is given back each time.
    let mut lines = vec!["1 of a, attempt 1".to_owned()];
    lines.extend((1..=7).map(|attempt| format!("10 of b, attempt {attempt}")));
    assert_eq!(log.lines(), lines);
    assert_eq!(stats(&inbox).await.done, 2);
    assert_eq!(get(&*store, long).await.attempts, 7);
    assert_eq!(store.crashes.load(Ordering::Relaxed), 0);
}

/// The lease was extended after 20 seconds. Another worker can have it after 80.
#[tokio::test(start_paused = true)]
async fn a_handler_is_dropped_when_its_lease_is_over_and_the_store_is_silent() {
    let store = Faulty::new(false);
    let (inbox, log) = (Inbox::shared(store.clone()), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    let running = Running::start(worker(&inbox, held(&log)));
    sleep(Duration::from_secs(30)).await;
    store.is_silent.store(true, Ordering::Relaxed);
    sleep(Duration::from_millis(49_800)).await;
    assert_eq!(log.lines(), ["1 of a, attempt 1"]);
    sleep(Duration::from_millis(400)).await;
    assert_eq!(log.lines(), ["1 of a, attempt 1", "dropped"]);
    sleep(MINUTE).await;
    store.is_silent.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(log.lines()[2..], ["1 of a, attempt 2"]);
    running.kill().await;
}

#[tokio::test(start_paused = true)]
async fn another_body_than_was_stored_is_dead() {
    let (inbox, log) = (Inbox::shared(Faulty::new(true)), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(dead(&inbox, seq).await.0, DeadReason::Corrupt);
    assert_eq!(log.lines().len(), 0);
}

/// It would be a write for each.
#[tokio::test(start_paused = true)]
async fn the_beginning_of_what_has_not_crashed_is_not_noted() {
    let store = Faulty::new(false);
    let (inbox, log) = (Inbox::shared(store.clone()), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(store.begun.load(Ordering::Relaxed), 0);
    stored(&inbox, "b", orders(&[2])).await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| pending().await)));
    sleep(MINUTE).await;
    running.kill().await;
    sleep(MINUTE).await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(store.begun.load(Ordering::Relaxed), 1);
}

/// It fails several times per second.
#[tokio::test(start_paused = true)]
async fn the_operator_is_told_once_that_the_store_is_away() {
    let traces = Traces::here();
    let store = Faulty::new(false);
    let (inbox, log) = (Inbox::shared(store.clone()), Log::default());
    store.fails.store(true, Ordering::Relaxed);
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    sleep(MINUTE).await;
    store.fails.store(false, Ordering::Relaxed);
    sleep(MINUTE).await;
    running.stop().await;
    let seen = traces.seen();
    let told = seen.iter().filter(|line| line.contains("nothing can be claimed")).count();
    assert_eq!(told, 1, "{seen:#?}");
}
