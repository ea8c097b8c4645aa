//! C25 and C26: bodies that are too long, or say that they are.

use std::time::Duration;

use http::header;

use super::*;
use crate::{
    endpoint::{Endpoint, body, event, logging},
    raw::posted,
};

const LIMIT: usize = 1000;
/// For what only time ends.
const SHORT: Duration = Duration::from_secs(1);
/// The longest that hyper takes over HTTP/1.1; over HTTP/2 it resets a stream that announces 20 digits.
const BEYOND_H2: &str = "18446744073709551613";

/// With answer_timeout, so that nothing but what is wrong with a body ends it.
fn limited() -> Endpoint {
    limited_to(&Log::default(), PATIENCE)
}

fn limited_to(log: &Log, deadline: Duration) -> Endpoint {
    let layer = VerifyLayer::new(loops()).max_body_bytes(LIMIT).body_timeout(deadline);
    logging(&layer, log)
}

#[tokio::test]
async fn c25_a_length_beyond_the_limit_is_refused_before_any_of_the_body() {
    let server = Server::start(limited()).await;
    for length in ["1001", "4294967296", "9223372036854775808", BEYOND_H2] {
        for expect in ["", "expect: 100-continue\r\n"] {
            let mut raw = server.connect().await;
            raw.send(posted(&format!("content-length: {length}\r\n{expect}"), "")).await;
            let told = raw.answer().await.unwrap();
            assert_eq!(told.status(), 413, "C25: {length} {expect}");
            assert_eq!(raw.rest().await, "", "C25: {length} {expect}");
        }
        let (_feeder, body) = fed();
        let mut request = over_http2(post(TOKEN, "").map(|_| body));
        request.headers_mut().insert(header::CONTENT_LENGTH, length.parse().unwrap());
        let told = server.send(request).await.map(|told| told.status().as_u16()).ok();
        assert_eq!(told, (length != BEYOND_H2).then_some(413), "C25: {length} over HTTP/2");
    }
}

#[tokio::test]
async fn c25_who_waits_for_a_continue_gets_it_once_the_head_is_found_good() {
    let server = Server::start(limited()).await;
    let mut raw = server.connect().await;
    raw.send(posted("content-length: 2\r\nexpect: 100-continue\r\n", "")).await;
    assert_eq!(raw.head().await, "HTTP/1.1 100 Continue\r\n\r\n", "C25");
    raw.send("[]").await;
    assert_eq!(raw.answer().await.unwrap().status(), 200, "C25");
}

#[tokio::test]
async fn c25_who_is_refused_by_the_head_gets_no_continue() {
    let no_place = VerifyLayer::new(loops()).max_bodies(0).layer(EventRouter::new());
    let unsigned = VerifyLayer::new(learn365()).layer(EventRouter::new());
    let expecting = posted("content-length: 1000\r\nexpect: 100-continue\r\n", "");
    let servers = [(Server::start(no_place).await, 503), (Server::start(unsigned).await, 401)];
    for (server, status) in servers {
        let mut raw = server.connect().await;
        raw.send(&expecting).await;
        assert_eq!(raw.answer().await.unwrap().status(), status, "C25");
        assert_eq!(raw.rest().await, "", "C25: {status}");
    }
}

#[tokio::test]
async fn c26_endless_chunks_end_at_the_limit_or_where_they_make_no_sense() {
    let patient = Server::start(limited()).await;
    let impatient = Server::start(limited_to(&Log::default(), SHORT)).await;
    let large = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let cases = [
        ("large chunks", "", large.as_str(), 413),
        ("tiny chunks", "", "1\r\nx\r\n", 413),
        ("one chunk of 2^64 - 1 bytes", "ffffffffffffffff\r\n", "x", 413),
        ("a size beyond 2^64", "", "f", 400),
        ("a size of endless zeros", "", "0", 408),
        ("an endless extension", "1;", "x", 400),
        ("extensions", "", "1;a=b\r\nx\r\n", 413),
        ("an endless trailer", "0\r\na: ", "x", 400),
        ("endless trailers", "0\r\n", "a: b\r\n", 400),
        ("no chunks at all", "", "x", 400),
    ];
    for (name, begin, piece, status) in cases {
        let server = if status == 408 { &impatient } else { &patient };
        let mut raw = server.connect().await;
        raw.send(posted("transfer-encoding: chunked\r\n", begin)).await;
        raw.repeat(piece.repeat(1.max(0x10000 / piece.len())).as_bytes(), Duration::ZERO).await;
        assert_eq!(raw.answer().await.unwrap().status(), status, "C26: {name}");
        assert_eq!(raw.rest().await, "", "C26: {name}");
    }
}

#[tokio::test]
async fn c26_over_http2_an_endless_body_ends_at_the_limit() {
    let server = Server::start(limited()).await;
    for frame in ["x", &"x".repeat(LIMIT)] {
        let (feeder, body) = fed();
        for _ in 0..=LIMIT {
            feeder.send(Ok(frame.to_owned().into())).unwrap();
        }
        let told = server.send(over_http2(post(TOKEN, "").map(|_| body))).await.unwrap();
        assert_eq!(told.status(), 413, "C26: frames of {} bytes", frame.len());
    }
}

#[tokio::test]
async fn c27_a_body_shorter_than_it_says_is_handled_by_nobody() {
    let log = Log::default();
    let [impatient, patient] = [SHORT, PATIENCE].map(|deadline| limited_to(&log, deadline));
    let (impatient, patient) = (Server::start(impatient).await, Server::start(patient).await);
    let body = body("cut");
    let lying = posted(&format!("content-length: {}\r\n", body.len() + 1), &body);
    let mut waiting = impatient.connect().await;
    waiting.send(&lying).await;
    assert_eq!(waiting.answer().await.unwrap().status(), 408, "C27: the rest does not come");
    let mut finished = patient.connect().await;
    finished.send(&lying).await;
    finished.finish().await;
    let told = finished.answer().await.map(|told| told.status());
    assert_eq!(told, Some(400), "C27: the connection ends");
    assert_eq!(log.seen(), [""; 0], "C27");
}

#[tokio::test]
async fn c27_what_is_behind_the_length_belongs_to_no_delivery() {
    let log = Log::default();
    let server = Server::start(limited_to(&log, PATIENCE)).await;
    let body = body("whole");
    let length = format!("content-length: {}\r\n", body.len());
    for behind in [&*event("surplus"), "]", "\0", "\r\n", &"x".repeat(100_000)] {
        let mut raw = server.connect().await;
        raw.send(posted(&length, &format!("{body}{behind}"))).await;
        let statuses = raw.statuses().await;
        assert_eq!(statuses[0], 200, "C27: {behind}");
        assert!(statuses[1..].iter().all(|status| *status >= 400), "C27: {statuses:?}");
    }
    assert_eq!(log.seen(), ["whole"; 5], "C27");
    let mut raw = server.connect().await;
    raw.send(posted(&format!("content-length: {}\r\n", body.len() - 1), &body)).await;
    assert_eq!(raw.answer().await.unwrap().status(), 400, "C27: cut off by its length");
    assert_eq!(log.seen(), ["whole"; 5], "C27");
}
