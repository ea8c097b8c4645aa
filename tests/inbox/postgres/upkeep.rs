//! What operators do, and the tables.

use std::time::Duration;

use tower_webhook::{
    error::InboxError,
    inbox::{
        DeadReason, Enqueued, Filter, Finish, Mark, PostgresStore, Purged, Replay, Retention,
        State, Stats, Store,
    },
};

use super::server::{claimed, database, delivery, from, most, of, retry, stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_connect_to_an_empty_database_at_once() {
    let Some(database) = database().await else { return };
    let stores = [(); 4].map(|()| {
        let url = database.url.clone();
        tokio::spawn(async move { PostgresStore::connect(&url).await })
    });
    for store in stores {
        stored(
            &store.await.unwrap().unwrap(),
            delivery(&format!("{:?}", std::time::Instant::now())),
        )
        .await;
    }
}

#[tokio::test]
async fn tables_of_a_later_version_are_refused() {
    let Some(database) = database().await else { return };
    database.store().await;
    database.run("UPDATE tower_webhook.version SET version = 99").await;
    let Err(InboxError::Unavailable(why)) = PostgresStore::connect(&database.url).await else {
        panic!("it is accepted");
    };
    assert!(why.contains("version 99"), "{why}");
    database.run("UPDATE tower_webhook.version SET version = -1").await;
    PostgresStore::connect(&database.url).await.unwrap_err();
}

#[tokio::test]
async fn a_purge_keeps_keys_and_what_is_open() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    for id in ["done", "dead", "parked", "open"] {
        stored(&store, delivery(id)).await;
    }
    let leased = store.claim(most(3)).await.unwrap();
    let mark = vec![Mark { event: 0, is_done: true }];
    let dead = Finish::Dead { reason: DeadReason::Refused, error: "no".into() };
    assert!(store.finish(leased[0].lease, mark, Finish::Done).await.unwrap());
    assert!(store.finish(leased[1].lease, vec![], dead).await.unwrap());
    assert!(store.park(3).await.unwrap());

    let day = Duration::from_secs(86_400);
    assert_eq!(store.purge(Retention::default()).await.unwrap(), Purged::default());
    database.run("UPDATE tower_webhook.outcome SET finished_at = now() - interval '8 d'").await;
    let purged = store.purge(Retention::default()).await.unwrap();
    assert_eq!(purged, Purged { bodies: 1, keys: 0, records: 0 });
    assert_eq!(store.get(1).await.unwrap().unwrap().record.body.len(), 0);
    assert_eq!(store.replay(1, Replay::All).await.unwrap(), None);
    assert_eq!(store.replay(1, Replay::Copy).await.unwrap(), None);
    let copy = store.enqueue(delivery("done")).await.unwrap();
    assert_eq!(copy, Enqueued::Duplicate { first: 1, body_differs: false });

    let short = Retention { dead: day, keys: day, ..Retention::default() };
    let purged = store.purge(short).await.unwrap();
    assert_eq!(purged, Purged { bodies: 1, keys: 0, records: 2 });
    assert_eq!(store.get(1).await.unwrap(), None);
    assert_eq!(store.list(Filter::default()).await.unwrap().len(), 2);
    database.run("UPDATE tower_webhook.seen SET first_seen = now() - interval '2 d'").await;
    assert_eq!(store.purge(short).await.unwrap(), Purged { bodies: 0, keys: 4, records: 0 });
    stored(&store, delivery("done")).await;
    assert_eq!(store.replay(3, Replay::Rest).await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_purge_goes_on_after_its_first_slice() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    database
        .run("INSERT INTO tower_webhook.delivery SELECT n, 'acme', NULL, NULL, NULL, NULL, now(), ''::bytea, NULL FROM generate_series(1, 2500) n;
            INSERT INTO tower_webhook.payload SELECT n, '', '' FROM generate_series(1, 2500) n;
            INSERT INTO tower_webhook.outcome (seq, state, attempts, finished_at) SELECT n, 2, 1, now() - interval '99 d' FROM generate_series(1, 2500) n;
            INSERT INTO tower_webhook.seen SELECT gen_random_uuid(), n, 0, now() - interval '99 d', 1 FROM generate_series(1, 2500) n")
        .await;
    let purged = store.purge(Retention::default()).await.unwrap();
    assert_eq!(purged, Purged { bodies: 2500, keys: 2500, records: 2500 });
    assert_eq!(database.number("SELECT count(*) FROM tower_webhook.delivery").await, 0);
}

#[tokio::test]
async fn a_delivery_is_handled_again() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    stored(&store, delivery("1")).await;
    assert_eq!(store.replay(1, Replay::All).await.unwrap(), None, "it is open");
    assert_eq!(store.replay(9, Replay::All).await.unwrap(), None, "it does not exist");
    let marks = [Mark { event: 0, is_done: true }, Mark { event: 1, is_done: false }];
    let dead = Finish::Dead { reason: DeadReason::Refused, error: "no".into() };
    let end = async |marks: &[Mark]| {
        let leased = claimed(&store).await;
        assert!(store.finish(leased.lease, marks.to_vec(), dead.clone()).await.unwrap());
        leased
    };
    assert_eq!(end(&marks).await.settled, []);
    assert_eq!(store.replay(1, Replay::Rest).await.unwrap(), Some(1));
    let found = store.get(1).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts, found.reason), (State::Ready, 0, None));
    assert_eq!(found.error.as_deref(), Some("no"));
    assert_eq!(end(&[]).await.settled, marks[..1]);
    assert_eq!(store.replay(1, Replay::All).await.unwrap(), Some(1));
    assert_eq!(end(&[]).await.settled, []);
    let copy = store.replay(1, Replay::Copy).await.unwrap().unwrap();
    assert!(copy > 1);
    let leased = end(&[]).await;
    assert_eq!((leased.lease.seq, &leased.record), (copy, &delivery_of(&store, 1).await));
}

