//! One request and its answer over HTTP/1.1: bounded, never repeated, no redirect followed.

use std::net::IpAddr;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::{Client, connect::Connect},
    rt::TokioExecutor,
};

use crate::{Body, BoxError};

/// A client that opens a connection for every request.
pub(crate) fn client<C: Connect + Clone>(connector: C) -> Client<C, Body> {
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .retry_canceled_requests(false)
        .build(connector)
}

/// Sends `request`, and reads at most `most` bytes of the answer's body. If the body is longer, it is `None`.
///
/// A user and a password in the URI are left out, because the client would show them in its traces.
pub(crate) async fn exchange<C>(
    client: &Client<C, Body>,
    mut request: Request<Body>,
    most: usize,
) -> Result<Response<Option<Bytes>>, BoxError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    *request.uri_mut() = without_user(request.uri().clone())?;
    let (head, body) = client.request(request).await?.into_parts();
    let body = match Limited::new(body, most).collect().await {
        Ok(body) => Some(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => None,
        Err(error) => return Err(error),
    };
    Ok(Response::from_parts(head, body))
}

fn without_user(uri: Uri) -> Result<Uri, BoxError> {
    let mut parts = uri.into_parts();
    if let Some((_, host)) = parts.authority.as_ref().and_then(|all| all.as_str().rsplit_once('@'))
    {
        parts.authority = Some(host.parse()?);
    }
    Ok(Uri::from_parts(parts)?)
}

/// Whether `uri` names this machine, by an address or as `localhost`.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine() {
        for (uri, loopback) in [
            ("http://127.0.0.1:80/", true),
            ("http://127.255.0.9", true),
            ("http://LocalHost/x", true),
            ("http://[::1]:8080/", true),
            ("http://user@localhost/", true),
            ("http://localhost@example.com/", false),
            ("http://localhost.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://0.0.0.0/", false),
            ("http://[::]/", false),
            ("http://10.0.0.1/", false),
            ("/localhost", false),
        ] {
            assert_eq!(is_loopback(&uri.parse().unwrap()), loopback, "{uri}");
        }
    }
}
