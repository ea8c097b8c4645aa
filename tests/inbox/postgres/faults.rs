//! The database goes away, is silent, is full of connections, or can lose commits.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::net::TcpListener;
use tower_webhook::{
    error::InboxError,
    inbox::{Enqueued, Finish, PostgresOptions, PostgresStore, Store},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::Field,
    span::{Attributes, Id, Record},
};

use super::server::{Database, OWN, claimed, database, delivery, most, stored};

/// Less than the time that a store waits for a connection by default.
const AT_ONCE: Duration = Duration::from_secs(4);

fn unavailable<T: Debug>(result: Result<T, InboxError>) -> String {
    match result {
        Err(InboxError::Unavailable(why)) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Ends the connection that is slowed down, and slows down no other. It sleeps for longer than it would wait for a lock, so it is
/// found.
async fn end_the_one_that_waits(database: &Database) {
    let waits = format!("{OWN} AND wait_event = 'PgSleep'");
    database.until(&format!("SELECT count(*) > 0 FROM pg_stat_activity WHERE {waits}")).await;
    database
        .run(&format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {waits}"))
        .await;
    database.run("DROP FUNCTION wait CASCADE").await;
}

#[tokio::test]
async fn an_enqueue_whose_connection_ends_is_no_success() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    database.slow_down("BEFORE INSERT ON tower_webhook.seen", 100.0).await;
    let enqueued = store.enqueue(delivery("1"));
    end_the_one_that_waits(&database).await;
    unavailable(enqueued.await);
    // The sender tries again.
    stored(&store, delivery("1")).await;
}

#[tokio::test]
async fn a_claim_whose_connection_ends_costs_nothing() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    stored(&store, delivery("1")).await;
    database.slow_down("BEFORE UPDATE ON tower_webhook.queue", 100.0).await;
    let claim = tokio::spawn(store.claim(most(10)));
    end_the_one_that_waits(&database).await;
    unavailable(claim.await.unwrap());
    assert_eq!(claimed(&store).await.attempt, 1);
}

#[tokio::test]
async fn after_all_connections_ended_they_are_made_again() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    stored(&store, delivery("1")).await;
    let lease = claimed(&store).await.lease;
    store.stats().await.unwrap();
    for _ in 0..3 {
        database.end_connections().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let copy = store.enqueue(delivery("1")).await.unwrap();
        assert_eq!(copy, Enqueued::Duplicate { first: 1, body_differs: false });
        assert!(store.extend(lease, Duration::from_secs(60), vec![]).await.unwrap());
        assert_eq!(store.claim(most(10)).await.unwrap().len(), 0);
        assert_eq!(store.stats().await.unwrap().len(), 1);
    }
    assert!(store.finish(lease, vec![], Finish::Done).await.unwrap());
}

