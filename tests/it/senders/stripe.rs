//! Stripe: time and signatures in one header, and the id of the delivery in the body.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Delivery, EventRouter, RawEvent, Sender, VerifyLayer,
    clock::ManualClock,
    event,
    providers::stripe::{Snapshot, Stripe},
    scheme::{HmacSha256, Keys},
};

use super::matrix::*;
use crate::{list, support::Log};

const SECRET: &str = "whsec_invented_for_this_test";
const OTHER_SECRET: &str = "whsec_invented_by_somebody_else";

#[derive(Debug, Deserialize, Serialize)]
struct Session {
    id: String,
}

/// A thin event, and any other of which the whole is wanted.
#[derive(Debug, Deserialize, Serialize)]
struct MeterFailed {
    object: String,
    related_object: Session,
}

event!(MeterFailed: Stripe = "v1.billing.meter.error_report_triggered");

fn stripe(keys: impl Into<Keys>) -> Stripe {
    Stripe::new(keys).unwrap()
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::stripe::subject,
        event_type: "checkout.session.completed",
        event: Snapshot::new(Session { id: "cs_1".into() }),
        unfit: r#"{"data": {"object": []}}"#,
    }
}

pub(super) fn thin() -> impl Case {
    Subject {
        sender: list::stripe::thin,
        event_type: "v1.billing.meter.error_report_triggered",
        event: MeterFailed {
            object: "v2.core.event".into(),
            related_object: Session { id: "mtr_1".into() },
        },
        unfit: r#"{"object": "v2.core.event", "data": {"object": {"id": "cs_1"}}}"#,
    }
}

