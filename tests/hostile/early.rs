//! Requests that are answered before their bodies have arrived, and the genuine ones behind them on the same connection,
//! which may be somebody else's where a proxy shares its connections.

use std::time::Duration;

use http_body_util::combinators::BoxBody;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tower_webhook::scheme::Token;

use super::*;
use crate::{
    endpoint::{body, logging},
    frames::*,
    raw::{Told, good},
};

/// Of the bodies that are answered early: more than one read of a socket.
const LONG: usize = 300_000;

/// How a request comes to be answered early.
struct Early {
    name: &'static str,
    status: u16,
    layer: VerifyLayer<Loops>,
    method: &'static str,
    token: &'static str,
    headers: &'static str,
}

fn early() -> Vec<Early> {
    let layer = || VerifyLayer::new(Loops::new(Token::header("x-token", TOKEN).unwrap()));
    let one = |name, status, layer, method, token, headers| Early {
        name,
        status,
        layer,
        method,
        token,
        headers,
    };
    let path = || VerifyLayer::new(loops());
    vec![
        one("no token", 401, layer(), "POST", "", ""),
        one("a token of 9 KiB", 431, layer(), "POST", "", "x-token: LONG\r\n"),
        one("another token", 404, path(), "POST", OTHER_TOKEN, ""),
        one("another method", 405, path(), "PUT", TOKEN, ""),
        one("a method whose answers have no body", 405, path(), "HEAD", TOKEN, ""),
        one("too long", 413, path().max_body_bytes(1_000), "POST", TOKEN, ""),
        one("no place", 503, path().max_bodies(1), "POST", TOKEN, ""),
        one("no bytes", 503, path().max_body_bytes(LONG).max_total_bytes(LONG), "POST", TOKEN, ""),
    ]
}

impl Early {
    /// The head of the request, with `framing`.
    fn head(&self, framing: &str) -> String {
        let headers = self.headers.replace("LONG", &"x".repeat(9 * 1024));
        let Self { method, token, .. } = self;
        format!("{method} /hook/{token} HTTP/1.1\r\nhost: a\r\n{headers}{framing}\r\n")
    }

    /// A genuine request, which both kinds of endpoints take.
    fn genuine(name: &str) -> String {
        good(&body(name)).replacen("host", &format!("x-token: {TOKEN}\r\nhost"), 1)
    }

    /// Whether the places or the bytes have to be taken by somebody else first.
    fn is_busy(&self) -> bool {
        self.status == 503
    }

    /// Takes what there is, until it is dropped.
    async fn occupied(&self, server: &Server) -> Option<Raw> {
        if !self.is_busy() {
            return None;
        }
        let mut holder = server.connect().await;
        let length = format!("content-length: {LONG}\r\n");
        holder.send(raw::posted(&length, &format!("[{}", " ".repeat(LONG - 2)))).await;
        server::until("it is being read", || server.requests() == 1).await;
        Some(holder)
    }
}

/// Ends the body that takes the last place, and waits until it is over.
async fn end(holder: Option<Raw>) {
    if let Some(mut holder) = holder {
        holder.send("]").await;
        assert_eq!(holder.answer().await.unwrap().status(), 200);
    }
}

/// What became of the genuine request behind the one that was answered early.
async fn behind(case: &Early, framing: &str, body: &str) -> (bool, Vec<String>) {
    let log = Log::default();
    let server = Server::start(logging(&case.layer, &log)).await;
    let holder = case.occupied(&server).await;
    let mut raw = server.connect().await;
    raw.send(case.head(framing)).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    raw.send(body).await;
    let told = match case.method {
        "HEAD" => Told { head: raw.head().await, body: String::new() },
        _ => raw.answer().await.unwrap_or_else(|| panic!("{}: no answer", case.name)),
    };
    assert_eq!(told.status(), case.status, "{} {framing}", case.name);
    end(holder).await;
    let closes = told.header("connection") == Some("close");
    raw.send(Early::genuine("genuine")).await;
    let next = raw.answer().await.map(|told| told.status());
    assert!(closes || next == Some(200), "{} {framing}: {next:?}", case.name);
    (closes, log.seen())
}

#[tokio::test]
async fn a_genuine_request_behind_an_early_answer_is_handled() {
    for case in early() {
        let length = format!("content-length: {LONG}\r\n");
        let (closes, handled) = behind(&case, &length, &"x".repeat(LONG)).await;
        assert_eq!((closes, handled), (false, vec!["genuine".to_owned()]), "{}", case.name);
    }
}

/// Where an HTTP/1 body ends is not known before it does: the client is told not to use the connection again, unless the
/// answer comes when it is known.
#[tokio::test]
async fn behind_chunks_it_is_handled_or_the_client_is_told_to_close() {
    for case in early() {
        let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", LONG, "x".repeat(LONG));
        let (closes, handled) = behind(&case, "transfer-encoding: chunked\r\n", &chunk).await;
        assert_eq!(handled.is_empty(), closes, "{}", case.name);
    }
}

