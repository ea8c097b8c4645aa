//! Private helpers that several modules use.

pub(crate) mod body_format;
#[cfg(feature = "client")]
pub(crate) mod client;
pub(crate) mod panics;
pub(crate) mod permits;
pub(crate) mod timer;
pub(crate) mod trace;

/// The longest type of an event, in bytes.
pub(crate) const MAX_EVENT_TYPE: usize = 256;
