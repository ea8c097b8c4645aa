//! E: timestamps, and clocks that are off.

use std::time::{Duration, SystemTime};

use super::*;

/// What is answered to a request that was stamped `skew` seconds from now.
async fn off_by(skew: i64) -> Answer {
    let time = NOW.checked_add_signed(skew).unwrap().to_string();
    answer(receiver(standard_webhooks()), stamped("msg_1", &time)).await
}

#[tokio::test]
async fn e1_e2_e3_e8_the_tolerance_is_inclusive_in_both_directions() {
    for (row, skew, expected) in [
        ("E1", 0, Ok(200)),
        ("E1", 299, Ok(200)),
        ("E1", 300, Ok(200)),
        ("E1", -300, Ok(200)),
        ("E1", -301, Err(too_old(301))),
        ("E1", 301, Err(in_future(301))),
        ("E2", -3_600, Err(too_old(3_600))),
        ("E3", 365 * 24 * 3_600, Err(in_future(365 * 24 * 3_600))),
        ("E8", 360, Err(in_future(360))),
        ("E8", -360, Err(too_old(360))),
    ] {
        let time = NOW.checked_add_signed(skew).unwrap().to_string();
        let judged = judged(standard_webhooks(), stamped("msg_1", &time)).await;
        assert_eq!(judged, expected, "{row}: {skew}");
    }
}

#[tokio::test]
async fn e8_the_operator_is_told_by_how_much_a_clock_is_off() {
    for (skew, told) in [(360, "360 s in the future"), (-360, "360 s in the past")] {
        let answer = off_by(skew).await;
        assert!(answer.traced[0].contains(told), "E8: {:?}", answer.traced);
    }
}

#[tokio::test]
async fn e1_a_narrow_tolerance_is_one() {
    let narrow = || standard_webhooks().tolerance(Duration::ZERO);
    assert_eq!(judged(narrow(), stamped("a", &NOW.to_string())).await, Ok(200), "E1");
    let old = Err(too_old(1));
    assert_eq!(judged(narrow(), stamped("a", &(NOW - 1).to_string())).await, old, "E1");
    let future = Err(in_future(1));
    assert_eq!(judged(narrow(), stamped("a", &(NOW + 1).to_string())).await, future, "E1");
}

#[tokio::test]
async fn e5_milliseconds_are_refused_with_a_hint() {
    for (unit, hint) in [
        (
            1_000,
            "timestamp is 1698300000000 s in the future: is it in a smaller unit, such as milliseconds?",
        ),
        (
            1_000_000,
            "timestamp is 1699998300000000 s in the future: is it in a smaller unit, such as milliseconds?",
        ),
    ] {
        let time = (NOW * unit).to_string();
        let judged = judged(standard_webhooks(), stamped("msg_1", &time)).await;
        assert_eq!(judged.unwrap_err().to_string(), hint, "E5");
    }
}

#[tokio::test]
async fn e6_a_timestamp_is_digits_and_nothing_else() {
    let words = ["2023-11-14T22:13:20Z", "Tue, 14 Nov 2023 22:13:20 GMT", "1.7e9", "1700000000.0"];
    let signs = ["+1700000000", "-1", "-1700000000", "0x6553f100", "1700000000,1700000000"];
    let blanks = ["1700 000000", "1700000000\t0", "1_700_000_000", "", "1700000000s"];
    for time in words.into_iter().chain(signs).chain(blanks) {
        let malformed = Err(VerifyError::MalformedTimestamp);
        assert_eq!(
            judged(standard_webhooks(), stamped("msg_1", time)).await,
            malformed,
            "E6: {time}"
        );
    }
}

/// HTTP/1.1 takes blanks away from around a value: what is left is what was signed.
#[tokio::test]
async fn e6_blanks_around_a_timestamp_are_not_part_of_it() {
    let server = Server::start(receiver(standard_webhooks())).await;
    let good = written(whsec_request()).await;
    let padded = good.replace("timestamp: 1700000000", "timestamp:\t 1700000000 \t");
    assert_ne!(padded, good);
    assert!(server.say(padded).await.starts_with("HTTP/1.1 200 "), "E6");
    let signed_with_blank = written(stamped("msg_1", " 1700000000")).await;
    assert!(server.say(signed_with_blank).await.starts_with("HTTP/1.1 401 "), "E6");
}

/// Each of them is signed: it is the time that is refused.
#[tokio::test]
async fn e2_e3_e6_the_least_and_the_greatest_timestamps_neither_panic_nor_wrap() {
    let malformed = VerifyError::MalformedTimestamp;
    let ahead = |time: u64| in_future(time - NOW);
    for (time, error) in [
        (i64::MIN.to_string(), malformed.clone()),
        ("-1".into(), malformed.clone()),
        ("0".into(), too_old(NOW)),
        ("1".into(), too_old(NOW - 1)),
        (i32::MAX.to_string(), ahead(i32::MAX as u64)),
        (u32::MAX.to_string(), ahead(u32::MAX.into())),
        (i64::MAX.to_string(), ahead(i64::MAX as u64)),
        ((i64::MIN as u64).to_string(), ahead(1 << 63)),
        (u64::MAX.to_string(), ahead(u64::MAX)),
        ("18446744073709551616".into(), malformed.clone()),
        (u128::MAX.to_string(), malformed.clone()),
        ("9".repeat(100), malformed),
        ("0".repeat(8_000) + "1", too_old(NOW - 1)),
    ] {
        let judged = judged(standard_webhooks(), stamped("msg_1", &time)).await;
        assert_eq!(judged, Err(error), "E2, E3, E6: {time}");
    }
    let patient = || standard_webhooks().tolerance(Duration::MAX);
    for time in [0, 1, NOW, i64::MAX as u64, u64::MAX] {
        let request = stamped("msg_1", &time.to_string());
        assert_eq!(judged(patient(), request).await, Ok(200), "E1: any time will do: {time}");
    }
}

#[tokio::test]
async fn e8_e9_each_request_is_judged_by_the_clock_as_it_then_stands() {
    let clock = ManualClock::at_unix_seconds(NOW);
    let layer = VerifyLayer::new(standard_webhooks()).clock(clock.clone());
    let server = Server::start(layer.layer(EventRouter::new())).await;
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1_000);
    for (now, status) in [
        (at(NOW), 200),
        (at(NOW + 301), 401),
        (at(NOW - 301), 401),
        (at(NOW - 300), 200),
        (at(0), 401),
        (before_1970, 401),
        (at(NOW), 200),
    ] {
        clock.set(now);
        let answer = server.send(whsec_request()).await.unwrap();
        assert_eq!(answer.status(), status, "E9: {now:?}");
    }
}
