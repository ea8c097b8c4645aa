//! Headers beside the sender's own, as a registration can ask for.

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tower_webhook::{
    Emit, Sender,
    clock::ManualClock,
    error::SendError,
    providers::loops::Loops,
    scheme::Token,
    sender::{Deliveries, Tamper, deliver},
};

use super::{answering, at, body, status};
use crate::support::{TOKEN, learn365, standard_webhooks, url};

#[track_caller]
fn headers<const N: usize>(all: [(&'static str, &str); N]) -> HeaderMap {
    let header = |(name, value): (&'static str, &str)| {
        (HeaderName::from_static(name), value.parse::<HeaderValue>().unwrap())
    };
    all.into_iter().map(header).collect()
}

/// The one field of this name.
#[track_caller]
fn field<'r, B>(request: &'r Request<B>, name: &str) -> &'r str {
    let mut all = request.headers().get_all(name).iter();
    let (Some(field), None) = (all.next(), all.next()) else { panic!("one {name}") };
    field.to_str().unwrap()
}

#[tokio::test]
async fn they_are_added_to_every_request() {
    let plain = Sender::new(learn365()).id("7");
    let sender = plain.clone().headers(headers([("x-tenant", "north"), ("accept", "*/*")]));
    for request in [sender.raw("a", "{}"), sender.body("{}"), sender.batch(&[])] {
        let request = request.unwrap();
        assert_eq!(request.headers().len(), 4, "{:?}", request.headers());
        assert_eq!([field(&request, "x-tenant"), field(&request, "accept")], ["north", "*/*"]);
    }
    let (with, without) = (sender.raw("a", "{}").unwrap(), plain.raw("a", "{}").unwrap());
    assert_eq!(field(&with, "ms-signature"), field(&without, "ms-signature"));
    assert_eq!(status(learn365(), with).await, 200);
}

#[tokio::test]
async fn one_that_the_sender_sets_as_well_is_merged() {
    let sender = Sender::new(learn365()).id("7");
    let own = sender.raw("a", "{}").unwrap();
    let signature = field(&own, "ms-signature");
    for (name, value) in [
        ("ms-signature", "sha256=00"),
        ("ms-signature", signature),
        ("content-type", "text/plain"),
        ("content-type", "application/json"),
    ] {
        let request = sender.clone().headers(headers([(name, value)])).raw("a", "{}").unwrap();
        assert_eq!(field(&request, name), format!("{}, {value}", field(&own, name)));
        let refused = if name == "ms-signature" { 401 } else { 415 };
        assert_eq!(status(learn365(), request).await, refused, "{value}");
    }
    let compressed = sender.headers(headers([("content-encoding", "gzip")]));
    assert_eq!(status(learn365(), compressed.raw("a", "{}").unwrap()).await, 415);
}

#[test]
fn several_values_of_one_name_are_one_field() {
    let several = [
        ("x-tenant", "a"),
        ("x-tenant", "b, c"),
        ("x-tenant", "d"),
        ("content-type", "e"),
        ("content-type", "f"),
        ("host", "g"),
        ("host", "h"),
    ];
    let request = Sender::new(learn365()).headers(headers(several)).body("{}").unwrap();
    assert_eq!(field(&request, "x-tenant"), "a, b, c, d");
    assert_eq!(field(&request, "content-type"), "application/json; charset=utf-8, e, f");
    assert_eq!(field(&request, "host"), "h");
}

#[test]
fn what_is_merged_with_a_secret_stays_secret() {
    let ours = || Sender::new(Loops::new(Token::header("x-token", TOKEN).unwrap()));
    let mut secret = headers([("content-type", TOKEN)]);
    secret.values_mut().for_each(|value| value.set_sensitive(true));
    for (extra, name) in [
        (headers([("x-token", "other")]), "x-token"),
        (headers([("x-token", "other"), ("x-token", "third")]), "x-token"),
        (secret, "content-type"),
    ] {
        let request = ours().headers(extra).raw("a", "{}").unwrap();
        assert!(request.headers()[name].is_sensitive(), "{name}");
        assert!(field(&request, name).contains(TOKEN), "{name}");
        assert!(!format!("{request:?}").contains(TOKEN), "{name}");
    }
}

#[test]
fn values_need_not_be_ascii() {
    let mut extra = HeaderMap::new();
    extra.insert("x-tenant", HeaderValue::from_bytes("Å".as_bytes()).unwrap());
    extra.insert("content-type", HeaderValue::from_bytes(b"\xff").unwrap());
    let request = Sender::new(learn365()).headers(extra).body("{}").unwrap();
    assert_eq!(request.headers()["x-tenant"].as_bytes(), "Å".as_bytes());
    let merged = b"application/json; charset=utf-8, \xff";
    assert_eq!(request.headers()["content-type"].as_bytes(), merged);
}

