//! SendGrid: ECDSA over the time and a list of events.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde::{Deserialize, Serialize};
use tower_webhook::{
    Draft, Payload, Sender, VerifyLayer, clock::ManualClock, error::SendError,
    providers::sendgrid::SendGrid, scheme::PublicKeys,
};

use super::matrix::{asked::*, signing::*, *};

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Bounce {
    email: String,
    sg_event_id: String,
}

impl Payload for Bounce {
    type Provider = Signing<SendGrid>;
}

/// A private key, made by `openssl ecparam -name prime256v1 -genkey` and `openssl pkcs8 -topk8 -nocrypt`.
const OWN: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQge1vE5pcieL1EyBt/7PKFtfsxpM8FyFKH12qMfQQYEfehRANCAASjN+y2BzW+U2ugZZC9Q1bfBjyRTYno8fi9ExVqfsjZU5koVAUMbDUenRSVu+z+9hEeudJLsDifAwB7nsLEJ8XC";
const OTHER: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPX2s840hCOuEAJUUkgsmLIEmPAxggsCekRE5Ris4OUWhRANCAAQpntd9lwuzcEx6lP61nJYUxEzl8S9Gf7yuyTf2hL9AVCXDcyfYAbBUWFQmsZOc/LnmctOkEBO5qKGXm+LBRQwA";

fn pair(pkcs8: &str) -> EcdsaKeyPair {
    let pkcs8 = STANDARD.decode(pkcs8).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &SystemRandom::new()).unwrap()
}

/// As it is shown in the settings: base64 of DER.
fn public_key(pkcs8: &str) -> String {
    let head = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
    STANDARD.encode([&head, pair(pkcs8).public_key().as_ref()].concat())
}

fn sendgrid(keys: impl Into<PublicKeys>, pkcs8: &str) -> Signing<SendGrid> {
    let pair = pair(pkcs8);
    Signing {
        receiver: SendGrid::new(keys).unwrap(),
        encode: list,
        sign: Arc::new(move |head, body, outgoing| {
            let time = seconds(outgoing);
            let message = [time.as_bytes(), body].concat();
            let signature = pair.sign(&SystemRandom::new(), &message).unwrap();
            let prefix = "x-twilio-email-event-webhook-";
            let name = |rest: &str| http::HeaderName::try_from(format!("{prefix}{rest}")).unwrap();
            let signature = STANDARD.encode(signature).try_into().unwrap();
            head.headers.insert(name("signature"), signature);
            head.headers.insert(name("timestamp"), time.try_into().unwrap());
        }),
    }
}

fn list(events: &[Draft]) -> Result<bytes::Bytes, SendError> {
    let events: Result<Vec<_>, _> = events.iter().map(|event| event.flat("event")).collect();
    Ok(format!("[{}]\r\n", events?.join(",")).into())
}

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || sendgrid(public_key(OWN), OWN),
        stranger: || sendgrid(public_key(OTHER), OTHER),
        event_type: "bounce",
        event: Bounce { email: "a@example.com".into(), sg_event_id: "e-1".into() },
        unfit: r#"{"email": 1, "sg_event_id": "e-1"}"#,
    }
}

#[tokio::test]
async fn one_of_several_keys_must_have_signed() {
    let (own, other) = (public_key(OWN), public_key(OTHER));
    let both = || PublicKeys::from(&other).or(PublicKeys::named("new", &own));
    for (keys, status) in [(both(), 200), (own.into(), 200), (other.clone().into(), 401)] {
        let receiver = SendGrid::new(keys).unwrap();
        let request = Sender::new(sendgrid(public_key(OWN), OWN)).body("[]\r\n").unwrap();
        assert_eq!(answered(receiver, request).await.0, status);
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let own = public_key(OWN);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{own}\n-----END PUBLIC KEY-----");
    for text in ["", &own[4..], &own[..own.len() - 4], &pem, "c2VjcmV0"] {
        assert!(SendGrid::new(text).is_err(), "{text}");
    }
    let five = [&own; 5].map(PublicKeys::from).into_iter().reduce(PublicKeys::or).unwrap();
    assert!(SendGrid::new(five).is_err());
    let two_names = PublicKeys::named("a", &own).or(PublicKeys::named("b", &own));
    let error = SendGrid::new(two_names).unwrap_err().to_string();
    assert!(error.starts_with("key `b`: "), "{error}");
}

/// Nothing is between the time and the body.
#[tokio::test]
async fn a_digit_that_moves_from_the_time_to_the_body_is_no_proof() {
    let now = || ManualClock::at_unix_seconds(1_790_437_697);
    let sender = Sender::new(sendgrid(public_key(OWN), OWN)).clock(now());
    let mut request = sender.body("5").unwrap();
    let time = request.headers()["x-twilio-email-event-webhook-timestamp"].to_str().unwrap();
    let (rest, digit) = time.split_at(time.len() - 1);
    let (rest, body) = (rest.parse().unwrap(), format!("{digit}5"));
    request.headers_mut().insert("x-twilio-email-event-webhook-timestamp", rest);
    let request = request.map(|_| bytes::Bytes::from(body));
    let ages = [(SendGrid::MAX_AGE, 401), (std::time::Duration::MAX, 400)];
    for (age, expected) in ages {
        let receiver = SendGrid::new(public_key(OWN)).unwrap().max_age(age);
        let request = request.clone().map(Into::into);
        let layer = VerifyLayer::new(receiver).clock(now());
        assert_eq!(answered_by(layer, request).await.0, expected);
    }
}
