//! Whether the worker keeps up with the door: both at once, on one store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::sleep,
};
use tower_webhook::{
    EventRouter, State,
    inbox::{Inbox, Store, Worker},
    providers::synthesis_vr::{SessionCreated, SynthesisVr},
};

use crate::{
    common::{events::FileSaved, requests::STANDARD_WEBHOOKS},
    deliveries::to_inbox,
    effort::Effort,
    load::{Done, SendOne, Until, median, send},
    row,
};

/// How many send at the same time.
const SENDERS: usize = 64;

/// A worker that only counts.
pub(crate) struct Counting {
    /// Deliveries of the usual sender.
    pub(crate) handled: Arc<AtomicU64>,
    /// Those of the other one.
    pub(crate) of_another: Arc<watch::Sender<u64>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Counting {
    pub(crate) fn start(inbox: &Inbox, concurrency: Option<u32>) -> Self {
        let (handled, of_another) = (Arc::<AtomicU64>::default(), Arc::new(watch::Sender::new(0)));
        let usual = EventRouter::with_state(handled.clone()).on(saved);
        let other = EventRouter::with_state(of_another.clone()).on(created);
        let worker = Worker::new(inbox.clone())
            .on(STANDARD_WEBHOOKS.clone(), usual)
            .on(SynthesisVr::dangerous_unauthenticated(), other);
        let worker = match concurrency {
            Some(most) => worker.concurrency(most),
            None => worker,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(worker.run(async { drop(stopped.await) }));
        Self { handled, of_another, stop, task }
    }

    pub(crate) async fn end(self) {
        drop(self.stop);
        self.task.await.expect("the worker ends");
    }
}

async fn saved(_: FileSaved, State(count): State<Arc<AtomicU64>>) {
    count.fetch_add(1, Relaxed);
}

async fn created(_: SessionCreated, State(count): State<Arc<watch::Sender<u64>>>) {
    count.send_modify(|count| *count += 1);
}

/// Measures how many deliveries are handled for each that is accepted meanwhile, with the default number of handlers at the
/// same time, and with one for each sender.
pub(crate) async fn keeps_up<T>(
    work: &str,
    effort: Effort,
    open: &dyn Fn() -> Done<(Arc<dyn Store>, T)>,
) {
    for (name, concurrency) in [("16 handlers", None), ("64 handlers", Some(64))] {
        let mut turns = Vec::new();
        for _ in 0..effort.rounds {
            let (store, guard) = open().await;
            turns.push(turn(&store, concurrency, effort.turn).await);
            store.close().await.expect("all is written");
            drop(guard);
        }
        row(&format!("{work} accepted"), name, median(turns.iter().map(|turn| turn.0)));
        row(&format!("{work} handled"), name, median(turns.iter().map(|turn| turn.1)));
        row(&format!("{work} share"), name, median(turns.iter().map(|turn| turn.1 / turn.0)));
    }
}

/// Accepted and handled, per second.
async fn turn(store: &Arc<dyn Store>, concurrency: Option<u32>, time: Duration) -> (f64, f64) {
    let inbox = Inbox::shared(store.clone());
    let worker = Counting::start(&inbox, concurrency);
    let accepted = Arc::<AtomicU64>::default();
    let (one, counted) = (to_inbox(&inbox), accepted.clone());
    let one: SendOne = Arc::new(move |sender, number| {
        let (sent, counted) = (one(sender, number), counted.clone());
        Box::pin(async move {
            sent.await;
            counted.fetch_add(1, Relaxed);
        })
    });
    let senders = tokio::spawn(async move { send(SENDERS, Until::After(time * 4), &one).await });
    let counts = || (accepted.load(Relaxed) as f64, worker.handled.load(Relaxed) as f64);
    sleep(time / 2).await;
    let before = counts();
    sleep(time * 3).await;
    let after = counts();
    drop(senders.await);
    worker.end().await;
    let seconds = (time * 3).as_secs_f64();
    ((after.0 - before.0) / seconds, (after.1 - before.1) / seconds)
}
