//! Reads and drops what is left of a body whose request is answered already.
//!
//! A server that answers before the body has arrived ends an HTTP/1 connection and resets an HTTP/2 stream, since what is
//! on its way cannot be told from the next request, or must be paid for. A proxy that shares the connection loses somebody
//! else's request then.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Response, Version, header, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::{layer::Config, read::FRAMES_PER_POLL, service::declared_length};
use crate::{places::Place, timer};

/// How much more of a body is read, and how long.
pub(super) struct Drain {
    bytes: usize,
    time: Duration,
    /// Runs from the first pause on.
    deadline: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Drain {
    /// `None` if as many bodies as allowed are being drained.
    pub(super) fn begin(config: &Config) -> Option<Self> {
        let _place = config.drains.take()?;
        Some(Self {
            bytes: config.drain_limit,
            time: config.drain_deadline,
            deadline: None,
            _place,
        })
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
    /// A body that nobody wants, on its way out.
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

/// Prepares `answer` for being given before `body` is read. Returns what is to be read meanwhile: the answer's own body
/// comes last, because servers lose sight of the request as soon as it has left.
pub(super) fn early<B: Body>(
    config: &Config,
    parts: &Parts,
    body: B,
    answer: &mut Response<Bytes>,
) -> Option<Pin<Box<Rest<B>>>> {
    if body.is_end_stream() {
        return None;
    }
    let length = body.size_hint().exact().or_else(|| declared_length(parts));
    let fits = length.is_none_or(|length| {
        usize::try_from(length).is_ok_and(|length| length <= config.drain_limit)
    });
    // Who waits for a 100 sends no body after this answer.
    let drain = if fits && !parts.headers.contains_key(header::EXPECT) {
        Drain::begin(config)
    } else {
        None
    };
    if drain.is_none() || length.is_none() {
        close(answer, parts.version);
    }
    drain.map(|drain| Box::pin(Rest { body, drain }))
}

/// Tells the client not to use the connection again. HTTP/2 has no such header: there the stream is reset.
pub(super) fn close<T>(answer: &mut Response<T>, version: Version) {
    if version <= Version::HTTP_11 {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}
