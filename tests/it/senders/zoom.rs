//! Zoom: a challenge that is answered with a MAC, and that must not become a way to have anything signed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Delivery, Emit, EventRouter, Payload, RawEvent, Sender, VerifyLayer,
    providers::zoom::Zoom,
    scheme::{HmacSha256, Keys},
};

use super::matrix::*;
use crate::{
    list,
    support::{Log, text},
};

#[derive(Debug, Deserialize, Serialize)]
struct MeetingStarted {
    account_id: String,
}

impl Payload for MeetingStarted {
    type Provider = Zoom;
}

fn zoom(keys: impl Into<Keys>) -> Zoom {
    Zoom::new(keys).unwrap()
}

const SECRET: &str = "the secret token of the app";
const OLD_SECRET: &str = "the secret token before that";
const OTHER_SECRET: &str = "the secret token of another app";

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::zoom::subject,
        event_type: "meeting.started",
        event: MeetingStarted { account_id: "a-1".into() },
        unfit: r#"{"account_id": 1}"#,
    }
}

const CHALLENGE: &str = "endpoint.url_validation";

fn challenge(plain_token: &str) -> String {
    json!({ "plainToken": plain_token }).to_string()
}

#[tokio::test]
async fn the_challenge_is_answered_with_the_key_that_verified_it() {
    let own = || zoom(Keys::from(SECRET).or(OLD_SECRET));
    for key in [SECRET, OLD_SECRET] {
        let hook = VerifyLayer::new(own()).layer(EventRouter::new());
        let request = Sender::new(zoom(key)).raw(CHALLENGE, &challenge("aB3-_x")).unwrap();
        let response = hook.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let answer: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
        let encrypted = HmacSha256::new(key).unwrap().sign(["aB3-_x"]).to_hex();
        assert_eq!(answer, json!({ "plainToken": "aB3-_x", "encryptedToken": encrypted }));
    }
}

