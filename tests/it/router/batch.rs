//! A batch by itself: a plain future over the events of a body, without HTTP and without a runtime.

use std::{cell::RefCell, task::Poll};

use serde::Deserialize;
use tokio::sync::mpsc;
use tower_webhook::{
    Delivery, EventRouter, Payload, State,
    providers::{learn365::Learn365, loops::Loops},
    router::Outcome,
    scheme::Authentic,
};

use super::{Ping, batch, body, outcomes, pings};
use crate::support::{Log, learn365, polled, polled_to_its_end};

#[test]
fn it_shows_its_events_before_any_is_handled() {
    let log = Log::default();
    let router = EventRouter::with_state(log.clone())
        .on(async |_: Ping, State(log): State<Log>| log.note("ran"));
    let text = body(&[("ping", r#"{"n":0}"#), ("pong", "[]"), ("ping", "{}")]);
    let batch = batch(&router, text.clone());

    assert_eq!((batch.len(), batch.is_empty()), (3, false));
    assert_eq!(batch.delivery().provider(), "loops");
    let events: Vec<_> = batch.events().collect();
    let kinds: Vec<_> = events.iter().map(|event| event.event_type().unwrap()).collect();
    assert_eq!(kinds, ["ping", "pong", "ping"]);
    let whole: Vec<_> = events.iter().map(|event| str::from_utf8(event.json()).unwrap()).collect();
    assert_eq!(format!("[{}]", whole.join(",")), text);
    drop(batch);
    assert!(log.seen().is_empty());
}

#[test]
fn an_empty_body_is_an_empty_batch() {
    let router = EventRouter::new().on(async |_: Ping| {});
    let mut batch = batch(&router, "[]");
    assert!(batch.is_empty());
    let Poll::Ready(outcome) = polled(&mut batch) else { panic!("waits") };
    assert!(outcome.outcomes.is_empty());
}

#[test]
fn its_delivery_knows_the_envelope() {
    let router = EventRouter::<Learn365>::new();
    let text = r#"{"Id":"d1","Attempt":3,"Properties":{"k": [1]},"Notifications":[]}"#;
    let delivery = Delivery::new(Authentic::dangerous_assert());
    let batch = router.dispatch(&learn365(), delivery, text.into()).unwrap();
    let delivery = batch.delivery();
    assert_eq!((delivery.id(), delivery.sender_attempt()), (Some("d1"), Some(3)));
    assert_eq!(delivery.properties(), Some(r#"{"k": [1]}"#));
}

/// Handlers note that they begin, wait for a permission each, and note that they end.
#[derive(Clone)]
struct Gate {
    log: Log,
    permissions: std::sync::Arc<tokio::sync::Mutex<mpsc::Receiver<()>>>,
}

fn gated() -> (EventRouter<Loops, Gate>, Log, mpsc::Sender<()>) {
    let (open, permissions) = mpsc::channel(8);
    let log = Log::default();
    let gate = Gate { log: log.clone(), permissions: std::sync::Arc::new(permissions.into()) };
    let router = EventRouter::with_state(gate).on(async |e: Ping, State(gate): State<Gate>| {
        gate.log.note(format!("begin {}", e.n));
        gate.permissions.lock().await.recv().await.ok_or("closed")?;
        gate.log.note(format!("end {}", e.n));
        Ok::<(), &str>(())
    });
    (router, log, open)
}

#[test]
fn events_begin_one_after_the_other() {
    let (router, log, open) = gated();
    let mut batch = batch(&router, pings(2));
    assert!(polled(&mut batch).is_pending());
    assert!(polled(&mut batch).is_pending());
    assert_eq!(log.seen(), ["begin 0"]);
    open.try_send(()).unwrap();
    assert!(polled(&mut batch).is_pending());
    assert_eq!(log.seen(), ["begin 0", "end 0", "begin 1"]);
    open.try_send(()).unwrap();
    let Poll::Ready(outcome) = polled(&mut batch) else { panic!("waits") };
    assert!(outcome.is_ok());
}

#[test]
fn dropped_on_the_way_it_is_resumed_without_what_is_done() {
    let (router, log, open) = gated();
    let mut first = batch(&router, pings(3));
    open.try_send(()).unwrap();
    assert!(first.settled().is_empty());
    assert!(polled(&mut first).is_pending());
    assert!(matches!(first.settled(), [Outcome::Handled]));
    drop(first);
    assert_eq!(log.seen(), ["begin 0", "end 0", "begin 1"]);

    let mut second = batch(&router, pings(3)).without(&[0]);
    assert_eq!(second.len(), 3);
    for _ in 0..2 {
        open.try_send(()).unwrap();
    }
    let Poll::Ready(outcome) = polled(&mut second) else { panic!("waits") };
    assert_eq!((outcome.outcomes.len(), outcome.failed()), (3, 0));
    assert_eq!(log.seen()[3..], ["begin 1", "end 1", "begin 2", "end 2"]);
}

#[test]
fn what_is_left_out_keeps_its_place() {
    let router = EventRouter::new().on(async |e: Ping| Err::<(), _>(e.n.to_string()));
    let table: [(&[usize], [&str; 3]); 4] = [
        (&[], ["failed: 0", "failed: 1", "failed: 2"]),
        (&[1], ["failed: 0", "skipped: it was handled before", "failed: 2"]),
        (
            &[2, 0, 2],
            ["skipped: it was handled before", "failed: 1", "skipped: it was handled before"],
        ),
        (&[3, usize::MAX], ["failed: 0", "failed: 1", "failed: 2"]),
    ];
    for (done, expected) in table {
        let mut batch = batch(&router, pings(3)).without(done);
        let Poll::Ready(outcome) = polled(&mut batch) else { panic!("waits") };
        let words: Vec<_> =
            outcome.outcomes.iter().map(|o| o.to_string().replace("its handler ", "")).collect();
        assert_eq!(words, expected, "{done:?}");
    }
}

#[test]
fn what_is_left_out_was_decoded_all_the_same() {
    let router = EventRouter::new().on(async |_: Ping| {});
    let mut batch = batch(&router, body(&[("ping", "0"), ("ping", "1")])).without(&[0]);
    let Poll::Ready(outcome) = polled(&mut batch) else { panic!("waits") };
    assert_eq!(outcome.failed(), 1);
    assert_eq!(outcome.outcomes[0].to_string(), "skipped: it was handled before");
}

/// A handler's future need not be `Sync`, and what awaits a batch is `Send` all the same.
#[tokio::test]
async fn a_batch_is_awaited_in_a_future_that_moves_between_threads() {
    let router = EventRouter::new().on(async |_: Ping| {
        let held = std::cell::Cell::new(1);
        tokio::task::yield_now().await;
        held.set(2);
    });
    let batch = batch(&router, pings(1));
    let both: std::pin::Pin<Box<dyn Future<Output = bool> + Send>> = Box::pin(async move {
        let shown = &batch;
        tokio::task::yield_now().await;
        let events = shown.len();
        events == 1 && batch.await.is_ok()
    });
    assert!(tokio::spawn(both).await.unwrap());
}

#[test]
fn a_poll_has_a_share_of_the_events() {
    let router = EventRouter::new().on(async |_: Ping| {});
    for (events, expected) in [(0, 1), (1, 1), (64, 1), (65, 2), (128, 2), (129, 3), (10_000, 157)]
    {
        let mut batch = batch(&router, pings(events));
        let (polls, outcome) = polled_to_its_end(&mut batch);
        assert_eq!((polls, outcome.is_ok()), (expected, true), "{events} events");
        assert_eq!(u64::try_from(outcome.outcomes.len()), Ok(events));
    }
    let mut batch = batch(&router, pings(100));
    assert!(polled(&mut batch).is_pending());
    assert_eq!(batch.settled().len(), 64);
}

/// More types than are looked through one by one.
#[test]
fn events_of_many_types_each_reach_their_handler() {
    for types in [15, 16, 17, 18, 40] {
        let log = Log::default();
        let names: Vec<_> = (0..types).map(|index| format!("type {index}")).collect();
        let router = names.iter().fold(EventRouter::with_state(log.clone()), |router, name| {
            let kind = name.clone();
            router.on_type(name.as_str(), async move |e: Ping, State(log): State<Log>| {
                log.note(format!("{kind}: {}", e.n));
            })
        });
        let twice =
            ["1", "2"].map(|n| names.iter().map(move |name| (name.as_str(), n))).into_iter();
        let (events, expected): (Vec<_>, Vec<_>) = twice
            .flatten()
            .map(|(name, n)| ((name, format!(r#"{{"n":{n}}}"#)), format!("{name}: {n}")))
            .unzip();
        let events: Vec<_> = events.iter().map(|(name, data)| (*name, data.as_str())).collect();
        assert_eq!(outcomes(&router, body(&events)), vec!["handled"; 2 * types]);
        assert_eq!(log.seen(), expected);
    }
}

thread_local! {
    static DROPPED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Tells when it is dropped.
#[derive(Deserialize)]
struct Told(u8);

impl Drop for Told {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

impl Payload for Told {
    type Provider = Loops;
}

#[test]
fn what_is_left_out_is_dropped_at_once() {
    let router = EventRouter::new().on_type("told", async |_: Told| {});
    let batch = batch(&router, body(&[("told", "1"), ("told", "2"), ("told", "3")])).without(&[1]);
    assert_eq!(DROPPED.take(), [2]);
    drop(batch);
    assert_eq!(DROPPED.take(), [1, 3]);
}