#[tokio::test]
async fn over_http2_a_genuine_request_behind_an_early_answer_is_handled() {
    for case in early() {
        let log = Log::default();
        let server = Server::start(logging(&case.layer, &log)).await;
        let holder = case.occupied(&server).await;
        let mut client = client(&server).await;
        let head = case.headers.split_once(": ").map(|(name, _)| (name, "x".repeat(9 * 1024)));
        let mut request = Request::builder()
            .method(case.method)
            .uri(format!("http://a/hook/{}", case.token))
            .body(late(LONG))
            .unwrap();
        if let Some((name, value)) = head {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let told = client.send_request(request).await.unwrap();
        assert_eq!(told.status(), case.status, "{}", case.name);
        assert_eq!(told.headers().get("connection"), None, "{}: HTTP/2 forbids it", case.name);
        told.into_body().collect().await.unwrap();
        end(holder).await;
        assert_eq!(client.send_request(genuine("genuine")).await.unwrap().status(), 200);
        assert_eq!(log.seen(), ["genuine"], "{}", case.name);
    }
}

/// h2 ends a connection of which a thousand streams were reset in its life while data was on its way. The data here is
/// always on its way: it leaves although its stream may have been reset.
#[tokio::test]
async fn of_ten_thousand_streams_of_one_connection_every_genuine_one_is_handled() {
    genuine_among(100, &head_for(OTHER_TOKEN)).await;
}

#[tokio::test]
async fn who_asks_for_a_continue_over_http2_ends_no_connection() {
    let expecting = [head_for(OTHER_TOKEN), fields(&[("expect", "100-continue")])].concat();
    genuine_among(20, &expecting).await;
}

/// So many times a hundred streams, of which every tenth is genuine, and the others have the head `forged`.
async fn genuine_among(rounds: u32, forged: &[u8]) {
    const AT_ONCE: u32 = 100;
    let log = Log::default();
    let server = Server::start(logging(&VerifyLayer::new(loops()), &log)).await;
    let (reader, mut writer) = server.connect().await.into_split();
    let mut reader = BufReader::new(reader);
    let wide = frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes());
    writer.write_all(&[preface(), wide].concat()).await.unwrap();
    let good = head();
    for round in 0..rounds {
        let streams = (0..AT_ONCE).map(|n| (AT_ONCE * round + n, 2 * (AT_ONCE * round + n) + 1));
        let open = |(n, stream)| {
            frame(HEADERS, END_HEADERS, stream, if n % 10 == 0 { &good } else { forged })
        };
        writer.write_all(&streams.clone().flat_map(open).collect::<Vec<_>>()).await.unwrap();
        answers(&mut reader, AT_ONCE - AT_ONCE / 10).await;
        let data = |(n, stream): (u32, u32)| {
            frame(DATA, END_STREAM, stream, body(&n.to_string()).as_bytes())
        };
        writer.write_all(&streams.flat_map(data).collect::<Vec<_>>()).await.unwrap();
        answers(&mut reader, AT_ONCE / 10).await;
    }
    let mut seen: Vec<u32> = log.seen().iter().map(|name| name.parse().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..10 * rounds).map(|n| 10 * n).collect::<Vec<_>>());
}

/// Waits for so many heads of answers.
async fn answers(reader: &mut (impl AsyncRead + Unpin), mut count: u32) {
    while count > 0 {
        let next = timeout(PATIENCE, next(reader)).await.expect("an answer in time");
        let (kind, stream, payload) = next.expect("the connection goes on");
        assert_ne!(kind, GOAWAY, "behind stream {stream}: {payload:?}");
        count -= u32::from(kind == HEADERS);
    }
}

type Client = http2::SendRequest<BoxBody<Bytes, std::io::Error>>;

async fn client(server: &Server) -> Client {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

fn genuine(name: &str) -> Request<BoxBody<Bytes, std::io::Error>> {
    let request = Request::post(format!("http://a/hook/{TOKEN}")).header("x-token", TOKEN);
    request.body(Body::from(body(name)).map_err(|never| match never {}).boxed()).unwrap()
}

/// A body of so many bytes, of which the first come a little later than the head.
fn late(length: usize) -> BoxBody<Bytes, std::io::Error> {
    let (feeder, body) = fed();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(2)).await;
        for _ in 0..length.div_ceil(10_000) {
            // Nobody takes them, once the stream is reset.
            let _ = feeder.send(Ok(vec![b'x'; 10_000].into()));
            tokio::task::yield_now().await;
        }
    });
    BoxBody::new(body)
}
