//! `Schedule`: when a sender sends a delivery again, and how long it waits for an answer.

use std::{borrow::Cow, time::Duration};

/// The times at which a sender retries a delivery, and the time that it waits for an answer, if that is documented.
///
/// If a sender retries, then a 2xx or a 410 ends the delivery. After any other answer, or without an answer, the sender
/// makes the next attempt until there are no attempts left. [`Schedule::gone_disables_endpoint`] and
/// [`Schedule::heeds_retry_after`] say what else an answer does.
///
/// ```
/// use std::time::Duration;
/// use tower_webhook::{Emit, Schedule, providers::{learn365::Learn365, loops::Loops}};
///
/// # fn main() -> Result<(), tower_webhook::error::ConfigError> {
/// let learn365 = Learn365::new("0123456789abcdef0123456789abcdef")?.schedule();
/// assert_eq!(learn365.attempts(), 3);
/// assert_eq!(learn365.pause_after(1), Some(Duration::from_secs(60)));
/// assert_eq!(learn365.pause_after(3), None);
///
/// let loops = Loops::dangerous_unauthenticated().schedule();
/// assert_eq!((loops.attempts(), loops.is_documented), (1, false));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Schedule {
    /// Whether the sender's vendor, source or specification documents this. If not, the schedule has one attempt, because
    /// further ones would be invented.
    pub is_documented: bool,
    /// The pauses between attempts. Each begins when the attempt before it has failed.
    pub pauses: Cow<'static, [Duration]>,
    /// The time that the sender waits for an answer, if that is documented.
    pub answer_timeout: Option<Duration>,
    /// Whether the sender follows redirects. After a 301, 302 or 303 it sends a GET without a body, and after a 307 the same
    /// POST.
    pub follows_redirects: bool,
    /// Whether a 410 disables the endpoint: every delivery to the same URL ends, and later ones are not attempted. If not, a
    /// 410 ends its own delivery only. Only new `Deliveries` send there again.
    pub gone_disables_endpoint: bool,
    /// Whether `Retry-After` in a failed answer, in seconds, delays the next attempt of the delivery. It makes no pause
    /// shorter, and adds no attempt. In a 429, 502 or 504 it delays all deliveries to the same URL. A date is ignored, and
    /// more than a day is a day.
    pub heeds_retry_after: bool,
}

impl Schedule {
    /// One attempt, because nothing is documented.
    pub const fn undocumented() -> Self {
        Self {
            is_documented: false,
            pauses: Cow::Borrowed(&[]),
            answer_timeout: None,
            follows_redirects: false,
            gone_disables_endpoint: false,
            heeds_retry_after: false,
        }
    }

    /// One attempt, and never another: this is documented.
    pub fn once() -> Self {
        Self { is_documented: true, ..Self::undocumented() }
    }

    /// A first attempt, and a further one after each of these pauses.
    pub fn retrying(pauses: impl Into<Cow<'static, [Duration]>>) -> Self {
        Self { pauses: pauses.into(), ..Self::once() }
    }

    /// Sets [`Schedule::answer_timeout`].
    pub fn answer_timeout(self, timeout: Duration) -> Self {
        Self { answer_timeout: Some(timeout), ..self }
    }

    /// Sets [`Schedule::follows_redirects`] to `true`.
    pub fn follows_redirects(self) -> Self {
        Self { follows_redirects: true, ..self }
    }

    /// Sets [`Schedule::gone_disables_endpoint`] to `true`.
    pub fn gone_disables_endpoint(self) -> Self {
        Self { gone_disables_endpoint: true, ..self }
    }

    /// Sets [`Schedule::heeds_retry_after`] to `true`.
    pub fn heeds_retry_after(self) -> Self {
        Self { heeds_retry_after: true, ..self }
    }

    /// The maximum number of attempts of a delivery.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.pauses.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The pause after a failed attempt, counted from 1. `None` after the last.
    pub fn pause_after(&self, attempt: u32) -> Option<Duration> {
        let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
        self.pauses.get(index).copied()
    }
}
