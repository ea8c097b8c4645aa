//! One connection: it ends when its peer leaves or sends no request for too long, and when the receiver stops.

use std::{pin::pin, time::Duration};

use axum::Router;
use hyper::service::{Service, service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};

/// What may be buffered of an HTTP/1.1 connection, in bytes; hyper takes up to 400 KiB otherwise. No head may be longer.
const BUFFER: usize = 64 * 1024;
/// How long the first request of a connection, and the head of any, may take to arrive.
const HEAD: Duration = Duration::from_secs(10);
/// Streams that were reset by this side and go on sending, in the life of an HTTP/2 connection; hyper takes 1,024.
const LATE_BODIES: usize = 1_000_000;
/// How long a connection is served once the receiver stops: the requests that have been sent to it by then may not have
/// been read.
const LAST_REQUESTS: Duration = Duration::from_millis(100);
/// How long requests under way, and their answers, may take once a connection is to end.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Serves `app` until the connection ends.
pub(crate) async fn serve(
    stream: TcpStream,
    app: Router,
    silence: Duration,
    stop: watch::Receiver<bool>,
) {
    let under_way = watch::Sender::new(0);
    let silent = silent(under_way.subscribe(), silence);
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request| {
        let counted = Counted::new(under_way.clone());
        let answer = app.call(request);
        async move {
            let _counted = counted;
            answer.await
        }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // First the connection: what has arrived in time is read before the time is up.
        biased;
        // What goes wrong here is the peer's affair.
        _ = connection.as_mut() => return,
        () = silent => {}
        () = stopped(stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    // A peer that does not take its answers must not hold the connection.
    let _ = timeout(GRACE, connection).await;
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
    // So many bodies may arrive too late to be read, of all the clients that a proxy has put on one connection.
    builder.http2().max_local_error_reset_streams(LATE_BODIES);
    builder
}

/// Waits until there has been no request under way for as long as a connection may do without.
async fn silent(mut under_way: watch::Receiver<usize>, silence: Duration) {
    let mut answer_timeout = silence.min(HEAD);
    loop {
        let idle = *under_way.borrow_and_update() == 0;
        tokio::select! {
            Ok(()) = under_way.changed() => answer_timeout = silence,
            () = sleep(answer_timeout), if idle => return,
            else => return,
        }
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    sleep(LAST_REQUESTS).await;
}

/// A request under way.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(under_way: watch::Sender<usize>) -> Self {
        under_way.send_modify(|requests| *requests += 1);
        Self(under_way)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|requests| *requests -= 1);
    }
}
