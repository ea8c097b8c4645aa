//! Senders that this crate does not have, as their users would write them: a signed time in the body, a URL that is signed before it, a
//! proof within it.

use std::time::Duration;

use tower_webhook::{
    Provider,
    decode::{Envelope, Members},
    error::ConfigError,
    scheme::{Check, Head, HmacSha256, Origin, Tag, Timestamp, VerifyError},
};

use super::recorded::{Outcome, Recorded};

pub(super) async fn outcome(request: &Recorded) -> Outcome {
    let keys = HmacSha256::new(request.keys());
    match &*request.sender {
        "linear" => request.judged(keys.map(Linear)).await,
        "square" => request.judged(Square::new(keys, &request.origin)).await,
        "mailgun" => request.judged(keys.map(Mailgun)).await,
        other => panic!("no sender is called {other}"),
    }
}

fn members(body: &[u8]) -> Result<Members<'_>, VerifyError> {
    let found = str::from_utf8(body).ok().and_then(Members::of);
    found.ok_or_else(|| VerifyError::Other("the body is no object".into()))
}

/// `linear-signature` is of the body, which has the time.
struct Linear(HmacSha256);

impl Provider for Linear {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let (keys, now) = (self.0.clone(), head.now());
        let tag = Tag::hex(head.header("linear-signature")?)?;
        Ok(Check::whole(move |body| {
            let proof = keys.verify(tag, [body])?;
            let time = members(body)?.raw("webhookTimestamp").unwrap_or_default();
            Timestamp::millis(time)?.within(Duration::from_secs(60), now)?;
            Ok(proof)
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

/// The URL is signed before the body.
struct Square(HmacSha256, Origin);

impl Square {
    fn new(keys: Result<HmacSha256, ConfigError>, origin: &str) -> Result<Self, ConfigError> {
        Ok(Self(keys?, Origin::new(origin)?))
    }
}

impl Provider for Square {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = Tag::base64(head.header("x-square-hmacsha256-signature")?)?;
        Ok(self.0.check(tag).prefix(self.1.url(head)))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

/// The proof is a member of the body, and not of the event beside it.
struct Mailgun(HmacSha256);

impl Provider for Mailgun {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let (keys, now) = (self.0.clone(), head.now());
        Ok(Check::whole(move |body| {
            let proof = members(members(body)?.raw("signature").unwrap_or_default().as_bytes())?;
            let text = |name| proof.text(name).unwrap_or_default();
            Timestamp::seconds(&text("timestamp"))?.within(Duration::from_secs(900), now)?;
            keys.verify(
                Tag::hex(&text("signature"))?,
                [text("timestamp"), text("token")].map(String::from),
            )
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "event-data")
    }
}
