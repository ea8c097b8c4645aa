//! From authentic bytes to events: envelopes, misfits, broken text.

mod agreement;
mod broken;
mod envelopes;
mod forms;
mod members;
mod misfits;
mod nested;
mod passes;
mod watched;
mod words;

use bytes::Bytes;
use serde::Deserialize;
use tower_webhook::{
    Delivery, EventRouter, Payload, Provider, RawEvent,
    decode::{DecodeError, Envelope, events},
    router::Batch,
    scheme::{Authentic, Check, Head, VerifyError},
};

use crate::support::{Log, in_words, outcome};

/// A sender with the envelope that a test needs.
#[derive(Clone)]
struct Acme(Envelope);

impl Provider for Acme {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        self.0.clone()
    }
}

#[derive(Debug, Deserialize)]
struct Paid {
    total: u8,
}

impl Payload for Paid {
    type Provider = Acme;
}

fn adjacent() -> Envelope {
    Envelope::adjacent("type", "data")
}

fn flat_within() -> Envelope {
    Envelope::flat("Action").within("Events").camel_case()
}

/// Listens to `paid`, and notes what it sees.
fn listening(log: &Log) -> EventRouter<Acme> {
    let (paid, other) = (log.clone(), log.clone());
    EventRouter::new()
        .on_type("paid", async move |e: Paid| paid.note(format!("paid {}", e.total)))
        .fallback(async move |e: RawEvent| other.note(raw(&e)))
}

fn raw(event: &RawEvent) -> String {
    match event.error() {
        Some(error) => error.to_string(),
        None => format!("raw {:?}", event.event_type()),
    }
}

fn dispatch(
    router: &EventRouter<Acme>,
    envelope: Envelope,
    body: impl AsRef<[u8]>,
) -> Result<Batch<()>, DecodeError> {
    let delivery = Delivery::new(Authentic::dangerous_assert());
    router.dispatch(&Acme(envelope), delivery, Bytes::copy_from_slice(body.as_ref()))
}

/// What becomes of each event of a batch whose handlers never wait.
#[track_caller]
fn outcomes<S>(mut batch: Batch<S>) -> Vec<String> {
    in_words(&outcome(&mut batch))
}

/// What handlers see of `body`.
#[track_caller]
fn seen(envelope: Envelope, body: impl AsRef<[u8]>) -> Vec<String> {
    let log = Log::default();
    drop(outcomes(dispatch(&listening(&log), envelope, body).unwrap()));
    log.seen()
}

/// Why `body` as a whole is refused, whoever reads it.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "reads like its neighbours")]
fn refusal(envelope: Envelope, body: impl AsRef<[u8]>) -> String {
    let log = Log::default();
    let by_router = dispatch(&listening(&log), envelope.clone(), &body).unwrap_err();
    assert_eq!(events(&envelope, body.as_ref()), Err(by_router.clone()));
    assert_eq!((by_router.event_type(), by_router.path()), (None, None));
    assert_eq!(log.seen(), [""; 0]);
    by_router.to_string()
}
