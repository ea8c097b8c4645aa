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
    spare::Lists,
};
use crate::{
    Delivery, RawEvent,
    util::panics::{Guarded, contained},
};

/// The events of one delivery, decoded and waiting to be handled in order.
///
/// A batch is a future. It needs no HTTP and no runtime. Its output has an [`Outcome`] for each event.
///
/// # Cancellation
///
/// A batch can be dropped at any point. The current event is dropped with its handler's future, and the events after it have
/// not begun. To handle these later, decode the body again, and leave out the handled events with [`Batch::without`].
///
/// # Fairness
///
/// One poll handles at most 64 events. If there are more, it wakes its task and returns, so that other tasks get their turn.
#[must_use = "a batch does nothing unless polled"]
pub struct Batch<S> {
    events: Vec<Entry>,
    // Never locked: it makes a batch `Sync`, which the handlers' futures need not be.
    queues: Mutex<Queues<S>>,
    outcomes: Vec<Outcome>,
    shared: Shared<S>,
    yielded: bool,
    done: bool,
}

/// The values that all events of a delivery share.
pub(super) struct Shared<S> {
    pub(super) body: Bytes,
    pub(super) delivery: Delivery,
    pub(super) routes: Arc<Routes<S>>,
    pub(super) state: Guarded<S>,
}

impl<S> Batch<S> {
    pub(super) fn new(lists: Lists<S>, shared: Shared<S>) -> Self {
        let Lists { events, queues } = lists;
        let outcomes = Vec::with_capacity(events.len());
        Self { events, queues: Mutex::new(queues), outcomes, shared, yielded: false, done: false }
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The delivery, with the facts from its envelope.
    pub fn delivery(&self) -> &Delivery {
        &self.shared.delivery
    }

    /// The events as they were received, in the order of the body.
    pub fn events(&self) -> impl Iterator<Item = RawEvent> {
        self.events.iter().map(|entry| self.shared.raw(entry))
    }

    /// The outcomes so far, in the order of the body. The next event is being handled, or has not begun.
    pub fn settled(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The length of the unpacked body, in bytes.
    pub(super) fn body_len(&self) -> usize {
        self.shared.body.len()
    }

    /// The type of the event at `index`.
    pub(super) fn event_type(&self, index: usize) -> Option<&str> {
        self.events.get(index)?.name(&self.shared.routes).map(|name| &**name)
    }

    /// Whether the last poll ended because it had handled its share of events, and not because a handler has to wait.
    pub(super) fn has_yielded(&self) -> bool {
        self.yielded
    }

    /// Drops the current event, because its handler took too long.
    pub(super) fn time_out(&mut self) {
        self.end(self.outcomes.len(), Progress::TimedOut);
    }

    /// Leaves out the events at these places in the body, from 0, because a former run of the same body has handled them.
    /// Their outcome is [`Outcome::Skipped`]. Places without an event, and events that have an outcome already, are ignored.
    pub fn without(mut self, done: &[usize]) -> Self {
        for &index in done {
            self.end(index, Progress::Skipped);
        }
        self
    }

    /// Handles one event after the other, until `most` events of the batch have an outcome. If it panics, then the current
    /// event is the cause.
    fn run(&mut self, most: usize, task: &mut Context<'_>) -> Poll<()> {
        let Self { events, queues, outcomes, shared, .. } = self;
        let queues = unlocked(queues);
        while let Some(entry) = events[..most].get(outcomes.len()) {
            let outcome = match entry.progress {
                Progress::Open(index) => {
                    let cx = EventContext { shared, entry, index: outcomes.len() };
                    ready!(queues.poll(entry.slot(index), &cx, task, outcomes));
                    continue;
                }
                Progress::Unhandled => shared.unhandled(entry, outcomes.len()),
                Progress::Skipped => Outcome::Skipped,
                Progress::TimedOut => Outcome::TimedOut,
                Progress::Panicked => Outcome::Panicked,
            };
            outcomes.push(outcome);
        }
        Poll::Ready(())
    }

    /// Drops an event that has no outcome yet, or the future that handles it.
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

// Only the contents of the queues' boxes are pinned. A box itself can move.
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
        this.done = true;
        Poll::Ready(BatchOutcome { outcomes: std::mem::take(&mut this.outcomes) })
    }
}

impl<S> Drop for Batch<S> {
    fn drop(&mut self) {
        if self.done {
            let events = std::mem::take(&mut self.events);
            let queues = std::mem::replace(unlocked(&mut self.queues), Queues::new());
            self.shared.routes.spare.keep(Lists { events, queues });
        }
    }
}

impl<S> Shared<S> {
    pub(super) fn raw(&self, entry: &Entry) -> RawEvent {
        entry.raw(&self.routes, &self.body)
    }

    /// The outcome of an event that no handler takes.
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
            .field("delivery", &self.shared.delivery)
            .field("events", &self.events.len())
            .field("settled", &self.outcomes.len())
            .finish_non_exhaustive()
    }
}

/// The outcomes of the events of one delivery.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct BatchOutcome {
    /// One outcome for each event, in the order of the body.
    pub outcomes: Vec<Outcome>,
}

impl BatchOutcome {
    /// Whether no event failed. If so, then the sender need not send the delivery again.
    pub fn is_ok(&self) -> bool {
        self.failed() == 0
    }

    /// The number of events that failed: their outcome is not [ok](Outcome::is_ok).
    pub fn failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| !outcome.is_ok()).count()
    }
}

const EVENTS_PER_POLL: usize = 64;
