//! Cases of what ends a delivery and begins it anew: marks, done, dead, replay, park, pause.

use std::{collections::BTreeSet, time::Duration};

use super::probe::{
    DAY, HOUR, Outcome, Probe, check, dead, delivery, given_up, handled, keyed, retry, same,
    settled,
};
use crate::inbox::{DeadReason, Enqueued, Filter, Finish, Lease, Leased, Replay, State};

pub(super) async fn marks(probe: &Probe<'_>) -> Outcome {
    let first = probe.kept_and_claimed().await?;
    same("the ends of events at first", vec![], settled(&first))?;
    let many: Vec<_> = (1000..1300).map(handled).collect();
    let ends = [&[handled(0), given_up(2)], &many[..]].concat();
    probe.end(first.lease, &ends, retry(Duration::ZERO)).await?;
    let second = probe.one().await?;
    same("the ends of events after a retry", ends, settled(&second))?;
    let later = [given_up(0), handled(2), handled(1)];
    probe.end(second.lease, &later, Finish::Release).await?;
    let third = probe.one().await?;
    let expected = [&[handled(0), handled(1), given_up(2)], &many[..]].concat();
    same("the ends of events, of which the first counts", expected.clone(), settled(&third))?;
    probe.store.extend(third.lease, HOUR, vec![given_up(1), given_up(0)]).await?;
    probe.pass(HOUR * 2).await;
    same("the ends of events after a crash", expected, settled(&probe.one().await?))
}

pub(super) async fn done(probe: &Probe<'_>) -> Outcome {
    let first = probe.kept_and_claimed().await?;
    probe.end(first.lease, &[], retry(Duration::ZERO)).await?;
    let second = probe.one().await?;
    probe.end(second.lease, &[handled(0)], Finish::Done).await?;
    let stored = probe.get(first.lease.seq).await?;
    same("the state", State::Done, stored.state)?;
    same("the attempts", 2, stored.attempts)?;
    same("the error of a delivery that is done", None, stored.error)?;
    same("the reason of a delivery that is done", None, stored.reason)?;
    check(stored.finished_at.is_some(), "expected the time of its end, saw none")?;
    probe.is_lost(second.lease).await?;
    stays_ended(probe).await
}

async fn stays_ended(probe: &Probe<'_>) -> Outcome {
    for _ in 0..3 {
        probe.none("after its end").await?;
        probe.pass(DAY).await;
    }
    probe.none("after its end").await
}

pub(super) async fn dead_stays(probe: &Probe<'_>) -> Outcome {
    let long = "x".repeat(8000);
    for (reason, error) in DeadReason::ALL.into_iter().zip(["busy", "", "Grüße 🦀", "a\nb", &long])
    {
        let leased = probe.kept_and_claimed().await?;
        let finish = Finish::Dead { reason, error: error.into() };
        probe.end(leased.lease, &[], finish).await?;
        let seq = leased.lease.seq;
        let filter = Filter { after: seq - 1, ..Default::default() };
        let listed = probe.store.list(filter).await?.pop();
        for stored in [Some(probe.get(seq).await?), listed] {
            let Some(stored) = stored else { return Err("a dead delivery is not listed".into()) };
            same("the state", State::Dead, stored.state)?;
            same("the reason", Some(reason), stored.reason)?;
            same("the error", Some(error), stored.error.as_deref())?;
            check(stored.finished_at.is_some(), "expected the time of its end, saw none")?;
        }
        probe.is_lost(leased.lease).await?;
    }
    stays_ended(probe).await
}

/// A delivery that is dead, with an event that was handled and one that was given up. Returns its last lease.
async fn died(probe: &Probe<'_>) -> Outcome<Lease> {
    let first = probe.kept_and_claimed().await?;
    probe.end(first.lease, &[handled(0)], retry(Duration::ZERO)).await?;
    let second = probe.one().await?;
    probe.end(second.lease, &[given_up(1)], dead()).await?;
    Ok(second.lease)
}

/// Replays a delivery that is not copied, and claims it.
async fn replayed(probe: &Probe<'_>, seq: i64, how: Replay) -> Outcome<Leased> {
    same("the number of a replay", Some(seq), probe.store.replay(seq, how).await?)?;
    let stored = probe.get(seq).await?;
    same("the state after a replay", State::Ready, stored.state)?;
    same("the attempts after a replay", 0, stored.attempts)?;
    same("the reason after a replay", None, stored.reason)?;
    same("the time of its end after a replay", None, stored.finished_at)?;
    let leased = probe.one().await?;
    same("the number of the replayed delivery", seq, leased.lease.seq)?;
    same("the attempt after a replay", 1, leased.attempt)?;
    same("the crashes after a replay", 0, leased.crashes)?;
    Ok(leased)
}

pub(super) async fn replay_rest(probe: &Probe<'_>) -> Outcome {
    let Lease { seq, .. } = died(probe).await?;
    let leased = replayed(probe, seq, Replay::Rest).await?;
    same("the ends of events that are kept", vec![handled(0)], settled(&leased))?;
    probe.end(leased.lease, &[handled(1)], Finish::Done).await?;
    let again = replayed(probe, seq, Replay::Rest).await?;
    same("the ends of events of one that was done", vec![handled(0), handled(1)], settled(&again))
}

