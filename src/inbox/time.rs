//! Times as stores keep them: milliseconds since 1970, from a clock that does not go back.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::clock::Clock;

/// A clock for one store. If the system's clock is set back, this one stands still until that has caught up: otherwise a
/// lease would last longer than its worker knows.
pub(super) struct StoreClock {
    clock: Box<dyn Clock>,
    latest: AtomicI64,
}

impl StoreClock {
    pub(super) fn new(clock: impl Clock) -> Self {
        Self { clock: Box::new(clock), latest: AtomicI64::new(0) }
    }

    pub(super) fn now(&self) -> i64 {
        let now = millis(self.clock.now());
        self.latest.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

impl fmt::Debug for StoreClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreClock({})", self.latest.load(Ordering::Relaxed))
    }
}

/// Milliseconds since 1970. A time before 1970 is taken for 1970.
pub(super) fn millis(time: SystemTime) -> i64 {
    span(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The time so many milliseconds after the beginning of 1970. If there is none, as the number may come from a damaged file, then
/// it is the beginning of 1970.
pub(super) fn time(millis: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// Milliseconds, rounded up, and few enough to be added to a time.
pub(super) fn span(duration: Duration) -> i64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    i64::try_from(millis).unwrap_or(i64::MAX).min(i64::MAX / 4)
}
