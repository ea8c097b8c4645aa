use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Response, request::Parts};

use crate::{
    Delivery, Schedule,
    decode::{Envelope, Members},
    error::SendError,
    scheme::{Check, Head, VerifyError},
};

/// A sender of webhooks: how it authenticates, where its events stand, what it does with our answer.
///
/// A value of it holds the keys. Those of this crate are in [`providers`](crate::providers); one of your own is short:
///
/// ```
/// use tower_webhook::{Provider, decode::Envelope, scheme::{Check, Head, HmacSha256, Tag, VerifyError}};
///
/// /// HMAC-SHA256 over `id.body`, in hex.
/// struct Acme(HmacSha256);
///
/// impl Provider for Acme {
///     fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
///         let id = head.public_header("acme-delivery")?;
///         if id.contains('.') {
///             return Err(VerifyError::Other("the id holds a dot: where it ends is not signed"));
///         }
///         let tag = Tag::hex(head.header("acme-signature")?)?;
///         Ok(self.0.check(tag).prefix(id).prefix(".").id(id))
///     }
///
///     fn envelope(&self) -> Envelope {
///         Envelope::adjacent("event", "payload")
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a webhook provider",
    label = "not a `Provider`",
    note = "the senders this crate knows are in `tower_webhook::providers`; implement `Provider` for one of your own",
    note = "a constructor that checks a secret returns a `Result`: take the provider out of it with `?`"
)]
pub trait Provider: Send + Sync + 'static {
    /// What must this request's body prove? Called before any of it is read, for POST requests only.
    ///
    /// # Errors
    ///
    /// Whatever the head alone shows to be wrong.
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError>;

    /// Where the events stand in the body.
    fn envelope(&self) -> Envelope;

    /// What the envelope says of the delivery: `outer` has the other members of the object that holds the list of events,
    /// and is empty where there is no such object. Called once the whole body is known to be well formed.
    fn describe(&self, outer: &Members<'_>, delivery: &mut Delivery) {
        let _ = (outer, delivery);
    }

    /// Answers a request that is no delivery, such as a registration handshake. Called first, for every method.
    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        let _ = head;
        None
    }

    /// What is documented of the sender's ways.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// The name that [`Delivery::provider`], trace events and each [`EventKey`](crate::router::EventKey) carry. By default the
    /// name of the type, which another version of the compiler may write in another way: return a fixed text if you store keys.
    fn name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }
}

/// A sender's ways, as far as they are documented: whether it sends again, how long it waits, which media type it
/// declares. By default it sends again, waits, and may declare any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    answer_within: Option<Duration>,
    json_only: bool,
}

impl Policy {
    /// The sender never sends again and wants an answer within this time: it gets 202 then, and the handlers go on.
    /// Loses nothing, since no answer could make such a sender repeat itself. It is the [`EventRouter`](crate::EventRouter)
    /// that answers so and goes on; an ordinary handler behind the layer is dropped with its request.
    pub fn never_resends(self, answer_within: Duration) -> Self {
        Self { answer_within: Some(answer_within), ..self }
    }

    /// The sender documents that it declares JSON: anything else is answered 415.
    pub fn json_only(self) -> Self {
        Self { json_only: true, ..self }
    }

    pub(crate) fn answer_within(self) -> Option<Duration> {
        self.answer_within
    }

    pub(crate) fn is_json_only(self) -> bool {
        self.json_only
    }
}

/// The sending half of a [`Provider`]: writes events the way the sender does, and signs a request.
///
/// For [`Sender`](crate::Sender), which is for tests and emulation. A provider that only receives leaves it out.
/// `examples/own_provider.rs` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a webhook provider that can send",
    label = "not an `Emit`",
    note = "those of `tower_webhook::providers` can send; implement `Emit` for one of your own",
    note = "a constructor that checks a secret returns a `Result`: take the provider out of it with `?`"
)]
pub trait Emit: Provider {
    /// The body that carries `events`.
    ///
    /// # Errors
    ///
    /// If the sender cannot carry these events: [`SendError::NotOneEvent`], [`SendError::Encode`].
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<String, SendError>;

