//! `Decoded`: whether a value of well-formed JSON fits the type that it was decoded as.

use super::DecodeError;

/// A value that was decoded. It is well-formed JSON even if it does not fit: a body that is not JSON is an error instead,
/// as in `Result<Decoded<T>, DecodeError>`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded<T> {
    Fits(T),
    /// The value does not fit the type. The rest of the body is not concerned.
    Misfit(DecodeError),
}

impl<T> Decoded<T> {
    #[inline]
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Decoded<U> {
        match self {
            Self::Fits(value) => Decoded::Fits(change(value)),
            Self::Misfit(error) => Decoded::Misfit(error),
        }
    }

    #[inline]
    pub(super) fn map_misfit(self, change: impl FnOnce(DecodeError) -> DecodeError) -> Self {
        match self {
            Self::Fits(value) => Self::Fits(value),
            Self::Misfit(error) => Self::Misfit(change(error)),
        }
    }
}
