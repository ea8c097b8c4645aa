//! Hostile and faulty deliveries. The ids are those of the list that the cases were collected in: A signatures,
//! B secrets, C bodies, D the HTTP surface, E time, F handlers.
//!
//! Statuses, the order of judgement, media types (C19, C30) and methods (D1) are in `status`; sizes, deadlines and places
//! (C25, C26, D12, D14) are in `limits`; what must not leak (D18) is in `secrecy`.

mod bodies;
mod neighbours;
mod secrets;
mod signatures;
mod surface;
mod time;
mod tokens;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use tower::Layer;
use tower_webhook::{
    EventRouter, Provider, RawEvent, Sender, VerifyLayer,
    clock::ManualClock,
    error::Rejection,
    providers::loops::{Loops, SessionStarted},
    scheme::VerifyError,
};

use crate::support::*;

const NOW: u64 = 1_700_000_000;

/// The status, unless authentication failed: then why.
async fn judged<P: Provider>(
    provider: P,
    request: Request<Full<Bytes>>,
) -> Result<u16, VerifyError> {
    let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(NOW));
    let answer = answer(layer.layer(EventRouter::new()), request).await;
    match answer.rejection() {
        Some(Rejection::Unauthentic(error)) => Err(*error),
        _ => Ok(answer.status()),
    }
}

/// A good request of Learn365.
fn learn365_request() -> Request<Full<Bytes>> {
    Sender::new(learn365()).body(r#"{"Notifications":[]}"#).unwrap()
}

/// A good request that follows Standard Webhooks.
fn whsec_request() -> Request<Full<Bytes>> {
    let sender = Sender::new(standard_webhooks()).clock(ManualClock::at_unix_seconds(NOW));
    sender.body(r#"{"type":"a"}"#).unwrap()
}

/// `request` with another value of its header `name`, or without it.
fn with<B>(mut request: Request<B>, name: &'static str, value: Option<&str>) -> Request<B> {
    request.headers_mut().remove(name);
    if let Some(value) = value {
        request.headers_mut().insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request
}

fn signature(request: &Request<Full<Bytes>>, name: &str) -> String {
    request.headers()[name].to_str().unwrap().to_owned()
}

/// The answer of a Loops endpoint to `body`, and what its handler and its fallback saw.
async fn received(body: impl Into<Bytes>) -> (u16, Vec<String>) {
    let log = Log::default();
    let (handled, rest) = (log.clone(), log.clone());
    let events = EventRouter::<Loops>::new()
        .on(async move |event: SessionStarted| handled.note(event.name.unwrap_or_default()))
        .fallback(async move |event: RawEvent| {
            let why = event.error().map_or("unknown".into(), ToString::to_string);
            rest.note(format!("{:?}: {why}", event.kind()));
        });
    let status = answer(VerifyLayer::new(loops()).layer(events), post(TOKEN, body)).await.status();
    (status, log.seen())
}
