//! Twilio: HMAC-SHA1 over the public URL and the sorted fields of a form, or over a URL with the hash of a JSON body.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use bytes::Bytes;
use http::{HeaderValue, Uri, request::Parts};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tower_webhook::{
    Draft, Emit, Outgoing, Payload, Provider, Sender, Unpacked,
    decode::{DecodeError, Envelope, Form, Members},
    error::SendError,
    scheme::{Check, Head, HmacSha1Legacy, Keys, Origin, Tag, VerifyError},
    sender::Tamper,
};

use super::matrix::{asked::*, *};

struct Twilio {
    token: HmacSha1Legacy,
    origin: Origin,
}

impl Provider for Twilio {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let (keys, urls) = (self.token.clone(), self.origin.urls(head));
        let tag = Tag::base64(head.header("x-twilio-signature")?)?;
        let hash = match head.query("bodySHA256") {
            Err(VerifyError::MissingQuery(_)) => None,
            hash => Some(Tag::hex(hash?)?),
        };
        Ok(Check::whole(move |body| {
            let fields = signed_fields(hash, body)?;
            let [one, other] = urls.map(|url| keys.check(tag).prefix(url).prefix(&fields).finish());
            one.or(other)
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::shape(event_type)
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        if is_json(&body) { Ok(body.into()) } else { Ok(object(&Form::parse(&body)?).into()) }
    }
}

/// What is signed of the body, behind the URL. A form is not JSON as well: then its fields could be signed, and its JSON
/// handled.
fn signed_fields(hash: Option<Tag>, body: &[u8]) -> Result<String, VerifyError> {
    match hash {
        None if is_json(body) => Err(VerifyError::Other("nothing signs the JSON".into())),
        None => {
            let form = Form::parse(body).map_err(|_| VerifyError::SignatureMismatch)?;
            let pairs: BTreeSet<_> = form.pairs().collect();
            Ok(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect())
        }
        Some(hash) if is_json(body) && hash.matches(&Sha256::digest(body)).into() => {
            Ok(String::new())
        }
        Some(_) => Err(VerifyError::SignatureMismatch),
    }
}

fn is_json(body: &[u8]) -> bool {
    matches!(body.first(), Some(b'{' | b'['))
}

/// No type of an event is documented here for Twilio: this test puts one into a field of its own, `TestType`, and tells
/// messages and calls by their ids.
fn event_type<'b>(fields: &Members<'b>) -> Option<Cow<'b, str>> {
    let is_a = |sid: &str, of: &'static str| fields.raw(sid).map(|_| Cow::Borrowed(of));
    let named = fields.text("TestType");
    named.or_else(|| is_a("MessageSid", "message")).or_else(|| is_a("CallSid", "call"))
}

/// The fields as an object of texts. A field that is repeated is a list of texts.
fn object(form: &Form) -> Vec<u8> {
    let mut fields = BTreeMap::<_, Vec<_>>::new();
    form.pairs().for_each(|(name, value)| fields.entry(name).or_default().push(value));
    let of = |values: Vec<&str>| match &*values {
        [value] => (*value).into(),
        _ => serde_json::Value::from(values),
    };
    let object: serde_json::Map<_, _> =
        fields.into_iter().map(|(name, values)| (name.to_owned(), of(values))).collect();
    serde_json::Value::from(object).to_string().into()
}

impl Emit for Twilio {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        let json = event.flat("TestType")?;
        let mut fields: BTreeMap<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
        if matches!(&*event.event_type, "message" | "call") {
            fields.remove("TestType");
        }
        let form = fields.into_iter().fold(Form::default(), |form, (name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            form.with(name, text)
        });
        Ok(form.to_string().into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let hash = is_json(body).then(|| hex(&Sha256::digest(body)));
        if let Some(hash) = &hash {
            head.uri = with_parameter(&head.uri, &format!("bodySHA256={hash}"));
        }
        let url = self.origin.url(&Head::new(head, outgoing.now));
        let hash = hash.map(|hash| Tag::hex(&hash).unwrap());
        let tag = self.token.sign([url, signed_fields(hash, body).unwrap_or_default()]);
        let value = HeaderValue::try_from(tag.to_base64()).unwrap();
        head.headers.insert("x-twilio-signature", value);
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn with_parameter(uri: &Uri, parameter: &str) -> Uri {
    let target = uri.path_and_query().unwrap().as_str();
    let by = if uri.query().is_some() { '&' } else { '?' };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{target}{by}{parameter}").parse().unwrap());
    Uri::from_parts(parts).unwrap()
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_sid: String,
    body: String,
}

impl Payload for Message {
    type Provider = Twilio;
}

fn twilio(keys: impl Into<Keys>) -> Twilio {
    at("https://hooks.example.test", keys)
}

fn at(origin: &str, keys: impl Into<Keys>) -> Twilio {
    Twilio { token: HmacSha1Legacy::new(keys).unwrap(), origin: Origin::new(origin).unwrap() }
}

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || twilio(SECRET),
        stranger: || twilio("ecdb1fe7976656229012c8f419b0d712"),
        event_type: "message",
        event: Message { message_sid: "SM01".into(), body: "1 + 1 = 2, & grüße".into() },
        unfit: r#"{"MessageSid": "SM01"}"#,
    }
}

