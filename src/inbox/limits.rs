//! The limits of an inbox and its worker: their defaults, which their methods change.

use std::time::Duration;

/// The time that a sender waits for its delivery to be stored: 10 seconds.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// The part of a store that is kept free for senders that never send again: a fifth.
pub const RESERVE: f64 = 0.2;
/// The deliveries that a worker handles at the same time: 16.
pub const CONCURRENCY: u32 = 16;
/// The time after which another worker takes a delivery over, if the one that has it is silent: 60 seconds.
pub const LEASE: Duration = Duration::from_secs(60);
/// How many times a delivery is handed to its handlers, until it is dead: 12.
pub const MAX_ATTEMPTS: u32 = 12;
/// The longest pause before the second attempt: 5 seconds. Each further one can be twice as long.
pub const BACKOFF: Duration = Duration::from_secs(5);
/// The longest pause between two attempts: 1 hour.
pub const MAX_BACKOFF: Duration = Duration::from_secs(60 * 60);
/// How many workers, one after the other, may end in the middle of a delivery, until it is dead: 3.
pub const MAX_CRASHES: u32 = 3;
/// The time that a worker gives its handlers to end when it is told to stop: 30 seconds.
pub const GRACE: Duration = Duration::from_secs(30);

/// The pressure at which a delivery is refused.
pub(super) fn of_pressure(never_resends: bool) -> f64 {
    if never_resends { 1.0 } else { 1.0 - RESERVE }
}
