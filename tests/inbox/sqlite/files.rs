//! Opening: what is kept, what is taken over, and what is refused with which advice.

use std::{error::Error, fs, time::Duration};

use tower_webhook::{
    clock::ManualClock,
    inbox::{Finish, SqliteStore, Store},
};

use super::{Folder, START, claimed, clock, delivery, stored};

fn refused(folder: &Folder) -> String {
    folder.options().open().map(|_| ()).unwrap_err().to_string()
}

#[tokio::test]
async fn nothing_is_lost_when_a_store_is_dropped() {
    let folder = Folder::new();
    let store = folder.open();
    let kept: Vec<_> = (0..200).map(|number| store.enqueue(delivery("a", number))).collect();
    // Not one of the futures is polled.
    drop((kept, store));
    let store = folder.open();
    let mut leased = claimed(&store).await;
    assert_eq!(leased.len(), 200);
    leased.sort_by_key(|leased| leased.lease.seq);
    for (leased, number) in leased.iter().zip(0..) {
        assert_eq!(leased.record, delivery("a", number).record);
        assert_eq!((leased.attempt, leased.crashes), (1, 0));
    }
}

#[tokio::test]
async fn a_closed_store_has_an_empty_log() {
    let folder = Folder::new();
    let store = folder.open();
    let last = store.enqueue(delivery("a", 1));
    let closed = store.close();
    assert!(last.await.is_ok());
    assert!(folder.wal() > 0);
    // Otherwise the last connection would empty it.
    let user = folder.user();
    let count = "SELECT count(*) FROM inbox_delivery";
    assert_eq!(user.query_row(count, [], |row| row.get(0)), Ok(1));
    closed.await.unwrap();
    assert_eq!(folder.wal(), 0);
    // The writer has ended, and so has the lock, although there is a handle.
    stored(&folder.open(), 2).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn after_the_end_everything_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    store.close().await.unwrap();
    let closed = Some(tower_webhook::error::InboxError::Closed);
    assert_eq!(store.enqueue(delivery("a", 1)).await.err(), closed);
    assert_eq!(store.claim(super::claim_of(&["a"], 1)).await.err(), closed);
    assert_eq!(store.get(1).await.err(), closed);
    assert_eq!(store.ping().await.err(), closed);
    assert_eq!(store.purge(Default::default()).await.err(), closed);
}

