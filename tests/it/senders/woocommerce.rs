//! WooCommerce: the topic in a header that is not signed, and a ping that nobody signs.

use http::{Method, Request};
use serde::{Deserialize, Serialize};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Delivery, EventRouter, Payload, RawEvent, Sender, VerifyLayer,
    providers::woocommerce::WooCommerce, scheme::Keys,
};

use super::matrix::{asked::*, *};
use crate::{list, support::Log};

#[derive(Debug, Deserialize, Serialize)]
struct Order {
    id: u64,
    status: String,
}

impl Payload for Order {
    type Provider = WooCommerce;
}

fn woocommerce(keys: impl Into<Keys>) -> WooCommerce {
    WooCommerce::new(keys).unwrap()
}

const SECRET: &str = "the secret of the webhook";

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::woocommerce::subject,
        event_type: "order.created",
        event: Order { id: 31, status: "processing".into() },
        unfit: r#"{"id": "31", "status": ""}"#,
    }
}

#[tokio::test]
async fn recorded_requests_are_judged_as_in_the_source() {
    const ESCAPED: &str = r#"{"url":"https:\/\/shop.example.test\/a","name":"K\u00e4se"}"#;
    const TAG: &str = "T2E+PWTecRD1iwNZmURadIFZ+NaYsf5+iKLFLGrShw4=";
    const KEY: &str = "X0VSxFd6ctCxGpQ4cQEeUeXrFidvvC4PtLLbFm3i";
    let both = || Keys::from("a secret that is newer").or(KEY);
    for (name, keys, tag, body, status) in [
        ("genuine", KEY.into(), TAG, ESCAPED, 200),
        ("the older of two keys", both(), TAG, ESCAPED, 200),
        ("another key", SECRET.into(), TAG, ESCAPED, 401),
        ("another body", KEY.into(), TAG, r#"{"id":31}"#, 401),
        ("unpadded", KEY.into(), TAG.trim_end_matches('='), ESCAPED, 401),
        // The secret as the database shows it. It was typed with `&`.
        (
            "an entity",
            "a&amp;b-azffFOcGgWnZXTR2clUWT5RQNJzJs2xgF34VxyWt".into(),
            "m/e3dj71krC27wu8oOUItRsmZLn2c6bRkc9mRcp9fZo=",
            ORDER,
            401,
        ),
        (
            "its character",
            "a&b-azffFOcGgWnZXTR2clUWT5RQNJzJs2xgF34VxyWt".into(),
            "m/e3dj71krC27wu8oOUItRsmZLn2c6bRkc9mRcp9fZo=",
            ORDER,
            200,
        ),
    ] {
        let headers = [("x-wc-webhook-topic", "order.created"), ("x-wc-webhook-signature", tag)];
        assert_eq!(replayed(woocommerce(keys), 0, &headers, body).await.status(), status, "{name}");
    }
}

const ORDER: &str = r#"{"id":31,"status":"processing","currency":"EUR"}"#;
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn ping(headers: &[(&str, &str)]) -> Request<Body> {
    recorded("/in", headers, "webhook_id=1")
}

/// It reaches no handler, and its answer is empty.
#[tokio::test]
async fn the_unsigned_ping_is_answered_and_nothing_else() {
    let charset = ("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8");
    let (twelve, longest, too_long) =
        (("content-length", "12"), ("content-length", "64"), ("content-length", "65"));
    let topic = ("x-wc-webhook-topic", "order.created");
    let wrong = ("x-wc-webhook-signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    for (name, headers, status) in [
        ("a ping", &[FORM, twelve][..], 200),
        ("with a charset", &[charset, twelve], 200),
        ("with other headers", &[FORM, twelve, ("user-agent", "WooCommerce")], 200),
        ("the longest", &[FORM, longest], 200),
        ("a longer one", &[FORM, too_long], 401),
        ("an empty one", &[FORM, ("content-length", "0")], 401),
        ("no length", &[FORM], 401),
        ("a length that is none", &[FORM, ("content-length", "+12")], 401),
        ("two lengths", &[FORM, twelve, twelve], 401),
        ("JSON", &[("content-type", "application/json"), twelve], 401),
        ("no media type", &[twelve], 401),
        ("two media types", &[FORM, FORM, twelve], 401),
        ("another form", &[("content-type", "multipart/form-data"), twelve], 401),
        ("with a topic", &[FORM, twelve, topic], 401),
        ("with a wrong signature", &[FORM, twelve, topic, wrong], 401),
        ("with an empty signature", &[FORM, twelve, ("x-wc-webhook-signature", "")], 401),
        ("with two signatures", &[FORM, twelve, topic, wrong, wrong], 401),
    ] {
        let (found, body, seen) = answered(woocommerce(SECRET), ping(headers)).await;
        assert_eq!((found, seen.len()), (status, 0), "{name}");
        assert_eq!(body.is_empty(), status == 200, "{name}: {body}");
        let refusing = woocommerce(SECRET).refuse_pings();
        assert_eq!(self::status(refusing, ping(headers)).await, 401, "{name}");
    }
    for method in [Method::GET, Method::PUT] {
        let other = asking(method, "/in", &[FORM, ("content-length", "12")], "webhook_id=1");
        assert_eq!(status(woocommerce(SECRET), other).await, 405);
    }
}

/// By the head alone: however long the body is in truth.
#[tokio::test]
async fn the_body_of_a_ping_is_not_looked_at() {
    let headers = [FORM, ("content-length", "12")];
    for body in ["".to_owned(), "{}".into(), ORDER.into(), "a".repeat(2 << 20)] {
        let (status, answer, seen) =
            answered(woocommerce(SECRET), recorded("/in", &headers, body)).await;
        assert_eq!((status, &*answer, seen.len()), (200, "", 0));
    }
}

/// A signed form is a delivery, and none that can be read.
#[tokio::test]
async fn a_signed_ping_is_no_ping() {
    let mut request = Sender::new(woocommerce(SECRET)).body("webhook_id=1").unwrap();
    for (name, value) in [FORM, ("content-length", "12"), ("x-wc-webhook-topic", "order.created")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (status, _, seen) = answered(woocommerce(SECRET), request).await;
    assert_eq!((status, seen.len()), (400, 0));
}

#[tokio::test]
async fn a_request_needs_one_topic() {
    let topics = [&["order.created"][..], &[], &[""], &["order.created", "order.created"]];
    for (topics, expected) in topics.into_iter().zip([200, 401, 401, 401]) {
        let mut request = Sender::new(woocommerce(SECRET)).body("{}").unwrap();
        for topic in topics {
            request.headers_mut().append("x-wc-webhook-topic", topic.parse().unwrap());
        }
        assert_eq!(status(woocommerce(SECRET), request).await, expected, "{topics:?}");
    }
}

/// Two deliveries of one second share it.
#[tokio::test]
async fn the_id_in_the_header_is_not_taken_for_that_of_the_delivery() {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().fallback(async move |_: RawEvent, of: Delivery| {
        let names = ["topic", "resource", "event", "delivery-id", "signature"];
        let sent = names.map(|name| of.header(&format!("x-wc-webhook-{name}")).map(str::to_owned));
        seen.note(format!("{:?} {:?}", of.id(), sent.map(Option::unwrap_or_default)));
    });
    let hook = VerifyLayer::new(woocommerce(SECRET)).layer(events);
    let request = Sender::new(woocommerce(SECRET)).id("d-1").raw("order.created", "{}").unwrap();
    assert_eq!(hook.oneshot(request).await.unwrap().status(), 200);
    assert_eq!(log.seen(), [r#"None ["order.created", "order", "created", "d-1", "[redacted]"]"#]);
}

#[test]
fn a_blank_secret_is_refused() {
    for secret in ["", " ", "short"] {
        assert!(WooCommerce::new(secret).is_err(), "{secret:?}");
    }
    let shown = format!("{:?}", woocommerce(SECRET));
    assert!(!shown.contains(SECRET), "{shown}");
}
