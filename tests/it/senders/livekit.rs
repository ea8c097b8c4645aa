//! LiveKit: a token in a header, with the hash of the body, and the name of the key that it is signed with.

use serde::{Deserialize, Serialize};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Delivery, EventRouter, RawEvent, Sender, VerifyLayer,
    clock::ManualClock,
    providers::livekit::LiveKit,
    scheme::{HmacSha256, Keys},
};

use super::matrix::{asked::*, tokens, *};
use crate::{list, support::Log};

#[derive(Debug, Deserialize, Serialize)]
struct RoomStarted {
    room: Room,
}

#[derive(Debug, Deserialize, Serialize)]
struct Room {
    name: String,
}

tower_webhook::event!(RoomStarted: LiveKit = "room_started");

const API_KEY: &str = "APIz0xngb7urRxb";
const SECRET: &str = "the API secret of the project";

fn livekit(secrets: impl Into<Keys>) -> LiveKit {
    LiveKit::new(API_KEY, secrets).unwrap()
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::livekit::subject,
        event_type: "room_started",
        event: RoomStarted { room: Room { name: "Übung 1".into() } },
        unfit: r#"{"room": 1}"#,
    }
}

const BODY: &str = r#"{"event":"room_started","id":"EV_1"}"#;
/// Of [`BODY`].
const HASH: &str = "ZYQ+lXP6v+9WEJABoE/0hl6cUiPYTBHbDM4ow9BzwQE=";
const HS256: &str = r#"{"alg":"HS256"}"#;

fn claims() -> String {
    format!(r#"{{"iss":"{API_KEY}","sha256":"{HASH}","exp":1300,"nbf":1000}}"#)
}

/// Signed with this secret, whatever the header says.
fn token(secret: &str, header: &str, claims: &str) -> String {
    tokens::token(&HmacSha256::new(secret).unwrap(), header, claims)
}

/// At a time so many seconds after 1970.
async fn asked_at(provider: LiveKit, now: u64, token: &str, body: &str) -> (u16, Vec<String>) {
    let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(now));
    let request = recorded("/", &[("authorization", token)], body.to_owned());
    let (status, _, seen) = answered_by(layer, request).await;
    (status, seen)
}

async fn asked(token: &str) -> u16 {
    asked_at(livekit(SECRET), 1000, token, BODY).await.0
}

#[test]
fn tokens_of_another_time_are_tried() {
    let report = subject().report().to_string();
    for line in ["stale: passed (1 request)\n", "early: passed (1 request)\n"] {
        assert!(report.contains(line), "{report}");
    }
}

