//! What was answered as stored is stored, even if a statement in between failed unnoticed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_postgres::{Config, NoTls, config::Host};
use tower_webhook::{
    error::InboxError,
    inbox::{PostgresStore, Store},
};

use super::{
    faults::{drop_role, limited},
    server::{Database, OWN, database, delivery, ordered, stored},
};

/// A message with a statement that fails.
const FAILS: &[u8] = b"Q\0\0\0\x0fSELECT 1/0\0";

/// The URL of the database through somebody who has a statement fail just before each commit, and hides it.
async fn meddled(database: &Database) -> String {
    let config: Config = database.url.parse().unwrap();
    let Some(Host::Tcp(host)) = config.get_hosts().first() else { panic!("no host") };
    let server = format!("{host}:{}", config.get_ports().first().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = database.url.replace(&server, &listener.local_addr().unwrap().to_string());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = TcpStream::connect(&server).await.unwrap().into_split();
            let is_hidden = Arc::<AtomicBool>::default();
            tokio::spawn(requests(from_client, to_server, is_hidden.clone()));
            tokio::spawn(answers(from_server, to_client, is_hidden));
        }
    });
    url
}

/// An error, here and in the others: somebody has hung up.
async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    is_hidden: Arc<AtomicBool>,
) -> io::Result<()> {
    // The first message has no kind.
    let first = rest_of_message(&mut from).await?;
    to.write_all(&first).await?;
    loop {
        let kind = from.read_u8().await?;
        let rest = rest_of_message(&mut from).await?;
        if kind == b'Q' && rest.ends_with(b"COMMIT\0") {
            is_hidden.store(true, Ordering::SeqCst);
            to.write_all(FAILS).await?;
        }
        to.write_u8(kind).await?;
        to.write_all(&rest).await?;
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    is_hidden: Arc<AtomicBool>,
) -> io::Result<()> {
    loop {
        let kind = from.read_u8().await?;
        let rest = rest_of_message(&mut from).await?;
        if !is_hidden.load(Ordering::SeqCst) {
            to.write_u8(kind).await?;
            to.write_all(&rest).await?;
        } else if kind == b'Z' {
            // The last message of an answer.
            is_hidden.store(false, Ordering::SeqCst);
        }
    }
}

/// The length, which counts itself, and what is so long.
async fn rest_of_message(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut message = length.to_be_bytes().to_vec();
    message.resize(length as usize, 0);
    from.read_exact(&mut message[4..]).await?;
    Ok(message)
}

#[tokio::test]
async fn a_commit_of_an_aborted_transaction_is_no_success() {
    let Some(database) = database().await else { return };
    let direct = database.store().await;
    let meddled = meddled(&database).await;
    let store = PostgresStore::connect(&meddled).await.unwrap();
    let count = "SELECT count(*) FROM tower_webhook.queue";
    for id in ["1", "2"] {
        let answer = store.enqueue(ordered(id, "a")).await;
        assert!(matches!(answer, Err(InboxError::Unavailable(_))), "{answer:?}");
        assert_eq!(database.number(count).await, 0);
        // The next one does not meet what is left of the transaction.
        stored(&store, delivery(id)).await;
        database.run("DELETE FROM tower_webhook.queue; DELETE FROM tower_webhook.seen").await;
    }
    stored(&direct, ordered("1", "a")).await;
}

/// Without this, the test above could not fail.
#[tokio::test]
async fn the_server_does_not_tell_that_a_commit_was_a_rollback() {
    let Some(database) = database().await else { return };
    let meddled = meddled(&database).await;
    let (client, connection) = tokio_postgres::connect(&meddled, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("BEGIN").await.unwrap();
    client.batch_execute("CREATE TABLE lost ()").await.unwrap();
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(database.number("SELECT count(*) FROM pg_class WHERE relname = 'lost'").await, 0);
}

/// A count of what is open fails, and at that moment the door is between two statements of a transaction.
#[tokio::test]
async fn a_count_that_fails_costs_no_delivery() {
    let Some(database) = database().await else { return };
    let (role, url) = limited(&database, 10).await;
    something_is_open(&database, &url).await;
    on_count(&database, "RAISE 'canceled by an operator'").await;
    database
        .run(
            "CREATE FUNCTION until_count() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE before bigint := (SELECT last_value FROM public.counts);
                BEGIN
                    WHILE before = (SELECT last_value FROM public.counts) LOOP PERFORM pg_sleep(0.01); END LOOP;
                    PERFORM pg_sleep(0.5);
                    RETURN NEW;
                END $$;
            CREATE TRIGGER until_count BEFORE UPDATE ON tower_webhook.queue FOR EACH ROW EXECUTE FUNCTION until_count()",
        )
        .await;
    let store = PostgresStore::connect(&url).await.unwrap();
    database.until("SELECT is_called FROM counts").await;
    // The next count is ten seconds after the first one, and no statement may wait for so long.
    database.run("SELECT pg_sleep(3)").await;
    let seq = stored(&store, ordered("2", "a")).await;
    assert_eq!(database.number("SELECT max(seq) FROM tower_webhook.queue").await, seq);
    drop(store);
    drop_role(&database, &role).await;
}

/// With a long snapshot, a count can take seconds.
#[tokio::test]
async fn the_door_does_not_wait_for_a_slow_count() {
    let Some(database) = database().await else { return };
    let (role, url) = limited(&database, 10).await;
    something_is_open(&database, &url).await;
    on_count(&database, "PERFORM pg_sleep(3.5)").await;
    let store = PostgresStore::connect(&url).await.unwrap();
    let counting = format!(
        "FROM pg_stat_activity WHERE {OWN} AND state = 'active' AND query LIKE '%AS open%'"
    );
    database.until(&format!("SELECT count(*) > 0 {counting}")).await;
    database.until(&format!("SELECT count(*) = 0 {counting}")).await;
    // Nobody else has begun to count, although it took long.
    assert_eq!(database.number("SELECT last_value FROM counts").await, 1);
    stored(&store, delivery("2")).await;
    drop(store);
    drop_role(&database, &role).await;
}

/// Has a store keep a delivery. It does not count again.
async fn something_is_open(database: &Database, url: &str) {
    let store = PostgresStore::connect(url).await.unwrap();
    database.has_counted().await;
    stored(&store, delivery("1")).await;
}

/// Has the server do this, too, whenever a role counts what is open. There must be something to count.
async fn on_count(database: &Database, sql: &str) {
    database
        .run(&format!(
            "CREATE SEQUENCE counts;
            GRANT ALL ON SEQUENCE counts TO PUBLIC;
            CREATE FUNCTION on_count() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                IF current_query() LIKE '%AS open%' THEN PERFORM nextval('public.counts'); {sql}; END IF;
                RETURN true; END $$;
            CREATE POLICY on_count ON tower_webhook.queue USING (on_count());
            ALTER TABLE tower_webhook.queue ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
        ))
        .await;
}
