//! What operators ask for costs as much as it returns, and not as much as is stored.

use std::time::Duration;

use tower_webhook::inbox::{
    DeadReason, Filter, Finish, PostgresStore, Purged, Replay, Retention, State, Stats, Store,
};

use super::server::{Database, database, delivery, from, most, of, retry, stored};

/// More than a test may read.
const MANY: i64 = 5_000;
/// What a test may read.
const FEW: i64 = 300;

/// Many deliveries of `many` that ended just now, with these numbers and later ones.
async fn many_ended(database: &Database, first: i64) {
    // The autovacuum would read, too, and nobody knows when.
    for table in ["delivery", "payload", "outcome", "seen", "tally"] {
        let off = "SET (autovacuum_enabled = off)";
        database.run(&format!("ALTER TABLE tower_webhook.{table} {off}")).await;
    }
    let numbers = format!("generate_series({first}, {first} + {MANY} - 1) n");
    database
        .run(&format!(
            "SET search_path = tower_webhook;
            INSERT INTO delivery (seq, source, id, received_at, digest) SELECT n, 'many', 'id ' || n, now(), sha256('') FROM {numbers};
            INSERT INTO payload SELECT n, '', '' FROM {numbers};
            INSERT INTO outcome (seq, state, attempts) SELECT n, 2, 1 FROM {numbers};
            INSERT INTO seen SELECT md5(n::text)::uuid, n, 0, now(), 1 FROM {numbers};
            INSERT INTO tally VALUES ('many', 2, {MANY}) ON CONFLICT (source, state) DO UPDATE SET count = tally.count + {MANY};
            ALTER SEQUENCE delivery_seq RESTART {};
            RESET search_path",
            first + MANY
        ))
        .await;
}

/// What `work` returns, and how much it read.
async fn reading<T>(database: &Database, work: impl AsyncFnOnce() -> T) -> (T, i64) {
    let before = database.read().await;
    let done = work().await;
    (done, database.read().await - before)
}

/// Claims all that is due, and ends each in another way.
async fn end_all(store: &PostgresStore, sources: &[&str]) {
    let dead = Finish::Dead { reason: DeadReason::Refused, error: "no".into() };
    for (n, leased) in store.claim(of(sources, 1_000)).await.unwrap().into_iter().enumerate() {
        let finish = match n % 4 {
            0 => retry(),
            1 => dead.clone(),
            _ => Finish::Done,
        };
        assert!(store.finish(leased.lease, vec![], finish).await.unwrap());
    }
}

#[tokio::test]
async fn counting_does_not_read_what_has_ended() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    many_ended(&database, 1).await;
    for n in 0..20 {
        stored(&store, delivery(&n.to_string())).await;
    }
    end_all(&store, &["acme"]).await;
    let (stats, read) = reading(&database, async || store.stats().await.unwrap()).await;
    let ended: Vec<_> = stats.iter().map(|s| (&*s.source, s.ready, s.done, s.dead)).collect();
    assert_eq!(ended, [("acme", 5, 10, 5), ("many", 0, MANY.unsigned_abs(), 0)]);
    assert!(read < FEW, "{read}");
}

