//! Permits: limit the number of requests, or of bytes, that are held at the same time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of permits that can be taken. Clones share them.
#[derive(Clone)]
pub(crate) struct Permits {
    free: Arc<Semaphore>,
    most: u32,
}

/// One or more permits. They are returned when this is dropped.
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

    /// Takes one permit, if one is free.
    pub(crate) fn take(&self) -> Option<Permit> {
        self.free.clone().try_acquire_owned().ok().map(Permit)
    }

    /// Takes `count` permits, if they are free. At most `u32::MAX` at once.
    pub(crate) fn take_many(&self, count: usize) -> Option<Permit> {
        let count = u32::try_from(count).ok()?;
        self.free.clone().try_acquire_many_owned(count).ok().map(Permit)
    }

    /// Takes `count` permits, if they are free. If there are not that many in all, takes all.
    pub(crate) fn take_many_or_all(&self, count: usize) -> Option<Permit> {
        self.take_many(self.at_most(count))
    }

    /// `count`, but at most the number of all permits.
    fn at_most(&self, count: usize) -> usize {
        count.min(usize::try_from(self.most).unwrap_or(usize::MAX))
    }

    /// Adds permits to `held` until it has `count` of them, or all that exist. `None` if they are not free.
    pub(crate) fn fill(&self, held: &mut Permit, count: usize) -> Option<()> {
        let more = self.at_most(count).saturating_sub(held.count());
        if more > 0 {
            held.join(self.take_many(more)?);
        }
        Some(())
    }

    /// Waits until all permits are free.
    pub(crate) async fn drain(&self) {
        drop(self.free.acquire_many(self.most).await);
    }
}

impl Permit {
    /// The number of permits.
    pub(crate) fn count(&self) -> usize {
        self.0.num_permits()
    }

    /// Adds the permits of `other`, which must come from the same [`Permits`].
    pub(crate) fn join(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}
