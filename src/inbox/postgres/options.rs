//! `PostgresOptions`: where the database is, and the limits of the store.

use std::{fmt, time::Duration};

use tokio_postgres::config::{Config, Host, TargetSessionAttrs};

use crate::error::InboxError;

/// Where the database is, and the limits of a [`PostgresStore`](super::PostgresStore).
///
/// ```
/// use tower_webhook::inbox::PostgresOptions;
///
/// let options = PostgresOptions::new("postgres://inbox:secret@db.internal/webhooks")?.max_open(100_000);
/// assert!(!format!("{options:?}").contains("secret"));
/// # Ok::<(), tower_webhook::error::InboxError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostgresOptions {
    pub(super) config: Config,
    pub(super) connect_timeout: Duration,
    pub(super) max_open: u64,
}

impl PostgresOptions {
    /// The options of a URL, as libpq reads it: `postgres://user:password@host:port/database?sslmode=require`. Of several
    /// hosts, the one that takes writes is used. By default, at most a million deliveries are open, and a connection must be
    /// there within 5 seconds.
    ///
    /// # Errors
    ///
    /// If it cannot be read. The error does not repeat it.
    pub fn new(url: &str) -> Result<Self, InboxError> {
        let mut config: Config = url
            .parse()
            .map_err(|_| InboxError::unavailable("the URL is not one of a PostgreSQL database"))?;
        if config.get_application_name().is_none() {
            config.application_name("tower-webhook");
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self { config, connect_timeout: Duration::from_secs(5), max_open: 1_000_000 })
    }

    /// The number of open deliveries at which the store is full. It is counted every 10 seconds, so the store can go beyond
    /// it for a short time.
    pub fn max_open(self, most: u64) -> Self {
        Self { max_open: most, ..self }
    }

    /// The time within which a connection must be there.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.config.get_hosts().iter().map(name).collect();
        f.debug_struct("PostgresOptions")
            .field("hosts", &hosts)
            .field("database", &self.config.get_dbname())
            .field("connect_timeout", &self.connect_timeout)
            .field("max_open", &self.max_open)
            .finish_non_exhaustive()
    }
}

fn name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}
