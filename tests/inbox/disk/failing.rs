//! Syncs that fail: what they were to write may never reach the disk, although everybody can read it.

use std::time::Duration;

use rusqlite::Connection;
use tower_webhook::inbox::{SqliteStore, Store};

use super::{
    Answer, Ledger, Random,
    after::{after_cuts, cuts, is_found_out},
    file, order,
    record::{Record, Step},
    send,
    shim::Disk,
    until_moved,
};

async fn until_well(store: &SqliteStore) {
    for _ in 0..1_000 {
        if store.ping().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the file is not opened again");
}

/// Sends while these syncs fail.
async fn receive(faults: &[&str], answer: Answer) {
    let (store, ledger) = (SqliteStore::open(file()).unwrap(), Ledger::new());
    for (round, fault) in (0..).step_by(256).zip(faults) {
        send(&store, &ledger, (round..round + 64).collect(), answer).await;
        if round == 0 {
            // So the first fault is that of a commit.
            until_moved().await;
        }
        order(&format!("fail {fault}"));
        send(&store, &ledger, (round + 64..round + 192).collect(), answer).await;
        until_well(&store).await;
        send(&store, &ledger, (round + 192..round + 256).collect(), answer).await;
    }
    // The last fault is one of this.
    until_moved().await;
    store.close().await.unwrap();
    println!("end");
}

#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver() {
    let faults = ["inbox.db-wal 1", "inbox.db-wal 2", "inbox.db-wal 3", "inbox.db 1"];
    receive(&faults, Answer::WhenStored).await;
}

#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver_that_answers_all() {
    receive(&["inbox.db-wal 1"], Answer::EvenIfItFailed).await;
}

#[tokio::test]
async fn nothing_is_answered_by_a_failed_sync_nor_until_the_file_was_opened_again() {
    let Some(disk) = Disk::new() else { return };
    let log = disk.record_of("disk::failing::receiver", 500);
    let record = Record::read(&log);
    let failed = |name| record.places(name, |step| step == Step::Failed);
    assert_eq!((failed("inbox.db-wal").len(), failed("inbox.db").len()), (3, 1));
    // Before the first fault nothing was under way, so the next line is that of a later commit.
    let fault = failed("inbox.db-wal")[0];
    let line = record.lines().find(|(place, _)| *place > fault).unwrap().0;
    let between = |place: &usize| (fault..line).contains(place);
    let opened = record.places("inbox.db-wal", |step| step == Step::Opened);
    let opened = opened.into_iter().find(between).expect("it is opened again");
    let syncs = record.places("inbox.db-wal", |step| matches!(step, Step::Synced(_)));
    assert!(syncs.iter().filter(|place| (opened..line).contains(place)).count() >= 2);
    // Some were refused, and the others are there.
    let told = record.told(usize::MAX).stored.len();
    assert!((500..1_024).contains(&told), "{told}");
    let found = after_cuts(&record, cuts(60), Random(2)).await;
    println!(
        "{} cuts, {told} answered, something is lost after {}",
        found.cuts,
        found.faults.len()
    );
    assert_eq!(found.faults, Vec::<String>::new());
}

/// The negative control.
#[tokio::test]
async fn an_answer_although_the_sync_failed_is_found_out() {
    let Some(disk) = Disk::new() else { return };
    let log = disk.record_of("disk::failing::receiver_that_answers_all", 0);
    assert!(is_found_out(&Record::read(&log), 20).await);
}

/// Is killed when its second commit is in the log, and the sync of it has failed.
#[tokio::test]
#[ignore = "a part of the tests below"]
async fn receiver_that_dies() {
    let (store, ledger) = (SqliteStore::open(file()).unwrap(), Ledger::new());
    send(&store, &ledger, (0..64).collect(), Answer::WhenStored).await;
    until_moved().await;
    // The log begins anew: the first sync is that of its head, and a checkpoint has nothing to sync.
    order("die inbox.db-wal 2");
    println!("dies");
    let enqueued: Vec<_> = (64..128).map(|number| store.enqueue(super::delivery(number))).collect();
    for one in enqueued {
        drop(one.await);
    }
}

/// Its senders send again what was not answered.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn receiver_that_goes_on() {
    let (store, ledger) = (SqliteStore::open(file()).unwrap(), Ledger::new());
    send(&store, &ledger, (64..128).collect(), Answer::WhenStored).await;
    println!("end");
    store.close().await.unwrap();
}

/// A fault that must be found: what can be read in the log is taken for stored.
#[test]
#[ignore = "a part of the test below"]
fn receiver_that_believes_the_log() {
    let user = Connection::open(file()).unwrap();
    // The newest first: however few are only in the log, most of the cuts come after the line of one.
    let newest_first = "SELECT id FROM inbox_delivery ORDER BY seq DESC";
    let mut stored = user.prepare(newest_first).unwrap();
    let ids = stored.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let ledger = Ledger::new();
    ids.for_each(|id| ledger.note("stored", id.unwrap().parse().unwrap()));
    println!("end");
}

/// The record of a receiver that dies, and of this one after it.
fn record_after_a_death(test: &str) -> Option<Vec<u8>> {
    let disk = Disk::new()?;
    let mut child = disk.child("disk::failing::receiver_that_dies", 0);
    child.line_with("dies");
    assert!(!child.ended().success());
    Some(disk.record_of(test, 0))
}

#[tokio::test]
async fn what_a_dead_process_has_left_in_the_log_is_synced_before_a_copy_of_it_is_answered() {
    let Some(log) = record_after_a_death("disk::failing::receiver_that_goes_on") else { return };
    let record = Record::read(&log);
    assert_eq!(record.places("inbox.db-wal", |step| step == Step::Failed).len(), 1);
    assert_eq!(record.told(usize::MAX).stored.len(), 128);
    let found = after_cuts(&record, cuts(60), Random(3)).await;
    assert_eq!(found.faults, Vec::<String>::new());
}

/// The negative control.
#[tokio::test]
async fn a_log_that_is_believed_is_found_out() {
    let Some(log) = record_after_a_death("disk::failing::receiver_that_believes_the_log") else {
        return;
    };
    let record = Record::read(&log);
    assert!(record.told(usize::MAX).stored.len() > 64);
    assert!(is_found_out(&record, 60).await);
}
