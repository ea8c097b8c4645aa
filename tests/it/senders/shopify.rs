//! Shopify: the topic in a header that is not signed, HMAC-SHA256 of the body in base64.

use bytes::Bytes;
use http::{HeaderValue, request::Parts};
use serde::{Deserialize, Serialize};
use tower_webhook::{
    Draft, Emit, Outgoing, Payload, Provider,
    decode::Envelope,
    error::SendError,
    scheme::{Check, Head, HmacSha256, Keys, Tag, VerifyError},
};

use super::matrix::*;

struct Shopify(HmacSha256);

impl Provider for Shopify {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = Tag::base64(head.header("x-shopify-hmac-sha256")?)?;
        self.0.check(tag).named(head.public_header("x-shopify-topic")?)
    }

    fn envelope(&self) -> Envelope {
        Envelope::named("every request has its own topic")
    }
}

impl Emit for Shopify {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        Ok(event.json.clone().into())
    }

    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        let topic = events.first().map_or("orders/create", |event| &event.event_type);
        for (name, value) in [("x-shopify-topic", topic), ("x-shopify-webhook-id", &outgoing.id)] {
            head.headers.insert(name, HeaderValue::try_from(value).unwrap());
        }
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        let tag = HeaderValue::try_from(self.0.sign([body]).to_base64()).unwrap();
        head.headers.insert("x-shopify-hmac-sha256", tag);
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Order {
    id: u64,
    total_price: String,
}

impl Payload for Order {
    type Provider = Shopify;
}

fn shopify(keys: impl Into<Keys>) -> Shopify {
    Shopify(HmacSha256::new(keys).unwrap())
}

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || shopify("the client secret of the app"),
        stranger: || shopify("the client secret of another app"),
        event_type: "orders/create",
        event: Order { id: 820_982_911, total_price: "24.32".into() },
        unfit: r#"{"id": "820982911"}"#,
    }
}
