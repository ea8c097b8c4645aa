//! Meta and WhatsApp: lists within a list, and a challenge that is asked with GET.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, request::Parts};
use serde::{Deserialize, Serialize};
use tower_webhook::{
    Draft, Emit, Outgoing, Payload, Provider, Sender,
    decode::Envelope,
    error::{ConfigError, SendError},
    scheme::{Check, Head, HmacSha256, Keys, Tag, Token, VerifyError, after_prefix},
};

use super::matrix::{asked::*, *};

/// HMAC-SHA256 of the body under the app's secret; the endpoint is confirmed with a token of its own.
struct Meta {
    app: HmacSha256,
    verify_token: Token,
}

impl Provider for Meta {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = Tag::hex(after_prefix(head.header("x-hub-signature-256")?, "sha256=")?)?;
        Ok(self.app.check(tag))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("field", "value").within("changes").within("entry")
    }

    fn handshake(&self, head: &Head<'_>) -> Option<Response<Bytes>> {
        if head.method() != Method::GET || head.query("hub.mode") != Ok("subscribe") {
            return None;
        }
        drop(self.verify_token.verify(head).ok()?);
        // Meta's challenges are numbers. The answer repeats nothing that a browser would take for markup.
        let challenge = head.query("hub.challenge").ok()?;
        let is_number = (1..=32).contains(&challenge.len())
            && challenge.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Response::new(challenge.to_owned().into()))
    }
}

impl Meta {
    fn new(app_secrets: impl Into<Keys>) -> Result<Self, ConfigError> {
        let verify_token = Token::query("hub.verify_token", VERIFY_TOKEN)?;
        Ok(Self { app: HmacSha256::new(app_secrets)?, verify_token })
    }
}

