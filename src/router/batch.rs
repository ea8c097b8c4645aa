//! `Batch`: the events of one delivery, handled one after the other.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use super::{
    EventContext, Outcome,
    entry::{Entry, Progress},
    queues::Queues,
    routes::Routes,
};
use crate::{
    Delivery, RawEvent,
    util::panics::{Guarded, contained},
};

/// The events of one delivery, decoded and waiting to be handled in order.
///
/// A plain future that needs no HTTP and no runtime of its own. Its output has an [`Outcome`] for each event.
///
/// # Cancellation
///
/// Safe at any point: what has been handled stays handled, the event under way is dropped with its handler's future,
/// and the rest has not begun. [`Batch::without`] resumes.
///
/// # Fairness
///
/// One poll handles at most 64 events. If there are more, it wakes its task and returns, so that other tasks have their
/// turn however many events a body has.
#[must_use = "a batch does nothing unless polled"]
pub struct Batch<S> {
    events: Vec<Entry>,
    // Never locked: it makes a batch `Sync`, which the handlers' futures need not be.
    queues: Mutex<Queues<S>>,
    outcomes: Vec<Outcome>,
    origin: Origin<S>,
    yielded: bool,
}

/// What all events of a delivery share.
pub(super) struct Origin<S> {
    pub(super) body: Bytes,
    pub(super) delivery: Delivery,
    pub(super) routes: Arc<Routes<S>>,
    pub(super) state: Guarded<S>,
}

impl<S> Batch<S> {
    pub(super) fn new(events: Vec<Entry>, queues: Queues<S>, origin: Origin<S>) -> Self {
        let outcomes = Vec::with_capacity(events.len());
        Self { events, queues: Mutex::new(queues), outcomes, origin, yielded: false }
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
        self.events.iter().map(|entry| self.origin.raw(entry))
    }

    /// What became of the events so far, in order: those beyond are under way, or have not begun.
    pub fn settled(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// How many bytes the body has, once it is unpacked.
    pub(super) fn body_len(&self) -> usize {
        self.origin.body.len()
    }

    /// The type of the event at `index`.
    pub(super) fn event_type(&self, index: usize) -> Option<&str> {
        self.events.get(index)?.name(&self.origin.routes).map(|name| &**name)
    }

    /// Whether the last poll ended with its share of events, and no handler has to be waited for.
    pub(super) fn has_yielded(&self) -> bool {
        self.yielded
    }

    /// Gives up on the event under way.
    pub(super) fn time_out(&mut self) {
        self.end(self.outcomes.len(), Progress::TimedOut);
    }

    /// Leaves out the events that a former run of the same body has settled, by their place in it, from 0.
    pub fn without(mut self, done: &[usize]) -> Self {
        for &index in done {
            self.end(index, Progress::Skipped);
        }
        self
    }

    /// Handles one event after the other, until `most` of the batch have an outcome. A panic is that of the event under
    /// way.
    fn run(&mut self, most: usize, task: &mut Context<'_>) -> Poll<()> {
        let Self { events, queues, outcomes, origin, .. } = self;
        let queues = unlocked(queues);
        while let Some(entry) = events[..most].get(outcomes.len()) {
            let outcome = match entry.progress {
                Progress::Open(index) => {
                    let cx = EventContext { origin, entry, index: outcomes.len() };
                    ready!(queues.poll(entry.slot(index), &cx, task, outcomes));
                    continue;
                }
                Progress::Unhandled => origin.unhandled(entry, outcomes.len()),
                Progress::Skipped => Outcome::Skipped,
                Progress::TimedOut => Outcome::TimedOut,
                Progress::Panicked => Outcome::Panicked,
            };
            outcomes.push(outcome);
        }
        Poll::Ready(())
    }

    /// Drops an event, or what is left of it.
    fn end(&mut self, index: usize, progress: Progress) {
        let Some(entry) = self.events.get_mut(index).filter(|_| index >= self.outcomes.len())
        else {
            return;
        };
        let dropped = match entry.progress {
            Progress::Open(index) => unlocked(&mut self.queues).discard(entry.slot(index)),
            _ => true,
        };
        entry.progress = if dropped { progress } else { Progress::Panicked };
    }
}

fn unlocked<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

// Only what is in the queues' boxes is pinned, and a box may move.
impl<S> Unpin for Batch<S> {}

impl<S> Future for Batch<S> {
    type Output = BatchOutcome;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<BatchOutcome> {
        let this = self.get_mut();
        let most = this.events.len().min(this.outcomes.len() + EVENTS_PER_POLL);
        this.yielded = false;
        loop {
            match contained(|| this.run(most, task)) {
                None => this.end(this.outcomes.len(), Progress::Panicked),
                Some(Poll::Pending) => return Poll::Pending,
                Some(Poll::Ready(())) => break,
            }
        }
        if this.outcomes.len() < this.events.len() {
            this.yielded = true;
            task.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(BatchOutcome { events: std::mem::take(&mut this.outcomes) })
    }
}

impl<S> Origin<S> {
    pub(super) fn raw(&self, entry: &Entry) -> RawEvent {
        entry.raw(&self.routes, &self.body)
    }

    /// What becomes of an event that no handler sees.
    fn unhandled(&self, entry: &Entry, index: usize) -> Outcome {
        if let Some(error) = entry.error() {
            return Outcome::Misfit(error);
        }
        self.routes.ignored.add(&self.delivery, index, entry.name(&self.routes));
        Outcome::Ignored
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

const EVENTS_PER_POLL: usize = 64;
