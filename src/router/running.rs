//! A batch that is being handled for a request: its permits, and the report of failures.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use super::{Batch, BatchOutcome, Outcome, timed::TimedBatch};
use crate::{
    Rejection,
    util::{
        panics::contained,
        permits::Permit,
        trace::{self, Span},
    },
};

/// A batch that is being handled. It holds its permits, limits the time of each event, and reports events that failed. If it
/// is dropped before its end, it reports the events that are lost. Its output is the reason of the answer if any failed.
pub(super) struct RunningBatch<S> {
    timed: TimedBatch<S>,
    span: Span,
    is_done: bool,
    _permits: [Permit; 2],
}

impl<S> RunningBatch<S> {
    pub(super) fn new(batch: Batch<S>, permits: [Permit; 2], event_timeout: Duration) -> Self {
        let timed = TimedBatch::new(batch, event_timeout);
        Self { timed, span: Span::current(), is_done: false, _permits: permits }
    }

    /// Reports each event that failed. Returns the reason of the answer.
    fn report(&self, outcome: &BatchOutcome) -> Result<(), Rejection> {
        match self.timed.report(outcome) {
            0 => Ok(()),
            count => {
                let asked = outcome.outcomes.iter().filter_map(Outcome::retry_after).max();
                Err(asked.map_or(Rejection::EventsFailed(count), Rejection::Later))
            }
        }
    }
}

impl<S> Future for RunningBatch<S> {
    type Output = Result<(), Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let outcome = ready!(Pin::new(&mut this.timed).poll(cx));
        this.is_done = true;
        Poll::Ready(this.report(&outcome))
    }
}

impl<S> Drop for RunningBatch<S> {
    fn drop(&mut self) {
        if !self.is_done {
            let batch = self.timed.batch();
            let events = batch.len() - batch.settled().len();
            contained(|| {
                self.span.in_scope(|| trace::lost(batch.delivery().fields(), events));
            });
        }
    }
}

/// A batch that goes on without its request, in the span of the request.
pub(super) struct Detached<S>(pub(super) RunningBatch<S>);

impl<S> Future for Detached<S> {
    type Output = Result<(), Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self(batch) = self.get_mut();
        let span = std::mem::take(&mut batch.span);
        let done = span.in_scope(|| Pin::new(&mut *batch).poll(cx));
        batch.span = span;
        done
    }
}
