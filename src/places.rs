//! A bound on how many may be at something at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many may be, and how many are. Clones share the count.
#[derive(Clone)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    most: u32,
}

/// One of them, until it is dropped.
pub(crate) struct Place(
    #[expect(dead_code, reason = "it is there to be dropped")] OwnedSemaphorePermit,
);

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        let most = u32::try_from(most.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let permits = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(permits)), most }
    }

    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// One more, if there may be.
    pub(crate) fn take(&self) -> Option<Place> {
        self.free.clone().try_acquire_owned().ok().map(Place)
    }

    /// Waits until all are free.
    pub(crate) async fn drain(&self) {
        drop(self.free.acquire_many(self.most).await);
    }
}
