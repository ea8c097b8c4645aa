//! `Link`: a connection that is made again after it was lost.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Mutex, MutexGuard};

use super::{
    dial::Dial,
    live::{Live, Purpose},
};
use crate::error::InboxError;

/// A connection that is made when it is needed, and made again after it was lost.
#[derive(Debug)]
pub(super) struct Link {
    dial: Arc<Dial>,
    purpose: Purpose,
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    live: Option<Arc<Live>>,
    failed: Option<(Instant, InboxError)>,
}

impl Link {
    pub(super) fn new(dial: Arc<Dial>, purpose: Purpose) -> Self {
        Self { dial, purpose, slot: Mutex::default() }
    }

    /// The connection, which others may use at the same time. So nobody may begin a transaction on it.
    pub(super) async fn shared(&self) -> Result<Arc<Live>, InboxError> {
        let alone = self.alone().await?;
        let live = alone.live.clone();
        alone.put_back();
        Ok(live)
    }

    /// The connection for one user alone. If it is not [put back](Alone::put_back), then it is closed: with its transaction.
    pub(super) async fn alone(&self) -> Result<Alone<'_>, InboxError> {
        let asked = Instant::now();
        let mut slot = self.slot.lock().await;
        if let Some(live) = slot.live.take().filter(|live| !live.is_closed()) {
            return Ok(Alone { slot, live });
        }
        // Others have tried while this one waited. If each tried, then the last would wait for all of their timeouts.
        if let Some((_, error)) = slot.failed.as_ref().filter(|(at, _)| *at > asked) {
            return Err(error.clone());
        }
        match self.dial.open(self.purpose).await {
            Ok(live) => Ok(Alone { slot, live: Arc::new(live) }),
            Err(error) => {
                slot.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

/// A connection that nobody else uses meanwhile.
#[derive(Debug)]
pub(super) struct Alone<'a> {
    slot: MutexGuard<'a, Slot>,
    pub(super) live: Arc<Live>,
}

impl Alone<'_> {
    pub(super) fn put_back(mut self) {
        self.slot.live = Some(self.live);
    }
}
