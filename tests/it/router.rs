//! Which closure gets an event, and what its outcome means.

mod batch;
mod delivery;
mod drops;
mod handlers;
mod handover;
mod keys;
mod outcomes;
mod registration;
mod reuse;
mod traces;

use tower_webhook::{
    Delivery, Event, EventRouter, Payload, providers::loops::Loops, router::Batch,
    scheme::Authentic,
};

use crate::support::{in_words, outcome};

#[derive(Debug, serde::Deserialize)]
struct Ping {
    n: u64,
}

impl Payload for Ping {
    type Provider = Loops;
}

impl Event for Ping {
    const TYPE: &'static str = "ping";
}

/// A body of Loops with an element for each `(type, data)`.
fn body(events: &[(&str, &str)]) -> String {
    let elements: Vec<_> =
        events.iter().map(|(kind, data)| format!(r#"{{"type":"{kind}","data":{data}}}"#)).collect();
    format!("[{}]", elements.join(","))
}

/// Pings that count from 0.
fn pings(count: u64) -> String {
    let data: Vec<_> = (0..count).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    body(&data.iter().map(|data| (Ping::TYPE, data.as_str())).collect::<Vec<_>>())
}

#[track_caller]
fn batch<S: Clone + Send + Sync + 'static>(
    router: &EventRouter<Loops, S>,
    body: impl Into<String>,
) -> Batch<S> {
    let delivery = Delivery::new(Authentic::dangerous_assert());
    router.dispatch(&Loops::dangerous_unauthenticated(), delivery, body.into().into()).unwrap()
}

/// What became of each event, in words. No handler may wait for anything.
#[track_caller]
fn outcomes<S: Clone + Send + Sync + 'static>(
    router: &EventRouter<Loops, S>,
    body: impl Into<String>,
) -> Vec<String> {
    in_words(&outcome(&mut batch(router, body)))
}
