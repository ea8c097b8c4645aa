//! A sender under test, and a receiver of it, so that one rule can be tried on senders of any type.

pub(super) mod asked;
pub(super) mod limits;
pub(super) mod rules;
pub(super) mod tokens;

use std::{convert::Infallible, fmt::Debug, io, sync::Arc, time::Duration};

use axum::body::Body as Arriving;
use bytes::Bytes;
use http::{Request, Response};
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc::UnboundedSender};
use tower::{Layer, ServiceExt, util::BoxCloneSyncService};
use tower_webhook::{
    Body, Described, Emit, EventRouter, Payload, Policy, Provider, RawEvent, Sender, Unpacked,
    VerifyLayer,
    clock::ManualClock,
    decode::{DecodeError, Envelope, Members},
    error::SendError,
    router::Batches,
    scheme::{Authentic, Check, Head, VerifyError},
    sender::{ConformanceReport, Tamper, conformance},
    verify::ResponseBody,
};

use crate::support::*;

/// A sender, and one event of it.
pub(crate) struct Subject<P, E> {
    /// The same sender with its own keys, and with other keys.
    pub(crate) sender: fn() -> [P; 2],
    pub(crate) event_type: &'static str,
    pub(crate) event: E,
    /// A payload that does not fit the type `E`.
    pub(crate) unfit: &'static str,
}

/// A sender of any type.
pub(crate) trait Case {
    fn report(&self) -> ConformanceReport;

    /// A request with the event.
    fn request(&self) -> Request<Body>;

    /// The same, signed with other keys.
    fn foreign(&self) -> Request<Body>;

    /// The same event under another type.
    fn of_other_type(&self, event_type: &str) -> Request<Body>;

    fn unfit(&self) -> Request<Body>;

    /// `None` if there is nothing that could be forged in this way.
    fn tampered(&self, tamper: Tamper) -> Option<Request<Body>>;

    /// As the typed handler notes it.
    fn event(&self) -> String;

    /// The status of the answer to a request that is not authentic.
    fn refusal(&self) -> u16;

    /// How many bytes a batch of this body holds.
    fn held(&self, body: &Bytes) -> usize;

    fn receiver(&self, setup: Setup) -> Receiver;

    /// A receiver of the same sender, if that did not repeat requests. It has a fallback only.
    fn without_retries(&self, answer_timeout: Duration) -> Receiver;
}

/// How a [`Receiver`] differs from the default.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup {
    pub(crate) max_body_bytes: Option<usize>,
    pub(crate) max_bodies: Option<usize>,
    pub(crate) max_total_bytes: Option<usize>,
    pub(crate) max_batches: Option<usize>,
    /// Of the router.
    pub(crate) max_batch_bytes: Option<usize>,
    pub(crate) no_fallback: bool,
    /// Handlers wait until the receiver is [`open`](Receiver::open).
    pub(crate) closed: bool,
}

type Hook =
    BoxCloneSyncService<Request<Arriving>, Response<ResponseBody<Body, Arriving>>, Infallible>;

pub(crate) struct Receiver {
    pub(crate) hook: Hook,
    /// The events that were handled.
    pub(crate) log: Log,
    gate: Arc<Semaphore>,
    pub(crate) batches: Batches,
}

