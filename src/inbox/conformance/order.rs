//! Cases of order keys.

use std::time::Duration;

use super::probe::{HOUR, Outcome, Probe, dead, delivery, ordered, retry, same};
use crate::inbox::{Finish, Replay};

pub(super) async fn head_only(probe: &Probe<'_>) -> Outcome {
    let mut numbers = Vec::new();
    for _ in 0..4 {
        numbers.push(probe.keep(ordered("k")).await?);
    }
    for (seq, finish) in numbers.into_iter().zip([Finish::Done, dead(), Finish::Done, dead()]) {
        let leased = probe.one().await?;
        same("the number of what is claimed", seq, leased.lease.seq)?;
        probe.none("while one with its order key is being handled").await?;
        probe.end(leased.lease, &[], finish).await?;
    }
    probe.none("after the last").await?;
    let late = probe.keep(ordered("k")).await?;
    same("the one that came later", late, probe.one().await?.lease.seq)
}

pub(super) async fn retry_holds(probe: &Probe<'_>) -> Outcome {
    let first = probe.keep(ordered("k")).await?;
    let second = probe.keep(ordered("k")).await?;
    let leased = probe.one().await?;
    probe.end(leased.lease, &[], retry(HOUR * 4)).await?;
    for _ in 0..2 {
        probe.none("while the one before it waits").await?;
        probe.pass(HOUR * 3 / 2).await;
    }
    probe.pass(HOUR * 2).await;
    for seq in [first, second] {
        let leased = probe.one().await?;
        same("the number of what is claimed", seq, leased.lease.seq)?;
        probe.end(leased.lease, &[], Finish::Done).await?;
    }
    let third = probe.keep(ordered("k")).await?;
    let fourth = probe.keep(ordered("k")).await?;
    let released = probe.one().await?;
    probe.end(released.lease, &[], Finish::Release).await?;
    same("what is claimed after a release", third, probe.one().await?.lease.seq)?;
    same("whether it can be parked", true, probe.store.park(third).await?)?;
    same("what is claimed after that", fourth, probe.one().await?.lease.seq)
}

pub(super) async fn crash_holds(probe: &Probe<'_>) -> Outcome {
    let first = probe.keep(ordered("k")).await?;
    let second = probe.keep(ordered("k")).await?;
    for _ in 0..3 {
        let leased = probe.one().await?;
        same("what is claimed after a crash", first, leased.lease.seq)?;
        same("whether it may begin", true, probe.store.begin(leased.lease).await?)?;
        probe.pass(HOUR * 2).await;
    }
    let leased = probe.one().await?;
    probe.end(leased.lease, &[], Finish::Done).await?;
    same("what is claimed after its end", second, probe.one().await?.lease.seq)
}

pub(super) async fn keys_apart(probe: &Probe<'_>) -> Outcome {
    let mut first = Vec::new();
    for key in ["k", "l", "m"] {
        first.push(probe.keep(ordered(key)).await?);
        probe.keep(ordered(key)).await?;
    }
    for _ in 0..2 {
        first.push(probe.keep(delivery("a")).await?);
    }
    let mut claimed = probe.claimed().await?;
    claimed.sort_unstable();
    same("the first of each key, and those without a key", first, claimed)?;
    probe.none("while the first of each is being handled").await
}

pub(super) async fn replayed(probe: &Probe<'_>) -> Outcome {
    let seq = probe.keep(ordered("k")).await?;
    let leased = probe.one().await?;
    probe.end(leased.lease, &[], dead()).await?;
    for how in [Replay::Rest, Replay::All, Replay::Copy] {
        let again = probe.store.replay(seq, how).await?;
        let leased = probe.one().await?;
        same("what is claimed after a replay", again, Some(leased.lease.seq))?;
        let next = probe.keep(ordered("k")).await?;
        probe.none("while a replayed one is being handled").await?;
        probe.end(leased.lease, &[], retry(Duration::ZERO)).await?;
        for expected in [again, Some(next)] {
            let leased = probe.one().await?;
            same("what is claimed then", expected, Some(leased.lease.seq))?;
            probe.end(leased.lease, &[], Finish::Done).await?;
        }
    }
    Ok(())
}
