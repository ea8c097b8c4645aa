//! A receiver that is killed again and again, and a sender that remembers what was answered 200.
//!
//! The receiver is this test program in a process of its own. By default it is killed for a few seconds;
//! `TOWER_WEBHOOK_CRASH_SECONDS` says for how long. The file of the inbox is carried from one process to the next.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use http::{Request, Uri};
use tokio::time::sleep;
use tower_webhook::{
    Body, BoxError,
    inbox::{Inbox, SqliteStore, Worker},
    sender::deliver,
};

use crate::{
    killed::{EVENTS, Handled, Process, Random, Sending, events, folder, receive, seconds},
    sqlite::Folder,
    support::Shop,
};

const CONCURRENCY: u32 = 32;
/// The most deliveries that a worker with this concurrency holds: see [`Worker::concurrency`].
const HELD: usize = 256;

#[test]
#[ignore = "the receiver of the other tests, in a process of its own"]
fn receiver() {
    tokio::runtime::Runtime::new().unwrap().block_on(serve(&folder())).unwrap();
}

async fn serve(folder: &Path) -> Result<(), BoxError> {
    let inbox = Inbox::new(SqliteStore::open(folder.join("webhooks.db"))?);
    let worker = Worker::new(inbox.clone()).on(Shop("shop"), events(folder));
    tokio::spawn(worker.concurrency(CONCURRENCY).run(std::future::pending()));
    let of = inbox.clone();
    let app = axum::Router::new().route("/stats", axum::routing::get(move || stats(of.clone())));
    receive(inbox, app).await
}

async fn stats(inbox: Inbox) -> String {
    match inbox.store().stats().await {
        Ok(all) => {
            all.iter().map(|s| format!("{} {} {} {}", s.ready, s.leased, s.done, s.dead)).collect()
        }
        Err(error) => error.to_string(),
    }
}

/// The result of a run.
struct Run {
    kills: usize,
    answered: BTreeSet<String>,
    handled: Handled,
    /// Ready, leased, done, dead.
    stats: [u64; 4],
}

async fn run(folder: &Path, seconds: u64, answers_first: bool) -> Run {
    let start = || Process::start("crash::receiver", folder, &[], answers_first);
    let mut receiver = start();
    let sending = Sending::start(vec![receiver.target.clone()]);
    let (begun, mut kills, mut random) = (Instant::now(), 0, Random::new());
    while !sending.is_over(begun, seconds, kills > 3) {
        sleep(Duration::from_millis(20 + random.below(580))).await;
        receiver.kill();
        kills += 1;
        receiver = start();
        sending.has_moved(0, &receiver.target);
    }
    let answered = sending.stop().await;
    let stats = drained(&receiver.target).await;
    receiver.kill();
    Run { kills, answered, handled: Handled::read(folder), stats }
}

/// The numbers of deliveries, when none waits.
async fn drained(target: &Uri) -> [u64; 4] {
    let stats: Uri = format!("http://{}/stats", target.authority().unwrap()).parse().unwrap();
    let begun = Instant::now();
    loop {
        let mut request = Request::get(stats.clone()).body(Body::default()).unwrap();
        *request.uri_mut() = stats.clone();
        let answer = deliver(request).await.unwrap();
        let text = String::from_utf8(answer.into_body().to_vec()).unwrap();
        let numbers: Vec<_> = text.split(' ').filter_map(|number| number.parse().ok()).collect();
        if let [0, 0, _, _] = numbers[..] {
            return numbers.try_into().unwrap();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "still {text}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_f5_f6_f9_what_was_answered_200_is_handled_whenever_the_receiver_is_killed() {
    let folder = Folder::new();
    let run = run(&folder.0, seconds(), false).await;
    let (answered, stored, twice) = (run.answered.len(), run.stats[2], run.handled.twice());
    let lost = run.handled.lost(&run.answered);
    println!(
        "killed {} times: {answered} answered 200, {stored} stored, {lost} lost, {} dead, {twice} events handled twice",
        run.kills, run.stats[3],
    );
    assert_eq!((lost, run.stats[3]), (0, 0));
    // Once in each process at most: those that were under way when it was killed.
    for by in run.handled.events() {
        let processes: BTreeSet<_> = by.iter().map(|(process, _)| process).collect();
        assert_eq!(processes.len(), by.len(), "twice in one process");
    }
    // All events of what the worker held may have been handled, and not been saved, when it was killed.
    assert!(twice <= run.kills * HELD * EVENTS as usize, "{twice}");
    // Every one that is stored, not only those that were answered.
    assert_eq!(run.handled.deliveries() as u64, stored);
}

/// The negative control: this test must be able to find a loss.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_answers_first_is_found_out() {
    let folder = Folder::new();
    let run = run(&folder.0, 3, true).await;
    let lost = run.handled.lost(&run.answered);
    assert!(lost > 0, "{} kills, {} answered", run.kills, run.answered.len());
}