impl Receiver {
    pub(crate) async fn answer(&self, request: Request<Arriving>) -> u16 {
        self.hook.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    pub(crate) fn open(&self) {
        self.gate.add_permits(1_000);
    }
}

/// The request, whose body has arrived already.
pub(crate) fn whole(request: Request<Body>) -> Request<Arriving> {
    request.map(Arriving::new)
}

/// The request without its body, the feeder of that, and the body.
pub(crate) fn slowly(
    request: Request<Body>,
) -> (Request<Arriving>, UnboundedSender<io::Result<Bytes>>, Bytes) {
    let (head, body) = request.into_parts();
    let (feeder, fed) = fed();
    (Request::from_parts(head, Arriving::new(fed)), feeder, body.into_bytes())
}

/// Sends a recorded request to a receiver without handlers, `seconds` after 1970 began.
pub(crate) async fn replayed<P: Provider>(
    provider: P,
    seconds: u64,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Answer {
    let mut request = Request::post("/in").body(Body::from(body)).unwrap();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(seconds));
    answer(layer.layer(EventRouter::new()), request).await
}

impl<P, E> Subject<P, E>
where
    P: Emit,
    E: Payload<Provider = P> + Serialize,
{
    fn provider(&self) -> P {
        let [own, _] = (self.sender)();
        own
    }

    fn stranger(&self) -> P {
        let [_, other] = (self.sender)();
        other
    }

    fn sending(&self) -> Sender<P> {
        Sender::new(self.provider())
    }
}

impl<P, E> Case for Subject<P, E>
where
    P: Emit,
    E: Payload<Provider = P> + Serialize + Debug + Sync,
{
    fn report(&self) -> ConformanceReport {
        conformance(&self.provider(), &self.stranger())
    }

    fn request(&self) -> Request<Body> {
        self.sending().event_as(self.event_type, &self.event).unwrap()
    }

    fn foreign(&self) -> Request<Body> {
        Sender::new(self.stranger()).event_as(self.event_type, &self.event).unwrap()
    }

    fn of_other_type(&self, event_type: &str) -> Request<Body> {
        self.sending().event_as(event_type, &self.event).unwrap()
    }

    fn unfit(&self) -> Request<Body> {
        self.sending().raw(self.event_type, self.unfit).unwrap()
    }

    fn tampered(&self, tamper: Tamper) -> Option<Request<Body>> {
        match self.sending().tampered(tamper).event_as(self.event_type, &self.event) {
            Ok(request) => Some(request),
            Err(SendError::Tamper(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn event(&self) -> String {
        format!("{:?}", self.event)
    }

    fn refusal(&self) -> u16 {
        self.provider().policy().refusal_status.map_or(401, |status| status.as_u16())
    }

    fn held(&self, body: &Bytes) -> usize {
        self.provider().unpack(body.clone()).unwrap().body.len().max(body.len())
    }

    fn receiver(&self, setup: Setup) -> Receiver {
        let (log, gate) = (Log::default(), gate(setup.closed));
        let seen = (log.clone(), gate.clone());
        let mut events = EventRouter::new().on_type(self.event_type, async move |event: E| {
            drop(seen.1.acquire().await);
            seen.0.note(format!("{event:?}"));
        });
        if !setup.no_fallback {
            events = with_fallback(events, &log, &gate);
        }
        if let Some(most) = setup.max_batches {
            events = events.max_batches(most);
        }
        if let Some(most) = setup.max_batch_bytes {
            events = events.max_total_bytes(most);
        }
        let batches = events.batches();
        let hook = setup.layer(self.provider()).layer(events);
        Receiver { hook: Hook::new(hook), log, gate, batches }
    }

    fn without_retries(&self, answer_timeout: Duration) -> Receiver {
        let (log, gate) = (Log::default(), gate(true));
        let provider = WithoutRetries(self.provider(), answer_timeout);
        let events = with_fallback(EventRouter::new(), &log, &gate);
        let batches = events.batches();
        let hook = VerifyLayer::new(provider).layer(events);
        Receiver { hook: Hook::new(hook), log, gate, batches }
    }
}

impl Setup {
    fn layer<P>(self, provider: P) -> VerifyLayer<P> {
        let mut layer = VerifyLayer::new(provider);
        if let Some(most) = self.max_body_bytes {
            layer = layer.max_body_bytes(most);
        }
        if let Some(most) = self.max_bodies {
            layer = layer.max_bodies(most);
        }
        if let Some(most) = self.max_total_bytes {
            layer = layer.max_total_bytes(most);
        }
        layer
    }
}

fn gate(closed: bool) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(if closed { 0 } else { 1_000 }))
}

/// With a fallback that notes the type of the event.
fn with_fallback<P: Provider>(
    events: EventRouter<P>,
    log: &Log,
    gate: &Arc<Semaphore>,
) -> EventRouter<P> {
    let (log, gate) = (log.clone(), gate.clone());
    events.fallback(async move |event: RawEvent| {
        drop(gate.acquire().await);
        log.note(event.event_type().unwrap_or("no type"));
    })
}

/// The same sender, if it did not repeat requests.
struct WithoutRetries<P>(P, Duration);

impl<P: Provider> Provider for WithoutRetries<P> {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.0.authenticate(head)
    }

    fn envelope(&self) -> Envelope {
        self.0.envelope()
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        self.0.unpack(body)
    }

    fn describe<'b>(&self, outer: &Members<'b>) -> Described<'b> {
        self.0.describe(outer)
    }

    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        self.0.handshake(head)
    }

    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        self.0.answer(proof, body)
    }

    fn policy(&self) -> Policy {
        self.0.policy().never_resends(self.1)
    }
}
