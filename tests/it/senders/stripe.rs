//! Stripe: time and signatures in one header, and the id of the delivery in the body.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Delivery, Described, Draft, Emit, EventRouter, Outgoing, Payload, Provider, Sender, Unpacked,
    VerifyLayer,
    decode::{DecodeError, Envelope, Members},
    error::SendError,
    scheme::{Check, Head, HmacSha256, Keys, Pairs, Tag, Timestamp, VerifyError},
};

use super::matrix::*;
use crate::support::Log;

struct Stripe(HmacSha256);

impl Provider for Stripe {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let pairs = Pairs::parse(head.header("stripe-signature")?)?;
        let time = pairs.one("t")?;
        Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now())?;
        let check = self.0.check_any(pairs.all("v1").map(Tag::hex))?;
        Ok(check.prefix(time).prefix("."))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let members = str::from_utf8(&body).ok().and_then(Members::of).unwrap_or_default();
        let id = members.text("id").map(|id| Described::default().id(id.into_owned()));
        Ok(Unpacked::from(body).described(id.unwrap_or_default()))
    }
}

impl Emit for Stripe {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        let flat = event.flat("type")?;
        Ok(format!("{{\"id\":{},{}", json!(outgoing.id), &flat[1..]).into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let time = outgoing.now.duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let tag = self.0.sign([time.as_bytes(), b".", body]).to_hex();
        let value = format!("t={time},v1={tag}");
        head.headers.insert("stripe-signature", value.try_into().unwrap());
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct CheckoutCompleted {
    data: Data,
}

#[derive(Debug, Deserialize, Serialize)]
struct Data {
    object: Session,
}

#[derive(Debug, Deserialize, Serialize)]
struct Session {
    id: String,
}

impl Payload for CheckoutCompleted {
    type Provider = Stripe;
}

fn stripe(keys: impl Into<Keys>) -> Stripe {
    Stripe(HmacSha256::new(keys).unwrap())
}

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || stripe("whsec_invented_for_this_test"),
        stranger: || stripe("whsec_invented_by_somebody_else"),
        event_type: "checkout.session.completed",
        event: CheckoutCompleted { data: Data { object: Session { id: "cs_1".into() } } },
        unfit: r#"{"data": {"object": []}}"#,
    }
}

#[tokio::test]
async fn handlers_get_the_id_in_the_body() {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().on_type(
        "checkout.session.completed",
        async move |_: CheckoutCompleted, delivery: Delivery| {
            seen.note(format!("{:?}", delivery.id()));
        },
    );
    let hook = VerifyLayer::new(stripe("whsec_invented_for_this_test")).layer(events);
    let sender = Sender::new(stripe("whsec_invented_for_this_test"));
    let named = |id: &str| {
        let event = r#"{"data": {"object": {"id": "cs_1"}}}"#;
        sender.clone().id(id).raw("checkout.session.completed", event).unwrap()
    };
    let twice = r#"{"id": "a", "type": "checkout.session.completed", "id": "b", "data": {"object": {"id": "cs_1"}}}"#;
    for request in [named("evt_1"), named("evt_1"), named("evt_2"), sender.body(twice).unwrap()] {
        assert_eq!(hook.clone().oneshot(request).await.unwrap().status(), 200);
    }
    assert_eq!(log.seen(), [r#"Some("evt_1")"#, r#"Some("evt_1")"#, r#"Some("evt_2")"#, "None"]);
}

const COMPLETED: &str = r#"{"id":"evt_1ExampleOnly","object":"event","api_version":"2026-08-27.preview","created":1790000000,"data":{"object":{"id":"cs_1","object":"checkout.session"}},"livemode":false,"pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":"checkout.session.completed"}"#;
const THIN: &str = r#"{"id":"evt_test_thin","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","created":"2026-09-21T13:33:20.000Z","livemode":false,"related_object":{"id":"mtr_1","type":"billing.meter","url":"/v1/billing/meters/mtr_1"}}"#;

/// The key, when it was received, the signature, the body, the status.
type Vector = (&'static str, u64, &'static str, &'static str, u16);

const VECTORS: [Vector; 7] = [
    (
        "whsec_1DvwrdeLi6X8n6O0iCnnb5q2FYqugkRS",
        1_790_122_125,
        "t=1790122125,v1=027eda3da0b27a25138e1b66fd42d989f19daad9ff9d3ee3f668c99fba5ebbb4",
        THIN,
        200,
    ),
    // Two signatures: the second is made with our key.
    (
        "whsec_mk9kF0ENfDjr36uyLrlgwYAdixHlQsDg",
        1_790_123_102,
        "t=1790123102,v1=0000000000000000000000000000000000000000000000000000000000000000,v1=e990190a89b9839dd06eaa4330a73efa4bf259f2506e381732067b37feb6dc0e",
        COMPLETED,
        200,
    ),
    // 299 and 301 seconds old.
    (
        "whsec_wq9PFrqxkqSJMqnK4XXlZ2w4dyebgu99",
        1_790_126_033,
        "t=1790125734,v1=378f6f72fe9c13b2daa59feb118657098c0c33e3e064f16a5183df109c92f582",
        COMPLETED,
        200,
    ),
    (
        "whsec_brTDVvcqMTHx6Sz1kUiMk57zZZxS18DG",
        1_790_137_757,
        "t=1790137456,v1=02e737733568be6c06af47c2714c775c01a8d4aa6e3adf5260a990c044bd370a",
        COMPLETED,
        401,
    ),
    // Which of the times was signed?
    (
        "whsec_p5vKUerZCQVLR08OkUF0KCEUJGxmpB2i",
        1_790_139_711,
        "t=1,t=1790139711,v1=b262d0cbc3f2984be1df8e01356e80041c6ef34a5ee577c13168fab130c3a3d1",
        COMPLETED,
        401,
    ),
    // The time is signed without the zero.
    (
        "whsec_Q7bbSlqvzwf1IShkMheGgacQ6DN95Spm",
        1_790_142_642,
        "t=01790142642,v1=b610e2bfcf25621c0d62c5d142f94f83fe2d7a3ce4bd90ced43b2c5cdcdfdc87",
        COMPLETED,
        401,
    ),
    (
        "whsec_bI8bGZobG65CtdWsdYRKpcX1stjPGBLN",
        1_790_145_573,
        "t=1790145573,v1=8b41ba245b9a6554ef6693c8b460eb42744a20baf8fe6af2ea5025a3221554fd=ff",
        COMPLETED,
        401,
    ),
];

#[tokio::test]
async fn recorded_requests_are_judged_by_signature_and_time() {
    for (key, now, value, body, status) in VECTORS {
        let answer = replayed(stripe(key), now, &[("stripe-signature", value)], body).await;
        assert_eq!(answer.status(), status, "{value}");
    }
}
