//! Keeps a lease while its delivery is handled: extends it in time, and saves which events have ended.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use super::{retry::ends, run::LOOK, troubles::Troubles};
use crate::{
    error::InboxError,
    inbox::{Lease, Store, StoreFuture},
    router::Outcome,
    util::timer::poll_elapsed,
};

pub(super) struct Keeper {
    store: Arc<dyn Store>,
    lease: Lease,
    length: Duration,
    /// When to extend the lease.
    timer: Pin<Box<Sleep>>,
    saving: Option<Saving>,
    /// The number of events whose ends are saved.
    saved: usize,
    /// Whether the last write failed.
    is_failing: bool,
    troubles: Arc<Troubles>,
}

struct Saving {
    count: usize,
    is_held: StoreFuture<'static, bool>,
}

impl Keeper {
    pub(super) fn new(
        store: Arc<dyn Store>,
        lease: Lease,
        length: Duration,
        troubles: Arc<Troubles>,
    ) -> Self {
        let timer = Box::pin(sleep(length / 3));
        Self { store, lease, length, timer, saving: None, saved: 0, is_failing: false, troubles }
    }

    /// The number of events whose ends need not be saved again.
    pub(super) fn saved(&self) -> usize {
        self.saved
    }

    /// Extends the lease if it is time, or if more events have an end than were saved. Ready if the lease is lost.
    pub(super) fn poll_lost(&mut self, outcomes: &[Outcome], cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(saving) = &mut self.saving {
                let count = saving.count;
                match saving.is_held.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(false)) => return Poll::Ready(()),
                    Poll::Ready(Ok(true)) => self.has_saved(count),
                    Poll::Ready(Err(error)) => self.has_failed(&error),
                }
                continue;
            }
            let new = ends(outcomes, self.saved);
            let at_once = !new.is_empty() && !self.is_failing;
            if !at_once && poll_elapsed(self.timer.as_mut(), cx).is_pending() {
                return Poll::Pending;
            }
            let is_held = self.store.extend(self.lease, self.length, new);
            self.saving = Some(Saving { count: outcomes.len(), is_held });
        }
    }

    fn has_saved(&mut self, count: usize) {
        (self.saved, self.saving) = (count, None);
        self.is_failing = false;
        self.timer.as_mut().reset(Instant::now() + self.length / 3);
    }

    fn has_failed(&mut self, error: &InboxError) {
        self.saving = None;
        self.is_failing = true;
        let of = self.lease.seq;
        self.troubles.note(&format!("the lease of delivery {of} cannot be extended: {error}"));
        self.timer.as_mut().reset(Instant::now() + LOOK);
    }
}
