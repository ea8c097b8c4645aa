//! Nothing lost with several processes: three receivers and three workers on one PostgreSQL database.
//!
//! `cargo run --example postgres`
//!
//! This process is the sender. It starts itself six more times, kills a receiver and a worker each second, and starts two others.
//! It repeats what was not answered 200, as a sender does. Then it compares what was answered 200 with what the handlers wrote into
//! their ledger. The server is that of `DATABASE_URL`; the database is one of its own, which is dropped at the end.

mod around;
#[path = "../durable/ledger.rs"]
mod ledger;
#[path = "../durable/process.rs"]
mod process;

use std::{
    fs,
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, time::sleep};
use tower::Layer;
use tower_webhook::{
    BoxError, Draft, EventRouter, Sender, VerifyLayer,
    inbox::{Inbox, PostgresStore, Worker},
    providers::learn365::{CourseCompleted, Learn365},
};

use crate::{around::report, ledger::completed, process::Process};

const SECRET: &str = "invented, and as typed into the registration";
const SECONDS: u64 = 5;
const EVENTS: usize = 3;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    match &std::env::args().collect::<Vec<_>>()[..] {
        [_, part, url] if part == "receive" => receive(url).await,
        [_, part, url, ledger] if part == "work" => work(url, ledger).await,
        _ => around::with_database(async |url| send(url).await).await,
    }
}

/// A receiver: any number can be behind a load balancer.
async fn receive(url: &str) -> Result<(), BoxError> {
    let inbox = Inbox::new(PostgresStore::connect(url).await?);
    let hook = VerifyLayer::new(Learn365::new(SECRET)?).layer(inbox);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let app = axum::Router::new().route_service("/webhooks/learn365", hook);
    Ok(axum::serve(listener, app).await?)
}

/// A worker: any number can share the work. With a short lease, what a killed one had is taken over soon.
async fn work(url: &str, ledger: &str) -> Result<(), BoxError> {
    let inbox = Inbox::new(PostgresStore::connect(url).await?);
    let events = EventRouter::with_state(ledger.into()).on(completed);
    let worker = Worker::new(inbox).on(Learn365::new(SECRET)?, events);
    worker.lease(Duration::from_secs(2)).run(std::future::pending()).await;
    Ok(())
}

/// The sender.
async fn send(url: &str) -> Result<(), BoxError> {
    let ledger = std::env::temp_dir().join(format!("tower-webhook-ledger-{}", std::process::id()));
    let receiver = || Process::start(&["receive", url])?.receives();
    let worker = || Process::start(&["work", url, &ledger.to_string_lossy()]);
    let mut receivers = [receiver()?, receiver()?, receiver()?];
    let mut workers = [worker()?, worker()?, worker()?];
    let (begun, mut answered, mut kills) = (Instant::now(), 0, 0);
    while begun.elapsed().as_secs() < SECONDS {
        let drafts = vec![Draft::event(&CourseCompleted::default())?; EVENTS];
        let request = Sender::new(Learn365::new(SECRET)?).batch(&drafts)?;
        let mut turn = answered;
        while !receivers[turn % 3].answers_200(&request).await? {
            turn += 1;
            sleep(Duration::from_millis(20)).await;
        }
        answered += 1;
        if begun.elapsed() > Duration::from_millis(500 + 1000 * kills) {
            receivers[kills as usize % 3] = receiver()?;
            workers[kills as usize % 3] = worker()?;
            kills += 1;
        }
    }
    println!("{kills} receivers and {kills} workers were killed");
    report(url, &ledger, answered, EVENTS).await?;
    Ok(fs::remove_file(ledger)?)
}
