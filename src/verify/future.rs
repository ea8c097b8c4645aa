use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower::Service;

use super::{ResponseBody, Verified, read::Reading};
use crate::{BoxError, Provider, error::Rejection, places::Place, timer::poll_elapsed};

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
        Answered { answer: Option<Response<Bytes>> },
        Reading { task: Option<(S, Parts, Box<Reading<P>>)>, #[pin] body: B, #[pin] deadline: Option<Sleep> },
        Waiting { inner: S, request: Option<Request<Verified<P>>>, place: Place },
        Called { #[pin] future: F },
    }
}

impl<P, S, B> ResponseFuture<P, S, B>
where
    S: Service<Request<Verified<P>>>,
{
    pub(super) fn answered(answer: Response<Bytes>) -> Self {
        Self { state: State::Answered { answer: Some(answer) } }
    }

    pub(super) fn reading(inner: S, parts: Parts, reading: Box<Reading<P>>, body: B) -> Self {
        Self { state: State::Reading { task: Some((inner, parts, reading)), body, deadline: None } }
    }
}

impl<P, S, B, R> Future for ResponseFuture<P, S, B>
where
    P: Provider,
    B: Body<Error: Into<BoxError>>,
    S: Service<Request<Verified<P>>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Answered { answer } => {
                    let answer = answer.take().expect("polled after completion");
                    return Poll::Ready(Ok(answer.map(ResponseBody::own)));
                }
                StateProj::Reading { task, body, mut deadline } => {
                    let reading = &mut task.as_mut().expect("present while reading").2;
                    let read = match reading.poll(body, cx) {
                        Poll::Ready(read) => read,
                        Poll::Pending => {
                            if deadline.is_none() {
                                deadline.set(Some(tokio::time::sleep(reading.deadline())));
                            }
                            let deadline = deadline.as_pin_mut().expect("just set");
                            ready!(poll_elapsed(deadline, cx));
                            Err(Rejection::BodyTimeout)
                        }
                    };
                    let (inner, parts, reading) = task.take().expect("present while reading");
                    verified(inner, parts, reading, read)
                }
                StateProj::Waiting { inner, request, .. } => {
                    ready!(inner.poll_ready(cx))?;
                    let request = request.take().expect("present while waiting");
                    State::Called { future: inner.call(request) }
                }
                StateProj::Called { future } => {
                    return future.poll(cx).map_ok(|response| response.map(ResponseBody::inner));
                }
            };
            state.set(next);
        }
    }
}

/// The body has been read, or not: on to the inner service, or to the answer.
fn verified<P: Provider, S, B, F>(
    inner: S,
    parts: Parts,
    reading: Box<Reading<P>>,
    read: Result<(), Rejection>,
) -> State<P, S, B, F> {
    let name = reading.provider_name();
    match read.and_then(|()| reading.finish(&parts.headers)) {
        Ok((body, place)) => {
            State::Waiting { inner, request: Some(Request::from_parts(parts, body)), place }
        }
        Err(rejection) => State::Answered { answer: Some(rejection.refusal(name)) },
    }
}

impl<P, S, B> fmt::Debug for ResponseFuture<P, S, B>
where
    S: Service<Request<Verified<P>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}
