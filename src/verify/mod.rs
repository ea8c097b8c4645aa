//! The tower layer: handshake, limits, body, check, answer.
//!
//! [`VerifyLayer`] wraps a service that must see authentic requests only: an [`EventRouter`](crate::EventRouter), an
//! ordinary axum handler, a whole router, plain hyper. The headers, except for the media type and the coding, are checked
//! before the body is read, and the body is verified as it arrives. An authentic request reaches the inner service as a
//! `Request<Verified<P>>`. Any other request is answered by the layer: see [`Rejection`](crate::Rejection).
//!
//! ```
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Sender, VerifyLayer, providers::loops::{Loops, SessionStarted}, scheme::Token};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = Loops::new(Token::path("0123456789abcdef0123456789abcdef")?);
//! let events = EventRouter::new().on(async |e: SessionStarted| println!("{:?} started", e.name));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//!
//! let request = Sender::new(provider).event(&SessionStarted::default())?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! Around an axum handler, with other limits than the default ones:
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, body::Bytes, routing::post};
//! use tower_webhook::{VerifyLayer, providers::learn365::Learn365};
//!
//! # fn app(secret: &str) -> Result<Router, tower_webhook::error::ConfigError> {
//! async fn handler(body: Bytes) { /* authentic */ }
//!
//! let layer = VerifyLayer::new(Learn365::new(secret)?)
//!     .max_body_bytes(64 * 1024)
//!     .body_timeout(Duration::from_secs(3))
//!     .max_bodies(32);
//! Ok(Router::new().route("/webhooks/learn365", post(handler).layer(layer)))
//! # }
//! ```
//!
//! # Guarantees
//!
//! - A request that fails verification never reaches your code. Its body is not parsed (except for
//!   [`Check::whole`](crate::scheme::Check::whole)), and not even read if the headers
//!   already show the problem. The bytes that are verified are the bytes that arrived: nothing is serialised again.
//! - Memory is limited for a layer and its clones: at most `max_body_bytes` for each of `max_bodies`, and `max_total_bytes`
//!   for all bodies together while they are read. The buffers of the server are not included. A length that a header
//!   announces reserves at most 64 KiB.
//! - The layer is always ready. The readiness of the inner service is awaited after verification, on the clone that is
//!   called. So a client that sends a body slowly reserves nothing there. While a request waits for the inner service, it
//!   holds its permit, and it is lost if the client hangs up. So put a `ConcurrencyLimit` in front of the layer.
//! - If a request is answered before its body has arrived, the connection can be used for the next request, within limits:
//!   up to [`limits::MAX_DRAIN_BYTES`] bytes of the rest are read and dropped. If the rest is too long or its length is
//!   unknown, an HTTP/1 answer has `Connection: close`. If the rest takes too long, the connection ends after the answer.
//!   See [shared connections](crate::_docs::security#shared-connections).
//! - Every answer has `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`, unless the inner service sets these
//!   headers.
//!
//! Timeouts need a tokio runtime with its timer. Without a runtime there is no timeout: the layer waits for a body for ever.

mod body;
mod collected;
mod drain;
mod future;
mod hints;
mod layer;
pub mod limits;
mod read;
mod service;

pub use self::{
    body::{ResponseBody, Verified},
    future::ResponseFuture,
    layer::VerifyLayer,
    service::Verify,
};
