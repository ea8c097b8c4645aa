//! `Timestamp`: a time in a request, and whether it is close enough to now.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::VerifyError;

/// A time that a request claims for itself, since 1970.
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
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    since_1970: Duration,
    whole_seconds: bool,
}

impl Timestamp {
    /// Reads seconds since 1970: ASCII digits and nothing else, so no sign, no space, no fraction.
    ///
    /// # Errors
    ///
    /// [`VerifyError::MalformedTimestamp`] for any other text, and for more than 64 bits.
    pub fn seconds(text: &str) -> Result<Self, VerifyError> {
        Ok(Self { since_1970: Duration::from_secs(number(text)?), whole_seconds: true })
    }

    /// Reads milliseconds since 1970, written as in [`Timestamp::seconds`].
    ///
    /// # Errors
    ///
    /// As [`Timestamp::seconds`].
    pub fn millis(text: &str) -> Result<Self, VerifyError> {
        Ok(Self { since_1970: Duration::from_millis(number(text)?), whole_seconds: false })
    }

    /// Reads a time in RFC 3339, with up to nine digits of a second's fraction, in UTC or at an offset from it:
    /// `2023-11-14T22:13:20Z`, `2023-11-15T00:13:20.123+02:00`. A second 60 is read as 59.
    ///
    /// ```
    /// use tower_webhook::scheme::Timestamp;
    ///
    /// let time = Timestamp::seconds("1700000000");
    /// assert_eq!(Timestamp::rfc3339("2023-11-14T22:13:20Z"), time);
    /// assert_eq!(Timestamp::rfc3339("2023-11-15T00:13:20+02:00"), time);
    /// ```
    ///
    /// # Errors
    ///
    /// [`VerifyError::MalformedTimestamp`] for any other text, also for a lower-case `t` or `z`, a blank instead of the `T`, a
    /// missing offset, and for a time before 1970, in UTC or as it is written.
    pub fn rfc3339(text: &str) -> Result<Self, VerifyError> {
        read(text).ok_or(VerifyError::MalformedTimestamp)
    }

    /// The seconds since 1970, as [`Timestamp::seconds`] reads them.
    pub fn as_seconds(self) -> u64 {
        self.since_1970.as_secs()
    }

    /// The time in UTC and in whole seconds, as [`Timestamp::rfc3339`] reads it. A time after 9999 is written as the last second
    /// of that year.
    pub fn to_rfc3339(self) -> String {
        let seconds = Duration::from_secs(self.as_seconds().min(LAST_SECOND_OF_9999));
        let written = UNIX_EPOCH.checked_add(seconds).unwrap_or(UNIX_EPOCH);
        humantime::format_rfc3339_seconds(written).to_string()
    }

    /// Refuses a time further than `tolerance` from `now`, in the past or in the future. Exactly `tolerance` is
    /// accepted. A timestamp of whole seconds is compared with the second that `now` is in.
    ///
    /// # Errors
    ///
    /// [`VerifyError::TimestampTooOld`] or [`VerifyError::TimestampInFuture`], with the distance in seconds, rounded up.
    #[inline]
    pub fn within(self, tolerance: Duration, now: SystemTime) -> Result<(), VerifyError> {
        self.between(tolerance, tolerance, now)
    }

    /// As [`Timestamp::within`], with a tolerance for the past and another one for the future: for a sender whose retries have the
    /// time of the first attempt.
    ///
    /// # Errors
    ///
    /// As [`Timestamp::within`].
    // Always: `within` is on the path of every request that has a time.
    #[inline(always)]
    pub fn between(
        self,
        past: Duration,
        future: Duration,
        now: SystemTime,
    ) -> Result<(), VerifyError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = if self.whole_seconds { Duration::from_secs(now.as_secs()) } else { now };
        let distance = now.abs_diff(self.since_1970);
        let tolerance = if self.since_1970 < now { past } else { future };
        if distance <= tolerance { Ok(()) } else { Err(self.too_far(distance, now)) }
    }

    #[cold]
    fn too_far(self, distance: Duration, now: Duration) -> VerifyError {
        let skew = distance.as_secs().saturating_add(u64::from(distance.subsec_nanos() > 0));
        match self.since_1970 < now {
            true => VerifyError::TimestampTooOld { skew },
            false => VerifyError::TimestampInFuture { skew },
        }
    }
}

/// Two timestamps of the same time are equal, whatever they were read from.
impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.since_1970 == other.since_1970
    }
}

