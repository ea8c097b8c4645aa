//! A sender, an inbox and its clock, for all themes.

use std::{
    env,
    io::Write,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::Request;
use tokio::time::Instant;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Provider, VerifyLayer,
    clock::Clock,
    decode::Envelope,
    inbox::{Enqueued, Inbox, State, Stats, Store, Stored},
    scheme::{Authentic, Check, Head, VerifyError},
};

/// A sender whose deliveries are lists of `{"type": …, "data": …}`, with an id in a header.
pub(crate) struct Shop(pub(crate) &'static str);

impl Provider for Shop {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let check = Check::from(Authentic::dangerous_assert());
        Ok(match head.public_header("x-id") {
            Ok(id) => check.id(id),
            Err(_) => check,
        })
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("type", "data")
    }

    fn name(&self) -> std::borrow::Cow<'static, str> {
        self.0.into()
    }
}

/// An order, by its number.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Order {
    pub(crate) number: u64,
}

tower_webhook::event!(Order: Shop = "order");

/// A clock that shows tokio's time, which a test with `start_paused` controls.
pub(crate) struct TokioClock(Instant);

impl TokioClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.0.elapsed()
    }
}

/// The body with an order for each of these numbers.
pub(crate) fn orders(numbers: &[u64]) -> String {
    let all = numbers.iter().map(|n| format!(r#"{{"type": "order", "data": {{"number": {n}}}}}"#));
    format!("[{}]", all.collect::<Vec<_>>().join(", "))
}

/// Has the inbox receive this body from this sender.
pub(crate) async fn receive(
    inbox: &Inbox,
    sender: &'static str,
    id: &str,
    body: impl Into<Bytes>,
) -> http::Response<tower_webhook::verify::ResponseBody<Body, Body>> {
    let hook = VerifyLayer::new(Shop(sender)).layer(inbox.clone());
    let request = Request::post("/hook").header("x-id", id).body(Body::from(body.into())).unwrap();
    hook.oneshot(request).await.unwrap()
}

/// The number under which the inbox stores this body.
pub(crate) async fn stored(inbox: &Inbox, id: &str, body: impl Into<Bytes>) -> i64 {
    let answer = receive(inbox, "shop", id, body).await;
    assert_eq!(answer.status(), 200);
    match answer.extensions().get() {
        Some(&Enqueued::New(seq)) => seq,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn get(store: &dyn Store, seq: i64) -> Stored {
    store.get(seq).await.unwrap().expect("it is there")
}

pub(crate) async fn state(inbox: &Inbox, seq: i64) -> State {
    get(inbox.store(), seq).await.state
}

/// Methods of a `Store` that its field of this name has: those for operators, which the stores of these tests leave as they are.
macro_rules! as_its {
    ($store:ident) => {
        fn list(&self, filter: Filter) -> StoreFuture<'static, Vec<Stored>> {
            self.$store.list(filter)
        }

        fn get(&self, seq: i64) -> StoreFuture<'static, Option<Stored>> {
            self.$store.get(seq)
        }

        fn replay(&self, seq: i64, how: Replay) -> StoreFuture<'static, Option<i64>> {
            self.$store.replay(seq, how)
        }

        fn park(&self, seq: i64) -> StoreFuture<'static, bool> {
            self.$store.park(seq)
        }

        fn pause(&self, source: &str, is_paused: bool) -> StoreFuture<'static, ()> {
            self.$store.pause(source, is_paused)
        }

        fn purge(&self, retention: Retention) -> StoreFuture<'static, Purged> {
            self.$store.purge(retention)
        }

        fn stats(&self) -> StoreFuture<'static, Vec<Stats>> {
            self.$store.stats()
        }

        fn close(&self) -> StoreFuture<'static, ()> {
            self.$store.close()
        }
    };
}
pub(crate) use as_its;

/// The stored deliveries of the shop.
pub(crate) async fn stats(inbox: &Inbox) -> Stats {
    let all = inbox.store().stats().await.unwrap();
    all.into_iter()
        .find(|stats| &*stats.source == "shop")
        .unwrap_or_else(|| Stats::none("shop".into()))
}

/// What handlers did, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// What a test needs, or a line that says aloud that it is missing and the test was skipped. Where nothing may be missing, that
/// is a failure.
pub(crate) fn or_skipped<T>(tried: Result<T, String>) -> Option<T> {
    let is_required = env::var("TOWER_WEBHOOK_REQUIRE_SERVICES").is_ok_and(|is| is == "1");
    match tried {
        Ok(needed) => Some(needed),
        Err(skipped) if is_required => panic!("{skipped}"),
        Err(skipped) => {
            // Not `eprintln`: the output of a test that passes is not shown.
            std::io::stderr().write_all(skipped.as_bytes()).unwrap();
            None
        }
    }
}
