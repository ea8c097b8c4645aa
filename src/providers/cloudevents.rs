//! CloudEvents over HTTP: the CNCF's open format of events, sent as webhooks.
//!
//! Specified at <https://github.com/cloudevents/spec>: the [HTTP binding][binding] and [webhooks][webhook]. **Run** in the table:
//! the libraries `cloudevents` for Node and for Python write and read so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | mode | by the media type: `application/cloudevents-batch…` is a batch, `application/cloudevents…` is structured, any other is binary, and so is none | run, specified |
//! | binary | the attributes are headers (`ce-type`, …), percent-encoded; the body is the data | run, specified |
//! | structured | `application/cloudevents+json`: one object with the attributes, and `data` or `data_base64` | run, specified |
//! | batch | `application/cloudevents-batch+json`: a list of such objects, which may be empty | run, specified |
//! | required | `specversion` `1.0`, `id`, `source` and `type`; none is empty | run, specified |
//! | authentication | Bearer in `Authorization`, or `access_token` in the query; nothing is signed | specified |
//! | delivery id | none: `id` and `source` of each event, **not signed**. [`Delivery::id`](crate::Delivery::id) is `None` | specified |
//! | answer | 2xx, never a redirect; 202 if it is not processed yet; 410 ends the subscription; 429 with `Retry-After`; 415 for a format that is not understood | specified |
//! | retries, waits for the answer | unknown: the sender decides | |
//! | handshake | `OPTIONS` with `WebHook-Request-Origin`: see [`CloudEvents::allow_origin`] | specified |
//!
//! # Authentication
//!
//! The [`Token`] is yours: [`Token::bearer`], or `Token::query("access_token", …)`. It proves who sends, and nothing about the
//! content: it is as safe as the TLS connection, and whoever has recorded a request can send other events. So no header and no
//! member of the body is taken for the id of a delivery. To recognise duplicates, use `id` and `source` of the event together. In
//! binary mode they are in [`Delivery::headers`](crate::Delivery::headers), otherwise in [`RawEvent::json`](crate::RawEvent::json).
//!
//! # Modes
//!
//! A handler gets the data, in every mode. An event without data has the payload `null`: without `data`, or in binary mode with an
//! empty body, whose media type may be missing. The bytes of `data_base64` are in
//! [`RawEvent::json`](crate::RawEvent::json). The required attributes are checked, and so are `subject`, `time` and `dataschema` in
//! headers: they must not be repeated, empty, or anything else than percent-encoded UTF-8. Extensions are not checked.
//!
//! Data of another media type than JSON is answered 415, except after [`CloudEvents::text_data`]. So is another format of events
//! than JSON.
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Sender, VerifyLayer, providers::cloudevents::CloudEvents, scheme::Token};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct CourseCompleted {
//!     course: String,
//! }
//! tower_webhook::event!(CourseCompleted: CloudEvents = "com.example.course.completed");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let token = Token::bearer("0123456789abcdef0123456789abcdef")?;
//! let provider = CloudEvents::new(token).allow_origin("lms.example.com");
//! let events = EventRouter::new().on(async |e: CourseCompleted| println!("{} completed", e.course));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event(&CourseCompleted { course: "c-1".into() })?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! To try it, every sender has its own way. Without one: `curl` with the token and the four headers `ce-specversion`, `ce-id`,
//! `ce-source` and `ce-type`.
//!
//! [binding]: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md
//! [webhook]: https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, header::CONTENT_TYPE, request::Parts};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde_json::value::RawValue;

use super::{insert, json};
use crate::{
    Draft, Emit, Outgoing, Policy, Provider, Schedule, Unpacked,
    decode::{DecodeError, Envelope, Members},
    error::SendError,
    scheme::{Authentic, Check, Head, Token, VerifyError},
    sender::quoted,
};

/// A sender of CloudEvents.
#[derive(Clone, Debug)]
pub struct CloudEvents {
    token: Token,
    origins: Vec<Cow<'static, str>>,
    takes_text: bool,
    is_structured: bool,
}

impl CloudEvents {
    /// Accepts requests that have the token.
    pub fn new(token: Token) -> Self {
        Self { token, origins: Vec::new(), takes_text: false, is_structured: false }
    }

    /// Accepts all requests, without a check: for a receiver that only the sender can reach.
    pub fn dangerous_unauthenticated() -> Self {
        Self::new(Token::dangerous_none())
    }

    /// Consents to deliveries of the sender that has this name in `WebHook-Request-Origin`, whatever the case of its letters, and
    /// at any rate. Can be called again for a further sender. By default no sender gets consent, and OPTIONS is answered 405.
    ///
    /// The handshake is not authenticated, and proves nothing: every request still needs the token. The consent is in the
    /// answer. The URL in `WebHook-Request-Callback` is never called: whoever sends the handshake chooses it.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<Cow<'static, str>>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// In binary mode, accepts any media type. A body in UTF-8 that is not JSON, and does not begin with `{`, `[` or `"`, becomes a
    /// JSON string, whatever media type is declared. Any other body that is not JSON is answered 400, such as one that broke off.
    /// By default another media type than JSON is answered 415. An empty body is no data, and not an empty text.
    ///
    /// A media type is not signed, so it does not decide what the body is: the text `7` stays a number. The body is read once
    /// more for it.
    #[must_use]
    pub fn text_data(self) -> Self {
        Self { takes_text: true, ..self }
    }

    /// As a [`Sender`](crate::Sender), writes one event in structured mode. By default it is binary. Several events are always a
    /// batch.
    #[must_use]
    pub fn structured(self) -> Self {
        Self { is_structured: true, ..self }
    }
}

impl Provider for CloudEvents {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let proof = self.token.verify(head)?;
        let declared = head.has(&CONTENT_TYPE).then(|| head.public_header(&CONTENT_TYPE));
        let media_type = declared.transpose()?.unwrap_or_default().to_ascii_lowercase();
        match media_type.split(';').next().unwrap_or_default().trim() {
            STRUCTURED => Ok(complete(proof, is_event)),
            BATCH => Ok(complete(proof, is_batch)),
            other if !other.starts_with("application/cloudevents") => binary(head, proof),
            // The policy answers 415.
            other if !self.takes_text && !other.ends_with("+json") => Ok(proof.into()),
            _ => Err(VerifyError::Other("the format of the events is not understood".into())),
        }
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("type", "data")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let body = if body.is_empty() { Bytes::from_static(b"null") } else { body };
        let text = str::from_utf8(&body).ok().filter(|_| self.takes_text);
        let text = text.filter(|text| !text.trim_start().starts_with(['{', '[', '"']));
        let text = text.filter(|text| serde_json::from_str::<&RawValue>(text).is_err());
        Ok(text.map_or_else(|| body.clone().into(), |text| quoted(text).into()))
    }

    /// The status of the answer says nothing: the headers are the consent.
    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        let origin = head.public_header("webhook-request-origin").ok()?;
        self.origins.iter().find(|known| known.eq_ignore_ascii_case(origin))?;
        let answer = Response::builder().header("webhook-allowed-origin", origin);
        let answer = answer.header("webhook-allowed-rate", "*").header("allow", "POST");
        answer.body(Bytes::new()).ok().filter(|_| head.method() == Method::OPTIONS)
    }

    fn policy(&self) -> Policy {
        if self.takes_text { Policy::default() } else { Policy::default().json_only() }
    }

    fn name(&self) -> Cow<'static, str> {
        "cloudevents".into()
    }
}

