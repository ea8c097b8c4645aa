//! Slack: a signed challenge, events whose type is in an inner object, and forms.

use std::{borrow::Cow, time::Duration, time::UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, Response, request::Parts};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tower_webhook::{
    Described, Draft, Emit, Outgoing, Payload, Provider, Unpacked,
    decode::{DecodeError, Envelope, Form, Members},
    error::SendError,
    scheme::{Authentic, Check, Head, HmacSha256, Keys, Tag, Timestamp, VerifyError, after_prefix},
};

use super::matrix::*;

struct Slack(HmacSha256, Wire);

impl Provider for Slack {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let time = head.public_header("x-slack-request-timestamp")?;
        Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now())?;
        let tag = Tag::hex(after_prefix(head.header("x-slack-signature")?, "v0=")?)?;
        Ok(self.0.check(tag).prefix("v0:").prefix(time).prefix(":"))
    }

    fn envelope(&self) -> Envelope {
        Envelope::shape(event_type)
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        if body.starts_with(b"{") {
            let id = members(&body).and_then(|all| Some(all.text("event_id")?.into_owned()));
            let described = id.map(|id| Described::default().id(id)).unwrap_or_default();
            return Ok(Unpacked::from(body).described(described));
        }
        let form = Form::parse(&body)?;
        Ok(form.get("payload").map_or_else(|_| object(&form), str::to_owned).into())
    }

    fn answer(&self, _: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        let all = members(body)?;
        all.text("type").filter(|text| text == "url_verification")?;
        let json = json!({ "challenge": all.text("challenge")? }).to_string();
        Response::builder().header("content-type", "application/json").body(json.into()).ok()
    }
}

/// The type of an event is that of the inner object, of an interaction its own, of a command its name.
fn event_type<'b>(all: &Members<'b>) -> Option<Cow<'b, str>> {
    match all.raw("event") {
        Some(event) => Members::of(event)?.text("type"),
        None => all.text("command").or_else(|| all.text("type")),
    }
}

fn members(body: &[u8]) -> Option<Members<'_>> {
    Members::of(str::from_utf8(body).ok()?)
}

fn object(form: &Form) -> String {
    Value::from_iter(form.pairs()).to_string()
}

/// The kinds of request that Slack sends. A receiver need not know which.
#[derive(Clone, Copy)]
enum Wire {
    Event,
    Interaction,
    Command,
}

impl Emit for Slack {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        let encoded = |error: serde_json::Error| SendError::Encode(error.into());
        let mut all: Map<String, Value> = serde_json::from_str(&event.json).map_err(encoded)?;
        let event_type = Value::from(&*event.event_type);
        let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
        Ok(match self.1 {
            Wire::Event => {
                all.insert("type".into(), "event_callback".into());
                all.insert("event_id".into(), outgoing.id.clone().into());
                all.entry("event").or_insert(json!({}))["type"] = event_type;
                Value::from(all).to_string()
            }
            Wire::Interaction => {
                all.insert("type".into(), event_type);
                Form::default().with("payload", Value::from(all).to_string()).to_string()
            }
            Wire::Command => {
                let form = Form::default().with("command", &event.event_type);
                let with =
                    |form: Form, (key, value): (&String, &Value)| form.with(key, text(value));
                all.iter().fold(form, with).to_string()
            }
        }
        .into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let time = outgoing.now.duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let tag = self.0.sign([b"v0:", time.as_bytes(), b":", body]).to_hex();
        head.headers.insert("x-slack-request-timestamp", time.try_into().unwrap());
        head.headers.insert("x-slack-signature", format!("v0={tag}").try_into().unwrap());
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self.1 {
            Wire::Event => "application/json",
            Wire::Interaction | Wire::Command => "application/x-www-form-urlencoded",
        })
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct Mention {
    team_id: String,
    event: Message,
}

#[derive(Debug, Deserialize, Serialize)]
struct Message {
    text: String,
}

impl Payload for Mention {
    type Provider = Slack;
}

/// A command, or an action on blocks.
#[derive(Debug, Deserialize, Serialize)]
struct Click {
    trigger_id: String,
}

impl Payload for Click {
    type Provider = Slack;
}

fn slack(keys: impl Into<Keys>, wire: Wire) -> Slack {
    Slack(HmacSha256::new(keys).unwrap(), wire)
}

const SECRET: &str = "the signing secret of the app";
const OTHER_SECRET: &str = "the signing secret of another app";

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || slack(SECRET, Wire::Event),
        stranger: || slack(OTHER_SECRET, Wire::Event),
        event_type: "app_mention",
        event: Mention { team_id: "T1".into(), event: Message { text: "hello".into() } },
        unfit: r#"{"team_id": "T1", "event": {"text": 1}}"#,
    }
}

pub(super) fn interaction() -> impl Case {
    Subject {
        provider: || slack(SECRET, Wire::Interaction),
        stranger: || slack(OTHER_SECRET, Wire::Interaction),
        event_type: "block_actions",
        event: Click { trigger_id: "1.2.abc".into() },
        unfit: r#"{"trigger_id": 1}"#,
    }
}

