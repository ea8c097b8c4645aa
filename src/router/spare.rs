//! `Spare`: the empty lists of a batch that is done, which the next batch fills again.

use std::sync::Mutex;

use super::{entry::Entry, queues::Queues};

/// The events of a batch: in the order of the body, and by their handlers.
pub(super) struct Lists<S> {
    pub(super) events: Vec<Entry>,
    pub(super) queues: Queues<S>,
}

impl<S> Lists<S> {
    pub(super) fn new() -> Self {
        Self { events: Vec::new(), queues: Queues::new() }
    }
}

/// The lists of one batch at most. The batches of a router are alike, so most of them need no new ones.
///
/// Only memory is kept. No event, no future and no clone of a handler outlives its batch. The lists of a batch that is dropped
/// before its end are dropped, too.
// In cache lines of its own: it is written for each batch, and what is beside it is only read.
#[repr(align(128))]
pub(super) struct Spare<S>(Mutex<Option<Lists<S>>>);

/// The room of the lists that are kept, in events. A larger batch gains little by them, and they would take memory for good.
pub(super) const MAX_EVENTS: usize = 32;

impl<S> Spare<S> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Empty lists. New ones, if none are spare, or if another thread is here now.
    pub(super) fn take(&self) -> Lists<S> {
        let spare = self.0.try_lock().ok().and_then(|mut spare| spare.take());
        spare.unwrap_or_else(Lists::new)
    }

    /// Keeps the lists of a batch that is done, if they are small.
    pub(super) fn keep(&self, mut lists: Lists<S>) {
        if lists.events.capacity() > MAX_EVENTS || !lists.queues.has_few_types() {
            return;
        }
        lists.events.clear();
        lists.queues.clear();
        let former = self.0.try_lock().ok().and_then(|mut spare| spare.replace(lists));
        // The lock is free again: what is dropped here can be slow.
        drop(former);
    }
}
