//! A delivery in the hands of a worker: `Claim`, `Lease`, `Leased`, `Mark`, `Finish`.

use std::{sync::Arc, time::Duration};

use super::{DeadReason, Record};

/// The deliveries that a worker asks for.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a test of a store makes it")]
pub struct Claim {
    /// The names of the senders.
    pub sources: Arc<[Arc<str>]>,
    /// How many deliveries at most.
    pub most: usize,
    /// How long they are the worker's.
    pub lease: Duration,
}

/// The right to handle a delivery, and to say what became of it. It ends when its time is over and somebody else claims the
/// delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Lease {
    /// The number of the delivery.
    pub seq: i64,
    /// The number of the claim. No two claims of a delivery have the same, not even after a replay.
    pub token: i64,
}

/// A delivery that a worker may handle.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Leased {
    /// The right to handle it.
    pub lease: Lease,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// How many workers, one after the other, ended while they had it. If the first of them had not begun with it, then it
    /// counts all the same: see [`Store::begin`](super::Store::begin).
    pub crashes: u32,
    /// What was stored.
    pub record: Record,
    /// The events that have an end from former attempts.
    pub settled: Vec<Mark>,
}

/// The end of one event of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Mark {
    /// The place of the event in the body, from 0.
    pub event: u32,
    /// Whether it was handled. If not, then it was given up.
    pub is_done: bool,
}

/// How a lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must know all")]
pub enum Finish {
    /// Every event is handled.
    Done,
    /// The delivery is to be handled again.
    Retry {
        /// The earliest time, from now on the store's clock.
        after: Duration,
        /// Why.
        error: Arc<str>,
    },
    /// The delivery is given up.
    Dead {
        /// Why, in one word.
        reason: DeadReason,
        /// Why, for the operator.
        error: Arc<str>,
    },
    /// The worker stops before it has begun. The attempt does not count.
    Release,
}

/// The numbers of the deliveries to claim: of each sender in turns, so that no sender takes the places of another. `due` has
/// those of each sender in their order.
pub(super) fn in_turns(due: Vec<Vec<i64>>, most: usize) -> Vec<i64> {
    let mut due: Vec<_> = due.into_iter().map(Vec::into_iter).collect();
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let round: Vec<_> = due.iter_mut().filter_map(Iterator::next).collect();
        if round.is_empty() {
            break;
        }
        chosen.extend(round);
    }
    chosen.truncate(most);
    chosen
}
