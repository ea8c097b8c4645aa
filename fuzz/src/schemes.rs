//! Every scheme with its sending side, and where its requests can be spoiled.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Request, request::Parts};
use tower_webhook::{
    Delivery, Draft, Emit, Outgoing, Provider,
    decode::Envelope,
    error::{ConfigError, SendError},
    providers::{learn365::Learn365, loops::Loops, standard_webhooks::StandardWebhooks},
    scheme::{
        Algorithm, Check, Head, Hmac, HmacSha1Legacy, HmacSha256, HmacSha512, Keys, Pairs, Tag,
        Timestamp, Token, VerifyError,
    },
};

use crate::text::{from_base64, from_hex, to_base64, to_hex};

/// A sender and three receivers of one scheme.
pub struct Scheme {
    sender: Box<dyn Sign>,
    /// One with the sender's key, and one that has it beside another.
    pub receivers: [Box<dyn Provider>; 2],
    /// One with another key.
    pub stranger: Box<dyn Provider>,
    /// Where all that must not be changed stands in the head.
    pub places: &'static [Place],
    /// Whether the body is signed.
    pub signs_body: bool,
    /// Whether the id is signed.
    pub signs_id: bool,
}

/// Where something stands in a head.
pub enum Place {
    /// Text in this header: of which each bit counts, up to a comma if there is one.
    Text(&'static str),
    /// A tag in this header, behind the last of these.
    Hex(&'static str, char),
    Base64(&'static str, char),
    /// This text in this header.
    Token(&'static str, &'static str),
    /// This text in the target.
    Uri(&'static str),
}

trait Sign: Send + Sync {
    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing);
}

impl<P: Emit> Sign for P {
    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        Emit::sign(self, head, body, outgoing);
    }
}

impl Scheme {
    /// The head of a request with this body.
    pub fn sign(&self, uri: &'static str, id: &str, now: SystemTime, body: &[u8]) -> Parts {
        let (mut head, ()) = Request::post(uri).body(()).expect("it is a URI").into_parts();
        self.sender.sign(&mut head, body, &Outgoing::new(id, now));
        head
    }
}

/// What `provider` makes of a request whose body comes in these pieces: the delivery's id.
pub fn verified<'b>(
    provider: &dyn Provider,
    head: &Parts,
    now: SystemTime,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Result<Option<String>, VerifyError> {
    let mut check = provider.authenticate(&Head::new(head, now))?;
    pieces.into_iter().for_each(|piece| check.update(piece));
    check.finish().map(|proof| Delivery::new(proof).id().map(Into::into))
}

impl Place {
    /// Flips a bit of what stands here. `false`: the result cannot be sent.
    pub fn flip(&self, head: &mut Parts, bit: usize) -> bool {
        match self {
            Self::Text(name) => in_header(head, name, |text| {
                let end = text.find(',').unwrap_or(text.len());
                let (counts, rest) = text.split_at(end);
                Some([flipped(counts.as_bytes(), bit), rest.into()].concat())
            }),
            Self::Hex(name, mark) => in_header(head, name, |text| {
                let (before, tag) = text.rsplit_once(*mark)?;
                let tag = to_hex(&flipped(&from_hex(tag)?, bit));
                Some(format!("{before}{mark}{tag}").into())
            }),
            Self::Base64(name, mark) => in_header(head, name, |text| {
                let (before, tag) = text.rsplit_once(*mark)?;
                let tag = to_base64(&flipped(&from_base64(tag, true)?, bit));
                Some(format!("{before}{mark}{tag}").into())
            }),
            Self::Token(name, token) => in_header(head, name, |text| spoiled(text, token, bit)),
            Self::Uri(token) => {
                let uri = spoiled(&head.uri.to_string(), token, bit);
                let uri = uri.and_then(|uri| uri.as_slice().try_into().ok());
                uri.map(|uri| head.uri = uri).is_some()
            }
        }
    }
}

fn in_header(
    head: &mut Parts,
    name: &'static str,
    spoil: impl FnOnce(&str) -> Option<Vec<u8>>,
) -> bool {
    let text = head.headers[name].to_str().expect("it is text");
    let spoiled = spoil(text).expect("it stands there");
    HeaderValue::from_bytes(&spoiled).map(|value| head.headers.insert(name, value)).is_ok()
}

fn spoiled(text: &str, token: &str, bit: usize) -> Option<Vec<u8>> {
    let (before, after) = text.split_once(token)?;
    Some([before.as_bytes(), &flipped(token.as_bytes(), bit), after.as_bytes()].concat())
}

/// `bytes`, which are some, with a bit flipped.
pub fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = bit / 8 % bytes.len();
    bytes[at] ^= 1 << (bit % 8);
    bytes
}

/// A sender of one's own: `x-signature: t=<seconds>,v1=<hex>`, over `id.t.body`.
struct Acme<A: Algorithm>(Hmac<A>);

impl<A: Algorithm> Provider for Acme<A> {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let id = head.header("x-id")?;
        let pairs = Pairs::parse(head.header("x-signature")?)?;
        let time = pairs.one("t")?;
        Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now())?;
        let check = self.0.check_any(pairs.all("v1").map(Tag::hex))?;
        Ok(check.prefix(id).prefix(".").prefix(time).prefix(".").id(id))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("type", "data")
    }
}

