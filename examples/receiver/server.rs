//! HTTP/1.1 and HTTP/2 on one port, with limits on what a connection may hold on to.

use std::{iter, num::NonZero, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use crate::{
    connection::{self, GRACE},
    io::say,
};

pub(crate) struct Limits {
    /// Connections at once; further ones wait in the system's queue.
    pub(crate) connections: NonZero<u16>,
    /// How long a connection may go without a request.
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
    let most = limits.connections.get();
    let places = Arc::new(Semaphore::new(most.into()));
    let stopping = watch::Sender::new(false);
    let begin = |(stream, place)| {
        let stop = stopping.subscribe();
        let connection = connection::serve(stream, app.clone(), limits.silence, stop);
        tokio::spawn(async move {
            connection.await;
            drop(place);
        });
    };
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = accept(&listener, &places) => begin(accepted),
            () = &mut stop => break,
        }
    }
    waiting(listener, &places).for_each(begin);
    say("stopping");
    stopping.send_replace(true);
    if timeout(GRACE, places.acquire_many(most.into())).await.is_err() {
        say("gave up on connections that are still open");
    }
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

/// The connections in the system's queue, as far as there are places: their requests may have been sent already.
/// Nobody can connect any more once this is over.
fn waiting(
    listener: TcpListener,
    places: &Arc<Semaphore>,
) -> impl Iterator<Item = (TcpStream, Option<OwnedSemaphorePermit>)> {
    let listener = listener.into_std();
    iter::from_fn(move || {
        let place = places.clone().try_acquire_owned().ok()?;
        let (stream, _) = listener.as_ref().ok()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, Some(place)))
    })
}
