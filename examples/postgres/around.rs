//! What is around the processes: a database for them alone, and a report.

use std::{collections::HashSet, env, path::Path};

use tokio_postgres::{Client, NoTls};
use tower_webhook::{
    BoxError,
    inbox::{PostgresStore, Store},
};

use crate::ledger::handled;

const DEFAULT: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// Runs `work` with the URL of a new database, which is dropped then. Without a server, it says so.
pub(crate) async fn with_database(
    work: impl AsyncFnOnce(&str) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let server = env::var("DATABASE_URL").unwrap_or_else(|_| DEFAULT.to_owned());
    let admin = match connect(&server).await {
        Ok(admin) => admin,
        // The URL may have a password in it.
        Err(error) => {
            println!("there is no PostgreSQL to show this with ({error}): set DATABASE_URL");
            return Ok(());
        }
    };
    let name = format!("tower_webhook_example_{}", std::process::id());
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let done = work(&named(&server, &name)?).await;
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    done
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The URL with another database in it.
fn named(url: &str, database: &str) -> Result<String, BoxError> {
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = address.rsplit_once('/').ok_or("DATABASE_URL names no database")?;
    Ok(format!("{server}/{database}?{options}"))
}

/// Compares what was answered with the ledger.
pub(crate) async fn report(
    url: &str,
    ledger: &Path,
    answered: usize,
    each: usize,
) -> Result<(), BoxError> {
    let handled = handled(ledger, answered * each).await?;
    let stats = PostgresStore::connect(url).await?.stats().await?;
    let deliveries: HashSet<_> = handled.values().map(|event| &event.delivery).collect();
    let twice = handled.values().filter(|event| event.attempts.len() > 1).count();
    let dead: u64 = stats.iter().map(|of_sender| of_sender.dead).sum();
    let lost = answered * each - handled.len();
    println!("{answered} deliveries with {each} events each were answered 200");
    println!(
        "{} deliveries with {} events were handled: {lost} lost, {dead} dead",
        deliveries.len(),
        handled.len()
    );
    println!(
        "{twice} events were handled twice: those that were under way when their worker was killed"
    );
    assert_eq!((deliveries.len(), lost, dead), (answered, 0, 0), "nothing is lost");
    for event in handled.values() {
        let different: HashSet<_> = event.attempts.iter().collect();
        assert_eq!(different.len(), event.attempts.len(), "no more than once in an attempt");
    }
    Ok(())
}
