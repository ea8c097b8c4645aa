//! D11, A14 and A20: old and odd HTTP, and more of it than anybody needs.

use std::time::Instant;

use super::*;
use crate::{
    endpoint::logging,
    frames::*,
    raw::{good, posted},
    server::until,
};

async fn plain() -> Server {
    Server::start(logging(&VerifyLayer::new(loops()), &Log::default())).await
}

#[tokio::test]
async fn d11_old_and_odd_requests() {
    let server = plain().await;
    let good = good("[]");
    let host = "host: localhost\r\n";
    let cases = [
        ("HTTP/1.0", good.replace("HTTP/1.1", "HTTP/1.0"), vec![200]),
        ("HTTP/1.0 without a length", posted("", "[]").replace("HTTP/1.1", "HTTP/1.0"), vec![400]),
        ("HTTP/0.9", format!("POST /hook/{TOKEN}\r\n"), vec![]),
        ("HTTP/0.9 with more behind", format!("POST /hook/{TOKEN}\r\n\r\n[ , , , ]"), vec![400]),
        ("HTTP/1.2", good.replace("HTTP/1.1", "HTTP/1.2"), vec![400]),
        ("HTTP/2.0 in the old form", good.replace("HTTP/1.1", "HTTP/2.0"), vec![400]),
        ("HTTP in small letters", good.replace("HTTP/1.1", "http/1.1"), vec![400]),
        ("no host", good.replace(host, ""), vec![200]),
        ("two hosts", good.replace(host, &host.repeat(2)), vec![200]),
        ("an absolute target", good.replacen(" /", " http://evil.example/", 1), vec![200]),
        ("an asterisk", good.replace(&format!("/hook/{TOKEN}"), "*"), vec![404]),
        ("a NUL in the target", good.replacen("/hook", "/ho\0ok", 1), vec![400]),
        ("a target of 64 KiB", good.replacen("/hook", &"/hook".repeat(14_000), 1), vec![414]),
        ("an upgrade", posted("upgrade: h2c\r\ncontent-length: 2\r\n", "[]"), vec![200]),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".into(), vec![400]),
        ("200 headers", posted(&"a: b\r\n".repeat(200), ""), vec![431]),
        ("nothing but line breaks", "\r\n".repeat(10), vec![]),
    ];
    for (name, request, expected) in cases {
        let mut raw = server.connect().await;
        raw.send(request).await;
        assert_eq!(raw.statuses().await, expected, "D11: {name}");
    }
}

#[tokio::test]
async fn a14_a_signature_of_more_than_8_kib_is_not_looked_at() {
    let server = Server::start(VerifyLayer::new(learn365()).layer(EventRouter::new())).await;
    let with =
        |length: usize| format!("ms-signature: {}\r\ncontent-length: 9\r\n", "a".repeat(length));
    for (length, reached) in [(8 * 1024 + 1, 1), (300_000, 2), (1_000_000, 2)] {
        let mut raw = server.connect().await;
        raw.send(posted(&with(length), "")).await;
        assert_eq!(raw.answer().await.unwrap().status(), 431, "A14: {length}");
        assert_eq!(server.requests(), reached, "A14: who answers to {length}");
    }
}

#[tokio::test]
async fn a14_over_http2_the_server_gives_up_sooner() {
    let server = Server::start(VerifyLayer::new(learn365()).layer(EventRouter::new())).await;
    for (length, status, reached) in
        [(8 * 1024 + 1, Some(431), 1), (20_000, Some(431), 1), (1_000_000, None, 1)]
    {
        let signature = "a".repeat(length);
        let request = over_http2(with(learn365_request(), "ms-signature", Some(&signature)));
        let told = server.send(request).await.map(|told| told.status().as_u16()).ok();
        assert_eq!(told, status, "A14: {length}");
        assert_eq!(server.requests(), reached, "A14: who answers to {length}");
    }
}

#[tokio::test]
async fn a20_what_is_no_header_never_reaches_the_layer() {
    let server = plain().await;
    let lines = [
        "x: a\r\n b\r\n",
        "x: a\r\n\tb\r\n",
        "x:\r\n b\r\n",
        "x: a\rb\r\n",
        "x: a\nb\r\n",
        "x: a\0b\r\n",
        "x: a\u{7f}b\r\n",
        "x: \u{1}\r\n",
        "x\r\n",
        ": a\r\n",
        "x : a\r\n",
        " x: a\r\n",
        "x y: a\r\n",
        "é: a\r\n",
    ];
    for line in lines {
        let mut raw = server.connect().await;
        raw.send(posted(&format!("content-length: 2\r\n{line}"), "[]")).await;
        let told = raw.answer().await.unwrap();
        assert_eq!((told.status(), &*told.body), (400, ""), "A20: {line:?}");
    }
    assert_eq!(server.requests(), 0, "A20");
}