impl Emit for Meta {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let changes: Vec<_> = events.iter().map(|e| e.adjacent("field", "value")).collect();
        let changes = changes.join(",");
        Ok(format!(r#"{{"object":"page","entry":[{{"id":"1","changes":[{changes}]}}]}}"#).into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        let value = format!("sha256={}", self.app.sign([body]).to_hex());
        let value = HeaderValue::try_from(value).expect("hex is a header's value");
        head.headers.insert("x-hub-signature-256", value);
    }
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
struct Messages {
    messages: Vec<Message>,
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
struct Message {
    id: String,
}

impl Payload for Messages {
    type Provider = Meta;
}

pub(super) fn subject() -> impl Case {
    Subject {
        provider: || Meta::new(SECRET).unwrap(),
        stranger: || Meta::new("0c7b4a1f6e2d8c3907a4b5e1d9f6c2f8").unwrap(),
        event_type: "messages",
        event: Messages { messages: vec![Message { id: "wamid.made-up".into() }] },
        unfit: r#"{"messages": {}}"#,
    }
}

#[tokio::test]
async fn recorded_requests_are_judged_as_by_the_vendor() {
    let old_and_new =
        || Keys::from("a1eec6638cffd18b9f95f815a2a73bfa").or("96401b1c20cba844fe46508558331ad8");
    let vectors: [(_, _, Keys, _, &str); 8] = [
        ("genuine", 200, SECRET.into(), GENUINE, ESCAPED),
        ("one byte changed", 401, SECRET.into(), GENUINE, &ESCAPED.replace("made-up", "made-us")),
        ("line feed appended", 401, SECRET.into(), GENUINE, &format!("{ESCAPED}\n")),
        ("escapes decoded", 401, SECRET.into(), GENUINE, &ESCAPED.replace(r"\/", "/")),
        ("no prefix", 401, SECRET.into(), &GENUINE[7..], ESCAPED),
        ("another key", 401, "0c7b4a1f6e2d8c3907a4b5e1d9f6c2f8".into(), GENUINE, ESCAPED),
        ("the newer of two keys", 200, old_and_new(), ROTATED, MESSAGE),
        (
            "SHA-1 in its place",
            401,
            SECRET.into(),
            "sha1=2f25dd44c956f3f3d24b28f8ffe79f13fb59d022",
            ESCAPED,
        ),
    ];
    for (name, expected, keys, signature, body) in vectors {
        let headers = [("content-type", "application/json"), ("x-hub-signature-256", signature)];
        let request = recorded("/in", &headers, body.to_owned());
        assert_eq!(status(Meta::new(keys).unwrap(), request).await, expected, "{name}");
    }
    assert!(Meta::new("").is_err(), "whoever knows that the secret is empty could sign");
}

#[tokio::test]
async fn each_change_of_each_entry_is_an_event() {
    let first = r#"{"field":"messages","value":1},{"value":2,"field":"feed"}"#;
    let second = r#"{"field":"messages","value":3}"#;
    let body =
        format!(r#"{{"entry":[{{"id":"7","changes":[{first}]}},{{"changes":[{second}]}}]}}"#);
    let request = Sender::new(Meta::new(SECRET).unwrap()).body(body).unwrap();
    let (status, _, seen) = answered(Meta::new(SECRET).unwrap(), request).await;
    let types: Vec<_> = seen.iter().map(|event| event.split(' ').next().unwrap()).collect();
    assert_eq!(status, 200);
    assert_eq!(types, [r#"Some("messages")"#, r#"Some("feed")"#, r#"Some("messages")"#]);
}

#[tokio::test]
async fn an_entry_without_changes_is_one_unknown_event() {
    let entry = r#"{"id":"1","messaging":[{"message":{"mid":"m_1","text":"hi"}}]}"#;
    let body = format!(r#"{{"object":"page","entry":[{entry}]}}"#);
    let request = Sender::new(Meta::new(SECRET).unwrap()).body(body).unwrap();
    let (status, _, seen) = answered(Meta::new(SECRET).unwrap(), request).await;
    assert_eq!((status, seen), (200, vec![format!("None None {entry}")]));
}

#[tokio::test]
async fn only_a_known_token_gets_the_challenge_back() {
    let token = format!("hub.verify_token={VERIFY_TOKEN}");
    let (mode, number) = ("hub.mode=subscribe", "hub.challenge=1158201444");
    let table = [
        ("as documented", 200, format!("{mode}&{number}&{token}")),
        ("in another order", 200, format!("{token}&{number}&{mode}")),
        ("beside a parameter of one's own", 200, format!("tenant=7&{mode}&{number}&{token}")),
        ("without a token", 405, format!("{mode}&{number}")),
        ("another token", 405, format!("{mode}&{number}&{token}0")),
        ("an empty token", 405, format!("{mode}&{number}&hub.verify_token=")),
        ("the app's secret", 405, format!("{mode}&{number}&hub.verify_token={SECRET}")),
        ("a repeated token", 405, format!("{mode}&{number}&{token}&{token}")),
        ("another mode", 405, format!("hub.mode=unsubscribe&{number}&{token}")),
        ("a repeated mode", 405, format!("{mode}&{mode}&{number}&{token}")),
        ("no challenge", 405, format!("{mode}&{token}")),
        ("a repeated challenge", 405, format!("{mode}&{number}&{number}&{token}")),
        ("markup", 405, format!("{mode}&hub.challenge=%3Cscript%3E1%3C%2Fscript%3E&{token}")),
        ("a long challenge", 405, format!("{mode}&hub.challenge={}&{token}", "1".repeat(33))),
    ];
    for (name, expected, query) in table {
        let request = asking(Method::GET, &format!("/in?{query}"), &[], "");
        let (status, body, seen) = answered(Meta::new(SECRET).unwrap(), request).await;
        assert_eq!((status, seen.len()), (expected, 0), "{name}");
        assert_eq!(body == "1158201444", expected == 200, "{name}: {body}");
    }
    let query = format!("/in?{mode}&{number}&{token}");
    let posted = recorded(&query, &[], ESCAPED);
    assert_eq!(status(Meta::new(SECRET).unwrap(), posted).await, 401, "the token proves no event");
}

const SECRET: &str = "4a7a501fa84070166fc1587b9788af88";
const VERIFY_TOKEN: &str = "verify-iuqFOLa02SRreqim-32-chars";
const GENUINE: &str = "sha256=a3bbf3bf4f003e5c0ecf36064b806e0c24ea4366e27423517826b323c1c7ca46";
const ESCAPED: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"700000000000001","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550000000","phone_number_id":"1"},"messages":[{"from":"15550000001","id":"wamid.made-up","timestamp":"1790000000","type":"text","text":{"body":"\u00e4 \ud83d\ude00 https:\/\/example.test"}}]}}]}]}"#;
const ROTATED: &str = "sha256=17be23da8e22104271ffc7d102d7883377dcd77b89ebca974b36b96448d09eac";
const MESSAGE: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"700000000000001","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550000000","phone_number_id":"1"},"messages":[{"from":"15550000001","id":"wamid.made-up","timestamp":"1790000000","type":"text","text":{"body":"hi"}}]}}]}]}"#;