#[tokio::test]
async fn handlers_get_the_id_in_the_body() {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().on_type(
        "checkout.session.completed",
        async move |_: Snapshot<Session>, delivery: Delivery| {
            seen.note(format!("{:?}", delivery.id()));
        },
    );
    let hook = VerifyLayer::new(stripe(SECRET)).layer(events);
    let sender = Sender::new(stripe(SECRET));
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

/// The status of the answer to a request that was received at the second 1_000_000.
async fn status(provider: Stripe, list: &str, body: &'static str) -> u16 {
    replayed(provider, 1_000_000, &[("stripe-signature", list)], body).await.status()
}

fn signature(secret: &str, time: u64, body: &str) -> String {
    let keys = HmacSha256::new(secret).unwrap();
    keys.sign([time.to_string().as_bytes(), b".", body.as_bytes()]).to_hex()
}

#[tokio::test]
async fn the_time_is_limited_in_both_directions() {
    for (tolerance, time, expected) in [
        (None, 999_700, 200),
        (None, 999_699, 401),
        (None, 1_000_300, 200),
        (None, 1_000_301, 401),
        (Some(10), 999_990, 200),
        (Some(10), 999_989, 401),
        (Some(10), 1_000_011, 401),
    ] {
        let mut provider = stripe(SECRET);
        if let Some(seconds) = tolerance {
            provider = provider.tolerance(Duration::from_secs(seconds));
        }
        let list = format!("t={time},v1={}", signature(SECRET, time, COMPLETED));
        assert_eq!(status(provider, &list, COMPLETED).await, expected, "{tolerance:?} {time}");
    }
}

#[tokio::test]
async fn a_list_is_read_strictly() {
    let (good, other) = (signature(SECRET, 1_000_000, COMPLETED), "0".repeat(64));
    for (list, expected) in [
        (format!("t=1000000,v1={good}"), 200),
        (format!("v1={good},t=1000000"), 200),
        (format!("t=1000000,v1={good},v0={other}"), 200),
        (format!("t=1000000,v1={other},v1={good}"), 200),
        (format!("t=1000000,v1=,v1={good}"), 200),
        (format!("t=1000000, v1={good}"), 401),
        (format!("t=1000000,\tv1={good}"), 401),
        (format!("t=1000000,v1={good},t=1000000"), 401),
        (format!("t=1000000,v0={good}"), 401),
        (format!("t=1000000,V1={good}"), 401),
        (format!("t=1000000,{good}"), 401),
        (format!("v1={good}"), 401),
        (format!("t=,v1={good}"), 401),
        (format!("t=1000000,v1={good},"), 401),
        (format!("t=1000000{}", format!(",v1={good}").repeat(16)), 200),
        (format!("t=1000000{}", format!(",v1={good}").repeat(17)), 401),
    ] {
        assert_eq!(status(stripe(SECRET), &list, COMPLETED).await, expected, "{list}");
    }
}

/// Other senders decode the text after `whsec_`.
#[tokio::test]
async fn the_key_is_the_whole_text() {
    let secret = "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz";
    for (key, expected) in [
        (secret, 200),
        ("c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz", 401),
        ("secret of at least 24 bytes", 401),
    ] {
        let list = format!("t=1000000,v1={}", signature(key, 1_000_000, COMPLETED));
        assert_eq!(status(stripe(secret), &list, COMPLETED).await, expected, "{key}");
    }
    for unusable in ["", " ", "whsec_"] {
        assert!(Stripe::new(unusable).is_err(), "{unusable:?}");
    }
}

#[tokio::test]
async fn both_keys_are_accepted_while_the_secret_is_changed() {
    let keys = || Keys::named("new", SECRET).or(Keys::named("old", OTHER_SECRET));
    for (secret, expected) in [(SECRET, 200), (OTHER_SECRET, 200), ("whsec_of_nobody_at_all", 401)]
    {
        let list = format!("t=1000000,v1={}", signature(secret, 1_000_000, COMPLETED));
        assert_eq!(status(stripe(keys()), &list, COMPLETED).await, expected, "{secret}");
    }
}

/// The body as it is, whatever type its handler takes.
#[tokio::test]
async fn both_kinds_of_events_are_routed() {
    let log = Log::default();
    let [snapshots, thin, others] = [(); 3].map(|()| log.clone());
    let events = EventRouter::new()
        .on_type("checkout.session.completed", async move |e: Snapshot<Session>, raw: RawEvent| {
            assert_eq!(raw.json(), COMPLETED);
            snapshots.note(e.data.object.id);
        })
        .on(async move |e: MeterFailed, raw: RawEvent| {
            assert_eq!(raw.json(), THIN);
            thin.note(e.related_object.id);
        })
        .fallback(async move |raw: RawEvent| {
            others.note(raw.event_type().unwrap_or_default());
            assert!(raw.error().is_some());
        });
    let clock = ManualClock::at_unix_seconds(1_000_000);
    let hook = VerifyLayer::new(stripe(SECRET)).clock(clock.clone()).layer(events);
    let sender = Sender::new(stripe(SECRET)).clock(clock);
    // No snapshot: `data` has no object.
    let empty = r#"{"id":"evt_1","type":"checkout.session.completed","data":{}}"#;
    for body in [COMPLETED, THIN, empty] {
        let request = sender.body(body).unwrap();
        assert_eq!(hook.clone().oneshot(request).await.unwrap().status(), 200, "{body}");
    }
    assert_eq!(log.seen(), ["cs_1", "mtr_1", "checkout.session.completed"]);
}

#[test]
fn a_sent_event_has_the_members_of_a_genuine_one() {
    let sender = Sender::new(stripe(SECRET)).id("evt_1");
    let session = Snapshot::new(Session { id: "cs_1".into() });
    let request = sender.event_as("checkout.session.completed", &session).unwrap();
    let body = r#"{"id":"evt_1","object":"event","type":"checkout.session.completed","data":{"object":{"id":"cs_1"}}}"#;
    assert_eq!(request.into_body().into_bytes(), body);
    for contradiction in [r#"{"id": "evt_2"}"#, r#"{"type": "a"}"#, "[]"] {
        assert!(sender.raw("a", contradiction).is_err(), "{contradiction}");
    }
}

#[test]
fn lists_are_not_read_as_snapshots() {
    for json in [r#"{"data": [{"id": "cs_1"}]}"#, r#"{"data": {"object": ["cs_1"]}}"#, "{}"] {
        assert!(serde_json::from_str::<Snapshot<Session>>(json).is_err(), "{json}");
    }
}