pub(super) async fn replay_all(probe: &Probe<'_>) -> Outcome {
    let Lease { seq, .. } = died(probe).await?;
    let leased = replayed(probe, seq, Replay::All).await?;
    same("the ends of events that are kept", vec![], settled(&leased))?;
    probe.end(leased.lease, &[given_up(0)], retry(Duration::ZERO)).await?;
    same("the ends of events from then on", vec![given_up(0)], settled(&probe.one().await?))
}

pub(super) async fn replay_copy(probe: &Probe<'_>) -> Outcome {
    let seq = probe.keep(keyed("k")).await?;
    let first = probe.one().await?;
    probe.end(first.lease, &[handled(0)], Finish::Done).await?;
    let original = probe.get(seq).await?;
    let copy = probe.store.replay(seq, Replay::Copy).await?;
    let Some(copy) = copy else { return Err("expected a copy, saw none".into()) };
    check(copy > seq, format!("expected a number greater than {seq} for a copy, saw {copy}"))?;
    same("the original", original.clone(), probe.get(seq).await?)?;
    let leased = probe.one().await?;
    same("the number of what is claimed", copy, leased.lease.seq)?;
    same("the record of a copy", original.record, leased.record.clone())?;
    same("the attempt of a copy", 1, leased.attempt)?;
    same("the ends of events of a copy", vec![], settled(&leased))?;
    let expected = Enqueued::Duplicate { first: seq, body_differs: false };
    same("the first after a copy", expected, probe.store.enqueue(keyed("k")).await?)
}

pub(super) async fn replay_open(probe: &Probe<'_>) -> Outcome {
    let seq = probe.keep(delivery("a")).await?;
    for state in [State::Ready, State::Leased] {
        if state == State::Leased {
            probe.one().await?;
        }
        for how in [Replay::Rest, Replay::All, Replay::Copy] {
            let what = format!("a replay ({how:?}) of a delivery that is {state}");
            same(&what, None, probe.store.replay(seq, how).await?)?;
            same("a replay of an unknown one", None, probe.store.replay(seq + 1, how).await?)?;
        }
        same("the state after it was not replayed", state, probe.get(seq).await?.state)?;
    }
    same("the number of deliveries", vec![seq], probe.listed(Default::default()).await?)
}

pub(super) async fn tokens(probe: &Probe<'_>) -> Outcome {
    let seq = probe.keep(delivery("a")).await?;
    let (mut used, mut stale) = (BTreeSet::new(), Vec::new());
    for how in [Replay::Rest, Replay::All, Replay::Rest, Replay::All] {
        for finish in [Finish::Release, retry(Duration::ZERO), dead()] {
            let Lease { token, .. } = probe.one().await?.lease;
            check(used.insert(token), format!("the token {token} was used twice"))?;
            for &lease in &stale {
                probe.is_lost(lease).await?;
            }
            let lease = Lease { seq, token };
            probe.end(lease, &[], finish).await?;
            stale.push(lease);
        }
        probe.store.replay(seq, how).await?;
    }
    Ok(())
}

pub(super) async fn park(probe: &Probe<'_>) -> Outcome {
    let seq = probe.keep(delivery("a")).await?;
    same("whether an unknown one can be parked", false, probe.store.park(seq + 1).await?)?;
    same("whether one that waits can be parked", true, probe.store.park(seq).await?)?;
    same("whether it can be parked twice", false, probe.store.park(seq).await?)?;
    let stored = probe.get(seq).await?;
    same("the state", State::Parked, stored.state)?;
    check(stored.finished_at.is_some(), "expected the time since it is parked, saw none")?;
    stays_ended(probe).await?;
    let leased = replayed(probe, seq, Replay::Rest).await?;
    let held = probe.store.extend(leased.lease, HOUR, vec![handled(3)]).await?;
    same("whether its lease is held", true, held)?;
    same("whether a leased one can be parked", true, probe.store.park(seq).await?)?;
    probe.is_lost(leased.lease).await?;
    stays_ended(probe).await?;
    let again = replayed(probe, seq, Replay::Rest).await?;
    same("the ends of events from before it was parked", vec![handled(3)], settled(&again))?;
    probe.end(again.lease, &[], Finish::Done).await?;
    same("whether one that is done can be parked", false, probe.store.park(seq).await?)
}

pub(super) async fn pause(probe: &Probe<'_>) -> Outcome {
    probe.store.pause("idle", true).await?;
    let running = probe.kept_and_claimed().await?;
    probe.store.pause("a", true).await?;
    let waiting = probe.keep(delivery("a")).await?;
    let other = probe.keep(delivery("b")).await?;
    probe.end(running.lease, &[], retry(Duration::ZERO)).await?;
    let leased = probe.claim(&["a", "b"], 10).await?;
    let numbers: Vec<_> = leased.iter().map(|leased| leased.lease.seq).collect();
    same("what is claimed while `a` is paused", vec![other], numbers)?;
    probe.pass(DAY).await;
    probe.none("while its sender is paused").await?;
    same("the attempts while it is paused", 0, probe.get(waiting).await?.attempts)?;
    let paused = probe.store.stats().await?.into_iter().filter(|stats| stats.is_paused);
    let paused: BTreeSet<_> = paused.map(|stats| stats.source.to_string()).collect();
    same("the paused senders", BTreeSet::from(["a".into(), "idle".into()]), paused)?;
    probe.store.pause("a", false).await?;
    probe.store.pause("a", false).await?;
    let mut claimed = probe.claimed().await?;
    claimed.sort_unstable();
    same("what is claimed after the pause", vec![running.lease.seq, waiting], claimed)
}
