//! Statements that are prepared once, and what their errors mean.

use std::cell::RefCell;

use rusqlite::{Connection, Error, ErrorCode, OptionalExtension, Params, Result, Row, Statement};
use rustc_hash::FxHashMap;

use crate::error::InboxError;

/// A connection, for statements with their parameters.
#[derive(Clone, Copy)]
pub(super) struct Sql<'c> {
    pub(super) connection: &'c Connection,
    prepared: Option<&'c dyn Prepare>,
}

/// Statements of a connection that are prepared once. For those of a writer, whose number is small: none is given up.
pub(super) struct Prepared<'c> {
    connection: &'c Connection,
    statements: RefCell<FxHashMap<Box<str>, Statement<'c>>>,
}

/// Hides for how long a connection is borrowed by its statements.
trait Prepare {
    fn run(&self, sql: &str, work: &mut dyn FnMut(&mut Statement<'_>)) -> Result<()>;
}

impl<'c> Sql<'c> {
    /// With statements that are prepared each time.
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, prepared: None }
    }

    /// Runs a statement without rows. Returns how many it changed.
    pub(super) fn execute(self, sql: &str, parameters: impl Params) -> Result<usize> {
        self.run(sql, |statement| statement.execute(parameters))
    }

    /// The first row, if there is one.
    pub(super) fn one<T>(
        self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.run(sql, |statement| statement.query_row(parameters, read).optional())
    }

    /// The number in the first row of a statement that always has one.
    pub(super) fn number(self, sql: &str) -> Result<i64> {
        self.run(sql, |statement| statement.query_row([], |row| row.get(0)))
    }

    pub(super) fn all<T>(
        self,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.run(sql, |statement| statement.query_map(parameters, read)?.collect())
    }

    fn run<T>(self, sql: &str, work: impl FnOnce(&mut Statement<'_>) -> Result<T>) -> Result<T> {
        let Some(prepared) = self.prepared else {
            return work(&mut self.connection.prepare(sql)?);
        };
        let (mut work, mut done) = (Some(work), Err(Error::InvalidQuery));
        prepared.run(sql, &mut |statement| {
            if let Some(work) = work.take() {
                done = work(statement);
            }
        })?;
        done
    }
}

impl<'c> Prepared<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, statements: RefCell::default() }
    }

    pub(super) fn sql(&self) -> Sql<'_> {
        Sql { connection: self.connection, prepared: Some(self) }
    }
}

impl Prepare for Prepared<'_> {
    fn run(&self, sql: &str, work: &mut dyn FnMut(&mut Statement<'_>)) -> Result<()> {
        // It is taken out: the work may need others.
        let known = self.statements.borrow_mut().remove_entry(sql);
        let (key, mut statement) = match known {
            Some(known) => known,
            None => (sql.into(), self.connection.prepare(sql)?),
        };
        work(&mut statement);
        self.statements.borrow_mut().insert(key, statement);
        Ok(())
    }
}

/// What the caller is told.
pub(super) fn told(error: &Error) -> InboxError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => InboxError::Full,
        Some(ErrorCode::SystemIoFailure) => InboxError::Poisoned,
        Some(ErrorCode::DatabaseBusy) => InboxError::unavailable(
            "another connection to the file has had a write transaction open for too long",
        ),
        _ => InboxError::unavailable(error),
    }
}

/// Whether the fault is in a row, and not in the whole: a value that cannot be, a row that is missing.
pub(super) fn is_of_a_row(error: &Error) -> bool {
    error.sqlite_error_code().is_none()
}

/// Whether a page is damaged, or the disk cannot read it. SQLite does not commit a transaction that has met one.
pub(super) fn is_of_a_page(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}
