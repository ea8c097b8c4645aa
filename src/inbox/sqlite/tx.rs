//! A transaction of the writer, as the jobs in it see it.

use std::cell::Cell;

use rusqlite::{Connection, Result};

use super::sql::Sql;
use crate::inbox::time::StoreClock;

/// A transaction that has begun.
pub(super) struct Tx<'c> {
    pub(super) sql: Sql<'c>,
    clock: &'c StoreClock,
    open: Cell<i64>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(connection: &'c Connection, clock: &'c StoreClock) -> Self {
        Self { sql: Sql(connection), clock, open: Cell::new(0) }
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// So many more deliveries are open, or fewer.
    pub(super) fn opened(&self, more: i64) {
        self.open.set(self.open.get() + more);
    }

    /// How many more deliveries are open than before.
    pub(super) fn open(&self) -> i64 {
        self.open.get()
    }

    /// Runs a job. If it fails, then it leaves no trace, and the others in the transaction are not affected.
    pub(super) fn job<T>(&self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let open = self.open();
        self.sql.execute("SAVEPOINT job", [])?;
        let result = work(self);
        // After some errors SQLite has rolled back the whole transaction, and there is no savepoint any more.
        if !self.sql.0.is_autocommit() {
            if result.is_err() {
                self.sql.execute("ROLLBACK TO job", [])?;
                self.open.set(open);
            }
            self.sql.execute("RELEASE job", [])?;
        }
        result
    }
}
