//! `Live`: an open connection.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{task::AbortHandle, time::timeout};
use tokio_postgres::{Client, Error, Statement, types::ToSql};

use super::{rows::Rows, statements, trouble::Trouble};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The statements of receivers and workers.
    Work,
    /// Notifications.
    Hints,
    /// What may take longer.
    Operator,
}

impl Purpose {
    fn settings(self) -> &'static str {
        match self {
            Self::Work => statements::PINNED,
            Self::Hints => statements::HINTS,
            Self::Operator => statements::OPERATOR,
        }
    }

    /// The time for an answer, after which the connection counts as lost: the server is silent, since it would have given up
    /// before that.
    fn patience(self) -> Duration {
        Duration::from_secs(if self == Self::Operator { 65 } else { 12 })
    }
}

/// An open connection.
pub(super) struct Live {
    client: Client,
    task: AbortHandle,
    purpose: Purpose,
    prepared: Mutex<HashMap<&'static str, Statement>>,
    is_given_up: AtomicBool,
}

impl Live {
    pub(super) fn new(client: Client, task: AbortHandle, purpose: Purpose) -> Self {
        let (prepared, is_given_up) = (Mutex::default(), AtomicBool::new(false));
        Self { client, task, purpose, prepared, is_given_up }
    }

    pub(super) async fn set_up(&self) -> Result<(), Trouble> {
        self.batch(statements::SETTINGS).await?;
        self.batch(self.purpose.settings()).await
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed) || self.client.is_closed()
    }

    /// The rows of a statement that is prepared once for this connection.
    pub(super) async fn query(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Rows, Trouble> {
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        let statement = match known {
            Some(statement) => statement,
            None => self.prepare(sql).await?,
        };
        self.in_time(self.client.query(&statement, parameters)).await.map(Rows)
    }

    async fn prepare(&self, sql: &'static str) -> Result<Statement, Trouble> {
        let statement = self.in_time(self.client.prepare(sql)).await?;
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(prepared.entry(sql).or_insert(statement).clone())
    }

    /// Runs statements without parameters.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Trouble> {
        self.in_time(self.client.batch_execute(sql)).await
    }

    pub(super) async fn begin(&self) -> Result<(), Trouble> {
        self.batch("BEGIN").await
    }

    /// Ends a transaction: commits it if all was well. An error: it is not committed, or nobody knows.
    pub(super) async fn end<T, E: From<Trouble>>(&self, done: Result<T, E>) -> Result<T, E> {
        let end = if done.is_ok() { statements::COMMIT } else { "ROLLBACK" };
        let ended = self.batch(end).await;
        if ended.is_err() {
            // The transaction may still be open.
            self.give_up();
        }
        let done = done?;
        ended?;
        Ok(done)
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        let done = match timeout(self.purpose.patience(), work).await {
            Ok(done) => done.map_err(Trouble::from),
            Err(_) => Err(Trouble::Lost("the database does not answer".to_owned())),
        };
        if matches!(done, Err(Trouble::Lost(_))) {
            // Now, and not when the task notices: the next statement must not meet it.
            self.give_up();
        }
        done
    }

    fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
        self.task.abort();
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}