    /// Adds headers that prove nothing, such as the type of an event or the id of a delivery. Called before [`Emit::sign`].
    ///
    /// A header that the receiver refuses when it is absent or altered belongs in [`Emit::sign`], unless the signature covers
    /// it. Called again for each request that is forged, with the time and the id of that request.
    /// [`conformance`](crate::sender::conformance()) alters these headers, too: the receiver may accept that, but not with
    /// another id, and not if it refused the request before. `events` is empty for a body that was not encoded from events.
    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        let _ = (head, events, outgoing);
    }

    /// Adds to `head` all that authenticates it and `body`.
    ///
    /// Every header that this sets is taken for a part of the proof: a receiver must refuse the request when one of them is
    /// absent or altered. What proves nothing belongs in [`Emit::announce`].
    ///
    /// The value of a header that is a token, and no signature, is
    /// [marked as sensitive](http::HeaderValue::set_sensitive): no redirect takes it to another host.
    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing);

    /// When this sender sends a delivery again, and how long it waits for an answer.
    fn schedule(&self) -> Schedule {
        Schedule::undocumented()
    }

    /// The media type that the sender declares.
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/json")
    }
}

/// An event to be sent.
#[derive(Clone)]
#[non_exhaustive]
pub struct Draft {
    /// Its type on the wire.
    pub kind: String,
    /// Its payload: well-formed JSON.
    pub json: String,
}

impl Draft {
    pub(crate) fn new(kind: impl Into<String>, json: String) -> Self {
        Self { kind: kind.into(), json }
    }

    /// `{"<kind_key>": kind, "<data_key>": payload}`, the counterpart of [`Envelope::adjacent`].
    pub fn adjacent(&self, kind_key: &str, data_key: &str) -> String {
        format!(
            "{{{}:{},{}:{}}}",
            quoted(kind_key),
            quoted(&self.kind),
            quoted(data_key),
            self.json
        )
    }

    /// The payload, an object, with `"<kind_key>": kind` as its first member: the counterpart of [`Envelope::flat`].
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] if the payload is no object, or has such a member already.
    pub fn flat(&self, kind_key: &str) -> Result<String, SendError> {
        let members = Members::of(&self.json)
            .ok_or_else(|| SendError::Encode("the payload is not an object".into()))?;
        if members.has(kind_key) {
            return Err(SendError::Encode(format!(
                "the payload has a member `{kind_key}` already"
            )));
        }
        let rest = self.json.trim_start().get(1..).unwrap_or_default();
        let comma = if members.is_empty() { "" } else { "," };
        Ok(format!("{{{}:{}{comma}{rest}", quoted(kind_key), quoted(&self.kind)))
    }
}

impl Draft {
    /// As [`Draft::flat`], for a payload that has one member `beside`: the counterpart of [`Envelope::flat_beside`].
    ///
    /// # Errors
    ///
    /// As [`Draft::flat`], and if the payload has no such member, or two: a receiver would ignore the event.
    pub fn flat_beside(&self, kind_key: &str, beside: &str) -> Result<String, SendError> {
        let flat = self.flat(kind_key)?;
        let members = Members::of(&self.json).unwrap_or_default();
        let count = match members.raw(beside) {
            Some(_) => return Ok(flat),
            None if members.has(beside) => "more than one",
            None => "no",
        };
        Err(SendError::Encode(format!(
            "the payload has {count} `{beside}`: a receiver would ignore the event"
        )))
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("kind", &self.kind)
            .field("bytes", &self.json.len())
            .finish_non_exhaustive()
    }
}

/// What a [`Sender`](crate::Sender) says of a request beside its events.
#[derive(Clone)]
#[non_exhaustive]
pub struct Outgoing {
    /// The id of the delivery.
    pub id: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The registration's properties: a JSON object.
    pub properties: String,
    /// The time of the first attempt.
    pub occurred_at: SystemTime,
    /// The time of this one.
    pub now: SystemTime,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Outgoing {
    /// A first attempt without properties, for a test of [`Emit`].
    pub fn new(id: impl Into<String>, now: SystemTime) -> Self {
        Self { id: id.into(), attempt: 1, properties: "{}".into(), occurred_at: now, now }
    }
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
