//! What must be there when a store is opened after its power was cut.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
};

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use tower_webhook::inbox::{Enqueued, Filter, SqliteStore, State, Store};

use super::{
    Random, claim_of,
    cut::{Left, Platter},
    delivery, number,
    record::{Record, Step, Told},
};
use crate::sqlite::Folder;

/// How many cuts, unless `TOWER_WEBHOOK_POWER_CUTS` says it.
pub(super) fn cuts(by_default: usize) -> usize {
    env::var("TOWER_WEBHOOK_POWER_CUTS").map_or(by_default, |cuts| cuts.parse().expect("a number"))
}

/// What became of the deliveries.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) cuts: usize,
    /// A text for each cut after which something was missing or wrong.
    pub(super) faults: Vec<String>,
}

/// Cuts the power at many places of a record.
pub(super) async fn after_cuts(record: &Record<'_>, cuts: usize, mut random: Random) -> Found {
    let places = places(record, cuts, &mut random);
    let mut found = Found { cuts: places.len(), ..Found::default() };
    let mut platter = Platter::default();
    for (place, entry) in (0..).zip(&record.entries) {
        if places.contains(&place) {
            let left = match random.below(5) {
                0 => Left::Nothing,
                1 => Left::Everything,
                _ => Left::Some(10 + random.below(80)),
            };
            let folder = Folder::in_memory();
            for (name, content) in platter.after_cut(&mut random, left) {
                fs::write(folder.0.join(name), content).unwrap();
            }
            if let Err(fault) = after_cut(&folder.file(), &record.told(place)).await {
                found.faults.push(format!("cut at {place}, {left:?} left: {fault}"));
            }
        }
        platter.step(place, *entry);
    }
    found
}

/// Whether something is missing or wrong after one of so many cuts. All of them may miss the places where it is, but not each
/// time.
pub(super) async fn is_found_out(record: &Record<'_>, cuts: usize) -> bool {
    for seed in 0..3 {
        if !after_cuts(record, cuts, Random(seed)).await.faults.is_empty() {
            return true;
        }
    }
    false
}

/// Half of them stand side by side, just before and after a sync begins or ends, or a line of the ledger is written. A quarter
/// are others of that kind, and a quarter are anywhere.
fn places(record: &Record<'_>, cuts: usize, random: &mut Random) -> BTreeSet<usize> {
    let is_sync = |step| matches!(step, Step::Syncing(_) | Step::Synced(_) | Step::Failed);
    let syncs = record.entries.iter().zip(0..).filter(|(entry, _)| is_sync(entry.step));
    let lines = record.lines().map(|(place, _)| place);
    let near: BTreeSet<usize> =
        syncs.map(|(_, place)| place).chain(lines).flat_map(|place| [place, place + 1]).collect();
    let near = Vec::from_iter(near);
    let begin = random.below(near.len().saturating_sub(cuts / 2).max(1));
    let mut places: BTreeSet<_> = near.iter().copied().skip(begin).take(cuts / 2).collect();
    places.extend((0..cuts / 4).map(|_| near[random.below(near.len())]));
    places.extend((0..cuts / 4).map(|_| random.below(record.entries.len())));
    places
}

async fn after_cut(file: &Path, told: &Told) -> Result<(), String> {
    let store = SqliteStore::open(file).map_err(|error| format!("not opened: {error:?}"))?;
    let all = Filter { most: usize::MAX, ..Filter::default() };
    let listed = store.list(all).await.map_err(|error| format!("not listed: {error:?}"))?;
    let states: BTreeMap<_, _> =
        listed.iter().map(|stored| (number(&stored.record), stored.state)).collect();
    let is_lost = |number: &&usize| !states.contains_key(number);
    let lost: Vec<_> = told.stored.iter().filter(is_lost).collect();
    let is_undone = |number: &&usize| states.get(number) != Some(&State::Done);
    let undone: Vec<_> = told.done.iter().filter(is_undone).collect();
    if !lost.is_empty() || !undone.is_empty() || states.len() != listed.len() {
        return Err(format!("lost {lost:?}, done and not done {undone:?}, {} twice", {
            listed.len() - states.len()
        }));
    }
    are_whole(file).map_err(|error| format!("not read: {error}"))??;
    goes_on(&store, told).await?;
    store.close().await.map_err(|error| format!("not closed: {error:?}"))
}

/// Whether the file is consistent, and each body the one that was stored.
fn are_whole(file: &Path) -> rusqlite::Result<Result<(), String>> {
    let user = Connection::open(file)?;
    let check: String = user.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if check != "ok" {
        return Ok(Err(check));
    }
    let mut all = user.prepare(
        "SELECT id, digest, body FROM inbox_delivery LEFT JOIN inbox_payload USING (seq)",
    )?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let (id, digest, body) =
            (row.get::<_, String>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, Vec<u8>>(2)?);
        if Sha256::digest(body)[..] != digest {
            return Ok(Err(format!("another body of {id}")));
        }
    }
    Ok(Ok(()))
}

/// Whether copies are recognised, new ones are stored, and those that are done are not offered again.
async fn goes_on(store: &SqliteStore, told: &Told) -> Result<(), String> {
    for number in told.stored.first().into_iter().chain(told.stored.last()) {
        match store.enqueue(delivery(*number)).await {
            Ok(Enqueued::Duplicate { body_differs: false, .. }) => {}
            other => return Err(format!("a copy of {number}: {other:?}")),
        }
    }
    match store.enqueue(delivery(1_000_000)).await {
        Ok(Enqueued::New(_)) => {}
        other => return Err(format!("a new one: {other:?}")),
    }
    let claimed = store.claim(claim_of(usize::MAX)).await;
    for leased in claimed.map_err(|error| format!("not claimed: {error:?}"))? {
        let number = number(&leased.record);
        if told.done.contains(&number) {
            return Err(format!("{number} is claimed, although it is done"));
        }
    }
    Ok(())
}
