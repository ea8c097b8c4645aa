//! `Batch`: the events of one delivery, handled one after the other.

use std::{
    fmt,
    future::Future,
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use super::{
    EventContext, Outcome,
    queues::{Lanes, Seat},
    routes::{RouteId, Routes},
};
use crate::{
    Delivery, RawEvent,
    decode::DecodeError,
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
    lanes: Mutex<Lanes<S>>,
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

/// An event as it stands in the body, and what is to become of it. Small: there may be many.
pub(super) struct Entry {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    pub(super) step: Step,
}

pub(super) enum Kind {
    /// The route has its name, and it fits.
    Known(RouteId),
    Odd(Box<Odd>),
}

/// An event that no handler knows, or that does not fit.
pub(super) struct Odd {
    pub(super) name: Option<Arc<str>>,
    pub(super) error: Option<DecodeError>,
}

#[derive(Clone, Copy)]
pub(super) enum Step {
    /// Its handler's turn comes, or is now: its index among the events of that handler.
    Open(usize),
    /// No handler will see it.
    Unhandled,
    Skipped,
    TimedOut,
    Panicked,
}

impl<S> Batch<S> {
    pub(super) fn new(events: Vec<Entry>, lanes: Lanes<S>, origin: Origin<S>) -> Self {
        let outcomes = Vec::with_capacity(events.len());
        Self { events, lanes: Mutex::new(lanes), outcomes, origin, yielded: false }
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
        self.end(self.outcomes.len(), Step::TimedOut);
    }

    /// Leaves out the events that a former run of the same body has settled, by their place in it, from 0.
    pub fn without(mut self, done: &[usize]) -> Self {
        for &index in done {
            self.end(index, Step::Skipped);
        }
        self
    }

    /// Handles one event after the other, until `most` of the batch have an outcome. A panic is that of the event under
    /// way.
    fn run(&mut self, most: usize, task: &mut Context<'_>) -> Poll<()> {
        let Self { events, lanes, outcomes, origin, .. } = self;
        let lanes = unlocked(lanes);
        while let Some(entry) = events[..most].get(outcomes.len()) {
            let outcome = match entry.step {
                Step::Open(index) => {
                    let cx = EventContext { origin, entry, index: outcomes.len() };
                    ready!(lanes.poll(entry.seat(index), &cx, task, outcomes));
                    continue;
                }
                Step::Unhandled => origin.unhandled(entry, outcomes.len()),
                Step::Skipped => Outcome::Skipped,
                Step::TimedOut => Outcome::TimedOut,
                Step::Panicked => Outcome::Panicked,
            };
            outcomes.push(outcome);
        }
        Poll::Ready(())
    }

    /// Drops an event, or what is left of it.
    fn end(&mut self, index: usize, step: Step) {
        let Some(entry) = self.events.get_mut(index).filter(|_| index >= self.outcomes.len())
        else {
            return;
        };
        let dropped = match entry.step {
            Step::Open(index) => unlocked(&mut self.lanes).discard(entry.seat(index)),
            _ => true,
        };
        entry.step = if dropped { step } else { Step::Panicked };
    }
}

fn unlocked<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

// Only what is in the lanes' boxes is pinned, and a box may move.
impl<S> Unpin for Batch<S> {}

impl<S> Future for Batch<S> {
    type Output = BatchOutcome;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<BatchOutcome> {
        let this = self.get_mut();
        let most = this.events.len().min(this.outcomes.len() + EVENTS_PER_POLL);
        this.yielded = false;
        loop {
            match contained(|| this.run(most, task)) {
                None => this.end(this.outcomes.len(), Step::Panicked),
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

impl Entry {
    pub(super) fn raw<S>(&self, routes: &Routes<S>, body: &Bytes) -> RawEvent {
        let (kind, json) = (self.name(routes).cloned(), body.slice(self.range.clone()));
        RawEvent { kind, json, error: self.error() }
    }

    fn name<'a, S>(&'a self, routes: &'a Routes<S>) -> Option<&'a Arc<str>> {
        match &self.kind {
            Kind::Known(route) => Some(routes.name(*route)),
            Kind::Odd(odd) => odd.name.as_ref(),
        }
    }

    fn seat(&self, index: usize) -> Seat {
        let route = match self.kind {
            Kind::Known(route) => Some(route),
            Kind::Odd(_) => None,
        };
        Seat { route, index }
    }

    fn error(&self) -> Option<DecodeError> {
        match &self.kind {
            Kind::Known(_) => None,
            Kind::Odd(odd) => odd.error.clone(),
        }
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
