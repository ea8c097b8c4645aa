//! D15: very many at once.

use std::collections::BTreeSet;

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::tcp::OwnedWriteHalf,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use super::*;
use crate::{frames::*, raw::posted};

const CONNECTIONS: usize = 50;
/// As many as hyper takes on one connection.
const STREAMS: u32 = 200;
const CROWD: usize = CONNECTIONS * STREAMS as usize;

/// A connection and one of its streams.
type Stream = (usize, u32);

/// Thousands of requests under way over HTTP/2, with bodies that begin and do not end.
struct Crowd {
    writers: Vec<OwnedWriteHalf>,
    /// Where an answer came, and its body.
    answers: UnboundedReceiver<(Stream, String)>,
}

impl Crowd {
    /// All of them with these fields.
    async fn of(server: &Server, block: &[u8]) -> Self {
        let (answered, answers) = unbounded_channel();
        let mut crowd = Self { writers: Vec::new(), answers };
        let request = |stream| {
            let open = frame(HEADERS, END_HEADERS, stream, block);
            [open, frame(DATA, 0, stream, b"[")].concat()
        };
        let requests: Vec<_> = streams_of_one().flat_map(request).collect();
        for connection in 0..CONNECTIONS {
            let (reader, mut writer) = server.connect().await.into_split();
            writer.write_all(&[preface(), requests.clone()].concat()).await.unwrap();
            crowd.writers.push(writer);
            let answered = answered.clone();
            tokio::spawn(async move {
                let mut reader = BufReader::new(reader);
                while let Some((kind, stream, payload)) = next(&mut reader).await {
                    if kind == DATA {
                        let body = String::from_utf8(payload).unwrap();
                        // Nobody is there to be told, once the test has ended.
                        drop(answered.send(((connection, stream), body)));
                    }
                }
            });
        }
        crowd
    }

    /// Waits for so many further answers, which are all `problem`, and takes where they came.
    async fn are_answered(&mut self, count: usize, problem: &str) -> BTreeSet<Stream> {
        let mut streams = BTreeSet::new();
        while streams.len() < count {
            let next = timeout(PATIENCE, self.answers.recv()).await;
            let (stream, body) = next.expect("an answer in time").unwrap();
            assert_eq!(body, problem, "D15: answer {}", streams.len());
            streams.insert(stream);
        }
        streams
    }

    /// Ends the bodies that have no answer yet.
    async fn end_all_but(&mut self, answered: &BTreeSet<Stream>) {
        for (connection, writer) in self.writers.iter_mut().enumerate() {
            for stream in streams_of_one().filter(|id| !answered.contains(&(connection, *id))) {
                writer.write_all(&frame(DATA, END_STREAM, stream, b"]")).await.unwrap();
            }
        }
    }
}

/// The streams of one connection.
fn streams_of_one() -> impl Iterator<Item = u32> {
    (0..STREAMS).map(|n| 2 * n + 1)
}

const UNAUTHORIZED: &str = r#"{"title":"Unauthorized","status":401}"#;
const BUSY: &str = r#"{"title":"Service Unavailable","status":503}"#;

#[tokio::test]
async fn d15_ten_thousand_who_sign_nothing_take_no_place() {
    let layer = VerifyLayer::new(learn365()).max_bodies(1);
    let server = Server::start(layer.layer(EventRouter::new())).await;
    let mut crowd = Crowd::of(&server, &head()).await;
    let half = crowd.are_answered(CROWD / 2, UNAUTHORIZED).await;
    assert_eq!(server.send(learn365_request()).await.unwrap().status(), 200, "D15: in between");
    crowd.are_answered(CROWD - half.len(), UNAUTHORIZED).await;
    assert_eq!(server.requests(), CROWD + 1, "D15");
}

#[tokio::test]
async fn d15_of_ten_thousand_who_seem_to_sign_few_are_read() {
    let places = 16;
    let layer = VerifyLayer::new(learn365()).max_bodies(places).body_timeout(PATIENCE);
    let server = Server::start(layer.layer(EventRouter::new())).await;
    // A signature of the right form, for another body.
    let signature = signature(&learn365_request(), "ms-signature");
    let signed = [head(), fields(&[("ms-signature", &signature)])].concat();
    let mut crowd = Crowd::of(&server, &signed).await;
    let refused = crowd.are_answered(CROWD - places, BUSY).await;
    let genuine = server.send(learn365_request()).await.unwrap();
    assert_eq!(genuine.status(), 503, "D15: all places are taken");
    assert_eq!(genuine.headers()["retry-after"], "5", "D15");
    crowd.end_all_but(&refused).await;
    crowd.are_answered(places, UNAUTHORIZED).await;
    assert_eq!(server.send(learn365_request()).await.unwrap().status(), 200, "D15: afterwards");
}

#[tokio::test]
async fn d15_hundreds_of_connections_of_strangers_take_no_place() {
    let layer = VerifyLayer::new(learn365()).max_bodies(1);
    let server = Server::start(layer.layer(EventRouter::new())).await;
    let mut strangers = Vec::new();
    // Two descriptors each, here, and 1,024 may be all there are.
    for _ in 0..300 {
        let mut raw = server.connect().await;
        raw.send(posted("content-length: 1000000\r\n", "[")).await;
        strangers.push(raw);
    }
    assert_eq!(server.send(learn365_request()).await.unwrap().status(), 200, "D15: in between");
    for mut raw in strangers {
        assert_eq!(raw.answer().await.unwrap().status(), 401, "D15");
    }
    assert_eq!(server.requests(), 301, "D15");
}
