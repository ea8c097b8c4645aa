//! Counts what cannot be counted with each delivery: what is open, and what has ended.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use super::{gauge::Gauge, link::Link, live::Live, statements, task::Task, trouble::Trouble};
use crate::error::InboxError;

/// The time between two counts.
const PAUSE: Duration = Duration::from_secs(10);
/// How long the connection for notifications may take to count.
const PATIENCE: Duration = Duration::from_secs(3);

/// Counts from time to time. A store that is full is not told in another way that there is room, so if the connection for
/// notifications is of no use, then that of the door counts, between two lots: the door begins transactions on it.
pub(super) fn meter(hints: Arc<Link>, door: Arc<Link>, gauge: Gauge) -> Task {
    Task::new(async move {
        loop {
            // An error: what was counted before, and what this process has counted since, is the best that is known.
            let _ = match timeout(PATIENCE, by_hints(&hints, &gauge)).await {
                Ok(Ok(())) => add_up(&hints).await,
                _ => by_door(&door, &gauge).await,
            };
            sleep(PAUSE).await;
        }
    })
}

async fn by_hints(hints: &Link, gauge: &Gauge) -> Result<(), InboxError> {
    Ok(count(&*hints.shared().await?, gauge).await?)
}

async fn by_door(door: &Link, gauge: &Gauge) -> Result<(), InboxError> {
    let alone = door.alone().await?;
    let counted = count(&alone.live, gauge).await;
    alone.put_back();
    Ok(counted?)
}

async fn count(live: &Live, gauge: &Gauge) -> Result<(), Trouble> {
    let open = live.query(statements::COUNT_OPEN, &[&gauge.most()]).await?;
    gauge.set(open.one("open")?);
    Ok(())
}

async fn add_up(link: &Link) -> Result<(), InboxError> {
    link.shared().await?.query(statements::ADD_UP, &[]).await?;
    Ok(())
}
