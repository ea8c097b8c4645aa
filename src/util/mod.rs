//! Private helpers that several modules use.

pub(crate) mod body_format;
#[cfg(feature = "client")]
pub(crate) mod client;
pub(crate) mod panics;
pub(crate) mod parts;
pub(crate) mod permits;
pub(crate) mod reserve;
pub(crate) mod timer;
pub(crate) mod trace;

use std::{
    hash::{BuildHasher, RandomState},
    ops::Range,
};

/// The longest type of an event, in bytes.
pub(crate) const MAX_EVENT_TYPE: usize = 256;

/// `count` of a unit, named in the singular and in the plural.
pub(crate) fn counted(count: usize, [one, many]: [&str; 2]) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A number of `range` that cannot be foreseen, but is no secret: it spreads attempts over time.
pub(crate) fn random(range: Range<u64>) -> u64 {
    let length = range.end.saturating_sub(range.start).max(1);
    range.start + RandomState::new().hash_one(()) % length
}
