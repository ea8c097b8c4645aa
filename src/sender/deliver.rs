//! Sends one request over plain HTTP/1.1.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, uri::Scheme};
use hyper_util::client::legacy::{Client, connect::HttpConnector};

use super::limits::{ANSWER_TIMEOUT, MAX_ANSWER_BYTES};
use crate::{
    Body, Schedule,
    error::SendError,
    util::client::{client, exchange},
};

/// Sends a request that a [`Sender`](super::Sender) made, over plain HTTP/1.1 on a connection of its own.
///
/// Follows no redirect and sends nothing twice. Waits for at most
/// [`limits::ANSWER_TIMEOUT`](super::limits::ANSWER_TIMEOUT). The longest body of an answer is
/// [`limits::MAX_ANSWER_BYTES`](super::limits::MAX_ANSWER_BYTES).
///
/// # Errors
///
/// [`SendError::Target`] if the request's URI is not `http://host…`. [`SendError::Connection`] if there is no answer, or one
/// that is too long. [`SendError::Timeout`] if there is no answer in time.
pub async fn deliver(request: Request<Body>) -> Result<Response<Bytes>, SendError> {
    let client = client(HttpConnector::new());
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, plain(&client, request));
    let (head, body) = answer.await.unwrap_or(Err(SendError::Timeout))?.into_parts();
    let body = body.ok_or_else(|| SendError::Connection("the answer is too long".into()))?;
    Ok(Response::from_parts(head, body))
}

/// The time that a sender waits for an answer. If it is not documented, then it is that of [`deliver`].
pub(in crate::sender) fn answer_timeout(schedule: &Schedule) -> Duration {
    schedule.answer_timeout.unwrap_or(ANSWER_TIMEOUT)
}

/// Sends one request, without a timeout. If the body of the answer is too long, it is left out.
pub(super) async fn plain(
    client: &Client<HttpConnector, Body>,
    request: Request<Body>,
) -> Result<Response<Option<Bytes>>, SendError> {
    if request.uri().scheme() != Some(&Scheme::HTTP) {
        return Err(SendError::Target("is not `http://…`: TLS is for a proxy in between"));
    }
    exchange(client, request, MAX_ANSWER_BYTES).await.map_err(SendError::Connection)
}
