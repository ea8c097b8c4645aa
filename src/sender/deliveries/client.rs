//! One attempt: a request, and the redirects that the sender's HTTP client follows.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use hyper_util::client::legacy::{Client, connect::HttpConnector};

use crate::sender::{
    deliver::{answer_timeout, plain},
    headers::{add, leave_out_content},
};
use crate::{
    Body, Schedule,
    delivery::CREDENTIALS,
    error::SendError,
    util::client::{client, is_loopback},
};

/// Sends requests as the HTTP client of one sender does.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryClient {
    client: Client<HttpConnector, Body>,
    answer_timeout: Duration,
    max_redirects: u32,
    beyond_loopback: bool,
}

/// The last request of an attempt, and its answer.
#[derive(Debug)]
pub(crate) struct Attempted {
    /// The number of redirects that were followed.
    pub(crate) redirects: u32,
    /// The method of the last request.
    pub(crate) method: Method,
    /// The answer to the last request. If the body of the answer is too long, it is left out.
    pub(crate) answer: Result<Response<Option<Bytes>>, SendError>,
}

impl Attempted {
    /// An attempt in which no request could be sent.
    pub(crate) fn none(why: SendError) -> Self {
        Self { redirects: 0, method: Method::POST, answer: Err(why) }
    }
}

impl DeliveryClient {
    /// A client with the answer timeout of the sender. Reaches other machines only with `beyond_loopback`.
    pub(crate) fn new(schedule: &Schedule, beyond_loopback: bool) -> Self {
        Self {
            client: client(HttpConnector::new()),
            answer_timeout: answer_timeout(schedule),
            max_redirects: if schedule.follows_redirects { MAX_REDIRECTS } else { 0 },
            beyond_loopback,
        }
    }

    /// Sends `request` with the headers `extra`. If a redirect leads to another scheme, host or port, then neither these
    /// headers nor the provider's tokens are sent there.
    pub(crate) async fn attempt(&self, request: Request<Body>, extra: &HeaderMap) -> Attempted {
        let (mut redirects, mut method) = (0, request.method().clone());
        let attempt = self.follow(request, extra, &mut redirects, &mut method);
        let answer = tokio::time::timeout(self.answer_timeout, attempt).await;
        Attempted { redirects, method, answer: answer.unwrap_or(Err(SendError::Timeout)) }
    }

    async fn follow(
        &self,
        mut request: Request<Body>,
        extra: &HeaderMap,
        redirects: &mut u32,
        method: &mut Method,
    ) -> Result<Response<Option<Bytes>>, SendError> {
        let own = without_credentials(request.headers());
        add(request.headers_mut(), extra);
        loop {
            if !self.beyond_loopback && !is_loopback(request.uri()) {
                return Err(SendError::Target("is not on this machine"));
            }
            method.clone_from(request.method());
            let answer = plain(&self.client, request.clone()).await?;
            match redirected(request, &answer, &own) {
                Some(next) if *redirects < self.max_redirects => request = next,
                _ => return Ok(answer),
            }
            *redirects += 1;
        }
    }
}

/// The headers that may be sent to any host. Tokens are marked as sensitive.
fn without_credentials(headers: &HeaderMap) -> HeaderMap {
    let is_plain = |(name, value): &(&HeaderName, &HeaderValue)| {
        !value.is_sensitive() && !CREDENTIALS.contains(name)
    };
    let plain = headers.iter().filter(is_plain);
    plain.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The request that follows a redirect. After a 301, 302 or 303 it is a GET without a body, and keeps the signature. This is
/// recorded from the original ASP.NET WebHooks. Only the headers `own` are sent to another scheme, host or port, because a
/// credential can be in a header of any name.
fn redirected(
    mut request: Request<Body>,
    answer: &Response<Option<Bytes>>,
    own: &HeaderMap,
) -> Option<Request<Body>> {
    let loses_body = match answer.status().as_u16() {
        301..=303 => true,
        307 => false,
        _ => return None,
    };
    let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
    let to = target(request.uri(), location)?;
    if (to.scheme(), to.authority()) != (request.uri().scheme(), request.uri().authority()) {
        request.headers_mut().clone_from(own);
    }
    *request.uri_mut() = to;
    if loses_body {
        *request.method_mut() = Method::GET;
        *request.body_mut() = Body::default();
    }
    if request.method() == Method::GET {
        leave_out_content(request.headers_mut());
    }
    Some(request)
}

/// The target of `location`, which is a URL or a path on the same host. Other relative references are not followed.
fn target(from: &Uri, location: &str) -> Option<Uri> {
    let to: Uri = location.parse().ok()?;
    if to.scheme().is_some() {
        return Some(to);
    }
    if !location.starts_with('/') || location.starts_with("//") {
        return None;
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = to.into_parts().path_and_query;
    Uri::from_parts(parts).ok()
}

/// The default of .NET's client.
const MAX_REDIRECTS: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_redirect_leads() {
        let from: Uri = "http://user@127.0.0.1:80/a/b?c".parse().unwrap();
        for (location, to) in [
            ("http://127.0.0.1:81/x?y=1", Some("http://127.0.0.1:81/x?y=1")),
            ("/x?y=1", Some("http://user@127.0.0.1:80/x?y=1")),
            ("https://example.com/", Some("https://example.com/")),
            ("//example.com/x", None),
            ("x", None),
            ("?x", None),
            ("", None),
            ("/ x", None),
        ] {
            let expected = to.map(|to| to.parse::<Uri>().unwrap());
            assert_eq!(target(&from, location), expected, "{location}");
        }
    }
}
