//! `Door`: stores deliveries. What has queued becomes one statement.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    bell::Ring,
    gauge::Gauge,
    live::Live,
    lots::{Queued, Work},
    orders,
    rows::{Key, optional},
    statements,
    trouble::Trouble,
};
use crate::{
    error::InboxError,
    inbox::{
        Enqueued, NewDelivery, Record,
        record::short,
        time::{millis, time},
    },
};

/// The most bytes of bodies in one statement, beside those of the first.
const MOST_BYTES: usize = 4 << 20;
/// How many times a copy is looked for whose first was purged in the meantime.
const ROUNDS: usize = 3;

/// Stores deliveries.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) ring: Ring,
    pub(super) gauge: Gauge,
}

/// A delivery of a lot. Its copies in the lot are joined to it.
struct Entry<'a> {
    new: &'a NewDelivery,
    key: Option<Key>,
    /// How many there are, itself included.
    copies: i32,
    kept: Option<Kept>,
}

/// What the database has under a key.
#[derive(Clone, Copy)]
struct Kept {
    seq: i64,
    digest: i64,
    is_new: bool,
}

impl Work for Door {
    type Job = NewDelivery;
    type Answer = Enqueued;

    fn fits(lot: &[Queued<Self>], next: &NewDelivery) -> bool {
        let bytes: usize = lot.iter().map(|queued| queued.job.record.body.len()).sum();
        bytes + next.record.body.len() <= MOST_BYTES
    }

    async fn run(
        &self,
        live: &Live,
        jobs: &[&NewDelivery],
    ) -> Result<Vec<Result<Enqueued, InboxError>>, Trouble> {
        let (mut entries, places) = joined(jobs);
        store(live, &mut entries).await?;
        // From here on some are stored, so an error is that of the others alone.
        let rest = find_copies(live, &mut entries).await;
        self.tell(&entries);
        let vanishing = || InboxError::unavailable("copies of it are being purged");
        let error = rest.err().map_or_else(vanishing, InboxError::from);
        let answer = |(job, place): (&&NewDelivery, usize)| {
            entries[place].answer(job).ok_or_else(|| error.clone())
        };
        Ok(jobs.iter().zip(places).map(answer).collect())
    }
}

impl Door {
    fn tell(&self, entries: &[Entry<'_>]) {
        let is_new = |entry: &&Entry<'_>| entry.kept.is_some_and(|kept| kept.is_new);
        let new = entries.iter().filter(is_new).count();
        if new > 0 {
            self.gauge.opened(new);
            self.ring.ring();
        }
    }
}

impl Entry<'_> {
    fn answer(&self, job: &NewDelivery) -> Option<Enqueued> {
        let Kept { seq, digest, is_new } = self.kept?;
        Some(match is_new && std::ptr::eq(self.new, job) {
            true => Enqueued::New(seq),
            false => Enqueued::Duplicate {
                first: seq,
                body_differs: digest != short(&job.record.digest),
            },
        })
    }
}

