//! Senders that this crate only receives from, with the private key that the vendor keeps.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Response, request::Parts};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use tower_webhook::{
    Draft, Emit, Outgoing, Policy, Provider, Unpacked,
    decode::{DecodeError, Envelope},
    error::SendError,
    providers::{discord::Discord, sendgrid::SendGrid, standard_webhooks::StandardWebhooksV1a},
    scheme::{Authentic, Check, Head, VerifyError},
};

type Sign = dyn Fn(&mut Parts, &[u8], &Outgoing) + Send + Sync;

#[derive(Clone)]
pub(crate) struct Signing<P> {
    receiver: P,
    encode: fn(&[Draft]) -> Result<Bytes, SendError>,
    sign: Arc<Sign>,
}

impl<P: Provider> Provider for Signing<P> {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.receiver.authenticate(head)
    }

    fn envelope(&self) -> Envelope {
        self.receiver.envelope()
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        self.receiver.unpack(body)
    }

    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        self.receiver.answer(proof, body)
    }

    fn policy(&self) -> Policy {
        self.receiver.policy()
    }

    fn name(&self) -> Cow<'static, str> {
        self.receiver.name()
    }
}

impl<P: Provider> Emit for Signing<P> {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        (self.encode)(events)
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        (self.sign)(head, body, outgoing);
    }
}

fn one(events: &[Draft]) -> Result<&Draft, SendError> {
    match events {
        [event] => Ok(event),
        several => Err(SendError::NotOneEvent(several.len())),
    }
}

/// The time of an attempt, in seconds.
fn seconds(outgoing: &Outgoing) -> String {
    outgoing.now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().to_string()
}

fn set(head: &mut Parts, name: &'static str, value: String) {
    head.headers.insert(name, value.try_into().unwrap());
}

/// Sends as Discord, with a key made of this byte.
pub(crate) fn discord(seed: u8) -> Signing<Discord> {
    let pair = ed25519(seed);
    Signing {
        receiver: Discord::new(discord_key(seed)).unwrap(),
        encode: numbered,
        sign: Arc::new(move |head, body, outgoing| {
            let time = seconds(outgoing);
            let signature = pair.sign(&[time.as_bytes(), body].concat());
            set(head, "x-signature-ed25519", base16ct::lower::encode_string(signature.as_ref()));
            set(head, "x-signature-timestamp", time);
        }),
    }
}

pub(crate) fn discord_key(seed: u8) -> String {
    base16ct::lower::encode_string(ed25519(seed).public_key().as_ref())
}

/// The type is a number.
fn numbered(events: &[Draft]) -> Result<Bytes, SendError> {
    let event = one(events)?;
    let (text, event_type) = (event.flat("type")?, &event.event_type);
    if event_type.parse::<u8>().is_err() {
        return Ok(text.into());
    }
    let (quoted, plain) = (format!(r#""{event_type}""#), &**event_type);
    Ok(text.replacen(&quoted, plain, 1).into())
}

/// Sends as a sender of Standard Webhooks, with a key made of this byte.
pub(crate) fn v1a(seed: u8) -> Signing<StandardWebhooksV1a> {
    let pair = ed25519(seed);
    Signing {
        receiver: StandardWebhooksV1a::new(v1a_key(seed)).unwrap(),
        encode: |events| Ok(one(events)?.adjacent("type", "data").into()),
        sign: Arc::new(move |head, body, outgoing| {
            let (id, time) = (outgoing.id.clone(), seconds(outgoing));
            let signed = [format!("{id}.{time}.").as_bytes(), body].concat();
            let signature = format!("v1a,{}", STANDARD.encode(pair.sign(&signed)));
            set(head, "webhook-id", id);
            set(head, "webhook-timestamp", time);
            set(head, "webhook-signature", signature);
        }),
    }
}

pub(crate) fn v1a_key(seed: u8) -> String {
    format!("whpk_{}", STANDARD.encode(ed25519(seed).public_key().as_ref()))
}

fn ed25519(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// Sends as SendGrid, with this private key.
pub(crate) fn sendgrid(pkcs8: &str) -> Signing<SendGrid> {
    let pair = ecdsa(pkcs8);
    Signing {
        receiver: SendGrid::new(sendgrid_key(pkcs8)).unwrap(),
        encode: list,
        sign: Arc::new(move |head, body, outgoing| {
            let time = seconds(outgoing);
            let message = [time.as_bytes(), body].concat();
            let signature = pair.sign(&SystemRandom::new(), &message).unwrap();
            set(head, "x-twilio-email-event-webhook-signature", STANDARD.encode(signature));
            set(head, "x-twilio-email-event-webhook-timestamp", time);
        }),
    }
}

/// The public key as it is shown in the settings: base64 of DER.
pub(crate) fn sendgrid_key(pkcs8: &str) -> String {
    let head = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
    STANDARD.encode([&head, ecdsa(pkcs8).public_key().as_ref()].concat())
}

fn list(events: &[Draft]) -> Result<Bytes, SendError> {
    let events: Result<Vec<_>, _> = events.iter().map(|event| event.flat("event")).collect();
    Ok(format!("[{}]\r\n", events?.join(",")).into())
}

fn ecdsa(pkcs8: &str) -> EcdsaKeyPair {
    let pkcs8 = STANDARD.decode(pkcs8).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &SystemRandom::new()).unwrap()
}

/// Private keys, made by `openssl ecparam -name prime256v1 -genkey` and `openssl pkcs8 -topk8 -nocrypt`.
pub(crate) const PKCS8: [&str; 2] = [
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQge1vE5pcieL1EyBt/7PKFtfsxpM8FyFKH12qMfQQYEfehRANCAASjN+y2BzW+U2ugZZC9Q1bfBjyRTYno8fi9ExVqfsjZU5koVAUMbDUenRSVu+z+9hEeudJLsDifAwB7nsLEJ8XC",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPX2s840hCOuEAJUUkgsmLIEmPAxggsCekRE5Ris4OUWhRANCAAQpntd9lwuzcEx6lP61nJYUxEzl8S9Gf7yuyTf2hL9AVCXDcyfYAbBUWFQmsZOc/LnmctOkEBO5qKGXm+LBRQwA",
];
