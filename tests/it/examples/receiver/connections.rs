//! How long a connection lasts, and what becomes of it at shutdown.

use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use tower_webhook::Body;

use super::{PATIENCE, Receiver, SECRETS, status};
use crate::support::*;

const SILENCE: Duration = Duration::from_secs(3);
const KEPT_ALIVE: usize = 180;
/// Accepted before they send anything, and before those that are kept alive.
const ACCEPTED: usize = 100;
/// In the system's queue, which holds 128.
const WAITING: usize = 100;

async fn patient_for_a_moment(connections: &str) -> Receiver {
    let silence = SILENCE.as_secs().to_string();
    let limits = ["--connections", connections, "--silence", &silence];
    Receiver::start_with(&SECRETS, &limits).await
}

/// Sends PINGs for ever, and ends when the receiver ends the connection.
async fn pinging(receiver: &Receiver) -> (http2::SendRequest<Body>, JoinHandle<bool>) {
    let stream = TokioIo::new(receiver.connect().await);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(SILENCE / 10)
        .keep_alive_timeout(PATIENCE)
        .keep_alive_while_idle(true);
    let (peer, connection) = builder.handshake(stream).await.unwrap();
    (peer, tokio::spawn(async move { connection.await.is_ok() }))
}

/// A request of Loops, which Loops' path token authenticates.
fn request(more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /webhooks/loops/{TOKEN} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{more}\r\n{body}"
    )
}

/// Reads an answer without a body. `false`: the connection ended before it.
async fn is_answered(peer: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match timeout(PATIENCE, peer.read_u8()).await.expect("an answer in time") {
            Ok(byte) => answer.push(byte),
            Err(_) => return false,
        }
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&answer));
    true
}

#[tokio::test]
async fn connections_that_only_ping_make_room() {
    let receiver = patient_for_a_moment("4").await;
    let mut peers = Vec::new();
    for _ in 0..4 {
        peers.push(pinging(&receiver).await);
    }
    let genuine = receiver.sender(loops(), "/webhooks/loops").body("[]").unwrap();
    assert_eq!(timeout(PATIENCE / 4, status(genuine)).await.expect("there is room"), 200);
    for (_peer, connection) in peers {
        assert!(timeout(PATIENCE, connection).await.unwrap().unwrap(), "was cut off");
    }
}

#[tokio::test]
async fn a_connection_lasts_as_long_as_it_brings_requests() {
    let receiver = patient_for_a_moment("4").await;
    let (mut peer, connection) = pinging(&receiver).await;
    let begin = Instant::now();
    while begin.elapsed() < 2 * SILENCE {
        let request = receiver.sender(loops(), "/webhooks/loops").body("[]").unwrap();
        assert_eq!(peer.send_request(request).await.unwrap().status(), 200);
    }
    assert!(timeout(PATIENCE, connection).await.unwrap().unwrap(), "was cut off");
}

#[tokio::test]
async fn a_request_under_way_outlasts_the_silence() {
    let receiver = patient_for_a_moment("4").await;
    let mut peer = receiver.connect().await;
    let text = request("", "[]");
    let (head, body) = text.split_at(text.len() - 1);
    peer.write_all(head.as_bytes()).await.unwrap();
    sleep(2 * SILENCE).await;
    peer.write_all(body.as_bytes()).await.unwrap();
    assert!(is_answered(&mut peer).await, "was cut off");
    // Kept alive, and ended without a further request.
    assert!(!is_answered(&mut peer).await);
}

/// The receiver is halted meanwhile, so that it has read none of them when the signal comes.
#[tokio::test]
async fn requests_sent_whole_before_the_signal_are_answered() {
    for _ in 0..3 {
        let mut receiver = Receiver::start(&SECRETS).await;
        let mut peers = Vec::new();
        for _ in 0..ACCEPTED {
            peers.push(receiver.connect().await);
        }
        for _ in 0..KEPT_ALIVE {
            let mut peer = receiver.connect().await;
            peer.write_all(request("", "[]").as_bytes()).await.unwrap();
            assert!(is_answered(&mut peer).await);
            peers.push(peer);
        }
        receiver.signal("STOP");
        for _ in 0..WAITING {
            peers.push(receiver.connect().await);
        }
        for peer in &mut peers {
            peer.write_all(request("", "[7]").as_bytes()).await.unwrap();
        }
        receiver.signal("TERM");
        receiver.signal("CONT");
        let mut lost = 0;
        for peer in &mut peers {
            lost += usize::from(!is_answered(peer).await);
        }
        assert_eq!(lost, 0, "of {}", peers.len());
        receiver.told("stopping").await;
        let (exit, lines) = receiver.ended().await;
        assert_eq!(lines.len(), peers.len());
        assert!(exit.success(), "{exit}");
    }
}
