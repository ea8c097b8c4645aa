//! Keeps a lease while its delivery is handled: extends it in time, and saves which events have ended.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

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
    /// When it is over, as far as is known here.
    end: Pin<Box<Sleep>>,
    saving: Option<Saving>,
    /// The number of events whose ends are saved.
    saved: usize,
    /// Whether the last write failed.
    is_failing: bool,
    troubles: Arc<Troubles>,
}

/// How a lease was lost.
#[derive(Clone, Copy)]
pub(super) enum Loss {
    /// The store says so.
    Taken,
    /// Its time is over, and the store has not said that it was extended: somebody else may have it.
    Overdue,
}

struct Saving {
    count: usize,
    begun: Instant,
    is_held: StoreFuture<'static, bool>,
}

impl Keeper {
    /// `since`: when the claim began. The store counts from a moment that is not before this one.
    pub(super) fn new(
        store: Arc<dyn Store>,
        lease: Lease,
        (length, since): (Duration, Instant),
        troubles: Arc<Troubles>,
    ) -> Self {
        let timer = Box::pin(sleep_until(after(since, length / 3)));
        let end = Box::pin(sleep_until(after(since, length)));
        let (saving, saved, is_failing) = (None, 0, false);
        Self { store, lease, length, timer, end, saving, saved, is_failing, troubles }
    }

    /// The number of events whose ends need not be saved again.
    pub(super) fn saved(&self) -> usize {
        self.saved
    }

    /// Extends the lease if it is time, or if more events have an end than were saved. Ready if the lease is lost.
    pub(super) fn poll_lost(&mut self, outcomes: &[Outcome], cx: &mut Context<'_>) -> Poll<Loss> {
        loop {
            if let Some(saving) = &mut self.saving {
                let (count, begun) = (saving.count, saving.begun);
                match saving.is_held.as_mut().poll(cx) {
                    Poll::Pending => return self.poll_overdue(cx),
                    Poll::Ready(Ok(false)) => return Poll::Ready(Loss::Taken),
                    Poll::Ready(Ok(true)) => self.has_saved(count, begun),
                    Poll::Ready(Err(error)) => self.has_failed(&error),
                }
                continue;
            }
            let new = ends(outcomes, self.saved);
            let at_once = !new.is_empty() && !self.is_failing;
            if !at_once && poll_elapsed(self.timer.as_mut(), cx).is_pending() {
                return self.poll_overdue(cx);
            }
            let begun = Instant::now();
            let is_held = self.store.extend(self.lease, self.length, new);
            self.saving = Some(Saving { count: outcomes.len(), begun, is_held });
        }
    }

    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Loss> {
        poll_elapsed(self.end.as_mut(), cx).map(|()| {
            let of = self.lease.seq;
            self.troubles
                .note(&format!("the lease of delivery {of} is over, and the store is silent"));
            Loss::Overdue
        })
    }

    fn has_saved(&mut self, count: usize, begun: Instant) {
        self.end.as_mut().reset(after(begun, self.length));
        (self.saved, self.saving) = (count, None);
        self.is_failing = false;
        self.timer.as_mut().reset(after(begun, self.length / 3));
    }

    fn has_failed(&mut self, error: &InboxError) {
        self.saving = None;
        self.is_failing = true;
        let of = self.lease.seq;
        self.troubles.note(&format!("the lease of delivery {of} cannot be extended: {error}"));
        self.timer.as_mut().reset(Instant::now() + LOOK);
    }
}

/// So much later. A time that cannot be is one that never comes.
fn after(since: Instant, time: Duration) -> Instant {
    const YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    since + time.min(YEARS)
}
