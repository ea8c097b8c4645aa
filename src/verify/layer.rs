//! `VerifyLayer`: its provider and its settings.

use std::{fmt, sync::Arc, time::Duration};

use tower::Layer;

use super::{Verify, limits};
use crate::{clock::Clock, util::permits::Permits};

/// Lets authentic requests of provider `P` through, and answers all other requests: see [`verify`](crate::verify).
///
/// A layer is cheap to make: one per request is a good way to have a provider per tenant. Clones share their limits.
/// Separately created layers do not.
pub struct VerifyLayer<P> {
    // One `Arc` for both: each request clones it.
    shared: Arc<(limits::Config, Arc<P>)>,
}

impl<P> VerifyLayer<P> {
    /// A layer for a provider, with the default [limits].
    pub fn new(provider: P) -> Self {
        Self::shared(Arc::new(provider))
    }

    /// A layer for a provider that is shared, with the default [limits].
    pub fn shared(provider: Arc<P>) -> Self {
        Self { shared: Arc::new((limits::Config::default(), provider)) }
    }

    /// The longest header that verification reads, in bytes. If a header is longer, the answer is 431. By default
    /// [`limits::MAX_HEADER_BYTES`], 8 KiB.
    #[must_use]
    pub fn max_header_bytes(self, bytes: usize) -> Self {
        self.with(|config| config.max_header_bytes = bytes)
    }

    /// The longest body, in bytes. If a body is longer, the answer is 413. By default [`limits::MAX_BODY_BYTES`], 1 MiB.
    #[must_use]
    pub fn max_body_bytes(self, bytes: usize) -> Self {
        self.with(|config| config.set_max_body_bytes(bytes))
    }

    /// The time that a body may take to arrive, from its first pause on. If it takes longer, the answer is 408. By default
    /// [`limits::BODY_TIMEOUT`], 10 seconds.
    #[must_use]
    pub fn body_timeout(self, timeout: Duration) -> Self {
        self.with(|config| config.body_timeout = timeout)
    }

    /// The maximum number of bodies being read at the same time. A further request gets 503. By default
    /// [`limits::MAX_BODIES`], 256.
    ///
    /// Clones that were made before this call do not share the new limit.
    #[must_use]
    pub fn max_bodies(self, most: usize) -> Self {
        self.with(|config| config.bodies = Permits::new(most))
    }

    /// The maximum total size of the bodies being read at the same time, in bytes. If a body would exceed it, then its
    /// request gets 503. By default [`limits::MAX_TOTAL_BYTES`], 64 MiB. At least the size of
    /// [one body](VerifyLayer::max_body_bytes), and at most 4 GiB.
    ///
    /// The size of a body is the memory that it takes. That grows in steps: first to the announced length or 64 KiB,
    /// then by doubling. Not included are the buffers of the server, and bodies that have been verified.
    ///
    /// Clones that were made before this call do not share the new limit. If [`VerifyLayer::max_body_bytes`] changes this
    /// limit, the same applies to that call.
    #[must_use]
    pub fn max_total_bytes(self, most: usize) -> Self {
        self.with(|config| config.set_max_total_bytes(most))
    }

    /// The maximum size of the rest of a body that is read and dropped if its request is answered before all of it has
    /// arrived, in bytes. The rest is neither hashed nor kept. By default [`limits::MAX_DRAIN_BYTES`], 1 MiB.
    ///
    /// After that, the connection can be used for the next request. Behind a proxy that shares its connections, this may
    /// be a request of another client. If the body announces more bytes, or if an HTTP/1 body announces no length, then the
    /// answer has `Connection: close`. If more bytes arrive, then the connection ends (over HTTP/2: the stream). With 0,
    /// this applies to every such body.
    #[must_use]
    pub fn max_drain_bytes(self, bytes: usize) -> Self {
        self.with(|config| config.max_drain_bytes = bytes)
    }

    /// The time that the rest of such a body may take to arrive, from its first pause on. By default
    /// [`limits::DRAIN_TIMEOUT`], 2 seconds.
    #[must_use]
    pub fn drain_timeout(self, timeout: Duration) -> Self {
        self.with(|config| config.drain_timeout = timeout)
    }

    /// The maximum number of such bodies being read at the same time. One more is treated as if it were too long. By
    /// default [`limits::MAX_DRAINS`], 1,024.
    ///
    /// Clones that were made before this call do not share the new limit.
    #[must_use]
    pub fn max_drains(self, most: usize) -> Self {
        self.with(|config| config.drains = Permits::new(most))
    }

    /// The clock that timestamps are compared with. Timeouts follow the clock of tokio.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|config| config.clock = Arc::new(clock))
    }

    fn with(mut self, change: impl FnOnce(&mut limits::Config)) -> Self {
        change(&mut Arc::make_mut(&mut self.shared).0);
        self
    }

    pub(super) fn config(&self) -> &limits::Config {
        &self.shared.0
    }

    pub(crate) fn provider(&self) -> &P {
        &self.shared.1
    }
}

impl<P> Clone for VerifyLayer<P> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<P, S> Layer<S> for VerifyLayer<P> {
    type Service = Verify<P, S>;

    fn layer(&self, inner: S) -> Verify<P, S> {
        Verify::new(self.clone(), inner)
    }
}

impl<P> fmt::Debug for VerifyLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.config();
        f.debug_struct("VerifyLayer")
            .field("provider", &std::any::type_name::<P>())
            .field("max_header_bytes", &config.max_header_bytes)
            .field("max_body_bytes", &config.max_body_bytes)
            .field("body_timeout", &config.body_timeout)
            .field("max_bodies", &config.bodies.max())
            .field("max_total_bytes", &config.total_bytes.max())
            .field("max_drain_bytes", &config.max_drain_bytes)
            .field("drain_timeout", &config.drain_timeout)
            .field("max_drains", &config.drains.max())
            .finish_non_exhaustive()
    }
}
