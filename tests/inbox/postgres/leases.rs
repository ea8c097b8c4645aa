//! Leases, retries and acknowledgements.

use std::time::Duration;

use tower_webhook::inbox::{DeadReason, Finish, Mark, State, Store};

use super::server::{claimed, database, delivery, from, most, of, retry, seqs, stored};

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_by_another_store() {
    let Some(database) = database().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    stored(&one, delivery("1")).await;
    let old = claimed(&one).await;
    assert_eq!(other.claim(most(10)).await.unwrap().len(), 0);

    database.let_time_pass().await;
    let new = claimed(&other).await;
    assert_eq!((new.attempt, new.crashes), (2, 1));
    assert_eq!(new.lease.seq, old.lease.seq);
    assert_ne!(new.lease.token, old.lease.token);
}

#[tokio::test]
async fn with_a_stale_lease_nothing_changes() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let seq = stored(&store, delivery("1")).await;
    let old = claimed(&store).await.lease;
    database.let_time_pass().await;
    let new = claimed(&store).await.lease;
    let mark = vec![Mark { event: 0, is_done: true }];
    let dead = Finish::Dead { reason: DeadReason::Refused, error: "no".into() };
    assert!(!store.extend(old, Duration::from_secs(9), mark.clone()).await.unwrap());
    for finish in [Finish::Done, dead, retry(), Finish::Release] {
        assert!(!store.finish(old, mark.clone(), finish).await.unwrap());
    }
    assert_eq!(store.get(seq).await.unwrap().unwrap().state, State::Leased);
    assert_eq!(database.number("SELECT count(*) FROM tower_webhook.settled").await, 0);
    assert!(store.finish(new, mark, Finish::Done).await.unwrap());
    assert!(!store.finish(new, vec![], Finish::Done).await.unwrap());
}

#[tokio::test]
async fn a_token_does_not_come_again_after_a_replay() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let seq = stored(&store, delivery("1")).await;
    let old = claimed(&store).await.lease;
    assert!(store.park(seq).await.unwrap());
    assert!(!store.extend(old, Duration::from_secs(9), vec![]).await.unwrap());
    let again = store.replay(seq, tower_webhook::inbox::Replay::Rest).await.unwrap();
    assert_eq!(again, Some(seq));
    let new = claimed(&store).await;
    assert_eq!(new.attempt, 1);
    assert!(!store.finish(old, vec![], Finish::Done).await.unwrap());
    assert!(store.finish(new.lease, vec![], Finish::Done).await.unwrap());
}

#[tokio::test]
async fn an_extended_lease_and_its_marks_are_kept() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    stored(&store, delivery("1")).await;
    let lease = claimed(&store).await.lease;
    let marks = [Mark { event: 0, is_done: true }, Mark { event: 1, is_done: false }];
    let by = Duration::from_secs(600);
    assert!(store.extend(lease, by, marks.to_vec()).await.unwrap());
    let far = "SELECT count(*) FROM tower_webhook.queue WHERE due_at > now() + interval '500 s'";
    assert_eq!(database.number(far).await, 1);
    // The first end of an event counts.
    let other = vec![Mark { event: 1, is_done: true }];
    assert!(store.finish(lease, other, retry()).await.unwrap());
    assert_eq!(claimed(&store).await.settled, marks);
}

#[tokio::test]
async fn a_lease_is_extended_and_ended_at_once() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    stored(&store, delivery("1")).await;
    let lease = claimed(&store).await.lease;
    let extended = store.extend(lease, Duration::from_secs(9), vec![]);
    let finished = store.finish(lease, vec![], retry());
    assert!(extended.await.unwrap());
    assert!(finished.await.unwrap());
    assert_eq!(claimed(&store).await.crashes, 0);
}

#[tokio::test]
async fn a_retry_forgets_crashes_and_a_release_the_attempt() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let seq = stored(&store, delivery("1")).await;
    claimed(&store).await;
    database.let_time_pass().await;
    let leased = claimed(&store).await;
    assert_eq!((leased.attempt, leased.crashes), (2, 1));
    assert!(store.finish(leased.lease, vec![], Finish::Release).await.unwrap());
    let leased = claimed(&store).await;
    assert_eq!((leased.attempt, leased.crashes), (2, 1));
    assert!(store.finish(leased.lease, vec![], retry()).await.unwrap());
    let leased = claimed(&store).await;
    assert_eq!((leased.attempt, leased.crashes), (3, 0));

    let dead = Finish::Dead { reason: DeadReason::Exhausted, error: "no more".into() };
    assert!(store.finish(leased.lease, vec![], dead).await.unwrap());
    let found = store.get(seq).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (State::Dead, 3));
    assert_eq!(
        (found.reason, found.error.as_deref()),
        (Some(DeadReason::Exhausted), Some("no more"))
    );
}

