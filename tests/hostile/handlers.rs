//! F10, F11 and F25: handlers that panic or never end, and the end of a receiver.

use std::{future::pending, pin::pin, time::Duration};

use serde::{Deserialize, Deserializer};
use tokio::time::timeout;
use tower_webhook::Payload;

use super::*;
use crate::{
    endpoint::{Gate, body, event, noting},
    raw::{Raw, good},
    server::until,
};

/// An event that cannot be decoded without a panic.
struct Unreadable;

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("a test's own, in a Deserialize")
    }
}

impl Payload for Unreadable {
    type Provider = Loops;
}

/// An event that cannot be dropped without one.
#[derive(Deserialize)]
struct Undroppable {}

impl Drop for Undroppable {
    fn drop(&mut self) {
        panic!("a test's own, in a Drop");
    }
}

impl Payload for Undroppable {
    type Provider = Loops;
}

/// An event that does no harm of its own.
#[derive(Deserialize)]
struct Plain {}

impl Payload for Plain {
    type Provider = Loops;
}

/// The answer to a body with the event `kind` between two others.
async fn between(raw: &mut Raw, kind: &str) -> u16 {
    let odd = format!(r#"{{"type":"{kind}","data":{{}}}}"#);
    raw.send(good(&format!("[{},{odd},{}]", event("before"), event("after")))).await;
    raw.answer().await.unwrap().status()
}

#[tokio::test]
async fn f10_a_panic_is_one_event_s_failure_wherever_it_is() {
    let log = Log::default();
    let events = noting(&log)
        .on_type("DECODED", async |_: Unreadable| {})
        .on_type("DROPPED", async |_: Undroppable| {})
        .on_type("AT ONCE", async |_: Plain| -> () { panic!("a test's own") })
        .on_type("LATER", async |_: Plain| -> () {
            tokio::task::yield_now().await;
            panic!("a test's own, behind an await")
        })
        .on_type("BEFORE ANY", |_: Plain| -> std::future::Ready<()> {
            panic!("a test's own, at first")
        });
    let server = Server::start(VerifyLayer::new(loops()).layer(events.clone())).await;
    let mut raw = server.connect().await;
    for kind in ["DECODED", "DROPPED", "AT ONCE", "LATER", "BEFORE ANY"] {
        let handled = log.seen().len();
        assert_eq!(between(&mut raw, kind).await, 500, "F10: {kind}");
        assert_eq!(log.seen()[handled..], ["before", "after"], "F10: {kind}");
        raw.send(good(&body("next"))).await;
        assert_eq!(raw.answer().await.unwrap().status(), 200, "F10: {kind}, and the connection");
    }
    timeout(PATIENCE, events.drain()).await.expect("F10: no panic keeps a place");
}

#[tokio::test]
async fn f10_a_panic_behind_the_back_of_its_sender_keeps_no_place() {
    let gate = Gate::closed();
    let events = gate.events().max_batches(1);
    let server = Server::without_half_close(VerifyLayer::new(loops()).layer(events.clone())).await;
    let mut raw = server.connect().await;
    raw.send(good(&body("doomed"))).await;
    until("it begins", || gate.count("doomed begins") == 1).await;
    drop(raw);
    server.is_left_alone().await;
    assert_eq!(server.send(post(TOKEN, "[]")).await.unwrap().status(), 503, "F10: it goes on");
    // Whoever waits at a gate that is closed for good panics.
    gate.permits.close();
    timeout(PATIENCE, events.drain()).await.expect("F10: it gives its place back");
    assert_eq!(gate.log.seen(), ["doomed begins", "dropped"], "F10");
    server.is_well("a panic that nobody saw").await;
}

#[tokio::test]
async fn f11_a_handler_that_never_ends_fails_at_its_deadline() {
    let log = Log::default();
    let events = noting(&log)
        .on_type("STUCK", async |_: Plain| pending::<()>().await)
        .event_timeout(Duration::from_millis(100));
    let server = Server::start(VerifyLayer::new(loops()).layer(events.clone())).await;
    assert_eq!(between(&mut server.connect().await, "STUCK").await, 500, "F11");
    assert_eq!(log.seen(), ["before", "after"], "F11");
    timeout(PATIENCE, events.drain()).await.expect("F11: it gives its place back");
}

#[tokio::test]
async fn f11_a_handler_that_never_ends_keeps_its_own_place_only() {
    let gate = Gate::closed();
    let hook = VerifyLayer::new(loops()).max_bodies(1).layer(gate.events().max_batches(2));
    let server = Server::without_half_close(hook).await;
    for (stuck, status) in [(1, 200), (2, 503)] {
        let mut raw = server.connect().await;
        raw.send(good(&body("stuck"))).await;
        until("it is stuck", || gate.count("stuck begins") == stuck).await;
        drop(raw);
        server.is_left_alone().await;
        let told = server.send(post(TOKEN, "[]")).await.unwrap();
        assert_eq!(told.status(), status, "F11: beside {stuck} that never end");
    }
    assert_eq!(gate.count("dropped"), 0, "F11");
}

#[tokio::test]
async fn f25_while_a_receiver_drains_what_began_ends_and_nothing_begins() {
    let gate = Gate::closed();
    let events = gate.events();
    let server = Server::start(VerifyLayer::new(loops()).layer(events.clone())).await;
    let mut raw = server.connect().await;
    raw.send(good(&body("old"))).await;
    until("it is under way", || gate.count("old begins") == 1).await;
    let mut drained = pin!(events.drain());
    let short = timeout(Duration::from_millis(50), drained.as_mut()).await;
    assert!(short.is_err(), "F25: one is under way");
    for request in [post(TOKEN, body("new")), over_http2(post(TOKEN, body("new")))] {
        let told = server.send(request).await.unwrap();
        assert_eq!(told.status(), 503, "F25");
        assert_eq!(told.headers()["retry-after"], "5", "F25");
    }
    gate.permits.add_permits(1);
    timeout(PATIENCE, drained).await.expect("F25: the drain ends");
    assert_eq!(raw.answer().await.unwrap().status(), 200, "F25");
    assert_eq!(gate.log.seen(), ["old begins", "old ends"], "F25");
}
