//! The sending side: what it writes, byte for byte, what it refuses, and that what it forges is refused.

mod delivered;
mod errors;
mod recorded;
mod shapes;
mod tampered;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt};
use tower_webhook::{EventRouter, Provider, VerifyLayer};

/// The body of a request that a sender made.
async fn body(request: Request<Full<Bytes>>) -> String {
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

/// How a receiver of `provider` that takes every event answers.
async fn status<P: Provider>(provider: P, request: Request<Full<Bytes>>) -> StatusCode {
    let hook = VerifyLayer::new(provider).layer(EventRouter::new());
    hook.oneshot(request).await.unwrap().status()
}
