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

/// `count` of a unit, named in the singular and in the plural.
pub(crate) fn counted(count: usize, [one, many]: [&str; 2]) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
