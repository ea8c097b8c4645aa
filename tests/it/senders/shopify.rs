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
        Envelope::by_head()
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

const ORDER: &str = r#"{"id":9007199254740992,"total_price":"12.50","line_items":[]}"#;

#[tokio::test]
async fn recorded_requests_are_judged_as_by_the_sender() {
    for (keys, tag, body, status) in [
        (
            Keys::from("b8643e9c85ec98b685c1aa61ee6b4706"),
            "qLXxLyLGvk+bcK7cgU4g1vCG1RoqQK7TJEzGE5CNrZE=",
            r#"{"url":"https:\/\/example.test\/a","t":"\u00e9"}"#,
            200,
        ),
        // The second of two keys.
        (
            Keys::from("05bdfacd3d6b6526d1dedeab4af3ca3d").or("934147a8b1fda95d0654347e5c5d06d7"),
            "cBJGwp7/HRvG+LnQTjSERqFqSfsqOqUDrgxqLITWNew=",
            ORDER,
            200,
        ),
        // Hex instead of base64, and the alphabet of URLs.
        (
            Keys::from("776e290df95e3d5c5f886dd33a294b3c"),
            "3185d28390b96ccf57d650b09aa518ad2557e75ed5ff68287876d9129791ec44",
            ORDER,
            401,
        ),
        (
            Keys::from("1ba9de9bb40e214235cccebd07905e8d"),
            "VUC1DFTg1GdCjs8turtxljKKJ6a_DEuHBspOvD3l2LE=",
            r#"{"n":"url alphabet"}"#,
            401,
        ),
        // Another body.
        (
            Keys::from("b8643e9c85ec98b685c1aa61ee6b4706"),
            "qLXxLyLGvk+bcK7cgU4g1vCG1RoqQK7TJEzGE5CNrZE=",
            ORDER,
            401,
        ),
    ] {
        let headers = [("x-shopify-topic", "orders/create"), ("x-shopify-hmac-sha256", tag)];
        assert_eq!(replayed(shopify(keys), 0, &headers, body).await.status(), status, "{tag}");
    }
}

#[tokio::test]
async fn a_request_needs_one_topic() {
    let (key, tag) =
        ("b8643e9c85ec98b685c1aa61ee6b4706", "qLXxLyLGvk+bcK7cgU4g1vCG1RoqQK7TJEzGE5CNrZE=");
    let body = r#"{"url":"https:\/\/example.test\/a","t":"\u00e9"}"#;
    let topics = [&["orders/create"][..], &[], &[""], &["orders/create", "orders/create"]];
    for (topics, status) in topics.into_iter().zip([200, 401, 401, 401]) {
        let mut headers = vec![("x-shopify-hmac-sha256", tag)];
        headers.extend(topics.iter().map(|&topic| ("x-shopify-topic", topic)));
        let answer = replayed(shopify(key), 0, &headers, body).await;
        assert_eq!(answer.status(), status, "{topics:?}");
    }
}
