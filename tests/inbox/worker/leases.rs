//! Leases: kept while a handler runs, lost, and taken over.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

pub(super) const MINUTE: Duration = Duration::from_secs(60);

struct Dropped(Log);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add("dropped");
    }
}

/// A handler that never ends, and logs when it is dropped.
pub(super) fn held(log: &Log) -> EventRouter<Shop, Log> {
    let held = log.clone();
    let events = router(log, move |_, _| {
        let held = Dropped(held.clone());
        async move {
            pending::<()>().await;
            drop(held);
            Ok(())
        }
    });
    events.event_timeout(Duration::MAX)
}

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

/// It may have been killed from outside, for another reason.
#[tokio::test(start_paused = true)]
async fn what_has_crashed_once_runs_with_the_others() {
    let (inbox, log) = (inbox(), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| pending().await)));
    sleep(MINUTE).await;
    running.kill().await;
    sleep(MINUTE).await;
    stored(&inbox, "b", orders(&[2])).await;
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let events = router(&log, move |_, _| {
        let both = both.clone();
        async move {
            both.wait().await;
            Ok(())
        }
    });
    let running = Running::start(worker(&inbox, events));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines()[1..], ["1 of a, attempt 2", "2 of b, attempt 1"]);
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
async fn a_handler_is_dropped_when_its_lease_is_lost() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    let running = Running::start(worker(&inbox, held(&log)));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(inbox.store().park(seq).await, Ok(true));
    sleep(MINUTE).await;
    assert_eq!(log.lines(), ["1 of a, attempt 1", "dropped"]);
    assert_eq!(state(&inbox, seq).await, State::Parked);
    running.stop().await;
}