#[tokio::test]
async fn a_retry_waits() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    stored(&store, delivery("1")).await;
    let later = Finish::Retry { after: Duration::from_secs(60), error: "busy".into() };
    assert!(store.finish(claimed(&store).await.lease, vec![], later).await.unwrap());
    assert_eq!(store.claim(most(10)).await.unwrap().len(), 0);
    database.let_time_pass().await;
    claimed(&store).await;
}

#[tokio::test]
async fn no_sender_takes_the_places_of_another() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let all: Vec<_> = (0..100).map(|n| store.enqueue(from("many", &format!("many {n}")))).collect();
    for enqueued in all {
        enqueued.await.unwrap();
    }
    for n in 0..3 {
        stored(&store, from("few", &format!("few {n}"))).await;
    }
    stored(&store, from("not asked for", "0")).await;
    let leased = store.claim(of(&["many", "few", "none"], 10)).await.unwrap();
    let of_few = leased.iter().filter(|leased| &*leased.record.source == "few").count();
    assert_eq!((leased.len(), of_few), (10, 3));
    // The oldest first.
    let many: Vec<_> = leased.iter().filter(|leased| &*leased.record.source == "many").collect();
    assert_eq!(
        many.iter().map(|leased| leased.lease.seq).collect::<Vec<_>>(),
        (1..=7).collect::<Vec<_>>()
    );

    store.pause("many", true).await.unwrap();
    assert_eq!(store.claim(of(&["many", "few"], 10)).await.unwrap().len(), 0);
    assert!(
        store
            .stats()
            .await
            .unwrap()
            .iter()
            .any(|stats| &*stats.source == "many" && stats.is_paused)
    );
    store.pause("many", false).await.unwrap();
    assert_eq!(store.claim(of(&["many", "few"], 10)).await.unwrap().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_never_get_the_same_delivery() {
    let Some(database) = database().await else { return };
    let stores = [database.store().await, database.store().await, database.store().await];
    let all: Vec<_> = (0..300).map(|n| stores[0].enqueue(delivery(&n.to_string()))).collect();
    for enqueued in all {
        enqueued.await.unwrap();
    }
    let workers = (0..9).map(|n| {
        let store = stores[n % 3].clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let leased = store.claim(most(8)).await.unwrap();
                if leased.is_empty() {
                    return mine;
                }
                mine.extend(seqs(&leased));
            }
        })
    });
    let mut claimed = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        claimed.extend(worker.await.unwrap());
    }
    // A worker stops when others have locked the rest, so some may be left.
    claimed.extend(seqs(&stores[0].claim(most(300)).await.unwrap()));
    claimed.sort_unstable();
    assert_eq!(claimed, (1..=300).collect::<Vec<_>>());
}

/// Claims that use floors find all that is due, too.
#[tokio::test]
async fn a_delivery_with_an_early_due_time_is_found_in_the_end() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    tokio::time::sleep(Duration::from_millis(5100)).await;
    // This one finds the floors.
    assert_eq!(store.claim(most(10)).await.unwrap().len(), 0);
    stored(&store, delivery("1")).await;
    stored(&store, delivery("2")).await;
    database
        .run("UPDATE tower_webhook.queue SET due_at = now() - interval '1 h' WHERE seq = 1")
        .await;
    assert_eq!(seqs(&store.claim(most(10)).await.unwrap()), [2]);
    tokio::time::sleep(Duration::from_millis(5100)).await;
    assert_eq!(seqs(&store.claim(most(10)).await.unwrap()), [1]);
}

#[tokio::test]
async fn an_acknowledgement_needs_the_lease() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let ack = store.ack_sql().unwrap();
    let seq = stored(&store, delivery("1")).await;
    let old = claimed(&store).await.lease.token;
    database.let_time_pass().await;
    let lease = claimed(&store).await.lease;
    let rows = async |token: i64, event: i64| {
        database.admin.execute(ack, &[&seq, &token, &event]).await.unwrap()
    };
    assert_eq!(rows(lease.token, 0).await, 1);
    assert_eq!(rows(lease.token, 0).await, 0, "it was handled before");
    assert_eq!(rows(old, 1).await, 0);
    assert!(store.finish(lease, vec![], retry()).await.unwrap());
    assert_eq!(rows(lease.token, 1).await, 0);
    assert_eq!(claimed(&store).await.settled, [Mark { event: 0, is_done: true }]);
}

/// The user's transaction is open when the lease runs out: nobody takes the delivery over until it ends.
#[tokio::test]
async fn an_open_acknowledgement_keeps_the_delivery() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let seq = stored(&store, delivery("1")).await;
    let lease = claimed(&store).await.lease;
    let mut user = database.client().await;
    let transaction = user.transaction().await.unwrap();
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&seq, &lease.token, &0_i64];
    let rows = transaction.execute(store.ack_sql().unwrap(), &parameters).await.unwrap();
    assert_eq!(rows, 1);

    database.let_time_pass().await;
    assert_eq!(store.claim(most(10)).await.unwrap().len(), 0);
    transaction.commit().await.unwrap();
    let leased = claimed(&store).await;
    assert_eq!(leased.settled, [Mark { event: 0, is_done: true }]);
}
