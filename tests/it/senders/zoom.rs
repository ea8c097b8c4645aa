//! Zoom: a challenge that is answered with a MAC, and that must not become a way to have anything signed.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{Response, request::Parts};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Draft, Emit, EventRouter, Outgoing, Payload, Provider, RawEvent, Sender, VerifyLayer,
    decode::{Envelope, Members},
    error::SendError,
    scheme::{Authentic, Check, Head, HmacSha256, Keys, Tag, Timestamp, VerifyError, after_prefix},
};

use super::matrix::*;
use crate::support::{Log, text};

struct Zoom(HmacSha256);

impl Provider for Zoom {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let time = head.public_header("x-zm-request-timestamp")?;
        // It is not documented whether retries, after up to an hour, have a time of their own.
        Timestamp::seconds(time)?.within(Duration::from_secs(2 * 60 * 60), head.now())?;
        let tag = Tag::hex(after_prefix(head.header("x-zm-signature")?, "v0=")?)?;
        Ok(self.0.check(tag).prefix("v0:").prefix(time).prefix(":"))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "payload")
    }

    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        let all = Members::of(str::from_utf8(body).ok()?)?;
        all.text("event").filter(|event| event == "endpoint.url_validation")?;
        let token = Members::of(all.raw("payload")?)?.text("plainToken")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        // Anything that could be the signed bytes of a request has a colon.
        ((1..=64).contains(&token.len()) && token.bytes().all(plain)).then_some(())?;
        let encrypted = self.0.sign_as(proof, [&*token]).to_hex();
        let json = json!({ "plainToken": token, "encryptedToken": encrypted }).to_string();
        Response::builder().header("content-type", "application/json").body(json.into()).ok()
    }
}

impl Emit for Zoom {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        Ok(event.adjacent("event", "payload").into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let time = outgoing.now.duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let tag = self.0.sign([b"v0:", time.as_bytes(), b":", body]).to_hex();
        head.headers.insert("x-zm-request-timestamp", time.try_into().unwrap());
        head.headers.insert("x-zm-signature", format!("v0={tag}").try_into().unwrap());
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct MeetingStarted {
    account_id: String,
}

impl Payload for MeetingStarted {
    type Provider = Zoom;
}

fn zoom(keys: impl Into<Keys>) -> Zoom {
    Zoom(HmacSha256::new(keys).unwrap())
}

const SECRET: &str = "the secret token of the app";
const OLD_SECRET: &str = "the secret token before that";
const OTHER_SECRET: &str = "the secret token of another app";

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || zoom(SECRET),
        stranger: || zoom(OTHER_SECRET),
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
async fn other_challenges_are_ordinary_events() {
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
        ("[]".into(), false),
    ] {
        let before = log.seen().len();
        let request = Sender::new(zoom(SECRET)).raw(CHALLENGE, &payload).unwrap();
        let response = hook.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(text(response).await.contains("encryptedToken"), is_answered, "{payload}");
        let events = &log.seen()[before..];
        assert_eq!(events, &[CHALLENGE][usize::from(is_answered)..], "{payload}");
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
