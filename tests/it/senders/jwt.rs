//! A sender whose body is a JSON Web Token: the claims are the event, and its proof is in the body.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, request::Parts};
use serde::{Deserialize, Serialize};
use tower_webhook::{
    Described, Draft, Emit, Outgoing, Payload, Provider, Unpacked, VerifyLayer,
    clock::ManualClock,
    decode::{DecodeError, Envelope, Members},
    error::SendError,
    scheme::{Check, Head, HmacSha256, Keys, Tag, Timestamp, VerifyError},
};

use super::matrix::{
    asked::*,
    tokens::{of_other_algorithms, other_spellings, token},
    *,
};

struct Jwt(HmacSha256);

impl Provider for Jwt {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let (keys, now) = (self.0.clone(), head.now());
        Ok(Check::whole(move |body| {
            let [header, claims, tag] = parts(body).ok_or(VerifyError::MalformedSignature)?;
            // The algorithm is the receiver's choice, never the token's.
            if !is_hs256(header) {
                return Err(VerifyError::UnsupportedSignature);
            }
            let signed = keys.check(Tag::base64url(tag)?).prefix(header).prefix(".").prefix(claims);
            let proof = signed.finish()?;
            not_expired(claims, now)?;
            Ok(proof)
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "data")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let claims = parts(&body).and_then(|[_, claims, _]| json(claims));
        let claims = claims.ok_or_else(|| DecodeError::body("is not a token"))?;
        let id = Members::of(&claims).and_then(|claims| Some(claims.text("jti")?.into_owned()));
        let described = id.map(|id| Described::default().id(id)).unwrap_or_default();
        Ok(Unpacked::from(claims).described(described))
    }
}

fn parts(token: &[u8]) -> Option<[&str; 3]> {
    let mut parts = str::from_utf8(token).ok()?.split('.');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

fn json(part: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Whether the header of a token names the one algorithm that is known here, and no extension that must be understood.
fn is_hs256(header: &str) -> bool {
    let is =
        |header: Members<'_>| header.text("alg").as_deref() == Some("HS256") && !header.has("crit");
    json(header).is_some_and(|header| Members::of(&header).is_some_and(is))
}

/// Whether `exp` is after `now`, and not by more than [`MAX_LIFETIME`].
fn not_expired(claims: &str, now: SystemTime) -> Result<(), VerifyError> {
    let claims = json(claims).ok_or(VerifyError::MalformedTimestamp)?;
    let expiry = Members::of(&claims).and_then(|claims| claims.raw("exp").map(str::to_owned));
    let expiry = Timestamp::seconds(&expiry.ok_or(VerifyError::MalformedTimestamp)?)?;
    let half = MAX_LIFETIME / 2;
    expiry.within(half, now + half + Duration::from_secs(1))
}

/// A token that is valid for longer is refused: it could be replayed for as long.
const MAX_LIFETIME: Duration = Duration::from_secs(600);

impl Emit for Jwt {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        let now = outgoing.now.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let event = event.adjacent("event", "data");
        let claims = format!(r#"{{"exp":{},"jti":"{}",{}"#, now + 300, outgoing.id, &event[1..]);
        Ok(token(&self.0, HEADER, &claims).into())
    }

    /// Nothing: the proof is in the body.
    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/jwt")
    }
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Paid {
    total: u32,
}

impl Payload for Paid {
    type Provider = Jwt;
}

fn keys() -> HmacSha256 {
    HmacSha256::new(SECRET).unwrap()
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: || [keys(), HmacSha256::new("the secret of another sender").unwrap()].map(Jwt),
        event_type: "paid",
        event: Paid { total: 3 },
        unfit: r#"{"total": "3"}"#,
    }
}

/// At a time so many seconds after 1970.
async fn asked(keys: impl Into<Keys>, now: u64, body: String) -> (u16, Vec<String>) {
    let clock = ManualClock::at_unix_seconds(now);
    let layer = VerifyLayer::new(Jwt(HmacSha256::new(keys).unwrap())).clock(clock);
    let (status, _, seen) = answered_by(layer, recorded("/", &[], body)).await;
    (status, seen)
}

#[test]
fn tokens_of_another_time_are_tried() {
    let report = subject().report().to_string();
    for line in ["stale: passed (1 request)\n", "early: passed (1 request)\n"] {
        assert!(report.contains(line), "{report}");
    }
}

#[tokio::test]
async fn the_token_of_the_standard_is_accepted_until_it_expires() {
    let key = URL_SAFE_NO_PAD
        .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
        .unwrap();
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let claims =
        "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    for (now, expected) in [
        (1_300_819_379, 200),
        (1_300_819_380, 401),
        (1_300_819_381, 401),
        (1_300_819_380 - 601, 200),
        (1_300_819_380 - 602, 401),
        (0, 401),
    ] {
        let seen = if expected == 200 { vec![format!("None None {claims}")] } else { Vec::new() };
        assert_eq!(asked(key.clone(), now, token.to_owned()).await, (expected, seen), "{now}");
    }
}

#[tokio::test]
async fn the_claims_are_the_event_and_its_id() {
    let claims = r#"{"exp":1300,"jti":"tok_1","event":"paid","data":{"total":3}}"#;
    let seen = vec![format!(r#"Some("paid") Some("tok_1") {claims}"#)];
    assert_eq!(asked(SECRET, 1000, token(&keys(), HEADER, claims)).await, (200, seen));
}

#[tokio::test]
async fn no_algorithm_but_the_receiver_s_is_taken() {
    let claims = r#"{"exp":1300,"event":"paid"}"#;
    let genuine = token(&keys(), HEADER, claims);
    assert_eq!(asked(SECRET, 1000, genuine.clone()).await.0, 200);
    let forged = of_other_algorithms(SECRET, HEADER, claims);
    for body in forged {
        assert_eq!(asked(SECRET, 1000, body.clone()).await, (401, Vec::new()), "{body}");
    }
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let genuine = token(&keys(), HEADER, r#"{"exp":1300,"event":"paid"}"#);
    let [.., tag] = parts(genuine.as_bytes()).unwrap();
    let mut forged = other_spellings(&genuine);
    forged.extend([
        format!("{genuine}\n"),
        format!(" {genuine}"),
        genuine.replace(tag, &tag.replace('-', "+").replace('_', "/")),
    ]);
    for body in forged.into_iter().filter(|body| *body != genuine) {
        assert_eq!(asked(SECRET, 1000, body.clone()).await, (401, Vec::new()), "{body}");
    }
}

#[tokio::test]
async fn a_token_without_a_readable_end_has_expired() {
    for claims in [
        r#"{"event":"paid"}"#,
        r#"{"exp":"1300","event":"paid"}"#,
        r#"{"exp":1300.5,"event":"paid"}"#,
        r#"{"exp":13e2,"event":"paid"}"#,
        r#"{"exp":-1300,"event":"paid"}"#,
        r#"{"exp":null,"event":"paid"}"#,
        r#"{"exp":1300,"exp":1300,"event":"paid"}"#,
        r#"{"exp":18446744073709551616,"event":"paid"}"#,
        r#"[{"exp":1300,"event":"paid"}]"#,
        "exp=1300",
    ] {
        let body = token(&keys(), HEADER, claims);
        assert_eq!(asked(SECRET, 1000, body).await, (401, Vec::new()), "{claims}");
    }
}

const SECRET: &str = "the secret of the sender of tokens";
