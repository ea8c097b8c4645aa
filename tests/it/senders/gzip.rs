//! A sender that compresses its bodies with gzip, and signs the compressed bytes.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use http::{HeaderValue, header::CONTENT_ENCODING, request::Parts};
use serde::{Deserialize, Serialize};
use tower_webhook::{
    Draft, Emit, Outgoing, Payload, Policy, Provider, Sender, Unpacked,
    decode::{DecodeError, Envelope},
    error::SendError,
    scheme::{Check, Head, HmacSha256, Keys, Tag, VerifyError},
};

use super::matrix::{asked::*, *};

struct Gzip(HmacSha256);

impl Provider for Gzip {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(self.0.check(Tag::hex(head.header("x-signature")?)?))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "data")
    }

    fn policy(&self) -> Policy {
        Policy::default().content_coding("gzip")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        if !body.starts_with(&[0x1f, 0x8b]) {
            return Ok(body.into());
        }
        let (mut json, mut inflated) = (Vec::new(), GzDecoder::new(&*body).take(MAX_INFLATED + 1));
        let read = inflated.read_to_end(&mut json);
        match read.map(u64::try_from) {
            Ok(Ok(..=MAX_INFLATED)) if inflated.into_inner().into_inner().is_empty() => {
                Ok(json.into())
            }
            Ok(Ok(..=MAX_INFLATED)) => {
                Err(DecodeError::body("has bytes behind its compressed ones"))
            }
            Ok(_) => Err(DecodeError::body("inflates to more than 1 MiB")),
            Err(_) => Err(DecodeError::body("is not valid gzip")),
        }
    }
}

/// In bytes.
const MAX_INFLATED: u64 = 1024 * 1024;

impl Emit for Gzip {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let all: Vec<_> = events.iter().map(|event| event.adjacent("event", "data")).collect();
        Ok(gzip(&format!("[{}]", all.join(","))))
    }

    fn announce(&self, head: &mut Parts, _: &[Draft], _: &Outgoing) {
        head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        let tag = HeaderValue::try_from(self.0.sign([body]).to_hex()).unwrap();
        head.headers.insert("x-signature", tag);
    }
}

fn gzip(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().into()
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Note {
    text: String,
}

impl Payload for Note {
    type Provider = Gzip;
}

fn sender(keys: impl Into<Keys>) -> Gzip {
    Gzip(HmacSha256::new(keys).unwrap())
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: || [SECRET, "the secret of another sender"].map(sender),
        event_type: "noted",
        // Long enough to be shorter when it is compressed.
        event: Note { text: "again and ".repeat(100) },
        unfit: r#"{"text": 3}"#,
    }
}

async fn asked(body: Bytes) -> (u16, usize) {
    let request = Sender::new(sender(SECRET)).body(body).unwrap();
    let (status, _, seen) = answered(sender(SECRET), request).await;
    (status, seen.len())
}

#[tokio::test]
async fn what_is_inflated_has_a_limit_of_its_own() {
    let of_length = |length: u64| format!("[{}]", " ".repeat(usize::try_from(length).unwrap() - 2));
    for (length, status) in [(MAX_INFLATED, 200), (MAX_INFLATED + 1, 400), (16 * MAX_INFLATED, 400)]
    {
        let bomb = gzip(&of_length(length));
        assert!(bomb.len() < 32 * 1024, "{} bytes inflate to {length}", bomb.len());
        assert_eq!(asked(bomb).await, (status, 0), "{length} bytes");
    }
}

#[tokio::test]
async fn a_signed_body_that_is_not_gzip_is_malformed() {
    let genuine = gzip(r#"{"event":"noted","data":{"text":"x"}}"#);
    let altered = |at: usize| {
        let mut bytes = genuine.to_vec();
        bytes[at] ^= 1;
        Bytes::from(bytes)
    };
    let end = genuine.len();
    for (name, body, expected) in [
        ("as it was made", genuine.clone(), (200, 1)),
        ("not compressed", r#"{"event":"noted"}"#.into(), (200, 1)),
        ("the checksum is wrong", altered(end - 5), (400, 0)),
        ("the length is wrong", altered(end - 1), (400, 0)),
        ("cut short", genuine.slice(..end - 1), (400, 0)),
        ("nothing but the first bytes", genuine.slice(..2), (400, 0)),
        ("followed by more", [&genuine[..], b"[]"].concat().into(), (400, 0)),
        ("followed by another", genuine.repeat(2).into(), (400, 0)),
        ("compressed twice", gzip_twice(&genuine), (400, 0)),
    ] {
        assert_eq!(asked(body).await, expected, "{name}");
    }
}

fn gzip_twice(once: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(once).unwrap();
    encoder.finish().unwrap().into()
}

#[tokio::test]
async fn the_compressed_bytes_are_signed_and_the_coding_is_the_agreed_one() {
    let json = r#"{"event":"noted","data":{"text":"x"}}"#;
    let keys = HmacSha256::new(SECRET).unwrap();
    let (over_json, over_gzip) = (keys.sign([json]).to_hex(), keys.sign([gzip(json)]).to_hex());
    for (coding, signature, expected) in [
        ("gzip", &over_gzip, 200),
        ("GZIP", &over_gzip, 200),
        ("gzip", &over_json, 401),
        ("br", &over_gzip, 415),
        ("gzip, gzip", &over_gzip, 415),
        // The header is not signed, and the first bytes are: they decide.
        ("identity", &over_gzip, 200),
    ] {
        let headers = [("content-encoding", coding), ("x-signature", signature)];
        let request = recorded("/", &headers, gzip(json));
        assert_eq!(status(sender(SECRET), request).await, expected, "{coding}");
    }
}

const SECRET: &str = "the secret of the sender of gzip";
