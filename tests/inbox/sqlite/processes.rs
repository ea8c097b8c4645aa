//! Two processes: the second one is kept away, and takes over what the first has left when it dies.

use std::{io::Write, thread, time::Duration};

use tower_webhook::inbox::{Finish, Lease, SqliteStore, Store};

use super::{FILE, Folder, Process, claimed, stored};

/// Runs in the other process.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn other_process() {
    let store = SqliteStore::open(std::env::var_os(FILE).unwrap()).unwrap();
    stored(&store, 1).await;
    let lease = claimed(&store).await[0].lease;
    println!("has {} {}", lease.seq, lease.token);
    std::io::stdout().flush().unwrap();
    thread::sleep(Duration::from_secs(600));
}

#[tokio::test]
async fn leases_of_a_process_that_died_are_due_at_once() {
    let folder = Folder::new();
    let mut other = Process::start(&folder, "sqlite::processes::other_process");
    let line = other.line_with("has ");
    let (seq, token) = line.trim().split_once(' ').unwrap();
    let former = Lease { seq: seq.parse().unwrap(), token: token.parse().unwrap() };
    let refused = folder.options().open().unwrap_err();
    drop(other);
    assert!(refused.to_string().starts_with("another process has `"), "{refused}");
    let store = folder.open();
    let leased = &claimed(&store).await[0];
    assert_eq!((leased.attempt, leased.crashes, leased.lease.seq), (2, 1, former.seq));
    assert!(leased.lease.token > former.token);
    assert!(!store.finish(former, Vec::new(), Finish::Done).await.unwrap());
}
