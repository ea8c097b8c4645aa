//! The tower service of the router: from an authentic request to the answer.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep},
};
use tower::Service;

use super::{
    EventRouter,
    running::{Detached, RunningBatch},
};
use crate::{Body, Delivery, Provider, Rejection, util::timer::poll_elapsed, verify::Verified};

impl<P: Provider, S: Clone + Send + Sync + 'static> Service<Request<Verified<P>>>
    for EventRouter<P, S>
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Verified<P>>) -> ResponseFuture<S> {
        let (parts, body) = request.into_parts();
        let (layer, mut delivery, body, answer_at) = body.into_parts();
        let provider = layer.provider();
        delivery.set_headers(parts.headers);
        let state = match self.begin(provider, delivery, body) {
            Ok(work) => State::Running(work),
            Err(rejection) => {
                rejection.report(&provider.name(), (rejection.status(), None), false);
                State::Refused(Some(rejection.response()))
            }
        };
        ResponseFuture { state, answer_at, deadline: None }
    }
}

impl<P: Provider, S: Clone + Send + Sync + 'static> EventRouter<P, S> {
    /// Decodes the events, if there is room for them.
    #[inline]
    fn begin(
        &self,
        provider: &P,
        delivery: Delivery,
        body: Bytes,
    ) -> Result<RunningBatch<S>, Rejection> {
        let mut permits = self.permits(body.len()).ok_or(Rejection::Busy)?;
        let batch = self.dispatch(provider, delivery, body).map_err(Rejection::Undecodable)?;
        // It may be longer now that it is unpacked.
        permits[1].fill_or_all(batch.body_len()).ok_or(Rejection::Busy)?;
        Ok(RunningBatch::new(batch, permits, self.handler_timeout()))
    }
}

/// The future of the answer to a request. Each poll of it handles events.
///
/// The events that are left move to a tokio task of their own in two cases: if this is dropped before its end, because the
/// sender hung up, or if the sender never sends again and [stops waiting](crate::Policy::never_resends). If this is dropped
/// outside of a tokio runtime, then the events that are left are lost.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<S: Send + 'static> {
    state: State<S>,
    answer_at: Option<Instant>,
    deadline: Option<Pin<Box<Sleep>>>,
}

enum State<S> {
    Refused(Option<Response<Bytes>>),
    Running(RunningBatch<S>),
    Done,
}

impl<S: Send + 'static> Future for ResponseFuture<S> {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = match &mut this.state {
            State::Refused(answer) => answer.take().expect("there until the end"),
            State::Running(work) => match Pin::new(work).poll(cx) {
                Poll::Ready(Ok(())) => status(StatusCode::OK),
                Poll::Ready(Err(failed)) => failed.response(),
                Poll::Pending => {
                    // Outside of a runtime there is no timer, and no task that could handle the rest.
                    let (Some(at), Ok(_)) = (this.answer_at, Handle::try_current()) else {
                        return Poll::Pending;
                    };
                    let deadline =
                        this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
                    ready!(poll_elapsed(deadline.as_mut(), cx));
                    this.detach();
                    status(StatusCode::ACCEPTED)
                }
            },
            State::Done => unreachable!("polled after completion"),
        };
        this.state = State::Done;
        Poll::Ready(Ok(answer.map(Body::from)))
    }
}

impl<S: Send + 'static> ResponseFuture<S> {
    fn detach(&mut self) {
        // A state is large. So it is only replaced if it has to be.
        if !matches!(self.state, State::Running(_)) {
            return;
        }
        let State::Running(work) = std::mem::replace(&mut self.state, State::Done) else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(Detached(work))),
            Err(_) => drop(work),
        }
    }
}

impl<S: Send + 'static> Drop for ResponseFuture<S> {
    fn drop(&mut self) {
        self.detach();
    }
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

impl<S: Send + 'static> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}