#[tokio::test]
async fn a_recorded_request_is_judged_as_by_the_vendor() {
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzaGEyNTYiOiJFekl2NlBnWWRSb2lLenE3WlhYcU1BMkd2NW5aZ1JMRjFVQWVFZFNPTUxNPSIsImlzcyI6IkFQSXoweG5nYjd1clJ4YiIsImV4cCI6MTc5MDM3NzQyMiwibmJmIjoxNzkwMzc3MTIyfQ.7XuBG3maTmFUNN4AR3D2aduQ1ngAUPLVrp406Yd6MQs";
    const RECORDED: &str = r#"{"event":"room_started","room":{"sid":"RM_1","name":"lesson"},"id":"EV_abcdefghijkl","createdAt":"1790000000"}"#;
    let provider = livekit("1RpoMjkZnfKGhp3bvcxo1fcUYrRiexiQDwesFfzuQl4C");
    let seen = vec![format!(r#"Some("room_started") Some("EV_abcdefghijkl") {RECORDED}"#)];
    let (signed, expires) = (1_790_377_122, 1_790_377_422);
    for (now, status) in [
        (signed - 11, 401),
        (signed - 10, 200),
        (signed, 200),
        (expires + 9, 200),
        (expires + 10, 401),
        (0, 401),
    ] {
        let events = if status == 200 { seen.clone() } else { Vec::new() };
        let answer = asked_at(provider.clone(), now, TOKEN, RECORDED).await;
        assert_eq!(answer, (status, events), "{now}");
    }
    let other = RECORDED.replace("lesson", "lessen");
    assert_eq!(asked_at(provider.clone(), signed, TOKEN, &other).await, (401, Vec::new()));
    let strict = provider.leeway(std::time::Duration::ZERO);
    for (now, status) in [(signed - 1, 401), (expires - 1, 200), (expires, 401)] {
        assert_eq!(asked_at(strict.clone(), now, TOKEN, RECORDED).await.0, status, "{now}");
    }
}

#[tokio::test]
async fn no_algorithm_but_the_receiver_s_is_taken() {
    let genuine = token(SECRET, HS256, &claims());
    assert_eq!(asked(&genuine).await, 200);
    for token in tokens::of_other_algorithms(SECRET, HS256, &claims()) {
        assert_eq!(asked(&token).await, 401, "{token}");
    }
    let further = r#"{"typ":"JWT","alg":"HS256","kid":"k"}"#;
    assert_eq!(asked(&token(SECRET, further, &claims())).await, 200);
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let genuine = token(SECRET, HS256, &claims());
    let mut forged = tokens::other_spellings(&genuine);
    forged.extend([
        format!("Bearer {genuine}"),
        format!("{genuine},{genuine}"),
        ".".into(),
        "..".into(),
        String::new(),
    ]);
    for token in forged {
        assert_eq!(asked(&token).await, 401, "{token}");
    }
}

#[tokio::test]
async fn each_required_claim_is_required() {
    for (claim, altered) in [
        (r#""exp":1300"#, r#""exp":"1300""#),
        (r#""exp":1300"#, r#""exp":1300.5"#),
        (r#""exp":1300"#, r#""exp":13e2"#),
        (r#""exp":1300"#, r#""exp":-1300"#),
        (r#""exp":1300"#, r#""exp":null"#),
        (r#""exp":1300"#, r#""exp":1300,"exp":1300"#),
        (r#""exp":1300"#, r#""exp":18446744073709551616"#),
        (r#""exp":1300"#, r#""later":1300"#),
        (r#""nbf":1000"#, r#""nbf":"1000""#),
        (r#""nbf":1000"#, r#""nbf":1000,"nbf":1000"#),
        (r#""nbf":1000"#, r#""nbf":18446744073709551615"#),
        (r#""iss":"#, r#""sub":"#),
        (API_KEY, ""),
        (API_KEY, "APIanother"),
        (r#"{"iss""#, r#"{"iss":"x","iss""#),
        (r#""sha256":"#, r#""video":"#),
        (HASH, ""),
        (HASH, "AAAA"),
        (HASH, HASH.trim_end_matches('=')),
        (r#""nbf":1000}"#, r#""nbf":1000}]"#),
    ] {
        let altered = claims().replace(claim, altered);
        assert_ne!(altered, claims());
        assert_eq!(asked(&token(SECRET, HS256, &altered)).await, 401, "{altered}");
    }
    let without_start = claims().replace(r#","nbf":1000"#, "");
    assert_eq!(asked(&token(SECRET, HS256, &without_start)).await, 200);
    let lasting = claims().replace("1300", "18446744073709551615");
    assert_eq!(asked(&token(SECRET, HS256, &lasting)).await, 200);
}

/// Each API key has secrets of its own: none of them signs for another API key.
#[tokio::test]
async fn the_issuer_chooses_the_secret() {
    let another = "the API secret of a second one";
    let provider = livekit(Keys::from("the newer secret of the project").or(SECRET))
        .or("APIsecond", another)
        .unwrap();
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().fallback(async move |_: RawEvent, of: Delivery| {
        seen.note(of.key_id().unwrap_or_default());
    });
    let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(1000));
    let hook = layer.layer(events);
    let of_second = claims().replace(API_KEY, "APIsecond");
    for (secret, claims, status) in [
        (SECRET, claims(), 200),
        (another, claims(), 401),
        (SECRET, of_second.clone(), 401),
        (another, of_second, 200),
        ("the newer secret of the project", claims(), 200),
    ] {
        let token = token(secret, HS256, &claims);
        let request = recorded("/", &[("authorization", &token)], BODY);
        assert_eq!(hook.clone().oneshot(request).await.unwrap().status(), status, "{claims}");
    }
    assert_eq!(log.seen(), [API_KEY, "APIsecond", API_KEY]);
}

#[test]
fn unusable_keys_are_refused() {
    let provider = livekit(SECRET);
    assert_eq!(format!("{provider:?}").matches("secret").count(), 0);
    assert!(LiveKit::new(API_KEY, "").is_err());
    assert_eq!(LiveKit::new("", SECRET).unwrap_err().to_string(), "the API key is empty");
    let twice = provider.or(API_KEY, "another secret of the project").unwrap_err();
    let why = "the API key is given twice: give all of its secrets at once, with `Keys::or`";
    assert_eq!(twice.to_string(), why);
}

/// It is not read, and no part of it is decoded.
#[tokio::test]
async fn a_token_beyond_the_limit_of_a_header_is_refused() {
    let long = claims().replace('}', &format!(r#","x":"{}"}}"#, "a".repeat(8 * 1024)));
    assert_eq!(asked(&token(SECRET, HS256, &long)).await, 431);
}

#[tokio::test]
async fn an_id_is_one_text_of_bounded_length() {
    for (id, expected) in [
        (r#""id":"EV_1""#, r#"Some("EV_1")"#),
        (r#""id":"""#, "None"),
        (r#""id":7"#, "None"),
        (r#""id":"a","id":"b""#, "None"),
        (r#""ID":"a""#, "None"),
    ] {
        let body = format!(r#"{{"event":"room_started",{id}}}"#);
        let request = Sender::new(livekit(SECRET)).body(body).unwrap();
        let (status, _, seen) = answered(livekit(SECRET), request).await;
        assert_eq!(status, 200);
        assert!(seen[0].starts_with(&format!(r#"Some("room_started") {expected} "#)), "{seen:?}");
    }
    let long = format!(r#"{{"event":"room_started","id":"{}"}}"#, "x".repeat(257));
    let request = Sender::new(livekit(SECRET)).body(long).unwrap();
    let seen = answered(livekit(SECRET), request).await.2;
    assert!(seen[0].starts_with(r#"Some("room_started") None "#), "{seen:?}");
}

#[test]
fn the_sending_half_adds_what_the_payload_lacks() {
    let sender = Sender::new(livekit(SECRET)).id("EV_1");
    let body = |json: &str| sender.raw("room_started", json).unwrap().into_body().into_bytes();
    let own = r#"{"event":"room_started","id":"EV_2","createdAt":"3"}"#;
    assert_eq!(body(r#"{"id":"EV_2","createdAt":"3"}"#), own);
    let added = body("{}");
    let added = str::from_utf8(&added).unwrap();
    assert!(added.starts_with(r#"{"id":"EV_1","createdAt":""#), "{added}");
    assert!(added.ends_with(r#"","event":"room_started"}"#), "{added}");
}
