//! A bound on how many may be at something at once, or on how many bytes may be held.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many may be, and how many are. Clones share the count.
#[derive(Clone)]
pub(crate) struct Permits {
    free: Arc<Semaphore>,
    most: u32,
}

/// One of them, until it is dropped.
pub(crate) struct Permit(OwnedSemaphorePermit);

impl Permits {
    pub(crate) fn new(most: usize) -> Self {
        let most = u32::try_from(most.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let permits = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(permits)), most }
    }

    pub(crate) fn max(&self) -> u32 {
        self.most
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// One more, if there may be.
    pub(crate) fn take(&self) -> Option<Permit> {
        self.free.clone().try_acquire_owned().ok().map(Permit)
    }

    /// So many more, if there may be. No more than `u32::MAX` at once.
    pub(crate) fn take_many(&self, count: usize) -> Option<Permit> {
        let count = u32::try_from(count).ok()?;
        self.free.clone().try_acquire_many_owned(count).ok().map(Permit)
    }

    /// So many more, if there may be, or all if there are fewer.
    pub(crate) fn take_many_or_all(&self, count: usize) -> Option<Permit> {
        self.take_many(self.at_most(count))
    }

    /// `count`, or as many as there are at all.
    fn at_most(&self, count: usize) -> usize {
        count.min(usize::try_from(self.most).unwrap_or(usize::MAX))
    }

    /// Adds to `held` so many that it is `count`, or all of them, if there may be. Never gives any back.
    pub(crate) fn fill(&self, held: &mut Permit, count: usize) -> Option<()> {
        let more = self.at_most(count).saturating_sub(held.count());
        if more > 0 {
            held.join(self.take_many(more)?);
        }
        Some(())
    }

    /// Waits until all are free.
    pub(crate) async fn drain(&self) {
        drop(self.free.acquire_many(self.most).await);
    }
}

impl Permit {
    /// How many permits it is.
    pub(crate) fn count(&self) -> usize {
        self.0.num_permits()
    }

    /// Takes the permits of `other`, which is one among the same, too.
    pub(crate) fn join(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}
