//! What a snapshot that is held open does to claims: PostgreSQL cannot remove what has passed through the queue meanwhile.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::Client;
use tower_webhook::{BoxError, inbox::Store};

use crate::{
    deliveries::new,
    effort::Effort,
    growth::{claim, finish},
    load::{next, quantile},
    row,
};

/// A lot in each such time is 1,000 deliveries per second.
const BEAT: Duration = Duration::from_millis(16);
const LOT: usize = 16;

/// Measures claims before, and at the end of the time for which `reader` holds a snapshot.
pub(crate) async fn held(
    work: &str,
    effort: Effort,
    store: &dyn Store,
    reader: &Client,
) -> Result<(), BoxError> {
    let part = effort.held / 6;
    let (before, _) = beats(store, part).await?;
    reader
        .batch_execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM tower_webhook.paused",
        )
        .await?;
    let (_, most) = beats(store, effort.held - part).await?;
    let (last, rest) = beats(store, part).await?;
    reader.batch_execute("COMMIT").await?;
    let rate = (most + rest) as f64 / effort.held.as_secs_f64();
    row(work, "passed under the snapshot, per second", rate);
    for (name, claims) in [("before", &before), ("at the end", &last)] {
        row(work, &format!("claim p50, {name}"), quantile(claims, 0.5));
        row(work, &format!("claim p99, {name}"), quantile(claims, 0.99));
    }
    row(work, "claim, at the end ÷ before", quantile(&last, 0.5) / quantile(&before, 0.5));
    Ok(())
}

/// The times of the claims, sorted, and the number of deliveries that passed.
async fn beats(store: &dyn Store, time: Duration) -> Result<(Vec<Duration>, usize), BoxError> {
    let (begun, mut beat) = (Instant::now(), interval(BEAT));
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut claims, mut passed) = (Vec::new(), 0);
    while begun.elapsed() < time {
        beat.tick().await;
        let storing: Vec<_> = (0..LOT).map(|_| store.enqueue(new(next()))).collect();
        for stored in storing {
            stored.await?;
        }
        let at = Instant::now();
        let leased = claim(store, LOT).await?;
        claims.push(at.elapsed());
        passed += leased.len();
        finish(store, &leased).await?;
    }
    claims.sort_unstable();
    Ok((claims, passed))
}
