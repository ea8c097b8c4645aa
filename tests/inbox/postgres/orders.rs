//! Order keys: one delivery at a time, in the order in which they were stored, and none is left behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tower_webhook::inbox::{Claim, Finish, Leased, PostgresStore, Replay, Store};

use super::server::{claimed, database, delivery, in_the_end, most, ordered, retry, seqs, stored};

#[tokio::test]
async fn the_next_one_waits_for_the_one_before() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let all = ["1", "2", "3"].map(|id| store.enqueue(ordered(id, "a")));
    for enqueued in all {
        enqueued.await.unwrap();
    }
    stored(&store, ordered("4", "b")).await;
    stored(&store, delivery("5")).await;
    let first = store.claim(most(10)).await.unwrap();
    assert_eq!(seqs(&first), [1, 4, 5]);
    assert!(store.finish(first[0].lease, vec![], retry()).await.unwrap());
    let first = claimed(&store).await;
    assert_eq!(first.lease.seq, 1);
    assert!(store.finish(first.lease, vec![], Finish::Done).await.unwrap());
    let second = claimed(&store).await;
    assert_eq!(second.lease.seq, 2);
    // One that is put aside holds up nobody.
    assert!(store.park(2).await.unwrap());
    assert_eq!(claimed(&store).await.lease.seq, 3);
}

#[tokio::test]
async fn one_that_is_replayed_comes_before_those_that_wait() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    for id in ["1", "2", "3"] {
        stored(&store, ordered(id, "a")).await;
    }
    assert!(store.finish(claimed(&store).await.lease, vec![], Finish::Done).await.unwrap());
    let second = claimed(&store).await;
    assert_eq!(store.replay(1, Replay::All).await.unwrap(), Some(1));
    let first = claimed(&store).await;
    assert_eq!(first.lease.seq, 1);
    // The second keeps its lease, and nobody gets it before the first has ended.
    assert!(store.extend(second.lease, Duration::ZERO, vec![]).await.unwrap());
    assert_eq!(store.claim(most(10)).await.unwrap().len(), 0);
    assert!(store.finish(second.lease, vec![], retry()).await.unwrap());
    assert_eq!(store.claim(most(10)).await.unwrap().len(), 0);
    assert!(store.finish(first.lease, vec![], Finish::Done).await.unwrap());
    assert_eq!(claimed(&store).await.lease.seq, 2);
}

/// Deliveries come while the ones before them end: of such a pair of transactions, neither sees the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_is_left_behind() {
    const ALL: usize = 60;
    let Some(database) = database().await else { return };
    let stores = [database.store().await, database.store().await];
    let at_commit = "AFTER INSERT OR DELETE ON tower_webhook.queue DEFERRABLE INITIALLY DEFERRED";
    database.slow_down(at_commit, 0.005).await;
    let receivers = [0, 1].map(|receiver| {
        let store = stores[receiver].clone();
        tokio::spawn(async move {
            for n in 0..ALL / 2 {
                let id = format!("{receiver} {n}");
                let new = ordered(&id, &(n % 3).to_string());
                in_the_end(|| store.enqueue(new.clone())).await;
            }
        })
    });
    let handled = Arc::new(Mutex::new(Handled::default()));
    let workers = [0, 1, 2, 3]
        .map(|worker| tokio::spawn(work(stores[worker % 2].clone(), handled.clone(), ALL)));
    for task in receivers.into_iter().chain(workers) {
        task.await.unwrap();
    }
    let held = "SELECT count(*) FROM tower_webhook.queue WHERE held IS NOT NULL";
    assert_eq!(handled.lock().unwrap().count, ALL);
    assert_eq!(database.number(held).await, 0);
}

#[derive(Default)]
struct Handled {
    count: usize,
    busy: BTreeSet<Arc<str>>,
    last: BTreeMap<Arc<str>, i64>,
}

async fn work(store: PostgresStore, handled: Arc<Mutex<Handled>>, all: usize) {
    let end = Instant::now() + Duration::from_secs(300);
    // Longer than that, so that none is claimed again.
    let claim = Claim { lease: Duration::from_secs(600), ..most(2) };
    while Instant::now() < end && handled.lock().unwrap().count < all {
        for Leased { lease, record, .. } in store.claim(claim.clone()).await.unwrap() {
            let key = record.tenant.unwrap();
            {
                let mut handled = handled.lock().unwrap();
                assert!(handled.busy.insert(key.clone()), "two of {key} at once");
                let last = handled.last.insert(key.clone(), lease.seq);
                assert!(last < Some(lease.seq), "{} after {last:?}", lease.seq);
            }
            tokio::task::yield_now().await;
            handled.lock().unwrap().busy.remove(&key);
            assert!(in_the_end(|| store.finish(lease, vec![], Finish::Done)).await);
            handled.lock().unwrap().count += 1;
        }
    }
}
