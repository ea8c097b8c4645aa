//! A sender of one's own behind the layer, and how often the layer calls what only a proof leads to.

use std::{
    borrow::Cow,
    convert::Infallible,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use tower::Service;
use tower_webhook::{
    Body, EventRouter, Policy, Provider, RawEvent, Unpacked, Verified, VerifyLayer,
    clock::ManualClock,
    decode::{self, DecodeError, Envelope},
    error::ConfigError,
    scheme::{Authentic, Check, Head, HmacSha1Legacy, HmacSha256, Origin, Token, VerifyError},
};

use crate::{
    receivers::{Frames, MAX_BODY_BYTES, NOW, answered, count},
    senders::{Challenge, Fields, Gzip, InBody, Jwt, Sender},
};

/// A sender with its receiver, and another of the same kind with another key.
pub struct Own {
    sender: Arc<dyn Sender>,
    stranger: Arc<dyn Sender>,
    layer: VerifyLayer<Watched>,
    inner: Inner,
}

/// How often [`Provider::answer`] and [`Provider::unpack`] were called.
pub static PROVEN: AtomicUsize = AtomicUsize::new(0);
/// How often the service behind the layer was called.
pub static REACHED: AtomicUsize = AtomicUsize::new(0);

/// All of them.
pub static OWN: LazyLock<Vec<Own>> = LazyLock::new(|| all().expect("the keys are usable"));

impl Own {
    /// Makes a request with this content, and returns its body.
    pub fn send(&self, head: &mut Parts, content: &[u8], by_stranger: bool) -> Vec<u8> {
        let sender = if by_stranger { &self.stranger } else { &self.sender };
        sender.send(head, content)
    }

    /// Whether the request is the sender's own.
    pub fn is_genuine(&self, head: &Parts, body: &[u8]) -> bool {
        self.sender.is_genuine(head, body)
    }

    /// What is answered to an authentic body that is no delivery.
    pub fn reply(&self, body: &[u8]) -> Option<String> {
        self.sender.reply(body)
    }

    /// How many events are in this body.
    pub fn events(&self, body: &[u8]) -> Option<usize> {
        let json = self.sender.unpack(Bytes::copy_from_slice(body)).ok()?.body;
        decode::events(&self.sender.envelope(), &json).ok().map(|events| events.len())
    }

    /// The answer. `None`: the body stopped.
    pub fn answer(&self, request: Request<Frames>) -> Option<Response<Bytes>> {
        answered(&self.layer, &self.inner, request)
    }
}

fn all() -> Result<Vec<Own>, ConfigError> {
    let fields =
        |key| Ok(Fields(HmacSha1Legacy::new(key)?, Origin::new("https://hooks.example/in")?));
    Ok(vec![
        own(fields)?,
        own(|token| Ok(InBody(Token::elsewhere(token)?, token)))?,
        own(|key| Ok(Jwt(HmacSha256::new(key)?)))?,
        own(|key| Ok(Challenge(HmacSha256::new(key)?)))?,
        own(|key| Ok(Gzip(HmacSha256::new(key)?)))?,
    ])
}

fn own<S: Sender>(
    with: impl Fn(&'static str) -> Result<S, ConfigError>,
) -> Result<Own, ConfigError> {
    let sender: Arc<dyn Sender> = Arc::new(with("0123456789abcdef0123456789ABC-_f")?);
    let layer = VerifyLayer::new(Watched(sender.clone()));
    Ok(Own {
        sender,
        stranger: Arc::new(with("another-token-of-32-characters-0")?),
        layer: layer.clock(ManualClock::new(NOW)).max_body_bytes(MAX_BODY_BYTES),
        inner: Inner(EventRouter::new().fallback(async |_: RawEvent| count())),
    })
}

/// The provider that the layer has.
struct Watched(Arc<dyn Sender>);

impl Provider for Watched {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.0.authenticate(head)
    }

    fn envelope(&self) -> Envelope {
        self.0.envelope()
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        PROVEN.fetch_add(1, Ordering::Relaxed);
        self.0.unpack(body)
    }

    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        PROVEN.fetch_add(1, Ordering::Relaxed);
        self.0.answer(proof, body)
    }

    fn policy(&self) -> Policy {
        self.0.policy()
    }

    fn name(&self) -> Cow<'static, str> {
        "own".into()
    }
}

/// The service behind the layer.
#[derive(Clone)]
struct Inner(EventRouter<Watched>);

impl Service<Request<Verified<Watched>>> for Inner {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <EventRouter<Watched> as Service<Request<Verified<Watched>>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Verified<Watched>>) -> Self::Future {
        REACHED.fetch_add(1, Ordering::Relaxed);
        self.0.call(request)
    }
}
