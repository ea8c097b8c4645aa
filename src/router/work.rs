use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

use super::{Batch, BatchOutcome};
use crate::contain::contained;

/// A batch under way: with its place among them, a limit to each event's time, and a report of what failed. Its output
/// is how many did.
pub(super) struct Work<S> {
    batch: Batch<S>,
    provider: &'static str,
    deadline: Duration,
    timer: Option<(usize, Pin<Box<Sleep>>)>,
    _place: OwnedSemaphorePermit,
}

impl<S> Work<S> {
    pub(super) fn new(
        batch: Batch<S>,
        place: OwnedSemaphorePermit,
        provider: &'static str,
        deadline: Duration,
    ) -> Self {
        Self { batch, provider, deadline, timer: None, _place: place }
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
            Some((of, timer)) if *of == event => timer.as_mut().poll(cx),
            timer => {
                let (_, timer) = timer.insert((event, Box::pin(sleep(self.deadline))));
                timer.as_mut().poll(cx)
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
                contained(|| drop(outcome));
                return Poll::Ready(failed);
            }
            match this.poll_timer(cx) {
                Poll::Ready(()) => this.batch.time_out(),
                Poll::Pending => return Poll::Pending,
            }
        }
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

    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().try_acquire_owned().ok()
    }

    /// Waits until all places are free.
    pub(super) async fn drain(&self) {
        drop(self.free.acquire_many(self.most).await);
    }
}
