//! Discord: Ed25519 over the time and the body, and a ping that is answered.

use std::sync::Arc;

use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use tower_webhook::{
    Draft, Payload, Sender, error::SendError, providers::discord::Discord, scheme::PublicKeys,
};

use super::matrix::{asked::*, signing::*, *};

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Command {
    data: Named,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Named {
    name: String,
}

impl Payload for Command {
    type Provider = Signing<Discord>;
}

const OWN: [u8; 32] = [7; 32];
const OTHER: [u8; 32] = [9; 32];

fn pair(seed: [u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
}

fn public_key(seed: [u8; 32]) -> String {
    base16ct::lower::encode_string(pair(seed).public_key().as_ref())
}

fn discord(seed: [u8; 32]) -> Signing<Discord> {
    let pair = pair(seed);
    Signing {
        receiver: Discord::new(public_key(seed)).unwrap(),
        encode: numbered,
        sign: Arc::new(move |head, body, outgoing| {
            let time = seconds(outgoing);
            let signature = pair.sign(&[time.as_bytes(), body].concat());
            set(head, "x-signature-ed25519", base16ct::lower::encode_string(signature.as_ref()));
            set(head, "x-signature-timestamp", time);
        }),
    }
}

/// The type is a number.
fn numbered(events: &[Draft]) -> Result<bytes::Bytes, SendError> {
    let event = one(events)?;
    let (text, event_type) = (event.flat("type")?, &event.event_type);
    if event_type.parse::<u8>().is_err() {
        return Ok(text.into());
    }
    let (quoted, plain) = (format!(r#""{event_type}""#), &**event_type);
    Ok(text.replacen(&quoted, plain, 1).into())
}

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || discord(OWN),
        stranger: || discord(OTHER),
        event_type: "2",
        event: Command { data: Named { name: "hello".into() } },
        unfit: r#"{"data": 1}"#,
    }
}

#[tokio::test]
async fn a_ping_is_answered_and_handled_by_nobody() {
    for (body, answer, events) in [
        (r#"{"type":1,"id":"1"}"#, r#"{"type":1}"#, 0),
        (r#"{"id":"1", "type" : 1 }"#, r#"{"type":1}"#, 0),
        (r#"{"type":2}"#, "", 1),
        (r#"{"type":11}"#, "", 1),
        (r#"{"type":"1"}"#, "", 1),
        (r#"{"type":1,"type":2}"#, "", 1),
    ] {
        let request = Sender::new(discord(OWN)).body(body).unwrap();
        let (status, said, seen) = answered(Discord::new(public_key(OWN)).unwrap(), request).await;
        assert_eq!((status, &*said, seen.len()), (200, answer, events), "{body}");
    }
    let foreign = Sender::new(discord(OTHER)).body(r#"{"type":1}"#).unwrap();
    let (status, said, _) = answered(Discord::new(public_key(OWN)).unwrap(), foreign).await;
    assert_eq!(status, 401);
    assert!(!said.contains("type"), "{said}");
}

#[test]
fn what_is_no_key_is_refused() {
    let own = public_key(OWN);
    for text in ["", &own[2..], &own[1..], &format!("{own}00"), &own.replacen('e', "z", 1)] {
        assert!(Discord::new(text).is_err(), "{text}");
    }
    assert!(Discord::new(PublicKeys::from(&own).or(own.to_uppercase())).is_ok());
}
