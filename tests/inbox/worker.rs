//! The worker: what becomes of a stored delivery.

mod absent;
mod ahead;
mod failing;
mod leases;
mod stopping;

use std::{
    future::{Future, pending},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tower_webhook::{
    Delivery, EventRouter, RawEvent, State as Shared,
    clock::ManualClock,
    inbox::{
        Ack, DeadReason, Enqueued, Filter, Inbox, MemoryStore, Replay, Retention, State, Store,
        Worker,
    },
    router::EventKey,
};

use crate::{
    it_support::Traces,
    support::{Log, Order, Shop, TokioClock, as_its, get, orders, receive, state, stats, stored},
};

fn inbox() -> Inbox {
    Inbox::new(MemoryStore::with_clock(TokioClock::new()))
}

/// A worker that runs until it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    worker: JoinHandle<()>,
}

impl Running {
    fn start(worker: Worker) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
        Self { stop, worker }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.worker.await.unwrap();
    }

    /// As a process that is killed.
    async fn kill(self) {
        self.worker.abort();
        assert!(self.worker.await.unwrap_err().is_cancelled());
    }
}

/// A router that logs each order, and lets `handler` decide.
fn router<F: Future<Output = Result<(), tower_webhook::BoxError>> + Send + 'static>(
    log: &Log,
    handler: impl Fn(u64, u32) -> F + Send + Sync + 'static,
) -> EventRouter<Shop, Log> {
    let handler = Arc::new(handler);
    EventRouter::with_state(log.clone()).on(
        move |order: Order, d: Delivery, Shared(log): Shared<Log>| {
            let handler = handler.clone();
            async move {
                log.add(format!(
                    "{} of {}, attempt {}",
                    order.number,
                    d.id().unwrap(),
                    d.attempt()
                ));
                handler(order.number, d.attempt()).await
            }
        },
    )
}

fn worker(inbox: &Inbox, events: EventRouter<Shop, Log>) -> Worker {
    Worker::new(inbox.clone()).on(Shop("shop"), events)
}

/// Never handles the second event at its first attempt.
async fn hangs(number: u64, attempt: u32) -> Result<(), tower_webhook::BoxError> {
    match (number, attempt) {
        (2, 1) => pending().await,
        _ => Ok(()),
    }
}

