//! Counts what cannot be counted with each delivery: what is open, and what has ended.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{gauge::Gauge, link::Link, statements, task::Task};
use crate::error::InboxError;

/// The time between two counts.
const PAUSE: Duration = Duration::from_secs(10);

/// Counts from time to time, over this connection.
pub(super) fn meter(link: Arc<Link>, gauge: Gauge) -> Task {
    Task::new(async move {
        loop {
            // An error: what was counted before, and what this process has counted since, is the best that is known.
            let _ = count(&link, &gauge).await;
            sleep(PAUSE).await;
        }
    })
}

async fn count(link: &Link, gauge: &Gauge) -> Result<(), InboxError> {
    let live = link.shared().await?;
    gauge.set(live.query(statements::COUNT_OPEN, &[&gauge.most()]).await?.one("open")?);
    live.query(statements::ADD_UP, &[]).await?;
    Ok(())
}
