//! The end of a worker.

use super::*;

#[tokio::test(start_paused = true)]
async fn f25_what_is_being_handled_ends_and_what_waits_is_given_back() {
    let (inbox, log) = (inbox(), Log::default());
    for id in ["a", "b", "c"] {
        stored(&inbox, id, orders(&[1])).await;
    }
    let events = router(&log, async |_, _| {
        sleep(Duration::from_secs(15)).await;
        Ok(())
    });
    let running = Running::start(worker(&inbox, events).concurrency(1));
    sleep(Duration::from_secs(1)).await;
    running.stop().await;
    assert_eq!(log.lines(), ["1 of a, attempt 1"]);
    let all = inbox.store().list(Filter::default()).await.unwrap();
    let states: Vec<_> = all.iter().map(|one| (one.state, one.attempts)).collect();
    // What has not begun is no attempt.
    assert_eq!(states, [(State::Done, 1), (State::Ready, 0), (State::Ready, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_end_is_dropped_and_its_delivery_handled_again() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1, 2])).await;
    let running = Running::start(worker(&inbox, router(&log, hangs)));
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    running.stop().await;
    assert_eq!(begun.elapsed().as_secs(), 20);
    let given_back = get(inbox.store(), seq).await;
    assert_eq!((given_back.state, given_back.attempts), (State::Ready, 1));
    let why = given_back.error.unwrap();
    assert_eq!(&*why, "the worker was stopped in the middle of it");
    let begun = Instant::now();
    let running = Running::start(worker(&inbox, router(&log, hangs)));
    idle(&inbox).await;
    running.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "it need not wait for the lease");
    let of = |number, attempt| format!("{number} of a, attempt {attempt}");
    assert_eq!(log.lines(), [of(1, 1), of(2, 1), of(2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_stopped_at_once_claims_nothing() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    worker(&inbox, router(&log, async |_, _| Ok(()))).run(async {}).await;
    assert_eq!((state(&inbox, seq).await, log.lines().len()), (State::Ready, 0));
}
