//! Moves the log into the file, beside the writer: a commit that has to do it itself takes ten times as long. It looks at the
//! room on the disk, too.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, Result};

use super::{
    file::{BUSY, File},
    gauge::Gauge,
    sql::Sql,
};
use crate::{error::ConfigError, util::trace};

/// The longest time between two checkpoints.
const PAUSE: Duration = Duration::from_secs(1);
/// The bytes in the log that are not in the file yet at which a checkpoint begins earlier.
const MUCH: u64 = 16 << 20;

/// How far the log is.
#[derive(Clone, Copy, Default)]
pub(super) struct Wal {
    /// All that is in it.
    pub(super) bytes: u64,
    /// What of it is not in the file yet.
    pub(super) pending: u64,
}

impl Wal {
    pub(super) fn read(sql: Sql<'_>) -> Result<Self> {
        let log = checkpoint(sql, "PRAGMA wal_checkpoint(NOOP)")?;
        let page = sql.number("PRAGMA page_size")?;
        let bytes = |frames: i64| u64::try_from(frames.saturating_mul(page)).unwrap_or(0);
        Ok(Self { bytes: bytes(log.frames), pending: bytes(log.frames - log.moved) })
    }
}

/// What a checkpoint says.
struct Log {
    is_blocked: bool,
    frames: i64,
    moved: i64,
}

fn checkpoint(sql: Sql<'_>, pragma: &str) -> Result<Log> {
    let read = sql.one(pragma, [], |row| {
        Ok(Log { is_blocked: row.get(0)?, frames: row.get(1)?, moved: row.get(2)? })
    })?;
    read.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// The thread that makes checkpoints. It ends when this is dropped.
pub(super) struct Checkpointer {
    nudge: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The writer waits for its turn.
    yields: Arc<AtomicBool>,
    max_wal: u64,
    /// The size of the log at which the writer has it begin anew.
    restart_at: u64,
}

impl Checkpointer {
    pub(super) fn start(file: &File, gauge: Arc<Gauge>, max_wal: u64) -> Result<Self, ConfigError> {
        let connection = file.durable()?;
        let path = file.path().to_owned();
        gauge.measure_disk(&path);
        let (nudge, nudged) = sync_channel(1);
        let yields = Arc::new(AtomicBool::new(false));
        let yielding = yields.clone();
        let thread = thread::Builder::new()
            .name("inbox-log".into())
            .spawn(move || {
                run(&connection, &nudged, &yielding, || gauge.measure_disk(&path));
            })
            .map_err(|error| ConfigError::new("a thread cannot be started").caused_by(error))?;
        Ok(Self { nudge: Some(nudge), thread: Some(thread), yields, max_wal, restart_at: max_wal })
    }

    /// Looks at the log after a commit of the writer.
    pub(super) fn committed(&mut self, writer: Sql<'_>) -> Result<Wal> {
        let wal = Wal::read(writer)?;
        if wal.bytes >= self.restart_at {
            self.restart(writer, wal)?;
        } else if wal.pending >= MUCH
            && let Some(nudge) = &self.nudge
        {
            // If it is full, then the next checkpoint is to begin already.
            nudge.try_send(()).ok();
        }
        Ok(wal)
    }

    /// Has the log begin anew. While the writer writes, checkpoints alone do not get there: there is always more to move.
    fn restart(&mut self, writer: Sql<'_>, wal: Wal) -> Result<()> {
        self.yields.store(true, Relaxed);
        // A reader may need the log for long, and the door must not wait for it.
        writer.connection.busy_timeout(Duration::ZERO)?;
        let log = checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)");
        let is_running = log.as_ref().is_ok_and(|log| log.frames < 0);
        self.yields.store(is_running, Relaxed);
        writer.connection.busy_timeout(BUSY)?;
        let is_blocked = log?.is_blocked;
        if !is_running {
            // If there is a reader, then the log grows further, until the next attempt.
            self.restart_at = if is_blocked { wal.bytes + MUCH } else { self.max_wal };
        }
        Ok(())
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.nudge = None;
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn run(
    connection: &Connection,
    nudged: &Receiver<()>,
    yields: &AtomicBool,
    measure_disk: impl Fn(),
) {
    while nudged.recv_timeout(PAUSE) != Err(RecvTimeoutError::Disconnected) {
        measure_disk();
        if yields.load(Relaxed) {
            continue;
        }
        // What it has not moved stays in the log, and is moved the next time.
        if let Err(error) = checkpoint(Sql::new(connection), "PRAGMA wal_checkpoint(PASSIVE)") {
            trace::warn(&format!("inbox: its log cannot be moved into its file: {error}"));
        }
    }
}

/// Empties the log, unless somebody reads it.
pub(super) fn truncate(writer: Sql<'_>) -> Result<()> {
    checkpoint(writer, "PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
}
