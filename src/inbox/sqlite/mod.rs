//! `SqliteStore`: keeps deliveries in one SQLite file.

mod checkpoint;
mod disk;
mod enqueue;
mod file;
mod gauge;
mod leases;
mod migrate;
mod operate;
mod options;
mod purge;
mod reader;
mod rows;
mod sql;
mod tx;
mod writer;

use std::{
    fmt,
    future::ready,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::Result;
use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{Sender, error::TrySendError},
        oneshot, watch,
    },
};

use self::{
    gauge::Gauge,
    reader::Reader,
    sql::{Sql, told},
    tx::Tx,
    writer::{Job, Message},
};
use super::{
    Claim, Enqueued, Filter, Finish, Lease, Leased, Mark, NewDelivery, Pressure, Purged, Replay,
    Retention, Stats, Store, StoreFuture, Stored,
    time::{StoreClock, span},
};
use crate::error::{ConfigError, InboxError};

pub use self::options::SqliteOptions;

/// Keeps deliveries in one SQLite file, for one process. Needs the feature `sqlite`.
///
/// A delivery is on stable storage when its sender gets its answer. Those that come while the disk is busy share the next wait
/// for it. Clones share the file. Call [`close`](Store::close) at the end of the process: dropping the last clone does not wait.
///
/// ```
/// use tower_webhook::inbox::{Inbox, SqliteStore};
///
/// # let folder = std::env::temp_dir().join(format!("tower-webhook-store-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # std::env::set_current_dir(&folder).unwrap();
/// let inbox = Inbox::new(SqliteStore::open("webhooks.db")?);
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), tower_webhook::error::ConfigError>(())
/// ```
///
/// # Files
///
/// Beside `webhooks.db` there are `webhooks.db-wal` and `webhooks.db-shm`, which belong to it, and `webhooks.db-owner`, which is
/// empty: its lock keeps a second process away. They must be on a local disk. To copy the file while it is in use, run
/// `VACUUM INTO 'copy.db'` on a connection of your own.
///
/// # Tables of your own
///
/// The tables of the inbox have names that begin with `inbox_`. If the file has tables of your own, too, then a handler can write
/// to them and acknowledge its event in one transaction: see [`Store::ack_sql`]. Keep such a transaction short. While it is
/// open, nothing can be stored: after five seconds deliveries are refused with 503.
#[derive(Clone)]
pub struct SqliteStore(Arc<Shared>);

struct Shared {
    path: PathBuf,
    queue: Sender<Message>,
    gauge: Arc<Gauge>,
    reader: Arc<Reader>,
    clock: Arc<StoreClock>,
    /// What the end of the writer was.
    ended: watch::Receiver<Option<Result<(), InboxError>>>,
    max_open: u64,
    max_bytes: u64,
    min_free_bytes: u64,
}

impl SqliteStore {
    /// Opens the file at `path`, or makes it, with the default [`SqliteOptions`].
    ///
    /// # Errors
    ///
    /// Those of [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        SqliteOptions::new(path).open()
    }

    /// How many transactions were written since the file was opened. Each is one wait for the disk.
    pub fn commits(&self) -> u64 {
        self.0.gauge.commits()
    }

    /// Writes in the next transaction, even if the future is dropped.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
        when_full: WhenFull,
    ) -> StoreFuture<'static, T> {
        if self.0.gauge.is_closing() {
            return failed(InboxError::Closed);
        }
        if self.0.gauge.is_poisoned() {
            return failed(InboxError::Poisoned);
        }
        let (answer, answered) = oneshot::channel();
        match self.0.queue.try_send(Job::message(work, answer)) {
            Ok(()) => Box::pin(told_by(answered)),
            Err(TrySendError::Full(message)) if when_full == WhenFull::Wait => {
                let queue = self.0.queue.clone();
                Box::pin(async move {
                    queue.send(message).await.map_err(|_| InboxError::Closed)?;
                    told_by(answered).await
                })
            }
            Err(TrySendError::Full(_)) => failed(InboxError::Full),
            Err(TrySendError::Closed(_)) => failed(InboxError::Closed),
        }
    }

    /// Reads beside the writer, on a thread where it may take its time.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(Sql<'_>, i64) -> Result<T, InboxError> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let (shared, now) = (self.0.clone(), self.0.clock.now());
        let read = move || {
            if shared.gauge.is_closing() {
                return Err(InboxError::Closed);
            }
            shared.reader.read(|sql| work(sql, now))
        };
        Box::pin(async {
            match Handle::try_current() {
                Ok(runtime) => runtime
                    .spawn_blocking(read)
                    .await
                    .unwrap_or_else(|error| Err(InboxError::unavailable(error))),
                Err(_) => read(),
            }
        })
    }
}

