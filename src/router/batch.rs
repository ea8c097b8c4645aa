use std::{
    fmt,
    future::Future,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use super::{EventContext, Outcome, erased::BoxJob};
use crate::{Delivery, RawEvent, contain::contained, decode::DecodeError};

/// The events of one delivery, decoded and waiting to be handled in order.
///
/// A plain future that needs no HTTP and no runtime of its own. Its output has an [`Outcome`] for each event.
///
/// # Cancellation
///
/// Safe at any point: what has been handled stays handled, the event under way is dropped with its handler's future,
/// and the rest has not begun. [`Batch::without`] resumes.
#[must_use = "a batch does nothing unless polled"]
pub struct Batch<S> {
    events: Vec<Entry<S>>,
    outcomes: Vec<Outcome>,
    origin: Origin<S>,
}

/// What all events of a delivery share.
pub(super) struct Origin<S> {
    pub(super) body: Bytes,
    pub(super) delivery: Delivery,
    pub(super) state: S,
}

/// An event, and how far it has come.
pub(super) struct Entry<S> {
    pub(super) kind: Option<Arc<str>>,
    pub(super) range: Range<usize>,
    /// Why it does not fit, if it does not.
    pub(super) error: Option<DecodeError>,
    pub(super) step: Step<S>,
}

pub(super) enum Step<S> {
    Waiting(BoxJob<S>),
    Running(BoxJob<S>),
    Settled(Outcome),
}

impl<S> Batch<S> {
    pub(super) fn new(events: Vec<Entry<S>>, body: Bytes, delivery: Delivery, state: S) -> Self {
        Self {
            outcomes: Vec::with_capacity(events.len()),
            events,
            origin: Origin { body, delivery, state },
        }
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is no event at all.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// What is known of the delivery, its envelope included.
    pub fn delivery(&self) -> &Delivery {
        &self.origin.delivery
    }

    /// The events as they came, in order.
    pub fn events(&self) -> impl Iterator<Item = RawEvent> {
        self.events.iter().map(|entry| entry.raw(&self.origin.body))
    }

    /// What became of the events so far, in order: those beyond are under way, or have not begun.
    pub fn settled(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Gives up on the event under way.
    pub(super) fn time_out(&mut self) {
        if let Some(entry) = self.events.get_mut(self.outcomes.len()) {
            entry.end(Outcome::TimedOut);
        }
    }

    /// Leaves out the events that a former run of the same body has settled, by their place in it, from 0.
    pub fn without(mut self, done: &[usize]) -> Self {
        for &index in done {
            if let Some(entry) = self.events.get_mut(index) {
                entry.end(Outcome::Skipped);
            }
        }
        self
    }
}

// Only what is in the boxes is pinned, and a box may move.
impl<S> Unpin for Batch<S> {}

impl<S> Future for Batch<S> {
    type Output = BatchOutcome;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<BatchOutcome> {
        let Self { events, outcomes, origin } = self.get_mut();
        while let Some(entry) = events.get_mut(outcomes.len()) {
            if let Step::Waiting(_) = entry.step {
                entry.start(origin);
            }
            if let Step::Running(job) = &mut entry.step {
                let Some(outcome) = settled(job, task) else { return Poll::Pending };
                entry.end(outcome);
            }
            if let Step::Settled(outcome) = &mut entry.step {
                outcomes.push(std::mem::replace(outcome, Outcome::Ignored));
            }
        }
        Poll::Ready(BatchOutcome { events: std::mem::take(outcomes) })
    }
}

impl<S> Entry<S> {
    pub(super) fn raw(&self, body: &Bytes) -> RawEvent {
        let json = body.slice(self.range.clone());
        RawEvent { kind: self.kind.clone(), json, error: self.error.clone() }
    }

    /// Settles it, and drops what is left of its handler.
    fn end(&mut self, outcome: Outcome) {
        let rest = std::mem::replace(&mut self.step, Step::Settled(outcome));
        if contained(|| drop(rest)).is_none() {
            self.step = Step::Settled(Outcome::Panicked);
        }
    }

    /// Calls the handler: its arguments, and what it does before its first await, are its own to panic in.
    fn start(&mut self, origin: &Origin<S>) {
        let Step::Waiting(mut job) =
            std::mem::replace(&mut self.step, Step::Settled(Outcome::Panicked))
        else {
            return;
        };
        let cx = EventContext { origin, entry: self };
        match contained(|| job.as_mut().start(&cx)) {
            Some(()) => self.step = Step::Running(job),
            None => drop(contained(|| drop(job))),
        }
    }
}

/// Drives a running handler; a panic is its event's failure.
fn settled<S>(job: &mut BoxJob<S>, task: &mut Context<'_>) -> Option<Outcome> {
    match contained(|| job.as_mut().poll(task)) {
        Some(Poll::Pending) => None,
        Some(Poll::Ready(outcome)) => Some(outcome),
        None => Some(Outcome::Panicked),
    }
}

impl<S> fmt::Debug for Batch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("delivery", &self.origin.delivery)
            .field("events", &self.events.len())
            .field("settled", &self.outcomes.len())
            .finish_non_exhaustive()
    }
}

/// What became of the events of one delivery.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct BatchOutcome {
    /// In the order of the body.
    pub events: Vec<Outcome>,
}

impl BatchOutcome {
    /// Whether the sender may take all of them as delivered.
    pub fn is_ok(&self) -> bool {
        self.failed() == 0
    }

    /// How many were not handled although they should have been.
    pub fn failed(&self) -> usize {
        self.events.iter().filter(|outcome| !outcome.is_ok()).count()
    }
}
