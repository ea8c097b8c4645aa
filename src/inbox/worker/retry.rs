//! What becomes of a delivery after an attempt: done, again later, or dead.

use std::{sync::Arc, time::Duration};

use crate::{
    inbox::{DeadReason, Finish, Mark, limits},
    router::{BatchOutcome, Outcome},
    util::random,
};

/// How often a delivery is tried, and with which pauses.
#[derive(Clone, Copy)]
pub(super) struct Attempts {
    pub(super) most: u32,
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { most: limits::MAX_ATTEMPTS, first: limits::BACKOFF, longest: limits::MAX_BACKOFF }
    }
}

impl Attempts {
    pub(super) fn is_last(&self, attempt: u32) -> bool {
        attempt >= self.most
    }

    /// The end of `attempt`. The events in `former` were given up before.
    pub(super) fn finish(&self, outcome: &BatchOutcome, former: &[Mark], attempt: u32) -> Finish {
        let outcomes = &outcome.outcomes;
        let error = outcomes.iter().find(|outcome| !outcome.is_ok()).map(Outcome::in_full);
        let dead = |reason| {
            let error = error.clone().unwrap_or_else(|| "an event was given up before".into());
            Finish::Dead { reason, error: error.into() }
        };
        if outcomes.iter().any(is_open) {
            if self.is_last(attempt) {
                return dead(DeadReason::Exhausted);
            }
            let asked = outcomes.iter().filter_map(|outcome| outcome.retry_after()).max();
            let after = asked.unwrap_or_else(|| self.pause(attempt));
            return Finish::Retry { after, error: error.clone().unwrap_or_default().into() };
        }
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Misfit(_))) {
            return dead(DeadReason::Undecodable);
        }
        let given_up = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Dead(_)))
            || former.iter().any(|mark| !mark.is_done);
        if given_up { dead(DeadReason::Refused) } else { Finish::Done }
    }

    /// A random part of a time that doubles with each attempt.
    fn pause(&self, attempt: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let most = self.first.saturating_mul(doubled).min(self.longest).as_millis();
        let most = u64::try_from(most).unwrap_or(u64::MAX - 1);
        Duration::from_millis(random(0..most.saturating_add(1)))
    }
}

/// Whether the event is to be handled again.
fn is_open(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Failed(_) | Outcome::RetryAfter(..) | Outcome::Panicked | Outcome::TimedOut => {
            true
        }
        Outcome::Handled | Outcome::Ignored | Outcome::Skipped => false,
        // It would not fit the next time either.
        Outcome::Misfit(_) | Outcome::Dead(_) => false,
    }
}

/// The ends of the events from the place `from` on. An event that did not fit has none: it may fit after a change of the code.
pub(super) fn ends(outcomes: &[Outcome], from: usize) -> Vec<Mark> {
    let ends = outcomes.iter().enumerate().skip(from).filter_map(|(event, outcome)| {
        let is_done = match outcome {
            Outcome::Handled | Outcome::Ignored => true,
            Outcome::Dead(_) => false,
            _ => return None,
        };
        Some(Mark { event: u32::try_from(event).ok()?, is_done })
    });
    ends.collect()
}

/// The end of a delivery that no handler can be given.
pub(super) fn dead(reason: DeadReason, error: impl Into<Arc<str>>) -> Finish {
    Finish::Dead { reason, error: error.into() }
}