/// What is counted is what there is, whatever comes between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_counts_are_right_after_everything_that_operators_do() {
    let Some(database) = database().await else { return };
    let stores = [database.store().await, database.store().await];
    // The stores would add the changes up when it is time.
    let mut other = database.client().await;
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE tower_webhook.tally IN EXCLUSIVE MODE").await.unwrap();
    for n in 0..60 {
        stored(&stores[n % 2], from(["a", "b", "c"][n % 3], &n.to_string())).await;
    }
    for seq in [7, 8, 9] {
        assert!(stores[0].park(seq).await.unwrap());
    }
    tokio::join!(end_all(&stores[0], &["a", "b"]), end_all(&stores[1], &["c", "b"]));
    let mut replayed = 0;
    for seq in 1..30 {
        let how = [Replay::Rest, Replay::All, Replay::Copy][seq as usize % 3];
        replayed += usize::from(stores[seq as usize % 2].replay(seq, how).await.unwrap().is_some());
    }
    assert!(replayed > 15, "{replayed}");
    end_all(&stores[1], &["a", "b", "c"]).await;
    let retention =
        Retention { bodies: Duration::ZERO, dead: Duration::ZERO, keys: Duration::ZERO };
    database
        .run("UPDATE tower_webhook.outcome SET finished_at = '2020-01-01' WHERE seq < 15")
        .await;
    let old = Retention { keys: Duration::from_secs(86_400), ..retention };
    let Purged { records, .. } = stores[0].purge(old).await.unwrap();
    assert!((1..15).contains(&records), "{records}");

    let counted = async || counts(&stores[0].stats().await.unwrap());
    let there = there(&database).await;
    assert!(there.len() > 6, "{there:?}");
    assert_eq!(counted().await, there);
    assert!(database.number("SELECT count(*) FROM tower_webhook.tally_change").await > 10);
    lock.rollback().await.unwrap();
    // A store adds the changes up when it connects.
    let third = database.store().await;
    database.until("SELECT count(*) = 0 FROM tower_webhook.tally_change").await;
    assert_eq!(counted().await, there);
    // Nothing is left of what is purged.
    database.run("DELETE FROM tower_webhook.queue; UPDATE tower_webhook.outcome SET state = 2 WHERE false").await;
    third.purge(retention).await.unwrap();
    let parked: Vec<_> = counted().await.into_iter().map(|(_, state, _)| state).collect();
    assert!(parked.iter().all(|state| *state == State::Parked), "{parked:?}");
}

type Counts = Vec<(String, State, u64)>;

fn counts(stats: &[Stats]) -> Counts {
    let each = |stats: &Stats| {
        let (mut stats, source) = (stats.clone(), stats.source.to_string());
        let count = move |state| (source.clone(), state, *stats.of(state));
        State::ALL.map(count).into_iter().filter(|(_, _, count)| *count > 0)
    };
    stats.iter().flat_map(each).collect()
}

async fn there(database: &Database) -> Counts {
    let rows = database.admin.query(
        "SELECT d.source, coalesce(o.state, q.leased::integer) AS state, count(*) FROM tower_webhook.delivery d
         LEFT JOIN tower_webhook.outcome o USING (seq) LEFT JOIN tower_webhook.queue q USING (seq)
         GROUP BY 1, 2 ORDER BY 1, 2",
        &[],
    );
    let rows = rows.await.unwrap();
    rows.iter()
        .map(|row| {
            let (state, count): (i32, i64) = (row.get(1), row.get(2));
            (row.get(0), State::ALL[usize::try_from(state).unwrap()], count.unsigned_abs())
        })
        .collect()
}

/// Otherwise they would grow without a limit, and then take longer than a statement may.
#[tokio::test]
async fn changes_are_added_up_in_slices_even_if_nothing_can_be_counted() {
    let Some(database) = database().await else { return };
    database.store().await.close().await.unwrap();
    database
        .run(
            "CREATE TABLE slice (at timestamptz DEFAULT clock_timestamp());
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO public.slice DEFAULT VALUES; RETURN NULL; END $$;
            CREATE TRIGGER note AFTER INSERT ON tower_webhook.tally EXECUTE FUNCTION note();
            INSERT INTO tower_webhook.tally_change SELECT 'acme', 2 + n % 2, 1 FROM generate_series(1, 250000) n;
            ALTER TABLE tower_webhook.queue RENAME TO not_there",
        )
        .await;
    let _store = database.store().await;
    database.until("SELECT count(*) = 0 FROM tower_webhook.tally_change").await;
    let each = "SELECT count(*) FROM tower_webhook.tally WHERE source = 'acme' AND count = 125000";
    assert_eq!(database.number(each).await, 2);
    assert_eq!(database.number("SELECT count(*) FROM slice").await, 3);
}

