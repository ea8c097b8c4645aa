//! The clock: the system's, or one that a test sets.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// The clock that timestamps are compared with, and that gives [`Delivery::received_at`](crate::Delivery::received_at).
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> SystemTime;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock for tests, which shows the same time until it is set. Clones share their time.
///
/// ```
/// use std::time::Duration;
/// use tower_webhook::clock::{Clock, ManualClock};
///
/// let clock = ManualClock::at_unix_seconds(1_700_000_000);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), ManualClock::at_unix_seconds(1_700_000_060).now());
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<SystemTime>>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// A clock that shows the time `seconds` after the beginning of 1970. If the system cannot represent that time, then it
    /// shows the beginning of 1970.
    pub fn at_unix_seconds(seconds: u64) -> Self {
        Self::new(
            SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_secs(seconds))
                .unwrap_or(SystemTime::UNIX_EPOCH),
        )
    }

    /// Sets the time.
    pub fn set(&self, now: SystemTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves the time forward. If the system cannot represent the new time, then nothing changes.
    pub fn advance(&self, by: Duration) {
        let now = self.now();
        self.set(now.checked_add(by).unwrap_or(now));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `time` in RFC 3339, in whole seconds. A time before 1970 or after 9999 is written as the nearest time within.
pub(crate) fn rfc3339(time: SystemTime) -> impl fmt::Display {
    rfc3339_of(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// The time so many seconds after 1970, as [`rfc3339`] writes it.
pub(crate) fn rfc3339_of(seconds: u64) -> impl fmt::Display {
    let written = Duration::from_secs(seconds.min(LAST_SECOND_OF_9999));
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + written)
}

const LAST_SECOND_OF_9999: u64 = 253_402_300_799;

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_its_time() {
        let clock = ManualClock::at_unix_seconds(7);
        assert_eq!(format!("{clock:?}"), format!("ManualClock({:?})", clock.now()));
    }

    #[test]
    fn times_that_cannot_be_written_are_written_as_the_nearest() {
        let written = |time: Option<SystemTime>| rfc3339(time.unwrap()).to_string();
        let after = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let before = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(1));
        assert_eq!(written(after(1_773_480_413)), "2026-03-14T09:26:53Z");
        assert_eq!(written(before), "1970-01-01T00:00:00Z");
        assert_eq!(written(after(253_402_300_799)), "9999-12-31T23:59:59Z");
        assert_eq!(written(after(253_402_300_800)), "9999-12-31T23:59:59Z");
    }
}
