//! A signature in the body that covers a time there: a receiver that forgets that time does not conform.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use tower_webhook::{
    Draft, Emit, Outgoing, Provider,
    decode::{Envelope, Members},
    error::SendError,
    scheme::{Check, Head, HmacSha256, Tag, Timestamp, Token, VerifyError},
    sender::conformance,
};

/// `{"sig": …, "time": …, "event": …}`: HMAC-SHA256 in hex over the members behind the signature.
struct Inside {
    key: HmacSha256,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    TimeForgotten,
    PastTolerated,
    SignatureForgotten,
    TimeUnsigned,
    OnlyDateSigned,
}

const SIGNED_FROM: &str = r#","time""#;

impl Fault {
    /// The signed text, of a time and of the members behind it.
    fn signed(self, time: u64, rest: &str) -> String {
        match self {
            Self::TimeUnsigned => rest.to_owned(),
            Self::OnlyDateSigned => format!("{}{rest}", time / (24 * 60 * 60)),
            _ => format!("{SIGNED_FROM}:{time},{rest}"),
        }
    }
}

impl Provider for Inside {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let (key, fault, now) = (self.key.clone(), self.fault, head.now());
        Ok(Check::whole(move |body| {
            let body = str::from_utf8(body).map_err(|_| VerifyError::SignatureMismatch)?;
            let members = Members::of(body).ok_or(VerifyError::SignatureMismatch)?;
            let tag = Tag::hex(&members.text("sig").ok_or(VerifyError::MalformedSignature)?)?;
            let time = Timestamp::seconds(members.raw("time").unwrap_or_default())?;
            let start = format!("{SIGNED_FROM}:{},", time.as_seconds());
            let (_, rest) = body.split_once(&start).ok_or(VerifyError::MalformedSignature)?;
            let proof = key.verify(tag, [fault.signed(time.as_seconds(), rest)]);
            let near = time.within(Duration::from_secs(300), now);
            match (fault, near) {
                (Fault::SignatureForgotten, _) => return key.check(key.sign([""])).finish(),
                (Fault::TimeForgotten, _)
                | (Fault::PastTolerated, Err(VerifyError::TimestampTooOld { .. }) | Ok(()))
                | (Fault::None | Fault::TimeUnsigned | Fault::OnlyDateSigned, Ok(())) => {}
                (_, near) => near?,
            }
            proof
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("event")
    }
}

impl Emit for Inside {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let event = events[0].flat("event")?;
        let time = outgoing.now.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let tag = self.key.sign([self.fault.signed(time, &event[1..])]).to_hex();
        Ok(format!(r#"{{"sig":"{tag}"{SIGNED_FROM}:{time},{}"#, &event[1..]).into())
    }

    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}
}

#[test]
fn a_time_that_is_signed_in_the_body_is_checked() {
    for (fault, expected) in [
        (Fault::None, &[][..]),
        (Fault::TimeForgotten, &["stale", "early"]),
        (Fault::PastTolerated, &["stale"]),
        (Fault::TimeUnsigned, &["restamped"]),
        (Fault::OnlyDateSigned, &["restamped"]),
        (
            Fault::SignatureForgotten,
            &[
                "other-key",
                "bit-flipped",
                "truncated",
                "extended",
                "transplanted",
                "stale",
                "early",
            ],
        ),
    ] {
        let [own, stranger] = ["our key of 16 bytes", "their key of 16 bytes"]
            .map(|key| Inside { key: HmacSha256::new(key).unwrap(), fault });
        let report = conformance(&own, &stranger);
        assert_eq!(report.failures(), expected, "{fault:?}: {report}");
        let does_not_apply = |name| report.to_string().contains(&format!("{name}: does not apply"));
        // Whether a proof that is the same at any time covers it can only be seen by restamping.
        let is_dated = fault != Fault::TimeUnsigned;
        assert!(!is_dated || !does_not_apply("stale") && !does_not_apply("early"), "{report}");
    }
}

/// `{"token": …, "time": …}`: the token says nothing of the time.
struct Beside(Token, &'static str);

impl Provider for Beside {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        let token = self.0.clone();
        Ok(Check::whole(move |body| {
            let members = str::from_utf8(body).ok().and_then(Members::of);
            let given = members.as_ref().and_then(|members| members.text("token"));
            token.compare(&given.ok_or(VerifyError::TokenMismatch)?)
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("event")
    }
}

impl Emit for Beside {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let event = events[0].flat("event")?;
        let time = outgoing.now.duration_since(UNIX_EPOCH).unwrap().as_secs();
        Ok(format!(r#"{{"token":"{}","time":{time},{}"#, self.1, &event[1..]).into())
    }

    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}
}

#[test]
fn a_time_beside_a_token_proves_nothing() {
    let [own, stranger] =
        ["our token of 32 characters, no less", "their token of 32 characters or so"]
            .map(|token| token.replace(' ', "-"))
            .map(|token| Beside(Token::bearer(&token).unwrap(), token.leak()));
    let report = conformance(&own, &stranger);
    report.assert_passed();
    for name in ["stale", "early", "restamped"] {
        assert!(report.to_string().contains(&format!("{name}: does not apply")), "{report}");
    }
}
