//! Senders that a user of the crate may write: those that prove a body as a whole, unpack it, or want an answer of their own.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    time::Duration,
};

use bytes::Bytes;
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use http::{HeaderValue, Response, request::Parts};
use tower_webhook::{
    Policy, Provider, Unpacked,
    decode::{DecodeError, Envelope, Form, Members},
    scheme::{
        Authentic, Check, Head, HmacSha1Legacy, HmacSha256, Origin, Tag, Timestamp, Token,
        VerifyError, after_prefix,
    },
};

use crate::{
    credentials::one,
    oracle::members,
    text::{form_fields, from_base64, from_hex, to_base64},
};

/// A sender, and how its requests are recognised without the crate's help, but for the MAC itself.
pub(crate) trait Sender: Provider {
    /// Makes the body of a request, and signs it.
    fn send(&self, head: &mut Parts, content: &[u8]) -> Vec<u8>;

    /// Whether a request is one of this sender.
    fn is_genuine(&self, head: &Parts, body: &[u8]) -> bool;

    /// What is to be answered to it, if that is no delivery.
    fn reply(&self, body: &[u8]) -> Option<String> {
        let _ = body;
        None
    }
}

/// HMAC-SHA1 over the URL and the sorted fields of a form, as Twilio has it.
pub(crate) struct Fields(pub(crate) HmacSha1Legacy, pub(crate) Origin);

