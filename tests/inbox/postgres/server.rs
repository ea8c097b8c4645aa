//! A database of its own for each test, and deliveries to store in it.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Config, NoTls, config::Host};
use tower_webhook::{
    error::InboxError,
    inbox::{
        Claim, Enqueued, Finish, Hash, Leased, NewDelivery, PostgresStore, Record, Store,
        StoreFuture,
    },
};

use crate::support::or_skipped;

const DEFAULT: &str = "postgres://postgres@127.0.0.1:5432/test";

/// The connections of stores in this database.
pub(crate) const OWN: &str = "application_name = 'tower-webhook' AND datname = current_database()";

/// A database that is dropped at the end.
pub(crate) struct Database {
    server: Config,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) admin: Client,
}

/// A database of the server at `TEST_POSTGRES_URL`. `None` if there is no server: then the test was skipped.
pub(crate) async fn database() -> Option<Database> {
    let url = env::var("TEST_POSTGRES_URL").unwrap_or_else(|_| DEFAULT.to_owned());
    or_skipped(at(&url).await)
}

/// A database of the server at this URL, or the line that says that there is no server.
pub(crate) async fn at(url: &str) -> Result<Database, String> {
    let server: Config = url.parse().unwrap();
    let first = match connect(&server).await {
        Ok(client) => client,
        Err(error) => {
            let Some(Host::Tcp(host)) = server.get_hosts().first() else { panic!("no host") };
            let port = server.get_ports().first().unwrap_or(&5432);
            return Err(format!("\nSKIPPED: no PostgreSQL at {host}:{port} ({error})\n"));
        }
    };
    let version = first.query_one("SELECT current_setting('server_version_num')::int", &[]).await;
    let version: i32 = version.unwrap().get(0);
    assert!(version >= 150_000, "the tests need PostgreSQL 15 or later, not {version}");
    let name = format!("tower_webhook_{:016x}", RandomState::new().hash_one(0));
    first.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut config = server.clone();
    config.dbname(&name);
    let admin = connect(&config).await.unwrap();
    let old = format!("/{}", server.get_dbname().unwrap());
    let url = url.replace(&old, &format!("/{name}"));
    Ok(Database { server, name, url, admin })
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

impl Database {
    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::connect(&self.url).await.unwrap()
    }

    /// A further connection.
    pub(crate) async fn client(&self) -> Client {
        let mut config = self.server.clone();
        connect(config.dbname(&self.name)).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap();
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.admin.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Lets the time of all leases and pauses pass.
    pub(crate) async fn let_time_pass(&self) {
        self.run("UPDATE tower_webhook.queue SET due_at = now() WHERE due_at < 'infinity'").await;
    }

    /// Has the server wait so many seconds for each row.
    pub(crate) async fn slow_down(&self, when: &str, seconds: f64) {
        let kind = if when.contains("DEFERRED") { "CONSTRAINT TRIGGER" } else { "TRIGGER" };
        self.run(&format!(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM pg_sleep({seconds}); RETURN NEW; END $$;
            CREATE {kind} wait {when} FOR EACH ROW EXECUTE FUNCTION wait()"
        ))
        .await;
    }

    /// Lets this time pass. What becomes due was due a moment ago, in its order: a store does not look for what was due long
    /// before it looked last.
    pub(crate) async fn pass(&self, time: Duration) {
        let time = format!("interval '{} milliseconds'", time.as_millis());
        self.run(&format!(
            "UPDATE tower_webhook.queue q SET held = held - {time}, due_at = CASE WHEN t.due_at <= now()
                 THEN now() - interval '5 s' + t.place * interval '1 millisecond' ELSE t.due_at END
             FROM (SELECT seq, due_at - {time} AS due_at, row_number() OVER (ORDER BY due_at, seq) AS place
                 FROM tower_webhook.queue) t WHERE t.seq = q.seq;
             UPDATE tower_webhook.outcome SET finished_at = finished_at - {time};
             UPDATE tower_webhook.seen SET first_seen = first_seen - {time};
             UPDATE tower_webhook.delivery SET received_at = received_at - {time};"
        ))
        .await;
    }

    /// Ends the connections of all stores in this database.
    pub(crate) async fn end_connections(&self) {
        self.run(&format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {OWN}"
        ))
        .await;
    }

    /// How many rows and entries of indexes have been read so far. The connections of stores tell it when they end. The one of
    /// the test must be asked, or it tells some time later, as if a store had read.
    pub(crate) async fn read(&self) -> i64 {
        self.end_connections().await;
        self.run("SELECT pg_stat_force_next_flush()").await;
        let of = |column, table| {
            format!("(SELECT sum({column}) FROM {table} WHERE schemaname = 'tower_webhook')")
        };
        let rows = of("seq_tup_read", "pg_stat_user_tables");
        let entries = of("idx_tup_read", "pg_stat_user_indexes");
        self.number(&format!("SELECT ({rows} + {entries})::bigint")).await
    }

    /// Waits until the only store has counted for the first time. What is stored meanwhile it would count, and then add. It adds
    /// up changes of the tally after that.
    pub(crate) async fn has_counted(&self) {
        let added_up = format!("{OWN} AND query LIKE '%tally_change%'");
        self.until(&format!("SELECT count(*) > 0 FROM pg_stat_activity WHERE {added_up}")).await;
    }

    /// Waits until this is true.
    pub(crate) async fn until(&self, sql: &str) {
        for _ in 0..3_000 {
            if self.admin.query_one(sql, &[]).await.unwrap().get(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never: {sql}");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let drop = async move {
            let client = connect(&server).await.unwrap();
            client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        };
        // A runtime cannot wait within its own threads.
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        thread::spawn(move || runtime().block_on(drop)).join().unwrap();
    }
}

pub(crate) fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

/// A delivery of `acme` with this id.
pub(crate) fn delivery(id: &str) -> NewDelivery {
    from("acme", id)
}

pub(crate) fn from(source: &str, id: &str) -> NewDelivery {
    let body = format!(r#"{{"id":"{id}"}}"#);
    let record = Record {
        source: source.into(),
        tenant: Some("a tenant".into()),
        key_id: None,
        id: Some(id.into()),
        event_type: Some("paid".into()),
        received_at: UNIX_EPOCH
            + Duration::from_millis(
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64,
            ),
        headers: "a: b\r\n".into(),
        digest: hash(&body),
        body: body.into(),
    };
    NewDelivery { record, key: Some(hash(id)), order_key: None }
}

/// A delivery of the tenant `order`, and after the others of that tenant.
pub(crate) fn ordered(id: &str, order: &str) -> NewDelivery {
    let mut new = NewDelivery { order_key: Some(hash(order)), ..delivery(id) };
    new.record.tenant = Some(order.into());
    new
}

/// A claim of deliveries of `acme`, for a minute.
pub(crate) fn most(most: usize) -> Claim {
    of(&["acme"], most)
}

pub(crate) fn of(sources: &[&str], most: usize) -> Claim {
    let sources = sources.iter().map(|source| Arc::from(*source)).collect();
    Claim { sources, most, lease: Duration::from_secs(60) }
}

pub(crate) fn retry() -> Finish {
    Finish::Retry { after: Duration::ZERO, error: "busy".into() }
}

pub(crate) fn seqs(leased: &[Leased]) -> Vec<i64> {
    leased.iter().map(|leased| leased.lease.seq).collect()
}

/// Stores a new delivery.
pub(crate) async fn stored(store: &PostgresStore, new: NewDelivery) -> i64 {
    match store.enqueue(new).await.unwrap() {
        Enqueued::New(seq) => seq,
        other => panic!("{other:?}"),
    }
}

/// Does it again while others hold its locks for longer than a store waits: then nothing was done.
pub(crate) async fn in_the_end<T>(work: impl Fn() -> StoreFuture<'static, T>) -> T {
    for _ in 0..600 {
        match work().await {
            Err(InboxError::Unavailable(_)) => {}
            done => return done.unwrap(),
        }
    }
    work().await.unwrap()
}

/// Claims the one delivery that is due.
pub(crate) async fn claimed(store: &PostgresStore) -> Leased {
    let mut all = store.claim(most(10)).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[tokio::test]
async fn without_a_server_the_test_says_so() {
    let Err(skipped) = at("postgres://u:secret@127.0.0.1:1/test").await else { panic!("a server") };
    assert!(skipped.starts_with("\nSKIPPED: no PostgreSQL at 127.0.0.1:1"), "{skipped}");
    assert!(!skipped.contains("secret"), "{skipped}");
}
