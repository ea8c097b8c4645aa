//! Three receivers and three workers on one database. One of each is killed each second, all connections are cut again and
//! again, and a worker stands still for longer than its lease.
//!
//! They are this test program in processes of their own. By default they are killed for a few seconds;
//! `TOWER_WEBHOOK_CRASH_SECONDS` says for how long. Meanwhile, the server may be restarted by hand.

use std::{
    collections::BTreeSet,
    env,
    path::Path,
    time::{Duration, Instant},
};

use tokio::{sync::Mutex, time::sleep};
use tokio_postgres::{Client, Error, NoTls};
use tower_webhook::inbox::{Inbox, PostgresStore, Stats, Store, Worker};

use super::server::{Database, OWN, database};
use crate::{
    killed::{Handled, Process, Random, Sending, events, folder, ready, receive, seconds},
    sqlite::Folder,
    support::Shop,
};

const URL: &str = "TOWER_WEBHOOK_CRASH_URL";
const EACH: usize = 3;
const CONCURRENCY: u32 = 16;
const LEASE: Duration = Duration::from_secs(2);

async fn inbox() -> Inbox {
    let url = env::var(URL).expect("the URL of the database");
    // The connection may be cut while it is made.
    loop {
        match PostgresStore::connect(&url).await {
            Ok(store) => return Inbox::new(store),
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a receiver of the other tests, in a process of its own"]
async fn receiver() {
    receive(inbox().await, axum::Router::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a worker of the other tests, in a process of its own"]
async fn worker() {
    let events = events(&folder());
    let worker = Worker::new(inbox().await).on(Shop("shop"), events);
    ready("a-worker");
    worker.concurrency(CONCURRENCY).lease(LEASE).run(std::future::pending()).await;
}

/// The processes.
struct Fleet<'a> {
    folder: &'a Path,
    settings: [(&'a str, &'a str); 1],
    answers_first: bool,
    receivers: Vec<Process>,
    workers: Vec<Process>,
}

impl<'a> Fleet<'a> {
    fn start(database: &'a Database, folder: &'a Path, answers_first: bool) -> Self {
        let settings = [(URL, &*database.url)];
        let mut fleet =
            Self { folder, settings, answers_first, receivers: vec![], workers: vec![] };
        fleet.receivers = (0..EACH).map(|_| fleet.receiver()).collect();
        fleet.workers = (0..EACH).map(|_| fleet.worker()).collect();
        fleet
    }

    fn receiver(&self) -> Process {
        let test = "postgres::processes::receiver";
        Process::start(test, self.folder, &self.settings, self.answers_first)
    }

    fn worker(&self) -> Process {
        Process::start("postgres::processes::worker", self.folder, &self.settings, false)
    }

    /// Kills a receiver and a worker, and starts two others.
    fn kill(&mut self, receiver: usize, worker: usize) {
        self.receivers[receiver].kill();
        self.workers[worker].kill();
        self.receivers[receiver] = self.receiver();
        self.workers[worker] = self.worker();
    }
}

/// A connection that does not outlive a restart of the server.
async fn admin(database: &Database) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Ends the connections of all processes. How many there were.
async fn cut(database: &Database) -> Result<usize, Error> {
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OWN}");
    Ok(admin(database).await?.query(&cut, &[]).await?.len())
}

/// The result of a run.
struct Run {
    kills: usize,
    cuts: usize,
    answered: BTreeSet<String>,
    handled: Handled,
    stats: Stats,
    /// The numbers of outcomes: done, and others.
    outcomes: (i64, i64),
}

async fn run(database: &Database, seconds: u64, answers_first: bool) -> Run {
    // One run after the other: the leases are short for a machine with more processes.
    static ALONE: Mutex<()> = Mutex::const_new(());
    let _alone = ALONE.lock().await;
    let folder = Folder::new();
    let store = database.store().await;
    let mut fleet = Fleet::start(database, &folder.0, answers_first);
    let sending = Sending::start(fleet.receivers.iter().map(|one| one.target.clone()).collect());
    let (begun, mut random) = (Instant::now(), Random::new());
    let (mut kills, mut cuts) = (0, 0);
    while !sending.is_over(begun, seconds, kills > 3 && cuts > 10) {
        sleep(Duration::from_millis(200 + random.below(1_000))).await;
        let (receiver, worker) = (kills % EACH, random.below(EACH as u64) as usize);
        fleet.kill(receiver, worker);
        sending.has_moved(receiver, &fleet.receivers[receiver].target);
        kills += 1;
        if kills % 2 == 0 {
            sleep(Duration::from_millis(random.below(300))).await;
            // An error: the server is being restarted.
            cuts += cut(database).await.unwrap_or_default();
        }
    }
    #[cfg(unix)]
    fleet.workers[0].stand_still(LEASE * 3 / 2).await;
    let answered = sending.stop().await;
    let stats = drained(&store).await;
    drop(fleet);
    let count = "SELECT count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state <> 2) FROM tower_webhook.outcome";
    let row = admin(database).await.unwrap().query_one(count, &[]).await.unwrap();
    let (outcomes, handled) = ((row.get(0), row.get(1)), Handled::read(&folder.0));
    Run { kills, cuts, answered, handled, stats, outcomes }
}

/// The numbers of deliveries, when none waits.
async fn drained(store: &PostgresStore) -> Stats {
    let begun = Instant::now();
    loop {
        let all = store.stats().await.unwrap_or_default();
        match &all[..] {
            [stats] if stats.ready + stats.leased == 0 => return stats.clone(),
            _ => assert!(begun.elapsed() < Duration::from_secs(60), "still {all:?}"),
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_200_is_handled_whichever_process_is_killed() {
    let Some(database) = database().await else { return };
    let run = run(&database, seconds(), false).await;
    let Run { kills, cuts, answered, handled, stats, .. } = &run;
    let (lost, twice) = (handled.lost(answered), handled.twice());
    println!(
        "{kills} receivers and workers killed, {cuts} connections cut: {} answered 200, {} stored, {lost} lost, {} dead, \
         {twice} events handled twice",
        answered.len(),
        stats.done,
        stats.dead,
    );
    assert_eq!((lost, stats.dead), (0, 0));
    for by in handled.events() {
        let attempts: BTreeSet<_> = by.iter().map(|(_, attempt)| attempt).collect();
        assert_eq!(attempts.len(), by.len(), "twice within one attempt: {by:?}");
    }
    // Every one that is stored, not only those that were answered. And they are counted right.
    assert_eq!((handled.deliveries() as u64, run.outcomes), (stats.done, (stats.done as i64, 0)));
}

/// The negative control: this test must be able to find a loss.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_answers_first_is_found_out() {
    let Some(database) = database().await else { return };
    let run = run(&database, 3, true).await;
    let lost = run.handled.lost(&run.answered);
    assert!(lost > 0, "{} kills, {} answered", run.kills, run.answered.len());
}