impl<A: Algorithm> Emit for Acme<A> {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        Ok(event.adjacent("type", "data").into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let now = outgoing.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = now.as_secs().to_string();
        let signed = [outgoing.id.as_bytes(), b".", time.as_bytes(), b".", body];
        let signature = format!("t={time},v1={}", self.0.sign(signed).to_hex());
        for (name, value) in [("x-id", &outgoing.id), ("x-signature", &signature)] {
            head.headers.insert(name, HeaderValue::from_str(value).expect("it is visible ASCII"));
        }
    }
}

/// All of them.
pub static SCHEMES: LazyLock<Vec<Scheme>> = LazyLock::new(|| all().expect("the keys are usable"));

fn all() -> Result<Vec<Scheme>, ConfigError> {
    let token = |place: fn(Keys) -> Result<Token, ConfigError>, at| {
        scheme(|keys| place(keys).map(Loops::new), TOKENS, at)
    };
    Ok(vec![
        scheme(|keys| Ok(Acme(HmacSha256::new(keys)?)), TOKENS, ACME)?,
        scheme(|keys| Ok(Acme(HmacSha512::new(keys)?)), TOKENS, ACME)?,
        scheme(|keys| Ok(Acme(HmacSha1Legacy::new(keys)?)), TOKENS, ACME)?,
        scheme(StandardWebhooks::new, WHSECS, STANDARD_WEBHOOKS)?,
        Scheme { signs_id: false, ..scheme(Learn365::new, TOKENS, LEARN365)? },
        token(Token::path, &[Place::Uri(TOKENS[0])])?.of_a_token(),
        token(|keys| Token::query("token", keys), &[Place::Uri(TOKENS[0])])?.of_a_token(),
        token(|keys| Token::header("x-token", keys), &[Place::Token("x-token", TOKENS[0])])?
            .of_a_token(),
        token(Token::bearer, &[Place::Token("authorization", TOKENS[0])])?.of_a_token(),
        token(|keys| Token::basic("hook", keys), &[Place::Token("authorization", BASIC)])?
            .of_a_token(),
    ])
}

fn scheme<P: Emit>(
    provider: impl Fn(Keys) -> Result<P, ConfigError>,
    [ours, other, stranger]: [&str; 3],
    places: &'static [Place],
) -> Result<Scheme, ConfigError> {
    Ok(Scheme {
        sender: Box::new(provider(ours.into())?),
        receivers: [
            Box::new(provider(ours.into())?),
            Box::new(provider(Keys::from(other).or(ours))?),
        ],
        stranger: Box::new(provider(Keys::from(stranger).or(other))?),
        places,
        signs_body: true,
        signs_id: true,
    })
}

impl Scheme {
    fn of_a_token(self) -> Self {
        Self { signs_body: false, signs_id: false, ..self }
    }
}

const ACME: &[Place] =
    &[Place::Text("x-id"), Place::Text("x-signature"), Place::Hex("x-signature", '=')];
const STANDARD_WEBHOOKS: &[Place] = &[
    Place::Text("webhook-id"),
    Place::Text("webhook-timestamp"),
    Place::Base64("webhook-signature", ','),
];
const LEARN365: &[Place] = &[Place::Hex("ms-signature", '=')];

const TOKENS: [&str; 3] = [
    "0123456789abcdef0123456789ABC-_f",
    "another-token-of-32-characters-0",
    "and-a-stranger-token-of-32-chars",
];
/// `hook:` and the first of them.
const BASIC: &str = "aG9vazowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OUFCQy1fZg==";
const WHSECS: [&str; 3] = [
    "whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgb3IgbW9yZQ==",
    "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbm90IG91cnM=",
    "whsec_YW5kIGEgc3RyYW5nZXIncyBzZWNyZXQgb2Ygc29tZSBieXRlcw==",
];
