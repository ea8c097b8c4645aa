//! A: all failures of authentication look alike from outside.

use tower_webhook::{
    Body,
    providers::{synthesis_vr::SynthesisVr, teachstack::Teachstack},
    scheme::{Keys, Token},
    sender::Tamper,
};

use super::*;

/// What the receiver of `provider` answers `request` with, but for the date: every byte over HTTP/1.1, and HTTP/2.
async fn answered<P: Provider>(provider: P, request: Request<Body>) -> (String, String) {
    let server = Server::start(receiver(provider)).await;
    let one = server.say(written(request.clone()).await).await;
    let (head, body) = one.split_once("\r\n\r\n").unwrap();
    let lines = head.lines().filter(|line| !line.starts_with("date: "));
    let mut two = ask(&server, over_http2(request)).await;
    two.head.headers.remove("date");
    let two = format!("{} {:?} {}", two.status(), two.head.headers, two.body);
    (lines.chain([body]).collect::<Vec<_>>().join("\n"), two)
}

/// What `provider` answers to `forged`, and to all that can be made of a good request by spoiling it: one answer.
async fn alike<P: Emit + Clone>(provider: P, forged: Vec<Request<Body>>) -> String {
    let sender = sender(provider.clone());
    // What that way comes to in the end is a header too long, which is answered 431.
    let ways = Tamper::ALL.iter().filter(|way| **way != Tamper::Garbage);
    let spoilt = ways.filter_map(|way| {
        let body = r#"{"type":"a","Notifications":[]}"#;
        sender.clone().tampered(*way).body(body).ok().map(|request| (way.name(), request))
    });
    let mut rows: Vec<_> = spoilt.collect();
    assert!(rows.len() >= 5, "A32: few ways apply: {}", rows.len());
    rows.extend(forged.into_iter().map(|request| ("forged", request)));
    let expected = answered(provider.clone(), rows[0].1.clone()).await;
    for (way, request) in rows {
        let shown = format!("{way}: {request:?}");
        assert_eq!(answered(provider.clone(), request).await, expected, "A32: {shown}");
    }
    expected.0
}

fn refused(status: &str, companion: &str) -> String {
    let (code, title) = status.split_once(' ').unwrap();
    let body = format!(r#"{{"title":"{title}","status":{code}}}"#);
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\ncontent-type: application/problem+json\n{companion}cache-control: no-store\nx-content-type-options: nosniff\nconnection: close\ncontent-length: {length}\n{body}"
    )
}

const UNAUTHORIZED: &str = "401 Unauthorized";

#[tokio::test]
async fn a32_of_senders_that_sign() {
    let zeros = "00".repeat(32);
    let forged = ["é", "", "sha256=", &zeros, &format!("sha256={zeros}"), &format!("sha1={zeros}")];
    let forged = forged.map(|value| with(learn365_request(), MS, Some(value))).into();
    assert_eq!(alike(learn365(), forged).await, refused(UNAUTHORIZED, ""), "A32");
    let forged = [
        ("webhook-id", "a.b"),
        ("webhook-id", ""),
        ("webhook-timestamp", "1"),
        ("webhook-timestamp", "99999999999"),
        ("webhook-timestamp", "yesterday"),
        (SW, "v1a,AAAA"),
        (SW, "v1,AAAA"),
        (SW, &"v1,AAAA ".repeat(17)),
        (SW, &format!("v1,{}", STANDARD.encode([0; 32]))),
    ];
    let forged = forged.map(|(name, value)| with(whsec_request(), name, Some(value))).into();
    assert_eq!(alike(standard_webhooks(), forged).await, refused(UNAUTHORIZED, ""), "A32");
}

#[tokio::test]
async fn a32_d7_of_senders_with_a_token_in_the_url() {
    let keys = || Keys::named("sofia", TOKEN).or(Keys::named("varna", OTHER_TOKEN));
    let at = |uri: &str| Request::post(uri).body(Body::from("[]")).unwrap();
    let paths = ["/", "/hook", "//", "/hook/..", &format!("/{TOKEN}/")].map(at);
    let path = Loops::new(Token::path(keys()).unwrap());
    assert_eq!(alike(path, paths.into()).await, refused("404 Not Found", ""), "A32, D7");
    let twice = format!("/?token={TOKEN}&token={TOKEN}");
    let queries = ["/", "/?", "/?token", "/?token=", &twice].map(at);
    let query = SynthesisVr::new(Token::query("token", keys()).unwrap());
    assert_eq!(alike(query, queries.into()).await, refused(UNAUTHORIZED, ""), "A32");
}

#[tokio::test]
async fn a32_of_senders_with_a_token_in_a_header() {
    let at = |name, value: &str| with(post("", "{}"), name, Some(value));
    let forged = ["", "é", "x", OTHER_TOKEN].map(|value| at("x-token", value));
    let header = Teachstack::new(Token::header("x-token", TOKEN).unwrap());
    assert_eq!(alike(header, forged.into()).await, refused(UNAUTHORIZED, ""), "A32");
    let values = ["", "é", "Basic", "Basic é", "Bearer", "Bearer  ", "Basic AAAA", "Bearer AAAA"];
    let bearer = Teachstack::new(Token::bearer(TOKEN).unwrap());
    let forged = values.map(|value| at("authorization", value)).into();
    let companion = "www-authenticate: Bearer\n";
    assert_eq!(alike(bearer, forged).await, refused(UNAUTHORIZED, companion), "A32");
    let basic = Teachstack::new(Token::basic("user", TOKEN).unwrap());
    let forged = values.map(|value| at("authorization", value)).into();
    let companion = "www-authenticate: Basic realm=\"webhooks\"\n";
    assert_eq!(alike(basic, forged).await, refused(UNAUTHORIZED, companion), "A32");
}
