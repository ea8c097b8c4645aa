//! `DeliveryReport`: the attempts of one delivery and their answers.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use http::{Method, StatusCode};

use super::client::Attempted;
use crate::{
    Schedule,
    clock::rfc3339,
    error::{SendError, with_causes},
    sender::deliver::answer_timeout,
};

/// What became of one delivery so far: what was tried, when, and what was answered. `Display` shows it on several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Its id, the same in every attempt.
    pub id: String,
    /// To whom, by the name given when it was taken. Of the Learn365 emulator: the id of the registration.
    pub target: String,
    /// The types of its events.
    pub events: Vec<String>,
    /// The attempts, in order.
    pub attempts: Vec<Attempt>,
    /// Where it stands.
    pub status: DeliveryStatus,
}

/// One attempt of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which one, from 1.
    pub number: u32,
    /// The time it was made at, as [`Deliveries::deliver_due`](super::Deliveries::deliver_due) was told.
    pub at: SystemTime,
    /// How many redirects were followed.
    pub redirects: u32,
    /// The method of the last request. A redirect can make a GET of a POST.
    pub method: Method,
    /// What came of it.
    pub answer: Answer,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// An answer.
    Status(StatusCode),
    /// None within the sender's answer_timeout.
    Timeout,
    /// None at all, for this reason.
    Failed(String),
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryStatus {
    /// Not yet attempted.
    Queued,
    /// To be attempted again at this time.
    Retrying(SystemTime),
    /// Answered 2xx.
    Delivered,
    /// A redirect made a GET without a body of it, and that was answered 2xx: the sender takes it for delivered, and the
    /// events are lost.
    Lost,
    /// Answered 410: the sender stops.
    Stopped,
    /// Every attempt failed.
    Failed,
}

impl DeliveryReport {
    pub(super) fn new(id: String, target: String, events: Vec<String>) -> Self {
        Self { id, target, events, attempts: Vec::new(), status: DeliveryStatus::Queued }
    }

    /// The number of the attempt that is due at `now`.
    pub(super) fn next_attempt(&self, now: SystemTime) -> Option<u32> {
        match self.status {
            DeliveryStatus::Queued => Some(1),
            DeliveryStatus::Retrying(due) if due <= now => Some(self.attempts.last()?.number + 1),
            _ => None,
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        !matches!(self.status, DeliveryStatus::Queued | DeliveryStatus::Retrying(_))
    }

    /// The next attempt follows the failure of this one after a pause. An answer counts as given at once, none as having
    /// been waited for.
    pub(super) fn record(&mut self, attempt: Attempt, schedule: &Schedule) {
        self.status = match attempt.answer {
            Answer::Status(status) if status.is_success() && attempt.method != Method::POST => {
                DeliveryStatus::Lost
            }
            Answer::Status(status) if status.is_success() => DeliveryStatus::Delivered,
            Answer::Status(StatusCode::GONE) => DeliveryStatus::Stopped,
            _ => {
                let waited = match attempt.answer {
                    Answer::Timeout => answer_timeout(schedule),
                    _ => Duration::ZERO,
                };
                let pause = schedule.pause_after(attempt.number);
                let next =
                    pause.and_then(|pause| attempt.at.checked_add(waited)?.checked_add(pause));
                next.map_or(DeliveryStatus::Failed, DeliveryStatus::Retrying)
            }
        };
        self.attempts.push(attempt);
    }
}

impl Attempt {
    pub(super) fn made(number: u32, at: SystemTime, trip: Attempted) -> Self {
        let answer = match trip.answer {
            Ok(answer) => Answer::Status(answer.status()),
            Err(SendError::Timeout) => Answer::Timeout,
            Err(error) => Answer::Failed(with_causes(&error)),
        };
        Self { number, at, redirects: trip.redirects, method: trip.method, answer }
    }
}

impl fmt::Display for DeliveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, target, events, attempts, status } = self;
        write!(f, "delivery {id} of {} to {target}: {status}", events.join(", "))?;
        attempts.iter().try_for_each(|attempt| write!(f, "\n  {attempt}"))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = rfc3339(self.at);
        write!(f, "attempt {} at {at}: {}", self.number, self.answer)?;
        match self.redirects {
            0 => Ok(()),
            1 => write!(f, " (a {} after a redirect)", self.method),
            several => write!(f, " (a {} after {several} redirects)", self.method),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued => f.write_str("not yet attempted"),
            Self::Retrying(next) => {
                write!(f, "to be attempted again at {}", rfc3339(*next))
            }
            Self::Delivered => f.write_str("delivered"),
            Self::Lost => f.write_str("lost to a redirect"),
            Self::Stopped => f.write_str("stopped by a 410"),
            Self::Failed => f.write_str("failed for good"),
        }
    }
}
