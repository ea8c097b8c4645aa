//! Connections that are never idle.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tower_webhook::BoxError;

/// As many requests are under way at once.
const CONNECTIONS: usize = 8;
/// How long anything may take that is no part of a round.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one server did in one round.
pub(crate) struct Round {
    pub(crate) per_second: f64,
    pub(crate) p99: Duration,
}

/// How a server answers one request on a connection of its own.
pub(crate) async fn answer(
    server: SocketAddr,
    request: Request<Bytes>,
) -> Result<StatusCode, BoxError> {
    timeout(PATIENCE, async { status(&mut connect(server).await?, request.map(Full::new)).await })
        .await?
}

/// Sends the same request over all connections, the next one as soon as the last is answered.
pub(crate) async fn round(
    server: SocketAddr,
    request: Request<Bytes>,
    length: Duration,
) -> Result<Round, BoxError> {
    timeout(PATIENCE + length, keep_busy(server, request.map(Full::new), length)).await?
}

async fn keep_busy(
    server: SocketAddr,
    request: Request<Full<Bytes>>,
    length: Duration,
) -> Result<Round, BoxError> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = connect(server).await?;
        succeed(&mut connection, request.clone()).await?;
        connections.push(connection);
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn(repeat(connection, request.clone(), start + length));
    }
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done??);
    }
    let per_second = latencies.len() as f64 / start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Round { per_second, p99: latencies[latencies.len() * 99 / 100] })
}

/// At least once, so that every round has a figure.
async fn repeat(
    mut connection: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    until: Instant,
) -> Result<Vec<Duration>, BoxError> {
    let mut latencies = Vec::new();
    loop {
        let request = request.clone();
        let start = Instant::now();
        succeed(&mut connection, request).await?;
        latencies.push(start.elapsed());
        if Instant::now() >= until {
            return Ok(latencies);
        }
    }
}

async fn connect(server: SocketAddr) -> Result<SendRequest<Full<Bytes>>, BoxError> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn succeed(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(), BoxError> {
    match status(connection, request).await? {
        status if status.is_success() => Ok(()),
        status => Err(format!("a good request was answered {status}").into()),
    }
}

async fn status(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, BoxError> {
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let status = response.status();
    response.into_body().collect().await?;
    Ok(status)
}
