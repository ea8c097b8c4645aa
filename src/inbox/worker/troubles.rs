//! Failures of the store, as a worker sees them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::run::warn;
use crate::util::trace::Seldom;

/// Counts the failures of a store, and warns of them once in a while: one that is away fails several times per second.
#[derive(Default)]
pub(super) struct Troubles {
    count: AtomicU64,
    warned: Seldom,
}

impl Troubles {
    /// The number of failures so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, failure: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if !self.warned.say() {
            warn(failure);
        }
    }
}
