//! The state of a delivery: when its next attempt is due, and how it ends.

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};

use super::report::{Answer, Attempt, DeliveryReport};
use crate::{Schedule, sender::deliver::answer_timeout};

/// Whether a delivery is finished, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryStatus {
    /// It has not been attempted yet.
    Queued,
    /// It failed, and its next attempt is due at this time.
    Retrying(SystemTime),
    /// It was answered 2xx.
    Delivered,
    /// A redirect turned it into a GET without a body, and the GET was answered 2xx. The sender considers it delivered, and
    /// the events are lost.
    Lost,
    /// It was answered 410, and the sender makes no further attempt. Or another delivery to the same URL was, and the sender
    /// [disables the endpoint](Schedule::gone_disables_endpoint).
    Stopped,
    /// All attempts failed.
    Failed,
}

impl DeliveryStatus {
    pub(super) fn is_finished(self) -> bool {
        !matches!(self, Self::Queued | Self::Retrying(_))
    }

    fn after(attempt: &Attempt, schedule: &Schedule) -> Self {
        match attempt.answer {
            Answer::Status(status) if status.is_success() && attempt.method != Method::POST => {
                Self::Lost
            }
            Answer::Status(status) if status.is_success() => Self::Delivered,
            Answer::Status(StatusCode::GONE) => Self::Stopped,
            _ => next_attempt_at(attempt, schedule).map_or(Self::Failed, Self::Retrying),
        }
    }
}

impl DeliveryReport {
    /// The number of the attempt that is due at `now`.
    pub(super) fn next_attempt(&self, now: SystemTime) -> Option<u32> {
        match self.status {
            DeliveryStatus::Queued => Some(1),
            DeliveryStatus::Retrying(due) if due <= now => Some(self.attempts.last()?.number + 1),
            _ => None,
        }
    }

    /// Makes no further attempt.
    pub(super) fn stop(&mut self) {
        if !self.status.is_finished() {
            self.status = DeliveryStatus::Stopped;
        }
    }

    pub(super) fn record(&mut self, attempt: Attempt, schedule: &Schedule) {
        self.status = DeliveryStatus::after(&attempt, schedule);
        self.attempts.push(attempt);
    }
}

/// A pause after the failure of `attempt`, and not before the time that the answer asks for. A failed answer is timed from
/// the attempt, a missing one from the end of the timeout.
fn next_attempt_at(attempt: &Attempt, schedule: &Schedule) -> Option<SystemTime> {
    let asked = attempt.asked_pause(schedule).unwrap_or_default();
    let pause = schedule.pause_after(attempt.number)?.max(asked);
    let waited = match attempt.answer {
        Answer::Timeout => answer_timeout(schedule),
        _ => Duration::ZERO,
    };
    attempt.at.checked_add(waited)?.checked_add(pause)
}
