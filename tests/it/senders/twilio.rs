//! Twilio: HMAC-SHA1 over the public URL and the sorted fields of a form, or over a URL with the hash of a JSON body.

use serde::{Deserialize, Serialize};
use tower_webhook::{
    Payload, Sender,
    providers::twilio::Twilio,
    scheme::{HmacSha1Legacy, Keys, Origin},
    sender::Tamper,
};

use super::matrix::{asked::*, *};
use crate::list;

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
    Twilio::new(keys, Origin::new(origin).unwrap()).unwrap().type_field("TestType")
}

fn by_shared_key(keys: impl Into<Keys>) -> Twilio {
    let origin = Origin::new("https://hooks.example.test").unwrap();
    Twilio::shared_key(keys, origin).unwrap().type_field("TestType")
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::twilio::subject,
        event_type: "message",
        event: Message { message_sid: "SM01".into(), body: "1 + 1 = 2, & grüße".into() },
        unfit: r#"{"MessageSid": "SM01"}"#,
    }
}

pub(super) fn json() -> impl Case {
    Subject {
        sender: list::twilio::json,
        event_type: "message",
        event: Message { message_sid: "SM01".into(), body: "\"1 + 1\" = 2, & grüße".into() },
        unfit: r#"{"MessageSid": "SM01"}"#,
    }
}

pub(super) fn shared_key() -> impl Case {
    Subject {
        sender: list::twilio::shared_key,
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
    let origin = || Origin::new("https://hooks.example.test").unwrap();
    assert!(Twilio::new("", origin()).is_err());
    assert!(Twilio::shared_key("", origin()).is_err());
}

/// The header with the settings is not signed: it never chooses a key or an algorithm.
#[tokio::test]
async fn the_settings_in_a_header_choose_nothing() {
    const SHARED: &str = "6xNsiw5Wx3tUOBO5LsiCQ47x37Vb2iChgFtnFoIp";
    const TOKEN: &str = "eb557673c67e57f234fba869de842a85";
    const SIGNATURE: &str = "Rsl9DSDKMxt1OIkjLnEdCQDRZBZ1lipg6UqUMD1stfA=";
    let origin = || Origin::new("https://hooks.example.test").unwrap();
    let url = "https://hooks.example.test/sms";
    let url = format!("{url}?{}", WITH_HASH.split_once('?').unwrap().1);
    let sha1 = |secret| HmacSha1Legacy::new(secret).unwrap().sign([&url]).to_base64();
    let sha256 = "key=key,algorithm=HMAC_SHA256";
    let settings = [
        (Some(sha256), true),
        (Some("algorithm=HMAC_SHA256"), true),
        (Some("key=key,algorithm=HMAC_SHA1"), false),
        (Some("key=key,algorithm=HMAC_MD5"), false),
        (Some("key=key,algorithm=hmac_sha256"), false),
        (Some("algorithm=HMAC_SHA256,algorithm=HMAC_SHA1"), false),
        (Some("key=key"), false),
        (Some("HMAC_SHA256"), false),
        (Some(""), false),
        (None, false),
    ];
    for (settings, names_sha256) in settings {
        for (provider, signature, genuine) in [
            (Twilio::shared_key(SHARED, origin()), SIGNATURE.to_owned(), names_sha256),
            (Twilio::shared_key(SHARED, origin()), sha1(SHARED), false),
            (Twilio::shared_key(SHARED, origin()), sha1(TOKEN), false),
            (Twilio::new(TOKEN, origin()), sha1(TOKEN), settings.is_none()),
            (Twilio::new(TOKEN, origin()), SIGNATURE.to_owned(), false),
            (Twilio::new(SHARED, origin()), SIGNATURE.to_owned(), false),
        ] {
            let headers = settings.map(|text| ("x-twilio-webhooks-signature-settings", text));
            let signature = ("x-twilio-signature", &*signature);
            let headers: Vec<_> = headers.into_iter().chain([signature]).collect();
            let status = status(provider.unwrap(), recorded(WITH_HASH, &headers, JSON)).await;
            assert_eq!(status, if genuine { 200 } else { 401 }, "{headers:?}");
        }
    }
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
            "TestType=message&Body=a+%26+b",
            r#"Some("message") None {"Body":"a & b","TestType":"message"}"#,
        ),
        ("CallSid=CA1&Url=b&Url=a", r#"None None {"CallSid":"CA1","Url":["b","a"]}"#),
        ("TestType=a&TestType=b", r#"None None {"TestType":["a","b"]}"#),
        ("Body=%22%7D", r#"None None {"Body":"\"}"}"#),
        ("TestType=onMessageAdded", r#"Some("onMessageAdded") None {"TestType":"onMessageAdded"}"#),
        ("", "None None {}"),
        (r#"{"TestType":"message"}"#, r#"Some("message") None {"TestType":"message"}"#),
    ] {
        assert_eq!(seen(body).await, event);
    }
}

/// No field is known that has the type of every request.
#[tokio::test]
async fn a_type_is_what_the_receiver_says() {
    let origin = || Origin::new("https://hooks.example.test").unwrap();
    let provider = || Twilio::new(SECRET, origin()).unwrap();
    for (provider, expected) in [
        (provider(), "None"),
        (provider().type_field("Status"), r#"Some("sent")"#),
        (provider().type_field("status"), "None"),
        (provider().always("message"), r#"Some("message")"#),
    ] {
        let request = Sender::new(provider.clone()).body("Status=sent&Type=b").unwrap();
        let seen = answered(provider, request).await.2;
        assert_eq!(seen, [format!(r#"{expected} None {{"Status":"sent","Type":"b"}}"#)]);
    }
}

#[test]
fn no_secret_is_shown() {
    for provider in [twilio(SECRET), by_shared_key(SECRET)] {
        assert!(!format!("{provider:?}").contains(SECRET));
    }
}