#[test]
fn a_second_store_on_the_file_is_refused() {
    let folder = Folder::new();
    let _first = folder.open();
    let text = refused(&folder);
    assert!(text.starts_with("another process has `"), "{text}");
    assert!(text.ends_with("inbox.db` open: end it first, or give each process a file of its own"));
    // Nor is it let in by another name.
    #[cfg(unix)]
    {
        let link = folder.0.join("link.db");
        std::os::unix::fs::symlink(folder.file(), &link).unwrap();
        assert!(SqliteStore::open(link).is_err());
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = Folder::new();
    let text = SqliteStore::open(folder.0.join("none/inbox.db")).unwrap_err().to_string();
    assert!(
        text.starts_with("there is no folder `") && text.ends_with("none` for the inbox: make it")
    );
    assert!(SqliteStore::open(&folder.0).is_err());
    assert!(SqliteStore::open("").is_err());
}

#[test]
fn another_file_is_no_inbox() {
    let folder = Folder::new();
    fs::write(folder.file(), "This is a letter, and no database. ".repeat(100)).unwrap();
    let error = folder.options().open().unwrap_err();
    assert!(error.to_string().contains("` is no SQLite database, "), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    for number in 0..200 {
        drop(store.enqueue(delivery("a", number)));
    }
    store.close().await.unwrap();
    let mut file = fs::read(folder.file()).unwrap();
    let page = 4096;
    for at in (2 * page..file.len()).step_by(page) {
        file[at..at + 64].fill(0x5a);
    }
    fs::write(folder.file(), file).unwrap();
    let text = refused(&folder);
    assert!(text.contains("damaged"), "{text}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    stored(&store, 1).await;
    store.close().await.unwrap();
    folder.user().execute("UPDATE inbox_version SET version = 7", []).unwrap();
    let text = refused(&folder);
    assert!(
        text.contains("has the schema 7, and this version of the crate knows none after 1"),
        "{text}"
    );
    // It was left as it is.
    folder.user().execute("UPDATE inbox_version SET version = 1", []).unwrap();
    assert_eq!(claimed(&folder.open()).await.len(), 1);
}

#[tokio::test]
async fn tables_of_the_user_and_their_version_are_left_alone() {
    let folder = Folder::new();
    let user = folder.user();
    user.execute_batch(
        "PRAGMA user_version = 12; CREATE TABLE queue(mine); CREATE TABLE delivery(mine);",
    )
    .unwrap();
    stored(&folder.open(), 1).await;
    let version: i64 = user.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 12);
}

/// A reader in the other journal mode keeps the file from being written safely.
#[test]
fn a_file_that_cannot_have_a_log_is_refused() {
    let folder = Folder::new();
    let user = folder.user();
    user.execute_batch(
        "PRAGMA journal_mode = DELETE; CREATE TABLE mine(x); BEGIN; SELECT * FROM mine;",
    )
    .unwrap();
    let text = refused(&folder);
    assert!(
        text.starts_with("another process has `") || text.contains("journal mode `delete`"),
        "{text}"
    );
}

/// A process that stores a delivery by this clock, and handles it in vain: it is to wait so many seconds.
async fn failed_once(folder: &Folder, clock: ManualClock, seconds: u64) {
    let store = folder.options().clock(clock).open().unwrap();
    stored(&store, 1).await;
    let again = Finish::Retry { after: Duration::from_secs(seconds), error: "busy".into() };
    assert!(store.finish(claimed(&store).await[0].lease, vec![], again).await.unwrap());
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_clock_that_was_years_ahead_holds_nothing_up_after_a_restart() {
    let (folder, clock) = (Folder::new(), clock());
    let ahead = ManualClock::at_unix_seconds(START + 10 * 365 * 86_400);
    failed_once(&folder, ahead, 5).await;
    let store = folder.options().clock(clock.clone()).open().unwrap();
    clock.advance(Duration::from_secs(4));
    assert_eq!(claimed(&store).await.len(), 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(claimed(&store).await.len(), 1);
}

/// Nobody has claimed anything since, so the file does not know how far ahead it was.
#[tokio::test]
async fn what_was_stored_while_the_clock_was_ahead_is_due_after_a_restart() {
    let (folder, clock) = (Folder::new(), clock());
    let ahead = ManualClock::at_unix_seconds(START + 365 * 86_400);
    let store = folder.options().clock(ahead).open().unwrap();
    stored(&store, 1).await;
    store.close().await.unwrap();
    let store = folder.options().clock(clock).open().unwrap();
    assert_eq!(claimed(&store).await.len(), 1);
}

#[tokio::test]
async fn a_clock_that_was_ahead_is_made_up_for_once() {
    let (folder, clock) = (Folder::new(), clock());
    let ahead = ManualClock::at_unix_seconds(START + 365 * 86_400);
    failed_once(&folder, ahead, 3_600).await;
    for _ in 0..2 {
        let store = folder.options().clock(clock.clone()).open().unwrap();
        assert_eq!(claimed(&store).await.len(), 0);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_restart_does_not_change_the_pause_before_an_attempt() {
    let (folder, clock) = (Folder::new(), clock());
    failed_once(&folder, clock.clone(), 86_400).await;
    let store = folder.options().clock(clock.clone()).open().unwrap();
    clock.advance(Duration::from_secs(86_399));
    assert_eq!(claimed(&store).await.len(), 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(claimed(&store).await.len(), 1);
}
