//! A sender whose name, header, parameter and secret stand in a configuration file.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Request};
use tower::Layer;
use tower_webhook::{
    Body, BoxError, Rejection, VerifyLayer,
    decode::Envelope,
    scheme::{Check, Head, HmacSha256, Tag, Token, VerifyError},
};

use super::*;
use crate::support::{Answer, Log, OTHER_SECRET, SECRET, TOKEN, answer};

/// Signs the body in hex, in a header of its own, and sends an id in a header and an account in the query.
#[derive(Clone)]
struct Configured {
    name: String,
    signature: HeaderName,
    id: String,
    account: String,
    keys: HmacSha256,
}

impl Configured {
    fn parse(text: &str) -> Result<Self, BoxError> {
        let entries: Value = serde_json::from_str(text)?;
        let entry = |name: &str| entries[name].as_str().ok_or(format!("no `{name}`"));
        Ok(Self {
            name: entry("name")?.to_owned(),
            signature: entry("signature")?.parse()?,
            id: entry("id")?.to_owned(),
            account: entry("account")?.to_owned(),
            keys: HmacSha256::new(entry("secret")?)?,
        })
    }
}

impl Provider for Configured {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        if head.query(&self.account)? != "7" {
            return Err(VerifyError::Other(format!("`{}` is not 7", self.account).into()));
        }
        head.public_header(self.id.as_str())?;
        Ok(self.keys.check(Tag::hex(head.header(&self.signature)?)?))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }

    fn name(&self) -> Cow<'static, str> {
        self.name.clone().into()
    }
}

const ID: HeaderValue = HeaderValue::from_static("two");

/// As a file has it, with this `secret`.
fn text(secret: &str) -> String {
    json!({
        "name": "acme",
        "signature": "X-Acme-Signature",
        "id": "X-Acme-Id",
        "account": "account",
        "secret": secret,
    })
    .to_string()
}

type Change = fn(&mut Request<Body>);

/// A request under `secret`, and the answer of one who knows [`SECRET`]. What a handler learns of it is in `log`.
async fn sent(secret: &str, change: Change, log: &Log) -> Answer {
    let body = r#"{"type":"ping"}"#;
    let tag = Configured::parse(&text(secret)).unwrap().keys.sign([body]);
    let mut request = Request::post("/?account=7")
        .header("x-acme-signature", tag.to_hex())
        .header("x-acme-id", "one")
        .body(Body::from(body))
        .unwrap();
    change(&mut request);
    let noted = log.clone();
    let events = EventRouter::new().fallback(async move |_: RawEvent, delivery: Delivery| {
        let header = |name: &str| {
            let mut all = delivery.headers().filter(|(header, _)| *header == name);
            all.next().unwrap().1.to_str().unwrap().to_owned()
        };
        let [signature, id] = ["x-acme-signature", "x-acme-id"].map(header);
        noted.note(format!("{} {signature} {id}", delivery.provider()));
    });
    answer(VerifyLayer::new(Configured::parse(&text(SECRET)).unwrap()).layer(events), request).await
}

#[tokio::test]
async fn a_genuine_request_is_handled_and_carries_the_name() {
    let log = Log::default();
    assert_eq!(sent(SECRET, |_| {}, &log).await.status(), 200);
    assert_eq!(log.seen(), ["acme [redacted] one"]);
}

#[tokio::test]
async fn a_forged_request_is_401_and_the_reason_has_the_names_of_the_file() {
    let unauthentic = Rejection::Unauthentic;
    let log = Log::default();
    let forged = sent(OTHER_SECRET, |_| {}, &log).await;
    forged.is_refused(401, &unauthentic(VerifyError::SignatureMismatch));
    assert!(forged.traced[0].contains(r#"provider="acme""#), "{:?}", forged.traced);
    let rows: [(Change, _); 4] = [
        (
            |request| drop(request.headers_mut().remove("x-acme-signature")),
            "not authentic: header `x-acme-signature` is missing",
        ),
        (
            |request| assert!(request.headers_mut().append("x-acme-id", ID)),
            "not authentic: header `X-Acme-Id` is repeated",
        ),
        (
            |request| *request.uri_mut() = "/?accounts=7".parse().unwrap(),
            "not authentic: query parameter `account` is missing",
        ),
        (
            |request| *request.uri_mut() = "/?account=8".parse().unwrap(),
            "not authentic: `account` is not 7",
        ),
    ];
    for (change, reason) in rows {
        let answer = sent(SECRET, change, &log).await;
        assert_eq!(answer.status(), 401, "{reason}");
        assert_eq!(answer.rejection().unwrap().to_string(), reason);
    }
    assert_eq!(log.seen(), [""; 0]);
}

#[test]
fn a_token_takes_the_name_of_its_place_from_a_text_that_is_dropped() {
    let verified = |token: &Token| {
        let (mut parts, ()) = Request::post("/").body(()).unwrap().into_parts();
        token.apply(&mut parts);
        token.verify(&Head::new(&parts, std::time::SystemTime::now())).map(drop)
    };
    let name = || ["x", "token"].join("-");
    for token in [Token::header(name(), TOKEN), Token::query(name(), TOKEN)] {
        let token = token.unwrap();
        assert_eq!(verified(&token), Ok(()), "{token:?}");
    }
}
