//! A sender that signs nothing and writes a token into its body. Each location has a token of its own.

use bytes::Bytes;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Delivery, Draft, Emit, EventRouter, Outgoing, Payload, Provider, RawEvent, Sender, Unpacked,
    VerifyLayer,
    decode::{DecodeError, Envelope, Members},
    error::SendError,
    scheme::{Check, Head, Keys, Token, VerifyError},
    sender::Verdict,
};

use super::matrix::*;
use crate::support::{Log, OTHER_TOKEN, TOKEN};

struct Acme(Token);

impl Provider for Acme {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        let token = self.0.clone();
        Ok(Check::whole(move |body| {
            let given = members(body).and_then(|all| all.text("token"));
            token.compare(&given.ok_or(VerifyError::TokenMismatch)?)
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }

    /// Without the token, so that no handler sees it.
    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let event = members(&body).and_then(|all| all.raw("event"));
        let event = event.ok_or_else(|| DecodeError::body("has no `event`"))?;
        Ok(body.slice_ref(event.as_bytes()).into())
    }
}

fn members(body: &[u8]) -> Option<Members<'_>> {
    Members::of(str::from_utf8(body).ok()?)
}

impl Emit for Acme {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        let token = self.0.dangerous_reveal();
        Ok(format!(r#"{{"token":{},"event":{}}}"#, json!(token), event.flat("kind")?).into())
    }

    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}
}

#[derive(Debug, Deserialize, Serialize)]
struct DoorOpened {
    door: u32,
}

impl Payload for DoorOpened {
    type Provider = Acme;
}

fn acme(keys: impl Into<Keys>) -> Acme {
    Acme(Token::elsewhere(keys).unwrap())
}

fn locations() -> Acme {
    acme(Keys::named("sofia", TOKEN).or(Keys::named("varna", OTHER_TOKEN)))
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: || [locations(), acme("a token of 32 characters, of nobody".replace(' ', "-"))],
        event_type: "door_opened",
        event: DoorOpened { door: 7 },
        unfit: r#"{"door": "7"}"#,
    }
}

#[tokio::test]
async fn handlers_get_the_name_of_the_token_and_not_the_token() {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().on_type(
        "door_opened",
        async move |event: DoorOpened, delivery: Delivery, raw: RawEvent| {
            assert!(!raw.json().windows(8).any(|part| TOKEN.as_bytes().starts_with(part)));
            seen.note(format!("{} {}", delivery.key_id().unwrap_or("no key"), event.door));
        },
    );
    let hook = VerifyLayer::new(locations()).layer(events);
    for (token, door) in [(TOKEN, 1), (OTHER_TOKEN, 2)] {
        let event = DoorOpened { door };
        let request = Sender::new(acme(token)).event_as("door_opened", &event).unwrap();
        assert_eq!(hook.clone().oneshot(request).await.unwrap().status(), 200);
    }
    assert_eq!(log.seen(), ["sofia 1", "varna 2"]);
}

#[tokio::test]
async fn a_body_has_its_one_token() {
    let one = format!(r#""token": "{TOKEN}""#);
    let event = r#""event": {"kind": "door_opened"}"#;
    for (body, status) in [
        (format!("{{{one}, {event}}}"), 200),
        (format!(r#"{{{event}, "t\u006fken": "{TOKEN}"}}"#), 200),
        (format!("{{{one}, {one}, {event}}}"), 401),
        (format!("{{{one}, {event}, \"token\": null}}"), 401),
        (format!("{{{event}}}"), 401),
        (format!("[{{{one}, {event}}}]"), 401),
        (format!("{{{one}, {event}"), 401),
        (format!("{{{one}, {event}}} {{}}"), 401),
        (format!(r#"{{"token": ["{TOKEN}"], {event}}}"#), 401),
        (format!(r#"{{"event": {{"kind": "door_opened", {one}}}}}"#), 401),
        (format!(r#"{{"token": "{}", {event}}}"#, &TOKEN[1..]), 401),
        (format!(r#"{{"token": " {TOKEN}", {event}}}"#), 401),
        (String::new(), 401),
        // Authentic, and without an event.
        (format!("{{{one}}}"), 400),
    ] {
        let hook = VerifyLayer::new(locations()).layer(EventRouter::new());
        let request = Sender::new(locations()).body(body.clone()).unwrap();
        assert_eq!(hook.oneshot(request).await.unwrap().status(), status, "{body}");
    }
}

/// The proof is found in the body, and all that can be forged of it is tried.
#[test]
fn the_token_in_the_body_is_tampered_with() {
    let report = subject().report();
    let tried = report.cases().iter().filter(|case| case.verdict != Verdict::NotApplicable);
    let names = tried.map(|case| case.name).collect::<Vec<_>>();
    let expected = [
        "genuine",
        "other-key",
        "unsigned",
        "missing",
        "empty",
        "bit-flipped",
        "truncated",
        "extended",
    ];
    assert_eq!(names, expected);
}
