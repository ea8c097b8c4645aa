//! Statements that are prepared once, and what their errors mean.

use rusqlite::{Connection, Error, ErrorCode, OptionalExtension, Params, Result, Row};

use crate::error::InboxError;

/// A connection, for statements with their parameters.
#[derive(Clone, Copy)]
pub(super) struct Sql<'c>(pub(super) &'c Connection);

impl Sql<'_> {
    /// Runs a statement without rows. Returns how many it changed.
    pub(super) fn execute(self, sql: &str, parameters: impl Params) -> Result<usize> {
        self.0.prepare_cached(sql)?.execute(parameters)
    }

    /// The first row, if there is one.
    pub(super) fn one<T>(
        self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.0.prepare_cached(sql)?.query_row(parameters, read).optional()
    }

    /// The number in the first row of a statement that always has one.
    pub(super) fn number(self, sql: &str) -> Result<i64> {
        self.0.prepare_cached(sql)?.query_row([], |row| row.get(0))
    }

    pub(super) fn all<T>(
        self,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.0.prepare_cached(sql)?.query_map(parameters, read)?.collect()
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
