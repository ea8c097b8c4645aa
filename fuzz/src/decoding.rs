//! What holds of every body, whoever sends it.

use std::{
    fmt::Debug,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use serde::{Serialize, de::IgnoredAny};
use tower_webhook::{
    Delivery, Emit, EventRouter, Payload, RawEvent, Sender, State,
    decode::{self, DecodeError},
    router::{Batch, Outcome},
    scheme::Authentic,
};

/// A provider with a handler for each of its events, and a fallback.
pub struct Receiver<P> {
    peer: Peer<P>,
    router: EventRouter<P, Peer<P>>,
}

/// What a handler needs to send its event again.
pub struct Peer<P> {
    provider: Arc<P>,
    sender: Arc<Sender<P>>,
}

impl<P: Emit> Receiver<P> {
    /// The fallback comes on top of what `handlers` registers.
    pub fn new(
        provider: P,
        handlers: impl FnOnce(EventRouter<P, Peer<P>>) -> EventRouter<P, Peer<P>>,
    ) -> Self {
        let provider = Arc::new(provider);
        let sender = Arc::new(Sender::new(provider.clone()));
        let peer = Peer { provider, sender };
        let router = EventRouter::with_state(peer.clone()).fallback(async |_: RawEvent| {});
        Self { peer, router: handlers(router) }
    }

    /// Dispatching finds the very events that [`decode::events`] finds, all of them well-formed slices of the body,
    /// and every one of them is handled.
    pub fn check(&self, body: &[u8]) {
        let body = Bytes::copy_from_slice(body);
        let found = decode::events(&self.peer.provider.envelope(), &body);
        let batch = dispatch(&self.router, &self.peer.provider, body.clone());
        let (found, batch) = match (found, batch) {
            (Ok(found), Ok(batch)) => (found, batch),
            (Ok(found), Err(error)) => {
                return assert!(found.len() > EventRouter::<P>::MAX_EVENTS, "{error}");
            }
            (Err(error), batch) => return assert!(batch.is_err(), "{error}"),
        };
        assert_eq!(batch.len(), found.len());
        for (event, element) in batch.events().zip(&found) {
            assert_eq!(event.kind(), element.kind.as_deref());
            let json = &body[element.range.clone()];
            assert_eq!(event.json().as_ptr_range(), json.as_ptr_range());
            assert!(well_formed(json));
        }
        let outcome = run(batch);
        assert_eq!(outcome.events.len(), found.len());
        assert!(outcome.events.iter().all(|outcome| matches!(outcome, Outcome::Handled)));
    }
}

/// A handler: what has been decoded can be sent, and what is sent then is decoded to the same.
pub async fn resend<E>(event: E, raw: RawEvent, State(peer): State<Peer<E::Provider>>)
where
    E: Payload<Provider: Emit> + Serialize + Debug + PartialEq + Clone + Sync,
{
    let name = raw.kind().expect("it was found by its name");
    let request = peer.sender.event_as(name, &event).expect("it was decoded from JSON");
    let body = run(request.into_body().collect()).expect("it is in memory").to_bytes();
    let again = async move |again: E| assert_eq!(again, event);
    let router = EventRouter::<E::Provider>::new().on_type(name, again);
    let batch = dispatch(&router, &peer.provider, body).expect("it is the sender's own");
    assert!(run(batch).is_ok());
}

/// Whether `json` is one JSON text, in UTF-8.
pub fn well_formed(json: &[u8]) -> bool {
    str::from_utf8(json).is_ok_and(|json| serde_json::from_str::<IgnoredAny>(json).is_ok())
}

/// Whether the body was refused for its depth.
pub fn too_deep(error: &DecodeError) -> bool {
    error.to_string().contains("nested more than")
}

fn dispatch<P: Emit, S: Clone + Send + Sync + 'static>(
    router: &EventRouter<P, S>,
    provider: &P,
    body: Bytes,
) -> Result<Batch<S>, DecodeError> {
    router.dispatch(provider, Delivery::new(Authentic::dangerous_assert()), body)
}

/// Nothing here waits for anything.
fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}

impl<P> Clone for Peer<P> {
    fn clone(&self) -> Self {
        Self { provider: self.provider.clone(), sender: self.sender.clone() }
    }
}
