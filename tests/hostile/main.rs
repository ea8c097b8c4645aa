//! Hostile and faulty deliveries, over real connections to a hyper server.
//!
//! The names of tests begin with the ids of the rows that they are for, in the list of cases in `rows.md`: A signatures,
//! B secrets, C bodies, D HTTP, E time and replay, F handling, G privacy.

// The helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod bodies;
mod bulk;
mod challenge;
mod crowds;
mod early;
mod elements;
mod endpoint;
mod floods;
mod frames;
mod framing;
mod handlers;
mod hangups;
mod headers;
mod hyper_own;
mod keys;
mod lengths;
mod media;
#[cfg(target_os = "linux")]
mod memory;
mod pairs;
mod privacy;
mod raw;
mod replays;
mod rows;
mod secrets;
mod server;
mod signatures;
mod slow;
#[allow(dead_code, reason = "shared with the other tests, which need more of it")]
#[path = "../it/support.rs"]
mod support;
mod surface;
mod time;
mod tokens;
mod uniform;

use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, Version};
use http_body_util::BodyExt;
use tower::{Layer, service_fn};
use tower_webhook::{
    Body, Delivery, Emit, EventRouter, Provider, RawEvent, Rejection, Sender, VerifyLayer,
    clock::ManualClock,
    providers::loops::{Loops, SessionStarted},
    scheme::{HmacSha256, VerifyError},
    verify::Verify,
};

use crate::{
    raw::Raw,
    server::{Content, Hook, PATIENCE, Server},
    support::*,
};

const NOW: u64 = 1_700_000_000;
const MS: &str = "ms-signature";
const SW: &str = "webhook-signature";

/// The status, unless authentication failed: then why. The same over HTTP/1.1 and HTTP/2.
async fn judged<P: Provider>(provider: P, request: Request<Body>) -> Result<u16, VerifyError> {
    let hook = receiver(provider);
    let one = verdict(&answer(hook.clone(), request.clone()).await);
    let two = verdict(&answer(hook, over_http2(request)).await);
    assert_eq!(one, two, "HTTP/1.1 and HTTP/2");
    one
}

/// A receiver of all that `provider` sends at [`NOW`], with no handler.
fn receiver<P: Provider>(provider: P) -> Verify<P, EventRouter<P>> {
    let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(NOW));
    layer.layer(EventRouter::new())
}

#[track_caller]
fn verdict(answer: &Answer) -> Result<u16, VerifyError> {
    let Some(rejection @ Rejection::Unauthentic(error)) = answer.rejection() else {
        return Ok(answer.status());
    };
    let status = match error {
        VerifyError::PathToken => 404,
        VerifyError::HeaderTooLong(_) => 431,
        _ => 401,
    };
    answer.is_refused(status, rejection);
    Err(error.clone())
}

fn over_http2<B>(mut request: Request<B>) -> Request<B> {
    *request.version_mut() = Version::HTTP_2;
    request
}

/// The answer of `hook`, served, to one request over TCP.
async fn answer<R: Content>(hook: impl Hook<R>, request: Request<impl Content>) -> Answer {
    ask(&Server::start(hook).await, request).await
}

/// The answer of `server` to one request.
async fn ask(server: &Server, request: Request<impl Content>) -> Answer {
    support::answer(service_fn(|request| server.send(request)), request).await
}

/// `request` as HTTP/1.1 writes it, as the only one of its connection.
async fn written(request: Request<Body>) -> String {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut text =
        format!("{} {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n", head.method, head.uri);
    for (name, value) in &head.headers {
        text.push_str(&format!("{name}: {}\r\n", str::from_utf8(value.as_bytes()).unwrap()));
    }
    let body = str::from_utf8(&body).unwrap();
    format!("{text}content-length: {}\r\n\r\n{body}", body.len())
}

/// `body` as `provider` sends it at [`NOW`].
fn signed<P: Emit>(provider: P, body: impl Into<Bytes>) -> Request<Body> {
    sender(provider).body(body).unwrap()
}

/// Who sends what `provider` sends, at [`NOW`] and always under one id.
fn sender<P: Emit>(provider: P) -> Sender<P> {
    Sender::new(provider).clock(ManualClock::at_unix_seconds(NOW)).id("msg_1")
}

/// A good request of Learn365.
fn learn365_request() -> Request<Body> {
    signed(learn365(), r#"{"Notifications":[]}"#)
}

/// A good request that follows Standard Webhooks.
fn whsec_request() -> Request<Body> {
    signed(standard_webhooks(), r#"{"type":"a"}"#)
}

/// A request that follows Standard Webhooks, with a signature that is good whatever it is over.
fn stamped(id: &str, time: &str) -> Request<Body> {
    stamped_by(&STANDARD.decode(WHSEC.strip_prefix("whsec_").unwrap()).unwrap(), id, time)
}

fn stamped_by(key: &[u8], id: &str, time: &str) -> Request<Body> {
    let tag = HmacSha256::new(key).unwrap().sign([id, ".", time, ".", r#"{"type":"a"}"#]);
    let signature = format!("v1,{}", tag.to_base64());
    [("webhook-id", id), ("webhook-timestamp", time), (SW, &signature)]
        .into_iter()
        .fold(whsec_request(), |request, (name, value)| with(request, name, Some(value)))
}

/// `request` with another value of its header `name`, or without it.
fn with<B>(mut request: Request<B>, name: &'static str, value: Option<&str>) -> Request<B> {
    request.headers_mut().remove(name);
    if let Some(value) = value {
        request.headers_mut().insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request
}

fn signature(request: &Request<Body>, name: &str) -> String {
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
            rest.note(format!("{:?}: {why}", event.event_type()));
        });
    let status = answer(VerifyLayer::new(loops()).layer(events), post(TOKEN, body)).await.status();
    (status, log.seen())
}

/// Runs these at the same time, for each waits. On threads of their own, since an answer is compared with what its thread
/// has traced.
fn at_once(all: Vec<impl AsyncFnOnce() + Send>) {
    std::thread::scope(|scope| {
        for one in all {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(one());
            });
        }
    });
}

/// The answer to `request`, and its events, none of which has a handler, with their deliveries.
async fn delivered<P: Provider>(
    provider: P,
    request: Request<Body>,
) -> (u16, Vec<(RawEvent, Delivery)>) {
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let kept = seen.clone();
    let events = EventRouter::new().fallback(async move |event: RawEvent, delivery: Delivery| {
        kept.lock().unwrap().push((event, delivery));
    });
    let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(NOW));
    let status = answer(layer.layer(events), request).await.status();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (status, seen)
}
