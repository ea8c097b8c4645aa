//! The thread that writes: what has queued while one transaction was synced goes into the next, with one sync for all.

use std::{mem, sync::Arc, thread, time::Duration};

use rusqlite::{Connection, Result};
use tokio::sync::{
    mpsc::{Receiver, error::TryRecvError},
    oneshot,
};

use super::{
    checkpoint::{Checkpointer, truncate},
    file::File,
    gauge::Gauge,
    leases::next_token,
    reader::Reader,
    sql::{Prepared, Sql, told},
    tx::{Damaged, Tx},
};
use crate::{
    error::{InboxError, with_causes},
    inbox::{metrics, time::StoreClock},
    util::trace,
};

/// How often a file is opened again after a fault.
const RETRY: Duration = Duration::from_secs(1);
/// How often those are answered that wait meanwhile.
const STEP: Duration = Duration::from_millis(50);

/// What the writer is sent.
pub(super) enum Message {
    Write(Box<dyn Write>),
    /// No further message is taken. Those that were sent before are done.
    Close,
}

/// A job, and the one who waits for it.
pub(super) trait Write: Send {
    /// Runs in a transaction.
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), InboxError>;

    /// Tells what became of it: its own result, if the transaction is on stable storage.
    fn answer(self: Box<Self>, committed: Result<(), InboxError>);
}

/// See [`Write`].
pub(super) struct Job<W, T> {
    work: Option<W>,
    done: Result<T, InboxError>,
    answer: oneshot::Sender<Result<T, InboxError>>,
}

impl<W, T> Job<W, T>
where
    W: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    pub(super) fn message(work: W, answer: oneshot::Sender<Result<T, InboxError>>) -> Message {
        let done = Err(InboxError::Closed);
        Message::Write(Box::new(Self { work: Some(work), done, answer }))
    }
}

impl<W, T> Write for Job<W, T>
where
    W: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), InboxError> {
        if let Some(work) = self.work.take() {
            self.done = tx.job(work).map_err(|error| told(&error));
        }
        self.done.as_ref().map(drop).map_err(Clone::clone)
    }

    fn answer(self: Box<Self>, committed: Result<(), InboxError>) {
        // If nobody waits any longer, then it was written all the same.
        drop(self.answer.send(committed.and(self.done)));
    }
}

/// What the thread has.
pub(super) struct Writer {
    pub(super) file: File,
    pub(super) jobs: Receiver<Message>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) reader: Arc<Reader>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) per_commit: usize,
    /// Its connection stays open after a fault. If the last one were closed, then the next one would take what a failed commit
    /// has left in the log for committed, although it may never reach the disk.
    pub(super) checkpointer: Checkpointer,
    /// Open as long as the thread runs.
    pub(super) _owner: Connection,
}

impl Writer {
    /// Writes until the queue is closed.
    pub(super) fn run(mut self, connection: Connection) -> Result<(), InboxError> {
        let connection = self.write(connection);
        self.reader.end();
        drop(self.checkpointer);
        truncate(Sql::new(&connection?)).map_err(|error| told(&error))
    }

    fn write(&mut self, mut connection: Connection) -> Result<Connection, InboxError> {
        while let Err(fault) = self.serve(&connection) {
            trace::warn(&format!("inbox: nothing is stored until its file is checked: {fault}"));
            drop(connection);
            self.reader.close();
            connection = self.reopened()?;
            trace::warn("inbox: it stores again");
        }
        Ok(connection)
    }

    /// Writes until the queue is closed, or until nobody knows what is on the disk.
    fn serve(&mut self, connection: &Connection) -> Result<(), InboxError> {
        let (prepared, mut damaged) = (Prepared::new(connection), Damaged::new());
        while let Some(message) = self.jobs.blocking_recv() {
            let mut batch = Vec::new();
            self.accept(message, &mut batch);
            let written = self.transaction(prepared.sql(), &mut batch, &mut damaged);
            let is_poisoned = written == Err(InboxError::Poisoned);
            // Before anybody is answered: who knows of the fault must not find the store well.
            self.gauge.poison(is_poisoned);
            for job in batch {
                job.answer(written.clone());
            }
            if is_poisoned {
                return written;
            }
        }
        Ok(())
    }

    fn accept(&mut self, message: Message, batch: &mut Vec<Box<dyn Write>>) {
        match message {
            Message::Write(job) => batch.push(job),
            Message::Close => self.jobs.close(),
        }
    }

    /// Takes one that waits into the batch, if it has room. Whether there was one.
    fn take(&mut self, batch: &mut Vec<Box<dyn Write>>) -> bool {
        if batch.len() >= self.per_commit {
            return false;
        }
        let next = self.jobs.try_recv();
        next.map(|message| self.accept(message, batch)).is_ok()
    }

