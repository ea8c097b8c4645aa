//! A store that is opened on a full disk: it says so.

use std::time::Duration;

use rusqlite::Connection;
use tower_webhook::inbox::{SqliteStore, Store};

use super::{delivery, file, full::listed, order, shim::Disk};

/// Opens while there is so much room, which is too little. It must be said.
fn is_refused(room: usize) {
    order(&format!("room {room}"));
    let error = SqliteStore::open(file()).unwrap_err().to_string();
    let why = error.replace(&*file().to_string_lossy(), "it");
    let is_known = [
        "there is no room on the disk of `it`: make some",
        // If it is the index of the log that has none.
        "the disk of `it` fails, or is full: check it",
    ]
    .contains(&&*why);
    assert!(is_known, "{room}: {why}");
}

/// Opens on a disk that has no room for what the log holds.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn late_receiver() {
    [0, 1_000, 40_000, 60_000].into_iter().for_each(is_refused);
    order("room -1");
    let stored = listed(&SqliteStore::open(file()).unwrap()).await.len();
    println!("end {stored}");
}

/// Makes its file on a disk that has no room for it.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn new_receiver() {
    [0, 5_000, 20_000, 60_000].into_iter().for_each(is_refused);
    order("room -1");
    SqliteStore::open(file()).unwrap().enqueue(delivery(1)).await.unwrap();
    println!("end");
}

#[test]
fn a_store_that_is_made_on_a_full_disk_says_so() {
    let Some(disk) = Disk::new() else { return };
    disk.record_of("disk::opening::new_receiver", 0);
}

/// Dies when what it has stored is in the log only.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn receiver_that_dies() {
    let store = SqliteStore::open(file()).unwrap();
    // It keeps the log from being moved.
    let user = Connection::open(file()).unwrap();
    user.execute_batch("BEGIN; SELECT * FROM inbox_token;").unwrap();
    for number in 0..100 {
        store.enqueue(delivery(number)).await.unwrap();
    }
    println!("stored");
    tokio::time::sleep(Duration::from_secs(600)).await;
}

#[test]
fn a_store_that_is_opened_on_a_full_disk_says_so() {
    let Some(disk) = Disk::new() else { return };
    disk.child("disk::opening::receiver_that_dies", 0).line_with("stored");
    let mut late = disk.child("disk::opening::late_receiver", 0);
    assert_eq!(late.line_with("end ").trim(), "100");
    assert!(late.ended().success());
}
