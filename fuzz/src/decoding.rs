//! What holds of every body, whoever sends it.

use std::{
    any::TypeId,
    fmt::Debug,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use serde::{Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use tower_webhook::{
    Delivery, Emit, Event, EventRouter, Payload, RawEvent, Sender, State,
    decode::{self, DecodeError},
    providers::synthesis_vr::SynthesisVr,
    router::limits,
    router::{Batch, Outcome},
    scheme::Authentic,
};

use crate::oracle::{Object, object, values};

/// A provider with handlers for its events, and a fallback.
pub struct Receiver<P> {
    peer: Peer<P>,
    router: EventRouter<P, Peer<P>>,
    types: Vec<(&'static str, Fits)>,
}

/// Whether a JSON text is of some type.
type Fits = fn(&str) -> bool;

/// What a handler needs to send its event again.
struct Peer<P> {
    provider: Arc<P>,
    sender: Arc<Sender<P>>,
    data: Option<&'static str>,
}

impl<P: Emit> Receiver<P> {
    /// What an event says is its member `data`, or all of it.
    pub fn new(provider: P, data: Option<&'static str>) -> Self {
        let provider = Arc::new(provider);
        let sender = Arc::new(Sender::shared(provider.clone()));
        let peer = Peer { provider, sender, data };
        let router = EventRouter::with_state(peer.clone()).fallback(async |_: RawEvent| {});
        Self { peer, router, types: Vec::new() }
    }

    /// Decodes events of type `E`, and sends them again.
    pub fn on<E>(self) -> Self
    where
        E: Event<Provider = P> + Serialize + Debug + PartialEq + Clone + Sync,
    {
        self.on_type::<E>(E::TYPE)
    }

    /// Those of a name that nobody documents.
    pub fn on_type<E>(mut self, name: &'static str) -> Self
    where
        E: Payload<Provider = P> + Serialize + Debug + PartialEq + Clone + Sync,
    {
        self.router = self.router.on_type(name, resend::<E>);
        self.types.push((name, |json| serde_json::from_str::<E>(json).is_ok()));
        self
    }

    /// Dispatching finds the very events that [`decode::events`] finds, all of them well-formed slices of the body. Those
    /// fit that `serde_json` alone can decode, and every one of them is handled. Returns what the envelope says.
    pub fn check(&self, body: &[u8]) -> Option<Delivery> {
        let body = Bytes::copy_from_slice(body);
        let found = decode::events(&self.peer.provider.envelope(), &body);
        let batch = dispatch(&self.router, &self.peer.provider, body.clone());
        let (found, batch) = match (found, batch) {
            (Ok(found), Ok(batch)) => (found, batch),
            (Ok(found), Err(error)) => {
                assert!(found.len() > limits::MAX_EVENTS, "{error}");
                return None;
            }
            (Err(error), batch) => {
                assert!(batch.is_err(), "{error}");
                return None;
            }
        };
        assert_eq!(batch.len(), found.len());
        for (event, element) in batch.events().zip(&found) {
            assert_eq!(event.event_type(), element.event_type.as_deref());
            let json = &body[element.range.clone()];
            assert_eq!(event.json().as_ptr_range(), json.as_ptr_range());
            assert!(well_formed(json));
            self.check_fit(&event);
        }
        let delivery = batch.delivery().clone();
        let outcome = run(batch);
        assert_eq!(outcome.outcomes.len(), found.len());
        assert!(outcome.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Handled)));
        Some(delivery)
    }

    fn check_fit(&self, event: &RawEvent) {
        let known = self.types.iter().find(|(name, _)| event.event_type() == Some(name));
        if let Some((_, fits)) = known {
            let said = said(event, self.peer.data);
            assert_eq!(event.error().is_none(), said.is_some_and(fits), "{:?}", event.error());
        }
    }
}

/// A handler: what has been decoded is what `serde_json` decodes, it can be sent, and what is sent is decoded to the same.
async fn resend<E>(event: E, raw: RawEvent, State(peer): State<Peer<E::Provider>>)
where
    E: Payload<Provider: Emit> + Serialize + Debug + PartialEq + Clone + Sync,
{
    let said = said(&raw, peer.data).expect("it was found");
    assert_eq!(serde_json::from_str::<E>(said).expect("it was decoded"), event);
    let name = raw.event_type().expect("it was found by its name");
    let request = match peer.sender.event_as(name, &event) {
        Ok(request) => request,
        Err(error) => return assert!(nobody_would_know(&event), "{error}"),
    };
    let body = run(request.into_body().collect()).expect("it is in memory").to_bytes();
    let again = async move |again: E| assert_eq!(again, event);
    let router = EventRouter::<E::Provider>::new().on_type(name, again);
    let batch = dispatch(&router, &peer.provider, body).expect("it is the sender's own");
    assert!(run(batch).is_ok());
}

/// Whether it is a session of SynthesisVR whose `uuid` is null: it is left out when it is written, and without it there is
/// no event.
fn nobody_would_know<E: Payload + Serialize>(event: &E) -> bool {
    let written = serde_json::to_value(event).expect("it was decoded from JSON");
    TypeId::of::<E::Provider>() == TypeId::of::<SynthesisVr>() && written.get("uuid").is_none()
}

/// What an event says; `None` if it says two things.
fn said<'e>(event: &'e RawEvent, data: Option<&str>) -> Option<&'e str> {
    let json = serde_json::from_slice::<&RawValue>(event.json()).expect("it is well formed");
    let Some(data) = data else { return Some(json.get()) };
    let Object(members) = object(json).expect("it has a name");
    match values(&members, data)[..] {
        [] => Some("null"),
        [one] => Some(one.get()),
        _ => None,
    }
}

/// Whether `json` is one JSON text, in UTF-8.
pub fn well_formed(json: &[u8]) -> bool {
    str::from_utf8(json).is_ok_and(|json| serde_json::from_str::<IgnoredAny>(json).is_ok())
}

fn dispatch<P: Emit, S: Clone + Send + Sync + 'static>(
    router: &EventRouter<P, S>,
    provider: &P,
    body: Bytes,
) -> Result<Batch<S>, DecodeError> {
    router.dispatch(provider, Delivery::new(Authentic::dangerous_assert()), body)
}

/// For what waits for nothing, though it may let others have their turn.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1_000 {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(output) = polled {
            return output;
        }
    }
    panic!("it waits for something")
}

impl<P> Clone for Peer<P> {
    fn clone(&self) -> Self {
        Self { provider: self.provider.clone(), sender: self.sender.clone(), data: self.data }
    }
}