    /// Writes a batch, and those that queue meanwhile. An error is one of all.
    fn transaction(
        &mut self,
        sql: Sql<'_>,
        batch: &mut Vec<Box<dyn Write>>,
        damaged: &mut Damaged,
    ) -> Result<(), InboxError> {
        let changes = sql.connection.total_changes();
        if let Err(error) = sql.execute("BEGIN IMMEDIATE", []) {
            // Each of them would wait as long, one after the other.
            while self.take(batch) {}
            return Err(told(&error));
        }
        let clock = self.clock.clone();
        let tx = Tx::new(sql, &clock, mem::take(damaged));
        let result = self.jobs(&tx, batch);
        *damaged = tx.into_damaged();
        if !sql.connection.is_autocommit() {
            // It has to end, or the next one cannot begin. If it cannot, then the connection is of no use any more.
            sql.execute("ROLLBACK", []).map_err(|_| InboxError::Poisoned)?;
        }
        let opened = result?;
        if sql.connection.total_changes() != changes {
            self.gauge.committed();
            metrics::committed(batch.len());
            self.gauge.opened(opened);
        }
        // Also if nothing has changed: the log may have moved into the file, and a full store must notice that it is not.
        // What is written is written. The log is looked at again after the next batch.
        let wal = self.checkpointer.committed(sql);
        if let Err(error) = wal.and_then(|wal| self.gauge.measure(sql, wal)) {
            trace::warn(&format!("inbox: its log cannot be read: {error}"));
        }
        Ok(())
    }

    /// Runs the jobs, and commits. Returns how many more deliveries are open.
    fn jobs(&mut self, tx: &Tx<'_>, batch: &mut Vec<Box<dyn Write>>) -> Result<i64, InboxError> {
        let (connection, mut done) = (tx.sql.connection, 0);
        loop {
            while let Some(job) = batch.get_mut(done) {
                let ran = job.run(tx);
                // SQLite rolls back by itself after some errors. Then the jobs before are undone, too.
                if connection.is_autocommit() || ran == Err(InboxError::Poisoned) {
                    let why = "the transaction was rolled back";
                    return Err(ran.err().unwrap_or_else(|| InboxError::unavailable(why)));
                }
                done += 1;
            }
            if !self.take(batch) {
                break;
            }
        }
        tx.sql.execute("COMMIT", []).map_err(|error| told(&error))?;
        match connection.is_autocommit() {
            true => Ok(tx.open()),
            false => Err(InboxError::unavailable("the transaction did not end")),
        }
    }

    /// Opens the file again and checks it, until that succeeds. Those that wait are answered meanwhile.
    fn reopened(&mut self) -> Result<Connection, InboxError> {
        loop {
            let opened = self.file.writer().map_err(|error| with_causes(&error));
            let probed = opened.and_then(|connection| {
                let probed = self.probe(Sql::new(&connection)).map_err(|error| error.to_string());
                probed.map(|()| connection)
            });
            match probed {
                Ok(connection) => {
                    self.gauge.poison(false);
                    return Ok(connection);
                }
                Err(fault) => trace::warn(&format!("inbox: it cannot be opened again: {fault}")),
            }
            for _ in 0..RETRY.as_millis() / STEP.as_millis() {
                self.refuse_those_that_wait()?;
                thread::sleep(STEP);
            }
        }
    }

    /// Whether a commit reaches the disk. It takes the place in the log of the one that failed.
    fn probe(&self, sql: Sql<'_>) -> Result<()> {
        sql.execute("BEGIN IMMEDIATE", [])?;
        next_token(sql, self.clock.now())?;
        // By itself: the error of a commit at the end of a statement with a row is nowhere to be seen.
        sql.execute("COMMIT", [])?;
        self.gauge.count(sql)
    }

