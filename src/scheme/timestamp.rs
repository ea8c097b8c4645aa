//! `Timestamp`: a time in a request, and whether it is close enough to now.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::VerifyError;

/// A time that a request claims for itself, in whole seconds since 1970.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_webhook::scheme::{Timestamp, VerifyError};
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
/// let five_minutes = Duration::from_secs(300);
/// assert_eq!(Timestamp::seconds("1300")?.within(five_minutes, now), Ok(()));
/// let refused = |text| Timestamp::seconds(text)?.within(five_minutes, now);
/// assert_eq!(refused("1301").unwrap_err().to_string(), "timestamp is 301 s in the future");
/// assert_eq!(refused("699").unwrap_err().to_string(), "timestamp is 301 s in the past");
/// # Ok::<_, VerifyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Reads ASCII digits and nothing else: no sign, no space, no fraction.
    ///
    /// # Errors
    ///
    /// [`VerifyError::MalformedTimestamp`] for any other text, and for more than 64 bits.
    pub fn seconds(text: &str) -> Result<Self, VerifyError> {
        // The one thing else that `parse` takes.
        if text.starts_with('+') {
            return Err(VerifyError::MalformedTimestamp);
        }
        text.parse().map(Self).map_err(|_| VerifyError::MalformedTimestamp)
    }

    /// Refuses a time further than `tolerance` from `now`, in the past or in the future. Exactly `tolerance` is
    /// accepted.
    ///
    /// # Errors
    ///
    /// [`VerifyError::TimestampTooOld`] or [`VerifyError::TimestampInFuture`], with the distance.
    pub fn within(self, tolerance: Duration, now: SystemTime) -> Result<(), VerifyError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let skew = now.abs_diff(self.0);
        if skew <= tolerance.as_secs() {
            Ok(())
        } else if self.0 < now {
            Err(VerifyError::TimestampTooOld { skew })
        } else {
            Err(VerifyError::TimestampInFuture { skew })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_only() {
        for text in ["", "+1", "-1", " 1", "1 ", "1.0", "1e3", "٣", "18446744073709551616", "0x1"]
        {
            assert_eq!(Timestamp::seconds(text), Err(VerifyError::MalformedTimestamp), "{text:?}");
        }
        assert_eq!(Timestamp::seconds("18446744073709551615"), Ok(Timestamp(u64::MAX)));
    }

    #[test]
    fn extremes_neither_panic_nor_pass() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let hour = Duration::from_secs(3600);
        for (seconds, past) in
            [(0, true), (u64::MAX, false), (i64::MAX as u64, false), (i64::MIN as u64, false)]
        {
            let refused = Timestamp(seconds).within(hour, now);
            assert_eq!(
                matches!(refused, Err(VerifyError::TimestampTooOld { .. })),
                past,
                "{seconds}"
            );
            assert!(refused.is_err());
        }
        let before_1970 = UNIX_EPOCH - Duration::from_secs(5);
        assert_eq!(
            Timestamp(3601).within(hour, before_1970),
            Err(VerifyError::TimestampInFuture { skew: 3601 })
        );
    }
}
