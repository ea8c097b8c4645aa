//! A and E: requests that were recorded, and are sent again.
//!
//! Without an inbox nothing remembers a delivery: within the tolerance a repetition passes, as documented.

use std::time::{Duration, SystemTime};

use super::*;

/// A receiver by `clock` that counts events, and what it noted.
async fn counting<P: Provider>(provider: P, clock: &ManualClock) -> (Server, Log) {
    let log = Log::default();
    let noted = log.clone();
    let events = EventRouter::new().fallback(async move |_: RawEvent, delivery: Delivery| {
        noted.note(delivery.id().unwrap_or_default());
    });
    let layer = VerifyLayer::new(provider).clock(clock.clone());
    (Server::start(layer.layer(events)).await, log)
}

#[tokio::test]
async fn e2_e3_what_was_recorded_passes_within_the_tolerance_and_never_after() {
    let clock = ManualClock::at_unix_seconds(NOW);
    let (server, log) = counting(standard_webhooks(), &clock).await;
    let recorded = written(stamped("msg_1", &NOW.to_string())).await;
    for (now, status) in [
        (NOW, "200"),
        (NOW, "200"),
        (NOW + 300, "200"),
        (NOW + 301, "401"),
        (NOW + 1_000_000, "401"),
        (NOW - 301, "401"),
    ] {
        clock.set(SystemTime::UNIX_EPOCH + Duration::from_secs(now));
        let answer = server.say(&recorded).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "E2: {now}: {answer}");
    }
    assert_eq!(log.seen(), ["msg_1"; 3], "E2: each with the id by which to tell");
}

#[tokio::test]
async fn a34_what_was_recorded_stands_for_no_other_id_time_or_body() {
    let clock = ManualClock::at_unix_seconds(NOW + 301);
    let (server, log) = counting(standard_webhooks(), &clock).await;
    let recorded = stamped("msg_1", &NOW.to_string());
    let (now, body) = ((NOW + 301).to_string(), r#"{"type":"b"}"#);
    let restamped = with(recorded.clone(), "webhook-timestamp", Some(&now));
    for (row, request) in [
        ("as it was", recorded.clone()),
        ("another time", restamped.clone()),
        ("another time and id", with(restamped, "webhook-id", Some("msg_2"))),
        ("another's signature", {
            let good = signature(&recorded, SW);
            with(stamped("msg_2", &now), SW, Some(&good))
        }),
        ("another body", stamped("msg_2", &now).map(|_| Body::from(body))),
        ("more body", stamped("msg_2", &now).map(|_| Body::from(r#"{"type":"a"} "#))),
        ("no body", stamped("msg_2", &now).map(|_| Body::default())),
    ] {
        assert_eq!(server.send(request).await.unwrap().status(), 401, "A34: {row}");
    }
    assert_eq!(server.send(stamped("msg_2", &now)).await.unwrap().status(), 200, "A34");
    assert_eq!(log.seen(), ["msg_2"], "A34");
}

/// Who signs no time cannot have it checked: whatever is signed has to be as it was.
#[tokio::test]
async fn a34_without_a_time_the_body_and_its_id_are_signed() {
    let clock = ManualClock::at_unix_seconds(NOW);
    let (server, log) = counting(learn365(), &clock).await;
    let body = r#"{"Id":"1","Notifications":[{"Action":"a"}]}"#;
    let recorded = signed(learn365(), body);
    for _ in 0..2 {
        assert_eq!(server.send(recorded.clone()).await.unwrap().status(), 200, "A34");
        clock.advance(Duration::from_secs(1_000_000));
    }
    for other in [body.replace('1', "2"), body.replace("\"a\"", "\"b\""), format!("{body} ")] {
        let request = recorded.clone().map(|_| Body::from(other));
        assert_eq!(server.send(request).await.unwrap().status(), 401, "A34");
    }
    assert_eq!(log.seen(), ["1", "1"], "A34: each with the id by which to tell");
}
