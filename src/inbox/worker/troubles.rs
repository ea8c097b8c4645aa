//! Failures of the store, as a worker sees them.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::util::trace;

/// Counts the failures of a store, and warns of them once in a while.
#[derive(Default)]
pub(super) struct Troubles {
    count: AtomicU64,
    warned: Mutex<Option<Instant>>,
}

/// The pause between two warnings: a store that is away fails several times per second.
const PAUSE: Duration = Duration::from_secs(60);

impl Troubles {
    /// The number of failures so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, failure: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|at| at.elapsed() >= PAUSE) {
            *warned = Some(Instant::now());
            trace::warn(&format!("inbox: {failure}"));
        }
    }
}
