//! Times as stores keep them: milliseconds since 1970, from a clock that does not go back.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::clock::Clock;

/// A clock for one store. If the system's clock is set back, then this one goes on from where it was: otherwise a lease would
/// last longer than its worker knows.
pub(super) struct StoreClock {
    clock: Box<dyn Clock>,
    /// The latest time that the system's clock showed, and when that was.
    latest: Mutex<(i64, Instant)>,
}

impl StoreClock {
    pub(super) fn new(clock: impl Clock) -> Self {
        Self { clock: Box::new(clock), latest: Mutex::new((0, Instant::now())) }
    }

    pub(super) fn now(&self) -> i64 {
        let now = millis(self.clock.now());
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= latest.0 {
            *latest = (now, Instant::now());
            return now;
        }
        latest.0.saturating_add(span(latest.1.elapsed()))
    }
}

impl fmt::Debug for StoreClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreClock({})", self.now())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_clock_that_is_set_back_goes_on() {
        let system = ManualClock::at_unix_seconds(1_000);
        let clock = StoreClock::new(system.clone());
        assert_eq!(clock.now(), 1_000_000);
        system.set(UNIX_EPOCH + Duration::from_secs(10));
        let begun = clock.now();
        assert!((1_000_000..1_060_000).contains(&begun), "{begun}");
        while clock.now() == begun {
            std::thread::yield_now();
        }
        system.set(UNIX_EPOCH + Duration::from_secs(2_000));
        assert_eq!(clock.now(), 2_000_000);
    }
}
