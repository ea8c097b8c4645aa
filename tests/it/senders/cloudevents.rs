//! CloudEvents over HTTP: the type in a header or in the body, batches, consent by OPTIONS, a bearer token as proof.

use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;
use tower_webhook::{
    Draft, Payload, Sender,
    providers::cloudevents::CloudEvents,
    scheme::{Keys, Token},
};

use super::matrix::{asked::*, *};
use crate::{list, support::*};

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Completed {
    course: String,
}

impl Payload for Completed {
    type Provider = CloudEvents;
}

fn cloudevents(keys: impl Into<Keys>) -> CloudEvents {
    CloudEvents::new(Token::bearer(keys).unwrap()).allow_origin("lms.example")
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::cloudevents::subject,
        event_type: "com.example.course.completed",
        event: Completed { course: "c-1".into() },
        unfit: r#"{"course": 1}"#,
    }
}

pub(super) fn structured() -> impl Case {
    Subject {
        sender: list::cloudevents::structured,
        event_type: "com.example.course.completed",
        event: Completed { course: "c-1".into() },
        unfit: r#"{"course": 1}"#,
    }
}

pub(super) fn with_text() -> impl Case {
    Subject {
        sender: list::cloudevents::with_text,
        event_type: "com.example.course.completed",
        event: Completed { course: "c-1".into() },
        unfit: r#"{"course": 1}"#,
    }
}

/// With the token, and these headers.
async fn asked(headers: &[(&str, &str)], body: &str) -> (u16, Vec<String>) {
    asked_of(cloudevents(TOKEN), headers, body).await
}

