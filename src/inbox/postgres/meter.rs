//! Counts what cannot be counted with each delivery: what is open, and what has ended.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{gauge::Gauge, link::Link, live::Live, statements, task::Task, trouble::Trouble};

/// The time between two counts.
const PAUSE: Duration = Duration::from_secs(10);
/// The most changes that are added up in one statement. It takes less than a second.
const SLICE: i64 = 100_000;

/// Counts from time to time. A store that is full is not told in another way that there is room, so if there can be no
/// connection for notifications, then that of the door counts. If there is one, then the door does not wait for a slow count.
pub(super) fn meter(hints: Arc<Link>, door: Arc<Link>, gauge: Gauge) -> Task {
    Task::new(async move {
        loop {
            // Errors: what was counted before, and what this process has counted since, is the best that is known.
            if let Ok(live) = hints.shared().await {
                let _ = count(&live, &gauge).await;
                let _ = add_up(&live).await;
            } else if let Ok(alone) = door.alone().await {
                // Alone: the door begins transactions on it.
                let _ = count(&alone.live, &gauge).await;
                alone.put_back();
            }
            sleep(PAUSE).await;
        }
    })
}

async fn count(live: &Live, gauge: &Gauge) -> Result<(), Trouble> {
    let open = live.query(statements::COUNT_OPEN, &[&gauge.most()]).await?;
    gauge.set(open.one("open")?);
    Ok(())
}

/// In slices: while nobody could add them up, the changes have become more than one statement could do in its time.
async fn add_up(live: &Live) -> Result<(), Trouble> {
    while live.query(statements::ADD_UP, &[&SLICE]).await?.one::<i64>("added")? == SLICE {}
    Ok(())
}
