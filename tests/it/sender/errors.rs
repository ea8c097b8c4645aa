//! What a sender refuses to make, and in which words.

use std::error::Error;

use tower_webhook::{
    Draft, Event, Payload, Sender,
    error::SendError,
    providers::loops::{Loops, SessionStarted},
    sender::Tamper,
};

use crate::support::{learn365, loops, standard_webhooks, teachstack};

#[test]
fn every_message() {
    for (error, message) in [
        (SendError::Encode("why".into()), "the request cannot be encoded: why"),
        (SendError::NotOneEvent(2), "this sender carries one event per request, not 2"),
        (SendError::Tamper("stale"), "tampering `stale` does not apply to this sender"),
        (SendError::Target("names no host"), "the target names no host"),
        (SendError::Connection("refused".into()), "the request could not be delivered"),
        (SendError::Timeout, "no answer in time"),
    ] {
        assert_eq!(error.to_string(), message);
        let source = error.source().map(ToString::to_string);
        let connection = matches!(error, SendError::Connection(_));
        assert_eq!(source.as_deref(), connection.then_some("refused"), "{message}");
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
            assert!(error.to_string().ends_with(&at), "{json}: {error}");
        }
    }
}

#[test]
fn what_stands_beside_its_name_must_be_an_object() {
    let message = "the request cannot be encoded: the payload is not an object";
    for json in ["[]", "null", "\"{}\"", "5"] {
        assert_eq!(
            Sender::new(learn365()).raw("a", json).unwrap_err().to_string(),
            message,
            "{json}"
        );
        assert_eq!(
            Sender::new(teachstack()).raw("a", json).unwrap_err().to_string(),
            message,
            "{json}"
        );
        assert!(Sender::new(loops()).raw("a", json).is_ok(), "{json}");
    }
}

#[test]
fn what_names_itself_already() {
    let message = "the request cannot be encoded: the payload has a member `Action` already";
    for json in [r#"{"Action":"b"}"#, r#"{"x":1,"\u0041ction":null}"#] {
        assert_eq!(
            Sender::new(learn365()).raw("a", json).unwrap_err().to_string(),
            message,
            "{json}"
        );
    }
}

#[test]
fn what_stands_around_the_events() {
    let message = "the request cannot be encoded: the properties are not a JSON object";
    for json in ["", "3", "[]", "{", "{} {}", "null"] {
        let refused = Sender::new(learn365()).properties(json).raw("a", "{}");
        assert_eq!(refused.unwrap_err().to_string(), message, "{json}");
    }
    let message = "the request cannot be encoded: the id is not visible ASCII";
    for id in ["é", "a b", "a\n"] {
        let refused = Sender::new(standard_webhooks()).id(id).raw("a", "{}");
        assert_eq!(refused.unwrap_err().to_string(), message, "{id:?}");
    }
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
    assert_eq!(sender.event(&Unwritable).unwrap_err().to_string(), message);
    assert_eq!(sender.event_as("other", &Unwritable).unwrap_err().to_string(), message);
    assert_eq!(Draft::event(&Unwritable).unwrap_err().to_string(), message);
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
        assert_eq!(error.to_string(), format!("tampering `{name}` does not apply to this sender"));
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