/// Computed by another implementation.
#[tokio::test]
async fn a_known_challenge_gets_its_known_answer() {
    let secret = "zoom-secret-token";
    let body = r#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}"#;
    let hook = VerifyLayer::new(zoom(secret)).layer(EventRouter::new());
    let response = hook.oneshot(Sender::new(zoom(secret)).body(body).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let answer: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    let encrypted = "d9e0d764a78494688ba3f2d5c0ed4ca311394b4834d959759213424d2df961e3";
    assert_eq!(
        answer,
        json!({ "plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": encrypted })
    );
}

#[tokio::test]
async fn a_challenge_that_is_not_authentic_is_not_answered() {
    let hook = VerifyLayer::new(zoom(SECRET)).layer(EventRouter::new());
    let foreign = Sender::new(zoom(OTHER_SECRET)).raw(CHALLENGE, &challenge("aB3")).unwrap();
    let mut unsigned = Sender::new(zoom(SECRET)).raw(CHALLENGE, &challenge("aB3")).unwrap();
    unsigned.headers_mut().clear();
    for request in [foreign, unsigned] {
        let response = hook.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(!text(response).await.contains("aB3"));
    }
}

/// Otherwise the answer to `v0:time:body` would be the signature of that body.
#[tokio::test]
async fn other_challenges_are_refused() {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().fallback(async move |event: RawEvent| {
        seen.note(event.event_type().unwrap_or_default());
    });
    let hook = VerifyLayer::new(zoom(SECRET)).layer(events);
    let (longest, too_long) = ("a".repeat(64), "a".repeat(65));
    for (payload, is_answered) in [
        (challenge("v0:1790000000:{}"), false),
        (challenge(""), false),
        (challenge("a.b"), false),
        (challenge("a b"), false),
        (challenge("é"), false),
        (challenge("a\n"), false),
        (challenge(&too_long), false),
        (challenge(&longest), true),
        (r#"{"plainToken": 7}"#.into(), false),
        (r#"{"plainToken": "a", "plainToken": "b"}"#.into(), false),
        ("{}".into(), false),
        ("[]".into(), false),
    ] {
        let request = Sender::new(zoom(SECRET)).raw(CHALLENGE, &payload).unwrap();
        let response = hook.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), if is_answered { 200 } else { 400 }, "{payload}");
        assert_eq!(text(response).await.contains("encryptedToken"), is_answered, "{payload}");
    }
    assert_eq!(log.seen(), [""; 0]);
}

/// It is not worth parsing every body twice.
#[tokio::test]
async fn a_long_body_is_no_challenge() {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().fallback(async move |event: RawEvent, delivery: Delivery| {
        seen.note(format!("{:?} {:?}", event.event_type(), delivery.id()));
    });
    let hook = VerifyLayer::new(zoom(SECRET)).layer(events);
    let payload = json!({ "plainToken": "aB3", "more": "a".repeat(4096) }).to_string();
    let request = Sender::new(zoom(SECRET)).raw(CHALLENGE, &payload).unwrap();
    let response = hook.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!text(response).await.contains("aB3"));
    assert_eq!(log.seen(), [r#"Some("endpoint.url_validation") None"#]);
}

/// The last retry comes 85 minutes after the first attempt, perhaps with the time of that.
#[tokio::test]
async fn a_request_may_be_old_but_not_from_the_future() {
    let keys = HmacSha256::new(SECRET).unwrap();
    let schedule = zoom(SECRET).schedule();
    let last_retry: Duration = schedule.pauses.iter().sum();
    assert_eq!(last_retry, Duration::from_secs(85 * 60));
    for (max_age, time, expected) in [
        (None, 1_000_000 - last_retry.as_secs(), 200),
        (None, 992_800, 200),
        (None, 992_799, 401),
        (None, 1_000_300, 200),
        (None, 1_000_301, 401),
        (Some(300), 999_700, 200),
        (Some(300), 999_699, 401),
        (Some(0), 1_000_000, 200),
        (Some(0), 999_999, 401),
        (Some(0), 1_000_300, 200),
        (Some(86_400), 1_000_301, 401),
        (Some(u64::MAX), 0, 200),
        (Some(u64::MAX), u64::MAX, 401),
    ] {
        let mut provider = zoom(SECRET);
        if let Some(seconds) = max_age {
            provider = provider.max_age(Duration::from_secs(seconds));
        }
        let time = time.to_string();
        let tag = format!("v0={}", keys.sign(["v0:", &time, ":", STARTED]).to_hex());
        let headers = [("x-zm-request-timestamp", &*time), ("x-zm-signature", &*tag)];
        let answer = replayed(provider, 1_000_000, &headers, STARTED).await;
        assert_eq!(answer.status(), expected, "{max_age:?} {time}");
    }
}

const STARTED: &str = r#"{"event":"meeting.started","event_ts":1790000000123,"payload":{"account_id":"madeUpAccount","object":{"id":"80000000001","uuid":"bWFkZS11cC11dWlkLTE=","topic":"Lesson"}}}"#;

#[tokio::test]
async fn recorded_requests_are_judged_by_their_bytes_and_time() {
    for (keys, [now, sent], tag, body, status) in [
        // Signed as it is, and not as another JSON of the same value.
        (
            Keys::from("TnSrZsNHMwK20tx5zbZovj"),
            [1_790_245_227, 1_790_245_227],
            "v0=11c63994383e68ef96e8e5fc151d16267d9f5eacc6ea343fcdd10117601126b3",
            r#"{ "event": "meeting.ended", "payload": {} }"#,
            200,
        ),
        (
            Keys::from("E2rSETGhGaI1mOYjwOwDyj").or("xQ2G0vMh9OTxSEbIO8dkw7"),
            [1_790_257_928, 1_790_257_928],
            "v0=2f24559eca2648ea0e43a955fcb6a5045fc281d5e7c1f0ec57103b656550aa12",
            STARTED,
            200,
        ),
        (
            Keys::from("R2JuoWLFnk192cEihp1O2K"),
            [1_790_230_572, 1_790_230_572],
            "v0=9283fb5e784e49019fcc25e585935ef34921a3940d8b9244ab448ad627649bd7",
            r#"{ "event": "meeting.ended", "payload": {} }"#,
            401,
        ),
        // A day ahead.
        (
            Keys::from("qQm6Tquvx1byORvqTbvJEj"),
            [1_790_252_066, 1_790_338_466],
            "v0=67ee7273e15b8a6988f8586aa8d36b7013f06c9aeb806fd0004e1c0371584d68",
            STARTED,
            401,
        ),
    ] {
        let sent = sent.to_string();
        let headers = [("x-zm-request-timestamp", &*sent), ("x-zm-signature", tag)];
        assert_eq!(replayed(zoom(keys), now, &headers, body).await.status(), status, "{tag}");
    }
}
