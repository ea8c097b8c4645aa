//! Nothing lost: a receiver that is killed in the middle of its work, and started again.
//!
//! `cargo run --example durable`
//!
//! This process is the sender. It starts itself a second time as the receiver, with its inbox in a SQLite file of a temporary
//! folder. It kills the receiver while handlers run, starts it again, and repeats what was not answered 200, as a sender does.
//! Then it compares what was answered 200 with what the handlers wrote into their ledger.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use http::{Request, Uri};
use tokio::{net::TcpListener, time::sleep};
use tower::Layer;
use tower_webhook::{
    BoxError, Delivery, Draft, EventRouter, Sender, State, VerifyLayer,
    inbox::{Inbox, SqliteStore, Worker},
    providers::learn365::{CourseCompleted, Learn365},
    router::EventKey,
    sender::deliver,
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

/// Takes some time, and then writes its effect.
async fn completed(
    _: CourseCompleted,
    State(ledger): State<PathBuf>,
    key: Option<EventKey>,
    delivery: Delivery,
) -> Result<(), BoxError> {
    sleep(Duration::from_millis(10)).await;
    let key = key.ok_or("a delivery without an id")?;
    let line = format!("{key} {} {}\n", delivery.id().unwrap_or_default(), delivery.attempt());
    // In one write: two could be torn apart by the kill.
    Ok(OpenOptions::new().append(true).create(true).open(ledger)?.write_all(line.as_bytes())?)
}

/// The sender.
async fn send() -> Result<(), BoxError> {
    let folder = std::env::temp_dir().join(format!("tower-webhook-durable-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let mut receiver = Receiver::start(&folder)?;
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
            receiver.kill()?;
            receiver = Receiver::start(&folder)?;
            kills += 1;
        }
    }
    let events = answered_200 * EVENTS;
    let handled = handled(&folder.join("ledger"), events).await?;
    receiver.kill()?;
    fs::remove_dir_all(&folder)?;

    let deliveries: HashSet<_> = handled.values().map(|event| &event.delivery).collect();
    let twice = handled.values().filter(|event| event.times > 1).count();
    println!("the receiver was killed {kills} times");
    println!("{answered_200} deliveries with {EVENTS} events each were answered 200");
    println!("{} deliveries with {} events were handled", deliveries.len(), handled.len());
    println!("{twice} events were handled twice: those that were under way when it was killed");
    assert_eq!((deliveries.len(), handled.len()), (answered_200, events), "nothing is lost");
    assert!(handled.values().all(|event| event.times <= 1 + kills), "no more than once per kill");
    Ok(())
}

/// A receiver in a process of its own.
struct Receiver {
    process: Child,
    target: Uri,
}

impl Receiver {
    fn start(folder: &Path) -> Result<Self, BoxError> {
        let mut process =
            Command::new(std::env::current_exe()?).arg(folder).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut address)?;
        let target = format!("http://{}/webhooks/learn365", address.trim()).parse()?;
        Ok(Self { process, target })
    }

    async fn answers_200(&self, request: &Request<tower_webhook::Body>) -> Result<bool, BoxError> {
        let mut request = request.clone();
        *request.uri_mut() = self.target.clone();
        Ok(deliver(request).await.is_ok_and(|answer| answer.status() == 200))
    }

    /// With SIGKILL: it can do nothing about it.
    fn kill(mut self) -> Result<(), BoxError> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

struct Handled {
    delivery: String,
    times: usize,
}

/// The ledger, by the key of each event, when it has this many events.
async fn handled(ledger: &Path, events: usize) -> Result<BTreeMap<String, Handled>, BoxError> {
    let begun = Instant::now();
    loop {
        let mut all: BTreeMap<String, Handled> = BTreeMap::new();
        for line in fs::read_to_string(ledger).unwrap_or_default().lines() {
            let [key, delivery, _attempt] = line.split(' ').collect::<Vec<_>>()[..] else {
                return Err(format!("`{line}` is no line of the ledger").into());
            };
            let new = || Handled { delivery: delivery.to_owned(), times: 0 };
            all.entry(key.to_owned()).or_insert_with(new).times += 1;
        }
        if all.len() >= events || begun.elapsed() > Duration::from_secs(60) {
            return Ok(all);
        }
        sleep(Duration::from_millis(50)).await;
    }
}
