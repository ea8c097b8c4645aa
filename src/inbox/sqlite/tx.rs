//! A transaction of the writer, as the jobs in it see it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use rusqlite::Result;

use super::sql::Sql;
use crate::inbox::time::StoreClock;

/// A transaction that has begun.
pub(super) struct Tx<'c> {
    pub(super) sql: Sql<'c>,
    clock: &'c StoreClock,
    open: Cell<i64>,
    damaged: RefCell<Damaged>,
}

/// The numbers of deliveries that a claim could not read. They go from one transaction to the next: SQLite does not commit the
/// one that has met them. They stay, since the burial of one fails if another one is met after it.
pub(super) type Damaged = BTreeSet<i64>;

impl<'c> Tx<'c> {
    pub(super) fn new(sql: Sql<'c>, clock: &'c StoreClock, damaged: Damaged) -> Self {
        Self { sql, clock, open: Cell::new(0), damaged: RefCell::new(damaged) }
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

    /// A page of this delivery cannot be read.
    pub(super) fn note_damaged(&self, seq: i64) {
        self.damaged.borrow_mut().insert(seq);
    }

    /// Whether a transaction before could not read this delivery.
    pub(super) fn is_damaged(&self, seq: i64) -> bool {
        self.damaged.borrow().contains(&seq)
    }

    /// Perhaps it can be read now.
    pub(super) fn forget_damage(&self, seq: i64) {
        self.damaged.borrow_mut().remove(&seq);
    }

    /// What the next transaction has to know.
    pub(super) fn into_damaged(self) -> Damaged {
        self.damaged.into_inner()
    }

    /// Runs a job. If it fails, then it leaves no trace, and the others in the transaction are not affected.
    pub(super) fn job<T>(&self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let open = self.open();
        self.sql.execute("SAVEPOINT job", [])?;
        let result = work(self);
        // After some errors SQLite has rolled back the whole transaction, and there is no savepoint any more.
        if !self.sql.connection.is_autocommit() {
            if result.is_err() {
                self.sql.execute("ROLLBACK TO job", [])?;
                self.open.set(open);
            }
            self.sql.execute("RELEASE job", [])?;
        }
        result
    }
}
