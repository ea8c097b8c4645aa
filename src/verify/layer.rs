//! `VerifyLayer`: its provider and its settings.

use std::{fmt, sync::Arc, time::Duration};

use tower::Layer;

use super::Verify;
use crate::{
    Rejection,
    clock::{Clock, SystemClock},
    scheme::Head,
    util::{permits::Permits, trace::Seldom},
};

/// Lets authentic requests of provider `P` through, and answers all others: see [`verify`](crate::verify).
///
/// Cheap to make: a layer per request is a fine way to have a provider per tenant. What one value of it and its clones read
/// at once is bounded together; layers that were made apart know nothing of each other.
pub struct VerifyLayer<P> {
    pub(super) config: Arc<Config>,
    pub(super) provider: Arc<P>,
}

#[derive(Clone)]
pub(super) struct Config {
    pub(super) max_header_bytes: usize,
    pub(super) max_body_bytes: usize,
    pub(super) body_timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) permits: Permits,
    max_total_bytes: usize,
    /// So many bytes, or as many as one body may have.
    pub(super) budget: Permits,
    pub(super) max_drain_bytes: usize,
    pub(super) drain_timeout: Duration,
    pub(super) drains: Permits,
    pub(super) busy: Arc<Seldom>,
}

impl<P> VerifyLayer<P> {
    /// Bytes of a body, by default.
    pub const MAX_BODY_BYTES: usize = 1024 * 1024;
    /// Time that a body may take, by default.
    pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
    /// Bodies being read at once, by default.
    pub const MAX_BODIES: usize = 256;
    /// Bytes of all the bodies being read at once, by default.
    pub const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;
    /// Bytes that are read and dropped of a body whose request is answered already, by default.
    pub const MAX_DRAIN_BYTES: usize = 1024 * 1024;
    /// How long that may take, by default.
    pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
    /// How many bodies are read and dropped at once, by default.
    pub const MAX_DRAINS: usize = 1024;

    /// A layer for a provider, with default limits.
    pub fn new(provider: P) -> Self {
        Self::shared(Arc::new(provider))
    }

    /// A layer for a provider that others share, with default limits.
    pub fn shared(provider: Arc<P>) -> Self {
        let config = Config {
            max_header_bytes: Head::MAX_HEADER_BYTES,
            max_body_bytes: Self::MAX_BODY_BYTES,
            body_timeout: Self::BODY_TIMEOUT,
            clock: Arc::new(SystemClock),
            permits: Permits::new(Self::MAX_BODIES),
            max_total_bytes: Self::MAX_TOTAL_BYTES,
            budget: Permits::new(Self::MAX_TOTAL_BYTES),
            max_drain_bytes: Self::MAX_DRAIN_BYTES,
            drain_timeout: Self::DRAIN_TIMEOUT,
            drains: Permits::new(Self::MAX_DRAINS),
            busy: Arc::default(),
        };
        Self { config: Arc::new(config), provider }
    }

    /// The longest header that authentication reads, in bytes; a longer one is answered 431. By default
    /// [`Head::MAX_HEADER_BYTES`], 8 KiB.
    #[must_use]
    pub fn max_header_bytes(self, bytes: usize) -> Self {
        self.with(|config| config.max_header_bytes = bytes)
    }

    /// The longest body, in bytes; a longer one is answered 413. By default [`VerifyLayer::MAX_BODY_BYTES`], 1 MiB.
    #[must_use]
    pub fn max_body_bytes(self, bytes: usize) -> Self {
        self.with(|config| {
            config.max_body_bytes = bytes;
            config.renew_budget();
        })
    }

    /// How long a body may take to arrive, from its first pause on; a slower one is answered 408. By default
    /// [`VerifyLayer::BODY_TIMEOUT`], 10 seconds.
    #[must_use]
    pub fn body_timeout(self, deadline: Duration) -> Self {
        self.with(|config| config.body_timeout = deadline)
    }