/// The different deliveries of a lot in their order, and the place of each job among them.
fn joined<'a>(jobs: &[&'a NewDelivery]) -> (Vec<Entry<'a>>, Vec<usize>) {
    let (mut entries, mut first) = (Vec::<Entry<'_>>::new(), HashMap::new());
    let places = jobs.iter().map(|&new| {
        let key = new.key.as_ref().map(Key::of);
        let next = entries.len();
        let place = key.map_or(next, |key| *first.entry(key).or_insert(next));
        match entries.get_mut(place) {
            Some(entry) => entry.copies += 1,
            None => entries.push(Entry { new, key, copies: 1, kept: None }),
        }
        place
    });
    let places = places.collect();
    (entries, places)
}

/// Stores those that are not kept yet, except for copies.
async fn store(live: &Live, entries: &mut [Entry<'_>]) -> Result<(), Trouble> {
    let missing: Vec<_> = missing(entries).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let order_keys = missing.iter().filter_map(|(_, entry)| entry.new.order_key.as_ref());
    let order_keys: BTreeSet<_> = order_keys.map(Key::of).collect();
    let order_keys: Vec<_> = order_keys.into_iter().collect();
    let new = match order_keys.is_empty() {
        true => insert(live, &missing).await?,
        false => {
            live.begin().await?;
            live.end(insert_in_order(live, &missing, &order_keys).await).await?
        }
    };
    for (place, seq) in new {
        if let Some(entry) = usize::try_from(place).ok().and_then(|place| entries.get_mut(place)) {
            let digest = short(&entry.new.record.digest);
            entry.kept = Some(Kept { seq, digest, is_new: true });
        }
    }
    Ok(())
}

fn missing<'a, 'b>(entries: &'a [Entry<'b>]) -> impl Iterator<Item = (i32, &'a Entry<'b>)> {
    (0..).zip(entries).filter(|(_, entry)| entry.kept.is_none())
}

async fn insert_in_order(
    live: &Live,
    entries: &[(i32, &Entry<'_>)],
    order_keys: &[Key],
) -> Result<Vec<(i32, i64)>, Trouble> {
    orders::lock(live, order_keys).await?;
    let new = insert(live, entries).await?;
    orders::release(live, order_keys).await?;
    Ok(new)
}

/// The place and the number of each that was new.
async fn insert(live: &Live, entries: &[(i32, &Entry<'_>)]) -> Result<Vec<(i32, i64)>, Trouble> {
    let of_all = |of: fn(&Record) -> &[u8]| column(entries, |new| of(&new.record));
    let texts =
        |of: fn(&Record) -> Option<&Arc<str>>| column(entries, |new| optional(of(&new.record)));
    let rows = live
        .query(
            statements::ENQUEUE,
            &[
                &entries.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
                &entries.iter().map(|(_, entry)| entry.key).collect::<Vec<_>>(),
                &column(entries, |new| short(&new.record.digest)),
                &entries.iter().map(|(_, entry)| entry.copies).collect::<Vec<_>>(),
                &of_all(|record| &record.digest),
                &texts(|record| Some(&record.source)),
                &texts(|record| record.tenant.as_ref()),
                &texts(|record| record.key_id.as_ref()),
                &texts(|record| record.id.as_ref()),
                &texts(|record| record.event_type.as_ref()),
                &column(entries, |new| time(millis(new.record.received_at))),
                &column(entries, |new| new.order_key.as_ref().map(Key::of)),
                &of_all(|record| &record.headers),
                &of_all(|record| &record.body),
            ],
        )
        .await?;
    rows.pairs()
}

fn column<'a, T>(entries: &[(i32, &'a Entry<'_>)], of: impl Fn(&'a NewDelivery) -> T) -> Vec<T> {
    entries.iter().map(|(_, entry)| of(entry.new)).collect()
}

/// Looks for what was not new. What was purged between the two statements is new after all.
async fn find_copies(live: &Live, entries: &mut [Entry<'_>]) -> Result<(), Trouble> {
    for _ in 0..ROUNDS {
        let copies = missing(entries).filter_map(|(_, entry)| Some((entry.key?, entry.copies)));
        let (keys, copies): (Vec<_>, Vec<_>) = copies.unzip();
        if keys.is_empty() {
            break;
        }
        let rows = live.query(statements::COUNT_COPIES, &[&keys, &copies]).await?;
        let mut found = HashMap::new();
        for row in rows.0 {
            let kept =
                Kept { seq: row.try_get("seq")?, digest: row.try_get("digest")?, is_new: false };
            found.insert(row.try_get::<_, Key>("key")?, kept);
        }
        for entry in entries.iter_mut().filter(|entry| entry.kept.is_none()) {
            entry.kept = entry.key.and_then(|key| found.get(&key).copied());
        }
        store(live, entries).await?;
    }
    Ok(())
}
