//! Recordings of the original ASP.NET WebHooks sender, through the layer.

pub(crate) mod compared;
mod recorded;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Delivery, EventRouter, RawEvent, VerifyLayer, providers::learn365::Learn365,
    scheme::Authentic,
};

use crate::support::{Log, text};

/// What each recording in `tests/fixtures` but `unit-vector` is signed with.
pub(crate) const RECORDED_SECRET: &str = "learn365-test-secret-0123456789abcdef";

/// The recording `name` in `tests/fixtures`.
#[track_caller]
pub(crate) fn recording(name: &str) -> Request<Bytes> {
    request(&recorded(name))
}

/// The same as it came over the wire.
#[track_caller]
pub(crate) fn recorded(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}.http", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// A recorded request, as a server would hand it on.
#[track_caller]
pub(crate) fn request(recorded: &[u8]) -> Request<Bytes> {
    let end = recorded.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = std::str::from_utf8(&recorded[..end]).expect("a head of text");
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut request = Request::builder().method(first.next().unwrap()).uri(first.next().unwrap());
    for (name, value) in lines.map(|line| line.split_once(':').expect("a header")) {
        let name: HeaderName = name.parse().expect("a header's name");
        request = request.header(name, HeaderValue::from_str(value.trim()).expect("its value"));
    }
    let headers = request.headers_ref().expect("a good head");
    let body = &recorded[end + 4..];
    let body = match (headers.get("transfer-encoding"), headers.get("content-length")) {
        (Some(coding), None) if coding == "chunked" => unchunked(body),
        (None, Some(length)) => {
            assert_eq!(length.to_str().unwrap().parse(), Ok(body.len()), "the body's length");
            body.to_vec()
        }
        (None, None) if body.is_empty() => Vec::new(),
        other => panic!("a body that is framed like this: {other:?}"),
    };
    request.body(body.into()).expect("a good head")
}

/// The body in a chunked one without extensions and trailers.
fn unchunked(mut chunked: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = chunked.windows(2).position(|two| two == b"\r\n").expect("a chunk's length");
        let length = std::str::from_utf8(&chunked[..line]).expect("digits");
        let length = usize::from_str_radix(length, 16).expect("hex digits");
        let (chunk, rest) = chunked[line + 2..].split_at(length);
        chunked = rest.strip_prefix(b"\r\n").expect("a chunk's end");
        if chunk.is_empty() {
            return body;
        }
        body.extend_from_slice(chunk);
    }
}

/// What came of a request: how it was answered, and which events reached the router.
#[derive(Debug)]
pub(crate) struct Received {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    kinds: Vec<String>,
}

/// Sends a recorded request through the layer, to a router that takes every event.
pub(crate) async fn receive(provider: &Learn365, request: &Request<Bytes>) -> Received {
    let log = Log::default();
    let kinds = log.clone();
    let events = EventRouter::new().fallback(async move |event: RawEvent| {
        event.event_type().iter().for_each(|kind| kinds.note(*kind));
    });
    let hook = VerifyLayer::new(provider.clone()).layer(events);
    let response = hook.oneshot(request.clone().map(Body::from)).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Received { status, headers, body: text(response).await, kinds: log.seen() }
}

/// What the envelope of a body says of its delivery, events or not.
pub(crate) fn described(provider: &Learn365, body: &Bytes) -> Delivery {
    let delivery = Delivery::new(Authentic::dangerous_assert());
    let batch = EventRouter::new().dispatch(provider, delivery, body.clone());
    batch.expect("a good body").delivery().clone()
}

#[test]
fn a_chunked_recording_is_put_together() {
    let chunked = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    assert_eq!(request(chunked).body(), "abc0123456789");
}
