//! `SqliteOptions`: where a store is, and its limits.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use rusqlite::Result;
use tokio::sync::{mpsc, watch};

use super::{
    Shared, SqliteStore,
    checkpoint::{Checkpointer, Wal, truncate},
    file::File,
    gauge::Gauge,
    reader::Reader,
    sql::Sql,
    writer::Writer,
};
use crate::{
    clock::{Clock, SystemClock},
    error::ConfigError,
    inbox::time::StoreClock,
    util::trace,
};

/// How a [`SqliteStore`] is to be.
///
/// ```
/// use tower_webhook::inbox::SqliteOptions;
///
/// # let folder = std::env::temp_dir().join(format!("tower-webhook-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("webhooks.db");
/// // For a small disk.
/// let store = SqliteOptions::new(path).max_bytes(1 << 30).max_open(100_000).open()?;
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), tower_webhook::error::ConfigError>(())
/// ```
#[must_use]
pub struct SqliteOptions {
    path: PathBuf,
    max_open: u64,
    max_bytes: u64,
    min_free_bytes: u64,
    queue: usize,
    per_commit: usize,
    max_wal: u64,
    clock: Arc<dyn Clock>,
}

impl SqliteOptions {
    /// The defaults, for the file at `path`. If there is none, then it is made.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            max_open: 1_000_000,
            max_bytes: 16 << 30,
            min_free_bytes: 256 << 20,
            queue: 1_024,
            per_commit: 256,
            // It goes on to grow while a checkpoint is under way that has to end first.
            max_wal: 192 << 20,
            clock: Arc::new(SystemClock),
        }
    }

    /// The deliveries that may wait or be handled, after which others are refused: by default a million.
    pub fn max_open(self, most: u64) -> Self {
        Self { max_open: most.max(1), ..self }
    }

    /// The bytes of the file that may be in use, after which deliveries are refused: by default 16 GiB. Its log counts, which
    /// has up to 256 MiB more, and so do tables of your own in the file.
    pub fn max_bytes(self, most: u64) -> Self {
        Self { max_bytes: most.max(1), ..self }
    }

    /// The bytes that the disk must have left, or else deliveries are refused: by default 256 MiB, which is room for the log. With a
    /// quarter more left, senders that send again are refused. It is looked at once per second. 0: until the disk is full. It
    /// has an effect on Unix only.
    pub fn min_free_bytes(self, least: u64) -> Self {
        Self { min_free_bytes: least, ..self }
    }

    /// The writes that may wait for the disk, after which deliveries are refused: by default 1,024.
    pub fn queue(self, most: usize) -> Self {
        Self { queue: most.clamp(1, 1 << 20), ..self }
    }

    /// The writes that share one transaction, and so one wait for the disk: by default 256 at most. With 1, each has its own.
    pub fn per_commit(self, most: usize) -> Self {
        Self { per_commit: most.max(1), ..self }
    }

    /// The bytes of the log at which it begins anew.
    #[cfg(test)]
    pub(super) fn max_wal(self, most: u64) -> Self {
        Self { max_wal: most, ..self }
    }

    /// The clock for leases and pauses, for tests.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Opens the file, and brings its schema to the newest version. It reads and writes, so do it before the server starts.
    ///
    /// What a former process had leased is due at once. If its clock was ahead of this one's, then what waits for its next attempt
    /// waits no longer than it was to.
    ///
    /// # Errors
    ///
    /// The text says what to do if another process has the file, if its folder is missing, if it is damaged or no database, if
    /// a newer version of this crate made it, or if SQLite cannot promise that a commit is on stable storage.
    pub fn open(self) -> Result<SqliteStore, ConfigError> {
        let file = File::at(&self.path)?;
        let owner = file.owner()?;
        let connection = file.writer()?;
        file.renew_log(Sql::new(&connection))?;
        let (gauge, clock) = (Arc::new(Gauge::default()), Arc::new(StoreClock::new(self.clock)));
        let checkpointer = Checkpointer::start(&file, gauge.clone(), self.max_wal)?;
        let begun = begin(Sql::new(&connection), &gauge, clock.now());
        begun.map_err(|error| file.failed(error))?;
        warn_of_disk(&file, &gauge, self.min_free_bytes);
        let reader = Arc::new(Reader::new(file.clone()));
        let (queue, jobs) = mpsc::channel(self.queue);
        let (end, ended) = watch::channel(None);
        let shared = Shared {
            path: file.path().to_owned(),
            queue,
            gauge: gauge.clone(),
            reader: reader.clone(),
            clock: clock.clone(),
            ended,
            max_open: self.max_open,
            max_bytes: self.max_bytes,
            min_free_bytes: self.min_free_bytes,
        };
        let per_commit = self.per_commit;
        let writer =
            Writer { file, jobs, gauge, reader, clock, per_commit, checkpointer, _owner: owner };
        thread::Builder::new()
            .name("inbox-writer".into())
            .spawn(move || end.send_replace(Some(writer.run(connection))))
            .map_err(|error| ConfigError::new("a thread cannot be started").caused_by(error))?;
        Ok(SqliteStore(Arc::new(shared)))
    }
}

fn warn_of_disk(file: &File, gauge: &Gauge, least: u64) {
    if gauge.free() < least {
        let path = file.path().display();
        trace::warn(&format!(
            "inbox: the disk of `{path}` has less than {least} bytes left, so deliveries are refused: see `min_free_bytes`"
        ));
    }
}

/// Takes over what a former process has left. Nobody else has the file, so whatever is leased was that one's.
fn begin(sql: Sql<'_>, gauge: &Gauge, now: i64) -> Result<()> {
    // If its last write failed, then what is in the log may not be on the disk. In the file it is.
    truncate(sql)?;
    // If the clock was ahead before, then what was to be due in seconds would be due in years. What nobody has tried has no pause.
    sql.execute(
        "UPDATE inbox_queue SET due_at = ?1 WHERE due_at > ?1 AND (leased = 1 OR attempts = 0)",
        [now],
    )?;
    sql.execute(
        "UPDATE inbox_queue SET due_at = max(?1, due_at - (SELECT at - ?1 FROM inbox_token))
         WHERE due_at > ?1 AND (SELECT at > ?1 FROM inbox_token)",
        [now],
    )?;
    sql.execute("UPDATE inbox_token SET at = min(at, ?1)", [now])?;
    gauge.count(sql)?;
    gauge.measure(sql, Wal::default())
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("path", &self.path)
            .field("max_open", &self.max_open)
            .field("max_bytes", &self.max_bytes)
            .field("min_free_bytes", &self.min_free_bytes)
            .field("queue", &self.queue)
            .field("per_commit", &self.per_commit)
            .finish_non_exhaustive()
    }
}
