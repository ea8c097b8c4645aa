//! Timers that are noticed even if a task is busy. Without a tokio runtime there are no timers.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{runtime::Handle, task::unconstrained, time::Sleep};

/// A timer. `None` if there is no runtime to run it.
pub(crate) fn sleep(duration: Duration) -> Option<Sleep> {
    Handle::try_current().is_ok().then(|| tokio::time::sleep(duration))
}

/// Whether the time is over. Without a timer, it never is.
pub(crate) fn poll(timer: Option<Pin<&mut Sleep>>, cx: &mut Context<'_>) -> Poll<()> {
    timer.map_or(Poll::Pending, |timer| poll_elapsed(timer, cx))
}

/// Whether the time is over.
pub(crate) fn poll_elapsed(timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    // If other futures use up the task's budget in each poll, as tokio's own I/O may do, a constrained timer never ends.
    pin!(unconstrained(timer)).poll(cx)
}
