//! Cases in which the futures of workers and operators are dropped at each of their await points.

use std::{sync::Arc, time::Duration};

use super::probe::{
    HOUR, Outcome, Probe, check, dead, delivery, dropped_after, handled, retry, same, settled,
};
use crate::inbox::{Claim, Finish, Replay, State};

/// The polls after which futures are dropped: from none to more than a store needs.
const POLLS: u32 = 12;

pub(super) async fn claim(probe: &Probe<'_>) -> Outcome {
    for polls in 0..POLLS {
        let seq = probe.keep(delivery("a")).await?;
        let sources = [Arc::from("a")].into();
        let claim = Claim { sources, most: 10, lease: HOUR };
        dropped_after(polls, probe.store.claim(claim)).await;
        let mut leased = Vec::new();
        // What is under way may come first.
        for _ in 0..3 {
            probe.pass(HOUR * 2).await;
            leased = probe.claim(&["a"], 10).await?;
            if !leased.is_empty() {
                break;
            }
        }
        let [leased] = &leased[..] else {
            return Err(format!("expected one delivery, saw {}", leased.len()).into());
        };
        same("the number of what is claimed", seq, leased.lease.seq)?;
        same(
            "the attempt, which is one more than the crashes",
            leased.crashes + 1,
            leased.attempt,
        )?;
        probe.end(leased.lease, &[], Finish::Done).await?;
    }
    Ok(())
}

pub(super) async fn finish(probe: &Probe<'_>) -> Outcome {
    for polls in 0..POLLS {
        let leased = probe.kept_and_claimed().await?;
        let (lease, seq) = (leased.lease, leased.lease.seq);
        let ends = vec![handled(0), handled(1)];
        dropped_after(polls, probe.store.finish(lease, ends.clone(), retry(Duration::ZERO))).await;
        // Of the two ends, one counts, and it is the second only if nothing came of the first.
        if probe.store.finish(lease, vec![], dead()).await? {
            let stored = probe.get(seq).await?;
            same("the state after the second end", State::Dead, stored.state)?;
            probe.store.replay(seq, Replay::Rest).await?;
            let again = probe.one().await?;
            same("the ends of events of a finish that was not done", vec![], settled(&again))?;
            probe.end(again.lease, &[], Finish::Done).await?;
            continue;
        }
        let again = probe.one().await?;
        same("the number of what is claimed", seq, again.lease.seq)?;
        same("the ends of events of a finish that was done", ends, settled(&again))?;
        probe.end(again.lease, &[], Finish::Done).await?;
    }
    Ok(())
}

pub(super) async fn replay(probe: &Probe<'_>) -> Outcome {
    for polls in 0..POLLS {
        let first = probe.kept_and_claimed().await?;
        probe.end(first.lease, &[handled(0)], dead()).await?;
        let seq = first.lease.seq;
        dropped_after(polls, probe.store.replay(seq, Replay::All)).await;
        // If the first is done already, then it waits and cannot be replayed again.
        let again = probe.store.replay(seq, Replay::Rest).await?;
        let leased = probe.one().await?;
        same("the number of what is claimed", seq, leased.lease.seq)?;
        same("the attempt", 1, leased.attempt)?;
        let expected = if again.is_some() { vec![handled(0)] } else { vec![] };
        same(&format!("the ends of events ({again:?})"), expected, settled(&leased))?;
        dropped_after(polls, probe.store.park(seq)).await;
        probe.store.park(seq).await?;
        same("the state after it was parked", State::Parked, probe.get(seq).await?.state)?;
        probe.is_lost(leased.lease).await?;
    }
    Ok(())
}

pub(super) async fn copy(probe: &Probe<'_>) -> Outcome {
    for polls in 0..POLLS {
        let seq = probe.keep(delivery("a")).await?;
        probe.store.park(seq).await?;
        dropped_after(polls, probe.store.replay(seq, Replay::Copy)).await;
    }
    probe.store.ping().await?;
    let copies = probe.listed(Default::default()).await?.len() - POLLS as usize;
    check(copies <= POLLS as usize, format!("expected {POLLS} copies at most, saw {copies}"))?;
    for leased in probe.claim(&["a"], 100).await? {
        same("the record of a copy", &delivery("a").record, &leased.record)?;
        probe.end(leased.lease, &[], Finish::Done).await?;
    }
    Ok(())
}
