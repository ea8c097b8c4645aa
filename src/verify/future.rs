//! The future of one request: read, check, call the inner service, answer.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version, header, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower::Service;

use super::{
    ResponseBody, Verified,
    drain::{Drain, Rest, Unread, close, early},
    limits::Config,
    read::Reading,
};
use crate::{BoxError, Provider, util::permits::Permit};

pin_project! {
    /// The future of [`Verify`](super::Verify)'s answer.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<P, S, B>
    where
        S: Service<Request<Verified<P>>>,
    {
        #[pin]
        state: State<P, S, B, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<P, S, B, F> {
        Answered { answer: Option<Response<Bytes>>, rest: Option<Pin<Box<Rest<B>>>> },
        Body { #[pin] body: B, stage: Stage<P, S>, #[pin] deadline: Option<Sleep> },
        Waiting { inner: S, request: Option<Request<Verified<P>>>, permit: Permit },
        Called { #[pin] future: F },
    }
}

/// The use that is made of the body. The body itself is pinned, so it is not in here.
#[expect(clippy::large_enum_variant, reason = "nearly every body is checked")]
enum Stage<P, S> {
    Check(Option<(S, Parts, Box<Reading<P>>)>),
    /// The request is refused. The answer is given when the body has ended, or at a limit.
    Drain(Box<(Response<Bytes>, Version, Drain)>),
}

impl<P, S, B> ResponseFuture<P, S, B>
where
    B: Body,
    S: Service<Request<Verified<P>>>,
{
    /// The future of an answer that is known before `body` is read.
    pub(super) fn early(
        config: &Config,
        parts: &Parts,
        body: B,
        mut answer: Response<Bytes>,
    ) -> Self {
        let state = match early(config, parts, body, &mut answer) {
            Unread::Meanwhile(rest) => State::Answered { answer: Some(answer), rest },
            Unread::Before(body, drain) => {
                let stage = Stage::Drain(Box::new((answer, parts.version, drain)));
                State::Body { body, stage, deadline: None }
            }
        };
        Self { state }
    }

    pub(super) fn reading(inner: S, parts: Parts, reading: Box<Reading<P>>, body: B) -> Self {
        let stage = Stage::Check(Some((inner, parts, reading)));
        Self { state: State::Body { body, stage, deadline: None } }
    }
}

impl<P, S, B, R> Future for ResponseFuture<P, S, B>
where
    P: Provider,
    B: Body<Error: Into<BoxError>>,
    S: Service<Request<Verified<P>>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R, B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Answered { answer, rest } => {
                    let (mut head, body) =
                        answer.take().expect("polled after completion").into_parts();
                    seal(&mut head.headers);
                    let body = ResponseBody::own(body, rest.take());
                    return Poll::Ready(Ok(Response::from_parts(head, body)));
                }
                StateProj::Body { body, stage: Stage::Drain(refused), .. } => {
                    let (answer, version, drain) = &mut **refused;
                    if !ready!(drain.poll(body, cx)) {
                        close(answer, *version);
                    }
                    answered(std::mem::take(answer))
                }
                StateProj::Body { body, stage, deadline } => {
                    let Stage::Check(task) = stage else { unreachable!("drained above") };
                    let reading = &mut task.as_mut().expect("until the body is read").2;
                    let read = ready!(reading.poll_in_time(body, deadline, cx));
                    let (mut inner, parts, reading) = task.take().expect("looked at just now");
                    match read {
                        Ok(()) => match reading.finish(&parts) {
                            Ok((body, permit)) => {
                                let request = Request::from_parts(parts, body);
                                if inner.poll_ready(cx)?.is_pending() {
                                    let request = Some(request);
                                    state.set(State::Waiting { inner, request, permit });
                                    return Poll::Pending;
                                }
                                State::Called { future: inner.call(request) }
                            }
                            Err(answer) => answered(*answer),
                        },
                        Err(rejection) => match reading.refused(rejection, &parts) {
                            (answer, None) => answered(answer),
                            (answer, Some(drain)) => {
                                *stage = Stage::Drain(Box::new((answer, parts.version, drain)));
                                continue;
                            }
                        },
                    }
                }
                StateProj::Waiting { inner, request, .. } => {
                    ready!(inner.poll_ready(cx))?;
                    let request = request.take().expect("present while waiting");
                    State::Called { future: inner.call(request) }
                }
                StateProj::Called { future } => {
                    let (mut head, body) = ready!(future.poll(cx))?.into_parts();
                    seal(&mut head.headers);
                    return Poll::Ready(Ok(Response::from_parts(head, ResponseBody::inner(body))));
                }
            };
            state.set(next);
        }
    }
}

fn answered<P, S, B, F>(answer: Response<Bytes>) -> State<P, S, B, F> {
    State::Answered { answer: Some(answer), rest: None }
}

/// Keeps the answer out of caches, and stops browsers from guessing another media type.
fn seal(headers: &mut HeaderMap) {
    if headers.is_empty() {
        // One copy costs less than two insertions.
        headers.clone_from(&SEAL);
        return;
    }
    for (name, value) in &*SEAL {
        headers.entry(name).or_insert_with(|| value.clone());
    }
}

static SEAL: LazyLock<HeaderMap> = LazyLock::new(|| {
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    [no_store, (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))]
        .into_iter()
        .collect()
});

impl<P, S, B> fmt::Debug for ResponseFuture<P, S, B>
where
    S: Service<Request<Verified<P>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}
