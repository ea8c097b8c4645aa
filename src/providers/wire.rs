//! What several senders write and read in the same way.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode, Uri,
    header::{CONTENT_TYPE, IntoHeaderName},
    request::Parts,
};
use serde_json::Value;

use crate::{
    Described, Draft, Outgoing, Unpacked,
    decode::{Form, Members},
    error::SendError,
    scheme::{Check, HmacSha256, Tag, Timestamp, VerifyError, after_prefix},
};

/// The only event, for senders with one event per request.
pub(super) fn only(events: &[Draft]) -> Result<&Draft, SendError> {
    match events {
        [one] => Ok(one),
        several => Err(SendError::NotOneEvent(several.len())),
    }
}

/// Sets a header of a request that is to be sent. If HTTP cannot carry the value, then there is none: a receiver refuses that.
pub(super) fn insert(head: &mut Parts, name: impl IntoHeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        head.headers.insert(name, value);
    }
}

/// The fields of a form as an object of texts. A field that is repeated is a list of texts.
pub(super) fn object(form: &Form) -> String {
    let mut fields = BTreeMap::<_, Vec<_>>::new();
    form.pairs().for_each(|(name, value)| fields.entry(name).or_default().push(value));
    let of = |all: Vec<&str>| if let [one] = *all { one.into() } else { Value::from(all) };
    fields.into_iter().map(|(name, values)| (name, of(values))).collect::<Value>().to_string()
}

/// An object as the fields of a form. A member that is not a text is written as its JSON.
pub(super) fn fields(object: &str) -> Result<Form, SendError> {
    let members = serde_json::from_str::<BTreeMap<String, Value>>(object);
    let members = members.map_err(|error| SendError::Encode(error.into()))?.into_iter();
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(members.fold(Form::default(), |form, (name, value)| form.with(name, text(value))))
}

/// The URL with one more parameter at the end of its query. If it becomes longer than a URL can be, then it stays as it is: a
/// receiver refuses that.
pub(super) fn with_parameter(uri: &Uri, parameter: &str) -> Uri {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let by = if uri.query().is_some() { '&' } else { '?' };
    let Ok(target) = format!("{target}{by}{parameter}").parse() else { return uri.clone() };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

pub(super) fn json() -> HeaderValue {
    HeaderValue::from_static("application/json")
}

pub(super) fn form() -> HeaderValue {
    HeaderValue::from_static("application/x-www-form-urlencoded")
}

/// The answer to a handshake, as plain text, so that a browser does not interpret it. The layer adds
/// `X-Content-Type-Options: nosniff`.
pub(super) fn plain_text(text: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(text.into());
    let value = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

/// The members of a body that is one JSON object.
pub(super) fn members(body: &[u8]) -> Option<Members<'_>> {
    Members::of(str::from_utf8(body).ok()?)
}

/// The longest id of a delivery that is taken from a body.
const MAX_ID: usize = 256;

/// The member `name` of the body, if it is a text of 1 to [`MAX_ID`] bytes.
pub(super) fn id_in(body: &[u8], name: &str) -> Option<String> {
    let id = members(body)?.text(name)?.into_owned();
    (1..=MAX_ID).contains(&id.len()).then_some(id)
}

/// A body that is JSON itself, with the id of its delivery in the member `name`.
pub(super) fn with_id_in(body: Bytes, name: &str) -> Unpacked {
    let id = id_in(&body, name).map(|id| Described::default().id(id));
    Unpacked::from(body).described(id.unwrap_or_default())
}

/// Begins the check of `v0=<hex>`, HMAC-SHA256 over `v0:time:body`. The caller has read `time` as a number, so it has no colon.
pub(super) fn check_v0(
    keys: &HmacSha256,
    time: &str,
    signature: &str,
) -> Result<Check, VerifyError> {
    let tag = Tag::hex(after_prefix(signature, "v0=")?)?;
    Ok(keys.check(tag).prefix("v0:").prefix(time).prefix(":"))
}

/// The time of a request that is to be sent, and its signature as [`check_v0`] reads it.
pub(super) fn sign_v0(keys: &HmacSha256, body: &[u8], outgoing: &Outgoing) -> (String, String) {
    let time = Timestamp::from(outgoing.now).as_seconds().to_string();
    let tag = keys.sign([b"v0:", time.as_bytes(), b":", body]);
    (time, format!("v0={}", tag.to_hex()))
}

/// Whether a challenge can be repeated in an answer: 1 to `most` letters, digits, `-` and `_`.
pub(super) fn is_plain(challenge: &str, most: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=most).contains(&challenge.len()) && challenge.bytes().all(plain)
}

/// The answer to a challenge. `None`: the challenge is not answered, and the request is refused.
pub(super) fn challenge_answer(answer: Option<Value>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    match answer {
        Some(answer) => {
            response.headers_mut().insert(CONTENT_TYPE, json());
            *response.body_mut() = answer.to_string().into();
        }
        None => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}
