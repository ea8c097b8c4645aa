//! The sending half of a provider: it writes events as the sender does, and signs requests.

use std::{fmt, time::SystemTime};

use bytes::Bytes;
use http::{HeaderValue, request::Parts};

use super::Schedule;
use crate::{Provider, decode::Members, error::SendError};

/// The sending half of a [`Provider`]: writes events as the sender does, and signs a request.
///
/// It is for [`Sender`](crate::Sender), in tests and emulators. A provider that only receives does not need it.
/// `examples/own_provider.rs` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a webhook provider that can send",
    label = "not an `Emit`",
    note = "the providers of this crate can send; implement `Emit` for a provider of your own",
    note = "a constructor that checks a secret returns a `Result`: take the provider out of it with `?`"
)]
pub trait Emit: Provider {
    /// Writes the body with `events`.
    ///
    /// # Errors
    ///
    /// If the sender cannot send these events: [`SendError::NotOneEvent`], [`SendError::Encode`].
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError>;

    /// Adds headers that prove nothing, such as the type of an event or the id of a delivery. Called before [`Emit::sign`].
    ///
    /// If the receiver refuses every other value of a header, then that header belongs in [`Emit::sign`], except if the
    /// signature covers it. The type of an event that the receiver reads with
    /// [`Check::named`](crate::scheme::Check::named) belongs here, because it can be any type.
    ///
    /// This is called again for each request that is forged, with the time and the id of that request.
    /// [`conformance`](crate::sender::conformance()) alters these headers, too. The receiver may accept such a request, but not
    /// with another id or key, and not if it refused the request before. If the body was not encoded from events, as by
    /// [`Sender::body`](crate::Sender::body), then `events` is empty, and the request names no type.
    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        let _ = (head, events, outgoing);
    }

    /// Adds everything to `head` that authenticates it and `body`.
    ///
    /// Every header that this sets is considered a part of the proof: if one of them is absent or altered, then a receiver
    /// must refuse the request. A header that proves nothing belongs in [`Emit::announce`].
    ///
    /// If the value of a header is a token and not a signature, then
    /// [mark it as sensitive](http::HeaderValue::set_sensitive): after a redirect, it is not sent to another host.
    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing);

    /// The times at which this sender sends a delivery again, and the time that it waits for an answer.
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
    pub event_type: String,
    /// Its payload: well-formed JSON.
    pub json: String,
}

impl Draft {
    pub(crate) fn new(event_type: impl Into<String>, json: String) -> Self {
        Self { event_type: event_type.into(), json }
    }

    /// `{"<type_key>": event_type, "<data_key>": payload}`: the counterpart of
    /// [`Envelope::adjacent`](crate::decode::Envelope::adjacent).
    pub fn adjacent(&self, type_key: &str, data_key: &str) -> String {
        format!(
            "{{{}:{},{}:{}}}",
            quoted(type_key),
            quoted(&self.event_type),
            quoted(data_key),
            self.json
        )
    }

    /// The payload, which is an object, with `"<type_key>": event_type` as its first member: the counterpart of
    /// [`Envelope::flat`](crate::decode::Envelope::flat).
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] if the payload is not an object, or already has a member `type_key`.
    pub fn flat(&self, type_key: &str) -> Result<String, SendError> {
        let members = Members::of(&self.json)
            .ok_or_else(|| SendError::Encode("the payload is not an object".into()))?;
        if members.has(type_key) {
            let why = format!(
                "the payload has a member `{type_key}` already: leave it out, or give a whole body \
                 to `Sender::body`"
            );
            return Err(SendError::Encode(why.into()));
        }
        let rest = self.json.trim_start().get(1..).unwrap_or_default();
        let comma = if members.is_empty() { "" } else { "," };
        Ok(format!("{{{}:{}{comma}{rest}", quoted(type_key), quoted(&self.event_type)))
    }

    /// As [`Draft::flat`], for a payload that has one member `beside`: the counterpart of
    /// [`Envelope::flat_beside`](crate::decode::Envelope::flat_beside).
    ///
    /// # Errors
    ///
    /// As [`Draft::flat`], and if the payload has no member `beside`, or more than one: a receiver would ignore the event.
    pub fn flat_beside(&self, type_key: &str, beside: &str) -> Result<String, SendError> {
        let flat = self.flat(type_key)?;
        let members = Members::of(&self.json).unwrap_or_default();
        let count = match members.raw(beside) {
            Some(_) => return Ok(flat),
            None if members.has(beside) => "more than one",
            None => "no",
        };
        let why = format!("the payload has {count} `{beside}`: a receiver would ignore the event");
        Err(SendError::Encode(why.into()))
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("event_type", &self.event_type)
            .field("bytes", &self.json.len())
            .finish_non_exhaustive()
    }
}

/// The facts about a request of a [`Sender`](crate::Sender), without its events.
#[derive(Clone)]
#[non_exhaustive]
pub struct Outgoing {
    /// The id of the delivery.
    pub id: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The registration's properties: a JSON object.
    pub properties: String,
    /// The time of the first attempt.
    pub occurred_at: SystemTime,
    /// The time of this attempt.
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
