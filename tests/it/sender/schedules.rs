//! When each sender sends again, as its vendor, source or specification has it.

use std::time::Duration;

use tower_webhook::{Emit, Schedule};

use super::Own;
use crate::support::{learn365, loops, standard_webhooks, synthesis_vr, teachstack};

/// When the attempts are made if each fails at once, since the first of them.
fn times(schedule: &Schedule) -> Vec<Duration> {
    let mut time = Duration::ZERO;
    let mut times = vec![time];
    for attempt in 1.. {
        let Some(pause) = schedule.pause_after(attempt) else { break };
        time += pause;
        times.push(time);
    }
    assert_eq!(u32::try_from(times.len()), Ok(schedule.attempts()));
    times
}

fn in_seconds(schedule: &Schedule) -> Vec<u64> {
    times(schedule).iter().map(Duration::as_secs).collect()
}

#[test]
fn learn365_sends_up_to_three_times() {
    let schedule = learn365().schedule();
    assert!(schedule.is_documented);
    assert_eq!(in_seconds(&schedule), [0, 60, 300]);
    assert_eq!(schedule.answer_timeout, Some(Duration::from_secs(100)));
    assert!(schedule.follows_redirects);
    assert_eq!(learn365().camel_case().schedule(), schedule);
}

#[test]
fn synthesis_vr_sends_once() {
    let schedule = synthesis_vr().schedule();
    assert!(schedule.is_documented);
    assert_eq!(in_seconds(&schedule), [0]);
    assert_eq!(schedule.answer_timeout, Some(Duration::from_secs(2)));
    assert!(!schedule.follows_redirects);
}

#[test]
fn standard_webhooks_are_sent_by_the_table_of_the_specification() {
    let schedule = standard_webhooks().schedule();
    assert!(schedule.is_documented);
    let clock = |time: &Duration| {
        let seconds = time.as_secs();
        format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    };
    assert_eq!(
        times(&schedule).iter().map(clock).collect::<Vec<_>>(),
        [
            "00:00:00", "00:00:05", "00:05:05", "00:35:05", "02:35:05", "07:35:05", "17:35:05",
            "31:35:05", "51:35:05", "75:35:05",
        ]
    );
    assert_eq!(schedule.answer_timeout, Some(Duration::from_secs(30)));
    assert!(!schedule.follows_redirects);
}

#[test]
fn of_other_senders_one_attempt_is_all_that_is_known() {
    for (name, schedule) in [
        ("Loops", loops().schedule()),
        ("Teachstack", teachstack().schedule()),
        ("one's own", Own.schedule()),
        ("none", Schedule::default()),
    ] {
        assert!(!schedule.is_documented, "{name}");
        assert_eq!(schedule.answer_timeout, None, "{name}");
        assert!(!schedule.follows_redirects, "{name}");
        assert_eq!(in_seconds(&schedule), [0], "{name}");
    }
}

#[test]
fn no_pause_follows_an_attempt_that_is_none_or_the_last() {
    for (schedule, last) in [
        (Schedule::undocumented(), 1),
        (Schedule::once(), 1),
        (learn365().schedule(), 3),
        (standard_webhooks().schedule(), 10),
    ] {
        for attempt in [0, last, last + 1, u32::MAX] {
            assert_eq!(schedule.pause_after(attempt), None, "{schedule:?}: {attempt}");
        }
        assert_eq!(schedule.pause_after(last - 1).is_some(), last > 1, "{schedule:?}");
    }
}

#[test]
fn a_schedule_can_come_from_a_configuration() {
    let pauses = vec![Duration::ZERO, Duration::from_millis(1)];
    let patient =
        Schedule::retrying(pauses).follows_redirects().answer_timeout(Duration::from_millis(50));
    assert!(patient.attempts() == 3 && patient.is_documented && patient.follows_redirects);
    assert_eq!(patient.answer_timeout, Some(Duration::from_millis(50)));
    assert_eq!(times(&patient), [Duration::ZERO, Duration::ZERO, Duration::from_millis(1)]);
    assert_eq!(Schedule::retrying(&[][..]), Schedule::once());
    assert_ne!(Schedule::once(), Schedule::undocumented());
}
