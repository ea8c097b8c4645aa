//! Cases of `enqueue`: keys, copies, what is kept.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{task::JoinSet, time::sleep};

use super::{
    probe::{
        AT_ONCE, DAY, Outcome, Probe, check, delivery, dropped_after, joined, keyed, number, same,
        with_body,
    },
    random::Random,
};
use crate::{
    error::InboxError,
    inbox::{Enqueued, Filter, Finish, NewDelivery, Record, Replay, Retention, Store, StoreFuture},
};

const KEYS: u32 = 200;

pub(super) async fn one_per_key(probe: &Probe<'_>) -> Outcome {
    let mut random = Random::new(probe.seed);
    let copies = (0..KEYS).flat_map(|key| (0..=random.below(5)).map(move |_| key));
    let copies: Vec<u32> = copies.collect();
    let mut tasks = JoinSet::new();
    for task in 0..AT_ONCE {
        // The copies of a key stand together, so that different tasks send them at the same time.
        let own: Vec<_> = copies.iter().copied().skip(task).step_by(AT_ONCE).collect();
        tasks.spawn(sent(probe.store.clone(), own));
    }
    let answers: Vec<_> = joined(tasks).await?.into_iter().flatten().collect();
    let mut first = BTreeMap::new();
    for (key, answer) in &answers {
        if let Enqueued::New(seq) = answer {
            check(first.insert(*key, *seq).is_none(), format!("key {key} was new twice"))?;
        }
    }
    same("the number of new deliveries", KEYS as usize, first.len())?;
    for (key, answer) in answers {
        if let Enqueued::Duplicate { first: named, .. } = answer {
            same("the number of the first copy", first.get(&key), Some(&named))?;
        }
    }
    let listed = probe.listed(Filter { most: 1000, ..Filter::default() }).await?;
    same("the number of stored deliveries", KEYS as usize, listed.len())
}

/// Sends deliveries with these keys, one after the other. Returns what became of each.
async fn sent(store: Arc<dyn Store>, keys: Vec<u32>) -> Outcome<Vec<(u32, Enqueued)>> {
    let mut answers = Vec::new();
    for key in keys {
        let answer = store.enqueue(keyed(&key.to_string())).await?;
        let (Enqueued::New(seq) | Enqueued::Duplicate { first: seq, .. }) = answer;
        let is_stored = store.get(seq).await?.is_some();
        check(is_stored, format!("delivery {seq} was not there when it was answered {answer:?}"))?;
        answers.push((key, answer));
    }
    Ok(answers)
}

pub(super) async fn body_differs(probe: &Probe<'_>) -> Outcome {
    let first = probe.keep(with_body("first", keyed("k"))).await?;
    for (body, body_differs) in [("first", false), ("second", true), ("", true), ("first", false)] {
        let seen = probe.store.enqueue(with_body(body, keyed("k"))).await?;
        same("the answer to a copy", Enqueued::Duplicate { first, body_differs }, seen)?;
    }
    same("the body that is kept", &b"first"[..], &probe.get(first).await?.record.body)?;
    number(probe.store.enqueue(keyed("another")).await?).map(drop)
}

pub(super) async fn no_key(probe: &Probe<'_>) -> Outcome {
    let mut numbers = Vec::new();
    for _ in 0..3 {
        numbers.push(probe.keep(delivery("a")).await?);
    }
    same("the deliveries without a key", numbers.clone(), probe.listed(Filter::default()).await?)?;
    same("those that are claimed", numbers, probe.claimed().await?)
}

pub(super) async fn round_trip(probe: &Probe<'_>) -> Outcome {
    let record = delivery("a").record;
    let full = Record {
        tenant: Some("a tenant".into()),
        key_id: Some("2024".into()),
        id: Some("msg_1".into()),
        event_type: Some("course.completed".into()),
        headers: (0..=255).collect::<Vec<u8>>().into(),
        ..record.clone()
    };
    let empty: Option<Arc<str>> = Some("".into());
    let empties = Record {
        tenant: empty.clone(),
        key_id: empty.clone(),
        id: empty.clone(),
        event_type: empty,
        headers: "".into(),
        received_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1),
        ..record
    };
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    for (record, body) in [(full, bytes), (empties, vec![])] {
        let new = NewDelivery { record, ..delivery("a") };
        returned(probe, with_body(body, new)).await?;
    }
    returned(probe, delivery("a")).await
}

pub(super) async fn long_texts(probe: &Probe<'_>) -> Outcome {
    let mut random = Random::new(probe.seed);
    // What can be compressed may be short enough for an index.
    let long: String = (0..8000).map(|_| char::from(b'0' + random.below(75) as u8)).collect();
    let control: String = ('\u{1}'..='\u{1f}').collect();
    for text in ["Grüße, 世界 🦀 'x'; \"--\\ %_\u{202e}\u{fffd}\u{10ffff}", &control, &long] {
        returned(probe, with_texts(text)).await?;
    }
    Ok(())
}

