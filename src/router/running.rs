//! A batch that is being handled: its permits, the timeout of each event, and the report of failures.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{Sleep, sleep},
};

use super::{Batch, BatchOutcome};
use crate::util::{
    panics::contained,
    permits::Permit,
    timer::poll_elapsed,
    trace::{self, Span},
};

/// A batch that is being handled. It holds its permits, limits the time of each event, and reports events that failed. If it
/// is dropped before its end, it reports the events that are lost. Its output is the number of failed events.
pub(super) struct RunningBatch<S> {
    batch: Batch<S>,
    event_timeout: Duration,
    timer: Option<(usize, Pin<Box<Sleep>>)>,
    span: Span,
    is_done: bool,
    _permits: [Permit; 2],
}

impl<S> RunningBatch<S> {
    pub(super) fn new(batch: Batch<S>, permits: [Permit; 2], event_timeout: Duration) -> Self {
        let span = Span::current();
        Self { batch, event_timeout, timer: None, span, is_done: false, _permits: permits }
    }

    /// Whether the time of the current event is over. It begins when the event first has to wait.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if Handle::try_current().is_err() {
            return Poll::Pending;
        }
        let event = self.batch.settled().len();
        match &mut self.timer {
            Some((of, timer)) if *of == event => poll_elapsed(timer.as_mut(), cx),
            timer => {
                let (_, timer) = timer.insert((event, Box::pin(sleep(self.event_timeout))));
                poll_elapsed(timer.as_mut(), cx)
            }
        }
    }

    /// Reports each event that failed, and returns their number.
    fn report(&self, outcome: &BatchOutcome) -> usize {
        let failed = outcome.outcomes.iter().enumerate().filter(|(_, outcome)| !outcome.is_ok());
        let reported = failed.map(|(index, outcome)| {
            let event = (index, self.batch.event_type(index));
            contained(|| {
                trace::event_failed(self.batch.delivery().fields(), event, || outcome.in_full());
            });
        });
        reported.count()
    }
}

impl<S> Future for RunningBatch<S> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let this = self.get_mut();
        loop {
            if let Poll::Ready(outcome) = Pin::new(&mut this.batch).poll(cx) {
                this.is_done = true;
                return Poll::Ready(this.report(&outcome));
            }
            if this.batch.has_yielded() {
                return Poll::Pending;
            }
            match this.poll_timer(cx) {
                Poll::Ready(()) => this.batch.time_out(),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<S> Drop for RunningBatch<S> {
    fn drop(&mut self) {
        if !self.is_done {
            let events = self.batch.len() - self.batch.settled().len();
            contained(|| {
                self.span.in_scope(|| trace::lost(self.batch.delivery().fields(), events));
            });
        }
    }
}

/// A batch that goes on without its request, in the span of the request.
pub(super) struct Detached<S>(pub(super) RunningBatch<S>);

impl<S> Future for Detached<S> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let Self(batch) = self.get_mut();
        let span = std::mem::take(&mut batch.span);
        let done = span.in_scope(|| Pin::new(&mut *batch).poll(cx));
        batch.span = span;
        done
    }
}