async fn asked_of(
    provider: CloudEvents,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> (u16, Vec<String>) {
    let token = format!("Bearer {TOKEN}");
    let headers = [&[("authorization", &*token)], headers].concat();
    let body = bytes::Bytes::copy_from_slice(body.as_ref());
    let (status, _, seen) = answered(provider, recorded("/in", &headers, body)).await;
    (status, seen)
}

const BINARY: [(&str, &str); 5] = [
    ("content-type", "application/json; charset=utf-8"),
    ("ce-specversion", "1.0"),
    ("ce-type", "com.example.course.completed"),
    ("ce-source", "/lms/eu"),
    ("ce-id", "ev-0001"),
];
const STRUCTURED: &str = r#"{"id":"ev-0001","time":"2026-09-21T13:33:20.000Z","type":"com.example.course.completed","source":"/lms/eu","specversion":"1.0","data":{"course":"c-1"}}"#;
const IN_BASE64: &str = r#"{"specversion":"1.0","type":"com.example.course.completed","source":"/lms/eu","id":"ev-0001","time":"2026-09-21T13:33:20.000Z","datacontenttype":"application/octet-stream","data_base64":"AAEC"}"#;

fn event(json: &str) -> String {
    format!(r#"Some("com.example.course.completed") None {json}"#)
}

#[tokio::test]
async fn an_event_is_read_in_every_mode() {
    let batch = format!("[{STRUCTURED},{STRUCTURED}]");
    for (headers, body, events) in [
        (&BINARY[..], r#"{"course":"c-1"}"#, vec![r#"{"course":"c-1"}"#]),
        (&BINARY, "[1,2]", vec!["[1,2]"]),
        (&[("content-type", "application/cloudevents+json")], STRUCTURED, vec![STRUCTURED]),
        (&[("content-type", "Application/CloudEvents+JSON ; a=b")], STRUCTURED, vec![STRUCTURED]),
        (&[("content-type", "application/cloudevents+json")], IN_BASE64, vec![IN_BASE64]),
        (
            &[("content-type", "application/cloudevents-batch+json")],
            &batch,
            vec![STRUCTURED, STRUCTURED],
        ),
        (&[("content-type", "application/cloudevents-batch+json")], "[]", vec![]),
    ] {
        let events = events.into_iter().map(event).collect();
        assert_eq!(asked(headers, body).await, (200, events), "{headers:?} {body}");
    }
    assert_eq!(asked(&BINARY, "{").await, (400, Vec::new()));
}

/// The vendor's library for Node declares a media type, and the one for Python does not.
#[tokio::test]
async fn an_event_without_data_has_none_in_every_mode() {
    let structured = STRUCTURED.replace(r#","data":{"course":"c-1"}"#, "");
    let media_type = [("content-type", "application/cloudevents+json")];
    assert_eq!(asked(&media_type, &structured).await, (200, vec![event(&structured)]));
    for headers in [&BINARY[..], &BINARY[1..]] {
        let expected = (200, vec![event("null")]);
        assert_eq!(asked(headers, "").await, expected, "{headers:?}");
        let text = asked_of(cloudevents(TOKEN).text_data(), headers, "").await;
        assert_eq!(text, expected, "{headers:?}");
    }
    assert_eq!(asked(&BINARY[1..], "{}").await, (415, Vec::new()), "data of an unknown kind");
    let other = asked_of(cloudevents(TOKEN).text_data(), &BINARY[1..], "{}").await;
    assert_eq!(other, (200, vec![event("{}")]));
}

#[tokio::test]
async fn a_handler_gets_the_same_payload_in_every_mode() {
    let case = subject();
    let receiver = case.receiver(Setup::default());
    let draft = || Draft::raw("com.example.course.completed", r#"{"course":"c-1"}"#).unwrap();
    let sender = Sender::new(cloudevents(TOKEN));
    for sender in [sender.clone(), Sender::new(cloudevents(TOKEN).structured())] {
        for events in [vec![draft()], vec![draft(), draft()]] {
            assert_eq!(receiver.answer(whole(sender.batch(&events).unwrap())).await, 200);
        }
    }
    assert_eq!(receiver.answer(whole(sender.batch(&[]).unwrap())).await, 200);
    let mut structured = sender.body(STRUCTURED).unwrap();
    let media_type = HeaderValue::from_static("application/cloudevents+json");
    structured.headers_mut().insert("content-type", media_type);
    assert_eq!(receiver.answer(whole(structured)).await, 200);
    assert_eq!(receiver.log.seen(), vec![case.event(); 7]);
}

#[tokio::test]
async fn each_required_attribute_is_required() {
    for name in ["ce-specversion", "ce-type", "ce-source", "ce-id"] {
        let others: Vec<_> = BINARY.into_iter().filter(|(other, _)| *other != name).collect();
        let with = |values: &[&'static str]| {
            let added = values.iter().map(|value| (name, *value));
            others.iter().copied().chain(added).collect::<Vec<_>>()
        };
        for values in [&[][..], &[""], &["%FF"], &["1.0", "1.0"]] {
            assert_eq!(asked(&with(values), "{}").await, (401, Vec::new()), "{name} {values:?}");
        }
    }
    for version in ["0.3", "1", "1.0.1", "2.0"] {
        let mut headers = BINARY;
        headers[1].1 = version;
        assert_eq!(asked(&headers, "{}").await, (401, Vec::new()), "{version}");
    }
    let media_types = ["application/cloudevents+json", "application/cloudevents-batch+json"];
    for (body, altered) in [
        (r#""id":"ev-0001","#, ""),
        (r#""ev-0001""#, r#""""#),
        (r#""ev-0001""#, "7"),
        (r#","source":"/lms/eu""#, ""),
        (r#""/lms/eu""#, r#""""#),
        (r#""type":"com.example.course.completed","#, ""),
        (r#""com.example.course.completed""#, "7"),
        (r#""1.0""#, r#""0.3""#),
        (r#""1.0""#, "1.0"),
        (STRUCTURED, r#"["1.0","ev-0001","/lms/eu","com.example.course.completed"]"#),
        (STRUCTURED, ""),
        (r#""specversion":"1.0","#, ""),
        (r#""specversion""#, r#""id":"ev-0002","specversion""#),
    ] {
        let one = STRUCTURED.replace(body, altered);
        assert_ne!(one, STRUCTURED);
        let batch = format!("[{STRUCTURED},{one}]");
        for (media_type, body) in media_types.into_iter().zip([one, batch]) {
            let refused = asked(&[("content-type", media_type)], &body).await;
            assert_eq!(refused, (401, Vec::new()), "{body}");
        }
    }
    let batch = format!("[{STRUCTURED}]");
    for (media_type, body) in media_types.into_iter().zip([&*batch, STRUCTURED]) {
        assert_eq!(asked(&[("content-type", media_type)], body).await, (401, Vec::new()), "{body}");
    }
}

#[tokio::test]
async fn a_type_beyond_ascii_is_percent_decoded() {
    let mut headers = BINARY;
    headers[2].1 = "K%C3%A4se%20+";
    assert_eq!(asked(&headers, "7").await, (200, vec![r#"Some("Käse +") None 7"#.into()]));
    headers[2].1 = r#""quoted K%C3%A4se""#;
    assert_eq!(asked(&headers, "7").await, (200, vec![r#"Some("quoted Käse") None 7"#.into()]));
    for ill_formed in [r#""a"#, r#"a""#, r#"""#, r#""""#, r#""a\"b""#, r#""a\b""#, r#""a"b""#] {
        headers[2].1 = ill_formed;
        assert_eq!(asked(&headers, "7").await, (401, Vec::new()), "{ill_formed}");
    }
}

#[tokio::test]
async fn the_other_attributes_are_well_formed() {
    for name in ["ce-subject", "ce-time", "ce-dataschema"] {
        let with = |values: &[&'static str]| {
            let added = values.iter().map(|value| (name, *value));
            BINARY.into_iter().chain(added).collect::<Vec<_>>()
        };
        for values in [&["a%FFb"][..], &[""], &["a", "a"]] {
            assert_eq!(asked(&with(values), "{}").await, (401, Vec::new()), "{name} {values:?}");
        }
        assert_eq!(asked(&with(&["K%C3%A4se"]), "{}").await.0, 200, "{name}");
    }
}

#[tokio::test]
async fn text_is_a_string_if_asked_for() {
    let mut headers = BINARY;
    headers[0].1 = "text/plain";
    for (body, json) in [
        (&b"hello"[..], r#""hello""#),
        (b"7 \"a\"", r#""7 \"a\"""#),
        (b"true story", r#""true story""#),
        (b"7", "7"),
        (b"{\"course\":\"c-1\"}", r#"{"course":"c-1"}"#),
    ] {
        let answer = asked_of(cloudevents(TOKEN).text_data(), &headers, body).await;
        assert_eq!(answer, (200, vec![event(json)]));
    }
    for body in [&b"\xff"[..], b"{", b" {", b"[1", b"\"a"] {
        let answer = asked_of(cloudevents(TOKEN).text_data(), &headers, body).await;
        assert_eq!(answer, (400, Vec::new()), "{body:?}");
    }
    for media_type in ["application/cloudevents+xml", "application/cloudevents-batch+xml"] {
        headers[0].1 = media_type;
        let answer = asked_of(cloudevents(TOKEN).text_data(), &headers, "{}").await;
        assert_eq!(answer, (401, Vec::new()), "{media_type}");
    }
}

#[tokio::test]
async fn other_formats_are_not_understood() {
    let mut text = BINARY;
    text[0].1 = "text/plain";
    assert_eq!(asked(&text, "hello").await, (415, Vec::new()));
    for media_type in ["application/cloudevents+xml", "application/cloudevents-batch+xml"] {
        let refused = asked(&[("content-type", media_type)], "<event/>").await;
        assert_eq!(refused, (415, Vec::new()), "{media_type}");
    }
    for media_type in ["application/cloudevents-other+json", "application/cloudevents2+json"] {
        let refused = asked(&[("content-type", media_type)], STRUCTURED).await;
        assert_eq!(refused, (401, Vec::new()), "{media_type}");
    }
    let plain = asked(&[("content-type", "application/json")], STRUCTURED).await;
    assert_eq!(plain, (401, Vec::new()), "an event in the body that the head does not announce");
}

#[tokio::test]
async fn without_the_token_no_mode_is_accepted() {
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let structured = [("content-type", "application/cloudevents+json")];
    for (headers, body) in [(&BINARY[..], "{}"), (&structured, STRUCTURED), (&batch, "[]")] {
        for token in ["", TOKEN, &format!("Bearer {OTHER_TOKEN}"), &format!("Basic {TOKEN}")] {
            let headers = [headers, &[("authorization", token)]].concat();
            let request = recorded("/in", &headers, body);
            assert_eq!(status(cloudevents(TOKEN), request).await, 401, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn only_the_known_origin_gets_consent_and_no_callback_is_called() {
    let (address, called) = endpoint(|_, _| "called").await;
    let callback = url(address, "/consent").to_string();
    let hook = subject().receiver(Setup::default());
    for (method, origin, consents) in [
        (Method::OPTIONS, vec!["lms.example"], true),
        (Method::OPTIONS, vec!["LMS.example"], true),
        (Method::OPTIONS, vec!["evil.example"], false),
        (Method::OPTIONS, vec!["*"], false),
        (Method::OPTIONS, vec![], false),
        (Method::OPTIONS, vec!["lms.example", "lms.example"], false),
        (Method::GET, vec!["lms.example"], false),
    ] {
        let origins = origin.iter().map(|origin| ("webhook-request-origin", *origin));
        let asked = [("webhook-request-rate", "120"), ("webhook-request-callback", &*callback)];
        let headers: Vec<_> = origins.chain(asked).collect();
        let answer = hook.hook.clone().oneshot(whole(asking(method, "/in", &headers, "")));
        let head = answer.await.unwrap().into_parts().0;
        let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("webhook-allowed-origin"), consents.then(|| origin[0]), "{origin:?}");
        assert_eq!(header("webhook-allowed-rate"), consents.then_some("*"), "{origin:?}");
        assert_eq!((header("allow"), head.status.as_u16() == 405), (Some("POST"), !consents));
    }
    assert!(called.all().is_empty());
    assert!(hook.log.seen().is_empty());
}

#[tokio::test]
async fn a_delivery_is_no_handshake() {
    let headers = [&BINARY[..], &[("webhook-request-origin", "lms.example")]].concat();
    assert_eq!(asked(&headers, "7").await, (200, vec![event("7")]));
}