/// A delivery of sender `a` in which each other text is `text`.
fn with_texts(text: &str) -> NewDelivery {
    let text: Option<Arc<str>> = Some(text.into());
    let new = delivery("a");
    let record = Record {
        tenant: text.clone(),
        key_id: text.clone(),
        id: text.clone(),
        event_type: text,
        ..new.record
    };
    NewDelivery { record, ..new }
}

/// Stores a delivery, and looks at what `get`, `claim` and `list` return.
async fn returned(probe: &Probe<'_>, new: NewDelivery) -> Outcome {
    let record = new.record.clone();
    let seq = probe.keep(new).await?;
    unchanged("get", &record, &probe.get(seq).await?.record)?;
    let leased = probe.one().await?;
    unchanged("claim", &record, &leased.record)?;
    probe.end(leased.lease, &[], Finish::Done).await?;
    let filter = Filter { id: record.id.clone(), after: seq - 1, ..Filter::default() };
    let listed = probe.store.list(filter).await?;
    let [listed] = &listed[..] else { return Err("expected one delivery in the list".into()) };
    let head = Record { headers: "".into(), body: "".into(), ..record.clone() };
    unchanged("list", &head, &listed.record)?;
    // An empty body is no body that was purged.
    same("the replay", Some(seq), probe.store.replay(seq, Replay::All).await?)?;
    let again = probe.one().await?;
    unchanged("claim after a replay", &record, &again.record)?;
    probe.end(again.lease, &[], Finish::Done).await
}

/// Compares two records, and names the first part that differs.
fn unchanged(method: &str, expected: &Record, seen: &Record) -> Outcome {
    let differing = |part: &str, is_same: bool| {
        check(is_same, format!("{part} from `{method}`: expected {expected:?}, saw {seen:?}"))
    };
    differing("headers", expected.headers == seen.headers)?;
    differing("body", expected.body == seen.body)?;
    differing("digest", expected.digest == seen.digest)?;
    same(&format!("the record from `{method}`"), expected, seen)
}

pub(super) async fn numbers_grow(probe: &Probe<'_>) -> Outcome {
    let mut last = 0;
    for _ in 0..3 {
        for _ in 0..2 {
            let seq = probe.keep(delivery("a")).await?;
            check(seq > last, format!("expected a number greater than {last}, saw {seq}"))?;
            last = seq;
        }
        for leased in probe.claim(&["a"], 10).await? {
            probe.end(leased.lease, &[], Finish::Done).await?;
        }
        // The store is empty then, but the numbers were used.
        probe.pass(DAY).await;
        let none = Retention { bodies: Duration::ZERO, dead: Duration::ZERO, keys: Duration::ZERO };
        probe.store.purge(none).await?;
        same("the deliveries after a purge", vec![], probe.listed(Filter::default()).await?)?;
    }
    Ok(())
}

pub(super) async fn pressure_grows(probe: &Probe<'_>) -> Outcome {
    probe.store.ping().await?;
    let empty = probe.store.pressure().used;
    check((0.0..0.8).contains(&empty), format!("expected a low pressure at first, saw {empty}"))?;
    let body = vec![7; 10_000];
    probe.keep_all(&with_body(body, delivery("a")), 200).await?;
    let what = format!("the pressure did not grow from {empty} with 200 deliveries");
    eventually(&what, || {
        let has_grown = probe.store.pressure().used > empty;
        Box::pin(async move { Ok(has_grown) })
    })
    .await
}

pub(super) async fn dropped_enqueue(probe: &Probe<'_>) -> Outcome {
    for polls in 0..DROPPED {
        dropped_after(polls % 8, probe.store.enqueue(keyed(&polls.to_string()))).await;
    }
    eventually("not all deliveries were stored whose futures were dropped", || {
        let listing = probe.store.list(Filter { most: 1000, ..Filter::default() });
        Box::pin(async { Ok(listing.await?.len() == DROPPED as usize) })
    })
    .await?;
    for key in 0..DROPPED {
        let copy = probe.store.enqueue(keyed(&key.to_string())).await?;
        let is_duplicate = matches!(copy, Enqueued::Duplicate { body_differs: false, .. });
        check(is_duplicate, format!("expected a duplicate of what was dropped, saw {copy:?}"))?;
    }
    Ok(())
}

/// How many futures are dropped.
const DROPPED: u32 = 40;

/// Waits until `holds`, for some seconds.
async fn eventually(otherwise: &str, holds: impl Fn() -> StoreFuture<'static, bool>) -> Outcome {
    for _ in 0..1000 {
        if holds().await? {
            return Ok(());
        }
        sleep(Duration::from_millis(10)).await;
    }
    Err(otherwise.into())
}

pub(super) async fn close_refuses(probe: &Probe<'_>) -> Outcome {
    let begun: Vec<_> = (0..20).map(|_| probe.store.enqueue(delivery("a"))).collect();
    probe.store.close().await?;
    for storing in begun {
        let stored = storing.await;
        let is_new = matches!(stored, Ok(Enqueued::New(_)));
        check(is_new, format!("expected that a write before `close` is done, saw {stored:?}"))?;
    }
    let refused = probe.store.enqueue(delivery("a")).await;
    same("the answer of a closed store", Err(InboxError::Closed), refused)
}
