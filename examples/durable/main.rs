//! Nothing lost: a receiver that is killed in the middle of its work, and started again.
//!
//! `cargo run --example durable`
//!
//! This process is the sender. It starts itself a second time as the receiver, with its inbox in a SQLite file of a temporary
//! folder. It kills the receiver while handlers run, starts it again, and repeats what was not answered 200, as a sender does.
//! Then it compares what was answered 200 with what the handlers wrote into their ledger.

mod ledger;
mod process;

use std::{collections::HashSet, fs, path::Path, time::Duration};

use tokio::{net::TcpListener, time::sleep};
use tower::Layer;
use tower_webhook::{
    BoxError, Draft, EventRouter, Sender, VerifyLayer,
    inbox::{Inbox, SqliteStore, Worker},
    providers::learn365::{CourseCompleted, Learn365},
};

use crate::{
    ledger::{completed, handled},
    process::Process,
};

const SECRET: &str = "invented, and as typed into the registration";
const DELIVERIES: usize = 60;
const EVENTS: usize = 3;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    match std::env::args_os().nth(1) {
        Some(folder) => receive(Path::new(&folder)).await,
        None => send().await,
    }
}

/// The receiver: the inbox answers, and the worker handles.
async fn receive(folder: &Path) -> Result<(), BoxError> {
    let inbox = Inbox::new(SqliteStore::open(folder.join("webhooks.db"))?);
    let hook = VerifyLayer::new(Learn365::new(SECRET)?).layer(inbox.clone());
    let events = EventRouter::with_state(folder.join("ledger")).on(completed);
    tokio::spawn(Worker::new(inbox).on(Learn365::new(SECRET)?, events).run(std::future::pending()));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let app = axum::Router::new().route_service("/webhooks/learn365", hook);
    Ok(axum::serve(listener, app).await?)
}

/// The sender.
async fn send() -> Result<(), BoxError> {
    let folder = std::env::temp_dir().join(format!("tower-webhook-durable-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let start = || Process::start(&[&folder.to_string_lossy()])?.receives();
    let mut receiver = start()?;
    let mut answered_200 = 0;
    let mut kills = 0;
    for number in 0..DELIVERIES {
        let drafts = vec![Draft::event(&CourseCompleted::default())?; EVENTS];
        let request = Sender::new(Learn365::new(SECRET)?).batch(&drafts)?;
        // A sender that repeats itself until it is answered 200.
        while !receiver.answers_200(&request).await? {
            sleep(Duration::from_millis(20)).await;
        }
        answered_200 += 1;
        if number % 20 == 10 {
            drop(receiver);
            receiver = start()?;
            kills += 1;
        }
    }
    let events = answered_200 * EVENTS;
    let handled = handled(&folder.join("ledger"), events).await?;
    drop(receiver);
    fs::remove_dir_all(&folder)?;

    let deliveries: HashSet<_> = handled.values().map(|event| &event.delivery).collect();
    let twice = handled.values().filter(|event| event.attempts.len() > 1).count();
    println!("the receiver was killed {kills} times");
    println!("{answered_200} deliveries with {EVENTS} events each were answered 200");
    println!("{} deliveries with {} events were handled", deliveries.len(), handled.len());
    println!("{twice} events were handled twice: those that were under way when it was killed");
    assert_eq!((deliveries.len(), handled.len()), (answered_200, events), "nothing is lost");
    assert!(
        handled.values().all(|event| event.attempts.len() <= 1 + kills),
        "no more than once per kill"
    );
    Ok(())
}
