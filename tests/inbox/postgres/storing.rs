//! What is stored, and what is a copy.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use tower_webhook::{
    error::InboxError,
    inbox::{
        Enqueued, Filter, Finish, Leased, NewDelivery, PostgresOptions, PostgresStore, Record,
        State, Store,
    },
};

use super::server::{OWN, claimed, database, delivery, from, hash, in_the_end, most, stored};

#[tokio::test]
async fn a_delivery_comes_back_as_it_was() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let new = delivery("1");
    let seq = stored(&store, new.clone()).await;

    let Leased { lease, attempt, crashes, record, settled } = claimed(&store).await;
    assert_eq!((lease.seq, attempt, crashes, settled), (seq, 1, 0, vec![]));
    assert_eq!(record, new.record);
    assert_eq!(
        (record.headers, record.body),
        (new.record.headers.clone(), new.record.body.clone())
    );

    assert!(store.finish(lease, vec![], Finish::Done).await.unwrap());
    let found = store.get(seq).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts, &found.record), (State::Done, 1, &new.record));
    let listed =
        store.list(Filter { state: Some(State::Done), ..Filter::default() }).await.unwrap();
    let empty = Record { headers: "".into(), body: "".into(), ..new.record };
    assert_eq!(listed.iter().map(|listed| &listed.record).collect::<Vec<_>>(), [&empty]);
    assert_eq!(store.claim(most(10)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn of_copies_one_is_kept() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let first = stored(&store, delivery("1")).await;
    let mut other = delivery("1");
    let copy = store.enqueue(other.clone()).await.unwrap();
    assert_eq!(copy, Enqueued::Duplicate { first, body_differs: false });
    other.record.digest = hash("another body");
    let copy = store.enqueue(other).await.unwrap();
    assert_eq!(copy, Enqueued::Duplicate { first, body_differs: true });
    assert_eq!(database.number("SELECT copies::bigint FROM tower_webhook.seen").await, 3);
}

#[tokio::test]
async fn without_a_key_each_is_new() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let new = || NewDelivery { key: None, ..delivery("1") };
    let (a, b) = (store.enqueue(new()), store.enqueue(new()));
    let (a, b) = (a.await.unwrap(), b.await.unwrap());
    assert!(matches!((a, b), (Enqueued::New(a), Enqueued::New(b)) if a < b), "{a:?} {b:?}");
    assert_eq!(database.number("SELECT count(*) FROM tower_webhook.seen").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_copies_that_three_stores_get_at_once_one_is_new() {
    let Some(database) = database().await else { return };
    let stores = [database.store().await, database.store().await, database.store().await];
    let tasks = (0..300).map(|n| {
        let id = n / 6;
        let store = stores[n % 3].clone();
        let new = delivery(&id.to_string());
        tokio::spawn(async move { (id, in_the_end(|| store.enqueue(new.clone())).await) })
    });
    let mut by_id = BTreeMap::<_, Vec<_>>::new();
    for task in tasks.collect::<Vec<_>>() {
        let (id, enqueued) = task.await.unwrap();
        by_id.entry(id).or_default().push(enqueued);
    }
    assert_eq!(by_id.len(), 50);
    for (id, all) in by_id {
        let new: Vec<_> = all
            .iter()
            .filter_map(|e| if let Enqueued::New(seq) = e { Some(*seq) } else { None })
            .collect();
        assert_eq!(new.len(), 1, "{id}: {all:?}");
        let copy = Enqueued::Duplicate { first: new[0], body_differs: false };
        assert_eq!(all.iter().filter(|enqueued| **enqueued == copy).count(), 5, "{id}: {all:?}");
    }
    assert_eq!(database.number("SELECT count(*) FROM tower_webhook.queue").await, 50);
}

/// Each batch has the same ids in another order. Locked in the order in which they came, they would wait for each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_with_the_same_ids_do_not_lock_each_other_out() {
    let Some(database) = database().await else { return };
    let stores = [database.store().await, database.store().await, database.store().await];
    database.slow_down("BEFORE INSERT ON tower_webhook.seen", 0.001).await;
    // Who waits long is not refused, so only a deadlock is rolled back.
    database
        .run(
            "CREATE OR REPLACE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM set_config('lock_timeout', '0', false), pg_sleep(0.001); RETURN NEW; END $$",
        )
        .await;
    for round in 0..10 {
        let batches =
            stores.iter().zip([(0, 1), (31, 31), (16, 13)]).map(|(store, (first, step))| {
                let ids = (0..32).map(move |n| format!("{round} {}", (first + n * step) % 32));
                ids.map(|id| store.enqueue(delivery(&id))).collect::<Vec<_>>()
            });
        for enqueued in batches.collect::<Vec<_>>().into_iter().flatten() {
            enqueued.await.unwrap();
        }
    }
    assert_eq!(database.number("SELECT count(*) FROM tower_webhook.queue").await, 320);
    // The connections tell it when they end. Nobody ends them: what they do just now would be rolled back.
    drop(stores);
    database.until(&format!("SELECT count(*) = 0 FROM pg_stat_activity WHERE {OWN}")).await;
    let failed =
        "SELECT xact_rollback + deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(database.number(failed).await, 0);
}

#[tokio::test]
async fn a_value_that_the_database_refuses_does_not_harm_the_others() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    database.run("ALTER TABLE tower_webhook.delivery ADD CHECK (id <> '7')").await;
    let all: Vec<_> = (0..20).map(|n| store.enqueue(delivery(&n.to_string()))).collect();
    for (n, enqueued) in all.into_iter().enumerate() {
        let enqueued = enqueued.await;
        match n {
            7 => assert!(matches!(enqueued, Err(InboxError::Unavailable(_))), "{enqueued:?}"),
            _ => assert!(matches!(enqueued, Ok(Enqueued::New(_))), "{n}: {enqueued:?}"),
        }
    }
    assert_eq!(database.number("SELECT count(*) FROM tower_webhook.queue").await, 19);
}