    /// How many bodies are read at once; one more is answered 503. By default [`VerifyLayer::MAX_BODIES`], 256.
    /// Counts anew: clones made before do not share the count.
    #[must_use]
    pub fn max_bodies(self, most: usize) -> Self {
        self.with(|config| config.permits = Permits::new(most))
    }

    /// How many bytes are held of all the bodies being read together; a body that would exceed it is answered 503. By
    /// default [`VerifyLayer::MAX_TOTAL_BYTES`], 64 MiB; at least as many as one body may have, and 4 GiB at most. Counts
    /// anew, as does another [body limit](VerifyLayer::max_body_bytes): clones made before do not share the count.
    ///
    /// What is counted is the memory that a body takes: room grows in steps, up to the announced length or 64 KiB first,
    /// then by doubling. Not counted is what the server keeps for each connection, and the buffer of it that the first
    /// frame was cut from; nor what has been verified.
    #[must_use]
    pub fn max_total_bytes(self, most: usize) -> Self {
        self.with(|config| {
            config.max_total_bytes = most;
            config.renew_budget();
        })
    }

    /// How many bytes are read and dropped of a body whose request is answered before all of it has arrived. By default
    /// [`VerifyLayer::MAX_DRAIN_BYTES`], 1 MiB. They are neither hashed nor kept.
    ///
    /// The connection stays usable for the next request then, which may be somebody else's where a proxy shares its
    /// connections. If the body announces more, or an HTTP/1 body announces no length, then the answer says
    /// `Connection: close`; if more arrives, the connection (over HTTP/2: the stream) ends. With 0, that is so for every
    /// such body.
    #[must_use]
    pub fn max_drain_bytes(self, bytes: usize) -> Self {
        self.with(|config| config.max_drain_bytes = bytes)
    }

    /// How long the rest of such a body may take, from its first pause on. By default [`VerifyLayer::DRAIN_TIMEOUT`], 2
    /// seconds.
    #[must_use]
    pub fn drain_timeout(self, deadline: Duration) -> Self {
        self.with(|config| config.drain_timeout = deadline)
    }

    /// How many such bodies are read at once; one more is treated as one that is too long. By default
    /// [`VerifyLayer::MAX_DRAINS`], 1,024. Counts anew: clones made before do not share the count.
    #[must_use]
    pub fn max_drains(self, most: usize) -> Self {
        self.with(|config| config.drains = Permits::new(most))
    }

    /// The clock that timestamps are judged by. Deadlines follow tokio's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|config| config.clock = Arc::new(clock))
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl Config {
    /// Whether the operator heard of it in the last minute. If not, it is noted that it is said now: strangers can fill all
    /// permits, again and again.
    pub(super) fn busy_was_said(&self, rejection: &Rejection) -> bool {
        *rejection == Rejection::Busy && self.busy.say()
    }

    fn renew_budget(&mut self) {
        let budget = Permits::new(self.max_total_bytes.max(self.max_body_bytes));
        // Else what is counted already would be forgotten, and no longer be counted together.
        if budget.max() != self.budget.max() {
            self.budget = budget;
        }
    }
}

impl<P> Clone for VerifyLayer<P> {
    fn clone(&self) -> Self {
        Self { config: self.config.clone(), provider: self.provider.clone() }
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
        f.debug_struct("VerifyLayer")
            .field("provider", &std::any::type_name::<P>())
            .field("max_header_bytes", &self.config.max_header_bytes)
            .field("max_body_bytes", &self.config.max_body_bytes)
            .field("body_timeout", &self.config.body_timeout)
            .field("max_bodies", &self.config.permits.max())
            .field("max_total_bytes", &self.config.budget.max())
            .field("max_drain_bytes", &self.config.max_drain_bytes)
            .field("drain_timeout", &self.config.drain_timeout)
            .field("max_drains", &self.config.drains.max())
            .finish_non_exhaustive()
    }
}
