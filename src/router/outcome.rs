//! `Outcome`: how the handling of one event ended, and the values that a handler may return.

use std::fmt;

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

    /// The error that the handler returned, if this is [`Outcome::Failed`].
    pub fn into_error(mut self) -> Option<BoxError> {
        self.take_error()
    }

    /// The outcome for the operator, with the causes of an error. If the error panics while it is formatted, this says so.
    pub(super) fn in_full(&self) -> String {
        let shown = contained(|| match self {
            Self::Failed(error) => format!("its handler failed: {}", with_causes(&**error)),
            outcome => outcome.to_string(),
        });
        shown.unwrap_or_else(|| "its handler failed: formatting its error panicked".into())
    }

    fn take_error(&mut self) -> Option<BoxError> {
        match self {
            // The replacement has no size, so nothing is allocated.
            Self::Failed(error) => Some(std::mem::replace(error, Box::new(fmt::Error))),
            _ => None,
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if let Some(error) = self.take_error() {
            contained(|| drop(error));
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
            Self::Panicked => f.write_str("its handler or its decoding panicked"),
            Self::TimedOut => f.write_str("its handler took too long"),
            Self::Misfit(error) => error.fmt(f),
        }
    }
}

/// The return type of a handler: `()`, or a `Result<(), E>` with any error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a webhook handler",
    label = "expected `()`, or `Result<(), E>` with an error `E`",
    note = "an error is `std::error::Error + Send + Sync`, or `Into<tower_webhook::BoxError>`",
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