async fn delivery_of(store: &PostgresStore, seq: i64) -> tower_webhook::inbox::Record {
    store.get(seq).await.unwrap().unwrap().record
}

#[tokio::test]
async fn deliveries_are_listed_and_counted() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    for id in ["done", "dead", "parked", "leased", "ready"] {
        stored(&store, delivery(id)).await;
    }
    stored(&store, from("other", "of another")).await;
    let leased = store.claim(most(4)).await.unwrap();
    let dead = Finish::Dead { reason: DeadReason::Crashed, error: "no".into() };
    assert!(store.finish(leased[0].lease, vec![], Finish::Done).await.unwrap());
    assert!(store.finish(leased[1].lease, vec![], dead).await.unwrap());
    assert!(store.park(3).await.unwrap());
    assert!(!store.park(3).await.unwrap());

    let listed = async |filter: Filter| {
        let all = store.list(filter).await.unwrap();
        all.into_iter().map(|stored| stored.seq).collect::<Vec<_>>()
    };
    let in_state = |state| Filter { state: Some(state), ..Filter::default() };
    assert_eq!(listed(in_state(State::Done)).await, [1]);
    assert_eq!(listed(in_state(State::Dead)).await, [2]);
    assert_eq!(listed(in_state(State::Parked)).await, [3]);
    assert_eq!(listed(in_state(State::Leased)).await, [4]);
    assert_eq!(listed(in_state(State::Ready)).await, [5, 6]);
    assert_eq!(listed(Filter { after: 2, most: 2, ..Filter::default() }).await, [3, 4]);
    assert_eq!(listed(Filter { source: Some("other".into()), ..Filter::default() }).await, [6]);
    assert_eq!(listed(Filter { id: Some("dead".into()), ..Filter::default() }).await, [2]);
    assert_eq!(listed(Filter { tenant: Some("b".into()), ..Filter::default() }).await, [0_i64; 0]);

    store.pause("nobody", true).await.unwrap();
    let mut stats = store.stats().await.unwrap();
    assert!(stats[0].oldest.take().unwrap() < Duration::from_secs(60));
    let acme =
        Stats { ready: 1, leased: 1, done: 1, dead: 1, parked: 1, ..Stats::none("acme".into()) };
    let nobody = Stats { is_paused: true, ..Stats::none("nobody".into()) };
    assert_eq!(stats[..2], [acme, nobody]);
    assert_eq!((&*stats[2].source, stats[2].ready), ("other", 1));
}

#[tokio::test]
async fn a_paused_sender_uses_up_no_attempts() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    stored(&store, delivery("1")).await;
    store.pause("acme", true).await.unwrap();
    store.pause("acme", true).await.unwrap();
    assert_eq!(store.claim(of(&["acme"], 1)).await.unwrap().len(), 0);
    store.pause("acme", false).await.unwrap();
    let leased = claimed(&store).await;
    assert_eq!(leased.attempt, 1);
    assert!(store.finish(leased.lease, vec![], retry()).await.unwrap());
}
