//! A router and its batches, whatever their provider and state.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use crate::{
    Delivery, EventRouter, Provider,
    decode::DecodeError,
    router::{BatchOutcome, Outcome, TimedBatch},
};

/// The handlers of one sender.
pub(super) trait Dispatch: Send + Sync {
    /// Decodes the body. The events at the places in `settled` are left out.
    fn dispatch(
        &self,
        delivery: Delivery,
        body: Bytes,
        settled: &[usize],
    ) -> Result<Box<dyn Handling>, DecodeError>;
}

/// The events of one delivery, being handled.
pub(super) trait Handling: Send {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<BatchOutcome>;

    /// The outcomes so far.
    fn settled(&self) -> &[Outcome];

    /// Writes a trace event for each event that failed.
    fn report(&self, outcome: &BatchOutcome);
}

pub(super) struct Routed<P, S> {
    pub(super) provider: Arc<P>,
    pub(super) events: EventRouter<P, S>,
}

impl<P: Provider, S: Clone + Send + Sync + 'static> Dispatch for Routed<P, S> {
    fn dispatch(
        &self,
        delivery: Delivery,
        body: Bytes,
        settled: &[usize],
    ) -> Result<Box<dyn Handling>, DecodeError> {
        let batch = self.events.dispatch(&self.provider, delivery, body)?.without(settled);
        Ok(Box::new(TimedBatch::new(batch, self.events.handler_timeout())))
    }
}

impl<S: Send + 'static> Handling for TimedBatch<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<BatchOutcome> {
        Future::poll(Pin::new(self), cx)
    }

    fn settled(&self) -> &[Outcome] {
        self.batch().settled()
    }

    fn report(&self, outcome: &BatchOutcome) {
        Self::report(self, outcome);
    }
}
