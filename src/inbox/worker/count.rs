//! Counts the deliveries of a store from time to time, for their metrics.

use std::{
    collections::BTreeSet,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use crate::inbox::{Stats, Store, StoreFuture, metrics};

/// The shortest time between two counts.
const PAUSE: Duration = Duration::from_secs(15);
/// The part of the time that counting may take: a store with a million deliveries that wait needs a while.
const PART: u32 = 20;

pub(super) struct Count {
    next: Instant,
    running: Option<(Instant, StoreFuture<'static, Vec<Stats>>)>,
    /// The senders that had deliveries.
    known: BTreeSet<Arc<str>>,
}

impl Count {
    pub(super) fn new() -> Self {
        Self { next: Instant::now(), running: None, known: BTreeSet::new() }
    }

    /// Counts if it is time, and if somebody may look at the figures.
    pub(super) fn poll(&mut self, store: &dyn Store, cx: &mut Context<'_>) {
        if metrics::ARE_ON && self.running.is_none() && self.next <= Instant::now() {
            self.running = Some((Instant::now(), store.stats()));
        }
        let Some((begun, running)) = &mut self.running else { return };
        if let Poll::Ready(counted) = running.as_mut().poll(cx) {
            self.next = Instant::now() + PAUSE.max(begun.elapsed() * PART);
            self.running = None;
            // An error: the next count tells.
            if let Ok(all) = counted {
                self.tell(all);
            }
        }
    }

    /// Also of senders that have none any more: otherwise their last figures would stay for ever.
    fn tell(&mut self, mut all: Vec<Stats>) {
        let now: BTreeSet<_> = all.iter().map(|stats| stats.source.clone()).collect();
        all.extend(self.known.difference(&now).cloned().map(Stats::none));
        self.known = now;
        metrics::counted(all);
    }
}
