//! Cases of `purge`: what is removed, and what must stay.

use std::time::Duration;

use super::probe::{
    DAY, HOUR, Outcome, Probe, check, dead, delivery, keyed, number, retry, same, with_body,
};
use crate::inbox::{Enqueued, Finish, Purged, Replay, Retention, State, Stored};

/// Stores a delivery of sender `a` with this key, and ends it.
async fn finished(probe: &Probe<'_>, key: &str, finish: Finish) -> Outcome<i64> {
    let seq = probe.keep(keyed(key)).await?;
    let leased = probe.one().await?;
    probe.end(leased.lease, &[], finish).await?;
    Ok(seq)
}

fn has_body(stored: &Stored) -> bool {
    !stored.record.body.is_empty() && !stored.record.headers.is_empty()
}

pub(super) async fn keeps_open(probe: &Probe<'_>) -> Outcome {
    let mut open = Vec::new();
    for state in [State::Leased, State::Parked, State::Ready] {
        open.push((state, probe.keep(delivery("a")).await?));
        if state == State::Leased {
            probe.one().await?;
        }
    }
    probe.store.park(open[1].1).await?;
    let waiting = probe.one().await?;
    probe.end(waiting.lease, &[], retry(DAY * 1000)).await?;
    let all = Retention { bodies: Duration::ZERO, dead: Duration::ZERO, keys: Duration::ZERO };
    for _ in 0..2 {
        probe.pass(DAY * 200).await;
        let Purged { bodies, records, .. } = probe.store.purge(all).await?;
        same("the number of purged bodies and records", (0, 0), (bodies, records))?;
    }
    for (state, seq) in open {
        let stored = probe.get(seq).await?;
        same("the state after a purge", state, stored.state)?;
        check(has_body(&stored), format!("a purge removed the body of one that is {state}"))?;
    }
    Ok(())
}

pub(super) async fn bodies(probe: &Probe<'_>) -> Outcome {
    let retention = Retention { bodies: DAY, dead: DAY * 5, keys: DAY * 30 };
    let old = finished(probe, "old", Finish::Done).await?;
    let given_up = finished(probe, "dead", dead()).await?;
    probe.pass(DAY * 2).await;
    let young = finished(probe, "young", Finish::Done).await?;
    for (days, expected) in [(0, [false, true, true]), (2, [false, true, false]), (2, [false; 3])] {
        probe.pass(DAY * days + HOUR).await;
        let purged = probe.store.purge(retention).await?;
        same("the number of purged bodies", 1, purged.bodies)?;
        same("the number of purged keys and records", (0, 0), (purged.keys, purged.records))?;
        for (seq, expected) in [old, given_up, young].into_iter().zip(expected) {
            let stored = probe.get(seq).await?;
            same(&format!("whether {seq} has a body"), expected, has_body(&stored))?;
            let is_empty = stored.record.body.is_empty() && stored.record.headers.is_empty();
            same(&format!("whether body and headers of {seq} are gone"), !expected, is_empty)?;
        }
    }
    same("the state after a purge", State::Dead, probe.get(given_up).await?.state)?;
    same("what is listed", vec![old, given_up, young], probe.listed(Default::default()).await?)
}

pub(super) async fn keys(probe: &Probe<'_>) -> Outcome {
    let retention = Retention { bodies: DAY, dead: DAY, keys: DAY * 30 };
    let first = finished(probe, "k", Finish::Done).await?;
    probe.pass(DAY * 20).await;
    same("the number of purged bodies", 1, probe.store.purge(retention).await?.bodies)?;
    for (body, body_differs) in [(&delivery("a").record.body[..], false), (b"other", true)] {
        let copy = with_body(body.to_vec(), keyed("k"));
        let seen = probe.store.enqueue(copy).await?;
        same("a copy after the purge", Enqueued::Duplicate { first, body_differs }, seen)?;
    }
    // A copy does not make the key younger.
    probe.pass(DAY * 20).await;
    let expected = Purged { bodies: 0, keys: 1, records: 1 };
    same("what the second purge removes", expected, probe.store.purge(retention).await?)?;
    same("what is listed then", vec![], probe.listed(Default::default()).await?)?;
    check(probe.store.get(first).await?.is_none(), "expected no record, saw one")?;
    let again = number(probe.store.enqueue(keyed("k")).await?)?;
    check(again > first, format!("expected a number greater than {first}, saw {again}"))
}

pub(super) async fn replay_purged(probe: &Probe<'_>) -> Outcome {
    let done = finished(probe, "done", Finish::Done).await?;
    let given_up = finished(probe, "dead", dead()).await?;
    probe.pass(DAY * 2).await;
    probe.store.purge(Retention { bodies: DAY, dead: DAY, keys: DAY * 9 }).await?;
    for seq in [done, given_up] {
        for how in [Replay::Rest, Replay::All, Replay::Copy] {
            let what = format!("a replay ({how:?}) without a body");
            same(&what, None, probe.store.replay(seq, how).await?)?;
        }
    }
    probe.none("after its body was purged").await
}
