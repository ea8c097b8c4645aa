//! An effect and its acknowledgement in one transaction: each event takes effect once, whatever happens in between.
//!
//! `cargo run --example ack`
//!
//! The handler writes into a table of its own in the SQLite file of the inbox. It fails twice: the first time before it
//! commits, and the second time after it has committed, as if the process had been killed there.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::{task::spawn_blocking, time::sleep};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    BoxError, Delivery, EventRouter, Sender, State, VerifyLayer,
    inbox::{Ack, Inbox, SqliteStore, Worker},
    providers::learn365::{CourseCompleted, Learn365},
};

const SECRET: &str = "invented, and as typed into the registration";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let folder = std::env::temp_dir().join(format!("tower-webhook-ack-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("webhooks.db");
    Connection::open(&file)?.execute("CREATE TABLE points (user TEXT, points INTEGER)", [])?;

    let inbox = Inbox::new(SqliteStore::open(&file)?);
    let hook = VerifyLayer::new(Learn365::new(SECRET)?).layer(inbox.clone());
    let request = Sender::new(Learn365::new(SECRET)?).event(&CourseCompleted::default())?;
    println!("answer: {}", hook.oneshot(request).await?.status());

    let events = EventRouter::with_state(file.clone()).on(completed);
    let worker = Worker::new(inbox.clone()).on(Learn365::new(SECRET)?, events);
    let pause = Duration::from_millis(10);
    worker.backoff(pause, pause).run(all_done(&inbox)).await;
    inbox.close().await?;

    let sum = "SELECT count(*), sum(points) FROM points";
    let (rows, points): (i64, i64) =
        Connection::open(&file)?.query_row(sum, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    println!("{points} points in {rows} row");
    std::fs::remove_dir_all(folder)?;
    assert_eq!((rows, points), (1, 10), "it took effect once");
    Ok(())
}

async fn completed(
    _: CourseCompleted,
    State(file): State<PathBuf>,
    ack: Ack,
    delivery: Delivery,
) -> Result<(), BoxError> {
    let attempt = delivery.attempt();
    // A transaction blocks its thread.
    let ended = spawn_blocking(move || credit(&file, ack, attempt)).await?;
    let shown = ended.as_ref().map_or_else(ToString::to_string, |()| "done".into());
    println!("attempt {attempt}: {shown}");
    ended
}

fn credit(file: &Path, ack: Ack, attempt: u32) -> Result<(), BoxError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let both = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    both.execute("INSERT INTO points VALUES ('ada', 10)", [])?;
    let sql = ack.sql().ok_or("this inbox has no SQL")?;
    if both.execute(sql, ack.parameters())? != 1 {
        return Err("another worker has it".into()); // what is not committed is rolled back
    }
    if attempt == 1 {
        return Err("it ended before the commit".into());
    }
    both.commit()?;
    Err("it ended after the commit".into())
}

/// Waits until nothing is left to do.
async fn all_done(inbox: &Inbox) {
    loop {
        let stats = inbox.store().stats().await;
        if stats.is_ok_and(|all| all.iter().all(|of| of.ready + of.leased == 0 && of.done > 0)) {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}