/// Waits until no delivery of the shop waits or is being handled.
async fn idle(inbox: &Inbox) {
    let begun = Instant::now();
    loop {
        let stats = stats(inbox).await;
        if stats.ready + stats.leased == 0 {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(24 * 60 * 60), "{stats:?}");
        sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_is_handled_in_order() {
    let (inbox, log) = (inbox(), Log::default());
    for id in ["a", "b"] {
        stored(&inbox, id, orders(&[1, 2])).await;
    }
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))).concurrency(1));
    idle(&inbox).await;
    let third = stored(&inbox, "c", orders(&[3])).await;
    idle(&inbox).await;
    running.stop().await;
    let of = |number, id| format!("{number} of {id}, attempt 1");
    assert_eq!(log.lines(), [of(1, "a"), of(2, "a"), of(1, "b"), of(2, "b"), of(3, "c")]);
    let done = get(inbox.store(), third).await;
    assert_eq!((done.state, done.attempts, done.error), (State::Done, 1, None));
    assert_eq!(stats(&inbox).await.done, 3);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_wakes_the_worker() {
    let (inbox, log) = (inbox(), Log::default());
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    sleep(Duration::from_millis(1)).await;
    let begun = Instant::now();
    stored(&inbox, "a", orders(&[1])).await;
    idle(&inbox).await;
    assert!(begun.elapsed() < Duration::from_millis(50), "it did not wait for its next look");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_there_is_more_the_worker_does_not_pause() {
    let (inbox, log) = (inbox(), Log::default());
    for id in 0..60 {
        stored(&inbox, &id.to_string(), orders(&[id])).await;
    }
    let begun = Instant::now();
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))).concurrency(2));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines().len(), 60);
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_the_facts_of_the_request() {
    let (inbox, log) = (inbox(), Log::default());
    let events = EventRouter::with_state(log.clone()).on(
        async |_: Order, d: Delivery, Shared(log): Shared<Log>| {
            log.add(format!(
                "{} {:?} {:?} {:?} {} {}",
                d.provider(),
                d.id(),
                d.tenant(),
                d.header("x-id"),
                d.attempt(),
                d.is_last_attempt(),
            ));
            assert!(d.received_at().elapsed().unwrap() < Duration::from_secs(60));
        },
    );
    let tenant = inbox.clone().tenant("north");
    stored(&tenant, "a", orders(&[1])).await;
    let running = Running::start(worker(&inbox, events).max_attempts(1));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines(), [r#"shop Some("a") Some("north") Some("a") 1 true"#]);
}

#[tokio::test(start_paused = true)]
async fn e16_an_event_has_the_key_that_it_has_without_an_inbox() {
    let (inbox, log) = (inbox(), Log::default());
    let events = EventRouter::with_state(log.clone()).on(
        async |_: Order, d: Delivery, key: Option<EventKey>, Shared(log): Shared<Log>| {
            assert_eq!(key, EventKey::new(&d, key.unwrap().index()));
            log.add(key.unwrap().to_string());
        },
    );
    let seq = stored(&inbox, "a", orders(&[1, 2])).await;
    let running = Running::start(worker(&inbox, events));
    idle(&inbox).await;
    inbox.store().replay(seq, Replay::All).await.unwrap();
    idle(&inbox).await;
    running.stop().await;
    let lines = log.lines();
    assert_eq!(lines[..2], lines[2..]);
    assert!(lines[0].ends_with("-0") && lines[1].ends_with("-1"), "{lines:?}");
    assert_eq!(lines[0].split('-').next(), lines[1].split('-').next());
}

#[tokio::test(start_paused = true)]
async fn events_of_two_tenants_have_different_keys() {
    let (inbox, log) = (inbox(), Log::default());
    let events = EventRouter::with_state(log.clone()).on(
        async |_: Order, key: Option<EventKey>, Shared(log): Shared<Log>| {
            log.add(key.unwrap().to_string());
        },
    );
    for tenant in [None, Some("north"), Some("south")] {
        let inbox = tenant.map_or(inbox.clone(), |tenant| inbox.clone().tenant(tenant));
        stored(&inbox, "a", orders(&[1])).await;
    }
    let running = Running::start(worker(&inbox, events));
    idle(&inbox).await;
    running.stop().await;
    let different: std::collections::HashSet<_> = log.lines().into_iter().collect();
    assert_eq!(different.len(), 3);
}

/// Not every database can keep one.
#[tokio::test(start_paused = true)]
async fn a_nul_is_replaced_and_still_distinguishes() {
    let inbox = inbox();
    for tenant in ["no\0rth", "no\u{fffd}rth"] {
        let seq = stored(&inbox.clone().tenant(tenant), "a", orders(&[1])).await;
        assert_eq!(get(inbox.store(), seq).await.record.tenant.as_deref(), Some("no\u{fffd}rth"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_without_sql_has_no_statement_to_acknowledge_with() {
    let (inbox, log) = (inbox(), Log::default());
    let events = EventRouter::with_state(log.clone()).on(
        async |_: Order, ack: Ack, Shared(log): Shared<Log>| {
            log.add(format!("{:?} {:?}", ack.sql(), ack.parameters()));
        },
    );
    stored(&inbox, "a", orders(&[1, 2])).await;
    let running = Running::start(worker(&inbox, events));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines(), ["None [0, 0, 0]", "None [0, 0, 1]"]);
}

#[tokio::test(start_paused = true)]
async fn the_operator_is_told_what_failed_and_what_nobody_handles() {
    let traces = Traces::here();
    let (inbox, log) = (inbox(), Log::default());
    stored(&inbox, "a", orders(&[1])).await;
    receive(&inbox, "other", "b", orders(&[2])).await;
    // Nobody handles this one, and nobody has to.
    receive(&inbox, "aside", "c", orders(&[3])).await;
    assert_eq!(inbox.store().park(3).await, Ok(true));
    let events = router(&log, async |_, attempt| match attempt {
        1 => Err("the bank is closed".into()),
        _ => Ok(()),
    });
    let worker = worker(&inbox, events);
    assert_eq!(format!("{worker:?}"), "Worker { senders: [\"shop\"], .. }");
    let running = Running::start(worker);
    idle(&inbox).await;
    running.stop().await;
    let seen = traces.seen();
    let [unhandled, failed] = &seen[..] else { panic!("{seen:#?}") };
    let expected =
        "WARN message=inbox: 1 deliveries of `other` wait, and this worker has no handlers for it";
    assert_eq!(unhandled, expected);
    assert!(failed.starts_with("ERROR message=webhook event not handled"), "{failed}");
    assert!(failed.ends_with("reason=its handler failed: the bank is closed"), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn f26_as_many_are_handled_at_once_as_are_allowed() {
    let (inbox, log) = (inbox(), Log::default());
    for id in 0..10 {
        stored(&inbox, &id.to_string(), orders(&[id])).await;
    }
    let running =
        Running::start(worker(&inbox, router(&log, async |_, _| pending().await)).concurrency(3));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(log.lines().len(), 3);
    // As many again are leased ahead, and others are left to other workers.
    assert_eq!((stats(&inbox).await.leased, stats(&inbox).await.ready), (6, 4));
    running.kill().await;
}

#[tokio::test(start_paused = true)]
async fn f30_a_sender_without_handlers_waits_and_holds_up_nobody() {
    let (inbox, log) = (inbox(), Log::default());
    for id in 0..100 {
        receive(&inbox, "other", &id.to_string(), orders(&[id])).await;
    }
    let own = stored(&inbox, "a", orders(&[1])).await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(state(&inbox, own).await, State::Done);
    let waiting = Filter { source: Some("other".into()), ..Filter::default() };
    let waiting = inbox.store().list(waiting).await.unwrap();
    assert_eq!(waiting.len(), 100);
    assert!(waiting.iter().all(|one| one.state == State::Ready && one.attempts == 0));
}

/// Even if there are more senders than places.
#[tokio::test(start_paused = true)]
async fn f26_a_sender_with_many_does_not_hold_up_one_with_few() {
    let (inbox, log) = (inbox(), Log::default());
    for id in 0..50 {
        receive(&inbox, "big", &id.to_string(), orders(&[id])).await;
    }
    receive(&inbox, "small", "last", orders(&[100])).await;
    let events = || router(&log, async |_, _| Ok(()));
    let worker = Worker::new(inbox.clone()).on(Shop("big"), events()).on(Shop("small"), events());
    let running = Running::start(worker.concurrency(1));
    sleep(Duration::from_secs(60)).await;
    running.stop().await;
    let lines = log.lines();
    assert_eq!(lines.len(), 51);
    let place = lines.iter().position(|line| line.contains("of last")).unwrap();
    assert!(place < 4, "{place}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_sender_uses_up_no_attempts() {
    let (inbox, log) = (inbox(), Log::default());
    inbox.store().pause("shop", true).await.unwrap();
    let seq = stored(&inbox, "a", orders(&[1])).await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    sleep(Duration::from_secs(3600)).await;
    assert_eq!((state(&inbox, seq).await, log.lines().len()), (State::Ready, 0));
    inbox.store().pause("shop", false).await.unwrap();
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines(), ["1 of a, attempt 1"]);
}

#[tokio::test(start_paused = true)]
async fn e10_a_copy_is_handled_once() {
    let (inbox, log) = (inbox(), Log::default());
    for _ in 0..3 {
        assert_eq!(receive(&inbox, "shop", "a", orders(&[1])).await.status(), 200);
    }
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    idle(&inbox).await;
    assert_eq!(receive(&inbox, "shop", "a", orders(&[1])).await.status(), 200);
    sleep(Duration::from_secs(60)).await;
    running.stop().await;
    assert_eq!(log.lines(), ["1 of a, attempt 1"]);
}

#[tokio::test(start_paused = true)]
async fn f3_a_copy_of_what_is_being_handled_is_answered_at_once() {
    let (inbox, log) = (inbox(), Log::default());
    let first = stored(&inbox, "a", orders(&[1])).await;
    let events = router(&log, async |_, _| {
        sleep(Duration::from_secs(20)).await;
        Ok(())
    });
    let running = Running::start(worker(&inbox, events));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(state(&inbox, first).await, State::Leased);
    let begun = Instant::now();
    let copy = receive(&inbox, "shop", "a", orders(&[1])).await;
    assert_eq!((copy.status().as_u16(), begun.elapsed()), (200, Duration::ZERO));
    let expected = Enqueued::Duplicate { first, body_differs: false };
    assert_eq!(copy.extensions().get(), Some(&expected));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!(log.lines(), ["1 of a, attempt 1"]);
}

#[tokio::test(start_paused = true)]
async fn c10_a_list_without_events_is_done_at_once() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", "[]").await;
    let running = Running::start(worker(&inbox, router(&log, async |_, _| Ok(()))));
    idle(&inbox).await;
    running.stop().await;
    assert_eq!((state(&inbox, seq).await, log.lines().len()), (State::Done, 0));
}

#[tokio::test(start_paused = true)]
async fn deliveries_of_one_order_key_are_handled_one_after_the_other() {
    let inbox = inbox().order_by(|_, _| Some(b"one".to_vec()));
    let log = Log::default();
    for id in ["a", "b"] {
        stored(&inbox, id, orders(&[1])).await;
    }
    let running = Running::start(worker(
        &inbox,
        router(&log, async |_, attempt| match attempt {
            1 => Err("the first time".into()),
            _ => Ok(()),
        }),
    ));
    idle(&inbox).await;
    running.stop().await;
    let of = |id, attempt| format!("1 of {id}, attempt {attempt}");
    assert_eq!(log.lines(), [of("a", 1), of("a", 2), of("b", 1), of("b", 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_removed_by_the_worker() {
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    let retention = Retention { bodies: Duration::from_secs(600), ..Retention::default() };
    let worker = worker(&inbox, router(&log, async |_, _| Ok(()))).retention(retention);
    let running = Running::start(worker);
    idle(&inbox).await;
    assert!(!get(inbox.store(), seq).await.record.body.is_empty());
    sleep(Duration::from_secs(3700)).await;
    assert!(get(inbox.store(), seq).await.record.body.is_empty());
    assert_eq!(inbox.store().replay(seq, Replay::All).await, Ok(None), "its body is gone");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_looked_for_once_per_hour() {
    const MINUTE: Duration = Duration::from_secs(60);
    let (inbox, log) = (inbox(), Log::default());
    let seq = stored(&inbox, "a", orders(&[1])).await;
    let retention = Retention { bodies: 30 * MINUTE, ..Retention::default() };
    let worker = worker(&inbox, router(&log, async |_, _| Ok(()))).retention(retention);
    let running = Running::start(worker);
    let has_body = async || !get(inbox.store(), seq).await.record.body.is_empty();
    sleep(59 * MINUTE).await;
    assert!(has_body().await);
    sleep(2 * MINUTE).await;
    assert!(!has_body().await);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_if_so_desired() {
    for (retention, is_kept) in [(None, true), (Some(Retention::default()), false)] {
        let clock = ManualClock::at_unix_seconds(1_800_000_000);
        let inbox = Inbox::new(MemoryStore::with_clock(clock.clone()));
        let seq = stored(&inbox, "a", orders(&[1])).await;
        let worker = worker(&inbox, router(&Log::default(), async |_, _| Ok(())));
        let running = Running::start(worker.retention(retention));
        idle(&inbox).await;
        clock.advance(Duration::from_secs(50 * 24 * 3600));
        sleep(Duration::from_secs(3700)).await;
        assert_eq!(!get(inbox.store(), seq).await.record.body.is_empty(), is_kept);
        running.stop().await;
    }
}

#[test]
#[should_panic(expected = "changes with the source code: implement `Provider::name`")]
fn a_name_that_is_a_path_of_the_source_is_refused() {
    let events = EventRouter::<Shop, Log>::with_state(Log::default());
    drop(Worker::new(Inbox::new(MemoryStore::new())).on(Shop("my_app::Shop"), events));
}

#[test]
#[should_panic(expected = "`shop` has handlers already")]
fn a_second_sender_of_one_name_is_refused() {
    let inbox = Inbox::new(MemoryStore::new());
    let log = Log::default();
    let events = || EventRouter::<Shop, Log>::with_state(log.clone());
    drop(Worker::new(inbox).on(Shop("shop"), events()).on(Shop("shop"), events()));
}

/// Why a delivery is dead.
async fn dead(inbox: &Inbox, seq: i64) -> (DeadReason, String) {
    let dead = get(inbox.store(), seq).await;
    assert_eq!(dead.state, State::Dead);
    (dead.reason.unwrap(), dead.error.unwrap().to_string())
}

fn raw(event: &RawEvent) -> String {
    event.event_type().unwrap_or("?").to_owned()
}
