//! `DeliveryReport`: shows the attempts of one delivery and their answers.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, Method, StatusCode, header::RETRY_AFTER};

use super::{client::Attempted, retries::DeliveryStatus};
use crate::{
    Schedule,
    error::{SendError, with_causes},
    scheme::Timestamp,
};

/// The attempts of one delivery so far, their times and their answers. `Display` shows them on several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Its id, the same in every attempt.
    pub id: String,
    /// The name of the receiver, as it was given to [`Deliveries::push`](super::Deliveries::push). From the Learn365
    /// emulator, it is the id of the registration.
    pub target: String,
    /// The types of its events.
    pub event_types: Vec<String>,
    /// The attempts, in order.
    pub attempts: Vec<Attempt>,
    /// Whether it is finished, and how.
    pub status: DeliveryStatus,
}

/// One attempt of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The time of the attempt, as it was given to [`Deliveries::deliver_due`](super::Deliveries::deliver_due).
    pub at: SystemTime,
    /// The number of redirects that were followed.
    pub redirects: u32,
    /// The method of the last request. A redirect can turn a POST into a GET.
    pub method: Method,
    /// Its answer, or why there was no answer.
    pub answer: Answer,
    /// The seconds in `Retry-After` of the answer.
    pub retry_after: Option<Duration>,
}

/// The answer to an attempt, or why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// An answer with this status.
    Status(StatusCode),
    /// There was no answer within the sender's timeout.
    Timeout,
    /// There was no answer, for this reason.
    Failed(String),
}

impl DeliveryReport {
    pub(super) fn new(id: String, target: String, event_types: Vec<String>) -> Self {
        Self { id, target, event_types, attempts: Vec::new(), status: DeliveryStatus::Queued }
    }
}

impl Attempt {
    pub(super) fn made(number: u32, at: SystemTime, attempted: Attempted) -> Self {
        let retry_after = attempted.answer.as_ref().ok().and_then(|of| retry_after(of.headers()));
        let answer = match attempted.answer {
            Ok(answer) => Answer::Status(answer.status()),
            Err(SendError::Timeout) => Answer::Timeout,
            Err(error) => Answer::Failed(with_causes(&error)),
        };
        let (redirects, method) = (attempted.redirects, attempted.method);
        Self { number, at, redirects, method, answer, retry_after }
    }

    /// The pause that the answer asks for, if the sender heeds it.
    pub(super) fn asked_pause(&self, schedule: &Schedule) -> Option<Duration> {
        let asked = self.retry_after.filter(|_| schedule.heeds_retry_after);
        asked.map(|pause| pause.min(MAX_ASKED_PAUSE))
    }
}

/// The longest pause that an answer can ask for: a mistake in a header must not end a delivery.
const MAX_ASKED_PAUSE: Duration = Duration::from_secs(24 * 3600);

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let is_number = seconds.bytes().all(|byte| byte.is_ascii_digit());
    seconds.parse().ok().filter(|_| is_number).map(Duration::from_secs)
}

impl fmt::Display for DeliveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, target, event_types, attempts, status } = self;
        write!(f, "delivery {id} of {} to {target}: {status}", event_types.join(", "))?;
        attempts.iter().try_for_each(|attempt| write!(f, "\n  {attempt}"))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Timestamp::from(self.at).to_rfc3339();
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
                write!(f, "to be attempted again at {}", Timestamp::from(*next).to_rfc3339())
            }
            Self::Delivered => f.write_str("delivered"),
            Self::Lost => f.write_str("lost in a redirect"),
            Self::Stopped => f.write_str("stopped by a 410"),
            Self::Failed => f.write_str("failed, without another attempt"),
        }
    }
}
