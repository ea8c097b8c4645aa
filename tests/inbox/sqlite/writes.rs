//! The writer: many writes share a commit, and a read shares none.

use std::{
    thread,
    time::{Duration, Instant},
};

use tower_webhook::{
    error::InboxError,
    inbox::{Enqueued, Finish, Store},
};

use crate::it_support::Traces;

use super::{Folder, claim_of, claimed, delivery, is_unavailable, stored};

async fn commits_of_64(folder: &Folder, per_commit: usize) -> u64 {
    let store = folder.options().per_commit(per_commit).open().unwrap();
    // They meet, since another transaction is open.
    let user = folder.user();
    user.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writes: Vec<_> = (0..64).map(|number| store.enqueue(delivery("a", number))).collect();
    user.execute_batch("COMMIT").unwrap();
    for write in writes {
        assert!(matches!(write.await, Ok(Enqueued::New(_))));
    }
    store.commits()
}

#[tokio::test]
async fn writes_that_meet_share_a_commit() {
    let (shared, alone) = (Folder::new(), Folder::new());
    assert_eq!(commits_of_64(&shared, 256).await, 1);
    assert_eq!(commits_of_64(&alone, 1).await, 64);
}

#[tokio::test]
async fn a_claim_that_finds_nothing_writes_nothing() {
    let folder = Folder::new();
    let store = folder.open();
    stored(&store, 1).await;
    let (commits, wal) = (store.commits(), folder.wal());
    for _ in 0..100 {
        assert!(store.claim(claim_of(&["b", "c"], 16)).await.unwrap().is_empty());
    }
    assert_eq!((store.commits(), folder.wal()), (commits, wal));
    assert_eq!(claimed(&store).await.len(), 1);
    assert_eq!(store.commits(), commits + 1);
}

