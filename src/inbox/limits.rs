//! The limits of an inbox and its worker: their defaults, which their methods change.

use std::time::Duration;

/// The time that a sender waits for its delivery to be stored: 10 seconds.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum total size of the bodies that wait to be stored, in bytes: 64 MiB.
pub const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;
/// The part of a store that is kept free for senders that never send again: a fifth.
pub const RESERVE: f64 = 0.2;
/// The deliveries that a worker handles at the same time: 16.
pub const CONCURRENCY: u32 = 16;
/// The time after which another worker takes a delivery over, if the one that has it is silent: 60 seconds.
pub const LEASE: Duration = Duration::from_secs(60);
/// The shortest lease: 1 second.
pub const MIN_LEASE: Duration = Duration::from_secs(1);
/// How many times a delivery is handed to its handlers, until it is dead: 12.
pub const MAX_ATTEMPTS: u32 = 12;
/// The longest pause before the second attempt: 5 seconds. Each further one can be twice as long.
pub const BACKOFF: Duration = Duration::from_secs(5);
/// The longest pause between two attempts: 1 hour.
pub const MAX_BACKOFF: Duration = Duration::from_secs(60 * 60);
/// How many workers, one after the other, may end in the middle of a delivery, until it is dead: 5. From the second on, it is
/// handled alone. There are more after that, since a worker may be killed for other reasons while it handles it. If one of its
/// events ends between two of them, then the count begins again.
pub const MAX_CRASHES: u32 = 5;
/// The time that a worker gives its handlers to end when it is told to stop: 20 seconds. Many supervisors kill a process after
/// 30 seconds.
pub const GRACE: Duration = Duration::from_secs(20);

/// The pressure at which a delivery is refused.
pub(super) fn of_pressure(never_resends: bool) -> f64 {
    if never_resends { 1.0 } else { 1.0 - RESERVE }
}