impl Provider for Fields {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let (keys, urls) = (self.0.clone(), self.1.urls(head));
        let tag = Tag::base64(head.header("x-tag")?)?;
        Ok(Check::whole(move |body| {
            if matches!(body.first(), Some(b'{' | b'[')) {
                return Err(VerifyError::Other("nothing signs the JSON".into()));
            }
            let form = Form::parse(body).map_err(|_| VerifyError::SignatureMismatch)?;
            let pairs: BTreeSet<_> = form.pairs().collect();
            let fields: String =
                pairs.into_iter().flat_map(|(name, value)| [name, value]).collect();
            let [one, other] = urls.map(|url| keys.check(tag).prefix(url).prefix(&fields).finish());
            one.or(other)
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("Type")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let form = Form::parse(&body)?;
        let object = form.pairs().map(|(name, value)| (name.to_owned(), value.into()));
        Ok(serde_json::Value::Object(object.collect()).to_string().into())
    }
}

impl Fields {
    /// The signature of these fields at the URL without a port, or with one.
    fn tag(&self, head: &Parts, body: &[u8], port: &str) -> Option<String> {
        let fields = form_fields(body).into_iter().map(|(_, field)| field);
        let sorted = fields.collect::<Option<BTreeSet<_>>>()?;
        let target = head.uri.path_and_query()?;
        let url = format!("https://hooks.example{port}/in{target}");
        let parts = [url].into_iter().chain(sorted.into_iter().flat_map(|(a, b)| [a, b]));
        Some(self.0.sign(parts).to_base64())
    }
}

impl Sender for Fields {
    fn send(&self, head: &mut Parts, content: &[u8]) -> Vec<u8> {
        let port = if content.len().is_multiple_of(2) { "" } else { ":443" };
        let tag = self.tag(head, content, port).unwrap_or_default();
        set(head, "x-tag", &tag);
        content.to_vec()
    }

    fn is_genuine(&self, head: &Parts, body: &[u8]) -> bool {
        let given = |tag: Option<String>| tag.is_some_and(|tag| tag == one(head, "x-tag"));
        let signed = ["", ":443"].iter().any(|port| given(self.tag(head, body, port)));
        signed && !matches!(body.first(), Some(b'{' | b'['))
    }
}

/// `{"token": "…", "event": …}`
pub(crate) struct InBody(pub(crate) Token, pub(crate) &'static str);

impl Provider for InBody {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        let token = self.0.clone();
        Ok(Check::whole(move |body| {
            let given = object(body).and_then(|all| all.text("token"));
            token.compare(&given.ok_or(VerifyError::TokenMismatch)?)
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let event = object(&body).and_then(|all| all.raw("event"));
        let event = event.ok_or_else(|| DecodeError::body("has no `event`"))?;
        Ok(body.slice_ref(event.as_bytes()).into())
    }
}

fn object(body: &[u8]) -> Option<Members<'_>> {
    Members::of(str::from_utf8(body).ok()?)
}

impl Sender for InBody {
    fn send(&self, _: &mut Parts, content: &[u8]) -> Vec<u8> {
        [br#"{"token":""#, self.1.as_bytes(), br#"","event":"#, content, b"}"].concat()
    }

    fn is_genuine(&self, _: &Parts, body: &[u8]) -> bool {
        only(body, "token").is_some_and(|token| token == self.1)
    }
}

/// The one member of this name, if it is a text.
fn only(json: &[u8], name: &str) -> Option<String> {
    let members = members(str::from_utf8(json).ok()?)?;
    let mut named = members.iter().filter(|(key, _)| key.as_deref() == Some(name));
    let (Some((_, text)), None) = (named.next(), named.next()) else { return None };
    serde_json::from_str(text.get()).ok()
}

/// A token of three parts, the middle one of which is the event.
pub(crate) struct Jwt(pub(crate) HmacSha256);

impl Provider for Jwt {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        let keys = self.0.clone();
        Ok(Check::whole(move |body| {
            let [header, claims, tag] = parts(body).ok_or(VerifyError::MalformedSignature)?;
            if header != HEADER {
                return Err(VerifyError::UnsupportedSignature);
            }
            keys.check(Tag::base64url(tag)?).prefix(header).prefix(".").prefix(claims).finish()
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "data")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let claims = parts(&body).and_then(|[_, claims, _]| from_base64(&standard(claims), false));
        Ok(claims.ok_or_else(|| DecodeError::body("is no token"))?.into())
    }
}

fn parts(token: &[u8]) -> Option<[&str; 3]> {
    let parts: Vec<_> = str::from_utf8(token).ok()?.split('.').collect();
    parts.try_into().ok()
}

fn standard(url_safe: &str) -> String {
    url_safe.replace('-', "+").replace('_', "/")
}

fn url_safe(bytes: &[u8]) -> String {
    to_base64(bytes).replace('+', "-").replace('/', "_").replace('=', "")
}

impl Sender for Jwt {
    fn send(&self, _: &mut Parts, content: &[u8]) -> Vec<u8> {
        let signed = format!("{HEADER}.{}", url_safe(content));
        let tag = url_safe(self.0.sign([&signed]).as_bytes());
        format!("{signed}.{tag}").into_bytes()
    }

    fn is_genuine(&self, _: &Parts, body: &[u8]) -> bool {
        let Some(text) = str::from_utf8(body).ok() else { return false };
        let Some((signed, tag)) = text.rsplit_once('.') else { return false };
        let own = signed.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('.'));
        own.is_some_and(|claims| !claims.contains('.'))
            && tag == url_safe(self.0.sign([signed]).as_bytes())
    }
}

/// `{"alg":"HS256"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiJ9";

/// A timestamp that is signed, and a challenge that is answered with a MAC, as Zoom has it.
pub(crate) struct Challenge(pub(crate) HmacSha256);

impl Provider for Challenge {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let time = head.public_header("x-time")?;
        Timestamp::seconds(time)?.within(TOLERANCE, head.now())?;
        let tag = Tag::hex(after_prefix(head.header("x-tag")?, "v0=")?)?;
        Ok(self.0.check(tag).prefix("v0:").prefix(time).prefix(":"))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "payload")
    }

    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        let all = object(body)?;
        all.text("event").filter(|event| event == "challenge")?;
        let plain = all.text("plain").filter(|plain| is_plain(plain))?;
        Some(Response::new(self.0.sign_as(proof, [&*plain]).to_hex().into()))
    }
}

/// Whether it cannot be taken for what is signed of a request.
fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Sender for Challenge {
    fn send(&self, head: &mut Parts, content: &[u8]) -> Vec<u8> {
        let seconds = (content.len() % 700).to_string();
        let tag = self.0.sign([b"v0:", seconds.as_bytes(), b":", content]);
        set(head, "x-time", &seconds);
        set(head, "x-tag", &format!("v0={}", tag.to_hex()));
        content.to_vec()
    }

    fn is_genuine(&self, head: &Parts, body: &[u8]) -> bool {
        let time = one(head, "x-time");
        let digits = !time.is_empty() && time.bytes().all(|b| b.is_ascii_digit());
        let near = digits && time.parse().is_ok_and(|seconds: u64| seconds <= TOLERANCE.as_secs());
        let tag = one(head, "x-tag").strip_prefix("v0=").and_then(from_hex);
        near && tag
            .is_some_and(|tag| tag == self.0.sign([b"v0:", time.as_bytes(), b":", body]).as_bytes())
    }

    fn reply(&self, body: &[u8]) -> Option<String> {
        only(body, "event").filter(|event| event == "challenge")?;
        let plain = only(body, "plain").filter(|plain| is_plain(plain))?;
        Some(self.0.sign([plain]).to_hex())
    }
}

/// From the time that the receivers have, which is the beginning of 1970.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Bodies that are compressed with gzip, and signed so.
pub(crate) struct Gzip(pub(crate) HmacSha256);

impl Provider for Gzip {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(self.0.check(Tag::hex(head.header("x-tag")?)?))
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
        let mut json = Vec::new();
        match GzDecoder::new(&*body).take(MAX_INFLATED + 1).read_to_end(&mut json) {
            Ok(length) if length as u64 <= MAX_INFLATED => Ok(json.into()),
            Ok(_) => Err(DecodeError::body("inflates to more than it may")),
            Err(_) => Err(DecodeError::body("is not valid gzip")),
        }
    }
}

const MAX_INFLATED: u64 = 16 * 1024;

impl Sender for Gzip {
    /// What is compressed already stays so.
    fn send(&self, head: &mut Parts, content: &[u8]) -> Vec<u8> {
        let body =
            if content.starts_with(&[0x1f, 0x8b]) { content.to_vec() } else { gzip(content) };
        set(head, "content-encoding", "gzip");
        set(head, "x-tag", &self.0.sign([&body]).to_hex());
        body
    }

    fn is_genuine(&self, head: &Parts, body: &[u8]) -> bool {
        from_hex(one(head, "x-tag")).is_some_and(|tag| tag == self.0.sign([body]).as_bytes())
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("it is in memory")
}

fn set(head: &mut Parts, name: &'static str, value: &str) {
    head.headers.insert(name, HeaderValue::from_str(value).expect("it is visible ASCII"));
}
