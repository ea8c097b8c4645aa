//! C27: one request that two readers might take for two; and many requests on one connection.

use super::*;
use crate::{
    endpoint::{Endpoint, body, logging},
    frames::*,
    raw::{good, posted},
};

/// A limit that a longer body is refused by.
const LIMIT: usize = 1000;

fn endpoint(log: &Log) -> Endpoint {
    logging(&VerifyLayer::new(loops()).max_body_bytes(LIMIT), log)
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// What becomes of `bytes` and of a good request right behind them: the statuses of the answers up to the end of the
/// connection, and the events that were handled.
async fn followed(bytes: &str) -> (Vec<u16>, Vec<String>) {
    let log = Log::default();
    let mut raw = Server::start(endpoint(&log)).await.connect().await;
    raw.send(format!("{bytes}{}", good(&body("behind")))).await;
    (raw.statuses().await, log.seen())
}

#[tokio::test]
async fn c27_chunks_beside_a_length_count_alone_and_end_the_connection() {
    let chunks = chunked(&body("first"));
    let te = "transfer-encoding: chunked\r\n";
    let lengths = ["0", "5", &chunks.len().to_string(), "18446744073709551613"];
    for length in lengths.map(|length| format!("content-length: {length}\r\n")) {
        for headers in [format!("{length}{te}"), format!("{te}{length}")] {
            let (statuses, handled) = followed(&posted(&headers, &chunks)).await;
            assert_eq!(statuses, [200], "C27: {headers}");
            assert_eq!(handled, ["first"], "C27: {headers}");
        }
    }
}

#[tokio::test]
async fn c27_a_length_that_is_none_is_refused_and_ends_the_connection() {
    let first = body("first");
    let right = first.len();
    let lengths = [
        (format!("+{right}"), 400),
        (format!("-{right}"), 400),
        (format!("{right} {right}"), 400),
        (format!("{right}, {right}"), 400),
        (format!("{right};"), 400),
        (format!("0x{right:x}"), 400),
        (format!("{right}.0"), 400),
        (format!("{right}e0"), 400),
        ("\u{ff11}".into(), 400),
        (String::new(), 400),
        ("9223372036854775808".into(), 413),
        ("18446744073709551613".into(), 413),
        ("18446744073709551615".into(), 431),
        ("18446744073709551616".into(), 400),
        ("9".repeat(1000), 400),
    ];
    for (length, status) in lengths {
        let headers = format!("content-length: {length}\r\n");
        let (statuses, handled) = followed(&posted(&headers, &first)).await;
        assert_eq!((statuses, handled), (vec![status], vec![]), "C27: {headers}");
    }
}

#[tokio::test]
async fn c27_lengths_and_encodings_that_contradict_each_other_are_refused() {
    let first = body("first");
    let (right, chunks) = (first.len(), chunked(&first));
    let two = |other: usize| format!("content-length: {right}\r\ncontent-length: {other}\r\n");
    let cases = [
        (two(right + 1), &first),
        (two(0), &first),
        ("transfer-encoding: identity\r\n".into(), &chunks),
        ("transfer-encoding: chunked, identity\r\n".into(), &chunks),
        ("transfer-encoding: xchunked\r\n".into(), &chunks),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".into(), &chunks),
        ("transfer-encoding: \r\n".into(), &chunks),
        ("transfer-encoding: \u{b}chunked\r\n".into(), &chunks),
        ("transfer-encoding : chunked\r\n".into(), &chunks),
        ("transfer-encoding\r\n : chunked\r\n".into(), &chunks),
        ("transfer-encoding:\r\n chunked\r\n".into(), &chunks),
        ("content-length : 5\r\n".into(), &first),
    ];
    for (headers, body) in cases {
        let (statuses, handled) = followed(&posted(&headers, body)).await;
        assert_eq!((statuses, handled), (vec![400], vec![]), "C27: {headers}");
    }
    let old = posted("transfer-encoding: chunked\r\n", &chunks).replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(followed(&old).await, (vec![400], vec![]), "C27: chunks in HTTP/1.0");
}

#[tokio::test]
async fn c27_what_says_the_same_twice_is_one_request() {
    let first = body("first");
    let length = format!("content-length: {}\r\n", first.len());
    let te = |coding: &str| format!("transfer-encoding: {coding}\r\n");
    let cases = [
        (length.repeat(2), first.clone()),
        (te("chunked").repeat(2), chunked(&first)),
        (te("chunked, chunked"), chunked(&first)),
        (te("gzip, chunked"), chunked(&first)),
        (te("ChunKED"), chunked(&first)),
        (te("chunked"), chunked(&first).replace("\r\n0\r\n", "\r\n0\r\ncontent-length: 1\r\n")),
    ];
    for (headers, sent) in cases {
        let (statuses, handled) = followed(&posted(&headers, &sent)).await;
        assert_eq!(statuses, [200, 200], "C27: {headers}");
        assert_eq!(handled, ["first", "behind"], "C27: {headers}");
    }
}

#[tokio::test]
async fn c27_the_body_of_who_is_refused_by_the_head_is_no_request() {
    let inner = good(&body("inner"));
    let long = format!("content-length: {}\r\n", inner.len());
    let padded = format!("{inner}{}", " ".repeat(LIMIT));
    let longer = format!("content-length: {}\r\n", padded.len());
    let cases = [
        (posted(&long, &inner).replace(TOKEN, OTHER_TOKEN), 404),
        (posted(&long, &inner).replacen("POST", "GET", 1), 405),
        (posted(&longer, &padded), 413),
    ];
    for (refused, status) in cases {
        let (statuses, handled) = followed(&refused).await;
        assert_eq!(statuses[0], status, "C27");
        assert!(!handled.contains(&"inner".to_owned()), "C27: {status}");
    }
}

#[tokio::test]
async fn c27_pipelined_requests_are_answered_in_order() {
    let log = Log::default();
    let mut raw = Server::start(endpoint(&log)).await.connect().await;
    let names: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let all: String = names.iter().map(|name| good(&body(name))).collect();
    raw.send(all).await;
    assert_eq!(raw.statuses().await, [200; 100], "C27");
    assert_eq!(log.seen(), names, "C27");
}

#[tokio::test]
async fn c27_a_bad_request_in_a_pipeline_does_its_neighbours_no_harm() {
    let bad = good(&body("bad"));
    let cases = [
        ("not authentic", bad.replace(TOKEN, OTHER_TOKEN), vec![200, 404, 200]),
        ("not JSON", good("nonsense"), vec![200, 400, 200]),
        ("not HTTP", "nonsense\r\n\r\n".into(), vec![200, 400]),
        ("without a body", good(""), vec![200, 400, 200]),
    ];
    for (name, bad, expected) in cases {
        let (statuses, handled) = followed(&format!("{}{bad}", good(&body("before")))).await;
        assert_eq!(statuses, expected, "C27: {name}");
        assert_eq!(handled, ["before", "behind"][..expected.len() - 1], "C27: {name}");
    }
}

/// What was handled of one request over HTTP/2, with `more` behind the fields that all of them have.
async fn framed(more: &[(&str, &str)], data: &str) -> Vec<String> {
    let log = Log::default();
    let block = [head(), fields(more)].concat();
    let request = [
        preface(),
        frame(HEADERS, END_HEADERS, 1, &block),
        frame(DATA, END_STREAM, 1, data.as_bytes()),
    ];
    let mut raw = Server::start(endpoint(&log)).await.connect().await;
    raw.send(request.concat()).await;
    raw.finish().await;
    drop(raw.rest().await);
    log.seen()
}

#[tokio::test]
async fn c27_over_http2_what_contradicts_its_frames_is_handled_by_nobody() {
    let first = body("first");
    let (right, chunks) = (first.len().to_string(), chunked(&first));
    let cases: [(&[(&str, &str)], &str); 14] = [
        (&[("content-length", "0")], &first),
        (&[("content-length", "5")], &first),
        (&[("content-length", "1000")], &first),
        (&[("content-length", &format!("+{right}"))], &first),
        (&[("content-length", &right), ("content-length", "5")], &first),
        (&[("transfer-encoding", "chunked")], &first),
        (&[("transfer-encoding", "chunked")], &chunks),
        (&[("connection", "close")], &first),
        (&[("upgrade", "h2c")], &first),
        (&[("te", "gzip")], &first),
        (&[(":path", "/")], &first),
        (&[(":status", "200")], &first),
        (&[("Content-Length", &right)], &first),
        (&[("x", &format!("a\r\n\r\n{}", good(&body("inner"))))], &first),
    ];
    for (more, data) in cases {
        assert_eq!(framed(more, data).await, [""; 0], "C27: {more:?}");
    }
    assert_eq!(framed(&[("content-length", &right)], &first).await, ["first"], "C27: no lie");
}
