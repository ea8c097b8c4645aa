//! A handle to the batches of a router, of the same type for every router.

use std::fmt;

use crate::util::permits::Permits;

/// The batches that a router and its clones are handling. The type is the same for every router, so several routers can be
/// drained alike.
///
/// ```
/// use tower_webhook::{EventRouter, router::Batches};
/// use tower_webhook::providers::{learn365::{CourseCompleted, Learn365}, loops::{Loops, SessionStarted}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let loops = EventRouter::<Loops>::new().on(async |_: SessionStarted| {});
/// let learn365 = EventRouter::<Learn365>::new().on(async |_: CourseCompleted| {});
/// let all: Vec<Batches> = vec![loops.batches(), learn365.batches()];
/// // … after the server has stopped:
/// for batches in &all {
///     batches.drain().await;
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Batches(pub(super) Permits);

impl Batches {
    /// Waits until no batch is being handled, not even one whose sender has hung up. Requests that arrive during this time
    /// get 503. Call this at shutdown, after the server has stopped.
    pub async fn drain(&self) {
        self.0.drain().await;
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("most", &self.0.max()).finish_non_exhaustive()
    }
}
