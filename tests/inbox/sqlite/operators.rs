//! Operators read beside the door, users acknowledge in their own transactions, and what is old goes in slices.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use tower_webhook::{
    EventRouter,
    inbox::{
        Ack, DeadReason, Filter, Finish, Inbox, Lease, Mark, Purged, Retention, State, Store,
        Worker,
    },
};

use super::{Folder, claimed, clock, delivery, stored};
use crate::support::{self, Order, Shop, orders};

#[tokio::test]
async fn reads_do_not_wait_for_a_writer() {
    let folder = Folder::new();
    let store = folder.open();
    let seq = stored(&store, 1).await;
    let user = folder.user();
    user.execute_batch("BEGIN IMMEDIATE").unwrap();
    let stopped = store.enqueue(delivery("a", 2));
    let begin = Instant::now();
    assert_eq!(store.list(Filter::default()).await.unwrap().len(), 1);
    assert_eq!(store.get(seq).await.unwrap().unwrap().record, delivery("a", 1).record);
    assert_eq!(store.stats().await.unwrap()[0].ready, 1);
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    user.execute_batch("COMMIT").unwrap();
    assert!(stopped.await.is_ok());
}

#[tokio::test]
async fn a_reader_does_not_stop_the_door() {
    let folder = Folder::new();
    let store = folder.open();
    stored(&store, 0).await;
    let user = folder.user();
    user.execute_batch("BEGIN; SELECT * FROM inbox_delivery;").unwrap();
    for number in 1..=8 {
        let begin = Instant::now();
        stored(&store, number).await;
        // One that waits for the reader gives up after 5 seconds.
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    }
}

/// A user's transaction: an effect, and the acknowledgement. Whether it is still the user's.
fn acknowledged(user: &mut Connection, sql: &str, lease: Lease, event: u32) -> bool {
    let transaction = user.transaction().unwrap();
    transaction.execute("INSERT INTO effect VALUES (?1)", [event]).unwrap();
    let rows = transaction.execute(sql, params![lease.seq, lease.token, event]).unwrap();
    if rows == 1 {
        transaction.commit().unwrap();
    }
    rows == 1
}

#[tokio::test]
async fn a_user_acknowledges_within_a_transaction() {
    let (folder, clock) = (Folder::new(), clock());
    let store = folder.options().clock(clock.clone()).open().unwrap();
    stored(&store, 1).await;
    let mut user = folder.user();
    user.execute_batch("CREATE TABLE effect(event)").unwrap();
    let sql = store.ack_sql().unwrap();
    let stale = claimed(&store).await[0].lease;
    assert!(acknowledged(&mut user, sql, stale, 0));
    // It is settled already.
    assert!(!acknowledged(&mut user, sql, stale, 0));
    // The worker ends, and somebody else takes over.
    clock.advance(Duration::from_secs(61));
    let leased = &claimed(&store).await[0];
    assert_eq!(leased.settled, [Mark { event: 0, is_done: true }]);
    assert!(!acknowledged(&mut user, sql, stale, 1));
    assert!(acknowledged(&mut user, sql, leased.lease, 1));
    assert!(store.finish(leased.lease, Vec::new(), Finish::Done).await.unwrap());
    assert!(!acknowledged(&mut user, sql, leased.lease, 2));
    let effects: i64 = user.query_row("SELECT count(*) FROM effect", [], |row| row.get(0)).unwrap();
    assert_eq!(effects, 2);
}

