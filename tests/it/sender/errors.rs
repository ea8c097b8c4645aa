//! What a sender refuses to make, and in which words.

use std::{error::Error, time::SystemTime};

use bytes::Bytes;
use http::request::Parts;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Draft, Emit, Event, EventRouter, Outgoing, Payload, Provider, Sender, VerifyLayer,
    decode::Envelope,
    error::SendError,
    providers::{
        loops::{Loops, SessionStarted},
        synthesis_vr::SessionCreated,
    },
    scheme::{Authentic, Check, Head, VerifyError},
    sender::Tamper,
};

use super::status;
use crate::support::{
    Log, in_full, learn365, loops, nested, standard_webhooks, synthesis_vr, teachstack,
};

#[test]
fn every_message() {
    for (error, message) in [
        (SendError::Encode("refused".into()), "the request cannot be encoded"),
        (SendError::NotOneEvent(2), "this sender carries one event per request, not 2"),
        (SendError::Tamper("stale"), "tampering `stale` does not apply to this sender"),
        (SendError::Target("names no host"), "the target names no host"),
        (SendError::Connection("refused".into()), "the request could not be delivered"),
        (SendError::Timeout, "no answer in time"),
    ] {
        assert_eq!(error.to_string(), message);
        let source = error.source().map(ToString::to_string);
        let caused = matches!(error, SendError::Encode(_) | SendError::Connection(_));
        assert_eq!(source.as_deref(), caused.then_some("refused"), "{message}");
    }
}

#[test]
fn one_event_where_the_sender_carries_one() {
    let event = Draft::raw("a", "{}").unwrap();
    for events in [&[][..], &[event.clone(), event.clone()]] {
        let all = [
            Sender::new(teachstack()).batch(events),
            Sender::new(standard_webhooks()).batch(events),
        ];
        for refused in all {
            let error = refused.unwrap_err();
            assert!(
                matches!(error, SendError::NotOneEvent(count) if count == events.len()),
                "{error:?}"
            );
        }
    }
}

#[test]
fn what_is_not_json() {
    for (json, column) in
        [("", 0), ("{\"a\": 1", 7), ("{} {}", 4), ("[1,]", 4), ("{a: 1}", 2), ("'a'", 1)]
    {
        for refused in
            [Draft::raw("a", json).map(drop), Sender::new(loops()).raw("a", json).map(drop)]
        {
            let error = refused.unwrap_err();
            assert!(matches!(error, SendError::Encode(_)), "{json}: {error:?}");
            let at = format!(" at line 1 column {column}");
            assert!(in_full(&error).ends_with(&at), "{json}: {error}");
        }
    }
}

#[test]
fn what_stands_beside_its_name_must_be_an_object() {
    let message = "the request cannot be encoded: the payload is not an object";
    for json in ["[]", "null", "\"{}\"", "5"] {
        assert_eq!(
            in_full(&Sender::new(learn365()).raw("a", json).unwrap_err()),
            message,
            "{json}"
        );
        assert_eq!(
            in_full(&Sender::new(teachstack()).raw("a", json).unwrap_err()),
            message,
            "{json}"
        );
        assert!(Sender::new(loops()).raw("a", json).is_ok(), "{json}");
    }
}

#[test]
fn what_names_itself_already() {
    let message = "the request cannot be encoded: the payload has a member `Action` already: \
                   leave it out, or give a whole body to `Sender::body`";
    for json in [r#"{"Action":"b"}"#, r#"{"x":1,"\u0041ction":null}"#] {
        assert_eq!(
            in_full(&Sender::new(learn365()).raw("a", json).unwrap_err()),
            message,
            "{json}"
        );
    }
}

#[tokio::test]
async fn nothing_is_nested_deeper_than_a_receiver_decodes() {
    let told =
        |what: &str| format!("the request cannot be encoded: the {what} nested more than 127 deep");
    for levels in [128, 50_000] {
        let json = nested(levels);
        for refused in
            [Draft::raw("a", &json).map(drop), Sender::new(learn365()).raw("a", &json).map(drop)]
        {
            assert_eq!(in_full(&refused.unwrap_err()), told("payload is"));
        }
        let refused = Sender::new(learn365()).properties(&json).raw("a", "{}");
        assert_eq!(in_full(&refused.unwrap_err()), told("properties are"));
    }
    // Whoever fills the fields of a draft is told by the provider, or by the sender on a receiver's behalf.
    let mut draft = Draft::raw("a", "{}").unwrap();
    draft.json = nested(50_000);
    let outgoing = Outgoing::new("7", SystemTime::UNIX_EPOCH);
    let error = learn365().encode(&[draft.clone()], &outgoing).unwrap_err();
    let message =
        "the request cannot be encoded: an event, or the properties, are nested more than 127 deep";
    assert_eq!(in_full(&error), message);
    draft.json = nested(127);
    let error = Sender::new(loops()).batch(&[draft.clone()]).unwrap_err();
    let message = "the request cannot be encoded: a receiver would refuse it: the body is nested more than 127 deep at byte 1";
    assert_eq!(in_full(&error), message);

    let deepest = Sender::new(learn365()).properties(nested(127)).batch(&[draft]).unwrap();
    assert_eq!(status(learn365(), deepest).await, 200);
}

