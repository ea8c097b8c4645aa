//! SendGrid: ECDSA over the time and a list of events.

use serde::{Deserialize, Serialize};
use tower_webhook::{
    Payload, Sender, VerifyLayer, clock::ManualClock, providers::sendgrid::SendGrid,
    scheme::PublicKeys,
};

use super::matrix::{asked::*, *};
use crate::list::{
    self,
    signing::{PKCS8, Signing, sendgrid, sendgrid_key},
};

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Bounce {
    email: String,
    sg_event_id: String,
}

impl Payload for Bounce {
    type Provider = Signing<SendGrid>;
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::sendgrid::subject,
        event_type: "bounce",
        event: Bounce { email: "a@example.com".into(), sg_event_id: "e-1".into() },
        unfit: r#"{"email": 1, "sg_event_id": "e-1"}"#,
    }
}

#[tokio::test]
async fn one_of_several_keys_must_have_signed() {
    let [own, other] = PKCS8.map(sendgrid_key);
    let both = || PublicKeys::from(&other).or(PublicKeys::named("new", &own));
    for (keys, status) in [(both(), 200), (own.into(), 200), (other.clone().into(), 401)] {
        let receiver = SendGrid::new(keys).unwrap();
        let request = Sender::new(sendgrid(PKCS8[0])).body("[]\r\n").unwrap();
        assert_eq!(answered(receiver, request).await.0, status);
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let own = sendgrid_key(PKCS8[0]);
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
    let sender = Sender::new(sendgrid(PKCS8[0])).clock(now());
    let mut request = sender.body("5").unwrap();
    let time = request.headers()["x-twilio-email-event-webhook-timestamp"].to_str().unwrap();
    let (rest, digit) = time.split_at(time.len() - 1);
    let (rest, body) = (rest.parse().unwrap(), format!("{digit}5"));
    request.headers_mut().insert("x-twilio-email-event-webhook-timestamp", rest);
    let request = request.map(|_| bytes::Bytes::from(body));
    let ages = [(SendGrid::MAX_AGE, 401), (std::time::Duration::MAX, 400)];
    for (age, expected) in ages {
        let receiver = SendGrid::new(sendgrid_key(PKCS8[0])).unwrap().max_age(age);
        let request = request.clone().map(Into::into);
        let layer = VerifyLayer::new(receiver).clock(now());
        assert_eq!(answered_by(layer, request).await.0, expected);
    }
}
