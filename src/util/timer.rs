//! Deadlines that are seen however busy a task is. Outside of a tokio runtime there are none.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{runtime::Handle, task::unconstrained, time::Sleep};

/// A timer, if there is a runtime to keep it.
pub(crate) fn sleep(duration: Duration) -> Option<Sleep> {
    Handle::try_current().is_ok().then(|| tokio::time::sleep(duration))
}

/// Whether the time is over. Without a timer it never is.
pub(crate) fn poll(timer: Option<Pin<&mut Sleep>>, cx: &mut Context<'_>) -> Poll<()> {
    timer.map_or(Poll::Pending, |timer| poll_elapsed(timer, cx))
}

/// Whether the time is over.
pub(crate) fn poll_elapsed(timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    // Else whoever uses up the task's budget in each poll, as tokio's own I/O may, would never let the timer have its say.
    pin!(unconstrained(timer)).poll(cx)
}
