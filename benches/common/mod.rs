//! What the benchmarks and the comparison in `peers/` share: events, signed requests, what one would write without this
//! crate, and how figures are written and drawn.

#![allow(dead_code, unreachable_pub, reason = "each benchmark uses a part, and `peers` all of it")]

pub mod by_hand;
pub mod canvas;
pub mod events;
pub mod figures;
pub mod ours;
pub mod requests;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Drives a future that has nothing to wait for, though it may ask to be polled again.
pub fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut task = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut task) {
            return output;
        }
    }
    panic!("nothing here has anything to wait for");
}
