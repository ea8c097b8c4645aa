//! What becomes of each event, whatever its neighbours do: errors, panics, misfits, unknown types.

use std::{
    future::Future,
    panic::panic_any,
    pin::Pin,
    task::{Context, Poll},
};

use tower_webhook::{
    EventRouter, FromRef, Payload, RawEvent, State, providers::loops::Loops, router::Outcome,
};

use super::{Ping, batch, body, outcomes, pings};
use crate::support::{Log, polled};

#[test]
fn events_run_in_order_and_one_failure_hides_no_other() {
    let log = Log::default();
    let router =
        EventRouter::with_state(log.clone()).on(async |e: Ping, State(log): State<Log>| {
            log.note(e.n.to_string());
            if e.n % 2 == 1 { Err(format!("{} is odd", e.n)) } else { Ok(()) }
        });
    let results = outcomes(&router, pings(4));
    let (even, odd) = ("handled", |n| format!("its handler failed: {n} is odd"));
    assert_eq!(results, [even.into(), odd(1), even.into(), odd(3)]);
    assert_eq!(log.seen(), ["0", "1", "2", "3"]);
}

#[test]
fn the_outcome_counts_what_the_sender_must_not_take_as_delivered() {
    let router = EventRouter::new().on(async |e: Ping| if e.n > 0 { Err("no") } else { Ok(()) });
    let Poll::Ready(outcome) = polled(&mut batch(&router, pings(3))) else { panic!("waits") };
    assert_eq!((outcome.failed(), outcome.is_ok()), (2, false));
    assert!(matches!(
        outcome.outcomes[..],
        [Outcome::Handled, Outcome::Failed(_), Outcome::Failed(_)]
    ));

    let Poll::Ready(none) = polled(&mut batch(&router, "[]")) else { panic!("waits") };
    assert_eq!((none.outcomes.len(), none.failed(), none.is_ok()), (0, 0, true));
}