impl Eq for Timestamp {}

/// In whole seconds, for the sending half. A time before 1970 is taken for 1970.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { since_1970: Duration::from_secs(seconds), whole_seconds: true }
    }
}

fn number(text: &str) -> Result<u64, VerifyError> {
    // The one other text that `parse` takes.
    if text.starts_with('+') {
        return Err(VerifyError::MalformedTimestamp);
    }
    text.parse().map_err(|_| VerifyError::MalformedTimestamp)
}

fn read(text: &str) -> Option<Timestamp> {
    let (date_and_time, rest) = text.split_at_checked(SECONDS)?;
    // The parser also takes a blank instead.
    if !date_and_time.contains('T') {
        return None;
    }
    let seconds = humantime::parse_rfc3339_weak(date_and_time).ok()?;
    let (fraction, offset) = fraction(rest)?;
    let local = seconds.duration_since(UNIX_EPOCH).ok()?.checked_add(fraction)?;
    let since_1970 = match offset.split_at_checked(1)? {
        ("Z", "") => local,
        ("+", ahead) => local.checked_sub(hours_and_minutes(ahead)?)?,
        ("-", behind) => local.checked_add(hours_and_minutes(behind)?)?,
        _ => return None,
    };
    Some(Timestamp { since_1970, whole_seconds: rest == offset })
}

/// The fraction of a second, if there is one, and the text after it.
fn fraction(text: &str) -> Option<(Duration, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Some((Duration::ZERO, text)) };
    let (digits, rest) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit())?)?;
    let missing = 9_u32.checked_sub(u32::try_from(digits.len()).ok()?)?;
    let nanos = digits.parse::<u32>().ok()?.checked_mul(10_u32.checked_pow(missing)?)?;
    Some((Duration::from_nanos(nanos.into()), rest))
}

/// `hh:mm`
fn hours_and_minutes(text: &str) -> Option<Duration> {
    let (hours, minutes) = text.split_once(':')?;
    let [hours, minutes] = [below(24, hours)?, below(60, minutes)?];
    Some(Duration::from_secs(hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?))
}

/// The number below `limit` that is written in two digits.
fn below(limit: u64, text: &str) -> Option<u64> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number < limit)
}

const LAST_SECOND_OF_9999: u64 = 253_402_300_799;
/// The length of a date and a time up to its seconds.
const SECONDS: usize = "2023-11-14T22:13:20".len();

#[cfg(test)]
mod tests {
    use super::*;

    fn of_seconds(seconds: u64) -> Timestamp {
        Timestamp { since_1970: Duration::from_secs(seconds), whole_seconds: true }
    }

    #[test]
    fn digits_only() {
        for text in ["", "+1", "-1", " 1", "1 ", "1.0", "1e3", "٣", "18446744073709551616", "0x1"]
        {
            assert_eq!(Timestamp::seconds(text), Err(VerifyError::MalformedTimestamp), "{text:?}");
            assert_eq!(Timestamp::millis(text), Err(VerifyError::MalformedTimestamp), "{text:?}");
        }
        assert_eq!(Timestamp::seconds("18446744073709551615"), Ok(of_seconds(u64::MAX)));
    }