#[tokio::test]
async fn without_a_server_there_is_an_error_at_once() {
    let began = Instant::now();
    unavailable(PostgresStore::connect("postgres://u@127.0.0.1:1/d").await);
    assert!(began.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://u@{}/d", silent.local_addr().unwrap());
    let options = PostgresOptions::new(&url).unwrap().connect_timeout(Duration::from_millis(100));
    let began = Instant::now();
    let why = unavailable(PostgresStore::connect_with(options, tokio_postgres::NoTls).await);
    assert!(why.contains("within 100ms"), "{why}");
    assert!((Duration::from_millis(100)..AT_ONCE).contains(&began.elapsed()));
}

#[tokio::test]
async fn without_a_free_connection_there_is_an_error_at_once() {
    let Some(database) = database().await else { return };
    let (role, url) = limited(&database, 1).await;
    let store = PostgresStore::connect(&url).await.unwrap();
    let began = Instant::now();
    let why = unavailable(store.enqueue(delivery("1")).await);
    assert!(why.contains("SQLSTATE 53300"), "{why}");
    unavailable(store.claim(most(1)).await);
    unavailable(store.ping().await);
    assert!(began.elapsed() < AT_ONCE);
    database.run(&format!("ALTER ROLE {role} CONNECTION LIMIT 5")).await;
    stored(&store, delivery("1")).await;
    store.ping().await.unwrap();
    drop(store);
    drop_role(&database, &role).await;
}

/// A role that may have so many connections, and the URL of the database for it.
pub(super) async fn limited(database: &Database, most: u32) -> (String, String) {
    let role = database.name.clone();
    database
        .run(&format!(
            "CREATE ROLE {role} LOGIN CONNECTION LIMIT {most}; GRANT CREATE ON DATABASE {role} TO {role}"
        ))
        .await;
    let url = database.url.replace("postgres@", &format!("{role}@"));
    (role, url)
}

pub(super) async fn drop_role(database: &Database, role: &str) {
    database.end_connections().await;
    database
        .run(&format!(
            "REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}"
        ))
        .await;
}

/// Otherwise a receiver that was full once would be full for ever.
#[tokio::test]
async fn without_its_connection_for_notifications_a_store_learns_that_it_is_not_full() {
    let Some(database) = database().await else { return };
    let (role, url) = limited(&database, 5).await;
    let options = PostgresOptions::new(&url).unwrap().max_open(2);
    let receiver = PostgresStore::connect_with(options, tokio_postgres::NoTls).await.unwrap();
    database.has_counted().await;
    stored(&receiver, delivery("1")).await;
    stored(&receiver, delivery("2")).await;
    assert_eq!(receiver.enqueue(delivery("3")).await, Err(InboxError::Full));
    // Only the door's connection is left, and no other one can be made. By its number: later it may count, too.
    let own = format!("FROM pg_stat_activity WHERE usename = '{role}'");
    let door = format!("SELECT pid::bigint {own} AND query LIKE '%INSERT INTO seen%'");
    let others = format!("{own} AND pid <> {}", database.number(&door).await);
    database.run(&format!("ALTER ROLE {role} CONNECTION LIMIT 0")).await;
    database.until(&format!("SELECT count(pg_terminate_backend(pid, 5000)) = 0 {others}")).await;
    let worker = database.store().await;
    for leased in worker.claim(most(10)).await.unwrap() {
        assert!(worker.finish(leased.lease, vec![], Finish::Done).await.unwrap());
    }
    let began = Instant::now();
    while receiver.pressure().used > 0.0 {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", receiver.pressure());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stored(&receiver, delivery("3")).await;
    drop((receiver, worker));
    drop_role(&database, &role).await;
}

#[tokio::test]
async fn a_ping_writes() {
    let Some(database) = database().await else { return };
    let store = database.store().await;
    let checked =
        "SELECT (extract(epoch FROM checked_at) * 1e6)::bigint FROM tower_webhook.version";
    let before = database.number(checked).await;
    store.ping().await.unwrap();
    assert!(before < database.number(checked).await);
    let name = &database.name;
    database.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    database.end_connections().await;
    unavailable(store.ping().await);
    database.run(&format!("SET default_transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only")).await;
    store.ping().await.unwrap();
}

/// A commit of the inbox's is on the disk, whatever the default of the database is.
#[tokio::test]
async fn own_commits_wait_for_the_disk() {
    let Some(database) = database().await else { return };
    database.store().await;
    database
        .run(
            "CREATE TABLE seen_setting (value text);
            CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO public.seen_setting VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
            CREATE TRIGGER tell AFTER INSERT ON tower_webhook.queue EXECUTE FUNCTION tell()",
        )
        .await;
    for (default, own) in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")] {
        let name = &database.name;
        database
            .run(&format!(
                "ALTER DATABASE {name} SET synchronous_commit = {default}; TRUNCATE seen_setting"
            ))
            .await;
        let store = database.store().await;
        stored(&store, delivery(default)).await;
        let row = database.admin.query_one("SELECT value FROM seen_setting", &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), own, "{default}");
    }
}

#[tokio::test]
async fn a_setting_that_can_lose_commits_is_warned_of() {
    let Some(database) = database().await else { return };
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    database.store().await;
    assert_eq!(*warnings.0.lock().unwrap(), [""; 0]);
    let name = &database.name;
    database.run(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    database.store().await;
    let warnings = warnings.0.lock().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("`synchronous_commit` of its PostgreSQL is `off`"),
        "{warnings:?}"
    );
}

/// Keeps the texts of warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "tower_webhook"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut |_: &Field, value: &dyn Debug| text = format!("{value:?}"));
        self.0.lock().unwrap().push(text);
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_password_is_shown() {
    let url = "postgres://user:hunter2@127.0.0.1:1/d";
    let options = PostgresOptions::new(url).unwrap();
    let refused = PostgresStore::connect(url).await.unwrap_err();
    let mut shown = format!("{options:?} {refused} {refused:?}");
    for wrong in [
        "postgres://user:hunter2@host:port/d",
        "postgres://user:hunter2@h/d?hunter2=1",
        "password=hunter2 x=hunter2",
    ] {
        let error = PostgresOptions::new(wrong).unwrap_err();
        shown.push_str(&format!("{error} {error:?}"));
    }
    if let Some(database) = database().await {
        let url = database.url.replace("postgres@", "postgres:hunter2@");
        let store = PostgresStore::connect(&url).await.unwrap();
        shown.push_str(&format!("{store:?}"));
        let wrong = url.replace("postgres:", "nobody_of_this_name:");
        shown.push_str(&PostgresStore::connect(&wrong).await.unwrap_err().to_string());
    }
    assert!(!shown.contains("hunter2"), "{shown}");
}
