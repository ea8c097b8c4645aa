//! A batch whose events have a limited time each.

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
use crate::util::{panics::contained, timer::poll_elapsed, trace};

/// A batch that drops the handler of an event that takes too long. Without a tokio runtime, there is no limit.
pub(crate) struct TimedBatch<S> {
    batch: Batch<S>,
    event_timeout: Duration,
    /// The event that is being handled, and its timer.
    timer: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> TimedBatch<S> {
    pub(crate) fn new(batch: Batch<S>, event_timeout: Duration) -> Self {
        Self { batch, event_timeout, timer: None }
    }

    pub(crate) fn batch(&self) -> &Batch<S> {
        &self.batch
    }

    /// Writes a trace event for each event that failed, and returns their number.
    pub(crate) fn report(&self, outcome: &BatchOutcome) -> usize {
        let failed = outcome.outcomes.iter().enumerate().filter(|(_, outcome)| !outcome.is_ok());
        let reported = failed.map(|(index, outcome)| {
            let event = (index, self.batch.event_type(index));
            contained(|| {
                trace::event_failed(self.batch.delivery().fields(), event, || outcome.in_full());
            });
        });
        reported.count()
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
}

impl<S> Future for TimedBatch<S> {
    type Output = BatchOutcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BatchOutcome> {
        let this = self.get_mut();
        loop {
            if let Poll::Ready(outcome) = Pin::new(&mut this.batch).poll(cx) {
                return Poll::Ready(outcome);
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
