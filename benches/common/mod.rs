//! The work that is measured, shared by the benchmarks and by the comparison in `peers/`: events, signed requests, and
//! what one would write without this crate.

#![allow(dead_code, unreachable_pub, reason = "each benchmark uses a part, and `peers` all of it")]

pub mod by_hand;
pub mod events;
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
