//! `Gauge`: about how many deliveries are open.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// About how many deliveries are open, in all processes: they are counted from time to time, and this process counts its own
/// in between.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    open: Arc<AtomicU64>,
    most: u64,
}

impl Gauge {
    pub(super) fn new(most: u64) -> Self {
        Self { open: Arc::default(), most: most.max(1) }
    }

    /// The number that is enough to know that the store is full.
    pub(super) fn most(&self) -> i64 {
        self.most.try_into().unwrap_or(i64::MAX)
    }

    pub(super) fn set(&self, open: i64) {
        self.open.store(open.try_into().unwrap_or_default(), Ordering::Relaxed);
    }

    pub(super) fn opened(&self, more: usize) {
        self.open.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, fewer: usize) {
        let less = |open: u64| Some(open.saturating_sub(fewer as u64));
        // It never fails: `less` returns a number.
        let _ = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// 0 is empty, 1 is full.
    pub(super) fn used(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "it need not be exact")]
        let used = self.open.load(Ordering::Relaxed) as f64 / self.most as f64;
        used
    }
}