#[tokio::test]
async fn a_handler_gets_the_statement_and_its_numbers() {
    let folder = Folder::new();
    let inbox = Inbox::new(folder.open());
    let seq = support::stored(&inbox, "a", orders(&[1, 2])).await;
    let (sender, mut acks) = tokio::sync::mpsc::unbounded_channel();
    let events = EventRouter::new().on(async move |_: Order, ack: Ack| sender.send(ack).unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::new(inbox.clone()).on(Shop("shop"), events);
    let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
    for event in 0..2 {
        let ack = acks.recv().await.unwrap();
        let [delivery, token, of] = ack.parameters();
        assert_eq!((ack.sql(), delivery, of), (inbox.store().ack_sql(), seq, event));
        assert!(ack.sql().is_some() && token > 0);
    }
    drop(stop);
    worker.await.unwrap();
}

#[tokio::test]
async fn a_large_purge_goes_in_slices_and_lets_others_through() {
    let (folder, clock) = (Folder::new(), clock());
    let store = folder.options().clock(clock.clone()).queue(4_096).open().unwrap();
    let all: Vec<_> = (0..2_500).map(|number| store.enqueue(delivery("a", number))).collect();
    for one in all {
        one.await.unwrap();
    }
    let leased = store.claim(super::claim_of(&["a"], 5_000)).await.unwrap();
    let finished = leased.iter().map(|leased| store.finish(leased.lease, Vec::new(), Finish::Done));
    for one in finished.collect::<Vec<_>>() {
        assert!(one.await.unwrap());
    }
    clock.advance(Duration::from_secs(100));
    let before = store.commits();
    let purge = tokio::spawn(store.purge(Retention {
        bodies: Duration::from_secs(50),
        dead: Duration::from_secs(50),
        keys: Duration::from_secs(50),
    }));
    stored(&store, 10_000).await;
    let purged = purge.await.unwrap().unwrap();
    assert_eq!(purged, Purged { bodies: 2_500, keys: 2_500, records: 2_500 });
    assert!(store.commits() - before >= 9, "{}", store.commits() - before);
    assert_eq!(store.list(Filter::default()).await.unwrap().len(), 1);
    // A copy is new again.
    stored(&store, 7).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_dead_and_stops_nobody() {
    let folder = Folder::new();
    let store = folder.open();
    let [short, missing, good] =
        [stored(&store, 1).await, stored(&store, 2).await, stored(&store, 3).await];
    let user = folder.user();
    user.execute("UPDATE inbox_delivery SET digest = x'00' WHERE seq = ?1", [short]).unwrap();
    user.execute("DELETE FROM inbox_payload WHERE seq = ?1", [missing]).unwrap();
    let leased = claimed(&store).await;
    assert_eq!(leased.iter().map(|leased| leased.lease.seq).collect::<Vec<_>>(), [good]);
    let dead = store.list(Filter { after: short, ..Filter::default() }).await.unwrap();
    assert_eq!(
        (dead[0].seq, dead[0].state, dead[0].reason),
        (missing, State::Dead, Some(DeadReason::Corrupt))
    );
    assert!(dead[0].error.as_ref().unwrap().starts_with("the stored delivery cannot be read: "));
    assert_eq!(store.stats().await.unwrap()[0].dead, 2);
    for error in
        [store.get(short).await.unwrap_err(), store.list(Filter::default()).await.unwrap_err()]
    {
        assert!(error.to_string().contains("delivery 1 cannot be read: "), "{error}");
    }
}

#[tokio::test]
async fn values_that_cannot_be_are_errors() {
    for damage in [
        "UPDATE inbox_outcome SET state = 9",
        "UPDATE inbox_outcome SET state = -1",
        "UPDATE inbox_outcome SET reason = 'bored'",
        "UPDATE inbox_outcome SET attempts = -1",
        "UPDATE inbox_outcome SET attempts = 5000000000",
        "UPDATE inbox_delivery SET digest = x''",
        "UPDATE inbox_delivery SET source = CAST(x'ff' AS TEXT)",
        "DELETE FROM inbox_outcome",
    ] {
        let folder = Folder::new();
        let store = folder.open();
        let seq = stored(&store, 1).await;
        let lease = claimed(&store).await[0].lease;
        let dead = Finish::Dead { reason: DeadReason::Refused, error: "no".into() };
        assert!(store.finish(lease, Vec::new(), dead).await.unwrap());
        folder.user().execute_batch(damage).unwrap();
        assert!(store.get(seq).await.is_err(), "{damage}");
        assert!(store.list(Filter::default()).await.is_err(), "{damage}");
    }
    // A time that cannot be is not worth an error.
    let folder = Folder::new();
    let store = folder.open();
    stored(&store, 1).await;
    folder
        .user()
        .execute_batch("UPDATE inbox_delivery SET received_at = 9223372036854775807")
        .unwrap();
    assert_eq!(claimed(&store).await.len(), 1);
    store.stats().await.unwrap();
}
