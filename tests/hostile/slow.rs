//! D12: who sends slowly, or not at all.

use std::time::{Duration, Instant};

use super::*;
use crate::{
    endpoint::{Endpoint, logging},
    frames::*,
    raw::posted,
    server::until,
};

const SHORT: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(10);

fn impatient(log: &Log) -> Endpoint {
    logging(&VerifyLayer::new(loops()).body_timeout(SHORT), log)
}

#[tokio::test]
async fn d12_a_head_has_one_deadline_for_all_of_it() {
    let server = Server::with_patience(impatient(&Log::default()), SHORT).await;
    for begun in ["P", "POST /", "POST / HTTP/1.1\r\nhost: ", "POST / HTTP/1.1\r\nhost: a\r\n"] {
        let start = Instant::now();
        let mut raw = server.connect().await;
        raw.send(begun).await;
        raw.repeat(b"x", PAUSE).await;
        assert_eq!(raw.rest().await, "", "D12: {begun}");
        assert!(start.elapsed() >= SHORT, "D12: {begun}");
    }
    assert_eq!(server.requests(), 0, "D12");
}

#[tokio::test]
async fn d12_who_sends_no_head_holds_nothing_but_a_connection() {
    let server = Server::with_patience(impatient(&Log::default()), SHORT).await;
    let begun_stream = [preface(), frame(HEADERS, 0, 1, &head())].concat();
    let mut silent = Vec::new();
    for begun in [&b""[..], b"PRI * HT", &preface(), &begun_stream] {
        for _ in 0..20 {
            let mut raw = server.connect().await;
            raw.send(begun).await;
            silent.push(raw);
        }
    }
    server.is_well("many that say nothing").await;
    assert_eq!(server.requests(), 2, "D12");
    drop(silent);
    server.is_left_alone().await;
}

#[tokio::test]
async fn d12_a_body_has_one_deadline_for_all_of_it() {
    let log = Log::default();
    let server = Server::start(impatient(&log)).await;
    let cases =
        [("content-length: 100000\r\n", " "), ("transfer-encoding: chunked\r\n", "1\r\n \r\n")];
    for (headers, piece) in cases {
        let start = Instant::now();
        let mut raw = server.connect().await;
        raw.send(posted(headers, "")).await;
        raw.repeat(piece.as_bytes(), PAUSE).await;
        assert_eq!(raw.answer().await.unwrap().status(), 408, "D12: {headers}");
        assert!(start.elapsed() >= SHORT, "D12: {headers}");
        assert_eq!(raw.rest().await, "", "D12: {headers}");
    }
    assert_eq!(log.seen(), [""; 0], "D12");
}

#[tokio::test]
async fn d12_over_http2_a_body_has_one_deadline_for_all_of_it() {
    let server = Server::start(impatient(&Log::default())).await;
    let (feeder, body) = fed();
    let trickle = async {
        while feeder.send(Ok(" ".into())).is_ok() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let start = Instant::now();
    let told = server.send(over_http2(post(TOKEN, "").map(|_| body)));
    let (told, ()) = tokio::join!(told, trickle);
    assert_eq!(told.unwrap().status(), 408, "D12");
    assert!(start.elapsed() >= SHORT, "D12");
}

#[tokio::test]
async fn d12_slow_bodies_take_places_and_give_them_back() {
    let begun = posted("content-length: 10\r\n", "[");
    for (deadline, rest, status) in [(50 * SHORT, "", 408), (PATIENCE, "        ]", 200)] {
        let layer = VerifyLayer::new(loops()).body_timeout(deadline).max_bodies(3);
        let server = Server::start(logging(&layer, &Log::default())).await;
        let mut slow = Vec::new();
        for more in 1..=3 {
            let mut raw = server.connect().await;
            raw.send(&begun).await;
            until("it takes its place", || server.requests() == more).await;
            slow.push(raw);
        }
        for request in [post(TOKEN, "[]"), over_http2(post(TOKEN, "[]"))] {
            let told = server.send(request).await.unwrap();
            assert_eq!(told.status(), 503, "D12");
            assert_eq!(told.headers()["retry-after"], "5", "D12");
        }
        for mut raw in slow {
            raw.send(rest).await;
            assert_eq!(raw.answer().await.unwrap().status(), status, "D12: {rest:?}");
        }
        server.is_well("three that were slow").await;
    }
}