const SECRET: &str = "c1a18b32d743ef767c66f25cb3ce8775";
const FORM: &str = "AccountSid=AC00000000000000000000000000000000&From=%2B15550000001&To=%2B15550000002&Body=Hello+world&NumMedia=0&ApiVersion=2010-04-01&MessageSid=SM00000000000000000000000000000001";
const JSON: &str = r#"{"sid":"SM1","status":"delivered"}"#;
const WITH_HASH: &str =
    "/sms?bodySHA256=abc5576f8a33071e5472a471e1236b4f3d4d32b240ade478509419d38b1b873b";

#[tokio::test]
async fn recorded_requests_are_judged_as_by_the_vendor() {
    let changed = FORM.replace("Hello", "Hallo");
    let added = format!("{FORM}&Extra=1");
    let with_others = WITH_HASH.replace('?', "?a=1&");
    let vectors = [
        ("a form", 200, SECRET, "/sms", "RucUODlTL0fkXr/Y6QMO7hFa76g=", FORM),
        ("another origin's path", 401, SECRET, "/mms", "RucUODlTL0fkXr/Y6QMO7hFa76g=", FORM),
        ("no fields", 401, SECRET, "/sms", "RucUODlTL0fkXr/Y6QMO7hFa76g=", ""),
        ("hex", 401, SECRET, "/sms", "46e71438395397f7e45ebfd8e90303ee115aefa8", FORM),
        ("no padding", 401, SECRET, "/sms", "RucUODlTL0fkXr/Y6QMO7hFa76g", FORM),
        (
            "a query",
            200,
            "7acc902c01c361773c1fcc85f3623a49",
            "/sms?tenant=7&x=a%20b",
            "2y6W+iY2+f93b0lX/z2zv6lHbKM=",
            FORM,
        ),
        (
            "an empty field",
            200,
            "dec32c328f31053df87fdc2db11b0b99",
            "/sms",
            "XRp16FOawtiOX5kL4omkMDy4Tk4=",
            "Body=&From=%2B15550000001&To=",
        ),
        (
            "a repeated field",
            200,
            "522c57fb1373ee2a9ba6f32422b2789c",
            "/sms",
            "mbzX28XqSvXqJSQEKoTIoErn9Ak=",
            "Media=b&Media=a&Media=b&From=1",
        ),
        (
            "signed with the port",
            200,
            "c407d12e13c84d17969260b0db71b288",
            "/sms",
            "xVUTrFTkVtY2mvU/8r55YXQovYU=",
            FORM,
        ),
        (
            "JSON",
            200,
            "c66d95a2f3785c2dd3582e553a6cf641",
            WITH_HASH,
            "5D2MzjTE6q/dU9WlfDfDaMN0OOY=",
            JSON,
        ),
        (
            "JSON and other parameters",
            200,
            "701dfb38ce6cf1c502b2619a3e1ba8f4",
            &with_others,
            "4TDHkNf0Jh1B9hWrZ/shSZ8E8NE=",
            JSON,
        ),
        (
            "a field changed",
            401,
            "b34c2a65eac34a5ad29f19b2c8fcae29",
            "/sms",
            "At5jY3uPaB60xPmREMhQP6PKg54=",
            &changed,
        ),
        ("a field added", 401, SECRET, "/sms", "RucUODlTL0fkXr/Y6QMO7hFa76g=", &added),
        (
            "a query added",
            401,
            "f8042b90ae8ee8e5327120e071ab712a",
            "/sms?admin=1",
            "LWsm1Cpkh3r0L2ixId1xZCAR338=",
            FORM,
        ),
        (
            "the hash of another body",
            401,
            "435846fc4390ea189372147228e6a549",
            "/sms?bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "RQaELhMiDgjd4aaEKknUnkXtvko=",
            "{}",
        ),
        (
            "JSON without its hash",
            401,
            "1c42e0c2dea83082c2cad1c7995fa8c5",
            "/sms",
            "tFxjSPlaVonjE+0qX1QqUWElIO4=",
            JSON,
        ),
    ];
    for (name, expected, secret, target, signature, body) in vectors {
        let request = recorded(target, &[("x-twilio-signature", signature)], body.to_owned());
        assert_eq!(status(twilio(secret), request).await, expected, "{name}");
    }
    assert!(HmacSha1Legacy::new("").is_err());
}

