//! What changes with the deliveries that are kept: the same work in a store that has many, and in one that has few.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tower_webhook::{
    BoxError,
    inbox::{Claim, Finish, Leased, Mark, Retention, Store, StoreFuture},
};

use crate::{
    deliveries::{source, to_store},
    effort::Effort,
    load::{Load, Until, median, send},
    neighbour::few_of_another,
    row,
};

/// How many send at the same time.
const SENDERS: usize = 64;
/// How many are claimed at once.
const LOT: usize = 64;

/// A store, and what it takes on the disk.
pub(crate) trait Grown {
    fn store(&self) -> Arc<dyn Store>;
    /// All bytes.
    async fn bytes(&self) -> Result<f64, BoxError>;
    /// Those of headers and bodies.
    async fn bodies(&self) -> Result<f64, BoxError>;
    /// The bytes of the log.
    async fn log(&self) -> Result<f64, BoxError>;
}

/// Fills one of two stores, through the methods of a receiver and a worker.
pub(crate) async fn fill<G: Grown>(
    work: &str,
    effort: Effort,
    full: &G,
    empty: &G,
) -> Result<(), BoxError> {
    let (store, rows) = (full.store(), effort.rows);
    let (bytes, log) = (full.bytes().await?, full.log().await?);
    let load = send(SENDERS, Until::Sent(rows), &to_store(store.clone())).await;
    row(work, "rows", rows as f64);
    row(work, "fill rate", load.rate());
    row(work, "fill p99", load.wait(0.99));
    row(work, "few of another, alone", few_of_another(&empty.store(), effort.rounds).await);
    row(work, "few of another, many wait", few_of_another(&store, effort.rounds).await);
    let (count, rate) = drain(&*store).await?;
    // The rest was handled by the worker. If all was, then nothing held the others up.
    row(work, "waited after that", count);
    row(work, "drain rate", rate);
    row(work, "bytes each", (full.bytes().await? - bytes) / rows as f64);
    row(work, "bytes of headers and body each", full.bodies().await? / rows as f64);
    row(work, "log each", (full.log().await? - log) / rows as f64);
    Ok(())
}

/// The same work in both, in turns.
pub(crate) async fn compare<G: Grown>(
    work: &str,
    effort: Effort,
    full: &G,
    empty: &G,
) -> Result<(), BoxError> {
    let stores = [full.store(), empty.store()];
    let mut turns = [const { Vec::<(Load, f64)>::new() }; 2];
    // More than for others, since a turn is short.
    for round in 0..2 * effort.rounds {
        for index in [round % 2, (round + 1) % 2] {
            let store = &stores[index];
            let load = send(SENDERS, Until::Sent(effort.lot), &to_store(store.clone())).await;
            turns[index].push((load, drain(&**store).await?.1));
        }
    }
    let [full, empty] = &turns;
    let ratio = |of: fn(&(Load, f64)) -> f64| {
        median(full.iter().zip(empty).map(|(full, empty)| of(full) / of(empty)))
    };
    row(work, "accepted, full ÷ empty", ratio(|turn| turn.0.rate()));
    row(work, "handled, full ÷ empty", ratio(|turn| turn.1));
    for (name, turns) in ["full", "empty"].into_iter().zip(turns) {
        let rate = median(turns.iter().map(|turn| turn.0.rate()));
        row(work, &format!("accepted, {name}"), rate);
        row(work, &format!("handled, {name}"), median(turns.iter().map(|turn| turn.1)));
        let all = Load::joined(turns.into_iter().map(|turn| turn.0));
        row(work, &format!("p99, {name}"), all.wait(0.99));
    }
    Ok(())
}

/// Removes all that both have, while others send.
pub(crate) async fn purge<G: Grown>(work: &str, full: &G, empty: &G) -> Result<(), BoxError> {
    for (name, grown) in [("empty", empty), ("full", full)] {
        let (store, one) = (grown.store(), to_store(grown.store()));
        let begun = Instant::now();
        let purging = tokio::spawn(store.purge(Retention {
            bodies: Duration::ZERO,
            dead: Duration::ZERO,
            keys: Duration::ZERO,
        }));
        let mut loads = Vec::new();
        while !purging.is_finished() {
            loads.push(send(SENDERS, Until::Sent(SENDERS as u64), &one).await);
        }
        let (purged, took) = (purging.await??, begun.elapsed());
        let rate = (purged.bodies + purged.keys + purged.records) as f64 / took.as_secs_f64();
        row(work, &format!("purge, {name}"), rate);
        row(work, &format!("p99 while purged, {name}"), Load::joined(loads).wait(0.99));
    }
    Ok(())
}

/// Claims and finishes all that wait. Returns how many there were, and how many in a second.
async fn drain(store: &dyn Store) -> Result<(f64, f64), BoxError> {
    let (begun, mut count) = (Instant::now(), 0);
    loop {
        let leased = claim(store, LOT).await?;
        if leased.is_empty() {
            break;
        }
        count += leased.len();
        finish(store, &leased).await?;
    }
    Ok((count as f64, count as f64 / begun.elapsed().as_secs_f64()))
}

pub(crate) async fn claim(store: &dyn Store, most: usize) -> Result<Vec<Leased>, BoxError> {
    let lease = Duration::from_secs(600);
    Ok(store.claim(Claim { sources: [source()].into(), most, lease }).await?)
}

/// As a worker does it whose handlers have taken the one event in each.
pub(crate) async fn finish(store: &dyn Store, leased: &[Leased]) -> Result<(), BoxError> {
    let mark = Mark { event: 0, is_done: true };
    let ends: Vec<StoreFuture<'static, bool>> =
        leased.iter().map(|one| store.finish(one.lease, vec![mark], Finish::Done)).collect();
    for end in ends {
        assert!(end.await?, "the lease is held");
    }
    Ok(())
}
