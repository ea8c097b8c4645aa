//! `Schedule`: when a sender sends a delivery again, and how long it waits for an answer.

use std::time::Duration;

/// When a sender sends a delivery again, and how long it waits for an answer, as far as that is documented.
///
/// Of a sender that sends again, any 2xx ends a delivery, and so does a 410; everything else, no answer included, is a
/// reason to try again while there are attempts left.
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
/// assert_eq!((loops.attempts(), loops.is_documented()), (1, false));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Schedule {
    documented: bool,
    pauses: &'static [Duration],
    answer_within: Option<Duration>,
    follows_redirects: bool,
}

impl Schedule {
    /// Nothing is documented. One attempt, since anything else would be made up.
    pub const fn undocumented() -> Self {
        Self { documented: false, pauses: &[], answer_within: None, follows_redirects: false }
    }

    /// One attempt and never another.
    pub const fn once() -> Self {
        Self { documented: true, ..Self::undocumented() }
    }

    /// A first attempt, and a further one after each of these pauses since the failure of the one before.
    pub const fn retrying(pauses: &'static [Duration]) -> Self {
        Self { pauses, ..Self::once() }
    }

    /// It waits this long for an answer.
    pub const fn answer_within(self, limit: Duration) -> Self {
        Self { answer_within: Some(limit), ..self }
    }

    /// It follows redirects: after a 301, 302 or 303 with a GET that has no body, after a 307 with the same POST.
    pub const fn following_redirects(self) -> Self {
        Self { follows_redirects: true, ..self }
    }

    /// Whether the sender's vendor, source or specification says so. If not, one attempt is all that is known.
    pub const fn is_documented(&self) -> bool {
        self.documented
    }

    /// The most attempts of a delivery.
    pub const fn attempts(&self) -> usize {
        self.pauses.len().saturating_add(1)
    }

    /// The pause after a failed attempt, counted from 1. `None` after the last.
    pub fn pause_after(&self, attempt: u32) -> Option<Duration> {
        let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
        self.pauses.get(index).copied()
    }

    /// How long it waits for an answer, if that is documented.
    pub const fn patience(&self) -> Option<Duration> {
        self.answer_within
    }

    /// Whether it follows redirects.
    pub const fn follows_redirects(&self) -> bool {
        self.follows_redirects
    }
}