    #[test]
    fn what_is_written_is_read_as_the_same_second() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            let time = Timestamp::from(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 999));
            assert_eq!((time.as_seconds(), &*time.to_rfc3339()), (seconds, text));
            assert_eq!(Timestamp::rfc3339(text), Ok(time));
        }
        assert_eq!(of_seconds(u64::MAX).to_rfc3339(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::from_secs(5)), of_seconds(0));
    }

    #[test]
    fn the_same_time_is_equal_whatever_it_was_read_from_and_no_other_is() {
        let time = Timestamp::seconds("1").unwrap();
        for same in [Timestamp::millis("1000"), Timestamp::rfc3339("1970-01-01T00:00:01.0Z")] {
            assert_eq!(time, same.unwrap());
        }
        for other in ["0", "999", "1001", "2000"] {
            assert_ne!(time, Timestamp::millis(other).unwrap());
        }
    }

    #[test]
    fn times_that_cannot_be_written_are_written_as_the_nearest() {
        let written = |time: Option<SystemTime>| Timestamp::from(time.unwrap()).to_rfc3339();
        let after = |seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let before = UNIX_EPOCH.checked_sub(Duration::from_secs(1));
        assert_eq!(written(after(1_773_480_413)), "2026-03-14T09:26:53Z");
        assert_eq!(written(before), "1970-01-01T00:00:00Z");
        assert_eq!(written(after(253_402_300_799)), "9999-12-31T23:59:59Z");
        assert_eq!(written(after(253_402_300_800)), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn extremes_neither_panic_nor_pass() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let hour = Duration::from_secs(3600);
        for (seconds, past) in
            [(0, true), (u64::MAX, false), (i64::MAX as u64, false), (i64::MIN as u64, false)]
        {
            let refused = of_seconds(seconds).within(hour, now);
            assert_eq!(
                matches!(refused, Err(VerifyError::TimestampTooOld { .. })),
                past,
                "{seconds}"
            );
            assert!(refused.is_err());
        }
        let before_1970 = UNIX_EPOCH - Duration::from_secs(5);
        assert_eq!(
            of_seconds(3601).within(hour, before_1970),
            Err(VerifyError::TimestampInFuture { skew: 3601 })
        );
    }

    #[test]
    fn rfc_3339_in_utc_or_at_an_offset() {
        for (text, millis) in [
            ("2023-11-14T22:13:20Z", "1700000000000"),
            ("2023-11-14T22:13:20.1Z", "1700000000100"),
            ("2023-11-14T22:13:20.123000000Z", "1700000000123"),
            ("2023-11-14T22:13:20.123+00:00", "1700000000123"),
            ("2023-11-14T22:13:20-00:00", "1700000000000"),
            ("2023-11-15T00:13:20+02:00", "1700000000000"),
            ("2023-11-14T18:43:20.5-03:30", "1700000000500"),
            ("2023-11-15T22:12:20+23:59", "1700000000000"),
            ("1970-01-01T00:00:00Z", "0"),
            ("1970-01-01T01:00:00+01:00", "0"),
            ("2000-02-29T00:00:00Z", "951782400000"),
            ("2016-12-31T23:59:60Z", "1483228799000"),
            ("9999-12-31T23:59:59Z", "253402300799000"),
        ] {
            let [read, expected] = [Timestamp::rfc3339(text), Timestamp::millis(millis)]
                .map(|time| time.unwrap().since_1970);
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn nothing_that_only_looks_like_rfc_3339() {
        for text in [
            "",
            "2023-11-14T22:13:20",
            "2023-11-14 22:13:20Z",
            "2023-11-14t22:13:20Z",
            "2023-11-14T22:13:20z",
            "2023-11-14T22:13:20Z ",
            " 2023-11-14T22:13:20Z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20.123",
            "2023-11-14T22:13:20.1234567890Z",
            "2023-11-14T22:13:20,5Z",
            "2023-11-14T22:13:20+0200",
            "2023-11-14T22:13:20+02",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20+02:60",
            "2023-11-14T22:13:20++2:00",
            "2023-11-14T22:13:20+02:+1",
            "2023-11-14T22:13:20+02:00Z",
            "2023-11-14T22:13:20é",
            "2023-11-14T22:13:2é0Z",
            "2023-02-29T00:00:00Z",
            "2023-11-31T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:60:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "+2023-11-14T22:13:20Z",
            "12023-11-14T22:13:20Z",
        ] {
            assert_eq!(Timestamp::rfc3339(text), Err(VerifyError::MalformedTimestamp), "{text:?}");
        }
    }

    #[test]
    fn a_fraction_counts_where_the_timestamp_has_one() {
        let now = UNIX_EPOCH + Duration::from_millis(1_300_700);
        let judge = |time: Result<Timestamp, _>| time?.within(Duration::from_secs(300), now);
        assert_eq!(judge(Timestamp::seconds("1000")), Ok(()));
        assert_eq!(judge(Timestamp::rfc3339("1970-01-01T00:16:40Z")), Ok(()));
        assert_eq!(judge(Timestamp::millis("1000700")), Ok(()));
        assert_eq!(judge(Timestamp::rfc3339("1970-01-01T00:16:40.7Z")), Ok(()));
        let too_old = Err(VerifyError::TimestampTooOld { skew: 301 });
        assert_eq!(judge(Timestamp::millis("1000699")), too_old);
        assert_eq!(judge(Timestamp::rfc3339("1970-01-01T00:16:40.699999999Z")), too_old);
        let in_future = Err(VerifyError::TimestampInFuture { skew: 301 });
        assert_eq!(judge(Timestamp::millis("1600701")), in_future);
        assert_eq!(judge(Timestamp::seconds("1601")), in_future);
    }
}
