//! What the original sender sent, sent again: the same bytes under the same signature.

use bytes::Bytes;
use http::Request;
use tower_webhook::{
    Draft, Provider, Sender, decode,
    providers::learn365::{CoursePublished, Learn365},
};

use super::body;
use crate::captures::{RECORDED_SECRET, compared, described, recording};

/// The events of a recorded body, their payloads as they were written.
fn drafts(provider: &Learn365, recorded: &Bytes) -> Vec<Draft> {
    let found = decode::events(&provider.envelope(), recorded).unwrap();
    let draft = |element: decode::Element<'_>| {
        let kind = element.event_type.unwrap();
        let json = std::str::from_utf8(&recorded[element.range]).unwrap();
        let action = format!("\"Action\": {}", serde_json::Value::from(&*kind));
        let payload = json.replacen(&format!("{action},"), "", 1).replacen(&action, "", 1);
        Draft::raw(&kind, &payload).unwrap()
    };
    found.into_iter().map(draft).collect()
}

/// A sender that is told of the recorded delivery.
fn sender(provider: &Learn365, recorded: &Bytes) -> Sender<Learn365> {
    let delivery = described(provider, recorded);
    Sender::new(provider.clone())
        .id(delivery.id().unwrap())
        .attempt(delivery.sender_attempt().unwrap())
        .properties(delivery.properties().unwrap())
}

async fn is_reproduced(provider: Learn365, name: &str, recorded: Request<Bytes>) {
    let sender = sender(&provider, recorded.body());
    let again = sender.batch(&drafts(&provider, recorded.body())).unwrap();
    assert_eq!(again.headers()["content-type"], "application/json; charset=utf-8", "{name}");
    assert_eq!(again.headers()["ms-signature"], recorded.headers()["ms-signature"], "{name}");
    assert_eq!(again.method(), recorded.method(), "{name}");
    assert_eq!(body(again).await, *recorded.body(), "{name}");
}

#[tokio::test]
async fn raw_events_are_written_byte_for_byte() {
    let unit_test = Learn365::new("123456789012345678901234567890123456789012345678").unwrap();
    is_reproduced(unit_test, "unit-vector", recording("unit-vector")).await;
    for name in [
        "learn365-CourseEnrollment",
        "learn365-CoursePublished",
        "learn365-UserCreated",
        "retry.1",
        "retry.2",
        "retry.3",
    ] {
        is_reproduced(Learn365::new(RECORDED_SECRET).unwrap(), name, recording(name)).await;
    }
}

#[tokio::test]
async fn a_typed_event_is_written_byte_for_byte() {
    let (provider, recorded) =
        (Learn365::new(RECORDED_SECRET).unwrap(), recording("learn365-CoursePublished"));
    let [draft] = &drafts(&provider, recorded.body())[..] else { panic!("one event") };
    let event: CoursePublished = serde_json::from_str(&draft.json).unwrap();
    let again = sender(&provider, recorded.body()).event(&event).unwrap();
    assert_eq!(again.headers()["ms-signature"], recorded.headers()["ms-signature"]);
    assert_eq!(body(again).await, *recorded.body());
}

#[tokio::test]
#[ignore = "reads the recordings in the directory that WEBHOOK_CAPTURES names"]
async fn every_recorded_delivery_is_written_byte_for_byte() {
    let all = compared::delivered().await;
    println!("{} deliveries sent again", all.len());
    for (name, provider, recorded) in all {
        is_reproduced(provider, &name, recorded).await;
    }
}
