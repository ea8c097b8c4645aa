//! Leases: kept while a handler runs, lost, and taken over.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use bytes::Bytes;
use tower_webhook::{
    error::InboxError,
    inbox::{
        Claim, Enqueued, Finish, Lease, Leased, Mark, NewDelivery, Pressure, Purged, Stats,
        StoreFuture, Stored,
    },
};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_lease_is_kept_while_a_handler_runs() {
    let (inbox, log) = (inbox(), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    let slow = |log: &Log| {
        router(log, async |_, _| {
            sleep(10 * MINUTE).await;
            Ok(())
        })
        .event_timeout(Duration::MAX)
    };
    let first = Running::start(worker(&inbox, slow(&log)));
    let second = Running::start(worker(&inbox, slow(&log)));
    idle(&inbox).await;
    assert_eq!(log.lines(), ["1 of a, attempt 1"]);
    first.stop().await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_kept_while_a_delivery_waits_for_its_turn() {
    let (inbox, log) = (inbox(), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    stored(&inbox, "b", orders(&[2])).await;
    let slow = router(&log, async |_, _| {
        sleep(4 * MINUTE).await;
        Ok(())
    });
    let running = Running::start(worker(&inbox, slow).concurrency(1));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines(), ["1 of a, attempt 1", "2 of b, attempt 1"]);
}

#[tokio::test(start_paused = true)]
async fn f8_a_killed_worker_is_followed_by_another_in_the_middle_of_a_batch() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1, 2, 3])).await;
    let running = Running::start(worker(&inbox, router(&log, hangs)));
    sleep(Duration::from_secs(1)).await;
    running.kill().await;
    assert_eq!(state(&inbox, seq).await, State::Leased);
    let begun = Instant::now();
    let running = Running::start(worker(&inbox, router(&log, hangs)));
    idle(&inbox).await;
    running.stop().await;
    let of = |number, attempt| format!("{number} of a, attempt {attempt}");
    // What was handled is not handled again.
    assert_eq!(log.lines(), [of(1, 1), of(2, 1), of(2, 2), of(3, 2)]);
    assert!(begun.elapsed() >= Duration::from_secs(59), "after the lease");
    assert_eq!(get(inbox.store(), seq).await.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn what_kills_its_worker_again_and_again_is_dead() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    for _ in 0..5 {
        let running = Running::start(worker(&inbox, router(&log, async |_, _| pending().await)));
        sleep(MINUTE + Duration::from_secs(2)).await;
        running.kill().await;
        sleep(MINUTE).await;
    }
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines().len(), 5);
    let (reason, why) = dead(&inbox, seq).await;
    assert_eq!(reason, DeadReason::Crashed);
    assert_eq!(why, "5 workers ended in the middle of it, one after the other");
}

