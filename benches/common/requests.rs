//! Signed requests, and bodies that arrive in frames.

use std::{
    cell::Cell,
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use http::{Request, request::Parts};
use http_body::{Body, Frame, SizeHint};
use tower_webhook::{
    Draft, Emit, Outgoing,
    providers::{github::GitHub, learn365::Learn365, standard_webhooks::StandardWebhooks},
};

/// The secret of Standard Webhooks; 32 bytes.
pub const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// The same 32 bytes, for senders that take them as they are.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";

pub static STANDARD_WEBHOOKS: LazyLock<StandardWebhooks> =
    LazyLock::new(|| StandardWebhooks::new(SECRET).expect("a good secret"));
pub static LEARN365: LazyLock<Learn365> =
    LazyLock::new(|| Learn365::new(KEY).expect("a good secret"));
pub static GITHUB: LazyLock<GitHub> = LazyLock::new(|| GitHub::new(KEY).expect("a good secret"));

/// How long a frame of a body is: what hyper reads at once of a busy connection.
const FRAME: usize = 16 * 1024;

/// A body whose frames are all there.
#[derive(Clone)]
pub struct Frames {
    frames: VecDeque<Bytes>,
    left: usize,
    timed: bool,
}

thread_local! {
    static LAST_FRAME: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// When the last frame of a [timed](Frames::timed) body was taken, on this thread.
pub fn last_frame_at() -> Option<Instant> {
    LAST_FRAME.get()
}

impl Frames {
    pub fn new(body: impl Into<Bytes>) -> Self {
        let mut body = body.into();
        let left = body.len();
        let mut frames = VecDeque::new();
        while !body.is_empty() {
            frames.push_back(body.split_to(FRAME.min(body.len())));
        }
        Self { frames, left, timed: false }
    }

    /// All of it, in one piece.
    pub fn bytes(self) -> Vec<u8> {
        self.frames.into_iter().flatten().collect()
    }

    /// Whether all but the last frame are taken.
    pub fn at_last(&self) -> bool {
        self.frames.len() == 1
    }

    /// Notes when its last frame is taken.
    pub fn timed(self) -> Self {
        Self { timed: true, ..self }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = self.frames.pop_front();
        self.left -= frame.as_ref().map_or(0, Bytes::len);
        if self.timed && self.left == 0 && frame.is_some() {
            LAST_FRAME.set(Some(Instant::now()));
        }
        Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}

/// What any client sends along, and nothing else.
pub fn unsigned(body: impl Into<Bytes>) -> Request<Frames> {
    let body = body.into();
    Request::post("/hook")
        .header("host", "hooks.example.com")
        .header("user-agent", "Sender/1.0")
        .header("accept", "*/*")
        .header("content-type", "application/json")
        .header("content-length", body.len())
        .body(Frames::new(body))
        .expect("a good request")
}

/// With the headers that `sign` adds.
pub fn signed_with(
    body: impl Into<Bytes>,
    sign: impl FnOnce(&mut Parts, &[u8]),
) -> Request<Frames> {
    let body = body.into();
    let (mut head, frames) = unsigned(body.clone()).into_parts();
    sign(&mut head, &body);
    Request::from_parts(head, frames)
}

/// Announced and signed as `sender` does it, now.
fn signed_by(sender: &impl Emit, events: &[Draft], body: impl Into<Bytes>) -> Request<Frames> {
    let outgoing = Outgoing::new("msg_2Lh9KRb0pzN4LePd3XiA4v12Axj", SystemTime::now());
    signed_with(body, |head, body| {
        sender.announce(head, events, &outgoing);
        sender.sign(head, body, &outgoing);
    })
}

/// Signed as Standard Webhooks have it.
pub fn signed(body: impl Into<Bytes>) -> Request<Frames> {
    signed_by(&*STANDARD_WEBHOOKS, &[], body)
}

/// Signed as Learn365 does it.
pub fn signed_by_learn365(body: impl Into<Bytes>) -> Request<Frames> {
    signed_by(&*LEARN365, &[], body)
}

/// Signed as GitHub does it, with the type in the head.
pub fn signed_by_github(event_type: &str, body: impl Into<Bytes>) -> Request<Frames> {
    let event = Draft::raw(event_type, "{}").expect("good JSON");
    signed_by(&*GITHUB, &[event], body)
}

/// The same request with its signature so many times over.
pub fn with_signatures(request: &Request<Frames>, count: usize) -> Request<Frames> {
    let mut request = request.clone();
    let header = request.headers_mut().get_mut("webhook-signature").expect("it is signed");
    let one = header.to_str().expect("it is text").to_owned();
    *header = vec![one; count].join(" ").parse().expect("it is text");
    request
}
