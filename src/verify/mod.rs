//! The tower layer: handshake, limits, body, check, answer.
//!
//! [`VerifyLayer`] wraps the service that may see authentic requests only: an [`EventRouter`](crate::EventRouter), an
//! ordinary axum handler, a whole router, plain hyper. All that the head says, but for the media type and the
//! coding, is judged before the body is looked at, and the body goes through the check as it arrives. What is
//! authentic reaches the inner service as a `Request<Verified<P>>`; what is not is answered here, see
//! [`Rejection`](crate::Rejection).
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
//! - Nothing of the body is parsed before it is authentic, and nothing is re-serialised to be checked.
//! - Memory, for a layer and its clones: at most `max_body_bytes` for each of `max_bodies`, and `max_total_bytes` for all of
//!   them together while they are read, besides what the server keeps for each connection; nothing is allocated because a
//!   header announces it, beyond 64 KiB.
//! - The layer is always ready. The inner service's readiness is awaited after authentication, on the clone that is
//!   called: a stranger who trickles a body in reserves nothing. While a request waits for the inner service it still holds
//!   its permit, and a hang-up loses it. So put `ConcurrencyLimit` in front.
//! - A request that is answered before its body has arrived leaves the connection usable for the next one, within limits: up
//!   to [`limits::MAX_DRAIN_BYTES`] bytes of such a body are read and dropped. If the rest is too long or its length
//!   unknown, an HTTP/1 answer says `Connection: close`. If it takes too long, the connection ends after the answer. See [shared connections](crate::_docs::security#shared-connections).
//! - Every answer has `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`, unless the inner service says
//!   otherwise.
//!
//! Deadlines need a tokio runtime with its timer. Outside of a runtime there are none: a body that pauses is waited for.

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
