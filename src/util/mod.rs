//! Private helpers that several modules use.

pub(crate) mod body_format;
#[cfg(feature = "client")]
pub(crate) mod client;
pub(crate) mod panics;
pub(crate) mod permits;
pub(crate) mod timer;
pub(crate) mod trace;
