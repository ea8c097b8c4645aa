//! The limits of reading a request: the defaults of a [`VerifyLayer`](crate::VerifyLayer), which its methods change.

use std::{sync::Arc, time::Duration};

use crate::{
    Rejection,
    clock::{Clock, SystemClock},
    scheme::{Head, VerifyError},
    util::{permits::Permits, trace::Seldom},
};

/// The longest header that verification reads, in bytes: 8 KiB.
pub const MAX_HEADER_BYTES: usize = Head::MAX_HEADER_BYTES;
/// The longest body, in bytes: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The time that a body may take to arrive: 10 seconds.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum number of bodies being read at the same time: 256.
pub const MAX_BODIES: usize = 256;
/// The maximum total size of the bodies being read at the same time, in bytes: 64 MiB.
pub const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;
/// The maximum size of the rest of a body that is read and dropped after its request was refused, in bytes: 1 MiB.
pub const MAX_DRAIN_BYTES: usize = 1024 * 1024;
/// The time that such a rest may take to arrive: 2 seconds.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// The maximum number of such rests being read at the same time: 1,024.
pub const MAX_DRAINS: usize = 1024;

/// The limits of one layer and its clones, and the permits that are taken while a body is read.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) max_header_bytes: usize,
    pub(super) max_body_bytes: usize,
    pub(super) body_timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
    /// A permit for each body.
    pub(super) bodies: Permits,
    /// As it was set. `total_bytes` has more permits if one body may be longer.
    max_total_bytes: usize,
    /// A permit for each byte of all bodies.
    pub(super) total_bytes: Permits,
    pub(super) max_drain_bytes: usize,
    pub(super) drain_timeout: Duration,
    /// A permit for each body whose rest is dropped.
    pub(super) drains: Permits,
    busy: Arc<Seldom>,
    not_yet: Arc<Seldom>,
}

impl Config {
    pub(super) fn set_max_body_bytes(&mut self, bytes: usize) {
        self.max_body_bytes = bytes;
        self.renew_total_bytes();
    }

    pub(super) fn set_max_total_bytes(&mut self, bytes: usize) {
        self.max_total_bytes = bytes;
        self.renew_total_bytes();
    }

    /// Whether the operator was warned of it in the last minute. If not, then the warning is given now. Without this limit
    /// anybody could fill the log: with requests for which there is no permit, or while there are no keys yet.
    pub(super) fn was_said(&self, rejection: &Rejection) -> bool {
        match rejection {
            Rejection::Busy => self.busy.say(),
            Rejection::Unauthentic(VerifyError::NotYet) => self.not_yet.say(),
            _ => false,
        }
    }

    /// If the number of permits is the same as before, they stay shared with the clones of the layer.
    fn renew_total_bytes(&mut self) {
        let renewed = Permits::new(self.max_total_bytes.max(self.max_body_bytes));
        if renewed.max() != self.total_bytes.max() {
            self.total_bytes = renewed;
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_header_bytes: MAX_HEADER_BYTES,
            max_body_bytes: MAX_BODY_BYTES,
            body_timeout: BODY_TIMEOUT,
            clock: Arc::new(SystemClock),
            bodies: Permits::new(MAX_BODIES),
            max_total_bytes: MAX_TOTAL_BYTES,
            total_bytes: Permits::new(MAX_TOTAL_BYTES),
            max_drain_bytes: MAX_DRAIN_BYTES,
            drain_timeout: DRAIN_TIMEOUT,
            drains: Permits::new(MAX_DRAINS),
            busy: Arc::default(),
            not_yet: Arc::default(),
        }
    }
}
