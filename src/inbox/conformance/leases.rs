//! Cases of `claim`, `extend` and `finish`: who has a delivery, and for how long.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::probe::{
    DAY, HOUR, Outcome, Probe, check, dead, delivery, handled, joined, retry, same, settled,
};
use crate::inbox::{Claim, Filter, Finish, Lease, Leased, Purged, Retention, State, Store};

pub(super) async fn oldest_first(probe: &Probe<'_>) -> Outcome {
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(probe.keep(delivery("a")).await?);
        probe.pass(HOUR).await;
    }
    let first = probe.claim(&["a"], 2).await?;
    same("the first claim", &numbers[..2], &numbers_of(&first))?;
    // Its new attempt is due after all others.
    probe.end(first[0].lease, &[], retry(HOUR)).await?;
    probe.end(first[1].lease, &[], Finish::Done).await?;
    probe.pass(HOUR * 2).await;
    numbers.push(probe.keep(delivery("a")).await?);
    let expected = [numbers[2], numbers[3], numbers[4], numbers[0], numbers[5]];
    for seq in expected {
        same("the next claim", vec![seq], numbers_of(&probe.claim(&["a"], 1).await?))?;
    }
    Ok(())
}

fn numbers_of(leased: &[Leased]) -> Vec<i64> {
    leased.iter().map(|leased| leased.lease.seq).collect()
}

pub(super) async fn fair(probe: &Probe<'_>) -> Outcome {
    let senders = [("many", 300), ("few", 3), ("some", 40)];
    for (source, count) in senders {
        probe.keep_all(&delivery(source), count).await?;
    }
    let names = senders.map(|(source, _)| source);
    let leased = probe.claim(&names, 12).await?;
    same("the number of claimed deliveries", 12, leased.len())?;
    // Each has a third of the places, if it needs them.
    for (source, count) in senders {
        let (own, seen) = (count.min(4), of_source(&leased, source));
        check(seen >= own, format!("expected at least {own} of `{source}`, saw {seen}"))?;
    }
    let rest = probe.claim(&names, 1000).await?;
    same("the number of those left", 343 - 12, rest.len())
}

fn of_source(leased: &[Leased], source: &str) -> usize {
    leased.iter().filter(|leased| &*leased.record.source == source).count()
}

pub(super) async fn only_named(probe: &Probe<'_>) -> Outcome {
    for source in ["a", "b", "c", "a", "b", "a"] {
        probe.keep(delivery(source)).await?;
    }
    for (sources, most, expected) in [
        (&[][..], 10, 0),
        (&["d"], 10, 0),
        (&["a", "b"], 0, 0),
        (&["b", "d"], 10, 2),
        (&["a", "c"], 3, 3),
        (&["a", "b", "c"], 10, 1),
    ] {
        let leased = probe.claim(sources, most).await?;
        same(&format!("the number claimed of {sources:?}"), expected, leased.len())?;
        for Leased { record, .. } in leased {
            let is_named = sources.contains(&&*record.source);
            check(is_named, format!("expected deliveries of {sources:?}, saw {}", record.source))?;
        }
    }
    Ok(())
}

pub(super) async fn leased_once(probe: &Probe<'_>) -> Outcome {
    let stored = probe.keep_all(&delivery("a"), 500).await?;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        tasks.spawn(claim_all(probe.store.clone()));
    }
    let claimed: Vec<_> = joined(tasks).await?.into_iter().flatten().collect();
    let distinct: BTreeSet<_> = claimed.iter().copied().collect();
    same("how many deliveries two workers have", 0, claimed.len() - distinct.len())?;
    same("the claimed deliveries", stored.into_iter().collect(), distinct)
}

/// Claims until nothing seems to be left. A claim may get less than there is, while others are under way.
async fn claim_all(store: Arc<dyn Store>) -> Outcome<Vec<i64>> {
    let mut all = Vec::new();
    let mut in_vain = 0;
    while in_vain < 10 {
        let sources = [Arc::from("a")].into();
        let leased = store.claim(Claim { sources, most: 7, lease: HOUR }).await?;
        all.extend(numbers_of(&leased));
        if leased.is_empty() {
            in_vain += 1;
            sleep(Duration::from_millis(2)).await;
        }
    }
    Ok(all)
}

pub(super) async fn attempts(probe: &Probe<'_>) -> Outcome {
    let seq = probe.keep(delivery("a")).await?;
    same("the attempts at first", 0, probe.get(seq).await?.attempts)?;
    for attempt in 1..=3 {
        let leased = probe.one().await?;
        same("the attempt", attempt, leased.attempt)?;
        same("the attempts of a leased one", attempt, probe.get(seq).await?.attempts)?;
        probe.end(leased.lease, &[], Finish::Release).await?;
        same("the attempts after a release", attempt - 1, probe.get(seq).await?.attempts)?;
        let again = probe.one().await?;
        same("the attempt after a release", attempt, again.attempt)?;
        probe.end(again.lease, &[], retry(Duration::ZERO)).await?;
    }
    same("the attempts at last", 3, probe.get(seq).await?.attempts)
}

