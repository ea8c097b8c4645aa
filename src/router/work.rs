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
use crate::{contain::contained, places::Place, timer::poll_elapsed};

/// A batch under way: with its room among them, a limit to each event's time, and a report of what failed. Its output
/// is how many did.
pub(super) struct Work<S> {
    batch: Batch<S>,
    provider: &'static str,
    deadline: Duration,
    timer: Option<(usize, Pin<Box<Sleep>>)>,
    _room: [Place; 2],
}

impl<S> Work<S> {
    pub(super) fn new(
        batch: Batch<S>,
        room: [Place; 2],
        provider: &'static str,
        deadline: Duration,
    ) -> Self {
        Self { batch, provider, deadline, timer: None, _room: room }
    }

    pub(super) fn provider(&self) -> &'static str {
        self.provider
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

    fn report(&self, outcome: &BatchOutcome) {
        for (index, outcome) in outcome.events.iter().enumerate() {
            if !outcome.is_ok() {
                // The error's `Display` is the handler's, and may panic.
                contained(|| crate::trace::event_failed(self.provider, index, outcome));
            }
        }
    }
}

impl<S> Future for Work<S> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let this = self.get_mut();
        loop {
            if let Poll::Ready(outcome) = Pin::new(&mut this.batch).poll(cx) {
                this.report(&outcome);
                let failed = outcome.failed();
                return Poll::Ready(failed);
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