    /// An error if no more can come.
    fn refuse_those_that_wait(&mut self) -> Result<(), InboxError> {
        loop {
            match self.jobs.try_recv() {
                Ok(Message::Write(job)) => job.answer(Err(InboxError::Poisoned)),
                Ok(Message::Close) => self.jobs.close(),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(InboxError::Poisoned),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        path::PathBuf,
        process,
        time::{Instant, SystemTime},
    };

    use bytes::Bytes;

    use super::{STEP, Tx};
    use crate::{
        error::InboxError,
        inbox::{
            Enqueued, Filter, NewDelivery, Record, SqliteStore, Store,
            sqlite::{SqliteOptions, WhenFull, checkpoint::Wal, enqueue, file::BUSY, sql::Sql},
        },
    };

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("tower-webhook-{name}-{}", process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn options(&self) -> SqliteOptions {
            SqliteOptions::new(self.0.join("inbox.db"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn delivery(bytes: usize) -> NewDelivery {
        let record = Record {
            source: "a".into(),
            tenant: None,
            key_id: None,
            id: None,
            event_type: None,
            received_at: SystemTime::UNIX_EPOCH,
            headers: Bytes::new(),
            body: vec![1; bytes].into(),
            digest: [0; 32],
        };
        NewDelivery { record, key: None, order_key: None }
    }

    async fn limit_pages(store: &SqliteStore, most: u32) {
        let limit = format!("PRAGMA max_page_count = {most}");
        store.write(move |tx| tx.sql.number(&limit), WhenFull::Wait).await.unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_refuses_until_there_is_room() {
        let folder = Folder::new("full");
        let store = folder.options().open().unwrap();
        limit_pages(&store, 1).await;
        let mut kept = 0;
        loop {
            let both = [store.enqueue(delivery(5_000)), store.enqueue(delivery(5_000))];
            let mut failed = false;
            for one in both {
                match one.await {
                    Ok(Enqueued::New(_)) => kept += 1,
                    other => {
                        assert_eq!(other, Err(InboxError::Full));
                        failed = true;
                    }
                }
            }
            if failed {
                break;
            }
            assert!(kept < 100);
        }
        assert_eq!(store.list(Filter::default()).await.unwrap().len(), kept);
        limit_pages(&store, 1_000_000).await;
        assert!(store.enqueue(delivery(5_000)).await.is_ok());
        assert_eq!(store.0.gauge.open(), kept as u64 + 1);
    }

    /// As if it had failed: what a disk says cannot be chosen here.
    fn failed() -> rusqlite::Error {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        rusqlite::Error::SqliteFailure(code, None)
    }

    #[tokio::test]
    async fn after_a_fault_the_connection_is_another_one() {
        let folder = Folder::new("fault");
        let store = folder.options().open().unwrap();
        let size = |pragma| store.write(move |tx| tx.sql.number(pragma), WhenFull::Wait);
        let fresh = size("PRAGMA cache_size").await.unwrap();
        let set = |tx: &Tx<'_>| tx.sql.execute("PRAGMA cache_size = 77", []);
        store.write(set, WhenFull::Wait).await.unwrap();
        assert_eq!(size("PRAGMA cache_size").await, Ok(77));
        let kept = store.enqueue(delivery(1)).await.is_ok();
        let fails = |error| {
            let job = |tx: &Tx<'_>| enqueue::enqueue(tx, &delivery(1)).and(Err::<(), _>(error));
            store.write(job, WhenFull::Wait)
        };
        // That of one job is no fault of the disk.
        assert!(fails(rusqlite::Error::InvalidQuery).await.is_err());
        assert_eq!(store.0.gauge.open(), 1);
        assert_eq!(size("PRAGMA cache_size").await, Ok(77));
        assert_eq!(fails(failed()).await, Err(InboxError::Poisoned));
        let begin = Instant::now();
        let cache = loop {
            match size("PRAGMA cache_size").await {
                Err(InboxError::Poisoned) if begin.elapsed().as_secs() < 20 => {
                    tokio::time::sleep(STEP).await;
                }
                cache => break cache,
            }
        };
        assert_eq!((cache, kept, store.0.gauge.open()), (Ok(fresh), true, 1));
        assert_eq!(store.list(Filter::default()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_long_log_begins_anew() {
        let folder = Folder::new("log");
        let store = folder.options().max_wal(2 << 20).open().unwrap();
        let log = || fs::metadata(folder.0.join("inbox.db-wal")).unwrap().len();
        for _ in 0..200 {
            store.enqueue(delivery(100_000)).await.unwrap();
        }
        // It would be 20 MB. A checkpoint that runs puts the new beginning off for as long as the disk takes.
        assert!((2 << 20..12 << 20).contains(&log()), "{}", log());
        // Somebody reads, and needs it. The door does not wait.
        let reader = rusqlite::Connection::open(folder.0.join("inbox.db")).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM inbox_delivery;").unwrap();
        for _ in 0..150 {
            let begin = Instant::now();
            store.enqueue(delivery(100_000)).await.unwrap();
            assert!(begin.elapsed() < BUSY, "{:?}", begin.elapsed());
        }
        assert!(log() > 12 << 20, "{}", log());
        reader.execute_batch("COMMIT").unwrap();
        let long = log();
        for _ in 0..400 {
            store.enqueue(delivery(100_000)).await.unwrap();
        }
        assert!(log() < long + (20 << 20), "{} {long}", log());
    }

    #[tokio::test]
    async fn the_log_is_moved_into_the_file_beside_the_writer() {
        let folder = Folder::new("moved");
        let store = folder.options().open().unwrap();
        store.enqueue(delivery(100_000)).await.unwrap();
        let connection = rusqlite::Connection::open(folder.0.join("inbox.db")).unwrap();
        let sql = Sql::new(&connection);
        assert!(sql.number("SELECT count(*) FROM inbox_queue").unwrap() == 1);
        let pending = || Wal::read(sql).unwrap().pending;
        // It may be moved at once.
        while pending() < 100_000 {
            store.enqueue(delivery(100_000)).await.unwrap();
        }
        let begin = Instant::now();
        while pending() > 0 {
            assert!(begin.elapsed().as_secs() < 60, "{}", pending());
            tokio::time::sleep(STEP).await;
        }
    }
}
