//! BigBlueButton: a plain hash in the query over the registered URL, the form and the secret, and a refusal that is not 401.

use serde::{Deserialize, Serialize};
use tower_webhook::{
    Sender,
    providers::bigbluebutton::BigBlueButton,
    scheme::{Keys, Token},
    sender::Tamper,
};

use super::matrix::{asked::*, *};
use crate::list;

#[derive(Debug, Deserialize, Serialize)]
struct MeetingEnded {
    data: Data,
}

#[derive(Debug, Deserialize, Serialize)]
struct Data {
    attributes: Attributes,
}

#[derive(Debug, Deserialize, Serialize)]
struct Attributes {
    name: String,
}

tower_webhook::event!(MeetingEnded: BigBlueButton = "meeting-ended");

const URL: &str = "http://hooks.example.test:39872/bbb";
const SECRET: &str = "bbb-secret-of-a-test";
const OTHER_SECRET: &str = "the secret of another server";

fn bigbluebutton(secrets: impl Into<Keys>) -> BigBlueButton {
    BigBlueButton::new(URL, secrets).unwrap()
}

fn case(sender: fn() -> [BigBlueButton; 2]) -> impl Case {
    Subject {
        sender,
        event_type: "meeting-ended",
        event: MeetingEnded {
            data: Data { attributes: Attributes { name: "Ünit \"7\" & 8".into() } },
        },
        unfit: r#"{"data": {"attributes": 1}}"#,
    }
}

pub(super) fn subject() -> impl Case {
    case(list::bigbluebutton::subject)
}

pub(super) fn sha512_with_query() -> impl Case {
    case(list::bigbluebutton::sha512_with_query)
}

pub(super) fn by_token() -> impl Case {
    case(list::bigbluebutton::by_token)
}

/// As the sender itself wrote it, in version 3.5.0, but for its end.
const FORM: &str = "domain=bbb.example.test&event=%5B%7B%22data%22%3A%7B%22type%22%3A%22event%22%2C%22id%22%3A%22meeting-created%22%2C%22attributes%22%3A%7B%22meeting%22%3A%7B%22internal-meeting-id%22%3A%22int-1%22%2C%22external-meeting-id%22%3A%22ext+1+%26+%C3%BC%22%2C%22name%22%3A%22%C3%9Cnit+%5C%227%5C%22%22%7D%7D%7D%2C%22event%22%3A%7B%22ts%22%3A1700000000123%7D%7D%5D&timestamp=";
const SHA1: &str = "312fb5f03790a1bfeb8a2cf23a4832eddc3b6d4b";
const SHA256: &str = "3ec0e241df5d24505fc6f63757abd88dc8ad62e69397625d5a63920c7fe80f1d";
const SHA512: &str = "07dfa1152bdeca373983bcccba113bf6c595d1208c029b33b672889c912e983bf119182830922386753014bd8c83fe0a1db9622af4a2f6254dc212119525e903";

/// As the sender writes them, at these times.
fn recorded_at(target: &str, timestamp: &str) -> http::Request<tower_webhook::Body> {
    recorded(target, &[], format!("{FORM}{timestamp}"))
}

#[tokio::test]
async fn recorded_requests_of_the_sender_are_accepted() {
    let with_query = BigBlueButton::new(format!("{URL}?tenant=t-1"), SECRET).unwrap();
    for (provider, target, timestamp) in [
        (bigbluebutton(SECRET), format!("/bbb?checksum={SHA1}"), "1795883041577"),
        (with_query.sha256(), format!("/bbb?tenant=t-1&checksum={SHA256}"), "1795883041614"),
        (bigbluebutton(SECRET).sha512(), format!("/bbb?checksum={SHA512}"), "1795883041681"),
    ] {
        let (status, _, seen) = answered(provider, recorded_at(&target, timestamp)).await;
        assert_eq!((status, seen.len()), (200, 1), "{target}");
        let expected = r#"Some("meeting-created") None {"data":{"type":"event","id":"meeting-created","attributes":{"meeting":{"internal-meeting-id":"int-1","external-meeting-id":"ext 1 & ü","name":"Ünit \"7\""}}},"event":{"ts":1700000000123}}"#;
        assert_eq!(seen, [expected]);
    }
}

/// As the sender itself wrote it, in version 3.5.0, when a meeting ended.
const ENDED: &str = "domain=bbb.example.test&event=%5B%7B%22data%22%3A%7B%22type%22%3A%22event%22%2C%22id%22%3A%22meeting-ended%22%2C%22attributes%22%3A%7B%22meeting%22%3A%7B%22internal-meeting-id%22%3A%228043c8452ae9830aac14c517adff3839dbd9228f-1698771157700%22%2C%22external-meeting-id%22%3A%22random-9019868%22%7D%7D%2C%22event%22%3A%7B%22ts%22%3A1795952814081%7D%7D%7D%5D&timestamp=1795952814083";
const LOCAL: &str = "http://127.0.0.1:3918/hooks/bbb";
const LOCAL_SECRET: &str = "639259d4-9dd8-4b25-bf01-95f9567eaf4b";

