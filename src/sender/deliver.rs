//! Sends one request over plain HTTP/1.1.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, uri::Scheme};
use hyper_util::client::legacy::{Client, connect::HttpConnector};

use crate::{
    Body, Schedule,
    error::SendError,
    util::client::{client, exchange},
};

/// How long an answer may take, connecting included.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends a request that a [`Sender`](super::Sender) made, over plain HTTP/1.1 on a connection of its own.
///
/// Follows no redirect and never repeats. Waits 30 seconds at most, and reads 64 KiB of the answer at most.
///
/// # Errors
///
/// [`SendError::Target`] if the request's URI is not `http://host…`, [`SendError::Connection`], [`SendError::Timeout`].
pub async fn deliver(request: Request<Body>) -> Result<Response<Bytes>, SendError> {
    let client = client(HttpConnector::new());
    let answer = tokio::time::timeout(TIMEOUT, plain(&client, request));
    let (head, body) = answer.await.unwrap_or(Err(SendError::Timeout))?.into_parts();
    let body = body.ok_or_else(|| SendError::Connection("the answer is too long".into()))?;
    Ok(Response::from_parts(head, body))
}

/// How long a sender waits, or [`deliver`] where that is not documented.
pub(in crate::sender) fn answer_timeout(schedule: &Schedule) -> Duration {
    schedule.answer_timeout.unwrap_or(TIMEOUT)
}

/// The one request, without a limit of time. The answer has a body unless that is too long.
pub(super) async fn plain(
    client: &Client<HttpConnector, Body>,
    request: Request<Body>,
) -> Result<Response<Option<Bytes>>, SendError> {
    if request.uri().scheme() != Some(&Scheme::HTTP) {
        return Err(SendError::Target("is not `http://…`: TLS is for a proxy in between"));
    }
    exchange(client, request, MAX_ANSWER).await.map_err(SendError::Connection)
}
