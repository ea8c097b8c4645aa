//! A part of the file that the disk cannot read: the deliveries in it are dead, and the others go on.

use std::{fs, time::Duration};

use rusqlite::Connection;
use tower_webhook::{
    error::InboxError,
    inbox::{DeadReason, Filter, Finish, Leased, Retention, SqliteStore, State, Stats, Store},
};

use super::{body, claim_of, delivery, file, number, order, shim::Disk};

/// Enough for several pages with their facts.
const STORED: usize = 200;

/// A store with deliveries, of which the page that holds `bytes` cannot be read from now on.
async fn with_unreadable(bytes: &[u8]) -> SqliteStore {
    let store = SqliteStore::open(file()).unwrap();
    for number in 0..STORED {
        store.enqueue(delivery(number)).await.unwrap();
    }
    store.close().await.unwrap();
    let content = fs::read(file()).unwrap();
    // The last: the first page of a table keeps what has moved out of it.
    let mut windows = content.windows(bytes.len());
    let at = windows.rposition(|window| window == bytes).unwrap();
    let store = SqliteStore::open(file()).unwrap();
    // The writer has read the whole file. After a change by another it reads again.
    Connection::open(file()).unwrap().execute_batch("CREATE TABLE mine(x)").unwrap();
    order(&format!("bad inbox.db {at} {}", bytes.len()));
    store
}

/// What can be claimed. In between, the door is open. A claim fails for each delivery that cannot be read, and no more.
async fn claimed(store: &SqliteStore) -> Vec<Leased> {
    let mut failed = 0;
    loop {
        let claimed = store.claim(claim_of(STORED)).await;
        store.enqueue(delivery(STORED + failed)).await.unwrap();
        match claimed {
            Ok(claimed) => {
                assert_eq!(failed as u64, stats(store).await.dead);
                return claimed;
            }
            Err(error) => assert!(matches!(error, InboxError::Unavailable(_)), "{error:?}"),
        }
        failed += 1;
        assert!(failed < STORED);
    }
}

async fn stats(store: &SqliteStore) -> Stats {
    store.stats().await.unwrap().remove(0)
}

/// The numbers of those that are dead, by their reason.
async fn dead(store: &SqliteStore) -> Vec<usize> {
    let dead = Filter { state: Some(State::Dead), ..Filter::default() };
    let dead = store.list(dead).await.unwrap();
    assert!(dead.iter().all(|one| one.reason == Some(DeadReason::Corrupt)));
    dead.iter().map(|one| number(&one.record)).collect()
}

/// A body that has pages of its own.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn of_one_body() {
    let store = with_unreadable(&body(8)[5_000..5_040]).await;
    assert_eq!(claimed(&store).await.len(), STORED - 1);
    assert_eq!(dead(&store).await, [8]);
    println!("end");
}

/// A page that several bodies share.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn of_many_bodies() {
    let store = with_unreadable(&body(50)[50..90]).await;
    let claimed = claimed(&store).await;
    let dead = dead(&store).await;
    assert!(dead.len() > 1 && dead.contains(&50), "{dead:?}");
    assert_eq!(claimed.len() + dead.len(), STORED);
    // What is old is removed all the same, except for some neighbours: SQLite would move them into the page.
    for leased in &claimed {
        assert!(store.finish(leased.lease, vec![], Finish::Done).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(2)).await;
    let at_once = Retention { bodies: Duration::ZERO, dead: Duration::ZERO, keys: Duration::ZERO };
    let purged = store.purge(at_once).await.unwrap();
    let removed = purged.bodies as usize;
    assert!(removed > STORED / 2 && removed <= claimed.len(), "{purged:?}");
    assert_eq!((purged.records, purged.keys > 0), (purged.bodies, true));
    assert_eq!(stats(&store).await.dead, dead.len() as u64);
    println!("end");
}

/// A page with the facts of several deliveries.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn of_many_facts() {
    let store = with_unreadable(&delivery(5).record.digest).await;
    let claimed = claimed(&store).await.len();
    let dead = stats(&store).await.dead as usize;
    assert!(dead > 1, "{dead}");
    assert_eq!(claimed + dead, STORED);
    println!("end");
}

#[test]
fn what_cannot_be_read_is_dead_and_the_others_go_on() {
    for part in ["of_one_body", "of_many_bodies", "of_many_facts"] {
        let Some(disk) = Disk::new() else { return };
        disk.record_of(&format!("disk::unreadable::{part}"), 0);
    }
}