pub(super) async fn crash(probe: &Probe<'_>) -> Outcome {
    let mut last = probe.kept_and_claimed().await?;
    same("the crashes at first", 0, last.crashes)?;
    // The first one counts in any case, the others if a handler had begun.
    for (attempt, begins, crashes) in [(2, false, 1), (3, false, 1), (4, true, 2), (5, false, 2)] {
        if begins {
            same("whether it may begin", true, probe.store.begin(last.lease).await?)?;
        }
        probe.none("while one is leased").await?;
        probe.pass(HOUR / 2).await;
        probe.none("before the lease ended").await?;
        probe.pass(HOUR / 2 + HOUR).await;
        let leased = probe.one().await?;
        same("the crashes", crashes, leased.crashes)?;
        same("the attempt after so many crashes", attempt, leased.attempt)?;
        check(leased.lease.token != last.lease.token, "a token was used again after a crash")?;
        let may_begin = probe.store.begin(last.lease).await?;
        same("whether it may begin with an older lease", false, may_begin)?;
        last = leased;
    }
    same(
        "whether it is held",
        true,
        probe.store.extend(last.lease, HOUR, vec![handled(0)]).await?,
    )?;
    probe.pass(HOUR * 2).await;
    same("the crashes after an event has ended", 1, probe.one().await?.crashes)
}

pub(super) async fn stale_lease(probe: &Probe<'_>) -> Outcome {
    let old = probe.kept_and_claimed().await?;
    probe.pass(HOUR * 2).await;
    let new = probe.one().await?;
    probe.is_lost(old.lease).await?;
    let Lease { seq, token } = new.lease;
    probe.is_lost(Lease { seq: seq + 1, token }).await?;
    let stored = probe.get(seq).await?;
    same("the state after a stale lease", State::Leased, stored.state)?;
    same("the error after a stale lease", None, stored.error)?;
    probe.none("after a stale lease").await?;
    // A stale extension would have made it longer, too.
    probe.pass(HOUR / 2).await;
    probe.is_lost(old.lease).await?;
    probe.pass(HOUR * 3 / 4).await;
    let last = probe.one().await?;
    same("the ends of events that a stale lease left", vec![], settled(&last))?;
    probe.end(last.lease, &[], Finish::Done).await?;
    probe.is_lost(last.lease).await?;
    same("the state in the end", State::Done, probe.get(seq).await?.state)
}

pub(super) async fn late_lease(probe: &Probe<'_>) -> Outcome {
    let extended = probe.kept_and_claimed().await?;
    probe.pass(HOUR * 2).await;
    let held = probe.store.extend(extended.lease, HOUR, vec![]).await?;
    same("whether a late lease can be extended", true, held)?;
    probe.none("after a late extension").await?;
    probe.pass(HOUR * 2).await;
    probe.end(extended.lease, &[], Finish::Done).await?;
    probe.none("after a late end").await
}

pub(super) async fn extend(probe: &Probe<'_>) -> Outcome {
    let leased = probe.kept_and_claimed().await?;
    for event in 0..4 {
        probe.pass(HOUR * 3 / 4).await;
        let held = probe.store.extend(leased.lease, HOUR, vec![handled(event)]).await?;
        same("whether a lease is held that was extended", true, held)?;
        probe.none("while a lease was extended").await?;
    }
    probe.pass(HOUR / 2).await;
    probe.none("before the extension ended").await?;
    probe.pass(HOUR).await;
    let next = probe.one().await?;
    same("the crashes after the extension ended", 1, next.crashes)?;
    let expected: Vec<_> = (0..4).map(handled).collect();
    same("the ends of events that were extended with", expected, settled(&next))
}

pub(super) async fn retry_after(probe: &Probe<'_>) -> Outcome {
    let first = probe.kept_and_claimed().await?;
    probe.pass(HOUR * 2).await;
    let crashed = probe.one().await?;
    same("the crashes before a retry", 1, crashed.crashes)?;
    probe.end(crashed.lease, &[], retry(DAY)).await?;
    let stored = probe.get(first.lease.seq).await?;
    same("the state while it waits", State::Ready, stored.state)?;
    same("the error while it waits", Some("busy".into()), stored.error)?;
    for _ in 0..2 {
        probe.none("before the span of a retry").await?;
        probe.pass(DAY / 2 - HOUR).await;
    }
    probe.none("before the span of a retry").await?;
    probe.pass(HOUR * 3).await;
    let again = probe.one().await?;
    same("the crashes after a retry", 0, again.crashes)?;
    same("the attempt after a retry", 3, again.attempt)?;
    probe.end(again.lease, &[], dead()).await
}

pub(super) async fn longest_spans(probe: &Probe<'_>) -> Outcome {
    let claim = || {
        let sources = [Arc::from("a")].into();
        Claim { sources, most: usize::MAX, lease: Duration::MAX }
    };
    let [retried, extended, claimed] = [0; 3].map(|_| probe.store.enqueue(delivery("a")));
    for storing in [retried, extended, claimed] {
        storing.await?;
    }
    let leased = probe.store.claim(claim()).await?;
    same("the number of claimed deliveries", 3, leased.len())?;
    probe.end(leased[0].lease, &[], retry(Duration::MAX)).await?;
    let held = probe.store.extend(leased[1].lease, Duration::MAX, vec![]).await?;
    same("whether a lease is held that was extended", true, held)?;
    for _ in 0..2 {
        probe.none("before the longest spans ended").await?;
        probe.pass(DAY * 1000).await;
    }
    for Leased { lease, .. } in &leased[1..] {
        probe.end(*lease, &[], Finish::Done).await?;
    }
    let forever = Retention { bodies: Duration::MAX, dead: Duration::MAX, keys: Duration::MAX };
    same("what is purged", Purged::default(), probe.store.purge(forever).await?)?;
    let all = Filter { most: usize::MAX, ..Filter::default() };
    same("the number of all deliveries", 3, probe.listed(all).await?.len())
}