#[tokio::test]
async fn what_the_receiver_would_ignore() {
    let told = |count: &str| {
        format!(
            "the request cannot be encoded: the payload has {count} `uuid`: a receiver would ignore the event"
        )
    };
    let sender = Sender::new(synthesis_vr());
    let refused = sender.event(&SessionCreated::default()).unwrap_err();
    assert_eq!(in_full(&refused), told("no"));
    for (json, count) in [
        ("{}", "no"),
        (r#"{"UUID":"u","x":{"uuid":"u"}}"#, "no"),
        (r#"{"uuid":"u","\u0075uid":"u"}"#, "more than one"),
    ] {
        assert_eq!(in_full(&sender.raw("create", json).unwrap_err()), told(count), "{json}");
    }
    let mut created = SessionCreated::default();
    created.uuid = Some("u".into());
    let handled = Log::default();
    let log = handled.clone();
    let events = EventRouter::new().on(async move |_: SessionCreated| log.note("handled"));
    let hook = VerifyLayer::new(synthesis_vr()).layer(events);
    assert_eq!(hook.oneshot(sender.event(&created).unwrap()).await.unwrap().status(), 200);
    assert_eq!(handled.seen(), ["handled"]);
}

#[test]
fn a_type_that_no_handler_can_have() {
    let long = "x".repeat(257);
    for (kind, why) in [
        ("", "the type of an event is empty: no handler can be registered for it"),
        (&long, "the type of an event has 257 bytes, more than 256"),
    ] {
        let message = format!("the request cannot be encoded: {why}");
        for refused in [
            Sender::new(loops()).raw(kind, "{}"),
            Sender::new(learn365()).raw(kind, "{}"),
            Sender::new(teachstack()).raw(kind, "{}"),
            Sender::new(standard_webhooks()).raw(kind, "{}"),
        ] {
            assert_eq!(in_full(&refused.unwrap_err()), message);
        }
    }
    Sender::new(loops()).raw(&long[1..], "{}").unwrap();
}

/// Writes bodies in which its own envelope does not find what was meant.
struct Muddled(&'static str);

impl Provider for Muddled {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

impl Emit for Muddled {
    fn encode(&self, _: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        Ok(self.0.into())
    }

    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}
}

#[test]
fn a_body_that_its_own_receiver_reads_otherwise() {
    for (body, why) in [
        ("[]", "a receiver would find 0 events in it, not 1"),
        (r#"[{"type":"a"},{"type":"a"}]"#, "a receiver would find 2 events in it, not 1"),
        ("{}", "a receiver would not take it for an event \"a\""),
        (r#"{"type":"b"}"#, "a receiver would not take it for an event \"a\""),
        (r#"{"type":"a","type":"a"}"#, "a receiver would not take it for an event \"a\""),
        ("", "a receiver would refuse it: the body is cut short at byte 0: it is empty"),
    ] {
        let error = Sender::new(Muddled(body)).raw("a", "{}").unwrap_err();
        assert_eq!(in_full(&error), format!("the request cannot be encoded: {why}"), "{body}");
    }
    Sender::new(Muddled(r#"{"type":"\u0061"}"#)).raw("a", "{}").unwrap();
}

#[test]
fn what_stands_around_the_events() {
    let message = "the request cannot be encoded: the properties are not a JSON object";
    for json in ["", "3", "[]", "{", "{} {}", "null"] {
        let refused = Sender::new(learn365()).properties(json).raw("a", "{}");
        assert_eq!(in_full(&refused.unwrap_err()), message, "{json}");
    }
    let message = "the request cannot be encoded: the id is not visible ASCII";
    for id in ["é", "a b", "a\n"] {
        let refused = Sender::new(standard_webhooks()).id(id).raw("a", "{}");
        assert_eq!(in_full(&refused.unwrap_err()), message, "{id:?}");
    }
}

#[test]
fn an_id_that_the_receiver_would_leave_out() {
    let with = |length: usize| Sender::new(learn365()).id("x".repeat(length)).raw("a", "{}");
    with(256).unwrap();
    let message = "the request cannot be encoded: the id has more than 256 bytes: a receiver would leave it out";
    assert_eq!(in_full(&with(257).unwrap_err()), message);
}

#[test]
fn an_id_that_the_receiver_would_refuse() {
    let message = "the request cannot be encoded: header `webhook-id` is empty, or holds a dot, a blank or a tab";
    let refused = Sender::new(standard_webhooks()).id("msg.1").raw("a", "{}");
    assert_eq!(in_full(&refused.unwrap_err()), message);
}

#[derive(serde::Deserialize)]
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
}

impl Payload for Unwritable {
    type Provider = Loops;
}

impl Event for Unwritable {
    const TYPE: &'static str = "unwritable";
}

#[test]
fn an_event_that_cannot_be_written() {
    let sender = Sender::new(loops());
    let message = "the request cannot be encoded: not today";
    assert_eq!(in_full(&sender.event(&Unwritable).unwrap_err()), message);
    assert_eq!(in_full(&sender.event_as("other", &Unwritable).unwrap_err()), message);
    assert_eq!(in_full(&Draft::event(&Unwritable).unwrap_err()), message);
}

#[test]
fn tampering_with_what_is_not_there() {
    for (tamper, name) in [
        (Tamper::Stale, "stale"),
        (Tamper::BodyAltered, "body-altered"),
        (Tamper::Missing, "missing"),
    ] {
        let refused = Sender::new(loops()).tampered(tamper).event(&SessionStarted::default());
        let error = refused.unwrap_err();
        assert_eq!(in_full(&error), format!("tampering `{name}` does not apply to this sender"));
    }
    for &tamper in Tamper::ALL {
        let open_to_all = Sender::new(Loops::dangerous_unauthenticated()).tampered(tamper);
        let error = open_to_all.event(&SessionStarted::default()).unwrap_err();
        assert!(
            matches!(error, SendError::Tamper(name) if name == tamper.name()),
            "{tamper:?}: {error:?}"
        );
    }
}
