//! E: timestamps, and clocks that are off.

use std::time::{Duration, SystemTime};

use tower::ServiceExt;
use tower_webhook::providers::standard_webhooks::StandardWebhooks;

use super::*;

fn signed_at(seconds: u64) -> Request<Full<Bytes>> {
    let sender = Sender::new(standard_webhooks()).clock(ManualClock::at_unix_seconds(seconds));
    sender.body(r#"{"type":"a"}"#).unwrap()
}

#[tokio::test]
async fn the_tolerance_is_inclusive_in_both_directions() {
    for (row, skew, expected) in [
        ("E1", 300, Ok(200)),
        ("E1", -300, Ok(200)),
        ("E2", -301, Err(VerifyError::TimestampTooOld { skew: 301 })),
        ("E3", 301, Err(VerifyError::TimestampInFuture { skew: 301 })),
        ("E8", 360, Err(VerifyError::TimestampInFuture { skew: 360 })),
        ("E8", -360, Err(VerifyError::TimestampTooOld { skew: 360 })),
    ] {
        let request = signed_at(NOW.checked_add_signed(skew).unwrap());
        assert_eq!(judged(standard_webhooks(), request).await, expected, "{row}: {skew}");
    }
    let narrow = || standard_webhooks().tolerance(Duration::ZERO);
    assert_eq!(judged(narrow(), signed_at(NOW)).await, Ok(200));
    let old = Err(VerifyError::TimestampTooOld { skew: 1 });
    assert_eq!(judged(narrow(), signed_at(NOW - 1)).await, old);
}

#[tokio::test]
async fn milliseconds_are_refused_with_a_hint() {
    let error = judged(standard_webhooks(), signed_at(NOW * 1_000)).await.unwrap_err();
    let hint = "timestamp is 1698300000000 s in the future: is it in milliseconds?";
    assert_eq!(error.to_string(), hint, "E5");
}

#[tokio::test]
async fn a_timestamp_is_digits_and_nothing_else() {
    let words = ["2023-11-14T22:13:20Z", "Tue, 14 Nov 2023 22:13:20 GMT", "1.7e9", "1700000000.0"];
    let signs = ["+1700000000", "-1", " 1700000000", "0x6553f100", "1700000000,1700000000"];
    for time in words.into_iter().chain(signs) {
        let request = with(whsec_request(), "webhook-timestamp", Some(time));
        let malformed = Err(VerifyError::MalformedTimestamp);
        assert_eq!(judged(standard_webhooks(), request).await, malformed, "E6: {time}");
    }
}

#[tokio::test]
async fn another_spelling_of_the_same_time_is_not_what_was_signed() {
    let request = with(whsec_request(), "webhook-timestamp", Some("01700000000"));
    let mismatch = Err(VerifyError::SignatureMismatch);
    assert_eq!(judged(standard_webhooks(), request).await, mismatch);
}

#[tokio::test]
async fn each_request_is_judged_by_the_clock_as_it_then_stands() {
    let clock = ManualClock::at_unix_seconds(NOW);
    let layer = VerifyLayer::new(standard_webhooks()).clock(clock.clone());
    let hook = layer.layer(EventRouter::<StandardWebhooks>::new());
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    for (now, status) in
        [(NOW, 200), (NOW + 301, 401), (NOW - 301, 401), (NOW - 300, 200), (0, 401)]
    {
        clock.set(at(now));
        let answered = hook.clone().oneshot(signed_at(NOW)).await.unwrap();
        assert_eq!(answered.status(), status, "E9: {now}");
    }
    clock.set(SystemTime::UNIX_EPOCH - Duration::from_secs(1_000));
    assert_eq!(hook.clone().oneshot(signed_at(NOW)).await.unwrap().status(), 401);
}
