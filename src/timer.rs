//! A deadline that is seen however busy a task is.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tokio::{task::unconstrained, time::Sleep};

/// Whether the time is over.
pub(crate) fn poll_elapsed(timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    // Else whoever uses up the task's budget in each poll, as tokio's own I/O may, would never let the timer have its say.
    pin!(unconstrained(timer)).poll(cx)
}
