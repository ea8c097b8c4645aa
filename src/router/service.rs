use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};
use tower::Service;

use super::{Batch, BatchOutcome, EventRouter};
use crate::{Provider, contain::contained, error::Rejection, verify::Verified};

impl<P: Provider, S: Clone + Send + Sync + 'static> Service<Request<Verified<P>>>
    for EventRouter<P, S>
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Verified<P>>) -> ResponseFuture<S> {
        let (parts, body) = request.into_parts();
        let (provider, mut delivery, body, answer_at) = body.into_parts();
        delivery.set_headers(parts.headers);
        let work = self.places().take().ok_or(Rejection::Busy).and_then(|place| {
            let batch = self.dispatch(&provider, delivery, body).map_err(Rejection::Undecodable)?;
            Ok(Work { batch, place, provider: provider.name() })
        });
        match work {
            Ok(work) => ResponseFuture { state: State::Working(work), answer_at, deadline: None },
            Err(rejection) => {
                crate::trace::rejected(provider.name(), &rejection);
                ResponseFuture { state: State::Refused(rejection), answer_at: None, deadline: None }
            }
        }
    }
}

/// The answer to a request whose events are being handled.
///
/// They are handled inline. When this is dropped before, because the sender hung up, or when a sender that never sends
/// again has waited long enough, they move to a tokio task of their own.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<S: Send + 'static> {
    state: State<S>,
    answer_at: Option<Instant>,
    deadline: Option<Pin<Box<Sleep>>>,
}

enum State<S> {
    Refused(Rejection),
    Working(Work<S>),
    Done,
}

/// A batch under way, and its place among them.
struct Work<S> {
    batch: Batch<S>,
    place: OwnedSemaphorePermit,
    provider: &'static str,
}

impl<S: Send + 'static> Future for ResponseFuture<S> {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = match std::mem::replace(&mut this.state, State::Done) {
            State::Refused(rejection) => rejection.response(),
            State::Working(mut work) => match Pin::new(&mut work.batch).poll(cx) {
                Poll::Ready(outcome) => answer(work.provider, &outcome),
                Poll::Pending => {
                    this.state = State::Working(work);
                    let Some(at) = this.answer_at else { return Poll::Pending };
                    let deadline =
                        this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
                    ready!(deadline.as_mut().poll(cx));
                    this.detach();
                    status(StatusCode::ACCEPTED)
                }
            },
            State::Done => unreachable!("polled after completion"),
        };
        Poll::Ready(Ok(answer.map(Full::new)))
    }
}

impl<S: Send + 'static> ResponseFuture<S> {
    fn detach(&mut self) {
        let State::Working(work) = std::mem::replace(&mut self.state, State::Done) else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(work.run())),
            Err(_) => crate::trace::lost(work.provider),
        }
    }
}

impl<S: Send + 'static> Drop for ResponseFuture<S> {
    fn drop(&mut self) {
        self.detach();
    }
}

impl<S> Work<S> {
    async fn run(self) {
        report(self.provider, &self.batch.await);
        drop(self.place);
    }
}

fn answer(provider: &'static str, outcome: &BatchOutcome) -> Response<Bytes> {
    report(provider, outcome);
    match outcome.failed() {
        0 => status(StatusCode::OK),
        failed => Rejection::EventsFailed(failed).response(),
    }
}

fn report(provider: &'static str, outcome: &BatchOutcome) {
    for (index, outcome) in
        outcome.events.iter().enumerate().filter(|(_, outcome)| !outcome.is_ok())
    {
        // The error's `Display` is the handler's, and may panic.
        contained(|| crate::trace::event_failed(provider, index, outcome));
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

/// How many batches may be under way, and how many are.
#[derive(Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    most: u32,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        let most = u32::try_from(most.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self {
            free: Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS))),
            most,
        }
    }

    fn take(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().try_acquire_owned().ok()
    }

    /// Waits until all places are free.
    pub(super) async fn drain(&self) {
        drop(self.free.acquire_many(self.most).await);
    }
}
