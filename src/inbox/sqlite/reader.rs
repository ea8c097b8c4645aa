//! The connection of operators, beside the writer: what they read does not stop the door.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Result};

use super::{
    file::File,
    sql::{Sql, told},
};
use crate::error::InboxError;

pub(super) struct Reader {
    file: File,
    state: Mutex<State>,
}

enum State {
    /// To be opened when it is needed.
    Closed,
    Open(Connection),
    Ended,
}

impl Reader {
    pub(super) fn new(file: File) -> Self {
        Self { file, state: Mutex::new(State::Closed) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what was written up to one moment.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(Sql<'_>) -> Result<T, InboxError>,
    ) -> Result<T, InboxError> {
        let mut state = self.state();
        if let State::Closed = *state {
            *state = State::Open(self.file.reader().map_err(|error| told(&error))?);
        }
        let State::Open(connection) = &mut *state else { return Err(InboxError::Closed) };
        let snapshot = connection.transaction().map_err(|error| told(&error))?;
        work(Sql::new(&snapshot))
    }

    /// Waits for who reads. The next one opens the file again.
    pub(super) fn close(&self) {
        *self.state() = State::Closed;
    }

    /// Waits for who reads. There is no next one.
    pub(super) fn end(&self) {
        *self.state() = State::Ended;
    }
}
