//! What is known of a store without asking its file.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use rusqlite::Result;

use super::{checkpoint::Wal, disk::free_bytes, sql::Sql};

/// Kept up to date by the writer, and read by everybody.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    open: AtomicU64,
    bytes: AtomicU64,
    /// The bytes that the disk has left.
    free: AtomicU64,
    commits: AtomicU64,
    is_poisoned: AtomicBool,
    is_closing: AtomicBool,
}

impl Gauge {
    /// The number of open deliveries.
    pub(super) fn open(&self) -> u64 {
        self.open.load(Relaxed)
    }

    /// Counts them in the file.
    pub(super) fn count(&self, sql: Sql<'_>) -> Result<()> {
        let open = sql.number("SELECT count(*) FROM inbox_queue")?;
        self.open.store(open.unsigned_abs(), Relaxed);
        Ok(())
    }

    /// The writer alone calls it, so nothing comes between reading and writing.
    pub(super) fn opened(&self, more: i64) {
        self.open.store(self.open().saturating_add_signed(more), Relaxed);
    }

    /// The bytes of the file and its log that are in use.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Measures the file. What a purge has freed does not count: it is used again, although the file does not shrink.
    pub(super) fn measure(&self, sql: Sql<'_>, wal: Wal) -> Result<()> {
        let free = sql.number("PRAGMA freelist_count")?;
        let used = sql.number("PRAGMA page_count")?.saturating_sub(free);
        let bytes = used.saturating_mul(sql.number("PRAGMA page_size")?);
        self.bytes.store(u64::try_from(bytes).unwrap_or(0).saturating_add(wal.bytes), Relaxed);
        Ok(())
    }

    /// The bytes that the disk has left.
    pub(super) fn free(&self) -> u64 {
        self.free.load(Relaxed)
    }

    /// Looks at the disk of `path`.
    pub(super) fn measure_disk(&self, path: &Path) {
        self.free.store(free_bytes(path).unwrap_or(u64::MAX), Relaxed);
    }

    /// The number of transactions that changed something.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Relaxed)
    }

    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Relaxed);
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.is_poisoned.load(Relaxed)
    }

    pub(super) fn poison(&self, is_poisoned: bool) {
        self.is_poisoned.store(is_poisoned, Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Relaxed)
    }

    pub(super) fn close(&self) {
        self.is_closing.store(true, Relaxed);
    }
}
