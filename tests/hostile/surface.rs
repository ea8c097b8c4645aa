//! D: methods, headers of proxies, and what every refusal looks like.

use std::time::Duration;

use http::Method;
use tower_webhook::{Body, providers::learn365::Learn365, verify::Verify};

use super::*;
use crate::{
    endpoint::{Endpoint, Gate, body},
    raw::{Told, good, posted},
};

/// The answer to `bytes`, on a connection of their own.
async fn told(server: &Server, bytes: impl AsRef<[u8]>) -> Told {
    let mut raw = server.connect().await;
    raw.send(bytes).await;
    raw.answer().await.unwrap()
}

fn challenged() -> Verify<Learn365, EventRouter<Learn365>> {
    VerifyLayer::new(learn365()).layer(EventRouter::new())
}

#[tokio::test]
async fn d1_no_method_but_post_is_let_in() {
    let server = Server::start(VerifyLayer::new(loops()).layer(EventRouter::new())).await;
    let odd = "X".repeat(1000);
    let methods = [
        "GET",
        "PUT",
        "DELETE",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "PROPFIND",
        "post",
        "Post",
        "POSTS",
        "!#$%&'*+-.^_`|~",
        &odd,
    ];
    for method in methods {
        let told = told(&server, good("[]").replacen("POST", method, 1)).await;
        assert_eq!((told.status(), told.header("allow")), (405, Some("POST")), "D1: {method}");
        let mut request = over_http2(post(TOKEN, "[]"));
        *request.method_mut() = method.parse().unwrap();
        let told = server.send(request).await.unwrap();
        assert_eq!(told.status(), 405, "D1: {method}");
        assert_eq!(told.headers()["allow"], "POST", "D1: {method}");
    }
    let mut raw = server.connect().await;
    raw.send(good("[]").replacen("POST", "HEAD", 1)).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 405 "), "D1: HEAD");
}

#[tokio::test]
async fn d1_connect_is_no_way_in() {
    let server = Server::start(VerifyLayer::new(loops()).layer(EventRouter::new())).await;
    let target = format!("POST /hook/{TOKEN}");
    for connect in ["CONNECT localhost:1", &target.replace("POST", "CONNECT")] {
        let told = told(&server, good("[]").replacen(&target, connect, 1)).await;
        assert_eq!((told.status(), told.header("allow")), (405, Some("POST")), "D1: {connect}");
    }
    let mut request = over_http2(post(TOKEN, "[]"));
    *request.method_mut() = Method::CONNECT;
    let told = server.send(request).await.map(|told| told.status());
    assert!(told.is_err(), "D1: hyper has no tunnel over HTTP/2 for a path: {told:?}");
}

#[tokio::test]
async fn d1_what_is_no_method_at_all_does_not_reach_the_layer() {
    let server = Server::start(VerifyLayer::new(loops()).layer(EventRouter::new())).await;
    for method in ["P(OST", "P\0OST", "PÖST", "\"POST\"", ""] {
        let told = told(&server, good("[]").replacen("POST", method, 1)).await;
        assert_eq!((told.status(), &*told.body), (400, ""), "D1: {method:?}");
    }
    assert_eq!(server.requests(), 0, "D1");
}

#[tokio::test]
async fn d3_nobody_is_granted_a_handshake_that_the_sender_does_not_document() {
    let server = Server::start(challenged()).await;
    for method in ["HEAD", "OPTIONS"] {
        let mut request = Request::new(Body::default());
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = "/?echo=1".parse().unwrap();
        let asked = HeaderValue::from_static("sender.example");
        request.headers_mut().insert("webhook-request-origin", asked);
        let told = server.send(request).await.unwrap();
        assert_eq!(told.status(), 405, "D3: {method}");
        let granted = |name: &&http::HeaderName| name.as_str().contains("allowed");
        assert_eq!(told.headers().keys().find(granted), None, "D3: {method}");
    }
}

#[tokio::test]
async fn d8_what_proxies_say_of_a_request_changes_nothing() {
    let server = Server::start(VerifyLayer::new(loops()).layer(EventRouter::new())).await;
    let good_path = format!("/hook/{TOKEN}");
    let said = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-prefix", "/hook"),
        ("x-forwarded-uri", &good_path),
        ("x-original-url", &good_path),
        ("x-rewrite-url", &good_path),
        ("x-http-method-override", "POST"),
        ("x-method-override", "GET"),
        ("forwarded", "for=127.0.0.1;host=evil.example;proto=https"),
        ("host", "evil.example"),
    ];
    let plain = posted("content-length: 2\r\n", "[]");
    let cases = [
        (plain.clone(), 200),
        (plain.replace(TOKEN, OTHER_TOKEN), 404),
        (plain.replacen("POST", "GET", 1), 405),
    ];
    for (name, value) in said {
        for (request, status) in &cases {
            let saying = request.replacen("\r\n", &format!("\r\n{name}: {value}\r\n"), 1);
            assert_eq!(told(&server, saying).await.status(), *status, "D8: {name}");
        }
    }
}

/// An endpoint that every refusal can be had from.
fn strict(gate: &Gate) -> Endpoint<Gate> {
    let layer =
        VerifyLayer::new(loops()).max_body_bytes(1000).body_timeout(Duration::from_millis(50));
    let events = gate.events().event_timeout(Duration::from_millis(50)).max_batches(1);
    layer.layer(events)
}

#[tokio::test]
async fn d17_d18_a_refusal_is_its_status_and_its_title_and_nothing_else() {
    let compressed = posted("content-encoding: gzip\r\ncontent-length: 2\r\n", "[]");
    let gate = Gate::closed();
    let ours = Server::start(strict(&gate)).await;
    let full = Server::start(VerifyLayer::new(loops()).max_bodies(0).layer(gate.events())).await;
    let learn365 = Server::start(challenged()).await;
    let overlong = posted(&format!("ms-signature: {}\r\n", "a".repeat(9000)), "");
    let canary = "canary".repeat(9);
    let cases = [
        (&ours, good(&canary), 400, "Bad Request"),
        (&learn365, good(&canary), 401, "Unauthorized"),
        (&ours, good(&canary).replace(TOKEN, OTHER_TOKEN), 404, "Not Found"),
        (&ours, good(&canary).replacen("POST", "PUT", 1), 405, "Method Not Allowed"),
        (&ours, posted("content-length: 500\r\n", &canary), 408, "Request Timeout"),
        (&ours, good(&canary.repeat(20)), 413, "Payload Too Large"),
        (&ours, compressed, 415, "Unsupported Media Type"),
        (&learn365, overlong, 431, "Request Header Fields Too Large"),
        (&ours, good(&body(&canary)), 500, "Internal Server Error"),
        (&full, good(&canary), 503, "Service Unavailable"),
    ];
    for (server, request, status, title) in cases {
        let told = told(server, request).await;
        assert_eq!(told.status(), status, "D18: {told:?}");
        assert_eq!(told.body, format!(r#"{{"title":"{title}","status":{status}}}"#), "D18");
        assert_eq!(told.header("content-type"), Some("application/problem+json"), "D18");
        assert_eq!(told.header("location"), None, "D17");
        assert!(!told.head.contains(TOKEN) && !told.head.contains(&canary), "D18: {told:?}");
    }
}