#[tokio::test]
async fn a_job_that_fails_leaves_no_trace() {
    let folder = Folder::new();
    let store = folder.options().max_bytes(u64::MAX).min_free_bytes(0).open().unwrap();
    let user = folder.user();
    // The last of the statements that store a delivery.
    user.execute_batch(
        "CREATE TRIGGER fails BEFORE INSERT ON inbox_queue WHEN new.source = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .unwrap();
    let before = store.enqueue(delivery("a", 1));
    let failed = store.enqueue(delivery("b", 2));
    let after = store.enqueue(delivery("a", 3));
    assert!(matches!(before.await, Ok(Enqueued::New(_))));
    assert!(is_unavailable(&failed.await));
    assert!(matches!(after.await, Ok(Enqueued::New(_))));
    user.execute_batch("DROP TRIGGER fails").unwrap();
    // Its key is not taken.
    assert!(matches!(store.enqueue(delivery("b", 2)).await, Ok(Enqueued::New(_))));
    assert_eq!(store.list(Default::default()).await.unwrap().len(), 3);
    assert_eq!((store.pressure().used * 1e6).round(), 3.0);
}

/// SQLite ends the transaction of all by itself.
#[tokio::test]
async fn when_the_transaction_is_rolled_back_nobody_is_told_success() {
    let folder = Folder::new();
    let store = folder.options().max_bytes(u64::MAX).min_free_bytes(0).open().unwrap();
    let user = folder.user();
    user.execute_batch(
        "CREATE TRIGGER fails BEFORE INSERT ON inbox_queue WHEN new.source = 'b' BEGIN SELECT RAISE(ROLLBACK, 'no'); END;
         BEGIN IMMEDIATE",
    )
    .unwrap();
    // They meet in one transaction, since another one is open.
    let all: Vec<_> = [("a", 1), ("a", 2), ("b", 3), ("a", 4)]
        .map(|(source, number)| (number, store.enqueue(delivery(source, number))))
        .into();
    thread::sleep(Duration::from_millis(50));
    user.execute_batch("COMMIT").unwrap();
    let mut kept = Vec::new();
    for (number, one) in all {
        match one.await {
            Ok(_) => kept.push(number.to_string()),
            failed => assert!(is_unavailable(&failed)),
        }
    }
    assert!(kept.len() < 2, "{kept:?}");
    let listed = store.list(Default::default()).await.unwrap();
    let listed: Vec<_> =
        listed.iter().map(|stored| stored.record.id.clone().unwrap().to_string()).collect();
    assert_eq!(listed, kept);
    assert_eq!((store.pressure().used * 1e6).round(), kept.len() as f64);
    // The next one begins a transaction of its own.
    stored(&store, 5).await;
}

#[tokio::test]
async fn an_open_transaction_of_the_user_makes_all_wait_once() {
    let folder = Folder::new();
    let store = folder.open();
    let user = folder.user();
    user.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begin = Instant::now();
    let waiting: Vec<_> = (0..20).map(|number| store.enqueue(delivery("a", number))).collect();
    for one in waiting {
        assert!(is_unavailable(&one.await));
    }
    let waited = begin.elapsed();
    assert!(Duration::from_secs(4) < waited && waited < Duration::from_secs(9), "{waited:?}");
    assert!(claimed_by_hand(&user) == 0);
    user.execute_batch("COMMIT").unwrap();
    stored(&store, 1).await;
}

fn claimed_by_hand(user: &rusqlite::Connection) -> i64 {
    user.query_row("SELECT count(*) FROM inbox_delivery", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_full_queue_refuses_what_is_new_and_waits_with_the_rest() {
    let folder = Folder::new();
    let store = folder.options().queue(4).min_free_bytes(0).open().unwrap();
    stored(&store, 0).await;
    let lease = claimed(&store).await[0].lease;
    let user = folder.user();
    user.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = vec![store.enqueue(delivery("a", 1))];
    // The writer takes it, and waits with it.
    let is_taken = async {
        while store.pressure().used >= 0.25 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(4), is_taken).await.unwrap();
    waiting.extend((2..=9).map(|number| store.enqueue(delivery("a", number))));
    assert_eq!(store.pressure().used, 1.0);
    assert_eq!(store.enqueue(delivery("a", 10)).await, Err(InboxError::Full));
    let finished = tokio::spawn(store.finish(lease, Vec::new(), Finish::Done));
    user.execute_batch("COMMIT").unwrap();
    assert_eq!(finished.await.unwrap(), Ok(true));
    let mut kept = 0;
    for one in waiting {
        match one.await {
            Ok(_) => kept += 1,
            Err(error) => assert_eq!(error, InboxError::Full),
        }
    }
    assert_eq!(kept, 5);
}

#[tokio::test]
async fn the_limits_of_rows_and_bytes_hold() {
    let folder = Folder::new();
    let store = folder.options().max_open(2).min_free_bytes(0).open().unwrap();
    stored(&store, 1).await;
    assert_eq!(store.pressure().used, 0.5);
    stored(&store, 2).await;
    assert_eq!(store.enqueue(delivery("a", 3)).await, Err(InboxError::Full));
    let lease = claimed(&store).await[0].lease;
    assert!(store.finish(lease, Vec::new(), Finish::Done).await.unwrap());
    stored(&store, 3).await;
    drop(store);

    let store = folder.options().max_bytes(1 << 20).min_free_bytes(0).open().unwrap();
    let mut kept = 0;
    let mut large = delivery("a", 100);
    large.record.body = vec![0; 100_000].into();
    large.key = None;
    while store.enqueue(large.clone()).await.is_ok() {
        kept += 1;
        assert!(kept < 20);
    }
    assert_eq!(store.enqueue(large.clone()).await, Err(InboxError::Full));
    assert!(kept > 1);
}

#[tokio::test]
async fn some_room_on_the_disk_is_left() {
    let folder = Folder::new();
    // More than any disk has.
    let traces = Traces::here();
    let store = folder.options().min_free_bytes(u64::MAX).open().unwrap();
    assert!(traces.seen().iter().any(|line| line.contains("deliveries are refused")));
    assert!(store.pressure().used > 1.0);
    assert_eq!(store.enqueue(delivery("a", 1)).await, Err(InboxError::Full));
    store.close().await.unwrap();
    let store = folder.options().min_free_bytes(0).open().unwrap();
    assert!(store.pressure().used < 0.5);
    stored(&store, 1).await;
}

#[tokio::test]
async fn what_a_purge_has_freed_is_room_again() {
    let folder = Folder::new();
    let store = folder.options().max_bytes(8 << 20).min_free_bytes(0).open().unwrap();
    let mut large = delivery("a", 1);
    large.record.body = vec![0; 500_000].into();
    large.key = None;
    while store.enqueue(large.clone()).await.is_ok() {}
    for leased in claimed(&store).await {
        assert!(store.finish(leased.lease, Vec::new(), Finish::Done).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let retention =
        tower_webhook::inbox::Retention { bodies: Duration::ZERO, ..Default::default() };
    assert!(store.purge(retention).await.unwrap().bodies > 3);
    store.close().await.unwrap();
    let store = folder.options().max_bytes(8 << 20).min_free_bytes(0).open().unwrap();
    assert!(store.pressure().used < 0.5, "{:?}", store.pressure());
    assert!(store.enqueue(large).await.is_ok());
}
