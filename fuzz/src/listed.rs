//! Each sender of the list, behind the layer, with handlers that note what reaches them.

use std::{
    cell::RefCell,
    marker::PhantomData,
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderName, Request, Response, header::CONTENT_TYPE, request::Parts};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tower_webhook::{
    Draft, Emit, EventRouter, Outgoing, Payload, Provider, RawEvent, Sender, VerifyLayer,
    clock::ManualClock, decode, scheme::Head,
};

use crate::{
    list::{self, every_sender},
    receivers::{Frames, MAX_BODY_BYTES, answered},
};

/// What a sender does, and what becomes of its requests.
pub trait Listed: Send + Sync {
    /// The module of the sender, and the way in which it sends.
    fn name(&self) -> [&'static str; 2];

    /// The body of a request with this event, if this sender has such an event.
    fn encode(&self, event_type: &str, json: &str, by: By) -> Option<Vec<u8>>;

    /// Makes a request with this body. `head` has its target, and headers that replace those that prove nothing.
    fn send(&self, head: Parts, event_type: &str, body: Vec<u8>, by: By) -> Sent;

    /// How many events are in this body.
    fn events(&self, body: &[u8]) -> Option<usize>;

    /// The status of the answer to a request that is not authentic.
    fn refusal(&self) -> u16;

    /// Whether the proof is one of the body, and not only of who sends.
    fn signs_body(&self) -> bool;

    /// Whether the request asks for a handshake.
    fn is_handshake(&self, head: &Parts) -> bool;

    /// The answer, and what reached a handler. `None`: the body stopped.
    fn answer(&self, request: Request<Frames>) -> Option<(Response<Bytes>, Vec<Noted>)>;
}

/// Whose key signs.
#[derive(Clone, Copy, PartialEq)]
pub enum By {
    Own,
    Stranger,
}

/// A request, and which parts of it prove it.
pub struct Sent {
    pub head: Parts,
    pub body: Vec<u8>,
    pub proof: Vec<HeaderName>,
    /// How many bytes of the target are not a part of the proof.
    pub unproven: usize,
}

/// An event that reached a handler.
pub struct Noted {
    pub event_type: Option<String>,
    /// The payload, if its type has a handler.
    pub payload: Option<Value>,
}

/// The types that have a handler. Others go to the fallback.
const TYPED: [&str; 2] = ["noted", "2"];

/// All of them.
pub static LISTED: LazyLock<Vec<Box<dyn Listed>>> = LazyLock::new(all);

macro_rules! boxed {
    ($($sender:ident { $($subject:ident: $provider:ty = $made:expr,)* })*) => {
        vec![$($(
            boxed([stringify!($sender), stringify!($subject)], list::$sender::$subject()),
        )*)*]
    };
}

fn all() -> Vec<Box<dyn Listed>> {
    every_sender!(boxed! {})
}

struct Each<P> {
    name: [&'static str; 2],
    providers: [Arc<P>; 2],
    layer: VerifyLayer<P>,
    events: EventRouter<P>,
}

fn boxed<P: Emit>(name: [&'static str; 2], providers: [P; 2]) -> Box<dyn Listed> {
    let providers = providers.map(Arc::new);
    let layer = VerifyLayer::shared(providers[0].clone()).clock(ManualClock::new(now()));
    let events = EventRouter::new().fallback(async |event: RawEvent| note(&event, None));
    let events = TYPED.into_iter().fold(events, |events, event_type| {
        events.on_type(event_type, async |Any(payload, _): Any<P>, event: RawEvent| {
            note(&event, Some(payload));
        })
    });
    Box::new(Each { name, providers, layer: layer.max_body_bytes(MAX_BODY_BYTES), events })
}

impl<P: Emit> Listed for Each<P> {
    fn name(&self) -> [&'static str; 2] {
        self.name
    }

    fn encode(&self, event_type: &str, json: &str, by: By) -> Option<Vec<u8>> {
        let sender = Sender::shared(self.by(by)).clock(ManualClock::new(now())).id(ID);
        let request = sender.raw(event_type, json).ok()?;
        Some(request.into_body().into_bytes().to_vec())
    }

    fn send(&self, mut head: Parts, event_type: &str, body: Vec<u8>, by: By) -> Sent {
        let (provider, outgoing) = (self.by(by), Outgoing::new(ID, now()));
        let own = std::mem::take(&mut head.headers);
        head.headers.insert(CONTENT_TYPE, provider.content_type());
        let draft = Draft::raw(event_type, "{}").expect("it is JSON");
        provider.announce(&mut head, &[draft], &outgoing);
        for (name, value) in &own {
            head.headers.insert(name, value.clone());
        }
        let mut signed = head.clone();
        provider.sign(&mut signed, &body, &outgoing);
        let is_proof = |name: &&HeaderName| head.headers.get(*name) != signed.headers.get(*name);
        let proof = signed.headers.keys().filter(is_proof).cloned().collect();
        let [before, after] = [&head, &signed].map(|head| head.uri.to_string());
        let same = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other);
        Sent { unproven: same.count(), head: signed, body, proof }
    }

    fn events(&self, body: &[u8]) -> Option<usize> {
        let provider = &self.providers[0];
        let json = provider.unpack(Bytes::copy_from_slice(body)).ok()?.body;
        decode::events(&provider.envelope(), &json).ok().map(|events| events.len())
    }

    fn refusal(&self) -> u16 {
        self.providers[0].policy().refusal_status.map_or(401, |status| status.as_u16())
    }

    fn signs_body(&self) -> bool {
        let [sender, subject] = self.name;
        !TOKENS.contains(&sender) && subject != "by_token"
    }

    fn is_handshake(&self, head: &Parts) -> bool {
        self.providers[0].handshake(&Head::new(head, now())).is_some()
    }

    fn answer(&self, request: Request<Frames>) -> Option<(Response<Bytes>, Vec<Noted>)> {
        NOTED.take();
        answered(&self.layer, &self.events, request).map(|answer| (answer, NOTED.take()))
    }
}

impl<P> Each<P> {
    fn by(&self, by: By) -> Arc<P> {
        self.providers[usize::from(by == By::Stranger)].clone()
    }
}

/// A payload of any shape.
struct Any<P>(Value, PhantomData<fn() -> P>);

impl<'de, P> Deserialize<'de> for Any<P> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(|value| Self(value, PhantomData))
    }
}

impl<P: Provider> Payload for Any<P> {
    type Provider = P;
}

fn note(event: &RawEvent, payload: Option<Value>) {
    let event_type = event.event_type().map(str::to_owned);
    NOTED.with_borrow_mut(|noted| noted.push(Noted { event_type, payload }));
}

thread_local! {
    static NOTED: RefCell<Vec<Noted>> = const { RefCell::new(Vec::new()) };
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000)
}

/// The senders that have a token and no signature.
const TOKENS: [&str; 5] = ["cloudevents", "loops", "microsoft_graph", "synthesis_vr", "teachstack"];
const ID: &str = "msg_1";
