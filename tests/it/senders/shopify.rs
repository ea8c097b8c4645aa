//! Shopify: the topic in a header that is not signed, HMAC-SHA256 of the body in base64.

use serde::{Deserialize, Serialize};
use tower_webhook::{Payload, Sender, providers::shopify::Shopify, scheme::Keys};

use super::matrix::{asked::*, *};
use crate::list;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Order {
    id: u64,
    total_price: String,
}

impl Payload for Order {
    type Provider = Shopify;
}

fn shopify(keys: impl Into<Keys>) -> Shopify {
    Shopify::new(keys).unwrap()
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::shopify::subject,
        event_type: "orders/create",
        event: Order { id: 820_982_911, total_price: "24.32".into() },
        unfit: r#"{"id": "820982911"}"#,
    }
}

/// The other family of headers.
pub(super) fn events() -> impl Case {
    Subject {
        sender: list::shopify::events,
        event_type: "Product",
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

const EVENTS_KEY: &str = "4a2dca728d754e5cdb0d0a66d36207fd";
const EVENTS_TAG: &str = "xDbnfD1FDWMjUvG1CZ2FWUpgZ/1PGm3r3JgOSE1pUYg=";
/// Well formed, and of no key.
const WRONG_TAG: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Without the setter they prove nothing, and with it each of them alone is enough.
#[tokio::test]
async fn the_headers_of_the_events_family_are_asked_for() {
    let own = &[("x-shopify-topic", "a"), ("x-shopify-hmac-sha256", EVENTS_TAG)][..];
    let theirs = &[("shopify-topic", "b"), ("shopify-hmac-sha256", EVENTS_TAG)][..];
    let wrong_own = &[("x-shopify-topic", "a"), ("x-shopify-hmac-sha256", WRONG_TAG)][..];
    let wrong = &[("shopify-topic", "b"), ("shopify-hmac-sha256", WRONG_TAG)][..];
    let twice = &[("shopify-hmac-sha256", EVENTS_TAG)][..];
    let table = [
        ("of webhooks", own.to_vec(), Some("a"), Some("a")),
        ("of events", theirs.to_vec(), None, Some("b")),
        ("both", [own, theirs].concat(), Some("a"), Some("b")),
        ("both, one wrong", [own, wrong].concat(), None, None),
        ("both, the other wrong", [wrong_own, theirs].concat(), None, None),
        ("both wrong", [wrong_own, wrong].concat(), None, None),
        ("both, one repeated", [own, theirs, twice].concat(), None, None),
        ("both, one empty", [own, &[("shopify-hmac-sha256", "")]].concat(), None, None),
        (
            "the signature of one, the topic of the other",
            [&own[..1], &theirs[1..]].concat(),
            None,
            None,
        ),
    ];
    for (name, headers, by_default, asked_for) in table {
        for (provider, topic) in
            [(shopify(EVENTS_KEY), by_default), (shopify(EVENTS_KEY).events(), asked_for)]
        {
            let (status, _, seen) = answered(provider, recorded("/in", &headers, ORDER)).await;
            let expected: Vec<_> =
                topic.iter().map(|topic| format!("Some({topic:?}) None {ORDER}")).collect();
            assert_eq!((status, seen), (topic.map_or(401, |_| 200), expected), "{name}");
        }
    }
}

/// They could be sent again under others: handlers see them, and no id of a delivery.
#[tokio::test]
async fn the_headers_beside_the_signature_prove_nothing() {
    use tower::{Layer, ServiceExt};
    use tower_webhook::{Delivery, EventRouter, RawEvent, VerifyLayer};

    use crate::support::Log;

    for (provider, prefix) in
        [(shopify(EVENTS_KEY), "x-shopify"), (shopify(EVENTS_KEY).events(), "shopify")]
    {
        let log = Log::default();
        let seen = log.clone();
        let events = EventRouter::new().fallback(async move |_: RawEvent, of: Delivery| {
            let sent = |name| of.header(&format!("{prefix}-{name}")).unwrap_or("none").to_owned();
            let names = ["topic", "webhook-id", "shop-domain", "hmac-sha256"];
            seen.note(format!("{:?} {:?}", of.id(), names.map(sent)));
        });
        let hook = VerifyLayer::new(provider.clone()).layer(events);
        let request = Sender::new(provider).id("w-1").raw("a/b", "{}").unwrap();
        assert_eq!(hook.oneshot(request).await.unwrap().status(), 200);
        let headers = r#"["a/b", "w-1", "example.myshopify.com", "[redacted]"]"#;
        assert_eq!(log.seen(), [format!("None {headers}")]);
    }
}

#[test]
fn a_blank_secret_is_refused() {
    for secret in ["", " ", "short"] {
        assert!(Shopify::new(secret).is_err(), "{secret:?}");
    }
    let shown = format!("{:?}", shopify(EVENTS_KEY).events());
    assert!(!shown.contains(EVENTS_KEY), "{shown}");
}
