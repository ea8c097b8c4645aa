//! Meta and WhatsApp: lists within a list, and a challenge that is asked with GET.

use http::Method;
use serde::{Deserialize, Serialize};
use tower_webhook::{Payload, Sender, providers::meta::Meta, scheme::Keys};

use super::matrix::{asked::*, *};
use crate::list;

fn meta(keys: impl Into<Keys>) -> Meta {
    Meta::new(keys, VERIFY_TOKEN).unwrap()
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
        sender: list::meta::subject,
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
        assert_eq!(status(meta(keys), request).await, expected, "{name}");
    }
    assert!(Meta::new("", VERIFY_TOKEN).is_err(), "whoever knows that it is empty could sign");
}

#[tokio::test]
async fn each_change_of_each_entry_is_an_event() {
    let first = r#"{"field":"messages","value":1},{"value":2,"field":"feed"}"#;
    let second = r#"{"field":"messages","value":3}"#;
    let body =
        format!(r#"{{"entry":[{{"id":"7","changes":[{first}]}},{{"changes":[{second}]}}]}}"#);
    let request = Sender::new(meta(SECRET)).body(body).unwrap();
    let (status, _, seen) = answered(meta(SECRET), request).await;
    let types: Vec<_> = seen.iter().map(|event| event.split(' ').next().unwrap()).collect();
    assert_eq!(status, 200);
    assert_eq!(types, [r#"Some("messages")"#, r#"Some("feed")"#, r#"Some("messages")"#]);
}

#[tokio::test]
async fn a_body_has_its_entries() {
    for (body, expected) in [
        (r#"{"object":"page","entry":[]}"#, 200),
        (r#"{"object":"page"}"#, 400),
        (r#"{"object":"page","entry":{}}"#, 400),
        (r#"{"entry":[],"entry":[]}"#, 400),
        ("[]", 400),
        ("", 400),
    ] {
        let request = Sender::new(meta(SECRET)).body(body).unwrap();
        let (status, _, seen) = answered(meta(SECRET), request).await;
        assert_eq!((status, seen.len()), (expected, 0), "{body}");
    }
}

#[tokio::test]
async fn an_entry_without_changes_is_one_unknown_event() {
    let entry = r#"{"id":"1","messaging":[{"message":{"mid":"m_1","text":"hi"}}]}"#;
    let body = format!(r#"{{"object":"page","entry":[{entry}]}}"#);
    let request = Sender::new(meta(SECRET)).body(body).unwrap();
    let (status, _, seen) = answered(meta(SECRET), request).await;
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
        ("a prefix of the token", 405, format!("{mode}&{number}&{}", &token[..token.len() - 1])),
        ("an empty challenge", 405, format!("{mode}&hub.challenge=&{token}")),
        ("a sign", 405, format!("{mode}&hub.challenge=-1&{token}")),
        ("another mode", 405, format!("hub.mode=unsubscribe&{number}&{token}")),
        ("a repeated mode", 405, format!("{mode}&{mode}&{number}&{token}")),
        ("no challenge", 405, format!("{mode}&{token}")),
        ("a repeated challenge", 405, format!("{mode}&{number}&{number}&{token}")),
        ("markup", 405, format!("{mode}&hub.challenge=%3Cscript%3E1%3C%2Fscript%3E&{token}")),
        ("a long challenge", 405, format!("{mode}&hub.challenge={}&{token}", "1".repeat(33))),
    ];
    for (name, expected, query) in table {
        let request = asking(Method::GET, &format!("/in?{query}"), &[], "");
        let (status, body, seen) = answered(meta(SECRET), request).await;
        assert_eq!((status, seen.len()), (expected, 0), "{name}");
        assert_eq!(body == "1158201444", expected == 200, "{name}: {body}");
    }
    let query = format!("/in?{mode}&{number}&{token}");
    let posted = recorded(&query, &[], ESCAPED);
    assert_eq!(status(meta(SECRET), posted).await, 401, "the token proves no event");
}

#[tokio::test]
async fn the_challenge_comes_back_as_text_and_for_each_of_several_tokens() {
    use tower::{Layer, ServiceExt};
    use tower_webhook::{EventRouter, VerifyLayer};

    let newer = "verify-the-newer-token-32-chars-";
    let provider = Meta::new(SECRET, Keys::from(newer).or(VERIFY_TOKEN)).unwrap();
    for token in [newer, VERIFY_TOKEN] {
        let longest = "1".repeat(32);
        let query =
            format!("/in?hub.mode=subscribe&hub.challenge={longest}&hub.verify_token={token}");
        let hook = VerifyLayer::new(provider.clone()).layer(EventRouter::new());
        let answer = hook.oneshot(asking(Method::GET, &query, &[], "")).await.unwrap();
        let headers = answer.headers().clone();
        assert_eq!((answer.status().as_u16(), crate::support::text(answer).await), (200, longest));
        assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let foreign = asking(Method::GET, &query, &[], "");
        let other = Meta::new(SECRET, "verify-another-token-of-32-chars").unwrap();
        assert_eq!(status(other, foreign).await, 405);
    }
    for token in ["", "too-short", "a token with blanks, of 32 characters"] {
        assert!(Meta::new(SECRET, token).is_err(), "{token:?}");
    }
    let shown = format!("{provider:?}");
    assert!([SECRET, newer, VERIFY_TOKEN].iter().all(|secret| !shown.contains(secret)), "{shown}");
}

const SECRET: &str = "4a7a501fa84070166fc1587b9788af88";
const VERIFY_TOKEN: &str = "verify-iuqFOLa02SRreqim-32-chars";
const GENUINE: &str = "sha256=a3bbf3bf4f003e5c0ecf36064b806e0c24ea4366e27423517826b323c1c7ca46";
const ESCAPED: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"700000000000001","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550000000","phone_number_id":"1"},"messages":[{"from":"15550000001","id":"wamid.made-up","timestamp":"1790000000","type":"text","text":{"body":"\u00e4 \ud83d\ude00 https:\/\/example.test"}}]}}]}]}"#;
const ROTATED: &str = "sha256=17be23da8e22104271ffc7d102d7883377dcd77b89ebca974b36b96448d09eac";
const MESSAGE: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"700000000000001","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550000000","phone_number_id":"1"},"messages":[{"from":"15550000001","id":"wamid.made-up","timestamp":"1790000000","type":"text","text":{"body":"hi"}}]}}]}]}"#;