#[tokio::test]
async fn a20_over_http2_what_is_no_header_never_reaches_the_layer() {
    let server = plain().await;
    let odd =
        [("x", "a\r\nb"), ("x", "a\0"), ("x", "a\nb"), ("X", "a"), ("x\r\ny", "a"), ("", "a")];
    for (name, value) in odd.into_iter().chain([("x", "a")]) {
        assert_eq!(server.requests(), 0, "A20: before {name:?}: {value:?}");
        let block = [head(), fields(&[(name, value)])].concat();
        let frames = [preface(), frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)].concat();
        let mut raw = server.connect().await;
        raw.send(frames).await;
        raw.finish().await;
        drop(raw.rest().await);
    }
    assert_eq!(server.requests(), 1, "A20: the last one is a header");
}

#[tokio::test]
async fn d11_too_many_headers_are_refused_by_the_server() {
    let server = plain().await;
    for count in [300, 5_000] {
        let mut request = over_http2(post(TOKEN, "[]"));
        for n in 0..count {
            let name = http::HeaderName::try_from(format!("x-{n}")).unwrap();
            request.headers_mut().insert(
                name,
                HeaderValue::from_static("a very ordinary value of one of the headers"),
            );
        }
        let told = server.send(request).await.map(|told| told.status().as_u16()).ok();
        assert_eq!(told, (count == 300).then_some(431), "D11: {count}");
    }
    assert_eq!(server.requests(), 0, "D11");
    server.is_well("many headers").await;
}

fn open(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &head())
}

fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}

/// The same on so many streams, one after the other.
fn on_streams(count: u32, frames: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    (0..count).flat_map(|n| frames(2 * n + 1)).collect()
}

/// A name and a value of 4,000 bytes, then that again for each further byte.
fn bomb() -> Vec<u8> {
    let mut kept = fields(&[("a", &"a".repeat(4_000))]);
    kept[0] = 0x40;
    [head(), kept, vec![0x80 | 62; 12_000]].concat()
}

fn floods() -> Vec<(&'static str, Vec<u8>)> {
    let empty = |kind, flags, stream| frame(kind, flags, stream, b"").repeat(50_000);
    let begun = frame(HEADERS, 0, 1, &head());
    let unending =
        frame(HEADERS, 0, 1, &[head(), vec![0, 1, b'x', 127, 255, 255, 255, 7]].concat());
    vec![
        ("rapid resets", on_streams(20_000, |stream| [open(stream), reset(stream)].concat())),
        ("streams", on_streams(20_000, open)),
        (
            "streams without a head",
            on_streams(20_000, |stream| frame(HEADERS, END_HEADERS, stream, b"")),
        ),
        ("pings", frame(PING, 0, 0, &[0; 8]).repeat(50_000)),
        ("settings", empty(SETTINGS, 0, 0)),
        ("empty data", [open(1), empty(DATA, 0, 1)].concat()),
        ("empty continuations", [begun, empty(CONTINUATION, 0, 1)].concat()),
        (
            "continuations",
            [unending, frame(CONTINUATION, 0, 1, &[b'a'; 16_000]).repeat(100)].concat(),
        ),
        ("a bomb", frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb())),
        ("a frame too large", frame(DATA, 0, 1, &[0; 100_000])),
        ("unknown frames", frame(0xfa, 0xff, 1, &[0; 100]).repeat(10_000)),
        ("noise", [0xff; 100_000].into()),
    ]
}

#[tokio::test]
async fn d11_floods_of_frames_leave_the_server_to_others() {
    // One more than the streams that hyper takes on one connection.
    let layer = VerifyLayer::new(loops()).max_bodies(201);
    let server = Server::start(logging(&layer, &Log::default())).await;
    for (name, flood) in floods() {
        let mut raw = server.connect().await;
        raw.pour(&[preface(), flood].concat()).await;
        server.is_well(name).await;
        drop(raw);
        server.is_left_alone().await;
    }
}

#[tokio::test]
async fn d11_d14_streams_that_are_let_in_and_reset_keep_no_place() {
    let layer = VerifyLayer::new(loops()).max_bodies(1);
    let server = Server::start(logging(&layer, &Log::default())).await;
    let mut raw = server.connect().await;
    raw.send(preface()).await;
    let start = Instant::now();
    // Half of what hyper takes at once: the rest may still be on its way out.
    for round in 0..20 {
        let streams = || (0..100).map(|n| 2 * (100 * round + n) + 1);
        let before = server.requests();
        raw.pour(&streams().flat_map(open).collect::<Vec<_>>()).await;
        until("all have come in", || server.requests() == before + 100).await;
        raw.pour(&streams().flat_map(reset).collect::<Vec<_>>()).await;
        while server.send(post(TOKEN, "[]")).await.unwrap().status() != 200 {
            assert!(start.elapsed() < PATIENCE, "D14: the one place is not given back");
        }
    }
}
