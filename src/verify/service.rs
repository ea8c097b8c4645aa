//! The tower service of the layer: it checks handshake and headers, before the body is read.

use std::{
    fmt,
    task::{Context, Poll},
};

use http::{Request, Response, header, request::Parts};
use http_body::{Body, SizeHint};
use tower::Service;

use super::{ResponseBody, ResponseFuture, Verified, VerifyLayer, hints::refusal, read::Reading};
use crate::{BoxError, Provider, scheme::Head};

/// The service that a [`VerifyLayer`] puts around an inner service.
pub struct Verify<P, S> {
    layer: VerifyLayer<P>,
    inner: S,
}

impl<P, S> Verify<P, S> {
    pub(super) fn new(layer: VerifyLayer<P>, inner: S) -> Self {
        Self { layer, inner }
    }
}

impl<P, S: Clone> Clone for Verify<P, S> {
    fn clone(&self) -> Self {
        Self { layer: self.layer.clone(), inner: self.inner.clone() }
    }
}

impl<P, S> fmt::Debug for Verify<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("layer", &self.layer).finish_non_exhaustive()
    }
}

impl<P, S, B, R> Service<Request<B>> for Verify<P, S>
where
    P: Provider,
    B: Body<Error: Into<BoxError>>,
    S: Service<Request<Verified<P>>, Response = Response<R>> + Clone,
{
    type Response = Response<ResponseBody<R, B>>;
    type Error = S::Error;
    type Future = ResponseFuture<P, S, B>;

    /// Always ready: a request that is not verified yet must not hold a permit of the inner service.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let config = self.layer.config();
        let head = Head::new(&parts, config.clock.now()).max_header_bytes(config.max_header_bytes);
        if let Some(answer) = self.layer.provider().handshake(&head) {
            return ResponseFuture::early(config, &parts, body, answer);
        }
        head.forget_read_headers();
        let (promised, declared) = lengths(&parts, &body.size_hint());
        match Reading::begin(&self.layer, &head, declared, promised) {
            Ok(reading) => ResponseFuture::reading(self.inner.clone(), parts, reading, body),
            Err(rejection) => {
                let quietly = config.was_said(&rejection);
                let answer = refusal(rejection, self.layer.provider(), (&parts, b""), quietly);
                ResponseFuture::early(config, &parts, body, answer)
            }
        }
    }
}

/// The length that the server guarantees, and the length that is announced. If the server knows the exact length, both
/// are that.
fn lengths(parts: &Parts, hint: &SizeHint) -> (u64, u64) {
    match hint.exact() {
        Some(length) => (length, length),
        None => (hint.lower(), declared_length(parts).unwrap_or(0).max(hint.lower())),
    }
}

/// The length in the header `content-length`.
pub(super) fn declared_length(parts: &Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
