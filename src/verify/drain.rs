//! Reads and drops the rest of a body whose request has been answered.
//!
//! If a server answers before the body has arrived, it ends an HTTP/1 connection or resets an HTTP/2 stream, because it
//! cannot tell the rest of the body from the next request. If a proxy shares the connection, another client's request is
//! lost.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Method, Response, Version, header, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::{limits::Config, read::FRAMES_PER_POLL, service::declared_length};
use crate::util::{permits::Permit, timer};

/// The bytes of a body that may still be read, and the time for it.
pub(super) struct Drain {
    bytes: usize,
    time: Duration,
    /// Runs from the first pause on.
    deadline: Option<Pin<Box<Sleep>>>,
    _permit: Permit,
}

impl Drain {
    /// `None` if the maximum number of bodies is being drained.
    pub(super) fn begin(config: &Config) -> Option<Self> {
        let permit = config.drains.take()?;
        let (bytes, time) = (config.max_drain_bytes, config.drain_timeout);
        Some(Self { bytes, time, deadline: None, _permit: permit })
    }

    /// Whether the body came to its end within the limits.
    pub(super) fn poll<B: Body>(&mut self, body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<bool> {
        if let Poll::Ready(ended) = self.read(body, cx) {
            return Poll::Ready(ended);
        }
        if self.deadline.is_none() {
            self.deadline = timer::sleep(self.time).map(Box::pin);
        }
        timer::poll(self.deadline.as_mut().map(Pin::as_mut), cx).map(|()| false)
    }

    fn read<B: Body>(&mut self, mut body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<bool> {
        for _ in 0..FRAMES_PER_POLL {
            let frame = match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end.is_none()),
            };
            let read = frame.data_ref().map_or(0, Buf::remaining);
            match self.bytes.checked_sub(read) {
                Some(left) => self.bytes = left,
                None => return Poll::Ready(false),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

pin_project! {
    /// The rest of a request's body, which is read while the answer's body is sent. The answer's body ends last, because
    /// servers forget the request as soon as the answer is complete.
    pub(super) struct Rest<B> {
        #[pin]
        body: B,
        drain: Drain,
    }
}

impl<B: Body> Rest<B> {
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = self.project();
        this.drain.poll(this.body, cx)
    }
}

/// The time at which the rest of a body is read, if its request is answered early.
pub(super) enum Unread<B> {
    /// The rest is read while the answer is on its way.
    Meanwhile(Option<Pin<Box<Rest<B>>>>),
    /// The rest is read before the answer is given.
    Before(B, Drain),
}

/// Prepares `answer` for being given before `body` is read.
pub(super) fn early<B: Body>(
    config: &Config,
    parts: &Parts,
    body: B,
    answer: &mut Response<Bytes>,
) -> Unread<B> {
    if parts.method == Method::HEAD {
        leave_out_body(answer);
    }
    if body.is_end_stream() {
        return Unread::Meanwhile(None);
    }
    let length = body.size_hint().exact().or_else(|| declared_length(parts));
    let Some(drain) = worth_it(config, parts, length).then(|| Drain::begin(config)).flatten()
    else {
        close(answer, parts.version);
        return Unread::Meanwhile(None);
    };
    if answer.body().is_empty() {
        return Unread::Before(body, drain);
    }
    if length.is_none() {
        close(answer, parts.version);
    }
    Unread::Meanwhile(Some(Box::pin(Rest { body, drain })))
}

/// An answer to HEAD has no body. hyper does not remove it over HTTP/2.
fn leave_out_body(answer: &mut Response<Bytes>) {
    let length = std::mem::take(answer.body_mut()).len();
    answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
}

/// Whether the body can be read to its end.
fn worth_it(config: &Config, parts: &Parts, length: Option<u64>) -> bool {
    let limit = u64::try_from(config.max_drain_bytes).unwrap_or(u64::MAX);
    // A client that waits for a 100 over HTTP/1 sends no body after another answer. Over HTTP/2 it ends the stream.
    let waits = parts.version <= Version::HTTP_11 && parts.headers.contains_key(header::EXPECT);
    length.is_none_or(|length| length <= limit) && !waits
}

/// Asks the client not to use the connection again. HTTP/2 has no such header: the server resets the stream.
pub(super) fn close<T>(answer: &mut Response<T>, version: Version) {
    if version <= Version::HTTP_11 {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}