#[tokio::test(start_paused = true)]
async fn what_has_crashed_twice_runs_alone() {
    let (inbox, log) = (inbox(), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    for _ in 0..2 {
        let running = Running::start(worker(&inbox, router(&log, async |_, _| pending().await)));
        sleep(MINUTE).await;
        running.kill().await;
        sleep(MINUTE).await;
    }
    stored(&inbox, "b", orders(&[2])).await;
    let at_once = Arc::new(AtomicU32::new(0));
    let counted = at_once.clone();
    let running = Running::start(worker(
        &inbox,
        router(&log, move |number, _| {
            let at_once = counted.clone();
            async move {
                let others = at_once.fetch_add(1, Ordering::Relaxed);
                assert!(number != 1 || others == 0, "{others} others");
                sleep(MINUTE).await;
                at_once.fetch_sub(1, Ordering::Relaxed);
                Ok(())
            }
        }),
    ));
    sleep(Duration::from_secs(30)).await;
    // Together they would both be there.
    assert_eq!(at_once.load(Ordering::Relaxed), 1);
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(stats(&inbox).await.done, 2);
}

/// Of two that are leased together, one ends the worker again and again, and the other one waits for its place.
#[tokio::test(start_paused = true)]
async fn what_only_waits_is_not_taken_for_what_kills() {
    for concurrency in [1, 2, 16] {
        let (inbox, log) = (inbox(), Log::default());
        let poison = stored(&inbox, "a", orders(&[1])).await;
        let mut innocent = Vec::new();
        for id in 0..20 {
            innocent.push(stored(&inbox, &format!("b{id}"), orders(&[2])).await);
        }
        for _ in 0..6 {
            let (killed, kill) = (Arc::new(tokio::sync::Notify::new()), log.clone());
            let fatal = killed.clone();
            let events = router(&kill, move |number, _| {
                let fatal = fatal.clone();
                async move {
                    match number {
                        1 => {
                            fatal.notify_one();
                            pending::<()>().await;
                        }
                        _ => sleep(Duration::from_millis(50)).await,
                    }
                    Ok(())
                }
            });
            let running = Running::start(worker(&inbox, events).concurrency(concurrency));
            tokio::select! {
                () = killed.notified() => sleep(Duration::from_millis(10)).await,
                () = sleep(10 * MINUTE) => {}
            }
            running.kill().await;
            sleep(MINUTE).await;
        }
        let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
        idle(&inbox).await;
        running.stop().await;
        assert_eq!(dead(&inbox, poison).await.0, DeadReason::Crashed);
        for seq in innocent {
            assert_eq!(state(&inbox, seq).await, State::Done);
        }
    }
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
        assert_eq!(log.lines(), ["5 of a, attempt 1"], "offset {offset}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_dropped_when_its_lease_is_lost() {
    struct Dropped(Log);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    let held = log.clone();
    let events = router(&log, move |_, _| {
        let held = Dropped(held.clone());
        async move {
            pending::<()>().await;
            drop(held);
            Ok(())
        }
    });
    let running = Running::start(worker(&inbox, events.event_timeout(Duration::MAX)));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(inbox.store().park(seq).await, Ok(true));
    sleep(MINUTE).await;
    assert_eq!(log.lines(), ["1 of a, attempt 1", "dropped"]);
    assert_eq!(state(&inbox, seq).await, State::Parked);
    running.stop().await;
}

/// A store that fails, or returns something else than was stored.
#[derive(Debug)]
struct Faulty {
    store: MemoryStore,
    fails: AtomicBool,
    /// The number of a delivery whose lease cannot be ended.
    stuck: AtomicI64,
    is_corrupt: bool,
}

impl Faulty {
    fn new(is_corrupt: bool) -> Arc<Self> {
        let store = MemoryStore::with_clock(TokioClock::new());
        let (fails, stuck) = (AtomicBool::new(false), AtomicI64::new(0));
        Arc::new(Self { store, fails, stuck, is_corrupt })
    }

    fn or_fail<T: 'static + Send>(
        &self,
        then: impl FnOnce(&MemoryStore) -> StoreFuture<'static, T>,
    ) -> StoreFuture<'static, T> {
        match self.fails.load(Ordering::Relaxed) {
            true => Box::pin(async { Err(InboxError::unavailable("it is away")) }),
            false => then(&self.store),
        }
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
        let (claimed, is_corrupt) = (self.or_fail(|store| store.claim(claim)), self.is_corrupt);
        Box::pin(async move {
            let mut claimed = claimed.await?;
            if is_corrupt {
                claimed.iter_mut().for_each(|one| one.record.body = Bytes::from("[]"));
            }
            Ok(claimed)
        })
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        self.or_fail(|store| store.begin(lease))
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        self.or_fail(|store| store.extend(lease, by, ends))
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        if lease.seq == self.stuck.load(Ordering::Relaxed) {
            return Box::pin(async { Err(InboxError::unavailable("somebody holds it")) });
        }
        self.or_fail(|store| store.finish(lease, ends, finish))
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        self.or_fail(MemoryStore::ping)
    }

    as_its!(store);
}

/// For longer than a lease, while one handler ends and another one runs.
#[tokio::test(start_paused = true)]
async fn an_absent_store_is_no_crash() {
    let store = Faulty::new(false);
    let (inbox, log) = (Inbox::shared(store.clone()), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    stored(&inbox, "b", orders(&[10])).await;
    let events = router(&log, async |number, _| {
        sleep(u32::try_from(number).unwrap() * MINUTE).await;
        Ok(())
    });
    let running = Running::start(worker(&inbox, events.event_timeout(Duration::MAX)));
    for _ in 0..3 {
        sleep(Duration::from_secs(10)).await;
        store.fails.store(true, Ordering::Relaxed);
        sleep(2 * MINUTE).await;
        store.fails.store(false, Ordering::Relaxed);
    }
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines(), ["1 of a, attempt 1", "10 of b, attempt 1"]);
    assert_eq!(stats(&inbox).await.done, 2);
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
