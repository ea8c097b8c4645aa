//! The power is cut: what was answered is there afterwards, whatever the disk had not written yet.
//!
//! A child writes, and its shim records each step. Then the disk is built as it can be after a cut at many places of the record,
//! and opened. By default there are some dozens; `TOWER_WEBHOOK_POWER_CUTS` says how many.

use std::time::Duration;

use rusqlite::Connection;
use tower_webhook::inbox::{Finish, SqliteStore, Store};

use super::{
    Answer, Ledger, Random,
    after::{Found, after_cuts, cuts},
    claim_of, file, number, order,
    record::{Record, Step},
    send,
    shim::Disk,
    until_moved,
};

/// Finishes half of 32 deliveries, and puts the others off.
async fn work(store: &SqliteStore, ledger: &Ledger) {
    let mut worked = 0;
    while worked < 32 {
        for leased in store.claim(claim_of(32 - worked)).await.unwrap() {
            worked += 1;
            let number = number(&leased.record);
            let put_off = Finish::Retry { after: Duration::from_secs(600), error: "busy".into() };
            let finish = if worked % 2 == 0 { Finish::Done } else { put_off };
            assert!(store.finish(leased.lease, Vec::new(), finish).await.unwrap());
            if worked % 2 == 0 {
                ledger.note("done", number);
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Has the log begin anew, as a store does with a long one.
fn restart() {
    let user = Connection::open(file()).unwrap();
    user.busy_timeout(Duration::from_secs(5)).unwrap();
    user.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
}

/// Stores so many times 128 deliveries. Meanwhile the log begins anew, and so it does once in between.
async fn receive(times: usize, answer: Answer) {
    let (store, ledger) = (SqliteStore::open(file()).unwrap(), Ledger::new());
    for time in 0..times {
        let restarted = tokio::task::spawn_blocking(restart);
        let numbers = (time * 128..(time + 1) * 128).collect();
        tokio::join!(send(&store, &ledger, numbers, answer), work(&store, &ledger));
        restarted.await.unwrap();
        if time == 3 {
            until_moved().await;
        }
    }
    store.close().await.unwrap();
    println!("end");
}

#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver() {
    receive(8, Answer::WhenStored).await;
}

#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver_that_answers_first() {
    receive(2, Answer::First).await;
}

/// As with `synchronous=OFF`, or on a disk that lies.
#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver_that_does_not_sync() {
    order("swallow");
    receive(2, Answer::WhenStored).await;
}

async fn cut(log: &[u8], cuts: usize) -> Found {
    let found = after_cuts(&Record::read(log), cuts, Random(1)).await;
    println!("{} cuts, something is lost after {}", found.cuts, found.faults.len());
    found
}

#[tokio::test]
async fn what_was_answered_is_there_whenever_the_power_is_cut() {
    let Some(disk) = Disk::new() else { return };
    let log = disk.record_of("disk::power::receiver", 500);
    let record = Record::read(&log);
    let begins = |step| matches!(step, Step::Written(0, head) if head.len() == 32);
    let begun = record.places("inbox.db-wal", begins).len();
    assert!(begun >= 5, "the log has begun {begun} times");
    let told = record.told(usize::MAX);
    let (stored, done) = (told.stored.len(), told.done.len());
    println!("{stored} stored, {done} done, the log begun {begun} times");
    assert_eq!((stored, done), (1_024, 128));
    let found = cut(&log, cuts(100)).await;
    assert_eq!(found.faults, Vec::<String>::new());
}

/// The first negative control.
#[tokio::test]
async fn a_disk_that_does_not_sync_is_found_out() {
    let Some(disk) = Disk::new() else { return };
    let log = disk.record_of("disk::power::receiver_that_does_not_sync", 0);
    let syncs = Record::read(&log).places("inbox.db-wal", |step| matches!(step, Step::Synced(_)));
    assert!(syncs.is_empty());
    assert!(cut(&log, 20).await.faults.len() > 5);
}

/// The second negative control.
#[tokio::test]
async fn an_answer_before_the_commit_is_found_out() {
    let Some(disk) = Disk::new() else { return };
    let log = disk.record_of("disk::power::receiver_that_answers_first", 500);
    assert!(!cut(&log, 60).await.faults.is_empty());
}
