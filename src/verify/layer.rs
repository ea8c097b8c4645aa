//! `VerifyLayer`: its provider and its settings.

use std::{fmt, sync::Arc, time::Duration};

use tower::Layer;

use super::Verify;
use crate::{
    Rejection,
    clock::{Clock, SystemClock},
    scheme::Head,
    util::{permits::Places, trace::Seldom},
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
    pub(super) header_limit: usize,
    pub(super) body_limit: usize,
    pub(super) body_deadline: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) places: Places,
    bytes_at_once: usize,
    /// So many bytes, or as many as one body may have.
    pub(super) budget: Places,
    pub(super) drain_limit: usize,
    pub(super) drain_deadline: Duration,
    pub(super) drains: Places,
    pub(super) busy: Arc<Seldom>,
}

impl<P> VerifyLayer<P> {
    /// Bytes of a body, by default.
    pub const BODY_LIMIT: usize = 1024 * 1024;
    /// Time that a body may take, by default.
    pub const BODY_DEADLINE: Duration = Duration::from_secs(10);
    /// Bodies being read at once, by default.
    pub const BODIES_AT_ONCE: usize = 256;
    /// Bytes of all the bodies being read at once, by default.
    pub const BYTES_AT_ONCE: usize = 64 * 1024 * 1024;
    /// Bytes that are read and dropped of a body whose request is answered already, by default.
    pub const DRAIN_LIMIT: usize = 1024 * 1024;
    /// How long that may take, by default.
    pub const DRAIN_DEADLINE: Duration = Duration::from_secs(2);
    /// How many bodies are read and dropped at once, by default.
    pub const DRAINS_AT_ONCE: usize = 1024;

    /// A layer for a provider, or for a shared one in an `Arc`: where the compiler asks for the type then, it is
    /// `VerifyLayer::<P>::new(arc)`.
    pub fn new(provider: impl Into<Arc<P>>) -> Self {
        let config = Config {
            header_limit: Head::MAX_HEADER,
            body_limit: Self::BODY_LIMIT,
            body_deadline: Self::BODY_DEADLINE,
            clock: Arc::new(SystemClock),
            places: Places::new(Self::BODIES_AT_ONCE),
            bytes_at_once: Self::BYTES_AT_ONCE,
            budget: Places::new(Self::BYTES_AT_ONCE),
            drain_limit: Self::DRAIN_LIMIT,
            drain_deadline: Self::DRAIN_DEADLINE,
            drains: Places::new(Self::DRAINS_AT_ONCE),
            busy: Arc::default(),
        };
        Self { config: Arc::new(config), provider: provider.into() }
    }

    /// The longest header that authentication reads, in bytes; a longer one is answered 431. By default
    /// [`Head::MAX_HEADER`], 8 KiB.
    #[must_use]
    pub fn header_limit(self, bytes: usize) -> Self {
        self.with(|config| config.header_limit = bytes)
    }

    /// The longest body, in bytes; a longer one is answered 413. By default [`VerifyLayer::BODY_LIMIT`], 1 MiB.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.with(|config| {
            config.body_limit = bytes;
            config.renew_budget();
        })
    }

    /// How long a body may take to arrive, from its first pause on; a slower one is answered 408. By default
    /// [`VerifyLayer::BODY_DEADLINE`], 10 seconds.
    #[must_use]
    pub fn body_deadline(self, deadline: Duration) -> Self {
        self.with(|config| config.body_deadline = deadline)
    }

    /// How many bodies are read at once; one more is answered 503. By default [`VerifyLayer::BODIES_AT_ONCE`], 256.
    /// Counts anew: clones made before do not share the count.
    #[must_use]
    pub fn bodies_at_once(self, most: usize) -> Self {
        self.with(|config| config.places = Places::new(most))
    }

    /// How many bytes are held of all the bodies being read together; a body that would exceed it is answered 503. By
    /// default [`VerifyLayer::BYTES_AT_ONCE`], 64 MiB; at least as many as one body may have, and 4 GiB at most. Counts
    /// anew, as does another [body limit](VerifyLayer::body_limit): clones made before do not share the count.
    ///
    /// What is counted is the memory that a body takes: room grows in steps, up to the announced length or 64 KiB first,
    /// then by doubling. Not counted is what the server keeps for each connection, and the buffer of it that the first
    /// frame was cut from; nor what has been verified.
    #[must_use]
    pub fn bytes_at_once(self, most: usize) -> Self {
        self.with(|config| {
            config.bytes_at_once = most;
            config.renew_budget();
        })
    }

    /// How many bytes are read and dropped of a body whose request is answered before all of it has arrived. By default
    /// [`VerifyLayer::DRAIN_LIMIT`], 1 MiB. They are neither hashed nor kept.
    ///
    /// The connection stays usable for the next request then, which may be somebody else's where a proxy shares its
    /// connections. If the body announces more, or an HTTP/1 body announces no length, then the answer says
    /// `Connection: close`; if more arrives, the connection (over HTTP/2: the stream) ends. With 0, that is so for every
    /// such body.
    #[must_use]
    pub fn drain_limit(self, bytes: usize) -> Self {
        self.with(|config| config.drain_limit = bytes)
    }

    /// How long the rest of such a body may take, from its first pause on. By default [`VerifyLayer::DRAIN_DEADLINE`], 2
    /// seconds.
    #[must_use]
    pub fn drain_deadline(self, deadline: Duration) -> Self {
        self.with(|config| config.drain_deadline = deadline)
    }

    /// How many such bodies are read at once; one more is treated as one that is too long. By default
    /// [`VerifyLayer::DRAINS_AT_ONCE`], 1,024. Counts anew: clones made before do not share the count.
    #[must_use]
    pub fn drains_at_once(self, most: usize) -> Self {
        self.with(|config| config.drains = Places::new(most))
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
    /// places, again and again.
    pub(super) fn busy_was_said(&self, rejection: &Rejection) -> bool {
        *rejection == Rejection::Busy && self.busy.say()
    }

    fn renew_budget(&mut self) {
        let budget = Places::new(self.bytes_at_once.max(self.body_limit));
        // Else what is counted already would be forgotten, and no longer be counted together.
        if budget.most() != self.budget.most() {
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
            .field("header_limit", &self.config.header_limit)
            .field("body_limit", &self.config.body_limit)
            .field("body_deadline", &self.config.body_deadline)
            .field("bodies_at_once", &self.config.places.most())
            .field("bytes_at_once", &self.config.budget.most())
            .field("drain_limit", &self.config.drain_limit)
            .field("drain_deadline", &self.config.drain_deadline)
            .field("drains_at_once", &self.config.drains.most())
            .finish_non_exhaustive()
    }
}
