//! Cases of what an operator sees: `list` and `stats`.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::probe::{DAY, HOUR, Outcome, Probe, check, dead, delivery, retry, same};
use crate::inbox::{Filter, Finish, NewDelivery, Record, State, Stats};

/// A delivery with these facts. An empty text stands for none.
fn of(source: &str, tenant: &str, id: &str) -> NewDelivery {
    let some = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    let new = delivery(source);
    let record = Record { tenant: some(tenant), id: some(id), ..new.record };
    NewDelivery { record, ..new }
}

/// Sender, tenant and id of the deliveries in the case `list`.
const LISTED: [[&str; 3]; 6] = [
    ["a", "t", "1"],
    ["b", "t", "1"],
    ["a", "u", "1"],
    ["a", "", "2"],
    ["b", "", ""],
    ["a", "t", "2"],
];

pub(super) async fn list(probe: &Probe<'_>) -> Outcome {
    let mut all = Vec::new();
    for [source, tenant, id] in LISTED {
        all.push(probe.keep(of(source, tenant, id)).await?);
    }
    let leased = probe.claim(&["b"], 1).await?;
    same("the number of claimed deliveries", 1, leased.len())?;
    for (filter, expected) in filters(all[2]) {
        let expected: Vec<_> = expected.iter().map(|&at| all[at]).collect();
        same(&format!("the list of {filter:?}"), expected, probe.listed(filter).await?)?;
    }
    without_bodies(probe).await
}

/// Filters, each with the places of those that it selects. `third` is the number of the third.
fn filters(third: i64) -> Vec<(Filter, &'static [usize])> {
    let some = |text: &str| Some(Arc::from(text));
    let every = Filter::default();
    let of_a = Filter { source: some("a"), ..every.clone() };
    let of_t = Filter { tenant: some("t"), ..every.clone() };
    let with_id = Filter { id: some("1"), ..every.clone() };
    let leased = Filter { state: Some(State::Leased), ..every.clone() };
    vec![
        (every.clone(), &[0, 1, 2, 3, 4, 5]),
        (Filter { most: 0, ..every.clone() }, &[]),
        (Filter { source: some("c"), ..every.clone() }, &[]),
        (Filter { id: some(""), ..every.clone() }, &[]),
        (of_t.clone(), &[0, 1, 5]),
        (with_id.clone(), &[0, 1, 2]),
        (Filter { source: some("a"), ..with_id }, &[0, 2]),
        (Filter { after: third, ..of_a.clone() }, &[3, 5]),
        (Filter { most: 2, ..of_a }, &[0, 2]),
        (Filter { source: some("b"), ..of_t }, &[1]),
        (leased.clone(), &[1]),
        (Filter { source: some("a"), ..leased }, &[]),
        (Filter { state: Some(State::Ready), ..every }, &[0, 2, 3, 4, 5]),
    ]
}

async fn without_bodies(probe: &Probe<'_>) -> Outcome {
    for mut stored in probe.store.list(Filter::default()).await? {
        let is_empty = stored.record.headers.is_empty() && stored.record.body.is_empty();
        check(is_empty, "expected a list without headers and bodies")?;
        let whole = probe.get(stored.seq).await?;
        stored.record.headers = whole.record.headers.clone();
        stored.record.body = whole.record.body.clone();
        same("what a list says of a delivery", &whole, &stored)?;
    }
    Ok(())
}

pub(super) async fn pages(probe: &Probe<'_>) -> Outcome {
    let mut all = probe.keep_all(&delivery("a"), 60).await?;
    all.extend(probe.keep_all(&delivery("b"), 65).await?);
    all.sort_unstable();
    same("the first page", &all[..100], &probe.listed(Filter::default()).await?)?;
    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied().unwrap_or_default();
        let page = probe.listed(Filter { after, most: 10, ..Filter::default() }).await?;
        check(page.len() <= 10, format!("expected at most 10, saw {}", page.len()))?;
        if page.is_empty() || seen.len() > all.len() {
            break;
        }
        seen.extend(page);
    }
    same("all pages", all, seen)
}

pub(super) async fn stats(probe: &Probe<'_>) -> Outcome {
    same("the senders of an empty store", 0, probe.store.stats().await?.len())?;
    let now = now(probe).await?;
    let ends = [Finish::Done, dead(), retry(DAY), Finish::Done, Finish::Done];
    for finish in ends {
        let leased = probe.kept_and_claimed().await?;
        probe.end(leased.lease, &[], finish).await?;
    }
    probe.kept_and_claimed().await?;
    for source in ["b", "a", "a"] {
        let mut new = delivery(source);
        new.record.received_at = now;
        probe.keep(new).await?;
    }
    let mut seen = BTreeMap::new();
    for stats in probe.store.stats().await? {
        let Stats { source, ready, leased, done, dead, parked, oldest, .. } = stats;
        same("whether there is an oldest that waits", ready > 0, oldest.is_some())?;
        seen.insert(source.to_string(), [ready, leased, done, dead, parked]);
    }
    let expected = [("a", [3, 1, 3, 1, 0]), ("b", [1, 0, 0, 0, 0]), ("clock", [0, 0, 0, 0, 1])];
    let expected = expected.map(|(source, counts)| (source.to_owned(), counts));
    same("ready, leased, done, dead, parked", BTreeMap::from(expected), seen)?;
    let (before, after) = (oldest(probe, "b").await?, DAY * 3);
    probe.pass(after).await;
    let grown = oldest(probe, "b").await?.saturating_sub(before);
    let is_right = before < HOUR && grown.abs_diff(after) < HOUR;
    check(is_right, format!("the oldest was {before:?} old, and after 3 days {grown:?} older"))
}

/// The age of the oldest of this sender.
async fn oldest(probe: &Probe<'_>, source: &str) -> Outcome<Duration> {
    let mut all = probe.store.stats().await?.into_iter();
    let oldest = all.find(|stats| &*stats.source == source).and_then(|stats| stats.oldest);
    oldest.ok_or_else(|| "expected the age of the oldest that waits, saw none".into())
}

/// The time on the store's clock, which shows when a delivery of sender `clock` is parked.
async fn now(probe: &Probe<'_>) -> Outcome<SystemTime> {
    let seq = probe.keep(delivery("clock")).await?;
    probe.store.park(seq).await?;
    let parked_at = probe.get(seq).await?.finished_at;
    parked_at.ok_or_else(|| "expected the time since it is parked, saw none".into())
}
