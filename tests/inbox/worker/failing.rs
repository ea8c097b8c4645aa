//! Handlers that fail: again later, or dead.

use super::*;
use tower_webhook::{BoxError, router::Failure};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_failed_delivery_is_handled_again_after_a_pause() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    let events = router(&log, async |_, attempt| match attempt {
        4 => Ok(()),
        _ => Err("not yet".into()),
    });
    let begun = Instant::now();
    let running = Running::start(worker(&inbox, events).backoff(SECOND, 60 * SECOND));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines().len(), 4);
    // At most 1, 2 and 4 seconds, each with one look.
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    let done = get(inbox.store(), seq).await;
    assert_eq!((done.state, done.attempts, done.error), (State::Done, 4, None));
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_differ() {
    let (inbox, log) = (inbox(), Log::default());
    for id in 0..40 {
        stored(&inbox, &id.to_string(), orders(&[id])).await;
    }
    let begun = Instant::now();
    let times = Log::default();
    let seen = times.clone();
    let events = router(&log, move |_, attempt| {
        seen.add(format!("{attempt} {}", begun.elapsed().as_secs()));
        async { Err("no".into()) }
    });
    let worker = worker(&inbox, events).concurrency(40).max_attempts(3);
    let running = Running::start(worker.backoff(100 * SECOND, 150 * SECOND));
    idle(&inbox).await;
    running.stop().await;
    let seconds = |attempt: &str| -> Vec<u64> {
        let lines = times.lines();
        let of = lines.iter().filter_map(|line| line.strip_prefix(attempt)?.trim().parse().ok());
        of.collect()
    };
    assert!(seconds("1 ").iter().all(|&at| at == 0));
    let second = seconds("2 ");
    assert!(second.iter().all(|&at| at <= 101), "{second:?}");
    // If 40 pauses are random within 100 s, then they are spread: the chance that they are not is below 10⁻⁹.
    assert!(second.iter().any(|&at| at < 50) && second.iter().any(|&at| at > 50), "{second:?}");
    let third = seconds("3 ");
    assert!(third.iter().any(|&at| at > 101), "{third:?}");
    assert!(third.iter().all(|&at| at <= 252), "at most the longest: {third:?}");
}

#[tokio::test(start_paused = true)]
async fn f15_after_the_last_attempt_it_is_dead() {
    let traces = Traces::here();
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    let events = EventRouter::with_state(log.clone()).on(
        async |_: Order, d: Delivery, Shared(log): Shared<Log>| {
            log.add(format!("{} {}", d.attempt(), d.is_last_attempt()));
            Err::<(), BoxError>("the bank is closed".into())
        },
    );
    let running = Running::start(worker(&inbox, events).max_attempts(3));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines(), ["1 false", "2 false", "3 true"]);
    let why = "its handler failed: the bank is closed".to_owned();
    let told = format!(
        r#"ERROR message=webhook delivery dead provider="shop" delivery={seq} reason="exhausted" error="{why}""#
    );
    assert_eq!(traces.seen().last(), Some(&told));
    assert_eq!(dead(&inbox, seq).await, (DeadReason::Exhausted, why));
}

