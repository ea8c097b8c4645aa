use std::fmt;

use crate::{BoxError, decode::DecodeError};

/// What became of one event.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// A handler took it.
    Handled,
    /// Nobody listens to its type.
    Ignored,
    /// Its handler returned an error.
    Failed(BoxError),
    /// Its handler, or the decoding of it, panicked.
    Panicked,
    /// It does not fit its type, and there is no fallback.
    Misfit(DecodeError),
}

impl Outcome {
    /// Whether the sender may take it as delivered.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Handled | Self::Ignored)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handled => f.write_str("handled"),
            Self::Ignored => f.write_str("nobody listens to its type"),
            Self::Failed(error) => write!(f, "its handler failed: {error}"),
            Self::Panicked => f.write_str("its handler panicked"),
            Self::Misfit(error) => error.fmt(f),
        }
    }
}

/// What a handler may return: `()`, or a `Result<(), E>` of any error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a webhook handler",
    label = "expected `()` or `Result<(), E>`",
    note = "an error type needs `Into<Box<dyn std::error::Error + Send + Sync>>`"
)]
pub trait IntoOutcome {
    /// Converts it.
    ///
    /// # Errors
    ///
    /// What the handler failed with.
    fn into_outcome(self) -> Result<(), BoxError>;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}
