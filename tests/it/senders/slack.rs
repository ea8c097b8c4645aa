//! Slack: a signed challenge, events whose type is in an inner object, and forms.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Delivery, Emit, EventRouter, Payload, RawEvent, Sender, VerifyLayer,
    clock::ManualClock,
    decode::Form,
    providers::slack::Slack,
    scheme::{HmacSha256, Keys},
};

use super::matrix::*;
use crate::{
    list,
    support::{Log, text},
};

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

fn slack(keys: impl Into<Keys>) -> Slack {
    Slack::new(keys).unwrap()
}

const SECRET: &str = "the signing secret of the app";

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::slack::subject,
        event_type: "app_mention",
        event: Mention { team_id: "T1".into(), event: Message { text: "hello".into() } },
        unfit: r#"{"team_id": "T1", "event": {"text": 1}}"#,
    }
}

pub(super) fn interaction() -> impl Case {
    Subject {
        sender: list::slack::interaction,
        event_type: "block_actions",
        event: Click { trigger_id: "1.2.abc".into() },
        unfit: r#"{"trigger_id": 1}"#,
    }
}

pub(super) fn command() -> impl Case {
    Subject {
        sender: list::slack::command,
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
        let answer = replayed(slack(key), now, &headers, body).await;
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
    let own = || slack("8e875ec55014673db23745696f78fbdf");
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
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().fallback(async move |event: RawEvent, delivery: Delivery| {
        seen.note(format!("{:?} {:?}", event.event_type(), delivery.id()));
    });
    let hook = VerifyLayer::new(slack(SECRET)).layer(events);
    for (provider, event_type, payload) in [
        (slack(SECRET), "app_mention", r#"{"text": "hello"}"#),
        (slack(SECRET).interactions(), "view_submission", r#"{"event_id": "Ev2"}"#),
        (slack(SECRET).commands(), "/lesson", r#"{"event_id": "Ev2"}"#),
    ] {
        let request = Sender::new(provider).id("Ev1").raw(event_type, payload).unwrap();
        assert_eq!(hook.clone().oneshot(request).await.unwrap().status(), 200);
    }
    let expected = [
        r#"Some("app_mention") Some("Ev1")"#,
        r#"Some("view_submission") None"#,
        r#"Some("/lesson") None"#,
    ];
    assert_eq!(log.seen(), expected);
}

/// The status and the text of the answer to a signed body, and the events that were handled.
async fn handled(body: &str) -> (u16, String, Vec<String>) {
    let log = Log::default();
    let seen = log.clone();
    let events = EventRouter::new().fallback(async move |event: RawEvent| {
        seen.note(format!("{} {}", event.event_type().unwrap_or("-"), text_of(&event)));
    });
    let hook = VerifyLayer::new(slack(SECRET)).layer(events);
    let request = Sender::new(slack(SECRET)).body(body.to_owned()).unwrap();
    let response = hook.oneshot(request).await.unwrap();
    (response.status().as_u16(), text(response).await, log.seen())
}

fn text_of(event: &RawEvent) -> &str {
    str::from_utf8(event.json()).unwrap()
}

#[tokio::test]
async fn a_challenge_is_never_an_event() {
    let challenge = |text: &str| json!({"type": "url_verification", "challenge": text}).to_string();
    let (longest, too_long) = ("a".repeat(256), "a".repeat(257));
    for plain in ["aB3-_x", &longest] {
        let answer = json!({ "challenge": plain }).to_string();
        assert_eq!(handled(&challenge(plain)).await, (200, answer, Vec::new()));
    }
    for body in [
        challenge(""),
        challenge("<script>"),
        challenge("a b"),
        challenge("a\"b"),
        challenge("é"),
        challenge("a\n"),
        challenge(&too_long),
        r#"{"type": "url_verification"}"#.into(),
        r#"{"type": "url_verification", "challenge": 7}"#.into(),
        r#"{"type": "url_verification", "challenge": "a", "challenge": "b"}"#.into(),
    ] {
        assert_eq!(handled(&body).await, (400, String::new(), Vec::new()), "{body}");
    }
    // In a form, and inside of an event, it is nothing special.
    for (body, event_type) in [
        ("type=url_verification&challenge=abc", "url_verification"),
        (
            r#"{"type": "event_callback", "event": {"type": "url_verification"}}"#,
            "url_verification",
        ),
        (r#"{"challenge": "abc"}"#, "-"),
    ] {
        let (status, answer, events) = handled(body).await;
        assert_eq!((status, events.len()), (200, 1), "{body}");
        assert!(!answer.contains("abc") && events[0].starts_with(event_type), "{body}");
    }
}

#[tokio::test]
async fn a_signed_ssl_check_is_answered_and_reaches_no_handler() {
    let long = format!("command=%2Flesson&text={}&ssl_check=1", "a".repeat(10_000));
    for body in ["ssl_check=1", "ssl_check=1&token=MADEUPTOKEN&command=%2Flesson", &long] {
        assert_eq!(handled(body).await, (200, String::new(), Vec::new()), "{body}");
    }
    for body in ["command=%2Flesson&ssl_check=0", "command=%2Flesson&text=ssl_check%3D1"] {
        assert_eq!(handled(body).await.2.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn the_type_is_where_its_kind_of_request_has_it() {
    for (body, event) in [
        // Of an event, in the inner object only.
        (r#"{"type":"event_callback","event":{"type":"message"}}"#, "message"),
        (r#" {"type":"event_callback","event":{"type":"message"}}"#, "message"),
        (r#"{"type":"event_callback","command":"/lesson","event":{}}"#, "-"),
        (r#"{"type":"event_callback","event":[]}"#, "-"),
        (r#"{"type":"event_callback"}"#, "-"),
        (r#"{"type":"event_callback","event":{"type":"a","type":"b"}}"#, "-"),
        (r#"{"type":"app_rate_limited"}"#, "app_rate_limited"),
        // Of a command, the command.
        ("command=%2Flesson&text=a%26command%3D%2Fother", "/lesson"),
        ("command=%2Flesson&command=%2Fother", "-"),
        ("text=hello", "-"),
        ("", "-"),
        // Of an interaction, in its payload.
        ("payload=%7B%22type%22%3A%22block_actions%22%7D", "block_actions"),
        ("payload=%7B%22type%22%3A%22block_actions%22%7D&command=%2Flesson", "block_actions"),
    ] {
        let (status, _, events) = handled(body).await;
        assert_eq!((status, events.len()), (200, 1), "{body}");
        assert!(events[0].starts_with(&format!("{event} ")), "{body}: {events:?}");
    }
    for body in ["payload=%7B%7D&payload=%7B%7D", "payload=7B", "payload=", "payload"] {
        assert_eq!(handled(body).await.0, 400, "{body}");
    }
}

/// The fields of a command are kept, also those that occur twice.
#[tokio::test]
async fn no_field_of_a_command_is_lost() {
    let (_, _, events) = handled("command=%2Flesson&text=a+%22b%22&text=c&empty").await;
    assert_eq!(events, [r#"/lesson {"command":"/lesson","text":"a \"b\"","text":"c","empty":""}"#]);
}

#[tokio::test]
async fn the_tolerance_of_the_time_can_be_set() {
    let keys = HmacSha256::new(SECRET).unwrap();
    for (time, expected) in [(1_000, 200), (1_010, 200), (1_011, 401), (990, 200), (989, 401)] {
        let time = u64::to_string(&time);
        let tag = format!("v0={}", keys.sign(["v0:", &time, ":", MENTION]).to_hex());
        let headers = [("x-slack-request-timestamp", &*time), ("x-slack-signature", &*tag)];
        let provider = slack(SECRET).tolerance(Duration::from_secs(10));
        assert_eq!(replayed(provider, 1_000, &headers, MENTION).await.status(), expected, "{time}");
    }
}

#[test]
fn requests_are_written_as_by_the_sender() {
    let sender = |provider: Slack| {
        Sender::new(provider).id("Ev1").clock(ManualClock::at_unix_seconds(1_000))
    };
    let body = |provider: Slack, event_type: &str, payload: &str| {
        let request = sender(provider).raw(event_type, payload).unwrap();
        let media_type = request.headers()["content-type"].to_str().unwrap().to_owned();
        (media_type, request.into_body())
    };
    let json = |text: &str| ("application/json".to_owned(), Body::from(text.to_owned()));
    let form =
        |form: Form| ("application/x-www-form-urlencoded".to_owned(), Body::from(form.to_string()));
    let same = |sent: (String, Body), expected: (String, Body)| {
        assert_eq!(sent.0, expected.0);
        assert_eq!(sent.1.into_bytes(), expected.1.into_bytes());
    };
    same(
        body(slack(SECRET), "message", r#"{"team_id": "T1", "event": {"ts": 1.10}}"#),
        json(
            r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"message","ts": 1.10},"team_id":"T1"}"#,
        ),
    );
    same(
        body(slack(SECRET).commands(), "/lesson", r#"{"text": "a b", "n": 7}"#),
        form(Form::default().with("command", "/lesson").with("n", "7").with("text", "a b")),
    );
    same(
        body(slack(SECRET).interactions(), "block_actions", r#"{"a": 1}"#),
        form(Form::default().with("payload", r#"{"type":"block_actions","a": 1}"#)),
    );
    for (provider, contradiction) in [
        (slack(SECRET), r#"{"event_id": "Ev2"}"#),
        (slack(SECRET), r#"{"type": "a"}"#),
        (slack(SECRET), r#"{"event": {"type": "a"}}"#),
        (slack(SECRET), r#"{"event": []}"#),
        (slack(SECRET), "[]"),
        (slack(SECRET).commands(), r#"{"command": "/other"}"#),
        (slack(SECRET).commands(), r#"{"payload": "{}"}"#),
        (slack(SECRET).interactions(), r#"{"type": "a"}"#),
    ] {
        assert!(sender(provider).raw("a", contradiction).is_err(), "{contradiction}");
    }
}

#[test]
fn only_the_retries_of_events_are_known() {
    assert_eq!(slack(SECRET).schedule().attempts(), 4);
    for schedule in [slack(SECRET).commands().schedule(), slack(SECRET).interactions().schedule()] {
        assert_eq!((schedule.attempts(), schedule.is_documented), (1, false));
        assert_eq!(schedule.answer_timeout, Some(Duration::from_secs(3)));
    }
}