pub(super) fn command() -> impl Case {
    Subject {
        provider: || slack(SECRET, Wire::Command),
        stranger: || slack(OTHER_SECRET, Wire::Command),
        event_type: "/lesson",
        event: Click { trigger_id: "1.2.abc & more".into() },
        unfit: r#"{"text": "without a trigger"}"#,
    }
}

const MENTION: &str = r#"{"token":"MADEUPTOKEN","team_id":"T0001","api_app_id":"A0001","event":{"type":"app_mention","user":"U0001","text":"hello","ts":"1790000000.000100"},"type":"event_callback","event_id":"Ev0001","event_time":1790000000}"#;
const COMMAND: &str = "token=MADEUPTOKEN&team_id=T0001&team_domain=example&channel_id=C0001&user_id=U0001&command=%2Flesson&text=two+caf%C3%A9s&response_url=https%3A%2F%2Fhooks.example.test%2Fcommands%2F1&trigger_id=1.2.abc";
const CHALLENGE: &str = r#"{"token":"MADEUPTOKEN","challenge":"madeUpChallenge0123456789abcdefghijklmnopqrstuvwxyz","type":"url_verification"}"#;

#[tokio::test]
async fn recorded_requests_are_judged_as_by_the_sender() {
    for (key, [now, sent], tag, body, status) in [
        (
            "dce64043ef7f046e77540a304d9ec3aa",
            [1_790_169_021, 1_790_169_021],
            "v0=81339ce2db394d43ac93260cefc4d488db76744da58d90ab0775e8265191d59b",
            MENTION,
            200,
        ),
        (
            "60b4a494dead53107b53fafc4f31612e",
            [1_790_169_998, 1_790_169_998],
            "v0=765af5bbfcba5781f333ac1e0b7696ca033a988522f20bb207d02f633dd3b76b",
            COMMAND,
            200,
        ),
        // 301 seconds old, and 301 seconds ahead.
        (
            "dd71411cdf9ebadd51b7894ff977e48b",
            [1_790_166_090, 1_790_165_789],
            "v0=b30b208ee9dbbaed44ea220bc1d82e345699867433c1ddcacbe1f119db3fefe2",
            MENTION,
            401,
        ),
        (
            "95bd86ce72d0304c9b4f054bb1c52811",
            [1_790_167_067, 1_790_167_368],
            "v0=399562698fc1993df93dac32841e3038bbe862f55d05b623c08f059b7b0cef00",
            MENTION,
            401,
        ),
        (
            "c6bd9619e4422335cf398fe604714527",
            [1_790_161_205, 1_790_161_205],
            "v0=0000000000000000000000000000000000000000000000000000000000000000",
            MENTION,
            401,
        ),
    ] {
        let sent = sent.to_string();
        let headers = [("x-slack-request-timestamp", &*sent), ("x-slack-signature", tag)];
        let answer = replayed(slack(key, Wire::Event), now, &headers, body).await;
        assert_eq!(answer.status(), status, "{tag}");
    }
}

#[tokio::test]
async fn the_challenge_is_answered_if_it_is_signed() {
    let headers = [
        ("x-slack-request-timestamp", "1790171952"),
        (
            "x-slack-signature",
            "v0=6933ea4f0212e64f21ea4b463f9aa2d503aa57dbb2cec8d87dbf00dbfa33294c",
        ),
    ];
    let own = || slack("8e875ec55014673db23745696f78fbdf", Wire::Event);
    let answer = replayed(own(), 1_790_171_952, &headers, CHALLENGE).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.body,
        r#"{"challenge":"madeUpChallenge0123456789abcdefghijklmnopqrstuvwxyz"}"#
    );
    for (headers, body) in [
        (&headers[..], CHALLENGE.trim_end_matches('}')),
        (&headers[..1], CHALLENGE),
        (&[], CHALLENGE),
        // Slack's own library answers this one.
        (&[], "ssl_check=1&token=MADEUPTOKEN&command=%2Flesson"),
    ] {
        let answer = replayed(own(), 1_790_171_952, headers, body).await;
        assert_eq!(answer.status(), 401, "{body}");
        assert!(!answer.body.contains("madeUp"), "{body}");
    }
}

#[tokio::test]
async fn an_event_has_the_id_in_the_body_and_a_form_has_no_id() {
    use tower::{Layer, ServiceExt};
    use tower_webhook::{Delivery, EventRouter, RawEvent, Sender, VerifyLayer};

    use crate::support::Log;

    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().fallback(async move |event: RawEvent, delivery: Delivery| {
        seen.note(format!("{:?} {:?}", event.event_type(), delivery.id()));
    });
    let hook = VerifyLayer::new(slack(SECRET, Wire::Event)).layer(events);
    for (wire, event_type) in [
        (Wire::Event, "app_mention"),
        (Wire::Interaction, "view_submission"),
        (Wire::Command, "/lesson"),
    ] {
        let sender = Sender::new(slack(SECRET, wire)).id("Ev1");
        let request = sender.raw(event_type, r#"{"text": "hello"}"#).unwrap();
        assert_eq!(hook.clone().oneshot(request).await.unwrap().status(), 200);
    }
    let expected = [
        r#"Some("app_mention") Some("Ev1")"#,
        r#"Some("view_submission") None"#,
        r#"Some("/lesson") None"#,
    ];
    assert_eq!(log.seen(), expected);
}