/// If all that end deliveries changed one row, then each would wait for the commit of the one before.
#[tokio::test]
async fn who_ends_deliveries_does_not_wait_for_who_counts_them() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    for n in 0..8 {
        stored(&store, delivery(&n.to_string())).await;
    }
    end_all(&store, &["acme"]).await;
    let second = database.store().await;
    database.until("SELECT count(*) = 0 FROM tower_webhook.tally_change").await;
    let mut other = database.client().await;
    let lock = other.transaction().await.unwrap();
    let locked = lock.execute("UPDATE tower_webhook.tally SET count = count", &[]).await.unwrap();
    assert_eq!(locked, 2);
    let leased = second.claim(most(10)).await.unwrap();
    assert_eq!(leased.len(), 2);
    for leased in leased {
        assert!(second.finish(leased.lease, vec![], Finish::Done).await.unwrap());
    }
    let counted: Vec<_> = second.stats().await.unwrap().iter().map(|s| s.done).collect();
    assert_eq!(counted, [6]);
    lock.rollback().await.unwrap();
}

/// The purge of what is old, among much that is young.
#[tokio::test]
async fn a_purge_stops_at_the_first_that_is_young() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    many_ended(&database, 1).await;
    let old = "finished_at = now() - interval '8 d' WHERE seq % 500 = 0";
    database.run(&format!("UPDATE tower_webhook.outcome SET {old}")).await;
    let dead = "state = 3, finished_at = now() - interval '91 d' WHERE seq IN (7, 8)";
    database.run(&format!("UPDATE tower_webhook.outcome SET {dead}")).await;
    let old = "first_seen = now() - interval '91 d' WHERE seq IN (9, 10, 11)";
    database.run(&format!("UPDATE tower_webhook.seen SET {old}")).await;
    let purge = async || store.purge(Retention::default()).await.unwrap();
    let (purged, read) = reading(&database, purge).await;
    assert_eq!(purged, Purged { bodies: 12, records: 2, keys: 3 });
    assert!(read < FEW, "{read}");
}

/// Bodies go long before the rest of a delivery.
#[tokio::test]
async fn a_purge_does_not_look_again_at_what_it_has_been_at() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    many_ended(&database, 1).await;
    database.run("UPDATE tower_webhook.outcome SET finished_at = now() - interval '8 d'").await;
    let purge = async || store.purge(Retention::default()).await.unwrap();
    assert_eq!(purge().await.bodies, MANY.unsigned_abs());
    many_ended(&database, MANY + 1).await;
    database.run("VACUUM tower_webhook.outcome").await;
    let (purged, read) = reading(&database, purge).await;
    assert_eq!(purged, Purged::default());
    assert!(read < FEW, "{read}");
}

#[tokio::test]
async fn what_is_rare_is_not_looked_for_among_all() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    many_ended(&database, 1).await;
    // Far away, and in another block of the index of ids.
    database.run("ALTER SEQUENCE tower_webhook.delivery_seq RESTART 1000000").await;
    let [one, other] =
        [stored(&store, delivery("id 77")).await, stored(&store, delivery("b")).await];
    assert!(store.park(one).await.unwrap());
    let last = MANY - 1;
    database.run(&format!("UPDATE tower_webhook.outcome SET state = 3 WHERE seq = {last}")).await;
    let all = Filter::default;
    let id = |id: &str| Some(id.into());
    for (filter, expected) in [
        (Filter { id: id("id 77"), ..all() }, vec![77, one]),
        (Filter { id: id("id 77"), after: 77, ..all() }, vec![one]),
        (Filter { id: id("id 77"), most: 1, ..all() }, vec![77]),
        (Filter { id: id("id 77"), state: Some(State::Done), ..all() }, vec![77]),
        (Filter { id: id("id 77"), source: Some("acme".into()), ..all() }, vec![one]),
        (Filter { id: id("b"), state: Some(State::Ready), ..all() }, vec![other]),
        (Filter { id: id("nobody's"), ..all() }, vec![]),
        (Filter { state: Some(State::Parked), ..all() }, vec![one]),
        (Filter { state: Some(State::Dead), ..all() }, vec![last]),
        (Filter { state: Some(State::Ready), ..all() }, vec![other]),
    ] {
        for analyzed in [false, true] {
            if analyzed {
                database.run("ANALYZE").await;
            }
            let list = async || store.list(filter.clone()).await.unwrap();
            let (listed, read) = reading(&database, list).await;
            assert_eq!(listed.iter().map(|stored| stored.seq).collect::<Vec<_>>(), expected);
            assert!(read < FEW, "{read} with {filter:?}, {analyzed}");
        }
    }
}
