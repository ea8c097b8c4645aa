//! `Lots`: jobs that wait while others are in the database become one statement and share its commit.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use super::{link::Link, live::Live, trouble::Trouble};
use crate::{
    error::InboxError,
    inbox::{StoreFuture, metrics},
};

/// The most jobs in one statement. With more, the time of each grows, and little else.
const MOST: usize = 64;
/// In how many parts a lot is done again. In halves, it would wait six times for the lock of one job instead of twice.
const PARTS: usize = 8;
/// The most jobs that wait.
const QUEUE: usize = 4096;

/// What is done with jobs.
pub(super) trait Work: Send + Sync + 'static {
    type Job: Send + Sync + 'static;
    type Answer: Send + 'static;

    /// Whether `next` may be in one statement with the jobs of `lot`.
    fn fits(lot: &[Queued<Self>], next: &Self::Job) -> bool;

    /// Does `jobs`, and answers each. An error: none is done, or nobody knows.
    fn run(
        &self,
        live: &Live,
        jobs: &[&Self::Job],
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer, InboxError>>, Trouble>> + Send;
}

/// A job, and who waits for its answer.
pub(super) struct Queued<W: Work + ?Sized> {
    pub(super) job: W::Job,
    answer: oneshot::Sender<Result<W::Answer, InboxError>>,
}

/// Takes jobs for a task with a connection of its own. The task ends after the last job once this is closed or dropped.
pub(super) struct Lots<W: Work> {
    queue: Mutex<Option<mpsc::Sender<Queued<W>>>>,
    ended: watch::Receiver<()>,
    task: AbortHandle,
}

impl<W: Work> Lots<W> {
    pub(super) fn new(work: W, link: Arc<Link>) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (end, ended) = watch::channel(());
        let task = tokio::spawn(async move {
            run(&work, &link, jobs).await;
            drop(end);
        });
        Self { queue: Mutex::new(Some(queue)), ended, task: task.abort_handle() }
    }

    /// Hands a job over now. It is done even if the future is dropped.
    pub(super) fn submit(&self, job: W::Job) -> StoreFuture<'static, W::Answer> {
        let (answer, answered) = oneshot::channel();
        let handed_over = match &*self.queue() {
            None => Err(InboxError::Closed),
            Some(queue) => queue.try_send(Queued { job, answer }).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => InboxError::Full,
                mpsc::error::TrySendError::Closed(_) => gone(),
            }),
        };
        Box::pin(async move {
            handed_over?;
            answered.await.unwrap_or_else(|_| Err(gone()))
        })
    }

    /// How full the queue is: 0 is empty, 1 is full.
    pub(super) fn used(&self) -> f64 {
        let free = self.queue().as_ref().map_or(QUEUE, mpsc::Sender::capacity);
        #[expect(clippy::cast_precision_loss, reason = "it need not be exact")]
        let used = QUEUE.saturating_sub(free) as f64 / QUEUE as f64;
        used
    }

    /// Refuses further jobs.
    pub(super) fn refuse(&self) {
        drop(self.queue().take());
    }

    /// Waits up to this time for the jobs that were taken. Then the rest is given up.
    pub(super) async fn end(&self, until: Instant) -> Result<(), InboxError> {
        let mut ended = self.ended.clone();
        match timeout_at(until, ended.changed()).await {
            // An error of the channel: the task has ended.
            Ok(_) => Ok(()),
            Err(_) => {
                self.task.abort();
                Err(InboxError::unavailable("it did not answer before the store was closed"))
            }
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Queued<W>>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime of the store has ended, or its task has panicked.
fn gone() -> InboxError {
    InboxError::unavailable("the task with the connection has ended")
}

async fn run<W: Work>(work: &W, link: &Link, mut jobs: mpsc::Receiver<Queued<W>>) {
    let mut left = None;
    loop {
        let first = match left.take() {
            Some(first) => Some(first),
            None => jobs.recv().await,
        };
        let Some(first) = first else { return };
        // Those who were answered just now send again first.
        tokio::task::yield_now().await;
        let mut lot = vec![first];
        while lot.len() < MOST
            && let Ok(next) = jobs.try_recv()
        {
            if !W::fits(&lot, &next.job) {
                left = Some(next);
                break;
            }
            lot.push(next);
        }
        settle(work, link, lot).await;
    }
}

/// Does a lot. If one of its jobs may be the reason why the server refuses, then it is done in parts, down to single jobs.
async fn settle<W: Work>(work: &W, link: &Link, lot: Vec<Queued<W>>) {
    let mut lots = vec![lot];
    while let Some(mut lot) = lots.pop() {
        let done = match link.alone().await {
            Ok(alone) => {
                let done = attempt(work, &alone.live, &lot).await;
                alone.put_back();
                done
            }
            Err(error) => Ok(lot.iter().map(|_| Err(error.clone())).collect()),
        };
        match done {
            Ok(answers) => answer(lot, answers),
            Err(Trouble::RefusedForOne(_)) if lot.len() > 1 => {
                let part = lot.len().div_ceil(PARTS);
                while !lot.is_empty() {
                    lots.push(lot.split_off(lot.len().saturating_sub(part)));
                }
            }
            Err(trouble) => {
                let error = InboxError::from(trouble);
                let answers = lot.iter().map(|_| Err(error.clone())).collect();
                answer(lot, answers);
            }
        }
    }
}

fn answer<W: Work>(lot: Vec<Queued<W>>, answers: Vec<Result<W::Answer, InboxError>>) {
    for (queued, answer) in lot.into_iter().zip(answers) {
        // An error: nobody waits any more.
        let _ = queued.answer.send(answer);
    }
}

async fn attempt<W: Work>(
    work: &W,
    live: &Live,
    lot: &[Queued<W>],
) -> Result<Vec<Result<W::Answer, InboxError>>, Trouble> {
    let jobs: Vec<_> = lot.iter().map(|queued| &queued.job).collect();
    let done = work.run(live, &jobs).await?;
    metrics::committed(jobs.len());
    Ok(done)
}

impl<W: Work> fmt::Debug for Lots<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lots").field("used", &self.used()).finish_non_exhaustive()
    }
}
