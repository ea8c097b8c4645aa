//! What hyper does by itself, and what `src/docs/security.md` says of it. Each of these fails once hyper does otherwise: then
//! the page is to be corrected.

use tokio::io::{AsyncWriteExt, BufReader};

use super::*;
use crate::{
    endpoint::{body, logging},
    frames::*,
};

/// What a connection ends with that has a genuine request under way while `flood` arrives, and what was handled.
async fn ends_by(flood: Vec<u8>) -> (Option<u32>, Vec<String>) {
    let log = Log::default();
    let server = Server::start(logging(&VerifyLayer::new(loops()), &log)).await;
    let (reader, mut writer) = server.connect().await.into_split();
    let begun = frame(HEADERS, END_HEADERS, 1, &head());
    writer.write_all(&[preface(), begun].concat()).await.unwrap();
    server::until("the genuine one has begun", || server.requests() == 1).await;
    // The server may have hung up by then.
    let _ = writer.write_all(&flood).await;
    let _ = writer.write_all(&frame(DATA, END_STREAM, 1, body("genuine").as_bytes())).await;
    let (mut reader, mut reason) = (BufReader::new(reader), None);
    while let Some((kind, stream, payload)) = next(&mut reader).await {
        match kind {
            GOAWAY => reason = payload[4..8].try_into().ok().map(u32::from_be_bytes),
            HEADERS if stream == 1 => break,
            _ => {}
        }
    }
    (reason, log.seen())
}

#[tokio::test]
async fn one_connect_with_a_length_ends_a_connection_without_a_word() {
    let connect = [(":method", "CONNECT"), (":authority", "a:1"), ("content-length", "5")];
    let flood = frame(HEADERS, END_HEADERS, 3, &fields(&connect));
    assert_eq!(ends_by(flood).await, (None, vec![]));
}

#[tokio::test]
async fn more_data_than_announced_on_a_thousand_streams_ends_a_connection() {
    let longer = |n: u32| {
        let block = [head(), fields(&[("content-length", "1")])].concat();
        let open = frame(HEADERS, END_HEADERS, 2 * n + 3, &block);
        [open, frame(DATA, END_STREAM, 2 * n + 3, b"[]")].concat()
    };
    assert_eq!(ends_by((0..100).flat_map(longer).collect()).await, handled());
    let (reason, seen) = ends_by((0..2_000).flat_map(longer).collect()).await;
    assert_eq!((reason, seen), (Some(ENHANCE_YOUR_CALM), vec![]));
}

const ENHANCE_YOUR_CALM: u32 = 11;

/// The connection goes on.
fn handled() -> (Option<u32>, Vec<String>) {
    (None, vec!["genuine".to_owned()])
}

#[tokio::test]
async fn more_than_a_hundred_empty_frames_of_data_end_a_connection() {
    let empty = |count| {
        let open = frame(HEADERS, END_HEADERS, 3, &head());
        [open, frame(DATA, 0, 3, b"").repeat(count)].concat()
    };
    assert_eq!(ends_by(empty(100)).await, handled());
    assert_eq!(ends_by(empty(101)).await, (Some(ENHANCE_YOUR_CALM), vec![]));
}

#[tokio::test]
async fn more_than_twenty_streams_reset_before_they_are_accepted_end_a_connection() {
    let reset = |n: u32| {
        let open = frame(HEADERS, END_HEADERS, 2 * n + 3, &head());
        [open, frame(RST_STREAM, 0, 2 * n + 3, &8_u32.to_be_bytes())].concat()
    };
    assert_eq!(ends_by((0..20).flat_map(reset).collect()).await, handled());
    assert_eq!(ends_by((0..21).flat_map(reset).collect()).await, (Some(ENHANCE_YOUR_CALM), vec![]));
}