#[tokio::test]
async fn the_url_is_the_configured_one_whatever_the_request_says() {
    let unlike_port = ("d7121c4bb5f0017bdea7bf6871f3e7de", "ClXViuLTJNiQyI37WlqHNd8IPb8=");
    let (own, origin) = ((SECRET, "RucUODlTL0fkXr/Y6QMO7hFa76g="), "https://hooks.example.test");
    for ((secret, signature), origin, host, expected) in [
        (own, origin, "hooks.example.test", 200),
        (own, origin, "evil.example", 200),
        (own, "https://evil.example", "hooks.example.test", 401),
        (own, "http://hooks.example.test", "hooks.example.test", 401),
        (own, "https://hooks.example.test/a", "hooks.example.test", 401),
        (unlike_port, "https://hooks.example.test:8443", "hooks.example.test:8443", 200),
    ] {
        let headers = [("host", host), ("x-twilio-signature", signature)];
        let request = recorded("/sms", &headers, FORM);
        assert_eq!(status(at(origin, secret), request).await, expected, "{origin} {host}");
    }
}

#[tokio::test]
async fn the_newer_of_two_tokens_is_taken() {
    let keys =
        Keys::from("ecdb1fe7976656229012c8f419b0d712").or("ad3e04d0a68e548246492461fb507a66");
    let headers = [("x-twilio-signature", "cVu1YgN2rQL/p5gKuGyaxZT02+U=")];
    assert_eq!(status(twilio(keys), recorded("/sms", &headers, FORM)).await, 200);
}

#[tokio::test]
async fn every_forgery_of_a_json_request_is_refused() {
    let sender = Sender::new(twilio(SECRET)).to("/sms?a=1".parse().unwrap());
    let genuine = sender.body(JSON).unwrap();
    assert_eq!(status(twilio(SECRET), genuine).await, 200);
    let mut tried = 0;
    for &tamper in Tamper::ALL {
        let Ok(forged) = sender.clone().tampered(tamper).body(JSON) else { continue };
        let answer = status(twilio(SECRET), forged).await;
        assert!([401, 431].contains(&answer), "{tamper:?}: {answer}");
        tried += 1;
    }
    assert!(tried >= 10, "{tried}");
}

/// Names and values run together, so that a genuine form can be cut into other fields. It must not become JSON by that.
#[tokio::test]
async fn a_form_is_not_taken_for_json() {
    let url = "https://hooks.example.test/sms";
    let keys = HmacSha1Legacy::new(SECRET).unwrap();
    // Its text is at the sender's choice.
    let genuine = r#"From=1&To="}{"a":""#;
    let signed = keys.sign([url, r#"From1To"}{"a":""#]).to_base64();
    let headers = [("x-twilio-signature", &*signed)];
    assert_eq!(status(twilio(SECRET), recorded("/sms", &headers, genuine)).await, 200);
    // As a form, its names are `From1To"}` and `{"a":"`: the same text is signed.
    let forged = r#"{"a":"&From1To"}"#;
    serde_json::from_str::<serde_json::Value>(forged).unwrap();
    assert_eq!(status(twilio(SECRET), recorded("/sms", &headers, forged)).await, 401);
}

#[tokio::test]
async fn the_fields_are_the_event() {
    let seen = async |body: &'static str| {
        let request = Sender::new(twilio(SECRET)).body(body).unwrap();
        answered(twilio(SECRET), request).await.2.concat()
    };
    for (body, event) in [
        (
            "MessageSid=SM1&Body=a+%26+b",
            r#"Some("message") None {"Body":"a & b","MessageSid":"SM1"}"#,
        ),
        ("CallSid=CA1&Url=b&Url=a", r#"Some("call") None {"CallSid":"CA1","Url":["b","a"]}"#),
        ("Body=%22%7D", r#"None None {"Body":"\"}"}"#),
        ("TestType=onMessageAdded", r#"Some("onMessageAdded") None {"TestType":"onMessageAdded"}"#),
        ("", "None None {}"),
        (r#"{"MessageSid":"SM1"}"#, r#"Some("message") None {"MessageSid":"SM1"}"#),
    ] {
        assert_eq!(seen(body).await, event);
    }
}
