//! A router keeps the empty lists of a batch for the next one. No event, no future and no handler outlives its batch by that,
//! however it ended.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    EventRouter, Payload, RawEvent, State, VerifyLayer, event, providers::loops::Loops,
};

use super::{Ping, batch, body, outcomes, pings};
use crate::support::{Log, TOKEN, in_words, outcome, polled, post};

/// Tells its handler what to do.
#[derive(Debug, Deserialize)]
struct Command {
    then: String,
}

event!(Command: Loops = "command");

/// Handlers that note what they get, a fallback that does, and one that does as it is told.
fn router(log: &Log) -> EventRouter<Loops, Log> {
    EventRouter::with_state(log.clone())
        .on(async |e: Ping, State(log): State<Log>| log.note(format!("ping {}", e.n)))
        .on(async |e: Command, State(log): State<Log>| {
            log.note(&*e.then);
            match &*e.then {
                "wait" => pending().await,
                "panic" => panic!("on purpose"),
                _ => {}
            }
        })
        .fallback(async |e: RawEvent, State(log): State<Log>| {
            log.note(format!("raw {}", String::from_utf8_lossy(e.json())));
        })
}

fn commands(then: &[&str]) -> String {
    let data: Vec<_> = then.iter().map(|then| format!(r#"{{"then":"{then}"}}"#)).collect();
    body(&data.iter().map(|data| ("command", data.as_str())).collect::<Vec<_>>())
}

/// The next batches of this router have their own events, each once.
#[track_caller]
fn goes_on(router: &EventRouter<Loops, Log>, log: &Log) {
    let before = log.seen().len();
    for n in 0..3 {
        let text = body(&[
            ("ping", &format!(r#"{{"n":{n}}}"#)),
            ("new", "7"),
            ("command", r#"{"then":"a"}"#),
            ("ping", r#"{"n":70}"#),
            ("command", r#"{"then":"b"}"#),
            ("ping", r#"{"n":"no number"}"#),
        ]);
        let mut batch = batch(router, text);
        assert_eq!((batch.len(), batch.settled().len()), (6, 0));
        assert_eq!(in_words(&outcome(&mut batch)), ["handled"; 6]);
        assert_eq!(batch.events().count(), 6, "the events of a batch that is done can be read");
    }
    let one = |n: usize| {
        [
            format!("ping {n}"),
            r#"raw {"type":"new","data":7}"#.into(),
            "a".into(),
            "ping 70".into(),
            "b".into(),
            r#"raw {"type":"ping","data":{"n":"no number"}}"#.into(),
        ]
    };
    assert_eq!(log.seen()[before..], [one(0), one(1), one(2)].concat());
}

#[test]
fn after_a_batch_that_was_handled() {
    let log = Log::default();
    let router = router(&log);
    for count in [0, 1, 5, 32, 33, 200] {
        assert_eq!(
            outcomes(&router, pings(count)),
            vec!["handled"; usize::try_from(count).unwrap()]
        );
        goes_on(&router, &log);
    }
}

#[test]
fn after_a_panic() {
    let log = Log::default();
    let router = router(&log);
    for then in [&["panic"][..], &["panic", "c", "panic"], &["c", "panic"]] {
        let panicked = outcomes(&router, commands(then));
        assert!(panicked.contains(&"its handler or its decoding panicked".into()));
        goes_on(&router, &log);
    }
}

#[test]
fn after_events_that_were_left_out() {
    let log = Log::default();
    let router = router(&log);
    for done in [&[0][..], &[1, 2], &[0, 1, 2], &[2, 9]] {
        let mut skipping = batch(&router, commands(&["c", "d", "e"])).without(done);
        let skipped = in_words(&outcome(&mut skipping));
        let expected = [0, 1, 2]
            .map(|n| if done.contains(&n) { "skipped: it was handled before" } else { "handled" });
        assert_eq!(skipped, expected);
        drop(skipping);
        goes_on(&router, &log);
    }
}

#[test]
fn after_a_batch_that_was_dropped() {
    let log = Log::default();
    let router = router(&log);
    drop(batch(&router, commands(&["c"])));
    goes_on(&router, &log);
    let mut waiting = batch(&router, commands(&["c", "wait", "d"]));
    assert!(polled(&mut waiting).is_pending());
    // While the first one waits, others come and go.
    goes_on(&router, &log);
    drop(waiting);
    goes_on(&router, &log);
}

#[test]
fn after_a_body_that_was_refused() {
    let log = Log::default();
    let router = router(&log);
    for text in ["[", r#"[{"type":"command","data":{"then":"c"}},{]"#] {
        let delivery =
            tower_webhook::Delivery::new(tower_webhook::scheme::Authentic::dangerous_assert());
        let provider = Loops::dangerous_unauthenticated();
        assert!(router.dispatch(&provider, delivery, text.into()).is_err());
        goes_on(&router, &log);
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_event_that_took_too_long() {
    let log = Log::default();
    let router = router(&log).event_timeout(Duration::from_secs(60));
    let hook = VerifyLayer::new(crate::support::loops()).layer(router.clone());
    for then in [&["wait"][..], &["c", "wait", "d"]] {
        let answer = hook.clone().oneshot(post(TOKEN, commands(then))).await.unwrap();
        assert_eq!(answer.status(), 500);
        goes_on(&router, &log);
    }
}

#[test]
fn batches_of_many_types_are_handled_alike() {
    let log = Log::default();
    let router = (0..40).fold(router(&log), |router, n| {
        router.on_type(format!("t{n}"), async move |e: Ping, State(log): State<Log>| {
            log.note(format!("t{n} {}", e.n));
        })
    });
    for types in [40, 3, 16, 17, 40] {
        let before = log.seen().len();
        let names: Vec<_> = (0..types).map(|n| format!("t{n}")).collect();
        let all: Vec<_> = names.iter().map(|name| (name.as_str(), r#"{"n":1}"#)).collect();
        assert_eq!(outcomes(&router, body(&all)), vec!["handled"; types]);
        assert_eq!(
            log.seen()[before..],
            names.iter().map(|n| format!("{n} 1")).collect::<Vec<_>>()
        );
        goes_on(&router, &log);
    }
}

fn with_late(router: EventRouter<Loops, Log>) -> EventRouter<Loops, Log> {
    router.on_type("late", async |_: Ping, State(log): State<Log>| log.note("late"))
}

/// Its lists meet handlers that were registered after they were made.
#[test]
fn a_router_that_was_used_can_be_changed() {
    let log = Log::default();
    let router = router(&log);
    goes_on(&router, &log);
    let router = with_late(router);
    goes_on(&router, &log);
    assert_eq!(outcomes(&router, body(&[("late", r#"{"n":1}"#)])), ["handled"]);
    assert_eq!(log.seen().last().unwrap(), "late");
    goes_on(&router, &log);
}

#[test]
fn two_batches_at_a_time_have_lists_of_their_own() {
    let log = Log::default();
    let router = router(&log);
    goes_on(&router, &log);
    let mut first = batch(&router, commands(&["a", "b"]));
    let mut second = batch(&router, commands(&["c"]));
    assert_eq!(in_words(&outcome(&mut second)), ["handled"]);
    drop(second);
    let mut third = batch(&router, commands(&["d", "e", "f"]));
    assert_eq!(in_words(&outcome(&mut first)), ["handled"; 2]);
    drop(first);
    assert_eq!(in_words(&outcome(&mut third)), ["handled"; 3]);
    let seen = log.seen();
    assert_eq!(seen[seen.len() - 6..], ["c", "a", "b", "d", "e", "f"]);
    drop(third);
    goes_on(&router, &log);
}

/// A router that was changed has handlers of its own, and each calls its own.
#[test]
fn a_changed_clone_does_not_get_the_lists_of_the_other() {
    let log = Log::default();
    let first = router(&log);
    goes_on(&first, &log);
    let second = with_late(first.clone());
    goes_on(&first, &log);
    goes_on(&second, &log);
    assert_eq!(outcomes(&second, body(&[("late", r#"{"n":1}"#)])), ["handled"]);
    assert_eq!(log.seen().last().unwrap(), "late");
    assert_eq!(outcomes(&first, body(&[("late", "1")])), ["handled"]);
    assert_eq!(log.seen().last().unwrap(), r#"raw {"type":"late","data":1}"#);
}

static EVENTS: AtomicUsize = AtomicUsize::new(0);

/// Counts how many of it there are.
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer)?;
        EVENTS.fetch_add(1, Ordering::Relaxed);
        Ok(Self)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        EVENTS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Payload for Counted {
    type Provider = Loops;
}

#[test]
fn nothing_of_a_batch_is_left_when_it_is_done() {
    let captured = Arc::new(());
    let held = captured.clone();
    let panics = Arc::new(AtomicUsize::new(0));
    let left = panics.clone();
    let router = EventRouter::<Loops>::new().on_type("counted", async move |event: Counted| {
        let _held = (event, held.clone());
        if left.fetch_sub(left.load(Ordering::Relaxed).min(1), Ordering::Relaxed) == 1 {
            panic!("on purpose");
        }
    });
    let registered = Arc::strong_count(&captured);
    let is_clean = || {
        assert_eq!((EVENTS.load(Ordering::Relaxed), Arc::strong_count(&captured)), (0, registered));
    };
    for count in [1, 3, 50] {
        let mut batch = batch(&router, body(&vec![("counted", "1"); count]));
        assert_eq!(EVENTS.load(Ordering::Relaxed), count);
        assert_eq!(in_words(&outcome(&mut batch)), vec!["handled"; count]);
        is_clean();
        drop(batch);
        is_clean();
        panics.store(1, Ordering::Relaxed);
        let mut panicking = super::batch(&router, body(&vec![("counted", "1"); count]));
        assert_eq!(outcome(&mut panicking).failed(), 1);
        is_clean();
        drop(panicking);
        drop(super::batch(&router, body(&vec![("counted", "1"); count])).without(&[0]));
        is_clean();
    }
    drop(router);
    assert_eq!(Arc::strong_count(&captured), 1);
}
