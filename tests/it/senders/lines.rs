//! A sender of JSON lines: one event to a line, and HMAC-SHA256 over the time and the body.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, request::Parts};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tower_webhook::{
    Draft, Emit, Outgoing, Payload, Provider, Sender, Unpacked,
    decode::{DecodeError, Envelope},
    error::SendError,
    scheme::{Check, Head, HmacSha256, Keys, Tag, Timestamp, VerifyError},
};

use super::matrix::{asked::*, *};

struct Lines(HmacSha256);

impl Provider for Lines {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let time = head.public_header("lines-time")?;
        Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now())?;
        let tag = Tag::hex(head.header("lines-signature")?)?;
        Ok(self.0.check(tag).prefix(time).prefix("."))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "data")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let mut array = Vec::with_capacity(body.len().saturating_add(2));
        let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        for line in lines.filter(|line| !line.is_empty()) {
            // Each line by itself: `{"a":[1` and `2]}` are no lines of JSON, but are JSON with a comma between them.
            if !line.starts_with(b"{") || serde_json::from_slice::<&RawValue>(line).is_err() {
                return Err(DecodeError::body("has a line that is not an object"));
            }
            array.push(if array.is_empty() { b'[' } else { b',' });
            array.extend_from_slice(line);
        }
        array.extend_from_slice(if array.is_empty() { b"[]" } else { b"]" });
        Ok(array.into())
    }
}

impl Emit for Lines {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        // In JSON, a line feed is white space or escaped.
        let line = |event: &Draft| event.adjacent("event", "data").replace('\n', " ") + "\n";
        Ok(events.iter().map(line).collect::<String>().into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let time = outgoing.now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let time = time.to_string();
        let tag = self.0.sign([time.as_bytes(), b".", body]).to_hex();
        for (name, value) in [("lines-time", time), ("lines-signature", tag)] {
            head.headers.insert(name, HeaderValue::try_from(value).unwrap());
        }
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/x-ndjson")
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Paid {
    total: u32,
}

impl Payload for Paid {
    type Provider = Lines;
}

fn lines(keys: impl Into<Keys>) -> Lines {
    Lines(HmacSha256::new(keys).unwrap())
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: || ["the secret of the sender of lines", "the secret of another sender"].map(lines),
        event_type: "paid",
        event: Paid { total: 3 },
        unfit: r#"{"total": "3"}"#,
    }
}

async fn asked(body: &str) -> (u16, Vec<String>) {
    let own = || lines("the secret of the sender of lines");
    let (status, _, seen) =
        answered(own(), Sender::new(own()).body(body.to_owned()).unwrap()).await;
    (status, seen)
}

#[tokio::test]
async fn each_line_is_an_event() {
    let (one, two) = (r#"{"event":"one"}"#, r#"{"event":"two","data":[1, 2]}"#);
    let both = vec![format!("Some(\"one\") None {one}"), format!("Some(\"two\") None {two}")];
    for body in [
        format!("{one}\n{two}"),
        format!("{one}\n{two}\n"),
        format!("{one}\r\n{two}\r\n"),
        format!("\n {one}\n\n\t\n{two}\n\n"),
    ] {
        assert_eq!(asked(&body).await, (200, both.clone()), "{body:?}");
    }
    for empty in ["", "\n", "\r\n \n"] {
        assert_eq!(asked(empty).await, (200, Vec::new()), "{empty:?}");
    }
}

#[tokio::test]
async fn one_broken_line_refuses_all() {
    for broken in [
        "{\"event\":\"one\"}\n{",
        "{\"event\":\"one\"}\nnull",
        "[{\"event\":\"one\"}]",
        "{\"event\":\"one\"}, {\"event\":\"two\"}",
        "{\"event\":\"one\",\"data\":[1\n2]}",
        "{\"event\":\"one\"}\n]\n[",
    ] {
        assert_eq!(asked(broken).await, (400, Vec::new()), "{broken:?}");
    }
}