/// The attributes of the event are in the head.
fn binary(head: &Head<'_>, proof: Authentic) -> Result<Check, VerifyError> {
    let optional = ["ce-subject", "ce-time", "ce-dataschema"].into_iter();
    for name in optional.filter(|name| head.has(*name)).chain(["ce-id", "ce-source"]) {
        attribute(head, name)?;
    }
    match &*attribute(head, "ce-specversion")? {
        "1.0" => Check::from(proof).named(&attribute(head, "ce-type")?),
        _ => Err(VerifyError::Other("another version of CloudEvents".into())),
    }
}

/// The value of an attribute, which may be a quoted string, without escapes of that. It is not empty.
fn attribute<'a>(head: &Head<'a>, name: &str) -> Result<Cow<'a, str>, VerifyError> {
    let value = head.public_header(name)?;
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let text = quoted.unwrap_or(value);
    let bad = text.is_empty() || text.contains('"') || quoted.is_some() && text.contains('\\');
    let found = percent_decode_str(text).decode_utf8().ok().filter(|_| !bad);
    found.ok_or_else(|| VerifyError::Other(format!("header `{name}` is not an attribute").into()))
}

/// The token has proven the request before its body is read.
fn complete(proof: Authentic, is_complete: fn(&str) -> bool) -> Check {
    Check::whole(move |body| match str::from_utf8(body) {
        Ok(json) if is_complete(json) => Ok(proof),
        _ => Err(VerifyError::Other("the body is not a CloudEvent".into())),
    })
}

fn is_batch(json: &str) -> bool {
    let events = serde_json::from_str::<Vec<&RawValue>>(json);
    events.is_ok_and(|events| events.into_iter().all(|event| is_event(event.get())))
}

/// Whether it is an object that has the required attributes.
fn is_event(json: &str) -> bool {
    let event = Members::of(json).unwrap_or_default();
    let text = |name| event.text(name).unwrap_or_default();
    text("specversion") == "1.0" && ["id", "source", "type"].iter().all(|one| !text(one).is_empty())
}

/// One event is binary, several are a batch, in which each event has an id of its own.
impl Emit for CloudEvents {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let one = |(at, event): (usize, &Draft)| {
            let (id, event) = (format!("{}-{at}", outgoing.id), event.adjacent("type", "data"));
            let (id, rest) = (quoted(&id), event.get(1..).unwrap_or_default());
            format!(r#"{{"specversion":"1.0","id":{id},"source":"/",{rest}"#)
        };
        Ok(Bytes::from(match events {
            [event] if !self.is_structured => event.json.clone(),
            [event] => one((0, event)),
            _ => format!("[{}]", events.iter().enumerate().map(one).collect::<Vec<_>>().join(",")),
        }))
    }

    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        match events {
            [_] | [] if self.is_structured => {}
            [event] => {
                let escape = |text| utf8_percent_encode(text, ESCAPED).to_string();
                insert(head, "ce-id", &escape(&outgoing.id));
                insert(head, "ce-type", &escape(&event.event_type));
                insert(head, "ce-source", "/");
                insert(head, "ce-specversion", "1.0");
            }
            _ => insert(head, CONTENT_TYPE, BATCH),
        }
    }

    fn sign(&self, head: &mut Parts, _: &[u8], _: &Outgoing) {
        self.token.apply(head);
    }

    /// The specification leaves the retries to the sender.
    fn schedule(&self) -> Schedule {
        Schedule::undocumented().gone_disables_endpoint().heeds_retry_after()
    }

    fn content_type(&self) -> HeaderValue {
        if self.is_structured { HeaderValue::from_static(STRUCTURED) } else { json() }
    }
}

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
/// Besides everything beyond ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');
