//! What panics when it is dropped harms nothing beside it: two such panics at once would abort the process.

use std::{
    env, fmt,
    future::{Future, pending},
    pin::Pin,
    process::Command,
    task::{Context, Poll},
};

use serde::Deserialize;
use tower_webhook::{
    BoxError, Delivery, EventRouter, Payload,
    providers::loops::Loops,
    router::{BatchOutcome, EventContext, FromContext, IntoOutcome, Outcome},
    scheme::Authentic,
};

use super::{Ping, batch, body, outcomes, pings};
use crate::support::{in_words, outcome, polled};

/// Panics when it is dropped, come what may: as an event, an error, a state, an argument, a future.
#[derive(Clone, Debug, Deserialize)]
struct Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose")
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bomb")
    }
}

impl std::error::Error for Bomb {}

impl Payload for Bomb {
    type Provider = Loops;
}

impl<S> FromContext<S> for Bomb {
    fn from_context(_: &EventContext<'_, S>) -> Self {
        Self {}
    }
}

impl Future for Bomb {
    type Output = Result<(), Self>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Err(Self {}))
    }
}

/// Panics when it is cloned, as a handler is for each event.
struct Fuse;

impl Clone for Fuse {
    fn clone(&self) -> Self {
        panic!("on purpose")
    }
}

/// An argument that cannot be had.
struct Unavailable;

impl<S> FromContext<S> for Unavailable {
    fn from_context(_: &EventContext<'_, S>) -> Self {
        panic!("on purpose")
    }
}

/// What a handler returns, and cannot be made an outcome of.
struct Inconclusive;

impl IntoOutcome for Inconclusive {
    fn into_outcome(self) -> Outcome {
        panic!("on purpose")
    }
}

fn failing() -> EventRouter<Loops> {
    EventRouter::new().on(async |_: Ping| Err::<(), _>(Bomb {}))
}

fn bombs(count: usize) -> String {
    body(&vec![("bomb", "{}"); count])
}

#[track_caller]
fn all_fail(outcome: BatchOutcome, events: usize) {
    assert_eq!(in_words(&outcome), vec!["its handler failed: bomb"; events]);
    drop(outcome);
}

const CASES: [(&str, fn()); 14] = [
    ("two errors", || all_fail(outcome(&mut batch(&failing(), pings(2))), 2)),
    ("two errors in a list of the user's", || {
        let Poll::Ready(mut outcome) = polled(&mut batch(&failing(), pings(2))) else { panic!() };
        drop(std::mem::take(&mut outcome.outcomes));
    }),
    ("two errors while another panic unwinds", || {
        let outcome = outcome(&mut batch(&failing(), pings(2)));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _outcome = outcome;
            panic!("on purpose")
        }));
        assert!(panicked.is_err());
    }),
    ("an error taken out", || {
        let mut outcome = outcome(&mut batch(&failing(), pings(2)));
        let error: BoxError = outcome.outcomes.remove(0).into_error().unwrap();
        assert!(error.is::<Bomb>() && outcome.outcomes.remove(0).into_error().is_some_and(keep));
        std::mem::forget(error);
        assert!(Outcome::Handled.into_error().is_none());
    }),
    ("a batch under way", || {
        let router = EventRouter::with_state(Bomb {}).on(async |e: Ping| {
            if e.n == 2 {
                let _held = Bomb {};
                pending::<()>().await;
            }
            Err::<(), _>(Bomb {})
        });
        let mut batch = batch(&router, pings(4));
        assert!(polled(&mut batch).is_pending());
        drop((batch, router));
    }),
    ("a batch that has not begun", || {
        let held = Bomb {};
        let router = EventRouter::with_state(Bomb {})
            .on_type("bomb", async |_: Bomb| {})
            .on(async move |_: Ping| drop(held.clone()));
        let text = [bombs(3), pings(2)].concat().replace("][", ",");
        drop(batch(&router, text));
        std::mem::forget(router);
    }),
    ("a future and its error", || {
        let router = EventRouter::new().on(|_: Ping| Bomb {});
        assert_eq!(outcomes(&router, pings(2)), ["its handler or its decoding panicked"; 2]);
    }),
    ("an event whose handler cannot be cloned", || {
        let fuse = Fuse;
        let router = EventRouter::<Loops>::new().on_type("bomb", async move |_: Bomb| {
            let _fuse = &fuse;
        });
        assert_eq!(outcomes(&router, bombs(2)), ["its handler or its decoding panicked"; 2]);
    }),
    ("an event and an argument beside one that cannot be had", || {
        let held = Bomb {};
        let router = EventRouter::<Loops>::new()
            .on_type("bomb", async move |_: Bomb, _: Bomb, _: Unavailable| drop(held));
        assert_eq!(outcomes(&router, bombs(2)), ["its handler or its decoding panicked"; 2]);
        std::mem::forget(router);
    }),
    ("an output that is no outcome", || {
        let router = EventRouter::new().on(|_: Ping| async { Inconclusive });
        assert_eq!(outcomes(&router, pings(2)), ["its handler or its decoding panicked"; 2]);
    }),
    ("events left out", || {
        let router = EventRouter::<Loops>::new().on_type("bomb", async |_: Bomb| {});
        let mut batch = batch(&router, bombs(2)).without(&[0, 1]);
        assert_eq!(in_words(&outcome(&mut batch)), ["its handler or its decoding panicked"; 2]);
    }),
    ("events of a body that is refused", || {
        let router = EventRouter::<Loops>::new().on_type("bomb", async |_: Bomb| {});
        let delivery = Delivery::new(Authentic::dangerous_assert());
        let text = bombs(2).replace(']', ",");
        let loops = Loops::dangerous_unauthenticated();
        assert!(router.dispatch(&loops, delivery, text.into()).is_err());
    }),
    ("handlers and state of a router", || {
        let (one, other) = (Bomb {}, Bomb {});
        let router = EventRouter::with_state(Bomb {})
            .on(async move |_: Ping| std::mem::forget(one))
            .on_type("bomb", async move |_: Bomb| std::mem::forget(other));
        drop(router);
    }),
    ("a handler that is refused", || {
        let (one, other) = (Bomb {}, Bomb {});
        let router =
            EventRouter::with_state(Bomb {}).on(async move |_: Ping| std::mem::forget(one));
        let refused = router.try_on_type("", async move |_: Ping| std::mem::forget(other));
        assert!(refused.is_err());
    }),
];

fn keep(error: BoxError) -> bool {
    std::mem::forget(error);
    true
}

/// The case of this name, in a process of its own.
#[test]
#[ignore = "a case of the test below, not a test"]
fn in_a_child() {
    let name = env::var("CASE").unwrap();
    let (_, case) = CASES.into_iter().find(|(case, _)| *case == name).unwrap();
    case();
}

#[test]
fn nothing_that_panics_when_dropped_ends_the_process() {
    let program = env::current_exe().unwrap();
    for (case, _) in CASES {
        let mut child = Command::new(&program);
        child.args(["--exact", "router::drops::in_a_child", "--ignored"]).env("CASE", case);
        let output = child.output().unwrap();
        let told = [&output.stdout[..], &output.stderr[..]].concat();
        assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&told));
        assert!(String::from_utf8_lossy(&told).contains("1 passed"), "{case} was not run");
    }
}