#[tokio::test(start_paused = true)]
async fn a_handler_chooses_the_pause() {
    let (inbox, log) = (inbox(), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    let begun = Instant::now();
    let events =
        EventRouter::with_state(log.clone()).on(async |_: Order, d: Delivery| match d.attempt() {
            1 => Err(Failure::retry_after(600 * SECOND, "busy")),
            _ => Ok(()),
        });
    let running = Running::start(worker(&inbox, events));
    idle(&inbox).await;
    running.stop().await;
    let waited = begun.elapsed();
    assert!(waited >= 600 * SECOND && waited < 601 * SECOND, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn f13_a_handler_gives_an_event_up_and_the_others_are_handled() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1, 2, 3])).await;
    let events = EventRouter::with_state(log.clone()).on(
        async |order: Order, d: Delivery, Shared(log): Shared<Log>| {
            log.add(format!("{} {}", order.number, d.attempt()));
            match (order.number, d.attempt()) {
                (1, _) => Err(Failure::dead("no such customer")),
                (2, 1) => Err(Failure::from("busy")),
                _ => Ok(()),
            }
        },
    );
    let running = Running::start(worker(&inbox, events.clone()));
    idle(&inbox).await;
    // What was given up and what was handled is left out.
    assert_eq!(log.lines(), ["1 1", "2 1", "3 1", "2 2"]);
    let (reason, why) = dead(&inbox, seq).await;
    assert_eq!((reason, &*why), (DeadReason::Refused, "an event was given up before"));
    // The rest is what was given up.
    assert_eq!(inbox.store().replay(seq, Replay::Rest).await, Ok(Some(seq)));
    idle(&inbox).await;
    assert_eq!(log.lines()[4..], ["1 1"]);
    let why = "its handler gave it up: no such customer".to_owned();
    assert_eq!(dead(&inbox, seq).await, (DeadReason::Refused, why));
    inbox.store().replay(seq, Replay::All).await.unwrap();
    idle(&inbox).await;
    assert_eq!(log.lines()[5..], ["1 1", "2 1", "3 1", "2 2"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_done_once_the_rest_of_its_events_is() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1, 2])).await;
    let events = router(&log, async |number, attempt| match (number, attempt) {
        (2, 1) => Err("busy".into()),
        _ => Ok(()),
    });
    let running = Running::start(worker(&inbox, events));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(state(&inbox, seq).await, State::Done);
    assert_eq!(log.lines().len(), 3);
}

/// The one that depends comes first. It fails until the other one was handled.
#[tokio::test(start_paused = true)]
async fn f20_what_depends_on_a_later_delivery_is_tried_again() {
    let (inbox, log) = (inbox(), Log::default());
    let dependent = stored(&inbox, "late", orders(&[2])).await;
    let seen = log.clone();
    let events = router(&log, move |number, _| {
        let is_there = seen.lines().iter().any(|line| line.starts_with("1 of early"));
        async move { if number == 2 && !is_there { Err("no such order".into()) } else { Ok(()) } }
    });
    let running = Running::start(worker(&inbox, events));
    sleep(Duration::from_secs(3)).await;
    stored(&inbox, "early", orders(&[1])).await;
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(state(&inbox, dependent).await, State::Done);
    assert!(log.lines().contains(&"1 of early, attempt 1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn f10_f11_a_panic_and_a_timeout_are_failures() {
    let (inbox, log) = (inbox(), Log::default());
    stored(&inbox, "a", orders(&[1, 2, 3])).await;
    let events = router(&log, async |number, attempt| match (number, attempt) {
        (1, 1) => panic!("a bug"),
        (2, 1) => pending().await,
        _ => Ok(()),
    });
    let running = Running::start(worker(&inbox, events.event_timeout(300 * SECOND)));
    idle(&inbox).await;
    running.stop().await;
    let of = |number, attempt| format!("{number} of a, attempt {attempt}");
    assert_eq!(log.lines(), [of(1, 1), of(2, 1), of(3, 1), of(1, 2), of(2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn c37_f27_a_body_that_cannot_be_read_is_dead_and_can_be_replayed() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", "[{]").await;
    let misfit = stored(&inbox, "b", r#"[{"type": "order", "data": {"number": "one"}}]"#).await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    idle(&inbox).await;
    let (reason, why) = dead(&inbox, seq).await;
    assert_eq!(reason, DeadReason::Undecodable);
    assert_eq!(why, "the body lacks a member name at byte 2");
    let (reason, why) = dead(&inbox, misfit).await;
    assert_eq!(reason, DeadReason::Undecodable);
    assert!(why.contains("number"), "{why}");
    running.stop().await;

    // A new version of the program has a fallback.
    let events = router(&log, async |_, _| Ok(()));
    let events = events.fallback(async |event: RawEvent, Shared(log): Shared<Log>| {
        log.add(format!("unfit {}", raw(&event)));
    });
    inbox.store().replay(misfit, Replay::Rest).await.unwrap();
    let running = Running::start(worker(&inbox, events));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines(), ["unfit order"]);
    assert_eq!(state(&inbox, misfit).await, State::Done);
}