const MIXED: [(&str, &str); 4] =
    [("ping", r#"{"n":"x"}"#), ("pong", "{}"), ("ping", r#"{"n":2}"#), ("ping", "null")];

#[test]
fn without_a_fallback_unknown_is_ignored_and_a_misfit_fails() {
    let router = EventRouter::new().on(async |_: Ping| {});
    let results = outcomes(&router, body(&MIXED));
    assert!(
        results[0].starts_with(r#"event "ping" at `[0].data.n`: expected u64"#),
        "{}",
        results[0]
    );
    assert_eq!(results[1..3], ["no handler is registered for its type", "handled"]);
    assert!(results[3].starts_with(r#"event "ping" at `[3].data`: "#), "{}", results[3]);

    let Poll::Ready(outcome) = polled(&mut batch(&router, body(&MIXED))) else { panic!("waits") };
    assert!(matches!(outcome.outcomes[0], Outcome::Misfit(_)));
    assert!(matches!(outcome.outcomes[1], Outcome::Ignored));
    assert_eq!(outcome.failed(), 2);
}

#[test]
fn the_fallback_gets_unknown_events_and_misfits_in_their_turn() {
    let log = Log::default();
    let router = EventRouter::with_state(log.clone())
        .on(async |e: Ping, State(log): State<Log>| log.note(format!("ping {}", e.n)))
        .fallback(async |e: RawEvent, State(log): State<Log>| {
            let path = e.error().and_then(|error| error.path().map(str::to_owned));
            log.note(format!("{:?} {path:?} {}", e.event_type(), e.json().len()));
        });
    let text = body(&MIXED).replace("]", r#",7,{"type":[]}]"#);
    assert_eq!(outcomes(&router, text), ["handled"; 6]);
    let expected = [
        r#"Some("ping") Some("[0].data.n") 32"#,
        r#"Some("pong") None 25"#,
        "ping 2",
        r#"Some("ping") Some("[3].data") 27"#,
        "None None 1",
        r#"None None 11"#,
    ];
    assert_eq!(log.seen(), expected);
}

#[test]
fn a_failing_fallback_is_that_events_failure() {
    let router = EventRouter::new().on(async |_: Ping| {}).fallback(async |e: RawEvent| {
        match e.event_type() {
            Some("panic") => panic!("on purpose"),
            _ => Err("not mine"),
        }
    });
    let text = body(&[("panic", "0"), ("ping", r#"{"n":1}"#), ("other", "0")]);
    assert_eq!(
        outcomes(&router, text),
        ["its handler or its decoding panicked", "handled", "its handler failed: not mine"],
    );
}

/// Panics when cloned.
struct Unclonable;

impl Clone for Unclonable {
    fn clone(&self) -> Self {
        panic!("on purpose")
    }
}

/// Panics when dropped; as a future, it is ready at once.
struct Undroppable;

impl Drop for Undroppable {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("on purpose")
        }
    }
}

impl Future for Undroppable {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// Cannot be had from the state.
struct Unavailable;

impl FromRef<Log> for Unavailable {
    fn from_ref(_: &Log) -> Self {
        panic!("on purpose")
    }
}

struct Undecodable;

impl<'de> serde::Deserialize<'de> for Undecodable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("on purpose")
    }
}

impl Payload for Undecodable {
    type Provider = Loops;
}

/// Panics once more when the panic is taken apart.
struct Undying;

impl Drop for Undying {
    fn drop(&mut self) {
        panic!("on purpose, again")
    }
}

fn on_purpose() {
    panic!("on purpose")
}

fn undying() {
    panic_any(Undying)
}

type Register = fn(EventRouter<Loops, Log>) -> EventRouter<Loops, Log>;

/// An event `bad` whose handler panics somewhere.
const PANICS: [(&str, Register); 9] = [
    ("when called", |r| {
        r.on_type("bad", |_: Ping| -> std::future::Ready<()> { panic!("on purpose") })
    }),
    ("before the first await", |r| r.on_type("bad", async |_: Ping| on_purpose())),
    ("after it", |r| {
        r.on_type("bad", async |_: Ping| {
            tokio::task::yield_now().await;
            on_purpose();
        })
    }),
    ("in `Clone` of the handler", |r| {
        let held = Unclonable;
        r.on_type("bad", async move |_: Ping| {
            let _held = held;
        })
    }),
    ("in `Drop` of what the future holds", |r| {
        r.on_type("bad", async |_: Ping| {
            let _held = Undroppable;
            tokio::task::yield_now().await;
        })
    }),
    ("in `Drop` of the future", |r| r.on_type("bad", |_: Ping| Undroppable)),
    ("in `FromRef`", |r| r.on_type("bad", async |_: Ping, _: State<Unavailable>| {})),
    ("in `Deserialize`", |r| r.on_type("bad", async |_: Undecodable| {})),
    ("with something that panics", |r| r.on_type("bad", async |_: Ping| undying())),
];

/// Panics when dropped, come what may: two of them dropped at once abort.
#[derive(Clone)]
struct Undroppables;

impl Drop for Undroppables {
    fn drop(&mut self) {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn what_a_handler_holds_may_panic_when_dropped() {
    // Only clones of them are dropped.
    let (one, other) = (Undroppables, Undroppables);
    let router = EventRouter::<Loops>::new()
        .on_type("one", async move |_: Ping| std::mem::forget(one))
        .on_type("other", async move |_: Ping| std::mem::forget(other));
    let text = body(&[("one", r#"{"n":0}"#), ("other", r#"{"n":1}"#)]);
    let outcome = batch(&router, text).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    std::mem::forget(router);
}

#[tokio::test]
async fn a_panic_is_its_events_failure_and_the_next_is_handled() {
    for (place, register) in PANICS {
        let log = Log::default();
        let router = EventRouter::with_state(log.clone());
        let router =
            register(router.on(async |e: Ping, State(log): State<Log>| log.note(e.n.to_string())));
        let text = body(&[("ping", r#"{"n":0}"#), ("bad", r#"{"n":1}"#), ("ping", r#"{"n":2}"#)]);
        let outcome = batch(&router, text).await;
        let words: Vec<_> = outcome.outcomes.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            ["handled", "its handler or its decoding panicked", "handled"],
            "{place}"
        );
        assert_eq!(log.seen(), ["0", "2"], "{place}");
    }
}
