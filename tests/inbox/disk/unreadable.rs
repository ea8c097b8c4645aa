//! A part of the file that the disk cannot read: one delivery is dead, and the others go on.

use std::fs;

use rusqlite::Connection;
use tower_webhook::{
    error::InboxError,
    inbox::{DeadReason, Filter, SqliteStore, State, Store},
};

use super::{body, claim_of, delivery, file, number, order, shim::Disk};

/// One whose body has pages of its own.
const BAD: usize = 8;
const STORED: usize = 20;

#[tokio::test]
#[ignore = "a part of the test below"]
async fn receiver() {
    let store = SqliteStore::open(file()).unwrap();
    for number in 0..STORED {
        store.enqueue(delivery(number)).await.unwrap();
    }
    store.close().await.unwrap();
    let (content, body) = (fs::read(file()).unwrap(), body(BAD));
    let middle = &body[5_000..5_040];
    let at = content.windows(middle.len()).position(|window| window == middle).unwrap();
    let store = SqliteStore::open(file()).unwrap();
    // The writer has read the whole file. After a change by another it reads again.
    Connection::open(file()).unwrap().execute_batch("CREATE TABLE mine(x)").unwrap();
    order(&format!("bad inbox.db {at} 40"));
    let mut claimed = Vec::new();
    for _ in 0..3 {
        // Those that share the transaction are refused once.
        match store.claim(claim_of(100)).await {
            Ok(all) => claimed.extend(all.iter().map(|leased| number(&leased.record))),
            Err(error)
                if {
                    println!("{error:?}");
                    false
                } => {}
            Err(error) => assert!(matches!(error, InboxError::Unavailable(_)), "{error:?}"),
        }
        store.enqueue(delivery(STORED + claimed.len())).await.unwrap();
    }
    let dead = Filter { state: Some(State::Dead), ..Filter::default() };
    let dead = store.list(dead).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((number(&dead[0].record), dead[0].reason), (BAD, Some(DeadReason::Corrupt)));
    assert!(claimed.iter().filter(|number| **number < STORED).count() == STORED - 1);
    println!("end");
}

#[test]
fn a_body_that_cannot_be_read_is_dead_and_the_others_go_on() {
    let Some(disk) = Disk::new() else { return };
    disk.record_of("disk::unreadable::receiver", 0);
}
