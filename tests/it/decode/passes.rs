//! How often a payload is decoded: once more only if its type may be why the body cannot be read.

use std::cell::Cell;

use serde::Deserializer;

use super::*;

thread_local! {
    static DECODED: Cell<usize> = const { Cell::new(0) };
}

/// A number that counts how often one is decoded.
#[derive(Debug)]
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DECODED.set(DECODED.get() + 1);
        u8::deserialize(deserializer).map(|_| Self)
    }
}

impl Payload for Counted {
    type Provider = Acme;
}

/// Takes anything, and stops where it does not like it.
#[derive(Debug)]
struct Hiding;

impl<'de> Deserialize<'de> for Hiding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DECODED.set(DECODED.get() + 1);
        drop(Vec::<Paid>::deserialize(deserializer));
        Ok(Self)
    }
}

impl Payload for Hiding {
    type Provider = Acme;
}

fn router() -> EventRouter<Acme> {
    EventRouter::new()
        .max_events(3)
        .on_type("counted", async |_: Counted| {})
        .on_type("hiding", async |_: Hiding| {})
}

/// How often something was decoded for `body`, and what came of it.
fn decoded(envelope: Envelope, body: impl AsRef<[u8]>) -> (usize, Result<usize, String>) {
    DECODED.set(0);
    let batch = dispatch(&router(), envelope, body);
    (DECODED.get(), batch.map(|batch| batch.len()).map_err(|error| error.to_string()))
}

#[test]
fn a_body_that_is_at_fault_itself_is_decoded_once() {
    let (good, bad) = (r#"{"type":"counted","data":7}"#, r#"{"type":"counted","data":"x"}"#);
    let deep = format!(r#"{{"type":"new","data":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let wide = format!(r#"{{"list":[{good}]{}}}"#, r#","a":1"#.repeat(1025));
    let within = || adjacent().within("list");
    let table: [(Envelope, String, usize, &str); 9] = [
        (adjacent(), format!("[{good},{good},{good},{good}]"), 4, "has more than 3 events"),
        // Once more for the path to what does not fit.
        (adjacent(), format!("[{bad},{bad},{bad},{bad}]"), 8, "has more than 3 events"),
        (adjacent(), format!("[{good},{deep}]"), 1, "is nested more than 127 deep"),
        (adjacent(), format!("[{good},{good}"), 2, "lacks a comma or its end"),
        (adjacent(), format!("[{good}]]"), 1, "has text after its end"),
        (adjacent(), format!(r#"[{good},{{"type":"counted","data":tru}}]"#), 2, "is not JSON"),
        (within(), format!(r#"{{"list":[{good}],"list":[]}}"#), 1, "has its list of events twice"),
        (within(), wide, 1, "has an object with more than 1024 members"),
        (within(), format!(r#"{{"lost":[{good}]}}"#), 0, "has no list of events"),
    ];
    for (envelope, body, times, why) in table {
        let (decoded, told) = decoded(envelope, &body);
        let told = told.unwrap_err();
        assert!(told.starts_with(&format!("the body {why}")), "{told}: {why}");
        assert_eq!(decoded, times, "{why}");
    }
    assert_eq!(decoded(adjacent(), [good.as_bytes(), b"\xff"].concat()).0, 0);
    assert_eq!(decoded(adjacent(), format!("[{good},{good},{bad}]")), (4, Ok(3)));
}

/// What is left of the payload reads like more events than there may be.
#[test]
fn a_type_that_hides_errors_makes_no_limit_be_exceeded() {
    let pieces = format!(r#"[{{"total":"x"}}{}]"#, r#",{"a":1}"#.repeat(5));
    let body = format!(r#"[{{"type":"hiding","data":{pieces}}},{{"type":"counted","data":7}}]"#);
    assert_eq!(decoded(adjacent(), &body).1, Ok(2));
    let broken = body.replace("7}]", "7]");
    let (times, told) = decoded(adjacent(), &broken);
    assert_eq!((times, told.unwrap_err().contains("lacks a comma or its end")), (1, true));
}