#[tokio::test]
async fn a_nul_in_a_text_is_replaced() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    stored(&store, delivery("a\0b")).await;
    let leased = claimed(&store).await;
    assert_eq!(leased.record.id.as_deref(), Some("a\u{fffd}b"));
    let dead = Finish::Retry { after: Duration::ZERO, error: "a\0b".into() };
    assert!(store.finish(leased.lease, vec![], dead).await.unwrap());
}

#[tokio::test]
async fn a_full_store_refuses() {
    let Some(database) = database().await else { return };
    let options = PostgresOptions::new(&database.url).unwrap().max_open(2);
    let store = PostgresStore::connect_with(options, tokio_postgres::NoTls).await.unwrap();
    database.has_counted().await;
    stored(&store, delivery("1")).await;
    assert!((store.pressure().used - 0.5).abs() < 0.01);
    stored(&store, delivery("2")).await;
    assert_eq!(store.enqueue(delivery("3")).await, Err(InboxError::Full));
    let leased = store.claim(most(1)).await.unwrap().remove(0);
    assert!(store.finish(leased.lease, vec![], Finish::Done).await.unwrap());
    stored(&store, delivery("3")).await;
}

#[tokio::test]
async fn a_closed_store_has_stored_what_was_begun() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    for n in 0..200 {
        drop(store.enqueue(delivery(&n.to_string())));
    }
    store.close().await.unwrap();
    assert_eq!(database.number("SELECT count(*) FROM tower_webhook.queue").await, 200);
    assert_eq!(store.enqueue(delivery("new")).await, Err(InboxError::Closed));
    assert_eq!(store.claim(most(1)).await.map(|all| all.len()), Err(InboxError::Closed));
    store.close().await.unwrap();
}

/// It would answer each lot after ten seconds.
#[tokio::test]
async fn a_store_is_closed_in_five_seconds_even_if_the_server_is_slow() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    database.slow_down("BEFORE INSERT ON tower_webhook.seen", 100.0).await;
    let all: Vec<_> = (0..200).map(|n| store.enqueue(delivery(&n.to_string()))).collect();
    let begun = Instant::now();
    assert!(matches!(store.close().await, Err(InboxError::Unavailable(_))));
    for enqueued in all {
        assert!(matches!(enqueued.await, Err(InboxError::Unavailable(_))));
    }
    let took = begun.elapsed();
    assert!((4_900..9_000).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test]
async fn another_process_is_told_of_an_arrival() {
    let Some(database) = database().await else { return };
    let (receiver, worker) = (database.store().await, database.store().await);
    let woken = std::sync::Arc::new(AtomicUsize::new(0));
    let count = woken.clone();
    worker.on_arrival(std::sync::Arc::new(move || _ = count.fetch_add(1, Ordering::SeqCst)));
    let has_been = async |times: usize| {
        for _ in 0..300 {
            if woken.load(Ordering::SeqCst) >= times {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("woken {} times, not {times}", woken.load(Ordering::SeqCst));
    };
    // The first time when it begins to listen.
    has_been(1).await;
    let before = woken.load(Ordering::SeqCst);
    stored(&receiver, from("acme", "1")).await;
    has_been(before + 1).await;
}
