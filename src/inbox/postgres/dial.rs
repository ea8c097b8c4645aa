//! `Dial`: makes connections, whatever the TLS.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::task::AbortHandle;
use tokio_postgres::{
    AsyncMessage, Client, Connection, Error, Socket,
    tls::{MakeTlsConnect, TlsConnect, TlsStream},
};

use super::{
    PostgresOptions,
    live::{Live, Purpose},
    trouble::text,
};
use crate::error::InboxError;

/// Called when a notification has arrived.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// A connection, and the task that drives it.
type Opened = Result<(Client, AbortHandle), Error>;

/// Makes connections.
pub(super) struct Dial {
    open: Box<dyn Fn() -> Pin<Box<dyn Future<Output = Opened> + Send>> + Send + Sync>,
    timeout: Duration,
}

impl Dial {
    pub(super) fn new<T>(options: &PostgresOptions, tls: T, wake: Wake) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: TlsStream + Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (config, timeout) = (options.config.clone(), options.connect_timeout);
        let open = move || -> Pin<Box<dyn Future<Output = Opened> + Send>> {
            let (config, tls, wake) = (config.clone(), tls.clone(), wake.clone());
            Box::pin(async move {
                let (client, connection) = config.connect(tls).await?;
                Ok((client, tokio::spawn(drive(connection, wake)).abort_handle()))
            })
        };
        Self { open: Box::new(open), timeout }
    }

    /// A connection with the settings for its purpose.
    pub(super) async fn open(&self, purpose: Purpose) -> Result<Live, InboxError> {
        let opened = async {
            let opened = (self.open)().await;
            let (client, task) = opened.map_err(|error| InboxError::unavailable(text(&error)))?;
            let live = Live::new(client, task, purpose);
            live.set_up().await?;
            Ok(live)
        };
        tokio::time::timeout(self.timeout, opened).await.unwrap_or_else(|_| {
            Err(InboxError::unavailable(format_args!(
                "the database did not accept a connection within {}",
                humantime::format_duration(self.timeout),
            )))
        })
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dial(..)")
    }
}

/// Drives a connection until it ends. Its end shows in the client.
async fn drive<S>(mut connection: Connection<Socket, S>, wake: Wake)
where
    S: TlsStream + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        if let AsyncMessage::Notification(_) = message {
            wake();
        }
    }
}
