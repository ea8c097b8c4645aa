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

/// A batch under way: with its room among them, a limit to each event's time, and a report of what failed, or of what is
/// lost if this is dropped before its end. Its output is how many events failed.
pub(super) struct RunningBatch<S> {
    batch: Batch<S>,
    deadline: Duration,
    timer: Option<(usize, Pin<Box<Sleep>>)>,
    span: Span,
    is_done: bool,
    _room: [Permit; 2],
}

impl<S> RunningBatch<S> {
    pub(super) fn new(batch: Batch<S>, room: [Permit; 2], deadline: Duration) -> Self {
        Self { batch, deadline, timer: None, span: Span::current(), is_done: false, _room: room }
    }

    /// Whether the event under way has had its time, which begins when it first has to wait.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if Handle::try_current().is_err() {
            return Poll::Pending;
        }
        let event = self.batch.settled().len();
        match &mut self.timer {
            Some((of, timer)) if *of == event => poll_elapsed(timer.as_mut(), cx),
            timer => {
                let (_, timer) = timer.insert((event, Box::pin(sleep(self.deadline))));
                poll_elapsed(timer.as_mut(), cx)
            }
        }
    }

    /// Tells of each event that failed, and counts them.
    fn report(&self, outcome: &BatchOutcome) -> usize {
        let failed = outcome.events.iter().enumerate().filter(|(_, outcome)| !outcome.is_ok());
        let told = failed.map(|(index, outcome)| {
            let event = (index, self.batch.event_type(index));
            contained(|| {
                trace::event_failed(self.batch.delivery().fields(), event, || outcome.told())
            });
        });
        told.count()
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
                self.span.in_scope(|| trace::lost(self.batch.delivery().fields(), events))
            });
        }
    }
}

/// What goes on without its request, in the span of that.
pub(super) struct Detached<S>(pub(super) RunningBatch<S>);

impl<S> Future for Detached<S> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let Self(work) = self.get_mut();
        let span = std::mem::take(&mut work.span);
        let done = span.in_scope(|| Pin::new(&mut *work).poll(cx));
        work.span = span;
        done
    }
}
