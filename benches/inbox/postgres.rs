//! PostgreSQL: a database of its own on the server of the tests.

use std::{env, sync::Arc, thread};

use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Config, NoTls, Statement};
use tower_webhook::{
    BoxError,
    inbox::{Inbox, NewDelivery, PostgresOptions, PostgresStore, Store},
};

use crate::{
    deliveries::{new, to_inbox, to_store},
    door::{self, Contender, Door},
    effort::{Effort, disk},
    growth::{self, Grown},
    load::{SendOne, next},
    snapshot,
    worker::keeps_up,
};

const DEFAULT: &str = "postgres://postgres@127.0.0.1:5432/test";

/// A database that is dropped at the end.
pub(crate) struct Database {
    server: Config,
    name: String,
    client: Client,
    store: PostgresStore,
}

impl Database {
    /// `None` if there is no server: then the part is skipped.
    async fn new() -> Result<Option<Self>, BoxError> {
        let url = env::var("TEST_POSTGRES_URL").unwrap_or_else(|_| DEFAULT.to_owned());
        let server: Config = url.parse()?;
        let first = match connect(&server).await {
            Ok(first) => first,
            Err(error) if env::var("TOWER_WEBHOOK_REQUIRE_SERVICES").is_ok_and(|is| is == "1") => {
                return Err(error.into());
            }
            Err(error) => {
                eprintln!("SKIPPED: no PostgreSQL ({error})");
                return Ok(None);
            }
        };
        let name = format!("tower_webhook_bench_{}_{}", std::process::id(), next());
        first.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let (before, _) = url.rsplit_once('/').ok_or("the URL names a database")?;
        let options = PostgresOptions::new(&format!("{before}/{name}"))?.max_open(1 << 40);
        let store = PostgresStore::connect_with(options, NoTls).await?;
        let client = connect(server.clone().dbname(&name)).await?;
        Ok(Some(Self { server, name, client, store }))
    }

    async fn client(&self) -> Result<Client, BoxError> {
        Ok(connect(self.server.clone().dbname(&self.name)).await?)
    }

    async fn number(&self, sql: &str) -> Result<f64, BoxError> {
        Ok(self.client.query_one(&format!("SELECT ({sql})::float8"), &[]).await?.try_get(0)?)
    }
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let drop = async move {
            let client = connect(&server).await?;
            client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await
        };
        // A runtime cannot wait within its own threads.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(drop)
        });
        if let Err(error) = dropped.join().expect("it does not panic") {
            eprintln!("the database is still there: {error}");
        }
    }
}

pub(crate) async fn door(effort: Effort) -> Result<(), BoxError> {
    let Some(database) = Database::new().await? else { return Ok(()) };
    let store: Arc<dyn Store> = Arc::new(database.store.clone());
    let contenders = [
        contender("batches", to_store(store.clone())),
        contender("batches, layer and inbox", to_inbox(&Inbox::shared(store))),
        contender("1 connection, a transaction each", each(&database, 1).await?),
        contender("8 connections, a transaction each", each(&database, 8).await?),
        contender("64 connections, a transaction each", each(&database, 64).await?),
    ];
    door::compare(&format!("postgres {}", disk()), effort, &contenders).await;
    database.store.close().await?;
    Ok(())
}

/// All have one database, so that all find the same in it.
fn contender(name: &'static str, send: SendOne) -> Contender {
    let open = move || {
        let (send, close) = (send.clone(), Box::pin(async {}));
        Door { send, commits: Box::new(|| None), close }
    };
    Contender { name, open: Box::new(move || Box::pin(std::future::ready(open()))) }
}

/// What one would write without a batch: one statement for all tables, which is one transaction. The statements of several
/// senders on one connection are pipelined.
const EACH: &str = "
    WITH s AS (
        INSERT INTO tower_webhook.seen (key, seq, digest, copies)
        VALUES ($1::text::uuid, nextval('tower_webhook.delivery_seq'), 0, 1)
        ON CONFLICT (key) DO NOTHING RETURNING seq
    ), d AS (
        INSERT INTO tower_webhook.delivery (seq, source, id, received_at, digest)
        SELECT seq, $2, $3, $4, $5 FROM s
    ), p AS (
        INSERT INTO tower_webhook.payload (seq, headers, body) SELECT seq, $6, $7 FROM s
    ), q AS (
        INSERT INTO tower_webhook.queue (seq, source) SELECT seq, $2 FROM s
    )
    SELECT seq FROM s";

/// Each sender has its connection, or shares it with others.
async fn each(database: &Database, connections: usize) -> Result<SendOne, BoxError> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        let client = database.client().await?;
        let statement = client.prepare(EACH).await?;
        clients.push(Arc::new((client, statement)));
    }
    Ok(Arc::new(move |sender, number| {
        let client = clients[sender % clients.len()].clone();
        Box::pin(async move { insert(&client, &new(number)).await.expect("it is stored") })
    }))
}

async fn insert(
    (client, statement): &(Client, Statement),
    new: &NewDelivery,
) -> Result<(), BoxError> {
    let record = &new.record;
    let key: String = Sha256::digest(new.key.ok_or("it has a key")?)[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let stored = client
        .query_one(
            statement,
            &[
                &key,
                &&*record.source,
                &record.id.as_deref(),
                &record.received_at,
                &&record.digest[..],
                &&record.headers[..],
                &&record.body[..],
            ],
        )
        .await?;
    assert!(stored.try_get::<_, i64>(0)? > 0);
    Ok(())
}

pub(crate) async fn worker(effort: Effort) -> Result<(), BoxError> {
    let Some(database) = Database::new().await? else { return Ok(()) };
    drop(database);
    keeps_up(&format!("postgres {} worker", disk()), effort, &|| {
        Box::pin(async {
            let database = Database::new().await.expect("a database").expect("a server");
            (Arc::new(database.store.clone()) as Arc<dyn Store>, database)
        })
    })
    .await;
    Ok(())
}

impl Grown for Database {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    async fn bytes(&self) -> Result<f64, BoxError> {
        self.number("pg_database_size(current_database())").await
    }

    async fn bodies(&self) -> Result<f64, BoxError> {
        self.number("pg_total_relation_size('tower_webhook.payload')").await
    }

    /// All that was ever written to it.
    async fn log(&self) -> Result<f64, BoxError> {
        self.number("pg_current_wal_insert_lsn() - '0/0'::pg_lsn").await
    }
}

pub(crate) async fn growth(effort: Effort) -> Result<(), BoxError> {
    const WORK: &str = "postgres growth";
    let (Some(full), Some(empty)) = (Database::new().await?, Database::new().await?) else {
        return Ok(());
    };
    growth::fill(WORK, effort, &full, &empty).await?;
    growth::compare(WORK, effort, &full, &empty).await?;
    snapshot::held(WORK, effort, &full.store, &full.client().await?).await?;
    growth::purge(WORK, &full, &empty).await?;
    full.store.close().await?;
    empty.store.close().await?;
    Ok(())
}
