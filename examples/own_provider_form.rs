//! A sender that says the type of the event in a header, and puts the event in a form: Parcels.
//!
//! `cargo run --example own_provider_form`
//!
//! Parcels signs the body with HMAC-SHA256. The body is the JSON of one event, or a form whose field `payload` is that JSON.
//! The header is not signed: if somebody has recorded a request, they can send it again with another type. So a handler must
//! not rely on the type alone.

use bytes::Bytes;
use http::{HeaderValue, request::Parts};
use serde::{Deserialize, Serialize};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    BoxError, Draft, Emit, EventRouter, Outgoing, Provider, Rejection, Sender, Unpacked,
    VerifyLayer,
    decode::{DecodeError, Envelope, Form},
    error::SendError,
    scheme::{Check, Head, HmacSha256, Tag, VerifyError, after_prefix},
    sender::conformance,
};

struct Parcels(HmacSha256);

impl Provider for Parcels {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = after_prefix(head.header("parcels-signature")?, "sha256=")?;
        self.0.check(Tag::hex(tag)?).named(head.public_header("parcels-event")?)
    }

    fn envelope(&self) -> Envelope {
        Envelope::by_head()
    }

    /// Called after the proof. The media type is not signed, so the first byte decides.
    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        match body.trim_ascii_start() {
            [b'{' | b'[', ..] => Ok(body.into()),
            _ => Ok(Form::parse(&body)?.take("payload")?.into()),
        }
    }
}

#[derive(Deserialize, Serialize)]
struct ParcelDelivered {
    to: String,
}

tower_webhook::event!(ParcelDelivered: Parcels = "parcel.delivered");

/// Makes forms for tests. A receiver does not need it.
impl Emit for Parcels {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        Ok(Form::default().with("payload", &event.json).to_string().into())
    }

    /// A body of another making (`Sender::body`) has no event: it gets the usual type.
    fn announce(&self, head: &mut Parts, events: &[Draft], _: &Outgoing) {
        let event_type = events.first().map_or("parcel.delivered", |event| &event.event_type);
        if let Ok(value) = HeaderValue::try_from(event_type) {
            head.headers.insert("parcels-event", value);
        }
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        let value = format!("sha256={}", self.0.sign([body]).to_hex());
        head.headers.insert("parcels-signature", value.try_into().expect("hex is ASCII"));
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/x-www-form-urlencoded")
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let parcels = |secret| HmacSha256::new(secret).map(Parcels);
    let (secret, other) = ("invented for this example", "invented for this example, too");
    conformance(&parcels(secret)?, &parcels(other)?).assert_passed();

    let events = EventRouter::new().on(async |e: ParcelDelivered| println!("handler: to {}", e.to));
    let hook = VerifyLayer::new(parcels(secret)?).layer(events);
    let sender = Sender::new(parcels(secret)?);
    let form = sender.event(&ParcelDelivered { to: "Ada & Co".into() })?;
    for request in [form, sender.body(r#"{"to": "Bob"}"#)?, sender.body("to=Eve")?] {
        println!("body:    {}", String::from_utf8(request.body().clone().into_bytes().into())?);
        let answer = hook.clone().oneshot(request).await?;
        println!("answer:  {}", answer.status());
        if let Some(reason) = answer.extensions().get::<Rejection>() {
            println!("reason:  {reason}");
        }
    }
    Ok(())
}
