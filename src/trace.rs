//! What the operator is told, where feature `tracing` is on. Never a secret, a signature, a body or a path.

#[cfg(feature = "tracing")]
mod on {
    use std::fmt::Display;

    use crate::error::Rejection;

    pub(crate) fn warn(warning: &str) {
        tracing::warn!("{warning}");
    }

    pub(crate) fn rejected(provider: &str, rejection: &Rejection) {
        tracing::warn!(provider, status = rejection.status().as_u16(), reason = %rejection, "webhook refused");
    }

    pub(crate) fn event_failed(provider: &str, index: usize, outcome: &dyn Display) {
        tracing::error!(provider, index, reason = %outcome, "webhook event not handled");
    }

    pub(crate) fn lost(provider: &str) {
        tracing::error!(
            provider,
            "webhook events lost: the request was dropped outside of a tokio runtime"
        );
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::fmt::Display;

    use crate::error::Rejection;

    pub(crate) fn warn(_: &str) {}

    pub(crate) fn rejected(_: &str, _: &Rejection) {}

    pub(crate) fn event_failed(_: &str, _: usize, _: &dyn Display) {}

    pub(crate) fn lost(_: &str) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) use off::*;
#[cfg(feature = "tracing")]
pub(crate) use on::*;
