//! HTTP/1.1 and HTTP/2 on one port, with limits on what a connection may hold on to.

use std::{num::NonZero, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use crate::{io::say, patience::Patience};

/// What may be buffered of an HTTP/1.1 connection, in bytes; hyper takes up to 400 KiB otherwise. No head may be longer.
const BUFFER: usize = 64 * 1024;
/// How long the first byte of a connection, and the head of a request, may take to arrive.
const HEAD: Duration = Duration::from_secs(10);
/// How often an HTTP/2 connection is asked whether it is still there, and how long it may think about it.
const PING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
/// How long requests under way may take at shutdown.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) struct Limits {
    /// Connections at once; further ones wait in the system's queue.
    pub(crate) connections: NonZero<u16>,
    /// How long a connection may stay silent.
    pub(crate) silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let connections = const { NonZero::new(512).expect("is not zero") };
        Self { connections, silence: Duration::from_secs(60) }
    }
}

/// Serves `app` until `stop` is over, then lets the requests under way finish.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections.get().into()));
    let builder = builder();
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let io = TokioIo::new(Patience::new(stream, (HEAD.min(limits.silence), limits.silence)));
        let service = TowerToHyperService::new(app.clone());
        let connection = connections.watch(builder.serve_connection(io, service).into_owned());
        tokio::spawn(async move {
            // What goes wrong here is the peer's affair.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    say("stopping");
    if timeout(GRACE, connections.shutdown()).await.is_err() {
        say("gave up on connections that are still open");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Without `half_close` a request is dropped unseen whose sender hangs up right behind its last byte.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .half_close(true);
    let (interval, answer) = PING;
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(interval)
        .keep_alive_timeout(answer);
    builder
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                // Out of file descriptors, perhaps: that passes, but not at once.
                say(format_args!("cannot accept a connection: {error}"));
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