#[tokio::test]
async fn the_time_of_an_event_is_where_the_sender_puts_it() {
    let provider = BigBlueButton::new(format!("{LOCAL}?tenant=7"), LOCAL_SECRET).unwrap();
    let target = "/hooks/bbb?tenant=7&checksum=394623ce4f5abe1c51dc96ae6c5be49f56c9cf22";
    let ours = Sender::new(provider.clone()).raw("meeting-ended", "{}").unwrap();
    for request in [recorded(target, &[], ENDED), ours] {
        let (status, _, seen) = answered(provider.clone(), request).await;
        assert_eq!((status, seen.len()), (200, 1));
        let json = seen[0].split_once(" None ").unwrap().1;
        let event: serde_json::Value = serde_json::from_str(json).unwrap();
        assert!(event["data"]["event"]["ts"].is_u64(), "{json}");
        assert_eq!(event.as_object().unwrap().len(), 1, "{json}");
    }
}

/// As the sender itself wrote it, in version 3.5.0, to a hook with `getRaw`.
const RAW: &str = "domain=bbb.example.test&event=%5B%7B%22envelope%22%3A%7B%22name%22%3A%22MeetingDestroyedEvtMsg%22%2C%22routing%22%3A%7B%22sender%22%3A%22bbb-apps-akka%22%7D%2C%22timestamp%22%3A1795952986713%7D%2C%22core%22%3A%7B%22header%22%3A%7B%22name%22%3A%22MeetingDestroyedEvtMsg%22%7D%2C%22body%22%3A%7B%22meetingId%22%3A%228043c8452ae9830aac14c517adff3839dbd9228f-1698771157700%22%7D%7D%7D%5D&timestamp=1795952986717";

#[tokio::test]
async fn a_raw_event_is_authentic_and_has_no_type() {
    let provider = BigBlueButton::new(LOCAL, LOCAL_SECRET).unwrap();
    let target = "/hooks/bbb?checksum=1c7177bfc76ab697dd0a9904c7ae5a27ee7f085e";
    let (status, _, seen) = answered(provider, recorded(target, &[], RAW)).await;
    assert_eq!((status, seen.len()), (200, 1));
    let expected = r#"None None {"envelope":{"name":"MeetingDestroyedEvtMsg","#;
    assert!(seen[0].starts_with(expected), "{}", seen[0]);
}

/// The sender takes 401 for delivered.
#[tokio::test]
async fn every_refusal_is_404() {
    let time = "1795883041577";
    let genuine = format!("/bbb?checksum={SHA1}");
    assert_eq!(status(bigbluebutton(SECRET), recorded_at(&genuine, time)).await, 200);
    for target in [
        "/bbb".to_owned(),
        "/bbb?checksum=".into(),
        "/bbb?checksum".into(),
        format!("/bbb?checksum={}", SHA1.replace('3', "4")),
        format!("/bbb?checksum={SHA256}"),
        format!("/bbb?checksum={}", &SHA1[..38]),
        format!("/bbb?checksum={SHA1}00"),
        format!("/bbb?checksum={SHA1}&checksum={SHA1}"),
        format!("/bbb?checksum={SHA1}&tenant=t-2"),
        format!("/bbb?tenant=t-2&checksum={SHA1}"),
        format!("/bbb?&checksum={SHA1}"),
        format!("/bbb?CHECKSUM={SHA1}"),
    ] {
        let answer = status(bigbluebutton(SECRET), recorded_at(&target, time)).await;
        assert_eq!(answer, 404, "{target}");
    }
    for provider in [
        bigbluebutton(OTHER_SECRET),
        bigbluebutton(SECRET).sha256(),
        BigBlueButton::new("https://hooks.example.test:39872/bbb", SECRET).unwrap(),
        BigBlueButton::new(format!("{URL}?tenant=t-1"), SECRET).unwrap(),
        BigBlueButton::by_token(
            Token::bearer("the secret of the server, as a token".replace(' ', "-")).unwrap(),
        ),
    ] {
        assert_eq!(status(provider, recorded_at(&genuine, time)).await, 404);
    }
    assert_eq!(status(bigbluebutton(SECRET), recorded_at(&genuine, "1795883041578")).await, 404);
}

