//! CloudEvents over HTTP: the type in a header or in the body, batches, consent by OPTIONS, a bearer token as proof.

use std::borrow::Cow;

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response,
    header::{ALLOW, CONTENT_TYPE},
    request::Parts,
};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use tower::ServiceExt;
use tower_webhook::{
    Draft, Emit, Outgoing, Payload, Policy, Provider, Sender,
    decode::Envelope,
    error::SendError,
    scheme::{Authentic, Check, Head, Keys, Token, VerifyError},
};

use super::matrix::{asked::*, *};
use crate::support::*;

struct CloudEvents {
    token: Token,
    /// The one sender that gets consent.
    origin: &'static str,
}

impl Provider for CloudEvents {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let proof = self.token.verify(head)?;
        let media_type = head.public_header(&CONTENT_TYPE)?.to_ascii_lowercase();
        if media_type.starts_with("application/cloudevents") {
            return Ok(Check::whole(move |body| complete(&media_type, body, proof)));
        }
        Check::from(proof).named(&event_type(head)?)
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("type", "data")
    }

    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        let origin = head.public_header("webhook-request-origin").ok()?;
        let consents = head.method() == Method::OPTIONS && origin == self.origin;
        consents.then(|| consent(self.origin))
    }

    fn policy(&self) -> Policy {
        Policy::default().json_only()
    }
}

/// The type of an event whose attributes are in the head. Nothing signs them: no id is taken from there.
fn event_type<'a>(head: &Head<'a>) -> Result<Cow<'a, str>, VerifyError> {
    for name in ["ce-id", "ce-source"] {
        attribute(head, name)?;
    }
    match &*attribute(head, "ce-specversion")? {
        "1.0" => attribute(head, "ce-type"),
        _ => Err(VerifyError::Other("another version of CloudEvents".into())),
    }
}

fn attribute<'a>(head: &Head<'a>, name: &str) -> Result<Cow<'a, str>, VerifyError> {
    let value = percent_decode_str(head.public_header(name)?).decode_utf8();
    let value = value.map_err(|_| VerifyError::MalformedHeader(name.to_owned().into()))?;
    if value.is_empty() {
        return Err(VerifyError::Other("an attribute of the CloudEvent is empty".into()));
    }
    Ok(value)
}

/// The attributes that are required in the body. The token has proven the request before they are read.
#[derive(Deserialize)]
struct Attributes {
    specversion: String,
    id: String,
    source: String,
    r#type: String,
}

fn complete(media_type: &str, body: &[u8], proof: Authentic) -> Result<Authentic, VerifyError> {
    let all = match media_type.split(';').next().unwrap_or_default().trim_end() {
        "application/cloudevents+json" => serde_json::from_slice(body).map(|one| vec![one]),
        "application/cloudevents-batch+json" => serde_json::from_slice::<Vec<Attributes>>(body),
        // What is not JSON is answered 415.
        _ => return Ok(proof),
    };
    let is_one = |event: &Attributes| {
        let required = [&event.id, &event.source, &event.r#type];
        event.specversion == "1.0" && required.iter().all(|text| !text.is_empty())
    };
    match all {
        Ok(all) if all.iter().all(is_one) => Ok(proof),
        _ => Err(VerifyError::Other("the body is not a CloudEvent".into())),
    }
}

/// Its status says nothing: the headers are the consent. The sender's callback is not called.
fn consent(origin: &'static str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    let headers = answer.headers_mut();
    headers.insert("webhook-allowed-origin", HeaderValue::from_static(origin));
    headers.insert("webhook-allowed-rate", HeaderValue::from_static("120"));
    headers.insert(ALLOW, HeaderValue::from_static("POST"));
    answer
}

/// One event in binary mode, several as a batch.
impl Emit for CloudEvents {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        if let [event] = events {
            return Ok(event.json.clone().into());
        }
        let all = events.iter().enumerate().map(|(at, event)| {
            let (id, event) = (&outgoing.id, event.adjacent("type", "data"));
            format!(r#"{{"specversion":"1.0","id":"{id}-{at}","source":"/lms",{}"#, &event[1..])
        });
        Ok(format!("[{}]", all.collect::<Vec<_>>().join(",")).into())
    }

    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        let attributes = match events {
            [event] => vec![
                ("ce-specversion", "1.0"),
                ("ce-id", &outgoing.id),
                ("ce-source", "/lms"),
                ("ce-type", &event.event_type),
            ],
            _ => vec![("content-type", "application/cloudevents-batch+json")],
        };
        for (name, value) in attributes {
            head.headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
    }

    fn sign(&self, head: &mut Parts, _: &[u8], _: &Outgoing) {
        self.token.apply(head);
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Completed {
    course: String,
}

impl Payload for Completed {
    type Provider = CloudEvents;
}

fn cloudevents(keys: impl Into<Keys>) -> CloudEvents {
    CloudEvents { token: Token::bearer(keys).unwrap(), origin: "lms.example" }
}

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || cloudevents(TOKEN),
        stranger: || cloudevents(OTHER_TOKEN),
        event_type: "com.example.course.completed",
        event: Completed { course: "c-1".into() },
        unfit: r#"{"course": 1}"#,
    }
}

/// With the token, and these headers.
async fn asked(headers: &[(&str, &str)], body: &str) -> (u16, Vec<String>) {
    let token = format!("Bearer {TOKEN}");
    let headers = [&[("authorization", &*token)], headers].concat();
    let request = recorded("/in", &headers, body.to_owned());
    let (status, _, seen) = answered(cloudevents(TOKEN), request).await;
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

#[tokio::test]
async fn a_handler_gets_the_same_payload_in_every_mode() {
    let case = subject();
    let receiver = case.receiver(Setup::default());
    let draft = || Draft::raw("com.example.course.completed", r#"{"course":"c-1"}"#).unwrap();
    let sender = Sender::new(cloudevents(TOKEN));
    for events in [vec![draft()], vec![draft(), draft()], vec![]] {
        assert_eq!(receiver.answer(whole(sender.batch(&events).unwrap())).await, 200);
    }
    let mut structured = sender.body(STRUCTURED).unwrap();
    let media_type = HeaderValue::from_static("application/cloudevents+json");
    structured.headers_mut().insert("content-type", media_type);
    assert_eq!(receiver.answer(whole(structured)).await, 200);
    assert_eq!(receiver.log.seen(), vec![case.event(); 4]);
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
        assert_eq!(
            header("webhook-allowed-origin"),
            consents.then_some("lms.example"),
            "{origin:?}"
        );
        assert_eq!(header("webhook-allowed-rate"), consents.then_some("120"), "{origin:?}");
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
