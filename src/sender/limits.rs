//! The limits of sending over plain HTTP. They cannot be changed.

use std::time::Duration;

/// The time that an answer may take, including the connection, if the sender's [`Schedule`](crate::Schedule) has no other:
/// 30 seconds.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest body of an answer that is read, in bytes: 64 KiB.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The maximum number of finished deliveries that [`Deliveries`](super::Deliveries) remembers: 10,000. If there are more,
/// the oldest are forgotten.
pub const MAX_FINISHED: usize = 10_000;