#[tokio::test]
async fn on_the_wire_the_host_is_theirs_and_the_length_is_not() {
    let (address, arrived) = answering([200]).await;
    let extra = headers([("host", "elsewhere.example"), ("content-length", "1")]);
    let sender = Sender::new(learn365()).to(url(address, "/hook")).headers(extra);
    let request = sender.body("12345").unwrap();
    assert_eq!(request.headers().get("content-length"), None);
    deliver(request).await.unwrap();
    let [request] = &arrived.all()[..] else { panic!("one request") };
    assert_eq!(field(request, "host"), "elsewhere.example");
    assert_eq!(field(request, "content-length"), "5");
    assert_eq!(request.body(), "12345");
}

#[tokio::test]
async fn the_body_is_chunked_if_they_say_so() {
    let (address, arrived) = answering([200]).await;
    let sender = Sender::new(learn365()).to(url(address, "/hook"));
    let chunked = sender.headers(headers([("transfer-encoding", "chunked")]));
    deliver(chunked.body("12345").unwrap()).await.unwrap();
    let [request] = &arrived.all()[..] else { panic!("one request") };
    assert_eq!(field(request, "transfer-encoding"), "chunked");
    assert_eq!(request.headers().get("content-length"), None);
    assert_eq!(request.body(), "12345");
}

#[tokio::test]
async fn a_tampered_request_has_them_too() {
    let sender = Sender::new(standard_webhooks()).headers(headers([("x-tenant", "north")]));
    // This sender does not sign its URL.
    for &tamper in Tamper::ALL.iter().filter(|tamper| **tamper != Tamper::UrlAltered) {
        let forged = sender.clone().tampered(tamper).raw("a", "{}").unwrap();
        assert_eq!(field(&forged, "x-tenant"), "north", "{tamper:?}");
        assert!(status(standard_webhooks(), forged).await.is_client_error(), "{tamper:?}");
    }
}

#[tokio::test]
async fn every_attempt_of_a_delivery_has_them() {
    let (address, arrived) = answering([503]).await;
    let sender = Sender::new(learn365()).to(url(address, "/hook"));
    let deliveries = Deliveries::new(learn365().schedule());
    deliveries.push("", sender.headers(headers([("x-tenant", "north")])), []).unwrap();
    for time in [0, 60, 300] {
        assert_eq!(deliveries.deliver_due(at(time)).await, 1);
    }
    let tenants: Vec<_> =
        arrived.all().iter().map(|request| field(request, "x-tenant").to_owned()).collect();
    assert_eq!(tenants, ["north"; 3]);
}

/// All that a request consists of.
async fn whole<P: Emit>(sender: &Sender<P>) -> Result<(http::Uri, HeaderMap, String), SendError> {
    let request = sender.raw("a", r#"{"b": 1}"#)?;
    Ok((request.uri().clone(), request.headers().clone(), body(request).await))
}

#[tokio::test]
async fn clones_of_a_sender_send_the_same() {
    let extra = headers([("x-tenant", "north")]);
    let of_learn365 = Sender::new(learn365())
        .to("http://127.0.0.1/hook?a=b".parse().unwrap())
        .id("7")
        .attempt(3)
        .properties(r#"{"tenant": "north"}"#)
        .headers(extra.clone());
    let sent = whole(&of_learn365).await.unwrap();
    assert_eq!(whole(&of_learn365.clone()).await.unwrap(), sent);
    let (uri, headers, body) = sent;
    assert_eq!((uri.path(), &headers["x-tenant"]), ("/hook", &extra["x-tenant"]));
    for part in [r#""Id": "7""#, r#""Attempt": 3"#, r#""tenant": "north""#] {
        assert!(body.contains(part), "{body}");
    }

    let clock = ManualClock::at_unix_seconds(1_800_000_000);
    let spoilt =
        Sender::new(standard_webhooks()).id("7").clock(clock.clone()).tampered(Tamper::Stale);
    let copy = spoilt.clone();
    clock.set(at(1_900_000_000));
    let sent = whole(&copy).await.unwrap();
    assert_eq!(whole(&spoilt).await.unwrap(), sent);
    assert_eq!(sent.1["webhook-timestamp"], (1_900_000_000 - 315_360_000_u64).to_string().as_str());
}
