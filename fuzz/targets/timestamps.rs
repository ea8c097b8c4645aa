//! A time is read as another reader of RFC 3339 reads it, written as that writes it, and judged by plain arithmetic.

#![cfg_attr(fuzzing, no_main)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, SecondsFormat};
use tower_webhook::scheme::{Timestamp, VerifyError::*};
use tower_webhook_fuzz::{Input, fuzz_target};

/// The first byte says what the rest is. `now` and the tolerance are close to what is read, so that both verdicts are met.
fn property(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let [off, tolerance] = [number(&mut input, 5), number(&mut input, 5)];
    let near = |at: Duration| [at.checked_add(nanos(off)), at.checked_sub(nanos(off))];
    let text = match choice % 4 {
        0 => String::from_utf8_lossy(input.rest()).into_owned(),
        1 => printed(&mut input),
        _ => return count(choice, &mut input, nanos(tolerance), near),
    };
    let read = Timestamp::rfc3339(&text).ok();
    let Some((meant, whole)) = meant(&text) else { return assert_eq!(read, None, "{text:?}") };
    let read = read.unwrap_or_else(|| panic!("{text:?} is refused"));
    judged(read, (meant, whole), nanos(tolerance), &near(meant));
    written(read, meant.as_secs());
}

/// Seconds or milliseconds.
fn count(
    choice: u8,
    input: &mut Input<'_>,
    tolerance: Duration,
    near: impl Fn(Duration) -> [Option<Duration>; 2],
) {
    let number = number(input, 8);
    let (read, meant, whole) = match choice % 4 {
        2 => (Timestamp::seconds(&number.to_string()), Duration::from_secs(number), true),
        _ => (Timestamp::millis(&number.to_string()), Duration::from_millis(number), false),
    };
    let read = read.expect("it is a number");
    judged(read, (meant, whole), tolerance, &near(meant));
    written(read, meant.as_secs());
    let Some(time) = UNIX_EPOCH.checked_add(meant) else { return };
    assert_eq!(Timestamp::from(time), Timestamp::seconds(&meant.as_secs().to_string()).unwrap());
    let before = UNIX_EPOCH.checked_sub(meant).map(Timestamp::from);
    assert!(before.is_none_or(|time| time.as_seconds() == 0));
}

/// Whether the distance is allowed is what the numbers say.
fn judged(
    read: Timestamp,
    (meant, whole): (Duration, bool),
    tolerance: Duration,
    near: &[Option<Duration>],
) {
    assert_eq!(read.as_seconds(), meant.as_secs());
    for since_1970 in near.iter().flatten() {
        let Some(now) = UNIX_EPOCH.checked_add(*since_1970) else { continue };
        let compared = if whole { since_1970.as_secs().into() } else { since_1970.as_nanos() };
        let unit = if whole { 1_000_000_000 } else { 1 };
        let distance = (compared * unit).abs_diff(meant.as_nanos());
        let skew = u64::try_from(distance.div_ceil(1_000_000_000)).unwrap_or(u64::MAX);
        let expected = match distance <= tolerance.as_nanos() {
            true => Ok(()),
            false => Err((meant.as_nanos() < compared * unit, skew)),
        };
        let judged = read.within(tolerance, now).map_err(|error| match error {
            TimestampTooOld { skew, .. } => (true, skew),
            TimestampInFuture { skew, .. } => (false, skew),
            other => panic!("{other}"),
        });
        assert_eq!(judged, expected);
    }
    let before = UNIX_EPOCH - Duration::from_secs(5);
    assert_eq!(read.within(tolerance, before), read.within(tolerance, SystemTime::UNIX_EPOCH));
}

/// It is written by the other writer, too, and read as the second that it is in.
fn written(read: Timestamp, seconds: u64) {
    const LAST: i64 = 253_402_300_799;
    let seconds = i64::try_from(seconds).unwrap_or(LAST).min(LAST);
    let text = read.to_rfc3339();
    let other = DateTime::from_timestamp(seconds, 0).expect("it is not after 9999");
    assert_eq!(text, other.to_rfc3339_opts(SecondsFormat::Secs, true));
    assert_eq!(Timestamp::rfc3339(&text), Timestamp::seconds(&seconds.to_string()));
}

/// The time, and whether it is written in whole seconds: what the other reader reads, without the liberties that it takes.
fn meant(text: &str) -> Option<(Duration, bool)> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let strict = text.is_ascii() && !text.contains(['t', 'z', ' ']) && digits <= 9;
    let since_1970 = u64::try_from(time.timestamp()).ok().filter(|_| strict)?;
    // It counts a leap second's fraction from 1,000,000,000.
    let nanos = time.timestamp_subsec_nanos() % 1_000_000_000;
    (time.year() >= 1970).then_some((Duration::new(since_1970, nanos), digits == 0))
}

/// Two digits in each place, most of which fit there.
fn printed(input: &mut Input<'_>) -> String {
    let mut two = |most: usize| format!("{:02}", usize::from(input.byte()) % most);
    let [century, year] = [two(100), two(100)];
    let [month, day, hour, minute, second] = [13, 32, 25, 61, 62].map(&mut two);
    let [ahead, behind] = [two(25), two(61)];
    let offset = match input.byte() % 4 {
        0 | 1 => "Z".to_owned(),
        2 => format!("+{ahead}:{behind}"),
        _ => format!("-{ahead}:{behind}"),
    };
    let digits: String = input.piece().iter().take(11).map(|b| char::from(b'0' + b % 10)).collect();
    let fraction = if digits.is_empty() { digits } else { format!(".{digits}") };
    format!("{century}{year}-{month}-{day}T{hour}:{minute}:{second}{fraction}{offset}")
}

fn number(input: &mut Input<'_>, bytes: usize) -> u64 {
    input.take(bytes).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn nanos(number: u64) -> Duration {
    Duration::from_nanos(number)
}

fuzz_target!(property);
