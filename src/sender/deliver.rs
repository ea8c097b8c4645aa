use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header, uri::Scheme};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::SendError;

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
pub async fn deliver(request: Request<Full<Bytes>>) -> Result<Response<Bytes>, SendError> {
    let exchange = tokio::time::timeout(TIMEOUT, exchange(request));
    exchange.await.unwrap_or(Err(SendError::Timeout))
}

async fn exchange(mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, SendError> {
    let uri = request.uri().clone();
    if uri.scheme() != Some(&Scheme::HTTP) {
        return Err(SendError::Target("is not `http://…`: TLS is for a proxy in between"));
    }
    let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else {
        return Err(SendError::Target("names no host"));
    };
    let host = host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await.map_err(failed)?;
    let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let driver = tokio::spawn(driver);

    // The origin form on the wire, and the authority without credentials in `Host`.
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    let host = HeaderValue::from_str(host).map_err(failed)?;
    request.headers_mut().insert(header::HOST, host);
    *request.uri_mut() = uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from);

    let (head, body) = connection.send_request(request).await.map_err(failed)?.into_parts();
    let body =
        Limited::new(body, MAX_ANSWER).collect().await.map_err(SendError::Connection)?.to_bytes();
    drop(connection);
    driver.abort();
    Ok(Response::from_parts(head, body))
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> SendError {
    SendError::Connection(Box::new(error))
}