/// Versions 3.0 to 3.3.1 sign the same for every body: the URL, `{}` and the secret.
#[tokio::test]
async fn the_checksum_of_older_versions_proves_nothing() {
    let target = "/bbb?checksum=8cf65c7b57ede49ab9fcee9f69ef3de3bdc2d68b";
    let older = recorded_at(target, "1795883041746");
    assert_eq!(status(bigbluebutton(SECRET), older).await, 404);
    // This body is what they sign.
    assert_eq!(status(bigbluebutton(SECRET), recorded(target, &[], "{}")).await, 404);
}

/// They are hashed with nothing between them, so that a part of the URL could become a part of the body.
#[tokio::test]
async fn the_url_does_not_run_into_the_body() {
    let longer = BigBlueButton::new(format!("{URL}?tenant=t-1"), SECRET).unwrap();
    let genuine = Sender::new(longer).to("/bbb".parse().unwrap());
    let genuine = genuine.raw("meeting-ended", "{}").unwrap();
    let (head, body) = genuine.into_parts();
    let checksum = head.uri.query().unwrap().rsplit_once("checksum=").unwrap().1;
    let body = [b"?tenant=t-1", &*body.into_bytes()].concat();
    let forged = recorded(&format!("/bbb?checksum={checksum}"), &[], body);
    assert_eq!(status(bigbluebutton(SECRET), forged).await, 404);
}

#[tokio::test]
async fn each_hash_is_the_only_one() {
    let all: [fn() -> BigBlueButton; 4] = [
        || bigbluebutton(SECRET),
        || bigbluebutton(SECRET).sha256(),
        || bigbluebutton(SECRET).sha384(),
        || bigbluebutton(SECRET).sha512(),
    ];
    for (sending, sender) in all.iter().enumerate() {
        for (receiving, receiver) in all.iter().enumerate() {
            let request = Sender::new(sender()).raw("meeting-ended", "{}").unwrap();
            let expected = if sending == receiving { 200 } else { 404 };
            assert_eq!(status(receiver(), request).await, expected, "{sending} {receiving}");
        }
    }
}

#[tokio::test]
async fn any_of_the_secrets_is_taken() {
    let both = Keys::named("newer", OTHER_SECRET).or(Keys::named("older", SECRET));
    for secret in [SECRET, OTHER_SECRET] {
        let request = Sender::new(bigbluebutton(secret)).raw("meeting-ended", "{}").unwrap();
        assert_eq!(status(bigbluebutton(both.clone()), request).await, 200);
    }
    let request = Sender::new(bigbluebutton("the secret of a third server"));
    let request = request.raw("meeting-ended", "{}").unwrap();
    assert_eq!(status(bigbluebutton(both), request).await, 404);
}

#[tokio::test]
async fn an_authentic_body_that_is_no_such_form_is_refused() {
    let sender = Sender::new(bigbluebutton(SECRET));
    for (body, expected) in [
        ("domain=d&event=%5B%5D&timestamp=1", 200),
        ("domain=d&event=%5B%7B%22data%22%3A7%7D%5D&timestamp=1", 200),
        ("domain=d", 400),
        ("domain=d&event=7D", 400),
        ("domain=d&event=%5B%5D&event=%5B%5D", 400),
        ("event=%5B%5D&domain=d", 404),
        ("", 404),
    ] {
        let request = sender.body(body).unwrap();
        assert_eq!(status(bigbluebutton(SECRET), request).await, expected, "{body}");
    }
}

#[test]
fn unusable_settings_are_refused() {
    assert!(BigBlueButton::new("https://h.example/o%27brien?a=%271%27", SECRET).is_ok());
    for url in [
        "",
        "/bbb",
        "hooks.example.test",
        "ftp://h.example/b",
        "https://h.example/b#c",
        "https://h.example/a b",
        "https://h.example/b?a='1'",
        "https://h.example/b?a=ü",
    ] {
        let refused = BigBlueButton::new(url, SECRET).unwrap_err().to_string();
        assert_eq!(
            refused,
            "the callback URL is not an absolute URL of `http` or `https`, has a fragment, or is not escaped",
            "{url}"
        );
    }
    assert!(BigBlueButton::new(URL, "").is_err());
    let short = BigBlueButton::new(URL, "0123456789").unwrap_err().to_string();
    assert_eq!(short, "the secret has 10 bytes, fewer than 16: use a longer one");
    assert!(!format!("{:?}", bigbluebutton(SECRET)).contains(SECRET));
}

/// There is a forgery of each kind that has a meaning here, so that the conformance does not pass for want of any.
#[test]
fn forgeries_of_the_query_are_tried() {
    let sender = Sender::new(bigbluebutton(SECRET));
    for tamper in
        [Tamper::Unsigned, Tamper::Empty, Tamper::BitFlipped, Tamper::Truncated, Tamper::Extended]
    {
        assert!(sender.clone().tampered(tamper).raw("meeting-ended", "{}").is_ok(), "{tamper:?}");
    }
}
