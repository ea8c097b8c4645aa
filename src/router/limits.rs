//! The limits of handling a request: the defaults of an [`EventRouter`](crate::EventRouter), which its methods change.

use std::time::Duration;

use crate::decode;

/// The maximum number of events in one body: 10,000.
pub const MAX_EVENTS: usize = 10_000;
/// The maximum nesting of an event, which is also the most that can be set: 127, the depth that `serde_json` decodes.
pub const MAX_DEPTH: usize = decode::MAX_DEPTH;
/// The time that a handler may take for one event: 5 minutes.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// The maximum number of batches being handled at the same time: 1,024.
pub const MAX_BATCHES: usize = 1024;
/// The maximum total size of the bodies being handled at the same time, in bytes: 64 MiB.
pub const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;
