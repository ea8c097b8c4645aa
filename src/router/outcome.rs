//! `Outcome`: how the handling of one event ended, and the values that a handler may return.

use std::{fmt, time::Duration};

use crate::{BoxError, decode::DecodeError, error::with_causes, util::panics::contained};

/// The result of handling one event.
///
/// If the `Drop` of a handler's error panics, an outcome catches the panic. For this reason, an error cannot be moved out of
/// an outcome by matching: see [`Outcome::into_error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Its handler, or the fallback, succeeded.
    Handled,
    /// No handler is registered for its type, or it has no type, and there is no fallback.
    Ignored,
    /// It was left out, because it was handled in a former run: see [`Batch::without`](super::Batch::without).
    Skipped,
    /// Its handler returned an error.
    Failed(BoxError),
    /// Its handler asked for the event again, after this time at the earliest and for this reason: see
    /// [`Failure::retry_after`]. In a box, so that the outcomes of all other events are smaller.
    RetryAfter(Box<(Duration, BoxError)>),
    /// Its handler gave the event up: see [`Failure::dead`].
    Dead(BoxError),
    /// Its handler or its `Deserialize` implementation panicked.
    Panicked,
    /// Its handler took longer than [`EventRouter::event_timeout`](super::EventRouter::event_timeout), and was dropped.
    TimedOut,
    /// It does not fit its type, and there is no fallback.
    Misfit(DecodeError),
}

impl Outcome {
    /// Whether the event did not fail. If so, then the sender need not send it again.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Handled | Self::Ignored | Self::Skipped)
    }

    /// The error that the handler returned, if there is one.
    pub fn into_error(mut self) -> Option<BoxError> {
        self.take_error()
    }

    /// The time after which its handler asked for it again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RetryAfter(asked) => Some(asked.0),
            _ => None,
        }
    }

    /// The outcome for the operator, with the causes of an error. If the error panics while it is formatted, this says so.
    pub(crate) fn in_full(&self) -> String {
        let shown = contained(|| match self {
            Self::Failed(error) => format!("its handler failed: {}", with_causes(&**error)),
            Self::RetryAfter(asked) => again(asked.0, &with_causes(&*asked.1)),
            Self::Dead(error) => format!("its handler gave it up: {}", with_causes(&**error)),
            outcome => outcome.to_string(),
        });
        shown.unwrap_or_else(|| "its handler failed: formatting its error panicked".into())
    }

    fn take_error(&mut self) -> Option<BoxError> {
        let error = match self {
            Self::Failed(error) | Self::Dead(error) => error,
            Self::RetryAfter(asked) => &mut asked.1,
            _ => return None,
        };
        // The replacement has no size, so nothing is allocated.
        Some(std::mem::replace(error, Box::new(fmt::Error)))
    }
}

impl Drop for Outcome {
    /// Inline, for most events did not fail.
    #[inline]
    fn drop(&mut self) {
        #[cold]
        fn drop_error(outcome: &mut Outcome) {
            let error = outcome.take_error();
            contained(|| drop(error));
        }
        if matches!(self, Self::Failed(_) | Self::RetryAfter(_) | Self::Dead(_)) {
            drop_error(self);
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handled => f.write_str("handled"),
            Self::Ignored => f.write_str("no handler is registered for its type"),
            Self::Skipped => f.write_str("skipped: it was handled before"),
            Self::Failed(error) => write!(f, "its handler failed: {error}"),
            Self::RetryAfter(asked) => f.write_str(&again(asked.0, &asked.1)),
            Self::Dead(error) => write!(f, "its handler gave it up: {error}"),
            Self::Panicked => f.write_str("its handler or its decoding panicked"),
            Self::TimedOut => f.write_str("its handler took too long"),
            Self::Misfit(error) => error.fmt(f),
        }
    }
}

fn again(after: Duration, error: &dyn fmt::Display) -> String {
    format!("its handler asked for it again after {} s: {error}", after.as_secs())
}

/// How a handler failed, if it knows what is to become of its event. Any error converts into it with `?`: such an event is
/// handled again, as if the handler had returned the error itself.
///
/// ```
/// use std::time::Duration;
/// use tower_webhook::{EventRouter, State, providers::learn365::CourseCompleted, router::Failure};
/// # #[derive(Clone)] struct Db;
/// # enum Fault { Busy, NoSuchCourse, Other(std::io::Error) }
/// # impl Db { async fn save(&self, _: &CourseCompleted) -> Result<(), Fault> { Ok(()) } }
///
/// let events = EventRouter::with_state(Db).on(async |e: CourseCompleted, State(db): State<Db>| {
///     match db.save(&e).await {
///         Err(Fault::Busy) => Err(Failure::retry_after(Duration::from_secs(60), "the database is busy")),
///         Err(Fault::NoSuchCourse) => Err(Failure::dead("there is no such course")),
///         Err(Fault::Other(error)) => Err(error.into()),
///         Ok(()) => Ok(()),
///     }
/// });
/// ```
///
/// What becomes of it depends on who runs the handler:
///
/// | | [`EventRouter`](crate::EventRouter) behind the layer | [`inbox::Worker`](crate::inbox::Worker) |
/// |---|---|---|
/// | any error | 500: the sender decides | again, with growing pauses |
/// | [`Failure::retry_after`] | 503 with `Retry-After` | again, after this time |
/// | [`Failure::dead`] | 500 | never again: a dead letter |
#[derive(Debug)]
#[must_use]
pub struct Failure(Outcome);

impl Failure {
    /// The event is to be handled again, `after` this time at the earliest, because of `why`. The time is rounded up to
    /// whole seconds in an answer.
    pub fn retry_after(after: Duration, why: impl Into<BoxError>) -> Self {
        Self(Outcome::RetryAfter(Box::new((after, why.into()))))
    }

    /// The event is never to be handled again, because of `why`: it cannot succeed, such as an order for an account that
    /// does not exist.
    pub fn dead(why: impl Into<BoxError>) -> Self {
        Self(Outcome::Dead(why.into()))
    }
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Outcome::Failed(error.into()))
    }
}

impl IntoOutcome for Result<(), Failure> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(()) => Outcome::Handled,
            Err(Failure(outcome)) => outcome,
        }
    }
}

/// The return type of a handler: `()`, or a `Result<(), E>` with any error, or with [`Failure`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a webhook handler",
    label = "expected `()`, or `Result<(), E>` with an error `E`",
    note = "an error is `std::error::Error + Send + Sync`, `Into<tower_webhook::BoxError>`, or `tower_webhook::router::Failure`",
    note = "return `tower_webhook::BoxError` instead of `Box<dyn std::error::Error>`, which is not `Send + Sync`",
    note = "a handler that never returns needs `-> ()`"
)]
pub trait IntoOutcome {
    /// Converts the returned value.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Handled
    }
}

// Without the attribute, the compiler names the bounds behind the conversion instead of the message above.
#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(()) => Outcome::Handled,
            Err(error) => Outcome::Failed(error.into()),
        }
    }
}