/// What to do with a write if too many others wait.
#[derive(Clone, Copy, PartialEq)]
enum WhenFull {
    /// A delivery that is not stored yet: its sender can send it again.
    Refuse,
    /// What has been stored must go on.
    Wait,
}

fn failed<T: Send + 'static>(error: InboxError) -> StoreFuture<'static, T> {
    Box::pin(ready(Err(error)))
}

async fn told_by<T>(answered: oneshot::Receiver<Result<T, InboxError>>) -> Result<T, InboxError> {
    answered.await.unwrap_or_else(|_| Err(InboxError::unavailable("its writer has ended")))
}

impl Store for SqliteStore {
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued> {
        if self.pressure().used >= 1.0 {
            return failed(InboxError::Full);
        }
        self.write(move |tx| enqueue::enqueue(tx, &new), WhenFull::Refuse)
    }

    fn pressure(&self) -> Pressure {
        let Shared { gauge, queue, max_open, max_bytes, min_free_bytes, .. } = &*self.0;
        #[expect(clippy::cast_precision_loss, reason = "it need not be exact")]
        let part = |used: u64, most: u64| used as f64 / most as f64;
        let waiting = (queue.max_capacity() - queue.capacity()) as u64;
        let used = part(gauge.open(), *max_open)
            .max(part(gauge.bytes(), *max_bytes))
            .max(part(*min_free_bytes, gauge.free().max(1)))
            .max(part(waiting, queue.max_capacity() as u64));
        Pressure { used }
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>> {
        self.write(move |tx| leases::claim(tx, &claim), WhenFull::Wait)
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        self.write(move |tx| leases::begin(tx, lease), WhenFull::Wait)
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        self.write(
            move |tx| leases::extend(tx, lease, tx.now().saturating_add(span(by)), &ends),
            WhenFull::Wait,
        )
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        self.write(move |tx| leases::finish(tx, lease, &ends, &finish), WhenFull::Wait)
    }

    fn ack_sql(&self) -> Option<&'static str> {
        Some(leases::ACK)
    }

    fn list(&self, filter: Filter) -> StoreFuture<'static, Vec<Stored>> {
        self.read(move |sql, _| operate::list(sql, &filter))
    }

    fn get(&self, seq: i64) -> StoreFuture<'static, Option<Stored>> {
        self.read(move |sql, _| operate::get(sql, seq))
    }

    fn replay(&self, seq: i64, how: Replay) -> StoreFuture<'static, Option<i64>> {
        self.write(move |tx| operate::replay(tx, seq, how), WhenFull::Wait)
    }

    fn park(&self, seq: i64) -> StoreFuture<'static, bool> {
        self.write(move |tx| operate::park(tx, seq), WhenFull::Wait)
    }

    fn pause(&self, source: &str, is_paused: bool) -> StoreFuture<'static, ()> {
        let source = source.to_owned();
        self.write(move |tx| operate::pause(tx, &source, is_paused), WhenFull::Wait)
    }

    fn purge(&self, retention: Retention) -> StoreFuture<'static, Purged> {
        let store = self.clone();
        Box::pin(async move { purge::purge(&store, retention, store.0.clock.now()).await })
    }

    fn stats(&self) -> StoreFuture<'static, Vec<Stats>> {
        self.read(|sql, now| operate::stats(sql, now).map_err(|error| told(&error)))
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        self.write(|tx| leases::next_token(tx.sql, tx.now()).map(drop), WhenFull::Wait)
    }

    fn close(&self) -> StoreFuture<'static, ()> {
        self.0.gauge.close();
        let (queue, mut ended) = (self.0.queue.clone(), self.0.ended.clone());
        Box::pin(async move {
            // It fails if the queue is closed already. Then the end is near, too.
            drop(queue.send(Message::Close).await);
            let end = ended.wait_for(Option::is_some).await;
            end.ok()
                .and_then(|end| end.clone())
                .unwrap_or_else(|| Err(InboxError::unavailable("its writer has ended")))
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.0.path)
            .field("open", &self.0.gauge.open())
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}
