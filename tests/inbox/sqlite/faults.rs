//! A disk that fails: nothing is acknowledged until the file was opened again, and then everything goes on.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use tower_webhook::{
    error::InboxError,
    inbox::{Filter, SqliteStore, Store},
};

use super::{FILE, Folder, Process, delivery, stored};

/// Writes of this process beyond so many bytes of a file fail from now on.
fn limit_files(to: &str) {
    let pid = std::process::id().to_string();
    let limit = format!("--fsize={to}:unlimited");
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

/// Runs in a process of its own, since all of its files are concerned.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn failing_disk() {
    let store = SqliteStore::open(std::env::var_os(FILE).unwrap()).unwrap();
    let kept = [stored(&store, 1).await, stored(&store, 2).await];
    limit_files("1");
    let failed: Vec<_> = (3..6).map(|number| store.enqueue(delivery("a", number))).collect();
    for one in failed {
        assert_eq!(one.await, Err(InboxError::Poisoned));
    }
    // Longer than it takes to try again. Nobody waits for that.
    let (begin, mut refused) = (Instant::now(), 0);
    while begin.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(store.enqueue(delivery("a", 6)).await, Err(InboxError::Poisoned));
        assert_eq!(store.ping().await, Err(InboxError::Poisoned));
        tokio::time::sleep(Duration::from_millis(1)).await;
        refused += 1;
    }
    assert!(refused > 100, "{refused}");
    limit_files("unlimited");
    let begin = Instant::now();
    while store.ping().await == Err(InboxError::Poisoned) {
        assert!(begin.elapsed() < Duration::from_secs(20), "it does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let last = stored(&store, 7).await;
    let listed = store.list(Filter::default()).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|stored| stored.seq).collect();
    assert_eq!(listed, [kept[0], kept[1], last]);
    store.close().await.unwrap();
    println!("end {}", listed.len());
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_acknowledged_until_the_file_was_opened_again() {
    let folder = Folder::new();
    let mut process = Process::start(&folder, "sqlite::faults::failing_disk");
    let count: usize = process.line_with("end ").trim().parse().unwrap();
    assert!(process.ended().success());
    assert_eq!(folder.open().list(Filter::default()).await.unwrap().len(), count);
}

/// Runs in a process of its own, too.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn dead_disk() {
    let store = SqliteStore::open(std::env::var_os(FILE).unwrap()).unwrap();
    stored(&store, 1).await;
    limit_files("1");
    assert_eq!(store.ping().await, Err(InboxError::Poisoned));
    assert_eq!(store.close().await, Err(InboxError::Poisoned));
    println!("end");
}

#[test]
fn a_store_whose_disk_is_dead_can_be_closed() {
    let folder = Folder::new();
    let mut process = Process::start(&folder, "sqlite::faults::dead_disk");
    process.line_with("end");
    assert!(process.ended().success());
}
